/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/catalogs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"

/* The zones in the making, and an index over their names: position + 1, 0 is free. */
struct list {
	struct config_zone *zones;
	size_t count, size; /* size of the index, a power of two */
	uint32_t *index;
};

static bool same_name(const struct config_name *a, const struct config_name *b)
{
	return name_equal(a->name, a->len, b->name, b->len);
}

/* Where the name is in the index, or would be. */
static uint32_t *place_of(const struct list *list, const struct config_name *name)
{
	size_t at = name_hash(name->name, name->len) & (list->size - 1);

	while (list->index[at] && !same_name(&list->zones[list->index[at] - 1].name, name))
		at = (at + 1) & (list->size - 1);
	return &list->index[at];
}

static int begin(struct list *list, const struct config *base, size_t members)
{
	size_t most = base->zones_count + members;

	list->size = 4;
	while (list->size < most * 2)
		list->size *= 2;
	list->zones = calloc(most ? most : 1, sizeof(*list->zones));
	list->index = calloc(list->size, sizeof(*list->index));
	if (!list->zones || !list->index)
		return -ENOMEM;
	for (size_t i = 0; i < base->zones_count; i++) {
		list->zones[i] = base->zones[i];
		*place_of(list, &base->zones[i].name) = (uint32_t)i + 1;
	}
	list->count = base->zones_count;
	return 0;
}

static void add(struct list *list, const struct config_zone *catalog,
                const struct config_name *name)
{
	uint32_t *place = place_of(list, name);
	struct config_zone *zone;

	if (*place)
		return;
	zone = &list->zones[list->count];
	*zone = *catalog;
	zone->name = *name;
	zone->catalog = false;
	zone->member_of = catalog;
	/* These name what is in the catalog's own zone. */
	zone->file = NULL;
	zone->flatten_owners = NULL;
	zone->flatten_owners_count = 0;
	*place = (uint32_t)++list->count;
}

static const struct config_zone *catalog_of(const struct list *list, size_t configured,
                                            const struct config_name *name)
{
	uint32_t at = *place_of(list, name);

	if (!at || at > configured || !list->zones[at - 1].catalog)
		return NULL;
	return &list->zones[at - 1];
}

int catalogs_config(const struct config *base, const struct catalogs_pair *pairs, size_t count,
                    struct config **ret)
{
	struct config *config = malloc(sizeof(*config));
	struct list list = {0};

	if (!config || begin(&list, base, count)) {
		free(config);
		free(list.zones);
		free(list.index);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct config_zone *catalog =
		        catalog_of(&list, base->zones_count, pairs[i].catalog);

		if (catalog)
			add(&list, catalog, pairs[i].member);
	}
	free(list.index);
	*config = *base;
	config->zones = list.zones;
	config->zones_count = list.count;
	*ret = config;
	return 0;
}

void catalogs_free(struct config *config, const struct config *base)
{
	if (!config || config == base)
		return;
	free(config->zones);
	free(config);
}
