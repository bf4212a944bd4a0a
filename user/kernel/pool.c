/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/pool.h"

#include <errno.h>
#include <stdlib.h>

int pool_init(struct pool *pool, uint32_t count)
{
	*pool = (struct pool){.count = count};
	pool->free = calloc(count ? count : 1, sizeof(*pool->free));
	pool->taken = calloc((size_t)count / 64 + 1, sizeof(*pool->taken));
	if (pool->free && pool->taken)
		return 0;
	pool_done(pool);
	return -ENOMEM;
}

void pool_done(struct pool *pool)
{
	free(pool->free);
	free(pool->taken);
	*pool = (struct pool){0};
}

bool pool_taken(const struct pool *pool, uint32_t number)
{
	return number && number < pool->count && pool->taken[number / 64] >> (number % 64) & 1;
}

bool pool_claim(struct pool *pool, uint32_t number)
{
	if (!number || number >= pool->count || pool_taken(pool, number))
		return false;
	pool->taken[number / 64] |= 1ULL << (number % 64);
	pool->used++;
	return true;
}

void pool_settle(struct pool *pool)
{
	pool->free_count = 0;
	for (uint32_t number = pool->count; number-- > 1;)
		if (!pool_taken(pool, number))
			pool->free[pool->free_count++] = number;
}

uint32_t pool_take(struct pool *pool)
{
	uint32_t number;

	if (!pool->free_count)
		return 0;
	number = pool->free[--pool->free_count];
	pool_claim(pool, number);
	return number;
}

void pool_give(struct pool *pool, uint32_t number)
{
	if (!pool_taken(pool, number))
		return;
	pool->taken[number / 64] &= ~(1ULL << (number % 64));
	pool->used--;
	pool->free[pool->free_count++] = number;
}
