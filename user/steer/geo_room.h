/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_room - what the files of geo share: names, tries, classes, leaves, the
 * table. Nobody else includes it.
 *
 * The way of a policy: each source (a database, all network lists together, a
 * table, the special-use networks) tells networks apart by a small number, its
 * *class*: sources.c. compile.c walks all of them at once, from the root of
 * the address space down (walk.c), until no source tells anything further apart; there
 * the classes together give a region for each policy: judge.c. Those regions
 * are the *location*. Neighbours of one location become one leaf. index.c lays
 * the leaves out for looking up.
 */
#ifndef ANAMED_STEER_GEO_ROOM_H
#define ANAMED_STEER_GEO_ROOM_H

#include "steer/geo.h"
#include "steer/mmdb.h"

/* ---- intern.c: equal runs of words get equal numbers, from 0 ---- */

struct intern;

struct intern *intern_new(size_t width); /* words in each */
void intern_free(struct intern *intern);
/* The number of these words, or -ENOMEM. */
int64_t intern_put(struct intern *intern, const uint32_t *words);
const uint32_t *intern_get(const struct intern *intern, uint32_t number);
uint32_t intern_count(const struct intern *intern);

/* ---- geo_names.c ---- */

struct geo_names {
	struct geo_policy_names {
		char *name;
		char **regions; /* region number - 1 */
		size_t regions_count, regions_room;
	} policies[AN_POLICIES_MAX];
	size_t count;
};

/* Numbers of a policy (from 0) and of a region (from 1), given if they are new; -ENOMEM, or
 * -ENOSPC: too many. */
int geo_names_policy(struct geo_names *names, const char *name);
int geo_names_region(struct geo_names *names, unsigned int policy, const char *name);
/* The region that stands for these in their order; of one, that one. -ENOMEM, -ENOSPC. */
#define GEO_THEN " > "
int geo_names_order(struct geo_names *names, unsigned int policy, const char *const *regions,
                    size_t count);
int geo_names_copy(struct geo_names *names, const struct geo_names *from);
void geo_names_done(struct geo_names *names);
uint64_t geo_names_hash(const struct geo_names *names);
/* A line for each policy and each region: "policy region" with blanks and controls as \DDD. */
int geo_names_write(const struct geo_names *names, const char *path);
int geo_names_read(struct geo_names *names, const char *path);

/* ---- geo_trie.c: networks in memory ---- */

/* A node; 0 is none. Node 1 is the root of IPv4, node 2 that of IPv6. */
struct trie_node {
	uint32_t child[2];
	uint32_t item;  /* the newest at this very network, or 0; then along `next` */
	uint32_t value; /* class, once trie_settle() has made them */
};

struct trie_item {
	uint32_t what;
	uint32_t next;
};

struct trie {
	struct trie_node *nodes;
	struct trie_item *items; /* 0 is none */
	uint32_t nodes_count, nodes_room, items_count, items_room;
};

int trie_init(struct trie *trie); /* 0 or -ENOMEM */
void trie_done(struct trie *trie);
static inline uint32_t trie_root(uint8_t family)
{
	return family == AN_FAMILY_IPV6 ? 2 : 1;
}
/* The node of a network, made if need be; 0: no memory. */
uint32_t trie_node_of(struct trie *trie, const struct network *network);
int trie_add(struct trie *trie, const struct network *network, uint32_t what);
/*
 * Gives every node its value: `value` is called for each node that has items,
 * with the value of the nearest node above that has any (0: none). A node
 * without items has that value itself. Stops at a negative result.
 */
int trie_settle(struct trie *trie,
                int64_t (*value)(void *arg, uint32_t above, const struct trie *trie, uint32_t node),
                void *arg);

/* ---- geo_records.c: classes of a database's records ---- */

#define GEO_NOWHERE UINT32_MAX

/* A rule of a configured policy, and the bits that it has in the classes of its sources. */
struct geo_rule {
	const struct config_rule *config;
	unsigned int policy; /* as configured */
	uint32_t database;   /* GEO_NOWHERE: asks none */
	uint32_t record_bit; /* in that database's classes */
	uint32_t list_bit;   /* in those of the network lists; GEO_NOWHERE: names no network */
	uint32_t region;
	bool used;
};

/* Every policy as it is configured. */
struct geo_plan {
	const struct config *config;
	struct geo_names *names;
	unsigned int numbers[AN_POLICIES_MAX]; /* names->policies[] of each */
	struct geo_rule *rules;                /* of all policies, in their order */
	uint32_t defaults[AN_POLICIES_MAX];    /* regions */
	size_t rules_from[AN_POLICIES_MAX + 1];
	uint32_t record_bits[64]; /* for each database: rules that ask it */
	uint32_t list_bits;
};

static inline bool geo_bit(const uint32_t *words, uint32_t bit)
{
	return words[bit / 32] >> bit % 32 & 1;
}

static inline void geo_bit_set(uint32_t *words, uint32_t bit)
{
	words[bit / 32] |= UINT32_C(1) << bit % 32;
}

static inline size_t geo_bit_words(uint32_t bits)
{
	return (bits + 31) / 32;
}

struct records;

/* The database at `index` of the configuration, with all that the plan asks of it. */
int records_new(const struct geo_plan *plan, uint32_t index, struct records **ret,
                struct error *error);
void records_free(struct records *records);
/* NULL: nothing of this family in it. */
const struct mmdb *records_mmdb(const struct records *records, uint8_t family);
/* Class of a record, from 1; class 0 is that of no record. -EBADMSG, -ENOMEM. */
int64_t records_class(struct records *records, uint8_t family, uint32_t record);
/* What a class says: rules whose bit is set match, and the regions of a configured policy that
 * are quickest and nearest; 0: unknown. */
bool records_rule(const struct records *records, uint32_t class, uint32_t bit);
uint32_t records_quickest(const struct records *records, uint32_t class, unsigned int policy);
uint32_t records_nearest(const struct records *records, uint32_t class, unsigned int policy);
/* Something is asked for that no record has: -EINVAL with the line that asks. */
int records_judge(const struct records *records, struct error *error);

/* ---- geo_table.c ---- */

/* A policy's CSV file into a trie whose values are regions; regions get their names. */
int table_read(const char *path, unsigned int policy, struct geo_names *names, struct trie *ret,
               struct error *error);

/* ---- geo_identity.c ---- */

/* Never 0; zeroed: of nothing. */
struct geo_identity {
	uint64_t settings, files;
};
struct geo_identity geo_identity_of(const struct config *config);

/* ---- geo_plan.c ---- */

int geo_plan_make(const struct config *config, struct geo_names *names, struct geo_plan *ret,
                  struct error *error);
void geo_plan_done(struct geo_plan *plan);
/* The database of a policy; GEO_NOWHERE: none. */
uint32_t geo_plan_database(const struct config *config, const char *name);

/* ---- geo_sources.c ---- */

/* In the order of a tuple's classes: the databases, all lists of networks together, the
 * special-use networks, the tables. */
struct sources {
	struct geo_plan plan;
	struct records *records[64]; /* NULL: nobody asks it */
	size_t records_count;
	struct trie lists, special;
	struct intern *lists_classes;
	struct trie tables[AN_POLICIES_MAX]; /* no nodes: no table */
	size_t count;
	bool blind; /* no file is opened */
};

static inline size_t sources_lists(const struct sources *sources)
{
	return sources->records_count;
}

static inline size_t sources_special(const struct sources *sources)
{
	return sources->records_count + 1;
}

static inline size_t sources_table(const struct sources *sources, unsigned int policy)
{
	return sources->records_count + 2 + policy;
}

/* Opens and reads everything. ret: zeroed but for `blind`, to be closed whatever came of it. */
int sources_open(const struct config *config, struct geo_names *names, struct sources *ret,
                 struct error *error);
void sources_close(struct sources *sources);

/* ---- geo_walk.c ---- */

/*
 * Where a source is on its way down. In databases the IPv4 networks lie below
 * 2002::/16 once more (6to4, RFC 3056), as far as they are told apart in IPv4,
 * so that `family` changes on the way.
 */
struct source_at {
	uint32_t node;
	uint32_t class;
	uint8_t family;
	uint8_t six_to_four; /* 1 + the bits above it, on the way to and below 2002::/16; else 0 */
	bool inside;         /* `node` is one of the source's */
	bool more;           /* addresses may be told apart below */
};

int sources_root(struct sources *sources, size_t source, uint8_t family, struct source_at *ret);
/* 0, -EBADMSG, -ENOMEM */
int sources_children(struct sources *sources, size_t source, const struct source_at *at,
                     struct source_at ret[2]);

/* ---- geo_judge.c ---- */

/* The rule of a configured policy that matches, NULL: none. */
const struct geo_rule *judge_rule(const struct sources *sources, unsigned int policy,
                                  const uint32_t *tuple);
/* Regions by the policy's table and by coordinates; 0: it has none, or nothing there. */
uint32_t judge_table(const struct sources *sources, unsigned int policy, const uint32_t *tuple);
uint32_t judge_nearest(const struct sources *sources, unsigned int policy, const uint32_t *tuple);
/* Regions of all policies, by their numbers, for one tuple of classes; marks the rules used. */
void judge(struct sources *sources, const uint32_t *tuple, uint32_t ret[AN_POLICIES_MAX]);

/* ---- geo_compile.c ---- */

struct geo_leaf {
	uint64_t prefix; /* the first 64 bits, the address's first bit on top */
	uint32_t location;
	uint8_t len;
};

struct geo_leaves {
	struct geo_leaf *leaf;
	size_t count, room;
};

#define GEO_LOCATION_WORDS (AN_POLICIES_MAX + 1) /* regions, then the special-use network */

/* The leaves of a family, in their order, without a gap. */
int compile(struct sources *sources, uint8_t family, struct intern *locations,
            struct geo_leaves *ret, struct error *error);

/* ---- geo_index.c ---- */

/* The trie of both families (anamed/geo.h). 0, -ENOMEM, or -EOVERFLOW. */
int index_make(const struct geo_leaves *ipv4, const struct geo_leaves *ipv6,
               struct an_geo_line **ret, uint32_t *ret_count);

#endif
