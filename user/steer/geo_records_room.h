/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_records_room - what the files of geo_records share. A record of a
 * database is matched against all rules that ask for something in it (match.c),
 * measured (coordinates, milliseconds: measure.c), and put into a class with
 * those of which the same came out (records.c).
 */
#ifndef ANAMED_STEER_GEO_RECORDS_ROOM_H
#define ANAMED_STEER_GEO_RECORDS_ROOM_H

#include <errno.h>

#include "steer/geo_room.h"

enum subject {
	SUBJECT_CONTINENT,
	SUBJECT_COUNTRY,
	SUBJECT_SUBDIVISION,
	SUBJECT_CITY,
	SUBJECT_ASN,
	SUBJECT_PATH,
};

#define PATHS_MAX 4

struct want {
	char *text;
	uint32_t bit;
};

/* One thing that rules ask of a record: those whose values have it keep their bit. */
struct matcher {
	enum subject subject;
	const char *own_path; /* SUBJECT_PATH */
	struct mmdb_path paths[PATHS_MAX];
	size_t paths_count;
	struct want *wants; /* in the order of the texts */
	size_t wants_count, wants_room;
	uint32_t *need; /* rules that ask for it */
	unsigned int line;
	bool seen; /* some record has any value there */
};

/* A point of the unit sphere, with what its distance is multiplied by. */
struct point {
	double x, y, z, factor;
	uint32_t region;
};

/* Regions by name, for table-path. */
struct quick {
	struct mmdb_path path;
	uint32_t region;
};

struct file {
	struct mmdb *mmdb;
	struct intern *known; /* offsets of records */
	uint32_t *class;      /* of each */
	uint32_t room;
};

/* Orders of regions that were met, and the regions that stand for them. */
struct geo_orders {
	struct intern *known;
	uint32_t *region;
	uint32_t count;
};

struct records {
	const struct geo_plan *plan;
	const struct config_database *config;
	uint32_t bits;
	size_t words; /* of bits */
	struct file file, file_ipv6;
	struct matcher *matchers;
	size_t matchers_count, matchers_room;
	struct mmdb_path latitude[2], longitude[2];
	struct point *points[AN_POLICIES_MAX]; /* NULL: no nearest, or of another database */
	struct quick *quicks[AN_POLICIES_MAX];
	size_t quicks_count[AN_POLICIES_MAX];
	struct geo_orders orders[AN_POLICIES_MAX];
	struct intern *classes; /* bits, then quickest and nearest of each policy */
	uint32_t *scratch, *hits;
	bool coordinates;
};

/* ---- geo_match.c ---- */

/* What all rules of the plan ask of the database at `index`. */
int matchers_make(struct records *records, uint32_t index, struct error *error);
void matchers_done(struct records *records);
/* Takes the bits of the rules away that a record does not fit. 0 or -EBADMSG. */
int matchers_fit(struct records *records, const struct mmdb *mmdb, uint32_t record, uint32_t *bits);
/* The word for a subject: that of the setting. */
const char *matcher_key(enum subject subject);
/* Where databases keep a subject, the other ways after the first; NULL: no more. */
const char *matcher_path(enum subject subject, size_t way);

/* ---- geo_measure.c ---- */

void measure_paths(struct records *records);
int measure_points(struct records *records, unsigned int policy, struct error *error);
int measure_quicks(struct records *records, unsigned int policy, struct error *error);
/* Regions of each policy that has any of the kind; others are left alone. 0, -EBADMSG, -ENOMEM, or
 * -ENOSPC: too many orders of regions. */
int measure_nearest(struct records *records, const struct mmdb *mmdb, uint32_t record,
                    uint32_t *nearest);
int measure_quickest(const struct records *records, const struct mmdb *mmdb, uint32_t record,
                     uint32_t *quickest);

static inline int records_no_memory(struct error *error)
{
	return error_set(error, ENOMEM, NULL, 0, "no memory");
}

#endif
