/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/park.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/worker.h"

static void wake(struct worker *worker)
{
	uint64_t one = 1;

	/* The counter cannot overflow: it is read before every round. */
	if (write(worker->event.fd, &one, sizeof(one)) < 0)
		return;
}

/* On the flatten loop's thread. */
static void done(struct flatten_wait *wait)
{
	struct parked *parked = (struct parked *)(void *)wait;
	struct worker *worker = parked->worker;
	struct parked *top;

	if (__atomic_exchange_n(&parked->state, PARK_DONE, __ATOMIC_ACQ_REL) == PARK_ORPHAN) {
		free(parked);
		return;
	}
	top = __atomic_load_n(&worker->park.done, __ATOMIC_RELAXED);
	do
		parked->stacked = top;
	while (!__atomic_compare_exchange_n(&worker->park.done, &top, parked, true,
	                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	/* Whoever pushed onto an empty stack wakes; the worker takes all that is there. */
	if (!top)
		wake(worker);
}

static void link_parked(struct park *park, struct parked *parked)
{
	parked->before = NULL;
	parked->after = park->first;
	if (park->first)
		park->first->before = parked;
	park->first = parked;
	park->count++;
}

static void unlink_parked(struct park *park, struct parked *parked)
{
	if (parked->before)
		parked->before->after = parked->after;
	else
		park->first = parked->after;
	if (parked->after)
		parked->after->before = parked->before;
	park->count--;
}

bool park_put(struct worker *worker, const struct respond_input *input, const struct want *want,
              const struct udp_way *way, struct connection *connection)
{
	struct parked *parked = malloc(sizeof(*parked) + input->len);

	if (!parked)
		return false;
	parked->wait.want = *want;
	parked->wait.done = done;
	parked->worker = worker;
	parked->state = PARK_WAITING;
	parked->answered = false;
	parked->source = input->source;
	parked->connection = connection;
	if (way)
		parked->way = *way;
	parked->len = (uint16_t)input->len;
	memcpy(parked->packet, input->packet, input->len);
	link_parked(&worker->park, parked);
	count_one(&worker->stats.parked);
	flatten_want(worker->flatten, &parked->wait);
	return true;
}

static void answer(struct worker *worker, struct parked *parked)
{
	struct respond_input input = {
	        .packet = parked->packet,
	        .len = parked->len,
	        .source = parked->source,
	        .tcp = parked->connection != NULL,
	        .last_try = true,
	        .now_ms = clock_ms(),
	};
	size_t size = input.tcp ? UINT16_MAX : UDP_SIZE;
	struct respond_result result;

	parked->answered = true;
	rcu_read_lock();
	worker_respond(worker, &input, worker->reply, size, NULL, &result);
	rcu_read_unlock();
	if (parked->connection)
		tcp_send(worker, parked->connection, worker->reply,
		         result.verdict == RESPOND_SEND ? result.len : 0);
	else if (result.verdict == RESPOND_SEND)
		udp_send(worker, &parked->way, worker->reply, result.len);
}

/* What was done first is answered first. */
static struct parked *reversed(struct parked *top)
{
	struct parked *list = NULL;

	while (top) {
		struct parked *next = top->stacked;

		top->stacked = list;
		list = top;
		top = next;
	}
	return list;
}

/* Answers what has not been answered yet, frees all; how many that were. */
static unsigned int drain(struct worker *worker)
{
	struct parked *parked =
	        reversed(__atomic_exchange_n(&worker->park.done, NULL, __ATOMIC_ACQUIRE));
	unsigned int count = 0;

	for (; parked; count++) {
		struct parked *next = parked->stacked;

		if (!parked->answered) {
			unlink_parked(&worker->park, parked);
			answer(worker, parked);
		}
		free(parked);
		parked = next;
	}
	return count;
}

void park_drain(struct worker *worker)
{
	drain(worker);
}

void park_abandon(struct worker *worker)
{
	struct parked *parked;
	unsigned int late = 0;

	while ((parked = worker->park.first)) {
		unlink_parked(&worker->park, parked);
		answer(worker, parked);
		/* From here on done() frees it, unless it has been there already: then it is on
		 * its way to the stack. */
		if (__atomic_exchange_n(&parked->state, PARK_ORPHAN, __ATOMIC_ACQ_REL) == PARK_DONE)
			late++;
	}
	while (late) {
		struct pollfd event = {.fd = worker->event.fd, .events = POLLIN};
		uint64_t count;

		late -= drain(worker);
		if (late && poll(&event, 1, 100) > 0 && read(event.fd, &count, sizeof(count)) < 0)
			continue;
	}
}
