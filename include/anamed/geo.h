/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * geo.h - from a client's address to its location, the same in both halves.
 *
 * All policies are compiled into one table of disjoint networks, each with a
 * location: what tells its clients apart in any policy. An entry is 32 bits:
 * the location above, the network's prefix length in the lowest octet, or
 * AN_GEO_NODE there and a line's number above. IPv4 is looked up directly, by
 * the first 24 bits; IPv6 in a trie that takes 16 bits first, then 4 with
 * each line, down to AN_GEO_IPV6_LEN. No maps, no helpers, no libc.
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

#define AN_GEO_LINES4      (1u << 20) /* of IPv4: all there are */
#define AN_GEO_IPV6_FIRST  16
#define AN_GEO_LINES6_ROOT (1u << 12) /* of IPv6: those of the first 16 bits, then the nodes */
#define AN_GEO_IPV6_SHIFT  44         /* of the first node's bits */
#define AN_GEO_IPV6_NODES  10         /* most on the way */

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

/* Lines and places of addresses: an IPv4 address, or an IPv6 one's first 64 bits, as numbers. */
AN_INLINE __u32 an_geo_line4(__u32 address)
{
	return address >> 12;
}

AN_INLINE __u32 an_geo_place4(__u32 address)
{
	return address >> 8 & 15;
}

AN_INLINE __u32 an_geo_line6(__u64 address)
{
	return (__u32)(address >> 52);
}

AN_INLINE __u32 an_geo_place6(__u64 address, __u32 shift)
{
	return (__u32)(address >> shift) & 15;
}

AN_INLINE int an_geo_is_node(__u32 entry)
{
	return (entry & 0xff) == AN_GEO_NODE;
}

#endif
