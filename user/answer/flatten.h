/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten - the loop that makes flattened answers: the only writer of the
 * store and, through publish, of the kernel's maps.
 *
 * Workers put wants; the loop coalesces them into flights, resolves members
 * (own zones first, else upstream), puts answers into the store, the kernel
 * and on disk, refreshes what is asked for, rechecks what fails.
 */
#ifndef ANAMED_ANSWER_FLATTEN_H
#define ANAMED_ANSWER_FLATTEN_H

#include <uv.h>

#include "answer/respond.h"

struct flatten;
struct upstream;
struct publish;
struct keep;

/* A waiting query. `done` runs on the loop's thread, once, when the store has what there is to
 * have. */
struct flatten_wait {
	struct want want;
	void (*done)(struct flatten_wait *wait);
	struct flatten_wait *next; /* while queued */
};

/* upstream, publish and keep may be NULL (none configured, no kernel, keeps nothing). `world` is
 * set by flatten_world(). */
struct flatten *flatten_new(uv_loop_t *loop, struct store *store);
void flatten_free(struct flatten *flatten); /* waits are done() first */

/* The surroundings, on the loop's thread; again after each reload. */
void flatten_world(struct flatten *flatten, const struct world *world, struct upstream *upstream,
                   struct publish *publish, struct keep *keep);

/* Who says which addresses of pools are up; before flatten_world(), which begins to watch them. It
 * must live until flatten_free(). */
struct health;
void flatten_health(struct flatten *flatten, struct health *health);

/* Puts what is on disk into the store; then adopts what the kernel holds. Before the first query.
 */
void flatten_restore(struct flatten *flatten);

/* Deletes what is on disk by region: for one whose numbers of regions are others than those that it
 * was kept under. Before flatten_restore(). */
void restore_forget_regions(struct keep *keep);

/* From any thread: fetch what is wanted. */
void flatten_want(struct flatten *flatten, struct flatten_wait *wait);

/* From any thread: there is a kernel half that takes what is offered. */
bool flatten_publishes(const struct flatten *flatten);

/* From any thread: this (name, type) was answered from static zone data and may go to the kernel.
 * Bounded queue; may be dropped. */
void flatten_offer(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type);

/* The same where a chain of the zone led to a flattened answer. */
void flatten_offer_chained(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type);

/* From any thread: a stored answer was served by the daemon though it could be the kernel's
 * (evicted): put it there. */
void flatten_offer_stored(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                          const struct network *client, uint32_t region);

/* The region that a client of whom nothing is known is in, for an owner; 0: it has no policy. */
uint32_t flatten_default_region(const struct flatten *flatten, const uint8_t *owner, size_t len);

/* Moves whenever answers of pools may have changed otherwise than by being fetched. Loop's thread.
 */
uint64_t flatten_pool_turns(const struct flatten *flatten);

/* Forget answers of a name (and, with it, names below? no: exactly it), all or those inside a
 * network. Count. */
size_t flatten_flush(struct flatten *flatten, const uint8_t *owner, size_t len,
                     const struct network *network);

struct flatten_stats {
	uint64_t wants, flights, coalesced, lookups, local, failures, stale_served_timer, refreshed,
	        rechecked, over_budget, denied, private_dropped, loops, offers, offers_dropped,
	        overlaps; /* scopes from upstream that lie inside one another (RFC 7871 7.2.1) */
	uint64_t recomposed, switches, panics, resorts; /* answers of pools; by change of state */
};
void flatten_stats(const struct flatten *flatten, struct flatten_stats *ret);

/* Words for `explain`: chain, member states, upstream, of an owner; JSON object (jansson), new
 * reference. */
struct json_t;
struct json_t *flatten_pools(struct flatten *flatten); /* a list: each pool that is in use */
/* A list: what is remembered of a pool's nodes, for each region and type. */
struct json_t *flatten_choices(const struct flatten *flatten, const struct pool_tree *tree);
/* How many answers are stored of pools by policy, for each of the policy's regions; a region may
 * come several times. */
void flatten_cells_each(struct flatten *flatten,
                        void (*visit)(const char *policy, uint32_t region, size_t answers,
                                      void *arg),
                        void *arg);
struct json_t *flatten_explain(struct flatten *flatten, const uint8_t *owner, size_t len,
                               uint16_t type, const struct client *client);

#endif
