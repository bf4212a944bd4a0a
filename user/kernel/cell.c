/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells of pools: words that many answers look at, of however many owners.
 * What their bits mean is the daemon's that took them, so answers with such a
 * cell are not adopted by the next one.
 */
#include "kernel/desk.h"

uint32_t publish_cell_take(struct publish *publish, uint64_t value)
{
	uint32_t cell = pool_take(&publish->cells);

	if (cell)
		publish_cell_set(publish, cell, value);
	return cell ? cell : AN_CELL_FIXED;
}

void publish_cell_set(struct publish *publish, uint32_t cell, uint64_t value)
{
	if (cell != AN_CELL_FIXED && cell < publish->cells.count)
		__atomic_store_n(&publish->maps->cells[cell], value & AN_CELL_MEMBERS,
		                 __ATOMIC_RELEASE);
}

void publish_cell_drop(struct publish *publish, uint32_t cell)
{
	if (cell == AN_CELL_FIXED || !pool_taken(&publish->cells, cell))
		return;
	publish_cell_set(publish, cell, AN_CELL_MEMBERS);
	pool_give(&publish->cells, cell);
}
