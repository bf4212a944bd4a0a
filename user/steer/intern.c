/* SPDX-License-Identifier: BSD-2-Clause */
/* Equal runs of words get equal numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "steer/geo_room.h"

struct intern {
	size_t width;
	uint32_t count, room; /* runs */
	uint32_t *words;
	uint32_t *table; /* number + 1, 0 is free; open addressing, at most half full */
	uint32_t table_size;
};

struct intern *intern_new(size_t width)
{
	struct intern *intern = calloc(1, sizeof(*intern));

	if (!intern)
		return NULL;
	intern->width = width;
	intern->table_size = 64;
	intern->table = calloc(intern->table_size, sizeof(*intern->table));
	if (intern->table)
		return intern;
	free(intern);
	return NULL;
}

void intern_free(struct intern *intern)
{
	if (!intern)
		return;
	free(intern->words);
	free(intern->table);
	free(intern);
}

const uint32_t *intern_get(const struct intern *intern, uint32_t number)
{
	return intern->words + number * intern->width;
}

uint32_t intern_count(const struct intern *intern)
{
	return intern->count;
}

/* The place of these words in the table, or the free one where they belong. */
static uint32_t *place_of(const struct intern *intern, const uint32_t *words)
{
	size_t len = intern->width * sizeof(*words);
	uint32_t mask = intern->table_size - 1;
	uint32_t at = (uint32_t)XXH3_64bits(words, len) & mask;

	while (intern->table[at] &&
	       memcmp(intern_get(intern, intern->table[at] - 1), words, len) != 0)
		at = (at + 1) & mask;
	return &intern->table[at];
}

static int grow_table(struct intern *intern)
{
	uint32_t *old = intern->table;

	intern->table = calloc(intern->table_size * (size_t)2, sizeof(*old));
	if (!intern->table) {
		intern->table = old;
		return -ENOMEM;
	}
	free(old);
	intern->table_size *= 2;
	for (uint32_t i = 0; i < intern->count; i++)
		*place_of(intern, intern_get(intern, i)) = i + 1;
	return 0;
}

static int grow_words(struct intern *intern)
{
	uint32_t room = intern->room ? intern->room * 2 : 64;
	uint32_t *more = realloc(intern->words, room * intern->width * sizeof(*more));

	if (!more)
		return -ENOMEM;
	intern->words = more;
	intern->room = room;
	return 0;
}

int64_t intern_put(struct intern *intern, const uint32_t *words)
{
	uint32_t *place = place_of(intern, words);

	if (*place)
		return *place - 1;
	if (intern->count == intern->room && grow_words(intern))
		return -ENOMEM;
	if (intern->count >= intern->table_size / 2) {
		if (grow_table(intern))
			return -ENOMEM;
		place = place_of(intern, words);
	}
	memcpy(intern->words + intern->count * intern->width, words,
	       intern->width * sizeof(*words));
	*place = ++intern->count;
	return intern->count - 1;
}
