/* SPDX-License-Identifier: BSD-2-Clause */
/* What pools chose, on its way over a restart: whatever stands on the disk, a choice is a child of
 * its pool, and a time lies behind us. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "answer/choices.h"
#include "base/clock.h"
#include "base/wire.h"
#include "control/control.h"

#define HEAD                                                                                       \
	"zones: [{name: a.example, file: z}]\npools: [{name: p, mode: failover, hold-down: 1m, "
#define SETTINGS HEAD "members: [{address: 192.0.2.1}, {address: 192.0.2.2}]}]\n"
/* The same pool, changed. */
#define CHANGED                                                                                    \
	HEAD "members: [{address: 192.0.2.9}, {address: 192.0.2.2}, {address: 192.0.2.1}]}]\n"
#define WITHOUT_SECOND HEAD "members: [{address: 192.0.2.9}, {address: 192.0.2.1}]}]\n"
#define OTHER_POOL                                                                                 \
	"zones: [{name: a.example, file: z}]\n"                                                    \
	"pools: [{name: q, members: [{address: 192.0.2.1}]}]\n"

struct scene {
	struct config *config;
	struct flatten flatten;
	struct cell cell;
	struct pool_memory memory[POOL_NODES_MAX];
};

static void load(struct scene *scene, const char *settings)
{
	struct error error = {0};
	struct pool_fault fault = {0};

	assert_int_equal(config_parse("/t", settings, strlen(settings), &scene->config, &error), 0);
	assert_int_equal(pools_new(scene->config, NULL, NULL, &scene->flatten.pools, &fault), 0);
}

static void scene_open(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	load(scene, SETTINGS);
	scene->cell.flatten = &scene->flatten;
	scene->cell.tree = pools_at(scene->flatten.pools, 0);
	scene->cell.memory = scene->memory;
	scene->cell.key = (struct cell_key){
	        .definition = scene->cell.tree->definition, .region = 7, .type = AN_TYPE_A};
}

static void scene_close(struct scene *scene)
{
	choices_free(&scene->flatten);
	pools_free(scene->flatten.pools);
	config_free(scene->config);
}

static void put64(struct wire *wire, uint64_t value)
{
	wire_put32(wire, (uint32_t)(value >> 32));
	wire_put32(wire, (uint32_t)value);
}

/* A record of one node, `less` octets short; taken, and recalled. What taking it gave. */
static int give(struct scene *scene, uint32_t pool, uint32_t node, uint32_t choice,
                uint64_t unix_ms, size_t less)
{
	uint8_t key[64], value[64];
	struct wire to = wire_writer(key, sizeof(key)), wire = wire_writer(value, sizeof(value));
	uint8_t *exact;
	int taken;

	wire_put16(&to, CHOICES_MARK);
	wire_put32(&to, pool);
	wire_put32(&to, 7);
	wire_put16(&to, AN_TYPE_A);
	wire_put16(&wire, 1);
	wire_put32(&wire, node);
	wire_put32(&wire, choice);
	put64(&wire, unix_ms);
	put64(&wire, unix_ms);
	memset(scene->memory, 0, sizeof(scene->memory));
	exact = malloc(wire.at - less);
	assert_non_null(exact);
	memcpy(exact, value, wire.at - less);
	taken = choices_take(&scene->flatten, key, to.at, exact, wire.at - less);
	free(exact);
	choices_recall(&scene->cell);
	return taken;
}

static uint32_t id(const struct scene *scene, uint16_t node)
{
	return scene->cell.tree->nodes[node].id;
}

static uint64_t now_unix(void)
{
	return (uint64_t)clock_unix_ms();
}

static void a_choice_comes_back_with_its_time(void **state)
{
	struct scene scene;
	uint64_t now = clock_ms();

	(void)state;
	scene_open(&scene);
	assert_int_equal(
	        give(&scene, id(&scene, 0), id(&scene, 0), id(&scene, 2), now_unix() - 500, 0), 0);
	assert_int_equal(scene.memory[0].choice, 2);
	assert_in_range(scene.memory[0].chosen_ms, now - 520, now - 450);
	assert_in_range(scene.memory[0].up_since_ms, now - 520, now - 450);
	/* Once: the next cell of this kind begins with what the first one has put on disk. */
	memset(scene.memory, 0, sizeof(scene.memory));
	choices_recall(&scene.cell);
	assert_int_equal(scene.memory[0].choice, 0);
	scene_close(&scene);
}

static void times_that_cannot_be_are_now_or_the_boot(void **state)
{
	struct scene scene;
	uint64_t now = clock_ms();
	uint32_t pool;

	(void)state;
	scene_open(&scene);
	pool = id(&scene, 0);
	give(&scene, pool, pool, id(&scene, 1), now_unix() + 1000000, 0); /* put back since */
	assert_in_range(scene.memory[0].chosen_ms, now, now + 1000);
	give(&scene, pool, pool, id(&scene, 1), 1, 0);
	assert_int_equal(scene.memory[0].chosen_ms, 1);
	give(&scene, pool, pool, id(&scene, 1), UINT64_MAX, 0);
	assert_in_range(scene.memory[0].chosen_ms, now, now + 1000);
	give(&scene, pool, pool, id(&scene, 1), 0, 0);
	assert_int_equal(scene.memory[0].chosen_ms, 0);
	scene_close(&scene);
}

static void what_is_damaged_says_nothing(void **state)
{
	struct scene scene;
	uint32_t pool, one, two;

	(void)state;
	scene_open(&scene);
	pool = id(&scene, 0);
	one = id(&scene, 1);
	two = id(&scene, 2);

	const struct {
		uint32_t node, choice;
		size_t less;
	} bad[] = {{pool, 3, 0},   {pool, UINT32_MAX, 0}, {pool, pool, 0},
	           {7, one, 0},    {two, one, 0},         {one, two, 0},
	           {pool, one, 1}, {pool, one, 24},       {pool, one, 25}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		give(&scene, pool, bad[i].node, bad[i].choice, now_unix(), bad[i].less);
		for (size_t j = 0; j < POOL_NODES_MAX; j++)
			assert_int_equal(scene.memory[j].choice, 0);
	}
	assert_int_equal(give(&scene, pool + 1, pool, one, now_unix(), 0), 1); /* none of ours */
	assert_int_equal(scene.memory[0].choice, 0);
	assert_int_equal(choices_take(&scene.flatten, "C\1", 2, "", 0), 1);
	scene_close(&scene);
}

/* The scene's cell goes, having chosen its second member and seen the first come up, and the next
 * one comes, of these settings. */
static void change(struct scene *scene, const char *settings)
{
	struct config *config = scene->config;
	struct pools *pools = scene->flatten.pools;

	memset(scene->memory, 0, sizeof(scene->memory));
	scene->memory[0] = (struct pool_memory){.choice = 2, .chosen_ms = clock_ms() - 9};
	scene->memory[1].up_since_ms = clock_ms() - 5;
	load(scene, settings);
	choices_leave(&scene->cell);
	pools_free(pools);
	config_free(config);
	memset(scene->memory, 0, sizeof(scene->memory));
	scene->cell.tree = pools_at(scene->flatten.pools, 0);
	choices_recall(&scene->cell);
}

static void a_pool_that_was_changed_goes_on(void **state)
{
	uint64_t now = clock_ms();
	struct scene scene;

	(void)state;
	scene_open(&scene);
	change(&scene, CHANGED);
	assert_int_equal(scene.memory[0].choice, 2);
	assert_in_range(scene.memory[0].chosen_ms, now - 20, now + 500);
	assert_int_equal(scene.memory[1].up_since_ms, 0);
	assert_in_range(scene.memory[3].up_since_ms, now - 20, now + 500);
	scene_close(&scene);
}

static void a_member_that_left_is_not_chosen(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene);
	change(&scene, WITHOUT_SECOND);
	assert_int_equal(scene.memory[0].choice, 0);
	assert_true(scene.memory[2].up_since_ms);
	scene_close(&scene);
	scene_open(&scene);
	change(&scene, OTHER_POOL);
	assert_int_equal(scene.memory[1].up_since_ms, 0);
	assert_null(scene.flatten.choices);
	scene_close(&scene);
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void what_waits_for_its_cell_is_told_too(void **state)
{
	struct scene scene;
	json_t *list, *nodes;
	const json_t *pool, *first;

	(void)state;
	scene_open(&scene);
	scene.memory[0] = (struct pool_memory){.choice = 2, .chosen_ms = clock_ms() - 9};
	scene.memory[1].up_since_ms = clock_ms() - 5;
	choices_leave(&scene.cell);
	list = flatten_choices(&scene.flatten, scene.cell.tree);
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(number(json_array_get(list, 0), "region_number"), 7);
	nodes = json_object_get(json_array_get(list, 0), "nodes");
	assert_int_equal(json_array_size(nodes), 2);
	pool = json_array_get(nodes, 0);
	first = json_array_get(nodes, 1);
	assert_int_equal(number(json_object_get(pool, "node"), "id"), id(&scene, 0));
	assert_int_equal(number(json_object_get(pool, "choice"), "id"), id(&scene, 2));
	assert_in_range(number(pool, "chosen_ms_ago"), 8, 500);
	assert_null(json_object_get(pool, "up_ms_ago"));
	assert_int_equal(number(json_object_get(first, "node"), "id"), id(&scene, 1));
	assert_null(json_object_get(first, "choice"));
	assert_in_range(number(first, "up_ms_ago"), 4, 500);
	json_decref(list);
	scene_close(&scene);
}

/* ---- targets ---- */

#define TARGETS                                                                                    \
	"zones: [{name: a.example, file: z}]\n"                                                    \
	"pools: [{name: p, mode: failover, members: [{aname: a.example}, {aname: b.example}, "     \
	"{aname: c.example}, {aname: d.example}, {address: 192.0.2.1}]}]\n"

static const char *state_in(const json_t *nodes, size_t index)
{
	return json_string_value(json_object_get(json_array_get(nodes, index), "state"));
}

static void targets_are_told_as_the_newest_answer_has_them(void **state)
{
	struct seat dead = {.up = false};
	struct seat *seats[] = {NULL, &dead, NULL};
	struct harvest harvest = {
	        .leaf_count = 5,
	        .seats = seats,
	        .leaves = {{.node = 1, .known = true, .count = 2}, /* one of them is up */
	                   {.node = 2, .known = true, .count = 1, .first = 1},
	                   {.node = 3, .known = true},
	                   {.node = 4, .known = true, .gone = true},
	                   {.node = 5, .known = true, .count = 1, .first = 2}}};
	struct answer answer = {.harvest = &harvest};
	struct config *config;
	struct pools *pools;
	struct scene scene;
	json_t *list, *nodes;

	(void)state;
	scene_open(&scene);
	config = scene.config;
	pools = scene.flatten.pools;
	load(&scene, TARGETS);
	pools_free(pools);
	config_free(config);
	scene.cell.tree = pools_at(scene.flatten.pools, 0);
	scene.cell.hh.next = NULL;
	scene.flatten.cells = &scene.cell;
	list = flatten_choices(&scene.flatten, scene.cell.tree);
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "nodes")), 0);
	json_decref(list);
	scene.cell.answers = &answer;
	scene.memory[0] = (struct pool_memory){.choice = 1, .chosen_ms = clock_ms() - 9};
	scene.memory[2].up_since_ms = clock_ms() - 5;
	list = flatten_choices(&scene.flatten, scene.cell.tree);
	nodes = json_object_get(json_array_get(list, 0), "nodes");
	assert_int_equal(json_array_size(nodes), 5); /* of an address its check tells */
	assert_null(state_in(nodes, 0));
	assert_string_equal(state_in(nodes, 1), "up");
	assert_string_equal(state_in(nodes, 2), "down");
	assert_string_equal(state_in(nodes, 3), "none");
	assert_string_equal(state_in(nodes, 4), "failing");
	assert_int_equal(number(json_object_get(json_array_get(nodes, 2), "node"), "id"),
	                 id(&scene, 2));
	assert_in_range(number(json_array_get(nodes, 2), "up_ms_ago"), 4, 500);
	assert_in_range(number(json_array_get(nodes, 0), "chosen_ms_ago"), 8, 500);
	json_decref(list);
	scene.flatten.cells = NULL;
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_choice_comes_back_with_its_time),
	        cmocka_unit_test(times_that_cannot_be_are_now_or_the_boot),
	        cmocka_unit_test(what_is_damaged_says_nothing),
	        cmocka_unit_test(a_pool_that_was_changed_goes_on),
	        cmocka_unit_test(a_member_that_left_is_not_chosen),
	        cmocka_unit_test(what_waits_for_its_cell_is_told_too),
	        cmocka_unit_test(targets_are_told_as_the_newest_answer_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
