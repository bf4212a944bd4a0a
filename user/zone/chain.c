/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "base/wire.h"
#include "zone/build.h"

#define EXPIRATION_AT 8 /* of an RRSIG (RFC 4034 3.1) */

#define NOWHERE UINT32_MAX /* a link: it was looked for, and there is none */

/* ---- order ---- */

/* Octets of a key, filled from the left. */
struct key {
	uint64_t value;
	unsigned int left;
};

static void key_put(struct key *key, uint8_t octet)
{
	if (key->left)
		key->value |= (uint64_t)octet << 8 * --key->left;
}

/*
 * The labels below the apex from right to left, each ended by a zero octet:
 * then the order of octets is the canonical one of names (RFC 4034 6.1). The
 * octets 0 and 1 stand behind a 1, so that the end of a label comes first.
 */
static uint64_t key_of_name(const struct zone *zone, const uint8_t *name, size_t len)
{
	uint8_t starts[NAME_MAX_LEN / 2];
	struct key key = {0, 8};
	unsigned int labels = 0;

	for (size_t at = 0; at < len - zone->apex_len; at += 1u + name[at])
		starts[labels++] = (uint8_t)at;
	while (labels && key.left) {
		const uint8_t *label = name + starts[--labels];
		uint8_t low[NAME_MAX_LEN];

		name_lower(low, label + 1, *label);
		for (unsigned int i = 0; i < *label && key.left; i++) {
			if (low[i] < 2)
				key_put(&key, 1);
			key_put(&key, low[i] < 2 ? (uint8_t)(low[i] + 1) : low[i]);
		}
		key_put(&key, 0);
	}
	return key.value;
}

static uint64_t key_of_hash(const uint8_t hash[NSEC3_HASH_LEN])
{
	uint64_t key = 0;

	for (unsigned int i = 0; i < 8; i++)
		key = key << 8 | hash[i];
	return key;
}

static const struct zone_node *node_at(const struct zone *zone, size_t at)
{
	return &table_node(table_of(zone), zone->chain->nodes[at])->pub;
}

/* The last that is at or before the name; before the first stands the last. The chain is not empty.
 */
static size_t find(const struct zone *zone, uint64_t key, const uint8_t *name)
{
	const struct chain *chain = zone->chain;
	size_t low = 0, high = chain->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		bool after = chain->keys[middle] > key;

		if (chain->keys[middle] == key)
			after = name_compare(node_at(zone, middle)->name, name) > 0;
		if (after)
			high = middle;
		else
			low = middle + 1;
	}
	return low ? low - 1 : chain->count - 1;
}

static bool is_empty(const struct zone *zone)
{
	return !zone->chain || !zone->chain->count;
}

/* ---- links: what was found once ---- */

/* The node of a zone that is const is not: only its zone data are. */
static void keep(const uint32_t *link, uint32_t value)
{
	__atomic_store_n((uint32_t *)(uintptr_t)link, value, __ATOMIC_RELAXED);
}

static uint32_t kept(const uint32_t *link)
{
	return __atomic_load_n(link, __ATOMIC_RELAXED);
}

static const struct zone_node *follow(const struct zone *zone, uint32_t link)
{
	return link == NOWHERE ? NULL : node_at(zone, link - 1);
}

static const uint32_t *wildcard_link(const struct zone_node *node)
{
	return &((const struct node *)(const void *)node)->wildcard_link;
}

/* "*" below the node; its length, 0 if there can be no such name. */
static size_t wildcard_of(const struct zone_node *node, uint8_t ret[NAME_MAX_LEN])
{
	if (node->name_len + 2u > NAME_MAX_LEN)
		return 0;
	ret[0] = 1;
	ret[1] = '*';
	memcpy(ret + 2, node->name, node->name_len);
	return node->name_len + 2u;
}

/* ---- NSEC ---- */

size_t chain_place(const struct zone *zone, const uint8_t *name, size_t len)
{
	return find(zone, key_of_name(zone, name, len), name);
}

const struct zone_node *chain_at(const struct zone *zone, const uint8_t *name, size_t len)
{
	return is_empty(zone) ? NULL : node_at(zone, chain_place(zone, name, len));
}

const struct zone_node *chain_at_node(const struct zone *zone, const struct zone_node *node)
{
	uint32_t link = kept(&node->link);

	if (is_empty(zone) || zone_rrset(node, AN_TYPE_NSEC))
		return is_empty(zone) ? NULL : node;
	if (!link) {
		link = (uint32_t)chain_place(zone, node->name, node->name_len) + 1;
		keep(&node->link, link);
	}
	return follow(zone, link);
}

const struct zone_node *chain_at_wildcard(const struct zone *zone, const struct zone_node *node)
{
	uint32_t link = kept(wildcard_link(node));
	uint8_t name[NAME_MAX_LEN];
	size_t len;

	if (is_empty(zone))
		return NULL;
	if (!link) {
		len = wildcard_of(node, name);
		link = len ? (uint32_t)chain_place(zone, name, len) + 1 : NOWHERE;
		keep(wildcard_link(node), link);
	}
	return follow(zone, link);
}

/* ---- NSEC3 ---- */

size_t chain_place_hashed(const struct zone *zone, const uint8_t *owner)
{
	uint8_t hash[NSEC3_HASH_LEN] = {0};

	nsec3_from_label(owner, hash);
	return find(zone, key_of_hash(hash), owner);
}

/* False: there is no hash of it. */
static bool find_hashed(const struct zone *zone, const uint8_t *name, size_t len, size_t *ret_at,
                        uint8_t ret_owner[NAME_MAX_LEN])
{
	uint8_t hash[NSEC3_HASH_LEN];

	if (is_empty(zone) || !nsec3_hash(&zone->chain->param, name, len, hash))
		return false;
	nsec3_to_label(hash, ret_owner);
	/* A chain that is not empty has names as long as this one. */
	memcpy(ret_owner + 1 + NSEC3_LABEL_LEN, zone->apex, zone->apex_len);
	*ret_at = find(zone, key_of_hash(hash), ret_owner);
	return true;
}

static uint32_t link_of_match(const struct zone *zone, const struct zone_node *node)
{
	uint8_t owner[NAME_MAX_LEN];
	size_t at;

	if (!find_hashed(zone, node->name, node->name_len, &at, owner) ||
	    name_compare(node_at(zone, at)->name, owner))
		return NOWHERE;
	return (uint32_t)at + 1;
}

const struct zone_node *chain_match(const struct zone *zone, const struct zone_node *node)
{
	uint32_t link = kept(&node->link);

	if (is_empty(zone))
		return NULL;
	if (!link) {
		link = link_of_match(zone, node);
		keep(&node->link, link);
	}
	return follow(zone, link);
}

const struct zone_node *chain_cover(const struct zone *zone, const uint8_t *name, size_t len)
{
	uint8_t owner[NAME_MAX_LEN];
	size_t at;

	return find_hashed(zone, name, len, &at, owner) ? node_at(zone, at) : NULL;
}

const struct zone_node *chain_cover_wildcard(const struct zone *zone, const struct zone_node *node)
{
	uint32_t link = kept(wildcard_link(node));
	uint8_t name[NAME_MAX_LEN], owner[NAME_MAX_LEN];
	size_t len, at;

	if (is_empty(zone))
		return NULL;
	if (!link) {
		len = wildcard_of(node, name);
		link = len && find_hashed(zone, name, len, &at, owner) ? (uint32_t)at + 1 : NOWHERE;
		keep(wildcard_link(node), link);
	}
	return follow(zone, link);
}

const struct zone_node *chain_parent(const struct zone *zone, const struct zone_node *node)
{
	size_t label = 1u + node->name[0];

	if (node->name_len == zone->apex_len)
		return NULL;
	return zone_node_exact(zone, node->name + label, node->name_len - label);
}

/* ---- making it ---- */

struct link {
	uint64_t key;
	uint32_t node;
};

struct links {
	struct link *links;
	size_t count;
};

static int compare_links(const void *a, const void *b, void *arg)
{
	const struct link *one = a, *two = b;
	const struct table *table = arg;

	if (one->key != two->key)
		return one->key < two->key ? -1 : 1;
	return name_compare(table_node(table, one->node)->pub.name,
	                    table_node(table, two->node)->pub.name);
}

/* Sorted, and where the zone keeps them. NULL: out of memory. */
static struct chain *chain_of(const struct zone *zone, struct links *links)
{
	struct arena *arena = &table_of(zone)->sets;
	struct chain *chain = arena_take(arena, sizeof(*chain), _Alignof(struct chain));
	uint64_t *keys = arena_take(arena, links->count * sizeof(*keys), sizeof(*keys));
	uint32_t *nodes = arena_take(arena, links->count * sizeof(*nodes), sizeof(*nodes));

	if (!chain || !keys || !nodes)
		return NULL;
	qsort_r(links->links, links->count, sizeof(*links->links), compare_links, table_of(zone));
	for (size_t i = 0; i < links->count; i++) {
		keys[i] = links->links[i].key;
		nodes[i] = links->links[i].node;
	}
	*chain = (struct chain){.count = links->count, .keys = keys, .nodes = nodes};
	return chain;
}

static bool has_nsec(const struct node *node)
{
	return !node->above && zone_rrset(&node->pub, AN_TYPE_NSEC);
}

static bool has_nsec3(const struct zone *zone, const struct node *node,
                      const struct nsec3_param *param)
{
	const struct zone_rrset *set = zone_rrset(&node->pub, AN_TYPE_NSEC3);

	if (!set || node->pub.name_len != zone->apex_len + 1u + NSEC3_LABEL_LEN)
		return false;
	for (unsigned int i = 0; i < set->count; i++) {
		struct nsec3_param one = nsec3_param(set->rdata[i].data);

		if (nsec3_same_hash(&one, param))
			return true;
	}
	return false;
}

/* param NULL: NSEC. */
static void gather(const struct zone *zone, const struct nsec3_param *param, struct links *ret)
{
	const struct table *table = table_of(zone);
	uint8_t hash[NSEC3_HASH_LEN];

	for (size_t i = 0; i < table->count; i++) {
		const struct node *node = table_node(table, i);
		struct link *link = &ret->links[ret->count];

		if (param ? !has_nsec3(zone, node, param) || !nsec3_from_label(node->pub.name, hash)
		          : !has_nsec(node))
			continue;
		link->node = (uint32_t)i;
		link->key = param ? key_of_hash(hash)
		                  : key_of_name(zone, node->pub.name, node->pub.name_len);
		ret->count++;
	}
}

static int make(struct zone *zone, const struct nsec3_param *param)
{
	struct links links = {malloc(table_of(zone)->count * sizeof(*links.links)), 0};
	struct chain *chain = NULL;

	if (links.links) {
		gather(zone, param, &links);
		chain = chain_of(zone, &links);
	}
	free(links.links);
	if (!chain)
		return -ENOMEM;
	if (param)
		chain->param = *param;
	zone->chain = chain;
	return 0;
}

/* RFC 5155 4, 10.4, 10.5: an NSEC3PARAM without flags is there while all of its chain is. */
static int make_nsec3(struct zone *zone)
{
	const struct zone_rrset *set = zone_rrset(zone->apex_node, AN_TYPE_NSEC3PARAM);
	int err = 0;

	for (unsigned int i = 0; set && i < set->count && !err; i++) {
		struct nsec3_param param = nsec3_param(set->rdata[i].data);

		if (param.algorithm != 1 || param.flags || param.iterations > NSEC3_ITERATIONS_MAX)
			continue;
		err = make(zone, &param);
		if (!err && chain_match(zone, zone->apex_node))
			return 0;
		keep(&zone->apex_node->link, 0);
		zone->chain = NULL;
	}
	return err;
}

/* ---- what is wrong with it ---- */

static const struct node *apex_of(const struct zone_builder *builder)
{
	return (const struct node *)(const void *)builder->zone->apex_node;
}

#define WARN(builder, mild, ...) build_warn_of(builder, apex_of(builder), NULL, mild, __VA_ARGS__)

/* RFC 9276 3.2: from so many on validators take a zone for unsigned. */
#define ITERATIONS_TRUSTED 100

static int warn_iterations(struct zone_builder *builder)
{
	const struct zone_rrset *set = zone_rrset(builder->zone->apex_node, AN_TYPE_NSEC3PARAM);
	int err = 0;

	for (unsigned int i = 0; set && i < set->count && !err; i++) {
		struct nsec3_param param = nsec3_param(set->rdata[i].data);

		if (param.iterations > NSEC3_ITERATIONS_MAX)
			err = WARN(builder, false,
			           "NSEC3 with %u iterations: over %u nothing is proved by them",
			           param.iterations, NSEC3_ITERATIONS_MAX);
		else if (param.iterations > ITERATIONS_TRUSTED)
			err = WARN(builder, true,
			           "NSEC3 with %u iterations: validators will not check the zone",
			           param.iterations);
	}
	return err;
}

/* One signature for all of them: they are made together. */
static int warn_expired(struct zone_builder *builder)
{
	const struct zone_rrset *set = zone_signatures(builder->zone->apex_node, AN_TYPE_SOA);

	for (unsigned int i = 0; i < set->count; i++) {
		struct wire expiration = wire_reader(set->rdata[i].data + EXPIRATION_AT, 4);

		if ((int32_t)(wire_get32(&expiration) - (uint32_t)time(NULL)) >= 0)
			return 0;
	}
	return warn_closely() ? 0
	                      : WARN(builder, false, "the signatures over the SOA have expired");
}

/* ---- what is flattened ---- */

static bool is_signed(const struct node *node, uint16_t type)
{
	return zone_rrset(&node->pub, type) && zone_signatures(&node->pub, type);
}

static bool is_expanded(const struct config_zone *settings)
{
	for (size_t i = 0; settings && i < settings->secondaries_count; i++)
		if (settings->secondaries[i].mode != TRANSFER_NATIVE)
			return true;
	return false;
}

/*
 * Whoever signs a zone says what its answers are: addresses that he has signed
 * beside an ANAME, or a CNAME, go out as they are. What he has not signed we
 * cannot.
 */
static int keep_signed(struct zone_builder *builder)
{
	struct table *table = table_of(builder->zone);
	const struct node *first = NULL;
	char name[NAME_TEXT_MAX];
	size_t count = 0;

	builder->zone->has_anames = false;
	for (size_t i = 0; i < table->count; i++) {
		struct node *node = table_node(table, i);

		if (is_signed(node, AN_TYPE_A) || is_signed(node, AN_TYPE_AAAA) ||
		    is_signed(node, AN_TYPE_CNAME))
			node->flattens = false;
		if (!node->flattens || node->above)
			continue;
		first = first ? first : node;
		count++;
	}
	builder->zone->has_anames = count;
	if (!count)
		return 0;
	if (is_expanded(builder->settings) && WARN(builder, false,
	                                           "a transfer in mode expand or both changes the "
	                                           "SOA, over which there is a signature"))
		return -ENOMEM;
	return WARN(builder, true,
	            "addresses of ANAMEs cannot be signed here, and validators will refuse them: "
	            "%.80s, %zu in all",
	            name_to_text(first->pub.name, name), count);
}

int build_chain(struct zone_builder *builder, struct error *error)
{
	struct zone *zone = builder->zone;
	int err;

	if (!builder->comes_signed)
		return 0;
	err = make_nsec3(zone);
	zone->security = zone->chain ? ZONE_PRESIGNED_NSEC3 : ZONE_PRESIGNED_NSEC;
	if (!err && !zone->chain)
		err = make(zone, NULL);
	if (!err)
		err = warn_iterations(builder);
	if (!err && !zone->chain->count)
		err = WARN(builder, false,
		           "signed, but nothing proves that a name or a type is not there");
	if (!err)
		err = warn_expired(builder);
	if (!err)
		err = keep_signed(builder);
	if (!err && warn_closely())
		err = warn_signed_chain(builder);
	return err ? error_set(error, ENOMEM, NULL, 0, "out of memory") : 0;
}
