/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anamed/key.h"
#include "base/name.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* A block of exactly this size, so that ASan sees one octet too far. */
static uint8_t *exactly(const void *octets, size_t size)
{
	uint8_t *block = malloc(size ? size : 1);

	assert_non_null(block);
	memcpy(block, octets, size);
	return block;
}

static void wire_names_are_measured_or_refused(void **state)
{
	static const struct {
		const char *octets;
		size_t size;
		int len;
	} rows[] = {
	        {"", 0, -EBADMSG},
	        {"\0", 1, 1},
	        {"\0\1a", 3, 1},
	        {"\1", 1, -EBADMSG},
	        {"\1a", 2, -EBADMSG},
	        {"\1a\0", 3, 3},
	        {"\1a\0\1b", 5, 3},
	        {"\1a\2bc\0", 6, 6},
	        {"\1a\2bc", 5, -EBADMSG},
	        {"\1\0\0", 3, 3}, /* a zero octet inside a label */
	        {"\100", 1, -EBADMSG},
	        {"\300\14", 2, -EBADMSG}, /* a pointer */
	        {"\1a\300\14", 4, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t *block = exactly(rows[i].octets, rows[i].size);

		assert_int_equal(name_parse_wire(block, rows[i].size), rows[i].len);
		free(block);
	}
}

/* A name of `len` octets, root label included, in labels of 63 and a rest. */
static uint8_t *name_of_len(size_t len)
{
	uint8_t *name = malloc(len);
	size_t at = 0;

	assert_non_null(name);
	memset(name, 'n', len);
	while (at < len - 1) {
		size_t label = len - 1 - at - 1;

		if (label > 63)
			label = label == 64 ? 62 : 63;
		name[at] = (uint8_t)label;
		at += 1 + label;
	}
	name[len - 1] = 0;
	return name;
}

static void names_of_every_length_up_to_255_go_through_text(void **state)
{
	(void)state;
	for (size_t len = 3; len <= 258; len++) {
		uint8_t *name = name_of_len(len), back[NAME_MAX_LEN];
		char text[NAME_TEXT_MAX];
		int result = name_parse_wire(name, len);

		assert_int_equal(result, len <= NAME_MAX_LEN ? (int)len : -EBADMSG);
		name_to_text(name, text);
		result = name_from_text(text, NULL, 0, back);
		assert_int_equal(result, len <= NAME_MAX_LEN ? (int)len : -EINVAL);
		if (result > 0)
			assert_memory_equal(back, name, len);
		/* The same without the last dot, which an origin of "." then ends. */
		text[strlen(text) - 1] = '\0';
		result = name_from_text(text, (const uint8_t *)"", 1, back);
		assert_int_equal(result, len <= NAME_MAX_LEN ? (int)len : -EINVAL);
		free(name);
	}
}

static void text_becomes_wire(void **state)
{
	static const struct {
		const char *text;
		int len;
		const char *octets;
	} rows[] = {
	        {".", 1, ""},
	        {"a.", 3, "\1a"},
	        {"a", 11, "\1a\7example"},
	        {"A.b.", 5, "\1A\1b"},
	        {"a.b", 13, "\1a\1b\7example"},
	        {"@", 9, "\7example"},
	        {"\\@.", 3, "\1@"},
	        {"@.", 3, "\1@"},
	        {"a\\.b.", 5, "\3a.b"},
	        {"\\097.", 3, "\1a"},
	        {"\\000\\255.", 4, "\2\0\377"},
	        {"\\\\.", 3, "\1\\"},
	        {"a\\032b.", 5, "\3a b"},
	        {"", -EINVAL, NULL},
	        {"..", -EINVAL, NULL},
	        {".a", -EINVAL, NULL},
	        {"a..", -EINVAL, NULL},
	        {"a..b", -EINVAL, NULL},
	        {"\\", -EINVAL, NULL},
	        {"a\\", -EINVAL, NULL},
	        {"\\25", -EINVAL, NULL},
	        {"\\2x5.", -EINVAL, NULL},
	        {"\\256.", -EINVAL, NULL},
	        {"\\999.", -EINVAL, NULL},
	};
	static const uint8_t origin[] = "\7example";

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t *name = malloc(NAME_MAX_LEN);
		char *text = strdup(rows[i].text);

		print_message("%s\n", text);
		assert_int_equal(name_from_text(text, origin, 9, name), rows[i].len);
		if (rows[i].octets)
			assert_memory_equal(name, rows[i].octets, (size_t)rows[i].len);
		free(text);
		free(name);
	}
}

static void without_an_origin_names_are_absolute(void **state)
{
	uint8_t name[NAME_MAX_LEN];

	(void)state;
	assert_int_equal(name_from_text("a.b", NULL, 0, name), 5);
	assert_memory_equal(name, "\1a\1b", 5);
}

static void labels_are_63_octets_at_most(void **state)
{
	uint8_t name[NAME_MAX_LEN];
	char text[80];

	(void)state;
	memset(text, 'x', sizeof(text));
	strcpy(text + 63, ".");
	assert_int_equal(name_from_text(text, NULL, 0, name), 65);
	text[63] = 'x';
	strcpy(text + 64, ".");
	assert_int_equal(name_from_text(text, NULL, 0, name), -EINVAL);
	strcpy(text + 64, "");
	assert_int_equal(name_from_text(text, NULL, 0, name), -EINVAL);
}

/* Text longer than any name, with a dot at each place: never one octet past the array. */
static void endless_text_writes_nothing_behind_the_name(void **state)
{
	char text[600];

	(void)state;
	for (size_t dot = 200; dot < 300; dot++) {
		uint8_t *name = malloc(NAME_MAX_LEN);

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = i % 50 == 49 ? '.' : 'x';
		text[dot] = '.';
		text[dot + 1] = '\0';
		if (text[dot - 1] == '.')
			text[dot - 1] = 'y';
		assert_int_equal(name_from_text(text, NULL, 0, name),
		                 dot + 2 <= 255 ? (int)dot + 2 : -EINVAL);
		free(name);
	}
}

static void wire_becomes_text_that_reads_back(void **state)
{
	static const struct {
		const char *octets, *text;
	} rows[] = {
	        {"", "."},
	        {"\1a\1B", "a.B."},
	        {"\4a.b\\", "a\\.b\\\\."},
	        {"\6\";()@$", "\\\"\\;\\(\\)\\@\\$."},
	        {"\3 \177\377", "\\032\\127\\255."},
	        {"\2~!", "~!."},
	};
	uint8_t all[2 + 63] = {63}, back[NAME_MAX_LEN];
	char text[NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		assert_string_equal(name_to_text((const uint8_t *)rows[i].octets, text),
		                    rows[i].text);
	for (unsigned int first = 0; first < 256; first += 63) {
		for (unsigned int i = 0; i < 63; i++)
			all[1 + i] = (uint8_t)(first + i);
		assert_int_equal(name_from_text(name_to_text(all, text), NULL, 0, back), 65);
		assert_memory_equal(back, all, 65);
	}
}

static void the_longest_text_fits(void **state)
{
	uint8_t *name = name_of_len(NAME_MAX_LEN);
	char *text = malloc(NAME_TEXT_MAX);

	(void)state;
	for (size_t at = 0; name[at]; at += 1u + name[at])
		memset(name + at + 1, 0xff, name[at]);
	name_to_text(name, text);
	/* 250 octets as \DDD in four labels. */
	assert_int_equal(strlen(text), 250 * 4 + 4);
	free(text);
	free(name);
}

static void names_are_equal_without_case(void **state)
{
	static const struct {
		const char *a, *b;
		size_t a_len, b_len;
		bool equal;
	} rows[] = {
	        {"", "", 1, 1, true},
	        {"\1a", "\1A", 3, 3, true},
	        {"\1z", "\1Z", 3, 3, true},
	        {"\1@", "\1`", 3, 3, false}, /* beside A and a */
	        {"\1[", "\1{", 3, 3, false}, /* beside Z and z */
	        {"\1\301", "\1\341", 3, 3, false},
	        {"\1a", "\1b", 3, 3, false},
	        {"\1a", "", 3, 1, false},
	        {"\1a\1b", "\3a\1b", 5, 5, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t *a = exactly(rows[i].a, rows[i].a_len);
		uint8_t *b = exactly(rows[i].b, rows[i].b_len);

		assert_int_equal(name_equal(a, rows[i].a_len, b, rows[i].b_len), rows[i].equal);
		if (rows[i].equal)
			assert_true(name_hash(a, rows[i].a_len) == name_hash(b, rows[i].b_len));
		else
			assert_true(name_hash(a, rows[i].a_len) != name_hash(b, rows[i].b_len));
		free(a);
		free(b);
	}
}

static void a_name_is_under_its_apex_at_labels_only(void **state)
{
	static const struct {
		const char *name, *apex;
		bool under;
	} rows[] = {
	        {"a.example.", "example.", true},
	        {"EXAMPLE.", "example.", true},
	        {"a.b.Example.", "example.", true},
	        {"example.", ".", true},
	        {".", ".", true},
	        {".", "example.", false},
	        {"xexample.", "example.", false},
	        {"example.", "a.example.", false},
	        {"a.example.com.", "example.", false},
	        {"b.example.", "a.example.", false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint8_t name[NAME_MAX_LEN], apex[NAME_MAX_LEN];
		int name_size = name_from_text(rows[i].name, NULL, 0, name);
		int apex_size = name_from_text(rows[i].apex, NULL, 0, apex);
		uint8_t *block = exactly(name, (size_t)name_size);

		assert_int_equal(name_under(block, (size_t)name_size, apex, (size_t)apex_size),
		                 rows[i].under);
		free(block);
	}
}

/* The list of RFC 4034 6.1, in its order. */
static void canonical_order_is_that_of_rfc_4034(void **state)
{
	static const char *const sorted[] = {
	        "example.",         "a.example.",      "yljkjljk.a.example.",
	        "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
	        "\\001.z.example.", "*.z.example.",    "\\200.z.example.",
	};
	uint8_t a[NAME_MAX_LEN], b[NAME_MAX_LEN];

	(void)state;
	for (size_t i = 0; i < ROWS(sorted); i++) {
		for (size_t j = 0; j < ROWS(sorted); j++) {
			int order;

			name_from_text(sorted[i], NULL, 0, a);
			name_from_text(sorted[j], NULL, 0, b);
			order = name_compare(a, b);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
	name_from_text("A.B.", NULL, 0, a);
	name_from_text("a.b.", NULL, 0, b);
	assert_int_equal(name_compare(a, b), 0);
	assert_true(name_compare((const uint8_t *)"", a) < 0);
}

static void small_things(void **state)
{
	uint8_t low[9];

	(void)state;
	assert_int_equal(name_len((const uint8_t *)""), 1);
	assert_int_equal(name_len((const uint8_t *)"\1a\2bc"), 6);
	assert_int_equal(name_labels((const uint8_t *)""), 0);
	assert_int_equal(name_labels((const uint8_t *)"\1a\2bc"), 2);
	assert_memory_equal(name_parent((const uint8_t *)"\1a\2bc"), "\2bc", 4);
	assert_memory_equal(name_parent((const uint8_t *)""), "", 1);
	name_lower(low, (const uint8_t *)"\7@AZ[az\333", 9);
	assert_memory_equal(low, "\7@az[az\333", 9);
	name_lower(low, low, 9);
	assert_memory_equal(low, "\7@az[az\333", 9);
}

/* The eight-octet step of key.h and the one-octet comparison here must agree on every octet. */
static void hash_and_comparison_fold_case_alike(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t one[2] = {(uint8_t)i, 0}, low[2];

		name_lower(low, one, 2);
		assert_int_equal(an_lower8(an_load8((uint8_t[8]){one[0]})) & 0xff, low[0]);
	}
	for (size_t len = 3; len <= 255; len++) {
		uint8_t *name = name_of_len(len), *upper = exactly(name, len);

		for (size_t at = 0; upper[at]; at += 1u + upper[at])
			memset(upper + at + 1, 'N', upper[at]);
		assert_true(name_hash(name, len) == name_hash(upper, len));
		assert_true(name_hash_from(len, upper, len) ==
		            an_name_hash(len, name, (uint32_t)len));
		assert_true(name_equal(name, len, upper, len));
		upper[1] = 'm';
		assert_true(name_hash(name, len) != name_hash(upper, len));
		assert_false(name_equal(name, len, upper, len));
		upper[1] = 'n';
		upper[len - 2] = 'm'; /* in the piece behind the last whole eight octets, too */
		assert_false(name_equal(name, len, upper, len));
		free(name);
		free(upper);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(wire_names_are_measured_or_refused),
	        cmocka_unit_test(names_of_every_length_up_to_255_go_through_text),
	        cmocka_unit_test(text_becomes_wire),
	        cmocka_unit_test(without_an_origin_names_are_absolute),
	        cmocka_unit_test(labels_are_63_octets_at_most),
	        cmocka_unit_test(endless_text_writes_nothing_behind_the_name),
	        cmocka_unit_test(wire_becomes_text_that_reads_back),
	        cmocka_unit_test(the_longest_text_fits),
	        cmocka_unit_test(names_are_equal_without_case),
	        cmocka_unit_test(a_name_is_under_its_apex_at_labels_only),
	        cmocka_unit_test(canonical_order_is_that_of_rfc_4034),
	        cmocka_unit_test(small_things),
	        cmocka_unit_test(hash_and_comparison_fold_case_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
