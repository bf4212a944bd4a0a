/* SPDX-License-Identifier: BSD-2-Clause */
/* What a zone may hold and what it may not; how its RRsets come out. */
#include <errno.h>

#include "from_text.h"

struct fault {
	const char *text; /* after HEAD, whose lines are 1 to 4 */
	unsigned int line;
	const char *words;
};

static void check_faults(const struct fault *faults, size_t count,
                         const struct config_zone *settings)
{
	for (size_t i = 0; i < count; i++) {
		struct error error = {0};
		struct zone *zone = NULL;
		char text[2048];

		snprintf(text, sizeof(text), HEAD "%s", faults[i].text);
		print_message("%s", faults[i].text);
		assert_int_equal(load_text("example.", text, settings, &zone, &error), -EINVAL);
		assert_null(zone);
		assert_int_equal(error.line, faults[i].line);
		assert_string_equal(error.file, "text");
		if (!strstr(error.text, faults[i].words))
			fail_msg("\"%s\" does not say \"%s\"", error.text, faults[i].words);
	}
}

static void what_may_not_stand_in_a_zone_is_refused_with_its_line(void **state)
{
	static const struct fault faults[] = {
	        {"a.example.net. A 192.0.2.1\n", 5, "outside the zone"},
	        {"example2. A 192.0.2.1\n", 5, "outside the zone"},
	        {"a CNAME b\na A 192.0.2.1\n", 6, "CNAME and other data"},
	        {"a A 192.0.2.1\na CNAME b\n", 6, "CNAME and other data"},
	        {"a CNAME b\na CNAME c\n", 6, "more than one CNAME"},
	        {"a CNAME b\na ANAME c\n", 6, "ANAME and CNAME"},
	        {"a ANAME b\n\na CNAME c\n", 7, "ANAME and CNAME"},
	        {"@ CNAME b\n", 5, "CNAME at the apex"},
	        {"a DNAME b\na DNAME c\n", 6, "more than one DNAME"},
	        {"a DNAME b\na CNAME c\n", 6, "CNAME and DNAME"},
	        {"a CNAME b\na DNAME c\n", 6, "CNAME and DNAME"},
	        {"a DNAME b\na NS ns\n", 6, "DNAME and NS"},
	        {"*.a NS ns\n", 5, "NS at a wildcard"},
	        {"*.a DNAME b\n", 5, "DNAME at a wildcard"},
	        {"@ SOA ns hostmaster 8 2 3 4 60\n", 5, "more than one SOA"},
	        {"a SOA ns hostmaster 7 2 3 4 60\n", 5, "SOA below the apex"},
	        /* Name servers. */
	        {"@ NS ns2\nns2 ANAME x.example.net.\n", 5, "is the owner of an ANAME"},
	        {"@ NS ns2\nns2 ANAME x.example.net.\nns2 A 192.0.2.1\n", 5, "ANAME"},
	        {"sub NS x.w\n*.w ANAME x.example.net.\n", 5, "is the owner of an ANAME"},
	};

	(void)state;
	check_faults(faults, ROWS(faults), NULL);
}

/* What a parent or a primary says of name servers is its own affair; a person is told. */
static void zone_with_faulty_name_servers_is_served_with_warnings(void **state)
{
	static const struct fault faults[] = {
	        {"@ NS ns2\nns2 CNAME ns\n", 5, "is a CNAME"},
	        {"@ NS ns2\n", 5, "does not exist"},
	        {"@ NS ns2\nns2 TXT x\n", 5, "has no address"},
	        {"@ NS a.d\nd DNAME x.\n", 5, "below a DNAME"},
	        {"sub NS ns.sub\n", 5, "no glue"},
	        {"sub NS ns.sub\nns.sub TXT x\n", 5, "no glue"},
	        {"sub NS a\na CNAME ns\n", 5, "is a CNAME"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(faults); i++) {
		struct zone *zone;
		char text[512];

		snprintf(text, sizeof(text), HEAD "%s", faults[i].text);
		zone = zone_of("example.", text, NULL);
		assert_int_equal(zone->warning_count, 1);
		assert_int_equal(zone->warnings->error.line, faults[i].line);
		assert_non_null(strstr(zone->warnings->error.text, faults[i].words));
		assert_null(zone->warnings->next);
		zone_free(zone);
	}
}

static void warnings_stand_in_the_order_of_the_file(void **state)
{
	struct zone *zone = zone_of("example.", HEAD "b NS ns.b\na NS ns.a\n", NULL);

	(void)state;
	assert_int_equal(zone->warning_count, 2);
	assert_int_equal(zone->warnings->error.line, 5);
	assert_int_equal(zone->warnings->next->error.line, 6);
	zone_free(zone);
}

static void what_may_stand_in_a_zone_loads(void **state)
{
	static const char *const texts[] = {
	        "a CNAME b\na CNAME B\n", /* one and the same */
	        "a CNAME B\na CNAME b\n",
	        ("a CNAME b\na RRSIG CNAME 13 2 300 20300101000000 20260101000000 1 @ AAAA\n"
	         "a NSEC b CNAME\n"),
	        "a ANAME b\na ANAME c\na A 192.0.2.1\na MX 10 a\na TXT x\n",
	        "*.a ANAME b\n",
	        "a DNAME b\na ANAME c\n",
	        "@ SOA NS hostmaster 7 2 3 4 60\n",
	        "@ MX 10 a\na CNAME ns\n_x._tcp SRV 1 2 3 a\n",
	        "sub NS ns.sub\nns.sub AAAA ::1\n",
	        "sub NS ns.other\nother NS ns.example.net.\n", /* another cut's to resolve */
	        "@ NS ns.other\nother NS ns.other\nns.other A 192.0.2.1\n",
	        "sub NS x.w\n*.w A 192.0.2.1\n",
	        "sub NS ns\nx.sub NS nothing\n", /* below a cut: not ours to say */
	        "sub NS elsewhere.example.net.\n",
	        "sub DS 1 13 2 00\n",
	};

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		char text[512];

		snprintf(text, sizeof(text), HEAD "%s", texts[i]);
		print_message("%s", texts[i]);
		zone_free(zone_of("example.", text, NULL));
	}
}

static void a_zone_needs_soa_and_ns(void **state)
{
	struct error error = {0};
	struct zone *zone = NULL;

	(void)state;
	assert_int_equal(load_text("example.", "@ 300 NS ns.x.\n", NULL, &zone, &error), -EINVAL);
	assert_string_equal(error.text, "example.: no SOA");
	assert_int_equal(load_text("example.", "@ 300 SOA a. b. 1 2 3 4 5\n", NULL, &zone, &error),
	                 -EINVAL);
	assert_string_equal(error.text, "example.: no NS at the apex");
	assert_int_equal(load_octets("example.", "\n", 1, NULL, &zone, &error), -EINVAL);
	assert_string_equal(error.text, "example.: no SOA");
	assert_string_equal(error.file, "text");
	assert_null(zone);
}

static void a_cname_is_flattened_as_the_settings_say(void **state)
{
	static const char text[] = HEAD "a CNAME b\nb CNAME ns\n*.w CNAME b\n";
	static const char apex[] = HEAD "@ CNAME b.example.net.\na CNAME b\n";
	struct config_name owner = {.name = "\1A\7example", .len = 11};
	struct config_zone settings = {0};
	struct zone *zone;

	(void)state;
	zone = zone_of("example.", text, NULL);
	assert_false(zone_flattens(zone, node_of(zone, "a.example.")));
	assert_false(zone->has_anames);
	zone_free(zone);

	settings.flatten_cnames = FLATTEN_CNAMES_ALL;
	zone = zone_of("example.", text, &settings);
	assert_true(zone_flattens(zone, node_of(zone, "a.example.")));
	assert_true(zone_flattens(zone, node_of(zone, "*.w.example.")));
	assert_false(zone_flattens(zone, node_of(zone, "ns.example.")));
	assert_true(node_of(zone, "a.example.")->flags & ZONE_NODE_CNAME);
	assert_non_null(set_of(zone, "a.example.", AN_TYPE_CNAME));
	assert_true(zone->has_anames);
	zone_free(zone);

	settings.flatten_cnames = FLATTEN_CNAMES_OFF;
	settings.flatten_owners = &owner;
	settings.flatten_owners_count = 1;
	zone = zone_of("example.", text, &settings);
	assert_true(zone_flattens(zone, node_of(zone, "a.example.")));
	assert_false(zone_flattens(zone, node_of(zone, "b.example.")));
	zone_free(zone);

	settings.flatten_cnames = FLATTEN_CNAMES_APEX;
	settings.flatten_owners_count = 0;
	zone = zone_of("example.", apex, &settings);
	assert_true(zone_flattens(zone, zone->apex_node));
	assert_false(zone_flattens(zone, node_of(zone, "a.example.")));
	assert_null(zone_rrset(zone->apex_node, AN_TYPE_CNAME));
	assert_int_equal(zone_rrset(zone->apex_node, AN_TYPE_ANAME)->count, 1);
	assert_true(zone->apex_node->flags & ZONE_NODE_ANAME);
	zone_free(zone);
}

static void a_flattened_apex_cname_is_still_alone_of_its_kind(void **state)
{
	static const struct fault faults[] = {
	        {"@ CNAME b\n@ CNAME c\n", 6, "more than one CNAME"},
	        {"@ CNAME b\n@ ANAME c\n", 6, "ANAME and CNAME"},
	        {"@ ANAME b\n@ CNAME c\n", 6, "ANAME and CNAME"},
	        {"@ CNAME b\n@ DNAME c\n", 6, "CNAME and DNAME"},
	        {"a CNAME b\na A 192.0.2.1\n", 6, "CNAME and other data"},
	};
	static const struct config_zone settings = {.flatten_cnames = FLATTEN_CNAMES_ALL};

	(void)state;
	check_faults(faults, ROWS(faults), &settings);
}

static void addresses_beside_an_aname_are_refused_where_siblings_says_so(void **state)
{
	static const struct fault faults[] = {
	        {"a ANAME b\na A 192.0.2.1\n", 6, "beside an ANAME"},
	        {"a AAAA ::1\na ANAME b\n", 5, "beside an ANAME"},
	};
	static const struct config_zone settings = {.siblings = SIBLINGS_REJECT};

	(void)state;
	check_faults(faults, ROWS(faults), &settings);
	zone_free(zone_of("example.", HEAD "a ANAME b\na TXT x\nb A 192.0.2.1\n", &settings));
}

/* HEAD and `count` ANAMEs at a, each to its own target. */
static char *pool_text(unsigned int count)
{
	char *text = malloc(sizeof(HEAD) + count * 24);
	size_t at = sizeof(HEAD) - 1;

	assert_non_null(text);
	strcpy(text, HEAD);
	for (unsigned int i = 0; i < count; i++)
		at += (size_t)sprintf(text + at, "a ANAME t%u\n", i);
	return text;
}

static void a_pool_has_at_most_64_members(void **state)
{
	struct error error = {0};
	struct zone *zone = NULL;
	char *text = pool_text(64);

	(void)state;
	zone = zone_of("example.", text, NULL);
	assert_int_equal(set_of(zone, "a.example.", AN_TYPE_ANAME)->count, 64);
	zone_free(zone);
	free(text);
	text = pool_text(65);
	zone = NULL;
	assert_int_equal(load_text("example.", text, NULL, &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "more than 64 ANAMEs"));
	assert_null(zone);
	free(text);
}

static void an_rrset_that_fits_no_message_is_a_warning(void **state)
{
	uint8_t apex[] = "\1z", soa[22] = {0}, rdata[4096] = {0};
	struct error error = {0};
	struct zone *zone = NULL;

	(void)state;
	/* 15 * (12 + 4096) = 61 620 octets; one more is 65 728. */
	for (unsigned int count = 15; count <= 16; count++) {
		struct zone_builder *builder = zone_begin(apex, 3, NULL);

		assert_int_equal(zone_add(builder, apex, 3, AN_TYPE_SOA, 1, soa, 22, "f", 1, NULL),
		                 0);
		assert_int_equal(zone_add(builder, apex, 3, AN_TYPE_NS, 1, (uint8_t *)"\1x", 3, "f",
		                          2, NULL),
		                 0);
		for (unsigned int i = 0; i < count; i++) {
			rdata[0] = (uint8_t)i;
			assert_int_equal(zone_add(builder, apex, 3, 4711, 1, rdata, sizeof(rdata),
			                          "f", 3 + i, &error),
			                 0);
		}
		if (count == 15) {
			assert_int_equal(zone_end(builder, &zone, &error), 0);
			assert_null(zone->warnings);
			zone_free(zone);
			continue;
		}
		assert_int_equal(zone_end(builder, &zone, &error), 0);
		assert_int_equal(zone->warning_count, 1);
		assert_non_null(strstr(zone->warnings->error.text, "TYPE4711 RRset does not fit"));
		zone_free(zone);
	}
}

static void malformed_rdata_and_meta_types_are_not_added(void **state)
{
	static const struct {
		uint16_t type, len;
		const char *rdata;
	} rows[] = {
	        {AN_TYPE_A, 3, "\1\2\3"},
	        {AN_TYPE_A, 5, "\1\2\3\4\5"},
	        {AN_TYPE_AAAA, 15, "0123456789abcde"},
	        {AN_TYPE_ANAME, 0, ""},
	        {AN_TYPE_ANAME, 2, "\1a"},
	        {AN_TYPE_ANAME, 4, "\1a\0\0"},
	        {AN_TYPE_NS, 2, "\300\14"},
	        {AN_TYPE_CNAME, 2, "\100a"},
	        {AN_TYPE_MX, 2, "\0\1"},
	        {AN_TYPE_MX, 1, "\0"},
	        {AN_TYPE_SRV, 6, "123456"},
	        {AN_TYPE_SOA, 21, "\0\0abcdefghijklmnopqrs"},
	        {AN_TYPE_SOA, 23, "\0\0abcdefghijklmnopqrstu"},
	        {AN_TYPE_TXT, 0, ""},
	        {AN_TYPE_TXT, 3, "\3ab"},
	        {AN_TYPE_HTTPS, 2, "\0\1"},
	        {0, 1, "x"},
	        {AN_TYPE_OPT, 1, "x"},
	        {AN_TYPE_TSIG, 1, "x"},
	        {AN_TYPE_ANY, 1, "x"},
	        {AN_TYPE_AXFR, 1, "x"},
	        {128, 1, "x"},
	};
	const uint8_t *apex = (const uint8_t *)"\7example";
	struct zone_builder *builder = zone_begin(apex, 9, NULL);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct error error = {0};
		uint8_t *exact = malloc(rows[i].len ? rows[i].len : 1);

		memcpy(exact, rows[i].rdata, rows[i].len);
		print_message("type %u, %u octets\n", rows[i].type, rows[i].len);
		assert_int_equal(zone_add(builder, apex, 9, rows[i].type, 1, exact, rows[i].len,
		                          "file", 9, &error),
		                 -EINVAL);
		assert_string_equal(error.file, "file");
		assert_int_equal(error.line, 9);
		free(exact);
	}
	zone_abandon(builder);
}

static void a_set_has_the_least_ttl_and_no_doubles(void **state)
{
	struct zone *zone = zone_of("example.",
	                            HEAD "a 600 A 192.0.2.3\n"
	                                 "a 500 A 192.0.2.1\n"
	                                 "a 400 A 192.0.2.3\n"
	                                 "b 400 A 192.0.2.3\n"
	                                 "b 600 A 192.0.2.3\n"
	                                 "a 900 AAAA ::1\n"
	                                 "m MX 10 MAIL\n"
	                                 "m MX 10 mail\n"
	                                 "m MX 20 mail\n"
	                                 "t TXT a\n"
	                                 "t TXT A\n",
	                            NULL);
	const struct zone_rrset *set = set_of(zone, "a.example.", AN_TYPE_A);

	(void)state;
	assert_int_equal(set->count, 2);
	assert_int_equal(set->ttl, 400);
	assert_memory_equal(set->rdata[0].data, "\300\0\2\1", 4);
	assert_memory_equal(set->rdata[1].data, "\300\0\2\3", 4);
	assert_int_equal(set_of(zone, "b.example.", AN_TYPE_A)->count, 1);
	assert_int_equal(set_of(zone, "b.example.", AN_TYPE_A)->ttl, 400);
	assert_int_equal(set_of(zone, "a.example.", AN_TYPE_AAAA)->ttl, 900);
	assert_int_equal(set_of(zone, "m.example.", AN_TYPE_MX)->count, 2);
	assert_int_equal(set_of(zone, "t.example.", AN_TYPE_TXT)->count, 2);
	assert_null(set_of(zone, "a.example.", AN_TYPE_TXT));
	/* SOA, NS, ns A, and the eleven less three doubles. */
	assert_int_equal(zone->record_count, 11);
	zone_free(zone);
}

static void a_ttl_with_its_top_bit_set_is_zero(void **state)
{
	const uint8_t *apex = (const uint8_t *)"\1z";
	struct zone_builder *builder = zone_begin(apex, 3, NULL);
	uint8_t soa[22] = {[21] = 9};
	struct zone *zone = NULL;

	(void)state;
	assert_int_equal(
	        zone_add(builder, apex, 3, AN_TYPE_SOA, 0x80000000u, soa, 22, "f", 1, NULL), 0);
	assert_int_equal(zone_add(builder, apex, 3, AN_TYPE_NS, 0x7fffffffu, (uint8_t *)"\1x", 3,
	                          "f", 2, NULL),
	                 0);
	assert_int_equal(zone_end(builder, &zone, NULL), 0);
	assert_int_equal(zone->soa->ttl, 0); /* RFC 2181 8 */
	assert_int_equal(zone_rrset(zone->apex_node, AN_TYPE_NS)->ttl, 0x7fffffff);
	zone_free(zone);
}

static void serial_and_negative_ttl_come_from_the_soa(void **state)
{
	struct zone *zone = zone_of("example.", HEAD, NULL);

	(void)state;
	assert_int_equal(zone->serial, 7);
	assert_int_equal(zone->negative_ttl, 60); /* MINIMUM below the TTL, RFC 2308 3 */
	assert_int_equal(zone->id, UINT32_MAX);
	zone_free(zone);
	zone = zone_of("example.", "@ 30 SOA ns.x. h.x. 4294967295 2 3 4 60\n@ NS ns.x.\n", NULL);
	assert_int_equal(zone->serial, 4294967295);
	assert_int_equal(zone->negative_ttl, 30);
	zone_free(zone);
}

static uint64_t content_of(const char *text, const struct config_zone *settings)
{
	struct zone *zone = zone_of("example.", text, settings);
	uint64_t content = zone->content;

	zone_free(zone);
	return content;
}

static void content_changes_with_the_data_and_not_with_its_order(void **state)
{
	static const char *const same[] = {
	        HEAD "a A 192.0.2.1\na A 192.0.2.2\nb.c TXT x\n",
	        HEAD "b.c TXT x\na A 192.0.2.2\na A 192.0.2.1\n",
	        HEAD "b.c TXT x\nA A 192.0.2.2\na A 192.0.2.1\na A 192.0.2.1\n",
	};
	static const char *const others[] = {
	        HEAD,
	        HEAD "a A 192.0.2.1\na A 192.0.2.2\n",
	        HEAD "a A 192.0.2.1\na A 192.0.2.3\nb.c TXT x\n",
	        HEAD "a A 192.0.2.1\nb A 192.0.2.2\nb.c TXT x\n",
	        HEAD "a 299 A 192.0.2.1\na A 192.0.2.2\nb.c TXT x\n",
	        HEAD "a A 192.0.2.1\na A 192.0.2.2\nb.c TXT y\n",
	        HEAD "a A 192.0.2.1\na A 192.0.2.2\nb.c SPF x\n",
	        HEAD "a A 192.0.2.1\na A 192.0.2.2\nb.d TXT x\n",
	};
	struct config_name owner = {.name = "\1a\7example", .len = 11};
	const struct config_zone settings[] = {
	        {.siblings = SIBLINGS_OVERRIDE},
	        {.flatten_cnames = FLATTEN_CNAMES_ALL},
	        {.expose_aname = true},
	        {.flatten_owners = &owner, .flatten_owners_count = 1},
	};
	uint64_t seen[1 + ROWS(others) + ROWS(settings)];
	size_t count = 0;

	(void)state;
	seen[count++] = content_of(same[0], NULL);
	for (size_t i = 1; i < ROWS(same); i++)
		assert_true(content_of(same[i], NULL) == seen[0]);
	for (size_t i = 0; i < ROWS(others); i++)
		seen[count++] = content_of(others[i], NULL);
	for (size_t i = 0; i < ROWS(settings); i++)
		seen[count++] = content_of(same[0], &settings[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (seen[i] == seen[j])
				fail_msg("contents %zu and %zu are equal", i, j);
}

static void an_error_out_of_the_builder_may_be_ignored(void **state)
{
	struct zone_builder *builder = zone_begin((const uint8_t *)"\1z", 3, NULL);
	struct zone *zone = NULL;

	(void)state;
	assert_int_equal(zone_add(builder, (const uint8_t *)"\1y", 3, AN_TYPE_A, 1,
	                          (const uint8_t *)"abcd", 4, NULL, 0, NULL),
	                 -EINVAL);
	assert_int_equal(zone_end(builder, &zone, NULL), -EINVAL);
	assert_null(zone);
	zone_free(NULL);
	zone_abandon(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_may_not_stand_in_a_zone_is_refused_with_its_line),
	        cmocka_unit_test(zone_with_faulty_name_servers_is_served_with_warnings),
	        cmocka_unit_test(warnings_stand_in_the_order_of_the_file),
	        cmocka_unit_test(what_may_stand_in_a_zone_loads),
	        cmocka_unit_test(a_zone_needs_soa_and_ns),
	        cmocka_unit_test(a_cname_is_flattened_as_the_settings_say),
	        cmocka_unit_test(a_flattened_apex_cname_is_still_alone_of_its_kind),
	        cmocka_unit_test(addresses_beside_an_aname_are_refused_where_siblings_says_so),
	        cmocka_unit_test(a_pool_has_at_most_64_members),
	        cmocka_unit_test(an_rrset_that_fits_no_message_is_a_warning),
	        cmocka_unit_test(malformed_rdata_and_meta_types_are_not_added),
	        cmocka_unit_test(a_set_has_the_least_ttl_and_no_doubles),
	        cmocka_unit_test(a_ttl_with_its_top_bit_set_is_zero),
	        cmocka_unit_test(serial_and_negative_ttl_come_from_the_soa),
	        cmocka_unit_test(content_changes_with_the_data_and_not_with_its_order),
	        cmocka_unit_test(an_error_out_of_the_builder_may_be_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
