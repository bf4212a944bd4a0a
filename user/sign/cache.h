/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache - signatures over what no zone data hold: denials, expanded wildcards.
 *
 * There is no end to names that do not exist, so this has one: a table of fixed
 * size for the whole process, by what was signed, whole. What comes later takes
 * the place of the oldest of a few. Any thread; nobody waits: a place that somebody
 * is at counts as empty.
 */
#ifndef ANAMED_SIGN_CACHE_H
#define ANAMED_SIGN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#define SIGN_CACHE_MAX      16384 /* signatures */
#define SIGN_CACHE_DATA_MAX 1024  /* octets that are signed; more is not kept */

/* The signature that this signer (by its number) gave over these octets; its length, 0: not here.
 */
size_t sign_cache_find(uint64_t signer, const uint8_t *data, size_t len, uint8_t *ret, size_t size);

void sign_cache_put(uint64_t signer, const uint8_t *data, size_t len, const uint8_t *signature,
                    size_t signature_len);

struct sign_cache_stats {
	uint64_t hits, misses;
};

void sign_cache_stats(struct sign_cache_stats *ret);

/* Forgets all; for tests. */
void sign_cache_clear(void);

#endif
