/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_request - a secondary's question (AXFR, IXFR, SOA), taken apart; and who is asking.
 *
 * RFC 5936 2.1, RFC 1995 3. Never reads outside the packet; keeps the pointer.
 */
#ifndef ANAMED_TRANSFER_OUT_REQUEST_H
#define ANAMED_TRANSFER_OUT_REQUEST_H

#include "base/name.h"
#include "transfer/tsig.h"

struct out_request {
	const uint8_t *packet;
	size_t len;
	uint16_t id, flags;
	uint16_t rcode;             /* extended; NOERROR: go on */
	size_t question_end;        /* behind the question to be echoed; 12: none is */
	uint8_t name[NAME_MAX_LEN]; /* lower case */
	uint8_t name_len;
	uint16_t type, class;
	bool edns;
	uint16_t payload; /* at least 512 */
	bool dnssec_ok;
	bool has_serial; /* IXFR: the SOA in the authority section */
	uint32_t serial;
	bool tsig;       /* the last record */
	size_t tsig_at;  /* its offset */
	size_t rdlength; /* offset of its length field */
};

/* False: not a query, no reply. Faults are in ret->rcode. */
bool out_request_parse(struct out_request *ret, const uint8_t *packet, size_t len);

/*
 * The secondary that asks: of those whose network holds the source, the
 * longest count; one that wants a key has signed with it. NULL: none.
 */
const struct config_peer *out_request_peer(const struct config_zone *settings,
                                           const struct endpoint *source,
                                           const struct config_key *key);

#endif
