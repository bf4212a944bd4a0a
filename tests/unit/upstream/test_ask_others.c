/* SPDX-License-Identifier: BSD-2-Clause */
/* Upstreams that fail or are slow, and whoever is asked in their place. */
#include "asking.h"

static void silence_is_a_timeout_after_all_tries(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", silent)->tries = 3;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_TIMEOUT);
	assert_int_equal(fakes[0].queries, 3);
	assert_int_equal(stats(0).timeouts, 3);
	assert_in_range(clock_ms() - start, 290, 900);
}

static void the_second_try(struct fake_query *query)
{
	if (query->number == 2)
		good(query);
}

static void a_lost_packet_is_sent_again_under_another_id(void **state)
{
	(void)state;
	add("127.0.0.1", the_second_try)->tries = 2;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(stats(0).timeouts, 1);
	assert_int_equal(stats(0).answered, 1);
}

/* The loop is held up for longer than the time-out, with the reply in the socket already. */
static void good_and_held_up(struct fake_query *query)
{
	good(query);
	uv_sleep(150);
}

static void a_reply_that_waited_in_the_socket_is_not_late(void **state)
{
	(void)state;
	add("127.0.0.1", good_and_held_up);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(stats(0).timeouts, 0);
}

static void a_closed_port_is_a_network_failure_at_once(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", silent)->timeout_ms = 5000;
	fake_close(&fakes[0]);
	uv_run(&loop, UV_RUN_NOWAIT);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
	assert_in_range(clock_ms() - start, 0, 1000);
	assert_int_equal(stats(0).failures, 1);
}

static void an_unreachable_address_is_a_network_failure(void **state)
{
	(void)state;
	add("127.0.0.1", silent);
	endpoint_parse("255.255.255.255@53", 53, &upstreams[0].address);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
}

static void servfail_alone_is_told_with_its_rcode(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 2);
	assert_int_equal(stats(0).failures, 1);
}

static void badvers(struct fake_query *query)
{
	begin(query, 0x80);
	draft_opt(&draft, 1);
	send_draft(query);
}

static void an_rcode_in_opt_is_not_taken_for_noerror(void **state)
{
	(void)state;
	add("127.0.0.1", badvers);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 16);
}

static void a_failing_upstream_gives_way_and_is_asked_last_next_time(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	add("127.0.0.1", good_as_2);
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_int_equal(result.index, 1);
	assert_int_equal(fakes[0].queries, 1);
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_int_equal(fakes[0].queries, 1);
	assert_int_equal(stats(1).hedged, 0);
}

static void of_several_failures_the_one_that_says_most_is_told(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	add("127.0.0.1", silent);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 2);
	assert_int_equal(fakes[1].queries, 1);
}

static void slow(struct fake_query *query)
{
	draft_good(query);
	fake_send_later(query, draft.octets, draft_end(&draft), 300);
}

static void a_slow_upstream_is_hedged(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", slow);
	add("127.0.0.1", good_as_2);
	upstreams[0].timeout_ms = 2000;
	upstreams[0].hedge_ms = 50;
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_in_range(clock_ms() - start, 45, 250);
	assert_int_equal(stats(1).hedged, 1);
	assert_int_equal(stats(0).hedged, 0);
	/* The loser's reply is no second result, and counts as an answer of a living upstream. */
	while (!stats(0).answered && clock_ms() - start < 2000)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(stats(0).answered, 1);
	assert_int_equal(results, 1);
}

static void the_first_wins_where_it_is_the_faster_after_all(void **state)
{
	(void)state;
	add("127.0.0.1", slow);
	add("127.0.0.1", silent);
	upstreams[0].timeout_ms = upstreams[1].timeout_ms = 2000;
	upstreams[0].hedge_ms = 50;
	ask("name.example", NULL);
	assert_addresses("192.0.2.1");
	assert_int_equal(stats(1).hedged, 1);
}

static void the_longest_suffix_is_asked(void **state)
{
	uint8_t limits[2], name[NAME_MAX_LEN];
	int len = name_from_text("x.y.example", NULL, 0, name);

	(void)state;
	add("127.0.0.1", good);
	set_suffix(add("127.0.0.1", good_as_2), "example");
	set_suffix(add("127.0.0.1", servfail), "y.example");
	upstreams[2].ecs_ipv4_max = 20;
	ask("name.example", NULL);
	assert_int_equal(result.index, 1);
	ask("EXAMPLE", NULL);
	assert_int_equal(result.index, 1);
	ask("an-example", NULL);
	assert_int_equal(result.index, 0);
	ask("x.y.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL); /* no way out to shorter suffixes */
	upstream_limits(upstream, name, (size_t)len, limits);
	assert_int_equal(limits[0], 20);
}

static void without_an_upstream_there_is_none(void **state)
{
	(void)state;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
	set_suffix(add("127.0.0.1", good), "example");
	upstream_free(upstream);
	upstream = NULL;
	ask("name.net", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
	assert_int_equal(fakes[0].queries, 0);
}

static void all_ends_after_the_resolution_time(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	config.resolution_ms = 150;
	add("127.0.0.1", silent)->timeout_ms = 2000;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_TIMEOUT);
	assert_in_range(clock_ms() - start, 145, 600);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        ASK_TEST(silence_is_a_timeout_after_all_tries),
	        ASK_TEST(a_lost_packet_is_sent_again_under_another_id),
	        ASK_TEST(a_reply_that_waited_in_the_socket_is_not_late),
	        ASK_TEST(a_closed_port_is_a_network_failure_at_once),
	        ASK_TEST(an_unreachable_address_is_a_network_failure),
	        ASK_TEST(servfail_alone_is_told_with_its_rcode),
	        ASK_TEST(an_rcode_in_opt_is_not_taken_for_noerror),
	        ASK_TEST(a_failing_upstream_gives_way_and_is_asked_last_next_time),
	        ASK_TEST(of_several_failures_the_one_that_says_most_is_told),
	        ASK_TEST(a_slow_upstream_is_hedged),
	        ASK_TEST(the_first_wins_where_it_is_the_faster_after_all),
	        ASK_TEST(the_longest_suffix_is_asked),
	        ASK_TEST(without_an_upstream_there_is_none),
	        ASK_TEST(all_ends_after_the_resolution_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
