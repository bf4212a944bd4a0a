/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a zone's answers depend on beside its own data: which other zones are
 * ours. Names move into a zone that is new below it, the DS of its apex into one
 * that is new above it, and a CNAME that led out of our zones leads into the new
 * one. Such a zone's answers leave the kernel.
 */
#include "control/world.h"

struct nearby {
	const struct zones *zones, *old;
};

static bool is_in(const struct zones *zones, const uint8_t *apex, size_t len)
{
	return zones_exact(zones, apex, len) != NULL;
}

/* Is there a zone at or above the name in one of the sets only? */
static bool is_moved(const struct nearby *nearby, const uint8_t *name, size_t len)
{
	for (; len; len -= 1u + *name, name += 1u + *name) {
		if (is_in(nearby->zones, name, len) != is_in(nearby->old, name, len))
			return true;
		if (!*name)
			break;
	}
	return false;
}

static int leads_elsewhere(const struct zone_node *node, void *arg)
{
	const struct zone_rrset *cname =
	        node->flags & ZONE_NODE_CNAME ? zone_rrset(node, AN_TYPE_CNAME) : NULL;

	return cname && is_moved(arg, cname->rdata[0].data, cname->rdata[0].len);
}

/* DS is the parent's to answer (RFC 4035 3.1.4.1); without one of ours the zone does. */
static bool answers_own_ds(const struct zones *zones, const struct zone *zone)
{
	const struct zone *asked = zones_find(zones, zone->apex, zone->apex_len, AN_TYPE_DS);

	return asked && asked->apex_len == zone->apex_len;
}

/* The answers of a zone that is in both sets are others now. */
static bool is_disturbed(struct nearby *nearby, const struct zone *zone)
{
	return answers_own_ds(nearby->zones, zone) != answers_own_ds(nearby->old, zone) ||
	       zone_each(zone, leads_elsewhere, nearby);
}

/* Takes what the kernel has of the zone around this apex out of it. */
static void disturb_around(const struct zones *zones, const uint8_t *apex, struct publish *publish)
{
	size_t label = 1u + apex[0];
	struct zone *zone;

	if (!apex[0])
		return;
	/* The set is ours to change. */
	zone = (struct zone *)(uintptr_t)zones_find(zones, apex + label, name_len(apex + label), 0);
	if (zone && zone->id != UINT32_MAX)
		publish_zone_renew(publish, zone->id, &zone->generation);
}

static size_t disturb_below(const struct zones *zones, const struct zones *other,
                            const struct zones *served, struct publish *publish)
{
	size_t count = 0;

	for (size_t i = 0; i < zones_count(zones); i++) {
		const struct zone *zone = zones_at(zones, i);

		if (is_in(other, zone->apex, zone->apex_len))
			continue;
		disturb_around(served, zone->apex, publish);
		count++;
	}
	return count;
}

void world_disturb(const struct zones *zones, const struct zones *old, struct publish *publish)
{
	struct nearby nearby = {.zones = zones, .old = old};
	size_t count = disturb_below(zones, old, zones, publish) +
	               disturb_below(old, zones, zones, publish);

	for (size_t i = 0; count && i < zones_count(zones); i++) {
		struct zone *zone = zones_at(zones, i);

		if (zone->id != UINT32_MAX && is_disturbed(&nearby, zone))
			publish_zone_renew(publish, zone->id, &zone->generation);
	}
}

bool world_is_as_adopted(const struct zones *zones, const struct publish *publish)
{
	const struct kernel_maps *maps = publish_maps(publish);
	size_t found = 0;

	for (uint32_t i = 0; i < maps->zones_count; i++) {
		const struct an_zone *record = &maps->zones[i];
		int len = name_parse_wire(record->apex, sizeof(record->apex) - 1);

		if (!record->generation)
			continue;
		if (len < 0 || !is_in(zones, record->apex, (size_t)len))
			return false;
		found++;
	}
	return !found || found == zones_count(zones);
}
