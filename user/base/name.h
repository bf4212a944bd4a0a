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
#include <string.h>

#include "anamed/key.h"

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

/* For name_equal(): names of less than eight octets. */
bool name_equal_short(const uint8_t *a, const uint8_t *b, size_t len);

static inline bool name_equal8(const uint8_t *a, const uint8_t *b)
{
	uint64_t one = an_load8(a), two = an_load8(b);

	return one == two || an_lower8(one) == an_lower8(two);
}

static inline bool name_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (a_len != b_len)
		return false;
	if (a_len < 8)
		return name_equal_short(a, b, a_len);
	for (size_t i = 0; i + 8 < a_len; i += 8)
		if (!name_equal8(a + i, b + i))
			return false;
	return name_equal8(a + a_len - 8, b + a_len - 8); /* overlaps what was seen already */
}

/* True if `name` is `apex` or below it. */
bool name_under(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len);

/* The name without its first label; the root stays the root. */
const uint8_t *name_parent(const uint8_t *name);

/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/* A 64-bit hash of the lower-cased name for tables inside the process. */
uint64_t name_hash(const uint8_t *name, size_t len);

/* The same from another start: an_name_hash(), which goes octet by octet for the verifier's sake,
 * in fewer steps. */
static inline uint64_t name_hash_from(uint64_t seed, const uint8_t *name, size_t len)
{
	uint64_t hash = seed, rest;
	uint8_t piece[8] = {0};
	size_t at = 0;

	for (; at + 8 <= len; at += 8)
		hash = an_hash_step(hash, an_lower8(an_load8(name + at)));
	if (at == len)
		return hash;
	if (at) {
		rest = an_load8(name + len - 8) >> 8 * (8 - (len - at));
	} else {
		memcpy(piece, name, len);
		rest = an_load8(piece);
	}
	return an_hash_step(hash, an_lower8(rest));
}

#endif
