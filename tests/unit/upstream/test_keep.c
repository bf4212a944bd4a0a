/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "unit/folder.h"
#include "upstream/keep.h"

/* 100 octets */
#define TEN_V "vvvvvvvvvv"
#define VALUE TEN_V TEN_V TEN_V TEN_V TEN_V TEN_V TEN_V TEN_V TEN_V TEN_V

struct place {
	char dir[64];
	char file[96];
	uv_loop_t loop;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(mkdtemp(folder_template(place->dir, sizeof(place->dir), "keep")));
	snprintf(place->file, sizeof(place->file), "%s/last-good.mdb", place->dir);
	uv_loop_init(&place->loop);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"last-good.mdb", "last-good.mdb-lock",
	                                    "last-good.mdb.bad"};
	struct place *place = *state;
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", place->dir, names[i]);
		unlink(path);
	}
	uv_run(&place->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&place->loop), 0);
	assert_int_equal(rmdir(place->dir), 0);
	free(place);
	return 0;
}

static struct keep *open_keep(struct place *place)
{
	struct error error = {0};
	struct keep *keep;

	if (keep_open(&place->loop, place->dir, &keep, &error))
		fail_msg("keep_open: %s", error.text);
	return keep;
}

static void put(struct keep *keep, const char *key, const char *value)
{
	keep_put(keep, key, strlen(key), value, strlen(value));
}

/* "key=value " of every record, in the order of the keys. */
struct dump {
	char text[512];
	const char *drop; /* key to delete */
};

static int dump_one(const void *key, size_t key_len, const void *value, size_t value_len, void *arg)
{
	struct dump *dump = arg;
	size_t at = strlen(dump->text);

	snprintf(dump->text + at, sizeof(dump->text) - at, "%.*s=%.*s ", (int)key_len,
	         (const char *)key, (int)value_len, (const char *)value);
	return dump->drop && strlen(dump->drop) == key_len && !memcmp(dump->drop, key, key_len);
}

static void assert_holds(struct keep *keep, const char *expected)
{
	struct dump dump = {.text = ""};

	assert_int_equal(keep_each(keep, dump_one, &dump), 0);
	assert_string_equal(dump.text, expected);
}

static void records_are_there_after_reopening(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	struct keep_stats stats;

	put(keep, "b", "2");
	put(keep, "a", "1");
	put(keep, "empty", "");
	keep_close(keep);
	keep = open_keep(place);
	assert_holds(keep, "a=1 b=2 empty= ");
	keep_stats(keep, &stats);
	assert_int_equal(stats.records, 3);
	assert_true(stats.bytes > 0);
	keep_close(keep);
}

static void the_file_is_for_the_owner_alone(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	struct stat file;

	assert_int_equal(stat(place->file, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	keep_close(keep);
}

static void the_last_of_several_changes_of_a_key_counts(void **state)
{
	struct keep *keep = open_keep(*state);
	struct keep_stats stats;

	for (int i = 0; i < 1000; i++)
		put(keep, "a", i % 2 ? "odd" : "even");
	put(keep, "b", "there");
	keep_delete(keep, "b", 1);
	keep_delete(keep, "c", 1);
	put(keep, "c", "back");
	keep_delete(keep, "never", 5);
	assert_int_equal(keep_flush(keep), 0);
	assert_holds(keep, "a=odd c=back ");
	keep_stats(keep, &stats);
	assert_int_equal(stats.commits, 1);
	keep_close(keep);
}

static void a_visitor_deletes(void **state)
{
	struct keep *keep = open_keep(*state);
	struct dump dump = {.drop = "b"};

	put(keep, "a", "1");
	put(keep, "b", "2");
	put(keep, "c", "3");
	assert_int_equal(keep_each(keep, dump_one, &dump), 0);
	assert_string_equal(dump.text, "a=1 b=2 c=3 ");
	assert_holds(keep, "a=1 c=3 ");
	keep_close(keep);
}

static void changes_are_committed_by_themselves_within_a_second(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	uint64_t start = clock_ms();
	struct keep_stats stats;

	put(keep, "a", "1");
	do {
		uv_run(&place->loop, UV_RUN_ONCE);
		keep_stats(keep, &stats);
	} while (!stats.commits && clock_ms() - start < 5000);
	assert_int_equal(stats.commits, 1);
	assert_int_equal(stats.records, 1);
	assert_true(clock_ms() - start >= 150);
	assert_true(clock_ms() - start < 1000);
	keep_close(keep);
}

static void closing_with_a_commit_under_way_is_safe(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < 20; i++) {
		struct keep *keep = open_keep(place);
		uint64_t start = clock_ms();
		char key[32];

		for (int j = 0; j < 50; j++) {
			snprintf(key, sizeof(key), "%02d%02d", i, j);
			put(keep, key, "value");
		}
		while (clock_ms() - start < 205 && uv_run(&place->loop, UV_RUN_NOWAIT))
			if (i % 2) /* every second time before the timer has gone off */
				break;
		put(keep, "late", "1");
		keep_close(keep);
		uv_run(&place->loop, UV_RUN_DEFAULT);
	}
	struct keep *keep = open_keep(place);
	struct keep_stats stats;

	keep_stats(keep, &stats);
	assert_int_equal(stats.records, 20 * 50 + 1);
	keep_close(keep);
}

/* A power cut, as near as a test comes to it: what was flushed is there. */
static void a_killed_process_loses_nothing_that_was_flushed(void **state)
{
	struct place *place = *state;
	pid_t child = fork();
	struct keep *keep;
	int status;

	if (child == 0) {
		uv_loop_t loop;

		uv_loop_init(&loop);
		if (keep_open(&loop, place->dir, &keep, NULL))
			_exit(1);
		put(keep, "a", "1");
		put(keep, "b", "2");
		if (keep_flush(keep))
			_exit(2);
		put(keep, "c", "not flushed");
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	keep = open_keep(place);
	assert_holds(keep, "a=1 b=2 ");
	put(keep, "d", "4");
	assert_int_equal(keep_flush(keep), 0);
	assert_holds(keep, "a=1 b=2 d=4 ");
	keep_close(keep);
}

static bool moved_aside(const struct place *place)
{
	char aside[128];

	snprintf(aside, sizeof(aside), "%s.bad", place->file);
	return access(aside, F_OK) == 0;
}

static void fill(struct keep *keep, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		char key[32];
		int len = snprintf(key, sizeof(key), "key-%08u", i);

		keep_put(keep, key, (size_t)len, VALUE, 100);
	}
	assert_int_equal(keep_flush(keep), 0);
}

static void garbage_is_moved_aside_and_a_new_file_begun(void **state)
{
	struct place *place = *state;
	int fd = open(place->file, O_CREAT | O_WRONLY, 0600);
	char garbage[10000];
	struct keep *keep;

	memset(garbage, 'x', sizeof(garbage));
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	keep = open_keep(place);
	assert_true(moved_aside(place));
	put(keep, "a", "1");
	assert_holds(keep, "a=1 ");
	keep_close(keep);
}

static void a_truncated_file_is_moved_aside(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	struct stat file;

	fill(keep, 2000);
	keep_close(keep);
	assert_int_equal(stat(place->file, &file), 0);
	assert_true(file.st_size > 100000);
	assert_int_equal(truncate(place->file, file.st_size / 2), 0);
	keep = open_keep(place);
	assert_true(moved_aside(place));
	put(keep, "a", "1");
	assert_holds(keep, "a=1 ");
	keep_close(keep);
}

static int only_sound(const void *key, size_t key_len, const void *value, size_t value_len,
                      void *arg)
{
	unsigned int *count = arg;

	assert_int_equal(key_len, 12);
	assert_memory_equal(key, "key-", 4);
	assert_int_equal(value_len, 100);
	for (size_t i = 0; i < value_len; i++)
		assert_int_equal(((const uint8_t *)value)[i], 'v');
	++*count;
	return 0;
}

static void a_file_cut_at_any_place_gives_way(void **state)
{
	static const off_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 40000};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct keep *keep = open_keep(place);

		fill(keep, 500);
		keep_close(keep);
		assert_int_equal(truncate(place->file, sizes[i]), 0);
		keep = open_keep(place);
		assert_holds(keep, "");
		put(keep, "a", "1");
		assert_holds(keep, "a=1 ");
		keep_close(keep);
		unlink(place->file);
	}
}

static void a_file_of_another_format_is_moved_aside(void **state)
{
	MDB_val key = {3, (void *)(uintptr_t) "key"}, value = {5, (void *)(uintptr_t) "value"};
	struct place *place = *state;
	struct keep *keep;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 1), 0);
	assert_int_equal(mdb_env_open(env, place->file, MDB_NOSUBDIR, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "anamed-keep-0", MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	keep = open_keep(place);
	assert_true(moved_aside(place));
	assert_holds(keep, "");
	keep_close(keep);
}

/* A full disk, played by a limit on the size of files. */
static void what_could_not_be_written_is_written_later(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	struct rlimit limit, small = {.rlim_cur = 100000};
	unsigned int count = 0;
	struct keep_stats stats;

	getrlimit(RLIMIT_FSIZE, &limit);
	small.rlim_max = limit.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	for (unsigned int i = 0; i < 2000; i++) {
		char key[32];

		snprintf(key, sizeof(key), "key-%08u", i);
		put(keep, key, i == 7 ? "old" : VALUE);
	}
	assert_true(keep_flush(keep) < 0);
	keep_stats(keep, &stats);
	assert_int_equal(stats.failures, 1);
	assert_int_equal(stats.records, 0);
	put(keep, "key-00000007", VALUE); /* newer than what waits */
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(keep_flush(keep), 0);
	assert_int_equal(keep_each(keep, only_sound, &count), 0);
	assert_int_equal(count, 2000);
	keep_close(keep);
}

static void damage(const struct place *place, off_t at, int octet)
{
	int fd = open(place->file, O_WRONLY);
	uint8_t junk[64];

	memset(junk, octet, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

/* Every page in turn is overwritten: either the file goes aside, or what is given is sound. */
static void a_damaged_page_never_gives_a_wrong_record(void **state)
{
	struct place *place = *state;
	unsigned int aside = 0, dropped = 0, kept = 0;

	for (off_t page = 2; page < 12; page++)
		for (off_t at = 0; at < 4096; at += 1500) {
			struct keep *keep = open_keep(place);
			unsigned int count = 0;
			char bad[128];

			fill(keep, 200);
			keep_close(keep);
			damage(place, page * 4096 + at, (int)(page * 31 + at));
			keep = open_keep(place);
			assert_int_equal(keep_each(keep, only_sound, &count), 0);
			aside += moved_aside(place);
			dropped += !moved_aside(place) && count < 200;
			kept += count == 200;
			keep_close(keep);
			uv_run(&place->loop, UV_RUN_DEFAULT);
			snprintf(bad, sizeof(bad), "%s.bad", place->file);
			unlink(bad);
			unlink(place->file);
		}
	/* All three happen, or the damage was done in the wrong places. */
	assert_true(aside > 0);
	assert_true(dropped > 0);
	assert_true(kept > 0);
}

static void a_folder_that_is_not_there_is_an_error_with_its_name(void **state)
{
	struct place *place = *state;
	struct error error = {0};
	struct keep *keep;

	assert_int_equal(keep_open(&place->loop, "/nonexistent/anamed", &keep, &error), -ENOENT);
	assert_non_null(strstr(error.file, "/nonexistent/anamed"));
	assert_non_null(strstr(error.text, "No such file"));
}

static void a_hundred_thousand_records_are_kept(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	unsigned int count = 0;

	fill(keep, 100000);
	keep_close(keep);
	keep = open_keep(place);
	assert_int_equal(keep_each(keep, only_sound, &count), 0);
	assert_int_equal(count, 100000);
	keep_close(keep);
}

/* 100 MB of records in a map that begins with 64 MiB. */
static void the_map_grows(void **state)
{
	struct place *place = *state;
	struct keep *keep = open_keep(place);
	uint8_t *value = calloc(1, 1000000);
	struct keep_stats stats;

	for (int i = 0; i < 100; i++)
		keep_put(keep, &i, sizeof(i), value, 1000000);
	assert_int_equal(keep_flush(keep), 0);
	keep_stats(keep, &stats);
	assert_int_equal(stats.records, 100);
	assert_int_equal(stats.failures, 0);
	assert_true(stats.bytes > 100000000);
	keep_close(keep);
	keep = open_keep(place); /* with a file that is larger than the first map */
	keep_stats(keep, &stats);
	assert_int_equal(stats.records, 100);
	keep_close(keep);
	free(value);
}

int main(void)
{
#define KEEP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	        KEEP_TEST(records_are_there_after_reopening),
	        KEEP_TEST(the_file_is_for_the_owner_alone),
	        KEEP_TEST(the_last_of_several_changes_of_a_key_counts),
	        KEEP_TEST(a_visitor_deletes),
	        KEEP_TEST(changes_are_committed_by_themselves_within_a_second),
	        KEEP_TEST(closing_with_a_commit_under_way_is_safe),
	        KEEP_TEST(a_killed_process_loses_nothing_that_was_flushed),
	        KEEP_TEST(garbage_is_moved_aside_and_a_new_file_begun),
	        KEEP_TEST(a_truncated_file_is_moved_aside),
	        KEEP_TEST(a_file_cut_at_any_place_gives_way),
	        KEEP_TEST(a_file_of_another_format_is_moved_aside),
	        KEEP_TEST(what_could_not_be_written_is_written_later),
	        KEEP_TEST(a_damaged_page_never_gives_a_wrong_record),
	        KEEP_TEST(a_folder_that_is_not_there_is_an_error_with_its_name),
	        KEEP_TEST(a_hundred_thousand_records_are_kept),
	        KEEP_TEST(the_map_grows),
	};

	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
