/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/cookie.h"

#include <string.h>

#include "base/secrets.h"

_Static_assert(COOKIE_LEN == 3 * sizeof(__u64), "three words");

static struct an_cookie_client client_of(const struct endpoint *client)
{
	struct an_cookie_client ret = {.ipv6 = client->family == AN_FAMILY_IPV6};

	ret.address[0] = an_load8(client->address);
	ret.address[1] = an_load8(client->address + 8);
	return ret;
}

static void put_word(uint8_t *to, __u64 word)
{
	for (unsigned int i = 0; i < sizeof(word); i++)
		to[i] = (uint8_t)(word >> 8 * i);
}

bool cookie_len_is_possible(size_t len)
{
	return an_cookie_len_is_possible(len);
}

enum cookie_verdict cookie_check(const struct config *config, const struct endpoint *client,
                                 uint32_t now_s, const uint8_t *option, size_t len,
                                 uint8_t ret_reply[COOKIE_LEN])
{
	__u64 secrets[AN_COOKIE_SECRETS][2], words[3] = {an_load8(option)};
	unsigned int count = secrets_cookie(config, secrets);
	const struct an_cookie_client who = client_of(client);
	bool whole = len == COOKIE_LEN, good;

	for (unsigned int i = 1; whole && i < 3; i++)
		words[i] = an_load8(option + (size_t)8 * i);
	good = an_cookie_judge((const __u64(*)[2])secrets, count, &who, now_s, whole, words);
	for (unsigned int i = 0; i < 3; i++)
		put_word(ret_reply + (size_t)8 * i, words[i]);
	if (good)
		return COOKIE_GOOD;
	return len == COOKIE_CLIENT_LEN ? COOKIE_CLIENT : COOKIE_BAD;
}
