/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk through the zones, and what the store has to say. */
#include "answer/online.h"
#include "answer/plan_room.h"
#include "answer/proof.h"
#include "answer/where.h"

/* ---- chains ---- */

/* Goes on to the target of a CNAME, unless the chain has been there. False: the reply ends here. */
static bool follow(struct plan *plan, const uint8_t *target, size_t len)
{
	const struct plan_question *q = plan->question;
	const struct zone *zone;

	if (++plan->hops > PLAN_CHAIN_MAX ||
	    plan_has(plan, MESSAGE_ANSWER, target, len, AN_TYPE_CNAME))
		return false;
	zone = zones_find(q->world->zones, target, len, q->type);
	/* A slot is of one zone's generation, and holds as long as that zone's data does. */
	plan->daemon_only |= zone && zone != plan->zone;
	plan->elsewhere |= zone != plan->zone;
	if (!zone || plan_zone_is_expired(zone))
		return false;
	plan->zone = zone;
	plan->owner = target;
	plan->owner_len = len;
	return true;
}

/* RFC 6672 2.2 and 3.1. False: the reply ends here. */
static bool substitute(struct plan *plan, const struct zone_node *node)
{
	const struct zone_rrset *dname = zone_rrset(node, AN_TYPE_DNAME);
	size_t prefix = plan->owner_len - node->name_len, len = prefix + dname->rdata[0].len;
	struct plan_item *item;
	uint8_t *made;

	plan->daemon_only = plan->elsewhere = true;
	if (!plan_has(plan, MESSAGE_ANSWER, node->name, node->name_len, AN_TYPE_DNAME))
		plan_add_rrset(plan, MESSAGE_ANSWER, node->name, node->name_len, node, dname,
		               UINT32_MAX);
	if (len > NAME_MAX_LEN) {
		plan->rcode = AN_RCODE_YXDOMAIN;
		return false;
	}
	if (plan->made_count == PLAN_CHAIN_MAX)
		return false;
	made = plan->made[plan->made_count++];
	memcpy(made, plan->owner, prefix);
	memcpy(made + prefix, dname->rdata[0].data, dname->rdata[0].len);
	item = plan_add_item(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len);
	if (!item)
		return false;
	item->octets = made;
	item->count = 1;
	item->stride = (uint16_t)len;
	item->wire_type = AN_TYPE_CNAME;
	item->ttl = dname->ttl;
	if (plan->question->type == AN_TYPE_CNAME)
		return false;
	return follow(plan, made, len);
}

/* ---- flattened answers ---- */

/* The scope on the wire (SEMANTICS: RFC 7871 7.2.1, SOURCE 0, special-use networks). */
static uint8_t scope_of(struct plan *plan, const struct store_found *found)
{
	const struct client *client = plan_client(plan);
	uint8_t scope = found->wire_scope;
	uint8_t least = answer_pick_scope(found->answer, &client->network);

	if (found->answer->negative || (client->ecs_present && !client->ecs.source))
		return 0;
	if (least < plan->region_len)
		least = plan->region_len;
	if (scope < least)
		scope = least;
	/* Decided by where the packet came from: only what is for all is for others too. */
	if (client->special)
		return !least && answer_is_for_family(found->answer, client->ecs.family)
		               ? 0
		               : client->special_len;
	if (!scope || !client->ecs_present || found->state != STORE_FRESH)
		return scope;
	return (uint8_t)audience_clear(plan->question->world->config, &client->network, scope);
}

/* No answer from upstream, ever: the owner's own addresses, else SERVFAIL. */
static void last_resort(struct plan *plan, const struct zone_node *node, uint16_t type,
                        const struct store_found *found)
{
	const struct zone_rrset *own = zone_rrset(node, type);

	if (!own) {
		plan_fail(plan, AN_RCODE_SERVFAIL,
		          found->ede >= 0 ? found->ede : AN_EDE_NO_REACHABLE_AUTHORITY,
		          found->ede_text);
		return;
	}
	plan_add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, node, own, AN_STALE_TTL);
	proof_expanded(plan);
	plan->ede = AN_EDE_STALE_ANSWER;
	plan->flags |= RESPOND_STALE;
}

/* `node`: whose ANAME is to be shown beside the addresses, or NULL. False: of a pool's answer
 * nothing lives. */
static bool give_stored(struct plan *plan, const struct zone_node *node, uint16_t type,
                        const struct store_found *found)
{
	const struct zone_rrset *aname = node ? zone_rrset(node, AN_TYPE_ANAME) : NULL;
	bool stale = found->state == STORE_STALE;

	plan->scope = scope_of(plan, found);
	plan->flags |= RESPOND_FROM_STORE;
	if (stale) {
		plan->flags |= RESPOND_STALE;
		plan->ede = AN_EDE_STALE_ANSWER;
	}
	/* The answer is the question name's own: one owner, so the kernel may hold it. */
	if (!plan->hops && plan_is_address(plan->question->type))
		plan->flags |= RESPOND_CACHEABLE;
	if (plan->hops && !plan->elsewhere && plan_is_address(plan->question->type))
		plan->flags |= RESPOND_CHAINED;
	if (found->answer->negative) {
		plan_add_negative(plan, stale ? AN_STALE_TTL : UINT32_MAX);
		proof_nodata(plan);
		return true;
	}
	if (!plan_add_addresses(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, type, found))
		return false;
	if (aname)
		plan_add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, node, aname,
		               UINT32_MAX);
	return true;
}

/*
 * RFC 7871 7.3.1: scope 0 was said of all of its FAMILY, special-use networks
 * not excepted, so caches have it for who asks from one. Where that is known,
 * it goes before what a packet's source of the other family would get.
 */
static bool find_for_family(struct plan *plan, uint16_t type, struct store_found *ret)
{
	const struct client *client = plan_client(plan);
	struct network half = {.family = client->ecs.family, .len = 1};

	if (!client->special || client->network.family == half.family)
		return false;
	for (unsigned int which = 0; which < 2; which++) {
		half.address[0] = (client->ecs.address[0] ^ (which ? 0x80 : 0)) & 0x80;
		*ret = plan_find_stored(plan, &half, 0, plan->owner, plan->owner_len, type, false);
		if (ret->state == STORE_FRESH && answer_is_for_family(ret->answer, half.family))
			return true;
	}
	return false;
}

/* An owner whose clients are in regions has no scope 0. */
static struct store_found find_flattened(struct plan *plan, const struct where *where,
                                         uint16_t type)
{
	struct store_found found;

	if (!where->policy && find_for_family(plan, type, &found))
		return found;
	return plan_find_stored(plan, &plan_client(plan)->network, where->region, plan->owner,
	                        plan->owner_len, type, plan->question->last_try);
}

static void flattened(struct plan *plan, const struct zone_node *node, uint16_t type)
{
	const struct plan_question *q = plan->question;
	struct where where = where_find(q->world, node, &plan_client(plan)->place);
	struct store_found found = find_flattened(plan, &where, type);

	plan->policy = where.policy;
	plan->region = where.region;
	plan->region_len = where.len;

	plan->daemon_only = true; /* what is stored goes to the kernel in its own way */
	online_substitute(plan, &found);
	switch (found.state) {
	case STORE_FRESH:
	case STORE_STALE:
		/* What has died since is taken out of the answer by the loop, any moment now. */
		plan->wait =
		        !give_stored(plan, plan->zone->expose_aname ? node : NULL, type, &found);
		return;
	case STORE_EXPIRED:
	case STORE_ABSENT:
		plan->wait = !plan->question->last_try;
		break;
	case STORE_FAILED:
		break;
	}
	if (!plan->wait)
		last_resort(plan, node, type, &found);
}

/* ---- the walk ---- */

static void answer_rrset(struct plan *plan, const struct zone_node *node,
                         const struct zone_rrset *rrset)
{
	/* RFC 2181 5: a DNAME that the chain has come through is there already. */
	if (plan->hops && plan_has(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, rrset->type))
		return;
	plan_add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, node, rrset, UINT32_MAX);
	proof_expanded(plan);
	plan_add_targets(plan, rrset);
}

/* RRSIGs are not signed themselves (RFC 4035 2.2), and each of their sets has a TTL of its own. */
static void answer_signatures(struct plan *plan, const struct zone_node *node)
{
	for (unsigned int i = 0; i < node->rrset_count; i++)
		if (node->rrsets[i].type == AN_TYPE_RRSIG)
			plan_add_bare(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len,
			              &node->rrsets[i], UINT32_MAX);
	proof_expanded(plan);
}

/* RFC 8482 4.1: one RRset, addresses first, and what only secures the others last. */
static const struct zone_rrset *any_of(const struct zone_node *node, bool addresses)
{
	const struct zone_rrset *rrset = addresses ? zone_rrset(node, AN_TYPE_A) : NULL;

	if (!rrset && addresses)
		rrset = zone_rrset(node, AN_TYPE_AAAA);
	for (unsigned int i = 0; !rrset && i < node->rrset_count; i++)
		if (node->rrsets[i].type != AN_TYPE_RRSIG && node->rrsets[i].type != AN_TYPE_NSEC)
			rrset = &node->rrsets[i];
	if (!rrset)
		rrset = zone_rrset(node, AN_TYPE_NSEC);
	return rrset || !node->rrset_count ? rrset : &node->rrsets[0];
}

static void answer_any(struct plan *plan, const struct zone_node *node)
{
	bool flattens = zone_flattens(plan->zone, node);
	const struct zone_rrset *rrset;

	if (flattens) {
		flattened(plan, node, AN_TYPE_A);
		if (plan->wait || plan->rcode || plan->items[0].section == MESSAGE_ANSWER)
			return;
		/* No A at the target: ANY still finds what the owner has. */
		plan->count = 0;
	}
	rrset = any_of(node, !flattens);
	if (rrset)
		answer_rrset(plan, node, rrset);
	else
		plan_deny(plan, false);
}

/* The record itself, and the current addresses beside it. */
static void answer_aname(struct plan *plan, const struct zone_node *node,
                         const struct zone_rrset *rrset)
{
	answer_rrset(plan, node, rrset);
	plan_add_target(plan, plan->owner, plan->owner_len, AN_TYPE_A);
	plan_add_target(plan, plan->owner, plan->owner_len, AN_TYPE_AAAA);
}

/* Data exists at the name. False: the reply ends here. */
static bool answer_node(struct plan *plan, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *rrset, *cname;

	if (plan_is_address(type) && zone_flattens(plan->zone, node)) {
		flattened(plan, node, type);
		return false;
	}
	if (type == AN_TYPE_ANY) {
		answer_any(plan, node);
		return false;
	}
	if (online_answer(plan, node, type))
		return false;
	rrset = online_rrset(plan, node, type);
	if (!rrset)
		rrset = zone_rrset(node, type);
	if (rrset) {
		if (type == AN_TYPE_ANAME)
			answer_aname(plan, node, rrset);
		else if (type == AN_TYPE_RRSIG)
			answer_signatures(plan, node);
		else
			answer_rrset(plan, node, rrset);
		return false;
	}
	cname = zone_rrset(node, AN_TYPE_CNAME);
	if (cname) {
		plan_add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, node, cname,
		               UINT32_MAX);
		proof_expanded(plan);
		return follow(plan, cname->rdata[0].data, cname->rdata[0].len);
	}
	plan_deny(plan, false);
	return false;
}

/* RFC 6604 3: the RCODE is that of the chain's last name. */
static void deny(struct plan *plan)
{
	if (online_answer_absent(plan)) {
		plan->daemon_only = true;
		return;
	}
	plan->rcode = AN_RCODE_NXDOMAIN;
	plan_deny(plan, true);
	if (plan->hops)
		return;
	/* Names that do not exist are too many to hold each by itself. */
	plan->daemon_only = true;
	if (__atomic_load_n(&plan->zone->names, __ATOMIC_RELAXED) == ZONE_NAMES_ALL)
		plan->flags |= RESPOND_DENIAL;
}

/* One name of the chain. False: the reply ends here. */
static bool step(struct plan *plan, uint16_t type)
{
	const struct zone_match *match = &plan->match;

	plan->match = zone_find(plan->zone, plan->owner, plan->owner_len, type);
	switch (match->verdict) {
	case ZONE_ANSWER:
		return answer_node(plan, match->node, type);
	case ZONE_DNAME:
		return substitute(plan, match->node);
	case ZONE_DELEGATION:
		plan_refer(plan, match->node);
		return false;
	case ZONE_NXDOMAIN:
		deny(plan);
		return false;
	}
	return false;
}

/* The type as zone data knows it: ANAME has a number of its own there. */
static uint16_t zone_type(const struct plan_question *q)
{
	uint16_t aname = q->world->config->aname_type;

	if (q->type == aname)
		return AN_TYPE_ANAME;
	/* With another number on the wire, 65401 is a type that no name has. */
	return q->type == AN_TYPE_ANAME ? 0 : q->type;
}

static void begin(struct plan *plan, const struct plan_question *question)
{
	plan->question = question;
	plan->wait = plan->daemon_only = plan->elsewhere = false;
	plan->mixed = plan->overfull = false;
	plan->aa = true;
	plan->rcode = AN_RCODE_NOERROR;
	plan->scope = 0;
	plan->ede = -1;
	plan->ede_text = NULL;
	plan->flags = 0;
	plan->policy = plan->region = 0;
	plan->region_len = 0;
	plan->hops = plan->count = plan->made_count = plan->picked_count = 0;
	plan->room_used = 0;
	plan->client_known = false;
	plan->body = NULL;
	plan->cut = NULL;
	plan->owner = question->name;
	plan->owner_len = question->len;
}

/* ---- what the kernel may hold ---- */

/* Is an expanded serial sent to somebody (docs/adr/0007)? */
static bool has_other_serials(const struct zone *zone)
{
	for (size_t i = 0; zone->settings && i < zone->settings->secondaries_count; i++)
		if (zone->settings->secondaries[i].mode != TRANSFER_NATIVE)
			return true;
	return false;
}

/* Queries for it are answered by more than zone data, or by rules of their own. */
static bool is_special_type(uint16_t type)
{
	/* RFC 6895 3.1: 128 to 255 ask for no data; private ones may become ANAME's number. */
	return type == 0 || type == AN_TYPE_OPT || (type >= 128 && type <= 255) || type >= 65280;
}

unsigned int plan_turns(const struct plan *plan)
{
	for (unsigned int i = 1; i < plan->count; i++)
		if (plan->items[i].rotate)
			return plan->items[i].count;
	return 1;
}

/* Out of zone data alone, the same for all who ask, until the zone changes. */
static bool is_lasting(const struct plan *plan)
{
	uint16_t type = plan->question->type;

	if (plan->daemon_only || plan->ede >= 0 || is_special_type(type) ||
	    !(plan->flags & RESPOND_FROM_ZONE))
		return false;
	if (type == AN_TYPE_SOA && has_other_serials(plan->zone))
		return false;
	return plan_turns(plan) <= PLAN_TURNS_MAX;
}

void plan_make(struct plan *plan, const struct plan_question *question)
{
	uint16_t type = zone_type(question);

	begin(plan, question);
	plan->zone = zones_find(question->world->zones, question->name, question->len, type);
	if (!plan->zone) {
		plan_fail(plan, AN_RCODE_REFUSED, AN_EDE_NOT_AUTHORITATIVE, NULL);
		return;
	}
	if (plan_zone_is_expired(plan->zone)) {
		plan_fail(plan, AN_RCODE_SERVFAIL,
		          plan->zone->soa ? AN_EDE_INVALID_DATA : AN_EDE_NOT_READY,
		          plan->zone->soa ? "zone expired" : "no data yet");
		return;
	}
	while (step(plan, type))
		;
	if (plan->rcode == AN_RCODE_SERVFAIL)
		plan->count = 0; /* of a signed answer that could not be made, nothing */
	if (plan->rcode != AN_RCODE_SERVFAIL &&
	    !(plan->flags & (RESPOND_FROM_STORE | RESPOND_STALE)))
		plan->flags |= RESPOND_FROM_ZONE;
	if (is_lasting(plan))
		plan->flags |= RESPOND_CACHEABLE;
	if (plan->zone->security != ZONE_INSECURE)
		plan->flags &= ~RESPOND_CHAINED;
}

void plan_make_empty(struct plan *plan, const struct plan_question *question, unsigned int rcode,
                     int ede)
{
	begin(plan, question);
	plan->zone = NULL;
	plan->aa = false;
	plan->rcode = (uint16_t)rcode;
	plan->ede = ede;
}

void plan_make_text(struct plan *plan, const struct plan_question *question, const uint8_t *rdata,
                    size_t len)
{
	struct plan_item *item;

	begin(plan, question);
	plan->zone = NULL;
	item = plan_add_item(plan, MESSAGE_ANSWER, question->name, question->len);
	item->octets = rdata;
	item->count = 1;
	item->stride = (uint16_t)len;
	item->wire_type = AN_TYPE_TXT;
}

void plan_referred(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                   const struct zone_node *cut)
{
	begin(plan, question);
	plan->zone = zone;
	plan_refer(plan, cut);
}

void plan_denied(struct plan *plan, const struct plan_question *question, const struct zone *zone)
{
	begin(plan, question);
	plan->zone = zone;
	deny(plan);
}

void plan_stored(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                 const struct answer *answer)
{
	struct store_found found = {
	        .state = STORE_FRESH,
	        .answer = (struct answer *)(uintptr_t)answer, /* only read */
	        .wire_scope = answer->wire_scope,
	        .ttl = answer->ttl,
	};

	begin(plan, question);
	plan->zone = zone;
	plan->match = zone_find(zone, question->name, question->len, question->type);
	give_stored(plan, NULL, question->type, &found);
}

/* One CNAME of it. False: the reply would end here. */
static bool chain_step(struct plan *plan, const struct zone_node *node)
{
	const struct zone_rrset *cname = zone_rrset(node, AN_TYPE_CNAME);

	if (!cname || zone_rrset(node, plan->question->type))
		return false;
	plan_add_bare(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, cname, UINT32_MAX);
	return follow(plan, cname->rdata[0].data, cname->rdata[0].len) && !plan->elsewhere;
}

bool plan_chained(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                  const struct answer *answer)
{
	struct store_found found = {
	        .state = STORE_FRESH, .answer = (struct answer *)(uintptr_t)answer, /* only read */
	};
	struct zone_match match;

	begin(plan, question);
	plan->zone = zone;
	for (;;) {
		match = zone_find(zone, plan->owner, plan->owner_len, question->type);
		if (match.verdict != ZONE_ANSWER)
			return false;
		if (zone_flattens(zone, match.node))
			break;
		if (!chain_step(plan, match.node))
			return false;
	}
	if (!plan->hops || !answer)
		return plan->hops;
	found.wire_scope = answer->wire_scope;
	found.ttl = answer->ttl;
	return give_stored(plan, NULL, question->type, &found);
}
