/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out - zones to secondaries: AXFR (RFC 5936), IXFR (RFC 1995), NOTIFY (RFC 1996).
 *
 * A transfer is a stream of messages out of one immutable zone snapshot, made
 * one at a time as the connection takes them: a reload does not disturb it.
 * What a peer gets for ANAMEs is its `mode`: the record (native), addresses in
 * its place (expand: those for nobody's network, last good where upstream
 * gives nothing), or both. In expand the serial moves when addresses change.
 */
#ifndef ANAMED_TRANSFER_OUT_H
#define ANAMED_TRANSFER_OUT_H

#include "answer/flatten.h"
#include "answer/respond.h"
#include "transfer/tsig.h"

struct transfer_out;

/*
 * An AXFR or IXFR query (already query_parse()d as such by the caller, or
 * not: it parses by itself). Either a stream, or *ret NULL and a single reply
 * of *ret_len octets in `out` (REFUSED, NOTAUTH, FORMERR, TC over UDP, or an IXFR that fits
 * one message). The caller holds the RCU read lock; the stream holds its own counts.
 */
void transfer_out_begin(const struct world *world, const uint8_t *packet, size_t len,
                        const struct endpoint *source, bool tcp, uint8_t *out, size_t size,
                        size_t *ret_len, struct transfer_out **ret);

/* The next message (at most size octets, signed where the query was); 0: that was all; negative
 * errno: close the connection. */
int transfer_out_next(struct transfer_out *stream, uint8_t *out, size_t size);
void transfer_out_free(struct transfer_out *stream);

/*
 * A SOA query, before respond() sees it: a secondary that is sent an expanded
 * zone must see the serial of that (docs/adr/0007). True: its reply, signed
 * where the query was, is in `out`; false: an ordinary query. Cheap where the
 * question is another. The caller holds the RCU read lock.
 */
bool transfer_out_soa(const struct world *world, const uint8_t *packet, size_t len,
                      const struct endpoint *source, bool tcp, uint8_t *out, size_t size,
                      size_t *ret_len);

/* ---- the loop's side: what changed, who is told ---- */

struct transfer_desk;

/* state_dir: where expanded serials are kept; "" = nowhere. */
struct transfer_desk *transfer_desk_new(uv_loop_t *loop, struct flatten *flatten,
                                        const char *state_dir);
/* After each change of the world (reload, transfer in): differences are kept for IXFR, secondaries
 * are notified. */
void transfer_desk_world(struct transfer_desk *desk, const struct world *world);
/* `anamectl zone-notify`: tells every secondary once more (apex in lower case). How many are told;
 * -ENOENT: no secondaries, or no data. */
int transfer_desk_notify(struct transfer_desk *desk, const uint8_t *apex, size_t apex_len);
void transfer_desk_free(struct transfer_desk *desk);

struct transfer_out_stats {
	uint64_t axfr, ixfr, ixfr_as_axfr, refused, records, notifies, notify_failures,
	        expanded_changes;
};
void transfer_out_stats(struct transfer_out_stats *ret);

#endif
