/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/clients.h"
#include "serve/octets.h"
#include "serve/worker.h"
#include "transfer/out.h"

#define LENGTH       2    /* octets before each message (RFC 1035 4.2.2) */
#define READ_MAX     4096 /* room made at once, however long the message says it is */
#define ACCEPT_MAX   64   /* in a row */
#define PAUSE_MS     100
#define TURN_QUERIES 64    /* of one connection, before the others have their turn */
#define UNSENT_MAX   65536 /* that the kernel keeps for a connection */
#define PROGRESS_MIN 4096  /* octets that a slow reader takes within the idle time-out */
#define IDLE_PARTS   8     /* the idle time-out shrinks to one in so many */

struct connection {
	struct source source;
	struct connection *older, *newer; /* older alone, once closed: the list of the closed */
	struct endpoint peer;
	uint64_t active_ms;
	unsigned int parked;
	unsigned int events;         /* that epoll watches */
	bool ended;                  /* the client sends no more */
	bool held;                   /* the next query is for a transfer, and there is one */
	size_t taken;                /* octets that the client has taken since active_ms */
	struct transfer_out *stream; /* on its way out; NULL: none */
	struct octets in, out;
};

/* ---- the list by age ---- */

static void unlink_connection(struct tcp *tcp, struct connection *c)
{
	if (c->older)
		c->older->newer = c->newer;
	else
		tcp->oldest = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		tcp->newest = c->older;
}

static void link_newest(struct tcp *tcp, struct connection *c)
{
	c->newer = NULL;
	c->older = tcp->newest;
	if (tcp->newest)
		tcp->newest->newer = c;
	else
		tcp->oldest = c;
	tcp->newest = c;
}

static void touch(struct tcp *tcp, struct connection *c, uint64_t now_ms)
{
	c->active_ms = now_ms;
	c->taken = 0;
	unlink_connection(tcp, c);
	link_newest(tcp, c);
}

/* ---- closing ---- */

static void bury(struct tcp *tcp, struct connection *c)
{
	c->older = tcp->closed;
	tcp->closed = c;
}

static void end_stream(struct connection *c)
{
	if (c->stream)
		transfer_out_free(c->stream);
	c->stream = NULL;
	c->held = false;
}

static void close_connection(struct worker *worker, struct connection *c)
{
	if (c->source.fd < 0)
		return;
	close(c->source.fd);
	c->source.fd = -1;
	clients_leave(worker->clients, &c->peer);
	end_stream(c);
	unlink_connection(&worker->tcp, c);
	worker->tcp.count--;
	__atomic_store_n(&worker->stats.tcp_open, worker->tcp.count, __ATOMIC_RELAXED);
	/* Queries that still wait hold a pointer. */
	if (!c->parked)
		bury(&worker->tcp, c);
}

void tcp_bury(struct worker *worker)
{
	struct connection *c = worker->tcp.closed;

	worker->tcp.closed = NULL;
	while (c) {
		struct connection *next = c->older;

		octets_done(&c->in);
		octets_done(&c->out);
		free(c);
		c = next;
	}
}

void tcp_close_all(struct worker *worker)
{
	while (worker->tcp.oldest)
		close_connection(worker, worker->tcp.oldest);
	tcp_bury(worker);
}

/* ---- writing ---- */

static bool queue_reply(struct connection *c, const uint8_t *reply, size_t len)
{
	uint8_t *at;

	if (!octets_reserve(&c->out, LENGTH + len))
		return false;
	at = c->out.data + c->out.len;
	at[0] = (uint8_t)(len >> 8);
	at[1] = (uint8_t)len;
	memcpy(at + LENGTH, reply, len);
	c->out.len += LENGTH + len;
	return true;
}

/* False: the connection is broken. */
static bool flush(struct worker *worker, struct connection *c)
{
	while (octets_used(&c->out)) {
		ssize_t n = send(c->source.fd, c->out.data + c->out.at, octets_used(&c->out),
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		octets_take(&c->out, (size_t)n);
		c->taken += (size_t)n;
		/* Who takes octet by octet does not hold the connection for ever. */
		if (c->taken >= PROGRESS_MIN || !octets_used(&c->out))
			touch(&worker->tcp, c, clock_ms());
	}
	return true;
}

/*
 * The next message of a transfer, when the one before has gone: so a transfer
 * has one message in memory, and everybody else a turn between two of them.
 * False: the connection is to be closed.
 */
static bool stream_on(struct worker *worker, struct connection *c)
{
	int len;

	if (!c->stream || octets_used(&c->out))
		return true;
	rcu_read_lock();
	len = transfer_out_next(c->stream, worker->reply, UINT16_MAX);
	rcu_read_unlock();
	if (len <= 0) {
		end_stream(c);
		return len == 0;
	}
	count_one(&worker->stats.tcp_replies);
	return queue_reply(c, worker->reply, (size_t)len);
}

/* ---- queries ---- */

/* Length of the first message, 0 if it is not all there yet. */
static size_t whole_message(const struct octets *in)
{
	size_t len;

	if (octets_used(in) < LENGTH)
		return 0;
	len = (size_t)in->data[in->at] << 8 | in->data[in->at + 1];
	return octets_used(in) >= LENGTH + len ? LENGTH + len : 0;
}

static bool is_blocked(const struct connection *c)
{
	return octets_used(&c->out) >= TCP_OUT_MAX || c->parked >= TCP_PARKED_MAX || c->held;
}

/* False: out of memory. A second transfer is held until the first is over. */
static bool answer(struct worker *worker, struct connection *c, const uint8_t *packet, size_t len,
                   uint64_t now_ms)
{
	struct respond_input input = {
	        .packet = packet, .len = len, .source = c->peer, .tcp = true, .now_ms = now_ms};
	struct transfer_out **stream = c->stream ? NULL : &c->stream;
	struct respond_result result;

	rcu_read_lock();
	worker_respond(worker, &input, worker->reply, UINT16_MAX, stream, &result);
	rcu_read_unlock();
	c->held = result.verdict == RESPOND_TRANSFER && !stream;
	if (c->held)
		return true;
	count_one(&worker->stats.tcp_queries);
	if (result.verdict == RESPOND_WAIT) {
		if (!park_put(worker, &input, &result.want, NULL, c))
			return false;
		c->parked++;
		return true;
	}
	if (result.verdict != RESPOND_SEND)
		return true;
	count_one(&worker->stats.tcp_replies);
	return queue_reply(c, worker->reply, result.len);
}

/* There is a query that could be answered now. */
static bool has_work(const struct connection *c)
{
	return !is_blocked(c) && whole_message(&c->in);
}

static bool answer_some(struct worker *worker, struct connection *c)
{
	uint64_t now_ms = clock_ms();

	for (unsigned int i = 0; i < TURN_QUERIES && has_work(c); i++) {
		size_t len = whole_message(&c->in);

		if (!answer(worker, c, c->in.data + c->in.at + LENGTH, len - LENGTH, now_ms))
			return false;
		if (c->held)
			break;
		octets_take(&c->in, len);
		touch(&worker->tcp, c, now_ms);
	}
	return true;
}

/* Reads once. False: broken. */
static bool fill(struct connection *c)
{
	size_t room;
	ssize_t n;

	/* A message that has begun gets room for all of it. */
	room = octets_used(&c->in) >= LENGTH
	               ? LENGTH + ((size_t)c->in.data[c->in.at] << 8 | c->in.data[c->in.at + 1])
	               : OCTETS_FIRST;
	room = room > octets_used(&c->in) ? room - octets_used(&c->in) : OCTETS_FIRST;
	room = room < READ_MAX ? room : READ_MAX;
	if (!octets_reserve(&c->in, room))
		return false;
	room = c->in.size - c->in.len;
	n = recv(c->source.fd, c->in.data + c->in.len, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->ended = n == 0;
	c->in.len += (size_t)n;
	return true;
}

/* ---- the state after each step ---- */

static bool is_over(const struct connection *c)
{
	return c->ended && !c->parked && !c->stream && !octets_used(&c->out) &&
	       !whole_message(&c->in);
}

/* What is left to do for a writable connection brings it its next turn, behind all the others. */
static void watch(struct worker *worker, struct connection *c)
{
	bool more = octets_used(&c->out) || c->stream || has_work(c);
	bool reads = !c->ended && !is_blocked(c) && !whole_message(&c->in);
	unsigned int events = (reads ? EPOLLIN : 0) | (more ? EPOLLOUT : 0);
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (events == c->events)
		return;
	c->events = events;
	epoll_ctl(worker->epoll, EPOLL_CTL_MOD, c->source.fd, &event);
}

/* A bounded piece of work: so many queries, and one message of a transfer. */
static void take_turn(struct worker *worker, struct connection *c)
{
	bool good = flush(worker, c) && answer_some(worker, c) && stream_on(worker, c) &&
	            flush(worker, c);

	if (good && !is_over(c))
		watch(worker, c);
	else
		close_connection(worker, c);
}

void tcp_event(struct worker *worker, struct connection *c, unsigned int events)
{
	if (c->source.fd < 0)
		return;
	if (events & (EPOLLERR | EPOLLHUP) || (events & EPOLLIN && !fill(c)))
		close_connection(worker, c);
	else
		take_turn(worker, c);
}

void tcp_send(struct worker *worker, struct connection *c, const uint8_t *reply, size_t len)
{
	c->parked--;
	if (c->source.fd < 0) {
		if (!c->parked)
			bury(&worker->tcp, c);
		return;
	}
	if (len)
		count_one(&worker->stats.tcp_replies);
	if (len && !queue_reply(c, reply, len)) {
		close_connection(worker, c);
		return;
	}
	take_turn(worker, c);
}

/* ---- accepting ---- */

/* RFC 7766 6.2.3: the connection that has been idle longest makes room. */
static bool make_room(struct worker *worker)
{
	struct connection *c = worker->tcp.oldest;

	while (c && (c->parked || c->stream || octets_used(&c->out)))
		c = c->newer;
	if (!c)
		return false;
	close_connection(worker, c);
	return true;
}

static bool set_up(int fd)
{
	int one = 1, unsent = UNSENT_MAX;

	/* What a slow reader has not taken shows as such, and is not the kernel's to keep. */
	return !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) &&
	       !setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static bool add_connection(struct worker *worker, int fd, const struct endpoint *peer)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	if (!c)
		return false;
	c->source = (struct source){SOURCE_CONNECTION, fd};
	c->events = EPOLLIN;
	c->active_ms = clock_ms();
	c->peer = *peer;
	if (!set_up(fd) || epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(c);
		return false;
	}
	link_newest(&worker->tcp, c);
	worker->tcp.count++;
	__atomic_store_n(&worker->stats.tcp_open, worker->tcp.count, __ATOMIC_RELAXED);
	count_one(&worker->stats.tcp_accepted);
	return true;
}

/* The client's own limit comes first: who is over it takes nobody's place. */
static bool admit(struct worker *worker, int fd, const struct sockaddr_storage *address)
{
	struct endpoint peer;

	if (endpoint_from_sockaddr(address, &peer) || clients_enter(worker->clients, &peer))
		return false;
	if ((worker->tcp.count < worker->tcp.max || make_room(worker)) &&
	    add_connection(worker, fd, &peer))
		return true;
	clients_leave(worker->clients, &peer);
	return false;
}

static void watch_listeners(struct worker *worker, bool on)
{
	worker->tcp.paused_until_ms = on ? 0 : clock_ms() + PAUSE_MS;
	for (size_t i = 0; i < worker->listeners_count; i++) {
		struct source *source = &worker->listeners[i].source;
		struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = source};

		if (source->kind == SOURCE_LISTENER)
			epoll_ctl(worker->epoll, EPOLL_CTL_MOD, source->fd, &event);
	}
}

void tcp_acceptable(struct worker *worker, struct listener *listener)
{
	for (unsigned int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(listener->source.fd, (struct sockaddr *)&peer, &len,
		                 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			/* Out of descriptors: the listener would be readable for ever. */
			if ((errno == EMFILE || errno == ENFILE) && !make_room(worker))
				watch_listeners(worker, false);
			return;
		}
		if (!admit(worker, fd, &peer)) {
			count_one(&worker->stats.tcp_refused);
			close(fd);
		}
	}
}

/* Milliseconds until `at`, as epoll_wait() takes them. */
static int until(uint64_t at_ms, uint64_t now_ms)
{
	uint64_t left = at_ms > now_ms ? at_ms - now_ms : 0;

	return left < INT32_MAX ? (int)left : INT32_MAX;
}

uint32_t tcp_idle_ms(const struct tcp *tcp)
{
	uint32_t least = tcp->idle_ms / IDLE_PARTS, half = tcp->max / 2;
	uint64_t left = tcp->max > tcp->count ? tcp->max - tcp->count : 0;
	uint64_t idle;

	if (tcp->count <= half)
		return tcp->idle_ms;
	idle = (uint64_t)tcp->idle_ms * left / (tcp->max - half);
	return idle > least ? (uint32_t)idle : least;
}

int tcp_expire(struct worker *worker, uint64_t now_ms)
{
	struct tcp *tcp = &worker->tcp;
	struct connection *c;

	while ((c = tcp->oldest) && now_ms >= c->active_ms + tcp_idle_ms(tcp)) {
		/* The flatten loop bounds how long a query waits. */
		if (c->parked)
			touch(tcp, c, now_ms);
		else
			close_connection(worker, c);
	}
	if (tcp->paused_until_ms && now_ms >= tcp->paused_until_ms)
		watch_listeners(worker, true);
	if (tcp->paused_until_ms)
		return until(tcp->paused_until_ms, now_ms);
	return c ? until(c->active_ms + tcp_idle_ms(tcp), now_ms) : -1;
}
