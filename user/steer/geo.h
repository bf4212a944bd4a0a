/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo - from a client's network to its region, for every policy.
 *
 * geo_new() reads all databases and tables of a configuration and compiles all
 * policies into one table of disjoint networks (anamed/geo.h): clients in one
 * network get the same region in every policy, so a network's length is an
 * exact scope (RFC 7871 7.2.1), and no two overlap. Networks are the widest
 * that are true, and end at /24 and /56, where the block's first address
 * speaks for it. Special-use networks lie in networks of their own. A struct
 * geo never changes once made; any thread may read it. Pure but for the files.
 *
 * Policies have numbers from 0, regions of a policy numbers from 1, both in
 * the order of first mention. With `old` given, what it names keeps its
 * number, and no number comes back under another name.
 */
#ifndef ANAMED_STEER_GEO_H
#define ANAMED_STEER_GEO_H

#include "anamed/geo.h"
#include "base/config.h"
#include "base/error.h"

struct geo;

/* What a network was found to be for one policy. */
struct geo_found {
	uint32_t region;   /* 0: there is no such policy */
	uint32_t location; /* the same for all policies */
	uint8_t len;       /* prefix length of the network that this holds for */
};

/*
 * Reads files, takes seconds, touches nothing that is served: may run in
 * another thread while `old` (NULL: none) is in use. 0, or a negative errno
 * with *error: a file is missing, cut short, of another kind; a table's line
 * is bad. config->policies_count 0 gives an empty one.
 */
int geo_new(const struct config *config, const struct geo *old, struct geo **ret,
            struct error *error);
void geo_free(struct geo *geo); /* the last of those who hold it lets it go */

/* One more holder of the same, by the thread that holds it; it is free()d as often. */
struct geo *geo_hold(struct geo *geo);

/*
 * Would geo_new() make the same again? settings: policies, databases and
 * special-use networks are those that it was made of; files: so are the files,
 * by number, size and times. What could not be read at the start is never the same.
 */
bool geo_same_settings(const struct geo *geo, const struct config *config);
bool geo_same_files(const struct geo *geo, const struct config *config);

/* The same without opening a file: where databases cannot be had, lists of networks and defaults
 * decide. */
int geo_new_blind(const struct config *config, const struct geo *old, struct geo **ret,
                  struct error *error);

/* Numbers of policies and regions, kept in a file, so that answers that are kept stay true: what
 * geo_recall() gives serves as `old`, and for nothing else. 0 or a negative errno: with -ENOENT
 * there is no such file, with -EBADMSG it is not one of ours. */
int geo_remember(const struct geo *geo, const char *path);
int geo_recall(const char *path, struct geo **ret);
/* A hash of all names and their numbers. */
uint64_t geo_numbering(const struct geo *geo);

struct geo_size {
	uint32_t networks_ipv4, networks_ipv6; /* leaves */
	uint32_t locations;
	uint32_t lines; /* struct an_geo_line */
};
struct geo_size geo_size(const struct geo *geo);

/* The regions of a location below geo_size().locations. */
const struct an_geo_regions *geo_regions(const struct geo *geo, uint32_t location);

/*
 * Copies the table to memory for geo_size().lines that outlives the geo, and
 * looks up there from now on. Before other threads see it.
 */
void geo_move(struct geo *geo, struct an_geo_line *lines);

/* What is odd but no fault: a rule that no network is left for. */
const struct config_warning *geo_warnings(const struct geo *geo, size_t *ret_count);

/* A policy's number, or -ENOENT. */
int geo_policy(const struct geo *geo, const char *name);
/* A region's number in a policy, 0 if it has none of this name. */
uint32_t geo_region(const struct geo *geo, unsigned int policy, const char *name);
/* The other way; NULL for a number that names nothing. */
const char *geo_region_name(const struct geo *geo, unsigned int policy, uint32_t region);

/*
 * A region may stand for several in an order, each for where all before it are
 * down: "us > de > sg" by name. -> their numbers; 0: it stands for itself alone.
 */
size_t geo_region_order(const struct geo *geo, unsigned int policy, uint32_t region,
                        uint32_t ret[GEO_ORDER_MAX]);

/*
 * The region of a client's network in a policy: that of the network's first
 * address. Found in a bounded number of reads. family 0 (a client of whom
 * nothing is known) gives the default, len 0.
 */
struct geo_found geo_find(const struct geo *geo, unsigned int policy,
                          const struct network *network);

/* ---- for people ---- */

enum geo_how { GEO_BY_RULE, GEO_BY_TABLE, GEO_BY_DISTANCE, GEO_BY_DEFAULT };

/* Why a network has its region. Texts are the configuration's. */
struct geo_reason {
	enum geo_how how;
	const char *region; /* as the rule or the default has it; NULL: a table's, or the nearest */
	unsigned int line;  /* of the rule */
	const char *database; /* that told; NULL: none was asked */
	const char *file;     /* of the table */
};

/* What a database has of a network. */
struct geo_place {
	bool known;
	struct network network; /* around it, that has the record, or none */
	char text[512];         /* "continent EU, country DE, at 50.1, 8.7" */
	bool located;
	double latitude, longitude;
};

/* Along the globe. */
double geo_distance_km(double latitude, double longitude, double to_latitude, double to_longitude);
/* What `bias` multiplies a distance by. */
double geo_bias_factor(double bias);

/* Does the rule ask for anything but networks? */
bool geo_rule_needs_database(const struct config_rule *rule);

/* Opens and reads a file. 0, or a negative errno with the words of *error. */
int geo_place(const struct config_database *database, const struct network *network,
              struct geo_place *ret, struct error *error);

/*
 * What decides for this network, by the same files and functions that
 * geo_new() compiles. Opens and reads all files: may take seconds. 0, or a
 * negative errno with *error.
 */
int geo_explain(const struct config *config, const char *policy, const struct network *network,
                struct geo_reason *ret, struct error *error);

#endif
