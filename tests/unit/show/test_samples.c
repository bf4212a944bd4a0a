/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include "show/samples.h"

static void add(struct samples *samples, uint64_t now_ms, uint64_t value)
{
	const uint64_t values[SAMPLES_COUNTERS] = {value, 2 * value};

	samples_add(samples, now_ms, values);
}

static void test_nothing_and_one_have_no_span(void **state)
{
	static struct samples samples;

	(void)state;
	assert_int_equal(samples_spans(&samples), 0);
	assert_true(samples_is_due(&samples, 0));
	add(&samples, 1000, 5);
	assert_int_equal(samples_spans(&samples), 0);
}

static void test_a_rate_is_growth_a_second(void **state)
{
	static struct samples samples;

	(void)state;
	add(&samples, 1000, 100);
	assert_false(samples_is_due(&samples, 1000 + SAMPLES_STEP_MS - 1));
	assert_true(samples_is_due(&samples, 1000 + SAMPLES_STEP_MS));
	add(&samples, 11000, 150);
	assert_int_equal(samples_spans(&samples), 1);
	assert_float_equal(samples_rate(&samples, 0, 0), 5, 1e-9);
	assert_float_equal(samples_rate(&samples, 0, 1), 10, 1e-9);
	add(&samples, 11000, 200); /* no time has passed */
	assert_float_equal(samples_rate(&samples, 1, 0), 0, 1e-9);
}

static void test_a_counter_that_began_again_grew_by_what_it_has(void **state)
{
	static struct samples samples;

	(void)state;
	add(&samples, 0, 1000000);
	add(&samples, 10000, 30);
	assert_float_equal(samples_rate(&samples, 0, 0), 3, 1e-9);
}

static void test_the_oldest_goes(void **state)
{
	static struct samples samples;
	uint64_t total = 0;

	(void)state;
	/* The rate in span i, counted from the first sample, is i + 1. */
	for (uint64_t i = 0; i < 2 * SAMPLES_MAX; i++) {
		add(&samples, i * 1000, total);
		total += i + 1;
	}
	assert_int_equal(samples_spans(&samples), SAMPLES_MAX - 1);
	assert_float_equal(samples_rate(&samples, 0, 0), SAMPLES_MAX + 1, 1e-9);
	assert_float_equal(samples_rate(&samples, SAMPLES_MAX - 2, 0), 2 * SAMPLES_MAX - 1, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_and_one_have_no_span),
	        cmocka_unit_test(test_a_rate_is_growth_a_second),
	        cmocka_unit_test(test_a_counter_that_began_again_grew_by_what_it_has),
	        cmocka_unit_test(test_the_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
