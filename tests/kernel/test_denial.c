/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that do not exist are denied out of what is known of those that do;
 * where anything else could be the answer, or it is not certain, the query
 * goes up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define APEX "zone.test"

struct scene {
	struct fixture *fixture;
	struct answer_spec spec;
	struct an_owner_slot *denial;
};

static void add(const struct scene *scene, const char *text, uint32_t flags)
{
	size_t len;
	const uint8_t *name = wire_name(text, &len);

	fixture_name(scene->fixture, name, len, flags);
}

/* zone.test with www, deep.below, a wildcard, a cut and a DNAME. */
static struct scene prepare(void **state)
{
	struct scene scene = {.fixture = *state, .spec = answer_spec(AN_TYPE_A, 0, 1)};
	size_t len;
	const uint8_t *apex = wire_name(APEX, &len);

	fixture_reset(scene.fixture);
	scene.denial = fixture_denial(scene.fixture, apex, len, &scene.spec);
	add(&scene, APEX, AN_NAME_APEX);
	add(&scene, "www." APEX, 0);
	add(&scene, "below." APEX, 0);
	add(&scene, "deep.below." APEX, 0);
	add(&scene, "wild." APEX, AN_NAME_WILDCARD);
	add(&scene, "cut." APEX, AN_NAME_CUT);
	add(&scene, "moved." APEX, AN_NAME_DNAME);
	return scene;
}

static struct query_spec query_for(const char *text, bool ipv6, uint16_t type)
{
	static uint8_t names[4][256];
	static unsigned int next;
	uint8_t *own = names[next++ % 4];
	size_t len;
	const uint8_t *name = wire_name(text, &len);
	struct query_spec query;

	memcpy(own, name, len);
	query = query_spec(ipv6, own, len, type);
	query.opt = true;
	return query;
}

/* prefix: octets of the name before the apex. */
static void expect_denied(const struct scene *scene, const char *text, unsigned int prefix,
                          uint16_t type)
{
	struct reference how = fixture_reference(scene->fixture, scene->spec.ttl, 0);

	how.rcode = AN_RCODE_NXDOMAIN;
	how.apex_at = prefix;
	for (unsigned int i = 0; i < 4; i++) {
		struct query_spec query = query_for(text, i & 1, type);

		if (i & 2)
			query_spec_ecs(&query, 1, 24, "192.0.2.0");
		assert_answered(scene->fixture, &query, &scene->spec, &how, text);
	}
}

static void expect_denied_with_ecs(const struct scene *scene, const char *text, unsigned int prefix)
{
	struct reference how = fixture_reference(scene->fixture, scene->spec.ttl, 0);
	struct query_spec query = query_for(text, false, AN_TYPE_A);

	how.rcode = AN_RCODE_NXDOMAIN;
	how.apex_at = prefix;
	query_spec_ecs(&query, 1, 24, "192.0.2.0");
	assert_answered(scene->fixture, &query, &scene->spec, &how, text);
}

static void expect_passed(const struct scene *scene, const char *text, const char *counter)
{
	struct query_spec query = query_for(text, false, AN_TYPE_A);

	assert_query_passed(scene->fixture, &query, counter, text);
}

static void names_that_do_not_exist_are_denied(void **state)
{
	struct scene scene = prepare(state);

	expect_denied(&scene, "x." APEX, 2, AN_TYPE_A);
	expect_denied(&scene, "Nothing.Zone.TEST", 8, AN_TYPE_AAAA);
	expect_denied(&scene, "x.www." APEX, 6, AN_TYPE_TXT);
	expect_denied(&scene, "x.deep.below." APEX, 13, AN_TYPE_HTTPS);
	expect_denied(&scene, "a.b.c.d.e.f.g.h.below." APEX, 22, AN_TYPE_ANY);
	expect_denied(&scene,
	              "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k.l."
	              "m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x."
	              "y.z." APEX,
	              156, AN_TYPE_A);
}

static void what_exists_or_is_covered_goes_up(void **state)
{
	static const char *const names[] = {
	        APEX,           "www." APEX,       "below." APEX,     "wild." APEX,
	        "x.wild." APEX, "x.y.wild." APEX,  "cut." APEX,       "x.cut." APEX,
	        "moved." APEX,  "x.moved." APEX,   "x.y.moved." APEX, "test",
	        "other.test",   "zone.test.other", "xzone.test",
	};
	struct scene scene = prepare(state);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_passed(&scene, names[i], "pass_owner_miss");
}

/* A zone of ours at a cut of another one: its own names count. */
static void the_apex_of_another_zone_is_no_cut(void **state)
{
	struct scene scene = prepare(state);

	add(&scene, APEX, AN_NAME_APEX | AN_NAME_CUT);
	expect_denied(&scene, "x." APEX, 2, AN_TYPE_A);
	/* But where all that is known is that it is there, nothing is. */
	add(&scene, APEX, AN_NAME_CUT);
	expect_passed(&scene, "x." APEX, "pass_owner_miss");
	add(&scene, APEX, AN_NAME_APEX | AN_NAME_WILDCARD);
	expect_passed(&scene, "x." APEX, "pass_owner_miss");
}

static void a_line_that_was_full_knows_nothing(void **state)
{
	struct scene scene = prepare(state);
	size_t len;
	const uint8_t *name = wire_name("x." APEX, &len);
	uint64_t place = an_name_place(an_name_hash(FIXTURE_SEED, name, (uint32_t)len));
	struct an_name_line *line =
	        &scene.fixture->names[place & scene.fixture->control->names_mask];

	line->entries[AN_NAME_ENTRIES - 1] = AN_NAME_MORE;
	expect_passed(&scene, "x." APEX, "pass_owner_miss");
	line->entries[AN_NAME_ENTRIES - 1] = 0;
	expect_denied(&scene, "x." APEX, 2, AN_TYPE_A);
}

static void the_slot_and_the_zone_are_judged(void **state)
{
	struct scene scene = prepare(state);
	struct an_zone *zone = &scene.fixture->zones[FIXTURE_ZONE];

	zone->flags = 0;
	expect_passed(&scene, "x." APEX, "pass_owner_miss");
	zone->flags = AN_ZONE_COMPLETE;
	zone->generation++;
	expect_passed(&scene, "x." APEX, "pass_generation");
	zone->generation--;
	zone->valid_until = 1;
	expect_passed(&scene, "x." APEX, "pass_zone_expired");
	zone->valid_until = AN_NEVER;
	scene.denial->head.seq = 3;
	expect_passed(&scene, "x." APEX, "pass_torn");
	scene.denial->head.seq = 4;
	scene.denial->head.flags = 0;
	expect_passed(&scene, "x." APEX, "pass_kind");
	scene.denial->head.flags = AN_OWNER_DENIAL;
	scene.denial->name[1] ^= 1;
	expect_passed(&scene, "x." APEX, "pass_owner_other");
	scene.denial->name[1] ^= 1;
	scene.denial->answer.tail_ttl[3] = scene.denial->answer.tail_len;
	expect_passed(&scene, "x." APEX, "pass_kind");
	scene.denial->answer.tail_ttl[3] = 0;
	scene.denial->inline_at = 0;
	expect_passed(&scene, "x." APEX, "pass_kind");
}

static void some_types_are_the_daemons(void **state)
{
	static const uint16_t types[] = {AN_TYPE_OPT, AN_TYPE_NXNAME, AN_TYPE_TSIG, AN_TYPE_IXFR,
	                                 AN_TYPE_AXFR};
	struct scene scene = prepare(state);
	struct query_spec query;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		query = query_for("x." APEX, false, types[i]);
		assert_query_passed(scene.fixture, &query, "pass_owner_miss", "type");
	}
	query = query_for("x." APEX, false, AN_TYPE_A);
	query.class = AN_CLASS_CH;
	assert_query_passed(scene.fixture, &query, "pass_owner_miss", "class");
	/* The denial is no answer to its own key. */
	query = query_for(APEX, false, 0);
	assert_query_passed(scene.fixture, &query, "pass_kind", "type 0 of the apex");
}

/* Octets that look like a longer name of the zone, but are none. */
static void a_name_that_is_malformed_is_not_denied(void **state)
{
	struct scene scene = prepare(state);
	struct query_spec query = query_for("x.y." APEX, false, AN_TYPE_A);
	uint8_t name[256];

	memcpy(name, query.name, query.name_len);
	query.name = name;
	name[0] = 0xc0;
	assert_query_passed(scene.fixture, &query, "pass_owner_miss", "a pointer");
	name[0] = 0x40;
	assert_query_passed(scene.fixture, &query, "pass_owner_miss", "a label of 64 octets");
	name[0] = 2;
	assert_query_passed(scene.fixture, &query, "pass_owner_miss", "labels that miss the apex");
	name[0] = 63;
	assert_query_passed(scene.fixture, &query, "pass_owner_miss", "a label past the end");
}

/* Scratch is the CPU's: what the query before left there is not this one's. */
static void a_denial_is_for_everyone_whatever_was_answered_before(void **state)
{
	struct scene scene = prepare(state);
	struct query_spec query = query_for("hashed.example", false, AN_TYPE_A);
	struct an_owner_slot *owner =
	        fixture_owner(scene.fixture, query.name, query.name_len, AN_TYPE_A, false);
	struct an_audience_key key = fixture_key(owner, AN_AUDIENCE_NET, 0, 0, NULL);
	const struct choice_spec member = {
	        .answer = answer_spec(AN_TYPE_A, 1, 1), .weight = 1, .id = 1, .bit = AN_BIT_ALWAYS};
	struct outcome outcome;

	owner->everyone = fixture_choice(scene.fixture, owner, &key, true, &member, 1);
	for (unsigned int i = 0; i < 8; i++) {
		query = query_for("hashed.example", false, AN_TYPE_A);
		query_spec_ecs(&query, 1, 24, "192.0.2.0");
		fixture_ask(scene.fixture, &query, &outcome);
		assert_int_equal(outcome.action, XDP_TX);
		expect_denied_with_ecs(&scene, "x." APEX, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_that_do_not_exist_are_denied),
	        cmocka_unit_test(what_exists_or_is_covered_goes_up),
	        cmocka_unit_test(the_apex_of_another_zone_is_no_cut),
	        cmocka_unit_test(a_line_that_was_full_knows_nothing),
	        cmocka_unit_test(the_slot_and_the_zone_are_judged),
	        cmocka_unit_test(some_types_are_the_daemons),
	        cmocka_unit_test(a_name_that_is_malformed_is_not_denied),
	        cmocka_unit_test(a_denial_is_for_everyone_whatever_was_answered_before),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
