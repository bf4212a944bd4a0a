/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsec3 - hashed owner names (RFC 5155): rdata, the hash, its text.
 *
 * SHA-1 is the only hash there is (RFC 5155 11). It is OpenSSL's; this is the
 * only file of the zone room that sees it.
 */
#ifndef ANAMED_ZONE_NSEC3_H
#define ANAMED_ZONE_NSEC3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC3_HASH_LEN  20
#define NSEC3_LABEL_LEN 32 /* a hash in base32hex, without padding */
#define NSEC3_OPT_OUT   0x01u

/* More would let each query for a name that is not there cost a quarter of a millisecond and more;
 * RFC 9276 3.1 wants none at all. */
#define NSEC3_ITERATIONS_MAX 500

struct nsec3_param {
	uint8_t algorithm, flags;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt; /* in the rdata */
};

/* The first fields of NSEC3 or NSEC3PARAM rdata, which are the same (RFC 5155 3.2, 4.2). */
struct nsec3_param nsec3_param(const uint8_t *rdata);

/* True if names are hashed in the same way; flags aside. */
bool nsec3_same_hash(const struct nsec3_param *a, const struct nsec3_param *b);

/* Next Hashed Owner Name of NSEC3 rdata. */
const uint8_t *nsec3_next(const uint8_t *rdata, uint8_t *ret_len);

/* True if the rdata has the form that the functions above rely on. */
bool nsec3_valid(const uint8_t *rdata, size_t len);
bool nsec3_param_valid(const uint8_t *rdata, size_t len);

/* RFC 5155 5 of a name in any case. False: out of memory, or SHA-1 is not to be had. */
bool nsec3_hash(const struct nsec3_param *param, const uint8_t *name, size_t len,
                uint8_t ret[NSEC3_HASH_LEN]);

/* The hash that a label is the text of. False: it is none's. */
bool nsec3_from_label(const uint8_t *label, uint8_t ret[NSEC3_HASH_LEN]);

/* Writes a label: its length octet and 32 octets. */
void nsec3_to_label(const uint8_t hash[NSEC3_HASH_LEN], uint8_t ret[1 + NSEC3_LABEL_LEN]);

#endif
