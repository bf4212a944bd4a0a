/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Databases and tables that are replaced while the daemon runs: their folders
 * are watched; a moment after the last change everything is read and compiled
 * in a thread of libuv's pool, and takes the old table's place at one instant.
 * What cannot be read leaves the old one. A reload that comes meanwhile waits,
 * since the configuration is in use.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/daemon.h"
#include "control/geography.h"

#define SETTLE_MS 250 /* several files may be replaced one after the other */

struct folder {
	uv_fs_event_t event;
	struct folder *next;
	struct geography *geography;
	char path[];
};

struct geography {
	struct daemon *daemon;
	uv_timer_t settle;
	struct folder *folders;
	uv_work_t work;
	bool busy, again, stopping, closed;
	bool written; /* `made` is in the kernel's other half */
	struct geo *made;
	struct error error;
	int err;
	bool reload; /* one waits, for whom: */
	struct control_request *request;
};

/* ---- which files ---- */

/* Every file that policies are made of, one after the other; NULL: that was all. */
static const char *file_at(const struct config *config, size_t index)
{
	if (index < 2 * config->databases_count) {
		const struct config_database *database = &config->databases[index / 2];

		return index & 1 ? database->file_ipv6 : database->file;
	}
	return config->policies[index - 2 * config->databases_count].table;
}

static size_t files_count(const struct config *config)
{
	return config->policies_count ? 2 * config->databases_count + config->policies_count : 0;
}

static bool is_in(const char *file, const struct folder *folder, const char *name)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash ? (size_t)(slash - file) : 0;

	return slash && strlen(folder->path) == (len ? len : 1) &&
	       memcmp(folder->path, len ? file : "/", len ? len : 1) == 0 &&
	       (!name || strcmp(slash + 1, name) == 0);
}

static bool concerns(const struct folder *folder, const char *name)
{
	const struct config *config = folder->geography->daemon->base;

	for (size_t i = 0; i < files_count(config); i++) {
		const char *file = file_at(config, i);

		if (file && is_in(file, folder, name))
			return true;
	}
	return false;
}

/* ---- reading them anew ---- */

void geography_remember(const struct config *config, const struct geo *geo)
{
	char path[4200];
	int err;

	if (!config->state_dir[0] || !config->policies_count)
		return;
	snprintf(path, sizeof(path), "%s/" WORLD_REGIONS_FILE, config->state_dir);
	err = geo_remember(geo, path);
	if (err)
		log_warning("%s: %s; numbers of regions will not outlive the process", path,
		            strerror(-err));
}

bool geography_write(const struct daemon *daemon, struct geo *geo)
{
	int err = daemon->publish ? publish_geo_write(daemon->publish, geo) : -ENODATA;

	if (err == -ENOSPC)
		log_error(
		        "xdp: the kernel's tables of places were made too small at the start; "
		        "queries for pools with a policy are answered without it until a restart");
	return !err;
}

void geography_hold(const struct daemon *daemon, const struct geo *geo, bool written)
{
	if (daemon->publish)
		publish_geo_hold(daemon->publish, written, geo_numbering(geo));
}

void geography_fault(struct daemon *daemon, const struct error *error)
{
	char text[1024];

	free(daemon->geo_fault);
	daemon->geo_fault = NULL;
	if (!error->text[0])
		return;
	error_text(error, text, sizeof(text));
	daemon->geo_failures++;
	daemon->geo_fault = strdup(text);
	log_error("databases stay as they were: %s", text);
}

static void on_work(uv_work_t *work)
{
	struct geography *geography = work->data;
	struct daemon *daemon = geography->daemon;

	geography->err = geo_new(daemon->base, daemon->geo, &geography->made, &geography->error);
	if (!geography->err)
		geography->written = geography_write(daemon, geography->made);
}

static void take(struct geography *geography)
{
	struct daemon *daemon = geography->daemon;
	struct geo *old;

	geography_hold(daemon, geography->made, geography->written);
	old = rcu_xchg_pointer(&daemon->world->geo, geography->made);
	synchronize_rcu();
	daemon->geo = geography->made;
	geography->made = NULL;
	geo_free(old);
	daemon->geo_loads++;
	geography_fault(daemon, &(struct error){0});
	world_log_geo(daemon->geo, NULL, daemon->base->path);
	geography_remember(daemon->base, daemon->geo);
}

static void on_done(uv_work_t *work, int status)
{
	struct geography *geography = work->data;
	struct daemon *daemon = geography->daemon;

	geography->busy = false;
	if (geography->stopping) {
		geo_free(geography->made);
		if (geography->closed)
			free(geography);
		return;
	}
	if (!status && !geography->err) {
		take(geography);
	} else {
		geography_fault(daemon, &geography->error);
	}
	if (geography->reload) {
		geography->reload = false;
		reload_start(daemon, geography->request);
	} else if (geography->again) {
		uv_timer_start(&geography->settle, geography->settle.timer_cb, SETTLE_MS, 0);
	}
}

/* Has a reload read it already, or has what was there come back? */
static bool is_current(const struct daemon *daemon)
{
	return geo_same_settings(daemon->geo, daemon->base) &&
	       geo_same_files(daemon->geo, daemon->base);
}

static void on_settled(uv_timer_t *timer)
{
	struct geography *geography = timer->data;

	if (geography->busy || geography->daemon->reload) {
		geography->again = true;
		return;
	}
	geography->again = false;
	if (is_current(geography->daemon)) {
		geography_fault(geography->daemon, &(struct error){0});
		return;
	}
	geography->busy = true;
	memset(&geography->error, 0, sizeof(geography->error));
	uv_queue_work(&geography->daemon->loop, &geography->work, on_work, on_done);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct folder *folder = event->data;

	(void)events;
	if (!status && concerns(folder, name))
		uv_timer_start(&folder->geography->settle, on_settled, SETTLE_MS, 0);
}

/* ---- watching ---- */

static void on_folder_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void forget_folders(struct geography *geography)
{
	while (geography->folders) {
		struct folder *folder = geography->folders;

		geography->folders = folder->next;
		uv_close((uv_handle_t *)&folder->event, on_folder_closed);
	}
}

static void watch_folder(struct geography *geography, const char *path)
{
	struct folder *folder = geography->folders;
	int err;

	while (folder && strcmp(folder->path, path) != 0)
		folder = folder->next;
	if (folder)
		return;
	folder = calloc(1, sizeof(*folder) + strlen(path) + 1);
	if (!folder)
		return;
	strcpy(folder->path, path);
	folder->geography = geography;
	folder->event.data = folder;
	uv_fs_event_init(&geography->daemon->loop, &folder->event);
	folder->next = geography->folders;
	geography->folders = folder;
	err = uv_fs_event_start(&folder->event, on_event, path, 0);
	if (err)
		log_warning("%s is not watched for new databases: %s", path, uv_strerror(err));
}

static void watch_folders(struct geography *geography)
{
	const struct config *config = geography->daemon->base;

	for (size_t i = 0; i < files_count(config); i++) {
		const char *file = file_at(config, i);
		char *copy = file ? strdup(file) : NULL;

		if (copy)
			watch_folder(geography, dirname(copy));
		free(copy);
	}
}

/* ---- life ---- */

int geography_start(struct daemon *daemon)
{
	struct geography *geography = calloc(1, sizeof(*geography));

	if (!geography)
		return -ENOMEM;
	geography->daemon = daemon;
	geography->work.data = geography;
	geography->settle.data = geography;
	uv_timer_init(&daemon->loop, &geography->settle);
	daemon->geography = geography;
	geography_remember(daemon->base, daemon->geo);
	watch_folders(geography);
	return 0;
}

bool geography_defers(struct daemon *daemon, struct control_request *request)
{
	struct geography *geography = daemon->geography;

	if (!geography || !geography->busy || geography->reload)
		return false;
	geography->reload = true;
	geography->request = request;
	return true;
}

bool geography_is_busy(const struct daemon *daemon)
{
	return daemon->geography && daemon->geography->busy;
}

void geography_world(struct daemon *daemon)
{
	struct geography *geography = daemon->geography;

	if (!geography)
		return;
	forget_folders(geography);
	watch_folders(geography);
	geography_remember(daemon->base, daemon->geo);
}

void geography_resume(struct daemon *daemon)
{
	struct geography *geography = daemon->geography;

	if (geography && geography->again)
		uv_timer_start(&geography->settle, on_settled, SETTLE_MS, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct geography *geography = handle->data;

	geography->closed = true;
	if (!geography->busy) /* else on_done() lets it go */
		free(geography);
}

void geography_stop(struct daemon *daemon)
{
	struct geography *geography = daemon->geography;
	struct error stopping = {.text = "the daemon is stopping"};

	if (!geography)
		return;
	if (geography->reload && geography->request)
		control_fail(geography->request, &stopping);
	geography->reload = false;
	geography->stopping = true;
	forget_folders(geography);
	uv_close((uv_handle_t *)&geography->settle, on_timer_closed);
	daemon->geography = NULL;
}
