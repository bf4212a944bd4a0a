/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * desk - the publisher's inside: what publish.c, answers.c, evict.c, zones.c,
 * settings.c and adopt.c share. Nobody else includes it.
 */
#ifndef ANAMED_KERNEL_DESK_H
#define ANAMED_KERNEL_DESK_H

#include "base/clock.h"
#include "kernel/book.h"
#include "kernel/names.h"
#include "kernel/publish.h"
#include "kernel/slots.h"

/* Owners that wanted in lately, and when. */
#define DESK_DOOR 16384 /* a power of 2 */

struct desk_knock {
	uint32_t print; /* of the owner's key */
	uint32_t ticks; /* their lower half */
};

struct publish {
	struct kernel_maps *maps;
	struct slots slots;
	struct pool cells;
	struct book book;
	struct names names;
	uint64_t answers; /* slots of kind ANSWER in use */
	uint32_t networks_per_owner;
	uint32_t next_generation;
	uint64_t random;
	uint64_t evict_at, evict_credit; /* ticks; see evict.c */
	uint64_t asked_ago;              /* ticks since the newcomer wanted in before */
	uint64_t patience;               /* how many they may be, in 1/256 ticks */
	struct desk_knock door[DESK_DOOR];
	struct publish_stats stats;
};

#define DESK_SLOT_WORDS (AN_SLOT_LARGE_SIZE / 8)

static inline uint64_t desk_now(const struct publish *publish)
{
	return kernel_ticks(publish->maps, clock_ms());
}

static inline struct an_owner_slot *desk_owner_slot(const struct publish *publish,
                                                    const struct book_owner *owner)
{
	return (struct an_owner_slot *)(void *)slots_at(&publish->slots, owner->slot);
}

/* Slot number is one of an answer, not NONE and not ASK. */
static inline bool desk_is_answer(uint32_t slot)
{
	return slot != AN_SLOT_NONE && slot != AN_SLOT_ASK;
}

/* Does an answer key stand for a network (else: everyone or nobody)? */
static inline bool desk_is_network(const struct an_audience_key *key)
{
	return key->family != 0;
}

/* The first len bits of a prefix, the rest zero. */
void desk_cut_prefix(uint8_t prefix[8], unsigned int len);

/* ---- publish.c ---- */

/* Writes the book's lists and whole answers into the owner's slot, in one bracket. */
void desk_write_owner(struct publish *publish, const struct book_owner *owner);
/* Takes all audiences of an owner out of the maps and the book. */
void desk_drop_audiences(struct publish *publish, struct book_owner *owner);
/* Takes an owner out of the maps: key, audiences, slots, in this order. */
void desk_drop_owner(struct publish *publish, struct book_owner *owner);
/* The front index anew, with lines for so many owners. 0, or -ENOMEM and nothing was done. */
int desk_index_owners(struct publish *publish, uint64_t owners);
/* Gives back an answer's slot, or its place in the owner's (NONE and ASK: nothing). */
void desk_drop_answer(struct publish *publish, uint32_t slot);

/* ---- answers.c ---- */

/* Does what an answer says of its own lengths agree, and fit the octets of data that it has? */
bool desk_answer_sane(const struct an_answer *answer, size_t data_len);
bool desk_image_sane(const struct an_answer_slot *image);
/* The answer that has this number, wherever it stands. */
const struct an_answer *desk_answer(const struct publish *publish, uint32_t slot);

/* ---- evict.c: room, made by sending the coldest away as a whole; never `keep` ---- */

/* A slot for `used` octets; AN_SLOT_NONE if nothing colder than a second is in the way. */
uint32_t desk_take_slot(struct publish *publish, size_t used, uint32_t home,
                        const struct book_owner *keep);
/* Room for one more owner (record and cell), or audience. */
bool desk_room_owner(struct publish *publish);
bool desk_room_audience(struct publish *publish, const struct book_owner *keep);
/* Between begin and end room is made for an owner with this key, who is new. */
void desk_newcomer_begin(struct publish *publish, const struct an_owner_key *key);
void desk_newcomer_end(struct publish *publish);
/* Sends one owner away although the book has room (a BPF hash said it is full). */
bool desk_evict_owner(struct publish *publish);
bool desk_evict_audience(struct publish *publish, const struct book_owner *keep);

/* ---- adopt.c ---- */

/* Rebuilds book and allocators from the maps. 0 or -ENOMEM. */
int desk_adopt(struct publish *publish);

#endif
