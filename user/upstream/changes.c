/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BUCKETS_FIRST 64

uint64_t changes_sum(const void *key, size_t key_len, const void *value, size_t value_len)
{
	return XXH3_64bits_withSeed(value, value_len, XXH3_64bits(key, key_len));
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->bucket_count; i++)
		while (changes->buckets[i]) {
			struct change *change = changes->buckets[i];

			changes->buckets[i] = change->next;
			free(change);
		}
	free(changes->buckets);
	*changes = (struct changes){0};
}

static int changes_grow(struct changes *changes)
{
	size_t count = changes->bucket_count ? changes->bucket_count * 2 : BUCKETS_FIRST;
	struct change **buckets = calloc(count, sizeof(struct change *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < changes->bucket_count; i++)
		while (changes->buckets[i]) {
			struct change *change = changes->buckets[i];

			changes->buckets[i] = change->next;
			change->next = buckets[change->hash & (count - 1)];
			buckets[change->hash & (count - 1)] = change;
		}
	free(changes->buckets);
	changes->buckets = buckets;
	changes->bucket_count = count;
	return 0;
}

static struct change **changes_find(struct changes *changes, const struct change *like)
{
	struct change **link = &changes->buckets[like->hash & (changes->bucket_count - 1)];

	while (*link && ((*link)->hash != like->hash || (*link)->key_len != like->key_len ||
	                 memcmp((*link)->octets, like->octets, like->key_len)))
		link = &(*link)->next;
	return link;
}

/* Takes the change over. `newer`: it replaces one of the same key, else gives way to it. */
static int changes_add(struct changes *changes, struct change *change, bool newer)
{
	struct change **link, *old;

	if (changes->count >= changes->bucket_count && changes_grow(changes) &&
	    !changes->bucket_count) {
		free(change);
		return -ENOMEM;
	}
	link = changes_find(changes, change);
	old = *link;
	if (old && !newer) {
		free(change);
		return 0;
	}
	change->next = old ? old->next : NULL;
	*link = change;
	changes->count += !old;
	free(old);
	return 0;
}

static struct change *make_change(const void *key, size_t key_len, const void *value,
                                  size_t value_len, bool deleted)
{
	struct change *change = malloc(sizeof(*change) + key_len + CHANGES_SUM_LEN + value_len);
	uint64_t sum = changes_sum(key, key_len, value, value_len);

	if (!change)
		return NULL;
	change->hash = XXH3_64bits(key, key_len);
	change->key_len = key_len;
	change->value_len = CHANGES_SUM_LEN + value_len;
	change->deleted = deleted;
	memcpy(change->octets, key, key_len);
	memcpy(change->octets + key_len, &sum, sizeof(sum));
	if (value_len)
		memcpy(change->octets + key_len + sizeof(sum), value, value_len);
	return change;
}

int changes_put(struct changes *changes, const void *key, size_t key_len, const void *value,
                size_t value_len)
{
	struct change *change = make_change(key, key_len, value, value_len, false);

	return change ? changes_add(changes, change, true) : -ENOMEM;
}

int changes_delete(struct changes *changes, const void *key, size_t key_len)
{
	struct change *change = make_change(key, key_len, NULL, 0, true);

	return change ? changes_add(changes, change, true) : -ENOMEM;
}

void changes_return(struct changes *to, struct changes *from)
{
	for (size_t i = 0; i < from->bucket_count; i++)
		while (from->buckets[i]) {
			struct change *change = from->buckets[i];

			from->buckets[i] = change->next;
			changes_add(to, change, false);
		}
	changes_free(from);
}
