/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdint.h>

#include "control/units.h"

static const struct {
	const char *text;
	int err;
	uint64_t value;
} durations[] = {
        {"0", 0, 0},
        {"0s", 0, 0},
        {"1ms", 0, 1},
        {"300ms", 0, 300},
        {"5s", 0, 5000},
        {"10m", 0, 600000},
        {"2h", 0, 7200000},
        {"3d", 0, 259200000},
        {"1w", 0, 604800000},
        {"18446744073709551615ms", 0, UINT64_MAX},
        {"18446744073709551616ms", -ERANGE, 0},
        {"18446744073709551615s", -ERANGE, 0},
        {"99999999999999999999999999s", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"5", -EINVAL, 0},
        {"00", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"5 s", -EINVAL, 0},
        {" 5s", -EINVAL, 0},
        {"5s ", -EINVAL, 0},
        {"-5s", -EINVAL, 0},
        {"+5s", -EINVAL, 0},
        {"1.5s", -EINVAL, 0},
        {"5S", -EINVAL, 0},
        {"5sec", -EINVAL, 0},
        {"0x5s", -EINVAL, 0},
};

static void durations_are_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		uint64_t value = 77;
		int err = units_duration_ms(durations[i].text, &value);

		if (err != durations[i].err || value != (err ? 77 : durations[i].value))
			fail_msg("`%s' gives %d, %llu", durations[i].text, err,
			         (unsigned long long)value);
	}
}

static const struct {
	const char *text;
	int err;
	uint64_t value;
} sizes[] = {
        {"0", 0, 0},
        {"4096", 0, 4096},
        {"1K", 0, 1024},
        {"16M", 0, 16777216},
        {"2G", 0, 2147483648},
        {"17179869183G", 0, 17179869183ULL << 30},
        {"17179869184G", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"K", -EINVAL, 0},
        {"1k", -EINVAL, 0},
        {"1KB", -EINVAL, 0},
        {"-1", -EINVAL, 0},
};

static void sizes_are_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t value = 77;
		int err = units_size(sizes[i].text, &value);

		if (err != sizes[i].err || value != (err ? 77 : sizes[i].value))
			fail_msg("`%s' gives %d, %llu", sizes[i].text, err,
			         (unsigned long long)value);
	}
}

static void durations_are_written_as_they_would_be_read(void **state)
{
	static const uint64_t values[] = {0,         1,         999,       1000,     1500,
	                                  60000,     90000,     3600000,   86400000, 259200000,
	                                  604800000, 604800001, UINT64_MAX};
	char text[UNITS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t back = 77;

		assert_int_equal(units_duration_ms(units_duration_text(values[i], text), &back), 0);
		assert_int_equal(back, values[i]);
	}
	assert_string_equal(units_duration_text(259200000, text), "3d");
	assert_string_equal(units_duration_text(90000, text), "90s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(durations_are_read_exactly),
	        cmocka_unit_test(sizes_are_read_exactly),
	        cmocka_unit_test(durations_are_written_as_they_would_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
