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

/* Why a network is in its region; what takes a database is in tests/geo. */

static char table[256];
static struct config *config;
static struct geo *geo;

static int set_up(void **state)
{
	struct error error = {0};
	char text[2048];
	FILE *file;
	int fd;

	(void)state;
	folder_template(table, sizeof(table), "table");
	fd = mkstemp(table);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	fprintf(file, "198.51.100.0/24,east,20\n198.51.100.0/24,west,10\n");
	fclose(file);
	snprintf(text, sizeof(text),
	         "zones: [{name: example.com, file: z}]\n"
	         "policies:\n"
	         "  - name: p\n"
	         "    rules:\n"
	         "      - {region: lab, networks: [192.0.2.0/24, '2001:db8:1::/48']}\n"
	         "      - {region: wide, networks: [192.0.0.0/16, '2001:db8::/32']}\n"
	         "    table: %s\n"
	         "    default: rest\n",
	         table);
	if (config_parse("/tmp/t.yaml", text, strlen(text), &config, &error) ||
	    geo_new(config, NULL, &geo, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	geo_free(geo);
	config_free(config);
	unlink(table);
	return 0;
}

static void check(const char *text, enum geo_how how, const char *region, unsigned int line)
{
	struct geo_reason reason;
	struct error error = {0};
	struct network network = {0};
	const char *found;

	if (text[0])
		assert_int_equal(network_parse(text, &network), 0);
	if (geo_explain(config, "p", &network, &reason, &error))
		fail_msg("%s", error.text);
	assert_int_equal(reason.how, how);
	assert_int_equal(reason.line, line);
	found = geo_region_name(geo, 0, geo_find(geo, 0, &network).region);
	assert_string_equal(found, region);
	if (reason.region)
		assert_string_equal(reason.region, region);
}

static void the_first_rule_that_matches_is_named(void **state)
{
	(void)state;
	check("192.0.2.0/24", GEO_BY_RULE, "lab", 5);
	check("192.0.2.77", GEO_BY_RULE, "lab", 5);
	check("192.0.3.0/24", GEO_BY_RULE, "wide", 6);
	check("2001:db8:1:2::/64", GEO_BY_RULE, "lab", 5);
	check("2001:db8:2::1", GEO_BY_RULE, "wide", 6);
	/* Its first address speaks for a network. */
	check("192.0.0.0/16", GEO_BY_RULE, "wide", 6);
}

static void then_the_table_then_the_default(void **state)
{
	(void)state;
	check("198.51.100.0/24", GEO_BY_TABLE, "west", 0);
	check("198.51.101.0/24", GEO_BY_DEFAULT, "rest", 0);
	check("2001:db9::/32", GEO_BY_DEFAULT, "rest", 0);
	check("", GEO_BY_DEFAULT, "rest", 0);
}

static void a_policy_that_is_not_there_is_a_fault(void **state)
{
	struct network network = {.family = AN_FAMILY_IPV4};
	struct geo_reason reason;
	struct error error = {0};

	(void)state;
	assert_int_equal(geo_explain(config, "q", &network, &reason, &error), -ENOENT);
	unlink(table);
	assert_int_equal(geo_explain(config, "p", &network, &reason, &error), -ENOENT);
	assert_non_null(strstr(error.file, table));
}

int main(void)
{
#define WITH_POLICY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        WITH_POLICY(the_first_rule_that_matches_is_named),
	        WITH_POLICY(then_the_table_then_the_default),
	        WITH_POLICY(a_policy_that_is_not_there_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
