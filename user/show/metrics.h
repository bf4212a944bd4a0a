/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics - what is going on, in Prometheus' text form (version 0.0.4). Pure.
 *
 * Made of the document that /status.json gives. A table says which member
 * becomes which metric; members that are not there give none, and a counter
 * that the table does not know comes out under its own name, untyped. Names
 * are stable: dashboards and alerts read them.
 */
#ifndef ANAMED_SHOW_METRICS_H
#define ANAMED_SHOW_METRICS_H

#include <jansson.h>
#include <stdio.h>

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_write(FILE *out, const json_t *document);

#endif
