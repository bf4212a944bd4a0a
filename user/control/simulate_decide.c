/* SPDX-License-Identifier: BSD-2-Clause */
/* What one client gets, before and after. */
#include <math.h>
#include <string.h>

#include "control/simulate_room.h"
#include "steer/audience.h"
#include "steer/share.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

struct outcome {
	struct network network; /* that decides; family 0: nothing is known of it */
	const char *region;     /* NULL: none */
	uint8_t scope;          /* length of the network that the region holds for */
	bool panic, resort;
	double part[LABELS_MAX];
};

static uint32_t region_of(const struct side *side, const struct client_row *row,
                          struct outcome *ret)
{
	struct endpoint source = {.family = row->network.family, .port = 53535};
	struct ecs ecs = {.family = row->network.family, .source = row->network.len};
	struct geo_found found;
	struct client client;

	if (row->region && side->policy >= 0) {
		ret->region = row->region;
		return geo_region(side->geo, (unsigned int)side->policy, row->region);
	}
	if (!row->text[0])
		return 0;
	memcpy(source.address, row->network.address, 16);
	memcpy(ecs.address, row->network.address, 16);
	client = audience_client(side->config, row->as_subnet ? &ecs : NULL, &source);
	ret->network = client.network;
	if (side->policy < 0)
		return 0;
	found = geo_find(side->geo, (unsigned int)side->policy, &client.place);
	ret->region = geo_region_name(side->geo, (unsigned int)side->policy, found.region);
	ret->scope = found.len;
	return found.region;
}

/* Targets that the daemon does not look up for this region give nothing. */
static void leave_out_elsewhere(const struct pool_tree *tree, const struct pool_place *place,
                                struct pool_yield *yields)
{
	for (uint16_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].kind == POOL_NODE_ANAME && pool_is_elsewhere(tree, i, place))
			yields[i] = (struct pool_yield){0};
}

/* As they stand in the daemon, but for what is assumed. */
static void take_targets(const struct side *side, const struct remembered *remembered,
                         struct pool_yield *yields)
{
	for (uint16_t i = 0; i < side->tree->count; i++) {
		const struct pool_yield *said = &remembered->yields[i];

		if (!remembered->stands[i])
			continue;
		if (!side->assumed[i])
			yields[i] = *said;
		else if (yields[i].live && !yields[i].latency_us)
			yields[i].latency_us = said->latency_us;
	}
}

static void decide(const struct side *side, const struct client_row *row, struct outcome *ret)
{
	struct pool_yield yields[POOL_NODES_MAX];
	struct pool_memory memory[POOL_NODES_MAX];
	const struct remembered *remembered;
	struct pool_input input = {.tree = side->tree, .yields = yields, .now_ms = SIMULATE_NOW_MS};
	struct share shares[POOL_NODES_MAX];
	struct pool_decision decision;
	size_t count;

	memset(ret, 0, sizeof(*ret));
	memcpy(yields, side->yields, side->tree->count * sizeof(yields[0]));
	input.place.region = region_of(side, row, ret);
	if (side->policy >= 0)
		input.place.order_count = geo_region_order(side->geo, (unsigned int)side->policy,
		                                           input.place.region, input.place.order);
	remembered = side_recall(side, input.place.region);
	if (remembered) {
		take_targets(side, remembered, yields);
		memcpy(memory, remembered->memory, sizeof(memory));
		input.memory = memory;
	}
	leave_out_elsewhere(side->tree, &input.place, yields);
	pool_decide(&input, &decision);
	count = share_out(&input, &decision, row->text[0] ? &ret->network : NULL, shares);
	for (size_t i = 0; i < count; i++)
		ret->part[side->label[shares[i].leaf]] += shares[i].part;
	ret->panic = decision.panic;
	ret->resort = decision.resort;
}

/* The part of what one gets that is another afterwards. */
static double moved(const struct run *run, const struct outcome *before,
                    const struct outcome *after)
{
	double less = 0, more = 0;

	for (size_t i = 0; i < run->labels_count; i++) {
		double change = after->part[i] - before->part[i];

		less += change < 0 ? -change : 0;
		more += change > 0 ? change : 0;
	}
	return less > more ? less : more;
}

/* ---- as JSON ---- */

json_t *share_json(double share)
{
	return json_real(round(share * 1e6) / 1e6);
}

static json_t *outcome_json(const struct run *run, const struct side *side,
                            const struct outcome *outcome)
{
	json_t *object = json_object(), *gives = json_array();
	char text[NET_TEXT_MAX];

	if (outcome->network.family)
		SET(object, "network", json_string(network_text(&outcome->network, text)));
	if (side->policy >= 0) {
		SET(object, "region", outcome->region ? json_string(outcome->region) : json_null());
		SET(object, "scope", json_integer(outcome->scope));
	}
	for (size_t i = 0; i < run->labels_count; i++) {
		if (outcome->part[i] > 0)
			json_array_append_new(gives,
			                      json_pack("{s:s, s:o}", "give", run->labels[i].text,
			                                "share", share_json(outcome->part[i])));
	}
	SET(object, "gives", gives);
	if (outcome->panic)
		SET(object, "panic", json_true());
	if (outcome->resort)
		SET(object, "last_resort", json_true());
	return object;
}

static json_t *row_json(const struct run *run, const struct client_row *row,
                        const struct outcome *before, const struct outcome *after)
{
	json_t *object = json_object();

	if (row->text[0])
		SET(object, "client", json_string(row->text));
	if (row->weight != 1)
		SET(object, "weight", json_real(row->weight));
	SET(object, "before", outcome_json(run, &run->sides[0], before));
	if (!run->changes)
		return object;
	SET(object, "after", outcome_json(run, &run->sides[1], after));
	SET(object, "moved", share_json(moved(run, before, after)));
	return object;
}

void decide_client(struct run *run, const struct client_row *row)
{
	struct outcome before, after;

	decide(&run->sides[0], row, &before);
	after = before;
	if (run->changes)
		decide(&run->sides[1], row, &after);
	for (size_t i = 0; i < run->labels_count; i++) {
		run->labels[i].before += before.part[i] * row->weight;
		run->labels[i].after += after.part[i] * row->weight;
	}
	run->weight += row->weight;
	run->moved += moved(run, &before, &after) * row->weight;
	if (run->rows_count++ < SIMULATE_ROWS_SHOWN)
		json_array_append_new(run->rows, row_json(run, row, &before, &after));
}
