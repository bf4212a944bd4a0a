/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key - one key of a zone: what its DNSKEY says, when it is used, and signing.
 *
 * Algorithms are those of RFC 8624 that one still signs with: RSASHA256,
 * RSASHA512, ECDSAP256SHA256, ECDSAP384SHA384, ED25519, ED448. A key without its private
 * half is one of somebody else's: published, and no more. Immutable; signing is
 * for any thread. How keys stand in files is keyfile.h's.
 */
#ifndef ANAMED_SIGN_KEY_H
#define ANAMED_SIGN_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_RSASHA256       8 /* RFC 5702 */
#define SIGN_RSASHA512       10
#define SIGN_ECDSAP256SHA256 13 /* RFC 6605 */
#define SIGN_ECDSAP384SHA384 14
#define SIGN_ED25519         15 /* RFC 8080 */
#define SIGN_ED448           16

#define SIGN_FLAG_ZONE 0x0100u /* RFC 4034 2.1.1 */
#define SIGN_FLAG_SEP  0x0001u /* a key-signing key, or one for all */

#define SIGN_PUBLIC_MAX    1028 /* DNSKEY rdata: RSA of 8192 bits does not get in */
#define SIGN_SIGNATURE_MAX 512  /* octets of one signature: RSA of 4096 bits */
#define SIGN_DS_MAX        52   /* DS rdata with SHA-384 */

#define SIGN_TIME_NONE INT64_MIN

/* Seconds since 1970; SIGN_TIME_NONE: nothing is said of it. */
struct sign_times {
	int64_t created, publish, activate, inactive, remove;
};

struct evp_pkey_st;

struct sign_key {
	uint16_t flags;
	uint8_t algorithm;
	uint16_t tag; /* RFC 4034 appendix B */
	uint16_t public_len;
	uint8_t public[SIGN_PUBLIC_MAX]; /* DNSKEY rdata, whole */
	struct sign_times times;
	bool exposed;                /* others than its owner and group may read the private file */
	struct evp_pkey_st *private; /* NULL: there is none */
};

/* What a private key consists of, as numbers; of ECDSA and EdDSA the first alone. */
enum sign_part {
	SIGN_PRIVATE_KEY,
	SIGN_MODULUS = SIGN_PRIVATE_KEY,
	SIGN_PUBLIC_EXPONENT,
	SIGN_PRIVATE_EXPONENT,
	SIGN_PRIME1,
	SIGN_PRIME2,
	SIGN_EXPONENT1,
	SIGN_EXPONENT2,
	SIGN_COEFFICIENT,
	SIGN_PARTS,
};

struct sign_octets {
	uint16_t len;
	uint8_t data[512];
};

/* The number of an algorithm's name in any case, or of its number as text; 0: not one of ours. */
uint8_t sign_algorithm_parse(const char *text);
const char *sign_algorithm_text(uint8_t algorithm); /* NULL: not one of ours */

/* Parts that a private key of this algorithm has: 1, or SIGN_PARTS. */
unsigned int sign_parts_of(uint8_t algorithm);

/* Takes flags, algorithm and tag out of DNSKEY rdata. -EBADMSG: malformed; -EOPNOTSUPP: not one of
 * our algorithms. */
int sign_key_set_public(struct sign_key *key, const uint8_t *rdata, size_t len);

/*
 * Gives a key its private half, once its public one is there. -EINVAL: these
 * parts make no key; -EKEYREJECTED: of another public key.
 */
int sign_key_set_private(struct sign_key *key, const struct sign_octets parts[SIGN_PARTS]);

/* The same from a PEM file (PKCS #8), as Knot DNS keeps its keys; a pass phrase is not asked for.
 */
int sign_key_set_pem(struct sign_key *key, const char *text, size_t len);

/* A new pair; `bits` are RSA's (0: 2048). 0, -EOPNOTSUPP or -EIO (the library would not). */
int sign_key_generate(uint8_t algorithm, uint16_t flags, unsigned int bits, struct sign_key *ret);

/* The parts of a private half that is there. 0 or -EIO. */
int sign_key_parts(const struct sign_key *key, struct sign_octets ret[SIGN_PARTS]);

/* Frees what the key owns, not the struct. */
void sign_key_done(struct sign_key *key);

/* The signature over `data` as it stands in an RRSIG; its length, 0: the library would not. */
size_t sign_key_sign(const struct sign_key *key, const uint8_t *data, size_t len,
                     uint8_t ret[SIGN_SIGNATURE_MAX]);

/* How long the signatures of this key are, at most. */
size_t sign_key_signature_len(const struct sign_key *key);

/* True if the signature is this key's (by its public half alone). */
bool sign_key_verify(const struct sign_key *key, const uint8_t *data, size_t len,
                     const uint8_t *signature, size_t signature_len);

/* DS rdata (RFC 4034 5.1, RFC 4509, RFC 6605), digest type 2 or 4; apex in lower case. Its length.
 */
size_t sign_key_ds(const struct sign_key *key, const uint8_t *apex, size_t apex_len,
                   uint8_t digest_type, uint8_t ret[SIGN_DS_MAX]);

/* By its times, at this one. */
bool sign_key_published(const struct sign_key *key, int64_t now);
bool sign_key_active(const struct sign_key *key, int64_t now); /* and there is a private half */

/* Since when a key with a private half that has been active is not any longer; SIGN_TIME_NONE: it
 * is, or never was. */
int64_t sign_key_ended(const struct sign_key *key, int64_t now);

/* The next time after `now` at which one of the above changes; INT64_MAX: never. */
int64_t sign_key_next(const struct sign_key *key, int64_t now);

#endif
