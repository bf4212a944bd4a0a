/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chart - small plots as SVG that stands inside a page. Pure.
 *
 * Nothing in them but numbers and texts that are escaped; colours by classes of
 * the page's style. Each says in words (title) what it shows.
 */
#ifndef ANAMED_SHOW_CHART_H
#define ANAMED_SHOW_CHART_H

#include <jansson.h>
#include <stdio.h>

/* An area plot of a list of numbers, oldest first, from zero to the greatest of them. `name`: of
 * what. `step_s`: between two. */
void chart_line(FILE *out, const char *name, const json_t *values, double step_s);

/* What it shows, in words, for beside it. */
void chart_words(FILE *out, const json_t *values);

/*
 * A strip of up and down over the `window_s` seconds before `now_unix_s`, out
 * of changes ({"unix_s", "up"}, oldest first) and what holds now.
 */
void chart_strip(FILE *out, const json_t *changes, int up, long long now_unix_s,
                 long long window_s);

/* "12", "1.2k", "3.4M". */
char *chart_number(double value, char *ret, size_t size);

#endif
