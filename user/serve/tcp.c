/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/worker.h"

#define LENGTH      2 /* octets before each message (RFC 1035 4.2.2) */
#define IN_FIRST    512
#define READ_MAX    4096  /* room made at once, however long the message says it is */
#define KEEP_MAX    16384 /* an empty buffer that is larger is given back */
#define ACCEPT_MAX  64    /* in a row */
#define PAUSE_MS    100
#define READ_ROUNDS 4

/* Octets between at and len count. */
struct octets {
	uint8_t *data;
	size_t at, len, size;
};

struct connection {
	struct source source;
	struct connection *older, *newer; /* older alone, once closed: the list of the closed */
	struct endpoint peer;
	uint64_t active_ms;
	unsigned int parked;
	unsigned int events; /* that epoll watches */
	bool ended;          /* the client sends no more */
	struct octets in, out;
};

/* ---- buffers ---- */

static size_t octets_used(const struct octets *o)
{
	return o->len - o->at;
}

/* Room for `more` octets behind len. */
static bool octets_reserve(struct octets *o, size_t more)
{
	size_t size = o->size ? o->size : IN_FIRST;
	uint8_t *data;

	if (o->at) {
		memmove(o->data, o->data + o->at, octets_used(o));
		o->len -= o->at;
		o->at = 0;
	}
	if (o->size - o->len >= more)
		return true;
	while (size < o->len + more)
		size *= 2;
	data = realloc(o->data, size);
	if (!data)
		return false;
	o->data = data;
	o->size = size;
	return true;
}

static void octets_take(struct octets *o, size_t n)
{
	o->at += n;
	if (o->at < o->len)
		return;
	o->at = o->len = 0;
	if (o->size > KEEP_MAX) {
		free(o->data);
		o->data = NULL;
		o->size = 0;
	}
}

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
	unlink_connection(tcp, c);
	link_newest(tcp, c);
}

/* ---- closing ---- */

static void bury(struct tcp *tcp, struct connection *c)
{
	c->older = tcp->closed;
	tcp->closed = c;
}

static void close_connection(struct worker *worker, struct connection *c)
{
	if (c->source.fd < 0)
		return;
	close(c->source.fd);
	c->source.fd = -1;
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

		free(c->in.data);
		free(c->out.data);
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
		touch(&worker->tcp, c, clock_ms());
	}
	return true;
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
	return octets_used(&c->out) >= TCP_OUT_MAX || c->parked >= TCP_PARKED_MAX;
}

/* False: out of memory. */
static bool answer(struct worker *worker, struct connection *c, const uint8_t *packet, size_t len,
                   uint64_t now_ms)
{
	struct respond_input input = {
	        .packet = packet, .len = len, .source = c->peer, .tcp = true, .now_ms = now_ms};
	struct respond_result result;

	count_one(&worker->stats.tcp_queries);
	rcu_read_lock();
	worker_respond(worker, &input, worker->reply, UINT16_MAX, &result);
	rcu_read_unlock();
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

static bool answer_all(struct worker *worker, struct connection *c)
{
	uint64_t now_ms = clock_ms();
	size_t len;

	while (!is_blocked(c) && (len = whole_message(&c->in)) > 0) {
		if (!answer(worker, c, c->in.data + c->in.at + LENGTH, len - LENGTH, now_ms))
			return false;
		octets_take(&c->in, len);
		touch(&worker->tcp, c, now_ms);
	}
	return true;
}

/* Reads once. False: broken. *ret_more: there may be more. */
static bool fill(struct connection *c, bool *ret_more)
{
	size_t room;
	ssize_t n;

	/* A message that has begun gets room for all of it. */
	*ret_more = false;
	room = octets_used(&c->in) >= LENGTH
	               ? LENGTH + ((size_t)c->in.data[c->in.at] << 8 | c->in.data[c->in.at + 1])
	               : IN_FIRST;
	room = room > octets_used(&c->in) ? room - octets_used(&c->in) : IN_FIRST;
	room = room < READ_MAX ? room : READ_MAX;
	if (!octets_reserve(&c->in, room))
		return false;
	room = c->in.size - c->in.len;
	n = recv(c->source.fd, c->in.data + c->in.len, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->ended = n == 0;
	c->in.len += (size_t)n;
	*ret_more = (size_t)n == room;
	return true;
}

/* ---- the state after each step ---- */

static bool is_over(const struct connection *c)
{
	return c->ended && !c->parked && !octets_used(&c->out) && !whole_message(&c->in);
}

static void watch(struct worker *worker, struct connection *c)
{
	unsigned int events =
	        (c->ended || is_blocked(c) ? 0 : EPOLLIN) | (octets_used(&c->out) ? EPOLLOUT : 0);
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (events == c->events)
		return;
	c->events = events;
	epoll_ctl(worker->epoll, EPOLL_CTL_MOD, c->source.fd, &event);
}

/* Answers what has been read and sends what there is, until nothing moves. */
static void advance(struct worker *worker, struct connection *c)
{
	bool good;

	do
		good = answer_all(worker, c) && flush(worker, c);
	while (good && !is_blocked(c) && whole_message(&c->in));
	if (good && !is_over(c))
		watch(worker, c);
	else
		close_connection(worker, c);
}

void tcp_event(struct worker *worker, struct connection *c, unsigned int events)
{
	bool good = true, more = !(events & EPOLLOUT) || events & EPOLLIN;

	if (c->source.fd < 0)
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		close_connection(worker, c);
		return;
	}
	for (unsigned int i = 0; i < READ_ROUNDS && good && more && !is_blocked(c) && !c->ended;
	     i++)
		good = fill(c, &more) && answer_all(worker, c);
	if (good)
		advance(worker, c);
	else
		close_connection(worker, c);
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
	advance(worker, c);
}

/* ---- accepting ---- */

/* RFC 7766 6.2.3: the connection that has been idle longest makes room. */
static bool make_room(struct worker *worker)
{
	struct connection *c = worker->tcp.oldest;

	while (c && (c->parked || octets_used(&c->out)))
		c = c->newer;
	if (!c)
		return false;
	close_connection(worker, c);
	return true;
}

static bool add_connection(struct worker *worker, int fd, const struct sockaddr_storage *peer)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	if (!c)
		return false;
	c->source = (struct source){SOURCE_CONNECTION, fd};
	c->events = EPOLLIN;
	c->active_ms = clock_ms();
	if (endpoint_from_sockaddr(peer, &c->peer) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(c);
		return false;
	}
	link_newest(&worker->tcp, c);
	worker->tcp.count++;
	__atomic_store_n(&worker->stats.tcp_open, worker->tcp.count, __ATOMIC_RELAXED);
	count_one(&worker->stats.tcp_accepted);
	return true;
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
		if ((worker->tcp.count >= worker->tcp.max && !make_room(worker)) ||
		    !add_connection(worker, fd, &peer)) {
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

int tcp_expire(struct worker *worker, uint64_t now_ms)
{
	struct tcp *tcp = &worker->tcp;
	struct connection *c;

	while ((c = tcp->oldest) && now_ms >= c->active_ms + tcp->idle_ms) {
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
	return c ? until(c->active_ms + tcp->idle_ms, now_ms) : -1;
}
