/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * where - which region a client is in, for one owner.
 *
 * An owner whose ANAMEs lead to a pool with a policy has answers by region.
 * Everything here reads the world: within one RCU read section, or on the
 * loop's thread.
 */
#ifndef ANAMED_ANSWER_WHERE_H
#define ANAMED_ANSWER_WHERE_H

#include "answer/respond.h"
#include "steer/pool.h"

struct where {
	uint32_t policy; /* its number + 1; 0: the answers are the same in every region */
	uint32_t region; /* 0: none */
	uint8_t len;     /* of the network that this holds for */
};

/* The pool that a node's ANAMEs (or flattened CNAME) lead to, NULL: none. */
const struct pool_tree *where_pool(const struct world *world, const struct zone_node *node);

/* The number of the policy + 1 that decides for a node; 0: none. */
uint32_t where_policy(const struct world *world, const struct zone_node *node);

/* The regions that one stands for, by the policy of a pool. */
struct pool_place where_place(const struct world *world, const struct pool_tree *tree,
                              uint32_t region);

/* Where a client at `place` is (struct client); family 0: in the default region. */
struct where where_find(const struct world *world, const struct zone_node *node,
                        const struct network *place);

#endif
