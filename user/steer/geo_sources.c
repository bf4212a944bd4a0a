/* SPDX-License-Identifier: BSD-2-Clause */
/* What tells networks apart, each opened. How they are walked is in geo_walk.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

static int no_memory(struct error *error)
{
	return error_set(error, ENOMEM, NULL, 0, "no memory");
}

/* ---- opening ---- */

static bool database_is_asked(const struct geo_plan *plan, uint32_t index)
{
	const struct config *config = plan->config;

	for (size_t i = 0; i < config->policies_count; i++) {
		const struct config_policy *policy = &config->policies[i];

		if ((policy->nearest_count || policy->table_path) &&
		    geo_plan_database(config, policy->database) == index)
			return true;
	}
	return plan->record_bits[index] != 0;
}

static int open_databases(struct sources *sources, struct error *error)
{
	int err = 0;

	sources->records_count = sources->plan.config->databases_count;
	for (uint32_t i = 0; i < sources->records_count && !err && !sources->blind; i++)
		if (database_is_asked(&sources->plan, i))
			err = records_new(&sources->plan, i, &sources->records[i], error);
	return err;
}

static int open_tables(struct sources *sources, struct error *error)
{
	const struct config *config = sources->plan.config;
	int err = 0;

	for (unsigned int i = 0; i < config->policies_count && !err && !sources->blind; i++)
		if (config->policies[i].table)
			err = table_read(config->policies[i].table, sources->plan.numbers[i],
			                 sources->plan.names, &sources->tables[i], error);
	return err;
}

struct settling {
	struct sources *sources;
	uint32_t *words;
};

/* Rules whose networks hold all of this one: those above, and those here. */
static int64_t list_class(void *arg, uint32_t above, const struct trie *trie, uint32_t node)
{
	const struct settling *settling = arg;
	struct intern *classes = settling->sources->lists_classes;
	size_t words = geo_bit_words(settling->sources->plan.list_bits);

	memcpy(settling->words, intern_get(classes, above), words * sizeof(*settling->words));
	for (uint32_t item = trie->nodes[node].item; item; item = trie->items[item].next)
		geo_bit_set(settling->words, trie->items[item].what);
	return intern_put(classes, settling->words);
}

static int add_lists(struct sources *sources)
{
	const struct geo_plan *plan = &sources->plan;
	size_t count = plan->rules_from[plan->config->policies_count];
	int err = trie_init(&sources->lists);

	for (size_t i = 0; i < count && !err; i++) {
		const struct geo_rule *rule = &plan->rules[i];

		for (size_t j = 0; j < rule->config->networks_count && !err; j++)
			err = trie_add(&sources->lists, &rule->config->networks[j], rule->list_bit);
	}
	return err;
}

static int open_lists(struct sources *sources, struct error *error)
{
	size_t words = geo_bit_words(sources->plan.list_bits);
	struct settling settling = {sources, calloc(words + 1, sizeof(uint32_t))};
	int err = -ENOMEM;

	sources->lists_classes = intern_new(words);
	/* Class 0: in no list. */
	if (settling.words && sources->lists_classes &&
	    intern_put(sources->lists_classes, settling.words) >= 0)
		err = add_lists(sources);
	if (!err)
		err = trie_settle(&sources->lists, list_class, &settling);
	free(settling.words);
	return err ? no_memory(error) : 0;
}

static int64_t special_class(void *arg, uint32_t above, const struct trie *trie, uint32_t node)
{
	(void)arg;
	(void)above;
	return trie->items[trie->nodes[node].item].what;
}

static int open_special(struct sources *sources, struct error *error)
{
	const struct config *config = sources->plan.config;
	int err = trie_init(&sources->special);

	for (size_t i = 0; i < config->special_count && !err; i++)
		err = trie_add(&sources->special, &config->special[i], (uint32_t)i + 1);
	if (!err)
		err = trie_settle(&sources->special, special_class, NULL);
	return err ? no_memory(error) : 0;
}

int sources_open(const struct config *config, struct geo_names *names, struct sources *ret,
                 struct error *error)
{
	int err = geo_plan_make(config, names, &ret->plan, error);

	if (!err)
		err = open_tables(ret, error);
	if (!err)
		err = open_databases(ret, error);
	if (!err)
		err = open_lists(ret, error);
	if (!err)
		err = open_special(ret, error);
	ret->count = sources_table(ret, (unsigned int)config->policies_count);
	return err;
}

void sources_close(struct sources *sources)
{
	for (size_t i = 0; i < sources->records_count; i++)
		records_free(sources->records[i]);
	trie_done(&sources->lists);
	trie_done(&sources->special);
	for (size_t i = 0; i < AN_POLICIES_MAX; i++)
		trie_done(&sources->tables[i]);
	intern_free(sources->lists_classes);
	geo_plan_done(&sources->plan);
}
