/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config - the settings of a running anamed, as plain data.
 *
 * control/config.c fills it from YAML; everybody else only reads. A config is
 * immutable once loaded and is swapped as a whole on reload. Strings and
 * arrays belong to the config. Durations are milliseconds, TTLs seconds.
 */
#ifndef ANAMED_BASE_CONFIG_H
#define ANAMED_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/net.h"

enum xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC, XDP_MODE_OFF };
enum upstream_kind { UPSTREAM_RESOLVER, UPSTREAM_AUTHORITATIVE };
enum siblings_mode { SIBLINGS_MERGE, SIBLINGS_FALLBACK, SIBLINGS_OVERRIDE, SIBLINGS_REJECT };
enum flatten_cnames { FLATTEN_CNAMES_OFF, FLATTEN_CNAMES_APEX, FLATTEN_CNAMES_ALL };

struct config_name {
	uint8_t name[255]; /* lower-case wire */
	uint8_t len;
};

struct config_interface {
	char *name;
	enum xdp_mode xdp;
};

/* RFC 8945 6; the names are those of the algorithm field. */
enum tsig_algorithm {
	TSIG_HMAC_SHA1,
	TSIG_HMAC_SHA224,
	TSIG_HMAC_SHA256,
	TSIG_HMAC_SHA384,
	TSIG_HMAC_SHA512,
	TSIG_HMAC_MD5,
};

struct config_key {
	struct config_name name;
	enum tsig_algorithm algorithm;
	uint8_t secret[128];
	uint8_t secret_len;
};

enum transfer_mode { TRANSFER_NATIVE, TRANSFER_EXPAND, TRANSFER_BOTH };

/* What zones are signed with: RFC 8624. */
enum dnssec_algorithm {
	DNSSEC_ECDSAP256SHA256,
	DNSSEC_ECDSAP384SHA384,
	DNSSEC_ED25519,
	DNSSEC_ED448,
	DNSSEC_RSASHA256,
	DNSSEC_RSASHA512,
};

/* CDS and CDNSKEY at the apex, for the parent: none; our keys; "take the DS away" (RFC 8078 4). */
enum dnssec_cds { DNSSEC_CDS_NO, DNSSEC_CDS_YES, DNSSEC_CDS_DELETE };

/* A primary that is asked, or a secondary that may ask and is notified. */
struct config_peer {
	struct network network;       /* a secondary's: who may ask; a primary's address alone */
	struct endpoint address;      /* asked, or notified (secondary: full-length network only) */
	const struct config_key *key; /* NULL: none wanted */
	enum transfer_mode mode;      /* secondaries: what is sent for ANAMEs */
	bool notify; /* secondaries: NOTIFY is sent; default yes where the network is one address */
};

struct config_zone {
	struct config_name name;
	char *file; /* absolute, or relative to the configuration file's folder, resolved by the
	               parser */
	enum siblings_mode siblings;
	enum flatten_cnames flatten_cnames;
	struct config_name *flatten_owners; /* flattened whatever flatten_cnames says */
	size_t flatten_owners_count;
	bool expose_aname;
	uint32_t budget_per_s; /* look-ups upstream a second on behalf of this zone */
	uint32_t budget_burst;
	bool dnssec;       /* signed here; what DNSSEC records its data have is left out */
	char *dnssec_keys; /* folder of its keys, as config_zone.file */
	enum dnssec_algorithm dnssec_algorithm; /* of keys that are made for it */
	uint32_t dnssec_validity_s;             /* of its signatures: 14 days */
	enum dnssec_cds dnssec_cds;
	unsigned int line; /* in the configuration, for messages */
	struct config_peer
	        *primaries; /* not empty: the zone is transferred in; `file` may then be NULL */
	size_t primaries_count;
	struct config_peer *secondaries;
	size_t secondaries_count;
	bool catalog; /* a catalog zone (RFC 9432) that is consumed: members take this zone's
	                 primaries */
	const struct config_zone *member_of; /* made by a catalog; NULL: from the configuration */
};

/* ---- where clients are ---- */

/* A MaxMind file, or two of them. */
struct config_database {
	char *name;
	char *file;      /* as config_zone.file */
	char *file_ipv6; /* NULL: `file` holds both families, or all there is */
	unsigned int line;
};

/* What is given must match, all of it; of a list, any entry. */
struct config_rule {
	char *region;
	char *database; /* NULL: the policy's */
	char **continents;
	size_t continents_count;
	char **countries;
	size_t countries_count;
	char **subdivisions; /* "US-NY" */
	size_t subdivisions_count;
	char **cities; /* a name, or a number of geonames.org */
	size_t cities_count;
	uint32_t *asns;
	size_t asns_count;
	struct network *networks;
	size_t networks_count;
	char *path; /* "traits/connection_type"; an array's entry by its number or `*` */
	char **values;
	size_t values_count;
	char **then; /* regions that follow where the rule's is down */
	size_t then_count;
	unsigned int line;
};

#define GEO_ORDER_MAX 8 /* regions that follow one another where the first are down */

/* Nearest by coordinates: the distance counts less by `bias` per cent. */
struct config_nearest {
	char *region;
	double latitude, longitude;
	double bias;
	unsigned int line;
};

/* From a client's network to a region: the first rule that matches, else the quickest of the
 * table, else the nearest, else the default. */
struct config_policy {
	char *name;
	char *database; /* NULL: each rule names its own */
	char **regions; /* those that nothing else here mentions */
	size_t regions_count;
	struct config_rule *rules;
	size_t rules_count;
	struct config_nearest *nearest;
	size_t nearest_count;
	uint8_t nearest_limit; /* so many of them, nearest first: 1 */
	char *table;           /* a CSV file of network,region,milliseconds; NULL: none */
	char *table_path;      /* or a path into the database, to a map of region: milliseconds */
	char *default_region;
	char **default_then; /* as a rule's */
	size_t default_then_count;
	unsigned int line;
};

struct config_upstream {
	struct endpoint address;
	enum upstream_kind kind;
	struct config_name suffix; /* asked for targets at and below; len 1 (root) = all. Longest
	                              suffix wins. */
	uint8_t ecs_ipv4_max;      /* 24; 0 = send SOURCE 0 */
	uint8_t ecs_ipv6_max;      /* 56; at most 64 */
	bool ecs;                  /* false: never send the option */
	uint32_t timeout_ms;       /* one try: 2000 */
	uint32_t hedge_ms;         /* ask the next upstream too after this: 200 */
	uint8_t tries;             /* on each upstream: 2 */
};

enum check_kind {
	CHECK_TCP,
	CHECK_TLS,
	CHECK_HTTP,
	CHECK_HTTPS,
	CHECK_ICMP,
	CHECK_DNS,
	CHECK_COMMAND,
};

struct config_status {
	uint16_t low, high; /* both included */
};

#define COMMAND_WORDS_MAX 64

/* How addresses are checked; which ones, those say that name it. */
struct config_check {
	char *name;
	enum check_kind kind;
	uint16_t port;                /* 0: 443 tls https, 80 http, 53 dns */
	char *host;                   /* SNI, and Host; NULL: the address */
	char *path;                   /* "/" */
	bool verify;                  /* yes: the certificate is checked, against `host` */
	char *ca_file;                /* NULL: the system's */
	struct config_status *status; /* 200-399 */
	size_t status_count;
	char *match;              /* octets that the body holds; NULL: any body */
	struct config_name query; /* of a DNS check; its type; the answer that must be in it */
	uint16_t query_type;
	unsigned int rcode;
	struct endpoint answer; /* family 0: any; no port */
	char **command;         /* the words; the address is in $ADDRESS, the port in $PORT */
	size_t command_count;
	uint32_t interval_ms;      /* 10000, from start to start */
	uint32_t timeout_ms;       /* 2000 */
	uint16_t rise, fall;       /* 2, 3 results in a row */
	uint8_t jitter;            /* 10: an interval is shorter by up to this many per cent */
	uint32_t idle_interval_ms; /* 0: none; the interval when nobody asks */
	uint32_t idle_after_ms;    /* 5 min */
	uint32_t damping_ms;       /* half-life of what changes weigh; 0: no damping */
	uint8_t damping_limit;     /* falls that weigh so much keep it down */
	unsigned int line;         /* in the configuration, for messages */
};

enum pool_mode {
	POOL_ALL,        /* what every member gives, together */
	POOL_FAILOVER,   /* the first that is up */
	POOL_WEIGHTED,   /* each reply one, by weight */
	POOL_CONSISTENT, /* each client network its own, by weight */
	POOL_GEO,        /* those of the client's region */
	POOL_LATENCY,    /* the quickest */
};

/* Exactly one of address, aname and pool is set. */
struct config_member {
	struct endpoint address; /* family 0: none; no port */
	struct config_name aname, pool;
	uint16_t weight;    /* 1; 0: only where no other is up */
	char *region;       /* POOL_GEO; NULL: for every region without members of its own */
	struct network ecs; /* family 0: the client's; else what the ANAME is asked with */
};

/* A name that stands for members: an ANAME that points to it means them. */
struct config_pool {
	struct config_name name;
	enum pool_mode mode;
	char *policy; /* POOL_GEO */
	char *check;  /* NULL: its members are up */
	uint16_t min_up;
	struct config_member *members;
	size_t members_count;
	struct endpoint *last_resort; /* given where no member is up */
	size_t last_resort_count;
	uint32_t
	        hold_down_ms; /* 0: none; a member that came up, or was left, is not taken before */
	uint32_t margin_ms;   /* POOL_LATENCY: the choice stays while no other is so much quicker */
	unsigned int line;
};

/* What is odd but no fault, at a line of the configuration. */
struct config_warning {
	unsigned int line;
	char text[256];
};

struct config {
	char *path; /* of the file it came from */
	struct config_warning *warnings;
	size_t warnings_count;

	struct endpoint *listen;
	size_t listen_count;
	struct config_interface *interfaces;
	size_t interfaces_count;
	struct config_zone *zones;
	size_t zones_count;
	struct config_upstream *upstreams;
	size_t upstreams_count;
	struct config_check *checks;
	size_t checks_count;
	struct config_database *databases;
	size_t databases_count;
	struct config_policy *policies;
	size_t policies_count;
	struct config_pool *pools;
	size_t pools_count;

	/* Flattening. */
	uint16_t aname_type;          /* 65401 */
	uint32_t ttl_floor;           /* 5 */
	uint32_t ttl_cap;             /* 86400 */
	uint32_t freshness_ms;        /* 0 = off */
	uint32_t client_timer_ms;     /* 300: then the last good answer goes out */
	uint32_t resolution_ms;       /* 10000: then a look-up has failed */
	uint32_t recheck_ms;          /* 30000: a failing target is asked again */
	uint64_t stale_max_ms;        /* 3 days */
	uint32_t hold_on_negative_ms; /* 0 */
	uint32_t failure_ttl_ms;      /* 5000: failure kept where there is no last good answer */
	bool trust_scope_zero;        /* false; true: scope 0 is always for everyone */
	bool ecs_from_source;         /* true */
	bool lenient_family0;         /* false */
	bool accept_private;          /* true: special-use addresses from upstream are taken */
	struct config_name *targets_allow; /* empty: all */
	size_t targets_allow_count;
	struct config_name *targets_deny;
	size_t targets_deny_count;
	struct network *special; /* special-use client networks (RFC 6890); default list of
	                            SEMANTICS filled in */
	size_t special_count;

	/* Sizes. */
	uint32_t owners_max;            /* kernel: 65536 */
	uint32_t audiences_max;         /* kernel: 131072 */
	uint32_t names_max;             /* kernel: of complete zones, 131072 */
	uint32_t slots_max;             /* kernel, 256 octets each: 131072 */
	uint32_t slots_large_max;       /* kernel, 1024 octets each: 8192 */
	uint32_t zones_max;             /* kernel: 1024 */
	uint32_t geo_lines_max;         /* kernel, 64 octets each, twice: 0, twice what is needed */
	uint32_t geo_locations_max;     /* kernel, 128 octets each, twice: 0, the same */
	uint32_t answers_max;           /* daemon, flattened answers: 1000000 */
	uint32_t networks_per_name_max; /* 4096 */

	struct config_key *keys;
	size_t keys_count;

	/* Server. */
	bool cookies;                  /* false; RFC 7873 */
	uint8_t cookie_secrets[4][16]; /* RFC 9018: the first makes cookies, all verify */
	uint8_t cookie_secrets_count;  /* 0 with cookies: one is drawn at start */
	uint32_t miss_limit;  /* queries a second that a source network may send up; 0: any */
	uint32_t miss_burst;  /* at once */
	uint32_t miss_slip;   /* every nth over it is answered with TC; 0: none */
	bool cookie_required; /* UDP without a valid cookie: BADCOOKIE (with one from the client) or
	                         TC */
	char *server_id;      /* CH TXT id.server, hostname.bind; NULL: REFUSED */
	char *server_version; /* CH TXT version.server, version.bind; NULL: REFUSED */
	uint32_t tcp_max_per_client; /* 32 */
	uint16_t xfr_type_accept[2]; /* further types that count as ANAME in transfers in: 65280,
	                                65305; 0: none */
	uint32_t workers;            /* 0: one a core */
	uint16_t udp_payload;        /* 1232 */
	uint32_t tcp_idle_ms;        /* 10000 */
	uint32_t tcp_max;            /* connections: 1024 */
	uint32_t rate_limit;         /* UDP replies of a kind a second to a network; 0: no limit */
	uint32_t rate_window_ms;     /* so many seconds' worth may go out at once: 5000 */
	uint32_t rate_slip;          /* every n-th reply over the limit is TC: 2; 0: none */
	struct network *rate_exempt; /* clients without a limit */
	size_t rate_exempt_count;
	char *nsid;                  /* NULL: none; raw octets */
	char *control_socket;        /* /run/anamed/anamed.sock */
	char *state_dir;             /* /var/lib/anamed: LMDB; "" = keep nothing */
	char *pin_dir;               /* AN_PIN_DIR */
	char *user;                  /* to drop to when started as root; NULL: stay */
	unsigned int user_line;      /* in the configuration, for messages */
	uint32_t probes_max;         /* health checks under way at once: 512 */
	uint32_t heartbeat_limit_ms; /* 5000 */
	bool xdp_detach_on_stop;     /* false: the kernel goes on answering after `stop` */

	struct endpoint status_listen; /* status page and metrics: 127.0.0.1@9553; family 0: none */
};

/* The check of that name; NULL: there is none. */
static inline const struct config_check *config_find_check(const struct config *config,
                                                           const char *name)
{
	for (size_t i = 0; i < config->checks_count; i++)
		if (strcmp(config->checks[i].name, name) == 0)
			return &config->checks[i];
	return NULL;
}

#endif
