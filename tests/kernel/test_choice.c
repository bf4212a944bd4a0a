/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: choice by weight and by client among the members that live, records
 * of the dead left out, all to the octet.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define MEMBERS_MAX AN_CHOICE_MAX

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct an_owner_slot *owner;
	struct an_choice_slot *slot;
	uint64_t *cell;
	struct choice_spec specs[MEMBERS_MAX];
	unsigned int count;
};

/* Members of one address each (and of three, every third), weights 1, 2, 3 ..., each with its bit.
 */
static void prepare(struct scene *scene, void **state, bool hashed, unsigned int count, bool ipv6)
{
	struct fixture *fixture = *state;
	struct an_audience_key key;
	size_t len;
	const uint8_t *name = wire_name("www.pool.example", &len);

	memset(scene, 0, sizeof(*scene));
	fixture_reset(fixture);
	scene->fixture = fixture;
	scene->query = query_spec(ipv6, name, len, AN_TYPE_A);
	scene->owner = fixture_owner(fixture, name, len, AN_TYPE_A, false);
	scene->cell = &fixture->cells[FIXTURE_POOL_CELL];
	*scene->cell = AN_CELL_MEMBERS;
	scene->count = count;
	for (unsigned int i = 0; i < count; i++)
		scene->specs[i] = (struct choice_spec){
		        .answer = answer_spec(AN_TYPE_A, i % 3 == 2 ? 3 : 1, i + 1),
		        .weight = (uint16_t)(1 + i % 5),
		        .id = 0x9e3779b9u * (i + 1),
		        .bit = (uint8_t)(i < 60 ? i : AN_BIT_ALWAYS)};
	key = fixture_key(scene->owner, AN_AUDIENCE_NET, 0, 0, NULL);
	scene->owner->everyone =
	        fixture_choice(fixture, scene->owner, &key, hashed, scene->specs, count);
	scene->slot =
	        (struct an_choice_slot *)(void *)fixture_slot(fixture, scene->owner->everyone);
}

static bool lives(const struct scene *scene, unsigned int index)
{
	uint8_t bit = scene->specs[index].bit;

	return bit == AN_BIT_ALWAYS || *scene->cell >> bit & 1;
}

/* The member that the treaty's words give, and what is left of the choice. */
static unsigned int member_by_weight(const struct scene *scene, uint32_t *choice)
{
	uint32_t total = 0, at;

	for (unsigned int i = 0; i < scene->count; i++)
		total += lives(scene, i) ? scene->specs[i].weight : 0;
	at = (uint32_t)((uint64_t)*choice * total >> 32);
	*choice = (uint32_t)((uint64_t)*choice * total);
	for (unsigned int i = 0; i < scene->count; i++) {
		if (!lives(scene, i))
			continue;
		if (at < scene->specs[i].weight)
			return i;
		at -= scene->specs[i].weight;
	}
	return UINT32_MAX;
}

static void replies_pick_by_weight_among_the_living(void **state)
{
	static const unsigned int counts[] = {1, 2, 3, 15, 16, 17, 64};

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct scene scene;

		prepare(&scene, state, false, counts[c], false);
		assert_int_equal(!!(scene.owner->everyone & AN_SLOT_LARGE),
		                 counts[c] > AN_CHOICE_SMALL);
		for (unsigned int id = 0; id < 400; id++) {
			struct reference how = fixture_reference(scene.fixture, 300, 0);
			uint32_t choice;
			unsigned int member;

			if (id == 200 && counts[c] > 1)
				*scene.cell &= ~0x5555555555555555ULL; /* every second one dies */
			scene.query.id = (uint16_t)(id * 151);
			choice = reference_choice(&scene.query, how.seed);
			member = member_by_weight(&scene, &choice);
			how.choice = &choice;
			assert_answered(scene.fixture, &scene.query, &scene.specs[member].answer,
			                &how, "by weight");
		}
	}
}

/* Pearson's statistic; 99.9 % of honest samples stay below the limits given where it is used. */
static double chi_square(const unsigned int *counts, const double *shares, unsigned int cells,
                         unsigned int total)
{
	double sum = 0;

	for (unsigned int i = 0; i < cells; i++) {
		double expected = shares[i] * total, difference = counts[i] - expected;

		sum += difference * difference / expected;
	}
	return sum;
}

/* Which of answer_spec()'s answers the first record is of; its last octets tell. */
static unsigned int first_of(const struct scene *scene, const struct outcome *outcome,
                             unsigned int *ret_place)
{
	size_t at = spec_dns_at(&scene->query) + 12 + scene->query.name_len + 4 + 12;

	for (unsigned int i = 0; i < scene->count; i++)
		for (unsigned int j = 0; j < scene->specs[i].answer.count; j++)
			if (!memcmp(outcome->packet.octets + at,
			            scene->specs[i].answer.addresses[j], 4)) {
				*ret_place = j;
				return i;
			}
	fail_msg("an address of nobody");
	return 0;
}

static void shares_and_rotation_are_as_the_weights_say(void **state)
{
	static const double shares[] = {1 / 6.0, 2 / 6.0, 3 / 6.0},
	                    even[] = {1 / 3.0, 1 / 3.0, 1 / 3.0};
	unsigned int members[3] = {0}, places[3] = {0};
	struct scene scene;

	prepare(&scene, state, false, 3, false);
	for (unsigned int id = 0; id < 12000; id++) {
		struct outcome outcome;
		unsigned int place = 0, member;

		scene.query.id = (uint16_t)id;
		scene.query.source_port = (uint16_t)(1024 + id * 7919 % 60000);
		fixture_ask(scene.fixture, &scene.query, &outcome);
		assert_int_equal(outcome.action, XDP_TX);
		member = first_of(&scene, &outcome, &place);
		members[member]++;
		places[place] += member == 2;
	}
	assert_true(chi_square(members, shares, 3, 12000) < 13.8);
	assert_true(chi_square(places, even, 3, members[2]) < 13.8);
}

static void where_none_lives_the_daemon_is_asked(void **state)
{
	for (int hashed = 0; hashed <= 1; hashed++) {
		struct scene scene;

		prepare(&scene, state, hashed, 5, false);
		*scene.cell = AN_CELL_STALE;
		assert_query_passed(scene.fixture, &scene.query, "pass_dead_member", "all dead");
		*scene.cell = 1;
		{
			struct reference how = fixture_reference(scene.fixture, 300, 0);
			uint32_t choice = 0;

			how.choice = &choice;
			assert_answered(scene.fixture, &scene.query, &scene.specs[0].answer, &how,
			                "one lives");
		}
	}
}

/* ---- by client ---- */

static unsigned int member_by_client(const struct scene *scene, unsigned int family,
                                     const uint8_t *prefix)
{
	unsigned int best = UINT32_MAX;
	uint32_t best_distance = 0;

	for (unsigned int i = 0; i < scene->count; i++) {
		uint32_t distance =
		        an_client_distance((uint8_t)family, an_load8(prefix), scene->specs[i].id);

		if (!lives(scene, i))
			continue;
		if (best == UINT32_MAX ||
		    (uint64_t)distance * scene->specs[best].weight <
		            (uint64_t)best_distance * scene->specs[i].weight) {
			best = i;
			best_distance = distance;
		}
	}
	return best;
}

static void ask_as_client(struct scene *scene, unsigned int family, unsigned int source,
                          const char *address, const char *what)
{
	struct reference how = fixture_reference(scene->fixture, 300, 0);
	uint8_t prefix[16] = {0};
	unsigned int cut = family == 2 ? 56 : 24;

	inet_pton(family == 2 ? AF_INET6 : AF_INET, address, prefix);
	for (unsigned int bit = cut < source ? cut : source; bit < 128; bit++)
		prefix[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	query_spec_ecs(&scene->query, family, source, address);
	how.scope = source ? cut : 0;
	assert_answered(scene->fixture, &scene->query,
	                &scene->specs[member_by_client(scene, source ? family : 0, prefix)].answer,
	                &how, what);
}

static void each_client_network_has_its_member(void **state)
{
	static const unsigned int counts[] = {1, 2, 7, 64};

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct scene scene;

		prepare(&scene, state, true, counts[c], false);
		for (unsigned int i = 0; i < 300; i++) {
			char address[64];

			if (i == 150 && counts[c] > 1)
				*scene.cell &= ~0x5555555555555555ULL;
			scene.query.id = (uint16_t)i;
			snprintf(address, sizeof(address), "203.%u.%u.0", i / 16, i * 5 % 256);
			ask_as_client(&scene, 1, 24, address, "an IPv4 network");
			snprintf(address, sizeof(address), "203.%u.%u.9", i / 16, i * 5 % 256);
			ask_as_client(&scene, 1, 32, address, "an IPv4 address");
			ask_as_client(&scene, 1, 16, "203.0.0.0", "a short IPv4 network");
			snprintf(address, sizeof(address), "2001:db8:%x:%x00::", i, i % 256);
			ask_as_client(&scene, 2, 56, address, "an IPv6 network");
		}
		scene.query.ecs = false;
	}
}

static void who_asks_without_the_option_counts_by_the_packet(void **state)
{
	struct scene scene;
	struct reference how;

	prepare(&scene, state, true, 7, false);
	how = fixture_reference(scene.fixture, 300, 0);
	for (unsigned int i = 0; i < 100; i++) {
		uint8_t prefix[8] = {203, 0, (uint8_t)i};

		memset(scene.query.source, 0, sizeof(scene.query.source));
		memcpy(scene.query.source, prefix, 3);
		scene.query.source[3] = (uint8_t)(i + 1);
		assert_answered(scene.fixture, &scene.query,
		                &scene.specs[member_by_client(&scene, 1, prefix)].answer, &how,
		                "by its source");
	}
}

/* ---- records ---- */

static void dead_records_are_left_out(void **state)
{
	for (int large = 0; large <= 1; large++)
		for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
			struct fixture *fixture = *state;
			uint16_t type = ipv6 ? AN_TYPE_AAAA : AN_TYPE_A;
			unsigned int count = large ? 20 : 4;
			struct answer_spec spec = answer_spec(type, count, 1), kept = spec;
			struct an_owner_slot *owner;
			struct query_spec query;
			struct reference how;
			uint8_t bits[64];
			size_t len;
			const uint8_t *name = wire_name("a.example", &len);

			fixture_reset(fixture);
			query = query_spec(false, name, len, type);
			query.opt = true;
			owner = fixture_owner(fixture, name, len, type, false);
			for (unsigned int i = 0; i < count; i++)
				bits[i] = i % 5 == 4 ? AN_BIT_ALWAYS : (uint8_t)(i * 3);
			fixture_members(
			        fixture_slot(fixture, fixture_everyone(fixture, owner, &spec)),
			        bits);
			how = fixture_reference(fixture, 300, 0);
			for (unsigned int round = 0; round < 200; round++) {
				uint64_t cell =
				        round ? 0x9e3779b97f4a7c15ULL * round : AN_CELL_MEMBERS;

				fixture->cells[FIXTURE_POOL_CELL] = cell;
				kept.count = 0;
				for (unsigned int i = 0; i < count; i++)
					if (bits[i] == AN_BIT_ALWAYS || cell >> bits[i] & 1)
						memcpy(kept.addresses[kept.count++],
						       spec.addresses[i], 16);
				query.id = (uint16_t)(round * 77);
				if (kept.count)
					assert_answered(fixture, &query, &kept, &how, "some");
				else
					assert_query_passed(fixture, &query, "pass_dead_member",
					                    "none");
			}
		}
}

/* The signature is over all of them: with DO all live, or it is the daemon's. */
static void signed_records_are_given_all_or_by_the_daemon(void **state)
{
	struct fixture *fixture = *state;
	struct answer_spec spec = answer_spec(AN_TYPE_A, 3, 1), kept = spec;
	const uint8_t bits[3] = {0, 1, AN_BIT_ALWAYS};
	struct an_owner_slot *owner;
	struct an_answer_slot *slot;
	struct query_spec query;
	struct reference how;
	struct outcome outcome;
	size_t len;
	const uint8_t *name = wire_name("a.example", &len);

	fixture_reset(fixture);
	query = query_spec(false, name, len, AN_TYPE_A);
	query.opt = true;
	owner = fixture_owner(fixture, name, len, AN_TYPE_A, false);
	spec.txt = "signature";
	slot = fixture_slot(fixture, fixture_everyone(fixture, owner, &spec));
	fixture_sign(&slot->answer, slot->answer.tail_len, 0);
	fixture_members(slot, bits);
	how = fixture_reference(fixture, 300, 0);
	fixture->cells[FIXTURE_POOL_CELL] = AN_CELL_MEMBERS & ~4ULL; /* another's */
	query.dnssec_ok = true;
	fixture_ask(fixture, &query, &outcome);
	assert_string_equal(outcome_counter(&outcome), "hit");
	fixture->cells[FIXTURE_POOL_CELL] &= ~2ULL;
	assert_query_passed(fixture, &query, "pass_dead_member", "one is dead");
	query.dnssec_ok = false;
	kept.count = 2;
	memcpy(kept.addresses[1], spec.addresses[2], 16);
	assert_answered(fixture, &query, &kept, &how, "without DO");
}

static void last_good_answers_leave_the_dead_out_too(void **state)
{
	struct fixture *fixture = *state;
	struct answer_spec spec = answer_spec(AN_TYPE_A, 3, 1), kept = answer_spec(AN_TYPE_A, 3, 1);
	const uint8_t bits[3] = {0, 1, 2};
	struct an_owner_slot *owner;
	struct an_answer_slot *slot;
	struct query_spec query;
	struct reference how;
	size_t len;
	const uint8_t *name = wire_name("a.example", &len);

	fixture_reset(fixture);
	query = query_spec(false, name, len, AN_TYPE_A);
	query.opt = true;
	owner = fixture_owner(fixture, name, len, AN_TYPE_A, false);
	slot = fixture_slot(fixture, fixture_everyone(fixture, owner, &spec));
	fixture_members(slot, bits);
	slot->answer.traits |= AN_TRAIT_COUNTING;
	slot->answer.fresh_until = fixture_now(fixture) - 1;
	slot->answer.stale_until = AN_NEVER;
	slot->answer.stale_ttl = 30;
	fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	fixture->cells[FIXTURE_POOL_CELL] = AN_CELL_MEMBERS & ~2ULL;
	kept.count = 2;
	memcpy(kept.addresses[1], spec.addresses[2], 16);
	how = fixture_reference(fixture, 30, 0);
	how.stale = true;
	assert_answered(fixture, &query, &kept, &how, "stale");
}

/* ---- slots that are not what they should be ---- */

static void choices_are_compared_in_full(void **state)
{
	struct scene scene;
	struct an_answer_slot *member;

	prepare(&scene, state, false, 1, false);
	member = fixture_slot(scene.fixture, scene.slot->entries[0].slot);
#define PASSES(counter, what) assert_query_passed(scene.fixture, &scene.query, counter, what)
	scene.slot->head.seq++;
	PASSES("pass_torn", "being written");
	scene.slot->head.seq++;
	scene.slot->count = AN_CHOICE_MAX + 1;
	PASSES("pass_kind", "more than there may be");
	scene.slot->count = AN_CHOICE_SMALL + 1;
	PASSES("pass_kind", "more than fit");
	scene.slot->count = 0;
	PASSES("pass_dead_member", "none");
	scene.slot->count = 1;
	scene.slot->key.uid++;
	PASSES("pass_answer_other", "another owner's");
	scene.slot->key.uid--;
	scene.slot->head.generation++;
	PASSES("pass_generation", "another generation's");
	scene.slot->head.generation--;
	scene.slot->cell = 0xffffffff;
	PASSES("pass_internal", "a cell out of the array");
	scene.slot->cell = FIXTURE_POOL_CELL;
	member->key.member = 2;
	PASSES("pass_answer_other", "another member's");
	member->key.member = 1;
	member->head.generation++;
	PASSES("pass_generation", "a member of another generation");
	member->head.generation--;
	member->head.kind = AN_SLOT_CHOICE;
	PASSES("pass_kind", "a choice in a choice");
	member->head.kind = AN_SLOT_ANSWER;
	member->answer.traits |= AN_TRAITS + 1;
	PASSES("pass_kind", "a trait that is not known");
	member->answer.traits &= AN_TRAITS;
	scene.slot->entries[0].slot = 0x01000001;
	PASSES("pass_kind", "a segment that is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(replies_pick_by_weight_among_the_living),
	        cmocka_unit_test(shares_and_rotation_are_as_the_weights_say),
	        cmocka_unit_test(where_none_lives_the_daemon_is_asked),
	        cmocka_unit_test(each_client_network_has_its_member),
	        cmocka_unit_test(who_asks_without_the_option_counts_by_the_packet),
	        cmocka_unit_test(dead_records_are_left_out),
	        cmocka_unit_test(signed_records_are_given_all_or_by_the_daemon),
	        cmocka_unit_test(last_good_answers_leave_the_dead_out_too),
	        cmocka_unit_test(choices_are_compared_in_full),
	};

	return cmocka_run_group_tests_name("kernel: choice", tests, fixture_open, fixture_close);
}
