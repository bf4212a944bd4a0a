/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/control.h"
#include "steer/pool.h"

/*
 * Each case is a configuration's pools, states, and what the answer is made
 * of. States: words with "!" before them are down, with "?" before them could
 * not be resolved, with "-" before them have no addresses of the type, with
 * "~" before them do not exist; "=5ms" behind them is their latency. A result
 * is the kind and the groups: leaves that are down and waiting have "!" before
 * them, those that count though down "*".
 */
#define HEAD                                                                                       \
	"zones: [{name: a.example, file: z}]\n"                                                    \
	"policies: [{name: w, regions: [eu, us, as], default: eu}, {name: v, default: eu, "        \
	"default-then: [far], rules: [{region: us, then: [as, next], networks: [8.0.0.0/8]}]}]\n"  \
	"pools:\n"

struct scene {
	struct config *config;
	struct pools *pools;
	const struct pool_tree *tree;
	struct pool_memory memory[POOL_NODES_MAX];
	struct pool_yield yields[POOL_NODES_MAX];
	struct pool_decision decision;
	uint64_t now_ms;
	struct pool_place place;
};

static uint32_t region_number(const char *policy, const char *region, void *arg)
{
	static const char *const regions[] = {"eu", "us", "as"};

	(void)policy;
	(void)arg;
	for (uint32_t i = 0; i < 3; i++)
		if (strcmp(regions[i], region) == 0)
			return i + 1;
	return 0;
}

static void scene_open(struct scene *scene, const char *text)
{
	struct error error = {0};
	struct pool_fault fault = {0};
	char whole[8192], words[1024];
	int err;

	memset(scene, 0, sizeof(*scene));
	snprintf(whole, sizeof(whole), HEAD "%s", text);
	err = config_parse("/t.yaml", whole, strlen(whole), &scene->config, &error);
	if (err)
		fail_msg("%s", error_text(&error, words, sizeof(words)));
	assert_int_equal(pools_new(scene->config, region_number, NULL, &scene->pools, &fault), 0);
	scene->tree = pools_at(scene->pools, 0);
	scene->now_ms = 1000000;
}

static void scene_close(struct scene *scene)
{
	pools_free(scene->pools);
	config_free(scene->config);
}

static const char *leaf_word(const struct pool_tree *tree, uint16_t node)
{
	static char word[1100];
	char path[1100], *last;

	pool_path(tree, node, path, sizeof(path));
	last = strrchr(path, ' ');
	snprintf(word, sizeof(word), "%s", last ? last + 1 : path);
	return word;
}

/* What the states say of a leaf. */
static struct pool_yield yield_of(const struct pool_tree *tree, uint16_t node, const char *states)
{
	struct pool_yield yield = {.known = true, .count = 1, .live = 1};
	const char *word = leaf_word(tree, node), *at;

	for (at = strstr(states, word); at; at = strstr(at + 1, word)) {
		size_t len = strlen(word);
		unsigned int ms;

		if (at[len] && at[len] != ' ' && at[len] != '=')
			continue;
		if (at > states && at[-1] == '!')
			yield.live = 0;
		if (at > states && at[-1] == '?')
			yield = (struct pool_yield){0};
		if (at > states && (at[-1] == '-' || at[-1] == '~')) {
			yield.count = yield.live = 0;
			yield.gone = at[-1] == '~';
		}
		if (sscanf(at + len, "=%ums", &ms) == 1)
			yield.latency_us = ms * 1000;
	}
	return yield;
}

static void decide(struct scene *scene, const char *states)
{
	struct pool_input input = {.tree = scene->tree,
	                           .place = scene->place,
	                           .yields = scene->yields,
	                           .memory = scene->memory,
	                           .now_ms = scene->now_ms};

	for (uint16_t node = 0; node < scene->tree->count; node++)
		if (scene->tree->nodes[node].kind != POOL_NODE_POOL)
			scene->yields[node] = yield_of(scene->tree, node, states);
	pool_decide(&input, &scene->decision);
}

static const char *result_text(const struct scene *scene)
{
	static const char *const kinds[] = {"nothing", "together", "weight", "client"};
	const struct pool_decision *decision = &scene->decision;
	static char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", kinds[decision->kind]);

	for (uint16_t i = 0; i < decision->group_count; i++) {
		const struct pool_group *group = &decision->groups[i];

		if (group->node)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			                        " %u:", group->weight);
		for (uint16_t j = 0; j < group->count; j++) {
			uint16_t leaf = decision->leaves[group->first + j];
			uint8_t verdict = decision->verdicts[leaf];
			const char *mark =
			        verdict & POOL_COUNTS
			                ? (verdict & POOL_UP || scene->tree->nodes[leaf].kind ==
			                                                POOL_NODE_RESORT
			                           ? ""
			                           : "*")
			                : "!";

			len += (size_t)snprintf(text + len, sizeof(text) - len, " %s%s", mark,
			                        leaf_word(scene->tree, leaf));
		}
	}
	return text;
}

#define A(n) "{address: 192.0.2." #n "}"

static const char all[] = "- {name: p, members: [" A(1) ", " A(2) ", " A(3) "]}\n";
static const char all2[] = "- {name: p, min-up: 2, members: [" A(1) ", " A(2) ", " A(3) "]}\n";
static const char resort[] =
        "- {name: p, last-resort: [192.0.2.99], members: [" A(1) ", " A(2) "]}\n";
static const char failover[] = "- {name: p, mode: failover, members: [" A(1) ", " A(2) "]}\n";
static const char cdns[] =
        "- {name: p, mode: failover, members: [{aname: a.cdn}, {aname: b.cdn}]}\n";
static const char weights[] = "- {name: p, mode: weighted, members: [{address: 192.0.2.1, weight: "
                              "10}, {address: 192.0.2.2, weight: 5}, "
                              "{address: 192.0.2.3, weight: 0}]}\n";
static const char nested[] =
        "- {name: p, mode: weighted, members: [{pool: q, weight: 1}, {address: 192.0.2.9}]}\n"
        "- {name: q, mode: weighted, members: [" A(1) ", " A(2) "]}\n";
static const char hashed[] = "- {name: p, mode: consistent, members: [" A(
        1) ", {pool: q, weight: 2}]}\n"
           "- {name: q, mode: failover, members: [" A(2) ", " A(3) "]}\n";
static const char geo_cdns[] =
        "- {name: p, mode: geo, policy: w, members: [{aname: a.cdn, region: eu}, "
        "{aname: b.cdn, region: us}]}\n";
/* One region has members together, another a choice. */
static const char geo_shared[] =
        "- {name: p, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "
        "{address: 192.0.2.5, region: eu}, {pool: q, region: us}]}\n"
        "- {name: q, mode: weighted, members: [" A(2) ", " A(3) "]}\n";
static const char geo[] =
        "- {name: p, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "
        "{pool: q, region: us}, {address: 192.0.2.4}]}\n"
        "- {name: q, mode: weighted, members: [" A(2) ", " A(3) "]}\n";
static const char backup[] = "- {name: p, mode: failover, members: [{pool: q}, {pool: r}]}\n"
                             "- {name: q, min-up: 2, members: [" A(1) ", " A(
                                     2) "]}\n"
                                        "- {name: r, members: [" A(3) ", " A(4) "]}\n";
static const char quick[] =
        "- {name: p, mode: latency, margin: 5ms, members: [" A(1) ", " A(2) ", " A(3) "]}\n";

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

/* ---- regions that follow one another ---- */

/* Of the policy w: eu is 1, us 2, as 3. */
#define ORDERED(rest)                                                                              \
	"- {name: p, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "           \
	"{address: 192.0.2.2, region: us}, {address: 192.0.2.3, region: us}, "                     \
	"{address: 192.0.2.4, region: as}" rest "}\n"
static const char ordered[] = ORDERED("]");
static const char ordered_shared[] = ORDERED(", {address: 192.0.2.9}]");
static const char ordered_resort[] = ORDERED("], last-resort: [192.0.2.99]");
static const char ordered_cdns[] =
        "- {name: p, mode: geo, policy: w, members: [{aname: a.cdn, region: eu}, "
        "{aname: b.cdn, region: us}, {aname: c.cdn, region: as}]}\n";
/* Pools that have one by order among their members. */
#define ORDERED_INSIDE(mode, more)                                                                 \
	"- {name: p, mode: " mode ", members: [{pool: q}, {address: 192.0.2.8}]" more "}\n"        \
	"- {name: q, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "           \
	"{address: 192.0.2.2, region: us}, {address: 192.0.2.4, region: as}]}\n"
static const char ordered_backup[] = ORDERED_INSIDE("failover", "");
static const char ordered_quick[] = ORDERED_INSIDE("latency", "");
static const char ordered_two[] = ORDERED_INSIDE("all", ", min-up: 2");
static const char ordered_none[] =
        "- {name: p, mode: geo, policy: w, members: [{aname: c.cdn, region: as}, "
        "{address: 192.0.2.5, region: as}]}\n";

static const struct {
	const char *pools;
	uint32_t order[3];
	const char *states, *result;
} orders[] = {
        {ordered, {1, 2}, "", "together 192.0.2.1"},
        {ordered, {2, 1}, "", "together 192.0.2.2 192.0.2.3"},
        {ordered, {1, 2}, "!192.0.2.1", "together 192.0.2.2 192.0.2.3"},
        {ordered, {1, 3, 2}, "!192.0.2.1", "together 192.0.2.4"},
        {ordered, {1, 3, 2}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.2 192.0.2.3"},
        {ordered, {2, 1}, "!192.0.2.2", "together !192.0.2.2 192.0.2.3"},
        /* Nowhere else than told: the first, as if it were up. */
        {ordered, {1, 3}, "!192.0.2.1 !192.0.2.4", "together *192.0.2.1"},
        {ordered_shared, {1, 3}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.9"},
        {ordered_resort, {1, 3}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.99"},
        /* Without addresses of the family is no reason to go on. */
        {ordered, {1, 2}, "-192.0.2.1", "nothing"},
        {ordered, {1, 3, 2}, "!192.0.2.1 -192.0.2.4", "nothing"},
        {ordered_cdns, {1, 2}, "-a.cdn.", "nothing"},
        {ordered_cdns, {1, 2}, "?a.cdn.", "together b.cdn."},
        {ordered_cdns, {1, 2, 3}, "~a.cdn. ?b.cdn.", "together c.cdn."},
        {ordered_cdns, {1, 2}, "?a.cdn. ?b.cdn.", "nothing"},
        {ordered_resort, {1, 3}, "!192.0.2.1 -192.0.2.4", "together 192.0.2.99"},
        /* What is up where the client is never sent keeps no pool up. */
        {ordered_backup, {1, 2}, "!192.0.2.1", "together 192.0.2.2"},
        {ordered_backup, {1, 2}, "!192.0.2.1 !192.0.2.2", "together 192.0.2.8"},
        {ordered_backup, {1, 2}, "-192.0.2.1 -192.0.2.2", "together 192.0.2.8"},
        {ordered_backup, {1, 2}, "!192.0.2.1 !192.0.2.2 !192.0.2.8", "together *192.0.2.1"},
        {ordered_backup, {2, 3}, "!192.0.2.1 !192.0.2.2", "together 192.0.2.4"},
        {ordered_two, {1, 2}, "!192.0.2.1 !192.0.2.2", "together *192.0.2.1 192.0.2.8"},
        {ordered_quick,
         {1, 2},
         "192.0.2.1=20ms 192.0.2.4=1ms 192.0.2.8=10ms",
         "together 192.0.2.8"},
        {ordered_quick,
         {1, 3},
         "192.0.2.1=20ms 192.0.2.4=1ms 192.0.2.8=10ms",
         "together 192.0.2.1"},
        /* A pool without members for any of them: as for a region without members. */
        {ordered_none, {1, 2}, "", "together c.cdn."},
        {ordered_none, {1, 2}, "!c.cdn.", "together 192.0.2.5"},
        {ordered_none, {1, 2}, "?c.cdn.", "together 192.0.2.5"},
        {ordered_none, {1, 2}, "!c.cdn. !192.0.2.5", "together *c.cdn."},
};

static struct pool_place place_of(const uint32_t order[3])
{
	struct pool_place place = {.region = 9, .order_count = order[2] ? 3 : 2};

	memcpy(place.order, order, place.order_count * sizeof(order[0]));
	return place;
}

static void the_next_region_takes_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct scene scene;

		scene_open(&scene, orders[i].pools);
		scene.place = place_of(orders[i].order);
		decide(&scene, orders[i].states);
		if (strcmp(result_text(&scene), orders[i].result) != 0)
			fail_msg("case %zu: \"%s\" gives \"%s\", not \"%s\"", i, orders[i].states,
			         result_text(&scene), orders[i].result);
		scene_close(&scene);
	}
}

static void nothing_of_an_order_is_panic_only_where_there_is_something(void **state)
{
	static const uint32_t order[3] = {1, 2};
	static const struct {
		const char *pools, *states;
		bool panic;
	} wanted[] = {
	        {ordered_none, "", false},
	        {ordered_none, "!c.cdn. !192.0.2.5", true},
	        {ordered_cdns, "?a.cdn. ?b.cdn.", false},
	        {ordered_cdns, "!a.cdn. !b.cdn.", true},
	        {ordered_backup, "!192.0.2.1 !192.0.2.2", false},
	        {ordered_resort, "!192.0.2.1 !192.0.2.2 !192.0.2.3", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene scene;

		scene_open(&scene, wanted[i].pools);
		scene.place = place_of(order);
		decide(&scene, wanted[i].states);
		if (scene.decision.panic != wanted[i].panic)
			fail_msg("case %zu: panic %d", i, scene.decision.panic);
		scene_close(&scene);
	}
}

/* ---- drawn pools by order, under others, beside a slow reference ---- */

#define DRAWN_SETUPS 120
#define DRAWN_STATES 40

enum fate { FATE_UP, FATE_DOWN, FATE_NONE };

struct drawn_member {
	unsigned int region; /* of a geo pool; 0: none */
	unsigned int number; /* 192.0.2.NUMBER */
	enum fate fate;
};

/* A member of the root: a geo pool, or (without `geo`) an address. */
struct drawn_part {
	bool geo;
	size_t count;
	struct drawn_member members[4];
};

struct drawn {
	bool all; /* the root's mode; else failover */
	size_t count;
	struct drawn_part parts[3];
	uint32_t order[3];
	uint64_t dice;
};

static unsigned int throw_dice(struct drawn *drawn, unsigned int sides)
{
	drawn->dice = drawn->dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(drawn->dice >> 33) % sides;
}

static void draw_pools(struct drawn *drawn)
{
	unsigned int number = 1;

	drawn->all = throw_dice(drawn, 2);
	drawn->count = 1 + throw_dice(drawn, 3);
	for (size_t i = 0; i < drawn->count; i++) {
		struct drawn_part *part = &drawn->parts[i];

		part->geo = !i || throw_dice(drawn, 3);
		part->count = part->geo ? 1 + throw_dice(drawn, 4) : 1;
		/* The first has a region, as one must. */
		for (size_t j = 0; j < part->count; j++)
			part->members[j] = (struct drawn_member){
			        .region = j ? throw_dice(drawn, 4) : 1 + throw_dice(drawn, 3),
			        .number = 10 + number++};
	}
}

static void print_pools(const struct drawn *drawn, char *ret, size_t size)
{
	static const char *const regions[] = {"", ", region: eu", ", region: us", ", region: as"};
	FILE *file = fmemopen(ret, size, "w");

	assert_non_null(file);
	fprintf(file, "- {name: p, mode: %s, members: [", drawn->all ? "all" : "failover");
	for (size_t i = 0; i < drawn->count; i++)
		if (drawn->parts[i].geo)
			fprintf(file, "%s{pool: g%zu}", i ? ", " : "", i);
		else
			fprintf(file, ", {address: 192.0.2.%u}", drawn->parts[i].members[0].number);
	fprintf(file, "]}\n");
	for (size_t i = 0; i < drawn->count; i++) {
		const struct drawn_part *part = &drawn->parts[i];

		if (!part->geo)
			continue;
		fprintf(file, "- {name: g%zu, mode: geo, policy: w, members: [", i);
		for (size_t j = 0; j < part->count; j++)
			fprintf(file, "%s{address: 192.0.2.%u%s}", j ? ", " : "",
			        part->members[j].number, regions[part->members[j].region]);
		fprintf(file, "]}\n");
	}
	fclose(file);
}

static void draw_states(struct drawn *drawn, char *ret, size_t size)
{
	unsigned int first = throw_dice(drawn, 3), step = 1 + throw_dice(drawn, 2);
	size_t len = 0;

	for (unsigned int i = 0; i < 3; i++)
		drawn->order[i] = (first + i * step) % 3 + 1;
	if (throw_dice(drawn, 3))
		drawn->order[2] = 0;
	ret[0] = 0;
	for (size_t i = 0; i < drawn->count; i++)
		for (size_t j = 0; j < drawn->parts[i].count; j++) {
			struct drawn_member *member = &drawn->parts[i].members[j];
			unsigned int side = throw_dice(drawn, 8);

			member->fate = side < 3 ? FATE_UP : side < 7 ? FATE_DOWN : FATE_NONE;
			if (member->fate != FATE_UP)
				len += (size_t)snprintf(ret + len, size - len, "%s192.0.2.%u ",
				                        member->fate == FATE_DOWN ? "!" : "-",
				                        member->number);
		}
}

static bool in_order(const struct drawn *drawn, unsigned int region)
{
	for (size_t i = 0; i < 3; i++)
		if (drawn->order[i] == region && region)
			return true;
	return !region;
}

/* Does the order, or what is for every region, have members at all? */
static bool has_any(const struct drawn *drawn, const struct drawn_part *part)
{
	for (size_t i = 0; i < part->count; i++)
		if (!part->geo || in_order(drawn, part->members[i].region))
			return true;
	return false;
}

/* Of the members that the client may be given: has one of them this fate, or (FATE_DOWN) at least
 * addresses? */
static bool may_give(const struct drawn *drawn, const struct drawn_part *part, enum fate least)
{
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].fate <= least && (!part->geo || !has_any(drawn, part) ||
		                                       in_order(drawn, part->members[i].region)))
			return true;
	return false;
}

static size_t put_member(const struct drawn_member *member, const char *mark, char *ret)
{
	return (size_t)sprintf(ret, " %s192.0.2.%u", member->fate == FATE_UP ? "" : mark,
	                       member->number);
}

/* The members of one region, if one has `least`. 0: none does; SIZE_MAX: it is the other
 * family's. */
static size_t put_region(const struct drawn_part *part, unsigned int region, enum fate least,
                         char *ret)
{
	bool any = false, has = false, wanted = false;
	size_t len = 0;

	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].region == region) {
			any = true;
			has |= part->members[i].fate != FATE_NONE;
			wanted |= part->members[i].fate <= least;
		}
	if (!wanted)
		return any && !has ? SIZE_MAX : 0;
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].region == region && part->members[i].fate != FATE_NONE)
			len += put_member(&part->members[i], least == FATE_UP ? "!" : "*",
			                  ret + len);
	return len;
}

/* `least`: FATE_UP, or FATE_DOWN in panic. */
static size_t put_part(const struct drawn *drawn, const struct drawn_part *part, enum fate least,
                       char *ret)
{
	size_t len = 0;

	if (part->geo && has_any(drawn, part)) {
		for (size_t i = 0; i < 3 && !len; i++)
			if (drawn->order[i])
				len = put_region(part, drawn->order[i], least, ret);
		if (!len)
			len = put_region(part, 0, least, ret);
		return len == SIZE_MAX ? 0 : len;
	}
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].fate <= least)
			return put_member(&part->members[i], "*", ret);
	return 0;
}

static void reference(const struct drawn *drawn, char *ret)
{
	enum fate least = FATE_DOWN;
	size_t len = 0;
	char *to = ret + sprintf(ret, "together");

	for (size_t i = 0; i < drawn->count; i++)
		if (may_give(drawn, &drawn->parts[i], FATE_UP))
			least = FATE_UP;
	for (size_t i = 0; i < drawn->count; i++) {
		const struct drawn_part *part = &drawn->parts[i];

		if (may_give(drawn, part, least)) {
			len += put_part(drawn, part, least, to + len);
			if (!drawn->all)
				break;
		} else if (drawn->all && !part->geo && part->members[0].fate == FATE_DOWN) {
			len += put_member(&part->members[0], "!", to + len);
		}
	}
	if (!len)
		strcpy(ret, "nothing");
}

static void pools_above_pools_by_order_do_as_the_reference(void **state)
{
	struct drawn drawn = {.dice = 1};

	(void)state;
	for (size_t i = 0; i < DRAWN_SETUPS; i++) {
		struct scene scene;
		char pools[4096] = "", states[1024], wanted[1024];

		draw_pools(&drawn);
		print_pools(&drawn, pools, sizeof(pools));
		scene_open(&scene, pools);
		for (size_t j = 0; j < DRAWN_STATES; j++) {
			draw_states(&drawn, states, sizeof(states));
			reference(&drawn, wanted);
			memset(scene.memory, 0, sizeof(scene.memory));
			scene.place = place_of(drawn.order);
			decide(&scene, states);
			if (strcmp(result_text(&scene), wanted) != 0)
				fail_msg("%sorder %u %u %u, \"%s\": \"%s\", not \"%s\"", pools,
				         drawn.order[0], drawn.order[1], drawn.order[2], states,
				         result_text(&scene), wanted);
		}
		scene_close(&scene);
	}
}

static void targets_of_all_its_regions_are_looked_up(void **state)
{
	static const uint32_t order[3] = {1, 3};
	const struct pool_place place = place_of(order), alone = {.region = 1};
	struct scene scene;

	(void)state;
	scene_open(&scene, ordered_cdns);
	assert_false(pool_is_elsewhere(scene.tree, 1, &place));
	assert_true(pool_is_elsewhere(scene.tree, 2, &place));
	assert_false(pool_is_elsewhere(scene.tree, 3, &place));
	assert_true(pool_is_elsewhere(scene.tree, 3, &alone));
	scene_close(&scene);
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
	        cmocka_unit_test(the_next_region_takes_over),
	        cmocka_unit_test(nothing_of_an_order_is_panic_only_where_there_is_something),
	        cmocka_unit_test(pools_above_pools_by_order_do_as_the_reference),
	        cmocka_unit_test(targets_of_all_its_regions_are_looked_up),
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
