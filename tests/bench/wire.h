/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire - frames and DNS messages of the benchmark: written, and taken apart.
 *
 * Written apart from the program under test, so that both cannot share a
 * mistake. Pure; never reads outside the frame.
 */
#ifndef ANAMED_TESTS_BENCH_WIRE_H
#define ANAMED_TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_TYPE_OPT    41
#define WIRE_RECORDS_MAX 32

extern const uint8_t wire_client_mac[6], wire_server_mac[6];
extern const uint8_t wire_client_ipv6[16], wire_server_ipv6[16], wire_server_ipv4[4];

/* What does not fit is not written: a frame is then too short to be sent. */
struct wire_out {
	uint8_t *octets;
	size_t len, room;
};
void wire_out(struct wire_out *out, const void *octets, size_t len);
void wire_out8(struct wire_out *out, unsigned int value);
void wire_out16(struct wire_out *out, unsigned int value);
void wire_out32(struct wire_out *out, uint32_t value);

/* Lengths and checksums into a finished frame. */
void wire_finish(uint8_t *frame, size_t len);

static inline unsigned int wire_get16(const uint8_t *octets)
{
	return (unsigned int)octets[0] << 8 | octets[1];
}

struct wire_packet {
	const uint8_t *source, *destination, *dns;
	size_t address_len, dns_len; /* octets of the DNS message, by UDP's length */
	uint16_t source_port, destination_port;
};
/* 0, or -1: not a whole UDP datagram with a DNS header. */
int wire_parse(const uint8_t *frame, size_t len, struct wire_packet *ret);

/* Addresses and ports turned around. */
bool wire_is_answer_to(const struct wire_packet *query, const struct wire_packet *reply);

/* NULL, or which checksum is wrong. udp: UDP's too (a device may leave that to be done). */
const char *wire_checksums(const uint8_t *frame, size_t len, bool udp);

struct wire_record {
	uint16_t type, len;
	uint32_t ttl;
	const uint8_t *data;
	bool owner_is_question;
};
struct wire_message {
	uint16_t flags;
	unsigned int count; /* of the answer section */
	struct wire_record records[WIRE_RECORDS_MAX];
	bool opt;
	const uint8_t *ecs; /* the whole option; NULL: none */
};
/* Reads a reply to the end; the question must be the query's, octet for octet. NULL or what is
 * wrong. */
const char *wire_message_parse(const struct wire_packet *query, const struct wire_packet *reply,
                               struct wire_message *ret);

#endif
