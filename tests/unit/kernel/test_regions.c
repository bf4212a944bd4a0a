/* SPDX-License-Identifier: BSD-2-Clause */
/* Owners whose answers are by region: each region's apart, kept over a restart, gone with the
 * numbers' meaning. */
#include "unit/kernel/desk_bench.h"

#include "control/control.h"
#include "steer/geo.h"

#define POLICY  3  /* its number + 1 */
#define REGIONS 18 /* more than have a place beside the owner */
#define NOTHING 0u
#define ASKED   0xffffffffu /* passed up, on purpose */

static const struct fake_sizes sizes = {
        .owners = 64, .audiences = 64, .slots = 256, .slots_large = 16, .zones = 4};

static struct an_audience_key in_region(uint32_t region)
{
	struct an_audience_key key = bench_everyone();

	key.region = region;
	return key;
}

static uint64_t owner_of(struct bench *bench, uint32_t regions)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len = bench_name(1, name);
	uint64_t uid = 0;

	assert_int_equal(publish_owner(bench->publish, name, len, AN_TYPE_A, bench->zone,
	                               bench->generation, regions, &uid),
	                 0);
	return uid;
}

/* What stands under a key of the owner: the answer's id. */
static uint32_t see(const struct bench *bench, const struct an_audience_key *key)
{
	const struct an_owner_slot *owner = bench_see(bench, 1);
	struct an_audience_key whole = *key;
	const struct fake_element *element;
	const struct an_inline *inner;

	if (!owner)
		return NOTHING;
	inner = &owner->inline_key;
	if (owner->inline_at && inner->kind == key->kind && inner->region == key->region &&
	    inner->family == key->family && inner->len == key->len &&
	    !memcmp(inner->prefix, key->prefix, 8)) {
		uint32_t id;

		memcpy(&id, (const uint8_t *)owner + owner->inline_at * 8, sizeof(id));
		return id;
	}
	whole.uid = owner->uid;
	whole.type = AN_TYPE_A;
	element = fake_find(FAKE_AUDIENCES_FD, &whole);
	if (!element)
		return NOTHING;
	return element->value == AN_SLOT_ASK ? ASKED
	                                     : bench_id(fake_slot(bench->maps, element->value));
}

/* The number beside the owner is the hash's, or none. */
static void expect_beside(const struct bench *bench, const struct an_audience_key *key)
{
	const struct an_owner_slot *owner = bench_see(bench, 1);
	struct an_audience_key whole = *key;
	const struct fake_element *element;
	uint32_t slot = AN_SLOT_NONE;

	if (!owner || key->region > AN_REGIONS_BESIDE)
		return;
	assert_int_equal(owner->inline_at, 0);
	whole.uid = owner->uid;
	whole.type = AN_TYPE_A;
	element = fake_find(FAKE_AUDIENCES_FD, &whole);
	if (element && element->value != AN_SLOT_ASK)
		slot = element->value;
	assert_int_equal(owner->beside[key->region - 1], slot);
}

static uint32_t see_region(const struct bench *bench, uint32_t region)
{
	struct an_audience_key key = in_region(region);

	expect_beside(bench, &key);
	return see(bench, &key);
}

static int put_regions(struct bench *bench, uint64_t uid)
{
	int err = 0;

	for (uint32_t region = 1; region <= REGIONS && !err; region++)
		err = bench_put(bench, uid, in_region(region), 100 + region);
	return err;
}

static void expect_regions(const struct bench *bench)
{
	for (uint32_t region = 1; region <= REGIONS; region++)
		assert_int_equal(see_region(bench, region), 100 + region);
}

static void each_region_has_its_answer(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, &sizes);
	assert_int_equal(put_regions(&bench, owner_of(&bench, POLICY)), 0);
	assert_int_equal(bench_see(&bench, 1)->regions, POLICY);
	assert_int_equal(bench_see(&bench, 1)->everyone, AN_SLOT_NONE);
	expect_regions(&bench);
	assert_int_equal(see_region(&bench, REGIONS + 1), NOTHING);
	bench_close(&bench);
}

static void a_network_of_one_region_is_not_another_s(void **state)
{
	struct an_audience_key key = bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, 24);
	struct bench bench;
	uint64_t uid;

	(void)state;
	bench_open(&bench, &sizes);
	uid = owner_of(&bench, POLICY);
	assert_int_equal(put_regions(&bench, uid), 0);
	key.region = 2;
	assert_int_equal(bench_put(&bench, uid, key, 7), 0);
	assert_int_equal(see(&bench, &key), 7);
	key.region = 3;
	assert_int_equal(see(&bench, &key), NOTHING);
	expect_regions(&bench);
	bench_close(&bench);
}

static void keys_and_owners_agree_about_regions(void **state)
{
	struct bench bench;
	uint64_t uid;

	(void)state;
	bench_open(&bench, &sizes);
	uid = owner_of(&bench, POLICY);
	assert_int_equal(bench_put(&bench, uid, bench_everyone(), 1), -EINVAL);
	uid = owner_of(&bench, 0);
	assert_int_equal(bench_put(&bench, uid, in_region(1), 1), -EINVAL);
	bench_close(&bench);
}

static void another_policy_leaves_nothing(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, &sizes);
	assert_int_equal(put_regions(&bench, owner_of(&bench, POLICY)), 0);
	owner_of(&bench, POLICY + 1);
	assert_int_equal(bench_see(&bench, 1)->regions, POLICY + 1);
	for (uint32_t region = 1; region <= REGIONS; region++)
		assert_int_equal(see_region(&bench, region), NOTHING);
	bench_close(&bench);
}

/* What an answer beside an owner without regions was made of is not taken for numbers. */
static void a_policy_comes_and_goes(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, &sizes);
	assert_int_equal(bench_put(&bench, owner_of(&bench, 0), bench_everyone(), 9), 0);
	assert_int_not_equal(bench_see(&bench, 1)->inline_at, 0);
	owner_of(&bench, POLICY);
	for (uint32_t region = 1; region <= REGIONS; region++)
		assert_int_equal(see_region(&bench, region), NOTHING);
	assert_int_equal(put_regions(&bench, owner_of(&bench, POLICY)), 0);
	expect_regions(&bench);
	assert_int_equal(bench_put(&bench, owner_of(&bench, 0), bench_everyone(), 9), 0);
	assert_int_not_equal(bench_see(&bench, 1)->inline_at, 0);
	bench_close(&bench);
}

static void an_answer_that_moves_takes_its_number_along(void **state)
{
	struct bench bench;
	uint64_t uid;
	uint32_t before, after;

	(void)state;
	bench_open(&bench, &sizes);
	uid = owner_of(&bench, POLICY);
	assert_int_equal(put_regions(&bench, uid), 0);
	before = bench_see(&bench, 1)->beside[1];
	assert_int_equal(bench_put_size(&bench, uid, in_region(2), 0, 55, AN_ANSWER_LARGE, &after),
	                 0);
	assert_int_not_equal(after, before);
	assert_int_equal(see_region(&bench, 2), 55);
	bench_close(&bench);
}

/* A daemon that did not write these numbers may have left anything there. */
static void a_restart_writes_them_anew(void **state)
{
	struct an_owner_slot *owner;
	struct bench bench;

	(void)state;
	bench_open(&bench, &sizes);
	publish_geo_numbering(bench.publish, 77);
	assert_int_equal(put_regions(&bench, owner_of(&bench, POLICY)), 0);
	owner = (struct an_owner_slot *)(uintptr_t)bench_see(&bench, 1);
	memset(owner->beside, 0x55, sizeof(owner->beside));
	bench_restart(&bench);
	publish_geo_numbering(bench.publish, 77);
	expect_regions(&bench);
	bench_close(&bench);
}

static void what_is_removed_lets_nothing_stand_in(void **state)
{
	struct an_audience_key gone = in_region(2), net;
	struct bench bench;
	uint64_t uid;

	(void)state;
	bench_open(&bench, &sizes);
	uid = owner_of(&bench, POLICY);
	assert_int_equal(put_regions(&bench, uid), 0);
	publish_answer_remove(bench.publish, uid, &gone);
	assert_int_equal(see_region(&bench, 2), ASKED);
	assert_int_equal(see_region(&bench, 3), 103);
	net = bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, 24);
	net.region = 3;
	assert_int_equal(bench_put(&bench, uid, net, 7), 0);
	publish_answer_remove(bench.publish, uid, &net);
	assert_int_equal(see(&bench, &net), ASKED);
	bench_close(&bench);
}

static void a_restart_keeps_them_while_the_numbers_mean_the_same(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, &sizes);
	publish_geo_numbering(bench.publish, 77);
	assert_int_equal(put_regions(&bench, owner_of(&bench, POLICY)), 0);
	bench_restart(&bench);
	publish_geo_numbering(bench.publish, 77);
	expect_regions(&bench);
	bench_restart(&bench);
	publish_geo_numbering(bench.publish, 78);
	assert_null(bench_see(&bench, 1));
	assert_int_equal(bench.maps->control->geo, AN_GEO_NONE);
	bench_close(&bench);
}

static void a_table_that_does_not_fit_stays_with_the_daemon(void **state)
{
	static const char text[] = "zones: [{name: a.example, file: z}]\n"
	                           "policies: [{name: p, default: d}]\n";
	struct config *config = NULL;
	struct error error = {0};
	struct bench bench;
	struct geo *geo;

	(void)state;
	bench_open(&bench, &sizes);
	assert_int_equal(config_parse("t", text, strlen(text), &config, &error), 0);
	assert_int_equal(geo_new(config, NULL, &geo, &error), 0);
	assert_int_equal(publish_geo_write(bench.publish, geo), -ENOSPC);
	publish_geo_hold(bench.publish, false, geo_numbering(geo));
	assert_int_equal(bench.maps->control->geo, AN_GEO_NONE);
	geo_free(geo);
	config_free(config);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_region_has_its_answer),
	        cmocka_unit_test(a_network_of_one_region_is_not_another_s),
	        cmocka_unit_test(keys_and_owners_agree_about_regions),
	        cmocka_unit_test(another_policy_leaves_nothing),
	        cmocka_unit_test(a_policy_comes_and_goes),
	        cmocka_unit_test(an_answer_that_moves_takes_its_number_along),
	        cmocka_unit_test(a_restart_writes_them_anew),
	        cmocka_unit_test(what_is_removed_lets_nothing_stand_in),
	        cmocka_unit_test(a_restart_keeps_them_while_the_numbers_mean_the_same),
	        cmocka_unit_test(a_table_that_does_not_fit_stays_with_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
