/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which answer a client network gets: longest prefix first, EXACT only for
 * that very SOURCE, nobody and everyone apart, special-use networks, and what
 * stands in when there is nobody to ask.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct an_owner_slot *owner;
};

static struct scene prepare(void **state, bool ipv6)
{
	struct scene scene = {.fixture = *state};
	size_t len;
	const uint8_t *name = wire_name("cdn.example", &len);

	fixture_reset(scene.fixture);
	scene.query = query_spec(ipv6, name, len, AN_TYPE_A);
	scene.owner = fixture_owner(scene.fixture, name, len, AN_TYPE_A, false);
	return scene;
}

/* An answer that `mark` tells from others, with a scope of its own. */
static struct answer_spec marked(unsigned int mark, uint8_t scope)
{
	struct answer_spec spec = answer_spec(AN_TYPE_A, 1, mark);

	spec.scope = scope;
	return spec;
}

static uint32_t store(struct scene *scene, uint8_t kind, uint8_t family, uint8_t len,
                      const char *address, unsigned int mark)
{
	struct an_audience_key key = fixture_key(scene->owner, kind, family, len, address);
	struct answer_spec spec = marked(mark, len);

	return fixture_audience(scene->fixture, scene->owner, &key, &spec);
}

static void expect(const struct scene *scene, unsigned int mark, uint8_t scope, const char *what)
{
	struct answer_spec spec = marked(mark, 0);
	struct reference how = fixture_reference(scene->fixture, spec.ttl, scope);

	assert_answered(scene->fixture, &scene->query, &spec, &how, what);
}

static void expect_stale(const struct scene *scene, unsigned int mark, uint8_t scope, uint32_t ttl,
                         const char *what)
{
	struct answer_spec spec = marked(mark, 0);
	struct reference how = fixture_reference(scene->fixture, ttl, scope);

	how.stale = true;
	assert_answered(scene->fixture, &scene->query, &spec, &how, what);
}

static void expect_pass(const struct scene *scene, const char *counter, const char *what)
{
	assert_query_passed(scene->fixture, &scene->query, counter, what);
}

/* ---- every length ---- */

static void every_length_alone(void **state)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned int family = 1; family <= 2; family++) {
		unsigned int longest = family == 1 ? 32 : 64;
		const char *address = family == 1 ? "203.0.113.201" : "2001:db8:5a5a:c3c3::";

		for (unsigned int len = 1; len <= longest; len++) {
			struct scene scene = prepare(state, false);
			uint8_t octets[16] = {0};

			store(&scene, AN_AUDIENCE_NET, (uint8_t)family, (uint8_t)len, address, len);
			query_spec_ecs(&scene.query, family, longest, address);
			expect(&scene, len, (uint8_t)len, "inside");
			/* The first bit outside. */
			memcpy(octets, scene.query.subnet.address, 16);
			octets[(len - 1) / 8] ^= (uint8_t)(0x80 >> (len - 1) % 8);
			inet_ntop(family == 1 ? AF_INET : AF_INET6, octets, text, sizeof(text));
			query_spec_ecs(&scene.query, family, longest, text);
			expect_pass(&scene, "pass_audience_miss", "one bit outside");
		}
	}
}

/* ---- against a slow chooser ---- */

struct stored {
	uint8_t kind, len;
	uint64_t prefix;
	bool ask;
};

/* Repeatable numbers; the generator is of no importance. */
static uint32_t next_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

/* The rule, in the words of the treaty: -1 for none. */
static int choose_slowly(const struct stored *stored, unsigned int count, unsigned int source,
                         uint64_t bits)
{
	int best = -1;

	for (unsigned int i = 0; i < count; i++) {
		const struct stored *one = &stored[i];

		if (one->kind == AN_AUDIENCE_EXACT ? one->len != source : one->len > source)
			continue;
		if ((one->prefix ^ bits) >> (64 - one->len))
			continue;
		if (best < 0 || one->len > stored[best].len ||
		    (one->len == stored[best].len && one->kind == AN_AUDIENCE_EXACT))
			best = (int)i;
	}
	return best;
}

/* Few different prefixes, so that they nest: one address, or that with one bit turned. */
static uint64_t nesting_bits(uint64_t *seed)
{
	uint64_t bits = 0x2badcafe01234567ull;

	return next_number(seed) % 3 ? bits : bits ^ 1ull << next_number(seed) % 64;
}

static void text_of(uint64_t bits, unsigned int family, char *ret, size_t size)
{
	uint8_t octets[16] = {0};

	for (unsigned int i = 0; i < 8; i++)
		octets[i] = (uint8_t)(bits >> (56 - 8 * i));
	inet_ntop(family == 1 ? AF_INET : AF_INET6, octets, ret, (socklen_t)size);
}

static bool is_stored(const struct stored *stored, unsigned int count, const struct stored *one)
{
	for (unsigned int i = 0; i < count; i++)
		if (stored[i].kind == one->kind && stored[i].len == one->len &&
		    stored[i].prefix == one->prefix)
			return true;
	return false;
}

static unsigned int store_some(struct scene *scene, uint64_t *seed, unsigned int family,
                               struct stored *ret)
{
	unsigned int longest = family == 1 ? 32 : 64, wanted = 1 + next_number(seed) % 8, count = 0;
	char text[INET6_ADDRSTRLEN];

	while (count < wanted) {
		struct stored *one = &ret[count];
		struct an_audience_key key;

		one->kind = next_number(seed) % 3 ? AN_AUDIENCE_NET : AN_AUDIENCE_EXACT;
		one->len = (uint8_t)(1 + next_number(seed) % longest);
		one->prefix = nesting_bits(seed) & ~0ull << (64 - one->len);
		one->ask = next_number(seed) % 8 == 0;
		if (is_stored(ret, count, one))
			continue;
		count++;
		text_of(one->prefix, family, text, sizeof(text));
		store(scene, one->kind, (uint8_t)family, one->len, text, count);
		key = fixture_key(scene->owner, one->kind, (uint8_t)family, one->len, text);
		if (one->ask)
			fixture_point(scene->fixture, &key, AN_SLOT_ASK);
	}
	return count;
}

static void the_longest_prefix_that_holds_wins(void **state)
{
	uint64_t seed = 20261122;
	unsigned int hits = 0, asks = 0, misses = 0;

	for (unsigned int round = 0; round < 400; round++) {
		unsigned int family = 1 + round % 2, longest = family == 1 ? 32 : 128;
		struct scene scene = prepare(state, round & 2);
		struct stored stored[8];
		unsigned int count = store_some(&scene, &seed, family, stored);
		char text[INET6_ADDRSTRLEN];

		for (unsigned int client = 0; client < 24; client++) {
			unsigned int source = 1 + next_number(&seed) % longest;
			uint64_t bits = nesting_bits(&seed);
			int best;

			if (source < 64)
				bits &= ~0ull << (64 - source);
			text_of(bits, family, text, sizeof(text));
			query_spec_ecs(&scene.query, family, source, text);
			best = choose_slowly(stored, count, source, bits);
			if (best < 0) {
				misses++;
				expect_pass(&scene, "pass_audience_miss", "none holds");
			} else if (stored[best].ask) {
				asks++;
				expect_pass(&scene, "pass_ask", "a tombstone");
			} else {
				hits++;
				expect(&scene, (unsigned int)best + 1, stored[best].len, "longest");
			}
		}
	}
	print_message("%u hits, %u asks, %u misses\n", hits, asks, misses);
	assert_true(hits > 2000 && asks > 200 && misses > 500);
}

/* ---- nobody and everyone ---- */

static void source_zero_is_nobody(void **state)
{
	struct scene scene = prepare(state, false);
	struct answer_spec nobody = marked(2, 0), everyone = marked(3, 0);

	store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 1, "0.0.0.0", 1);
	nobody.scope = everyone.scope = 9; /* never on the wire: SOURCE was 0 */
	query_spec_ecs(&scene.query, 1, 0, "0.0.0.0");
	expect_pass(&scene, "pass_audience_miss", "neither");
	fixture_everyone(scene.fixture, scene.owner, &everyone);
	expect(&scene, 3, 0, "everyone's will do");
	fixture_nobody(scene.fixture, scene.owner, &nobody);
	expect(&scene, 2, 0, "nobody's own");
	scene.owner->nobody = AN_SLOT_ASK;
	expect_pass(&scene, "pass_ask", "nobody's is the daemon's");
	query_spec_ecs(&scene.query, 1, 32, "203.0.113.1");
	expect(&scene, 3, 9, "a client in no network gets everyone's");
	scene.owner->everyone = AN_SLOT_ASK;
	expect_pass(&scene, "pass_ask", "everyone's is the daemon's");
	query_spec_ecs(&scene.query, 1, 32, "100.0.0.1");
	expect(&scene, 1, 1, "a network of one bit");
}

static void without_option_the_source_address_decides(void **state)
{
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct scene scene = prepare(state, ipv6);
		struct an_control *control = scene.fixture->control;
		uint8_t *len = ipv6 ? &control->source_ipv6_len : &control->source_ipv4_len;
		uint8_t family = ipv6 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4, ours = ipv6 ? 56 : 24;
		const char *address = ipv6 ? "2001:db8:77:1200::" : "203.0.113.0";
		struct answer_spec nobody = marked(5, 0), everyone = marked(6, 0);

		store(&scene, AN_AUDIENCE_NET, family, ours, address, 1);
		store(&scene, AN_AUDIENCE_NET, family, (uint8_t)(ours + 1), address, 2);
		store(&scene, AN_AUDIENCE_EXACT, family, (uint8_t)(ours - 4), address, 3);
		fixture_nobody(scene.fixture, scene.owner, &nobody);
		fixture_everyone(scene.fixture, scene.owner, &everyone);
		expect(&scene, 1, 0, "at our length");
		*len = (uint8_t)(ours + 1);
		expect(&scene, 2, 0, "one bit longer");
		*len = (uint8_t)(ours - 4);
		expect(&scene, 3, 0, "exactly so long");
		*len = (uint8_t)(ours - 5);
		expect(&scene, 6, 0, "too short for any");
		*len = 0;
		expect(&scene, 5, 0, "ecs-from-source is off: nobody");
	}
}

/* ---- special-use networks ---- */

static void set_special(struct fixture *fixture, uint8_t family, uint16_t top, uint64_t value)
{
	uint64_t *word = &fixture->special[an_special_word(family, top)];

	*word = (*word & ~(3ull << (top & 31) * 2)) | value << (top & 31) * 2;
}

static void special_networks_are_nobody_or_the_daemons(void **state)
{
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct scene scene = prepare(state, ipv6);
		struct answer_spec nobody = marked(5, 0), everyone = marked(6, 0);
		uint8_t family = ipv6 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
		uint16_t top = ipv6 ? 0x2001 : 203 << 8;

		fixture_nobody(scene.fixture, scene.owner, &nobody);
		fixture_everyone(scene.fixture, scene.owner, &everyone);
		/* Neighbours and the other family say nothing. */
		set_special(scene.fixture, family, (uint16_t)(top - 1), AN_SPECIAL_WHOLE);
		set_special(scene.fixture, family, (uint16_t)(top + 1), AN_SPECIAL_PART);
		set_special(scene.fixture, ipv6 ? AN_FAMILY_IPV4 : AN_FAMILY_IPV6, top,
		            AN_SPECIAL_WHOLE);
		expect(&scene, 6, 0, "ordinary");
		set_special(scene.fixture, family, top, AN_SPECIAL_WHOLE);
		expect(&scene, 5, 0, "source in a special network is nobody");
		set_special(scene.fixture, family, top, AN_SPECIAL_PART);
		expect_pass(&scene, "pass_ecs_special", "source partly in one");
		query_spec_ecs(&scene.query, family, ipv6 ? 48 : 16,
		               ipv6 ? "2001:db8::" : "203.0.0.0");
		expect_pass(&scene, "pass_ecs_special", "option partly in one");
		set_special(scene.fixture, family, top, AN_SPECIAL_WHOLE);
		expect_pass(&scene, "pass_ecs_special", "option in one");
		query_spec_ecs(&scene.query, family, 0, ipv6 ? "::" : "0.0.0.0");
		expect(&scene, 5, 0, "SOURCE 0 lies nowhere");
		query_spec_ecs(&scene.query, ipv6 ? 1 : 2, 32, ipv6 ? "198.51.100.1" : "3fff::");
		expect(&scene, 6, 0, "an ordinary option outweighs the source");
	}
}

/* ---- nobody to ask ---- */

static void set_times(struct scene *scene, uint32_t number, int64_t fresh_s, int64_t stale_s)
{
	struct an_answer_slot *answer = fixture_slot(scene->fixture, number);
	uint64_t now = fixture_now(scene->fixture), hz = scene->fixture->hz;

	answer->answer.traits = AN_TRAIT_COUNTING;
	answer->answer.fresh_until = now + (uint64_t)(fresh_s * (int64_t)hz) - hz / 2;
	answer->answer.stale_until = now + (uint64_t)(stale_s * (int64_t)hz) - hz / 2;
}

static void a_wider_answer_stands_in_for_one_past_its_end(void **state)
{
	struct scene scene = prepare(state, false);
	struct answer_spec everyone_spec = marked(9, 0);
	uint64_t *cell = &scene.fixture->cells[FIXTURE_CELL];
	uint32_t narrow = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "198.51.100.0", 1);
	uint32_t wide = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 16, "198.51.0.0", 2);
	uint32_t everyone = fixture_everyone(scene.fixture, scene.owner, &everyone_spec);
	uint32_t other = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 8, "10.0.0.0", 3);

	scene.owner->catch_all = other;
	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	set_times(&scene, narrow, -100, -1);
	set_times(&scene, wide, -100, 100);
	set_times(&scene, everyone, -100, 100);
	set_times(&scene, other, -100, 100);
	expect_pass(&scene, "pass_expired", "upstream lives: no wider one");
	*cell |= AN_CELL_STALE;
	expect_stale(&scene, 2, 16, AN_STALE_TTL, "the wider network");
	set_times(&scene, wide, -100, -1);
	expect_stale(&scene, 9, 0, AN_STALE_TTL, "everyone's");
	set_times(&scene, everyone, -100, -1);
	expect_stale(&scene, 3, 24, AN_STALE_TTL, "the newest of any, under the query's SOURCE");
	set_times(&scene, other, -100, -1);
	expect_pass(&scene, "pass_too_stale", "nothing is left");
	scene.owner->catch_all = AN_SLOT_NONE;
	expect_pass(&scene, "pass_too_stale", "no newest");
	set_times(&scene, wide, 50, 100);
	fixture_slot(scene.fixture, wide)->head.seq++;
	expect_pass(&scene, "pass_torn", "the wider one is being written");
	fixture_slot(scene.fixture, wide)->head.seq++;
	fixture_slot(scene.fixture, wide)->key.uid++;
	expect_pass(&scene, "pass_answer_other", "the wider one is another owner's");
}

static void the_catch_all_serves_any_network(void **state)
{
	for (int nobody = 0; nobody <= 1; nobody++) {
		struct scene scene = prepare(state, true);
		uint64_t *cell = &scene.fixture->cells[FIXTURE_CELL];
		uint32_t other =
		        store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV6, 32, "2001:db8::", 4);
		uint8_t scope = nobody ? 0 : 20;
		struct an_answer_slot *slot = fixture_slot(scene.fixture, other);
		struct outcome outcome;

		scene.owner->catch_all = other;
		query_spec_ecs(&scene.query, 1, scope, nobody ? "0.0.0.0" : "198.51.96.0");
		set_times(&scene, other, -1, 1000);
		expect_pass(&scene, "pass_audience_miss", "upstream lives");
		*cell |= AN_CELL_STALE;
		expect_stale(&scene, 4, scope, AN_STALE_TTL, "expired");
		fixture_ask(scene.fixture, &scene.query, &outcome);
		assert_int_equal(outcome.counters.hit_catch_all, 1);
		set_times(&scene, other, 12, 1000);
		expect_stale(&scene, 4, scope, 12, "fresh, but another network's");
		set_times(&scene, other, 200, 1000);
		expect_stale(&scene, 4, scope, AN_STALE_TTL, "no longer than a stale one");
		slot->key.uid++;
		expect_pass(&scene, "pass_answer_other", "another owner's");
		slot->key.uid--;
		slot->key.type = AN_TYPE_AAAA;
		expect_pass(&scene, "pass_answer_other", "another type's");
		slot->key.type = AN_TYPE_A;
		slot->key.variant = 1;
		expect_pass(&scene, "pass_answer_other", "another variant's");
		slot->key.variant = 0;
		slot->key.region = 5;
		expect_pass(&scene, "pass_answer_other", "another region's");
		slot->key.region = 0;
		scene.owner->catch_all = AN_SLOT_ASK;
		expect_pass(&scene, "pass_ask", "the daemon's");
	}
}

/* The daemon has the answer to a tombstone; once it is gone, anybody's is better than none. */
static void a_tombstone_yields_when_the_daemon_is_gone(void **state)
{
	struct scene scene = prepare(state, false);
	uint32_t other = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 8, "10.0.0.0", 4);

	scene.owner->catch_all = other;
	scene.owner->everyone = AN_SLOT_ASK;
	set_times(&scene, other, -1, 1000);
	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	expect_pass(&scene, "pass_ask", "the daemon lives");
	scene.fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	expect_pass(&scene, "pass_ask", "it lives, upstream does not");
	scene.fixture->control->heartbeat = 1;
	scene.fixture->control->heartbeat_limit = 1;
	expect_stale(&scene, 4, 24, AN_STALE_TTL, "the daemon is gone");
	scene.owner->catch_all = AN_SLOT_ASK;
	expect_pass(&scene, "pass_ask", "nor is there a newest");
}

/* With an answer of its own a network never gets the catch-all, nor counts as it. */
static void the_catch_all_waits_for_its_turn(void **state)
{
	struct scene scene = prepare(state, false);
	uint32_t own = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "198.51.100.0", 1);
	uint32_t other = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "192.0.2.0", 2);
	struct outcome outcome;

	scene.owner->catch_all = other;
	scene.fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	set_times(&scene, own, 40, 400);
	set_times(&scene, other, 40, 400);
	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	fixture_slot(scene.fixture, own)->answer.traits = 0;
	expect(&scene, 1, 24, "its own");
	fixture_ask(scene.fixture, &scene.query, &outcome);
	assert_int_equal(outcome.counters.hit_catch_all, 0);
	assert_int_equal(outcome.counters.hit_stale, 0);
}

/* ---- with DO and without ---- */

/* The header's count of a section's records in the reply. */
static unsigned int count_in(const struct scene *scene, const struct outcome *outcome,
                             unsigned int section)
{
	const uint8_t *count =
	        outcome->packet.octets + spec_dns_at(&scene->query) + 6 + section * 2;

	return (unsigned int)(count[0] << 8 | count[1]);
}

/* The last record of the answer, a TXT, is for DO alone. */
static void sign(struct scene *scene, uint32_t number, unsigned int section)
{
	struct an_answer *answer = &fixture_slot(scene->fixture, number)->answer;

	fixture_sign(answer, answer->count ? answer->tail_len : 22, section);
}

static void signatures_are_for_do_alone(void **state)
{
	for (unsigned int section = 0; section < 2; section++) {
		struct scene scene = prepare(state, false);
		struct answer_spec spec = answer_spec(AN_TYPE_A, section ? 0 : 2, 1), plain = spec;
		struct reference how = fixture_reference(scene.fixture, spec.ttl, 0);
		struct outcome with, without;
		uint32_t number;

		spec.txt = "signature";
		number = fixture_everyone(scene.fixture, scene.owner, &spec);
		sign(&scene, number, section);
		scene.query.opt = true;
		assert_answered(scene.fixture, &scene.query, &plain, &how, "without DO");
		fixture_ask(scene.fixture, &scene.query, &without);
		scene.query.dnssec_ok = true;
		fixture_ask(scene.fixture, &scene.query, &with);
		assert_string_equal(outcome_counter(&with), "hit");
		assert_int_equal(with.packet.len,
		                 without.packet.len +
		                         fixture_slot(scene.fixture, number)->answer.signed_len);
		assert_int_equal(count_in(&scene, &with, section),
		                 count_in(&scene, &without, section) + 1);
		assert_int_equal(count_in(&scene, &with, 2), 1);
	}
}

static void what_is_for_one_of_the_two_is_not_for_the_other(void **state)
{
	struct scene scene = prepare(state, false);
	uint32_t number = store(&scene, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "198.51.100.0", 1);
	struct an_answer *answer = &fixture_slot(scene.fixture, number)->answer;

	query_spec_ecs(&scene.query, 1, 24, "198.51.100.0");
	answer->traits = AN_TRAIT_ONLY_DO;
	expect_pass(&scene, "pass_dnssec", "without DO");
	scene.query.dnssec_ok = true;
	expect(&scene, 1, 24, "with DO");
	answer->traits = AN_TRAIT_NOT_DO;
	expect_pass(&scene, "pass_dnssec", "with DO");
	scene.query.dnssec_ok = false;
	expect(&scene, 1, 24, "without DO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_length_alone),
	        cmocka_unit_test(the_longest_prefix_that_holds_wins),
	        cmocka_unit_test(source_zero_is_nobody),
	        cmocka_unit_test(without_option_the_source_address_decides),
	        cmocka_unit_test(special_networks_are_nobody_or_the_daemons),
	        cmocka_unit_test(a_wider_answer_stands_in_for_one_past_its_end),
	        cmocka_unit_test(the_catch_all_serves_any_network),
	        cmocka_unit_test(the_catch_all_waits_for_its_turn),
	        cmocka_unit_test(a_tombstone_yields_when_the_daemon_is_gone),
	        cmocka_unit_test(signatures_are_for_do_alone),
	        cmocka_unit_test(what_is_for_one_of_the_two_is_not_for_the_other),
	};

	return cmocka_run_group_tests_name("kernel: audiences", tests, fixture_open, fixture_close);
}
