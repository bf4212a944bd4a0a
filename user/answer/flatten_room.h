/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten_room - what the files of the flatten loop share; nobody else
 * includes it.
 *
 *   flatten.c   wants in, flights, waiting queries out
 *   members.c   one flight's members: own zones and chains
 *   lookups.c   questions upstream, budgets, what is known of targets
 *   finish.c    members' results become an answer: store, kernel, disk
 *   cells.c     how members of pools stand; compose.c: answers out of that,
 *               near.c: until when they hold
 *   refresh.c   what is asked for is renewed, what fails is asked again
 *   restore.c   answers from disk and from adopted maps
 *   offer.c     static answers into the kernel
 *   explain.c   the same, in words
 *
 * Everything runs on the loop's thread, but for the queues in flatten.c.
 */
#ifndef ANAMED_ANSWER_FLATTEN_ROOM_H
#define ANAMED_ANSWER_FLATTEN_ROOM_H

#include <pthread.h>

#include "answer/flatten.h"
#include "base/hash.h"
#include "health/health.h"
#include "kernel/publish.h"
#include "upstream/keep.h"
#include "upstream/upstream.h"

#define FLATTEN_MEMBERS_MAX   64
#define FLATTEN_ADDRESSES_MAX 64
#define FLATTEN_CHAIN_MAX     16
#define FLATTEN_OFFERS_MAX    8192
#define FLATTEN_REFRESH_MAX   4096 /* refreshing flights under way at once */
#define FLATTEN_FROM_ZONES    255  /* struct answer's upstream: our own zones */

/* (name, type, network asked with): of a flight the owner, of a look-up the target. Zeroed whole:
 * it is hashed. */
struct ask_key {
	struct network network;
	uint16_t type;
	uint8_t name_len;
	uint8_t name[NAME_MAX_LEN];
	uint32_t region; /* flights: the client's, by the policy of the owner's pool; else 0 */
};

enum member_state {
	MEMBER_OUT,    /* a look-up is under way */
	MEMBER_OK,     /* octets, or negative */
	MEMBER_FAILED, /* ede says why */
};

struct lookup;

struct member {
	struct flight *flight;
	struct member *next;        /* of the flight */
	struct member *lookup_next; /* of the look-up */
	struct lookup *lookup;
	enum member_state state;
	uint8_t name[NAME_MAX_LEN]; /* where the chain stands now */
	uint8_t name_len;
	uint8_t depth;
	uint32_t ttl; /* least of the chain so far */
	uint8_t scope;
	bool upstream; /* not from our own zones */
	bool tailored; /* a target on the way gives more than one answer */
	bool negative, stale, loop, over_budget;
	bool led;           /* to a flattened owner of ours, whose members stand for it */
	bool gone;          /* the name does not exist */
	uint16_t node;      /* of the flight's pool; HARVEST_BESIDE: not a member of it */
	struct network ecs; /* asked with this, whoever the client is; family 0: the client's */
	int ede;
	uint8_t index; /* of the upstream */
	uint16_t count;
	uint8_t *octets;
	const struct member *parent; /* whose ANAME or CNAME led here; for loops */
};

struct flight {
	UT_hash_handle hh;
	struct ask_key key;
	struct flatten *flatten;
	struct network client; /* as the first that wanted it gave it */
	uint8_t limits[2];     /* longest SOURCE to the targets, IPv4 and IPv6 */
	struct flatten_wait *waits;
	struct member *members;
	unsigned int member_count, pending;
	uint64_t started_ms;
	uint64_t definition;
	uv_timer_t timer; /* client-timer: then the last good answer goes out */
	bool timed;       /* that has happened */
	bool refresh;
	bool closing;
	uint8_t zone_apex[NAME_MAX_LEN];
	uint8_t zone_apex_len;
	const struct pool_tree *tree; /* of the pool among its members; NULL: there is none */
};

/* One question upstream, for every member that wants it. */
struct lookup {
	UT_hash_handle hh;
	struct ask_key key;
	struct flatten *flatten;
	struct upstream_ask *ask;
	struct member *members;
	struct target *target; /* NULL: no memory to count it there */
};

/* What is remembered of a target. */
struct target {
	UT_hash_handle hh;
	uint8_t name[NAME_MAX_LEN];
	uint8_t name_len;
	uint32_t asking[2]; /* look-ups under way, for A and for AAAA */
	bool tailored[3];   /* has given a scope over 0, by family */
	/* For A and for AAAA: has given scope 0 to a network of this family, or knows no ECS at
	 * all. */
	bool untailored[2][3];
	uint64_t used_ms; /* when it was last asked for */
};

/* Look-ups that a zone may cause. */
struct budget {
	UT_hash_handle hh;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t apex_len;
	double tokens;
	uint64_t filled_ms;
};

struct offer {
	uint8_t name[NAME_MAX_LEN];
	uint8_t name_len;
	bool stored;
	bool chained;
	uint16_t type;
	struct network client;
	uint32_t region;
};

/* The lesser of a chain's TTL so far and one more. */
static inline void least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

struct flatten {
	uv_loop_t *loop;
	uv_async_t async;
	uv_timer_t tick;
	struct store *store;
	struct store *targets_store; /* last good answers of single members of pools */
	const struct world *world;
	struct upstream *upstream;
	struct publish *publish;
	struct keep *keep;
	struct health *health; /* NULL: none, and every address is up */
	struct pools *pools;   /* the world's, or our own */
	struct pools *own_pools;
	const struct config *pools_config;
	struct cell *cells;             /* cells.h */
	struct choices *choices;        /* choices.h; of cells that are not there yet */
	uint64_t turns;                 /* cells settled, in all */
	struct health_watch **standing; /* of addresses that pools name */
	size_t standing_count;

	pthread_mutex_t lock; /* over the next six */
	struct flatten_wait *wants, **wants_tail;
	struct offer *offers; /* FLATTEN_OFFERS_MAX */
	size_t offer_count;
	uint64_t offers_dropped;
	bool closed;

	struct flight *flights;
	struct lookup *lookups;
	struct target *targets;
	struct budget *budgets;
	uint64_t forget_ms; /* when these two are looked through again */
	size_t refreshing;

	struct answer **queue; /* heap by due_ms */
	size_t queue_count, queue_size;
	struct store_owner **failing;
	size_t failing_count, failing_size;
	uint64_t failing_ms;

	struct flatten_stats stats;
};

/* ---- flatten.c ---- */

/* Starts (or joins: NULL wait is fine) the flight for an owner on behalf of a client. */
void flight_want(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                 const struct network *client, uint32_t region, struct flatten_wait *wait,
                 bool refresh);
void flight_release_waits(struct flight *flight);
void flight_drop(struct flight *flight); /* out of the table, memory goes */
/* True if there is a last good answer for this client. */
bool flatten_has_good(struct flatten *flatten, const uint8_t *owner, size_t len, uint16_t type,
                      const struct network *client, uint32_t region);
bool target_tailored(struct flatten *flatten, const uint8_t *name, size_t len, uint8_t family);

/* True if what the target gives one family without regard to networks is known to be so for the
 * other. */
bool target_for_all(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type,
                    uint8_t family);

/* ---- members.c ---- */

/* Makes the members of the flight's owner and sets them going; ends in flight_finish() at once
 * where nothing need be asked. */
void members_start(struct flight *flight, const struct zone *zone, const struct zone_node *node);
void members_free(struct flight *flight);
/* A member's end: what it has given, or why it has not. Either may end the flight. */
void member_give(struct member *member, const uint8_t *octets, uint16_t count);
void member_fail(struct member *member, int ede);
/* Upstream's chain has led to a name of our own: on from there, whatever comes of it. */
void member_go_on(struct member *member, const uint8_t *name, size_t len);
/* Is one of the node's targets in a zone of ours, whose data a reload or a restart may change? */
bool members_lead_home(const struct flatten *flatten, const struct zone_node *node);
/* Hash of the data at a node that its flattened answers come from, pools included. */
uint64_t members_definition(const struct flatten *flatten, const struct zone *zone,
                            const struct zone_node *node);
/* The pool that a node's ANAMEs (or flattened CNAME) point to; NULL: none. */
const struct pool_tree *members_pool(const struct flatten *flatten, const struct zone_node *node);

/* ---- lookups.c ---- */

/* Asks upstream where the member's chain stands now. */
void member_ask(struct member *member);
/* The member wants no answer any more. */
void lookup_leave(struct member *member);
/* Is anything under way for this name (lower case) and type, for whatever network? */
bool target_is_asked(struct flatten *flatten, const uint8_t *name, size_t len, uint16_t type);
/* What has not been asked for a day is forgotten: zones and their targets come and go. */
void lookups_forget(struct flatten *flatten, uint64_t now);
/* Tells the upstream of now which names are our own. */
void lookups_upstream(struct flatten *flatten);
/* Asks again what is under way, through the upstream of now. */
void lookups_restart(struct flatten *flatten);

/* ---- finish.c ---- */

void flight_finish(struct flight *flight);
/* Puts a stored answer into the kernel. */
void finish_publish(struct flatten *flatten, struct store_owner *owner, struct answer *answer,
                    bool newest);
/* A special-use network lies inside of the audience: each client's scope is another one. */
bool finish_scope_depends(const struct config *config, const struct answer *answer);
/* Makes sure of the owner's slot in the kernel. */
bool finish_kernel_owner(struct flatten *flatten, struct store_owner *owner,
                         const struct zone *zone);
/* Takes an answer, with those that would stand in for it or alone, or an owner with all of them,
 * out everywhere. */
void finish_remove(struct flatten *flatten, struct answer *answer, bool disk);
void finish_remove_alone(struct flatten *flatten, struct answer *answer, bool disk);
void finish_remove_owner(struct flatten *flatten, struct store_owner *owner, bool disk);
/* Owners that have no answer, nor a failure that still holds, go. */
void finish_idle(struct flatten *flatten, uint64_t now);
/* What a reply needs of an answer in a zone that is signed here, before it is asked for. Those
 * restored from the disk, which come all at once, are signed when they are.
 * given: somebody was given addresses of the owner before it was stored. */
void finish_sign(struct flatten *flatten, struct answer *answer, bool given);

/* Puts an answer into the store, making room by eviction. NULL if there is none to be had. */
struct answer *finish_put(struct flatten *flatten, struct store_owner *owner,
                          const struct answer *model, const uint8_t *octets);
void finish_failing(struct flatten *flatten, struct store_owner *owner, bool failing);

/* ---- compose.c ---- */

struct composed;
struct cell;
/* Until when an answer that is good until then goes out as it is now composed. */
uint64_t composed_until(const struct composed *composed, uint64_t good_until_ms, uint64_t now_ms);
/* Says in the log what the composition shows, and when it is to be made again. */
void cell_said(struct cell *cell, const struct composed *composed);

/* ---- refresh.c ---- */

void refresh_queue(struct flatten *flatten, struct answer *answer, uint64_t due_ms);
void refresh_unqueue(struct flatten *flatten, struct answer *answer);
/* When an answer that was just made is to be looked at. */
uint64_t refresh_due(const struct flatten *flatten, const struct answer *answer);
void refresh_tick(struct flatten *flatten);
void refresh_forget_failing(struct flatten *flatten, struct store_owner *owner);

/* ---- restore.c ---- */

void restore_keep(struct flatten *flatten, const struct store_owner *owner,
                  const struct answer *answer);
void restore_forget(struct flatten *flatten, const struct store_owner *owner,
                    const struct answer *answer);

/* ---- offer.c ---- */

void offer_take(struct flatten *flatten, const struct offer *offer);

#endif
