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

static void a_pool_settled_from_the_top_begins_there(void **state)
{
	struct pool pool;

	(void)state;
	assert_int_equal(pool_init(&pool, 5), 0);
	assert_true(pool_claim(&pool, 3));
	pool_settle_from_top(&pool);
	assert_int_equal(pool.free_count, 3);
	assert_int_equal(pool_take(&pool), 4);
	assert_int_equal(pool_take(&pool), 2);
	pool_give(&pool, 3);
	assert_int_equal(pool_take(&pool), 3);
	assert_int_equal(pool_take(&pool), 1);
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
	assert_int_equal(slots_take(&slots, 1, AN_SLOT_NONE), 2);
	assert_int_equal(slots_take(&slots, 256, AN_SLOT_NONE), 1);
	assert_int_equal(one->mark, 0); /* the mark is not the former one's */
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
	assert_int_equal(slots_take(&slots, 256, 20), 40); /* the page is full */
	slots_give(&slots, 25);
	assert_int_equal(slots_take(&slots, 256, 20), 25);
	assert_int_equal(slots_take(&slots, 257, 20), AN_SLOT_LARGE | 1);
	slots_done(&slots);
	fake_maps_free(maps);
}

/* ---- homes ---- */

static void every_home_is_a_slot(void **state)
{
	static const uint64_t hashes[] = {0, 1, 0xffffffffULL, 1ULL << 32, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		assert_in_range(an_home_slot(hashes[i], AN_SLOT_INDEX, AN_SLOT_INDEX), 0,
		                AN_SLOT_INDEX - 1);
		assert_int_equal(an_home_slot(hashes[i], 0, 0), 0);
		assert_int_equal(an_home_slot(hashes[i], 131073, 0), 0); /* an older daemon's */
		assert_in_range(an_home_slot(hashes[i], 5, 7), 0, 4);
	}
}

/* SplitMix64 (public domain, Vigna 2015): the hash of an owner by his number. */
static uint64_t hash_of(uint64_t number)
{
	uint64_t z = (number + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void whoever_moves_when_homes_grow_moves_to_a_new_one(void **state)
{
	static const uint64_t homes[][2] = {{5, 7}, {8, 7}, {9, 15}, {11, 15}, {16, 15}, {31, 31}};

	(void)state;
	for (size_t i = 1; i < sizeof(homes) / sizeof(homes[0]); i++)
		for (uint64_t number = 0; number < 1000; number++) {
			uint64_t hash = hash_of(number), least = homes[i - 1][0];
			uint32_t old = an_home_slot(hash, least, homes[i - 1][1]);
			uint32_t home = an_home_slot(hash, homes[i][0], homes[i][1]);

			assert_true(home == old || home >= least);
			assert_true(home < homes[i][0]);
		}
}

#define CROWD_MAX 131072

/* Owners who came one after the other. */
struct crowd {
	struct kernel_maps *maps;
	struct slots slots;
	uint32_t count;
	uint32_t slot[CROWD_MAX];
};

static struct crowd *crowd_new(uint32_t room)
{
	const struct fake_sizes all = {
	        .owners = 1, .audiences = 1, .slots = room - 1, .slots_large = 2, .zones = 1};
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	crowd->maps = fake_maps_new(&all);
	assert_int_equal(slots_init(&crowd->slots, crowd->maps), 0);
	slots_settle(&crowd->slots);
	return crowd;
}

static void crowd_free(struct crowd *crowd)
{
	slots_done(&crowd->slots);
	fake_maps_free(crowd->maps);
	free(crowd);
}

static void crowd_come(struct crowd *crowd, uint32_t count)
{
	for (; crowd->count < count; crowd->count++) {
		uint32_t home = slots_home(&crowd->slots, hash_of(crowd->count));

		crowd->slot[crowd->count] = slots_take(&crowd->slots, 256, home);
		assert_int_not_equal(crowd->slot[crowd->count], AN_SLOT_NONE);
	}
}

/* In thousandths: at home as the program sees it, in home's page, below the number of homes. */
struct shares {
	uint32_t home, page, low;
};

static struct shares crowd_shares(const struct crowd *crowd)
{
	const struct an_control *control = crowd->maps->control;
	uint32_t count = crowd->count ? crowd->count : 1;
	struct shares shares = {0};

	for (uint32_t i = 0; i < crowd->count; i++) {
		uint32_t home = an_home_slot(hash_of(i), control->homes, control->home_mask);

		shares.home += crowd->slot[i] == home;
		shares.page += crowd->slot[i] / 16 == home / 16;
		shares.low += crowd->slot[i] < control->homes;
	}
	shares.home = shares.home * 1000 / count;
	shares.page = shares.page * 1000 / count;
	shares.low = shares.low * 1000 / count;
	return shares;
}

static void homes_are_few_at_first_and_twice_as_many_when_three_quarters_are_taken(void **state)
{
	static const struct {
		uint32_t owners, homes;
	} steps[] = {{1, 1024}, {768, 1024}, {800, 2048}, {1500, 2048}, {10000, 16384}};
	struct crowd *crowd = crowd_new(131072);

	(void)state;
	assert_int_equal(crowd->maps->control->homes, 1024);
	assert_int_equal(crowd->maps->control->home_mask, 1023);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		crowd_come(crowd, steps[i].owners);
		assert_int_equal(crowd->maps->control->homes, steps[i].homes);
		assert_int_equal(crowd->maps->control->home_mask, steps[i].homes - 1);
	}
	crowd_free(crowd);
}

static void owners_who_came_one_by_one_lie_in_few_pages(void **state)
{
	struct crowd *crowd = crowd_new(131072);
	struct shares shares;

	(void)state;
	crowd_come(crowd, 10000);
	shares = crowd_shares(crowd);
	assert_in_range(shares.home, 250, 310); /* each doubling takes it from half of them */
	assert_in_range(shares.page, 400, 470);
	assert_in_range(shares.low, 985, 1000);
	crowd_free(crowd);
}

/* Doubled on and on, homes would be nobody's. */
static void
of_a_crowd_who_came_one_by_one_most_are_at_home_where_each_slot_is_waited_for(void **state)
{
	struct crowd *crowd = crowd_new(1050064);
	struct shares shares;

	(void)state;
	crowd_come(crowd, 49000);
	assert_int_equal(crowd->maps->control->homes, 65536);
	crowd_come(crowd, 50000);
	assert_int_equal(crowd->maps->control->homes, 1050064);
	assert_int_equal(crowd->maps->control->home_mask, (1 << 21) - 1);
	crowd_come(crowd, CROWD_MAX);
	shares = crowd_shares(crowd);
	assert_in_range(shares.home, 550, 650);
	crowd_free(crowd);
}

static void who_is_expected_finds_his_home(void **state)
{
	struct crowd *crowd = crowd_new(131072);
	struct shares shares;

	(void)state;
	slots_expect(&crowd->slots, 10000);
	assert_int_equal(crowd->maps->control->homes, 16384);
	slots_expect(&crowd->slots, 5); /* never fewer than there are */
	assert_int_equal(crowd->maps->control->homes, 16384);
	crowd_come(crowd, 10000);
	assert_int_equal(crowd->maps->control->homes, 16384);
	shares = crowd_shares(crowd);
	assert_in_range(shares.home, 680, 780);
	assert_in_range(shares.page, 985, 1000);
	crowd_free(crowd);
}

static void the_last_homes_are_all_slots_and_full_maps_are_full(void **state)
{
	struct crowd *crowd = crowd_new(3000);
	struct shares shares;

	(void)state;
	crowd_come(crowd, 2999);
	assert_int_equal(crowd->maps->control->homes, 3000);
	assert_int_equal(crowd->maps->control->home_mask, 4095);
	assert_int_equal(crowd->slots.small.free_count, 0);
	assert_int_equal(slots_take(&crowd->slots, 256, 7), AN_SLOT_NONE);
	shares = crowd_shares(crowd);
	assert_int_equal(shares.low, 1000);
	crowd_free(crowd);
	crowd = crowd_new(3000);
	slots_expect(&crowd->slots, UINT64_MAX);
	assert_int_equal(crowd->maps->control->homes, 3000);
	crowd_come(crowd, 2850); /* as full as the benchmark's maps */
	shares = crowd_shares(crowd);
	assert_in_range(shares.home, 480, 600);
	crowd_free(crowd);
}

static void whoever_goes_makes_room_and_homes_stay_as_they_are(void **state)
{
	struct crowd *crowd = crowd_new(131072);

	(void)state;
	for (int round = 0; round < 20; round++) {
		crowd_come(crowd, 700);
		while (crowd->count)
			slots_give(&crowd->slots, crowd->slot[--crowd->count]);
	}
	assert_int_equal(crowd->maps->control->homes, 1024);
	crowd_free(crowd);
}

/* Answers of further networks come from the upper end; where they are, no homes are made. */
static void what_is_no_owner_takes_no_home(void **state)
{
	struct crowd *crowd = crowd_new(4096);
	uint32_t free;

	(void)state;
	for (free = crowd->slots.small.free_count; free > 1200; free--)
		assert_in_range(slots_take(&crowd->slots, 256, AN_SLOT_NONE), 1024, 4095);
	crowd_come(crowd, 1000);
	assert_int_equal(crowd->maps->control->homes, 1024);
	crowd_free(crowd);
}

static void homes_of_a_daemon_before_go_on_if_they_are_homes(void **state)
{
	static const struct {
		uint64_t homes, mask, now;
	} cases[] = {{4096, 4095, 4096},
	             {8000, 8191, 8000},
	             {0, 0, 1024},
	             {8000, 0, 1024},
	             {8000, 4095, 1024},
	             {8001, 8191, 1024},
	             {1023, 1023, 1024},
	             {4096, 8191, 1024},
	             {UINT64_MAX, UINT64_MAX, 1024},
	             {1ULL << 63, (1ULL << 63) - 1, 1024}};
	struct crowd *crowd = crowd_new(8000);
	struct an_control *control = crowd->maps->control;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control->homes = cases[i].homes;
		control->home_mask = cases[i].mask;
		slots_settle(&crowd->slots);
		assert_int_equal(control->homes, cases[i].now);
		assert_int_equal(control->home_mask,
		                 cases[i].now == 8000 ? 8191 : cases[i].now - 1);
	}
	/* Who is there already counts. */
	for (uint32_t index = 1; index < 800; index++)
		assert_true(slots_claim(&crowd->slots, index));
	control->homes = 0;
	slots_settle(&crowd->slots);
	assert_int_equal(control->homes, 1024);
	slots_home(&crowd->slots, 1);
	assert_int_equal(control->homes, 2048);
	crowd_free(crowd);
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
	        cmocka_unit_test(a_pool_settled_from_the_top_begins_there),
	        cmocka_unit_test(a_pool_of_nothing_is_full),
	        cmocka_unit_test(lengths_stand_longest_first_and_exact_before_net),
	        cmocka_unit_test(a_length_goes_with_its_last_audience),
	        cmocka_unit_test(a_length_of_too_many_audiences_to_count_stays),
	        cmocka_unit_test(the_ninth_length_does_not_fit),
	        cmocka_unit_test(a_list_read_back_is_strictly_ordered_and_bounded),
	        cmocka_unit_test(numbers_that_are_no_slot_have_no_memory),
	        cmocka_unit_test(a_slot_is_taken_at_home_or_in_its_page),
	        cmocka_unit_test(every_home_is_a_slot),
	        cmocka_unit_test(whoever_moves_when_homes_grow_moves_to_a_new_one),
	        cmocka_unit_test(
	                homes_are_few_at_first_and_twice_as_many_when_three_quarters_are_taken),
	        cmocka_unit_test(owners_who_came_one_by_one_lie_in_few_pages),
	        cmocka_unit_test(
	                of_a_crowd_who_came_one_by_one_most_are_at_home_where_each_slot_is_waited_for),
	        cmocka_unit_test(who_is_expected_finds_his_home),
	        cmocka_unit_test(the_last_homes_are_all_slots_and_full_maps_are_full),
	        cmocka_unit_test(whoever_goes_makes_room_and_homes_stay_as_they_are),
	        cmocka_unit_test(what_is_no_owner_takes_no_home),
	        cmocka_unit_test(homes_of_a_daemon_before_go_on_if_they_are_homes),
	        cmocka_unit_test(settling_frees_what_nobody_claimed),
	        cmocka_unit_test(a_slot_is_odd_between_the_brackets_and_even_after),
	        cmocka_unit_test(a_believed_copy_is_never_half_of_two),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
