/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/catalogs.h"
#include "control/control.h"
#include "sign/sign.h"
#include "transfer/catalog.h"
#include "transfer/in.h"

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
		struct world_fault *fault;

		if (warning->mild)
			continue;
		fault = add_fault(load);
		if (!fault)
			return -ENOMEM;
		fault->zone = *name;
		fault->error = warning->error;
		fault->served = true;
	}
	return 0;
}

static int fault_of(struct world_load *load, const struct config_name *name,
                    const struct error *error, bool kept)
{
	struct world_fault *fault = add_fault(load);

	if (!fault)
		return -ENOMEM;
	fault->zone = *name;
	fault->error = *error;
	fault->kept = kept;
	return 0;
}

/* Keys go on that are over: it is served, and somebody is to see to it. */
static int take_kept_on(struct world_load *load, const struct config_zone *settings,
                        const struct zone *zone)
{
	struct world_fault *fault;

	if (!zone->signer || !signer_kept_on(zone->signer))
		return 0;
	fault = add_fault(load);
	if (!fault)
		return -ENOMEM;
	fault->zone = settings->name;
	fault->served = true;
	error_set(&fault->error, ENOKEY, settings->dnssec_keys, 0, SIGN_KEPT_ON);
	return 0;
}

/* With its signer, if it is to have one; else it is not to be served. `before` is served now. */
static int sign_loaded(struct zone **zone, const struct zone *before, struct error *error)
{
	char name[NAME_TEXT_MAX];
	int err = sign_zone(*zone, before, clock_unix_ms() / 1000, error);

	if (err) {
		zone_free(*zone);
		*zone = NULL;
		return err;
	}
	if ((*zone)->signer && sign_is_exposed(*zone))
		log_warning("zone %s: %s: everybody may read a private key",
		            name_to_text((*zone)->apex, name), (*zone)->settings->dnssec_keys);
	if ((*zone)->left_out) {
		log_notice("zone %s: %zu records of another's signing are left out: it is signed "
		           "here",
		           name_to_text((*zone)->apex, name), (*zone)->left_out);
	}
	return err;
}

/*
 * The zone, or the old one where it cannot be read, or one without data, which
 * is answered SERVFAIL: it is ours, and we do not know. -ENOMEM only.
 */
static int load_file(struct world_load *load, const struct config_zone *settings,
                     const struct zones *old, struct zone **ret)
{
	const struct config_name *name = &settings->name;
	struct zone *zone = NULL, *kept = NULL;
	struct error error = {0};
	int err;

	if (old)
		kept = zones_exact(old, name->name, name->len);
	err = zone_load_file(name->name, name->len, settings->file, load->base->aname_type,
	                     settings, &zone, &error);
	if (!err)
		err = sign_loaded(&zone, kept, &error);
	if (!err) {
		*ret = zone;
		err = take_kept_on(load, settings, zone);
		return err ? err : take_warnings(load, name, zone);
	}
	if (kept && !kept->soa)
		kept = NULL;
	*ret = kept ? zone_hold(kept) : zone_without_data(name->name, name->len, settings);
	return *ret ? fault_of(load, name, &error, kept != NULL) : -ENOMEM;
}

/* True if the settings make of the same records what the zone is. */
static bool same_shape(const struct zone *zone, const struct config_zone *settings)
{
	const struct config_zone *before = zone->settings;

	return before && zone->siblings == settings->siblings &&
	       zone->flatten_cnames == settings->flatten_cnames &&
	       zone->expose_aname == settings->expose_aname && before->dnssec == settings->dnssec &&
	       before->flatten_owners_count == settings->flatten_owners_count &&
	       (!settings->flatten_owners_count ||
	        !memcmp(before->flatten_owners, settings->flatten_owners,
	                settings->flatten_owners_count * sizeof(*settings->flatten_owners)));
}

/* Data that stay, with the keys as they are now; bad ones leave those that there are. */
static int keep_zone(struct world_load *load, const struct config_zone *settings, struct zone *kept,
                     struct zone **ret)
{
	struct error error = {0};

	if (!sign_reload(kept, settings, clock_unix_ms() / 1000, ret, &error))
		return take_kept_on(load, settings, *ret);
	*ret = zone_hold(kept);
	return fault_of(load, &settings->name, &error, true);
}

/* What has not been transferred yet begins with its file, where it has one. */
static int load_beginning(struct world_load *load, const struct config_zone *settings,
                          struct zone *kept, struct zone **ret)
{
	const struct config_name *name = &settings->name;
	int err = 0;

	if (kept)
		err = keep_zone(load, settings, kept, ret);
	else if (settings->file)
		err = load_file(load, settings, NULL, ret);
	if (!err && !*ret)
		*ret = zone_without_data(name->name, name->len, settings);
	return *ret ? err : -ENOMEM;
}

/* A zone with primaries: what was transferred last. */
static int load_transferred(struct world_load *load, const struct config_zone *settings,
                            const struct zones *old, struct zone **ret)
{
	const struct config_name *name = &settings->name;
	struct zone *kept = old ? zones_exact(old, name->name, name->len) : NULL;
	struct error error = {0};
	int err;

	if (kept && !kept->soa)
		kept = NULL;
	if (kept && kept->settings && kept->settings->primaries_count && same_shape(kept, settings))
		return keep_zone(load, settings, kept, ret);
	err = load->base->state_dir[0] ? transfer_in_restore(load->base->state_dir, settings,
	                                                     load->base->aname_type, ret, &error)
	                               : -ENOENT;
	if (!err)
		err = sign_loaded(ret, kept, &error);
	if (!err) {
		if (kept && kept->expired)
			(*ret)->expired = true;
		return take_kept_on(load, settings, *ret);
	}
	if (err != -ENOENT && fault_of(load, name, &error, kept != NULL))
		return -ENOMEM;
	return load_beginning(load, settings, kept, ret);
}

static int load_zone(struct world_load *load, const struct config_zone *settings,
                     const struct zones *old, struct zone **ret)
{
	return settings->primaries_count ? load_transferred(load, settings, old, ret)
	                                 : load_file(load, settings, old, ret);
}

/* ---- catalogs ---- */

/* Zones in the making. */
struct loading {
	struct zone **zone;
	size_t count;
};

/* What catalogs say, as far as they have data. */
struct listing {
	struct catalog *catalogs; /* of the pairs */
	size_t catalogs_count;
	struct catalogs_pair *pairs;
	size_t count;
};

static void listing_done(struct listing *listing)
{
	for (size_t i = 0; i < listing->catalogs_count; i++)
		catalog_done(&listing->catalogs[i]);
	free(listing->catalogs);
	free(listing->pairs);
}

static int list_members(struct listing *listing, const struct config_name *name,
                        const struct catalog *catalog)
{
	struct catalogs_pair *pairs;

	if (!catalog->count)
		return 0;
	pairs = realloc(listing->pairs, (listing->count + catalog->count) * sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	listing->pairs = pairs;
	for (size_t i = 0; i < catalog->count; i++)
		pairs[listing->count++] = (struct catalogs_pair){name, &catalog->members[i].name};
	return 0;
}

/* Reads one catalog; what is wrong with it is a fault. */
static int list_catalog(struct world_load *load, struct listing *listing,
                        const struct config_name *name, const struct zone *zone)
{
	struct catalog *more =
	        realloc(listing->catalogs, (listing->catalogs_count + 1) * sizeof(*more));
	struct error error = {0};
	int err;

	if (!more)
		return -ENOMEM;
	listing->catalogs = more;
	err = catalog_read(zone, &more[listing->catalogs_count], &error);
	if (err == -ENOMEM)
		return err;
	if (err)
		return fault_of(load, name, &error, true);
	return list_members(listing, name, &more[listing->catalogs_count++]);
}

/* A kept zone's own settings may still be those of the configuration before. */
static const struct zone *loaded_zone(const struct loading *loading, const struct config_name *name)
{
	for (size_t i = 0; i < loading->count; i++) {
		const struct zone *zone = loading->zone[i];

		if (name_equal(zone->apex, zone->apex_len, name->name, name->len))
			return zone;
	}
	return NULL;
}

/* The configuration with the members that the catalogs among these zones name. */
static int add_members(struct world_load *load, const struct loading *loading)
{
	struct listing listing = {0};
	int err = 0;

	for (size_t i = 0; i < load->base->zones_count && !err; i++) {
		const struct config_zone *settings = &load->base->zones[i];
		const struct zone *zone =
		        settings->catalog ? loaded_zone(loading, &settings->name) : NULL;

		if (zone && zone->soa)
			err = list_catalog(load, &listing, &settings->name, zone);
	}
	if (!err && listing.count)
		err = catalogs_config(load->base, listing.pairs, listing.count, &load->config);
	listing_done(&listing);
	return err;
}

/* ---- all of them ---- */

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
	zone_alias_place(zone, owner, &fault->error);
}

static int load_some(struct world_load *load, const struct zones *old,
                     const struct config_zone *settings, size_t count, struct loading *loading)
{
	struct zone **more = realloc(loading->zone, (loading->count + count + 1) * sizeof(*more));
	int err = 0;

	if (!more)
		return -ENOMEM;
	loading->zone = more;
	for (size_t i = 0; i < count && !err; i++) {
		more[loading->count] = NULL;
		err = load_zone(load, &settings[i], old, &more[loading->count]);
		loading->count += more[loading->count] != NULL;
	}
	return err;
}

static int load_all(struct world_load *load, const struct zones *old, struct loading *loading)
{
	size_t configured = load->base->zones_count;
	int err = load_some(load, old, load->base->zones, configured, loading);

	if (!err)
		err = add_members(load, loading);
	if (!err && load->config->zones_count > configured)
		err = load_some(load, old, load->config->zones + configured,
		                load->config->zones_count - configured, loading);
	return err;
}

void world_find_loops(struct zones *zones, const struct config *config, struct world_fault **ret,
                      size_t *ret_count)
{
	struct world_load load = {.zones = zones};

	zones_check_loops(zones, config, take_loop, &load);
	*ret = load.faults;
	*ret_count = load.faults_count;
}

static int load_zones(struct world_load *load, const struct zones *old)
{
	struct loading loading = {0};
	int err = load_all(load, old, &loading);

	if (err) {
		for (size_t i = 0; i < loading.count; i++)
			zone_free(loading.zone[i]);
	} else {
		load->zones = zones_new(loading.zone, loading.count);
		err = load->zones ? 0 : -ENOMEM;
	}
	free(loading.zone);
	if (!err)
		zones_check_loops(load->zones, load->base, take_loop, load);
	return err;
}

/* ---- where clients are ---- */

/* The numbers that regions had before. */
static struct geo *recall(struct world_load *load)
{
	const struct config *config = load->base;
	struct geo *geo = NULL;
	char path[4200];

	load->recall_err = -ENOENT;
	if (config->state_dir[0]) {
		snprintf(path, sizeof(path), "%s/" WORLD_REGIONS_FILE, config->state_dir);
		load->recall_err = geo_recall(path, &geo);
	}
	return geo;
}

#define GEO_LINES_LEAST     (1u << 16)
#define GEO_LOCATIONS_LEAST (1u << 10)

/* The kernel's tables are made once, with room to grow. */
static void size_maps(struct config *config, struct geo_size size)
{
	uint32_t lines = 2 * size.lines, locations = 2 * size.locations;

	if (!config->geo_lines_max)
		config->geo_lines_max = lines > GEO_LINES_LEAST ? lines : GEO_LINES_LEAST;
	if (!config->geo_locations_max)
		config->geo_locations_max =
		        locations > GEO_LOCATIONS_LEAST ? locations : GEO_LOCATIONS_LEAST;
}

/* The table in use stays where it would come out the same, and where only its files are at fault.
 */
static int renew_geo(struct world_load *load, struct geo *old, struct error *error)
{
	bool same = geo_same_settings(old, load->base);
	int err = 0;

	if (!same || !geo_same_files(old, load->base))
		err = geo_new(load->base, old, &load->geo, same ? &load->geo_error : error);
	if (!load->geo && same)
		load->geo = geo_hold(old);
	return load->geo ? 0 : err;
}

static int load_geo(struct world_load *load, struct geo *old, struct error *error)
{
	struct geo *before;
	int err;

	if (old)
		return renew_geo(load, old, error);
	before = recall(load);
	err = geo_new(load->base, before, &load->geo, &load->geo_error);
	if (err)
		err = geo_new_blind(load->base, before, &load->geo, error);
	geo_free(before);
	if (!err)
		size_maps(load->base, geo_size(load->geo));
	return err;
}

static uint32_t region_number(const char *policy, const char *region, void *arg)
{
	const struct geo *geo = arg;
	int number = geo_policy(geo, policy);

	return number < 0 ? 0 : geo_region(geo, (unsigned int)number, region);
}

/* The configuration has been checked; what is left is whether the regions are the policies'. */
static int load_pools(struct world_load *load, struct error *error)
{
	const struct config *config = load->base;
	struct pool_fault fault = {0};
	const struct config_pool *pool;
	char name[NAME_TEXT_MAX];
	int err;

	if (!config->pools_count)
		return 0;
	err = pools_new(config, region_number, load->geo, &load->pools, &fault);
	if (!err)
		return 0;
	pool = &config->pools[fault.pool];
	return error_set(error, -err, config->path, pool->line, "pool %s: %s",
	                 name_to_text(pool->name.name, name),
	                 fault.text[0] ? fault.text : strerror(-err));
}

void world_log_recall(const struct world_load *load)
{
	if (load->recall_err && load->recall_err != -ENOENT)
		log_error("%s/" WORLD_REGIONS_FILE ": %s; regions are numbered anew, and what is "
		          "kept on disk by region is dropped",
		          load->base->state_dir, strerror(-load->recall_err));
}

static void log_warnings(const struct config_warning *warnings, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		log_warning("%s:%u: %s", path, warnings[i].line, warnings[i].text);
}

void world_log_warnings(const struct config *config)
{
	log_warnings(config->warnings, config->warnings_count, config->path);
}

void world_log_geo(const struct geo *geo, const struct error *error, const char *path)
{
	struct geo_size size = geo_size(geo);
	char text[1024];
	size_t count;
	const struct config_warning *warnings = geo_warnings(geo, &count);

	if (error && error->text[0])
		log_error("databases count as empty: %s", error_text(error, text, sizeof(text)));
	else if (size.locations)
		log_notice("policies: %u IPv4 and %u IPv6 networks, %u locations",
		           size.networks_ipv4, size.networks_ipv6, size.locations);
	log_warnings(warnings, count, path);
}

/* ---- as one ---- */

int world_load(const char *path, const struct zones *old, struct geo *old_geo,
               struct world_load **ret, struct error *error)
{
	struct world_load *load = calloc(1, sizeof(*load));
	int err;

	if (!load)
		return error_set(error, ENOMEM, path, 0, "out of memory");
	err = config_load(path, &load->base, error);
	if (!err) {
		load->config = load->base;
		err = load_geo(load, old_geo, error);
	}
	if (!err)
		err = load_pools(load, error);
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
	pools_free(load->pools);
	geo_free(load->geo);
	catalogs_free(load->config, load->base);
	config_free(load->base);
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
