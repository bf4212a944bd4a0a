/* SPDX-License-Identifier: BSD-2-Clause */
/* compose - from what a pool's members gave, and how they stand now, to answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer/cells.h"
#include "answer/choices.h"
#include "base/clock.h"
#include "base/log.h"

/* ---- what is known of the leaves ---- */

static bool is_up(const struct seat *seat)
{
	return !seat || seat->up;
}

static void yield_leaf(const struct harvest *harvest, const struct harvest_leaf *leaf,
                       struct pool_yield *ret)
{
	ret->known = leaf->known;
	ret->gone = leaf->gone;
	ret->count = leaf->count;
	for (uint16_t i = 0; i < leaf->count; i++) {
		const struct seat *seat = harvest->seats[leaf->first + i];
		struct health_state state = {0};

		if (!is_up(seat))
			continue;
		ret->live++;
		if (seat)
			health_state(seat->watch, &state);
		if (state.connect_us && (!ret->latency_us || state.connect_us < ret->latency_us))
			ret->latency_us = state.connect_us;
	}
}

void harvest_yields(const struct harvest *harvest, struct pool_yield yields[POOL_NODES_MAX])
{
	memset(yields, 0, POOL_NODES_MAX * sizeof(*yields));
	for (uint16_t i = 0; i < harvest->leaf_count; i++)
		if (harvest->leaves[i].node != HARVEST_BESIDE)
			yield_leaf(harvest, &harvest->leaves[i], &yields[harvest->leaves[i].node]);
}

/* ---- groups ---- */

struct work {
	struct cell *cell;
	const struct harvest *harvest;
	struct pool_decision decision;
	struct pool_yield yields[POOL_NODES_MAX];
	struct composed *ret;
	uint8_t bits[CELL_ADDRESSES_MAX];
	bool up[CELL_ADDRESSES_MAX];
	struct answer_group groups[POOL_GROUPS_MAX];
	uint16_t group_count;
};

/* In canonical order, each once. */
static void add_address(struct work *work, struct answer_group *group, const uint8_t *octets,
                        uint8_t bit, bool up)
{
	size_t len = address_len(work->cell->key.type);
	uint16_t at = group->first, end = (uint16_t)(group->first + group->count);
	uint8_t *all = work->ret->octets;

	for (; at < end; at++) {
		int order = memcmp(all + at * len, octets, len);

		if (!order)
			return;
		if (order > 0)
			break;
	}
	if (group->count >= FLATTEN_ADDRESSES_MAX || end >= CELL_ADDRESSES_MAX)
		return;
	memmove(all + (at + 1u) * len, all + at * len, (end - at) * len);
	memmove(work->bits + at + 1, work->bits + at, (size_t)(end - at));
	memmove(work->up + at + 1, work->up + at, (size_t)(end - at));
	memcpy(all + at * len, octets, len);
	work->bits[at] = bit;
	work->up[at] = up;
	group->count++;
}

/*
 * The addresses of a leaf. One that counts though it is down (panic) is given
 * with all of them. One without a place in the cell is given as long as it is
 * up: its changes are said by composing anew.
 */
static void add_leaf(struct work *work, struct answer_group *group, const struct harvest_leaf *leaf)
{
	size_t len = address_len(work->cell->key.type);
	bool panic = false;

	if (leaf->node != HARVEST_BESIDE) {
		uint8_t verdict = work->decision.verdicts[leaf->node];

		panic = verdict & POOL_COUNTS && !(verdict & POOL_UP);
	}
	for (uint16_t i = 0; i < leaf->count; i++) {
		const struct seat *seat = work->harvest->seats[leaf->first + i];
		bool up = panic || is_up(seat);
		uint8_t bit = panic || !seat ? ANSWER_ALWAYS : seat->bit;

		if (up || bit != ANSWER_ALWAYS)
			add_address(work, group, work->harvest->octets + (leaf->first + i) * len,
			            bit, up);
	}
}

static const struct harvest_leaf *leaf_of(const struct work *work, uint16_t node)
{
	for (uint16_t i = 0; i < work->harvest->leaf_count; i++)
		if (work->harvest->leaves[i].node == node)
			return &work->harvest->leaves[i];
	return NULL;
}

static void add_beside(struct work *work, struct answer_group *group)
{
	for (uint16_t i = 0; i < work->harvest->leaf_count; i++)
		if (work->harvest->leaves[i].node == HARVEST_BESIDE)
			add_leaf(work, group, &work->harvest->leaves[i]);
}

/*
 * A signature over some that are dead is of use to nobody: the kernel would
 * pass queries with DO up until they live again. The cell says a death at once,
 * and what is composed anew has the living alone. Where none lives it has them all, as
 * it has where nothing is signed.
 */
static void leave_out_dead(struct work *work, struct answer_group *group)
{
	size_t len = address_len(work->cell->key.type);
	uint16_t kept = group->first, end = (uint16_t)(group->first + group->count);
	bool any = false;

	for (uint16_t at = group->first; at < end; at++)
		any |= work->up[at];
	for (uint16_t at = group->first; any && at < end; at++) {
		if (!work->up[at])
			continue;
		memmove(work->ret->octets + kept * len, work->ret->octets + at * len, len);
		work->bits[kept] = work->bits[at];
		work->up[kept++] = true;
	}
	if (any)
		group->count = (uint16_t)(kept - group->first);
}

/* A group of one address lives by that address's bit; one of several, while any is up. */
static bool settle_group(struct work *work, struct answer_group *group)
{
	bool up = false;

	group->bit = group->count == 1 ? work->bits[group->first] : ANSWER_ALWAYS;
	for (uint16_t i = 0; i < group->count; i++)
		up |= work->up[group->first + i];
	return group->count && (up || group->count == 1);
}

static void add_group(struct work *work, const struct pool_group *from)
{
	struct answer_group *group = &work->groups[work->group_count];
	uint16_t first = work->ret->count;

	*group = (struct answer_group){.first = first, .weight = 1};
	if (from) {
		group->id = work->cell->tree->nodes[from->node].id;
		group->weight = from->weight;
		for (uint16_t i = 0; i < from->count; i++)
			add_leaf(work, group,
			         leaf_of(work, work->decision.leaves[from->first + i]));
	}
	add_beside(work, group);
	if (work->harvest->signs)
		leave_out_dead(work, group);
	if (!settle_group(work, group))
		return;
	work->group_count++;
	work->ret->count = (uint16_t)(first + group->count);
}

static void add_groups(struct work *work)
{
	for (uint16_t i = 0; i < work->decision.group_count; i++)
		add_group(work, &work->decision.groups[i]);
	if (!work->group_count)
		add_group(work, NULL); /* the owner's other members, if there are any */
}

static int make_pool(struct work *work)
{
	struct answer_pool *pool;

	if (!work->group_count)
		return 0;
	pool = answer_pool_new(work->group_count, work->ret->count);
	if (!pool)
		return -ENOMEM;
	pool->cell = &work->cell->value;
	pool->kind = work->group_count > 1 ? work->decision.kind : POOL_TOGETHER;
	memcpy(pool->groups, work->groups, work->group_count * sizeof(work->groups[0]));
	memcpy(pool->bits, work->bits, work->ret->count);
	work->ret->pool = pool;
	return 0;
}

static void log_switches(const struct cell *cell, const struct pool_memory *now)
{
	char name[NAME_TEXT_MAX], path[NAME_TEXT_MAX * 2];

	for (uint16_t node = 0; node < cell->tree->count; node++) {
		if (!cell->memory[node].choice || cell->memory[node].choice == now[node].choice)
			continue;
		cell->flatten->stats.switches++;
		log_notice("pool %s: %s takes over",
		           name_to_text(cell->tree->nodes[node].pool->name.name, name),
		           pool_path(cell->tree, now[node].choice, path, sizeof(path)));
	}
}

int cell_compose(struct cell *cell, struct harvest *harvest, uint64_t now_ms, struct composed *ret)
{
	struct work *work = calloc(1, sizeof(*work));
	struct pool_input input = {.tree = cell->tree,
	                           .place = cell->place,
	                           .memory = harvest->memory,
	                           .now_ms = now_ms};
	int err;

	ret->pool = NULL;
	ret->count = 0;
	if (!work)
		return -ENOMEM;
	work->cell = cell;
	work->harvest = harvest;
	work->ret = ret;
	input.yields = work->yields;
	harvest_yields(harvest, work->yields);
	pool_decide(&input, &work->decision);
	add_groups(work);
	err = make_pool(work);
	ret->near_ms = near_change(harvest, &input, &work->decision);
	ret->reconsider_ms = work->decision.reconsider_ms;
	ret->panic = work->decision.panic;
	ret->resort = work->decision.resort;
	choices_keep(cell, harvest->memory);
	log_switches(cell, harvest->memory);
	memcpy(cell->memory, harvest->memory, cell->tree->count * sizeof(*cell->memory));
	free(work);
	return err;
}

/* ---- answers made anew ---- */

static bool same_pool(const struct answer_pool *a, const struct answer_pool *b, uint16_t count)
{
	return a && b && a->kind == b->kind && a->group_count == b->group_count &&
	       !memcmp(a->groups, b->groups, a->group_count * sizeof(a->groups[0])) &&
	       !memcmp(a->bits, b->bits, count);
}

static bool is_same(const struct answer *answer, const struct composed *composed,
                    uint64_t fresh_until_ms)
{
	size_t len = composed->count * address_len(answer->key.type);

	return answer->fresh_until_ms == fresh_until_ms && answer->count == composed->count &&
	       !memcmp(answer->octets, composed->octets, len) &&
	       (!composed->count || same_pool(answer->pool, composed->pool, composed->count));
}

uint64_t composed_until(const struct composed *composed, uint64_t good_until_ms, uint64_t now_ms)
{
	uint64_t until = good_until_ms;

	if (composed->near_ms < until)
		until = composed->near_ms;
	if (until < now_ms + CELL_NEAR_LEAST_MS)
		until = now_ms + CELL_NEAR_LEAST_MS;
	return until < good_until_ms ? until : good_until_ms;
}

static void say_panic(struct cell *cell, bool panic, bool resort)
{
	char name[NAME_TEXT_MAX];
	const char *type = cell->key.type == AN_TYPE_AAAA ? "AAAA" : "A";

	name_to_text(cell->tree->pool->name.name, name);
	if (panic && !cell->panic) {
		cell->flatten->stats.panics++;
		log_error("pool %s %s: PANIC: too few members are up, so all count as up", name,
		          type);
	}
	if (resort && !cell->resort) {
		cell->flatten->stats.resorts++;
		log_error("pool %s %s: no member is up: the last resort is given", name, type);
	}
	if ((cell->panic && !panic) || (cell->resort && !resort))
		log_notice("pool %s %s: members are up again", name, type);
	cell->panic = panic;
	cell->resort = resort;
}

void cell_said(struct cell *cell, const struct composed *composed)
{
	say_panic(cell, cell->panic || composed->panic, cell->resort || composed->resort);
	if (composed->reconsider_ms < cell->reconsider_ms)
		cell->reconsider_ms = composed->reconsider_ms;
}

static bool put_again(struct flatten *flatten, struct answer *answer, struct composed *composed,
                      uint64_t fresh_until_ms)
{
	struct store_owner *owner = answer->owner;
	struct cell *cell = answer->cell;
	struct answer model = *answer, *made;
	bool newest = owner->catch_all == answer, given = owner->positive;

	model.pool = composed->pool;
	model.count = composed->count;
	model.negative = !composed->count;
	model.fresh_until_ms = fresh_until_ms;
	model.cell = NULL;
	made = finish_put(flatten, owner, &model, composed->octets);
	if (!made) {
		free(composed->pool);
		return false;
	}
	cell_link(cell, made);
	finish_sign(flatten, made, given);
	finish_publish(flatten, owner, made, newest);
	refresh_queue(flatten, made, refresh_due(flatten, made));
	flatten->stats.recomposed++;
	return true;
}

/* `any`: put again though it is the same. */
static bool renew(struct flatten *flatten, struct answer *answer, uint64_t now_ms,
                  struct composed *composed)
{
	uint64_t until;

	if (!answer->harvest || !answer->cell || !answer->cell->tree ||
	    cell_compose(answer->cell, answer->harvest, now_ms, composed))
		return false;
	until = answer->good_until_ms > now_ms
	                ? composed_until(composed, answer->good_until_ms, now_ms)
	                : answer->fresh_until_ms;
	if (is_same(answer, composed, until)) {
		finish_sign(flatten, answer, answer->owner->positive);
		free(composed->pool);
		return true;
	}
	return put_again(flatten, answer, composed, until);
}

bool cell_renew(struct flatten *flatten, struct answer *answer, uint64_t now_ms)
{
	struct composed composed;
	struct cell *cell = answer->cell;

	if (!cell || answer->good_until_ms <= now_ms || !renew(flatten, answer, now_ms, &composed))
		return false;
	cell_said(cell, &composed);
	return true;
}

static void settle_cell(struct cell *cell, uint64_t now_ms)
{
	struct answer *answer = cell->answers, *next;
	struct composed composed;
	bool panic = false, resort = false;

	cell->dirty = false;
	cell->reconsider_ms = UINT64_MAX;
	cell->flatten->turns++;
	for (; answer; answer = next) {
		next = answer->cell_next;
		if (!renew(cell->flatten, answer, now_ms, &composed))
			continue;
		panic |= composed.panic;
		resort |= composed.resort;
		if (composed.reconsider_ms < cell->reconsider_ms)
			cell->reconsider_ms = composed.reconsider_ms;
	}
	say_panic(cell, panic, resort);
}

uint64_t flatten_pool_turns(const struct flatten *flatten)
{
	return flatten->turns;
}

void cells_settle(struct flatten *flatten, uint64_t now_ms)
{
	struct cell *cell, *next;

	rcu_read_lock();
	HASH_ITER(hh, flatten->cells, cell, next)
	{
		if (cell->tree && (cell->dirty || now_ms >= cell->reconsider_ms))
			settle_cell(cell, now_ms);
	}
	rcu_read_unlock();
}
