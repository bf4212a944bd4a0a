/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control.h"
#include "steer/geo.h"
#include "unit/folder.h"

/* Policies of networks and tables; what takes a database is in tests/geo. */

#define HEAD "zones: [{name: example.com, file: z}]\n"

#define NETWORKS                                                                                   \
	"policies:\n"                                                                              \
	"  - name: p\n"                                                                            \
	"    rules:\n"                                                                             \
	"      - {region: lab, networks: [192.0.2.0/24, '2001:db8:1::/48']}\n"                     \
	"      - {region: wide, networks: [192.0.0.0/16, '2001:db8::/32']}\n"                      \
	"    default: rest\n"                                                                      \
	"  - name: q\n"                                                                            \
	"    rules:\n"                                                                             \
	"      - {region: wide, networks: [198.51.100.0/24]}\n"                                    \
	"    default: other\n"

static char table_path[256];

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct error error = {0};

	if (config_parse("/tmp/test.yaml", text, strlen(text), &config, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	return config;
}

static struct geo *make(const char *text, const struct geo *old)
{
	struct config *config = parse(text);
	struct error error = {0};
	struct geo *geo = NULL;

	if (geo_new(config, old, &geo, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	config_free(config);
	return geo;
}

static struct geo_found find(const struct geo *geo, const char *policy, const char *text)
{
	struct network network;
	int number = geo_policy(geo, policy);

	assert_int_equal(network_parse(text, &network), 0);
	assert_true(number >= 0);
	return geo_find(geo, (unsigned int)number, &network);
}

static void expect(const struct geo *geo, const char *policy, const char *text, const char *region,
                   unsigned int len)
{
	struct geo_found found = find(geo, policy, text);
	const char *name =
	        geo_region_name(geo, (unsigned int)geo_policy(geo, policy), found.region);

	if (!name || strcmp(name, region) != 0 || found.len != len)
		fail_msg("%s in %s: %s /%u, not %s /%u", text, policy, name ? name : "none",
		         found.len, region, len);
}

static void the_first_rule_that_matches_counts(void **state)
{
	struct geo *geo = make(HEAD NETWORKS, NULL);

	(void)state;
	expect(geo, "p", "192.0.2.0/24", "lab", 24);
	expect(geo, "p", "192.0.2.77", "lab", 24);
	expect(geo, "p", "192.0.3.0/24", "wide", 24);
	expect(geo, "p", "192.0.128.0/24", "wide", 17);
	expect(geo, "p", "2001:db8:1::/48", "lab", 48);
	expect(geo, "p", "2001:db8:1:ff00::/56", "lab", 48);
	expect(geo, "p", "2001:db8:8000::/48", "wide", 33);
	geo_free(geo);
}

static void the_default_has_its_network_too(void **state)
{
	struct geo *geo = make(HEAD NETWORKS, NULL);

	(void)state;
	expect(geo, "p", "193.0.0.0/24", "rest", 8);
	expect(geo, "p", "128.0.0.0/24", "rest", 3);
	expect(geo, "p", "2001:db9::/48", "rest", 32);
	expect(geo, "q", "192.0.2.0/24", "other", 24); /* told apart by the other policy */
	expect(geo, "q", "198.51.100.0/24", "wide", 24);
	geo_free(geo);
}

static void regions_follow_one_another(void **state)
{
	struct geo *geo = make(HEAD "policies:\n"
	                            "  - name: p\n"
	                            "    rules:\n"
	                            "      - {region: a, then: [b, c], networks: [192.0.2.0/24]}\n"
	                            "      - {region: c, then: [a], networks: [192.0.3.0/24]}\n"
	                            "      - {region: b, networks: [192.0.4.0/24]}\n"
	                            "    default: b\n"
	                            "    default-then: [a]\n",
	                       NULL);
	uint32_t order[GEO_ORDER_MAX];

	(void)state;
	expect(geo, "p", "192.0.2.0/24", "a > b > c", 24);
	expect(geo, "p", "192.0.3.0/24", "c > a", 24);
	expect(geo, "p", "192.0.4.0/24", "b", 24);
	expect(geo, "p", "200.0.0.0/24", "b > a", 5);
	assert_int_equal(geo_region_order(geo, 0, find(geo, "p", "192.0.2.0/24").region, order), 3);
	assert_int_equal(order[0], geo_region(geo, 0, "a"));
	assert_int_equal(order[1], geo_region(geo, 0, "b"));
	assert_int_equal(order[2], geo_region(geo, 0, "c"));
	assert_int_equal(geo_region_order(geo, 0, geo_region(geo, 0, "b"), order), 0);
	assert_int_equal(geo_region_order(geo, 0, 99, order), 0);
	geo_free(geo);
}

static void special_networks_lie_in_networks_of_their_own(void **state)
{
	struct geo *geo = make(HEAD "policies: [{name: p, default: d}]\n", NULL);

	(void)state;
	expect(geo, "p", "10.1.2.0/24", "d", 8);
	expect(geo, "p", "11.0.0.0/24", "d", 8);
	expect(geo, "p", "100.64.0.0/24", "d", 10);
	expect(geo, "p", "fe80::/56", "d", 10);
	expect(geo, "p", "4000::/56", "d", 2);
	geo_free(geo);
}

static void nobody_is_in_the_default(void **state)
{
	struct geo *geo = make(HEAD NETWORKS, NULL);
	struct network nobody = {0};
	struct geo_found found = geo_find(geo, 1, &nobody);

	(void)state;
	assert_string_equal(geo_region_name(geo, 1, found.region), "other");
	assert_int_equal(found.len, 0);
	assert_int_equal(geo_find(geo, 2, &nobody).region, 0);
	assert_int_equal(geo_policy(geo, "r"), -ENOENT);
	assert_int_equal(geo_region(geo, 0, "other"), 0);
	assert_null(geo_region_name(geo, 0, 9));
	geo_free(geo);
}

static void numbers_come_in_order_and_stay(void **state)
{
	struct geo *geo = make(HEAD NETWORKS, NULL), *next;

	(void)state;
	assert_int_equal(geo_region(geo, 0, "lab"), 1);
	assert_int_equal(geo_region(geo, 0, "wide"), 2);
	assert_int_equal(geo_region(geo, 0, "rest"), 3);
	next = make(HEAD "policies:\n  - name: new\n    default: x\n  - name: p\n"
	                 "    regions: [fresh]\n    default: wide\n",
	            geo);
	assert_int_equal(geo_policy(next, "p"), 0);
	assert_int_equal(geo_policy(next, "q"),
	                 -ENOENT); /* is gone; its number is not given anew */
	assert_int_equal(geo_policy(next, "new"), 2);
	assert_int_equal(geo_region(next, 0, "wide"), 2);
	assert_int_equal(geo_region(next, 0, "fresh"), 4);
	expect(next, "p", "192.0.2.0/24", "wide", 9);
	geo_free(geo);
	geo_free(next);
}

static void numbers_outlive_the_process(void **state)
{
	struct geo *geo = make(HEAD NETWORKS, NULL), *recalled, *next;
	char path[300];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s.names", table_path);
	assert_int_equal(geo_remember(geo, path), 0);
	assert_int_equal(geo_recall(path, &recalled), 0);
	assert_true(geo_numbering(recalled) == geo_numbering(geo));
	next = make(HEAD "policies:\n  - {name: q, default: x y}\n  - {name: p, default: rest}\n",
	            recalled);
	assert_int_equal(geo_policy(next, "p"), 0);
	assert_int_equal(geo_region(next, 0, "rest"), 3);
	assert_int_equal(geo_region(next, 1, "x y"), 3);
	assert_true(geo_numbering(next) != geo_numbering(geo));
	geo_free(recalled);
	assert_int_equal(geo_remember(next, path), 0);
	assert_int_equal(geo_recall(path, &recalled), 0);
	assert_int_equal(geo_region(recalled, 1, "x y"), 3); /* the blank came back */
	geo_free(recalled);
	geo_free(next);
	geo_free(geo);
	file = fopen(path, "a");
	fputs("only-one-word\n", file);
	fclose(file);
	assert_int_equal(geo_recall(path, &recalled), -EBADMSG);
	unlink(path);
	assert_int_equal(geo_recall(path, &recalled), -ENOENT);
}

/* Eight names of 63 octets, most of which are escaped in the file. */
static void the_longest_order_outlives_the_process(void **state)
{
	struct geo *geo, *recalled = NULL;
	char text[2048], names[8][64] = {{0}}, order[1024] = "", path[300];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		names[i][0] = (char)('a' + i);
		for (size_t j = 1; j < 63; j += 2)
			memcpy(names[i] + j, "\xc3\xa9", 2);
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s%s",
		         i ? " > " : "", names[i]);
	}
	len = (size_t)snprintf(text, sizeof(text),
	                       HEAD "policies: [{name: p, default: %s, default-then: [", names[0]);
	for (size_t i = 1; i < 8; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 1 ? ", " : "",
		                        names[i]);
	snprintf(text + len, sizeof(text) - len, "]}]\n");
	geo = make(text, NULL);
	snprintf(path, sizeof(path), "%s.names", table_path);
	assert_int_equal(geo_remember(geo, path), 0);
	assert_int_equal(geo_recall(path, &recalled), 0);
	assert_int_equal(geo_region(geo, 0, order), 9);
	assert_int_equal(geo_region(recalled, 0, order), 9);
	assert_true(geo_numbering(recalled) == geo_numbering(geo));
	unlink(path);
	geo_free(recalled);
	geo_free(geo);
}

static void without_databases_lists_and_defaults_decide(void **state)
{
	struct config *config =
	        parse(HEAD "databases: [{name: x, file: /nonexistent}]\npolicies:\n"
	                   "  - name: p\n    database: x\n    table: /nonexistent\n"
	                   "    nearest: [{region: n, latitude: 1, longitude: 1}]\n    rules:\n"
	                   "      - {region: r, country: [DE], networks: [192.0.2.0/24]}\n"
	                   "      - {region: s, networks: [192.0.2.0/23]}\n    default: d\n");
	struct error error = {0};
	struct geo *geo;

	(void)state;
	assert_int_equal(geo_new_blind(config, NULL, &geo, &error), 0);
	expect(geo, "p", "192.0.2.0/24", "s", 23);
	expect(geo, "p", "193.0.0.0/24", "d", 8);
	geo_free(geo);
	config_free(config);
}

/* ---- tables ---- */

static void write_table(const char *text)
{
	FILE *file = fopen(table_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_with_table(const char *table, struct geo **ret, struct error *error)
{
	char text[512];
	struct config *config;
	int err;

	write_table(table);
	snprintf(text, sizeof(text), HEAD "policies: [{name: p, table: %s, default: d}]\n",
	         table_path);
	config = parse(text);
	err = geo_new(config, NULL, ret, error);
	config_free(config);
	return err;
}

static void the_quickest_of_the_longest_network_counts(void **state)
{
	struct error error = {0};
	struct geo *geo;

	(void)state;
	assert_int_equal(make_with_table("network,region,ms\n# measured today\n"
	                                 "192.0.0.0/16,a,10\n192.0.0.0/16,b,9.5\n"
	                                 " 192.0.2.0/24 , c , 80\n192.0.2.0/24,a,80 # a tie\n"
	                                 "2001:db8::/32,b,1\n\n",
	                                 &geo, &error),
	                 0);
	expect(geo, "p", "192.0.1.0/24", "b", 23);
	expect(geo, "p", "192.0.2.0/24", "c", 24);
	expect(geo, "p", "2001:db8::/56", "b", 32);
	expect(geo, "p", "193.0.0.0/24", "d", 8);
	geo_free(geo);
}

static void a_bad_table_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *words;
	} faults[] = {
	        {"", 0, "no lines"},
	        {"# nothing\n", 0, "no lines"},
	        {"192.0.2.0/24,a\n", 1, "three fields"},
	        {"192.0.2.0/24,a,1\n192.0.2.0/24,a,1,2\n", 2, "more than"},
	        {"192.0.2.1/24,a,1\n", 1, "not a network"},
	        {"network,region,ms\nnetwork,region,ms\n", 2, "not a network"},
	        {"192.0.2.0/24,,1\n", 1, "1 to 63"},
	        {"192.0.2.0/24,a,1\n192.0.2.0/24,us > de,1\n", 2, "no `>'"},
	        {"192.0.2.0/24,a,fast\n", 1, "milliseconds"},
	        {"192.0.2.0/24,a,-1\n", 1, "milliseconds"},
	        {"192.0.2.0/24,a,nan\n", 1, "milliseconds"},
	        {"192.0.2.0/24,a,\n", 1, "milliseconds"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct error error = {0};
		struct geo *geo;

		assert_true(make_with_table(faults[i].text, &geo, &error) < 0);
		if (error.line != faults[i].line || strcmp(error.file, table_path) != 0 ||
		    !strstr(error.text, faults[i].words))
			fail_msg("%s:%u: %s, for: %s", error.file, error.line, error.text,
			         faults[i].text);
	}
}

/* ---- what is wrong, and what is odd ---- */

static void a_database_that_cannot_be_read_is_named(void **state)
{
	static const struct {
		const char *file, *words;
	} faults[] = {{"/nonexistent.mmdb", "No such file"},
	              {"/dev/zero", "not a file"},
	              {"/tmp", "not a file"},
	              {"/proc/self/exe", "not a MaxMind database"}};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct error error = {0};
		struct config *config;
		struct geo *geo;
		char text[512];

		snprintf(text, sizeof(text),
		         HEAD "databases:\n  - {name: x, file: %s}\npolicies:\n"
		              "  - {name: p, database: x, default: d, rules: [{region: r, country: "
		              "[DE]}]}\n",
		         faults[i].file);
		config = parse(text);
		assert_true(geo_new(config, NULL, &geo, &error) < 0);
		assert_int_equal(error.line, 3);
		assert_string_equal(error.file, "/tmp/test.yaml");
		if (!strstr(error.text, faults[i].words))
			fail_msg("%s", error.text);
		config_free(config);
	}
}

static void a_rule_that_nothing_is_left_for_is_said(void **state)
{
	struct geo *geo = make(HEAD "policies:\n  - name: p\n    rules:\n"
	                            "      - {region: a, networks: [192.0.2.0/24, 192.0.3.0/24]}\n"
	                            "      - {region: b, networks: [192.0.2.0/23]}\n"
	                            "    default: d\n",
	                       NULL);
	const struct config_warning *warnings;
	size_t count;

	(void)state;
	warnings = geo_warnings(geo, &count);
	assert_int_equal(count, 1);
	assert_int_equal(warnings[0].line, 6);
	assert_non_null(strstr(warnings[0].text, "region b covers nothing"));
	geo_free(geo);
}

static void without_policies_there_is_no_table(void **state)
{
	struct geo *geo = make(HEAD, NULL);

	(void)state;
	assert_int_equal(geo_size(geo).locations, 0);
	assert_int_equal(geo_policy(geo, "p"), -ENOENT);
	geo_free(geo);
}

static void a_table_knows_what_it_was_made_of(void **state)
{
	static const char other[] =
	        HEAD "policies: [{name: p, default: rest, rules: [{region: lab, "
	             "networks: [192.0.2.0/24]}]}]\n",
	                  more[] = HEAD "policies: [{name: p, default: rest, rules: [{region: lab, "
	                                "networks: [192.0.2.0/24, 192.0.3.0/24]}]}]\n";
	struct config *config = parse(other), *again = parse(other), *wider = parse(more);
	struct geo *geo = make(other, NULL), *held = geo_hold(geo);
	struct geo *blind = NULL;
	struct error error = {0};

	(void)state;
	assert_true(geo_same_settings(geo, again) && geo_same_files(geo, again));
	assert_false(geo_same_settings(geo, wider));
	assert_int_equal(geo_new_blind(config, NULL, &blind, &error), 0);
	assert_false(geo_same_settings(blind, config) || geo_same_files(blind, config));
	geo_free(blind);
	geo_free(geo);
	/* Still there for who holds it. */
	assert_true(geo_same_settings(held, again));
	geo_free(held);
	config_free(config);
	config_free(again);
	config_free(wider);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_first_rule_that_matches_counts),
	        cmocka_unit_test(the_default_has_its_network_too),
	        cmocka_unit_test(regions_follow_one_another),
	        cmocka_unit_test(special_networks_lie_in_networks_of_their_own),
	        cmocka_unit_test(nobody_is_in_the_default),
	        cmocka_unit_test(a_table_knows_what_it_was_made_of),
	        cmocka_unit_test(numbers_come_in_order_and_stay),
	        cmocka_unit_test(numbers_outlive_the_process),
	        cmocka_unit_test(the_longest_order_outlives_the_process),
	        cmocka_unit_test(without_databases_lists_and_defaults_decide),
	        cmocka_unit_test(the_quickest_of_the_longest_network_counts),
	        cmocka_unit_test(a_bad_table_is_refused_with_its_line),
	        cmocka_unit_test(a_database_that_cannot_be_read_is_named),
	        cmocka_unit_test(a_rule_that_nothing_is_left_for_is_said),
	        cmocka_unit_test(without_policies_there_is_no_table),
	};
	int fd = mkstemp(folder_template(table_path, sizeof(table_path), "geo")), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(table_path);
	return failed;
}
