/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "show/escape.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LABELS_MAX   4
#define GAUGE        "gauge"
#define COUNTER      "counter"

/* How the number, or the numbers, are found. */
enum shape {
	ONE,     /* `path` is a number; `labels` stand as they are */
	MEMBERS, /* `path` is an object: each member that begins with `member` is a number, and the
	            rest of its key is the value of the label `labels` */
	LIST,    /* `path` is a list: of each entry, `member` is the number; `labels` name members
	            (NAME, or NAME=MEMBER), separated by commas */
};

struct metric {
	const char *name, *type, *path;
	enum shape shape;
	const char *member, *labels;
	double scale; /* 0: whole numbers as they are */
	const char *help;
};

#define NUMBER(name_, type_, path_, help_)                                                         \
	{                                                                                          \
		.name = name_, .type = type_, .path = path_, .help = help_                         \
	}
#define LABELED(name_, type_, path_, labels_, help_)                                               \
	{                                                                                          \
		.name = name_, .type = type_, .path = path_, .labels = labels_, .help = help_      \
	}
#define EACH_MEMBER(name_, type_, path_, member_, label_, help_)                                   \
	{                                                                                          \
		.name = name_, .type = type_, .path = path_, .shape = MEMBERS, .member = member_,  \
		.labels = label_, .help = help_                                                    \
	}
#define EACH(name_, type_, path_, member_, labels_, help_)                                         \
	{                                                                                          \
		.name = name_, .type = type_, .path = path_, .shape = LIST, .member = member_,     \
		.labels = labels_, .help = help_                                                   \
	}

/* Rows of one name stand together. */
static const struct metric metrics[] = {
        LABELED("anamed_queries_total", COUNTER, "stats.queries.kernel", "path=\"xdp\"",
                "Queries answered by the XDP program, and queries that came to the daemon."),
        LABELED("anamed_queries_total", COUNTER, "stats.queries.daemon", "path=\"user\"", ""),
        NUMBER("anamed_stale_answers_total", COUNTER, "stats.queries.stale",
               "Queries answered with a last good answer, by either path."),
        NUMBER("anamed_xdp_hits_total", COUNTER, "stats.kernel.hit",
               "Queries answered by the XDP program, since its maps were pinned."),
        EACH_MEMBER("anamed_xdp_hits_of_kind_total", COUNTER, "stats.kernel", "hit_", "kind",
                    "Of anamed_xdp_hits_total those of a kind; one hit can be of several."),
        EACH_MEMBER("anamed_xdp_passed_total", COUNTER, "stats.kernel", "pass_", "reason",
                    "Packets that the XDP program passed up, by reason."),
        EACH_MEMBER("anamed_xdp_dropped_total", COUNTER, "stats.kernel", "drop_", "reason",
                    "Packets that the XDP program dropped, by reason."),
        EACH_MEMBER("anamed_xdp_misses_limited_total", COUNTER, "stats.kernel", "miss_", "action",
                    "Packets over the limit of misses of their source prefix, by what became of "
                    "them."),
        EACH_MEMBER("anamed_responses_total", COUNTER, "stats.daemon.rcode", "", "rcode",
                    "Replies of the daemon, by RCODE."),
        LABELED("anamed_user_queries_total", COUNTER, "stats.daemon.udp_queries",
                "transport=\"udp\"", "Queries that came to the daemon."),
        LABELED("anamed_user_queries_total", COUNTER, "stats.daemon.tcp_queries",
                "transport=\"tcp\"", ""),
        LABELED("anamed_user_replies_total", COUNTER, "stats.daemon.udp_replies",
                "transport=\"udp\"", "Replies that the daemon sent."),
        LABELED("anamed_user_replies_total", COUNTER, "stats.daemon.tcp_replies",
                "transport=\"tcp\"", ""),
        LABELED("anamed_user_answers_total", COUNTER, "stats.daemon.from_zone", "from=\"zone\"",
                "Replies of the daemon out of zone data, and out of the answer store."),
        LABELED("anamed_user_answers_total", COUNTER, "stats.daemon.from_store", "from=\"store\"",
                ""),
        NUMBER("anamed_user_ipv6_queries_total", COUNTER, "stats.daemon.udp_ipv6",
               "Queries over UDP and IPv6 that came to the daemon."),
        NUMBER("anamed_user_ecs_queries_total", COUNTER, "stats.daemon.ecs",
               "Queries to the daemon that had a client subnet option."),
        NUMBER("anamed_user_stale_answers_total", COUNTER, "stats.daemon.stale",
               "Last good answers that the daemon gave."),
        NUMBER("anamed_user_truncated_total", COUNTER, "stats.daemon.truncated",
               "Replies of the daemon with TC set."),
        NUMBER("anamed_user_dropped_total", COUNTER, "stats.daemon.dropped",
               "Packets to the daemon that get no reply by policy."),
        NUMBER("anamed_user_limited_dropped_total", COUNTER, "stats.daemon.limited_dropped",
               "Replies over the rate limit that were not sent."),
        NUMBER("anamed_user_limited_cut_total", COUNTER, "stats.daemon.limited_cut",
               "Replies over the rate limit that said TC and nothing else."),
        NUMBER("anamed_user_parked_total", COUNTER, "stats.daemon.parked",
               "Queries that waited for upstream."),
        NUMBER("anamed_user_park_full_total", COUNTER, "stats.daemon.park_full",
               "Queries that could not wait, since too many did."),
        NUMBER("anamed_user_send_errors_total", COUNTER, "stats.daemon.send_errors",
               "Replies that the system did not take."),
        NUMBER("anamed_tcp_accepted_total", COUNTER, "stats.daemon.tcp_accepted",
               "TCP connections taken."),
        NUMBER("anamed_tcp_refused_total", COUNTER, "stats.daemon.tcp_refused",
               "TCP connections closed at once, over a limit."),
        NUMBER("anamed_tcp_open", GAUGE, "stats.daemon.tcp_open", "TCP connections now."),

        NUMBER("anamed_flatten_wants_total", COUNTER, "stats.flatten.wants",
               "Answers that queries asked the flatten loop for."),
        NUMBER("anamed_flatten_flights_total", COUNTER, "stats.flatten.flights",
               "Fetches of an owner's answer that were begun."),
        NUMBER("anamed_flatten_coalesced_total", COUNTER, "stats.flatten.coalesced",
               "Wants that joined a fetch under way."),
        NUMBER("anamed_flatten_lookups_total", COUNTER, "stats.flatten.lookups",
               "Look-ups of a target upstream."),
        NUMBER("anamed_flatten_local_total", COUNTER, "stats.flatten.local",
               "Targets answered from our own zones."),
        NUMBER("anamed_flatten_failures_total", COUNTER, "stats.flatten.failures",
               "Fetches that failed."),
        NUMBER("anamed_flatten_refreshed_total", COUNTER, "stats.flatten.refreshed",
               "Answers fetched again before they expired, since they were asked for."),
        NUMBER("anamed_flatten_stale_served_timer_total", COUNTER,
               "stats.flatten.stale_served_timer",
               "Last good answers given because upstream took longer than client-timer."),
        NUMBER("anamed_flatten_rechecked_total", COUNTER, "stats.flatten.rechecked",
               "Failing owners that were asked for again."),
        NUMBER("anamed_flatten_over_budget_total", COUNTER, "stats.flatten.over_budget",
               "Look-ups refused since their zone's budget was spent."),
        NUMBER("anamed_flatten_denied_total", COUNTER, "stats.flatten.denied",
               "Targets that may not be looked up."),
        NUMBER("anamed_flatten_private_dropped_total", COUNTER, "stats.flatten.private_dropped",
               "Special-use addresses from upstream that were dropped."),
        NUMBER("anamed_flatten_overlaps_total", COUNTER, "stats.flatten.overlaps",
               "Answers of upstream whose scopes overlap."),
        NUMBER("anamed_flatten_loops_total", COUNTER, "stats.flatten.loops",
               "Aliases that led back to themselves."),
        NUMBER("anamed_flatten_offers_total", COUNTER, "stats.flatten.offers",
               "Answers of zone data that workers offered to the kernel."),
        NUMBER("anamed_flatten_offers_dropped_total", COUNTER, "stats.flatten.offers_dropped",
               "Offers dropped since too many waited."),

        EACH("anamed_upstream_asked_total", COUNTER, "stats.upstreams", "asked", "address",
             "Questions to an upstream."),
        EACH("anamed_upstream_answered_total", COUNTER, "stats.upstreams", "answered", "address",
             "Its answers."),
        EACH("anamed_upstream_timeouts_total", COUNTER, "stats.upstreams", "timeouts", "address",
             "Questions that it left without an answer."),
        EACH("anamed_upstream_failures_total", COUNTER, "stats.upstreams", "failures", "address",
             "Its answers that were failures."),
        EACH("anamed_upstream_mismatched_total", COUNTER, "stats.upstreams", "mismatched",
             "address", "Its replies that did not match the question."),
        EACH("anamed_upstream_tcp_total", COUNTER, "stats.upstreams", "tcp", "address",
             "Questions asked again over TCP."),
        EACH("anamed_upstream_hedged_total", COUNTER, "stats.upstreams", "hedged", "address",
             "Questions put to it because another upstream was slow."),
        EACH("anamed_upstream_without_ecs_total", COUNTER, "stats.upstreams", "without_ecs",
             "address", "Questions asked again without a client subnet."),
        {.name = "anamed_upstream_rtt_seconds",
         .type = GAUGE,
         .path = "stats.upstreams",
         .shape = LIST,
         .member = "rtt_us",
         .labels = "address",
         .scale = 1e-6,
         .help = "Its time to answer, smoothed."},

        EACH("anamed_health_state", GAUGE, "health", "up", "check,address",
             "Whether an address counts as up."),
        {.name = "anamed_health_connect_seconds",
         .type = GAUGE,
         .path = "health",
         .shape = LIST,
         .member = "connect_us",
         .labels = "check,address",
         .scale = 1e-6,
         .help = "Its time to connect, smoothed; 0 where there is none."},
        LABELED("anamed_health_addresses", GAUGE, "stats.health.up", "state=\"up\"",
                "Addresses that are checked, by what counts."),
        LABELED("anamed_health_addresses", GAUGE, "stats.health.down", "state=\"down\"", ""),
        NUMBER("anamed_health_watched", GAUGE, "stats.health.watched",
               "Addresses that are checked."),
        NUMBER("anamed_health_forced", GAUGE, "stats.health.forced",
               "Of these, whose state an operator has said."),
        NUMBER("anamed_health_damped", GAUGE, "stats.health.damped",
               "Of these, held down for changing too often."),
        NUMBER("anamed_health_running", GAUGE, "stats.health.running", "Checks under way."),
        NUMBER("anamed_health_waiting", GAUGE, "stats.health.waiting",
               "Checks that wait for room."),
        LABELED("anamed_health_checks_total", COUNTER, "stats.health.good", "result=\"good\"",
                "Health checks that were made."),
        LABELED("anamed_health_checks_total", COUNTER, "stats.health.bad", "result=\"bad\"", ""),
        NUMBER("anamed_health_changes_total", COUNTER, "stats.health.changes",
               "Times that an address went up or down."),
        NUMBER("anamed_health_late_total", COUNTER, "stats.health.late",
               "Health checks that began late, since probes-max were under way."),

        EACH("anamed_pool_member_in", GAUGE, "pool_members", "in", "pool,type,region,member",
             "Whether answers of a pool that is in use are made of this member now."),
        EACH("anamed_pool_member_live_addresses", GAUGE, "pool_members", "live",
             "pool,type,region,member", "Addresses that it gives and that are up."),
        EACH("anamed_pool_panic", GAUGE, "pools", "panic", "pool,type,region",
             "1: too few of a pool's members are up, so all count."),
        EACH("anamed_pool_last_resort", GAUGE, "pools", "last_resort", "pool,type,region",
             "1: no member of a pool is up, and its last resort is given."),
        NUMBER("anamed_pool_recomposed_total", COUNTER, "stats.flatten.recomposed",
               "Answers of pools that were made anew because a state changed."),
        NUMBER("anamed_pool_switches_total", COUNTER, "stats.flatten.switches",
               "Times that another member took over."),
        NUMBER("anamed_pool_panics_total", COUNTER, "stats.flatten.panics",
               "Times that a pool began to panic."),
        NUMBER("anamed_pool_last_resorts_total", COUNTER, "stats.flatten.resorts",
               "Times that a pool began to give its last resort."),
        NUMBER("anamed_database_loads_total", COUNTER, "stats.databases.loads",
               "Times that databases of places were read anew, and are in use."),
        NUMBER("anamed_database_load_failures_total", COUNTER, "stats.databases.failures",
               "Times that they could not be read, so that the old ones stay."),
        NUMBER("anamed_database_fault", GAUGE, "databases_faulty",
               "1: the newest databases of places cannot be read."),
        EACH("anamed_region_answers", GAUGE, "regions", "answers", "policy,region",
             "Answers of pools that are stored for the clients of a region."),
        EACH("anamed_region_replies_total", COUNTER, "region_replies", "replies",
             "policy,region,path", "Replies to the clients of a region."),

        NUMBER("anamed_store_answers", GAUGE, "stats.store.answers",
               "Flattened answers that the daemon holds."),
        NUMBER("anamed_store_owners", GAUGE, "stats.store.owners",
               "Names and types that it holds them for."),
        LABELED("anamed_maps_used", GAUGE, "stats.publish.owners", "map=\"owners\"",
                "Entries of a kernel map that are in use."),
        LABELED("anamed_maps_used", GAUGE, "stats.publish.answers", "map=\"answers\"", ""),
        LABELED("anamed_maps_used", GAUGE, "stats.publish.slots_used", "map=\"slots\"", ""),
        LABELED("anamed_maps_used", GAUGE, "stats.publish.slots_large_used", "map=\"slots_large\"",
                ""),
        LABELED("anamed_maps_used", GAUGE, "stats.publish.names", "map=\"names\"", ""),
        EACH_MEMBER("anamed_maps_capacity", GAUGE, "capacity", "", "map",
                    "Entries that a kernel map has room for."),
        NUMBER("anamed_maps_evictions_total", COUNTER, "stats.publish.evicted",
               "Entries taken out of the kernel's maps to make room."),
        NUMBER("anamed_maps_held_back_total", COUNTER, "stats.publish.held_back",
               "Entries that were not taken out, since the maps would have turned over too fast."),
        NUMBER("anamed_maps_refused_total", COUNTER, "stats.publish.refused",
               "Answers that did not fit into the kernel's maps."),
        NUMBER("anamed_maps_folded_total", COUNTER, "stats.publish.folded",
               "Answers put under a longer prefix, since a name had too many lengths."),
        NUMBER("anamed_maps_collisions_total", COUNTER, "stats.publish.collisions",
               "Names left to the daemon since another has the same hash."),
        NUMBER("anamed_maps_adopted_total", COUNTER, "stats.publish.adopted",
               "Entries taken over from the daemon before."),
        NUMBER("anamed_maps_adopted_dropped_total", COUNTER, "stats.publish.adopted_dropped",
               "Entries found at the start that could not be taken over."),

        NUMBER("anamed_keep_records", GAUGE, "stats.keep.records", "Last good answers on disk."),
        NUMBER("anamed_keep_bytes", GAUGE, "stats.keep.bytes", "Octets that they take."),
        NUMBER("anamed_keep_commits_total", COUNTER, "stats.keep.commits", "Writes to disk."),
        NUMBER("anamed_keep_failures_total", COUNTER, "stats.keep.failures",
               "Writes to disk that failed."),

        EACH_MEMBER("anamed_transfers_in_total", COUNTER, "stats.transfers.in", "", "event",
                    "Of zones from primaries: checks, transfers by kind, failures, notifies."),
        EACH_MEMBER("anamed_transfers_out_total", COUNTER, "stats.transfers.out", "", "event",
                    "Of zones to secondaries: transfers by kind, refusals, notifies."),

        NUMBER("anamed_dnssec_signatures_total", COUNTER, "stats.dnssec.signatures",
               "Signatures made, of zones that are signed here."),
        NUMBER("anamed_dnssec_cached_total", COUNTER, "stats.dnssec.cached",
               "Signatures over denials and wildcards that were made already."),
        NUMBER("anamed_dnssec_zones", GAUGE, "stats.dnssec.zones", "Zones that are signed here."),
        NUMBER("anamed_dnssec_expires_seconds", GAUGE, "stats.dnssec.expires_in_s",
               "Until the first of their signatures expire; 0 where there are none."),

        EACH_MEMBER("anamed_zones", GAUGE, "zones.count", "", "state",
                    "Zones that are configured, by how they are."),
        EACH("anamed_zone_serial", GAUGE, "zones.transferred", "serial", "zone",
             "Serial of a zone with primaries."),
        EACH("anamed_zone_expires_seconds", GAUGE, "zones.transferred", "expires_in_s", "zone",
             "Until a zone with primaries expires."),
        EACH("anamed_zone_transfer_failures", GAUGE, "zones.transferred", "failures", "zone",
             "Checks and transfers of it that failed in a row."),
        LABELED("anamed_reloads_total", COUNTER, "status.reloads", "result=\"ok\"",
                "Reloads of the configuration and the zones."),
        LABELED("anamed_reloads_total", COUNTER, "status.reloads_failed", "result=\"failed\"", ""),
        NUMBER("anamed_config_loaded_timestamp_seconds", GAUGE, "status.loaded_unix_s",
               "When the configuration in use was loaded."),
        NUMBER("anamed_start_timestamp_seconds", GAUGE, "started_unix_s",
               "When the daemon started."),
        EACH("anamed_xdp_attached", GAUGE, "status.kernel.interfaces", "attached", "interface,mode",
             "Whether an XDP program is attached to an interface."),
        EACH("anamed_build_info", GAUGE, "build", "one", "version", "The version, as a label."),
};

/* Objects whose numbers come out even where the table has no row for them. */
static const struct {
	const char *path, *prefix;
} groups[] = {
        {"stats.kernel", "anamed_xdp_"},      {"stats.daemon", "anamed_user_"},
        {"stats.flatten", "anamed_flatten_"}, {"stats.store", "anamed_store_"},
        {"stats.publish", "anamed_maps_"},    {"stats.keep", "anamed_keep_"},
        {"stats.health", "anamed_health_"},
};

/* ---- finding ---- */

static const json_t *find(const json_t *at, const char *path)
{
	char key[64];

	while (at && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = 0;
		at = json_object_get(at, key);
		path += len + (path[len] == '.');
	}
	return at;
}

static bool is_number(const json_t *value)
{
	return json_is_number(value) || json_is_boolean(value);
}

/* ---- writing ---- */

static void write_value(FILE *out, const json_t *value, double scale)
{
	if (json_is_boolean(value))
		fprintf(out, " %d\n", json_is_true(value));
	else if (json_is_integer(value) && scale == 0)
		fprintf(out, " %" PRId64 "\n", (int64_t)json_integer_value(value));
	else
		fprintf(out, " %.9g\n", json_number_value(value) * (scale == 0 ? 1 : scale));
}

static void write_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label(FILE *out, const char *name, size_t name_len, const char *value)
{
	fprintf(out, "%.*s=\"", (int)name_len, name);
	escape_label(out, value);
	putc('"', out);
}

/* NAME or NAME=MEMBER, and commas. Numbers are no labels. */
static void write_entry_labels(FILE *out, const json_t *entry, const char *labels)
{
	const char *between = "{";

	while (*labels) {
		size_t len = strcspn(labels, ","), name_len = strcspn(labels, "=,");
		const char *member = name_len < len ? labels + name_len + 1 : labels;
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)(len - (size_t)(member - labels)), member);
		fputs(between, out);
		write_label(out, labels, name_len, json_string_value(json_object_get(entry, key)));
		between = ",";
		labels += len + (labels[len] == ',');
	}
	putc('}', out);
}

/* Writes the head before the first sample, if it is not there yet. */
static void begin_sample(FILE *out, const struct metric *metric, const char **headed)
{
	if (!*headed || strcmp(*headed, metric->name) != 0)
		write_head(out, metric->name, metric->type, metric->help);
	*headed = metric->name;
	fputs(metric->name, out);
}

static void write_one(FILE *out, const struct metric *metric, const json_t *value,
                      const char **headed)
{
	if (!is_number(value))
		return;
	begin_sample(out, metric, headed);
	if (metric->labels)
		fprintf(out, "{%s}", metric->labels);
	write_value(out, value, metric->scale);
}

static bool is_of(const char *key, const char *prefix)
{
	return strncmp(key, prefix, strlen(prefix)) == 0;
}

static void write_members(FILE *out, const struct metric *metric, const json_t *object,
                          const char **headed)
{
	const json_t *value;
	const char *key;

	/* jansson's iterators take objects that can be changed; nothing is. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (!is_of(key, metric->member) || !is_number(value))
			continue;
		begin_sample(out, metric, headed);
		putc('{', out);
		write_label(out, metric->labels, strlen(metric->labels),
		            key + strlen(metric->member));
		putc('}', out);
		write_value(out, value, metric->scale);
	}
}

static void write_list(FILE *out, const struct metric *metric, const json_t *list,
                       const char **headed)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const json_t *value = json_object_get(entry, metric->member);

		if (!is_number(value))
			continue;
		begin_sample(out, metric, headed);
		write_entry_labels(out, entry, metric->labels);
		write_value(out, value, metric->scale);
	}
}

/* ---- what the table does not know ---- */

static bool is_covered(const char *group, const char *key)
{
	size_t len = strlen(group);

	for (size_t i = 0; i < COUNT(metrics); i++) {
		const struct metric *metric = &metrics[i];

		if (strncmp(metric->path, group, len) != 0)
			continue;
		if (metric->shape == MEMBERS && !metric->path[len] && is_of(key, metric->member))
			return true;
		if (metric->shape == ONE && metric->path[len] == '.' &&
		    strcmp(metric->path + len + 1, key) == 0)
			return true;
	}
	return false;
}

static void write_others(FILE *out, const char *path, const char *prefix, const json_t *object)
{
	const json_t *value;
	const char *key;
	char name[128];

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (!is_number(value) || is_covered(path, key))
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix, key);
		write_head(out, name, "untyped", "A number of anamectl stats.");
		fputs(name, out);
		write_value(out, value, 0);
	}
}

void metrics_write(FILE *out, const json_t *document)
{
	static void (*const writers[])(FILE *, const struct metric *, const json_t *,
	                               const char **) = {
	        [ONE] = write_one, [MEMBERS] = write_members, [LIST] = write_list};
	const char *headed = NULL;

	for (size_t i = 0; i < COUNT(metrics); i++) {
		const struct metric *metric = &metrics[i];

		writers[metric->shape](out, metric, find(document, metric->path), &headed);
	}
	for (size_t i = 0; i < COUNT(groups); i++)
		write_others(out, groups[i].path, groups[i].prefix, find(document, groups[i].path));
}
