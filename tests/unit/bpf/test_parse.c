/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's parsers, compiled for the host. Frames stand in heap blocks of
 * their exact size, so that the sanitizers see one octet too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audience.h"
#include "edns.h"
#include "ip.h"
#include "link.h"
#include "message.h"
#include "name.h"

#define SEED 0x1234567890abcdefULL

static struct cursor cursor_of(const void *octets, size_t len)
{
	struct cursor cursor = {.data = malloc(len ? len : 1), .len = len};

	assert_non_null(cursor.data);
	if (len)
		memcpy(cursor.data, octets, len);
	cursor.end = cursor.data + len;
	return cursor;
}

static void cursor_done(struct cursor *cursor)
{
	free(cursor->data);
}

/* ---- link ---- */

static void link_reads_tags_and_stops_at_the_end(void **state)
{
	static const uint8_t frame[] = {1,  2,    3,    4, 5, 6,    7,    8, 9, 10,   11,
	                                12, 0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2, 0x86, 0xdd};
	struct link link;

	(void)state;
	for (size_t len = 0; len <= sizeof(frame); len++) {
		struct cursor cursor = cursor_of(frame, len);

		assert_int_equal(link_parse(&cursor, &link),
		                 len == sizeof(frame) ? V_GO_ON : V_pass_link);
		cursor_done(&cursor);
	}
	assert_int_equal(link.end, 22);
	assert_int_equal(link.type, LINK_IPV6);
}

static void link_turns_around(void **state)
{
	uint8_t header[14] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00};
	static const uint8_t turned[14] = {7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 0x08, 0x00};

	(void)state;
	link_turn(header);
	assert_memory_equal(header, turned, sizeof(turned));
}

/* ---- IP ---- */

static void ip_needs_every_octet(void **state)
{
	static const uint8_t ipv4[20 + 8 + 12] = {0x45, 0, 0,   40, 0, 0,  0x40, 0,    64, 17,
	                                          0,    0, 192, 0,  2, 1,  192,  0,    2,  2,
	                                          4,    0, 0,   53, 0, 20, 0xaa, 0xaa, 1,  2};
	static const uint8_t ipv6[40 + 8 + 12] = {
	        0x60, 0, 0, 0, 0, 20, 17, 64, 0x20, 1, 0xd, 0xb8, 0, 0,  0,    0,
	        0,    0, 0, 0, 0, 0,  0,  1,  0x20, 1, 0xd, 0xb8, 0, 0,  0,    0,
	        0,    0, 0, 0, 0, 0,  0,  2,  4,    0, 0,   53,   0, 20, 0xaa, 0xaa};
	struct datagram datagram;

	(void)state;
	for (size_t len = 0; len <= sizeof(ipv4); len++) {
		struct cursor cursor = cursor_of(ipv4, len);

		assert_int_equal(ipv4_parse(&cursor, 0, &datagram),
		                 len == sizeof(ipv4) ? V_GO_ON : V_pass_length);
		cursor_done(&cursor);
	}
	assert_int_equal(datagram.payload, 28);
	assert_int_equal(datagram.len, 12);
	assert_int_equal(datagram.source_port, 1024);
	assert_int_equal(datagram.source[0], an_load8("\300\000\002\001\0\0\0\0"));
	for (size_t len = 0; len <= sizeof(ipv6); len++) {
		struct cursor cursor = cursor_of(ipv6, len);

		assert_int_equal(ipv6_parse(&cursor, 0, &datagram),
		                 len == sizeof(ipv6) ? V_GO_ON : V_pass_length);
		cursor_done(&cursor);
	}
	assert_int_equal(datagram.payload, 48);
	assert_int_equal(datagram.destination[1], an_load8("\0\0\0\0\0\0\0\002"));
}

/* ---- names ---- */

/* Slow lower-casing and sum, to hold the scan against. */
static void expect_name(const struct name *name, const __u64 lower[NAME_WORDS],
                        const uint8_t *octets, size_t len)
{
	uint8_t low[NAME_WORDS * 8] = {0};
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		low[i] = octets[i] >= 'A' && octets[i] <= 'Z' ? octets[i] + 32 : octets[i];
		sum += (uint64_t)octets[i] << (i % 2 * 8);
	}
	assert_int_equal(name->len, len);
	assert_true(name->hash == an_name_hash(SEED, octets, (uint32_t)len));
	assert_int_equal(an_sum_fold(name->sum), an_sum_fold(sum));
	for (size_t i = 0; i < (len + 7) / 8; i++)
		assert_true(lower[i] == an_load8(low + i * 8));
}

/* Every octet but the last is not zero; all values occur. */
static void fill_name(uint8_t *name, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		name[i] = (uint8_t)(1 + (i * 37 + len * 11) % 255);
	name[len - 1] = 0;
}

static void name_scan_agrees_with_the_slow_hash(void **state)
{
	__u64 lower[NAME_WORDS];
	struct name name;

	(void)state;
	for (size_t len = 1; len <= 255; len++) {
		for (size_t behind = 4; behind < 20; behind++) {
			uint8_t frame[8 + 255 + 20];
			struct cursor cursor;

			memset(frame, 0xff, sizeof(frame));
			fill_name(frame + 8, len);
			cursor = cursor_of(frame, 8 + len + behind);
			assert_int_equal(name_scan(&cursor, 8, SEED, lower, &name), V_GO_ON);
			expect_name(&name, lower, frame + 8, len);
			cursor_done(&cursor);
		}
	}
}

static void name_scan_never_passes_the_end(void **state)
{
	__u64 lower[NAME_WORDS];
	uint8_t frame[8 + 300];
	struct name name;

	(void)state;
	memset(frame, 'a', sizeof(frame));
	for (size_t len = 8; len <= sizeof(frame); len++) {
		struct cursor cursor = cursor_of(frame, len);
		enum verdict verdict = name_scan(&cursor, 8, SEED, lower, &name);

		/* Found behind the frame's end it is longer than what is there. */
		assert_true(verdict == V_pass_name || 8 + name.len > len);
		cursor_done(&cursor);
	}
	frame[8 + 255] = 0;
	struct cursor cursor = cursor_of(frame, sizeof(frame));
	assert_int_equal(name_scan(&cursor, 8, SEED, lower, &name), V_pass_name);
	cursor_done(&cursor);
}

static void swar_lowering_is_ascii_lowering(void **state)
{
	(void)state;
	for (unsigned int octet = 0; octet < 256; octet++) {
		for (unsigned int at = 0; at < 8; at++) {
			/* Neighbours at the edges of the ranges must not carry over. */
			uint8_t word[8] = {'@', 'Z', '[', 0xff, 0x80, 'A', 0xda, 0}, slow[8];

			word[at] = (uint8_t)octet;
			for (int i = 0; i < 8; i++)
				slow[i] = word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i];
			assert_true(an_lower8(an_load8(word)) == an_load8(slow));
		}
	}
}

static void suffixes_hash_as_names_of_their_own(void **state)
{
	static const uint8_t name[] = "\003www\007example\004test";
	static const uint8_t zone[] = "\007EXAMPLE\004Test";

	(void)state;
	assert_true(an_name_hash(SEED, name + 4, sizeof(name) - 4) ==
	            an_name_hash(SEED, zone, sizeof(zone)));
	assert_false(an_name_hash(SEED, name, sizeof(name)) ==
	             an_name_hash(SEED + 1, name, sizeof(name)));
}

/* ---- EDNS ---- */

/* A message of nothing but OPT behind twelve octets of header. */
static enum verdict parse_opt(const uint8_t *options, size_t len, uint32_t flags, struct edns *ret)
{
	uint8_t octets[12 + 11 + 512] = {0};
	struct message message = {.at = 0, .end = 12 + 11 + len, .opt = 1};
	struct cursor cursor;
	enum verdict verdict;

	octets[12 + 2] = 41;
	octets[12 + 3] = 0x04;
	octets[12 + 4] = 0xd0;
	octets[12 + 7] = 0x80;
	octets[12 + 9] = (uint8_t)(len >> 8);
	octets[12 + 10] = (uint8_t)len;
	memcpy(octets + 23, options, len);
	cursor = cursor_of(octets, 23 + len);
	verdict = edns_parse(&cursor, 12, &message, flags, ret);
	cursor_done(&cursor);
	return verdict;
}

static void opt_gives_payload_and_do(void **state)
{
	struct edns edns;

	(void)state;
	assert_int_equal(parse_opt((const uint8_t *)"", 0, 0, &edns), V_GO_ON);
	assert_int_equal(edns.payload, 1232);
	assert_int_equal(edns.dnssec_ok, AN_EDNS_DO);
	assert_int_equal(edns.ecs.present, 0);
}

/* Every SOURCE of both families, with each single bit of the address set. */
static void ecs_is_right_to_the_bit(void **state)
{
	(void)state;
	for (unsigned int family = 1; family <= 2; family++) {
		unsigned int bits = family == 1 ? 32 : 128;

		for (unsigned int source = 1; source <= bits; source++) {
			unsigned int len = (source + 7) / 8;

			for (unsigned int bit = 0; bit < len * 8; bit++) {
				uint8_t option[24] = {0,
				                      8,
				                      0,
				                      (uint8_t)(4 + len),
				                      0,
				                      (uint8_t)family,
				                      (uint8_t)source,
				                      0};
				uint8_t address[16] = {0};
				struct edns edns;

				address[bit / 8] = (uint8_t)(0x80 >> bit % 8);
				memcpy(option + 8, address, len);
				assert_int_equal(parse_opt(option, 8 + len, 0, &edns),
				                 bit < source ? V_GO_ON : V_pass_ecs_malformed);
				if (bit >= source)
					continue;
				assert_int_equal(edns.ecs.source, source);
				assert_int_equal(edns.ecs.len, len);
				assert_true(edns.ecs.address[0] == an_load8(address));
				assert_true(edns.ecs.address[1] == an_load8(address + 8));
			}
		}
	}
}

static void ecs_of_every_length_is_checked(void **state)
{
	(void)state;
	for (unsigned int family = 0; family <= 3; family++) {
		for (unsigned int source = 0; source <= 255; source += source < 130 ? 1 : 25) {
			for (unsigned int len = 0; len <= 24; len++) {
				uint8_t option[4 + 24] = {
				        0, 8, 0, (uint8_t)len, 0, (uint8_t)family, (uint8_t)source};
				struct edns edns;
				bool good = (family == 1 && source <= 32) ||
				            (family == 2 && source <= 128);

				good = good && len == 4 + (source + 7) / 8;
				assert_int_equal(parse_opt(option, 4 + len, 0, &edns),
				                 good ? V_GO_ON : V_pass_ecs_malformed);
			}
		}
	}
}

static void cut_options_are_malformed(void **state)
{
	static const uint8_t options[] = {0, 10, 0, 3, 1, 2, 3, 0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2};
	struct edns edns;

	(void)state;
	for (size_t len = 0; len <= sizeof(options); len++)
		assert_int_equal(parse_opt(options, len, 0, &edns),
		                 len == 0 || len == 7 || len == sizeof(options)
		                         ? V_GO_ON
		                         : V_pass_edns_malformed);
	assert_int_equal(edns.ecs.source, 24);
}

/* ---- keys ---- */

static void keys_hold_the_prefix_and_nothing_more(void **state)
{
	struct client client = {
	        .source = 128, .family = AN_FAMILY_IPV6, .bits = 0xfedcba9876543210ULL};

	(void)state;
	for (unsigned int len = 0; len <= 127; len++) {
		struct an_audience_key key = key_for_everyone(7, 0, AN_TYPE_AAAA);
		uint64_t prefix = 0;

		if (len == 0 || len > 64) {
			assert_false(key_for_len(&key, len, &client));
			continue;
		}
		assert_true(key_for_len(&key, len, &client));
		for (int i = 0; i < 8; i++)
			prefix = prefix << 8 | key.prefix[i];
		assert_true(prefix == client.bits >> (64 - len) << (64 - len));
		assert_int_equal(key.len, len);
		assert_int_equal(key.kind, AN_AUDIENCE_NET);
		assert_false(key_for_len(&key, len | AN_LEN_EXACT, &client));
		client.source = len;
		assert_true(key_for_len(&key, len | AN_LEN_EXACT, &client));
		client.source = len - 1;
		assert_false(key_for_len(&key, len, &client));
		client.source = 128;
	}
}

/* ---- sums ---- */

static void words_that_differ_by_place_fold_alike(void **state)
{
	static const uint8_t octets[16] = {0xff, 1,  2,    0xfe, 5,  6,  7, 8,
	                                   9,    10, 0xff, 0xff, 13, 14, 15};
	uint8_t shifted[24] = {0};
	uint64_t even, odd;

	(void)state;
	memcpy(shifted + 1, octets, 16);
	even = sum_word(an_load8(octets)) + sum_word(an_load8(octets + 8));
	odd = sum_word(an_load8(shifted)) + sum_word(an_load8(shifted + 8)) +
	      sum_word(an_load8(shifted + 16));
	assert_int_equal(an_sum_odd(an_sum_fold(even)), an_sum_fold(odd));
	assert_int_equal(an_sum_fold(~0ULL), 0xffff);
	assert_int_equal(an_sum_fold(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(link_reads_tags_and_stops_at_the_end),
	        cmocka_unit_test(link_turns_around),
	        cmocka_unit_test(ip_needs_every_octet),
	        cmocka_unit_test(name_scan_agrees_with_the_slow_hash),
	        cmocka_unit_test(name_scan_never_passes_the_end),
	        cmocka_unit_test(swar_lowering_is_ascii_lowering),
	        cmocka_unit_test(suffixes_hash_as_names_of_their_own),
	        cmocka_unit_test(opt_gives_payload_and_do),
	        cmocka_unit_test(ecs_is_right_to_the_bit),
	        cmocka_unit_test(ecs_of_every_length_is_checked),
	        cmocka_unit_test(cut_options_are_malformed),
	        cmocka_unit_test(keys_hold_the_prefix_and_nothing_more),
	        cmocka_unit_test(words_that_differ_by_place_fold_alike),
	};

	return cmocka_run_group_tests_name("bpf: parsers", tests, NULL, NULL);
}
