/* SPDX-License-Identifier: BSD-2-Clause */
/* tell - what pools decide now, for explain and the status page, as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "answer/cells.h"
#include "answer/where.h"
#include "base/clock.h"
#include "steer/share.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define POOLS_TOLD 100

struct tell {
	const struct pool_input *input;
	const struct pool_decision *decision;
	json_t *list;
};

/* Why a node is not in the answer, or with what it is; "" where there is nothing to say. */
static const char *why(const struct pool_input *input, const struct pool_decision *decision,
                       uint16_t node)
{
	unsigned int verdict = decision->verdicts[node];
	enum pool_node_kind kind = input->tree->nodes[node].kind;

	if (verdict & POOL_PANIC)
		return "panic: too few members are up, so all count";
	if (verdict & POOL_RESORT)
		return "no member is up: the last resort is given";
	if (verdict & POOL_HELD)
		return "held back by hold-down";
	if (verdict & POOL_CHOSEN && verdict & POOL_COUNTS)
		return verdict & POOL_UP ? "" : "down, and given all the same";
	if (kind == POOL_NODE_ANAME && !input->yields[node].known &&
	    pool_is_elsewhere(input->tree, node, &input->place))
		return "not looked up for this region";
	if (kind == POOL_NODE_ANAME && !input->yields[node].known)
		return "could not be resolved";
	if (!(verdict & POOL_HAS))
		return "no addresses of this type";
	if (!(verdict & POOL_UP))
		return "down";
	return kind == POOL_NODE_RESORT ? "last resort, not needed" : "not chosen";
}

static unsigned int weight_of(const struct tell *tell, uint16_t node)
{
	for (uint16_t i = 0; i < tell->decision->group_count; i++) {
		if (tell->decision->groups[i].node == node)
			return tell->decision->groups[i].weight;
	}
	return tell->input->tree->nodes[node].weight;
}

/* Called once for each node, in their order. */
static void tell_line(const char *text, unsigned int depth, void *arg)
{
	struct tell *tell = arg;
	uint16_t index = (uint16_t)json_array_size(tell->list);
	const struct pool_node *node = &tell->input->tree->nodes[index];
	const struct pool_yield *yield = &tell->input->yields[index];
	unsigned int verdict = tell->decision->verdicts[index];
	char label[NAME_TEXT_MAX];
	json_t *one = json_object(), *words = json_string(text);

	SET(one, "member", json_string(share_label(tell->input->tree, index, label)));
	SET(one, "depth", json_integer(depth));
	if (node->member && node->member->region)
		SET(one, "region", json_string(node->member->region));
	if (node->kind != POOL_NODE_POOL) {
		SET(one, "addresses", json_integer(yield->count));
		SET(one, "live", json_integer(yield->live));
	}
	SET(one, "weight", json_integer(weight_of(tell, index)));
	SET(one, "up", json_boolean(verdict & POOL_UP));
	SET(one, "in", json_boolean(!index || (verdict & POOL_CHOSEN && verdict & POOL_COUNTS)));
	SET(one, "why", json_string(why(tell->input, tell->decision, index)));
	SET(one, "words", words ? words : json_string("?"));
	json_array_append_new(tell->list, one);
}

/* The memory of what was chosen last is read, and left as it is. */
static struct pool_memory *copy_memory(const struct cell *cell, const struct harvest *harvest)
{
	size_t size = cell->tree->count * sizeof(*harvest->memory);
	struct pool_memory *memory = malloc(size);

	if (memory)
		memcpy(memory, harvest->memory, size);
	return memory;
}

static json_t *nodes_json(struct pool_input *input, struct pool_decision *ret)
{
	struct tell tell = {.input = input, .decision = ret, .list = json_array()};

	pool_decide(input, ret);
	pool_tell(input, ret, tell_line, &tell);
	return tell.list;
}

static json_t *pool_json(struct pool_input *input, uint16_t type)
{
	static const char *const modes[] = {"all",        "failover", "weighted",
	                                    "consistent", "geo",      "latency"};
	const struct pool_tree *tree = input->tree;
	struct pool_decision decision;
	char text[NAME_TEXT_MAX];
	json_t *object = json_object();

	input->now_ms = clock_ms();
	SET(object, "pool", json_string(name_to_text(tree->pool->name.name, text)));
	SET(object, "mode", json_string(modes[tree->pool->mode]));
	SET(object, "type", json_string(type == AN_TYPE_AAAA ? "AAAA" : "A"));
	SET(object, "region_number", json_integer(input->place.region));
	if (tree->policy)
		SET(object, "policy", json_string(tree->policy));
	SET(object, "nodes", nodes_json(input, &decision));
	SET(object, "panic", json_boolean(decision.panic));
	SET(object, "last_resort", json_boolean(decision.resort));
	return object;
}

json_t *cell_json(const struct cell *cell, const struct harvest *harvest)
{
	struct pool_yield yields[POOL_NODES_MAX];
	struct pool_input input = {.tree = cell->tree, .place = cell->place, .yields = yields};
	json_t *object;

	harvest_yields(harvest, yields);
	input.memory = copy_memory(cell, harvest);
	object = pool_json(&input, cell->key.type);
	SET(object, "answers", json_integer((json_int_t)cell->answer_count));
	free(input.memory);
	return object;
}

/* ---- a pool that nobody has asked for yet ---- */

static struct health_state state_of(struct flatten *flatten, const struct pool_node *node)
{
	struct health_state state = {.up = true};
	struct health_watch *watch;

	if (!node->pool->check || !flatten->health || node->kind != POOL_NODE_ADDRESS ||
	    !node->address)
		return state;
	watch = health_watch(flatten->health, node->pool->check, node->address->family,
	                     node->address->address, NULL, NULL);
	if (watch)
		health_state(watch, &state);
	health_unwatch(watch);
	return state;
}

json_t *flatten_pool_ahead(struct flatten *flatten, const struct pool_tree *tree, uint32_t region,
                           uint16_t type)
{
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	struct pool_yield yields[POOL_NODES_MAX] = {0};
	struct pool_input input = {
	        .tree = tree, .place = where_place(flatten->world, tree, region), .yields = yields};
	json_t *object;

	for (uint16_t i = 0; i < tree->count; i++) {
		const struct pool_node *node = &tree->nodes[i];
		struct health_state state;

		if (node->kind == POOL_NODE_POOL ||
		    (node->kind == POOL_NODE_ANAME && pool_is_elsewhere(tree, i, &input.place)) ||
		    (node->address && node->address->family != family))
			continue;
		state = state_of(flatten, node);
		yields[i] = (struct pool_yield){.known = true, .count = 1, .live = state.up};
		if (state.up)
			yields[i].latency_us = state.connect_us;
	}
	object = pool_json(&input, type);
	SET(object, "ahead", json_true());
	return object;
}

/* Could it ever give an address of this type? */
static bool is_of_use(const struct cell *cell)
{
	uint8_t family = cell->key.type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;

	for (uint16_t i = 0; i < cell->tree->count; i++) {
		const struct pool_node *node = &cell->tree->nodes[i];

		if (node->kind == POOL_NODE_ANAME ||
		    (node->address && node->address->family == family))
			return true;
	}
	return false;
}

/* Each pool as its newest answer has it. */
json_t *flatten_pools(struct flatten *flatten)
{
	json_t *list = json_array();
	struct cell *cell, *next;

	HASH_ITER(hh, flatten->cells, cell, next)
	{
		const struct answer *answer = cell->answers;

		if (json_array_size(list) == POOLS_TOLD)
			break;
		if (cell->tree && is_of_use(cell) && answer && answer->harvest)
			json_array_append_new(list, cell_json(cell, answer->harvest));
	}
	return list;
}

void flatten_cells_each(struct flatten *flatten,
                        void (*visit)(const char *policy, uint32_t region, size_t answers,
                                      void *arg),
                        void *arg)
{
	struct cell *cell, *next;

	HASH_ITER(hh, flatten->cells, cell, next)
	{
		if (cell->tree && cell->tree->policy)
			visit(cell->tree->policy, cell->key.region, cell->answer_count, arg);
	}
}
