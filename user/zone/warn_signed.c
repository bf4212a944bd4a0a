/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is worth a word about a zone that comes signed: sets without signature,
 * signatures that no validator takes, chains that do not hold. Whether a
 * signature is the key's is for validators to say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "anamed/dns.h"
#include "base/wire.h"
#include "zone/build.h"
#include "zone/chain.h"
#include "zone/rdata.h"

#define DAY_S       86400
#define SOON_S      (2 * DAY_S)
#define TAG_AT      16 /* of an RRSIG (RFC 4034 3.1) */
#define SIGNER_AT   18
#define ZONE_KEY    0x0100u /* of a DNSKEY's flags */
#define WINDOW_BITS 256

/* ---- one set, one signature ---- */

/* The record that these octets are of, for its line. */
static const struct record *record_of(const struct record *records, const uint8_t *data)
{
	while (records && records->data != data)
		records = records->next;
	return records;
}

struct spot {
	struct zone_builder *builder;
	const struct node *node;
	const struct record *record; /* NULL: not known */
};

#define SAY(spot, mild, ...)                                                                       \
	build_warn_of((spot)->builder, (spot)->node, (spot)->record, mild, __VA_ARGS__)

static bool is_key(const struct zone_rdata *key, const uint8_t *signature)
{
	unsigned int flags = (unsigned int)(key->data[0] << 8 | key->data[1]);
	uint16_t tag = (uint16_t)(signature[TAG_AT] << 8 | signature[TAG_AT + 1]);

	return flags & ZONE_KEY && key->data[3] == signature[2] &&
	       rdata_key_tag(key->data, key->len) == tag;
}

static bool has_key(const struct zone_rrset *keys, const uint8_t *signature)
{
	for (unsigned int i = 0; i < keys->count; i++)
		if (is_key(&keys->rdata[i], signature))
			return true;
	return false;
}

/* RFC 4034 3.1.3 */
static unsigned int labels_of(const struct node *node)
{
	bool wildcard = node->pub.name[0] == 1 && node->pub.name[1] == '*';

	return name_labels(node->pub.name) - wildcard;
}

/* Seconds from `now` to a time of RFC 4034 3.1.5. */
static int32_t until(uint32_t time_s, time_t now)
{
	return (int32_t)(time_s - (uint32_t)now);
}

static int warn_times(const struct spot *spot, const char *type, uint32_t expiration,
                      uint32_t inception, time_t now)
{
	if (until(inception, now) > 0)
		return SAY(spot, false, "signature over %s is not valid yet", type);
	if (until(expiration, now) < 0)
		return SAY(spot, false, "signature over %s has expired", type);
	if (until(expiration, now) < SOON_S)
		return SAY(spot, true, "signature over %s expires in %d hours", type,
		           (int)(until(expiration, now) / 3600));
	return 0;
}

static int warn_signature(const struct spot *spot, const struct zone_rrset *set,
                          const struct zone_rdata *signature)
{
	const struct zone *zone = spot->builder->zone;
	const uint8_t *signer = signature->data + SIGNER_AT;
	struct wire fields = wire_reader(signature->data, signature->len);
	char type[RDATA_TYPE_TEXT_MAX];
	unsigned int labels;
	uint32_t ttl, expiration, inception;
	int err = 0;

	rdata_type_text((uint16_t)wire_get16(&fields), type);
	wire_get8(&fields); /* algorithm */
	labels = wire_get8(&fields);
	ttl = wire_get32(&fields);
	expiration = wire_get32(&fields);
	inception = wire_get32(&fields);
	if (!name_equal(signer, name_len(signer), zone->apex, zone->apex_len))
		err = SAY(spot, false, "signature over %s by another zone", type);
	else if (!has_key(zone_rrset(&spot->builder->apex->pub, AN_TYPE_DNSKEY), signature->data))
		err = SAY(spot, false, "signature over %s by no key of the zone", type);
	if (!err && labels != labels_of(spot->node))
		err = SAY(spot, false, "signature over %s counts %u labels", type, labels);
	if (!err && set && set->ttl > ttl)
		err = SAY(spot, false, "TTL of %s is longer than its signature says", type);
	return err ? err : warn_times(spot, type, expiration, inception, time(NULL));
}

static int warn_signatures(struct spot *spot, const struct record *records,
                           const struct zone_rrset *signatures)
{
	const struct zone_rrset *set = zone_rrset(&spot->node->pub, zone_covered(signatures));
	char type[RDATA_TYPE_TEXT_MAX];
	int err = 0;

	spot->record = record_of(records, signatures->rdata[0].data);
	if (!set)
		return SAY(spot, false, "signature over %s, of which there is none",
		           rdata_type_text(zone_covered(signatures), type));
	for (unsigned int i = 0; i < signatures->count && !err; i++) {
		spot->record = record_of(records, signatures->rdata[i].data);
		err = warn_signature(spot, set, &signatures->rdata[i]);
	}
	return err;
}

/* RFC 4035 2.2: at a cut the NS set and addresses are the child's. */
static bool is_signed_type(const struct node *node, uint16_t type)
{
	return type != AN_TYPE_RRSIG &&
	       (!(node->pub.flags & ZONE_NODE_CUT) || type == AN_TYPE_DS || type == AN_TYPE_NSEC);
}

static int warn_set(struct spot *spot, const struct record *records, const struct zone_rrset *set)
{
	char type[RDATA_TYPE_TEXT_MAX];

	if (set->type == AN_TYPE_RRSIG)
		return warn_signatures(spot, records, set);
	if (!is_signed_type(spot->node, set->type) || zone_signatures(&spot->node->pub, set->type))
		return 0;
	spot->record = record_of(records, set->rdata[0].data);
	return SAY(spot, false, "%s is not signed", rdata_type_text(set->type, type));
}

int warn_signed_node(struct zone_builder *builder, const struct node *node,
                     const struct record *records)
{
	struct spot spot = {.builder = builder, .node = node};
	int err = 0;

	if (!builder->comes_signed || node->above)
		return 0;
	for (unsigned int i = 0; i < node->pub.rrset_count && !err; i++)
		err = warn_set(&spot, records, &node->pub.rrsets[i]);
	return err;
}

/* ---- chains ---- */

/* Is the type among the bits (RFC 4034 4.1.2)? */
static bool has_bit(struct wire bits, uint16_t type)
{
	while (wire_left(&bits) >= 2) {
		unsigned int window = wire_get8(&bits), len = wire_get8(&bits);
		const uint8_t *octets = wire_take(&bits, len);
		unsigned int at = type % WINDOW_BITS;

		if (octets && window == type / WINDOW_BITS)
			return at / 8 < len && octets[at / 8] & 0x80u >> at % 8;
	}
	return false;
}

/* RFC 4034 4.1.2, RFC 5155 7.1: which types of the node the bits must show. */
static bool is_shown(const struct node *node, uint16_t type)
{
	bool cut = node->pub.flags & ZONE_NODE_CUT;

	return zone_rrset(&node->pub, type) && (!cut || type == AN_TYPE_NS || type == AN_TYPE_DS ||
	                                        type == AN_TYPE_NSEC || type == AN_TYPE_RRSIG);
}

static int warn_missing_bits(const struct spot *spot, const struct node *node, const char *record,
                             struct wire bits)
{
	char type[RDATA_TYPE_TEXT_MAX];
	int err = 0;

	for (unsigned int i = 0; i < node->pub.rrset_count && !err; i++) {
		uint16_t one = node->pub.rrsets[i].type;
		bool again = i && node->pub.rrsets[i - 1].type == one;

		if (!again && is_shown(node, one) && !has_bit(bits, one))
			err = SAY(spot, false, "%s denies %s, which is there", record,
			          rdata_type_text(one, type));
	}
	return err;
}

static int warn_wrong_bits(const struct spot *spot, const struct node *node, const char *record,
                           struct wire bits)
{
	char text[RDATA_TYPE_TEXT_MAX];
	int err = 0;

	while (wire_left(&bits) >= 2 && !err) {
		unsigned int window = wire_get8(&bits), len = wire_get8(&bits);
		const uint8_t *octets = wire_take(&bits, len);

		for (unsigned int at = 0; octets && at < len * 8 && !err; at++) {
			uint16_t type = (uint16_t)(window * WINDOW_BITS + at);

			if (octets[at / 8] & 0x80u >> at % 8 && !is_shown(node, type))
				err = SAY(spot, false, "%s shows %s, which is not there", record,
				          rdata_type_text(type, text));
		}
	}
	return err;
}

static int warn_bits(const struct spot *spot, const struct node *node, const char *record,
                     struct wire bits)
{
	int err = warn_missing_bits(spot, node, record, bits);

	return err ? err : warn_wrong_bits(spot, node, record, bits);
}

static const struct node *chain_node(const struct zone *zone, size_t at)
{
	return table_node(table_of(zone), zone->chain->nodes[at % zone->chain->count]);
}

/* ---- NSEC ---- */

static int warn_nsec(const struct spot *spot)
{
	const struct zone *zone = spot->builder->zone;
	const struct zone_node *node = &spot->node->pub;
	const uint8_t *next = spot->record->data;
	struct wire bits = wire_reader(next, spot->record->len);
	size_t at = chain_place(zone, node->name, node->name_len);
	const struct node *after = chain_node(zone, at + 1);
	char text[2][NAME_TEXT_MAX];
	int err = 0;

	wire_take(&bits, name_len(next));
	if (!name_equal(next, name_len(next), after->pub.name, after->pub.name_len))
		err = SAY(spot, false, "NSEC leads to %.100s, but what comes next is %.100s",
		          name_to_text(next, text[0]), name_to_text(after->pub.name, text[1]));
	return err ? err : warn_bits(spot, spot->node, "NSEC", bits);
}

/* ---- NSEC3 ---- */

static bool has_opt_out(const struct zone *zone)
{
	for (size_t i = 0; i < zone->chain->count; i++) {
		const struct zone_rrset *set = zone_rrset(&chain_node(zone, i)->pub, AN_TYPE_NSEC3);

		if (nsec3_param(set->rdata[0].data).flags & NSEC3_OPT_OUT)
			return true;
	}
	return false;
}

static int warn_nsec3(const struct spot *spot)
{
	const struct zone *zone = spot->builder->zone;
	const struct zone_node *node = &spot->node->pub;
	const struct nsec3_param param = nsec3_param(spot->record->data);
	const struct node *after;
	uint8_t label[1 + NSEC3_LABEL_LEN], len;
	const uint8_t *next = nsec3_next(spot->record->data, &len);

	if (!nsec3_same_hash(&param, &zone->chain->param))
		return 0; /* of another chain */
	after = chain_node(zone, chain_place_hashed(zone, node->name) + 1);
	if (len == NSEC3_HASH_LEN)
		nsec3_to_label(next, label);
	if (len != NSEC3_HASH_LEN ||
	    !name_equal(label, sizeof(label), after->pub.name, sizeof(label)))
		return SAY(spot, false, "NSEC3 does not lead to the next one");
	return 0;
}

static struct wire nsec3_bits(const struct zone_node *node)
{
	const struct zone_rdata *rdata = &zone_rrset(node, AN_TYPE_NSEC3)->rdata[0];
	struct wire bits = wire_reader(rdata->data, rdata->len);
	uint8_t len;

	wire_take(&bits, (size_t)(nsec3_next(rdata->data, &len) - rdata->data) + len);
	return bits;
}

/* RFC 5155 6: what opt-out may leave out. */
static bool may_lack_nsec3(const struct node *node)
{
	bool cut = node->pub.flags & ZONE_NODE_CUT;

	return !node->pub.rrset_count || (cut && !zone_rrset(&node->pub, AN_TYPE_DS));
}

static int warn_hashed(const struct spot *spot, bool opt_out)
{
	const struct zone *zone = spot->builder->zone;
	const struct zone_node *match = chain_match(zone, &spot->node->pub);

	if (match)
		return warn_bits(spot, spot->node, "NSEC3", nsec3_bits(match));
	if (opt_out && may_lack_nsec3(spot->node))
		return 0;
	return SAY(spot, false, "has no NSEC3");
}

/* ---- both ---- */

static bool is_own(const struct node *node)
{
	return !node->above && !(node->pub.flags & ZONE_NODE_HASHED);
}

/* Once for each name: where the first of its records stands. */
static int warn_name(const struct spot *spot, bool opt_out)
{
	const struct zone *zone = spot->builder->zone;

	if (zone->security == ZONE_PRESIGNED_NSEC3)
		return warn_hashed(spot, opt_out);
	if (!zone_rrset(&spot->node->pub, AN_TYPE_NSEC))
		return SAY(spot, false, "has no NSEC");
	return 0;
}

static int warn_record(const struct spot *spot, bool opt_out)
{
	const struct zone *zone = spot->builder->zone;
	const struct node *node = spot->node;
	bool first = node->pub.rrsets[0].rdata[0].data == spot->record->data;
	int err = 0;

	if (is_own(node) && first)
		err = warn_name(spot, opt_out);
	if (err || node->above != NULL)
		return err;
	if (spot->record->type == AN_TYPE_NSEC && zone->security == ZONE_PRESIGNED_NSEC)
		return warn_nsec(spot);
	if (spot->record->type == AN_TYPE_NSEC3 && zone->security == ZONE_PRESIGNED_NSEC3)
		return warn_nsec3(spot);
	return 0;
}

/* Empty non-terminals have no record that could be pointed at. */
static int warn_empty(struct zone_builder *builder, bool opt_out)
{
	const struct table *table = table_of(builder->zone);
	int err = 0;

	for (size_t i = 0; i < table->count && !err; i++) {
		struct spot spot = {.builder = builder, .node = table_node(table, i)};

		if (is_own(spot.node) && !spot.node->pub.rrset_count)
			err = warn_hashed(&spot, opt_out);
	}
	return err;
}

int warn_signed_chain(struct zone_builder *builder)
{
	const struct zone *zone = builder->zone;
	bool hashed = zone->security == ZONE_PRESIGNED_NSEC3;
	bool opt_out = hashed && has_opt_out(zone);
	int err = 0;

	if (!zone->chain->count)
		return 0;
	for (const struct pending *pending = builder->pending; pending && !err;
	     pending = pending->next) {
		const struct spot spot = {builder, pending->node, pending->record};

		err = warn_record(&spot, opt_out);
	}
	return err || !hashed ? err : warn_empty(builder, opt_out);
}
