/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks, what upstream is asked with, and under which key its answer is kept (RFC 7871). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steer/audience.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const char *const special_texts[] = {
        "0.0.0.0/8",     "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",   "::/128",      "::1/128",
        "::ffff:0:0/96", "fc00::/7",       "fe80::/10",     "ff00::/8",
};

static struct network special[ROWS(special_texts)];

static struct config make_config(void)
{
	struct config config = {
	        .ecs_from_source = true, .special = special, .special_count = ROWS(special_texts)};

	for (size_t i = 0; i < ROWS(special_texts); i++)
		assert_int_equal(network_parse(special_texts[i], &special[i]), 0);
	return config;
}

/* "address/len" to the option; host bits may not be set in one. */
static struct ecs ecs_of(const char *text)
{
	struct network network;
	struct ecs ecs = {0};

	assert_int_equal(network_parse(text, &network), 0);
	ecs.family = network.family;
	ecs.source = network.len;
	memcpy(ecs.address, network.address, 16);
	return ecs;
}

static struct endpoint source_of(const char *text)
{
	struct endpoint source;

	assert_int_equal(endpoint_parse(text, 4711, &source), 0);
	return source;
}

static void assert_network(const struct network *network, const char *text)
{
	char words[NET_TEXT_MAX];

	assert_string_equal(network_text(network, words), text);
}

static void the_deciding_network_is_the_option_or_the_source(void **state)
{
	static const struct {
		const char *ecs; /* NULL: none */
		const char *source;
		const char *network; /* "0/0": nobody */
		unsigned int special_len;
	} rows[] = {
	        {NULL, "198.51.100.77", "198.51.100.0/24", 0},
	        {NULL, "2001:db8:1:2:3::4", "2001:db8:1::/56", 0},
	        {"203.0.113.0/24", "198.51.100.77", "203.0.113.0/24", 0},
	        {"203.0.113.7/32", "198.51.100.77", "203.0.113.7/32", 0},
	        {"203.0.112.0/20", "198.51.100.77", "203.0.112.0/20", 0},
	        {"128.0.0.0/1", "198.51.100.77", "128.0.0.0/1", 0},
	        {"2001:db8:7::/48", "198.51.100.77", "2001:db8:7::/48", 0},
	        {"203.0.113.0/24", "2001:db8::1", "203.0.113.0/24", 0},
	        {"2001:db8:7:1::/64", "198.51.100.77", "2001:db8:7:1::/64", 0},
	        {"2001:db8:7:1:8000::/65", "198.51.100.77", "2001:db8:7:1::/64", 0},
	        {"2001:db8:7:1:8000::1/128", "198.51.100.77", "2001:db8:7:1::/64", 0},
	        /* SOURCE 0: nobody, wherever the packet comes from. */
	        {"0.0.0.0/0", "198.51.100.77", "0/0", 0},
	        {"::/0", "198.51.100.77", "0/0", 0},
	        /* A special-use option is ignored, a special-use source is nobody. */
	        {"10.1.2.0/24", "198.51.100.77", "198.51.100.0/24", 8},
	        {"192.168.1.0/24", "2001:db8::1", "2001:db8::/56", 16},
	        {"172.31.0.0/16", "198.51.100.77", "198.51.100.0/24", 12},
	        {"fd00:1::/48", "198.51.100.77", "198.51.100.0/24", 7},
	        {"::1/128", "198.51.100.77", "198.51.100.0/24", 128},
	        {"::ffff:203.0.113.7/128", "198.51.100.77", "198.51.100.0/24", 96},
	        {"10.1.2.0/24", "10.9.9.9", "0/0", 8},
	        {NULL, "10.9.9.9", "0/0", 0},
	        {NULL, "127.0.0.1", "0/0", 0},
	        {NULL, "::1", "0/0", 0},
	        {NULL, "fe80::1", "0/0", 0},
	        {"203.0.113.0/24", "10.9.9.9", "203.0.113.0/24", 0},
	        /* Networks that only reach into a special block are ordinary. */
	        {"10.0.0.0/7", "198.51.100.77", "10.0.0.0/7", 0},
	        {"192.0.0.0/8", "198.51.100.77", "192.0.0.0/8", 0},
	        {"fe80::/9", "198.51.100.77", "fe80::/9", 0},
	        /* Documentation networks are ordinary. */
	        {"192.0.2.0/24", "10.9.9.9", "192.0.2.0/24", 0},
	        {"2001:db8::/32", "10.9.9.9", "2001:db8::/32", 0},
	};
	struct config config = make_config();

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct endpoint source = source_of(rows[i].source);
		struct ecs ecs = {0};
		struct client client;

		print_message("%s from %s\n", rows[i].ecs ? rows[i].ecs : "-", rows[i].source);
		if (rows[i].ecs)
			ecs = ecs_of(rows[i].ecs);
		client = audience_client(&config, rows[i].ecs ? &ecs : NULL, &source);
		assert_network(&client.network, rows[i].network);
		assert_int_equal(client.ecs_present, rows[i].ecs != NULL);
		assert_int_equal(client.special, rows[i].special_len != 0);
		assert_int_equal(client.special_len, rows[i].special_len);
		if (rows[i].ecs) /* echoed as it came */
			assert_memory_equal(&client.ecs, &ecs, sizeof(ecs));
	}
}

static void without_ecs_from_source_the_source_decides_nothing(void **state)
{
	struct config config = make_config();
	struct endpoint source = source_of("198.51.100.77");
	struct ecs ecs = ecs_of("10.0.0.0/8"), ordinary = ecs_of("203.0.113.0/24");
	struct client client;

	(void)state;
	config.ecs_from_source = false;
	client = audience_client(&config, NULL, &source);
	assert_network(&client.network, "0/0");
	client = audience_client(&config, &ecs, &source);
	assert_network(&client.network, "0/0");
	assert_true(client.special);
	client = audience_client(&config, &ordinary, &source);
	assert_network(&client.network, "203.0.113.0/24");
}

static void family_0_is_nobody_and_is_echoed(void **state)
{
	struct config config = make_config();
	struct endpoint source = source_of("198.51.100.77");
	struct ecs ecs = {0};
	struct client client = audience_client(&config, &ecs, &source);

	(void)state;
	assert_network(&client.network, "0/0");
	assert_true(client.ecs_present);
	assert_int_equal(client.ecs.family, 0);
}

/* Each block's first and last address, and its neighbours outside. */
static void the_edges_of_every_special_network(void **state)
{
	static const struct {
		const char *first, *last, *before, *after; /* NULL: there is none outside */
		unsigned int len;
	} rows[] = {
	        {"0.0.0.0", "0.255.255.255", NULL, "1.0.0.0", 8},
	        {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", 8},
	        {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0", 10},
	        {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0", 8},
	        {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0", 16},
	        {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0", 12},
	        {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0", 16},
	        {"224.0.0.0", "255.255.255.255", "223.255.255.255", NULL, 3},
	        {"::", "::", NULL, "::2", 128},
	        {"::1", "::1", NULL, "::2", 128},
	        {"::ffff:0.0.0.0", "::ffff:255.255.255.255", "::fffe:ffff:ffff", "::1:0:0:0", 96},
	        {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	         "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", 7},
	        {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	         "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", 10},
	        {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	         "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, 8},
	};
	struct config config = make_config();

	(void)state;
	assert_int_equal(ROWS(rows), config.special_count);
	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *const inside[] = {rows[i].first, rows[i].last};
		const char *const outside[] = {rows[i].before, rows[i].after};
		struct network host;

		for (int j = 0; j < 2; j++) {
			const struct network *found;

			print_message("%s\n", inside[j]);
			assert_int_equal(network_parse(inside[j], &host), 0);
			found = audience_special(&config, &host);
			assert_ptr_equal(found, &special[i]);
			assert_int_equal(found->len, rows[i].len);
			if (!outside[j])
				continue;
			print_message("%s\n", outside[j]);
			assert_int_equal(network_parse(outside[j], &host), 0);
			assert_null(audience_special(&config, &host));
		}
	}
}

static void of_nested_special_networks_the_longest_counts(void **state)
{
	struct network nested[3], inner;
	struct config config = {.special = nested, .special_count = 3};

	(void)state;
	network_parse("10.0.0.0/8", &nested[0]);
	network_parse("10.1.0.0/16", &nested[1]);
	network_parse("10.0.0.0/9", &nested[2]);
	network_parse("10.1.2.0/24", &inner);
	assert_ptr_equal(audience_special(&config, &inner), &nested[1]);
	network_parse("10.2.0.0/16", &inner);
	assert_ptr_equal(audience_special(&config, &inner), &nested[2]);
	config.special_count = 0;
	assert_null(audience_special(&config, &inner));
}

static void a_scope_is_lengthened_until_it_is_clear(void **state)
{
	static const struct {
		const char *network;
		unsigned int scope, clear;
	} rows[] = {
	        {"192.0.2.0/24", 24, 24}, {"11.0.0.0/8", 0, 8},    {"11.0.0.0/8", 8, 8},
	        {"11.0.0.0/8", 24, 24},   {"10.2.0.0/16", 0, 15},  {"10.2.0.0/16", 16, 16},
	        {"10.0.0.0/15", 8, 16},   {"10.1.2.0/24", 9, 9},   {"8.0.0.0/6", 6, 7},
	        {"128.0.0.0/1", 0, 1},    {"2001:db8::/32", 0, 0}, {"2001:db8:ffff::/48", 20, 20},
	};
	struct network table[2], network;
	struct config config = {.special = table, .special_count = 2};

	(void)state;
	network_parse("10.1.0.0/16", &table[0]);
	network_parse("10.1.2.0/24", &table[1]);
	for (size_t i = 0; i < ROWS(rows); i++) {
		print_message("%s\n", rows[i].network);
		assert_int_equal(network_parse(rows[i].network, &network), 0);
		assert_int_equal(audience_clear(&config, &network, rows[i].scope), rows[i].clear);
	}
}

static void upstream_is_asked_with_at_most_the_limits(void **state)
{
	static const struct {
		const char *client; /* NULL: nobody */
		unsigned int ipv4_max, ipv6_max;
		const char *asked;
	} rows[] = {
	        {"203.0.113.7/32", 24, 56, "203.0.113.0/24"},
	        {"203.0.113.0/24", 24, 56, "203.0.113.0/24"},
	        {"203.0.112.0/20", 24, 56, "203.0.112.0/20"},
	        {"203.0.113.7/32", 32, 56, "203.0.113.7/32"},
	        {"203.0.113.7/32", 0, 56, "0/0"},
	        {"203.0.113.7/32", 1, 56, "128.0.0.0/1"},
	        {"2001:db8:1:2::/64", 24, 56, "2001:db8:1::/56"},
	        {"2001:db8:1:2::/64", 24, 64, "2001:db8:1:2::/64"},
	        {"2001:db8::/32", 24, 56, "2001:db8::/32"},
	        {"2001:db8::/32", 24, 0, "0/0"},
	        {NULL, 24, 56, "0/0"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network client = {0}, asked;

		print_message("%s\n", rows[i].client ? rows[i].client : "nobody");
		if (rows[i].client)
			assert_int_equal(network_parse(rows[i].client, &client), 0);
		asked = audience_ask(&client, rows[i].ipv4_max, rows[i].ipv6_max);
		assert_network(&asked, rows[i].asked);
	}
}

static void answers_are_kept_as_rfc_7871_says(void **state)
{
	static const struct {
		const char *asked; /* NULL: SOURCE 0 */
		unsigned int maximum, scope;
		bool tailored;
		const char *key;
	} rows[] = {
	        /* SCOPE no longer than SOURCE: the SCOPE prefix. */
	        {"203.0.113.0/24", 24, 24, false, "203.0.113.0/24"},
	        {"203.0.113.0/24", 24, 23, false, "203.0.112.0/23"},
	        {"203.0.113.0/24", 24, 16, true, "203.0.0.0/16"},
	        {"203.0.113.0/24", 24, 1, false, "128.0.0.0/1"},
	        {"203.0.112.0/20", 24, 20, false, "203.0.112.0/20"},
	        {"203.0.112.0/20", 24, 8, false, "203.0.0.0/8"},
	        /* Longer, SOURCE at our maximum: the SOURCE prefix. */
	        {"203.0.113.0/24", 24, 25, false, "203.0.113.0/24"},
	        {"203.0.113.0/24", 24, 32, true, "203.0.113.0/24"},
	        {"2001:db8::/56", 56, 57, false, "2001:db8::/56"},
	        {"2001:db8::/56", 56, 128, false, "2001:db8::/56"},
	        /* Longer, SOURCE below our maximum: for that SOURCE alone. */
	        {"203.0.112.0/20", 24, 21, false, "203.0.112.0/20 exactly"},
	        {"203.0.112.0/20", 24, 32, false, "203.0.112.0/20 exactly"},
	        {"2001:db8::/55", 56, 56, false, "2001:db8::/55 exactly"},
	        /* SCOPE 0 is for everyone, unless the target is known to tailor. */
	        {"203.0.113.0/24", 24, 0, false, "everyone"},
	        {"203.0.112.0/20", 24, 0, false, "everyone"},
	        {"2001:db8::/56", 56, 0, false, "everyone"},
	        {"203.0.113.0/24", 24, 0, true, "203.0.113.0/24"},
	        {"2001:db8::/56", 56, 0, true, "2001:db8::/56"},
	        {"203.0.112.0/20", 24, 0, true, "203.0.112.0/20 exactly"},
	        /* SOURCE 0 is nobody's, whatever SCOPE says. */
	        {NULL, 24, 0, false, "nobody"},
	        {NULL, 24, 0, true, "nobody"},
	        {NULL, 24, 24, false, "nobody"},
	        {NULL, 0, 0, false, "nobody"},
	        /* Keys hold 64 bits. */
	        {"2001:db8:1:2::/64", 64, 64, false, "2001:db8:1:2::/64"},
	        {"2001:db8:1:2:8000::/80", 80, 80, false, "2001:db8:1:2::/64"},
	        {"2001:db8:1:2:8000::/80", 80, 65, false, "2001:db8:1:2::/64"},
	        {"2001:db8:1:2:8000::/80", 80, 63, false, "2001:db8:1:2::/63"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network asked = {0};
		struct an_audience_key key;
		char text[NET_TEXT_MAX + 16];

		print_message("%s scope %u\n", rows[i].asked ? rows[i].asked : "-", rows[i].scope);
		if (rows[i].asked)
			assert_int_equal(network_parse(rows[i].asked, &asked), 0);
		key = audience_key(&asked, rows[i].maximum, rows[i].scope, rows[i].tailored);
		assert_string_equal(audience_text(&key, text), rows[i].key);
	}
}

static void keys_are_spelled_out_to_the_last_octet(void **state)
{
	static const struct an_audience_key everyone = {.kind = AN_AUDIENCE_NET};
	static const struct an_audience_key nobody = {.kind = AN_AUDIENCE_EXACT};
	static const struct an_audience_key net = {.kind = AN_AUDIENCE_NET,
	                                           .family = AN_FAMILY_IPV4,
	                                           .len = 23,
	                                           .prefix = {203, 0, 112}};
	struct network asked, back;
	struct an_audience_key key;

	(void)state;
	network_parse("203.0.113.0/24", &asked);
	key = audience_key(&asked, 24, 23, false);
	assert_memory_equal(&key, &net, sizeof(key));
	back = audience_network(&key);
	assert_network(&back, "203.0.112.0/23");
	key = audience_key(&asked, 24, 0, false);
	assert_memory_equal(&key, &everyone, sizeof(key));
	back = audience_network(&key);
	assert_network(&back, "0/0");
	memset(&asked, 0, sizeof(asked));
	key = audience_key(&asked, 24, 0, false);
	assert_memory_equal(&key, &nobody, sizeof(key));
	network_parse("2001:db8:1:2::/64", &asked);
	key = audience_key(&asked, 64, 64, false);
	back = audience_network(&key);
	assert_true(network_equal(&back, &asked));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_deciding_network_is_the_option_or_the_source),
	        cmocka_unit_test(without_ecs_from_source_the_source_decides_nothing),
	        cmocka_unit_test(family_0_is_nobody_and_is_echoed),
	        cmocka_unit_test(the_edges_of_every_special_network),
	        cmocka_unit_test(of_nested_special_networks_the_longest_counts),
	        cmocka_unit_test(a_scope_is_lengthened_until_it_is_clear),
	        cmocka_unit_test(upstream_is_asked_with_at_most_the_limits),
	        cmocka_unit_test(answers_are_kept_as_rfc_7871_says),
	        cmocka_unit_test(keys_are_spelled_out_to_the_last_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
