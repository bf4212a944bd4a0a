/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/names.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/lines.h"

#define LINES_MAX (1u << 26)
#define LAST      (AN_NAME_ENTRIES - 1)

uint32_t names_lines_for(uint32_t names_max)
{
	return lines_for(names_max, 4, AN_NAME_ENTRIES, LINES_MAX);
}

/* Lines that the program can reach: a power of 2. */
static uint32_t lines_of(const struct kernel_maps *maps)
{
	uint32_t lines = 1;

	while (lines <= maps->names_lines / 2)
		lines *= 2;
	return lines;
}

int names_init(struct names *names, struct kernel_maps *maps)
{
	uint32_t lines = lines_of(maps);

	*names = (struct names){
	        .maps = maps,
	        .counts = calloc((size_t)lines * AN_NAME_ENTRIES, sizeof(*names->counts)),
	        .full = calloc(lines, 1)};
	if (!names->counts || !names->full)
		return -ENOMEM;
	__atomic_store_n(&maps->control->names_mask, lines - 1, __ATOMIC_RELEASE);
	return 0;
}

void names_done(struct names *names)
{
	free(names->counts);
	free(names->full);
}

static void store(__u64 *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* Where a hash's tag is, or would be. */
struct place {
	uint64_t line, tag;
	__u64 *entries;
	uint16_t *counts;
	unsigned int at; /* AN_NAME_ENTRIES: not there */
};

static struct place place_of(const struct names *names, uint64_t hash)
{
	const struct an_control *control = names->maps->control;
	struct place place = {.line = an_name_place(hash) & control->names_mask,
	                      .tag = an_name_tag(hash)};

	place.entries = names->maps->names[place.line].entries;
	place.counts = names->counts + place.line * AN_NAME_ENTRIES;
	while (place.at < AN_NAME_ENTRIES &&
	       (place.entries[place.at] == AN_NAME_MORE ||
	        (place.entries[place.at] & ~AN_NAME_FLAGS) != place.tag))
		place.at++;
	return place;
}

/* A free place in the line; none: the last one says that there is more, whoever had it. */
static unsigned int make_room(struct names *names, const struct place *place)
{
	unsigned int at = 0;

	while (at < AN_NAME_ENTRIES && place->entries[at])
		at++;
	if (at == AN_NAME_ENTRIES) {
		store(&place->entries[LAST], AN_NAME_MORE);
		place->counts[LAST] = 0;
		names->full[place->line] = 1;
	}
	return at;
}

void names_add(struct names *names, uint64_t hash, uint32_t flags)
{
	struct place place = place_of(names, hash);

	names->used++;
	if (place.at == AN_NAME_ENTRIES)
		place.at = make_room(names, &place);
	if (place.at == AN_NAME_ENTRIES)
		return;
	store(&place.entries[place.at],
	      place.tag | (place.entries[place.at] & AN_NAME_FLAGS) | flags);
	if (place.counts[place.at] < UINT16_MAX)
		place.counts[place.at]++;
}

void names_set(struct names *names, uint64_t hash, uint32_t flags)
{
	struct place place = place_of(names, hash);

	if (place.at < AN_NAME_ENTRIES && place.counts[place.at] == 1)
		store(&place.entries[place.at], place.tag | flags);
}

void names_drop(struct names *names, uint64_t hash)
{
	struct place place = place_of(names, hash);

	names->used -= names->used != 0;
	if (place.at == AN_NAME_ENTRIES || place.counts[place.at] == UINT16_MAX)
		return;
	/* A line that is full has let go of names, and then says so for good: what is taken out of
	 * it too much is passed up. */
	if (place.counts[place.at] && --place.counts[place.at])
		return;
	store(&place.entries[place.at], 0);
}

void names_sweep(struct names *names)
{
	uint64_t lines = names->maps->control->names_mask + 1;

	for (uint64_t line = 0; line < lines; line++) {
		__u64 *entries = names->maps->names[line].entries;

		for (unsigned int i = 0; i < AN_NAME_ENTRIES; i++) {
			bool more = entries[i] == AN_NAME_MORE && i == LAST && names->full[line];

			if (entries[i] && !more && !names->counts[line * AN_NAME_ENTRIES + i])
				store(&entries[i], 0);
		}
	}
}
