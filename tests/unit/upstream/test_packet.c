/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"

#include <errno.h>

#include "upstream/packet.h"

static const uint8_t no_case[PACKET_CASE_OCTETS];

static struct packet_question question_for(const char *name, uint16_t type)
{
	static uint8_t wire[NAME_MAX_LEN];
	struct packet_question question = {
	        .name = wire, .type = type, .recursion = true, .edns = true};

	question.name_len = (size_t)name_from_text(name, NULL, 0, wire);
	return question;
}

/* ---- questions ---- */

static void a_question_has_the_octets_of_the_rfc(void **state)
{
	static const uint8_t expected[] = {
	        0, 0,   1,  0,         0,           1, 0,  0,  0,   0, 0,
	        1,                                                     /* RD, one question, OPT */
	        1, 'a', 2,  'b',       'c',         0, 0,  28, 0,   1, /* a.bc AAAA IN */
	        0, 0,   41, 1232 >> 8, 1232 & 0xff, 0, 0,  0,  0,   0, 11, /* OPT */
	        0, 8,   0,  7,         0,           1, 24, 0,  192, 0, 2,  /* ECS 192.0.2.0/24 */
	};
	struct packet_question question = question_for("a.bc", 28);
	uint8_t packet[PACKET_QUESTION_MAX];

	(void)state;
	question.ecs = true;
	network_parse("192.0.2.0/24", &question.asked);
	assert_int_equal(packet_question(&question, no_case, packet), sizeof(expected));
	assert_memory_equal(packet, expected, sizeof(expected));
}

static void nobody_is_family_1_source_0_without_address(void **state)
{
	static const uint8_t expected[] = {0, 8, 0, 8, 0, 4, 0, 1, 0, 0};
	struct packet_question question = question_for("a.bc", 1);
	uint8_t packet[PACKET_QUESTION_MAX];
	size_t len;

	(void)state;
	question.ecs = true;
	len = packet_question(&question, no_case, packet);
	assert_memory_equal(packet + len - sizeof(expected), expected, sizeof(expected));
}

static void an_authoritative_one_without_edns_is_bare(void **state)
{
	struct packet_question question = question_for("a.bc", 1);
	uint8_t packet[PACKET_QUESTION_MAX];

	(void)state;
	question.recursion = question.edns = false;
	assert_int_equal(packet_question(&question, no_case, packet), 12 + 6 + 4);
	assert_int_equal(packet[2], 0);
	assert_int_equal(packet[11], 0);
}

static void case_bits_touch_letters_only(void **state)
{
	struct packet_question question = question_for("a1-z.xn--q.a", 1);
	uint8_t packet[PACKET_QUESTION_MAX], all[PACKET_CASE_OCTETS];

	(void)state;
	memset(all, 0xff, sizeof(all));
	packet_question(&question, all, packet);
	assert_memory_equal(packet + 12, "\4A1-Z\5XN--Q\1A", 14);
}

static void the_longest_name_and_option_fit(void **state)
{
	char text[300] = "";
	struct packet_question question;
	uint8_t packet[PACKET_QUESTION_MAX];

	(void)state;
	for (int i = 0; i < 127; i++)
		strcat(text, "a.");
	question = question_for(text, 28);
	assert_int_equal(question.name_len, 255);
	question.ecs = true;
	network_parse("2001:db8::1", &question.asked);
	assert_int_equal(packet_question(&question, no_case, packet), PACKET_QUESTION_MAX);
}

/* ---- matching ---- */

struct pair {
	uint8_t query[PACKET_QUESTION_MAX];
	size_t query_len, question_end;
	struct draft reply;
};

static struct pair *pair(const char *network)
{
	static struct pair pair;
	struct packet_question question = question_for("name.example", 1);
	uint8_t cases[PACKET_CASE_OCTETS] = {0x55, 0xaa};

	question.ecs = network != NULL;
	if (network && *network)
		network_parse(network, &question.asked);
	pair.query_len = packet_question(&question, cases, pair.query);
	pair.query[0] = 0x12;
	pair.query[1] = 0x34;
	pair.question_end = 12 + question.name_len + 4;
	draft_begin(&pair.reply, pair.query, pair.question_end, 0);
	return &pair;
}

static bool matches(struct pair *p)
{
	size_t len = draft_end(&p->reply);
	uint8_t *exact = malloc(len);
	bool result;

	memcpy(exact, p->reply.octets, len);
	result = packet_matches(p->query, p->query_len, exact, len);
	free(exact);
	return result;
}

static void a_reply_with_other_id_flags_or_question_does_not_match(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} changes[] = {
	        {0, 1}, {1, 0x80},  {2, 0x80},  {2, 0x08}, {2, 0x40}, {5, 1},  {5, 3},
	        {4, 1}, {13, 0x20}, {14, 0x20}, {18, 1},   {27, 2},   {28, 1},
	};

	(void)state;
	assert_true(matches(pair(NULL)));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct pair *p = pair(NULL);

		p->reply.octets[changes[i].at] ^= changes[i].flip;
		if (matches(p))
			fail_msg("octet %zu changed by %#x", changes[i].at, changes[i].flip);
	}
}

static void no_prefix_of_a_reply_up_to_its_question_matches(void **state)
{
	struct pair *p = pair(NULL);

	(void)state;
	for (size_t len = 0; len < p->question_end; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, p->reply.octets, len);
		assert_false(packet_matches(p->query, p->query_len, exact, len));
		free(exact);
	}
}

static void an_echo_must_be_of_what_was_sent(void **state)
{
	static const uint8_t right[16] = {192, 0, 2}, wrong[16] = {192, 0, 3};
	static const struct {
		unsigned int family, source, scope;
		const uint8_t *address;
		bool matches;
	} cases[] = {
	        {1, 24, 0, right, true},   {1, 24, 24, right, true},  {1, 24, 32, right, true},
	        {1, 24, 33, right, false}, {1, 24, 24, wrong, false}, {1, 23, 24, right, false},
	        {1, 16, 16, right, false}, {2, 24, 24, right, false}, {1, 25, 24, right, false},
	        {0, 0, 0, right, false},   {1, 0, 0, right, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair *p = pair("192.0.2.0/24");

		draft_opt_ecs(&p->reply, cases[i].family, cases[i].source, cases[i].scope,
		              cases[i].address);
		if (matches(p) != cases[i].matches)
			fail_msg("case %zu", i);
	}
}

static void a_reply_without_echo_matches(void **state)
{
	struct pair *p = pair("192.0.2.0/24");

	(void)state;
	assert_true(matches(p));
	draft_opt(&p->reply, 0);
	assert_true(matches(p));
}

static void an_echo_that_was_not_asked_for_is_ignored(void **state)
{
	static const uint8_t address[16] = {192, 0, 3};
	struct pair *p = pair(NULL);

	(void)state;
	draft_opt_ecs(&p->reply, 1, 24, 24, address);
	assert_true(matches(p));
}

static void source_0_is_echoed_as_family_1(void **state)
{
	struct pair *p = pair("");

	(void)state;
	draft_opt_ecs(&p->reply, 1, 0, 0, NULL);
	assert_true(matches(p));
	p = pair("");
	draft_opt_ecs(&p->reply, 2, 0, 0, NULL);
	assert_false(matches(p));
}

/* ---- reading ---- */

static struct draft draft;
static struct packet_answer answer;

static void begin(unsigned int flags)
{
	struct packet_question question = question_for("name.example", 1);
	uint8_t query[PACKET_QUESTION_MAX];

	packet_question(&question, no_case, query);
	draft_begin(&draft, query, 12 + question.name_len + 4, flags);
}

static int read_as(uint16_t type)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text("name.example", NULL, 0, name);
	size_t size = draft_end(&draft);
	uint8_t *exact = malloc(size);
	int status;

	memcpy(exact, draft.octets, size);
	status = packet_read(exact, size, name, (size_t)len, type, &answer);
	free(exact);
	return status;
}

static void addresses_are_sorted_without_doubles(void **state)
{
	static const uint8_t expected[] = {192, 0, 2, 1, 192, 0, 2, 2, 198, 51, 100, 1};

	(void)state;
	begin(0x0400);
	draft_address(&draft, "name.example", 300, "198.51.100.1");
	draft_address(&draft, "NAME.example", 200, "192.0.2.2");
	draft_address(&draft, "name.example", 300, "192.0.2.1");
	draft_address(&draft, "name.example", 300, "192.0.2.2");
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 3);
	assert_memory_equal(answer.octets, expected, sizeof(expected));
	assert_int_equal(answer.ttl, 200);
	assert_true(answer.authoritative && answer.answered && !answer.soa);
}

static void ipv6_addresses_are_read_and_ipv4_ones_left(void **state)
{
	uint8_t expected[16];

	(void)state;
	begin(0);
	draft_address(&draft, "name.example", 300, "192.0.2.1");
	draft_address(&draft, "name.example", 60, "2001:db8::1");
	assert_int_equal(read_as(28), 0);
	inet_pton(AF_INET6, "2001:db8::1", expected);
	assert_int_equal(answer.count, 1);
	assert_memory_equal(answer.octets, expected, 16);
	assert_int_equal(answer.ttl, 60);
}

static void of_more_than_64_addresses_the_least_are_kept(void **state)
{
	(void)state;
	begin(0);
	for (unsigned int i = 100; i > 0; i--) {
		char text[32];

		snprintf(text, sizeof(text), "192.0.2.%u", i * 37 % 101 + 50);
		draft_address(&draft, "name.example", 300, text);
	}
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 64);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(answer.octets[i * 4 + 3], 51 + i);
}

static void records_of_others_are_ignored(void **state)
{
	uint8_t stranger[4] = {203, 0, 113, 1};

	(void)state;
	begin(0);
	draft_address(&draft, "other.example", 5, "203.0.113.1");
	draft_record(&draft, ANSWER, "name.example", 46, 5,
	             "\0\1\10\2\0\0\0\5\0\0\0\1\0\0\0\0\0\1\0xx", 21);
	draft_address(&draft, "name.example", 300, "192.0.2.1");
	draft_record(&draft, AUTHORITY, "name.example", 1, 1, stranger, 4);
	draft_record(&draft, ADDITIONAL, "name.example", 1, 1, stranger, 4);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.octets[0], 192);
	assert_int_equal(answer.ttl, 300);
}

static void another_class_is_ignored(void **state)
{
	(void)state;
	begin(0);
	draft_address(&draft, "name.example", 300, "192.0.2.1");
	draft.octets[draft.w.at - 11] = 3; /* CH */
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 0);
	assert_false(answer.answered);
}

static void a_chain_is_followed_in_any_order(void **state)
{
	(void)state;
	begin(0);
	draft_address(&draft, "c.example", 90, "192.0.2.1");
	draft_cname(&draft, "B.example", 70, "c.EXAMPLE");
	draft_cname(&draft, "name.example", 80, "b.example");
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.ttl, 70);
	assert_int_equal(answer.chain_count, 2);
	assert_memory_equal(answer.chain[0], "\1b\7example", 11);
	assert_memory_equal(answer.chain[1], "\1c\7example", 11);
}

static void a_cname_made_from_a_dname_is_used(void **state)
{
	uint8_t target[NAME_MAX_LEN];
	int len = name_from_text("net", NULL, 0, target);

	(void)state;
	begin(0);
	draft_record(&draft, ANSWER, "example", 39, 40, target, (size_t)len);
	draft_cname(&draft, "name.example", 40, "name.net");
	draft_address(&draft, "name.net", 90, "192.0.2.1");
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.chain_count, 1);
	assert_int_equal(answer.ttl, 40);
}

static void a_loop_is_seen(void **state)
{
	(void)state;
	begin(0);
	draft_cname(&draft, "name.example", 80, "b.example");
	draft_cname(&draft, "b.example", 80, "NAME.example");
	assert_int_equal(read_as(1), 0);
	assert_true(answer.loop);
	begin(0);
	draft_cname(&draft, "name.example", 80, "name.example");
	assert_int_equal(read_as(1), 0);
	assert_true(answer.loop);
}

static void draft_chain(unsigned int links)
{
	char from[32] = "name.example", to[32];

	begin(0);
	for (unsigned int i = 0; i < links; i++) {
		snprintf(to, sizeof(to), "n%u.example", i);
		draft_cname(&draft, from, 80, to);
		strcpy(from, to);
	}
	draft_address(&draft, from, 80, "192.0.2.1");
}

static void sixteen_links_are_followed_and_seventeen_are_too_many(void **state)
{
	(void)state;
	draft_chain(16);
	assert_int_equal(read_as(1), 0);
	assert_false(answer.loop);
	assert_int_equal(answer.chain_count, 16);
	assert_int_equal(answer.count, 1);
	draft_chain(17);
	assert_int_equal(read_as(1), 0);
	assert_true(answer.loop);
	assert_int_equal(answer.count, 0);
}

static void a_ttl_with_its_top_bit_set_is_0(void **state)
{
	(void)state;
	begin(0);
	draft_address(&draft, "name.example", 0x80000001, "192.0.2.1");
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.ttl, 0);
}

static void the_negative_ttl_is_the_lesser_of_the_two(void **state)
{
	(void)state;
	begin(3);
	draft_soa(&draft, "example", 100, 50);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.rcode, 3);
	assert_true(answer.soa);
	assert_int_equal(answer.negative_ttl, 50);
	assert_false(answer.answered);
	begin(0);
	draft_soa(&draft, ".", 30, 50);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.negative_ttl, 30);
}

static void an_soa_of_another_zone_is_not_this_names(void **state)
{
	(void)state;
	begin(0);
	draft_cname(&draft, "name.example", 80, "name.net");
	draft_soa(&draft, "example", 100, 50);
	assert_int_equal(read_as(1), 0);
	assert_false(answer.soa);
	assert_int_equal(answer.negative_ttl, 0);
}

static void the_rcode_has_the_bits_of_opt(void **state)
{
	(void)state;
	begin(0);
	draft_opt(&draft, 1);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.rcode, 16);
}

static void a_scope_is_read_and_is_0_for_source_0(void **state)
{
	static const uint8_t address[16] = {192, 0, 2};

	(void)state;
	begin(0);
	draft_opt_ecs(&draft, 1, 24, 20, address);
	assert_int_equal(read_as(1), 0);
	assert_true(answer.ecs_echoed);
	assert_int_equal(answer.scope, 20);
	begin(0);
	draft_opt_ecs(&draft, 1, 0, 20, NULL);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.scope, 0);
}

/* Octet by octet shorter: never read past, and never an answer that the whole does not have. */
static void a_cut_reply_is_malformed_or_harmless(void **state)
{
	uint8_t name[NAME_MAX_LEN];
	int name_length = name_from_text("name.example", NULL, 0, name);
	static const uint8_t address[16] = {192, 0, 2};
	size_t size;

	(void)state;
	begin(0);
	draft_cname(&draft, "name.example", 80, "b.example");
	draft_address(&draft, "b.example", 300, "192.0.2.1");
	draft_soa(&draft, "example", 100, 50);
	draft_opt_ecs(&draft, 1, 24, 20, address);
	size = draft_end(&draft);
	for (size_t len = 0; len < size; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, draft.octets, len);
		assert_int_equal(packet_read(exact, len, name, (size_t)name_length, 1, &answer),
		                 -EBADMSG);
		free(exact);
	}
}

static void compressed_names_are_read_and_pointer_loops_refused(void **state)
{
	(void)state;
	begin(0);
	draft.counts[ANSWER]++;
	wire_put(&draft.w, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);
	assert_int_equal(read_as(1), 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.ttl, 60);
	begin(0);
	draft.counts[ANSWER]++;
	wire_put16(&draft.w, 0xc000 | (unsigned int)draft.w.at); /* to itself */
	wire_put(&draft.w, "\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 14);
	assert_int_equal(read_as(1), -EBADMSG);
}

static void an_address_of_the_wrong_length_is_malformed(void **state)
{
	(void)state;
	begin(0);
	draft_record(&draft, ANSWER, "name.example", 1, 300, "\300\0\2\1\1", 5);
	assert_int_equal(read_as(1), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_question_has_the_octets_of_the_rfc),
	        cmocka_unit_test(nobody_is_family_1_source_0_without_address),
	        cmocka_unit_test(an_authoritative_one_without_edns_is_bare),
	        cmocka_unit_test(case_bits_touch_letters_only),
	        cmocka_unit_test(the_longest_name_and_option_fit),
	        cmocka_unit_test(a_reply_with_other_id_flags_or_question_does_not_match),
	        cmocka_unit_test(no_prefix_of_a_reply_up_to_its_question_matches),
	        cmocka_unit_test(an_echo_must_be_of_what_was_sent),
	        cmocka_unit_test(a_reply_without_echo_matches),
	        cmocka_unit_test(an_echo_that_was_not_asked_for_is_ignored),
	        cmocka_unit_test(source_0_is_echoed_as_family_1),
	        cmocka_unit_test(addresses_are_sorted_without_doubles),
	        cmocka_unit_test(ipv6_addresses_are_read_and_ipv4_ones_left),
	        cmocka_unit_test(of_more_than_64_addresses_the_least_are_kept),
	        cmocka_unit_test(records_of_others_are_ignored),
	        cmocka_unit_test(another_class_is_ignored),
	        cmocka_unit_test(a_chain_is_followed_in_any_order),
	        cmocka_unit_test(a_cname_made_from_a_dname_is_used),
	        cmocka_unit_test(a_loop_is_seen),
	        cmocka_unit_test(sixteen_links_are_followed_and_seventeen_are_too_many),
	        cmocka_unit_test(a_ttl_with_its_top_bit_set_is_0),
	        cmocka_unit_test(the_negative_ttl_is_the_lesser_of_the_two),
	        cmocka_unit_test(an_soa_of_another_zone_is_not_this_names),
	        cmocka_unit_test(the_rcode_has_the_bits_of_opt),
	        cmocka_unit_test(a_scope_is_read_and_is_0_for_source_0),
	        cmocka_unit_test(a_cut_reply_is_malformed_or_harmless),
	        cmocka_unit_test(compressed_names_are_read_and_pointer_loops_refused),
	        cmocka_unit_test(an_address_of_the_wrong_length_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
