/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/wire.h"

#define KEY_LEN   (2 + 8 + 4 + 2)
#define NODE_LEN  (2 + 2 + 8 + 8)
#define VALUE_MAX (2 + POOL_NODES_MAX * NODE_LEN)

/* A record that waits for its cell. */
struct choices {
	UT_hash_handle hh;
	struct cell_key key;
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

void choices_keep(const struct cell *cell, const struct pool_memory *now)
{
	uint8_t key[KEY_LEN], value[VALUE_MAX];
	struct wire to = wire_writer(key, sizeof(key)), wire = wire_writer(value, sizeof(value));
	unsigned int count = 0;

	if (!cell->flatten->keep || !says_other(cell, now))
		return;
	wire_put16(&to, CHOICES_MARK);
	wire_put64(&to, cell->key.definition);
	wire_put32(&to, cell->key.region);
	wire_put16(&to, cell->key.type);
	for (uint16_t node = 0; node < cell->tree->count; node++)
		count += now[node].choice || now[node].up_since_ms;
	wire_put16(&wire, count);
	for (uint16_t node = 0; node < cell->tree->count; node++) {
		if (!now[node].choice && !now[node].up_since_ms)
			continue;
		wire_put16(&wire, node);
		wire_put16(&wire, now[node].choice);
		wire_put64(&wire, to_unix(now[node].chosen_ms));
		wire_put64(&wire, to_unix(now[node].up_since_ms));
	}
	if (!wire.failed)
		keep_put(cell->flatten->keep, key, to.at, value, wire.at);
}

/* ---- from disk ---- */

static bool is_wanted(const struct flatten *flatten, uint64_t definition)
{
	for (size_t i = 0; i < pools_count(flatten->pools); i++)
		if (pools_at(flatten->pools, i)->definition == definition)
			return true;
	return false;
}

int choices_take(struct flatten *flatten, const void *key, size_t key_len, const void *value,
                 size_t value_len)
{
	struct wire wire = wire_reader(key, key_len);
	struct choices *choices;

	if (key_len != KEY_LEN || wire_get16(&wire) != CHOICES_MARK || value_len > VALUE_MAX)
		return 1;
	choices = calloc(1, sizeof(*choices) + value_len);
	if (!choices)
		return 0;
	choices->key.definition = wire_get64(&wire);
	choices->key.region = wire_get32(&wire);
	choices->key.type = (uint16_t)wire_get16(&wire);
	choices->len = value_len;
	memcpy(choices->value, value, value_len);
	if (!is_wanted(flatten, choices->key.definition)) {
		free(choices);
		return 1;
	}
	HASH_ADD(hh, flatten->choices, key, sizeof(choices->key), choices);
	if (!choices->hh.tbl)
		free(choices);
	return 0;
}

bool choices_are_by_region(const void *key, size_t key_len)
{
	struct wire wire = wire_reader(key, key_len);

	wire_take(&wire, 2 + 8); /* the mark, the definition */
	return wire_get32(&wire) != 0;
}

static void recall_node(struct cell *cell, struct wire *wire)
{
	unsigned int node = wire_get16(wire), choice = wire_get16(wire);
	uint64_t chosen = wire_get64(wire), up_since = wire_get64(wire);

	if (wire->failed || node >= cell->tree->count)
		return;
	if (choice && (choice <= node || choice >= cell->tree->nodes[node].end))
		return;
	cell->memory[node].choice = (uint16_t)choice;
	cell->memory[node].chosen_ms = from_unix(chosen);
	cell->memory[node].up_since_ms = from_unix(up_since);
}

void choices_recall(struct cell *cell)
{
	struct choices *choices;
	struct wire wire;

	HASH_FIND(hh, cell->flatten->choices, &cell->key, sizeof(cell->key), choices);
	if (!choices)
		return;
	wire = wire_reader(choices->value, choices->len);
	for (unsigned int count = wire_get16(&wire); count && !wire.failed; count--)
		recall_node(cell, &wire);
	HASH_DEL(cell->flatten->choices, choices);
	free(choices);
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
