/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_ask - one question to one primary: its SOA (UDP or TCP), an IXFR, an AXFR (TCP).
 *
 * Runs on the libuv loop. Signed with the primary's key where it has one, and
 * then only signed replies count (RFC 8945 5.3). Bounded in time, octets and
 * memory. What belongs to an ask goes when its handles are closed.
 */
#ifndef ANAMED_TRANSFER_IN_ASK_H
#define ANAMED_TRANSFER_IN_ASK_H

#include <uv.h>

#include "transfer/in_stream.h"

struct in_primary {
	struct endpoint address;
	bool has_key;
	struct config_key key;
};

enum in_kind { IN_SOA_UDP, IN_SOA_TCP, IN_IXFR, IN_AXFR };

struct in_limits {
	uint32_t udp_ms;     /* one try; there are two */
	uint32_t connect_ms; /* also until the query is written */
	uint32_t idle_ms;    /* without an octet */
	uint32_t whole_ms;
	uint64_t octets_max; /* of a transfer, as they come */
	uint64_t memory_max; /* of a transfer, as it is held */
};

enum in_result {
	IN_SERIAL,   /* the primary has this serial */
	IN_STREAM,   /* a transfer is complete: *stream is the receiver's */
	IN_NO_NEWER, /* reply to an IXFR: nothing newer */
	IN_REFUSED,  /* an answer that is of no use, or none over UDP: another kind may do better */
	IN_FAILED,   /* the primary cannot be had now */
};

struct in_outcome {
	enum in_result result;
	uint32_t serial;
	struct in_stream *stream;
	const char *text; /* why not */
};

struct in_ask;

struct in_ask_setup {
	uv_loop_t *loop;
	const struct in_primary *primary; /* copied */
	enum in_kind kind;
	const struct in_limits *limits;
	struct in_stream_setup stream; /* apex and settings: as long as the ask */
	/* Called once, never from within in_ask_start(); the ask ends then. */
	void (*done)(struct in_outcome *outcome, void *arg);
	void *arg;
	/* When nothing of the ask is left, also after in_ask_cancel(). */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* NULL if out of memory. */
struct in_ask *in_ask_start(const struct in_ask_setup *setup);

void in_ask_cancel(struct in_ask *ask); /* done is not called */

#endif
