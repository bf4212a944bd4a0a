/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server - what is known of one upstream, and which are asked in what order.
 *
 * Owns the line to each. Keeps count, remembers for a while that an upstream
 * speaks no ECS or no EDNS, and puts one that failed lately behind the others.
 * Times are uv_now() of the loop, given by the caller: no clock of its own.
 */
#ifndef ANAMED_UPSTREAM_SERVER_H
#define ANAMED_UPSTREAM_SERVER_H

#include "base/config.h"
#include "upstream/ares.h"
#include "upstream/packet.h"
#include "upstream/upstream.h"

struct server {
	struct config_upstream config;
	struct line *line;
	struct upstream_stats stats;
	unsigned int failures;    /* in a row */
	uint64_t behind_until_ms; /* asked after the others until then */
	uint64_t no_ecs_until_ms, no_edns_until_ms;
	unsigned int refused_ecs; /* in a row: with ECS REFUSED, without it answered */
};

/* What the first packet to this server looks like. */
struct packet_question server_question(const struct server *server, const struct network *client,
                                       uint64_t now_ms);

/* An answer came to a question of this form; `first_rcode` is of the reply to the fuller form
 * before it, NOERROR if there was none. */
void server_answered(struct server *server, const struct packet_question *question,
                     uint16_t first_rcode, uint64_t rtt_us, uint64_t now_ms);
void server_failed(struct server *server, uint64_t now_ms);

/*
 * Those of the longest suffix that the target is under, in the order of the
 * configuration, the ones that failed lately last. `ret` has room for count
 * indexes. Returns how many.
 */
size_t server_order(const struct server *servers, size_t count, const uint8_t *target, size_t len,
                    uint64_t now_ms, uint8_t *ret);

/* Longest SOURCE for a family (AN_FAMILY_*) that this server is sent. */
unsigned int server_limit(const struct server *server, uint8_t family);

#endif
