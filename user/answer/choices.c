/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/choices.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wire.h"
#include "steer/share.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define KEY_LEN   (2 + 4 + 4 + 2)
#define NODE_LEN  (4 + 4 + 8 + 8)
#define VALUE_MAX (2 + POOL_NODES_MAX * NODE_LEN)

struct choices_key {
	uint32_t pool, region, type;
};

/* What is remembered of one node, whichever tree it is in. */
struct said {
	uint32_t id, choice;             /* 0: none was chosen */
	uint64_t chosen_ms, up_since_ms; /* by clock_ms(); 0: as in struct pool_memory */
};

/* What waits for its cell. */
struct choices {
	UT_hash_handle hh;
	struct choices_key key;
	unsigned int count;
	struct said nodes[];
};

/* 0 stays 0. */
static uint64_t to_unix(uint64_t ms)
{
	return ms ? (uint64_t)clock_unix_ms() - (clock_ms() - ms) : 0;
}

/* What lies before the boot, or ahead of us (the clock was set), counts as the boot, or as now. */
static uint64_t from_unix(uint64_t unix_ms)
{
	uint64_t now = clock_ms(), unix_now = (uint64_t)clock_unix_ms();

	if (!unix_ms)
		return 0;
	if (unix_ms >= unix_now)
		return now;
	return unix_now - unix_ms < now ? now - (unix_now - unix_ms) : 1;
}

/* ---- to disk ---- */

static bool says_other(const struct cell *cell, const struct pool_memory *now)
{
	for (uint16_t node = 0; node < cell->tree->count; node++) {
		const struct pool_memory *before = &cell->memory[node];

		if (now[node].choice != before->choice ||
		    now[node].chosen_ms != before->chosen_ms ||
		    now[node].up_since_ms != before->up_since_ms)
			return true;
	}
	return false;
}

static bool says_something(const struct pool_memory *memory)
{
	return memory->choice || memory->up_since_ms;
}

static struct said said_of(const struct pool_tree *tree, uint16_t node,
                           const struct pool_memory *memory)
{
	return (struct said){.id = tree->nodes[node].id,
	                     .choice = memory->choice ? tree->nodes[memory->choice].id : 0,
	                     .chosen_ms = memory->chosen_ms,
	                     .up_since_ms = memory->up_since_ms};
}

/* -> how many */
static unsigned int said_by(const struct pool_tree *tree, const struct pool_memory *memory,
                            struct said ret[POOL_NODES_MAX])
{
	unsigned int count = 0;

	for (uint16_t node = 0; node < tree->count; node++)
		if (says_something(&memory[node]))
			ret[count++] = said_of(tree, node, &memory[node]);
	return count;
}

static size_t write_value(const struct said *nodes, unsigned int count, uint8_t value[VALUE_MAX])
{
	struct wire wire = wire_writer(value, VALUE_MAX);

	wire_put16(&wire, count);
	for (unsigned int i = 0; i < count; i++) {
		wire_put32(&wire, nodes[i].id);
		wire_put32(&wire, nodes[i].choice);
		wire_put64(&wire, to_unix(nodes[i].chosen_ms));
		wire_put64(&wire, to_unix(nodes[i].up_since_ms));
	}
	return wire.at;
}

static struct choices_key key_of(const struct cell *cell)
{
	return (struct choices_key){.pool = cell->tree->nodes[0].id,
	                            .region = cell->key.region,
	                            .type = cell->key.type};
}

void choices_keep(const struct cell *cell, const struct pool_memory *now)
{
	uint8_t key[KEY_LEN], value[VALUE_MAX];
	struct wire to = wire_writer(key, sizeof(key));
	struct said nodes[POOL_NODES_MAX];
	size_t len;

	if (!cell->flatten->keep || !says_other(cell, now))
		return;
	wire_put16(&to, CHOICES_MARK);
	wire_put32(&to, cell->tree->nodes[0].id);
	wire_put32(&to, cell->key.region);
	wire_put16(&to, cell->key.type);
	len = write_value(nodes, said_by(cell->tree, now, nodes), value);
	keep_put(cell->flatten->keep, key, to.at, value, len);
}

/* ---- waiting for their cells ---- */

static void forget(struct flatten *flatten, const struct choices_key *key)
{
	struct choices *choices;

	HASH_FIND(hh, flatten->choices, key, sizeof(*key), choices);
	if (!choices)
		return;
	HASH_DEL(flatten->choices, choices);
	free(choices);
}

/* In place of those that wait; without memory nothing is remembered. */
static void wait_for_cell(struct flatten *flatten, const struct choices_key *key,
                          const struct said *nodes, unsigned int count)
{
	struct choices *choices = calloc(1, sizeof(*choices) + count * sizeof(*nodes));

	forget(flatten, key);
	if (!choices)
		return;
	choices->key = *key;
	choices->count = count;
	if (count)
		memcpy(choices->nodes, nodes, count * sizeof(*nodes));
	HASH_ADD(hh, flatten->choices, key, sizeof(choices->key), choices);
	if (!choices->hh.tbl)
		free(choices);
}

static bool is_wanted(const struct flatten *flatten, uint32_t pool)
{
	for (size_t i = 0; i < pools_count(flatten->pools); i++)
		if (pools_at(flatten->pools, i)->nodes[0].id == pool)
			return true;
	return false;
}

void choices_leave(const struct cell *cell)
{
	const struct choices_key key = key_of(cell);
	struct said nodes[POOL_NODES_MAX];

	if (is_wanted(cell->flatten, key.pool))
		wait_for_cell(cell->flatten, &key, nodes, said_by(cell->tree, cell->memory, nodes));
}

/* ---- from disk ---- */

/* As much as is whole. -> how many */
static unsigned int read_value(const void *value, size_t len, struct said ret[POOL_NODES_MAX])
{
	struct wire wire = wire_reader(value, len);
	unsigned int said = wire_get16(&wire), count = 0;

	while (count < said && count < POOL_NODES_MAX) {
		struct said *one = &ret[count];
		uint64_t chosen, up_since;

		one->id = wire_get32(&wire);
		one->choice = wire_get32(&wire);
		chosen = wire_get64(&wire);
		up_since = wire_get64(&wire);
		if (wire.failed)
			break;
		one->chosen_ms = from_unix(chosen);
		one->up_since_ms = from_unix(up_since);
		count++;
	}
	return count;
}

int choices_take(struct flatten *flatten, const void *key, size_t key_len, const void *value,
                 size_t value_len)
{
	struct wire wire = wire_reader(key, key_len);
	struct said nodes[POOL_NODES_MAX];
	struct choices_key read;

	if (key_len != KEY_LEN || wire_get16(&wire) != CHOICES_MARK || value_len > VALUE_MAX)
		return 1;
	read.pool = wire_get32(&wire);
	read.region = wire_get32(&wire);
	read.type = wire_get16(&wire);
	if (!is_wanted(flatten, read.pool))
		return 1;
	wait_for_cell(flatten, &read, nodes, read_value(value, value_len, nodes));
	return 0;
}

bool choices_are_by_region(const void *key, size_t key_len)
{
	struct wire wire = wire_reader(key, key_len);

	wire_take(&wire, 2 + 4); /* the mark, the pool */
	return wire_get32(&wire) != 0;
}

static void recall_node(struct cell *cell, const struct said *node)
{
	struct pool_memory said = {.chosen_ms = node->chosen_ms, .up_since_ms = node->up_since_ms};

	pool_recall(cell->tree, node->id, node->choice, &said, cell->memory);
}

void choices_recall(struct cell *cell)
{
	const struct choices_key key = key_of(cell);
	struct choices *choices;

	HASH_FIND(hh, cell->flatten->choices, &key, sizeof(key), choices);
	if (!choices)
		return;
	for (unsigned int i = 0; i < choices->count; i++)
		recall_node(cell, &choices->nodes[i]);
	forget(cell->flatten, &key);
}

/* ---- as JSON ---- */

static void set_ago(json_t *object, const char *key, uint64_t ms)
{
	if (ms)
		SET(object, key, json_integer((json_int_t)(clock_ms() - ms)));
}

static void set_node(json_t *object, const char *key, const struct pool_tree *tree, uint16_t node)
{
	char label[NAME_TEXT_MAX];

	SET(object, key,
	    json_pack("{s:I, s:s}", "id", (json_int_t)tree->nodes[node].id, "member",
	              share_label(tree, node, label)));
}

static json_t *node_json(const struct pool_tree *tree, uint16_t node)
{
	json_t *one = json_object();

	set_node(one, "node", tree, node);
	return one;
}

static void set_memory(json_t *one, const struct pool_tree *tree, const struct pool_memory *memory)
{
	if (memory->choice)
		set_node(one, "choice", tree, memory->choice);
	set_ago(one, "chosen_ms_ago", memory->chosen_ms);
	set_ago(one, "up_ms_ago", memory->up_since_ms);
}

/* How a target stands, in the words that the simulator takes. */
static void set_state(json_t *one, const struct pool_yield *yield)
{
	const char *state = yield->live ? "up" : yield->count ? "down" : "none";

	SET(one, "state", json_string(yield->known && !yield->gone ? state : "failing"));
	if (yield->latency_us)
		SET(one, "connect_us", json_integer(yield->latency_us));
}

/* What addresses the targets have is known where there is an answer; it is the newest that counts.
 */
static bool is_target(const struct cell *cell, uint16_t node)
{
	return cell->tree->nodes[node].kind == POOL_NODE_ANAME && cell->answers &&
	       cell->answers->harvest && !pool_is_elsewhere(cell->tree, node, &cell->place);
}

static json_t *cell_nodes(const struct cell *cell)
{
	struct pool_yield yields[POOL_NODES_MAX];
	json_t *list = json_array();

	if (cell->answers && cell->answers->harvest)
		harvest_yields(cell->answers->harvest, yields);
	for (uint16_t node = 0; node < cell->tree->count; node++) {
		const struct pool_memory *memory = &cell->memory[node];
		bool target = is_target(cell, node);
		json_t *one;

		if (!target && !says_something(memory))
			continue;
		one = node_json(cell->tree, node);
		if (says_something(memory))
			set_memory(one, cell->tree, memory);
		if (target)
			set_state(one, &yields[node]);
		json_array_append_new(list, one);
	}
	return list;
}

/* As it will be remembered; of a node that the pool does not have any more nothing is told. */
static json_t *waiting_nodes(const struct pool_tree *tree, const struct choices *choices)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < choices->count; i++) {
		const struct said *said = &choices->nodes[i];
		uint16_t node = pool_by_id(tree, 0, tree->count, said->id), choice = 0;
		json_t *one;

		if (said->choice)
			choice = pool_by_id(tree, 0, tree->count, said->choice);
		if (node == tree->count || choice == tree->count)
			continue;
		one = node_json(tree, node);
		set_memory(one, tree,
		           &(struct pool_memory){.choice = choice,
		                                 .chosen_ms = said->chosen_ms,
		                                 .up_since_ms = said->up_since_ms});
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *choices_json(const struct pool_tree *tree, const struct choices_key *key,
                            json_t *nodes)
{
	json_t *object = json_object();

	SET(object, "type", json_string(key->type == AN_TYPE_AAAA ? "AAAA" : "A"));
	SET(object, "region_number", json_integer(key->region));
	if (tree->policy)
		SET(object, "policy", json_string(tree->policy));
	SET(object, "nodes", nodes);
	return object;
}

json_t *flatten_choices(const struct flatten *flatten, const struct pool_tree *tree)
{
	json_t *list = json_array();

	for (const struct cell *cell = flatten->cells; cell; cell = cell->hh.next) {
		struct choices_key key;

		if (cell->tree != tree)
			continue;
		key = key_of(cell);
		json_array_append_new(list, choices_json(tree, &key, cell_nodes(cell)));
	}
	for (const struct choices *one = flatten->choices; one; one = one->hh.next) {
		if (one->key.pool == tree->nodes[0].id)
			json_array_append_new(
			        list, choices_json(tree, &one->key, waiting_nodes(tree, one)));
	}
	return list;
}

void choices_free(struct flatten *flatten)
{
	struct choices *choices, *next;

	HASH_ITER(hh, flatten->choices, choices, next)
	{
		HASH_DEL(flatten->choices, choices);
		free(choices);
	}
}
