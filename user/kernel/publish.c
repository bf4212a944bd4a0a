/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/name.h"
#include "kernel/answers.h"
#include "kernel/beside.h"
#include "kernel/desk.h"
#include "kernel/front.h"
#include "kernel/inline.h"

/* ---- life ---- */

static int desk_init(struct publish *publish)
{
	struct kernel_maps *maps = publish->maps;
	int error = slots_init(&publish->slots, maps);

	if (!error)
		error = pool_init(&publish->cells, maps->cells_count);
	if (!error)
		error = book_init(&publish->book, maps->owners_max, maps->audiences_max);
	if (!error)
		error = names_init(&publish->names, maps);
	return error;
}

int publish_new(struct kernel_maps *maps, const struct config *config, struct publish **ret,
                struct error *error)
{
	struct publish *publish = calloc(1, sizeof(*publish));
	uint64_t instance = 0;
	int code;

	if (!publish)
		return error_set(error, ENOMEM, NULL, 0, "no memory for the publisher");
	publish->maps = maps;
	publish->networks_per_owner = config->networks_per_name_max;
	code = desk_init(publish);
	if (!code)
		code = desk_adopt(publish);
	if (code) {
		publish_free(publish);
		return error_set(error, -code, NULL, 0, "adopting the kernel's maps: %s",
		                 strerror(-code));
	}
	if (getrandom(&instance, sizeof(instance), GRND_NONBLOCK) != sizeof(instance))
		instance = clock_ms();         /* names the writer, nothing rests on it */
	publish->random = maps->control->seed; /* secret, which is all that is asked of it */
	maps->control->instance = instance;
	publish_settings(publish, config);
	publish_beat(publish);
	*ret = publish;
	return 0;
}

void publish_free(struct publish *publish)
{
	if (!publish)
		return;
	names_done(&publish->names);
	book_done(&publish->book);
	pool_done(&publish->cells);
	slots_done(&publish->slots);
	free(publish);
}

void publish_expect(struct publish *publish, uint64_t owners)
{
	slots_expect(&publish->slots, owners);
	if (front_is_crowded(publish->maps, owners))
		desk_index_owners(publish, owners);
}

/* ---- taking out ---- */

void desk_cut_prefix(uint8_t prefix[8], unsigned int len)
{
	uint8_t address[16] = {0};

	memcpy(address, prefix, 8);
	net_mask(address, len);
	memcpy(prefix, address, 8);
}

void desk_drop_answer(struct publish *publish, uint32_t slot)
{
	struct an_slot_head *head = slots_at(&publish->slots, slot);
	struct choice_members members;

	if (!desk_is_answer(slot) || !slots_taken(&publish->slots, slot))
		return;
	choice_members(publish, slot, &members);
	if (head->kind == AN_SLOT_OWNER)
		inline_clear((struct an_owner_slot *)(void *)head);
	else
		slots_give(&publish->slots, slot);
	choice_give_members(publish, &members);
	publish->answers--;
}

void desk_drop_audiences(struct publish *publish, struct book_owner *owner)
{
	struct kernel_maps *maps = publish->maps;
	struct book_audience *audience;

	while ((audience = book_first(&publish->book, owner))) {
		uint32_t slot = audience->slot;

		if (!book_is_inline(&publish->book, audience))
			maps->ops->remove(maps->audiences_fd, &audience->key);
		book_audience_drop(&publish->book, audience);
		desk_drop_answer(publish, slot);
	}
	free(owner->lens);
	owner->lens = NULL;
	desk_drop_answer(publish, owner->everyone);
	desk_drop_answer(publish, owner->nobody);
	owner->everyone = owner->nobody = owner->catch_all = AN_SLOT_NONE;
	owner->withheld[0] = owner->withheld[1] = 0;
}

static void cell_reset(struct publish *publish, uint32_t cell)
{
	__atomic_store_n(&publish->maps->cells[cell], AN_CELL_MEMBERS, __ATOMIC_RELEASE);
}

static size_t owner_octets(size_t name_len)
{
	return AN_OWNER_NAME_AT + (name_len + 7) / 8 * 8;
}

static void fill_owner(struct an_owner_slot *slot, const struct book_owner *owner)
{
	static const struct lens none;
	const struct lens *lens = owner->lens ? owner->lens : &none;

	slot->head.zone = owner->zone;
	slot->head.generation = owner->generation;
	slot->everyone = owner->everyone;
	slot->nobody = owner->nobody;
	slot->catch_all = owner->catch_all;
	slot->cell = owner->cell;
	slot->regions = owner->regions;
	memcpy(slot->lens_count, lens->count, sizeof(slot->lens_count));
	memcpy(slot->lens, lens->len, sizeof(slot->lens));
}

/*
 * The slot says that the owner has no answer, before the first of them goes: who found a network's
 * key gone sees by the sequence number that his copy of the slot is old, and takes no wider answer
 * from it.
 */
static void empty_slot(struct publish *publish, const struct book_owner *owner)
{
	struct an_owner_slot *slot = desk_owner_slot(publish, owner);
	struct book_owner empty = *owner;

	empty.lens = NULL;
	empty.everyone = empty.nobody = empty.catch_all = AN_SLOT_NONE;
	slots_begin(&slot->head);
	fill_owner(slot, &empty);
	slot->inline_at = 0;
	beside_clear(slot);
	slot->head.used = (uint16_t)owner_octets(slot->name_len);
	slots_end(&slot->head);
}

void desk_drop_owner(struct publish *publish, struct book_owner *owner)
{
	struct kernel_maps *maps = publish->maps;
	uint32_t slot = owner->slot, cell = owner->cell;

	front_remove(maps, &owner->key, slot);
	maps->ops->remove(maps->owners_fd, &owner->key);
	empty_slot(publish, owner);
	desk_drop_audiences(publish, owner);
	book_owner_drop(&publish->book, owner);
	slots_give(&publish->slots, slot);
	if (cell != AN_CELL_FIXED)
		pool_give(&publish->cells, cell);
}

/* ---- owners ---- */

void desk_write_owner(struct publish *publish, const struct book_owner *owner)
{
	struct an_owner_slot *slot = desk_owner_slot(publish, owner);

	slots_begin(&slot->head);
	fill_owner(slot, owner);
	slots_end(&slot->head);
}

static bool owner_is(const struct publish *publish, const struct book_owner *owner,
                     const uint8_t *name, size_t len)
{
	const struct an_owner_slot *slot = desk_owner_slot(publish, owner);

	return slot->name_len == len && !memcmp(slot->name, name, len);
}

static struct an_owner_key key_of(const struct publish *publish, const uint8_t *name, size_t len,
                                  uint16_t type)
{
	return (struct an_owner_key){
	        .hash = an_name_hash(publish->maps->control->seed, name, (uint32_t)len),
	        .type = type,
	        .class = AN_CLASS_IN};
}

static uint64_t next_uid(struct publish *publish)
{
	struct an_control *control = publish->maps->control;
	uint64_t uid = control->next_uid;

	/* Moved on before the number is used: a crash in between wastes one, never repeats one. */
	__atomic_store_n(&control->next_uid, uid + 1, __ATOMIC_RELEASE);
	return uid;
}

static void write_new_owner(struct publish *publish, const struct book_owner *owner,
                            const uint8_t *name, size_t len)
{
	uint64_t words[DESK_SLOT_WORDS] = {0};
	struct an_owner_slot *image = (struct an_owner_slot *)(void *)words;
	size_t used = owner_octets(len);

	image->head.kind = AN_SLOT_OWNER;
	image->head.flags = owner->key.type ? 0 : AN_OWNER_DENIAL;
	image->head.used = (uint16_t)used;
	image->head.zone = owner->zone;
	image->head.generation = owner->generation;
	image->uid = owner->uid;
	image->key = owner->key;
	image->cell = owner->cell;
	image->regions = owner->regions;
	image->name_len = (uint8_t)len;
	memcpy(image->name, name, len);
	slots_write(slots_at(&publish->slots, owner->slot), image, used);
}

int desk_index_owners(struct publish *publish, uint64_t owners)
{
	const struct book *book = &publish->book;
	struct front_draft front;
	int error = front_begin(publish->maps, owners, &front);

	if (error)
		return error;
	for (uint32_t number = 1; number < book->owner_numbers.count; number++)
		if (pool_taken(&book->owner_numbers, number))
			front_draft_add(&front, &book->owners[number].key,
			                book->owners[number].slot);
	front_end(publish->maps, &front);
	return 0;
}

/* BPF hashes may be full one element early, or late: one more eviction, one more try. */
static int insert_owner(struct publish *publish, const struct book_owner *owner)
{
	struct kernel_maps *maps = publish->maps;
	int error = maps->ops->update(maps->owners_fd, &owner->key, owner->slot);

	if (error == -E2BIG && desk_evict_owner(publish))
		error = maps->ops->update(maps->owners_fd, &owner->key, owner->slot);
	if (error)
		return -ENOSPC;
	/* With him, where there are to be more lines; without memory for these there are as many as
	 * before. */
	if (!front_is_crowded(maps, publish->book.owner_numbers.used) ||
	    desk_index_owners(publish, publish->book.owner_numbers.used))
		front_add(maps, &owner->key, owner->slot);
	return 0;
}

static int write_owner(struct publish *publish, const struct an_owner_key *key, uint32_t slot,
                       const uint8_t *name, size_t len, uint32_t zone, uint32_t generation,
                       uint32_t regions, uint64_t *ret_uid)
{
	struct book_owner *owner = book_owner_add(&publish->book, key, next_uid(publish));

	owner->slot = slot;
	owner->cell = pool_take(&publish->cells);
	owner->zone = zone;
	owner->generation = generation;
	owner->regions = regions;
	owner->touched = desk_now(publish);
	cell_reset(publish, owner->cell);
	write_new_owner(publish, owner, name, len);
	if (insert_owner(publish, owner)) {
		desk_drop_owner(publish, owner);
		return -ENOSPC;
	}
	*ret_uid = owner->uid;
	return 0;
}

/* room: octets of an answer that must fit in beside the name. */
static int make_owner(struct publish *publish, const struct an_owner_key *key, const uint8_t *name,
                      size_t len, size_t room, uint32_t zone, uint32_t generation, uint32_t regions,
                      uint64_t *ret_uid)
{
	uint32_t slot = AN_SLOT_NONE;
	uint32_t home = slots_home(&publish->slots, an_front_hash(key));
	int error = -ENOSPC;

	desk_newcomer_begin(publish, key);
	if (desk_room_owner(publish))
		slot = desk_take_slot(publish, owner_octets(len) + room, home, NULL);
	if (slot != AN_SLOT_NONE)
		error = write_owner(publish, key, slot, name, len, zone, generation, regions,
		                    ret_uid);
	desk_newcomer_end(publish);
	return error;
}

/* The slot says "new generation, no answers" before any answer goes. */
static void renew_owner(struct publish *publish, struct book_owner *owner, uint32_t zone,
                        uint32_t generation, uint32_t regions)
{
	owner->zone = zone;
	owner->generation = generation;
	owner->regions = regions;
	empty_slot(publish, owner); /* the inline answer too: its generation is the owner's */
	desk_drop_audiences(publish, owner);
	if (owner->cell != AN_CELL_FIXED)
		cell_reset(publish, owner->cell);
}

/* An owner whose slot has room for an answer of so many octets. */
static int take_owner(struct publish *publish, const uint8_t *name, size_t name_len, uint16_t type,
                      size_t room, uint32_t zone, uint32_t generation, uint32_t regions,
                      uint64_t *ret_uid)
{
	uint8_t lower[NAME_MAX_LEN];
	struct an_owner_key key;
	struct book_owner *owner;
	int error;

	if (name_len == 0 || name_len > NAME_MAX_LEN || zone >= publish->maps->zones_count)
		return -EINVAL;
	name_lower(lower, name, name_len);
	key = key_of(publish, lower, name_len, type);
	owner = book_owner_find(&publish->book, &key);
	if (owner && owner_is(publish, owner, lower, name_len) &&
	    owner_octets(name_len) + room > slots_size(owner->slot)) {
		desk_drop_owner(publish, owner);
		owner = NULL;
	}
	if (!owner) {
		error = make_owner(publish, &key, lower, name_len, room, zone, generation, regions,
		                   ret_uid);
		publish->stats.refused += error != 0;
		return error;
	}
	if (!owner_is(publish, owner, lower, name_len)) {
		publish->stats.collisions++;
		return -EEXIST;
	}
	if (owner->zone != zone || owner->generation != generation || owner->regions != regions)
		renew_owner(publish, owner, zone, generation, regions);
	owner->touched = desk_now(publish);
	*ret_uid = owner->uid;
	return 0;
}

int publish_owner(struct publish *publish, const uint8_t *name, size_t name_len, uint16_t type,
                  uint32_t zone, uint32_t generation, uint32_t regions, uint64_t *ret_uid)
{
	return take_owner(publish, name, name_len, type, 0, zone, generation, regions, ret_uid);
}

int publish_denial(struct publish *publish, const uint8_t *apex, size_t apex_len, uint32_t zone,
                   uint32_t generation, const struct an_answer_slot *image)
{
	const struct an_audience_key everyone = {.kind = AN_AUDIENCE_NET};
	static const uint8_t nothing[8];
	uint64_t uid;
	uint32_t slot;
	int error =
	        take_owner(publish, apex, apex_len, 0, image->head.used - (size_t)AN_ANSWER_DATA_AT,
	                   zone, generation, 0, &uid);

	if (error)
		return error;
	return publish_answer(publish, uid, &everyone, nothing, 0, image, CLOCK_MS_NEVER,
	                      CLOCK_MS_NEVER, true, &slot);
}

void publish_owner_remove(struct publish *publish, uint64_t uid)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);

	if (owner)
		desk_drop_owner(publish, owner);
}

void publish_stale(struct publish *publish, uint64_t uid, bool stale)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);
	uint64_t *cell;

	if (!owner || owner->cell == AN_CELL_FIXED)
		return;
	cell = &publish->maps->cells[owner->cell];
	if (stale)
		__atomic_fetch_or(cell, AN_CELL_STALE, __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(cell, ~AN_CELL_STALE, __ATOMIC_RELEASE);
}

bool publish_is_stale(const struct publish *publish, uint64_t uid)
{
	/* Finding changes nothing; book_owner_by_uid() gives what its other callers change. */
	const struct book_owner *owner =
	        book_owner_by_uid((struct book *)(uintptr_t)&publish->book, uid);

	return owner && owner->cell != AN_CELL_FIXED &&
	       __atomic_load_n(&publish->maps->cells[owner->cell], __ATOMIC_RELAXED) &
	               AN_CELL_STALE;
}

/* ---- names ---- */

static uint64_t hash_of(const struct publish *publish, const uint8_t *name, size_t len)
{
	return an_name_hash(publish->maps->control->seed, name, (uint32_t)len);
}

bool publish_names_room(const struct publish *publish, size_t count, size_t gives)
{
	/* A quarter of the places: then of ten thousand names two or three find their line full. */
	uint64_t most = (publish->maps->control->names_mask + 1) * AN_NAME_ENTRIES / 4;

	return publish->names.used + count <= most + gives;
}

void publish_name_add(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags)
{
	names_add(&publish->names, hash_of(publish, name, len), flags);
}

void publish_name_set(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags)
{
	names_set(&publish->names, hash_of(publish, name, len), flags);
}

void publish_name_drop(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags)
{
	(void)flags;
	names_drop(&publish->names, hash_of(publish, name, len));
}

void publish_names_sweep(struct publish *publish)
{
	names_sweep(&publish->names);
}

/* ---- looking ---- */

/* An inline answer as it would stand in a slot of its own. */
static const struct an_answer_slot *answer_image(const struct an_owner_slot *owner,
                                                 uint64_t words[DESK_SLOT_WORDS])
{
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)words;
	size_t at = owner->inline_at * 8u, len = owner->head.used - at;

	image->head = owner->head;
	image->head.kind = AN_SLOT_ANSWER;
	image->head.used = (uint16_t)(AN_ANSWER_DATA_AT + len);
	image->key = inline_key(owner);
	image->answer = owner->answer;
	memcpy(image->data, (const uint8_t *)owner + at, len);
	return image;
}

static void visit_answer(struct publish *publish, const struct publish_visitor *visitor,
                         const struct an_owner_slot *owner, uint32_t slot)
{
	const void *there = slots_at(&publish->slots, slot);
	uint64_t words[DESK_SLOT_WORDS];

	if (!visitor->answer || !desk_is_answer(slot))
		return;
	visitor->answer(owner, there == owner ? answer_image(owner, words) : there, slot,
	                visitor->arg);
}

void publish_each(struct publish *publish, const struct publish_visitor *visitor)
{
	struct book *book = &publish->book;

	for (uint32_t number = 1; number < book->owner_numbers.count; number++) {
		struct book_owner *owner = &book->owners[number];
		struct an_owner_slot *slot;
		struct book_audience *audience;

		if (!pool_taken(&book->owner_numbers, number))
			continue;
		slot = desk_owner_slot(publish, owner);
		if (visitor->owner)
			visitor->owner(slot, slot->name_len, visitor->arg);
		visit_answer(publish, visitor, slot, owner->everyone);
		visit_answer(publish, visitor, slot, owner->nobody);
		for (audience = book_first(book, owner); audience;
		     audience = book_next(book, audience))
			visit_answer(publish, visitor, slot, audience->slot);
	}
}

uint64_t publish_used_ms(const struct publish *publish, uint32_t slot)
{
	uint64_t used = choice_used(publish, slot), now = desk_now(publish);

	if (!used)
		return 0;
	/* A mark from the future is no mark of ours: memory that others can write is input. */
	return kernel_ms(publish->maps, used < now ? used : now);
}

/* The owner of the current generation, or NULL. */
static const struct book_owner *find_current(const struct publish *publish, const uint8_t *name,
                                             size_t name_len, uint16_t type)
{
	uint8_t lower[NAME_MAX_LEN];
	struct an_owner_key key;
	const struct book_owner *owner;

	if (name_len == 0 || name_len > NAME_MAX_LEN)
		return NULL;
	name_lower(lower, name, name_len);
	key = key_of(publish, lower, name_len, type);
	/* Finding changes nothing; book_owner_find() gives what its other callers change. */
	owner = book_owner_find((struct book *)(uintptr_t)&publish->book, &key);
	return owner && owner_is(publish, owner, lower, name_len) &&
	                       publish->maps->zones[owner->zone].generation == owner->generation
	               ? owner
	               : NULL;
}

bool publish_has(const struct publish *publish, const uint8_t *name, size_t name_len, uint16_t type)
{
	return find_current(publish, name, name_len, type);
}

bool publish_holds(const struct publish *publish, const uint8_t *name, size_t name_len,
                   uint16_t type)
{
	/* As above. */
	struct book *book = (struct book *)(uintptr_t)&publish->book;
	const struct book_owner *owner = find_current(publish, name, name_len, type);
	const struct book_audience *audience;

	if (!owner || desk_is_answer(owner->everyone) || desk_is_answer(owner->nobody))
		return owner;
	for (audience = book_first(book, owner); audience; audience = book_next(book, audience))
		if (desk_is_answer(audience->slot))
			return true;
	return false;
}

const struct kernel_maps *publish_maps(const struct publish *publish)
{
	return publish->maps;
}

void publish_stats(const struct publish *publish, struct publish_stats *ret)
{
	*ret = publish->stats;
	ret->owners = publish->book.owner_numbers.used;
	ret->answers = publish->answers;
	ret->slots_used = publish->slots.small.used;
	ret->slots_large_used = publish->slots.large.used;
	ret->names = publish->names.used;
}
