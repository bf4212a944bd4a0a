/* SPDX-License-Identifier: BSD-2-Clause */
/* From what was loaded to what is served, and what a reload cannot change. */
#include <errno.h>
#include <string.h>
#include <urcu.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/denial.h"
#include "control/world.h"
#include "sign/signer.h"

/* ---- settling ---- */

/* Then its SOA is not for everybody (docs/adr/0007). */
static bool has_expanded(const struct config_zone *settings)
{
	for (size_t i = 0; settings && i < settings->secondaries_count; i++)
		if (settings->secondaries[i].mode != TRANSFER_NATIVE)
			return true;
	return false;
}

/* What the kernel's answers of a zone depend on: its data, and how they are made of it. */
static uint64_t zone_content(const struct zone *zone, const struct config *config)
{
	const uint8_t how[] = {zone->siblings, zone->flatten_cnames, zone->expose_aname,
	                       has_expanded(zone->settings)};
	uint64_t hash = XXH64(how, sizeof(how), zone->content);

	for (size_t i = 0; zone->settings && i < zone->settings->flatten_owners_count; i++) {
		const struct config_name *owner = &zone->settings->flatten_owners[i];

		hash = XXH64(owner->name, owner->len, hash);
	}
	/* Answers that were made without regard to signatures go, and those of another epoch. */
	if (zone->signer) {
		hash ^= signer_content(zone->signer);
		/* It stands in the bitmaps of the NSEC records that are made here. */
		hash = XXH64(&config->aname_type, sizeof(config->aname_type), hash);
	}
	return zone->security == ZONE_INSECURE ? hash : XXH64(&zone->security, 1, hash);
}

static uint32_t zone_flags(const struct zone *zone)
{
	return (zone->names == ZONE_NAMES_ALL ? AN_ZONE_COMPLETE : 0) |
	       (zone->has_wildcards ? AN_ZONE_WILDCARDS : 0) |
	       (zone->has_dnames ? AN_ZONE_DNAMES : 0) | (zone->has_cuts ? AN_ZONE_CUTS : 0);
}

/* A zone that was kept came from another configuration, which is about to go. */
void world_renew_settings(const struct config *config, struct zones *zones)
{
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *settings = &config->zones[i];
		struct zone *zone = zones_exact(zones, settings->name.name, settings->name.len);

		if (zone)
			zone->settings = settings;
	}
}

/* Expiry is the loop's to say, and may have been said while a reload copied the zone. */
static void renew_expired(struct zones *zones, const struct zones *old)
{
	for (size_t i = 0; old && i < zones_count(zones); i++) {
		struct zone *zone = zones_at(zones, i);
		const struct zone *before = zones_exact(old, zone->apex, zone->apex_len);

		if (before && before != zone && before->table == zone->table)
			CMM_STORE_SHARED(zone->expired, CMM_LOAD_SHARED(before->expired));
	}
}

static void settle_without_kernel(struct zone *zone, const struct zones *old,
                                  const struct config *config)
{
	const struct zone *before = old ? zones_exact(old, zone->apex, zone->apex_len) : NULL;

	zone->id = UINT32_MAX;
	if (!before)
		zone->generation = 1;
	else if (before != zone)
		zone->generation = before->generation +
		                   (zone_content(before, config) != zone_content(zone, config));
}

/* What does not hold any longer the kernel does not give out either. */
static uint64_t valid_until_ms(const struct zone *zone, uint64_t until_ms)
{
	uint64_t now = clock_ms(), left;

	if (CMM_LOAD_SHARED(zone->expired))
		return 0;
	if (!zone->signer)
		return until_ms;
	left = signer_left_ms(zone->signer);
	return until_ms < now + left ? until_ms : now + left;
}

static void settle_with_kernel(struct zone *zone, const struct zones *old,
                               const struct config *config, struct publish *publish)
{
	struct zone *before = old ? zones_exact(old, zone->apex, zone->apex_len) : NULL;
	char name[NAME_TEXT_MAX];
	int err;

	denial_begin(zone, before, publish);
	err = publish_zone(publish, zone->apex, zone->apex_len, zone_content(zone, config),
	                   zone_flags(zone), valid_until_ms(zone, CLOCK_MS_NEVER), &zone->id,
	                   &zone->generation);
	denial_end(zone, before, publish);
	if (!err)
		return;
	settle_without_kernel(zone, old, config);
	log_warning("zone %s stays with the daemon: %s", name_to_text(zone->apex, name),
	            err == -ENOSPC ? "maps: zones is too small" : strerror(-err));
}

void world_settle_zone(const struct config *config, struct zone *zone, const struct zones *old,
                       struct publish *publish)
{
	if (publish)
		settle_with_kernel(zone, old, config, publish);
	else
		settle_without_kernel(zone, old, config);
}

void world_settle_until(const struct config *config, const struct zone *zone, uint64_t until_ms,
                        struct publish *publish)
{
	uint32_t id, generation;

	if (publish && zone->id != UINT32_MAX)
		publish_zone(publish, zone->apex, zone->apex_len, zone_content(zone, config),
		             zone_flags(zone), valid_until_ms(zone, until_ms), &id, &generation);
}

/* What the kernel knows of the names of zones that are gone. */
static void forget_names(const struct zones *zones, const struct zones *old,
                         struct publish *publish)
{
	for (size_t i = 0; i < zones_count(old); i++) {
		struct zone *zone = zones_at(old, i);

		if (!zones_exact(zones, zone->apex, zone->apex_len))
			denial_gone(zone, zones, publish);
	}
}

void world_remove_gone(const struct zones *zones, const struct zones *old, struct publish *publish)
{
	const struct kernel_maps *maps = publish_maps(publish);

	for (uint32_t i = 0; i < maps->zones_count; i++) {
		const struct an_zone *record = &maps->zones[i];
		int len = name_parse_wire(record->apex, sizeof(record->apex) - 1);

		if (record->generation &&
		    (len < 0 || !zones_exact(zones, record->apex, (size_t)len)))
			publish_zone_remove(publish, i);
	}
	if (old)
		forget_names(zones, old, publish);
}

void world_settle(const struct config *config, struct zones *zones, const struct zones *old,
                  struct publish *publish)
{
	bool other = publish && !old && !world_is_as_adopted(zones, publish);

	world_renew_settings(config, zones);
	renew_expired(zones, old);
	if (publish)
		world_remove_gone(zones, old, publish);
	for (size_t i = 0; i < zones_count(zones); i++) {
		struct zone *zone = zones_at(zones, i);

		world_settle_zone(config, zone, old, publish);
		if (other && zone->id != UINT32_MAX)
			publish_zone_renew(publish, zone->id, &zone->generation);
	}
	if (publish && old)
		world_disturb(zones, old, publish);
	if (publish && !old)
		publish_names_sweep(publish);
}

/* ---- comparing configurations ---- */

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_listen(const struct config *a, const struct config *b)
{
	bool same = a->listen_count == b->listen_count;

	for (size_t i = 0; same && i < a->listen_count; i++)
		same = same_endpoint(&a->listen[i], &b->listen[i]);
	return same;
}

static bool same_interfaces(const struct config *a, const struct config *b)
{
	bool same = a->interfaces_count == b->interfaces_count;

	for (size_t i = 0; same && i < a->interfaces_count; i++)
		same = same_text(a->interfaces[i].name, b->interfaces[i].name) &&
		       a->interfaces[i].xdp == b->interfaces[i].xdp;
	return same;
}

static bool same_maps(const struct config *a, const struct config *b)
{
	return a->owners_max == b->owners_max && a->audiences_max == b->audiences_max &&
	       a->slots_max == b->slots_max && a->slots_large_max == b->slots_large_max &&
	       a->zones_max == b->zones_max && a->names_max == b->names_max &&
	       same_text(a->pin_dir, b->pin_dir);
}

static bool same_memory(const struct config *a, const struct config *b)
{
	return a->answers_max == b->answers_max &&
	       a->networks_per_name_max == b->networks_per_name_max;
}

char *world_restart_needed(const struct config *a, const struct config *b, char *ret, size_t size)
{
	const struct {
		const char *name;
		bool same;
	} settings[] = {
	        {"listen", same_listen(a, b)},
	        {"interfaces", same_interfaces(a, b)},
	        {"maps", same_maps(a, b)},
	        {"memory", same_memory(a, b)},
	        {"workers", a->workers == b->workers},
	        {"tcp-idle", a->tcp_idle_ms == b->tcp_idle_ms},
	        {"tcp-max", a->tcp_max == b->tcp_max},
	        {"tcp-max-per-client", a->tcp_max_per_client == b->tcp_max_per_client},
	        {"control-socket", same_text(a->control_socket, b->control_socket)},
	        {"state-dir", same_text(a->state_dir, b->state_dir)},
	        {"user", same_text(a->user, b->user)},
	};
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && at < size; i++) {
		if (!settings[i].same)
			at += (size_t)snprintf(ret + at, size - at, "%s%s", at ? ", " : "",
			                       settings[i].name);
	}
	return ret;
}

static bool same_upstream(const struct config_upstream *a, const struct config_upstream *b)
{
	return same_endpoint(&a->address, &b->address) && a->kind == b->kind &&
	       name_equal(a->suffix.name, a->suffix.len, b->suffix.name, b->suffix.len) &&
	       a->ecs_ipv4_max == b->ecs_ipv4_max && a->ecs_ipv6_max == b->ecs_ipv6_max &&
	       a->ecs == b->ecs && a->timeout_ms == b->timeout_ms && a->hedge_ms == b->hedge_ms &&
	       a->tries == b->tries;
}

bool world_same_upstreams(const struct config *a, const struct config *b)
{
	bool same =
	        a->upstreams_count == b->upstreams_count && a->resolution_ms == b->resolution_ms;

	for (size_t i = 0; same && i < a->upstreams_count; i++)
		same = same_upstream(&a->upstreams[i], &b->upstreams[i]);
	return same;
}
