/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/cells.h"

#include "answer/choices.h"
#include "answer/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- the word ---- */

static void cell_write(struct cell *cell, uint64_t value)
{
	CMM_STORE_SHARED(cell->value, value);
	if (cell->kernel != AN_CELL_FIXED && cell->flatten->publish)
		publish_cell_set(cell->flatten->publish, cell->kernel, value);
}

static void seat_set(struct seat *seat, bool up)
{
	struct cell *cell = seat->cell;
	uint64_t bit;

	seat->up = up;
	if (seat->bit == ANSWER_ALWAYS)
		return;
	bit = UINT64_C(1) << seat->bit;
	cell_write(cell, up ? cell->value | bit : cell->value & ~bit);
}

static void cell_dirty(struct cell *cell)
{
	if (!cell->dirty)
		uv_async_send(&cell->flatten->async);
	cell->dirty = true;
}

/* ---- seats ---- */

static void seat_told(struct health_watch *watch, unsigned int events, void *arg)
{
	struct seat *seat = arg;
	struct health_state state;

	if (events & HEALTH_CHANGED) {
		health_state(watch, &state);
		seat_set(seat, state.up);
	}
	if (events & (HEALTH_CHANGED | HEALTH_NEAR))
		cell_dirty(seat->cell);
}

static struct seat *seat_new(struct cell *cell, const struct seat_key *key)
{
	struct seat *seat = calloc(1, sizeof(*seat));
	uint64_t free_bits = ~cell->taken & AN_CELL_MEMBERS;
	struct health_state state;

	if (!seat)
		return NULL;
	seat->key = *key;
	seat->cell = cell;
	seat->watch = health_watch(cell->flatten->health, key->check, key->family, key->address,
	                           seat_told, seat);
	if (seat->watch)
		HASH_ADD(hh, cell->seats, key, sizeof(seat->key), seat);
	if (!seat->watch || !seat->hh.tbl) {
		health_unwatch(seat->watch);
		free(seat);
		return NULL;
	}
	seat->bit = free_bits ? (uint8_t)__builtin_ctzll(free_bits) : ANSWER_ALWAYS;
	if (free_bits)
		cell->taken |= UINT64_C(1) << seat->bit;
	health_state(seat->watch, &state);
	seat_set(seat, state.up);
	return seat;
}

/* NULL: not watched, so up. */
static struct seat *seat_take(struct cell *cell, const char *check, uint8_t family,
                              const uint8_t *address)
{
	struct seat_key key;
	struct seat *seat;

	if (!check || !cell->flatten->health)
		return NULL;
	memset(&key, 0, sizeof(key));
	snprintf(key.check, sizeof(key.check), "%s", check);
	key.family = family;
	memcpy(key.address, address, net_family_octets(family));
	HASH_FIND(hh, cell->seats, &key, sizeof(key), seat);
	if (!seat)
		seat = seat_new(cell, &key);
	if (seat)
		seat->refs++;
	return seat;
}

static void seat_leave(struct seat *seat)
{
	struct cell *cell;

	if (!seat || --seat->refs)
		return;
	cell = seat->cell;
	HASH_DEL(cell->seats, seat);
	health_unwatch(seat->watch);
	seat_set(seat, true);
	if (seat->bit != ANSWER_ALWAYS)
		cell->taken &= ~(UINT64_C(1) << seat->bit);
	free(seat);
}

/* ---- cells ---- */

static struct cell *cell_new(struct flatten *flatten, const struct cell_key *key,
                             const struct pool_tree *tree)
{
	struct cell *cell = calloc(1, sizeof(*cell));

	if (!cell)
		return NULL;
	cell->memory = calloc(tree->count, sizeof(*cell->memory));
	cell->key = *key;
	cell->flatten = flatten;
	cell->tree = tree;
	cell->place = where_place(flatten->world, tree, key->region);
	cell->kernel = AN_CELL_FIXED;
	cell->reconsider_ms = UINT64_MAX;
	cell->value = AN_CELL_MEMBERS; /* who has all bits set need not be looked at one by one */
	if (cell->memory)
		HASH_ADD(hh, flatten->cells, key, sizeof(cell->key), cell);
	if (cell->memory && cell->hh.tbl) {
		choices_recall(cell);
		return cell;
	}
	free(cell->memory);
	free(cell);
	return NULL;
}

struct cell *cell_get(struct flatten *flatten, const struct pool_tree *tree, uint32_t region,
                      uint16_t type)
{
	struct cell_key key = {.definition = tree->definition, .region = region, .type = type};
	struct cell *cell;

	/* All octets of the key are written, which the analyzer does not see: it has no padding. */
	// NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult)
	HASH_FIND(hh, flatten->cells, &key, sizeof(key), cell);
	// NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)
	return cell ? cell : cell_new(flatten, &key, tree);
}

static void cell_free(struct rcu_head *head)
{
	free(caa_container_of(head, struct cell, rcu));
}

/* Workers may still look at the word. */
void cell_let_go(struct cell *cell)
{
	if (cell->answers || cell->seats)
		return;
	HASH_DEL(cell->flatten->cells, cell);
	if (cell->kernel != AN_CELL_FIXED && cell->flatten->publish)
		publish_cell_drop(cell->flatten->publish, cell->kernel);
	free(cell->memory);
	call_rcu(&cell->rcu, cell_free);
}

/* ---- harvests ---- */

static size_t count_addresses(const struct flight *flight)
{
	size_t count = 0;

	for (const struct member *member = flight->members; member; member = member->next)
		count += member->led ? 0 : member->count;
	return count;
}

static const char *check_of(const struct cell *cell, uint16_t node)
{
	return node == HARVEST_BESIDE || cell->tree->nodes[node].kind == POOL_NODE_RESORT
	               ? NULL
	               : cell->tree->nodes[node].pool->check;
}

static void harvest_member(struct harvest *harvest, struct cell *cell, const struct member *member)
{
	size_t len = address_len(cell->key.type);
	uint8_t family = cell->key.type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	struct harvest_leaf *leaf = &harvest->leaves[harvest->leaf_count++];

	*leaf = (struct harvest_leaf){.node = member->node,
	                              .known = member->state == MEMBER_OK,
	                              .gone = member->gone,
	                              .first = harvest->address_count,
	                              .count = member->count};
	for (uint16_t i = 0; i < member->count; i++) {
		const uint8_t *octets = member->octets + i * len;

		struct seat *seat = seat_take(cell, check_of(cell, member->node), family, octets);

		memcpy(harvest->octets + harvest->address_count * len, octets, len);
		harvest->slows |= seat && health_slows(seat->watch);
		harvest->seats[harvest->address_count++] = seat;
	}
}

/* Members stand in the flight last first. */
static void harvest_members(struct harvest *harvest, struct cell *cell, const struct member *member)
{
	size_t most = sizeof(harvest->leaves) / sizeof(harvest->leaves[0]);

	if (!member)
		return;
	harvest_members(harvest, cell, member->next);
	if (!member->led && harvest->leaf_count < most)
		harvest_member(harvest, cell, member);
}

static bool is_signed_here(const struct flight *flight)
{
	const struct zone *zone = zones_exact(flight->flatten->world->zones, flight->zone_apex,
	                                      flight->zone_apex_len);

	return zone && zone->security == ZONE_SIGNED;
}

struct harvest *harvest_new(struct flight *flight, struct cell *cell)
{
	struct harvest *harvest = calloc(1, sizeof(*harvest));
	size_t count = count_addresses(flight) + 1, nodes = cell->tree->count;

	if (!harvest)
		return NULL;
	harvest->memory = malloc(nodes * sizeof(*harvest->memory));
	harvest->octets = malloc(count * address_len(flight->key.type));
	harvest->seats = calloc(count, sizeof(struct seat *));
	if (!harvest->memory || !harvest->octets || !harvest->seats) {
		harvest_free(harvest);
		return NULL;
	}
	memcpy(harvest->memory, cell->memory, nodes * sizeof(*harvest->memory));
	harvest->signs = is_signed_here(flight);
	harvest_members(harvest, cell, flight->members);
	return harvest;
}

void harvest_free(struct harvest *harvest)
{
	if (!harvest)
		return;
	for (uint16_t i = 0; harvest->seats && i < harvest->address_count; i++)
		seat_leave(harvest->seats[i]);
	free(harvest->memory);
	free(harvest->octets);
	free(harvest->seats);
	free(harvest);
}

void harvest_use(const struct harvest *harvest)
{
	for (uint16_t i = 0; i < harvest->address_count; i++)
		if (harvest->seats[i])
			health_use(harvest->seats[i]->watch);
}

/* ---- the word's life with answers ---- */

void cell_link(struct cell *cell, struct answer *answer)
{
	answer->cell = cell;
	answer->cell_prev = NULL;
	answer->cell_next = cell->answers;
	if (cell->answers)
		cell->answers->cell_prev = answer;
	cell->answers = answer;
	cell->answer_count++;
}

static void cell_unlink(struct cell *cell, struct answer *answer)
{
	if (answer->cell_prev)
		answer->cell_prev->cell_next = answer->cell_next;
	else
		cell->answers = answer->cell_next;
	if (answer->cell_next)
		answer->cell_next->cell_prev = answer->cell_prev;
	answer->cell = NULL;
	cell->answer_count--;
}

void cell_answer_leaves(struct answer *answer, struct answer *by, void *flatten)
{
	struct cell *cell = answer->cell;

	(void)flatten;
	if (!by || by->harvest != answer->harvest)
		harvest_free(answer->harvest);
	answer->harvest = NULL;
	if (!cell)
		return;
	cell_unlink(cell, answer);
	if (!by)
		cell_let_go(cell);
}

/* ---- what the configuration names ---- */

static void watch_standing(struct flatten *flatten, const struct pool_node *node)
{
	struct health_watch **more, *watch;

	if (node->kind != POOL_NODE_ADDRESS || !node->pool->check || !flatten->health)
		return;
	more = realloc(flatten->standing, (flatten->standing_count + 1) * sizeof(*more));
	if (!more)
		return;
	flatten->standing = more;
	watch = health_watch(flatten->health, node->pool->check, node->address->family,
	                     node->address->address, NULL, NULL);
	if (watch)
		more[flatten->standing_count++] = watch;
}

static void unwatch_all(struct health_watch **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		health_unwatch(list[i]);
	free(list);
}

/* Checks of addresses that stay go on meanwhile. */
static void watch_world(struct flatten *flatten)
{
	struct health_watch **old = flatten->standing;
	size_t old_count = flatten->standing_count;

	flatten->standing = NULL;
	flatten->standing_count = 0;
	for (size_t i = 0; i < pools_count(flatten->pools); i++) {
		const struct pool_tree *tree = pools_at(flatten->pools, i);

		for (uint16_t node = 1; node < tree->count; node++)
			if (tree->nodes[node].pool == tree->pool)
				watch_standing(flatten, &tree->nodes[node]);
	}
	unwatch_all(old, old_count);
}

static const struct pool_tree *tree_by_definition(const struct pools *pools, uint64_t definition)
{
	for (size_t i = 0; i < pools_count(pools); i++)
		if (pools_at(pools, i)->definition == definition)
			return pools_at(pools, i);
	return NULL;
}

void cells_world(struct flatten *flatten)
{
	struct cell *cell, *next;

	HASH_ITER(hh, flatten->cells, cell, next)
	{
		const struct pool_tree *tree =
		        tree_by_definition(flatten->pools, cell->key.definition);

		if (cell->tree && !tree)
			choices_leave(cell);
		cell->tree = tree;
		if (tree)
			cell_dirty(cell);
	}
	watch_world(flatten);
}

void cells_free(struct flatten *flatten)
{
	struct cell *cell, *next;

	HASH_ITER(hh, flatten->cells, cell, next)
	{
		cell->kernel =
		        AN_CELL_FIXED; /* there the dead stay dead, until another daemon comes */
		while (cell->answers) {
			struct answer *answer = cell->answers;

			harvest_free(answer->harvest);
			answer->harvest = NULL;
			cell_unlink(cell, answer);
		}
		cell_let_go(cell);
	}
	unwatch_all(flatten->standing, flatten->standing_count);
	flatten->standing = NULL;
	flatten->standing_count = 0;
}
