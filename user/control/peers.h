/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers - settings about other servers: their addresses, keys and secrets.
 *
 * The parsers of the forms that settings.h names for them. A secret comes from
 * the text or from a file of its own, which is read here: at most 4096 octets
 * of a regular file.
 */
#ifndef ANAMED_CONTROL_PEERS_H
#define ANAMED_CONTROL_PEERS_H

#include "control/settings.h"

/* SETTING_SECRET, _SECRET_FILE, _KEY, _PRIMARY, _SECONDARY: as setting_set(). */
int peer_set(const struct setting *setting, void *base, const char *text,
             const struct setting_place *place, struct error *error);

#endif
