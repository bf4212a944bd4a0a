/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world - a configuration and its zones, loaded as one.
 *
 * Loading touches nothing that is served, so that it may run in another
 * thread. A zone that fails keeps its old snapshot where there is one. What
 * was loaded becomes part of what is served by world_settle(), on the loop's
 * thread.
 */
#ifndef ANAMED_CONTROL_WORLD_H
#define ANAMED_CONTROL_WORLD_H

#include "base/config.h"
#include "base/error.h"
#include "kernel/publish.h"
#include "steer/geo.h"
#include "steer/pool.h"
#include "zone/zones.h"

/* What is wrong with one zone; the rest is served. */
struct world_fault {
	struct config_name zone;
	struct error error;
	bool kept;   /* its old data is served on */
	bool loop;   /* an owner that leads back to itself: answered SERVFAIL */
	bool served; /* as it is, all the same: loops, and what zone.h calls warnings */
};

#define WORLD_REGIONS_FILE "regions" /* in the state's folder; see geo_remember() */

struct world_load {
	struct config *base;   /* as it is in the file */
	struct config *config; /* with the members of catalogs: see catalogs.h; may be `base` */
	struct zones *zones;
	struct geo *geo;
	int recall_err; /* why `geo`, the first, does not have the numbers that regions had before;
	                   0: it has, -ENOENT: none were kept */
	struct pools *pools;    /* NULL: none are configured */
	struct error geo_error; /* with text: databases could not be read; `geo` is the old one, or
	                           does without */
	struct world_fault *faults;
	size_t faults_count, faults_room;
};

/*
 * Loads the configuration at `path`, its databases and its zones. `old` and
 * `old_geo` (may be NULL) are those served now; nobody else may count its zones
 * meanwhile. Where policies and files are the same, `geo` is the old one. Bad zones are faults, not
 * failures; so is a bad database, where there is no old one. 0 or a negative errno with *error.
 */
int world_load(const char *path, const struct zones *old, struct geo *old_geo,
               struct world_load **ret, struct error *error);

/* Loops among the owners of zones that are served, a fault each. *ret is the caller's to free. */
void world_find_loops(struct zones *zones, const struct config *config, struct world_fault **ret,
                      size_t *ret_count);

/* Says in the log why regions have other numbers than before the start, if they had any. */
void world_log_recall(const struct world_load *load);

/* Says in the log what is odd in a configuration, at its lines. */
void world_log_warnings(const struct config *config);

/* Says in the log what is odd in policies, or wrong with the databases at the start. */
void world_log_geo(const struct geo *geo, const struct error *error, const char *path);
void world_load_free(struct world_load *load); /* with what has not been taken out of it */

/*
 * Before a loaded set is served: gives every zone its place and generation
 * (the kernel's where publish is not NULL), points kept zones to the settings
 * of the new configuration, takes over what expired meanwhile, and takes zones
 * that are gone out of the kernel.
 */
void world_settle(const struct config *config, struct zones *zones, const struct zones *old,
                  struct publish *publish);

/* The same for one zone that is new in the set. */
void world_settle_zone(const struct config *config, struct zone *zone, const struct zones *old,
                       struct publish *publish);

/* Points every zone of the set to its settings in this configuration. */
void world_renew_settings(const struct config *config, struct zones *zones);

/* Takes zones that are not in the set out of the kernel. `old`: the set before, or NULL. */
void world_remove_gone(const struct zones *zones, const struct zones *old, struct publish *publish);

/*
 * The set of zones has changed: what the kernel has of zones that are
 * around a zone that came or went, or have a CNAME that leads there, goes.
 * Both sets are settled.
 */
void world_disturb(const struct zones *zones, const struct zones *old, struct publish *publish);

/* Has the kernel, as it was found, these zones and no others, or none at all? */
bool world_is_as_adopted(const struct zones *zones, const struct publish *publish);

/* Tells the kernel how long the zone's data holds, by clock_ms(); one that has expired holds no
 * longer. */
void world_settle_until(const struct config *config, const struct zone *zone, uint64_t until_ms,
                        struct publish *publish);

/* Says in the log what the faults are. */
void world_log_faults(const struct world_load *load);

/* The settings that a running daemon cannot change, as names, where a and b differ; "" if nowhere.
 */
char *world_restart_needed(const struct config *a, const struct config *b, char *ret, size_t size);

bool world_same_upstreams(const struct config *a, const struct config *b);

#endif
