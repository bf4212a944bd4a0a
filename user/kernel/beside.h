/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * beside - where the answers of an owner's regions are, in his own slot.
 *
 * Hints, for the program's quick way: it compares the slot that it finds. So
 * they need to be right only most of the time; the record is the hash. Owners
 * without regions, and regions from AN_REGIONS_BESIDE + 1 on, have none.
 */
#ifndef ANAMED_KERNEL_BESIDE_H
#define ANAMED_KERNEL_BESIDE_H

#include "kernel/desk.h"

/* The answer for this audience is in `slot` now; what is no answer, or not for everyone in a
 * region, is none. */
void beside_set(struct publish *publish, const struct book_owner *owner,
                const struct an_audience_key *key, uint32_t slot);
/* In a bracket: there is none. Only where the slot holds no inline answer. */
void beside_clear(struct an_owner_slot *slot);
/* All of them from the book, of an owner that was adopted. */
void beside_adopt(struct publish *publish, const struct book_owner *owner);

#endif
