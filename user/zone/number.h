/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * number - numbers and TTLs of master files, strictly: no sign, no blank, no
 * wrapping round, the whole text.
 */
#ifndef ANAMED_ZONE_NUMBER_H
#define ANAMED_ZONE_NUMBER_H

#include <stdint.h>

/* A decimal number up to `most`. 0 or -EINVAL. */
int number_parse(const char *text, uint32_t most, uint32_t *ret);

/* A TTL or period: seconds, or sums like 1h30m (s, m, h, d, w). 0 or -EINVAL; at most 2^31 - 1. */
int number_parse_ttl(const char *text, uint32_t *ret);

#endif
