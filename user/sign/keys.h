/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys - all keys of a zone, as a folder holds them.
 *
 * Immutable, counted. Which of them sign, and what, depends on the time: see
 * signer.h.
 */
#ifndef ANAMED_SIGN_KEYS_H
#define ANAMED_SIGN_KEYS_H

#include "base/error.h"
#include "sign/key.h"

#define SIGN_KEYS_MAX 16

struct sign_keys {
	unsigned int holders; /* atomic */
	unsigned int count;
	struct sign_key keys[SIGN_KEYS_MAX]; /* by tag, then algorithm */
};

/*
 * Every key of the zone `apex` (lower case) in the folder. -ENOENT: there is
 * none; another negative errno: one of them is bad. *error says which.
 */
int sign_keys_load(const char *folder, const uint8_t *apex, size_t apex_len, struct sign_keys **ret,
                   struct error *error);

/* One that is empty, for keys that come from elsewhere. NULL: out of memory. */
struct sign_keys *sign_keys_new(void);

struct sign_keys *sign_keys_hold(struct sign_keys *keys);
void sign_keys_free(struct sign_keys *keys); /* gives one count back; NULL is fine */

#endif
