/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "zone/walk.h"

#define TICK_MS       1000 /* no owner is looked at more often, no table published more often */
#define PUBLISH_MS    50   /* changes that come together go out together */
#define AT_ONCE       64   /* owners asked for at the same time */
#define BUDGET_PER_S  1000 /* of a zone that sets none */
#define BUDGET_SHARE  0.8  /* of the zone's look-ups: queries need some, too */
#define LOWER_IN_ROW  8    /* TTLs of less than half before the smaller is believed */
#define FROM_OUR_ZONE 255  /* struct answer: upstream */
#define ADDRESSES_MAX 64   /* of one owner and type */

static const uint16_t types[2] = {[EXPAND_A] = AN_TYPE_A, [EXPAND_AAAA] = AN_TYPE_AAAA};

struct owner {
	const uint8_t *name; /* the zone's */
	uint8_t len;
	bool asked;
	bool pooled;    /* its addresses come and go with the members of a pool */
	bool awaited;   /* the table is not settled before its first inquiry has come back */
	uint8_t misses; /* inquiries in a row that gave nothing fresh */
	uint8_t lower[2];
	uint64_t due_ms;
};

struct expand {
	uv_loop_t *loop;
	struct flatten *flatten;
	void (*changed)(void *arg);
	void *arg;

	struct zone *zone;
	struct store *store;
	struct expand_table *table; /* this room's own */
	struct owner *owners;
	size_t count, cursor;
	uint64_t turns;          /* flatten_pool_turns(), as last seen */
	unsigned int generation; /* of owners */
	size_t awaited;          /* owners */
	bool settled;
	uint64_t deadline_ms, next_due_ms, published_ms;
	uint32_t resolution_ms, recheck_ms, failure_ms;
	double tokens, rate;
	uint64_t filled_ms;

	size_t outstanding;
	bool closing;
	unsigned int handles;
	uv_timer_t tick, publish;
};

/* One owner that is being asked for. */
struct inquiry {
	struct flatten_wait wait; /* first */
	struct expand *expand;
	unsigned int generation;
	size_t owner;
	int which;
};

/* ---- from the store to the table ---- */

static bool same_addresses(const struct expand_set *a, const struct expand_set *b, int which)
{
	size_t len = (size_t)a->count * (which == EXPAND_AAAA ? 16 : 4);

	return a->known == b->known && a->count == b->count &&
	       (!len || !memcmp(a->octets, b->octets, len));
}

/*
 * The TTL that goes with addresses that have not changed. A resolver's cache
 * gives another rest of life each time, which is no news: only twice as much,
 * or less than half many times in a row, is.
 */
static uint32_t settle_ttl(uint32_t had, uint32_t seen, uint8_t *lower)
{
	if (seen > had / 2)
		*lower = 0;
	if (seen / 2 > had)
		return seen;
	if (seen > had / 2 || ++*lower < LOWER_IN_ROW)
		return had;
	*lower = 0;
	return seen;
}

static void on_publish(uv_timer_t *timer);

/* Puts the sets into the table if they say something new. */
static void put_sets(struct expand *expand, struct owner *owner, struct expand_set sets[2])
{
	struct expand_entry *old = expand_table_find(expand->table, owner->name, owner->len);
	struct expand_entry *entry;
	bool same = true;

	for (int i = 0; i < 2; i++) {
		if (!same_addresses(&sets[i], &old->sets[i], i)) {
			same = false;
			owner->lower[i] = 0;
			continue;
		}
		sets[i].ttl = settle_ttl(old->sets[i].ttl, sets[i].ttl, &owner->lower[i]);
		same = same && (!sets[i].count || sets[i].ttl == old->sets[i].ttl);
	}
	if (same)
		return;
	entry = expand_entry_new(owner->name, owner->len, sets);
	if (!entry)
		return; /* the next look will find the same news */
	expand_table_put(expand->table, entry);
	if (expand->settled && !uv_is_active((uv_handle_t *)&expand->publish)) {
		uint64_t now = clock_ms(), next = expand->published_ms + TICK_MS;

		uv_timer_start(&expand->publish, on_publish,
		               next > now + PUBLISH_MS ? next - now : PUBLISH_MS, 0);
	}
}

static bool is_for_nobody(const struct store_found *found)
{
	return !found->answer->key.len;
}

struct look {
	bool fresh;   /* both are */
	bool local;   /* nobody outside was asked */
	uint32_t ttl; /* the shorter rest of life */
};

/*
 * The addresses of an answer: of a pool's, those that some client gets now,
 * since a secondary knows neither weights nor client networks. False: none
 * lives, which is for as long as it takes to compose the answer anew.
 */
static bool take_addresses(const struct answer *answer, uint8_t room[ADDRESSES_MAX * 16],
                           struct expand_set *ret)
{
	size_t len = address_len(answer->key.type);
	uint8_t at[256];
	unsigned int count;

	*ret = (struct expand_set){.known = true,
	                           .count = answer->count,
	                           .ttl = answer->ttl,
	                           .octets = answer->octets};
	if (!answer->pool)
		return true;
	count = answer_living(answer, at);
	if (count > ADDRESSES_MAX)
		count = ADDRESSES_MAX;
	for (unsigned int i = 0; i < count; i++)
		memcpy(room + i * len, answer->octets + at[i] * len, len);
	ret->count = (uint16_t)count;
	ret->octets = room;
	return count;
}

/*
 * Both types of an owner out of the store. last_good: what is stale counts
 * too; any: also what was given to some network. Caller holds the RCU read lock.
 */
static void look_up(struct expand *expand, struct owner *owner, bool last_good, bool any,
                    struct look *ret)
{
	static const struct network nobody;
	const struct expand_entry *entry =
	        expand_table_find(expand->table, owner->name, owner->len);
	struct expand_set sets[2] = {entry->sets[0], entry->sets[1]}, now;
	uint8_t rooms[2][ADDRESSES_MAX * 16];
	uint32_t region = flatten_default_region(expand->flatten, owner->name, owner->len);

	*ret = (struct look){.fresh = true, .local = true, .ttl = UINT32_MAX};
	owner->pooled = false;
	for (int i = 0; i < 2; i++) {
		struct store_found found =
		        store_find(expand->store, owner->name, owner->len, types[i], &nobody,
		                   region, last_good, clock_ms());
		bool given = found.answer && (found.state == STORE_FRESH ||
		                              (found.state == STORE_STALE && last_good &&
		                               (is_for_nobody(&found) || (any && !sets[i].known))));

		if (found.state != STORE_FRESH)
			ret->fresh = false;
		if (found.answer && found.answer->harvest)
			owner->pooled = true;
		if (!given)
			continue;
		if (found.answer->upstream != FROM_OUR_ZONE)
			ret->local = false;
		if (found.ttl < ret->ttl)
			ret->ttl = found.ttl;
		if (take_addresses(found.answer, rooms[i], &now))
			sets[i] = now;
	}
	if (last_good || ret->fresh)
		put_sets(expand, owner, sets);
}

static bool is_known(const struct expand *expand, const struct owner *owner)
{
	const struct expand_entry *entry =
	        expand_table_find(expand->table, owner->name, owner->len);

	return entry->sets[EXPAND_A].known || entry->sets[EXPAND_AAAA].known;
}

/* An owner has been looked at: when it is looked at again. */
static void set_due(struct expand *expand, struct owner *owner, const struct look *look)
{
	uint64_t pause = (uint64_t)look->ttl * 1000;

	if (look->fresh)
		owner->misses = 0;
	else if (owner->misses++ == 0) /* what came too late may be there soon */
		pause = TICK_MS;
	else
		pause = owner->misses < 3 ? expand->failure_ms : expand->recheck_ms;
	if (owner->misses > 3)
		owner->misses = 3;
	owner->due_ms = clock_ms() + (pause < TICK_MS ? TICK_MS : pause);
	if (owner->due_ms < expand->next_due_ms)
		expand->next_due_ms = owner->due_ms;
	expand->awaited -= owner->awaited;
	owner->awaited = false;
}

/* ---- asking ---- */

static void pump(struct expand *expand);

static void expand_finish(struct expand *expand)
{
	if (!expand->closing || expand->outstanding || expand->handles)
		return;
	free(expand);
}

static void settle(struct expand *expand)
{
	if (expand->settled || (expand->awaited && clock_ms() < expand->deadline_ms))
		return;
	expand->settled = true;
	uv_timer_start(&expand->publish, on_publish, 0, 0);
}

static void inquire(struct inquiry *inquiry)
{
	inquiry->wait.want.type = types[inquiry->which];
	flatten_want(inquiry->expand->flatten, &inquiry->wait);
}

static void inquiry_end(struct inquiry *inquiry)
{
	struct expand *expand = inquiry->expand;
	struct owner *owner = &expand->owners[inquiry->owner];
	struct look look;

	rcu_read_lock();
	look_up(expand, owner, true, true, &look);
	rcu_read_unlock();
	owner->asked = false;
	set_due(expand, owner, &look);
	if (look.fresh && look.local) /* it cost nobody anything */
		expand->tokens += 2;
	settle(expand);
}

static bool is_current(const struct inquiry *inquiry)
{
	const struct expand *expand = inquiry->expand;

	return !expand->closing && inquiry->generation == expand->generation;
}

static void inquiry_done(struct flatten_wait *wait)
{
	struct inquiry *inquiry = (struct inquiry *)(void *)wait;
	struct expand *expand = inquiry->expand;

	if (is_current(inquiry) && inquiry->which == EXPAND_A) {
		inquiry->which = EXPAND_AAAA;
		inquire(inquiry);
		return;
	}
	if (is_current(inquiry))
		inquiry_end(inquiry);
	free(inquiry);
	expand->outstanding--;
	if (expand->closing)
		expand_finish(expand);
	else if (expand->outstanding < AT_ONCE / 2)
		pump(expand);
}

static bool ask(struct expand *expand, size_t index)
{
	struct owner *owner = &expand->owners[index];
	struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

	if (!inquiry)
		return false;
	inquiry->expand = expand;
	inquiry->generation = expand->generation;
	inquiry->owner = index;
	inquiry->wait.done = inquiry_done;
	name_lower(inquiry->wait.want.owner, owner->name, owner->len);
	inquiry->wait.want.owner_len = owner->len;
	inquiry->wait.want.region =
	        flatten_default_region(inquiry->expand->flatten, owner->name, owner->len);
	owner->asked = true;
	expand->outstanding++;
	expand->tokens -= 2;
	inquire(inquiry);
	return true;
}

/* One owner whose time has come: fresh in the store, or it is asked for. */
static bool serve_owner(struct expand *expand, size_t index)
{
	struct owner *owner = &expand->owners[index];
	struct look look;

	rcu_read_lock();
	look_up(expand, owner, false, false, &look);
	rcu_read_unlock();
	if (!look.fresh)
		return ask(expand, index);
	set_due(expand, owner, &look);
	return true;
}

static void refill(struct expand *expand, uint64_t now)
{
	expand->tokens += (double)(now - expand->filled_ms) * expand->rate / 1000;
	if (expand->tokens > expand->rate)
		expand->tokens = expand->rate;
	expand->filled_ms = now;
}

static void pump(struct expand *expand)
{
	uint64_t now = clock_ms(), next = UINT64_MAX;
	size_t seen = 0;

	refill(expand, now);
	for (; seen < expand->count; seen++) {
		struct owner *owner = &expand->owners[expand->cursor];

		if (!owner->asked && owner->due_ms <= now &&
		    (expand->outstanding >= AT_ONCE || expand->tokens < 2 ||
		     !serve_owner(expand, expand->cursor)))
			break;
		if (!owner->asked && owner->due_ms < next)
			next = owner->due_ms;
		if (++expand->cursor == expand->count)
			expand->cursor = 0;
	}
	expand->next_due_ms = seen < expand->count ? now : next;
}

/* Members of pools have come or gone: their owners are looked at now. */
static void follow_pools(struct expand *expand)
{
	uint64_t turns = flatten_pool_turns(expand->flatten);

	if (turns == expand->turns)
		return;
	expand->turns = turns;
	for (size_t i = 0; i < expand->count; i++)
		if (expand->owners[i].pooled)
			expand->owners[i].due_ms = expand->next_due_ms = 0;
}

static void on_tick(uv_timer_t *timer)
{
	struct expand *expand = timer->data;

	follow_pools(expand);
	if (expand->next_due_ms <= clock_ms())
		pump(expand);
	settle(expand);
}

static void on_publish(uv_timer_t *timer)
{
	struct expand *expand = timer->data;

	expand->published_ms = clock_ms();
	expand->changed(expand->arg);
}

/* ---- zones ---- */

struct gathering {
	struct owner *owners;
	size_t count;
	struct expand_table *table;
	const struct expand_table *old;
};

static size_t count_owners(const struct zone *zone)
{
	struct zone_walk walk = zone_walk(zone);
	const struct zone_node *node;
	size_t count = 0;

	while ((node = zone_walk_next(&walk)))
		count += zone_flattens(zone, node);
	return count;
}

/* The entry that an owner had in the snapshot before, or one that knows nothing. */
static int gather_owner(struct gathering *g, const struct zone_node *node)
{
	static const struct expand_set none[2];
	struct expand_entry *entry =
	        g->old ? expand_table_find(g->old, node->name, node->name_len) : NULL;

	entry = entry ? expand_entry_hold(entry)
	              : expand_entry_new(node->name, node->name_len, none);
	if (!entry)
		return -ENOMEM;
	expand_table_put(g->table, entry);
	g->owners[g->count++] = (struct owner){.name = node->name, .len = node->name_len};
	return 0;
}

static int gather(const struct zone *zone, struct gathering *g)
{
	struct zone_walk walk = zone_walk(zone);
	const struct zone_node *node;
	size_t count = count_owners(zone);
	int err = 0;

	g->owners = calloc(count ? count : 1, sizeof(*g->owners));
	g->table = expand_table_new(count);
	if (!g->owners || !g->table)
		err = -ENOMEM;
	while (!err && (node = zone_walk_next(&walk)))
		if (zone_flattens(zone, node))
			err = gather_owner(g, node);
	if (err) {
		free(g->owners);
		expand_table_free(g->table);
	}
	return err;
}

static void take_settings(struct expand *expand, const struct world *world)
{
	const struct config_zone *settings = expand->zone->settings;
	const struct config *config = world->config;

	expand->store = world->store;
	expand->resolution_ms = config->resolution_ms;
	expand->recheck_ms = config->recheck_ms;
	expand->failure_ms = config->failure_ttl_ms;
	expand->rate = BUDGET_SHARE *
	               (settings && settings->budget_per_s ? settings->budget_per_s : BUDGET_PER_S);
	if (expand->rate < 2)
		expand->rate = 2;
}

/* What the store still has: after a restart, the last good addresses. */
static void take_stored(struct expand *expand)
{
	struct look look;

	expand->awaited = 0;
	rcu_read_lock();
	for (size_t i = 0; i < expand->count; i++) {
		struct owner *owner = &expand->owners[i];

		if (!is_known(expand, owner))
			look_up(expand, owner, true, false, &look);
		owner->awaited = !is_known(expand, owner);
		expand->awaited += owner->awaited;
	}
	rcu_read_unlock();
}

static void forget_zone(struct expand *expand)
{
	expand->generation++;
	free(expand->owners);
	expand->owners = NULL;
	expand->count = expand->cursor = 0;
	expand_table_free(expand->table);
	expand->table = NULL;
	zone_free(expand->zone);
	expand->zone = NULL;
}

int expand_zone(struct expand *expand, const struct world *world, struct zone *zone)
{
	struct gathering g = {.old = expand->table};
	int err = gather(zone, &g);

	if (err)
		return err;
	forget_zone(expand);
	expand->zone = zone_hold(zone);
	expand->owners = g.owners;
	expand->count = g.count;
	expand->table = g.table;
	expand->settled = false;
	uv_timer_stop(&expand->publish);
	take_settings(expand, world);
	expand->deadline_ms = clock_ms() + expand->resolution_ms;
	expand->tokens = expand->rate;
	expand->filled_ms = clock_ms();
	take_stored(expand);
	pump(expand);
	settle(expand);
	return 0;
}

struct expand_table *expand_table(struct expand *expand, struct zone **ret_zone)
{
	struct expand_table *copy = expand_table_copy(expand->table);

	if (copy)
		*ret_zone = zone_hold(expand->zone);
	return copy;
}

/* ---- life ---- */

struct expand *expand_new(uv_loop_t *loop, struct flatten *flatten, void (*changed)(void *arg),
                          void *arg)
{
	struct expand *expand = calloc(1, sizeof(*expand));

	if (!expand)
		return NULL;
	expand->loop = loop;
	expand->flatten = flatten;
	expand->changed = changed;
	expand->arg = arg;
	uv_timer_init(loop, &expand->tick);
	uv_timer_init(loop, &expand->publish);
	expand->tick.data = expand->publish.data = expand;
	expand->handles = 2;
	uv_timer_start(&expand->tick, on_tick, TICK_MS, TICK_MS);
	return expand;
}

static void handle_closed(uv_handle_t *handle)
{
	struct expand *expand = handle->data;

	expand->handles--;
	expand_finish(expand);
}

void expand_free(struct expand *expand)
{
	if (!expand)
		return;
	forget_zone(expand);
	expand->closing = true;
	uv_close((uv_handle_t *)&expand->tick, handle_closed);
	uv_close((uv_handle_t *)&expand->publish, handle_closed);
}
