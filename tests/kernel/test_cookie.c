/* SPDX-License-Identifier: BSD-2-Clause */
/* Server cookies, verified and made where the answer is: RFC 7873, RFC 9018. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "anamed/cookie.h"
#include "fixture.h"

#define NOW_S 1700000000u

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct answer_spec spec;
	uint8_t option[4 + 40];
};

static const uint64_t secrets[2][2] = {{0x0123456789abcdef, 0xfedcba9876543210},
                                       {0x1111111122222222, 0x3333333344444444}};
static const uint8_t client_part[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct scene prepare(void **state, bool ipv6)
{
	struct scene scene = {.fixture = *state, .spec = answer_spec(AN_TYPE_A, 2, 1)};
	struct an_control *control = scene.fixture->control;
	size_t len;
	const uint8_t *name = wire_name("a.example", &len);

	fixture_reset(scene.fixture);
	scene.query = query_spec(ipv6, name, len, AN_TYPE_A);
	scene.query.opt = true;
	fixture_everyone(scene.fixture, fixture_owner(scene.fixture, name, len, AN_TYPE_A, false),
	                 &scene.spec);
	control->flags = AN_CONTROL_COOKIES;
	control->cookie_count = 2;
	memcpy(control->cookie_secrets, secrets, sizeof(secrets));
	control->unix_offset = (int64_t)NOW_S * control->hz - (int64_t)fixture_now(scene.fixture);
	return scene;
}

static void put_word(uint8_t *to, uint64_t word)
{
	for (unsigned int i = 0; i < 8; i++)
		to[i] = (uint8_t)(word >> 8 * i);
}

/* A cookie of ours: for the query's source, of an age, by a secret. The hash is anamed/cookie.h's,
 * which has tests of its own. */
static void make(const struct query_spec *query, int age_s, unsigned int secret, uint8_t ret[24])
{
	struct an_cookie_client client = {.ipv6 = query->ipv6};
	__u64 words[3] = {an_load8(client_part)};
	__u64 key[2] = {secrets[secret][0], secrets[secret][1]};

	client.address[0] = an_load8(query->source);
	client.address[1] = query->ipv6 ? an_load8(query->source + 8) : 0;
	if (!query->ipv6)
		client.address[0] &= 0xffffffff;
	an_cookie_make(key, &client, NOW_S - (uint32_t)age_s, words);
	for (unsigned int i = 0; i < 3; i++)
		put_word(ret + (size_t)8 * i, words[i]);
}

static void bring(struct scene *scene, const uint8_t *cookie, size_t len)
{
	scene->option[0] = 0;
	scene->option[1] = AN_EDNS_COOKIE;
	scene->option[2] = 0;
	scene->option[3] = (uint8_t)len;
	memcpy(scene->option + 4, cookie, len);
	scene->query.after = scene->option;
	scene->query.after_len = 4 + len;
}

/* Answered, with this cookie; the time in it may be a second on. */
static void expect(struct scene *scene, const uint8_t *cookie, int age_s, const char *what)
{
	uint8_t made[24];
	struct reference how = fixture_reference(scene->fixture, scene->spec.ttl, 0);

	if (!cookie) {
		struct outcome outcome;

		make(&scene->query, age_s, 0, made);
		fixture_ask(scene->fixture, &scene->query, &outcome);
		/* As it came out, to see which second it was. */
		if (outcome.packet.len > 24 &&
		    memcmp(outcome.packet.octets + outcome.packet.len - 24, made, 24) != 0)
			make(&scene->query, age_s - 1, 0, made);
		cookie = made;
	}
	how.cookie = cookie;
	assert_answered(scene->fixture, &scene->query, &scene->spec, &how, what);
}

static void cookies_are_judged_by_their_age(void **state)
{
	static const struct {
		const char *what;
		int age_s;
		unsigned int secret;
		bool same;
	} table[] = {
	        {"new", 0, 0, true},
	        {"young", 1700, 0, true},
	        {"from ahead", -200, 0, true},
	        {"old: replaced", 1900, 0, false},
	        {"made by the second secret: replaced", 10, 1, false},
	        {"past its time", 3700, 0, false},
	        {"from too far ahead", -400, 0, false},
	};

	for (unsigned int family = 0; family < 2; family++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			struct scene scene = prepare(state, family);
			uint8_t cookie[24];

			make(&scene.query, table[i].age_s, table[i].secret, cookie);
			bring(&scene, cookie, sizeof(cookie));
			expect(&scene, table[i].same ? cookie : NULL, 0, table[i].what);
		}
}

static void whatever_came_a_good_one_goes_back(void **state)
{
	struct scene scene = prepare(state, true);
	uint8_t cookie[40];

	memcpy(cookie, client_part, 8);
	bring(&scene, cookie, 8);
	expect(&scene, NULL, 0, "the client's alone");
	make(&scene.query, 0, 0, cookie);
	cookie[20] ^= 1;
	bring(&scene, cookie, 24);
	expect(&scene, NULL, 0, "a hash that is not ours");
	cookie[8] = 2;
	bring(&scene, cookie, 24);
	expect(&scene, NULL, 0, "another version");
	bring(&scene, cookie, 40);
	expect(&scene, NULL, 0, "another server's");
	query_spec_ecs(&scene.query, 1, 24, "192.0.2.0");
	expect(&scene, NULL, 0, "behind a client subnet");
}

static void a_length_that_cannot_be_goes_up(void **state)
{
	static const size_t lens[] = {0, 7, 9, 15, 41};
	struct scene scene = prepare(state, false);
	uint8_t cookie[48] = {0};
	uint8_t option[4 + 48] = {0, AN_EDNS_COOKIE};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		option[3] = (uint8_t)lens[i];
		memcpy(option + 4, cookie, lens[i]);
		scene.query.after = option;
		scene.query.after_len = 4 + lens[i];
		assert_query_passed(scene.fixture, &scene.query, "pass_edns_malformed", "length");
	}
	/* Without cookies there is no such option. */
	scene.fixture->control->flags = 0;
	{
		struct reference how = fixture_reference(scene.fixture, scene.spec.ttl, 0);

		assert_answered(scene.fixture, &scene.query, &scene.spec, &how, "cookies off");
	}
}

static void who_has_to_show_one_and_does_not_goes_up(void **state)
{
	struct scene scene = prepare(state, false);
	uint8_t cookie[24];

	scene.fixture->control->flags |= AN_CONTROL_NEED_COOKIE;
	assert_query_passed(scene.fixture, &scene.query, "pass_cookie", "no cookie");
	bring(&scene, client_part, 8);
	assert_query_passed(scene.fixture, &scene.query, "pass_cookie", "the client's alone");
	make(&scene.query, 4000, 0, cookie);
	bring(&scene, cookie, 24);
	assert_query_passed(scene.fixture, &scene.query, "pass_cookie", "past its time");
	make(&scene.query, 5, 0, cookie);
	bring(&scene, cookie, 24);
	expect(&scene, cookie, 0, "a good one");
	scene.query.opt = false;
	scene.query.after_len = 0;
	assert_query_passed(scene.fixture, &scene.query, "pass_cookie", "no OPT");
}

static void without_secrets_cookies_go_up(void **state)
{
	struct scene scene = prepare(state, false);

	bring(&scene, client_part, 8);
	scene.fixture->control->cookie_count = 0;
	assert_query_passed(scene.fixture, &scene.query, "pass_edns_daemon", "no secret");
	scene.fixture->control->flags = AN_CONTROL_PASS_COOKIE;
	assert_query_passed(scene.fixture, &scene.query, "pass_edns_daemon", "told to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(cookies_are_judged_by_their_age),
	        cmocka_unit_test(whatever_came_a_good_one_goes_back),
	        cmocka_unit_test(a_length_that_cannot_be_goes_up),
	        cmocka_unit_test(who_has_to_show_one_and_does_not_goes_up),
	        cmocka_unit_test(without_secrets_cookies_go_up),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
