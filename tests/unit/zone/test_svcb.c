/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 9460 appendix D, and the edges around it; expectations are the RFC's octets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "anamed/dns.h"
#include "zone/zone.h"

#define HEAD "@ 300 SOA a. b. 1 2 3 4 5\n@ 300 NS ns.x.\n"

static int load(const char *rdata, struct zone **ret, struct error *error)
{
	static const uint8_t apex[] = "\1e";
	char text[1024];
	FILE *in;
	int result;

	snprintf(text, sizeof(text), HEAD "s 300 SVCB %s\n", rdata);
	in = fmemopen(text, strlen(text), "r");
	assert_non_null(in);
	result = zone_load_stream(apex, 3, in, "test", AN_TYPE_ANAME, NULL, ret, error);
	fclose(in);
	return result;
}

static void vectors_of_the_rfc_give_its_octets(void **state)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
	        {"0 x.", "0000017800"},
	        {"1 .", "000100"},
	        {"16 x. port=53", "001001780000030002"
	                          "0035"},
	        {"1 x. key667=hello", "0001017800029b000568656c6c6f"},
	        {"1 x. key667=\"hello\\210qoo\"", "0001017800029b000968656c6c6fd2716f6f"},
	        {"1 x. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
	         "000101780000060020"
	         "20010db8000000000000000000000001"
	         "20010db8000000000000000000530001"},
	        {"16 x. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
	         "0010017800"
	         "0000000400010004"
	         "00010009026832056833"
	         "2d3139"
	         "00040004c0000201"},
	        {"16 x. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "0010017800"
	                                                  "0001000c08665c6f6f2c626172026832"},
	        {"16 x. alpn=f\\\\\\092oo\\092,bar,h2", "0010017800"
	                                                "0001000c08665c6f6f2c626172026832"},
	        {"1 x. ech=AQID ipv4hint=192.0.2.1,192.0.2.2", "0001017800"
	                                                       "00040008c0000201c0000202"
	                                                       "00050003010203"},
	        {"1 x. ech=\"AQ==\" alpn=h2 no-default-alpn", "0001017800"
	                                                      "00010003026832"
	                                                      "00020000"
	                                                      "0005000101"},
	        {"1 x. key65535 key1=\\002h2", "0001017800"
	                                       "00010003026832"
	                                       "ffff0000"},
	        {"1 x. ohttp dohpath=/q{?dns}", "0001017800"
	                                        "000700082f717b3f646e737d"
	                                        "00080000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const uint8_t name[] = "\1s\1e";
		const struct zone_rdata *rdata;
		char hex[256] = "";
		struct error error = {0};
		struct zone *zone;

		if (load(rows[i].text, &zone, &error))
			fail_msg("%s: %s", rows[i].text, error.text);
		rdata = zone_rrset(zone_node_exact(zone, name, 5), AN_TYPE_SVCB)->rdata;
		for (unsigned int at = 0; at < rdata->len; at++)
			sprintf(hex + 2 * at, "%02x", rdata->data[at]);
		print_message("%s\n", rows[i].text);
		assert_string_equal(hex, rows[i].hex);
		zone_free(zone);
	}
}

static void what_is_malformed_is_refused(void **state)
{
	static const char *const rows[] = {
	        "1 x. key123=abc key123=def",
	        "1 x. mandatory",
	        "1 x. alpn",
	        "1 x. port",
	        "1 x. ipv4hint",
	        "1 x. ipv6hint",
	        "1 x. no-default-alpn=abc",
	        "1 x. mandatory=key123",
	        "1 x. mandatory=mandatory",
	        "1 x. mandatory=key123,key123 key123=abc",
	        "1 x. alpn=h2 key1=x",
	        "1 x. key1=x",
	        "1 x. key3=x",
	        "1 x. alpn=",
	        "1 x. alpn=h2,,h3",
	        "1 x. alpn=h2,",
	        "1 x. alpn=,h2",
	        "1 x. ipv4hint=192.0.2.1,",
	        "1 x. ipv4hint=192.0.2",
	        "1 x. ipv4hint=::1",
	        "1 x. port=65536",
	        "1 x. port=-1",
	        "1 x. port=123456789",
	        "1 x. ech=A",
	        "1 x. ech=A===",
	        "1 x. ech=AQ!=",
	        "1 x. key65536",
	        "1 x. key01=a",
	        "1 x. keyx",
	        "1 x. ALPN=h2",
	        "1 x. nothing",
	        "1 x. \"alpn=h2\"",
	        "1 x. key99=\\300",
	        "1 x. key99=\\1",
	        "65536 x.",
	        "1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = {0};
		struct zone *zone = NULL;

		print_message("%s\n", rows[i]);
		assert_int_equal(load(rows[i], &zone, &error), -EINVAL);
		assert_int_equal(error.line, 3);
	}
}

static void alpn_ids_have_their_length(void **state)
{
	char text[600] = "1 x. alpn=";
	struct error error;
	struct zone *zone;

	(void)state;
	memset(text + 10, 'a', 255);
	text[265] = 0;
	assert_int_equal(load(text, &zone, &error), 0);
	zone_free(zone);
	memset(text + 10, 'a', 256);
	text[266] = 0;
	assert_int_equal(load(text, &zone, &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(vectors_of_the_rfc_give_its_octets),
	        cmocka_unit_test(what_is_malformed_is_refused),
	        cmocka_unit_test(alpn_ids_have_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
