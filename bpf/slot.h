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

#define SLOT_OWNER_WORDS_SMALL (AN_OWNER_NAME_SMALL / 8)
#define SLOT_OWNER_WORDS_LARGE NAME_WORDS
#define SLOT_DATA_WORDS_SMALL  (AN_ANSWER_SMALL / 8)
#define SLOT_DATA_WORDS_LARGE  (AN_ANSWER_LARGE / 8)

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

/* The copy that was begun at `seq` is whole. */
AN_INLINE int slot_is_whole(const struct an_slot_head *head, __u32 seq)
{
	return slot_seq(head) == seq;
}

/* ---- owner slots ---- */

/*
 * Copies an owner slot's fields to scratch->owner and compares its name with
 * scratch->name. words_max: 8-octet words of name that this size of slot has.
 */
AN_INLINE enum verdict owner_read(const struct an_owner_slot *slot, __u32 words_max, __u64 name_len,
                                  struct scratch *scratch)
{
	__u32 words = (__u32)(name_len + 7) / 8;
	__u32 seq = slot_seq(&slot->head);
	__u64 difference = 0;

	if (seq & 1)
		return V_pass_torn;
	slot_fence(scratch);
	__builtin_memcpy(&scratch->owner, slot, sizeof(*slot));
	for (__u32 i = 0; i < words_max; i++) {
		if (i >= words)
			break;
		difference |= an_load8(slot->name + i * 8) ^ scratch->name[i];
	}
	slot_fence(scratch);
	if (!slot_is_whole(&slot->head, seq))
		return V_pass_torn;
	if (scratch->owner.head.kind != AN_SLOT_OWNER)
		return V_pass_kind;
	if (difference || words > words_max || scratch->owner.name_len != name_len)
		return V_pass_owner_other;
	return V_GO_ON;
}

/* The rest of the key, and whether this program knows all that the slot asks for. */
AN_INLINE enum verdict owner_judge(const struct an_owner_slot *owner,
                                   const struct an_owner_key *key)
{
	if (owner->key.hash != key->hash || owner->key.type != key->type ||
	    owner->key.class != key->class)
		return V_pass_owner_other;
	if (owner->head.flags & ~AN_OWNER_BY_DO || owner->regions)
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

/* ---- answer slots ---- */

AN_INLINE __u64 answer_records_len(const struct an_answer_slot *answer)
{
	return (__u64)answer->count * answer->stride;
}

/* Octets of records and tail. */
AN_INLINE __u64 answer_data_len(const struct an_answer_slot *answer)
{
	return answer_records_len(answer) + answer->tail_len;
}

/*
 * Copies the records once more, the `start`th first: from fixed places in the
 * slot to variable ones in the scratch, which has room for whatever count says.
 */
AN_INLINE void answer_rotate(const struct an_answer_slot *slot, __u32 stride, __u32 records_max,
                             __u32 start, struct scratch *scratch)
{
	__u64 count = scratch->answer.count;

	for (__u32 i = 0; i < records_max; i++) {
		const __u8 *from = slot->data + i * stride;
		__s64 place = (__s64)i - start;
		__u8 *to;

		if (i >= count)
			break;
		settle(place);
		place += (__s64)count & place >> 63; /* no branch: each would double the paths */
		to = scratch->body + BODY_AT + keep((__u64)place * stride, BODY_MASK);
		store64(to, load64(from));
		store64(to + 8, load64(from + 8));
		if (stride == SLOT_STRIDE_AAAA) {
			store64(to + 16, load64(from + 16));
			store32(to + 24, load32(from + 24));
		}
	}
}

/* Whether a program of this age knows how to serve the slot, and its lengths fit its size. */
AN_INLINE enum verdict answer_judge_shape(const struct an_answer_slot *answer, __u32 words_max)
{
	if (answer->head.kind != AN_SLOT_ANSWER || answer->ttl_mode > AN_TTL_COUNTING)
		return V_pass_kind;
	if (answer->count && answer->stride != SLOT_STRIDE_A && answer->stride != SLOT_STRIDE_AAAA)
		return V_pass_kind;
	if (answer_data_len(answer) > words_max * 8 || answer->tail_ttl_count > AN_TAIL_TTLS)
		return V_pass_kind;
#pragma GCC unroll 4
	for (__u32 i = 0; i < AN_TAIL_TTLS; i++)
		if (i < answer->tail_ttl_count && answer->tail_ttl[i] + 4 > answer->tail_len)
			return V_pass_kind;
	return V_GO_ON;
}

/*
 * Copies an answer slot's fields to scratch->answer and its data to
 * scratch->body, rotated by `choice` (see an_choice()). words_max: 8-octet
 * words of data that this size of slot has.
 */
AN_INLINE enum verdict answer_read(const struct an_answer_slot *slot, __u32 words_max, __u32 choice,
                                   struct scratch *scratch)
{
	const struct an_answer_slot *answer = &scratch->answer;
	__u32 seq = slot_seq(&slot->head);
	__u64 words;
	__u32 start;

	if (seq & 1)
		return V_pass_torn;
	slot_fence(scratch);
	__builtin_memcpy(&scratch->answer, slot, sizeof(*slot));
	words = (answer_data_len(answer) + 7) / 8;
	for (__u32 i = 0; i < words_max; i++) {
		if (i >= words)
			break;
		store64(scratch->body + BODY_AT + i * 8, load64(slot->data + i * 8));
	}
	start = an_choice_below(choice, answer->count);
	if (start && answer->stride == SLOT_STRIDE_A)
		answer_rotate(slot, SLOT_STRIDE_A, words_max * 8 / SLOT_STRIDE_A, start, scratch);
	else if (start && answer->stride == SLOT_STRIDE_AAAA)
		answer_rotate(slot, SLOT_STRIDE_AAAA, words_max * 8 / SLOT_STRIDE_AAAA, start,
		              scratch);
	slot_fence(scratch);
	if (!slot_is_whole(&slot->head, seq))
		return V_pass_torn;
	return answer_judge_shape(answer, words_max);
}

/* ---- freshness ---- */

enum glance {
	GLANCE_SERVE,
	GLANCE_TOO_STALE,
	GLANCE_TORN,
	GLANCE_OTHER,
};

/* In stale mode, before the answer is read: is it worth reading, or is a wider network's next? */
AN_INLINE enum glance answer_glance(const struct an_answer_slot *slot, __u64 uid, __u64 now,
                                    struct scratch *scratch)
{
	__u32 seq = slot_seq(&slot->head);
	__u64 stale_until, fresh_until, slot_uid;

	slot_fence(scratch);
	stale_until = slot->stale_until;
	fresh_until = slot->fresh_until;
	slot_uid = slot->key.uid;
	slot_fence(scratch);
	if (seq & 1 || !slot_is_whole(&slot->head, seq))
		return GLANCE_TORN;
	if (slot_uid != uid)
		return GLANCE_OTHER;
	return now < fresh_until || now < stale_until ? GLANCE_SERVE : GLANCE_TOO_STALE;
}

/* Seconds until `until`, rounded up. */
AN_INLINE __u32 ticks_to_seconds(__u64 until, __u64 now, __u32 hz)
{
	__u64 seconds = (until - now + hz - 1) / hz;

	return seconds > 0x7fffffff ? 0x7fffffff : (__u32)seconds; /* RFC 2181 8 */
}

/*
 * any_network: the answer is
 * another network's, so it is last good even before its time is over.
 */
AN_INLINE enum verdict answer_judge_time(const struct an_answer_slot *answer,
                                         const struct moment *moment, int any_network,
                                         struct serving *ret)
{
	if (moment->now < answer->fresh_until) {
		ret->ttl = answer->ttl;
		if (answer->ttl_mode == AN_TTL_COUNTING)
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
