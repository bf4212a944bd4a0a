/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/cookie.h"

#include <pthread.h>
#include <sodium/crypto_shorthash_siphash24.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/wire.h"

#define VERSION    1
#define FIELDS_LEN 8 /* version, reserved, time */
#define HASH_LEN   crypto_shorthash_siphash24_BYTES
#define SECRET_LEN crypto_shorthash_siphash24_KEYBYTES

_Static_assert(COOKIE_CLIENT_LEN + FIELDS_LEN + HASH_LEN == COOKIE_LEN, "cookie length");
_Static_assert(sizeof(((struct config *)0)->cookie_secrets[0]) == SECRET_LEN, "secret length");

/* ---- secrets ---- */

static uint8_t drawn[SECRET_LEN];
static pthread_once_t drawn_once = PTHREAD_ONCE_INIT;

static void draw(void)
{
	/* Up to 256 octets come whole once the kernel's generator is ready. */
	if (getrandom(drawn, sizeof(drawn), 0) != sizeof(drawn))
		abort();
}

/* The i-th secret, NULL behind the last. Where none is configured, one of this process's own. */
static const uint8_t *secret_at(const struct config *config, size_t i)
{
	if (i < config->cookie_secrets_count)
		return config->cookie_secrets[i];
	if (i || config->cookie_secrets_count)
		return NULL;
	pthread_once(&drawn_once, draw);
	return drawn;
}

/* ---- the hash ---- */

/* RFC 9018 4.4: client cookie, version, reserved, time, address. `cookie` holds the first four. */
static void hash(const uint8_t *cookie, const struct endpoint *client, const uint8_t *secret,
                 uint8_t ret[HASH_LEN])
{
	uint8_t input[COOKIE_CLIENT_LEN + FIELDS_LEN + sizeof(client->address)];
	size_t octets = net_family_octets(client->family);

	memcpy(input, cookie, COOKIE_CLIENT_LEN + FIELDS_LEN);
	memcpy(input + COOKIE_CLIENT_LEN + FIELDS_LEN, client->address, octets);
	crypto_shorthash_siphash24(ret, input, COOKIE_CLIENT_LEN + FIELDS_LEN + octets, secret);
}

static void make(const struct config *config, const struct endpoint *client, uint32_t now_s,
                 const uint8_t *client_cookie, uint8_t ret[COOKIE_LEN])
{
	struct wire w = wire_writer(ret, COOKIE_LEN);

	wire_put(&w, client_cookie, COOKIE_CLIENT_LEN);
	wire_put32(&w, (uint32_t)VERSION << 24);
	wire_put32(&w, now_s);
	hash(ret, client, secret_at(config, 0), ret + w.at);
}

/* No early end: the time this takes says nothing about the octets. */
static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	unsigned int difference = 0;

	for (size_t i = 0; i < HASH_LEN; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/* ---- judging ---- */

/* Which secret the cookie was made with, -1: none of ours. Reserved octets count as they came (RFC
 * 9018 4.2). */
static int maker(const struct config *config, const struct endpoint *client, const uint8_t *cookie)
{
	const uint8_t *secret;

	for (int i = 0; (secret = secret_at(config, (size_t)i)); i++) {
		uint8_t made[HASH_LEN];

		hash(cookie, client, secret, made);
		if (same_hash(made, cookie + COOKIE_CLIENT_LEN + FIELDS_LEN))
			return i;
	}
	return -1;
}

/* Seconds since the cookie was made, in serial number arithmetic (RFC 9018 4.3, RFC 1982). */
static int32_t age_of(const uint8_t *cookie, uint32_t now_s)
{
	struct wire w = wire_reader(cookie + COOKIE_CLIENT_LEN + 4, 4);

	return (int32_t)(now_s - wire_get32(&w));
}

bool cookie_len_is_possible(size_t len)
{
	return len == COOKIE_CLIENT_LEN || (len >= COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN_MIN &&
	                                    len <= COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN_MAX);
}

enum cookie_verdict cookie_check(const struct config *config, const struct endpoint *client,
                                 uint32_t now_s, const uint8_t *option, size_t len,
                                 uint8_t ret_reply[COOKIE_LEN])
{
	enum cookie_verdict verdict = len == COOKIE_CLIENT_LEN ? COOKIE_CLIENT : COOKIE_BAD;
	int32_t age = 0;
	int by = -1;

	if (len == COOKIE_LEN && option[COOKIE_CLIENT_LEN] == VERSION) {
		age = age_of(option, now_s);
		if (age <= COOKIE_PAST_S && age >= -COOKIE_FUTURE_S)
			by = maker(config, client, option);
	}
	if (by >= 0)
		verdict = COOKIE_GOOD;
	if (by == 0 && age <= COOKIE_RENEW_S)
		memcpy(ret_reply, option, COOKIE_LEN);
	else
		make(config, client, now_s, option, ret_reply);
	return verdict;
}
