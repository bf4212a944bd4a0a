/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * find.h - the look-ups: served address, owner, audience, answer.
 *
 * Every value that a hash gives is only a slot number; what the slot holds is
 * compared in full by slot.h.
 */
#ifndef ANAMED_BPF_FIND_H
#define ANAMED_BPF_FIND_H

#include "audience.h"
#include "choice.h"
#include "geo.h"
#include "maps.h"
#include "slot.h"

struct PERCPU_OF(struct scratch, 1) scratch SEC(".maps");

/* This CPU's; NULL never, as far as we know. */
AN_INLINE struct scratch *scratch_own(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&scratch, &first);
}

/* A slot number's size class and index; a segment that this program does not know is neither. */
AN_INLINE int slot_is_known(__u32 number)
{
	return !(number & AN_SLOT_SEGMENT);
}

AN_INLINE void *small_slot(__u32 number)
{
	__u32 index = number & AN_SLOT_INDEX;

	return bpf_map_lookup_elem(&slots, &index);
}

AN_INLINE void *large_slot(__u32 number)
{
	__u32 index = number & AN_SLOT_INDEX;

	return bpf_map_lookup_elem(&slots_large, &index);
}

/* ---- the address asked ---- */

AN_INLINE int served_is(const struct an_served *entry, const struct datagram *datagram,
                        __u32 ifindex)
{
	return an_load8(entry->address) == datagram->destination[0] &&
	       an_load8(entry->address + 8) == datagram->destination[1] &&
	       entry->ifindex == ifindex && entry->port == datagram->port &&
	       entry->family == (datagram->ipv6 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4);
}

AN_INLINE enum verdict served_find(const struct cursor *frame, const struct datagram *datagram,
                                   __u32 ifindex)
{
	__u64 address[2] = {le64(datagram->destination[0]), le64(datagram->destination[1])};
	__u32 first = an_served_index((const __u8 *)address, ifindex, datagram->port);

	for (__u32 i = 0; i < AN_SERVED_PROBES; i++) {
		__u32 index = (first + i) & (AN_SERVED_SIZE - 1);
		const struct an_served *entry = bpf_map_lookup_elem(&served, &index);

		if (!entry)
			return V_pass_internal;
		if (served_is(entry, datagram, ifindex))
			return link_is_for(frame, entry->mac) && source_is_station(datagram)
			               ? V_GO_ON
			               : V_pass_not_unicast;
	}
	return V_pass_not_served;
}

/* ---- who asks ---- */

/* -> scratch->client */
AN_INLINE enum verdict client_find(const struct an_control *ctl, struct scratch *scratch)
{
	const struct edns *edns = &scratch->edns;
	struct client *client = &scratch->client;
	const __u64 *word;
	__u16 top;
	__u32 index;

	if (edns->ecs.present)
		client_from_ecs(&edns->ecs, client);
	else
		client_from_source(&scratch->datagram, ctl, client);
	forget();
	if (!client->source)
		return V_GO_ON;
	top = (__u16)(client->bits >> 48);
	index = an_special_word((__u8)client->family, top);
	word = bpf_map_lookup_elem(&special, &index);
	if (!word)
		return V_pass_internal;
	return client_judge(client, edns->ecs.present != 0, an_special_bits(*word, top));
}

/* ---- owner ---- */

AN_INLINE enum verdict zone_check(const struct an_slot_head *head, __u64 now)
{
	__u32 index = head->zone;
	const struct an_zone *zone = bpf_map_lookup_elem(&zones, &index);

	return zone ? zone_judge(zone, head->generation, now) : V_pass_internal;
}

AN_INLINE enum verdict owner_fetch_once(__u32 number, struct scratch *scratch)
{
	const struct an_owner_slot *slot;

	if (number & AN_SLOT_LARGE) {
		slot = large_slot(number);
		return slot ? owner_read(slot, AN_SLOT_LARGE_SIZE, scratch) : V_pass_internal;
	}
	slot = small_slot(number);
	return slot ? owner_read(slot, AN_SLOT_SMALL_SIZE, scratch) : V_pass_internal;
}

AN_INLINE enum verdict owner_fetch(__u32 number, struct scratch *scratch)
{
	enum verdict verdict = V_pass_torn;

	if (!slot_is_known(number))
		return V_pass_kind;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SLOT_TRIES && verdict == V_pass_torn; i++) {
		verdict = owner_fetch_once(number, scratch);
		forget();
	}
	return verdict;
}

/* The owner's slot number, or AN_SLOT_NONE, or AN_SLOT_ASK. */
AN_INLINE __u32 owner_in_hash(const struct an_owner_key *key)
{
	const __u32 *number = bpf_map_lookup_elem(&owners, key);

	return number ? *number : AN_SLOT_NONE;
}

/*
 * The slot number beside the fingerprint (of two that are alike, either or
 * neither: the slot is compared). Without a branch, which could not be foretold.
 */
AN_INLINE __u32 front_match(const struct an_front_line *line, __u64 print)
{
	__u64 found = 0;

#pragma GCC unroll 8
	for (__u32 i = 0; i < AN_FRONT_ENTRIES; i++) {
		__u64 entry = *(const volatile __u64 *)&line->entries[i];
		__u64 other = entry >> 32 ^ print; /* 0 if it is he; else below 1 << 32 */

		found |= entry & (__u64)((__s64)(other - 1) >> 63);
	}
	return (__u32)found;
}

/* By the front index; by the hash where the line was full once. */
AN_INLINE __u32 owner_number(const struct an_control *ctl, const struct an_owner_key *key)
{
	__u64 hash = an_front_hash(key), print = an_front_print(hash);
	__u32 index = (__u32)(hash & *(const volatile __u64 *)&ctl->front_mask);
	const struct an_front_line *line = bpf_map_lookup_elem(&front, &index);
	__u32 number;

	if (!line)
		return owner_in_hash(key);
	number = front_match(line, print);
	if (number == AN_SLOT_NONE &&
	    *(const volatile __u64 *)&line->entries[AN_FRONT_ENTRIES - 1] == AN_FRONT_MORE)
		return owner_in_hash(key);
	return number;
}

AN_INLINE struct an_owner_key owner_key(const struct question *question)
{
	return (struct an_owner_key){
	        .hash = question->name.hash, .type = question->type, .class = question->class};
}

/* The lines of a small slot are wanted soon. */
AN_INLINE void slot_touch(__u32 number)
{
	const __u64 *slot;

	if (number & (AN_SLOT_LARGE | AN_SLOT_SEGMENT))
		return;
	slot = small_slot(number);
	if (!slot)
		return;
#pragma GCC unroll 4
	for (__u32 line = 0; line < AN_SLOT_SMALL_SIZE / 64; line++)
		touch(*(const volatile __u64 *)&slot[line * 8]);
}

/*
 * As soon as the question is known, before the rest of the query is read: the
 * number of the owner's slot, and a first touch of its lines. What is far away
 * is on its way while options and client are looked at. -> found.owner
 */
AN_INLINE void owner_ahead(const struct an_control *ctl, struct scratch *scratch)
{
	struct an_owner_key key = owner_key(&scratch->question);

	/* Before it is known whether he lives there: most do. */
	slot_touch(an_home_slot(an_front_hash(&key), ctl->homes, ctl->home_mask));
	scratch->found.owner = owner_number(ctl, &key);
	slot_touch(scratch->found.owner);
}

/* -> scratch->owner; the inline answer, if there is one -> scratch->answer, data */
AN_INLINE enum verdict owner_find(struct scratch *scratch)
{
	struct an_owner_key key = owner_key(&scratch->question);
	enum verdict verdict;

	if (scratch->found.owner == AN_SLOT_NONE)
		return V_pass_owner_miss;
	if (scratch->found.owner == AN_SLOT_ASK)
		return V_pass_ask;
	scratch->found.loaded = scratch->found.owner;
	forget();
	verdict = owner_fetch(scratch->found.owner, scratch);
	if (verdict)
		return verdict;
	forget();
	verdict = owner_judge(&scratch->owner, &key);
	if (verdict)
		return verdict;
	return zone_check(&scratch->owner.head, scratch->moment.now);
}

/* ---- where the client is ---- */

/* -> scratch->place */
AN_INLINE enum verdict place_find(const struct an_control *ctl, struct scratch *scratch)
{
	scratch->place.region = scratch->place.len = 0;
	if (!scratch->owner.regions)
		return V_GO_ON;
	return place_of_client(ctl, &scratch->datagram, &scratch->client, scratch->owner.regions,
	                       &scratch->place);
}

/* ---- audience ---- */

AN_INLINE enum glance slot_glance(__u32 number, struct scratch *scratch)
{
	const struct an_slot_head *head;
	const struct an_answer *answer;

	if (number & AN_SLOT_LARGE)
		head = large_slot(number);
	else
		head = small_slot(number);
	/* What cannot be seen here is judged where the slot is read. */
	if (!head)
		return GLANCE_SERVE;
	answer = number == scratch->found.owner ? &((const struct an_owner_slot *)head)->answer
	                                        : &((const struct an_answer_slot *)head)->answer;
	return answer_glance(head, answer, scratch->owner.uid, scratch->moment.now, scratch);
}

/*
 * Whether the search ends with this number. *ret_verdict: V_GO_ON when it is
 * to be read; when the search goes on, what to say if nothing else is found.
 */
AN_INLINE int found_take(struct scratch *scratch, __u32 number, enum verdict *verdict)
{
	enum glance glance;

	if (number == AN_SLOT_NONE)
		return 0;
	if (number == AN_SLOT_ASK) {
		*verdict = V_pass_ask;
		return 1;
	}
	scratch->found.number = number;
	if (scratch->moment.stale_mode && slot_is_known(number)) {
		glance = slot_glance(number, scratch);
		if (glance == GLANCE_TOO_STALE) {
			*verdict = V_pass_too_stale;
			return 0;
		}
		if (glance == GLANCE_TORN) {
			*verdict = V_pass_torn;
			return 1;
		}
	}
	*verdict = V_GO_ON;
	return 1;
}

/* The answer in the owner's slot is for this key. */
AN_INLINE int inline_is_for(const struct owner *owner, const struct an_audience_key *key)
{
	return owner->inline_at && !key_differs(&owner->inline_key, key);
}

/* The networks that hold the client, longest first. */
AN_INLINE int found_by_network(struct scratch *scratch, enum verdict *verdict)
{
	const struct client *client = &scratch->client;
	struct found *found = &scratch->found;
	__u32 family = client->family == AN_FAMILY_IPV6;
	__u64 lens = an_load8(scratch->owner.lens[family]);
	__u32 count = scratch->owner.lens_count[family];

	for (__u32 i = 0; i < AN_LENS_MAX; i++, lens >>= 8) {
		const __u32 *number;

		if (i >= count)
			break;
		if (!key_for_len(&found->key, lens & 0xff, client))
			continue;
		if (inline_is_for(&scratch->owner, &found->key)) {
			if (found_take(scratch, found->owner, verdict))
				return 1;
			continue;
		}
		number = bpf_map_lookup_elem(&audiences, &found->key);
		if (!number)
			found->missed = 1;
		else if (found_take(scratch, *number, verdict))
			return 1;
	}
	return 0;
}

/* The answer in a field of the owner's slot, or, in a region, the one under found.key. */
AN_INLINE __u32 number_for_all(struct scratch *scratch, __u32 field)
{
	const __u32 *number;

	if (!scratch->place.region)
		return field;
	if (inline_is_for(&scratch->owner, &scratch->found.key))
		return scratch->found.owner;
	number = bpf_map_lookup_elem(&audiences, &scratch->found.key);
	scratch->found.missed |= !number;
	return number ? *number : AN_SLOT_NONE;
}

/*
 * SEMANTICS of the order: the client's networks (or, for nobody, nobody's
 * answer), the answer for everyone, and, when there is nobody to ask, the
 * newest of any network.
 */
AN_INLINE enum verdict audience_search(struct scratch *scratch)
{
	const struct owner *owner = &scratch->owner;
	struct found *found = &scratch->found;
	enum verdict verdict = V_pass_audience_miss;
	__u16 type = scratch->question.type;

	found->any_network = found->missed = 0;
	found->key = key_for_everyone(owner->uid, scratch->place.region, type);
	if (scratch->client.source) {
		if (found_by_network(scratch, &verdict))
			return verdict;
	} else {
		found->key.kind = AN_AUDIENCE_EXACT;
		if (found_take(scratch, number_for_all(scratch, owner->nobody), &verdict))
			return verdict;
	}
	found->key = key_for_everyone(owner->uid, scratch->place.region, type);
	if (found_take(scratch, number_for_all(scratch, owner->everyone), &verdict))
		return verdict;
	found->any_network = 1;
	if (scratch->moment.stale_mode)
		found_take(scratch, owner->catch_all, &verdict);
	return verdict;
}

/* The owner's slot has been written since it was copied. */
AN_INLINE int owner_changed(struct scratch *scratch)
{
	__u32 number = scratch->found.owner;
	const struct an_slot_head *head =
	        number & AN_SLOT_LARGE ? large_slot(number) : small_slot(number);

	slot_fence(scratch);
	return !head || slot_seq(head) != scratch->owner.head.seq;
}

/*
 * A network that was not found may have been taken away a moment ago, together with its owner
 * or because it moved into the owner's slot: then no wider one stands in for it. The slot is
 * written before a key goes.
 */
AN_INLINE enum verdict audience_settle(struct scratch *scratch)
{
	enum verdict verdict = audience_search(scratch);

	if (verdict == V_GO_ON && scratch->found.missed && owner_changed(scratch))
		return V_pass_torn;
	return verdict;
}

/* What only the daemon has is asked of the daemon; when it is gone, the newest of any network is
 * better than nothing. */
AN_INLINE enum verdict audience_find(struct scratch *scratch)
{
	enum verdict verdict = audience_settle(scratch);

	if (verdict == V_pass_ask && scratch->moment.alone) {
		scratch->found.any_network = 1;
		found_take(scratch, scratch->owner.catch_all, &verdict);
	}
	return verdict;
}

/* ---- answer ---- */

AN_INLINE enum verdict answer_fetch_once(__u32 number, struct scratch *scratch)
{
	const struct an_answer_slot *slot;

	if (number & AN_SLOT_LARGE) {
		slot = large_slot(number);
		return slot ? answer_read(slot, AN_SLOT_LARGE_SIZE, scratch) : V_pass_internal;
	}
	slot = small_slot(number);
	return slot ? answer_read(slot, AN_SLOT_SMALL_SIZE, scratch) : V_pass_internal;
}

AN_INLINE enum verdict answer_fetch(__u32 number, struct scratch *scratch)
{
	enum verdict verdict = V_pass_torn;

	if (!slot_is_known(number))
		return V_pass_kind;
	scratch->found.loaded = number;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SLOT_TRIES && verdict == V_pass_torn; i++) {
		verdict = answer_fetch_once(number, scratch);
		forget();
	}
	return verdict;
}

/* The inline answer, which another slot's has been read over. */
AN_INLINE enum verdict inline_fetch(__u32 number, struct scratch *scratch)
{
	const struct an_owner_slot *slot;

	scratch->found.loaded = number;
	if (number & AN_SLOT_LARGE) {
		slot = large_slot(number);
		return slot ? inline_read(slot, AN_SLOT_LARGE_SIZE, scratch) : V_pass_internal;
	}
	slot = small_slot(number);
	return slot ? inline_read(slot, AN_SLOT_SMALL_SIZE, scratch) : V_pass_internal;
}

/* A pool's cell -> scratch->pick.live */
AN_INLINE enum verdict cell_read(__u32 index, struct scratch *scratch)
{
	const __u64 *cell = bpf_map_lookup_elem(&cells, &index);

	if (!cell)
		return V_pass_internal;
	scratch->pick.live = *(const volatile __u64 *)cell & AN_CELL_MEMBERS;
	return V_GO_ON;
}

__attribute__((noinline)) int members_leave(void)
{
	struct scratch *own = scratch_own();

	return own ? (int)members_filter(own) : (int)V_pass_internal;
}

/* Records of members that are dead are left out. */
AN_INLINE enum verdict members_check(struct scratch *scratch)
{
	enum verdict verdict;

	if (!(scratch->answer.traits & AN_TRAIT_MEMBERS))
		return V_GO_ON;
	verdict = cell_read(scratch->answer.cell, scratch);
	if (verdict || scratch->pick.live == AN_CELL_MEMBERS)
		return verdict;
	forget();
	return (enum verdict)members_leave();
}

AN_INLINE enum verdict choice_fetch_once(__u32 number, struct scratch *scratch)
{
	const struct an_choice_slot *slot;

	if (number & AN_SLOT_LARGE) {
		slot = large_slot(number);
		return slot ? choice_read(slot, AN_SLOT_LARGE_SIZE, scratch) : V_pass_internal;
	}
	slot = small_slot(number);
	return slot ? choice_read(slot, AN_SLOT_SMALL_SIZE, scratch) : V_pass_internal;
}

AN_INLINE enum verdict choice_fetch(__u32 number, struct scratch *scratch)
{
	enum verdict verdict = V_pass_torn;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SLOT_TRIES && verdict == V_pass_torn; i++) {
		verdict = choice_fetch_once(number, scratch);
		forget();
	}
	return verdict;
}

/* The slot that scratch->label is of is the one that was looked for. */
AN_INLINE enum verdict label_check(const struct scratch *scratch)
{
	const struct found *found = &scratch->found;
	const struct answer_label *label = &scratch->label;

	if (!key_matches(&label->key, &found->key, found->any_network != 0))
		return V_pass_answer_other;
	if (label->head.zone != scratch->owner.head.zone ||
	    label->head.generation != scratch->owner.head.generation)
		return V_pass_generation;
	return V_GO_ON;
}

/* What was found is a choice: among its members -> found, again. */
AN_INLINE enum verdict choice_find_in(struct scratch *scratch)
{
	enum verdict verdict = choice_fetch(scratch->found.number, scratch);

	if (verdict)
		return verdict;
	forget();
	verdict = label_check(scratch);
	if (verdict)
		return verdict;
	verdict = cell_read(scratch->pick.cell, scratch);
	if (verdict)
		return verdict;
	forget();
	return choice_make(scratch);
}

/*
 * Functions of their own, not static: the verifier walks them once, and not on
 * every way that leads to them, of which there are hundreds. They know nothing
 * but this CPU's scratch.
 */
__attribute__((noinline)) int choice_find(void)
{
	struct scratch *own = scratch_own();

	return own ? (int)choice_find_in(own) : (int)V_pass_internal;
}

AN_INLINE int label_is_choice(const struct scratch *scratch)
{
	__u8 kind = scratch->label.head.kind;

	return kind == AN_SLOT_CHOICE || kind == AN_SLOT_HASHED;
}

/* An answer in a slot of its own: read, and compared. One step more where that slot is a choice. */
AN_INLINE enum verdict answer_in_slot(struct scratch *scratch)
{
	enum verdict verdict = answer_fetch(scratch->found.number, scratch);

	if (verdict == V_pass_kind && label_is_choice(scratch)) {
		forget();
		verdict = (enum verdict)choice_find();
		if (verdict)
			return verdict;
		forget();
		verdict = answer_fetch(scratch->found.number, scratch);
	}
	return verdict ? verdict : label_check(scratch);
}

/* The one in the owner's slot, which was read and compared with it. */
AN_INLINE enum verdict answer_inline(struct scratch *scratch)
{
	const struct found *found = &scratch->found;

	if (!scratch->owner.inline_at)
		return V_pass_kind;
	if (!found->any_network && !inline_is_for(&scratch->owner, &found->key))
		return V_pass_answer_other;
	return found->loaded == found->owner ? V_GO_ON : inline_fetch(found->owner, scratch);
}

/* -> scratch->answer, scratch->data */
AN_INLINE enum verdict answer_find(struct scratch *scratch)
{
	struct found *found = &scratch->found;
	enum verdict verdict;

	found->hashed = 0;
	scratch->choice = scratch->draw;
	verdict = found->number == found->owner ? answer_inline(scratch) : answer_in_slot(scratch);

	if (verdict)
		return verdict;
	forget();
	return members_check(scratch);
}

#endif
