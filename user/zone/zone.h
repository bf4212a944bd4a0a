/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone - one zone's data, immutable once made.
 *
 * A zone is a table of nodes by lower-cased name; a node holds RRsets as
 * uncompressed wire rdata. Empty non-terminals are nodes without RRsets. The
 * builder checks what a master file must not hold (CNAME beside others, ANAME
 * beside CNAME, NS target that is an ANAME owner, ...). Look-up follows RFC
 * 1034 4.3.2, RFC 4592 and RFC 6672 and says which case it is; it does not
 * follow CNAMEs: the answerer does.
 */
#ifndef ANAMED_ZONE_ZONE_H
#define ANAMED_ZONE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/name.h"

struct zone_rdata {
	uint16_t len;
	uint32_t target;     /* of NS at a cut: see zone_target() */
	const uint8_t *data; /* wire form, names in it uncompressed */
};

struct zone_rrset {
	uint16_t type; /* an ANAME is AN_TYPE_ANAME, whatever its number or mnemonic was */
	uint16_t count;
	uint32_t ttl; /* one for the set: the least that was given */
	struct zone_rdata *rdata;
};

#define ZONE_NODE_APEX           0x01u
#define ZONE_NODE_CUT            0x02u /* NS below the apex: a delegation */
#define ZONE_NODE_DNAME          0x04u
#define ZONE_NODE_CNAME          0x08u
#define ZONE_NODE_ANAME          0x10u
#define ZONE_NODE_OCCLUDED       0x20u /* below a cut or a DNAME: glue at most */
#define ZONE_NODE_WILDCARD_CHILD 0x40u /* "*" exists directly below */
#define ZONE_NODE_HASHED                                                                           \
	0x80u /* NSEC3 and its RRSIG alone: no name that exists (RFC 5155 7.2.8)                   \
	       */

struct zone_node {
	const uint8_t *name; /* as written, case kept */
	uint8_t name_len;
	uint8_t flags;             /* ZONE_NODE_* */
	uint16_t rrset_count;      /* 0: an empty non-terminal */
	uint32_t link;             /* of chain.c */
	struct zone_rrset *rrsets; /* ordered by type; RRSIGs by the type covered, a set for each */
};

/* What is wrong with a zone that is served all the same. */
struct zone_warning {
	struct zone_warning *next;
	struct error error; /* file, line and text */
	bool mild;          /* worth a word, no fault: see zone_check_closely() */
};

#define ZONE_WARNINGS_MAX       64   /* kept; the rest is only counted */
#define ZONE_WARNINGS_MAX_CLOSE 1000 /* the same, of who checks closely */

struct zone_alias; /* of warn.c */
struct signer;     /* of the sign room, which knows this one */
struct chain;

/* What the kernel knows of a zone's names: control/denial.h. */
enum zone_names {
	ZONE_NAMES_NONE,
	ZONE_NAMES_APEX, /* that it is there */
	ZONE_NAMES_ALL,
};

/* Whether answers of a zone can be checked, and what shows that a name or a type is not there. */
enum zone_security {
	ZONE_INSECURE,
	ZONE_PRESIGNED_NSEC,  /* signatures came with the data, and an NSEC chain (RFC 4034 4) */
	ZONE_PRESIGNED_NSEC3, /* the same with NSEC3 (RFC 5155) */
	ZONE_SIGNED,          /* by us */
};

struct zone {
	uint8_t apex[NAME_MAX_LEN]; /* lower case */
	uint8_t apex_len;
	uint32_t id; /* index in the kernel's zones map; kept over reloads; UINT32_MAX: none */
	uint32_t generation; /* raised whenever the content changes */
	uint32_t serial;
	uint64_t content; /* hash of all names, types, TTLs and rdata, order aside */
	const struct zone_node *apex_node;
	const struct zone_rrset *soa;
	uint32_t negative_ttl; /* min(SOA TTL, MINIMUM), RFC 2308 3 */
	size_t node_count;
	size_t record_count;
	size_t left_out;               /* records: see zone_leaves_out() */
	struct zone_warning *warnings; /* by line */
	size_t warning_count;
	const struct zone_alias *aliases; /* see zone_alias_place() */
	bool has_wildcards, has_dnames, has_cuts, has_anames;
	bool has_aliases;          /* ANAMEs or CNAMEs */
	uint8_t security;          /* enum zone_security */
	const struct chain *chain; /* of a zone that came signed, see chain.h; else NULL */
	uint8_t names;             /* atomic, enum zone_names */
	bool expired; /* atomic: a secondary's, past SOA EXPIRE (RFC 1035 3.3.13): SERVFAIL */
	void *table;  /* of zone.c; shared by zones of the same data: see zone_again() */
	unsigned int holders;  /* atomic; see zone_hold() */
	struct signer *signer; /* ZONE_SIGNED: who makes its signatures (sign/zone.h); else NULL */
	void (*signer_free)(struct signer *signer);
	/* Settings that answers need (copied from the configuration). */
	uint8_t siblings;       /* enum siblings_mode */
	uint8_t flatten_cnames; /* enum flatten_cnames */
	bool expose_aname;
	const struct config_zone *settings; /* lives as long as the config that the zone was loaded
	                                       under; NULL in tests */
};

enum zone_case {
	ZONE_ANSWER, /* node holds data at this name (exact or by wildcard); the RRset may still be
	                absent: NODATA */
	ZONE_NXDOMAIN,
	ZONE_DELEGATION, /* cut: the node with the NS set */
	ZONE_DNAME,      /* node: owner of the DNAME above the name */
};

struct zone_match {
	enum zone_case verdict;
	const struct zone_node *node;    /* exact, "*", cut, or DNAME owner; NULL for NXDOMAIN */
	const struct zone_node *closest; /* closest encloser that exists */
	bool wildcard;                   /* node is the source of synthesis */
};

/* Looks `name` (lower or any case, inside the zone) up. `type` matters at a cut only: DS is
 * answered by the parent. */
struct zone_match zone_find(const struct zone *zone, const uint8_t *name, size_t len,
                            uint16_t type);

/* The node of exactly this name, glue and occluded names included; NULL if absent. */
const struct zone_node *zone_node_exact(const struct zone *zone, const uint8_t *name, size_t len);

/* The same for the target of an NS record at a cut, without a look-up. */
const struct zone_node *zone_target(const struct zone *zone, const struct zone_rdata *ns);

/* Of RRSIGs the first set. NULL if absent. */
const struct zone_rrset *zone_rrset(const struct zone_node *node, uint16_t type);

/* The RRSIGs over the node's set of this type (RFC 4034 3); NULL if there are none. */
const struct zone_rrset *zone_signatures(const struct zone_node *node, uint16_t type);

/* Type Covered of the RRSIGs of a set. */
uint16_t zone_covered(const struct zone_rrset *signatures);

/* The node's set that this record would belong to. */
const struct zone_rrset *zone_rrset_for(const struct zone_node *node, uint16_t type,
                                        const uint8_t *rdata);

/* Calls visit for every node, order unspecified; stops when it returns non-zero and returns that.
 */
int zone_each(const struct zone *zone, int (*visit)(const struct zone_node *node, void *arg),
              void *arg);

/* True if A/AAAA at this node are flattened: ANAME there, or a CNAME under flatten-cnames. */
bool zone_flattens(const struct zone *zone, const struct zone_node *node);

/*
 * A zone that is ours but has no data yet (a secondary's before its first
 * transfer): the apex alone, no SOA (`soa` NULL), and expired. Stands in the
 * set so that queries are answered SERVFAIL instead of REFUSED. NULL if out of
 * memory.
 */
struct zone *zone_without_data(const uint8_t *apex, size_t apex_len,
                               const struct config_zone *settings);

/* Gives one count back (see zone_hold()); the last one frees. NULL is fine. */
void zone_free(struct zone *zone);

/* Another zone on the same data, with the same settings, and without a signer. NULL: out of memory.
 */
struct zone *zone_again(const struct zone *zone);

/* ---- building: begin, add, end (zone.c) ---- */

struct zone_builder;

struct config_zone;

/* settings may be NULL (defaults). NULL if out of memory. */
struct zone_builder *zone_begin(const uint8_t *apex, size_t apex_len,
                                const struct config_zone *settings);

/*
 * Adds one record; name in any case, rdata uncompressed wire. Duplicates are
 * dropped. 0, or a negative errno with *error filled (file and line are the
 * caller's to add: pass them in). Out-of-zone data, CNAME clashes and the like
 * are errors with file:line.
 */
int zone_add(struct zone_builder *builder, const uint8_t *name, size_t name_len, uint16_t type,
             uint32_t ttl, const uint8_t *rdata, uint16_t rdata_len, const char *file,
             unsigned int line, struct error *error);

/* True for records that zone_add() leaves out by these settings (may be NULL): of a zone that is
 * signed here, what another's signing made. */
bool zone_leaves_out(const struct config_zone *settings, uint16_t type, bool apex);

/* Checks the whole and makes the zone; the builder is gone either way. */
int zone_end(struct zone_builder *builder, struct zone **ret, struct error *error);
void zone_abandon(struct zone_builder *builder);

/* ---- checking (warn.c) ---- */

/*
 * For programs that check zones instead of serving them, once, at their start:
 * zones made from now on have warnings of everything that is worth a word.
 * `policy` (may be NULL) says which targets may be looked up; it must live on.
 */
struct config;
void zone_check_closely(const struct config *policy);

/* Where the ANAME or CNAME of a node stands: fills file and line. False: not known. */
bool zone_alias_place(const struct zone *zone, const struct zone_node *node, struct error *ret);

/* ---- master files (parse.c; rdtext.c is the only file with ldns' parser) ---- */

/*
 * Reads an RFC 1035 master file: all types of ldns, $ORIGIN, $TTL, $INCLUDE
 * (relative to the including file, depth 10, no loops), ANAME, ALIAS,
 * TYPE65401 (and TYPE<aname_type>). 0, or a negative errno and *error with
 * file and line.
 */
int zone_load_file(const uint8_t *apex, size_t apex_len, const char *path, uint16_t aname_type,
                   const struct config_zone *settings, struct zone **ret, struct error *error);

/* The same from an open stream, called `name` in messages; $INCLUDE is refused. */
int zone_load_stream(const uint8_t *apex, size_t apex_len, FILE *in, const char *name,
                     uint16_t aname_type, const struct config_zone *settings, struct zone **ret,
                     struct error *error);

#endif
