/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/chained.h"

#include <stdlib.h>

#include "answer/plan.h"
#include "base/clock.h"

#define CHAINS_MAX  8 /* names that lead to one */
#define ANSWERS_MAX 8 /* of that one */
#define WANTED_MS   30000

/* A name from which a chain leads to the owner. */
struct chain {
	struct offer offer;
	uint64_t uid;      /* publish's */
	uint64_t asked_ms; /* the last time, as far as is known */
	unsigned int count;
	const struct answer *answers[ANSWERS_MAX];
	uint32_t slots[ANSWERS_MAX]; /* of each */
};

struct chained {
	unsigned int count;
	struct chain chains[CHAINS_MAX];
};

struct chained *chained_take(struct flatten *flatten, struct store_owner *owner)
{
	struct chained *chained = owner->chained;

	owner->chained = NULL;
	for (unsigned int i = 0; chained && flatten->publish && i < chained->count; i++) {
		struct chain *chain = &chained->chains[i];

		for (unsigned int j = 0; j < chain->count; j++) {
			uint64_t used = publish_used_ms(flatten->publish, chain->slots[j]);

			if (used > chain->asked_ms)
				chain->asked_ms = used;
		}
		publish_owner_remove(flatten->publish, chain->uid);
	}
	return chained;
}

void chained_drop(struct flatten *flatten, struct store_owner *owner)
{
	free(chained_take(flatten, owner));
}

uint64_t chained_used_ms(const struct flatten *flatten, const struct answer *answer)
{
	const struct chained *chained = answer->owner->chained;
	uint64_t last = 0;

	for (unsigned int i = 0; chained && flatten->publish && i < chained->count; i++)
		for (unsigned int j = 0; j < chained->chains[i].count; j++) {
			uint64_t used =
			        publish_used_ms(flatten->publish, chained->chains[i].slots[j]);

			if (chained->chains[i].answers[j] == answer && used > last)
				last = used;
		}
	return last;
}

/* The place of this name's, or one more; NULL: there is none. */
static struct chain *chain_place(struct store_owner *owner, const struct offer *offer)
{
	struct chained *chained = owner->chained;

	if (!chained)
		owner->chained = chained = calloc(1, sizeof(*chained));
	for (unsigned int i = 0; chained && i < chained->count; i++)
		if (name_equal(chained->chains[i].offer.name, chained->chains[i].offer.name_len,
		               offer->name, offer->name_len))
			return &chained->chains[i];
	return chained && chained->count < CHAINS_MAX ? &chained->chains[chained->count] : NULL;
}

/* The owner that the chain ends at, if it has answers. */
static struct store_owner *find_end(const struct flatten *flatten, const struct zone *zone,
                                    const struct offer *offer)
{
	struct plan_question question = {.world = flatten->world,
	                                 .name = offer->name,
	                                 .len = offer->name_len,
	                                 .type = offer->type};
	struct plan plan;

	if (!plan_chained(&plan, &question, zone, NULL))
		return NULL;
	return store_owner_find(flatten->store, plan.owner, plan.owner_len, offer->type);
}

static bool can_be_held(const struct flatten *flatten, const struct store_owner *owner)
{
	if (owner->failing || !owner->answers || owner->answer_count > ANSWERS_MAX)
		return false;
	for (const struct answer *answer = owner->answers; answer; answer = answer->next)
		if (answer->pool || answer->key.region ||
		    finish_scope_depends(flatten->world->config, answer))
			return false;
	return true;
}

struct turns {
	struct publish_member members[AN_TAIL_TTLS];
	_Alignas(8) uint8_t octets[AN_TAIL_TTLS][AN_SLOT_LARGE_SIZE];
	unsigned int count;
};

static bool make_turns(const struct flatten *flatten, const struct zone *zone,
                       const struct offer *offer, const struct answer *answer, struct turns *ret)
{
	ret->count = 1;
	for (unsigned int turn = 0; turn < ret->count; turn++) {
		struct an_answer_slot *image = (struct an_answer_slot *)(void *)ret->octets[turn];

		ret->members[turn] =
		        (struct publish_member){.image = image, .weight = 1, .bit = AN_BIT_ALWAYS};
		if (!respond_image_chained(flatten->world, zone, offer->name, offer->name_len,
		                           answer, turn, &ret->count, image))
			return false;
	}
	return true;
}

static bool publish_turns(struct flatten *flatten, struct chain *chain, const struct turns *turns,
                          const struct answer *answer)
{
	const struct publish_choice choice = {
	        .cell = AN_CELL_FIXED, .members = turns->members, .count = turns->count};
	bool newest = answer == answer->owner->catch_all;
	uint32_t *slot = &chain->slots[chain->count];
	int error;

	if (turns->count > 1)
		error = publish_choice(flatten->publish, chain->uid, &answer->key, &choice,
		                       answer->fresh_until_ms, answer->stale_until_ms, newest,
		                       slot);
	else
		error = publish_answer(flatten->publish, chain->uid, &answer->key,
		                       answer->asked.address, answer->asked.len,
		                       turns->members[0].image, answer->fresh_until_ms,
		                       answer->stale_until_ms, newest, slot);
	chain->answers[chain->count++] = answer;
	return !error;
}

/* What is asked first goes in first, so that nothing wider stands in meanwhile. */
static unsigned int rank(const struct answer *answer)
{
	return answer->key.len * 2u + (answer->key.kind == AN_AUDIENCE_EXACT ? 1 : 0);
}

#define RANKS (2 * 128 + 2)

static bool publish_all(struct flatten *flatten, const struct zone *zone,
                        const struct store_owner *owner, struct chain *chain)
{
	struct turns turns;

	for (unsigned int at = RANKS; at-- > 0;)
		for (const struct answer *answer = owner->answers; answer; answer = answer->next)
			if (rank(answer) == at &&
			    (!make_turns(flatten, zone, &chain->offer, answer, &turns) ||
			     !publish_turns(flatten, chain, &turns, answer)))
				return false;
	return true;
}

/* Without what a former daemon left there. */
static int new_owner(struct flatten *flatten, const struct zone *zone, const struct offer *offer,
                     uint64_t *ret_uid)
{
	bool there = publish_has(flatten->publish, offer->name, offer->name_len, offer->type);
	int error = publish_owner(flatten->publish, offer->name, offer->name_len, offer->type,
	                          zone->id, zone->generation, 0, ret_uid);

	if (error || !there)
		return error;
	publish_owner_remove(flatten->publish, *ret_uid);
	return publish_owner(flatten->publish, offer->name, offer->name_len, offer->type, zone->id,
	                     zone->generation, 0, ret_uid);
}

static void make_chain(struct flatten *flatten, const struct offer *offer, uint64_t asked_ms)
{
	const struct zone *zone =
	        zones_find(flatten->world->zones, offer->name, offer->name_len, offer->type);
	struct store_owner *owner = zone ? find_end(flatten, zone, offer) : NULL;
	struct chain *chain;

	if (!owner || zone->id == UINT32_MAX || zone->security != ZONE_INSECURE ||
	    !can_be_held(flatten, owner))
		return;
	chain = chain_place(owner, offer);
	if (!chain)
		return;
	*chain = (struct chain){.offer = *offer, .asked_ms = asked_ms};
	if (new_owner(flatten, zone, offer, &chain->uid))
		return;
	if (!publish_all(flatten, zone, owner, chain))
		publish_owner_remove(flatten->publish, chain->uid);
	else if (chain == &owner->chained->chains[owner->chained->count])
		owner->chained->count++;
}

void chained_offer(struct flatten *flatten, const struct offer *offer)
{
	rcu_read_lock();
	make_chain(flatten, offer, clock_ms());
	rcu_read_unlock();
}

void chained_renew(struct flatten *flatten, struct chained *chained)
{
	uint64_t now = clock_ms();

	rcu_read_lock();
	for (unsigned int i = 0; chained && flatten->publish && i < chained->count; i++)
		if (chained->chains[i].asked_ms + WANTED_MS > now)
			make_chain(flatten, &chained->chains[i].offer, chained->chains[i].asked_ms);
	rcu_read_unlock();
	free(chained);
}
