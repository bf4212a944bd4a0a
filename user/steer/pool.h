/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool - which members of a pool an answer is made of. Pure.
 *
 * A pool of the configuration, with the pools inside it, is laid out as a
 * tree. From what its leaves yield (addresses, and which of them are up), the
 * client's region, and what was chosen last, pool_decide() works out the
 * groups of the answer, with a verdict on each node that pool_tell() puts into
 * words. The same function serves answers, explain and the simulator.
 */
#ifndef ANAMED_STEER_POOL_H
#define ANAMED_STEER_POOL_H

#include "anamed/treaty.h"
#include "base/config.h"
#include "base/error.h"

#define POOL_NODES_MAX  256 /* of one tree */
#define POOL_DEPTH_MAX  8   /* pools inside pools */
#define POOL_GROUPS_MAX 64  /* that one answer is chosen from */

enum pool_node_kind {
	POOL_NODE_POOL,
	POOL_NODE_ADDRESS,
	POOL_NODE_ANAME,
	POOL_NODE_RESORT, /* an address of last resort; behind the members */
};

/* Nodes stand in preorder: a node's children are node + 1, then each one's `end`, up to its own. */
struct pool_node {
	enum pool_node_kind kind;
	uint16_t parent; /* the root's is 0, itself */
	uint16_t end;    /* the first index behind its subtree */
	uint16_t weight;
	uint32_t region;                /* GEO's children; 0: every region without any of its own */
	uint32_t id;                    /* hash of its path: the same on every edge */
	const struct config_pool *pool; /* itself; of a leaf, the pool that it stands in */
	const struct config_member *member; /* NULL: the root, last resorts */
	const struct endpoint *address;     /* ADDRESS, RESORT */
};

struct pool_tree {
	const struct config_pool *pool;
	const char *policy;  /* of the geo pools in it, which is one; NULL: none */
	bool tailored;       /* an ANAME in it is asked with the client's network */
	uint64_t definition; /* hash of all that makes its answers, states aside */
	uint16_t count;
	struct pool_node nodes[];
};

/* ---- the pools of a configuration ---- */

/* The number of a region in a policy; 0: there is no such. */
typedef uint32_t (*pool_region)(const char *policy, const char *region, void *arg);

/* Where a fault is: in which pool of the configuration, and at which of its members (-1: none). */
struct pool_fault {
	size_t pool;
	int member;
	const char *key; /* of the setting at fault; NULL: the pool, or member, as a whole */
	char text[256];
};

struct pools;

/*
 * Lays out a tree for each pool. Pools that contain themselves, names of pools
 * that are not there, weights that are all 0, choices inside of unions and what
 * else cannot be: -EINVAL with *fault. `region` NULL: numbers are drawn in the
 * order of mention. `config` must outlive the pools.
 */
int pools_new(const struct config *config, pool_region region, void *arg, struct pools **ret,
              struct pool_fault *fault);
void pools_free(struct pools *pools);

/* The tree of the pool with this name (any case); NULL: no pool. */
const struct pool_tree *pools_find(const struct pools *pools, const uint8_t *name, size_t len);
size_t pools_count(const struct pools *pools);
const struct pool_tree *pools_at(const struct pools *pools, size_t index);

/*
 * Where a client is: his region, and, where it stands for several, these in
 * their order, each for where all before it are down; the first is his own.
 */
struct pool_place {
	uint32_t region; /* 0: none */
	size_t order_count;
	uint32_t order[GEO_ORDER_MAX];
};

/* Is a geo pool's child for the place's regions, or for every region without any of its own? */
bool pool_is_for(const struct pool_tree *tree, uint16_t child, const struct pool_place *place);

/* Has a geo pool such a child, last resorts aside? */
bool pool_has_place(const struct pool_tree *tree, uint16_t pool, const struct pool_place *place);

/*
 * Is a node for other regions than the place's, by a geo pool that has members
 * for these, or for every region without any of its own? A target there is
 * not looked up.
 */
bool pool_is_elsewhere(const struct pool_tree *tree, uint16_t node, const struct pool_place *place);

/* The first node of a stretch with this id; `end`: there is none. */
uint16_t pool_by_id(const struct pool_tree *tree, uint16_t from, uint16_t end, uint32_t id);

/* "www.pool.example. / 2: cdn-a.example." of a node, cut to the room. */
char *pool_path(const struct pool_tree *tree, uint16_t node, char *ret, size_t size);

/* ---- the decision ---- */

/* What a leaf gives now, of the type that is asked for. */
struct pool_yield {
	bool known;          /* addresses, or a denial; false: it could not be resolved, ever */
	bool gone;           /* known: the name does not exist */
	uint16_t count;      /* addresses */
	uint16_t live;       /* of these, up */
	uint32_t latency_us; /* least of the live; 0: not measured */
};

/* What is remembered of a node from one decision to the next. Zeroed: nothing. */
struct pool_memory {
	bool seen, up;
	uint16_t choice;      /* FAILOVER, LATENCY: the child taken last; 0: none */
	uint64_t chosen_ms;   /* when */
	uint64_t up_since_ms; /* 0: as long as is known */
};

/*
 * What another tree's memory says of one node, which is known by its id, as is
 * the child that it chose (0: none); of `said` the times count. Into memory[],
 * by node, of this tree; what is not in the tree says nothing.
 */
void pool_recall(const struct pool_tree *tree, uint32_t id, uint32_t choice,
                 const struct pool_memory *said, struct pool_memory *memory);

struct pool_input {
	const struct pool_tree *tree;
	struct pool_place place;         /* the client's */
	const struct pool_yield *yields; /* by node; of leaves */
	struct pool_memory *memory;      /* by node; NULL: nothing is remembered */
	uint64_t now_ms;
};

enum pool_kind {
	POOL_NOTHING,   /* no leaf has an address of this type: a denial, or a failure */
	POOL_TOGETHER,  /* one group */
	POOL_BY_WEIGHT, /* each reply picks a group by weight */
	POOL_BY_CLIENT, /* each client network has its group, by weighted rendezvous */
};

/* Verdicts on a node, as bits. */
#define POOL_HAS    0x01u /* addresses of this type */
#define POOL_UP     0x02u /* by its checks, and min-up */
#define POOL_CHOSEN 0x04u /* the answer has it, if it counts */
#define POOL_COUNTS 0x08u /* as up: it is, or its pool is in panic */
#define POOL_PANIC  0x10u /* a pool with less than min-up members up, so all count */
#define POOL_RESORT 0x20u /* a pool with no member up, which gives its last resort */
#define POOL_HELD   0x40u /* would be taken, but for hold-down */
#define POOL_STANDS 0x80u /* a target that exists, addresses or not */

struct pool_group {
	uint16_t node;         /* whose leaves these are; 0: the whole pool's */
	uint16_t weight;       /* at least 1 */
	uint16_t first, count; /* in leaves[] */
};

struct pool_decision {
	enum pool_kind kind;
	uint16_t group_count, leaf_count;
	struct pool_group groups[POOL_GROUPS_MAX];
	/* A leaf that is CHOSEN and does not count has only addresses that are down: once up they
	 * are the answer's. One that counts and is not UP counts with all of its addresses. */
	uint16_t leaves[POOL_NODES_MAX];
	uint8_t verdicts[POOL_NODES_MAX];
	uint64_t reconsider_ms; /* when time alone may change it; UINT64_MAX: never */
	bool panic, resort;     /* in some pool that the answer is made of */
};

void pool_decide(const struct pool_input *input, struct pool_decision *ret);

/* Would the same answer be made of both? (Verdicts aside.) */
bool pool_decision_same(const struct pool_decision *a, const struct pool_decision *b);

/* Each node of the tree as a line of words, with its depth: what it is, how it stands, why it was
 * taken or not. */
void pool_tell(const struct pool_input *input, const struct pool_decision *decision,
               void (*line)(const char *text, unsigned int depth, void *arg), void *arg);

/* ---- latency ---- */

/* How long it is until latencies are looked at again. */
#define POOL_LATENCY_MS 1000

#endif
