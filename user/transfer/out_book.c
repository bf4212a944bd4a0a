/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out_book.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct page_key {
	uint8_t mode;
	uint8_t apex_len;
	uint8_t apex[NAME_MAX_LEN];
};

struct page {
	UT_hash_handle hh;
	struct page_key key;
	struct view *view;
	struct history history;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct page *pages;

struct out_counters out_counters;

static struct page_key key_of(const uint8_t *apex, size_t apex_len, enum transfer_mode mode)
{
	struct page_key key;

	memset(&key, 0, sizeof(key));
	key.mode = (uint8_t)mode;
	key.apex_len = (uint8_t)apex_len;
	name_lower(key.apex, apex, apex_len);
	return key;
}

static struct page *page_find(const uint8_t *apex, size_t apex_len, enum transfer_mode mode)
{
	struct page_key key = key_of(apex, apex_len, mode);
	struct page *page;

	HASH_FIND(hh, pages, &key, sizeof(key), page);
	return page;
}

static struct page *page_get(const struct zone *zone, enum transfer_mode mode)
{
	struct page *page = page_find(zone->apex, zone->apex_len, mode);

	if (page)
		return page;
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->key = key_of(zone->apex, zone->apex_len, mode);
	HASH_ADD(hh, pages, key, sizeof(page->key), page);
	if (HASH_ADDED(page))
		return page;
	free(page);
	return NULL;
}

int book_put(struct view *view, struct step *step, bool same)
{
	struct view *old = NULL;
	struct page *page;

	pthread_mutex_lock(&lock);
	page = page_get(view->zone, view->mode);
	if (page) {
		old = page->view;
		page->view = view_hold(view);
		if (step)
			history_add(&page->history, step, history_room(view->zone));
		else if (!same)
			history_clear(&page->history);
	}
	pthread_mutex_unlock(&lock);
	view_free(old);
	if (!page)
		step_free(step);
	return page ? 0 : -ENOMEM;
}

struct view *book_view(const uint8_t *apex, size_t apex_len, enum transfer_mode mode)
{
	struct view *view = NULL;
	struct page *page;

	pthread_mutex_lock(&lock);
	page = page_find(apex, apex_len, mode);
	if (page)
		view = view_hold(page->view);
	pthread_mutex_unlock(&lock);
	return view;
}

/* Holds the steps from a serial on. Their count, or -ENOENT. */
static int hold_steps(const struct view *view, uint32_t from, struct step *steps[HISTORY_STEPS_MAX])
{
	const struct page *page = page_find(view->zone->apex, view->zone->apex_len, view->mode);
	int first, count = 0;

	if (!page || page->view->zone != view->zone || page->view->serial != view->serial)
		return -ENOENT;
	first = history_find(&page->history, from);
	if (first < 0)
		return first;
	for (size_t i = (size_t)first; i < page->history.count; i++)
		steps[count++] = step_hold(page->history.steps[i]);
	return count;
}

int book_way(const struct view *view, uint32_t from, size_t max, struct step **ret)
{
	struct step *steps[HISTORY_STEPS_MAX], *way = NULL;
	int count, err = 0;

	pthread_mutex_lock(&lock);
	count = hold_steps(view, from, steps);
	pthread_mutex_unlock(&lock);
	if (count <= 0)
		return -ENOENT;
	if (count == 1)
		way = step_hold(steps[0]);
	else
		err = step_condense(steps, (size_t)count, &way);
	for (int i = 0; i < count; i++)
		step_free(steps[i]);
	if (!err && step_octets(way) > max) {
		step_free(way);
		err = -E2BIG;
	}
	if (!err)
		*ret = way;
	return err;
}

static void page_free(struct page *page)
{
	HASH_DEL(pages, page);
	history_clear(&page->history);
	view_free(page->view);
	free(page);
}

void book_drop(const uint8_t *apex, size_t apex_len, enum transfer_mode mode)
{
	struct page *page;

	pthread_mutex_lock(&lock);
	page = page_find(apex, apex_len, mode);
	if (page)
		page_free(page);
	pthread_mutex_unlock(&lock);
}

void book_clear(void)
{
	pthread_mutex_lock(&lock);
	while (pages)
		page_free(pages);
	pthread_mutex_unlock(&lock);
}

static uint64_t read_one(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void transfer_out_stats(struct transfer_out_stats *ret)
{
	*ret = (struct transfer_out_stats){
	        .axfr = read_one(&out_counters.axfr),
	        .ixfr = read_one(&out_counters.ixfr),
	        .ixfr_as_axfr = read_one(&out_counters.ixfr_as_axfr),
	        .refused = read_one(&out_counters.refused),
	        .records = read_one(&out_counters.records),
	        .notifies = read_one(&out_counters.notifies),
	        .notify_failures = read_one(&out_counters.notify_failures),
	        .expanded_changes = read_one(&out_counters.expanded_changes),
	};
}
