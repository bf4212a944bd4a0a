/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Key files: whatever the octets are, there is a key that signs what it
 * verifies, or words that say what is wrong. The first octet says how much of
 * the rest is the public file.
 */
// needs: user/sign/*.c user/zone/*.c user/base/name.c
#include <stdlib.h>
#include <string.h>

#include "sign/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void use(const struct sign_key *key)
{
	static const uint8_t words[] = "to be signed";
	uint8_t signature[SIGN_SIGNATURE_MAX];
	size_t len = sign_key_sign(key, words, sizeof(words), signature);

	REQUIRE(len && len <= sign_key_signature_len(key));
	REQUIRE(sign_key_verify(key, words, sizeof(words), signature, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t apex[] = "\7example\3org";
	struct error error = {0};
	struct sign_key key;
	size_t split;

	if (!size)
		return 0;
	split = (size_t)data[0] * 4;
	data++;
	size--;
	if (split > size)
		split = size;
	if (sign_keyfile_parse_public((const char *)data, split, "key", apex, sizeof(apex), &key,
	                              &error)) {
		REQUIRE(error.text[0]);
		return 0;
	}
	if (sign_keyfile_parse_private((const char *)data + split, size - split, "private", &key,
	                               &error)) {
		REQUIRE(error.text[0] && !key.private);
		return 0;
	}
	use(&key);
	sign_key_done(&key);
	return 0;
}
