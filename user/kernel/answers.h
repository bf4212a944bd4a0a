/* SPDX-License-Identifier: BSD-2-Clause */
/* answers - what answers.c and fold.c share. Nobody else includes it. */
#ifndef ANAMED_KERNEL_ANSWERS_H
#define ANAMED_KERNEL_ANSWERS_H

#include "kernel/desk.h"

/* A slot's content while it is made. */
struct answers_image {
	uint64_t words[DESK_SLOT_WORDS];
};

static inline struct an_answer_slot *answers_image_slot(struct answers_image *image)
{
	/* cppcheck-suppress ctuuninitvar */
	return (struct an_answer_slot *)(void *)image->words;
}

/* The NET key of the first len bits of a key's prefix. */
struct an_audience_key answers_cut_key(const struct an_audience_key *key, uint8_t len);
/* Does the prefix begin with the key's network? */
bool answers_inside(const uint8_t prefix[8], const struct an_audience_key *key);

/* The audience becomes a tombstone. False: even that failed, and the owner is gone as a whole. */
bool answers_make_ask(struct publish *publish, struct book_owner *owner,
                      struct book_audience *audience, bool sticky);
/* Another image for an audience that is there; a new audience. 0 or -ENOSPC. */
int answers_replace(struct publish *publish, struct book_owner *owner,
                    struct book_audience *audience, struct answers_image *image,
                    uint32_t *ret_slot);
int answers_add(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, struct answers_image *image, uint32_t *ret_slot);

/* The caller's kind, family, len, region and prefix in a key of this owner; false: no key of ours.
 */
bool answers_complete_key(const struct book_owner *owner, const struct an_audience_key *from,
                          struct an_audience_key *ret);
/* The image as a slot of this owner's has it. */
void answers_image_make(const struct publish *publish, const struct book_owner *owner,
                        const struct an_audience_key *key, const struct an_answer_slot *from,
                        uint64_t fresh_until_ms, uint64_t stale_until_ms,
                        struct answers_image *ret);
/* Puts an image in under a key, folded if need be (asked_prefix NULL: then not at all). 0 or
 * -ENOSPC. */
int answers_put(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, const uint8_t asked_prefix[8], uint8_t asked_len,
                struct answers_image *image, uint32_t *ret_slot);
/* Afterwards: what could not be put in is refused. Gives `error`. */
int answers_settle(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   int error, bool catch_all, const uint32_t *slot);

/* ---- choice.c ---- */

/* The slots that a choice leads to; none, where the slot is no choice. */
struct choice_members {
	uint64_t uid;
	unsigned int count;
	uint32_t slots[AN_CHOICE_MAX];
};

bool choice_is(const struct publish *publish, uint32_t slot);
void choice_members(const struct publish *publish, uint32_t slot, struct choice_members *ret);
void choice_give_members(struct publish *publish, const struct choice_members *members);
/* The last mark on a slot, or on what it leads to. */
uint64_t choice_used(const struct publish *publish, uint32_t slot);

/* ---- fold.c ---- */

/* False, as above: the owner is gone. */
bool fold_undo_inside(struct publish *publish, struct book_owner *owner,
                      const struct an_audience_key *key);
bool fold_renew(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, struct answers_image *image);
/* The key's length is not in the owner's list, which is full. 0 or -ENOSPC. */
int fold_put(struct publish *publish, struct book_owner *owner, const struct an_audience_key *key,
             const uint8_t asked_prefix[8], uint8_t asked_len, struct answers_image *image,
             uint32_t *ret_slot);

#endif
