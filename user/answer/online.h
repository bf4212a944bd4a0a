/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * online - proofs of zones that are signed here: RFC 9824.
 *
 * RRsets of zone data are signed once an epoch (sign/signer.h), flattened
 * addresses when they are stored, and both as those of the name asked: names
 * out of a wildcard too. Denials are NSEC records of that one name; a name that
 * is not there is said not to be by NXNAME, and RCODE NOERROR unless the query
 * has CO set.
 */
#ifndef ANAMED_ANSWER_ONLINE_H
#define ANAMED_ANSWER_ONLINE_H

#include "answer/proof.h"

extern const struct proof_kind proof_online;

/* RRSIGs over a stored answer's addresses, as one reply has them: kept with the answer, freed with
 * it. */
struct answer_signatures;

/* Makes what a reply would need of a new answer: of each of its groups, as they live now. The
 * owner's zone; does nothing if that is not signed here. */
void online_sign_stored(const struct zone *zone, struct answer *answer);

void online_signatures_free(struct answer_signatures *signatures);

/* Asked for by its type: what the apex has by its keys. NULL: as for any other zone. */
const struct zone_rrset *online_rrset(const struct plan *plan, const struct zone_node *node,
                                      uint16_t type);

/* Types RRSIG and NSEC, which are made. False: any other type, or a zone that is not signed here.
 */
bool online_answer(struct plan *plan, const struct zone_node *node, uint16_t type);

/* The same for a name that is not there, to who was told that it has an NSEC. */
bool online_answer_absent(struct plan *plan);

/*
 * A denial that holds for one network alone is no proof: a validator would take
 * it for all (SEMANTICS 1.12). Where another network has addresses, those are
 * given, as where the last good answer of any network is: with the query's
 * SOURCE as scope, and a short life.
 */
void online_substitute(struct plan *plan, struct store_found *found);

/* Is it for the daemon to say whether this denial may be proven? By the writer. */
bool online_is_disputed(const struct zone *zone, const struct answer *answer);

#endif
