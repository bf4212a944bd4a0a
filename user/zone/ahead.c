/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/ahead.h"

#include "zone/table.h"

void zone_ahead_begin(struct zone_ahead *ahead, const struct zones *zones, const uint8_t *name,
                      size_t len)
{
	const struct zone *zone = zones_find(zones, name, len, 0);

	ahead->table = zone ? table_of(zone) : NULL;
	ahead->node = NULL;
	if (!zone)
		return;
	ahead->tag = table_tag(ahead->table, name, len);
	__builtin_prefetch(&ahead->table->places[ahead->tag & (ahead->table->size - 1)]);
}

/* The first place with this tag nearly always is the name's. */
static void ask_for_node(struct zone_ahead *ahead)
{
	const struct table *table = ahead->table;
	size_t at = ahead->tag & (table->size - 1);

	while (table->places[at].node && table->places[at].tag != ahead->tag)
		at = (at + 1) & (table->size - 1);
	if (!table->places[at].node)
		return;
	ahead->node = table_node(table, table->places[at].node - 1);
	__builtin_prefetch(ahead->node);
	__builtin_prefetch((const uint8_t *)(ahead->node + 1) - 1);
}

void zone_ahead_walk(struct zone_ahead *ahead, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ahead[i].table)
			ask_for_node(&ahead[i]);
	for (size_t i = 0; i < count; i++) {
		if (!ahead[i].node)
			continue;
		__builtin_prefetch(ahead[i].node->pub.name);
		__builtin_prefetch(ahead[i].node->pub.rrsets);
	}
	for (size_t i = 0; i < count; i++)
		if (ahead[i].node && ahead[i].node->pub.rrset_count)
			__builtin_prefetch(ahead[i].node->pub.rrsets->rdata->data);
}
