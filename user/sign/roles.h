/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * roles - which of a zone's keys does what now.
 *
 * By their times, per algorithm: key-signing keys (SEP) sign the DNSKEY set,
 * the others the zone; where an algorithm has keys of one kind only, they do
 * both. What the parent's DS names is a key-signing key wherever there is one,
 * so the other kind never signs in its place: the last ones go on instead. Pure.
 */
#ifndef ANAMED_SIGN_ROLES_H
#define ANAMED_SIGN_ROLES_H

#include "base/error.h"
#include "sign/keys.h"

struct sign_role {
	bool published, signs_keys, signs_zone;
};

/* Keys that were in use, and what they did. */
struct sign_roles_before {
	const struct sign_keys *keys;
	const struct sign_role *roles;
};

/*
 * The role of each of the keys at this time (seconds since 1970). Where none is
 * active and published, or of an algorithm that signs the zone no key-signing
 * one, those go on that signed before; without `before` (NULL: at a start)
 * those that were active last, and *ret_kept_on says so. Keys that go on stay
 * published. -ENOKEY with *error: the zone, or its keys, would be signed by none
 * that is published.
 */
int sign_roles_find(const struct sign_keys *keys, int64_t now,
                    const struct sign_roles_before *before, struct sign_role ret[SIGN_KEYS_MAX],
                    bool *ret_kept_on, struct error *error);

#endif
