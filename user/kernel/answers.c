/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of an owner: putting in, taking out, withholding.
 *
 * What everything here serves: a shorter audience never stands in for a longer
 * one that the daemon holds. An audience that cannot be in the kernel has
 * therefore what would stand in for it withheld: the NET audiences that cover
 * it, and the answer for everyone, become AN_SLOT_ASK until the owner goes.
 */
#include <errno.h>
#include <string.h>

#include "kernel/answers.h"
#include "kernel/beside.h"
#include "kernel/inline.h"

/* ---- keys ---- */

bool answers_complete_key(const struct book_owner *owner, const struct an_audience_key *from,
                          struct an_audience_key *ret)
{
	unsigned int longest = from->family == AN_FAMILY_IPV6 ? 64 : 32;

	*ret = (struct an_audience_key){.uid = owner->uid,
	                                .region = from->region,
	                                .type = owner->key.type,
	                                .kind = from->kind,
	                                .family = from->family,
	                                .len = from->len};
	if (from->kind != AN_AUDIENCE_NET && from->kind != AN_AUDIENCE_EXACT)
		return false;
	if (!from->region != !owner->regions)
		return false;
	if (from->family == 0)
		return from->len == 0;
	memcpy(ret->prefix, from->prefix, sizeof(ret->prefix));
	desk_cut_prefix(ret->prefix, ret->len);
	return from->family <= AN_FAMILY_IPV6 && from->len >= 1 && from->len <= longest;
}

struct an_audience_key answers_cut_key(const struct an_audience_key *key, uint8_t len)
{
	struct an_audience_key cut = *key;

	cut.kind = AN_AUDIENCE_NET;
	cut.len = len;
	desk_cut_prefix(cut.prefix, len);
	return cut;
}

bool answers_inside(const uint8_t prefix[8], const struct an_audience_key *key)
{
	uint8_t cut[8];

	memcpy(cut, prefix, sizeof(cut));
	desk_cut_prefix(cut, key->len);
	return !memcmp(cut, key->prefix, sizeof(cut));
}

static uint8_t entry_of(const struct an_audience_key *key)
{
	return lens_entry(key->kind, key->len);
}

/* Would this stand in for something that the kernel could not take? */
static bool is_withheld(const struct book_owner *owner, const struct an_audience_key *key)
{
	if (!desk_is_network(key)) /* of a region */
		return key->kind == AN_AUDIENCE_NET && owner->everyone == AN_SLOT_ASK;
	return key->kind == AN_AUDIENCE_NET && key->len < owner->withheld[key->family - 1u];
}

/* Everyone or nobody, of no region: a field of the owner's slot says where it is. */
static bool is_whole(const struct an_audience_key *key)
{
	return !desk_is_network(key) && !key->region;
}

/* Of prefix lengths there are only so many. */
static bool fits(const struct book_owner *owner, const struct an_audience_key *key)
{
	return !desk_is_network(key) || !owner->lens ||
	       lens_fits(owner->lens, key->family, entry_of(key));
}

/* ---- owner fields ---- */

static void store_slot(uint32_t *field, uint32_t slot)
{
	__atomic_store_n(field, slot, __ATOMIC_RELEASE);
}

static void set_everyone(struct publish *publish, struct book_owner *owner, uint32_t slot)
{
	owner->everyone = slot;
	store_slot(&desk_owner_slot(publish, owner)->everyone, slot);
}

static void set_nobody(struct publish *publish, struct book_owner *owner, uint32_t slot)
{
	owner->nobody = slot;
	store_slot(&desk_owner_slot(publish, owner)->nobody, slot);
}

static void set_catch_all(struct publish *publish, struct book_owner *owner, uint32_t slot)
{
	if (owner->catch_all == slot)
		return;
	owner->catch_all = slot;
	store_slot(&desk_owner_slot(publish, owner)->catch_all, slot);
}

static void newest(const struct publish *publish, uint32_t slot, uint32_t *best, uint64_t *until)
{
	const struct an_answer *answer;

	if (!desk_is_answer(slot))
		return;
	answer = desk_answer(publish, slot);
	if (*best == AN_SLOT_NONE || answer->fresh_until > *until) {
		*best = slot;
		*until = answer->fresh_until;
	}
}

/* `gone` leaves the owner: if it was the catch-all, the answer that was fresh last takes over. */
static void replace_catch_all(struct publish *publish, struct book_owner *owner, uint32_t gone)
{
	uint32_t best = AN_SLOT_NONE;
	uint64_t until = 0;
	struct book_audience *audience;

	if (owner->catch_all != gone)
		return;
	if (owner->everyone != gone)
		newest(publish, owner->everyone, &best, &until);
	if (owner->nobody != gone)
		newest(publish, owner->nobody, &best, &until);
	for (audience = book_first(&publish->book, owner); audience;
	     audience = book_next(&publish->book, audience)) {
		if (audience->slot != gone)
			newest(publish, audience->slot, &best, &until);
	}
	set_catch_all(publish, owner, best);
}

/* ---- one audience ---- */

/*
 * The kernel replaces an element of a hash by another one at the head of its bucket: a look-up that
 * began before it was put there, and comes to the old one's place when that is gone, finds neither.
 * So nobody can believe a copy of the owner's slot that was made meanwhile or before, and miss.
 */
static int store_audience(struct publish *publish, const struct book_owner *owner,
                          struct book_audience *audience, uint32_t slot)
{
	struct kernel_maps *maps = publish->maps;
	struct an_slot_head *head = slots_at(&publish->slots, owner->slot);
	int error;

	slots_begin(head);
	error = maps->ops->update(maps->audiences_fd, &audience->key, slot);
	if (!error)
		beside_set(publish, owner, &audience->key, slot);
	slots_end(head);
	if (!error)
		audience->slot = slot;
	return error;
}

/* A new element of the hash, for which there is a record; 0 or -ENOSPC. */
static int insert_audience(struct publish *publish, const struct book_owner *owner,
                           const struct an_audience_key *key, uint32_t slot)
{
	struct kernel_maps *maps = publish->maps;
	int error;

	if (!desk_room_audience(publish, owner))
		return -ENOSPC;
	error = maps->ops->update(maps->audiences_fd, key, slot);
	if (error == -E2BIG && desk_evict_audience(publish, owner))
		error = maps->ops->update(maps->audiences_fd, key, slot);
	return error ? -ENOSPC : 0;
}

/*
 * An audience leaves the owner's slot for another (or for AN_SLOT_ASK): it
 * comes into the hash, and gets another record. The program still finds the
 * inline answer until the caller clears it.
 */
static int move_out(struct publish *publish, struct book_owner *owner,
                    struct book_audience *audience, uint32_t slot)
{
	struct book_audience old = *audience, *moved;
	int error = insert_audience(publish, owner, &old.key, slot);

	if (error)
		return error;
	moved = book_audience_add(&publish->book, owner, &old.key, slot);
	moved->sticky = old.sticky;
	book_audience_drop(&publish->book, audience);
	return 0;
}

/* The audience points to another slot, which is not inline. 0 or a negative errno. */
static int point_audience(struct publish *publish, struct book_owner *owner,
                          struct book_audience *audience, uint32_t slot)
{
	return book_is_inline(&publish->book, audience)
	               ? move_out(publish, owner, audience, slot)
	               : store_audience(publish, owner, audience, slot);
}

bool answers_make_ask(struct publish *publish, struct book_owner *owner,
                      struct book_audience *audience, bool sticky)
{
	uint32_t old = audience->slot;

	audience->sticky |= sticky;
	owner->folded -= audience->fold_len != 0;
	audience->fold_len = 0;
	if (old == AN_SLOT_ASK)
		return true;
	if (point_audience(publish, owner, audience, AN_SLOT_ASK)) {
		desk_drop_owner(publish, owner);
		return false;
	}
	replace_catch_all(publish, owner, old);
	desk_drop_answer(publish, old);
	return true;
}

/* Makes everyone AN_SLOT_ASK, which also tells adoption that something is withheld. */
static void withhold_everyone(struct publish *publish, struct book_owner *owner)
{
	uint32_t old = owner->everyone;

	if (old == AN_SLOT_ASK)
		return;
	set_everyone(publish, owner, AN_SLOT_ASK);
	replace_catch_all(publish, owner, old);
	desk_drop_answer(publish, old);
}

/* What is for everyone in a region; -> false: the owner is gone. */
static bool withhold_region(struct publish *publish, struct book_owner *owner, uint32_t region)
{
	struct an_audience_key key = {.uid = owner->uid,
	                              .region = region,
	                              .type = owner->key.type,
	                              .kind = AN_AUDIENCE_NET};
	struct book_audience *audience = region ? book_audience_find(&publish->book, &key) : NULL;

	return !audience || answers_make_ask(publish, owner, audience, true);
}

/*
 * The kernel cannot have this audience: nothing shorter that covers it may
 * answer. EXACT is asked before NET of the same length, so that goes too.
 */
static void withhold(struct publish *publish, struct book_owner *owner,
                     const struct an_audience_key *key)
{
	unsigned int f = key->family - 1u,
	             limit = key->len + (key->kind == AN_AUDIENCE_EXACT ? 1u : 0u);

	if (!withhold_region(publish, owner, key->region))
		return;
	if (!desk_is_network(key)) {
		withhold_everyone(publish, owner);
		return;
	}
	if (owner->withheld[f] < limit)
		owner->withheld[f] = (uint8_t)limit;
	if (!fold_undo_inside(publish, owner, key))
		return;
	for (unsigned int at = 0; owner->lens && at < owner->lens->count[f]; at++) {
		uint8_t entry = owner->lens->len[f][at];
		struct an_audience_key cover = answers_cut_key(key, entry & AN_LEN_BITS);
		struct book_audience *audience;

		if (entry & AN_LEN_EXACT || entry >= limit)
			continue;
		audience = book_audience_find(&publish->book, &cover);
		if (audience && !answers_make_ask(publish, owner, audience, true))
			return;
	}
	withhold_everyone(publish, owner);
}

/* ---- the image ---- */

bool desk_answer_sane(const struct an_answer *answer, size_t data_len)
{
	size_t records = (size_t)answer->count * answer->stride, data = records + answer->tail_len;

	if (answer->traits & AN_TRAIT_MEMBERS)
		data += answer->count;
	if (data > data_len || answer->tail_ttl_count > AN_TAIL_TTLS ||
	    answer->signed_len > answer->tail_len)
		return false;
	for (unsigned int i = 0; i < answer->tail_ttl_count; i++)
		if (answer->tail_ttl[i] + 4u > answer->tail_len)
			return false;
	return answer->stride % 2 == 0;
}

bool desk_image_sane(const struct an_answer_slot *image)
{
	size_t used = image->head.used;

	return used >= AN_ANSWER_DATA_AT && used <= AN_SLOT_LARGE_SIZE &&
	       desk_answer_sane(&image->answer, used - AN_ANSWER_DATA_AT);
}

const struct an_answer *desk_answer(const struct publish *publish, uint32_t slot)
{
	const struct an_slot_head *head = slots_at(&publish->slots, slot);
	struct choice_members members;

	choice_members(publish, slot, &members);
	if (members.count)
		head = slots_at(&publish->slots, members.slots[0]);
	return head->kind == AN_SLOT_OWNER
	               ? &((const struct an_owner_slot *)(const void *)head)->answer
	               : &((const struct an_answer_slot *)(const void *)head)->answer;
}

void answers_image_make(const struct publish *publish, const struct book_owner *owner,
                        const struct an_audience_key *key, const struct an_answer_slot *from,
                        uint64_t fresh_until_ms, uint64_t stale_until_ms, struct answers_image *ret)
{
	struct an_answer_slot *slot = answers_image_slot(ret);

	memset(ret, 0, sizeof(*ret));
	memcpy(ret, from, from->head.used);
	slot->head.kind = AN_SLOT_ANSWER;
	slot->head.zone = owner->zone;
	slot->head.generation = owner->generation;
	slot->key = *key;
	slot->answer.fresh_until = kernel_ticks(publish->maps, fresh_until_ms);
	slot->answer.stale_until = kernel_ticks(publish->maps, stale_until_ms);
}

/* Its place is the owner's slot: it is there already, or nobody is, and it fits. What stands there
 * of an owner with regions is in beside.h. */
static bool goes_inline(const struct publish *publish, const struct book_owner *owner, uint32_t old,
                        const struct an_answer_slot *image)
{
	return image->head.kind == AN_SLOT_ANSWER && !owner->regions &&
	       (old == owner->slot || !inline_taken(publish, owner)) &&
	       inline_fits(publish, owner, image->head.used - (size_t)AN_ANSWER_DATA_AT);
}

/* Where a region's answer is wanted: in the page of memory that is read for the owner. */
static uint32_t place_near(const struct book_owner *owner)
{
	return owner->regions && !slots_is_large(owner->slot) ? owner->slot : AN_SLOT_NONE;
}

/*
 * Puts the image into slot `old`, or into a new one where old is none or of
 * the wrong size; inline where it was inline, or where it is new and
 * `may_inline`. The caller points to the new one, then gives the old back.
 */
static uint32_t write_answer(struct publish *publish, const struct book_owner *owner, uint32_t old,
                             struct answers_image *image, bool may_inline)
{
	size_t used = answers_image_slot(image)->head.used;
	bool large = used > AN_SLOT_SMALL_SIZE;
	struct choice_members members;
	uint32_t slot = old;

	if ((old == owner->slot || (may_inline && !desk_is_answer(old))) &&
	    goes_inline(publish, owner, old, answers_image_slot(image))) {
		inline_write(publish, owner, answers_image_slot(image));
		publish->answers += old != owner->slot;
		return owner->slot;
	}
	if (!desk_is_answer(old) || old == owner->slot || slots_is_large(old) != large) {
		slot = desk_take_slot(publish, used, place_near(owner), owner);
		if (slot == AN_SLOT_NONE)
			return AN_SLOT_NONE;
		publish->answers++;
	}
	choice_members(publish, slot == old ? old : AN_SLOT_NONE, &members);
	slots_write(slots_at(&publish->slots, slot), image, used);
	choice_give_members(publish, &members);
	return slot;
}

/* ---- putting in ---- */

static int put_whole(struct publish *publish, struct book_owner *owner, bool everyone,
                     struct answers_image *image, uint32_t *ret_slot)
{
	uint32_t old = everyone ? owner->everyone : owner->nobody, slot;

	if (everyone && (owner->withheld[0] || owner->withheld[1]))
		return -ENOSPC;
	slot = write_answer(publish, owner, old, image, true);
	if (slot == AN_SLOT_NONE)
		return -ENOSPC;
	if (slot != old) {
		if (everyone)
			set_everyone(publish, owner, slot);
		else
			set_nobody(publish, owner, slot);
		if (owner->catch_all == old)
			set_catch_all(publish, owner, slot);
		desk_drop_answer(publish, old);
	}
	*ret_slot = slot;
	return 0;
}

/* The answer is at another place now, and the former one is given back. */
static bool replace_audience(struct publish *publish, struct book_owner *owner,
                             struct book_audience *audience, uint32_t slot)
{
	uint32_t old = audience->slot;
	uint8_t fold_len = audience->fold_len;

	owner->folded -= fold_len != 0;
	audience->fold_len = 0;
	if (point_audience(publish, owner, audience, slot)) {
		audience->fold_len = fold_len;
		owner->folded += fold_len != 0;
		return false;
	}
	if (owner->catch_all == old)
		set_catch_all(publish, owner, slot);
	desk_drop_answer(publish, old);
	return true;
}

int answers_replace(struct publish *publish, struct book_owner *owner,
                    struct book_audience *audience, struct answers_image *image, uint32_t *ret_slot)
{
	uint32_t old = audience->slot, slot;

	if (audience->sticky)
		return -ENOSPC;
	slot = write_answer(publish, owner, old, image, false);
	if (slot == AN_SLOT_NONE)
		return -ENOSPC;
	if (slot == old) {
		owner->folded -= audience->fold_len != 0;
		audience->fold_len = 0;
	} else if (!replace_audience(publish, owner, audience, slot)) {
		desk_drop_answer(publish, slot);
		return -ENOSPC;
	}
	*ret_slot = slot;
	return 0;
}

/* Key into the BPF hash (unless it is inline) and the book, then the owner's list: in this order.
 */
static struct book_audience *add_audience(struct publish *publish, struct book_owner *owner,
                                          const struct an_audience_key *key, uint32_t slot)
{
	struct kernel_maps *maps = publish->maps;
	struct book_audience *audience;
	bool hashed = slot != owner->slot;

	if (owner->count >= publish->networks_per_owner ||
	    (hashed && insert_audience(publish, owner, key, slot)))
		return NULL;
	audience = book_audience_add(&publish->book, owner, key, slot);
	if (!audience) {
		if (hashed)
			maps->ops->remove(maps->audiences_fd, key);
		return NULL;
	}
	beside_set(publish, owner, key, slot);
	if (desk_is_network(key) && lens_add(owner->lens, key->family, entry_of(key)))
		desk_write_owner(publish, owner);
	return audience;
}

int answers_add(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, struct answers_image *image, uint32_t *ret_slot)
{
	uint32_t slot;

	if (is_withheld(owner, key))
		return -ENOSPC;
	slot = write_answer(publish, owner, AN_SLOT_NONE, image, true);
	if (slot == AN_SLOT_NONE)
		return -ENOSPC;
	if (!add_audience(publish, owner, key, slot)) {
		desk_drop_answer(publish, slot);
		return -ENOSPC;
	}
	*ret_slot = slot;
	return 0;
}

/* folded: the image for places where it stands folded; NULL: it cannot stand there. */
static int put_network(struct publish *publish, struct book_owner *owner,
                       const struct an_audience_key *key, struct answers_image *image,
                       struct answers_image *folded, uint32_t *ret_slot)
{
	struct book_audience *audience = book_audience_find(&publish->book, key);
	int error = audience ? answers_replace(publish, owner, audience, image, ret_slot)
	                     : answers_add(publish, owner, key, image, ret_slot);

	if (key->kind != AN_AUDIENCE_NET)
		return error;
	/* What stands folded, of it or of shorter ones, must not hide what it is now. */
	if (fold_renew(publish, owner, key, error ? NULL : folded) &&
	    fold_undo_inside(publish, owner, key))
		return error;
	return -ENOSPC; /* the owner is gone */
}

/* ---- what others call ---- */

/* The kernel has nothing for this audience, and shows nothing shorter in its place. */
static void ask_for(struct publish *publish, struct book_owner *owner,
                    const struct an_audience_key *key)
{
	struct book_audience *audience = NULL;

	if (fits(owner, key))
		audience = add_audience(publish, owner, key, AN_SLOT_ASK);
	if (audience)
		audience->sticky = is_withheld(owner, key);
	else
		withhold(publish, owner, key);
}

/* Whatever would stand in for this audience is withheld already. */
static bool is_covered(const struct book_owner *owner, const struct an_audience_key *key)
{
	return owner->everyone == AN_SLOT_ASK && desk_is_network(key) &&
	       owner->withheld[key->family - 1u] >=
	               key->len + (key->kind == AN_AUDIENCE_EXACT ? 1u : 0u);
}

/*
 * The daemon has a newer answer than the kernel may show: what the kernel had
 * for this audience goes, and nothing shorter takes its place.
 */
static void refuse(struct publish *publish, struct book_owner *owner,
                   const struct an_audience_key *key)
{
	struct book_audience *audience;

	publish->stats.refused++;
	if (is_whole(key)) {
		publish_answer_remove(publish, owner->uid, key);
		return;
	}
	audience = book_audience_find(&publish->book, key);
	if (audience)
		answers_make_ask(publish, owner, audience, false);
	else
		ask_for(publish, owner, key);
}

void publish_withhold(struct publish *publish, uint64_t uid, const struct an_audience_key *key)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);
	struct an_audience_key whole;

	if (!owner || !answers_complete_key(owner, key, &whole))
		return;
	if (is_whole(&whole)) {
		if (whole.kind == AN_AUDIENCE_EXACT && owner->nobody == AN_SLOT_NONE)
			set_nobody(publish, owner, AN_SLOT_ASK);
		return;
	}
	if (!book_audience_find(&publish->book, &whole) && !is_covered(owner, &whole))
		ask_for(publish, owner, &whole);
}

int answers_put(struct publish *publish, struct book_owner *owner,
                const struct an_audience_key *key, const uint8_t asked_prefix[8], uint8_t asked_len,
                struct answers_image *image, uint32_t *ret_slot)
{
	uint64_t uid = owner->uid;

	if (is_whole(key))
		return put_whole(publish, owner, key->kind == AN_AUDIENCE_NET, image, ret_slot);
	if (fits(owner, key))
		return put_network(publish, owner, key, image, asked_prefix ? image : NULL,
		                   ret_slot);
	withhold(publish, owner, key);
	if (book_owner_by_uid(&publish->book, uid) != owner)
		return -ENOSPC;
	if (!asked_prefix) { /* a choice is not folded, and what was before it leaves */
		if (key->kind == AN_AUDIENCE_NET)
			fold_renew(publish, owner, key, NULL);
		return -ENOSPC;
	}
	return fold_put(publish, owner, key, asked_prefix, asked_len, image, ret_slot);
}

int answers_settle(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   int error, bool catch_all, const uint32_t *slot)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);

	if (error) {
		if (owner)
			refuse(publish, owner, key);
		return error;
	}
	owner->touched = desk_now(publish);
	if (catch_all || owner->catch_all == AN_SLOT_NONE)
		set_catch_all(publish, owner, *slot);
	return 0;
}

int publish_answer(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   const uint8_t asked_prefix[8], uint8_t asked_len,
                   const struct an_answer_slot *image, uint64_t fresh_until_ms,
                   uint64_t stale_until_ms, bool catch_all, uint32_t *ret_slot)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);
	struct an_audience_key whole;
	struct answers_image copy;
	int error = -E2BIG;

	if (!owner)
		return -ENOENT;
	if (!answers_complete_key(owner, key, &whole))
		return -EINVAL;
	if (desk_image_sane(image)) {
		answers_image_make(publish, owner, &whole, image, fresh_until_ms, stale_until_ms,
		                   &copy);
		error = answers_put(publish, owner, &whole, asked_prefix, asked_len, &copy,
		                    ret_slot);
	}
	return answers_settle(publish, uid, &whole, error, catch_all, ret_slot);
}

static void remove_whole(struct publish *publish, struct book_owner *owner, bool everyone,
                         bool superseded)
{
	uint32_t old = everyone ? owner->everyone : owner->nobody;

	if (everyone && old == AN_SLOT_ASK)
		return;
	if (everyone)
		set_everyone(publish, owner, AN_SLOT_NONE);
	else
		/* Else the answer for everyone would stand in. */
		set_nobody(publish, owner, superseded ? AN_SLOT_NONE : AN_SLOT_ASK);
	replace_catch_all(publish, owner, old);
	desk_drop_answer(publish, old);
}

static void forget_audience(struct publish *publish, struct book_owner *owner,
                            struct book_audience *audience)
{
	struct kernel_maps *maps = publish->maps;
	struct an_audience_key key = audience->key;
	uint32_t old = audience->slot;

	beside_set(publish, owner, &key, AN_SLOT_NONE);
	if (desk_is_network(&key) && lens_drop(owner->lens, key.family, entry_of(&key)))
		desk_write_owner(publish, owner);
	if (!book_is_inline(&publish->book, audience))
		maps->ops->remove(maps->audiences_fd, &key);
	book_audience_drop(&publish->book, audience);
	replace_catch_all(publish, owner, old);
	desk_drop_answer(publish, old);
}

static void remove_answer(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                          bool superseded)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);
	struct book_audience *audience;
	struct an_audience_key whole;
	bool leaves; /* and no key stays as ASK: nothing would stand in, or what does is right */

	if (!owner || !answers_complete_key(owner, key, &whole))
		return;
	if (is_whole(&whole)) {
		remove_whole(publish, owner, whole.kind == AN_AUDIENCE_NET, superseded);
		return;
	}
	audience = book_audience_find(&publish->book, &whole);
	leaves = superseded ? audience && !audience->fold_len
	                    : owner->count == 1 && owner->everyone == AN_SLOT_NONE;
	if (audience && leaves && !audience->sticky)
		forget_audience(publish, owner, audience);
	else if (audience && !answers_make_ask(publish, owner, audience, false))
		return;
	if (whole.kind == AN_AUDIENCE_NET && desk_is_network(&whole))
		fold_renew(publish, owner, &whole, NULL);
}

void publish_answer_remove(struct publish *publish, uint64_t uid, const struct an_audience_key *key)
{
	remove_answer(publish, uid, key, false);
}

void publish_answer_supersede(struct publish *publish, uint64_t uid,
                              const struct an_audience_key *key)
{
	remove_answer(publish, uid, key, true);
}
