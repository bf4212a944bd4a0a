/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signature - transaction signatures on ordinary queries (RFC 8945).
 *
 * A query's TSIG is verified and taken off before the query is answered, and
 * the reply is signed with the same key. Queries without one cost a look at
 * the header, and where there are additional records a walk over them.
 */
#ifndef ANAMED_SERVE_SIGNATURE_H
#define ANAMED_SERVE_SIGNATURE_H

#include "answer/respond.h"
#include "transfer/tsig.h"

struct signature {
	bool present;    /* the reply gets one too */
	uint8_t *packet; /* the query without it */
	struct tsig tsig;
};

/*
 * Points *input at the query without its TSIG and reserves room for the
 * reply's. A bad one becomes the RCODE that the reply has to have (5.2).
 */
void signature_take(struct signature *signature, const struct world *world,
                    struct respond_input *input);

/* Signs what is to be sent, and frees. */
void signature_put(struct signature *signature, uint8_t *out, size_t size,
                   struct respond_result *result);

#endif
