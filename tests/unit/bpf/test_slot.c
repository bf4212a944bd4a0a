/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the program makes of a slot's fields, compiled for the host: shapes,
 * times, lengths of options. Slots stand in heap blocks of their exact size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"
#include "slot.h"

#define HZ 250

struct time_case {
	const char *what;
	int64_t fresh, stale; /* ticks from now */
	int stale_mode, any_network;
	enum verdict verdict;
	uint32_t ttl;
	uint32_t stale_out;
};

static const struct time_case times[] = {
        {"fresh", 10 * HZ, 20 * HZ, 0, 0, V_GO_ON, 10, 0},
        {"a tick over ten seconds is eleven", 10 * HZ + 1, 20 * HZ, 0, 0, V_GO_ON, 11, 0},
        {"one tick left is a second", 1, 20 * HZ, 0, 0, V_GO_ON, 1, 0},
        {"over", 0, 20 * HZ, 0, 0, V_pass_expired, 0, 0},
        {"over, stale mode", 0, 20 * HZ, 1, 0, V_GO_ON, 30, 1},
        {"last stale tick", -5, 1, 1, 0, V_GO_ON, 30, 1},
        {"stale is over", -5, 0, 1, 0, V_pass_too_stale, 0, 0},
        {"stale is over, upstream lives", -5, 0, 0, 0, V_pass_expired, 0, 0},
        {"catch-all, fresh for long", 100 * HZ, 200 * HZ, 1, 1, V_GO_ON, 30, 1},
        {"catch-all, fresh for a moment", 3 * HZ, 200 * HZ, 1, 1, V_GO_ON, 3, 1},
        {"no end in sight", 0xffffffffffll * HZ, 0, 0, 0, V_GO_ON, 0x7fffffff, 0},
};

static void times_decide(void **state)
{
	const uint64_t now = 1ull << 40;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct time_case *one = &times[i];
		struct an_answer answer = {.traits = AN_TRAIT_COUNTING,
		                           .ttl = 999,
		                           .stale_ttl = 30,
		                           .fresh_until = now + (uint64_t)one->fresh,
		                           .stale_until = now + (uint64_t)one->stale};
		struct moment moment = {.now = now, .hz = HZ, .stale_mode = !!one->stale_mode};
		struct serving serving = {0};

		if (answer_judge_time(&answer, &moment, one->any_network, &serving) != one->verdict)
			fail_msg("%s: verdict", one->what);
		if (serving.ttl != one->ttl || serving.stale != one->stale_out)
			fail_msg("%s: ttl %u, stale %u", one->what, serving.ttl, serving.stale);
	}
}

static void a_glance_sees_what_is_worth_reading(void **state)
{
	static struct scratch scratch;
	struct an_answer_slot slot = {.key.uid = 5, .head.seq = 4};

	(void)state;
	slot.answer.fresh_until = 100;
	slot.answer.stale_until = 200;
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 5, 99, &scratch), GLANCE_SERVE);
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 5, 199, &scratch), GLANCE_SERVE);
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 5, 200, &scratch),
	                 GLANCE_TOO_STALE);
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 6, 99, &scratch), GLANCE_OTHER);
	slot.head.seq = 5;
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 5, 99, &scratch), GLANCE_TORN);
	slot.head.seq = 6;
	slot.answer.stale_until = 50; /* shorter than fresh: still fresh */
	assert_int_equal(answer_glance(&slot.head, &slot.answer, 5, 99, &scratch), GLANCE_SERVE);
}

static void zones_of_no_generation_hold_nothing(void **state)
{
	struct an_zone zone = {.generation = 0, .valid_until = AN_NEVER};

	(void)state;
	assert_int_equal(zone_judge(&zone, 0, 1), V_pass_generation);
	zone.generation = 2;
	assert_int_equal(zone_judge(&zone, 1, 1), V_pass_generation);
	assert_int_equal(zone_judge(&zone, 2, AN_NEVER - 1), V_GO_ON);
	zone.valid_until = 7;
	assert_int_equal(zone_judge(&zone, 2, 6), V_GO_ON);
	assert_int_equal(zone_judge(&zone, 2, 7), V_pass_zone_expired);
}

/* Every count and stride that fits a slot is read, every other refused; never past the slot. */
static void shapes_are_refused_at_the_first_that_does_not_fit(void **state)
{
	static const unsigned int sizes[] = {AN_SLOT_SMALL_SIZE, AN_SLOT_LARGE_SIZE};
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	(void)state;
	assert_non_null(scratch);
	for (int size = 0; size < 2; size++) {
		struct an_answer_slot *slot = calloc(1, sizes[size]);
		unsigned int room = sizes[size] - AN_ANSWER_DATA_AT;

		assert_non_null(slot);
		slot->head.kind = AN_SLOT_ANSWER;
		for (unsigned int count = 0; count <= 255; count++) {
			for (unsigned int tail = 0; tail <= room + 9;
			     tail += tail < 9 ? 1 : room / 7) {
				slot->answer.count = (uint8_t)count;
				slot->answer.stride = count % 2 ? SLOT_STRIDE_A : SLOT_STRIDE_AAAA;
				slot->answer.tail_len = (uint16_t)tail;
				assert_int_equal(answer_read(slot, sizes[size], scratch),
				                 count * slot->answer.stride + tail <= room
				                         ? V_GO_ON
				                         : V_pass_kind);
			}
		}
		free(slot);
	}
	free(scratch);
}

/* The owner's slot ends where it ends, wherever it says that its answer's data begin. */
static void inline_data_are_refused_where_they_do_not_fit(void **state)
{
	static const unsigned int sizes[] = {AN_SLOT_SMALL_SIZE, AN_SLOT_LARGE_SIZE};
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	(void)state;
	assert_non_null(scratch);
	scratch->question.name.len = 5;
	for (int size = 0; size < 2; size++) {
		struct an_owner_slot *slot = calloc(1, sizes[size]);

		assert_non_null(slot);
		slot->head.kind = AN_SLOT_OWNER;
		slot->name_len = 5;
		for (unsigned int at = 1; at <= 255; at++) {
			unsigned int room = at * 8 > sizes[size] ? 0 : sizes[size] - at * 8;
			int fits = at * 8 >= AN_OWNER_NAME_AT && at * 8 <= sizes[size];

			slot->inline_at = (uint8_t)at;
			slot->answer.tail_len = (uint16_t)room;
			assert_int_equal(owner_read(slot, sizes[size], scratch),
			                 fits ? V_GO_ON : V_pass_kind);
			slot->answer.tail_len++;
			assert_int_equal(owner_read(slot, sizes[size], scratch), V_pass_kind);
		}
		free(slot);
	}
	free(scratch);
}

/* Each record once, the one that was chosen first, its TTL filled in; then the tail. */
static void records_rotate_into_the_body(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	static const uint8_t strides[] = {SLOT_STRIDE_A, SLOT_STRIDE_AAAA};

	(void)state;
	assert_non_null(scratch);
	for (unsigned int round = 0; round < 2 * 30; round++) {
		unsigned int count = round / 2 + 1, stride = strides[round % 2];
		uint8_t *data = (uint8_t *)scratch->data, *body = scratch->body + BODY_AT;

		scratch->answer = (struct an_answer){
		        .count = (uint8_t)count, .stride = (uint8_t)stride, .tail_len = 13};
		for (unsigned int i = 0; i < count * stride + 13; i++)
			data[i] = (uint8_t)(i % stride >= 6 && i % stride < 10 && i < count * stride
			                            ? 0
			                            : i * 3 + i / 251);
		for (unsigned int start = 0; start < count; start++) {
			render_data(scratch, (uint32_t)((((uint64_t)start << 32) + count) / count),
			            0x01020304);
			for (unsigned int i = 0; i < count; i++) {
				uint8_t *record = body + i * stride;
				uint8_t *from = data + (start + i) % count * stride;

				assert_memory_equal(record + 6, "\1\2\3\4", 4);
				assert_memory_equal(record, from, 6);
				assert_memory_equal(record + 10, from + 10, stride - 10);
			}
			assert_memory_equal(body + count * stride, data + count * stride, 13);
		}
	}
	free(scratch);
}

static void opt_is_as_long_as_its_options(void **state)
{
	struct edns edns = {.present = 0};

	(void)state;
	assert_int_equal(render_opt_len(&edns, 1), 0);
	edns.present = 1;
	assert_int_equal(render_opt_len(&edns, 0), 11);
	assert_int_equal(render_opt_len(&edns, 1), 17);
	edns.ecs.present = 1;
	assert_int_equal(render_opt_len(&edns, 0), 19);
	edns.ecs.len = 16;
	assert_int_equal(render_opt_len(&edns, 1), 11 + 8 + 16 + 6);
}

/* However short the way: nothing of what is moved is lost under what was moved before. */
static void frames_are_shifted_whole(void **state)
{
	(void)state;
	for (unsigned int len = 59; len <= RENDER_SHIFT_MAX; len++) {
		for (unsigned int by = 1; by < 40; by++) {
			struct cursor frame = {.data = malloc(len + by), .len = len + by};

			assert_non_null(frame.data);
			frame.end = frame.data + frame.len;
			for (unsigned int i = 0; i < len + by; i++)
				frame.data[i] = (uint8_t)(i * 7 % 251);
			assert_true(render_shift(&frame, by, len));
			for (unsigned int i = 0; i < len; i++)
				assert_int_equal(frame.data[i], (i + by) * 7 % 251);
			free(frame.data);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(times_decide),
	        cmocka_unit_test(a_glance_sees_what_is_worth_reading),
	        cmocka_unit_test(zones_of_no_generation_hold_nothing),
	        cmocka_unit_test(shapes_are_refused_at_the_first_that_does_not_fit),
	        cmocka_unit_test(inline_data_are_refused_where_they_do_not_fit),
	        cmocka_unit_test(records_rotate_into_the_body),
	        cmocka_unit_test(opt_is_as_long_as_its_options),
	        cmocka_unit_test(frames_are_shifted_whole),
	};

	return cmocka_run_group_tests_name("bpf: slots and rendering", tests, NULL, NULL);
}
