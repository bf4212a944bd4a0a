/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/walk.h"

#include "zone/table.h"

struct zone_walk zone_walk(const struct zone *zone)
{
	return (struct zone_walk){.chunk = table_of(zone)->nodes.first};
}

const struct zone_node *zone_walk_next(struct zone_walk *walk)
{
	struct table_walk at = {.chunk = walk->chunk, .at = walk->at};
	const struct node *node = table_next(&at);

	walk->chunk = at.chunk;
	walk->at = at.at;
	return node ? &node->pub : NULL;
}
