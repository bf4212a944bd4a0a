/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/where.h"

#include <urcu.h>

#include "steer/geo.h"
#include "steer/pool.h"

#define DEPTH_MAX 16 /* owners that lead to one another */

static const struct pool_tree *pool_below(const struct world *world, const struct zone_node *node,
                                          unsigned int depth);

/* A pool by its name, or what an owner of our own at this name leads to. */
static const struct pool_tree *pool_at(const struct world *world, const struct zone_rdata *target,
                                       unsigned int depth)
{
	const struct pool_tree *tree = pools_find(world->pools, target->data, target->len);
	const struct zone *zone;
	struct zone_match match;

	if (tree || depth == DEPTH_MAX)
		return tree;
	zone = zones_find(world->zones, target->data, target->len, AN_TYPE_A);
	if (!zone)
		return NULL;
	match = zone_find(zone, target->data, target->len, AN_TYPE_A);
	return match.verdict == ZONE_ANSWER ? pool_below(world, match.node, depth + 1) : NULL;
}

static const struct pool_tree *pool_below(const struct world *world, const struct zone_node *node,
                                          unsigned int depth)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);
	const struct pool_tree *tree = NULL;

	if (!set)
		set = zone_rrset(node, AN_TYPE_CNAME);
	for (uint16_t i = 0; set && i < set->count && !tree; i++)
		tree = pool_at(world, &set->rdata[i], depth);
	return tree;
}

const struct pool_tree *where_pool(const struct world *world, const struct zone_node *node)
{
	return world->pools && node ? pool_below(world, node, 0) : NULL;
}

uint32_t where_policy(const struct world *world, const struct zone_node *node)
{
	const struct pool_tree *tree = where_pool(world, node);
	const struct geo *geo = rcu_dereference(world->geo);
	int number;

	if (!tree || !tree->policy || !geo)
		return 0;
	number = geo_policy(geo, tree->policy);
	return number < 0 ? 0 : (uint32_t)number + 1;
}

struct pool_place where_place(const struct world *world, const struct pool_tree *tree,
                              uint32_t region)
{
	const struct geo *geo = rcu_dereference(world->geo);
	struct pool_place place = {.region = region};
	int number = region && tree->policy && geo ? geo_policy(geo, tree->policy) : -1;

	if (number >= 0)
		place.order_count =
		        geo_region_order(geo, (unsigned int)number, region, place.order);
	return place;
}

struct where where_find(const struct world *world, const struct zone_node *node,
                        const struct network *place)
{
	struct where where = {.policy = where_policy(world, node)};
	struct geo_found found;

	if (!where.policy)
		return where;
	found = geo_find(rcu_dereference(world->geo), where.policy - 1, place);
	where.region = found.region;
	where.len = found.len;
	return where;
}
