/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edns - the OPT record of a reply (RFC 6891).
 *
 * Options in one order: ECS, NSID, COOKIE, keepalive, EDE. Length and
 * octets come from the same fields, so what was reserved is what is written.
 */
#ifndef ANAMED_ANSWER_EDNS_H
#define ANAMED_ANSWER_EDNS_H

#include "base/wire.h"
#include "steer/audience.h"

struct edns {
	uint16_t payload; /* ours */
	uint16_t rcode;   /* extended: the upper 8 of 12 bits go here */
	bool dnssec_ok;
	bool compact_ok;       /* CO (RFC 9824 5.1) */
	const struct ecs *ecs; /* as asked; NULL: none */
	uint8_t scope;
	const char *nsid;      /* NULL: none */
	const uint8_t *cookie; /* COOKIE_LEN octets; NULL: none */
	int keepalive;         /* in 100 ms (RFC 7828 3.1); -1: none */
	int ede;               /* -1: none */
	const char *ede_text;
};

/* Octets of the whole record. */
size_t edns_len(const struct edns *edns);
void edns_put(struct wire *w, const struct edns *edns);

#endif
