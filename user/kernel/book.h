/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * book - what the publisher knows to stand in the kernel's maps.
 *
 * A record an owner (104 octets) and a record an audience (56), in arrays of
 * the maps' capacities, found by key or uid in constant time. The audience of
 * which the answer stands in the owner's slot, and which is in no hash, has a
 * record of the owner's own, so it never lacks room. Writing the maps
 * is not its business. The list of lengths (50 octets) exists only for owners
 * that have audiences with a network: static names have none.
 */
#ifndef ANAMED_KERNEL_BOOK_H
#define ANAMED_KERNEL_BOOK_H

#include <stddef.h>

#include "anamed/treaty.h"
#include "kernel/lens.h"
#include "kernel/pool.h"

struct book_owner {
	uint64_t uid;
	struct an_owner_key key;
	uint64_t touched; /* ticks of the last publishing */
	uint32_t slot;
	uint32_t cell; /* AN_CELL_FIXED: none of its own */
	uint32_t zone, generation;
	uint32_t regions; /* as in the slot */
	uint32_t everyone, nobody, catch_all;
	uint32_t next_by_key, next_by_uid;
	uint32_t audiences;  /* first of the list */
	uint32_t count;      /* of audiences with a network, tombstones included */
	uint32_t folded;     /* of these */
	uint8_t withheld[2]; /* NET audiences of the family shorter than this must not be here */
	struct lens *lens;   /* NULL: no networks */
};

struct book_audience {
	struct an_audience_key key;
	uint32_t slot; /* or AN_SLOT_ASK */
	uint32_t owner;
	uint32_t next_by_key;
	uint32_t next, prev; /* of the owner */
	uint8_t fold_len;    /* not 0: an answer of this length, stored under a longer one */
	bool sticky;         /* stays AN_SLOT_ASK until the owner goes */
};

struct book {
	struct book_owner *owners; /* by number; 0 is none */
	struct pool owner_numbers;
	uint32_t *by_key, *by_uid;
	uint32_t owner_mask;
	struct book_audience *audiences; /* by number; 0 is none; behind those of the hash, each
	                                    owner's */
	struct pool audience_numbers;    /* of the hash */
	uint32_t *by_audience;
	uint32_t audience_mask;
};

int book_init(struct book *book, uint32_t owners_max, uint32_t audiences_max); /* 0, -ENOMEM */
void book_done(struct book *book);

struct book_owner *book_owner_find(struct book *book, const struct an_owner_key *key);
struct book_owner *book_owner_by_uid(struct book *book, uint64_t uid);
uint32_t book_owner_number(const struct book *book, const struct book_owner *owner);
/* NULL: full. Everything but key and uid is zero. */
struct book_owner *book_owner_add(struct book *book, const struct an_owner_key *key, uint64_t uid);
void book_owner_drop(struct book *book, struct book_owner *owner); /* has no audiences any more */

struct book_audience *book_audience_find(struct book *book, const struct an_audience_key *key);
/* NULL: full or out of memory. Put at the head of the owner's list. Inline if the slot is the
 * owner's. */
struct book_audience *book_audience_add(struct book *book, struct book_owner *owner,
                                        const struct an_audience_key *key, uint32_t slot);
bool book_is_inline(const struct book *book, const struct book_audience *audience);
void book_audience_drop(struct book *book, struct book_audience *audience);

/* An owner's audiences, newest first; NULL at the end. */
static inline struct book_audience *book_first(const struct book *book,
                                               const struct book_owner *owner)
{
	return owner->audiences ? &book->audiences[owner->audiences] : NULL;
}

static inline struct book_audience *book_next(const struct book *book,
                                              const struct book_audience *audience)
{
	return audience->next ? &book->audiences[audience->next] : NULL;
}

#endif
