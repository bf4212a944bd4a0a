/* SPDX-License-Identifier: BSD-2-Clause */
/* near - when the next result of a check may change an answer. */
#include <string.h>

#include "answer/cells.h"

#define TRIED_MOST 8 /* leaves; of more, every change counts */

/* One leaf with addresses that are one result away from a change. */
struct near_leaf {
	uint16_t node;
	uint16_t live; /* once they have changed */
	uint64_t when_ms;
};

struct near {
	const struct pool_input *input;
	const struct pool_decision *decision;
	struct near_leaf leaves[POOL_NODES_MAX];
	size_t count;
	struct pool_yield yields[POOL_NODES_MAX];
	struct pool_memory memory[POOL_NODES_MAX];
	struct pool_decision other;
};

static void look_at(struct near *near, const struct harvest *harvest,
                    const struct harvest_leaf *leaf)
{
	struct near_leaf found = {.node = leaf->node, .when_ms = UINT64_MAX};
	int live = near->input->yields[leaf->node].live;

	for (uint16_t i = 0; i < leaf->count; i++) {
		const struct seat *seat = harvest->seats[leaf->first + i];
		struct health_state state = {0};

		if (seat)
			health_state(seat->watch, &state);
		if (!state.near)
			continue;
		live += seat->up ? -1 : 1;
		if (state.next_change_ms < found.when_ms)
			found.when_ms = state.next_change_ms;
	}
	if (found.when_ms == UINT64_MAX || near->count == POOL_NODES_MAX)
		return;
	found.live = (uint16_t)live;
	near->leaves[near->count++] = found;
}

/* Would the same be decided, were these leaves as they may soon be? */
static bool is_indifferent(struct near *near, const struct near_leaf *leaves, size_t count)
{
	struct pool_input input = *near->input;

	memcpy(near->yields, input.yields, input.tree->count * sizeof(*near->yields));
	memcpy(near->memory, input.memory, input.tree->count * sizeof(*near->memory));
	for (size_t i = 0; i < count; i++)
		near->yields[leaves[i].node].live = leaves[i].live;
	input.yields = near->yields;
	input.memory = near->memory;
	pool_decide(&input, &near->other);
	return pool_decision_same(near->decision, &near->other);
}

static bool matters(struct near *near, const struct near_leaf *leaf)
{
	return near->decision->verdicts[leaf->node] & POOL_CHOSEN || near->count > TRIED_MOST ||
	       !is_indifferent(near, leaf, 1);
}

uint64_t near_change(const struct harvest *harvest, const struct pool_input *input,
                     const struct pool_decision *decision)
{
	uint64_t all_ms = UINT64_MAX, when_ms = UINT64_MAX;
	struct near near;

	near.input = input;
	near.decision = decision;
	near.count = 0;
	for (uint16_t i = 0; i < harvest->leaf_count; i++)
		if (harvest->leaves[i].node != HARVEST_BESIDE)
			look_at(&near, harvest, &harvest->leaves[i]);
	for (size_t i = 0; i < near.count; i++) {
		uint64_t leaf_ms = near.leaves[i].when_ms;

		if (leaf_ms < all_ms)
			all_ms = leaf_ms;
		if (leaf_ms < when_ms && matters(&near, &near.leaves[i]))
			when_ms = leaf_ms;
	}
	/* None by itself, but perhaps all together. */
	if (near.count > 1 && when_ms == UINT64_MAX &&
	    !is_indifferent(&near, near.leaves, near.count))
		return all_ms;
	return when_ms;
}
