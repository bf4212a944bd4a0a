/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lens - which prefix lengths an owner has audiences of. Pure.
 *
 * The list that the program walks: up to AN_LENS_MAX entries a family, longest
 * first, and the EXACT entry of a length before its NET entry. Each entry
 * counts its audiences and goes with the last.
 */
#ifndef ANAMED_KERNEL_LENS_H
#define ANAMED_KERNEL_LENS_H

#include <stdbool.h>
#include <stdint.h>

#include "anamed/treaty.h"

struct lens {
	uint8_t count[2]; /* by family: IPv4, IPv6 */
	uint8_t len[2][AN_LENS_MAX];
	uint16_t audiences[2][AN_LENS_MAX]; /* how many of each length */
};

/* The entry for a key's kind and length. */
static inline uint8_t lens_entry(uint8_t kind, uint8_t len)
{
	return kind == AN_AUDIENCE_EXACT ? len | AN_LEN_EXACT : len;
}

/* Entry is there, or there is room for it. */
bool lens_fits(const struct lens *lens, uint8_t family, uint8_t entry);

/* One audience more or less. True if the list has changed; add: lens_fits() must hold. */
bool lens_add(struct lens *lens, uint8_t family, uint8_t entry);
bool lens_drop(struct lens *lens, uint8_t family, uint8_t entry);

/* The shortest NET length in the list that is longer than len; 0 if there is none. */
uint8_t lens_longer(const struct lens *lens, uint8_t family, uint8_t len);

/* A list read back: at most AN_LENS_MAX entries of 1..32 / 1..64 in strict order. */
bool lens_sane(uint8_t family, const uint8_t *list, uint8_t count);

#endif
