/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of milliseconds: lines of network,region,milliseconds. `#' begins a
 * comment; a first line of words that names the columns is passed over.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

struct measure {
	uint32_t region;
	double ms;
};

struct reading {
	const char *path;
	unsigned int line, policy;
	struct geo_names *names;
	struct trie *trie;
	struct measure *measures;
	uint32_t count, room;
	struct error *error;
};

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = 0;
	return text;
}

static int add(struct reading *reading, const struct network *network, uint32_t region, double ms)
{
	if (reading->count == reading->room) {
		uint32_t room = reading->room ? reading->room * 2 : 256;
		struct measure *more = realloc(reading->measures, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		reading->measures = more;
		reading->room = room;
	}
	reading->measures[reading->count] = (struct measure){region, ms};
	return trie_add(reading->trie, network, reading->count++);
}

static int read_ms(const char *text, double *ret)
{
	char *end;
	double ms = strtod(text, &end);

	if (!text[0] || *end || !(ms >= 0 && ms <= 3.6e6) || text[strspn(text, "0123456789.")])
		return -EINVAL;
	*ret = ms;
	return 0;
}

static int fault(const struct reading *reading, int code, const char *what)
{
	return error_set(reading->error, code, reading->path, reading->line, "%s", what);
}

static int read_fields(struct reading *reading, char *text)
{
	char *rest = text, *field[3];
	struct network network;
	double ms;
	int region;

	for (int i = 0; i < 3; i++) {
		char *item = strsep(&rest, ",");

		if (!item)
			return fault(reading, EINVAL, "three fields: network,region,milliseconds");
		field[i] = trim(item);
	}
	if (rest)
		return fault(reading, EINVAL, "more than network,region,milliseconds");
	if (network_parse(field[0], &network)) {
		if (reading->line == 1 && !strpbrk(field[0], ".:"))
			return 0; /* names of columns */
		return fault(reading, EINVAL, "not a network such as 192.0.2.0/24");
	}
	if (!field[1][0] || strlen(field[1]) > 63)
		return fault(reading, EINVAL, "a region's name has 1 to 63 octets");
	if (strchr(field[1], '>')) /* the names of orders have it */
		return fault(reading, EINVAL, "a region's name has no `>' in it");
	if (read_ms(field[2], &ms))
		return fault(reading, EINVAL, "milliseconds: a number from 0 to 3600000");
	region = geo_names_region(reading->names, reading->policy, field[1]);
	if (region < 0 || add(reading, &network, (uint32_t)region, ms))
		return fault(reading, ENOMEM, "no memory, or too many regions");
	return 0;
}

static int read_lines(struct reading *reading, FILE *file)
{
	char text[512];
	int err = 0;

	while (!err && fgets(text, sizeof(text), file)) {
		reading->line++;
		if (strlen(text) == sizeof(text) - 1 && text[sizeof(text) - 2] != '\n')
			return fault(reading, EINVAL, "the line is too long");
		text[strcspn(text, "#")] = 0;
		if (trim(text)[0])
			err = read_fields(reading, text);
	}
	if (!err && ferror(file))
		err = error_set(reading->error, EIO, reading->path, 0, "%s", strerror(EIO));
	return err;
}

/* The quickest of one network; of equals the first in the file. */
static int64_t quickest(void *arg, uint32_t above, const struct trie *trie, uint32_t node)
{
	const struct reading *reading = arg;
	const struct measure *best = NULL;

	(void)above;
	for (uint32_t item = trie->nodes[node].item; item; item = trie->items[item].next) {
		const struct measure *measure = &reading->measures[trie->items[item].what];

		if (!best || measure->ms <= best->ms)
			best = measure;
	}
	/* Only nodes with an item are asked about. */
	/* cppcheck-suppress nullPointer */
	return best->region; /* NOLINT(clang-analyzer-core.NullDereference) */
}

int table_read(const char *path, unsigned int policy, struct geo_names *names, struct trie *ret,
               struct error *error)
{
	struct reading reading = {
	        .path = path, .policy = policy, .names = names, .trie = ret, .error = error};
	FILE *file = fopen(path, "re");
	int err;

	if (!file)
		return error_set(error, errno, path, 0, "%s", strerror(errno));
	err = trie_init(ret) ? fault(&reading, ENOMEM, "no memory") : read_lines(&reading, file);
	if (!err && !reading.count)
		err = error_set(error, EINVAL, path, 0, "no lines of network,region,milliseconds");
	if (!err)
		err = trie_settle(ret, quickest, &reading);
	fclose(file);
	free(reading.measures);
	return err;
}
