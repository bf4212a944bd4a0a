/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_book - what transfers are made of, between the loop and the workers.
 *
 * The desk, on the loop's thread, puts in for each zone and mode the view that
 * is given out and the steps that lead to it; workers take counted copies. One
 * table for the process, under a lock that is held for pointers only.
 */
#ifndef ANAMED_TRANSFER_OUT_BOOK_H
#define ANAMED_TRANSFER_OUT_BOOK_H

#include "transfer/history.h"
#include "transfer/out.h"

#define BOOK_MODES 3

/*
 * The next view of a zone in its mode. step: what leads to it from the one
 * before; NULL: no way is known, and earlier ones are forgotten, unless it is
 * the same data in another snapshot. Takes step over. 0 or -ENOMEM.
 */
int book_put(struct view *view, struct step *step, bool same);

/* A held view, or NULL. */
struct view *book_view(const uint8_t *apex, size_t apex_len, enum transfer_mode mode);

/*
 * The way from a serial to exactly this view, as one step, held. -ENOENT: there
 * is none; -E2BIG: more than max octets; -ENOMEM.
 */
int book_way(const struct view *view, uint32_t from, size_t max, struct step **ret);

void book_drop(const uint8_t *apex, size_t apex_len, enum transfer_mode mode);
void book_clear(void);

/* ---- what is counted; any thread ---- */

struct out_counters {
	_Atomic uint64_t axfr, ixfr, ixfr_as_axfr, refused, records, notifies, notify_failures,
	        expanded_changes;
};
extern struct out_counters out_counters;

#endif
