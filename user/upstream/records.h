/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * records - a file of records that a crash leaves whole (LMDB).
 *
 * records.c is the only file with LMDB. Not for two threads at once: the map
 * grows when it is full, and LMDB wants no other transaction of the process
 * open then. A file is read to its end before it is used, so that a damaged
 * one is moved aside, not stumbled over.
 */
#ifndef ANAMED_UPSTREAM_RECORDS_H
#define ANAMED_UPSTREAM_RECORDS_H

#include "base/error.h"
#include "upstream/changes.h"

struct records;

/* Opens or makes the file, mode 0600. One that cannot be used goes to "PATH.bad". 0 or a negative
 * errno with *error. */
int records_open(const char *path, struct records **ret, struct error *error);

/* All or nothing, on disk when it returns. 0, or an error for records_error_text(). */
int records_commit(struct records *records, const struct changes *changes);
const char *records_error_text(int error);

/* Calls visit for each, in the order of the keys: `sound` is false where the checksum is not
 * right. 0 or -EIO. */
int records_each(struct records *records,
                 void (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                               bool sound, void *arg),
                 void *arg);

/* How many there are, and the octets in use on disk. */
void records_measure(struct records *records, uint64_t *ret_count, uint64_t *ret_bytes);

void records_close(struct records *records);

#endif
