/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expand - keeps the addresses of a zone's flattened owners, for nobody's network.
 *
 * For each zone with a secondary that gets addresses in the place of ANAMEs:
 * resolves every owner through the flatten loop, again as TTLs pass, and tells
 * when the table has changed, at most once a second. What cannot be resolved
 * keeps its last good addresses. Runs on the libuv loop.
 */
#ifndef ANAMED_TRANSFER_EXPAND_H
#define ANAMED_TRANSFER_EXPAND_H

#include "answer/flatten.h"
#include "transfer/expand_table.h"

struct expand;

/* `changed` is called on the loop: expand_table() then gives what there is to publish. */
struct expand *expand_new(uv_loop_t *loop, struct flatten *flatten, void (*changed)(void *arg),
                          void *arg);

/*
 * Another snapshot of the zone. `changed` comes once every owner that has no
 * addresses yet has been asked for, or resolution_ms is over. 0 or -ENOMEM.
 */
int expand_zone(struct expand *expand, const struct world *world, struct zone *zone);

/* A copy of the table as it is, and the zone it belongs to (both one count for the caller). NULL
 * if out of memory. */
struct expand_table *expand_table(struct expand *expand, struct zone **ret_zone);

/* Not before every wait has come back is it gone from memory. */
void expand_free(struct expand *expand);

#endif
