/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told about a zone with primaries. */
#include "base/clock.h"
#include "transfer/in_room.h"

static const char *phase_text(enum in_phase phase)
{
	switch (phase) {
	case IN_WAITING:
		return "waiting";
	case IN_ASKING:
		return "asking";
	case IN_BUILDING:
		return "building";
	default:
		return "idle";
	}
}

static json_t *seconds_until(uint64_t ms, uint64_t now)
{
	return json_integer(ms > now ? (json_int_t)((ms - now + 999) / 1000) : 0);
}

static json_t *seconds_since(int64_t unix_ms)
{
	int64_t age = clock_unix_ms() - unix_ms;

	return json_integer(age > 0 ? age / 1000 : 0);
}

static json_t *primaries_json(const struct in_settings *settings)
{
	json_t *list = json_array();
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < settings->primaries_count; i++)
		json_array_append_new(
		        list, json_string(endpoint_text(&settings->primaries[i].address, text)));
	return list;
}

static void add_data(json_t *object, const struct in_zone *zone, uint64_t now)
{
	if (!zone->zone)
		return;
	json_object_set_new(object, "serial", json_integer(zone->zone->serial));
	json_object_set_new(object, "expires_in_s", seconds_until(in_zone_expires_ms(zone), now));
	if (zone->confirmed)
		json_object_set_new(object, "confirmed_s_ago",
		                    seconds_since(zone->confirmed_unix_ms));
}

uint64_t transfer_in_expires_ms(struct transfer_in *in, const uint8_t *apex, size_t apex_len)
{
	const struct in_zone *zone = in_find(in, apex, apex_len);

	return zone ? in_zone_expires_ms(zone) : CLOCK_MS_NEVER;
}

json_t *transfer_in_status(struct transfer_in *in, const uint8_t *apex, size_t apex_len)
{
	struct in_zone *zone = in_find(in, apex, apex_len);
	uint64_t now = clock_ms();
	json_t *object;

	if (!zone)
		return NULL;
	object = json_object();
	json_object_set_new(object, "primaries", primaries_json(zone->settings));
	json_object_set_new(object, "state", json_string(phase_text(zone->phase)));
	json_object_set_new(object, "expired", json_boolean(zone->expired));
	add_data(object, zone, now);
	if (zone->phase == IN_IDLE)
		json_object_set_new(object, "next_check_in_s", seconds_until(zone->next_ms, now));
	if (zone->checked_unix_ms)
		json_object_set_new(object, "checked_s_ago", seconds_since(zone->checked_unix_ms));
	if (zone->last_primary[0])
		json_object_set_new(object, "primary", json_string(zone->last_primary));
	if (zone->last_kind)
		json_object_set_new(object, "last_transfer", json_string(zone->last_kind));
	if (zone->settings->member)
		json_object_set_new(object, "member", json_true());
	if (zone->catalog_known)
		json_object_set_new(object, "members",
		                    json_integer((json_int_t)zone->catalog.count));
	if (zone->error[0]) {
		json_object_set_new(object, "failures", json_integer(zone->failures));
		json_object_set_new(object, "failed_s_ago", seconds_since(zone->failed_unix_ms));
		json_object_set_new(object, "error", json_string(zone->error));
	}
	return object;
}
