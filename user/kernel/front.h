/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * front - the index before the hash of owners: lines of fingerprints and slot
 * numbers (treaty.h).
 *
 * A hint for the program, which compares the slot in full; so an entry is put
 * in after its slot is complete, and taken out before the slot is freed. A line
 * that was full once says so until the index is made anew, and then the hash
 * is asked. Entries are whole words, so a reader sees the old or the new one.
 */
#ifndef ANAMED_KERNEL_FRONT_H
#define ANAMED_KERNEL_FRONT_H

#include "kernel/kernel.h"

/* Lines for so many owners: a power of 2, at most half full on the average. */
uint32_t front_lines_for(uint32_t owners_max);

void front_add(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot);
void front_remove(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot);

/*
 * Made anew: begin, add each owner, end. Until the end the program sees what
 * was there, and at no moment misses an owner that it had. 0 or -ENOMEM.
 */
struct front_draft {
	struct an_front_line *lines;
	uint32_t mask;
};
int front_begin(const struct kernel_maps *maps, struct front_draft *ret);
void front_draft_add(struct front_draft *draft, const struct an_owner_key *key, uint32_t slot);
void front_end(struct kernel_maps *maps, struct front_draft *draft);

#endif
