/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/expand_table.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static size_t octets_of(const struct expand_set *set, int which)
{
	return (size_t)set->count * (which == EXPAND_AAAA ? 16 : 4);
}

static uint64_t content_of(const struct expand_entry *entry)
{
	uint64_t hash = XXH3_64bits(entry->name, entry->name_len);

	for (int i = 0; i < 2; i++) {
		const struct expand_set *set = &entry->sets[i];
		uint32_t head[3] = {set->known, set->count ? set->ttl : 0, set->count};

		hash = XXH3_64bits_withSeed(head, sizeof(head), hash);
		if (set->count)
			hash = XXH3_64bits_withSeed(set->octets, octets_of(set, i), hash);
	}
	return hash;
}

struct expand_entry *expand_entry_new(const uint8_t *name, size_t len,
                                      const struct expand_set sets[2])
{
	size_t octets = octets_of(&sets[0], 0) + octets_of(&sets[1], 1);
	struct expand_entry *entry = calloc(1, sizeof(*entry) + octets);
	uint8_t *at;

	if (!entry)
		return NULL;
	atomic_init(&entry->holders, 1);
	name_lower(entry->name, name, len);
	entry->name_len = (uint8_t)len;
	at = entry->octets;
	for (int i = 0; i < 2; i++) {
		entry->sets[i] = sets[i];
		entry->sets[i].octets = at;
		if (sets[i].count)
			memcpy(at, sets[i].octets, octets_of(&sets[i], i));
		at += octets_of(&sets[i], i);
	}
	entry->content = content_of(entry);
	return entry;
}

struct expand_entry *expand_entry_hold(struct expand_entry *entry)
{
	atomic_fetch_add(&entry->holders, 1);
	return entry;
}

void expand_entry_free(struct expand_entry *entry)
{
	if (entry && atomic_fetch_sub(&entry->holders, 1) == 1)
		free(entry);
}

struct expand_table *expand_table_new(size_t count)
{
	struct expand_table *table;
	size_t size = 4;

	while (size < count * 2)
		size *= 2;
	table = calloc(1, sizeof(*table) + size * sizeof(struct expand_entry *));
	if (!table)
		return NULL;
	atomic_init(&table->holders, 1);
	table->size = size;
	return table;
}

struct expand_table *expand_table_copy(const struct expand_table *table)
{
	struct expand_table *copy = expand_table_new(table->size / 2);

	if (!copy)
		return NULL;
	copy->content = table->content;
	copy->count = table->count;
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i])
			copy->slots[i] = expand_entry_hold(table->slots[i]);
	return copy;
}

struct expand_table *expand_table_hold(struct expand_table *table)
{
	atomic_fetch_add(&table->holders, 1);
	return table;
}

void expand_table_free(struct expand_table *table)
{
	if (!table || atomic_fetch_sub(&table->holders, 1) != 1)
		return;
	for (size_t i = 0; i < table->size; i++)
		expand_entry_free(table->slots[i]);
	free(table);
}

static size_t place_of(const struct expand_table *table, const uint8_t *name, size_t len)
{
	size_t at = name_hash(name, len) & (table->size - 1);

	while (table->slots[at]) {
		const struct expand_entry *entry = table->slots[at];

		if (name_equal(entry->name, entry->name_len, name, len))
			break;
		at = (at + 1) & (table->size - 1);
	}
	return at;
}

void expand_table_put(struct expand_table *table, struct expand_entry *entry)
{
	size_t at = place_of(table, entry->name, entry->name_len);
	struct expand_entry *old = table->slots[at];

	table->content += entry->content - (old ? old->content : 0);
	table->count += !old;
	table->slots[at] = entry;
	expand_entry_free(old);
}

struct expand_entry *expand_table_find(const struct expand_table *table, const uint8_t *name,
                                       size_t len)
{
	return table->slots[place_of(table, name, len)];
}
