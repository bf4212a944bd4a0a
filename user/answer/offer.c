/* SPDX-License-Identifier: BSD-2-Clause */
/* offer - what a worker has answered goes into the kernel, if it can be there. */
#include <string.h>

#include "answer/chained.h"
#include "answer/plan.h"
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

/* One image, or, behind a chain, one for each turn of the addresses. */
struct turns {
	_Alignas(8) uint8_t octets[PLAN_TURNS_MAX][AN_SLOT_LARGE_SIZE];
	unsigned int count;
};

static struct an_answer_slot *turn_at(struct turns *turns, unsigned int turn)
{
	return (struct an_answer_slot *)(void *)turns->octets[turn];
}

static bool make_turns(const struct world *world, const struct offer *offer, struct turns *ret)
{
	ret->count = 1;
	for (unsigned int turn = 0; turn < ret->count; turn++)
		if (!respond_image_static(world, offer->name, offer->name_len, offer->type, turn,
		                          &ret->count, turn_at(ret, turn)))
			return false;
	return true;
}

static void publish_turns(struct publish *publish, uint64_t uid, struct turns *turns)
{
	const struct an_audience_key everyone = {.kind = AN_AUDIENCE_NET};
	struct publish_member members[PLAN_TURNS_MAX];
	const struct publish_choice choice = {
	        .cell = AN_CELL_FIXED, .members = members, .count = turns->count};
	uint32_t slot;

	for (unsigned int turn = 0; turn < turns->count; turn++)
		members[turn] = (struct publish_member){
		        .image = turn_at(turns, turn), .weight = 1, .bit = AN_BIT_ALWAYS};
	publish_choice(publish, uid, &everyone, &choice, CLOCK_MS_NEVER, CLOCK_MS_NEVER, true,
	               &slot);
}

static void offer_static(struct flatten *flatten, const struct zone *zone,
                         const struct offer *offer)
{
	const struct an_audience_key everyone = {.kind = AN_AUDIENCE_NET};
	static const uint8_t nothing[8];
	struct turns turns;
	uint64_t uid;
	uint32_t slot;

	if (!make_turns(flatten->world, offer, &turns) ||
	    publish_owner(flatten->publish, offer->name, offer->name_len, offer->type, zone->id,
	                  zone->generation, 0, &uid))
		return;
	if (turns.count > 1)
		publish_turns(flatten->publish, uid, &turns);
	else
		publish_answer(flatten->publish, uid, &everyone, nothing, 0, turn_at(&turns, 0),
		               CLOCK_MS_NEVER, CLOCK_MS_NEVER, true, &slot);
}

static void offer_denial(struct flatten *flatten, const struct zone *zone)
{
	_Alignas(8) uint8_t room[AN_SLOT_LARGE_SIZE] = {0};
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)room;

	if (respond_image_denial(zone, image))
		publish_denial(flatten->publish, zone->apex, zone->apex_len, zone->id,
		               zone->generation, image);
}

void offer_take(struct flatten *flatten, const struct offer *offer)
{
	const struct zone *zone;

	if (!flatten->publish)
		return;
	flatten->stats.offers++;
	if (offer->stored) {
		offer_stored(flatten, offer);
		return;
	}
	zone = zones_find(flatten->world->zones, offer->name, offer->name_len, offer->type);
	if (!zone || zone->id == UINT32_MAX || (!offer->type && !is_denial(zone, offer)) ||
	    publish_holds(flatten->publish, offer->name, offer->name_len, offer->type))
		return;
	if (offer->chained)
		chained_offer(flatten, offer);
	else if (offer->type)
		offer_static(flatten, zone, offer);
	else
		offer_denial(flatten, zone);
}
