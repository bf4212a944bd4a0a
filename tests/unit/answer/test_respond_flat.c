/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies out of the store, and what the caller is told of a reply. */
#include "unit/answer/respond_zones.h"

/* ---- flattened answers ---- */

static void missing_answer_is_waited_for(void **state)
{
	(void)state;
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "EXAMPLE.test.", .type = AN_TYPE_A);
	EXPECT("WAIT example.test. 28 192.0.2.0/24", .name = "example.test.", .type = AN_TYPE_AAAA,
	       .ecs = "192.0.2.0/24");
	EXPECT("WAIT x.wilda.example.test. 1 0/0", .name = "x.wilda.example.test.",
	       .type = AN_TYPE_A, .ecs = "none");
	EXPECT("WAIT pool.example.test. 1 198.51.100.0/24", .name = "toflat.example.test.",
	       .type = AN_TYPE_A);
}

static void stored_answer_counts_down_and_carries_its_scope(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, "192.0.2.0/24", 24, "203.0.113.1", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.1\nopt 1232 ecs 192.0.2.0/24/24\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "example.test.", .type = AN_TYPE_A,
	       .ecs = "198.51.100.0/24");
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.2", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.2\nopt 1232 ecs 0.0.0.0/0/0\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "none");
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.2\n", .name = "example.test.",
	       .type = AN_TYPE_A);
}

static void special_use_option_gets_its_block_as_scope(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, "198.51.100.0/24", 24, "203.0.113.1", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.1\nopt 1232 ecs 10.1.2.0/24/8\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "10.1.2.0/24");
}

static void chain_into_a_flattened_name_ends_with_its_addresses(void **state)
{
	(void)state;
	scene_store(&scene, "pool.example.test.", AN_TYPE_A, "192.0.2.0/24", 24, "203.0.113.1", 9);
	EXPECT("NOERROR aa\nan toflat.example.test. 300 CNAME pool.example.test.\nan "
	       "pool.example.test. 9 A 203.0.113.1\nopt 1232 ecs 192.0.2.0/24/24\n",
	       .name = "toflat.example.test.", .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
}

static void negative_answer_is_nodata_of_our_zone_with_scope_0(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_AAAA, "192.0.2.0/24", 24, "", 17);
	EXPECT("NOERROR aa\n" SOA "opt 1232 ecs 192.0.2.0/24/0\n", .name = "example.test.",
	       .type = AN_TYPE_AAAA, .ecs = "192.0.2.0/24");
}

static void last_good_answer_is_stale(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", -5);
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan example.test. 30 A 203.0.113.1\n", .name = "example.test.",
	       .type = AN_TYPE_A, .last_try = true);
	EXPECT("NOERROR aa\nan example.test. 30 A 203.0.113.1\nopt 1232 ede 3\n",
	       .name = "example.test.", .type = AN_TYPE_A, .last_try = true, .edns = true);
	scene_store(&scene, "example.test.", AN_TYPE_AAAA, NULL, 0, "", -5);
	EXPECT("NOERROR aa\nns example.test. 30 SOA ns1.example.test. host.example.test. 7 7200 "
	       "3600 1209600 60\nopt 1232 ede 3\n",
	       .name = "example.test.", .type = AN_TYPE_AAAA, .last_try = true, .edns = true);
}

static void failure_is_servfail_or_the_owners_own_address(void **state)
{
	struct store_owner *owner;
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text("example.test.", NULL, 0, name);

	(void)state;
	EXPECT("SERVFAIL\nopt 1232 ede 22\n", .name = "example.test.", .type = AN_TYPE_A,
	       .last_try = true, .edns = true);
	EXPECT("NOERROR aa\nan pool.example.test. 30 A 192.0.2.77\nopt 1232 ede 3\n",
	       .name = "pool.example.test.", .type = AN_TYPE_A, .last_try = true, .edns = true);
	EXPECT("SERVFAIL\n", .name = "pool.example.test.", .type = AN_TYPE_AAAA, .last_try = true);

	owner = store_owner_get(scene.world.store, name, (size_t)len, AN_TYPE_A, SCENE_NOW);
	owner->failed_ede = AN_EDE_OTHER;
	owner->failed_text = "ANAME loop";
	owner->failed_until_ms = SCENE_NOW + 5000;
	EXPECT("SERVFAIL\nopt 1232 ecs 192.0.2.0/24/0 ede 0 ANAME loop\n", .name = "example.test.",
	       .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
}

static void other_types_at_an_aname_owner(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_CNAME);
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_TXT);
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65401 \\# 17 "
	       "067461726765740363646e047465737400\n",
	       .name = "pool.example.test.", .type = AN_TYPE_ANAME);
	scene_store(&scene, "pool.example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 9);
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65401 \\# 17 "
	       "067461726765740363646e047465737400\nar pool.example.test. 9 A 203.0.113.1\n",
	       .name = "pool.example.test.", .type = AN_TYPE_ANAME);
}

static void aname_has_the_number_that_was_configured(void **state)
{
	(void)state;
	scene.config->aname_type = 65280;
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65280 \\# 17 "
	       "067461726765740363646e047465737400\n",
	       .name = "pool.example.test.", .type = 65280);
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_ANAME);
}

/* ---- what the caller is told ---- */

static void only_whole_answers_of_one_owner_may_go_to_the_kernel(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned int flags;
	} table[] = {
	        {"www.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"a.wild.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_TXT, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", 12345, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_NS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_SOA, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias.example.test.", AN_TYPE_CNAME, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_ANY, RESPOND_FROM_ZONE},
	        {"text.example.test.", 200, RESPOND_FROM_ZONE},
	        {"text.example.test.", 65300, RESPOND_FROM_ZONE},
	        {"text.example.test.", 0, RESPOND_FROM_ZONE},
	        /* A set that rotates behind a CNAME; one of one record. */
	        {"alias.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias2.example.test.", AN_TYPE_AAAA, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias.example.test.", AN_TYPE_MX, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"nowhere.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"out.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"tosub.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"x.old.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"twice.example.test.", AN_TYPE_MX, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"self.example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"toapex.example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"over.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"no.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"x.sub.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"example.test.", AN_TYPE_A, RESPOND_FROM_STORE | RESPOND_CACHEABLE},
	        {"x.elsewhere.test.", AN_TYPE_A, 0},
	};

	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 9);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ask ask = {.name = table[i].name, .type = table[i].type};
		struct respond_result result = result_of(&ask);

		assert_int_equal(result.verdict, RESPOND_SEND);
		assert_int_equal(result.flags, table[i].flags);
		if (result.flags & RESPOND_CACHEABLE) {
			char text[NAME_TEXT_MAX];

			assert_string_equal(name_to_text(result.want.owner, text), table[i].name);
			assert_int_equal(result.want.type, table[i].type);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(missing_answer_is_waited_for),
	        TEST(stored_answer_counts_down_and_carries_its_scope),
	        TEST(special_use_option_gets_its_block_as_scope),
	        TEST(chain_into_a_flattened_name_ends_with_its_addresses),
	        TEST(negative_answer_is_nodata_of_our_zone_with_scope_0),
	        TEST(last_good_answer_is_stale),
	        TEST(failure_is_servfail_or_the_owners_own_address),
	        TEST(other_types_at_an_aname_owner),
	        TEST(aname_has_the_number_that_was_configured),
	        TEST(only_whole_answers_of_one_owner_may_go_to_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
