/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions that are cancelled, put and freed from inside callbacks. */
#include "asking.h"

static void a_cancelled_question_gives_no_result(void **state)
{
	struct upstream_ask *asked;

	(void)state;
	add("127.0.0.1", good);
	asked = ask_with("name.example", 1, NULL, on_done, NULL);
	upstream_cancel(asked); /* before anything happened */
	asked = ask_with("name.example", 1, NULL, on_done, NULL);
	while (fakes[0].queries < 2) /* with the reply under way */
		uv_run(&loop, UV_RUN_ONCE);
	upstream_cancel(asked);
	ask("name.example", NULL);
	assert_int_equal(results, 1);
	assert_int_equal(fakes[0].queries, 3);
}

static struct upstream_ask *others[8];
static unsigned int cancelled;

static void cancel_the_others(const struct upstream_result *given, void *arg)
{
	on_done(given, NULL);
	*(struct upstream_ask **)arg = NULL;
	for (size_t i = 0; i < 8; i++)
		if (others[i]) {
			upstream_cancel(others[i]);
			others[i] = NULL;
			cancelled++;
		}
}

static void others_are_cancelled_from_inside_a_callback(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	cancelled = 0;
	for (size_t i = 0; i < 8; i++)
		others[i] = ask_with("name.example", 1, NULL, cancel_the_others, &others[i]);
	wait_for(1);
	for (int i = 0; i < 20; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(results, 1);
	assert_int_equal(cancelled, 7);
}

static void ask_another(const struct upstream_result *given, void *arg)
{
	on_done(given, NULL);
	if (results < 20)
		ask_with("name.example", 1, NULL, ask_another, arg);
}

static void a_callback_may_ask_again(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	ask_with("name.example", 1, NULL, ask_another, NULL);
	wait_for(20);
}

static void free_all(const struct upstream_result *given, void *arg)
{
	on_done(given, arg);
	upstream_free(upstream);
	upstream = NULL;
}

static void everything_may_be_freed_from_inside_a_callback(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	for (size_t i = 0; i < 8; i++)
		ask_with("name.example", 1, NULL, free_all, NULL);
	wait_for(1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(results, 1);
}

static void freeing_with_questions_out_gives_no_results(void **state)
{
	(void)state;
	add("127.0.0.1", silent);
	add("127.0.0.1", big_over_tcp);
	upstreams[0].hedge_ms = 0;
	for (size_t i = 0; i < 8; i++)
		ask_with("name.example", 1, NULL, on_done, NULL);
	while (!fakes[1].tcp_queries)
		uv_run(&loop, UV_RUN_ONCE);
	upstream_free(upstream);
	upstream = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(results, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        ASK_TEST(a_cancelled_question_gives_no_result),
	        ASK_TEST(others_are_cancelled_from_inside_a_callback),
	        ASK_TEST(a_callback_may_ask_again),
	        ASK_TEST(everything_may_be_freed_from_inside_a_callback),
	        ASK_TEST(freeing_with_questions_out_gives_no_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
