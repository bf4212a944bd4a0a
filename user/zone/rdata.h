/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata - what the zone room must know of rdata: where names lie in it.
 *
 * Types that are not listed in rdata.c are opaque octets (RFC 3597).
 */
#ifndef ANAMED_ZONE_RDATA_H
#define ANAMED_ZONE_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if data of this type has the form that answers rely on: lengths, uncompressed names. */
bool rdata_valid(uint16_t type, const uint8_t *rdata, size_t len);

/* True for types that may stand in a zone: not a question or meta type (RFC 6895 3.1). */
bool rdata_type_storable(uint16_t type);

/*
 * Order of rdata within an RRset: <0, 0, >0. Names that RFC 4034 6.2 lower-cases
 * compare without case, so that 0 means a duplicate.
 */
int rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* Type Covered: the first field of an RRSIG's rdata (RFC 4034 3.1.1). */
static inline uint16_t rdata_covered(const uint8_t *rdata)
{
	return (uint16_t)(rdata[0] << 8 | rdata[1]);
}

/* The key tag of a DNSKEY's rdata (RFC 4034 appendix B). */
uint16_t rdata_key_tag(const uint8_t *rdata, size_t len);

/* The text of a type ("A", "ANAME", "TYPE65280"); returns ret. */
#define RDATA_TYPE_TEXT_MAX 12
char *rdata_type_text(uint16_t type, char ret[RDATA_TYPE_TEXT_MAX]);

#endif
