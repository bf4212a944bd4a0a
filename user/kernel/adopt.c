/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adoption: the book and the allocators rebuilt from what is pinned.
 *
 * What is read back is input. A key that is not one of ours, or whose slot is
 * not there, taken, being written, or another's, goes; an audience whose
 * answer is damaged becomes AN_SLOT_ASK, so that nothing shorter stands in for
 * it. Owners with answers withheld go as a whole: what was withheld is not on
 * record. At the end every slot and cell that nothing reaches is free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "kernel/beside.h"
#include "kernel/desk.h"
#include "kernel/inline.h"

/* No honest counter gets there; one behind it could wrap. */
#define UID_END (1ULL << 62)

/* ---- all keys of a hash, copied: it is changed while we go through them ---- */

struct keys {
	uint8_t *octets;
	size_t size, count;
};

static int keys_read(const struct kernel_map_ops *ops, int fd, size_t size, size_t max,
                     struct keys *ret)
{
	const uint8_t *last = NULL;

	*ret = (struct keys){.octets = calloc(max + 1, size), .size = size};
	if (!ret->octets)
		return -ENOMEM;
	while (ret->count < max && !ops->next(fd, last, ret->octets + ret->count * size)) {
		last = ret->octets + ret->count * size;
		ret->count++;
	}
	return 0;
}

/* ---- owners ---- */

static bool name_sane(const struct publish *publish, const struct an_owner_slot *slot)
{
	uint8_t lower[NAME_MAX_LEN];
	size_t len = slot->name_len, padded = (len + 7) / 8 * 8;

	if (slot->head.used < AN_OWNER_NAME_AT + padded ||
	    (!slot->inline_at && slot->head.used != AN_OWNER_NAME_AT + padded) ||
	    name_parse_wire(slot->name, len) != (int)len)
		return false;
	for (size_t at = len; at < padded; at++)
		if (slot->name[at])
			return false;
	name_lower(lower, slot->name, len);
	return !memcmp(lower, slot->name, len) &&
	       slot->key.hash == an_name_hash(publish->maps->control->seed, lower, (uint32_t)len);
}

static bool zone_current(const struct kernel_maps *maps, const struct an_slot_head *head)
{
	return head->zone < maps->zones_count && head->generation &&
	       maps->zones[head->zone].generation == head->generation;
}

static bool owner_sane(const struct publish *publish, const struct an_owner_key *key,
                       const struct an_owner_slot *slot, size_t size)
{
	const struct kernel_maps *maps = publish->maps;

	return slot->head.kind == AN_SLOT_OWNER && !(slot->head.seq & 1) &&
	       slot->regions <= AN_POLICIES_MAX && slot->head.used <= size &&
	       !memcmp(&slot->key, key, sizeof(*key)) && key->class == AN_CLASS_IN &&
	       key->zero == 0 && slot->uid != 0 && slot->uid < UID_END &&
	       zone_current(maps, &slot->head) && slot->cell < maps->cells_count &&
	       slot->everyone != AN_SLOT_ASK &&
	       lens_sane(AN_FAMILY_IPV4, slot->lens[0], slot->lens_count[0]) &&
	       lens_sane(AN_FAMILY_IPV6, slot->lens[1], slot->lens_count[1]) &&
	       name_sane(publish, slot) && (!slot->inline_at || inline_sane(slot, size));
}

static bool key_sane(const struct book_owner *owner, const struct an_audience_key *key)
{
	struct an_audience_key clean = {.uid = owner->uid,
	                                .region = key->region,
	                                .type = owner->key.type,
	                                .kind = key->kind,
	                                .family = key->family,
	                                .len = key->len};

	if (key->kind != AN_AUDIENCE_NET && key->kind != AN_AUDIENCE_EXACT)
		return false;
	if (!key->region != !owner->regions)
		return false;
	if (!key->family && key->region)
		return !memcmp(&clean, key, sizeof(clean)) && !key->len;
	if (key->family != AN_FAMILY_IPV4 && key->family != AN_FAMILY_IPV6)
		return false;
	if (key->len < 1 || key->len > (key->family == AN_FAMILY_IPV6 ? 64 : 32))
		return false;
	memcpy(clean.prefix, key->prefix, sizeof(clean.prefix));
	desk_cut_prefix(clean.prefix, clean.len);
	return !memcmp(&clean, key, sizeof(clean));
}

/* The first of its networks, so its length fits. One that is damaged is cleared with the owner's
 * other fields. */
static void adopt_inline_network(struct publish *publish, struct book_owner *owner,
                                 const struct an_owner_slot *slot)
{
	struct an_audience_key key = inline_key(slot);

	if (!key_sane(owner, &key) || !book_audience_add(&publish->book, owner, &key, owner->slot))
		return;
	if (key.family)
		lens_add(owner->lens, key.family, lens_entry(key.kind, key.len));
	publish->answers++;
}

static bool adopt_owner(struct publish *publish, const struct an_owner_key *key)
{
	struct kernel_maps *maps = publish->maps;
	const struct an_owner_slot *slot;
	struct book_owner *owner;
	uint32_t number;

	if (maps->ops->lookup(maps->owners_fd, key, &number))
		return false;
	slot = (const void *)slots_at(&publish->slots, number);
	if (!slot || !owner_sane(publish, key, slot, slots_size(number)) ||
	    book_owner_by_uid(&publish->book, slot->uid) || slots_taken(&publish->slots, number))
		return false;
	if (pool_taken(&publish->cells, slot->cell))
		return false;
	owner = book_owner_add(&publish->book, key, slot->uid);
	if (!owner)
		return false;
	pool_claim(&publish->cells, slot->cell); /* the fixed cell is nobody's */
	slots_claim(&publish->slots, number);
	owner->slot = number;
	owner->cell = slot->cell;
	owner->zone = slot->head.zone;
	owner->generation = slot->head.generation;
	owner->regions = slot->regions;
	owner->everyone = slot->everyone;
	owner->nobody = slot->nobody;
	owner->catch_all = slot->catch_all;
	if (slot->inline_at && (slot->inline_key.family || slot->inline_key.region))
		adopt_inline_network(publish, owner, slot);
	return true;
}

/* Nobody believes the slot of an owner that goes, before its networks do: nothing wider stands in.
 */
static void hide_owner(struct publish *publish, const struct an_owner_key *key)
{
	struct kernel_maps *maps = publish->maps;
	struct an_owner_slot *slot;
	uint32_t number;

	if (maps->ops->lookup(maps->owners_fd, key, &number))
		return;
	slot = (void *)slots_at(&publish->slots, number);
	if (slot && slot->head.kind == AN_SLOT_OWNER && !memcmp(&slot->key, key, sizeof(*key)) &&
	    !slots_taken(&publish->slots, number))
		slots_begin(&slot->head); /* slots_settle() ends it */
}

static int adopt_owners(struct publish *publish)
{
	struct kernel_maps *maps = publish->maps;
	struct keys keys;
	int error = keys_read(maps->ops, maps->owners_fd, sizeof(struct an_owner_key),
	                      maps->owners_max, &keys);

	for (size_t i = 0; !error && i < keys.count; i++) {
		struct an_owner_key key;

		memcpy(&key, keys.octets + i * sizeof(key), sizeof(key));
		if (adopt_owner(publish, &key)) {
			publish->stats.adopted++;
			continue;
		}
		hide_owner(publish, &key);
		maps->ops->remove(maps->owners_fd, &key);
		publish->stats.adopted_dropped++;
	}
	free(keys.octets);
	return error;
}

/* ---- answers ---- */

/* Takes the slot if it holds a whole answer of this owner under this key. */
static bool claim_answer(struct publish *publish, const struct book_owner *owner,
                         const struct an_audience_key *key, uint32_t number)
{
	const struct an_answer_slot *slot = (const void *)slots_at(&publish->slots, number);

	if (!slot || slot->head.kind != AN_SLOT_ANSWER || slot->head.seq & 1 ||
	    slot->head.used > slots_size(number) || memcmp(&slot->key, key, sizeof(*key)) ||
	    slot->head.zone != owner->zone || slot->head.generation != owner->generation ||
	    slot->answer.cell != AN_CELL_FIXED || !desk_image_sane(slot) ||
	    !slots_claim(&publish->slots, number))
		return false;
	publish->answers++;
	return true;
}

/*
 * The hash has an audience that the owner's slot has too: its writer was on
 * the way from there to here.
 */
static void drop_inline(struct publish *publish, struct book_owner *owner,
                        const struct an_audience_key *key)
{
	struct book_audience *audience = book_audience_find(&publish->book, key);

	if (!audience)
		return;
	if (key->family)
		lens_drop(owner->lens, key->family, lens_entry(key->kind, key->len));
	book_audience_drop(&publish->book, audience);
	desk_drop_answer(publish, owner->slot);
}

/* False: the key has to go. */
static bool adopt_audience(struct publish *publish, const struct an_audience_key *key)
{
	struct kernel_maps *maps = publish->maps;
	struct book_owner *owner = book_owner_by_uid(&publish->book, key->uid);
	uint32_t slot;
	int error;

	if (!owner || !key_sane(owner, key) || maps->ops->lookup(maps->audiences_fd, key, &slot))
		return false;
	drop_inline(publish, owner, key);
	if (key->family && owner->lens &&
	    !lens_fits(owner->lens, key->family, lens_entry(key->kind, key->len)))
		return false;
	if (slot != AN_SLOT_ASK && !claim_answer(publish, owner, key, slot)) {
		slot = AN_SLOT_ASK;
		publish->stats.adopted_dropped++;
		slots_begin(&desk_owner_slot(publish, owner)->head); /* as store_audience() does */
		error = maps->ops->update(maps->audiences_fd, key, slot);
		slots_end(&desk_owner_slot(publish, owner)->head);
		if (error)
			return false;
	}
	if (!book_audience_add(&publish->book, owner, key, slot)) {
		desk_drop_answer(publish, slot);
		return false;
	}
	if (key->family)
		lens_add(owner->lens, key->family, lens_entry(key->kind, key->len));
	return true;
}

static int adopt_audiences(struct publish *publish)
{
	struct kernel_maps *maps = publish->maps;
	struct keys keys;
	int error = keys_read(maps->ops, maps->audiences_fd, sizeof(struct an_audience_key),
	                      maps->audiences_max, &keys);

	for (size_t i = 0; !error && i < keys.count; i++) {
		struct an_audience_key key;

		memcpy(&key, keys.octets + i * sizeof(key), sizeof(key));
		if (adopt_audience(publish, &key))
			continue;
		maps->ops->remove(maps->audiences_fd, &key);
		publish->stats.adopted_dropped++;
	}
	free(keys.octets);
	return error;
}

/* ---- each owner's fields, once its audiences are known ---- */

/* The answer in the owner's slot is this one. */
static bool claim_inline(struct publish *publish, const struct book_owner *owner,
                         const struct an_audience_key *key)
{
	const struct an_owner_slot *slot = desk_owner_slot(publish, owner);
	struct an_audience_key have = inline_key(slot);

	if (!slot->inline_at || memcmp(&have, key, sizeof(have)))
		return false;
	publish->answers++;
	return true;
}

static uint32_t adopt_whole(struct publish *publish, const struct book_owner *owner, uint8_t kind,
                            uint32_t number, uint32_t otherwise)
{
	struct an_audience_key key = {.uid = owner->uid, .type = owner->key.type, .kind = kind};

	if (!desk_is_answer(number))
		return number;
	if (number == owner->slot ? claim_inline(publish, owner, &key)
	                          : claim_answer(publish, owner, &key, number))
		return number;
	publish->stats.adopted_dropped++;
	return otherwise;
}

static bool holds(struct publish *publish, const struct book_owner *owner, uint32_t slot)
{
	struct book_audience *audience;

	if (slot == owner->everyone || slot == owner->nobody)
		return true;
	for (audience = book_first(&publish->book, owner); audience;
	     audience = book_next(&publish->book, audience)) {
		if (audience->slot == slot)
			return true;
	}
	return false;
}

static uint32_t any_answer(struct publish *publish, const struct book_owner *owner)
{
	struct book_audience *audience;

	if (desk_is_answer(owner->everyone))
		return owner->everyone;
	for (audience = book_first(&publish->book, owner); audience;
	     audience = book_next(&publish->book, audience)) {
		if (desk_is_answer(audience->slot))
			return audience->slot;
	}
	return desk_is_answer(owner->nobody) ? owner->nobody : AN_SLOT_NONE;
}

static bool lists_differ(const struct publish *publish, const struct book_owner *owner)
{
	const struct an_owner_slot *slot = desk_owner_slot(publish, owner);
	static const struct lens none;
	const struct lens *lens = owner->lens ? owner->lens : &none;

	return memcmp(slot->lens_count, lens->count, sizeof(lens->count)) ||
	       memcmp(slot->lens[0], lens->len[0], lens->count[0]) ||
	       memcmp(slot->lens[1], lens->len[1], lens->count[1]) ||
	       slot->everyone != owner->everyone || slot->nobody != owner->nobody ||
	       slot->catch_all != owner->catch_all;
}

static void settle_owner(struct publish *publish, struct book_owner *owner)
{
	owner->everyone =
	        adopt_whole(publish, owner, AN_AUDIENCE_NET, owner->everyone, AN_SLOT_NONE);
	owner->nobody = adopt_whole(publish, owner, AN_AUDIENCE_EXACT, owner->nobody, AN_SLOT_ASK);
	if (!holds(publish, owner, owner->slot))
		inline_clear(desk_owner_slot(publish, owner)); /* nobody's */
	if (!desk_is_answer(owner->catch_all) || !holds(publish, owner, owner->catch_all))
		owner->catch_all = any_answer(publish, owner);
	if (lists_differ(publish, owner))
		desk_write_owner(publish, owner);
	beside_adopt(publish, owner);
}

static int settle_owners(struct publish *publish)
{
	struct book *book = &publish->book;

	for (uint32_t number = 1; number < book->owner_numbers.count; number++)
		if (pool_taken(&book->owner_numbers, number))
			settle_owner(publish, &book->owners[number]);
	return desk_index_owners(publish, book->owner_numbers.used);
}

/* ---- the rest ---- */

/* Numbers that are never used twice go on behind the highest that was seen. */
static void adopt_numbers(struct publish *publish)
{
	const struct kernel_maps *maps = publish->maps;
	const struct book *book = &publish->book;
	uint64_t uid = maps->control->next_uid < UID_END ? maps->control->next_uid : 1;
	uint32_t generation = 0;

	for (uint32_t number = 1; number < book->owner_numbers.count; number++)
		if (pool_taken(&book->owner_numbers, number) && book->owners[number].uid >= uid)
			uid = book->owners[number].uid + 1;
	__atomic_store_n(&maps->control->next_uid, uid ? uid : 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < maps->zones_count; i++)
		if (maps->zones[i].generation > generation)
			generation = maps->zones[i].generation;
	publish->next_generation = generation + 1 ? generation + 1 : 1;
}

static void settle_cells(struct publish *publish)
{
	uint64_t *cells = publish->maps->cells;

	for (uint32_t cell = 0; cell < publish->cells.count; cell++)
		if (!pool_taken(&publish->cells, cell))
			__atomic_store_n(&cells[cell], AN_CELL_MEMBERS, __ATOMIC_RELAXED);
	pool_settle(&publish->cells);
}

int desk_adopt(struct publish *publish)
{
	int error = adopt_owners(publish);

	if (!error)
		error = adopt_audiences(publish);
	if (!error)
		error = settle_owners(publish);
	if (error)
		return error;
	slots_settle(&publish->slots);
	slots_expect(&publish->slots, publish->book.owner_numbers.used);
	settle_cells(publish);
	adopt_numbers(publish);
	return 0;
}
