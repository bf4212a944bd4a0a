/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet - queries as frames, octet by octet, from a description.
 *
 * Written without the program's headers, slowly and plainly: it is what the
 * program is held against.
 */
#ifndef TESTS_KERNEL_PACKET_H
#define TESTS_KERNEL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 4096

struct packet {
	uint8_t octets[PACKET_MAX];
	size_t len;
};

void packet_put(struct packet *packet, const void *octets, size_t len);
void packet_put8(struct packet *packet, unsigned int value);
void packet_put16(struct packet *packet, unsigned int value);
void packet_put32(struct packet *packet, uint32_t value);
void packet_set16(struct packet *packet, size_t at, unsigned int value);
unsigned int packet_get16(const struct packet *packet, size_t at);

/* One's complement sum of octets (RFC 1071), folded; the slow way. */
unsigned int packet_sum(const uint8_t *octets, size_t len, unsigned int sum);

struct subnet {
	unsigned int family, source, scope;
	uint8_t address[16];
	unsigned int address_len;
};

/* A query. Zeros are a plain A query over IPv4 without tags and without OPT. */
struct query_spec {
	bool ipv6;
	unsigned int tags; /* VLAN tags: 0 to 2, more to be refused */
	uint8_t source[16], destination[16];
	uint16_t source_port, port;
	uint16_t id, flags;
	const uint8_t *name;
	size_t name_len;
	uint16_t type, class;
	bool opt, dnssec_ok;
	uint16_t payload;
	const uint8_t *before, *after; /* other options around ECS, raw */
	size_t before_len, after_len;
	bool ecs;
	struct subnet subnet;
	size_t padding; /* octets behind the datagram */
};

extern const uint8_t packet_client_mac[6], packet_server_mac[6];

/* A query for `name` from the usual client to the usual server. */
struct query_spec query_spec(bool ipv6, const uint8_t *name, size_t name_len, uint16_t type);
void query_spec_ecs(struct query_spec *spec, unsigned int family, unsigned int source,
                    const char *address);

/* Where things begin in the frame of a spec. */
size_t spec_ip_at(const struct query_spec *spec);
size_t spec_udp_at(const struct query_spec *spec);
size_t spec_dns_at(const struct query_spec *spec);

void query_build(const struct query_spec *spec, struct packet *ret);

/* IP and UDP lengths and checksums are put right after a frame's DNS message was changed. */
void query_finish(const struct query_spec *spec, struct packet *packet);

#endif
