/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policies want to know of a database's records, worked out once for each
 * record: which rules it fits, which region is nearest, which is quickest.
 * Records that are the same in all this are of one class.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

enum subject {
	SUBJECT_CONTINENT,
	SUBJECT_COUNTRY,
	SUBJECT_SUBDIVISION,
	SUBJECT_CITY,
	SUBJECT_ASN,
	SUBJECT_PATH,
};

/* Where the databases that there are keep it: MaxMind's, and flat ones made of them. */
static const char *const subject_paths[][4] = {
        {"continent/code", "continent_code"},  {"country/iso_code", "country_code"},
        {"subdivisions/*/iso_code", "state1"}, {"city/names/en", "city/geoname_id", "city"},
        {"autonomous_system_number", "asn"},
};
static const char *const subject_keys[] = {"continent", "country", "subdivision",
                                           "city",      "asn",     "path"};

#define COUNTRY_PATHS 2
#define PATHS_MAX     4

struct want {
	char *text;
	uint32_t bit;
};

/* One thing that rules ask of a record: those whose values have it keep their bit. */
struct matcher {
	enum subject subject;
	const char *own_path; /* SUBJECT_PATH */
	struct mmdb_path paths[PATHS_MAX];
	size_t paths_count;
	struct want *wants; /* in the order of the texts */
	size_t wants_count, wants_room;
	uint32_t *need; /* rules that ask for it */
	unsigned int line;
	bool seen; /* some record has any value there */
};

/* A point of the unit sphere, with what its distance is multiplied by. */
struct point {
	double x, y, z, factor;
	uint32_t region;
};

/* Regions by name, for table-path. */
struct quick {
	struct mmdb_path path;
	uint32_t region;
};

struct file {
	struct mmdb *mmdb;
	struct intern *known; /* offsets of records */
	uint32_t *class;      /* of each */
	uint32_t room;
};

struct records {
	const struct geo_plan *plan;
	const struct config_database *config;
	uint32_t bits;
	size_t words; /* of bits */
	struct file file, file_ipv6;
	struct matcher *matchers;
	size_t matchers_count, matchers_room;
	struct mmdb_path latitude[2], longitude[2];
	struct point *points[AN_POLICIES_MAX]; /* NULL: no nearest, or of another database */
	struct quick *quicks[AN_POLICIES_MAX];
	size_t quicks_count[AN_POLICIES_MAX];
	struct intern *classes; /* bits, then quickest and nearest of each policy */
	uint32_t *scratch, *hits;
	bool coordinates;
};

static int no_memory(struct error *error)
{
	return error_set(error, ENOMEM, NULL, 0, "no memory");
}

/* ---- matchers ---- */

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
		return no_memory(error);
	if (set_paths(matcher))
		return error_set(error, EINVAL, records->plan->config->path, rule->config->line,
		                 "path: keys with one slash between them, not `%s'",
		                 rule->config->path);
	if (!matcher->line)
		matcher->line = rule->config->line;
	geo_bit_set(matcher->need, rule->record_bit);
	for (size_t i = 0; i < count; i++)
		if (want(matcher, values[i], rule->record_bit))
			return no_memory(error);
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

static int make_matchers(struct records *records, uint32_t index, struct error *error)
{
	const struct geo_plan *plan = records->plan;
	size_t count = plan->rules_from[plan->config->policies_count];
	int err = 0;

	records->matchers_room = SUBJECT_PATH + 1 + records->bits;
	records->matchers = calloc(records->matchers_room, sizeof(*records->matchers));
	if (!records->matchers)
		return no_memory(error);
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

/* ---- coordinates ---- */

static struct point point_at(double latitude, double longitude)
{
	double phi = latitude * M_PI / 180, lambda = longitude * M_PI / 180;

	return (struct point){.x = cos(phi) * cos(lambda),
	                      .y = cos(phi) * sin(lambda),
	                      .z = sin(phi),
	                      .factor = 1};
}

/* Route 53's formula. */
static double bias_factor(double bias)
{
	return bias > 0 ? 1 - bias / 100 : 1 / (1 + bias / 100);
}

static int make_points(struct records *records, unsigned int policy, struct error *error)
{
	const struct config_policy *config = &records->plan->config->policies[policy];
	struct point *points = calloc(config->nearest_count, sizeof(*points));

	if (!points)
		return no_memory(error);
	for (size_t i = 0; i < config->nearest_count; i++) {
		const struct config_nearest *nearest = &config->nearest[i];

		points[i] = point_at(nearest->latitude, nearest->longitude);
		points[i].factor = bias_factor(nearest->bias);
		points[i].region = (uint32_t)geo_names_region(
		        records->plan->names, records->plan->numbers[policy], nearest->region);
	}
	records->points[policy] = points;
	return 0;
}

/* The angle between two points: with the chord, which is exact for small ones too. */
static double distance(const struct point *a, const struct point *b)
{
	double x = a->x - b->x, y = a->y - b->y, z = a->z - b->z;
	double half = sqrt(x * x + y * y + z * z) / 2;

	return 2 * asin(half < 1 ? half : 1) * b->factor;
}

static uint32_t nearest_of(const struct records *records, unsigned int policy,
                           const struct point *here)
{
	const struct point *points = records->points[policy];
	size_t count = records->plan->config->policies[policy].nearest_count, best = 0;

	for (size_t i = 1; i < count; i++)
		if (distance(here, &points[i]) < distance(here, &points[best]))
			best = i;
	return points[best].region;
}

/* 0, -ENOENT: it has none, -EBADMSG. */
static int find_point(const struct records *records, const struct mmdb *mmdb, uint32_t record,
                      struct point *ret)
{
	double latitude, longitude;
	int err = -ENOENT;

	for (size_t i = 0; i < 2 && err == -ENOENT; i++) {
		err = mmdb_number(mmdb, record, &records->latitude[i], &latitude);
		if (!err)
			err = mmdb_number(mmdb, record, &records->longitude[i], &longitude);
	}
	if (!err)
		*ret = point_at(latitude, longitude);
	return err;
}

static int fit_nearest(struct records *records, const struct mmdb *mmdb, uint32_t record,
                       uint32_t *nearest)
{
	struct point here;
	int err = -ENOENT;
	bool wanted = false;

	for (size_t i = 0; i < records->plan->config->policies_count; i++)
		wanted |= records->points[i] != NULL;
	if (wanted)
		err = find_point(records, mmdb, record, &here);
	if (err)
		return err == -ENOENT ? 0 : err;
	records->coordinates = true;
	for (unsigned int i = 0; i < records->plan->config->policies_count; i++)
		if (records->points[i])
			nearest[i] = nearest_of(records, i, &here);
	return 0;
}

/* ---- milliseconds ---- */

static int make_quicks(struct records *records, unsigned int policy, struct error *error)
{
	const struct config_policy *config = &records->plan->config->policies[policy];
	unsigned int number = records->plan->numbers[policy];
	const struct geo_policy_names *names = &records->plan->names->policies[number];
	struct quick *quicks = calloc(names->regions_count, sizeof(*quicks));
	char path[400];

	if (!quicks)
		return no_memory(error);
	records->quicks[policy] = quicks;
	records->quicks_count[policy] = names->regions_count;
	for (size_t i = 0; i < names->regions_count; i++) {
		snprintf(path, sizeof(path), "%s/%s", config->table_path, names->regions[i]);
		if (mmdb_path_parse(path, &quicks[i].path))
			return error_set(error, EINVAL, records->plan->config->path, config->line,
			                 "table-path: cannot hold region %s", names->regions[i]);
		quicks[i].region = (uint32_t)i + 1;
	}
	return 0;
}

static int fit_quickest(const struct records *records, const struct mmdb *mmdb, uint32_t record,
                        uint32_t *quickest)
{
	for (size_t i = 0; i < records->plan->config->policies_count; i++) {
		double best = INFINITY, ms;

		for (size_t j = 0; j < records->quicks_count[i]; j++) {
			int err = mmdb_number(mmdb, record, &records->quicks[i][j].path, &ms);

			if (err == -EBADMSG)
				return err;
			if (err || !(ms < best))
				continue;
			best = ms;
			quickest[i] = records->quicks[i][j].region;
		}
	}
	return 0;
}

/* ---- classes ---- */

static size_t class_words(const struct records *records)
{
	return records->words + 2 * records->plan->config->policies_count;
}

static int64_t class_new(struct records *records, const struct mmdb *mmdb, uint32_t record)
{
	size_t policies = records->plan->config->policies_count;
	uint32_t *bits = records->scratch, *quickest = bits + records->words;
	int err = 0;

	memset(bits, 0xff, records->words * sizeof(*bits));
	memset(quickest, 0, 2 * policies * sizeof(*bits));
	if (records->bits % 32)
		bits[records->words - 1] = (UINT32_C(1) << records->bits % 32) - 1;
	for (size_t i = 0; i < records->matchers_count && !err; i++)
		err = match(records, mmdb, record, &records->matchers[i], bits);
	if (!err)
		err = fit_quickest(records, mmdb, record, quickest);
	if (!err)
		err = fit_nearest(records, mmdb, record, quickest + policies);
	return err ? err : intern_put(records->classes, bits);
}

static const struct file *file_of(const struct records *records, uint8_t family)
{
	return records->config->file_ipv6 && family == AN_FAMILY_IPV6 ? &records->file_ipv6
	                                                              : &records->file;
}

const struct mmdb *records_mmdb(const struct records *records, uint8_t family)
{
	return file_of(records, family)->mmdb;
}

int64_t records_class(struct records *records, uint8_t family, uint32_t record)
{
	struct file *file = records->config->file_ipv6 && family == AN_FAMILY_IPV6
	                            ? &records->file_ipv6
	                            : &records->file;
	uint32_t before = intern_count(file->known);
	int64_t number = intern_put(file->known, &record), class;

	if (number < 0 || number < before)
		return number < 0 ? number : file->class[number];
	if (number >= file->room) {
		uint32_t room = file->room ? file->room * 2 : 1024;
		uint32_t *more = realloc(file->class, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		file->class = more;
		file->room = room;
	}
	class = class_new(records, file->mmdb, record);
	file->class[number] = class < 0 ? 0 : (uint32_t) class;
	return class;
}

bool records_rule(const struct records *records, uint32_t class, uint32_t bit)
{
	return geo_bit(intern_get(records->classes, class), bit);
}

uint32_t records_quickest(const struct records *records, uint32_t class, unsigned int policy)
{
	return intern_get(records->classes, class)[records->words + policy];
}

uint32_t records_nearest(const struct records *records, uint32_t class, unsigned int policy)
{
	return records_quickest(records, class,
	                        (unsigned int)records->plan->config->policies_count + policy);
}

int records_judge(const struct records *records, struct error *error)
{
	const struct config *config = records->plan->config;

	for (size_t i = 0; i < records->matchers_count; i++) {
		const struct matcher *matcher = &records->matchers[i];

		if (!matcher->seen)
			return error_set(error, EINVAL, config->path, matcher->line,
			                 "%s: no record of database %s (%s) has any%s%s",
			                 subject_keys[matcher->subject], records->config->name,
			                 mmdb_type(records->file.mmdb),
			                 matcher->own_path ? ", at " : "",
			                 matcher->own_path ? matcher->own_path : "");
	}
	for (size_t i = 0; i < config->policies_count; i++) {
		if (records->points[i] && !records->coordinates)
			return error_set(error, EINVAL, config->path, config->policies[i].line,
			                 "nearest: no record of database %s (%s) has coordinates",
			                 records->config->name, mmdb_type(records->file.mmdb));
	}
	return 0;
}

/* ---- opening ---- */

static int open_file(struct records *records, const char *path, struct file *ret,
                     struct error *error)
{
	struct error why = {0};
	int err = mmdb_open(path, &ret->mmdb, &why);

	if (err)
		return error_set(error, -err, records->plan->config->path, records->config->line,
		                 "database %s: %s", records->config->name, why.text);
	ret->known = intern_new(1);
	return ret->known ? 0 : no_memory(error);
}

/* Class 0: what is not in the database. */
static int open_classes(struct records *records, struct error *error)
{
	records->classes = intern_new(class_words(records));
	records->scratch = calloc(class_words(records) + 1, sizeof(*records->scratch));
	records->hits = calloc(records->words + 1, sizeof(*records->hits));
	if (!records->classes || !records->scratch || !records->hits ||
	    intern_put(records->classes, records->scratch) < 0)
		return no_memory(error);
	return 0;
}

static int ask_policies(struct records *records, uint32_t index, struct error *error)
{
	const struct config *config = records->plan->config;
	int err = 0;

	for (unsigned int i = 0; i < config->policies_count && !err; i++) {
		const struct config_policy *policy = &config->policies[i];

		if (geo_plan_database(config, policy->database) != index)
			continue;
		if (policy->nearest_count)
			err = make_points(records, i, error);
		if (!err && policy->table_path)
			err = make_quicks(records, i, error);
	}
	return err;
}

int records_new(const struct geo_plan *plan, uint32_t index, struct records **ret,
                struct error *error)
{
	struct records *records = calloc(1, sizeof(*records));
	int err;

	if (!records)
		return no_memory(error);
	*ret = records;
	records->plan = plan;
	records->config = &plan->config->databases[index];
	records->bits = plan->record_bits[index];
	records->words = geo_bit_words(records->bits);
	mmdb_path_parse("location/latitude", &records->latitude[0]);
	mmdb_path_parse("location/longitude", &records->longitude[0]);
	mmdb_path_parse("latitude", &records->latitude[1]);
	mmdb_path_parse("longitude", &records->longitude[1]);
	err = open_file(records, records->config->file, &records->file, error);
	if (!err && records->config->file_ipv6)
		err = open_file(records, records->config->file_ipv6, &records->file_ipv6, error);
	if (!err)
		err = make_matchers(records, index, error);
	if (!err)
		err = ask_policies(records, index, error);
	return err ? err : open_classes(records, error);
}

static void free_file(struct file *file)
{
	mmdb_close(file->mmdb);
	intern_free(file->known);
	free(file->class);
}

static void free_matcher(struct matcher *matcher)
{
	for (size_t i = 0; i < matcher->wants_count; i++)
		free(matcher->wants[i].text);
	free(matcher->wants);
	free(matcher->need);
}

void records_free(struct records *records)
{
	if (!records)
		return;
	free_file(&records->file);
	free_file(&records->file_ipv6);
	for (size_t i = 0; i < records->matchers_count; i++)
		free_matcher(&records->matchers[i]);
	free(records->matchers);
	for (size_t i = 0; i < AN_POLICIES_MAX; i++) {
		free(records->points[i]);
		free(records->quicks[i]);
	}
	intern_free(records->classes);
	free(records->scratch);
	free(records->hits);
	free(records);
}
