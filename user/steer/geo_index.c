/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves laid out for looking up; anamed/geo.h has the layout. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

static uint32_t entry_of(const struct geo_leaf *leaf)
{
	return leaf->location << 8 | leaf->len;
}

int index_ipv4(const struct geo_leaves *leaves, struct an_geo_line **ret)
{
	struct an_geo_line *lines = malloc((size_t)AN_GEO_LINES4 * sizeof(*lines));
	uint32_t *entries = (uint32_t *)lines;

	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < leaves->count; i++) {
		const struct geo_leaf *leaf = &leaves->leaf[i];
		uint32_t first = (uint32_t)(leaf->prefix >> 40);
		uint32_t count = UINT32_C(1) << (AN_GEO_IPV4_LEN - leaf->len);

		for (uint32_t j = 0; j < count; j++)
			entries[first + j] = entry_of(leaf);
	}
	*ret = lines;
	return 0;
}

struct laying {
	const struct geo_leaves *leaves;
	struct an_geo_line *lines;
	uint32_t count, room;
};

static int new_line(struct laying *laying, uint32_t *ret)
{
	if (laying->count == laying->room) {
		uint32_t room = laying->room * 2;
		struct an_geo_line *more = realloc(laying->lines, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		laying->lines = more;
		laying->room = room;
	}
	if (laying->count > UINT32_MAX >> 8)
		return -EOVERFLOW;
	*ret = laying->count++;
	return 0;
}

/*
 * Fills the entries from `first` on with the leaves from *next on that lie in
 * one network of `from` bits; each entry stands for one of `to` bits.
 */
static int lay(struct laying *laying, uint32_t first, unsigned int from, unsigned int to,
               size_t *next)
{
	uint32_t count = UINT32_C(1) << (to - from);
	int err = 0;

	for (uint32_t i = 0; i < count && !err;) {
		const struct geo_leaf *leaf = &laying->leaves->leaf[*next];
		uint32_t *entries = (uint32_t *)laying->lines + first;
		uint32_t line, run;

		if (leaf->len <= to) {
			run = leaf->len <= from ? count : UINT32_C(1) << (to - leaf->len);
			for (; run; run--)
				entries[i++] = entry_of(leaf);
			++*next;
			continue;
		}
		err = new_line(laying, &line);
		if (err)
			break;
		((uint32_t *)laying->lines + first)[i] = line << 8 | AN_GEO_NODE;
		err = lay(laying, line * 16, to, to + 4, next);
		i++;
	}
	return err;
}

int index_ipv6(const struct geo_leaves *leaves, struct an_geo_line **ret, uint32_t *ret_count)
{
	struct laying laying = {
	        .leaves = leaves, .count = AN_GEO_LINES6_ROOT, .room = 2 * AN_GEO_LINES6_ROOT};
	size_t next = 0;
	int err = -ENOMEM;

	laying.lines = malloc(laying.room * sizeof(*laying.lines));
	if (laying.lines)
		err = lay(&laying, 0, 0, AN_GEO_IPV6_FIRST, &next);
	if (err) {
		free(laying.lines);
		return err;
	}
	*ret = laying.lines;
	*ret_count = laying.count;
	return 0;
}
