/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsec - NSEC records that are made for one name: RFC 9824.
 *
 * The owner is the name, the next name its immediate successor, and the types
 * are those that are said to be there. Pure.
 */
#ifndef ANAMED_SIGN_NSEC_H
#define ANAMED_SIGN_NSEC_H

#include <stddef.h>
#include <stdint.h>

#define NSEC_TYPES_MAX 256
#define NSEC_RDATA_MAX (255 + NSEC_TYPES_MAX * 35) /* each type in a window of its own */

/* Types of one name, in no order, doubles allowed. */
struct nsec_types {
	unsigned int count;
	uint16_t types[NSEC_TYPES_MAX];
};

/* More than NSEC_TYPES_MAX are left out: of a name that has them nobody asks for all. */
void nsec_add(struct nsec_types *types, uint16_t type);

/* The rdata for an owner in lower case; `types` is put in order. Its length, 0: more than `size`.
 */
size_t nsec_rdata(const uint8_t *owner, size_t owner_len, struct nsec_types *types, uint8_t *ret,
                  size_t size);

#endif
