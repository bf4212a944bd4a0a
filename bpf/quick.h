/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * quick.h - the answer that most queries get, in one reading of one slot.
 *
 * An owner of one network a family at most and no regions, whose answer stands
 * beside him, is fresh, and is addresses only: then everything is compared where it
 * lies, and only what the reply is made of is copied. Whatever is otherwise in
 * any way is left to find.h, which would say the same of what is taken here,
 * and knows the reasons.
 */
#ifndef ANAMED_BPF_QUICK_H
#define ANAMED_BPF_QUICK_H

#include "find.h"

/* Words of a name that are compared in one go: no branch in which names differ. */
#define QUICK_NAME_WORDS 4

/* What differs in words `i` to `i + QUICK_NAME_WORDS` of the names, of which `words` count. */
AN_INLINE __u64 quick_name_piece(const struct an_owner_slot *slot, const struct scratch *own,
                                 __u32 i, __u64 words)
{
	__u64 differs = 0;

#pragma GCC unroll 4
	for (__u32 j = i; j < i + QUICK_NAME_WORDS && j < AN_OWNER_NAME_SMALL / 8; j++)
		differs |= (an_load8(slot->name + j * 8) ^ own->name[j]) &
		           (__u64)((__s64)(j - words) >> 63);
	return differs;
}

/* 0: the slot is the owner's whom the question asks for, and one that can be answered here. */
AN_INLINE __u64 quick_owner_differs(const struct an_owner_slot *slot, const struct scratch *own)
{
	const struct question *question = &own->question;
	__u64 len = question->name.len, words = (len + 7) / 8, differs;

	differs = slot->key.hash ^ question->name.hash;
	differs |= (__u64)(slot->key.type ^ question->type);
	differs |= (__u64)(slot->key.class ^ question->class);
	differs |= (__u64)(slot->head.kind ^ AN_SLOT_OWNER);
	differs |= slot->name_len ^ len;
	differs |= slot->head.flags | slot->regions;
	differs |= slot->answer.tail_len | slot->answer.members;
	for (__u32 i = 0; i < AN_OWNER_NAME_SMALL / 8; i += QUICK_NAME_WORDS) {
		if (i >= words)
			break;
		differs |= quick_name_piece(slot, own, i, words);
	}
	return differs;
}

/* What differs between the key of the answer beside the owner and this network's (len 0:
 * everyone's). */
AN_INLINE __u64 quick_key_differs(const struct an_inline *have, __u8 kind, __u8 family, __u64 len,
                                  __u64 prefix)
{
	__u64 differs = load64(have->prefix) ^ prefix;

	differs |= (__u64)(have->kind ^ kind);
	differs |= (__u64)(have->family ^ family);
	differs |= have->len ^ len;
	return differs | have->variant | have->region;
}

/* 0: the answer beside the owner is this client's, and no other comes before it. */
AN_INLINE __u64 quick_audience_differs(const struct an_owner_slot *slot,
                                       const struct client *client, __u32 number)
{
	__u32 ipv6 = client->family == AN_FAMILY_IPV6;
	__u32 count = slot->lens_count[ipv6];
	__u64 entry = slot->lens[ipv6][0], len = entry & AN_LEN_BITS;

	if (!client->source || count > 1)
		return 1;
	if (!count)
		return quick_key_differs(&slot->inline_key, AN_AUDIENCE_NET, 0, 0, 0) |
		       (slot->everyone ^ number);
	if (len - 1 > 63 || (entry & AN_LEN_EXACT ? len != client->source : len > client->source))
		return 1;
	return quick_key_differs(
	        &slot->inline_key, entry & AN_LEN_EXACT ? AN_AUDIENCE_EXACT : AN_AUDIENCE_NET,
	        (__u8)client->family, len, be64(client->bits & ~0ULL << (64 - len)));
}

/* Copies answer and data. 0: not here. */
AN_INLINE int quick_copy(const struct an_owner_slot *slot, struct scratch *own)
{
	__u32 number = own->found.owner;

	slot_begin(&slot->head, own);
	own->difference =
	        quick_owner_differs(slot, own) | quick_audience_differs(slot, &own->client, number);
	own->owner.head.zone = slot->head.zone;
	own->owner.head.generation = slot->head.generation;
	own->owner.inline_at = slot->inline_at;
	forget();
	inline_copy(slot, AN_SLOT_SMALL_SIZE, own);
	if (!slot_is_whole(&slot->head, own))
		return 0;
	return !own->difference;
}

/* V_GO_ON: scratch->answer, data and serving are what find_answer() would have made them. */
AN_INLINE enum verdict quick_find(struct scratch *own)
{
	__u32 number = own->found.owner;
	const struct an_owner_slot *slot;
	enum verdict verdict;

	if (number & (AN_SLOT_LARGE | AN_SLOT_SEGMENT) || own->moment.stale_mode)
		return V_pass_kind;
	slot = small_slot(number);
	if (!slot || !quick_copy(slot, own) || !own->owner.inline_at)
		return V_pass_kind;
	forget();
	verdict = inline_judge(&own->owner, &own->answer, AN_SLOT_SMALL_SIZE);
	if (verdict)
		return verdict;
	verdict = zone_check(&own->owner.head, own->moment.now);
	if (verdict)
		return verdict;
	if (own->moment.now >= own->answer.fresh_until)
		return V_pass_expired;
	own->found.number = number;
	own->found.any_network = own->found.hashed = 0;
	own->place.len = 0;
	own->choice = own->draw;
	return answer_judge_time(&own->answer, &own->moment, 0, &own->serving);
}

#endif
