/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and regions, as JSON. */
#include <string.h>

#include "answer/where.h"
#include "control/daemon.h"
#include "control/report.h"
#include "steer/geo.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define REGIONS_SHOWN 500

/* ---- pools ---- */

/* The region's name in place of its number. */
static void name_region(const struct daemon *daemon, json_t *pool)
{
	const char *policy = json_string_value(json_object_get(pool, "policy")), *region;
	uint32_t number = (uint32_t)json_integer_value(json_object_get(pool, "region_number"));
	int index = policy && daemon->geo ? geo_policy(daemon->geo, policy) : -1;

	json_object_del(pool, "region_number");
	if (index < 0)
		return;
	region = geo_region_name(daemon->geo, (unsigned int)index, number);
	if (region)
		SET(pool, "region", json_string(region));
}

json_t *report_pools(struct daemon *daemon)
{
	json_t *list = flatten_pools(daemon->flatten), *pool;
	size_t i;

	json_array_foreach(list, i, pool)
	{
		name_region(daemon, pool);
	}
	return list;
}

static const struct pool_tree *pool_at(const struct daemon *daemon, const struct config_name *name)
{
	const struct pool_tree *tree = pools_find(daemon->pools, name->name, name->len);
	const struct zone *zone = zones_find(daemon->zones, name->name, name->len, AN_TYPE_A);
	struct zone_match match;

	if (tree || !zone)
		return tree;
	match = zone_find(zone, name->name, name->len, AN_TYPE_A);
	return match.verdict == ZONE_ANSWER ? where_pool(daemon->world, match.node) : NULL;
}

json_t *report_choices(struct daemon *daemon, const struct config_name *name)
{
	const struct pool_tree *tree = pool_at(daemon, name);
	json_t *list = tree ? flatten_choices(daemon->flatten, tree) : json_array(), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		name_region(daemon, one);
	}
	return list;
}

static void add_member(json_t *list, const json_t *pool, const json_t *node)
{
	json_t *one = json_object(), *region = json_object_get(pool, "region");

	json_object_set(one, "pool", json_object_get(pool, "pool"));
	json_object_set(one, "type", json_object_get(pool, "type"));
	SET(one, "region", region ? json_incref(region) : json_string(""));
	json_object_set(one, "member", json_object_get(node, "member"));
	json_object_set(one, "in", json_object_get(node, "in"));
	json_object_set(one, "live", json_object_get(node, "live"));
	json_object_set(one, "weight", json_object_get(node, "weight"));
	json_array_append_new(list, one);
}

/* A member that stands in a pool twice counts once: it has one name. */
static bool has_member(const json_t *list, size_t from, const json_t *node)
{
	const char *member = json_string_value(json_object_get(node, "member"));

	for (size_t i = from; i < json_array_size(list); i++) {
		const char *other =
		        json_string_value(json_object_get(json_array_get(list, i), "member"));

		if (member && other && strcmp(member, other) == 0)
			return true;
	}
	return false;
}

json_t *report_pool_members(const json_t *pools)
{
	json_t *list = json_array();
	const json_t *pool, *node;
	size_t i, j;

	json_array_foreach(pools, i, pool)
	{
		size_t from = json_array_size(list);

		json_array_foreach(json_object_get(pool, "nodes"), j, node)
		{
			if (json_object_get(node, "live") && !has_member(list, from, node))
				add_member(list, pool, node);
		}
	}
	return list;
}

/* ---- regions ---- */

struct counting {
	const char *policy;
	uint32_t region;
	size_t answers;
};

static void count(const char *policy, uint32_t region, size_t answers, void *arg)
{
	struct counting *counting = arg;

	if (region == counting->region && strcmp(policy, counting->policy) == 0)
		counting->answers += answers;
}

static void set_place(json_t *object, const struct config_policy *policy, const char *region)
{
	for (size_t i = 0; i < policy->nearest_count; i++) {
		if (strcmp(policy->nearest[i].region, region) != 0)
			continue;
		SET(object, "latitude", json_real(policy->nearest[i].latitude));
		SET(object, "longitude", json_real(policy->nearest[i].longitude));
		return;
	}
}

static void add_replies(json_t *list, const char *policy, const char *region, const char *path,
                        uint64_t replies)
{
	json_array_append_new(list,
	                      json_pack("{s:s, s:s, s:s, s:I}", "policy", policy, "region", region,
	                                "path", path, "replies", (json_int_t)replies));
}

static void count_replies(struct daemon *daemon, json_t *list, const char *policy,
                          unsigned int index, uint32_t region, const char *name)
{
	/* The last stands for all behind it. */
	add_replies(list, policy, region < SERVE_REGIONS - 1 ? name : "(others)", "user",
	            serve_region_replies(daemon->serve, index, region));
	if (daemon->maps)
		add_replies(list, policy, region < SERVE_REGIONS - 1 ? name : "(others)", "xdp",
		            kernel_region_hits(daemon->maps, index, region));
}

json_t *report_region_replies(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *list = json_array();

	for (size_t i = 0; daemon->geo && i < config->policies_count; i++) {
		const char *policy = config->policies[i].name, *name;
		int index = geo_policy(daemon->geo, policy);

		for (uint32_t region = 1; index >= 0 && region < SERVE_REGIONS; region++) {
			name = geo_region_name(daemon->geo, (unsigned int)index, region);
			if (!name)
				break;
			count_replies(daemon, list, policy, (unsigned int)index, region, name);
		}
	}
	return list;
}

/* Those behind the last that is counted by itself have no numbers. */
static void set_replies(json_t *object, struct daemon *daemon, unsigned int policy, uint32_t region)
{
	if (region >= SERVE_REGIONS - 1)
		return;
	SET(object, "replies_user",
	    json_integer((json_int_t)serve_region_replies(daemon->serve, policy, region)));
	if (daemon->maps)
		SET(object, "replies_xdp",
		    json_integer((json_int_t)kernel_region_hits(daemon->maps, policy, region)));
}

static json_t *region_json(struct daemon *daemon, const struct config_policy *policy,
                           unsigned int index, uint32_t number, const char *name)
{
	struct counting counting = {.policy = policy->name, .region = number};
	json_t *one = json_object();
	uint32_t order[GEO_ORDER_MAX];

	flatten_cells_each(daemon->flatten, count, &counting);
	SET(one, "policy", json_string(policy->name));
	SET(one, "region", json_string(name));
	SET(one, "answers", json_integer((json_int_t)counting.answers));
	set_replies(one, daemon, index, number);
	if (geo_region_order(daemon->geo, index, number, order))
		name = geo_region_name(daemon->geo, index, order[0]);
	set_place(one, policy, name); /* several are shown where the first of them is */
	return one;
}

json_t *report_regions(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *list = json_array();

	for (size_t i = 0; daemon->geo && i < config->policies_count; i++) {
		const struct config_policy *policy = &config->policies[i];
		int index = geo_policy(daemon->geo, policy->name);

		for (uint32_t number = 1; index >= 0 && number <= UINT16_MAX; number++) {
			const char *name =
			        geo_region_name(daemon->geo, (unsigned int)index, number);

			if (!name || json_array_size(list) == REGIONS_SHOWN)
				break;
			json_array_append_new(list, region_json(daemon, policy, (unsigned int)index,
			                                        number, name));
		}
	}
	return list;
}
