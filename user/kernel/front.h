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

/*
 * Of the map's lines the lower are in use, as control.front_mask says: few at first, so that those
 * of few owners lie close together, and more with the owners; beyond 65 536 owners all. They become
 * no fewer. True: so many owners want more lines than are in use.
 */
#define FRONT_LINES_LEAST 256
bool front_is_crowded(const struct kernel_maps *maps, uint64_t owners);

void front_add(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot);
void front_remove(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot);

/*
 * Made anew, with lines for so many owners: begin, add each who is there, end.
 * Until the end the program sees what was there, and misses no owner that it
 * had; but where there are more lines now, a query whose program has read the
 * former mask a moment ago may go up. 0 or -ENOMEM.
 */
struct front_draft {
	struct an_front_line *lines;
	uint32_t mask;
};
int front_begin(const struct kernel_maps *maps, uint64_t owners, struct front_draft *ret);
void front_draft_add(struct front_draft *draft, const struct an_owner_key *key, uint32_t slot);
void front_end(struct kernel_maps *maps, struct front_draft *draft);

#endif
