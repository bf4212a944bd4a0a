/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of policies and regions: by first mention, and kept. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "steer/geo_room.h"

int geo_names_policy(struct geo_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->policies[i].name, name) == 0)
			return (int)i;
	if (names->count == AN_POLICIES_MAX)
		return -ENOSPC;
	names->policies[names->count].name = strdup(name);
	if (!names->policies[names->count].name)
		return -ENOMEM;
	return (int)names->count++;
}

int geo_names_region(struct geo_names *names, unsigned int policy, const char *name)
{
	struct geo_policy_names *p = &names->policies[policy];

	for (size_t i = 0; i < p->regions_count; i++)
		if (strcmp(p->regions[i], name) == 0)
			return (int)i + 1;
	if (p->regions_count == UINT16_MAX)
		return -ENOSPC;
	if (p->regions_count == p->regions_room) {
		size_t room = p->regions_room ? p->regions_room * 2 : 8;
		char **more = realloc(p->regions, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->regions = more;
		p->regions_room = room;
	}
	p->regions[p->regions_count] = strdup(name);
	if (!p->regions[p->regions_count])
		return -ENOMEM;
	return (int)++p->regions_count;
}

int geo_names_order(struct geo_names *names, unsigned int policy, const char *const *regions,
                    size_t count)
{
	char text[GEO_ORDER_MAX * 64 + GEO_ORDER_MAX * sizeof(GEO_THEN)];
	size_t len = 0;

	for (size_t i = 0; i < count && i < GEO_ORDER_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.63s",
		                        i ? GEO_THEN : "", regions[i]);
	return geo_names_region(names, policy, text);
}

int geo_names_copy(struct geo_names *names, const struct geo_names *from)
{
	for (size_t i = 0; i < from->count; i++) {
		int policy = geo_names_policy(names, from->policies[i].name);

		for (size_t j = 0; policy >= 0 && j < from->policies[i].regions_count; j++)
			if (geo_names_region(names, (unsigned int)policy,
			                     from->policies[i].regions[j]) < 0)
				return -ENOMEM;
		if (policy < 0)
			return -ENOMEM;
	}
	return 0;
}

void geo_names_done(struct geo_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		struct geo_policy_names *p = &names->policies[i];

		for (size_t j = 0; j < p->regions_count; j++)
			free(p->regions[j]);
		free(p->regions);
		free(p->name);
	}
	names->count = 0;
}

uint64_t geo_names_hash(const struct geo_names *names)
{
	uint64_t hash = names->count;

	for (size_t i = 0; i < names->count; i++) {
		const struct geo_policy_names *p = &names->policies[i];

		/* Each with its terminator. */
		hash = XXH64(p->name, strlen(p->name) + 1, hash);
		for (size_t j = 0; j < p->regions_count; j++)
			hash = XXH64(p->regions[j], strlen(p->regions[j]) + 1, hash);
		hash = XXH64("", 1, hash);
	}
	return hash;
}

/* ---- in a file ---- */

static void write_word(FILE *file, const char *word)
{
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c > ' ' && c < 0x7f && c != '\\')
			putc(c, file);
		else
			fprintf(file, "\\%03u", c);
	}
}

static int write_all(const struct geo_names *names, FILE *file)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct geo_policy_names *p = &names->policies[i];

		for (size_t j = 0; j < p->regions_count; j++) {
			write_word(file, p->name);
			putc(' ', file);
			write_word(file, p->regions[j]);
			putc('\n', file);
		}
	}
	return ferror(file) || fflush(file) || fsync(fileno(file)) ? -EIO : 0;
}

int geo_names_write(const struct geo_names *names, const char *path)
{
	char *temporary;
	FILE *file;
	int err;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	file = fopen(temporary, "we");
	err = file ? write_all(names, file) : -errno;
	if (file && fclose(file) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	free(temporary);
	return err;
}

/* In place. -EBADMSG: a backslash without three digits behind it. */
static int read_word(char *word)
{
	char *to = word;

	for (; *word; word++) {
		unsigned int c = (unsigned char)*word;

		if (c == '\\') {
			if (strspn(word + 1, "0123456789") < 3)
				return -EBADMSG;
			c = (unsigned int)(word[1] - '0') * 100 +
			    (unsigned int)(word[2] - '0') * 10 + (unsigned int)(word[3] - '0');
			if (!c || c > 255)
				return -EBADMSG;
			word += 3;
		}
		*to++ = (char)c;
	}
	*to = 0;
	return 0;
}

static int read_line(struct geo_names *names, char *line)
{
	char *region = line, *policy = strsep(&region, " ");
	int number;

	if (!region || !policy[0] || !region[0] || read_word(policy) || read_word(region))
		return -EBADMSG;
	number = geo_names_policy(names, policy);
	if (number >= 0)
		number = geo_names_region(names, (unsigned int)number, region);
	return number < 0 ? number : 0;
}

int geo_names_read(struct geo_names *names, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = file ? 0 : -errno;

	/* An order's name, with escapes for most of its octets, is long. */
	while (file && !err && (len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] != '\n' || strlen(line) != (size_t)len)
			err = -EBADMSG;
		line[len - 1] = 0;
		if (!err)
			err = read_line(names, line);
	}
	if (file && !err && !feof(file))
		err = errno == ENOMEM ? -ENOMEM : -EIO;
	if (file)
		fclose(file);
	free(line);
	return err;
}
