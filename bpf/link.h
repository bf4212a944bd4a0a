/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * link.h - Ethernet with up to two VLAN tags (IEEE 802.1Q, 802.1ad). Pure.
 *
 * The tags stay where they are: the reply leaves under the same ones.
 */
#ifndef ANAMED_BPF_LINK_H
#define ANAMED_BPF_LINK_H

#include "cursor.h"
#include "verdict.h"

#define LINK_HEADER_LEN 14
#define LINK_TAG_LEN    4
#define LINK_TAGS_MAX   2
#define LINK_GROUP      1 /* bit of an address's first octet */

#define LINK_IPV4 0x0800
#define LINK_IPV6 0x86dd
#define LINK_VLAN 0x8100
#define LINK_QINQ 0x88a8

struct link {
	__u64 end;  /* offset of what follows */
	__u16 type; /* of what follows, host order */
};

AN_INLINE enum verdict link_parse(const struct cursor *frame, struct link *ret)
{
	const __u8 *header = cursor_at(frame, 0, LINK_HEADER_LEN);

	if (!header)
		return V_pass_link;
	ret->type = load_be16(header + 12);
	ret->end = LINK_HEADER_LEN;
#pragma GCC unroll 2
	for (int i = 0; i < LINK_TAGS_MAX; i++) {
		const __u8 *tag;

		if (ret->type != LINK_VLAN && ret->type != LINK_QINQ)
			break;
		tag = cursor_at(frame, ret->end, LINK_TAG_LEN);
		if (!tag)
			return V_pass_link;
		ret->type = load_be16(tag + 2);
		ret->end += LINK_TAG_LEN;
	}
	return V_GO_ON;
}

/* The station that the frame is for is this one, and it comes from one: a reply goes back to where
 * it came from, and never to a group. */
AN_INLINE int link_is_for(const struct cursor *frame, const __u8 mac[6])
{
	const __u8 *header = cursor_at(frame, 0, LINK_HEADER_LEN);

	return header && load32(header) == load32(mac) && load16(header + 4) == load16(mac + 4) &&
	       !(header[6] & LINK_GROUP);
}

/* Sends the frame back to where it came from. `header` has LINK_HEADER_LEN octets. */
AN_INLINE void link_turn(__u8 *header)
{
	__u32 high = load32(header);
	__u16 low = load16(header + 4);

	store32(header, load32(header + 6));
	store16(header + 4, load16(header + 10));
	store32(header + 6, high);
	store16(header + 10, low);
}

#endif
