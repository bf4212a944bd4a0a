/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve - sockets and workers: UDP and TCP, one worker a core.
 *
 * Each worker has its own UDP socket for every listening address
 * (SO_REUSEPORT), reads and writes in batches (recvmmsg, sendmmsg), answers
 * with respond() under the RCU read lock, and sends from the address that was
 * asked (IP_PKTINFO). Queries that must wait are parked (bounded) and answered
 * by their own worker when the flatten loop is done with them. TCP (RFC 7766):
 * accept by each worker, pipelining, idle time-out, bounded connections.
 */
#ifndef ANAMED_SERVE_SERVE_H
#define ANAMED_SERVE_SERVE_H

#include "anamed/geo.h"
#include "answer/flatten.h"

struct serve;

/* The current world; workers read it with rcu_dereference under the read lock. Defined in serve.c.
 */
extern struct world *serve_world;

/* Publishes a new world and returns the old one after a grace period (NULL the first time). */
struct world *serve_swap_world(struct world *world);

/*
 * Binds all of config->listen now (so that privileges can be dropped), starts
 * nothing yet. Sockets passed by systemd (LISTEN_FDS) that match are used.
 */
int serve_open(const struct config *config, struct flatten *flatten, struct serve **ret,
               struct error *error);
int serve_start(struct serve *serve, struct error *error); /* threads; serve_world must be set */
void serve_stop(struct serve *serve); /* answers what it has read, joins, closes */

struct serve_stats {
	uint64_t udp_queries, udp_replies, udp_ipv6, tcp_queries, tcp_replies, tcp_accepted,
	        tcp_open, tcp_refused, dropped, parked, park_full, truncated, stale, from_zone,
	        limited_dropped, limited_cut, from_store, ecs, send_errors;
	uint64_t rcode[24]; /* by extended RCODE */
};
void serve_stats(const struct serve *serve, struct serve_stats *ret);

/* Replies to clients of a region are counted for each region below the last of these, which stands
 * for itself and all behind it. */
#define SERVE_REGIONS AN_REGIONS_COUNTED
uint64_t serve_region_replies(const struct serve *serve, unsigned int policy, uint32_t region);

#endif
