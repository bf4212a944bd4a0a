/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * simulate_room - what the files of simulate share: a side is a configuration
 * with its pool (side.c), what is assumed of the members (assume.c) and what a
 * daemon has (remember.c); for each client each side decides (decide.c).
 */
#ifndef ANAMED_CONTROL_SIMULATE_ROOM_H
#define ANAMED_CONTROL_SIMULATE_ROOM_H

#include "base/name.h"
#include "control/simulate.h"
#include "steer/geo.h"
#include "steer/pool.h"

#define LABELS_MAX (2 * POOL_NODES_MAX)

/* What is given out under one name, before and after. */
struct label {
	char text[NAME_TEXT_MAX];
	double before, after;
};

/* A configuration, and how its members are taken to be. */
struct side {
	struct config *config;
	struct geo *geo;
	struct pools *pools;
	const struct pool_tree *tree;
	int policy; /* negative: none */
	struct pool_yield yields[POOL_NODES_MAX];
	uint32_t far_us[POOL_NODES_MAX]; /* how far a leaf is where it is up; 0: not measured */
	bool assumed[POOL_NODES_MAX];    /* the leaf, by the change */
	uint16_t label[POOL_NODES_MAX];  /* of each leaf */
	struct remembered *remembered;   /* by region, each once */
	size_t remembered_count;
};

struct remembered {
	uint32_t region; /* 0: none */
	struct pool_memory memory[POOL_NODES_MAX];
	bool stands[POOL_NODES_MAX]; /* of a target something is said: */
	struct pool_yield yields[POOL_NODES_MAX];
};

/* Memories are so long before it as they say. */
#define SIMULATE_NOW_MS (UINT64_MAX / 2)

struct client_row {
	char text[NET_TEXT_MAX]; /* as it was given; "": all clients of a region */
	struct network network;
	bool as_subnet;
	double weight;
	const char *region; /* asked for by name */
};

struct run {
	const struct simulate *request;
	struct error *error;
	struct side sides[2];
	bool changes; /* there is an after */
	struct label labels[LABELS_MAX];
	size_t labels_count;
	json_t *rows;
	size_t rows_count;
	double weight, moved;
};

#define SIMULATE_ROWS_SHOWN 10000

/* ---- simulate_side.c ---- */

/* *side is to be closed whatever came of it. */
int side_open(struct side *side, const char *path, struct run *run);
void side_close(struct side *side);

/* ---- simulate_assume.c ---- */

/* What the daemon's checks say and what the request assumes, into the yields of both sides. */
int assume_all(struct run *run);
/* The yield of a state that is no duration: up, down, failing, none. False: it is none of these. */
bool assume_state(const char *state, uint32_t far_us, struct pool_yield *ret);

/* ---- simulate_remember.c ---- */

/* What the request says of the pool of a side that is open. */
int side_remember(struct side *side, const struct run *run);
/* What is said of a region; NULL: nothing. */
const struct remembered *side_recall(const struct side *side, uint32_t region);

/* ---- simulate_decide.c ---- */

/* Both sides decide for a client; it is shown, and added to the totals. */
void decide_client(struct run *run, const struct client_row *row);
json_t *share_json(double share);

#endif
