/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of a pool's addresses a reply has: what the kernel half does with the same octets. */
#include <stdlib.h>
#include <string.h>

#include "answer/store.h"

struct answer_pool *answer_pool_new(size_t groups, size_t addresses)
{
	size_t head = sizeof(struct answer_pool) + groups * sizeof(struct answer_group);
	struct answer_pool *pool = calloc(1, head + addresses);

	if (!pool)
		return NULL;
	pool->group_count = (uint16_t)groups;
	pool->bits = (uint8_t *)pool + head;
	return pool;
}

static bool is_set(uint64_t cell, uint8_t bit)
{
	return bit == ANSWER_ALWAYS || (cell >> (bit & 63) & 1);
}

/* NULL: none lives. */
static const struct answer_group *by_weight(const struct answer_pool *pool, uint64_t cell,
                                            uint32_t *choice)
{
	uint32_t total = 0, at;

	for (unsigned int i = 0; i < pool->group_count; i++)
		if (is_set(cell, pool->groups[i].bit))
			total += pool->groups[i].weight;
	at = an_choice_below(*choice, total);
	*choice = an_choice_rest(*choice, total);
	for (unsigned int i = 0; i < pool->group_count; i++) {
		const struct answer_group *group = &pool->groups[i];

		if (!is_set(cell, group->bit))
			continue;
		if (at < group->weight)
			return group;
		at -= group->weight;
	}
	return NULL;
}

static uint8_t client_len(uint8_t family)
{
	return family == AN_FAMILY_IPV6 ? AN_CLIENT_IPV6_LEN : AN_CLIENT_IPV4_LEN;
}

static const struct answer_group *by_client(const struct answer_pool *pool, uint64_t cell,
                                            const struct network *network)
{
	struct network cut = network_of(network->family ? network->family : AN_FAMILY_IPV4,
	                                network->address, client_len(network->family));
	uint64_t word = network->family ? an_load8(cut.address) : 0;
	uint32_t best_distance = AN_CLIENT_FARTHEST, best_weight = 1;
	const struct answer_group *best = NULL;

	for (unsigned int i = 0; i < pool->group_count; i++) {
		const struct answer_group *group = &pool->groups[i];
		uint32_t distance = an_client_distance(network->family, word, group->id);
		uint32_t weight = is_set(cell, group->bit) ? group->weight : 0;

		if (!an_client_before(distance, weight, best_distance, best_weight))
			continue;
		best = group;
		best_distance = distance;
		best_weight = weight;
	}
	return best;
}

void answer_pick(const struct answer *answer, uint32_t choice, const struct network *network,
                 struct answer_pick *ret)
{
	const struct answer_pool *pool = answer->pool;
	uint64_t cell = pool->cell ? CMM_LOAD_SHARED(*pool->cell) : 0;
	const struct answer_group *group = &pool->groups[0];

	ret->count = 0;
	if (pool->kind == POOL_BY_WEIGHT)
		group = by_weight(pool, cell, &choice);
	else if (pool->kind == POOL_BY_CLIENT)
		group = by_client(pool, cell, network);
	ret->choice = choice;
	for (unsigned int i = 0; group && i < group->count; i++) {
		unsigned int at = group->first + i;

		if (is_set(cell, pool->bits[at]))
			ret->at[ret->count++] = (uint8_t)at;
	}
}

/* Puts a place where its address belongs among those so far, unless that is there. */
static unsigned int insert_place(const struct answer *answer, uint8_t *at, unsigned int count,
                                 uint8_t place)
{
	size_t len = address_len(answer->key.type);
	unsigned int i = 0;
	int order = 1;

	for (; i < count; i++) {
		order = memcmp(answer->octets + at[i] * len, answer->octets + place * len, len);
		if (order >= 0)
			break;
	}
	if (i < count && !order)
		return count;
	memmove(at + i + 1, at + i, count - i);
	at[i] = place;
	return count + 1;
}

unsigned int answer_living(const struct answer *answer, uint8_t ret_at[256])
{
	const struct answer_pool *pool = answer->pool;
	uint64_t cell = pool->cell ? CMM_LOAD_SHARED(*pool->cell) : 0;
	unsigned int count = 0;

	for (unsigned int i = 0; i < pool->group_count; i++) {
		const struct answer_group *group = &pool->groups[i];

		for (unsigned int j = 0; is_set(cell, group->bit) && j < group->count; j++) {
			unsigned int at = group->first + j;

			if (is_set(cell, pool->bits[at]))
				count = insert_place(answer, ret_at, count, (uint8_t)at);
		}
	}
	return count;
}

uint8_t answer_pick_scope(const struct answer *answer, const struct network *network)
{
	if (!answer->pool || answer->pool->kind != POOL_BY_CLIENT || !network->family)
		return 0;
	return client_len(network->family);
}
