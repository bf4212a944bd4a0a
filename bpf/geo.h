/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * geo.h - which region a client is in. Pure, but for three look-ups that
 * whoever includes it gives: geo_line4(index), geo_line6(index) and
 * geo_regions_at(index) are pointers or NULL.
 *
 * A client of whom nothing is known is where its packet came from.
 */
#ifndef ANAMED_BPF_GEO_H
#define ANAMED_BPF_GEO_H

#include "anamed/treaty.h"
#include "audience.h"
#include "scratch.h"
#include "verdict.h"

AN_INLINE const struct an_geo_line *geo_line4(__u32 index);
AN_INLINE const struct an_geo_line *geo_line6(__u32 index);
AN_INLINE const struct an_geo_regions *geo_regions_at(__u32 index);

/* The tables, as the control block has them at one moment. */
struct geo_half {
	__u32 half;
	__u32 lines; /* of IPv6 */
};

/* Written and read as a whole; an entry is believed as it was. */
AN_INLINE __u32 geo_entry_in(const struct an_geo_line *line, __u32 place)
{
	return *(const volatile __u32 *)&line->entry[place & 15];
}

/* 0 where the tables do not reach; that names location 0, which every table has. */
AN_INLINE enum verdict geo_entry4(const struct geo_half *half, __u32 address, __u32 *ret)
{
	const struct an_geo_line *line =
	        geo_line4(an_geo4_index(half->half, an_geo_line4(address)));

	if (!line)
		return V_pass_geo;
	*ret = geo_entry_in(line, an_geo_place4(address));
	return V_GO_ON;
}

AN_INLINE enum verdict geo_entry6(const struct geo_half *half, __u64 address, __u32 *ret)
{
	__u32 line = an_geo_line6(address), entry = 0, shift = AN_GEO_IPV6_SHIFT + 4;

#ifdef __clang__
#pragma clang loop unroll(disable)
#endif
	for (__u32 i = 0; i <= AN_GEO_IPV6_NODES; i++, shift -= 4) {
		const struct an_geo_line *at;

		if (line >= half->lines)
			return V_pass_geo;
		at = geo_line6(an_geo6_index(half->half, half->lines, line));
		if (!at)
			return V_pass_geo;
		entry = geo_entry_in(at, an_geo_place6(address, shift & 63));
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
	                        .lines = *(const volatile __u32 *)&ctl->geo6_lines};
	__u64 bits = client->source ? client->bits : be64(le64(datagram->source[0]));
	__u64 ipv6 = client->source ? client->family == AN_FAMILY_IPV6 : datagram->ipv6;
	const struct an_geo_regions *regions;
	enum verdict verdict;
	__u32 entry = 0;

	if (half.half > 1 || policy - 1 >= AN_POLICIES_MAX)
		return V_pass_geo;
	verdict = ipv6 ? geo_entry6(&half, bits, &entry)
	               : geo_entry4(&half, (__u32)(bits >> 32), &entry);
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
