/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * geo.h - which region a client is in. Pure, but for two look-ups that
 * whoever includes it gives: geo_line_at(index) and geo_regions_at(index) are
 * pointers or NULL.
 *
 * A client of whom nothing is known is where its packet came from.
 */
#ifndef ANAMED_BPF_GEO_H
#define ANAMED_BPF_GEO_H

#include "anamed/treaty.h"
#include "audience.h"
#include "scratch.h"
#include "verdict.h"

AN_INLINE const struct an_geo_line *geo_line_at(__u32 index);
AN_INLINE const struct an_geo_regions *geo_regions_at(__u32 index);

/* The tables, as the control block has them at one moment. */
struct geo_half {
	__u32 half;
	__u32 lines; /* in each */
};

/* Written and read as a whole; an entry is believed as it was. */
AN_INLINE __u32 geo_entry_in(const struct an_geo_line *line, __u32 place)
{
	return *(const volatile __u32 *)&line->entry[place & 15];
}

AN_INLINE enum verdict geo_entry(const struct geo_half *half, int ipv6, __u64 bits, __u32 *ret)
{
	__u32 line = an_geo_root(ipv6, bits), entry = AN_GEO_NODE, shift = AN_GEO_SHIFT + 4;

#ifdef __clang__
#pragma clang loop unroll(disable)
#endif
	for (__u32 i = 0; i <= AN_GEO_NODES; i++, shift -= 4) {
		const struct an_geo_line *at;

		if (line >= half->lines)
			return V_pass_geo;
		at = geo_line_at(an_geo_index(half->half, half->lines, line));
		if (!at)
			return V_pass_geo;
		entry = geo_entry_in(at, an_geo_place(bits, shift & 63));
		if (!an_geo_is_node(entry))
			break;
		line = entry >> 8;
	}
	*ret = entry;
	return an_geo_is_node(entry) ? V_pass_geo : V_GO_ON;
}

/* Region and prefix length for a policy's number + 1. */
AN_INLINE enum verdict place_of_client(const struct an_control *ctl,
                                       const struct datagram *datagram, const struct client *client,
                                       __u32 policy, struct place *ret)
{
	struct geo_half half = {.half = *(const volatile __u32 *)&ctl->geo,
	                        .lines = *(const volatile __u32 *)&ctl->geo_lines};
	__u64 bits = client->source ? client->bits : be64(le64(datagram->source[0]));
	__u64 ipv6 = client->source ? client->family == AN_FAMILY_IPV6 : datagram->ipv6;
	const struct an_geo_regions *regions;
	enum verdict verdict;
	__u32 entry = 0;

	if (half.half > 1 || policy - 1 >= AN_POLICIES_MAX)
		return V_pass_geo;
	verdict = geo_entry(&half, ipv6 != 0, bits, &entry);
	if (verdict)
		return verdict;
	regions = geo_regions_at(an_regions_index(half.half, entry >> 8));
	if (!regions)
		return V_pass_geo;
	ret->region =
	        *(const volatile __u16 *)&regions->region[(policy - 1) & (AN_POLICIES_MAX - 1)];
	ret->len = entry & 0xff;
	return ret->region ? V_GO_ON : V_pass_geo;
}

#endif
