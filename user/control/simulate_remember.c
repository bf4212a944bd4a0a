/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon's pools chose last, and how targets stand there, for the nodes that a side's pool
 * has too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/simulate_room.h"

/* 0: it is not said. */
static uint32_t id_of(const json_t *node, const char *key)
{
	const json_t *id = json_object_get(json_object_get(node, key), "id");

	return (uint32_t)json_integer_value(id);
}

static uint64_t before_now(const json_t *node, const char *key)
{
	const json_t *ago = json_object_get(node, key);

	return ago ? SIMULATE_NOW_MS - (uint64_t)json_integer_value(ago) : 0;
}

static void recall_target(const struct side *side, const json_t *node, struct remembered *ret)
{
	const char *state = json_string_value(json_object_get(node, "state"));
	json_int_t far_us = json_integer_value(json_object_get(node, "connect_us"));
	uint16_t at = pool_by_id(side->tree, 0, side->tree->count, id_of(node, "node"));

	if (!state || at == side->tree->count || side->tree->nodes[at].kind != POOL_NODE_ANAME)
		return;
	ret->stands[at] = assume_state(state, (uint32_t)far_us, &ret->yields[at]);
}

static void recall_nodes(const struct side *side, const json_t *nodes, struct remembered *ret)
{
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		const struct pool_memory said = {.chosen_ms = before_now(node, "chosen_ms_ago"),
		                                 .up_since_ms = before_now(node, "up_ms_ago")};

		pool_recall(side->tree, id_of(node, "node"), id_of(node, "choice"), &said,
		            ret->memory);
		recall_target(side, node, ret);
	}
}

/* Is it of the request's type, and of a region that the side has, if of any? */
static bool is_ours(const struct side *side, const struct run *run, const json_t *one,
                    uint32_t *ret_region)
{
	const char *type = json_string_value(json_object_get(one, "type"));
	const char *region = json_string_value(json_object_get(one, "region"));

	if (!type || strcmp(type, run->request->type == AN_TYPE_AAAA ? "AAAA" : "A") != 0)
		return false;
	*ret_region = region && side->policy >= 0
	                      ? geo_region(side->geo, (unsigned int)side->policy, region)
	                      : 0;
	return !region || *ret_region;
}

int side_remember(struct side *side, const struct run *run)
{
	const json_t *choices = run->request->choices, *one;
	uint32_t region;
	size_t i;

	side->remembered = calloc(json_array_size(choices) + 1, sizeof(*side->remembered));
	if (!side->remembered)
		return error_set(run->error, ENOMEM, NULL, 0, "out of memory");
	json_array_foreach(choices, i, one)
	{
		struct remembered *remembered = &side->remembered[side->remembered_count];

		if (!is_ours(side, run, one, &region))
			continue;
		remembered->region = region;
		recall_nodes(side, json_object_get(one, "nodes"), remembered);
		side->remembered_count++;
	}
	return 0;
}

const struct remembered *side_recall(const struct side *side, uint32_t region)
{
	for (size_t i = 0; i < side->remembered_count; i++)
		if (side->remembered[i].region == region)
			return &side->remembered[i];
	return NULL;
}
