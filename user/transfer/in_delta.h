/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_delta - the sum of an IXFR's differences: of each record, whether it is there in the end.
 *
 * A record is its owner, type and rdata; TTLs come along. Case counts for
 * nothing where it counts for nothing in a zone. Strict: what was not there
 * cannot be deleted, so that a zone which has drifted from its primary's is
 * found out.
 */
#ifndef ANAMED_TRANSFER_IN_DELTA_H
#define ANAMED_TRANSFER_IN_DELTA_H

#include "transfer/in_message.h"
#include "zone/zone.h"

struct in_delta;

struct in_delta *in_delta_new(const struct zone *old); /* NULL if out of memory; holds a count */

/* 0; -ENOENT with *error: nothing to delete; -ENOMEM. *memory grows by what is held. */
int in_delta_remove(struct in_delta *delta, const struct in_record *record, uint64_t *memory,
                    struct error *error);
int in_delta_add(struct in_delta *delta, const struct in_record *record, uint64_t *memory,
                 struct error *error);

/* Feeds the old zone with the differences to a builder; the SOA is left out, it is the caller's.
 * 0 or a negative errno with *error. */
int in_delta_apply(const struct in_delta *delta, struct zone_builder *builder, struct error *error);

void in_delta_free(struct in_delta *delta);

#endif
