/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp - queries over streams (RFC 7766).
 *
 * Each connection has one buffer in, one out. Queries are answered as they
 * come, those that wait later (6.2.1.1: out of order), those that come while
 * a transfer is on its way between two of its messages. Connections take
 * turns: so many queries, or one message of a transfer. Bounds: connections a
 * worker (the longest idle one makes room) and a client, octets that a reader
 * has not taken yet, queries that wait, time without a query or progress,
 * which gets shorter as connections get scarce.
 */
#ifndef ANAMED_SERVE_TCP_H
#define ANAMED_SERVE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_OUT_MAX    65536 /* octets unread by the client: no more queries are taken */
#define TCP_PARKED_MAX 64    /* queries of one connection that wait */

struct worker;
struct listener;
struct connection;

struct tcp {
	struct connection *oldest, *newest; /* by last activity */
	struct connection *closed;          /* to be freed when no event can name them */
	uint32_t count, max;
	uint32_t idle_ms;
	uint64_t paused_until_ms; /* no descriptor was free: nothing is accepted until then; 0: not
	                             so */
};

void tcp_acceptable(struct worker *worker, struct listener *listener);
void tcp_event(struct worker *worker, struct connection *connection, unsigned int events);

/* A reply that was waited for; len 0: there is none. */
void tcp_send(struct worker *worker, struct connection *connection, const uint8_t *reply,
              size_t len);

/* How long a connection may be idle now (6.2.3): less, when more than half of all are taken. */
uint32_t tcp_idle_ms(const struct tcp *tcp);

/* Closes what has been idle for too long; milliseconds until this is to be done again, -1: never.
 */
int tcp_expire(struct worker *worker, uint64_t now_ms);

/* Frees what was closed in this round. */
void tcp_bury(struct worker *worker);

void tcp_close_all(struct worker *worker);

#endif
