/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Master files: directives, owners, TTLs and classes. What is relative to a
 * file (origin, last owner) ends with it (RFC 1035 5.1); what $TTL sets goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anamed/dns.h"
#include "base/wire.h"
#include "zone/build.h"
#include "zone/number.h"
#include "zone/rdtext.h"
#include "zone/zone.h"

#define DEPTH_MAX    10
#define INCLUDES_MAX 10000 /* in all: ten levels of a hundred each would never end */

struct source {
	const struct source *parent;
	dev_t device;
	ino_t inode;
	struct lex lex;
	uint8_t origin[NAME_MAX_LEN];
	size_t origin_len;
	uint8_t owner[NAME_MAX_LEN];
	size_t owner_len; /* 0: none yet */
};

struct parser {
	struct zone_builder *builder;
	struct error *error;
	uint16_t aname_type;
	bool may_include;
	unsigned int includes;
	bool has_default, has_last;
	bool told;            /* that there is no $TTL */
	uint32_t default_ttl; /* of $TTL */
	uint32_t last_ttl;
	uint8_t rdata[RDTEXT_MAX];
};

/* One record in the reading: tokens from `at` on are still to be looked at. */
struct reading {
	struct source *source;
	size_t at;
	bool has_ttl, has_class;
	uint32_t ttl;
	uint16_t type;
};

#define FAULT(parser, source, ...)                                                                 \
	error_set((parser)->error, EINVAL, (source)->lex.file, (source)->lex.entry_line,           \
	          __VA_ARGS__)

static int parse_source(struct parser *parser, struct source *source);

/* ---- files ---- */

/* Opens a regular file (a FIFO or a terminal would block). NULL: errno says why. */
static FILE *open_file(const char *path, struct stat *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	FILE *file;

	if (fd < 0)
		return NULL;
	if (fstat(fd, ret))
		goto failed;
	if (!S_ISREG(ret->st_mode)) {
		errno = S_ISDIR(ret->st_mode) ? EISDIR : EINVAL;
		goto failed;
	}
	file = fdopen(fd, "r");
	if (file)
		return file;
failed:
	close(fd);
	return NULL;
}

/* `name` as seen from the file that includes it; to be freed. */
static char *path_beside(const char *including, const char *name, size_t len)
{
	const char *slash = strrchr(including, '/');
	size_t folder = *name == '/' || !slash ? 0 : (size_t)(slash - including) + 1;
	char *path = malloc(folder + len + 1);

	if (!path)
		return NULL;
	memcpy(path, including, folder);
	memcpy(path + folder, name, len);
	path[folder + len] = '\0';
	return path;
}

static int check_include(const struct parser *parser, const struct source *source, const char *path,
                         const struct stat *status)
{
	unsigned int depth = 0;
	const struct source *above = source;

	do {
		if (above->device == status->st_dev && above->inode == status->st_ino)
			return FAULT(parser, source, "%.240s includes itself", path);
		if (++depth > DEPTH_MAX)
			return FAULT(parser, source, "$INCLUDE deeper than %d", DEPTH_MAX);
		above = above->parent;
	} while (above);
	if (parser->includes > INCLUDES_MAX)
		return FAULT(parser, source, "more than %d files included", INCLUDES_MAX);
	return 0;
}

static int include_path(struct parser *parser, const struct source *source, struct source *child,
                        const char *path)
{
	struct stat status;
	int fault;

	child->parent = source;
	child->lex.file = path;
	child->lex.in = open_file(path, &status);
	if (!child->lex.in)
		return FAULT(parser, source, "cannot open %.240s: %s", path, strerror(errno));
	child->device = status.st_dev;
	child->inode = status.st_ino;
	parser->includes++;
	fault = check_include(parser, source, path, &status);
	if (!fault)
		fault = parse_source(parser, child);
	fclose(child->lex.in);
	return fault;
}

/* ---- directives ---- */

/* $INCLUDE FILE [ORIGIN] */
static int do_include(struct parser *parser, struct source *source)
{
	const struct token *name = &source->lex.tokens[1];
	size_t count = source->lex.count, quotes;
	struct source child = {0};
	char *path;
	int fault;

	if (count < 2 || count > 3)
		return FAULT(parser, source, "$INCLUDE wants a file and may have an origin");
	if (!parser->may_include)
		return FAULT(parser, source, "$INCLUDE is not allowed here");
	memcpy(child.origin, source->origin, source->origin_len);
	child.origin_len = source->origin_len;
	if (count == 3) {
		int len = name_from_text(name[1].text, source->origin, source->origin_len,
		                         child.origin);

		if (len < 0)
			return FAULT(parser, source, "bad name \"%.260s\"", name[1].text);
		child.origin_len = (size_t)len;
	}
	quotes = name->quoted ? 1 : 0;
	path = path_beside(source->lex.file, name->text + quotes, name->len - 2 * quotes);
	if (!path)
		return FAULT(parser, source, "out of memory");
	fault = include_path(parser, source, &child, path);
	free(path);
	return fault;
}

static int do_origin(struct parser *parser, struct source *source)
{
	uint8_t name[NAME_MAX_LEN];
	int len;

	if (source->lex.count != 2)
		return FAULT(parser, source, "$ORIGIN wants one name");
	len = name_from_text(source->lex.tokens[1].text, source->origin, source->origin_len, name);
	if (len < 0)
		return FAULT(parser, source, "bad name \"%.260s\"", source->lex.tokens[1].text);
	memcpy(source->origin, name, (size_t)len);
	source->origin_len = (size_t)len;
	return 0;
}

/* RFC 2308 4 */
static int do_ttl(struct parser *parser, struct source *source)
{
	if (source->lex.count != 2 ||
	    number_parse_ttl(source->lex.tokens[1].text, &parser->default_ttl))
		return FAULT(parser, source, "$TTL wants one TTL, at most 2147483647 seconds");
	parser->has_default = true;
	return 0;
}

static int do_directive(struct parser *parser, struct source *source)
{
	const char *word = source->lex.tokens[0].text;

	if (!strcasecmp(word, "$ORIGIN"))
		return do_origin(parser, source);
	if (!strcasecmp(word, "$TTL"))
		return do_ttl(parser, source);
	if (!strcasecmp(word, "$INCLUDE"))
		return do_include(parser, source);
	if (!strcasecmp(word, "$GENERATE"))
		return FAULT(parser, source, "$GENERATE is not supported: write the records out");
	return FAULT(parser, source, "unknown directive %.60s", word);
}

/* ---- records ---- */

static int read_owner(struct parser *parser, struct reading *reading)
{
	struct source *source = reading->source;
	const struct token *token = &source->lex.tokens[0];
	uint8_t name[NAME_MAX_LEN];
	int len;

	if (source->lex.inherits) {
		if (!source->owner_len)
			return FAULT(parser, source, "no owner, and none before to inherit from");
		return 0;
	}
	if (token->quoted || token->inner_quotes)
		return FAULT(parser, source, "quotes around the owner %.260s", token->text);
	len = name_from_text(token->text, source->origin, source->origin_len, name);
	if (len < 0)
		return FAULT(parser, source, "bad name \"%.260s\"", token->text);
	memcpy(source->owner, name, (size_t)len);
	source->owner_len = (size_t)len;
	reading->at = 1;
	return 0;
}

static bool is_class(const char *text)
{
	return !strcasecmp(text, "IN") || !strcasecmp(text, "CH") || !strcasecmp(text, "HS") ||
	       !strcasecmp(text, "CS") || !strncasecmp(text, "CLASS", 5);
}

/* TTL and class, in either order, each at most once; then the type. */
static int read_head(struct parser *parser, struct reading *reading)
{
	const struct source *source = reading->source;

	for (; reading->at < source->lex.count; reading->at++) {
		const char *text = source->lex.tokens[reading->at].text;

		if (!reading->has_ttl && *text >= '0' && *text <= '9') {
			if (number_parse_ttl(text, &reading->ttl))
				return FAULT(parser, source, "bad TTL \"%.60s\"", text);
			reading->has_ttl = true;
		} else if (!reading->has_class && is_class(text)) {
			if (strcasecmp(text, "IN") && strcasecmp(text, "CLASS1"))
				return FAULT(parser, source, "class %.60s is not IN", text);
			reading->has_class = true;
		} else {
			reading->type = rdtext_type(text);
			if (!reading->type)
				return FAULT(parser, source, "unknown type \"%.60s\"", text);
			reading->at++;
			return 0;
		}
	}
	return FAULT(parser, source, "record without a type");
}

/* RFC 2308 4: what $TTL is for; said once. */
static int note_ttl(struct parser *parser, const struct source *source, const char *whose)
{
	struct error warning;

	if (!warn_closely() || parser->told)
		return 0;
	parser->told = true;
	error_write(&warning, source->lex.file, source->lex.entry_line,
	            "no TTL, and no $TTL: that of %s is taken", whose);
	return build_warn(parser->builder, &warning, true)
	               ? error_set(parser->error, ENOMEM, source->lex.file, 0, "out of memory")
	               : 0;
}

/* RFC 2308 4, RFC 1035 5.1: $TTL, else the last stated TTL, else the SOA's MINIMUM. */
static int settle_ttl(struct parser *parser, struct reading *reading, size_t rdata_len)
{
	int fault = 0;

	if (!reading->has_ttl) {
		if (parser->has_default) {
			reading->ttl = parser->default_ttl;
		} else if (parser->has_last) {
			reading->ttl = parser->last_ttl;
			fault = note_ttl(parser, reading->source, "the record before");
		} else if (reading->type == AN_TYPE_SOA && rdata_len >= 4) {
			struct wire minimum = wire_reader(parser->rdata, rdata_len);

			wire_take(&minimum, rdata_len - 4);
			reading->ttl = wire_get32(&minimum);
			fault = note_ttl(parser, reading->source, "the SOA's MINIMUM");
		} else {
			return FAULT(parser, reading->source,
			             "no TTL: none here, none before, "
			             "no $TTL");
		}
	}
	parser->last_ttl = reading->ttl;
	parser->has_last = true;
	return fault;
}

static int do_record(struct parser *parser, struct source *source)
{
	const struct lex *lex = &source->lex;
	struct reading reading = {.source = source};
	int len, fault;

	fault = read_owner(parser, &reading);
	if (!fault)
		fault = read_head(parser, &reading);
	if (fault)
		return fault;
	if (reading.type == parser->aname_type)
		reading.type = AN_TYPE_ANAME;
	len = rdtext_parse(reading.type, lex->tokens + reading.at, lex->count - reading.at,
	                   source->origin, source->origin_len, lex->file, lex->entry_line,
	                   parser->rdata, parser->error);
	if (len < 0)
		return len;
	fault = settle_ttl(parser, &reading, (size_t)len);
	if (fault)
		return fault;
	return zone_add(parser->builder, source->owner, source->owner_len, reading.type,
	                reading.ttl, parser->rdata, (uint16_t)len, lex->file, lex->entry_line,
	                parser->error);
}

static int parse_source(struct parser *parser, struct source *source)
{
	int result;

	while ((result = lex_next(&source->lex, parser->error)) > 0) {
		if (!source->lex.inherits && source->lex.tokens[0].text[0] == '$')
			result = do_directive(parser, source);
		else
			result = do_record(parser, source);
		if (result)
			break;
	}
	lex_done(&source->lex);
	return result;
}

/* ---- the whole ---- */

static int load(const uint8_t *apex, size_t apex_len, struct source *source, bool may_include,
                uint16_t aname_type, const struct config_zone *settings, struct zone **ret,
                struct error *error)
{
	struct parser *parser = calloc(1, sizeof(*parser));
	struct error local = {0};
	int fault;

	if (!parser)
		return error_set(error, ENOMEM, source->lex.file, 0, "out of memory");
	parser->error = &local;
	parser->aname_type = aname_type;
	parser->may_include = may_include;
	parser->builder = zone_begin(apex, apex_len, settings);
	memcpy(source->origin, apex, apex_len);
	source->origin_len = apex_len;
	if (!parser->builder)
		fault = error_set(&local, ENOMEM, source->lex.file, 0, "out of memory");
	else
		fault = parse_source(parser, source);
	if (fault)
		zone_abandon(parser->builder);
	else
		fault = zone_end(parser->builder, ret, &local);
	free(parser);
	if (!fault || !error)
		return fault;
	*error = local;
	if (!error->file[0])
		snprintf(error->file, sizeof(error->file), "%s", source->lex.file);
	return fault;
}

int zone_load_file(const uint8_t *apex, size_t apex_len, const char *path, uint16_t aname_type,
                   const struct config_zone *settings, struct zone **ret, struct error *error)
{
	struct source source = {.lex.file = path};
	char name[NAME_TEXT_MAX];
	struct stat status;
	int fault;

	source.lex.in = open_file(path, &status);
	if (!source.lex.in)
		return error_set(error, errno, path, 0, "cannot open: %s (zone %s)",
		                 strerror(errno), name_to_text(apex, name));
	source.device = status.st_dev;
	source.inode = status.st_ino;
	fault = load(apex, apex_len, &source, true, aname_type, settings, ret, error);
	fclose(source.lex.in);
	return fault;
}

int zone_load_stream(const uint8_t *apex, size_t apex_len, FILE *in, const char *name,
                     uint16_t aname_type, const struct config_zone *settings, struct zone **ret,
                     struct error *error)
{
	struct source source = {.lex.in = in, .lex.file = name};

	return load(apex, apex_len, &source, false, aname_type, settings, ret, error);
}
