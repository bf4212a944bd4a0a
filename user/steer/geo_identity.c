/* SPDX-License-Identifier: BSD-2-Clause */
/* What a table is made of, as two hashes: what is configured, and which files stand there. */
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "steer/geo_room.h"

static void put(XXH3_state_t *state, const void *data, size_t len)
{
	if (len)
		XXH3_64bits_update(state, data, len);
}

static void put_text(XXH3_state_t *state, const char *text)
{
	put(state, text ? text : "", text ? strlen(text) + 1 : 0);
	put(state, text ? "+" : "-", 1);
}

static void put_texts(XXH3_state_t *state, char *const *texts, size_t count)
{
	put(state, &count, sizeof(count));
	for (size_t i = 0; i < count; i++)
		put_text(state, texts[i]);
}

static void put_networks(XXH3_state_t *state, const struct network *networks, size_t count)
{
	put(state, &count, sizeof(count));
	for (size_t i = 0; i < count; i++) {
		put(state, &networks[i].family, 1);
		put(state, &networks[i].len, 1);
		put(state, networks[i].address, sizeof(networks[i].address));
	}
}

static void put_rule(XXH3_state_t *state, const struct config_rule *rule)
{
	put_text(state, rule->region);
	put_text(state, rule->database);
	put_texts(state, rule->continents, rule->continents_count);
	put_texts(state, rule->countries, rule->countries_count);
	put_texts(state, rule->subdivisions, rule->subdivisions_count);
	put_texts(state, rule->cities, rule->cities_count);
	put(state, &rule->asns_count, sizeof(rule->asns_count));
	put(state, rule->asns, rule->asns_count * sizeof(rule->asns[0]));
	put_networks(state, rule->networks, rule->networks_count);
	put_text(state, rule->path);
	put_texts(state, rule->values, rule->values_count);
	put_texts(state, rule->then, rule->then_count);
}

static void put_policy(XXH3_state_t *state, const struct config_policy *policy)
{
	put_text(state, policy->name);
	put_text(state, policy->database);
	put_text(state, policy->table);
	put_text(state, policy->table_path);
	put_text(state, policy->default_region);
	put_texts(state, policy->default_then, policy->default_then_count);
	put(state, &policy->nearest_limit, sizeof(policy->nearest_limit));
	put_texts(state, policy->regions, policy->regions_count);
	put(state, &policy->rules_count, sizeof(policy->rules_count));
	for (size_t i = 0; i < policy->rules_count; i++)
		put_rule(state, &policy->rules[i]);
	put(state, &policy->nearest_count, sizeof(policy->nearest_count));
	for (size_t i = 0; i < policy->nearest_count; i++) {
		const struct config_nearest *nearest = &policy->nearest[i];

		put_text(state, nearest->region);
		put(state, &nearest->latitude, sizeof(nearest->latitude));
		put(state, &nearest->longitude, sizeof(nearest->longitude));
		put(state, &nearest->bias, sizeof(nearest->bias));
	}
}

/* A file that is replaced, or written to, is another one. */
static void put_file(XXH3_state_t *state, const char *path)
{
	struct stat status;

	put_text(state, path);
	if (!path || stat(path, &status))
		return;
	put(state, &status.st_dev, sizeof(status.st_dev));
	put(state, &status.st_ino, sizeof(status.st_ino));
	put(state, &status.st_size, sizeof(status.st_size));
	put(state, &status.st_mtim, sizeof(status.st_mtim));
	put(state, &status.st_ctim, sizeof(status.st_ctim));
}

static void put_settings(XXH3_state_t *state, const struct config *config)
{
	for (size_t i = 0; i < config->databases_count; i++) {
		put_text(state, config->databases[i].name);
		put_text(state, config->databases[i].file);
		put_text(state, config->databases[i].file_ipv6);
	}
	for (size_t i = 0; i < config->policies_count; i++)
		put_policy(state, &config->policies[i]);
	put_networks(state, config->special, config->special_count);
}

static void put_files(XXH3_state_t *state, const struct config *config)
{
	for (size_t i = 0; i < config->databases_count; i++) {
		put_file(state, config->databases[i].file);
		put_file(state, config->databases[i].file_ipv6);
	}
	for (size_t i = 0; i < config->policies_count; i++)
		put_file(state, config->policies[i].table);
}

struct geo_identity geo_identity_of(const struct config *config)
{
	XXH3_state_t *state = XXH3_createState();
	struct geo_identity identity = {0};

	if (!state)
		return identity;
	XXH3_64bits_reset(state);
	put_settings(state, config);
	identity.settings = XXH3_64bits_digest(state) | 1;
	XXH3_64bits_reset(state);
	put_files(state, config);
	identity.files = XXH3_64bits_digest(state) | 1;
	XXH3_freeState(state);
	return identity;
}
