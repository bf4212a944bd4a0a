/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocations that fail: the first, then the second, and so on, until the work
 * is done without meeting one. Each time it either says that it failed or does
 * without, and gives back all that it took. The linker's --wrap puts the
 * functions below in the place of the library's own calls.
 */
#include "unit/answer/scene.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "unit/answer/upstream.h"

/* ---- the allocator ---- */

#define LIVE_MAX 65536 /* a power of 2 */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const void *live[LIVE_MAX]; /* what is out; the address of `gone` where it came back */
static const char gone;
static size_t live_count;
static bool armed;
static unsigned long taken, fail_at; /* since arm() */

static size_t place(const void *block)
{
	uintptr_t hash = (uintptr_t)block >> 4;

	return (hash ^ hash >> 16) & (LIVE_MAX - 1);
}

static void *note(void *block)
{
	size_t at = place(block);

	if (!block)
		return NULL;
	pthread_mutex_lock(&lock);
	while (live[at] && live[at] != &gone)
		at = (at + 1) & (LIVE_MAX - 1);
	live[at] = block;
	live_count++;
	pthread_mutex_unlock(&lock);
	assert_true(live_count < LIVE_MAX / 2);
	return block;
}

/* What others allocated is not ours to count. */
static void forget(const void *block)
{
	size_t at = place(block);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; block && i < LIVE_MAX && live[at]; i++, at = (at + 1) & (LIVE_MAX - 1)) {
		if (live[at] == block) {
			live[at] = &gone;
			live_count--;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}

static bool fails(void)
{
	return armed && ++taken == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : note(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : note(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	void *block;

	if (fails())
		return NULL;
	forget(old);
	block = __real_realloc(old, size);
	return note(block);
}

void __wrap_free(void *block)
{
	forget(block);
	__real_free(block);
}

/* The n-th allocation from now on fails; 0: none does. */
static void arm(unsigned long n)
{
	taken = 0;
	fail_at = n;
	armed = true;
}

/* True if the failure was met. */
static bool disarm(void)
{
	armed = false;
	return fail_at && taken >= fail_at;
}

/* Runs `work` with each of its allocations failing once, and at last with none. */
static void each_allocation_fails(void (*work)(bool *ret_failed))
{
	unsigned long n = 1;
	bool met = true;

	for (; met; n++) {
		size_t before = live_count;
		bool failed = false;

		arm(n);
		work(&failed);
		met = disarm();
		rcu_barrier();
		if (live_count != before)
			fail_msg("allocation %lu failed: %zu blocks did not come back", n,
			         live_count - before);
		assert_false(failed && !met);
	}
	print_message("%lu allocations\n", n - 2);
	assert_true(n > 4);
}

/* ---- zones ---- */

static const uint8_t APEX[] = "\007example\003com";

static void load_zone(bool *ret_failed)
{
	struct error error = {0};
	struct zone *zone = NULL;
	int result = zone_load_file(APEX, sizeof(APEX), "zones/example.com.zone", AN_TYPE_ANAME,
	                            NULL, &zone, &error);

	*ret_failed = result != 0;
	if (result) {
		assert_null(zone);
		assert_non_null(strstr(error.text, "out of memory"));
		assert_string_not_equal(error.file, "");
	} else {
		assert_int_equal(zone->record_count, 50);
	}
	zone_free(zone);
}

static void a_zone_is_loaded_or_not(void **state)
{
	(void)state;
	each_allocation_fails(load_zone);
}

static void load_large_zone(bool *ret_failed)
{
	struct zone_builder *builder = zone_begin(APEX, sizeof(APEX), NULL);
	static const uint8_t soa[] = "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";
	static const uint8_t ns[] = "\2ns\7example\3net";
	struct zone *zone = NULL, *held[1];
	struct zones *zones = NULL;
	struct error error = {0};
	uint8_t name[NAME_MAX_LEN];
	int result = builder ? 0 : -ENOMEM;

	if (!result)
		result = zone_add(builder, APEX, sizeof(APEX), AN_TYPE_SOA, 5, soa, 22, "f", 1,
		                  &error);
	if (!result)
		result = zone_add(builder, APEX, sizeof(APEX), AN_TYPE_NS, 5, ns, sizeof(ns), "f",
		                  2, &error);
	for (unsigned int i = 0; i < 3000 && !result; i++) {
		char text[32];
		int len;

		snprintf(text, sizeof(text), "h%u.b%u", i, i % 7);
		len = name_from_text(text, APEX, sizeof(APEX), name);
		result = zone_add(builder, name, (size_t)len, AN_TYPE_TXT, 5,
		                  (const uint8_t *)"\4text", 5, "f", i, &error);
	}
	if (result)
		zone_abandon(builder);
	else
		result = zone_end(builder, &zone, &error);
	if (!result) {
		held[0] = zone;
		zones = zones_new(held, 1); /* takes the zone, come what may */
	}
	assert_true(!result || result == -ENOMEM);
	*ret_failed = !zones;
	zones_free(zones);
}

static void a_large_zone_is_built_or_not(void **state)
{
	(void)state;
	each_allocation_fails(load_large_zone);
}

/* ---- the store ---- */

static bool fill_owner(struct store *store, const uint8_t *name, size_t len)
{
	struct store_owner *owner = store_owner_get(store, name, len, AN_TYPE_A, 1000);
	struct answer model = {.ttl = 20,
	                       .count = 1,
	                       .fetched_ms = 1000,
	                       .fresh_until_ms = 21000,
	                       .stale_until_ms = 100000,
	                       .slot = AN_SLOT_NONE};
	bool good = owner != NULL;

	for (unsigned int i = 0; owner && i < 20; i++) {
		struct network network = {.family = AN_FAMILY_IPV4, .len = 24};
		struct answer *old;
		struct store_found found;

		network.address[0] = 203;
		network.address[2] = (uint8_t)(i % 16); /* some are replaced */
		model.key = audience_key(&network, 24, 24, true);
		model.key.uid = owner->uid;
		model.key.type = AN_TYPE_A;
		if (!store_put(store, owner, &model, network.address, &old, 1000)) {
			good = false;
			continue;
		}
		found = store_find(store, name, len, AN_TYPE_A, &network, 0, false, 2000);
		assert_int_equal(found.state, STORE_FRESH);
		assert_memory_equal(found.answer->octets, network.address, 4);
	}
	return good;
}

static void fill_store(bool *ret_failed)
{
	struct store *store = store_new(1000, 100);
	bool good = store != NULL;

	rcu_read_lock();
	for (unsigned int i = 0; store && i < 8; i++) {
		uint8_t name[NAME_MAX_LEN];
		char text[16];
		int len;

		snprintf(text, sizeof(text), "o%u", i);
		len = name_from_text(text, APEX, sizeof(APEX), name);
		good &= fill_owner(store, name, (size_t)len);
	}
	rcu_read_unlock();
	if (store)
		store_free(store);
	*ret_failed = !good;
}

static void the_store_takes_an_answer_or_not(void **state)
{
	(void)state;
	each_allocation_fails(fill_store);
}

/* ---- queries: upstream.h gives one address, at once ---- */

static void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret)
{
	ret->status = UPSTREAM_NODATA;
	ret->ttl = 60;
	ret->ecs_echoed = true;
	if (ask->type != AN_TYPE_A)
		return;
	ret->status = UPSTREAM_OK;
	ret->count = 1;
	ret->scope = 24;
	memcpy(ret->octets, "\xcb\0\x71\1", 4);
}

static struct scene scene;

struct waiting {
	struct flatten_wait wait;
	bool done;
};

static void wait_done(struct flatten_wait *wait)
{
	((struct waiting *)wait)->done = true;
}

static struct respond_result put(const char *name, const char *network, bool last_try)
{
	struct ask ask = {.name = name, .type = AN_TYPE_A, .ecs = network};
	uint8_t packet[512], reply[1232];
	struct respond_input input = {.packet = packet,
	                              .len = scene_query(&ask, packet),
	                              .last_try = last_try,
	                              .now_ms = clock_ms()};
	struct respond_result result;

	assert_int_equal(endpoint_parse("198.51.100.7", 4711, &input.source), 0);
	rcu_read_lock();
	respond(&scene.world, &input, reply, sizeof(reply), &result);
	rcu_read_unlock();
	return result;
}

/* Every query is answered, if only by SERVFAIL. */
static bool ask_flattened(struct flatten *flatten, uv_loop_t *loop, const char *name,
                          const char *network)
{
	struct respond_result result = put(name, network, false);

	if (result.verdict == RESPOND_WAIT) {
		struct waiting waiting = {.wait = {.want = result.want, .done = wait_done}};

		flatten_want(flatten, &waiting.wait);
		while (!waiting.done)
			uv_run(loop, UV_RUN_ONCE);
		result = put(name, network, true);
	}
	assert_int_equal(result.verdict, RESPOND_SEND);
	assert_true(result.rcode == AN_RCODE_NOERROR || result.rcode == AN_RCODE_SERVFAIL);
	return result.rcode == AN_RCODE_NOERROR;
}

static void ask_all(struct flatten *flatten, uv_loop_t *loop, bool *ret_failed)
{
	flatten_world(flatten, &scene.world, (struct upstream *)loop, NULL, NULL);
	*ret_failed |= !ask_flattened(flatten, loop, "example.test.", "203.0.113.0/24");
	*ret_failed |= !ask_flattened(flatten, loop, "example.test.", "203.0.112.0/24");
	*ret_failed |= !ask_flattened(flatten, loop, "pool.example.test.", "203.0.113.0/24");
	*ret_failed |= !ask_flattened(flatten, loop, "www.example.test.", "203.0.113.0/24");
}

static void flatten_names(bool *ret_failed)
{
	struct flatten *flatten;
	uv_loop_t loop;

	uv_loop_init(&loop);
	scene.world.store = store_new(1000, 100);
	flatten = scene.world.store ? flatten_new(&loop, scene.world.store) : NULL;
	*ret_failed = !flatten;
	if (flatten) {
		ask_all(flatten, &loop, ret_failed);
		flatten_free(flatten);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	if (scene.world.store)
		store_free(scene.world.store);
}

static void every_query_is_answered(void **state)
{
	static const char *const texts[] = {
	        "example.test.",
	        "$TTL 600\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n@ ANAME cdn.elsewhere.\nns A 192.0.2.1\n"
	        "pool ANAME a.elsewhere.\npool ANAME b.elsewhere.\npool ANAME www\nwww A "
	        "192.0.2.7\n",
	        NULL};

	(void)state;
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	scene.settings[0].budget_per_s = scene.settings[0].budget_burst = 1000000;
	store_free(scene.world.store);
	each_allocation_fails(flatten_names);
	scene.world.store = store_new(1, 1);
	scene_close(&scene);
}

static unsigned long ask_each(const char *const *names)
{
	arm(0);
	for (; *names; names++)
		put(*names, "203.0.113.0/24", true);
	disarm();
	return taken;
}

/* What is served needs no memory: a flood of queries cannot use it up. A denial and a referral are
 * kept the first time (answer/body.h), and given without being kept where there is no memory. */
static void answering_allocates_nothing(void **state)
{
	static const char *const texts[] = {"example.test.",
	                                    "$TTL 600\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n@ MX 1 www\n"
	                                    "ns A 192.0.2.1\nwww A 192.0.2.7\nalias CNAME www\n"
	                                    "old DNAME new\n*.new A 192.0.2.9\nsub NS ns.sub\n"
	                                    "ns.sub A 192.0.2.8\nflat ANAME x.elsewhere.\n",
	                                    NULL};
	static const char *const names[] = {"www.example.test.",   "alias.example.test.",
	                                    "x.old.example.test.", "flat.example.test.",
	                                    "elsewhere.",          NULL};
	static const char *const kept[] = {"a.sub.example.test.", "no.example.test.",
	                                   "example.test.", NULL};

	(void)state;
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	assert_int_equal(ask_each(names), 0);
	for (size_t i = 0; kept[i]; i++) {
		arm(1);
		assert_int_equal(put(kept[i], "203.0.113.0/24", true).verdict, RESPOND_SEND);
		disarm();
	}
	ask_each(kept);
	assert_int_equal(ask_each(kept), 0);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_zone_is_loaded_or_not),
	        cmocka_unit_test(a_large_zone_is_built_or_not),
	        cmocka_unit_test(the_store_takes_an_answer_or_not),
	        cmocka_unit_test(every_query_is_answered),
	        cmocka_unit_test(answering_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
