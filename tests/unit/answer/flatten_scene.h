/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten_scene - the flatten loop with an upstream that does what the test
 * says. No kernel, no disk unless a case opens one.
 */
#ifndef ANAMED_TESTS_FLATTEN_SCENE_H
#define ANAMED_TESTS_FLATTEN_SCENE_H

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

static inline struct script *script(const char *target, enum upstream_status status, uint32_t ttl,
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

static inline const struct script *script_of(const char *target)
{
	for (size_t i = 0; i < script_count; i++)
		if (!strcmp(scripts[i].target, target))
			return &scripts[i];
	return NULL;
}

static inline unsigned int delay_ms(const char *target)
{
	const struct script *one = script_of(target);

	return one ? one->delay_ms : 0;
}

static inline void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret)
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

static inline void add(struct zone_builder *builder, const char *owner, uint16_t type, uint32_t ttl,
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

static inline void add_name(struct zone_builder *builder, const char *owner, uint16_t type,
                            uint32_t ttl, const char *target)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(target, APEX, sizeof(APEX), name);

	assert_true(len > 0);
	add(builder, owner, type, ttl, name, (size_t)len);
}

static inline struct zone *example_zone(const char *target, uint8_t siblings)
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

static inline struct zones *zones_of(struct zone *zone)
{
	return zones_new(&zone, 1);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void wait_done(struct flatten_wait *wait)
{
	struct waiting *waiting = (struct waiting *)wait;

	waiting->done = true;
	waiting->done_ms = clock_ms();
}

static inline void wait_for(struct waiting *waiting, const char *owner, uint16_t type)
{
	memset(waiting, 0, sizeof(*waiting));
	waiting->wait.done = wait_done;
	waiting->wait.want.type = type;
	waiting->wait.want.owner_len =
	        (uint8_t)name_from_text(owner, APEX, sizeof(APEX), waiting->wait.want.owner);
}

static inline void want_from(struct scene *scene, struct waiting *waiting, const char *owner,
                             const char *source)
{
	wait_for(waiting, owner, AN_TYPE_A);
	assert_int_equal(endpoint_parse(source, 4711, &waiting->wait.want.source), 0);
	flatten_want(scene->flatten, &waiting->wait);
}

static inline void want_into(struct scene *scene, struct waiting *waiting, const char *owner,
                             uint16_t type, const char *client)
{
	wait_for(waiting, owner, type);
	if (client)
		assert_int_equal(network_parse(client, &waiting->wait.want.client), 0);
	flatten_want(scene->flatten, &waiting->wait);
}

static inline void run_ms(struct scene *scene, unsigned int ms)
{
	uint64_t until = clock_ms() + ms;

	do
		uv_run(&scene->loop, UV_RUN_ONCE);
	while (clock_ms() < until);
}

/* Wants, runs until that is done, and finds as a worker would. */
static inline struct store_found get(struct scene *scene, const char *owner, uint16_t type,
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

static inline struct store_found look(struct scene *scene, const char *owner, uint16_t type,
                                      const char *client)
{
	uint8_t name[NAME_MAX_LEN];
	struct network network = {0};
	int len = name_from_text(owner, APEX, sizeof(APEX), name);

	if (client)
		assert_int_equal(network_parse(client, &network), 0);
	return store_find(scene->store, name, (size_t)len, type, &network, 0, false, clock_ms());
}

#endif
