/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finish - the members of a flight become one answer: into the store, the
 * kernel, and onto the disk; or a failure, which leaves the last good answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer/cells.h"
#include "answer/chained.h"
#include "answer/flatten_room.h"
#include "answer/online.h"
#include "answer/where.h"
#include "base/clock.h"
#include "base/log.h"

#define IDLE_MOST 1024 /* owners that go in one turn */

/* What the members give together. */
struct outcome {
	unsigned int good, failed;
	bool upstream, stale, tailored, over_budget, loop;
	bool one_family; /* scope 0, and of the other family nothing is known */
	bool half;       /* kept under half of a family's addresses, though its scope is 0 */
	bool held;       /* the last addresses, against a denial */
	uint32_t ttl;
	uint8_t scope, index;
	int ede;
	uint16_t count;
	uint8_t octets[FLATTEN_ADDRESSES_MAX * 16];
	struct cell *cell; /* out of a pool: then what follows holds, not the above two */
	struct harvest *harvest;
	struct composed composed;
};

/* Sorted, without doubles, at most 64. */
static void add_octets(struct outcome *outcome, const uint8_t *address, size_t len)
{
	uint16_t at = 0;

	while (at < outcome->count) {
		int order = memcmp(outcome->octets + at * len, address, len);

		if (order == 0)
			return;
		if (order > 0)
			break;
		at++;
	}
	if (outcome->count >= FLATTEN_ADDRESSES_MAX)
		return;
	memmove(outcome->octets + (at + 1u) * len, outcome->octets + at * len,
	        (outcome->count - at) * len);
	memcpy(outcome->octets + at * len, address, len);
	outcome->count++;
}

static void add_member(struct outcome *outcome, const struct member *member)
{
	struct flight *flight = member->flight;
	size_t len = address_len(flight->key.type);

	if (member->led)
		return;
	if (member->state == MEMBER_FAILED) {
		outcome->failed++;
		outcome->ede = member->ede;
		outcome->over_budget |= member->over_budget;
		outcome->loop |= member->loop;
		return;
	}
	outcome->good++;
	outcome->stale |= member->stale;
	if (member->upstream)
		outcome->index = member->index;
	/* What a representative was asked for says nothing of the client's network. */
	if (member->upstream && !member->ecs.family) {
		outcome->upstream = true;
		outcome->tailored |= member->tailored ||
		                     target_tailored(flight->flatten, member->name,
		                                     member->name_len, flight->key.network.family);
		outcome->one_family |=
		        flight->key.network.family &&
		        !target_for_all(flight->flatten, member->name, member->name_len,
		                        flight->key.type, flight->key.network.family);
	}
	if (member->scope > outcome->scope)
		outcome->scope = member->scope;
	for (uint16_t i = 0; i < member->count; i++)
		add_octets(outcome, member->octets + i * len, len);
}

/* The TTL is that of what is given out: of the addresses, or, where there are none, of the denials.
 */
static uint32_t least_ttl(const struct flight *flight, const struct outcome *outcome)
{
	uint32_t ttl = UINT32_MAX;

	for (const struct member *member = flight->members; member; member = member->next)
		if (!member->led && member->state == MEMBER_OK &&
		    (member->count || !outcome->count) && member->ttl < ttl)
			ttl = member->ttl;
	return ttl;
}

/* Out of what the members gave, what those that are up and chosen give. */
static int gather_pool(struct flight *flight, struct outcome *ret)
{
	struct flatten *flatten = flight->flatten;

	ret->cell = cell_get(flatten, flight->tree, flight->key.region, flight->key.type);
	ret->harvest = ret->cell ? harvest_new(flight, ret->cell) : NULL;
	if (!ret->harvest || cell_compose(ret->cell, ret->harvest, clock_ms(), &ret->composed))
		return -ENOMEM;
	ret->count = ret->composed.count;
	return 0;
}

/* What has not become an answer's. */
static void outcome_done(struct outcome *outcome)
{
	if (!outcome->cell)
		return;
	harvest_free(outcome->harvest);
	free(outcome->composed.pool);
	cell_let_go(outcome->cell);
}

static void gather(struct flight *flight, struct outcome *ret)
{
	memset(ret, 0, offsetof(struct outcome, octets));
	ret->cell = NULL;
	ret->harvest = NULL;
	ret->composed.pool = NULL;
	ret->ede = -1;
	ret->index = FLATTEN_FROM_ZONES;
	for (const struct member *member = flight->members; member; member = member->next)
		add_member(ret, member);
	if (flight->tree && gather_pool(flight, ret))
		ret->good = 0;
	else if (flight->tree) /* a pool without members of this type denies it */
		ret->good = ret->count || !ret->failed;
	ret->ttl = least_ttl(flight, ret);
}

/* ---- places that an answer is in ---- */

/* Of its clients' regions; 0: none. */
static uint32_t policy_of(const struct flatten *flatten, const struct store_owner *owner,
                          const struct zone *zone)
{
	struct zone_match match = zone_find(zone, owner->name, owner->name_len, owner->type);

	return match.verdict == ZONE_ANSWER ? where_policy(flatten->world, match.node) : 0;
}

/* The kernel has none of the owner's answers any longer. */
static void forget_slots(struct store_owner *owner)
{
	for (struct answer *answer = owner->answers; answer; answer = answer->next)
		answer->slot = AN_SLOT_NONE;
	owner->has_kernel_owner = false;
}

/* The owner's slot in the kernel; one that was evicted meanwhile comes back without its answers. */
bool finish_kernel_owner(struct flatten *flatten, struct store_owner *owner,
                         const struct zone *zone)
{
	uint64_t uid;

	if (!flatten->publish || !zone || zone->id == UINT32_MAX ||
	    publish_owner(flatten->publish, owner->name, owner->name_len, owner->type, zone->id,
	                  zone->generation, policy_of(flatten, owner, zone), &uid)) {
		if (owner->has_kernel_owner)
			forget_slots(owner);
		return false;
	}
	if (owner->has_kernel_owner && uid != owner->kernel_uid)
		forget_slots(owner);
	if (!owner->has_kernel_owner && owner->failing)
		publish_stale(flatten->publish, uid, true);
	owner->has_kernel_owner = true;
	owner->kernel_uid = uid;
	return true;
}

/* A special-use network lies inside: each client's scope is another one, see audience_clear(). The
 * half of a family is not meant: its scope is 0. */
bool finish_scope_depends(const struct config *config, const struct answer *answer)
{
	struct network network = audience_network(&answer->key);

	return answer->key.kind == AN_AUDIENCE_NET && answer->wire_scope &&
	       audience_clear(config, &network, network.len) > network.len;
}

/* The kernel's copy of the pool's cell; made where there is none yet. */
static uint32_t kernel_cell(struct flatten *flatten, struct cell *cell)
{
	if (cell->kernel == AN_CELL_FIXED)
		cell->kernel = publish_cell_take(flatten->publish, cell->value);
	return cell->kernel;
}

/* Behind the data, the bit of each record in the pool's cell. False: there is no room. */
static bool image_members(const struct answer *answer, const struct answer_group *group,
                          uint32_t cell, struct an_answer_slot *image)
{
	const uint8_t *bits = answer->pool->bits + group->first;
	bool any = false;

	for (uint16_t i = 0; i < group->count; i++)
		any |= bits[i] != ANSWER_ALWAYS;
	if (!any)
		return true; /* an answer like any other, and adopted like one */
	image->answer.cell = cell;
	if (cell == AN_CELL_FIXED || image->head.used + group->count > AN_SLOT_LARGE_SIZE)
		return false;
	image->answer.traits |= AN_TRAIT_MEMBERS;
	memcpy((uint8_t *)image + image->head.used, bits, group->count);
	image->head.used = (uint16_t)(image->head.used + group->count);
	return true;
}

/* Room for the images of an answer's groups. */
struct images {
	struct publish_member members[AN_CHOICE_MAX];
	uint64_t words[AN_CHOICE_MAX][AN_SLOT_LARGE_SIZE / 8];
};

static bool make_image(const struct world *world, const struct zone *zone,
                       const struct answer *answer, uint16_t index, uint32_t cell,
                       struct images *images)
{
	const struct answer_group *group = &answer->pool->groups[index];
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)images->words[index];

	images->members[index] = (struct publish_member){
	        .image = image, .id = group->id, .weight = group->weight, .bit = group->bit};
	return respond_image_flat(world, zone, answer, index, image) &&
	       image_members(answer, group, cell, image);
}

/* What the kernel has for this audience goes: such queries are passed up. */
static int publish_nothing(struct flatten *flatten, struct answer *answer)
{
	static const struct an_answer_slot nothing;

	return publish_answer(flatten->publish, answer->owner->kernel_uid, &answer->key,
	                      answer->asked.address, answer->asked.len, &nothing,
	                      answer->fresh_until_ms, answer->stale_until_ms, false, &answer->slot);
}

/* Of one of several groups: each is an answer of its own, and a choice leads to them. */
static int publish_groups(struct flatten *flatten, const struct zone *zone, struct answer *answer,
                          bool newest)
{
	const struct answer_pool *pool = answer->pool;
	struct images *images = calloc(1, sizeof(*images));
	struct publish_choice choice = {.hashed = pool->kind == POOL_BY_CLIENT,
	                                .cell = kernel_cell(flatten, answer->cell),
	                                .count = pool->group_count};
	bool good = images && pool->group_count <= AN_CHOICE_MAX &&
	            !finish_scope_depends(flatten->world->config, answer);
	int err;

	for (uint16_t i = 0; good && i < pool->group_count; i++)
		good = make_image(flatten->world, zone, answer, i, choice.cell, images);
	if (good) {
		choice.members = images->members;
		err = publish_choice(flatten->publish, answer->owner->kernel_uid, &answer->key,
		                     &choice, answer->fresh_until_ms, answer->stale_until_ms,
		                     newest, &answer->slot);
	} else {
		err = publish_nothing(flatten, answer);
	}
	free(images);
	return err;
}

/* One image for every reply. */
static int publish_one(struct flatten *flatten, const struct zone *zone, struct answer *answer,
                       bool newest)
{
	uint8_t room[AN_SLOT_LARGE_SIZE] __attribute__((aligned(8))) = {0};
	struct an_answer_slot *image = (struct an_answer_slot *)room;
	struct store_owner *owner = answer->owner;

	if (!respond_image_flat(flatten->world, zone, answer, 0, image))
		return answer->pool ? publish_nothing(flatten, answer) : -E2BIG;
	if (answer->pool && !image_members(answer, &answer->pool->groups[0],
	                                   kernel_cell(flatten, answer->cell), image))
		return publish_nothing(flatten, answer);
	if (finish_scope_depends(flatten->world->config, answer))
		return publish_nothing(flatten, answer);
	return publish_answer(flatten->publish, owner->kernel_uid, &answer->key,
	                      answer->asked.address, answer->asked.len, image,
	                      answer->fresh_until_ms, answer->stale_until_ms, newest,
	                      &answer->slot);
}

/* Would the wider one answer for this one's clients where it is missing? See audience_search() in
 * bpf/find.h. */
static bool stands_in(const struct an_audience_key *wider, const struct an_audience_key *key)
{
	struct network network, inner;

	if (wider->kind != AN_AUDIENCE_NET || wider->region != key->region)
		return false;
	if (!wider->len)
		return key->len || key->kind == AN_AUDIENCE_EXACT;
	network = audience_network(wider);
	inner = audience_network(key);
	return wider->family == key->family &&
	       (key->len > wider->len ||
	        (key->len == wider->len && key->kind == AN_AUDIENCE_EXACT)) &&
	       network_contains(&network, &inner);
}

/*
 * What is held of longer audiences and is not in the kernel, whose owner may have been evicted
 * meanwhile, is passed up there before this answer could stand in for it.
 */
static void withhold_longer(struct flatten *flatten, struct store_owner *owner,
                            const struct answer *wider)
{
	const struct answer *held = NULL;

	if (wider->key.kind != AN_AUDIENCE_NET)
		return; /* of no length it would be a walk through all */
	while ((held = store_inside(owner, &wider->key, held)) != NULL)
		if (held != wider && stands_in(&wider->key, &held->key))
			publish_withhold(flatten->publish, owner->kernel_uid, &held->key);
}

static void publish_anew(struct flatten *flatten, struct store_owner *owner, struct answer *answer,
                         bool newest)
{
	const struct zone *zone =
	        zones_find(flatten->world->zones, owner->name, owner->name_len, owner->type);
	int err;

	answer->slot = AN_SLOT_NONE;
	if (!finish_kernel_owner(flatten, owner, zone))
		return;
	withhold_longer(flatten, owner, answer);
	if (answer->pool && answer->pool->group_count > 1)
		err = publish_groups(flatten, zone, answer, newest);
	else
		err = publish_one(flatten, zone, answer, newest);
	if (err)
		answer->slot = AN_SLOT_NONE;
}

void finish_publish(struct flatten *flatten, struct store_owner *owner, struct answer *answer,
                    bool newest)
{
	struct chained *chained = chained_take(flatten, owner);

	publish_anew(flatten, owner, answer, newest);
	chained_renew(flatten, chained);
}

/* superseded: its clients have another answer, which is everywhere already. */
static void let_go(struct flatten *flatten, struct answer *answer, bool disk, bool superseded)
{
	struct store_owner *owner = answer->owner;

	refresh_unqueue(flatten, answer);
	if (disk)
		restore_forget(flatten, owner, answer);
	if (flatten->publish && owner->has_kernel_owner)
		(superseded ? publish_answer_supersede : publish_answer_remove)(
		        flatten->publish, owner->kernel_uid, &answer->key);
	store_remove(flatten->store, answer);
}

void finish_remove_alone(struct flatten *flatten, struct answer *answer, bool disk)
{
	chained_drop(flatten, answer->owner);
	let_go(flatten, answer, disk, false);
}

/* RFC 7871 7.3.1: with an answer go the shorter audiences that would stand in for it. */
void finish_remove(struct flatten *flatten, struct answer *answer, bool disk)
{
	struct answer *wider;

	while ((wider = store_wider(flatten->store, answer)) != NULL)
		finish_remove_alone(flatten, wider, disk);
	finish_remove_alone(flatten, answer, disk);
}

void finish_remove_owner(struct flatten *flatten, struct store_owner *owner, bool disk)
{
	for (struct answer *answer = owner->answers; answer; answer = answer->next) {
		refresh_unqueue(flatten, answer);
		if (disk)
			restore_forget(flatten, owner, answer);
	}
	refresh_forget_failing(flatten, owner);
	chained_drop(flatten, owner);
	if (flatten->publish && owner->has_kernel_owner)
		publish_owner_remove(flatten->publish, owner->kernel_uid);
	store_owner_remove(flatten->store, owner);
}

/* Somebody is given addresses: what the kernel has of denials is not for who wants a proof any
 * longer (online_is_disputed()). */
static void dispute_denials(struct flatten *flatten, struct store_owner *owner)
{
	for (struct answer *answer = owner->answers; answer; answer = answer->next)
		if (answer->negative && answer->slot != AN_SLOT_NONE)
			finish_publish(flatten, owner, answer, answer == owner->catch_all);
}

void finish_sign(struct flatten *flatten, struct answer *answer, bool given)
{
	struct store_owner *owner = answer->owner;
	const struct zone *zone =
	        zones_find(flatten->world->zones, owner->name, owner->name_len, owner->type);

	online_sign_stored(zone, answer);
	if (zone && zone->security == ZONE_SIGNED && !given && owner->positive)
		dispute_denials(flatten, owner);
}

struct answer *finish_put(struct flatten *flatten, struct store_owner *owner,
                          const struct answer *model, const uint8_t *octets)
{
	struct answer *old, *answer;
	uint64_t now = clock_ms();

	for (int tries = 0; tries < 3; tries++) {
		struct answer *victim;

		answer = store_put(flatten->store, owner, model, octets, &old, now);
		if (answer) {
			if (old && answer->queue_at)
				flatten->queue[answer->queue_at - 1] = answer;
			return answer;
		}
		victim = owner->answer_count >= flatten->world->config->networks_per_name_max
		                 ? store_victim(flatten->store, owner, now)
		                 : store_victim(flatten->store, NULL, now);
		if (!victim)
			return NULL;
		finish_remove(flatten, victim, true);
	}
	return NULL;
}

void finish_failing(struct flatten *flatten, struct store_owner *owner, bool failing)
{
	CMM_STORE_SHARED(owner->failing, failing);
	chained_drop(flatten, owner);
	if (flatten->publish && owner->has_kernel_owner)
		publish_stale(flatten->publish, owner->kernel_uid, failing);
	refresh_forget_failing(flatten, owner);
	if (!failing)
		return;
	if (flatten->failing_count == flatten->failing_size) {
		size_t size = flatten->failing_size ? flatten->failing_size * 2 : 64;
		struct store_owner **more = realloc(flatten->failing, size * sizeof(*more));

		if (!more)
			return; /* no recheck: the next refresh will find out */
		flatten->failing = more;
		flatten->failing_size = size;
	}
	flatten->failing[flatten->failing_count++] = owner;
	owner->failing_at = (uint32_t)flatten->failing_count;
}

/* ---- the two ends of a flight ---- */

static uint32_t bound_ttl(const struct config *config, const struct zone *zone,
                          const struct outcome *outcome)
{
	uint32_t ttl = outcome->ttl;

	if (!outcome->count && zone && zone->negative_ttl < ttl)
		ttl = zone->negative_ttl; /* RFC 2308 5 */
	if (outcome->stale && ttl > AN_STALE_TTL)
		ttl = AN_STALE_TTL;
	if (ttl > config->ttl_cap)
		ttl = config->ttl_cap;
	return ttl < config->ttl_floor ? config->ttl_floor : ttl;
}

/*
 * RFC 7871 7.3.1: scope 0 is for everyone of that FAMILY. Until the target is
 * known to treat the other one so too, the answer is kept for the half of the
 * family's addresses that the client is in: the widest network with a length.
 */
static struct an_audience_key half_of_family(const struct network *asked)
{
	struct an_audience_key key = {.kind = AN_AUDIENCE_NET, .family = asked->family, .len = 1};

	key.prefix[0] = asked->address[0] & 0x80;
	return key;
}

/* An answer that no client's network was sent for holds for all who are told apart by none. */
static struct an_audience_key outcome_key(const struct flight *flight, struct outcome *outcome)
{
	const struct network *asked = &flight->key.network;
	bool ipv6 = asked->family == AN_FAMILY_IPV6;
	bool sent = flight->limits[ipv6] != 0;
	bool trust = flight->flatten->world->config->trust_scope_zero;
	struct an_audience_key key = {.kind = AN_AUDIENCE_NET};

	if (outcome->scope)
		outcome->scope = (uint8_t)audience_clear(flight->flatten->world->config, asked,
		                                         outcome->scope);
	if (!outcome->upstream || (!flight->limits[0] && !flight->limits[1]))
		return key;
	if (asked->family && !sent)
		return audience_key(asked, ipv6 ? 56 : 24, 0, true);
	key = audience_key(asked, flight->limits[ipv6], outcome->scope,
	                   outcome->tailored && !trust);
	outcome->half = !key.len && key.kind == AN_AUDIENCE_NET && outcome->one_family && !trust;
	return outcome->half ? half_of_family(asked) : key;
}

/* What goes on the wire for this key (SEMANTICS 2). */
static uint8_t outcome_scope(const struct config *config, const struct an_audience_key *key,
                             const struct outcome *outcome)
{
	struct network network = audience_network(key);

	if (!key->len || outcome->half)
		return 0;
	return outcome->scope ? outcome->scope
	                      : (uint8_t)audience_clear(config, &network, key->len);
}

/* SEMANTICS 1.7: for a bounded time the last addresses stand against a denial. */
static bool hold_on(struct flatten *flatten, const struct answer *old,
                    const struct outcome *outcome, uint64_t now)
{
	uint32_t bound = flatten->world->config->hold_on_negative_ms;

	return bound && !outcome->count && old && !old->negative && now < old->fetched_ms + bound;
}

/* RFC 7871 7.2.1: of two networks with answers of their own none may lie in the other. Upstream's
 * are passed on as they are. */
static void count_overlap(struct flatten *flatten, const struct store_owner *owner,
                          const struct answer *made)
{
	const struct answer *other;
	bool any;

	if (made->key.kind != AN_AUDIENCE_NET || !made->key.len ||
	    !(owner->lens_net[made->key.family] & ~(UINT64_C(1) << (made->key.len - 1))))
		return;
	other = store_wider(flatten->store, made);
	any = other && other->key.len;
	other = NULL;
	while (!any && (other = store_inside(owner, &made->key, other)) != NULL)
		any = other->key.kind == AN_AUDIENCE_NET && other->key.len > made->key.len;
	flatten->stats.overlaps += any;
}

static struct answer *put_pool(struct flatten *flatten, struct store_owner *owner,
                               struct answer *model, struct outcome *outcome)
{
	struct composed *composed = &outcome->composed;
	struct answer *answer;

	model->pool = composed->pool;
	model->harvest = outcome->harvest;
	model->fresh_until_ms = composed_until(composed, model->good_until_ms, model->fetched_ms);
	answer = finish_put(flatten, owner, model, composed->octets);
	if (!answer)
		return NULL;
	composed->pool = NULL;
	outcome->harvest = NULL;
	cell_link(outcome->cell, answer);
	cell_said(outcome->cell, composed);
	return answer;
}

/*
 * What is held of longer networks for the client on whose behalf this answer was asked for is over:
 * it would hide this one for as long as last good answers are kept. That of a member that fails
 * ends none that is fresh.
 */
static void supersede(const struct flight *flight, struct store_owner *owner,
                      const struct outcome *outcome, const struct answer *by)
{
	const struct ask_key *key = &flight->key;
	struct flatten *flatten = flight->flatten;
	struct chained *chained = NULL;
	struct store_found found;

	for (;;) {
		found = store_find(flatten->store, key->name, key->name_len, key->type,
		                   &flight->client, key->region, true, clock_ms());
		if (!found.answer || found.answer == by ||
		    !stands_in(&by->key, &found.answer->key) ||
		    (outcome->stale && found.state == STORE_FRESH))
			break;
		if (!chained)
			chained = chained_take(flatten, owner);
		let_go(flatten, found.answer, true, true);
	}
	chained_renew(flatten, chained);
}

static void put_outcome(struct flight *flight, struct store_owner *owner, struct outcome *outcome)
{
	struct flatten *flatten = flight->flatten;
	const struct config *config = flatten->world->config;
	const struct zone *zone =
	        zones_exact(flatten->world->zones, flight->zone_apex, flight->zone_apex_len);
	struct an_audience_key key = outcome_key(flight, outcome);
	uint64_t now = clock_ms();
	struct answer model = {.key = key,
	                       .asked = flight->key.network,
	                       .fetched_ms = now,
	                       .stale_until_ms = now + config->stale_max_ms,
	                       .ttl = bound_ttl(config, zone, outcome),
	                       .wire_scope = outcome_scope(config, &key, outcome),
	                       .negative = !outcome->count,
	                       .upstream = outcome->index,
	                       .count = outcome->count};
	bool given = owner->positive;
	struct answer *answer;

	model.key.uid = owner->uid;
	model.key.type = owner->type;
	model.key.region = flight->key.region;
	model.fresh_until_ms = model.good_until_ms = now + (uint64_t)model.ttl * 1000;
	owner->definition = flight->definition;
	answer = outcome->cell ? put_pool(flatten, owner, &model, outcome)
	                       : finish_put(flatten, owner, &model, outcome->octets);
	if (!answer)
		return;
	finish_sign(flatten, answer, given);
	if (outcome->upstream && outcome->scope)
		count_overlap(flatten, owner, answer);
	finish_publish(flatten, owner, answer, true);
	if (answer->harvest)
		harvest_use(answer->harvest);
	restore_keep(flatten, owner, answer);
	refresh_queue(flatten, answer, refresh_due(flatten, answer));
	if (!outcome->held)
		supersede(flight, owner, outcome, answer);
}

static void held_outcome(const struct answer *held, struct outcome *ret)
{
	ret->count = held->count;
	ret->ttl = AN_STALE_TTL;
	ret->scope = held->wire_scope;
	memcpy(ret->octets, held->octets, held->count * address_len(held->key.type));
}

static void flight_good(struct flight *flight, struct store_owner *owner, struct outcome *outcome)
{
	struct flatten *flatten = flight->flatten;
	const struct ask_key *key = &flight->key;
	uint64_t now = clock_ms();
	struct store_found last = store_find(flatten->store, key->name, key->name_len, key->type,
	                                     &flight->client, key->region, true, now);
	uint64_t fetched = last.answer ? last.answer->fetched_ms : 0;

	outcome->held = !outcome->cell && hold_on(flatten, last.answer, outcome, now);
	if (outcome->held)
		held_outcome(last.answer, outcome);
	CMM_STORE_SHARED(owner->failed_until_ms, 0);
	put_outcome(flight, owner, outcome);
	if (outcome->held && owner->catch_all)
		owner->catch_all->fetched_ms =
		        fetched; /* the bound counts from when upstream gave them */
	if (owner->failing)
		finish_failing(flatten, owner, false);
}

static void flight_failed(struct flight *flight, struct store_owner *owner,
                          const struct outcome *outcome)
{
	struct flatten *flatten = flight->flatten;
	uint64_t now = clock_ms();

	flatten->stats.failures++;
	if (outcome->over_budget)
		return; /* says nothing about the target */
	owner->rechecked_ms = now;
	CMM_STORE_SHARED(owner->failed_ede,
	                 outcome->ede < 0 ? AN_EDE_NO_REACHABLE_AUTHORITY : outcome->ede);
	CMM_STORE_SHARED(owner->failed_text, outcome->loop ? "ANAME loop" : NULL);
	if (owner->catch_all && owner->catch_all->stale_until_ms > now) {
		finish_failing(flatten, owner, true);
		return;
	}
	CMM_STORE_SHARED(owner->failed_until_ms, now + flatten->world->config->failure_ttl_ms);
	store_idle_anew(flatten->store, owner);
}

/* Finds or makes, in the place of one that is needed less if need be. NULL: there is no memory. */
static struct store_owner *owner_get(struct flatten *flatten, const struct ask_key *key)
{
	uint64_t now = clock_ms();
	struct store_owner *owner =
	        store_owner_get(flatten->store, key->name, key->name_len, key->type, now);
	struct store_owner *other = owner ? NULL : store_idle(flatten->store);

	if (owner)
		return owner;
	if (!other) {
		struct answer *victim = store_victim(flatten->store, NULL, now);

		if (!victim)
			return NULL;
		other = victim->owner;
	}
	finish_remove_owner(flatten, other, true);
	return store_owner_get(flatten->store, key->name, key->name_len, key->type, now);
}

void finish_idle(struct flatten *flatten, uint64_t now)
{
	struct store_owner *owner;

	for (int i = 0; i < IDLE_MOST && (owner = store_idle(flatten->store)) != NULL; i++) {
		if (now < owner->failed_until_ms)
			return;
		finish_remove_owner(flatten, owner, true);
	}
}

void flight_finish(struct flight *flight)
{
	struct flatten *flatten = flight->flatten;
	const struct ask_key *key = &flight->key;
	struct store_owner *owner;
	struct outcome outcome;

	gather(flight, &outcome);
	rcu_read_lock();
	owner = owner_get(flatten, key);
	if (owner && outcome.good)
		flight_good(flight, owner, &outcome);
	else if (owner)
		flight_failed(flight, owner, &outcome);
	outcome_done(&outcome);
	rcu_read_unlock();
	flight_release_waits(flight);
	flight_drop(flight);
}
