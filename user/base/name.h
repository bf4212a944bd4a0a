/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name - uncompressed wire names.
 *
 * A wire name is a run of labels, each a length octet (1 to 63) and that many
 * octets, ended by the root label (one zero octet); at most 255 octets in all
 * (RFC 1035 3.1). "len" always counts the root label. Every function but
 * name_parse_wire() takes names that are well-formed already. Comparison is
 * without regard to ASCII case (RFC 4343).
 */
#ifndef ANAMED_BASE_NAME_H
#define ANAMED_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LEN  255
#define NAME_TEXT_MAX 1025 /* each octet as \DDD, dots, and the terminator */

/* Length of the well-formed name that starts at p within `size` octets; -EBADMSG if there is none
 * (compression is none). */
int name_parse_wire(const uint8_t *p, size_t size);

/*
 * Presentation form to wire. `text` may be relative: then `origin` (origin_len
 * octets) is appended; with origin NULL every name counts as absolute. \DDD and
 * \X are understood. Writes at most 255 octets to `ret`. Returns the length or
 * -EINVAL.
 */
int name_from_text(const char *text, const uint8_t *origin, size_t origin_len,
                   uint8_t ret[NAME_MAX_LEN]);

/* Writes the presentation form with its final dot (root: "."). Returns ret. */
char *name_to_text(const uint8_t *name, char ret[NAME_TEXT_MAX]);

size_t name_len(const uint8_t *name);
unsigned int name_labels(const uint8_t *name); /* without the root label */

/* Copies, lower-casing A-Z; dst may be src. */
void name_lower(uint8_t *dst, const uint8_t *src, size_t len);

bool name_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* True if `name` is `apex` or below it. */
bool name_under(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len);

/* The name without its first label; the root stays the root. */
const uint8_t *name_parent(const uint8_t *name);

/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/* A 64-bit hash of the lower-cased name for tables inside the process. */
uint64_t name_hash(const uint8_t *name, size_t len);

#endif
