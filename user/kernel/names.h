/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names - which names exist, for the program's denial of those that do not (treaty.h).
 *
 * A table of tags of name hashes, eight to a line; beside it, in the daemon,
 * how many names stand behind each tag: a name may be of the old and of the
 * new data of a zone, or of two zones, and goes when the last of them goes.
 * What does not fit marks its line, and is passed up: a line never says that a
 * name does not exist that does.
 */
#ifndef ANAMED_KERNEL_NAMES_H
#define ANAMED_KERNEL_NAMES_H

#include "kernel/kernel.h"

struct names {
	struct kernel_maps *maps;
	uint16_t *counts; /* of each entry; one that is at its most stays */
	uint8_t *full;    /* of each line: something did not fit, since the start */
	uint64_t used;    /* names that are held, each as often as it was added */
};

/* Lines for so many names: a power of 2, a quarter full on the average. */
uint32_t names_lines_for(uint32_t names_max);

/* What is in the table stays until names_sweep(), held by nobody. 0 or -ENOMEM. */
int names_init(struct names *names, struct kernel_maps *maps);
void names_done(struct names *names);

/* hash: an_name_hash(); flags: AN_NAME_*, added to those of the names behind the same tag. */
void names_add(struct names *names, uint64_t hash, uint32_t flags);
/* The name's flags are these, if nobody shares its tag. */
void names_set(struct names *names, uint64_t hash, uint32_t flags);
void names_drop(struct names *names, uint64_t hash);

/* Takes out what nobody holds: what an earlier daemon left. */
void names_sweep(struct names *names);

#endif
