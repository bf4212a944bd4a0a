/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones that arrive, expire, and come and go with catalogs.
 *
 * Everything that changes what is served is gathered and goes in at once, so
 * that ten thousand zones that arrive together are some ten changes of the
 * world. After a change comes a pause, the longer the more it cost. A reload
 * has the zones for itself; what arrives meanwhile waits for its end, and is
 * then signed by the keys that are served, or, read for other settings, asked for
 * again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/catalogs.h"
#include "control/daemon.h"
#include "sign/sign.h"
#include "transfer/in.h"
#include "transfer/out.h"

#define PAUSE_MS      50
#define PAUSE_TIMES   10  /* so many times as long as the change took, */
#define PAUSE_MOST_MS 300 /* but never so long that a NOTIFY takes a second */

/* What a catalog has said, until it goes in. */
struct saying {
	struct saying *next;
	struct config_name catalog;
	size_t count;
	struct config_name members[];
};

struct transfers {
	struct daemon *daemon;
	struct transfer_in *in;
	struct transfer_desk *desk;
	uv_timer_t timer;
	uint64_t next_ms; /* no change before this */
	struct zone **arrived;
	size_t arrived_count, arrived_room;
	struct saying *sayings; /* one of each catalog */
};

static void on_timer(uv_timer_t *timer);

/* ---- gathering ---- */

static void arm(struct transfers *transfers)
{
	uint64_t now = clock_ms();
	uint64_t wait = transfers->next_ms > now ? transfers->next_ms - now : 0;

	if (!transfers->daemon->stopping && !transfers->daemon->reload &&
	    !uv_is_active((uv_handle_t *)&transfers->timer))
		uv_timer_start(&transfers->timer, on_timer, wait, 0);
}

static void take(struct transfers *transfers, struct zone *zone)
{
	char name[NAME_TEXT_MAX];

	if (transfers->arrived_count == transfers->arrived_room) {
		size_t room = transfers->arrived_room ? transfers->arrived_room * 2 : 64;
		struct zone **more = realloc(transfers->arrived, room * sizeof(*more));

		if (!more) {
			log_error("zone %s keeps its old data: out of memory",
			          name_to_text(zone->apex, name));
			zone_free(zone);
			return;
		}
		transfers->arrived = more;
		transfers->arrived_room = room;
	}
	transfers->arrived[transfers->arrived_count++] = zone;
	arm(transfers);
}

/* With the keys of the zone that it follows, or those in its folder. */
static void on_install(struct zone *zone, void *arg)
{
	struct transfers *transfers = arg;
	struct daemon *daemon = transfers->daemon;
	const struct zone *before = zones_exact(daemon->zones, zone->apex, zone->apex_len);
	struct error error = {0};
	char name[NAME_TEXT_MAX], text[1024];
	struct zone *ready;

	if (!sign_arrived(zone, before, clock_unix_ms() / 1000, &ready, &error)) {
		/* Of one that goes on with its keys each epoch says so. */
		if (ready->signer && signer_kept_on(ready->signer) && !(before && before->signer))
			log_error("zone %s: " SIGN_KEPT_ON, name_to_text(ready->apex, name));
		take(transfers, ready);
		return;
	}
	log_error("zone %s keeps its old data: %s", name_to_text(zone->apex, name),
	          error_text(&error, text, sizeof(text)));
	zone_free(zone);
}

void transfers_install(struct daemon *daemon, struct zone *zone)
{
	take(daemon->transfers, zone);
}

bool transfers_are_due(const struct daemon *daemon)
{
	return daemon->transfers->arrived_count != 0;
}

static void forget_saying(struct transfers *transfers, const struct config_name *catalog)
{
	struct saying **at = &transfers->sayings, *found;

	while (*at &&
	       !name_equal((*at)->catalog.name, (*at)->catalog.len, catalog->name, catalog->len))
		at = &(*at)->next;
	found = *at;
	if (!found)
		return;
	*at = found->next;
	free(found);
}

static void on_members(const struct config_zone *catalog, const struct config_name *members,
                       size_t count, void *arg)
{
	struct saying *saying = malloc(sizeof(*saying) + count * sizeof(*members));
	struct transfers *transfers = arg;
	char name[NAME_TEXT_MAX];

	if (!saying) {
		log_error("catalog %s keeps its members: out of memory",
		          name_to_text(catalog->name.name, name));
		return;
	}
	forget_saying(transfers, &catalog->name);
	saying->catalog = catalog->name;
	saying->count = count;
	if (count)
		memcpy(saying->members, members, count * sizeof(*members));
	saying->next = transfers->sayings;
	transfers->sayings = saying;
	arm(transfers);
}

/* Goes in at once, on what is served and on what waits. */
static void on_expired(const uint8_t *apex, size_t apex_len, bool expired, void *arg)
{
	struct transfers *transfers = arg;
	struct daemon *daemon = transfers->daemon;
	struct zone *zone = zones_exact(daemon->zones, apex, apex_len);

	for (size_t i = 0; i < transfers->arrived_count; i++) {
		struct zone *one = transfers->arrived[i];

		if (name_equal(one->apex, one->apex_len, apex, apex_len))
			CMM_STORE_SHARED(one->expired, expired);
	}
	if (!zone || !zone->soa)
		return;
	CMM_STORE_SHARED(zone->expired, expired);
	world_settle_until(daemon->config, zone,
	                   transfer_in_expires_ms(transfers->in, apex, apex_len), daemon->publish);
}

/* ---- changing the world ---- */

/* From one world to the next. */
struct change {
	struct config *config; /* the daemon's, where no catalog has said anything */
	struct zones *arrived; /* by name */
	struct zones *zones;
	struct world *world;
};

static size_t pairs_most(const struct transfers *transfers)
{
	size_t count = transfers->daemon->config->zones_count;

	for (const struct saying *saying = transfers->sayings; saying; saying = saying->next)
		count += saying->count;
	return count;
}

static bool has_spoken(const struct transfers *transfers, const struct config_name *catalog)
{
	const struct saying *saying = transfers->sayings;

	while (saying &&
	       !name_equal(saying->catalog.name, saying->catalog.len, catalog->name, catalog->len))
		saying = saying->next;
	return saying != NULL;
}

/* Members as they are, of catalogs that have said nothing, and as the others say. */
static int make_config(struct transfers *transfers, struct config **ret)
{
	const struct config *config = transfers->daemon->config;
	struct catalogs_pair *pairs = calloc(pairs_most(transfers) + 1, sizeof(*pairs));
	size_t count = 0;
	int err;

	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *zone = &config->zones[i];

		if (zone->member_of && !has_spoken(transfers, &zone->member_of->name))
			pairs[count++] =
			        (struct catalogs_pair){&zone->member_of->name, &zone->name};
	}
	for (const struct saying *saying = transfers->sayings; saying; saying = saying->next) {
		for (size_t i = 0; i < saying->count; i++)
			pairs[count++] =
			        (struct catalogs_pair){&saying->catalog, &saying->members[i]};
	}
	err = catalogs_config(transfers->daemon->base, pairs, count, ret);
	free(pairs);
	return err;
}

/* A reload meanwhile may have changed keys and settings. NULL: it is not to be served, and where
 * it was transferred the primary is asked again. */
static struct zone *fit(struct transfers *transfers, struct zone *zone, const struct zone *served,
                        const struct config_zone *settings)
{
	char name[NAME_TEXT_MAX], text[1024];
	struct error error = {0};
	struct zone *fits;

	if (!sign_waited(zone, settings, served, clock_unix_ms() / 1000, &fits, &error))
		return fits;
	log_warning("zone %s keeps its old data: %s", name_to_text(zone->apex, name),
	            error_text(&error, text, sizeof(text)));
	if (settings->primaries_count)
		transfer_in_refresh(transfers->in, zone->apex, zone->apex_len, true);
	return NULL;
}

/* What is to be served as this zone, counted; NULL: nothing (its file is bad), or no memory. */
static struct zone *pick(struct transfers *transfers, const struct change *change,
                         const struct config_zone *settings)
{
	const struct config_name *name = &settings->name;
	struct zone *served = zones_exact(transfers->daemon->zones, name->name, name->len);
	struct zone *zone = zones_exact(change->arrived, name->name, name->len);

	/* A reload meanwhile may have read other data for one that was to be renewed. */
	if (zone && !settings->primaries_count && (!served || served->table != zone->table))
		zone = NULL;
	if (zone)
		zone = fit(transfers, zone, served, settings);
	if (zone)
		return zone;
	if (served)
		return zone_hold(served);
	if (!settings->primaries_count)
		return NULL;
	return zone_without_data(name->name, name->len, settings);
}

static int make_zones(struct transfers *transfers, struct change *change)
{
	size_t most = change->config->zones_count, count = 0;
	struct zone **list = calloc(most + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < most; i++) {
		list[count] = pick(transfers, change, &change->config->zones[i]);
		count += list[count] != NULL;
	}
	change->zones = zones_new(list, count);
	free(list);
	return change->zones ? 0 : -ENOMEM;
}

static void change_done(struct change *change, struct daemon *daemon)
{
	if (change->arrived)
		zones_free(change->arrived);
	if (change->zones)
		zones_free(change->zones);
	if (change->config != daemon->config)
		catalogs_free(change->config, daemon->base);
	free(change->world);
}

/* Nothing that is served is touched yet. */
static int prepare(struct transfers *transfers, struct change *change)
{
	struct daemon *daemon = transfers->daemon;
	int err = transfers->sayings ? make_config(transfers, &change->config) : 0;

	if (err)
		return err;
	change->arrived = zones_new(transfers->arrived, transfers->arrived_count);
	transfers->arrived_count = 0;
	change->world = malloc(sizeof(*change->world));
	if (!change->arrived || !change->world)
		return -ENOMEM;
	err = make_zones(transfers, change);
	if (!err)
		*change->world = (struct world){.config = change->config,
		                                .zones = change->zones,
		                                .store = daemon->store,
		                                .seed = daemon->seed,
		                                .pools = daemon->pools,
		                                .geo = daemon->geo};
	return err;
}

/* What has new data, or is new, takes its place; its old faults are over. */
static void settle(struct daemon *daemon, const struct change *change)
{
	world_renew_settings(change->config, change->zones);
	if (change->config != daemon->config && daemon->publish)
		world_remove_gone(change->zones, daemon->zones, daemon->publish);
	for (size_t i = 0; i < zones_count(change->zones); i++) {
		struct zone *zone = zones_at(change->zones, i);

		if (zones_exact(daemon->zones, zone->apex, zone->apex_len) == zone)
			continue;
		world_settle_zone(change->config, zone, daemon->zones, daemon->publish);
		daemon_forget_faults(daemon, zone);
	}
	if (change->config != daemon->config && daemon->publish)
		world_disturb(change->zones, daemon->zones, daemon->publish);
}

static void swap(struct daemon *daemon, struct change *change)
{
	struct transfers *transfers = daemon->transfers;
	struct config *old_config = daemon->config;
	struct zones *old_zones = daemon->zones;
	bool other = change->config != old_config;

	settle(daemon, change);
	daemon->config = change->config;
	daemon->zones = change->zones;
	daemon->world = change->world;
	change->zones = NULL;
	change->world = NULL;
	free(serve_swap_world(daemon->world));
	flatten_world(daemon->flatten, daemon->world, daemon->upstream, daemon->publish,
	              daemon->keep);
	transfer_desk_world(transfers->desk, daemon->world);
	if (other)
		transfer_in_world(transfers->in, daemon->world);
	zones_free(old_zones);
	if (other)
		catalogs_free(old_config, daemon->base);
	loops_expect(daemon);
	epochs_expect(daemon);
	transfers_hold(daemon);
}

static void forget_sayings(struct transfers *transfers)
{
	while (transfers->sayings) {
		struct saying *saying = transfers->sayings;

		transfers->sayings = saying->next;
		free(saying);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct transfers *transfers = timer->data;
	struct daemon *daemon = transfers->daemon;
	struct change change = {.config = daemon->config};
	uint64_t began = clock_ms(), now, pause;

	if (daemon->reload || daemon->stopping)
		return;
	if (prepare(transfers, &change))
		log_error("zones that were transferred are not served: out of memory");
	else
		swap(daemon, &change);
	change_done(&change, daemon);
	forget_sayings(transfers);
	now = clock_ms();
	pause = PAUSE_TIMES * (now - began);
	transfers->next_ms = now + PAUSE_MS + (pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS);
}

/* ---- for the others of this room ---- */

void transfers_world(struct daemon *daemon)
{
	struct transfers *transfers = daemon->transfers;

	transfer_desk_world(transfers->desk, daemon->world);
	transfer_in_world(transfers->in, daemon->world);
	transfers_hold(daemon);
}

void transfers_hold(struct daemon *daemon)
{
	for (size_t i = 0; daemon->publish && i < daemon->config->zones_count; i++) {
		const struct config_zone *settings = &daemon->config->zones[i];
		const struct config_name *name = &settings->name;
		const struct zone *zone;

		if (!settings->primaries_count)
			continue;
		zone = zones_exact(daemon->zones, name->name, name->len);
		if (zone)
			world_settle_until(daemon->config, zone,
			                   transfer_in_expires_ms(daemon->transfers->in, name->name,
			                                          name->len),
			                   daemon->publish);
	}
}

void transfers_resume(struct daemon *daemon)
{
	struct transfers *transfers = daemon->transfers;

	if (transfers->arrived_count || transfers->sayings)
		arm(transfers);
}

int transfers_start(struct daemon *daemon)
{
	const char *state_dir = daemon->config->state_dir;
	struct transfers *transfers = calloc(1, sizeof(*transfers));
	const struct transfer_in_host host = {on_install, on_expired, on_members, transfers};

	if (!transfers)
		return -ENOMEM;
	transfers->daemon = daemon;
	uv_timer_init(&daemon->loop, &transfers->timer);
	transfers->timer.data = transfers;
	daemon->transfers = transfers;
	transfers->desk = transfer_desk_new(&daemon->loop, daemon->flatten, state_dir);
	transfers->in = transfer_in_new(&daemon->loop, state_dir, &host);
	if (!transfers->desk || !transfers->in)
		return -ENOMEM;
	transfers_world(daemon);
	return 0;
}

void transfers_stop(struct daemon *daemon)
{
	struct transfers *transfers = daemon->transfers;

	if (!transfers)
		return;
	uv_close((uv_handle_t *)&transfers->timer, NULL);
	if (transfers->in)
		transfer_in_free(transfers->in);
	if (transfers->desk)
		transfer_desk_free(transfers->desk);
}

void transfers_free(struct daemon *daemon)
{
	struct transfers *transfers = daemon->transfers;

	if (!transfers)
		return;
	for (size_t i = 0; i < transfers->arrived_count; i++)
		zone_free(transfers->arrived[i]);
	free(transfers->arrived);
	forget_sayings(transfers);
	free(transfers);
	daemon->transfers = NULL;
}

int transfers_refresh(struct daemon *daemon, const struct config_name *zone, bool whole)
{
	return transfer_in_refresh(daemon->transfers->in, zone->name, zone->len, whole);
}

int transfers_notify(struct daemon *daemon, const struct config_name *zone)
{
	return transfer_desk_notify(daemon->transfers->desk, zone->name, zone->len);
}

json_t *transfers_status(struct daemon *daemon, const struct config_name *zone)
{
	return transfer_in_status(daemon->transfers->in, zone->name, zone->len);
}
