/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TABLE_FIRST 16 /* slots; grown when two thirds are taken */

struct table *table_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	atomic_init(&table->holders, 1);
	table->size = TABLE_FIRST;
	table->places = calloc(table->size, sizeof(*table->places));
	if (!table->places ||
	    getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed)) {
		table_free(table);
		return NULL;
	}
	return table;
}

static void memos_free(struct zone_memo *memo)
{
	while (memo) {
		struct zone_memo *next = memo->next;

		free(memo);
		memo = next;
	}
}

void table_free(struct table *table)
{
	if (!table)
		return;
	memos_free(table->memos);
	for (unsigned int i = 0; i < TABLE_BLOCKS; i++)
		free(table->blocks[i]);
	arena_done(&table->octets);
	arena_done(&table->sets);
	free(table->places);
	free(table);
}

/* The place of a name, or the free place where it would be put. */
static struct place *place_of(const struct table *table, uint32_t tag, const uint8_t *name,
                              size_t len)
{
	size_t at = tag & (table->size - 1);

	for (;; at = (at + 1) & (table->size - 1)) {
		struct place *place = &table->places[at];
		const struct zone_node *node;

		if (!place->node)
			return place;
		if (place->tag != tag)
			continue;
		node = &table_node(table, place->node - 1)->pub;
		if (name_equal(node->name, node->name_len, name, len))
			return place;
	}
}

uint32_t table_number(const struct table *table, const uint8_t *name, size_t len)
{
	return place_of(table, table_tag(table, name, len), name, len)->node;
}

struct node *table_find(const struct table *table, const uint8_t *name, size_t len)
{
	uint32_t number = table_number(table, name, len);

	return number ? table_node(table, number - 1) : NULL;
}

static bool table_grow(struct table *table)
{
	size_t size = table->size * 2;
	struct place *places = calloc(size, sizeof(*places));

	if (!places)
		return false;
	for (size_t i = 0; i < table->size; i++) {
		size_t at = table->places[i].tag & (size - 1);

		if (!table->places[i].node)
			continue;
		while (places[at].node)
			at = (at + 1) & (size - 1);
		places[at] = table->places[i];
	}
	free(table->places);
	table->places = places;
	table->size = size;
	return true;
}

/* Room for the node of the next number; NULL if out of memory. */
static struct node *node_room(struct table *table)
{
	size_t count = table->count + TABLE_BLOCK_FIRST;

	if (!(count & (count - 1))) { /* the first of a block */
		unsigned int block = (unsigned int)__builtin_ctzl(count / TABLE_BLOCK_FIRST);

		if (block == TABLE_BLOCKS)
			return NULL;
		if (!table->blocks[block])
			table->blocks[block] = malloc(count * sizeof(struct node));
		if (!table->blocks[block])
			return NULL;
	}
	return table_node(table, table->count);
}

/* `name` lies in the table's octets already: a node shares them with its descendants. */
static struct node *node_add(struct table *table, const uint8_t *name, size_t len,
                             struct node *parent)
{
	uint32_t tag = table_tag(table, name, len);
	struct node *node;

	if (table->count >= table->size - table->size / 3 && !table_grow(table))
		return NULL;
	node = node_room(table);
	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->pub.name = name;
	node->pub.name_len = (uint8_t)len;
	node->parent = parent;
	table->count++;
	*place_of(table, tag, name, len) = (struct place){tag, (uint32_t)table->count};
	if (parent && len == parent->pub.name_len + 2u && name[1] == '*')
		parent->pub.flags |= ZONE_NODE_WILDCARD_CHILD;
	return node;
}

struct node *table_get(struct table *table, const uint8_t *name, size_t len)
{
	struct node *node = table_find(table, name, len);
	uint8_t starts[NAME_MAX_LEN];
	unsigned int missing = 0;
	size_t at = 0;
	const uint8_t *copy;

	if (node)
		return node;
	while (!node && at < len - 1) { /* up to the ancestor that exists, or past the apex */
		starts[missing++] = (uint8_t)at;
		at += 1u + name[at];
		node = table_find(table, name + at, len - at);
		if (!table->count)
			break; /* this is the apex */
	}
	copy = arena_copy(&table->octets, name, len);
	if (!copy)
		return NULL;
	if (!missing) /* the apex is the root */
		return node_add(table, copy, len, NULL);
	while (missing--) {
		node = node_add(table, copy + starts[missing], len - starts[missing], node);
		if (!node)
			return NULL;
	}
	return node;
}
