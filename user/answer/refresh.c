/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refresh - a heap of answers by the time when each is looked at again.
 *
 * An answer that was asked for since it was made is fetched again before its
 * time is over, so that a hot name never misses; one that nobody asked for is
 * left to expire, and goes when even the last good answer has had its time.
 */
#include <stdlib.h>

#include "answer/cells.h"
#include "answer/chained.h"
#include "base/clock.h"

#define MARGIN_LEAST_MS 1000
#define MARGIN_MOST_MS  10000
#define KERNEL_MARK_MS  1010 /* a second and a tick */
#define USE_LOOK_MS     5000 /* where checks are made less often while nobody asks */
#define FIRST_USE_MS    100  /* the query that an answer was made for does not make it hot */

static void place(struct flatten *flatten, size_t at, struct answer *answer)
{
	flatten->queue[at] = answer;
	answer->queue_at = (uint32_t)at + 1;
}

static void sift_up(struct flatten *flatten, size_t at)
{
	struct answer *answer = flatten->queue[at];

	while (at && flatten->queue[(at - 1) / 2]->due_ms > answer->due_ms) {
		place(flatten, at, flatten->queue[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(flatten, at, answer);
}

static void sift_down(struct flatten *flatten, size_t at)
{
	struct answer *answer = flatten->queue[at];

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= flatten->queue_count)
			break;
		if (child + 1 < flatten->queue_count &&
		    flatten->queue[child + 1]->due_ms < flatten->queue[child]->due_ms)
			child++;
		if (flatten->queue[child]->due_ms >= answer->due_ms)
			break;
		place(flatten, at, flatten->queue[child]);
		at = child;
	}
	place(flatten, at, answer);
}

void refresh_queue(struct flatten *flatten, struct answer *answer, uint64_t due_ms)
{
	answer->due_ms = due_ms;
	if (answer->queue_at) {
		sift_up(flatten, answer->queue_at - 1);
		sift_down(flatten, answer->queue_at - 1);
		return;
	}
	if (flatten->queue_count == flatten->queue_size) {
		size_t size = flatten->queue_size ? flatten->queue_size * 2 : 1024;
		struct answer **more = realloc(flatten->queue, size * sizeof(struct answer *));

		if (!more)
			return; /* it will be fetched when it is missed */
		flatten->queue = more;
		flatten->queue_size = size;
	}
	place(flatten, flatten->queue_count++, answer);
	sift_up(flatten, answer->queue_at - 1);
}

void refresh_unqueue(struct flatten *flatten, struct answer *answer)
{
	size_t at;
	struct answer *last;

	if (!answer->queue_at)
		return;
	at = answer->queue_at - 1;
	answer->queue_at = 0;
	last = flatten->queue[--flatten->queue_count];
	if (last == answer)
		return;
	place(flatten, at, last);
	sift_up(flatten, at);
	sift_down(flatten, last->queue_at - 1);
}

/* When a hot answer must be on its way to be fresh in time. */
static uint64_t refresh_at(const struct answer *answer)
{
	uint64_t until = answer->harvest ? answer->good_until_ms : answer->fresh_until_ms;
	uint64_t life = until - answer->fetched_ms, margin = life / 10;

	if (margin < MARGIN_LEAST_MS)
		margin = MARGIN_LEAST_MS;
	if (margin > MARGIN_MOST_MS)
		margin = MARGIN_MOST_MS;
	if (margin > life / 2)
		margin = life / 2;
	return until - margin;
}

/* When it is to be fetched or composed again, if it is asked for. */
static uint64_t renewal_due(const struct flatten *flatten, const struct answer *answer)
{
	uint64_t due = refresh_at(answer);
	uint32_t freshness = flatten->world->config->freshness_ms;

	if (freshness && answer->fetched_ms + freshness < due)
		due = answer->fetched_ms + freshness;
	/* A change of state may come before: then the answer is composed anew. */
	if (answer->harvest && answer->fresh_until_ms < answer->good_until_ms &&
	    answer->fresh_until_ms < due)
		due = answer->fresh_until_ms;
	return due;
}

uint64_t refresh_due(const struct flatten *flatten, const struct answer *answer)
{
	uint64_t due = renewal_due(flatten, answer), look = clock_ms() + USE_LOOK_MS;

	return answer->harvest && answer->harvest->slows && look < due ? look : due;
}

/* clock_ms() of the last hit in the kernel, 0 for none that is known. */
static uint64_t kernel_use(const struct flatten *flatten, const struct answer *answer)
{
	const struct store_owner *owner = answer->owner;

	uint64_t chained = chained_used_ms(flatten, answer), used;

	if (!flatten->publish || !answer->slot ||
	    !publish_has(flatten->publish, owner->name, owner->name_len, owner->type))
		return chained;
	used = publish_used_ms(flatten->publish, answer->slot);
	return used > chained ? used : chained;
}

/*
 * Was it asked for since it was made? The program marks a slot at most once a
 * second: within a second of a mark there may have been more.
 */
static bool is_hot(const struct answer *answer, uint64_t in_kernel, uint64_t now)
{
	return in_kernel > answer->fetched_ms || (in_kernel && in_kernel + KERNEL_MARK_MS >= now) ||
	       CMM_LOAD_SHARED(answer->used_ms) > answer->fetched_ms + FIRST_USE_MS;
}

static void refetch(struct flatten *flatten, struct store_owner *owner, const struct answer *answer)
{
	flight_want(flatten, owner->name, owner->name_len, owner->type, &answer->asked,
	            answer->key.region, NULL, true);
}

/* Between renewals the kernel's hits are seen only here. False: it is time for the renewal. */
static bool look_for_use(struct flatten *flatten, struct answer *answer, uint64_t now)
{
	if (!answer->harvest || !answer->harvest->slows || now >= renewal_due(flatten, answer))
		return false;
	if (CMM_LOAD_SHARED(answer->used_ms) + USE_LOOK_MS + KERNEL_MARK_MS > now)
		harvest_use(answer->harvest);
	refresh_queue(flatten, answer, refresh_due(flatten, answer));
	return true;
}

/* The front of the heap has come due: refresh it, let it be, or let it go. */
static void look_at(struct flatten *flatten, struct answer *answer, uint64_t now)
{
	struct store_owner *owner = answer->owner;
	uint64_t in_kernel = kernel_use(flatten, answer), last_call = refresh_at(answer);
	const struct config *config = flatten->world->config;

	if (in_kernel > CMM_LOAD_SHARED(answer->used_ms))
		CMM_STORE_SHARED(answer->used_ms, in_kernel); /* eviction reads it */
	if (now >= answer->stale_until_ms) {
		finish_remove(flatten, answer, true);
		return;
	}
	if (owner->failing) {
		refresh_queue(flatten, answer, now + config->recheck_ms);
		return;
	}
	if (look_for_use(flatten, answer, now))
		return;
	if (now >= answer->fresh_until_ms) {
		refresh_queue(flatten, answer, answer->stale_until_ms);
		if (answer->harvest)
			cell_renew(flatten, answer, now);
		return;
	}
	if (is_hot(answer, in_kernel, now)) {
		if (answer->harvest)
			harvest_use(answer->harvest);
		refresh_queue(flatten, answer, answer->fresh_until_ms);
		flatten->stats.refreshed++;
		refetch(flatten, owner, answer);
		return;
	}
	if (config->freshness_ms && now + config->freshness_ms < last_call)
		refresh_queue(flatten, answer, now + config->freshness_ms);
	else
		refresh_queue(flatten, answer,
		              now < last_call ? last_call : answer->fresh_until_ms);
}

/* RFC 8767 5: a failing target is asked again every `recheck`, with the network that gave the
 * newest answer. */
static void recheck(struct flatten *flatten, uint64_t now)
{
	size_t at = flatten->failing_count;

	while (at > 0 && flatten->refreshing < FLATTEN_REFRESH_MAX) {
		struct store_owner *owner;

		if (at > flatten->failing_count)
			at = flatten->failing_count; /* a flight that ended at once has shortened
			                                the list */
		if (!at)
			return;
		owner = flatten->failing[--at];
		if (!owner->catch_all ||
		    now - owner->rechecked_ms < flatten->world->config->recheck_ms)
			continue;
		owner->rechecked_ms = now;
		flatten->stats.rechecked++;
		refetch(flatten, owner, owner->catch_all);
	}
}

void refresh_forget_failing(struct flatten *flatten, struct store_owner *owner)
{
	struct store_owner *last;

	if (!owner->failing_at)
		return;
	last = flatten->failing[--flatten->failing_count];
	flatten->failing[owner->failing_at - 1] = last;
	last->failing_at = owner->failing_at;
	owner->failing_at = 0;
}

void refresh_tick(struct flatten *flatten)
{
	uint64_t now = clock_ms();

	if (!flatten->world)
		return;
	rcu_read_lock();
	while (flatten->queue_count && flatten->queue[0]->due_ms <= now &&
	       flatten->refreshing < FLATTEN_REFRESH_MAX)
		look_at(flatten, flatten->queue[0], now);
	if (now >= flatten->failing_ms) {
		flatten->failing_ms = now + (flatten->world->config->recheck_ms < 1000 ? 100 : 500);
		recheck(flatten, now);
	}
	rcu_read_unlock();
}
