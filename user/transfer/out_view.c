/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out_view.h"

#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/wire.h"

struct view *view_new(struct zone *zone, struct expand_table *table, enum transfer_mode mode,
                      uint32_t serial)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	atomic_init(&view->holders, 1);
	view->mode = mode;
	view->serial = serial;
	view->zone = zone_hold(zone);
	if (mode != TRANSFER_NATIVE)
		view->table = expand_table_hold(table);
	return view;
}

struct view *view_hold(struct view *view)
{
	atomic_fetch_add(&view->holders, 1);
	return view;
}

void view_free(struct view *view)
{
	if (!view || atomic_fetch_sub(&view->holders, 1) != 1)
		return;
	zone_free(view->zone);
	expand_table_free(view->table);
	free(view);
}

size_t view_soa(const struct view *view, uint8_t ret[VIEW_SOA_MAX])
{
	const struct zone_rdata *soa = &view->zone->soa->rdata[0];
	struct wire serial = wire_writer(ret + soa->len - 20, 4);

	memcpy(ret, soa->data, soa->len);
	wire_put32(&serial, view->serial);
	return soa->len;
}

struct view_node view_node(const struct view *view, const struct zone_node *node)
{
	struct view_node at = {.view = view, .node = node};

	if (view->table && zone_flattens(view->zone, node))
		at.entry = expand_table_find(view->table, node->name, node->name_len);
	return at;
}

static const struct expand_set *expanded(const struct view_node *at, uint16_t type)
{
	if (!at->entry || (type != AN_TYPE_A && type != AN_TYPE_AAAA))
		return NULL;
	return &at->entry->sets[type == AN_TYPE_AAAA ? EXPAND_AAAA : EXPAND_A];
}

/* Whether a set of the zone's own goes out as it is. */
static bool goes_out(const struct view_node *at, const struct zone_rrset *set)
{
	const struct expand_set *instead = expanded(at, set->type);

	if (set->type == AN_TYPE_SOA || (instead && instead->known))
		return false;
	if (!at->entry)
		return true;
	if (set->type == AN_TYPE_ANAME)
		return at->view->mode == TRANSFER_BOTH;
	/* Nothing stands beside a CNAME; without an address it still leads to the target. */
	if (set->type == AN_TYPE_CNAME)
		return !at->entry->sets[EXPAND_A].count && !at->entry->sets[EXPAND_AAAA].count;
	return true;
}

static void zone_set(const struct zone_rrset *set, struct view_set *ret)
{
	*ret = (struct view_set){
	        .type = set->type, .count = set->count, .ttl = set->ttl, .rdata = set->rdata};
}

static bool address_set(const struct view_node *at, uint16_t type, struct view_set *ret)
{
	const struct expand_set *set = expanded(at, type);

	if (!set || !set->known || !set->count)
		return false;
	*ret = (struct view_set){.type = type,
	                         .count = set->count,
	                         .ttl = set->ttl,
	                         .octets = set->octets,
	                         .stride = type == AN_TYPE_AAAA ? 16 : 4};
	return true;
}

bool view_node_next(struct view_node *at, struct view_set *ret)
{
	while (at->next < at->node->rrset_count) {
		const struct zone_rrset *set = &at->node->rrsets[at->next++];

		if (goes_out(at, set)) {
			zone_set(set, ret);
			return true;
		}
	}
	while (at->next < at->node->rrset_count + 2u) {
		bool second = at->next++ > at->node->rrset_count;

		if (address_set(at, second ? AN_TYPE_AAAA : AN_TYPE_A, ret))
			return true;
	}
	return false;
}

bool view_node_like(const struct view_node *at, const struct view_set *set, struct view_set *ret)
{
	uint16_t len;
	const struct zone_rrset *own =
	        zone_rrset_for(at->node, set->type, view_rdata(set, 0, &len));

	if (address_set(at, set->type, ret))
		return true;
	if (!own || !goes_out(at, own))
		return false;
	zone_set(own, ret);
	return true;
}
