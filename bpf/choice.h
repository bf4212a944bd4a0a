/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * choice.h - among the members of a pool: which answer, which records. Pure.
 *
 * The members that live have their bits set in the pool's cell, so a death is
 * one write, seen here at once. Sums and comparisons have no branches: the
 * verifier would follow each of them for every member.
 */
#ifndef ANAMED_BPF_CHOICE_H
#define ANAMED_BPF_CHOICE_H

#include "anamed/treaty.h"
#include "audience.h"
#include "scratch.h"
#include "slot.h"
#include "verdict.h"

#define CHOICE_ENTRY_LEN 12
#define CHOICE_RECORDS   (AN_ANSWER_LARGE / SLOT_STRIDE_A)

/* 1 if the bit is set, or is AN_BIT_ALWAYS; else 0. */
AN_INLINE __u32 choice_lives(__u64 cell, __u8 bit)
{
	return (__u32)(cell >> (bit & 63) & 1) | ((__u32)bit + 1) >> 8;
}

/* ---- the slot ---- */

/* Its fields -> scratch->label, pick; its entries -> scratch->data. */
AN_INLINE enum verdict choice_read(const struct an_choice_slot *slot, __u32 size,
                                   struct scratch *scratch)
{
	struct pick *pick = &scratch->pick;

	slot_begin(&slot->head, scratch);
	__builtin_memcpy(&scratch->label, slot, sizeof(scratch->label));
	pick->count = slot->count;
	pick->cell = slot->cell;
	for (__u32 i = 0; i < SLOT_WORDS_OF(size, AN_CHOICE_AT); i += 4) {
		if (i * 8 >= pick->count * CHOICE_ENTRY_LEN)
			break;
#pragma GCC unroll 4
		for (__u32 j = i; j < i + 4; j++)
			scratch->data[j] = slot_word(slot, size, AN_CHOICE_AT + j * 8);
	}
	if (!slot_is_whole(&slot->head, scratch))
		return V_pass_torn;
	if (scratch->label.head.kind != AN_SLOT_CHOICE &&
	    scratch->label.head.kind != AN_SLOT_HASHED)
		return V_pass_kind;
	if (pick->count > AN_CHOICE_MAX || pick->count * CHOICE_ENTRY_LEN > size - AN_CHOICE_AT)
		return V_pass_kind;
	return V_GO_ON;
}

AN_INLINE const struct an_choice_entry *choice_entry(const struct scratch *scratch, __u32 index)
{
	const __u8 *entries = (const __u8 *)scratch->data;

	return (const struct an_choice_entry *)(entries + index * CHOICE_ENTRY_LEN);
}

/* An entry's weight if it lives, else 0. */
AN_INLINE __u32 choice_weight(const struct pick *pick, const struct an_choice_entry *entry)
{
	return entry->weight * choice_lives(pick->live, entry->bit);
}

/* ---- by weight ---- */

/* -> pick->chosen: the place + 1; 0: none lives. The choice is what is left of it. */
AN_INLINE void choice_by_weight(struct scratch *scratch)
{
	struct pick *pick = &scratch->pick;

	pick->total = 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < AN_CHOICE_MAX; i++) {
		if (i >= pick->count)
			break;
		pick->total += choice_weight(pick, choice_entry(scratch, i));
		forget();
	}
	forget();
	pick->at = an_choice_below(scratch->choice, pick->total);
	scratch->choice = an_choice_rest(scratch->choice, pick->total);
	forget();
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < AN_CHOICE_MAX; i++) {
		__s64 before = pick->at;

		if (i >= pick->count)
			break;
		pick->at -= choice_weight(pick, choice_entry(scratch, i));
		pick->chosen |= (i + 1) & (__u32)((~before & pick->at) >> 63);
		forget();
	}
}

/* ---- by client ---- */

/* The client's network, cut to the length that is hashed, as an_load8() would read its prefix. */
AN_INLINE __u64 choice_network(const struct client *client)
{
	__u64 len = client->family == AN_FAMILY_IPV6 ? AN_CLIENT_IPV6_LEN : AN_CLIENT_IPV4_LEN;

	if (!client->source)
		return 0;
	if (len > client->source)
		len = client->source;
	return __builtin_bswap64(client->bits & ~0ULL << (64 - len));
}

AN_INLINE __u32 choice_either(__u32 a, __u32 b, __u32 second)
{
	return a ^ ((a ^ b) & (0 - second));
}

/* Is the member in this place before the best so far? Then it is the best. */
AN_INLINE void choice_compare(struct scratch *scratch, __u32 index)
{
	const struct an_choice_entry *entry = choice_entry(scratch, index);
	struct pick *pick = &scratch->pick;
	__u32 distance = an_client_distance((__u8)pick->family, pick->network, entry->id);
	__u32 weight = choice_weight(pick, entry);
	__u32 better = an_client_before(distance, weight, pick->best, pick->best_weight);

	pick->best = choice_either(pick->best, distance, better);
	pick->best_weight = choice_either(pick->best_weight, weight, better);
	pick->chosen = choice_either(pick->chosen, index + 1, better);
}

/* -> pick->chosen */
AN_INLINE void choice_by_client(struct scratch *scratch)
{
	struct pick *pick = &scratch->pick;

	pick->family = scratch->client.source ? (__u32)scratch->client.family : 0;
	pick->network = choice_network(&scratch->client);
	pick->best = AN_CLIENT_FARTHEST;
	pick->best_weight = 1;
	forget();
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < AN_CHOICE_MAX; i++) {
		if (i >= pick->count)
			break;
		choice_compare(scratch, i);
		forget();
	}
}

/* Which slot, and that its key is the member's -> found. pick->live is the cell. */
AN_INLINE enum verdict choice_make(struct scratch *scratch)
{
	struct found *found = &scratch->found;
	struct pick *pick = &scratch->pick;

	pick->chosen = 0;
	found->hashed = scratch->label.head.kind == AN_SLOT_HASHED;
	if (found->hashed)
		choice_by_client(scratch);
	else
		choice_by_weight(scratch);
	forget();
	if (!pick->chosen)
		return V_pass_dead_member;
	found->number = load32((const __u8 *)scratch->data +
	                       keep((pick->chosen - 1) * CHOICE_ENTRY_LEN, DATA_MASK));
	found->key.member = (__u8)pick->chosen;
	return V_GO_ON;
}

/* ---- records ---- */

/* Those that live move forward over those that do not. `stride` is a constant. */
AN_INLINE void members_keep(struct scratch *scratch, __u32 stride)
{
	struct pick *pick = &scratch->pick;
	__u8 *data = (__u8 *)scratch->data;
	__u64 bits = answer_data_len(&scratch->answer);

	pick->count = 0;
	for (__u32 i = 0; i < AN_ANSWER_LARGE / stride; i++) {
		const __u8 *from = data + i * stride;
		__u8 *to = data + keep((__u64)pick->count * stride, DATA_MASK);
		__u8 bit = data[keep(bits + i, DATA_MASK)];

		if (i >= scratch->answer.count)
			break;
		record_copy(to, from, stride, 0);
		pick->count += choice_lives(pick->live, bit);
	}
}

/* Leaves the dead out of the answer. pick->live is the cell. */
AN_INLINE enum verdict members_filter(struct scratch *scratch)
{
	struct an_answer *answer = &scratch->answer;
	struct pick *pick = &scratch->pick;

	if (answer->stride == SLOT_STRIDE_A)
		members_keep(scratch, SLOT_STRIDE_A);
	else
		members_keep(scratch, SLOT_STRIDE_AAAA);
	forget();
	answer->traits &= ~AN_TRAIT_MEMBERS; /* it may be looked at once more, in stale mode */
	if (pick->count == answer->count)
		return V_GO_ON;
	/* Signatures are over all of them. */
	if (!pick->count || (answer->signed_len && scratch->edns.dnssec_ok))
		return V_pass_dead_member;
	answer->counts[0] = (__u8)pick->count;
	answer->count = (__u8)pick->count;
	answer->tail_len = answer->signed_len = 0;
	answer->signed_counts = 0;
	return V_GO_ON;
}

#endif
