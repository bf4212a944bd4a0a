/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heavy part of a transfer, in a thread of libuv's pool: the zone is made
 * of what came, checked, and written to disk. And the rest that touches the
 * disk: the file's time says when a primary last confirmed the data.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "transfer/in_room.h"
#include "transfer/zonefile.h"

static int path_of(const struct in_zone *zone, char *ret, size_t size)
{
	ret[0] = '\0';
	if (!zone->in->state_dir[0])
		return -ENOENT;
	return zonefile_path(zone->in->state_dir, zone->settings->zone.name.name, ret, size);
}

static void on_work(uv_work_t *work)
{
	struct in_job *job = work->data;

	job->fault = in_stream_finish(job->stream, &job->made, &job->error);
	if (!job->fault && job->path[0])
		job->save_fault = zonefile_save(job->made, job->path, &job->save_error);
	/* What was kept of the stream is large; it goes here, not on the loop. */
	in_stream_free(job->stream);
	job->stream = NULL;
}

static void on_done(uv_work_t *work, int status)
{
	struct in_job *job = work->data;
	struct transfer_in *in = job->in;
	char text[1024];

	if (status) { /* cancelled before it began */
		in_stream_free(job->stream);
		job->fault = status;
	}
	if (job->save_fault)
		log_warning("a restart will not find this data: %s",
		            error_text(&job->save_error, text, sizeof(text)));
	if (job->zone)
		in_zone_built(job->zone, job);
	else if (job->path[0] && job->settings->member && !job->fault)
		unlink(job->path); /* the member left while it was written */
	zone_free(job->made);
	in_settings_free(job->settings);
	free(job);
	in_release(in);
}

int in_job_start(struct in_zone *zone, struct in_stream *stream)
{
	struct in_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->work.data = job;
	job->in = zone->in;
	job->zone = zone;
	job->settings = zone->settings;
	job->settings->count++;
	job->stream = stream;
	path_of(zone, job->path, sizeof(job->path));
	zone->job = job;
	zone->in->open++;
	uv_queue_work(zone->in->loop, &job->work, on_work, on_done);
	return 0;
}

void in_job_confirm(const struct in_zone *zone)
{
	char path[1024];

	if (!path_of(zone, path, sizeof(path)))
		utimensat(AT_FDCWD, path, NULL, 0); /* absent where it could not be written */
}

int64_t in_job_confirmed(const struct in_zone *zone)
{
	struct stat status;
	char path[1024];

	if (path_of(zone, path, sizeof(path)) || stat(path, &status))
		return -1;
	return (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
}

void in_job_forget(const struct in_zone *zone)
{
	char path[1024];

	if (!path_of(zone, path, sizeof(path)))
		unlink(path);
}

int transfer_in_restore(const char *state_dir, const struct config_zone *settings,
                        uint16_t aname_type, struct zone **ret, struct error *error)
{
	char path[1024];
	int fault;

	if (!state_dir[0])
		return error_set(error, ENOENT, NULL, 0, "no state-dir: nothing is kept");
	fault = zonefile_path(state_dir, settings->name.name, path, sizeof(path));
	if (fault)
		return error_set(error, -fault, NULL, 0, "state-dir is too long");
	return zone_load_file(settings->name.name, settings->name.len, path, aname_type, settings,
	                      ret, error);
}
