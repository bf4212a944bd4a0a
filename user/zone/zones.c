/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/zones.h"

#include <stdlib.h>

#include "anamed/dns.h"
#include "zone/table.h"

struct zones {
	struct zone **zone;
	size_t count;
	unsigned int most_labels; /* of any apex */
	size_t size;              /* of places, a power of two */
	uint32_t *places;         /* index + 1 by hash of the apex; 0: free */
};

static size_t place_of(const struct zones *zones, const uint8_t *apex, size_t len)
{
	size_t at = name_hash(apex, len) & (zones->size - 1);

	while (zones->places[at]) {
		const struct zone *zone = zones->zone[zones->places[at] - 1];

		if (name_equal(zone->apex, zone->apex_len, apex, len))
			break;
		at = (at + 1) & (zones->size - 1);
	}
	return at;
}

/* Indexes every zone; of two with one apex the later counts. */
static void index_zones(struct zones *zones)
{
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone *zone = zones->zone[i];
		unsigned int labels = name_labels(zone->apex);

		zones->places[place_of(zones, zone->apex, zone->apex_len)] = (uint32_t)i + 1;
		if (labels > zones->most_labels)
			zones->most_labels = labels;
	}
}

struct zones *zones_new(struct zone **zone, size_t count)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	size_t size = 4;

	while (size < count * 2)
		size *= 2;
	if (zones) {
		zones->size = size;
		zones->places = calloc(size, sizeof(*zones->places));
		zones->zone = calloc(count ? count : 1, sizeof(struct zone *));
	}
	if (!zones || !zones->places || !zones->zone) {
		for (size_t i = 0; i < count; i++)
			zone_free(zone[i]);
		zones_free(zones);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		zones->zone[i] = zone[i];
	zones->count = count;
	index_zones(zones);
	return zones;
}

void zones_free(struct zones *zones)
{
	if (!zones)
		return;
	for (size_t i = 0; i < zones->count; i++)
		zone_free(zones->zone[i]);
	free(zones->zone);
	free(zones->places);
	free(zones);
}

struct zone *zone_hold(struct zone *zone)
{
	__atomic_add_fetch(&zone->holders, 1, __ATOMIC_RELAXED);
	return zone;
}

struct zone *zones_exact(const struct zones *zones, const uint8_t *apex, size_t len)
{
	size_t at = place_of(zones, apex, len);

	return zones->places[at] ? zones->zone[zones->places[at] - 1] : NULL;
}

const struct zone *zones_find(const struct zones *zones, const uint8_t *name, size_t len,
                              uint16_t type)
{
	const struct zone *child = NULL;
	unsigned int labels = name_labels(name);

	for (size_t at = 0;; labels--) {
		struct zone *zone = NULL;

		if (labels <= zones->most_labels)
			zone = zones_exact(zones, name + at, len - at);
		if (zone && (at || type != AN_TYPE_DS))
			return zone;
		if (zone)
			child = zone; /* RFC 4035 3.1.4.1: DS at an apex is the parent's */
		if (!name[at])
			return child;
		at += 1u + name[at];
	}
}

size_t zones_count(const struct zones *zones)
{
	return zones->count;
}

size_t zones_with_data(const struct zones *zones)
{
	size_t count = 0;

	for (size_t i = 0; i < zones_count(zones); i++)
		count += zones_at(zones, i)->soa != NULL;
	return count;
}

struct zone *zones_at(const struct zones *zones, size_t index)
{
	return zones->zone[index];
}
