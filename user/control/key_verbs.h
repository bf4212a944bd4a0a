/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key_verbs - keys of zones that are signed here, for anamectl and for reports.
 *
 * The verbs read the configuration and the zone's key folder themselves; no
 * daemon is needed.
 */
#ifndef ANAMED_CONTROL_KEY_VERBS_H
#define ANAMED_CONTROL_KEY_VERBS_H

#include <jansson.h>

#include "base/config.h"
#include "base/error.h"
#include "sign/signer.h"

/* A new key for the zone, used from now on, in its folder, which is made where it is not there.
 * `kind`: "csk" (NULL: that), "ksk" or "zsk". */
int key_verb_generate(const struct config *config, const char *zone, const char *kind, json_t **ret,
                      struct error *error);

/* The zone's keys, and the DS records that the parent is to have. */
int key_verb_ds(const struct config *config, const char *zone, json_t **ret, struct error *error);

void show_key(FILE *out, const json_t *reply);
void show_ds(FILE *out, const json_t *reply);

/* What a zone is signed with, and how long; NULL: it is not signed here. */
json_t *key_report(const struct zone *zone);

/* One line of the above, and one a key. */
void show_signing(FILE *out, const json_t *dnssec);

#endif
