/* SPDX-License-Identifier: BSD-2-Clause */
/* What pools chose, on its way over a restart: whatever stands on the disk, a choice is a child of
 * its pool, and a time lies behind us. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "answer/choices.h"
#include "base/clock.h"
#include "base/wire.h"
#include "control/control.h"

#define SETTINGS                                                                                   \
	"zones: [{name: a.example, file: z}]\n"                                                    \
	"pools: [{name: p, mode: failover, hold-down: 1m, members: [{address: 192.0.2.1}, "        \
	"{address: 192.0.2.2}]}]\n"

struct scene {
	struct config *config;
	struct flatten flatten;
	struct cell cell;
	struct pool_memory memory[POOL_NODES_MAX];
};

static void scene_open(struct scene *scene)
{
	struct error error = {0};
	struct pool_fault fault = {0};

	memset(scene, 0, sizeof(*scene));
	assert_int_equal(config_parse("/t", SETTINGS, strlen(SETTINGS), &scene->config, &error), 0);
	assert_int_equal(pools_new(scene->config, NULL, NULL, &scene->flatten.pools, &fault), 0);
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
static int give(struct scene *scene, uint64_t definition, unsigned int node, unsigned int choice,
                uint64_t unix_ms, size_t less)
{
	uint8_t key[64], value[64];
	struct wire to = wire_writer(key, sizeof(key)), wire = wire_writer(value, sizeof(value));
	uint8_t *exact;
	int taken;

	wire_put16(&to, CHOICES_MARK);
	put64(&to, definition);
	wire_put32(&to, 7);
	wire_put16(&to, AN_TYPE_A);
	wire_put16(&wire, 1);
	wire_put16(&wire, node);
	wire_put16(&wire, choice);
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
	assert_int_equal(give(&scene, scene.cell.key.definition, 0, 2, now_unix() - 500, 0), 0);
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
	uint64_t definition, now = clock_ms();

	(void)state;
	scene_open(&scene);
	definition = scene.cell.key.definition;
	give(&scene, definition, 0, 1, now_unix() + 1000000, 0); /* the clock was put back */
	assert_in_range(scene.memory[0].chosen_ms, now, now + 1000);
	give(&scene, definition, 0, 1, 1, 0);
	assert_int_equal(scene.memory[0].chosen_ms, 1);
	give(&scene, definition, 0, 1, UINT64_MAX, 0);
	assert_in_range(scene.memory[0].chosen_ms, now, now + 1000);
	give(&scene, definition, 0, 1, 0, 0);
	assert_int_equal(scene.memory[0].chosen_ms, 0);
	scene_close(&scene);
}

static void what_is_damaged_says_nothing(void **state)
{
	static const struct {
		unsigned int node, choice;
		size_t less;
	} bad[] = {{0, 3, 0}, {0, 0xffff, 0}, {3, 4, 0},  {0xffff, 1, 0},
	           {2, 1, 0}, {0, 1, 1},      {0, 1, 20}, {0, 1, 21}};
	struct scene scene;

	(void)state;
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		give(&scene, scene.cell.key.definition, bad[i].node, bad[i].choice, now_unix(),
		     bad[i].less);
		for (size_t j = 0; j < POOL_NODES_MAX; j++)
			assert_int_equal(scene.memory[j].choice, 0);
	}
	assert_int_equal(give(&scene, 1, 0, 1, now_unix(), 0), 1); /* no pool of ours */
	assert_int_equal(scene.memory[0].choice, 0);
	assert_int_equal(choices_take(&scene.flatten, "C\1", 2, "", 0), 1);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_choice_comes_back_with_its_time),
	        cmocka_unit_test(times_that_cannot_be_are_now_or_the_boot),
	        cmocka_unit_test(what_is_damaged_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
