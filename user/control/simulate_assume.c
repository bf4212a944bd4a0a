/* SPDX-License-Identifier: BSD-2-Clause */
/* How members are taken to be: as checks say, and by "WHO=STATE". */
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

bool assume_state(const char *state, uint32_t far_us, struct pool_yield *ret)
{
	if (strcmp(state, "up") == 0)
		*ret = (struct pool_yield){
		        .known = true, .count = 1, .live = 1, .latency_us = far_us};
	else if (strcmp(state, "down") == 0)
		*ret = (struct pool_yield){.known = true, .count = 1};
	else if (strcmp(state, "failing") == 0)
		*ret = (struct pool_yield){0};
	else if (strcmp(state, "none") == 0)
		*ret = (struct pool_yield){.known = true};
	else
		return false;
	return true;
}

/* A leaf that comes up is as far away as it was. */
static int set_state(struct side *side, uint16_t leaf, const char *state)
{
	uint64_t ms;

	side->assumed[leaf] = true;
	if (assume_state(state, side->far_us[leaf], &side->yields[leaf]))
		return 0;
	if (units_duration_ms(state, &ms) || ms > 60000)
		return -EINVAL;
	assume_state("up", (uint32_t)ms * 1000, &side->yields[leaf]);
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
			if (given && set_state(side, leaf, state))
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

/* "WHO=STATE", of the side after the change. */
static int assume(struct run *run, const char *text)
{
	const char *state = strrchr(text, '=');
	struct who who;
	int count;

	if (!state || !parse_who(text, (size_t)(state - text), &who))
		return error_set(run->error, EINVAL, NULL, 0, "`%s' is not WHO=STATE", text);
	count = assume_in(&run->sides[1], &who, state + 1);
	if (count < 0)
		return error_set(run->error, EINVAL, NULL, 0,
		                 "`%s' is no state: up, down, failing, none, or a duration up to "
		                 "60s",
		                 state + 1);
	return count ? 0
	             : error_set(run->error, ENOENT, NULL, 0, "`%s' is not in the pool", who.text);
}

/* One of the daemon's `states`. */
static void take_state(struct side *side, const json_t *one)
{
	const char *address = json_string_value(json_object_get(one, "address"));
	uint32_t far_us = (uint32_t)json_integer_value(json_object_get(one, "connect_us"));
	bool up = json_is_true(json_object_get(one, "up"));
	struct who who = {.check = json_string_value(json_object_get(one, "check"))};

	who.is_address = who.check && address && is_one_address(address, &who.address);
	for (uint16_t i = 0; side->tree && i < side->tree->count; i++) {
		if (!side->yields[i].known || !is_called(&side->tree->nodes[i], &who))
			continue;
		side->far_us[i] = far_us;
		assume_state(up ? "up" : "down", far_us, &side->yields[i]);
	}
}

int assume_all(struct run *run)
{
	const struct simulate *request = run->request;
	const json_t *one;
	size_t at;
	int err = 0;

	json_array_foreach(request->states, at, one)
	{
		take_state(&run->sides[0], one);
		take_state(&run->sides[1], one);
	}
	for (size_t i = 0; i < request->assume_count && !err; i++)
		err = assume(run, request->assume[i]);
	return err;
}
