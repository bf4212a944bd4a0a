/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/number.h"

#include <errno.h>
#include <stdbool.h>

int number_parse(const char *text, uint32_t most, uint32_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > most)
			return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

static uint32_t unit_of(char c)
{
	switch (c | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

int number_parse_ttl(const char *text, uint32_t *ret)
{
	uint64_t sum = 0, value = 0;
	bool digits = false;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text >= '0' && *text <= '9') {
			value = value * 10 + (uint64_t)(*text - '0');
			digits = true;
		} else {
			if (!digits || !unit_of(*text))
				return -EINVAL;
			sum += value * unit_of(*text);
			value = 0;
			digits = false;
		}
		if (value > INT32_MAX || sum + value > INT32_MAX) /* RFC 2181 8 */
			return -EINVAL;
	}
	*ret = (uint32_t)(sum + value);
	return 0;
}
