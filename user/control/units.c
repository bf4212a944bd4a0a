/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *text;
	uint64_t times;
};

/* Longest first, for units_duration_text(). */
static const struct unit durations[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000},
                                        {"m", 60000},     {"s", 1000},     {"ms", 1}};
static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Reads digits; *ret_rest is what follows them. */
static int read_digits(const char *text, uint64_t *ret, const char **ret_rest)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	*ret = value;
	*ret_rest = p;
	return 0;
}

static int read_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
	const char *rest;
	uint64_t value;
	int err = read_digits(text, &value, &rest);

	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rest, units[i].text) != 0)
			continue;
		if (__builtin_mul_overflow(value, units[i].times, &value))
			return -ERANGE;
		*ret = value;
		return 0;
	}
	return -EINVAL;
}

int units_number(const char *text, uint64_t *ret)
{
	return read_with_unit(text, sizes, 1, ret);
}

int units_duration_ms(const char *text, uint64_t *ret_ms)
{
	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	return read_with_unit(text, durations, COUNT(durations), ret_ms);
}

int units_size(const char *text, uint64_t *ret)
{
	return read_with_unit(text, sizes, COUNT(sizes), ret);
}

char *units_duration_text(uint64_t ms, char ret[UNITS_TEXT_MAX])
{
	snprintf(ret, UNITS_TEXT_MAX, "0");
	for (size_t i = 0; i < COUNT(durations) && ms; i++) {
		if (ms % durations[i].times)
			continue;
		snprintf(ret, UNITS_TEXT_MAX, "%" PRIu64 "%s", ms / durations[i].times,
		         durations[i].text);
		break;
	}
	return ret;
}
