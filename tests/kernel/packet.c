/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

const uint8_t packet_client_mac[6] = {0x02, 0xc1, 0x13, 0x47, 0x00, 0x01};
const uint8_t packet_server_mac[6] = {0x02, 0x5e, 0x21, 0x36, 0x00, 0x02};

void packet_put(struct packet *packet, const void *octets, size_t len)
{
	assert(packet->len + len <= PACKET_MAX);
	if (len)
		memcpy(packet->octets + packet->len, octets, len);
	packet->len += len;
}

void packet_put8(struct packet *packet, unsigned int value)
{
	uint8_t octet = (uint8_t)value;

	packet_put(packet, &octet, 1);
}

void packet_put16(struct packet *packet, unsigned int value)
{
	packet_put8(packet, value >> 8);
	packet_put8(packet, value & 0xff);
}

void packet_put32(struct packet *packet, uint32_t value)
{
	packet_put16(packet, value >> 16);
	packet_put16(packet, value & 0xffff);
}

void packet_set16(struct packet *packet, size_t at, unsigned int value)
{
	packet->octets[at] = (uint8_t)(value >> 8);
	packet->octets[at + 1] = (uint8_t)value;
}

unsigned int packet_get16(const struct packet *packet, size_t at)
{
	return (unsigned int)packet->octets[at] << 8 | packet->octets[at + 1];
}

unsigned int packet_sum(const uint8_t *octets, size_t len, unsigned int sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? octets[i] : (unsigned int)octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

struct query_spec query_spec(bool ipv6, const uint8_t *name, size_t name_len, uint16_t type)
{
	struct query_spec spec = {.ipv6 = ipv6,
	                          .source_port = 40961,
	                          .port = 53,
	                          .id = 0xbeef,
	                          .flags = 0x0100,
	                          .name = name,
	                          .name_len = name_len,
	                          .type = type,
	                          .class = 1,
	                          .payload = 1232};

	inet_pton(ipv6 ? AF_INET6 : AF_INET, ipv6 ? "2001:db8:77:1234::9" : "203.0.113.77",
	          spec.source);
	inet_pton(ipv6 ? AF_INET6 : AF_INET, ipv6 ? "2001:db8:53::53" : "192.0.2.53",
	          spec.destination);
	return spec;
}

void query_spec_ecs(struct query_spec *spec, unsigned int family, unsigned int source,
                    const char *address)
{
	spec->opt = spec->ecs = true;
	spec->subnet = (struct subnet){.family = family, .source = source};
	inet_pton(family == 2 ? AF_INET6 : AF_INET, address, spec->subnet.address);
	spec->subnet.address_len = (source + 7) / 8;
}

size_t spec_ip_at(const struct query_spec *spec)
{
	return 14 + 4 * spec->tags;
}

size_t spec_udp_at(const struct query_spec *spec)
{
	return spec_ip_at(spec) + (spec->ipv6 ? 40 : 20);
}

size_t spec_dns_at(const struct query_spec *spec)
{
	return spec_udp_at(spec) + 8;
}

static void put_link(const struct query_spec *spec, struct packet *packet)
{
	packet_put(packet, packet_server_mac, 6);
	packet_put(packet, packet_client_mac, 6);
	for (unsigned int i = 0; i < spec->tags; i++) {
		packet_put16(packet, i + 1 < spec->tags ? 0x88a8 : 0x8100);
		packet_put16(packet, 0x2000 | (100 + i)); /* priority 1, VLAN 100 and on */
	}
	packet_put16(packet, spec->ipv6 ? 0x86dd : 0x0800);
}

static void put_ip(const struct query_spec *spec, struct packet *packet)
{
	if (spec->ipv6) {
		packet_put32(packet, 0x60012345); /* a flow label, which does not come back */
		packet_put16(packet, 0);
		packet_put16(packet, 17 << 8 | 57);
		packet_put(packet, spec->source, 16);
		packet_put(packet, spec->destination, 16);
		return;
	}
	packet_put16(packet, 0x4500);
	packet_put16(packet, 0);
	packet_put16(packet, 0x1234);
	packet_put16(packet, 0);
	packet_put16(packet, 57 << 8 | 17);
	packet_put16(packet, 0);
	packet_put(packet, spec->source, 4);
	packet_put(packet, spec->destination, 4);
}

static void put_opt(const struct query_spec *spec, struct packet *packet)
{
	const struct subnet *subnet = &spec->subnet;
	size_t len_at;

	packet_put8(packet, 0);
	packet_put16(packet, 41);
	packet_put16(packet, spec->payload);
	packet_put32(packet, spec->dnssec_ok ? 0x8000 : 0);
	len_at = packet->len;
	packet_put16(packet, 0);
	packet_put(packet, spec->before, spec->before_len);
	if (spec->ecs) {
		packet_put16(packet, 8);
		packet_put16(packet, 4 + subnet->address_len);
		packet_put16(packet, subnet->family);
		packet_put8(packet, subnet->source);
		packet_put8(packet, subnet->scope);
		packet_put(packet, subnet->address, subnet->address_len);
	}
	packet_put(packet, spec->after, spec->after_len);
	packet_set16(packet, len_at, (unsigned int)(packet->len - len_at - 2));
}

void query_build(const struct query_spec *spec, struct packet *ret)
{
	static const uint8_t zeros[64];

	ret->len = 0;
	put_link(spec, ret);
	put_ip(spec, ret);
	packet_put16(ret, spec->source_port);
	packet_put16(ret, spec->port);
	packet_put32(ret, 0);
	packet_put16(ret, spec->id);
	packet_put16(ret, spec->flags);
	packet_put16(ret, 1);
	packet_put32(ret, 0);
	packet_put16(ret, spec->opt ? 1 : 0);
	packet_put(ret, spec->name, spec->name_len);
	packet_put16(ret, spec->type);
	packet_put16(ret, spec->class);
	if (spec->opt)
		put_opt(spec, ret);
	query_finish(spec, ret);
	packet_put(ret, zeros, spec->padding);
}

void query_finish(const struct query_spec *spec, struct packet *packet)
{
	size_t ip = spec_ip_at(spec), udp = spec_udp_at(spec), len = packet->len - udp;

	packet_set16(packet, udp + 4, (unsigned int)len);
	/* As on veth with offload: only the pseudo-header's sum. The program must not care. */
	packet_set16(packet, udp + 6, 0x4242);
	if (spec->ipv6) {
		packet_set16(packet, ip + 4, (unsigned int)len);
		return;
	}
	packet_set16(packet, ip + 2, (unsigned int)(len + 20));
	packet_set16(packet, ip + 10, 0);
	packet_set16(packet, ip + 10, ~packet_sum(packet->octets + ip, 20, 0) & 0xffff);
}
