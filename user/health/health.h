/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * health - whether addresses live, by checks of their own.
 *
 * One real check for one (check, address), however many watch it; it knows
 * nothing of pools. All on the loop's thread. "Unknown" counts as last known,
 * and as up when never known; states, and what was forced, outlive the daemon.
 * Checked by start to start: every `interval` less jitter, so a change of
 * state comes no later than rise or fall times that (docs/health.md).
 */
#ifndef ANAMED_HEALTH_HEALTH_H
#define ANAMED_HEALTH_HEALTH_H

#include <uv.h>

#include "base/config.h"
#include "base/error.h"

struct health;
struct health_watch;

enum health_force { HEALTH_AUTO, HEALTH_UP, HEALTH_DOWN };

/* What happened, as bits. */
enum health_event {
	HEALTH_CHANGED = 1, /* `up` is another */
	HEALTH_NEAR = 2,    /* `near` or `next_change_ms` is another, not only later by one check */
	HEALTH_MEASURED = 4, /* `connect_us` has one more measurement in it */
};

struct health_state {
	bool up;     /* what counts, after force, damping, and "as last known" */
	bool known;  /* some check has had a result, in this run or one before */
	bool near;   /* one more result can change `up` */
	bool damped; /* would be up, but has changed too often */
	enum health_force forced;
	uint64_t next_change_ms; /* by clock_ms(): not before this can `up` change, as far as
	                            checks go; CLOCK_MS_NEVER: it cannot (forced) */
	uint32_t connect_us;     /* smoothed time to connect; 0: never measured */
};

/*
 * Called on the loop, never from inside health_watch(), health_unwatch() or
 * health_configure(). It may watch, but not unwatch what is being told of.
 */
typedef void (*health_told)(struct health_watch *watch, unsigned int events, void *arg);

/*
 * Room for checks on this loop, none configured yet. While this process has
 * root, call it before root is given up: sockets for ICMP are opened here.
 * NULL: out of memory.
 */
struct health *health_new(uv_loop_t *loop);

/*
 * The checks of this configuration, at start and after each reload; `config`
 * must live until the next call. A check with the same settings goes on as if
 * nothing had been; one with other settings keeps its last known states.
 * Watches stay; those of a check that is gone say what was last known. The
 * first call reads what an earlier run left in the state folder; a file that
 * cannot be read is said in the log, and is as if it were not there.
 */
void health_configure(struct health *health, const struct config *config);

/* Ends every check and writes the states. Watches must be gone. Freed once the loop has run the
 * close callbacks. */
void health_free(struct health *health);

/*
 * Begins to watch `address` (its port is that of the check) by the check of
 * this name. NULL: there is no such check, or no memory. `told` may be NULL.
 */
struct health_watch *health_watch(struct health *health, const char *check, uint8_t family,
                                  const uint8_t address[16], health_told told, void *arg);
void health_unwatch(struct health_watch *watch); /* NULL is fine */

void health_state(const struct health_watch *watch, struct health_state *ret);

/* Answers that use it are asked for: with `idle-interval` set, it is checked at its full pace for a
 * while. Cheap. */
void health_use(struct health_watch *watch);
bool health_slows(const struct health_watch *watch); /* `idle-interval` is set */

/*
 * Forces by name: "CHECK" (all of its addresses, those to come as well),
 * "CHECK/ADDRESS", or "ADDRESS" (by every check). Returns how many addresses
 * that is now, -ENOENT if the name means nothing. Kept over restarts.
 */
int health_force(struct health *health, const char *name, enum health_force force);

/* ---- for people and metrics ---- */

#define HEALTH_HISTORY 16 /* last changes of each */
#define HEALTH_REASON  120

struct health_change {
	int64_t unix_ms;
	bool up;
	char reason[HEALTH_REASON]; /* "connection refused", "status 500", "forced" */
};

struct health_info {
	const char *check;
	bool gone; /* the configuration has no such check any more */
	enum check_kind kind;
	uint8_t family, address[16];
	struct health_state state;
	unsigned int watchers;
	unsigned int run;                    /* results in a row that were the same */
	bool run_good;                       /* of which kind */
	int64_t since_unix_ms;               /* `up` is what it is; 0: always was */
	int64_t last_unix_ms;                /* of the last result; 0: none in this run */
	uint32_t last_us;                    /* the last check took, from start to result */
	const char *reason;                  /* of the last result: "ok" or what was wrong */
	uint64_t good, bad, changes, late;   /* late: began after its time, for want of room */
	const struct health_change *history; /* oldest first */
	unsigned int history_count;
};

/* Every (check, address) that is watched, in no order. What it points to holds during the call. */
void health_each(const struct health *health,
                 void (*visit)(const struct health_info *info, void *arg), void *arg);

/* The same of one watch. */
void health_info(const struct health_watch *watch, struct health_info *ret);

struct health_stats {
	uint64_t watched, up, down, forced, damped; /* now */
	uint64_t running, waiting;                  /* checks under way; for want of room */
	uint64_t good, bad, changes, late;          /* since the start */
};
void health_stats(const struct health *health, struct health_stats *ret);

const char *health_kind_word(enum check_kind kind);

#endif
