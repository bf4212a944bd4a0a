/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "health/dns_reply.h"

#define ID       0x1234
#define QUESTION "\3www\7example\0\0\1\0\1"
#define A_1      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define A_2      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\2"
#define CNAME    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\xc0\x10"
#define OTHER_A  "\xc0\x29\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define CHAOS_A  "\xc0\x0c\0\1\0\3\0\0\0\x3c\0\4\xc0\0\2\1"

struct reply {
	unsigned int id, flags, questions, answers;
	const char *rest;
	size_t len;
	enum dns_verdict verdict;
	const char *fault;
};

#define REPLY(id, flags, questions, answers, rest, verdict, fault)                                 \
	{                                                                                          \
		id, flags, questions, answers, rest, sizeof(rest) - 1, verdict, fault              \
	}

static const struct reply replies[] = {
        REPLY(ID, 0x8180, 1, 1, QUESTION A_1, DNS_GOOD, ""),
        REPLY(ID, 0x8580, 1, 2, QUESTION A_2 A_1, DNS_GOOD, ""),
        REPLY(ID, 0x8180, 1, 2, QUESTION CNAME OTHER_A, DNS_GOOD, ""),
        REPLY(ID, 0x8180, 1, 1, QUESTION A_2, DNS_BAD, "the answer is another"),
        REPLY(ID, 0x8180, 1, 1, QUESTION CHAOS_A, DNS_BAD, "the answer is another"),
        REPLY(ID, 0x8180, 1, 0, QUESTION, DNS_BAD, "the answer is another"),
        REPLY(ID, 0x8380, 1, 0, QUESTION, DNS_BAD, "the answer is another (and is cut)"),
        /* What is said to be there and is not. */
        REPLY(ID, 0x8180, 1, 9, QUESTION A_2, DNS_BAD, "the answer is another"),
        REPLY(ID, 0x8180, 1, 1, QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2", DNS_BAD,
              "the answer is another"),
        REPLY(ID, 0x8182, 1, 0, QUESTION, DNS_BAD, "RCODE 2"),
        REPLY(ID, 0x8183, 1, 0, QUESTION, DNS_BAD, "RCODE 3"),
        REPLY(ID + 1, 0x8180, 1, 1, QUESTION A_1, DNS_NOT_OURS, ""),
        REPLY(ID, 0x0100, 1, 1, QUESTION A_1, DNS_NOT_OURS, ""),
        REPLY(ID, 0x8180, 0, 1, QUESTION A_1, DNS_NOT_OURS, ""),
        REPLY(ID, 0x8180, 1, 0, "\3www\7exampld\0\0\1\0\1", DNS_NOT_OURS, ""),
        REPLY(ID, 0x8180, 1, 0, "\3www\7example\0\0\1\0", DNS_NOT_OURS, ""),
        REPLY(ID, 0x8182, 0, 0, "", DNS_NOT_OURS, ""),
};

static struct config_check web(void)
{
	static const uint8_t name[] = "\3www\7example";
	struct config_check check = {
	        .query_type = AN_TYPE_A,
	        .query = {.len = sizeof(name)},
	        .answer = {.family = AN_FAMILY_IPV4, .address = {192, 0, 2, 1}}};

	memcpy(check.query.name, name, sizeof(name));
	return check;
}

/* In a block of its size, so that a sanitizer sees what lies beyond. */
static uint8_t *write_reply(const struct reply *reply, size_t *ret_len)
{
	uint8_t *octets = malloc(12 + reply->len);
	struct wire w = wire_writer(octets, 12 + reply->len);

	wire_put16(&w, reply->id);
	wire_put16(&w, reply->flags);
	wire_put16(&w, reply->questions);
	wire_put16(&w, reply->answers);
	wire_put32(&w, 0);
	wire_put(&w, reply->rest, reply->len);
	*ret_len = w.at;
	return octets;
}

static void replies_are_judged_by_question_rcode_and_address(void **state)
{
	struct config_check check = web();
	struct dns_question question;

	(void)state;
	dns_ask(&check, ID, &question);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		char fault[64] = "";
		size_t len;
		uint8_t *octets = write_reply(&replies[i], &len);

		assert_int_equal(dns_judge(&question, &check, octets, len, fault, sizeof(fault)),
		                 replies[i].verdict);
		assert_string_equal(fault, replies[i].fault);
		free(octets);
	}
}

static void without_an_address_the_rcode_alone_counts(void **state)
{
	struct config_check check = web();
	struct dns_question question;
	char fault[64] = "";
	size_t len;
	uint8_t *octets = write_reply(&replies[10], &len);

	(void)state;
	check.answer.family = 0;
	check.rcode = AN_RCODE_NXDOMAIN;
	dns_ask(&check, ID, &question);
	assert_int_equal(dns_judge(&question, &check, octets, len, fault, sizeof(fault)), DNS_GOOD);
	free(octets);
}

static void the_query_is_what_the_check_says(void **state)
{
	static const char wanted[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION;
	struct config_check check = web();
	struct dns_question question;

	(void)state;
	dns_ask(&check, ID, &question);
	assert_int_equal(question.len, sizeof(wanted) - 1);
	assert_memory_equal(question.octets, wanted, question.len);
	/* The longest name there is. */
	check.query.len = AN_DNS_NAME_MAX;
	dns_ask(&check, ID, &question);
	assert_int_equal(question.len, sizeof(question.octets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(replies_are_judged_by_question_rcode_and_address),
	        cmocka_unit_test(without_an_address_the_rcode_alone_counts),
	        cmocka_unit_test(the_query_is_what_the_check_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
