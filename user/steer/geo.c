/* SPDX-License-Identifier: BSD-2-Clause */
#include "steer/geo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/key.h"
#include "steer/geo_room.h"

struct geo {
	unsigned int holders; /* besides the first */
	struct geo_identity identity;
	struct geo_names names;
	struct an_geo_regions *regions; /* of each location */
	struct an_geo_line *lines;
	bool moved; /* these are somebody else's */
	struct geo_size size;
	struct config_warning *warnings;
	size_t warnings_count;
	uint32_t defaults[AN_POLICIES_MAX];
};

/* ---- making ---- */

static int take_regions(struct geo *geo, const struct intern *locations)
{
	uint32_t count = intern_count(locations);

	geo->regions = calloc(count + 1, sizeof(*geo->regions));
	if (!geo->regions)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		for (size_t j = 0; j < AN_POLICIES_MAX; j++)
			geo->regions[i].region[j] = (uint16_t)intern_get(locations, i)[j];
	geo->size.locations = count;
	return 0;
}

/* The table, out of what the sources say. */
static int compile_table(struct geo *geo, struct sources *sources, struct intern *locations,
                         struct error *error)
{
	struct geo_leaves ipv4 = {0}, ipv6 = {0};
	int err = compile(sources, AN_FAMILY_IPV4, locations, &ipv4, error);

	if (!err)
		err = compile(sources, AN_FAMILY_IPV6, locations, &ipv6, error);
	if (!err) {
		err = index_make(&ipv4, &ipv6, &geo->lines, &geo->size.lines);
		if (err)
			error_set(error, -err, NULL, 0, "%s", strerror(-err));
	}
	geo->size.networks_ipv4 = (uint32_t)ipv4.count;
	geo->size.networks_ipv6 = (uint32_t)ipv6.count;
	free(ipv4.leaf);
	free(ipv6.leaf);
	return err;
}

static int compile_all(struct geo *geo, struct sources *sources, struct error *error)
{
	struct intern *locations = intern_new(GEO_LOCATION_WORDS);
	int err = locations ? compile_table(geo, sources, locations, error)
	                    : error_set(error, ENOMEM, NULL, 0, "no memory");

	for (size_t i = 0; i < sources->records_count && !err; i++)
		if (sources->records[i])
			err = records_judge(sources->records[i], error);
	if (!err && take_regions(geo, locations))
		err = error_set(error, ENOMEM, NULL, 0, "no memory");
	intern_free(locations);
	return err;
}

static int take_warnings(struct geo *geo, const struct geo_plan *plan)
{
	size_t count = plan->rules_from[plan->config->policies_count];

	geo->warnings = calloc(count + 1, sizeof(*geo->warnings));
	if (!geo->warnings)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct geo_rule *rule = &plan->rules[i];
		struct config_warning *warning = &geo->warnings[geo->warnings_count];

		if (rule->used)
			continue;
		warning->line = rule->config->line;
		snprintf(warning->text, sizeof(warning->text),
		         "policy %s: the rule for region %s covers nothing",
		         plan->config->policies[rule->policy].name, rule->config->region);
		geo->warnings_count++;
	}
	return 0;
}

static void take_defaults(struct geo *geo, const struct geo_plan *plan)
{
	for (size_t i = 0; i < plan->config->policies_count; i++)
		geo->defaults[plan->numbers[i]] = plan->defaults[i];
}

static int make(struct geo *geo, const struct config *config, bool blind, struct error *error)
{
	struct sources sources = {.blind = blind};
	int err = sources_open(config, &geo->names, &sources, error);

	if (!err)
		err = compile_all(geo, &sources, error);
	if (!err) {
		take_defaults(geo, &sources.plan);
		if (take_warnings(geo, &sources.plan))
			err = error_set(error, ENOMEM, NULL, 0, "no memory");
	}
	sources_close(&sources);
	return err;
}

static int new_one(const struct config *config, const struct geo *old, bool blind, struct geo **ret,
                   struct error *error)
{
	struct geo *geo = calloc(1, sizeof(*geo));
	int err = 0;

	if (geo && !blind) /* before anything is read: what changes meanwhile is read once more */
		geo->identity = geo_identity_of(config);
	if (!geo || (old && geo_names_copy(&geo->names, &old->names)))
		err = error_set(error, ENOMEM, NULL, 0, "no memory");
	if (!err && config->policies_count)
		err = make(geo, config, blind, error);
	if (err)
		geo_free(geo);
	else
		*ret = geo;
	return err;
}

int geo_new(const struct config *config, const struct geo *old, struct geo **ret,
            struct error *error)
{
	return new_one(config, old, false, ret, error);
}

int geo_new_blind(const struct config *config, const struct geo *old, struct geo **ret,
                  struct error *error)
{
	return new_one(config, old, true, ret, error);
}

int geo_remember(const struct geo *geo, const char *path)
{
	return geo_names_write(&geo->names, path);
}

int geo_recall(const char *path, struct geo **ret)
{
	struct geo *geo = calloc(1, sizeof(*geo));
	int err = geo ? geo_names_read(&geo->names, path) : -ENOMEM;

	if (err)
		geo_free(geo);
	else
		*ret = geo;
	return err;
}

uint64_t geo_numbering(const struct geo *geo)
{
	return geo_names_hash(&geo->names);
}

struct geo *geo_hold(struct geo *geo)
{
	__atomic_add_fetch(&geo->holders, 1, __ATOMIC_RELAXED);
	return geo;
}

bool geo_same_settings(const struct geo *geo, const struct config *config)
{
	return geo->identity.settings && geo->identity.settings == geo_identity_of(config).settings;
}

bool geo_same_files(const struct geo *geo, const struct config *config)
{
	return geo->identity.files && geo->identity.files == geo_identity_of(config).files;
}

void geo_free(struct geo *geo)
{
	if (!geo || __atomic_fetch_sub(&geo->holders, 1, __ATOMIC_ACQ_REL))
		return;
	geo_names_done(&geo->names);
	free(geo->regions);
	if (!geo->moved)
		free(geo->lines);
	free(geo->warnings);
	free(geo);
}

/* ---- what it holds ---- */

struct geo_size geo_size(const struct geo *geo)
{
	return geo->size;
}

const struct an_geo_regions *geo_regions(const struct geo *geo, uint32_t location)
{
	return &geo->regions[location];
}

void geo_move(struct geo *geo, struct an_geo_line *lines)
{
	memcpy(lines, geo->lines, (size_t)geo->size.lines * sizeof(*lines));
	if (!geo->moved)
		free(geo->lines);
	geo->lines = lines;
	geo->moved = true;
}

const struct config_warning *geo_warnings(const struct geo *geo, size_t *ret_count)
{
	*ret_count = geo->warnings_count;
	return geo->warnings;
}

int geo_policy(const struct geo *geo, const char *name)
{
	for (size_t i = 0; i < geo->names.count; i++)
		if (geo->defaults[i] && strcmp(geo->names.policies[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

uint32_t geo_region(const struct geo *geo, unsigned int policy, const char *name)
{
	const struct geo_policy_names *names = &geo->names.policies[policy];

	for (size_t i = 0; policy < geo->names.count && i < names->regions_count; i++)
		if (strcmp(names->regions[i], name) == 0)
			return (uint32_t)i + 1;
	return 0;
}

const char *geo_region_name(const struct geo *geo, unsigned int policy, uint32_t region)
{
	const struct geo_policy_names *names = &geo->names.policies[policy];

	if (policy >= geo->names.count || !region || region > names->regions_count)
		return NULL;
	return names->regions[region - 1];
}

size_t geo_region_order(const struct geo *geo, unsigned int policy, uint32_t region,
                        uint32_t ret[GEO_ORDER_MAX])
{
	const char *name = geo_region_name(geo, policy, region), *next;
	char part[64];
	size_t count = 0;

	if (!name || !strstr(name, GEO_THEN))
		return 0;
	for (; name && count < GEO_ORDER_MAX; name = next ? next + strlen(GEO_THEN) : NULL) {
		next = strstr(name, GEO_THEN);
		snprintf(part, sizeof(part), "%.*s", next ? (int)(next - name) : 63, name);
		ret[count] = geo_region(geo, policy, part);
		count += ret[count] != 0;
	}
	return count;
}

/* ---- looking up ---- */

static uint32_t entry_of(const struct geo *geo, const struct network *network)
{
	uint64_t bits = __builtin_bswap64(an_load8(network->address));
	uint32_t line = an_geo_root(network->family == AN_FAMILY_IPV6, bits);
	uint32_t entry = geo->lines[line].entry[an_geo_place(bits, AN_GEO_SHIFT + 4)];

	for (unsigned int shift = AN_GEO_SHIFT; an_geo_is_node(entry); shift -= 4)
		entry = geo->lines[entry >> 8].entry[an_geo_place(bits, shift)];
	return entry;
}

struct geo_found geo_find(const struct geo *geo, unsigned int policy, const struct network *network)
{
	struct geo_found found = {0};
	uint32_t entry;

	if (policy >= AN_POLICIES_MAX || !geo->defaults[policy])
		return found;
	found.region = geo->defaults[policy];
	if (!network->family)
		return found;
	entry = entry_of(geo, network);
	found.location = entry >> 8;
	found.len = (uint8_t)entry;
	found.region = geo->regions[found.location].region[policy];
	return found;
}
