/* SPDX-License-Identifier: BSD-2-Clause */
/* How many queries a network may send up: a bucket for each, TC or nothing over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define BURST 20

struct tally {
	unsigned int passed, dropped, slipped;
};

static struct query_spec prepare(struct fixture *fixture, bool ipv6, uint32_t slip)
{
	size_t len;
	const uint8_t *name = wire_name("unknown.example", &len);
	struct query_spec query = query_spec(ipv6, name, len, AN_TYPE_A);

	fixture_reset(fixture);
	fixture->control->miss_rate = 1;
	fixture->control->miss_burst = BURST;
	fixture->control->miss_slip = slip;
	query.opt = true;
	return query;
}

static struct tally ask(struct fixture *fixture, const struct query_spec *query, unsigned int count)
{
	struct tally tally = {0, 0, 0};

	for (unsigned int i = 0; i < count; i++) {
		struct outcome outcome;

		fixture_ask(fixture, query, &outcome);
		tally.passed += outcome.action == XDP_PASS;
		tally.dropped += outcome.action == XDP_DROP;
		tally.slipped += outcome.action == XDP_TX;
		assert_int_equal(outcome.counters.miss_drop, outcome.action == XDP_DROP);
		assert_int_equal(outcome.counters.miss_slip, outcome.action == XDP_TX);
		assert_int_equal(outcome.counters.hit, 0);
		assert_int_equal(outcome.counters.pass_owner_miss, outcome.action == XDP_PASS);
	}
	return tally;
}

static void over_the_burst_misses_are_dropped_and_every_nth_slips(void **state)
{
	for (unsigned int family = 0; family < 2; family++) {
		struct query_spec query = prepare(*state, family, 3);
		struct tally tally = ask(*state, &query, BURST + 30);

		/* A second may have gone by. */
		assert_in_range(tally.passed, BURST, BURST + 2);
		assert_in_range(tally.slipped, 9, 10);
		assert_int_equal(tally.passed + tally.dropped + tally.slipped, BURST + 30);
		query = prepare(*state, family, 0);
		assert_int_equal(ask(*state, &query, BURST + 30).slipped, 0);
	}
}

static void what_slips_is_told_to_come_over_tcp(void **state)
{
	struct fixture *fixture = *state;
	const struct answer_spec nothing = {.count = 0};
	struct query_spec query = prepare(fixture, false, 1);

	for (unsigned int i = 0; i < 3; i++) {
		struct reference how = fixture_reference(fixture, 0, 0);
		struct packet expected = {.len = 0};
		struct outcome outcome;

		if (i == 1)
			query.opt = false;
		if (i == 2) {
			query.opt = true;
			query.flags = 0x0100;
			query_spec_ecs(&query, 1, 24, "192.0.2.0");
		}
		ask(fixture, &query, BURST);
		how.truncated = true;
		reference_reply(&query, &nothing, &how, &expected);
		fixture_ask(fixture, &query, &outcome);
		assert_int_equal(outcome.action, XDP_TX);
		assert_int_equal(outcome.packet.len, expected.len);
		assert_memory_equal(outcome.packet.octets, expected.octets, expected.len);
	}
}

static void a_network_has_its_own_allowance(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 0), other = query;

	ask(fixture, &query, BURST + 5);
	other.source[3] ^= 0x55; /* the same /24 */
	assert_in_range(ask(fixture, &other, 10).dropped, 9, 10);
	other.source[2] ^= 1;
	assert_int_equal(ask(fixture, &other, 10).passed, 10);
	other = query_spec(true, query.name, query.name_len, AN_TYPE_A);
	assert_int_equal(ask(fixture, &other, 10).passed, 10);
}

static void tokens_come_back_with_time(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 0);
	uint64_t end;

	fixture->control->miss_rate = 100;
	ask(fixture, &query, BURST + 30);
	end = fixture_now(fixture) + fixture->hz / 10 + 1;
	while (fixture_now(fixture) < end)
		;
	assert_in_range(ask(fixture, &query, BURST).passed, 9, BURST);
}

/* What was written under other limits, or by others, shuts nobody out. */
static void a_bucket_from_elsewhere_mends(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 0);
	uint64_t end;

	fixture->control->miss_rate = 1000;
	memset(fixture->misses, 0xff, AN_MISS_BUCKETS * sizeof(*fixture->misses));
	ask(fixture, &query, 1);
	end = fixture_now(fixture) + fixture->hz;
	while (fixture_now(fixture) < end)
		;
	assert_int_equal(ask(fixture, &query, BURST / 2).passed, BURST / 2);
}

static void what_is_answered_or_not_ours_costs_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 0), elsewhere = query;
	struct answer_spec spec = answer_spec(AN_TYPE_A, 1, 1);
	struct reference how;

	fixture_everyone(fixture,
	                 fixture_owner(fixture, query.name, query.name_len, AN_TYPE_A, false),
	                 &spec);
	how = fixture_reference(fixture, spec.ttl, 0);
	elsewhere.port = 5353;
	for (unsigned int i = 0; i < 2 * BURST; i++) {
		assert_answered(fixture, &query, &spec, &how, "a hit");
		assert_query_passed(fixture, &elsewhere, "pass_not_served", "not ours");
	}
	query.type = AN_TYPE_TXT;
	assert_int_equal(ask(fixture, &query, BURST).passed, BURST);
}

/* What is malformed costs as much, and never slips. */
static void what_is_no_query_counts_too(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 1);
	struct outcome outcome;

	ask(fixture, &query, BURST);
	query.flags = 0x2000;
	fixture_ask(fixture, &query, &outcome);
	assert_int_equal(outcome.action, XDP_DROP);
	assert_int_equal(outcome.counters.miss_drop, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(over_the_burst_misses_are_dropped_and_every_nth_slips),
	        cmocka_unit_test(what_slips_is_told_to_come_over_tcp),
	        cmocka_unit_test(a_network_has_its_own_allowance),
	        cmocka_unit_test(tokens_come_back_with_time),
	        cmocka_unit_test(a_bucket_from_elsewhere_mends),
	        cmocka_unit_test(what_is_answered_or_not_ours_costs_nothing),
	        cmocka_unit_test(what_is_no_query_counts_too),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
