/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status page and the metrics: one document out of the reports, and the
 * samples of the last hour.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/daemon.h"
#include "control/report.h"
#include "show/http.h"
#include "show/metrics.h"
#include "show/page.h"
#include "show/samples.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define ZONES_SHOWN       100
#define TRANSFERRED_SHOWN 1000
#define CHECKED_SHOWN     1000
/* More zones than these are not counted at every look: a million take a tenth of a second. */
#define COUNTED_AT_ONCE 10000
#define COUNTED_FOR_MS  60000

struct zone_counts {
	uint64_t served, expired, empty; /* empty: no data, yet or since it is bad */
};

struct status {
	struct http *http; /* NULL: does not listen */
	struct endpoint address;
	struct samples samples;
	struct zone_counts counts;
	uint64_t counted_ms;
	const struct zones *counted; /* of which set; never looked into */
};

/* ---- zones ---- */

static void count_zones(struct daemon *daemon)
{
	struct status *status = daemon->status;
	size_t count = zones_count(daemon->zones);
	uint64_t now = clock_ms();

	if (count > COUNTED_AT_ONCE && status->counted == daemon->zones &&
	    now - status->counted_ms < COUNTED_FOR_MS)
		return;
	status->counts = (struct zone_counts){0};
	status->counted = daemon->zones;
	status->counted_ms = now;
	for (size_t i = 0; i < count; i++) {
		const struct zone *zone = zones_at(daemon->zones, i);

		if (!zone->soa)
			status->counts.empty++;
		else if (zone->expired)
			status->counts.expired++;
		else
			status->counts.served++;
	}
}

json_t *report_zone_counts(struct daemon *daemon)
{
	const struct zone_counts *counts = &daemon->status->counts;

	count_zones(daemon);
	return json_pack("{s:I, s:I, s:I}", "served", (json_int_t)counts->served, "expired",
	                 (json_int_t)counts->expired, "empty", (json_int_t)counts->empty);
}

static json_t *transferred_json(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *list = json_array();
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < config->zones_count && i < COUNTED_AT_ONCE; i++) {
		const struct config_zone *zone = &config->zones[i];
		json_t *one;

		if (!zone->primaries_count)
			continue;
		if (json_array_size(list) == TRANSFERRED_SHOWN)
			break;
		one = transfers_status(daemon, &zone->name);
		if (!one)
			continue;
		SET(one, "zone", json_string(name_to_text(zone->name.name, text)));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *zones_json(struct daemon *daemon)
{
	json_t *object = report_zones(daemon, NULL, ZONES_SHOWN);

	SET(object, "count", report_zone_counts(daemon));
	SET(object, "transferred", transferred_json(daemon));
	return object;
}

/* ---- the kernel's maps ---- */

static json_t *capacity_json(const struct kernel_maps *maps)
{
	if (!maps)
		return json_object();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "owners", (json_int_t)maps->owners_max,
	                 "audiences", (json_int_t)maps->audiences_max, "slots",
	                 (json_int_t)maps->slots_count, "slots_large",
	                 (json_int_t)maps->slots_large_count, "zones",
	                 (json_int_t)maps->zones_count, "names",
	                 (json_int_t)maps->names_lines * AN_NAME_ENTRIES / 4);
}

/* What each reason to pass a packet up is, in words. */
static json_t *reasons_json(void)
{
	json_t *object = json_object();

	for (size_t i = 0; i < KERNEL_COUNTER_COUNT; i++) {
		if (strncmp(kernel_counter_names[i], "pass_", 5) == 0)
			SET(object, kernel_counter_names[i] + 5,
			    json_string(kernel_counter_texts[i]));
	}
	return object;
}

/* ---- the last hour ---- */

enum { SAMPLE_KERNEL, SAMPLE_DAEMON, SAMPLE_STALE, SAMPLE_FAILED };

static void take_sample(struct daemon *daemon, uint64_t now)
{
	struct an_counters counters = {0};
	struct serve_stats serve;
	struct flatten_stats flatten;
	uint64_t value[SAMPLES_COUNTERS];

	if (daemon->maps)
		kernel_counters(daemon->maps, &counters);
	serve_stats(daemon->serve, &serve);
	flatten_stats(daemon->flatten, &flatten);
	value[SAMPLE_KERNEL] = counters.hit;
	value[SAMPLE_DAEMON] = serve.udp_queries + serve.tcp_queries;
	value[SAMPLE_STALE] = counters.hit_stale + serve.stale;
	value[SAMPLE_FAILED] = flatten.failures;
	samples_add(&daemon->status->samples, now, value);
}

static json_t *rates_json(const struct samples *samples, size_t counter)
{
	json_t *list = json_array();

	for (size_t span = 0; span < samples_spans(samples); span++) {
		double rate = samples_rate(samples, span, counter);

		json_array_append_new(list, json_real((double)(long long)(rate * 100) / 100));
	}
	return list;
}

static json_t *history_json(const struct samples *samples)
{
	json_t *object = json_object();

	SET(object, "step_s", json_real(SAMPLES_STEP_MS / 1000.0));
	SET(object, "kernel", rates_json(samples, SAMPLE_KERNEL));
	SET(object, "daemon", rates_json(samples, SAMPLE_DAEMON));
	SET(object, "stale", rates_json(samples, SAMPLE_STALE));
	SET(object, "failed", rates_json(samples, SAMPLE_FAILED));
	return object;
}

/* ---- the document ---- */

static void set_times(json_t *object, const struct daemon *daemon)
{
	int64_t now = clock_unix_ms() / 1000;
	time_t seconds = (time_t)now;
	char text[64] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(text, sizeof(text), "%F %T UTC", &utc);
	SET(object, "now", json_string(text));
	SET(object, "now_unix_s", json_integer(now));
	SET(object, "started_unix_s",
	    json_integer(now - (json_int_t)(clock_ms() - daemon->started_ms) / 1000));
}

static json_t *host_json(void)
{
	char text[256] = "";
	json_t *host;

	if (gethostname(text, sizeof(text) - 1))
		text[0] = 0;
	host = json_string(text);
	return host ? host : json_string("?");
}

json_t *report_document(struct daemon *daemon)
{
	json_t *object = json_object();
	size_t left;

	SET(object, "host", host_json());
	set_times(object, daemon);
	SET(object, "build", json_pack("[{s:s, s:i}]", "version", ANAMED_VERSION, "one", 1));
	SET(object, "status", report_status(daemon));
	SET(object, "stats", report_stats(daemon));
	SET(object, "capacity", capacity_json(daemon->maps));
	SET(object, "reasons", reasons_json());
	SET(object, "zones", zones_json(daemon));
	SET(object, "health", report_health(daemon, NULL, CHECKED_SHOWN, &left));
	SET(object, "pools", report_pools(daemon));
	SET(object, "pool_members", report_pool_members(json_object_get(object, "pools")));
	SET(object, "databases_faulty", json_integer(daemon->geo_fault != NULL));
	SET(object, "regions", report_regions(daemon));
	SET(object, "region_replies", report_region_replies(daemon));
	SET(object, "history", history_json(&daemon->status->samples));
	return object;
}

/* ---- the pages ---- */

static int make(FILE *out, struct daemon *daemon, void (*write)(FILE *, const json_t *))
{
	json_t *document = report_document(daemon);

	if (!document)
		return -ENOMEM;
	write(out, document);
	json_decref(document);
	return 0;
}

static int make_metrics(FILE *out, void *arg)
{
	return make(out, arg, metrics_write);
}

static int make_page(FILE *out, void *arg)
{
	return make(out, arg, page_write);
}

static void write_json(FILE *out, const json_t *document)
{
	json_dumpf(document, out, JSON_INDENT(1));
	putc('\n', out);
}

static int make_json(FILE *out, void *arg)
{
	return make(out, arg, write_json);
}

static const struct http_page pages[] = {
        {"/", PAGE_TYPE, page_policy, make_page},
        {"/metrics", METRICS_TYPE, NULL, make_metrics},
        {"/status.json", "application/json", NULL, make_json},
        {0},
};

/* ---- with the daemon ---- */

static const char *url_text(const struct endpoint *address, char *ret, size_t size)
{
	bool six = address->family == AN_FAMILY_IPV6;
	char text[NET_TEXT_MAX];

	net_address_text(address->family, address->address, text);
	snprintf(ret, size, "http://%s%s%s:%u/", six ? "[" : "", text, six ? "]" : "",
	         address->port);
	return ret;
}

static void listen_at(struct daemon *daemon, const struct endpoint *address)
{
	struct status *status = daemon->status;
	struct endpoint listening;
	struct error error = {0};
	char text[1024];

	status->address = *address;
	if (!address->family)
		return;
	if (http_open(&daemon->loop, address, pages, daemon, &status->http, &error)) {
		status->http = NULL;
		log_warning("nobody will see status page and metrics: %s",
		            error_text(&error, text, sizeof(text)));
		return;
	}
	listening = http_address(status->http);
	log_notice("status page and metrics: %s", url_text(&listening, text, sizeof(text)));
}

json_t *report_status_page(const struct daemon *daemon)
{
	struct endpoint address;
	char text[NET_TEXT_MAX + 32];

	if (!daemon->status->http)
		return json_null();
	address = http_address(daemon->status->http);
	return json_string(url_text(&address, text, sizeof(text)));
}

int status_start(struct daemon *daemon)
{
	daemon->status = calloc(1, sizeof(*daemon->status));
	if (!daemon->status)
		return -ENOMEM;
	listen_at(daemon, &daemon->config->status_listen);
	status_second(daemon);
	return 0;
}

void status_world(struct daemon *daemon)
{
	struct status *status = daemon->status;
	const struct endpoint *address = &daemon->config->status_listen;

	if (endpoint_equal(address, &status->address))
		return;
	http_close(status->http);
	status->http = NULL;
	listen_at(daemon, address);
}

void status_second(struct daemon *daemon)
{
	uint64_t now = clock_ms();

	if (samples_is_due(&daemon->status->samples, now))
		take_sample(daemon, now);
}

void status_stop(struct daemon *daemon)
{
	if (daemon->status)
		http_close(daemon->status->http);
}

void status_free(struct daemon *daemon)
{
	free(daemon->status);
}
