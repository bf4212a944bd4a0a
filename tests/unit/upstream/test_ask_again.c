/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions put a second time: without ECS, without EDNS, over TCP. */
#include "asking.h"

/* ---- upstreams that speak less ---- */

static void formerr_to_ecs(struct fake_query *query)
{
	if (query->ecs)
		fails_with(query, 1);
	else
		good(query);
}

static void one_without_ecs_is_asked_again_and_remembered(void **state)
{
	(void)state;
	add("127.0.0.1", formerr_to_ecs);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 0);
	assert_false(result.ecs_echoed);
	assert_int_equal(result.asked.family, 0);
	assert_true(fakes[0].last.edns);
	assert_int_equal(fakes[0].queries, 2);
	assert_int_equal(stats(0).without_ecs, 1);
	assert_true(stats(0).no_ecs);
	assert_false(stats(0).no_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(fakes[0].queries, 3);
}

static void formerr_to_edns(struct fake_query *query)
{
	begin(query, 0x80 | (query->edns ? 1 : 0));
	if (!query->edns)
		draft_address(&draft, query->name, 60, "192.0.2.1");
	send_draft(query);
}

static void one_without_edns_is_asked_plainly_and_remembered(void **state)
{
	(void)state;
	add("127.0.0.1", formerr_to_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.1");
	assert_int_equal(fakes[0].queries, 3); /* ECS, EDNS, neither: each whole, none cut */
	assert_false(fakes[0].last.edns);
	assert_int_equal(fakes[0].last.len, fakes[0].last.question_end);
	assert_true(stats(0).no_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(fakes[0].queries, 4);
	assert_false(fakes[0].last.edns);
}

static void a_reply_without_opt_holds_for_everyone(void **state)
{
	(void)state;
	add("127.0.0.1", without_opt);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 0);
	assert_false(result.ecs_echoed);
	assert_int_equal(result.asked.len, 24);
}

static void refused_to_ecs(struct fake_query *query)
{
	if (query->ecs)
		fails_with(query, 5);
	else
		good(query);
}

static void refused_is_asked_again_without_ecs_and_believed_the_third_time(void **state)
{
	(void)state;
	add("127.0.0.1", refused_to_ecs);
	for (unsigned int i = 1; i <= 3; i++) {
		ask("name.example", "192.0.2.0/24");
		assert_int_equal(result.status, UPSTREAM_OK);
		assert_int_equal(fakes[0].queries, 2 * i);
		assert_int_equal(stats(0).no_ecs, i == 3);
	}
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(fakes[0].queries, 7);
}

static void refused(struct fake_query *query)
{
	fails_with(query, 5);
}

static void refused_with_and_without_ecs_is_a_failure(void **state)
{
	(void)state;
	add("127.0.0.1", refused);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 5);
	assert_int_equal(fakes[0].queries, 2);
	assert_false(stats(0).no_ecs);
}

/* ---- truncation ---- */

static void a_truncated_reply_is_fetched_over_tcp(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.count, 64);
	assert_int_equal(result.scope, 24);
	assert_int_equal(fakes[0].tcp_queries, 1);
	assert_int_equal(stats(0).tcp, 1);
	assert_int_equal(stats(0).asked, 1);
}

static void formerr_over_tcp(struct fake_query *query)
{
	if (query->stream && query->len != query->question_end)
		fails_with(query, 1);
	else
		big_over_tcp(query);
}

static void formerr_over_tcp_leaves_later_questions_whole(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	ask("name.example", "192.0.2.0/24");
	fakes[0].script = formerr_over_tcp;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.count, 64);
	fakes[0].script = good;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_false(fakes[0].last.edns);
	assert_true(stats(0).no_edns);
}

static void mismatch_over_tcp(struct fake_query *query)
{
	static const uint8_t other[16] = {203, 0, 113};

	if (!query->stream) {
		big_over_tcp(query);
		return;
	}
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "203.0.113.66");
	draft_opt_ecs(&draft, 1, 24, 24, other);
	send_draft(query);
}

static void a_wrong_echo_over_tcp_is_not_believed(void **state)
{
	(void)state;
	add("127.0.0.1", mismatch_over_tcp);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_BAD);
	assert_int_equal(stats(0).mismatched, 1);
}

static void tcp_that_is_closed_is_a_network_failure(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	uv_close((uv_handle_t *)&fakes[0].tcp, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        ASK_TEST(one_without_ecs_is_asked_again_and_remembered),
	        ASK_TEST(one_without_edns_is_asked_plainly_and_remembered),
	        ASK_TEST(a_reply_without_opt_holds_for_everyone),
	        ASK_TEST(refused_is_asked_again_without_ecs_and_believed_the_third_time),
	        ASK_TEST(refused_with_and_without_ecs_is_a_failure),
	        ASK_TEST(a_truncated_reply_is_fetched_over_tcp),
	        ASK_TEST(formerr_over_tcp_leaves_later_questions_whole),
	        ASK_TEST(a_wrong_echo_over_tcp_is_not_believed),
	        ASK_TEST(tcp_that_is_closed_is_a_network_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
