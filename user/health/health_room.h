/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * health_room - what the files of this room share.
 *
 * A check_box is a check by name, a target one address of it. A target has at
 * most one probe under way. Kinds begin probes and call probe_done() exactly
 * once for each, unless it is cancelled before; the scheduler (schedule.c)
 * owns the times and the limit.
 */
#ifndef ANAMED_HEALTH_HEALTH_ROOM_H
#define ANAMED_HEALTH_HEALTH_ROOM_H

#include <sys/queue.h>
#include <time.h>

#include "base/hash.h"
#include "health/health.h"
#include "health/machine.h"

struct target;
struct probe;

/* ---- kinds ---- */

/* How a check is made. A kind allocates the probe with what it needs around it. */
struct probe_kind {
	/* Begins. 0 with *ret; a negative errno is the result, as if it came from probe_done(). */
	int (*start)(struct target *target, struct probe **ret);
	void (*cancel)(struct probe *probe); /* no result any more; freed by the kind */
};

struct probe {
	struct target *target; /* NULL: cancelled, or done */
	const struct probe_kind *kind;
	uint64_t start_us;
};

extern const struct probe_kind tcp_kind, curl_kind, icmp_kind, dns_kind, command_kind;

/* The kind's last word on a probe, which then is its to free. connect_us 0: not measured. */
void probe_done(struct probe *probe, bool good, uint32_t connect_us, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* The same for an error that may be this machine's own: those are no result. */
void probe_error(struct probe *probe, int err);

/* The same where there is nothing to judge the target by: no result. */
void probe_none(struct probe *probe, const char *why);

static inline uint64_t probe_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Since the probe began, at least 1. */
uint32_t probe_age_us(const struct probe *probe);

/* Address and port to connect to. */
struct endpoint target_endpoint(const struct target *target);

struct curl_part; /* curl.c: what all of its probes share */
struct curl_part *curl_part_new(struct health *health);
void curl_part_free(struct curl_part *part);

struct icmp_part; /* icmp.c: the same */
struct icmp_part *icmp_part_new(struct health *health);
void icmp_part_free(struct icmp_part *part);

/* ---- targets ---- */

struct health_watch {
	LIST_ENTRY(health_watch) others;
	struct target *target; /* NULL: given up while it was being told */
	health_told told;
	void *arg;
};

struct check_box {
	char *name;
	const struct config_check *config; /* NULL: no such check in the configuration */
	enum health_force forced;          /* all of its addresses */
	unsigned int targets;
	UT_hash_handle hh;
};

struct target_key {
	struct check_box *box;
	uint8_t address[16];
	uint64_t family; /* as wide as the padding would be */
};

/* The last changes, in a ring. */
struct history {
	struct health_change changes[HEALTH_HISTORY];
	uint64_t count; /* ever; the newest is at (count - 1) % HEALTH_HISTORY */
};

enum target_place { PLACE_IDLE, PLACE_WAITING, PLACE_RUNNING };

struct target {
	struct target_key key;
	struct health *health;
	UT_hash_handle hh;
	LIST_HEAD(target_watches, health_watch) watches;
	unsigned int watchers;
	bool telling;
	TAILQ_ENTRY(target) dormant; /* while nobody watches, the longest first */

	struct machine machine;
	enum health_force forced; /* this one */
	bool up;                  /* as last told */
	bool near;
	uint32_t connect_us;
	int64_t since_unix_ms;

	uv_timer_t timer; /* of the next start, or of the end of the time for this one */
	bool timer_open;
	enum target_place place;
	TAILQ_ENTRY(target) waiting;
	struct probe *probe;
	uint64_t due_ms;   /* of the next, or running, probe */
	uint64_t start_ms; /* of the running one */
	bool given;        /* it has had more time than `timeout` */
	uint64_t used_ms;

	int64_t last_unix_ms;
	uint32_t last_us;
	uint64_t good, bad, changes, late;
	char reason[HEALTH_REASON];
	struct history *history; /* NULL: never changed */
};

TAILQ_HEAD(target_queue, target);

/* So many at once. Commands have a lane of their own. */
struct lane {
	unsigned int running, most;
	unsigned int waiting_count;
	bool draining;
	struct target_queue waiting;
};

struct health {
	uv_loop_t *loop;
	const struct config *config;
	struct check_box *boxes;
	struct target *targets;
	struct target_queue dormant;
	unsigned int dormant_count, watched;
	struct lane net, commands;
	uint64_t first_us; /* when the next first check can be */
	struct curl_part *curl;
	struct icmp_part *icmp;
	struct health_stats stats; /* what is counted since the start */
	struct keepsake *keepsake;
};

/* ---- schedule.c ---- */

/* Begins to check a target that somebody watches now, and ends it. Between the two its check may
 * have got other settings. */
void schedule_begin(struct target *target);
void schedule_end(struct target *target);
/* Asked for: if it goes at its idle pace, it is checked soon. */
void schedule_use(struct target *target);
/* When the next result can come. */
uint64_t schedule_next(const struct target *target);

/* ---- health.c ---- */

void target_state(const struct target *target, struct health_state *ret);
struct machine_rules target_rules(const struct target *target);
enum health_force target_forced(const struct target *target);

/* Works out anew what counts, and tells. `reason` is of the change. */
void target_settle(struct target *target, const char *reason, unsigned int events);

struct check_box *box_get(struct health *health, const char *name);
struct target *target_get(struct check_box *box, struct health *health, uint8_t family,
                          const uint8_t address[16]);

/* ---- keepsake.c: states that outlive the daemon, in STATE-DIR/health ---- */

struct keepsake;
/* Reads the file into targets that nobody watches. NULL: keeps nothing. */
struct keepsake *keepsake_open(struct health *health, const char *folder);
void keepsake_changed(struct keepsake *keepsake); /* written within a second; NULL is fine */
void keepsake_close(struct keepsake *keepsake);   /* writes what is not written; NULL is fine */

#endif
