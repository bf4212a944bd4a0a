/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/pool.h"

#include <errno.h>
#include <stdlib.h>

static bool has(const uint64_t *bits, uint32_t number)
{
	return bits[number / 64] >> (number % 64) & 1;
}

static void set(uint64_t *bits, uint32_t number)
{
	bits[number / 64] |= 1ULL << (number % 64);
}

static void clear(uint64_t *bits, uint32_t number)
{
	bits[number / 64] &= ~(1ULL << (number % 64));
}

int pool_init(struct pool *pool, uint32_t count)
{
	size_t words = (size_t)count / 64 + 1;

	*pool = (struct pool){.count = count};
	pool->stack = calloc(count ? count : 1, sizeof(*pool->stack));
	pool->taken = calloc(words, sizeof(*pool->taken));
	pool->stacked = calloc(words, sizeof(*pool->stacked));
	if (pool->stack && pool->taken && pool->stacked)
		return 0;
	pool_done(pool);
	return -ENOMEM;
}

void pool_done(struct pool *pool)
{
	free(pool->stack);
	free(pool->taken);
	free(pool->stacked);
	*pool = (struct pool){0};
}

bool pool_taken(const struct pool *pool, uint32_t number)
{
	return number && number < pool->count && has(pool->taken, number);
}

bool pool_claim(struct pool *pool, uint32_t number)
{
	if (!number || number >= pool->count || pool_taken(pool, number))
		return false;
	set(pool->taken, number);
	pool->used++;
	return true;
}

/* Each number is in the stack once at most, so the stack is never too small. */
static void push(struct pool *pool, uint32_t number)
{
	if (has(pool->stacked, number))
		return;
	set(pool->stacked, number);
	pool->stack[pool->depth++] = number;
}

static void settle(struct pool *pool, uint32_t number)
{
	clear(pool->stacked, number);
	if (pool_taken(pool, number))
		return;
	push(pool, number);
	pool->free_count++;
}

void pool_settle(struct pool *pool)
{
	pool->depth = pool->free_count = 0;
	for (uint32_t number = pool->count; number-- > 1;)
		settle(pool, number);
}

void pool_settle_from_top(struct pool *pool)
{
	pool->depth = pool->free_count = 0;
	for (uint32_t number = 1; number < pool->count; number++)
		settle(pool, number);
}

bool pool_take_this(struct pool *pool, uint32_t number)
{
	if (!pool->free_count || !pool_claim(pool, number))
		return false;
	pool->free_count--;
	return true;
}

uint32_t pool_take_within(struct pool *pool, uint32_t from, uint32_t end)
{
	uint32_t number = from ? from : 1;

	if (end > pool->count)
		end = pool->count;
	while (number < end) {
		uint64_t free = ~pool->taken[number / 64] >> (number % 64);

		if (free) {
			number += (uint32_t)__builtin_ctzll(free);
			return number < end && pool_take_this(pool, number) ? number : 0;
		}
		number = (number / 64 + 1) * 64;
	}
	return 0;
}

uint32_t pool_take(struct pool *pool)
{
	while (pool->depth) {
		uint32_t number = pool->stack[--pool->depth];

		clear(pool->stacked, number);
		if (pool_take_this(pool, number))
			return number;
	}
	return 0;
}

void pool_give(struct pool *pool, uint32_t number)
{
	if (!pool_taken(pool, number))
		return;
	clear(pool->taken, number);
	pool->used--;
	pool->free_count++;
	push(pool, number);
}
