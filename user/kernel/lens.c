/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/lens.h"

#include <string.h>

/* So many are counted no more: the length stays, which only costs a look-up. */
#define UNCOUNTED UINT16_MAX

/* Higher goes first. */
static unsigned int rank(uint8_t entry)
{
	return (entry & AN_LEN_BITS) * 2u + (entry & AN_LEN_EXACT ? 1 : 0);
}

/* Where the entry is, or would be put. */
static unsigned int place(const struct lens *lens, unsigned int f, uint8_t entry)
{
	unsigned int at = 0;

	while (at < lens->count[f] && rank(lens->len[f][at]) > rank(entry))
		at++;
	return at;
}

static bool is_at(const struct lens *lens, unsigned int f, unsigned int at, uint8_t entry)
{
	return at < lens->count[f] && lens->len[f][at] == entry;
}

bool lens_fits(const struct lens *lens, uint8_t family, uint8_t entry)
{
	unsigned int f = family - 1u;

	return lens->count[f] < AN_LENS_MAX || is_at(lens, f, place(lens, f, entry), entry);
}

bool lens_add(struct lens *lens, uint8_t family, uint8_t entry)
{
	unsigned int f = family - 1u, at = place(lens, f, entry);
	size_t behind = lens->count[f] - at;

	if (is_at(lens, f, at, entry)) {
		if (lens->audiences[f][at] < UNCOUNTED)
			lens->audiences[f][at]++;
		return false;
	}
	if (lens->count[f] == AN_LENS_MAX)
		return false;
	memmove(&lens->len[f][at + 1], &lens->len[f][at], behind);
	memmove(&lens->audiences[f][at + 1], &lens->audiences[f][at],
	        behind * sizeof(lens->audiences[f][0]));
	lens->len[f][at] = entry;
	lens->audiences[f][at] = 1;
	lens->count[f]++;
	return true;
}

bool lens_drop(struct lens *lens, uint8_t family, uint8_t entry)
{
	unsigned int f = family - 1u, at = place(lens, f, entry);
	size_t behind;

	if (!is_at(lens, f, at, entry) || lens->audiences[f][at] == UNCOUNTED ||
	    --lens->audiences[f][at])
		return false;
	lens->count[f]--;
	behind = lens->count[f] - at;
	memmove(&lens->len[f][at], &lens->len[f][at + 1], behind);
	memmove(&lens->audiences[f][at], &lens->audiences[f][at + 1],
	        behind * sizeof(lens->audiences[f][0]));
	lens->len[f][lens->count[f]] = 0;
	return true;
}

uint8_t lens_longer(const struct lens *lens, uint8_t family, uint8_t len)
{
	unsigned int f = family - 1u;
	uint8_t found = 0;

	for (unsigned int at = 0; at < lens->count[f]; at++) {
		uint8_t entry = lens->len[f][at];

		if (!(entry & AN_LEN_EXACT) && entry > len)
			found = entry;
	}
	return found;
}

bool lens_sane(uint8_t family, const uint8_t *list, uint8_t count)
{
	unsigned int longest = family == AN_FAMILY_IPV6 ? 64 : 32;

	if (count > AN_LENS_MAX)
		return false;
	for (unsigned int at = 0; at < count; at++) {
		if (!(list[at] & AN_LEN_BITS) || (list[at] & AN_LEN_BITS) > longest)
			return false;
		if (at && rank(list[at - 1]) <= rank(list[at]))
			return false;
	}
	return true;
}
