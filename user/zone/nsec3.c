/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/nsec3.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/name.h"

#define SALT_AT   5 /* behind algorithm, flags, iterations, salt length */
#define SALT_MOST 255
#define BITS      5 /* of an octet of base32hex */

/* ---- rdata ---- */

struct nsec3_param nsec3_param(const uint8_t *rdata)
{
	return (struct nsec3_param){.algorithm = rdata[0],
	                            .flags = rdata[1],
	                            .iterations = (uint16_t)(rdata[2] << 8 | rdata[3]),
	                            .salt_len = rdata[4],
	                            .salt = rdata + SALT_AT};
}

bool nsec3_same_hash(const struct nsec3_param *a, const struct nsec3_param *b)
{
	return a->algorithm == b->algorithm && a->iterations == b->iterations &&
	       a->salt_len == b->salt_len && !memcmp(a->salt, b->salt, a->salt_len);
}

const uint8_t *nsec3_next(const uint8_t *rdata, uint8_t *ret_len)
{
	const uint8_t *at = rdata + SALT_AT + rdata[4];

	*ret_len = *at;
	return at + 1;
}

bool nsec3_param_valid(const uint8_t *rdata, size_t len)
{
	return len >= SALT_AT && len == (size_t)SALT_AT + rdata[4];
}

bool nsec3_valid(const uint8_t *rdata, size_t len)
{
	size_t hash_at = len >= SALT_AT ? (size_t)SALT_AT + rdata[4] : len;

	return hash_at < len && len - hash_at - 1 >= rdata[hash_at];
}

/* ---- the hash ---- */

/* Making one costs more than hashing: each thread has its own. */
static __thread EVP_MD_CTX *hasher;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t hasher_key;
static EVP_MD *sha1;

static void hasher_free(void *context)
{
	EVP_MD_CTX_free(context);
}

static void hasher_begin(void)
{
	if (!pthread_key_create(&hasher_key, hasher_free))
		sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

static EVP_MD_CTX *hasher_of_thread(void)
{
	if (hasher)
		return hasher;
	pthread_once(&once, hasher_begin);
	hasher = sha1 ? EVP_MD_CTX_new() : NULL;
	if (hasher && pthread_setspecific(hasher_key, hasher)) {
		EVP_MD_CTX_free(hasher);
		hasher = NULL;
	}
	return hasher;
}

bool nsec3_hash(const struct nsec3_param *param, const uint8_t *name, size_t len,
                uint8_t ret[NSEC3_HASH_LEN])
{
	EVP_MD_CTX *context = hasher_of_thread();
	uint8_t in[NAME_MAX_LEN + SALT_MOST];
	size_t in_len = len;
	bool done = context;

	name_lower(in, name, len);
	for (unsigned int i = 0; i <= param->iterations && done; i++) {
		memcpy(in + in_len, param->salt, param->salt_len);
		done = EVP_DigestInit_ex2(context, sha1, NULL) &&
		       EVP_DigestUpdate(context, in, in_len + param->salt_len) &&
		       EVP_DigestFinal_ex(context, in, NULL);
		in_len = NSEC3_HASH_LEN;
	}
	memcpy(ret, in, NSEC3_HASH_LEN);
	return done;
}

/* ---- base32hex (RFC 4648 7), whose order is that of the hashes ---- */

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'V' ? c - 'A' + 10 : -1;
}

bool nsec3_from_label(const uint8_t *label, uint8_t ret[NSEC3_HASH_LEN])
{
	uint32_t bits = 0;
	unsigned int count = 0;

	if (*label != NSEC3_LABEL_LEN)
		return false;
	for (unsigned int i = 1, at = 0; i <= NSEC3_LABEL_LEN; i++) {
		int digit = digit_of(label[i]);

		if (digit < 0)
			return false;
		bits = bits << BITS | (uint32_t)digit;
		count += BITS;
		if (count < 8)
			continue;
		count -= 8;
		ret[at++] = (uint8_t)(bits >> count);
	}
	return true;
}

void nsec3_to_label(const uint8_t hash[NSEC3_HASH_LEN], uint8_t ret[1 + NSEC3_LABEL_LEN])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint32_t bits = 0;
	unsigned int count = 0, at = 0;

	ret[at++] = NSEC3_LABEL_LEN;
	for (unsigned int i = 0; i < NSEC3_HASH_LEN; i++) {
		bits = bits << 8 | hash[i];
		for (count += 8; count >= BITS; count -= BITS)
			ret[at++] = (uint8_t)digits[bits >> (count - BITS) & 31];
	}
}
