/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/log.h"

#define FILE_NAME     "last-good.mdb"
#define FORMAT        "anamed-keep-1" /* the database's name in the file; another format, another name */
#define COMMIT_MS     200
#define RETRY_MS      5000
#define MAP_SIZE      ((size_t)64 << 20)
#define BUCKETS_FIRST 64

/*
 * Two tables: `pending` belongs to the loop's thread and collects; `batch` is
 * what a commit has taken over, and is touched under the lock only, by the
 * pool's thread or by keep_flush(), whichever comes first. Every transaction
 * runs under the lock, so that the map can grow (LMDB: no other transaction of
 * the process may be open).
 */

struct change {
	struct change *next;
	uint64_t hash;
	size_t key_len, value_len;
	bool deleted;
	uint8_t octets[]; /* key, checksum, value */
};

struct changes {
	struct change **buckets;
	size_t bucket_count, count;
};

struct keep {
	uv_loop_t *loop;
	uv_timer_t timer;
	uv_work_t work;
	bool working, closing, timer_closed;
	struct changes pending;

	pthread_mutex_t lock;
	MDB_env *env;
	MDB_dbi dbi;
	struct changes batch;

	pthread_mutex_t stats_lock;
	struct keep_stats stats;
	char path[PATH_MAX];
};

/* ---- collected changes: the last one of a key counts ---- */

static void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->bucket_count; i++)
		while (changes->buckets[i]) {
			struct change *change = changes->buckets[i];

			changes->buckets[i] = change->next;
			free(change);
		}
	free(changes->buckets);
	*changes = (struct changes){0};
}

static int changes_grow(struct changes *changes)
{
	size_t count = changes->bucket_count ? changes->bucket_count * 2 : BUCKETS_FIRST;
	struct change **buckets = calloc(count, sizeof(struct change *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < changes->bucket_count; i++)
		while (changes->buckets[i]) {
			struct change *change = changes->buckets[i];

			changes->buckets[i] = change->next;
			change->next = buckets[change->hash & (count - 1)];
			buckets[change->hash & (count - 1)] = change;
		}
	free(changes->buckets);
	changes->buckets = buckets;
	changes->bucket_count = count;
	return 0;
}

static struct change **changes_find(struct changes *changes, const struct change *like)
{
	struct change **link = &changes->buckets[like->hash & (changes->bucket_count - 1)];

	while (*link && ((*link)->hash != like->hash || (*link)->key_len != like->key_len ||
	                 memcmp((*link)->octets, like->octets, like->key_len)))
		link = &(*link)->next;
	return link;
}

/* Takes the change over. `newer`: it replaces one of the same key, else gives way to it. */
static int changes_add(struct changes *changes, struct change *change, bool newer)
{
	struct change **link, *old;

	if (changes->count >= changes->bucket_count && changes_grow(changes) &&
	    !changes->bucket_count) {
		free(change);
		return -ENOMEM;
	}
	link = changes_find(changes, change);
	old = *link;
	if (old && !newer) {
		free(change);
		return 0;
	}
	change->next = old ? old->next : NULL;
	*link = change;
	changes->count += !old;
	free(old);
	return 0;
}

/* What could not be committed goes back, behind what has come since. */
static void changes_return(struct changes *to, struct changes *from)
{
	for (size_t i = 0; i < from->bucket_count; i++)
		while (from->buckets[i]) {
			struct change *change = from->buckets[i];

			from->buckets[i] = change->next;
			changes_add(to, change, false);
		}
	changes_free(from);
}

/* ---- records: each value stands behind a checksum of key and value ---- */

static uint64_t checksum(const void *key, size_t key_len, const void *value, size_t value_len)
{
	return XXH3_64bits_withSeed(value, value_len, XXH3_64bits(key, key_len));
}

static struct change *make_change(const void *key, size_t key_len, const void *value,
                                  size_t value_len, bool deleted)
{
	struct change *change = malloc(sizeof(*change) + key_len + sizeof(uint64_t) + value_len);
	uint64_t sum = checksum(key, key_len, value, value_len);

	if (!change)
		return NULL;
	change->hash = XXH3_64bits(key, key_len);
	change->key_len = key_len;
	change->value_len = value_len;
	change->deleted = deleted;
	memcpy(change->octets, key, key_len);
	memcpy(change->octets + key_len, &sum, sizeof(sum));
	if (value_len)
		memcpy(change->octets + key_len + sizeof(sum), value, value_len);
	return change;
}

static bool record_sound(const MDB_val *key, const MDB_val *value)
{
	uint64_t sum;

	if (value->mv_size < sizeof(sum))
		return false;
	memcpy(&sum, value->mv_data, sizeof(sum));
	return sum == checksum(key->mv_data, key->mv_size,
	                       (const uint8_t *)value->mv_data + sizeof(sum),
	                       value->mv_size - sizeof(sum));
}

/* ---- commits ---- */

static int apply(MDB_txn *txn, MDB_dbi dbi, struct change *change)
{
	MDB_val key = {change->key_len, change->octets};
	MDB_val value = {sizeof(uint64_t) + change->value_len, change->octets + change->key_len};
	int status;

	if (!change->deleted)
		return mdb_put(txn, dbi, &key, &value, 0);
	status = mdb_del(txn, dbi, &key, NULL);
	return status == MDB_NOTFOUND ? 0 : status;
}

static int commit_once(struct keep *keep)
{
	MDB_txn *txn;
	int status = mdb_txn_begin(keep->env, NULL, 0, &txn);

	if (status)
		return status;
	for (size_t i = 0; i < keep->batch.bucket_count; i++)
		for (struct change *change = keep->batch.buckets[i]; change;
		     change = change->next) {
			status = apply(txn, keep->dbi, change);
			if (status) {
				mdb_txn_abort(txn);
				return status;
			}
		}
	return mdb_txn_commit(txn);
}

static int grow_map(struct keep *keep)
{
	MDB_envinfo info;

	mdb_env_info(keep->env, &info);
	return mdb_env_set_mapsize(keep->env, info.me_mapsize * 2);
}

/* Under the lock: the records and octets in use. */
static void measure(struct keep *keep, struct keep_stats *ret)
{
	MDB_envinfo info;
	MDB_stat stat;
	MDB_txn *txn;

	if (mdb_txn_begin(keep->env, NULL, MDB_RDONLY, &txn))
		return;
	if (!mdb_stat(txn, keep->dbi, &stat) && !mdb_env_info(keep->env, &info)) {
		ret->records = stat.ms_entries;
		ret->bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
	}
	mdb_txn_abort(txn);
}

static void count_commit(struct keep *keep, int status)
{
	struct keep_stats now = {0};

	measure(keep, &now);
	pthread_mutex_lock(&keep->stats_lock);
	keep->stats.records = now.records;
	keep->stats.bytes = now.bytes;
	if (status)
		keep->stats.failures++;
	else
		keep->stats.commits++;
	pthread_mutex_unlock(&keep->stats_lock);
}

/* Under the lock. 0 or a negative errno; the batch stays if it could not be committed. */
static int commit_batch(struct keep *keep)
{
	int status;

	if (!keep->batch.count || !keep->env)
		return 0;
	for (;;) {
		status = commit_once(keep);
		if (status == MDB_MAP_FULL)
			status = grow_map(keep);
		else
			break;
		if (status)
			break;
	}
	count_commit(keep, status);
	if (!status) {
		changes_free(&keep->batch);
		return 0;
	}
	log_warning("%s: cannot commit %zu changes: %s", keep->path, keep->batch.count,
	            mdb_strerror(status));
	return status > 0 ? -status : -EIO;
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

static void add_pending(struct keep *keep, struct change *change)
{
	if (!change || changes_add(&keep->pending, change, true)) {
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
	add_pending(keep, make_change(key, key_len, value, value_len, false));
}

void keep_delete(struct keep *keep, const void *key, size_t key_len)
{
	add_pending(keep, make_change(key, key_len, NULL, 0, true));
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

static int each(struct keep *keep, MDB_cursor *cursor,
                int (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                             void *arg),
                void *arg)
{
	MDB_val key, value;
	int status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

	for (; !status; status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		if (!record_sound(&key, &value) ||
		    visit(key.mv_data, key.mv_size,
		          (const uint8_t *)value.mv_data + sizeof(uint64_t),
		          value.mv_size - sizeof(uint64_t), arg))
			keep_delete(keep, key.mv_data, key.mv_size);
	return status == MDB_NOTFOUND ? 0 : -EIO;
}

int keep_each(struct keep *keep,
              int (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                           void *arg),
              void *arg)
{
	int error = keep_flush(keep);
	MDB_cursor *cursor;
	MDB_txn *txn;

	if (error)
		return error;
	pthread_mutex_lock(&keep->lock);
	error = -EIO;
	if (mdb_txn_begin(keep->env, NULL, MDB_RDONLY, &txn))
		goto unlock;
	if (mdb_cursor_open(txn, keep->dbi, &cursor))
		goto abort_txn;
	error = each(keep, cursor, visit, arg);
	mdb_cursor_close(cursor);
abort_txn:
	mdb_txn_abort(txn);
unlock:
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
	mdb_env_close(keep->env);
	keep->env = NULL;
	changes_free(&keep->batch);
	pthread_mutex_unlock(&keep->lock);
	changes_free(&keep->pending);
	keep->closing = true;
	uv_close((uv_handle_t *)&keep->timer, on_timer_closed);
}

/* ---- opening ---- */

static int open_env(const char *path, unsigned int flags, MDB_env **ret)
{
	MDB_env *env;
	int status = mdb_env_create(&env);

	if (status)
		return status;
	status = mdb_env_set_maxdbs(env, 1);
	if (!status)
		status = mdb_env_set_mapsize(env, MAP_SIZE);
	if (!status)
		status = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
	if (status) {
		mdb_env_close(env);
		return status;
	}
	*ret = env;
	return 0;
}

/* Reads every page of one database. */
static int walk(MDB_txn *txn, MDB_dbi dbi)
{
	static volatile uint64_t sink;
	MDB_val key, value;
	MDB_cursor *cursor;
	int status = mdb_cursor_open(txn, dbi, &cursor);

	if (status)
		return status;
	while (!(status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
		sink ^= checksum(key.mv_data, key.mv_size, value.mv_data, value.mv_size);
	mdb_cursor_close(cursor);
	return status == MDB_NOTFOUND ? 0 : status;
}

/* 0, or why the file cannot be used. Another format's file has another database in it. */
static int inspect(MDB_env *env)
{
	MDB_stat stat;
	MDB_txn *txn;
	MDB_dbi dbi;
	int status = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (status)
		return status;
	status = walk(txn, 0); /* the list of free pages */
	if (status)
		goto abort_txn;
	status = mdb_dbi_open(txn, FORMAT, 0, &dbi);
	if (!status) {
		status = walk(txn, dbi);
	} else if (status == MDB_NOTFOUND && !mdb_dbi_open(txn, NULL, 0, &dbi)) {
		status = mdb_stat(txn, dbi, &stat);
		if (!status && stat.ms_entries)
			status = MDB_VERSION_MISMATCH;
	}
abort_txn:
	mdb_txn_abort(txn);
	return status;
}

enum verdict { FILE_SOUND, FILE_UNUSABLE, FILE_UNKNOWN };

static void __attribute__((noreturn)) inspect_and_exit(const char *path)
{
	static const int deadly[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE};
	MDB_env *env;
	int status;

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	status = open_env(path, MDB_RDONLY, &env);
	if (!status)
		status = inspect(env);
	/* Positive: an errno of this machine, not a fault of the file. */
	_exit(status == 0 ? FILE_SOUND : status < 0 ? FILE_UNUSABLE : FILE_UNKNOWN);
}

/*
 * LMDB maps the file and trusts it: a cut or damaged one kills whoever reads
 * it. So a child reads all of it first.
 */
static enum verdict inspect_file(const char *path)
{
	struct stat file;
	int status;
	pid_t child;

	if (stat(path, &file) || file.st_size == 0)
		return FILE_SOUND;
	child = fork();
	if (child < 0)
		return FILE_UNKNOWN;
	if (child == 0)
		inspect_and_exit(path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return FILE_UNKNOWN;
	if (!WIFEXITED(status))
		return FILE_UNUSABLE;
	return WEXITSTATUS(status) == FILE_SOUND     ? FILE_SOUND
	       : WEXITSTATUS(status) == FILE_UNKNOWN ? FILE_UNKNOWN
	                                             : FILE_UNUSABLE;
}

static int move_aside(const char *path)
{
	char aside[PATH_MAX + 8], lock[PATH_MAX + 8];

	snprintf(aside, sizeof(aside), "%s.bad", path);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	if (rename(path, aside))
		return -errno;
	unlink(lock);
	log_warning("%s cannot be used: moved to %s; beginning a new one", path, aside);
	return 0;
}

static int open_database(struct keep *keep)
{
	MDB_txn *txn;
	int status = open_env(keep->path, 0, &keep->env);

	if (status)
		return status;
	mdb_reader_check(keep->env, NULL);
	status = mdb_txn_begin(keep->env, NULL, 0, &txn);
	if (status)
		return status;
	status = mdb_dbi_open(txn, FORMAT, MDB_CREATE, &keep->dbi);
	if (status) {
		mdb_txn_abort(txn);
		return status;
	}
	return mdb_txn_commit(txn);
}

/* A new file is there after a power cut only if its folder is on disk too. */
static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int keep_open(uv_loop_t *loop, const char *dir, struct keep **ret, struct error *error)
{
	struct keep *keep = calloc(1, sizeof(*keep));
	int status;

	if (!keep)
		return error_set(error, ENOMEM, dir, 0, "out of memory");
	snprintf(keep->path, sizeof(keep->path), "%s/" FILE_NAME, dir);
	if (inspect_file(keep->path) == FILE_UNUSABLE) {
		status = move_aside(keep->path);
		if (status)
			goto fail;
	}
	status = open_database(keep);
	if (status)
		goto fail;
	sync_dir(dir);
	measure(keep, &keep->stats);
	keep->loop = loop;
	keep->work.data = keep;
	pthread_mutex_init(&keep->lock, NULL);
	pthread_mutex_init(&keep->stats_lock, NULL);
	uv_timer_init(loop, &keep->timer);
	keep->timer.data = keep;
	*ret = keep;
	return 0;

fail:
	/* errno as it is or negated, or a code of LMDB's own */
	if (status > MDB_LAST_ERRCODE)
		status = -abs(status);
	error_set(error, EIO, keep->path, 0, "cannot open: %s",
	          status > MDB_LAST_ERRCODE ? strerror(-status) : mdb_strerror(status));
	if (keep->env)
		mdb_env_close(keep->env);
	free(keep);
	return status > MDB_LAST_ERRCODE ? status : -EIO;
}
