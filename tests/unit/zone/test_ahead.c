/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked for ahead is what the look-up will look at. */
#include "from_text.h"

#include "zone/ahead.h"
#include "zone/table.h"

#define NAMES 500

static struct zones *large_set(void)
{
	size_t size = NAMES * 40 + 200;
	char *text = malloc(size);
	int at = snprintf(text, size, "%s", HEAD);
	struct zone *zone[2];
	struct zones *zones;

	assert_true(at > 0);
	for (unsigned int i = 0; i < NAMES; i++)
		at += snprintf(text + at, size - (size_t)at, "h%u A 192.0.2.1\n", i);
	zone[0] = zone_of("example.", text, NULL);
	zone[1] = zone_of("sub.example.", HEAD, NULL);
	zones = zones_new(zone, 2);
	assert_non_null(zones);
	free(text);
	return zones;
}

static void the_node_asked_for_is_the_names_own(void **state)
{
	struct zones *zones = large_set();
	struct zone_ahead ahead[NAMES];
	uint8_t *names[NAMES];
	size_t lens[NAMES];

	(void)state;
	for (unsigned int i = 0; i < NAMES; i++) {
		char text[32];

		snprintf(text, sizeof(text), "H%u.example.", i);
		names[i] = wire_name(text, &lens[i]);
		zone_ahead_begin(&ahead[i], zones, names[i], lens[i]);
	}
	zone_ahead_walk(ahead, NAMES);
	for (unsigned int i = 0; i < NAMES; i++) {
		const struct zone *zone = zones_find(zones, names[i], lens[i], AN_TYPE_A);

		assert_non_null(ahead[i].node);
		assert_ptr_equal(&ahead[i].node->pub, zone_node_exact(zone, names[i], lens[i]));
		free(names[i]);
	}
	zones_free(zones);
}

static void what_is_not_there_asks_for_nothing(void **state)
{
	static const char *const texts[] = {"x.example.", "x.sub.example.", "test.", ".",
	                                    "h1.h2.example."};
	struct zone_ahead ahead[ROWS(texts)];
	struct zones *zones = large_set();

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		size_t len;
		uint8_t *name = wire_name(texts[i], &len);

		zone_ahead_begin(&ahead[i], zones, name, len);
		free(name);
	}
	zone_ahead_walk(ahead, ROWS(texts));
	for (size_t i = 0; i < ROWS(texts); i++)
		assert_null(ahead[i].node);
	assert_null(ahead[2].table);
	assert_null(ahead[3].table);
	zones_free(zones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_node_asked_for_is_the_names_own),
	        cmocka_unit_test(what_is_not_there_asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
