/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_stream - the replies to an AXFR or IXFR, message by message, into a new zone. Pure.
 *
 * An IXFR may be answered by differences, by the whole zone, or by one SOA
 * (RFC 1995 4); the stream finds out which. Differences are summed up: of each
 * record the last word counts. What is held is bounded by `memory_max`,
 * however long the stream. in_stream_finish() does the heavy part and may run
 * in another thread.
 */
#ifndef ANAMED_TRANSFER_IN_STREAM_H
#define ANAMED_TRANSFER_IN_STREAM_H

#include "transfer/in_message.h"
#include "zone/zone.h"

enum in_progress {
	IN_MORE,
	IN_DONE,       /* the end was there, and nothing behind it */
	IN_UP_TO_DATE, /* the primary has nothing newer */
};

struct in_stream_setup {
	const uint8_t *apex; /* lower case; the caller's, as long as the stream */
	size_t apex_len;
	const struct config_zone *settings; /* the same; NULL in tests */
	const struct zone *old; /* the stream holds its own count; NULL: none, or not wanted */
	bool ixfr;              /* asked with the serial of `old` */
	struct in_types types;
	uint64_t memory_max; /* octets of records that are held */
};

struct in_stream;

/* NULL if out of memory. */
struct in_stream *in_stream_new(const struct in_stream_setup *setup);

/* The next message, begun by in_message_begin() and without error RCODE. An enum in_progress, or
 * a negative errno with *error: the stream is of no further use. */
int in_stream_message(struct in_stream *stream, struct in_message *message, struct error *error);

/* After IN_DONE, once: the zone. 0 or a negative errno with *error. */
int in_stream_finish(struct in_stream *stream, struct zone **ret, struct error *error);

uint32_t in_stream_serial(const struct in_stream *stream);     /* after the first message */
bool in_stream_is_incremental(const struct in_stream *stream); /* differences came */
uint64_t in_stream_memory(const struct in_stream *stream);     /* held now */
uint64_t in_stream_records(const struct in_stream *stream);    /* come so far */

void in_stream_free(struct in_stream *stream);

/* RFC 1982 3.2: a is newer than b; false where that is not defined. */
static inline bool in_serial_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < 0x80000000u;
}

#endif
