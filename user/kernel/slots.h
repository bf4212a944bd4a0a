/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slots - the kernel's answer memory: allocation, and writes that no reader
 * can believe half-way.
 *
 * A writer makes the sequence number odd, writes words, makes it even again
 * (treaty.h); the program believes a copy only if the number was even and is
 * still the same. A slot that is given back says AN_SLOT_FREE, so whoever
 * still holds its number finds nothing.
 */
#ifndef ANAMED_KERNEL_SLOTS_H
#define ANAMED_KERNEL_SLOTS_H

#include <stddef.h>

#include "kernel/kernel.h"
#include "kernel/pool.h"

struct slots {
	struct kernel_maps *maps;
	struct pool small, large;
	uint64_t homes, homed; /* small slots that are homes, and how many of these are taken */
};

/*
 * Homes of maps that hold little: 256 KiB. And the most that are doubled, 16 MiB: whoever is in
 * more than that waits for each slot, and that he is at home helps more than that he has
 * neighbours. With each doubling most of those who were at home are so no more.
 */
#define SLOTS_HOMES_LEAST 1024
#define SLOTS_HOMES_DENSE 65536

int slots_init(struct slots *slots, struct kernel_maps *maps); /* then claim, then settle */
void slots_done(struct slots *slots);

static inline bool slots_is_large(uint32_t number)
{
	return number & AN_SLOT_LARGE;
}

static inline size_t slots_size(uint32_t number)
{
	return slots_is_large(number) ? AN_SLOT_LARGE_SIZE : AN_SLOT_SMALL_SIZE;
}

/* The memory of a slot; NULL if the number is no slot of these maps. */
struct an_slot_head *slots_at(const struct slots *slots, uint32_t number);

/* Adoption: takes a slot found in use (false: no such slot, or taken); then frees all the rest. */
bool slots_claim(struct slots *slots, uint32_t number);
void slots_settle(struct slots *slots);
bool slots_taken(const struct slots *slots, uint32_t number);

/*
 * Homes: where owners' slots lie, by their hashes. They are the lower end of the small slots, few
 * at first and twice as many whenever three quarters are taken, so that the slots of a few owners
 * lie in few pages, however much room there is; in the end all. Whoever is no owner takes from the
 * upper end.
 */
/* Where an owner of this hash should be (0: nowhere); makes more homes where they are due. */
uint32_t slots_home(struct slots *slots, uint64_t front_hash);
/* After settling: homes for so many owners, who are there or about to come, at once. */
void slots_expect(struct slots *slots, uint64_t owners);

/*
 * A free slot for an image of `used` octets, its mark cleared; AN_SLOT_NONE if full. home: where a
 * small one is wanted, or at least in the same page of memory; AN_SLOT_NONE: anywhere.
 */
uint32_t slots_take(struct slots *slots, size_t used, uint32_t home);
void slots_give(struct slots *slots, uint32_t number);

/*
 * Copies `used` octets of image into the slot in one bracket; its own sequence
 * number and its mark stay. image: 8-aligned, with head.used, readable to a whole 8 octets.
 */
void slots_write(struct an_slot_head *slot, const void *image, size_t used);

/* Between brackets: `len` octets, to and from 8-aligned memory that is readable to a whole 8. */
void slots_copy(void *to, const void *from, size_t len);

/* Brackets for changing fields in place, of slots that are in use. */
void slots_begin(struct an_slot_head *slot);
void slots_end(struct an_slot_head *slot);

/* Ticks of the last hit, 0 for never. */
uint64_t slots_used(const struct slots *slots, uint32_t number);

#endif
