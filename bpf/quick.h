/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * quick.h - the answers that most queries get, each slot in one reading.
 *
 * An owner of one network a family at most and no regions, whose answer stands
 * beside him; or one with regions and no networks, beside whom the number of his
 * answer for the client's region stands. The answer is fresh, and addresses only:
 * then everything is compared where it lies, and only what the reply is made of
 * is copied. Whatever is otherwise in any way is left to find.h, which would
 * say the same of what is taken here, and knows the reasons. Pure.
 */
#ifndef ANAMED_BPF_QUICK_H
#define ANAMED_BPF_QUICK_H

#include "render.h"
#include "slot.h"

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
	differs |= slot->head.flags;
	for (__u32 i = 0; i < AN_OWNER_NAME_SMALL / 8; i += QUICK_NAME_WORDS) {
		if (i >= words)
			break;
		differs |= quick_name_piece(slot, own, i, words);
	}
	return differs;
}

/* 0: the answer beside the owner is this client's, and no other comes before it. */
AN_INLINE __u64 quick_audience_differs(const struct an_owner_slot *slot, const struct scratch *own)
{
	const struct client *client = &own->client;
	__u32 ipv6 = client->family == AN_FAMILY_IPV6;
	__u32 count = slot->lens_count[ipv6];
	struct an_audience_key key = key_for_everyone(0, 0, 0);

	if (!client->source || count > 1)
		return 1;
	if (!count)
		return key_differs(&slot->inline_key, &key) | (slot->everyone ^ own->found.owner);
	if (!key_for_len(&key, slot->lens[ipv6][0], client))
		return 1;
	return key_differs(&slot->inline_key, &key);
}

/* A record's place in the slot, its bound made plain: no more than a record before the end. */
AN_INLINE __u64 quick_place(__u64 at, __u32 stride)
{
	__u64 last = AN_SLOT_SMALL_SIZE - stride;

	settle(at);
	if (at > last)
		at = last;
	return at;
}

/*
 * The records from offset `at` of the slot into the body, the one with number `start` first; see
 * render_records(). `stride` and `most`, of records, are constants.
 */
AN_INLINE void quick_records(const void *slot, struct scratch *own, __u32 stride, __u32 most,
                             __u64 at, __u64 count, __u64 start, __u64 ttl)
{
	for (__u32 i = 0; i < most; i++, at += stride) {
		if (i >= count)
			break;
		record_copy(body_at(own, record_place(i, start, count) * stride),
		            (const __u8 *)slot + quick_place(at, stride), stride, ttl);
	}
}

/* The answer's fields -> own->reply. What is not as it should be is not 0 in what it gives. */
AN_INLINE __u64 quick_reply(const struct an_answer *answer, const struct edns *edns,
                            struct reply *reply)
{
	reply_from(answer, 1, reply);
	reply->scope = edns->ecs.source ? answer->wire_scope : 0;
	return (__u64)(answer->count ^ answer->counts[0]) | answer->counts[1] | answer->counts[2] |
	       (answer->traits & ~(AN_TRAIT_COUNTING | AN_TRAIT_MEMBERS)) | answer->tail_len |
	       answer->signed_len | answer->tail_ttl_count;
}

/*
 * An answer in a small slot, its records from offset `at` on, which is no less
 * than `least`, a constant. `differs`: what has been found to be otherwise, for
 * own->difference. 0: it is not for the quick way. own->pick.cell: the cell that
 * says whether all of its members live.
 */
AN_INLINE int quick_take(const void *slot, const struct an_answer *answer, __u32 least, __u64 at,
                         __u64 differs, struct scratch *own)
{
	const struct moment *moment = &own->moment;
	__u64 count = answer->count, start, ttl = answer->ttl, fresh_until = answer->fresh_until;
	__u32 stride = answer->stride, room = AN_SLOT_SMALL_SIZE - least;
	__u64 len = count * stride;

	differs |= quick_reply(answer, &own->edns, &own->reply);
	own->pick.cell = AN_CELL_FIXED;
	if (answer->traits & AN_TRAIT_MEMBERS) {
		own->pick.cell = answer->cell;
		len += count; /* their bits, which say nothing while all live */
	}
	if (moment->now >= fresh_until || at < least || at + len > AN_SLOT_SMALL_SIZE)
		return 0;
	if (answer->traits & AN_TRAIT_COUNTING)
		ttl = ticks_to_seconds(fresh_until, moment->now, moment->hz);
	ttl = __builtin_bswap32((__u32)ttl);
	start = an_choice_below(own->draw, (__u32)count);
	own->difference = differs;
	forget();
	if (stride == SLOT_STRIDE_A)
		quick_records(slot, own, SLOT_STRIDE_A, room / SLOT_STRIDE_A, at, count, start,
		              ttl);
	else if (stride == SLOT_STRIDE_AAAA)
		quick_records(slot, own, SLOT_STRIDE_AAAA, room / SLOT_STRIDE_AAAA, at, count,
		              start, ttl);
	else
		return 0;
	return 1;
}

/* All that the reply is made of, in one reading. 0: it is not for the quick way. */
AN_INLINE int quick_read(const struct an_owner_slot *slot, struct scratch *own)
{
	__u64 differs;

	slot_begin(&slot->head, own);
	differs =
	        quick_owner_differs(slot, own) | quick_audience_differs(slot, own) | slot->regions;
	own->owner.head.zone = slot->head.zone;
	own->owner.head.generation = slot->head.generation;
	if (!quick_take(slot, &slot->answer, AN_OWNER_NAME_AT, slot->inline_at * 8u, differs, own))
		return 0;
	return slot_is_whole(&slot->head, own) && !own->difference;
}

/* ---- by region ---- */

/* An owner with regions, and nothing that would come before his answers for them: a reading
 * begins, which quick_number() ends. -> own->owner.regions, for own->place, and what else counts */
AN_INLINE int quick_regional(const struct an_owner_slot *slot, struct scratch *own)
{
	__u64 differs;

	slot_begin(&slot->head, own);
	own->owner.head.zone = slot->head.zone;
	own->owner.head.generation = slot->head.generation;
	own->owner.uid = slot->uid;
	own->owner.regions = slot->regions;
	differs = quick_owner_differs(slot, own) | slot->inline_at |
	          slot->lens_count[own->client.family == AN_FAMILY_IPV6];
	return !differs && own->client.source;
}

/* The slot of the answer for everyone in own->place; or none. */
AN_INLINE __u32 quick_number(const struct an_owner_slot *slot, struct scratch *own)
{
	__u32 place = own->place.region - 1, number;

	if (place >= AN_REGIONS_BESIDE)
		return AN_SLOT_NONE;
	number = *(const volatile __u32 *)&slot->beside[place & (AN_REGIONS_BESIDE - 1)];
	return slot_is_whole(&slot->head, own) ? number : AN_SLOT_NONE;
}

/* 0: the slot is for everyone in the region, of this owner, zone and generation. */
AN_INLINE __u64 quick_region_differs(const struct an_answer_slot *slot, const struct scratch *own)
{
	const struct an_audience_key *key = &slot->key;
	__u64 differs = key->uid ^ own->owner.uid;

	differs |= key->region ^ own->place.region;
	differs |= (__u64)(key->type ^ own->question.type);
	differs |= (__u64)(key->kind ^ AN_AUDIENCE_NET);
	differs |= key->variant | key->family | key->len | key->member | load64(key->prefix);
	differs |= slot->head.zone ^ own->owner.head.zone;
	differs |= slot->head.generation ^ own->owner.head.generation;
	return differs | (__u64)(slot->head.kind ^ AN_SLOT_ANSWER);
}

/* The answer for everyone in own->place, as quick_read() does it. */
AN_INLINE int quick_region_read(const struct an_answer_slot *slot, struct scratch *own)
{
	slot_begin(&slot->head, own);
	if (!quick_take(slot, &slot->answer, AN_ANSWER_DATA_AT, AN_ANSWER_DATA_AT,
	                quick_region_differs(slot, own), own))
		return 0;
	if (!slot_is_whole(&slot->head, own) || own->difference)
		return 0;
	if (own->edns.ecs.source && own->place.len > own->reply.scope)
		own->reply.scope = own->place.len;
	return 1;
}

#endif
