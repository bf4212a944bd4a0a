/* SPDX-License-Identifier: BSD-2-Clause */
/* From an owner to its answer: members, chains, failures, and answers that are renewed in time. */
#include "unit/answer/flatten_scene.h"

static void an_owner_takes_what_its_target_gives(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	found = get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.ttl, 60);
	assert_int_equal(found.wire_scope, 24);
	assert_int_equal(found.answer->count, 1);
	assert_memory_equal(found.answer->octets, "\xcb\0\x71\1", 4);
	assert_int_equal(last_asked.len, 24);
}

static void both_families_are_fetched_on_a_miss(void **state)
{
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false);
	run_ms(*state, 20);
	assert_int_equal(look(*state, "@", AN_TYPE_AAAA, "192.0.2.0/24").state, STORE_FRESH);
	assert_int_equal(asked_count, 2);
}

static void misses_at_once_share_one_question(void **state)
{
	struct waiting waiting[10];

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1")->delay_ms = 10;
	for (int i = 0; i < 10; i++)
		want_into(*state, &waiting[i], "@", AN_TYPE_A,
		          i % 2 ? "192.0.2.0/24" : "192.0.2.7/32");
	run_ms(*state, 30);
	for (int i = 0; i < 10; i++)
		assert_true(waiting[i].done);
	assert_int_equal(asked_count, 2); /* A, and AAAA along with it */
}

static void ttl_is_the_least_and_kept_in_bounds(void **state)
{
	struct scene *scene = *state;

	script("one.cdn.test.", UPSTREAM_OK, 86400, 0, "203.0.113.1");
	assert_int_equal(get(scene, "@", AN_TYPE_A, NULL, false).ttl, 300);
	scene->config->ttl_cap = 100;
	assert_int_equal(get(scene, "x.wild", AN_TYPE_A, NULL, false).ttl, 100);
	scene->config->ttl_floor = 7;
	script("one.cdn.test.", UPSTREAM_OK, 0, 0, "203.0.113.1");
	assert_int_equal(get(scene, "y.wild", AN_TYPE_A, NULL, false).ttl, 7);
}

static void a_pool_is_the_union_with_the_longest_scope(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 60, 16, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 30, 24, "203.0.113.2");
	found = get(*state, "pool", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.answer->count, 3);
	assert_memory_equal(found.answer->octets, "\xc0\0\2\x63\xcb\0\x71\1\xcb\0\x71\2", 12);
	assert_int_equal(found.ttl, 30);
	assert_int_equal(found.wire_scope, 24);
}

static void own_addresses_win_by_type_under_override(void **state)
{
	struct scene *scene = *state;
	struct store_found found;

	zones_at(scene->world.zones, 0)->siblings = SIBLINGS_OVERRIDE;
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.2");
	found = get(scene, "pool", AN_TYPE_A, NULL, false);
	assert_int_equal(found.answer->count, 1);
	assert_memory_equal(found.answer->octets, "\xc0\0\2\x63", 4);
	assert_int_equal(get(scene, "pool", AN_TYPE_AAAA, NULL, false).answer->count, 2);
}

static void a_member_that_fails_gives_its_last_good(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 1, 0, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 1, 0, "203.0.113.2");
	get(*state, "pool", AN_TYPE_A, "192.0.2.0/24", false);
	script("one.cdn.test.", UPSTREAM_SERVFAIL, 0, 0, NULL);
	run_ms(*state, 1100);
	found = get(*state, "pool", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.answer->count, 3);
}

static void a_target_of_our_own_needs_no_question(void **state)
{
	struct store_found found = get(*state, "local", AN_TYPE_A, "192.0.2.0/24", false);

	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.ttl, 20);
	assert_int_equal(found.wire_scope, 0);
	assert_memory_equal(found.answer->octets, "\xc0\0\2\7", 4);
	assert_ptr_equal(found.answer, found.owner->everyone);
	assert_int_equal(asked_count, 0);
}

static const uint8_t OUT[] = "\3out\7example\3com\0";

/* Upstream's chain ends at a name of ours. */
static struct script *led(const char *target, uint32_t ttl, uint8_t scope, const char *home)
{
	struct script *one = script(target, UPSTREAM_LED, ttl, scope, NULL);

	one->result.chain_count = 1;
	assert_true(name_from_text(home, APEX, sizeof(APEX), one->result.chain[0]) > 0);
	return one;
}

static void a_chain_that_comes_home_goes_on_in_our_zones(void **state)
{
	struct store_found found;

	led("home.cdn.test.", 50, 0, "static");
	found = get(*state, "out", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.ttl, 50);
	assert_memory_equal(found.answer->octets, "\xc0\0\2\7", 4);
	assert_true(asked_count <= 2); /* AAAA is fetched along */
	/* To an ANAME: its members, for the network that upstream's part of the chain holds for. */
	script("one.cdn.test.", UPSTREAM_OK, 60, 8, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.2");
	led("home.cdn.test.", 40, 20, "pool");
	flatten_flush(((struct scene *)*state)->flatten, OUT, sizeof(OUT) - 1, NULL);
	found = get(*state, "out", AN_TYPE_A, "198.51.100.0/24", false);
	assert_int_equal(found.answer->count, 3);
	assert_int_equal(found.ttl, 40);
	assert_int_equal(found.wire_scope, 20);
}

static void a_chain_that_comes_home_in_a_circle_is_a_loop(void **state)
{
	struct store_found found;

	led("home.cdn.test.", 50, 0, "round"); /* which is a CNAME to it */
	found = get(*state, "out", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FAILED);
	assert_string_equal(found.ede_text, "ANAME loop");
	assert_true(asked_count <= 2 * 17);
	led("home.cdn.test.", 50, 0, "out");
	flatten_flush(((struct scene *)*state)->flatten, OUT, sizeof(OUT) - 1, NULL);
	found = get(*state, "out", AN_TYPE_AAAA, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FAILED);
	assert_string_equal(found.ede_text, "ANAME loop");
}

static void names_of_our_own_are_told_apart(void **state)
{
	struct flatten *flatten = ((struct scene *)*state)->flatten;
	static const uint8_t other[] = "\3one\3cdn\4test";

	assert_ptr_equal(fake_own_arg, flatten);
	assert_true(fake_is_own(APEX, sizeof(APEX), AN_TYPE_A, flatten));
	assert_false(fake_is_own(other, sizeof(other), AN_TYPE_A, flatten));
}

static void an_aname_to_an_aname_yields_its_members(void **state)
{
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.2");
	assert_int_equal(get(*state, "nested", AN_TYPE_A, NULL, false).answer->count, 3);
}

static void a_loop_fails_and_says_so(void **state)
{
	struct store_found found = get(*state, "a", AN_TYPE_A, NULL, false);

	assert_int_equal(found.state, STORE_FAILED);
	assert_int_equal(found.ede, AN_EDE_OTHER);
	assert_string_equal(found.ede_text, "ANAME loop");
}

/* Two servers that lead to one another, on one machine: the one that hears its own question back
 * does not ask a second time. */
static void a_question_of_our_own_that_comes_back_asks_nobody(void **state)
{
	struct scene *scene = *state;
	struct waiting first, back, other;
	struct flatten_stats stats;

	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1")->delay_ms = 50;
	want_into(scene, &first, "@", AN_TYPE_A, NULL);
	while (asked_count < 2) /* A and AAAA */
		uv_run(&scene->loop, UV_RUN_ONCE);
	want_from(scene, &back, "one.cdn.test.", "127.0.0.1");
	while (!back.done)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_false(first.done);
	flatten_stats(scene->flatten, &stats);
	assert_int_equal(stats.loops, 1);
	assert_int_equal(asked_count, 2);
	want_from(scene, &other, "@", "127.0.0.1"); /* not what we ask for: it may wait */
	while (!other.done)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_true(first.done);
	assert_int_equal(look(scene, "@", AN_TYPE_A, NULL).state, STORE_FRESH);
}

static void a_pool_has_no_more_than_64_addresses(void **state)
{
	struct script *one = script("one.cdn.test.", UPSTREAM_OK, 60, 0, NULL);
	struct script *two = script("two.cdn.test.", UPSTREAM_OK, 60, 0, NULL);
	struct store_found found;

	one->result.count = two->result.count = 40;
	for (unsigned int i = 0; i < 40; i++) {
		memcpy(one->result.octets + i * 4, (uint8_t[4]){203, 0, 113, (uint8_t)i}, 4);
		memcpy(two->result.octets + i * 4, (uint8_t[4]){203, 0, 114, (uint8_t)i}, 4);
	}
	found = get(*state, "pool", AN_TYPE_A, NULL, false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.answer->count, 64);
}

static void nothing_upstream_is_nodata_for_the_zones_time(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_NODATA, 3600, 0, NULL);
	found = get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_true(found.answer->negative);
	assert_int_equal(found.ttl, 60);
}

static void a_failure_without_last_good_is_a_failure(void **state)
{
	script("one.cdn.test.", UPSTREAM_NETWORK, 0, 0, NULL);
	assert_int_equal(get(*state, "@", AN_TYPE_A, NULL, false).state, STORE_FAILED);
	assert_int_equal(look(*state, "@", AN_TYPE_A, NULL).ede, AN_EDE_NETWORK_ERROR);
}

static void a_failure_leaves_the_last_good_and_is_rechecked(void **state)
{
	struct scene *scene = *state;
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 1, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	script("one.cdn.test.", UPSTREAM_TIMEOUT, 0, 0, NULL);
	run_ms(scene, 1100);
	found = get(scene, "@", AN_TYPE_A, "192.0.2.0/24", true);
	assert_int_equal(found.state, STORE_STALE);
	assert_true(found.owner->failing);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "198.51.100.0/24").state, STORE_STALE);
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.9");
	run_ms(scene, 800);
	found = look(scene, "@", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(found.state, STORE_FRESH);
	assert_false(found.owner->failing);
	assert_memory_equal(found.answer->octets, "\xcb\0\x71\x09", 4);
}

static void a_slow_upstream_lets_the_last_good_out_in_time(void **state)
{
	struct scene *scene = *state;
	struct waiting waiting;
	uint64_t start;

	script("one.cdn.test.", UPSTREAM_OK, 1, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	run_ms(scene, 1100);
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.2")->delay_ms = 400;
	start = clock_ms();
	want_into(scene, &waiting, "@", AN_TYPE_A, "192.0.2.0/24");
	while (!waiting.done)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_in_range(waiting.done_ms - start, 29, 300);
	run_ms(scene, 500);
	assert_memory_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").answer->octets,
	                    "\xcb\0\x71\2", 4);
}

static void a_hot_answer_is_fetched_before_its_time_is_over(void **state)
{
	struct scene *scene = *state;
	uint64_t until;

	script("one.cdn.test.", UPSTREAM_OK, 2, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	for (until = clock_ms() + 4000; clock_ms() < until;) {
		run_ms(scene, 50);
		assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_FRESH);
	}
	assert_true(scene->flatten->stats.refreshed >= 2);
}

static void an_answer_that_nobody_wants_is_left_to_expire(void **state)
{
	struct scene *scene = *state;

	script("one.cdn.test.", UPSTREAM_OK, 1, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	run_ms(scene, 1200);
	assert_int_equal(scene->flatten->stats.refreshed, 0);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_EXPIRED);
}

static void freshness_bounds_the_age_of_a_hot_answer(void **state)
{
	struct scene *scene = *state;
	uint64_t until;

	scene->config->freshness_ms = 300;
	script("one.cdn.test.", UPSTREAM_OK, 300, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	for (until = clock_ms() + 1500; clock_ms() < until;) {
		struct store_found found;

		run_ms(scene, 20);
		found = look(scene, "@", AN_TYPE_A, "192.0.2.0/24");
		assert_int_equal(found.state, STORE_FRESH);
		assert_in_range(clock_ms() - found.answer->fetched_ms, 0, 800);
	}
	assert_true(scene->flatten->stats.refreshed >= 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        CASE(an_owner_takes_what_its_target_gives),
	        CASE(both_families_are_fetched_on_a_miss),
	        CASE(misses_at_once_share_one_question),
	        CASE(ttl_is_the_least_and_kept_in_bounds),
	        CASE(a_pool_is_the_union_with_the_longest_scope),
	        CASE(own_addresses_win_by_type_under_override),
	        CASE(a_member_that_fails_gives_its_last_good),
	        CASE(a_target_of_our_own_needs_no_question),
	        CASE(a_chain_that_comes_home_goes_on_in_our_zones),
	        CASE(a_chain_that_comes_home_in_a_circle_is_a_loop),
	        CASE(names_of_our_own_are_told_apart),
	        CASE(an_aname_to_an_aname_yields_its_members),
	        CASE(a_loop_fails_and_says_so),
	        CASE(a_question_of_our_own_that_comes_back_asks_nobody),
	        CASE(a_pool_has_no_more_than_64_addresses),
	        CASE(nothing_upstream_is_nodata_for_the_zones_time),
	        CASE(a_failure_without_last_good_is_a_failure),
	        CASE(a_failure_leaves_the_last_good_and_is_rechecked),
	        CASE(a_slow_upstream_lets_the_last_good_out_in_time),
	        CASE(a_hot_answer_is_fetched_before_its_time_is_over),
	        CASE(an_answer_that_nobody_wants_is_left_to_expire),
	        CASE(freshness_bounds_the_age_of_a_hot_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
