/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Approximate LRU: of 16 owners drawn at random among those that hold what is
 * short, the least recently used goes, as a whole. One that was used or
 * published within the last second never goes: better to refuse the newcomer
 * than to turn the maps over at every query. Nor do more go in a second than
 * would turn the maps over in a minute: a flood of names that are asked for once
 * neither drives out what is asked for now and then, nor keeps the loop busy.
 */
#include "kernel/answers.h"
#include "kernel/desk.h"

#define SAMPLES  16
#define FEW      64 /* up to so many, every one is looked at instead */
#define LOOKS    64 /* audiences of an owner that are looked at for its coldness */
#define TRIES    8  /* owners sent away for one piece of room */
#define UNUSABLE UINT64_MAX

#define TURNOVER_S    60
#define EVICTIONS_MIN 16 /* a second, of small maps */

enum resource { OWNERS, AUDIENCES, SLOTS_SMALL, SLOTS_LARGE };

/* SplitMix64 (public domain, Vigna 2015). */
static uint64_t draw(struct publish *publish)
{
	uint64_t z = publish->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/*
 * A number in use of a pool, random, or the turn's of a small pool; 0 if there
 * is none. Pools are nearly full when this is asked.
 */
static uint32_t draw_taken(struct publish *publish, const struct pool *pool, uint32_t turn)
{
	uint32_t number;

	if (!pool->used)
		return 0;
	number = pool->count > FEW ? (uint32_t)(draw(publish) % pool->count) : turn % pool->count;
	while (!pool_taken(pool, number))
		number = number + 1 < pool->count ? number + 1 : 1;
	return number;
}

static struct book_owner *owner_of_slot(struct publish *publish, uint32_t number)
{
	const struct an_slot_head *head = slots_at(&publish->slots, number);

	if (head->kind == AN_SLOT_OWNER)
		return book_owner_by_uid(&publish->book, ((const struct an_owner_slot *)head)->uid);
	return book_owner_by_uid(&publish->book, ((const struct an_answer_slot *)head)->key.uid);
}

static const struct pool *pool_of(const struct publish *publish, enum resource resource)
{
	switch (resource) {
	case OWNERS:
		return &publish->book.owner_numbers;
	case AUDIENCES:
		return &publish->book.audience_numbers;
	case SLOTS_LARGE:
		return &publish->slots.large;
	default:
		return &publish->slots.small;
	}
}

static struct book_owner *draw_owner(struct publish *publish, enum resource resource, uint32_t turn)
{
	const struct pool *pool = pool_of(publish, resource);
	struct book *book = &publish->book;
	uint32_t number = draw_taken(publish, pool, turn);

	if (!number)
		return NULL;
	switch (resource) {
	case OWNERS:
		return &book->owners[number];
	case AUDIENCES:
		return &book->owners[book->audiences[number].owner];
	case SLOTS_LARGE:
		return owner_of_slot(publish, number | AN_SLOT_LARGE);
	default:
		return owner_of_slot(publish, number);
	}
}

static void warm(const struct publish *publish, uint32_t slot, uint64_t now, uint64_t *last)
{
	uint64_t used = desk_is_answer(slot) ? choice_used(publish, slot) : 0;

	/* A mark may be a tick ahead of our clock; one far ahead is none of the program's. */
	if (used > *last && used <= now + publish->maps->control->hz)
		*last = used;
}

static uint64_t last_used(struct publish *publish, const struct book_owner *owner, uint64_t now)
{
	uint64_t last = owner->touched;
	struct book_audience *audience;
	int looks = LOOKS;

	warm(publish, owner->slot, now, &last);
	warm(publish, owner->everyone, now, &last);
	warm(publish, owner->nobody, now, &last);
	warm(publish, owner->catch_all, now, &last);
	for (audience = book_first(&publish->book, owner); audience;
	     audience = book_next(&publish->book, audience)) {
		if (!looks--)
			break;
		warm(publish, audience->slot, now, &last);
	}
	return last;
}

/* A token bucket of one second's evictions; a token is worth `hz`. */
static bool may_evict(struct publish *publish, uint64_t now)
{
	uint64_t hz = publish->maps->control->hz, rate = publish->maps->owners_max / TURNOVER_S;
	uint64_t passed = now > publish->evict_at ? now - publish->evict_at : 0;

	if (rate < EVICTIONS_MIN)
		rate = EVICTIONS_MIN;
	publish->evict_at = now;
	publish->evict_credit += (passed < hz ? passed : hz) * rate;
	if (publish->evict_credit > rate * hz)
		publish->evict_credit = rate * hz;
	return publish->evict_credit >= hz;
}

static bool evict(struct publish *publish, enum resource resource, const struct book_owner *keep)
{
	struct book_owner *coldest = NULL;
	uint32_t samples = pool_of(publish, resource)->count <= FEW ? FEW : SAMPLES;
	uint64_t now = desk_now(publish), least = UNUSABLE;

	if (!may_evict(publish, now)) {
		publish->stats.held_back++;
		return false;
	}
	for (uint32_t turn = 0; turn < samples; turn++) {
		struct book_owner *owner = draw_owner(publish, resource, turn);
		uint64_t last;

		if (!owner || owner == keep)
			continue;
		last = last_used(publish, owner, now);
		if (last < least) {
			least = last;
			coldest = owner;
		}
	}
	if (!coldest || least + publish->maps->control->hz > now)
		return false;
	desk_drop_owner(publish, coldest);
	publish->evict_credit -= publish->maps->control->hz;
	publish->stats.evicted++;
	return true;
}

uint32_t desk_take_slot(struct publish *publish, size_t used, const struct book_owner *keep)
{
	enum resource resource = used > AN_SLOT_SMALL_SIZE ? SLOTS_LARGE : SLOTS_SMALL;
	uint32_t slot = slots_take(&publish->slots, used);

	for (int i = 0; i < TRIES && slot == AN_SLOT_NONE; i++) {
		if (!evict(publish, resource, keep))
			break;
		slot = slots_take(&publish->slots, used);
	}
	return slot;
}

bool desk_room_owner(struct publish *publish)
{
	return (publish->book.owner_numbers.free_count && publish->cells.free_count) ||
	       desk_evict_owner(publish);
}

bool desk_room_audience(struct publish *publish, const struct book_owner *keep)
{
	for (int i = 0; i < TRIES && !publish->book.audience_numbers.free_count; i++)
		if (!desk_evict_audience(publish, keep))
			return false;
	return publish->book.audience_numbers.free_count;
}

bool desk_evict_owner(struct publish *publish)
{
	return evict(publish, OWNERS, NULL);
}

bool desk_evict_audience(struct publish *publish, const struct book_owner *keep)
{
	return evict(publish, AUDIENCES, keep);
}
