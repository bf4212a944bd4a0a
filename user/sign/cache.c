/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct entry {
	uint64_t signer;
	uint32_t len;
	uint16_t signature_len;
	uint8_t octets[]; /* what was signed, the signature */
};

#define WAYS   4
#define PLACES (SIGN_CACHE_MAX / WAYS)

/* All but `taken` is of who has taken the place. */
struct place {
	atomic_bool taken;
	uint8_t oldest;
	struct entry *entries[WAYS];
};

static struct place places[PLACES];
static atomic_uint_fast64_t hits, misses;

static struct place *place_of(uint64_t signer, const uint8_t *data, size_t len)
{
	return &places[XXH3_64bits_withSeed(data, len, signer) % PLACES];
}

static bool take(struct place *place)
{
	return !atomic_exchange_explicit(&place->taken, true, memory_order_acquire);
}

static void leave(struct place *place)
{
	atomic_store_explicit(&place->taken, false, memory_order_release);
}

static bool matches(const struct entry *entry, uint64_t signer, const uint8_t *data, size_t len)
{
	return entry && entry->signer == signer && entry->len == len &&
	       !memcmp(entry->octets, data, len);
}

static size_t find(const struct place *place, uint64_t signer, const uint8_t *data, size_t len,
                   uint8_t *ret, size_t size)
{
	for (unsigned int i = 0; i < WAYS; i++) {
		const struct entry *entry = place->entries[i];

		if (!matches(entry, signer, data, len) || entry->signature_len > size)
			continue;
		memcpy(ret, entry->octets + len, entry->signature_len);
		return entry->signature_len;
	}
	return 0;
}

size_t sign_cache_find(uint64_t signer, const uint8_t *data, size_t len, uint8_t *ret, size_t size)
{
	struct place *place = place_of(signer, data, len);
	size_t found = 0;

	if (len <= SIGN_CACHE_DATA_MAX && take(place)) {
		found = find(place, signer, data, len, ret, size);
		leave(place);
	}
	atomic_fetch_add_explicit(found ? &hits : &misses, 1, memory_order_relaxed);
	return found;
}

static struct entry *entry_new(uint64_t signer, const uint8_t *data, size_t len,
                               const uint8_t *signature, size_t signature_len)
{
	struct entry *entry = malloc(sizeof(*entry) + len + signature_len);

	if (!entry)
		return NULL;
	entry->signer = signer;
	entry->len = (uint32_t)len;
	entry->signature_len = (uint16_t)signature_len;
	memcpy(entry->octets, data, len);
	memcpy(entry->octets + len, signature, signature_len);
	return entry;
}

/* Puts an entry in, in place of the oldest, unless somebody is there. */
static void replace(struct place *place, struct entry *entry)
{
	struct entry *old = entry;

	if (take(place)) {
		old = place->entries[place->oldest];
		place->entries[place->oldest] = entry;
		place->oldest = (uint8_t)((place->oldest + 1) % WAYS);
		leave(place);
	}
	free(old);
}

void sign_cache_put(uint64_t signer, const uint8_t *data, size_t len, const uint8_t *signature,
                    size_t signature_len)
{
	struct entry *entry;

	if (len > SIGN_CACHE_DATA_MAX)
		return;
	entry = entry_new(signer, data, len, signature, signature_len);
	if (entry)
		replace(place_of(signer, data, len), entry);
}

void sign_cache_stats(struct sign_cache_stats *ret)
{
	ret->hits = atomic_load_explicit(&hits, memory_order_relaxed);
	ret->misses = atomic_load_explicit(&misses, memory_order_relaxed);
}

void sign_cache_clear(void)
{
	for (size_t i = 0; i < PLACES * WAYS; i++)
		replace(&places[i / WAYS], NULL);
}
