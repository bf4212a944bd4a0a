/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain: how a query would be answered, step by step, out of the same
 * functions that answer it.
 */
#include <stdio.h>
#include <string.h>

#include "answer/where.h"
#include "base/clock.h"
#include "base/wire.h"
#include "control/daemon.h"
#include "control/report.h"
#include "steer/geo.h"
#include "steer/pool.h"

#define SET(object, key, value) json_object_set_new(object, key, value)
#define CHAIN_MAX               16

struct explain {
	struct daemon *daemon;
	const struct config_name *name;
	uint16_t type;
	bool as_subnet;
	struct ecs ecs;
	struct endpoint source;
	struct client client;
	json_t *object, *words;
};

static void __attribute__((format(printf, 2, 3)))
say(struct explain *explain, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(explain->words, json_string(text));
}

/* ---- who asks ---- */

static void find_client(struct explain *explain, const struct network *network)
{
	const struct config *config = explain->daemon->config;

	explain->source = (struct endpoint){.family = network->family, .port = 53535};
	memcpy(explain->source.address, network->address, sizeof(network->address));
	explain->ecs = (struct ecs){.family = network->family, .source = network->len};
	memcpy(explain->ecs.address, network->address, sizeof(network->address));
	explain->client = audience_client(config, explain->as_subnet ? &explain->ecs : NULL,
	                                  &explain->source);
}

static void explain_client(struct explain *explain)
{
	const struct client *client = &explain->client;
	char text[NET_TEXT_MAX] = "nobody";
	const char *how = "its source address";

	if (client->network.family)
		network_text(&client->network, text);
	if (explain->as_subnet)
		how = client->special ? "its source address (the option lies in a special-use "
		                        "network and is ignored)"
		                      : "its client subnet option";
	SET(explain->object, "network", json_string(text));
	SET(explain->object, "decided_by", json_string(how));
	say(explain, "The client counts as %s, by %s.", text, how);
}

/* ---- the zone's part ---- */

static const char *case_words(enum zone_case verdict)
{
	static const char *const words[] = {[ZONE_ANSWER] = "the name exists",
	                                    [ZONE_NXDOMAIN] = "there is no such name: NXDOMAIN",
	                                    [ZONE_DELEGATION] = "delegated: a referral",
	                                    [ZONE_DNAME] = "below a DNAME: CNAME is synthesized"};

	return words[verdict];
}

static void explain_match(struct explain *explain, const struct zone *zone,
                          const struct zone_match *match)
{
	char apex[NAME_TEXT_MAX], node[NAME_TEXT_MAX] = "";

	name_to_text(zone->apex, apex);
	if (match->node)
		name_to_text(match->node->name, node);
	SET(explain->object, "zone", json_string(apex));
	SET(explain->object, "case", json_string(case_words(match->verdict)));
	if (match->node)
		SET(explain->object, "node", json_string(node));
	SET(explain->object, "wildcard", json_boolean(match->wildcard));
	say(explain, "Zone %s: %s%s%s.", apex, case_words(match->verdict),
	    match->wildcard ? ", made by the wildcard " : "", match->wildcard ? node : "");
}

/* A zone that cannot be answered from is as if it were not ours, and that is said. */
static bool explain_expired(struct explain *explain, const struct zone *zone)
{
	char apex[NAME_TEXT_MAX];

	if (!CMM_LOAD_SHARED(zone->expired))
		return false;
	say(explain, "Zone %s %s: SERVFAIL.", name_to_text(zone->apex, apex),
	    zone->soa ? "has expired" : "has no data yet");
	return true;
}

/* Follows ordinary CNAMEs through our zones; what is left in *name is where they lead. */
static bool follow_chain(struct explain *explain, struct config_name *name,
                         const struct zone **ret_zone, struct zone_match *ret_match)
{
	json_t *chain = json_array();
	bool inside = true;

	for (int links = 0; links < CHAIN_MAX; links++) {
		const struct zone_rrset *cname;
		char text[NAME_TEXT_MAX];

		*ret_zone =
		        zones_find(explain->daemon->zones, name->name, name->len, explain->type);
		inside = *ret_zone != NULL && !explain_expired(explain, *ret_zone);
		if (!inside)
			break;
		*ret_match = zone_find(*ret_zone, name->name, name->len, explain->type);
		if (!links)
			explain_match(explain, *ret_zone, ret_match);
		cname = ret_match->verdict == ZONE_ANSWER
		                ? zone_rrset(ret_match->node, AN_TYPE_CNAME)
		                : NULL;
		if (!cname || explain->type == AN_TYPE_CNAME ||
		    zone_flattens(*ret_zone, ret_match->node))
			break;
		name->len = (uint8_t)cname->rdata[0].len;
		name_lower(name->name, cname->rdata[0].data, name->len);
		json_array_append_new(chain, json_string(name_to_text(name->name, text)));
		say(explain, "CNAME to %s is followed%s.", text,
		    zones_find(explain->daemon->zones, name->name, name->len, explain->type)
		            ? ""
		            : " by the client: it is not ours");
	}
	SET(explain->object, "cnames", chain);
	return inside;
}

/* ---- upstream ---- */

/* `ecs`: family 0, or whom a target is asked for on everyone's behalf. */
static void explain_upstreams(struct explain *explain, const uint8_t *target, size_t len,
                              const struct network *ecs)
{
	const struct config *config = explain->daemon->config;
	json_t *list = json_object_get(explain->object, "upstreams");
	size_t longest = 0, before = json_array_size(list);
	char name[NAME_TEXT_MAX];

	name_to_text(target, name);
	for (size_t i = 0; i < config->upstreams_count; i++) {
		const struct config_name *suffix = &config->upstreams[i].suffix;

		if (suffix->len > longest && name_under(target, len, suffix->name, suffix->len))
			longest = suffix->len;
	}
	for (size_t i = 0; i < config->upstreams_count; i++) {
		const struct config_upstream *upstream = &config->upstreams[i];
		char address[NET_TEXT_MAX], text[NET_TEXT_MAX] = "SOURCE 0";
		struct network asked;

		if (upstream->suffix.len != longest ||
		    !name_under(target, len, upstream->suffix.name, longest))
			continue;
		asked = audience_ask(ecs->family ? ecs : &explain->client.network,
		                     upstream->ecs_ipv4_max, upstream->ecs_ipv6_max);
		if (asked.len)
			network_text(&asked, text);
		endpoint_text(&upstream->address, address);
		json_array_append_new(
		        list, json_pack("{s:s, s:s, s:s, s:s}", "target", name, "address", address,
		                        "kind",
		                        upstream->kind == UPSTREAM_AUTHORITATIVE ? "authoritative"
		                                                                 : "resolver",
		                        "asked_with", upstream->ecs ? text : "no option"));
		say(explain, "Upstream %s is asked for %s with %s%s.", address, name,
		    upstream->ecs ? text : "no client subnet option",
		    upstream->ecs && ecs->family ? ", on behalf of its region" : "");
	}
	if (json_array_size(list) == before)
		say(explain, "No upstream is configured for %s", name);
}

/* The targets of a pool that a client in this region may get. */
static void explain_targets(struct explain *explain, const struct pool_tree *tree, uint32_t region)
{
	const struct pool_place place = where_place(explain->daemon->world, tree, region);

	for (uint16_t i = 0; i < tree->count; i++) {
		const struct pool_node *node = &tree->nodes[i];
		const struct config_name *name;

		if (!node->member)
			continue;
		name = &node->member->aname;
		if (node->kind != POOL_NODE_ANAME || pool_is_elsewhere(tree, i, &place) ||
		    zones_find(explain->daemon->zones, name->name, name->len, explain->type))
			continue;
		explain_upstreams(explain, name->name, name->len, &node->member->ecs);
	}
}

/* ---- the flattened part ---- */

/* What a reply with this answer says of those that it holds for. */
static void say_scope(struct explain *explain, const json_t *flat, size_t count)
{
	int target =
	        (int)json_integer_value(json_object_get(json_object_get(flat, "answer"), "scope"));
	int region = (int)json_integer_value(json_object_get(flat, "region_len"));

	if (!explain->client.network.family)
		say(explain, "Its scope is 0: no network was given.");
	else if (!count)
		say(explain, "Its scope is 0, as that of every denial.");
	else if (target > region)
		say(explain, "Its scope is %d, its target's.", target);
	else
		say(explain, "Its scope is %d%s.", region,
		    json_object_get(flat, "region") ? ", the region's network's" : "");
}

static void say_answer(struct explain *explain, const json_t *flat)
{
	const json_t *answer = json_object_get(flat, "answer"),
	             *slot = json_object_get(answer, "kernel_slot");
	const char *state = json_string_value(json_object_get(flat, "state"));
	const char *audience = json_string_value(json_object_get(answer, "audience"));
	const char *region = json_string_value(json_object_get(flat, "region"));
	size_t count = json_array_size(json_object_get(answer, "addresses"));

	if (answer) {
		say(explain, "Stored: %s, for %s%s%s, %zu addresses, %d s old.", state,
		    audience ? audience : "?", region ? " in region " : "", region ? region : "",
		    count, (int)json_integer_value(json_object_get(answer, "age_s")));
		say_scope(explain, flat, count);
		if (json_is_integer(slot))
			say(explain, "Kernel: slot %d holds it.", (int)json_integer_value(slot));
	} else {
		say(explain, "Stored: %s.", state ? state : "nothing");
	}
	if (json_is_true(json_object_get(flat, "failing")))
		say(explain, "Upstream is failing: last good answers go out, at TTL %d.",
		    AN_STALE_TTL);
}

/* The policy of the owner's pool, and where the client is by it. */
static void say_region(struct explain *explain, const char *policy)
{
	const struct geo *geo = explain->daemon->geo;
	int index = geo ? geo_policy(geo, policy) : -1;
	struct geo_found found;
	char text[NET_TEXT_MAX];
	const char *region;

	if (index < 0)
		return;
	found = geo_find(geo, (unsigned int)index, &explain->client.place);
	region = geo_region_name(geo, (unsigned int)index, found.region);
	network_text(&explain->client.place, text);
	SET(explain->object, "place", json_string(explain->client.place.family ? text : "nobody"));
	SET(explain->object, "policy", json_string(policy));
	SET(explain->object, "region", region ? json_string(region) : json_null());
	SET(explain->object, "region_len", json_integer(found.len));
	say(explain, "Policy %s: region %s, for the whole /%u around the client.", policy,
	    region ? region : "none", found.len);
}

static void say_pool(struct explain *explain, const json_t *pool)
{
	const json_t *node;
	size_t i;

	if (json_is_true(json_object_get(pool, "ahead")))
		say(explain, "The pool as it would decide, each target taken to be up:");
	json_array_foreach(json_object_get(pool, "nodes"), i, node)
	{
		say(explain, "  %*s%s", 2 * (int)json_integer_value(json_object_get(node, "depth")),
		    "", json_string_value(json_object_get(node, "words")));
	}
}

static void explain_pool(struct explain *explain, const struct zone_node *node)
{
	const struct pool_tree *tree = where_pool(explain->daemon->world, node);
	struct where where;

	if (!tree)
		return;
	rcu_read_lock();
	where = where_find(explain->daemon->world, node, &explain->client.place);
	rcu_read_unlock();
	if (tree->policy)
		say_region(explain, tree->policy);
	explain_targets(explain, tree, where.region);
}

static void explain_flat(struct explain *explain, const struct config_name *name,
                         const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);
	const char *kind = set ? "ANAME" : "CNAME";
	const struct network nobody = {0};
	char text[NAME_TEXT_MAX];
	json_t *flat;

	if (!set)
		set = zone_rrset(node, AN_TYPE_CNAME);
	for (uint16_t i = 0; set && i < set->count; i++) {
		const uint8_t *target = set->rdata[i].data;
		size_t len = set->rdata[i].len;
		bool pool = pools_find(explain->daemon->pools, target, len) != NULL;
		bool ours = zones_find(explain->daemon->zones, target, len, explain->type) != NULL;

		say(explain, "%s to %s, TTL %u, %s.", kind, name_to_text(target, text), set->ttl,
		    pool   ? "a pool"
		    : ours ? "answered from our own zones"
		           : "asked upstream");
		if (!pool && !ours)
			explain_upstreams(explain, target, len, &nobody);
	}
	explain_pool(explain, node);
	flat = flatten_explain(explain->daemon->flatten, name->name, name->len, explain->type,
	                       &explain->client);
	say_answer(explain, flat);
	say_pool(explain, json_object_get(flat, "pool"));
	SET(explain->object, "flatten", flat);
}

/* ---- what would go out now ---- */

static size_t make_query(const struct explain *explain, uint8_t *packet, size_t size)
{
	struct wire w = wire_writer(packet, size);
	size_t octets = (explain->ecs.source + 7U) / 8;

	wire_put16(&w, 1); /* id */
	wire_put16(&w, 0);
	wire_put16(&w, 1);
	wire_put32(&w, 0);
	wire_put16(&w, 1);
	wire_put(&w, explain->name->name, explain->name->len);
	wire_put16(&w, explain->type);
	wire_put16(&w, AN_CLASS_IN);
	wire_put8(&w, 0);
	wire_put16(&w, AN_TYPE_OPT);
	wire_put16(&w, AN_DNS_UDP_OURS);
	wire_put32(&w, 0);
	wire_put16(&w, explain->as_subnet ? 8 + (unsigned int)octets : 0);
	if (explain->as_subnet) {
		wire_put16(&w, AN_EDNS_ECS);
		wire_put16(&w, 4 + (unsigned int)octets);
		wire_put16(&w, explain->ecs.family);
		wire_put8(&w, explain->ecs.source);
		wire_put8(&w, 0);
		wire_put(&w, explain->ecs.address, octets);
	}
	return w.failed ? 0 : w.at;
}

static const char *where_words(const struct respond_result *result)
{
	if (result->verdict == RESPOND_WAIT)
		return "nowhere yet: it is fetched first";
	if (result->flags & RESPOND_STALE)
		return "the store: a last good answer";
	if (result->rcode == AN_RCODE_SERVFAIL)
		return result->zone && CMM_LOAD_SHARED(result->zone->expired)
		               ? "nowhere: the zone has no valid data"
		               : "nowhere: it failed lately";
	return result->flags & RESPOND_FROM_STORE ? "the store" : "zone data";
}

static void explain_reply(struct explain *explain)
{
	uint8_t packet[AN_DNS_UDP_MIN], reply[AN_DNS_UDP_OURS];
	struct respond_input input = {.packet = packet,
	                              .len = make_query(explain, packet, sizeof(packet)),
	                              .source = explain->source,
	                              .now_ms = clock_ms()};
	struct respond_result result = {0};
	const struct publish *publish = explain->daemon->publish;
	bool kernel;

	rcu_read_lock();
	respond(explain->daemon->world, &input, reply, sizeof(reply), &result);
	rcu_read_unlock();
	SET(explain->object, "from", json_string(where_words(&result)));
	if (result.verdict == RESPOND_SEND)
		SET(explain->object, "rcode", json_integer(result.rcode));
	kernel = publish &&
	         publish_has(publish, explain->name->name, explain->name->len, explain->type);
	SET(explain->object, "kernel", json_boolean(kernel));
	if (result.verdict == RESPOND_SEND)
		say(explain, "A query now: RCODE %d, %d answers, from %s.", result.rcode,
		    result.len >= AN_DNS_HEADER_LEN ? reply[6] << 8 | reply[7] : 0,
		    where_words(&result));
	else
		say(explain, "A query now: it waits, while it is fetched.");
	if (!publish)
		return;
	say(explain, "%s",
	    kernel ? "The kernel knows the name and type, and answers what it holds an answer for."
	           : "The kernel passes it up: it holds nothing for this name and type.");
}

json_t *report_explain(struct daemon *daemon, const struct config_name *name, uint16_t type,
                       const struct network *client, bool as_subnet)
{
	struct explain explain = {.daemon = daemon,
	                          .name = name,
	                          .type = type,
	                          .as_subnet = as_subnet,
	                          .object = json_object(),
	                          .words = json_array()};
	struct config_name end = *name;
	const struct zone *zone = NULL;
	struct zone_match match = {0};
	char text[NAME_TEXT_MAX];
	bool address = type == AN_TYPE_A || type == AN_TYPE_AAAA, flattened = false;

	SET(explain.object, "name", json_string(name_to_text(name->name, text)));
	SET(explain.object, "upstreams", json_array());
	find_client(&explain, client);
	explain_client(&explain);
	if (follow_chain(&explain, &end, &zone, &match))
		flattened =
		        address && match.verdict == ZONE_ANSWER && zone_flattens(zone, match.node);
	else if (!zone && name_equal(end.name, end.len, name->name, name->len))
		say(&explain, "It is in none of our zones: REFUSED.");
	SET(explain.object, "flattened", json_boolean(flattened));
	if (flattened)
		explain_flat(&explain, &end, match.node);
	explain_reply(&explain);
	SET(explain.object, "words", explain.words);
	return explain.object;
}
