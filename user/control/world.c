/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"

/* ---- loading ---- */

static struct world_fault *add_fault(struct world_load *load)
{
	if (load->faults_count == load->faults_room) {
		size_t room = load->faults_room ? load->faults_room * 2 : 16;
		struct world_fault *more = realloc(load->faults, room * sizeof(*more));

		if (!more)
			return NULL;
		load->faults = more;
		load->faults_room = room;
	}
	memset(&load->faults[load->faults_count], 0, sizeof(*load->faults));
	return &load->faults[load->faults_count++];
}

static int take_warnings(struct world_load *load, const struct config_name *name,
                         const struct zone *zone)
{
	const struct zone_warning *warning = zone->warnings;

	for (; warning; warning = warning->next) {
		struct world_fault *fault = add_fault(load);

		if (!fault)
			return -ENOMEM;
		fault->zone = *name;
		fault->error = warning->error;
		fault->served = true;
	}
	return 0;
}

/* The zone, or the old one where it cannot be read; NULL and a fault. -ENOMEM only. */
static int load_zone(struct world_load *load, const struct config_zone *settings,
                     const struct zones *old, struct zone **ret)
{
	const struct config_name *name = &settings->name;
	struct zone *zone = NULL, *kept = NULL;
	struct error error = {0};
	struct world_fault *fault;
	int err;

	err = zone_load_file(name->name, name->len, settings->file, load->config->aname_type,
	                     settings, &zone, &error);
	if (!err) {
		*ret = zone;
		return take_warnings(load, name, zone);
	}
	if (old)
		kept = zones_exact(old, name->name, name->len);
	fault = add_fault(load);
	if (!fault)
		return -ENOMEM;
	fault->zone = *name;
	fault->error = error;
	fault->kept = kept != NULL;
	*ret = kept ? zone_hold(kept) : NULL;
	return 0;
}

static void take_loop(const struct zone_node *owner, const char *text, void *arg)
{
	struct world_load *load = arg;
	const struct zone *zone = zones_find(load->zones, owner->name, owner->name_len, 0);
	struct world_fault *fault = zone ? add_fault(load) : NULL;

	if (!fault)
		return;
	fault->zone.len = zone->apex_len;
	memcpy(fault->zone.name, zone->apex, zone->apex_len);
	fault->kept = fault->loop = fault->served = true;
	error_set(&fault->error, ELOOP, zone->settings ? zone->settings->file : NULL, 0, "%s",
	          text);
}

static int load_zones(struct world_load *load, const struct zones *old)
{
	size_t wanted = load->config->zones_count, count = 0;
	struct zone **all = calloc(wanted, sizeof(*all));
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < wanted && !err; i++) {
		err = load_zone(load, &load->config->zones[i], old, &all[count]);
		count += all[count] != NULL;
	}
	if (err) {
		for (size_t i = 0; i < count; i++)
			zone_free(all[i]);
	} else {
		load->zones = zones_new(all, count);
		err = load->zones ? 0 : -ENOMEM;
	}
	free(all);
	if (!err)
		zones_check_loops(load->zones, take_loop, load);
	return err;
}

int world_load(const char *path, const struct zones *old, struct world_load **ret,
               struct error *error)
{
	struct world_load *load = calloc(1, sizeof(*load));
	int err;

	if (!load)
		return error_set(error, ENOMEM, path, 0, "out of memory");
	err = config_load(path, &load->config, error);
	if (!err) {
		err = load_zones(load, old);
		if (err)
			error_set(error, -err, path, 0, "out of memory");
	}
	if (err) {
		world_load_free(load);
		return err;
	}
	*ret = load;
	return 0;
}

void world_load_free(struct world_load *load)
{
	if (!load)
		return;
	if (load->zones)
		zones_free(load->zones);
	config_free(load->config);
	free(load->faults);
	free(load);
}

void world_log_faults(const struct world_load *load)
{
	for (size_t i = 0; i < load->faults_count; i++) {
		const struct world_fault *fault = &load->faults[i];
		char zone[NAME_TEXT_MAX], text[1024];

		name_to_text(fault->zone.name, zone);
		error_text(&fault->error, text, sizeof(text));
		if (fault->served)
			log_warning("zone %s: %s", zone, text);
		else
			log_error("zone %s %s: %s", zone,
			          fault->kept ? "keeps its old data" : "is not served", text);
	}
}

/* ---- settling ---- */

/* What the kernel's answers of a zone depend on: its data, and how they are made of it. */
static uint64_t zone_content(const struct zone *zone)
{
	const uint8_t how[] = {zone->siblings, zone->flatten_cnames, zone->expose_aname};
	uint64_t hash = XXH64(how, sizeof(how), zone->content);

	for (size_t i = 0; zone->settings && i < zone->settings->flatten_owners_count; i++) {
		const struct config_name *owner = &zone->settings->flatten_owners[i];

		hash = XXH64(owner->name, owner->len, hash);
	}
	return hash;
}

static uint32_t zone_flags(const struct zone *zone)
{
	return (zone->has_wildcards ? AN_ZONE_WILDCARDS : 0) |
	       (zone->has_dnames ? AN_ZONE_DNAMES : 0) | (zone->has_cuts ? AN_ZONE_CUTS : 0);
}

/* A zone that was kept came from another configuration, which is about to go. */
static void renew_settings(const struct config *config, struct zones *zones)
{
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *settings = &config->zones[i];
		struct zone *zone = zones_exact(zones, settings->name.name, settings->name.len);

		if (zone)
			zone->settings = settings;
	}
}

static void settle_without_kernel(struct zone *zone, const struct zones *old)
{
	const struct zone *before = old ? zones_exact(old, zone->apex, zone->apex_len) : NULL;

	zone->id = UINT32_MAX;
	if (!before)
		zone->generation = 1;
	else if (before != zone)
		zone->generation = before->generation + (before->content != zone->content);
}

static void settle_with_kernel(struct zone *zone, const struct zones *old, struct publish *publish)
{
	char name[NAME_TEXT_MAX];
	int err;

	err = publish_zone(publish, zone->apex, zone->apex_len, zone_content(zone),
	                   zone_flags(zone), CLOCK_MS_NEVER, &zone->id, &zone->generation);
	if (!err)
		return;
	settle_without_kernel(zone, old);
	log_warning("zone %s stays with the daemon: %s", name_to_text(zone->apex, name),
	            err == -ENOSPC ? "maps: zones is too small" : strerror(-err));
}

static void remove_gone(const struct zones *zones, struct publish *publish)
{
	const struct kernel_maps *maps = publish_maps(publish);

	for (uint32_t i = 0; i < maps->zones_count; i++) {
		const struct an_zone *record = &maps->zones[i];
		int len = name_parse_wire(record->apex, sizeof(record->apex) - 1);

		if (record->generation &&
		    (len < 0 || !zones_exact(zones, record->apex, (size_t)len)))
			publish_zone_remove(publish, i);
	}
}

void world_settle(const struct config *config, struct zones *zones, const struct zones *old,
                  struct publish *publish)
{
	renew_settings(config, zones);
	if (publish)
		remove_gone(zones, publish);
	for (size_t i = 0; i < zones_count(zones); i++) {
		struct zone *zone = zones_at(zones, i);

		if (publish)
			settle_with_kernel(zone, old, publish);
		else
			settle_without_kernel(zone, old);
	}
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
	       a->zones_max == b->zones_max && same_text(a->pin_dir, b->pin_dir);
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
