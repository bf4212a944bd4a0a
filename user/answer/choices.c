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

/* A record that waits for its cell. */
struct choices {
	UT_hash_handle hh;
	struct choices_key key;
	size_t len;
	uint8_t value[];
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

static size_t write_nodes(const struct pool_tree *tree, const struct pool_memory *now,
                          uint8_t value[VALUE_MAX])
{
	struct wire wire = wire_writer(value, VALUE_MAX);
	unsigned int count = 0;

	for (uint16_t node = 0; node < tree->count; node++)
		count += now[node].choice || now[node].up_since_ms;
	wire_put16(&wire, count);
	for (uint16_t node = 0; node < tree->count; node++) {
		uint16_t choice = now[node].choice;

		if (!choice && !now[node].up_since_ms)
			continue;
		wire_put32(&wire, tree->nodes[node].id);
		wire_put32(&wire, choice ? tree->nodes[choice].id : 0);
		wire_put64(&wire, to_unix(now[node].chosen_ms));
		wire_put64(&wire, to_unix(now[node].up_since_ms));
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

	if (!cell->flatten->keep || !says_other(cell, now))
		return;
	wire_put16(&to, CHOICES_MARK);
	wire_put32(&to, cell->tree->nodes[0].id);
	wire_put32(&to, cell->key.region);
	wire_put16(&to, cell->key.type);
	keep_put(cell->flatten->keep, key, to.at, value, write_nodes(cell->tree, now, value));
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
static void wait_for_cell(struct flatten *flatten, const struct choices_key *key, const void *value,
                          size_t len)
{
	struct choices *choices = calloc(1, sizeof(*choices) + len);

	forget(flatten, key);
	if (!choices)
		return;
	choices->key = *key;
	choices->len = len;
	memcpy(choices->value, value, len);
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
	uint8_t value[VALUE_MAX];

	if (is_wanted(cell->flatten, key.pool))
		wait_for_cell(cell->flatten, &key, value,
		              write_nodes(cell->tree, cell->memory, value));
}

/* ---- from disk ---- */

int choices_take(struct flatten *flatten, const void *key, size_t key_len, const void *value,
                 size_t value_len)
{
	struct wire wire = wire_reader(key, key_len);
	struct choices_key read;

	if (key_len != KEY_LEN || wire_get16(&wire) != CHOICES_MARK || value_len > VALUE_MAX)
		return 1;
	read.pool = wire_get32(&wire);
	read.region = wire_get32(&wire);
	read.type = wire_get16(&wire);
	if (!is_wanted(flatten, read.pool))
		return 1;
	wait_for_cell(flatten, &read, value, value_len);
	return 0;
}

bool choices_are_by_region(const void *key, size_t key_len)
{
	struct wire wire = wire_reader(key, key_len);

	wire_take(&wire, 2 + 4); /* the mark, the pool */
	return wire_get32(&wire) != 0;
}

static void recall_node(struct cell *cell, struct wire *wire)
{
	uint32_t id = wire_get32(wire), choice = wire_get32(wire);
	uint64_t chosen = wire_get64(wire), up_since = wire_get64(wire);
	struct pool_memory said = {.chosen_ms = from_unix(chosen),
	                           .up_since_ms = from_unix(up_since)};

	if (!wire->failed)
		pool_recall(cell->tree, id, choice, &said, cell->memory);
}

void choices_recall(struct cell *cell)
{
	const struct choices_key key = key_of(cell);
	struct choices *choices;
	struct wire wire;

	HASH_FIND(hh, cell->flatten->choices, &key, sizeof(key), choices);
	if (!choices)
		return;
	wire = wire_reader(choices->value, choices->len);
	for (unsigned int count = wire_get16(&wire); count && !wire.failed; count--)
		recall_node(cell, &wire);
	forget(cell->flatten, &key);
}

/* ---- as JSON ---- */

static void set_ago(json_t *object, const char *key, uint64_t unix_ms)
{
	uint64_t now = (uint64_t)clock_unix_ms();

	if (unix_ms)
		SET(object, key, json_integer(unix_ms < now ? (json_int_t)(now - unix_ms) : 0));
}

static void set_node(json_t *object, const char *key, const struct pool_tree *tree, uint16_t node)
{
	char label[NAME_TEXT_MAX];

	SET(object, key,
	    json_pack("{s:I, s:s}", "id", (json_int_t)tree->nodes[node].id, "member",
	              share_label(tree, node, label)));
}

/* Of a node that the pool does not have any more nothing is told. */
static void tell_node(json_t *list, const struct pool_tree *tree, struct wire *wire)
{
	uint32_t id = wire_get32(wire), choice = wire_get32(wire);
	uint64_t chosen = wire_get64(wire), up_since = wire_get64(wire);
	uint16_t node = pool_by_id(tree, 0, tree->count, id),
	         child = choice ? pool_by_id(tree, 0, tree->count, choice) : 0;
	json_t *one;

	if (wire->failed || node == tree->count || child == tree->count)
		return;
	one = json_object();
	set_node(one, "node", tree, node);
	if (choice)
		set_node(one, "choice", tree, child);
	set_ago(one, "chosen_ms_ago", chosen);
	set_ago(one, "up_ms_ago", up_since);
	json_array_append_new(list, one);
}

static json_t *choices_json(const struct pool_tree *tree, const struct choices_key *key,
                            const uint8_t *value, size_t len)
{
	struct wire wire = wire_reader(value, len);
	json_t *object = json_object(), *nodes = json_array();

	for (unsigned int count = wire_get16(&wire); count && !wire.failed; count--)
		tell_node(nodes, tree, &wire);
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
	uint8_t value[VALUE_MAX];

	for (const struct cell *cell = flatten->cells; cell; cell = cell->hh.next) {
		struct choices_key key;

		if (cell->tree != tree)
			continue;
		key = key_of(cell);
		json_array_append_new(list, choices_json(tree, &key, value,
		                                         write_nodes(tree, cell->memory, value)));
	}
	for (const struct choices *one = flatten->choices; one; one = one->hh.next) {
		if (one->key.pool == tree->nodes[0].id)
			json_array_append_new(list,
			                      choices_json(tree, &one->key, one->value, one->len));
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
