/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of a zone as text; ldns knows how rdata is written. */
#include <ldns/ldns.h>
#include <string.h>

#include "base/name.h"
#include "control/report.h"
#include "zone/rdata.h"
#include "zone/zone.h"

#define TEXT_MAX 2300 /* owner, TTL, class, type, and a name as rdata */

/* ldns has no mnemonic for it. */
static json_t *aname_text(const struct zone_node *node, const struct zone_rrset *set,
                          const struct zone_rdata *rdata)
{
	char owner[NAME_TEXT_MAX], target[NAME_TEXT_MAX], text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s\t%u\tIN\tANAME\t%s", name_to_text(node->name, owner),
	         set->ttl, name_to_text(rdata->data, target));
	return json_string(text);
}

static json_t *record_text(const struct zone_node *node, const struct zone_rrset *set,
                           const struct zone_rdata *rdata)
{
	uint8_t wire[NAME_MAX_LEN + 10 + UINT16_MAX];
	size_t at = node->name_len, pos = 0;
	ldns_rr *rr = NULL;
	char *text = NULL;
	json_t *json;

	if (set->type == AN_TYPE_ANAME)
		return aname_text(node, set, rdata);
	memcpy(wire, node->name, at);
	ldns_write_uint16(wire + at, set->type);
	ldns_write_uint16(wire + at + 2, AN_CLASS_IN);
	ldns_write_uint32(wire + at + 4, set->ttl);
	ldns_write_uint16(wire + at + 8, rdata->len);
	memcpy(wire + at + 10, rdata->data, rdata->len);
	at += 10U + rdata->len;
	if (ldns_wire2rr(&rr, wire, at, &pos, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK)
		text = ldns_rr2str(rr);
	ldns_rr_free(rr);
	if (!text)
		return json_string("; a record that cannot be printed");
	text[strcspn(text, "\n")] = 0;
	json = json_string(text);
	free(text);
	return json;
}

struct records {
	const struct config_name *only;
	json_t *list;
	size_t limit;
};

static int visit_node(const struct zone_node *node, void *arg)
{
	struct records *records = arg;
	const struct config_name *only = records->only;

	if (only && !name_equal(only->name, only->len, node->name, node->name_len))
		return 0;
	for (uint16_t i = 0; i < node->rrset_count; i++) {
		for (uint16_t j = 0; j < node->rrsets[i].count; j++) {
			if (json_array_size(records->list) >= records->limit)
				return 1;
			json_array_append_new(
			        records->list,
			        record_text(node, &node->rrsets[i], &node->rrsets[i].rdata[j]));
		}
	}
	return 0;
}

json_t *report_records(const struct zone *zone, const struct config_name *only, size_t limit)
{
	struct records records = {.only = only, .list = json_array(), .limit = limit};
	int more = zone_each(zone, visit_node, &records);
	json_t *object = json_object();

	json_object_set_new(object, "records", records.list);
	json_object_set_new(object, "more", json_boolean(more != 0));
	return object;
}
