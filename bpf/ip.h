/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ip.h - IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768), in and out. Pure.
 *
 * Taken are whole datagrams with the plain header: IPv4 of five words and not
 * a fragment, IPv6 without extension headers, and lengths that agree. Octets
 * behind the datagram are padding. Whether the checksum of what comes in is
 * right is not looked at: on veth and virtio it is only that of the pseudo-header.
 */
#ifndef ANAMED_BPF_IP_H
#define ANAMED_BPF_IP_H

#include "anamed/dns.h"
#include "cursor.h"
#include "link.h"
#include "verdict.h"

#define IP_UDP       17
#define IP_TTL       64
#define IP4_LEN      20
#define IP4_PLAIN    0x45   /* version 4, header of five words */
#define IP4_DF       0x4000 /* do not fragment */
#define IP4_PIECE    0x3fff /* more fragments, or an offset */
#define IP4_LOOPBACK 127    /* first octets of addresses */
#define IP4_GROUP    224    /* and what lies above */
#define IP6_GROUP    0xff
#define IP6_LEN      40
#define IP6_VERSION  6
#define UDP_LEN      8

/* Extension headers of IPv6: the IANA registry, without those that nobody sends. */
#define IP6_HOP_BY_HOP  0
#define IP6_ROUTING     43
#define IP6_FRAGMENT    44
#define IP6_ESP         50
#define IP6_AUTH        51
#define IP6_DESTINATION 60
#define IP6_MOBILITY    135
#define IP6_NO_NEXT     59
#define IP6_HIP         139
#define IP6_SHIM6       140

/* Addresses are two words as an_load8() reads them; IPv4 in the first four octets, the rest 0. */
struct datagram {
	__u64 at; /* offset of the IP header */
	__u64 ipv6;
	__u64 source[2];
	__u64 destination[2];
	__u64 sum;     /* of addresses and ports: the same in both directions */
	__u64 payload; /* offset of what UDP carries */
	__u64 len;     /* its octets */
	__u16 source_port;
	__be16 port;
};

AN_INLINE enum verdict udp_parse(const __u8 *udp, __u64 len, struct datagram *ret)
{
	if (len < UDP_LEN + AN_DNS_HEADER_LEN || load_be16(udp + 4) != len)
		return V_pass_length;
	/* RFC 8200 8.1: over IPv6 a datagram without a checksum is thrown away. */
	if (ret->ipv6 && !load16(udp + 6))
		return V_pass_transport;
	ret->source_port = load_be16(udp);
	ret->port = load16(udp + 2);
	ret->sum += le64((__u64)load32(udp)) & 0xffffffff;
	ret->len = len - UDP_LEN;
	return V_GO_ON;
}

/* `ip` has IP4_LEN octets. */
AN_INLINE void ipv4_addresses(const __u8 *ip, struct datagram *ret)
{
	ret->ipv6 = 0;
	ret->source[0] = an_load8(ip + 12) & 0xffffffff;
	ret->destination[0] = an_load8(ip + 12) >> 32;
	ret->source[1] = ret->destination[1] = 0;
}

AN_INLINE enum verdict ipv4_parse(const struct cursor *frame, __u64 at, struct datagram *ret)
{
	const __u8 *ip = cursor_at(frame, at, IP4_LEN);
	__u64 len;

	if (!ip)
		return V_pass_length;
	if (ip[0] != IP4_PLAIN)
		return V_pass_ip_header;
	if (ip[9] != IP_UDP)
		return V_pass_transport;
	if (load_be16(ip + 6) & IP4_PIECE)
		return V_pass_fragment;
	len = load_be16(ip + 2);
	ip = cursor_at(frame, at, IP4_LEN + UDP_LEN);
	if (!ip || len < IP4_LEN || at + len > frame->len)
		return V_pass_length;
	ipv4_addresses(ip, ret);
	ret->sum = ret->source[0] + ret->destination[0];
	ret->payload = at + IP4_LEN + UDP_LEN;
	return udp_parse(ip + IP4_LEN, len - IP4_LEN, ret);
}

AN_INLINE int ipv6_is_extension(__u8 next)
{
	return next == IP6_HOP_BY_HOP || next == IP6_ROUTING || next == IP6_FRAGMENT ||
	       next == IP6_ESP || next == IP6_AUTH || next == IP6_DESTINATION ||
	       next == IP6_MOBILITY || next == IP6_HIP || next == IP6_SHIM6;
}

/* `ip` has IP6_LEN octets. */
AN_INLINE void ipv6_addresses(const __u8 *ip, struct datagram *ret)
{
	ret->ipv6 = 1;
	ret->source[0] = an_load8(ip + 8);
	ret->source[1] = an_load8(ip + 16);
	ret->destination[0] = an_load8(ip + 24);
	ret->destination[1] = an_load8(ip + 32);
}

AN_INLINE enum verdict ipv6_parse(const struct cursor *frame, __u64 at, struct datagram *ret)
{
	const __u8 *ip = cursor_at(frame, at, IP6_LEN);
	__u64 len;

	if (!ip)
		return V_pass_length;
	if (ip[0] >> 4 != IP6_VERSION)
		return V_pass_ip_header;
	if (ip[6] != IP_UDP)
		return ipv6_is_extension(ip[6]) ? V_pass_extension : V_pass_transport;
	len = load_be16(ip + 4);
	ip = cursor_at(frame, at, IP6_LEN + UDP_LEN);
	if (!ip || at + IP6_LEN + len > frame->len)
		return V_pass_length;
	ipv6_addresses(ip, ret);
	ret->sum = sum_word(ret->source[0]) + sum_word(ret->source[1]) +
	           sum_word(ret->destination[0]) + sum_word(ret->destination[1]);
	ret->payload = at + IP6_LEN + UDP_LEN;
	return udp_parse(ip + IP6_LEN, len, ret);
}

AN_INLINE enum verdict ip_parse(const struct cursor *frame, const struct link *link,
                                struct datagram *ret)
{
	ret->at = link->end;
	if (link->type == LINK_IPV4)
		return ipv4_parse(frame, link->end, ret);
	if (link->type == LINK_IPV6)
		return ipv6_parse(frame, link->end, ret);
	return V_pass_link;
}

/*
 * A reply can go to where this came from: not to this network, to a loopback, to a group or
 * everybody (RFC 1122 3.2.1.3, RFC 4291 2.7), to IPv4 inside IPv6, to ourselves, to port 0.
 * The stack throws such datagrams away, so the daemon never answers them either.
 */
AN_INLINE int source_is_station(const struct datagram *datagram)
{
	const __u64 *source = datagram->source, *own = datagram->destination;
	__u32 first = source[0] & 0xff;

	if (!datagram->source_port || (source[0] == own[0] && source[1] == own[1]))
		return 0;
	if (datagram->ipv6)
		return source[0] && first != IP6_GROUP;
	return first && first != IP4_LOOPBACK && first < IP4_GROUP;
}

/* ---- the way back ---- */

/* `sum`: of everything behind the UDP header, and of datagram.sum. */
AN_INLINE void udp_turn(__u8 *udp, __u16 len, __u64 sum)
{
	__u32 ports = load32(udp);
	__u16 check;

	/* The length counts twice: in the header and in the pseudo-header. */
	sum += 2 * sum_be16(len) + sum_be16(IP_UDP);
	check = (__u16)~an_sum_fold(sum);
	store32(udp, ports << 16 | ports >> 16);
	store_be16(udp + 4, len);
	/* RFC 768: 0 would mean no checksum. */
	store16(udp + 6, le16(check ? check : 0xffff));
}

/* `ip` has IP4_LEN + UDP_LEN octets; `len` octets follow the UDP header. */
AN_INLINE void ipv4_turn(__u8 *ip, __u16 len, __u64 sum)
{
	__u32 source = load32(ip + 12), destination = load32(ip + 16);
	__u16 total = (__u16)(len + IP4_LEN + UDP_LEN);
	__u64 header = sum_be16(IP4_PLAIN << 8) + sum_be16(total) + sum_be16(IP4_DF) +
	               sum_be16(IP_TTL << 8 | IP_UDP) + sum_word(an_load8(ip + 12));

	store_be16(ip, IP4_PLAIN << 8);
	store_be16(ip + 2, total);
	store16(ip + 4, 0); /* RFC 6864 4.1: without fragments the id means nothing */
	store_be16(ip + 6, IP4_DF);
	store_be16(ip + 8, IP_TTL << 8 | IP_UDP);
	store16(ip + 10, le16((__u16)~an_sum_fold(header)));
	store32(ip + 12, destination);
	store32(ip + 16, source);
	udp_turn(ip + IP4_LEN, (__u16)(len + UDP_LEN), sum);
}

/* `ip` has IP6_LEN + UDP_LEN octets. */
AN_INLINE void ipv6_turn(__u8 *ip, __u16 len, __u64 sum)
{
	__u64 source[2] = {load64(ip + 8), load64(ip + 16)};

	store32(ip, be32((__u32)IP6_VERSION << 28));
	store_be16(ip + 4, (__u16)(len + UDP_LEN));
	store_be16(ip + 6, IP_UDP << 8 | IP_TTL);
	store64(ip + 8, load64(ip + 24));
	store64(ip + 16, load64(ip + 32));
	store64(ip + 24, source[0]);
	store64(ip + 32, source[1]);
	udp_turn(ip + IP6_LEN, (__u16)(len + UDP_LEN), sum);
}

#endif
