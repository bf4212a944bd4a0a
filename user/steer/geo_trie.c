/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary trie of networks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

static uint32_t new_node(struct trie *trie)
{
	if (trie->nodes_count == trie->nodes_room) {
		uint32_t room = trie->nodes_room ? trie->nodes_room * 2 : 64;
		struct trie_node *more = realloc(trie->nodes, room * sizeof(*more));

		if (!more)
			return 0;
		trie->nodes = more;
		trie->nodes_room = room;
	}
	trie->nodes[trie->nodes_count] = (struct trie_node){0};
	return trie->nodes_count++;
}

int trie_init(struct trie *trie)
{
	memset(trie, 0, sizeof(*trie));
	new_node(trie); /* none */
	new_node(trie);
	new_node(trie);
	trie->items_count = 1;
	return trie->nodes_count == 3 ? 0 : -ENOMEM;
}

void trie_done(struct trie *trie)
{
	free(trie->nodes);
	free(trie->items);
	memset(trie, 0, sizeof(*trie));
}

uint32_t trie_node_of(struct trie *trie, const struct network *network)
{
	uint32_t node = trie_root(network->family);

	for (unsigned int i = 0; i < network->len; i++) {
		unsigned int bit = network->address[i / 8] >> (7 - i % 8) & 1;
		uint32_t child = trie->nodes[node].child[bit];

		if (!child) {
			child = new_node(trie);
			if (!child)
				return 0;
			trie->nodes[node].child[bit] = child;
		}
		node = child;
	}
	return node;
}

int trie_add(struct trie *trie, const struct network *network, uint32_t what)
{
	uint32_t node = trie_node_of(trie, network);

	if (!node)
		return -ENOMEM;
	if (trie->items_count >= trie->items_room) {
		uint32_t room = trie->items_room ? trie->items_room * 2 : 64;
		struct trie_item *more = realloc(trie->items, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		trie->items = more;
		trie->items_room = room;
	}
	trie->items[trie->items_count] = (struct trie_item){what, trie->nodes[node].item};
	trie->nodes[node].item = trie->items_count++;
	return 0;
}

struct settling {
	struct trie *trie;
	int64_t (*value)(void *arg, uint32_t above, const struct trie *trie, uint32_t node);
	void *arg;
};

/* No deeper than an address is long. */
static int settle_below(const struct settling *settling, uint32_t node, uint32_t above)
{
	struct trie_node *at = &settling->trie->nodes[node];
	int err = 0;

	at->value = above;
	if (at->item) {
		int64_t value = settling->value(settling->arg, above, settling->trie, node);

		if (value < 0)
			return (int)value;
		at->value = (uint32_t)value;
	}
	for (int i = 0; i < 2 && !err; i++)
		if (at->child[i])
			err = settle_below(settling, at->child[i], at->value);
	return err;
}

int trie_settle(struct trie *trie,
                int64_t (*value)(void *arg, uint32_t above, const struct trie *trie, uint32_t node),
                void *arg)
{
	struct settling settling = {trie, value, arg};
	int err = settle_below(&settling, trie_root(AN_FAMILY_IPV4), 0);

	return err ? err : settle_below(&settling, trie_root(AN_FAMILY_IPV6), 0);
}
