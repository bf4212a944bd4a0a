/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/in_delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "zone/arena.h"
#include "zone/rdata.h"
#include "zone/zones.h"

#define ENTRY_COST 64u /* of an entry besides its octets: itself and its place in the table */

struct entry {
	struct entry *next; /* of the same bucket */
	uint64_t hash;
	uint32_t ttl;
	uint16_t type, rdata_len;
	uint8_t name_len;
	bool present;
	const uint8_t *name, *rdata;
};

struct in_delta {
	struct zone *old;
	struct arena octets, entries;
	struct entry **buckets;
	size_t count, size; /* size: a power of two */
};

/* Equal records have equal hashes: all letters are lower-cased, also where case counts. */
static uint64_t record_hash(const struct entry *key)
{
	uint8_t low[512];
	uint64_t hash = name_hash(key->name, key->name_len) ^ key->type;

	for (size_t at = 0; at < key->rdata_len; at += sizeof(low)) {
		size_t rest = key->rdata_len - at;
		size_t piece = rest < sizeof(low) ? rest : sizeof(low);

		name_lower(low, key->rdata + at, piece);
		hash = XXH64(low, piece, hash);
	}
	return hash;
}

static bool same_record(const struct entry *a, const struct entry *b)
{
	return a->hash == b->hash && a->type == b->type &&
	       name_equal(a->name, a->name_len, b->name, b->name_len) &&
	       !rdata_compare(a->type, a->rdata, a->rdata_len, b->rdata, b->rdata_len);
}

static struct entry *find(const struct in_delta *delta, const struct entry *key)
{
	struct entry *entry = delta->buckets[key->hash & (delta->size - 1)];

	while (entry && !same_record(entry, key))
		entry = entry->next;
	return entry;
}

static struct entry key_of(const uint8_t *name, size_t name_len, uint16_t type,
                           const uint8_t *rdata, uint16_t rdata_len)
{
	struct entry key = {.name = name,
	                    .name_len = (uint8_t)name_len,
	                    .type = type,
	                    .rdata = rdata,
	                    .rdata_len = rdata_len};

	key.hash = record_hash(&key);
	return key;
}

struct in_delta *in_delta_new(const struct zone *old)
{
	struct in_delta *delta = calloc(1, sizeof(*delta));

	if (!delta)
		return NULL;
	delta->size = 64;
	delta->buckets = calloc(delta->size, sizeof(struct entry *));
	if (!delta->buckets) {
		free(delta);
		return NULL;
	}
	delta->old = zone_hold((struct zone *)(uintptr_t)old);
	return delta;
}

static int grow(struct in_delta *delta)
{
	size_t size = delta->size * 2;
	struct entry **buckets = calloc(size, sizeof(struct entry *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < delta->size; i++) {
		for (struct entry *entry = delta->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			entry->next = buckets[entry->hash & (size - 1)];
			buckets[entry->hash & (size - 1)] = entry;
		}
	}
	free(delta->buckets);
	delta->buckets = buckets;
	delta->size = size;
	return 0;
}

/* True if the old zone has the record; its sets are ordered by rdata_compare(). */
static bool old_has(const struct zone *old, const struct entry *key)
{
	const struct zone_node *node = zone_node_exact(old, key->name, key->name_len);
	const struct zone_rrset *set = node ? zone_rrset_for(node, key->type, key->rdata) : NULL;
	size_t low = 0, high = set ? set->count : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct zone_rdata *rdata = &set->rdata[middle];
		int order = rdata_compare(key->type, key->rdata, key->rdata_len, rdata->data,
		                          rdata->len);

		if (!order)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static struct entry *insert(struct in_delta *delta, const struct entry *key, uint64_t *memory)
{
	struct entry *entry;

	if (delta->count >= delta->size && grow(delta))
		return NULL;
	entry = arena_take(&delta->entries, sizeof(*entry), _Alignof(struct entry));
	if (!entry)
		return NULL;
	*entry = *key;
	entry->name = arena_copy(&delta->octets, key->name, key->name_len);
	entry->rdata = arena_copy(&delta->octets, key->rdata, key->rdata_len);
	if (!entry->name || !entry->rdata)
		return NULL;
	entry->next = delta->buckets[key->hash & (delta->size - 1)];
	delta->buckets[key->hash & (delta->size - 1)] = entry;
	delta->count++;
	*memory += ENTRY_COST + (unsigned int)key->name_len + key->rdata_len;
	return entry;
}

/* The record's entry, made where there is none, which then says what the old zone has. */
static struct entry *obtain(struct in_delta *delta, const struct in_record *record,
                            uint64_t *memory)
{
	struct entry key = key_of(record->name, record->name_len, record->type, record->rdata,
	                          record->rdata_len);
	struct entry *entry = find(delta, &key);

	if (entry)
		return entry;
	key.present = old_has(delta->old, &key);
	return insert(delta, &key, memory);
}

int in_delta_remove(struct in_delta *delta, const struct in_record *record, uint64_t *memory,
                    struct error *error)
{
	struct entry *entry = obtain(delta, record, memory);
	char name[NAME_TEXT_MAX], type[RDATA_TYPE_TEXT_MAX];

	if (!entry)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	if (!entry->present)
		return error_set(error, ENOENT, NULL, 0,
		                 "differences delete a %s of %.240s that is not there",
		                 rdata_type_text(record->type, type),
		                 name_to_text(record->name, name));
	entry->present = false;
	return 0;
}

/* A record that was deleted in one spelling may come back in another. */
static int keep_spelling(struct in_delta *delta, const uint8_t **have, const uint8_t *octets,
                         size_t len, uint64_t *memory)
{
	if (!memcmp(*have, octets, len))
		return 0;
	*have = arena_copy(&delta->octets, octets, len);
	*memory += len;
	return *have ? 0 : -ENOMEM;
}

int in_delta_add(struct in_delta *delta, const struct in_record *record, uint64_t *memory,
                 struct error *error)
{
	struct entry *entry = obtain(delta, record, memory);

	if (!entry)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	entry->present = true;
	entry->ttl = record->ttl;
	if (keep_spelling(delta, &entry->name, record->name, record->name_len, memory) ||
	    keep_spelling(delta, &entry->rdata, record->rdata, record->rdata_len, memory))
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	return 0;
}

/* ---- the sum ---- */

struct applying {
	const struct in_delta *delta;
	struct zone_builder *builder;
	struct error *error;
};

static int add_old_set(const struct applying *applying, const struct zone_node *node,
                       const struct zone_rrset *set)
{
	for (unsigned int i = 0; i < set->count; i++) {
		const struct zone_rdata *rdata = &set->rdata[i];
		struct entry key =
		        key_of(node->name, node->name_len, set->type, rdata->data, rdata->len);
		int fault;

		if (find(applying->delta, &key))
			continue; /* gone, or among those that are added */
		fault = zone_add(applying->builder, node->name, node->name_len, set->type, set->ttl,
		                 rdata->data, rdata->len, NULL, 0, applying->error);
		if (fault)
			return fault;
	}
	return 0;
}

static int add_old(const struct zone_node *node, void *arg)
{
	const struct applying *applying = arg;
	int fault = 0;

	for (unsigned int i = 0; i < node->rrset_count && !fault; i++)
		if (node->rrsets[i].type != AN_TYPE_SOA)
			fault = add_old_set(applying, node, &node->rrsets[i]);
	return fault;
}

int in_delta_apply(const struct in_delta *delta, struct zone_builder *builder, struct error *error)
{
	struct applying applying = {delta, builder, error};
	int fault = zone_each(delta->old, add_old, &applying);

	for (size_t i = 0; i < delta->size && !fault; i++) {
		for (const struct entry *entry = delta->buckets[i]; entry && !fault;
		     entry = entry->next) {
			if (entry->present)
				fault = zone_add(builder, entry->name, entry->name_len, entry->type,
				                 entry->ttl, entry->rdata, entry->rdata_len, NULL,
				                 0, error);
		}
	}
	return fault;
}

void in_delta_free(struct in_delta *delta)
{
	if (!delta)
		return;
	arena_done(&delta->octets);
	arena_done(&delta->entries);
	free(delta->buckets);
	zone_free(delta->old);
	free(delta);
}
