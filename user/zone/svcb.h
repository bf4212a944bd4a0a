/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svcb - the SvcParams of SVCB and HTTPS, from a master file to the wire.
 *
 * RFC 9460 2.1 (form), 2.2 (order), 7 and 8 (the keys), appendix A (escapes in
 * lists). Keys that are not known stay as they are written; what D.3 calls
 * malformed is refused. Pure.
 */
#ifndef ANAMED_ZONE_SVCB_H
#define ANAMED_ZONE_SVCB_H

#include "base/wire.h"
#include "zone/lex.h"

/*
 * Writes what stands behind priority and target. NULL, or what is wrong (a
 * static string) and in *ret_at the number of the token.
 */
const char *svcb_params(const struct token *tokens, size_t count, struct wire *out, size_t *ret_at);

#endif
