/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "../zone/from_text.h"
#include "transfer/catalog.h"

#define CATALOG                                                                                    \
	"$TTL 0\n"                                                                                 \
	"@ SOA invalid. invalid. 1 2 3 4 5\n"                                                      \
	"@ NS invalid.\n"
#define VERSION CATALOG "version TXT 2\n"

static struct config_name name_from(const char *text)
{
	struct config_name name = {.len = 0};
	uint8_t wire[NAME_MAX_LEN];
	int len = name_from_text(text, NULL, 0, wire);

	assert_true(len > 0);
	name.len = (uint8_t)len;
	memcpy(name.name, wire, name.len);
	return name;
}

static bool names(const struct catalog *catalog, const char *text)
{
	struct config_name name = name_from(text);

	return catalog_find(catalog, &name) != NULL;
}

static int read_text(const char *text, struct catalog *ret, struct error *error)
{
	struct zone *zone = zone_of("catalog.test", text, NULL);
	int result = catalog_read(zone, ret, error);

	zone_free(zone);
	return result;
}

static void members_are_the_ptr_records_below_zones(void **state)
{
	struct catalog catalog;
	struct error error = {0};

	(void)state;
	assert_int_equal(read_text(VERSION "a.zones PTR One.Test.\n"
	                                   "B.ZONES PTR two.test.\n"
	                                   "group.a.zones TXT servers\n"
	                                   "a.other PTR three.test.\n"
	                                   "zones PTR four.test.\n"
	                                   "x.y.zones PTR five.test.\n"
	                                   "c.zones TXT no-member\n"
	                                   "@ PTR six.test.\n",
	                           &catalog, &error),
	                 0);
	assert_int_equal(catalog.count, 2);
	assert_true(names(&catalog, "one.test"));
	assert_true(names(&catalog, "two.test"));
	assert_false(names(&catalog, "three.test"));
	assert_false(names(&catalog, "test"));
	assert_memory_equal(catalog.members[0].name.name, "\3one\4test", 10);
	assert_int_equal(catalog.members[0].coo.len, 0);
	catalog_done(&catalog);
}

static void a_catalog_may_be_empty(void **state)
{
	struct catalog catalog;
	struct error error = {0};

	(void)state;
	assert_int_equal(read_text(VERSION, &catalog, &error), 0);
	assert_int_equal(catalog.count, 0);
	assert_false(names(&catalog, "one.test"));
	catalog_done(&catalog);
}

static void broken_catalogs_are_refused_as_a_whole(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
	        {CATALOG "a.zones PTR one.test.\n", "without a version"},
	        {CATALOG "version TXT 1\n", "another version"},
	        {CATALOG "version TXT 2 2\n", "another version"},
	        {CATALOG "version TXT 2\nversion TXT 1\n", "more than one version"},
	        {CATALOG "version A 192.0.2.1\n", "without a version"},
	        {VERSION "a.zones PTR one.test.\na.zones PTR two.test.\n", "more than one PTR"},
	        {VERSION "a.zones PTR one.test.\nb.zones PTR ONE.test.\n", "one.test. twice"},
	        {VERSION
	         "a.zones PTR one.test.\ncoo.a.zones PTR x.test.\ncoo.a.zones PTR y.test.\n",
	         "more than one PTR"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct catalog catalog = {NULL, 99};
		struct error error = {0};

		assert_int_equal(read_text(rows[i].text, &catalog, &error), -EINVAL);
		assert_int_equal(catalog.count, 99); /* untouched */
		if (!strstr(error.text, rows[i].error))
			fail_msg("\"%s\" in place of \"%s\"", error.text, rows[i].error);
	}
}

static void a_change_of_ownership_is_read(void **state)
{
	struct catalog catalog;
	struct error error = {0};
	struct config_name one = name_from("one.test"), two = name_from("two.test");
	const struct catalog_member *member;

	(void)state;
	assert_int_equal(read_text(VERSION "a.zones PTR one.test.\n"
	                                   "coo.a.zones PTR Other.Catalog.test.\n"
	                                   "b.zones PTR two.test.\n"
	                                   "coo.c.zones PTR other.catalog.test.\n"
	                                   "coo.zones PTR odd.test.\n",
	                           &catalog, &error),
	                 0);
	assert_int_equal(catalog.count, 3); /* "coo" is a unique label like any other */
	member = catalog_find(&catalog, &one);
	assert_memory_equal(member->coo.name, "\5other\7catalog\4test", member->coo.len);
	assert_int_equal(member->coo.len, 20);
	assert_int_equal(catalog_find(&catalog, &two)->coo.len, 0);
	catalog_done(&catalog);
}

static void another_label_is_another_member(void **state)
{
	struct catalog a, b, c;
	struct error error = {0};

	(void)state;
	assert_int_equal(read_text(VERSION "a.zones PTR one.test.\n", &a, &error), 0);
	assert_int_equal(read_text(VERSION "b.zones PTR one.test.\n", &b, &error), 0);
	assert_int_equal(read_text(VERSION "A.zones PTR one.test.\n", &c, &error), 0);
	assert_true(a.members[0].id != b.members[0].id);
	assert_true(a.members[0].id == c.members[0].id);
	catalog_done(&a);
	catalog_done(&b);
	catalog_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members_are_the_ptr_records_below_zones),
	        cmocka_unit_test(a_catalog_may_be_empty),
	        cmocka_unit_test(broken_catalogs_are_refused_as_a_whole),
	        cmocka_unit_test(a_change_of_ownership_is_read),
	        cmocka_unit_test(another_label_is_another_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
