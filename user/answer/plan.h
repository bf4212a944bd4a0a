/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan - what a reply is to hold, before an octet of it is written.
 *
 * Walks the zones (RFC 1034 4.3.2, CNAME and DNAME chains inside our zones)
 * and looks flattened answers up in the store. The result is a list of RRsets
 * by section, the RCODE, the scope and the extended error: all that decides
 * how large OPT is stands fixed before the first record is rendered. Points
 * into zone data and the store: valid within one RCU read section.
 */
#ifndef ANAMED_ANSWER_PLAN_H
#define ANAMED_ANSWER_PLAN_H

#include "answer/body.h"
#include "answer/respond.h"

#define PLAN_CHAIN_MAX 16 /* CNAMEs and DNAMEs followed */
#define PLAN_ITEMS_MAX 256
#define PLAN_TURNS_MAX 16 /* of a set behind a chain that the kernel holds every turn of */
#define PLAN_ROOM      16384
#define PLAN_PICKS_MAX 512 /* addresses picked from pools' answers, in all items */

struct plan_item {
	enum message_section section;
	bool rotate; /* A or AAAA that answer the question */
	bool glue;   /* does not fit: TC (RFC 9471) */
	bool late;   /* in its section after all that is not: signatures */
	uint8_t owner_len;
	uint16_t wire_type;
	uint32_t ttl;
	const uint8_t *owner;
	const struct zone_rrset *rrset; /* zone data; else: */
	const uint8_t *octets;          /* `count` values of `stride` octets */
	uint16_t count, stride;
	const uint8_t *picked; /* of `octets`, these; NULL: all, in their order */
	uint32_t choice;       /* where rotation starts, if picked */
};

struct plan_question {
	const struct world *world;
	const uint8_t *name; /* lower case */
	size_t len;
	uint16_t type;
	const struct ecs *ecs;         /* of the query; NULL: none */
	const struct endpoint *source; /* of the packet; NULL: nobody asks, it is for an image */
	bool last_try;
	bool dnssec_ok; /* DO of the query (RFC 3225): who asks wants to see what secures the answer
	                 */
	bool compact_ok; /* CO (RFC 9824 5.1): who asks takes NXDOMAIN for a compact denial */
	uint64_t now_ms;
	uint32_t choice;    /* an_choice() of the query */
	unsigned int group; /* for an image: of the answer's groups the one with this number less
	                       1, with the dead; 0: what a reply has */
};

struct plan {
	const struct plan_question *question;
	bool wait; /* `want` is to be fetched first; nothing else counts */
	bool aa;
	bool elsewhere;   /* the chain left the question's zone, or a DNAME made it */
	bool daemon_only; /* depends on more than the zone and the question: no kernel may hold it
	                   */
	uint16_t rcode;
	uint8_t scope; /* SCOPE PREFIX-LENGTH */
	int ede;       /* -1: none */
	const char *ede_text;
	bool mixed;              /* items do not stand in the order of their sections */
	bool overfull;           /* something that must be there found no room: TC */
	unsigned int flags;      /* RESPOND_* */
	uint32_t policy;         /* of the flattened owner, its number + 1; 0: none */
	uint32_t region;         /* of the client, by the policy of the flattened owner; 0: none */
	uint8_t region_len;      /* of the network that this holds for */
	const struct zone *zone; /* of the name looked at last; NULL: not ours */
	unsigned int hops;       /* CNAMEs and DNAMEs followed */
	const uint8_t *owner;    /* the name looked at last */
	size_t owner_len;
	struct zone_match match;     /* of that name in that zone */
	const struct body *body;     /* a denial or a referral, instead of its items */
	const struct zone_node *cut; /* of a referral */
	bool client_known;
	struct client client; /* plan_client()'s */
	/* How much of each of the arrays, which stand together behind: most replies use little. */
	unsigned int count, made_count, picked_count;
	size_t room_used;
	struct plan_item items[PLAN_ITEMS_MAX];
	uint8_t made[PLAN_CHAIN_MAX][NAME_MAX_LEN]; /* names made by DNAMEs */
	uint8_t picked[PLAN_PICKS_MAX];
	_Alignas(8) uint8_t room[PLAN_ROOM]; /* for signatures and denials that are made */
};

/* Who asks: found out once, and only for answers that it makes a difference to. */
const struct client *plan_client(struct plan *plan);

void plan_make(struct plan *plan, const struct plan_question *question);

/* A plan without records: only the RCODE speaks. */
void plan_make_empty(struct plan *plan, const struct plan_question *question, unsigned int rcode,
                     int ede);

/* One TXT record of the name asked, TTL 0 (class CH: the message's). */
void plan_make_text(struct plan *plan, const struct plan_question *question, const uint8_t *rdata,
                    size_t len);

/* Items in place of the body. */
void plan_unpack(struct plan *plan);

/* What a cut of this zone gives, for a body. */
void plan_referred(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                   const struct zone_node *cut);

/* What a name that is not there gives in this zone, for a body and the kernel's image of it. */
void plan_denied(struct plan *plan, const struct plan_question *question, const struct zone *zone);

/* The plan that a fresh stored answer of a zone's owner gives, for the kernel's image of it:
 * of one of its groups, where it has a pool part. */
void plan_stored(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                 const struct answer *answer);

/*
 * What (name, type) gives where a chain inside of the zone leads to an owner
 * that is flattened, with this answer of that owner; NULL: the chain alone,
 * and plan->owner is that owner. False: it does not.
 */
bool plan_chained(struct plan *plan, const struct plan_question *question, const struct zone *zone,
                  const struct answer *answer);

/* How many turns the answer has where it rotates behind a chain; else 1. */
unsigned int plan_turns(const struct plan *plan);

/*
 * Writes the items. `choice` is that of an_choice(): where rotation starts.
 * False: something that must be there did not fit (TC); what stands is cut at
 * an RRset.
 */
bool plan_render(const struct plan *plan, struct message *m, uint32_t choice);

#endif
