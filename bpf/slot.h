/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * slot.h - reading slots that the daemon may be writing. Pure.
 *
 * The pointer that a look-up gave can turn into another entry's slot at any
 * moment. So: sequence number, copy, sequence number again; then the copy is
 * whole, and its key says whose it is. No length in it is trusted.
 */
#ifndef ANAMED_BPF_SLOT_H
#define ANAMED_BPF_SLOT_H

#include "anamed/treaty.h"
#include "audience.h"
#include "scratch.h"
#include "verdict.h"

#define SLOT_WORDS_OF(size, at) (((size) - (at)) / 8)

/* Offsets of whole words in a slot: masks, since a size is a power of 2. */
#define SLOT_SMALL_MASK (AN_SLOT_SMALL_SIZE - 8)
#define SLOT_LARGE_MASK (AN_SLOT_LARGE_SIZE - 8)

/* How often a copy is begun again that a writer got into. */
#define SLOT_TRIES 2

#define SLOT_STRIDE_A    16
#define SLOT_STRIDE_AAAA 28

/* Loads before stay before. x86 does not reorder loads; elsewhere an atomic is a full barrier if
 * its value is used. */
AN_INLINE void slot_fence(struct scratch *scratch)
{
#if defined(__bpf__) && !defined(__TARGET_ARCH_x86)
	__u64 value = __sync_fetch_and_or(&scratch->fence, 1);

	asm volatile("" ::"r"(value) : "memory");
#elif defined(__bpf__) || defined(__x86_64__)
	asm volatile("" ::"r"(scratch) : "memory");
#else
	(void)scratch;
	__sync_synchronize();
#endif
}

AN_INLINE __u32 slot_seq(const struct an_slot_head *head)
{
	return *(const volatile __u32 *)&head->seq;
}

/*
 * A copy begins: the slot's number, odd if a writer is at work, is kept in
 * scratch, where the verifier does not follow it.
 */
AN_INLINE void slot_begin(const struct an_slot_head *head, struct scratch *scratch)
{
	scratch->seq = slot_seq(head);
	forget();
	slot_fence(scratch);
}

/* The copy that was begun last is whole. */
AN_INLINE int slot_is_whole(const struct an_slot_head *head, struct scratch *scratch)
{
	forget();
	slot_fence(scratch);
	return !(scratch->seq & 1) && slot_seq(head) == scratch->seq;
}

/* The word at offset `at`, a multiple of 8, of a slot of `size` octets. */
AN_INLINE __u64 slot_word(const void *slot, __u32 size, __u64 at)
{
	return load64((const __u8 *)slot + (size == AN_SLOT_LARGE_SIZE
	                                            ? keep(at, SLOT_LARGE_MASK)
	                                            : keep(at, SLOT_SMALL_MASK)));
}

/* ---- answers ---- */

AN_INLINE __u64 answer_records_len(const struct an_answer *answer)
{
	return (__u64)answer->count * answer->stride;
}

/* Octets of records and tail. */
AN_INLINE __u64 answer_data_len(const struct an_answer *answer)
{
	return answer_records_len(answer) + answer->tail_len;
}

/* The same with the members' bits behind, where there are any. */
AN_INLINE __u64 answer_whole_len(const struct an_answer *answer)
{
	return answer_data_len(answer) + (answer->traits & AN_TRAIT_MEMBERS ? answer->count : 0);
}

/*
 * Copies a record, its TTL put in, which in data is 0. `stride` is a constant; `ttl` as an_load8()
 * would read it.
 */
AN_INLINE void record_copy(__u8 *to, const __u8 *from, __u32 stride, __u64 ttl)
{
	store64(to, load64(from) | le64(ttl << 48));
	store64(to + 8, load64(from + 8) | le64(ttl >> 16));
	if (stride == SLOT_STRIDE_AAAA) {
		store64(to + 16, load64(from + 16));
		store32(to + 24, load32(from + 24));
	}
}

/* Where record `i` of `count` comes when the `start`th is first. No branch: each would double the
 * paths. */
AN_INLINE __u64 record_place(__u64 i, __u64 start, __u64 count)
{
	__s64 place = (__s64)(i - start);

	settle(place);
	return (__u64)place + (count & (__u64)(place >> 63));
}

/*
 * The answer's data, which begin at offset `at` of the slot -> scratch->data.
 * Four words a turn: what is copied behind their end means nothing.
 */
AN_INLINE void data_read(const void *slot, __u32 size, __u32 words_max, __u64 at,
                         struct scratch *scratch)
{
	__u64 len = answer_whole_len(&scratch->answer);

	for (__u32 i = 0; i < words_max; i += 4) {
		if (i * 8 >= len)
			break;
#pragma GCC unroll 4
		for (__u32 j = i; j < i + 4; j++)
			scratch->data[j] = slot_word(slot, size, at + j * 8);
	}
}

/*
 * Whether a program of this age knows how to serve the answer, and its lengths
 * fit the `room` octets of data that its slot has.
 */
AN_INLINE enum verdict answer_judge_shape(const struct an_answer *answer, __u64 room)
{
	if (answer->traits & ~AN_TRAITS || answer->signed_len > answer->tail_len)
		return V_pass_kind;
	if (answer->count && answer->stride != SLOT_STRIDE_A && answer->stride != SLOT_STRIDE_AAAA)
		return V_pass_kind;
	if (answer_whole_len(answer) > room || answer->tail_ttl_count > AN_TAIL_TTLS)
		return V_pass_kind;
#pragma GCC unroll 4
	for (__u32 i = 0; i < AN_TAIL_TTLS; i++)
		if (i < answer->tail_ttl_count && answer->tail_ttl[i] + 4 > answer->tail_len)
			return V_pass_kind;
	return V_GO_ON;
}

/* An answer slot -> scratch->label, answer, data. */
AN_INLINE enum verdict answer_read(const struct an_answer_slot *slot, __u32 size,
                                   struct scratch *scratch)
{
	slot_begin(&slot->head, scratch);
	__builtin_memcpy(&scratch->label, slot, sizeof(scratch->label));
	__builtin_memcpy(&scratch->answer, &slot->answer, sizeof(scratch->answer));
	data_read(slot, size, SLOT_WORDS_OF(size, AN_ANSWER_DATA_AT), AN_ANSWER_DATA_AT, scratch);
	if (!slot_is_whole(&slot->head, scratch))
		return V_pass_torn;
	if (scratch->label.head.kind != AN_SLOT_ANSWER)
		return V_pass_kind;
	return answer_judge_shape(&scratch->answer, size - AN_ANSWER_DATA_AT);
}

/* ---- owner slots ---- */

/* The inline answer -> scratch->answer, data; scratch->owner is the slot's. */
AN_INLINE void inline_copy(const struct an_owner_slot *slot, __u32 size, struct scratch *scratch)
{
	__builtin_memcpy(&scratch->answer, &slot->answer, sizeof(scratch->answer));
	if (scratch->owner.inline_at)
		data_read(slot, size, SLOT_WORDS_OF(size, AN_OWNER_NAME_AT),
		          (__u64)scratch->owner.inline_at * 8, scratch);
}

/* The slot's size, and what stands before the data, leave so many octets for them. */
AN_INLINE enum verdict inline_judge(const struct owner *owner, const struct an_answer *answer,
                                    __u32 size)
{
	__u64 at = (__u64)owner->inline_at * 8;

	if (at < AN_OWNER_NAME_AT || at > size)
		return V_pass_kind;
	return answer_judge_shape(answer, size - at);
}

/*
 * The inline answer again, after another slot's was read: V_GO_ON only if the
 * owner's slot is still what scratch->owner is a copy of.
 */
AN_INLINE enum verdict inline_read(const struct an_owner_slot *slot, __u32 size,
                                   struct scratch *scratch)
{
	slot_begin(&slot->head, scratch);
	inline_copy(slot, size, scratch);
	if (!slot_is_whole(&slot->head, scratch) || scratch->seq != scratch->owner.head.seq)
		return V_pass_torn;
	return V_GO_ON;
}

/* What differs between the slot's name and scratch->name, in their whole words. */
AN_INLINE __u64 name_difference(const struct an_owner_slot *slot, __u32 words_max, __u32 words,
                                const struct scratch *scratch)
{
	__u64 difference = 0;

	for (__u32 i = 0; i < words_max; i++) {
		if (i >= words)
			break;
		difference |= an_load8(slot->name + i * 8) ^ scratch->name[i];
	}
	return difference;
}

/* The same of a suffix of `len` octets, which need not begin at a whole word. */
AN_INLINE __u64 suffix_difference(const struct an_owner_slot *slot, __u32 words_max, __u64 at,
                                  __u64 len, const struct scratch *scratch)
{
	const __u8 *name = (const __u8 *)scratch->name + keep(at, 0xff);
	__u64 difference = 0;

	settle(name);
	for (__u32 i = 0; i < words_max; i++, len -= 8) {
		__u64 word = an_load8(slot->name + i * 8) ^ an_load8(name + i * 8);

		difference |= len < 8 ? word & ((1ULL << len * 8) - 1) : word;
		if (len <= 8)
			break;
	}
	return difference;
}

/*
 * Copies an owner slot's fields to scratch->owner, and its inline answer, and
 * compares its name with scratch->name.
 */
AN_INLINE enum verdict owner_read(const struct an_owner_slot *slot, __u32 size,
                                  struct scratch *scratch)
{
	__u32 room = size == AN_SLOT_LARGE_SIZE ? NAME_WORDS * 8 : AN_OWNER_NAME_SMALL;
	const __u64 *len = &scratch->question.name.len;

	slot_begin(&slot->head, scratch);
	__builtin_memcpy(&scratch->owner, slot, sizeof(scratch->owner));
	scratch->difference = name_difference(slot, room / 8, (__u32)(*len + 7) / 8, scratch);
	forget();
	inline_copy(slot, size, scratch);
	if (!slot_is_whole(&slot->head, scratch))
		return V_pass_torn;
	if (scratch->owner.head.kind != AN_SLOT_OWNER)
		return V_pass_kind;
	if (scratch->difference || *len > room || scratch->owner.name_len != *len)
		return V_pass_owner_other;
	return scratch->owner.inline_at ? inline_judge(&scratch->owner, &scratch->answer, size)
	                                : V_GO_ON;
}

/*
 * A denial slot in the same way; its name is the end of scratch->name that
 * begins at walk.at. The places of the SOA's compression pointers lie in the tail.
 */
AN_INLINE enum verdict denial_read(const struct an_owner_slot *slot, __u32 size,
                                   struct scratch *scratch)
{
	__u32 room = size == AN_SLOT_LARGE_SIZE ? NAME_WORDS * 8 : AN_OWNER_NAME_SMALL;
	const struct an_answer *answer = &scratch->answer;
	__u64 at = scratch->walk.at, len = scratch->question.name.len - at;

	slot_begin(&slot->head, scratch);
	__builtin_memcpy(&scratch->owner, slot, sizeof(scratch->owner));
	scratch->difference = suffix_difference(slot, room / 8, at, len, scratch);
	forget();
	inline_copy(slot, size, scratch);
	if (!slot_is_whole(&slot->head, scratch))
		return V_pass_torn;
	if (scratch->owner.head.kind != AN_SLOT_OWNER ||
	    scratch->owner.head.flags != AN_OWNER_DENIAL || !scratch->owner.inline_at)
		return V_pass_kind;
	if (scratch->difference || len > room || scratch->owner.name_len != len)
		return V_pass_owner_other;
#pragma GCC unroll 3
	for (__u32 i = 1; i < AN_TAIL_TTLS; i++)
		if (answer->tail_ttl[i] + 2 > answer->tail_len)
			return V_pass_kind;
	return inline_judge(&scratch->owner, answer, size);
}

/* The rest of the key, and whether this program knows all that the slot asks for. */
AN_INLINE enum verdict owner_judge(const struct owner *owner, const struct an_owner_key *key)
{
	if (owner->key.hash != key->hash || owner->key.type != key->type ||
	    owner->key.class != key->class)
		return V_pass_owner_other;
	if (owner->head.flags)
		return V_pass_kind;
	return V_GO_ON;
}

AN_INLINE enum verdict zone_judge(const struct an_zone *zone, __u32 generation, __u64 now)
{
	__u32 current = *(const volatile __u32 *)&zone->generation;

	if (!current || current != generation)
		return V_pass_generation;
	return now < zone->valid_until ? V_GO_ON : V_pass_zone_expired;
}

/* ---- freshness ---- */

enum glance {
	GLANCE_SERVE,
	GLANCE_TOO_STALE,
	GLANCE_TORN,
	GLANCE_OTHER,
};

/*
 * In stale mode, before the answer is read: is it worth reading, or is a wider
 * network's next? `head` and `answer` are of one slot; the uid follows the head.
 */
AN_INLINE enum glance answer_glance(const struct an_slot_head *head, const struct an_answer *answer,
                                    __u64 uid, __u64 now, struct scratch *scratch)
{
	__u64 stale_until, fresh_until, slot_uid;
	__u8 kind;

	slot_begin(head, scratch);
	kind = head->kind;
	stale_until = answer->stale_until;
	fresh_until = answer->fresh_until;
	slot_uid = load64(head + 1);
	if (!slot_is_whole(head, scratch))
		return GLANCE_TORN;
	if (kind == AN_SLOT_CHOICE || kind == AN_SLOT_HASHED)
		return GLANCE_SERVE; /* times are in the answers that it leads to */
	if (slot_uid != uid)
		return GLANCE_OTHER;
	return now < fresh_until || now < stale_until ? GLANCE_SERVE : GLANCE_TOO_STALE;
}

/* Seconds until `until`, rounded up. */
AN_INLINE __u32 ticks_to_seconds(__u64 until, __u64 now, __u32 hz)
{
	__u64 ticks = until - now + hz - 1, seconds;

	if (ticks <= 0xffffffff)
		seconds = (__u32)ticks / hz; /* takes half as long */
	else
		seconds = ticks / hz;

	return seconds > 0x7fffffff ? 0x7fffffff : (__u32)seconds; /* RFC 2181 8 */
}

/*
 * any_network: the answer is
 * another network's, so it is last good even before its time is over.
 */
AN_INLINE enum verdict answer_judge_time(const struct an_answer *answer,
                                         const struct moment *moment, int any_network,
                                         struct serving *ret)
{
	if (moment->now < answer->fresh_until) {
		ret->ttl = answer->ttl;
		if (answer->traits & AN_TRAIT_COUNTING)
			ret->ttl = ticks_to_seconds(answer->fresh_until, moment->now, moment->hz);
		ret->stale = any_network != 0;
		if (any_network && ret->ttl > answer->stale_ttl)
			ret->ttl = answer->stale_ttl;
		return V_GO_ON;
	}
	if (!moment->stale_mode)
		return V_pass_expired;
	if (moment->now >= answer->stale_until)
		return V_pass_too_stale;
	ret->ttl = answer->stale_ttl;
	ret->stale = 1;
	return V_GO_ON;
}

#endif
