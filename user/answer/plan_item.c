/* SPDX-License-Identifier: BSD-2-Clause */
/* What a plan is put together from: RRsets, the additional section, referrals. */
#include <string.h>

#include "answer/plan_room.h"
#include "answer/proof.h"
#include "answer/where.h"

#define SERVICE_ALIASES_MAX 8 /* that are followed for the additional section */

/* ---- items ---- */

struct plan_item *plan_add_item(struct plan *plan, enum message_section section,
                                const uint8_t *owner, size_t owner_len)
{
	struct plan_item *item;

	if (plan->count == PLAN_ITEMS_MAX) {
		plan->overfull |= section != MESSAGE_ADDITIONAL;
		return NULL;
	}
	if (plan->count) {
		item = &plan->items[plan->count - 1];
		plan->mixed |= section < item->section || (section == item->section && item->late);
	}
	item = &plan->items[plan->count++];
	*item = (struct plan_item){
	        .section = section,
	        .owner = owner,
	        .owner_len = (uint8_t)owner_len,
	};
	return item;
}

static uint16_t wire_type(const struct plan *plan, uint16_t type)
{
	return type == AN_TYPE_ANAME ? plan->question->world->config->aname_type : type;
}

struct plan_item *plan_add_bare(struct plan *plan, enum message_section section,
                                const uint8_t *owner, size_t owner_len,
                                const struct zone_rrset *rrset, uint32_t ttl_max)
{
	struct plan_item *item = plan_add_item(plan, section, owner, owner_len);

	if (!item)
		return NULL;
	item->rrset = rrset;
	item->count = rrset->count;
	item->wire_type = wire_type(plan, rrset->type);
	item->ttl = rrset->ttl < ttl_max ? rrset->ttl : ttl_max;
	item->rotate = section == MESSAGE_ANSWER && plan_is_address(rrset->type);
	return item;
}

struct plan_item *plan_add_rrset(struct plan *plan, enum message_section section,
                                 const uint8_t *owner, size_t owner_len,
                                 const struct zone_node *node, const struct zone_rrset *rrset,
                                 uint32_t ttl_max)
{
	struct plan_item *item = plan_add_bare(plan, section, owner, owner_len, rrset, ttl_max);

	if (item)
		proof_sign(plan, item, node);
	return item;
}

/* Of an answer out of a pool, what this query gets. False: none of it lives, or the plan is full.
 */
static bool pick(struct plan *plan, struct plan_item *item, const struct answer *answer)
{
	struct answer_pick picked;

	answer_pick(answer, plan->question->choice, &plan_client(plan)->network, &picked);
	if (!picked.count || plan->picked_count + picked.count > PLAN_PICKS_MAX)
		return false;
	memcpy(plan->picked + plan->picked_count, picked.at, picked.count);
	item->picked = plan->picked + plan->picked_count;
	plan->picked_count += picked.count;
	item->count = (uint16_t)picked.count;
	item->choice = picked.choice;
	return true;
}

/* For an image: all the addresses of a group, the dead among them. */
static void whole_group(struct plan_item *item, const struct answer *answer, unsigned int group)
{
	const struct answer_group *one = &answer->pool->groups[group];

	item->octets += (size_t)one->first * item->stride;
	item->count = one->count;
}

bool plan_add_addresses(struct plan *plan, enum message_section section, const uint8_t *owner,
                        size_t owner_len, uint16_t type, const struct store_found *found)
{
	struct plan_item *item = plan_add_item(plan, section, owner, owner_len);

	if (!item)
		return true;
	item->octets = found->answer->octets;
	item->count = found->answer->count;
	item->stride = type == AN_TYPE_AAAA ? 16 : 4;
	item->wire_type = type;
	item->ttl = found->ttl;
	item->rotate = section == MESSAGE_ANSWER;
	if (found->answer->pool && plan->question->group)
		whole_group(item, found->answer, plan->question->group - 1);
	/* In the end the dead are better than nothing: it may be the checks that are wrong. */
	else if (found->answer->pool && !pick(plan, item, found->answer) &&
	         !plan->question->last_try) {
		plan->count--;
		return false;
	}
	proof_sign_stored(plan, item, found->answer);
	return true;
}

bool plan_has(const struct plan *plan, enum message_section section, const uint8_t *owner,
              size_t owner_len, uint16_t wire_type)
{
	for (unsigned int i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (item->section == section && item->wire_type == wire_type &&
		    name_equal(item->owner, item->owner_len, owner, owner_len))
			return true;
	}
	return false;
}

/* RFC 2308 3: our SOA with the negative TTL. */
void plan_add_negative(struct plan *plan, uint32_t ttl_max)
{
	const struct zone *zone = plan->zone;

	plan_add_rrset(plan, MESSAGE_AUTHORITY, zone->apex_node->name, zone->apex_len,
	               zone->apex_node, zone->soa,
	               zone->negative_ttl < ttl_max ? zone->negative_ttl : ttl_max);
}

/* The body for the question, unless the reply has more than it, or is to be kept in parts. */
static const struct body *body_of(const struct plan *plan, const struct zone_node *cut)
{
	const struct plan_question *q = plan->question;

	if (plan->count || !q->source || proof_wanted(plan))
		return NULL;
	return body_find(plan->zone, cut, q->name, q->len);
}

void plan_deny(struct plan *plan, bool name)
{
	plan->body = body_of(plan, NULL);
	if (plan->body)
		return;
	plan_add_negative(plan, UINT32_MAX);
	if (name)
		proof_nxdomain(plan);
	else
		proof_nodata(plan);
}

void plan_fail(struct plan *plan, unsigned int rcode, int ede, const char *text)
{
	plan->count = 0;
	plan->aa = false;
	plan->scope = 0;
	plan->rcode = (uint16_t)rcode;
	plan->flags = 0;
	plan->ede = ede;
	plan->ede_text = text;
}

struct store_found plan_find_stored(const struct plan *plan, const struct network *network,
                                    uint32_t region, const uint8_t *name, size_t len, uint16_t type,
                                    bool last_try)
{
	const struct plan_question *q = plan->question;
	uint8_t owner[NAME_MAX_LEN];

	name_lower(owner, name, len);
	return store_find(q->world->store, owner, len, type, network, region, last_try, q->now_ms);
}

const struct client *plan_client(struct plan *plan)
{
	const struct plan_question *q = plan->question;

	if (plan->client_known)
		return &plan->client;
	if (q->source)
		plan->client = audience_client(q->world->config, q->ecs, q->source);
	else
		memset(&plan->client, 0, sizeof(plan->client));
	plan->client_known = true;
	return &plan->client;
}

/* ---- additional section ---- */

static void add_stored(struct plan *plan, const struct zone_node *node, const uint8_t *name,
                       size_t len, uint16_t type)
{
	const struct client *client = plan_client(plan);
	struct where where = where_find(plan->question->world, node, &client->place);
	struct store_found found =
	        plan_find_stored(plan, &client->network, where.region, name, len, type, false);

	if (found.state != STORE_FRESH || found.answer->negative)
		return;
	/* The reply's scope speaks for its answer section; tailored addresses beside it would be
	 * cached for everyone. */
	if (client->ecs_present && (found.wire_scope || where.len))
		return;
	plan_add_addresses(plan, MESSAGE_ADDITIONAL, name, len, type, &found);
}

/* flattened: addresses of that kind, too. What was added; NULL: nothing, or from the store. */
static const struct zone_rrset *add_target(struct plan *plan, const uint8_t *name, size_t len,
                                           uint16_t type, bool flattened)
{
	const struct zone *zone = plan->zone;
	const struct zone_rrset *rrset;
	struct zone_match match;

	/* RFC 2181 5.4.1: of another zone, though it be ours, nobody would believe it here. */
	if (!name_under(name, len, zone->apex, zone->apex_len) ||
	    plan_has(plan, MESSAGE_ADDITIONAL, name, len, type))
		return NULL;
	match = zone_find(zone, name, len, type);
	if (match.verdict != ZONE_ANSWER)
		return NULL;
	if (plan_is_address(type) && zone_flattens(zone, match.node)) {
		if (!flattened)
			return NULL;
		plan->daemon_only = true;
		add_stored(plan, match.node, name, len, type);
		return NULL;
	}
	rrset = zone_rrset(match.node, type);
	if (!rrset ||
	    !plan_add_rrset(plan, MESSAGE_ADDITIONAL, name, len, match.node, rrset, UINT32_MAX))
		return NULL;
	return rrset;
}

void plan_add_target(struct plan *plan, const uint8_t *name, size_t len, uint16_t type)
{
	add_target(plan, name, len, type, true);
}

/* How far in the rdata of a type its target stands; -1: no additional section for it. */
static int target_at(uint16_t type)
{
	switch (type) {
	case AN_TYPE_NS:
		return 0;
	case AN_TYPE_MX:
	case AN_TYPE_AFSDB: /* RFC 1183 1 */
	case AN_TYPE_RT:    /* RFC 1183 3.3 */
	case AN_TYPE_KX:    /* RFC 2230 3.1 */
	case AN_TYPE_SVCB:
	case AN_TYPE_HTTPS:
		return 2;
	case AN_TYPE_SRV:
		return 6;
	default:
		return -1;
	}
}

static bool is_service(uint16_t type)
{
	return type == AN_TYPE_SVCB || type == AN_TYPE_HTTPS;
}

/* RFC 9460 2.4.2: priority 0 says where the service's own records are. */
static bool is_alias(const struct zone_rdata *rdata)
{
	return !rdata->data[0] && !rdata->data[1];
}

static void add_targets(struct plan *plan, const struct zone_rrset *rrset, const uint8_t *owner,
                        unsigned int aliases);

/* RFC 9460 4.1: the records of a service stand at the target of its alias, and so on. */
static void add_service(struct plan *plan, const uint8_t *name, uint16_t type, unsigned int aliases)
{
	size_t len = name_len(name);
	const struct zone_rrset *rrset;

	if (aliases == SERVICE_ALIASES_MAX || plan_has(plan, MESSAGE_ANSWER, name, len, type))
		return;
	rrset = add_target(plan, name, len, type, false);
	if (rrset)
		add_targets(plan, rrset, name, aliases + 1);
}

/*
 * RFC 1034 4.3.2 step 6; RFC 9460 4.1, 2.5.2: in a record with parameters the
 * root as target is the owner. Who asks for a service asks for its addresses
 * at the same time; flattened ones beside it would only keep the answer, which
 * is the same for all, out of the kernel (docs/adr/0018).
 */
static void add_targets(struct plan *plan, const struct zone_rrset *rrset, const uint8_t *owner,
                        unsigned int aliases)
{
	bool service = is_service(rrset->type);
	int at = target_at(rrset->type);

	for (unsigned int i = 0; at >= 0 && i < rrset->count && i < PLAN_ITEMS_MAX; i++) {
		const struct zone_rdata *rdata = &rrset->rdata[i];
		const uint8_t *name = rdata->data + at;

		if (rdata->len <= at)
			continue;
		if (!*name && (!service || is_alias(rdata)))
			continue; /* there is none (RFC 7505 3, RFC 9460 2.5.1) */
		if (!*name)
			name = owner;
		add_target(plan, name, name_len(name), AN_TYPE_A, !service);
		add_target(plan, name, name_len(name), AN_TYPE_AAAA, !service);
		if (service && is_alias(rdata))
			add_service(plan, name, rrset->type, aliases);
	}
}

void plan_add_targets(struct plan *plan, const struct zone_rrset *rrset)
{
	add_targets(plan, rrset, plan->owner, 0);
}

/* ---- referrals ---- */

/* RFC 4035 2.2: glue is not signed; the zone's own addresses are. */
static struct plan_item *add_glue(struct plan *plan, const struct zone_node *node,
                                  const struct zone_rdata *target, const struct zone_rrset *rrset)
{
	bool own = !(node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_CUT));

	return own ? plan_add_rrset(plan, MESSAGE_ADDITIONAL, target->data, target->len, node,
	                            rrset, UINT32_MAX)
	           : plan_add_bare(plan, MESSAGE_ADDITIONAL, target->data, target->len, rrset,
	                           UINT32_MAX);
}

static void referral_glue(struct plan *plan, const struct zone_rdata *target, bool needed)
{
	static const uint16_t types[] = {AN_TYPE_A, AN_TYPE_AAAA};
	const struct zone_node *node = zone_target(plan->zone, target);

	for (unsigned int i = 0; node && i < 2; i++) {
		const struct zone_rrset *rrset = zone_rrset(node, types[i]);
		struct plan_item *item;

		if (!rrset)
			continue;
		item = add_glue(plan, node, target, rrset);
		if (item)
			item->glue = needed;
	}
}

/* RFC 4035 3.1.4: how the child is signed, or that it is not. */
static void add_ds(struct plan *plan, const struct zone_node *cut)
{
	const struct zone_rrset *ds = zone_rrset(cut, AN_TYPE_DS);

	if (!proof_wanted(plan))
		return;
	if (ds)
		plan_add_rrset(plan, MESSAGE_AUTHORITY, cut->name, cut->name_len, cut, ds,
		               UINT32_MAX);
	else
		proof_no_ds(plan, cut);
}

static void add_referral(struct plan *plan, const struct zone_node *cut)
{
	const struct zone_rrset *ns = zone_rrset(cut, AN_TYPE_NS);
	bool others = false;

	/* RFC 4035 2.2: the child signs it. */
	plan_add_bare(plan, MESSAGE_AUTHORITY, cut->name, cut->name_len, ns, UINT32_MAX);
	add_ds(plan, cut);
	for (unsigned int i = 0; i < ns->count; i++) {
		const struct zone_rdata *target = &ns->rdata[i];

		if (name_under(target->data, target->len, cut->name, cut->name_len))
			referral_glue(plan, target, true);
		else
			others = true;
	}
	for (unsigned int i = 0; others && i < ns->count; i++) {
		const struct zone_rdata *target = &ns->rdata[i];

		if (!name_under(target->data, target->len, cut->name, cut->name_len))
			referral_glue(plan, target, false);
	}
}

/* RFC 1034 4.3.2 step 3b. AA speaks of the first name of the answer: clear without one. */
void plan_refer(struct plan *plan, const struct zone_node *cut)
{
	plan->daemon_only = true; /* and whatever lies below the cut */
	if (!plan->hops)
		plan->aa = false;
	plan->cut = cut;
	plan->body = body_of(plan, cut);
	if (!plan->body)
		add_referral(plan, cut);
}

void plan_unpack(struct plan *plan)
{
	plan->body = NULL;
	if (plan->cut)
		add_referral(plan, plan->cut);
	else
		plan_add_negative(plan, UINT32_MAX);
}
