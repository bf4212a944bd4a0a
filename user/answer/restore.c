/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restore - answers that outlive the process: on disk, and in pinned maps.
 *
 * A record's key is what tells answers apart; its value has times as
 * milliseconds since 1970. Records are input: every length is checked.
 *
 *   key    "A" version, type 16, kind 8, family 8, len 8, prefix 8 octets, owner name
 *          "B" version: the same with a region 32 behind the prefix
 *   value  fetched 64, fresh until 64, stale until 64, definition 64, TTL 32, scope 8,
 *          flags 8 (1: negative), upstream 8, asked family 8, asked len 8, asked address
 *          16 octets, count 16, addresses
 *
 * Keys that begin with "C" are choices.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer/choices.h"
#include "answer/flatten_room.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"

#define RECORD_MARK        0x4101u
#define RECORD_NEGATIVE    1u
#define RECORD_MARK_REGION 0x4201u
#define RECORD_KEY_MAX     (2 + 2 + 3 + 8 + 4 + NAME_MAX_LEN)
#define RECORD_VALUE_MAX   (4 * 8 + 4 + 5 + 16 + 2 + FLATTEN_ADDRESSES_MAX * 16)

static size_t record_key(const struct store_owner *owner, const struct an_audience_key *key,
                         uint8_t ret[RECORD_KEY_MAX])
{
	struct wire wire = wire_writer(ret, RECORD_KEY_MAX);

	wire_put16(&wire, key->region ? RECORD_MARK_REGION : RECORD_MARK);
	wire_put16(&wire, owner->type);
	wire_put8(&wire, key->kind);
	wire_put8(&wire, key->family);
	wire_put8(&wire, key->len);
	wire_put(&wire, key->prefix, sizeof(key->prefix));
	if (key->region)
		wire_put32(&wire, key->region);
	wire_put(&wire, owner->name, owner->name_len);
	return wire.at;
}

void restore_keep(struct flatten *flatten, const struct store_owner *owner,
                  const struct answer *answer)
{
	uint8_t key[RECORD_KEY_MAX], value[RECORD_VALUE_MAX];
	struct wire wire = wire_writer(value, sizeof(value));
	uint64_t now = clock_ms(), unix_now = (uint64_t)clock_unix_ms();

	if (!flatten->keep)
		return;
	wire_put64(&wire, unix_now - (now - answer->fetched_ms));
	wire_put64(&wire, unix_now + (answer->fresh_until_ms - now));
	wire_put64(&wire, unix_now + (answer->stale_until_ms - now));
	wire_put64(&wire, owner->definition);
	wire_put32(&wire, answer->ttl);
	wire_put8(&wire, answer->wire_scope);
	wire_put8(&wire, answer->negative ? RECORD_NEGATIVE : 0);
	wire_put8(&wire, answer->upstream);
	wire_put8(&wire, answer->asked.family);
	wire_put8(&wire, answer->asked.len);
	wire_put(&wire, answer->asked.address, 16);
	wire_put16(&wire, answer->count);
	wire_put(&wire, answer->octets, answer->count * address_len(owner->type));
	if (!wire.failed)
		keep_put(flatten->keep, key, record_key(owner, &answer->key, key), value, wire.at);
}

void restore_forget(struct flatten *flatten, const struct store_owner *owner,
                    const struct answer *answer)
{
	uint8_t key[RECORD_KEY_MAX];

	if (flatten->keep)
		keep_delete(flatten->keep, key, record_key(owner, &answer->key, key));
}

/* ---- from disk ---- */

struct record {
	uint8_t owner[NAME_MAX_LEN];
	size_t owner_len;
	uint16_t type;
	uint64_t definition;
	struct answer model;
	const uint8_t *octets;
};

/* A moment of the wall clock as one of ours; what lies before the boot counts as the boot. */
static uint64_t from_unix(uint64_t unix_ms, uint64_t now, uint64_t unix_now)
{
	if (unix_ms >= unix_now)
		return now + (unix_ms - unix_now);
	return unix_now - unix_ms < now ? now - (unix_now - unix_ms) : 0;
}

static int read_key(const void *octets, size_t len, struct record *ret)
{
	struct wire wire = wire_reader(octets, len);
	struct an_audience_key *key = &ret->model.key;
	const uint8_t *name;
	struct network network;
	uint8_t address[16] = {0};
	unsigned int mark;

	mark = wire_get16(&wire);
	if (mark != RECORD_MARK && mark != RECORD_MARK_REGION)
		return -EBADMSG;
	ret->type = (uint16_t)wire_get16(&wire);
	key->kind = (uint8_t)wire_get8(&wire);
	key->family = (uint8_t)wire_get8(&wire);
	key->len = (uint8_t)wire_get8(&wire);
	name = wire_take(&wire, 8);
	if (!name)
		return -EBADMSG;
	memcpy(key->prefix, name, 8);
	memcpy(address, name, 8);
	if (mark == RECORD_MARK_REGION)
		key->region = wire_get32(&wire);
	ret->owner_len = wire_left(&wire);
	name = wire_take(&wire, ret->owner_len);
	if (!name || name_parse_wire(name, ret->owner_len) != (int)ret->owner_len)
		return -EBADMSG;
	memcpy(ret->owner, name, ret->owner_len);
	if ((ret->type != AN_TYPE_A && ret->type != AN_TYPE_AAAA) ||
	    (key->kind != AN_AUDIENCE_NET && key->kind != AN_AUDIENCE_EXACT) ||
	    key->family > AN_FAMILY_IPV6 || !key->len != !key->family ||
	    key->len > (key->family == AN_FAMILY_IPV4 ? 32 : 64))
		return -EBADMSG;
	network = network_of(key->family ? key->family : AN_FAMILY_IPV4, address, key->len);
	if (memcmp(network.address, address, 16))
		return -EBADMSG;
	key->type = ret->type;
	return 0;
}

static int read_value(const void *octets, size_t len, struct record *ret)
{
	struct wire wire = wire_reader(octets, len);
	struct answer *model = &ret->model;
	uint64_t now = clock_ms(), unix_now = (uint64_t)clock_unix_ms();
	const uint8_t *address;

	model->fetched_ms = from_unix(wire_get64(&wire), now, unix_now);
	model->fresh_until_ms = from_unix(wire_get64(&wire), now, unix_now);
	model->stale_until_ms = from_unix(wire_get64(&wire), now, unix_now);
	ret->definition = wire_get64(&wire);
	model->ttl = wire_get32(&wire);
	model->wire_scope = (uint8_t)wire_get8(&wire);
	model->negative = wire_get8(&wire) & RECORD_NEGATIVE;
	model->upstream = (uint8_t)wire_get8(&wire);
	model->asked.family = (uint8_t)wire_get8(&wire);
	model->asked.len = (uint8_t)wire_get8(&wire);
	address = wire_take(&wire, 16);
	if (address)
		memcpy(model->asked.address, address, 16);
	model->count = (uint16_t)wire_get16(&wire);
	if (model->count > FLATTEN_ADDRESSES_MAX || model->asked.family > AN_FAMILY_IPV6 ||
	    model->asked.len > 128 || model->negative != (model->count == 0))
		return -EBADMSG;
	ret->octets = wire_take(&wire, model->count * address_len(ret->type));
	return wire.failed || wire_left(&wire) ? -EBADMSG : 0;
}

/* The node that flattens at this owner now, or NULL. */
static const struct zone_node *flattening_node(const struct flatten *flatten, const uint8_t *owner,
                                               size_t len, uint16_t type,
                                               const struct zone **ret_zone)
{
	const struct zone *zone = zones_find(flatten->world->zones, owner, len, type);
	struct zone_match match;

	if (!zone)
		return NULL;
	match = zone_find(zone, owner, len, type);
	if (match.verdict != ZONE_ANSWER || !zone_flattens(zone, match.node))
		return NULL;
	*ret_zone = zone;
	return match.node;
}

struct restore {
	struct flatten *flatten;
	size_t taken, dropped, adopted;
	uint64_t *ended; /* owners of the kernel whose answers nobody vouches for */
	size_t ended_count;
};

static int take_record(const void *key, size_t key_len, const void *value, size_t value_len,
                       void *arg)
{
	struct restore *restore = arg;
	struct flatten *flatten = restore->flatten;
	struct record record = {0};
	const struct zone *zone;
	const struct zone_node *node;
	struct store_owner *owner;
	uint64_t now = clock_ms();
	bool pool, outdated;

	if (key_len && *(const uint8_t *)key == CHOICES_MARK >> 8)
		return choices_take(flatten, key, key_len, value, value_len);
	if (read_key(key, key_len, &record) || read_value(value, value_len, &record) ||
	    record.model.stale_until_ms <= now) {
		restore->dropped++;
		return 1;
	}
	node = flattening_node(flatten, record.owner, record.owner_len, record.type, &zone);
	if (!node)
		return 0; /* its zone may come back */
	owner = store_owner_get(flatten->store, record.owner, record.owner_len, record.type, now);
	if (!owner)
		return 0;
	owner->definition = members_definition(flatten, zone, node);
	pool = members_pool(flatten, node);
	outdated = record.definition != owner->definition ||
	           (record.model.upstream == FLATTEN_FROM_ZONES && !pool);
	owner->outdated |= outdated;
	/* Of a pool's answer the record does not say which addresses are whose; nor, of what is out
	 * of our own zones, what they were. */
	if ((outdated || pool || members_lead_home(flatten, node)) &&
	    record.model.fresh_until_ms > now)
		record.model.fresh_until_ms = now;
	record.model.key.uid = owner->uid;
	if (finish_put(flatten, owner, &record.model, record.octets))
		restore->taken++;
	return 0;
}

static int is_by_region(const void *key, size_t key_len, const void *value, size_t value_len,
                        void *arg)
{
	struct wire wire = wire_reader(key, key_len);
	unsigned int mark = wire_get16(&wire);

	(void)value;
	(void)value_len;
	(void)arg;
	return mark == RECORD_MARK_REGION ||
	       (mark == CHOICES_MARK && choices_are_by_region(key, key_len));
}

void restore_forget_regions(struct keep *keep)
{
	keep_each(keep, is_by_region, NULL);
}

/* ---- from pinned maps ---- */

/* The addresses in a slot's records; count, or a negative errno if it is not what we would have
 * made. */
static int slot_octets(const struct an_answer_slot *slot, uint16_t type,
                       uint8_t octets[FLATTEN_ADDRESSES_MAX * 16])
{
	size_t len = address_len(type), stride = 12 + len;

	if (slot->answer.count > FLATTEN_ADDRESSES_MAX ||
	    (slot->answer.count && slot->answer.stride != stride) ||
	    AN_ANSWER_DATA_AT + slot->answer.count * stride > slot->head.used)
		return -EBADMSG;
	for (size_t i = 0; i < slot->answer.count; i++)
		memcpy(octets + i * len, slot->data + i * stride + 12, len);
	return slot->answer.count;
}

static struct answer *stored_for(struct store_owner *owner, const struct an_audience_key *key)
{
	for (struct answer *answer = owner->answers; answer; answer = answer->next)
		if (answer->key.kind == key->kind && answer->key.family == key->family &&
		    answer->key.len == key->len && answer->key.region == key->region &&
		    !memcmp(answer->key.prefix, key->prefix, 8))
			return answer;
	return NULL;
}

/* What the kernel has and the disk does not (the last moments before a kill) is taken from the
 * slot. */
static void take_slot(struct restore *restore, struct store_owner *owner,
                      const struct an_answer_slot *slot, uint32_t number, bool current)
{
	struct flatten *flatten = restore->flatten;
	const struct kernel_maps *maps = publish_maps(flatten->publish);
	uint8_t octets[FLATTEN_ADDRESSES_MAX * 16], address[16] = {0};
	uint64_t now = clock_ms();
	int count = slot_octets(slot, owner->type, octets);
	struct answer model = {.key = slot->key,
	                       .upstream = FLATTEN_FROM_ZONES - 1,
	                       .slot = number},
	              *answer;

	if (count < 0)
		return;
	model.key.uid = owner->uid;
	model.fresh_until_ms = kernel_ms(maps, slot->answer.fresh_until);
	model.stale_until_ms = kernel_ms(maps, slot->answer.stale_until);
	if (model.fresh_until_ms == CLOCK_MS_NEVER)
		return;
	if (!current && model.fresh_until_ms > now)
		model.fresh_until_ms = now;
	answer = stored_for(owner, &slot->key);
	if (answer && answer->fresh_until_ms + 1000 >= model.fresh_until_ms) {
		if (answer->fresh_until_ms <= model.fresh_until_ms + 1000)
			answer->slot = number;
		return;
	}
	model.ttl = slot->answer.ttl;
	model.fetched_ms = model.fresh_until_ms > (uint64_t)slot->answer.ttl * 1000
	                           ? model.fresh_until_ms - (uint64_t)slot->answer.ttl * 1000
	                           : 0;
	model.wire_scope = slot->answer.wire_scope;
	model.negative = count == 0;
	model.count = (uint16_t)count;
	memcpy(address, slot->key.prefix, 8);
	if (slot->key.len)
		model.asked = network_of(slot->key.family, address, slot->key.len);
	answer = finish_put(flatten, owner, &model, octets);
	if (!answer)
		return;
	answer->slot = number;
	restore->adopted++;
	restore_keep(flatten, owner, answer);
}

/* A chain led from there, and nobody knows any more whereto (chained.h). */
static void note_ended(struct restore *restore, uint64_t uid)
{
	uint64_t *more = realloc(restore->ended, (restore->ended_count + 1) * sizeof(*more));

	if (!more)
		return;
	restore->ended = more;
	restore->ended[restore->ended_count++] = uid;
}

static void remove_ended(struct restore *restore)
{
	for (size_t i = 0; i < restore->ended_count; i++)
		publish_owner_remove(restore->flatten->publish, restore->ended[i]);
	free(restore->ended);
}

static void adopt_answer(const struct an_owner_slot *kernel_owner,
                         const struct an_answer_slot *slot, uint32_t number, void *arg)
{
	struct restore *restore = arg;
	struct flatten *flatten = restore->flatten;
	const struct zone *zone;
	const struct zone_node *node;
	struct store_owner *owner;
	uint16_t type = kernel_owner->key.type;
	bool current;

	node = flattening_node(flatten, kernel_owner->name, kernel_owner->name_len, type, &zone);
	if (!node && slot->answer.fresh_until != AN_NEVER)
		note_ended(restore, kernel_owner->uid);
	if (!node || zone->id != slot->head.zone || zone->generation != slot->head.generation)
		return;
	owner = store_owner_get(flatten->store, kernel_owner->name, kernel_owner->name_len, type,
	                        clock_ms());
	if (!owner)
		return;
	owner->definition = members_definition(flatten, zone, node);
	/* A slot does not say what it was made of. What may be other now is a last good answer, and
	 * goes into the kernel as one. */
	current = !owner->outdated && !members_lead_home(flatten, node);
	take_slot(restore, owner, slot, current ? number : AN_SLOT_NONE, current);
	if (!current)
		note_ended(restore, kernel_owner->uid);
}

/* What is in the store but not in the kernel goes there, and what the kernel may have no longer
 * leaves it: the special-use networks may be others. Everything is looked at in its time. */
static void settle_owner(struct store_owner *owner, void *arg)
{
	struct restore *restore = arg;
	struct flatten *flatten = restore->flatten;
	uint64_t now = clock_ms();

	for (struct answer *answer = owner->answers; answer; answer = answer->next) {
		uint64_t due = refresh_due(flatten, answer);

		if (answer->slot == AN_SLOT_NONE ||
		    finish_scope_depends(flatten->world->config, answer))
			finish_publish(flatten, owner, answer, answer == owner->catch_all);
		refresh_queue(flatten, answer, due > now ? due : now);
	}
	if (finish_kernel_owner(
	            flatten, owner,
	            zones_find(flatten->world->zones, owner->name, owner->name_len, owner->type)) &&
	    publish_is_stale(flatten->publish, owner->kernel_uid))
		finish_failing(flatten, owner, true); /* asked again at the first tick */
}

/* How many owners the records are of, nearly: an owner is a bit of 32 for each record. */
struct census {
	uint64_t *bits;
	uint64_t count; /* of bits, a multiple of 64 */
	uint64_t owners;
};

static int count_owner(const void *key, size_t key_len, const void *value, size_t value_len,
                       void *arg)
{
	struct census *census = arg;
	struct record record = {0};
	uint64_t bit;

	(void)value;
	(void)value_len;
	if (read_key(key, key_len, &record)) /* a choice, or none of ours */
		return 0;
	bit = an_hash_step(an_name_hash(0, record.owner, (uint32_t)record.owner_len), record.type);
	bit = (bit >> 16) % census->count;
	census->owners += !(census->bits[bit / 64] >> (bit % 64) & 1);
	census->bits[bit / 64] |= 1ULL << (bit % 64);
	return 0;
}

/* The kernel's slots are spread for as many as are to come. */
static void expect_owners(struct flatten *flatten)
{
	struct keep_stats stats;
	struct census census;

	keep_stats(flatten->keep, &stats);
	census = (struct census){.bits = calloc(stats.records / 2 + 1, 8),
	                         .count = (stats.records / 2 + 1) * 64};
	if (census.bits)
		keep_each(flatten->keep, count_owner, &census);
	publish_expect(flatten->publish, census.owners);
	free(census.bits);
}

void flatten_restore(struct flatten *flatten)
{
	struct restore restore = {.flatten = flatten};
	struct publish_visitor visitor = {.answer = adopt_answer, .arg = &restore};

	rcu_read_lock();
	if (flatten->keep && flatten->publish)
		expect_owners(flatten);
	if (flatten->keep)
		keep_each(flatten->keep, take_record, &restore);
	if (flatten->publish)
		publish_each(flatten->publish, &visitor);
	rcu_read_unlock();
	remove_ended(&restore);
	store_owner_each(flatten->store, settle_owner, &restore);
	if (restore.taken || restore.adopted || restore.dropped)
		log_info("last good answers: %zu from disk, %zu more from the kernel, %zu outdated",
		         restore.taken, restore.adopted, restore.dropped);
}
