/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_room - what the files of transfers in share; inside the transfer room only.
 *
 * in.c has the set of zones, in_zone.c one zone's course (timers, primaries
 * in turn), in_job.c the work done in a thread, in_catalog.c members,
 * in_notify.c NOTIFY, in_status.c what is told. All belongs to the loop's
 * thread but what in_notify.c says.
 */
#ifndef ANAMED_TRANSFER_IN_ROOM_H
#define ANAMED_TRANSFER_IN_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "transfer/catalog.h"
#include "transfer/in.h"
#include "transfer/in_ask.h"

#define IN_ACTIVE_MAX  32   /* zones that are checked or transferred at once */
#define IN_NOTICES_MAX 4096 /* NOTIFYs that wait for the loop */

/* A copy of what a zone's configuration says, counted: transfers under way outlive a reload. */
struct in_settings {
	unsigned int count;
	struct transfer_in *in;  /* as long as an ask counts the settings */
	struct config_zone zone; /* name, and what shapes the data */
	struct in_primary *primaries;
	size_t primaries_count;
	bool catalog, member;
};

enum in_phase {
	IN_IDLE,
	IN_WAITING, /* for others to finish */
	IN_ASKING,
	IN_BUILDING,
};

struct in_zone {
	struct in_zone *next; /* of the same bucket */
	struct transfer_in *in;
	struct in_settings *settings;
	const struct config_zone *config; /* of the world that is served now */
	struct zone *zone;                /* a count of the data that is served; NULL: none yet */
	uv_timer_t timer;
	bool gone; /* no longer configured; the timer is closing */
	bool seen; /* in the sweep of transfer_in_world() */

	enum in_phase phase;
	TAILQ_ENTRY(in_zone) waiting;
	struct in_ask *ask;
	struct in_job *job;
	enum in_kind kind;
	size_t notifier;     /* the primary that said there is something new; SIZE_MAX: none */
	size_t first, tried; /* primaries: the one to begin with, and how many had their turn */
	bool again;          /* once more when this is over */
	bool whole;          /* AXFR, whatever the serial */

	bool confirmed, expired;
	int64_t confirmed_ms; /* monotonic; negative: before this boot */
	uint64_t next_ms;
	uint64_t handed_ms; /* the host was given data that no world has shown since; 0: none */
	int64_t confirmed_unix_ms, checked_unix_ms, failed_unix_ms;
	unsigned int failures; /* in a row */
	const char *last_kind; /* "AXFR", "IXFR", "SOA" */
	char last_primary[NET_TEXT_MAX];
	char attempt[640]; /* what went wrong in this check so far */
	char error[640];   /* the same of the last check that failed; "" since the last success */

	struct catalog catalog; /* of a catalog zone: what it says */
	bool catalog_known;
	uint64_t told, retold; /* hashes of members, see in_catalog.c */
};

struct in_job {
	uv_work_t work;
	struct transfer_in *in;
	struct in_zone *zone; /* NULL: gone meanwhile */
	struct in_settings *settings;
	struct in_stream *stream;
	char path[1024]; /* "": kept nowhere */
	struct zone *made;
	struct error error, save_error;
	int fault, save_fault;
};

struct transfer_in {
	uv_loop_t *loop;
	struct transfer_in_host host;
	char *state_dir;
	struct in_limits limits;
	struct in_types types;
	bool closing;
	unsigned int open; /* handles, asks and jobs that point here */

	/* The table is changed by the loop under the lock; others read it under the lock. */
	pthread_mutex_t lock;
	struct in_zone **buckets;
	size_t count, size; /* size: a power of two */

	const struct config *config;       /* of the world that is served now */
	const struct config_name **others; /* zones without primaries, ordered */
	size_t others_count;

	TAILQ_HEAD(in_waiting, in_zone) waiting;
	unsigned int active;

	uv_async_t notified;
	struct in_notice *notices; /* under the lock */
	size_t notices_count;
	uv_timer_t members_timer; /* catalogs are looked at from the loop */
};

/* A NOTIFY that is to be acted on. */
struct in_notice {
	struct in_notice *next;
	struct config_name name;
	struct endpoint source;
};

extern struct in_counters {
	atomic_uint_fast64_t checks, axfr, ixfr, up_to_date, failures, notifies, notifies_refused,
	        expired;
} in_counters;

static inline void in_count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- in.c ---- */

struct in_zone *in_find(struct transfer_in *in, const uint8_t *apex, size_t apex_len);
void in_release(struct transfer_in *in); /* one of `open` is gone */

/* ---- in_settings.c ---- */

struct in_settings *in_settings_new(const struct config_zone *config); /* NULL: out of memory */
void in_settings_free(struct in_settings *settings);                   /* one count */
/* What the data looks like depends on these; and who is asked. */
bool in_settings_same_shape(const struct in_settings *a, const struct in_settings *b);
bool in_settings_same_primaries(const struct in_settings *a, const struct in_settings *b);

/* ---- in_zone.c ---- */

void in_zone_start(struct in_zone *zone); /* new: timers begin */
void in_zone_stop(struct in_zone *zone);  /* ends what is under way */
void in_zone_check(struct in_zone *zone); /* now, or when what is under way is over */
void in_zone_arm(struct in_zone *zone);   /* the timer, for what comes next */
uint64_t in_zone_expires_ms(const struct in_zone *zone);
void in_zone_built(struct in_zone *zone, struct in_job *job); /* the job is freed by its owner */
void in_zone_next_waiting(struct transfer_in *in);
/* Seconds of the SOA: field 0 SERIAL, 1 REFRESH, 2 RETRY, 3 EXPIRE. */
uint32_t in_zone_soa(const struct zone *zone, unsigned int field);

/* ---- in_job.c ---- */

/* Takes the stream. -ENOMEM: nothing was started. */
int in_job_start(struct in_zone *zone, struct in_stream *stream);
/* Notes on disk that the data kept there is confirmed as of now. */
void in_job_confirm(const struct in_zone *zone);
/* When the data kept on disk was last confirmed, ms since 1970; -1: there is none. */
int64_t in_job_confirmed(const struct in_zone *zone);
void in_job_forget(const struct in_zone *zone); /* removes what is kept on disk */

/* ---- in_catalog.c ---- */

void in_catalog_soon(struct transfer_in *in); /* members are told to the host, from the loop */
void in_catalog_on_timer(uv_timer_t *timer);
int in_catalog_index(struct transfer_in *in); /* after in->config is set; -1: out of memory */
/* New data of a catalog is looked at: 0, or -EINVAL with *error: it is broken. */
int in_catalog_take(struct in_zone *zone, const struct zone *data, struct error *error);

/* ---- in_notify.c ---- */

void in_notify_open(struct transfer_in *in);
void in_notify_close(struct transfer_in *in);
void in_notify_on_async(uv_async_t *async);

#endif
