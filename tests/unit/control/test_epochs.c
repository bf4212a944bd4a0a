/* SPDX-License-Identifier: BSD-2-Clause */
/* When zones are looked through for epochs that are over. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdint.h>

#include "base/clock.h"
#include "control/daemon.h"

#define LATER (INT64_C(1) << 40)

/* A reload is under way, of which nobody sees the inside. */
static struct reload *some_reload(struct daemon *daemon)
{
	return (struct reload *)(void *)daemon;
}

static void a_clock_that_is_set_back_during_a_reload_is_not_forgotten(void **state)
{
	struct daemon daemon = {.epochs_seen_s = LATER, .epochs_due_s = LATER};

	(void)state;
	daemon.reload = some_reload(&daemon);
	epochs_second(&daemon);
	assert_true(daemon.epochs_seen_s <= clock_unix_ms() / 1000);
	assert_int_equal(daemon.epochs_due_s, 0);
	epochs_second(&daemon);
	assert_int_equal(daemon.epochs_due_s, 0);
}

static void before_the_first_is_due_nothing_is_done(void **state)
{
	struct daemon daemon = {.epochs_due_s = LATER}; /* no zones to be looked at */

	(void)state;
	epochs_second(&daemon);
	assert_int_equal(daemon.epochs_due_s, LATER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_clock_that_is_set_back_during_a_reload_is_not_forgotten),
	        cmocka_unit_test(before_the_first_is_due_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
