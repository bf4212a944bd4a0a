/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/flatten.h"
#include "answer/choices.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer/cells.h"
#include "answer/flatten_room.h"
#include "answer/where.h"
#include "base/clock.h"
#include "base/log.h"

#define TICK_MS   50
#define FORGET_MS 600000

/* ---- flights ---- */

bool flatten_has_good(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                      const struct network *client, uint32_t region)
{
	struct store_found found;

	rcu_read_lock();
	found = store_find(flatten->store, owner, len, type, client, region, true, clock_ms());
	rcu_read_unlock();
	return found.state == STORE_FRESH || found.state == STORE_STALE;
}

void flight_release_waits(struct flight *flight)
{
	struct flatten_wait *wait = flight->waits;

	flight->waits = NULL;
	while (wait) {
		struct flatten_wait *next = wait->next;

		wait->done(wait);
		wait = next;
	}
}

static void flight_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void flight_drop(struct flight *flight)
{
	if (flight->closing)
		return;
	flight->closing = true;
	HASH_DEL(flight->flatten->flights, flight);
	if (flight->refresh)
		flight->flatten->refreshing--;
	members_free(flight);
	uv_close((uv_handle_t *)&flight->timer, flight_closed);
}

/* RFC 8767 5: the client response timer. Without a last good answer the clients go on waiting. */
static void flight_timer(uv_timer_t *timer)
{
	struct flight *flight = timer->data;
	struct ask_key *key = &flight->key;

	flight->timed = true;
	if (!flight->waits || !flatten_has_good(flight->flatten, key->name, key->name_len,
	                                        key->type, &flight->client, key->region))
		return;
	flight->flatten->stats.stale_served_timer++;
	flight_release_waits(flight);
}

static void flight_add_wait(struct flight *flight, struct flatten_wait *wait)
{
	const struct ask_key *key = &flight->key;

	wait->next = flight->waits;
	flight->waits = wait;
	if (flight->timed && flatten_has_good(flight->flatten, key->name, key->name_len, key->type,
	                                      &wait->want.client, key->region))
		flight_release_waits(flight);
}

static struct flight *flight_new(struct flatten *flatten, const struct ask_key *key,
                                 const struct network *client)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->flatten = flatten;
	flight->key = *key;
	flight->client = *client;
	flight->started_ms = clock_ms();
	HASH_ADD(hh, flatten->flights, key, sizeof(flight->key), flight);
	if (!flight->hh.tbl) {
		free(flight);
		return NULL;
	}
	uv_timer_init(flatten->loop, &flight->timer);
	flight->timer.data = flight;
	flatten->stats.flights++;
	return flight;
}

/* Where flattening of a node starts: its first target decides how much of a client's network is
 * sent. */
static const uint8_t *first_target(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);

	if (!set)
		set = zone_rrset(node, AN_TYPE_CNAME);
	return set ? set->rdata[0].data : NULL;
}

/* The most that any member of a pool is asked with of the client's network. */
static void find_pool_limits(const struct flatten *flatten, const struct pool_tree *tree,
                             uint8_t ret[2])
{
	ret[0] = ret[1] = 0;
	for (uint16_t node = 0; node < tree->count && flatten->upstream; node++) {
		const struct config_member *member = tree->nodes[node].member;
		uint8_t limits[2];

		if (!member || !member->aname.len || member->ecs.family)
			continue;
		upstream_limits(flatten->upstream, member->aname.name, member->aname.len, limits);
		for (int i = 0; i < 2; i++)
			if (limits[i] > ret[i])
				ret[i] = limits[i];
	}
}

static void find_limits(const struct flatten *flatten, const struct zone_node *node, uint8_t ret[2])
{
	const struct pool_tree *tree = members_pool(flatten, node);
	const uint8_t *target = first_target(node);

	if (tree) {
		find_pool_limits(flatten, tree, ret);
		return;
	}
	ret[0] = 24;
	ret[1] = 56;
	if (flatten->upstream && target)
		upstream_limits(flatten->upstream, target, name_len(target), ret);
}

/*
 * What tells flights of one name apart. Where no client's network is ever sent
 * there is one flight for all; where it is sent for the other family only,
 * this family's networks must stay apart from those answers.
 */
static struct network flight_network(const struct network *client, const uint8_t limits[2])
{
	bool ipv6 = client->family == AN_FAMILY_IPV6;
	unsigned int len = ipv6 ? 56 : 24;

	if (client->family && !limits[ipv6] && limits[!ipv6])
		return network_of(client->family, client->address,
		                  client->len < len ? client->len : len);
	return audience_ask(client, limits[0], limits[1]);
}

void flight_want(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                 const struct network *client, uint32_t region, struct flatten_wait *wait,
                 bool refresh)
{
	const struct zone *zone = zones_find(flatten->world->zones, owner, len, type);
	struct zone_match match = {0};
	struct ask_key key;
	struct flight *flight;
	uint8_t limits[2];

	if (zone)
		match = zone_find(zone, owner, len, type);
	if (!zone || match.verdict != ZONE_ANSWER || !zone_flattens(zone, match.node)) {
		if (wait)
			wait->done(wait); /* a reload has changed what is there */
		return;
	}
	find_limits(flatten, match.node, limits);
	memset(&key, 0, sizeof(key));
	key.network = flight_network(client, limits);
	key.region = region;
	key.type = type;
	key.name_len = (uint8_t)len;
	name_lower(key.name, owner, len);
	HASH_FIND(hh, flatten->flights, &key, sizeof(key), flight);
	if (flight) {
		flatten->stats.coalesced++;
		if (wait)
			flight_add_wait(flight, wait);
		return;
	}
	flight = flight_new(flatten, &key, client);
	if (!flight) {
		if (wait)
			wait->done(wait);
		return;
	}
	memcpy(flight->limits, limits, sizeof(limits));
	memcpy(flight->zone_apex, zone->apex, zone->apex_len);
	flight->zone_apex_len = zone->apex_len;
	flight->refresh = refresh;
	if (refresh)
		flatten->refreshing++;
	if (wait)
		flight_add_wait(flight, wait);
	uv_timer_start(&flight->timer, flight_timer, flatten->world->config->client_timer_ms, 0);
	members_start(flight, zone, match.node);
}

/* Clients ask for both families: the other one is fetched along. */
static void want_partner(struct flatten *flatten, const struct want *want)
{
	uint16_t type = want->type == AN_TYPE_A ? AN_TYPE_AAAA : AN_TYPE_A;
	struct store_found found;

	rcu_read_lock();
	found = store_find(flatten->store, want->owner, want->owner_len, type, &want->client,
	                   want->region, false, clock_ms());
	rcu_read_unlock();
	if (found.state == STORE_ABSENT || found.state == STORE_EXPIRED)
		flight_want(flatten, want->owner, want->owner_len, type, &want->client,
		            want->region, NULL, false);
}

static bool is_local_address(const struct endpoint *source)
{
	struct sockaddr_storage address;
	struct endpoint bound = *source;
	socklen_t len;
	int fd, rc;

	bound.port = 0;
	len = endpoint_to_sockaddr(&bound, &address);
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	rc = bind(fd, (struct sockaddr *)&address,
	          len); /* only an address of this machine can be bound */
	close(fd);
	return rc == 0;
}

/* A query for a name that we are asking for ourselves, from ourselves: two servers that point at
 * each other. */
static bool want_is_loop(struct flatten *flatten, const struct want *want)
{
	return target_is_asked(flatten, want->owner, want->owner_len, want->type) &&
	       is_local_address(&want->source);
}

/* What a pool's members gave is still good, though how they stand has changed, or may have. */
static bool renew_stored(struct flatten *flatten, const struct want *want)
{
	uint64_t now = clock_ms();
	struct store_found found;
	bool renewed = false;

	rcu_read_lock();
	found = store_find(flatten->store, want->owner, want->owner_len, want->type, &want->client,
	                   want->region, false, now);
	if (found.answer && found.answer->harvest)
		renewed = cell_renew(flatten, found.answer, now);
	rcu_read_unlock();
	return renewed;
}

static void take_want(struct flatten *flatten, struct flatten_wait *wait)
{
	struct want want = wait->want; /* the wait is gone once it is done */

	flatten->stats.wants++;
	if (want_is_loop(flatten, &want)) {
		flatten->stats.loops++;
		wait->done(wait);
		return;
	}
	if (renew_stored(flatten, &want)) {
		wait->done(wait);
		return;
	}
	flight_want(flatten, want.owner, want.owner_len, want.type, &want.client, want.region, wait,
	            false);
	want_partner(flatten, &want);
}

static void on_async(uv_async_t *async)
{
	struct flatten *flatten = async->data;
	struct flatten_wait *wants;
	struct offer *offers = NULL;
	size_t offer_count;

	pthread_mutex_lock(&flatten->lock);
	wants = flatten->wants;
	flatten->wants = NULL;
	flatten->wants_tail = &flatten->wants;
	offer_count = flatten->offer_count;
	if (offer_count) {
		offers = malloc(offer_count * sizeof(*offers));
		if (offers)
			memcpy(offers, flatten->offers, offer_count * sizeof(*offers));
		flatten->offer_count = 0;
	}
	pthread_mutex_unlock(&flatten->lock);
	while (wants) {
		struct flatten_wait *wait = wants;

		wants = wait->next;
		wait->next = NULL;
		take_want(flatten, wait);
	}
	for (size_t i = 0; offers && i < offer_count; i++)
		offer_take(flatten, &offers[i]);
	free(offers);
	cells_settle(flatten, clock_ms());
}

/* ---- from any thread ---- */

void flatten_want(struct flatten *flatten, struct flatten_wait *wait)
{
	wait->next = NULL;
	pthread_mutex_lock(&flatten->lock);
	*flatten->wants_tail = wait;
	flatten->wants_tail = &wait->next;
	pthread_mutex_unlock(&flatten->lock);
	uv_async_send(&flatten->async);
}

static void put_offer(struct flatten *flatten, const struct offer *offer)
{
	bool first;

	pthread_mutex_lock(&flatten->lock);
	first = flatten->offer_count == 0;
	if (flatten->offer_count < FLATTEN_OFFERS_MAX)
		flatten->offers[flatten->offer_count++] = *offer;
	else
		flatten->offers_dropped++;
	pthread_mutex_unlock(&flatten->lock);
	if (first)
		uv_async_send(&flatten->async);
}

uint32_t flatten_default_region(const struct flatten *flatten, const uint8_t *owner, size_t len)
{
	static const struct network nobody;
	const struct zone *zone = zones_find(flatten->world->zones, owner, len, AN_TYPE_A);
	struct zone_match match = {0};

	if (zone)
		match = zone_find(zone, owner, len, AN_TYPE_A);
	if (!zone || match.verdict != ZONE_ANSWER)
		return 0;
	return where_find(flatten->world, match.node, &nobody).region;
}

bool flatten_publishes(const struct flatten *flatten)
{
	return CMM_LOAD_SHARED(flatten->publish) != NULL;
}

void flatten_offer(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type)
{
	struct offer offer = {.name_len = (uint8_t)len, .type = type};

	if (!CMM_LOAD_SHARED(flatten->publish))
		return;
	name_lower(offer.name, name, len);
	put_offer(flatten, &offer);
}

void flatten_offer_chained(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type)
{
	struct offer offer = {.name_len = (uint8_t)len, .type = type, .chained = true};

	if (!CMM_LOAD_SHARED(flatten->publish))
		return;
	name_lower(offer.name, name, len);
	put_offer(flatten, &offer);
}

void flatten_offer_stored(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                          const struct network *client, uint32_t region)
{
	struct offer offer = {.name_len = (uint8_t)len,
	                      .type = type,
	                      .stored = true,
	                      .client = *client,
	                      .region = region};

	if (!CMM_LOAD_SHARED(flatten->publish))
		return;
	name_lower(offer.name, owner, len);
	put_offer(flatten, &offer);
}

/* ---- life ---- */

static void on_tick(uv_timer_t *timer)
{
	struct flatten *flatten = timer->data;
	uint64_t now = clock_ms();

	cells_settle(flatten, now);
	refresh_tick(flatten);
	rcu_read_lock();
	finish_idle(flatten, now);
	rcu_read_unlock();
	if (now >= flatten->forget_ms) {
		flatten->forget_ms = now + FORGET_MS;
		lookups_forget(flatten, now);
	}
}

struct flatten *flatten_new(uv_loop_t *loop, struct store *store)
{
	struct flatten *flatten = calloc(1, sizeof(*flatten));

	if (!flatten)
		return NULL;
	flatten->loop = loop;
	flatten->store = store;
	flatten->targets_store = store_new(65536, 1024);
	flatten->offers = calloc(FLATTEN_OFFERS_MAX, sizeof(*flatten->offers));
	if (!flatten->targets_store || !flatten->offers) {
		store_free(flatten->targets_store);
		free(flatten->offers);
		free(flatten);
		return NULL;
	}
	store_on_leave(store, cell_answer_leaves, flatten);
	pthread_mutex_init(&flatten->lock, NULL);
	flatten->wants_tail = &flatten->wants;
	uv_async_init(loop, &flatten->async, on_async);
	uv_timer_init(loop, &flatten->tick);
	flatten->async.data = flatten->tick.data = flatten;
	uv_timer_start(&flatten->tick, on_tick, TICK_MS, TICK_MS);
	return flatten;
}

/* An owner whose definition a reload has changed: what it had stays as last good answers only. */
static void reconsider_owner(struct store_owner *owner, void *arg)
{
	struct flatten *flatten = arg;
	const struct zone *zone =
	        zones_find(flatten->world->zones, owner->name, owner->name_len, owner->type);
	struct zone_match match = {0};
	uint64_t definition, now = clock_ms();
	bool same, home;

	if (zone)
		match = zone_find(zone, owner->name, owner->name_len, owner->type);
	if (!zone || match.verdict != ZONE_ANSWER || !zone_flattens(zone, match.node)) {
		finish_remove_owner(flatten, owner, true);
		return;
	}
	definition = members_definition(flatten, zone, match.node);
	same = definition == owner->definition;
	home = members_lead_home(flatten, match.node);
	owner->definition = definition;
	owner->has_kernel_owner = false;
	CMM_STORE_SHARED(owner->failed_until_ms, 0);
	for (struct answer *answer = owner->answers; answer; answer = answer->next) {
		answer->slot = AN_SLOT_NONE;
		if ((!same || home || answer->upstream == FLATTEN_FROM_ZONES ||
		     (answer->cell && !answer->cell->tree)) &&
		    answer->fresh_until_ms > now) {
			CMM_STORE_SHARED(answer->fresh_until_ms, now);
			answer->good_until_ms = now;
		}
		finish_publish(flatten, owner, answer, answer == owner->catch_all);
	}
	if (owner->failing)
		finish_failing(flatten, owner, true);
}

/* The pools were found good when the configuration was loaded; a world without them gets some that
 * know no regions. Gives those of its own that it has done with, which cells still look at. */
static struct pools *take_pools(struct flatten *flatten)
{
	const struct config *config = flatten->world->config;
	struct pools *pools = NULL, *old = flatten->own_pools;
	struct pool_fault fault = {0};

	if (flatten->world->pools) {
		flatten->pools = flatten->world->pools;
		return NULL;
	}
	if (flatten->pools_config == config)
		return NULL;
	if (pools_new(config, NULL, NULL, &pools, &fault))
		log_error("pools: %s", fault.text[0] ? fault.text : "out of memory");
	flatten->pools = flatten->own_pools = pools;
	flatten->pools_config = config;
	return old;
}

void flatten_health(struct flatten *flatten, struct health *health)
{
	flatten->health = health;
}

void flatten_world(struct flatten *flatten, const struct world *world, struct upstream *upstream,
                   struct publish *publish, struct keep *keep)
{
	bool first = !flatten->world, other = flatten->upstream != upstream;
	struct pools *old;

	flatten->world = world;
	old = take_pools(flatten);
	flatten->upstream = upstream;
	lookups_upstream(flatten);
	CMM_STORE_SHARED(flatten->publish, publish);
	flatten->keep = keep;
	cells_world(flatten);
	pools_free(old);
	if (first)
		return;
	store_owner_each(flatten->store, reconsider_owner, flatten);
	if (other)
		lookups_restart(flatten);
}

static void free_closed(uv_handle_t *handle)
{
	struct flatten *flatten = handle->data;

	pthread_mutex_destroy(&flatten->lock);
	free(flatten->offers);
	free(flatten);
}

static void tick_closed(uv_handle_t *handle)
{
	struct flatten *flatten = handle->data;

	uv_close((uv_handle_t *)&flatten->async, free_closed); /* no call comes after this */
}

void flatten_free(struct flatten *flatten)
{
	struct flight *flight, *next_flight;
	struct target *target, *next_target;
	struct budget *budget, *next_budget;

	if (!flatten)
		return;
	on_async(&flatten->async);
	HASH_ITER(hh, flatten->flights, flight, next_flight)
	{
		flight_release_waits(flight);
		flight_drop(flight);
	}
	choices_free(flatten);
	HASH_ITER(hh, flatten->targets, target, next_target)
	{
		HASH_DEL(flatten->targets, target);
		free(target);
	}
	HASH_ITER(hh, flatten->budgets, budget, next_budget)
	{
		HASH_DEL(flatten->budgets, budget);
		free(budget);
	}
	store_on_leave(flatten->store, NULL, NULL);
	cells_free(flatten);
	pools_free(flatten->own_pools);
	store_free(flatten->targets_store);
	free(flatten->queue);
	free(flatten->failing);
	uv_timer_stop(&flatten->tick);
	uv_close((uv_handle_t *)&flatten->tick, tick_closed);
}

struct flush {
	struct flatten *flatten;
	const struct network *network;
	size_t count;
};

static void flush_owner(struct flush *flush, struct store_owner *owner)
{
	struct answer *answer = owner->answers, *next;

	if (!flush->network) {
		flush->count += owner->answer_count;
		finish_remove_owner(flush->flatten, owner, true);
		return;
	}
	for (; answer; answer = next) {
		struct network network = audience_network(&answer->key);

		next = answer->next;
		if (network_contains(flush->network, &network) ||
		    network_contains(&network, flush->network)) {
			/* What is around it is met too. */
			finish_remove_alone(flush->flatten, answer, true);
			flush->count++;
		}
	}
}

size_t flatten_flush(struct flatten *flatten, const uint8_t *owner, size_t len,
                     const struct network *network)
{
	static const uint16_t types[] = {AN_TYPE_A, AN_TYPE_AAAA};
	struct flush flush = {.flatten = flatten, .network = network};

	rcu_read_lock();
	for (size_t i = 0; i < 2; i++) {
		struct store_owner *found = store_owner_find(flatten->store, owner, len, types[i]);

		if (found)
			flush_owner(&flush, found);
	}
	rcu_read_unlock();
	return flush.count;
}

void flatten_stats(const struct flatten *flatten, struct flatten_stats *ret)
{
	*ret = flatten->stats;
	ret->offers_dropped = flatten->offers_dropped;
}
