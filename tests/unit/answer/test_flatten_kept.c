/* SPDX-License-Identifier: BSD-2-Clause */
/* What answers are kept for, and what makes them go: networks, flushes, reloads, full memory. */
#include "unit/answer/flatten_scene.h"
#include "unit/kernel/fake_maps.h"

static void scope_zero_of_a_tailored_target_stays_with_its_network(void **state)
{
	struct scene *scene = *state;
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.2");
	found = get(scene, "@", AN_TYPE_A, "198.51.100.0/24", false);
	assert_int_equal(found.wire_scope, 24);
	assert_null(found.owner->everyone);
	scene->config->trust_scope_zero = true;
	found = get(scene, "@", AN_TYPE_A, "203.0.113.0/24", false);
	assert_ptr_equal(found.answer, found.owner->everyone);
}

static void scope_zero_speaks_of_its_family_alone(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1")->result.ecs_echoed = true;
	found = get(*state, "@", AN_TYPE_A, "2001:db8:1::/48", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.wire_scope, 0);
	assert_ptr_equal(look(*state, "@", AN_TYPE_A, "2001:db8:2::/56").answer, found.answer);
	assert_int_equal(look(*state, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_ABSENT);
	assert_int_equal(look(*state, "@", AN_TYPE_A, NULL).state, STORE_ABSENT);
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.2")->result.ecs_echoed = true;
	assert_int_equal(get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false).wire_scope, 24);
	assert_null(found.owner->everyone);
}

static void scope_zero_to_both_families_is_for_everyone(void **state)
{
	struct store_found found;

	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1")->result.ecs_echoed = true;
	get(*state, "@", AN_TYPE_A, "2001:db8:1::/48", false);
	found = get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false);
	assert_ptr_equal(found.answer, found.owner->everyone);
	assert_ptr_equal(look(*state, "@", AN_TYPE_A, "10.0.0.0/24").answer, found.answer);
}

static void without_ecs_one_answer_is_for_everyone(void **state)
{
	struct store_found found;

	limits[0] = limits[1] = 0;
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	found = get(*state, "@", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.wire_scope, 0);
	assert_ptr_equal(look(*state, "@", AN_TYPE_A, "2001:db8::/56").answer, found.answer);
	assert_ptr_equal(look(*state, "@", AN_TYPE_A, NULL).answer, found.answer);
	assert_int_equal(last_asked.family, 0);
}

static void a_family_that_is_not_sent_does_not_stand_in_for_the_other(void **state)
{
	limits[1] = 0;
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	assert_int_equal(get(*state, "@", AN_TYPE_A, "2001:db8:1:2::/64", false).state,
	                 STORE_FRESH);
	assert_int_equal(look(*state, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_ABSENT);
	assert_int_equal(look(*state, "@", AN_TYPE_A, "2001:db8:1:300::/56").state, STORE_ABSENT);
}

static void a_denied_target_is_not_asked(void **state)
{
	struct scene *scene = *state;
	struct config_name denied = {.name = "\003cdn\004test", .len = 10};

	scene->config->targets_deny = &denied;
	scene->config->targets_deny_count = 1;
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	assert_int_equal(get(scene, "@", AN_TYPE_A, NULL, false).state, STORE_FAILED);
	assert_int_equal(asked_count, 0);
	assert_int_equal(scene->flatten->stats.denied, 2);
	scene->config->targets_deny = NULL;
	scene->config->targets_deny_count = 0;
}

static void private_addresses_are_refused_where_they_are_not_wanted(void **state)
{
	struct scene *scene = *state;

	scene->config->accept_private = false;
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "10.0.0.1");
	assert_int_equal(get(scene, "@", AN_TYPE_A, NULL, false).state, STORE_FAILED);
	scene->config->accept_private = true;
	assert_int_equal(get(scene, "x.wild", AN_TYPE_A, NULL, false).state, STORE_FRESH);
}

static void a_denial_is_held_off_for_its_bounded_time(void **state)
{
	struct scene *scene = *state;

	scene->config->hold_on_negative_ms = 1800;
	script("one.cdn.test.", UPSTREAM_OK, 1, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	script("one.cdn.test.", UPSTREAM_NODATA, 60, 24, NULL);
	run_ms(scene, 1100);
	assert_int_equal(get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false).answer->count, 1);
	assert_int_equal(flatten_flush(scene->flatten, (const uint8_t *)"\001z\000", 3, NULL), 0);
}

static void a_flush_forgets(void **state)
{
	struct scene *scene = *state;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	get(scene, "@", AN_TYPE_A, "198.51.100.0/24", false);
	run_ms(scene, 20);
	struct network network;

	network_parse("192.0.2.0/24", &network);
	assert_int_equal(flatten_flush(scene->flatten, APEX, sizeof(APEX), &network), 2);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_ABSENT);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "198.51.100.0/24").state, STORE_FRESH);
	assert_int_equal(flatten_flush(scene->flatten, APEX, sizeof(APEX), NULL), 2);
	assert_int_equal(store_count(scene->store), 0);
}

/* Upstream has come to tell clients apart: of two answers one is around the other, and goes with
 * it. */
static void a_flush_forgets_each_answer_once(void **state)
{
	struct scene *scene = *state;
	struct network network;

	network_parse("192.0.2.0/24", &network);
	script("one.cdn.test.", UPSTREAM_OK, 1, 16, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	run_ms(scene, 1100);
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.2");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	run_ms(scene, 20);
	assert_int_equal(store_count(scene->store), 4);
	assert_int_equal(flatten_flush(scene->flatten, APEX, sizeof(APEX), &network), 4);
	assert_int_equal(store_count(scene->store), 0);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_ABSENT);
	assert_int_equal(get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false).state, STORE_FRESH);
}

static void a_reload_that_moves_the_target_makes_answers_old(void **state)
{
	struct scene *scene = *state;
	struct zones *old = scene->world.zones;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.2");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	get(scene, "pool", AN_TYPE_A, "192.0.2.0/24", false);
	scene->world.zones = zones_of(example_zone("two.cdn.test.", SIBLINGS_MERGE));
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	zones_free(old);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_EXPIRED);
	assert_int_equal(look(scene, "pool", AN_TYPE_A, "192.0.2.0/24").state, STORE_FRESH);
	assert_memory_equal(get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false).answer->octets,
	                    "\xcb\0\x71\2", 4);
}

/* What was given to the longer networks before would hide it until stale-max. */
static void a_wider_answer_ends_what_was_held_of_longer_networks(void **state)
{
	static const char *const targets[] = {"local", "two.cdn.test."};
	static const char *const clients[] = {"192.0.2.0/24", "192.0.0.0/20", NULL};
	struct scene *scene = *state;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	script("two.cdn.test.", UPSTREAM_OK, 60, 8, "192.0.2.7");
	for (size_t t = 0; t < 2; t++) {
		struct zones *old = scene->world.zones;

		for (size_t i = 0; i < 3; i++)
			get(scene, "@", AN_TYPE_A, clients[i], false);
		scene->world.zones = zones_of(example_zone(targets[t], SIBLINGS_MERGE));
		flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL,
		              NULL);
		zones_free(old);
		for (size_t i = 0; i < 3; i++) {
			struct store_found found = get(scene, "@", AN_TYPE_A, clients[i], true);

			assert_int_equal(found.state, STORE_FRESH);
			assert_memory_equal(found.answer->octets, "\xc0\0\2\7", 4);
		}
		flatten_flush(scene->flatten, APEX, sizeof(APEX), NULL);
		old = scene->world.zones;
		scene->world.zones = zones_of(example_zone("one.cdn.test.", SIBLINGS_MERGE));
		flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL,
		              NULL);
		zones_free(old);
	}
}

/* Of a network that nobody asked for the wider answer says less than its own last one. */
static void a_wider_answer_leaves_other_longer_networks_their_last_good(void **state)
{
	struct scene *scene = *state;

	script("one.cdn.test.", UPSTREAM_OK, 1, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	get(scene, "@", AN_TYPE_A, "192.0.3.0/24", false);
	run_ms(scene, 1050);
	script("one.cdn.test.", UPSTREAM_OK, 60, 16, "203.0.113.2");
	assert_memory_equal(get(scene, "@", AN_TYPE_A, "192.0.2.0/24", true).answer->octets,
	                    "\xcb\0\x71\2", 4);
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.3.0/24").state, STORE_EXPIRED);
	assert_memory_equal(get(scene, "@", AN_TYPE_A, "192.0.3.0/24", true).answer->octets,
	                    "\xcb\0\x71\2", 4);
}

static void last_good_answers_come_back_from_disk(void **state)
{
	struct scene *scene = *state;
	struct error error = {0};
	struct store_found found;

	assert_non_null(mkdtemp(folder_template(scene->dir, sizeof(scene->dir), "flatten")));
	if (keep_open(&scene->loop, scene->dir, &scene->keep, &error))
		fail_msg("%s", error.text);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL,
	              scene->keep);
	script("one.cdn.test.", UPSTREAM_OK, 60, 20, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	assert_int_equal(keep_flush(scene->keep), 0);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	flatten_flush(scene->flatten, APEX, sizeof(APEX), NULL); /* memory only: no disk is set */
	assert_int_equal(look(scene, "@", AN_TYPE_A, "192.0.2.0/24").state, STORE_ABSENT);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL,
	              scene->keep);
	flatten_restore(scene->flatten);
	found = look(scene, "@", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(found.state, STORE_FRESH);
	assert_int_equal(found.wire_scope, 20);
	assert_int_equal(found.answer->key.len, 20);
	assert_memory_equal(found.answer->octets, "\xcb\0\x71\1", 4);
}

static int note_mark(const void *key, size_t key_len, const void *value, size_t value_len,
                     void *arg)
{
	(void)value;
	(void)value_len;
	assert_true(key_len >= 2);
	strncat(arg, key, 1);
	return 0;
}

static void what_is_kept_by_region_can_be_forgotten_alone(void **state)
{
	static const struct {
		const char *key;
		size_t len;
	} records[] = {
	        {"A\1\0\1\1\0\0\0\0\0\0\0\0\0\0\1a", 17},
	        {"B\1\0\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\7\1a", 21},
	        {"C\2pool\0\0\0\0\0\1", 12}, /* of a pool without a policy */
	        {"C\2pool\0\0\0\7\0\1", 12},
	        {"D\1else", 6},
	};
	struct scene *scene = *state;
	struct error error = {0};
	char marks[16] = "";

	assert_non_null(mkdtemp(folder_template(scene->dir, sizeof(scene->dir), "flatten")));
	assert_int_equal(keep_open(&scene->loop, scene->dir, &scene->keep, &error), 0);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		keep_put(scene->keep, records[i].key, records[i].len, "v", 1);
	restore_forget_regions(scene->keep);
	assert_int_equal(keep_each(scene->keep, note_mark, marks), 0);
	assert_string_equal(marks, "ACD");
}

/* Two records of two networks for each of so many owners of one type. */
static void keep_records(struct keep *keep, unsigned int owners)
{
	for (unsigned int i = 0; i < 2 * owners; i++) {
		uint8_t key[15 + NAME_MAX_LEN] = {
		        'A', 1, 0, AN_TYPE_A, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 8};
		char name[16];

		key[7] = (uint8_t)(10 + i % 2);
		snprintf(name, sizeof(name), "n%u.", i / 2);
		keep_put(keep, key, 15u + (size_t)name_from_text(name, NULL, 0, key + 15), "v", 1);
	}
}

static void the_kernel_has_homes_for_all_whose_answers_come_back(void **state)
{
	static const struct fake_sizes sizes = {
	        .owners = 64, .audiences = 64, .slots = 20000, .slots_large = 4, .zones = 2};
	struct scene *scene = *state;
	struct kernel_maps *maps = fake_maps_new(&sizes);
	struct publish *publish;
	struct error error = {0};

	assert_non_null(mkdtemp(folder_template(scene->dir, sizeof(scene->dir), "flatten")));
	assert_int_equal(keep_open(&scene->loop, scene->dir, &scene->keep, &error), 0);
	keep_records(scene->keep, 3000);
	assert_int_equal(keep_flush(scene->keep), 0);
	assert_int_equal(publish_new(maps, scene->config, &publish, &error), 0);
	assert_int_equal(maps->control->homes, 1024);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, publish,
	              scene->keep);
	flatten_restore(scene->flatten);
	assert_int_equal(maps->control->homes, 4096); /* 6 000 records would make 8 192 */
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	publish_free(publish);
	fake_maps_free(maps);
}

static void memory_is_bounded_and_eviction_takes_what_would_stand_in(void **state)
{
	struct scene *scene = *state;
	struct store_found found;
	char client[32];

	script("one.cdn.test.", UPSTREAM_OK, 60, 16, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.2");
	scene->config->networks_per_name_max = 100;
	for (int i = 0; i < 130; i++) {
		snprintf(client, sizeof(client), "192.%d.%d.0/24", i % 2, i);
		get(scene, "@", AN_TYPE_A, client, false);
	}
	found = look(scene, "@", AN_TYPE_A, "192.0.129.0/24");
	assert_non_null(found.owner);
	assert_in_range(found.owner->answer_count, 50, 100);
}

static void a_failure_is_forgotten_when_its_time_is_over(void **state)
{
	struct scene *scene = *state;

	scene->config->failure_ttl_ms = 150;
	assert_int_equal(get(scene, "x.wild", AN_TYPE_A, NULL, false).state, STORE_FAILED);
	assert_int_equal(store_owner_count(scene->store), 2);
	run_ms(scene, 400);
	assert_int_equal(store_owner_count(scene->store), 0);
	scene->config->failure_ttl_ms = 5000;
}

/* An outage, and somebody who asks for random names below a wildcard. */
static void names_that_failed_give_way_to_those_that_do_not(void **state)
{
	struct scene *scene = *state;
	char name[32];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "x%d.wild", i);
		get(scene, name, AN_TYPE_A, NULL, false);
	}
	assert_int_equal(store_owner_count(scene->store), 1000);
	script("one.cdn.test.", UPSTREAM_OK, 60, 0, "203.0.113.1");
	assert_int_equal(get(scene, "good.wild", AN_TYPE_A, NULL, false).state, STORE_FRESH);
	assert_int_equal(look(scene, "x599.wild", AN_TYPE_A, NULL).state, STORE_FAILED);
	assert_int_equal(look(scene, "x0.wild", AN_TYPE_A, NULL).state, STORE_ABSENT);
}

static void targets_that_nobody_asks_for_are_forgotten(void **state)
{
	struct scene *scene = *state;
	uint64_t day = 86400000;

	script("one.cdn.test.", UPSTREAM_OK, 60, 24, "203.0.113.1");
	get(scene, "@", AN_TYPE_A, "192.0.2.0/24", false);
	lookups_forget(scene->flatten, clock_ms() + day - 10000);
	assert_int_equal(HASH_COUNT(scene->flatten->targets), 1);
	assert_int_equal(HASH_COUNT(scene->flatten->budgets), 1);
	lookups_forget(scene->flatten, clock_ms() + day + 1);
	assert_int_equal(HASH_COUNT(scene->flatten->targets), 0);
	assert_int_equal(HASH_COUNT(scene->flatten->budgets), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        CASE(scope_zero_of_a_tailored_target_stays_with_its_network),
	        CASE(scope_zero_speaks_of_its_family_alone),
	        CASE(scope_zero_to_both_families_is_for_everyone),
	        CASE(without_ecs_one_answer_is_for_everyone),
	        CASE(a_family_that_is_not_sent_does_not_stand_in_for_the_other),
	        CASE(a_denied_target_is_not_asked),
	        CASE(private_addresses_are_refused_where_they_are_not_wanted),
	        CASE(a_denial_is_held_off_for_its_bounded_time),
	        CASE(a_flush_forgets),
	        CASE(a_flush_forgets_each_answer_once),
	        CASE(a_reload_that_moves_the_target_makes_answers_old),
	        CASE(a_wider_answer_ends_what_was_held_of_longer_networks),
	        CASE(a_wider_answer_leaves_other_longer_networks_their_last_good),
	        CASE(last_good_answers_come_back_from_disk),
	        CASE(the_kernel_has_homes_for_all_whose_answers_come_back),
	        CASE(what_is_kept_by_region_can_be_forgotten_alone),
	        CASE(memory_is_bounded_and_eviction_takes_what_would_stand_in),
	        CASE(a_failure_is_forgotten_when_its_time_is_over),
	        CASE(names_that_failed_give_way_to_those_that_do_not),
	        CASE(targets_that_nobody_asks_for_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
