/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table - the nodes of a zone by name; inside the zone room only.
 *
 * Open addressing over 32-bit tags; nodes are numbered in the order in which
 * they were made, and every ancestor (up to the apex) is made before the node.
 * So whoever walks the numbers sees parents first, and whether a name exists
 * is monotonic along its ancestors. A place is eight octets: what a look-up
 * waits for is one line of places and the node. The hash is seeded for each table:
 * zone data comes from customers.
 */
#ifndef ANAMED_ZONE_TABLE_H
#define ANAMED_ZONE_TABLE_H

#include <stdatomic.h>

#include "zone/arena.h"
#include "zone/memo.h"
#include "zone/zone.h"

struct record;

/* What a node has, while it is being filled. */
#define HAS_CNAME 0x01u /* also one that became an ANAME at the apex */
#define HAS_DNAME 0x02u
#define HAS_ANAME 0x04u
#define HAS_OTHER 0x08u /* anything that may not stand beside a CNAME */
#define HAS_NS    0x10u
#define HAS_SOA   0x20u

struct node {
	struct zone_node pub; /* first: a struct zone_node * is a struct node * */
	union {
		struct node *parent;      /* while building; NULL at the apex */
		const struct node *above; /* topmost cut or DNAME above this name, or NULL */
	};
	union {
		struct record *records; /* while building, newest first */
		struct node *wildcard;  /* "*" directly below, or NULL; at no cut */
		struct zone_memo *memo; /* at a cut; atomic, see memo.h */
	};
	uint32_t wildcard_link; /* of chain.c */
	uint8_t has;            /* HAS_* */
	bool flattens;          /* see zone_flattens() */
};

/* Where a name's node is found. */
struct place {
	uint32_t tag;
	uint32_t node; /* its number + 1; 0: free */
};

#define TABLE_BLOCK_FIRST 64 /* nodes; every block has twice as many as the one before */
#define TABLE_BLOCKS      26

struct table {
	atomic_uint holders; /* zones: see zone_again() */
	struct arena octets; /* names and rdata */
	struct arena sets;   /* struct zone_rrset and struct zone_rdata */
	uint64_t seed;
	unsigned int apex_labels;
	size_t count, size; /* size: a power of two */
	struct place *places;
	struct node *blocks[TABLE_BLOCKS]; /* never moved */
	struct zone_memo *memo;            /* the zone's own; atomic */
	struct zone_memo *memos;           /* all of them; atomic */
};

/* NULL if out of memory. */
struct table *table_new(void);
void table_free(struct table *table);

struct node *table_find(const struct table *table, const uint8_t *name, size_t len);

/* The number of its node and 1; 0: there is none. */
uint32_t table_number(const struct table *table, const uint8_t *name, size_t len);

/* Finds or makes a name (under the apex, which is made first) with all its ancestors. */
struct node *table_get(struct table *table, const uint8_t *name, size_t len);

/* Names that differ in case have one tag. */
static inline uint32_t table_tag(const struct table *table, const uint8_t *name, size_t len)
{
	uint64_t hash = name_hash_from(table->seed, name, len);

	return (uint32_t)(hash ^ hash >> 32);
}

/* Block b holds the numbers from FIRST * (2^b - 1) on. */
static inline struct node *table_node(const struct table *table, size_t number)
{
	unsigned long at = number + TABLE_BLOCK_FIRST;
	unsigned int block = (unsigned int)(__builtin_clzl(TABLE_BLOCK_FIRST) - __builtin_clzl(at));

	return &table->blocks[block][at - ((size_t)TABLE_BLOCK_FIRST << block)];
}

static inline struct table *table_of(const struct zone *zone)
{
	return zone->table;
}

#endif
