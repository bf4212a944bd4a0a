/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real sockets on loopback, real workers, the real flatten loop. The loop runs
 * only when a test turns it, so a query waits for exactly as long as the test
 * wants it to.
 */
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
static char zone_text[65536];

/* A port that nobody has. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void begin(const char *const *listen, size_t count)
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

static void start(void)
{
	struct error error = {0};

	if (serve_start(serve, &error))
		fail_msg("%s", error.text);
}

static void make_zone(void)
{
	size_t at = (size_t)sprintf(zone_text, "%s", ZONE);

	for (unsigned int i = 0; i < 100; i++)
		at += (size_t)sprintf(zone_text + at, "large TXT \"%0250u\"\n", i);
}

static int setup_idle(void **state)
{
	static const char *const listen[] = {"127.0.0.1", "::1"};

	(void)state;
	make_zone();
	begin(listen, 2);
	return 0;
}

static int setup(void **state)
{
	setup_idle(state);
	start();
	return 0;
}

static int setup_wildcard(void **state)
{
	static const char *const listen[] = {"0.0.0.0", "::"};

	(void)state;
	make_zone();
	begin(listen, 2);
	start();
	return 0;
}

static int setup_tcp_tight(void **state)
{
	setup_idle(state);
	serve_stop(serve);
	scene.config->workers = 1;
	scene.config->tcp_max = 2;
	scene.config->tcp_idle_ms = 200;
	assert_int_equal(serve_open(scene.config, flatten, &serve, NULL), 0);
	start();
	return 0;
}

static int teardown(void **state)
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

static int dial(const char *address, int type)
{
	struct sockaddr_storage storage;
	struct endpoint endpoint;
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	socklen_t len;
	int fd;

	assert_int_equal(endpoint_parse(address, port, &endpoint), 0);
	len = endpoint_to_sockaddr(&endpoint, &storage);
	fd = socket(storage.ss_family, type, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* A connected datagram socket takes nothing from another address. */
	assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	return fd;
}

static size_t query_of(const char *name, uint16_t type, uint16_t id, uint8_t out[512])
{
	return scene_query(&(struct ask){.name = name, .type = type, .id = id}, out);
}

static void send_query(int fd, const char *name, uint16_t type, uint16_t id)
{
	uint8_t query[512];
	size_t len = query_of(name, type, id, query);

	assert_int_equal(send(fd, query, len, 0), len);
}

static const char *receive(int fd)
{
	static uint8_t reply[4096];
	ssize_t len = recv(fd, reply, sizeof(reply), 0);

	if (len < 0)
		fail_msg("no reply: %s", strerror(errno));
	return scene_text(reply, (size_t)len);
}

static void write_framed(int fd, const char *name, uint16_t type, uint16_t id)
{
	uint8_t message[514];
	size_t len = query_of(name, type, id, message + 2);

	message[0] = (uint8_t)(len >> 8);
	message[1] = (uint8_t)len;
	assert_int_equal(send(fd, message, len + 2, MSG_NOSIGNAL), len + 2);
}

static bool read_all(int fd, uint8_t *out, size_t len)
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
static const char *read_framed(int fd, uint16_t *ret_id)
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
static void turn_until_readable(int fd)
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

static struct serve_stats stats_now(void)
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

/* ---- datagrams ---- */

static void queries_over_both_families_are_answered_and_counted(void **state)
{
	int ipv4 = dial("127.0.0.1", SOCK_DGRAM), ipv6 = dial("::1", SOCK_DGRAM);

	(void)state;
	send_query(ipv4, "www.example.test.", AN_TYPE_A, 1);
	assert_string_equal(receive(ipv4), WWW);
	send_query(ipv6, "www.example.test.", AN_TYPE_A, 2);
	assert_string_equal(receive(ipv6), WWW);
	send_query(ipv6, "www.elsewhere.test.", AN_TYPE_A, 2);
	assert_string_equal(receive(ipv6), "REFUSED\n");
	AWAIT(stats_now().udp_replies == 3);
	assert_int_equal(stats_now().udp_queries, 3);
	assert_int_equal(stats_now().udp_ipv6, 2);
	assert_int_equal(stats_now().from_zone, 2);
	assert_int_equal(stats_now().rcode[AN_RCODE_NOERROR], 2);
	assert_int_equal(stats_now().rcode[AN_RCODE_REFUSED], 1);
	close(ipv4);
	close(ipv6);
}

static void reply_leaves_from_the_address_that_was_asked(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		int fd = dial(addresses[i], SOCK_DGRAM);

		send_query(fd, "www.example.test.", AN_TYPE_A, 1);
		assert_string_equal(receive(fd), WWW);
		/* Parked queries keep the way back. */
		send_query(fd, "example.test.", AN_TYPE_A, 2);
		turn_until_readable(fd);
		assert_memory_equal(receive(fd), "NOERROR aa\nan example.test. ", 28);
		close(fd);
	}
}

static void a_burst_is_answered_whole(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	bool seen[200] = {false};
	uint8_t reply[1232];

	(void)state;
	for (uint16_t id = 0; id < 200; id++)
		send_query(fd, "www.example.test.", AN_TYPE_A, (uint16_t)(0x100 + id));
	for (unsigned int i = 0; i < 200; i++) {
		assert_true(recv(fd, reply, sizeof(reply), 0) > 12);
		assert_int_equal(reply[0], 1);
		assert_false(seen[reply[1]]);
		seen[reply[1]] = true;
	}
	close(fd);
}

static void what_is_no_query_is_dropped_and_counted(void **state)
{
	uint8_t query[512];
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	size_t len = query_of("www.example.test.", AN_TYPE_A, 1, query);

	(void)state;
	query[2] |= 0x80;
	assert_int_equal(send(fd, query, len, 0), len);
	assert_int_equal(send(fd, query, 11, 0), 11);
	assert_int_equal(send(fd, query, 0, 0), 0);
	send_query(fd, "www.example.test.", AN_TYPE_A, 2);
	assert_string_equal(receive(fd), WWW);
	AWAIT(stats_now().dropped == 3);
	close(fd);
}

static void waiting_query_is_answered_when_the_loop_is_done(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);

	(void)state;
	send_query(fd, "example.test.", AN_TYPE_A, 1);
	AWAIT(stats_now().parked == 1);
	/* Others do not wait behind it. */
	send_query(fd, "www.example.test.", AN_TYPE_A, 2);
	assert_string_equal(receive(fd), WWW);
	turn_until_readable(fd);
	assert_string_equal(receive(fd), "NOERROR aa\nan example.test. 300 A 192.0.2.1\n");
	send_query(fd, "example.test.", AN_TYPE_A, 3);
	assert_memory_equal(receive(fd), "NOERROR aa\nan example.test. ", 28);
	assert_int_equal(stats_now().parked, 1);
	AWAIT(stats_now().from_store == 2);
	close(fd);
}

/* ---- streams ---- */

static void pipelined_queries_are_answered_each(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	uint8_t burst[2048], query[512];
	size_t at = 0;
	uint16_t id;

	(void)state;
	for (uint16_t i = 1; i <= 10; i++) {
		size_t len = query_of("www.example.test.", AN_TYPE_A, i, query);

		burst[at++] = (uint8_t)(len >> 8);
		burst[at++] = (uint8_t)len;
		memcpy(burst + at, query, len);
		at += len;
	}
	assert_int_equal(send(fd, burst, at, 0), at);
	for (uint16_t i = 1; i <= 10; i++) {
		assert_string_equal(read_framed(fd, &id), WWW);
		assert_int_equal(id, i);
	}
	AWAIT(stats_now().tcp_replies == 10);
	assert_int_equal(stats_now().tcp_queries, 10);
	assert_int_equal(stats_now().tcp_accepted, 1);
	assert_int_equal(stats_now().tcp_open, 1);
	close(fd);
	AWAIT(stats_now().tcp_open == 0);
}

static void octets_may_come_one_by_one(void **state)
{
	int fd = dial("::1", SOCK_STREAM), one = 1;
	uint8_t query[514];
	size_t len = query_of("www.example.test.", AN_TYPE_A, 7, query + 2);
	uint16_t id;

	(void)state;
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
	query[0] = 0;
	query[1] = (uint8_t)len;
	for (size_t i = 0; i < len + 2; i++)
		assert_int_equal(send(fd, query + i, 1, 0), 1);
	assert_string_equal(read_framed(fd, &id), WWW);
	assert_int_equal(id, 7);
	close(fd);
}

static void large_reply_comes_whole(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	const char *text;
	unsigned int count = 0;
	uint16_t id;

	(void)state;
	write_framed(fd, "large.example.test.", AN_TYPE_TXT, 9);
	text = read_framed(fd, &id);
	assert_non_null(text);
	for (; (text = strstr(text, "an large")); text++)
		count++;
	assert_int_equal(count, 100);
	close(fd);
}

static void replies_may_overtake_one_that_waits(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	uint16_t id;

	(void)state;
	write_framed(fd, "example.test.", AN_TYPE_A, 1);
	write_framed(fd, "www.example.test.", AN_TYPE_A, 2);
	assert_string_equal(read_framed(fd, &id), WWW);
	assert_int_equal(id, 2);
	/* The client has said all it has to say; the reply still comes, then the end. */
	shutdown(fd, SHUT_WR);
	turn_until_readable(fd);
	assert_string_equal(read_framed(fd, &id), "NOERROR aa\nan example.test. 300 A 192.0.2.1\n");
	assert_int_equal(id, 1);
	assert_null(read_framed(fd, &id));
	close(fd);
}

static void client_that_leaves_while_its_query_waits_does_no_harm(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	struct linger linger = {1, 0};

	(void)state;
	write_framed(fd, "example.test.", AN_TYPE_A, 1);
	AWAIT(stats_now().parked == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd); /* a reset */
	AWAIT(stats_now().tcp_open == 0);
	fd = dial("127.0.0.1", SOCK_DGRAM);
	send_query(fd, "example.test.", AN_TYPE_A, 2);
	turn_until_readable(fd);
	assert_memory_equal(receive(fd), "NOERROR aa\nan example.test. ", 28);
	close(fd);
}

static void idle_connection_is_closed(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	uint64_t begin_ms = clock_ms();
	uint8_t octet;

	(void)state;
	/* Half a query is no activity. */
	assert_int_equal(send(fd, "\0\50", 2, 0), 2);
	assert_int_equal(recv(fd, &octet, 1, 0), 0);
	assert_in_range(clock_ms() - begin_ms, 150, PATIENCE_MS);
	close(fd);
	AWAIT(stats_now().tcp_open == 0);
}

static void oldest_idle_connection_makes_room(void **state)
{
	int first = dial("127.0.0.1", SOCK_STREAM), second, third;
	uint16_t id;

	(void)state;
	write_framed(first, "www.example.test.", AN_TYPE_A, 1);
	assert_string_equal(read_framed(first, &id), WWW);
	second = dial("127.0.0.1", SOCK_STREAM);
	write_framed(second, "www.example.test.", AN_TYPE_A, 2);
	assert_string_equal(read_framed(second, &id), WWW);
	third = dial("127.0.0.1", SOCK_STREAM);
	write_framed(third, "www.example.test.", AN_TYPE_A, 3);
	assert_string_equal(read_framed(third, &id), WWW);
	assert_null(read_framed(first, &id));
	write_framed(second, "www.example.test.", AN_TYPE_A, 4);
	assert_string_equal(read_framed(second, &id), WWW);
	close(first);
	close(second);
	close(third);
}

static void busy_connections_are_not_closed_for_a_new_one(void **state)
{
	int busy[2], third;
	uint16_t id;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		busy[i] = dial("127.0.0.1", SOCK_STREAM);
		write_framed(busy[i], "dead.example.test.", AN_TYPE_A, 1);
	}
	AWAIT(stats_now().parked == 2);
	third = dial("127.0.0.1", SOCK_STREAM);
	assert_null(read_framed(third, &id));
	AWAIT(stats_now().tcp_refused == 1);
	for (unsigned int i = 0; i < 2; i++) {
		turn_until_readable(busy[i]);
		assert_string_equal(read_framed(busy[i], &id), "SERVFAIL\n");
		close(busy[i]);
	}
	close(third);
}

static void reader_that_does_not_read_is_bounded(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM), other;
	uint8_t message[514];
	size_t len = query_of("large.example.test.", AN_TYPE_TXT, 1, message + 2);
	uint64_t sent = 0;
	uint16_t id;
	ssize_t n;

	(void)state;
	message[0] = 0;
	message[1] = (uint8_t)len;
	/* It asks for 26 000 octets with each 40, until the server takes no more. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (sent < READER_QUERIES) {
		struct pollfd event = {.fd = fd, .events = POLLOUT};

		n = send(fd, message, len + 2, MSG_NOSIGNAL);
		if (n > 0)
			sent++;
		else if (errno != EAGAIN || poll(&event, 1, 100) <= 0)
			break;
	}
	other = dial("127.0.0.1", SOCK_STREAM);
	write_framed(other, "www.example.test.", AN_TYPE_A, 1);
	assert_string_equal(read_framed(other, &id), WWW);
	/* No progress is no activity: closed. */
	AWAIT(stats_now().tcp_open <= 1);
	/* What went unread lay in the sockets' buffers, and in one bounded buffer of ours. */
	assert_true(stats_now().tcp_replies * 26000 < SOCKET_BUFFERS);
	close(fd);
	close(other);
}

static void accepting_goes_on_when_descriptors_are_free_again(void **state)
{
	struct rlimit limit, tight;
	struct endpoint endpoint;
	struct sockaddr_storage storage;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd event = {.fd = fd, .events = POLLIN};
	socklen_t len;
	uint16_t id;

	(void)state;
	assert_int_equal(endpoint_parse("127.0.0.1", port, &endpoint), 0);
	len = endpoint_to_sockaddr(&endpoint, &storage);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = (struct rlimit){(rlim_t)fd, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	write_framed(fd, "www.example.test.", AN_TYPE_A, 1);
	assert_int_equal(poll(&event, 1, 50), 0);
	assert_int_equal(stats_now().tcp_accepted, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_string_equal(read_framed(fd, &id), WWW);
	close(fd);
}

/* ---- the whole ---- */

static void a_full_worker_answers_with_what_there_is(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);

	(void)state;
	for (unsigned int i = 0; i < PARK_MAX; i++) {
		send_query(fd, "dead.example.test.", AN_TYPE_A, (uint16_t)(i | 1));
		/* No more on the way than the socket holds. */
		if (i % 64 == 63)
			AWAIT(stats_now().parked == i + 1);
	}
	send_query(fd, "dead.example.test.", AN_TYPE_A, 2);
	assert_string_equal(receive(fd), "SERVFAIL\n");
	assert_int_equal(stats_now().park_full, 1);
	assert_int_equal(stats_now().parked, PARK_MAX);
	send_query(fd, "www.example.test.", AN_TYPE_A, 3);
	assert_string_equal(receive(fd), WWW);
	close(fd);
}

static void stop_answers_what_waits(void **state)
{
	int datagram = dial("127.0.0.1", SOCK_DGRAM), stream = dial("127.0.0.1", SOCK_STREAM);
	uint16_t id;

	(void)state;
	send_query(datagram, "dead.example.test.", AN_TYPE_A, 1);
	write_framed(stream, "dead.example.test.", AN_TYPE_A, 2);
	AWAIT(stats_now().parked == 2);
	serve_stop(serve);
	serve = NULL;
	assert_string_equal(receive(datagram), "SERVFAIL\n");
	assert_string_equal(read_framed(stream, &id), "SERVFAIL\n");
	assert_null(read_framed(stream, &id));
	close(datagram);
	close(stream);
	/* The loop is done with them only now: teardown. */
}

static void queries_before_the_start_are_not_lost(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);

	(void)state;
	send_query(fd, "www.example.test.", AN_TYPE_A, 1);
	start();
	assert_string_equal(receive(fd), WWW);
	close(fd);
}

static void no_query_is_lost_or_mixed_while_worlds_are_swapped(void **state)
{
	static const char *const texts[] = {"example.test.",
	                                    "$TTL 300\n@ SOA a b 8 1 1 1 60\n@ NS a\na A "
	                                    "192.0.2.9\nversion TXT \"two\"\n",
	                                    NULL};
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	struct scene next = {0};
	unsigned int seen[2] = {0};

	(void)state;
	scene_open(&next, texts);
	for (unsigned int i = 0; i < 1000; i++) {
		struct world *world = i % 2 ? &scene.world : &next.world;
		struct world *old = i % 2 ? &next.world : &scene.world;
		const char *text;

		send_query(fd, "version.example.test.", AN_TYPE_TXT, 1);
		assert_ptr_equal(serve_swap_world(world), old);
		text = receive(fd);
		if (!strcmp(text, "NOERROR aa\nan version.example.test. 300 TXT \"one\"\n"))
			seen[0]++;
		else if (!strcmp(text, "NOERROR aa\nan version.example.test. 300 TXT \"two\"\n"))
			seen[1]++;
		else
			fail_msg("%s", text);
	}
	assert_true(seen[0] && seen[1]);
	assert_ptr_equal(serve_swap_world(&scene.world), &scene.world);
	scene_close(&next);
	close(fd);
}

static void an_address_that_is_not_ours_is_an_error(void **state)
{
	struct endpoint foreign;
	struct serve *other = NULL;
	struct error error = {0};
	char text[1024];

	(void)state;
	assert_int_equal(endpoint_parse("192.0.2.1", port, &foreign), 0);
	scene.config->listen[1] = foreign;
	assert_int_equal(serve_open(scene.config, flatten, &other, &error), -EADDRNOTAVAIL);
	assert_non_null(strstr(error_text(&error, text, sizeof(text)), "listen: 192.0.2.1@"));
	assert_null(other);
}

int main(void)
{
#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(queries_over_both_families_are_answered_and_counted, setup),
	        TEST(reply_leaves_from_the_address_that_was_asked, setup_wildcard),
	        TEST(a_burst_is_answered_whole, setup),
	        TEST(what_is_no_query_is_dropped_and_counted, setup),
	        TEST(waiting_query_is_answered_when_the_loop_is_done, setup),
	        TEST(pipelined_queries_are_answered_each, setup),
	        TEST(octets_may_come_one_by_one, setup),
	        TEST(large_reply_comes_whole, setup),
	        TEST(replies_may_overtake_one_that_waits, setup),
	        TEST(client_that_leaves_while_its_query_waits_does_no_harm, setup),
	        TEST(idle_connection_is_closed, setup_tcp_tight),
	        TEST(oldest_idle_connection_makes_room, setup_tcp_tight),
	        TEST(busy_connections_are_not_closed_for_a_new_one, setup_tcp_tight),
	        TEST(reader_that_does_not_read_is_bounded, setup_tcp_tight),
	        TEST(accepting_goes_on_when_descriptors_are_free_again, setup),
	        TEST(a_full_worker_answers_with_what_there_is, setup_tcp_tight),
	        TEST(stop_answers_what_waits, setup),
	        TEST(queries_before_the_start_are_not_lost, setup_idle),
	        TEST(no_query_is_lost_or_mixed_while_worlds_are_swapped, setup),
	        TEST(an_address_that_is_not_ours_is_an_error, setup_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
