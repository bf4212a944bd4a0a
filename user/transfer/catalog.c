/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"

#define FAULT(reading, ...) error_set((reading)->error, EINVAL, NULL, 0, __VA_ARGS__)

static const uint8_t zones_label[] = "\5zones";
static const uint8_t coo_label[] = "\3coo";

struct reading {
	const struct zone *zone;
	struct catalog *catalog;
	size_t room;
	struct error *error;
};

static bool has_label(const uint8_t *name, const uint8_t *label)
{
	uint8_t low[64];

	if (*name != *label)
		return false;
	name_lower(low, name, 1u + *name);
	return !memcmp(low, label, 1u + *label);
}

/* `below` labels, then "zones", then the catalog's apex. */
static bool is_under_zones(const struct zone *zone, const struct zone_node *node,
                           unsigned int below)
{
	const uint8_t *name = node->name;

	if (name_labels(name) != name_labels(zone->apex) + 1 + below)
		return false;
	while (below--)
		name += 1 + *name;
	return has_label(name, zones_label);
}

/* RFC 9432 4.2.1: one TXT record, of one string, "2". */
static int check_version(const struct reading *reading)
{
	static const uint8_t label[] = "\7version", two[] = {1, '2'};
	const struct zone *zone = reading->zone;
	const struct zone_node *node;
	const struct zone_rrset *set;
	uint8_t name[NAME_MAX_LEN + sizeof(label)];
	size_t len = sizeof(label) - 1 + zone->apex_len;

	memcpy(name, label, sizeof(label) - 1);
	memcpy(name + sizeof(label) - 1, zone->apex, zone->apex_len);
	node = len <= NAME_MAX_LEN ? zone_node_exact(zone, name, len) : NULL;
	set = node ? zone_rrset(node, AN_TYPE_TXT) : NULL;
	if (!set)
		return FAULT(reading, "catalog without a version");
	if (set->count != 1)
		return FAULT(reading, "catalog with more than one version");
	if (set->rdata[0].len != sizeof(two) || memcmp(set->rdata[0].data, two, sizeof(two)))
		return FAULT(reading, "catalog of another version than 2");
	return 0;
}

static int room_for_one(struct reading *reading)
{
	struct catalog *catalog = reading->catalog;
	size_t room = reading->room ? reading->room * 2 : 64;
	struct catalog_member *members;

	if (catalog->count < reading->room)
		return 0;
	members = realloc(catalog->members, room * sizeof(*members));
	if (!members)
		return error_set(reading->error, ENOMEM, NULL, 0, "out of memory");
	catalog->members = members;
	reading->room = room;
	return 0;
}

static void take_name(struct config_name *name, const struct zone_rdata *rdata)
{
	name->len = (uint8_t)rdata->len;
	name_lower(name->name, rdata->data, rdata->len);
}

/* RFC 9432 4.1: exactly one PTR at each member node. */
static int take_member(const struct zone_node *node, void *arg)
{
	struct reading *reading = arg;
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_PTR);
	char text[NAME_TEXT_MAX];
	struct catalog_member *member;
	int fault;

	if (!set || !is_under_zones(reading->zone, node, 1))
		return 0;
	if (set->count != 1)
		return FAULT(reading, "%.240s has more than one PTR",
		             name_to_text(node->name, text));
	fault = room_for_one(reading);
	if (fault)
		return fault;
	member = &reading->catalog->members[reading->catalog->count++];
	memset(member, 0, sizeof(*member));
	take_name(&member->name, &set->rdata[0]);
	member->id = name_hash(node->name, node->name_len);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct catalog_member *one = a, *two = b;
	int order = memcmp(one->name.name, two->name.name,
	                   one->name.len < two->name.len ? one->name.len : two->name.len);

	return order ? order : one->name.len - two->name.len;
}

static struct catalog_member *find(const struct catalog *catalog, const struct config_name *name)
{
	struct catalog_member wanted = {.name = *name};

	if (!catalog->count)
		return NULL;
	return bsearch(&wanted, catalog->members, catalog->count, sizeof(wanted), compare);
}

/* RFC 9432 4.1: the same zone under two unique labels. */
static int check_doubles(const struct reading *reading)
{
	const struct catalog *catalog = reading->catalog;
	char text[NAME_TEXT_MAX];

	for (size_t i = 1; i < catalog->count; i++)
		if (!compare(&catalog->members[i - 1], &catalog->members[i]))
			return FAULT(reading, "catalog names %.240s twice",
			             name_to_text(catalog->members[i].name.name, text));
	return 0;
}

/* RFC 9432 4.3.1: coo.ID.zones.APEX PTR NEW-CATALOG; more than one is broken. */
static int take_coo(const struct zone_node *node, void *arg)
{
	struct reading *reading = arg;
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_PTR);
	char text[NAME_TEXT_MAX];
	const size_t skip = sizeof(coo_label) - 1;
	const struct zone_node *member;
	struct config_name name;

	if (!set || !has_label(node->name, coo_label) || !is_under_zones(reading->zone, node, 2))
		return 0;
	if (set->count != 1)
		return FAULT(reading, "%.240s has more than one PTR",
		             name_to_text(node->name, text));
	member = zone_node_exact(reading->zone, node->name + skip, node->name_len - skip);
	if (!member || !zone_rrset(member, AN_TYPE_PTR))
		return 0;
	take_name(&name, &zone_rrset(member, AN_TYPE_PTR)->rdata[0]);
	take_name(&find(reading->catalog, &name)->coo, &set->rdata[0]);
	return 0;
}

int catalog_read(const struct zone *zone, struct catalog *ret, struct error *error)
{
	struct catalog catalog = {0};
	struct reading reading = {.zone = zone, .catalog = &catalog, .error = error};
	int fault = check_version(&reading);

	if (!fault)
		fault = zone_each(zone, take_member, &reading);
	if (!fault && catalog.count)
		qsort(catalog.members, catalog.count, sizeof(*catalog.members), compare);
	if (!fault)
		fault = check_doubles(&reading);
	if (!fault)
		fault = zone_each(zone, take_coo, &reading);
	if (fault)
		catalog_done(&catalog);
	else
		*ret = catalog;
	return fault;
}

const struct catalog_member *catalog_find(const struct catalog *catalog,
                                          const struct config_name *name)
{
	return find(catalog, name);
}

void catalog_done(struct catalog *catalog)
{
	free(catalog->members);
	*catalog = (struct catalog){0};
}
