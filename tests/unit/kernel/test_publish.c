/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/kernel/one_bench.h"

#define NET   AN_AUDIENCE_NET
#define EXACT AN_AUDIENCE_EXACT
#define IPV4  AN_FAMILY_IPV4

static const struct fake_sizes roomy = {
        .owners = 64, .audiences = 2048, .slots = 4096, .slots_large = 64, .zones = 4};

/* ---- owners ---- */

static void an_owner_is_found_by_name_and_type_in_any_case(void **state)
{
	static const uint8_t upper[] = "\x02N1\x07"
	                               "EXAMPLE\x04"
	                               "Test";
	uint64_t uid = bench_owner(&bench, 1), again;
	const struct an_owner_slot *slot = bench_see(&bench, 1);

	(void)state;
	assert_non_null(slot);
	assert_int_equal(slot->uid, uid);
	assert_int_equal(slot->head.used, AN_OWNER_NAME_AT + 24); /* 17 octets padded to 24 */
	assert_true(publish_has(bench.publish, upper, sizeof(upper), AN_TYPE_A));
	assert_false(publish_has(bench.publish, upper, sizeof(upper), AN_TYPE_AAAA));
	assert_int_equal(publish_owner(bench.publish, upper, sizeof(upper), AN_TYPE_A, bench.zone,
	                               bench.generation, 0, &again),
	                 0);
	assert_int_equal(again, uid);
	assert_int_equal(bench_stats(&bench).owners, 1);
}

static void the_longest_name_goes_into_a_large_slot(void **state)
{
	uint8_t name[NAME_MAX_LEN] = {0};
	uint64_t uid;

	(void)state;
	for (int label = 0; label < 4; label++) {
		name[label * 63] = 62;
		memset(name + label * 63 + 1, 'a' + label, 62);
	}
	name[252] = 1;
	name[253] = 'z';
	assert_int_equal(name_parse_wire(name, sizeof(name)), 255);
	assert_int_equal(publish_owner(bench.publish, name, 255, AN_TYPE_A, bench.zone,
	                               bench.generation, 0, &uid),
	                 0);
	assert_int_equal(bench_stats(&bench).slots_large_used, 1);
	assert_non_null(fake_find_owner(bench.maps, name, 255, AN_TYPE_A));
}

static void the_last_name_that_fits_a_small_slot_is_in_one(void **state)
{
	uint8_t name[NAME_MAX_LEN] = {0};
	uint64_t uid;

	(void)state;
	name[0] = 63;
	memset(name + 1, 'a', 63);
	name[64] = 38;
	memset(name + 65, 'b', 38);
	assert_int_equal(name_parse_wire(name, sizeof(name)), AN_OWNER_NAME_SMALL);
	assert_int_equal(publish_owner(bench.publish, name, AN_OWNER_NAME_SMALL, AN_TYPE_A,
	                               bench.zone, bench.generation, 0, &uid),
	                 0);
	assert_int_equal(bench_stats(&bench).slots_used, 1);
	assert_int_equal(bench_stats(&bench).slots_large_used, 0);
	name[64] = 39;
	name[103] = 'b';
	name[104] = 0;
	assert_int_equal(publish_owner(bench.publish, name, AN_OWNER_NAME_SMALL + 1, AN_TYPE_A,
	                               bench.zone, bench.generation, 0, &uid),
	                 0);
	assert_int_equal(bench_stats(&bench).slots_large_used, 1);
}

static void another_name_of_the_same_hash_is_refused(void **state)
{
	struct an_owner_slot *slot;
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	slot = (struct an_owner_slot *)(uintptr_t)bench_see(&bench, 1);
	slot->name[1] = 'x';
	assert_int_equal(bench_owner_try(&bench, 1, &uid), -EEXIST);
	assert_int_equal(bench_stats(&bench).collisions, 1);
}

static void a_newer_generation_renews_the_owner_and_drops_its_answers(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t generation = bench.generation;

	(void)state;
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 7), 0);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 8), 0);
	bench_zone(&bench, 2);
	assert_int_not_equal(bench.generation, generation);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_owner(&bench, 1), uid);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
	assert_int_equal(HASH_COUNT(fake_tables[1].elements), 0);
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 9), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 9);
}

static void a_removed_owner_leaves_nothing(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 7);
	bench_put(&bench, uid, bench_nobody(), 8);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 9);
	publish_owner_remove(bench.publish, uid);
	assert_null(bench_see(&bench, 1));
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
	assert_int_equal(HASH_COUNT(fake_tables[0].elements), 0);
	assert_int_equal(HASH_COUNT(fake_tables[1].elements), 0);
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 7), -ENOENT);
	assert_int_not_equal(bench_owner(&bench, 1), uid);
}

static void staleness_is_one_word_of_the_owner_alone(void **state)
{
	uint64_t one = bench_owner(&bench, 1), two = bench_owner(&bench, 2);
	const struct an_owner_slot *first = bench_see(&bench, 1), *second = bench_see(&bench, 2);

	(void)state;
	assert_int_not_equal(first->cell, AN_CELL_FIXED);
	assert_int_not_equal(first->cell, second->cell);
	publish_stale(bench.publish, one, true);
	assert_true(publish_is_stale(bench.publish, one));
	assert_false(publish_is_stale(bench.publish, two));
	assert_int_equal(bench.maps->cells[first->cell], AN_CELL_STALE | AN_CELL_MEMBERS);
	assert_int_equal(bench.maps->cells[second->cell], AN_CELL_MEMBERS);
	assert_int_equal(bench.maps->cells[AN_CELL_FIXED], AN_CELL_MEMBERS);
	publish_stale(bench.publish, one, false);
	assert_int_equal(bench.maps->cells[first->cell], AN_CELL_MEMBERS);
	publish_stale(bench.publish, two + 1000, true);
}

/* ---- answers ---- */

static void everyone_and_nobody_are_different_audiences(void **state)
{
	struct an_audience_key everyone = bench_everyone(), nobody = bench_nobody();
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 7);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 7);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 7);
	bench_put(&bench, uid, bench_nobody(), 8);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 7);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 8);
	publish_answer_remove(bench.publish, uid, &nobody);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 0); /* everyone's does not stand in */
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 7);
	publish_answer_remove(bench.publish, uid, &everyone);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
}

static void the_longest_network_answers_and_exact_only_its_own_source(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	const struct an_owner_slot *slot;

	(void)state;
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000000, 16), 16);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 24);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000000, 20), 20);
	bench_put(&bench, uid, bench_key(EXACT, IPV4, 0xc0000000, 20), 120);
	slot = bench_see(&bench, 1);
	assert_int_equal(slot->lens_count[0], 4);
	assert_memory_equal(slot->lens[0], ((uint8_t[]){24, 20 | AN_LEN_EXACT, 20, 16}), 4);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 24);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000301, 24), 20);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000301, 20), 120);
	assert_int_equal(bench_ask(&bench, 1, 0xc000ff01, 24), 16);
	assert_int_equal(bench_ask(&bench, 1, 0xc0010001, 24), 0);
}

static void an_answer_is_rewritten_in_its_slot(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t first, second;
	const struct an_answer_slot *slot;

	(void)state;
	assert_int_equal(
	        bench_put_size(&bench, uid, bench_everyone(), 0, 7, AN_ANSWER_SMALL, &first), 0);
	slot = fake_slot(bench.maps, first);
	assert_int_equal(slot->head.seq, 2);
	assert_int_equal(slot->head.used, AN_SLOT_SMALL_SIZE);
	assert_int_equal(slot->key.uid, uid);
	assert_int_equal(slot->head.generation, bench.generation);
	assert_int_equal(slot->answer.cell, AN_CELL_FIXED);
	assert_int_equal(bench_put_size(&bench, uid, bench_everyone(), 0, 8, 4, &second), 0);
	assert_int_equal(second, first);
	assert_int_equal(slot->head.seq, 4);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 8);
}

static void an_answer_moves_when_its_size_class_changes(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = bench_key(NET, IPV4, 0xc0000200, 24);
	uint32_t small, large;

	(void)state;
	bench_put_size(&bench, uid, key, 0xc0000200, 7, AN_ANSWER_SMALL, &small);
	bench_put_size(&bench, uid, key, 0xc0000200, 8, AN_ANSWER_SMALL + 1, &large);
	assert_true(large & AN_SLOT_LARGE);
	assert_int_equal(((struct an_slot_head *)fake_slot(bench.maps, small))->kind, AN_SLOT_FREE);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 8);
	assert_int_equal(bench_see(&bench, 1)->catch_all, large);
	assert_int_equal(bench_put_size(&bench, uid, key, 0xc0000200, 9, AN_ANSWER_LARGE, &large),
	                 0);
	assert_int_equal(bench_stats(&bench).answers, 1);
}

static const struct an_slot_head *watched;
static unsigned int moves;

/* As the program sees it while an element of the hash is replaced. */
static int update_watched(int fd, const void *key, uint32_t value)
{
	if (fd == FAKE_AUDIENCES_FD && fake_find(fd, key)) {
		moves++;
		assert_true(watched->seq & 1);
	}
	return fake_update(fd, key, value);
}

static void nobody_believes_the_owner_while_a_network_s_element_is_replaced(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = bench_key(NET, IPV4, 0xc0000200, 24);
	const struct kernel_map_ops *ops = bench.maps->ops;
	struct kernel_map_ops watching = *ops;
	uint32_t slot;

	(void)state;
	watched = &bench_see(&bench, 1)->head;
	moves = 0;
	watching.update = update_watched;
	bench_put(&bench, uid, bench_everyone(), 1); /* which is inline */
	bench_put_size(&bench, uid, key, 0xc0000200, 7, AN_ANSWER_SMALL, &slot);
	bench.maps->ops = &watching;
	bench_put_size(&bench, uid, key, 0xc0000200, 8, AN_ANSWER_SMALL + 1, &slot);
	publish_answer_remove(bench.publish, uid, &key);
	bench.maps->ops = ops;
	assert_int_equal(moves, 2);
	assert_false(watched->seq & 1);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
}

static void an_image_that_lies_about_its_lengths_is_not_taken(void **state)
{
	_Alignas(8) uint8_t octets[AN_SLOT_LARGE_SIZE + 8];
	struct an_answer_slot *image = (void *)octets;
	struct an_audience_key key = bench_everyone();
	uint64_t uid = bench_owner(&bench, 1);
	uint8_t asked[8] = {0};
	uint32_t slot;
	static const struct {
		uint16_t used;
		uint8_t count, stride;
		uint16_t tail_len;
		uint8_t ttls;
		int result;
	} cases[] = {
	        {AN_ANSWER_DATA_AT + 32, 2, 16, 0, 0, 0},
	        {AN_ANSWER_DATA_AT + 31, 2, 16, 0, 0, -E2BIG},
	        {AN_ANSWER_DATA_AT - 1, 0, 0, 0, 0, -E2BIG},
	        {AN_ANSWER_DATA_AT, 0, 0, 0, 0, 0},
	        {AN_SLOT_LARGE_SIZE, 57, 16, 0, 0, 0},
	        {AN_SLOT_LARGE_SIZE, 58, 16, 0, 0, -E2BIG},
	        {AN_SLOT_LARGE_SIZE + 1, 1, 16, 0, 0, -E2BIG},
	        {AN_ANSWER_DATA_AT + 32, 0, 0, 32, 4, 0},
	        {AN_ANSWER_DATA_AT + 32, 0, 0, 32, 5, -E2BIG},
	        {AN_ANSWER_DATA_AT + 32, 0, 0, 3, 1, -E2BIG},
	        {AN_ANSWER_DATA_AT + 32, 1, 15, 0, 0, -E2BIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(octets, 0, sizeof(octets));
		image->head.used = cases[i].used;
		image->answer.count = cases[i].count;
		image->answer.stride = cases[i].stride;
		image->answer.tail_len = cases[i].tail_len;
		image->answer.tail_ttl_count = cases[i].ttls;
		assert_int_equal(publish_answer(bench.publish, uid, &key, asked, 0, image, 0, 0,
		                                false, &slot),
		                 cases[i].result);
	}
}

static void keys_out_of_bounds_are_refused(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000201, 32), 1), 0);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000201, 33), 1), -EINVAL);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0, 0), 1), -EINVAL);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, AN_FAMILY_IPV6, 0x20010db8, 64), 1),
	                 0);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, AN_FAMILY_IPV6, 0x20010db8, 65), 1),
	                 -EINVAL);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, 3, 0x20010db8, 24), 1), -EINVAL);
	assert_int_equal(bench_put(&bench, uid, bench_key(3, IPV4, 0xc0000200, 24), 1), -EINVAL);
}

static void times_become_ticks_and_never_stays_never(void **state)
{
	_Alignas(8) uint8_t octets[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (void *)octets;
	struct an_audience_key key = bench_everyone();
	uint64_t uid = bench_owner(&bench, 1);
	uint8_t asked[8] = {0};
	const struct an_answer_slot *slot;
	uint32_t number;

	(void)state;
	bench_image(1, 16, image);
	publish_answer(bench.publish, uid, &key, asked, 0, image, bench.maps->ms0 + 2000,
	               CLOCK_MS_NEVER, false, &number);
	slot = fake_any(bench.maps, number);
	assert_int_equal(slot->answer.fresh_until, bench.maps->tick0 + 500);
	assert_true(slot->answer.stale_until == AN_NEVER);
	assert_int_equal(bench_see(&bench, 1)->catch_all, number); /* the first, asked for or not */
}

static void a_removed_network_passes_up_and_nothing_shorter_stands_in(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = bench_key(NET, IPV4, 0xc0000200, 24);

	(void)state;
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000000, 16), 16);
	bench_put(&bench, uid, bench_everyone(), 1);
	bench_put(&bench, uid, key, 24);
	publish_answer_remove(bench.publish, uid, &key);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000301, 24), 16);
	assert_int_equal(bench_put(&bench, uid, key, 25), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 25);
}

/* Where it is removed the shorter one could be wrong; where it is superseded it is right. */
static void of_a_superseded_network_the_shorter_one_answers(void **state)
{
	struct an_audience_key net = bench_key(NET, IPV4, 0xc0000200, 24), nobody = bench_nobody(),
	                       exact = bench_key(EXACT, IPV4, 0xc0000400, 23);
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, uid, net, 24);
	bench_put(&bench, uid, exact, 23);
	bench_put(&bench, uid, nobody, 8);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000000, 16), 16);
	bench_put(&bench, uid, bench_everyone(), 1);
	publish_answer_supersede(bench.publish, uid, &net);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 16);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000401, 23), 23);
	publish_answer_supersede(bench.publish, uid, &exact);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000401, 23), 16);
	publish_answer_supersede(bench.publish, uid, &nobody);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 1);
	publish_answer_supersede(bench.publish, uid, &net); /* it is not there */
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 16);
	assert_int_equal(bench_stats(&bench).answers, 2);
}

/* Of an owner who comes back: the wide is there first, the narrow only with the daemon. */
static void what_is_withheld_is_passed_up_until_it_comes(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key net = bench_key(NET, IPV4, 0xc0000200, 24),
	                       exact = bench_key(EXACT, IPV4, 0xc0000400, 23),
	                       everyone = bench_everyone(), nobody = bench_nobody();

	(void)state;
	publish_withhold(bench.publish, uid, &net);
	publish_withhold(bench.publish, uid, &exact);
	publish_withhold(bench.publish, uid, &nobody);
	publish_withhold(bench.publish, uid, &everyone); /* nothing is shorter */
	bench_put(&bench, uid, everyone, 1);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000000, 16), 16);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000401, 23), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000401, 24), 16);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 1);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 0);
	bench_put(&bench, uid, net, 24);
	bench_put(&bench, uid, nobody, 8);
	publish_withhold(bench.publish, uid, &net);
	publish_withhold(bench.publish, uid, &nobody);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 24);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 8);
}

/* Of lengths that the list has no room for, everything shorter is withheld, once. */
static void what_is_withheld_and_fits_no_list_takes_everyone_along(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key ninth = bench_key(NET, IPV4, 0xc6336400, 14);

	(void)state;
	for (uint8_t len = 16; len < 24; len++)
		bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, len), len);
	bench_put(&bench, uid, bench_everyone(), 1);
	publish_withhold(bench.publish, uid, &ninth);
	publish_withhold(bench.publish, uid, &ninth);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336401, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 23);
}

static void the_catch_all_is_the_newest_and_outlives_its_removal(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key a = bench_key(NET, IPV4, 0xc0000200, 24);
	struct an_audience_key b = bench_key(NET, IPV4, 0xc0000300, 24);
	const struct an_owner_slot *owner = bench_see(&bench, 1);

	(void)state;
	assert_int_equal(owner->catch_all, AN_SLOT_NONE);
	bench_put(&bench, uid, a, 2);
	bench_put(&bench, uid, b, 3);
	assert_int_equal(bench_id(fake_any(bench.maps, owner->catch_all)), 3);
	publish_answer_remove(bench.publish, uid, &b);
	assert_int_equal(bench_id(fake_any(bench.maps, owner->catch_all)), 2);
	publish_answer_remove(bench.publish, uid, &a);
	assert_int_equal(owner->catch_all, AN_SLOT_NONE);
}

/* ---- folding ---- */

static void a_ninth_length_is_folded_under_the_next_longer_one(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key wide = bench_key(NET, IPV4, 0xc6336400, 19);
	struct publish_stats stats;
	uint32_t slot;

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 1);
	for (uint8_t len = 16; len <= 24; len++)
		if (len != 19)
			assert_int_equal(
			        bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, len), len),
			        0);
	assert_int_equal(bench_put_size(&bench, uid, wide, 0xc6336455, 99, 32, &slot), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24), 99);
	/* 198.51.96.0/20 is in the same /19, and is the daemon's; so is all that is not in a list.
	 */
	assert_int_equal(bench_ask(&bench, 1, 0xc6336055, 24), 99);
	assert_int_equal(bench_ask(&bench, 1, 0xc6337055, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 24);
	stats = bench_stats(&bench);
	assert_int_equal(stats.folded, 1);
	assert_int_equal(bench_put_size(&bench, uid, wide, 0xc6337055, 100, 32, &slot), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24),
	                 100); /* the same answer everywhere */
	assert_int_equal(bench_ask(&bench, 1, 0xc6337055, 24), 100);
	publish_answer_remove(bench.publish, uid, &wide);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc6337055, 24), 0);
}

/* ---- full ---- */

static const struct fake_sizes tight = {
        .owners = 8, .audiences = 8, .slots = 20, .slots_large = 2, .zones = 1};

static void the_coldest_owner_makes_room_and_goes_whole(void **state)
{
	uint64_t uid;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		uid = bench_owner(&bench, i);
		bench_put(&bench, uid, bench_everyone(), 100 + i);
	}
	bench_seconds(&bench, 10);
	for (unsigned int i = 0; i < 8; i++) /* the program marks all but number 5 */
		if (i != 5)
			*bench_mark(&bench, bench_see(&bench, i)->everyone) =
			        kernel_ticks(bench.maps, clock_ms()) - 500;
	/* A mark from the far future is nobody's. */
	*bench_mark(&bench, bench_see(&bench, 5)->everyone) = AN_NEVER - 1;
	uid = bench_owner(&bench, 9);
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 109), 0);
	assert_int_equal(bench_ask(&bench, 5, 0xc0000201, 24), 0);
	assert_null(bench_see(&bench, 5));
	for (unsigned int i = 0; i < 8; i++)
		if (i != 5)
			assert_int_equal(bench_ask(&bench, i, 0xc0000201, 24), 100 + i);
	assert_int_equal(bench_stats(&bench).evicted, 1);
}

static void what_was_used_within_a_second_is_not_sent_away(void **state)
{
	uint64_t uid;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i + 1);
	bench_seconds(&bench, 10);
	for (unsigned int i = 1; i <= 20; i++)
		*bench_mark(&bench, i) = kernel_ticks(bench.maps, clock_ms());
	assert_int_equal(bench_owner_try(&bench, 9, &uid), -ENOSPC);
	assert_int_equal(bench_stats(&bench).refused, 1);
	assert_int_equal(bench_stats(&bench).evicted, 0);
	bench_seconds(&bench, 2);
	assert_int_equal(bench_owner_try(&bench, 9, &uid), 0);
	assert_int_equal(bench_stats(&bench).evicted, 1);
}

static void a_newcomer_takes_the_place_of_who_is_asked_for_less(void **state)
{
	uint64_t uid;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i + 1);
	bench_seconds(&bench, 3);
	assert_int_equal(bench_owner_try(&bench, 9, &uid), -ENOSPC);
	assert_int_equal(bench_stats(&bench).held_back, 1);
	bench_seconds(&bench, 1);
	assert_int_equal(bench_owner_try(&bench, 9, &uid),
	                 0); /* unused for four, asked for after one */
	assert_int_equal(bench_owner_try(&bench, 10, &uid), -ENOSPC);
	bench_seconds(&bench, 2);
	assert_int_equal(bench_owner_try(&bench, 11, &uid), 0);
}

static void where_more_come_than_may_come_in_the_hot_ones_do(void **state)
{
	uint64_t uid;

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i + 1);
	bench_seconds(&bench, 10);
	for (unsigned int i = 0; i < 400; i++)
		bench_owner_try(&bench, 100 + i % 40, &uid);
	assert_int_equal(bench_stats(&bench).evicted, 16); /* a second's */
	bench_seconds(&bench, 1);
	assert_int_equal(bench_owner_try(&bench, 500, &uid), -ENOSPC);
	assert_int_equal(bench_owner_try(&bench, 500, &uid), 0);
	bench_seconds(&bench, 10);
	assert_int_equal(bench_owner_try(&bench, 501, &uid), 0);
}

static void a_network_that_finds_no_room_takes_what_would_stand_in_along(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 1);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(bench_put(&bench, uid,
		                           bench_key(NET, IPV4, 0xc0000200 + i * 256, 24), i + 2),
		                 0);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc6336400, 24), 50), -ENOSPC);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336401, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 2);
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 3), -ENOSPC);
	assert_int_equal(bench_stats(&bench).refused, 2);
}

static void one_owner_cannot_take_more_than_its_share(void **state)
{
	uint64_t uid;

	(void)state;
	bench.config.networks_per_name_max = 3;
	publish_settings(bench.publish, &bench.config);
	uid = bench_owner(&bench, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bench_put(&bench, uid,
		                           bench_key(NET, IPV4, 0xc0000200 + i * 256, 24), i + 2),
		                 0);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc6336400, 24), 50), -ENOSPC);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 51), 0);
}

/* ---- what the program sees is what the daemon has, or it passes up ---- */

struct held {
	struct an_audience_key key;
	uint32_t id;
	bool here;
};

#define HELD_MAX 256

struct model {
	struct held held[HELD_MAX];
	size_t count;
};

static uint32_t randomness = 1;

static uint32_t roll(uint32_t below)
{
	randomness = randomness * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)randomness * below >> 32);
}

static struct held *model_find(struct model *model, const struct an_audience_key *key)
{
	for (size_t i = 0; i < model->count; i++)
		if (!memcmp(&model->held[i].key, key, sizeof(*key)))
			return &model->held[i];
	if (model->count == HELD_MAX)
		return NULL;
	model->held[model->count] = (struct held){.key = *key};
	return &model->held[model->count++];
}

/* SEMANTICS: longest prefix no longer than SOURCE; EXACT only at its SOURCE, and first. */
static uint32_t model_ask(struct model *model, uint32_t address, unsigned int source)
{
	struct held *held;
	struct an_audience_key key;

	for (unsigned int len = source; len > 0; len--) {
		key = bench_key(EXACT, IPV4, address, (uint8_t)len);
		held = len == source ? model_find(model, &key) : NULL;
		if (held && held->here)
			return held->id;
		key = bench_key(NET, IPV4, address, (uint8_t)len);
		held = model_find(model, &key);
		if (held && held->here)
			return held->id;
	}
	key = bench_nobody();
	held = model_find(model, &key);
	if (!source && held->here)
		return held->id;
	key = bench_everyone();
	held = model_find(model, &key);
	return held->here ? held->id : 0;
}

static uint32_t random_address(void)
{
	/* Few networks, so that they lie in one another. */
	return 0xc0000000 | roll(2) << 19 | roll(2) << 15 | roll(2) << 12 | roll(4) << 10 |
	       roll(4) << 8;
}

static struct an_audience_key random_key(void)
{
	uint32_t kind = roll(12);

	if (kind == 0)
		return bench_everyone();
	if (kind == 1)
		return bench_nobody();
	return bench_key(kind < 4 ? EXACT : NET, IPV4, random_address(), (uint8_t)(11 + roll(14)));
}

static void check_all(struct model *model, uint64_t *hits)
{
	static const unsigned int sources[] = {24, 22, 18, 14, 0};

	for (unsigned int i = 0; i < 128; i++) {
		uint32_t address = random_address();
		unsigned int source = sources[i % 5];
		size_t before = model->count;
		uint32_t kernel = bench_ask(&bench, 1, address, source);
		uint32_t daemon = model_ask(model, address, source);

		model->count = before; /* asking adds nothing */
		if (kernel)
			assert_int_equal(kernel, daemon);
		*hits += kernel != 0;
	}
}

/* A choice with one member, which is not asked for here: but what was before it must be gone. */
static void put_choice(uint64_t uid, const struct an_audience_key *key, uint32_t id)
{
	_Alignas(8) uint8_t octets[AN_SLOT_LARGE_SIZE];
	const struct publish_member member = {.image = (void *)octets, .weight = 1};
	const struct publish_choice choice = {.members = &member, .count = 1};
	uint32_t slot;

	bench_image(id, 32, (void *)octets);
	publish_choice(bench.publish, uid, key, &choice, clock_ms() + 60000, clock_ms() + 600000,
	               true, &slot);
}

static void random_operations(unsigned int seed, uint64_t *hits, uint64_t *folded)
{
	struct model *model = calloc(1, sizeof(*model));
	struct an_audience_key everyone = bench_everyone(), nobody = bench_nobody();
	uint64_t uid = bench_owner(&bench, 1);

	randomness = seed;
	model_find(model, &everyone);
	model_find(model, &nobody);
	for (uint32_t step = 1; step < 60; step++) {
		struct an_audience_key key = random_key();
		struct held *held = model_find(model, &key);
		uint32_t slot, asked;

		if (!held)
			break;
		if (roll(5) == 0) {
			held->here = false;
			if (roll(2))
				publish_answer_remove(bench.publish, uid, &key);
			else
				publish_answer_supersede(bench.publish, uid, &key);
		} else {
			held->here = true;
			held->id = step;
			asked = (uint32_t)key.prefix[0] << 24 | (uint32_t)key.prefix[1] << 16 |
			        (uint32_t)key.prefix[2] << 8 | roll(16) << 8;
			if (roll(8) == 0)
				put_choice(uid, &key, step);
			else
				bench_put_size(&bench, uid, key, asked, step, roll(8) ? 32 : 200,
				               &slot);
		}
		if (roll(30) == 0) {
			*folded += bench_stats(&bench).folded;
			bench_restart(&bench);
		}
		if (!publish_has(bench.publish,
		                 (const uint8_t *)"\x02n1\x07"
		                                  "example\x04"
		                                  "test",
		                 17, AN_TYPE_A))
			break;
		check_all(model, hits);
	}
	publish_owner_remove(bench.publish, uid);
	free(model);
}

static void the_kernel_never_answers_other_than_the_daemon(void **state)
{
	uint64_t hits = 0, folded = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 300; seed++)
		random_operations(seed, &hits, &folded);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_true(folded + bench_stats(&bench).folded > 50);
	assert_true(hits > 100000);
}

int main(void)
{
#define WITH_ROOM(test)   ON_BENCH_OF(roomy, test)
#define WITH_LITTLE(test) ON_BENCH_OF(tight, test)
	const struct CMUnitTest tests[] = {
	        WITH_ROOM(an_owner_is_found_by_name_and_type_in_any_case),
	        WITH_ROOM(the_longest_name_goes_into_a_large_slot),
	        WITH_ROOM(the_last_name_that_fits_a_small_slot_is_in_one),
	        WITH_ROOM(another_name_of_the_same_hash_is_refused),
	        WITH_ROOM(a_newer_generation_renews_the_owner_and_drops_its_answers),
	        WITH_ROOM(a_removed_owner_leaves_nothing),
	        WITH_ROOM(staleness_is_one_word_of_the_owner_alone),
	        WITH_ROOM(everyone_and_nobody_are_different_audiences),
	        WITH_ROOM(the_longest_network_answers_and_exact_only_its_own_source),
	        WITH_ROOM(an_answer_is_rewritten_in_its_slot),
	        WITH_ROOM(an_answer_moves_when_its_size_class_changes),
	        WITH_ROOM(nobody_believes_the_owner_while_a_network_s_element_is_replaced),
	        WITH_ROOM(an_image_that_lies_about_its_lengths_is_not_taken),
	        WITH_ROOM(keys_out_of_bounds_are_refused),
	        WITH_ROOM(times_become_ticks_and_never_stays_never),
	        WITH_ROOM(a_removed_network_passes_up_and_nothing_shorter_stands_in),
	        WITH_ROOM(of_a_superseded_network_the_shorter_one_answers),
	        WITH_ROOM(the_catch_all_is_the_newest_and_outlives_its_removal),
	        WITH_ROOM(what_is_withheld_is_passed_up_until_it_comes),
	        WITH_ROOM(what_is_withheld_and_fits_no_list_takes_everyone_along),
	        WITH_ROOM(a_ninth_length_is_folded_under_the_next_longer_one),
	        WITH_LITTLE(the_coldest_owner_makes_room_and_goes_whole),
	        WITH_LITTLE(what_was_used_within_a_second_is_not_sent_away),
	        WITH_LITTLE(a_newcomer_takes_the_place_of_who_is_asked_for_less),
	        WITH_ROOM(where_more_come_than_may_come_in_the_hot_ones_do),
	        WITH_LITTLE(a_network_that_finds_no_room_takes_what_would_stand_in_along),
	        WITH_LITTLE(one_owner_cannot_take_more_than_its_share),
	        WITH_ROOM(the_kernel_never_answers_other_than_the_daemon),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
