/* SPDX-License-Identifier: BSD-2-Clause */
/* lines - how long the tables are that have eight entries in a line of memory. */
#ifndef ANAMED_KERNEL_LINES_H
#define ANAMED_KERNEL_LINES_H

#include <stdint.h>

/* Lines of `entries` places, with at least `spread` places for each of `count` things: a power of 2
 * from 16 to `most`. */
static inline uint32_t lines_for(uint32_t count, uint32_t spread, uint32_t entries, uint32_t most)
{
	uint32_t lines = 16;

	while (lines < most && (uint64_t)lines * entries < (uint64_t)spread * count)
		lines *= 2;
	return lines;
}

#endif
