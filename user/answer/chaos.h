/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chaos - what the server says of itself in class CH (RFC 4892). Pure.
 *
 * TXT of id.server and hostname.bind, version.server and version.bind: what
 * the configuration says, nothing where it says nothing.
 */
#ifndef ANAMED_ANSWER_CHAOS_H
#define ANAMED_ANSWER_CHAOS_H

#include "base/config.h"

#define CHAOS_RDATA_MAX 1024

/* Writes TXT rdata for a lower-case name; a longer text is cut. Length, 0: the name has none. */
size_t chaos_rdata(const struct config *config, const uint8_t *name, size_t len,
                   uint8_t ret[CHAOS_RDATA_MAX]);

#endif
