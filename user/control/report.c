/* SPDX-License-Identifier: BSD-2-Clause */
/* What is going on, as JSON: status, zones, answers. Numbers are in stats.c. */
#include "control/report.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/bring_up.h"
#include "control/daemon.h"
#include "control/key_verbs.h"
#include "control/units.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

static json_t *name_json(const uint8_t *name)
{
	char text[NAME_TEXT_MAX];

	return json_string(name_to_text(name, text));
}

static json_t *duration_json(uint64_t ms)
{
	char text[UNITS_TEXT_MAX];

	return json_string(units_duration_text(ms, text));
}

/* ---- status ---- */

static json_t *listen_json(const struct config *config)
{
	char text[NET_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < config->listen_count; i++)
		json_array_append_new(list, json_string(endpoint_text(&config->listen[i], text)));
	return list;
}

/* How old an answer may be, in words: RFC 1035's caches count on top. */
static const char *freshness_note(const struct config *config,
                                  const struct config_upstream *upstream)
{
	if (upstream->kind == UPSTREAM_AUTHORITATIVE)
		return config->freshness_ms ? "hot names are at most `freshness' old"
		                            : "answers are at most their TTL old";
	return config->freshness_ms
	               ? "a resolver caches: its cache's age is added to `freshness'"
	               : "a resolver caches: its TTLs are what is left of the original's";
}

static json_t *upstreams_json(const struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *list = json_array();

	for (size_t i = 0; i < config->upstreams_count; i++) {
		const struct config_upstream *upstream = &config->upstreams[i];
		struct upstream_stats stats = {0};
		json_t *one = json_object();
		char text[NET_TEXT_MAX];

		if (daemon->upstream && i < upstream_count(daemon->upstream))
			upstream_stats(daemon->upstream, i, &stats);
		SET(one, "address", json_string(endpoint_text(&upstream->address, text)));
		SET(one, "kind",
		    json_string(upstream->kind == UPSTREAM_AUTHORITATIVE ? "authoritative"
		                                                         : "resolver"));
		SET(one, "suffix", name_json(upstream->suffix.name));
		SET(one, "ecs", json_boolean(upstream->ecs && !stats.no_ecs));
		SET(one, "edns", json_boolean(!stats.no_edns));
		SET(one, "rtt_us", json_integer((json_int_t)stats.rtt_us));
		SET(one, "freshness", json_string(freshness_note(config, upstream)));
		json_array_append_new(list, one);
	}
	return list;
}

json_t *report_attachment(const struct kernel_attachment *attachment)
{
	json_t *one = json_object();

	SET(one, "interface", json_string(attachment->interface));
	SET(one, "attached", json_boolean(attachment->attached));
	SET(one, "mode",
	    json_string(!attachment->attached ? "none"
	                : attachment->native  ? "native"
	                                      : "generic"));
	SET(one, "dispatcher", json_boolean(attachment->dispatcher));
	SET(one, "ours", json_boolean(attachment->ours));
	SET(one, "waiting", json_boolean(attachment->waiting));
	SET(one, "program_id", json_integer(attachment->program_id));
	if (attachment->note[0])
		SET(one, "note", json_string(attachment->note));
	return one;
}

static json_t *kernel_json(const struct daemon *daemon)
{
	json_t *list, *object;

	if (!daemon->maps)
		return json_null();
	list = json_array();
	bring_up_look(daemon->started, daemon->attachments);
	for (size_t i = 0; i < daemon->attachments_count; i++)
		json_array_append_new(list, report_attachment(&daemon->attachments[i]));
	object = json_object();
	SET(object, "pin_dir", json_string(daemon->started->pin_dir));
	SET(object, "mode",
	    json_string(daemon->maps->control->mode == AN_MODE_ANSWER ? "answer" : "pass"));
	SET(object, "interfaces", list);
	return object;
}

#define DOWN_SHOWN 10

/* Those that are down stand first. */
static void drop_up(json_t *states)
{
	for (size_t i = json_array_size(states); i-- > 0;) {
		if (json_is_true(json_object_get(json_array_get(states, i), "up")))
			json_array_remove(states, i);
	}
}

json_t *report_status(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	json_t *object = json_object();
	size_t left;

	SET(object, "version", json_string(ANAMED_VERSION));
	SET(object, "pid", json_integer(getpid()));
	SET(object, "uptime_s", json_integer((json_int_t)(clock_ms() - daemon->started_ms) / 1000));
	SET(object, "config", json_string(daemon->path));
	SET(object, "loaded_unix_s", json_integer(daemon->loaded_unix_ms / 1000));
	SET(object, "reloads", json_integer((json_int_t)daemon->reloads));
	SET(object, "reloads_failed", json_integer((json_int_t)daemon->reloads_failed));
	SET(object, "listen", listen_json(daemon->started));
	SET(object, "zones", json_integer((json_int_t)zones_count(daemon->zones)));
	SET(object, "zone_counts", report_zone_counts(daemon));
	SET(object, "status_page", report_status_page(daemon));
	SET(object, "queries", report_queries(daemon));
	SET(object, "health", report_health_stats(daemon));
	SET(object, "down", report_health(daemon, NULL, DOWN_SHOWN, &left));
	drop_up(json_object_get(object, "down"));
	SET(object, "faults", reload_faults_json(daemon->faults, daemon->faults_count));
	if (daemon->geo_fault)
		SET(object, "databases_fault", json_string(daemon->geo_fault));
	SET(object, "upstreams", upstreams_json(daemon));
	SET(object, "freshness",
	    config->freshness_ms ? duration_json(config->freshness_ms) : json_string("off"));
	SET(object, "stale_max", duration_json(config->stale_max_ms));
	SET(object, "keeps_last_good", json_boolean(daemon->keep != NULL));
	SET(object, "kernel", kernel_json(daemon));
	return object;
}

/* ---- zones ---- */

static const struct world_fault *fault_of(const struct daemon *daemon,
                                          const struct config_name *zone)
{
	for (size_t i = 0; i < daemon->faults_count; i++) {
		const struct world_fault *fault = &daemon->faults[i];

		if (!fault->served &&
		    name_equal(fault->zone.name, fault->zone.len, zone->name, zone->len))
			return fault;
	}
	return NULL;
}

static json_t *zone_json(struct daemon *daemon, const struct config_zone *settings)
{
	const struct zone *zone =
	        zones_exact(daemon->zones, settings->name.name, settings->name.len);
	const struct world_fault *fault = fault_of(daemon, &settings->name);
	json_t *one = json_object();
	char text[1024];

	SET(one, "zone", name_json(settings->name.name));
	if (settings->file)
		SET(one, "file", json_string(settings->file));
	if (settings->member_of)
		SET(one, "catalog", name_json(settings->member_of->name.name));
	SET(one, "served", json_boolean(zone && zone->soa && !zone->expired));
	if (zone && zone->soa) {
		SET(one, "serial", json_integer(zone->serial));
		SET(one, "names", json_integer((json_int_t)zone->node_count));
		SET(one, "records", json_integer((json_int_t)zone->record_count));
		SET(one, "anames", json_boolean(zone->has_anames));
		SET(one, "generation", json_integer(zone->generation));
		SET(one, "in_kernel", json_boolean(daemon->publish && zone->id != UINT32_MAX));
	}
	if (zone && zone->signer)
		SET(one, "dnssec", key_report(zone));
	if (settings->primaries_count)
		SET(one, "transfer", transfers_status(daemon, &settings->name));
	if (fault)
		SET(one, "fault", json_string(error_text(&fault->error, text, sizeof(text))));
	return one;
}

json_t *report_zones(struct daemon *daemon, const struct config_name *only, size_t limit)
{
	json_t *object, *list = json_array();

	for (size_t i = 0; i < daemon->config->zones_count; i++) {
		const struct config_zone *zone = &daemon->config->zones[i];

		if (json_array_size(list) >= limit)
			break;
		if (!only || name_equal(zone->name.name, zone->name.len, only->name, only->len))
			json_array_append_new(list, zone_json(daemon, zone));
	}
	object = json_object();
	SET(object, "zones", list);
	return object;
}

/* ---- answers ---- */

struct answers {
	struct daemon *daemon;
	const struct config_name *owner;
	size_t limit;
	bool more;
	json_t *list;
	uint64_t now;
};

json_t *report_addresses(uint16_t type, const uint8_t *octets, uint16_t count)
{
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	json_t *list = json_array();
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		        list, json_string(net_address_text(
		                      family, octets + i * net_family_octets(family), text)));
	return list;
}

/* Seconds since it was last asked for, by either path; null: never. */
static json_t *used_json(const struct answers *answers, const struct answer *answer)
{
	uint64_t used = CMM_LOAD_SHARED(answer->used_ms);

	if (answers->daemon->publish && answer->slot != AN_SLOT_NONE) {
		uint64_t in_kernel = publish_used_ms(answers->daemon->publish, answer->slot);

		used = in_kernel > used ? in_kernel : used;
	}
	if (!used)
		return json_null();
	return json_integer(used < answers->now ? (json_int_t)(answers->now - used) / 1000 : 0);
}

static json_t *answer_json(const struct answers *answers, const struct store_owner *owner,
                           const struct answer *answer)
{
	uint64_t fresh_until = CMM_LOAD_SHARED(answer->fresh_until_ms);
	bool fresh = fresh_until > answers->now;
	char audience[NET_TEXT_MAX + 16];
	json_t *one = json_object();

	SET(one, "owner", name_json(owner->name));
	SET(one, "type", json_string(owner->type == AN_TYPE_AAAA ? "AAAA" : "A"));
	SET(one, "audience", json_string(audience_text(&answer->key, audience)));
	SET(one, "addresses", report_addresses(owner->type, answer->octets, answer->count));
	SET(one, "scope", json_integer(answer->wire_scope));
	SET(one, "age_s", json_integer((json_int_t)(answers->now - answer->fetched_ms) / 1000));
	SET(one, "ttl", json_integer(answer->ttl));
	SET(one, "ttl_left_s",
	    json_integer(fresh ? (json_int_t)(fresh_until - answers->now + 999) / 1000 : 0));
	SET(one, "state", json_string(fresh ? "fresh" : owner->failing ? "stale" : "expired"));
	SET(one, "used_s", used_json(answers, answer));
	SET(one, "where", json_string(answer->slot != AN_SLOT_NONE ? "kernel" : "daemon"));
	return one;
}

static void visit_owner(struct store_owner *owner, void *arg)
{
	struct answers *answers = arg;
	const struct config_name *only = answers->owner;

	if (only && !name_equal(only->name, only->len, owner->name, owner->name_len))
		return;
	for (const struct answer *answer = owner->answers; answer; answer = answer->next) {
		if (json_array_size(answers->list) >= answers->limit) {
			answers->more = true;
			return;
		}
		json_array_append_new(answers->list, answer_json(answers, owner, answer));
	}
}

json_t *report_answers(struct daemon *daemon, const struct config_name *owner, size_t limit)
{
	struct answers answers = {.daemon = daemon,
	                          .owner = owner,
	                          .limit = limit,
	                          .list = json_array(),
	                          .now = clock_ms()};
	json_t *object = json_object();

	rcu_read_lock();
	store_owner_each(daemon->store, visit_owner, &answers);
	rcu_read_unlock();
	SET(object, "answers", answers.list);
	SET(object, "stored", json_integer((json_int_t)store_count(daemon->store)));
	SET(object, "more", json_boolean(answers.more));
	return object;
}
