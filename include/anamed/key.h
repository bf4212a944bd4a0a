/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * key.h - functions whose bytes must be equal in the kernel and in the daemon.
 *
 * A wire name is read eight octets at a time, lower-cased, and hashed with the
 * secret seed of the control block. The hash of a name equals the hash of the
 * same octets found as the suffix of a longer name, as long as that suffix
 * starts at a label. No maps, no helpers, no libc: this header compiles for
 * the BPF target, for the host, and under the fuzzers.
 */
#ifndef ANAMED_KEY_H
#define ANAMED_KEY_H

#include <linux/types.h>

#define AN_INLINE static inline __attribute__((always_inline, unused))

#define AN_ONES  0x0101010101010101ULL
#define AN_HIGHS 0x8080808080808080ULL

typedef __u64 __attribute__((may_alias, aligned(8))) an_word;

/* Eight octets at p, the first in the lowest bits on every machine. */
AN_INLINE __u64 an_load8(const void *p)
{
	__u64 word;

#ifdef __bpf__
	/* memcpy would become eight loads of one octet: clang takes BPF for a machine that wants
	 * alignment. */
	word = *(const an_word *)p;
#else
	__builtin_memcpy(&word, p, sizeof(word));
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Lower-cases the ASCII letters of eight octets; every other octet stays (RFC 4343 3). */
AN_INLINE __u64 an_lower8(__u64 word)
{
	__u64 low = word & ~AN_HIGHS;
	__u64 ge_a = low + AN_ONES * (0x80 - 'A');
	__u64 gt_z = low + AN_ONES * (0x7f - 'Z');

	return word | ((ge_a ^ gt_z) & ~word & AN_HIGHS) >> 2;
}

/* A mark in the lowest zero octet of word (its bit 7), 0 if there is none. Higher marks may be
 * false. */
AN_INLINE __u64 an_zero8(__u64 word)
{
	return (word - AN_ONES) & ~word & AN_HIGHS;
}

/* All bits of the octets up to and including the one marked lowest in `zero` (which is not 0). */
AN_INLINE __u64 an_mask8(__u64 zero)
{
	return zero ^ (zero - 1);
}

/* How many octets a mask from an_mask8() covers: 1 to 8. */
AN_INLINE __u32 an_mask_len(__u64 mask)
{
	return (__u32)(((mask & AN_ONES) * AN_ONES) >> 56);
}

/* One step of the name hash. The last word of a name is masked with an_mask8() first. */
AN_INLINE __u64 an_hash_step(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/*
 * The hash of an uncompressed, well-formed wire name of `len` octets (root
 * label included); letters may have any case. Reads exactly len octets.
 */
AN_INLINE __u64 an_name_hash(__u64 seed, const __u8 *name, __u32 len)
{
	__u64 hash = seed;

	for (__u32 at = 0; at < len; at += 8) {
		__u8 piece[8] = {0};

		for (__u32 i = 0; i < 8 && at + i < len; i++)
			piece[i] = name[at + i];
		hash = an_hash_step(hash, an_lower8(an_load8(piece)));
	}
	return hash;
}

/*
 * The stated choice that rotation and weights are made with: a 32-bit number
 * out of the seed, the query's id, and its source address and port (host
 * order). `address` is the IPv4 address as a host-order number, or the two
 * halves of the IPv6 address, each read by an_load8(), xored.
 */
AN_INLINE __u32 an_choice(__u64 seed, __u16 id, __u64 address, __u16 port)
{
	__u64 hash = an_hash_step(seed, address);

	hash = an_hash_step(hash, (__u64)id << 16 | port);
	return (__u32)(hash >> 32);
}

/* Maps a choice to 0 .. count - 1 without a division. */
AN_INLINE __u32 an_choice_below(__u32 choice, __u32 count)
{
	return (__u32)(((__u64)choice * count) >> 32);
}

/*
 * What is left of a choice once an_choice_below(choice, count) has been drawn
 * from it: as good as a new one, for the rotation inside of what was chosen.
 */
AN_INLINE __u32 an_choice_rest(__u32 choice, __u32 count)
{
	return choice * count;
}

/* ---- consistent choice: weighted rendezvous by client network ---- */

/* Prefix lengths that a client's network is cut to before it is hashed. */
#define AN_CLIENT_IPV4_LEN 24
#define AN_CLIENT_IPV6_LEN 56

/*
 * Shifts x left until its topmost bit is set; *log loses as much. One of five
 * steps: by `width` bits where the topmost `width` are zero. Without branches,
 * of which the verifier would follow each.
 */
AN_INLINE __u32 an_client_step(__u32 x, __u32 width, __u32 *log)
{
	__u32 shift = (__u32)((((__u64)x >> (32 - width)) - 1) >> 63) * width;

	*log -= shift;
	return x << shift;
}

/*
 * How far a member is from a client's network: -log2 of a hash of both, taken
 * as a number from 0 to 1, in 1/65536. The least distance / weight wins, so a
 * member's share of the networks is its share of the weights, and when one
 * leaves, its networks alone move. `network`: the first eight octets of the
 * prefix by an_load8(), bits past the length zero. `id`: the member's. No
 * seed: every edge chooses the same.
 */
AN_INLINE __u32 an_client_distance(__u8 family, __u64 network, __u32 id)
{
	__u64 hash = an_hash_step(an_hash_step(family, network), id);
	__u32 x = (__u32)(an_hash_step(hash, 0) >> 32) | 1, log = 31, part;

	x = an_client_step(x, 16, &log);
	x = an_client_step(x, 8, &log);
	x = an_client_step(x, 4, &log);
	x = an_client_step(x, 2, &log);
	x = an_client_step(x, 1, &log);
	/* log2(1 + p) is p + 0.3466 p (1 - p) to within 0.008, and grows with p. */
	part = x >> 15 & 0xffff;
	part += (__u32)(((__u64)part * (65536 - part) >> 16) * 22713 >> 16);
	return (32u << 16) - (log << 16) - part;
}

/* 1 if a member at this distance with this weight (0: it is dead) is before the best so far,
 * else 0. Distances are under 2^22. */
AN_INLINE __u32 an_client_before(__u32 distance, __u32 weight, __u32 best, __u32 best_weight)
{
	return (__u32)(((__u64)distance * best_weight - (__u64)best * weight) >> 63);
}

/* Farther than any member, with a weight of 1: what the first is compared with. */
#define AN_CLIENT_FARTHEST (1u << 22)

/* ---- one's complement sums (RFC 1071) ---- */

/* Folds a sum of 16-bit words to 16 bits. */
AN_INLINE __u16 an_sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* A folded sum of octets that start at an odd place of the message. */
AN_INLINE __u16 an_sum_odd(__u16 sum)
{
	return (__u16)(sum << 8 | sum >> 8);
}

#endif
