/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query - the queries of a run, as frames, and the judgement of replies.
 *
 * A reply is found by its DNS id and port, which together are the query's
 * number, and is judged record by record against data.h. Pure.
 */
#ifndef ANAMED_TESTS_BENCH_QUERY_H
#define ANAMED_TESTS_BENCH_QUERY_H

#include <stdbool.h>

#include "bench.h"
#include "data.h"

/* What the queries of a run are like. */
struct query_load {
	uint32_t names, networks, records;
	uint32_t count;    /* of queries prepared */
	bool opt;          /* EDNS at all */
	bool ecs;          /* else the packet's source decides */
	bool mix;          /* half over IPv6, half with COOKIE, Zipf */
	uint32_t miss_ppm; /* of a type that only the daemon answers */
};

/* One of them. */
struct query {
	uint32_t name, net;
	bool ipv6, opt, ecs, cookie, miss;
};

/* What kind of server is asked. */
enum query_server {
	QUERY_TAILORED, /* an answer for each network, ECS */
	QUERY_STATIC,   /* zone data: the same for all; ECS echoed or not */
	QUERY_REFLECT,  /* what was sent comes back, perhaps longer */
};

/* Draws the queries of a load, always the same ones for the same load. 0 or -ENOMEM. */
int query_draw(const struct query_load *load, struct query *ret);

/* Frame of query `number`. */
void query_frame(const struct query *query, uint32_t number, struct bench_query *ret);

/* A datagram from the DNS port. */
bool query_is_reply(const uint8_t *frame, size_t len);

/* Number of the query that the reply frame says it answers; UINT32_MAX: not a reply at all. */
uint32_t query_number(const uint8_t *frame, size_t len);

/* NULL when the reply is right, else what is wrong with it. */
const char *query_judge(const struct query *query, const struct bench_query *sent,
                        const struct query_load *load, enum query_server server,
                        const uint8_t *frame, size_t len);

/* Octets by which a right reply of `server` is longer than the query. */
uint32_t query_growth(const struct query *query, const struct query_load *load);

#endif
