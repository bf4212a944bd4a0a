/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep - last good answers on disk (LMDB), so that a power cut loses none.
 *
 * A store of opaque records. Puts and deletes are collected and committed in
 * one transaction by a thread of libuv's pool, at most 200 ms later, synced.
 * A map that is full grows. A file that cannot be used (corrupt, other
 * version) is moved aside with a message, and a new one begun.
 */
#ifndef ANAMED_UPSTREAM_KEEP_H
#define ANAMED_UPSTREAM_KEEP_H

#include <uv.h>

#include "base/error.h"

struct keep;

#define KEEP_KEY_MAX 320

/* Opens DIR/last-good.mdb (one file, MDB_NOSUBDIR), mode 0600. 0 or a negative errno with *error.
 */
int keep_open(uv_loop_t *loop, const char *dir, struct keep **ret, struct error *error);

/* Calls visit for every record; octets are valid during the call. Non-zero from visit deletes the
 * record. */
int keep_each(struct keep *keep,
              int (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                           void *arg),
              void *arg);

void keep_put(struct keep *keep, const void *key, size_t key_len, const void *value,
              size_t value_len);
void keep_delete(struct keep *keep, const void *key, size_t key_len);

/* Commits what is waiting, now, in this thread. */
int keep_flush(struct keep *keep);

struct keep_stats {
	uint64_t records, commits, failures, bytes;
};
void keep_stats(struct keep *keep, struct keep_stats *ret);
void keep_close(struct keep *keep); /* flushes */

#endif
