/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/store.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "answer/online.h"
#include "answer/order.h"
#include "base/clock.h"

#include <xxhash.h>

struct store {
	struct cds_lfht *owners;
	struct cds_lfht *answers;
	struct answer *ring;         /* the next that eviction looks at */
	struct store_owner *idle[2]; /* list of the owners without answers: first, last */
	size_t answer_count, owner_count;
	uint32_t answers_max, networks_max;
	uint64_t next_uid;
	void (*leave)(struct answer *answer, struct answer *by, void *arg);
	void *leave_arg;
};

struct owner_key {
	const uint8_t *name; /* lower case */
	size_t len;
	uint16_t type;
};

static unsigned long owner_hash(const uint8_t *name, size_t len, uint16_t type)
{
	return (unsigned long)XXH3_64bits_withSeed(name, len, type);
}

static int owner_match(struct cds_lfht_node *node, const void *wanted)
{
	const struct store_owner *owner = caa_container_of(node, struct store_owner, node);
	const struct owner_key *key = wanted;

	return owner->type == key->type && owner->name_len == key->len &&
	       !memcmp(owner->name, key->name, key->len);
}

static unsigned long answer_hash(const struct an_audience_key *key)
{
	return (unsigned long)XXH3_64bits(key, sizeof(*key));
}

static int answer_match(struct cds_lfht_node *node, const void *wanted)
{
	const struct answer *answer = caa_container_of(node, struct answer, node);

	return !memcmp(&answer->key, wanted, sizeof(answer->key));
}

#define BUCKETS_LEAST 64u
#define BUCKETS_MOST  (1u << 22)

/*
 * Two entries a bucket when full. Made at the start: while a reader lives, and the restore of all
 * that is on disk is one long reader, a table that has to grow may not get to it for minutes.
 */
static unsigned long buckets_for(uint32_t entries)
{
	unsigned long buckets = BUCKETS_LEAST;

	while (buckets < entries / 2 && buckets < BUCKETS_MOST)
		buckets *= 2;
	return buckets;
}

static struct cds_lfht *new_table(uint32_t entries)
{
	return cds_lfht_new(buckets_for(entries), BUCKETS_LEAST, 0,
	                    CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
}

struct store *store_new(uint32_t answers_max, uint32_t networks_per_name_max)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->owners = new_table(answers_max);
	store->answers = new_table(answers_max);
	store->answers_max = answers_max;
	store->networks_max = networks_per_name_max;
	store->next_uid = 1;
	if (!store->owners || !store->answers) {
		store_free(store);
		return NULL;
	}
	return store;
}

static void free_by_visit(struct store_owner *owner, void *arg)
{
	store_owner_remove(arg, owner);
}

void store_free(struct store *store)
{
	if (!store)
		return;
	if (store->owners && store->answers)
		store_owner_each(store, free_by_visit, store);
	rcu_barrier();
	if (store->owners)
		cds_lfht_destroy(store->owners, NULL);
	if (store->answers)
		cds_lfht_destroy(store->answers, NULL);
	free(store);
}

void store_on_leave(struct store *store,
                    void (*leave)(struct answer *answer, struct answer *by, void *arg), void *arg)
{
	store->leave = leave;
	store->leave_arg = arg;
}

static void answer_leave(struct store *store, struct answer *answer, struct answer *by)
{
	if (store->leave)
		store->leave(answer, by, store->leave_arg);
}

/* ---- readers ---- */

struct store_owner *store_owner_find(struct store *store, const uint8_t *name, size_t len,
                                     uint16_t type)
{
	uint8_t lower[NAME_MAX_LEN];
	struct owner_key key = {.name = lower, .len = len, .type = type};
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	name_lower(lower, name, len);
	cds_lfht_lookup(store->owners, owner_hash(lower, len, type), owner_match, &key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	return node ? caa_container_of(node, struct store_owner, node) : NULL;
}

static struct answer *answer_find(struct store *store, const struct an_audience_key *key)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	cds_lfht_lookup(store->answers, answer_hash(key), answer_match, key, &iter);
	node = cds_lfht_iter_get_node(&iter);
	return node ? caa_container_of(node, struct answer, node) : NULL;
}

/* The state of one candidate. Stale only counts where stale answers may go out. */
static bool candidate_serves(const struct answer *answer, bool stale_mode, uint64_t now_ms,
                             struct store_found *ret)
{
	if (now_ms < answer->fresh_until_ms) {
		ret->state = STORE_FRESH;
		ret->ttl = (uint32_t)((answer->fresh_until_ms - now_ms + 999) / 1000);
		return true;
	}
	if (!stale_mode) {
		ret->state = STORE_EXPIRED;
		return true;
	}
	if (now_ms >= answer->stale_until_ms)
		return false;
	ret->state = STORE_STALE;
	ret->ttl = AN_STALE_TTL;
	return true;
}

static bool take_candidate(struct answer *answer, bool stale_mode, uint64_t now_ms,
                           struct store_found *ret)
{
	if (!answer || !candidate_serves(answer, stale_mode, now_ms, ret))
		return false;
	ret->answer = answer;
	ret->wire_scope = answer->wire_scope;
	return true;
}

/* Lengths from the longest that is no longer than `most`; 0 when there is none left. */
static unsigned int next_length(uint64_t lens, unsigned int most)
{
	if (most < 64)
		lens &= (1ULL << most) - 1;
	return lens ? 64 - (unsigned int)__builtin_clzll(lens) : 0;
}

static bool find_by_prefix(struct store *store, const struct store_owner *owner,
                           const struct network *client, uint32_t region, bool stale_mode,
                           uint64_t now_ms, struct store_found *ret)
{
	uint64_t net = CMM_LOAD_SHARED(owner->lens_net[client->family]);
	uint64_t exact = CMM_LOAD_SHARED(owner->lens_exact[client->family]);
	struct an_audience_key key = {
	        .uid = owner->uid, .region = region, .type = owner->type, .family = client->family};
	unsigned int length = client->len;

	if (length <= 64 && exact >> (length - 1) & 1) {
		key.kind = AN_AUDIENCE_EXACT;
		key.len = client->len;
		memcpy(key.prefix, client->address, 8);
		if (take_candidate(answer_find(store, &key), stale_mode, now_ms, ret))
			return true;
	}
	key.kind = AN_AUDIENCE_NET;
	while ((length = next_length(net, length)) != 0) {
		struct network cut = network_of(client->family, client->address, length);

		key.len = (uint8_t)length;
		memcpy(key.prefix, cut.address, 8);
		if (take_candidate(answer_find(store, &key), stale_mode, now_ms, ret))
			return true;
		length--;
	}
	return false;
}

/* The answer for everyone (NET), or nobody (EXACT), in a region. */
static struct answer *answer_for_all(struct store *store, const struct store_owner *owner,
                                     uint8_t kind, uint32_t region)
{
	struct an_audience_key key = {
	        .uid = owner->uid, .region = region, .type = owner->type, .kind = kind};

	if (region)
		return answer_find(store, &key);
	return kind == AN_AUDIENCE_NET ? rcu_dereference(owner->everyone)
	                               : rcu_dereference(owner->nobody);
}

/* The newest answer of any network, not of another region: its scope is the query's SOURCE, its
 * life no longer than a stale one's. */
static bool find_catch_all(const struct store_owner *owner, const struct network *client,
                           uint32_t region, uint64_t now_ms, struct store_found *ret)
{
	struct answer *newest = rcu_dereference(owner->catch_all);

	if (!newest || newest->key.region != region || !take_candidate(newest, true, now_ms, ret))
		return false;
	ret->state = STORE_STALE;
	ret->wire_scope = client->len;
	if (ret->ttl > AN_STALE_TTL)
		ret->ttl = AN_STALE_TTL;
	return true;
}

struct store_found store_find(struct store *store, const uint8_t *name, size_t len, uint16_t type,
                              const struct network *client, uint32_t region, bool last_try,
                              uint64_t now_ms)
{
	struct store_found found = {.state = STORE_ABSENT, .ede = -1};
	struct store_owner *owner = store_owner_find(store, name, len, type);
	bool stale_mode, any;

	if (!owner)
		return found;
	found.owner = owner;
	stale_mode = last_try || CMM_LOAD_SHARED(owner->failing);
	if (client->len)
		any = find_by_prefix(store, owner, client, region, stale_mode, now_ms, &found);
	else
		any = take_candidate(answer_for_all(store, owner, AN_AUDIENCE_EXACT, region),
		                     stale_mode, now_ms, &found);
	any = any || take_candidate(answer_for_all(store, owner, AN_AUDIENCE_NET, region),
	                            stale_mode, now_ms, &found);
	if (!any && stale_mode)
		any = find_catch_all(owner, client, region, now_ms, &found);
	if (any) {
		CMM_STORE_SHARED(found.answer->used_ms, now_ms);
		return found;
	}
	found.ede = CMM_LOAD_SHARED(owner->failed_ede);
	found.ede_text = CMM_LOAD_SHARED(owner->failed_text);
	if (now_ms < CMM_LOAD_SHARED(owner->failed_until_ms))
		found.state = STORE_FAILED;
	return found;
}

/* ---- the writer: owners without answers, in the order in which they came to have none ---- */

static void idle_append(struct store *store, struct store_owner *owner)
{
	owner->idle_next = NULL;
	owner->idle_prev = store->idle[1];
	*(owner->idle_prev ? &owner->idle_prev->idle_next : &store->idle[0]) = owner;
	store->idle[1] = owner;
}

static void idle_unlink(struct store *store, struct store_owner *owner)
{
	*(owner->idle_prev ? &owner->idle_prev->idle_next : &store->idle[0]) = owner->idle_next;
	*(owner->idle_next ? &owner->idle_next->idle_prev : &store->idle[1]) = owner->idle_prev;
}

struct store_owner *store_idle(const struct store *store)
{
	return store->idle[0];
}

void store_idle_anew(struct store *store, struct store_owner *owner)
{
	if (owner->answers)
		return;
	idle_unlink(store, owner);
	idle_append(store, owner);
}

struct store_owner *store_owner_get(struct store *store, const uint8_t *name, size_t len,
                                    uint16_t type, uint64_t now_ms)
{
	struct store_owner *owner = store_owner_find(store, name, len, type);

	(void)now_ms;
	if (owner)
		return owner;
	if (store->owner_count >= store->answers_max)
		return NULL;
	owner = calloc(1, sizeof(*owner) + len);
	if (!owner)
		return NULL;
	name_lower(owner->name, name, len);
	owner->name_len = (uint8_t)len;
	owner->type = type;
	owner->uid = store->next_uid++;
	owner->failed_ede = -1;
	cds_lfht_node_init(&owner->node);
	cds_lfht_add(store->owners, owner_hash(owner->name, len, type), &owner->node);
	store->owner_count++;
	idle_append(store, owner);
	return owner;
}

static void ring_insert(struct store *store, struct answer *answer)
{
	if (!store->ring) {
		answer->ring_next = answer->ring_prev = answer;
		store->ring = answer;
		return;
	}
	answer->ring_next = store->ring; /* just behind the hand: looked at last */
	answer->ring_prev = store->ring->ring_prev;
	answer->ring_prev->ring_next = answer;
	store->ring->ring_prev = answer;
}

static void ring_remove(struct store *store, struct answer *answer)
{
	if (answer->ring_next == answer) {
		store->ring = NULL;
		return;
	}
	if (store->ring == answer)
		store->ring = answer->ring_next;
	answer->ring_prev->ring_next = answer->ring_next;
	answer->ring_next->ring_prev = answer->ring_prev;
}

static void owner_link(struct store *store, struct store_owner *owner, struct answer *answer)
{
	if (!owner->answers)
		idle_unlink(store, owner);
	answer->prev = NULL;
	answer->next = owner->answers;
	if (owner->answers)
		owner->answers->prev = answer;
	owner->answers = answer;
	order_add(&owner->ordered, answer);
	owner->answer_count++;
}

static void owner_unlink(struct store *store, struct store_owner *owner, struct answer *answer)
{
	if (answer->prev)
		answer->prev->next = answer->next;
	else
		owner->answers = answer->next;
	if (answer->next)
		answer->next->prev = answer->prev;
	order_remove(&owner->ordered, answer);
	owner->answer_count--;
	if (!owner->answers)
		idle_append(store, owner);
}

/* Works the lists of lengths and the three special answers out anew from the list of answers. */
static void owner_index(struct store_owner *owner)
{
	uint64_t net[3] = {0}, exact[3] = {0};
	struct answer *everyone = NULL, *nobody = NULL, *newest = NULL, *positive = NULL;

	for (struct answer *answer = owner->answers; answer; answer = answer->next) {
		const struct an_audience_key *key = &answer->key;

		if (!newest || answer->fetched_ms > newest->fetched_ms)
			newest = answer;
		if (!answer->negative && (!positive || answer->fetched_ms > positive->fetched_ms))
			positive = answer;
		if (!key->len && key->region)
			continue;
		if (!key->len && key->kind == AN_AUDIENCE_NET)
			everyone = answer;
		else if (!key->len)
			nobody = answer;
		else if (key->kind == AN_AUDIENCE_NET)
			net[key->family] |= 1ULL << (key->len - 1);
		else
			exact[key->family] |= 1ULL << (key->len - 1);
	}
	for (int family = 0; family < 3; family++) {
		CMM_STORE_SHARED(owner->lens_net[family], net[family]);
		CMM_STORE_SHARED(owner->lens_exact[family], exact[family]);
	}
	rcu_assign_pointer(owner->everyone, everyone);
	rcu_assign_pointer(owner->nobody, nobody);
	rcu_assign_pointer(owner->catch_all, newest);
	rcu_assign_pointer(owner->positive, positive);
	owner->indexed_count = owner->answer_count;
}

/* Whether the index says more of an answer that has gone than that its length may be there still:
 * then it is made anew. Of lengths alone, when half of the answers have gone. */
static bool index_is_worn(const struct store_owner *owner, const struct answer *gone)
{
	return gone == owner->catch_all || gone == owner->positive || gone == owner->everyone ||
	       gone == owner->nobody || owner->answer_count <= owner->indexed_count / 2;
}

/* A new answer only adds to the index: cheap, however many networks a name has. */
static void owner_index_add(struct store_owner *owner, struct answer *answer)
{
	const struct an_audience_key *key = &answer->key;
	struct answer *newest = owner->catch_all;

	if (!key->len && key->kind == AN_AUDIENCE_NET && !key->region)
		rcu_assign_pointer(owner->everyone, answer);
	else if (!key->len && !key->region)
		rcu_assign_pointer(owner->nobody, answer);
	else if (!key->len)
		; /* everyone and nobody of a region are found by their keys */
	else if (key->kind == AN_AUDIENCE_NET)
		CMM_STORE_SHARED(owner->lens_net[key->family],
		                 owner->lens_net[key->family] | 1ULL << (key->len - 1));
	else
		CMM_STORE_SHARED(owner->lens_exact[key->family],
		                 owner->lens_exact[key->family] | 1ULL << (key->len - 1));
	if (!newest || answer->fetched_ms >= newest->fetched_ms)
		rcu_assign_pointer(owner->catch_all, answer);
	if (!answer->negative)
		rcu_assign_pointer(owner->positive, answer);
	if (owner->indexed_count < owner->answer_count)
		owner->indexed_count = owner->answer_count;
}

static void answer_free(struct rcu_head *head)
{
	struct answer *answer = caa_container_of(head, struct answer, rcu);

	free(answer->pool);
	online_signatures_free(atomic_load(&answer->signatures));
	free(answer);
}

static void owner_free(struct rcu_head *head)
{
	struct store_owner *owner = caa_container_of(head, struct store_owner, rcu);

	free(owner->chained);
	free(owner);
}

static size_t answer_octets(const struct answer *answer)
{
	return (size_t)answer->count * address_len(answer->key.type);
}

static struct answer *answer_new(struct store_owner *owner, const struct answer *model,
                                 const uint8_t *octets)
{
	size_t len = answer_octets(model);
	struct answer *answer = malloc(sizeof(*answer) + len);

	if (!answer)
		return NULL;
	memcpy(answer, model, sizeof(*answer));
	if (len)
		memcpy(answer->octets, octets, len);
	cds_lfht_node_init(&answer->node);
	answer->owner = owner;
	answer->passed_ms = 0;
	atomic_init(&answer->signatures, NULL);
	return answer;
}

/* The new answer takes the old one's places. */
static void answer_succeed(struct store *store, struct answer *answer, struct answer *old)
{
	struct store_owner *owner = old->owner;

	answer->slot = old->slot;
	answer->queue_at = old->queue_at;
	if (CMM_LOAD_SHARED(old->used_ms) > answer->used_ms)
		answer->used_ms = CMM_LOAD_SHARED(old->used_ms);
	ring_insert(store, answer);
	ring_remove(store, old);
	owner_link(store, owner, answer);
	owner_unlink(store, owner, old);
}

struct answer *store_put(struct store *store, struct store_owner *owner, const struct answer *model,
                         const uint8_t *octets, struct answer **ret_old, uint64_t now_ms)
{
	struct answer *old = answer_find(store, &model->key);
	struct answer *answer;

	(void)now_ms;
	*ret_old = NULL;
	if (!old && (store->answer_count >= store->answers_max ||
	             owner->answer_count >= store->networks_max))
		return NULL;
	answer = answer_new(owner, model, octets);
	if (!answer)
		return NULL;
	if (!old) {
		ring_insert(store, answer);
		owner_link(store, owner, answer);
		cds_lfht_add(store->answers, answer_hash(&answer->key), &answer->node);
		store->answer_count++;
		owner_index_add(owner, answer);
		return answer;
	}
	answer_succeed(store, answer, old);
	cds_lfht_add_replace(store->answers, answer_hash(&answer->key), answer_match, &answer->key,
	                     &answer->node);
	if (owner->catch_all == old || owner->positive == old)
		owner_index(owner);
	else
		owner_index_add(owner, answer);
	answer_leave(store, old, answer);
	call_rcu(&old->rcu, answer_free);
	*ret_old = old;
	return answer;
}

void store_remove(struct store *store, struct answer *answer)
{
	struct store_owner *owner = answer->owner;

	answer_leave(store, answer, NULL);
	cds_lfht_del(store->answers, &answer->node);
	ring_remove(store, answer);
	owner_unlink(store, owner, answer);
	store->answer_count--;
	if (index_is_worn(owner, answer))
		owner_index(owner);
	call_rcu(&answer->rcu, answer_free);
}

void store_owner_remove(struct store *store, struct store_owner *owner)
{
	while (owner->answers) {
		struct answer *answer = owner->answers;

		answer_leave(store, answer, NULL);
		cds_lfht_del(store->answers, &answer->node);
		ring_remove(store, answer);
		owner_unlink(store, owner, answer);
		store->answer_count--;
		call_rcu(&answer->rcu, answer_free);
	}
	idle_unlink(store, owner);
	cds_lfht_del(store->owners, &owner->node);
	store->owner_count--;
	call_rcu(&owner->rcu, owner_free);
}

void store_owner_each(struct store *store, void (*visit)(struct store_owner *owner, void *arg),
                      void *arg)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	rcu_read_lock();
	cds_lfht_first(store->owners, &iter);
	while ((node = cds_lfht_iter_get_node(&iter)) != NULL) {
		cds_lfht_next(store->owners, &iter);
		visit(caa_container_of(node, struct store_owner, node), arg);
	}
	rcu_read_unlock();
}

static struct answer *victim_of_owner(struct store_owner *owner)
{
	struct answer *victim = NULL;

	for (struct answer *answer = owner->answers; answer; answer = answer->next)
		if (!victim || answer->used_ms < victim->used_ms)
			victim = answer;
	return victim;
}

/* Second chance: what was used since the hand last passed is passed by again, once round. */
struct answer *store_victim(struct store *store, struct store_owner *owner, uint64_t now_ms)
{
	struct answer *answer = store->ring;

	if (owner)
		return victim_of_owner(owner);
	for (size_t i = 0; i < store->answer_count && answer; i++) {
		if (CMM_LOAD_SHARED(answer->used_ms) <= answer->passed_ms || i == 4096)
			return answer;
		answer->passed_ms = now_ms;
		store->ring = answer = answer->ring_next;
	}
	return answer;
}

struct answer *store_wider(struct store *store, const struct answer *answer)
{
	const struct store_owner *owner = answer->owner;
	struct network network = audience_network(&answer->key);
	struct an_audience_key key = answer->key;
	unsigned int length = key.len;
	struct answer *wider;

	if (key.kind == AN_AUDIENCE_NET && !length--)
		return NULL; /* it is for everyone itself */
	key.kind = AN_AUDIENCE_NET;
	while ((length = next_length(owner->lens_net[key.family], length)) != 0) {
		struct network cut = network_of(network.family, network.address, length);

		key.len = (uint8_t)length--;
		memcpy(key.prefix, cut.address, sizeof(key.prefix));
		wider = answer_find(store, &key);
		if (wider)
			return wider;
	}
	return answer_for_all(store, owner, AN_AUDIENCE_NET, key.region);
}

static uint64_t prefix_of(const struct an_audience_key *key)
{
	uint64_t prefix;

	memcpy(&prefix, key->prefix, sizeof(prefix));
	return be64toh(prefix);
}

/* Of the same region. */
static bool begins_inside(const struct an_audience_key *inner, const struct an_audience_key *outer)
{
	return !outer->len || (inner->family == outer->family &&
	                       !((prefix_of(inner) ^ prefix_of(outer)) >> (64 - outer->len)));
}

struct answer *store_inside(const struct store_owner *owner, const struct an_audience_key *key,
                            const struct answer *after)
{
	struct an_audience_key begin = {.region = key->region, .family = key->family};
	struct answer *next;

	memcpy(begin.prefix, key->prefix, sizeof(begin.prefix));
	next = order_first(owner->ordered, &begin, after);
	return next && next->key.region == key->region && begins_inside(&next->key, key) ? next
	                                                                                 : NULL;
}

size_t store_count(const struct store *store)
{
	return store->answer_count;
}

size_t store_owner_count(const struct store *store)
{
	return store->owner_count;
}
