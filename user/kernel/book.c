/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct book_owner) == 96, "octets an owner, stated in book.h");
_Static_assert(sizeof(struct book_audience) == 56, "octets an audience, stated in book.h");

static uint32_t mask_for(uint32_t count)
{
	uint32_t size = 16;

	while (size < count && size < 1u << 31)
		size *= 2;
	return size - 1;
}

int book_init(struct book *book, uint32_t owners_max, uint32_t audiences_max)
{
	*book = (struct book){.owner_mask = mask_for(owners_max),
	                      .audience_mask = mask_for(owners_max + audiences_max)};
	if (owners_max >= UINT32_MAX / 2 || audiences_max >= UINT32_MAX / 2)
		return -ENOMEM;
	book->owners = calloc((size_t)owners_max + 1, sizeof(*book->owners));
	book->audiences = calloc((size_t)audiences_max + owners_max + 1, sizeof(*book->audiences));
	book->by_key = calloc((size_t)book->owner_mask + 1, sizeof(uint32_t));
	book->by_uid = calloc((size_t)book->owner_mask + 1, sizeof(uint32_t));
	book->by_audience = calloc((size_t)book->audience_mask + 1, sizeof(uint32_t));
	if (!book->owners || !book->audiences || !book->by_key || !book->by_uid ||
	    !book->by_audience || pool_init(&book->owner_numbers, owners_max + 1) ||
	    pool_init(&book->audience_numbers, audiences_max + 1)) {
		book_done(book);
		return -ENOMEM;
	}
	pool_settle(&book->owner_numbers);
	pool_settle(&book->audience_numbers);
	return 0;
}

void book_done(struct book *book)
{
	for (uint32_t number = 1; book->owners && number < book->owner_numbers.count; number++)
		free(book->owners[number].lens);
	free(book->owners);
	free(book->audiences);
	free(book->by_key);
	free(book->by_uid);
	free(book->by_audience);
	pool_done(&book->owner_numbers);
	pool_done(&book->audience_numbers);
	*book = (struct book){0};
}

static uint32_t *key_bucket(struct book *book, const struct an_owner_key *key)
{
	uint64_t hash = an_hash_step(key->hash, (uint64_t)key->type << 16 | key->class);

	return &book->by_key[(hash >> 32) & book->owner_mask];
}

static uint32_t *uid_bucket(struct book *book, uint64_t uid)
{
	return &book->by_uid[(an_hash_step(0, uid) >> 32) & book->owner_mask];
}

static uint32_t *audience_bucket(struct book *book, const struct an_audience_key *key)
{
	const uint8_t *octets = (const uint8_t *)key;
	uint64_t hash = 0;

	for (size_t at = 0; at < sizeof(*key); at += 8)
		hash = an_hash_step(hash, an_load8(octets + at));
	return &book->by_audience[(hash >> 32) & book->audience_mask];
}

struct book_owner *book_owner_find(struct book *book, const struct an_owner_key *key)
{
	uint32_t number = *key_bucket(book, key);

	while (number && memcmp(&book->owners[number].key, key, sizeof(*key)))
		number = book->owners[number].next_by_key;
	return number ? &book->owners[number] : NULL;
}

struct book_owner *book_owner_by_uid(struct book *book, uint64_t uid)
{
	uint32_t number = *uid_bucket(book, uid);

	while (number && book->owners[number].uid != uid)
		number = book->owners[number].next_by_uid;
	return number ? &book->owners[number] : NULL;
}

uint32_t book_owner_number(const struct book *book, const struct book_owner *owner)
{
	return (uint32_t)(owner - book->owners);
}

struct book_owner *book_owner_add(struct book *book, const struct an_owner_key *key, uint64_t uid)
{
	uint32_t number = pool_take(&book->owner_numbers);
	struct book_owner *owner = &book->owners[number];
	uint32_t *by_key = key_bucket(book, key), *by_uid = uid_bucket(book, uid);

	if (!number)
		return NULL;
	*owner = (struct book_owner){
	        .uid = uid, .key = *key, .next_by_key = *by_key, .next_by_uid = *by_uid};
	*by_key = number;
	*by_uid = number;
	return owner;
}

void book_owner_drop(struct book *book, struct book_owner *owner)
{
	uint32_t number = book_owner_number(book, owner);
	uint32_t *at = key_bucket(book, &owner->key);

	while (*at != number)
		at = &book->owners[*at].next_by_key;
	*at = owner->next_by_key;
	at = uid_bucket(book, owner->uid);
	while (*at != number)
		at = &book->owners[*at].next_by_uid;
	*at = owner->next_by_uid;
	free(owner->lens);
	*owner = (struct book_owner){0};
	pool_give(&book->owner_numbers, number);
}

struct book_audience *book_audience_find(struct book *book, const struct an_audience_key *key)
{
	uint32_t number = *audience_bucket(book, key);

	while (number && memcmp(&book->audiences[number].key, key, sizeof(*key)))
		number = book->audiences[number].next_by_key;
	return number ? &book->audiences[number] : NULL;
}

/* Behind those of the hash there is one for each owner. */
static uint32_t inline_number(const struct book *book, const struct book_owner *owner)
{
	return book->audience_numbers.count - 1 + book_owner_number(book, owner);
}

bool book_is_inline(const struct book *book, const struct book_audience *audience)
{
	return (uint32_t)(audience - book->audiences) >= book->audience_numbers.count;
}

struct book_audience *book_audience_add(struct book *book, struct book_owner *owner,
                                        const struct an_audience_key *key, uint32_t slot)
{
	uint32_t *bucket = audience_bucket(book, key), number;
	struct book_audience *audience;

	if (!owner->lens)
		owner->lens = calloc(1, sizeof(*owner->lens));
	if (!owner->lens)
		return NULL;
	number = slot == owner->slot ? inline_number(book, owner)
	                             : pool_take(&book->audience_numbers);
	if (!number)
		return NULL;
	audience = &book->audiences[number];
	*audience = (struct book_audience){.key = *key,
	                                   .slot = slot,
	                                   .owner = book_owner_number(book, owner),
	                                   .next_by_key = *bucket,
	                                   .next = owner->audiences};
	if (owner->audiences)
		book->audiences[owner->audiences].prev = number;
	owner->audiences = number;
	owner->count++;
	*bucket = number;
	return audience;
}

void book_audience_drop(struct book *book, struct book_audience *audience)
{
	uint32_t number = (uint32_t)(audience - book->audiences);
	struct book_owner *owner = &book->owners[audience->owner];
	uint32_t *at = audience_bucket(book, &audience->key);

	while (*at != number)
		at = &book->audiences[*at].next_by_key;
	*at = audience->next_by_key;
	if (audience->next)
		book->audiences[audience->next].prev = audience->prev;
	if (audience->prev)
		book->audiences[audience->prev].next = audience->next;
	else
		owner->audiences = audience->next;
	owner->count--;
	owner->folded -= audience->fold_len != 0;
	*audience = (struct book_audience){0};
	pool_give(&book->audience_numbers, number); /* not one of its own: an inline one's */
}
