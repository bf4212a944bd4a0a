/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of names that exist: never "absent" for a name that is there. */
#include "kernel/names.h"
#include "unit/kernel/desk_bench.h"

static const struct fake_sizes sizes = {
        .owners = 16, .audiences = 16, .slots = 64, .slots_large = 16, .zones = 4};

static struct kernel_maps *maps;
static struct names names;

static int set_up(void **state)
{
	(void)state;
	maps = fake_maps_new(&sizes);
	return names_init(&names, maps);
}

static int tear_down(void **state)
{
	(void)state;
	names_done(&names);
	fake_maps_free(maps);
	return 0;
}

enum { ABSENT = -1, UNKNOWN = -2 };

/* As the program looks: flags, ABSENT, or UNKNOWN. */
static int look(uint64_t hash)
{
	const struct an_name_line *line =
	        &maps->names[an_name_place(hash) & maps->control->names_mask];

	for (unsigned int i = 0; i < AN_NAME_ENTRIES; i++)
		if ((line->entries[i] & ~AN_NAME_FLAGS) == an_name_tag(hash))
			return (int)(line->entries[i] & AN_NAME_FLAGS);
	return line->entries[AN_NAME_ENTRIES - 1] == AN_NAME_MORE ? UNKNOWN : ABSENT;
}

/* The i-th hash that falls into one line. */
static uint64_t in_one_line(uint64_t i)
{
	return (i + 1) << 32 | 5 << 4;
}

static void a_name_is_there_until_it_was_dropped_as_often_as_added(void **state)
{
	(void)state;
	assert_int_equal(look(0x1230), ABSENT);
	names_add(&names, 0x1230, AN_NAME_CUT);
	names_add(&names, 0x1230, AN_NAME_APEX);
	assert_int_equal(look(0x1230), AN_NAME_CUT | AN_NAME_APEX);
	names_set(&names, 0x1230, 0); /* two share it: flags stay */
	assert_int_equal(look(0x1230), AN_NAME_CUT | AN_NAME_APEX);
	names_drop(&names, 0x1230);
	names_set(&names, 0x1230, AN_NAME_APEX);
	assert_int_equal(look(0x1230), AN_NAME_APEX);
	names_drop(&names, 0x1230);
	assert_int_equal(look(0x1230), ABSENT);
	assert_int_equal(names.used, 0);
	names_drop(&names, 0x1230);
	assert_int_equal(names.used, 0);
}

static void the_lowest_bits_of_a_hash_do_not_matter(void **state)
{
	(void)state;
	names_add(&names, 0x7, 0);
	assert_int_equal(look(0x7), 0);
	assert_int_equal(look(0x3), 0);
	names_add(&names, 0xfffffffffffffff0, AN_NAME_CUT);
	assert_int_equal(look(0xfffffffffffffff5), AN_NAME_CUT);
}

static void a_line_that_overflows_says_so_for_good(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < AN_NAME_ENTRIES; i++)
		names_add(&names, in_one_line(i), 0);
	assert_int_equal(look(in_one_line(99)), ABSENT);
	names_add(&names, in_one_line(8), 0);
	for (uint64_t i = 0; i < 9; i++)
		assert_int_not_equal(look(in_one_line(i)), ABSENT);
	assert_int_equal(look(in_one_line(99)), UNKNOWN);
	for (uint64_t i = 0; i < 9; i++)
		names_drop(&names, in_one_line(i));
	/* Whoever did not fit might have been added again since. */
	assert_int_equal(look(in_one_line(0)), UNKNOWN);
	assert_int_equal(names.used, 0);
}

static void whatever_happens_nobody_that_is_there_is_absent(void **state)
{
	uint16_t held[64] = {0};
	uint32_t random = 1;

	(void)state;
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int name;

		random = random * 1664525 + 1013904223;
		name = random >> 16 & 63;
		if (random >> 28 & 1 || !held[name]) {
			names_add(&names, in_one_line(name / 6) + ((uint64_t)name % 6 << 36), 0);
			held[name]++;
		} else {
			names_drop(&names, in_one_line(name / 6) + ((uint64_t)name % 6 << 36));
			held[name]--;
		}
		for (unsigned int i = 0; i < 64; i++)
			if (held[i] && look(in_one_line(i / 6) + ((uint64_t)i % 6 << 36)) == ABSENT)
				fail_msg("step %u, name %u", step, i);
	}
}

static void what_an_earlier_daemon_left_goes_with_the_sweep(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 9; i++)
		names_add(&names, in_one_line(i), AN_NAME_DNAME);
	names_add(&names, 0x1230, AN_NAME_WILDCARD);
	names_add(&names, 0x4560, 0);
	names_done(&names);
	assert_int_equal(names_init(&names, maps), 0);
	assert_int_equal(look(0x1230), AN_NAME_WILDCARD);
	names_add(&names, 0x1230, 0);
	names_add(&names, in_one_line(3), 0);
	names_sweep(&names);
	assert_int_equal(look(0x4560), ABSENT);
	assert_int_equal(look(in_one_line(1)), ABSENT);
	assert_true(look(in_one_line(3)) >= 0);
	names_set(&names, 0x1230, 0);
	assert_int_equal(look(0x1230), 0);
}

static void lines_hold_four_times_as_many(void **state)
{
	(void)state;
	assert_int_equal(names_lines_for(1), 16);
	assert_int_equal(names_lines_for(1000), 512);
	assert_int_equal(names_lines_for(1024), 512);
	assert_int_equal(names_lines_for(1025), 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(a_name_is_there_until_it_was_dropped_as_often_as_added),
	        TEST(the_lowest_bits_of_a_hash_do_not_matter),
	        TEST(a_line_that_overflows_says_so_for_good),
	        TEST(whatever_happens_nobody_that_is_there_is_absent),
	        TEST(what_an_earlier_daemon_left_goes_with_the_sweep),
	        TEST(lines_hold_four_times_as_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
