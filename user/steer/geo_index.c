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

struct laying {
	const struct geo_leaves *leaves; /* of the family that is laid */
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

static int lay_family(struct laying *laying, const struct geo_leaves *leaves, uint32_t root)
{
	size_t next = 0;

	laying->leaves = leaves;
	return lay(laying, root * 16, 0, AN_GEO_FIRST, &next);
}

int index_make(const struct geo_leaves *ipv4, const struct geo_leaves *ipv6,
               struct an_geo_line **ret, uint32_t *ret_count)
{
	struct laying laying = {.count = 2 * AN_GEO_LINES_ROOT, .room = 4 * AN_GEO_LINES_ROOT};
	int err = -ENOMEM;

	laying.lines = malloc(laying.room * sizeof(*laying.lines));
	if (laying.lines)
		err = lay_family(&laying, ipv4, 0);
	if (!err)
		err = lay_family(&laying, ipv6, AN_GEO_LINES_ROOT);
	if (err) {
		free(laying.lines);
		return err;
	}
	*ret = laying.lines;
	*ret_count = laying.count;
	return 0;
}
