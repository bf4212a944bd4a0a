/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * scratch.h - a CPU's own memory: a packet on its way through the steps.
 *
 * Not on the stack, which is too small, and of which the verifier remembers
 * every constant (see forget()). What is copied out of slots lands here and is
 * believed only after the slot's sequence number was read again. Room behind
 * `body` lets words be written past its end.
 */
#ifndef ANAMED_BPF_SCRATCH_H
#define ANAMED_BPF_SCRATCH_H

#include "anamed/treaty.h"
#include "audience.h"
#include "edns.h"
#include "ip.h"
#include "message.h"
#include "name.h"

/* Octets of the reply's end: what follows the question. The eight before it are the question's
 * last: a copy in whole words that ends exactly with the reply may begin with them. */
#define BODY_AT   8
#define BODY_MASK 0x3ff
#define BODY_MAX  (AN_ANSWER_LARGE + 64)

/* A slot that may answer, and the key that it must then hold. */
struct found {
	__u32 number;
	__u32 any_network; /* it is the catch-all */
	struct an_audience_key key;
};

struct moment {
	__u64 now; /* ticks */
	__u32 hz;
	__u32 stale_mode; /* upstream or the daemon is gone */
	__u32 alone;      /* the daemon is gone: passing up leads nowhere */
	__u32 zero;
};

/* How an answer goes out. */
struct serving {
	__u32 ttl;
	__u32 stale; /* with EDE 3 where the query had OPT */
};

/* What the reply says besides its body. */
struct reply {
	__u64 len; /* octets of body */
	__u16 flags;
	__u16 counts[3]; /* ANCOUNT, NSCOUNT, ARCOUNT */
};

#ifdef __clang__
#pragma clang diagnostic push
/* The open arrays at the end of the treaty's structs stay empty here. */
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif
struct scratch {
	__u64 zero;  /* always: see blur() */
	__u64 fence; /* see slot_fence() */
	__u64 name[NAME_WORDS];
	struct datagram datagram;
	struct message message;
	struct question question;
	struct edns edns;
	struct client client;
	struct moment moment;
	struct found found;
	struct serving serving;
	struct reply reply;
	struct an_owner_slot owner;
	struct an_answer_slot answer;
	__u8 body[BODY_MASK + 1 + 64] __attribute__((aligned(8)));
};
#ifdef __clang__
#pragma clang diagnostic pop
#endif
_Static_assert(BODY_AT + BODY_MAX < BODY_MASK, "masked offsets reach all of the body");

#endif
