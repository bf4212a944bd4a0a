/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_view - a zone as one kind of secondary sees it: native, expand or both.
 *
 * A zone snapshot, the addresses that stand in its ANAMEs' place, and a serial
 * of its own. Immutable and counted; records come out node by node and RRset
 * by RRset, the SOA aside, which comes out with the view's serial.
 */
#ifndef ANAMED_TRANSFER_OUT_VIEW_H
#define ANAMED_TRANSFER_OUT_VIEW_H

#include "base/config.h"
#include "transfer/expand_table.h"
#include "zone/walk.h"
#include "zone/zones.h"

#define VIEW_SOA_MAX (2 * NAME_MAX_LEN + 20) /* octets of rdata */

struct view {
	atomic_uint holders;
	enum transfer_mode mode;
	uint32_t serial;
	struct zone *zone;
	struct expand_table *table; /* NULL: native */
};

/* Takes counts of its own; table is not used in native mode. NULL if out of memory. */
struct view *view_new(struct zone *zone, struct expand_table *table, enum transfer_mode mode,
                      uint32_t serial);
struct view *view_hold(struct view *view);
void view_free(struct view *view); /* gives one count back; NULL is fine */

/* SOA rdata with the view's serial; its length. */
size_t view_soa(const struct view *view, uint8_t ret[VIEW_SOA_MAX]);

/* RFC 1982 3.2: a comes after b. */
static inline bool serial_after(uint32_t a, uint32_t b)
{
	return a != b && a - b < 0x80000000u;
}

/* One RRset as it is sent. */
struct view_set {
	uint16_t type, count; /* type: as in zone data, AN_TYPE_ANAME whatever its number is */
	uint32_t ttl;
	const struct zone_rdata *rdata; /* zone data; else: */
	const uint8_t *octets;          /* `count` values of `stride` octets */
	uint16_t stride;
};

static inline const uint8_t *view_rdata(const struct view_set *set, uint16_t index,
                                        uint16_t *ret_len)
{
	*ret_len = set->rdata ? set->rdata[index].len : set->stride;
	return set->rdata ? set->rdata[index].data : set->octets + (size_t)index * set->stride;
}

/* A node seen through the view. */
struct view_node {
	const struct view *view;
	const struct zone_node *node;
	const struct expand_entry *entry; /* NULL: as it stands in the zone */
	unsigned int next;
};

struct view_node view_node(const struct view *view, const struct zone_node *node);

/* The node's next RRset, SOA left out; false at the end. */
bool view_node_next(struct view_node *at, struct view_set *ret);

/* The node's RRset that is of the same kind as `set`, which may be another node's: of one type, and
 * RRSIGs over one type. False if it has none. */
bool view_node_like(const struct view_node *at, const struct view_set *set, struct view_set *ret);

#endif
