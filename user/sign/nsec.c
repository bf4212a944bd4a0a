/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/nsec.h"

#include <stdlib.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "base/wire.h"

#define WINDOW_OCTETS 32 /* RFC 4034 4.1.2 */

void nsec_add(struct nsec_types *types, uint16_t type)
{
	if (types->count < NSEC_TYPES_MAX)
		types->types[types->count++] = type;
}

/* ---- the next name ---- */

/* RFC 4470 3.1.1, of a name that cannot grow: its first label's last octet one higher, and labels
 * that are as high as can be left out. What the order does not know, capital letters, is passed
 * over. */
static size_t raise_label(uint8_t *name, size_t len)
{
	size_t label = name[0], kept = label;

	while (kept && name[kept] == 0xff)
		kept--;
	if (!kept) {
		memmove(name, name + 1 + label, len - 1 - label);
		return label ? raise_label(name, len - 1 - label) : 1;
	}
	memmove(name + 1 + kept, name + 1 + label, len - 1 - label);
	name[0] = (uint8_t)kept;
	name[kept]++;
	if (name[kept] >= 'A' && name[kept] <= 'Z')
		name[kept] = 'Z' + 1;
	return len - (label - kept);
}

/* The successor in canonical order (RFC 4034 6.1), as near as 255 octets let it be. */
static size_t successor(const uint8_t *name, size_t len, uint8_t ret[NAME_MAX_LEN])
{
	if (len + 2 <= NAME_MAX_LEN) { /* a child whose label is one zero octet */
		ret[0] = 1;
		ret[1] = 0;
		memcpy(ret + 2, name, len);
		return len + 2;
	}
	memcpy(ret, name, len);
	if (len + 1 <= NAME_MAX_LEN && name[0] < AN_DNS_LABEL_MAX) {
		size_t label = name[0];

		memmove(ret + label + 2, ret + label + 1, len - label - 1);
		ret[label + 1] = 0;
		ret[0]++;
		return len + 1;
	}
	return raise_label(ret, len);
}

/* ---- the bit map ---- */

static int types_compare(const void *a, const void *b)
{
	const uint16_t *one = a, *two = b;

	return *one - *two;
}

static void put_window(struct wire *w, const uint16_t *types, unsigned int count)
{
	unsigned int len = (types[count - 1] & 0xffu) / 8 + 1;
	uint8_t *map;

	wire_put8(w, types[0] >> 8);
	wire_put8(w, len);
	map = wire_take(w, len);
	if (!map)
		return;
	memset(map, 0, len);
	for (unsigned int i = 0; i < count; i++)
		map[(types[i] & 0xff) / 8] |= (uint8_t)(0x80 >> (types[i] & 7));
}

size_t nsec_rdata(const uint8_t *owner, size_t owner_len, struct nsec_types *types, uint8_t *ret,
                  size_t size)
{
	struct wire w = wire_writer(ret, size);
	uint8_t next[NAME_MAX_LEN];
	unsigned int end;

	wire_put(&w, next, successor(owner, owner_len, next));
	qsort(types->types, types->count, sizeof(types->types[0]), types_compare);
	for (unsigned int i = 0; i < types->count; i = end) {
		for (end = i + 1;
		     end < types->count && types->types[end] >> 8 == types->types[i] >> 8;)
			end++;
		put_window(&w, types->types + i, end - i);
	}
	return w.failed ? 0 : w.at;
}
