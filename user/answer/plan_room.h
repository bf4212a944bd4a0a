/* SPDX-License-Identifier: BSD-2-Clause */
/* plan_room - what plan.c and plan_item.c have between them. */
#ifndef ANAMED_ANSWER_PLAN_ROOM_H
#define ANAMED_ANSWER_PLAN_ROOM_H

#include "answer/plan.h"

static inline bool plan_is_address(uint16_t type)
{
	return type == AN_TYPE_A || type == AN_TYPE_AAAA;
}

/* Set by another thread while the zone is served. */
static inline bool plan_zone_is_expired(const struct zone *zone)
{
	return __atomic_load_n(&zone->expired, __ATOMIC_RELAXED);
}

/* Items, in any order of sections. Names and data are not copied. NULL: the plan is full. */
struct plan_item *plan_add_item(struct plan *plan, enum message_section section,
                                const uint8_t *owner, size_t owner_len);

/* An RRset of zone data with a TTL of its own or, if that is less, ttl_max. */
struct plan_item *plan_add_bare(struct plan *plan, enum message_section section,
                                const uint8_t *owner, size_t owner_len,
                                const struct zone_rrset *rrset, uint32_t ttl_max);

/* The same with its signatures, where who asks wants them: the set is that of `node` in plan->zone,
 * which has authority for it, and which is a wildcard if its name is not the owner. */
struct plan_item *plan_add_rrset(struct plan *plan, enum message_section section,
                                 const uint8_t *owner, size_t owner_len,
                                 const struct zone_node *node, const struct zone_rrset *rrset,
                                 uint32_t ttl_max);
/* False: of the pool's members that this query would get none lives. */
bool plan_add_addresses(struct plan *plan, enum message_section section, const uint8_t *owner,
                        size_t owner_len, uint16_t type, const struct store_found *found);

bool plan_has(const struct plan *plan, enum message_section section, const uint8_t *owner,
              size_t owner_len, uint16_t wire_type);

/* No such data or, with `name`, no such name. */
void plan_deny(struct plan *plan, bool name);

/* RFC 2308 3: our SOA with the negative TTL, at most ttl_max. */
void plan_add_negative(struct plan *plan, uint32_t ttl_max);

/* RFC 1034 4.3.2 step 6: addresses of what a set names as its targets; of one name. */
void plan_add_targets(struct plan *plan, const struct zone_rrset *rrset);
void plan_add_target(struct plan *plan, const uint8_t *name, size_t len, uint16_t type);

/* RFC 1034 4.3.2 step 3b: the cut's NS set and its glue. */
void plan_refer(struct plan *plan, const struct zone_node *cut);

/* Nothing but an RCODE. */
void plan_fail(struct plan *plan, unsigned int rcode, int ede, const char *text);

/* store_find() by a name in any case. */
struct store_found plan_find_stored(const struct plan *plan, const struct network *network,
                                    uint32_t region, const uint8_t *name, size_t len, uint16_t type,
                                    bool last_try);

#endif
