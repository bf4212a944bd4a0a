/* SPDX-License-Identifier: BSD-2-Clause */
/* Every counter, as JSON. */
#include <stdio.h>

#include "base/clock.h"
#include "control/daemon.h"
#include "control/report.h"
#include "sign/cache.h"
#include "sign/signer.h"
#include "transfer/in.h"
#include "transfer/out.h"

/* A counter of a struct, by its own name. */
struct number {
	const char *name;
	size_t offset;
};

#define NUMBER(type, field)                                                                        \
	{                                                                                          \
#field, offsetof(struct type, field)                                               \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct number serve_numbers[] = {
        NUMBER(serve_stats, udp_queries), NUMBER(serve_stats, udp_replies),
        NUMBER(serve_stats, udp_ipv6),    NUMBER(serve_stats, tcp_queries),
        NUMBER(serve_stats, tcp_replies), NUMBER(serve_stats, tcp_accepted),
        NUMBER(serve_stats, tcp_open),    NUMBER(serve_stats, tcp_refused),
        NUMBER(serve_stats, dropped),     NUMBER(serve_stats, parked),
        NUMBER(serve_stats, park_full),   NUMBER(serve_stats, truncated),
        NUMBER(serve_stats, stale),       NUMBER(serve_stats, from_zone),
        NUMBER(serve_stats, from_store),  NUMBER(serve_stats, ecs),
        NUMBER(serve_stats, send_errors), NUMBER(serve_stats, limited_dropped),
        NUMBER(serve_stats, limited_cut),
};

static const struct number flatten_numbers[] = {
        NUMBER(flatten_stats, wants),      NUMBER(flatten_stats, flights),
        NUMBER(flatten_stats, coalesced),  NUMBER(flatten_stats, lookups),
        NUMBER(flatten_stats, local),      NUMBER(flatten_stats, failures),
        NUMBER(flatten_stats, refreshed),  NUMBER(flatten_stats, stale_served_timer),
        NUMBER(flatten_stats, rechecked),  NUMBER(flatten_stats, over_budget),
        NUMBER(flatten_stats, denied),     NUMBER(flatten_stats, private_dropped),
        NUMBER(flatten_stats, overlaps),   NUMBER(flatten_stats, loops),
        NUMBER(flatten_stats, offers),     NUMBER(flatten_stats, offers_dropped),
        NUMBER(flatten_stats, recomposed), NUMBER(flatten_stats, switches),
        NUMBER(flatten_stats, panics),     NUMBER(flatten_stats, resorts),
};

static const struct number publish_numbers[] = {
        NUMBER(publish_stats, owners),          NUMBER(publish_stats, answers),
        NUMBER(publish_stats, slots_used),      NUMBER(publish_stats, slots_large_used),
        NUMBER(publish_stats, evicted),         NUMBER(publish_stats, held_back),
        NUMBER(publish_stats, refused),         NUMBER(publish_stats, folded),
        NUMBER(publish_stats, collisions),      NUMBER(publish_stats, adopted),
        NUMBER(publish_stats, adopted_dropped), NUMBER(publish_stats, names),
};

static const struct number keep_numbers[] = {
        NUMBER(keep_stats, records),
        NUMBER(keep_stats, commits),
        NUMBER(keep_stats, failures),
        NUMBER(keep_stats, bytes),
};

static const struct number upstream_numbers[] = {
        NUMBER(upstream_stats, asked),      NUMBER(upstream_stats, answered),
        NUMBER(upstream_stats, timeouts),   NUMBER(upstream_stats, failures),
        NUMBER(upstream_stats, mismatched), NUMBER(upstream_stats, tcp),
        NUMBER(upstream_stats, hedged),     NUMBER(upstream_stats, without_ecs),
        NUMBER(upstream_stats, rtt_us),
};

static const struct number transfer_in_numbers[] = {
        NUMBER(transfer_in_stats, checks),
        NUMBER(transfer_in_stats, axfr),
        NUMBER(transfer_in_stats, ixfr),
        NUMBER(transfer_in_stats, up_to_date),
        NUMBER(transfer_in_stats, failures),
        NUMBER(transfer_in_stats, notifies),
        NUMBER(transfer_in_stats, notifies_refused),
        NUMBER(transfer_in_stats, expired),
};

static const struct number transfer_out_numbers[] = {
        NUMBER(transfer_out_stats, axfr),
        NUMBER(transfer_out_stats, ixfr),
        NUMBER(transfer_out_stats, ixfr_as_axfr),
        NUMBER(transfer_out_stats, refused),
        NUMBER(transfer_out_stats, records),
        NUMBER(transfer_out_stats, notifies),
        NUMBER(transfer_out_stats, notify_failures),
        NUMBER(transfer_out_stats, expanded_changes),
};

static json_t *numbers_json(const void *base, const struct number *numbers, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		const uint64_t *value = (const void *)((const char *)base + numbers[i].offset);

		json_object_set_new(object, numbers[i].name, json_integer((json_int_t)*value));
	}
	return object;
}

/* ---- the kernel half ---- */

static json_t *counters_json(const struct an_counters *counters)
{
	const uint64_t *value = (const void *)counters;
	json_t *object = json_object();

	for (size_t i = 0; i < KERNEL_COUNTER_COUNT; i++)
		json_object_set_new(object, kernel_counter_names[i],
		                    json_integer((json_int_t)value[i]));
	return object;
}

static json_t *queries_json(const struct an_counters *counters, const struct serve_stats *serve)
{
	uint64_t daemon = serve->udp_queries + serve->tcp_queries;

	return json_pack("{s:I, s:I, s:I, s:I}", "total", (json_int_t)(counters->hit + daemon),
	                 "kernel", (json_int_t)counters->hit, "daemon", (json_int_t)daemon, "stale",
	                 (json_int_t)(counters->hit_stale + serve->stale));
}

json_t *report_stats_kernel(const struct kernel_maps *maps)
{
	const struct serve_stats none = {0};
	struct an_counters counters = {0};
	json_t *object = json_object();

	kernel_counters(maps, &counters);
	json_object_set_new(object, "queries", queries_json(&counters, &none));
	json_object_set_new(object, "kernel", counters_json(&counters));
	json_object_set_new(object, "daemon", json_null());
	return object;
}

/* ---- the daemon ---- */

static json_t *rcodes_json(const struct serve_stats *stats)
{
	static const char *const names[24] = {
	        [AN_RCODE_NOERROR] = "NOERROR",   [AN_RCODE_FORMERR] = "FORMERR",
	        [AN_RCODE_SERVFAIL] = "SERVFAIL", [AN_RCODE_NXDOMAIN] = "NXDOMAIN",
	        [AN_RCODE_NOTIMP] = "NOTIMP",     [AN_RCODE_REFUSED] = "REFUSED",
	        [AN_RCODE_YXDOMAIN] = "YXDOMAIN", [AN_RCODE_NOTAUTH] = "NOTAUTH",
	        [AN_RCODE_BADVERS] = "BADVERS",   [AN_RCODE_BADCOOKIE] = "BADCOOKIE"};
	json_t *object = json_object();
	char number[32];

	for (int i = 0; i < 24; i++) {
		if (!names[i] && !stats->rcode[i])
			continue;
		snprintf(number, sizeof(number), "RCODE%d", i);
		json_object_set_new(object, names[i] ? names[i] : number,
		                    json_integer((json_int_t)stats->rcode[i]));
	}
	return object;
}

static json_t *upstreams_json(const struct daemon *daemon)
{
	size_t count = daemon->upstream ? upstream_count(daemon->upstream) : 0;
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		struct upstream_stats stats;
		char text[NET_TEXT_MAX];
		json_t *one;

		upstream_stats(daemon->upstream, i, &stats);
		one = numbers_json(&stats, upstream_numbers, COUNT(upstream_numbers));
		json_object_set_new(
		        one, "address",
		        json_string(endpoint_text(&daemon->config->upstreams[i].address, text)));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *transfers_json(void)
{
	struct transfer_out_stats out;
	struct transfer_in_stats in;
	json_t *object = json_object();

	transfer_in_stats(&in);
	transfer_out_stats(&out);
	json_object_set_new(object, "in",
	                    numbers_json(&in, transfer_in_numbers, COUNT(transfer_in_numbers)));
	json_object_set_new(object, "out",
	                    numbers_json(&out, transfer_out_numbers, COUNT(transfer_out_numbers)));
	return object;
}

json_t *report_queries(struct daemon *daemon)
{
	struct an_counters counters = {0};
	struct serve_stats serve;

	if (daemon->maps)
		kernel_counters(daemon->maps, &counters);
	serve_stats(daemon->serve, &serve);
	return queries_json(&counters, &serve);
}

/* Signatures made; those over denials and wildcards that were found made already; and how long the
 * zones' are good. */
static json_t *dnssec_json(const struct daemon *daemon)
{
	struct sign_cache_stats cache;
	int64_t left = daemon->signed_zones ? daemon->signed_until_s - clock_unix_ms() / 1000 : 0;

	sign_cache_stats(&cache);
	return json_pack("{s:I, s:I, s:I, s:I}", "zones", (json_int_t)daemon->signed_zones,
	                 "expires_in_s", (json_int_t)left, "signatures", (json_int_t)signer_made(),
	                 "cached", (json_int_t)cache.hits);
}

json_t *report_stats(struct daemon *daemon)
{
	struct an_counters counters = {0};
	struct flatten_stats flatten;
	struct publish_stats publish;
	struct keep_stats keep;
	struct serve_stats serve;
	json_t *object = json_object(), *part;

	if (daemon->maps)
		kernel_counters(daemon->maps, &counters);
	serve_stats(daemon->serve, &serve);
	flatten_stats(daemon->flatten, &flatten);
	json_object_set_new(object, "uptime_s",
	                    json_integer((json_int_t)(clock_ms() - daemon->started_ms) / 1000));
	json_object_set_new(object, "queries", queries_json(&counters, &serve));
	json_object_set_new(object, "kernel",
	                    daemon->maps ? counters_json(&counters) : json_null());
	part = numbers_json(&serve, serve_numbers, COUNT(serve_numbers));
	json_object_set_new(part, "rcode", rcodes_json(&serve));
	json_object_set_new(object, "daemon", part);
	json_object_set_new(object, "flatten",
	                    numbers_json(&flatten, flatten_numbers, COUNT(flatten_numbers)));
	json_object_set_new(object, "upstreams", upstreams_json(daemon));
	json_object_set_new(object, "store",
	                    json_pack("{s:I, s:I}", "answers",
	                              (json_int_t)store_count(daemon->store), "owners",
	                              (json_int_t)store_owner_count(daemon->store)));
	json_object_set_new(object, "transfers", transfers_json());
	json_object_set_new(object, "dnssec", dnssec_json(daemon));
	json_object_set_new(object, "databases",
	                    json_pack("{s:I, s:I}", "loads", (json_int_t)daemon->geo_loads,
	                              "failures", (json_int_t)daemon->geo_failures));
	json_object_set_new(object, "health", report_health_stats(daemon));
	if (daemon->publish) {
		publish_stats(daemon->publish, &publish);
		json_object_set_new(
		        object, "publish",
		        numbers_json(&publish, publish_numbers, COUNT(publish_numbers)));
	}
	if (daemon->keep) {
		keep_stats(daemon->keep, &keep);
		json_object_set_new(object, "keep",
		                    numbers_json(&keep, keep_numbers, COUNT(keep_numbers)));
	}
	return object;
}
