/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream - asking others for a name's addresses.
 *
 * Runs on the libuv loop. One question goes to the upstreams of the longest
 * matching suffix, in the order of the configuration, the next one being asked
 * too when the first is slow (hedge_ms) or fails. Rules: SEMANTICS 2 and 3:
 * ECS sent and its echo checked, 0x20, random ids, TC again over TCP, REFUSED
 * or FORMERR with ECS again without, CNAME chains followed inside a reply, and
 * by further questions where an authoritative upstream's reply ends in a CNAME.
 * upstream/ares.c is the only file with c-ares; upstream/packet.c the only one
 * here with ldns.
 */
#ifndef ANAMED_UPSTREAM_UPSTREAM_H
#define ANAMED_UPSTREAM_UPSTREAM_H

#include <uv.h>

#include "base/config.h"
#include "base/name.h"

#define UPSTREAM_ADDRESSES_MAX 64
#define UPSTREAM_CHAIN_MAX     16

enum upstream_status {
	UPSTREAM_OK,       /* addresses, count > 0 */
	UPSTREAM_NODATA,   /* NOERROR without addresses, or NXDOMAIN: negative */
	UPSTREAM_TIMEOUT,  /* EDE 22 */
	UPSTREAM_SERVFAIL, /* any RCODE but NOERROR and NXDOMAIN: EDE 22 */
	UPSTREAM_NETWORK,  /* unreachable: EDE 23 */
	UPSTREAM_BAD,      /* malformed or mismatched replies only */
	UPSTREAM_CHAIN,    /* chain too long, or a loop */
	UPSTREAM_NONE,     /* no upstream configured for this target */
	UPSTREAM_LED,      /* to a name of our own, the last of the chain: see upstream_own() */
};

struct upstream_result {
	enum upstream_status status;
	uint16_t rcode; /* of the reply that decided */
	bool nxdomain;
	uint32_t ttl; /* least over the chain and the addresses; negative: RFC 2308 5 of the reply's
	                 SOA, 0 without one */
	uint8_t scope;   /* SCOPE PREFIX-LENGTH; 0 when the reply had no option; the longest over
	                    several questions */
	bool ecs_echoed; /* the reply had the option */
	struct network asked; /* what was sent: family 0 for SOURCE 0, or nothing */
	uint8_t index;        /* of the upstream in the configuration */
	uint8_t chain_count;  /* CNAMEs that were followed */
	uint8_t chain[UPSTREAM_CHAIN_MAX][NAME_MAX_LEN]; /* their targets, wire, lower case */
	uint16_t count;
	uint8_t octets[UPSTREAM_ADDRESSES_MAX *
	               16]; /* addresses of 4 or 16 octets, sorted, no doubles */
};

/* The result is valid during the call only. Called exactly once, never from inside upstream_ask().
 */
typedef void (*upstream_done)(const struct upstream_result *result, void *arg);

struct upstream;
struct upstream_ask;

/* NULL if out of memory. Reads config during upstream_new only (copies). */
struct upstream *upstream_new(uv_loop_t *loop, const struct config *config);

/*
 * Names of our own, which nobody is asked for: where the chain of an
 * authoritative upstream leads to one, the question ends there, UPSTREAM_LED,
 * and what else the reply has of the chain is left aside. On the loop's thread.
 */
typedef bool (*upstream_is_own)(const uint8_t *name, size_t len, uint16_t type, void *arg);
void upstream_own(struct upstream *upstream, upstream_is_own is_own, void *arg);

/*
 * Asks for (target, type) on behalf of `client` (a deciding network; family 0:
 * nobody): the SOURCE sent is cut to each upstream's limit. The question is
 * over (UPSTREAM_TIMEOUT) after config->resolution_ms. Returns a handle, or NULL
 * (out of memory; done is not called).
 */
struct upstream_ask *upstream_ask(struct upstream *upstream, const uint8_t *target, size_t len,
                                  uint16_t type, const struct network *client, upstream_done done,
                                  void *arg);

/* done will not be called. */
void upstream_cancel(struct upstream_ask *ask);

/* Longest SOURCE sent for targets under this name: [0] IPv4, [1] IPv6. */
void upstream_limits(const struct upstream *upstream, const uint8_t *target, size_t len,
                     uint8_t ret[2]);

struct upstream_stats {
	uint64_t asked, answered, timeouts, failures, mismatched, tcp, hedged, without_ecs;
	uint64_t rtt_us;      /* smoothed */
	bool no_edns, no_ecs; /* remembered of this upstream */
};

size_t upstream_count(const struct upstream *upstream);
void upstream_stats(const struct upstream *upstream, size_t index, struct upstream_stats *ret);

/* Cancels what is out, closes its handles; freed once the loop has run their close callbacks. */
void upstream_free(struct upstream *upstream);

#endif
