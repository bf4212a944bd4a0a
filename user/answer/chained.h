/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chained - flattened answers that a CNAME leads to, in the kernel.
 *
 * The kernel has an owner of its own for the name that is asked, with all the
 * answers of the name that is flattened, each with the chain before it. They
 * last until anything changes at that name: then all go, and those that were
 * asked for come back. So what the kernel says never differs from what the
 * store holds, and no narrower answer is left out.
 *
 * Not held: answers out of pools or by region, of a name that is failing or
 * has many networks; chains that leave the zone; more addresses than there
 * are places for TTLs in a tail.
 *
 * All of it is the loop's.
 */
#ifndef ANAMED_ANSWER_CHAINED_H
#define ANAMED_ANSWER_CHAINED_H

#include "answer/flatten_room.h"

/* What a worker has answered through a chain. */
void chained_offer(struct flatten *flatten, const struct offer *offer);

/* Before a change at this owner: out of the kernel. -> what chained_renew() takes. */
struct chained *chained_take(struct flatten *flatten, struct store_owner *owner);
/* After it: back goes what was asked for. */
void chained_renew(struct flatten *flatten, struct chained *chained);
/* The same where nothing is to come back. */
void chained_drop(struct flatten *flatten, struct store_owner *owner);

/* clock_ms() of the kernel's last hit on this answer through a chain, 0 for none. */
uint64_t chained_used_ms(const struct flatten *flatten, const struct answer *answer);

#endif
