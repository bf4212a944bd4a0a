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

#define AN_POLICIES_MAX 64 /* regions of one location fill 4 lines of the cache */

#define AN_GEO_NONE 0xffffffffu /* control.geo: no table holds */

#define AN_GEO_IPV4_LEN 24 /* networks are not told apart below these; the block's first */
#define AN_GEO_IPV6_LEN 56 /* address speaks for it */

#define AN_GEO_NODE 0xff /* in place of a prefix length */

#endif
