/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ahead - what look-ups will wait for is asked for before, a batch at once.
 *
 * A name of a large zone lies in four or five places that the processor's
 * caches do not hold, each known only when the one before is there. A batch
 * walks one step for all its names, then the next, so that they wait together.
 * Hints only: nothing is decided here, and nothing is lost without them.
 */
#ifndef ANAMED_ZONE_AHEAD_H
#define ANAMED_ZONE_AHEAD_H

#include "zone/zones.h"

struct table;
struct node;

/* One name on its way; valid as long as the zones are. */
struct zone_ahead {
	const struct table *table; /* NULL: there is nothing (more) to ask for */
	const struct node *node;
	uint32_t tag;
};

/* `name`: a whole one, in any case; it is not kept. A name that is not ours asks for nothing. */
void zone_ahead_begin(struct zone_ahead *ahead, const struct zones *zones, const uint8_t *name,
                      size_t len);

/* The further steps of `count` names. */
void zone_ahead_walk(struct zone_ahead *ahead, size_t count);

#endif
