/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All sources at once, from the root of an address space down. Where none
 * tells anything further apart, or a network is as long as networks get, there
 * is a leaf; two neighbours of one location become one, at once and upwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

#define LOCATIONS_MAX (1U << 24)

struct walk {
	struct sources *sources;
	uint8_t family;
	uint8_t cut;
	struct intern *tuples;
	uint32_t *tuple_location; /* of each tuple */
	uint32_t tuples_room;
	struct intern *locations;
	struct geo_leaves *leaves;
	struct source_at *left, *right; /* `count` for each depth */
	uint32_t *tuple;
};

/* ---- leaves ---- */

static bool are_halves(const struct geo_leaf *a, const struct geo_leaf *b)
{
	return a->len && a->len == b->len && a->location == b->location &&
	       (a->prefix ^ b->prefix) == UINT64_C(1) << (64 - a->len);
}

static void merge(struct geo_leaves *leaves)
{
	while (leaves->count > 1) {
		struct geo_leaf *last = &leaves->leaf[leaves->count - 1];

		if (!are_halves(last - 1, last))
			break;
		last[-1].len--;
		leaves->count--;
	}
}

static int put_leaf(struct geo_leaves *leaves, uint64_t prefix, uint8_t len, uint32_t location)
{
	if (leaves->count == leaves->room) {
		size_t room = leaves->room ? leaves->room * 2 : 1024;
		struct geo_leaf *more = realloc(leaves->leaf, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		leaves->leaf = more;
		leaves->room = room;
	}
	leaves->leaf[leaves->count++] =
	        (struct geo_leaf){.prefix = prefix, .location = location, .len = len};
	merge(leaves);
	return 0;
}

/* ---- locations ---- */

static int64_t location_new(struct walk *walk)
{
	uint32_t regions[GEO_LOCATION_WORDS];

	judge(walk->sources, walk->tuple, regions);
	regions[AN_POLICIES_MAX] = walk->tuple[sources_special(walk->sources)];
	return intern_put(walk->locations, regions);
}

static int64_t location_of_tuple(struct walk *walk)
{
	uint32_t before = intern_count(walk->tuples);
	int64_t number = intern_put(walk->tuples, walk->tuple), location;

	if (number < 0 || number < before)
		/* What was interned before has its place.
		 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		return number < 0 ? number : walk->tuple_location[number];
	if (number >= walk->tuples_room) {
		uint32_t room = walk->tuples_room ? walk->tuples_room * 2 : 256;
		uint32_t *more = realloc(walk->tuple_location, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		walk->tuple_location = more;
		walk->tuples_room = room;
	}
	location = location_new(walk);
	if (location >= LOCATIONS_MAX)
		return -EOVERFLOW;
	if (location >= 0)
		walk->tuple_location[number] = (uint32_t)location;
	return location;
}

/* The class of the first address from here on. */
static int first_class(struct walk *walk, size_t source, const struct source_at *from,
                       uint32_t *ret)
{
	struct source_at at = *from, below[2];
	int err = 0;

	for (int i = 0; i < 128 && at.more && !err; i++) {
		err = sources_children(walk->sources, source, &at, below);
		at = below[0];
	}
	*ret = at.class;
	return err ? err : at.more ? -EBADMSG : 0;
}

static int finish_leaf(struct walk *walk, const struct source_at *at, uint64_t prefix, uint8_t len)
{
	int64_t location;
	int err = 0;

	for (size_t i = 0; i < walk->sources->count && !err; i++)
		err = first_class(walk, i, &at[i], &walk->tuple[i]);
	if (err)
		return err;
	location = location_of_tuple(walk);
	if (location < 0)
		return (int)location;
	return put_leaf(walk->leaves, prefix, len, (uint32_t)location);
}

/* ---- the walk ---- */

static bool is_leaf(const struct walk *walk, const struct source_at *at, uint8_t len)
{
	if (len == walk->cut)
		return true;
	for (size_t i = 0; i < walk->sources->count; i++)
		if (at[i].more)
			return false;
	return true;
}

/* No deeper than `cut`. */
static int walk_below(struct walk *walk, const struct source_at *at, uint64_t prefix, uint8_t len)
{
	size_t count = walk->sources->count;
	struct source_at *left = walk->left + len * count, *right = walk->right + len * count;
	struct source_at below[2];
	int err = 0;

	if (is_leaf(walk, at, len))
		return finish_leaf(walk, at, prefix, len);
	for (size_t i = 0; i < count && !err; i++) {
		err = sources_children(walk->sources, i, &at[i], below);
		left[i] = below[0];
		right[i] = below[1];
	}
	if (!err)
		err = walk_below(walk, left, prefix, (uint8_t)(len + 1));
	if (!err)
		err = walk_below(walk, right, prefix | UINT64_C(1) << (63 - len),
		                 (uint8_t)(len + 1));
	return err;
}

static int walk_from_root(struct walk *walk)
{
	size_t count = walk->sources->count;
	struct source_at *root;
	int err = 0;

	walk->left = calloc((walk->cut + 1u) * count, sizeof(*walk->left));
	walk->right = calloc((walk->cut + 1u) * count, sizeof(*walk->right));
	walk->tuple = calloc(count, sizeof(*walk->tuple));
	walk->tuples = intern_new(count);
	root = calloc(count, sizeof(*root));
	if (!walk->left || !walk->right || !walk->tuple || !walk->tuples || !root)
		err = -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = sources_root(walk->sources, i, walk->family, &root[i]);
	if (!err)
		err = walk_below(walk, root, 0, 0);
	free(root);
	return err;
}

int compile(struct sources *sources, uint8_t family, struct intern *locations,
            struct geo_leaves *ret, struct error *error)
{
	struct walk walk = {.sources = sources,
	                    .family = family,
	                    .cut = family == AN_FAMILY_IPV6 ? AN_GEO_IPV6_LEN : AN_GEO_IPV4_LEN,
	                    .locations = locations,
	                    .leaves = ret};
	const char *path = sources->plan.config->path;
	int err = walk_from_root(&walk);

	free(walk.left);
	free(walk.right);
	free(walk.tuple);
	free(walk.tuple_location);
	intern_free(walk.tuples);
	if (err == -EBADMSG)
		return error_set(error, EBADMSG, path, 0, "a database is damaged");
	if (err == -EOVERFLOW)
		return error_set(error, EOVERFLOW, path, 0,
		                 "policies tell more than %u locations apart", LOCATIONS_MAX);
	return err ? error_set(error, -err, path, 0, "%s", strerror(-err)) : 0;
}
