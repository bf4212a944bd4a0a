/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * body - the records of a denial or of a referral, rendered once.
 *
 * They are the same for every name of the zone that is denied, and for every
 * name below one cut, but for their compression pointers, which lead further
 * on the longer the question is. So they are rendered as for the apex or for
 * the cut as the question, kept with the zone (zone/memo.h) when first needed,
 * and copied from then on: the octets are those that rendering would give.
 */
#ifndef ANAMED_ANSWER_BODY_H
#define ANAMED_ANSWER_BODY_H

#include "answer/message.h"
#include "zone/zone.h"

struct body;

/* For `name` (lower case) as the question; `cut` NULL: the denial. NULL: this one is to be
 * rendered. */
const struct body *body_find(const struct zone *zone, const struct zone_node *cut,
                             const uint8_t *name, size_t len);

/* Behind a question with a name of `len` octets. False: there is no room, nothing is written. */
bool body_put(const struct body *body, struct message *m, size_t len);

#endif
