/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, lists of lengths, and slots that nobody can read half-written. */
#include <pthread.h>

#include "kernel/lens.h"
#include "kernel/slots.h"
#include "unit/kernel/desk_bench.h"

/* ---- pool ---- */

static void a_pool_hands_out_each_number_once_and_never_0(void **state)
{
	struct pool pool;
	bool seen[6] = {false};

	(void)state;
	assert_int_equal(pool_init(&pool, 6), 0);
	pool_settle(&pool);
	for (int i = 0; i < 5; i++) {
		uint32_t number = pool_take(&pool);

		assert_in_range(number, 1, 5);
		assert_false(seen[number]);
		seen[number] = true;
	}
	assert_int_equal(pool_take(&pool), 0);
	pool_give(&pool, 3);
	pool_give(&pool, 3); /* once is enough */
	assert_int_equal(pool.used, 4);
	assert_int_equal(pool_take(&pool), 3);
	assert_int_equal(pool_take(&pool), 0);
	pool_done(&pool);
}

static void a_number_taken_out_of_turn_is_not_handed_out_again(void **state)
{
	struct pool pool;

	(void)state;
	assert_int_equal(pool_init(&pool, 5), 0);
	pool_settle(&pool);
	assert_true(pool_take_this(&pool, 2));
	assert_false(pool_take_this(&pool, 2));
	assert_false(pool_take_this(&pool, 0));
	assert_false(pool_take_this(&pool, 5));
	assert_int_equal(pool.free_count, 3);
	/* Given back while it is in the stack still, again and again: it is there once. */
	for (int i = 0; i < 20; i++) {
		pool_give(&pool, 2);
		assert_true(pool_take_this(&pool, 2));
	}
	assert_int_equal(pool_take(&pool), 1);
	assert_int_equal(pool_take(&pool), 3);
	pool_give(&pool, 2);
	assert_int_equal(pool_take(&pool), 2);
	assert_int_equal(pool_take(&pool), 4);
	assert_int_equal(pool.free_count, 0);
	assert_int_equal(pool_take(&pool), 0);
	assert_false(pool_take_this(&pool, 1));
	pool_done(&pool);
}

static void what_was_claimed_is_not_handed_out(void **state)
{
	struct pool pool;

	(void)state;
	assert_int_equal(pool_init(&pool, 4), 0);
	assert_true(pool_claim(&pool, 2));
	assert_false(pool_claim(&pool, 2));
	assert_false(pool_claim(&pool, 0));
	assert_false(pool_claim(&pool, 4));
	pool_settle(&pool);
	assert_int_equal(pool_take(&pool), 1);
	assert_int_equal(pool_take(&pool), 3);
	assert_int_equal(pool_take(&pool), 0);
	pool_done(&pool);
}

static void a_pool_of_nothing_is_full(void **state)
{
	struct pool pool;

	(void)state;
	assert_int_equal(pool_init(&pool, 0), 0);
	pool_settle(&pool);
	assert_int_equal(pool_take(&pool), 0);
	pool_done(&pool);
}

/* ---- lens ---- */

static void lengths_stand_longest_first_and_exact_before_net(void **state)
{
	static const uint8_t entries[] = {16, 24, 20, 20 | AN_LEN_EXACT, 8, 24 | AN_LEN_EXACT, 12};
	static const uint8_t sorted[] = {24 | AN_LEN_EXACT, 24, 20 | AN_LEN_EXACT, 20, 16, 12, 8};
	struct lens lens = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(entries); i++)
		assert_true(lens_add(&lens, AN_FAMILY_IPV4, entries[i]));
	assert_false(lens_add(&lens, AN_FAMILY_IPV4, 20));
	assert_int_equal(lens.count[0], sizeof(sorted));
	assert_memory_equal(lens.len[0], sorted, sizeof(sorted));
	assert_true(lens_sane(AN_FAMILY_IPV4, lens.len[0], lens.count[0]));
	assert_int_equal(lens.count[1], 0);
	assert_int_equal(lens_longer(&lens, AN_FAMILY_IPV4, 19), 20);
	assert_int_equal(lens_longer(&lens, AN_FAMILY_IPV4, 20), 24);
	assert_int_equal(lens_longer(&lens, AN_FAMILY_IPV4, 24), 0);
}

static void a_length_goes_with_its_last_audience(void **state)
{
	struct lens lens = {0};

	(void)state;
	lens_add(&lens, AN_FAMILY_IPV6, 56);
	lens_add(&lens, AN_FAMILY_IPV6, 48);
	lens_add(&lens, AN_FAMILY_IPV6, 56);
	assert_false(lens_drop(&lens, AN_FAMILY_IPV6, 56));
	assert_true(lens_drop(&lens, AN_FAMILY_IPV6, 56));
	assert_false(lens_drop(&lens, AN_FAMILY_IPV6, 56));
	assert_int_equal(lens.count[1], 1);
	assert_int_equal(lens.len[1][0], 48);
	assert_int_equal(lens.len[1][1], 0);
}

static void a_length_of_too_many_audiences_to_count_stays(void **state)
{
	struct lens lens = {0};

	(void)state;
	for (unsigned int i = 0; i < 70000; i++)
		lens_add(&lens, AN_FAMILY_IPV4, 24);
	for (unsigned int i = 0; i < 70000; i++)
		assert_false(lens_drop(&lens, AN_FAMILY_IPV4, 24));
	assert_int_equal(lens.count[0], 1);
}

static void the_ninth_length_does_not_fit(void **state)
{
	struct lens lens = {0};

	(void)state;
	for (uint8_t len = 17; len <= 24; len++) {
		assert_true(lens_fits(&lens, AN_FAMILY_IPV4, len));
		lens_add(&lens, AN_FAMILY_IPV4, len);
	}
	assert_false(lens_fits(&lens, AN_FAMILY_IPV4, 16));
	assert_true(lens_fits(&lens, AN_FAMILY_IPV4, 17));
	assert_true(lens_fits(&lens, AN_FAMILY_IPV6, 16));
}

static void a_list_read_back_is_strictly_ordered_and_bounded(void **state)
{
	static const struct {
		uint8_t family, count, list[AN_LENS_MAX + 1];
		bool sane;
	} cases[] = {
	        {AN_FAMILY_IPV4, 0, {0}, true},
	        {AN_FAMILY_IPV4, 2, {24, 16}, true},
	        {AN_FAMILY_IPV4, 2, {16, 24}, false},
	        {AN_FAMILY_IPV4, 2, {24, 24}, false},
	        {AN_FAMILY_IPV4, 2, {24, 24 | AN_LEN_EXACT}, false},
	        {AN_FAMILY_IPV4, 2, {24 | AN_LEN_EXACT, 24}, true},
	        {AN_FAMILY_IPV4, 1, {32}, true},
	        {AN_FAMILY_IPV4, 1, {33}, false},
	        {AN_FAMILY_IPV6, 1, {64}, true},
	        {AN_FAMILY_IPV6, 1, {65}, false},
	        {AN_FAMILY_IPV4, 2, {24, 0}, false},
	        {AN_FAMILY_IPV4, 8, {8, 7, 6, 5, 4, 3, 2, 1}, true},
	        {AN_FAMILY_IPV4, 9, {9, 8, 7, 6, 5, 4, 3, 2, 1}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(lens_sane(cases[i].family, cases[i].list, cases[i].count),
		                 cases[i].sane);
}

/* ---- slots ---- */

static const struct fake_sizes sizes = {
        .owners = 1, .audiences = 1, .slots = 3, .slots_large = 2, .zones = 1};

static void numbers_that_are_no_slot_have_no_memory(void **state)
{
	static const uint32_t none[] = {AN_SLOT_NONE,
	                                AN_SLOT_ASK,
	                                AN_SLOT_LARGE,
	                                4,
	                                AN_SLOT_LARGE | 3,
	                                1 | 1u << 24,
	                                AN_SLOT_LARGE | 1 | 0x7fu << 24};
	struct kernel_maps *maps = fake_maps_new(&sizes);
	struct slots slots;

	(void)state;
	assert_int_equal(slots_init(&slots, maps), 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_null(slots_at(&slots, none[i]));
		assert_false(slots_claim(&slots, none[i]));
		assert_int_equal(slots_used(&slots, none[i]), 0);
		slots_give(&slots, none[i]);
	}
	assert_ptr_equal(slots_at(&slots, 3), maps->slots + 3 * 256);
	assert_ptr_equal(slots_at(&slots, AN_SLOT_LARGE | 2), maps->slots_large + 2 * 1024);
	slots_done(&slots);
	fake_maps_free(maps);
}

static void settling_frees_what_nobody_claimed(void **state)
{
	struct kernel_maps *maps = fake_maps_new(&sizes);
	struct slots slots;
	struct an_slot_head *one, *two;

	(void)state;
	assert_int_equal(slots_init(&slots, maps), 0);
	one = slots_at(&slots, 1);
	two = slots_at(&slots, 2);
	*one = (struct an_slot_head){.seq = 7, .kind = AN_SLOT_ANSWER};
	*two = (struct an_slot_head){.seq = UINT32_MAX, .kind = 77};
	assert_true(slots_claim(&slots, 3));
	slots_settle(&slots);
	assert_int_equal(one->kind, AN_SLOT_FREE);
	assert_int_equal(one->seq, 8);
	assert_int_equal(two->kind, AN_SLOT_FREE);
	assert_int_equal(two->seq, 0); /* wraps, and is even */
	one->mark = 99;
	assert_int_equal(slots_take(&slots, 256, AN_SLOT_NONE), 1);
	assert_int_equal(one->mark, 0); /* the mark is not the former one's */
	assert_int_equal(slots_take(&slots, 1, AN_SLOT_NONE), 2);
	assert_int_equal(slots_take(&slots, 1, AN_SLOT_NONE), AN_SLOT_NONE);
	assert_int_equal(slots_take(&slots, 257, AN_SLOT_NONE), AN_SLOT_LARGE | 1);
	slots_done(&slots);
	fake_maps_free(maps);
}

static void a_slot_is_taken_at_home_or_in_its_page(void **state)
{
	static const struct fake_sizes roomy = {
	        .owners = 1, .audiences = 1, .slots = 40, .slots_large = 2, .zones = 1};
	struct kernel_maps *maps = fake_maps_new(&roomy);
	struct slots slots;

	(void)state;
	assert_int_equal(slots_init(&slots, maps), 0);
	slots_settle(&slots);
	assert_int_equal(maps->control->homes, maps->slots_count);
	assert_int_equal(slots_take(&slots, 256, 20), 20);
	assert_int_equal(slots_take(&slots, 256, 33), 33);
	for (int i = 0; i < 15; i++)
		assert_in_range(slots_take(&slots, 256, 20), 16, 31);
	assert_in_range(slots_take(&slots, 256, 20), 1, 15); /* the page is full */
	slots_give(&slots, 25);
	assert_int_equal(slots_take(&slots, 256, 20), 25);
	assert_int_equal(slots_take(&slots, 257, 20), AN_SLOT_LARGE | 1);
	slots_done(&slots);
	fake_maps_free(maps);
}

static void every_home_is_a_slot(void **state)
{
	static const uint64_t hashes[] = {0, 1, 0xffffffffULL, 1ULL << 32, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		assert_in_range(an_home_slot(hashes[i], AN_SLOT_INDEX), 0, AN_SLOT_INDEX - 1);
		assert_int_equal(an_home_slot(hashes[i], 0), 0);
	}
}

/* Until that many copies were seen to be torn, or the time is over. */
#define TORN_ENOUGH 200u
#define RACE_MS     20000u

struct race {
	struct an_slot_head *slot;
	uint64_t torn;
	bool wrong;
	int over;
};

static void a_slot_is_odd_between_the_brackets_and_even_after(void **state)
{
	struct an_slot_head slot = {.seq = UINT32_MAX - 1};

	(void)state;
	slots_begin(&slot);
	assert_int_equal(slot.seq, UINT32_MAX);
	slots_begin(&slot); /* left open by a writer that died */
	assert_int_equal(slot.seq, UINT32_MAX);
	slots_end(&slot);
	assert_int_equal(slot.seq, 0);
}

/* As the program reads: copy, look at the number again, believe or not. */
static void *read_again_and_again(void *arg)
{
	struct race *race = arg;
	const uint64_t *from = (const uint64_t *)(void *)race->slot;

	while (!__atomic_load_n(&race->over, __ATOMIC_ACQUIRE)) {
		uint64_t copy[32];
		uint32_t seq = __atomic_load_n(&race->slot->seq, __ATOMIC_ACQUIRE);

		for (size_t i = 3; i < 32; i++)
			copy[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (seq & 1 || seq != __atomic_load_n(&race->slot->seq, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&race->torn, 1, __ATOMIC_RELAXED);
			continue;
		}
		for (size_t i = 4; i < 32; i++)
			race->wrong |= copy[i] != copy[3];
	}
	return NULL;
}

static void a_believed_copy_is_never_half_of_two(void **state)
{
	struct kernel_maps *maps = fake_maps_new(&sizes);
	uint64_t image[32] = {0}, begun = clock_ms(), round = 0;
	struct race race = {0};
	struct slots slots;
	pthread_t reader;

	(void)state;
	assert_int_equal(slots_init(&slots, maps), 0);
	race.slot = slots_at(&slots, 1);
	assert_int_equal(pthread_create(&reader, NULL, read_again_and_again, &race), 0);
	do {
		round++;
		for (size_t i = 3; i < 32; i++)
			image[i] = round;
		slots_write(race.slot, image, sizeof(image));
	} while (__atomic_load_n(&race.torn, __ATOMIC_RELAXED) < TORN_ENOUGH &&
	         clock_ms() < begun + RACE_MS);
	__atomic_store_n(&race.over, 1, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	assert_false(race.wrong);
	assert_true(race.torn > 0);
	assert_int_equal(race.slot->seq, (uint32_t)(2 * round));
	slots_done(&slots);
	fake_maps_free(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_pool_hands_out_each_number_once_and_never_0),
	        cmocka_unit_test(a_number_taken_out_of_turn_is_not_handed_out_again),
	        cmocka_unit_test(what_was_claimed_is_not_handed_out),
	        cmocka_unit_test(a_pool_of_nothing_is_full),
	        cmocka_unit_test(lengths_stand_longest_first_and_exact_before_net),
	        cmocka_unit_test(a_length_goes_with_its_last_audience),
	        cmocka_unit_test(a_length_of_too_many_audiences_to_count_stays),
	        cmocka_unit_test(the_ninth_length_does_not_fit),
	        cmocka_unit_test(a_list_read_back_is_strictly_ordered_and_bounded),
	        cmocka_unit_test(numbers_that_are_no_slot_have_no_memory),
	        cmocka_unit_test(a_slot_is_taken_at_home_or_in_its_page),
	        cmocka_unit_test(every_home_is_a_slot),
	        cmocka_unit_test(settling_frees_what_nobody_claimed),
	        cmocka_unit_test(a_slot_is_odd_between_the_brackets_and_even_after),
	        cmocka_unit_test(a_believed_copy_is_never_half_of_two),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
