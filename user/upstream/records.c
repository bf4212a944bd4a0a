/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/records.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* The database's name in the file: another format gets another name. */
#define FORMAT   "anamed-keep-1"
#define MAP_SIZE ((size_t)64 << 20)

struct records {
	MDB_env *env;
	MDB_dbi dbi;
};

/* ---- writing ---- */

static int apply(MDB_txn *txn, MDB_dbi dbi, const struct change *change)
{
	uint8_t *octets = (uint8_t *)(uintptr_t)change->octets; /* LMDB only reads them */
	MDB_val key = {change->key_len, octets};
	MDB_val value = {change->value_len, octets + change->key_len};
	int status;

	if (!change->deleted)
		return mdb_put(txn, dbi, &key, &value, 0);
	status = mdb_del(txn, dbi, &key, NULL);
	return status == MDB_NOTFOUND ? 0 : status;
}

static int commit_once(struct records *records, const struct changes *changes)
{
	MDB_txn *txn;
	int status = mdb_txn_begin(records->env, NULL, 0, &txn);

	if (status)
		return status;
	for (size_t i = 0; i < changes->bucket_count; i++)
		for (struct change *change = changes->buckets[i]; change; change = change->next) {
			status = apply(txn, records->dbi, change);
			if (status) {
				mdb_txn_abort(txn);
				return status;
			}
		}
	return mdb_txn_commit(txn);
}

static int grow_map(struct records *records)
{
	MDB_envinfo info;

	mdb_env_info(records->env, &info);
	return mdb_env_set_mapsize(records->env, info.me_mapsize * 2);
}

int records_commit(struct records *records, const struct changes *changes)
{
	for (;;) {
		int status = commit_once(records, changes);

		if (status != MDB_MAP_FULL)
			return status;
		status = grow_map(records);
		if (status)
			return status;
	}
}

const char *records_error_text(int error)
{
	return mdb_strerror(error);
}

/* ---- reading ---- */

static bool is_sound(const MDB_val *key, const MDB_val *value)
{
	uint64_t sum;

	if (value->mv_size < sizeof(sum))
		return false;
	memcpy(&sum, value->mv_data, sizeof(sum));
	return sum == changes_sum(key->mv_data, key->mv_size,
	                          (const uint8_t *)value->mv_data + sizeof(sum),
	                          value->mv_size - sizeof(sum));
}

int records_each(struct records *records,
                 void (*visit)(const void *key, size_t key_len, const void *value, size_t value_len,
                               bool sound, void *arg),
                 void *arg)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_txn *txn;
	int status = mdb_txn_begin(records->env, NULL, MDB_RDONLY, &txn);

	if (status)
		return -EIO;
	status = mdb_cursor_open(txn, records->dbi, &cursor);
	if (status)
		goto abort_txn;
	while (!(status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
		bool sound = is_sound(&key, &value);

		visit(key.mv_data, key.mv_size,
		      sound ? (const uint8_t *)value.mv_data + CHANGES_SUM_LEN : NULL,
		      sound ? value.mv_size - CHANGES_SUM_LEN : 0, sound, arg);
	}
	mdb_cursor_close(cursor);
abort_txn:
	mdb_txn_abort(txn);
	return status == MDB_NOTFOUND ? 0 : -EIO;
}

void records_measure(struct records *records, uint64_t *ret_count, uint64_t *ret_bytes)
{
	MDB_envinfo info;
	MDB_stat stat;
	MDB_txn *txn;

	if (mdb_txn_begin(records->env, NULL, MDB_RDONLY, &txn))
		return;
	if (!mdb_stat(txn, records->dbi, &stat) && !mdb_env_info(records->env, &info)) {
		*ret_count = stat.ms_entries;
		*ret_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
	}
	mdb_txn_abort(txn);
}

/* ---- is the file whole? ---- */

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
static int walk(MDB_txn *txn, MDB_dbi dbi, volatile uint64_t *touched)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	int status = mdb_cursor_open(txn, dbi, &cursor);

	if (status)
		return status;
	while (!(status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
		*touched ^= changes_sum(key.mv_data, key.mv_size, value.mv_data, value.mv_size);
	mdb_cursor_close(cursor);
	return status == MDB_NOTFOUND ? 0 : status;
}

/* 0, or why the file cannot be used. Another format's file has another database in it. */
static int inspect(MDB_env *env)
{
	volatile uint64_t touched = 0;
	MDB_stat stat;
	MDB_txn *txn;
	MDB_dbi dbi;
	int status = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (status)
		return status;
	status = walk(txn, 0, &touched); /* the list of free pages */
	if (status)
		goto abort_txn;
	status = mdb_dbi_open(txn, FORMAT, 0, &dbi);
	if (!status) {
		status = walk(txn, dbi, &touched);
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

static int open_database(struct records *records, const char *path)
{
	MDB_txn *txn;
	int status = open_env(path, 0, &records->env);

	if (status)
		return status;
	mdb_reader_check(records->env, NULL);
	status = mdb_txn_begin(records->env, NULL, 0, &txn);
	if (status)
		return status;
	status = mdb_dbi_open(txn, FORMAT, MDB_CREATE, &records->dbi);
	if (status) {
		mdb_txn_abort(txn);
		return status;
	}
	return mdb_txn_commit(txn);
}

/* A new file is there after a power cut only if its folder is on disk too. */
static void sync_dir(const char *path)
{
	char dir[PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int open_path(struct records *records, const char *path)
{
	int status;

	if (inspect_file(path) == FILE_UNUSABLE) {
		status = move_aside(path);
		if (status)
			return status;
	}
	return open_database(records, path);
}

int records_open(const char *path, struct records **ret, struct error *error)
{
	struct records *records = calloc(1, sizeof(*records));
	int status;

	if (!records)
		return error_set(error, ENOMEM, path, 0, "out of memory");
	status = open_path(records, path);
	if (!status) {
		sync_dir(path);
		*ret = records;
		return 0;
	}
	/* errno as it is or negated, or a code of LMDB's own */
	if (status > MDB_LAST_ERRCODE)
		status = -abs(status);
	error_set(error, EIO, path, 0, "cannot open: %s",
	          status > MDB_LAST_ERRCODE ? strerror(-status) : mdb_strerror(status));
	if (records->env)
		mdb_env_close(records->env);
	free(records);
	return status > MDB_LAST_ERRCODE ? status : -EIO;
}

void records_close(struct records *records)
{
	mdb_env_close(records->env);
	free(records);
}
