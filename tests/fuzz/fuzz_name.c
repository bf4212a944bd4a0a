/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: what is read as one goes through text and back, and stays within its 255 octets. */
// needs: user/base/name.c
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void check_wire(const uint8_t *data, size_t size)
{
	int len = name_parse_wire(data, size);
	uint8_t back[NAME_MAX_LEN], low[NAME_MAX_LEN];
	char text[NAME_TEXT_MAX];

	if (len < 0)
		return;
	REQUIRE(len >= 1 && (size_t)len <= size && len <= NAME_MAX_LEN);
	REQUIRE(name_len(data) == (size_t)len);
	REQUIRE(name_from_text(name_to_text(data, text), NULL, 0, back) == len);
	REQUIRE(!memcmp(back, data, (size_t)len));
	name_lower(low, data, (size_t)len);
	REQUIRE(name_equal(low, (size_t)len, data, (size_t)len));
	REQUIRE(name_hash(low, (size_t)len) == name_hash(data, (size_t)len));
	REQUIRE(name_compare(low, data) == 0);
	REQUIRE(name_under(data, (size_t)len, name_parent(data), name_len(name_parent(data))));
}

static void check_text(const char *text)
{
	static const uint8_t origin[] = "\7example";
	uint8_t *name = malloc(NAME_MAX_LEN);
	int len = name_from_text(text, origin, 9, name);

	REQUIRE(len < 0 || name_parse_wire(name, NAME_MAX_LEN) == len);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	REQUIRE(text);
	check_wire(data, size);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_text(text);
	free(text);
	return 0;
}
