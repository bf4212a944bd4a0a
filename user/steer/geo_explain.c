/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a network is in a region: the sources are opened once more, for one walk down. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "steer/geo_room.h"

/* From the root of a source along the bits of an address, to its class. */
static int class_at(struct sources *sources, size_t source, const struct network *network,
                    uint32_t *ret)
{
	struct source_at at, below[2];
	int err = sources_root(sources, source, network->family, &at);

	for (unsigned int bit = 0; !err && at.more && bit < net_family_bits(network->family);
	     bit++) {
		err = sources_children(sources, source, &at, below);
		at = below[network->address[bit / 8] >> (7 - bit % 8) & 1];
	}
	*ret = at.class;
	return err;
}

static void set_database(const struct config *config, const char *name, struct geo_reason *ret)
{
	uint32_t index = geo_plan_database(config, name);

	if (index != GEO_NOWHERE)
		ret->database = config->databases[index].name;
}

/* In the order in which they count. */
static void judge_why(struct sources *sources, unsigned int policy, const uint32_t *tuple,
                      struct geo_reason *ret)
{
	const struct config *config = sources->plan.config;
	const struct config_policy *settings = &config->policies[policy];
	const struct geo_rule *rule = judge_rule(sources, policy, tuple);

	if (rule) {
		ret->how = GEO_BY_RULE;
		ret->line = rule->config->line;
		ret->region = rule->config->region;
		if (rule->database != GEO_NOWHERE)
			ret->database = config->databases[rule->database].name;
	} else if (judge_table(sources, policy, tuple)) {
		ret->how = GEO_BY_TABLE;
		ret->file = settings->table;
		if (!settings->table)
			set_database(config, settings->database, ret);
	} else if (judge_nearest(sources, policy, tuple)) {
		ret->how = GEO_BY_DISTANCE;
		set_database(config, settings->database, ret);
	} else {
		ret->how = GEO_BY_DEFAULT;
		ret->region = settings->default_region;
	}
}

static int policy_index(const struct config *config, const char *policy)
{
	for (size_t i = 0; i < config->policies_count; i++) {
		if (strcmp(config->policies[i].name, policy) == 0)
			return (int)i;
	}
	return -ENOENT;
}

int geo_explain(const struct config *config, const char *policy, const struct network *network,
                struct geo_reason *ret, struct error *error)
{
	uint32_t tuple[64 + 2 + AN_POLICIES_MAX] = {0};
	struct geo_names names = {0};
	struct sources sources = {0};
	struct network cut = *network;
	int index = policy_index(config, policy), err;

	*ret = (struct geo_reason){.how = GEO_BY_DEFAULT};
	if (index < 0)
		return error_set(error, ENOENT, config->path, 0, "there is no policy %s", policy);
	if (!network->family) {
		ret->region = config->policies[index].default_region;
		return 0;
	}
	cut = network_of(network->family, network->address,
	                 network->family == AN_FAMILY_IPV6 ? AN_GEO_IPV6_LEN : AN_GEO_IPV4_LEN);
	err = sources_open(config, &names, &sources, error);
	for (size_t i = 0; !err && i < sources.count; i++) {
		err = class_at(&sources, i, &cut, &tuple[i]);
		if (err)
			error_set(error, -err, config->path, 0, "a database cannot be read");
	}
	if (!err)
		judge_why(&sources, (unsigned int)index, tuple, ret);
	sources_close(&sources);
	geo_names_done(&names);
	return err;
}
