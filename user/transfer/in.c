/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "transfer/in_room.h"
#include "zone/zones.h"

#define BUCKETS_MIN 64
#define HANDED_MS   60000 /* a host takes no longer to serve what it was given */

static const struct in_limits limits_default = {
        .udp_ms = 1500,
        .connect_ms = 5000,
        .idle_ms = 10000,
        .whole_ms = 3600 * 1000,
        .octets_max = 4ull << 30,
        .memory_max = 1ull << 30,
};

struct in_counters in_counters;

void transfer_in_stats(struct transfer_in_stats *ret)
{
	*ret = (struct transfer_in_stats){
	        .checks = in_counters.checks,
	        .axfr = in_counters.axfr,
	        .ixfr = in_counters.ixfr,
	        .up_to_date = in_counters.up_to_date,
	        .failures = in_counters.failures,
	        .notifies = in_counters.notifies,
	        .notifies_refused = in_counters.notifies_refused,
	        .expired = in_counters.expired,
	};
}

/* ---- the table ---- */

static struct in_zone **bucket_of(struct transfer_in *in, const uint8_t *apex, size_t apex_len)
{
	return &in->buckets[name_hash(apex, apex_len) & (in->size - 1)];
}

struct in_zone *in_find(struct transfer_in *in, const uint8_t *apex, size_t apex_len)
{
	struct in_zone *zone = *bucket_of(in, apex, apex_len);

	while (zone && !name_equal(zone->settings->zone.name.name, zone->settings->zone.name.len,
	                           apex, apex_len))
		zone = zone->next;
	return zone;
}

static void insert(struct transfer_in *in, struct in_zone *zone)
{
	const struct config_name *name = &zone->settings->zone.name;
	struct in_zone **bucket = bucket_of(in, name->name, name->len);

	zone->next = *bucket;
	*bucket = zone;
	in->count++;
}

/* Long chains are slow, not wrong: without memory the table stays as it is. */
static void grow(struct transfer_in *in)
{
	struct in_zone **before = in->buckets, **buckets;
	size_t size = in->size;

	if (in->count < in->size)
		return;
	buckets = calloc(size * 2, sizeof(struct in_zone *));
	if (!buckets)
		return;
	in->buckets = buckets;
	in->size = size * 2;
	in->count = 0;
	for (size_t i = 0; i < size; i++) {
		for (struct in_zone *zone = before[i], *next; zone; zone = next) {
			next = zone->next;
			insert(in, zone);
		}
	}
	free(before);
}

/* ---- lifetimes ---- */

/* What points here is gone: the loop's handles, asks, jobs. */
static void really_free(struct transfer_in *in)
{
	pthread_mutex_destroy(&in->lock);
	free(in->buckets);
	free(in->others);
	free(in->state_dir);
	free(in);
}

void in_release(struct transfer_in *in)
{
	if (!--in->open)
		really_free(in);
}

static void make_folder(const char *state_dir)
{
	char path[1024];

	if (!state_dir[0])
		return;
	snprintf(path, sizeof(path), "%s/zones", state_dir);
	if (mkdir(path, 0755) && errno != EEXIST)
		log_warning("%s: %s: transferred zones will not outlive a restart", path,
		            strerror(errno));
}

struct transfer_in *transfer_in_new(uv_loop_t *loop, const char *state_dir,
                                    const struct transfer_in_host *host)
{
	struct transfer_in *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->loop = loop;
	in->host = *host;
	in->limits = limits_default;
	in->size = BUCKETS_MIN;
	in->buckets = calloc(in->size, sizeof(struct in_zone *));
	in->state_dir = strdup(state_dir);
	pthread_mutex_init(&in->lock, NULL);
	if (!in->buckets || !in->state_dir) {
		really_free(in);
		return NULL;
	}
	TAILQ_INIT(&in->waiting);
	make_folder(in->state_dir);
	uv_timer_init(loop, &in->members_timer);
	in->members_timer.data = in;
	in->open = 1;
	in_notify_open(in);
	return in;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct in_zone *zone = handle->data;
	struct transfer_in *in = zone->in;

	zone_free(zone->zone);
	catalog_done(&zone->catalog);
	in_settings_free(zone->settings);
	free(zone);
	in_release(in);
}

/* The zone is out of the table already. */
static void let_go(struct in_zone *zone)
{
	in_zone_stop(zone);
	zone->gone = true;
	uv_close((uv_handle_t *)&zone->timer, on_timer_closed);
}

static void on_handle_closed(uv_handle_t *handle)
{
	in_release(handle->data);
}

void transfer_in_free(struct transfer_in *in)
{
	if (!in)
		return;
	in->closing = true;
	in_notify_close(in);
	uv_close((uv_handle_t *)&in->members_timer, on_handle_closed);
	for (size_t i = 0; i < in->size; i++) {
		for (struct in_zone *zone = in->buckets[i], *next; zone; zone = next) {
			next = zone->next;
			let_go(zone);
		}
		in->buckets[i] = NULL;
	}
}

/* ---- the world ---- */

static struct in_zone *add(struct transfer_in *in, const struct config_zone *config,
                           struct zone *data)
{
	struct in_zone *zone = calloc(1, sizeof(*zone));
	struct error error;
	char text[NAME_TEXT_MAX];

	if (zone)
		zone->settings = in_settings_new(config);
	if (!zone || !zone->settings) {
		free(zone);
		log_error("zone %s: out of memory", name_to_text(config->name.name, text));
		return NULL;
	}
	zone->settings->in = in;
	zone->in = in;
	zone->config = config;
	zone->zone = data ? zone_hold(data) : NULL;
	in->open++;
	in_zone_start(zone);
	if (zone->zone && zone->settings->catalog && in_catalog_take(zone, zone->zone, &error))
		log_error("catalog %s: %s", name_to_text(config->name.name, text), error.text);
	grow(in);
	insert(in, zone);
	return zone;
}

/* The same zone under another configuration. */
static void renew_settings(struct in_zone *zone, const struct config_zone *config)
{
	struct in_settings *settings = in_settings_new(config), *before = zone->settings;

	if (!settings)
		return; /* the old ones do for now */
	settings->in = zone->in;
	if (in_settings_same_shape(before, settings) &&
	    in_settings_same_primaries(before, settings) && before->member == settings->member) {
		in_settings_free(settings);
		return;
	}
	in_zone_stop(zone);
	zone->whole |= !in_settings_same_shape(before, settings);
	zone->next_ms = 0;
	zone->settings = settings;
	in_settings_free(before);
	in_zone_next_waiting(zone->in);
}

/* Data that is on its way into the world is not asked for again, nor taken for lost. */
static bool is_on_its_way(const struct in_zone *zone, const struct zone *data)
{
	return zone->handed_ms && clock_ms() - zone->handed_ms < HANDED_MS &&
	       (!data || in_serial_newer(zone->zone->serial, data->serial));
}

static void adopt(struct in_zone *zone, struct zone *data)
{
	if (data == zone->zone || !zone->zone || !is_on_its_way(zone, data)) {
		zone->handed_ms = 0;
		/* The host has lost it, or has what is older. */
		if (zone->zone && (!data || in_serial_newer(zone->zone->serial, data->serial)))
			zone->next_ms = 0;
		if (data)
			zone_hold(data);
		zone_free(zone->zone);
		zone->zone = data;
	}
}

static void renew(struct in_zone *zone, const struct config_zone *config, struct zone *data)
{
	zone->config = config;
	renew_settings(zone, config);
	adopt(zone, data);
	in_zone_arm(zone);
}

static void sweep(struct transfer_in *in)
{
	for (size_t i = 0; i < in->size; i++) {
		for (struct in_zone **link = &in->buckets[i]; *link;) {
			struct in_zone *zone = *link;

			if (zone->seen) {
				zone->seen = false;
				link = &zone->next;
				continue;
			}
			*link = zone->next;
			in->count--;
			if (zone->settings->member)
				in_job_forget(zone);
			let_go(zone);
		}
	}
}

void transfer_in_world(struct transfer_in *in, const struct world *world)
{
	const struct config *config = world->config;

	in->types = (struct in_types){{AN_TYPE_ANAME, config->aname_type,
	                               config->xfr_type_accept[0], config->xfr_type_accept[1]}};
	pthread_mutex_lock(&in->lock);
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *settings = &config->zones[i];
		const struct config_name *name = &settings->name;
		struct zone *data = zones_exact(world->zones, name->name, name->len);
		struct in_zone *zone;

		if (!settings->primaries_count)
			continue;
		if (data && !data->soa) /* zone_without_data() */
			data = NULL;
		zone = in_find(in, name->name, name->len);
		if (zone)
			renew(zone, settings, data);
		else
			zone = add(in, settings, data);
		if (zone)
			zone->seen = true;
	}
	sweep(in);
	in->config = config;
	pthread_mutex_unlock(&in->lock);
	in_zone_next_waiting(in);
	if (!in_catalog_index(in))
		in_catalog_soon(in);
}

int transfer_in_refresh(struct transfer_in *in, const uint8_t *apex, size_t apex_len, bool whole)
{
	struct in_zone *zone = in_find(in, apex, apex_len);

	if (!zone)
		return -ENOENT;
	zone->whole |= whole;
	in_zone_check(zone);
	return 0;
}
