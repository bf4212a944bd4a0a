/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake - an upstream that misbehaves as no real server would be made to.
 *
 * Listens on loopback, UDP and TCP on one port, on the test's own loop, and
 * hands each query to a script, which sends what it likes: nothing, one reply
 * or several, at once or later. draft_*() builds replies.
 */
#ifndef ANAMED_TESTS_FAKE_H
#define ANAMED_TESTS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/name.h"
#include "base/net.h"
#include "base/wire.h"

struct fake;

struct fake_query {
	struct fake *fake;
	uv_tcp_t *stream; /* NULL: UDP */
	struct sockaddr_storage from;
	unsigned int number; /* 1: the first that this fake got */
	uint8_t octets[600];
	size_t len, question_end;
	uint16_t id, type, source_port;
	char name[NAME_TEXT_MAX]; /* lower case, with the final dot */
	bool edns, ecs;
	uint16_t payload;
	unsigned int family, source; /* of ECS */
	uint8_t address[16];
};

typedef void (*fake_script)(struct fake_query *query);

struct fake {
	uv_loop_t *loop;
	uv_udp_t udp;
	uv_tcp_t tcp;
	struct endpoint endpoint;
	fake_script script;
	void *arg;
	unsigned int queries, tcp_queries;
	struct fake_query last;
	uint8_t stream[1024];
	size_t stream_len;
};

static inline void fake_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	(void)handle;
	*ret = uv_buf_init(malloc(size), (unsigned int)size);
}

static inline void fake_freed(uv_handle_t *handle)
{
	free(handle);
}

static inline void fake_written(uv_write_t *request, int status)
{
	(void)status;
	free(request->data);
	free(request);
}

static inline void fake_send(const struct fake_query *query, const void *octets, size_t len)
{
	uint8_t *copy;
	uv_write_t *request;
	uv_buf_t buf;

	if (!query->stream) {
		buf = uv_buf_init((char *)(uintptr_t)octets, (unsigned int)len);
		uv_udp_try_send(&query->fake->udp, &buf, 1, (const struct sockaddr *)&query->from);
		return;
	}
	copy = malloc(len + 2);
	copy[0] = (uint8_t)(len >> 8);
	copy[1] = (uint8_t)len;
	memcpy(copy + 2, octets, len);
	request = malloc(sizeof(*request));
	request->data = copy;
	buf = uv_buf_init((char *)copy, (unsigned int)len + 2);
	uv_write(request, (uv_stream_t *)query->stream, &buf, 1, fake_written);
}

struct fake_later {
	uv_timer_t timer;
	struct fake_query query;
	size_t len;
	uint8_t octets[2048];
};

static inline void fake_send_now(uv_timer_t *timer)
{
	struct fake_later *later = timer->data;

	fake_send(&later->query, later->octets, later->len);
	uv_close((uv_handle_t *)timer, fake_freed);
}

static inline void fake_send_later(const struct fake_query *query, const void *octets, size_t len,
                                   unsigned int ms)
{
	struct fake_later *later = malloc(sizeof(*later));

	later->query = *query;
	later->len = len;
	memcpy(later->octets, octets, len);
	uv_timer_init(query->fake->loop, &later->timer);
	later->timer.data = later;
	uv_timer_start(&later->timer, fake_send_now, ms, 0);
}

/* ---- taking queries apart: by the test's own hand, not by the code under test ---- */

static inline void fake_read_opt(struct fake_query *query, struct wire *w)
{
	size_t rdata_len;

	assert_int_equal(wire_get8(w), 0);
	assert_int_equal(wire_get16(w), 41);
	query->edns = true;
	query->payload = (uint16_t)wire_get16(w);
	assert_int_equal(wire_get32(w), 0);
	rdata_len = wire_get16(w);
	assert_int_equal(rdata_len, wire_left(w));
	if (!rdata_len)
		return;
	assert_int_equal(wire_get16(w), 8);
	rdata_len = wire_get16(w);
	assert_int_equal(rdata_len, wire_left(w));
	query->ecs = true;
	query->family = wire_get16(w);
	query->source = wire_get8(w);
	assert_int_equal(wire_get8(w), 0);
	assert_int_equal(wire_left(w), (query->source + 7) / 8);
	memcpy(query->address, w->base + w->at, (query->source + 7) / 8);
}

static inline void fake_serve(struct fake *fake, uv_tcp_t *stream, const void *octets, size_t len,
                              const struct sockaddr *from)
{
	struct fake_query query = {.fake = fake, .stream = stream, .len = len};
	struct wire w = wire_reader(query.octets, len);
	uint8_t lower[NAME_MAX_LEN];
	int name;

	assert_in_range(len, 17, sizeof(query.octets));
	memcpy(query.octets, octets, len);
	if (from) {
		memcpy(&query.from, from,
		       from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
		                                   : sizeof(struct sockaddr_in));
		query.source_port =
		        ntohs(((const struct sockaddr_in *)(const void *)from)->sin_port);
	}
	query.id = (uint16_t)wire_get16(&w);
	wire_take(&w, 10);
	name = name_parse_wire(query.octets + 12, len - 12);
	assert_true(name > 0);
	name_lower(lower, query.octets + 12, (size_t)name);
	name_to_text(lower, query.name);
	wire_take(&w, (size_t)name);
	query.type = (uint16_t)wire_get16(&w);
	assert_int_equal(wire_get16(&w), 1);
	query.question_end = w.at;
	if (wire_left(&w))
		fake_read_opt(&query, &w);
	query.number = ++fake->queries;
	fake->tcp_queries += stream != NULL;
	fake->last = query;
	fake->script(&query);
}

static inline void fake_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf,
                                 const struct sockaddr *from, unsigned int flags)
{
	(void)flags;
	if (len > 0)
		fake_serve(udp->data, NULL, buf->base, (size_t)len, from);
	free(buf->base);
}

static inline void fake_stream_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct fake *fake = stream->data;

	if (len < 0) {
		free(buf->base);
		uv_close((uv_handle_t *)stream, fake_freed);
		return;
	}
	assert_true(fake->stream_len + (size_t)len <= sizeof(fake->stream));
	memcpy(fake->stream + fake->stream_len, buf->base, (size_t)len);
	fake->stream_len += (size_t)len;
	free(buf->base);
	while (fake->stream_len >= 2) {
		size_t size = (size_t)(fake->stream[0] << 8 | fake->stream[1]);

		if (fake->stream_len < size + 2)
			return;
		fake_serve(fake, (uv_tcp_t *)stream, fake->stream + 2, size, NULL);
		fake->stream_len -= size + 2;
		memmove(fake->stream, fake->stream + size + 2, fake->stream_len);
	}
}

static inline void fake_connection(uv_stream_t *listener, int status)
{
	struct fake *fake = listener->data;
	uv_tcp_t *stream = malloc(sizeof(*stream));

	assert_int_equal(status, 0);
	uv_tcp_init(fake->loop, stream);
	stream->data = fake;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)stream), 0);
	fake->stream_len = 0;
	uv_read_start((uv_stream_t *)stream, fake_alloc, fake_stream_read);
}

/* A UDP and a TCP socket on one port, which the kernel picks for the first: it may be taken for the
 * second. */
static inline void fake_bind(struct fake *fake, int *udp, int *tcp)
{
	struct sockaddr_storage bound;
	socklen_t len = endpoint_to_sockaddr(&fake->endpoint, &bound);
	int one = 1;

	for (int i = 0; i < 100; i++) {
		*udp = socket(bound.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		*tcp = socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		setsockopt(*tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		len = endpoint_to_sockaddr(&fake->endpoint, &bound);
		assert_int_equal(bind(*udp, (struct sockaddr *)&bound, len), 0);
		getsockname(*udp, (struct sockaddr *)&bound, &len);
		if (bind(*tcp, (struct sockaddr *)&bound, len) == 0) {
			assert_int_equal(endpoint_from_sockaddr(&bound, &fake->endpoint), 0);
			return;
		}
		close(*udp);
		close(*tcp);
	}
	fail_msg("no port is free for both UDP and TCP");
}

/* On a port of the kernel's choice; `address` is a loopback one. */
static inline void fake_open(struct fake *fake, uv_loop_t *loop, const char *address,
                             fake_script script)
{
	int udp, tcp;

	memset(fake, 0, sizeof(*fake));
	fake->loop = loop;
	fake->script = script;
	fake->udp.data = fake->tcp.data = fake;
	uv_udp_init(loop, &fake->udp);
	uv_tcp_init(loop, &fake->tcp);
	assert_int_equal(endpoint_parse(address, 1, &fake->endpoint), 0);
	fake->endpoint.port = 0;
	fake_bind(fake, &udp, &tcp);
	assert_int_equal(uv_udp_open(&fake->udp, udp), 0);
	assert_int_equal(uv_tcp_open(&fake->tcp, tcp), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&fake->tcp, 16, fake_connection), 0);
	uv_udp_recv_start(&fake->udp, fake_alloc, fake_datagram);
	uv_unref((uv_handle_t *)&fake->udp);
	uv_unref((uv_handle_t *)&fake->tcp);
}

static inline void fake_close(struct fake *fake)
{
	if (!uv_is_closing((uv_handle_t *)&fake->udp))
		uv_close((uv_handle_t *)&fake->udp, NULL);
	if (!uv_is_closing((uv_handle_t *)&fake->tcp))
		uv_close((uv_handle_t *)&fake->tcp, NULL);
}

/* ---- replies ---- */

struct draft {
	struct wire w;
	unsigned int counts[3]; /* answer, authority, additional */
	uint8_t octets[65535];
};

enum { ANSWER, AUTHORITY, ADDITIONAL };

static inline void draft_begin(struct draft *draft, const uint8_t *query, size_t question_end,
                               unsigned int flags)
{
	memset(draft->counts, 0, sizeof(draft->counts));
	draft->w = wire_writer(draft->octets, sizeof(draft->octets));
	wire_put(&draft->w, query, question_end);
	wire_set16(&draft->w, 2, 0x8000 | flags);
	wire_set16(&draft->w, 10, 0);
}

static inline void draft_name(struct draft *draft, const char *text)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(text, NULL, 0, name);

	assert_true(len > 0);
	wire_put(&draft->w, name, (size_t)len);
}

static inline void draft_record(struct draft *draft, int section, const char *owner,
                                unsigned int type, uint32_t ttl, const void *rdata, size_t len)
{
	draft->counts[section]++;
	draft_name(draft, owner);
	wire_put16(&draft->w, type);
	wire_put16(&draft->w, 1);
	wire_put32(&draft->w, ttl);
	wire_put16(&draft->w, (unsigned int)len);
	wire_put(&draft->w, rdata, len);
}

/* A or AAAA, by the form of the address. */
static inline void draft_address(struct draft *draft, const char *owner, uint32_t ttl,
                                 const char *address)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, address, octets) == 1)
		draft_record(draft, ANSWER, owner, 1, ttl, octets, 4);
	else if (inet_pton(AF_INET6, address, octets) == 1)
		draft_record(draft, ANSWER, owner, 28, ttl, octets, 16);
	else
		fail_msg("address %s", address);
}

static inline void draft_cname(struct draft *draft, const char *owner, uint32_t ttl,
                               const char *target)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(target, NULL, 0, name);

	assert_true(len > 0);
	draft_record(draft, ANSWER, owner, 5, ttl, name, (size_t)len);
}

static inline void draft_soa(struct draft *draft, const char *owner, uint32_t ttl, uint32_t minimum)
{
	uint8_t rdata[22] = {0, 0};

	for (int i = 0; i < 4; i++)
		rdata[18 + i] = (uint8_t)(minimum >> (24 - 8 * i));
	draft_record(draft, AUTHORITY, owner, 6, ttl, rdata, sizeof(rdata));
}

static inline void draft_opt(struct draft *draft, unsigned int extended_rcode)
{
	draft->counts[ADDITIONAL]++;
	wire_put8(&draft->w, 0);
	wire_put16(&draft->w, 41);
	wire_put16(&draft->w, 1232);
	wire_put32(&draft->w, extended_rcode << 24);
	wire_put16(&draft->w, 0);
}

static inline void draft_opt_ecs(struct draft *draft, unsigned int family, unsigned int source,
                                 unsigned int scope, const uint8_t *address)
{
	size_t octets = (source + 7) / 8;

	draft_opt(draft, 0);
	wire_set16(&draft->w, draft->w.at - 2, (unsigned int)(8 + octets));
	wire_put16(&draft->w, 8);
	wire_put16(&draft->w, (unsigned int)(4 + octets));
	wire_put16(&draft->w, family);
	wire_put8(&draft->w, source);
	wire_put8(&draft->w, scope);
	wire_put(&draft->w, address, octets);
}

/* The octets are draft->octets; returns their number. */
static inline size_t draft_end(struct draft *draft)
{
	assert_false(draft->w.failed);
	for (size_t i = 0; i < 3; i++)
		wire_set16(&draft->w, 6 + 2 * i, draft->counts[i]);
	return draft->w.at;
}

#endif
