/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdsec - RRSIG, NSEC and NSEC3 from a master file to the wire.
 *
 * A signed zone is mostly these, and ldns takes two allocations of 64 KiB for
 * each; it also takes a name that begins with the label "@" for the origin.
 * RFC 4034 3.2 and 4.2, RFC 5155 3.3.
 */
#ifndef ANAMED_ZONE_RDSEC_H
#define ANAMED_ZONE_RDSEC_H

#include "base/wire.h"
#include "zone/lex.h"

#define RDSEC_RRSIG_FIELDS 8 /* before the signature */

/* Rdata out of tokens; relative names end in `origin`. */
struct rdsec {
	const struct token *tokens;
	size_t count;
	const uint8_t *origin;
	size_t origin_len;
	size_t at; /* afterwards the token that is at fault */
};

/* Each writes its rdata (RRSIG: what stands before the signature). NULL, or what is wrong: a static
 * string. */
const char *rdsec_rrsig(struct rdsec *in, struct wire *out);
const char *rdsec_nsec(struct rdsec *in, struct wire *out);
const char *rdsec_nsec3(struct rdsec *in, struct wire *out);

#endif
