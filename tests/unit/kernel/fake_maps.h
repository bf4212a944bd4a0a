/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_maps - the kernel's maps on the heap: arrays in blocks of their exact
 * size, hashes that are full when they say so. And the program's look-up, so
 * that tests see what a packet would see.
 */
#ifndef TESTS_FAKE_MAPS_H
#define TESTS_FAKE_MAPS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "kernel/kernel.h"

#define FAKE_NAMES_LINES  64
#define FAKE_OWNERS_FD    1000
#define FAKE_AUDIENCES_FD 1001
#define FAKE_FRONT_LINES  4 /* few, so that some are full */

struct fake_element {
	uint8_t key[32];
	uint32_t value;
	UT_hash_handle hh;
};

struct fake_table {
	struct fake_element *elements;
	size_t key_size;
	uint32_t max;
};

static struct fake_table fake_tables[2];

static inline struct fake_table *fake_table(int fd)
{
	return &fake_tables[fd - FAKE_OWNERS_FD];
}

static inline struct fake_element *fake_find(int fd, const void *key)
{
	struct fake_element *found;

	HASH_FIND(hh, fake_table(fd)->elements, key, fake_table(fd)->key_size, found);
	return found;
}

static inline int fake_update(int fd, const void *key, uint32_t value)
{
	struct fake_table *table = fake_table(fd);
	struct fake_element *element = fake_find(fd, key);

	if (!element && HASH_COUNT(table->elements) >= table->max)
		return -E2BIG;
	if (!element) {
		element = calloc(1, sizeof(*element));
		memcpy(element->key, key, table->key_size);
		HASH_ADD(hh, table->elements, key, table->key_size, element);
	}
	element->value = value;
	return 0;
}

static inline int fake_remove(int fd, const void *key)
{
	struct fake_element *element = fake_find(fd, key);

	if (!element)
		return -ENOENT;
	HASH_DEL(fake_table(fd)->elements, element);
	free(element);
	return 0;
}

static inline int fake_lookup(int fd, const void *key, uint32_t *ret)
{
	struct fake_element *element = fake_find(fd, key);

	if (!element)
		return -ENOENT;
	*ret = element->value;
	return 0;
}

static inline int fake_next(int fd, const void *key, void *ret)
{
	struct fake_table *table = fake_table(fd);
	struct fake_element *element = key ? fake_find(fd, key) : NULL;

	element = element ? element->hh.next : table->elements;
	if (!element)
		return -ENOENT;
	memcpy(ret, element->key, table->key_size);
	return 0;
}

static const struct kernel_map_ops fake_ops = {
        .update = fake_update, .remove = fake_remove, .lookup = fake_lookup, .next = fake_next};

struct fake_sizes {
	uint32_t owners, audiences, slots, slots_large, zones;
	uint32_t front_lines; /* 0: few */
};

static inline struct kernel_maps *fake_maps_new(const struct fake_sizes *sizes)
{
	struct kernel_maps *maps = calloc(1, sizeof(*maps));
	uint32_t front_lines = sizes->front_lines ? sizes->front_lines : FAKE_FRONT_LINES;

	fake_tables[0] =
	        (struct fake_table){.key_size = sizeof(struct an_owner_key), .max = sizes->owners};
	fake_tables[1] = (struct fake_table){.key_size = sizeof(struct an_audience_key),
	                                     .max = sizes->audiences};
	*maps = (struct kernel_maps){.ops = &fake_ops,
	                             .control = calloc(1, sizeof(struct an_control)),
	                             .served = calloc(AN_SERVED_SIZE, sizeof(struct an_served)),
	                             .special = calloc(2 * AN_SPECIAL_WORDS, 8),
	                             .zones = calloc(sizes->zones, sizeof(struct an_zone)),
	                             .zones_count = sizes->zones,
	                             .slots = calloc(sizes->slots + 1, AN_SLOT_SMALL_SIZE),
	                             .slots_large =
	                                     calloc(sizes->slots_large + 1, AN_SLOT_LARGE_SIZE),
	                             .slots_count = sizes->slots + 1,
	                             .slots_large_count = sizes->slots_large + 1,
	                             .front = calloc(front_lines, sizeof(struct an_front_line)),
	                             .front_lines = front_lines,
	                             .names = calloc(FAKE_NAMES_LINES, sizeof(struct an_name_line)),
	                             .names_lines = FAKE_NAMES_LINES,
	                             .cells = calloc(sizes->owners + 1, 8),
	                             .cells_count = sizes->owners + 1,
	                             .owners_fd = FAKE_OWNERS_FD,
	                             .audiences_fd = FAKE_AUDIENCES_FD,
	                             .counters_fd = -1,
	                             .owners_max = sizes->owners,
	                             .audiences_max = sizes->audiences,
	                             .cpus = 1,
	                             .clock_fd = -1,
	                             .tick0 = 4294892296,
	                             .ms0 = clock_ms()};
	maps->control->abi = AN_ABI_VERSION;
	maps->control->seed = 0x5eed5eed5eed5eedULL;
	maps->control->hz = 250;
	maps->control->next_uid = 1;
	return maps;
}

static inline void fake_maps_free(struct kernel_maps *maps)
{
	for (size_t i = 0; i < 2; i++) {
		struct fake_element *element, *next;

		HASH_ITER(hh, fake_tables[i].elements, element, next)
		{
			HASH_DEL(fake_tables[i].elements, element);
			free(element);
		}
	}
	free(maps->control);
	free(maps->served);
	free(maps->special);
	free(maps->zones);
	free(maps->slots);
	free(maps->slots_large);
	free(maps->front);
	free(maps->names);
	free(maps->cells);
	free(maps);
}

/* ---- the program's look-up ---- */

static inline void *fake_slot(const struct kernel_maps *maps, uint32_t number)
{
	uint32_t index = number & AN_SLOT_INDEX;

	if (number & AN_SLOT_SEGMENT || !index)
		return NULL;
	if (number & AN_SLOT_LARGE)
		return index < maps->slots_large_count
		               ? maps->slots_large + (size_t)index * AN_SLOT_LARGE_SIZE
		               : NULL;
	return index < maps->slots_count ? maps->slots + (size_t)index * AN_SLOT_SMALL_SIZE : NULL;
}

/* The front index, or the hash where it says so. */
static inline int fake_front(const struct kernel_maps *maps, const struct an_owner_key *key,
                             uint32_t *ret)
{
	uint64_t hash = an_front_hash(key);
	const struct an_front_line *line = &maps->front[hash & maps->control->front_mask];

	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++) {
		if (line->entries[i] >> 32 != an_front_print(hash))
			continue;
		*ret = (uint32_t)line->entries[i];
		return 0;
	}
	return line->entries[AN_FRONT_ENTRIES - 1] == AN_FRONT_MORE
	               ? maps->ops->lookup(maps->owners_fd, key, ret)
	               : -ENOENT;
}

static inline const struct an_owner_slot *
fake_find_owner(const struct kernel_maps *maps, const uint8_t *name, size_t len, uint16_t type)
{
	struct an_owner_key key = {.hash = an_name_hash(maps->control->seed, name, (uint32_t)len),
	                           .type = type,
	                           .class = AN_CLASS_IN};
	const struct an_owner_slot *slot;
	uint32_t number;

	if (fake_front(maps, &key, &number))
		return NULL;
	slot = fake_slot(maps, number);
	if (!slot || slot->head.kind != AN_SLOT_OWNER || slot->head.seq & 1 ||
	    slot->name_len != len || memcmp(slot->name, name, len) ||
	    slot->head.generation != maps->zones[slot->head.zone].generation)
		return NULL;
	return slot;
}

static inline void fake_cut(uint8_t prefix[8], unsigned int len)
{
	for (unsigned int bit = len; bit < 64; bit++)
		prefix[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

/* An owner slot's answer as it would stand in a slot of its own: valid until the next. */
static inline const struct an_answer_slot *fake_inline(const struct an_owner_slot *owner)
{
	static _Alignas(8) uint8_t room[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (void *)room;
	size_t at = owner->inline_at * 8u;

	if (!at)
		return NULL;
	memset(room, 0, sizeof(room));
	image->head = owner->head;
	image->head.kind = AN_SLOT_ANSWER;
	image->head.used = (uint16_t)(AN_ANSWER_DATA_AT + owner->head.used - at);
	image->key = (struct an_audience_key){.uid = owner->uid,
	                                      .region = owner->inline_key.region,
	                                      .type = owner->key.type,
	                                      .variant = owner->inline_key.variant,
	                                      .kind = owner->inline_key.kind,
	                                      .family = owner->inline_key.family,
	                                      .len = owner->inline_key.len};
	memcpy(image->key.prefix, owner->inline_key.prefix, 8);
	image->answer = owner->answer;
	memcpy(image->data, (const uint8_t *)owner + at, owner->head.used - at);
	return image;
}

/* The answer with this number, inline or not. */
static inline const struct an_answer_slot *fake_any(const struct kernel_maps *maps, uint32_t number)
{
	const struct an_slot_head *head = fake_slot(maps, number);

	return head && head->kind == AN_SLOT_OWNER
	               ? fake_inline((const struct an_owner_slot *)(const void *)head)
	               : (const struct an_answer_slot *)(const void *)head;
}

/* The answer's slot if all is well, else NULL: the packet goes up. */
static inline const struct an_answer_slot *fake_answer(const struct kernel_maps *maps,
                                                       const struct an_owner_slot *owner,
                                                       const struct an_audience_key *key,
                                                       uint32_t number)
{
	const struct an_answer_slot *slot = fake_any(maps, number);

	if (!slot || slot->head.kind != AN_SLOT_ANSWER || slot->head.seq & 1 ||
	    memcmp(&slot->key, key, sizeof(*key)) ||
	    slot->head.generation != owner->head.generation || slot->head.zone != owner->head.zone)
		return NULL;
	return slot;
}

static inline bool fake_is_inline(const struct an_owner_slot *owner,
                                  const struct an_audience_key *key)
{
	const struct an_answer_slot *slot = fake_inline(owner);

	return slot && !memcmp(&slot->key, key, sizeof(*key));
}

/* family 0: SOURCE 0. */
static inline const struct an_answer_slot *fake_find_answer(const struct kernel_maps *maps,
                                                            const struct an_owner_slot *owner,
                                                            uint8_t family, const uint8_t prefix[8],
                                                            unsigned int source)
{
	struct an_audience_key key = {.uid = owner->uid, .type = owner->key.type};
	uint32_t number;

	for (unsigned int at = 0; family && at < owner->lens_count[family - 1]; at++) {
		uint8_t entry = owner->lens[family - 1][at];
		unsigned int len = entry & AN_LEN_BITS;

		if (entry & AN_LEN_EXACT ? source != len : source < len)
			continue;
		key.kind = entry & AN_LEN_EXACT ? AN_AUDIENCE_EXACT : AN_AUDIENCE_NET;
		key.family = family;
		key.len = (uint8_t)len;
		memcpy(key.prefix, prefix, 8);
		fake_cut(key.prefix, len);
		if (fake_is_inline(owner, &key))
			return fake_inline(owner);
		if (!maps->ops->lookup(maps->audiences_fd, &key, &number))
			return fake_answer(maps, owner, &key, number);
	}
	memset(key.prefix, 0, sizeof(key.prefix));
	key.family = key.len = 0;
	key.kind = AN_AUDIENCE_EXACT;
	if (!family && owner->nobody != AN_SLOT_NONE)
		return fake_answer(maps, owner, &key, owner->nobody);
	key.kind = AN_AUDIENCE_NET;
	return fake_answer(maps, owner, &key, owner->everyone);
}

#endif
