/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/check_geo.h"

#include <errno.h>
#include <string.h>

#include "anamed/geo.h"
#include "steer/geo.h"

struct check {
	const struct config *config;
	const struct places *places;
	struct error *error;
	size_t policy, rule; /* those that are looked at */
};

#define FAULT(check, line, ...)                                                                    \
	error_set((check)->error, EINVAL, (check)->config->path, line, __VA_ARGS__)

/* ISO 3166-1 alpha-2, and XK, which databases use for Kosovo. */
static const char countries[] =
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS XK YE YT ZA ZM ZW";
static const char continents[] = "AF AN AS EU NA OC SA";

static bool is_code(const char *list, const char *text, size_t len)
{
	for (const char *p = list; len == 2; p += 3) {
		if (p[0] == text[0] && p[1] == text[1])
			return true;
		if (!p[2])
			break;
	}
	return false;
}

/* ---- databases ---- */

static const struct config_database *find_database(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->databases_count; i++)
		if (strcmp(config->databases[i].name, name) == 0)
			return &config->databases[i];
	return NULL;
}

static int check_databases(const struct check *check)
{
	const struct config *config = check->config;

	for (size_t i = 0; i < config->databases_count; i++)
		if (find_database(config, config->databases[i].name) != &config->databases[i])
			return FAULT(check, config->databases[i].line,
			             "database %s is listed twice", config->databases[i].name);
	return 0;
}

/* ---- rules ---- */

static unsigned int line_in_rule(const struct check *check, const char *key, size_t index)
{
	return places_line(check->places, "policies/%zu/rules/%zu/%s/%zu", check->policy,
	                   check->rule, key, index);
}

static int check_codes(const struct check *check, const char *key, const char *list,
                       char *const *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_code(list, codes[i], strlen(codes[i])))
			return FAULT(check, line_in_rule(check, key, i),
			             "%s: `%s' is not a code; written in capitals, such as %.2s",
			             key, codes[i], list);
	return 0;
}

static int check_subdivisions(const struct check *check, const struct config_rule *rule)
{
	for (size_t i = 0; i < rule->subdivisions_count; i++) {
		const char *text = rule->subdivisions[i];

		if (!is_code(countries, text, strcspn(text, "-")) || !text[2] || !text[3])
			return FAULT(check, line_in_rule(check, "subdivision", i),
			             "subdivision: a country and a part of it, such as US-NY, not "
			             "`%s'",
			             text);
	}
	return 0;
}

/* Networks and nothing else: it can be told without a database what is left for later rules. */
static bool rule_is_networks(const struct config_rule *rule)
{
	return rule->networks_count && !geo_rule_needs_database(rule);
}

static bool taken_before(const struct config_policy *policy, size_t rule,
                         const struct network *network)
{
	for (size_t i = 0; i < rule; i++) {
		const struct config_rule *other = &policy->rules[i];

		for (size_t j = 0; rule_is_networks(other) && j < other->networks_count; j++)
			if (network_contains(&other->networks[j], network))
				return true;
	}
	return false;
}

static bool network_is_too_long(const struct network *network)
{
	return network->len >
	       (network->family == AN_FAMILY_IPV4 ? AN_GEO_IPV4_LEN : AN_GEO_IPV6_LEN);
}

static int check_networks(const struct check *check, const struct config_policy *policy,
                          const struct config_rule *rule)
{
	char text[NET_TEXT_MAX];
	size_t left = 0;

	for (size_t i = 0; i < rule->networks_count; i++) {
		if (network_is_too_long(&rule->networks[i]))
			return FAULT(check, line_in_rule(check, "networks", i),
			             "networks: %s is longer than /%d (IPv6: /%d), below which no "
			             "network is told apart",
			             network_text(&rule->networks[i], text), AN_GEO_IPV4_LEN,
			             AN_GEO_IPV6_LEN);
		left += !taken_before(policy, check->rule, &rule->networks[i]);
	}
	if (rule->networks_count && !left)
		return FAULT(check, rule->line,
		             "this rule covers nothing: all its networks are in rules before it");
	return 0;
}

static int check_rule_database(const struct check *check, const struct config_policy *policy,
                               const struct config_rule *rule)
{
	if (rule->database && !find_database(check->config, rule->database))
		return FAULT(check,
		             places_line(check->places, "policies/%zu/rules/%zu/database",
		                         check->policy, check->rule),
		             "database: there is no `%s'", rule->database);
	if (geo_rule_needs_database(rule) && !rule->database && !policy->database)
		return FAULT(check, rule->line,
		             "`database' is missing, in this rule or in its policy");
	return 0;
}

static int check_rule(const struct check *check, const struct config_policy *policy,
                      const struct config_rule *rule)
{
	int err;

	if (!rule->path != !rule->values_count)
		return FAULT(check, rule->line, "`path' and `values' stand together");
	if (!geo_rule_needs_database(rule) && !rule->networks_count)
		return FAULT(check, rule->line, "this rule is empty: it says nothing to match");
	err = check_rule_database(check, policy, rule);
	if (!err)
		err = check_codes(check, "continent", continents, rule->continents,
		                  rule->continents_count);
	if (!err)
		err = check_codes(check, "country", countries, rule->countries,
		                  rule->countries_count);
	if (!err)
		err = check_subdivisions(check, rule);
	return err ? err : check_networks(check, policy, rule);
}

/* ---- orders of regions ---- */

/* The names of orders are made of regions' names. */
static int check_name(const struct check *check, unsigned int line, const char *region)
{
	if (region && strchr(region, '>'))
		return FAULT(check, line, "`%s': a region's name has no `>' in it", region);
	return 0;
}

/* `first`, and those that follow it. */
static int check_order(const struct check *check, unsigned int line, const char *first,
                       char *const *then, size_t count)
{
	int err = check_name(check, line, first);

	for (size_t i = 0; i < count && !err; i++) {
		err = check_name(check, line, then[i]);
		if (!err && strlen(then[i]) > 63)
			return FAULT(check, line, "then: `%s' is too long for a region's name",
			             then[i]);
		for (size_t j = 0; !err && j <= i; j++)
			if (strcmp(then[i], j ? then[j - 1] : first) == 0)
				return FAULT(check, line, "then: region %s is there already",
				             then[i]);
	}
	return err;
}

static int check_orders(const struct check *check, const struct config_policy *policy)
{
	int err = check_order(check, policy->line, policy->default_region, policy->default_then,
	                      policy->default_then_count);

	for (size_t i = 0; i < policy->regions_count && !err; i++)
		err = check_name(check, policy->line, policy->regions[i]);
	for (size_t i = 0; i < policy->nearest_count && !err; i++)
		err = check_name(check, policy->nearest[i].line, policy->nearest[i].region);
	for (size_t i = 0; i < policy->rules_count && !err; i++)
		err = check_order(check, policy->rules[i].line, policy->rules[i].region,
		                  policy->rules[i].then, policy->rules[i].then_count);
	return err;
}

/* ---- policies ---- */

static int check_policy_itself(const struct check *check, const struct config_policy *policy)
{
	size_t at = check->policy;

	for (size_t i = 0; i < at; i++)
		if (strcmp(check->config->policies[i].name, policy->name) == 0)
			return FAULT(check, policy->line, "policy %s is listed twice",
			             policy->name);
	if (policy->database && !find_database(check->config, policy->database))
		return FAULT(check, places_line(check->places, "policies/%zu/database", at),
		             "database: there is no `%s'", policy->database);
	if (policy->nearest_limit > 1 && !policy->nearest_count)
		return FAULT(check, places_line(check->places, "policies/%zu/nearest-limit", at),
		             "nearest-limit: the policy has no `nearest'");
	if (policy->nearest_count && !policy->database)
		return FAULT(check, places_line(check->places, "policies/%zu/nearest", at),
		             "nearest: the policy needs a database");
	if (policy->table_path && (!policy->database || policy->table))
		return FAULT(check, places_line(check->places, "policies/%zu/table-path", at),
		             "table-path: the policy needs a database, and no other table");
	if (!policy->default_region)
		return FAULT(check, policy->line, "`default' is missing");
	return 0;
}

int check_geo(const struct config *config, const struct places *places, struct error *error)
{
	struct check check = {.config = config, .places = places, .error = error};
	int err = check_databases(&check);

	for (check.policy = 0; check.policy < config->policies_count && !err; check.policy++) {
		const struct config_policy *policy = &config->policies[check.policy];

		err = check_policy_itself(&check, policy);
		if (!err)
			err = check_orders(&check, policy);
		for (check.rule = 0; check.rule < policy->rules_count && !err; check.rule++)
			err = check_rule(&check, policy, &policy->rules[check.rule]);
	}
	return err;
}
