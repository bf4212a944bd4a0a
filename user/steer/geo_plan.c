/* SPDX-License-Identifier: BSD-2-Clause */
/* What is configured, with numbers for everything. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

bool geo_rule_needs_database(const struct config_rule *rule)
{
	return rule->continents_count || rule->countries_count || rule->subdivisions_count ||
	       rule->cities_count || rule->asns_count || rule->path;
}

uint32_t geo_plan_database(const struct config *config, const char *name)
{
	for (uint32_t i = 0; name && i < config->databases_count; i++)
		if (strcmp(config->databases[i].name, name) == 0)
			return i;
	return GEO_NOWHERE;
}

static int full(const struct config *config, unsigned int line, int code, struct error *error)
{
	return error_set(error, -code, config->path, line, "%s",
	                 code == -ENOMEM ? "no memory"
	                                 : "too many policies or regions since the start; restart");
}

static int name_texts(struct geo_plan *plan, unsigned int number, char *const *texts, size_t count)
{
	int code = 0;

	for (size_t i = 0; i < count && code >= 0; i++)
		code = geo_names_region(plan->names, number, texts[i]);
	return code;
}

/* The regions that a policy mentions, in order; those of its table come with the table. */
static int name_regions(struct geo_plan *plan, const struct config_policy *policy,
                        unsigned int number)
{
	int code = 0;

	for (size_t i = 0; i < policy->regions_count && code >= 0; i++)
		code = geo_names_region(plan->names, number, policy->regions[i]);
	for (size_t i = 0; i < policy->rules_count && code >= 0; i++) {
		code = geo_names_region(plan->names, number, policy->rules[i].region);
		if (code >= 0)
			code = name_texts(plan, number, policy->rules[i].then,
			                  policy->rules[i].then_count);
	}
	for (size_t i = 0; i < policy->nearest_count && code >= 0; i++)
		code = geo_names_region(plan->names, number, policy->nearest[i].region);
	if (code >= 0)
		code = geo_names_region(plan->names, number, policy->default_region);
	if (code >= 0)
		code = name_texts(plan, number, policy->default_then, policy->default_then_count);
	return code;
}

/* A region with those that follow it, each of which has its number already. */
static int order_of(struct geo_plan *plan, unsigned int number, const char *first,
                    char *const *then, size_t then_count)
{
	const char *regions[GEO_ORDER_MAX] = {first};

	for (size_t i = 0; i < then_count && i + 1 < GEO_ORDER_MAX; i++)
		regions[i + 1] = then[i];
	return geo_names_order(plan->names, number, regions, then_count + 1);
}

static int plan_rule(struct geo_plan *plan, unsigned int index, const struct config_rule *config,
                     struct geo_rule *ret)
{
	const struct config_policy *policy = &plan->config->policies[index];
	const char *database = config->database ? config->database : policy->database;
	int region = order_of(plan, plan->numbers[index], config->region, config->then,
	                      config->then_count);

	*ret = (struct geo_rule){.config = config,
	                         .policy = index,
	                         .database = GEO_NOWHERE,
	                         .list_bit = GEO_NOWHERE};
	if (region < 0)
		return region;
	ret->region = (uint32_t)region;
	if (geo_rule_needs_database(config)) {
		ret->database = geo_plan_database(plan->config, database);
		ret->record_bit = plan->record_bits[ret->database]++;
	}
	if (config->networks_count)
		ret->list_bit = plan->list_bits++;
	return 0;
}

static int plan_policy(struct geo_plan *plan, unsigned int index, struct error *error)
{
	const struct config_policy *policy = &plan->config->policies[index];
	size_t from = plan->rules_from[index];
	int number = geo_names_policy(plan->names, policy->name);
	int code = number;

	if (code >= 0) {
		plan->numbers[index] = (unsigned int)number;
		code = name_regions(plan, policy, plan->numbers[index]);
	}
	for (size_t i = 0; i < policy->rules_count && code >= 0; i++)
		code = plan_rule(plan, index, &policy->rules[i], &plan->rules[from + i]);
	if (code >= 0)
		code = order_of(plan, plan->numbers[index], policy->default_region,
		                policy->default_then, policy->default_then_count);
	if (code < 0)
		return full(plan->config, policy->line, code, error);
	plan->defaults[index] = (uint32_t)code;
	return 0;
}

int geo_plan_make(const struct config *config, struct geo_names *names, struct geo_plan *ret,
                  struct error *error)
{
	size_t rules = 0;
	int err = 0;

	ret->config = config;
	ret->names = names;
	for (size_t i = 0; i < config->policies_count; i++) {
		ret->rules_from[i] = rules;
		rules += config->policies[i].rules_count;
	}
	ret->rules_from[config->policies_count] = rules;
	ret->rules = calloc(rules + 1, sizeof(*ret->rules));
	if (!ret->rules)
		return full(config, 0, -ENOMEM, error);
	for (unsigned int i = 0; i < config->policies_count && !err; i++)
		err = plan_policy(ret, i, error);
	return err;
}

void geo_plan_done(struct geo_plan *plan)
{
	free(plan->rules);
	plan->rules = NULL;
}
