/* SPDX-License-Identifier: BSD-2-Clause */
#include "steer/mmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <maxminddb.h>

#include "anamed/dns.h"

#define LIST_MAX 256 /* entries of a list that `*` looks at */

struct mmdb {
	MMDB_s handle;
	char path[32]; /* of the copy; the library keeps the pointer */
	int fd;
	bool open;
	char type[64];
};

/* ---- opening ---- */

static int copy_all(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t sent = sendfile(to, from, NULL, (size_t)size);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		if (!sent)
			return -ENODATA;
		size -= sent;
	}
	return 0;
}

/* A descriptor of the copy, or a negative errno. */
static int copy_file(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), to = -1, err;
	struct stat status;

	if (from < 0)
		return -errno;
	if (fstat(from, &status)) {
		err = -errno;
	} else if (!S_ISREG(status.st_mode)) {
		err = -EINVAL;
	} else {
		to = memfd_create("anamed-mmdb", MFD_CLOEXEC);
		err = to < 0 ? -errno : copy_all(from, to, status.st_size);
		if (err && to >= 0)
			close(to);
	}
	close(from);
	return err ? err : to;
}

/* The record that the metadata calls the type, for messages. */
static void read_type(struct mmdb *mmdb)
{
	const char *type = mmdb->handle.metadata.database_type;

	snprintf(mmdb->type, sizeof(mmdb->type), "%.63s", type ? type : "");
}

static int open_copy(struct mmdb *mmdb, const char *path, struct error *error)
{
	int status;

	snprintf(mmdb->path, sizeof(mmdb->path), "/proc/self/fd/%d", mmdb->fd);
	status = MMDB_open(mmdb->path, MMDB_MODE_MMAP, &mmdb->handle);
	if (status == MMDB_OUT_OF_MEMORY_ERROR)
		return error_set(error, ENOMEM, NULL, 0, "no memory");
	if (status != MMDB_SUCCESS)
		return error_set(error, EBADMSG, NULL, 0,
		                 "%s: cut short, or not a MaxMind database: %s", path,
		                 MMDB_strerror(status));
	mmdb->open = true;
	read_type(mmdb);
	return 0;
}

int mmdb_open(const char *path, struct mmdb **ret, struct error *error)
{
	struct mmdb *mmdb = calloc(1, sizeof(*mmdb));
	int err;

	if (!mmdb)
		return error_set(error, ENOMEM, NULL, 0, "no memory");
	mmdb->fd = copy_file(path);
	if (mmdb->fd < 0)
		err = error_set(error, -mmdb->fd, NULL, 0, "%s: %s", path,
		                mmdb->fd == -EINVAL ? "not a file" : strerror(-mmdb->fd));
	else
		err = open_copy(mmdb, path, error);
	if (err)
		mmdb_close(mmdb);
	else
		*ret = mmdb;
	return err;
}

void mmdb_close(struct mmdb *mmdb)
{
	if (!mmdb)
		return;
	if (mmdb->open)
		MMDB_close(&mmdb->handle);
	if (mmdb->fd >= 0)
		close(mmdb->fd);
	free(mmdb);
}

const char *mmdb_type(const struct mmdb *mmdb)
{
	return mmdb->type;
}

/* ---- the tree ---- */

static struct mmdb_place place_of_node(const struct mmdb *mmdb, uint64_t node)
{
	uint32_t count = mmdb->handle.metadata.node_count;

	if (node < count)
		return (struct mmdb_place){MMDB_NODE, (uint32_t)node};
	if (node == count)
		return (struct mmdb_place){MMDB_NOTHING, 0};
	/* The data section begins 16 octets behind the tree. */
	return (struct mmdb_place){MMDB_RECORD, (uint32_t)(node - count - 16)};
}

struct mmdb_place mmdb_root(const struct mmdb *mmdb, uint8_t family)
{
	const MMDB_s *handle = &mmdb->handle;

	if (handle->metadata.ip_version == 4)
		return family == AN_FAMILY_IPV4 ? place_of_node(mmdb, 0)
		                                : (struct mmdb_place){MMDB_NOTHING, 0};
	if (family == AN_FAMILY_IPV4)
		return place_of_node(mmdb, handle->ipv4_start_node.node_value);
	return place_of_node(mmdb, 0);
}

static int place_of(const struct mmdb *mmdb, uint8_t family, uint8_t type, uint64_t record,
                    uint32_t offset, struct mmdb_place *ret)
{
	const MMDB_s *handle = &mmdb->handle;

	*ret = (struct mmdb_place){MMDB_NOTHING, 0};
	switch (type) {
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		if (family != AN_FAMILY_IPV6 || record != handle->ipv4_start_node.node_value)
			*ret = (struct mmdb_place){MMDB_NODE, (uint32_t)record};
		return 0;
	case MMDB_RECORD_TYPE_EMPTY:
		return 0;
	case MMDB_RECORD_TYPE_DATA:
		*ret = (struct mmdb_place){MMDB_RECORD, offset};
		return 0;
	default:
		return -EBADMSG;
	}
}

int mmdb_children(const struct mmdb *mmdb, uint8_t family, uint32_t node, struct mmdb_place ret[2])
{
	MMDB_search_node_s both;

	if (MMDB_read_node(&mmdb->handle, node, &both) != MMDB_SUCCESS ||
	    place_of(mmdb, family, both.left_record_type, both.left_record,
	             both.left_record_entry.offset, &ret[0]) ||
	    place_of(mmdb, family, both.right_record_type, both.right_record,
	             both.right_record_entry.offset, &ret[1]))
		return -EBADMSG;
	return 0;
}

/* ---- records ---- */

int mmdb_path_parse(const char *text, struct mmdb_path *ret)
{
	char *rest = ret->text, *step;

	if (strlen(text) >= sizeof(ret->text))
		return -EINVAL;
	strcpy(ret->text, text);
	ret->steps_count = 0;
	while ((step = strsep(&rest, "/"))) {
		if (!step[0] || ret->steps_count == MMDB_STEPS_MAX)
			return -EINVAL;
		ret->steps[ret->steps_count++] = step;
	}
	ret->steps[ret->steps_count] = NULL;
	return 0;
}

/* What is at a path without `*`. 0, -ENOENT, -EBADMSG. */
static int value_at(const struct mmdb *mmdb, uint32_t record, const char *const *steps,
                    MMDB_entry_data_s *ret)
{
	MMDB_entry_s entry = {.mmdb = &mmdb->handle, .offset = record};

	switch (MMDB_aget_value(&entry, ret, steps)) {
	case MMDB_SUCCESS:
		return ret->has_data ? 0 : -ENOENT;
	case MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR:
	case MMDB_INVALID_LOOKUP_PATH_ERROR:
		return -ENOENT;
	default:
		return -EBADMSG;
	}
}

/* False: a map, a list, octets. */
static bool text_of(const MMDB_entry_data_s *data, char ret[MMDB_TEXT_MAX])
{
	switch (data->type) {
	case MMDB_DATA_TYPE_UTF8_STRING:
		snprintf(ret, MMDB_TEXT_MAX, "%.*s",
		         (int)(data->data_size < MMDB_TEXT_MAX ? data->data_size
		                                               : MMDB_TEXT_MAX - 1),
		         data->utf8_string ? data->utf8_string : "");
		return true;
	case MMDB_DATA_TYPE_UINT16:
		snprintf(ret, MMDB_TEXT_MAX, "%u", data->uint16);
		return true;
	case MMDB_DATA_TYPE_UINT32:
		snprintf(ret, MMDB_TEXT_MAX, "%u", data->uint32);
		return true;
	case MMDB_DATA_TYPE_INT32:
		snprintf(ret, MMDB_TEXT_MAX, "%d", data->int32);
		return true;
	case MMDB_DATA_TYPE_UINT64:
		snprintf(ret, MMDB_TEXT_MAX, "%" PRIu64, data->uint64);
		return true;
	case MMDB_DATA_TYPE_BOOLEAN:
		strcpy(ret, data->boolean ? "true" : "false");
		return true;
	case MMDB_DATA_TYPE_DOUBLE:
		snprintf(ret, MMDB_TEXT_MAX, "%g", data->double_value);
		return true;
	case MMDB_DATA_TYPE_FLOAT:
		snprintf(ret, MMDB_TEXT_MAX, "%g", (double)data->float_value);
		return true;
	default:
		return false;
	}
}

static int texts_from(const struct mmdb *mmdb, uint32_t record, const char **steps, size_t from,
                      void (*visit)(void *arg, const char *text), void *arg);

/* Each entry of the list at the `*` before which the path is without one. */
static int texts_of_list(const struct mmdb *mmdb, uint32_t record, const char **steps, size_t at,
                         void (*visit)(void *arg, const char *text), void *arg)
{
	const char *star = steps[at], *after = steps[at + 1];
	int err = 0;

	for (int i = 0; i < LIST_MAX && !err; i++) {
		MMDB_entry_data_s data;
		char number[12];

		snprintf(number, sizeof(number), "%d", i);
		steps[at] = number;
		steps[at + 1] = NULL;
		err = value_at(mmdb, record, steps, &data);
		steps[at + 1] = after;
		if (!err)
			err = texts_from(mmdb, record, steps, at + 1, visit, arg);
	}
	steps[at] = star;
	return err == -ENOENT ? 0 : err;
}

static int texts_from(const struct mmdb *mmdb, uint32_t record, const char **steps, size_t from,
                      void (*visit)(void *arg, const char *text), void *arg)
{
	char text[MMDB_TEXT_MAX];
	MMDB_entry_data_s data;
	int err;

	for (size_t at = from; steps[at]; at++)
		if (strcmp(steps[at], "*") == 0)
			return texts_of_list(mmdb, record, steps, at, visit, arg);
	err = value_at(mmdb, record, steps, &data);
	if (!err && text_of(&data, text))
		visit(arg, text);
	return err == -ENOENT ? 0 : err;
}

int mmdb_texts(const struct mmdb *mmdb, uint32_t record, const struct mmdb_path *path,
               void (*visit)(void *arg, const char *text), void *arg)
{
	const char *steps[MMDB_STEPS_MAX + 1];

	memcpy(steps, path->steps, sizeof(steps));
	return texts_from(mmdb, record, steps, 0, visit, arg);
}

int mmdb_number(const struct mmdb *mmdb, uint32_t record, const struct mmdb_path *path, double *ret)
{
	MMDB_entry_data_s data;
	char text[MMDB_TEXT_MAX], *end;
	int err = value_at(mmdb, record, path->steps, &data);
	double value;

	if (err)
		return err;
	if (data.type == MMDB_DATA_TYPE_DOUBLE) {
		*ret = data.double_value;
		return 0;
	}
	if (data.type == MMDB_DATA_TYPE_FLOAT) {
		*ret = (double)data.float_value;
		return 0;
	}
	if (!text_of(&data, text))
		return -ENOENT;
	value = strtod(text, &end);
	if (end == text || *end)
		return -ENOENT;
	*ret = value;
	return 0;
}
