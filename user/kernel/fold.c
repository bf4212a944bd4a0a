/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folding: an answer whose prefix length is a ninth one is kept under the next
 * longer length that the owner has, for the network that was asked for. Always
 * true, only narrower; what it leaves uncovered is withheld (answers.c).
 */
#include <errno.h>
#include <string.h>

#include "kernel/answers.h"

/* A longer answer than those folded inside its network has come: they must not hide it. */
bool fold_undo_inside(struct publish *publish, struct book_owner *owner,
                      const struct an_audience_key *key)
{
	struct book_audience *audience, *next;

	if (!owner->folded)
		return true;
	for (audience = book_first(&publish->book, owner); audience; audience = next) {
		next = book_next(&publish->book, audience); /* it may get another record */
		if (audience->fold_len && audience->fold_len < key->len &&
		    audience->key.family == key->family && audience->key.region == key->region &&
		    answers_inside(audience->key.prefix, key) &&
		    !answers_make_ask(publish, owner, audience, false))
			return false;
	}
	return true;
}

/* Answers of this key that stand folded under longer ones: the new image for all of them, or ASK.
 */
bool fold_renew(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, struct answers_image *image)
{
	struct book_audience *audience, *next;
	struct an_audience_key folded;
	uint32_t slot;

	if (!owner->folded)
		return true;
	for (audience = book_first(&publish->book, owner); audience; audience = next) {
		uint8_t fold_len = audience->fold_len;

		next = book_next(&publish->book, audience); /* it may get another record */
		if (fold_len != key->len || audience->key.family != key->family ||
		    audience->key.region != key->region ||
		    !answers_inside(audience->key.prefix, key))
			continue;
		if (image)
			answers_image_slot(image)->key = audience->key;
		folded = audience->key;
		if (image && !answers_replace(publish, owner, audience, image, &slot)) {
			/* It may have another record now. */
			book_audience_find(&publish->book, &folded)->fold_len = fold_len;
			owner->folded++;
		} else if (!answers_make_ask(publish, owner, audience, false)) {
			return false;
		}
	}
	return true;
}

int fold_put(struct publish *publish, struct book_owner *owner, const struct an_audience_key *key,
             const uint8_t asked_prefix[8], uint8_t asked_len, struct answers_image *image,
             uint32_t *ret_slot)
{
	uint8_t len = lens_longer(owner->lens, key->family, key->len);
	struct an_audience_key folded = *key;
	struct book_audience *audience;
	int error;

	if (key->kind != AN_AUDIENCE_NET || !fold_renew(publish, owner, key, image))
		return -ENOSPC;
	/* Where a longer one is withheld too, it may be that one's client who has asked. */
	if (!len || asked_len < len || !answers_inside(asked_prefix, key) ||
	    owner->withheld[key->family - 1u] > key->len)
		return -ENOSPC;
	memcpy(folded.prefix, asked_prefix, sizeof(folded.prefix));
	folded = answers_cut_key(&folded, len);
	answers_image_slot(image)->key = folded;
	audience = book_audience_find(&publish->book, &folded);
	if (audience && !audience->fold_len)
		return -ENOSPC; /* an answer of that very length, or its tombstone, is better */
	error = audience ? answers_replace(publish, owner, audience, image, ret_slot)
	                 : answers_add(publish, owner, &folded, image, ret_slot);
	if (error)
		return error;
	audience = book_audience_find(&publish->book, &folded);
	audience->fold_len = key->len;
	owner->folded++;
	publish->stats.folded++;
	return 0;
}
