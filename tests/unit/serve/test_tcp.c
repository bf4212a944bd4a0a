/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: framing, pipelining, order, and every bound. */
#include "unit/serve/edge.h"

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

int main(void)
{
#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, teardown)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
