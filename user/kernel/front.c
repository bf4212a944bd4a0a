/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/front.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lines.h"

#define LINES_MAX   (1u << 23)
#define LINES_DENSE (65536 * 2 / AN_FRONT_ENTRIES) /* the most that are made more step by step */
#define LAST        (AN_FRONT_ENTRIES - 1)

uint32_t front_lines_for(uint32_t owners_max)
{
	return lines_for(owners_max, 2, AN_FRONT_ENTRIES, LINES_MAX);
}

/* ---- how many are in use ---- */

/* As the control block has it; 0: no mask of ours. */
static uint32_t lines_said(const struct kernel_maps *maps)
{
	uint64_t lines = maps->control->front_mask + 1;
	uint32_t least =
	        maps->front_lines < FRONT_LINES_LEAST ? maps->front_lines : FRONT_LINES_LEAST;

	return lines & (lines - 1) || lines < least || lines > maps->front_lines ? 0
	                                                                         : (uint32_t)lines;
}

static bool is_crowded(uint32_t lines, uint64_t owners)
{
	return owners > (uint64_t)lines * AN_FRONT_ENTRIES / 2;
}

static uint32_t lines_wanted(const struct kernel_maps *maps, uint64_t owners)
{
	uint64_t lines = lines_said(maps);

	if (!lines)
		lines = FRONT_LINES_LEAST;
	while (lines < maps->front_lines && is_crowded((uint32_t)lines, owners))
		lines = lines < LINES_DENSE ? 2 * lines : maps->front_lines;
	return lines < maps->front_lines ? (uint32_t)lines : maps->front_lines;
}

bool front_is_crowded(const struct kernel_maps *maps, uint64_t owners)
{
	return lines_wanted(maps, owners) != lines_said(maps);
}

/* ---- entries ---- */

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

/* Within the map, whatever it says. */
static uint32_t mask_of(const struct kernel_maps *maps)
{
	return (uint32_t)maps->control->front_mask & (maps->front_lines - 1);
}

void front_add(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot)
{
	add(line_of(maps->front, mask_of(maps), key), entry_of(key, slot));
}

void front_remove(struct kernel_maps *maps, const struct an_owner_key *key, uint32_t slot)
{
	struct an_front_line *line = line_of(maps->front, mask_of(maps), key);
	uint64_t entry = entry_of(key, slot);

	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++)
		if (line->entries[i] == entry)
			store(&line->entries[i], 0);
}

/* ---- made anew ---- */

int front_begin(const struct kernel_maps *maps, uint64_t owners, struct front_draft *ret)
{
	uint32_t lines = lines_wanted(maps, owners);

	*ret = (struct front_draft){.lines = calloc(lines, sizeof(*ret->lines)), .mask = lines - 1};
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

static void replace_from(struct kernel_maps *maps, const struct front_draft *draft, uint32_t from,
                         uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		if (memcmp(&maps->front[i], &draft->lines[i], sizeof(draft->lines[i])))
			replace(&maps->front[i], &draft->lines[i]);
}

/* Lines that nobody looks into yet; that they are to be looked into; those whose entries moved. */
void front_end(struct kernel_maps *maps, struct front_draft *draft)
{
	uint32_t before = lines_said(maps);

	replace_from(maps, draft, before, draft->mask + 1);
	__atomic_store_n(&maps->control->front_mask, draft->mask, __ATOMIC_SEQ_CST);
	replace_from(maps, draft, 0, before);
	free(draft->lines);
	*draft = (struct front_draft){0};
}
