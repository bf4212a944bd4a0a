/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * geo.h - from a client's address to its location, the same in both halves.
 *
 * All policies are compiled into one table of disjoint networks, each with a
 * location: what tells its clients apart in any policy. An entry is 32 bits:
 * the location above, the network's prefix length in the lowest octet, or
 * AN_GEO_NODE there and a line's number above. Addresses are looked up in a
 * trie that takes 16 bits first, then 4 with each line, down to
 * AN_GEO_IPV4_LEN or AN_GEO_IPV6_LEN: three lines at most for IPv4, eleven for
 * IPv6, and so few of them that they stay in the cache (docs/adr/0012). No
 * maps, no helpers, no libc.
 */
#ifndef ANAMED_GEO_H
#define ANAMED_GEO_H

#include <linux/types.h>

#include "anamed/key.h"

#define AN_POLICIES_MAX 64 /* regions of one location fill 4 lines of the cache */

#define AN_GEO_NONE 0xffffffffu /* control.geo: no table holds */

#define AN_GEO_IPV4_LEN 24 /* networks are not told apart below these; the block's first */
#define AN_GEO_IPV6_LEN 56 /* address speaks for it */

#define AN_GEO_NODE 0xff /* in place of a prefix length */

#define AN_GEO_FIRST      16         /* bits that the first lines take */
#define AN_GEO_LINES_ROOT (1u << 12) /* the lines of these; IPv4's, then IPv6's, then the nodes */
#define AN_GEO_SHIFT      44         /* of the first node's bits */
#define AN_GEO_NODES      10         /* most on the way */

/* Hits are counted for each region below the last of these, which stands for itself and all behind
 * it: place policy * AN_REGIONS_COUNTED + region of `region_hits`, a PERCPU_ARRAY of __u64. */
#define AN_REGIONS_COUNTED 64
#define AN_REGION_HITS     (AN_POLICIES_MAX * AN_REGIONS_COUNTED)

/* One line of the cache. */
struct an_geo_line {
	__u32 entry[16];
};

/* One location: a region for each policy; 0: the policy is not there. */
struct an_geo_regions {
	__u16 region[AN_POLICIES_MAX];
};

_Static_assert(sizeof(struct an_geo_line) == 64, "struct an_geo_line changed size");
_Static_assert(sizeof(struct an_geo_regions) == 128, "struct an_geo_regions changed size");

/* The first line of an address, and an entry's place in a line. `bits`: the address's first 64 as a
 * number, IPv4 in the upper half. */
AN_INLINE __u32 an_geo_root(int ipv6, __u64 bits)
{
	return (ipv6 ? AN_GEO_LINES_ROOT : 0) + (__u32)(bits >> 52);
}

AN_INLINE __u32 an_geo_place(__u64 bits, __u32 shift)
{
	return (__u32)(bits >> shift) & 15;
}

/* `regions`: the owner's, number of its policy + 1. */
AN_INLINE __u32 an_geo_counted(__u32 regions, __u32 region)
{
	if (region > AN_REGIONS_COUNTED - 1)
		region = AN_REGIONS_COUNTED - 1;
	return (regions - 1) * AN_REGIONS_COUNTED + region;
}

AN_INLINE int an_geo_is_node(__u32 entry)
{
	return (entry & 0xff) == AN_GEO_NODE;
}

#endif
