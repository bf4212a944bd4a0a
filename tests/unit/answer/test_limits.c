/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies that are too large: cut at RRsets, TC where something must be there; and compression. */
#include "unit/answer/one_scene.h"

#define MANY 70
#define HUGE 300 /* records of 240 octets */

static int setup(void **state)
{
	static char text[262144];
	static const char *const texts[] = {"example.test.", text, NULL};
	size_t at = (size_t)sprintf(text, "$TTL 300\n@ SOA ns1 host 7 7200 3600 1209600 60\n"
	                                  "@ NS ns1\nns1 A 192.0.2.53\nsub NS ns.sub\n"
	                                  "mx MX 10 ns1\nsrv SRV 1 2 3 ns1\nptr PTR ns1\n"
	                                  "in NS a.sub\ndel NS ns1\n"
	                                  "sized A 192.0.2.1\n");

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		at += (size_t)sprintf(text + at, "many A 192.0.2.%u\n", i);
		at += (size_t)sprintf(text + at, "ns.sub A 192.0.2.%u\n", i);
		at += (size_t)sprintf(text + at, "addl MX %u host\nhost A 192.0.3.%u\n", i, i);
		at += (size_t)sprintf(text + at, "glue NS ns%u.glue\nns%u.glue A 192.0.2.%u\n", i,
		                      i, i);
		at += (size_t)sprintf(text + at, "txt TXT \"%0200u\"\n", i);
	}
	for (unsigned int i = 0; i < HUGE; i++)
		at += (size_t)sprintf(text + at, "huge TXT \"%0240u\"\n", i);
	sprintf(text + at, "huge A 192.0.2.1\n");
	return one_scene_open(texts);
}

static unsigned int lines(const char *text, const char *start)
{
	unsigned int count = 0;

	for (; (text = strstr(text, start)); text++)
		count++;
	return count;
}

static void set_that_does_not_fit_sets_tc_and_keeps_opt(void **state)
{
	(void)state;
	EXPECT("NOERROR aa tc\n", .name = "many.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa tc\nopt 1232 do ecs 192.0.2.0/24/0\n", .name = "many.example.test.",
	       .type = AN_TYPE_A, .payload = 600, .ecs = "192.0.2.0/24", .dnssec_ok = true);
}

static void payload_of_the_client_decides_up_to_ours(void **state)
{
	/* 70 records of 16 octets, header, question of 23, OPT: 1 166 octets. */
	const size_t whole = 12 + 23 + MANY * 16 + 11;

	(void)state;
	assert_int_equal(lines(ASK(.name = "many.example.test.", .type = AN_TYPE_A,
	                           .payload = (uint16_t)whole),
	                       "an "),
	                 MANY);
	EXPECT("NOERROR aa tc\nopt 1232\n", .name = "many.example.test.", .type = AN_TYPE_A,
	       .payload = (uint16_t)(whole - 1));
	scene.config->udp_payload = (uint16_t)(whole - 1);
	assert_int_equal(result_of(&(struct ask){.name = "many.example.test.",
	                                         .type = AN_TYPE_A,
	                                         .payload = 4096})
	                         .flags,
	                 RESPOND_FROM_ZONE | RESPOND_TRUNCATED);
	assert_int_equal(result_of(&(struct ask){.name = "many.example.test.",
	                                         .type = AN_TYPE_A,
	                                         .payload = 4096,
	                                         .tcp = true})
	                         .len,
	                 whole);
}

static void streams_take_65535_octets(void **state)
{
	(void)state;
	assert_int_equal(
	        lines(ASK(.name = "txt.example.test.", .type = AN_TYPE_TXT, .tcp = true), "an "),
	        MANY);
	EXPECT("NOERROR aa tc\nopt 1232\n", .name = "txt.example.test.", .type = AN_TYPE_TXT,
	       .edns = true);
}

static void set_that_no_message_holds_fails_over_tcp(void **state)
{
	(void)state;
	EXPECT("NOERROR aa tc\n", .name = "huge.example.test.", .type = AN_TYPE_TXT);
	EXPECT("SERVFAIL\n", .name = "huge.example.test.", .type = AN_TYPE_TXT, .tcp = true);
	EXPECT("SERVFAIL\nopt 1232\n", .name = "huge.example.test.", .type = AN_TYPE_TXT,
	       .tcp = true, .edns = true);
	EXPECT("NOERROR aa\nan huge.example.test. 300 A 192.0.2.1\n", .name = "huge.example.test.",
	       .type = AN_TYPE_A, .tcp = true);
}

static void addresses_that_merely_help_are_left_out(void **state)
{
	const char *text = ASK(.name = "addl.example.test.", .type = AN_TYPE_MX, .payload = 1232);

	(void)state;
	assert_int_equal(lines(text, "an "), MANY);
	assert_int_equal(lines(text, "ar "), 0);
	assert_memory_equal(text, "NOERROR aa\n", 11);
	assert_int_equal(
	        lines(ASK(.name = "addl.example.test.", .type = AN_TYPE_MX, .tcp = true), "ar "),
	        MANY);
}

static void glue_that_does_not_fit_sets_tc(void **state)
{
	const char *text = ASK(.name = "x.sub.example.test.", .type = AN_TYPE_A);

	(void)state;
	assert_memory_equal(text, "NOERROR tc\n", 11);
	assert_int_equal(lines(text, "ns "), 1);
	text = ASK(.name = "x.sub.example.test.", .type = AN_TYPE_A, .tcp = true);
	assert_memory_equal(text, "NOERROR\n", 8);
	assert_int_equal(lines(text, "ar "), MANY);
	/* Sibling glue is not needed: it may be left out in silence (RFC 9471 3.2). */
	text = ASK(.name = "x.in.example.test.", .type = AN_TYPE_A);
	assert_memory_equal(text, "NOERROR\n", 8);
}

static void a_reply_never_is_longer_than_what_was_asked_for(void **state)
{
	(void)state;
	for (uint16_t payload = 512; payload <= 1232; payload++) {
		static const char *const names[] = {"many.example.test.", "x.glue.example.test.",
		                                    "addl.example.test.", "txt.example.test."};

		for (unsigned int i = 0; i < 4; i++) {
			struct ask ask = {.name = names[i],
			                  .type = i == 2 ? AN_TYPE_MX : AN_TYPE_A,
			                  .payload = payload,
			                  .ecs = "192.0.2.0/24"};
			struct respond_result result = result_of(&ask);

			assert_int_equal(result.verdict, RESPOND_SEND);
			assert_in_range(result.len, 12, payload);
		}
	}
}

/* Length of a reply that holds one record: header, question, fixed part and this. */
static size_t rdata_len(const char *name, uint16_t type, size_t additional)
{
	struct ask ask = {.name = name, .type = type};

	return result_of(&ask).len - 12 - strlen(name) - 1 - 4 - 12 - additional;
}

static void names_in_rdata_are_compressed_in_the_old_types_only(void **state)
{
	const size_t address = 16;

	(void)state;
	assert_int_equal(rdata_len("mx.example.test.", AN_TYPE_MX, address), 2 + 4 + 2);
	assert_int_equal(rdata_len("ptr.example.test.", AN_TYPE_PTR, 0), 4 + 2);
	assert_int_equal(rdata_len("srv.example.test.", AN_TYPE_SRV, address + 4), 6 + 18);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(set_that_does_not_fit_sets_tc_and_keeps_opt),
	        TEST(payload_of_the_client_decides_up_to_ours),
	        TEST(streams_take_65535_octets),
	        TEST(set_that_no_message_holds_fails_over_tcp),
	        TEST(addresses_that_merely_help_are_left_out),
	        TEST(glue_that_does_not_fit_sets_tc),
	        TEST(a_reply_never_is_longer_than_what_was_asked_for),
	        TEST(names_in_rdata_are_compressed_in_the_old_types_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
