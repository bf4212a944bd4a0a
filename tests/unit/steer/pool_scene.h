/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool_scene - a configuration's pools, and what they decide, as words.
 *
 * Each case is a configuration's pools, states, and what the answer is made
 * of. States: words with "!" before them are down, with "?" before them could
 * not be resolved, with "-" before them have no addresses of the type, with
 * "~" before them do not exist; "=5ms" behind them is their latency. A result
 * is the kind and the groups: leaves that are down and waiting have "!" before
 * them, those that count though down "*".
 */
#ifndef ANAMED_TESTS_POOL_SCENE_H
#define ANAMED_TESTS_POOL_SCENE_H

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

static inline uint32_t region_number(const char *policy, const char *region, void *arg)
{
	static const char *const regions[] = {"eu", "us", "as"};

	(void)policy;
	(void)arg;
	for (uint32_t i = 0; i < 3; i++)
		if (strcmp(regions[i], region) == 0)
			return i + 1;
	return 0;
}

static inline void scene_open(struct scene *scene, const char *text)
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

static inline void scene_close(struct scene *scene)
{
	pools_free(scene->pools);
	config_free(scene->config);
}

static inline const char *leaf_word(const struct pool_tree *tree, uint16_t node)
{
	static char word[1100];
	char path[1100], *last;

	pool_path(tree, node, path, sizeof(path));
	last = strrchr(path, ' ');
	snprintf(word, sizeof(word), "%s", last ? last + 1 : path);
	return word;
}

/* What the states say of a leaf. */
static inline struct pool_yield yield_of(const struct pool_tree *tree, uint16_t node,
                                         const char *states)
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

static inline void decide(struct scene *scene, const char *states)
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

static inline const char *result_text(const struct scene *scene)
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

#endif
