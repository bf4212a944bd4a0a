/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/limit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "anamed/dns.h"
#include "anamed/key.h"

#define SET      8 /* entries in one line of the processor's cache */
#define IPV4_LEN 24
#define IPV6_LEN 56

/*
 * An entry: 16 bits that tell networks of one set apart, and 48 bits of the
 * time, in us from the start, at which its account will be even: each reply
 * moves it on by what one reply costs. A time in the past is a free entry.
 */
#define TIME_BITS 48
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

struct limit {
	uint64_t entries[LIMIT_ENTRIES] __attribute__((aligned(64)));
	uint64_t seed;
	uint64_t begin_ms;
};

struct limit *limit_new(uint64_t now_ms)
{
	struct limit *limit = aligned_alloc(64, (sizeof(*limit) + 63) / 64 * 64);

	if (!limit)
		return NULL;
	memset(limit, 0, sizeof(*limit));
	limit->begin_ms = now_ms;
	if (getrandom(&limit->seed, sizeof(limit->seed), 0) != sizeof(limit->seed)) {
		free(limit);
		return NULL;
	}
	return limit;
}

void limit_free(struct limit *limit)
{
	free(limit);
}

enum limit_kind limit_kind_of(const uint8_t *reply)
{
	unsigned int rcode = reply[3] & AN_FLAG_RCODE;

	if (rcode == AN_RCODE_NXDOMAIN)
		return LIMIT_DENIAL;
	if (rcode != AN_RCODE_NOERROR)
		return LIMIT_ERROR;
	if (reply[6] || reply[7]) /* ANCOUNT */
		return LIMIT_ANSWER;
	return reply[2] & AN_FLAG_AA >> 8 ? LIMIT_EMPTY : LIMIT_REFERRAL;
}

static bool is_exempt(const struct config *config, const struct endpoint *peer)
{
	struct network host = network_of(peer->family, peer->address, 128);

	for (size_t i = 0; i < config->rate_exempt_count; i++)
		if (network_contains(&config->rate_exempt[i], &host))
			return true;
	return false;
}

static uint64_t hash_of(const struct limit *limit, const struct endpoint *peer,
                        enum limit_kind kind)
{
	struct network network = network_of(peer->family, peer->address,
	                                    peer->family == AN_FAMILY_IPV6 ? IPV6_LEN : IPV4_LEN);
	uint64_t hash = an_hash_step(limit->seed, an_load8(network.address));

	return an_hash_step(hash, (uint64_t)kind << 8 | network.family);
}

/* The entry with this tag that still counts, else the one that is even, or will be, first. */
static uint64_t *entry_of(uint64_t *set, uint64_t tag, uint64_t now)
{
	uint64_t *least = set;

	for (unsigned int i = 0; i < SET; i++) {
		uint64_t word = __atomic_load_n(&set[i], __ATOMIC_RELAXED);

		if (word >> TIME_BITS == tag && (word & TIME_MASK) > now)
			return &set[i];
		if ((word & TIME_MASK) < (__atomic_load_n(least, __ATOMIC_RELAXED) & TIME_MASK))
			least = &set[i];
	}
	return least;
}

bool limit_take(struct limit *limit, const struct config *config, const struct endpoint *peer,
                enum limit_kind kind, uint64_t now_ms)
{
	uint64_t cost = 1000000 / config->rate_limit, most = config->rate_window_ms * 1000ull;
	uint64_t now = (now_ms - limit->begin_ms) * 1000 + 1, hash, tag, word, even;
	uint64_t *entry;

	if (is_exempt(config, peer))
		return true;
	hash = hash_of(limit, peer, kind);
	tag = hash >> TIME_BITS;
	do {
		entry = entry_of(&limit->entries[hash % (LIMIT_ENTRIES / SET) * SET], tag, now);
		word = __atomic_load_n(entry, __ATOMIC_RELAXED);
		even = word & TIME_MASK;
		if (word >> TIME_BITS != tag || even < now)
			even = now;
		if (even + cost > now + most)
			return false;
	} while (!__atomic_compare_exchange_n(entry, &word, tag << TIME_BITS | (even + cost), true,
	                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}
