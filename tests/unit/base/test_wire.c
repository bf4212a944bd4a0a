/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/wire.h"

static void numbers_stand_in_network_order(void **state)
{
	uint8_t octets[7];
	struct wire w = wire_writer(octets, sizeof(octets));

	(void)state;
	wire_put8(&w, 0x101);
	wire_put16(&w, 0x0203);
	wire_put32(&w, 0xa4a5a6a7);
	assert_false(w.failed);
	assert_int_equal(w.at, 7);
	assert_int_equal(wire_left(&w), 0);
	assert_memory_equal(octets, "\1\2\3\xa4\xa5\xa6\xa7", 7);
	w = wire_reader(octets, sizeof(octets));
	assert_int_equal(wire_get8(&w), 1);
	assert_int_equal(wire_get16(&w), 0x0203);
	assert_int_equal(wire_get32(&w), 0xa4a5a6a7);
	assert_false(w.failed);
}

/* Blocks of every size, under ASan: the octet behind is never touched, and the error sticks. */
static void a_writer_that_is_full_writes_no_more(void **state)
{
	(void)state;
	for (size_t size = 0; size < 12; size++) {
		uint8_t *block = malloc(size ? size : 1);
		struct wire w = wire_writer(block, size);

		wire_put32(&w, 1);
		wire_put16(&w, 2);
		wire_put(&w, "abc", 3);
		wire_put8(&w, 3);
		assert_int_equal(w.failed, size < 10);
		assert_int_equal(wire_left(&w), size < 10 ? 0 : size - 10);
		free(block);
	}
}

static void a_failed_writer_stays_where_it_was(void **state)
{
	uint8_t octets[4] = {9, 9, 9, 9};
	struct wire w = wire_writer(octets, sizeof(octets));

	(void)state;
	wire_put(&w, "ab", 2);
	wire_put(&w, "cde", 3);
	assert_true(w.failed);
	wire_put8(&w, 1); /* would fit */
	wire_set16(&w, 0, 0x0102);
	assert_int_equal(w.at, 2);
	assert_memory_equal(octets, "ab\11\11", 4);
}

static void a_reader_past_its_end_reads_zeros(void **state)
{
	(void)state;
	for (size_t size = 0; size < 7; size++) {
		uint8_t *block = malloc(size ? size : 1);
		struct wire w = wire_reader(block, size);

		memset(block, 0xff, size);
		assert_int_equal(wire_get16(&w), size >= 2 ? 0xffff : 0);
		assert_int_equal(wire_get32(&w), size >= 6 ? 0xffffffff : 0);
		assert_int_equal(wire_get8(&w), 0);
		assert_true(w.failed);
		assert_null(wire_take(&w, 0));
		free(block);
	}
}

static void a_place_written_already_can_be_set(void **state)
{
	uint8_t octets[6] = {0};
	struct wire w = wire_writer(octets, sizeof(octets));

	(void)state;
	wire_put32(&w, 0);
	wire_set16(&w, 2, 0x0102);
	wire_set16(&w, 3, 0xffff); /* reaches past what is written */
	assert_memory_equal(octets, "\0\0\1\2\0\0", 6);
}

static void errors_tell_what_is_known(void **state)
{
	struct error error = {0};
	char text[1024];

	(void)state;
	assert_int_equal(error_set(&error, 22, "f", 7, "bad %s", "x"), -22);
	assert_string_equal(error_text(&error, text, sizeof(text)), "f:7: error: bad x");
	error_set(&error, 22, "f", 0, "bad");
	assert_string_equal(error_text(&error, text, sizeof(text)), "f: error: bad");
	error_set(&error, 22, NULL, 7, "bad");
	assert_string_equal(error_text(&error, text, sizeof(text)), "error: bad");
	assert_int_equal(error_set(NULL, 5, "f", 1, "x"), -5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers_stand_in_network_order),
	        cmocka_unit_test(a_writer_that_is_full_writes_no_more),
	        cmocka_unit_test(a_failed_writer_stays_where_it_was),
	        cmocka_unit_test(a_reader_past_its_end_reads_zeros),
	        cmocka_unit_test(a_place_written_already_can_be_set),
	        cmocka_unit_test(errors_tell_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
