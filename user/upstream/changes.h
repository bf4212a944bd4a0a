/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes - puts and deletes on their way to disk; the last of a key counts.
 *
 * A hash table of its own memory, for one thread at a time. A value is kept as
 * it is to be written: behind a checksum of key and value, so that a record
 * that was damaged on disk is known when it is read.
 */
#ifndef ANAMED_UPSTREAM_CHANGES_H
#define ANAMED_UPSTREAM_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGES_SUM_LEN 8

struct change {
	struct change *next;
	uint64_t hash;
	size_t key_len;
	size_t value_len; /* with the checksum */
	bool deleted;
	uint8_t octets[]; /* key, checksum, value */
};

struct changes {
	struct change **buckets;
	size_t bucket_count, count;
};

/* 0 or -ENOMEM. A delete has no value. */
int changes_put(struct changes *changes, const void *key, size_t key_len, const void *value,
                size_t value_len);
int changes_delete(struct changes *changes, const void *key, size_t key_len);

/* Moves all of `from` behind what is in `to`: where both have a key, that of `to` stays. */
void changes_return(struct changes *to, struct changes *from);

void changes_free(struct changes *changes);

/* The checksum that stands before a value. */
uint64_t changes_sum(const void *key, size_t key_len, const void *value, size_t value_len);

#endif
