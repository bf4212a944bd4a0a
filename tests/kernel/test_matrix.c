/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of query that the kernel is to answer is answered by it: transport
 * x type x EDNS x VLAN tags, each cell a hit by its counter, to the octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* The answers of one owner and type, one for each kind of client. */
struct answers {
	struct answer_spec ipv4, ipv6, nobody, everyone;
};

enum edns {
	EDNS_NONE,
	EDNS_PLAIN,
	EDNS_DO,
	EDNS_ECS_IPV4,
	EDNS_ECS_IPV6,
	EDNS_ECS_IPV6_WHOLE, /* SOURCE 128 */
	EDNS_SOURCE0_IPV4,
	EDNS_SOURCE0_IPV6,
	EDNS_ECS_COOKIE_BEFORE,
	EDNS_ECS_UNKNOWN_AFTER,
	EDNS_ECS_IPV6_BOTH,
	EDNS_SOURCE0_BOTH,
	EDNS_ECS_TWICE,
	EDNS_COOKIE_ONLY,
	EDNS_COUNT
};

static const char *const edns_names[EDNS_COUNT] = {
        "no OPT",
        "OPT",
        "OPT with DO",
        "ECS of IPv4",
        "ECS of IPv6",
        "ECS of a whole IPv6 address",
        "SOURCE 0, IPv4",
        "SOURCE 0, IPv6",
        "COOKIE, then ECS",
        "ECS, then unknown of odd length",
        "ECS of IPv6 among others",
        "SOURCE 0 among others",
        "two ECS",
        "COOKIE alone",
};

/* COOKIE of 8 octets (RFC 7873); an unknown option of 3; an empty one. */
static const uint8_t cookie[] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t unknown[] = {0xfd, 0xe9, 0, 3, 0xaa, 0xbb, 0xcc, 0, 12, 0, 0};
static const uint8_t second_ecs[] = {0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2};

static void apply_around(enum edns edns, struct query_spec *query)
{
	switch (edns) {
	case EDNS_ECS_COOKIE_BEFORE:
	case EDNS_ECS_IPV6_BOTH:
	case EDNS_SOURCE0_BOTH:
	case EDNS_COOKIE_ONLY:
		query->before = cookie;
		query->before_len = sizeof(cookie);
		break;
	default:
		break;
	}
	if (edns == EDNS_ECS_UNKNOWN_AFTER || edns == EDNS_ECS_IPV6_BOTH ||
	    edns == EDNS_SOURCE0_BOTH) {
		query->after = unknown;
		query->after_len = sizeof(unknown);
	}
	if (edns == EDNS_ECS_TWICE) {
		query->after = second_ecs;
		query->after_len = sizeof(second_ecs);
	}
}

/* Makes the query of this column; gives the answer that it must get. */
static const struct answer_spec *apply_edns(enum edns edns, struct query_spec *query,
                                            const struct answers *answers)
{
	query->opt = edns != EDNS_NONE;
	query->dnssec_ok = edns == EDNS_DO;
	apply_around(edns, query);
	switch (edns) {
	case EDNS_ECS_IPV4:
	case EDNS_ECS_COOKIE_BEFORE:
	case EDNS_ECS_UNKNOWN_AFTER:
	case EDNS_ECS_TWICE:
		query_spec_ecs(query, 1, 24, "198.51.100.0");
		return &answers->ipv4;
	case EDNS_ECS_IPV6:
	case EDNS_ECS_IPV6_BOTH:
		query_spec_ecs(query, 2, 56, "2001:db8:aa:1200::");
		return &answers->ipv6;
	case EDNS_ECS_IPV6_WHOLE:
		query_spec_ecs(query, 2, 128, "2001:db8:aa:1234:5678:9abc:def0:1235");
		return &answers->ipv6;
	case EDNS_SOURCE0_IPV4:
	case EDNS_SOURCE0_BOTH:
		query_spec_ecs(query, 1, 0, "0.0.0.0");
		return &answers->nobody;
	case EDNS_SOURCE0_IPV6:
		query_spec_ecs(query, 2, 0, "::");
		return &answers->nobody;
	default:
		return &answers->everyone; /* the packet's source is in neither network */
	}
}

static struct answers store_answers(struct fixture *fixture, const uint8_t *name, size_t len,
                                    uint16_t type, unsigned int count)
{
	struct an_owner_slot *owner = fixture_owner(fixture, name, len, type, false);
	struct answers answers = {answer_spec(type, count, 1), answer_spec(type, count, 2),
	                          answer_spec(type, count, 3), answer_spec(type, count, 4)};
	struct an_audience_key key;

	answers.ipv4.scope = 22;
	answers.ipv6.scope = 48;
	answers.nobody.scope = answers.everyone.scope = 0;
	answers.ipv4.soa_minimum = 1001; /* NODATA of different networks can be told apart */
	answers.ipv6.soa_minimum = 1002;
	answers.nobody.soa_minimum = 1003;
	key = fixture_key(owner, AN_AUDIENCE_NET, AN_FAMILY_IPV4, 22, "198.51.100.0");
	fixture_audience(fixture, owner, &key, &answers.ipv4);
	key = fixture_key(owner, AN_AUDIENCE_NET, AN_FAMILY_IPV6, 48, "2001:db8:aa::");
	fixture_audience(fixture, owner, &key, &answers.ipv6);
	fixture_nobody(fixture, owner, &answers.nobody);
	fixture_everyone(fixture, owner, &answers.everyone);
	return answers;
}

static const struct {
	const char *name;
	uint16_t type;
	unsigned int count;
} kinds[] = {
        {"A", AN_TYPE_A, 3},
        {"AAAA", AN_TYPE_AAAA, 2},
        {"one A", AN_TYPE_A, 1},
        {"NODATA for A", AN_TYPE_A, 0},
        {"NODATA for AAAA", AN_TYPE_AAAA, 0},
        {"50 A", AN_TYPE_A, 50},
        {"30 AAAA", AN_TYPE_AAAA, 30},
};

static unsigned int run_cell(struct fixture *fixture, const struct answers *answers,
                             const struct query_spec *plain, enum edns edns, const char *kind)
{
	unsigned int cells = 0;
	char what[160];

	for (unsigned int tags = 0; tags <= 2; tags++) {
		struct query_spec query = *plain;
		const struct answer_spec *answer = apply_edns(edns, &query, answers);
		struct reference how = fixture_reference(fixture, answer->ttl, answer->scope);

		query.tags = tags;
		if (!query.opt && answer->count > 20)
			continue; /* over 512 octets */
		snprintf(what, sizeof(what), "%s, %s, %s, %u tags", query.ipv6 ? "IPv6" : "IPv4",
		         kind, edns_names[edns], tags);
		assert_answered(fixture, &query, answer, &how, what);
		cells++;
	}
	return cells;
}

static void every_kind_of_query_is_a_hit(void **state)
{
	struct fixture *fixture = *state;
	unsigned int cells = 0;
	size_t len;

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		const uint8_t *name = wire_name("Www.eXample.TEST", &len);
		struct answers answers;

		fixture_reset(fixture);
		answers = store_answers(fixture, name, len, kinds[kind].type, kinds[kind].count);
		for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
			struct query_spec plain = query_spec(ipv6, name, len, kinds[kind].type);

			for (enum edns edns = 0; edns < EDNS_COUNT; edns++)
				cells +=
				        run_cell(fixture, &answers, &plain, edns, kinds[kind].name);
		}
	}
	print_message("%u cells\n", cells);
	assert_int_equal(cells, 7 * 2 * EDNS_COUNT * 3 - 2 * 2 * 3);
}

/* A name of exactly `len` octets: labels as long as can be, in mixed case, no two names alike. */
static void name_of_len(size_t len, uint8_t ret[AN_DNS_NAME_MAX])
{
	size_t at = 0;

	while (len - at > 1) {
		size_t label = len - at - 2;

		if (label > 63)
			label = label == 64 ? 62 : 63;
		ret[at++] = (uint8_t)label;
		for (size_t i = 0; i < label; i++)
			ret[at + i] = (uint8_t)((i + len) % 3 ? 'a' + (i + len) % 26
			                                      : 'A' + (i * len) % 26);
		at += label;
	}
	ret[at] = 0;
}

static void every_name_length_is_a_hit(void **state)
{
	struct fixture *fixture = *state;
	uint8_t name[AN_DNS_NAME_MAX];
	unsigned int asked = 0;

	for (size_t len = 1; len <= AN_DNS_NAME_MAX; len++) {
		struct answer_spec answer = answer_spec(AN_TYPE_A, 2, (unsigned int)len);
		struct reference how = fixture_reference(fixture, answer.ttl, 0);

		if (len == 2)
			continue; /* a label of no octets: there is no such name */
		fixture_reset(fixture);
		name_of_len(len, name);
		fixture_everyone(fixture, fixture_owner(fixture, name, len, AN_TYPE_A, false),
		                 &answer);
		for (unsigned int column = 0; column < 12; column++) {
			struct query_spec query = query_spec(column & 1, name, len, AN_TYPE_A);
			char what[80];

			query.opt = column & 2;
			query.padding = column / 4 == 1 ? 7 : column / 4 == 2 ? 18 : 0;
			snprintf(what, sizeof(what), "name of %zu octets, %s, %s, padding %zu", len,
			         query.ipv6 ? "IPv6" : "IPv4", query.opt ? "OPT" : "no OPT",
			         query.padding);
			assert_answered(fixture, &query, &answer, &how, what);
			asked++;
		}
	}
	assert_int_equal(asked, 254 * 12);
}

static void the_case_of_the_question_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct answer_spec answer = answer_spec(AN_TYPE_AAAA, 4, 9);
	struct reference how = fixture_reference(fixture, answer.ttl, 0);
	uint8_t lower[] = "\004mail\012[x]y`z{0-9\003com", name[sizeof(lower)];

	fixture_reset(fixture);
	fixture_everyone(fixture, fixture_owner(fixture, lower, sizeof(lower), AN_TYPE_AAAA, false),
	                 &answer);
	for (unsigned int pattern = 0; pattern < 256; pattern++) {
		struct query_spec query = query_spec(pattern & 1, name, sizeof(name), AN_TYPE_AAAA);

		for (size_t i = 0; i < sizeof(name); i++) {
			bool letter = lower[i] >= 'a' && lower[i] <= 'z';

			name[i] = letter && pattern >> i % 8 & 1 ? (uint8_t)(lower[i] - 32)
			                                         : lower[i];
		}
		assert_answered(fixture, &query, &answer, &how, "0x20");
	}
}

static void rotation_reaches_every_record(void **state)
{
	struct fixture *fixture = *state;
	size_t len;
	const uint8_t *name = wire_name("rotate.example", &len);
	unsigned int seen[8] = {0};

	for (unsigned int count = 1; count <= 8; count++) {
		struct answer_spec answer = answer_spec(AN_TYPE_A, count, count);
		struct reference how = fixture_reference(fixture, answer.ttl, 0);

		fixture_reset(fixture);
		fixture_everyone(fixture, fixture_owner(fixture, name, len, AN_TYPE_A, false),
		                 &answer);
		memset(seen, 0, sizeof(seen));
		for (unsigned int i = 0; i < 200; i++) {
			struct query_spec query = query_spec(i & 1, name, len, AN_TYPE_A);
			struct outcome outcome;

			query.id = (uint16_t)(i * 257);
			query.source_port = (uint16_t)(1024 + i);
			assert_answered(fixture, &query, &answer, &how, "rotation");
			fixture_ask(fixture, &query, &outcome);
			/* last octet of the first address */
			seen[outcome.packet.octets[spec_dns_at(&query) + 12 + len + 4 + 15]]++;
		}
		for (unsigned int i = 0; i < count; i++)
			assert_true(seen[i] > 0);
	}
}

static void tails_of_odd_length_have_right_checksums(void **state)
{
	static const char *const texts[] = {"",     "a",     "ab",     "abc",
	                                    "abcd", "abcde", "abcdef", "abcdefg"};
	struct fixture *fixture = *state;

	for (size_t text = 0; text < 8; text++) {
		for (unsigned int count = 0; count <= 2; count++) {
			for (unsigned int column = 0; column < 8; column++) {
				struct answer_spec answer = answer_spec(AN_TYPE_A, count, 5);
				struct reference how = fixture_reference(fixture, answer.ttl, 0);
				struct query_spec query;
				size_t len;
				const uint8_t *name = wire_name(
				        column & 1 ? "odd.example" : "even.example", &len);

				answer.txt = texts[text];
				query = query_spec(column & 2, name, len, AN_TYPE_A);
				query.opt = column & 4;
				fixture_reset(fixture);
				fixture_everyone(
				        fixture,
				        fixture_owner(fixture, name, len, AN_TYPE_A, false),
				        &answer);
				assert_answered(fixture, &query, &answer, &how, texts[text]);
			}
		}
	}
}

static void a_checksum_of_zero_is_sent_as_ffff(void **state)
{
	struct fixture *fixture = *state;
	struct answer_spec answer = answer_spec(AN_TYPE_A, 1, 6);
	struct reference how = fixture_reference(fixture, answer.ttl, 0);
	struct packet reply;
	size_t len;
	const uint8_t *name = wire_name("zero.example", &len);
	struct query_spec query = query_spec(false, name, len, AN_TYPE_A);

	fixture_reset(fixture);
	fixture_everyone(fixture, fixture_owner(fixture, name, len, AN_TYPE_A, false), &answer);
	query.id = 0;
	reference_reply(&query, &answer, &how, &reply);
	/* The id that brings the sum to ffff: with id 0 the checksum itself, complemented twice. */
	query.id = (uint16_t)packet_get16(&reply, spec_udp_at(&query) + 6);
	reference_reply(&query, &answer, &how, &reply);
	assert_int_equal(packet_get16(&reply, spec_udp_at(&query) + 6), 0xffff);
	assert_answered(fixture, &query, &answer, &how, "checksum 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_kind_of_query_is_a_hit),
	        cmocka_unit_test(every_name_length_is_a_hit),
	        cmocka_unit_test(the_case_of_the_question_comes_back),
	        cmocka_unit_test(rotation_reaches_every_record),
	        cmocka_unit_test(tails_of_odd_length_have_right_checksums),
	        cmocka_unit_test(a_checksum_of_zero_is_sent_as_ffff),
	};

	return cmocka_run_group_tests_name("kernel: matrix of hits", tests, fixture_open,
	                                   fixture_close);
}
