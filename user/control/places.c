/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX    8
#define PATH_MAX_LEN 256

struct place {
	char *path;
	unsigned int line;
};

struct places {
	struct place *place;
	size_t count, room;
};

/* A mapping or list that is open. */
struct level {
	bool list;
	bool have_key; /* a mapping whose next scalar is a value */
	size_t index;  /* of the next list entry */
	size_t path_len;
};

struct pass {
	const char *file;
	const char *text;
	size_t len;
	struct error *error;
	struct places *places;
	struct level level[DEPTH_MAX];
	size_t depth;
	size_t documents;
	char path[PATH_MAX_LEN];
};

static unsigned int line_of(const yaml_event_t *event)
{
	return (unsigned int)event->start_mark.line + 1;
}

static int add_place(struct pass *pass, unsigned int line)
{
	struct places *places = pass->places;

	if (places->count == places->room) {
		size_t room = places->room ? places->room * 2 : 64;
		struct place *more = realloc(places->place, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		places->place = more;
		places->room = room;
	}
	places->place[places->count].path = strdup(pass->path);
	if (!places->place[places->count].path)
		return -ENOMEM;
	places->place[places->count++].line = line;
	return 0;
}

/* Makes pass->path that of `part` inside the innermost level. */
static int set_path(struct pass *pass, const char *part, unsigned int line)
{
	const struct level *level = &pass->level[pass->depth - 1];
	size_t room = sizeof(pass->path) - level->path_len;
	int len = snprintf(pass->path + level->path_len, room, "%s%s", level->path_len ? "/" : "",
	                   part);

	if (len < 0 || (size_t)len >= room)
		return error_set(pass->error, EINVAL, pass->file, line, "key too long");
	return add_place(pass, line);
}

/* A value begins: it is the document's root, a list entry, or what belongs to the last key. */
static int begin_value(struct pass *pass, const yaml_event_t *event)
{
	struct level *level;
	char number[24];

	if (!pass->depth)
		return 0;
	level = &pass->level[pass->depth - 1];
	if (!level->list) {
		if (!level->have_key)
			return error_set(pass->error, EINVAL, pass->file, line_of(event),
			                 "a key must be a plain word");
		level->have_key = false;
		return 0;
	}
	snprintf(number, sizeof(number), "%zu", level->index++);
	return set_path(pass, number, line_of(event));
}

static int begin_level(struct pass *pass, const yaml_event_t *event, bool list)
{
	int err = begin_value(pass, event);

	if (err)
		return err;
	if (list && !pass->depth)
		return error_set(pass->error, EINVAL, pass->file, line_of(event),
		                 "settings (key: value) expected");
	if (pass->depth == DEPTH_MAX)
		return error_set(pass->error, EINVAL, pass->file, line_of(event),
		                 "nested deeper than any setting");
	pass->level[pass->depth++] = (struct level){.list = list, .path_len = strlen(pass->path)};
	return 0;
}

static void end_level(struct pass *pass)
{
	pass->path[pass->level[--pass->depth].path_len] = 0;
}

static int take_scalar(struct pass *pass, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct level *level = pass->depth ? &pass->level[pass->depth - 1] : NULL;

	if (strlen(text) != event->data.scalar.length)
		return error_set(pass->error, EINVAL, pass->file, line_of(event),
		                 "a NUL octet in a value");
	if (!level)
		return error_set(pass->error, EINVAL, pass->file, line_of(event),
		                 "settings (key: value) expected");
	if (level->list || level->have_key)
		return begin_value(pass, event);
	level->have_key = true;
	return set_path(pass, text, line_of(event));
}

static int refuse_anchor(struct pass *pass, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;

	if (event->type == YAML_SCALAR_EVENT)
		anchor = event->data.scalar.anchor;
	else if (event->type == YAML_MAPPING_START_EVENT)
		anchor = event->data.mapping_start.anchor;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		anchor = event->data.sequence_start.anchor;
	if (!anchor && event->type != YAML_ALIAS_EVENT)
		return 0;
	return error_set(pass->error, EINVAL, pass->file, line_of(event),
	                 "anchors and aliases are not supported");
}

static int take_event(struct pass *pass, const yaml_event_t *event)
{
	int err = refuse_anchor(pass, event);

	if (err)
		return err;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (pass->documents++)
			return error_set(pass->error, EINVAL, pass->file, line_of(event),
			                 "a second document");
		return 0;
	case YAML_MAPPING_START_EVENT:
		return begin_level(pass, event, false);
	case YAML_SEQUENCE_START_EVENT:
		return begin_level(pass, event, true);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		end_level(pass);
		return 0;
	case YAML_SCALAR_EVENT:
		return take_scalar(pass, event);
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Sorts, and refuses the first key that is given twice. */
static int finish(struct pass *pass)
{
	struct places *places = pass->places;
	const struct place *twice = NULL;

	if (!places->count)
		return error_set(pass->error, EINVAL, pass->file, 1, "no settings");
	qsort(places->place, places->count, sizeof(*places->place), compare);
	for (size_t i = 1; i < places->count; i++) {
		const struct place *place = &places->place[i];

		if (strcmp(place->path, places->place[i - 1].path) == 0 &&
		    (!twice || place->line < twice->line))
			twice = place;
	}
	if (!twice)
		return 0;
	return error_set(pass->error, EINVAL, pass->file, twice->line, "`%s' is given twice",
	                 last_part(twice->path));
}

/* The parser knows the octet alone, where it cannot read the text at all. */
static unsigned int line_at(const struct pass *pass, size_t offset)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset && i < pass->len; i++)
		line += pass->text[i] == '\n';
	return line;
}

static int syntax_error(struct pass *pass, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return error_set(pass->error, EINVAL, pass->file,
		                 line_at(pass, parser->problem_offset), "%s", parser->problem);
	return error_set(pass->error, EINVAL, pass->file,
	                 (unsigned int)parser->problem_mark.line + 1, "%s%s%s", parser->problem,
	                 parser->context ? " " : "", parser->context ? parser->context : "");
}

static int read_events(struct pass *pass, yaml_parser_t *parser)
{
	bool end = false;
	int err = 0;

	while (!end && !err) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return syntax_error(pass, parser);
		err = take_event(pass, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return err;
}

int places_read(const char *file, const char *text, size_t len, struct places **ret,
                struct error *error)
{
	struct places *places = calloc(1, sizeof(*places));
	struct pass pass = {
	        .file = file, .text = text, .len = len, .error = error, .places = places};
	yaml_parser_t parser;
	int err = -ENOMEM;

	if (!places)
		return error_set(error, ENOMEM, file, 0, "out of memory");
	if (!yaml_parser_initialize(&parser))
		goto free_places;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	err = read_events(&pass, &parser);
	yaml_parser_delete(&parser);
	if (!err)
		err = finish(&pass);
	if (err)
		goto free_places;
	*ret = places;
	return 0;

free_places:
	places_free(places);
	return err == -ENOMEM ? error_set(error, ENOMEM, file, 0, "out of memory") : err;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	for (size_t i = 0; i < places->count; i++)
		free(places->place[i].path);
	free(places->place);
	free(places);
}

unsigned int places_line(const struct places *places, const char *format, ...)
{
	char path[PATH_MAX_LEN];
	struct place key = {.path = path};
	const struct place *found;
	size_t low = 0, high = places->count;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(key.path, places->place[middle].path);

		found = &places->place[middle];
		if (!order)
			return found->line;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

unsigned int places_line_of_key(const struct places *places, const char *key, unsigned int line)
{
	unsigned int best = 0;

	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->place[i];

		if (place->line >= line && (!best || place->line < best) &&
		    strcmp(last_part(place->path), key) == 0)
			best = place->line;
	}
	return best ? best : line;
}
