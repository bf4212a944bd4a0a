/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ares - the line to one upstream: one packet out, the reply to it in.
 *
 * Owns c-ares channels, their sockets and timers, on the libuv loop; ares.c is
 * the only file with c-ares. A line sends each question once, from a source
 * port that changes, under a random id that no other question out there has;
 * a truncated reply is fetched again over TCP; datagrams that do not match
 * (packet_matches) are counted and left lying, and the wait goes on (RFC 5452
 * 9). It does not try again and knows nothing of names: that is ask.c's.
 */
#ifndef ANAMED_UPSTREAM_ARES_H
#define ANAMED_UPSTREAM_ARES_H

#include <uv.h>

#include "base/net.h"

struct line;

enum line_status {
	LINE_REPLY,      /* matches the question; what it says is the caller's to judge */
	LINE_TIMEOUT,    /* nothing came */
	LINE_MISMATCHED, /* only what does not match came */
	LINE_NETWORK,    /* refused, unreachable, connection broken */
	LINE_FAILED,     /* out of memory, or the line was closed */
};

struct line_outcome {
	enum line_status status;
	const uint8_t *reply; /* LINE_REPLY: valid during the call */
	size_t len;
	uint64_t rtt_us; /* LINE_REPLY: from sending to the reply, over TCP too */
};

typedef void (*line_done)(const struct line_outcome *outcome, void *arg);

/* NULL if out of memory. Opens no socket yet. timeout_ms: for the reply, and again over TCP. */
struct line *line_open(uv_loop_t *loop, const struct endpoint *address, uint32_t timeout_ms);

/*
 * Sends the query (len octets, at most PACKET_QUESTION_MAX) under an id that it
 * picks and writes into the first two octets. 0: done is called exactly once,
 * later, from the loop; from inside it no function of the line may be called.
 * -ENETUNREACH: it could not be sent, -EAGAIN: no random numbers, or -ENOMEM;
 * done is not called.
 */
int line_send(struct line *line, uint8_t *query, size_t len, line_done done, void *arg);

struct line_counters {
	uint64_t mismatched; /* datagrams that were not believed */
	uint64_t tcp;        /* questions that went over TCP */
	uint64_t channels;   /* that were made: source ports moved */
};
void line_counters(const struct line *line, struct line_counters *ret);

/* Calls done (LINE_FAILED) for what is out; the rest is freed as the loop closes the handles. */
void line_close(struct line *line);

#endif
