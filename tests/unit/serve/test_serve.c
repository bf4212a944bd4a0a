/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams, queries that wait, starting, stopping, reloading. */
#include "unit/serve/edge.h"

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
	        TEST(a_full_worker_answers_with_what_there_is, setup_tcp_tight),
	        TEST(stop_answers_what_waits, setup),
	        TEST(queries_before_the_start_are_not_lost, setup_idle),
	        TEST(no_query_is_lost_or_mixed_while_worlds_are_swapped, setup),
	        TEST(an_address_that_is_not_ours_is_an_error, setup_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
