/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reference - the reply that a query must get, rendered slowly from descriptions.
 *
 * Shares no code with the program but an_choice(), which is stated by the
 * treaty. Rules: SEMANTICS as docs/abi.md has them.
 */
#ifndef TESTS_KERNEL_REFERENCE_H
#define TESTS_KERNEL_REFERENCE_H

#include "packet.h"

#define REFERENCE_ADDRESSES_MAX 57

/* What a stored answer says: addresses in stored order, or none and an SOA in authority. */
struct answer_spec {
	uint16_t type;
	unsigned int count;
	uint8_t addresses[REFERENCE_ADDRESSES_MAX][16];
	uint32_t ttl;
	uint8_t scope; /* stored wire scope */
	unsigned int soa_minimum;
	const char *txt; /* an additional TXT record behind the rest, NULL for none: makes odd
	                    lengths */
};

/* How it goes out this time. */
struct reference {
	uint32_t ttl;
	unsigned int scope;
	bool stale; /* EDE 3, if the query had OPT */
	uint64_t seed;
	uint16_t payload; /* ours */
	unsigned int rcode;
	unsigned int apex_at;   /* where in the question name the SOA's owner begins */
	const uint8_t *cookie;  /* 24 octets that go back; NULL: none */
	bool truncated;         /* TC and no records */
	const uint32_t *choice; /* that rotation begins with; NULL: an_choice() of the query */
};

/* `count` addresses that tell this answer from others by `mark`. */
struct answer_spec answer_spec(uint16_t type, unsigned int count, unsigned int mark);

/* The records behind the question, TTLs as given. Records begin with the `first`th; the owner of
 * a SOA is `apex_at` octets into the question name. */
void reference_body(const struct answer_spec *answer, uint32_t ttl, unsigned int first,
                    unsigned int apex_at, struct packet *ret);

void reference_reply(const struct query_spec *query, const struct answer_spec *answer,
                     const struct reference *how, struct packet *ret);

/* an_choice() of the query. */
uint32_t reference_choice(const struct query_spec *query, uint64_t seed);

/* NULL if IP and UDP checksums of a frame are right, else what is wrong. */
const char *reference_checksums(const struct query_spec *query, const struct packet *frame);

#endif
