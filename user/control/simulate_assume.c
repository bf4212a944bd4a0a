/* SPDX-License-Identifier: BSD-2-Clause */
/* "WHO=STATE": how members are taken to be. */
#include <errno.h>
#include <string.h>

#include "control/simulate_room.h"
#include "control/units.h"
#include "control/words.h"

/* Who is meant: what text says before its '='. */
struct who {
	char text[NAME_TEXT_MAX];
	bool is_address, is_name;
	struct network address;
	struct config_name name;
	const char *check; /* of its pool; NULL: any */
	char check_text[NAME_TEXT_MAX];
};

static bool is_called(const struct pool_node *node, const struct who *who)
{
	const char *check = node->pool->check;

	if (node->address)
		return who->is_address && node->address->family == who->address.family &&
		       memcmp(node->address->address, who->address.address, 16) == 0 &&
		       (!who->check || (check && strcmp(check, who->check) == 0));
	if (!who->is_name)
		return false;
	if (node->kind == POOL_NODE_ANAME)
		return name_equal(node->member->aname.name, node->member->aname.len, who->name.name,
		                  who->name.len);
	return name_equal(node->pool->name.name, node->pool->name.len, who->name.name,
	                  who->name.len);
}

static int set_state(struct pool_yield *yield, const char *state)
{
	uint64_t ms;

	if (strcmp(state, "up") == 0)
		*yield = (struct pool_yield){.known = true, .count = 1, .live = 1};
	else if (strcmp(state, "down") == 0)
		*yield = (struct pool_yield){.known = true, .count = 1};
	else if (strcmp(state, "failing") == 0)
		*yield = (struct pool_yield){0};
	else if (strcmp(state, "none") == 0)
		*yield = (struct pool_yield){.known = true};
	else if (units_duration_ms(state, &ms) == 0 && ms <= 60000)
		*yield = (struct pool_yield){
		        .known = true, .count = 1, .live = 1, .latency_us = (uint32_t)ms * 1000};
	else
		return -EINVAL;
	return 0;
}

/* All leaves that are called so, or are in a pool that is. How many; -EINVAL: no such state. */
static int assume_in(struct side *side, const struct who *who, const char *state)
{
	int count = 0;

	for (uint16_t i = 0; i < side->tree->count; i++) {
		const struct pool_node *node = &side->tree->nodes[i];

		if (!is_called(node, who))
			continue;
		for (uint16_t leaf = i; leaf < node->end; leaf++) {
			bool given = side->tree->nodes[leaf].kind == POOL_NODE_ANAME ||
			             side->yields[leaf].known;

			if (side->tree->nodes[leaf].kind == POOL_NODE_POOL)
				continue;
			count++;
			if (given && set_state(&side->yields[leaf], state))
				return -EINVAL;
		}
	}
	return count;
}

static bool is_one_address(const char *text, struct network *ret)
{
	return !network_parse(text, ret) && ret->len == net_family_bits(ret->family);
}

/* "192.0.2.1", "CHECK/192.0.2.1", or a name. False: too long. */
static bool parse_who(const char *text, size_t len, struct who *ret)
{
	const char *slash;

	memset(ret, 0, sizeof(*ret));
	if (len >= sizeof(ret->text))
		return false;
	memcpy(ret->text, text, len);
	slash = strchr(ret->text, '/');
	if (slash) {
		memcpy(ret->check_text, ret->text, (size_t)(slash - ret->text));
		ret->check = ret->check_text;
	}
	ret->is_address = is_one_address(slash ? slash + 1 : ret->text, &ret->address);
	ret->is_name = !slash && !ret->is_address && !words_name(ret->text, &ret->name);
	return true;
}

/* "WHO=STATE" for the sides from `first` on. `must`: it has to be in one of them. */
static int assume(struct run *run, const char *text, size_t first, bool must)
{
	const char *state = strrchr(text, '=');
	struct who who;
	int count = 0;

	if (!state || !parse_who(text, (size_t)(state - text), &who))
		return error_set(run->error, EINVAL, NULL, 0, "`%s' is not WHO=STATE", text);
	for (size_t i = first; i < 2; i++) {
		int found = run->sides[i].tree ? assume_in(&run->sides[i], &who, state + 1) : 0;

		if (found < 0)
			return error_set(run->error, EINVAL, NULL, 0,
			                 "`%s' is no state: up, down, failing, none, or a "
			                 "duration up to 60s",
			                 state + 1);
		count += found;
	}
	return count || !must ? 0
	                      : error_set(run->error, ENOENT, NULL, 0, "`%s' is not in the pool",
	                                  who.text);
}

int assume_all(struct run *run)
{
	const struct simulate *request = run->request;
	int err = 0;

	for (size_t i = 0; i < request->now_count && !err; i++)
		err = assume(run, request->now[i], 0, false);
	for (size_t i = 0; i < request->assume_count && !err; i++)
		err = assume(run, request->assume[i], 1, true);
	return err;
}
