/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proof - what lets a validator check a reply: signatures, and that something
 * is not there.
 *
 * plan.c and plan_item.c say what happened, and the zone's kind of security
 * (zone/zone.h) what goes along: RFC 4035 3.1 and RFC 5155 7.2 for zones that
 * came signed. Nothing is added unless the query has DO set and plan->zone, in
 * which it happened, is secure; a chain through several zones has of each what
 * that one has. Items go into the section in which they must be; a signature
 * in the additional section is left out without TC where there is no room.
 */
#ifndef ANAMED_ANSWER_PROOF_H
#define ANAMED_ANSWER_PROOF_H

#include "answer/plan_room.h"

/* Are there proofs to be given, in plan->zone? */
bool proof_wanted(const struct plan *plan);

/* The signatures of an RRset of zone data that was just added: that of `node`, a wildcard if its
 * name is not the owner. */
void proof_sign(struct plan *plan, const struct plan_item *item, const struct zone_node *node);

/* Of addresses of a flattened answer. */
void proof_sign_stored(struct plan *plan, const struct plan_item *item,
                       const struct answer *answer);

/* The SOA stands already; plan->match says how the name was looked for. The name may be an empty
 * non-terminal, or a wildcard's. */
void proof_nodata(struct plan *plan);
void proof_nxdomain(struct plan *plan); /* may change plan->rcode */

/* Signed data were added for plan->owner; where plan->match.wildcard is set: no closer name exists.
 */
void proof_expanded(struct plan *plan);

/* A delegation without DS. */
void proof_no_ds(struct plan *plan, const struct zone_node *cut);

/* How zones of one kind of security do the above; a member that is NULL: there is nothing to do. */
struct proof_kind {
	void (*sign)(struct plan *plan, const struct plan_item *item, const struct zone_node *node);
	void (*sign_stored)(struct plan *plan, const struct plan_item *item,
	                    const struct answer *answer);
	void (*nodata)(struct plan *plan);
	void (*nxdomain)(struct plan *plan);
	void (*expanded)(struct plan *plan); /* out of a wildcard */
	void (*no_ds)(struct plan *plan, const struct zone_node *cut);
};

/* Signatures that are zone data: of the kinds that came signed. */
void proof_sign_from_zone(struct plan *plan, const struct plan_item *item,
                          const struct zone_node *node);

extern const struct proof_kind proof_nsec;  /* RFC 4035 3.1.3: proof_nsec.c */
extern const struct proof_kind proof_nsec3; /* RFC 5155 7.2: proof_nsec3.c */

#endif
