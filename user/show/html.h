/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html - the pieces that the status page's tables are made of. All text is
 * escaped here.
 */
#ifndef ANAMED_SHOW_HTML_H
#define ANAMED_SHOW_HTML_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A section's begin, up to the rows of its table. `columns`: separated by '|'; those that begin
 * with '#' are numbers. */
void html_table_begin(FILE *out, const char *id, const char *title, const char *caption,
                      const char *columns);
void html_table_end(FILE *out);

/* A row's begin, up to its first cell; the caller ends it. */
void html_row(FILE *out, const char *head);
void html_cell(FILE *out, const char *text);
/* The whole number at the key; empty if there is none. */
void html_number(FILE *out, const json_t *object, const char *key);
/* Good or bad, by more than its colour, with more behind the word. */
void html_state(FILE *out, bool good, const char *word, const char *more);
/* Neither. */
void html_neutral(FILE *out, const char *word, const char *more);

/* "3 d 4 h", "5 min 2 s". */
const char *html_span(long long seconds, char *ret, size_t size);

#endif
