/* SPDX-License-Identifier: BSD-2-Clause */
/* A zone that comes or goes changes what its neighbours answer: their generation is raised. */
#include "control/world.h"
#include "unit/kernel/one_bench.h"
#include "unit/zone/from_text.h"

static const struct fake_sizes sizes = {
        .owners = 16, .audiences = 16, .slots = 64, .slots_large = 16, .zones = 8};

static const struct config config;

/* With a CNAME that leads out of it. */
#define LEADING HEAD "out CNAME www.other.test.\n"

/* The zones with these apexes, all with the same records. */
static struct zones *set_of_zones(const char *const *apexes, size_t count, const char *records)
{
	struct zone *list[8];
	struct zones *zones;

	for (size_t i = 0; i < count; i++)
		list[i] = zone_of(apexes[i], records, NULL);
	zones = zones_new(list, count);
	assert_non_null(zones);
	return zones;
}

static uint32_t generation_of(const char *apex)
{
	const struct kernel_maps *maps = publish_maps(bench.publish);
	uint32_t generation = 0;
	size_t len;
	uint8_t *name = wire_name(apex, &len);

	for (uint32_t i = 0; i < maps->zones_count; i++)
		if (maps->zones[i].apex_len == len && !memcmp(maps->zones[i].apex, name, len))
			generation = maps->zones[i].generation;
	free(name);
	return generation;
}

static void expect_of(const char *records, const char *const *before, size_t before_count,
                      const char *const *after, size_t after_count, const char *apex, bool raised,
                      const char *what)
{
	struct zones *old = set_of_zones(before, before_count, records),
	             *new = set_of_zones(after, after_count, records);
	uint32_t generation;
	size_t len;
	uint8_t *name = wire_name(apex, &len);

	world_settle(&config, old, NULL, bench.publish);
	generation = generation_of(apex);
	assert_int_not_equal(generation, 0);
	world_settle(&config, new, old, bench.publish);
	if ((generation_of(apex) != generation) != raised)
		fail_msg("%s", what);
	if (raised)
		assert_int_equal(zones_find(new, name, len, 0)->generation, generation_of(apex));
	free(name);
	zones_free(old);
	zones_free(new);
}

static void expect(const char *const *before, size_t before_count, const char *const *after,
                   size_t after_count, const char *apex, bool raised, const char *what)
{
	expect_of(LEADING, before, before_count, after, after_count, apex, raised, what);
}

static void a_zone_below_disturbs_the_one_around_it(void **state)
{
	static const char *const one[] = {"a.test."}, *const two[] = {"a.test.", "x.y.a.test."},
	                         *const aside[] = {"a.test.", "b.test."};

	(void)state;
	expect(one, 1, two, 2, "a.test.", true, "a zone came");
	expect(two, 2, one, 1, "a.test.", true, "a zone went");
	expect(two, 2, two, 2, "a.test.", false, "nothing changed");
	expect(one, 1, aside, 2, "a.test.", false, "a zone beside it");
}

/* RFC 4035 3.1.4.1: the DS of its apex was its own to deny. */
static void the_first_zone_above_disturbs_the_one_below(void **state)
{
	static const char *const one[] = {"a.test."}, *const two[] = {"a.test.", "test."},
	                         *const three[] = {"c.a.test.", "a.test.", "test."},
	                         *const far[] = {"c.a.test.", "test."};

	(void)state;
	expect_of(HEAD, one, 1, two, 2, "a.test.", true, "a zone came above");
	expect_of(HEAD, two, 2, one, 1, "a.test.", true, "the zone above went");
	expect_of(HEAD, far, 2, three, 3, "c.a.test.", false, "one came between");
}

static void a_zone_that_a_cname_leads_to_disturbs_its_owner(void **state)
{
	static const char *const one[] = {"a.test."}, *const two[] = {"a.test.", "other.test."},
	                         *const above[] = {"a.test.", "test."};

	(void)state;
	expect(one, 1, two, 2, "a.test.", true, "the target's zone came");
	expect(two, 2, one, 1, "a.test.", true, "the target's zone went");
	expect(one, 1, above, 2, "a.test.", true, "a zone around both came");
}

/* Nobody knows what was there before: what was adopted is compared with what is served. */
static void another_set_after_a_restart_takes_everything_out(void **state)
{
	static const char *const one[] = {"a.test."}, *const two[] = {"a.test.", "b.test."};
	struct zones *old = set_of_zones(one, 1, LEADING), *new = set_of_zones(two, 2, LEADING);
	uint32_t generation;

	(void)state;
	world_settle(&config, old, NULL, bench.publish);
	generation = generation_of("a.test.");
	world_settle(&config, old, NULL, bench.publish);
	assert_int_equal(generation_of("a.test."), generation);
	world_settle(&config, new, NULL, bench.publish);
	assert_int_not_equal(generation_of("a.test."), generation);
	zones_free(old);
	zones_free(new);
}

int main(void)
{
#define TEST(name) ON_BENCH_OF(sizes, name)
	const struct CMUnitTest tests[] = {
	        TEST(a_zone_below_disturbs_the_one_around_it),
	        TEST(the_first_zone_above_disturbs_the_one_below),
	        TEST(a_zone_that_a_cname_leads_to_disturbs_its_owner),
	        TEST(another_set_after_a_restart_takes_everything_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
