/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/beside.h"

/* The region's place; NULL: the key, or the owner's slot, has none. */
static uint32_t *place_of(struct an_owner_slot *slot, const struct an_audience_key *key)
{
	if (!slot->regions || slot->inline_at || desk_is_network(key) ||
	    key->kind != AN_AUDIENCE_NET || key->variant)
		return NULL;
	if (key->region < 1 || key->region > AN_REGIONS_BESIDE)
		return NULL;
	return &slot->beside[key->region - 1];
}

void beside_set(struct publish *publish, const struct book_owner *owner,
                const struct an_audience_key *key, uint32_t slot)
{
	uint32_t *place = place_of(desk_owner_slot(publish, owner), key);

	if (place)
		__atomic_store_n(place, desk_is_answer(slot) ? slot : AN_SLOT_NONE,
		                 __ATOMIC_RELEASE);
}

void beside_clear(struct an_owner_slot *slot)
{
	for (uint32_t i = 0; i < AN_REGIONS_BESIDE; i++)
		__atomic_store_n(&slot->beside[i], AN_SLOT_NONE, __ATOMIC_RELAXED);
}

void beside_adopt(struct publish *publish, const struct book_owner *owner)
{
	struct an_owner_slot *slot = desk_owner_slot(publish, owner);

	if (!slot->regions || slot->inline_at)
		return;
	slots_begin(&slot->head);
	beside_clear(slot);
	for (struct book_audience *audience = book_first(&publish->book, owner); audience;
	     audience = book_next(&publish->book, audience))
		beside_set(publish, owner, &audience->key, audience->slot);
	slots_end(&slot->head);
}
