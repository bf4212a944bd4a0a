/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out_serials.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "transfer/out_view.h"

#define LINE_MAX_LEN (NAME_TEXT_MAX + 64)

struct entry {
	UT_hash_handle hh;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t apex_len;
	uint32_t serial;
	uint64_t content;
};

struct out_serials {
	pthread_mutex_t lock;
	char *path, *path_new;
	struct entry *entries;
	bool changed;
};

static struct entry *entry_get(struct out_serials *serials, const uint8_t *apex, size_t len,
                               bool *ret_new)
{
	uint8_t low[NAME_MAX_LEN];
	struct entry *entry;

	name_lower(low, apex, len);
	HASH_FIND(hh, serials->entries, low, len, entry);
	*ret_new = !entry;
	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	memcpy(entry->apex, low, len);
	entry->apex_len = (uint8_t)len;
	HASH_ADD_KEYPTR(hh, serials->entries, entry->apex, entry->apex_len, entry);
	if (HASH_ADDED(entry))
		return entry;
	free(entry);
	return NULL;
}

/* The next word of a line as a number of at most `max`. False: it is none. */
static bool read_number(char **line, int base, uint64_t max, uint64_t *ret)
{
	const char *word = strsep(line, " \n");
	char *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*ret = strtoull(word, &end, base);
	return !errno && !*end && *ret <= max;
}

/* "NAME SERIAL CONTENT" */
static int read_line(struct out_serials *serials, char *line)
{
	const char *text = strsep(&line, " ");
	uint8_t apex[NAME_MAX_LEN];
	struct entry *entry;
	uint64_t serial, content;
	bool fresh;
	int len = name_from_text(text, NULL, 0, apex);

	if (len < 0 || !read_number(&line, 10, UINT32_MAX, &serial) ||
	    !read_number(&line, 16, UINT64_MAX, &content))
		return -EBADMSG;
	entry = entry_get(serials, apex, (size_t)len, &fresh);
	if (!entry)
		return -ENOMEM;
	entry->serial = (uint32_t)serial;
	entry->content = content;
	return 0;
}

static int read_file(struct out_serials *serials, struct error *error)
{
	FILE *in = fopen(serials->path, "re");
	char line[LINE_MAX_LEN];
	unsigned int number = 0;
	int err = 0;

	if (!in && errno == ENOENT)
		return 0;
	if (!in)
		return error_set(error, errno, serials->path, 0, "%s", strerror(errno));
	while (!err && fgets(line, sizeof(line), in)) {
		number++;
		if (line[0] != '#')
			err = read_line(serials, line);
	}
	fclose(in);
	if (err)
		error_set(error, -err, serials->path, number, "not a zone, serial and hash");
	return err;
}

static char *path_beside(const char *path)
{
	char *text;

	return asprintf(&text, "%s.new", path) < 0 ? NULL : text;
}

struct out_serials *out_serials_new(const char *path, struct error *error)
{
	struct out_serials *serials = calloc(1, sizeof(*serials));

	if (!serials)
		return NULL;
	pthread_mutex_init(&serials->lock, NULL);
	if (!path)
		return serials;
	serials->path = strdup(path);
	serials->path_new = path_beside(path);
	if (!serials->path || !serials->path_new) {
		out_serials_free(serials);
		return NULL;
	}
	read_file(serials, error);
	return serials;
}

static void entry_next(struct entry *entry, bool fresh, uint32_t zone_serial, uint64_t content)
{
	uint32_t next = fresh ? zone_serial : entry->serial + 1;

	entry->serial = serial_after(zone_serial, next) ? zone_serial : next;
	entry->content = content;
}

int out_serials_next(struct out_serials *serials, const uint8_t *apex, size_t apex_len,
                     uint32_t zone_serial, uint64_t content, uint32_t *ret)
{
	struct entry *entry;
	bool fresh;

	pthread_mutex_lock(&serials->lock);
	entry = entry_get(serials, apex, apex_len, &fresh);
	if (entry && (fresh || entry->content != content)) {
		entry_next(entry, fresh, zone_serial, content);
		serials->changed = true;
	}
	if (entry)
		*ret = entry->serial;
	pthread_mutex_unlock(&serials->lock);
	return entry ? 0 : -ENOMEM;
}

static int write_entries(const struct out_serials *serials, FILE *out)
{
	char text[NAME_TEXT_MAX];

	fprintf(out, "# Serials of expanded zones, and what they stand for.\n");
	for (const struct entry *entry = serials->entries; entry; entry = entry->hh.next)
		fprintf(out, "%s %" PRIu32 " %016" PRIx64 "\n", name_to_text(entry->apex, text),
		        entry->serial, entry->content);
	return fflush(out) || fsync(fileno(out)) || ferror(out) ? -EIO : 0;
}

/* A rename that is to last over a power cut needs its folder synced. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, err = 0;

	if (fd < 0 || fsync(fd))
		err = -EIO;
	if (fd >= 0)
		close(fd);
	free(copy);
	return err;
}

static int write_file(const struct out_serials *serials)
{
	FILE *out = fopen(serials->path_new, "we");
	int err;

	if (!out)
		return -errno;
	err = write_entries(serials, out);
	if (fclose(out) && !err)
		err = -EIO;
	if (!err && rename(serials->path_new, serials->path))
		err = -errno;
	if (err)
		unlink(serials->path_new);
	return err ? err : sync_folder(serials->path);
}

int out_serials_save(struct out_serials *serials)
{
	int err = 0;

	pthread_mutex_lock(&serials->lock);
	if (serials->changed && serials->path)
		err = write_file(serials);
	if (!err)
		serials->changed = false;
	pthread_mutex_unlock(&serials->lock);
	return err;
}

void out_serials_free(struct out_serials *serials)
{
	struct entry *entry, *next;

	if (!serials)
		return;
	HASH_ITER(hh, serials->entries, entry, next)
	{
		HASH_DEL(serials->entries, entry);
		free(entry);
	}
	free(serials->path);
	free(serials->path_new);
	pthread_mutex_destroy(&serials->lock);
	free(serials);
}
