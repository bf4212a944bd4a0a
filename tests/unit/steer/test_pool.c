/* SPDX-License-Identifier: BSD-2-Clause */
/* What pools decide from states, in time, and from one configuration to the next. */
#include "unit/steer/pool_scene.h"

static const struct {
	const char *pools;
	uint32_t region;
	const char *states, *result;
} cases[] = {
        {all, 0, "", "together 192.0.2.1 192.0.2.2 192.0.2.3"},
        {all, 0, "!192.0.2.2", "together 192.0.2.1 !192.0.2.2 192.0.2.3"},
        {all, 0, "!192.0.2.1 !192.0.2.2 !192.0.2.3", "together *192.0.2.1 *192.0.2.2 *192.0.2.3"},
        {all, 0, "-192.0.2.1 -192.0.2.2 -192.0.2.3", "nothing"},
        /* min-up: below it the dead count with the living. */
        {all2, 0, "!192.0.2.1", "together !192.0.2.1 192.0.2.2 192.0.2.3"},
        {all2, 0, "!192.0.2.1 !192.0.2.2", "together *192.0.2.1 *192.0.2.2 192.0.2.3"},
        /* ... of those that there are for this type. */
        {all2, 0, "-192.0.2.1 -192.0.2.2", "together 192.0.2.3"},
        {resort, 0, "!192.0.2.1", "together !192.0.2.1 192.0.2.2"},
        {resort, 0, "!192.0.2.1 !192.0.2.2", "together 192.0.2.99"},
        {resort, 0, "!192.0.2.1 !192.0.2.2 -192.0.2.99", "together *192.0.2.1 *192.0.2.2"},
        {failover, 0, "", "together 192.0.2.1"},
        {failover, 0, "!192.0.2.1", "together 192.0.2.2"},
        {failover, 0, "!192.0.2.1 !192.0.2.2", "together *192.0.2.1"},
        {cdns, 0, "?a.cdn.", "together b.cdn."},
        {cdns, 0, "~a.cdn.", "together b.cdn."},
        /* A target without addresses of the type, as it is: clients are not sent elsewhere. */
        {cdns, 0, "-a.cdn.", "nothing"},
        {cdns, 0, "?a.cdn. ?b.cdn.", "nothing"},
        {weights, 0, "", "weight 10: 192.0.2.1 5: 192.0.2.2"},
        {weights, 0, "!192.0.2.1", "weight 10: !192.0.2.1 5: 192.0.2.2"},
        {weights, 0, "!192.0.2.1 !192.0.2.2", "weight 1: 192.0.2.3"},
        {weights, 0, "!192.0.2.1 !192.0.2.2 !192.0.2.3", "weight 10: *192.0.2.1 5: *192.0.2.2"},
        /* Half of the half, and all of it where the other is dead. */
        {nested, 0, "", "weight 15000: 192.0.2.1 15000: 192.0.2.2 30000: 192.0.2.9"},
        {nested, 0, "!192.0.2.1", "weight 1: !192.0.2.1 1: 192.0.2.2 1: 192.0.2.9"},
        {nested, 0, "!192.0.2.1 !192.0.2.2", "weight 1: 192.0.2.9"},
        {hashed, 0, "", "client 1: 192.0.2.1 2: 192.0.2.2"},
        {hashed, 0, "!192.0.2.2", "client 1: 192.0.2.1 2: 192.0.2.3"},
        {hashed, 0, "!192.0.2.2 !192.0.2.3", "client 1: 192.0.2.1"},
        {geo, 1, "", "together 192.0.2.1"},
        {geo_shared, 1, "", "together 192.0.2.1 192.0.2.5"},
        {geo_shared, 2, "", "weight 1: 192.0.2.2 1: 192.0.2.3"},
        {geo, 2, "", "weight 1: 192.0.2.2 1: 192.0.2.3"},
        {geo, 0, "", "together 192.0.2.4"},
        {geo, 3, "", "together 192.0.2.4"},
        {geo, 1, "!192.0.2.1", "together 192.0.2.4"},
        {geo, 1, "!192.0.2.1 !192.0.2.4", "weight 1: 192.0.2.2 1: 192.0.2.3"},
        {geo, 1, "!192.0.2.1 !192.0.2.2 !192.0.2.3 !192.0.2.4", "together *192.0.2.1"},
        /* Nothing of this family in the region: nothing, and nothing of another region's. */
        {geo_shared, 1, "-192.0.2.1 -192.0.2.5", "nothing"},
        {geo_shared, 2, "-192.0.2.2 -192.0.2.3", "nothing"},
        {geo, 1, "-192.0.2.1", "together 192.0.2.4"},
        {geo_cdns, 1, "-a.cdn.", "nothing"},
        {geo_cdns, 1, "~a.cdn.", "together b.cdn."},
        {geo_cdns, 1, "?a.cdn.", "together b.cdn."},
        {backup, 0, "", "together 192.0.2.1 192.0.2.2"},
        {backup, 0, "!192.0.2.2", "together 192.0.2.3 192.0.2.4"},
        {backup, 0, "!192.0.2.1 !192.0.2.2 !192.0.2.3", "together !192.0.2.3 192.0.2.4"},
        /* All down: the first, whole. */
        {backup, 0, "!192.0.2.1 !192.0.2.2 !192.0.2.3 !192.0.2.4",
         "together *192.0.2.1 *192.0.2.2"},
        {quick, 0, "192.0.2.1=30ms 192.0.2.2=10ms", "together 192.0.2.2"},
        {quick, 0, "192.0.2.1=30ms !192.0.2.2=10ms", "together 192.0.2.1"},
        {quick, 0, "", "together 192.0.2.1"},
};

static void states_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;

		scene_open(&scene, cases[i].pools);
		scene.place.region = cases[i].region;
		decide(&scene, cases[i].states);
		if (strcmp(result_text(&scene), cases[i].result) != 0)
			fail_msg("case %zu: \"%s\" gives \"%s\", not \"%s\"", i, cases[i].states,
			         result_text(&scene), cases[i].result);
		scene_close(&scene);
	}
}

/* ---- in time ---- */

#define RESULT(scene, states, words)                                                               \
	do {                                                                                       \
		decide(scene, states);                                                             \
		assert_string_equal(result_text(scene), words);                                    \
	} while (0)

static void a_primary_that_comes_back_waits_for_hold_down(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene,
	           "- {name: p, mode: failover, hold-down: 30s, members: [" A(1) ", " A(2) "]}\n");
	RESULT(&scene, "", "together 192.0.2.1");
	scene.now_ms += 60000;
	RESULT(&scene, "!192.0.2.1", "together 192.0.2.2");
	scene.now_ms += 10000;
	RESULT(&scene, "", "together 192.0.2.2");
	assert_int_equal(scene.decision.reconsider_ms, scene.now_ms + 30000);
	assert_true(scene.decision.verdicts[1] & POOL_HELD);
	scene.now_ms += 29999;
	RESULT(&scene, "", "together 192.0.2.2");
	scene.now_ms += 1;
	RESULT(&scene, "", "together 192.0.2.1");
	assert_true(scene.decision.reconsider_ms == UINT64_MAX);
	scene_close(&scene);
}

static void a_dead_choice_is_left_at_once_whatever_is_held(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene,
	           "- {name: p, mode: failover, hold-down: 30s, members: [" A(1) ", " A(2) "]}\n");
	RESULT(&scene, "!192.0.2.1", "together 192.0.2.2");
	scene.now_ms += 1000;
	RESULT(&scene, "!192.0.2.2", "together 192.0.2.1");
	scene.now_ms += 1000;
	RESULT(&scene, "!192.0.2.1", "together 192.0.2.2");
	scene_close(&scene);
}

static void latency_stays_within_the_margin(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, quick);
	RESULT(&scene, "192.0.2.1=20ms 192.0.2.2=22ms", "together 192.0.2.1");
	assert_int_equal(scene.decision.reconsider_ms, scene.now_ms + POOL_LATENCY_MS);
	RESULT(&scene, "192.0.2.1=20ms 192.0.2.2=15ms", "together 192.0.2.1");
	RESULT(&scene, "192.0.2.1=20ms 192.0.2.2=14ms", "together 192.0.2.2");
	RESULT(&scene, "192.0.2.1=10ms 192.0.2.2=14ms", "together 192.0.2.2");
	RESULT(&scene, "192.0.2.1=8ms 192.0.2.2=14ms", "together 192.0.2.1");
	scene_close(&scene);
}

static void latency_holds_down_in_both_directions(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, "- {name: p, mode: latency, margin: 1ms, hold-down: 10s, members: [" A(
	                           1) ", " A(2) "]}\n");
	RESULT(&scene, "192.0.2.1=20ms 192.0.2.2=30ms", "together 192.0.2.1");
	RESULT(&scene, "192.0.2.1=20ms 192.0.2.2=10ms", "together 192.0.2.2");
	scene.now_ms += 9999;
	RESULT(&scene, "192.0.2.1=5ms 192.0.2.2=10ms", "together 192.0.2.2");
	scene.now_ms += 1;
	RESULT(&scene, "192.0.2.1=5ms 192.0.2.2=10ms", "together 192.0.2.1");
	scene.now_ms += 5000;
	RESULT(&scene, "192.0.2.1=5ms 192.0.2.2=1ms", "together 192.0.2.1");
	scene_close(&scene);
}

static void panic_and_last_resort_are_said(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, all);
	decide(&scene, "!192.0.2.1 !192.0.2.2 !192.0.2.3");
	assert_true(scene.decision.panic && !scene.decision.resort);
	decide(&scene, "!192.0.2.1 !192.0.2.2");
	assert_false(scene.decision.panic);
	scene_close(&scene);
	scene_open(&scene, resort);
	decide(&scene, "!192.0.2.1 !192.0.2.2");
	assert_true(!scene.decision.panic && scene.decision.resort);
	scene_close(&scene);
}

/* ---- trees ---- */

static const struct {
	const char *pools;
	unsigned int line; /* behind HEAD's three */
	const char *words;
} faults[] = {
        {"- {name: p}\n", 1, "`members' is missing"},
        {"- {name: p, members: []}\n", 1, "must not be empty"},
        {"- {name: p, members: [{weight: 3}]}\n", 1, "one of `address', `aname' and `pool'"},
        {"- name: p\n  members:\n  - {address: 192.0.2.1, aname: a.cdn}\n", 3, "one of"},
        {"- name: p\n  members:\n  - address: 192.0.2.1@80\n", 3, "an address such as"},
        {"- name: p\n  members:\n  - pool: q\n", 3, "there is no pool q."},
        {"- name: p\n  members:\n  - address: 192.0.2.1\n  - pool: p\n", 4, "p. contains itself"},
        {"- name: p\n  members:\n  - pool: q\n- name: q\n  members:\n  - pool: p\n", 3,
         "p. contains itself"},
        {"- {name: p, members: [" A(1) "]}\n- {name: P., members: [" A(2) "]}\n", 2,
         "p. is listed twice"},
        {"- name: p\n  mode: weighted\n  members:\n  - {address: 192.0.2.1, weight: 0}\n", 3,
         "every weight is 0"},
        {"- name: p\n  check: web\n  members: [" A(1) "]\n", 2, "there is no check `web'"},
        {"- name: p\n  min-up: 2\n  members: [" A(1) "]\n", 2, "more than there are members"},
        {"- name: p\n  mode: geo\n  members: [" A(1) "]\n", 1, "`policy' is missing"},
        {"- name: p\n  policy: w\n  members: [" A(1) "]\n", 2, "only for mode geo"},
        {"- name: p\n  mode: geo\n  policy: w\n  members: [" A(1) "]\n", 4, "none has a `region'"},
        {"- name: p\n  mode: geo\n  policy: x\n  members: [" A(1) "]\n", 3,
         "there is no policy `x'"},
        {"- name: p\n  mode: geo\n  policy: w\n  members:\n  - address: 192.0.2.1\n"
         "    region: uk\n",
         6, "policy w has no region `uk'"},
        {"- name: p\n  mode: geo\n  policy: w\n  members:\n  - {pool: q, region: eu}\n"
         "- {name: q, mode: geo, policy: v, members: [{address: 192.0.2.1, region: eu}]}\n",
         5, "goes by policy v"},
        {"- name: p\n  mode: geo\n  policy: v\n  members:\n  - {address: 192.0.2.1, region: fax}\n",
         5, "policy v has no region `fax'"},
        {"- name: p\n  members:\n  - address: 192.0.2.1\n    region: eu\n", 4,
         "region: only in mode geo"},
        {"- name: p\n  members:\n  - address: 192.0.2.1\n    ecs: 192.0.2.0/24\n", 4,
         "only an `aname' is asked for"},
        {"- name: p\n  members:\n  - pool: q\n  - address: 192.0.2.1\n"
         "- {name: q, mode: weighted, members: [" A(2) ", " A(3) "]}\n",
         3, "cannot be given together"},
        {"- name: p\n  mode: geo\n  policy: w\n  members:\n  - {pool: q, region: eu}\n"
         "  - {address: 192.0.2.1, region: eu}\n"
         "- {name: q, mode: weighted, members: [" A(2) ", " A(3) "]}\n",
         5, "cannot be given together"},
        {"- name: p\n  mode: consistent\n  members:\n  - pool: q\n"
         "- {name: q, mode: weighted, members: [" A(2) ", " A(3) "]}\n",
         4, "do not stand in one another"},
        {"- name: p\n  mode: latency\n  margin: 20\n  members: [" A(1) "]\n", 3, "a duration"},
        {"- name: p\n  last-resort: [192.0.2.256]\n  members: [" A(1) "]\n", 2,
         "an address such as"},
};

/* One to fall back on: no client's own. */
static void a_region_may_stand_in_orders_alone(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, "- name: p\n  mode: geo\n  policy: v\n  members:\n"
	                   "  - {address: 192.0.2.1, region: us}\n"
	                   "  - {address: 192.0.2.2, region: next}\n"
	                   "  - {address: 192.0.2.3, region: far}\n");
	scene_close(&scene);
}

static void what_cannot_be_is_refused_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct config *config = NULL;
		struct error error = {0};
		char whole[4096];

		snprintf(whole, sizeof(whole), HEAD "%s", faults[i].pools);
		if (!config_parse("/t.yaml", whole, strlen(whole), &config, &error))
			fail_msg("fault %zu was taken", i);
		if (error.line != faults[i].line + 3 || !strstr(error.text, faults[i].words))
			fail_msg("fault %zu: line %u: %s", i, error.line - 3, error.text);
	}
}

static void names_are_found_in_any_case_and_ids_last(void **state)
{
	struct scene one, other;
	static const uint8_t upper[] = "\1P";

	(void)state;
	scene_open(&one, hashed);
	scene_open(&other, "- {name: q, mode: failover, members: [" A(2) ", " A(
	                           3) "]}\n- {name: p, mode: consistent, members: [{pool: q, "
	                              "weight: 2}]}\n");
	assert_ptr_equal(pools_find(one.pools, upper, sizeof(upper)), one.tree);
	assert_null(pools_find(one.pools, (const uint8_t *)"\1x", 3));
	/* p / q / 192.0.2.2 has the id that it had beside another member. */
	assert_int_equal(one.tree->nodes[3].id, pools_at(other.pools, 1)->nodes[2].id);
	assert_int_not_equal(one.tree->nodes[3].id, one.tree->nodes[4].id);
	assert_true(one.tree->definition != pools_at(other.pools, 1)->definition);
	scene_close(&other);
	scene_open(&other, hashed);
	assert_true(one.tree->definition == other.tree->definition);
	scene_close(&other);
	scene_close(&one);
}

/* ---- docs/steering-migration.md ---- */

/* The pools of the page's nth example, as they stand there. */
static void read_example(unsigned int number, char *ret, size_t size)
{
	FILE *stream = fopen("docs/steering-migration.md", "re");
	char line[1024];
	unsigned int at = 0;
	bool inside = false;

	assert_non_null(stream);
	ret[0] = 0;
	while (fgets(line, sizeof(line), stream)) {
		if (!strncmp(line, "```", 3)) {
			inside = !inside && !strncmp(line, "```yaml", 7);
			at += inside;
		} else if (inside && at == number && strcmp(line, "pools:\n") != 0) {
			strncat(ret, line, size - strlen(ret) - 1);
		}
	}
	fclose(stream);
	assert_true(ret[0]);
}

/* What the originals' documentation says of the same states. */
static const struct {
	unsigned int example;
	const char *states, *result;
} originals[] = {
        /* gdnsd multifo: those that are up; below up_thresh, all. */
        {1, "", "together 192.0.2.1 192.0.2.2 192.0.2.3"},
        {1, "!192.0.2.3", "together 192.0.2.1 192.0.2.2 !192.0.2.3"},
        {1, "!192.0.2.2 !192.0.2.3", "together 192.0.2.1 *192.0.2.2 *192.0.2.3"},
        /* gdnsd metafo: the first datacenter with anything up; none: the first. */
        {2, "", "together 192.0.2.1 192.0.2.2"},
        {2, "!192.0.2.1", "together !192.0.2.1 192.0.2.2"},
        {2, "!192.0.2.1 !192.0.2.2", "together 192.0.2.3"},
        {2, "!192.0.2.1 !192.0.2.2 !192.0.2.3", "together *192.0.2.1 *192.0.2.2"},
        /* PowerDNS pickwrandom. */
        {3, "", "weight 10: 192.0.2.1 20: 192.0.2.2"},
        /* Route 53: weight 0 only where no record with a weight is healthy. */
        {4, "", "weight 100: 192.0.2.1"},
        {4, "!192.0.2.1", "weight 1: 192.0.2.2"},
        {4, "!192.0.2.1 !192.0.2.2", "weight 100: *192.0.2.1"},
        /* Constellix: fewer than two of three, the fallback. */
        {5, "!192.0.2.1", "together !192.0.2.1 192.0.2.2 192.0.2.3"},
        {5, "!192.0.2.1 !192.0.2.2", "together 192.0.2.9"},
};

static void documented_examples_do_what_the_originals_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(originals) / sizeof(originals[0]); i++) {
		struct scene scene;
		char pools[4096];

		read_example(originals[i].example, pools, sizeof(pools));
		scene_open(&scene, pools);
		decide(&scene, originals[i].states);
		if (strcmp(result_text(&scene), originals[i].result) != 0)
			fail_msg("example %u: \"%s\" gives \"%s\"", originals[i].example,
			         originals[i].states, result_text(&scene));
		scene_close(&scene);
	}
}

/* ---- words ---- */

static void put_line(const char *text, unsigned int depth, void *arg)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, 4096 - len, "%*s%s\n", (int)depth * 2, "", text);
}

static void a_decision_can_be_told(void **state)
{
	struct scene scene;
	struct pool_input input;
	char text[4096] = "";

	(void)state;
	scene_open(&scene, geo);
	scene.place.region = 2;
	decide(&scene, "!192.0.2.2");
	input = (struct pool_input){.tree = scene.tree, .yields = scene.yields};
	pool_tell(&input, &scene.decision, put_line, text);
	assert_string_equal(text, "pool p., geo by policy w: up\n"
	                          "  region eu: 192.0.2.1: up; not taken\n"
	                          "  region us: pool q., weighted: up; taken\n"
	                          "    192.0.2.2: down, weight 1; left out until it is up\n"
	                          "    192.0.2.3: up, weight 1; taken\n"
	                          "  192.0.2.4: up; not taken\n");
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(states_decide),
	        cmocka_unit_test(a_primary_that_comes_back_waits_for_hold_down),
	        cmocka_unit_test(a_dead_choice_is_left_at_once_whatever_is_held),
	        cmocka_unit_test(latency_stays_within_the_margin),
	        cmocka_unit_test(latency_holds_down_in_both_directions),
	        cmocka_unit_test(panic_and_last_resort_are_said),
	        cmocka_unit_test(a_region_may_stand_in_orders_alone),
	        cmocka_unit_test(what_cannot_be_is_refused_with_its_line),
	        cmocka_unit_test(names_are_found_in_any_case_and_ids_last),
	        cmocka_unit_test(documented_examples_do_what_the_originals_do),
	        cmocka_unit_test(a_decision_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
