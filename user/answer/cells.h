/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells - how the members of pools stand, for the answers made of them.
 *
 * A cell belongs to one pool, region and type, and is shared by all answers
 * that come out of it, of however many owners: a word in which each watched
 * address has a bit. A death clears the bit, here for the workers and in the
 * kernel's copy, by one write each, and every answer is without the address at
 * that instant. What a bit cannot say (another member takes over, panic) is
 * said by composing the cell's answers anew, out of what their members gave
 * last, without asking anybody.
 *
 * On the flatten loop alone, but for the word itself.
 */
#ifndef ANAMED_ANSWER_CELLS_H
#define ANAMED_ANSWER_CELLS_H

#include "answer/flatten_room.h"
#include "health/health.h"

#define CELL_BITS          63   /* bit 63 is AN_CELL_STALE */
#define CELL_ADDRESSES_MAX 256  /* in one answer, over all its groups */
#define CELL_NEAR_LEAST_MS 1000 /* an answer lives that long, however near a change is */

/* One watched address in a cell, for every answer that has it. Zeroed whole: its key is hashed. */
struct seat_key {
	char check[64];
	uint8_t family;
	uint8_t address[16];
};

struct seat {
	UT_hash_handle hh;
	struct seat_key key;
	struct cell *cell;
	struct health_watch *watch;
	unsigned int refs;
	uint8_t bit; /* ANSWER_ALWAYS: the cell is full */
	bool up;
};

struct cell_key {
	uint64_t definition;
	uint32_t region;
	uint16_t type;
	uint16_t zero;
};

struct cell {
	UT_hash_handle hh;
	struct rcu_head rcu;
	struct cell_key key;
	uint64_t value; /* workers read it, relaxed */
	struct flatten *flatten;
	const struct pool_tree *tree; /* NULL: the configuration has no such pool any more */
	struct pool_place place;      /* the region */
	uint32_t kernel;              /* number of the kernel's copy; AN_CELL_FIXED: none */
	uint64_t taken;               /* bits that are seats' */
	struct seat *seats;
	struct answer *answers; /* list */
	size_t answer_count;
	struct pool_memory *memory; /* by node: the last that was composed, for new answers */
	uint64_t reconsider_ms;     /* when time alone may change its answers */
	bool dirty, panic, resort;
};

/* What one leaf gave, for one client network. */
struct harvest_leaf {
	uint16_t node; /* HARVEST_BESIDE: a member of the owner's that is not the pool's */
	bool known, gone;
	uint16_t count;
	uint16_t first; /* in octets[] and seats[] */
};

#define HARVEST_BESIDE UINT16_MAX

struct harvest {
	struct pool_memory *memory; /* by node */
	uint16_t leaf_count, address_count;
	bool slows; /* some check is made less often while no answer is asked for */
	bool signs; /* what is composed is signed: of the living alone, while there are any */
	struct harvest_leaf leaves[POOL_NODES_MAX + FLATTEN_MEMBERS_MAX];
	struct seat **seats; /* of each address; NULL: not watched */
	uint8_t *octets;
};

/* Part of an answer as it is to be now. */
struct composed {
	struct answer_pool *pool; /* NULL: no addresses */
	uint16_t count;
	uint8_t octets[CELL_ADDRESSES_MAX * 16];
	uint64_t near_ms; /* when the first change may come, by clock_ms(); UINT64_MAX: none is near
	                   */
	uint64_t reconsider_ms;
	bool panic, resort;
};

/* ---- cells ---- */

/* The cell of a pool's tree; made where there is none. NULL: out of memory. */
struct cell *cell_get(struct flatten *flatten, const struct pool_tree *tree, uint32_t region,
                      uint16_t type);
/* Frees a cell without answers and seats. */
void cell_let_go(struct cell *cell);

/* After each reload: cells find their pools again, or learn that these are gone; the addresses that
 * the configuration names are watched from now on. */
void cells_world(struct flatten *flatten);
void cells_free(struct flatten *flatten);

/* Composes the answers of the cells in which something has changed, or whose time has come. */
void cells_settle(struct flatten *flatten, uint64_t now_ms);

/* ---- harvests ---- */

/* What the flight's members have given; its addresses take seats in the cell. NULL: no memory. */
struct harvest *harvest_new(struct flight *flight, struct cell *cell);
void harvest_free(struct harvest *harvest);
/* Answers out of it are asked for: see refresh.c. */
void harvest_use(const struct harvest *harvest);

/* By node: what the leaves give, and what of it is up now. */
void harvest_yields(const struct harvest *harvest, struct pool_yield yields[POOL_NODES_MAX]);

/* What the pool decides now, with all of its nodes in words: tell.c. */
struct json_t *cell_json(const struct cell *cell, const struct harvest *harvest);

/* When the next result of a check may change what is decided, or an address that is given: near.c.
 * `input` after the decision; UINT64_MAX: no change is near. */
uint64_t near_change(const struct harvest *harvest, const struct pool_input *input,
                     const struct pool_decision *decision);

/* The same of a pool of which nothing is stored for the region: each target stands for one address
 * that is up. */
struct json_t *flatten_pool_ahead(struct flatten *flatten, const struct pool_tree *tree,
                                  uint32_t region, uint16_t type);

/* What an answer out of this harvest is now. 0 or -ENOMEM. */
int cell_compose(struct cell *cell, struct harvest *harvest, uint64_t now_ms, struct composed *ret);

/* ---- answers ---- */

/* The answer that was just put is one of the cell's. */
void cell_link(struct cell *cell, struct answer *answer);

/* For store_on_leave(). */
void cell_answer_leaves(struct answer *answer, struct answer *by, void *flatten);

/* Makes the answer anew out of its harvest. False: that is not possible, it has to be fetched. */
bool cell_renew(struct flatten *flatten, struct answer *answer, uint64_t now_ms);

#endif
