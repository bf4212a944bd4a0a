/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reason - why a client is in its region, out of the configuration's files.
 *
 * The daemon says in which region a client is; databases and tables are read
 * once more, by whoever asks, to say what stands in them and what decided.
 */
#ifndef ANAMED_CONTROL_REASON_H
#define ANAMED_CONTROL_REASON_H

#include <jansson.h>

#include "base/error.h"

/* Adds `region_by`, `places` and lines of `words` to the daemon's reply to explain, where it has a
 * policy. 0 or a negative errno with *error: what could be said is there. */
int reason_add(const char *config_path, json_t *reply, struct error *error);

#endif
