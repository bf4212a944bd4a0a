/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * escape - text of others, made fit for where it goes. Pure.
 *
 * Names in zones, files and messages are input: whoever writes them may want to
 * be markup. Nothing else of this room writes a text that it did not make.
 */
#ifndef ANAMED_SHOW_ESCAPE_H
#define ANAMED_SHOW_ESCAPE_H

#include <stdio.h>

/* For HTML and SVG: between tags, and within quotes of an attribute. NULL is nothing. Control
 * characters come out as U+FFFD. */
void escape_html(FILE *out, const char *text);

/* For the value of a label in Prometheus' text form, without its quotes. NULL is nothing. */
void escape_label(FILE *out, const char *text);

#endif
