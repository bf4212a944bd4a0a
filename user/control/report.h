/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report - what is going on, as JSON (jansson).
 *
 * Every function gives a new object (list), complete enough to be printed as
 * it is; names of members are stable: tests, scripts and dashboards read them.
 * All but those about the kernel's maps run on the loop's thread.
 */
#ifndef ANAMED_CONTROL_REPORT_H
#define ANAMED_CONTROL_REPORT_H

#include <jansson.h>

#include "base/config.h"
#include "base/net.h"
#include "kernel/kernel.h"

struct daemon;

/* ---- report.c ---- */

json_t *report_status(struct daemon *daemon);
/* `only` NULL: all; at most `limit`. */
json_t *report_zones(struct daemon *daemon, const struct config_name *only, size_t limit);

/* `owner` NULL: of every owner; at most `limit`. */
json_t *report_answers(struct daemon *daemon, const struct config_name *owner, size_t limit);

json_t *report_attachment(const struct kernel_attachment *attachment);
json_t *report_addresses(uint16_t type, const uint8_t *octets, uint16_t count);

/* ---- stats.c ---- */

json_t *report_stats(struct daemon *daemon);
json_t *report_queries(struct daemon *daemon); /* of these: who has answered */

/* The same from the pinned maps alone: a daemon that is gone counts nothing. */
json_t *report_stats_kernel(const struct kernel_maps *maps);

/* ---- records.c ---- */

struct zone;

/* Records of a zone in presentation form, one string each; of one name or (NULL) of all, at most
 * `limit`. */
json_t *report_records(const struct zone *zone, const struct config_name *only, size_t limit);

/* ---- steering.c ---- */

json_t *report_pools(struct daemon *daemon);   /* a list: pools in use, with all their members */
json_t *report_regions(struct daemon *daemon); /* a list: regions of all policies */
/* A list: what the pool of this name, or the one that this owner leads to, chose last. */
json_t *report_choices(struct daemon *daemon, const struct config_name *name);
json_t *report_region_replies(struct daemon *daemon);
/* The leaves of the above, one entry each. */
json_t *report_pool_members(const json_t *pools);

/* ---- status.c ---- */

json_t *report_zone_counts(struct daemon *daemon);       /* by how they are */
json_t *report_status_page(const struct daemon *daemon); /* where it is; null: nowhere */

/* All that status page and metrics are made of. */
json_t *report_document(struct daemon *daemon);

/* ---- states.c ---- */

/* Every address that is checked, those that are down first; `only` (NULL: all) is a check or an
 * address. At most `limit`; *ret_left are left out. */
json_t *report_health(struct daemon *daemon, const char *only, size_t limit, size_t *ret_left);
json_t *report_health_stats(struct daemon *daemon);

/* ---- explain.c ---- */

/* How a query would be answered, and why. `client` is an address or a network (as ECS would give
 * it). */
json_t *report_explain(struct daemon *daemon, const struct config_name *name, uint16_t type,
                       const struct network *client, bool as_subnet);

#endif
