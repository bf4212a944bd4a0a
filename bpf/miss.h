/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * miss.h - how many queries a network may send up to the daemon.
 *
 * A bucket for each source prefix, at a place that a seeded hash gives: no
 * packet makes an entry. A bucket is one word, the time at which it will be
 * full again (the generic cell rate algorithm), so what two CPUs lose to one
 * another is a token. Prefixes that share a place share its tokens; who has
 * shown a good cookie has a bucket that no forged source gets at. Pure.
 */
#ifndef ANAMED_BPF_MISS_H
#define ANAMED_BPF_MISS_H

#include "anamed/treaty.h"
#include "scratch.h"

#define MISS_FRACTION 16 /* bits of a tick that a bucket counts in */

AN_INLINE __u32 miss_index(__u64 seed, const struct datagram *datagram, int verified)
{
	__u64 source = be64(le64(datagram->source[0]));
	__u64 prefix = datagram->ipv6 ? source >> 8 << 8 : source >> 40 << 40;

	return an_miss_place(seed, prefix | (datagram->ipv6 != 0) | (verified ? 2u : 0u));
}

/* Takes a token out of `bucket`. 0: there is none. rate: a second, not 0. */
AN_INLINE int miss_take(__u64 *bucket, __u64 now, __u32 hz, __u32 rate, __u32 burst)
{
	__u64 start = now << MISS_FRACTION, step = ((__u64)hz << MISS_FRACTION) / rate;
	__u64 full = step * burst, until = *(volatile __u64 *)bucket;

	if (until < start)
		until = start;
	/* The limit was lower before, or somebody else wrote here. */
	if (until > start + full)
		*(volatile __u64 *)bucket = until = start + full;
	if (until + step > start + full)
		return 0;
	*(volatile __u64 *)bucket = until + step;
	return 1;
}

#endif
