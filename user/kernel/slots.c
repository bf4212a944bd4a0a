/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/slots.h"

#include <errno.h>

#define SLOTS_PAGE (4096 / AN_SLOT_SMALL_SIZE)

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

void slots_settle(struct slots *slots)
{
	clear_free(slots, &slots->small, 0);
	clear_free(slots, &slots->large, AN_SLOT_LARGE);
	pool_settle(&slots->small);
	pool_settle(&slots->large);
	__atomic_store_n(&slots->maps->control->homes, slots->maps->slots_count, __ATOMIC_RELAXED);
}

/* At home, or where the same page of memory is read. 0: no room there. */
static uint32_t take_near(struct pool *pool, uint32_t home)
{
	uint32_t page = home / SLOTS_PAGE * SLOTS_PAGE;

	if (pool_take_this(pool, home))
		return home;
	for (uint32_t index = page; index < page + SLOTS_PAGE; index++)
		if (pool_take_this(pool, index))
			return index;
	return 0;
}

uint32_t slots_take(struct slots *slots, size_t used, uint32_t home)
{
	uint32_t class = used > AN_SLOT_SMALL_SIZE ? AN_SLOT_LARGE : 0;
	uint32_t index = 0;

	if (!class && home != AN_SLOT_NONE)
		index = take_near(&slots->small, home);
	if (!index)
		index = pool_take(pool_of(slots, class));
	if (!index)
		return AN_SLOT_NONE;
	__atomic_store_n(&slots_at(slots, class | index)->mark, 0, __ATOMIC_RELAXED);
	return class | index;
}

void slots_give(struct slots *slots, uint32_t number)
{
	if (!slots_taken(slots, number))
		return;
	slot_clear(slots_at(slots, number));
	pool_give(pool_of(slots, number), number & AN_SLOT_INDEX);
}

uint64_t slots_used(const struct slots *slots, uint32_t number)
{
	const struct an_slot_head *slot = slots_at(slots, number);

	return slot ? __atomic_load_n(&slot->mark, __ATOMIC_RELAXED) : 0;
}
