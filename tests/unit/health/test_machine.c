/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "health/machine.h"

#define S 1000ULL

static const struct machine_rules plain = {.rise = 2, .fall = 3, .interval_ms = 10 * S};

/* Feeds results, one an interval: '+' good, '-' bad; gives what was up after each, as "UUD". */
static void feed(struct machine *machine, const struct machine_rules *rules, const char *results,
                 uint64_t *now_ms, char *ret)
{
	for (; *results; results++) {
		bool before = machine_up(machine);
		bool changed = machine_result(machine, rules, *results == '+', *now_ms);

		assert_int_equal(changed, before != machine_up(machine));
		*ret++ = machine_up(machine) ? 'U' : 'D';
		*now_ms += rules->interval_ms;
	}
	*ret = 0;
}

struct course {
	const char *results, *states;
};

static const struct course courses[] = {
        {"+", "U"},
        {"--", "UU"},
        {"---", "UUD"},
        {"--+--", "UUUUU"},
        {"--+---", "UUUUUD"},
        {"---+", "UUDD"},
        {"---++", "UUDDU"},
        {"---+-+", "UUDDDD"},
        {"---+-++", "UUDDDDU"},
        {"----------+", "UUDDDDDDDDD"},
        {"---++--+---", "UUDDUUUUUUD"},
};

static void up_after_rise_and_down_after_fall_in_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
		struct machine machine = {.live = true};
		uint64_t now_ms = 5 * S;
		char states[64];

		feed(&machine, &plain, courses[i].results, &now_ms, states);
		assert_string_equal(states, courses[i].states);
	}
}

static void what_was_never_known_is_up_and_what_was_known_stays(void **state)
{
	struct machine fresh = {.live = true}, restored = {.known = true};
	uint64_t now_ms = 0;
	char states[8];

	(void)state;
	assert_true(machine_up(&fresh));
	assert_false(fresh.known);
	assert_false(machine_up(&restored));
	feed(&restored, &plain, "++", &now_ms, states);
	assert_string_equal(states, "DU");
	feed(&fresh, &plain, "-", &now_ms, states);
	assert_true(fresh.known);
}

static void one_of_one_changes_at_once(void **state)
{
	const struct machine_rules rules = {.rise = 1, .fall = 1, .interval_ms = 1 * S};
	struct machine machine = {.live = true};
	uint64_t now_ms = 0;
	char states[8];

	(void)state;
	assert_true(machine_near(&machine, &rules));
	feed(&machine, &rules, "-+-", &now_ms, states);
	assert_string_equal(states, "DUD");
}

/* ---- what may come ---- */

struct outlook {
	const char *results;
	bool near;
	uint64_t missing; /* results until a change */
};

static const struct outlook outlooks[] = {
        {"", false, 3},    {"-", false, 2},   {"--", true, 1},     {"--+", false, 3},
        {"---", false, 2}, {"---+", true, 1}, {"---+-", false, 2},
};

static void near_is_one_result_away_and_the_next_change_is_no_sooner(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(outlooks) / sizeof(outlooks[0]); i++) {
		struct machine machine = {.live = true};
		uint64_t now_ms = 0;
		char states[16];

		feed(&machine, &plain, outlooks[i].results, &now_ms, states);
		assert_int_equal(machine_near(&machine, &plain), outlooks[i].near);
		assert_int_equal(machine_next_change(&machine, &plain, now_ms),
		                 now_ms + (outlooks[i].missing - 1) * plain.interval_ms);
	}
}

/* ---- damping ---- */

static const struct machine_rules damping = {
        .rise = 1, .fall = 1, .interval_ms = 1 * S, .damping_ms = 100 * S, .damping_limit = 3};

static void who_falls_too_often_stays_down_for_a_while(void **state)
{
	struct machine machine = {.live = true};
	uint64_t now_ms = 0, light_ms;
	char states[16];

	(void)state;
	/* The falls weigh a little less than 1 by the time of the last: it takes a fourth. */
	feed(&machine, &damping, "-+-+-+-+", &now_ms, states);
	assert_string_equal(states, "DUDUDUDD");
	assert_true(machine.damped);
	assert_true(machine_near(&machine, &damping));
	light_ms = machine_next_change(&machine, &damping, now_ms);
	for (; now_ms < light_ms; now_ms += S)
		assert_false(machine_result(&machine, &damping, true, now_ms));
	assert_true(machine_result(&machine, &damping, true, now_ms + 1));
	assert_true(machine_up(&machine));
	/* From 4 to 1.5: more than one half-life, less than two. */
	assert_in_range(light_ms, 106 * S, 206 * S);
}

static void damping_ends_two_half_lives_after_the_last_fall(void **state)
{
	struct machine machine = {.live = true};
	uint64_t now_ms = 0, last_ms;

	(void)state;
	for (int i = 0; i < 1000; i++, now_ms += S)
		machine_result(&machine, &damping, i & 1, now_ms);
	last_ms = now_ms - 2 * S;
	assert_true(machine.damped);
	assert_true(machine_next_change(&machine, &damping, now_ms) <= last_ms + 200 * S);
	assert_false(machine_result(&machine, &damping, true, last_ms + 190 * S));
	assert_true(machine_result(&machine, &damping, true, last_ms + 201 * S));
}

static void slow_changes_are_not_damped(void **state)
{
	struct machine machine = {.live = true};

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		assert_true(machine_result(&machine, &damping, false, i * 400 * S));
		assert_true(machine_result(&machine, &damping, true, i * 400 * S + 200 * S));
	}
}

static void long_ago_weighs_nothing_and_clocks_that_stand_do_no_harm(void **state)
{
	struct machine machine = {.live = true};

	(void)state;
	for (int i = 0; i < 10; i++) {
		machine_result(&machine, &damping, false, 1000 * S);
		machine_result(&machine, &damping, true, 999 * S);
	}
	assert_true(machine.damped);
	assert_true(machine_result(&machine, &damping, true, UINT64_MAX / 2));
}

/* ---- pace ---- */

static void failures_that_take_time_are_made_up_for(void **state)
{
	struct machine machine = {.live = true};
	uint64_t at_ms = 10 * S; /* of the first check after the last success */

	(void)state;
	/* Every check waits for its timeout of 2 s; the third has failed at 30 s. */
	for (int i = 0; i < 3; i++) {
		bool changed = machine_result(&machine, &plain, false, at_ms + 2 * S);

		assert_int_equal(changed, i == 2);
		if (changed)
			assert_int_equal(at_ms + 2 * S, 30 * S);
		at_ms += machine_pace(&machine, &plain, 10 * S, 2 * S);
	}
	/* Down: no hurry any more. */
	assert_int_equal(machine_pace(&machine, &plain, 10 * S, 2 * S), 10 * S);
}

static void failures_that_come_at_once_change_no_pace(void **state)
{
	const struct machine_rules once = {.rise = 1, .fall = 1, .interval_ms = S};
	struct machine machine = {.live = true};

	(void)state;
	assert_int_equal(machine_pace(&machine, &plain, 10 * S, 0), 10 * S);
	machine_result(&machine, &plain, false, 0);
	assert_int_equal(machine_pace(&machine, &plain, 10 * S, 0), 10 * S);
	assert_int_equal(machine_pace(&machine, &plain, 10 * S, 40 * S), 0);
	machine_result(&machine, &once, false, 0);
	assert_int_equal(machine_pace(&machine, &once, S, S), S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(up_after_rise_and_down_after_fall_in_a_row),
	        cmocka_unit_test(what_was_never_known_is_up_and_what_was_known_stays),
	        cmocka_unit_test(one_of_one_changes_at_once),
	        cmocka_unit_test(near_is_one_result_away_and_the_next_change_is_no_sooner),
	        cmocka_unit_test(who_falls_too_often_stays_down_for_a_while),
	        cmocka_unit_test(damping_ends_two_half_lives_after_the_last_fall),
	        cmocka_unit_test(slow_changes_are_not_damped),
	        cmocka_unit_test(long_ago_weighs_nothing_and_clocks_that_stand_do_no_harm),
	        cmocka_unit_test(failures_that_take_time_are_made_up_for),
	        cmocka_unit_test(failures_that_come_at_once_change_no_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
