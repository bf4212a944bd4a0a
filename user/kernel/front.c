/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lines.h"

#define LINES_MAX (1u << 23)
#define LAST      (AN_FRONT_ENTRIES - 1)

uint32_t front_lines_for(uint32_t owners_max)
{
	return lines_for(owners_max, 2, AN_FRONT_ENTRIES, LINES_MAX);
}

static uint64_t entry_of(const struct an_owner_key *key, uint32_t slot)
{
	return (uint64_t)an_front_print(an_front_hash(key)) << 32 | slot;
}

static struct an_front_line *line_of(struct an_front_line *lines, uint32_t mask,
                                     const struct an_owner_key *key)
{
	return &lines[an_front_hash(key) & mask];
}

static void store(__u64 *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* Where no place is free the last one goes, and whoever was there is found by the hash. */
static void add(struct an_front_line *line, uint64_t entry)
{
	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++) {
		if (line->entries[i] == entry)
			return;
		if (!line->entries[i]) {
			store(&line->entries[i], entry);
			return;
		}
	}
	store(&line->entries[LAST], AN_FRONT_MORE);
}

void front_add(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot)
{
	add(line_of(maps->front, maps->front_lines - 1, key), entry_of(key, slot));
}

void front_remove(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot)
{
	struct an_front_line *line = line_of(maps->front, maps->front_lines - 1, key);
	uint64_t entry = entry_of(key, slot);

	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++)
		if (line->entries[i] == entry)
			store(&line->entries[i], 0);
}

/* ---- made anew ---- */

int front_begin(const struct kernel_maps *maps, struct front_draft *ret)
{
	*ret = (struct front_draft){.lines = calloc(maps->front_lines, sizeof(*ret->lines)),
	                            .mask = maps->front_lines - 1};
	return ret->lines ? 0 : -ENOMEM;
}

void front_draft_add(struct front_draft *draft, const struct an_owner_key *key, uint32_t slot)
{
	add(line_of(draft->lines, draft->mask, key), entry_of(key, slot));
}

/* The hash is asked while the entries change places. */
static void replace(struct an_front_line *line, const struct an_front_line *with)
{
	store(&line->entries[LAST], AN_FRONT_MORE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned int i = 0; i < LAST; i++)
		store(&line->entries[i], with->entries[i]);
	store(&line->entries[LAST], with->entries[LAST]);
}

void front_end(struct kernel_maps *maps, struct front_draft *draft)
{
	for (uint32_t i = 0; i < maps->front_lines; i++)
		if (memcmp(&maps->front[i], &draft->lines[i], sizeof(draft->lines[i])))
			replace(&maps->front[i], &draft->lines[i]);
	__atomic_store_n(&maps->control->front_mask, draft->mask, __ATOMIC_RELEASE);
	free(draft->lines);
	*draft = (struct front_draft){0};
}
