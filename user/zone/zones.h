/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zones - the set of zones that are served: an immutable table.
 *
 * A zone may stand in several sets (old and new around a reload) and is
 * counted; a set owns one count of each of its zones.
 */
#ifndef ANAMED_ZONE_ZONES_H
#define ANAMED_ZONE_ZONES_H

#include "zone/zone.h"

struct zones;

/* Takes over the zones in the array (also on failure: they are freed). NULL if out of memory. */
struct zones *zones_new(struct zone **zone, size_t count);

/* One more count of a zone, for use in a second set. */
struct zone *zone_hold(struct zone *zone);

/* The zone with the longest apex that `name` is at or under; for a DS query at an apex, the
 * parent's if we have it. NULL: not ours. */
const struct zone *zones_find(const struct zones *zones, const uint8_t *name, size_t len,
                              uint16_t type);

/* The zone with exactly this apex, or NULL. */
struct zone *zones_exact(const struct zones *zones, const uint8_t *apex, size_t len);

size_t zones_count(const struct zones *zones);
size_t zones_with_data(const struct zones *zones); /* of these, not made by zone_without_data() */
struct zone *zones_at(const struct zones *zones, size_t index);

/*
 * Looks for loops among ANAMEs and CNAMEs of all zones together (chains over
 * 16 count as loops), through the pools of a configuration (NULL: none) as
 * well. Calls found for each owner in one, and for each that a pool's member
 * leads to and that has a pool itself, with the text to log.
 */
typedef void (*loop_found)(const struct zone_node *owner, const char *text, void *arg);
void zones_check_loops(const struct zones *zones, const struct config *config, loop_found found,
                       void *arg);

void zones_free(struct zones *zones);

#endif
