/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/inline.h"

#include <string.h>

#include "kernel/beside.h"

static size_t data_at(const struct an_owner_slot *slot)
{
	return AN_OWNER_NAME_AT + (slot->name_len + 7u) / 8 * 8;
}

bool inline_fits(const struct publish *publish, const struct book_owner *owner, size_t data_len)
{
	return data_at(desk_owner_slot(publish, owner)) + data_len <= slots_size(owner->slot);
}

bool inline_taken(const struct publish *publish, const struct book_owner *owner)
{
	return desk_owner_slot(publish, owner)->inline_at != 0;
}

struct an_audience_key inline_key(const struct an_owner_slot *slot)
{
	const struct an_inline *from = &slot->inline_key;
	struct an_audience_key key = {.uid = slot->uid,
	                              .region = from->region,
	                              .type = slot->key.type,
	                              .variant = from->variant,
	                              .kind = from->kind,
	                              .family = from->family,
	                              .len = from->len};

	memcpy(key.prefix, from->prefix, sizeof(key.prefix));
	return key;
}

static struct an_inline inline_key_of(const struct an_audience_key *key)
{
	struct an_inline part = {.kind = key->kind,
	                         .family = key->family,
	                         .len = key->len,
	                         .variant = key->variant,
	                         .region = key->region};

	memcpy(part.prefix, key->prefix, sizeof(part.prefix));
	return part;
}

void inline_write(struct publish *publish, const struct book_owner *owner,
                  const struct an_answer_slot *image)
{
	struct an_owner_slot *slot = desk_owner_slot(publish, owner);
	size_t at = data_at(slot), len = image->head.used - (size_t)AN_ANSWER_DATA_AT;
	struct an_inline key = inline_key_of(&image->key);

	slots_begin(&slot->head);
	slots_copy(&slot->inline_key, &key, sizeof(key));
	slots_copy(&slot->answer, &image->answer, sizeof(image->answer));
	slots_copy((uint8_t *)slot + at, image->data, len);
	__atomic_store_n(&slot->inline_at, (uint8_t)(at / 8), __ATOMIC_RELAXED);
	__atomic_store_n(&slot->head.used, (uint16_t)(at + len), __ATOMIC_RELAXED);
	slots_end(&slot->head);
}

void inline_clear(struct an_owner_slot *slot)
{
	if (!slot->inline_at)
		return;
	slots_begin(&slot->head);
	__atomic_store_n(&slot->inline_at, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->head.used, (uint16_t)data_at(slot), __ATOMIC_RELAXED);
	if (slot->regions)
		beside_clear(slot);
	slots_end(&slot->head);
}

bool inline_sane(const struct an_owner_slot *slot, size_t size)
{
	size_t at = data_at(slot), used = slot->head.used;

	return slot->inline_at * 8u == at && used >= at && used <= size &&
	       slot->answer.cell == AN_CELL_FIXED && /* a pool's is not the next daemon's */
	       desk_answer_sane(&slot->answer, used - at);
}
