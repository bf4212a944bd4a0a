/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * respond - from a packet to the reply, out of zone data and the store.
 *
 * One function for every transport. It never blocks: where a flattened answer
 * is missing it says WAIT and what to ask for; the flatten loop fetches, and
 * the same packet is put to respond() again with `last_try` set, which then
 * always gives a reply. Same bytes as the kernel half: the order of OPT's
 * options is that of edns.h; rotation by an_choice() over the seed.
 */
#ifndef ANAMED_ANSWER_RESPOND_H
#define ANAMED_ANSWER_RESPOND_H

#include "answer/query.h"
#include "answer/store.h"
#include "zone/zones.h"

/* All that answers are made of, swapped as a whole under RCU on reload. */
struct world {
	const struct config *config;
	struct zones *zones;
	struct store *store;
	uint64_t seed;       /* of an_choice(): the kernel's when there is one */
	struct pools *pools; /* NULL: none are configured */
	struct geo *geo;     /* rcu_dereference(): a new database swaps it by itself; NULL: none */
};

enum respond_verdict {
	RESPOND_SEND, /* len octets to send */
	RESPOND_WAIT, /* flatten `want` first */
	RESPOND_DROP,
	RESPOND_TRANSFER, /* AXFR or IXFR: the transfer room's */
	RESPOND_NOTIFY,   /* the same */
};

/* An answer that is to be fetched. */
struct want {
	uint8_t owner[NAME_MAX_LEN]; /* lower case: the name asked, or the last of a local CNAME
	                                chain */
	uint8_t owner_len;
	uint16_t type;          /* A or AAAA; of static data any */
	struct network client;  /* deciding network, see struct client */
	uint32_t region;        /* by the owner's policy; 0: it has none */
	struct endpoint source; /* of the packet */
};

#define RESPOND_FROM_ZONE  0x01u /* static data only */
#define RESPOND_FROM_STORE 0x02u /* a flattened answer */
#define RESPOND_STALE      0x04u /* last good, past its time */
#define RESPOND_TRUNCATED  0x08u
#define RESPOND_CACHEABLE  0x10u /* complete, and the kernel may hold it */
#define RESPOND_ECS        0x20u /* query and reply have the client subnet option */

#define RESPOND_DENIAL  0x40u /* no such name in `zone`: the kernel may deny names there */
#define RESPOND_CHAINED 0x80u /* complete, flattened, and a chain of its zone led there */
/* Each of them: something of it may go to the kernel. */
#define RESPOND_KERNEL   (RESPOND_CACHEABLE | RESPOND_DENIAL | RESPOND_CHAINED)
#define RESPOND_VERIFIED 0x100u /* the query had a good cookie: its source address is no lie */

struct respond_result {
	enum respond_verdict verdict;
	size_t len;
	uint16_t rcode;
	unsigned int flags; /* RESPOND_* */
	struct want
	        want; /* WAIT, and with RESPOND_CACHEABLE: owner, type and client of the answer */
	const struct zone *zone; /* valid under the same RCU section */
	uint32_t policy, region; /* SEND: that decided; policy: its number + 1, 0: none did */
};

struct respond_input {
	const uint8_t *packet;
	size_t len;
	struct endpoint source; /* of the packet */
	bool tcp;
	bool cut;         /* nothing but TC: over the limit of replies */
	bool last_try;    /* do not WAIT: last good answer, else SERVFAIL */
	uint16_t rcode;   /* not 0: a reply with this RCODE and nothing else */
	uint16_t reserve; /* octets of the reply that somebody else will fill (TSIG) */
	uint32_t idle_ms; /* TCP: what is said to who asks for keepalive */
	uint64_t now_ms;
};

/* Writes at most `size` octets to out (UDP: 1232 do; TCP: 65535). Caller holds the RCU read lock.
 */
void respond(const struct world *world, const struct respond_input *input, uint8_t *out,
             size_t size, struct respond_result *ret);

/*
 * Kernel images. The answer behind the question for (name, type) out of static
 * zone data as a slot image in `ret` (AN_SLOT_LARGE_SIZE octets); key, uid and
 * cell are the publisher's to fill. Addresses of the question's own rotate,
 * all else is the tail, each record with its own TTL. Addresses behind a chain
 * cannot rotate there: such an answer is *ret_turns images, from turn 0 on, of
 * which an_choice_below(choice, *ret_turns) is the one that the daemon gives.
 * Out of a secure zone it is the answer with DO; where the one without is its
 * beginning it says so, else it is for one of the two alone (treaty.h).
 * Length of the image, 0 if the kernel cannot hold it (not static, of more
 * than one zone, too large).
 */
size_t respond_image_static(const struct world *world, const uint8_t *name, size_t len,
                            uint16_t type, unsigned int turn, unsigned int *ret_turns,
                            struct an_answer_slot *ret);

/*
 * The same for names of a zone that do not exist: an image as for its apex as
 * the question. tail_ttl from 1 on are the places in the tail of compression
 * pointers that lead further on by as much as a question is longer than the
 * apex; the first is the SOA's owner, of the others 0 is none.
 */
size_t respond_image_denial(const struct zone *zone, struct an_answer_slot *ret);

/*
 * The same for a flattened answer of the owner that a chain leads to from this
 * name (lower case): one of *ret_turns images, as above.
 */
size_t respond_image_chained(const struct world *world, const struct zone *zone,
                             const uint8_t *name, size_t len, const struct answer *answer,
                             unsigned int turn, unsigned int *ret_turns,
                             struct an_answer_slot *ret);

/* The same for a flattened answer (out of a pool: for one of its groups, the dead among its
 * addresses, too); wire scope, TTL, flags and data filled, times and key left to the publisher. */
size_t respond_image_flat(const struct world *world, const struct zone *zone,
                          const struct answer *answer, unsigned int group,
                          struct an_answer_slot *ret);

#endif
