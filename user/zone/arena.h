/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena - memory that is given out in pieces and given back as a whole.
 *
 * Chunks grow from 4 KiB to 1 MiB, so that a zone of ten records is small and
 * a zone of a million costs no malloc() a record. Pieces are never moved.
 */
#ifndef ANAMED_ZONE_ARENA_H
#define ANAMED_ZONE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk {
	struct arena_chunk *next; /* younger */
	size_t used, size;        /* of data */
	_Alignas(8) uint8_t data[];
};

struct arena {
	struct arena_chunk *first, *last;
};

/* `size` octets at a multiple of `align` (1, 2, 4 or 8); not zeroed. NULL if out of memory. */
void *arena_take(struct arena *arena, size_t size, size_t align);

/* arena_take() and memcpy(). */
void *arena_copy(struct arena *arena, const void *data, size_t size);

void arena_done(struct arena *arena);

#endif
