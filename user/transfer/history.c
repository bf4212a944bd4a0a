/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/wire.h"
#include "zone/rdata.h"

#define RECORD_HEAD   9u /* name length, type, TTL, rdata length */
#define RECORD_USUAL  48 /* octets of a record, for the bound */
#define RECORDS_LEAST 64 /* small zones keep more than half */

/* ---- lists of records ---- */

static int list_add(struct record_list *list, const struct record_item *item)
{
	size_t len = RECORD_HEAD + item->name_len + item->rdata_len;
	struct wire w;

	if (list->room - list->len < len) {
		size_t room = list->room ? list->room * 2 : 512;
		uint8_t *octets;

		while (room - list->len < len)
			room *= 2;
		octets = realloc(list->octets, room);
		if (!octets)
			return -ENOMEM;
		list->octets = octets;
		list->room = room;
	}
	w = wire_writer(list->octets + list->len, len);
	wire_put8(&w, item->name_len);
	wire_put16(&w, item->type);
	wire_put32(&w, item->ttl);
	wire_put16(&w, item->rdata_len);
	wire_put(&w, item->name, item->name_len);
	wire_put(&w, item->rdata, item->rdata_len);
	list->len += len;
	list->count++;
	return 0;
}

bool record_list_next(const struct record_list *list, size_t *at, struct record_item *ret)
{
	struct wire w;

	if (*at >= list->len)
		return false;
	w = wire_reader(list->octets + *at, list->len - *at);
	ret->name_len = (uint8_t)wire_get8(&w);
	ret->type = (uint16_t)wire_get16(&w);
	ret->ttl = wire_get32(&w);
	ret->rdata_len = (uint16_t)wire_get16(&w);
	ret->name = wire_take(&w, ret->name_len);
	ret->rdata = wire_take(&w, ret->rdata_len);
	*at += w.at;
	return true;
}

/* ---- steps ---- */

static struct step *step_new(void)
{
	struct step *step = calloc(1, sizeof(*step));

	if (step)
		atomic_init(&step->holders, 1);
	return step;
}

struct step *step_hold(struct step *step)
{
	atomic_fetch_add(&step->holders, 1);
	return step;
}

void step_free(struct step *step)
{
	if (!step || atomic_fetch_sub(&step->holders, 1) != 1)
		return;
	free(step->removed.octets);
	free(step->added.octets);
	free(step);
}

static void step_soa(struct step *step, int which, const struct view *view)
{
	step->soa_len[which] = (uint16_t)view_soa(view, step->soa[which]);
	step->soa_ttl[which] = view->zone->soa->ttl;
}

/* ---- the difference of two views ---- */

struct diff {
	const struct view *from, *to;
	struct step *step;
	size_t max;
};

static int put_one(struct diff *diff, struct record_list *list, const struct zone_node *node,
                   const struct view_set *set, uint16_t index)
{
	struct record_item item = {
	        .name = node->name, .name_len = node->name_len, .type = set->type, .ttl = set->ttl};
	int err;

	item.rdata = view_rdata(set, index, &item.rdata_len);
	err = list_add(list, &item);
	return !err && step_octets(diff->step) > diff->max ? -E2BIG : err;
}

static int put_set(struct diff *diff, struct record_list *list, const struct zone_node *node,
                   const struct view_set *set)
{
	int err = 0;

	for (uint16_t i = 0; i < set->count && !err; i++)
		err = put_one(diff, list, node, set, i);
	return err;
}

static int order(const struct view_set *a, uint16_t i, const struct view_set *b, uint16_t j)
{
	uint16_t a_len, b_len;
	const uint8_t *one = view_rdata(a, i, &a_len), *two = view_rdata(b, j, &b_len);

	return rdata_compare(a->type, one, a_len, two, b_len);
}

/* Two sets of one name and type; both stand in canonical order. */
static int diff_sets(struct diff *diff, const struct zone_node *node, const struct view_set *from,
                     const struct view_set *to)
{
	uint16_t i = 0, j = 0;
	int err = 0;

	if (from->ttl != to->ttl) { /* RFC 2181 5.2: one TTL a set, so all of it changes */
		err = put_set(diff, &diff->step->removed, node, from);
		return err ? err : put_set(diff, &diff->step->added, node, to);
	}
	while (!err && (i < from->count || j < to->count)) {
		int sign = i == from->count ? 1 : j == to->count ? -1 : order(from, i, to, j);

		if (sign < 0)
			err = put_one(diff, &diff->step->removed, node, from, i);
		else if (sign > 0)
			err = put_one(diff, &diff->step->added, node, to, j);
		if (sign <= 0)
			i++;
		if (sign >= 0)
			j++;
	}
	return err;
}

static int remove_missing(struct diff *diff, struct view_node from, const struct view_node *to)
{
	struct view_set set, other;
	int err = 0;

	while (!err && view_node_next(&from, &set))
		if (!to || !view_node_like(to, &set, &other))
			err = put_set(diff, &diff->step->removed, from.node, &set);
	return err;
}

static int diff_node(struct diff *diff, struct view_node from, struct view_node to)
{
	const struct view_node whole = to;
	struct view_set set, other;
	int err = remove_missing(diff, from, &whole);

	while (!err && view_node_next(&to, &set)) {
		if (view_node_like(&from, &set, &other))
			err = diff_sets(diff, to.node, &other, &set);
		else
			err = put_set(diff, &diff->step->added, to.node, &set);
	}
	return err;
}

static int add_node(struct diff *diff, struct view_node to)
{
	struct view_set set;
	int err = 0;

	while (!err && view_node_next(&to, &set))
		err = put_set(diff, &diff->step->added, to.node, &set);
	return err;
}

static int visit_new(const struct zone_node *node, void *arg)
{
	struct diff *diff = arg;
	const struct zone_node *old = zone_node_exact(diff->from->zone, node->name, node->name_len);

	if (!old)
		return add_node(diff, view_node(diff->to, node));
	return diff_node(diff, view_node(diff->from, old), view_node(diff->to, node));
}

static int visit_old(const struct zone_node *node, void *arg)
{
	struct diff *diff = arg;

	if (zone_node_exact(diff->to->zone, node->name, node->name_len))
		return 0;
	return remove_missing(diff, view_node(diff->from, node), NULL);
}

/* One zone snapshot, two tables of one layout: what differs is found by the pointers. */
static int diff_tables(struct diff *diff)
{
	const struct expand_table *from = diff->from->table, *to = diff->to->table;
	int err = 0;

	for (size_t i = 0; i < to->size && !err; i++) {
		const struct expand_entry *entry = to->slots[i];
		const struct zone_node *node;

		if (!entry || from->slots[i] == entry)
			continue;
		node = zone_node_exact(diff->to->zone, entry->name, entry->name_len);
		if (node)
			err = visit_new(node, diff);
	}
	return err;
}

static bool same_layout(const struct view *from, const struct view *to)
{
	return from->zone == to->zone && from->table && to->table &&
	       from->table->size == to->table->size && from->table->count == to->table->count;
}

int step_between(const struct view *from, const struct view *to, size_t max, struct step **ret)
{
	struct diff diff = {.from = from, .to = to, .step = step_new(), .max = max};
	int err;

	if (!diff.step)
		return -ENOMEM;
	diff.step->from = from->serial;
	diff.step->to = to->serial;
	step_soa(diff.step, 0, from);
	step_soa(diff.step, 1, to);
	if (same_layout(from, to)) {
		err = diff_tables(&diff);
	} else {
		err = zone_each(to->zone, visit_new, &diff);
		if (!err)
			err = zone_each(from->zone, visit_old, &diff);
	}
	if (err) {
		step_free(diff.step);
		return err;
	}
	*ret = diff.step;
	return 0;
}

/* ---- several steps as one ---- */

struct net_change {
	UT_hash_handle hh;
	struct record_item item;
	const uint8_t *key; /* in the step's octets: the record as it stands in a list */
	int change;         /* -1 removed, 1 added, 0 as before */
};

static int net_add(struct net_change **changes, const uint8_t *key, size_t len,
                   const struct record_item *item, int change)
{
	struct net_change *one;

	HASH_FIND(hh, *changes, key, len, one);
	if (one) {
		one->change += change;
		return 0;
	}
	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->item = *item;
	one->key = key;
	one->change = change;
	HASH_ADD_KEYPTR(hh, *changes, one->key, len, one);
	if (HASH_ADDED(one))
		return 0;
	free(one);
	return -ENOMEM;
}

static int net_list(struct net_change **changes, const struct record_list *list, int change)
{
	struct record_item item;
	size_t at = 0, before = 0;
	int err = 0;

	while (!err && record_list_next(list, &at, &item)) {
		err = net_add(changes, list->octets + before, at - before, &item, change);
		before = at;
	}
	return err;
}

static int net_take(struct net_change *changes, struct step *step)
{
	int err = 0;

	for (struct net_change *one = changes; one && !err; one = one->hh.next)
		if (one->change)
			err = list_add(one->change < 0 ? &step->removed : &step->added, &one->item);
	return err;
}

static void net_free(struct net_change *changes)
{
	struct net_change *one, *next;

	HASH_ITER(hh, changes, one, next)
	{
		HASH_DEL(changes, one);
		free(one);
	}
}

int step_condense(struct step *const *steps, size_t count, struct step **ret)
{
	struct net_change *changes = NULL;
	struct step *step = step_new();
	const struct step *first = steps[0], *last = steps[count - 1];
	int err = step ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		err = net_list(&changes, &steps[i]->removed, -1);
		if (!err)
			err = net_list(&changes, &steps[i]->added, 1);
	}
	if (!err)
		err = net_take(changes, step);
	net_free(changes);
	if (err) {
		step_free(step);
		return err;
	}
	step->from = first->from;
	step->to = last->to;
	step->soa_len[0] = first->soa_len[0];
	step->soa_len[1] = last->soa_len[1];
	step->soa_ttl[0] = first->soa_ttl[0];
	step->soa_ttl[1] = last->soa_ttl[1];
	memcpy(step->soa[0], first->soa[0], sizeof(step->soa[0]));
	memcpy(step->soa[1], last->soa[1], sizeof(step->soa[1]));
	*ret = step;
	return 0;
}

/* ---- histories ---- */

static void drop_oldest(struct history *history)
{
	history->octets -= step_octets(history->steps[0]);
	step_free(history->steps[0]);
	history->count--;
	memmove(history->steps, history->steps + 1, history->count * sizeof(struct step *));
}

void history_add(struct history *history, struct step *step, size_t max)
{
	if (history->count == HISTORY_STEPS_MAX)
		drop_oldest(history);
	history->steps[history->count++] = step;
	history->octets += step_octets(step);
	while (history->count && history->octets > max)
		drop_oldest(history);
}

void history_clear(struct history *history)
{
	while (history->count)
		drop_oldest(history);
}

int history_find(const struct history *history, uint32_t from)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->steps[i]->from == from)
			return (int)i;
	return -ENOENT;
}

size_t history_room(const struct zone *zone)
{
	size_t records = zone->record_count;

	return (records < RECORDS_LEAST ? RECORDS_LEAST : records) * RECORD_USUAL / 2;
}
