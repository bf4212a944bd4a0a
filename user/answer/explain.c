/* SPDX-License-Identifier: BSD-2-Clause */
/* explain - the flatten loop's part of `anamectl explain`. */
#include <jansson.h>
#include <string.h>

#include "answer/cells.h"
#include "answer/flatten_room.h"
#include "answer/where.h"
#include "base/clock.h"
#include "steer/geo.h"

static json_t *addresses_json(uint16_t type, const uint8_t *octets, uint16_t count)
{
	json_t *list = json_array();
	size_t len = address_len(type);
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;

	for (uint16_t i = 0; i < count; i++) {
		uint8_t address[16] = {0};
		char text[NET_TEXT_MAX];

		memcpy(address, octets + i * len, len);
		json_array_append_new(list, json_string(net_address_text(family, address, text)));
	}
	return list;
}

static json_t *answer_json(const struct answer *answer)
{
	uint64_t now = clock_ms();
	char text[NET_TEXT_MAX + 16], asked[NET_TEXT_MAX];
	json_t *object = json_object();

	json_object_set_new(object, "audience", json_string(audience_text(&answer->key, text)));
	json_object_set_new(object, "addresses",
	                    addresses_json(answer->key.type, answer->octets, answer->count));
	json_object_set_new(object, "scope", json_integer(answer->wire_scope));
	json_object_set_new(
	        object, "asked",
	        json_string(answer->asked.len ? network_text(&answer->asked, asked) : "SOURCE 0"));
	json_object_set_new(object, "age_s",
	                    json_integer((json_int_t)((now - answer->fetched_ms) / 1000)));
	json_object_set_new(object, "fresh", json_boolean(answer->fresh_until_ms > now));
	json_object_set_new(object, "upstream",
	                    answer->upstream == FLATTEN_FROM_ZONES
	                            ? json_string("our own zones")
	                            : json_integer(answer->upstream));
	json_object_set_new(object, "kernel_slot",
	                    answer->slot ? json_integer(answer->slot & AN_SLOT_INDEX)
	                                 : json_null());
	return object;
}

static json_t *targets_json(struct flatten *flatten, const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);
	json_t *list = json_array();

	if (!set)
		set = zone_rrset(node, AN_TYPE_CNAME);
	for (uint16_t i = 0; set && i < set->count; i++) {
		uint8_t lower[NAME_MAX_LEN];
		char text[NAME_TEXT_MAX];
		json_t *one = json_object();
		uint16_t len = set->rdata[i].len;

		name_lower(lower, set->rdata[i].data, len);
		json_object_set_new(one, "target", json_string(name_to_text(lower, text)));
		json_object_set_new(one, "ttl", json_integer(set->ttl));
		json_object_set_new(one, "own_zone",
		                    json_boolean(zones_find(flatten->world->zones, lower, len,
		                                            AN_TYPE_A) != NULL));
		json_object_set_new(
		        one, "tailored_ipv4",
		        json_boolean(target_tailored(flatten, lower, len, AN_FAMILY_IPV4)));
		json_object_set_new(
		        one, "tailored_ipv6",
		        json_boolean(target_tailored(flatten, lower, len, AN_FAMILY_IPV6)));
		json_array_append_new(list, one);
	}
	return list;
}

static void tell_ahead(struct flatten *flatten, const struct pool_tree *tree, uint32_t region,
                       uint16_t type, json_t *object)
{
	if (tree)
		json_object_set_new(object, "pool",
		                    flatten_pool_ahead(flatten, tree, region, type));
}

struct json_t *flatten_explain(struct flatten *flatten, const uint8_t *owner, size_t len,
                               uint16_t type, const struct client *client)
{
	static const char *const states[] = {[STORE_FRESH] = "fresh",
	                                     [STORE_STALE] = "last good, past its time",
	                                     [STORE_EXPIRED] = "expired: fetched on the next query",
	                                     [STORE_ABSENT] = "absent: fetched on the next query",
	                                     [STORE_FAILED] = "failed lately: SERVFAIL"};
	const struct zone *zone = zones_find(flatten->world->zones, owner, len, type);
	struct zone_match match = {0};
	struct store_found found;
	struct where where = {0};
	json_t *object = json_object();

	if (zone)
		match = zone_find(zone, owner, len, type);
	if (zone && match.verdict == ZONE_ANSWER)
		json_object_set_new(object, "targets", targets_json(flatten, match.node));
	rcu_read_lock();
	if (zone && match.verdict == ZONE_ANSWER)
		where = where_find(flatten->world, match.node, &client->place);
	if (where.policy) {
		json_object_set_new(object, "region",
		                    json_string(geo_region_name(flatten->world->geo,
		                                                where.policy - 1, where.region)));
		json_object_set_new(object, "region_len", json_integer(where.len));
	}
	found = store_find(flatten->store, owner, len, type, &client->network, where.region, false,
	                   clock_ms());
	json_object_set_new(object, "state", json_string(states[found.state]));
	if (found.answer)
		json_object_set_new(object, "answer", answer_json(found.answer));
	if (found.answer && found.answer->cell && found.answer->cell->tree && found.answer->harvest)
		json_object_set_new(object, "pool",
		                    cell_json(found.answer->cell, found.answer->harvest));
	else if (!found.answer && match.node)
		tell_ahead(flatten, where_pool(flatten->world, match.node), where.region, type,
		           object);
	if (found.owner) {
		json_object_set_new(object, "networks", json_integer(found.owner->answer_count));
		json_object_set_new(object, "failing", json_boolean(found.owner->failing));
	}
	rcu_read_unlock();
	return object;
}
