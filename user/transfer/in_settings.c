/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "transfer/in_room.h"

static int copy_owners(struct config_zone *zone, const struct config_zone *config)
{
	size_t size = config->flatten_owners_count * sizeof(*config->flatten_owners);

	if (!size)
		return 0;
	zone->flatten_owners = malloc(size);
	if (!zone->flatten_owners)
		return -1;
	memcpy(zone->flatten_owners, config->flatten_owners, size);
	zone->flatten_owners_count = config->flatten_owners_count;
	return 0;
}

static void copy_primary(struct in_primary *primary, const struct config_peer *peer)
{
	primary->address = peer->address;
	if (!peer->key)
		return;
	primary->has_key = true;
	primary->key = *peer->key;
}

struct in_settings *in_settings_new(const struct config_zone *config)
{
	struct in_settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		return NULL;
	settings->count = 1;
	settings->zone.name = config->name;
	settings->zone.siblings = config->siblings;
	settings->zone.flatten_cnames = config->flatten_cnames;
	settings->zone.expose_aname = config->expose_aname;
	settings->zone.dnssec = config->dnssec && !config->catalog;
	settings->catalog = config->catalog && !config->member_of;
	settings->member = config->member_of != NULL;
	settings->primaries = calloc(config->primaries_count, sizeof(*settings->primaries));
	if (!settings->primaries || copy_owners(&settings->zone, config)) {
		in_settings_free(settings);
		return NULL;
	}
	settings->primaries_count = config->primaries_count;
	for (size_t i = 0; i < config->primaries_count; i++)
		copy_primary(&settings->primaries[i], &config->primaries[i]);
	return settings;
}

void in_settings_free(struct in_settings *settings)
{
	if (!settings || --settings->count)
		return;
	free(settings->zone.flatten_owners);
	free(settings->primaries);
	free(settings);
}

bool in_settings_same_shape(const struct in_settings *a, const struct in_settings *b)
{
	const struct config_zone *one = &a->zone, *two = &b->zone;

	if (one->siblings != two->siblings || one->flatten_cnames != two->flatten_cnames ||
	    one->expose_aname != two->expose_aname || one->dnssec != two->dnssec ||
	    a->catalog != b->catalog || one->flatten_owners_count != two->flatten_owners_count)
		return false;
	for (size_t i = 0; i < one->flatten_owners_count; i++) {
		const struct config_name *left = &one->flatten_owners[i];
		const struct config_name *right = &two->flatten_owners[i];

		if (!name_equal(left->name, left->len, right->name, right->len))
			return false;
	}
	return true;
}

static bool same_key(const struct in_primary *a, const struct in_primary *b)
{
	if (!a->has_key || !b->has_key)
		return a->has_key == b->has_key;
	return a->key.algorithm == b->key.algorithm && a->key.secret_len == b->key.secret_len &&
	       !memcmp(a->key.secret, b->key.secret, a->key.secret_len) &&
	       name_equal(a->key.name.name, a->key.name.len, b->key.name.name, b->key.name.len);
}

static bool same_address(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

bool in_settings_same_primaries(const struct in_settings *a, const struct in_settings *b)
{
	bool same = a->primaries_count == b->primaries_count;

	for (size_t i = 0; same && i < a->primaries_count; i++)
		same = same_address(&a->primaries[i].address, &b->primaries[i].address) &&
		       same_key(&a->primaries[i], &b->primaries[i]);
	return same;
}
