/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources of every kind walked in the same way, a bit at a time from the root down. */
#include <errno.h>

#include "steer/geo_room.h"

static const struct trie *trie_of(const struct sources *sources, size_t source)
{
	if (source == sources_lists(sources))
		return &sources->lists;
	if (source == sources_special(sources))
		return &sources->special;
	return &sources->tables[source - sources_table(sources, 0)];
}

static struct source_at at_trie(const struct trie *trie, uint32_t node, uint32_t above)
{
	const struct trie_node *at = &trie->nodes[node];

	if (!node)
		return (struct source_at){.class = above};
	return (struct source_at){.node = node,
	                          .class = at->value,
	                          .inside = true,
	                          .more = at->child[0] || at->child[1]};
}

static int at_place(struct records *records, uint8_t family, const struct mmdb_place *place,
                    struct source_at *ret)
{
	int64_t class = 0;

	if (place->kind == MMDB_RECORD)
		class = records_class(records, family, place->value);
	if (class < 0)
		return (int)class;
	*ret = (struct source_at){.class = (uint32_t) class, .family = family};
	if (place->kind == MMDB_NODE) {
		ret->node = place->value;
		ret->inside = ret->more = true;
	}
	return 0;
}

static int database_root(struct records *records, uint8_t family, struct source_at *ret)
{
	struct mmdb_place place = mmdb_root(records_mmdb(records, family), family);
	int err = at_place(records, family, &place, ret);

	if (!err && family == AN_FAMILY_IPV6) {
		ret->six_to_four = 1;
		ret->more = true;
	}
	return err;
}

int sources_root(struct sources *sources, size_t source, uint8_t family, struct source_at *ret)
{
	const struct trie *trie;

	*ret = (struct source_at){0};
	if (source < sources->records_count)
		return sources->records[source]
		               ? database_root(sources->records[source], family, ret)
		               : 0;
	trie = trie_of(sources, source);
	if (trie->nodes)
		*ret = at_trie(trie, trie_root(family), 0);
	return 0;
}

static int database_below(struct records *records, const struct source_at *at,
                          struct source_at ret[2])
{
	struct mmdb_place both[2];
	int err;

	ret[0] = ret[1] = (struct source_at){.class = at->class, .family = at->family};
	if (!at->inside)
		return 0;
	err = mmdb_children(records_mmdb(records, at->family), at->family, at->node, both);
	for (int i = 0; i < 2 && !err; i++)
		err = at_place(records, at->family, &both[i], &ret[i]);
	return err;
}

/* The first address speaks for the whole. */
static int settle(struct records *records, struct source_at *at)
{
	struct source_at below[2];
	int err = 0;

	for (int i = 0; i < 32 && at->inside && !err; i++) {
		err = database_below(records, at, below);
		*at = below[0];
	}
	at->more = false;
	return err ? err : at->inside ? -EBADMSG : 0;
}

#define SIX_TO_FOUR      0x2002u
#define SIX_TO_FOUR_LEN  16
#define SIX_TO_FOUR_LAST (SIX_TO_FOUR_LEN + AN_GEO_IPV4_LEN)

static int way_to_six_to_four(struct records *records, const struct source_at *at,
                              struct source_at ret[2])
{
	struct source_at *on = &ret[SIX_TO_FOUR >> (SIX_TO_FOUR_LEN - at->six_to_four) & 1];
	int err = 0;

	if (at->six_to_four == SIX_TO_FOUR_LEN)
		err = database_root(records, AN_FAMILY_IPV4, on);
	else
		on->more = true;
	on->six_to_four = (uint8_t)(at->six_to_four + 1);
	return err;
}

static int below_six_to_four(struct records *records, const struct source_at *at,
                             struct source_at ret[2])
{
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		ret[i].six_to_four = (uint8_t)(at->six_to_four + 1);
		if (at->six_to_four == SIX_TO_FOUR_LAST)
			err = settle(records, &ret[i]);
	}
	return err;
}

static int database_children(struct records *records, const struct source_at *at,
                             struct source_at ret[2])
{
	int err = database_below(records, at, ret);

	if (err || !at->six_to_four)
		return err;
	return at->six_to_four <= SIX_TO_FOUR_LEN ? way_to_six_to_four(records, at, ret)
	                                          : below_six_to_four(records, at, ret);
}

int sources_children(struct sources *sources, size_t source, const struct source_at *at,
                     struct source_at ret[2])
{
	const struct trie *trie;

	if (!at->more) {
		ret[0] = ret[1] = *at;
		return 0;
	}
	if (source < sources->records_count)
		return database_children(sources->records[source], at, ret);
	trie = trie_of(sources, source);
	for (int i = 0; i < 2; i++)
		ret[i] = at_trie(trie, trie->nodes[at->node].child[i], at->class);
	return 0;
}
