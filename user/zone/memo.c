/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/memo.h"

#include <stdlib.h>

#include "zone/table.h"

static struct zone_memo **place_of(const struct zone *zone, const struct zone_node *cut)
{
	/* The node of a zone that is const is not: only its zone data are. */
	if (cut)
		return &((struct node *)(uintptr_t)cut)->memo;
	return &table_of(zone)->memo;
}

const struct zone_memo *zone_memo_find(const struct zone *zone, const struct zone_node *cut)
{
	return __atomic_load_n(place_of(zone, cut), __ATOMIC_ACQUIRE);
}

/* Among those that go with the zone. */
static void keep(struct table *table, struct zone_memo *memo)
{
	memo->next = __atomic_load_n(&table->memos, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&table->memos, &memo->next, memo, true,
	                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

const struct zone_memo *zone_memo_put(const struct zone *zone, const struct zone_node *cut,
                                      struct zone_memo *memo)
{
	struct zone_memo *first = NULL;

	if (!__atomic_compare_exchange_n(place_of(zone, cut), &first, memo, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE)) {
		free(memo);
		return first;
	}
	keep(table_of(zone), memo);
	return memo;
}
