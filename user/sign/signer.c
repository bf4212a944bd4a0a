/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/signer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "anamed/dns.h"
#include "base/clock.h"
#include "base/name.h"
#include "sign/cache.h"

#define RRSIG_FIXED_LEN 18
#define FEW             4096 /* octets to be signed that need no memory of their own */
#define DS_SHA256       2
#define PLACES_LEAST    16
#define PLACES_MOST     (1u << 22)

/* Signatures of a set of the zone's, once made. */
struct kept {
	struct kept *next;
	const struct zone_rrset *of;
	struct sign_set set; /* last */
};

struct signer {
	uint64_t number, content;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t apex_len;
	struct sign_keys *keys;
	struct sign_policy policy;
	bool kept_on;
	struct sign_role roles[SIGN_KEYS_MAX];
	int64_t begin, inception, expiration, next;
	struct zone_rrset apex_sets[3];
	struct zone_rdata apex_rdata[3][SIGN_KEYS_MAX];
	uint8_t ds[SIGN_KEYS_MAX][SIGN_DS_MAX];
	size_t places_count; /* a power of two */
	_Atomic(struct kept *) *places;
};

static atomic_uint_fast64_t numbers, made;

uint64_t signer_made(void)
{
	return atomic_load_explicit(&made, memory_order_relaxed);
}

/* ---- times ---- */

/* Zones do not all change in one second: each has its own offset, the same everywhere. */
static void find_times(struct signer *signer, int64_t now)
{
	int64_t validity = signer->policy.validity_s, period = validity / SIGNER_EPOCHS;
	int64_t offset;

	if (period < 1)
		period = 1;
	offset = (int64_t)(XXH3_64bits(signer->apex, signer->apex_len) % (uint64_t)period);
	signer->begin = now - (now - offset) % period;
	signer->inception = signer->begin - SIGNER_INCEPTION_S;
	signer->expiration = signer->begin + validity;
	signer->next = signer->begin + period;
	for (unsigned int i = 0; i < signer->keys->count; i++) {
		int64_t next = sign_key_next(&signer->keys->keys[i], now);

		if (next < signer->next)
			signer->next = next;
	}
}

bool signer_is_over(const struct signer *signer, int64_t now)
{
	return now >= signer->next || now < signer->begin;
}

/* ---- what the apex has by its keys ---- */

static void add_rdata(struct signer *signer, unsigned int set, const uint8_t *data, size_t len)
{
	struct zone_rrset *rrset = &signer->apex_sets[set];
	struct zone_rdata *rdata = signer->apex_rdata[set];
	unsigned int at = rrset->count++;

	/* In canonical order, as zone data are. */
	while (at) {
		size_t other = rdata[at - 1].len;
		int order = memcmp(rdata[at - 1].data, data, other < len ? other : len);

		if (order < 0 || (!order && other <= len))
			break;
		rdata[at] = rdata[at - 1];
		at--;
	}
	rdata[at] = (struct zone_rdata){.len = (uint16_t)len, .data = data};
}

static uint32_t key_ttl(const struct zone *zone)
{
	return zone->soa && zone->soa->ttl < SIGNER_KEY_TTL ? zone->soa->ttl : SIGNER_KEY_TTL;
}

/* RFC 8078 4: the parent is to take the DS away. */
static void add_delete(struct signer *signer)
{
	static const uint8_t cds[] = {0, 0, 0, 0, 0}, cdnskey[] = {0, 0, 3, 0, 0};

	add_rdata(signer, 1, cds, sizeof(cds));
	add_rdata(signer, 2, cdnskey, sizeof(cdnskey));
}

static void make_apex(struct signer *signer, const struct zone *zone)
{
	static const uint16_t types[] = {AN_TYPE_DNSKEY, AN_TYPE_CDS, AN_TYPE_CDNSKEY};

	for (unsigned int i = 0; i < 3; i++)
		signer->apex_sets[i] = (struct zone_rrset){
		        .type = types[i], .ttl = key_ttl(zone), .rdata = signer->apex_rdata[i]};
	for (unsigned int i = 0; i < signer->keys->count; i++) {
		const struct sign_key *key = &signer->keys->keys[i];

		if (signer->roles[i].published)
			add_rdata(signer, 0, key->public, key->public_len);
		if (!signer->roles[i].published || !signer->roles[i].signs_keys ||
		    signer->policy.cds != SIGN_CDS_ON)
			continue;
		add_rdata(
		        signer, 1, signer->ds[i],
		        sign_key_ds(key, signer->apex, signer->apex_len, DS_SHA256, signer->ds[i]));
		add_rdata(signer, 2, key->public, key->public_len);
	}
	if (signer->policy.cds == SIGN_CDS_DELETE)
		add_delete(signer);
}

const struct zone_rrset *signer_apex_rrset(const struct signer *signer, uint16_t type)
{
	for (unsigned int i = 0; i < 3; i++)
		if (signer->apex_sets[i].type == type && signer->apex_sets[i].count)
			return &signer->apex_sets[i];
	return NULL;
}

static uint64_t content_of(const struct signer *signer)
{
	int64_t times[] = {signer->inception, signer->expiration};
	uint64_t sum = XXH3_64bits(times, sizeof(times));

	for (unsigned int i = 0; i < signer->keys->count; i++) {
		const struct sign_key *key = &signer->keys->keys[i];
		uint8_t role[] = {signer->roles[i].published, signer->roles[i].signs_keys,
		                  signer->roles[i].signs_zone, (uint8_t)signer->policy.cds};

		sum = XXH3_64bits_withSeed(key->public, key->public_len, sum);
		sum = XXH3_64bits_withSeed(role, sizeof(role), sum);
	}
	return sum;
}

/* ---- making ---- */

static int find_roles(struct signer *signer, int64_t now, const struct signer *keep_on,
                      struct error *error)
{
	const struct sign_roles_before before = {keep_on ? keep_on->keys : NULL,
	                                         keep_on ? keep_on->roles : NULL};

	return sign_roles_find(signer->keys, now, keep_on ? &before : NULL, signer->roles,
	                       &signer->kept_on, error);
}

static int make(struct signer *signer, const struct zone *zone, int64_t now,
                const struct signer *keep_on, struct error *error)
{
	size_t places = PLACES_LEAST;
	int err = find_roles(signer, now, keep_on, error);

	if (err)
		return err;
	find_times(signer, now);
	make_apex(signer, zone);
	signer->content = content_of(signer);
	while (places < zone->node_count && places < PLACES_MOST)
		places *= 2;
	signer->places_count = places;
	signer->places = calloc(places, sizeof(*signer->places));
	return signer->places ? 0 : error_set(error, ENOMEM, NULL, 0, "out of memory");
}

int signer_new(const struct zone *zone, struct sign_keys *keys, const struct sign_policy *policy,
               int64_t now, const struct signer *keep_on, struct signer **ret, bool *ret_kept_on,
               struct error *error)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int err;

	if (!signer)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	signer->number = atomic_fetch_add(&numbers, 1) + 1;
	memcpy(signer->apex, zone->apex, zone->apex_len);
	signer->apex_len = zone->apex_len;
	signer->keys = sign_keys_hold(keys);
	signer->policy = *policy;
	err = make(signer, zone, now, keep_on, error);
	if (err) {
		signer_free(signer);
		return err;
	}
	*ret_kept_on = signer->kept_on;
	*ret = signer;
	return 0;
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	for (size_t i = 0; signer->places && i < signer->places_count; i++) {
		struct kept *kept = atomic_load(&signer->places[i]);

		while (kept) {
			struct kept *next = kept->next;

			free(kept);
			kept = next;
		}
	}
	free(signer->places);
	sign_keys_free(signer->keys);
	free(signer);
}

struct sign_keys *signer_keys(const struct signer *signer)
{
	return signer->keys;
}

struct sign_policy signer_policy(const struct signer *signer)
{
	return signer->policy;
}

uint64_t signer_number(const struct signer *signer)
{
	return signer->number;
}

uint64_t signer_content(const struct signer *signer)
{
	return signer->content;
}

static bool same_times(const struct sign_times *a, const struct sign_times *b)
{
	return a->created == b->created && a->publish == b->publish && a->activate == b->activate &&
	       a->inactive == b->inactive && a->remove == b->remove;
}

static bool same_key(const struct sign_key *a, const struct sign_key *b)
{
	return a->public_len == b->public_len && !memcmp(a->public, b->public, a->public_len) &&
	       !a->private == !b->private && a->exposed == b->exposed &&
	       same_times(&a->times, &b->times);
}

bool signer_same(const struct signer *a, const struct signer *b)
{
	if (a->content != b->content || a->next != b->next || a->kept_on != b->kept_on ||
	    a->policy.validity_s != b->policy.validity_s || a->policy.cds != b->policy.cds ||
	    a->keys->count != b->keys->count)
		return false;
	for (unsigned int i = 0; i < a->keys->count; i++)
		if (!same_key(&a->keys->keys[i], &b->keys->keys[i]))
			return false;
	return true;
}

int64_t signer_inception(const struct signer *signer)
{
	return signer->inception;
}

int64_t signer_expiration(const struct signer *signer)
{
	return signer->expiration;
}

uint64_t signer_left_ms(const struct signer *signer)
{
	int64_t left = signer->expiration * 1000 - clock_unix_ms();

	return left > 0 ? (uint64_t)left : 0;
}

int64_t signer_next(const struct signer *signer)
{
	return signer->next;
}

bool signer_kept_on(const struct signer *signer)
{
	return signer->kept_on;
}

struct sign_role signer_role(const struct signer *signer, unsigned int i)
{
	return signer->roles[i];
}

/* ---- signatures ---- */

/* RFC 7344 4.1: what the parent is to believe is signed by what it knows. */
static bool signs(const struct signer *signer, unsigned int i, uint16_t type)
{
	const struct sign_role *role = &signer->roles[i];

	return type == AN_TYPE_DNSKEY || type == AN_TYPE_CDS || type == AN_TYPE_CDNSKEY
	               ? role->signs_keys
	               : role->signs_zone;
}

/* RRSIG rdata up to the signature (RFC 4034 3.1). */
static void put_head(const struct signer *signer, const struct sign_key *key,
                     const struct sign_input *input, struct wire *w)
{
	wire_put16(w, input->type);
	wire_put8(w, key->algorithm);
	wire_put8(w, canon_labels(input->owner));
	wire_put32(w, input->ttl);
	wire_put32(w, (uint32_t)signer->expiration);
	wire_put32(w, (uint32_t)signer->inception);
	wire_put16(w, key->tag);
	wire_put(w, signer->apex, signer->apex_len);
}

static size_t head_len(const struct signer *signer)
{
	return RRSIG_FIXED_LEN + signer->apex_len;
}

/* By one key; `data` is head and records. The signature's length, 0: failed. */
static size_t sign_data(const struct signer *signer, const struct sign_key *key, bool cached,
                        const uint8_t *data, size_t len, uint8_t *ret, size_t size)
{
	uint8_t signature[SIGN_SIGNATURE_MAX];
	size_t found = cached ? sign_cache_find(signer->number, data, len, ret, size) : 0;

	if (found)
		return found;
	found = sign_key_sign(key, data, len, signature);
	atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
	if (!found || found > size)
		return 0;
	memcpy(ret, signature, found);
	if (cached)
		sign_cache_put(signer->number, data, len, signature, found);
	return found;
}

static unsigned int signers_of(const struct signer *signer, uint16_t type)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < signer->keys->count; i++)
		count += signs(signer, i, type);
	return count;
}

size_t signer_room(const struct signer *signer, uint16_t type)
{
	size_t room = sizeof(struct sign_set);

	for (unsigned int i = 0; i < signer->keys->count; i++)
		if (signs(signer, i, type))
			room += sizeof(struct zone_rdata) + head_len(signer) +
			        sign_key_signature_len(&signer->keys->keys[i]);
	return room;
}

/* Records are in place behind room for a head. */
static bool sign_by_all(const struct signer *signer, const struct sign_input *input, bool cached,
                        uint8_t *data, size_t len, struct sign_set *ret, size_t size)
{
	unsigned int count = signers_of(signer, input->type);
	size_t at = sizeof(*ret) + count * sizeof(ret->rdata[0]), head = head_len(signer);

	ret->rrset =
	        (struct zone_rrset){.type = AN_TYPE_RRSIG, .ttl = input->ttl, .rdata = ret->rdata};
	for (unsigned int i = 0; i < signer->keys->count; i++) {
		const struct sign_key *key = &signer->keys->keys[i];
		uint8_t *out = (uint8_t *)ret + at;
		struct wire w = wire_writer(data, head);
		size_t got;

		if (!signs(signer, i, input->type))
			continue;
		put_head(signer, key, input, &w);
		got = at + head < size ? sign_data(signer, key, cached, data, len, out + head,
		                                   size - at - head)
		                       : 0;
		if (!got)
			return false;
		memcpy(out, data, head);
		ret->rdata[ret->rrset.count++] =
		        (struct zone_rdata){.len = (uint16_t)(head + got), .data = out};
		at += head + got;
	}
	return ret->rrset.count;
}

static bool sign_into(const struct signer *signer, const struct sign_input *input, bool cached,
                      struct sign_set *ret, size_t size)
{
	uint8_t few[FEW], *data = few;
	size_t len = head_len(signer) + canon_len(input);
	struct wire w;
	bool good;

	if (len > sizeof(few))
		data = malloc(len);
	if (!data)
		return false;
	w = wire_writer(data, len);
	wire_take(&w, head_len(signer));
	good = size >= signer_room(signer, input->type) && canon_put(input, &w) &&
	       sign_by_all(signer, input, cached, data, w.at, ret, size);
	if (data != few)
		free(data);
	return good;
}

const struct sign_set *signer_sign(const struct signer *signer, const struct sign_input *input,
                                   void *room, size_t size)
{
	return sign_into(signer, input, true, room, size) ? room : NULL;
}

/* ---- signatures of the zone's data ---- */

static _Atomic(struct kept *) *place_of(const struct signer *signer, const struct zone_rrset *of)
{
	uint64_t hash = XXH3_64bits(&of, sizeof(of));

	return &signer->places[hash & (signer->places_count - 1)];
}

static const struct kept *find_kept(const struct kept *kept, const struct zone_rrset *of)
{
	while (kept && kept->of != of)
		kept = kept->next;
	return kept;
}

/* The first that was put stays. */
static const struct kept *keep(const struct signer *signer, struct kept *kept)
{
	_Atomic(struct kept *) *place = place_of(signer, kept->of);
	struct kept *first = atomic_load_explicit(place, memory_order_acquire);

	do {
		const struct kept *other = find_kept(first, kept->of);

		if (other) {
			free(kept);
			return other;
		}
		kept->next = first;
	} while (!atomic_compare_exchange_weak_explicit(place, &first, kept, memory_order_acq_rel,
	                                                memory_order_acquire));
	return kept;
}

const struct sign_set *signer_signatures(const struct signer *signer, const uint8_t *owner,
                                         size_t owner_len, uint16_t wire_type,
                                         const struct zone_rrset *rrset)
{
	const struct sign_input input = {.owner = owner,
	                                 .owner_len = owner_len,
	                                 .type = wire_type,
	                                 .ttl = rrset->ttl,
	                                 .rrset = rrset};
	size_t size = signer_room(signer, wire_type);
	const struct kept *found;
	struct kept *kept;

	found = find_kept(atomic_load_explicit(place_of(signer, rrset), memory_order_acquire),
	                  rrset);
	if (found)
		return &found->set;
	kept = malloc(offsetof(struct kept, set) + size);
	if (!kept)
		return NULL;
	kept->of = rrset;
	if (!sign_into(signer, &input, false, &kept->set, size)) {
		free(kept);
		return NULL;
	}
	return &keep(signer, kept)->set;
}
