/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream/server.h"

static const uint8_t target[] = "\1a\7example";

static struct server new_server(void)
{
	return (struct server){.config = {.kind = UPSTREAM_RESOLVER,
	                                  .suffix = {.len = 1},
	                                  .ecs_ipv4_max = 24,
	                                  .ecs_ipv6_max = 56,
	                                  .ecs = true}};
}

/* Whether the second is asked before the first, at this time. */
static bool first_is_behind(const struct server *servers, uint64_t now_ms)
{
	uint8_t order[2];

	assert_int_equal(server_order(servers, 2, target, sizeof(target), now_ms, order), 2);
	assert_int_equal(order[0] + order[1], 1);
	return order[0] == 1;
}

static void a_failure_puts_behind_for_one_second_then_two_up_to_thirty(void **state)
{
	static const uint64_t behind_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct server servers[2] = {new_server(), new_server()};
	uint64_t now = 5000;

	(void)state;
	assert_false(first_is_behind(servers, now));
	for (size_t i = 0; i < sizeof(behind_ms) / sizeof(behind_ms[0]); i++) {
		server_failed(&servers[0], now);
		assert_true(first_is_behind(servers, now));
		now += behind_ms[i];
		assert_true(first_is_behind(servers, now - 1));
		assert_false(first_is_behind(servers, now));
	}
}

static void an_answer_brings_back_to_the_front(void **state)
{
	struct server servers[2] = {new_server(), new_server()};
	struct packet_question question = {.edns = true, .ecs = true};

	(void)state;
	for (int i = 0; i < 10; i++)
		server_failed(&servers[0], 1000);
	assert_true(first_is_behind(servers, 1000));
	server_answered(&servers[0], &question, AN_RCODE_NOERROR, 500, 1000);
	assert_false(first_is_behind(servers, 1000));
	server_failed(&servers[0], 1000); /* and the count begins anew */
	assert_false(first_is_behind(servers, 2000));
}

static void where_all_failed_all_are_asked_in_order(void **state)
{
	struct server servers[2] = {new_server(), new_server()};

	(void)state;
	server_failed(&servers[0], 1000);
	server_failed(&servers[1], 1000);
	assert_false(first_is_behind(servers, 1000));
}

static void what_was_learned_is_forgotten_after_a_quarter_of_an_hour(void **state)
{
	struct network client;
	struct server server = new_server();
	struct packet_question plain = {.edns = true};

	(void)state;
	network_parse("192.0.2.0/25", &client);
	assert_true(server_question(&server, &client, 0).ecs);
	server_answered(&server, &plain, AN_RCODE_FORMERR, 500, 1000);
	assert_false(server_question(&server, &client, 1000).ecs);
	assert_true(server_question(&server, &client, 1000).edns);
	assert_false(server_question(&server, &client, 1000 + 899999).ecs);
	assert_true(server_question(&server, &client, 1000 + 900000).ecs);
	plain.edns = false;
	server_answered(&server, &plain, AN_RCODE_FORMERR, 500, 1000);
	assert_false(server_question(&server, &client, 1000).edns);
	assert_false(server_question(&server, &client, 1000).ecs);
	assert_true(server_question(&server, &client, 1000 + 900000).edns);
}

static void refused_counts_in_a_row_only(void **state)
{
	struct packet_question plain = {.edns = true}, full = {.edns = true, .ecs = true};
	struct server server = new_server();
	struct network nobody = {0};

	(void)state;
	server_answered(&server, &plain, AN_RCODE_REFUSED, 500, 1000);
	server_answered(&server, &plain, AN_RCODE_REFUSED, 500, 1000);
	server_answered(&server, &full, AN_RCODE_NOERROR, 500, 1000);
	server_answered(&server, &plain, AN_RCODE_REFUSED, 500, 1000);
	server_answered(&server, &plain, AN_RCODE_REFUSED, 500, 1000);
	assert_true(server_question(&server, &nobody, 1000).ecs);
	server_answered(&server, &plain, AN_RCODE_REFUSED, 500, 1000);
	assert_false(server_question(&server, &nobody, 1000).ecs);
}

static void the_rtt_is_smoothed(void **state)
{
	struct packet_question question = {.edns = true};
	struct server server = new_server();

	(void)state;
	server_answered(&server, &question, AN_RCODE_NOERROR, 800, 0);
	assert_int_equal(server.stats.rtt_us, 800);
	server_answered(&server, &question, AN_RCODE_NOERROR, 1600, 0);
	assert_int_equal(server.stats.rtt_us, 900);
}

static void the_longest_suffix_wins_in_any_order_of_configuration(void **state)
{
	struct server servers[3] = {new_server(), new_server(), new_server()};
	uint8_t order[3];

	(void)state;
	servers[0].config.suffix = (struct config_name){"\7example", 9};
	servers[2].config.suffix = (struct config_name){"\7example", 9};
	assert_int_equal(server_order(servers, 3, target, sizeof(target), 0, order), 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 2);
	servers[1].config.suffix = (struct config_name){"\1a\7example", 11};
	assert_int_equal(server_order(servers, 3, target, sizeof(target), 0, order), 1);
	assert_int_equal(order[0], 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_failure_puts_behind_for_one_second_then_two_up_to_thirty),
	        cmocka_unit_test(an_answer_brings_back_to_the_front),
	        cmocka_unit_test(where_all_failed_all_are_asked_in_order),
	        cmocka_unit_test(what_was_learned_is_forgotten_after_a_quarter_of_an_hour),
	        cmocka_unit_test(refused_counts_in_a_row_only),
	        cmocka_unit_test(the_longest_suffix_wins_in_any_order_of_configuration),
	        cmocka_unit_test(the_rtt_is_smoothed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
