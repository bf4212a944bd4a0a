/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * one_bench - the one bench of a test program, new for each test.
 */
#ifndef TESTS_ONE_BENCH_H
#define TESTS_ONE_BENCH_H

#include "unit/kernel/desk_bench.h"

static struct bench bench;

static int open_bench(void **state)
{
	bench_open(&bench, *state);
	return 0;
}

static int close_bench(void **state)
{
	(void)state;
	bench_close(&bench);
	return 0;
}

/* sizes: a struct fake_sizes. */
#define ON_BENCH_OF(sizes, test)                                                                   \
	cmocka_unit_test_prestate_setup_teardown(test, open_bench, close_bench,                    \
	                                         (void *)(uintptr_t) & (sizes))

#endif
