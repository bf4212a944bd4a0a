/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/plan.h"

/* ---- items ---- */

static struct plan_item *add_item(struct plan *plan, enum message_section section,
                                  const uint8_t *owner, size_t owner_len)
{
	struct plan_item *item;

	if (plan->count == PLAN_ITEMS_MAX)
		return NULL;
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

static bool is_address(uint16_t type)
{
	return type == AN_TYPE_A || type == AN_TYPE_AAAA;
}

static struct plan_item *add_rrset(struct plan *plan, enum message_section section,
                                   const uint8_t *owner, size_t owner_len,
                                   const struct zone_rrset *rrset)
{
	struct plan_item *item = add_item(plan, section, owner, owner_len);

	if (!item)
		return NULL;
	item->rrset = rrset;
	item->count = rrset->count;
	item->wire_type = wire_type(plan, rrset->type);
	item->ttl = rrset->ttl;
	item->rotate = section == MESSAGE_ANSWER && is_address(rrset->type);
	return item;
}

static void add_addresses(struct plan *plan, enum message_section section, const uint8_t *owner,
                          size_t owner_len, uint16_t type, const struct store_found *found)
{
	struct plan_item *item = add_item(plan, section, owner, owner_len);

	if (!item)
		return;
	item->octets = found->answer->octets;
	item->count = found->answer->count;
	item->stride = type == AN_TYPE_AAAA ? 16 : 4;
	item->wire_type = type;
	item->ttl = found->ttl;
	item->rotate = section == MESSAGE_ANSWER;
}

/* RFC 2308 3: our SOA with the negative TTL. */
static void add_negative(struct plan *plan, uint32_t ttl_max)
{
	const struct zone *zone = plan->zone;
	struct plan_item *item = add_rrset(plan, MESSAGE_AUTHORITY, zone->apex_node->name,
	                                   zone->apex_len, zone->soa);

	if (item)
		item->ttl = zone->negative_ttl < ttl_max ? zone->negative_ttl : ttl_max;
}

static void fail(struct plan *plan, unsigned int rcode, int ede, const char *text)
{
	plan->count = 0;
	plan->aa = false;
	plan->scope = 0;
	plan->rcode = (uint16_t)rcode;
	plan->flags = 0;
	plan->ede = ede;
	plan->ede_text = text;
}

static struct store_found find_stored(const struct plan *plan, const uint8_t *name, size_t len,
                                      uint16_t type, bool last_try)
{
	const struct plan_question *q = plan->question;
	uint8_t owner[NAME_MAX_LEN];

	name_lower(owner, name, len);
	return store_find(q->world->store, owner, len, type, &q->client.network, last_try,
	                  q->now_ms);
}

/* ---- additional section ---- */

static void add_stored(struct plan *plan, const uint8_t *name, size_t len, uint16_t type)
{
	const struct plan_question *q = plan->question;
	struct store_found found = find_stored(plan, name, len, type, false);

	if (found.state != STORE_FRESH || found.answer->negative)
		return;
	/* The reply's scope speaks for its answer section; tailored addresses beside it would be
	 * cached for everyone. */
	if (q->client.ecs_present && found.wire_scope)
		return;
	add_addresses(plan, MESSAGE_ADDITIONAL, name, len, type, &found);
}

static void add_target_type(struct plan *plan, const uint8_t *name, size_t len, uint16_t type)
{
	const struct zone *zone = zones_find(plan->question->world->zones, name, len, type);
	const struct zone_rrset *rrset;
	struct zone_match match;

	if (!zone)
		return;
	match = zone_find(zone, name, len, type);
	if (match.verdict != ZONE_ANSWER)
		return;
	if (zone_flattens(zone, match.node)) {
		add_stored(plan, name, len, type);
		return;
	}
	rrset = zone_rrset(match.node, type);
	if (rrset)
		add_rrset(plan, MESSAGE_ADDITIONAL, name, len, rrset);
}

/* How far in the rdata of a type its target stands; -1: no additional section for it. */
static int target_at(uint16_t type)
{
	switch (type) {
	case AN_TYPE_NS:
		return 0;
	case AN_TYPE_MX:
		return 2;
	case AN_TYPE_SRV:
		return 6;
	default:
		return -1;
	}
}

/* RFC 1034 4.3.2 step 6. */
static void add_targets(struct plan *plan, const struct zone_rrset *rrset)
{
	int at = target_at(rrset->type);

	if (at < 0)
		return;
	for (unsigned int i = 0; i < rrset->count; i++) {
		const struct zone_rdata *rdata = &rrset->rdata[i];
		const uint8_t *name = rdata->data + at;
		size_t len = rdata->len > at ? rdata->len - (size_t)at : 0;

		if (len < 2)
			continue;
		add_target_type(plan, name, len, AN_TYPE_A);
		add_target_type(plan, name, len, AN_TYPE_AAAA);
	}
}

/* ---- cases ---- */

static void referral_glue(struct plan *plan, const struct zone_node *cut, const uint8_t *name,
                          size_t len, bool needed)
{
	static const uint16_t types[] = {AN_TYPE_A, AN_TYPE_AAAA};
	const struct zone *zone = plan->zone;
	const struct zone_node *node;

	if (!name_under(name, len, zone->apex, zone->apex_len) ||
	    name_under(name, len, cut->name, cut->name_len) != needed)
		return;
	node = zone_node_exact(zone, name, len);
	for (unsigned int i = 0; node && i < 2; i++) {
		const struct zone_rrset *rrset = zone_rrset(node, types[i]);
		struct plan_item *item =
		        rrset ? add_rrset(plan, MESSAGE_ADDITIONAL, name, len, rrset) : NULL;

		if (item)
			item->glue = needed;
	}
}

/* RFC 1034 4.3.2 step 3b. AA speaks of the first name of the answer: clear without one. */
static void refer(struct plan *plan, const struct zone_node *cut)
{
	const struct zone_rrset *ns = zone_rrset(cut, AN_TYPE_NS);

	if (!plan->hops)
		plan->aa = false;
	add_rrset(plan, MESSAGE_AUTHORITY, cut->name, cut->name_len, ns);
	for (unsigned int i = 0; i < ns->count; i++)
		referral_glue(plan, cut, ns->rdata[i].data, ns->rdata[i].len, true);
	for (unsigned int i = 0; i < ns->count; i++)
		referral_glue(plan, cut, ns->rdata[i].data, ns->rdata[i].len, false);
}

/* A chain that comes back to a name it has been at ends there. */
static bool seen(const struct plan *plan, const uint8_t *name, size_t len)
{
	for (unsigned int i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (item->wire_type == AN_TYPE_CNAME &&
		    name_equal(item->owner, item->owner_len, name, len))
			return true;
	}
	return false;
}

/* Goes on to the target of a CNAME; false: the reply ends here. */
static bool follow(struct plan *plan, const uint8_t *target, size_t len)
{
	const struct plan_question *q = plan->question;
	const struct zone *zone;

	if (++plan->hops > PLAN_CHAIN_MAX || seen(plan, target, len))
		return false;
	zone = zones_find(q->world->zones, target, len, q->type);
	if (!zone)
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

	add_rrset(plan, MESSAGE_ANSWER, node->name, node->name_len, dname);
	if (len > NAME_MAX_LEN) {
		plan->rcode = AN_RCODE_YXDOMAIN;
		return false;
	}
	if (plan->made_count == PLAN_CHAIN_MAX)
		return false;
	made = plan->made[plan->made_count++];
	memcpy(made, plan->owner, prefix);
	memcpy(made + prefix, dname->rdata[0].data, dname->rdata[0].len);
	item = add_item(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len);
	if (!item)
		return false;
	item->octets = made;
	item->count = 1;
	item->stride = (uint16_t)len;
	item->wire_type = AN_TYPE_CNAME;
	item->ttl = dname->ttl;
	if (plan->question->type == AN_TYPE_CNAME || plan->question->type == AN_TYPE_ANY)
		return false;
	return follow(plan, made, len);
}

/* ---- flattened answers ---- */

/* The scope on the wire (SEMANTICS: RFC 7871 7.2.1, SOURCE 0, special-use networks). */
static uint8_t scope_of(const struct plan_question *q, const struct store_found *found)
{
	if (found->answer->negative || !found->wire_scope)
		return 0;
	if (q->client.ecs_present && q->client.ecs.source == 0)
		return 0;
	return q->client.special ? q->client.special_len : found->wire_scope;
}

/* No answer from upstream, ever: the owner's own addresses, else SERVFAIL. */
static void last_resort(struct plan *plan, const struct zone_node *node, uint16_t type,
                        const struct store_found *found)
{
	const struct zone_rrset *own = zone_rrset(node, type);
	struct plan_item *item;

	if (!own) {
		int ede = found->state == STORE_FAILED && found->ede >= 0
		                  ? found->ede
		                  : AN_EDE_NO_REACHABLE_AUTHORITY;

		fail(plan, AN_RCODE_SERVFAIL, ede,
		     found->state == STORE_FAILED && found->owner ? found->owner->failed_text
		                                                  : NULL);
		return;
	}
	item = add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, own);
	if (item && item->ttl > AN_STALE_TTL)
		item->ttl = AN_STALE_TTL;
	plan->ede = AN_EDE_STALE_ANSWER;
	plan->flags |= RESPOND_STALE;
}

/* The answer is the question name's own: one owner, so the kernel may hold it. */
static void mark_cacheable(struct plan *plan)
{
	if (!plan->hops && is_address(plan->question->type))
		plan->flags |= RESPOND_CACHEABLE;
}

/* `aname`: to be shown beside the addresses, or NULL. */
static void give_stored(struct plan *plan, const struct zone_rrset *aname, uint16_t type,
                        const struct store_found *found)
{
	bool stale = found->state == STORE_STALE;

	plan->scope = scope_of(plan->question, found);
	plan->flags |= RESPOND_FROM_STORE;
	if (stale) {
		plan->flags |= RESPOND_STALE;
		plan->ede = AN_EDE_STALE_ANSWER;
	}
	mark_cacheable(plan);
	if (found->answer->negative) {
		add_negative(plan, stale ? AN_STALE_TTL : UINT32_MAX);
		return;
	}
	add_addresses(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, type, found);
	if (aname)
		add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, aname);
}

static void flattened(struct plan *plan, const struct zone_node *node, uint16_t type)
{
	struct store_found found =
	        find_stored(plan, plan->owner, plan->owner_len, type, plan->question->last_try);

	switch (found.state) {
	case STORE_FRESH:
	case STORE_STALE:
		give_stored(plan, plan->zone->expose_aname ? zone_rrset(node, AN_TYPE_ANAME) : NULL,
		            type, &found);
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

static void answer_rrset(struct plan *plan, const struct zone_rrset *rrset)
{
	add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, rrset);
	add_targets(plan, rrset);
}

/* RFC 8482 4.1: one RRset, addresses first. */
static void answer_any(struct plan *plan, const struct zone_node *node)
{
	const struct zone_rrset *rrset;

	if (zone_flattens(plan->zone, node)) {
		flattened(plan, node, AN_TYPE_A);
		if (plan->wait || plan->rcode || plan->items[0].section == MESSAGE_ANSWER)
			return;
		/* No A at the target: ANY still finds what the owner has. */
		plan->count = 0;
		rrset = NULL;
	} else {
		rrset = zone_rrset(node, AN_TYPE_A);
		if (!rrset)
			rrset = zone_rrset(node, AN_TYPE_AAAA);
	}
	if (!rrset && node->rrset_count)
		rrset = &node->rrsets[0];
	if (rrset)
		answer_rrset(plan, rrset);
	else
		add_negative(plan, UINT32_MAX);
}

/* The record itself, and the current addresses beside it. */
static void answer_aname(struct plan *plan, const struct zone_rrset *rrset)
{
	answer_rrset(plan, rrset);
	add_target_type(plan, plan->owner, plan->owner_len, AN_TYPE_A);
	add_target_type(plan, plan->owner, plan->owner_len, AN_TYPE_AAAA);
}

/* Data exists at the name. False: the reply ends here. */
static bool answer_node(struct plan *plan, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *rrset, *cname;

	if (is_address(type) && zone_flattens(plan->zone, node)) {
		flattened(plan, node, type);
		return false;
	}
	if (type == AN_TYPE_ANY) {
		answer_any(plan, node);
		return false;
	}
	rrset = zone_rrset(node, type);
	if (rrset) {
		if (type == AN_TYPE_ANAME)
			answer_aname(plan, rrset);
		else
			answer_rrset(plan, rrset);
		mark_cacheable(plan);
		return false;
	}
	cname = zone_rrset(node, AN_TYPE_CNAME);
	if (cname) {
		add_rrset(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, cname);
		return follow(plan, cname->rdata[0].data, cname->rdata[0].len);
	}
	add_negative(plan, UINT32_MAX);
	mark_cacheable(plan);
	return false;
}

/* One name of the chain. False: the reply ends here. */
static bool step(struct plan *plan, uint16_t type)
{
	struct zone_match match = zone_find(plan->zone, plan->owner, plan->owner_len, type);

	switch (match.verdict) {
	case ZONE_ANSWER:
		return answer_node(plan, match.node, type);
	case ZONE_DNAME:
		return substitute(plan, match.node);
	case ZONE_DELEGATION:
		refer(plan, match.node);
		return false;
	case ZONE_NXDOMAIN:
		/* RFC 6604 3: the RCODE is that of the chain's last name. */
		plan->rcode = AN_RCODE_NXDOMAIN;
		add_negative(plan, UINT32_MAX);
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
	plan->wait = false;
	plan->aa = true;
	plan->rcode = AN_RCODE_NOERROR;
	plan->scope = 0;
	plan->ede = -1;
	plan->ede_text = NULL;
	plan->flags = 0;
	plan->hops = plan->count = plan->made_count = 0;
	plan->owner = question->name;
	plan->owner_len = question->len;
}

void plan_make(struct plan *plan, const struct plan_question *question)
{
	uint16_t type = zone_type(question);

	begin(plan, question);
	plan->zone = zones_find(question->world->zones, question->name, question->len, type);
	if (!plan->zone) {
		fail(plan, AN_RCODE_REFUSED, AN_EDE_NOT_AUTHORITATIVE, NULL);
		return;
	}
	while (step(plan, type))
		;
	if (plan->rcode != AN_RCODE_SERVFAIL &&
	    !(plan->flags & (RESPOND_FROM_STORE | RESPOND_STALE)))
		plan->flags |= RESPOND_FROM_ZONE;
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
	give_stored(plan, NULL, question->type, &found);
}
