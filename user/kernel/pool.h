/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool - which numbers of a range are taken. Pure.
 *
 * Numbers run from 1 to count - 1; 0 is "none" and is never handed out. The
 * lowest free numbers go first after pool_settle(), the highest after
 * pool_settle_from_top(), but before these whatever was given back last.
 * Costs 4 octets and two bits a number.
 */
#ifndef ANAMED_KERNEL_POOL_H
#define ANAMED_KERNEL_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct pool {
	uint32_t *stack; /* numbers to hand out; some of them may have been taken out of turn */
	uint32_t depth;
	uint32_t free_count;
	uint32_t count;
	uint32_t used;
	uint64_t *taken, *stacked; /* a bit a number */
};

/* Everything free, and nothing handed out before pool_settle(). 0 or -ENOMEM. */
int pool_init(struct pool *pool, uint32_t count);
void pool_done(struct pool *pool);

/* Between init and settle: takes a number that was found in use. False: out of range, or taken. */
bool pool_claim(struct pool *pool, uint32_t number);
void pool_settle(struct pool *pool);
void pool_settle_from_top(struct pool *pool);

uint32_t pool_take(struct pool *pool);                   /* 0: full */
bool pool_take_this(struct pool *pool, uint32_t number); /* false: out of range, or taken */
uint32_t pool_take_within(struct pool *pool, uint32_t from, uint32_t end); /* the lowest; 0: none */
void pool_give(struct pool *pool, uint32_t number);
bool pool_taken(const struct pool *pool, uint32_t number);

#endif
