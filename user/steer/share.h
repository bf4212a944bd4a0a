/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share - who gets how much, out of a decision. Pure.
 *
 * For the simulator: what a long row of replies to one client network would
 * hold, and how much of that another decision changes.
 */
#ifndef ANAMED_STEER_SHARE_H
#define ANAMED_STEER_SHARE_H

#include "base/name.h"
#include "steer/pool.h"

/* Of the addresses that come first in replies, how many are this leaf's: over 0 to 1. */
struct share {
	uint16_t leaf;
	double part;
};

/*
 * Shares of the leaves that are given to this network (family 0: one of whom
 * nothing is known; NULL: to all networks together), in the tree's order. A group gets its weight's
 * share, or, by client, all of it or nothing; in it, each address the same. Their sum is 1, or 0
 * where nothing is given. How many there are.
 */
size_t share_out(const struct pool_input *input, const struct pool_decision *decision,
                 const struct network *network, struct share ret[POOL_NODES_MAX]);

/* "192.0.2.1", "www.cdn.example." of a leaf. */
char *share_label(const struct pool_tree *tree, uint16_t leaf, char ret[NAME_TEXT_MAX]);

#endif
