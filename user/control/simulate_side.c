/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration and the pool in it that is meant. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/simulate_room.h"
#include "zone/zones.h"

static uint32_t region_number(const char *policy, const char *region, void *arg)
{
	int number = geo_policy(arg, policy);

	return number < 0 ? 0 : geo_region(arg, (unsigned int)number, region);
}

static const struct config_zone *zone_of(const struct config *config,
                                         const struct config_name *name)
{
	const struct config_zone *best = NULL;

	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *zone = &config->zones[i];

		if (name_under(name->name, name->len, zone->name.name, zone->name.len) &&
		    (!best || zone->name.len > best->name.len))
			best = zone;
	}
	return best;
}

/* The pool that an ANAME (or CNAME) of the owner points to; NULL: there is none. */
static const struct pool_tree *pool_of_node(const struct side *side, const struct zone_node *node)
{
	static const uint16_t types[] = {AN_TYPE_ANAME, AN_TYPE_CNAME};

	for (size_t t = 0; node && t < 2; t++) {
		const struct zone_rrset *set = zone_rrset(node, types[t]);

		for (uint16_t i = 0; set && i < set->count; i++) {
			const struct pool_tree *tree =
			        pools_find(side->pools, set->rdata[i].data, set->rdata[i].len);

			if (tree)
				return tree;
		}
	}
	return NULL;
}

static int pool_of_owner(struct side *side, const struct run *run)
{
	const struct config_name *name = &run->request->name;
	const struct config_zone *settings = zone_of(side->config, name);
	char text[NAME_TEXT_MAX];
	struct zone *zone;
	int err;

	name_to_text(name->name, text);
	if (!settings || !settings->file)
		return error_set(run->error, ENOENT, side->config->path, 0,
		                 "%s is no pool, and in none of the zones that are in files", text);
	err = zone_load_file(settings->name.name, settings->name.len, settings->file,
	                     side->config->aname_type, settings, &zone, run->error);
	if (err)
		return err;
	side->tree = pool_of_node(side, zone_find(zone, name->name, name->len, //
	                                          run->request->type)
	                                        .node);
	zone_free(zone);
	return side->tree ? 0
	                  : error_set(run->error, ENOENT, settings->file, 0,
	                              "%s has no ANAME to a pool", text);
}

/* Without anything assumed: all there, all up. */
static void assume_well(struct side *side, uint16_t type)
{
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;

	for (uint16_t i = 0; i < side->tree->count; i++) {
		const struct pool_node *node = &side->tree->nodes[i];

		if (node->kind == POOL_NODE_ANAME || (node->address && //
		                                      node->address->family == family))
			side->yields[i] = (struct pool_yield){.known = true, .count = 1, .live = 1};
	}
}

int side_open(struct side *side, const char *path, struct run *run)
{
	struct pool_fault fault = {0};
	int err = config_load(path, &side->config, run->error);

	if (!err)
		err = geo_new(side->config, NULL, &side->geo, run->error);
	if (err)
		return err;
	err = pools_new(side->config, region_number, side->geo, &side->pools, &fault);
	if (err)
		return error_set(run->error, -err, path, 0, "%s", fault.text);
	side->tree = pools_find(side->pools, run->request->name.name, run->request->name.len);
	if (!side->tree)
		err = pool_of_owner(side, run);
	if (err)
		return err;
	side->policy = side->tree->policy ? geo_policy(side->geo, side->tree->policy) : -1;
	assume_well(side, run->request->type);
	return side_remember(side, run);
}

void side_close(struct side *side)
{
	free(side->remembered);
	pools_free(side->pools);
	geo_free(side->geo);
	config_free(side->config);
}
