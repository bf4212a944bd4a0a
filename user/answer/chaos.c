/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/chaos.h"

#include <string.h>

#include "base/name.h"
#include "base/wire.h"

#define STRING_MAX 255 /* octets of a character-string (RFC 1035 3.3) */

static const char *text_of(const struct config *config, const uint8_t *name, size_t len)
{
	static const struct {
		uint8_t name[17];
		bool version;
	} names[] = {
	        {"\002id\006server", false},
	        {"\010hostname\004bind", false},
	        {"\007version\006server", true},
	        {"\007version\004bind", true},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name_equal(names[i].name, name_len(names[i].name), name, len))
			return names[i].version ? config->server_version : config->server_id;
	return NULL;
}

size_t chaos_rdata(const struct config *config, const uint8_t *name, size_t len,
                   uint8_t ret[CHAOS_RDATA_MAX])
{
	const char *text = text_of(config, name, len);
	struct wire w = wire_writer(ret, CHAOS_RDATA_MAX);
	size_t left = text ? strlen(text) : 0;

	if (!text)
		return 0;
	/* An empty text is one empty string: TXT has at least one. */
	do {
		size_t piece = left < STRING_MAX ? left : STRING_MAX;

		if (piece + 1 > wire_left(&w))
			break;
		wire_put8(&w, (unsigned int)piece);
		wire_put(&w, text, piece);
		text += piece;
		left -= piece;
	} while (left);
	return w.at;
}
