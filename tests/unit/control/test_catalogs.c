/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "control/catalogs.h"
#include "control/control.h"
#include "control/words.h"

#define MANY 20000

static const char text[] = "zones:\n"
                           "  - {name: own.example, file: z}\n"
                           "  - name: cat1.example\n"
                           "    catalog: yes\n"
                           "    siblings: override\n"
                           "    dnssec: yes\n"
                           "    flatten-owners: [www.cat1.example]\n"
                           "    primaries: [{address: 192.0.2.1}]\n"
                           "    secondaries: [{address: 192.0.2.2}]\n"
                           "  - name: cat2.example\n"
                           "    catalog: yes\n"
                           "    file: c2\n"
                           "    primaries: [{address: 192.0.2.3}]\n";

static struct config_name name_of(const char *word)
{
	struct config_name name;

	assert_int_equal(words_name(word, &name), 0);
	return name;
}

static struct config *base_of(void)
{
	struct config *config = NULL;
	struct error error;

	if (config_parse("/c/f", text, strlen(text), &config, &error))
		fail_msg("%u: %s", error.line, error.text);
	return config;
}

static void expect_zone(const struct config *config, size_t at, const char *name,
                        const char *catalog)
{
	const struct config_name want = name_of(name);
	const struct config_zone *zone = &config->zones[at];

	assert_true(at < config->zones_count);
	assert_int_equal(zone->name.len, want.len);
	assert_memory_equal(zone->name.name, want.name, want.len);
	if (!catalog) {
		assert_null(zone->member_of);
		return;
	}
	/* What a member refers to is in the same list. */
	assert_true(zone->member_of >= config->zones &&
	            zone->member_of < config->zones + config->zones_count);
	assert_memory_equal(zone->member_of->name.name, name_of(catalog).name,
	                    zone->member_of->name.len);
}

static void members_have_their_catalogs_settings(void **state)
{
	const struct config_name one = name_of("cat1.example"), two = name_of("cat2.example"),
	                         a = name_of("a.example"), b = name_of("b.example");
	const struct catalogs_pair pairs[] = {{&one, &a}, {&two, &b}};
	struct config *base = base_of(), *config;
	const struct config_zone *member;

	(void)state;
	assert_int_equal(catalogs_config(base, pairs, 2, &config), 0);
	assert_int_equal(config->zones_count, 5);
	expect_zone(config, 0, "own.example", NULL);
	expect_zone(config, 1, "cat1.example", NULL);
	expect_zone(config, 3, "a.example", "cat1.example");
	expect_zone(config, 4, "b.example", "cat2.example");
	member = &config->zones[3];
	assert_false(member->catalog);
	assert_int_equal(member->siblings, SIBLINGS_OVERRIDE);
	assert_true(member->dnssec);
	assert_string_equal(member->dnssec_keys, "/c/keys");
	assert_int_equal(member->flatten_owners_count, 0);
	assert_ptr_equal(member->primaries, base->zones[1].primaries);
	assert_int_equal(member->secondaries_count, 1);
	assert_null(config->zones[4].file);
	assert_non_null(config->zones[2].file);
	assert_ptr_equal(config->listen, base->listen);
	catalogs_free(config, base);
	catalogs_free(base, base); /* is left alone */
	assert_int_equal(base->zones_count, 3);
	config_free(base);
}

static void every_name_is_there_once(void **state)
{
	const struct config_name one = name_of("cat1.example"), two = name_of("cat2.example"),
	                         own = name_of("own.example"), a = name_of("a.example"),
	                         gone = name_of("cat3.example");
	const struct catalogs_pair pairs[] = {
	        {&one, &own},  /* is configured itself */
	        {&one, &one},  /* the same */
	        {&two, &a},    /* the first to say so */
	        {&one, &a},    /* too late */
	        {&own, &gone}, /* no catalog */
	        {&gone, &gone} /* not configured */,
	        {&a, &gone}, /* a member is no catalog */
	};
	struct config *base = base_of(), *config;

	(void)state;
	assert_int_equal(catalogs_config(base, pairs, 7, &config), 0);
	assert_int_equal(config->zones_count, 4);
	expect_zone(config, 0, "own.example", NULL);
	expect_zone(config, 1, "cat1.example", NULL);
	expect_zone(config, 3, "a.example", "cat2.example");
	catalogs_free(config, base);
	config_free(base);
}

static void many_members_keep_their_order(void **state)
{
	static struct config_name names[MANY];
	static struct catalogs_pair pairs[MANY];
	const struct config_name one = name_of("cat1.example");
	struct config *base = base_of(), *config;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		char word[32];

		snprintf(word, sizeof(word), "m%zu.example", i);
		names[i] = name_of(word);
		pairs[i] = (struct catalogs_pair){&one, &names[i]};
	}
	assert_int_equal(catalogs_config(base, pairs, MANY, &config), 0);
	assert_int_equal(config->zones_count, 3 + MANY);
	expect_zone(config, 3, "m0.example", "cat1.example");
	expect_zone(config, 2 + MANY, "m19999.example", "cat1.example");
	catalogs_free(config, base);
	config_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members_have_their_catalogs_settings),
	        cmocka_unit_test(every_name_is_there_once),
	        cmocka_unit_test(many_members_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
