/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/simulate_room.h"
#include "control/words.h"
#include "steer/share.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

#define CLIENT_LINE_MAX 256

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

/* ---- clients ---- */

static int parse_client(const char *text, struct client_row *ret)
{
	*ret = (struct client_row){.weight = 1, .as_subnet = strchr(text, '/') != NULL};
	if (strlen(text) >= sizeof(ret->text) || network_parse(text, &ret->network))
		return -EINVAL;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

/* The next word; NULL: there is none. */
static const char *next_word(char **rest)
{
	const char *word;

	do
		word = strsep(rest, " \t,");
	while (word && !word[0]);
	return word;
}

/* "NETWORK [WEIGHT]", or nothing but blanks and a remark. 1: a client. */
static int parse_line(char *line, struct client_row *ret)
{
	char *rest = line, *end;
	const char *word;

	line[strcspn(line, "#\r\n")] = 0;
	word = next_word(&rest);
	if (!word)
		return 0;
	if (parse_client(word, ret))
		return -EINVAL;
	word = next_word(&rest);
	if (!word)
		return 1;
	ret->weight = strtod(word, &end);
	if (*end || !(ret->weight >= 0) || ret->weight > 1e15 || next_word(&rest))
		return -EINVAL;
	return 1;
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
			decide_client(run, &row);
	}
	if (!err && ferror(file))
		err = error_set(run->error, errno, path, 0, "%s", strerror(errno));
	fclose(file);
	return err;
}

/* One for each region that either side has, or one for everybody. */
static void take_regions(struct run *run)
{
	const struct side *side = &run->sides[run->sides[0].policy < 0 && run->changes];
	struct client_row row = {.weight = 1};

	if (side->policy < 0) {
		decide_client(run, &row);
		return;
	}
	for (uint32_t region = 1; region < UINT16_MAX; region++) {
		row.region = geo_region_name(side->geo, (unsigned int)side->policy, region);
		if (!row.region)
			break;
		decide_client(run, &row);
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
		decide_client(run, &row);
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
	SET(object, "more", json_boolean(run->rows_count > SIMULATE_ROWS_SHOWN));
	SET(object, "totals", totals_json(run));
	if (run->changes && run->weight > 0)
		SET(object, "moved", share_json(run->moved / run->weight));
	return object;
}

static int prepare(struct run *run)
{
	const struct simulate *request = run->request;
	int err = side_open(&run->sides[0], request->config, run);

	run->changes = request->against || request->assume_count;
	if (!err && run->changes)
		err = side_open(&run->sides[1],
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
	side_close(&run->sides[0]);
	side_close(&run->sides[1]);
	free(run);
	return err;
}
