/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * far.h - where UDP begins behind what no reply is made for here. Pure.
 *
 * IPv4 options, IPv6 extension headers, first fragments, octets behind the
 * datagram: the stack takes all of it and hands the daemon a query, which has
 * to cost its source's network as much as any other. Only addresses and ports
 * are found out. Fragments without the ports lead nowhere without the first.
 */
#ifndef ANAMED_BPF_FAR_H
#define ANAMED_BPF_FAR_H

#include "ip.h"

#define FAR_HEADERS     8 /* in a row: more are nobody's who wants an answer */
#define FAR_PORT        53
#define FAR_HEADER_LEN  8 /* of the shortest, and of a fragment's */
#define FAR_IP4_OFFSET  0x1fff
#define FAR_IP6_OFFSET  0xfff8
#define FAR_IP4_VERSION 4

/* UDP at ret->payload */
AN_INLINE int far_ports(const struct cursor *frame, struct datagram *ret)
{
	const __u8 *udp = cursor_at(frame, ret->payload, UDP_LEN);

	if (!udp)
		return 0;
	ret->source_port = load_be16(udp);
	ret->port = load16(udp + 2);
	return 1;
}

AN_INLINE int far_ipv4(const struct cursor *frame, struct datagram *ret)
{
	const __u8 *ip = cursor_at(frame, ret->at, IP4_LEN);

	if (!ip || ip[0] >> 4 != FAR_IP4_VERSION || ip[9] != IP_UDP ||
	    load_be16(ip + 6) & FAR_IP4_OFFSET)
		return 0;
	ipv4_addresses(ip, ret);
	ret->payload = ret->at + (__u64)(ip[0] & 15) * 4;
	return far_ports(frame, ret);
}

/* The extension header at ret->payload -> ret->payload, behind it; what follows, or no header at
 * all. */
AN_INLINE __u8 far_next(const struct cursor *frame, __u8 kind, struct datagram *ret)
{
	const __u8 *header = cursor_at(frame, ret->payload, FAR_HEADER_LEN);
	__u64 len = FAR_HEADER_LEN;

	if (!header || (kind == IP6_FRAGMENT && load_be16(header + 2) & FAR_IP6_OFFSET))
		return IP6_NO_NEXT;
	if (kind == IP6_AUTH)
		len = ((__u64)header[1] + 2) * 4; /* RFC 4302 2.2 */
	else if (kind != IP6_FRAGMENT)
		len = ((__u64)header[1] + 1) * 8;
	ret->payload = keep(ret->payload + len, CURSOR_MAX);
	return header[0];
}

AN_INLINE int far_ipv6(const struct cursor *frame, struct datagram *ret)
{
	const __u8 *ip = cursor_at(frame, ret->at, IP6_LEN);

	if (!ip || ip[0] >> 4 != IP6_VERSION)
		return 0;
	ipv6_addresses(ip, ret);
	ret->payload = ret->at + IP6_LEN;
	ret->len = ip[6]; /* what comes next, while it is looked for */
#ifdef __clang__
#pragma clang loop unroll(disable)
#endif
	for (__u32 i = 0; i < FAR_HEADERS; i++) {
		if (!ipv6_is_extension((__u8)ret->len))
			break;
		ret->len = far_next(frame, (__u8)ret->len, ret);
		forget();
	}
	if (!ipv6_is_extension((__u8)ret->len))
		return ret->len == IP_UDP && far_ports(frame, ret);
	/* Whatever lies behind so many, it is not let by for that. */
	ret->source_port = FAR_PORT;
	ret->port = be16(FAR_PORT);
	return 1;
}

/* 1: addresses and ports of a datagram, which are all of *ret that means something. */
AN_INLINE int far_parse(const struct cursor *frame, struct datagram *ret)
{
	struct link link;

	if (frame->len > CURSOR_MAX || link_parse(frame, &link))
		return 0;
	ret->at = link.end;
	if (link.type == LINK_IPV4)
		return far_ipv4(frame, ret);
	return link.type == LINK_IPV6 && far_ipv6(frame, ret);
}

#endif
