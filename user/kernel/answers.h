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
