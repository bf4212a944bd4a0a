/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * units - numbers with a unit, as people write them in a configuration. Pure.
 *
 * Durations: a whole number and one of ms, s, m, h, d, w; only 0 may stand
 * without a unit. Sizes: a whole number, or with K, M, G (times 1024 each). No
 * signs, blanks, fractions. Nothing that overflows 64 bits is taken.
 */
#ifndef ANAMED_CONTROL_UNITS_H
#define ANAMED_CONTROL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_TEXT_MAX 32

/* All: 0, -EINVAL (not of this form) or -ERANGE (does not fit); *ret untouched on failure. */
int units_number(const char *text, uint64_t *ret);
int units_duration_ms(const char *text, uint64_t *ret_ms);
int units_size(const char *text, uint64_t *ret);

/* The shortest exact form: "300ms", "5s", "3d", "0". */
char *units_duration_text(uint64_t ms, char ret[UNITS_TEXT_MAX]);

#endif
