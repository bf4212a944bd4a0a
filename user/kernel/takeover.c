/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/takeover.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* N of ".../vN"; 0: the folder has no such name. */
static unsigned long version_of(const char *name)
{
	char *end;
	unsigned long version;

	if (name[0] != 'v' || name[1] < '1' || name[1] > '9')
		return 0;
	version = strtoul(name + 1, &end, 10);
	return *end ? 0 : version;
}

/* The folders of older versions beside ours, one after the other. */
struct older {
	DIR *dir;
	char parent[MAPS_PATH_MAX];
	char path[MAPS_PATH_MAX];
	unsigned long ours;
};

static void older_open(const char *pin_dir, struct older *ret)
{
	const char *name = strrchr(pin_dir, '/');

	*ret = (struct older){.dir = NULL};
	ret->ours = name ? version_of(name + 1) : 0;
	if (!ret->ours || snprintf(ret->parent, sizeof(ret->parent), "%.*s", (int)(name - pin_dir),
	                           pin_dir) >= (int)sizeof(ret->parent) - 32)
		return;
	ret->dir = opendir(ret->parent);
}

static bool older_next(struct older *older)
{
	struct dirent *entry;

	while (older->dir && (entry = readdir(older->dir))) {
		unsigned long version = version_of(entry->d_name);

		if (!version || version >= older->ours)
			continue;
		snprintf(older->path, sizeof(older->path), "%.200s/v%lu", older->parent, version);
		return true;
	}
	return false;
}

static void older_close(struct older *older)
{
	if (older->dir)
		closedir(older->dir);
}

bool takeover_is_ours(const char *pin_dir, const struct maps_program *program)
{
	bool ours = maps_program_is_ours(pin_dir, program);
	struct older older;

	older_open(pin_dir, &older);
	while (!ours && older_next(&older))
		ours = maps_program_is_ours(older.path, program);
	older_close(&older);
	return ours;
}

/* ---- the link ---- */

/* What no link holds any more goes; the maps live as long as a program that uses them. */
static void clean(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool held = false;

	while (dir && (entry = readdir(dir)))
		held |= !strncmp(entry->d_name, MAPS_PIN_LINK, strlen(MAPS_PIN_LINK));
	if (dir && !held)
		rewinddir(dir);
	while (dir && !held && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name,
			         entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	if (dir)
		closedir(dir);
	if (!held)
		rmdir(path);
}

/* The pin moves: in ours first, so that there is one at every moment. */
static int move(const struct config *config, const char *from, const char *interface,
                const struct link *link, struct error *error)
{
	const struct config older = {.pin_dir = (char *)(uintptr_t)from};
	int code = link_pin(config, interface, link->fd);

	if (code)
		return error_set(error, -code, NULL, 0, "%s: taking its link over from %s: %s",
		                 interface, from, strerror(-code));
	link_unpin(&older, interface);
	log_notice("%s: taken over from %s, program %u answers on", interface, from,
	           link->program_id);
	clean(from);
	return 0;
}

int takeover_link(const struct config *config, const char *interface, unsigned int ifindex,
                  struct link *ret, struct error *error)
{
	struct older older;
	int code = 0;

	*ret = (struct link){.fd = -1};
	older_open(config->pin_dir, &older);
	while (!code && ret->fd < 0 && older_next(&older)) {
		const struct config there = {.pin_dir = older.path};

		/* One of another interface, or of another namespace, is not ours to take. */
		if (link_open(&there, interface, ifindex, ret, NULL) || ret->fd < 0)
			continue;
		code = move(config, older.path, interface, ret, error);
	}
	older_close(&older);
	return code;
}
