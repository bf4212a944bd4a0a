/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * members - from an owner to the addresses of each of its members.
 *
 * A member is one ANAME (or flattened CNAME) of the owner, or the owner's own
 * addresses. Its chain is followed through our own zones without a question
 * to anyone (SEMANTICS 1.5); where it leaves them, upstream is asked.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "answer/cells.h"
#include "answer/flatten_room.h"
#include "answer/where.h"
#include "base/log.h"

static struct member *member_new(struct flight *flight, const uint8_t *name, size_t len,
                                 const struct member *parent, uint32_t ttl)
{
	struct member *member;

	if (flight->member_count >= FLATTEN_MEMBERS_MAX)
		return NULL;
	member = calloc(1, sizeof(*member));
	if (!member)
		return NULL;
	member->flight = flight;
	member->ede = -1;
	member->ttl = ttl;
	member->node = parent ? parent->node : HARVEST_BESIDE;
	if (parent) { /* upstream may have led here */
		member->ecs = parent->ecs;
		member->scope = parent->scope;
		member->upstream = parent->upstream;
		member->tailored = parent->tailored;
		member->index = parent->index;
	}
	member->parent = parent;
	member->depth = parent ? (uint8_t)(parent->depth + 1) : 0;
	member->name_len = (uint8_t)len;
	name_lower(member->name, name, len);
	member->next = flight->members;
	flight->members = member;
	flight->member_count++;
	flight->pending++;
	return member;
}

static void member_settle(struct member *member, enum member_state state)
{
	struct flight *flight = member->flight;

	member->state = state;
	if (--flight->pending == 0)
		flight_finish(flight);
}

void member_fail(struct member *member, int ede)
{
	member->ede = ede;
	member_settle(member, MEMBER_FAILED);
}

void member_give(struct member *member, const uint8_t *octets, uint16_t count)
{
	size_t len = count * address_len(member->flight->key.type);

	member->octets = len ? malloc(len) : NULL;
	if (len && !member->octets) {
		member_fail(member, AN_EDE_OTHER);
		return;
	}
	if (len)
		memcpy(member->octets, octets, len);
	member->count = count;
	member->negative = count == 0;
	member_settle(member, MEMBER_OK);
}

/* The addresses of an RRset of our own, as octets in a row. */
static uint16_t own_octets(const struct zone_rrset *set, uint8_t octets[FLATTEN_ADDRESSES_MAX * 16])
{
	size_t len = address_len(set->type);
	uint16_t count = 0;

	for (uint16_t i = 0; i < set->count && count < FLATTEN_ADDRESSES_MAX; i++)
		if (set->rdata[i].len == len)
			memcpy(octets + len * count++, set->rdata[i].data, len);
	return count;
}

/* ---- chains through our own zones ---- */

static void members_add(struct flight *flight, const struct zone *zone,
                        const struct zone_node *node, const struct member *parent, uint32_t ttl);

/* DNAME (RFC 6672): the part below the DNAME's owner, put before its target. */
static bool substitute(struct member *member, const struct zone_node *dname)
{
	const struct zone_rrset *set = zone_rrset(dname, AN_TYPE_DNAME);
	uint8_t name[NAME_MAX_LEN];
	size_t prefix = (size_t)(member->name_len - dname->name_len), target;

	if (!set)
		return false;
	target = set->rdata[0].len;
	if (prefix + target > NAME_MAX_LEN)
		return false;
	memcpy(name, member->name, prefix);
	memcpy(name + prefix, set->rdata[0].data, target);
	member->name_len = (uint8_t)(prefix + target);
	name_lower(member->name, name, member->name_len);
	least(&member->ttl, set->ttl);
	return true;
}

/* One step inside our own zones. False: the member's state is settled or its question is out. */
static bool member_step(struct member *member)
{
	struct flight *flight = member->flight;
	uint16_t type = flight->key.type;
	const struct zone *zone =
	        zones_find(flight->flatten->world->zones, member->name, member->name_len, type);
	const struct zone_rrset *set;
	struct zone_match match;

	if (!zone) {
		member_ask(member);
		return false;
	}
	match = zone_find(zone, member->name, member->name_len, type);
	if (match.verdict == ZONE_DELEGATION) {
		member_ask(member);
		return false;
	}
	flight->flatten->stats.local++;
	if (match.verdict == ZONE_DNAME && substitute(member, match.node))
		return true;
	if (match.verdict == ZONE_ANSWER && zone_flattens(zone, match.node)) {
		/* The next members carry on; this one has led to them. */
		members_add(flight, zone, match.node, member, member->ttl);
		member->led = true;
		member_settle(member, MEMBER_OK);
		return false;
	}
	set = match.verdict == ZONE_ANSWER ? zone_rrset(match.node, type) : NULL;
	if (set) {
		uint8_t octets[FLATTEN_ADDRESSES_MAX * 16];

		least(&member->ttl, set->ttl);
		member_give(member, octets, own_octets(set, octets));
		return false;
	}
	set = match.verdict == ZONE_ANSWER ? zone_rrset(match.node, AN_TYPE_CNAME) : NULL;
	if (set) {
		least(&member->ttl, set->ttl);
		member->name_len = (uint8_t)set->rdata[0].len;
		name_lower(member->name, set->rdata[0].data, member->name_len);
		return true;
	}
	least(&member->ttl, zone->negative_ttl);
	member_give(member, NULL, 0);
	return false;
}

static bool is_loop(const struct member *member)
{
	const struct ask_key *key = &member->flight->key;

	if (name_equal(member->name, member->name_len, key->name, key->name_len))
		return true;
	for (const struct member *above = member->parent; above; above = above->parent)
		if (name_equal(member->name, member->name_len, above->name, above->name_len))
			return true;
	return member->depth >= FLATTEN_CHAIN_MAX;
}

static void member_run(struct member *member)
{
	for (unsigned int steps = 0; steps <= FLATTEN_CHAIN_MAX; steps++) {
		if (is_loop(member))
			break;
		if (!member_step(member))
			return;
	}
	member->flight->flatten->stats.loops++;
	member->loop = true;
	member_fail(member, AN_EDE_OTHER);
}

void member_go_on(struct member *member, const uint8_t *name, size_t len)
{
	member->name_len = (uint8_t)len;
	name_lower(member->name, name, len);
	member->depth++;
	member_run(member);
}

/* The node's own addresses as a member. */
static void add_own(struct flight *flight, const struct zone_node *node,
                    const struct member *parent, const struct zone_rrset *set, uint32_t ttl)
{
	struct member *member = member_new(flight, node->name, node->name_len, parent, ttl);
	uint8_t octets[FLATTEN_ADDRESSES_MAX * 16];

	if (!member)
		return;
	least(&member->ttl, set->ttl);
	member_give(member, octets, own_octets(set, octets));
}

/* ---- members of a pool ---- */

static void add_pool_address(struct flight *flight, uint16_t node, uint32_t ttl)
{
	const struct endpoint *address = flight->tree->nodes[node].address;
	uint8_t family = flight->key.type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	struct member *member;

	if (address->family != family)
		return;
	member = member_new(flight, (const uint8_t *)"", 1, NULL, ttl);
	if (!member)
		return;
	member->node = node;
	member_give(member, address->address, 1);
}

static void add_pool_aname(struct flight *flight, uint16_t node, const struct member *parent,
                           uint32_t ttl)
{
	const struct config_member *settings = flight->tree->nodes[node].member;
	struct member *member =
	        member_new(flight, settings->aname.name, settings->aname.len, parent, ttl);

	if (!member)
		return;
	member->node = node;
	member->ecs = settings->ecs;
	member_run(member);
}

static void add_pool(struct flight *flight, const struct pool_tree *tree,
                     const struct member *parent, uint32_t ttl)
{
	const struct pool_place place =
	        where_place(flight->flatten->world, tree, flight->key.region);

	flight->tree = tree;
	for (uint16_t node = 1; node < tree->count; node++) {
		if (tree->nodes[node].address)
			add_pool_address(flight, node, ttl);
		else if (tree->nodes[node].kind == POOL_NODE_ANAME &&
		         !pool_is_elsewhere(tree, node, &place))
			add_pool_aname(flight, node, parent, ttl);
	}
}

/* An owner has one pool: of more, the first counts, and the others give nothing. */
static bool is_other_pool(const struct flight *flight, const struct pool_tree *tree)
{
	return flight->tree && flight->tree != tree;
}

static void add_target(struct flight *flight, const struct zone_rdata *target,
                       const struct member *parent, uint32_t ttl)
{
	const struct pool_tree *tree =
	        pools_find(flight->flatten->pools, target->data, target->len);
	struct member *member;

	if (tree && !flight->tree) {
		add_pool(flight, tree, parent, ttl);
		return;
	}
	member = member_new(flight, target->data, target->len, parent, ttl);
	if (!member)
		return;
	if (tree && (is_other_pool(flight, tree) || member->node != HARVEST_BESIDE))
		member_fail(member, AN_EDE_OTHER);
	else
		member_run(member);
}

static void members_add(struct flight *flight, const struct zone *zone,
                        const struct zone_node *node, const struct member *parent, uint32_t ttl)
{
	const struct zone_rrset *own = zone_rrset(node, flight->key.type);
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);

	if (!set)
		set = zone_rrset(node, AN_TYPE_CNAME);
	if (own && (zone->siblings == SIBLINGS_MERGE || zone->siblings == SIBLINGS_OVERRIDE))
		add_own(flight, node, parent, own, ttl);
	if (!set || (own && zone->siblings == SIBLINGS_OVERRIDE))
		return;
	for (uint16_t i = 0; i < set->count; i++) {
		uint32_t least_ttl = ttl;

		least(&least_ttl, set->ttl);
		add_target(flight, &set->rdata[i], parent, least_ttl);
	}
}

void members_start(struct flight *flight, const struct zone *zone, const struct zone_node *node)
{
	flight->definition = members_definition(flight->flatten, zone, node);
	flight->pending++; /* so that the flight does not end while members are still being made */
	members_add(flight, zone, node, NULL, UINT32_MAX);
	if (--flight->pending == 0)
		flight_finish(flight);
}

void members_free(struct flight *flight)
{
	struct member *member = flight->members, *next;

	for (; member; member = next) {
		next = member->next;
		if (member->state == MEMBER_OUT && member->lookup)
			lookup_leave(member);
		free(member->octets);
		free(member);
	}
	flight->members = NULL;
}

static const struct zone_rrset *target_set(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);

	return set ? set : zone_rrset(node, AN_TYPE_CNAME);
}

const struct pool_tree *members_pool(const struct flatten *flatten, const struct zone_node *node)
{
	const struct zone_rrset *set = target_set(node);
	const struct pool_tree *tree = NULL;

	for (uint16_t i = 0; set && i < set->count && !tree; i++)
		tree = pools_find(flatten->pools, set->rdata[i].data, set->rdata[i].len);
	return tree;
}

static bool is_home(const struct flatten *flatten, const uint8_t *name, size_t len)
{
	return zones_find(flatten->world->zones, name, len, 0) != NULL;
}

static bool pool_leads_home(const struct flatten *flatten, const struct pool_tree *tree)
{
	for (uint16_t node = 1; node < tree->count; node++) {
		const struct config_member *settings = tree->nodes[node].member;

		if (tree->nodes[node].kind == POOL_NODE_ANAME &&
		    is_home(flatten, settings->aname.name, settings->aname.len))
			return true;
	}
	return false;
}

bool members_lead_home(const struct flatten *flatten, const struct zone_node *node)
{
	const struct pool_tree *tree = members_pool(flatten, node);
	const struct zone_rrset *set = target_set(node);

	for (uint16_t i = 0; set && i < set->count; i++)
		if (is_home(flatten, set->rdata[i].data, set->rdata[i].len))
			return true;
	return tree && pool_leads_home(flatten, tree);
}

uint64_t members_definition(const struct flatten *flatten, const struct zone *zone,
                            const struct zone_node *node)
{
	const struct pool_tree *tree = members_pool(flatten, node);
	static const uint16_t types[] = {AN_TYPE_A, AN_TYPE_AAAA, AN_TYPE_ANAME, AN_TYPE_CNAME};
	uint64_t hash = zone->siblings;

	for (size_t t = 0; t < 4; t++) {
		const struct zone_rrset *set = zone_rrset(node, types[t]);

		if (!set)
			continue;
		hash = XXH3_64bits_withSeed(&set->type, sizeof(set->type), hash);
		hash = XXH3_64bits_withSeed(&set->ttl, sizeof(set->ttl), hash);
		for (uint16_t i = 0; i < set->count; i++)
			hash = XXH3_64bits_withSeed(set->rdata[i].data, set->rdata[i].len, hash);
	}
	if (tree)
		hash = XXH3_64bits_withSeed(&tree->definition, sizeof(tree->definition), hash);
	return hash;
}
