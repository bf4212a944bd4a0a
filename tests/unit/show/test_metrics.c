/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "anamed/counters.h"
#include "show/metrics.h"
#include "unit/show/written.h"

static void has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return;
	}
	fail_msg("no line %s in:\n%s", line, text);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static void test_nothing_gives_nothing(void **state)
{
	char *text = written_by(metrics_write, "{}");

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

static void test_rows_of_one_name_share_their_head(void **state)
{
	char *text =
	        written_by(metrics_write, "{\"stats\":{\"queries\":{\"kernel\":7,\"daemon\":8}}}");

	(void)state;
	assert_int_equal(count_of(text, "# TYPE anamed_queries_total counter\n"), 1);
	assert_int_equal(count_of(text, "# HELP anamed_queries_total "), 1);
	has_line(text, "anamed_queries_total{path=\"xdp\"} 7");
	has_line(text, "anamed_queries_total{path=\"user\"} 8");
	free(text);
}

static void test_members_become_labels_without_their_prefix(void **state)
{
	char *text = written_by(
	        metrics_write, "{\"stats\":{\"kernel\":{\"hit\":1,\"hit_ecs\":2,\"pass_ask\":3}}}");

	(void)state;
	has_line(text, "anamed_xdp_hits_total 1");
	has_line(text, "anamed_xdp_hits_of_kind_total{kind=\"ecs\"} 2");
	has_line(text, "anamed_xdp_passed_total{reason=\"ask\"} 3");
	assert_int_equal(count_of(text, "anamed_xdp_hits_of_kind_total{"), 1);
	assert_int_equal(count_of(text, "anamed_xdp_passed_total{"), 1);
	free(text);
}

static void test_entries_of_lists_have_their_labels_escaped(void **state)
{
	char *text = written_by(metrics_write,
	                        "{\"stats\":{\"upstreams\":[{\"address\":\"a\\\"\\n\\\\b\","
	                        "\"asked\":5,\"rtt_us\":1500},{\"address\":\"c\",\"asked\":6}]}}");

	(void)state;
	has_line(text, "anamed_upstream_asked_total{address=\"a\\\"\\n\\\\b\"} 5");
	has_line(text, "anamed_upstream_asked_total{address=\"c\"} 6");
	has_line(text, "anamed_upstream_rtt_seconds{address=\"a\\\"\\n\\\\b\"} 0.0015");
	free(text);
}

static void test_large_numbers_are_exact_and_flags_are_numbers(void **state)
{
	char *text = written_by(
	        metrics_write,
	        "{\"stats\":{\"store\":{\"answers\":9007199254740993}},\"status\":{\"kernel\":"
	        "{\"interfaces\":[{\"interface\":\"eth0\",\"mode\":\"native\",\"attached\":true},"
	        "{\"interface\":\"eth1\",\"mode\":\"none\",\"attached\":false}]}}}");

	(void)state;
	has_line(text, "anamed_store_answers 9007199254740993");
	has_line(text, "anamed_xdp_attached{interface=\"eth0\",mode=\"native\"} 1");
	has_line(text, "anamed_xdp_attached{interface=\"eth1\",mode=\"none\"} 0");
	free(text);
}

static void test_a_counter_that_the_table_lacks_comes_out_all_the_same(void **state)
{
	char *text = written_by(metrics_write, "{\"stats\":{\"flatten\":{\"wants\":1,\"new\":2},"
	                                       "\"kernel\":{\"other\":3,\"pass_x\":4}}}");

	(void)state;
	has_line(text, "# TYPE anamed_flatten_new untyped");
	has_line(text, "anamed_flatten_new 2");
	has_line(text, "anamed_flatten_wants_total 1");
	has_line(text, "anamed_xdp_other 3");
	assert_int_equal(count_of(text, "pass_x"), 0);
	free(text);
}

/* Whoever adds a counter to the program finds it here, and gives it a row where no prefix fits. */
static void test_every_counter_of_the_program_has_its_metric(void **state)
{
#define AN_MEMBER(name, text) "\"" #name "\":1,"
	char *text = written_by(metrics_write,
	                        "{\"stats\":{\"kernel\":{" AN_COUNTERS(AN_MEMBER) "\"hit\":1}}}");
#undef AN_MEMBER

	(void)state;
	assert_int_equal(count_of(text, "untyped"), 0);
	has_line(text, "anamed_xdp_passed_total{reason=\"internal\"} 1");
	has_line(text, "anamed_xdp_misses_limited_total{action=\"drop\"} 1");
	free(text);
}

static void test_what_is_no_number_is_left_out(void **state)
{
	char *text = written_by(metrics_write,
	                        "{\"stats\":{\"queries\":{\"kernel\":\"7\",\"daemon\":null},"
	                        "\"upstreams\":[{\"address\":\"a\"},17,null]},\"status\":[]}");

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_gives_nothing),
	        cmocka_unit_test(test_rows_of_one_name_share_their_head),
	        cmocka_unit_test(test_members_become_labels_without_their_prefix),
	        cmocka_unit_test(test_entries_of_lists_have_their_labels_escaped),
	        cmocka_unit_test(test_large_numbers_are_exact_and_flags_are_numbers),
	        cmocka_unit_test(test_a_counter_that_the_table_lacks_comes_out_all_the_same),
	        cmocka_unit_test(test_every_counter_of_the_program_has_its_metric),
	        cmocka_unit_test(test_what_is_no_number_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
