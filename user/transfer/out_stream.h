/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_stream - the messages of one transfer, made one at a time.
 *
 * Holds the view (or the step) that it sends, a copy of the key, and one
 * record that did not fit into the message before: nothing grows with the zone.
 */
#ifndef ANAMED_TRANSFER_OUT_STREAM_H
#define ANAMED_TRANSFER_OUT_STREAM_H

#include "transfer/history.h"
#include "transfer/out.h"
#include "transfer/out_request.h"

struct out_plan {
	const struct out_request *request;
	const struct tsig *tsig; /* key NULL: unsigned */
	struct view *view;
	struct step *step;   /* NULL: the whole zone */
	uint16_t aname_type; /* on the wire */
	uint16_t payload;    /* ours, for OPT */
};

/* Takes counts of its own. NULL if out of memory. */
struct transfer_out *out_stream_new(const struct out_plan *plan);

/* True once the last record has been given out. */
bool out_stream_ended(const struct transfer_out *stream);

#endif
