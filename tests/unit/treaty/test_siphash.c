/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 as both halves have it, against the vectors of its authors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "anamed/cookie.h"

static uint64_t siphash(const uint8_t key[16], const uint8_t *data, size_t len)
{
	const __u64 words[2] = {an_load8(key), an_load8(key + 8)};
	struct an_siphash s = an_siphash_begin(words);
	uint8_t last[8] = {0};
	size_t at = 0;

	for (; at + 8 <= len; at += 8)
		an_siphash_word(&s, an_load8(data + at));
	memcpy(last, data + at, len - at);
	last[7] = (uint8_t)len;
	return an_siphash_end(&s, an_load8(last));
}

/* vectors_sip64 of the reference implementation: key 00 01 .. 0f, message 00 01 .. (len - 1). */
static void vectors_of_the_authors(void **state)
{
	static const struct {
		size_t len;
		uint8_t hash[8];
	} vectors[] = {
	        {0, {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72}},
	        {1, {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74}},
	        {7, {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab}},
	        {8, {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93}},
	        /* The paper's own, appendix A. */
	        {15, {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1}},
	};
	uint8_t octets[64];

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (siphash(octets, octets, vectors[i].len) != an_load8(vectors[i].hash))
			fail_msg("length %zu", vectors[i].len);
}

/* The two forms that a cookie is hashed in are messages of 20 and of 32 octets. */
static void cookies_are_hashed_as_messages(void **state)
{
	uint8_t key[16], message[32];
	__u64 secret[2], cookie[3] = {0};
	struct an_cookie_client client = {.ipv6 = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 37 + 5);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0xf0 - i);
	secret[0] = an_load8(key);
	secret[1] = an_load8(key + 8);
	cookie[0] = an_load8(message);
	cookie[1] = an_load8(message + 8);
	client.address[0] = an_load8(message + 16);
	client.address[1] = an_load8(message + 24);
	client.ipv6 = 1;
	assert_int_equal(an_cookie_hash(secret, &client, cookie), siphash(key, message, 32));
	client.ipv6 = 0;
	assert_int_equal(an_cookie_hash(secret, &client, cookie), siphash(key, message, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(vectors_of_the_authors),
	        cmocka_unit_test(cookies_are_hashed_as_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
