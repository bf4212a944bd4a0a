/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which names of a zone the kernel knows. All of them: then it may deny the
 * rest, unless something above a name covers it. Else the apex alone, marked so
 * that nothing below it is denied, be it by the zone around it.
 *
 * Around a change of a zone's data: the names of the new data go in, the zone
 * takes its new generation, the names of the old data go. So at no moment a
 * name is missing that exists.
 */
#include "control/denial.h"

#include "base/name.h"

/* One of publish_name_add() and its kin. */
typedef void name_action(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags);

struct naming {
	const struct zone *zone;
	struct publish *publish;
	name_action *action;
};

static uint32_t flags_of(const struct zone *zone, const struct zone_node *node)
{
	return (node == zone->apex_node ? AN_NAME_APEX : 0) |
	       (node->flags & ZONE_NODE_CUT ? AN_NAME_CUT : 0) |
	       (node->flags & ZONE_NODE_DNAME ? AN_NAME_DNAME : 0) |
	       (node->flags & ZONE_NODE_WILDCARD_CHILD ? AN_NAME_WILDCARD : 0);
}

/*
 * The SOA's own names, and what lies between them and the apex, count as cuts,
 * whether they exist or not: below them a reply's SOA would be compressed
 * against the question.
 */
static bool is_above_soa_name(const struct naming *naming, const uint8_t *name, size_t len)
{
	const uint8_t *soa = naming->zone->soa->rdata[0].data;
	size_t first = name_len(soa);

	if (len <= naming->zone->apex_len)
		return false;
	return name_under(soa, first, name, len) ||
	       name_under(soa + first, name_len(soa + first), name, len);
}

static int act_on_node(const struct zone_node *node, void *arg)
{
	const struct naming *naming = arg;
	uint32_t flags = flags_of(naming->zone, node);

	if (node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_HASHED))
		return 0;
	if (is_above_soa_name(naming, node->name, node->name_len))
		flags |= AN_NAME_CUT;
	naming->action(naming->publish, node->name, node->name_len, flags);
	return 0;
}

/* A name of the SOA, and those above it, as far as they are no nodes. */
static void act_on_soa_name(const struct naming *naming, const uint8_t *name)
{
	const struct zone *zone = naming->zone;
	size_t len = name_len(name);

	if (!name_under(name, len, zone->apex, zone->apex_len))
		return;
	for (; len > zone->apex_len; len -= 1u + *name, name += 1u + *name)
		if (!zone_node_exact(zone, name, len))
			naming->action(naming->publish, name, len, AN_NAME_CUT);
}

static void act(const struct zone *zone, struct publish *publish, name_action *action)
{
	struct naming naming = {.zone = zone, .publish = publish, .action = action};
	const uint8_t *soa;

	if (zone->names == ZONE_NAMES_APEX)
		action(publish, zone->apex, zone->apex_len, AN_NAME_CUT);
	if (zone->names != ZONE_NAMES_ALL)
		return;
	soa = zone->soa->rdata[0].data;
	zone_each(zone, act_on_node, &naming);
	act_on_soa_name(&naming, soa);
	act_on_soa_name(&naming, soa + name_len(soa));
}

static bool may_know_all(const struct zone *zone, const struct zone *before,
                         const struct publish *publish)
{
	size_t gives = before && before->names == ZONE_NAMES_ALL ? before->node_count : 0;

	/* The root has no name in the question that its SOA could point to. */
	return zone->soa && zone->apex_len > 1 &&
	       publish_names_room(publish, zone->node_count, gives);
}

void denial_begin(struct zone *zone, const struct zone *before, struct publish *publish)
{
	if (zone->names != ZONE_NAMES_NONE)
		return;
	zone->names = may_know_all(zone, before, publish) ? ZONE_NAMES_ALL : ZONE_NAMES_APEX;
	act(zone, publish, publish_name_add);
}

void denial_end(struct zone *zone, struct zone *before, struct publish *publish)
{
	if (!before || before == zone)
		return;
	if (before->table == zone->table) { /* another epoch of it: see zone_again() */
		before->names = ZONE_NAMES_NONE;
		return;
	}
	act(before, publish, publish_name_drop);
	before->names = ZONE_NAMES_NONE;
	act(zone, publish, publish_name_set);
}

void denial_gone(struct zone *before, const struct zones *zones, struct publish *publish)
{
	const uint8_t *above = before->apex + 1 + before->apex[0];
	const struct zone *around =
	        before->apex[0] ? zones_find(zones, above, name_len(above), 0) : NULL;

	act(before, publish, publish_name_drop);
	before->names = ZONE_NAMES_NONE;
	/* Names that both had are now the other's alone. */
	if (around)
		act(around, publish, publish_name_set);
}
