/* SPDX-License-Identifier: BSD-2-Clause */
/* denial - which names of our zones the kernel knows, so that it may deny others. */
#ifndef ANAMED_CONTROL_DENIAL_H
#define ANAMED_CONTROL_DENIAL_H

#include "kernel/publish.h"
#include "zone/zones.h"

/* Before the zone's generation is raised: its names go in, where there is room for all of them.
 * Says in zone->names what the kernel then knows. */
void denial_begin(struct zone *zone, const struct zone *before, struct publish *publish);

/* Afterwards: what only its data of `before` (may be NULL) had goes. */
void denial_end(struct zone *zone, struct zone *before, struct publish *publish);

/* The zone is gone, its generation too. `zones`: those that are left. */
void denial_gone(struct zone *before, const struct zones *zones, struct publish *publish);

#endif
