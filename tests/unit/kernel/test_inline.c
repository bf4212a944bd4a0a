/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer in the owner's slot, and the index before the hash. */
#include "kernel/front.h"
#include "unit/kernel/one_bench.h"

#define NET  AN_AUDIENCE_NET
#define IPV4 AN_FAMILY_IPV4
#define HERE 0xc0000201u /* a client in 192.0.2.0/24 */
#define NEXT 0xc6336401u /* and one in 198.51.100.0/24 */

/* Behind the 24 octets of "n1.example.test" there is room for so many. */
#define ROOM (AN_OWNER_NAME_SMALL - 24)

static const struct fake_sizes sizes = {
        .owners = 64, .audiences = 6, .slots = 160, .slots_large = 8, .zones = 2};

static unsigned int hashed(void)
{
	return HASH_COUNT(fake_tables[1].elements);
}

static const struct an_owner_slot *see(void)
{
	return bench_see(&bench, 1);
}

static struct an_audience_key net_of(uint32_t address)
{
	return bench_key(NET, IPV4, address, 24);
}

static void put(uint64_t uid, struct an_audience_key key, uint32_t id, size_t len)
{
	uint32_t slot;

	assert_int_equal(bench_put_size(&bench, uid, key, HERE, id, len, &slot), 0);
}

/* ---- the answer in the owner's slot ---- */

static void the_first_answer_goes_into_the_owners_slot(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t slot;

	(void)state;
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(bench_put_size(&bench, uid, net_of(HERE), HERE, 7, ROOM, &slot), 0);
	assert_ptr_equal(fake_slot(bench.maps, slot), see());
	assert_int_equal(see()->inline_at * 8, AN_OWNER_NAME_AT + 24);
	assert_int_equal(see()->head.used, AN_SLOT_SMALL_SIZE);
	assert_int_equal(see()->catch_all, slot);
	assert_int_equal(hashed(), 0); /* a network of its own needs no element */
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 7);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 0);
	assert_int_equal(bench_stats(&bench).slots_used, 1);
	assert_int_equal(bench_stats(&bench).answers, 1);
	publish_owner_remove(bench.publish, uid);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
}

static void an_answer_one_octet_too_long_has_a_slot_of_its_own(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	put(uid, net_of(HERE), 7, ROOM + 1);
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(hashed(), 1);
	assert_int_equal(bench_stats(&bench).slots_used, 2);
	put(uid, bench_everyone(), 8, 32); /* the place is free for another */
	assert_int_not_equal(see()->inline_at, 0);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 7);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 8);
	put(uid, net_of(HERE), 9, 32); /* what has a slot stays in it */
	assert_int_equal(hashed(), 1);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 9);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 8);
}

static void a_second_answer_leaves_the_first_where_it_is(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	uint32_t seq;

	(void)state;
	put(uid, bench_everyone(), 1, 32);
	put(uid, net_of(HERE), 2, 32);
	put(uid, bench_nobody(), 3, 32);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 1);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 2);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 3);
	seq = see()->head.seq;
	put(uid, bench_everyone(), 4, 16);
	assert_int_equal(see()->head.seq, seq + 2); /* rewritten in one bracket */
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 4);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 2);
	assert_int_equal(bench_stats(&bench).answers, 3);
}

static void an_answer_that_grows_out_takes_its_audience_along(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = net_of(HERE);

	(void)state;
	put(uid, key, 1, 32);
	put(uid, key, 2, 150);
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(hashed(), 1);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 2);
	assert_int_equal(see()->lens_count[0], 1);
	assert_int_equal(bench_id(fake_any(bench.maps, see()->catch_all)), 2);
	assert_int_equal(bench_stats(&bench).answers, 1);
	publish_answer_remove(bench.publish, uid, &key);
	assert_int_equal(hashed(), 0);
	assert_int_equal(see()->lens_count[0], 0);
	assert_int_equal(bench_stats(&bench).slots_used, 1);
}

static void a_removed_inline_network_passes_up(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = net_of(HERE);

	(void)state;
	put(uid, key, 1, 32);
	publish_answer_remove(bench.publish, uid, &key); /* alone: nothing can stand in */
	assert_int_equal(see()->lens_count[0], 0);
	assert_int_equal(see()->catch_all, AN_SLOT_NONE);
	assert_int_equal(bench_stats(&bench).answers, 0);
	put(uid, key, 2, 32);
	put(uid, bench_everyone(), 3, 32);
	publish_answer_remove(bench.publish, uid, &key);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 3);
	assert_int_equal(hashed(), 1); /* its tombstone */
	put(uid, key, 4, 32);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 4);
}

/* Every element of the hash is taken by owners that are warm: the owner goes rather than lie. */
static void without_room_for_a_tombstone_the_owner_goes(void **state)
{
	uint64_t uid = bench_owner(&bench, 1), other = bench_owner(&bench, 2);
	struct an_audience_key key = net_of(HERE);

	(void)state;
	put(uid, key, 1, 32);
	put(uid, bench_everyone(), 2, 32);
	put(other, bench_everyone(), 3, 32);
	for (uint32_t i = 0; i < 6; i++)
		put(other, net_of(NEXT + i * 256), 10 + i, 32);
	publish_answer_remove(bench.publish, uid, &key);
	assert_null(see());
	assert_int_equal(bench_ask(&bench, 2, NEXT, 24), 10);
	assert_int_equal(bench_stats(&bench).slots_used, 7);
}

static void a_new_generation_takes_the_inline_answer_out_at_once(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	put(uid, bench_everyone(), 1, 32);
	bench_zone(&bench, 2);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 0);
	bench_owner(&bench, 1);
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(see()->head.used, AN_OWNER_NAME_AT + 24);
	assert_int_equal(bench_ask(&bench, 1, NEXT, 24), 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
}

/* ---- taken over ---- */

static void an_inline_network_is_taken_over(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	put(uid, net_of(HERE), 1, 32);
	bench_restart(&bench);
	assert_int_equal(bench_stats(&bench).adopted_dropped, 0);
	assert_int_equal(bench_stats(&bench).answers, 1);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 1);
	put(uid, net_of(HERE), 2, 32);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 2);
	assert_int_equal(hashed(), 0);
}

/* Its writer died between the two: the hash's is the newer. */
static void of_two_places_the_hash_is_believed(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_owner_slot before, *slot;

	(void)state;
	put(uid, net_of(HERE), 1, 32);
	slot = (struct an_owner_slot *)(uintptr_t)see();
	before = *slot;
	put(uid, net_of(HERE), 2, 150);
	slot->inline_at = before.inline_at;
	slot->head.used = before.head.used;
	bench_restart(&bench);
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(bench_ask(&bench, 1, HERE, 24), 2);
	assert_int_equal(bench_stats(&bench).answers, 1);
}

static void an_inline_answer_that_nobody_points_to_is_cleared(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_owner_slot *slot;

	(void)state;
	put(uid, bench_everyone(), 1, 32);
	slot = (struct an_owner_slot *)(uintptr_t)see();
	slot->everyone = slot->catch_all = AN_SLOT_NONE;
	bench_restart(&bench);
	assert_int_equal(see()->inline_at, 0);
	assert_int_equal(bench_stats(&bench).answers, 0);
}

/* ---- the front index ---- */

static void an_owner_is_in_the_index_until_he_goes(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_owner_key key = see()->key;
	uint32_t number = AN_SLOT_NONE;

	(void)state;
	assert_int_equal(fake_front(bench.maps, &key, &number), 0);
	assert_ptr_equal(fake_slot(bench.maps, number), see());
	publish_owner_remove(bench.publish, uid);
	for (unsigned int i = 0; i < AN_FRONT_ENTRIES; i++)
		assert_int_not_equal(
		        bench.maps->front[an_front_hash(&key) & bench.maps->control->front_mask]
		                .entries[i],
		        number | (uint64_t)an_front_print(an_front_hash(&key)) << 32);
	assert_int_not_equal(fake_front(bench.maps, &key, &number), 0);
}

/* 64 owners in 4 lines of 8: every line is full, and every owner is found all the same. */
static void a_full_line_sends_to_the_hash_until_it_is_made_anew(void **state)
{
	unsigned int more = 0, left = 0;
	uint64_t uids[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		uids[i] = bench_owner(&bench, i);
	for (unsigned int i = 0; i < FAKE_FRONT_LINES; i++)
		more += bench.maps->front[i].entries[AN_FRONT_ENTRIES - 1] == AN_FRONT_MORE;
	assert_true(more > 0);
	for (unsigned int i = 0; i < 64; i++)
		assert_non_null(bench_see(&bench, i));
	for (unsigned int i = 8; i < 64; i++)
		publish_owner_remove(bench.publish, uids[i]);
	bench_restart(&bench);
	for (unsigned int i = 0; i < FAKE_FRONT_LINES; i++)
		for (unsigned int j = 0; j < AN_FRONT_ENTRIES; j++) {
			assert_true(bench.maps->front[i].entries[j] != AN_FRONT_MORE);
			left += bench.maps->front[i].entries[j] != 0;
		}
	assert_int_equal(left, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_non_null(bench_see(&bench, i));
}

static void what_stands_in_the_index_is_not_believed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		bench_owner(&bench, i);
	memset(bench.maps->front, 0xa5, FAKE_FRONT_LINES * sizeof(struct an_front_line));
	bench.maps->control->front_mask = 0;
	bench_restart(&bench);
	assert_int_equal(bench.maps->control->front_mask, FAKE_FRONT_LINES - 1);
	for (unsigned int i = 0; i < 20; i++)
		assert_non_null(bench_see(&bench, i));
}

static void lines_are_half_full_at_most_on_the_average(void **state)
{
	static const uint32_t owners[] = {1, 64, 65, 10000, 1000000, 10000000};

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		uint32_t lines = front_lines_for(owners[i]);

		assert_int_equal(lines & (lines - 1), 0);
		assert_true((uint64_t)lines * AN_FRONT_ENTRIES >= 2ull * owners[i]);
		assert_true(lines == 16 || (uint64_t)lines * AN_FRONT_ENTRIES < 4ull * owners[i]);
	}
}

int main(void)
{
#define ON_BENCH(test) ON_BENCH_OF(sizes, test)
	const struct CMUnitTest tests[] = {
	        ON_BENCH(the_first_answer_goes_into_the_owners_slot),
	        ON_BENCH(an_answer_one_octet_too_long_has_a_slot_of_its_own),
	        ON_BENCH(a_second_answer_leaves_the_first_where_it_is),
	        ON_BENCH(an_answer_that_grows_out_takes_its_audience_along),
	        ON_BENCH(a_removed_inline_network_passes_up),
	        ON_BENCH(without_room_for_a_tombstone_the_owner_goes),
	        ON_BENCH(a_new_generation_takes_the_inline_answer_out_at_once),
	        ON_BENCH(an_inline_network_is_taken_over),
	        ON_BENCH(of_two_places_the_hash_is_believed),
	        ON_BENCH(an_inline_answer_that_nobody_points_to_is_cleared),
	        ON_BENCH(an_owner_is_in_the_index_until_he_goes),
	        ON_BENCH(a_full_line_sends_to_the_hash_until_it_is_made_anew),
	        ON_BENCH(what_stands_in_the_index_is_not_believed),
	        ON_BENCH(lines_are_half_full_at_most_on_the_average),
	};

	return cmocka_run_group_tests_name("inline and front", tests, NULL, NULL);
}
