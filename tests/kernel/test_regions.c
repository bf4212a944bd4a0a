/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers by region: the number that stands beside the owner leads to the one
 * that the hash has, and to no other; whatever it leads to, the reply is right
 * to the octet.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define POLICY  2 /* its number + 1 */
#define REGIONS 20

/* 10.R.0.0/16 and 2001:R::/32 are in region R, the last node's entries in another. */
#define DEEP     7 /* 10.7.R.0/24, 2001:7:R00::/40 */
#define LEN_IPV4 16
#define LEN_IPV6 32

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct an_owner_slot *owner;
	struct answer_spec answers[REGIONS + 1];
	uint32_t slots[REGIONS + 1]; /* by region */
};

static uint32_t entry_of(uint32_t region, uint32_t len)
{
	return region << 8 | len;
}

static void put_entry(struct fixture *fixture, bool ipv6, uint64_t bits, uint32_t entry)
{
	fixture->geo[an_geo_root(ipv6, bits)].entry[an_geo_place(bits, AN_GEO_SHIFT + 4)] = entry;
}

/* A node for the next four bits, and one for the four behind its entry 0. */
static void put_nodes(struct fixture *fixture, bool ipv6, uint64_t bits, uint32_t line)
{
	put_entry(fixture, ipv6, bits, entry_of(line, AN_GEO_NODE));
	for (uint32_t i = 0; i < 16; i++) {
		fixture->geo[line].entry[i] = entry_of(1, 20);
		fixture->geo[line + 1].entry[i] = entry_of(i + 1, 24);
	}
	fixture->geo[line].entry[0] = entry_of(line + 1, AN_GEO_NODE);
}

/* Location R is region R of the policy. */
static void put_places(struct fixture *fixture)
{
	memset(fixture->geo, 0, 2 * FIXTURE_GEO_LINES * sizeof(*fixture->geo));
	for (uint64_t region = 1; region <= REGIONS; region++) {
		fixture->regions[an_regions_index(0, (uint32_t)region)].region[POLICY - 1] =
		        (uint16_t)region;
		put_entry(fixture, false, 10ULL << 56 | region << 48,
		          entry_of((uint32_t)region, LEN_IPV4));
	}
	put_nodes(fixture, false, 10ULL << 56 | 7ULL << 48, 2 * AN_GEO_LINES_ROOT);
	put_nodes(fixture, true, 0x2001ULL << 48, 2 * AN_GEO_LINES_ROOT + 2);
	fixture->control->geo = 0;
	fixture->control->geo_lines = FIXTURE_GEO_LINES;
}

static struct an_audience_key key_of(const struct scene *scene, uint32_t region)
{
	struct an_audience_key key = fixture_key(scene->owner, AN_AUDIENCE_NET, 0, 0, NULL);

	key.region = region;
	return key;
}

static void put_region(struct scene *scene, uint32_t region, uint16_t type)
{
	struct an_audience_key key = key_of(scene, region);

	scene->answers[region] = answer_spec(type, 1 + region % 3, region);
	scene->answers[region].scope = region % 2 ? 8 : 20;
	scene->slots[region] =
	        fixture_answer(scene->fixture, scene->owner, &key, &scene->answers[region]);
	fixture_point(scene->fixture, &key, scene->slots[region]);
	if (region <= AN_REGIONS_BESIDE)
		scene->owner->beside[region - 1] = scene->slots[region];
}

static void prepare(struct scene *scene, void **state, bool ipv6, uint16_t type)
{
	struct fixture *fixture = *state;
	size_t len;
	const uint8_t *name = wire_name("www.Region.example", &len);

	memset(scene, 0, sizeof(*scene));
	fixture_reset(fixture);
	put_places(fixture);
	scene->fixture = fixture;
	scene->query = query_spec(ipv6, name, len, type);
	scene->owner = fixture_owner(fixture, name, len, type, false);
	scene->owner->regions = POLICY;
	for (uint32_t region = 1; region <= REGIONS; region++)
		put_region(scene, region, type);
}

static void ask_from(struct scene *scene, uint32_t region)
{
	char address[16];

	snprintf(address, sizeof(address), "10.%u.0.0", region);
	query_spec_ecs(&scene->query, AN_FAMILY_IPV4, 24, address);
}

static void expect_answer(struct scene *scene, uint32_t region, unsigned int place,
                          const char *what)
{
	unsigned int scope = scene->answers[region].scope;
	struct reference how =
	        fixture_reference(scene->fixture, 300, scope > place ? scope : place);

	assert_answered(scene->fixture, &scene->query, &scene->answers[region], &how, what);
}

/* The hash no longer has the region: the number beside the owner is the only way. */
static void take_from_hash(struct scene *scene, uint32_t region)
{
	struct an_audience_key key = key_of(scene, region);

	assert_int_equal(
	        bpf_map_delete_elem(bpf_map__fd(scene->fixture->object->maps.audiences), &key), 0);
}

/* ---- tests ---- */

static void each_region_gets_its_own(void **state)
{
	static const uint16_t types[] = {AN_TYPE_A, AN_TYPE_AAAA};

	for (unsigned int t = 0; t < 4; t++) {
		struct scene scene;

		prepare(&scene, state, t & 1, types[t / 2]);
		for (uint32_t region = 1; region <= REGIONS; region++) {
			if (region == DEEP)
				continue;
			ask_from(&scene, region);
			expect_answer(&scene, region, LEN_IPV4, "by region");
		}
	}
}

static void the_number_beside_the_owner_is_enough(void **state)
{
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	for (uint32_t region = 1; region <= REGIONS; region++)
		take_from_hash(&scene, region);
	ask_from(&scene, AN_REGIONS_BESIDE);
	expect_answer(&scene, AN_REGIONS_BESIDE, LEN_IPV4, "the last that has a place");
	ask_from(&scene, AN_REGIONS_BESIDE + 1);
	assert_query_passed(scene.fixture, &scene.query, "pass_audience_miss", "the first without");
	ask_from(&scene, 1);
	expect_answer(&scene, 1, LEN_IPV4, "the first");
	scene.owner->beside[0] = AN_SLOT_NONE;
	assert_query_passed(scene.fixture, &scene.query, "pass_audience_miss", "none beside");
}

static void what_stands_beside_may_be_wrong(void **state)
{
	struct scene scene;
	struct an_owner_slot *other;
	struct an_audience_key key;
	struct answer_spec theirs = answer_spec(AN_TYPE_A, 2, 99);
	size_t len;
	const uint8_t *name = wire_name("other.example", &len);

	prepare(&scene, state, false, AN_TYPE_A);
	other = fixture_owner(scene.fixture, name, len, AN_TYPE_A, false);
	key = fixture_key(other, AN_AUDIENCE_NET, 0, 0, NULL);
	key.region = 3;
	ask_from(&scene, 3);
	scene.owner->beside[2] = fixture_answer(scene.fixture, other, &key, &theirs);
	expect_answer(&scene, 3, LEN_IPV4, "another owner's");
	scene.owner->beside[2] = scene.slots[4];
	expect_answer(&scene, 3, LEN_IPV4, "another region's");
	scene.owner->beside[2] = AN_SLOT_ASK;
	expect_answer(&scene, 3, LEN_IPV4, "no slot");
	scene.owner->beside[2] = AN_SLOT_LARGE | 1;
	expect_answer(&scene, 3, LEN_IPV4, "a large one");
	scene.owner->beside[2] = scene.fixture->next;
	expect_answer(&scene, 3, LEN_IPV4, "a free one");
}

static void clients_far_down_are_found(void **state)
{
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	query_spec_ecs(&scene.query, AN_FAMILY_IPV4, 24, "10.7.4.0");
	expect_answer(&scene, 5, 24, "two nodes down");
	query_spec_ecs(&scene.query, AN_FAMILY_IPV4, 24, "10.7.64.0");
	expect_answer(&scene, 1, 20, "one node down");
	query_spec_ecs(&scene.query, AN_FAMILY_IPV6, 56, "2001:0200::");
	expect_answer(&scene, 3, 24, "IPv6");
	query_spec_ecs(&scene.query, AN_FAMILY_IPV6, 56, "2abc::");
	assert_query_passed(scene.fixture, &scene.query, "pass_geo", "nowhere");
}

/* Without the option it is the packet's address that counts, and the reply has no scope. */
static void the_packet_says_where_without_the_option(void **state)
{
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	memcpy(scene.query.source, "\12\11\1\1", 4);
	take_from_hash(&scene, 9);
	expect_answer(&scene, 9, 0, "no OPT");
	scene.query.opt = true;
	expect_answer(&scene, 9, 0, "OPT alone");
}

static void a_network_comes_before_the_region(void **state)
{
	struct answer_spec net = answer_spec(AN_TYPE_A, 2, 77);
	struct an_audience_key key;
	struct reference how;
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	key = fixture_key(scene.owner, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 24, "10.2.0.0");
	key.region = 2;
	net.scope = 24;
	fixture_audience(scene.fixture, scene.owner, &key, &net);
	ask_from(&scene, 2);
	how = fixture_reference(scene.fixture, 300, 24);
	assert_answered(scene.fixture, &scene.query, &net, &how, "the network's");
	query_spec_ecs(&scene.query, AN_FAMILY_IPV4, 24, "10.2.1.0");
	expect_answer(&scene, 2, LEN_IPV4, "its neighbour");
}

static void the_dead_are_left_out(void **state)
{
	static const uint8_t bits[] = {3, 4, 5};
	struct answer_spec living;
	struct an_answer_slot *slot;
	struct reference how;
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	ask_from(&scene, 2); /* of three records */
	slot = fixture_slot(scene.fixture, scene.slots[2]);
	fixture_members(slot, bits);
	slot->answer.cell = FIXTURE_POOL_CELL;
	scene.fixture->cells[FIXTURE_POOL_CELL] = AN_CELL_MEMBERS;
	expect_answer(&scene, 2, 20, "all live");
	scene.fixture->cells[FIXTURE_POOL_CELL] &= ~(1ULL << 3);
	living = scene.answers[2];
	living.count = 2;
	memmove(living.addresses[0], living.addresses[1], 2 * sizeof(living.addresses[0]));
	how = fixture_reference(scene.fixture, 300, 20);
	assert_answered(scene.fixture, &scene.query, &living, &how, "one is dead");
	scene.fixture->cells[FIXTURE_POOL_CELL] &= ~(3ULL << 4);
	assert_query_passed(scene.fixture, &scene.query, "pass_dead_member", "all dead");
}

static void what_is_written_meanwhile_is_not_believed(void **state)
{
	struct an_answer_slot *slot;
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	ask_from(&scene, 4);
	slot = fixture_slot(scene.fixture, scene.slots[4]);
	slot->head.seq |= 1;
	assert_query_passed(scene.fixture, &scene.query, "pass_torn", "the answer");
	slot->head.seq++;
	slot->head.generation++;
	assert_query_passed(scene.fixture, &scene.query, "pass_generation", "of another zone");
	slot->head.generation--;
	scene.owner->head.seq |= 1;
	assert_query_passed(scene.fixture, &scene.query, "pass_torn", "the owner");
	scene.owner->head.seq++;
	expect_answer(&scene, 4, LEN_IPV4, "whole again");
	scene.fixture->zones[FIXTURE_ZONE].generation++;
	assert_query_passed(scene.fixture, &scene.query, "pass_generation", "reloaded");
}

static void its_time_is_its_own(void **state)
{
	struct an_answer_slot *slot;
	struct reference how;
	struct scene scene;

	prepare(&scene, state, false, AN_TYPE_A);
	ask_from(&scene, 4);
	slot = fixture_slot(scene.fixture, scene.slots[4]);
	slot->answer.fresh_until = 1;
	assert_query_passed(scene.fixture, &scene.query, "pass_expired", "over");
	scene.fixture->cells[FIXTURE_CELL] |= AN_CELL_STALE;
	how = fixture_reference(scene.fixture, AN_STALE_TTL, 20);
	how.stale = true;
	assert_answered(scene.fixture, &scene.query, &scene.answers[4], &how, "last good");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_region_gets_its_own),
	        cmocka_unit_test(the_number_beside_the_owner_is_enough),
	        cmocka_unit_test(what_stands_beside_may_be_wrong),
	        cmocka_unit_test(clients_far_down_are_found),
	        cmocka_unit_test(the_packet_says_where_without_the_option),
	        cmocka_unit_test(a_network_comes_before_the_region),
	        cmocka_unit_test(the_dead_are_left_out),
	        cmocka_unit_test(what_is_written_meanwhile_is_not_believed),
	        cmocka_unit_test(its_time_is_its_own),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
