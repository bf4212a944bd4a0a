/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets taken apart: what is an error, which one, and what is left of the query. */
#include "unit/answer/scene.h"

static struct config *config;

static int setup(void **state)
{
	(void)state;
	config = config_default();
	return config ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	return 0;
}

/* ---- packets by hand: hex with spaces, '|' for the reader's eye ---- */

#define HEAD(counts) "1234 0100 " counts
#define QUESTION     "03777777 0474657374 00 0001 0001 "
#define ONE          HEAD("0001 0000 0000 0000 ") QUESTION
#define WITH_OPT     HEAD("0001 0000 0000 0001 ") QUESTION
#define OPT(len)     "00 0029 04d0 00000000 " len " "

static size_t unhex(const char *text, uint8_t *out)
{
	size_t count = 0;

	for (; *text; text++) {
		unsigned int octet;

		if (*text == ' ' || *text == '|')
			continue;
		assert_int_equal(sscanf(text, "%2x", &octet), 1);
		out[count++] = (uint8_t)octet;
		text++;
	}
	return count;
}

static struct query query;
static uint8_t *packet;

/* In a block of exactly its size, so that ASan sees one octet too far. */
static enum query_verdict parse(const char *text)
{
	uint8_t octets[1024];
	size_t len = unhex(text, octets);

	free(packet);
	packet = malloc(len ? len : 1);
	assert_non_null(packet);
	memcpy(packet, octets, len);
	return query_parse(config, packet, len, &query);
}

static void plain_query_is_taken_apart(void **state)
{
	static const uint8_t name[] = "\003www\004test";

	(void)state;
	assert_int_equal(parse("1234 0100 0001 0000 0000 0000 03575777 0474455374 00 001c 0001"),
	                 QUERY_OK);
	assert_int_equal(query.id, 0x1234);
	assert_int_equal(query.flags, 0x0100);
	assert_int_equal(query.name_len, sizeof(name));
	assert_memory_equal(query.name, name, sizeof(name));
	assert_int_equal(query.type, AN_TYPE_AAAA);
	assert_int_equal(query.class, AN_CLASS_IN);
	assert_int_equal(query.question_end, 12 + sizeof(name) + 4);
	assert_false(query.edns);
	assert_int_equal(query.payload, 512);
}

static void responses_and_stumps_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(parse(""), QUERY_DROP);
	assert_int_equal(parse("1234 0100 0001 0000 0000 00"), QUERY_DROP);
	assert_int_equal(parse("1234 8100 0001 0000 0000 0000 " QUESTION), QUERY_DROP);
}

static void every_cut_of_a_packet_is_formerr_or_dropped(void **state)
{
	static const char text[] = WITH_OPT OPT("000b") "0008 0007 0001 18 00 c00002";
	uint8_t octets[1024];
	size_t whole = unhex(text, octets);

	(void)state;
	for (size_t len = 0; len < whole; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, octets, len);
		if (len < 12) {
			assert_int_equal(query_parse(config, cut, len, &query), QUERY_DROP);
		} else {
			assert_int_equal(query_parse(config, cut, len, &query), QUERY_ERROR);
			assert_int_equal(query.rcode, AN_RCODE_FORMERR);
		}
		free(cut);
	}
	assert_int_equal(parse(text), QUERY_OK);
	assert_true(query.ecs_present);
}

struct fault {
	const char *text;
	uint16_t rcode;
	int ede;
	bool edns;
};

static const struct fault faults[] = {
        /* Header. */
        {"1234 1100 0001 0000 0000 0000 " QUESTION, AN_RCODE_NOTIMP, -1, false},
        {"1234 1100 0001 0000 0000 0001 " QUESTION OPT("0000"), AN_RCODE_NOTIMP, -1, true},
        {"1234 1100 0001 0000 0000 0001 " QUESTION "00 0029 04d0 00010000 0000", AN_RCODE_BADVERS,
         -1, true},
        {"1234 2000 0000 0000 0000 0000", AN_RCODE_FORMERR, -1, false},
        {"1234 2000 0001 0000 0000 0000 " QUESTION "00", AN_RCODE_FORMERR, -1, false},
        {"1234 2000 0001 0000 0000 0000 0377777700 0006 00ff", AN_RCODE_REFUSED, -1, false},
        {"1234 2000 0001 0000 0000 0001 " QUESTION "00 0029 04d0 00010000 0000", AN_RCODE_BADVERS,
         -1, true},
        {"1234 7800 0000 0000 0000 0000", AN_RCODE_NOTIMP, -1, false},
        {"1234 2800 ffff ffff ffff ffff 00", AN_RCODE_NOTIMP, -1, false},
        {HEAD("0000 0000 0000 0000"), AN_RCODE_FORMERR, -1, false},
        {HEAD("0000 0000 0000 0001") OPT("0000"), AN_RCODE_FORMERR, -1, true},
        {HEAD("0002 0000 0000 0000") QUESTION QUESTION, AN_RCODE_FORMERR, -1, false},
        {HEAD("0002 0000 0000 0001") QUESTION QUESTION OPT("0000"), AN_RCODE_FORMERR, -1, true},
        /* Question. */
        {HEAD("0001 0000 0000 0000") "03777777 0474657374 c00c 0001 0001", AN_RCODE_FORMERR, -1,
         false},
        {HEAD("0001 0000 0000 0000") "4077 00 0001 0001", AN_RCODE_FORMERR, -1, false},
        {HEAD("0001 0000 0000 0000") "0377777700 0029 0001", AN_RCODE_FORMERR, -1, false},
        {HEAD("0001 0000 0000 0000") "0377777700 0080 0001", AN_RCODE_FORMERR, 30, false},
        {HEAD("0001 0000 0000 0000") "0377777700 0001 0003", AN_RCODE_REFUSED, -1, false},
        {HEAD("0001 0000 0000 0000") "0377777700 0001 00fe", AN_RCODE_REFUSED, -1, false},
        {HEAD("0001 0000 0000 0000") "0377777700 00fc 00ff", AN_RCODE_REFUSED, -1, false},
        /* What stands behind. */
        {ONE "00", AN_RCODE_FORMERR, -1, false},
        {WITH_OPT OPT("0000") "00", AN_RCODE_FORMERR, -1, true},
        {HEAD("0001 0001 0000 0000") QUESTION "c00c 0001 0001 00000000 0004 c00002",
         AN_RCODE_FORMERR, -1, false},
        {HEAD("0001 0000 0000 0001") QUESTION "00 00fa 00ff 00000000 0000", AN_RCODE_NOTAUTH, -1,
         false},
        {HEAD("0001 0000 0000 0002") QUESTION "00 00fa 00ff 00000000 0000" OPT("0000"),
         AN_RCODE_FORMERR, -1, false},
        {HEAD("0001 0000 0000 0002") QUESTION OPT("0000") "00 00fa 00ff 00000000 0000",
         AN_RCODE_NOTAUTH, -1, true},
        /* OPT. */
        {HEAD("0001 0000 0000 0002") QUESTION OPT("0000") OPT("0000"), AN_RCODE_FORMERR, -1, true},
        {WITH_OPT "0161 00 0029 04d0 00000000 0000", AN_RCODE_FORMERR, -1, true},
        {HEAD("0001 0001 0000 0000") QUESTION OPT("0000"), AN_RCODE_FORMERR, -1, true},
        {WITH_OPT "00 0029 04d0 00010000 0000", AN_RCODE_BADVERS, -1, true},
        {WITH_OPT "00 0029 04d0 00ff8000 0003 ffffff", AN_RCODE_BADVERS, -1, true},
        {WITH_OPT OPT("0003") "000300", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("0004") "00030001", AN_RCODE_FORMERR, -1, true},
        /* ECS, RFC 7871 7.1.2. */
        {WITH_OPT OPT("0007") "0008 0003 0001 00", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("0008") "0008 0004 0003 00 00", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("0008") "0008 0004 0000 00 00", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("000b") "0008 0007 0001 18 01 c00002", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("000a") "0008 0006 0001 18 00 c000", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("000c") "0008 0008 0001 18 00 c0000200", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("000b") "0008 0007 0001 17 00 c00003", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("000d") "0008 0009 0001 21 00 c000020100", AN_RCODE_FORMERR, -1, true},
        {WITH_OPT OPT("0019") "0008 0015 0002 81 00 20010db800000000000000000000000000",
         AN_RCODE_FORMERR, -1, true},
};

static void faults_get_the_rcode_that_says_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (parse(faults[i].text) != QUERY_ERROR || query.rcode != faults[i].rcode ||
		    query.ede != faults[i].ede || query.edns != faults[i].edns)
			fail_msg("row %zu: rcode %u ede %d edns %d", i, query.rcode, query.ede,
			         query.edns);
		assert_false(query.ecs_present);
	}
}

static void transfers_and_notify_are_told_apart(void **state)
{
	static const char *const transfers[] = {
	        HEAD("0001 0000 0000 0000") "0377777700 00fc 0001",
	        HEAD("0001 0000 0001 0000") "0377777700 00fb 0001"
	                                    "c00c 0006 0001 00000000 0016 00 00"
	                                    "00000001 00000001 00000001 00000001 00000001",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(parse(transfers[i]), QUERY_TRANSFER);
	assert_int_equal(parse("1234 2400 0001 0000 0000 0000 0377777700 0006 0001"), QUERY_NOTIFY);
	/* Type AXFR is nothing special in a NOTIFY. */
	assert_int_equal(parse("1234 2400 0001 0000 0000 0000 0377777700 00fc 0001"), QUERY_NOTIFY);
}

static void cookie_has_one_of_its_lengths(void **state)
{
	static const struct {
		const char *text;
		enum query_verdict verdict;
	} table[] = {
	        {WITH_OPT OPT("0004") "000a 0000", QUERY_ERROR},
	        {WITH_OPT OPT("000b") "000a 0007 01020304050607", QUERY_ERROR},
	        {WITH_OPT OPT("000c") "000a 0008 0102030405060708", QUERY_OK},
	        {WITH_OPT OPT("000d") "000a 0009 010203040506070809", QUERY_ERROR},
	        {WITH_OPT OPT("0013") "000a 000f 0102030405060708 01020304050607", QUERY_ERROR},
	        {WITH_OPT OPT("0014") "000a 0010 0102030405060708 0102030405060708", QUERY_OK},
	        {WITH_OPT OPT("002c") "000a 0028 0102030405060708 0102030405060708"
	                              "0102030405060708 0102030405060708 0102030405060708",
	         QUERY_OK},
	        {WITH_OPT OPT("002d") "000a 0029 0102030405060708 0102030405060708"
	                              "0102030405060708 0102030405060708 0102030405060708 09",
	         QUERY_ERROR},
	        /* Of two the first counts. */
	        {WITH_OPT OPT("0010") "000a 0008 0102030405060708 000a 0000", QUERY_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		config->cookies = true;
		if (parse(table[i].text) != table[i].verdict || query.rcode > AN_RCODE_FORMERR ||
		    !query.cookie != (table[i].verdict == QUERY_ERROR) || !query.edns)
			fail_msg("row %zu", i);
		/* A server without cookies does not know the option. */
		config->cookies = false;
		assert_int_equal(parse(table[i].text), QUERY_OK);
		assert_null(query.cookie);
	}
}

static void options_of_an_unknown_opcode_are_understood(void **state)
{
	(void)state;
	assert_int_equal(parse("1234 1100 0001 0000 0000 0001 " QUESTION OPT(
	                         "000f") "0008 0007 0001 18 00 c00002 |0003 0000"),
	                 QUERY_ERROR);
	assert_int_equal(query.rcode, AN_RCODE_NOTIMP);
	assert_true(query.ecs_present);
	assert_true(query.nsid);
	assert_int_equal(parse("1234 1100 0001 0000 0000 0001 " QUESTION OPT(
	                         "000f") "0003 0000 |0008 0007 0001 17 00 c000ff"),
	                 QUERY_ERROR);
	assert_int_equal(query.rcode, AN_RCODE_NOTIMP);
	assert_false(query.nsid);
}

static void keepalive_says_no_time(void **state)
{
	(void)state;
	assert_int_equal(parse(WITH_OPT OPT("0004") "000b 0000"), QUERY_OK);
	assert_true(query.keepalive);
	assert_int_equal(parse(WITH_OPT OPT("0006") "000b 0002 0064"), QUERY_OK);
	assert_false(query.keepalive);
}

static void cookie_without_question_is_answered(void **state)
{
	(void)state;
	assert_int_equal(
	        parse(HEAD("0000 0000 0000 0001") OPT("000c") "000a 0008 0102030405060708"),
	        QUERY_ERROR);
	assert_int_equal(query.rcode, AN_RCODE_FORMERR);
	config->cookies = true;
	assert_int_equal(
	        parse(HEAD("0000 0000 0000 0001") OPT("000c") "000a 0008 0102030405060708"),
	        QUERY_ERROR);
	assert_int_equal(query.rcode, AN_RCODE_NOERROR);
	assert_true(query.edns);
	assert_int_equal(query.cookie_len, 8);
}

static void payload_is_at_least_512(void **state)
{
	(void)state;
	assert_int_equal(parse(WITH_OPT "00 0029 0000 00000000 0000"), QUERY_OK);
	assert_int_equal(query.payload, 512);
	assert_int_equal(parse(WITH_OPT "00 0029 0201 00008000 0000"), QUERY_OK);
	assert_int_equal(query.payload, 513);
	assert_true(query.dnssec_ok);
}

static void first_client_subnet_counts(void **state)
{
	static const uint8_t address[16] = {192, 0, 2};

	(void)state;
	assert_int_equal(parse(WITH_OPT OPT("0016") "0008 0007 0001 18 00 c00002 |"
	                                            "0008 0007 0001 18 00 c63364"),
	                 QUERY_OK);
	assert_int_equal(query.ecs.source, 24);
	assert_memory_equal(query.ecs.address, address, 16);
	/* The second is not looked at. */
	assert_int_equal(parse(WITH_OPT OPT("0010") "0008 0007 0001 18 00 c00002 |0008 0001 ff"),
	                 QUERY_OK);
}

static void options_that_are_unknown_are_walked_over(void **state)
{
	(void)state;
	config->cookies = true;
	assert_int_equal(parse(WITH_OPT OPT("0027") "000a 0008 0102030405060708 |fde9 0000 |"
	                                            "0008 0008 0002 20 00 20010db8 |"
	                                            "0003 0000 |000c 0003 000000"),
	                 QUERY_OK);
	assert_true(query.nsid);
	assert_true(query.ecs_present);
	assert_int_equal(query.ecs.family, AN_FAMILY_IPV6);
	assert_int_equal(query.ecs.source, 32);
	assert_int_equal(query.cookie_len, 8);
}

static void family_0_is_taken_where_lenient(void **state)
{
	(void)state;
	config->lenient_family0 = true;
	assert_int_equal(parse(WITH_OPT OPT("0008") "0008 0004 0000 00 00"), QUERY_OK);
	assert_true(query.ecs_present);
	assert_int_equal(query.ecs.family, 0);
	assert_int_equal(parse(WITH_OPT OPT("0009") "0008 0005 0000 08 00 0a"), QUERY_ERROR);
}

static void records_of_a_query_are_parsed_over(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD("0001 0001 0001 0001") QUESTION
	                       "c00c 0001 0001 00000000 0004 c0000201"
	                       "c010 0006 0001 00000000 0002 0000" OPT("0000")),
	                 QUERY_OK);
	assert_true(query.edns);
}

static void longest_name_is_taken_and_the_next_is_not(void **state)
{
	uint8_t octets[512] = {0x12, 0x34, 1, 0, 0, 1};
	size_t at = 12;

	(void)state;
	for (unsigned int i = 0; i < 127; i++, at += 2)
		octets[at] = 1, octets[at + 1] = 'x';
	octets[at + 2] = 1;
	octets[at + 4] = 1;
	assert_int_equal(query_parse(config, octets, at + 5, &query), QUERY_OK);
	assert_int_equal(query.name_len, 255);
	memmove(octets + 14, octets + 12, sizeof(octets) - 14);
	octets[at + 4] = 1;
	assert_int_equal(query_parse(config, octets, at + 7, &query), QUERY_ERROR);
	assert_int_equal(query.rcode, AN_RCODE_FORMERR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(plain_query_is_taken_apart),
	        TEST(responses_and_stumps_are_dropped),
	        TEST(every_cut_of_a_packet_is_formerr_or_dropped),
	        TEST(faults_get_the_rcode_that_says_so),
	        TEST(transfers_and_notify_are_told_apart),
	        TEST(cookie_has_one_of_its_lengths),
	        TEST(options_of_an_unknown_opcode_are_understood),
	        TEST(keepalive_says_no_time),
	        TEST(cookie_without_question_is_answered),
	        TEST(payload_is_at_least_512),
	        TEST(first_client_subnet_counts),
	        TEST(options_that_are_unknown_are_walked_over),
	        TEST(family_0_is_taken_where_lenient),
	        TEST(records_of_a_query_are_parsed_over),
	        TEST(longest_name_is_taken_and_the_next_is_not),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(packet);
	return failed;
}
