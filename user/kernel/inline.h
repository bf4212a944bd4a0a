/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inline - the one answer that stands in its owner's slot.
 *
 * An owner's first answer goes there if it fits behind the name: then a query
 * reads one slot, and a network takes no element of the hash. Its number is the
 * owner's. Which answer it is, is the business of answers.c. Owners with regions
 * have none: beside.h.
 */
#ifndef ANAMED_KERNEL_INLINE_H
#define ANAMED_KERNEL_INLINE_H

#include "kernel/desk.h"

/* Room for so many octets of data in the owner's slot, which holds no answer yet or is to hold
 * another. */
bool inline_fits(const struct publish *publish, const struct book_owner *owner, size_t data_len);
bool inline_taken(const struct publish *publish, const struct book_owner *owner);
/* The image of an answer slot, put in in one bracket. */
void inline_write(struct publish *publish, const struct book_owner *owner,
                  const struct an_answer_slot *image);
void inline_clear(struct an_owner_slot *slot);
/* What was found in an owner's slot: whole, and where it should be? */
bool inline_sane(const struct an_owner_slot *slot, size_t size);
/* Its key, as an answer slot would have it. */
struct an_audience_key inline_key(const struct an_owner_slot *slot);

#endif
