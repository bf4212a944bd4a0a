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
#define BODY_MAX  (AN_ANSWER_LARGE + 72) /* and the longest OPT */

/* A slot that may answer, and the key that it must then hold. */
struct found {
	__u32 owner; /* the owner's slot */
	__u32 number;
	__u32 loaded;      /* the slot that `answer` and `data` are copies of */
	__u32 any_network; /* it is the catch-all */
	__u32 missed;      /* a network of a length that the owner has was not in the hash */
	__u32 hashed;      /* it was chosen by the client's network */
	struct an_audience_key key;
};

struct moment {
	__u64 now; /* ticks */
	__u32 hz;
	__u32 stale_mode; /* upstream or the daemon is gone */
	__u32 alone;      /* the daemon is gone: passing up leads nowhere */
	__u32 zero;
};

/* A choice among members while it is made. */
struct pick {
	__u64 live; /* the pool's cell */
	__u64 network;
	__s64 at;
	__u32 count, cell, total, chosen, best, best_weight, family, zero;
};

/* How an answer goes out. */
struct serving {
	__u32 ttl;
	__u32 stale; /* with EDE 3 where the query had OPT */
};

/* The second pass over the question name: see names.h. */
struct walk {
	__u64 at; /* offset of a suffix in the name */
	__u64 hash;
	__u64 turn;
	__u32 flags; /* AN_NAME_*, or one of: */
#define WALK_ABSENT  0x100u
#define WALK_UNKNOWN 0x200u
	__u32 seen; /* a suffix that exists was met */
	__u32 denied;
	__u32 zero;
};

/* What the reply says besides its body. */
struct reply {
	__u64 len;      /* octets of body */
	__u64 data_len; /* of these without OPT */
	__u16 flags;
	__u16 counts[3]; /* ANCOUNT, NSCOUNT, ARCOUNT */
	__u64 scope;     /* SCOPE PREFIX-LENGTH */
};

/* An owner slot's fields up to the inline answer. */
struct owner {
	struct an_slot_head head;
	__u64 uid;
	struct an_owner_key key;
	__u32 everyone, nobody, catch_all;
	__u32 cell;
	__u32 regions;
	__u8 name_len;
	__u8 lens_count[2];
	__u8 inline_at;
	__u8 lens[2][AN_LENS_MAX];
	struct an_inline inline_key;
};
_Static_assert(sizeof(struct owner) == __builtin_offsetof(struct an_owner_slot, answer),
               "the first fields of an owner slot");
_Static_assert(__builtin_offsetof(struct owner, inline_key) ==
                       __builtin_offsetof(struct an_owner_slot, inline_key),
               "in their places");

/* An answer slot's fields before the answer. */
struct answer_label {
	struct an_slot_head head;
	struct an_audience_key key;
};
_Static_assert(sizeof(struct answer_label) == __builtin_offsetof(struct an_answer_slot, answer),
               "the first fields of an answer slot");

/* An answer's data; a masked offset, and a record from there on, stay inside of it. */
#define DATA_WORDS (AN_ANSWER_LARGE / 8)
#define DATA_MASK  0x3ff

/* Where the client is, for an owner with a policy. */
struct place {
	__u32 region; /* 0: there is no policy */
	__u32 len;    /* prefix length that this holds for */
};

struct scratch {
	__u64 zero;       /* always: see blur() */
	__u64 fence;      /* see slot_fence() */
	__u64 seq;        /* see slot_begin() */
	__u64 difference; /* see owner_read() */
	__u64 name[NAME_WORDS];
	struct datagram datagram;
	struct message message;
	struct question question;
	struct edns edns;
	struct client client;
	struct place place;
	struct moment moment;
	struct found found;
	struct pick pick;
	__u32 draw;   /* an_choice() of the query */
	__u32 choice; /* what is left of it */
	struct serving serving;
	struct reply reply;
	struct walk walk;
	__u64 verdict;   /* kept here on the way, see forget(), */
	__u64 frame_len; /* and this */
	__u32 denied;    /* the answer is a zone's denial */
	__u32 over;      /* queries over their limit of misses: every nth slips */
	__u32 slips;     /* this one does */
	__u32 compact;   /* the answer is of a zone that answers CO with CO (RFC 9824 5.1) */
	struct owner owner;
	struct answer_label label;
	struct an_answer answer;
	__u64 data[(DATA_MASK + 1 + 32) / 8]; /* the answer's, as they stand in the slot */
	__u8 body[BODY_MASK + 1 + 64] __attribute__((aligned(8)));
};
_Static_assert(BODY_AT + BODY_MAX < BODY_MASK, "masked offsets reach all of the body");

#endif
