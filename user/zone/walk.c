/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/walk.h"

#include "zone/table.h"

struct zone_walk zone_walk(const struct zone *zone)
{
	return (struct zone_walk){.zone = zone};
}

const struct zone_node *zone_walk_next(struct zone_walk *walk)
{
	const struct table *table = table_of(walk->zone);

	return walk->next < table->count ? &table_node(table, walk->next++)->pub : NULL;
}
