/* SPDX-License-Identifier: BSD-2-Clause */
/* Proofs by NSEC3 (RFC 5155 7.2), out of zones that came signed. */
#include "answer/proof.h"
#include "zone/chain.h"

/* The NSEC3 of a node, once. */
static void add(struct plan *plan, const struct zone_node *node)
{
	const struct zone_rrset *nsec3 = node ? zone_rrset(node, AN_TYPE_NSEC3) : NULL;

	if (nsec3 && !plan_has(plan, MESSAGE_AUTHORITY, node->name, node->name_len, AN_TYPE_NSEC3))
		plan_add_rrset(plan, MESSAGE_AUTHORITY, node->name, node->name_len, node, nsec3,
		               UINT32_MAX);
}

/* The name of one label more than the encloser has, on the way to `name`; its length. */
static size_t next_closer(const uint8_t **name, size_t len, const struct zone_node *encloser)
{
	while (len - 1u - **name > encloser->name_len) {
		len -= 1u + **name;
		*name += 1u + **name;
	}
	return len;
}

static void add_next_closer(struct plan *plan, const uint8_t *name, size_t len,
                            const struct zone_node *encloser)
{
	len = next_closer(&name, len, encloser);
	add(plan, chain_cover(plan->zone, name, len));
}

/* 7.2.1: of the name's ancestors, from `node` up, the first whose NSEC3 is there (opt-out leaves
 * out those that lead only to unsigned delegations), and that nothing closer is. */
static const struct zone_node *add_closest(struct plan *plan, const uint8_t *name, size_t len,
                                           const struct zone_node *node)
{
	const struct zone_node *match = NULL;

	while (node && !(match = chain_match(plan->zone, node)))
		node = chain_parent(plan->zone, node);
	if (!node)
		return NULL;
	add(plan, match);
	add_next_closer(plan, name, len, node);
	return node;
}

/* 7.2.3, 7.2.4, 7.2.7: the NSEC3 of the node; without one it is opt-out that says enough. */
static void add_node(struct plan *plan, const struct zone_node *node)
{
	const struct zone_node *match = chain_match(plan->zone, node);

	if (match)
		add(plan, match);
	else
		add_closest(plan, node->name, node->name_len, chain_parent(plan->zone, node));
}

static void nodata(struct plan *plan)
{
	/* 7.2.5 */
	if (plan->match.wildcard)
		add_closest(plan, plan->owner, plan->owner_len, plan->match.closest);
	add_node(plan, plan->match.node);
}

/* 7.2.2 */
static void nxdomain(struct plan *plan)
{
	const struct zone_node *closest =
	        add_closest(plan, plan->owner, plan->owner_len, plan->match.closest);

	if (closest)
		add(plan, chain_cover_wildcard(plan->zone, closest));
}

/* 7.2.6: the signature says how long the closest encloser is. */
static void expanded(struct plan *plan)
{
	add_next_closer(plan, plan->owner, plan->owner_len, plan->match.closest);
}

const struct proof_kind proof_nsec3 = {
        .sign = proof_sign_from_zone,
        .nodata = nodata,
        .nxdomain = nxdomain,
        .expanded = expanded,
        .no_ds = add_node,
};
