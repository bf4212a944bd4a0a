/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "zone/build.h"
#include "zone/rdata.h"

#define TTL_MOST 0x7fffffffu /* RFC 2181 8 */

static int no_memory(struct error *error)
{
	return error_set(error, ENOMEM, NULL, 0, "out of memory");
}

struct zone_builder *zone_begin(const uint8_t *apex, size_t apex_len,
                                const struct config_zone *settings)
{
	struct zone_builder *builder = calloc(1, sizeof(*builder));
	struct zone *zone = calloc(1, sizeof(*zone));
	struct table *table = table_new();

	if (!builder || !zone || !table || !table_get(table, apex, apex_len)) {
		table_free(table);
		free(zone);
		free(builder);
		return NULL;
	}
	table->apex_labels = name_labels(apex);
	name_lower(zone->apex, apex, apex_len);
	zone->apex_len = (uint8_t)apex_len;
	zone->id = UINT32_MAX;
	zone->table = table;
	zone->holders = 1;
	zone->settings = settings;
	if (settings) {
		zone->siblings = (uint8_t)settings->siblings;
		zone->flatten_cnames = (uint8_t)settings->flatten_cnames;
		zone->expose_aname = settings->expose_aname;
	}
	builder->zone = zone;
	builder->settings = settings;
	return builder;
}

void zone_abandon(struct zone_builder *builder)
{
	if (!builder)
		return;
	arena_done(&builder->scratch);
	free(builder->files);
	free(builder->sorted);
	zone_free(builder->zone);
	free(builder);
}

void zone_free(struct zone *zone)
{
	if (!zone || __atomic_sub_fetch(&zone->holders, 1, __ATOMIC_ACQ_REL))
		return;
	if (zone->signer)
		zone->signer_free(zone->signer);
	if (atomic_fetch_sub(&table_of(zone)->holders, 1) == 1)
		table_free(table_of(zone));
	free(zone);
}

struct zone *zone_again(const struct zone *zone)
{
	struct zone *again = malloc(sizeof(*again));

	if (!again)
		return NULL;
	*again = *zone;
	again->holders = 1;
	again->signer = NULL;
	atomic_fetch_add(&table_of(zone)->holders, 1);
	return again;
}

bool build_flattens_cname(const struct zone_builder *builder, const uint8_t *name, size_t len)
{
	const struct zone *zone = builder->zone;
	const struct config_zone *settings = builder->settings;

	if (zone->flatten_cnames == FLATTEN_CNAMES_ALL)
		return true;
	if (zone->flatten_cnames == FLATTEN_CNAMES_APEX &&
	    name_equal(name, len, zone->apex, zone->apex_len))
		return true;
	for (size_t i = 0; settings && i < settings->flatten_owners_count; i++) {
		const struct config_name *owner = &settings->flatten_owners[i];

		if (name_equal(name, len, owner->name, owner->len))
			return true;
	}
	return false;
}

int build_warn(struct zone_builder *builder, const struct error *error, bool mild)
{
	struct zone *zone = builder->zone;
	struct zone_warning **at = &zone->warnings, *warning;

	if (zone->warning_count >= (warn_closely() ? ZONE_WARNINGS_MAX_CLOSE : ZONE_WARNINGS_MAX)) {
		zone->warning_count++;
		return 0;
	}
	warning = arena_take(&table_of(zone)->octets, sizeof(*warning),
	                     _Alignof(struct zone_warning));
	if (!warning)
		return -ENOMEM;
	while (*at && (*at)->error.line <= error->line)
		at = &(*at)->next;
	warning->next = *at;
	warning->error = *error;
	warning->mild = mild;
	*at = warning;
	zone->warning_count++;
	return 0;
}

static int __attribute__((format(printf, 5, 0)))
set_fault(const struct zone_builder *builder, struct error *error, const struct node *node,
          const struct record *record, const char *format, va_list args)
{
	char name[NAME_TEXT_MAX], text[256];
	const char *file = builder->file_count ? builder->files[record ? record->file : 0] : NULL;

	vsnprintf(text, sizeof(text), format, args);
	name_to_text(node->pub.name, name);
	return error_set(error, EINVAL, file, record ? record->line : 0, "%.240s: %s", name, text);
}

int build_fault(const struct zone_builder *builder, struct error *error, const struct node *node,
                const struct record *record, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = set_fault(builder, error, node, record, format, args);
	va_end(args);
	return err;
}

int build_warn_of(struct zone_builder *builder, const struct node *node,
                  const struct record *record, bool mild, const char *format, ...)
{
	struct error error;
	va_list args;

	va_start(args, format);
	set_fault(builder, &error, node, record, format, args);
	va_end(args);
	return build_warn(builder, &error, mild);
}

/* The number of a file's name; names follow each other, so the last is tried first. */
static int file_number(struct zone_builder *builder, const char *file, uint16_t *ret)
{
	size_t size = file ? strlen(file) + 1 : 1;
	char **files;

	for (size_t i = builder->file_count; i--;) {
		if (!strcmp(builder->files[i], file ? file : "")) {
			*ret = (uint16_t)i;
			return 0;
		}
	}
	if (builder->file_count > UINT16_MAX)
		return -ENOMEM;
	if (builder->file_count == builder->file_room) {
		size_t room = builder->file_room ? builder->file_room * 2 : 4;

		files = realloc(builder->files, room * sizeof(char *));
		if (!files)
			return -ENOMEM;
		builder->files = files;
		builder->file_room = room;
	}
	builder->files[builder->file_count] = arena_copy(&builder->scratch, file ? file : "", size);
	if (!builder->files[builder->file_count])
		return -ENOMEM;
	*ret = (uint16_t)builder->file_count++;
	return 0;
}

static struct record *record_new(struct zone_builder *builder, const struct record *model,
                                 const uint8_t *rdata)
{
	struct table *table = table_of(builder->zone);
	struct record *record;

	record = arena_take(&builder->scratch, sizeof(*record), _Alignof(struct record));
	if (!record)
		return NULL;
	*record = *model;
	record->data = arena_copy(&table->octets, rdata, model->len);
	return record->data ? record : NULL;
}

static uint8_t has_of(uint16_t type)
{
	switch (type) {
	case AN_TYPE_CNAME:
		return HAS_CNAME;
	case AN_TYPE_DNAME:
		return HAS_DNAME | HAS_OTHER;
	case AN_TYPE_ANAME:
		return HAS_ANAME | HAS_OTHER;
	case AN_TYPE_NS:
		return HAS_NS | HAS_OTHER;
	case AN_TYPE_SOA:
		return HAS_SOA | HAS_OTHER;
	case AN_TYPE_RRSIG: /* RFC 4035 2.5 */
	case AN_TYPE_NSEC:
		return 0;
	default:
		return HAS_OTHER;
	}
}

/* The record of a type that may stand only once at a name, if there is one already. */
static const struct record *same_type(const struct node *node, uint16_t type)
{
	const struct record *record = node->records;

	while (record && record->type != type)
		record = record->next;
	return record;
}

/* What may not stand together at one name; `has` is the new record's. */
static const char *clash(const struct node *node, uint8_t has, bool apex)
{
	uint8_t both = node->has | has;

	if ((both & HAS_CNAME) && (both & HAS_ANAME))
		return "ANAME and CNAME at one name";
	if ((both & HAS_CNAME) && (both & HAS_DNAME))
		return "CNAME and DNAME at one name";
	if ((both & HAS_CNAME) && (both & HAS_OTHER) && !apex)
		return "CNAME and other data at one name"; /* RFC 1034 3.6.2 */
	if ((both & HAS_DNAME) && (both & HAS_NS) && !apex)
		return "DNAME and NS at one name below the apex"; /* RFC 6672 2.3 */
	if ((has & HAS_SOA) && !apex)
		return "SOA below the apex";
	if (node->pub.name_len > 2 && node->pub.name[0] == 1 && node->pub.name[1] == '*') {
		if (has & HAS_NS)
			return "NS at a wildcard"; /* RFC 4592 4.2: not defined */
		if (has & HAS_DNAME)
			return "DNAME at a wildcard"; /* RFC 4592 4.4: outright rejected */
	}
	return NULL;
}

/* 1: a duplicate, to be dropped. */
static int check_against_node(struct zone_builder *builder, const struct node *node, uint8_t has,
                              const struct record *record, const uint8_t *rdata,
                              struct error *error)
{
	const char *fault = clash(node, has, !node->parent);
	const struct record *other;

	if (fault)
		return build_fault(builder, error, node, record, "%s", fault);
	if (!(has & node->has & (HAS_CNAME | HAS_DNAME | HAS_SOA)))
		return 0;
	other = same_type(node, record->type);
	if (!other)
		return 0;
	if (!rdata_compare(record->type, rdata, record->len, other->data, other->len))
		return 1;
	return build_fault(builder, error, node, record, "more than one %s",
	                   has & HAS_CNAME   ? "CNAME"
	                   : has & HAS_DNAME ? "DNAME"
	                                     : "SOA");
}

static int pending_add(struct zone_builder *builder, struct node *node, const struct record *record)
{
	struct pending *pending =
	        arena_take(&builder->scratch, sizeof(*pending), _Alignof(struct pending));

	if (!pending)
		return -ENOMEM;
	*pending = (struct pending){builder->pending, node, record};
	builder->pending = pending;
	return 0;
}

static int check_alone(const struct zone_builder *builder, const uint8_t *name, size_t len,
                       uint16_t type, const uint8_t *rdata, uint16_t rdata_len, const char *file,
                       unsigned int line, struct error *error)
{
	const struct zone *zone = builder->zone;
	char text[NAME_TEXT_MAX], apex[NAME_TEXT_MAX], type_text[RDATA_TYPE_TEXT_MAX];

	if (!name_under(name, len, zone->apex, zone->apex_len))
		return error_set(error, EINVAL, file, line, "%.240s is outside the zone %.240s",
		                 name_to_text(name, text), name_to_text(zone->apex, apex));
	rdata_type_text(type, type_text);
	if (!rdata_type_storable(type))
		return error_set(error, EINVAL, file, line, "%.240s: %s cannot stand in a zone",
		                 name_to_text(name, text), type_text);
	if (!rdata_valid(type, rdata, rdata_len))
		return error_set(error, EINVAL, file, line, "%.240s: malformed %s rdata",
		                 name_to_text(name, text), type_text);
	return 0;
}

bool zone_leaves_out(const struct config_zone *settings, uint16_t type, bool apex)
{
	if (!settings || !settings->dnssec || settings->catalog)
		return false;
	switch (type) {
	case AN_TYPE_RRSIG:
	case AN_TYPE_NSEC:
	case AN_TYPE_NSEC3:
	case AN_TYPE_NSEC3PARAM:
		return true;
	case AN_TYPE_DNSKEY:
	case AN_TYPE_CDS:
	case AN_TYPE_CDNSKEY:
		return apex;
	default:
		return false;
	}
}

int zone_add(struct zone_builder *builder, const uint8_t *name, size_t name_len, uint16_t type,
             uint32_t ttl, const uint8_t *rdata, uint16_t rdata_len, const char *file,
             unsigned int line, struct error *error)
{
	struct record model = {.ttl = ttl > TTL_MOST ? 0 : ttl, .line = line, .len = rdata_len};
	uint8_t has = has_of(type);
	struct record *record;
	struct node *node;
	int result;

	result = check_alone(builder, name, name_len, type, rdata, rdata_len, file, line, error);
	if (result)
		return result;
	if (zone_leaves_out(builder->settings, type, name_len == builder->zone->apex_len)) {
		builder->zone->left_out++;
		return 0;
	}
	node = table_get(table_of(builder->zone), name, name_len);
	if (!node || file_number(builder, file, &model.file))
		return no_memory(error);
	/* A CNAME at the apex is an ANAME where the settings flatten it. */
	model.type = type;
	if (type == AN_TYPE_CNAME && !node->parent && build_flattens_cname(builder, name, name_len))
		model.type = AN_TYPE_ANAME;
	else if (type == AN_TYPE_CNAME && !node->parent)
		return build_fault(builder, error, node, &model,
		                   "CNAME at the apex (flatten-cnames is off)");
	result = check_against_node(builder, node, has, &model, rdata, error);
	if (result)
		return result < 0 ? result : 0;
	record = record_new(builder, &model, rdata);
	if (!record ||
	    ((type == AN_TYPE_NS || warn_wants(type)) && pending_add(builder, node, record)))
		return no_memory(error);
	record->next = node->records;
	node->records = record;
	node->has |= has;
	return 0;
}

int zone_end(struct zone_builder *builder, struct zone **ret, struct error *error)
{
	int result = build_finish(builder, error);

	if (!result)
		result = build_check(builder, error);
	if (!result) {
		*ret = builder->zone;
		builder->zone = NULL;
	}
	zone_abandon(builder);
	return result;
}

struct zone *zone_without_data(const uint8_t *apex, size_t apex_len,
                               const struct config_zone *settings)
{
	struct zone_builder *builder = zone_begin(apex, apex_len, settings);
	struct zone *zone = NULL;

	if (!builder)
		return NULL;
	if (!build_finish(builder, NULL)) {
		zone = builder->zone;
		zone->expired = true;
		builder->zone = NULL;
	}
	zone_abandon(builder);
	return zone;
}
