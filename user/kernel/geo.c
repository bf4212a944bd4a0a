/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of places: written into the half that does not hold, then held by
 * one word of the control block. A packet takes microseconds from that word to
 * the last table; the half that held is left alone until the next update.
 */
#include <errno.h>
#include <string.h>

#include "kernel/desk.h"
#include "steer/geo.h"

static uint32_t spare_half(const struct publish *publish)
{
	return publish->maps->control->geo == 0 ? 1 : 0;
}

/* Lines in each half. */
static uint32_t half_lines(const struct kernel_maps *maps)
{
	return maps->geo_lines / 2;
}

int publish_geo_write(struct publish *publish, struct geo *geo)
{
	struct kernel_maps *maps = publish->maps;
	uint32_t half = spare_half(publish), lines = half_lines(maps);
	struct geo_size size = geo_size(geo);

	if (!size.locations)
		return -ENODATA;
	if (lines < size.lines || maps->regions_count / 2 < size.locations)
		return -ENOSPC;
	for (uint32_t i = 0; i < size.locations; i++)
		maps->regions[an_regions_index(half, i)] = *geo_regions(geo, i);
	geo_move(geo, maps->geo + an_geo_index(half, lines, 0));
	return 0;
}

static void drop_regions(struct publish *publish)
{
	struct book *book = &publish->book;

	for (uint32_t number = 1; number < book->owner_numbers.count; number++)
		if (pool_taken(&book->owner_numbers, number) && book->owners[number].regions)
			desk_drop_owner(publish, &book->owners[number]);
}

void publish_geo_numbering(struct publish *publish, uint64_t numbering)
{
	struct an_control *control = publish->maps->control;

	if (control->geo_numbering == numbering)
		return;
	__atomic_store_n(&control->geo, AN_GEO_NONE, __ATOMIC_RELEASE);
	drop_regions(publish);
	control->geo_numbering = numbering;
}

void publish_geo_hold(struct publish *publish, bool written, uint64_t numbering)
{
	struct kernel_maps *maps = publish->maps;
	uint32_t half = written ? spare_half(publish) : AN_GEO_NONE;

	__atomic_store_n(&maps->control->geo_lines, half_lines(maps), __ATOMIC_RELEASE);
	maps->control->geo_numbering = numbering;
	__atomic_store_n(&maps->control->geo, half, __ATOMIC_RELEASE);
}
