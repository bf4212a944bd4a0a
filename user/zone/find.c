/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-up: the name itself, else its closest encloser by halving the labels
 * between it and the apex (whether a name exists is monotonic there). What
 * covers a name, a cut or a DNAME, is noted at each node, so nobody walks.
 */
#include "anamed/dns.h"
#include "zone/rdata.h"
#include "zone/table.h"
#include "zone/zone.h"

const struct zone_node *zone_node_exact(const struct zone *zone, const uint8_t *name, size_t len)
{
	const struct node *node = table_find(table_of(zone), name, len);

	return node ? &node->pub : NULL;
}

const struct zone_node *zone_target(const struct zone *zone, const struct zone_rdata *ns)
{
	return ns->target ? &table_node(table_of(zone), ns->target - 1)->pub : NULL;
}

const struct zone_rrset *zone_rrset(const struct zone_node *node, uint16_t type)
{
	for (unsigned int i = 0; i < node->rrset_count && node->rrsets[i].type <= type; i++)
		if (node->rrsets[i].type == type)
			return &node->rrsets[i];
	return NULL;
}

uint16_t zone_covered(const struct zone_rrset *signatures)
{
	return rdata_covered(signatures->rdata[0].data);
}

const struct zone_rrset *zone_signatures(const struct zone_node *node, uint16_t type)
{
	for (unsigned int i = 0; i < node->rrset_count; i++)
		if (node->rrsets[i].type == AN_TYPE_RRSIG && zone_covered(&node->rrsets[i]) == type)
			return &node->rrsets[i];
	return NULL;
}

const struct zone_rrset *zone_rrset_for(const struct zone_node *node, uint16_t type,
                                        const uint8_t *rdata)
{
	return type == AN_TYPE_RRSIG ? zone_signatures(node, rdata_covered(rdata))
	                             : zone_rrset(node, type);
}

bool zone_flattens(const struct zone *zone, const struct zone_node *node)
{
	(void)zone;
	return ((const struct node *)(const void *)node)->flattens;
}

int zone_each(const struct zone *zone, int (*visit)(const struct zone_node *node, void *arg),
              void *arg)
{
	const struct table *table = table_of(zone);

	for (size_t i = 0; i < table->count; i++) {
		int result = visit(&table_node(table, i)->pub, arg);

		if (result)
			return result;
	}
	return 0;
}

/* The closest encloser of a name that does not exist; NULL if it lies outside the zone. */
static const struct node *closest_encloser(const struct table *table, const uint8_t *name,
                                           size_t len)
{
	uint8_t starts[NAME_MAX_LEN / 2 + 1];
	unsigned int labels = 0, low = 0, high;
	const struct node *best;

	for (size_t at = 0; name[at]; at += 1u + name[at])
		starts[labels++] = (uint8_t)at;
	starts[labels] = (uint8_t)(len - 1);
	if (labels <= table->apex_labels)
		return NULL;
	/* starts[low] does not exist, starts[high] does. */
	high = labels - table->apex_labels;
	best = table_node(table, 0); /* the apex */
	if (!name_equal(name + starts[high], len - starts[high], best->pub.name,
	                best->pub.name_len))
		return NULL;
	while (high - low > 1) {
		unsigned int middle = low + (high - low) / 2;
		const struct node *node =
		        table_find(table, name + starts[middle], len - starts[middle]);

		if (node) {
			best = node;
			high = middle;
		} else {
			low = middle;
		}
	}
	return best;
}

static struct zone_match covered(const struct node *above)
{
	/* A name below a cut is the child's, DNAME or not. */
	return (struct zone_match){
	        .verdict = above->pub.flags & ZONE_NODE_CUT ? ZONE_DELEGATION : ZONE_DNAME,
	        .node = &above->pub,
	        .closest = &above->pub,
	};
}

static struct zone_match found(const struct node *node, uint16_t type)
{
	struct zone_match match = {
	        .verdict = ZONE_ANSWER, .node = &node->pub, .closest = &node->pub};

	if (node->above)
		return covered(node->above);
	/* RFC 4035 3.1.4.1: the parent answers for DS. */
	if ((node->pub.flags & ZONE_NODE_CUT) && type != AN_TYPE_DS)
		match.verdict = ZONE_DELEGATION;
	return match;
}

/* RFC 5155 7.2.8: of the names that are no names the first above that is one. */
static const struct node *visible(const struct table *table, const struct node *node)
{
	while (node && node->pub.flags & ZONE_NODE_HASHED) {
		size_t label = 1u + node->pub.name[0];

		node = table_find(table, node->pub.name + label, node->pub.name_len - label);
	}
	return node;
}

struct zone_match zone_find(const struct zone *zone, const uint8_t *name, size_t len, uint16_t type)
{
	const struct table *table = table_of(zone);
	const struct node *node = table_find(table, name, len);
	struct zone_match match = {.verdict = ZONE_NXDOMAIN};

	if (node && !(node->pub.flags & ZONE_NODE_HASHED))
		return found(node, type);
	node = visible(table, node ? node : closest_encloser(table, name, len));
	if (!node)
		return match;
	if (node->above)
		return covered(node->above);
	if (node->pub.flags & (ZONE_NODE_CUT | ZONE_NODE_DNAME)) /* RFC 6672 2.3, 3.2 */
		return covered(node);
	match.closest = &node->pub;
	if (node->wildcard) { /* RFC 4592 3.3.1: directly below the closest encloser only */
		match.verdict = ZONE_ANSWER;
		match.node = &node->wildcard->pub;
		match.wildcard = true;
	}
	return match;
}
