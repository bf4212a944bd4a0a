/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/keep.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "upstream/records.h"

#define FILE_NAME "last-good.mdb"
#define COMMIT_MS 200
#define RETRY_MS  5000

/*
 * Two tables: `pending` belongs to the loop's thread and collects; `batch` is
 * what a commit has taken over, and is touched under the lock only, as the
 * records are: by the pool's thread or by keep_flush(), whichever comes first.
 */
struct keep {
	uv_loop_t *loop;
	uv_timer_t timer;
	uv_work_t work;
	bool working, closing, timer_closed;
	struct changes pending;

	pthread_mutex_t lock;
	struct records *records; /* NULL: closed */
	struct changes batch;
	bool failing; /* said so in the log */

	pthread_mutex_t stats_lock;
	struct keep_stats stats;
	char path[PATH_MAX];
};

/* ---- commits ---- */

static void count_commit(struct keep *keep, bool failed)
{
	uint64_t records = 0, bytes = 0;

	records_measure(keep->records, &records, &bytes);
	pthread_mutex_lock(&keep->stats_lock);
	keep->stats.records = records;
	keep->stats.bytes = bytes;
	if (failed)
		keep->stats.failures++;
	else
		keep->stats.commits++;
	pthread_mutex_unlock(&keep->stats_lock);
}

/* Once when it begins, once when it is over: it is tried every few seconds. */
static void log_commit(struct keep *keep, int error)
{
	if (error && !keep->failing)
		log_warning("%s: cannot write %zu changes, will go on trying: %s", keep->path,
		            keep->batch.count, records_error_text(error));
	else if (!error && keep->failing)
		log_notice("%s: written again", keep->path);
	keep->failing = error != 0;
}

/* Under the lock. 0 or a negative errno; the batch stays if it could not be committed. */
static int commit_batch(struct keep *keep)
{
	int error;

	if (!keep->batch.count || !keep->records)
		return 0;
	error = records_commit(keep->records, &keep->batch);
	count_commit(keep, error != 0);
	log_commit(keep, error);
	if (error)
		return error > 0 ? -error : -EIO;
	changes_free(&keep->batch);
	return 0;
}

/* Older changes that failed, and then what is pending, become the batch. */
static void take_pending(struct keep *keep)
{
	changes_return(&keep->pending, &keep->batch);
	keep->batch = keep->pending;
	keep->pending = (struct changes){0};
}

static void on_work(uv_work_t *work)
{
	struct keep *keep = work->data;

	pthread_mutex_lock(&keep->lock);
	commit_batch(keep);
	pthread_mutex_unlock(&keep->lock);
}

static void free_keep(struct keep *keep)
{
	if (keep->working || !keep->timer_closed)
		return;
	pthread_mutex_destroy(&keep->lock);
	pthread_mutex_destroy(&keep->stats_lock);
	free(keep);
}

static void on_timer(uv_timer_t *timer);

static void after_work(uv_work_t *work, int status)
{
	struct keep *keep = work->data;
	bool failed;

	(void)status;
	keep->working = false;
	if (keep->closing) {
		free_keep(keep);
		return;
	}
	pthread_mutex_lock(&keep->lock);
	failed = keep->batch.count > 0;
	pthread_mutex_unlock(&keep->lock);
	if (failed)
		uv_timer_start(&keep->timer, on_timer, RETRY_MS, 0);
	else if (keep->pending.count)
		uv_timer_start(&keep->timer, on_timer, COMMIT_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct keep *keep = timer->data;

	if (keep->working)
		return; /* after_work() sets the timer again */
	pthread_mutex_lock(&keep->lock);
	take_pending(keep);
	pthread_mutex_unlock(&keep->lock);
	keep->working = uv_queue_work(keep->loop, &keep->work, on_work, after_work) == 0;
	if (!keep->working)
		uv_timer_start(&keep->timer, on_timer, RETRY_MS, 0);
}

/* `error` is of adding a change. */
static void changed(struct keep *keep, int error)
{
	if (error) {
		pthread_mutex_lock(&keep->stats_lock);
		keep->stats.failures++;
		pthread_mutex_unlock(&keep->stats_lock);
		return;
	}
	if (!keep->working && !uv_is_active((uv_handle_t *)&keep->timer))
		uv_timer_start(&keep->timer, on_timer, COMMIT_MS, 0);
}

/* ---- the room's door ---- */

void keep_put(struct keep *keep, const void *key, size_t key_len, const void *value,
              size_t value_len)
{
	changed(keep, changes_put(&keep->pending, key, key_len, value, value_len));
}

void keep_delete(struct keep *keep, const void *key, size_t key_len)
{
	changed(keep, changes_delete(&keep->pending, key, key_len));
}

int keep_flush(struct keep *keep)
{
	int error;

	pthread_mutex_lock(&keep->lock);
	take_pending(keep);
	error = commit_batch(keep);
	pthread_mutex_unlock(&keep->lock);
	if (error && !keep->working && !uv_is_closing((uv_handle_t *)&keep->timer))
		uv_timer_start(&keep->timer, on_timer, RETRY_MS, 0);
	return error;
}

struct visit {
	struct keep *keep;
	int (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
	             void *arg);
	void *arg;
};

static void visit_one(const void *key, size_t key_len, const void *value, size_t value_len,
                      bool sound, void *arg)
{
	const struct visit *visit = arg;

	if (!sound || visit->visit(key, key_len, value, value_len, visit->arg))
		keep_delete(visit->keep, key, key_len);
}

int keep_each(struct keep *keep,
              int (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                           void *arg),
              void *arg)
{
	struct visit each = {keep, visit, arg};
	int error = keep_flush(keep);

	if (error)
		return error;
	pthread_mutex_lock(&keep->lock);
	error = records_each(keep->records, visit_one, &each);
	pthread_mutex_unlock(&keep->lock);
	return error;
}

void keep_stats(struct keep *keep, struct keep_stats *ret)
{
	pthread_mutex_lock(&keep->stats_lock);
	*ret = keep->stats;
	pthread_mutex_unlock(&keep->stats_lock);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct keep *keep = handle->data;

	keep->timer_closed = true;
	free_keep(keep);
}

void keep_close(struct keep *keep)
{
	if (!keep)
		return;
	keep_flush(keep);
	pthread_mutex_lock(&keep->lock);
	records_close(keep->records);
	keep->records = NULL;
	changes_free(&keep->batch);
	pthread_mutex_unlock(&keep->lock);
	changes_free(&keep->pending);
	keep->closing = true;
	uv_close((uv_handle_t *)&keep->timer, on_timer_closed);
}

int keep_open(uv_loop_t *loop, const char *dir, struct keep **ret, struct error *error)
{
	struct keep *keep = calloc(1, sizeof(*keep));
	int status;

	if (!keep)
		return error_set(error, ENOMEM, dir, 0, "out of memory");
	snprintf(keep->path, sizeof(keep->path), "%s/" FILE_NAME, dir);
	status = records_open(keep->path, &keep->records, error);
	if (status) {
		free(keep);
		return status;
	}
	records_measure(keep->records, &keep->stats.records, &keep->stats.bytes);
	keep->loop = loop;
	keep->work.data = keep;
	pthread_mutex_init(&keep->lock, NULL);
	pthread_mutex_init(&keep->stats_lock, NULL);
	uv_timer_init(loop, &keep->timer);
	keep->timer.data = keep;
	*ret = keep;
	return 0;
}
