/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences between views: what they say, put onto the old, gives the new. */
#include "out_scene.h"

#include <errno.h>

#include "transfer/history.h"

#define LINE_OCTETS 600

/* ---- a view as a sorted list of lines, for comparing ---- */

struct lines {
	char **line;
	size_t count, room;
};

static void lines_add(struct lines *lines, const struct record_item *item)
{
	char name[NAME_TEXT_MAX], *text = malloc(LINE_OCTETS), *at = text;
	uint8_t low[NAME_MAX_LEN];

	name_lower(low, item->name, item->name_len);
	at += snprintf(text, LINE_OCTETS, "%s %u %u ", name_to_text(low, name), item->type,
	               item->ttl);
	for (uint16_t i = 0; i < item->rdata_len && at < text + LINE_OCTETS - 3; i++)
		at += sprintf(at, "%02x", item->rdata[i]);
	if (lines->count == lines->room) {
		lines->room = lines->room ? lines->room * 2 : 64;
		lines->line = realloc(lines->line, lines->room * sizeof(char *));
	}
	lines->line[lines->count++] = text;
}

static int line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_sort(struct lines *lines)
{
	if (lines->count)
		qsort(lines->line, lines->count, sizeof(char *), line_order);
}

static struct lines lines_of(const struct view *view)
{
	struct zone_walk walk = zone_walk(view->zone);
	const struct zone_node *node;
	struct lines lines = {0};

	while ((node = zone_walk_next(&walk))) {
		struct view_node at = view_node(view, node);
		struct view_set set;

		while (view_node_next(&at, &set))
			for (uint16_t i = 0; i < set.count; i++) {
				struct record_item item = {.name = node->name,
				                           .name_len = node->name_len,
				                           .type = set.type,
				                           .ttl = set.ttl};

				item.rdata = view_rdata(&set, i, &item.rdata_len);
				lines_add(&lines, &item);
			}
	}
	lines_sort(&lines);
	return lines;
}

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
}

/* Every removal must find its record, no addition one that is there. */
static void lines_apply(struct lines *lines, const struct step *step)
{
	struct lines removed = {0}, added = {0};
	struct record_item item;

	for (size_t at = 0; record_list_next(&step->removed, &at, &item);)
		lines_add(&removed, &item);
	for (size_t at = 0; record_list_next(&step->added, &at, &item);)
		lines_add(&added, &item);
	assert_int_equal(removed.count, step->removed.count);
	assert_int_equal(added.count, step->added.count);
	for (size_t i = 0; i < removed.count; i++) {
		char **found = lines->count ? bsearch(&removed.line[i], lines->line, lines->count,
		                                      sizeof(char *), line_order)
		                            : NULL;

		if (!found)
			fail_msg("removes what is not there: %s", removed.line[i]);
		free(*found);
		memmove(found, found + 1,
		        (size_t)(lines->line + lines->count - found - 1) * sizeof(char *));
		lines->count--;
	}
	for (size_t i = 0; i < added.count; i++)
		if (lines->count &&
		    bsearch(&added.line[i], lines->line, lines->count, sizeof(char *), line_order))
			fail_msg("adds what is there: %s", added.line[i]);
	for (size_t at = 0; record_list_next(&step->added, &at, &item);)
		lines_add(lines, &item);
	lines_sort(lines);
	lines_free(&removed);
	lines_free(&added);
}

static void assert_same_lines(const struct lines *a, const struct lines *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_string_equal(a->line[i], b->line[i]);
}

/* ---- views to compare ---- */

static struct view *native_of(const char *text)
{
	struct zone *zone = out_zone("example.test", text, NULL);
	struct view *view = view_new(zone, NULL, TRANSFER_NATIVE, zone->serial);

	zone_free(zone);
	assert_non_null(view);
	return view;
}

static struct step *step_of(const struct view *from, const struct view *to)
{
	struct step *step = NULL;

	assert_int_equal(step_between(from, to, SIZE_MAX, &step), 0);
	return step;
}

#define SOA(serial) "$TTL 300\n@ SOA ns hostmaster " serial " 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n"

static void test_one_changed_address_is_one_removal_and_one_addition(void **state)
{
	struct view *a = native_of(SOA("7") "www A 192.0.2.1\nwww A 192.0.2.2\n");
	struct view *b = native_of(SOA("8") "www A 192.0.2.2\nwww A 192.0.2.3\n");
	struct step *step = step_of(a, b);

	(void)state;
	assert_int_equal(step->from, 7);
	assert_int_equal(step->to, 8);
	assert_int_equal(step->removed.count, 1);
	assert_int_equal(step->added.count, 1);
	step_free(step);
	view_free(a);
	view_free(b);
}

static void test_another_ttl_changes_the_whole_set(void **state)
{
	struct view *a = native_of(SOA("7") "www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n");
	struct view *b = native_of(SOA("8") "www 90 A 192.0.2.1\nwww 90 A 192.0.2.2\n");
	struct step *step = step_of(a, b);

	(void)state;
	assert_int_equal(step->removed.count, 2);
	assert_int_equal(step->added.count, 2);
	step_free(step);
	view_free(a);
	view_free(b);
}

static void test_names_in_another_case_are_no_difference(void **state)
{
	struct view *a = native_of(SOA("7") "www A 192.0.2.1\nm MX 5 www\nd.e A 192.0.2.4\n");
	struct view *b = native_of(SOA("8") "WWW A 192.0.2.1\nM MX 5 wWw\nd.E A 192.0.2.4\n");
	struct step *step = step_of(a, b);

	(void)state;
	assert_int_equal(step_octets(step), 0);
	step_free(step);
	view_free(a);
	view_free(b);
}

static void test_more_than_the_bound_is_no_step(void **state)
{
	struct view *a = native_of(SOA("7")), *b = native_of(SOA("8") "www A 192.0.2.1\n");
	struct step *step = step_of(a, b), *none = NULL;
	size_t octets = step_octets(step);

	(void)state;
	assert_int_equal(step_between(a, b, octets - 1, &none), -E2BIG);
	assert_null(none);
	assert_int_equal(step_between(a, b, octets, &none), 0);
	step_free(none);
	step_free(step);
	view_free(a);
	view_free(b);
}

static void test_condensing_forgets_what_came_and_went(void **state)
{
	struct view *views[] = {native_of(SOA("7") "a A 192.0.2.1\n"),
	                        native_of(SOA("8") "a A 192.0.2.1\nb A 192.0.2.2\n"),
	                        native_of(SOA("9") "a A 192.0.2.3\n"),
	                        native_of(SOA("10") "a A 192.0.2.4\n")};
	struct step *steps[3], *whole = NULL;

	(void)state;
	for (int i = 0; i < 3; i++)
		steps[i] = step_of(views[i], views[i + 1]);
	assert_int_equal(step_condense(steps, 3, &whole), 0);
	assert_int_equal(whole->from, 7);
	assert_int_equal(whole->to, 10);
	assert_int_equal(whole->removed.count, 1);
	assert_int_equal(whole->added.count, 1);
	assert_memory_equal(whole->soa[0], steps[0]->soa[0], whole->soa_len[0]);
	assert_memory_equal(whole->soa[1], steps[2]->soa[1], whole->soa_len[1]);
	step_free(whole);
	for (int i = 0; i < 3; i++)
		step_free(steps[i]);
	for (int i = 0; i < 4; i++)
		view_free(views[i]);
}

/* ---- random zones ---- */

static uint32_t random_state;

static unsigned int draw(unsigned int below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static const char *const owners[] = {"a", "b",   "*.b", "c.d", "c.e.d", "F",
                                     "g", "*.g", "h.i", "j",   "k.j"};

/* A record, so that the same draws make the same text. */
static int put_random(char *text, size_t size)
{
	const char *owner = owners[draw(sizeof(owners) / sizeof(owners[0]))];
	unsigned int ttl = 60 + 30 * draw(2), n = draw(4);

	switch (draw(5)) {
	case 0:
		return snprintf(text, size, "%s %u A 192.0.2.%u\n", owner, ttl, n);
	case 1:
		return snprintf(text, size, "%s %u AAAA 2001:db8::%u\n", owner, ttl, n);
	case 2:
		return snprintf(text, size, "%s %u MX %u mail%u\n", owner, ttl, n, n);
	case 3:
		return snprintf(text, size, "%s %u TXT \"%u\"\n", owner, ttl, n);
	default:
		return snprintf(text, size, "%s %u ANAME target%u.example.net.\n", owner, ttl, n);
	}
}

/* Entries for each flattened owner, some known. */
static struct expand_table *random_table(const struct zone *zone)
{
	struct expand_table *table = expand_table_new(zone->node_count);
	struct zone_walk walk = zone_walk(zone);
	const struct zone_node *node;

	while ((node = zone_walk_next(&walk))) {
		uint8_t octets[2 * 16];
		struct expand_set sets[2] = {0};

		if (!zone_flattens(zone, node))
			continue;
		for (size_t i = 0; i < sizeof(octets); i++)
			octets[i] = (uint8_t)(i / 16 + draw(2));
		for (int i = 0; i < 2; i++)
			sets[i] = (struct expand_set){.known = draw(3) > 0,
			                              .count = (uint16_t)draw(2),
			                              .ttl = 20 + draw(2),
			                              .octets = octets};
		for (int i = 0; i < 2; i++)
			if (!sets[i].known)
				sets[i].count = 0;
		expand_table_put(table, expand_entry_new(node->name, node->name_len, sets));
	}
	return table;
}

static struct view *random_view(uint32_t serial, enum transfer_mode mode)
{
	char text[8192];
	int at = snprintf(text, sizeof(text),
	                  "$TTL 300\n@ SOA ns hostmaster %u 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n",
	                  serial);
	struct expand_table *table;
	struct zone *zone;
	struct view *view;

	for (unsigned int i = 2 + draw(30); i; i--)
		at += put_random(text + at, sizeof(text) - (size_t)at);
	zone = out_zone("example.test", text, NULL);
	table = random_table(zone);
	view = view_new(zone, table, mode, serial);
	expand_table_free(table);
	zone_free(zone);
	return view;
}

static void try_seed(uint32_t seed, enum transfer_mode mode)
{
	struct view *views[5];
	struct step *steps[4], *whole = NULL;
	struct lines first, now;

	random_state = seed;
	for (uint32_t i = 0; i < 5; i++)
		views[i] = random_view(100 + i, mode);
	first = lines_of(views[0]);
	now = lines_of(views[0]);
	for (int i = 0; i < 4; i++) {
		struct lines next = lines_of(views[i + 1]);

		steps[i] = step_of(views[i], views[i + 1]);
		lines_apply(&now, steps[i]);
		assert_same_lines(&now, &next);
		lines_free(&next);
	}
	assert_int_equal(step_condense(steps, 4, &whole), 0);
	lines_apply(&first, whole);
	assert_same_lines(&first, &now);
	step_free(whole);
	for (int i = 0; i < 4; i++)
		step_free(steps[i]);
	for (int i = 0; i < 5; i++)
		view_free(views[i]);
	lines_free(&first);
	lines_free(&now);
}

static void test_random_zones_become_each_other(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++)
		for (int mode = 0; mode < BOOK_MODES; mode++)
			try_seed(seed, (enum transfer_mode)mode);
}

/* ---- histories ---- */

static void test_a_history_keeps_so_many_steps(void **state)
{
	struct history history = {0};

	(void)state;
	for (uint32_t i = 0; i < HISTORY_STEPS_MAX + 5; i++) {
		struct view *a = random_view(i, TRANSFER_NATIVE);
		struct view *b = random_view(i + 1, TRANSFER_NATIVE);

		history_add(&history, step_of(a, b), SIZE_MAX);
		view_free(a);
		view_free(b);
	}
	assert_int_equal(history.count, HISTORY_STEPS_MAX);
	assert_int_equal(history_find(&history, 4), -ENOENT);
	assert_int_equal(history_find(&history, 5), 0);
	assert_int_equal(history_find(&history, HISTORY_STEPS_MAX + 4), HISTORY_STEPS_MAX - 1);
	history_clear(&history);
	assert_int_equal(history.octets, 0);
}

static void test_a_history_keeps_so_many_octets(void **state)
{
	struct history history = {0};
	size_t each = 0;

	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		struct view *a = native_of(SOA("7")), *b = native_of(SOA("8") "www A 192.0.2.1\n");
		struct step *step = step_of(a, b);

		step->from = i;
		each = step_octets(step);
		history_add(&history, step, 3 * each);
		view_free(a);
		view_free(b);
	}
	assert_int_equal(history.count, 3);
	assert_int_equal(history.octets, 3 * each);
	assert_int_equal(history_find(&history, 2), -ENOENT);
	assert_int_equal(history_find(&history, 3), 0);
	history_clear(&history);
}

static void test_serials_follow_each_other_round_the_circle(void **state)
{
	(void)state;
	assert_true(serial_after(1, 0));
	assert_false(serial_after(0, 1));
	assert_false(serial_after(5, 5));
	assert_true(serial_after(0, UINT32_MAX));
	assert_true(serial_after(0x7fffffff, 0));
	assert_false(serial_after(0x80000000, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_changed_address_is_one_removal_and_one_addition),
	        cmocka_unit_test(test_another_ttl_changes_the_whole_set),
	        cmocka_unit_test(test_names_in_another_case_are_no_difference),
	        cmocka_unit_test(test_more_than_the_bound_is_no_step),
	        cmocka_unit_test(test_condensing_forgets_what_came_and_went),
	        cmocka_unit_test(test_random_zones_become_each_other),
	        cmocka_unit_test(test_a_history_keeps_so_many_steps),
	        cmocka_unit_test(test_a_history_keeps_so_many_octets),
	        cmocka_unit_test(test_serials_follow_each_other_round_the_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
