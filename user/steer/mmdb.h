/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb - MaxMind databases: their tree, and what stands in a record.
 *
 * The only file with libmaxminddb. A database is copied when it is opened, so
 * that nothing done to the file afterwards can hurt. Nothing in it is trusted:
 * a tree or a record that is broken is -EBADMSG. A record is known by its
 * offset, which many networks share.
 */
#ifndef ANAMED_STEER_MMDB_H
#define ANAMED_STEER_MMDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mmdb;

/* 0, or a negative errno and the words of *error (no place): missing, cut short, no database. */
int mmdb_open(const char *path, struct mmdb **ret, struct error *error);
void mmdb_close(struct mmdb *mmdb);
const char *mmdb_type(const struct mmdb *mmdb); /* "GeoLite2-City" */

enum mmdb_kind {
	MMDB_NOTHING, /* no record for these addresses */
	MMDB_NODE,    /* the tree goes on */
	MMDB_RECORD,
};

/* A place in the tree. */
struct mmdb_place {
	enum mmdb_kind kind;
	uint32_t value; /* of a node its number, of a record its offset */
};

/*
 * Where the addresses of a family (AN_FAMILY_*) begin. Further ways to the
 * IPv4 addresses from within IPv6 (::ffff:0:0/96, 2001::/32) count as nothing.
 */
struct mmdb_place mmdb_root(const struct mmdb *mmdb, uint8_t family);
/* Both ways on from an IPv4 or IPv6 node. 0 or -EBADMSG. */
int mmdb_children(const struct mmdb *mmdb, uint8_t family, uint32_t node, struct mmdb_place ret[2]);

#define MMDB_STEPS_MAX 12

/* A path into a record: keys and, for lists, numbers or `*` for every entry. */
struct mmdb_path {
	char text[256];
	const char *steps[MMDB_STEPS_MAX + 1]; /* into text; ends with NULL */
	size_t steps_count;
};

/* "location/latitude". 0 or -EINVAL: empty steps, too many, too long. */
int mmdb_path_parse(const char *text, struct mmdb_path *ret);

#define MMDB_TEXT_MAX 256

/*
 * Every string, number or flag at the path, as text (terminated, cut at
 * MMDB_TEXT_MAX - 1 octets, decimal). None is no error. 0 or -EBADMSG.
 */
int mmdb_texts(const struct mmdb *mmdb, uint32_t record, const struct mmdb_path *path,
               void (*visit)(void *arg, const char *text), void *arg);

/* The number at the path. 0, -ENOENT if there is none, or -EBADMSG. */
int mmdb_number(const struct mmdb *mmdb, uint32_t record, const struct mmdb_path *path,
                double *ret);

#endif
