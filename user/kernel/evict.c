/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Approximate LRU: of 16 owners drawn at random among those that hold what is
 * short, the least recently used goes, as a whole. One that was used or
 * published within the last second never goes: better to refuse the newcomer
 * than to turn the maps over at every query. Nor do more go in a second than
 * would turn the maps over in a minute: a flood of names that are asked for once
 * neither drives out what is asked for now and then, nor keeps the loop busy.
 * A newcomer takes the place only of an owner that was not used since he himself
 * was asked for the time before; who is seen for the first time counts as one
 * that is asked for every five seconds. Where more of them come than may come
 * in, those that are asked for often do: the others' patience is at an end.
 */
#include "kernel/answers.h"
#include "kernel/desk.h"

#define SAMPLES  16
#define FEW      64 /* up to so many, every one is looked at instead */
#define LOOKS    64 /* audiences of an owner that are looked at for its coldness */
#define TRIES    8  /* owners sent away for one piece of room */
#define UNUSABLE UINT64_MAX

#define STRANGER_S    5
#define PATIENCE      256
#define REGAINED_S    10
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

static uint64_t stranger(const struct publish *publish)
{
	return (uint64_t)STRANGER_S * publish->maps->control->hz;
}

void desk_newcomer_begin(struct publish *publish, const struct an_owner_key *key)
{
	uint32_t now = (uint32_t)desk_now(publish);
	uint64_t hash = an_front_hash(key), most = stranger(publish);
	struct desk_knock *knock = &publish->door[hash & (DESK_DOOR - 1)];
	bool known = knock->print == (uint32_t)(hash >> 32);

	publish->asked_ago = known && now - knock->ticks < most ? now - knock->ticks : most;
	*knock = (struct desk_knock){.print = (uint32_t)(hash >> 32), .ticks = now};
}

void desk_newcomer_end(struct publish *publish)
{
	publish->asked_ago = 0;
}

/* Twice as much with every second. */
static void regain_patience(struct publish *publish, uint64_t passed)
{
	uint64_t most = stranger(publish) * PATIENCE, hz = publish->maps->control->hz;

	if (passed < REGAINED_S * hz) {
		publish->patience += publish->patience * (passed % hz) / hz + passed;
		publish->patience <<= passed / hz;
	}
	if (publish->patience > most || passed >= REGAINED_S * hz)
		publish->patience = most;
}

static bool is_patient(const struct publish *publish)
{
	return publish->asked_ago * PATIENCE <= publish->patience;
}

static void lose_patience(struct publish *publish)
{
	publish->patience -= publish->patience / 32;
}

/* A token bucket of one second's evictions; a token is worth `hz`. */
static bool may_evict(struct publish *publish, uint64_t now)
{
	uint64_t hz = publish->maps->control->hz, rate = publish->maps->owners_max / TURNOVER_S;
	uint64_t passed = now > publish->evict_at ? now - publish->evict_at : 0;

	if (rate < EVICTIONS_MIN)
		rate = EVICTIONS_MIN;
	publish->evict_at = now;
	regain_patience(publish, passed);
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
	bool may = may_evict(publish, now), patient = is_patient(publish);

	if (patient && !may)
		lose_patience(publish);
	if (!patient || !may) {
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
	if (least + publish->asked_ago > now) {
		publish->stats.held_back++;
		return false;
	}
	desk_drop_owner(publish, coldest);
	publish->evict_credit -= publish->maps->control->hz;
	publish->stats.evicted++;
	return true;
}

uint32_t desk_take_slot(struct publish *publish, size_t used, uint32_t home,
                        const struct book_owner *keep)
{
	enum resource resource = used > AN_SLOT_SMALL_SIZE ? SLOTS_LARGE : SLOTS_SMALL;
	uint32_t slot = slots_take(&publish->slots, used, home);

	for (int i = 0; i < TRIES && slot == AN_SLOT_NONE; i++) {
		if (!evict(publish, resource, keep))
			break;
		slot = slots_take(&publish->slots, used, home);
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
