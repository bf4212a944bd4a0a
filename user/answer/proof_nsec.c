/* SPDX-License-Identifier: BSD-2-Clause */
/* Proofs by NSEC (RFC 4035 3.1.3), out of zones that came signed. */
#include "answer/proof.h"
#include "zone/chain.h"

/* The NSEC of a node, once. */
static void add(struct plan *plan, const struct zone_node *node)
{
	const struct zone_rrset *nsec = node ? zone_rrset(node, AN_TYPE_NSEC) : NULL;

	if (nsec && !plan_has(plan, MESSAGE_AUTHORITY, node->name, node->name_len, AN_TYPE_NSEC))
		plan_add_rrset(plan, MESSAGE_AUTHORITY, node->name, node->name_len, node, nsec,
		               UINT32_MAX);
}

/* No closer name than the wildcard exists (3.1.3.3). */
static void add_no_closer(struct plan *plan)
{
	add(plan, chain_at(plan->zone, plan->owner, plan->owner_len));
}

/* 3.1.3.1 and, out of a wildcard, 3.1.3.4. */
static void nodata(struct plan *plan)
{
	add(plan, chain_at_node(plan->zone, plan->match.node));
	if (plan->match.wildcard)
		add_no_closer(plan);
}

/* 3.1.3.2 */
static void nxdomain(struct plan *plan)
{
	add_no_closer(plan);
	add(plan, chain_at_wildcard(plan->zone, plan->match.closest));
}

/* 3.1.4.1 */
static void no_ds(struct plan *plan, const struct zone_node *cut)
{
	add(plan, chain_at_node(plan->zone, cut));
}

const struct proof_kind proof_nsec = {
        .sign = proof_sign_from_zone,
        .nodata = nodata,
        .nxdomain = nxdomain,
        .expanded = add_no_closer,
        .no_ds = no_ds,
};
