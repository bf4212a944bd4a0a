/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memo - what somebody makes of a zone's data once, kept as long as the zone.
 *
 * One for the zone, and one for each delegation. The zone stays as it is: a
 * memo says nothing that its data do not say, only faster. Any thread may look
 * and put; nobody waits.
 */
#ifndef ANAMED_ZONE_MEMO_H
#define ANAMED_ZONE_MEMO_H

#include "zone/zone.h"

/* First member of what is kept; free() gets it in the end. */
struct zone_memo {
	struct zone_memo *next;
};

/* `cut`: a node with ZONE_NODE_CUT that lies below no other; NULL: the zone's own. NULL: none yet.
 */
const struct zone_memo *zone_memo_find(const struct zone *zone, const struct zone_node *cut);

/* Takes the memo over. What is there afterwards: the first that was put. */
const struct zone_memo *zone_memo_put(const struct zone *zone, const struct zone_node *cut,
                                      struct zone_memo *memo);

#endif
