/* SPDX-License-Identifier: BSD-2-Clause */
#include "steer/share.h"

#include <string.h>

#include "anamed/key.h"
#include "base/name.h"

/* Addresses of a leaf that are given out. */
static unsigned int given(const struct pool_input *input, const struct pool_decision *decision,
                          uint16_t leaf)
{
	const struct pool_yield *yield = &input->yields[leaf];
	unsigned int verdict = decision->verdicts[leaf];

	if (!(verdict & POOL_CHOSEN) || !(verdict & POOL_COUNTS))
		return 0;
	/* One that counts though none of it is up counts with all of its addresses. */
	return verdict & POOL_UP ? yield->live : yield->count;
}

static unsigned int group_given(const struct pool_input *input,
                                const struct pool_decision *decision,
                                const struct pool_group *group)
{
	unsigned int sum = 0;

	for (uint16_t i = 0; i < group->count; i++)
		sum += given(input, decision, decision->leaves[group->first + i]);
	return sum;
}

static struct network cut(const struct network *network)
{
	unsigned int len =
	        network->family == AN_FAMILY_IPV6 ? AN_CLIENT_IPV6_LEN : AN_CLIENT_IPV4_LEN;

	return network_of(network->family, network->address,
	                  network->len < len ? network->len : len);
}

/* The group of a client network: the nearest, by weight, of those that give anything. */
static const struct pool_group *group_of_client(const struct pool_input *input,
                                                const struct pool_decision *decision,
                                                const struct network *network)
{
	struct network client = cut(network);
	const struct pool_group *best = NULL;
	uint32_t least = 0;
	uint64_t prefix = an_load8(client.address);

	for (uint16_t i = 0; i < decision->group_count; i++) {
		const struct pool_group *group = &decision->groups[i];
		uint32_t distance = an_client_distance(client.family, prefix,
		                                       input->tree->nodes[group->node].id);

		if (!group_given(input, decision, group))
			continue;
		if (!best || an_client_before(distance, group->weight, least, best->weight)) {
			best = group;
			least = distance;
		}
	}
	return best;
}

static void add_group(const struct pool_input *input, const struct pool_decision *decision,
                      const struct pool_group *group, double part, double ret[POOL_NODES_MAX])
{
	unsigned int all = group_given(input, decision, group);

	for (uint16_t i = 0; all && i < group->count; i++) {
		uint16_t leaf = decision->leaves[group->first + i];

		ret[leaf] += part * given(input, decision, leaf) / all;
	}
}

static double weights(const struct pool_input *input, const struct pool_decision *decision)
{
	double sum = 0;

	for (uint16_t i = 0; i < decision->group_count; i++) {
		if (group_given(input, decision, &decision->groups[i]))
			sum += decision->groups[i].weight;
	}
	return sum;
}

size_t share_out(const struct pool_input *input, const struct pool_decision *decision,
                 const struct network *network, struct share ret[POOL_NODES_MAX])
{
	double part[POOL_NODES_MAX] = {0}, all = weights(input, decision);
	const struct pool_group *only = NULL;
	size_t count = 0;

	if (network && decision->kind == POOL_BY_CLIENT)
		only = group_of_client(input, decision, network);
	for (uint16_t i = 0; all > 0 && i < decision->group_count; i++) {
		const struct pool_group *group = &decision->groups[i];

		if (!only)
			add_group(input, decision, group, group->weight / all, part);
		else if (group == only)
			add_group(input, decision, group, 1, part);
	}
	for (uint16_t leaf = 0; leaf < input->tree->count; leaf++) {
		if (part[leaf] > 0)
			ret[count++] = (struct share){leaf, part[leaf]};
	}
	return count;
}

char *share_label(const struct pool_tree *tree, uint16_t leaf, char ret[NAME_TEXT_MAX])
{
	const struct pool_node *node = &tree->nodes[leaf];

	if (node->kind == POOL_NODE_ANAME)
		name_to_text(node->member->aname.name, ret);
	else if (node->address)
		net_address_text(node->address->family, node->address->address, ret);
	else
		name_to_text(node->pool->name.name, ret);
	return ret;
}
