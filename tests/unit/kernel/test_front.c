/* SPDX-License-Identifier: BSD-2-Clause */
/* The front index grows with the owners, and finds each of them at every step. */
#include "kernel/front.h"
#include "unit/kernel/one_bench.h"

static const struct fake_sizes roomy = {.owners = 8000,
                                        .audiences = 16,
                                        .slots = 8000,
                                        .slots_large = 12,
                                        .zones = 3,
                                        .front_lines = 2048};

static uint64_t lines(void)
{
	return bench.maps->control->front_mask + 1;
}

/* The owner is found by the line under the mask. -> whether without the hash */
static bool is_indexed(unsigned int number)
{
	const struct an_owner_slot *slot = bench_see(&bench, number);
	struct an_owner_key key;
	uint64_t hash;
	bool found = false;

	assert_non_null(slot);
	key = slot->key;
	hash = an_front_hash(&key);
	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++)
		found |= bench.maps->front[hash & bench.maps->control->front_mask].entries[i] >>
		                 32 ==
		         an_front_print(hash);
	return found;
}

static unsigned int count_indexed(unsigned int owners)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < owners; i++)
		count += is_indexed(i);
	return count;
}

/* Entries in all lines of the map. */
static unsigned int count_entries(void)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < bench.maps->front_lines; i++)
		for (unsigned int j = 0; j < AN_FRONT_ENTRIES; j++) {
			uint64_t entry = bench.maps->front[i].entries[j];

			count += entry && entry != AN_FRONT_MORE;
		}
	return count;
}

static void settle_in(unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		bench_owner(&bench, i);
}

static void lines_are_few_at_first_and_grow_with_the_owners(void **state)
{
	(void)state;
	assert_int_equal(lines(), FRONT_LINES_LEAST);
	settle_in(0, 1024);
	assert_int_equal(lines(), 256);
	bench_owner(&bench, 1024); /* more than four a line */
	assert_int_equal(lines(), 512);
	assert_true(is_indexed(1024));
	settle_in(1025, 2049);
	assert_int_equal(lines(), 1024);
	settle_in(2049, 8000);
	assert_int_equal(lines(), 2048);
	assert_in_range(count_indexed(8000), 7800, 8000); /* the others have lines that are full */
}

/* What has moved leaves nothing behind, and a line that was full is so no more. */
static void an_index_that_has_grown_holds_each_owner_once(void **state)
{
	(void)state;
	settle_in(0, 1024);
	assert_true(count_entries() < 1024); /* some lines are full */
	settle_in(1024, 1025);
	assert_in_range(count_entries(), 1022, 1025);
	assert_int_equal(count_indexed(1025), count_entries());
}

static void who_goes_after_it_has_grown_is_in_it_no_more(void **state)
{
	uint64_t uids[1100];

	(void)state;
	for (unsigned int i = 0; i < 1100; i++)
		uids[i] = bench_owner(&bench, i);
	assert_int_equal(lines(), 512);
	for (unsigned int i = 0; i < 1100; i++)
		publish_owner_remove(bench.publish, uids[i]);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(lines(), 512); /* they become no fewer */
}

static void who_is_expected_has_his_lines_at_once(void **state)
{
	(void)state;
	settle_in(0, 10);
	publish_expect(bench.publish, 3000);
	assert_int_equal(lines(), 1024);
	assert_int_equal(count_indexed(10), 10);
	publish_expect(bench.publish, 20);
	assert_int_equal(lines(), 1024);
	publish_expect(bench.publish, UINT64_MAX);
	assert_int_equal(lines(), 2048);
	assert_int_equal(count_indexed(10), 10);
}

static void the_next_daemon_has_no_fewer(void **state)
{
	(void)state;
	publish_expect(bench.publish, 3000);
	settle_in(0, 10);
	bench_restart(&bench);
	assert_int_equal(lines(), 1024);
	assert_int_equal(count_indexed(10), 10);
	assert_int_equal(count_entries(), 10);
}

/* No power of 2, too few, too many: as many as the owners want. */
static void a_mask_that_is_none_is_not_believed(void **state)
{
	static const uint64_t masks[] = {0, 127, 511 + 1, 4095, UINT64_MAX, 1ULL << 32 | 511};

	(void)state;
	settle_in(0, 1100);
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		bench.maps->control->front_mask = masks[i];
		bench_restart(&bench);
		assert_int_equal(lines(), 512);
		assert_in_range(count_indexed(1100), 1095, 1100);
	}
}

/* Lines that were full are counted as the hash's: the program asks it. */
static void every_owner_is_found_at_each_step(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2100; i++) {
		bench_owner(&bench, i);
		if (i % 97 == 0 || (i > 1020 && i < 1030))
			for (unsigned int j = 0; j <= i; j++)
				assert_non_null(bench_see(&bench, j));
	}
}

int main(void)
{
#define ROOMY(test) ON_BENCH_OF(roomy, test)
	const struct CMUnitTest tests[] = {
	        ROOMY(lines_are_few_at_first_and_grow_with_the_owners),
	        ROOMY(an_index_that_has_grown_holds_each_owner_once),
	        ROOMY(who_goes_after_it_has_grown_is_in_it_no_more),
	        ROOMY(who_is_expected_has_his_lines_at_once),
	        ROOMY(the_next_daemon_has_no_fewer),
	        ROOMY(a_mask_that_is_none_is_not_believed),
	        ROOMY(every_owner_is_found_at_each_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
