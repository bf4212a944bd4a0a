/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST 4096
#define CHUNK_MOST  (1024 * 1024)

static struct arena_chunk *chunk_add(struct arena *arena, size_t least)
{
	size_t size = arena->last ? arena->last->size * 2 : CHUNK_FIRST;
	struct arena_chunk *chunk;

	if (size > CHUNK_MOST)
		size = CHUNK_MOST;
	if (size < least)
		size = least;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->used = 0;
	chunk->size = size;
	if (arena->last)
		arena->last->next = chunk;
	else
		arena->first = chunk;
	arena->last = chunk;
	return chunk;
}

void *arena_take(struct arena *arena, size_t size, size_t align)
{
	struct arena_chunk *chunk = arena->last;
	size_t at = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;

	if (!chunk || at > chunk->size || size > chunk->size - at) {
		chunk = chunk_add(arena, size);
		if (!chunk)
			return NULL;
		at = 0;
	}
	chunk->used = at + size;
	return chunk->data + at;
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *piece = arena_take(arena, size, 1);

	if (piece && size)
		memcpy(piece, data, size);
	return piece;
}

void arena_done(struct arena *arena)
{
	struct arena_chunk *next;

	for (struct arena_chunk *chunk = arena->first; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->first = arena->last = NULL;
}
