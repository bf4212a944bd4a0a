/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/check_effect.h"
#include "control/check_geo.h"
#include "control/check_health.h"
#include "steer/pool.h"

#define FRESHNESS_MIN_MS 100

struct check {
	const struct config *config;
	const struct places *places;
	struct error *error;
	struct pools *pools; /* NULL: none, or not looked at yet */
};

#define FAULT(check, line, ...)                                                                    \
	error_set((check)->error, EINVAL, (check)->config->path, line, __VA_ARGS__)

/* Line of the first of two settings that is in the file; at least one is. */
static unsigned int line_of_either(const struct check *check, const char *one, const char *other)
{
	unsigned int line = places_line(check->places, "%s", one);

	return line ? line : places_line(check->places, "%s", other);
}

static int check_answers(const struct check *check)
{
	const struct config *config = check->config;

	if (config->ttl_floor > config->ttl_cap)
		return FAULT(check, line_of_either(check, "answers/ttl-floor", "answers/ttl-cap"),
		             "ttl-floor is greater than ttl-cap");
	if (config->freshness_ms && config->freshness_ms < FRESHNESS_MIN_MS)
		return FAULT(check, places_line(check->places, "answers/freshness"),
		             "freshness: 0 (off) or at least 100ms");
	if (config->client_timer_ms > config->resolution_ms)
		return FAULT(
		        check,
		        line_of_either(check, "answers/client-timer", "answers/resolution-time"),
		        "client-timer is longer than resolution-time");
	return 0;
}

static int check_paths(const struct check *check)
{
	const struct config *config = check->config;

	if (config->pin_dir[0] != '/')
		return FAULT(check, places_line(check->places, "maps/pin-dir"),
		             "pin-dir: must be an absolute path");
	if (strlen(config->control_socket) > 107)
		return FAULT(check, places_line(check->places, "server/control-socket"),
		             "control-socket: longer than a socket's path may be (107 octets)");
	return 0;
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static int check_listen(const struct check *check)
{
	const struct config *config = check->config;
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < config->listen_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (same_endpoint(&config->listen[i], &config->listen[j]))
				return FAULT(check, places_line(check->places, "listen/%zu", i),
				             "listen: %s is listed twice",
				             endpoint_text(&config->listen[i], text));
		}
	}
	return 0;
}

static int check_interfaces(const struct check *check)
{
	const struct config *config = check->config;

	for (size_t i = 0; i < config->interfaces_count; i++) {
		const char *name = config->interfaces[i].name;
		unsigned int line = places_line(check->places, "interfaces/%zu/name", i);

		if (strpbrk(name, "/: \t\n") || !strcmp(name, ".") || !strcmp(name, ".."))
			return FAULT(check, line, "name: `%s' cannot name an interface", name);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(name, config->interfaces[j].name) == 0)
				return FAULT(check, line, "interface %s is listed twice", name);
		}
	}
	return 0;
}

static int check_upstreams(const struct check *check)
{
	const struct config *config = check->config;
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < config->upstreams_count; i++) {
		const struct config_upstream *a = &config->upstreams[i];

		for (size_t j = 0; j < i; j++) {
			const struct config_upstream *b = &config->upstreams[j];

			if (!same_endpoint(&a->address, &b->address) ||
			    !name_equal(a->suffix.name, a->suffix.len, b->suffix.name,
			                b->suffix.len))
				continue;
			return FAULT(check, places_line(check->places, "upstreams/%zu/address", i),
			             "upstream %s is listed twice for this suffix",
			             endpoint_text(&a->address, text));
		}
	}
	return 0;
}

static int check_cookies(const struct check *check)
{
	const struct config *config = check->config;

	if (config->cookie_required && !config->cookies)
		return FAULT(check, places_line(check->places, "server/cookie-required"),
		             "cookie-required: needs `cookies: yes'");
	return 0;
}

static int check_key(const struct check *check, size_t index)
{
	const struct config *config = check->config;
	const struct config_key *key = &config->keys[index];
	unsigned int line = places_line(check->places, "keys/%zu", index);
	char name[NAME_TEXT_MAX];

	if (!key->secret_len)
		return FAULT(check, line, "`secret' (or `secret-file') is missing");
	for (size_t i = 0; i < index; i++) {
		const struct config_key *other = &config->keys[i];

		if (name_equal(key->name.name, key->name.len, other->name.name, other->name.len))
			return FAULT(check, places_line(check->places, "keys/%zu/name", index),
			             "key %s is listed twice", name_to_text(key->name.name, name));
	}
	return 0;
}

static int check_keys(const struct check *check)
{
	int err = 0;

	for (size_t i = 0; i < check->config->keys_count && !err; i++)
		err = check_key(check, i);
	return err;
}

static int check_peers(const struct check *check, size_t index)
{
	const struct config_zone *zone = &check->config->zones[index];
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < zone->primaries_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (same_endpoint(&zone->primaries[i].address, &zone->primaries[j].address))
				return FAULT(check,
				             places_line(check->places,
				                         "zones/%zu/primaries/%zu/address", index,
				                         i),
				             "primary %s is listed twice",
				             endpoint_text(&zone->primaries[i].address, text));
		}
	}
	for (size_t i = 0; i < zone->secondaries_count; i++) {
		const struct config_peer *peer = &zone->secondaries[i];

		if (peer->notify && !peer->address.family)
			return FAULT(check,
			             places_line(check->places, "zones/%zu/secondaries/%zu/notify",
			                         index, i),
			             "notify: %s is more than one address",
			             network_text(&peer->network, text));
		/* What others make of it would be bogus: signatures do not travel. */
		if (zone->dnssec && peer->mode != TRANSFER_NATIVE)
			return FAULT(check,
			             places_line(check->places, "zones/%zu/secondaries/%zu/mode",
			                         index, i),
			             "mode: a zone that is signed here goes out unsigned, so only "
			             "as native, to servers that sign it with the same keys");
	}
	return 0;
}

/* Where a zone's data comes from. */
static int check_source(const struct check *check, size_t index)
{
	const struct config_zone *zone = &check->config->zones[index];

	if (zone->catalog && !zone->primaries_count)
		return FAULT(check, places_line(check->places, "zones/%zu/catalog", index),
		             "catalog: needs primaries, for the zone and its members");
	if (!zone->file && !zone->primaries_count)
		return FAULT(check, zone->line, "`file' is missing (or `primaries')");
	return check_peers(check, index);
}

static int check_flatten_owners(const struct check *check, size_t index)
{
	const struct config_zone *zone = &check->config->zones[index];
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < zone->flatten_owners_count; i++) {
		const struct config_name *owner = &zone->flatten_owners[i];

		if (!name_under(owner->name, owner->len, zone->name.name, zone->name.len))
			return FAULT(check,
			             places_line(check->places, "zones/%zu/flatten-owners/%zu",
			                         index, i),
			             "flatten-owners: %s is not in the zone",
			             name_to_text(owner->name, text));
	}
	return 0;
}

static int compare_zones(const void *a, const void *b)
{
	const struct config_zone *const *x = a, *const *y = b;
	int order = name_compare((*x)->name.name, (*y)->name.name);

	return order ? order : (*x > *y) - (*x < *y);
}

static int check_zones_twice(const struct check *check)
{
	const struct config *config = check->config;
	const struct config_zone **sorted = calloc(config->zones_count, sizeof(*sorted));
	const struct config_zone *twice = NULL;
	char text[NAME_TEXT_MAX];

	if (!sorted)
		return error_set(check->error, ENOMEM, config->path, 0, "out of memory");
	for (size_t i = 0; i < config->zones_count; i++)
		sorted[i] = &config->zones[i];
	qsort(sorted, config->zones_count, sizeof(*sorted), compare_zones);
	for (size_t i = 1; i < config->zones_count; i++) {
		const struct config_zone *a = sorted[i - 1], *b = sorted[i];

		if (name_equal(a->name.name, a->name.len, b->name.name, b->name.len) &&
		    (!twice || b < twice))
			twice = b;
	}
	free(sorted);
	if (!twice)
		return 0;
	return FAULT(check,
	             places_line(check->places, "zones/%zu/name", (size_t)(twice - config->zones)),
	             "zone %s is listed twice", name_to_text(twice->name.name, text));
}

static int check_zones(const struct check *check)
{
	const struct config *config = check->config;
	unsigned int line = places_line(check->places, "zones");
	int err = 0;

	if (!config->zones_count)
		return FAULT(check, line ? line : 1, "no zones: at least one is needed");
	for (size_t i = 0; i < config->zones_count && !err; i++) {
		err = check_source(check, i);
		if (!err)
			err = check_flatten_owners(check, i);
	}
	return err ? err : check_zones_twice(check);
}

static int check_geography(const struct check *check)
{
	return check_geo(check->config, check->places, check->error);
}

static unsigned int pool_line(const struct check *check, const struct pool_fault *fault)
{
	unsigned int line = 0;

	if (fault->member >= 0 && fault->key)
		line = places_line(check->places, "pools/%zu/members/%d/%s", fault->pool,
		                   fault->member, fault->key);
	if (!line && fault->member >= 0)
		line = places_line(check->places, "pools/%zu/members/%d", fault->pool,
		                   fault->member);
	if (!line && fault->key)
		line = places_line(check->places, "pools/%zu/%s", fault->pool, fault->key);
	return line ? line : check->config->pools[fault->pool].line;
}

static int check_pools(struct check *check)
{
	struct pool_fault fault = {0};
	int err;

	if (!check->config->pools_count)
		return 0;
	err = pools_new(check->config, NULL, NULL, &check->pools, &fault);
	if (err == -ENOMEM)
		return error_set(check->error, ENOMEM, check->config->path, 0, "out of memory");
	return err ? FAULT(check, pool_line(check, &fault), "%s", fault.text) : 0;
}

static int check_checks(const struct check *check)
{
	return check_health(check->config, check->places, check->error);
}

static int check_all(struct check *check)
{
	static int (*const checks[])(const struct check *check) = {
	        check_answers, check_paths, check_listen, check_interfaces, check_upstreams,
	        check_cookies, check_keys,  check_zones,  check_geography,  check_checks};
	int err = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !err; i++)
		err = checks[i](check);
	return err ? err : check_pools(check);
}

int config_check(struct config *config, const struct places *places, struct error *error)
{
	struct check check = {config, places, error, NULL};
	int err = check_all(&check);

	if (!err && check_effect(config, places, check.pools))
		err = error_set(error, ENOMEM, config->path, 0, "out of memory");
	pools_free(check.pools);
	return err;
}
