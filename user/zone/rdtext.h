/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdtext - types and rdata from presentation form to wire.
 *
 * Rdata of addresses, names and numbers is read here, for a million records
 * must not cost nine microseconds each; all other types are read by ldns, and
 * rdtext.c is the only file with its parser. What ldns lets pass (numbers that
 * wrap, quoted names) is refused before it is asked.
 */
#ifndef ANAMED_ZONE_RDTEXT_H
#define ANAMED_ZONE_RDTEXT_H

#include <stdint.h>

#include "zone/lex.h"

#define RDTEXT_MAX 65535 /* octets of rdata */

/* Type of a mnemonic, TYPEnnn, ANAME or ALIAS; 0 if there is none. */
uint16_t rdtext_type(const char *text);

/*
 * Rdata of `type` out of tokens; relative names end in `origin`. Also the
 * generic form, \# LENGTH HEX (RFC 3597 5). Returns the length, or a negative
 * errno with *error at the place in `file`.
 */
int rdtext_parse(uint16_t type, const struct token *tokens, size_t count, const uint8_t *origin,
                 size_t origin_len, const char *file, unsigned int line, uint8_t ret[RDTEXT_MAX],
                 struct error *error);

#endif
