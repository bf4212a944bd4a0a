/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams of transfers, message by message: whole zones, differences, types
 * that are ANAMEs, compression, and what is refused.
 */
#include <errno.h>

#include "../zone/from_text.h"
#include "base/wire.h"
#include "transfer/in_stream.h"
#include "transfer/zonefile.h"

#define ROOM 65535

static uint8_t apex[NAME_MAX_LEN];
static size_t apex_len;

/* A message in the making: answers are counted as they are put. */
struct draft {
	uint8_t octets[ROOM];
	struct wire wire;
	unsigned int answers;
};

static void draft_begin(struct draft *draft)
{
	draft->wire = wire_writer(draft->octets, sizeof(draft->octets));
	draft->answers = 0;
	wire_put16(&draft->wire, 77);
	wire_put16(&draft->wire, AN_FLAG_QR | AN_FLAG_AA);
	wire_put16(&draft->wire, 1);
	wire_put16(&draft->wire, 0);
	wire_put32(&draft->wire, 0);
	wire_put(&draft->wire, apex, apex_len); /* at 12: "\300\014" is the apex */
	wire_put16(&draft->wire, AN_TYPE_AXFR);
	wire_put16(&draft->wire, AN_CLASS_IN);
}

static void draft_raw(struct draft *draft, const void *owner, size_t owner_len, uint16_t type,
                      uint32_t ttl, const void *rdata, size_t rdata_len)
{
	wire_put(&draft->wire, owner, owner_len);
	wire_put16(&draft->wire, type);
	wire_put16(&draft->wire, AN_CLASS_IN);
	wire_put32(&draft->wire, ttl);
	wire_put16(&draft->wire, (unsigned int)rdata_len);
	wire_put(&draft->wire, rdata, rdata_len);
	draft->answers++;
}

/* An owner of one label (or none: "") below the apex. */
static void draft_record(struct draft *draft, const char *label, uint16_t type, uint32_t ttl,
                         const void *rdata, size_t rdata_len)
{
	uint8_t owner[66];
	size_t len = strlen(label);

	owner[0] = (uint8_t)len;
	memcpy(owner + 1, label, len);
	len += len ? 1 : 0;
	memcpy(owner + len, "\300\014", 2);
	draft_raw(draft, owner, len + 2, type, ttl, rdata, rdata_len);
}

static void draft_soa(struct draft *draft, uint32_t serial)
{
	uint8_t rdata[64] = "\2ns\300\014\4host\300\014";
	struct wire wire = wire_writer(rdata, sizeof(rdata));

	wire_take(&wire, 5 + 7);
	wire_put32(&wire, serial);
	for (int i = 0; i < 4; i++)
		wire_put32(&wire, 10);
	draft_record(draft, "", AN_TYPE_SOA, 300, rdata, wire.at);
}

static void draft_a(struct draft *draft, const char *label, uint8_t last)
{
	const uint8_t rdata[] = {192, 0, 2, last};

	draft_record(draft, label, AN_TYPE_A, 60, rdata, sizeof(rdata));
}

static void draft_servers(struct draft *draft)
{
	draft_record(draft, "", AN_TYPE_NS, 300, "\2ns\300\014", 5);
	draft_a(draft, "ns", 53);
}

/* The message goes into a block of exactly its size. */
static int feed(struct in_stream *stream, struct draft *draft, struct error *error)
{
	const struct in_question question = {77, apex, apex_len, AN_TYPE_AXFR};
	uint8_t *exact = malloc(draft->wire.at);
	struct in_message message;
	int result;

	assert_false(draft->wire.failed);
	wire_set16(&draft->wire, 6, draft->answers);
	memcpy(exact, draft->octets, draft->wire.at);
	result = in_message_begin(&message, exact, draft->wire.at, &question, error);
	if (!result)
		result = in_stream_message(stream, &message, error);
	free(exact);
	return result;
}

static struct in_stream *stream_of(const struct zone *old, bool ixfr)
{
	const struct in_stream_setup setup = {.apex = apex,
	                                      .apex_len = apex_len,
	                                      .old = old,
	                                      .ixfr = ixfr,
	                                      .types = {{AN_TYPE_ANAME, 65280}},
	                                      .memory_max = 1 << 20};

	return in_stream_new(&setup);
}

static struct zone *finished(struct in_stream *stream)
{
	struct error error = {0};
	struct zone *zone = NULL;

	if (in_stream_finish(stream, &zone, &error))
		fail_msg("%s", error.text);
	in_stream_free(stream);
	return zone;
}

static int set_up(void **state)
{
	(void)state;
	apex_len = (size_t)name_from_text("example.test", NULL, 0, apex);
	return 0;
}

/* ---- whole zones ---- */

static void a_whole_zone_comes_in_one_message_or_in_many(void **state)
{
	static struct draft draft;
	struct error error = {0};

	(void)state;
	for (int many = 0; many < 2; many++) {
		struct in_stream *stream = stream_of(NULL, false);
		struct zone *zone;

		draft_begin(&draft);
		draft_soa(&draft, 9);
		for (int part = 0; part < 3; part++) {
			if (many) {
				assert_int_equal(feed(stream, &draft, &error), IN_MORE);
				draft_begin(&draft);
			}
			if (part == 0)
				draft_servers(&draft);
			else if (part == 1)
				draft_a(&draft, "WWW", 1);
			else
				draft_soa(&draft, 9);
		}
		assert_int_equal(feed(stream, &draft, &error), IN_DONE);
		assert_int_equal(in_stream_serial(stream), 9);
		assert_int_equal(in_stream_records(stream), 5);
		assert_false(in_stream_is_incremental(stream));
		zone = finished(stream);
		assert_int_equal(zone->serial, 9);
		assert_int_equal(zone->record_count, 4);
		assert_memory_equal(node_of(zone, "www.example.test")->name, "\3WWW", 4);
		zone_free(zone);
	}
}

static void accepted_types_become_anames(void **state)
{
	static struct draft draft;
	struct in_stream *stream = stream_of(NULL, false);
	struct error error = {0};
	const struct zone_rrset *set;
	struct zone *zone;

	(void)state;
	draft_begin(&draft);
	draft_soa(&draft, 9);
	draft_servers(&draft);
	/* Compressed, as no unknown type should be; other servers have done it. */
	draft_record(&draft, "one", AN_TYPE_ANAME, 60, "\3cdn\300\014", 6);
	draft_record(&draft, "two", 65280, 60, "\3cdn\0", 5);
	draft_record(&draft, "three", 65305, 60, "\3cdn\0", 5);
	draft_soa(&draft, 9);
	assert_int_equal(feed(stream, &draft, &error), IN_DONE);
	zone = finished(stream);
	set = set_of(zone, "one.example.test", AN_TYPE_ANAME);
	assert_non_null(set);
	assert_int_equal(set->rdata[0].len, 4 + 14);
	assert_memory_equal(set->rdata[0].data, "\3cdn\7example\4test", 18);
	assert_non_null(set_of(zone, "two.example.test", AN_TYPE_ANAME));
	assert_null(set_of(zone, "three.example.test", AN_TYPE_ANAME));
	assert_non_null(set_of(zone, "three.example.test", 65305));
	zone_free(zone);
}

static void names_in_rdata_are_spelled_out(void **state)
{
	static const struct {
		uint16_t type;
		const char *rdata;
		size_t len, wanted;
	} rows[] = {
	        {AN_TYPE_MX, "\0\12\300\014", 4, 16},
	        {AN_TYPE_SRV, "\0\1\0\2\0\3\300\014", 8, 20},
	        {17, "\300\014\1a\300\014", 6, 30},         /* RP */
	        {18, "\0\1\300\014", 4, 16},                /* AFSDB */
	        {26, "\0\1\300\014\300\014", 6, 30},        /* PX */
	        {35, "\0\1\0\2\1s\3sip\0\300\014", 13, 25}, /* NAPTR */
	        {AN_TYPE_TXT, "\2\300\014", 3, 3},          /* no name at all */
	        {4711, "\300\014", 2, 2},                   /* unknown */
	        {AN_TYPE_RRSIG, "\0\1\5\2\0\0\0\1\0\0\0\2\0\0\0\1\0\7\0s", 20, 20},
	};
	static struct draft draft;
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct in_stream *stream = stream_of(NULL, false);
		struct zone *zone;

		draft_begin(&draft);
		draft_soa(&draft, 9);
		draft_servers(&draft);
		draft_record(&draft, "x", rows[i].type, 60, rows[i].rdata, rows[i].len);
		draft_soa(&draft, 9);
		assert_int_equal(feed(stream, &draft, &error), IN_DONE);
		zone = finished(stream);
		assert_int_equal(set_of(zone, "x.example.test", rows[i].type)->rdata[0].len,
		                 rows[i].wanted);
		zone_free(zone);
	}
}

static int read_all(struct draft *draft, struct in_record *record)
{
	static const struct in_types types;
	const struct in_question question = {77, apex, apex_len, AN_TYPE_AXFR};
	struct in_message message;
	struct error error = {0};
	int result;

	wire_set16(&draft->wire, 6, draft->answers);
	assert_int_equal(
	        in_message_begin(&message, draft->octets, draft->wire.at, &question, &error), 0);
	do
		result = in_message_record(&message, &types, record, &error);
	while (result > 0);
	return result;
}

static void rdata_may_grow_to_65535_octets_and_no_further(void **state)
{
	enum { NAME = 234, MINFO = 14, REST = 65535 - 2 * NAME };
	static struct draft draft;
	static struct in_record record;
	static uint8_t name[NAME], rdata[REST + 5];

	(void)state;
	for (size_t at = 0; at < NAME - 1; at += 1u + name[at])
		name[at] = at < 192 ? 63 : NAME - 2 - 192;
	for (size_t more = 0; more < 2; more++) {
		draft_begin(&draft);
		draft_record(&draft, "n", 4711, 60, name, sizeof(name));
		/* Two pointers to that name, which lies behind header, question and owner. */
		memcpy(rdata, "\300\054\300\054", 4);
		draft_record(&draft, "", MINFO, 60, rdata, 4 + REST + more);
		assert_false(draft.wire.failed);
		assert_int_equal(read_all(&draft, &record), more ? -EBADMSG : 0);
		if (!more)
			assert_int_equal(record.rdata_len, 65535);
	}
}

/* ---- differences ---- */

static struct zone *old_zone(void)
{
	return zone_of("example.test",
	               "$TTL 300\n"
	               "@ SOA ns host 5 10 10 10 10\n"
	               "@ NS ns\n"
	               "ns A 192.0.2.53\n"
	               "a 60 A 192.0.2.1\n"
	               "a 60 A 192.0.2.2\n"
	               "b 60 A 192.0.2.3\n"
	               "c 60 ANAME cdn.test.\n"
	               "d 60 MX 10 Mail.Elsewhere.test.\n",
	               NULL);
}

static void differences_are_summed_up(void **state)
{
	static struct draft draft;
	struct zone *old = old_zone(), *zone;
	struct in_stream *stream = stream_of(old, true);
	struct error error = {0};

	(void)state;
	zone_free(old); /* the stream has its own count */
	draft_begin(&draft);
	draft_soa(&draft, 7);
	draft_soa(&draft, 5);
	draft_a(&draft, "a", 1);
	draft_record(&draft, "D", AN_TYPE_MX, 1, "\0\12\4mail\11elsewhere\4TEST\0", 23);
	draft_soa(&draft, 6);
	draft_a(&draft, "e", 4);
	draft_soa(&draft, 6);
	draft_a(&draft, "e", 4);
	draft_record(&draft, "c", AN_TYPE_ANAME, 60, "\3cdn\4test\0", 10);
	draft_soa(&draft, 7);
	draft_a(&draft, "a", 1); /* back again */
	draft_a(&draft, "f", 5);
	draft_soa(&draft, 7);
	assert_int_equal(feed(stream, &draft, &error), IN_DONE);
	assert_true(in_stream_is_incremental(stream));
	zone = finished(stream);
	assert_int_equal(zone->serial, 7);
	assert_int_equal(set_of(zone, "a.example.test", AN_TYPE_A)->count, 2);
	assert_non_null(set_of(zone, "b.example.test", AN_TYPE_A));
	assert_null(node_of(zone, "c.example.test"));
	assert_null(node_of(zone, "d.example.test"));
	assert_null(node_of(zone, "e.example.test"));
	assert_non_null(set_of(zone, "f.example.test", AN_TYPE_A));
	assert_int_equal(zone->record_count, 7);
	zone_free(zone);
}

static void an_ixfr_is_answered_by_the_whole_zone_too(void **state)
{
	static struct draft draft;
	struct zone *old = old_zone(), *zone;
	struct in_stream *stream = stream_of(old, true);
	struct error error = {0};

	(void)state;
	zone_free(old);
	draft_begin(&draft);
	draft_soa(&draft, 7);
	assert_int_equal(feed(stream, &draft, &error), IN_MORE);
	draft_begin(&draft);
	draft_servers(&draft);
	draft_soa(&draft, 7);
	assert_int_equal(feed(stream, &draft, &error), IN_DONE);
	assert_false(in_stream_is_incremental(stream));
	zone = finished(stream);
	assert_int_equal(zone->record_count, 3);
	zone_free(zone);
}

static void a_serial_that_is_not_newer_means_up_to_date(void **state)
{
	static const uint32_t serials[] = {5, 4, 5 + 0x80000000u};
	static struct draft draft;
	struct zone *old = old_zone();
	struct error error = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(serials); i++) {
		struct in_stream *stream = stream_of(old, true);

		draft_begin(&draft);
		draft_soa(&draft, serials[i]);
		assert_int_equal(feed(stream, &draft, &error), IN_UP_TO_DATE);
		assert_int_equal(in_stream_serial(stream), serials[i]);
		in_stream_free(stream);
	}
	zone_free(old);
	assert_true(in_serial_newer(1, 0));
	assert_true(in_serial_newer(0, 0xffffffffu));
	assert_true(in_serial_newer(0x80000000u, 1));
	assert_false(in_serial_newer(0, 0));
	assert_false(in_serial_newer(0x80000001u, 1));
	assert_false(in_serial_newer(0, 1));
}

/* ---- refused ---- */

enum script {
	DELETE_ABSENT,
	DELETE_TWICE,
	GAP,
	BEHIND_THE_END,
	OUTSIDE,
	SHORT_A,
	TOO_MUCH,
	NO_RECORD,
	SOA_BELOW,
};

static int play(enum script script, struct error *error)
{
	static struct draft draft;
	struct zone *old = old_zone();
	struct in_stream *stream = stream_of(old, true);
	int result;

	draft_begin(&draft);
	if (script != NO_RECORD) {
		draft_soa(&draft, 7);
		draft_soa(&draft, 5);
	}
	if (script == DELETE_ABSENT)
		draft_a(&draft, "a", 9);
	for (int i = 0; script == DELETE_TWICE && i < 2; i++)
		draft_a(&draft, "a", 1);
	if (script == OUTSIDE)
		draft_raw(&draft, "\1x\0", 3, AN_TYPE_A, 1, "\1\2\3\4", 4);
	if (script == SHORT_A)
		draft_record(&draft, "a", AN_TYPE_A, 1, "\1\2\3", 3);
	if (script == SOA_BELOW)
		draft_record(&draft, "a", AN_TYPE_SOA, 1, "\300\014\300\014aaaabbbbccccddddeeee",
		             24);
	if (script != NO_RECORD)
		draft_soa(&draft, 6);
	if (script == GAP)
		draft_soa(&draft, 5);
	result = feed(stream, &draft, error);
	for (unsigned int i = 0; script == TOO_MUCH && i < 20000 && result == IN_MORE; i++) {
		char label[16];

		snprintf(label, sizeof(label), "n%u", i);
		draft_begin(&draft);
		draft_a(&draft, label, 1);
		result = feed(stream, &draft, error);
	}
	if (script == BEHIND_THE_END) {
		draft_begin(&draft);
		draft_soa(&draft, 6);
		draft_soa(&draft, 7);
		draft_soa(&draft, 7);
		draft_a(&draft, "late", 1);
		result = feed(stream, &draft, error);
	}
	in_stream_free(stream);
	zone_free(old);
	return result;
}

static void what_is_wrong_is_refused_and_named(void **state)
{
	static const struct {
		enum script script;
		int result;
		const char *text;
	} rows[] = {
	        {DELETE_ABSENT, -ENOENT, "delete a A of a.example.test. that is not there"},
	        {DELETE_TWICE, -ENOENT, "that is not there"},
	        {GAP, -EBADMSG, "up to serial 6 are followed by those from 5"},
	        {BEHIND_THE_END, -EBADMSG, "behind the end"},
	        {OUTSIDE, -EBADMSG, "x. is outside the zone"},
	        {SHORT_A, -EBADMSG, "malformed A rdata"},
	        {TOO_MUCH, -EFBIG, "too large"},
	        {NO_RECORD, -EBADMSG, "without a record"},
	        {SOA_BELOW, -EBADMSG, "SOA of another name"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct error error = {0};

		assert_int_equal(play(rows[i].script, &error), rows[i].result);
		if (!strstr(error.text, rows[i].text))
			fail_msg("\"%s\" in place of \"%s\"", error.text, rows[i].text);
	}
}

static void a_message_that_is_cut_anywhere_is_no_end(void **state)
{
	static struct draft draft;
	const struct in_question question = {77, apex, apex_len, AN_TYPE_AXFR};

	(void)state;
	draft_begin(&draft);
	draft_soa(&draft, 9);
	draft_servers(&draft);
	draft_soa(&draft, 9);
	wire_set16(&draft.wire, 6, draft.answers);
	for (size_t cut = 0; cut < draft.wire.at; cut++) {
		struct in_stream *stream = stream_of(NULL, false);
		uint8_t *exact = malloc(cut ? cut : 1);
		struct error error = {0};
		struct in_message message;
		int result;

		memcpy(exact, draft.octets, cut);
		result = in_message_begin(&message, exact, cut, &question, &error);
		if (!result)
			result = in_stream_message(stream, &message, &error);
		assert_int_equal(result, -EBADMSG);
		free(exact);
		in_stream_free(stream);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_whole_zone_comes_in_one_message_or_in_many),
	        cmocka_unit_test(accepted_types_become_anames),
	        cmocka_unit_test(names_in_rdata_are_spelled_out),
	        cmocka_unit_test(rdata_may_grow_to_65535_octets_and_no_further),
	        cmocka_unit_test(differences_are_summed_up),
	        cmocka_unit_test(an_ixfr_is_answered_by_the_whole_zone_too),
	        cmocka_unit_test(a_serial_that_is_not_newer_means_up_to_date),
	        cmocka_unit_test(what_is_wrong_is_refused_and_named),
	        cmocka_unit_test(a_message_that_is_cut_anywhere_is_no_end),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
