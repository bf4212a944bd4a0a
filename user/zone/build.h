/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build - a zone in the making; inside the zone room only.
 *
 * zone.c fills it record by record, finish.c makes the RRsets, check.c looks
 * at what only the whole can show.
 */
#ifndef ANAMED_ZONE_BUILD_H
#define ANAMED_ZONE_BUILD_H

#include "zone/table.h"

struct record {
	struct record *next;
	const uint8_t *data;
	uint32_t ttl;
	uint32_t line;
	uint16_t type;
	uint16_t len;
	uint16_t file; /* index in builder->files */
};

/* A record that points somewhere, to be checked when all is there. */
struct pending {
	struct pending *next;
	struct node *node;
	const struct record *record;
};

struct zone_builder {
	struct zone *zone;
	const struct config_zone *settings;
	struct arena scratch; /* records, pending, file names */
	struct pending *pending;
	char **files;
	size_t file_count, file_room;
	const struct node *apex;
	bool comes_signed;      /* keys and signatures at the apex */
	struct record **sorted; /* of one node */
	size_t sorted_room;
};

/* Turns every node's records into RRsets, sums up the content. 0 or a negative errno + error. */
int build_finish(struct zone_builder *builder, struct error *error);

/* What RFC 1034, 2181, 6672 and SEMANTICS ask of the whole zone. 0 or a negative errno + error. */
int build_check(struct zone_builder *builder, struct error *error);

/* Whether the data came signed, and the chain of NSEC or NSEC3 records (chain.c). 0 or -ENOMEM +
 * error.
 */
int build_chain(struct zone_builder *builder, struct error *error);

/* Fills *error about a record; text "NAME: ...". Returns -EINVAL. */
int __attribute__((format(printf, 5, 6)))
build_fault(const struct zone_builder *builder, struct error *error, const struct node *node,
            const struct record *record, const char *format, ...);

/* Puts a warning among the zone's, by line; over ZONE_WARNINGS_MAX only counted. 0 or -ENOMEM. */
int build_warn(struct zone_builder *builder, const struct error *error, bool mild);
/* The same of a record (NULL: not known) at a node, as build_fault() tells of it. */
int __attribute__((format(printf, 5, 6)))
build_warn_of(struct zone_builder *builder, const struct node *node, const struct record *record,
              bool mild, const char *format, ...);

/* ---- warn.c: what is looked for only on request, see zone_check_closely() ---- */

bool warn_closely(void);
bool warn_wants(uint16_t type); /* records of this type are to be among the pending ones */

/* One name whose RRsets are made; `records` are all that were given. 0 or -ENOMEM. */
int warn_node(struct zone_builder *builder, const struct node *node, const struct record *records,
              bool apex);
/* Of two records that are the same the second goes, and the lesser TTL counts. 0 or -ENOMEM. */
int warn_twice(struct zone_builder *builder, const struct node *node, const struct record *first,
               const struct record *second);
int warn_targets(struct zone_builder *builder); /* when all is there: pending records */

/* The name of a node as its records use it, and that of whom a record names (warn_names.c). */
int warn_owner(struct zone_builder *builder, const struct node *node, const struct record *records);
int warn_host_target(struct zone_builder *builder, const struct node *node,
                     const struct record *record);

/* Why rdata of the right form makes no sense; NULL: it does (warn_rdata.c). */
const char *warn_rdata(uint16_t type, const uint8_t *rdata, size_t len);

/* The same of zones that come signed (warn_signed.c). */
int warn_signed_node(struct zone_builder *builder, const struct node *node,
                     const struct record *records);
int warn_signed_chain(struct zone_builder *builder);

/* True if the settings flatten a CNAME at this name. */
bool build_flattens_cname(const struct zone_builder *builder, const uint8_t *name, size_t len);

#endif
