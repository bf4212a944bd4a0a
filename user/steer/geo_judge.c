/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the sources say of a network to its region in each policy. Pure. */
#include <string.h>

#include "steer/geo_room.h"

static bool rule_matches(const struct sources *sources, const struct geo_rule *rule,
                         const uint32_t *tuple)
{
	if (rule->list_bit != GEO_NOWHERE &&
	    !geo_bit(intern_get(sources->lists_classes, tuple[sources_lists(sources)]),
	             rule->list_bit))
		return false;
	if (rule->database == GEO_NOWHERE)
		return true;
	return !sources->blind && records_rule(sources->records[rule->database],
	                                       tuple[rule->database], rule->record_bit);
}

const struct geo_rule *judge_rule(const struct sources *sources, unsigned int policy,
                                  const uint32_t *tuple)
{
	const struct geo_plan *plan = &sources->plan;

	for (size_t i = plan->rules_from[policy]; i < plan->rules_from[policy + 1]; i++)
		if (rule_matches(sources, &plan->rules[i], tuple))
			return &plan->rules[i];
	return NULL;
}

uint32_t judge_table(const struct sources *sources, unsigned int policy, const uint32_t *tuple)
{
	const struct config_policy *config = &sources->plan.config->policies[policy];
	uint32_t database = geo_plan_database(sources->plan.config, config->database);

	if (config->table)
		return tuple[sources_table(sources, policy)];
	if (config->table_path && !sources->blind)
		return records_quickest(sources->records[database], tuple[database], policy);
	return 0;
}

uint32_t judge_nearest(const struct sources *sources, unsigned int policy, const uint32_t *tuple)
{
	const struct config_policy *config = &sources->plan.config->policies[policy];
	uint32_t database = geo_plan_database(sources->plan.config, config->database);

	if (!config->nearest_count || sources->blind)
		return 0;
	return records_nearest(sources->records[database], tuple[database], policy);
}

static uint32_t judge_policy(struct sources *sources, unsigned int policy, const uint32_t *tuple)
{
	const struct geo_plan *plan = &sources->plan;
	const struct geo_rule *rule = judge_rule(sources, policy, tuple);
	uint32_t region = 0;

	if (rule) {
		plan->rules[rule - plan->rules].used = true;
		return rule->region;
	}
	region = judge_table(sources, policy, tuple);
	if (!region)
		region = judge_nearest(sources, policy, tuple);
	return region ? region : plan->defaults[policy];
}

void judge(struct sources *sources, const uint32_t *tuple, uint32_t ret[AN_POLICIES_MAX])
{
	memset(ret, 0, AN_POLICIES_MAX * sizeof(*ret));
	for (unsigned int i = 0; i < sources->plan.config->policies_count; i++)
		ret[sources->plan.numbers[i]] = judge_policy(sources, i, tuple);
}
