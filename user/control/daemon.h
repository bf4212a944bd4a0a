/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon - a running anamed: what it is made of, and in which order it comes
 * up and goes down.
 *
 * Owns every part; the files of this room that carry commands out (reload,
 * commands, explain, stats) share the struct. All of it belongs to the loop's
 * thread.
 */
#ifndef ANAMED_CONTROL_DAEMON_H
#define ANAMED_CONTROL_DAEMON_H

#include "control/control.h"
#include "control/world.h"
#include "health/health.h"
#include "serve/serve.h"
#include "upstream/keep.h"
#include "upstream/upstream.h"

struct watch;
struct geography;
struct transfers;
struct status;

struct daemon {
	uv_loop_t loop;
	const char *path;       /* of the configuration */
	struct config *base;    /* as it is in the file */
	struct config *config;  /* with the members of catalogs: see catalogs.h; may be `base` */
	struct config *started; /* that the parts which reloads cannot change came up with */
	struct zones *zones;
	struct world *world; /* made of the two above */
	uint64_t seed;
	struct pools *pools;
	struct geo *geo;                  /* what the world's is, too */
	struct geography *geography;      /* NULL: not started */
	bool regions_anew;                /* their numbers are not those of records on disk */
	uint64_t geo_loads, geo_failures; /* of databases, replaced or read by a reload */
	char *geo_fault; /* why the newest could not be read; NULL: they are in use */

	struct store *store;
	struct keep *keep;         /* NULL: keeps nothing */
	struct kernel_maps *maps;  /* NULL: no kernel half */
	int lock;                  /* see bring_up_lock(); negative: none */
	struct publish *publish;   /* the same */
	struct upstream *upstream; /* NULL: none configured */
	struct flatten *flatten;
	struct health *health;
	struct serve *serve;
	struct control *control; /* NULL: could not be opened */

	struct kernel_attachment *attachments; /* one for each interface of the configuration */
	size_t attachments_count;
	struct kernel_swap *swaps; /* as many: of those that wait for full maps */

	struct transfers *transfers; /* NULL: not started */
	struct status *status;       /* the same */

	uv_signal_t signals[4];
	uv_timer_t second;
	bool handles; /* the above are open */
	struct watch *watch;
	bool watchdog; /* systemd waits for signs of life */
	uint64_t status_ms;
	uint64_t started_ms;
	bool as_root; /* started so: it becomes config->user */
	bool up;      /* has served */
	bool stopping;

	struct reload *reload; /* under way */
	bool reload_again;     /* a signal came meanwhile */
	uint64_t reloads, reloads_failed;
	int64_t loaded_unix_ms;
	struct world_fault *faults; /* of the zones that are configured now */
	size_t faults_count;
	uint64_t loops_due_ms, loops_next_ms; /* see loops.c; 0: nothing is due */
	int64_t epochs_due_s, epochs_seen_s;  /* see epochs.c; by the clock on the wall */
	size_t signed_zones;                  /* the same: as of the last look at all of them */
	int64_t signed_until_s;               /* when the first of their signatures expire */
};

/* Starts, serves until told to stop, ends. Exit status: 0 or 1. */
int daemon_run(const char *path);

/* Ends the loop; daemon_run() then takes everything down. */
void daemon_stop(struct daemon *daemon);

/* A zone that has new data: what was wrong with the old is over. */
void daemon_forget_faults(struct daemon *daemon, const struct zone *zone);

/* ---- loops.c: loops across zones that came by transfer ---- */

/* Other zones are served than before. */
void loops_expect(struct daemon *daemon);

/* Once a second. */
void loops_second(struct daemon *daemon);

/* ---- epochs.c: signatures that are made anew in time ---- */

/* Other zones are served than before. */
void epochs_expect(struct daemon *daemon);

/* Once a second. */
void epochs_second(struct daemon *daemon);

/* Counts of everything in one line of the log. */
void daemon_log_stats(struct daemon *daemon);

/* ---- watch.c: the addresses that are served, as they come and go ---- */

void watch_start(struct daemon *daemon);
void watch_stop(struct daemon *daemon);

/* ---- reload.c ---- */

/*
 * Loads configuration and zones in another thread, then swaps them. Answers
 * `request` (NULL: nobody asked) when that is done. One at a time: another
 * one meanwhile is refused.
 */
void reload_start(struct daemon *daemon, struct control_request *request);

/* The same for nobody; while one is under way, once more when that is done. */
void reload_on_signal(struct daemon *daemon);

/* Faults of zones, for replies. */
json_t *reload_faults_json(const struct world_fault *faults, size_t count);

/* ---- transfers.c: zones from primaries and to secondaries, while the daemon runs ---- */

/* Once there is a world. 0 or -ENOMEM. */
int transfers_start(struct daemon *daemon);
void transfers_stop(struct daemon *daemon); /* before the loop runs for the last time */
void transfers_free(struct daemon *daemon); /* after that */

/* After a reload: there is another world. */
void transfers_world(struct daemon *daemon);

/* Tells the kernel until when zones with primaries hold: it may be alone by then. Every now and
 * then, since checks move it. */
void transfers_hold(struct daemon *daemon);

/* The reload is over: what arrived meanwhile goes in. */
void transfers_resume(struct daemon *daemon);

/* Another zone for one that is served, on the same data; taken over. Not while transfers_are_due(),
 * since it would come after newer data. */
void transfers_install(struct daemon *daemon, struct zone *zone);

/* Is there something that has arrived, and is not served yet? */
bool transfers_are_due(const struct daemon *daemon);

/* For verbs. -ENOENT: no such zone has primaries, or secondaries. */
int transfers_refresh(struct daemon *daemon, const struct config_name *zone, bool whole);
int transfers_notify(struct daemon *daemon, const struct config_name *zone); /* how many */

/* Of a zone with primaries; NULL: it has none. */
json_t *transfers_status(struct daemon *daemon, const struct config_name *zone);

/* ---- status.c: status page and metrics ---- */

/* Once the parts are there that it tells of. That it cannot listen is only said. 0 or -ENOMEM. */
int status_start(struct daemon *daemon);
void status_stop(struct daemon *daemon);   /* before the loop runs for the last time */
void status_free(struct daemon *daemon);   /* after that */
void status_world(struct daemon *daemon);  /* after a reload: it may listen elsewhere */
void status_second(struct daemon *daemon); /* every second: samples for the plots */

/* ---- commands.c ---- */

/* The handler of the control socket; arg is the daemon. */
void commands_handle(struct control_request *request, const char *verb, json_t *arguments,
                     void *arg);

#endif
