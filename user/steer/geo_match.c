/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rules a record fits. */
#include <stdlib.h>
#include <string.h>

#include "steer/geo_records_room.h"

#define COUNTRY_PATHS 2

/* Where the databases that there are keep it: MaxMind's, and flat ones made of them. */
static const char *const subject_paths[][4] = {
        {"continent/code", "continent_code"},  {"country/iso_code", "country_code"},
        {"subdivisions/*/iso_code", "state1"}, {"city/names/en", "city/geoname_id", "city"},
        {"autonomous_system_number", "asn"},
};
static const char *const subject_keys[] = {"continent", "country", "subdivision",
                                           "city",      "asn",     "path"};

const char *matcher_key(enum subject subject)
{
	return subject_keys[subject];
}

const char *matcher_path(enum subject subject, size_t way)
{
	return subject < SUBJECT_PATH && way < PATHS_MAX ? subject_paths[subject][way] : NULL;
}

/* ---- what rules ask ---- */

static struct matcher *matcher_of(struct records *records, enum subject subject,
                                  const char *own_path)
{
	struct matcher *matcher;

	for (size_t i = 0; i < records->matchers_count; i++) {
		matcher = &records->matchers[i];
		if (matcher->subject == subject &&
		    (subject != SUBJECT_PATH || strcmp(matcher->own_path, own_path) == 0))
			return matcher;
	}
	if (records->matchers_count == records->matchers_room)
		return NULL;
	matcher = &records->matchers[records->matchers_count];
	matcher->need = calloc(records->words + 1, sizeof(*matcher->need));
	if (!matcher->need)
		return NULL;
	matcher->subject = subject;
	matcher->own_path = own_path;
	records->matchers_count++;
	return matcher;
}

static int set_paths(struct matcher *matcher)
{
	if (matcher->paths_count)
		return 0;
	if (matcher->subject == SUBJECT_PATH)
		return mmdb_path_parse(matcher->own_path, &matcher->paths[matcher->paths_count++]);
	for (size_t i = 0; i < PATHS_MAX && subject_paths[matcher->subject][i]; i++)
		mmdb_path_parse(subject_paths[matcher->subject][i],
		                &matcher->paths[matcher->paths_count++]);
	return 0;
}

static int want(struct matcher *matcher, const char *text, uint32_t bit)
{
	char *copy;

	if (matcher->wants_count == matcher->wants_room) {
		size_t room = matcher->wants_room ? matcher->wants_room * 2 : 16;
		struct want *more = realloc(matcher->wants, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		matcher->wants = more;
		matcher->wants_room = room;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	matcher->wants[matcher->wants_count++] = (struct want){copy, bit};
	/* cppcheck-suppress memleak */
	return 0;
}

static int ask(struct records *records, const struct geo_rule *rule, enum subject subject,
               char *const *values, size_t count, struct error *error)
{
	struct matcher *matcher;

	if (!count)
		return 0;
	matcher = matcher_of(records, subject, rule->config->path);
	if (!matcher)
		return records_no_memory(error);
	if (set_paths(matcher))
		return error_set(error, EINVAL, records->plan->config->path, rule->config->line,
		                 "path: keys with one slash between them, not `%s'",
		                 rule->config->path);
	if (!matcher->line)
		matcher->line = rule->config->line;
	geo_bit_set(matcher->need, rule->record_bit);
	for (size_t i = 0; i < count; i++)
		if (want(matcher, values[i], rule->record_bit))
			return records_no_memory(error);
	return 0;
}

static int ask_asns(struct records *records, const struct geo_rule *rule, struct error *error)
{
	int err = 0;

	for (size_t i = 0; i < rule->config->asns_count && !err; i++) {
		char text[16], *value = text;

		snprintf(text, sizeof(text), "%u", rule->config->asns[i]);
		err = ask(records, rule, SUBJECT_ASN, &value, 1, error);
	}
	return err;
}

static int ask_all(struct records *records, const struct geo_rule *rule, struct error *error)
{
	const struct config_rule *config = rule->config;
	int err = ask(records, rule, SUBJECT_CONTINENT, config->continents,
	              config->continents_count, error);

	if (!err)
		err = ask(records, rule, SUBJECT_COUNTRY, config->countries,
		          config->countries_count, error);
	if (!err)
		err = ask(records, rule, SUBJECT_SUBDIVISION, config->subdivisions,
		          config->subdivisions_count, error);
	if (!err)
		err = ask(records, rule, SUBJECT_CITY, config->cities, config->cities_count, error);
	if (!err)
		err = ask_asns(records, rule, error);
	if (!err)
		err = ask(records, rule, SUBJECT_PATH, config->values, config->values_count, error);
	return err;
}

static int compare_wants(const void *a, const void *b)
{
	return strcasecmp(((const struct want *)a)->text, ((const struct want *)b)->text);
}

int matchers_make(struct records *records, uint32_t index, struct error *error)
{
	const struct geo_plan *plan = records->plan;
	size_t count = plan->rules_from[plan->config->policies_count];
	int err = 0;

	records->matchers_room = SUBJECT_PATH + 1 + records->bits;
	records->matchers = calloc(records->matchers_room, sizeof(*records->matchers));
	if (!records->matchers)
		return records_no_memory(error);
	for (size_t i = 0; i < count && !err; i++)
		if (plan->rules[i].database == index)
			err = ask_all(records, &plan->rules[i], error);
	for (size_t i = 0; i < records->matchers_count; i++)
		if (records->matchers[i].wants_count)
			qsort(records->matchers[i].wants, records->matchers[i].wants_count,
			      sizeof(struct want), compare_wants);
	return err;
}

/* ---- does a record fit? ---- */

struct fitting {
	struct records *records;
	struct matcher *matcher;
	char country[8]; /* of a subdivision */
};

/* The rules that want this text get their bit among the hits. */
static void hit(const struct fitting *fitting, const char *text)
{
	const struct matcher *matcher = fitting->matcher;
	size_t low = 0, high = matcher->wants_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcasecmp(matcher->wants[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < matcher->wants_count; low++) {
		if (strcasecmp(matcher->wants[low].text, text) != 0)
			break;
		geo_bit_set(fitting->records->hits, matcher->wants[low].bit);
	}
}

static void fit_text(void *arg, const char *text)
{
	struct fitting *fitting = arg;
	char joined[MMDB_TEXT_MAX + 16];

	if (!text[0])
		return;
	fitting->matcher->seen = true;
	if (fitting->matcher->subject == SUBJECT_SUBDIVISION) {
		snprintf(joined, sizeof(joined), "%s-%s", fitting->country, text);
		text = joined;
	} else if (fitting->matcher->subject == SUBJECT_ASN && strncasecmp(text, "AS", 2) == 0) {
		text += 2;
	}
	hit(fitting, text);
}

static void take_country(void *arg, const char *text)
{
	struct fitting *fitting = arg;

	snprintf(fitting->country, sizeof(fitting->country), "%.7s", text);
}

static int find_country(const struct mmdb *mmdb, uint32_t record, struct fitting *fitting)
{
	struct mmdb_path path;
	int err = 0;

	for (size_t i = 0; i < COUNTRY_PATHS && !err && !fitting->country[0]; i++) {
		mmdb_path_parse(subject_paths[SUBJECT_COUNTRY][i], &path);
		err = mmdb_texts(mmdb, record, &path, take_country, fitting);
	}
	return err;
}

static int match(struct records *records, const struct mmdb *mmdb, uint32_t record,
                 struct matcher *matcher, uint32_t *bits)
{
	struct fitting fitting = {.records = records, .matcher = matcher};
	int err = 0;

	memset(records->hits, 0, records->words * sizeof(*bits));
	if (matcher->subject == SUBJECT_SUBDIVISION)
		err = find_country(mmdb, record, &fitting);
	for (size_t i = 0; i < matcher->paths_count && !err; i++)
		err = mmdb_texts(mmdb, record, &matcher->paths[i], fit_text, &fitting);
	for (size_t i = 0; i < records->words; i++)
		bits[i] &= records->hits[i] | ~matcher->need[i];
	return err;
}

/* ---- all matchers ---- */

int matchers_fit(struct records *records, const struct mmdb *mmdb, uint32_t record, uint32_t *bits)
{
	int err = 0;

	for (size_t i = 0; i < records->matchers_count && !err; i++)
		err = match(records, mmdb, record, &records->matchers[i], bits);
	return err;
}

static void free_matcher(struct matcher *matcher)
{
	for (size_t i = 0; i < matcher->wants_count; i++)
		free(matcher->wants[i].text);
	free(matcher->wants);
	free(matcher->need);
}

void matchers_done(struct records *records)
{
	for (size_t i = 0; i < records->matchers_count; i++)
		free_matcher(&records->matchers[i]);
	free(records->matchers);
}
