/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_serials - the serials of expanded zones, kept over restarts.
 *
 * What a serial stood for is kept with it as a hash, so that a restart that
 * finds the same addresses gives the same serial, and anything else a later
 * one. Kept in a small text file, replaced as a whole; safe from any thread.
 */
#ifndef ANAMED_TRANSFER_OUT_SERIALS_H
#define ANAMED_TRANSFER_OUT_SERIALS_H

#include "base/error.h"
#include "base/name.h"

struct out_serials;

/* path NULL: kept in memory only. What the file holds is read; a file that cannot be read is said
 * in *error, and the serials begin anew. NULL if out of memory. */
struct out_serials *out_serials_new(const char *path, struct error *error);

/*
 * The serial of a zone whose own is zone_serial and whose expanded data hash to
 * `content`: the one it had if nothing has changed, else the later of
 * zone_serial and the next one (RFC 1982). 0, or -ENOMEM.
 */
int out_serials_next(struct out_serials *serials, const uint8_t *apex, size_t apex_len,
                     uint32_t zone_serial, uint64_t content, uint32_t *ret);

/* Writes the file if anything has changed, and syncs it. 0 or a negative errno. */
int out_serials_save(struct out_serials *serials);

void out_serials_free(struct out_serials *serials);

#endif
