/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policies want to know of a database's records, worked out once for each
 * record: which rules it fits, which region is nearest, which is quickest.
 * Records that are the same in all this are of one class.
 */
#include <stdlib.h>
#include <string.h>

#include "steer/geo_records_room.h"

/* ---- classes ---- */

static size_t class_words(const struct records *records)
{
	return records->words + 2 * records->plan->config->policies_count;
}

static int64_t class_new(struct records *records, const struct mmdb *mmdb, uint32_t record)
{
	size_t policies = records->plan->config->policies_count;
	uint32_t *bits = records->scratch, *quickest = bits + records->words;
	int err;

	memset(bits, 0xff, records->words * sizeof(*bits));
	memset(quickest, 0, 2 * policies * sizeof(*bits));
	if (records->bits % 32)
		bits[records->words - 1] = (UINT32_C(1) << records->bits % 32) - 1;
	err = matchers_fit(records, mmdb, record, bits);
	if (!err)
		err = measure_quickest(records, mmdb, record, quickest);
	if (!err)
		err = measure_nearest(records, mmdb, record, quickest + policies);
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
			                 matcher_key(matcher->subject), records->config->name,
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
	return ret->known ? 0 : records_no_memory(error);
}

/* Class 0: what is not in the database. */
static int open_classes(struct records *records, struct error *error)
{
	records->classes = intern_new(class_words(records));
	records->scratch = calloc(class_words(records) + 1, sizeof(*records->scratch));
	records->hits = calloc(records->words + 1, sizeof(*records->hits));
	if (!records->classes || !records->scratch || !records->hits ||
	    intern_put(records->classes, records->scratch) < 0)
		return records_no_memory(error);
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
			err = measure_points(records, i, error);
		if (!err && policy->table_path)
			err = measure_quicks(records, i, error);
	}
	return err;
}

int records_new(const struct geo_plan *plan, uint32_t index, struct records **ret,
                struct error *error)
{
	struct records *records = calloc(1, sizeof(*records));
	int err;

	if (!records)
		return records_no_memory(error);
	*ret = records;
	records->plan = plan;
	records->config = &plan->config->databases[index];
	records->bits = plan->record_bits[index];
	records->words = geo_bit_words(records->bits);
	measure_paths(records);
	err = open_file(records, records->config->file, &records->file, error);
	if (!err && records->config->file_ipv6)
		err = open_file(records, records->config->file_ipv6, &records->file_ipv6, error);
	if (!err)
		err = matchers_make(records, index, error);
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

void records_free(struct records *records)
{
	if (!records)
		return;
	free_file(&records->file);
	free_file(&records->file_ipv6);
	matchers_done(records);
	for (size_t i = 0; i < AN_POLICIES_MAX; i++) {
		free(records->points[i]);
		free(records->quicks[i]);
		intern_free(records->orders[i].known);
		free(records->orders[i].region);
	}
	intern_free(records->classes);
	free(records->scratch);
	free(records->hits);
	free(records);
}
