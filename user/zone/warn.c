/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is worth a word to who checks a zone: nothing here keeps a zone from
 * being served, and a daemon does not look for it.
 */
#include <errno.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "base/wire.h"
#include "zone/build.h"
#include "zone/rdata.h"

#define TYPE_SPF     99
#define SOA_TIMES    20 /* octets: SERIAL, REFRESH, RETRY, EXPIRE, MINIMUM */
#define SERIAL_FIRST 4  /* octets of the first of them */

/* Where an alias stands, for who finds a loop later. */
struct zone_alias {
	const struct zone_alias *next;
	const struct zone_node *node;
	const char *file;
	uint32_t line;
};

static bool closely;
static const struct config *policy;

void zone_check_closely(const struct config *config)
{
	closely = true;
	policy = config;
}

bool warn_closely(void)
{
	return closely;
}

bool warn_wants(uint16_t type)
{
	(void)type;
	return closely;
}

static bool has_target(uint16_t type)
{
	return type == AN_TYPE_MX || type == AN_TYPE_SRV || type == AN_TYPE_CNAME ||
	       type == AN_TYPE_ANAME;
}

/* ---- one name ---- */

static int warn_above(struct zone_builder *builder, const struct node *node,
                      const struct record *record)
{
	const struct zone_node *above = &node->above->pub;
	bool dname = (above->flags & ZONE_NODE_DNAME) != 0;
	char text[NAME_TEXT_MAX];

	if (node->pub.flags & ZONE_NODE_HASHED) /* RFC 5155 7.2.8: no name that a DNAME covers */
		return 0;

	if (dname) /* RFC 6672 2.4 */
		return build_warn_of(builder, node, record, false, "lies below the DNAME %.200s",
		                     name_to_text(above->name, text));
	if (record->type == AN_TYPE_A || record->type == AN_TYPE_AAAA)
		return 0;
	return build_warn_of(builder, node, record, true, "is hidden by the delegation of %.200s",
	                     name_to_text(above->name, text));
}

static int warn_soa(struct zone_builder *builder, const struct node *node,
                    const struct record *record)
{
	struct wire times = wire_reader(record->data, record->len);
	uint32_t serial, refresh, retry, expire;
	int err = 0;

	times.at = times.size - SOA_TIMES;
	serial = wire_get32(&times);
	refresh = wire_get32(&times);
	retry = wire_get32(&times);
	expire = wire_get32(&times);
	if (!serial)
		err = build_warn_of(builder, node, record, true, "SOA serial is 0");
	if (!err && (uint64_t)refresh + retry >= expire) /* RFC 1912 2.2 */
		err = build_warn_of(builder, node, record, true,
		                    "SOA EXPIRE is not longer than REFRESH and RETRY together");
	return err;
}

static bool is_of_key(const struct record *record, const struct zone_rdata *key)
{
	if (record->type == AN_TYPE_CDNSKEY)
		return record->len == key->len && !memcmp(record->data, key->data, key->len);
	return record->data[2] == key->data[3] &&
	       (record->data[0] << 8 | record->data[1]) == rdata_key_tag(key->data, key->len);
}

/* RFC 7344 4.1: what the parent is told is of the zone's own keys; RFC 8078 4: or to be deleted. */
static int warn_child_key(struct zone_builder *builder, const struct node *node,
                          const struct record *record)
{
	const struct zone_rrset *keys = zone_rrset(&node->pub, AN_TYPE_DNSKEY);
	bool is_cds = record->type == AN_TYPE_CDS;

	if (record->len < 4 || !record->data[is_cds ? 2 : 3]) /* algorithm */
		return 0;
	for (unsigned int i = 0; keys && i < keys->count; i++)
		if (is_of_key(record, &keys->rdata[i]))
			return 0;
	return build_warn_of(builder, node, record, true, "%s of no key of the zone",
	                     is_cds ? "CDS" : "CDNSKEY");
}

/* What the record says by itself. */
static int warn_content(struct zone_builder *builder, const struct node *node,
                        const struct record *record)
{
	const char *fault = warn_rdata(record->type, record->data, record->len);
	char type[RDATA_TYPE_TEXT_MAX];
	int err = 0;

	if (fault)
		err = build_warn_of(builder, node, record, false, "%s: %s",
		                    rdata_type_text(record->type, type), fault);
	return err ? err : warn_host_target(builder, node, record);
}

static int warn_record(struct zone_builder *builder, const struct node *node,
                       const struct record *record, bool apex)
{
	int err = warn_content(builder, node, record);

	if (err)
		return err;
	if (record->type == AN_TYPE_SOA)
		return warn_soa(builder, node, record);
	if (apex && (record->type == AN_TYPE_CDS || record->type == AN_TYPE_CDNSKEY))
		return warn_child_key(builder, node, record);
	if (record->type == AN_TYPE_DS && apex) /* RFC 4035 2.4 */
		return build_warn_of(builder, node, record, false,
		                     "DS at the apex: it belongs to the parent");
	if (record->type == AN_TYPE_DS && !(node->has & HAS_NS))
		return build_warn_of(builder, node, record, true, "DS without a delegation");
	if (record->type == TYPE_SPF && !zone_rrset(&node->pub, AN_TYPE_TXT)) /* RFC 7208 3.1 */
		return build_warn_of(builder, node, record, true,
		                     "SPF without the TXT record that is read");
	return 0;
}

int warn_twice(struct zone_builder *builder, const struct node *node, const struct record *first,
               const struct record *second)
{
	const struct record *later = first->line > second->line ? first : second;

	if (!closely || first->ttl == second->ttl)
		return 0;
	return build_warn_of(builder, node, later, true, "TTL %u, but the same record has %u",
	                     later->ttl, (later == first ? second : first)->ttl);
}

/* RFC 2181 5.2. The records of the sets are in builder->sorted, set by set. */
static int warn_ttls(struct zone_builder *builder, const struct node *node)
{
	struct record **record = builder->sorted;
	int err = 0;

	for (unsigned int i = 0; i < node->pub.rrset_count && !err; i++) {
		const struct zone_rrset *set = &node->pub.rrsets[i];
		unsigned int j = 0;

		while (j < set->count && record[j]->ttl == set->ttl)
			j++;
		if (j < set->count)
			err = build_warn_of(builder, node, record[j], true,
			                    "TTL %u, but another record of the set has %u",
			                    record[j]->ttl, set->ttl);
		record += set->count;
	}
	return err;
}

/* "www.example.com" in example.com, where "www.example.com." was meant. */
static bool lacks_dot(const struct zone *zone, const struct zone_node *node)
{
	size_t apex = zone->apex_len - 1u, left = node->name_len;
	const uint8_t *name = node->name;

	while (apex && left > 2 * apex + 1) {
		left -= 1u + name[0];
		name += 1u + name[0];
	}
	for (size_t i = 0; i < apex; i++) {
		uint8_t low;

		if (left != 2 * apex + 1)
			return false;
		name_lower(&low, &name[i], 1);
		if (low != zone->apex[i])
			return false;
	}
	return apex != 0;
}

int warn_node(struct zone_builder *builder, const struct node *node, const struct record *records,
              bool apex)
{
	int err = 0;

	if (!closely || !records)
		return 0;
	if (lacks_dot(builder->zone, &node->pub))
		err = build_warn_of(builder, node, records, true,
		                    "the zone's name stands there twice");
	if (!err && !(node->pub.flags & ZONE_NODE_HASHED))
		err = warn_owner(builder, node, records);
	for (const struct record *record = records; record && !err; record = record->next) {
		if (!node->above)
			err = warn_record(builder, node, record, apex);
		else
			err = warn_above(builder, node, record);
	}
	if (!err)
		err = warn_ttls(builder, node);
	return err ? err : warn_signed_node(builder, node, records);
}

/* ---- where records point ---- */

static bool is_number(const uint8_t *label)
{
	for (unsigned int i = 1; i <= label[0]; i++)
		if (label[i] < '0' || label[i] > '9')
			return false;
	return label[0] >= 1 && label[0] <= 3;
}

/* An IPv4 address that was taken for a name. */
static bool is_address(const uint8_t *name)
{
	for (int i = 0; i < 4; i++, name += 1 + name[0])
		if (!is_number(name))
			return false;
	return true;
}

static bool in_list(const uint8_t *name, size_t len, const struct config_name *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (name_under(name, len, list[i].name, list[i].len))
			return true;
	return false;
}

/* Why the target may not be looked up; NULL: it may. */
static const char *refusal(const uint8_t *name, size_t len)
{
	if (!policy)
		return NULL;
	if (in_list(name, len, policy->targets_deny, policy->targets_deny_count))
		return "is denied by targets-deny";
	if (policy->targets_allow_count &&
	    !in_list(name, len, policy->targets_allow, policy->targets_allow_count))
		return "is not among targets-allow";
	return NULL;
}

/* What is wrong with a target inside the zone; NULL: nothing. */
static const char *inside(const struct zone *zone, uint16_t type, const uint8_t *name, size_t len)
{
	struct zone_match match = zone_find(zone, name, len, AN_TYPE_A);
	bool server = type == AN_TYPE_MX || type == AN_TYPE_SRV;

	if (match.verdict == ZONE_DELEGATION || match.verdict == ZONE_DNAME)
		return NULL;
	if (match.verdict == ZONE_NXDOMAIN)
		return "does not exist";
	if (match.node->flags & ZONE_NODE_CNAME)
		return server ? "is a CNAME" : NULL; /* RFC 2181 10.3 */
	if (type == AN_TYPE_CNAME || zone_flattens(zone, match.node) ||
	    zone_rrset(match.node, AN_TYPE_A) || zone_rrset(match.node, AN_TYPE_AAAA))
		return NULL;
	return "has no address";
}

static int note_alias(struct zone_builder *builder, const struct node *node,
                      const struct record *record)
{
	struct arena *arena = &table_of(builder->zone)->octets;
	const char *file = builder->files[record->file];
	struct zone_alias *alias = arena_take(arena, sizeof(*alias), _Alignof(struct zone_alias));
	const char *copy = arena_copy(arena, file, strlen(file) + 1);

	if (!alias || !copy)
		return -ENOMEM;
	*alias = (struct zone_alias){builder->zone->aliases, &node->pub, copy, record->line};
	builder->zone->aliases = alias;
	return 0;
}

static int warn_target(struct zone_builder *builder, const struct node *node,
                       const struct record *record, const uint8_t *name, size_t len)
{
	const struct zone *zone = builder->zone;
	bool alias = record->type == AN_TYPE_CNAME || record->type == AN_TYPE_ANAME;
	char text[NAME_TEXT_MAX];
	const char *fault;

	name_to_text(name, text);
	if (!alias && is_address(name))
		return build_warn_of(builder, node, record, true,
		                     "target %.200s looks like an address", text);
	if (name_under(name, len, zone->apex, zone->apex_len)) {
		fault = inside(zone, record->type, name, len);
		return fault ? build_warn_of(builder, node, record, true, "target %.200s %s", text,
		                             fault)
		             : 0;
	}
	fault = zone_flattens(zone, &node->pub) ? refusal(name, len) : NULL;
	return fault ? build_warn_of(builder, node, record, false, "target %.200s %s", text, fault)
	             : 0;
}

/* RFC 9471 3.2: a server below another cut of the zone; without one of its own, check.c refuses. */
static int warn_sibling(struct zone_builder *builder, const struct node *cut,
                        const struct record *record)
{
	const struct zone *zone = builder->zone;
	const struct zone_node *server = zone_node_exact(zone, record->data, record->len);
	struct zone_match match = {.verdict = ZONE_NXDOMAIN};
	char text[NAME_TEXT_MAX];

	if (name_under(record->data, record->len, zone->apex, zone->apex_len))
		match = zone_find(zone, record->data, record->len, AN_TYPE_A);
	if (match.verdict != ZONE_DELEGATION || match.node == &cut->pub ||
	    (server && (zone_rrset(server, AN_TYPE_A) || zone_rrset(server, AN_TYPE_AAAA))))
		return 0;
	return build_warn_of(builder, cut, record, true,
	                     "NS target %.180s lies below another delegation and has no glue",
	                     name_to_text(record->data, text));
}

int warn_targets(struct zone_builder *builder)
{
	int err = 0;

	if (!closely)
		return 0;
	for (const struct pending *pending = builder->pending; pending && !err;
	     pending = pending->next) {
		const struct record *record = pending->record;
		size_t before = record->type == AN_TYPE_MX    ? 2
		                : record->type == AN_TYPE_SRV ? 6
		                                              : 0;
		const uint8_t *name = record->data + before;
		size_t len = record->len - before;

		if (record->type == AN_TYPE_NS && !pending->node->above)
			err = warn_sibling(builder, pending->node, record);
		/* Target ".": there is none (RFC 7505 3, RFC 2782). */
		if (pending->node->above || !has_target(record->type) || len == 1)
			continue;
		if (!before)
			err = note_alias(builder, pending->node, record);
		if (!err)
			err = warn_target(builder, pending->node, record, name, len);
	}
	return err;
}

bool zone_alias_place(const struct zone *zone, const struct zone_node *node, struct error *ret)
{
	const struct zone_alias *alias = zone->aliases;

	while (alias && alias->node != node)
		alias = alias->next;
	if (!alias)
		return false;
	snprintf(ret->file, sizeof(ret->file), "%s", alias->file);
	ret->line = alias->line;
	return true;
}
