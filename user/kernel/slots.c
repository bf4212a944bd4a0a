/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/slots.h"

#include <errno.h>

#define SLOTS_PAGE (4096 / AN_SLOT_SMALL_SIZE)

/* Most are taken: whoever comes finds his own free less often than not. */
static bool is_crowded(uint64_t taken, uint64_t homes)
{
	return taken > homes / 4 * 3;
}

int slots_init(struct slots *slots, struct kernel_maps *maps)
{
	int error;

	*slots = (struct slots){.maps = maps};
	error = pool_init(&slots->small, maps->slots_count);
	if (!error)
		error = pool_init(&slots->large, maps->slots_large_count);
	if (error)
		slots_done(slots);
	return error;
}

void slots_done(struct slots *slots)
{
	pool_done(&slots->small);
	pool_done(&slots->large);
}

static struct pool *pool_of(struct slots *slots, uint32_t number)
{
	return slots_is_large(number) ? &slots->large : &slots->small;
}

struct an_slot_head *slots_at(const struct slots *slots, uint32_t number)
{
	uint32_t index = number & AN_SLOT_INDEX;
	const struct kernel_maps *maps = slots->maps;
	uint32_t count = slots_is_large(number) ? maps->slots_large_count : maps->slots_count;
	uint8_t *base = slots_is_large(number) ? maps->slots_large : maps->slots;

	if (number & AN_SLOT_SEGMENT || !index || index >= count)
		return NULL;
	return (struct an_slot_head *)(void *)(base + index * slots_size(number));
}

void slots_begin(struct an_slot_head *slot)
{
	uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_RELAXED);

	__atomic_store_n(&slot->seq, seq | 1, __ATOMIC_RELAXED);
	/* No later store may be seen before the odd number. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void slots_end(struct an_slot_head *slot)
{
	uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_RELAXED);

	/* After odd comes the next even one, which wraps. */
	__atomic_store_n(&slot->seq, (seq | 1) + 1, __ATOMIC_RELEASE);
}

void slots_copy(void *to, const void *from, size_t len)
{
	const uint64_t *words = from;

	for (size_t i = 0; i < (len + 7) / 8; i++)
		__atomic_store_n((uint64_t *)to + i, words[i], __ATOMIC_RELAXED);
}

void slots_write(struct an_slot_head *slot, const void *image, size_t used)
{
	const struct an_slot_head *head = image;

	slots_begin(slot);
	__atomic_store_n(&slot->kind, head->kind, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->flags, head->flags, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->used, head->used, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->zone, head->zone, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->generation, head->generation, __ATOMIC_RELAXED);
	slots_copy(slot + 1, head + 1, used - sizeof(*head));
	slots_end(slot);
}

static void slot_clear(struct an_slot_head *slot)
{
	slots_begin(slot);
	__atomic_store_n(&slot->kind, AN_SLOT_FREE, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->flags, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->used, 0, __ATOMIC_RELAXED);
	slots_end(slot);
}

bool slots_claim(struct slots *slots, uint32_t number)
{
	return slots_at(slots, number) &&
	       pool_claim(pool_of(slots, number), number & AN_SLOT_INDEX);
}

bool slots_taken(const struct slots *slots, uint32_t number)
{
	const struct pool *pool = slots_is_large(number) ? &slots->large : &slots->small;

	return slots_at(slots, number) && pool_taken(pool, number & AN_SLOT_INDEX);
}

static void clear_free(struct slots *slots, const struct pool *pool, uint32_t class)
{
	for (uint32_t index = 1; index < pool->count; index++) {
		struct an_slot_head *slot = slots_at(slots, class | index);

		if (slot && !pool_taken(pool, index) &&
		    (slot->kind != AN_SLOT_FREE || slot->seq & 1))
			slot_clear(slot);
	}
}

/* ---- homes ---- */

static uint64_t mask_of(uint64_t homes)
{
	uint64_t mask = 0;

	while (mask + 1 < homes)
		mask = mask << 1 | 1;
	return mask;
}

/* The program reads either before the other: what it guesses then is no worse than wrong. */
static void set_homes(struct slots *slots, uint64_t homes)
{
	struct an_control *control = slots->maps->control;

	for (; slots->homes < homes; slots->homes++)
		slots->homed += pool_taken(&slots->small, (uint32_t)slots->homes);
	__atomic_store_n(&control->homes, homes, __ATOMIC_RELAXED);
	__atomic_store_n(&control->home_mask, mask_of(homes), __ATOMIC_RELAXED);
}

static uint64_t most_homes(const struct slots *slots)
{
	return slots->maps->slots_count;
}

/* So many, or what there is. */
static uint64_t homes_of(const struct slots *slots, uint64_t homes)
{
	return homes < most_homes(slots) ? homes : most_homes(slots);
}

/* Those of an earlier daemon, if it knew of them: owners are there. */
static void adopt_homes(struct slots *slots)
{
	const struct an_control *control = slots->maps->control;
	uint64_t homes = control->homes, least = homes_of(slots, SLOTS_HOMES_LEAST);
	bool sane = homes >= least && homes <= most_homes(slots) &&
	            control->home_mask == mask_of(homes);

	slots->homes = slots->homed = 0;
	set_homes(slots, sane ? homes : least);
}

void slots_expect(struct slots *slots, uint64_t owners)
{
	uint64_t homes = slots->homes;

	while (homes < most_homes(slots) && is_crowded(owners, homes))
		homes = homes_of(slots, 2 * homes);
	set_homes(slots, homes);
}

/* Not where of the new ones no more would be free than of the old: others have them. */
static void make_homes(struct slots *slots)
{
	uint64_t homes = slots->homes < SLOTS_HOMES_DENSE ? homes_of(slots, 2 * slots->homes)
	                                                  : most_homes(slots);

	if (is_crowded(slots->homed, slots->homes) &&
	    slots->small.free_count + slots->homed > slots->homes + (homes - slots->homes) / 4)
		set_homes(slots, homes);
}

uint32_t slots_home(struct slots *slots, uint64_t front_hash)
{
	if (slots->homes < most_homes(slots))
		make_homes(slots);
	return an_home_slot(front_hash, slots->homes, slots->maps->control->home_mask);
}

void slots_settle(struct slots *slots)
{
	clear_free(slots, &slots->small, 0);
	clear_free(slots, &slots->large, AN_SLOT_LARGE);
	pool_settle_from_top(&slots->small);
	pool_settle(&slots->large);
	adopt_homes(slots);
}

static uint32_t take_in_page(struct slots *slots, uint64_t slot)
{
	uint32_t page = (uint32_t)slot / SLOTS_PAGE * SLOTS_PAGE;

	return pool_take_within(&slots->small, page, page + SLOTS_PAGE);
}

/*
 * At home, or where the same page of memory is read; or, so that homes fill evenly, where the other
 * half of the homes has its like: of those who were there before the last were made, each is in the
 * lower. 0: no room there.
 */
static uint32_t take_near(struct slots *slots, uint32_t home)
{
	uint64_t other = home ^ (slots->maps->control->home_mask + 1) / 2;
	uint32_t index;

	if (pool_take_this(&slots->small, home))
		return home;
	index = take_in_page(slots, home);
	return index || other >= slots->homes ? index : take_in_page(slots, other);
}

uint32_t slots_take(struct slots *slots, size_t used, uint32_t home)
{
	uint32_t class = used > AN_SLOT_SMALL_SIZE ? AN_SLOT_LARGE : 0;
	uint32_t index = 0;

	if (!class && home != AN_SLOT_NONE)
		index = take_near(slots, home);
	if (!index)
		index = pool_take(pool_of(slots, class));
	if (!index)
		return AN_SLOT_NONE;
	slots->homed += !class && index < slots->homes;
	__atomic_store_n(&slots_at(slots, class | index)->mark, 0, __ATOMIC_RELAXED);
	return class | index;
}

void slots_give(struct slots *slots, uint32_t number)
{
	if (!slots_taken(slots, number))
		return;
	slot_clear(slots_at(slots, number));
	slots->homed -= !slots_is_large(number) && number < slots->homes;
	pool_give(pool_of(slots, number), number & AN_SLOT_INDEX);
}

uint64_t slots_used(const struct slots *slots, uint32_t number)
{
	const struct an_slot_head *slot = slots_at(slots, number);

	return slot ? __atomic_load_n(&slot->mark, __ATOMIC_RELAXED) : 0;
}
