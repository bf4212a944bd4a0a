/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table - the nodes of a zone by name; inside the zone room only.
 *
 * Open addressing over 32-bit tags; nodes lie in an arena in the order in
 * which they were made, and every ancestor (up to the apex) is made before the
 * node. So whoever walks the arena sees parents first, and whether a name
 * exists is monotonic along its ancestors. The hash is seeded for each table:
 * zone data comes from customers.
 */
#ifndef ANAMED_ZONE_TABLE_H
#define ANAMED_ZONE_TABLE_H

#include <stdatomic.h>

#include "zone/arena.h"
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
		struct node *wildcard;  /* "*" directly below, or NULL */
	};
	uint8_t has;   /* HAS_* */
	bool flattens; /* see zone_flattens() */
};

struct table {
	atomic_uint holders;
	struct arena nodes;  /* struct node, nothing else */
	struct arena octets; /* names and rdata */
	struct arena sets;   /* struct zone_rrset and struct zone_rdata */
	uint64_t seed;
	unsigned int apex_labels;
	size_t count, size; /* size: a power of two */
	uint32_t *tags;     /* 0: free */
	struct node **slots;
};

/* NULL if out of memory. */
struct table *table_new(void);
void table_free(struct table *table);

struct node *table_find(const struct table *table, const uint8_t *name, size_t len);

/* Finds or makes a name (under the apex, which is made first) with all its ancestors. */
struct node *table_get(struct table *table, const uint8_t *name, size_t len);

/* Walks all nodes, parents first, from table_walk() on; NULL at the end. */
struct table_walk {
	struct arena_chunk *chunk;
	size_t at;
};
struct node *table_next(struct table_walk *walk);

static inline struct table_walk table_walk(const struct table *table)
{
	return (struct table_walk){.chunk = table->nodes.first};
}

static inline struct table *table_of(const struct zone *zone)
{
	return zone->table;
}

#endif
