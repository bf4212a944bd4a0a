/* SPDX-License-Identifier: BSD-2-Clause */
#include "from_text.h"

struct row {
	const char *name;
	uint16_t type;
	enum zone_case verdict;
	const char *node;    /* NULL: none */
	const char *closest; /* NULL: the node itself */
	bool wildcard;
};

static void check_rows(const struct zone *zone, const struct row *rows, size_t count)
{
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		size_t len;
		uint8_t *name = wire_name(row->name, &len);
		struct zone_match match = zone_find(zone, name, len, row->type);
		const char *closest = row->closest ? row->closest : row->node;

		print_message("%s %u\n", row->name, row->type);
		assert_int_equal(match.verdict, row->verdict);
		assert_int_equal(match.wildcard, row->wildcard);
		if (row->node)
			assert_string_equal(name_to_text(match.node->name, text), row->node);
		else
			assert_null(match.node);
		if (closest)
			assert_string_equal(name_to_text(match.closest->name, text), closest);
		else
			assert_null(match.closest);
		free(name);
	}
}

/* The zone of RFC 4592 2.2.1, whose answers that section states. */
static void the_wildcards_of_rfc_4592_are_answered_as_it_says(void **state)
{
	static const struct row rows[] = {
	        {"host3.example.", 15, ZONE_ANSWER, "*.example.", "example.", true},
	        {"host3.example.", 1, ZONE_ANSWER, "*.example.", "example.", true},
	        {"foo.bar.example.", 16, ZONE_ANSWER, "*.example.", "example.", true},
	        {"host1.example.", 15, ZONE_ANSWER, "host1.example.", NULL, false},
	        {"sub.*.example.", 15, ZONE_ANSWER, "sub.*.example.", NULL, false},
	        {"_telnet._tcp.host1.example.", 33, ZONE_NXDOMAIN, NULL, "_tcp.host1.example.",
	         false},
	        {"host.subdel.example.", 1, ZONE_DELEGATION, "subdel.example.", NULL, false},
	        {"ghost.*.example.", 15, ZONE_NXDOMAIN, NULL, "*.example.", false},
	        /* Beyond the RFC's list. */
	        {"*.example.", 15, ZONE_ANSWER, "*.example.", NULL, false},
	        {"_tcp.host1.example.", 1, ZONE_ANSWER, "_tcp.host1.example.", NULL, false},
	        {"x.host1.example.", 15, ZONE_NXDOMAIN, NULL, "host1.example.", false},
	};
	struct zone *zone = zone_of("example.",
	                            "$ORIGIN example.\n"
	                            "example. 3600 IN SOA ns hostmaster 1 2 3 4 5\n"
	                            "example. 3600 NS ns.example.com.\n"
	                            "example. 3600 NS ns.example.net.\n"
	                            "*.example. 3600 TXT \"this is a wildcard\"\n"
	                            "*.example. 3600 MX 10 host1.example.\n"
	                            "sub.*.example. 3600 TXT \"this is not a wildcard\"\n"
	                            "host1.example. 3600 A 192.0.2.1\n"
	                            "_ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.\n"
	                            "_ssh._tcp.host2.example. 3600 SRV 0 0 22 host2.example.\n"
	                            "subdel.example. 3600 NS ns.example.com.\n"
	                            "subdel.example. 3600 NS ns.example.net.\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	assert_true(zone->has_wildcards && zone->has_cuts);
	assert_false(zone->has_dnames || zone->has_anames);
	zone_free(zone);
}

static void empty_non_terminals_exist_and_stop_wildcards(void **state)
{
	static const struct row rows[] = {
	        {"c.example.", 1, ZONE_ANSWER, "c.example.", NULL, false},
	        {"b.c.example.", 1, ZONE_ANSWER, "b.c.example.", NULL, false},
	        {"x.b.c.example.", 1, ZONE_NXDOMAIN, NULL, "b.c.example.", false},
	        {"x.c.example.", 1, ZONE_NXDOMAIN, NULL, "c.example.", false},
	        {"x.example.", 1, ZONE_ANSWER, "*.example.", "example.", true},
	        /* A wildcard that is itself empty, for a name stands below it: NODATA. */
	        {"z.w.example.", 1, ZONE_ANSWER, "*.w.example.", "w.example.", true},
	        {"y.z.w.example.", 1, ZONE_ANSWER, "*.w.example.", "w.example.", true},
	        {"below.*.w.example.", 1, ZONE_ANSWER, "below.*.w.example.", NULL, false},
	};
	struct zone *zone = zone_of("example.",
	                            HEAD "a.b.c A 192.0.2.1\n"
	                                 "* A 192.0.2.2\n"
	                                 "below.*.w A 192.0.2.3\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	assert_int_equal(node_of(zone, "c.example.")->rrset_count, 0);
	assert_int_equal(node_of(zone, "*.w.example.")->rrset_count, 0);
	assert_true(node_of(zone, "example.")->flags & ZONE_NODE_WILDCARD_CHILD);
	assert_true(node_of(zone, "w.example.")->flags & ZONE_NODE_WILDCARD_CHILD);
	assert_false(node_of(zone, "c.example.")->flags & ZONE_NODE_WILDCARD_CHILD);
	/* @, ns, c, b.c, a.b.c, *, w, *.w, below.*.w */
	assert_int_equal(zone->node_count, 9);
	zone_free(zone);
}

static void cuts_hide_what_is_below_and_the_parent_answers_ds(void **state)
{
	static const struct row rows[] = {
	        {"sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"sub.example.", AN_TYPE_NS, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"sub.example.", AN_TYPE_DS, ZONE_ANSWER, "sub.example.", NULL, false},
	        {"ns.sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"ns.sub.example.", AN_TYPE_DS, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"x.sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"x.y.sub.example.", AN_TYPE_DS, ZONE_DELEGATION, "sub.example.", NULL, false},
	        /* A wildcard below a cut has no effect, nor has a cut below a cut. */
	        {"x.w.sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"x.deeper.sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"deeper.sub.example.", AN_TYPE_DS, ZONE_DELEGATION, "sub.example.", NULL, false},
	        /* The apex is no cut. */
	        {"example.", AN_TYPE_NS, ZONE_ANSWER, "example.", NULL, false},
	        {"example.", AN_TYPE_DS, ZONE_ANSWER, "example.", NULL, false},
	};
	struct zone *zone = zone_of("example.",
	                            HEAD "sub NS ns.sub\n"
	                                 "sub DS 1 13 2 abcd\n"
	                                 "ns.sub A 192.0.2.1\n"
	                                 "*.w.sub A 192.0.2.2\n"
	                                 "deeper.sub NS ns.sub\n"
	                                 "x.deeper.sub A 192.0.2.3\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	assert_true(node_of(zone, "ns.sub.example.")->flags & ZONE_NODE_OCCLUDED);
	assert_true(node_of(zone, "x.deeper.sub.example.")->flags & ZONE_NODE_OCCLUDED);
	assert_false(node_of(zone, "sub.example.")->flags & ZONE_NODE_OCCLUDED);
	assert_non_null(set_of(zone, "ns.sub.example.", AN_TYPE_A));
	assert_false(zone->has_wildcards);
	zone_free(zone);
}

static void dnames_cover_what_is_below_and_not_themselves(void **state)
{
	static const struct row rows[] = {
	        {"d.example.", 16, ZONE_ANSWER, "d.example.", NULL, false},
	        {"d.example.", AN_TYPE_DNAME, ZONE_ANSWER, "d.example.", NULL, false},
	        {"x.d.example.", 1, ZONE_DNAME, "d.example.", NULL, false},
	        {"x.y.d.example.", AN_TYPE_DS, ZONE_DNAME, "d.example.", NULL, false},
	        {"occluded.d.example.", 1, ZONE_DNAME, "d.example.", NULL, false},
	        {"x.w.d.example.", 1, ZONE_DNAME, "d.example.", NULL, false},
	        /* The upper of two counts. */
	        {"x.cut.d.example.", 1, ZONE_DNAME, "d.example.", NULL, false},
	        {"x.d.sub.example.", 1, ZONE_DELEGATION, "sub.example.", NULL, false},
	        {"nothing.example.", 1, ZONE_NXDOMAIN, NULL, "example.", false},
	};
	static const struct row at_apex[] = {
	        {"example.", AN_TYPE_DNAME, ZONE_ANSWER, "example.", NULL, false},
	        {"example.", AN_TYPE_NS, ZONE_ANSWER, "example.", NULL, false},
	        {"x.example.", 1, ZONE_DNAME, "example.", NULL, false},
	};
	struct zone *zone = zone_of("example.",
	                            HEAD "d DNAME target.example.net.\n"
	                                 "d TXT x\n"
	                                 "occluded.d A 192.0.2.1\n"
	                                 "*.w.d A 192.0.2.1\n"
	                                 "cut.d NS elsewhere.example.net.\n"
	                                 "sub NS elsewhere.example.net.\n"
	                                 "d.sub DNAME target.example.net.\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	assert_true(node_of(zone, "occluded.d.example.")->flags & ZONE_NODE_OCCLUDED);
	assert_true(zone->has_dnames);
	zone_free(zone);
	zone = zone_of("example.",
	               "$TTL 9\n@ SOA ns.x. h.x. 1 2 3 4 5\n@ NS ns.x.\n@ DNAME example.net.\n",
	               NULL);
	check_rows(zone, at_apex, ROWS(at_apex));
	zone_free(zone);
}

static void names_are_compared_without_case_and_kept_with_it(void **state)
{
	static const struct row rows[] = {
	        {"wWw.eXaMpLe.", 1, ZONE_ANSWER, "WwW.example.", NULL, false},
	        {"a\\000b.example.", 1, ZONE_ANSWER, "a\\000b.example.", NULL, false},
	        {"a\\.b.example.", 1, ZONE_ANSWER, "a\\.b.example.", NULL, false},
	        {"b.example.", 1, ZONE_NXDOMAIN, NULL, "EXAMPLE.", false},
	        {"\\223.example.", 1, ZONE_ANSWER, "\\223.example.", NULL, false},
	        /* Case is folded for ASCII only. */
	        {"\\255.example.", 1, ZONE_NXDOMAIN, NULL, "EXAMPLE.", false},
	        {"[.example.", 1, ZONE_ANSWER, "[.example.", NULL, false},
	        {"{.example.", 1, ZONE_NXDOMAIN, NULL, "EXAMPLE.", false},
	};
	struct zone *zone = zone_of("EXAMPLE.",
	                            HEAD "WwW.example. A 192.0.2.1\n"
	                                 "www AAAA ::1\n"
	                                 "a\\000b.example. A 192.0.2.1\n"
	                                 "a\\.b.example. A 192.0.2.1\n"
	                                 "\\223.example. A 192.0.2.1\n"
	                                 "[.example. A 192.0.2.1\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	assert_memory_equal(zone->apex, "\7example", 9);
	assert_int_equal(node_of(zone, "www.example.")->rrset_count, 2);
	zone_free(zone);
}

/* A name of `count` labels of one octet below example. */
static char *deep_name(unsigned int count)
{
	char *text = malloc(count * 2 + 9);

	assert_non_null(text);
	for (unsigned int i = 0; i < count; i++)
		memcpy(text + 2 * i, "d.", 2);
	strcpy(text + 2 * count, "example.");
	return text;
}

static void the_closest_encloser_is_found_at_every_depth(void **state)
{
	/* 123 labels of one octet and example. are 255 octets. */
	enum { DEEPEST = 123 };
	char zone_text[1024], text[NAME_TEXT_MAX];
	char *owner = deep_name(60);
	struct zone *zone;

	(void)state;
	snprintf(zone_text, sizeof(zone_text), HEAD "%s A 192.0.2.1\n", owner);
	zone = zone_of("example.", zone_text, NULL);
	for (unsigned int depth = 1; depth <= DEEPEST; depth++) {
		char *name_text = deep_name(depth);
		size_t len;
		uint8_t *name = wire_name(name_text, &len);
		struct zone_match match = zone_find(zone, name, len, AN_TYPE_A);

		assert_int_equal(match.verdict, depth <= 60 ? ZONE_ANSWER : ZONE_NXDOMAIN);
		assert_string_equal(name_to_text(match.closest->name, text),
		                    depth <= 60 ? name_text : owner);
		name[1] = 'x'; /* beside the chain, at this depth */
		match = zone_find(zone, name, len, AN_TYPE_A);
		assert_int_equal(match.verdict, ZONE_NXDOMAIN);
		assert_int_equal(name_labels(match.closest->name), depth <= 60 ? depth : 61);
		free(name);
		free(name_text);
	}
	zone_free(zone);
	free(owner);
}

static void the_root_can_be_a_zone(void **state)
{
	static const struct row rows[] = {
	        {".", AN_TYPE_SOA, ZONE_ANSWER, ".", NULL, false},
	        {"com.", 1, ZONE_DELEGATION, "com.", NULL, false},
	        {"x.com.", 1, ZONE_DELEGATION, "com.", NULL, false},
	        {"net.", 1, ZONE_NXDOMAIN, NULL, ".", false},
	};
	struct zone *zone = zone_of(".",
	                            "$TTL 9\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\na A 192.0.2.1\n"
	                            "com NS ns.com.\nns.com. A 192.0.2.2\n",
	                            NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	zone_free(zone);
}

static void a_name_outside_the_zone_is_found_nowhere(void **state)
{
	static const struct row rows[] = {
	        {"com.", 1, ZONE_NXDOMAIN, NULL, NULL, false},
	        {".", 1, ZONE_NXDOMAIN, NULL, NULL, false},
	};
	struct zone *zone = zone_of("example.", HEAD, NULL);

	(void)state;
	check_rows(zone, rows, ROWS(rows));
	zone_free(zone);
}

static int count_nodes(const struct zone_node *node, void *arg)
{
	size_t *count = arg;

	assert_non_null(node);
	return ++*count == 3 ? 42 : 0;
}

static void a_visitor_sees_each_node_until_it_says_stop(void **state)
{
	struct zone *zone = zone_of("example.", HEAD, NULL);
	size_t count = 0;

	(void)state;
	assert_int_equal(zone_each(zone, count_nodes, &count), 0);
	assert_int_equal(count, zone->node_count);
	zone_free(zone);
	zone = zone_of("example.", HEAD "a A 192.0.2.1\nb A 192.0.2.1\n", NULL);
	count = 0;
	assert_int_equal(zone_each(zone, count_nodes, &count), 42);
	assert_int_equal(count, 3);
	zone_free(zone);
}

/* Enough nodes for the table and the arenas to grow several times. */
static void many_nodes_are_all_found_again(void **state)
{
	enum { MANY = 20000 };
	uint8_t apex[NAME_MAX_LEN], name[NAME_MAX_LEN];
	int apex_len = name_from_text("example.", NULL, 0, apex);
	uint8_t soa[24 + 18] = {0}, address[4] = {192, 0, 2, 1};
	struct zone_builder *builder = zone_begin(apex, (size_t)apex_len, NULL);
	struct zone *zone = NULL;
	struct error error = {0};
	char text[64];

	(void)state;
	assert_non_null(builder);
	assert_int_equal(
	        zone_add(builder, apex, (size_t)apex_len, AN_TYPE_SOA, 1, soa, 22, "f", 1, &error),
	        0);
	assert_int_equal(zone_add(builder, apex, (size_t)apex_len, AN_TYPE_NS, 1,
	                          (const uint8_t *)"\1x", 3, "f", 1, &error),
	                 0);
	for (int i = 0; i < MANY; i++) {
		int len;

		snprintf(text, sizeof(text), "host-%d.sub-%d", i, i % 7);
		len = name_from_text(text, apex, (size_t)apex_len, name);
		address[3] = (uint8_t)i;
		assert_int_equal(zone_add(builder, name, (size_t)len, AN_TYPE_A, 1, address, 4, "f",
		                          1, &error),
		                 0);
	}
	assert_int_equal(zone_end(builder, &zone, &error), 0);
	assert_int_equal(zone->node_count, MANY + 7 + 1);
	assert_int_equal(zone->record_count, MANY + 2);
	for (int i = 0; i < MANY; i++) {
		const struct zone_rrset *set;

		snprintf(text, sizeof(text), "HOST-%d.sub-%d.example.", i, i % 7);
		set = set_of(zone, text, AN_TYPE_A);
		assert_non_null(set);
		assert_int_equal(set->rdata[0].data[3], (uint8_t)i);
	}
	assert_null(node_of(zone, "host-20000.sub-1.example."));
	zone_free(zone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_wildcards_of_rfc_4592_are_answered_as_it_says),
	        cmocka_unit_test(empty_non_terminals_exist_and_stop_wildcards),
	        cmocka_unit_test(cuts_hide_what_is_below_and_the_parent_answers_ds),
	        cmocka_unit_test(dnames_cover_what_is_below_and_not_themselves),
	        cmocka_unit_test(names_are_compared_without_case_and_kept_with_it),
	        cmocka_unit_test(the_closest_encloser_is_found_at_every_depth),
	        cmocka_unit_test(the_root_can_be_a_zone),
	        cmocka_unit_test(a_name_outside_the_zone_is_found_nowhere),
	        cmocka_unit_test(a_visitor_sees_each_node_until_it_says_stop),
	        cmocka_unit_test(many_nodes_are_all_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
