/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Members of all catalogs: who names which zone, and who has it.
 *
 * A zone that the configuration names itself is no catalog's. A member of one
 * catalog moves to another only by the first one's leave ("coo", RFC 9432
 * 4.3.1) or when the first no longer names it. The host is told whenever what
 * a catalog has changes, and once more if a reload has lost it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "transfer/in_room.h"

static bool same_name(const struct config_name *a, const struct config_name *b)
{
	return name_equal(a->name, a->len, b->name, b->len);
}

static uint64_t members_hash(const struct config_name *members, size_t count)
{
	uint64_t hash = 0x9e3779b97f4a7c15ull; /* of no member at all, which is not 0 */

	for (size_t i = 0; i < count; i++)
		hash += name_hash(members[i].name, members[i].len);
	return hash;
}

/* ---- who has it ---- */

static int compare_names(const void *a, const void *b)
{
	const struct config_name *one = *(const struct config_name *const *)a;
	const struct config_name *two = *(const struct config_name *const *)b;
	int order = memcmp(one->name, two->name, one->len < two->len ? one->len : two->len);

	return order ? order : one->len - two->len;
}

int in_catalog_index(struct transfer_in *in)
{
	const struct config *config = in->config;
	const struct config_name **others = calloc(config->zones_count + 1, sizeof(*others));
	size_t count = 0;

	if (!others)
		return -1;
	for (size_t i = 0; i < config->zones_count; i++)
		if (!config->zones[i].primaries_count)
			others[count++] = &config->zones[i].name;
	if (count > 1)
		qsort(others, count, sizeof(*others), compare_names);
	free(in->others);
	in->others = others;
	in->others_count = count;
	return 0;
}

static bool is_other(const struct transfer_in *in, const struct config_name *name)
{
	return in->others_count &&
	       bsearch(&name, in->others, in->others_count, sizeof(*in->others), compare_names);
}

/* Catalogs in the order of the configuration; the first that names a new zone gets it. */
static struct in_zone *next_catalog(struct transfer_in *in, size_t *at)
{
	while (*at < in->config->zones_count) {
		const struct config_name *name = &in->config->zones[(*at)++].name;
		struct in_zone *zone = in_find(in, name->name, name->len);

		if (zone && zone->catalog_known)
			return zone;
	}
	return NULL;
}

static struct in_zone *first_that_names(struct transfer_in *in, const struct config_name *name)
{
	struct in_zone *catalog;
	size_t at = 0;

	do
		catalog = next_catalog(in, &at);
	while (catalog && !catalog_find(&catalog->catalog, name));
	return catalog;
}

/* The catalog that this one leaves the member to: one that names it and keeps it; NULL: none. */
static struct in_zone *heir_of(struct transfer_in *in, const struct in_zone *catalog,
                               const struct config_name *name)
{
	const struct config_name *coo = &catalog_find(&catalog->catalog, name)->coo;
	struct in_zone *heir = coo->len ? in_find(in, coo->name, coo->len) : NULL;
	const struct catalog_member *entry;

	if (!heir || heir == catalog || !heir->catalog_known)
		return NULL;
	entry = catalog_find(&heir->catalog, name);
	/* Two that leave it to each other would never be done. */
	return entry && !entry->coo.len ? heir : NULL;
}

/* The catalog that is to have this member; NULL: none. */
static struct in_zone *owner_of(struct transfer_in *in, const struct config_name *name)
{
	const struct in_zone *member = in_find(in, name->name, name->len);
	const struct config_zone *of = member ? member->config->member_of : NULL;
	struct in_zone *has, *heir;

	if ((member && !of) || is_other(in, name))
		return NULL;
	has = of ? in_find(in, of->name.name, of->name.len) : NULL;
	if (!has || !has->catalog_known || !catalog_find(&has->catalog, name))
		has = first_that_names(in, name);
	heir = has ? heir_of(in, has, name) : NULL;
	return heir ? heir : has;
}

/* ---- telling the host ---- */

/* What the world has as this catalog's. */
static uint64_t served_hash(const struct transfer_in *in, const struct in_zone *catalog)
{
	uint64_t hash = members_hash(NULL, 0);

	for (size_t i = 0; i < in->config->zones_count; i++) {
		const struct config_zone *zone = &in->config->zones[i];

		if (zone->member_of &&
		    same_name(&zone->member_of->name, &catalog->settings->zone.name))
			hash += name_hash(zone->name.name, zone->name.len);
	}
	return hash;
}

static bool is_news(const struct transfer_in *in, struct in_zone *catalog, uint64_t hash)
{
	uint64_t served;

	if (hash != catalog->told) {
		catalog->told = hash;
		return true;
	}
	served = served_hash(in, catalog);
	if (served == hash || served == catalog->retold)
		return false;
	catalog->retold = served; /* once: the host may have its reasons */
	return true;
}

static void tell(struct in_zone *catalog)
{
	struct transfer_in *in = catalog->in;
	const struct catalog *all = &catalog->catalog;
	struct config_name *members = calloc(all->count + 1, sizeof(*members));
	char name[NAME_TEXT_MAX];
	size_t count = 0;

	if (!members) {
		log_error("catalog %s: out of memory",
		          name_to_text(catalog->settings->zone.name.name, name));
		return;
	}
	for (size_t i = 0; i < all->count; i++)
		if (owner_of(in, &all->members[i].name) == catalog)
			members[count++] = all->members[i].name;
	if (is_news(in, catalog, members_hash(members, count))) {
		log_notice("catalog %s: %zu members, %zu of them are its own",
		           name_to_text(catalog->settings->zone.name.name, name), all->count,
		           count);
		in->host.members(catalog->config, members, count, in->host.arg);
	}
	free(members);
}

void in_catalog_on_timer(uv_timer_t *timer)
{
	struct transfer_in *in = timer->data;
	const struct config *config = in->config;
	struct in_zone *catalog;
	size_t at = 0;

	/* The host may come back with another world, which has this begin again. */
	while (config == in->config && (catalog = next_catalog(in, &at)))
		tell(catalog);
}

void in_catalog_soon(struct transfer_in *in)
{
	if (!in->closing)
		uv_timer_start(&in->members_timer, in_catalog_on_timer, 0, 0);
}

/* ---- new data of a catalog ---- */

/* RFC 9432 5.4: a member under another label than before is another zone of the same name. */
static void reset_members(struct in_zone *zone, const struct catalog *before)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct catalog_member *old = &before->members[i];
		const struct catalog_member *now = catalog_find(&zone->catalog, &old->name);
		struct in_zone *member;

		if (!now || now->id == old->id)
			continue;
		member = in_find(zone->in, old->name.name, old->name.len);
		if (!member || !member->config->member_of)
			continue;
		member->whole = true;
		in_zone_check(member);
	}
}

int in_catalog_take(struct in_zone *zone, const struct zone *data, struct error *error)
{
	struct catalog before = zone->catalog, now;
	int fault = catalog_read(data, &now, error);

	if (fault)
		return fault;
	zone->catalog = now;
	zone->catalog_known = true;
	reset_members(zone, &before);
	catalog_done(&before);
	return 0;
}
