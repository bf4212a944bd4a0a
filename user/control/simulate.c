/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/simulate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/units.h"
#include "control/words.h"
#include "steer/audience.h"
#include "steer/geo.h"
#include "steer/share.h"
#include "zone/zones.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define ROWS_SHOWN      10000
#define LABELS_MAX      (2 * POOL_NODES_MAX)
#define CLIENT_LINE_MAX 256

/* What is given out under one name, before and after. */
struct label {
	char text[NAME_TEXT_MAX];
	double before, after;
};

/* A configuration, and how its members are taken to be. */
struct side {
	struct config *config;
	struct geo *geo;
	struct pools *pools;
	const struct pool_tree *tree;
	int policy; /* negative: none */
	struct pool_yield yields[POOL_NODES_MAX];
	uint16_t label[POOL_NODES_MAX]; /* of each leaf */
};

struct client_row {
	char text[NET_TEXT_MAX]; /* as it was given; "": all clients of a region */
	struct network network;
	bool as_subnet;
	double weight;
	const char *region; /* asked for by name */
};

struct run {
	const struct simulate *request;
	struct error *error;
	struct side sides[2];
	bool changes; /* there is an after */
	struct label labels[LABELS_MAX];
	size_t labels_count;
	json_t *rows;
	size_t rows_count;
	double weight, moved;
};

/* ---- the pool ---- */

static uint32_t region_number(const char *policy, const char *region, void *arg)
{
	int number = geo_policy(arg, policy);

	return number < 0 ? 0 : geo_region(arg, (unsigned int)number, region);
}

static const struct config_zone *zone_of(const struct config *config,
                                         const struct config_name *name)
{
	const struct config_zone *best = NULL;

	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *zone = &config->zones[i];

		if (name_under(name->name, name->len, zone->name.name, zone->name.len) &&
		    (!best || zone->name.len > best->name.len))
			best = zone;
	}
	return best;
}

/* The pool that an ANAME (or CNAME) of the owner points to; NULL: there is none. */
static const struct pool_tree *pool_of_node(const struct side *side, const struct zone_node *node)
{
	static const uint16_t types[] = {AN_TYPE_ANAME, AN_TYPE_CNAME};

	for (size_t t = 0; node && t < 2; t++) {
		const struct zone_rrset *set = zone_rrset(node, types[t]);

		for (uint16_t i = 0; set && i < set->count; i++) {
			const struct pool_tree *tree =
			        pools_find(side->pools, set->rdata[i].data, set->rdata[i].len);

			if (tree)
				return tree;
		}
	}
	return NULL;
}

static int pool_of_owner(struct side *side, const struct run *run)
{
	const struct config_name *name = &run->request->name;
	const struct config_zone *settings = zone_of(side->config, name);
	char text[NAME_TEXT_MAX];
	struct zone *zone;
	int err;

	name_to_text(name->name, text);
	if (!settings || !settings->file)
		return error_set(run->error, ENOENT, side->config->path, 0,
		                 "%s is no pool, and in none of the zones that are in files", text);
	err = zone_load_file(settings->name.name, settings->name.len, settings->file,
	                     side->config->aname_type, settings, &zone, run->error);
	if (err)
		return err;
	side->tree = pool_of_node(side, zone_find(zone, name->name, name->len, //
	                                          run->request->type)
	                                        .node);
	zone_free(zone);
	return side->tree ? 0
	                  : error_set(run->error, ENOENT, settings->file, 0,
	                              "%s has no ANAME to a pool", text);
}

/* Without anything assumed: all there, all up. */
static void assume_well(struct side *side, uint16_t type)
{
	uint8_t family = type == AN_TYPE_AAAA ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;

	for (uint16_t i = 0; i < side->tree->count; i++) {
		const struct pool_node *node = &side->tree->nodes[i];

		if (node->kind == POOL_NODE_ANAME || (node->address && //
		                                      node->address->family == family))
			side->yields[i] = (struct pool_yield){.known = true, .count = 1, .live = 1};
	}
}

static int open_side(struct side *side, const char *path, struct run *run)
{
	struct pool_fault fault = {0};
	int err = config_load(path, &side->config, run->error);

	if (!err)
		err = geo_new(side->config, NULL, &side->geo, run->error);
	if (err)
		return err;
	err = pools_new(side->config, region_number, side->geo, &side->pools, &fault);
	if (err)
		return error_set(run->error, -err, path, 0, "%s", fault.text);
	side->tree = pools_find(side->pools, run->request->name.name, run->request->name.len);
	if (!side->tree)
		err = pool_of_owner(side, run);
	if (err)
		return err;
	side->policy = side->tree->policy ? geo_policy(side->geo, side->tree->policy) : -1;
	assume_well(side, run->request->type);
	return 0;
}

static void close_side(struct side *side)
{
	pools_free(side->pools);
	geo_free(side->geo);
	config_free(side->config);
}

/* ---- what is assumed ---- */

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

static int assume_all(struct run *run)
{
	const struct simulate *request = run->request;
	int err = 0;

	for (size_t i = 0; i < request->now_count && !err; i++)
		err = assume(run, request->now[i], 0, false);
	for (size_t i = 0; i < request->assume_count && !err; i++)
		err = assume(run, request->assume[i], 1, true);
	return err;
}

/* ---- labels ---- */

static uint16_t label_of(struct run *run, const char *text)
{
	for (size_t i = 0; i < run->labels_count; i++) {
		if (strcmp(run->labels[i].text, text) == 0)
			return (uint16_t)i;
	}
	snprintf(run->labels[run->labels_count].text, NAME_TEXT_MAX, "%s", text);
	return (uint16_t)run->labels_count++;
}

static void name_leaves(struct run *run, struct side *side)
{
	char text[NAME_TEXT_MAX];

	for (uint16_t i = 0; side->tree && i < side->tree->count; i++) {
		if (side->tree->nodes[i].kind != POOL_NODE_POOL)
			side->label[i] = label_of(run, share_label(side->tree, i, text));
	}
}

/* ---- the decision for one client ---- */

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

	if (row->region && side->policy >= 0) {
		ret->region = row->region;
		return geo_region(side->geo, (unsigned int)side->policy, row->region);
	}
	if (!row->text[0])
		return 0;
	memcpy(source.address, row->network.address, 16);
	memcpy(ecs.address, row->network.address, 16);
	ret->network = audience_client(side->config, row->as_subnet ? &ecs : NULL, &source).network;
	if (side->policy < 0)
		return 0;
	found = geo_find(side->geo, (unsigned int)side->policy, &ret->network);
	ret->region = geo_region_name(side->geo, (unsigned int)side->policy, found.region);
	ret->scope = found.len;
	return found.region;
}

static void decide(const struct side *side, const struct client_row *row, struct outcome *ret)
{
	struct pool_input input = {.tree = side->tree, .yields = side->yields};
	struct share shares[POOL_NODES_MAX];
	struct pool_decision decision;
	size_t count;

	memset(ret, 0, sizeof(*ret));
	input.region = region_of(side, row, ret);
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

static json_t *share_json(double share)
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

static void take_client(struct run *run, const struct client_row *row)
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
	if (run->rows_count++ < ROWS_SHOWN)
		json_array_append_new(run->rows, row_json(run, row, &before, &after));
}

/* ---- clients ---- */

static int parse_client(const char *text, struct client_row *ret)
{
	*ret = (struct client_row){.weight = 1, .as_subnet = strchr(text, '/') != NULL};
	if (strlen(text) >= sizeof(ret->text) || network_parse(text, &ret->network))
		return -EINVAL;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

/* "NETWORK [WEIGHT]", or nothing but blanks and a remark. 1: a client. */
static int parse_line(char *line, struct client_row *ret)
{
	char *rest = line, *word, *end;

	line[strcspn(line, "#\r\n")] = 0;
	do
		word = strsep(&rest, " \t,");
	while (word && !word[0]);
	if (!word)
		return 0;
	if (parse_client(word, ret))
		return -EINVAL;
	do
		word = strsep(&rest, " \t,");
	while (word && !word[0]);
	if (!word)
		return 1;
	ret->weight = strtod(word, &end);
	return *end || !(ret->weight >= 0) || ret->weight > 1e15 ? -EINVAL : 1;
}

static int take_file(struct run *run)
{
	const char *path = run->request->clients_file;
	FILE *file = fopen(path, "re");
	char line[CLIENT_LINE_MAX];
	unsigned int number = 0;
	int err = 0;

	if (!file)
		return error_set(run->error, errno, path, 0, "%s", strerror(errno));
	while (!err && fgets(line, sizeof(line), file)) {
		struct client_row row;
		int found;

		number++;
		found = strchr(line, '\n') || feof(file) ? parse_line(line, &row) : -EINVAL;
		if (found < 0)
			err = error_set(run->error, EINVAL, path, number, "not NETWORK [WEIGHT]");
		else if (found && run->rows_count == SIMULATE_CLIENTS_MAX)
			err = error_set(run->error, E2BIG, path, number, "more than %d clients",
			                SIMULATE_CLIENTS_MAX);
		else if (found)
			take_client(run, &row);
	}
	fclose(file);
	return err;
}

/* One for each region that either side has, or one for everybody. */
static void take_regions(struct run *run)
{
	const struct side *side = &run->sides[run->sides[0].policy < 0 && run->changes];
	struct client_row row = {.weight = 1};

	if (side->policy < 0) {
		take_client(run, &row);
		return;
	}
	for (uint32_t region = 1; region < UINT16_MAX; region++) {
		row.region = geo_region_name(side->geo, (unsigned int)side->policy, region);
		if (!row.region)
			break;
		take_client(run, &row);
	}
}

static int take_clients(struct run *run)
{
	const struct simulate *request = run->request;
	struct client_row row;

	if (!request->clients_count && !request->clients_file) {
		take_regions(run);
		return 0;
	}
	for (size_t i = 0; i < request->clients_count; i++) {
		if (parse_client(request->clients[i], &row))
			return error_set(run->error, EINVAL, NULL, 0,
			                 "`%s' is no address or network", request->clients[i]);
		take_client(run, &row);
	}
	return request->clients_file ? take_file(run) : 0;
}

/* ---- the whole ---- */

static json_t *totals_json(const struct run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->labels_count && run->weight > 0; i++) {
		const struct label *label = &run->labels[i];
		json_t *one = json_pack("{s:s, s:o}", "give", label->text, "before",
		                        share_json(label->before / run->weight));

		if (run->changes)
			SET(one, "after", share_json(label->after / run->weight));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *reply(struct run *run)
{
	json_t *object = json_object();
	char text[NAME_TEXT_MAX];

	SET(object, "name", json_string(name_to_text(run->request->name.name, text)));
	SET(object, "pool", json_string(name_to_text(run->sides[0].tree->pool->name.name, text)));
	SET(object, "type", json_string(run->request->type == AN_TYPE_AAAA ? "AAAA" : "A"));
	SET(object, "count", json_integer((json_int_t)run->rows_count));
	SET(object, "clients", json_incref(run->rows));
	SET(object, "more", json_boolean(run->rows_count > ROWS_SHOWN));
	SET(object, "totals", totals_json(run));
	if (run->changes && run->weight > 0)
		SET(object, "moved", share_json(run->moved / run->weight));
	return object;
}

static int prepare(struct run *run)
{
	const struct simulate *request = run->request;
	int err = open_side(&run->sides[0], request->config, run);

	run->changes = request->against || request->assume_count;
	if (!err && run->changes)
		err = open_side(&run->sides[1],
		                request->against ? request->against : request->config, run);
	if (!err)
		err = assume_all(run);
	if (err)
		return err;
	name_leaves(run, &run->sides[0]);
	name_leaves(run, &run->sides[1]);
	return 0;
}

int simulate(const struct simulate *request, json_t **ret, struct error *error)
{
	struct run *run = calloc(1, sizeof(*run));
	int err;

	if (!run)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	run->request = request;
	run->error = error;
	run->rows = json_array();
	err = prepare(run);
	if (!err)
		err = take_clients(run);
	if (!err)
		*ret = reply(run);
	json_decref(run->rows);
	close_side(&run->sides[0]);
	close_side(&run->sides[1]);
	free(run);
	return err;
}
