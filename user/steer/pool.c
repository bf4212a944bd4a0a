/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools laid out as trees, once for each configuration. */
#include "steer/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/name.h"

struct pools {
	size_t count;
	struct pool_tree **trees; /* in the order of the configuration */
	struct pool_tree **sorted;
};

/* A tree while it grows. */
struct builder {
	const struct config *config;
	const struct pools *pools;
	pool_region region;
	void *region_arg;
	struct pool_fault *fault;
	size_t root; /* index of the pool whose tree this is */
	const struct config_pool *above[POOL_DEPTH_MAX];
	unsigned int depth;
	bool unites;          /* some pool above gives this member together with others */
	enum pool_mode picks; /* WEIGHTED or CONSISTENT above; else ALL */
	const char *policy;
	bool tailored;
	uint64_t definition;
	uint16_t count;
	struct pool_node nodes[POOL_NODES_MAX];
};

static int __attribute__((format(printf, 4, 5)))
fault_at(struct builder *builder, int member, const char *key, const char *format, ...)
{
	struct pool_fault *fault = builder->fault;
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	fault->pool = builder->root;
	fault->member = member;
	fault->key = key;
	return -EINVAL;
}

static const struct config_pool *find_config(const struct config *config,
                                             const struct config_name *name)
{
	for (size_t i = 0; i < config->pools_count; i++) {
		const struct config_name *other = &config->pools[i].name;

		if (name_equal(other->name, other->len, name->name, name->len))
			return &config->pools[i];
	}
	return NULL;
}

static const struct config_policy *find_policy(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->policies_count; i++)
		if (!strcmp(config->policies[i].name, name))
			return &config->policies[i];
	return NULL;
}

static bool is_among(char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(texts[i], text))
			return true;
	return false;
}

/* Is the region in what the policy says of itself? Tables are not read for that. */
static bool policy_mentions(const struct config_policy *policy, const char *region)
{
	if (policy->table || policy->table_path ||
	    (policy->default_region && !strcmp(policy->default_region, region)) ||
	    is_among(policy->default_then, policy->default_then_count, region) ||
	    is_among(policy->regions, policy->regions_count, region))
		return true;
	for (size_t i = 0; i < policy->rules_count; i++)
		if (!strcmp(policy->rules[i].region, region) ||
		    is_among(policy->rules[i].then, policy->rules[i].then_count, region))
			return true;
	for (size_t i = 0; i < policy->nearest_count; i++)
		if (!strcmp(policy->nearest[i].region, region))
			return true;
	return false;
}

/* ---- what one pool's own settings say ---- */

static unsigned int member_kinds(const struct config_member *member)
{
	return (member->address.family ? 1u : 0) + (member->aname.len ? 1u : 0) +
	       (member->pool.len ? 1u : 0);
}

static int check_member(struct builder *builder, const struct config_pool *pool, size_t index)
{
	const struct config_member *member = &pool->members[index];
	char text[NAME_TEXT_MAX];

	if (member_kinds(member) != 1)
		return fault_at(builder, (int)index, NULL,
		                "a member is one of `address', `aname' and `pool'");
	if (member->ecs.family && !member->aname.len)
		return fault_at(builder, (int)index, "ecs", "ecs: only an `aname' is asked for");
	if (member->pool.len && !find_config(builder->config, &member->pool))
		return fault_at(builder, (int)index, "pool", "pool: there is no pool %s",
		                name_to_text(member->pool.name, text));
	if (pool->mode != POOL_GEO && member->region)
		return fault_at(builder, (int)index, "region", "region: only in mode geo");
	if (member->region &&
	    !policy_mentions(find_policy(builder->config, pool->policy), member->region))
		return fault_at(builder, (int)index, "region",
		                "region: policy %s has no region `%s'", pool->policy,
		                member->region);
	return 0;
}

static int check_weights(struct builder *builder, const struct config_pool *pool)
{
	if (pool->mode != POOL_WEIGHTED && pool->mode != POOL_CONSISTENT)
		return 0;
	for (size_t i = 0; i < pool->members_count; i++)
		if (pool->members[i].weight)
			return 0;
	return fault_at(builder, -1, "members", "members: every weight is 0");
}

static int check_geo(struct builder *builder, const struct config_pool *pool)
{
	if (pool->mode != POOL_GEO)
		return pool->policy ? fault_at(builder, -1, "policy", "policy: only for mode geo")
		                    : 0;
	if (!pool->policy)
		return fault_at(builder, -1, NULL, "`policy' is missing, which mode geo needs");
	if (!find_policy(builder->config, pool->policy))
		return fault_at(builder, -1, "policy", "policy: there is no policy `%s'",
		                pool->policy);
	for (size_t i = 0; i < pool->members_count; i++)
		if (pool->members[i].region)
			return 0;
	return fault_at(builder, -1, "members", "members: none has a `region', in mode geo");
}

static int check_check(struct builder *builder, const struct config_pool *pool)
{
	if (!pool->check || config_find_check(builder->config, pool->check))
		return 0;
	return fault_at(builder, -1, "check", "check: there is no check `%s'", pool->check);
}

static int check_pool(struct builder *builder, const struct config_pool *pool)
{
	char text[NAME_TEXT_MAX];
	int err = 0;

	if (!pool->members_count)
		return fault_at(builder, -1, NULL, "`members' is missing");
	if (find_config(builder->config, &pool->name) != pool)
		return fault_at(builder, -1, "name", "pool %s is listed twice",
		                name_to_text(pool->name.name, text));
	if (pool->min_up > pool->members_count)
		return fault_at(builder, -1, "min-up", "min-up: more than there are members");
	err = check_geo(builder, pool);
	for (size_t i = 0; i < pool->members_count && !err; i++)
		err = check_member(builder, pool, i);
	if (!err)
		err = check_weights(builder, pool);
	return err ? err : check_check(builder, pool);
}

/* ---- what stands inside what ---- */

static int check_above(struct builder *builder, const struct config_pool *pool, int member)
{
	char text[NAME_TEXT_MAX];
	bool picks = pool->mode == POOL_WEIGHTED || pool->mode == POOL_CONSISTENT;

	name_to_text(pool->name.name, text);
	for (unsigned int i = 0; i < builder->depth; i++)
		if (builder->above[i] == pool)
			return fault_at(builder, member, "pool", "pool: %s contains itself", text);
	if (builder->depth == POOL_DEPTH_MAX)
		return fault_at(builder, member, "pool", "pool: more than %d pools deep",
		                POOL_DEPTH_MAX);
	if (picks && builder->unites)
		return fault_at(builder, member, "pool",
		                "pool: %s chooses among its members, so it cannot be given "
		                "together with others",
		                text);
	if (picks && builder->picks != POOL_ALL && builder->picks != pool->mode)
		return fault_at(builder, member, "pool",
		                "pool: %s: modes weighted and consistent do not stand in one "
		                "another",
		                text);
	if (pool->policy && builder->policy && strcmp(pool->policy, builder->policy) != 0)
		return fault_at(builder, member, "pool",
		                "pool: %s goes by policy %s, what it stands in by %s", text,
		                pool->policy, builder->policy);
	return 0;
}

/* Is this member given together with others? In mode geo, with those of its region. */
static bool unites(const struct config_pool *pool, size_t index)
{
	const char *region = pool->members[index].region, *other;

	if (pool->mode == POOL_ALL)
		return pool->members_count > 1;
	for (size_t i = 0; pool->mode == POOL_GEO && i < pool->members_count; i++) {
		other = pool->members[i].region;
		if (i != index && (region && other ? !strcmp(region, other) : region == other))
			return true;
	}
	return false;
}

/* ---- nodes ---- */

static void define(struct builder *builder, const void *data, size_t len)
{
	if (len)
		builder->definition = XXH3_64bits_withSeed(data, len, builder->definition);
}

static void define_text(struct builder *builder, const char *text)
{
	define(builder, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint32_t child_id(uint32_t parent, const void *data, size_t len)
{
	return (uint32_t)(XXH3_64bits_withSeed(data, len, parent) >> 32);
}

static struct pool_node *node_add(struct builder *builder, enum pool_node_kind kind,
                                  uint16_t parent)
{
	struct pool_node *node;

	if (builder->count == POOL_NODES_MAX)
		return NULL;
	node = &builder->nodes[builder->count];
	*node = (struct pool_node){.kind = kind, .parent = parent, .weight = 1};
	node->end = ++builder->count;
	define(builder, &node->kind, sizeof(node->kind));
	define(builder, &parent, sizeof(parent));
	return node;
}

static void define_member(struct builder *builder, const struct config_member *member)
{
	define(builder, &member->address.family, sizeof(member->address.family));
	define(builder, member->address.address, sizeof(member->address.address));
	define(builder, member->aname.name, member->aname.len);
	define(builder, &member->weight, sizeof(member->weight));
	define(builder, &member->ecs, sizeof(member->ecs));
	define_text(builder, member->region);
}

/* Regions are drawn in the order of mention where nobody knows their numbers. */
static uint32_t region_of(struct builder *builder, const struct config_pool *pool,
                          const char *region)
{
	uint32_t number = 0;

	if (pool->mode != POOL_GEO || !region)
		return 0;
	if (builder->region)
		return builder->region(pool->policy, region, builder->region_arg);
	for (size_t i = 0; i < pool->members_count; i++) {
		const char *other = pool->members[i].region;
		bool seen = false;

		for (size_t j = 0; other && j < i && !seen; j++)
			seen = pool->members[j].region && !strcmp(pool->members[j].region, other);
		number += other && !seen;
		if (other && !strcmp(other, region))
			return number;
	}
	return 0;
}

static int lay_pool(struct builder *builder, const struct config_pool *pool, uint16_t parent,
                    const struct config_member *member, int fault_member);

static int too_many(struct builder *builder, int member)
{
	return fault_at(builder, member, "members",
	                "members: more than %d, those of the pools inside included",
	                POOL_NODES_MAX);
}

static int lay_member(struct builder *builder, const struct config_pool *pool, uint16_t parent,
                      size_t index, int fault_member)
{
	const struct config_member *member = &pool->members[index];
	uint32_t above = builder->nodes[parent].id;
	struct pool_node *node;

	define_member(builder, member);
	if (member->pool.len)
		return lay_pool(builder, find_config(builder->config, &member->pool), parent,
		                member, fault_member);
	node = node_add(builder, member->aname.len ? POOL_NODE_ANAME : POOL_NODE_ADDRESS, parent);
	if (!node)
		return too_many(builder, -1);
	node->pool = pool;
	node->member = member;
	node->weight = member->weight;
	node->region = region_of(builder, pool, member->region);
	if (member->aname.len) {
		node->id = child_id(above, member->aname.name, member->aname.len);
		builder->tailored |= !member->ecs.family;
	} else {
		node->address = &member->address;
		node->id = child_id(above, member->address.address, 16);
	}
	return 0;
}

static int lay_resorts(struct builder *builder, const struct config_pool *pool, uint16_t parent)
{
	for (size_t i = 0; i < pool->last_resort_count; i++) {
		struct pool_node *node = node_add(builder, POOL_NODE_RESORT, parent);

		if (!node)
			return too_many(builder, -1);
		node->pool = pool;
		node->address = &pool->last_resort[i];
		node->id = child_id(builder->nodes[parent].id, node->address->address, 16);
		define(builder, &node->address->family, 1);
		define(builder, node->address->address, 16);
	}
	return 0;
}

static void define_pool(struct builder *builder, const struct config_pool *pool)
{
	define(builder, pool->name.name, pool->name.len);
	define(builder, &pool->mode, sizeof(pool->mode));
	define(builder, &pool->min_up, sizeof(pool->min_up));
	define_text(builder, pool->policy);
	define_text(builder, pool->check);
}

/* `fault_member`: at which of the root's members this stands. */
static int lay_pool(struct builder *builder, const struct config_pool *pool, uint16_t parent,
                    const struct config_member *member, int fault_member)
{
	enum pool_mode picks = builder->picks;
	bool united = builder->unites;
	uint16_t at = builder->count;
	struct pool_node *node;
	int err = check_above(builder, pool, fault_member);

	if (err)
		return err;
	node = node_add(builder, POOL_NODE_POOL, parent);
	if (!node)
		return too_many(builder, -1);
	node->pool = pool;
	node->member = member;
	node->weight = member ? member->weight : 1;
	node->region = member ? region_of(builder, builder->nodes[parent].pool, member->region) : 0;
	node->id = child_id(at ? builder->nodes[parent].id : 0, pool->name.name, pool->name.len);
	define_pool(builder, pool);
	builder->above[builder->depth++] = pool;
	if (pool->mode == POOL_WEIGHTED || pool->mode == POOL_CONSISTENT)
		builder->picks = pool->mode;
	if (pool->policy)
		builder->policy = pool->policy;
	for (size_t i = 0; i < pool->members_count && !err; i++) {
		builder->unites = united || unites(pool, i);
		err = lay_member(builder, pool, at, i, at ? fault_member : (int)i);
	}
	if (!err)
		err = lay_resorts(builder, pool, at);
	builder->nodes[at].end = builder->count;
	builder->depth--;
	builder->unites = united;
	builder->picks = picks;
	return err;
}

/* ---- trees ---- */

static struct pool_tree *tree_of(const struct builder *builder, const struct config_pool *pool)
{
	size_t nodes = builder->count * sizeof(builder->nodes[0]);
	struct pool_tree *tree = malloc(sizeof(*tree) + nodes);

	if (!tree)
		return NULL;
	*tree = (struct pool_tree){.pool = pool,
	                           .policy = builder->policy,
	                           .tailored = builder->tailored,
	                           .definition = builder->definition,
	                           .count = builder->count};
	memcpy(tree->nodes, builder->nodes, nodes);
	return tree;
}

static int build(struct builder *builder, struct pool_tree **ret)
{
	const struct config_pool *pool = &builder->config->pools[builder->root];
	int err;

	builder->depth = builder->count = 0;
	builder->unites = builder->tailored = false;
	builder->picks = POOL_ALL;
	builder->policy = NULL;
	builder->definition = 0;
	err = lay_pool(builder, pool, 0, NULL, -1);
	if (err)
		return err;
	*ret = tree_of(builder, pool);
	return *ret ? 0 : -ENOMEM;
}

static int compare_trees(const void *a, const void *b)
{
	const struct pool_tree *const *x = a, *const *y = b;

	return name_compare((*x)->pool->name.name, (*y)->pool->name.name);
}

static struct pools *pools_room(size_t count)
{
	struct pools *pools = calloc(1, sizeof(*pools));

	if (!pools)
		return NULL;
	pools->trees = calloc(count ? count : 1, sizeof(struct pool_tree *));
	pools->sorted = calloc(count ? count : 1, sizeof(struct pool_tree *));
	if (pools->trees && pools->sorted)
		return pools;
	pools_free(pools);
	return NULL;
}

static int build_all(struct builder *builder, struct pools *pools)
{
	const struct config *config = builder->config;
	int err = 0;

	/* Each by itself first: what is wrong with a pool is said there, not where it is used. */
	for (builder->root = 0; builder->root < config->pools_count && !err; builder->root++) {
		err = check_pool(builder, &config->pools[builder->root]);
		if (err)
			return err;
	}
	for (builder->root = 0; builder->root < config->pools_count; builder->root++) {
		err = build(builder, &pools->trees[builder->root]);
		if (err)
			return err;
		pools->count++;
	}
	return 0;
}

int pools_new(const struct config *config, pool_region region, void *arg, struct pools **ret,
              struct pool_fault *fault)
{
	struct builder *builder = calloc(1, sizeof(*builder));
	struct pools *pools = pools_room(config->pools_count);
	int err = builder && pools ? 0 : -ENOMEM;

	if (!err) {
		builder->config = config;
		builder->region = region;
		builder->region_arg = arg;
		builder->fault = fault;
		err = build_all(builder, pools);
	}
	free(builder);
	if (err) {
		pools_free(pools);
		return err;
	}
	if (pools->count) {
		memcpy(pools->sorted, pools->trees, pools->count * sizeof(struct pool_tree *));
		qsort(pools->sorted, pools->count, sizeof(struct pool_tree *), compare_trees);
	}
	*ret = pools;
	return 0;
}

void pools_free(struct pools *pools)
{
	if (!pools)
		return;
	for (size_t i = 0; pools->trees && i < pools->count; i++)
		free(pools->trees[i]);
	free(pools->trees);
	free(pools->sorted);
	free(pools);
}

const struct pool_tree *pools_find(const struct pools *pools, const uint8_t *name, size_t len)
{
	size_t low = 0, high = pools ? pools->count : 0;
	uint8_t lower[NAME_MAX_LEN];

	if (!high || len > sizeof(lower))
		return NULL;
	name_lower(lower, name, len);
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct pool_tree *tree = pools->sorted[middle];
		int order = name_compare(lower, tree->pool->name.name);

		if (!order)
			return tree;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t pools_count(const struct pools *pools)
{
	return pools ? pools->count : 0;
}

const struct pool_tree *pools_at(const struct pools *pools, size_t index)
{
	return pools->trees[index];
}

static bool is_placed(const struct pool_place *place, uint32_t region)
{
	for (size_t i = 0; i < place->order_count; i++)
		if (place->order[i] == region)
			return true;
	return place->region == region;
}

bool pool_is_for(const struct pool_tree *tree, uint16_t node, const struct pool_place *place)
{
	uint32_t region = tree->nodes[node].region;

	return !region || is_placed(place, region);
}

bool pool_has_place(const struct pool_tree *tree, uint16_t pool, const struct pool_place *place)
{
	for (uint16_t child = (uint16_t)(pool + 1); child < tree->nodes[pool].end;
	     child = tree->nodes[child].end)
		if (tree->nodes[child].kind != POOL_NODE_RESORT && pool_is_for(tree, child, place))
			return true;
	return false;
}

bool pool_is_elsewhere(const struct pool_tree *tree, uint16_t node, const struct pool_place *place)
{
	for (; node; node = tree->nodes[node].parent) {
		uint16_t parent = tree->nodes[node].parent;

		if (tree->nodes[parent].pool->mode == POOL_GEO && !pool_is_for(tree, node, place) &&
		    pool_has_place(tree, parent, place))
			return true;
	}
	return false;
}

/* ---- memory ---- */

uint16_t pool_by_id(const struct pool_tree *tree, uint16_t from, uint16_t end, uint32_t id)
{
	while (from < end && tree->nodes[from].id != id)
		from++;
	return from;
}

void pool_recall(const struct pool_tree *tree, uint32_t id, uint32_t choice,
                 const struct pool_memory *said, struct pool_memory *memory)
{
	uint16_t node = pool_by_id(tree, 0, tree->count, id), child = 0;

	if (node == tree->count)
		return;
	if (choice) {
		child = pool_by_id(tree, (uint16_t)(node + 1), tree->nodes[node].end, choice);
		if (child == tree->nodes[node].end || tree->nodes[child].parent != node)
			return;
	}
	memory[node].choice = child;
	memory[node].chosen_ms = said->chosen_ms;
	memory[node].up_since_ms = said->up_since_ms;
}
