/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * names.h - names that do not exist: denial without an entry for each.
 *
 * Only after an exact miss, a second pass looks each suffix of the name up in
 * the table of names that exist. Where the longest that does has nothing below
 * it that could answer (wildcard, cut, DNAME), up to the apex of its zone, the
 * zone's denial slot is the answer. A false "exists" only passes a query up; a
 * false "does not" cannot be, while no zone changes: see control.names_turn.
 */
#ifndef ANAMED_BPF_NAMES_H
#define ANAMED_BPF_NAMES_H

#include "find.h"
#include "maps.h"

#define NAMES_LABELS_MAX 127
#define NAMES_SUFFIX     0xff /* offsets in a name: a mask */

/* Types that the daemon answers, or refuses, without a look at the name. */
AN_INLINE int names_is_deniable(__u16 type, __u16 class)
{
	if (class != AN_CLASS_IN || type == AN_TYPE_OPT)
		return 0;
	return type < 128 || type >= AN_TYPE_ANY;
}

/* an_name_hash() of the suffix at `at` of scratch->name -> scratch->walk.hash */
AN_INLINE void suffix_hash(__u64 seed, __u64 at, struct scratch *scratch)
{
	__u64 left = scratch->question.name.len - at, hash = seed;

	for (__u32 i = 0; i < NAME_WORDS; i++, left -= 8) {
		__u64 word = an_load8((const __u8 *)scratch->name + keep(at, NAMES_SUFFIX) + i * 8);

		if (left < 8)
			word &= (1ULL << left * 8) - 1;
		hash = an_hash_step(hash, word);
		if (left <= 8)
			break;
	}
	scratch->walk.hash = hash;
}

/* -> scratch->walk.flags: of the name with this hash, or WALK_ABSENT, or WALK_UNKNOWN */
AN_INLINE void names_find(const struct an_control *ctl, struct scratch *scratch)
{
	__u64 tag = an_name_tag(scratch->walk.hash), last = 0;
	__u32 index = (__u32)(an_name_place(scratch->walk.hash) & ctl->names_mask);
	const struct an_name_line *line = bpf_map_lookup_elem(&names, &index);

	scratch->walk.flags = WALK_UNKNOWN;
	if (!line)
		return;
#pragma GCC unroll 8
	for (__u32 i = 0; i < AN_NAME_ENTRIES; i++) {
		last = *(const volatile __u64 *)&line->entries[i];
		if ((last & ~AN_NAME_FLAGS) == tag) {
			scratch->walk.flags = (__u32)(last & AN_NAME_FLAGS);
			return;
		}
	}
	if (last != AN_NAME_MORE)
		scratch->walk.flags = WALK_ABSENT;
}

struct names_loop {
	const struct an_control *ctl;
	struct scratch *scratch;
};

/* Could something other than NXDOMAIN be said below this name? */
AN_INLINE int names_covers(__u32 flags)
{
	/* A zone of ours that begins at a cut of another one. */
	if (flags & AN_NAME_APEX)
		flags &= ~AN_NAME_CUT;
	return flags & (AN_NAME_WILDCARD | AN_NAME_CUT | AN_NAME_DNAME);
}

/* One label. 1: the walk is over; WALK_DENIED in walk.state says how. */
static long names_step(__u32 i, void *data)
{
	const struct names_loop *loop = data;
	struct scratch *scratch = loop->scratch;
	struct walk *walk = &scratch->walk;
	__u64 at = walk->at, label = ((const __u8 *)scratch->name)[keep(at, NAMES_SUFFIX)];

	if (!label || label > AN_DNS_LABEL_MAX || at + label + 1 >= scratch->question.name.len)
		return 1;
	suffix_hash(loop->ctl->seed, at, scratch);
	forget();
	names_find(loop->ctl, scratch);
	forget();
	if (walk->flags == WALK_UNKNOWN)
		return 1;
	if (walk->flags == WALK_ABSENT) {
		/* Above a name that exists all exist. */
		if (walk->seen)
			return 1;
	} else {
		if (i == 0 || names_covers(walk->flags))
			return 1;
		walk->seen = 1;
		if (walk->flags & AN_NAME_APEX) {
			walk->denied = 1;
			return 1;
		}
	}
	walk->at = at + label + 1;
	return 0;
}

/* -> walk.at, walk.hash: of the apex. 0: the name exists, or nobody here knows. */
AN_INLINE int names_walk(const struct an_control *ctl, struct scratch *scratch)
{
	struct names_loop loop = {.ctl = ctl, .scratch = scratch};

	scratch->walk.at = scratch->walk.seen = scratch->walk.denied = 0;
	forget();
	bpf_loop(NAMES_LABELS_MAX, names_step, &loop, 0);
	forget();
	return scratch->walk.denied != 0;
}

AN_INLINE enum verdict denial_fetch(__u32 number, struct scratch *scratch)
{
	const struct an_owner_slot *slot;

	if (!slot_is_known(number))
		return V_pass_kind;
	if (number & AN_SLOT_LARGE) {
		slot = large_slot(number);
		return slot ? denial_read(slot, AN_SLOT_LARGE_SIZE, scratch) : V_pass_internal;
	}
	slot = small_slot(number);
	return slot ? denial_read(slot, AN_SLOT_SMALL_SIZE, scratch) : V_pass_internal;
}

/* The zone's names are all here. */
AN_INLINE enum verdict zone_is_complete(const struct scratch *scratch)
{
	__u32 index = scratch->owner.head.zone;
	const struct an_zone *zone = bpf_map_lookup_elem(&zones, &index);

	return zone && *(const volatile __u32 *)&zone->flags & AN_ZONE_COMPLETE ? V_GO_ON
	                                                                        : V_pass_owner_miss;
}

/* The denial slot of the zone whose apex the walk has found -> owner, answer, data */
AN_INLINE enum verdict denial_find(const struct an_control *ctl, struct scratch *scratch)
{
	struct an_owner_key key = {.hash = scratch->walk.hash, .class = AN_CLASS_IN};
	__u32 number = owner_number(ctl, &key);
	enum verdict verdict;

	if (number == AN_SLOT_NONE || number == AN_SLOT_ASK)
		return V_pass_owner_miss;
	scratch->found.owner = scratch->found.loaded = scratch->found.number = number;
	scratch->found.any_network = scratch->found.hashed = 0;
	forget();
	verdict = denial_fetch(scratch->found.owner, scratch);
	if (verdict)
		return verdict;
	forget();
	verdict = zone_check(&scratch->owner.head, scratch->moment.now);
	return verdict ? verdict : zone_is_complete(scratch);
}

/*
 * The name's zone denies it -> answer, data, serving. While it was looked for,
 * no zone took another generation: then all that was read is of one time.
 */
AN_INLINE enum verdict names_deny(const struct an_control *ctl, struct scratch *scratch)
{
	const struct question *question = &scratch->question;
	enum verdict verdict;

	if (!names_is_deniable(question->type, question->class))
		return V_pass_owner_miss;
	scratch->walk.turn = *(const volatile __u64 *)&ctl->names_turn;
	slot_fence(scratch);
	if (!names_walk(ctl, scratch))
		return V_pass_owner_miss;
	verdict = denial_find(ctl, scratch);
	if (verdict)
		return verdict;
	forget();
	slot_fence(scratch);
	if (*(const volatile __u64 *)&ctl->names_turn != scratch->walk.turn)
		return V_pass_generation;
	return answer_judge_time(&scratch->answer, &scratch->moment, 0, &scratch->serving);
}

#endif
