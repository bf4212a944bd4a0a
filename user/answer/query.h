/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query - a packet from a client, taken apart. Pure.
 *
 * Every well-formed query gets an answer (RFC 8906); what is malformed gets
 * the RCODE that says so. Only responses (QR set) and packets too short for a
 * header are dropped.
 */
#ifndef ANAMED_ANSWER_QUERY_H
#define ANAMED_ANSWER_QUERY_H

#include "base/name.h"
#include "steer/audience.h"

enum query_verdict {
	QUERY_OK,       /* opcode QUERY, one question, class IN or CH: go on */
	QUERY_ERROR,    /* reply with `rcode` (and ede) */
	QUERY_DROP,     /* no reply; counted */
	QUERY_TRANSFER, /* well-formed, for AXFR or IXFR */
	QUERY_NOTIFY,   /* well-formed, opcode NOTIFY */
};

struct query {
	const uint8_t *packet;
	size_t len;
	uint16_t id;
	uint16_t flags;      /* as received, host order */
	size_t question_end; /* offset behind the question to be echoed; 12: none is echoed */
	uint8_t name_len;    /* of `name` */
	uint16_t type, class;

	bool edns;        /* OPT was there: the reply has one */
	uint16_t payload; /* client's, at least 512; 512 without OPT */
	bool dnssec_ok;
	bool compact_ok;
	bool ecs_present;
	struct ecs ecs;
	bool nsid;
	bool keepalive;        /* means something over TCP only */
	const uint8_t *cookie; /* option data in the packet, or NULL: none, or cookies are off */
	uint8_t cookie_len;    /* one that cookie_len_is_possible() */

	uint16_t rcode; /* extended, for QUERY_ERROR */
	int ede;        /* -1: none */

	uint8_t name[NAME_MAX_LEN]; /* lower case; last, since nothing clears it */
};

/* Never reads outside packet[0..len-1]; keeps the pointer. */
enum query_verdict query_parse(const struct config *config, const uint8_t *packet, size_t len,
                               struct query *ret);

#endif
