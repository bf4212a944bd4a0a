/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * canon - RRsets in the form that is signed: RFC 4034 6.2 and 6.3, RFC 6840 5.1.
 *
 * Owner in lower case, names in the rdata of the old types too, records by
 * their rdata, one TTL. Pure.
 */
#ifndef ANAMED_SIGN_CANON_H
#define ANAMED_SIGN_CANON_H

#include "base/wire.h"
#include "zone/zone.h"

/* An RRset, out of zone data or of octets that somebody has. */
struct sign_input {
	const uint8_t *owner; /* any case */
	size_t owner_len;
	uint16_t type; /* as on the wire */
	uint32_t ttl;
	const struct zone_rrset *rrset; /* zone data; NULL: */
	const uint8_t *octets;          /* `count` values of `stride` octets */
	uint16_t count, stride;
	const uint8_t *picked; /* of `octets`, these; NULL: all */
};

/* Octets that canon_put() writes at most. */
size_t canon_len(const struct sign_input *input);

/* The records. False: out of memory. */
bool canon_put(const struct sign_input *input, struct wire *w);

/* RFC 4034 3.1.3: labels of an owner, without the root's and a leading "*". */
unsigned int canon_labels(const uint8_t *owner);

#endif
