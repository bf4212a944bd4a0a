/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net - addresses, endpoints and networks.
 *
 * Families are those of RFC 7871 (AN_FAMILY_IPV4 = 1, AN_FAMILY_IPV6 = 2), not
 * of the sockets. Addresses are in network order, IPv4 in the first 4 octets,
 * the rest zero.
 */
#ifndef ANAMED_BASE_NET_H
#define ANAMED_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "anamed/dns.h"

#define NET_TEXT_MAX 64 /* "[ffff:...:255.255.255.255]@65535" and prefixes fit */

/* A network: bits past len are zero. family 0, len 0: everyone or nobody, as the context says. */
struct network {
	uint8_t family;
	uint8_t len;
	uint8_t address[16];
};

/* An address with a port (host order); scope is the interface index of a link-local address. */
struct endpoint {
	uint8_t family;
	uint16_t port;
	uint32_t scope;
	uint8_t address[16];
};

static inline unsigned int net_family_bits(uint8_t family)
{
	return family == AN_FAMILY_IPV6 ? 128 : 32;
}

static inline size_t net_family_octets(uint8_t family)
{
	return family == AN_FAMILY_IPV6 ? 16 : 4;
}

/* Zeroes the bits from len on of a 16-octet address. */
void net_mask(uint8_t address[16], unsigned int len);

/* The network of the first len bits of an address; len is cut to the family's. */
struct network network_of(uint8_t family, const uint8_t address[16], unsigned int len);

bool network_equal(const struct network *a, const struct network *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* True if `inner` lies wholly within `outer` (same family, no shorter). family 0 contains all. */
bool network_contains(const struct network *outer, const struct network *inner);

/* Leading bits that two networks of one family have in common: at most the shorter's length. */
unsigned int network_shared(const struct network *a, const struct network *b);

/* "192.0.2.0/24", "2001:db8::/32", or an address alone (full length). 0 or -EINVAL; host bits are
 * -EINVAL. */
int network_parse(const char *text, struct network *ret);
char *network_text(const struct network *network, char ret[NET_TEXT_MAX]);

/* "192.0.2.1", "2001:db8::1", with "@port" or " port"; without: default_port. 0 or -EINVAL. */
int endpoint_parse(const char *text, uint16_t default_port, struct endpoint *ret);
char *endpoint_text(const struct endpoint *endpoint, char ret[NET_TEXT_MAX]); /* "address@port" */
char *net_address_text(uint8_t family, const uint8_t *address, char ret[NET_TEXT_MAX]);

/* To and from sockets' addresses. The second returns 0 or -EAFNOSUPPORT; IPv4-mapped IPv6 becomes
 * IPv4. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *ret);
int endpoint_from_sockaddr(const struct sockaddr_storage *address, struct endpoint *ret);

#endif
