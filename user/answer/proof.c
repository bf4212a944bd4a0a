/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/online.h"

static const struct proof_kind unproven;

static const struct proof_kind *const kinds[] = {
        [ZONE_INSECURE] = &unproven,
        [ZONE_PRESIGNED_NSEC] = &proof_nsec,
        [ZONE_PRESIGNED_NSEC3] = &proof_nsec3,
        [ZONE_SIGNED] = &proof_online,
};

bool proof_wanted(const struct plan *plan)
{
	return plan->question->dnssec_ok && plan->zone->security != ZONE_INSECURE;
}

static const struct proof_kind *kind_of(const struct plan *plan)
{
	return proof_wanted(plan) ? kinds[plan->zone->security] : &unproven;
}

void proof_sign(struct plan *plan, const struct plan_item *item, const struct zone_node *node)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->sign)
		kind->sign(plan, item, node);
}

void proof_sign_stored(struct plan *plan, const struct plan_item *item, const struct answer *answer)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->sign_stored)
		kind->sign_stored(plan, item, answer);
}

void proof_nodata(struct plan *plan)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->nodata)
		kind->nodata(plan);
}

void proof_nxdomain(struct plan *plan)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->nxdomain)
		kind->nxdomain(plan);
}

void proof_expanded(struct plan *plan)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->expanded && plan->match.wildcard)
		kind->expanded(plan);
}

void proof_no_ds(struct plan *plan, const struct zone_node *cut)
{
	const struct proof_kind *kind = kind_of(plan);

	if (kind->no_ds)
		kind->no_ds(plan, cut);
}

void proof_sign_from_zone(struct plan *plan, const struct plan_item *item,
                          const struct zone_node *node)
{
	/* The number that was signed is the one on the wire. */
	const struct zone_rrset *signatures = zone_signatures(node, item->wire_type);
	struct plan_item *added = NULL;

	if (signatures)
		added = plan_add_bare(plan, item->section, item->owner, item->owner_len, signatures,
		                      UINT32_MAX);
	if (!added)
		return;
	added->ttl = item->ttl; /* RFC 4034 3: that of what it covers, as it goes out */
	added->late = item->section != MESSAGE_AUTHORITY; /* there the SOA comes first anyway */
}
