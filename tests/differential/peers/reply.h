/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply - what a reply says, as text that can be compared.
 *
 * Names are lower case and uncompressed, also those in rdata; records are
 * sorted within their section. The first line has the header, then comes one
 * line a record: section (1 answer, 2 authority, 3 additional), owner, class,
 * type, TTL, rdata; names and rdata in hexadecimal. Of OPT only the presence
 * and DO are told. A reply that does not follow RFC 1035 4 says so instead.
 */
#ifndef ANAMED_TESTS_REPLY_H
#define ANAMED_TESTS_REPLY_H

#include <stddef.h>
#include <stdint.h>

/*
 * The text of a reply to the query of query_len octets, whose question it must
 * repeat octet for octet. len 0: there was none. The caller frees; NULL: out
 * of memory.
 */
char *reply_text(const uint8_t *query, size_t query_len, const uint8_t *reply, size_t len);

#endif
