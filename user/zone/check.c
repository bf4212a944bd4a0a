/* SPDX-License-Identifier: BSD-2-Clause */
/* What only the whole zone can show: SOA, NS, and where NS records point. */
#include <errno.h>

#include "anamed/dns.h"
#include "base/wire.h"
#include "zone/build.h"

static bool has_address(const struct zone_node *node)
{
	return zone_rrset(node, AN_TYPE_A) || zone_rrset(node, AN_TYPE_AAAA);
}

/*
 * Why a name server's name inside the zone will not do; NULL if it will. The
 * parent answers whatever its delegations are worth, so only what makes a name
 * server's address a moving target is refused.
 */
static const char *target_fault(const struct zone *zone, const struct zone_node *cut,
                                const struct zone_rdata *target, bool *ret_refused)
{
	const struct zone_node *exact = zone_node_exact(zone, target->data, target->len);
	struct zone_match match = zone_find(zone, target->data, target->len, AN_TYPE_A);

	*ret_refused = false;
	if (match.verdict == ZONE_DELEGATION) {
		/* Glue is needed where the name lies under the very cut that it serves. */
		if (match.node == cut && !(exact && has_address(exact)))
			return "lies below its own delegation and has no glue";
		return NULL;
	}
	if (match.verdict == ZONE_DNAME)
		return "lies below a DNAME";
	if (match.verdict == ZONE_NXDOMAIN)
		return "does not exist";
	if (match.node->flags & ZONE_NODE_ANAME) {
		*ret_refused = true;
		return "is the owner of an ANAME";
	}
	if (match.node->flags & ZONE_NODE_CNAME)
		return "is a CNAME"; /* RFC 2181 10.3 */
	if (!has_address(match.node))
		return "has no address";
	return NULL;
}

static int check_servers(struct zone_builder *builder, struct error *error)
{
	const struct zone *zone = builder->zone;
	char text[NAME_TEXT_MAX];

	for (const struct pending *pending = builder->pending; pending; pending = pending->next) {
		const struct record *record = pending->record;
		const struct zone_rdata target = {.len = record->len, .data = record->data};
		struct error one;
		const char *fault;
		bool refused;

		if (record->type != AN_TYPE_NS || pending->node->above)
			continue; /* below a cut: not ours to say */
		if (!name_under(target.data, target.len, zone->apex, zone->apex_len))
			continue;
		fault = target_fault(zone, &pending->node->pub, &target, &refused);
		if (!fault)
			continue;
		build_fault(builder, &one, pending->node, record, "NS target %.180s %s",
		            name_to_text(target.data, text), fault);
		if (refused) {
			if (error)
				*error = one;
			return -EINVAL;
		}
		if (build_warn(builder, &one, false))
			return error_set(error, ENOMEM, NULL, 0, "out of memory");
	}
	return 0;
}

int build_check(struct zone_builder *builder, struct error *error)
{
	struct zone *zone = builder->zone;
	const char *file = builder->file_count ? builder->files[0] : NULL;
	char text[NAME_TEXT_MAX];
	struct wire soa;

	name_to_text(zone->apex, text);
	if (!zone->soa)
		return error_set(error, EINVAL, file, 0, "%.240s: no SOA", text);
	if (!zone_rrset(zone->apex_node, AN_TYPE_NS))
		return error_set(error, EINVAL, file, 0, "%.240s: no NS at the apex", text);
	soa = wire_reader(zone->soa->rdata[0].data, zone->soa->rdata[0].len);
	soa.at = soa.size - 20; /* SERIAL, REFRESH, RETRY, EXPIRE, MINIMUM (RFC 1035 3.3.13) */
	zone->serial = wire_get32(&soa);
	soa.at = soa.size - 4;
	zone->negative_ttl = wire_get32(&soa);
	if (zone->soa->ttl < zone->negative_ttl)
		zone->negative_ttl = zone->soa->ttl;
	if (build_chain(builder, error))
		return -ENOMEM;
	if (warn_targets(builder))
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	return check_servers(builder, error);
}
