/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/net.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void networks_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		const char *again; /* NULL: refused */
	} rows[] = {
	        {"192.0.2.0/24", "192.0.2.0/24"},
	        {"192.0.2.1", "192.0.2.1/32"},
	        {"192.0.2.1/32", "192.0.2.1/32"},
	        {"0.0.0.0/0", "0.0.0.0/0"},
	        {"128.0.0.0/1", "128.0.0.0/1"},
	        {"2001:db8::/32", "2001:db8::/32"},
	        {"2001:DB8:0::1", "2001:db8::1/128"},
	        {"::/0", "::/0"},
	        {"::ffff:192.0.2.1", "::ffff:192.0.2.1/128"},
	        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
	         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	        {"192.0.2.1/24", NULL}, /* host bits */
	        {"2001:db8::1/127", NULL},
	        {"192.0.2.0/33", NULL},
	        {"::/129", NULL},
	        {"192.0.2.0/", NULL},
	        {"192.0.2.0/x", NULL},
	        {"192.0.2.0/24x", NULL},
	        {"192.0.2.0/-1", NULL},
	        {"192.0.2.0/ 24", NULL},
	        {"192.0.2.0/18446744073709551640", NULL},
	        {"192.0.2/24", NULL},
	        {"192.0.2.256", NULL},
	        {"1:2:3", NULL},
	        {"", NULL},
	        {"/24", NULL},
	        {"0000000000000000000000000000000000000000000000000000000000000000000", NULL},
	};
	char text[NET_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network network = {.family = 9};
		int result = network_parse(rows[i].text, &network);

		print_message("%s\n", rows[i].text);
		assert_int_equal(result, rows[i].again ? 0 : -EINVAL);
		if (rows[i].again)
			assert_string_equal(network_text(&network, text), rows[i].again);
		else
			assert_int_equal(network.family, 9); /* untouched on failure */
	}
	assert_string_equal(network_text(&(struct network){0}, text), "0/0");
}

static void masks_cut_at_every_bit(void **state)
{
	(void)state;
	for (unsigned int len = 0; len <= 130; len++) {
		uint8_t address[16];

		memset(address, 0xff, sizeof(address));
		net_mask(address, len);
		for (unsigned int bit = 0; bit < 128; bit++)
			assert_int_equal(address[bit / 8] >> (7 - bit % 8) & 1, bit < len);
	}
}

static void a_network_is_cut_out_of_an_address(void **state)
{
	static const uint8_t address[16] = {203, 0, 113, 77, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	static const uint8_t zeros[12];
	struct network network = network_of(AN_FAMILY_IPV4, address, 25);

	(void)state;
	assert_memory_equal(network.address, "\313\0\161\0", 4);
	assert_memory_equal(network.address + 4, zeros, 12);
	network = network_of(AN_FAMILY_IPV4, address, 99);
	assert_int_equal(network.len, 32);
	assert_memory_equal(network.address + 4, zeros, 12);
	network = network_of(AN_FAMILY_IPV6, address, 999);
	assert_int_equal(network.len, 128);
	assert_memory_equal(network.address, address, 16);
}

static void a_network_contains_itself_and_what_is_longer(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} rows[] = {
	        {"10.0.0.0/8", "10.0.0.0/8", true},
	        {"10.0.0.0/8", "10.255.255.255", true},
	        {"10.0.0.0/8", "11.0.0.0/8", false},
	        {"10.0.0.0/8", "10.0.0.0/7", false},
	        {"0.0.0.0/0", "192.0.2.0/24", true},
	        {"0.0.0.0/0", "2001:db8::/32", false},
	        {"::/0", "2001:db8::/32", true},
	        {"::/0", "0.0.0.0/0", false},
	        {"2001:db8::/33", "2001:db8:8000::/33", false},
	        {"2001:db8::/32", "2001:db8:8000::/33", true},
	};
	struct network outer, inner;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		assert_int_equal(network_parse(rows[i].outer, &outer), 0);
		assert_int_equal(network_parse(rows[i].inner, &inner), 0);
		assert_int_equal(network_contains(&outer, &inner), rows[i].contains);
	}
	memset(&outer, 0, sizeof(outer));
	assert_true(network_contains(&outer, &inner));
	assert_false(network_contains(&inner, &outer));
}

static void endpoints_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *again;
	} rows[] = {
	        {"192.0.2.1", "192.0.2.1@53"},
	        {"192.0.2.1@5353", "192.0.2.1@5353"},
	        {"192.0.2.1 5353", "192.0.2.1@5353"},
	        {"2001:db8::1", "2001:db8::1@53"},
	        {"::@65535", "::@65535"},
	        {"192.0.2.1@0", NULL},
	        {"192.0.2.1@65536", NULL},
	        {"192.0.2.1@", NULL},
	        {"192.0.2.1@5x", NULL},
	        {"192.0.2.1:53", NULL},
	        {"@53", NULL},
	        {"", NULL},
	        {"name", NULL},
	};
	char text[NET_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct endpoint endpoint = {.port = 9};
		int result = endpoint_parse(rows[i].text, 53, &endpoint);

		print_message("%s\n", rows[i].text);
		assert_int_equal(result, rows[i].again ? 0 : -EINVAL);
		if (rows[i].again)
			assert_string_equal(endpoint_text(&endpoint, text), rows[i].again);
		else
			assert_int_equal(endpoint.port, 9);
	}
}

static void endpoints_go_to_sockets_and_back(void **state)
{
	static const char *const texts[] = {"192.0.2.1@5353", "2001:db8::1@53", "0.0.0.0@1"};
	struct sockaddr_storage address;
	struct endpoint one, two;

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		assert_int_equal(endpoint_parse(texts[i], 0, &one), 0);
		one.scope = one.family == AN_FAMILY_IPV6 ? 3 : 0;
		assert_int_equal(endpoint_to_sockaddr(&one, &address),
		                 one.family == AN_FAMILY_IPV6 ? sizeof(struct sockaddr_in6)
		                                              : sizeof(struct sockaddr_in));
		assert_int_equal(endpoint_from_sockaddr(&address, &two), 0);
		assert_memory_equal(&one, &two, sizeof(one));
	}
	memset(&address, 0, sizeof(address));
	address.ss_family = AF_UNIX;
	assert_int_equal(endpoint_from_sockaddr(&address, &two), -EAFNOSUPPORT);
}

static void ipv4_mapped_addresses_become_ipv4(void **state)
{
	struct sockaddr_storage address;
	struct endpoint endpoint;
	char text[NET_TEXT_MAX];

	(void)state;
	assert_int_equal(endpoint_parse("::ffff:192.0.2.1@53", 0, &endpoint), 0);
	endpoint_to_sockaddr(&endpoint, &address);
	assert_int_equal(endpoint_from_sockaddr(&address, &endpoint), 0);
	assert_int_equal(endpoint.family, AN_FAMILY_IPV4);
	assert_string_equal(endpoint_text(&endpoint, text), "192.0.2.1@53");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(networks_are_read_and_written),
	        cmocka_unit_test(masks_cut_at_every_bit),
	        cmocka_unit_test(a_network_is_cut_out_of_an_address),
	        cmocka_unit_test(a_network_contains_itself_and_what_is_longer),
	        cmocka_unit_test(endpoints_are_read_and_written),
	        cmocka_unit_test(endpoints_go_to_sockets_and_back),
	        cmocka_unit_test(ipv4_mapped_addresses_become_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
