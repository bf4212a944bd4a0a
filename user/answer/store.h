/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store - flattened answers, per owner, type and audience.
 *
 * One writer, the flatten loop; any number of readers under the RCU read lock
 * (liburcu, default flavour). An owner entry exists from the first answer (or
 * failure) on. The look-up is the one that the kernel does: longest prefix
 * that is no longer than the client's SOURCE; a shorter audience never stands
 * in for a longer one that exists. Times are clock_ms().
 */
#ifndef ANAMED_ANSWER_STORE_H
#define ANAMED_ANSWER_STORE_H

#include <urcu.h>
#include <urcu/rculfhash.h>

#include "base/name.h"
#include "steer/audience.h"
#include "steer/pool.h"

struct store;
struct store_owner;

/* Octets of one address of this type, A or AAAA. */
static inline size_t address_len(uint16_t type)
{
	return type == AN_TYPE_AAAA ? 16 : 4;
}

/* What each reply is chosen from: a stretch of the answer's addresses. */
struct answer_group {
	uint32_t id; /* of the member, for choice by client */
	uint16_t first, count;
	uint16_t weight;
	uint8_t bit; /* in the cell: lives; ANSWER_ALWAYS */
};

#define ANSWER_ALWAYS 255 /* a bit that is set whatever the cell says */

/* What an answer out of a pool has besides: on the heap, the answer's own. */
struct answer_pool {
	const uint64_t *cell; /* which bits are set, now; relaxed atomic */
	enum pool_kind kind;
	uint16_t group_count;
	uint8_t *bits; /* of each address, behind the groups */
	struct answer_group groups[];
};

struct answer {
	struct cds_lfht_node node; /* by key */
	union {
		struct rcu_head rcu; /* once it has left */
		struct {
			struct answer *before, *behind; /* of the owner's, by network: order.h;
			                                   writer only */
		};
	};
	struct store_owner *owner;
	struct answer *next, *prev;           /* of the owner; writer only */
	struct answer *ring_next, *ring_prev; /* of the store, for eviction; writer only */
	struct an_audience_key key;
	struct network asked; /* what upstream was asked with; family 0: SOURCE 0 */
	uint64_t fetched_ms;
	uint64_t fresh_until_ms;
	uint64_t stale_until_ms;
	uint32_t ttl; /* seconds, as it was when made: floor and cap applied */
	uint8_t wire_scope;
	bool negative;            /* NODATA */
	uint8_t upstream;         /* which one gave it, for `explain`; 255: our own zones */
	uint16_t count;           /* addresses */
	struct answer_pool *pool; /* NULL: not out of a pool */
	uint64_t used_ms;         /* last use by the daemon; relaxed atomic */
	_Atomic(struct answer_signatures *) signatures; /* online.h's; NULL: none yet */
	/* Writer only. */
	uint32_t slot;           /* kernel slot, AN_SLOT_NONE if not there */
	uint32_t queue_at;       /* place in the flatten loop's refresh queue + 1; 0: none */
	uint64_t due_ms;         /* when it is looked at again */
	uint64_t passed_ms;      /* when eviction last passed it by */
	uint64_t good_until_ms;  /* with a harvest: fresh_until_ms, but for changes that are near */
	struct harvest *harvest; /* flatten's: what a pool's members gave; NULL: none */
	struct cell *cell;       /* flatten's: that it is in the list of; NULL: none */
	struct answer *cell_next, *cell_prev;
	uint8_t octets[]; /* count addresses of 4 or 16 octets, in canonical (sorted) order, of a
	                     pool's by group */
};

struct store_owner {
	struct cds_lfht_node node; /* by name and type */
	union {
		struct rcu_head rcu;    /* once it has left */
		struct answer *ordered; /* its answers by network: order.h; writer only */
	};
	uint64_t uid;
	uint8_t name_len;
	uint16_t type;
	/* Read by workers (relaxed atomics or RCU pointers). */
	uint64_t lens_net[3];   /* by family: bit n-1 clear: no NET audience of length n exists */
	uint64_t lens_exact[3]; /* the same for EXACT */
	struct answer *everyone, *nobody, *catch_all; /* rcu_dereference */
	struct answer *positive;                      /* the same: the newest that has addresses */
	bool failing;                                 /* the state cell says stale */
	uint64_t failed_until_ms; /* a failure without last good answer is kept until then */
	int failed_ede;           /* EDE code that goes with it, -1 for none */
	const char *failed_text;  /* static string or NULL */
	/* Writer only. */
	struct answer *answers;                    /* list, the newest first */
	struct store_owner *idle_next, *idle_prev; /* the store's, while there are no answers */
	uint32_t answer_count;
	uint32_t indexed_count; /* the most answers since the lengths were found anew */
	uint32_t failing_at;    /* place in the flatten loop's list of the failing + 1; 0: none */
	uint64_t rechecked_ms;
	uint64_t definition;     /* hash of the zone data that the answers came from */
	bool outdated;           /* restore.c's: what the disk has of it is of other data */
	bool has_kernel_owner;   /* kernel_uid means something */
	uint64_t kernel_uid;     /* publish's own */
	struct chained *chained; /* flatten's: on the heap; NULL: none */
	uint8_t name[];          /* lower case */
};

struct store *store_new(uint32_t answers_max, uint32_t networks_per_name_max);
void store_free(struct store *store);

/* Called by the writer for each answer that leaves, before it does; for one that is replaced, after
 * `by` (else NULL) has its places. */
void store_on_leave(struct store *store,
                    void (*leave)(struct answer *answer, struct answer *by, void *arg), void *arg);

/* ---- readers ---- */

struct store_owner *store_owner_find(struct store *store, const uint8_t *name, size_t len,
                                     uint16_t type);

enum store_state {
	STORE_FRESH,
	STORE_STALE,   /* past its time, and the owner is failing (or last_try): last good */
	STORE_EXPIRED, /* past its time: fetch again */
	STORE_ABSENT,
	STORE_FAILED, /* nothing to give, and the failure is recent: SERVFAIL now */
};

/* Kept under no client's network, since upstream tells none apart. */
static inline bool answer_is_for_everyone(const struct answer *answer)
{
	return answer->key.kind == AN_AUDIENCE_NET && !answer->key.len;
}

/* The same, or kept for one half of this family's addresses, since upstream told none of the family
 * apart and nothing is known of the other (finish.c): its scope is 0. */
static inline bool answer_is_for_family(const struct answer *answer, uint8_t family)
{
	return answer_is_for_everyone(answer) ||
	       (answer->key.kind == AN_AUDIENCE_NET && answer->key.family == family &&
	        answer->key.len == 1 && !answer->wire_scope);
}

struct store_found {
	enum store_state state;
	struct answer *answer; /* FRESH, STALE, EXPIRED */
	struct store_owner *owner;
	uint8_t wire_scope;
	uint32_t ttl; /* seconds to put on the wire: FRESH: rest of life rounded up, STALE: 30 */
	int ede;      /* FAILED: what the failure was, -1 unknown */
	const char *ede_text; /* EXTRA-TEXT that goes with it, or NULL */
};

/*
 * The answer for a client network (family 0: nobody) in a region (0: the owner
 * has none). last_try: whatever has
 * been stored and is not past stale_until counts, in the order same network,
 * wider network, everyone, newest of any network. A failing owner is treated
 * so at once, as the kernel does.
 */
struct store_found store_find(struct store *store, const uint8_t *owner, size_t len, uint16_t type,
                              const struct network *client, uint32_t region, bool last_try,
                              uint64_t now_ms);

/* ---- the writer ---- */

/* Finds or makes. NULL if out of memory or full. */
struct store_owner *store_owner_get(struct store *store, const uint8_t *name, size_t len,
                                    uint16_t type, uint64_t now_ms);

/*
 * Puts an answer in (replacing the one of the same key, whose slot and queue
 * place the new one takes over): `model` gives every field but node, rcu,
 * owner and links; octets are copied. Returns it; *ret_old the replaced one
 * (freed after a grace period, readable until the caller leaves) or NULL.
 * NULL: full, or out of memory.
 */
struct answer *store_put(struct store *store, struct store_owner *owner, const struct answer *model,
                         const uint8_t *octets, struct answer **ret_old, uint64_t now_ms);
void store_remove(struct store *store, struct answer *answer);
void store_owner_remove(struct store *store, struct store_owner *owner); /* with all its answers */
/* The owner that has had no answer for longest, or no failure (store_idle_anew()); NULL: all have
 * answers. */
struct store_owner *store_idle(const struct store *store);
void store_idle_anew(struct store *store, struct store_owner *owner);
void store_owner_each(struct store *store, void (*visit)(struct store_owner *owner, void *arg),
                      void *arg);
/* The answer that eviction takes next: of one owner, or (NULL) of all; the one least used. NULL:
 * there is none. */
struct answer *store_victim(struct store *store, struct store_owner *owner, uint64_t now_ms);

/* An answer's pool part with room for so many; NULL: out of memory. Freed with free(). */
struct answer_pool *answer_pool_new(size_t groups, size_t addresses);

/* ---- which addresses of an answer a reply has ---- */

struct answer_pick {
	unsigned int count; /* 0: none of those chosen lives */
	uint32_t choice;    /* for the rotation among them */
	uint8_t at[256];    /* places in the answer */
};

/* By the stated functions of key.h, and the cell as it is now: the same in the kernel. `network`:
 * the client's. For answers with a pool part. */
void answer_pick(const struct answer *answer, uint32_t choice, const struct network *network,
                 struct answer_pick *ret);

/* The places of all that some client gets now: of every group that lives, each address once, in
 * canonical order. For answers with a pool part; how many. */
unsigned int answer_living(const struct answer *answer, uint8_t ret_at[256]);

/* The wire scope that choice by client has for a client of this network, at least; else 0. */
uint8_t answer_pick_scope(const struct answer *answer, const struct network *network);

/* The answer of the same owner and region that would stand in for this one were it gone: that of
 * the longest network around it, or everyone's; NULL: none. */
struct answer *store_wider(struct store *store, const struct answer *answer);

/* The owner's answers in the region of `key` whose network begins inside of the key's (of length
 * 0: all, nobody's as well), in the order of networks. `after`: the last that was got, NULL at
 * first; NULL: there are no more. */
struct answer *store_inside(const struct store_owner *owner, const struct an_audience_key *key,
                            const struct answer *after);

size_t store_count(const struct store *store);
size_t store_owner_count(const struct store *store);

#endif
