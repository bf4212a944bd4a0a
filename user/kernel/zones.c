/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zone records. A zone's generation is what its slots are compared with, so
 * one store takes all older slots out. Generations are never used twice while
 * slots that carry them may exist: they come from one counter for all zones.
 */
#include <errno.h>
#include <string.h>

#include "base/name.h"
#include "kernel/desk.h"

static struct an_zone *zone_find(const struct kernel_maps *maps, const uint8_t *apex, size_t len)
{
	struct an_zone *vacant = NULL;

	for (uint32_t i = 0; i < maps->zones_count; i++) {
		struct an_zone *zone = &maps->zones[i];

		if (!zone->generation)
			vacant = vacant ? vacant : zone;
		else if (zone->apex_len == len && !memcmp(zone->apex, apex, len))
			return zone;
	}
	return vacant;
}

static void set_generation(struct kernel_maps *maps, struct an_zone *zone, uint32_t generation)
{
	/* A program that is between the two looks at names and zone passes up. */
	__atomic_fetch_add(&maps->control->names_turn, 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&zone->generation, generation, __ATOMIC_RELEASE);
	/* What is written after this is seen after this. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static uint32_t new_generation(struct publish *publish)
{
	uint32_t generation = publish->next_generation++;

	if (!publish->next_generation)
		publish->next_generation = 1;
	return generation;
}

int publish_zone(struct publish *publish, const uint8_t *apex, size_t apex_len, uint64_t content,
                 uint32_t zone_flags, uint64_t valid_until_ms, uint32_t *ret_index,
                 uint32_t *ret_generation)
{
	uint64_t valid_until = kernel_ticks(publish->maps, valid_until_ms);
	uint8_t lower[NAME_MAX_LEN] = {0};
	struct an_zone *zone;

	if (apex_len == 0 || apex_len > NAME_MAX_LEN)
		return -EINVAL;
	name_lower(lower, apex, apex_len);
	zone = zone_find(publish->maps, lower, apex_len);
	if (!zone)
		return -ENOSPC;
	__atomic_store_n(&zone->flags, zone_flags, __ATOMIC_RELAXED);
	__atomic_store_n(&zone->valid_until, valid_until, __ATOMIC_RELEASE);
	if (!zone->generation) {
		zone->apex_len = (uint8_t)apex_len;
		memset(zone->apex, 0, sizeof(zone->apex));
		memcpy(zone->apex, lower, apex_len);
		zone->content = content;
		set_generation(publish->maps, zone, new_generation(publish));
	} else if (zone->content != content) {
		/* Content after generation: a crash in between raises it once more, which harms
		 * nothing. */
		set_generation(publish->maps, zone, new_generation(publish));
		zone->content = content;
	}
	*ret_index = (uint32_t)(zone - publish->maps->zones);
	*ret_generation = zone->generation;
	return 0;
}

void publish_zone_renew(struct publish *publish, uint32_t index, uint32_t *ret_generation)
{
	if (index >= publish->maps->zones_count || !publish->maps->zones[index].generation)
		return;
	set_generation(publish->maps, &publish->maps->zones[index], new_generation(publish));
	*ret_generation = publish->maps->zones[index].generation;
}

void publish_zone_remove(struct publish *publish, uint32_t index)
{
	struct book *book = &publish->book;

	if (index >= publish->maps->zones_count)
		return;
	set_generation(publish->maps, &publish->maps->zones[index], 0);
	for (uint32_t number = 1; number < book->owner_numbers.count; number++)
		if (pool_taken(&book->owner_numbers, number) && book->owners[number].zone == index)
			desk_drop_owner(publish, &book->owners[number]);
}
