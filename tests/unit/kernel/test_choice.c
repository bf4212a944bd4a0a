/* SPDX-License-Identifier: BSD-2-Clause */
/* Choices in the maps: their members come and go with them. */
#include "unit/kernel/one_bench.h"

static const struct fake_sizes roomy = {
        .owners = 64, .audiences = 2048, .slots = 4096, .slots_large = 64, .zones = 4};

/* A choice among so many answers whose ids are `id`, `id` + 1 ... */
static int put_choice(uint64_t uid, struct an_audience_key key, size_t count, uint32_t id,
                      uint32_t *ret_slot)
{
	static uint64_t words[AN_CHOICE_MAX + 1][AN_SLOT_LARGE_SIZE / 8];
	struct publish_member members[AN_CHOICE_MAX + 1];
	struct publish_choice choice = {.cell = 3, .members = members, .count = count};

	for (size_t i = 0; i < count; i++) {
		struct an_answer_slot *image = (struct an_answer_slot *)(void *)words[i];

		bench_image(id + (uint32_t)i, 32, image);
		members[i] = (struct publish_member){
		        .image = image, .weight = (uint16_t)(i + 1), .bit = (uint8_t)i};
	}
	return publish_choice(bench.publish, uid, &key, &choice, clock_ms() + 60000,
	                      clock_ms() + 600000, true, ret_slot);
}

static const struct an_choice_slot *choice_at(uint32_t slot)
{
	return (const void *)fake_slot(bench.maps, slot);
}

static const struct an_answer_slot *member_at(uint32_t slot, unsigned int index)
{
	return (const void *)fake_slot(bench.maps, choice_at(slot)->entries[index].slot);
}

static void a_choice_leads_to_its_members(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t slot = 0;

	(void)state;
	assert_int_equal(put_choice(uid, bench_everyone(), 3, 70, &slot), 0);
	assert_int_equal(choice_at(slot)->head.kind, AN_SLOT_CHOICE);
	assert_int_equal(choice_at(slot)->count, 3);
	assert_int_equal(choice_at(slot)->cell, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(member_at(slot, i)->head.kind, AN_SLOT_ANSWER);
		assert_int_equal(member_at(slot, i)->key.member, i + 1);
		assert_int_equal(member_at(slot, i)->key.uid, uid);
		assert_int_equal(bench_id(member_at(slot, i)), 70 + i);
		assert_int_equal(choice_at(slot)->entries[i].weight, i + 1);
	}
	assert_int_equal(bench_stats(&bench).slots_used, 5);
}

static void members_go_when_the_choice_is_another(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key net = bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, 24);
	uint32_t slot, again;

	(void)state;
	assert_int_equal(put_choice(uid, bench_everyone(), 3, 70, &slot), 0);
	assert_int_equal(put_choice(uid, bench_everyone(), 2, 80, &again), 0);
	assert_int_equal(again, slot);
	assert_int_equal(bench_id(member_at(slot, 1)), 81);
	assert_int_equal(bench_stats(&bench).slots_used, 4);
	assert_int_equal(put_choice(uid, net, 4, 90, &slot), 0);
	assert_int_equal(bench_stats(&bench).slots_used, 9);
	/* An answer takes the place of a choice, and the other way round. */
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 7), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xcb007100, 24), 7);
	assert_int_equal(put_choice(uid, bench_everyone(), 1, 80, &slot), 0);
	publish_answer_remove(bench.publish, uid, &net);
	publish_owner_remove(bench.publish, uid);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
}

static void a_large_choice_takes_a_large_slot_and_too_many_are_refused(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t slot;

	(void)state;
	assert_int_equal(put_choice(uid, bench_everyone(), AN_CHOICE_SMALL, 70, &slot), 0);
	assert_false(slot & AN_SLOT_LARGE);
	assert_int_equal(put_choice(uid, bench_everyone(), AN_CHOICE_MAX, 70, &slot), 0);
	assert_true(slot & AN_SLOT_LARGE);
	assert_int_equal(bench_stats(&bench).slots_used, 1 + AN_CHOICE_MAX);
	assert_int_equal(put_choice(uid, bench_everyone(), AN_CHOICE_MAX + 1, 70, &slot), -EINVAL);
	assert_int_equal(put_choice(uid, bench_everyone(), 0, 70, &slot), -EINVAL);
}

/* An owner that has as many prefix lengths as the kernel walks, with an answer under each. */
static uint64_t owner_of_eight_lengths(void)
{
	uint64_t uid = bench_owner(&bench, 1);

	bench_put(&bench, uid, bench_everyone(), 1);
	for (uint8_t len = 16; len <= 24; len++)
		if (len != 19)
			bench_put(&bench, uid,
			          bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, len), len);
	return uid;
}

static void a_choice_of_a_ninth_length_stays_with_the_daemon(void **state)
{
	struct an_audience_key wide = bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc6336400, 19);
	uint64_t uid = owner_of_eight_lengths();
	uint64_t used = bench_stats(&bench).slots_used;
	uint32_t slot;

	(void)state;
	assert_int_equal(put_choice(uid, wide, 3, 70, &slot), -ENOSPC);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24), 0); /* nothing shorter stands in */
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 24);
	assert_true(bench_stats(&bench).slots_used <= used); /* its members' are given back */
}

static void an_answer_that_is_folded_and_becomes_a_choice_leaves(void **state)
{
	struct an_audience_key wide = bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc6336400, 19);
	uint64_t uid = owner_of_eight_lengths();
	uint32_t slot;

	(void)state;
	assert_int_equal(bench_put_size(&bench, uid, wide, 0xc6336455, 99, 32, &slot), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24), 99);
	assert_int_equal(put_choice(uid, wide, 3, 70, &slot), -ENOSPC);
	assert_int_equal(bench_ask(&bench, 1, 0xc6336455, 24), 0);
	publish_owner_remove(bench.publish, uid);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
}

static void the_next_daemon_does_not_take_choices_over(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t slot;

	(void)state;
	assert_int_equal(put_choice(uid, bench_everyone(), 3, 70, &slot), 0);
	bench_restart(&bench);
	assert_int_equal(bench_stats(&bench).slots_used, 1);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000200, 24), 0);
}

static void a_mark_on_a_member_is_one_on_the_choice(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t slot;

	(void)state;
	assert_int_equal(put_choice(uid, bench_everyone(), 3, 70, &slot), 0);
	assert_int_equal(publish_used_ms(bench.publish, slot), 0);
	*bench_mark(&bench, choice_at(slot)->entries[2].slot) =
	        kernel_ticks(bench.maps, clock_ms());
	assert_int_not_equal(publish_used_ms(bench.publish, slot), 0);
}

static void a_cell_is_one_word_that_can_be_given_back(void **state)
{
	uint32_t cell = publish_cell_take(bench.publish, 5);

	(void)state;
	assert_int_not_equal(cell, AN_CELL_FIXED);
	assert_int_equal(bench.maps->cells[cell], 5);
	publish_cell_set(bench.publish, cell, ~UINT64_C(0));
	assert_true(bench.maps->cells[cell] == AN_CELL_MEMBERS);
	publish_cell_set(bench.publish, AN_CELL_FIXED, 0);
	assert_true(bench.maps->cells[AN_CELL_FIXED] != 0);
	publish_cell_drop(bench.publish, cell);
	publish_cell_drop(bench.publish, cell); /* once is enough */
	assert_int_equal(publish_cell_take(bench.publish, 1), cell);
}

#define TEST(name) ON_BENCH_OF(roomy, name)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_choice_leads_to_its_members),
	        TEST(members_go_when_the_choice_is_another),
	        TEST(a_large_choice_takes_a_large_slot_and_too_many_are_refused),
	        TEST(a_choice_of_a_ninth_length_stays_with_the_daemon),
	        TEST(an_answer_that_is_folded_and_becomes_a_choice_leaves),
	        TEST(the_next_daemon_does_not_take_choices_over),
	        TEST(a_mark_on_a_member_is_one_on_the_choice),
	        TEST(a_cell_is_one_word_that_can_be_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
