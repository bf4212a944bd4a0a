/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * places - at which line of a YAML text each value stands.
 *
 * libcyaml says where its own complaints are, but not where a value was that
 * turns out to be wrong later. One pass over libyaml's events notes the line
 * of every key and list entry under a path like "zones/2/file". The pass
 * refuses what a configuration has no use for: several documents, anchors and
 * aliases, keys given twice, NUL octets, deep nesting. The only file with
 * libyaml.
 */
#ifndef ANAMED_CONTROL_PLACES_H
#define ANAMED_CONTROL_PLACES_H

#include <stdbool.h>

#include "base/error.h"

struct places;

/* 0, -ENOMEM, or -EINVAL with *error (file and line). `file` is for messages. */
int places_read(const char *file, const char *text, size_t len, struct places **ret,
                struct error *error);
void places_free(struct places *places);

/* Line (from 1) of the value at this path; 0 if it is not in the text. */
unsigned int places_line(const struct places *places, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The first line from `line` on that has this key; `line` itself if there is none. */
unsigned int places_line_of_key(const struct places *places, const char *key, unsigned int line);

#endif
