/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge - real sockets on loopback, real workers, the real flatten loop.
 *
 * The loop runs only when a test turns it, so a query waits for exactly as
 * long as the test wants it to.
 */
#ifndef ANAMED_TESTS_EDGE_H
#define ANAMED_TESTS_EDGE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "serve/park.h"
#include "serve/serve.h"
#include "unit/answer/scene.h"

#define READER_QUERIES 20000
#define SOCKET_BUFFERS (64u << 20) /* more than Linux gives a connection */
#define PATIENCE_MS    5000        /* a test that waits longer has failed */

static const char ZONE[] = "$TTL 300\n"
                           "@ SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "@ ANAME www\n"
                           "ns1 A 192.0.2.53\n"
                           "www A 192.0.2.1\n"
                           "dead ANAME nowhere.test.\n"
                           "version TXT \"one\"\n";

static struct scene scene;
static struct serve *serve;
static struct flatten *flatten;
static uv_loop_t loop;
static uint16_t port;
static char zone_text[4 << 20];

/* A socket bound to a port of every address; *port 0: any. -1: somebody has it. */
static inline int bind_port(int type, uint16_t *at)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*at)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type, 0);

	assert_true(fd >= 0);
	if (bind(fd, (struct sockaddr *)&address, len)) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*at = ntohs(address.sin_port);
	return fd;
}

/* A port that nobody has, for datagrams nor for streams. */
static inline uint16_t free_port(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		uint16_t found = 0;
		int stream = bind_port(SOCK_STREAM, &found), datagram;

		assert_true(stream >= 0);
		datagram = bind_port(SOCK_DGRAM, &found);
		close(stream);
		if (datagram < 0)
			continue;
		close(datagram);
		return found;
	}
	fail_msg("no port is free");
	return 0;
}

static inline void begin(const char *const *listen, size_t count)
{
	static const char *const texts[] = {"example.test.", zone_text, NULL};
	struct error error = {0};

	rcu_register_thread();
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	port = free_port();
	free(scene.config->listen);
	scene.config->listen = calloc(count, sizeof(*scene.config->listen));
	scene.config->listen_count = count;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(endpoint_parse(listen[i], port, &scene.config->listen[i]), 0);
	scene.config->workers = 2;
	scene.config->client_timer_ms = 20;
	uv_loop_init(&loop);
	flatten = flatten_new(&loop, scene.world.store);
	flatten_world(flatten, &scene.world, NULL, NULL, NULL);
	assert_null(serve_swap_world(&scene.world));
	if (serve_open(scene.config, flatten, &serve, &error))
		fail_msg("%s", error.text);
}

static inline void start(void)
{
	struct error error = {0};

	if (serve_start(serve, &error))
		fail_msg("%s", error.text);
}

static inline void make_zone(void)
{
	size_t at = (size_t)sprintf(zone_text, "%s", ZONE);

	for (unsigned int i = 0; i < 100; i++)
		at += (size_t)sprintf(zone_text + at, "large TXT \"%0250u\"\n", i);
	/* Fits into 512 octets, and nothing beside it. */
	sprintf(zone_text + at, "wide TXT \"%0250u\" \"%0150u\"\n", 1, 2);
}

static inline int setup_idle(void **state)
{
	static const char *const listen[] = {"127.0.0.1", "::1"};

	(void)state;
	make_zone();
	begin(listen, 2);
	return 0;
}

static inline int setup(void **state)
{
	setup_idle(state);
	start();
	return 0;
}

static inline int setup_wildcard(void **state)
{
	static const char *const listen[] = {"0.0.0.0", "::"};

	(void)state;
	make_zone();
	begin(listen, 2);
	start();
	return 0;
}

/* Once more, with what scene.config says now; not started. */
static inline void reopen(void)
{
	serve_stop(serve);
	assert_int_equal(serve_open(scene.config, flatten, &serve, NULL), 0);
}

static inline int setup_tcp_tight(void **state)
{
	setup_idle(state);
	scene.config->workers = 1;
	scene.config->tcp_max = 2;
	scene.config->tcp_idle_ms = 200;
	reopen();
	start();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	if (serve)
		serve_stop(serve);
	serve = NULL;
	flatten_free(flatten);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	serve_swap_world(NULL);
	scene_close(&scene);
	rcu_unregister_thread();
	return 0;
}

/* ---- the client ---- */

/* `source` NULL: any. */
static inline int dial_from(const char *source, const char *address, int type)
{
	struct sockaddr_storage storage;
	struct endpoint endpoint;
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	socklen_t len;
	int fd;

	assert_int_equal(endpoint_parse(source ? source : address, source ? 0 : port, &endpoint),
	                 0);
	len = endpoint_to_sockaddr(&endpoint, &storage);
	fd = socket(storage.ss_family, type, 0);
	assert_true(fd >= 0);
	if (source) {
		assert_int_equal(bind(fd, (struct sockaddr *)&storage, len), 0);
		assert_int_equal(endpoint_parse(address, port, &endpoint), 0);
		len = endpoint_to_sockaddr(&endpoint, &storage);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* A connected datagram socket takes nothing from another address. */
	assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	return fd;
}

static inline int dial(const char *address, int type)
{
	return dial_from(NULL, address, type);
}

static inline size_t query_of(const char *name, uint16_t type, uint16_t id, uint8_t out[512])
{
	return scene_query(&(struct ask){.name = name, .type = type, .id = id}, out);
}

static inline void send_query(int fd, const char *name, uint16_t type, uint16_t id)
{
	uint8_t query[512];
	size_t len = query_of(name, type, id, query);

	assert_int_equal(send(fd, query, len, 0), len);
}

static inline const char *receive(int fd)
{
	static uint8_t reply[4096];
	ssize_t len = recv(fd, reply, sizeof(reply), 0);

	if (len < 0)
		fail_msg("no reply: %s", strerror(errno));
	return scene_text(reply, (size_t)len);
}

static inline void write_framed(int fd, const char *name, uint16_t type, uint16_t id)
{
	uint8_t message[514];
	size_t len = query_of(name, type, id, message + 2);

	message[0] = (uint8_t)(len >> 8);
	message[1] = (uint8_t)len;
	assert_int_equal(send(fd, message, len + 2, MSG_NOSIGNAL), len + 2);
}

static inline bool read_all(int fd, uint8_t *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = recv(fd, out + at, len - at, 0);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* One reply of a stream; *ret_id its id. NULL: closed. */
static inline const char *read_framed(int fd, uint16_t *ret_id)
{
	static uint8_t reply[65535];
	uint8_t head[2];
	size_t len;

	if (!read_all(fd, head, 2))
		return NULL;
	len = (size_t)head[0] << 8 | head[1];
	assert_true(read_all(fd, reply, len));
	*ret_id = (uint16_t)(reply[0] << 8 | reply[1]);
	return scene_text(reply, len);
}

/* Turns the flatten loop until something can be read. */
static inline void turn_until_readable(int fd)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};
	struct pollfd both[2] = {event, {.fd = uv_backend_fd(&loop), .events = POLLIN}};

	for (unsigned int i = 0; i < PATIENCE_MS; i++) {
		if (poll(&event, 1, 0) > 0)
			return;
		poll(both, 2, uv_backend_timeout(&loop));
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	fail_msg("the loop does not answer");
}

static inline struct serve_stats stats_now(void)
{
	struct serve_stats stats;

	serve_stats(serve, &stats);
	return stats;
}

/* Counters of other threads come when they come. */
#define AWAIT(condition)                                                                           \
	do {                                                                                       \
		uint64_t give_up = clock_ms() + PATIENCE_MS;                                       \
                                                                                                   \
		while (!(condition) && clock_ms() < give_up)                                       \
			poll(NULL, 0, 1);                                                          \
		assert_true(condition);                                                            \
	} while (0)

#define WWW "NOERROR aa\nan www.example.test. 300 A 192.0.2.1\n"

#endif
