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

/* ---- by ways that no answer is made for here, and that lead to the daemon ---- */

/* Octets between the IP header and what is at `at`, with the lengths put right. */
static void widen(const struct query_spec *query, struct packet *packet, size_t at,
                  const uint8_t *octets, size_t len)
{
	size_t ip = spec_ip_at(query);

	memmove(packet->octets + at + len, packet->octets + at, packet->len - at);
	memcpy(packet->octets + at, octets, len);
	packet->len += len;
	packet_set16(packet, ip + (query->ipv6 ? 4 : 2),
	             (unsigned int)(packet->len - ip - (query->ipv6 ? 40 : 0)));
}

struct way {
	const char *what, *counter;
	bool ipv6, free;
	uint8_t next; /* of the IPv6 header */
	uint8_t headers[24];
	size_t len; /* over 24: the first eight octets again and again */
};

static const struct way ways[] = {
        {"IPv4 options", "pass_ip_header", false, false, 0, {1, 1, 1, 0}, 4},
        {"octets behind the datagram", "pass_length", false, false, 0, {0}, 0},
        {"octets behind the datagram", "pass_length", true, false, 0, {0}, 0},
        {"destination options", "pass_extension", true, false, 60, {17, 0, 1, 4}, 8},
        {"hop-by-hop options of 16 octets", "pass_extension", true, false, 0, {17, 1, 1, 12}, 16},
        {"a fragment that is all", "pass_extension", true, false, 44, {17, 0, 0, 0}, 8},
        {"a first fragment", "pass_extension", true, false, 44, {17, 0, 0, 1}, 8},
        {"a later fragment", "pass_extension", true, true, 44, {17, 0, 0, 8}, 8},
        {"an authentication header", "pass_extension", true, false, 51, {17, 1}, 12},
        {"three headers",
         "pass_extension",
         true,
         false,
         0,
         {60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 17},
         24},
        {"TCP behind options", "pass_extension", true, true, 60, {6, 0, 1, 4}, 8},
        {"nothing behind options", "pass_extension", true, true, 60, {59, 0, 1, 4}, 8},
        {"a header past the end", "pass_extension", true, true, 60, {17, 255, 1, 4}, 8},
        {"ten headers", "pass_extension", true, false, 60, {60, 0, 1, 4}, 80},
};

static void take(const struct way *way, const struct query_spec *query, struct packet *ret)
{
	size_t at = spec_udp_at(query), rest = way->len;

	query_build(query, ret);
	if (!way->len) {
		packet_put32(ret, 0);
		widen(query, ret, at, ret->octets, 0);
		return;
	}
	for (; rest > sizeof(way->headers); rest -= 8)
		widen(query, ret, at, way->headers, 8);
	widen(query, ret, at, way->headers, rest);
	if (way->ipv6)
		ret->octets[spec_ip_at(query) + 6] = way->next;
	else
		ret->octets[spec_ip_at(query)] = (uint8_t)(0x45 + way->len / 4);
}

/* As many as the burst go up by this way; then no more, by this one or straight. */
static void a_way_round_is_counted(struct fixture *fixture, const struct way *way)
{
	struct query_spec query = prepare(fixture, way->ipv6, 0);
	struct packet packet;
	struct outcome outcome;
	unsigned int passed = 0;

	take(way, &query, &packet);
	for (unsigned int i = 0; i < BURST + 10; i++) {
		fixture_run(fixture, &packet, &outcome);
		passed += outcome.action == XDP_PASS;
		if (strcmp(outcome_counter(&outcome),
		           outcome.action == XDP_PASS ? way->counter : "miss_drop"))
			fail_msg("%s: %s", way->what, outcome_counter(&outcome));
	}
	if (way->free ? passed != BURST + 10 : passed < BURST || passed > BURST + 2)
		fail_msg("%s: %u passed", way->what, passed);
	fixture_ask(fixture, &query, &outcome);
	if ((outcome.action == XDP_PASS) != way->free && passed <= BURST + 1)
		fail_msg("%s: then %s", way->what, outcome_counter(&outcome));
}

static void ways_round_are_counted(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		a_way_round_is_counted(*state, &ways[i]);
}

/* Another service's datagrams are nobody's business here, in whatever shape. */
static void ways_round_to_other_ports_are_free(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct query_spec query = prepare(fixture, ways[i].ipv6, 0);
		struct packet packet;

		query.port = 443;
		take(&ways[i], &query, &packet);
		if (ways[i].len > sizeof(ways[i].headers))
			continue; /* whose port is not looked for */
		for (unsigned int j = 0; j < BURST + 10; j++)
			assert_passed(fixture, &packet, ways[i].counter, ways[i].what);
	}
}

static void ipv4_fragments_are_counted_by_their_first(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false, 0);
	struct packet packet;
	struct outcome outcome;

	query_build(&query, &packet);
	packet_set16(&packet, spec_ip_at(&query) + 6, 0x2001);
	for (unsigned int i = 0; i < BURST + 10; i++)
		assert_passed(fixture, &packet, "pass_fragment", "a later fragment");
	packet_set16(&packet, spec_ip_at(&query) + 6, 0x2000);
	for (unsigned int i = 0; i < BURST; i++)
		assert_passed(fixture, &packet, "pass_fragment", "a first fragment");
	for (unsigned int i = 0; i < 10; i++)
		fixture_run(fixture, &packet, &outcome);
	assert_string_equal(outcome_counter(&outcome), "miss_drop");
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
	        cmocka_unit_test(ways_round_are_counted),
	        cmocka_unit_test(ways_round_to_other_ports_are_free),
	        cmocka_unit_test(ipv4_fragments_are_counted_by_their_first),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
