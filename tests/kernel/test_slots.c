/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: only a whole slot, with the right key, of the right generation, of a
 * kind that is known, with time left, is answered from.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct answer_spec spec;
	struct an_owner_slot *owner;
	struct an_answer_slot *answer;
	uint32_t number;
};

/* One A owner with an answer for everyone; asked with OPT. `large`: slots of the large size. */
static struct scene prepare_size(struct fixture *fixture, bool large)
{
	struct scene scene = {.fixture = fixture};
	size_t len;
	const uint8_t *name = wire_name("a.example", &len);

	fixture_reset(fixture);
	scene.query = query_spec(false, name, len, AN_TYPE_A);
	scene.query.opt = true;
	scene.spec = answer_spec(AN_TYPE_A, large ? 20 : 2, 1);
	scene.owner = fixture_owner(fixture, name, len, AN_TYPE_A, large);
	scene.number = fixture_everyone(fixture, scene.owner, &scene.spec);
	assert_int_equal(!!(scene.number & AN_SLOT_LARGE), large);
	scene.answer = fixture_slot(fixture, scene.number);
	return scene;
}

static struct scene prepare(void **state)
{
	return prepare_size(*state, false);
}

static void expect_hit(const struct scene *scene, uint32_t ttl, bool stale, const char *what)
{
	struct reference how = fixture_reference(scene->fixture, ttl, 0);

	how.stale = stale;
	assert_answered(scene->fixture, &scene->query, &scene->spec, &how, what);
}

static void expect_pass(const struct scene *scene, const char *counter, const char *what)
{
	assert_query_passed(scene->fixture, &scene->query, counter, what);
}

/* ---- whose slot it is ---- */

static void owner_slots_are_compared_in_full(void **state)
{
	for (int large = 0; large <= 1; large++) {
		struct scene scene = prepare_size(*state, large);
		struct an_owner_slot *owner = scene.owner;

		expect_hit(&scene, 300, false, "whole");
		owner->head.seq++;
		expect_pass(&scene, "pass_torn", "owner being written");
		owner->head.seq++;
		owner->head.kind = AN_SLOT_ANSWER;
		expect_pass(&scene, "pass_kind", "owner slot of another kind");
		owner->head.kind = AN_SLOT_FREE;
		expect_pass(&scene, "pass_kind", "free slot");
		owner->head.kind = 9;
		expect_pass(&scene, "pass_kind", "kind of the future");
		owner->head.kind = AN_SLOT_OWNER;
		owner->head.flags = 0x80;
		expect_pass(&scene, "pass_kind", "flag of the future");
		owner->head.flags = 0;
		owner->regions = 1;
		expect_pass(&scene, "pass_geo", "regions");
		owner->regions = 0;
		for (unsigned int at = 0; at < owner->name_len; at++) {
			owner->name[at] ^= 1;
			expect_pass(&scene, "pass_owner_other", "another name");
			owner->name[at] ^= 1;
		}
		owner->name[owner->name_len] = 1;
		expect_pass(&scene, "pass_owner_other", "padding is not zero");
		owner->name[owner->name_len] = 0;
		owner->name_len++;
		expect_pass(&scene, "pass_owner_other", "another length");
		owner->name_len--;
		owner->key.type = AN_TYPE_AAAA;
		expect_pass(&scene, "pass_owner_other", "another type");
		owner->key.type = AN_TYPE_A;
		owner->key.class = 3;
		expect_pass(&scene, "pass_owner_other", "another class");
		owner->key.class = 1;
		owner->key.hash++;
		expect_pass(&scene, "pass_owner_other", "another hash");
		owner->key.hash--;
		expect_hit(&scene, 300, false, "whole again");
	}
}

static void point_owner(const struct scene *scene, uint32_t number)
{
	fixture_point_owner(scene->fixture, &scene->owner->key, number);
}

static void slot_numbers_are_input(void **state)
{
	static const struct {
		uint32_t number;
		const char *owner, *answer;
	} numbers[] = {
	        {AN_SLOT_NONE, "pass_owner_miss", "pass_audience_miss"},
	        {AN_SLOT_ASK, "pass_ask", "pass_ask"},
	        {AN_SLOT_LARGE, "pass_kind", "pass_kind"},
	        {0x01000001, "pass_kind", "pass_kind"},
	        {AN_SLOT_LARGE | 0x40000001, "pass_kind", "pass_kind"},
	        {AN_SLOT_INDEX, "pass_internal", "pass_internal"},
	        {AN_SLOT_LARGE | AN_SLOT_INDEX, "pass_internal", "pass_internal"},
	        {3, "pass_kind", "pass_kind"}, /* never used */
	};
	struct scene scene = prepare(state);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		point_owner(&scene, numbers[i].number);
		expect_pass(&scene, numbers[i].owner, "owner's number");
		point_owner(&scene, 1);
		scene.owner->everyone = numbers[i].number;
		expect_pass(&scene, numbers[i].answer, "answer's number");
		scene.owner->everyone = scene.number;
	}
	point_owner(&scene, scene.number);
	expect_pass(&scene, "pass_kind", "an answer in an owner's place");
	point_owner(&scene, 1);
	scene.owner->everyone = 1;
	expect_pass(&scene, "pass_kind", "an owner in an answer's place");
	scene.owner->everyone = scene.number;
	expect_hit(&scene, 300, false, "whole again");
}

static void answer_slots_are_compared_in_full(void **state)
{
	for (int large = 0; large <= 1; large++) {
		struct scene scene = prepare_size(*state, large);
		struct an_answer_slot *answer = scene.answer;

		answer->head.seq++;
		expect_pass(&scene, "pass_torn", "answer being written");
		answer->head.seq++;
		answer->head.kind = AN_SLOT_CHOICE;
		expect_pass(&scene, "pass_kind", "CHOICE");
		answer->head.kind = AN_SLOT_HASHED;
		expect_pass(&scene, "pass_kind", "HASHED");
		answer->head.kind = AN_SLOT_ANSWER;
		/* Every octet of the key but the fillers. */
		for (size_t at = 0; at < sizeof(answer->key); at++) {
			uint8_t *octet = (uint8_t *)&answer->key + at;

			if (at >= offsetof(struct an_audience_key, zero) &&
			    at < offsetof(struct an_audience_key, prefix))
				continue;
			*octet ^= 0x40;
			expect_pass(&scene, "pass_answer_other", "another key");
			*octet ^= 0x40;
		}
		expect_hit(&scene, 300, false, "whole again");
	}
}

static void lengths_in_slots_are_not_trusted(void **state)
{
	struct scene scene = prepare(state);
	struct an_answer_slot *slot = scene.answer;
	struct an_answer *answer = &slot->answer, good;
	uint8_t whole[AN_SLOT_SMALL_SIZE];

	memcpy(whole, slot, sizeof(whole));
	good = *answer;
	answer->count = 255;
	expect_pass(&scene, "pass_kind", "more records than fit");
	answer->count = 9;
	answer->tail_len = 9;
	expect_pass(&scene, "pass_kind", "a tail that does not fit");
	answer->tail_len = 0xffff;
	expect_pass(&scene, "pass_kind", "a tail of 65535 octets");
	answer->count = good.count;
	answer->tail_len = 0;
	answer->stride = 255;
	expect_pass(&scene, "pass_kind", "a stride that nobody has");
	answer->stride = 0;
	expect_pass(&scene, "pass_kind", "records of no octets");
	answer->stride = good.stride;
	answer->traits = AN_TRAITS + 1;
	expect_pass(&scene, "pass_kind", "an unknown TTL mode");
	answer->traits = good.traits;
	answer->tail_ttl_count = AN_TAIL_TTLS + 1;
	expect_pass(&scene, "pass_kind", "more TTLs than places");
	answer->tail_ttl_count = AN_TAIL_TTLS;
	for (int i = 0; i < AN_TAIL_TTLS; i++)
		answer->tail_ttl[i] = 0xfff0;
	expect_pass(&scene, "pass_kind", "TTLs outside the tail");
	memcpy(slot, whole, sizeof(whole));
	scene.owner->lens_count[0] = 255;
	memset(scene.owner->lens, 0xff, sizeof(scene.owner->lens));
	expect_hit(&scene, 300, false, "lengths that do not exist");
}

/* ---- zones ---- */

static void generations_and_expiry_take_slots_out(void **state)
{
	struct scene scene = prepare(state);
	struct an_zone *zone = &scene.fixture->zones[FIXTURE_ZONE];

	zone->generation = 8;
	expect_pass(&scene, "pass_generation", "zone was reloaded");
	scene.owner->head.generation = 8;
	expect_pass(&scene, "pass_generation", "answer of the old zone");
	scene.answer->head.generation = 8;
	expect_hit(&scene, 300, false, "both new");
	scene.answer->head.zone = FIXTURE_ZONE + 1;
	expect_pass(&scene, "pass_generation", "answer of another zone");
	scene.answer->head.zone = FIXTURE_ZONE;
	zone->generation = scene.owner->head.generation = scene.answer->head.generation = 0;
	expect_pass(&scene, "pass_generation", "no zone there");
	zone->generation = scene.owner->head.generation = scene.answer->head.generation = 7;
	zone->valid_until = fixture_now(scene.fixture) - 1;
	expect_pass(&scene, "pass_zone_expired", "zone expired");
	zone->valid_until = fixture_now(scene.fixture) + 3600ull * scene.fixture->hz;
	expect_hit(&scene, 300, false, "zone with time left");
	scene.owner->head.zone = 0xffffffff;
	expect_pass(&scene, "pass_internal", "zone out of the array");
}

/* ---- time ---- */

/* Half a second of slack, so that the rounding up is the same however long the run takes. */
static uint64_t in_seconds(const struct scene *scene, int64_t seconds)
{
	return fixture_now(scene->fixture) + (uint64_t)(seconds * scene->fixture->hz) -
	       scene->fixture->hz / 2;
}

static void ttl_counts_down(void **state)
{
	static const int64_t left[] = {1, 2, 30, 299, 86400, 3 * 86400};
	struct scene scene = prepare(state);

	scene.answer->answer.traits = AN_TRAIT_COUNTING;
	scene.answer->answer.stale_until = AN_NEVER;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		scene.answer->answer.fresh_until = in_seconds(&scene, left[i]);
		expect_hit(&scene, (uint32_t)left[i], false, "counting down");
	}
	scene.answer->answer.traits = 0;
	expect_hit(&scene, 300, false, "fixed");
	scene.answer->answer.traits = AN_TRAIT_COUNTING;
	scene.answer->answer.fresh_until = fixture_now(scene.fixture);
	expect_pass(&scene, "pass_expired", "time is over and the daemon lives");
}

static void stale_answers_go_out_when_upstream_is_gone(void **state)
{
	for (int large = 0; large <= 1; large++) {
		struct scene scene = prepare_size(*state, large);
		uint64_t *cell = &scene.fixture->cells[FIXTURE_CELL];

		scene.answer->answer.traits = AN_TRAIT_COUNTING;
		scene.answer->answer.fresh_until = in_seconds(&scene, -10);
		scene.answer->answer.stale_until = in_seconds(&scene, 3600);
		expect_pass(&scene, "pass_expired", "upstream lives");
		*cell |= AN_CELL_STALE;
		expect_hit(&scene, AN_STALE_TTL, true, "cell says stale");
		scene.answer->answer.stale_ttl = 17;
		expect_hit(&scene, 17, true, "the answer's own stale TTL");
		scene.query.opt = false;
		if (!large)
			expect_hit(&scene, 17, true, "no OPT, no EDE");
		scene.query.opt = true;
		scene.answer->answer.fresh_until = in_seconds(&scene, 20);
		expect_hit(&scene, 20, false, "fresh while upstream is gone");
		scene.answer->answer.fresh_until = scene.answer->answer.stale_until =
		        in_seconds(&scene, -1);
		expect_pass(&scene, "pass_too_stale", "past stale-max");
		*cell &= ~AN_CELL_STALE;
		expect_pass(&scene, "pass_expired", "upstream is back");
	}
}

static void stale_answers_go_out_when_the_daemon_is_gone(void **state)
{
	struct scene scene = prepare(state);
	struct an_control *control = scene.fixture->control;

	scene.answer->answer.traits = AN_TRAIT_COUNTING;
	scene.answer->answer.fresh_until = in_seconds(&scene, -10);
	scene.answer->answer.stale_until = in_seconds(&scene, 3600);
	control->heartbeat_limit = 5ull * control->hz;
	control->heartbeat = in_seconds(&scene, -4);
	expect_pass(&scene, "pass_expired", "within the limit");
	control->heartbeat = in_seconds(&scene, -5);
	expect_hit(&scene, AN_STALE_TTL, true, "over the limit");
	control->heartbeat = in_seconds(&scene, 100);
	expect_pass(&scene, "pass_expired", "a heartbeat ahead of this CPU's clock");
	control->heartbeat = 0;
	expect_hit(&scene, AN_STALE_TTL, true, "no daemon ever");
	scene.answer->answer.traits = 0;
	scene.answer->answer.fresh_until = AN_NEVER;
	expect_hit(&scene, 300, false, "zone data does not get stale");
	scene.owner->cell = 0xffffffff;
	expect_hit(&scene, 300, false, "what is fresh needs no cell");
	control->heartbeat = in_seconds(&scene, 0);
	scene.answer->answer.fresh_until = in_seconds(&scene, -1);
	expect_pass(&scene, "pass_internal", "cell out of the array");
}

/* ---- sizes ---- */

static void replies_that_do_not_fit_go_up(void **state)
{
	struct fixture *fixture = *state;
	size_t len;
	const uint8_t *name = wire_name("a.example", &len);
	const uint32_t plain = 12 + (uint32_t)len + 4; /* header and question */

	for (unsigned int count = 20; count <= 57; count++) {
		struct answer_spec spec = answer_spec(AN_TYPE_A, count, 1);
		struct query_spec query = query_spec(false, name, len, AN_TYPE_A);
		struct reference how;

		fixture_reset(fixture);
		how = fixture_reference(fixture, spec.ttl, 0);
		fixture_everyone(fixture, fixture_owner(fixture, name, len, AN_TYPE_A, false),
		                 &spec);
		if (plain + count * 16 <= 512)
			assert_answered(fixture, &query, &spec, &how, "within 512");
		else
			assert_query_passed(fixture, &query, "pass_too_large", "over 512");
		query.opt = true;
		query.payload = (uint16_t)(plain + count * 16 + 11);
		assert_answered(fixture, &query, &spec, &how, "just fits");
		query.payload--;
		if (query.payload < 512)
			assert_answered(fixture, &query, &spec, &how, "less counts as 512");
		else
			assert_query_passed(fixture, &query, "pass_too_large", "one too many");
		query.payload = 0xffff;
		fixture->control->udp_payload = (uint16_t)(plain + count * 16 + 11);
		how.payload = fixture->control->udp_payload;
		assert_answered(fixture, &query, &spec, &how, "just within ours");
		fixture->control->udp_payload--;
		assert_query_passed(fixture, &query, "pass_too_large", "over ours");
	}
}

/* ECS and EDE count too. */
static void options_count_in_the_size(void **state)
{
	struct scene scene = prepare(state);
	size_t full = 12 + scene.query.name_len + 4 + 2 * 16 + 11 + 11 + 6;

	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	scene.query.payload = 4096;
	scene.answer->answer.fresh_until = in_seconds(&scene, -10);
	scene.answer->answer.stale_until = AN_NEVER;
	scene.fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	scene.fixture->control->udp_payload = (uint16_t)full;
	expect_hit(&scene, AN_STALE_TTL, true, "just fits");
	scene.fixture->control->udp_payload--;
	expect_pass(&scene, "pass_too_large", "one too many");
}

/* ---- marks ---- */

static void used_slots_are_marked_once_a_second(void **state)
{
	for (int large = 0; large <= 1; large++) {
		struct scene scene = prepare_size(*state, large);
		__u64 *mark = &scene.answer->head.mark;
		uint64_t before = fixture_now(scene.fixture), first;

		expect_hit(&scene, 300, false, "first");
		first = *mark;
		assert_true(first >= before && first <= fixture_now(scene.fixture));
		*mark = first - 1; /* as if a tick ago */
		expect_hit(&scene, 300, false, "within the second");
		assert_true(*mark == first - 1);
		*mark = first - scene.fixture->hz;
		expect_hit(&scene, 300, false, "a second later");
		assert_true(*mark >= first);
		*mark = 0;
		scene.answer->head.kind = AN_SLOT_FREE;
		expect_pass(&scene, "pass_kind", "no hit");
		assert_true(*mark == 0);
		assert_true(scene.owner->head.mark == 0); /* it is the answer's that counts */
	}
}

/* ---- the answer in the owner's slot ---- */

/* The scene's answer, moved into the owner's slot as the answer for everyone. */
static struct scene prepare_inline(struct fixture *fixture, bool large)
{
	struct scene scene = prepare_size(fixture, large);
	struct an_audience_key key = fixture_key(scene.owner, AN_AUDIENCE_NET, 0, 0, NULL);

	scene.answer->head.kind = AN_SLOT_FREE;
	scene.number = fixture_inline(fixture, scene.owner, &key, &scene.spec);
	scene.owner->everyone = scene.number;
	return scene;
}

static void an_inline_answer_is_whole_and_for_its_audience_alone(void **state)
{
	for (int large = 0; large <= 1; large++) {
		struct scene scene = prepare_inline(*state, large);
		struct an_owner_slot *owner = scene.owner;
		struct an_inline *key = &owner->inline_key;

		expect_hit(&scene, 300, false, "whole");
		owner->head.seq++;
		expect_pass(&scene, "pass_torn", "being written");
		owner->head.seq++;
		for (size_t at = 0; at < sizeof(*key); at++) {
			((uint8_t *)key)[at] ^= 0x40;
			expect_pass(&scene, "pass_answer_other", "another key");
			((uint8_t *)key)[at] ^= 0x40;
		}
		owner->inline_at = AN_OWNER_NAME_AT / 8 - 1;
		expect_pass(&scene, "pass_kind", "data before the name");
		owner->inline_at = 0;
		expect_pass(&scene, "pass_kind", "no answer there");
		owner->inline_at = 255;
		expect_pass(&scene, "pass_kind", "data out of the slot");
		owner->inline_at = 21;
		owner->answer.tail_len = large ? 0x400 : 0x100;
		expect_pass(&scene, "pass_kind", "data over the end");
		owner->answer.tail_len = 0;
		owner->answer.traits = AN_TRAITS + 1;
		expect_pass(&scene, "pass_kind", "TTL mode of the future");
		owner->answer.traits = 0;
		owner->head.mark = 0;
		expect_hit(&scene, 300, false, "whole again");
		assert_true(owner->head.mark != 0);
	}
}

static void an_inline_network_needs_no_key_in_the_hash(void **state)
{
	struct scene scene = prepare(state);
	struct answer_spec other = answer_spec(AN_TYPE_A, 3, 9), everyone = scene.spec;
	struct an_audience_key key =
	        fixture_key(scene.owner, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "198.51.100.0");
	struct reference how = fixture_reference(scene.fixture, 300, 24);

	other.scope = 24;
	fixture_inline(scene.fixture, scene.owner, &key, &other);
	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	assert_answered(scene.fixture, &scene.query, &other, &how, "the network");
	query_spec_ecs(&scene.query, 1, 24, "198.51.101.0");
	how.scope = 0;
	assert_answered(scene.fixture, &scene.query, &everyone, &how, "another network");
}

/* Upstream is gone; a wider answer than the one that was read first is still good. */
static void stale_answers_are_looked_for_in_both_places(void **state)
{
	struct scene scene = prepare_inline(*state, false);
	struct an_audience_key key =
	        fixture_key(scene.owner, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "198.51.100.0");
	struct answer_spec spec = answer_spec(AN_TYPE_A, 4, 9);
	uint32_t number = fixture_audience(scene.fixture, scene.owner, &key, &spec);
	struct an_answer *network = &fixture_slot(scene.fixture, number)->answer;

	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	network->traits = scene.owner->answer.traits = AN_TRAIT_COUNTING;
	network->fresh_until = in_seconds(&scene, -10);
	network->stale_until = in_seconds(&scene, -1);
	scene.owner->answer.fresh_until = in_seconds(&scene, -10);
	scene.owner->answer.stale_until = in_seconds(&scene, 100);
	expect_pass(&scene, "pass_expired", "upstream lives");
	scene.fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	expect_hit(&scene, AN_STALE_TTL, true, "everyone's, read once more");
	scene.owner->answer.stale_until = in_seconds(&scene, -1);
	expect_pass(&scene, "pass_too_stale", "neither");
}

/* ---- the front index ---- */

static void the_front_index_is_a_hint_and_the_hash_the_record(void **state)
{
	struct scene scene = prepare(state);
	struct an_front_line *line = fixture_line(scene.fixture, &scene.owner->key), empty = {0};
	struct an_front_line whole = *line;

	expect_hit(&scene, 300, false, "by the index");
	*line = empty;
	expect_pass(&scene, "pass_owner_miss", "a line without him is a certain miss");
	line->entries[AN_FRONT_ENTRIES - 1] = AN_FRONT_MORE;
	expect_hit(&scene, 300, false, "by the hash, where the line was full");
	bpf_map_delete_elem(bpf_map__fd(scene.fixture->object->maps.owners), &scene.owner->key);
	expect_pass(&scene, "pass_owner_miss", "nor in the hash");
	for (unsigned int at = 0; at < AN_FRONT_ENTRIES; at++) {
		*line = empty;
		line->entries[at] = whole.entries[0];
		expect_hit(&scene, 300, false, "in every place of a line");
		line->entries[at] ^= 1ULL << 32;
		expect_pass(&scene, "pass_owner_miss", "another's fingerprint");
	}
	*line = whole;
	scene.fixture->control->front_mask = 0xffffffffffffffffULL;
	expect_pass(&scene, "pass_owner_miss", "a mask that leaves the array");
}

static void homes_are_a_guess_whatever_they_say(void **state)
{
	static const uint64_t odd[][2] = {{0, 0},
	                                  {1, 0},
	                                  {1, 1},
	                                  {131073, 0},
	                                  {0, UINT64_MAX},
	                                  {4, 7},
	                                  {UINT64_MAX, UINT64_MAX},
	                                  {1u << 24, (1u << 25) - 1},
	                                  {UINT64_MAX, 0x80ffffff}};
	struct scene scene = prepare(state);

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		scene.fixture->control->homes = odd[i][0];
		scene.fixture->control->home_mask = odd[i][1];
		expect_hit(&scene, 300, false, "by the index");
	}
}

/* ---- tearing ---- */

struct writer {
	struct an_answer_slot *slot;
	const uint8_t *images[2];
	size_t size;
	atomic_bool stop;
};

/* Two threads on one CPU would hardly ever meet inside a write. */
static void stay_on(pthread_t thread, size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(pthread_setaffinity_np(thread, sizeof(set), &set), 0);
}

/* Writes as publishing does: sequence odd, contents, sequence even. */
static void *write_on(void *arg)
{
	struct writer *writer = arg;
	_Atomic uint32_t *seq = (_Atomic uint32_t *)&writer->slot->head.seq;

	for (unsigned int turn = 0; !atomic_load(&writer->stop); turn++) {
		uint8_t *to = (uint8_t *)writer->slot + sizeof(uint32_t);
		const uint8_t *from = writer->images[turn % 2] + sizeof(uint32_t);

		atomic_fetch_add(seq, 1);
		atomic_thread_fence(memory_order_seq_cst);
		memcpy(to, from, writer->size - sizeof(uint32_t));
		atomic_thread_fence(memory_order_seq_cst);
		atomic_fetch_add(seq, 1);
		for (int i = 0; i < 300 && !atomic_load(&writer->stop); i++)
			; /* leave it whole for a while */
	}
	return NULL;
}

#define RACE_RUNS     20000
#define RACE_RUNS_MAX 400000 /* on a busy machine the two seldom meet */

static void a_slot_being_rewritten_is_never_seen_torn(void **state)
{
	static uint8_t images[2][AN_SLOT_LARGE_SIZE];
	struct scene scene = prepare_size(*state, true);
	struct answer_spec other = answer_spec(AN_TYPE_A, 40, 99);
	struct reference how = fixture_reference(scene.fixture, 300, 0);
	unsigned int seen[3] = {0}, run = 0;
	struct packet expected[2];
	struct writer writer = {
	        .slot = scene.answer, .images = {images[0], images[1]}, .size = AN_SLOT_LARGE_SIZE};
	cpu_set_t before;
	pthread_t thread;
	uint32_t number;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	memcpy(images[0], scene.answer, AN_SLOT_LARGE_SIZE);
	number = fixture_answer(scene.fixture, scene.owner, &scene.answer->key, &other);
	memcpy(images[1], fixture_slot(scene.fixture, number), AN_SLOT_LARGE_SIZE);
	reference_reply(&scene.query, &scene.spec, &how, &expected[0]);
	reference_reply(&scene.query, &other, &how, &expected[1]);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
	stay_on(pthread_self(), 0);
	stay_on(thread, 1);
	for (; run < RACE_RUNS || (run < RACE_RUNS_MAX && !(seen[0] && seen[1] && seen[2]));
	     run++) {
		struct outcome outcome;

		fixture_ask(scene.fixture, &scene.query, &outcome);
		if (outcome.action == XDP_PASS) {
			assert_string_equal(outcome_counter(&outcome), "pass_torn");
			seen[2]++;
			continue;
		}
		for (int i = 0; i < 2; i++)
			if (outcome.packet.len == expected[i].len &&
			    !memcmp(outcome.packet.octets, expected[i].octets, expected[i].len))
				seen[i]++;
	}
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	print_message("one %u, other %u, torn and passed up %u\n", seen[0], seen[1], seen[2]);
	assert_int_equal(seen[0] + seen[1] + seen[2], run);
	assert_true(seen[0] > 0 && seen[1] > 0);
	assert_true(seen[2] > 0); /* else there was no race to see */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(owner_slots_are_compared_in_full),
	        cmocka_unit_test(slot_numbers_are_input),
	        cmocka_unit_test(answer_slots_are_compared_in_full),
	        cmocka_unit_test(lengths_in_slots_are_not_trusted),
	        cmocka_unit_test(generations_and_expiry_take_slots_out),
	        cmocka_unit_test(ttl_counts_down),
	        cmocka_unit_test(stale_answers_go_out_when_upstream_is_gone),
	        cmocka_unit_test(stale_answers_go_out_when_the_daemon_is_gone),
	        cmocka_unit_test(replies_that_do_not_fit_go_up),
	        cmocka_unit_test(options_count_in_the_size),
	        cmocka_unit_test(used_slots_are_marked_once_a_second),
	        cmocka_unit_test(an_inline_answer_is_whole_and_for_its_audience_alone),
	        cmocka_unit_test(an_inline_network_needs_no_key_in_the_hash),
	        cmocka_unit_test(stale_answers_are_looked_for_in_both_places),
	        cmocka_unit_test(the_front_index_is_a_hint_and_the_hash_the_record),
	        cmocka_unit_test(homes_are_a_guess_whatever_they_say),
	        cmocka_unit_test(a_slot_being_rewritten_is_never_seen_torn),
	};

	return cmocka_run_group_tests_name("kernel: slots", tests, fixture_open, fixture_close);
}
