/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker - one thread, one epoll, its own sockets.
 *
 * Everything here belongs to the worker's thread, but for three things: the
 * stack of queries that are done waiting (park.h), the stop flag, and the
 * counters, which others may read. udp.c, tcp.c and park.c are its parts.
 */
#ifndef ANAMED_SERVE_WORKER_H
#define ANAMED_SERVE_WORKER_H

#include <pthread.h>

#include "anamed/geo.h"
#include "base/error.h"
#include "serve/limit.h"
#include "serve/park.h"
#include "serve/serve.h"
#include "serve/tcp.h"
#include "serve/udp.h"
#include "transfer/out.h"

/* What an epoll event points to; first member of whatever has a descriptor. */
enum source_kind { SOURCE_EVENT, SOURCE_UDP, SOURCE_LISTENER, SOURCE_CONNECTION };

struct source {
	enum source_kind kind;
	int fd; /* -1: closed, events that are still under way do not count */
};

struct listener {
	struct source source; /* SOURCE_UDP or SOURCE_LISTENER */
	uint8_t family;
};

#define WORKER_RECENT 1024 /* a power of 2 */

/* What was offered to the kernel lately, and how often it was asked for since. */
struct worker_recent {
	uint64_t hash;
	uint64_t until_ms;
	uint32_t asked;
};

struct worker {
	struct clients *clients; /* of all workers */
	struct limit *limit;     /* the same */
	uint32_t limited;        /* replies over it so far, of this worker */
	struct flatten *flatten; /* NULL: nothing is flattened, every query is answered at once */
	pthread_t thread;
	bool started;
	bool stop; /* atomic */
	int epoll;
	struct source event; /* eventfd: something is done waiting, or stop */
	struct listener *listeners;
	size_t listeners_count;
	struct park park;
	struct tcp tcp;
	struct udp_batch *batch;
	uint8_t *reply; /* of TCP, UINT16_MAX octets */
	struct worker_recent recent[WORKER_RECENT];
	struct serve_stats stats;                         /* this thread writes, others read */
	uint64_t regions[AN_POLICIES_MAX][SERVE_REGIONS]; /* replies, the same */
};

/* Counters have one writer: no locked instruction is needed. */
static inline void count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void count_one(uint64_t *counter)
{
	count_add(counter, 1);
}

/* Storage of the worker's; -errno. The listeners' descriptors come to belong to it. */
int worker_init(struct worker *worker, const struct config *config, struct flatten *flatten,
                struct clients *clients, struct limit *limit, size_t listeners_count,
                uint32_t workers);
void worker_done(struct worker *worker); /* after the thread has ended, or never ran */

int worker_start(struct worker *worker);
void worker_stop(struct worker *worker); /* tells it; join is the caller's */

/*
 * Answers `input` into out; inside rcu_read_lock(). RESPOND_WAIT: park it. Where
 * nothing more can be parked, the last good answer is given at once.
 * RESPOND_TRANSFER: *stream is what is to be sent; with stream NULL over TCP
 * nothing was done, and the query is to be put again.
 */
void worker_respond(struct worker *worker, const struct respond_input *input, uint8_t *out,
                    size_t size, struct transfer_out **stream, struct respond_result *ret);

#endif
