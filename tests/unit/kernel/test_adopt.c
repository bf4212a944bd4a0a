/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/kernel/one_bench.h"

#define NET   AN_AUDIENCE_NET
#define EXACT AN_AUDIENCE_EXACT
#define IPV4  AN_FAMILY_IPV4

static const struct fake_sizes sizes = {
        .owners = 32, .audiences = 128, .slots = 160, .slots_large = 12, .zones = 3};

/* ---- what the publisher says it has ---- */

struct seen {
	unsigned int owners, answers;
	uint64_t digest; /* of every slot's number, key and octets, in any order */
	uint8_t small[256], large[64];
	bool twice;
	unsigned int at_owners; /* inline answers */
};

static uint64_t digest_of(const void *octets, size_t len, uint64_t seed)
{
	return an_name_hash(seed, octets, (uint32_t)len);
}

static void see_slot(struct seen *seen, uint32_t number)
{
	uint8_t *marks = number & AN_SLOT_LARGE ? seen->large : seen->small;

	seen->twice |= marks[number & AN_SLOT_INDEX]++ != 0;
}

static void see_owner(const struct an_owner_slot *slot, size_t name_len, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(name_parse_wire(slot->name, name_len), (int)name_len);
	seen->owners++;
	seen->digest += digest_of(slot->name, name_len, slot->uid);
}

static void see_answer(const struct an_owner_slot *owner, const struct an_answer_slot *slot,
                       uint32_t number, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(slot->key.uid, owner->uid);
	assert_int_equal(slot->head.seq & 1, 0);
	if (fake_slot(bench.maps, number) != owner)
		see_slot(seen, number);
	else
		seen->twice |= seen->at_owners++ == seen->owners; /* one an owner */
	seen->answers++;
	seen->digest +=
	        digest_of(&slot->key, slot->head.used - (uint32_t)sizeof(slot->head), number);
}

static struct seen see_all(const struct bench *of)
{
	struct seen seen = {0};
	const struct publish_visitor visitor = {
	        .owner = see_owner, .answer = see_answer, .arg = &seen};

	publish_each(of->publish, &visitor);
	return seen;
}

/* ---- filling ---- */

static void fill(void)
{
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t uid = bench_owner(&bench, i);
		uint32_t slot;

		bench_put(&bench, uid, bench_everyone(), i * 100 + 1);
		if (i % 3 == 0)
			bench_put(&bench, uid, bench_nobody(), i * 100 + 2);
		for (unsigned int net = 0; net < i % 5; net++)
			bench_put(&bench, uid,
			          bench_key(net % 2 ? EXACT : NET, IPV4, 0xc0000200 + net * 256,
			                    (uint8_t)(20 + net)),
			          i * 100 + 10 + net);
		if (i % 7 == 0)
			bench_put_size(&bench, uid, bench_key(NET, AN_FAMILY_IPV6, 0x20010db8, 48),
			               0, i * 100 + 50, 300, &slot);
		if (i % 6 == 0)
			publish_stale(bench.publish, uid, true);
	}
}

static struct an_owner_slot *owner_slot(unsigned int number)
{
	return (struct an_owner_slot *)(uintptr_t)bench_see(&bench, number);
}

/* ---- whole ---- */

static void all_that_was_published_is_taken_over(void **state)
{
	struct seen before, after;
	struct publish_stats stats;
	uint64_t uid;

	(void)state;
	fill();
	before = see_all(&bench);
	stats = bench_stats(&bench);
	bench_restart(&bench);
	after = see_all(&bench);
	assert_int_equal(before.owners, 20);
	assert_int_equal(after.owners, before.owners);
	assert_int_equal(after.answers, before.answers);
	assert_int_equal(after.digest, before.digest);
	assert_false(after.twice);
	assert_int_equal(bench_stats(&bench).adopted, 20);
	assert_int_equal(bench_stats(&bench).adopted_dropped, 0);
	assert_int_equal(bench_stats(&bench).slots_used, stats.slots_used);
	assert_int_equal(bench_stats(&bench).slots_large_used, stats.slots_large_used);
	assert_int_equal(bench_stats(&bench).answers, stats.answers);
	uid = owner_slot(4)->uid;
	assert_int_equal(bench_owner(&bench, 4), uid);
	assert_true(bench_owner(&bench, 25) > uid + 15); /* no uid twice */
}

static void staleness_and_marks_survive(void **state)
{
	uint64_t uid, now;
	uint32_t slot;

	(void)state;
	uid = bench_owner(&bench, 1);
	bench_put(&bench, uid, bench_everyone(), 1);
	publish_stale(bench.publish, uid, true);
	slot = owner_slot(1)->everyone;
	now = clock_ms(); /* a tick is four of it */
	*bench_mark(&bench, slot) = kernel_ticks(bench.maps, now);
	bench_restart(&bench);
	assert_true(bench.maps->cells[owner_slot(1)->cell] & AN_CELL_STALE);
	assert_in_range(publish_used_ms(bench.publish, slot), now - 4, now + 4);
	*bench_mark(&bench, slot) = AN_NEVER - 1; /* from the future: no later than now */
	assert_in_range(publish_used_ms(bench.publish, slot), now - 4, now + 10000);
}

static void a_zone_of_the_same_content_keeps_its_generation(void **state)
{
	uint32_t generation = bench.generation;

	(void)state;
	fill();
	bench_restart(&bench);
	bench_zone(&bench, 1);
	assert_int_equal(bench.generation, generation);
	assert_int_equal(bench_ask(&bench, 3, 0x01020304, 24), 301);
	bench_zone(&bench, 2);
	assert_int_not_equal(bench.generation, generation);
	assert_int_equal(bench_ask(&bench, 3, 0x01020304, 24), 0);
}

static void owners_of_a_zone_that_is_gone_are_not_taken_over(void **state)
{
	(void)state;
	fill();
	bench.maps->zones[bench.zone].generation = 0;
	bench_restart(&bench);
	assert_int_equal(bench_stats(&bench).adopted, 0);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_int_equal(HASH_COUNT(fake_tables[0].elements), 0);
	assert_int_equal(HASH_COUNT(fake_tables[1].elements), 0);
}

/* ---- damaged ---- */

static void a_slot_that_was_being_written_is_freed(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_answer_slot *slot;
	uint32_t number;

	(void)state;
	bench_put_size(&bench, uid, bench_everyone(), 0, 1, AN_ANSWER_SMALL, &number);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 2);
	slot = fake_slot(bench.maps, number);
	slot->head.seq |= 1;
	bench_restart(&bench);
	assert_int_equal(owner_slot(1)->everyone, AN_SLOT_NONE);
	assert_int_equal(slot->head.kind, AN_SLOT_FREE);
	assert_int_equal(slot->head.seq & 1, 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 2);
	assert_int_equal(bench_stats(&bench).slots_used, 1); /* the network is inline */
}

static void a_damaged_network_passes_up_and_nothing_shorter_stands_in(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);
	struct an_audience_key key = bench_key(NET, IPV4, 0xc0000200, 24);
	uint32_t number = AN_SLOT_NONE;

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 1);
	bench_put(&bench, uid, key, 2);
	key.uid = uid;
	key.type = AN_TYPE_A;
	assert_int_equal(fake_lookup(FAKE_AUDIENCES_FD, &key, &number), 0);
	((struct an_answer_slot *)fake_slot(bench.maps, number))->answer.tail_len = 60000;
	bench_restart(&bench);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 0);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 1);
	assert_int_equal(bench_stats(&bench).adopted_dropped, 1);
	assert_int_equal(bench_put(&bench, uid, key, 3), 0);
	assert_int_equal(bench_ask(&bench, 1, 0xc0000201, 24), 3);
}

static void one_slot_is_not_two_answers(void **state)
{
	uint64_t one = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, one, bench_everyone(), 1);
	bench_put(&bench, one, bench_nobody(), 2);
	owner_slot(1)->nobody = owner_slot(1)->everyone;
	bench_restart(&bench);
	assert_int_equal(owner_slot(1)->nobody, AN_SLOT_ASK);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 1);
	assert_int_equal(bench_ask(&bench, 1, 0, 0), 0);
	assert_false(see_all(&bench).twice);
}

static void neither_a_uid_nor_a_cell_belongs_to_two_owners(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++)
		bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i);
	owner_slot(2)->uid = owner_slot(1)->uid;
	owner_slot(4)->cell = owner_slot(3)->cell;
	bench_restart(&bench);
	assert_int_equal(bench_stats(&bench).owners, 2);
	assert_int_equal(bench_stats(&bench).adopted_dropped, 2);
	assert_true(!bench_see(&bench, 1) != !bench_see(&bench, 2));
	assert_true(!bench_see(&bench, 3) != !bench_see(&bench, 4));
}

static void an_owner_with_something_withheld_starts_afresh(void **state)
{
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench.config.networks_per_name_max = 1;
	publish_settings(bench.publish, &bench.config);
	bench_put(&bench, uid, bench_everyone(), 1);
	bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000200, 24), 2);
	assert_int_equal(bench_put(&bench, uid, bench_key(NET, IPV4, 0xc0000300, 24), 3), -ENOSPC);
	assert_int_equal(bench_ask(&bench, 1, 0x01020304, 24), 0);
	bench_restart(&bench);
	assert_null(bench_see(&bench, 1));
	assert_int_equal(bench_stats(&bench).slots_used, 0);
}

/* ---- anything may stand there ---- */

static uint32_t randomness;

static uint32_t roll(uint32_t below)
{
	randomness = randomness * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)randomness * below >> 32);
}

static void corrupt_octets(void *base, size_t size)
{
	uint8_t *octets = base;
	static const uint8_t favourites[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff};

	octets[roll((uint32_t)size)] =
	        roll(2) ? favourites[roll(sizeof(favourites))] : (uint8_t)roll(256);
}

static uint32_t random_number(void)
{
	switch (roll(5)) {
	case 0:
		return AN_SLOT_ASK;
	case 1:
		return AN_SLOT_LARGE | roll(sizes.slots_large + 4);
	case 2:
		return roll(1u << 31) * 2;
	default:
		return roll(sizes.slots + 4);
	}
}

static void corrupt_table(int which)
{
	struct fake_table *table = &fake_tables[which];
	uint32_t at = roll(HASH_COUNT(table->elements) + 1), value;
	uint8_t key[32];
	struct fake_element *element;

	for (element = table->elements; element && at; element = element->hh.next)
		at--;
	if (!element)
		return;
	if (roll(2)) {
		element->value = random_number();
		return;
	}
	memcpy(key, element->key, sizeof(key)); /* the same once more, a little different */
	value = element->value;
	corrupt_octets(key, table->key_size);
	fake_update(FAKE_OWNERS_FD + which, key, value);
}

static void corrupt(void)
{
	uint32_t *fields;

	switch (roll(8)) {
	case 0:
		corrupt_octets(bench.maps->slots,
		               (size_t)bench.maps->slots_count * AN_SLOT_SMALL_SIZE);
		break;
	case 1:
		corrupt_octets(bench.maps->slots_large,
		               (size_t)bench.maps->slots_large_count * AN_SLOT_LARGE_SIZE);
		break;
	case 2: /* the front of a slot, where the fields are */
	case 3:
		corrupt_octets(bench.maps->slots + roll(60) * AN_SLOT_SMALL_SIZE, 160);
		break;
	case 4:
		corrupt_table(0);
		break;
	case 5:
		corrupt_table(1);
		break;
	case 6: /* an owner's everyone, nobody, catch-all, cell */
		fields = (uint32_t *)(void *)(bench.maps->slots + roll(60) * AN_SLOT_SMALL_SIZE);
		fields[12 + roll(4)] = random_number();
		break;
	default:
		if (roll(20) == 0)
			corrupt_octets(bench.maps->zones, sizes.zones * sizeof(struct an_zone));
		else if (roll(2))
			corrupt_octets(bench.maps->front,
			               FAKE_FRONT_LINES * sizeof(struct an_front_line));
		else
			corrupt_octets(bench.maps->cells, bench.maps->cells_count * 8);
	}
}

/* Fills up, keeps to what it was told, and no slot belongs to two. */
static void use_what_was_adopted(void)
{
	struct seen seen = see_all(&bench);
	struct publish_stats stats = bench_stats(&bench);

	assert_false(seen.twice);
	assert_int_equal(seen.answers, stats.answers);
	assert_int_equal(seen.owners, stats.owners);
	assert_int_equal(stats.slots_used + stats.slots_large_used,
	                 seen.answers - seen.at_owners + seen.owners);
	bench_zone(&bench, 1);
	for (unsigned int i = 0; i < 24; i++) {
		uint64_t uid;

		if (bench_owner_try(&bench, i, &uid))
			continue;
		if (!bench_put(&bench, uid, bench_everyone(), i * 100 + 1))
			assert_int_equal(bench_ask(&bench, i, 0x7f000001, 8), i * 100 + 1);
		bench_put(&bench, uid, bench_key(NET, IPV4, 0xcb007100, 24), i * 100 + 3);
	}
	seen = see_all(&bench);
	stats = bench_stats(&bench);
	assert_false(seen.twice);
	assert_int_equal(stats.slots_used + stats.slots_large_used,
	                 seen.answers - seen.at_owners + seen.owners);
}

static void no_corruption_crashes_or_hands_out_a_slot_twice(void **state)
{
	uint64_t dropped = 0;

	(void)state;
	for (unsigned int round = 1; round <= 3000; round++) {
		randomness = round;
		if (round % 20 == 1) {
			bench_close(&bench);
			bench_open(&bench, &sizes);
			fill();
		}
		for (unsigned int i = roll(12) + 1; i > 0; i--)
			corrupt();
		bench_restart(&bench);
		dropped += bench_stats(&bench).adopted_dropped;
		use_what_was_adopted();
	}
	assert_true(dropped > 3000);
}

/* ---- homes ---- */

static const struct fake_sizes roomy = {
        .owners = 2000, .audiences = 128, .slots = 8000, .slots_large = 12, .zones = 3};

/* Owners from one number to the other, each with his answer. */
static void settle_in(unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		assert_int_equal(bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i + 1),
		                 0);
}

/* All of them answer; -> how many live where the program looks first. */
static unsigned int count_at_home(unsigned int count)
{
	const struct an_control *control = bench.maps->control;
	unsigned int at_home = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct an_owner_slot *slot = bench_see(&bench, i);

		assert_int_equal(bench_ask(&bench, i, 0x7f000001, 8), i + 1);
		at_home += fake_slot(bench.maps,
		                     an_home_slot(an_front_hash(&slot->key), control->homes,
		                                  control->home_mask)) == (const void *)slot;
	}
	return at_home;
}

static void homes_and_who_lives_there_outlive_the_daemon(void **state)
{
	struct an_control *control = bench.maps->control;
	unsigned int at_home;

	(void)state;
	settle_in(0, 1000);
	assert_int_equal(control->homes, 2048);
	at_home = count_at_home(1000);
	assert_in_range(at_home, 300, 420); /* 769 came when homes were half as many */
	bench_restart(&bench);
	assert_int_equal(control->homes, 2048);
	assert_int_equal(count_at_home(1000), at_home);
	bench_zone(&bench, 1);
	settle_in(1000, 1600);
	assert_int_equal(control->homes, 4096);
	count_at_home(1600);
}

static void owners_who_are_expected_are_at_home(void **state)
{
	(void)state;
	publish_expect(bench.publish, 2000);
	assert_int_equal(bench.maps->control->homes, 4096);
	settle_in(0, 2000);
	assert_int_equal(bench.maps->control->homes, 4096);
	assert_in_range(count_at_home(2000), 1500, 1700);
}

/* They stay where they are; whoever comes finds a home. */
static void a_daemon_that_knew_other_homes_leaves_its_owners(void **state)
{
	struct an_control *control = bench.maps->control;
	unsigned int at_home;

	(void)state;
	publish_expect(bench.publish, UINT64_MAX);
	assert_int_equal(control->homes, 8001);
	settle_in(0, 1000);
	control->home_mask = 0;
	bench_restart(&bench);
	assert_int_equal(control->homes, 2048);
	assert_int_equal(control->home_mask, 2047);
	at_home = count_at_home(1000);
	assert_in_range(at_home, 150, 300); /* by the way */
	bench_zone(&bench, 1);
	settle_in(1000, 1500);
	assert_in_range(count_at_home(1500), at_home + 350, at_home + 450);
}

int main(void)
{
#define ON_BENCH(test) ON_BENCH_OF(sizes, test)
	const struct CMUnitTest tests[] = {
	        ON_BENCH(all_that_was_published_is_taken_over),
	        ON_BENCH(staleness_and_marks_survive),
	        ON_BENCH(a_zone_of_the_same_content_keeps_its_generation),
	        ON_BENCH(owners_of_a_zone_that_is_gone_are_not_taken_over),
	        ON_BENCH(a_slot_that_was_being_written_is_freed),
	        ON_BENCH(a_damaged_network_passes_up_and_nothing_shorter_stands_in),
	        ON_BENCH(one_slot_is_not_two_answers),
	        ON_BENCH(neither_a_uid_nor_a_cell_belongs_to_two_owners),
	        ON_BENCH(an_owner_with_something_withheld_starts_afresh),
	        ON_BENCH(no_corruption_crashes_or_hands_out_a_slot_twice),
	        ON_BENCH_OF(roomy, homes_and_who_lives_there_outlive_the_daemon),
	        ON_BENCH_OF(roomy, owners_who_are_expected_are_at_home),
	        ON_BENCH_OF(roomy, a_daemon_that_knew_other_homes_leaves_its_owners),
	};

	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
