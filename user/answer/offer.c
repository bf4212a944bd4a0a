/* SPDX-License-Identifier: BSD-2-Clause */
/* offer - what a worker has answered goes into the kernel, if it can be there. */
#include <string.h>

#include "answer/flatten_room.h"
#include "base/clock.h"

/* A stored answer that the kernel has lost (its owner was evicted) or never had. */
static void offer_stored(struct flatten *flatten, const struct offer *offer)
{
	const struct zone *zone =
	        zones_find(flatten->world->zones, offer->name, offer->name_len, offer->type);
	struct store_found found;

	rcu_read_lock();
	found = store_find(flatten->store, offer->name, offer->name_len, offer->type,
	                   &offer->client, offer->region, false, clock_ms());
	if (found.answer && finish_kernel_owner(flatten, found.owner, zone) &&
	    found.answer->slot == AN_SLOT_NONE)
		finish_publish(flatten, found.owner, found.answer,
		               found.answer == found.owner->catch_all);
	rcu_read_unlock();
}

/* Type 0: the zone's denial, under its apex, while the kernel knows all of its names. */
static bool is_denial(const struct zone *zone, const struct offer *offer)
{
	return zone->names == ZONE_NAMES_ALL &&
	       name_equal(zone->apex, zone->apex_len, offer->name, offer->name_len);
}

void offer_take(struct flatten *flatten, const struct offer *offer)
{
	uint8_t room[AN_SLOT_LARGE_SIZE] __attribute__((aligned(8))) = {0};
	struct an_answer_slot *image = (struct an_answer_slot *)room;
	const struct an_audience_key everyone = {.kind = AN_AUDIENCE_NET, .type = offer->type};
	static const uint8_t nothing[8];
	const struct zone *zone;
	uint64_t uid;
	uint32_t slot;

	if (!flatten->publish)
		return;
	flatten->stats.offers++;
	if (offer->stored) {
		offer_stored(flatten, offer);
		return;
	}
	zone = zones_find(flatten->world->zones, offer->name, offer->name_len, offer->type);
	if (!zone || zone->id == UINT32_MAX)
		return;
	if (!offer->type && !is_denial(zone, offer))
		return;
	if (publish_has(flatten->publish, offer->name, offer->name_len, offer->type))
		return;
	if (offer->type ? !respond_image_static(flatten->world, offer->name, offer->name_len,
	                                        offer->type, image)
	                : !respond_image_denial(zone, image))
		return;
	if (!offer->type) {
		publish_denial(flatten->publish, zone->apex, zone->apex_len, zone->id,
		               zone->generation, image);
		return;
	}
	if (publish_owner(flatten->publish, offer->name, offer->name_len, offer->type, zone->id,
	                  zone->generation, 0, &uid))
		return;
	publish_answer(flatten->publish, uid, &everyone, nothing, 0, image, CLOCK_MS_NEVER,
	               CLOCK_MS_NEVER, true, &slot);
}
