/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_message - a primary's message, taken apart record by record. Pure.
 *
 * Knows headers, questions, and the records of the answer section, with every
 * compressed name spelled out: in owners, and in rdata wherever a name may lie
 * (RFC 1035 4.1.4, RFC 3597 4). Pointers lead backwards only, so that every
 * name ends. Reads nothing outside the message; keeps the pointer.
 */
#ifndef ANAMED_TRANSFER_IN_MESSAGE_H
#define ANAMED_TRANSFER_IN_MESSAGE_H

#include "base/config.h"
#include "base/error.h"
#include "base/name.h"

/* Types that are ANAMEs on this wire; 0: none. */
struct in_types {
	uint16_t aname[4];
};

struct in_question {
	uint16_t id;
	const uint8_t *apex; /* lower case */
	size_t apex_len;
	uint16_t type;
};

struct in_message {
	const uint8_t *octets;
	size_t len, at;
	uint16_t flags;
	unsigned int left; /* records of the answer section that are still to be read */
};

struct in_record {
	uint16_t type; /* AN_TYPE_ANAME for every type in in_types */
	uint16_t class;
	uint32_t ttl;
	uint16_t rdata_len;
	uint8_t name_len;
	uint8_t name[NAME_MAX_LEN]; /* case kept */
	uint8_t rdata[65535];
};

/* Reads the header and the question, which are to match (a message of a transfer may have no
 * question: RFC 5936 2.2.1). 0; -EBADMSG. */
int in_message_begin(struct in_message *ret, const uint8_t *octets, size_t len,
                     const struct in_question *question, struct error *error);

/* The next record of the answer section. 1; 0: no more; -EBADMSG. */
int in_message_record(struct in_message *message, const struct in_types *types,
                      struct in_record *ret, struct error *error);

/* True if the record is the SOA of this apex; *ret_serial is its serial. */
bool in_message_soa(const struct in_record *record, const uint8_t *apex, size_t apex_len,
                    uint32_t *ret_serial);

/*
 * A query for the zone's SOA, IXFR or AXFR, without TSIG; `soa` is the rdata that an IXFR
 * carries (RFC 1995 3), NULL otherwise. Length; 0: it does not fit.
 */
size_t in_message_query(const struct in_question *question, const uint8_t *soa, size_t soa_len,
                        uint8_t *out, size_t size);

/* "REFUSED", or "RCODE 17"; returns ret. */
char *in_message_rcode(unsigned int rcode, char ret[20]);

#endif
