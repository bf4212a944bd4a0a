/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sign - zones that are signed here: from settings and keys to a signer.
 *
 * A zone whose settings say `dnssec` gets a signer before it is served, out of
 * the keys in its folder. While it is served its signer stays; another epoch is
 * another zone on the same data.
 */
#ifndef ANAMED_SIGN_SIGN_H
#define ANAMED_SIGN_SIGN_H

#include "sign/signer.h"

/* What is to be said where signer_kept_on(). */
#define SIGN_KEPT_ON "no key is active, or none of those that sign the keys: the last ones go on"

/*
 * Gives a zone that was just made its signer, if its settings ask for one. Keys
 * that signed `before` (the zone that it follows; NULL: none) may go on, see
 * roles.h. Bad keys, or none: a negative errno and *error; the zone is not to be
 * served then.
 */
int sign_zone(struct zone *zone, const struct zone *before, int64_t now, struct error *error);

/*
 * The same for a zone that was transferred, with the keys of the one that is
 * served under this name (NULL: none), if that is signed. *ret is the zone
 * itself, which is the caller's no longer, or one on its data: who keeps the
 * zone for the next difference keeps no signatures. On failure it stays the
 * caller's.
 */
int sign_arrived(struct zone *zone, const struct zone *before, int64_t now, struct zone **ret,
                 struct error *error);

/*
 * What arrived may have waited for the end of a reload: *ret is the zone,
 * counted once more, or where `served` (NULL: none) has other keys, or the
 * settings another policy, one on its data that is signed by those. -ESTALE: it
 * is signed and is not to be, or the other way round: its data were read for
 * other settings.
 */
int sign_waited(struct zone *zone, const struct config_zone *settings, const struct zone *served,
                int64_t now, struct zone **ret, struct error *error);

/*
 * The zone with its keys as they are read now, for a reload that leaves its
 * data alone: where nothing differs, times that are still to come included, one
 * more count of the same zone. Without
 * `dnssec` in its settings: the zone as it is.
 */
int sign_reload(struct zone *zone, const struct config_zone *settings, int64_t now,
                struct zone **ret, struct error *error);

/* Is another epoch due? */
bool sign_is_due(const struct zone *zone, int64_t now);

/* The zone in its next epoch, with the keys that it has. NULL: out of memory. *ret_kept_on: keys
 * that are over go on, since there are no others. */
struct zone *sign_renew(const struct zone *zone, int64_t now, bool *ret_kept_on);

/* May others than owner and group read a private key of the zone's? */
bool sign_is_exposed(const struct zone *zone);

/* The number of the settings' algorithm. */
uint8_t sign_algorithm_of(const struct config_zone *settings);

#endif
