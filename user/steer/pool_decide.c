/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From states to groups, in three passes over the nodes: from the leaves up,
 * what is up; from the root down, what is chosen; then the chosen leaves by
 * group.
 */
#include <string.h>

#include "steer/pool.h"

#define SHARE_ONE   (UINT64_C(1) << 20)
#define WEIGHT_MOST 60000

struct decide {
	const struct pool_input *input;
	const struct pool_node *nodes;
	struct pool_decision *ret;
	uint8_t *verdicts;
	uint32_t latency_us[POOL_NODES_MAX]; /* least among what is up; 0: not known */
	uint16_t branch[POOL_NODES_MAX];     /* the node whose group a leaf is in; 0: the root's */
	uint64_t share[POOL_NODES_MAX];
};

static bool is(const struct decide *d, uint16_t node, unsigned int verdict)
{
	return d->verdicts[node] & verdict;
}

static bool is_pool(const struct decide *d, uint16_t node)
{
	return d->nodes[node].kind == POOL_NODE_POOL;
}

static bool is_resort(const struct decide *d, uint16_t node)
{
	return d->nodes[node].kind == POOL_NODE_RESORT;
}

#define EACH_CHILD(d, pool, child)                                                                 \
	uint16_t child = (uint16_t)((pool) + 1);                                                   \
	(child) < (d)->nodes[pool].end;                                                            \
	(child) = (d)->nodes[child].end

/* ---- from the leaves up ---- */

static void judge_leaf(struct decide *d, uint16_t node)
{
	const struct pool_yield *yield = &d->input->yields[node];

	if (yield->count)
		d->verdicts[node] |= POOL_HAS;
	if (yield->count && yield->live)
		d->verdicts[node] |= POOL_UP;
	if (yield->known && !yield->gone &&
	    (yield->count || d->nodes[node].kind == POOL_NODE_ANAME))
		d->verdicts[node] |= POOL_STANDS;
	d->latency_us[node] = yield->latency_us;
}

/* An order of regions is closed: where a geo pool has members for it, the client is given nothing
 * of others', so the pool does not stand or fall by these. */
static bool is_closed(const struct decide *d, uint16_t pool)
{
	return d->input->place.order_count && d->nodes[pool].pool->mode == POOL_GEO &&
	       pool_has_place(d->input->tree, pool, &d->input->place);
}

/* Is the child one that its pool stands or falls by? `closed`: see is_closed(). */
static bool matters(const struct decide *d, uint16_t child, bool closed)
{
	return !is_resort(d, child) &&
	       (!closed || pool_is_for(d->input->tree, child, &d->input->place));
}

static void judge_pool(struct decide *d, uint16_t pool)
{
	unsigned int have = 0, up = 0, least = d->nodes[pool].pool->min_up;
	bool closed = is_closed(d, pool);

	for (EACH_CHILD(d, pool, child)) {
		uint32_t latency = d->latency_us[child];

		if (!matters(d, child, closed))
			continue;
		have += is(d, child, POOL_HAS);
		up += is(d, child, POOL_UP);
		d->verdicts[pool] |= d->verdicts[child] & (POOL_HAS | POOL_STANDS);
		if (is(d, child, POOL_UP) && latency &&
		    (!d->latency_us[pool] || latency < d->latency_us[pool]))
			d->latency_us[pool] = latency;
	}
	/* Of the members that have addresses of this type there may be fewer than are wanted. */
	if (least > have)
		least = have;
	if (up && up >= least)
		d->verdicts[pool] |= POOL_UP;
}

static void remember(struct decide *d, uint16_t node)
{
	struct pool_memory *memory = d->input->memory ? &d->input->memory[node] : NULL;
	bool up = is(d, node, POOL_UP);

	if (!memory)
		return;
	if (memory->seen && up && !memory->up)
		memory->up_since_ms = d->input->now_ms;
	memory->seen = true;
	memory->up = up;
}

static void judge(struct decide *d)
{
	for (uint16_t node = d->input->tree->count; node-- > 0;) {
		if (is_pool(d, node))
			judge_pool(d, node);
		else
			judge_leaf(d, node);
		remember(d, node);
	}
}

/* ---- from the root down ---- */

static void reconsider(struct decide *d, uint64_t when)
{
	if (when < d->ret->reconsider_ms)
		d->ret->reconsider_ms = when;
}

static void choose(struct decide *d, uint16_t pool, uint16_t child)
{
	d->verdicts[child] |= POOL_CHOSEN;
	if (is(d, child, POOL_UP) || is(d, pool, POOL_PANIC) || is_resort(d, child))
		d->verdicts[child] |= POOL_COUNTS;
}

/* May the answer be made of this child, as its pool stands? */
static bool usable(const struct decide *d, uint16_t pool, uint16_t child)
{
	if (is_resort(d, child))
		return false;
	return is(d, child, is(d, pool, POOL_PANIC) ? POOL_HAS : POOL_UP);
}

/* Leaves that are down are kept in the answer, out of sight, until they are up again. */
static bool may_stand_by(const struct decide *d, uint16_t pool, uint16_t child)
{
	if (is_resort(d, child) || !is(d, child, POOL_HAS))
		return false;
	return usable(d, pool, child) || !is_pool(d, child);
}

static bool is_up_somewhere(const struct decide *d, uint16_t pool)
{
	bool closed = is_closed(d, pool);

	for (EACH_CHILD(d, pool, child))
		if (matters(d, child, closed) && is(d, child, POOL_UP))
			return true;
	return false;
}

static bool has_resort(const struct decide *d, uint16_t pool)
{
	for (EACH_CHILD(d, pool, child))
		if (is_resort(d, child) && is(d, child, POOL_HAS))
			return true;
	return false;
}

static void choose_resort(struct decide *d, uint16_t pool)
{
	d->verdicts[pool] |= POOL_RESORT;
	d->ret->resort = true;
	for (EACH_CHILD(d, pool, child))
		if (is_resort(d, child) && is(d, child, POOL_HAS))
			choose(d, pool, child);
}

static void choose_all(struct decide *d, uint16_t pool)
{
	for (EACH_CHILD(d, pool, child))
		if (may_stand_by(d, pool, child))
			choose(d, pool, child);
}

static uint64_t held_until(const struct decide *d, uint16_t pool, uint16_t child)
{
	const struct pool_memory *memory = d->input->memory ? &d->input->memory[child] : NULL;

	if (!memory || !memory->up_since_ms)
		return 0;
	return memory->up_since_ms + d->nodes[pool].pool->hold_down_ms;
}

static bool is_held(struct decide *d, uint16_t pool, uint16_t child)
{
	uint64_t until = held_until(d, pool, child);

	if (d->input->now_ms >= until)
		return false;
	d->verdicts[child] |= POOL_HELD;
	reconsider(d, until);
	return true;
}

/* Is `child` to be preferred to `other`? */
static bool is_better(const struct decide *d, uint16_t pool, uint16_t child, uint16_t other,
                      uint32_t margin_us)
{
	uint64_t mine = d->latency_us[child], its = d->latency_us[other];

	if (d->nodes[pool].pool->mode == POOL_FAILOVER)
		return child < other;
	if (!mine || !its)
		return mine && !its;
	return mine + margin_us < its;
}

/* The child that is taken where nothing was before; one that is held only where all are. */
static uint16_t best_child(struct decide *d, uint16_t pool)
{
	uint16_t best = 0;
	bool best_held = false;

	for (EACH_CHILD(d, pool, child)) {
		bool held;

		if (!usable(d, pool, child))
			continue;
		held = is_held(d, pool, child);
		if (!best || (best_held && !held) ||
		    (held == best_held && is_better(d, pool, child, best, 0))) {
			best = child;
			best_held = held;
		}
	}
	return best;
}

static bool may_leave(struct decide *d, uint16_t pool, const struct pool_memory *memory)
{
	uint64_t until = memory->chosen_ms + d->nodes[pool].pool->hold_down_ms;

	if (!memory->chosen_ms || d->input->now_ms >= until)
		return true;
	reconsider(d, until);
	return false;
}

/* One child, with the memory of the one before: hold-down both ways, and the margin. */
static uint16_t steady_child(struct decide *d, uint16_t pool, struct pool_memory *memory)
{
	uint16_t best = best_child(d, pool), before = memory->choice;
	uint32_t margin_us = d->nodes[pool].pool->margin_ms * 1000;

	if (!best || !before || before >= d->nodes[pool].end || !usable(d, pool, before))
		return best;
	if (best == before || !is_better(d, pool, best, before, margin_us))
		return before;
	if (is(d, best, POOL_HELD) || !may_leave(d, pool, memory)) {
		d->verdicts[best] |= POOL_HELD;
		return before;
	}
	return best;
}

/* A target that exists without addresses of this type stands for itself: clients of one family
 * are not sent elsewhere because of the other. */
static uint16_t first_standing(const struct decide *d, uint16_t pool)
{
	for (EACH_CHILD(d, pool, child)) {
		if (is_resort(d, child))
			continue;
		if (usable(d, pool, child))
			return 0;
		if (is(d, child, POOL_STANDS) && !is(d, child, POOL_HAS))
			return child;
	}
	return 0;
}

static void choose_one(struct decide *d, uint16_t pool)
{
	struct pool_memory nothing = {0};
	struct pool_memory *memory = d->input->memory ? &d->input->memory[pool] : &nothing;
	uint16_t child = 0;

	if (d->nodes[pool].pool->mode == POOL_FAILOVER)
		child = first_standing(d, pool);
	if (!child)
		child = steady_child(d, pool, memory);
	if (!child)
		return;
	if (child != memory->choice) {
		if (memory->choice)
			memory->chosen_ms = d->input->now_ms;
		memory->choice = child;
	}
	if (d->nodes[pool].pool->mode == POOL_LATENCY)
		reconsider(d, d->input->now_ms + POOL_LATENCY_MS);
	choose(d, pool, child);
}

/* Weights of 0 count only where nothing else does. */
static bool by_zero_weights(const struct decide *d, uint16_t pool)
{
	bool zero = false;

	for (EACH_CHILD(d, pool, child)) {
		if (!usable(d, pool, child))
			continue;
		if (d->nodes[child].weight)
			return false;
		zero = true;
	}
	return zero;
}

static bool is_drawn(const struct decide *d, uint16_t pool, uint16_t child, bool zero)
{
	return may_stand_by(d, pool, child) && !d->nodes[child].weight == zero;
}

/* Inside of another choice, a member's share is its part of what its pool has. */
static void choose_by_weight(struct decide *d, uint16_t pool)
{
	bool zero = by_zero_weights(d, pool), inner = d->branch[pool] != 0;
	uint64_t sum = 0;

	for (EACH_CHILD(d, pool, child))
		if (usable(d, pool, child))
			sum += zero ? !d->nodes[child].weight : d->nodes[child].weight;
	for (EACH_CHILD(d, pool, child)) {
		uint64_t weight = zero ? 1 : d->nodes[child].weight;

		if (!is_drawn(d, pool, child, zero))
			continue;
		choose(d, pool, child);
		d->branch[child] = child;
		d->share[child] = d->share[pool] * weight / (inner && sum ? sum : 1);
	}
}

static bool choose_region(struct decide *d, uint16_t pool, uint32_t region)
{
	bool any = false;

	for (EACH_CHILD(d, pool, child))
		any |= d->nodes[child].region == region && usable(d, pool, child);
	for (EACH_CHILD(d, pool, child))
		if (any && d->nodes[child].region == region && may_stand_by(d, pool, child))
			choose(d, pool, child);
	return any;
}

static uint16_t standing_in(const struct decide *d, uint16_t pool, uint32_t region)
{
	for (EACH_CHILD(d, pool, child))
		if (d->nodes[child].region == region && !is_resort(d, child) &&
		    is(d, child, POOL_STANDS) && !is(d, child, POOL_HAS))
			return child;
	return 0;
}

static bool has_failed(const struct decide *d, uint16_t child)
{
	for (uint16_t node = child; node < d->nodes[child].end; node++)
		if (d->nodes[node].kind == POOL_NODE_ANAME && !is(d, node, POOL_STANDS))
			return true;
	return false;
}

/* A member of a region that has members, all of them for the other family; else 0. */
static uint16_t of_other_family(const struct decide *d, uint16_t pool, uint32_t region)
{
	uint16_t first = 0;

	for (EACH_CHILD(d, pool, child)) {
		if (d->nodes[child].region != region || is_resort(d, child))
			continue;
		if (is(d, child, POOL_HAS) || has_failed(d, child))
			return 0;
		if (!first)
			first = child;
	}
	return first;
}

static void choose_elsewhere(struct decide *d, uint16_t pool)
{
	for (EACH_CHILD(d, pool, child))
		if (usable(d, pool, child)) {
			choose(d, pool, child);
			return;
		}
}

/* A member that says for its region that it has nothing of this type: no reason to go elsewhere;
 * else 0. `all`: whatever a region without members of this family has. */
static uint16_t says_none(const struct decide *d, uint16_t pool, uint32_t region, bool all)
{
	uint16_t none = standing_in(d, pool, region);

	return none || !all ? none : of_other_family(d, pool, region);
}

/* Of regions in an order the first that is up, or that has nothing of this type; else what is for
 * every region without members of its own. In panic all count as up. */
static void choose_in_order(struct decide *d, uint16_t pool)
{
	const struct pool_place *place = &d->input->place;

	for (size_t i = 0; i < place->order_count; i++) {
		uint16_t none;

		if (choose_region(d, pool, place->order[i]))
			return;
		none = says_none(d, pool, place->order[i], true);
		if (none) {
			choose(d, pool, none);
			return;
		}
	}
	choose_region(d, pool, 0);
}

/*
 * The client's region; else what is for every other one; else the first that is
 * up. Another region's is not given because of the family. A pool that has
 * nothing for any region of an order is as one that has nothing for a region.
 */
static void choose_geo(struct decide *d, uint16_t pool)
{
	uint32_t region = d->input->place.region;
	uint16_t none = 0;

	if (is_closed(d, pool)) {
		choose_in_order(d, pool);
		return;
	}
	if (region && choose_region(d, pool, region))
		return;
	if (region)
		none = says_none(d, pool, region, false);
	if (!none && choose_region(d, pool, 0))
		return;
	if (!none && region)
		none = says_none(d, pool, region, true);
	if (none)
		choose(d, pool, none);
	else
		choose_elsewhere(d, pool);
}

static void choose_in(struct decide *d, uint16_t pool)
{
	if (!is_up_somewhere(d, pool) && has_resort(d, pool)) {
		choose_resort(d, pool);
		return;
	}
	if (!is(d, pool, POOL_UP) && is(d, pool, POOL_HAS)) {
		d->verdicts[pool] |= POOL_PANIC;
		d->ret->panic = true;
	}
	switch (d->nodes[pool].pool->mode) {
	case POOL_ALL:
		choose_all(d, pool);
		return;
	case POOL_FAILOVER:
	case POOL_LATENCY:
		choose_one(d, pool);
		return;
	case POOL_WEIGHTED:
	case POOL_CONSISTENT:
		choose_by_weight(d, pool);
		return;
	case POOL_GEO:
		choose_geo(d, pool);
		return;
	}
}

static void choose_down(struct decide *d)
{
	d->verdicts[0] |= POOL_CHOSEN | POOL_COUNTS;
	d->share[0] = SHARE_ONE;
	for (uint16_t node = 0; node < d->input->tree->count; node++) {
		uint16_t above = d->nodes[node].parent;

		if (node && !is(d, above, POOL_CHOSEN))
			d->verdicts[node] &= (uint8_t) ~(POOL_CHOSEN | POOL_COUNTS);
		if (!is(d, node, POOL_CHOSEN))
			continue;
		if (node && !d->branch[node]) {
			d->branch[node] = d->branch[above];
			d->share[node] = d->share[above];
		}
		if (is_pool(d, node))
			choose_in(d, node);
	}
}

/* ---- the groups ---- */

static bool is_hashed(const struct decide *d, uint16_t branch)
{
	return d->nodes[d->nodes[branch].parent].pool->mode == POOL_CONSISTENT;
}

static struct pool_group *group_for(struct decide *d, uint16_t leaf)
{
	struct pool_decision *ret = d->ret;
	struct pool_group *last = ret->group_count ? &ret->groups[ret->group_count - 1] : NULL;

	if (last && last->node == d->branch[leaf])
		return last;
	if (ret->group_count == POOL_GROUPS_MAX)
		return NULL;
	last = &ret->groups[ret->group_count++];
	*last = (struct pool_group){.node = d->branch[leaf], .first = ret->leaf_count};
	return last;
}

/* Weights as they were written; where shares have been divided, in proportion. */
static void weigh(struct decide *d)
{
	struct pool_decision *ret = d->ret;
	uint64_t sum = 0;
	bool exact = true;

	for (uint16_t i = 0; i < ret->group_count; i++) {
		uint64_t share = d->share[ret->groups[i].node];

		exact = exact && !(share % SHARE_ONE);
		sum += share;
	}
	exact = exact && sum / SHARE_ONE <= WEIGHT_MOST;
	for (uint16_t i = 0; i < ret->group_count; i++) {
		uint64_t share = d->share[ret->groups[i].node];
		uint64_t weight = exact ? share / SHARE_ONE
		                        : (share * WEIGHT_MOST + sum / 2) / (sum ? sum : 1);

		ret->groups[i].weight = weight ? (uint16_t)weight : 1;
	}
}

static void gather(struct decide *d)
{
	struct pool_decision *ret = d->ret;

	for (uint16_t node = 0; node < d->input->tree->count; node++) {
		struct pool_group *group;

		if (is_pool(d, node) || !is(d, node, POOL_CHOSEN) || !is(d, node, POOL_HAS))
			continue;
		group = group_for(d, node);
		if (!group)
			return; /* 64 are chosen from, however many there are */
		ret->leaves[ret->leaf_count++] = node;
		group->count++;
	}
	weigh(d);
	if (!ret->group_count)
		ret->kind = POOL_NOTHING;
	else if (!ret->groups[0].node)
		ret->kind = POOL_TOGETHER;
	else
		ret->kind = is_hashed(d, ret->groups[0].node) ? POOL_BY_CLIENT : POOL_BY_WEIGHT;
}

void pool_decide(const struct pool_input *input, struct pool_decision *ret)
{
	struct decide d = {.input = input, .nodes = input->tree->nodes, .ret = ret};

	memset(ret, 0, sizeof(*ret));
	ret->reconsider_ms = UINT64_MAX;
	d.verdicts = ret->verdicts;
	judge(&d);
	choose_down(&d);
	gather(&d);
}

bool pool_decision_same(const struct pool_decision *a, const struct pool_decision *b)
{
	return a->kind == b->kind && a->group_count == b->group_count &&
	       a->leaf_count == b->leaf_count &&
	       !memcmp(a->groups, b->groups, a->group_count * sizeof(a->groups[0])) &&
	       !memcmp(a->leaves, b->leaves, a->leaf_count * sizeof(a->leaves[0]));
}
