/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "anamed/key.h"

#define TABLE_FIRST 16 /* slots; grown when two thirds are taken */

struct table *table_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	atomic_init(&table->holders, 1);
	table->size = TABLE_FIRST;
	table->tags = calloc(table->size, sizeof(*table->tags));
	table->slots = calloc(table->size, sizeof(struct node *));
	if (!table->tags || !table->slots ||
	    getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed)) {
		table_free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	arena_done(&table->nodes);
	arena_done(&table->octets);
	arena_done(&table->sets);
	free(table->tags);
	free(table->slots);
	free(table);
}

static uint32_t tag_of(const struct table *table, const uint8_t *name, size_t len)
{
	uint64_t hash = table->seed;
	uint8_t rest[8] = {0};
	uint32_t tag;
	size_t at;

	for (at = 0; at + 8 <= len; at += 8)
		hash = an_hash_step(hash, an_lower8(an_load8(name + at)));
	memcpy(rest, name + at, len - at);
	hash = an_hash_step(hash, an_lower8(an_load8(rest)));
	tag = (uint32_t)(hash ^ hash >> 32);
	return tag ? tag : 1;
}

/* The place of a name, or the free place where it would be put. */
static size_t place_of(const struct table *table, uint32_t tag, const uint8_t *name, size_t len)
{
	size_t at = tag & (table->size - 1);

	while (table->tags[at]) {
		const struct zone_node *node = &table->slots[at]->pub;

		if (table->tags[at] == tag && name_equal(node->name, node->name_len, name, len))
			break;
		at = (at + 1) & (table->size - 1);
	}
	return at;
}

struct node *table_find(const struct table *table, const uint8_t *name, size_t len)
{
	size_t at = place_of(table, tag_of(table, name, len), name, len);

	return table->tags[at] ? table->slots[at] : NULL;
}

static bool table_grow(struct table *table)
{
	size_t size = table->size * 2;
	uint32_t *tags = calloc(size, sizeof(*tags));
	struct node **slots = calloc(size, sizeof(struct node *));

	if (!tags || !slots) {
		free(tags);
		free(slots);
		return false;
	}
	for (size_t i = 0; i < table->size; i++) {
		size_t at = table->tags[i] & (size - 1);

		if (!table->tags[i])
			continue;
		while (tags[at])
			at = (at + 1) & (size - 1);
		tags[at] = table->tags[i];
		slots[at] = table->slots[i];
	}
	free(table->tags);
	free(table->slots);
	table->tags = tags;
	table->slots = slots;
	table->size = size;
	return true;
}

/* `name` lies in the table's octets already: a node shares them with its descendants. */
static struct node *node_add(struct table *table, const uint8_t *name, size_t len,
                             struct node *parent)
{
	uint32_t tag = tag_of(table, name, len);
	struct node *node;
	size_t at;

	if (table->count >= table->size - table->size / 3 && !table_grow(table))
		return NULL;
	node = arena_take(&table->nodes, sizeof(*node), _Alignof(struct node));
	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->pub.name = name;
	node->pub.name_len = (uint8_t)len;
	node->parent = parent;
	at = place_of(table, tag, name, len);
	table->tags[at] = tag;
	table->slots[at] = node;
	table->count++;
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

struct node *table_next(struct table_walk *walk)
{
	struct node *node;

	while (walk->chunk && walk->at + sizeof(*node) > walk->chunk->used) {
		walk->chunk = walk->chunk->next;
		walk->at = 0;
	}
	if (!walk->chunk)
		return NULL;
	node = (struct node *)(void *)(walk->chunk->data + walk->at);
	walk->at += sizeof(*node);
	return node;
}
