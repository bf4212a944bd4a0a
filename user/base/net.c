/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/net.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t load_half(const uint8_t *half)
{
	uint64_t word;

	memcpy(&word, half, sizeof(word));
	return be64toh(word);
}

/* Keeps the first `len` bits of eight octets, up to all 64. */
static void mask_half(uint8_t *half, unsigned int len)
{
	uint64_t word = len ? load_half(half) & ~UINT64_C(0) << (64 - len) : 0;

	word = htobe64(word);
	memcpy(half, &word, sizeof(word));
}

void net_mask(uint8_t address[16], unsigned int len)
{
	if (len < 64) {
		mask_half(address, len);
		memset(address + 8, 0, 8);
	} else if (len < 128) {
		mask_half(address + 8, len - 64);
	}
}

struct network network_of(uint8_t family, const uint8_t address[16], unsigned int len)
{
	struct network network = {.family = family};

	if (len > net_family_bits(family))
		len = net_family_bits(family);
	network.len = (uint8_t)len;
	memcpy(network.address, address, net_family_octets(family));
	net_mask(network.address, len);
	return network;
}

bool network_equal(const struct network *a, const struct network *b)
{
	return a->family == b->family && a->len == b->len && !memcmp(a->address, b->address, 16);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned int len)
{
	uint64_t differ = load_half(a) ^ load_half(b);

	if (len > 64) {
		if (differ)
			return false;
		differ = load_half(a + 8) ^ load_half(b + 8);
		len -= 64;
	}
	return !len || !(differ >> (64 - len));
}

bool network_contains(const struct network *outer, const struct network *inner)
{
	if (outer->family == 0)
		return true;
	return outer->family == inner->family && outer->len <= inner->len &&
	       same_prefix(outer->address, inner->address, outer->len);
}

unsigned int network_shared(const struct network *a, const struct network *b)
{
	unsigned int most = a->len < b->len ? a->len : b->len, shared = 0;
	uint64_t differ = 0;

	while (shared < 128 &&
	       !(differ = load_half(a->address + shared / 8) ^ load_half(b->address + shared / 8)))
		shared += 64;
	if (differ)
		shared += (unsigned int)__builtin_clzll(differ);
	return shared < most ? shared : most;
}

static int parse_address(const char *text, uint8_t *family, uint8_t address[16])
{
	memset(address, 0, 16);
	if (inet_pton(AF_INET, text, address) == 1)
		*family = AN_FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, address) == 1)
		*family = AN_FAMILY_IPV6;
	else
		return -EINVAL;
	return 0;
}

static int parse_number(const char *text, unsigned long limit, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	return errno || *end || *ret > limit ? -EINVAL : 0;
}

int network_parse(const char *text, struct network *ret)
{
	char copy[NET_TEXT_MAX];
	struct network full = {0}, cut;
	unsigned long len;
	char *slash;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (parse_address(copy, &full.family, full.address))
		return -EINVAL;
	len = net_family_bits(full.family);
	if (slash && parse_number(slash, len, &len))
		return -EINVAL;
	cut = network_of(full.family, full.address, (unsigned int)len);
	if (memcmp(cut.address, full.address, 16))
		return -EINVAL;
	*ret = cut;
	return 0;
}

char *net_address_text(uint8_t family, const uint8_t *address, char ret[NET_TEXT_MAX])
{
	if (!inet_ntop(family == AN_FAMILY_IPV6 ? AF_INET6 : AF_INET, address, ret, NET_TEXT_MAX))
		strcpy(ret, "?");
	return ret;
}

char *network_text(const struct network *network, char ret[NET_TEXT_MAX])
{
	char address[NET_TEXT_MAX];

	if (!network->family)
		return strcpy(ret, "0/0");
	snprintf(ret, NET_TEXT_MAX, "%.50s/%u",
	         net_address_text(network->family, network->address, address), network->len);
	return ret;
}

int endpoint_parse(const char *text, uint16_t default_port, struct endpoint *ret)
{
	struct endpoint endpoint = {.port = default_port};
	char copy[NET_TEXT_MAX];
	char *mark;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	mark = strpbrk(copy, "@ ");
	if (mark) {
		unsigned long port;

		*mark++ = '\0';
		if (parse_number(mark, 65535, &port) || port == 0)
			return -EINVAL;
		endpoint.port = (uint16_t)port;
	}
	if (parse_address(copy, &endpoint.family, endpoint.address))
		return -EINVAL;
	*ret = endpoint;
	return 0;
}

char *endpoint_text(const struct endpoint *endpoint, char ret[NET_TEXT_MAX])
{
	char address[NET_TEXT_MAX];

	snprintf(ret, NET_TEXT_MAX, "%.50s@%u",
	         net_address_text(endpoint->family, endpoint->address, address), endpoint->port);
	return ret;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (endpoint->family == AN_FAMILY_IPV6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(endpoint->port);
		in6->sin6_scope_id = endpoint->scope;
		memcpy(&in6->sin6_addr, endpoint->address, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	in->sin_family = AF_INET;
	in->sin_port = htons(endpoint->port);
	memcpy(&in->sin_addr, endpoint->address, 4);
	return sizeof(*in);
}

int endpoint_from_sockaddr(const struct sockaddr_storage *address, struct endpoint *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct endpoint endpoint = {0};

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		endpoint.family = AN_FAMILY_IPV4;
		endpoint.port = ntohs(in->sin_port);
		memcpy(endpoint.address, &in->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		endpoint.port = ntohs(in6->sin6_port);
		endpoint.scope = in6->sin6_scope_id;
		if (!memcmp(&in6->sin6_addr, mapped, 12)) {
			endpoint.family = AN_FAMILY_IPV4;
			memcpy(endpoint.address, in6->sin6_addr.s6_addr + 12, 4);
		} else {
			endpoint.family = AN_FAMILY_IPV6;
			memcpy(endpoint.address, &in6->sin6_addr, 16);
		}
	} else {
		return -EAFNOSUPPORT;
	}
	*ret = endpoint;
	return 0;
}
