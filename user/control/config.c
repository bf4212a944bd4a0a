/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a YAML text to a struct config: places.c reads it once for the lines,
 * libcyaml loads every value as the text that it is (refusing what settings.c
 * does not name), then each text goes through its setting's parser.
 */
#include "control/control.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/check.h"
#include "control/places.h"
#include "control/settings.h"

#define FILE_MAX     (64U << 20)
#define SECTIONS_MAX 16
#define TEXT_MAX     4096

/* One setting as it was written. */
struct raw {
	char *text;
	union {
		char **items;
		struct raw *entries; /* of mappings: each as many as there are settings in them */
	};
	uint32_t items_count;
};

/* One section: an array of entries, each settings' count of struct raw. */
struct raw_section {
	struct raw *entries;
	uint32_t entries_count;
};

/* libcyaml's schema, made from the tables of settings.c. */
struct schema {
	cyaml_schema_field_t nested_fields[NESTED_MAX][SETTINGS_MAX + 1];
	cyaml_schema_value_t nested[NESTED_MAX];
	size_t nested_count;
	cyaml_schema_field_t fields[SECTIONS_MAX][SETTINGS_MAX + 1];
	cyaml_schema_value_t entry[SECTIONS_MAX];
	cyaml_schema_field_t top[SECTIONS_MAX + SETTINGS_MAX + 1];
	cyaml_schema_value_t root;
};

/* What libcyaml fills. */
struct raw_config {
	struct raw_section section[SECTIONS_MAX];
	struct raw top[SETTINGS_MAX];
};

struct load {
	const char *file;
	const char *folder;
	struct places *places;
	struct raw_config *raw;
	struct config *config;
	struct error *error;
};

/* ---- the schema ---- */

static const cyaml_schema_value_t text_value = {.type = CYAML_STRING,
                                                .flags = CYAML_FLAG_POINTER,
                                                .data_size = sizeof(char),
                                                .string = {0, TEXT_MAX}};

static cyaml_schema_field_t field_of(struct schema *schema, const struct setting *setting,
                                     size_t offset);

static cyaml_schema_value_t mapping_of(cyaml_schema_field_t *fields, const struct section *section)
{
	return (cyaml_schema_value_t){.type = CYAML_MAPPING,
	                              .data_size = (uint32_t)(section->count * sizeof(struct raw)),
	                              .mapping = {fields}};
}

/* What is in a list's mappings, which hold no lists themselves. */
static const cyaml_schema_value_t *nested_of(struct schema *schema, const struct section *section)
{
	size_t index = schema->nested_count++;
	cyaml_schema_field_t *fields = schema->nested_fields[index];

	for (size_t i = 0; i < section->count; i++)
		fields[i] = field_of(schema, &section->settings[i], i * sizeof(struct raw));
	schema->nested[index] = mapping_of(fields, section);
	return &schema->nested[index];
}

static cyaml_schema_field_t field_of(struct schema *schema, const struct setting *setting,
                                     size_t offset)
{
	cyaml_schema_field_t field = {.key = setting->key};

	if (setting_is_list(setting)) {
		field.data_offset = (uint32_t)(offset + offsetof(struct raw, items));
		field.count_offset = (uint32_t)(offset + offsetof(struct raw, items_count));
		field.count_size = sizeof(uint32_t);
		field.value.type = CYAML_SEQUENCE;
		field.value.sequence.entry = &text_value;
		field.value.data_size = sizeof(char *);
		if (setting->entries) {
			field.value.sequence.entry = nested_of(schema, setting->entries);
			field.value.data_size = field.value.sequence.entry->data_size;
		}
		field.value.sequence.max = (uint32_t)setting->max;
	} else {
		field.data_offset = (uint32_t)(offset + offsetof(struct raw, text));
		field.value = text_value;
	}
	field.value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
	return field;
}

static cyaml_schema_field_t section_field(const struct section *section,
                                          const cyaml_schema_value_t *entry, size_t offset)
{
	cyaml_schema_field_t field = {.key = section->key, .value = *entry};

	field.data_offset = (uint32_t)(offset + offsetof(struct raw_section, entries));
	if (section->entry_size) {
		field.count_offset =
		        (uint32_t)(offset + offsetof(struct raw_section, entries_count));
		field.count_size = sizeof(uint32_t);
		field.value = (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
		                                     .data_size = entry->data_size};
		field.value.sequence.entry = entry;
		field.value.sequence.max = (uint32_t)section->entries_max;
	}
	field.value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
	return field;
}

static void make_schema(struct schema *schema)
{
	size_t at = 0;

	memset(schema, 0, sizeof(*schema));
	for (size_t i = 0; i < section_top.count; i++)
		schema->top[at++] =
		        field_of(schema, &section_top.settings[i],
		                 offsetof(struct raw_config, top) + i * sizeof(struct raw));
	for (size_t s = 0; s < sections_count; s++) {
		const struct section *section = &sections[s];

		for (size_t i = 0; i < section->count; i++)
			schema->fields[s][i] =
			        field_of(schema, &section->settings[i], i * sizeof(struct raw));
		schema->entry[s] = mapping_of(schema->fields[s], section);
		schema->top[at++] = section_field(section, &schema->entry[s],
		                                  offsetof(struct raw_config, section) +
		                                          s * sizeof(struct raw_section));
	}
	schema->root = (cyaml_schema_value_t){.type = CYAML_MAPPING,
	                                      .flags = CYAML_FLAG_POINTER,
	                                      .data_size = sizeof(struct raw_config),
	                                      .mapping = {schema->top}};
}

/* ---- loading the texts ---- */

/* What libcyaml says: the complaint, then a backtrace whose first line knows the place. */
struct complaint {
	char text[256];
	unsigned int line;
};

static void __attribute__((format(printf, 3, 0)))
take_complaint(cyaml_log_t level, void *arg, const char *format, va_list args)
{
	struct complaint *complaint = arg;
	char line[512], *place;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	place = strstr(line, "(line: ");
	if (place && !complaint->line)
		complaint->line = (unsigned int)strtoul(place + 7, NULL, 10);
	else if (!place && !complaint->text[0])
		snprintf(complaint->text, sizeof(complaint->text), "%.255s",
		         strncmp(line, "Load: ", 6) == 0 ? line + 6 : line);
}

/* The key that it does not know; NULL: it complains about something else. */
static const char *unknown_key(const struct complaint *complaint)
{
	static const char begin[] = "Unexpected key: ";

	return strncmp(complaint->text, begin, strlen(begin)) ? NULL
	                                                      : complaint->text + strlen(begin);
}

/* What libcyaml calls its own parts, as who wrote the file knows them. */
static const char *plain_word(const char *word)
{
	static const char *const words[][2] = {{"STRING", "a single value"},
	                                       {"SCALAR", "a single value or nothing"},
	                                       {"SEQUENCE", "a list"},
	                                       {"MAPPING", "settings (key: value)"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(word, words[i][0], strlen(words[i][0])) == 0)
			return words[i][1];
	return word;
}

static const char *in_plain_words(const struct complaint *complaint, char *ret, size_t size)
{
	const char *expecting = "Expecting ", *got = strstr(complaint->text, "got event: ");
	const char *key = unknown_key(complaint);

	if (key)
		snprintf(ret, size, "unknown key `%s'", key);
	else if (got && strncmp(complaint->text, expecting, strlen(expecting)) == 0)
		snprintf(ret, size, "%s expected, not %s",
		         plain_word(complaint->text + strlen(expecting)),
		         plain_word(got + strlen("got event: ")));
	else
		snprintf(ret, size, "%s", complaint->text);
	return ret;
}

static cyaml_config_t yaml_config(struct complaint *complaint)
{
	return (cyaml_config_t){.log_fn = take_complaint,
	                        .log_ctx = complaint,
	                        .mem_fn = cyaml_mem,
	                        .log_level = CYAML_LOG_ERROR,
	                        .flags = CYAML_CFG_NO_ALIAS};
}

static int load_raw(struct load *load, const struct schema *schema, const char *text, size_t len)
{
	struct complaint complaint = {0};
	cyaml_config_t config = yaml_config(&complaint);
	cyaml_data_t *data = NULL;
	char words[300];
	const char *key;
	cyaml_err_t err;

	err = cyaml_load_data((const uint8_t *)text, len, &config, &schema->root, &data, NULL);
	load->raw = data;
	if (!err)
		return 0;
	/* The place of a key that is unknown is said to be that of the one before it. */
	key = unknown_key(&complaint);
	if (key)
		complaint.line = places_line_of_key(load->places, key, complaint.line);
	return error_set(load->error, err == CYAML_ERR_OOM ? ENOMEM : EINVAL, load->file,
	                 complaint.line, "%s",
	                 complaint.text[0] ? in_plain_words(&complaint, words, sizeof(words))
	                                   : cyaml_strerror(err));
}

static void free_raw(const struct schema *schema, struct raw_config *raw)
{
	struct complaint complaint = {0};
	cyaml_config_t config = yaml_config(&complaint);

	if (raw)
		cyaml_free(&config, &schema->root, raw, 0);
}

/* ---- from texts to values ---- */

static struct setting_place place_at(const struct load *load, unsigned int line)
{
	return (struct setting_place){load->file, load->folder, line, load->config};
}

static int set_settings(struct load *load, const struct section *section, const struct raw *raw,
                        void *base, const char *where, unsigned int line);

/* One mapping of a list, at `where` (without a final slash), on its defaults. */
static int set_entry(struct load *load, const struct section *section, const struct raw *raw,
                     void *entry, const char *where, unsigned int line)
{
	char path[130];
	int err = settings_default(section, entry);

	if (err)
		return error_set(load->error, -err, load->file, line, "out of memory");
	if (section->line_offset)
		memcpy((char *)entry + section->line_offset, &line, sizeof(line));
	snprintf(path, sizeof(path), "%s/", where);
	return set_settings(load, section, raw, entry, path, line);
}

static int set_list_item(struct load *load, const struct setting *setting, const struct raw *raw,
                         void *base, uint32_t index, const char *where)
{
	unsigned int line;
	char path[128];

	snprintf(path, sizeof(path), "%s%s/%u", where, setting->key, index);
	line = places_line(load->places, "%s", path);
	if (!setting->entries) {
		struct setting_place place = place_at(load, line);

		return setting_list_set(setting, base, index, raw->items[index], &place,
		                        load->error);
	}
	return set_entry(load, setting->entries, raw->entries + index * setting->entries->count,
	                 setting_list_entry(setting, base, index), path, line);
}

/* `where` is the path of the mapping, with its final slash. */
static int set_list(struct load *load, const struct setting *setting, const struct raw *raw,
                    void *base, const char *where)
{
	/* An empty list is one, too; a key that is absent leaves the default. */
	unsigned int line = places_line(load->places, "%s%s", where, setting->key);
	int err;

	if (!line)
		return 0;
	if (raw->items_count < setting->min)
		return error_set(load->error, EINVAL, load->file, line, "%s: must not be empty",
		                 setting->key);
	err = setting_list_begin(setting, base, raw->items_count);
	if (err)
		return error_set(load->error, -err, load->file, line, "out of memory");
	for (uint32_t i = 0; i < raw->items_count && !err; i++)
		err = set_list_item(load, setting, raw, base, i, where);
	return err;
}

static int set_settings(struct load *load, const struct section *section, const struct raw *raw,
                        void *base, const char *where, unsigned int line)
{
	int err = 0;

	for (size_t i = 0; i < section->count && !err; i++) {
		const struct setting *setting = &section->settings[i];
		struct setting_place place;

		if (setting_is_list(setting)) {
			err = set_list(load, setting, &raw[i], base, where);
		} else if (raw[i].text) {
			place = place_at(load,
			                 places_line(load->places, "%s%s", where, setting->key));
			err = setting_set(setting, base, raw[i].text, &place, load->error);
		} else if (setting->required) {
			err = error_set(load->error, EINVAL, load->file, line, "`%s' is missing",
			                setting->key);
		}
	}
	return err;
}

static int set_entries(struct load *load, const struct section *section,
                       const struct raw_section *raw)
{
	size_t count = raw->entries_count;
	char *entries = count ? calloc(count, section->entry_size) : NULL;
	char where[64];
	int err = 0;

	if (count && !entries)
		return error_set(load->error, ENOMEM, load->file, 0, "out of memory");
	memcpy((char *)load->config + section->offset, &entries, sizeof(entries));
	memcpy((char *)load->config + section->count_offset, &count, sizeof(count));
	for (size_t i = 0; i < count && !err; i++) {
		char *entry = entries + i * section->entry_size;
		unsigned int line;

		snprintf(where, sizeof(where), "%s/%zu", section->key, i);
		line = places_line(load->places, "%s", where);
		err = set_entry(load, section, raw->entries + i * section->count, entry, where,
		                line);
	}
	return err;
}

static int set_section(struct load *load, size_t index)
{
	const struct section *section = &sections[index];
	const struct raw_section *raw = &load->raw->section[index];
	char where[64];

	if (section->entry_size)
		return set_entries(load, section, raw);
	snprintf(where, sizeof(where), "%s/", section->key);
	if (!raw->entries)
		return 0;
	return set_settings(load, section, raw->entries, load->config, where, 0);
}

/* A default that is relative to the file: `keys' beside it. */
static int set_key_folders(struct load *load)
{
	for (size_t i = 0; i < load->config->zones_count; i++) {
		struct config_zone *zone = &load->config->zones[i];

		if (!zone->dnssec || zone->dnssec_keys)
			continue;
		if (asprintf(&zone->dnssec_keys, "%s/keys", load->folder) < 0) {
			zone->dnssec_keys = NULL;
			return error_set(load->error, ENOMEM, load->file, 0, "out of memory");
		}
	}
	return 0;
}

static int set_all(struct load *load)
{
	int err;

	load->config = config_default();
	if (!load->config)
		return error_set(load->error, ENOMEM, load->file, 0, "out of memory");
	free(load->config->path);
	load->config->path = strdup(load->file);
	if (!load->config->path)
		return error_set(load->error, ENOMEM, load->file, 0, "out of memory");
	err = set_settings(load, &section_top, load->raw->top, load->config, "", 0);
	for (size_t i = 0; i < sections_count && !err; i++)
		err = set_section(load, i);
	return err ? err : set_key_folders(load);
}

/* ---- the file ---- */

/* Reads to the end, so that a pipe does as well as a file. */
static int read_stream(FILE *stream, char **ret, size_t *ret_len)
{
	char *text = NULL, *more;
	size_t len = 0, room = 0;

	do {
		room = room ? room * 2 : 16384;
		more = realloc(text, room);
		if (!more || room > FILE_MAX) {
			free(more ? more : text);
			return more ? -EFBIG : -ENOMEM;
		}
		text = more;
		len += fread(text + len, 1, room - len, stream);
	} while (len == room);
	if (ferror(stream)) {
		int err = errno ? -errno : -EIO;

		free(text);
		return err;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_len, struct error *error)
{
	FILE *stream = fopen(path, "re");
	int err;

	if (!stream)
		return error_set(error, errno, path, 0, "%s", strerror(errno));
	err = read_stream(stream, ret, ret_len);
	fclose(stream);
	return err ? error_set(error, -err, path, 0, "%s", strerror(-err)) : 0;
}

int config_parse(const char *file, const char *text, size_t len, struct config **ret,
                 struct error *error)
{
	struct load load = {.file = file, .error = error};
	char *copy = strdup(file);
	struct schema schema;
	int err;

	if (!copy)
		return error_set(error, ENOMEM, file, 0, "out of memory");
	load.folder = dirname(copy);
	make_schema(&schema);
	err = places_read(file, text, len, &load.places, error);
	if (!err)
		err = load_raw(&load, &schema, text, len);
	if (!err)
		err = set_all(&load);
	if (!err) {
		load.config->user_line = places_line(load.places, "server/user");
		err = config_check(load.config, load.places, error);
	}
	free_raw(&schema, load.raw);
	places_free(load.places);
	free(copy);
	if (err)
		config_free(load.config);
	else
		*ret = load.config;
	return err;
}

int config_load(const char *path, struct config **ret, struct error *error)
{
	char *text = NULL;
	size_t len = 0;
	int err = read_file(path, &text, &len, error);

	if (err)
		return err;
	err = config_parse(path, text, len, ret, error);
	free(text);
	return err;
}

struct config *config_default(void)
{
	struct config *config = calloc(1, sizeof(*config));
	int err = 0;

	if (!config)
		return NULL;
	config->path = strdup("");
	err = config->path ? settings_default(&section_top, config) : -ENOMEM;
	for (size_t i = 0; i < sections_count && !err; i++) {
		if (!sections[i].entry_size)
			err = settings_default(&sections[i], config);
	}
	if (!err)
		return config;
	config_free(config);
	return NULL;
}

static void free_entries(const struct section *section, struct config *config)
{
	char **entries = (char **)(void *)((char *)config + section->offset);
	size_t *count = (size_t *)(void *)((char *)config + section->count_offset);

	for (size_t i = 0; i < *count; i++)
		settings_free(section, *entries + i * section->entry_size);
	free(*entries);
	*entries = NULL;
	*count = 0;
}

void config_forget_zones(struct config *config)
{
	for (size_t i = 0; i < sections_count; i++) {
		if (sections[i].offset == offsetof(struct config, zones))
			free_entries(&sections[i], config);
	}
}

void config_free(struct config *config)
{
	if (!config)
		return;
	settings_free(&section_top, config);
	for (size_t i = 0; i < sections_count; i++) {
		if (sections[i].entry_size)
			free_entries(&sections[i], config);
		else
			settings_free(&sections[i], config);
	}
	free(config->warnings);
	free(config->path);
	free(config);
}
