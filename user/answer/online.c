/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/online.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "sign/nsec.h"
#include "sign/signer.h"

#define KEPT_MAX 32 /* signatures of one answer: living sets of its groups, and epochs */

/* ---- room in the plan ---- */

static void *take_room(struct plan *plan, size_t size)
{
	uint8_t *room = plan->room + plan->room_used;

	size = (size + 7) & ~(size_t)7;
	if (size > sizeof(plan->room) - plan->room_used)
		return NULL;
	plan->room_used += size;
	return room;
}

/* Not to sign is to be bogus: then rather nothing. */
static void fail(struct plan *plan)
{
	plan_fail(plan, AN_RCODE_SERVFAIL, AN_EDE_OTHER, "cannot sign");
}

static void add_signatures(struct plan *plan, enum message_section section, const uint8_t *owner,
                           size_t owner_len, const struct sign_set *set, uint32_t ttl)
{
	struct plan_item *added;

	if (!set && section == MESSAGE_ADDITIONAL)
		plan->count--; /* what it was for merely helps */
	else if (!set)
		fail(plan);
	if (!set)
		return;
	added = plan_add_bare(plan, section, owner, owner_len, &set->rrset, UINT32_MAX);
	if (!added)
		return;
	added->ttl = ttl;
	added->late = section != MESSAGE_AUTHORITY; /* as in proof.c */
}

static const struct sign_set *sign_now(struct plan *plan, const struct sign_input *input)
{
	const struct signer *signer = plan->zone->signer;
	size_t size = signer_room(signer, input->type);
	void *room = take_room(plan, size);

	return room ? signer_sign(signer, input, room, size) : NULL;
}

/* ---- zone data ---- */

static const struct sign_set *signatures_of(struct plan *plan, const uint8_t *owner,
                                            size_t owner_len, uint16_t wire_type,
                                            const struct zone_node *node,
                                            const struct zone_rrset *rrset)
{
	const struct sign_input input = {.owner = owner,
	                                 .owner_len = owner_len,
	                                 .type = wire_type,
	                                 .ttl = rrset->ttl,
	                                 .rrset = rrset};

	if (name_equal(owner, owner_len, node->name, node->name_len))
		return signer_signatures(plan->zone->signer, node->name, node->name_len, wire_type,
		                         rrset);
	return sign_now(plan, &input); /* out of a wildcard */
}

static void sign(struct plan *plan, const struct plan_item *item, const struct zone_node *node)
{
	/* Targets out of a wildcard: each would cost a signature of its own. */
	if (item->section == MESSAGE_ADDITIONAL &&
	    !name_equal(item->owner, item->owner_len, node->name, node->name_len)) {
		plan->count--;
		return;
	}
	add_signatures(plan, item->section, item->owner, item->owner_len,
	               signatures_of(plan, item->owner, item->owner_len, item->wire_type, node,
	                             item->rrset),
	               item->ttl);
}

const struct zone_rrset *online_rrset(const struct plan *plan, const struct zone_node *node,
                                      uint16_t type)
{
	if (plan->zone->security != ZONE_SIGNED || node != plan->zone->apex_node)
		return NULL;
	return signer_apex_rrset(plan->zone->signer, type);
}

/* ---- flattened addresses ---- */

struct answer_signatures {
	struct answer_signatures *next;
	uint64_t signer;     /* its number */
	uint16_t count;      /* of `picked`; 0: all of the answer's addresses */
	uint8_t *picked;     /* behind the set */
	struct sign_set set; /* last */
};

void online_signatures_free(struct answer_signatures *signatures)
{
	while (signatures) {
		struct answer_signatures *next = signatures->next;

		free(signatures);
		signatures = next;
	}
}

/* Which of the answer's addresses, in their order. */
struct choice {
	const uint8_t *picked; /* NULL: all */
	uint16_t count;
};

static struct answer_signatures *find_kept(struct answer_signatures *first, uint64_t signer,
                                           const struct choice *choice, unsigned int *ret_count)
{
	unsigned int count = 0;

	for (; first; first = first->next, count++)
		if (first->signer == signer &&
		    first->count == (choice->picked ? choice->count : 0) &&
		    (!first->count || !memcmp(first->picked, choice->picked, first->count)))
			break;
	*ret_count = count;
	return first;
}

static struct sign_input input_of(const struct answer *answer, const struct choice *choice)
{
	const struct store_owner *owner = answer->owner;

	return (struct sign_input){
	        .owner = owner->name,
	        .owner_len = owner->name_len,
	        .type = owner->type,
	        .ttl = answer->ttl,
	        .octets = answer->octets,
	        .count = choice->picked ? choice->count : answer->count,
	        .stride = (uint16_t)address_len(owner->type),
	        .picked = choice->picked,
	};
}

static struct answer_signatures *make_kept(const struct signer *signer, const struct answer *answer,
                                           const struct choice *choice)
{
	const struct sign_input input = input_of(answer, choice);
	size_t size = (signer_room(signer, input.type) + 7) & ~(size_t)7;
	uint16_t count = choice->picked ? choice->count : 0;
	struct answer_signatures *kept =
	        malloc(offsetof(struct answer_signatures, set) + size + count);

	if (!kept)
		return NULL;
	kept->signer = signer_number(signer);
	kept->count = count;
	kept->picked = (uint8_t *)&kept->set + size;
	if (count)
		memcpy(kept->picked, choice->picked, count);
	if (signer_sign(signer, &input, &kept->set, size))
		return kept;
	free(kept);
	return NULL;
}

/*
 * The signatures over these addresses, kept with the answer from the first time
 * on: by the loop as a rule, by a worker after an epoch has changed, or a member
 * has died, and the loop has not been here yet. NULL: they are to be made for
 * this reply.
 */
static const struct sign_set *kept_signatures(const struct signer *signer,
                                              const struct answer *answer,
                                              const struct choice *choice)
{
	/* Of an answer that is const only what is kept with it changes. */
	_Atomic(struct answer_signatures *) *place =
	        &((struct answer *)(uintptr_t)answer)->signatures;
	struct answer_signatures *first = atomic_load_explicit(place, memory_order_acquire);
	struct answer_signatures *kept;
	unsigned int count;

	kept = find_kept(first, signer_number(signer), choice, &count);
	if (kept)
		return &kept->set;
	kept = count < KEPT_MAX ? make_kept(signer, answer, choice) : NULL;
	if (!kept)
		return NULL;
	kept->next = first;
	while (!atomic_compare_exchange_weak_explicit(place, &kept->next, kept,
	                                              memory_order_acq_rel, memory_order_acquire))
		;
	return &kept->set;
}

static void sign_stored(struct plan *plan, const struct plan_item *item,
                        const struct answer *answer)
{
	struct choice choice = {item->picked, item->count};
	struct sign_input input = input_of(answer, &choice);
	const struct sign_set *set = NULL;

	/* A group for the kernel's image is a stretch of the octets, without picks. */
	if (item->octets == answer->octets && (item->picked || item->count == answer->count))
		set = kept_signatures(plan->zone->signer, answer, &choice);
	if (!set) {
		input.octets = item->octets;
		input.count = item->count;
		set = sign_now(plan, &input);
	}
	add_signatures(plan, item->section, item->owner, item->owner_len, set, item->ttl);
}

/* Of each group, those that live. */
static void sign_groups(const struct signer *signer, const struct answer *answer)
{
	const struct answer_pool *pool = answer->pool;
	uint64_t live = __atomic_load_n(pool->cell, __ATOMIC_RELAXED);
	uint8_t picked[256];

	for (uint16_t i = 0; i < pool->group_count; i++) {
		const struct answer_group *group = &pool->groups[i];
		struct choice choice = {.picked = picked};

		for (uint16_t at = group->first; at < group->first + group->count; at++)
			if (pool->bits[at] == ANSWER_ALWAYS || live >> pool->bits[at] & 1)
				picked[choice.count++] = (uint8_t)at;
		if (choice.count)
			kept_signatures(signer, answer, &choice);
	}
}

void online_sign_stored(const struct zone *zone, struct answer *answer)
{
	const struct choice all = {.picked = NULL};

	if (!zone || zone->security != ZONE_SIGNED || answer->negative)
		return;
	if (answer->pool)
		sign_groups(zone->signer, answer);
	else
		kept_signatures(zone->signer, answer, &all);
}

/* ---- denial ---- */

/* What is at a node, as RFC 4034 4.1.2 counts it. */
static void add_types(const struct plan *plan, const struct zone_node *node,
                      struct nsec_types *types)
{
	const struct zone_rrset *made;

	for (unsigned int i = 0; i < node->rrset_count; i++) {
		uint16_t type = node->rrsets[i].type;

		/* Of a delegation the parent has these alone. */
		if ((node->flags & ZONE_NODE_CUT) && type != AN_TYPE_NS && type != AN_TYPE_DS)
			continue;
		nsec_add(types,
		         type == AN_TYPE_ANAME ? plan->question->world->config->aname_type : type);
	}
	for (unsigned int i = 0; i < 3; i++) {
		static const uint16_t at_apex[] = {AN_TYPE_DNSKEY, AN_TYPE_CDS, AN_TYPE_CDNSKEY};

		made = online_rrset(plan, node, at_apex[i]);
		if (made)
			nsec_add(types, made->type);
	}
}

/* Of a flattened owner the addresses come and go; that they may be there is always true. */
static void add_flattened(struct nsec_types *types, uint16_t denied)
{
	nsec_add(types, AN_TYPE_A);
	nsec_add(types, AN_TYPE_AAAA);
	for (unsigned int i = 0; i < types->count;) {
		if (types->types[i] == denied)
			types->types[i] = types->types[--types->count];
		else
			i++;
	}
}

/*
 * A CNAME that is answered as addresses (flatten-cnames): the proof that one of
 * these is not there may not show the CNAME (RFC 6840 4.3), and whoever keeps it
 * must not conclude that what the CNAME leads to is not there either. So it
 * denies the one type, and shows whatever zones have.
 */
static void add_all_but(struct nsec_types *types, uint16_t denied)
{
	for (uint16_t type = 1; type < 110; type++) {
		bool other = type == AN_TYPE_NS || type == AN_TYPE_CNAME || type == AN_TYPE_SOA ||
		             type == AN_TYPE_DNAME || type == AN_TYPE_OPT || type == AN_TYPE_DS ||
		             type == AN_TYPE_DNSKEY || type == AN_TYPE_CDS ||
		             type == AN_TYPE_CDNSKEY || type == AN_TYPE_NSEC3 ||
		             type == AN_TYPE_NSEC3PARAM;

		if (!other && type != denied)
			nsec_add(types, type);
	}
	nsec_add(types, AN_TYPE_URI);
	nsec_add(types, AN_TYPE_CAA);
}

static void types_of(const struct plan *plan, const struct zone_node *node, uint16_t denied,
                     struct nsec_types *ret)
{
	bool flattens = node && zone_flattens(plan->zone, node);

	ret->count = 0;
	if (flattens && plan_is_address(denied) && (node->flags & ZONE_NODE_CNAME)) {
		add_all_but(ret, denied);
	} else if (node) {
		add_types(plan, node, ret);
		if (flattens)
			add_flattened(ret, denied);
	} else {
		nsec_add(ret, AN_TYPE_NXNAME);
	}
	nsec_add(ret, AN_TYPE_RRSIG);
	nsec_add(ret, AN_TYPE_NSEC);
}

static void add_nsec(struct plan *plan, enum message_section section, const uint8_t *owner,
                     size_t owner_len, struct nsec_types *types, uint32_t ttl)
{
	uint8_t rdata[NSEC_RDATA_MAX], lower[NAME_MAX_LEN], *room;
	struct sign_input input = {.owner = owner,
	                           .owner_len = owner_len,
	                           .type = AN_TYPE_NSEC,
	                           .ttl = plan->zone->negative_ttl, /* RFC 9077 */
	                           .count = 1};
	struct plan_item *item;
	size_t len;

	name_lower(lower, owner, owner_len);
	len = nsec_rdata(lower, owner_len, types, rdata, sizeof(rdata));
	room = len ? take_room(plan, len) : NULL;
	if (!room) {
		fail(plan);
		return;
	}
	memcpy(room, rdata, len);
	input.octets = room;
	input.stride = (uint16_t)len;
	item = plan_add_item(plan, section, owner, owner_len);
	if (!item)
		return;
	item->octets = room;
	item->count = 1;
	item->stride = (uint16_t)len;
	item->wire_type = AN_TYPE_NSEC;
	item->ttl = ttl < input.ttl ? ttl : input.ttl;
	if (plan->question->dnssec_ok)
		add_signatures(plan, section, owner, owner_len, sign_now(plan, &input), item->ttl);
}

/* A denial lives as long as the SOA beside it. */
static uint32_t soa_ttl(const struct plan *plan)
{
	for (unsigned int i = plan->count; i; i--)
		if (plan->items[i - 1].wire_type == AN_TYPE_SOA)
			return plan->items[i - 1].ttl;
	return UINT32_MAX;
}

/* What there is, by RFC 1034's look-up or, for who has made none, by one. */
static const struct zone_node *node_of(const struct plan *plan)
{
	struct zone_match match =
	        zone_find(plan->zone, plan->owner, plan->owner_len, plan->question->type);

	return match.verdict == ZONE_ANSWER ? match.node : NULL;
}

static void nodata(struct plan *plan)
{
	struct nsec_types types;

	types_of(plan, node_of(plan), plan->question->type, &types);
	add_nsec(plan, MESSAGE_AUTHORITY, plan->owner, plan->owner_len, &types, soa_ttl(plan));
}

/* RFC 9824 5.1. */
static void nxdomain(struct plan *plan)
{
	struct nsec_types types;

	if (plan->rcode == AN_RCODE_SERVFAIL)
		return; /* the SOA could not be signed */
	if (!plan->question->compact_ok)
		plan->rcode = AN_RCODE_NOERROR;
	types_of(plan, NULL, 0, &types);
	add_nsec(plan, MESSAGE_AUTHORITY, plan->owner, plan->owner_len, &types, soa_ttl(plan));
}

static void no_ds(struct plan *plan, const struct zone_node *cut)
{
	struct nsec_types types;

	types_of(plan, cut, 0, &types);
	add_nsec(plan, MESSAGE_AUTHORITY, cut->name, cut->name_len, &types, UINT32_MAX);
}

/* ---- records that are made, asked for by their type ---- */

static void answer_nsec(struct plan *plan, const struct zone_node *node)
{
	struct nsec_types types;

	types_of(plan, node, 0, &types);
	add_nsec(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len, &types, UINT32_MAX);
}

/* Of all that the name has in the zone's data; addresses that are flattened show theirs when they
 * are asked for. */
static void answer_rrsig(struct plan *plan, const struct zone_node *node)
{
	for (unsigned int i = 0; i < node->rrset_count && !plan->rcode; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];
		uint16_t type = rrset->type == AN_TYPE_ANAME
		                        ? plan->question->world->config->aname_type
		                        : rrset->type;

		if ((node->flags & ZONE_NODE_CUT) && type != AN_TYPE_DS)
			continue;
		if (plan_is_address(type) && zone_flattens(plan->zone, node))
			continue;
		add_signatures(plan, MESSAGE_ANSWER, plan->owner, plan->owner_len,
		               signatures_of(plan, plan->owner, plan->owner_len, type, node, rrset),
		               rrset->ttl);
	}
	if (!plan->count)
		plan_deny(plan, false);
}

bool online_answer(struct plan *plan, const struct zone_node *node, uint16_t type)
{
	if (plan->zone->security != ZONE_SIGNED)
		return false;
	if (type == AN_TYPE_NSEC)
		answer_nsec(plan, node);
	else if (type == AN_TYPE_RRSIG)
		answer_rrsig(plan, node);
	return type == AN_TYPE_NSEC || type == AN_TYPE_RRSIG;
}

bool online_answer_absent(struct plan *plan)
{
	const struct plan_question *q = plan->question;

	if (plan->zone->security != ZONE_SIGNED || !q->dnssec_ok || q->type != AN_TYPE_NSEC)
		return false;
	answer_nsec(plan, NULL);
	return true;
}

/* ---- denials of one network ---- */

bool online_is_disputed(const struct zone *zone, const struct answer *answer)
{
	return zone->security == ZONE_SIGNED && answer->negative && answer->owner->positive;
}

/* Whatever upstream said of whom the denial holds for: these addresses are given to others now. */
static bool is_given(const struct answer *other, const struct store_found *found, uint64_t now_ms)
{
	return other->fresh_until_ms > now_ms ||
	       (found->state == STORE_STALE && other->stale_until_ms > now_ms);
}

void online_substitute(struct plan *plan, struct store_found *found)
{
	struct answer *other;

	if (!plan->question->dnssec_ok || plan->zone->security != ZONE_SIGNED || !found->answer ||
	    !found->answer->negative)
		return;
	other = rcu_dereference(found->owner->positive);
	if (!other || !is_given(other, found, plan->question->now_ms))
		return;
	found->answer = other;
	found->wire_scope = plan_client(plan)->network.len;
	if (found->ttl > AN_STALE_TTL)
		found->ttl = AN_STALE_TTL;
}

const struct proof_kind proof_online = {
        .sign = sign,
        .sign_stored = sign_stored,
        .nodata = nodata,
        .nxdomain = nxdomain,
        .no_ds = no_ds,
};
