/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flatten loop with an upstream that does what the test says. No kernel, no
 * disk unless a case opens one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/control.h"
#include "unit/answer/upstream.h"
#include "unit/folder.h"

/* ---- the upstream ---- */

static struct script {
	char target[64];
	struct upstream_result result; /* octets: IPv4; for AAAA the same, mapped */
	unsigned int delay_ms;
} scripts[16];
static size_t script_count;

static struct script *script(const char *target, enum upstream_status status, uint32_t ttl,
                             uint8_t scope, const char *address)
{
	struct script *one = NULL;

	for (size_t i = 0; i < script_count; i++)
		if (!strcmp(scripts[i].target, target))
			one = &scripts[i];
	if (!one)
		one = &scripts[script_count++];
	memset(one, 0, sizeof(*one));
	snprintf(one->target, sizeof(one->target), "%s", target);
	one->result.status = status;
	one->result.ttl = ttl;
	one->result.scope = scope;
	if (address) {
		struct network network;

		assert_int_equal(network_parse(address, &network), 0);
		memcpy(one->result.octets, network.address, 4);
		one->result.count = 1;
	}
	return one;
}

static const struct script *script_of(const char *target)
{
	for (size_t i = 0; i < script_count; i++)
		if (!strcmp(scripts[i].target, target))
			return &scripts[i];
	return NULL;
}

static unsigned int delay_ms(const char *target)
{
	const struct script *one = script_of(target);

	return one ? one->delay_ms : 0;
}

static void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret)
{
	const struct script *one = script_of(ask->target);
	uint8_t v4[4];

	*ret = one ? one->result : (struct upstream_result){.status = UPSTREAM_TIMEOUT};
	ret->asked = ask->client;
	if (ask->type == AN_TYPE_AAAA && ret->count) {
		memcpy(v4, ret->octets, 4);
		memset(ret->octets, 0, 16);
		memcpy(ret->octets, "\x20\x01\x0d\xb8", 4);
		memcpy(ret->octets + 12, v4, 4);
	}
}

/* ---- the scene ---- */

struct scene {
	uv_loop_t loop;
	struct config *config;
	struct store *store;
	struct flatten *flatten;
	struct world world;
	struct keep *keep;
	char dir[64];
};

static const uint8_t APEX[] = "\007example\003com";

static void add(struct zone_builder *builder, const char *owner, uint16_t type, uint32_t ttl,
                const void *rdata, size_t len)
{
	uint8_t name[NAME_MAX_LEN];
	struct error error = {0};
	int name_len = name_from_text(owner, APEX, sizeof(APEX), name);

	assert_true(name_len > 0);
	if (zone_add(builder, name, (size_t)name_len, type, ttl, rdata, (uint16_t)len, "test", 1,
	             &error))
		fail_msg("%s: %s", owner, error.text);
}

static void add_name(struct zone_builder *builder, const char *owner, uint16_t type, uint32_t ttl,
                     const char *target)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(target, APEX, sizeof(APEX), name);

	assert_true(len > 0);
	add(builder, owner, type, ttl, name, (size_t)len);
}

static struct zone *example_zone(const char *target, uint8_t siblings)
{
	static const uint8_t soa[] = "\002ns\007example\003com\0\001h\007example\003com\0"
	                             "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x3c";
	struct zone_builder *builder = zone_begin(APEX, sizeof(APEX), NULL);
	struct zone *zone;
	struct error error = {0};

	add(builder, "@", AN_TYPE_SOA, 300, soa, sizeof(soa) - 1);
	add_name(builder, "@", AN_TYPE_NS, 300, "ns");
	add(builder, "ns", AN_TYPE_A, 300, "\xc0\0\2\x35", 4);
	add_name(builder, "@", AN_TYPE_ANAME, 300, target);
	add_name(builder, "pool", AN_TYPE_ANAME, 300, "one.cdn.test.");
	add_name(builder, "pool", AN_TYPE_ANAME, 300, "two.cdn.test.");
	add(builder, "pool", AN_TYPE_A, 300, "\xc0\0\2\x63", 4);
	add_name(builder, "local", AN_TYPE_ANAME, 300, "alias");
	add_name(builder, "alias", AN_TYPE_CNAME, 20, "static");
	add(builder, "static", AN_TYPE_A, 100, "\xc0\0\2\x07", 4);
	add_name(builder, "nested", AN_TYPE_ANAME, 300, "pool");
	add_name(builder, "a", AN_TYPE_ANAME, 300, "b");
	add_name(builder, "b", AN_TYPE_ANAME, 300, "a");
	add_name(builder, "*.wild", AN_TYPE_ANAME, 300, "one.cdn.test.");
	add_name(builder, "out", AN_TYPE_ANAME, 300, "home.cdn.test.");
	add_name(builder, "round", AN_TYPE_CNAME, 300, "home.cdn.test.");
	if (zone_end(builder, &zone, &error))
		fail_msg("%s", error.text);
	zone->siblings = siblings;
	zone->id = 0;
	zone->generation = 1;
	return zone;
}

static struct zones *zones_of(struct zone *zone)
{
	return zones_new(&zone, 1);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	rcu_register_thread();
	script_count = asked_count = 0;
	limits[0] = 24;
	limits[1] = 56;
	upstream_delay_ms = delay_ms;
	uv_loop_init(&scene->loop);
	scene->config = config_default();
	scene->config->ttl_floor = 1;
	scene->config->client_timer_ms = 30;
	scene->config->recheck_ms = 200;
	scene->config->failure_ttl_ms = 5000;
	scene->config->stale_max_ms = 100000;
	scene->store = store_new(1000, 100);
	scene->flatten = flatten_new(&scene->loop, scene->store);
	scene->world =
	        (struct world){.config = scene->config,
	                       .zones = zones_of(example_zone("one.cdn.test.", SIBLINGS_MERGE)),
	                       .store = scene->store,
	                       .seed = 1};
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	flatten_free(scene->flatten);
	if (scene->keep)
		keep_close(scene->keep);
	if (scene->dir[0]) {
		char path[128];

		snprintf(path, sizeof(path), "rm -rf %s", scene->dir);
		if (system(path))
			return -1;
	}
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	store_free(scene->store);
	zones_free(scene->world.zones);
	config_free(scene->config);
	free(scene);
	rcu_unregister_thread();
	return 0;
}

struct waiting {
	struct flatten_wait wait;
	bool done;
	uint64_t done_ms;
};

static void wait_done(struct flatten_wait *wait)
{
	struct waiting *waiting = (struct waiting *)wait;

	waiting->done = true;
	waiting->done_ms = clock_ms();
}

static void want_from(struct scene *scene, struct waiting *waiting, const char *owner,
                      const char *source)
{
	memset(waiting, 0, sizeof(*waiting));
	waiting->wait.done = wait_done;
	waiting->wait.want.type = AN_TYPE_A;
	waiting->wait.want.owner_len =
	        (uint8_t)name_from_text(owner, APEX, sizeof(APEX), waiting->wait.want.owner);
	assert_int_equal(endpoint_parse(source, 4711, &waiting->wait.want.source), 0);
	flatten_want(scene->flatten, &waiting->wait);
}

static void want_into(struct scene *scene, struct waiting *waiting, const char *owner,
                      uint16_t type, const char *client)
{
	memset(waiting, 0, sizeof(*waiting));
	waiting->wait.done = wait_done;
	waiting->wait.want.type = type;
	waiting->wait.want.owner_len =
	        (uint8_t)name_from_text(owner, APEX, sizeof(APEX), waiting->wait.want.owner);
	if (client)
		assert_int_equal(network_parse(client, &waiting->wait.want.client), 0);
	flatten_want(scene->flatten, &waiting->wait);
}

static void run_ms(struct scene *scene, unsigned int ms)
{
	uint64_t until = clock_ms() + ms;

	do
		uv_run(&scene->loop, UV_RUN_ONCE);
	while (clock_ms() < until);
}

/* Wants, runs until that is done, and finds as a worker would. */
static struct store_found get(struct scene *scene, const char *owner, uint16_t type,
                              const char *client, bool last_try)
{
	struct waiting waiting;
	struct store_found found;

	want_into(scene, &waiting, owner, type, client);
	while (!waiting.done)
		uv_run(&scene->loop, UV_RUN_ONCE);
	found = store_find(scene->store, waiting.wait.want.owner, waiting.wait.want.owner_len, type,
	                   &waiting.wait.want.client, 0, last_try, clock_ms());
	return found;
}

static struct store_found look(struct scene *scene, const char *owner, uint16_t type,
                               const char *client)
{
	uint8_t name[NAME_MAX_LEN];
	struct network network = {0};
	int len = name_from_text(owner, APEX, sizeof(APEX), name);

	if (client)
		assert_int_equal(network_parse(client, &network), 0);
	return store_find(scene->store, name, (size_t)len, type, &network, 0, false, clock_ms());
}

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
	        CASE(last_good_answers_come_back_from_disk),
	        CASE(what_is_kept_by_region_can_be_forgotten_alone),
	        CASE(memory_is_bounded_and_eviction_takes_what_would_stand_in),
	        CASE(a_failure_is_forgotten_when_its_time_is_over),
	        CASE(names_that_failed_give_way_to_those_that_do_not),
	        CASE(targets_that_nobody_asks_for_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
