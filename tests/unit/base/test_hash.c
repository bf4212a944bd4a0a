/* SPDX-License-Identifier: BSD-2-Clause */
/* A table without memory leaves out what it cannot take, and keeps what it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned int left; /* allocations that succeed */

static void *table_malloc(size_t size)
{
	return left && left-- ? malloc(size) : NULL;
}

#define uthash_malloc(size) table_malloc(size)
#include "base/hash.h"

struct entry {
	UT_hash_handle hh;
	int key;
};

static struct entry *entries;

static struct entry *add(int key)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	assert_non_null(entry);
	entry->key = key;
	HASH_ADD_INT(entries, key, entry);
	if (HASH_ADDED(entry))
		return entry;
	free(entry);
	return NULL;
}

static void without_memory_nothing_is_added_and_nothing_ends(void **state)
{
	struct entry *entry, *next;
	int added = 0;

	(void)state;
	left = 0;
	assert_null(add(0));
	left = 1; /* the table, but no buckets */
	assert_null(add(0));
	left = 2;
	while (added < 10000 && add(added))
		added++;
	assert_in_range(added, 1, 9999); /* more buckets were wanted */
	assert_int_equal(HASH_COUNT(entries), added);
	for (int key = 0; key < added; key++) {
		HASH_FIND_INT(entries, &key, entry);
		assert_non_null(entry);
	}
	left = 1;
	assert_non_null(add(added)); /* memory is back */
	HASH_ITER(hh, entries, entry, next)
	{
		HASH_DEL(entries, entry);
		free(entry);
	}
	assert_null(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_memory_nothing_is_added_and_nothing_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
