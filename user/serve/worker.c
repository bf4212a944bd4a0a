/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/signature.h"
#include "transfer/in.h"

#define EVENTS_MAX     64
#define OFFER_AGAIN_MS 1000

int worker_init(struct worker *worker, const struct config *config, struct flatten *flatten,
                struct clients *clients, struct limit *limit, size_t listeners_count,
                uint32_t workers)
{
	worker->clients = clients;
	worker->limit = limit;
	worker->flatten = flatten;
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->event.kind = SOURCE_EVENT;
	worker->event.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->tcp.max = (config->tcp_max + workers - 1) / workers;
	worker->tcp.idle_ms = config->tcp_idle_ms;
	worker->listeners_count = listeners_count;
	worker->listeners =
	        calloc(listeners_count ? listeners_count : 1, sizeof(*worker->listeners));
	worker->batch = udp_batch_new();
	worker->reply = malloc(UINT16_MAX);
	if (worker->listeners)
		for (size_t i = 0; i < listeners_count; i++)
			worker->listeners[i].source.fd = -1;
	if (worker->epoll < 0 || worker->event.fd < 0)
		return -errno;
	return worker->listeners && worker->batch && worker->reply ? 0 : -ENOMEM;
}

void worker_done(struct worker *worker)
{
	for (size_t i = 0; worker->listeners && i < worker->listeners_count; i++)
		if (worker->listeners[i].source.fd >= 0)
			close(worker->listeners[i].source.fd);
	if (worker->event.fd >= 0)
		close(worker->event.fd);
	if (worker->epoll >= 0)
		close(worker->epoll);
	free(worker->listeners);
	udp_batch_free(worker->batch);
	free(worker->reply);
}

/* ---- answering ---- */

static uint64_t want_hash(const struct want *want, unsigned int flags)
{
	uint64_t hash = name_hash(want->owner, want->owner_len);

	hash = an_hash_step(hash, want->type);
	if (!(flags & RESPOND_FROM_STORE) || flags & RESPOND_CHAINED)
		return hash;
	hash = an_hash_step(hash, (uint64_t)want->region << 32 |
	                                  (uint64_t)want->client.family << 8 | want->client.len);
	return an_hash_step(hash, an_load8(want->client.address));
}

static bool offered_lately(struct worker *worker, uint64_t hash, uint64_t now_ms)
{
	struct worker_recent *recent = &worker->recent[hash & (WORKER_RECENT - 1)];

	/* Again at the second question, the fourth, the eighth: what is hot shows. */
	if (recent->hash == hash && now_ms < recent->until_ms) {
		recent->asked++;
		return recent->asked & (recent->asked - 1);
	}
	*recent = (struct worker_recent){hash, now_ms + OFFER_AGAIN_MS, 1};
	return false;
}

/* The kernel passed this query up and could have answered it. */
static void offer(struct worker *worker, const struct respond_result *result, uint64_t now_ms)
{
	const struct want *want = &result->want;

	if (!(result->flags & RESPOND_KERNEL) || !worker->flatten ||
	    !flatten_publishes(worker->flatten) || result->flags & RESPOND_STALE ||
	    offered_lately(worker, want_hash(want, result->flags), now_ms))
		return;
	if (result->flags & RESPOND_CHAINED)
		flatten_offer_chained(worker->flatten, want->owner, want->owner_len, want->type);
	else if (result->flags & RESPOND_FROM_STORE)
		flatten_offer_stored(worker->flatten, want->owner, want->owner_len, want->type,
		                     &want->client, want->region);
	else
		flatten_offer(worker->flatten, want->owner, want->owner_len, want->type);
}

static void count_region(struct worker *worker, const struct respond_result *result)
{
	uint32_t last = SERVE_REGIONS - 1;

	if (result->policy - 1 < AN_POLICIES_MAX)
		count_one(&worker->regions[result->policy - 1]
		                          [result->region < last ? result->region : last]);
}

static void count_reply(struct serve_stats *stats, const struct respond_result *result)
{
	if (result->flags & RESPOND_FROM_ZONE)
		count_one(&stats->from_zone);
	if (result->flags & RESPOND_FROM_STORE)
		count_one(&stats->from_store);
	if (result->flags & RESPOND_STALE)
		count_one(&stats->stale);
	if (result->flags & RESPOND_TRUNCATED)
		count_one(&stats->truncated);
	if (result->flags & RESPOND_ECS)
		count_one(&stats->ecs);
	if (result->rcode < sizeof(stats->rcode) / sizeof(stats->rcode[0]))
		count_one(&stats->rcode[result->rcode]);
}

/* Transfers parse, and check signatures, by themselves: they get the packet as it came. */
static void begin_transfer(const struct world *world, const struct respond_input *input,
                           uint8_t *out, size_t size, struct transfer_out **stream,
                           struct respond_result *ret)
{
	struct transfer_out *none = NULL;

	if (input->tcp && !stream)
		return;
	if (!stream)
		stream = &none;
	transfer_out_begin(world, input->packet, input->len, &input->source, input->tcp, out, size,
	                   &ret->len, stream);
	if (!*stream)
		ret->verdict = ret->len ? RESPOND_SEND : RESPOND_DROP;
}

/* A secondary that is sent another serial than everybody else asks for it (docs/adr/0007). */
static bool answer_secondary(const struct world *world, const struct respond_input *input,
                             uint8_t *out, size_t size, struct respond_result *ret)
{
	if (!transfer_out_soa(world, input->packet, input->len, &input->source, input->tcp, out,
	                      size, &ret->len))
		return false;
	ret->verdict = ret->len ? RESPOND_SEND : RESPOND_DROP;
	ret->rcode = ret->len ? out[3] & AN_FLAG_RCODE : AN_RCODE_NOERROR;
	ret->flags = RESPOND_FROM_ZONE;
	return true;
}

/* What is not an ordinary query. */
static void dispatch(const struct world *world, const struct respond_input *input, uint8_t *out,
                     size_t size, struct transfer_out **stream, struct respond_result *ret)
{
	if (ret->verdict == RESPOND_TRANSFER) {
		begin_transfer(world, input, out, size, stream, ret);
	} else if (ret->verdict == RESPOND_NOTIFY) {
		ret->len = transfer_in_notify(world, input->packet, input->len, &input->source, out,
		                              size);
		ret->verdict = ret->len ? RESPOND_SEND : RESPOND_DROP;
	}
	if (ret->verdict == RESPOND_SEND)
		ret->rcode = out[3] & AN_FLAG_RCODE;
}

/* Over the limit the reply is not sent; every so often one with TC goes out in its place. */
static void hold_back(struct worker *worker, const struct world *world,
                      const struct respond_input *input, uint8_t *out, size_t size,
                      struct respond_result *ret)
{
	const struct config *config = world->config;
	struct respond_input cut = *input;

	if (!config->rate_limit || input->tcp || ret->flags & RESPOND_VERIFIED ||
	    limit_take(worker->limit, config, &input->source, limit_kind_of(out), input->now_ms))
		return;
	if (!config->rate_slip || ++worker->limited % config->rate_slip) {
		count_one(&worker->stats.limited_dropped);
		ret->verdict = RESPOND_DROP;
		return;
	}
	count_one(&worker->stats.limited_cut);
	cut.cut = true;
	respond(world, &cut, out, size, ret);
}

/* An ordinary query, its signature taken off and the reply signed. */
static void respond_signed(struct worker *worker, const struct world *world,
                           const struct respond_input *input, uint8_t *out, size_t size,
                           struct respond_result *ret)
{
	struct respond_input bare = *input;
	struct signature signature;

	bare.last_try = input->last_try || !worker->flatten;
	bare.idle_ms = tcp_idle_ms(&worker->tcp);
	signature_take(&signature, world, &bare);
	respond(world, &bare, out, size, ret);
	if (ret->verdict == RESPOND_WAIT && worker->park.count >= PARK_MAX) {
		count_one(&worker->stats.park_full);
		bare.last_try = true;
		respond(world, &bare, out, size, ret);
	}
	if (ret->verdict == RESPOND_SEND && !signature.present)
		hold_back(worker, world, &bare, out, size, ret);
	signature_put(&signature, out, size, ret);
}

void worker_respond(struct worker *worker, const struct respond_input *input, uint8_t *out,
                    size_t size, struct transfer_out **stream, struct respond_result *ret)
{
	const struct world *world = rcu_dereference(serve_world);

	if (answer_secondary(world, input, out, size, ret)) {
		count_reply(&worker->stats, ret);
		return;
	}
	respond_signed(worker, world, input, out, size, ret);
	if (ret->verdict == RESPOND_TRANSFER || ret->verdict == RESPOND_NOTIFY)
		dispatch(world, input, out, size, stream, ret);
	if (ret->verdict == RESPOND_DROP)
		count_one(&worker->stats.dropped);
	if (ret->verdict != RESPOND_SEND)
		return;
	count_reply(&worker->stats, ret);
	count_region(worker, ret);
	offer(worker, ret, input->now_ms);
}

/* ---- the loop ---- */

static void event(struct worker *worker, const struct epoll_event *e)
{
	struct source *source = e->data.ptr;
	uint64_t count;

	switch (source->kind) {
	case SOURCE_EVENT:
		if (read(source->fd, &count, sizeof(count)) < 0)
			return;
		park_drain(worker);
		return;
	case SOURCE_UDP:
		udp_readable(worker, (struct listener *)source);
		return;
	case SOURCE_LISTENER:
		tcp_acceptable(worker, (struct listener *)source);
		return;
	case SOURCE_CONNECTION:
		tcp_event(worker, (struct connection *)source, e->events);
		return;
	}
}

/* What was read is answered, with last good answers where upstream is still being asked. */
static void finish(struct worker *worker)
{
	for (size_t i = 0; i < worker->listeners_count; i++)
		if (worker->listeners[i].source.kind == SOURCE_UDP)
			udp_readable(worker, &worker->listeners[i]);
	park_abandon(worker);
	tcp_close_all(worker);
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	struct epoll_event events[EVENTS_MAX];

	rcu_register_thread();
	while (!__atomic_load_n(&worker->stop, __ATOMIC_ACQUIRE)) {
		int count = epoll_wait(worker->epoll, events, EVENTS_MAX,
		                       tcp_expire(worker, clock_ms()));

		for (int i = 0; i < count; i++)
			event(worker, &events[i]);
		tcp_bury(worker);
	}
	finish(worker);
	rcu_unregister_thread();
	return NULL;
}

static int watch(struct worker *worker, struct source *source)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = source};

	/* A socket that systemd gave is shared by all workers: wake one. */
	if (source->kind == SOURCE_UDP)
		e.events |= EPOLLEXCLUSIVE;
	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, source->fd, &e) ? -errno : 0;
}

/* Signals are the main thread's. */
static int create_thread(struct worker *worker)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->started = !error;
	return -error;
}

int worker_start(struct worker *worker)
{
	int error = watch(worker, &worker->event);

	for (size_t i = 0; i < worker->listeners_count && !error; i++)
		error = watch(worker, &worker->listeners[i].source);
	return error ? error : create_thread(worker);
}

void worker_stop(struct worker *worker)
{
	uint64_t one = 1;

	__atomic_store_n(&worker->stop, true, __ATOMIC_RELEASE);
	if (write(worker->event.fd, &one, sizeof(one)) < 0)
		return; /* full: then it is awake anyway */
}
