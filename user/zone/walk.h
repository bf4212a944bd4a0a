/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk - the nodes of a zone one after the other, with stops in between.
 *
 * What zone_each() does in one go, for those who write a zone out in parts.
 * The walk holds nothing: the zone must be held by whoever walks.
 */
#ifndef ANAMED_ZONE_WALK_H
#define ANAMED_ZONE_WALK_H

#include "zone/zone.h"

struct zone_walk {
	const struct zone *zone;
	size_t next; /* number of a node */
};

struct zone_walk zone_walk(const struct zone *zone);

/* The next node, parents before children, the apex first; NULL at the end. */
const struct zone_node *zone_walk_next(struct zone_walk *walk);

#endif
