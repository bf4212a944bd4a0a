/* SPDX-License-Identifier: BSD-2-Clause */
/* A decision in words, for explain and the simulator. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "steer/pool.h"

#define LINE_MAX_LEN 1024

static const char *const modes[] = {"all", "failover", "weighted", "consistent", "geo", "latency"};

struct tell {
	const struct pool_input *input;
	const struct pool_decision *decision;
	char text[LINE_MAX_LEN];
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) say(struct tell *tell, const char *format, ...)
{
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(tell->text + tell->len, sizeof(tell->text) - tell->len, format, args);
	va_end(args);
	if (more > 0)
		tell->len += (size_t)more;
	if (tell->len >= sizeof(tell->text))
		tell->len = sizeof(tell->text) - 1;
}

/* What a node is called: its name, or its address. */
static const char *node_word(const struct pool_node *node, char ret[NAME_TEXT_MAX])
{
	if (node->kind == POOL_NODE_POOL)
		return name_to_text(node->pool->name.name, ret);
	if (node->kind == POOL_NODE_ANAME)
		return name_to_text(node->member->aname.name, ret);
	return net_address_text(node->address->family, node->address->address, ret);
}

char *pool_path(const struct pool_tree *tree, uint16_t node, char *ret, size_t size)
{
	uint16_t path[POOL_DEPTH_MAX + 2];
	unsigned int depth = 0;
	char word[NAME_TEXT_MAX];
	size_t at = 0;

	for (; depth < POOL_DEPTH_MAX + 1 && node; node = tree->nodes[node].parent)
		path[depth++] = node;
	path[depth++] = 0;
	ret[0] = 0;
	while (depth-- && at < size) {
		int more = snprintf(ret + at, size - at, "%s%s", at ? " / " : "",
		                    node_word(&tree->nodes[path[depth]], word));

		at += more > 0 ? (size_t)more : 0;
	}
	return ret;
}

static void say_pool(struct tell *tell, const struct pool_node *node, unsigned int verdict)
{
	say(tell, ", %s", modes[node->pool->mode]);
	if (node->pool->policy)
		say(tell, " by policy %s", node->pool->policy);
	if (node->pool->min_up > 1)
		say(tell, ", at least %u up", node->pool->min_up);
	if (verdict & POOL_RESORT)
		say(tell, ": no member is up, so the last resort is given");
	else if (verdict & POOL_PANIC)
		say(tell, ": PANIC: too few members are up, so all count as up");
	else if (verdict & POOL_UP)
		say(tell, ": up");
	else
		say(tell, verdict & POOL_HAS ? ": down" : ": no addresses of this type");
}

static void say_leaf(struct tell *tell, uint16_t index, const struct pool_node *node,
                     unsigned int verdict)
{
	const struct pool_yield *yield = &tell->input->yields[index];

	if (!yield->known && node->kind == POOL_NODE_ANAME &&
	    pool_is_elsewhere(tell->input->tree, index, &tell->input->place))
		say(tell, ": not looked up for this region");
	else if (!yield->known)
		say(tell, node->kind == POOL_NODE_ANAME ? ": could not be resolved"
		                                        : ": of the other family");
	else if (yield->gone)
		say(tell, ": the name does not exist");
	else if (!yield->count)
		say(tell, ": no addresses of this type");
	else if (yield->count == 1)
		say(tell, verdict & POOL_UP ? ": up" : ": down");
	else
		say(tell, ": %u of %u addresses up", yield->live, yield->count);
	if (yield->latency_us)
		say(tell, ", %u.%u ms away", yield->latency_us / 1000,
		    yield->latency_us / 100 % 10);
}

static const struct pool_group *group_of(const struct pool_decision *decision, uint16_t node)
{
	for (uint16_t i = 0; i < decision->group_count; i++)
		if (decision->groups[i].node && decision->groups[i].node == node)
			return &decision->groups[i];
	return NULL;
}

static void say_choice(struct tell *tell, uint16_t index, const struct pool_node *node,
                       unsigned int verdict)
{
	const struct pool_group *group = group_of(tell->decision, index);

	if (!index)
		return;
	if (group && verdict & POOL_CHOSEN)
		say(tell, ", weight %u", group->weight);
	if (verdict & POOL_HELD)
		say(tell, "; held back by hold-down");
	if (!(verdict & POOL_CHOSEN))
		say(tell,
		    node->kind == POOL_NODE_RESORT ? "; last resort, not needed" : "; not taken");
	else if (!(verdict & POOL_HAS))
		say(tell, "; taken, which gives none");
	else if (!(verdict & POOL_COUNTS))
		say(tell, "; left out until it is up");
	else
		say(tell, "; taken");
}

static void tell_node(struct tell *tell, uint16_t index)
{
	const struct pool_node *node = &tell->input->tree->nodes[index];
	unsigned int verdict = tell->decision->verdicts[index];
	char word[NAME_TEXT_MAX];

	tell->len = 0;
	if (node->member && node->member->region)
		say(tell, "region %s: ", node->member->region);
	say(tell, "%s%s", node->kind == POOL_NODE_POOL ? "pool " : "", node_word(node, word));
	if (node->kind == POOL_NODE_POOL)
		say_pool(tell, node, verdict);
	else
		say_leaf(tell, index, node, verdict);
	say_choice(tell, index, node, verdict);
}

void pool_tell(const struct pool_input *input, const struct pool_decision *decision,
               void (*line)(const char *text, unsigned int depth, void *arg), void *arg)
{
	struct tell tell = {.input = input, .decision = decision};

	for (uint16_t node = 0; node < input->tree->count; node++) {
		unsigned int depth = 0;

		for (uint16_t above = node; above; above = input->tree->nodes[above].parent)
			depth++;
		tell_node(&tell, node);
		line(tell.text, depth, arg);
	}
}
