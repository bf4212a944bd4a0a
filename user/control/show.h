/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show - replies of the daemon for people: from JSON to lines on a stream.
 *
 * What a reply lacks is left out; nothing here fails.
 */
#ifndef ANAMED_CONTROL_SHOW_H
#define ANAMED_CONTROL_SHOW_H

#include <jansson.h>
#include <stdio.h>

void show_status(FILE *out, const json_t *reply);
void show_stats(FILE *out, const json_t *reply);
void show_reload(FILE *out, const json_t *reply);
void show_answers(FILE *out, const json_t *reply);
void show_flush(FILE *out, const json_t *reply);
void show_explain(FILE *out, const json_t *reply);
void show_states(FILE *out, const json_t *reply);
void show_forced(FILE *out, const json_t *reply);
void show_zones(FILE *out, const json_t *reply);
void show_notified(FILE *out, const json_t *reply);
void show_records(FILE *out, const json_t *reply);
void show_interfaces(FILE *out, const json_t *reply);
void show_simulate(FILE *out, const json_t *reply);
void show_nothing(FILE *out, const json_t *reply);

/* "FILE:LINE: error: TEXT" of an object with these members. */
void show_fault(FILE *out, const json_t *fault);

#endif
