/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookups - questions upstream, shared by every member that has the same one;
 * what is remembered of targets; what a zone may ask for.
 */
#include <stdlib.h>
#include <string.h>

#include "answer/flatten_room.h"
#include "base/clock.h"

#define UNUSED_MS 86400000

static struct target *target_get(struct flatten *flatten, const uint8_t *name, size_t len)
{
	struct target *target;

	HASH_FIND(hh, flatten->targets, name, len, target);
	if (target) {
		target->used_ms = clock_ms();
		return target;
	}
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	memcpy(target->name, name, len);
	target->name_len = (uint8_t)len;
	target->used_ms = clock_ms();
	HASH_ADD_KEYPTR(hh, flatten->targets, target->name, target->name_len, target);
	if (target->hh.tbl)
		return target;
	free(target);
	return NULL;
}

bool target_tailored(struct flatten *flatten, const uint8_t *name, size_t len, uint8_t family)
{
	struct target *target;

	HASH_FIND(hh, flatten->targets, name, len, target);
	return target && target->tailored[family];
}

bool target_for_all(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type,
                    uint8_t family)
{
	unsigned int other = AN_FAMILY_IPV4 + AN_FAMILY_IPV6 - family;
	struct target *target;

	HASH_FIND(hh, flatten->targets, name, len, target);
	return target && target->untailored[type == AN_TYPE_AAAA][other] &&
	       !target->tailored[other];
}

bool target_is_asked(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type)
{
	struct target *target;

	HASH_FIND(hh, flatten->targets, name, len, target);
	return target && target->asking[type == AN_TYPE_AAAA];
}

/* RFC 7871 7.1.3, 7.3.1: a scope speaks of its FAMILY; a reply without the option, of everybody. */
static void learn_target(struct flatten *flatten, const struct ask_key *key,
                         const struct upstream_result *result)
{
	uint8_t family = key->network.family;
	struct target *target;

	if (!family || (result->status != UPSTREAM_OK && result->status != UPSTREAM_NODATA &&
	                result->status != UPSTREAM_LED))
		return;
	target = target_get(flatten, key->name, key->name_len);
	if (!target)
		return;
	if (result->scope)
		target->tailored[family] = true;
	target->untailored[key->type == AN_TYPE_AAAA][family] = !result->scope;
	if (!result->ecs_echoed && !result->scope)
		memset(target->untailored, true, sizeof(target->untailored));
}

/* Special-use addresses are taken from upstream only where the configuration lets them. */
static uint16_t drop_private(struct flatten *flatten, uint16_t type, const uint8_t *octets,
                             uint16_t count, uint8_t *ret)
{
	size_t len = address_len(type);
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint8_t address[16] = {0};
		struct network one;

		memcpy(address, octets + i * len, len);
		one = network_of(family, address, net_family_bits(family));
		if (!flatten->world->config->accept_private &&
		    audience_special(flatten->world->config, &one))
			flatten->stats.private_dropped++;
		else
			memcpy(ret + len * kept++, address, len);
	}
	return kept;
}

/* The longest of the chain. What a representative was asked for says nothing of the client's. */
static void raise_scope(struct member *member, uint8_t scope)
{
	if (!member->ecs.family && scope > member->scope)
		member->scope = scope;
}

/* A member of a pool that gives nothing now gives what it gave last. */
static bool member_give_last_good(struct member *member)
{
	struct flatten *flatten = member->flight->flatten;
	const struct ask_key *key = &member->lookup->key;
	struct store_found found;
	bool given = false;

	rcu_read_lock();
	found = store_find(flatten->targets_store, key->name, key->name_len, key->type,
	                   &key->network, 0, true, clock_ms());
	if (found.answer && (found.state == STORE_FRESH || found.state == STORE_STALE)) {
		member->stale = true;
		raise_scope(member, found.wire_scope);
		least(&member->ttl, AN_STALE_TTL);
		member_give(member, found.answer->octets, found.answer->count);
		given = true;
	}
	rcu_read_unlock();
	return given;
}

static int status_ede(enum upstream_status status)
{
	switch (status) {
	case UPSTREAM_NETWORK:
		return AN_EDE_NETWORK_ERROR;
	case UPSTREAM_CHAIN:
		return AN_EDE_OTHER;
	default:
		return AN_EDE_NO_REACHABLE_AUTHORITY;
	}
}

/* For what comes next. */
static void make_room(struct store *targets, uint64_t now)
{
	struct store_owner *idle = store_idle(targets);
	struct answer *victim = idle ? NULL : store_victim(targets, NULL, now);

	if (idle)
		store_owner_remove(targets, idle);
	else if (victim)
		store_remove(targets, victim);
}

static void remember_target(struct flatten *flatten, const struct ask_key *key,
                            const struct upstream_result *result, const uint8_t *octets,
                            uint16_t count)
{
	struct store_owner *owner;
	struct answer model = {0}, *old;
	uint64_t now = clock_ms();
	bool tailored = target_tailored(flatten, key->name, key->name_len, key->network.family);

	rcu_read_lock();
	owner = store_owner_get(flatten->targets_store, key->name, key->name_len, key->type, now);
	if (owner) {
		model.key = audience_key(&key->network, key->network.len, result->scope, tailored);
		model.key.uid = owner->uid;
		model.key.type = key->type;
		model.fetched_ms = now;
		model.fresh_until_ms = now;
		model.stale_until_ms = now + flatten->world->config->stale_max_ms;
		model.wire_scope = result->scope;
		model.negative = count == 0;
		model.count = count;
		if (!store_put(flatten->targets_store, owner, &model, octets, &old, now))
			make_room(flatten->targets_store, now);
	} else {
		make_room(flatten->targets_store, now);
	}
	rcu_read_unlock();
}

/* The chain has come back to our own zones (SEMANTICS 1.5), and goes on there. */
static void member_come_home(struct member *member, const struct upstream_result *result)
{
	const struct ask_key *key = &member->lookup->key;
	const uint8_t *name = result->chain[result->chain_count - 1];

	least(&member->ttl, result->ttl);
	raise_scope(member, result->scope);
	member->tailored |= target_tailored(member->flight->flatten, key->name, key->name_len,
	                                    key->network.family);
	member->lookup = NULL;
	member_go_on(member, name, name_len(name));
}

static void member_take(struct member *member, const struct upstream_result *result,
                        const uint8_t *octets, uint16_t count)
{
	bool good = result->status == UPSTREAM_OK || result->status == UPSTREAM_NODATA;

	member->upstream = true;
	member->index = result->index;
	if (result->status == UPSTREAM_LED) {
		member_come_home(member, result);
		return;
	}
	if (!good || (result->status == UPSTREAM_OK && !count)) {
		member->loop = result->status == UPSTREAM_CHAIN;
		if (member->flight->member_count == 1 || !member_give_last_good(member))
			member_fail(member, status_ede(result->status));
		return;
	}
	least(&member->ttl, result->ttl);
	raise_scope(member, result->scope);
	member->gone = result->nxdomain;
	member_give(member, octets, count);
}

/* No look-up any more; the memory is the caller's to free. */
static void lookup_end(struct lookup *lookup)
{
	HASH_DEL(lookup->flatten->lookups, lookup);
	if (lookup->target)
		lookup->target->asking[lookup->key.type == AN_TYPE_AAAA]--;
}

static void lookup_done(const struct upstream_result *result, void *arg)
{
	struct lookup *lookup = arg;
	struct flatten *flatten = lookup->flatten;
	struct member *member = lookup->members;
	uint8_t octets[FLATTEN_ADDRESSES_MAX * 16];
	uint16_t count = 0;

	if (result->status == UPSTREAM_OK)
		count = drop_private(flatten, lookup->key.type, result->octets, result->count,
		                     octets);
	learn_target(flatten, &lookup->key, result);
	lookup_end(lookup);
	if (result->status == UPSTREAM_OK || result->status == UPSTREAM_NODATA) {
		for (const struct member *one = member; one; one = one->lookup_next)
			if (one->flight->member_count > 1) {
				remember_target(flatten, &lookup->key, result, octets, count);
				break;
			}
	}
	while (member) {
		struct member *next = member->lookup_next;

		member_take(member, result, octets, count);
		member = next;
	}
	free(lookup);
}

static bool budget_take(struct flatten *flatten, const struct flight *flight)
{
	const struct zone *zone =
	        zones_exact(flatten->world->zones, flight->zone_apex, flight->zone_apex_len);
	double rate = 1000, burst = 2000;
	struct budget *budget;
	uint64_t now = clock_ms();

	if (zone && zone->settings && zone->settings->budget_per_s) {
		rate = zone->settings->budget_per_s;
		burst = zone->settings->budget_burst ? zone->settings->budget_burst : rate;
	}
	HASH_FIND(hh, flatten->budgets, flight->zone_apex, flight->zone_apex_len, budget);
	if (!budget) {
		budget = calloc(1, sizeof(*budget));
		if (!budget)
			return false;
		memcpy(budget->apex, flight->zone_apex, flight->zone_apex_len);
		budget->apex_len = flight->zone_apex_len;
		budget->tokens = burst;
		budget->filled_ms = now;
		HASH_ADD_KEYPTR(hh, flatten->budgets, budget->apex, budget->apex_len, budget);
		if (!budget->hh.tbl) {
			free(budget);
			return false;
		}
	}
	budget->tokens += (double)(now - budget->filled_ms) * rate / 1000;
	budget->filled_ms = now;
	if (budget->tokens > burst)
		budget->tokens = burst;
	if (budget->tokens < 1)
		return false;
	budget->tokens -= 1;
	return true;
}

static bool name_in_list(const uint8_t *name, size_t len, const struct config_name *list,
                         size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (name_under(name, len, list[i].name, list[i].len))
			return true;
	return false;
}

static bool target_allowed(const struct config *config, const uint8_t *name, size_t len)
{
	if (name_in_list(name, len, config->targets_deny, config->targets_deny_count))
		return false;
	return !config->targets_allow_count ||
	       name_in_list(name, len, config->targets_allow, config->targets_allow_count);
}

static bool lookup_start(struct lookup *lookup)
{
	struct flatten *flatten = lookup->flatten;
	const struct ask_key *key = &lookup->key;

	if (flatten->upstream)
		lookup->ask = upstream_ask(flatten->upstream, key->name, key->name_len, key->type,
		                           &key->network, lookup_done, lookup);
	return lookup->ask != NULL;
}

static struct lookup *lookup_get(struct flatten *flatten, const struct ask_key *key)
{
	struct lookup *lookup;

	HASH_FIND(hh, flatten->lookups, key, sizeof(*key), lookup);
	if (lookup)
		return lookup;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return NULL;
	lookup->flatten = flatten;
	lookup->key = *key;
	HASH_ADD(hh, flatten->lookups, key, sizeof(lookup->key), lookup);
	if (!lookup->hh.tbl) {
		free(lookup);
		return NULL;
	}
	lookup->target = target_get(flatten, key->name, key->name_len);
	if (lookup->target)
		lookup->target->asking[key->type == AN_TYPE_AAAA]++;
	if (!lookup_start(lookup)) {
		lookup_end(lookup);
		free(lookup);
		return NULL;
	}
	flatten->stats.lookups++;
	return lookup;
}

void member_ask(struct member *member)
{
	struct flight *flight = member->flight;
	struct flatten *flatten = flight->flatten;
	struct ask_key key;

	if (!target_allowed(flatten->world->config, member->name, member->name_len)) {
		flatten->stats.denied++;
		member_fail(member, AN_EDE_OTHER);
		return;
	}
	memset(&key, 0, sizeof(key));
	key.network = member->ecs.family ? member->ecs : flight->key.network;
	key.type = flight->key.type;
	key.name_len = member->name_len;
	memcpy(key.name, member->name, member->name_len);
	HASH_FIND(hh, flatten->lookups, &key, sizeof(key), member->lookup);
	if (!member->lookup && !budget_take(flatten, flight)) {
		flatten->stats.over_budget++;
		member->over_budget = true;
		member_fail(member, AN_EDE_OTHER);
		return;
	}
	member->lookup = lookup_get(flatten, &key);
	if (!member->lookup) {
		member_fail(member, AN_EDE_NO_REACHABLE_AUTHORITY);
		return;
	}
	member->lookup_next = member->lookup->members;
	member->lookup->members = member;
}

static bool is_own(const uint8_t *name, size_t len, uint16_t type, void *arg)
{
	const struct flatten *flatten = arg;
	const struct zone *zone = zones_find(flatten->world->zones, name, len, type);

	return zone && zone_find(zone, name, len, type).verdict != ZONE_DELEGATION;
}

void lookups_upstream(struct flatten *flatten)
{
	if (flatten->upstream)
		upstream_own(flatten->upstream, is_own, flatten);
}

void lookups_forget(struct flatten *flatten, uint64_t now)
{
	struct target *target, *next_target;
	struct budget *budget, *next_budget;

	HASH_ITER(hh, flatten->targets, target, next_target)
	{
		if (target->asking[0] || target->asking[1] || now < target->used_ms + UNUSED_MS)
			continue;
		HASH_DEL(flatten->targets, target);
		free(target);
	}
	HASH_ITER(hh, flatten->budgets, budget, next_budget)
	{
		if (now < budget->filled_ms + UNUSED_MS)
			continue;
		HASH_DEL(flatten->budgets, budget);
		free(budget);
	}
}

void lookups_restart(struct flatten *flatten)
{
	struct lookup *lookup, *next;
	static const struct upstream_result none = {.status = UPSTREAM_NONE};

	HASH_ITER(hh, flatten->lookups, lookup, next)
	{
		upstream_cancel(lookup->ask);
		lookup->ask = NULL;
		if (!lookup_start(lookup))
			lookup_done(&none, lookup);
	}
}

void lookup_leave(struct member *member)
{
	struct lookup *lookup = member->lookup;
	struct member **at = &lookup->members;

	while (*at && *at != member)
		at = &(*at)->lookup_next;
	if (*at)
		*at = member->lookup_next;
	if (lookup->members)
		return;
	upstream_cancel(lookup->ask);
	lookup_end(lookup);
	free(lookup);
}
