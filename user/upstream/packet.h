/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet - questions to upstream, and what their replies say. Pure.
 *
 * Questions are written by hand; replies are read by ldns (packet.c is the
 * only file of this room that knows it), bounded, whatever is in them. Owns
 * nothing. Rules: RFC 1035, 2181 8, 2308 5, 5452 9, 6891, 7871.
 */
#ifndef ANAMED_UPSTREAM_PACKET_H
#define ANAMED_UPSTREAM_PACKET_H

#include "base/name.h"
#include "base/net.h"
#include "upstream/upstream.h"

#define PACKET_QUESTION_MAX (12 + NAME_MAX_LEN + 4 + 11 + 8 + 16)
#define PACKET_CASE_OCTETS  32 /* one bit for each octet of the longest name */

struct packet_question {
	const uint8_t *name; /* wire, lower case */
	size_t name_len;
	uint16_t type;
	bool recursion;       /* RD */
	bool edns;            /* an OPT record */
	bool ecs;             /* with a client subnet option; needs edns */
	struct network asked; /* of the option; family 0: SOURCE 0 */
};

/* Writes the query with id 0; the bits of `cases` make letters upper case (0x20). Returns its
 * length. */
size_t packet_question(const struct packet_question *question,
                       const uint8_t cases[PACKET_CASE_OCTETS], uint8_t ret[PACKET_QUESTION_MAX]);

/*
 * True if the reply may be believed to answer the query: QR, opcode, id, the
 * question octet for octet, and where it echoes a client subnet that was sent,
 * FAMILY, SOURCE and ADDRESS (RFC 5452 9.1, RFC 7871 7.3). A truncated reply is
 * held to id and question only. That the rest can be read is not promised.
 */
bool packet_matches(const uint8_t *query, size_t query_len, const uint8_t *reply, size_t reply_len);

struct packet_answer {
	uint16_t rcode; /* with the upper bits of OPT */
	bool authoritative, truncated;
	bool recursion; /* RA */
	bool ecs_echoed;
	uint8_t scope;         /* 0 without the option */
	bool answered;         /* the answer section had a record of the chain or an address */
	bool loop;             /* chain too long, or it bites its tail */
	uint32_t ttl;          /* least over chain and addresses; UINT32_MAX if there are none */
	bool soa;              /* in authority, of a zone that the chain's last name is in */
	uint32_t negative_ttl; /* min(SOA's TTL, MINIMUM); 0 without SOA */
	uint8_t chain_count;
	uint8_t chain[UPSTREAM_CHAIN_MAX][NAME_MAX_LEN]; /* targets, lower case */
	uint16_t count; /* addresses, sorted, no doubles: the least 64 */
	uint8_t octets[UPSTREAM_ADDRESSES_MAX * 16];
};

/* Reads a reply about (name, type). 0, or -EBADMSG if it is malformed, or -ENOMEM. */
int packet_read(const uint8_t *reply, size_t len, const uint8_t *name, size_t name_len,
                uint16_t type, struct packet_answer *ret);

#endif
