/* SPDX-License-Identifier: BSD-2-Clause */
/* From records to RRsets: sorted, without doubles, one TTL a set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "zone/build.h"
#include "zone/rdata.h"

#define ANAMES_MAX   64    /* members of a pool */
#define MESSAGE_ROOM 65000 /* of a DNS message for one RRset, its owner names compressed */
#define RR_FIXED_LEN 12    /* pointer, type, class, TTL, length */

static int records_compare(const void *a, const void *b)
{
	const struct record *one = *(struct record *const *)a, *two = *(struct record *const *)b;

	if (one->type != two->type)
		return one->type < two->type ? -1 : 1;
	return rdata_compare(one->type, one->data, one->len, two->data, two->len);
}

/* RFC 4034 3: RRSIGs are no RRset; each has the TTL of what it covers. */
static bool same_set(const struct record *a, const struct record *b)
{
	return a->type == b->type &&
	       (a->type != AN_TYPE_RRSIG || rdata_covered(a->data) == rdata_covered(b->data));
}

static int sorted_room(struct zone_builder *builder, size_t count)
{
	size_t room = builder->sorted_room ? builder->sorted_room : 64;
	struct record **sorted;

	if (count <= builder->sorted_room)
		return 0;
	while (room < count)
		room *= 2;
	sorted = realloc(builder->sorted, room * sizeof(struct record *));
	if (!sorted)
		return -ENOMEM;
	builder->sorted = sorted;
	builder->sorted_room = room;
	return 0;
}

/* Fills builder->sorted with the node's records, each once; *ret_types counts the RRsets. */
static long sort_records(struct zone_builder *builder, const struct node *node, size_t *ret_types)
{
	size_t count = 0, kept = 0, types = 0;
	struct record **sorted;

	for (struct record *record = node->records; record; record = record->next)
		count++;
	if (sorted_room(builder, count))
		return -ENOMEM;
	sorted = builder->sorted;
	count = 0;
	for (struct record *record = node->records; record; record = record->next)
		sorted[count++] = record;
	if (count > 1)
		qsort(sorted, count, sizeof(struct record *), records_compare);
	for (size_t i = 0; i < count; i++) {
		if (kept && !records_compare(&sorted[kept - 1], &sorted[i])) {
			if (warn_twice(builder, node, sorted[kept - 1], sorted[i]))
				return -ENOMEM;
			if (sorted[i]->ttl < sorted[kept - 1]->ttl)
				sorted[kept - 1]->ttl = sorted[i]->ttl;
			continue;
		}
		if (!kept || !same_set(sorted[kept - 1], sorted[i]))
			types++;
		sorted[kept++] = sorted[i];
	}
	*ret_types = types;
	return (long)kept;
}

/* A set that no message can hold is SERVFAIL over TCP; the rest of the zone is none the worse. */
static int check_room(struct zone_builder *builder, const struct node *node,
                      struct record **records, size_t count, struct error *error)
{
	char type[RDATA_TYPE_TEXT_MAX];
	struct error warning;
	size_t octets = 0;

	for (size_t i = 0; i < count; i++)
		octets += RR_FIXED_LEN + records[i]->len;
	if (octets <= MESSAGE_ROOM)
		return 0;
	rdata_type_text(records[0]->type, type);
	if (count > UINT16_MAX)
		return build_fault(builder, error, node, records[0], "more than %d %s records",
		                   UINT16_MAX, type);
	build_fault(builder, &warning, node, records[0], "%s RRset does not fit a DNS message",
	            type);
	if (build_warn(builder, &warning, false))
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	return 0;
}

static int check_set(struct zone_builder *builder, const struct node *node, struct record **records,
                     size_t count, struct error *error)
{
	int result = check_room(builder, node, records, count, error);

	if (result)
		return result;
	if (records[0]->type != AN_TYPE_ANAME)
		return 0;
	if (count > ANAMES_MAX)
		return build_fault(builder, error, node, records[ANAMES_MAX], "more than %d ANAMEs",
		                   ANAMES_MAX);
	return 0;
}

static int make_set(struct zone_builder *builder, struct record **records, size_t count,
                    struct zone_rrset *ret)
{
	struct arena *arena = &table_of(builder->zone)->sets;
	struct zone_rdata *rdata =
	        arena_take(arena, count * sizeof(*rdata), _Alignof(struct zone_rdata));

	if (!rdata)
		return -ENOMEM;
	*ret = (struct zone_rrset){
	        .type = records[0]->type,
	        .count = (uint16_t)count,
	        .ttl = records[0]->ttl,
	        .rdata = rdata,
	};
	for (size_t i = 0; i < count; i++) { /* RFC 2181 5.2: one TTL */
		if (records[i]->ttl < ret->ttl)
			ret->ttl = records[i]->ttl;
		rdata[i] = (struct zone_rdata){.len = records[i]->len, .data = records[i]->data};
	}
	return 0;
}

static int make_sets(struct zone_builder *builder, struct node *node, struct error *error)
{
	struct arena *arena = &table_of(builder->zone)->sets;
	size_t types = 0, made = 0;
	long count = sort_records(builder, node, &types);
	struct zone_rrset *sets;

	if (count < 0)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	if (!count)
		return 0;
	sets = arena_take(arena, types * sizeof(*sets), _Alignof(struct zone_rrset));
	if (!sets)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	for (size_t at = 0, end; at < (size_t)count; at = end) {
		struct record **first = builder->sorted + at;
		int result;

		for (end = at + 1; end < (size_t)count && same_set(builder->sorted[end], *first);)
			end++;
		result = check_set(builder, node, first, end - at, error);
		if (result)
			return result;
		if (make_set(builder, first, end - at, &sets[made++]))
			return error_set(error, ENOMEM, NULL, 0, "out of memory");
	}
	node->pub.rrsets = sets;
	node->pub.rrset_count = (uint16_t)types;
	builder->zone->record_count += (size_t)count;
	return 0;
}

static int check_siblings(const struct zone_builder *builder, const struct node *node,
                          const struct record *records, struct error *error)
{
	if (builder->zone->siblings != SIBLINGS_REJECT || !zone_rrset(&node->pub, AN_TYPE_ANAME))
		return 0;
	for (; records; records = records->next)
		if (records->type == AN_TYPE_A || records->type == AN_TYPE_AAAA)
			return build_fault(builder, error, node, records,
			                   "addresses beside an ANAME (siblings is reject)");
	return 0;
}

/* NSEC3 and its signatures, and nothing else. */
static bool is_hashed(const struct node *node)
{
	for (unsigned int i = 0; i < node->pub.rrset_count; i++) {
		const struct zone_rrset *set = &node->pub.rrsets[i];

		if (set->type != AN_TYPE_NSEC3 &&
		    (set->type != AN_TYPE_RRSIG || zone_covered(set) != AN_TYPE_NSEC3))
			return false;
	}
	return node->pub.rrset_count;
}

static void node_flags(struct zone_builder *builder, struct node *node, struct node *parent)
{
	struct zone *zone = builder->zone;
	uint8_t flags = node->pub.flags;

	if ((node->has & HAS_NS) && parent)
		flags |= ZONE_NODE_CUT;
	if (node->has & HAS_DNAME)
		flags |= ZONE_NODE_DNAME;
	if (zone_rrset(&node->pub, AN_TYPE_CNAME))
		flags |= ZONE_NODE_CNAME;
	if (zone_rrset(&node->pub, AN_TYPE_ANAME))
		flags |= ZONE_NODE_ANAME;
	if (node->above)
		flags |= ZONE_NODE_OCCLUDED;
	if (parent && is_hashed(node))
		flags |= ZONE_NODE_HASHED;
	else if (parent) /* a name below makes it one */
		parent->pub.flags &= (uint8_t)~ZONE_NODE_HASHED;
	node->pub.flags = flags;
	node->flattens = (flags & ZONE_NODE_ANAME) ||
	                 ((flags & ZONE_NODE_CNAME) &&
	                  build_flattens_cname(builder, node->pub.name, node->pub.name_len));
	if (node->above)
		return;
	zone->has_cuts |= (flags & ZONE_NODE_CUT) != 0;
	zone->has_dnames |= (flags & ZONE_NODE_DNAME) != 0;
	zone->has_anames |= node->flattens;
	zone->has_aliases |= (flags & (ZONE_NODE_ANAME | ZONE_NODE_CNAME)) != 0;
	zone->has_wildcards |= (flags & ZONE_NODE_WILDCARD_CHILD) != 0;
}

/* Parents come first: what is above them is known already. */
static int node_finish(struct zone_builder *builder, struct node *node, struct error *error)
{
	struct node *parent = node->parent;
	const struct record *records = node->records;
	int result = make_sets(builder, node, error);

	if (result)
		return result;
	result = check_siblings(builder, node, records, error);
	if (result)
		return result;
	node->wildcard = NULL;
	node->above = NULL;
	if (parent && parent->above)
		node->above = parent->above;
	else if (parent && (parent->pub.flags & (ZONE_NODE_CUT | ZONE_NODE_DNAME)))
		node->above = parent;
	if (parent && !(parent->pub.flags & ZONE_NODE_CUT) &&
	    node->pub.name_len == parent->pub.name_len + 2 && node->pub.name[1] == '*')
		parent->wildcard = node;
	node_flags(builder, node, parent);
	if (!parent) {
		builder->apex = node;
		builder->comes_signed = zone_rrset(&node->pub, AN_TYPE_DNSKEY) &&
		                        zone_signatures(&node->pub, AN_TYPE_SOA);
	}
	if (warn_node(builder, node, records, !parent))
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	return 0;
}

/* The content is a sum over hashes, so the order of nodes and records does not matter. */
static uint64_t node_content(const struct zone_node *node)
{
	uint8_t low[NAME_MAX_LEN];
	uint64_t name, sum = 0;

	name_lower(low, node->name, node->name_len);
	name = XXH3_64bits(low, node->name_len);
	for (unsigned int i = 0; i < node->rrset_count; i++) {
		const struct zone_rrset *set = &node->rrsets[i];
		uint64_t head[2] = {name, (uint64_t)set->type << 32 | set->ttl};
		uint64_t seed = XXH3_64bits(head, sizeof(head));

		for (unsigned int j = 0; j < set->count; j++)
			sum += XXH3_64bits_withSeed(set->rdata[j].data, set->rdata[j].len, seed);
	}
	return sum;
}

/* Settings that change answers count as content. */
static uint64_t settings_content(const struct zone *zone)
{
	uint8_t modes[4] = {1, zone->siblings, zone->flatten_cnames, zone->expose_aname};
	uint64_t sum = XXH3_64bits(modes, sizeof(modes));

	for (size_t i = 0; zone->settings && i < zone->settings->flatten_owners_count; i++) {
		const struct config_name *owner = &zone->settings->flatten_owners[i];

		sum += XXH3_64bits_withSeed(owner->name, owner->len, sizeof(modes));
	}
	return sum + XXH3_64bits(zone->apex, zone->apex_len);
}

/* Glue is found without a look-up. */
static void link_servers(const struct zone *zone, const struct node *node)
{
	const struct zone_rrset *ns;

	if (!(node->pub.flags & ZONE_NODE_CUT) || node->above)
		return;
	ns = zone_rrset(&node->pub, AN_TYPE_NS);
	for (unsigned int i = 0; i < ns->count; i++) {
		struct zone_rdata *target = &ns->rdata[i];

		if (name_under(target->data, target->len, zone->apex, zone->apex_len))
			target->target = table_number(table_of(zone), target->data, target->len);
	}
}

int build_finish(struct zone_builder *builder, struct error *error)
{
	struct zone *zone = builder->zone;
	struct table *table = table_of(zone);

	zone->content = settings_content(zone);
	for (size_t i = 0; i < table->count; i++) {
		struct node *node = table_node(table, i);
		int result = node_finish(builder, node, error);

		if (result)
			return result;
		zone->content += node_content(&node->pub);
	}
	for (size_t i = 0; i < table->count; i++)
		link_servers(zone, table_node(table, i));
	zone->node_count = table->count;
	zone->apex_node = &table_find(table, zone->apex, zone->apex_len)->pub;
	zone->soa = zone_rrset(zone->apex_node, AN_TYPE_SOA);
	return 0;
}
