/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/key.h"
#include "zone/rdata.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RDATA_KEY_AT 4 /* flags, protocol, algorithm */
#define PROTOCOL     3
#define POINT_FORM   4 /* SEC 1: uncompressed */

static const struct algorithm {
	uint8_t number;
	const char *text;
	const char *type;   /* of the library */
	const char *group;  /* ECDSA's curve */
	const char *digest; /* NULL: the algorithm has its own */
	uint16_t half;      /* octets of a coordinate, or of EdDSA's key */
} algorithms[] = {
        {SIGN_RSASHA256, "RSASHA256", "RSA", NULL, "SHA256", 0},
        {SIGN_RSASHA512, "RSASHA512", "RSA", NULL, "SHA512", 0},
        {SIGN_ECDSAP256SHA256, "ECDSAP256SHA256", "EC", "P-256", "SHA256", 32},
        {SIGN_ECDSAP384SHA384, "ECDSAP384SHA384", "EC", "P-384", "SHA384", 48},
        {SIGN_ED25519, "ED25519", "ED25519", NULL, NULL, 32},
        {SIGN_ED448, "ED448", "ED448", NULL, NULL, 57},
};

static const struct algorithm *algorithm_of(uint8_t number)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

uint8_t sign_algorithm_parse(const char *text)
{
	char number[4];

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		snprintf(number, sizeof(number), "%u", algorithms[i].number);
		if (!strcasecmp(text, algorithms[i].text) || !strcmp(text, number))
			return algorithms[i].number;
	}
	return 0;
}

const char *sign_algorithm_text(uint8_t algorithm)
{
	const struct algorithm *known = algorithm_of(algorithm);

	return known ? known->text : NULL;
}

unsigned int sign_parts_of(uint8_t algorithm)
{
	return algorithm == SIGN_RSASHA256 || algorithm == SIGN_RSASHA512 ? SIGN_PARTS : 1;
}

/* ---- the public half ---- */

/* RFC 3110 2: where the modulus begins behind its exponent; 0: malformed. */
static size_t modulus_at(const uint8_t *data, size_t len, size_t *ret_exponent_at)
{
	size_t at = 1, exponent;

	if (!len)
		return 0;
	exponent = data[0];
	if (!exponent && len > 2) {
		exponent = (size_t)data[1] << 8 | data[2];
		at = 3;
	}
	*ret_exponent_at = at;
	return exponent && at + exponent < len ? at + exponent : 0;
}

static bool public_has_form(const struct algorithm *algorithm, const uint8_t *data, size_t len)
{
	size_t exponent_at, at;

	if (algorithm->group)
		return len == 2u * algorithm->half;
	if (algorithm->half)
		return len == algorithm->half;
	at = modulus_at(data, len, &exponent_at);
	/* RFC 5702 2.1, as far as signatures go. */
	return at && len - at >= 64 && len - at <= SIGN_SIGNATURE_MAX;
}

int sign_key_set_public(struct sign_key *key, const uint8_t *rdata, size_t len)
{
	const struct algorithm *algorithm;

	if (len <= RDATA_KEY_AT || len > SIGN_PUBLIC_MAX || rdata[2] != PROTOCOL)
		return -EBADMSG;
	algorithm = algorithm_of(rdata[3]);
	if (!algorithm)
		return -EOPNOTSUPP;
	if (!public_has_form(algorithm, rdata + RDATA_KEY_AT, len - RDATA_KEY_AT))
		return -EBADMSG;
	key->flags = (uint16_t)(rdata[0] << 8 | rdata[1]);
	key->algorithm = algorithm->number;
	key->tag = rdata_key_tag(rdata, len);
	key->public_len = (uint16_t)len;
	memcpy(key->public, rdata, len);
	return 0;
}

/* ---- to and from the library ---- */

static EVP_PKEY *from_params(const char *type, int selection, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}

/* `private`: NULL for the public half alone. */
static EVP_PKEY *make_ecdsa(const struct sign_key *key, const struct sign_octets *private)
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);
	uint8_t point[1 + 2 * 48] = {POINT_FORM};
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *number = private ? BN_secure_new() : NULL;
	EVP_PKEY *made = NULL;

	memcpy(point + 1, key->public + RDATA_KEY_AT, 2u * algorithm->half);
	if (build && (!private || (number && BN_bin2bn(private->data, private->len, number))) &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, algorithm->group,
	                                    0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
	                                     1u + 2u * algorithm->half) &&
	    (!number || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number)))
		made = from_params(algorithm->type,
		                   private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, build);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(number);
	return made;
}

static const char *const rsa_names[SIGN_PARTS] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static EVP_PKEY *make_rsa(const struct sign_octets *parts, unsigned int count)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *numbers[SIGN_PARTS] = {0};
	EVP_PKEY *made = NULL;
	bool good = build != NULL;

	for (unsigned int i = 0; good && i < count; i++) {
		numbers[i] = BN_bin2bn(parts[i].data, parts[i].len, NULL);
		good = numbers[i] && OSSL_PARAM_BLD_push_BN(build, rsa_names[i], numbers[i]);
	}
	if (good)
		made = from_params("RSA", count > 2 ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
		                   build);
	for (unsigned int i = 0; i < count; i++)
		BN_clear_free(numbers[i]);
	OSSL_PARAM_BLD_free(build);
	return made;
}

static EVP_PKEY *make_public_rsa(const struct sign_key *key)
{
	const uint8_t *data = key->public + RDATA_KEY_AT;
	size_t len = key->public_len - RDATA_KEY_AT, exponent_at = 0;
	size_t at = modulus_at(data, len, &exponent_at);
	struct sign_octets parts[2] = {{.len = (uint16_t)(len - at)},
	                               {.len = (uint16_t)(at - exponent_at)}};

	if (!at || parts[0].len > sizeof(parts[0].data) || parts[1].len > sizeof(parts[1].data))
		return NULL;
	memcpy(parts[0].data, data + at, parts[0].len);
	memcpy(parts[1].data, data + exponent_at, parts[1].len);
	return make_rsa(parts, 2);
}

static EVP_PKEY *make_public(const struct sign_key *key)
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);

	if (algorithm->group)
		return make_ecdsa(key, NULL);
	if (algorithm->half)
		return EVP_PKEY_new_raw_public_key_ex(NULL, algorithm->type, NULL,
		                                      key->public + RDATA_KEY_AT, algorithm->half);
	return make_public_rsa(key);
}

static EVP_PKEY *make_private(const struct sign_key *key,
                              const struct sign_octets parts[SIGN_PARTS])
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);

	if (algorithm->group)
		return parts[0].len <= algorithm->half ? make_ecdsa(key, &parts[0]) : NULL;
	if (algorithm->half)
		return EVP_PKEY_new_raw_private_key_ex(NULL, algorithm->type, NULL, parts[0].data,
		                                       parts[0].len);
	return make_rsa(parts, SIGN_PARTS);
}

/* Takes the private half over, if it is one. */
static int take_private(struct sign_key *key, EVP_PKEY *private)
{
	static const uint8_t words[] = "what the one half signs the other verifies";
	uint8_t signature[SIGN_SIGNATURE_MAX];
	size_t len;

	key->private = private;
	if (!private)
		return -EINVAL;
	len = sign_key_sign(key, words, sizeof(words), signature);
	if (len && sign_key_verify(key, words, sizeof(words), signature, len))
		return 0;
	sign_key_done(key);
	return len ? -EKEYREJECTED : -EINVAL;
}

int sign_key_set_private(struct sign_key *key, const struct sign_octets parts[SIGN_PARTS])
{
	return take_private(key, make_private(key, parts));
}

static int no_phrase(char *text, int size, int writing, void *arg)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int sign_key_set_pem(struct sign_key *key, const char *text, size_t len)
{
	const char *type = algorithm_of(key->algorithm)->type;
	BIO *in = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *private = in ? PEM_read_bio_PrivateKey(in, NULL, no_phrase, NULL) : NULL;

	BIO_free(in);
	if (private && !EVP_PKEY_is_a(private, type)) {
		EVP_PKEY_free(private);
		return -EKEYREJECTED;
	}
	return take_private(key, private);
}

void sign_key_done(struct sign_key *key)
{
	EVP_PKEY_free(key->private);
	key->private = NULL;
}

/* ---- signing ---- */

/* RFC 6605 4: two numbers of `half` octets, which the library wraps in ASN.1. */
static size_t unwrap(const uint8_t *der, size_t len, size_t half, uint8_t *ret)
{
	const uint8_t *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	bool good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, (int)half) == (int)half &&
	            BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + half, (int)half) == (int)half;

	ECDSA_SIG_free(pair);
	return good ? 2 * half : 0;
}

size_t sign_key_sign(const struct sign_key *key, const uint8_t *data, size_t len,
                     uint8_t ret[SIGN_SIGNATURE_MAX])
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[SIGN_SIGNATURE_MAX];
	size_t made = sizeof(der);
	bool good;

	good = context &&
	       EVP_DigestSignInit_ex(context, NULL, algorithm->digest, NULL, NULL, key->private,
	                             NULL) == 1 &&
	       EVP_DigestSign(context, der, &made, data, len) == 1;
	EVP_MD_CTX_free(context);
	if (!good)
		return 0;
	if (algorithm->group)
		return unwrap(der, made, algorithm->half, ret);
	memcpy(ret, der, made);
	return made;
}

size_t sign_key_signature_len(const struct sign_key *key)
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);
	size_t exponent_at, len = key->public_len - RDATA_KEY_AT;

	if (algorithm->half)
		return 2u * algorithm->half;
	return len - modulus_at(key->public + RDATA_KEY_AT, len, &exponent_at);
}

/* The ASN.1 of two numbers; its length, 0: they are none. */
static size_t wrap(const uint8_t *signature, size_t half, uint8_t der[SIGN_SIGNATURE_MAX])
{
	BIGNUM *r = BN_bin2bn(signature, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(signature + half, (int)half, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	uint8_t *at = der;
	int len = 0;

	if (r && s && pair && ECDSA_SIG_set0(pair, r, s)) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(pair, &at);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return len > 0 ? (size_t)len : 0;
}

bool sign_key_verify(const struct sign_key *key, const uint8_t *data, size_t len,
                     const uint8_t *signature, size_t signature_len)
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);
	uint8_t der[SIGN_SIGNATURE_MAX];
	EVP_MD_CTX *context;
	EVP_PKEY *public;
	bool good;

	if (algorithm->group) {
		if (signature_len != 2u * algorithm->half)
			return false;
		signature_len = wrap(signature, algorithm->half, der);
		signature = der;
	}
	context = EVP_MD_CTX_new();
	public = make_public(key);
	good = context && public &&
	       EVP_DigestVerifyInit_ex(context, NULL, algorithm->digest, NULL, NULL, public,
	                               NULL) == 1 &&
	       EVP_DigestVerify(context, signature, signature_len, data, len) == 1;
	EVP_PKEY_free(public);
	EVP_MD_CTX_free(context);
	return good;
}

/* ---- new keys ---- */

static EVP_PKEY *generate(const struct algorithm *algorithm, unsigned int bits)
{
	if (algorithm->group)
		return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->type, algorithm->group);
	if (algorithm->half)
		return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->type);
	return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->type, (size_t)(bits ? bits : 2048));
}

static bool get_number(const EVP_PKEY *key, const char *name, size_t least, struct sign_octets *ret)
{
	BIGNUM *number = NULL;
	bool good = EVP_PKEY_get_bn_param(key, name, &number) == 1;
	size_t len = good ? (size_t)BN_num_bytes(number) : 0;

	if (len < least)
		len = least;
	good = good && len <= sizeof(ret->data) &&
	       BN_bn2binpad(number, ret->data, (int)len) == (int)len;
	ret->len = (uint16_t)len;
	BN_clear_free(number);
	return good;
}

int sign_key_parts(const struct sign_key *key, struct sign_octets ret[SIGN_PARTS])
{
	const struct algorithm *algorithm = algorithm_of(key->algorithm);
	size_t len = sizeof(ret[0].data);

	if (algorithm->group)
		return get_number(key->private, OSSL_PKEY_PARAM_PRIV_KEY, algorithm->half, &ret[0])
		               ? 0
		               : -EIO;
	if (algorithm->half) {
		if (EVP_PKEY_get_raw_private_key(key->private, ret[0].data, &len) != 1)
			return -EIO;
		ret[0].len = (uint16_t)len;
		return 0;
	}
	for (unsigned int i = 0; i < SIGN_PARTS; i++)
		if (!get_number(key->private, rsa_names[i], 0, &ret[i]))
			return -EIO;
	return 0;
}

/* RFC 3110 2: the exponent's length, the exponent, the modulus. */
static size_t rsa_public(const EVP_PKEY *pair, uint8_t *ret, size_t size)
{
	struct sign_octets modulus, exponent;

	if (!get_number(pair, OSSL_PKEY_PARAM_RSA_N, 0, &modulus) ||
	    !get_number(pair, OSSL_PKEY_PARAM_RSA_E, 0, &exponent) || exponent.len > 255 ||
	    1u + exponent.len + modulus.len > size)
		return 0;
	ret[0] = (uint8_t)exponent.len;
	memcpy(ret + 1, exponent.data, exponent.len);
	memcpy(ret + 1 + exponent.len, modulus.data, modulus.len);
	return 1u + exponent.len + modulus.len;
}

static size_t ecdsa_public(const EVP_PKEY *pair, size_t half, uint8_t *ret)
{
	struct sign_octets x, y;

	if (!get_number(pair, OSSL_PKEY_PARAM_EC_PUB_X, half, &x) ||
	    !get_number(pair, OSSL_PKEY_PARAM_EC_PUB_Y, half, &y))
		return 0;
	memcpy(ret, x.data, half);
	memcpy(ret + half, y.data, half);
	return 2 * half;
}

static size_t public_of(const struct algorithm *algorithm, const EVP_PKEY *pair, uint8_t *ret,
                        size_t size)
{
	if (algorithm->group)
		return ecdsa_public(pair, algorithm->half, ret);
	if (algorithm->half)
		return EVP_PKEY_get_raw_public_key(pair, ret, &size) == 1 ? size : 0;
	return rsa_public(pair, ret, size);
}

int sign_key_generate(uint8_t number, uint16_t flags, unsigned int bits, struct sign_key *ret)
{
	const struct algorithm *algorithm = algorithm_of(number);
	uint8_t rdata[SIGN_PUBLIC_MAX] = {(uint8_t)(flags >> 8), (uint8_t)flags, PROTOCOL, number};
	struct sign_key key = {.times = {SIGN_TIME_NONE, SIGN_TIME_NONE, SIGN_TIME_NONE,
	                                 SIGN_TIME_NONE, SIGN_TIME_NONE}};
	size_t len;

	if (!algorithm)
		return -EOPNOTSUPP;
	key.private = generate(algorithm, bits);
	if (!key.private)
		return -EIO;
	len = public_of(algorithm, key.private, rdata + RDATA_KEY_AT, sizeof(rdata) - RDATA_KEY_AT);
	if (!len || sign_key_set_public(&key, rdata, RDATA_KEY_AT + len)) {
		sign_key_done(&key);
		return -EIO;
	}
	*ret = key;
	return 0;
}

/* ---- the parent's record ---- */

size_t sign_key_ds(const struct sign_key *key, const uint8_t *apex, size_t apex_len,
                   uint8_t digest_type, uint8_t ret[SIGN_DS_MAX])
{
	uint8_t data[255 + SIGN_PUBLIC_MAX];
	unsigned int len = 0;

	memcpy(data, apex, apex_len);
	memcpy(data + apex_len, key->public, key->public_len);
	ret[0] = (uint8_t)(key->tag >> 8);
	ret[1] = (uint8_t)key->tag;
	ret[2] = key->algorithm;
	ret[3] = digest_type;
	if (EVP_Digest(data, apex_len + key->public_len, ret + 4, &len,
	               digest_type == 4 ? EVP_sha384() : EVP_sha256(), NULL) != 1)
		return 0;
	return 4 + len;
}

/* ---- times ---- */

/* Of a key that says nothing of when it is used: now. One that is published and no more waits. */
static int64_t publish_time(const struct sign_key *key)
{
	if (key->times.publish != SIGN_TIME_NONE)
		return key->times.publish;
	return key->times.activate;
}

static bool passed(int64_t time, int64_t now)
{
	return time != SIGN_TIME_NONE && time <= now;
}

bool sign_key_published(const struct sign_key *key, int64_t now)
{
	int64_t from = publish_time(key);

	return (from == SIGN_TIME_NONE || from <= now) && !passed(key->times.remove, now);
}

static bool has_begun(const struct sign_key *key, int64_t now)
{
	int64_t from = key->times.activate;

	return from == SIGN_TIME_NONE ? key->times.publish == SIGN_TIME_NONE : from <= now;
}

bool sign_key_active(const struct sign_key *key, int64_t now)
{
	return key->private && has_begun(key, now) && !passed(key->times.inactive, now) &&
	       !passed(key->times.remove, now);
}

int64_t sign_key_ended(const struct sign_key *key, int64_t now)
{
	bool inactive = passed(key->times.inactive, now), removed = passed(key->times.remove, now);

	if (!key->private || !has_begun(key, now) || (!inactive && !removed))
		return SIGN_TIME_NONE;
	if (!removed || (inactive && key->times.inactive < key->times.remove))
		return key->times.inactive;
	return key->times.remove;
}

int64_t sign_key_next(const struct sign_key *key, int64_t now)
{
	const int64_t times[] = {key->times.publish, key->times.activate, key->times.inactive,
	                         key->times.remove};
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > now && times[i] < next)
			next = times[i];
	return next;
}
