/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * park - queries that wait for the flatten loop.
 *
 * A parked query is a copy of its packet and the way back to who asked. The
 * flatten loop's thread calls done(), which moves it to the worker's stack and
 * wakes the worker; the worker answers with last_try. A worker that stops
 * answers all that wait and leaves them behind as orphans: done() then only
 * frees them, so the loop may be later than the worker.
 */
#ifndef ANAMED_SERVE_PARK_H
#define ANAMED_SERVE_PARK_H

#include "answer/flatten.h"
#include "serve/udp.h"

#define PARK_MAX 65536 /* queries a worker */

struct worker;
struct connection;

enum park_state { PARK_WAITING, PARK_DONE, PARK_ORPHAN };

struct parked {
	struct flatten_wait wait;
	struct worker *worker;
	struct parked *stacked;        /* in park.done */
	struct parked *before, *after; /* in park.first */
	int state;                     /* enum park_state, atomic */
	bool answered;
	struct endpoint source;
	struct connection *connection; /* NULL: UDP */
	struct udp_way way;
	uint16_t len;
	uint8_t packet[];
};

struct park {
	struct parked *first;
	uint32_t count;
	struct parked *done; /* a stack: pushed by the flatten loop, taken whole by the worker */
};

/* Copies the query and hands the want to the flatten loop. False: out of memory. */
bool park_put(struct worker *worker, const struct respond_input *input, const struct want *want,
              const struct udp_way *way, struct connection *connection);

/* Answers what is done waiting. */
void park_drain(struct worker *worker);

/* Answers all, waits for none. */
void park_abandon(struct worker *worker);

#endif
