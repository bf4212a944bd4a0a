/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain - the NSEC or NSEC3 records of a zone that came signed, in their order.
 *
 * Made when the zone is: twelve octets for each of them, in the canonical
 * order of names (RFC 4034 6.1) or in that of hashes. The places of names that
 * are there, and of the wildcards below them, are looked for when first asked
 * for and then known by the name's node; so a name that is not there costs one
 * search and, with NSEC3, one hash. Records that do not belong to the chain,
 * since they lie below a cut or were hashed in another way, are no part of it.
 */
#ifndef ANAMED_ZONE_CHAIN_H
#define ANAMED_ZONE_CHAIN_H

#include "zone/nsec3.h"
#include "zone/zone.h"

struct chain {
	struct nsec3_param param; /* NSEC3 */
	size_t count;
	const uint64_t *keys;  /* the first octets of what is ordered */
	const uint32_t *nodes; /* numbers */
};

/* NSEC: whose record matches or covers the name, a name of the zone. NULL: the chain is empty. */
const struct zone_node *chain_at(const struct zone *zone, const uint8_t *name, size_t len);
const struct zone_node *chain_at_node(const struct zone *zone, const struct zone_node *node);
/* The same for "*" below the node. */
const struct zone_node *chain_at_wildcard(const struct zone *zone, const struct zone_node *node);

/* NSEC3: whose record matches the node's name; NULL: none does (RFC 5155 6: opt-out). */
const struct zone_node *chain_match(const struct zone *zone, const struct zone_node *node);
/* Whose record covers the name (or matches it). NULL: the chain is empty. */
const struct zone_node *chain_cover(const struct zone *zone, const uint8_t *name, size_t len);
const struct zone_node *chain_cover_wildcard(const struct zone *zone, const struct zone_node *node);

/* Its place in the chain. It must not be empty. */
size_t chain_place(const struct zone *zone, const uint8_t *name, size_t len);
/* The same of the owner of an NSEC3. */
size_t chain_place_hashed(const struct zone *zone, const uint8_t *owner);

/* The node of the name without its first label; NULL at the apex. */
const struct zone_node *chain_parent(const struct zone *zone, const struct zone_node *node);

#endif
