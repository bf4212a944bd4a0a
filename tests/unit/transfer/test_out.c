/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of secondaries: who gets what, in which messages. */
#include "out_scene.h"

#define BODY                                                                                       \
	OUT_HEAD "www A 192.0.2.1\n"                                                               \
	         "www A 192.0.2.2\n"                                                               \
	         "@ 60 ANAME www\n"                                                                \
	         "@ MX 5 www\n"                                                                    \
	         "*.wild 30 ANAME elsewhere.example.net.\n"                                        \
	         "sub NS ns.sub\n"                                                                 \
	         "ns.sub A 192.0.2.54\n"

#define SOA_LINE       "example.test. 300 IN SOA ns.example.test. hostmaster.example.test. 7 2 3 4 60"
#define EDE_PROHIBITED 18

static const struct out_ask axfr = {.type = AN_TYPE_AXFR};

/* ---- AXFR ---- */

static void test_a_zone_goes_out_whole_between_two_soas(void **state)
{
	static const char *const lines[] = {
	        "example.test. 300 IN NS ns.example.test.",
	        "example.test. 300 IN MX 5 www.example.test.",
	        "ns.example.test. 300 IN A 192.0.2.53",
	        "www.example.test. 300 IN A 192.0.2.1",
	        "www.example.test. 300 IN A 192.0.2.2",
	        "sub.example.test. 300 IN NS ns.sub.example.test.",
	        "ns.sub.example.test. 300 IN A 192.0.2.54",
	};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	out_ask(&scene, &axfr, &got);
	assert_true(got.streamed);
	assert_int_equal(got.messages, 1);
	assert_int_equal(got.rcode, AN_RCODE_NOERROR);
	assert_true(got.aa);
	assert_false(got.opt);
	assert_false(got.tsig);
	assert_string_equal(got.lines[0], SOA_LINE);
	assert_string_equal(got.lines[got.records - 1], SOA_LINE);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(out_has(&got, lines[i]), 1);
	assert_int_equal(got.records, 2 + 7 + 2);
	out_got_free(&got);
	out_close(&scene);
}

static void test_anames_go_out_with_the_configured_number(void **state)
{
	struct out_scene scene;
	struct out_got got;
	unsigned int seen = 0;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	scene.config->aname_type = 65280;
	out_ask(&scene, &axfr, &got);
	for (unsigned int i = 0; i < got.records; i++)
		seen += !strncmp(got.lines[i], "example.test. 60 IN TYPE65280 \\# 18 ", 36);
	assert_int_equal(seen, 1);
	out_got_free(&got);
	out_close(&scene);
}

static char *many_records(unsigned int count)
{
	char *text = malloc(200 + count * 40), *at = text;

	at += sprintf(at, OUT_HEAD);
	for (unsigned int i = 0; i < count; i++)
		at += sprintf(at, "h%u A 192.0.2.%u\n", i, i % 256);
	return text;
}

static void test_long_zones_take_several_messages_of_16_kib(void **state)
{
	char *text = many_records(3000);
	struct out_scene scene;
	struct out_got got;

	(void)state;
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	out_ask(&scene, &axfr, &got);
	assert_true(got.messages > 2);
	assert_true(got.largest <= 16384);
	assert_int_equal(got.records, 3000 + 4);
	assert_int_equal(out_has(&got, SOA_LINE), 2);
	assert_int_equal(out_has(&got, "h2999.example.test. 300 IN A 192.0.2.183"), 1);
	out_got_free(&got);
	out_close(&scene);
	free(text);
}

static void test_a_record_longer_than_a_usual_message_has_its_own(void **state)
{
	char *text = malloc(200000), *at = text;
	struct out_scene scene;
	struct out_got got;

	(void)state;
	at += sprintf(at, OUT_HEAD "big TXT");
	for (int i = 0; i < 200; i++)
		at += sprintf(at, " \"%0250d\"", i);
	sprintf(at, "\n");
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(got.records, 5);
	assert_true(got.largest > 50000);
	out_got_free(&got);
	out_close(&scene);
	free(text);
}

static void test_a_record_that_fits_no_message_ends_the_stream_with_an_error(void **state)
{
	static uint8_t reply[65535];
	char text[2000] = OUT_HEAD "big TXT";
	struct out_scene scene;
	struct transfer_out *stream;
	struct tsig tsig;
	size_t len;
	int next;

	(void)state;
	for (int i = 0; i < 6; i++)
		sprintf(text + strlen(text), " \"%0250d\"", i);
	strcat(text, "\n");
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	stream = out_start(&scene, &axfr, &tsig, reply, &len);
	assert_non_null(stream);
	while ((next = transfer_out_next(stream, reply, 800)) > 0)
		assert_true(next <= 800);
	assert_true(next < 0);
	transfer_out_free(stream);
	out_close(&scene);
}

static void test_a_reload_does_not_disturb_a_stream(void **state)
{
	static uint8_t reply[65535];
	char *text = many_records(3000);
	struct out_scene scene;
	struct out_got got = {.ede = -1};
	struct transfer_out *stream;
	struct tsig tsig;
	size_t len;

	(void)state;
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	stream = out_start(&scene, &axfr, &tsig, reply, &len);
	out_take(&got, reply, (size_t)transfer_out_next(stream, reply, sizeof(reply)));
	out_reload(&scene, BODY);
	out_drain(stream, &tsig, 65535, &got);
	assert_int_equal(got.records, 3000 + 4);
	transfer_out_free(stream);
	out_got_free(&got);
	out_close(&scene);
	free(text);
}

static void test_edns_is_answered_in_the_first_message_only(void **state)
{
	static uint8_t reply[65535];
	char *text = many_records(2000);
	struct out_ask ask = {.type = AN_TYPE_AXFR, .edns = true};
	struct out_got first = {.ede = -1}, rest = {.ede = -1};
	struct out_scene scene;
	struct transfer_out *stream;
	struct tsig tsig;
	size_t len;

	(void)state;
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	stream = out_start(&scene, &ask, &tsig, reply, &len);
	out_take(&first, reply, (size_t)transfer_out_next(stream, reply, sizeof(reply)));
	out_drain(stream, &tsig, 65535, &rest);
	assert_true(first.opt);
	assert_false(rest.opt);
	transfer_out_free(stream);
	out_got_free(&first);
	out_got_free(&rest);
	out_close(&scene);
	free(text);
}

/* ---- who may ---- */

struct may {
	const char *source;
	int signs; /* index of the key, -1 unsigned */
	unsigned int rcode;
};

static void test_the_longest_network_decides_and_its_key_must_have_signed(void **state)
{
	static const struct may table[] = {
	        {"192.0.2.7", -1, AN_RCODE_NOERROR},    {"192.0.2.7", 0, AN_RCODE_NOERROR},
	        {"192.0.2.200", -1, AN_RCODE_REFUSED},  {"192.0.2.200", 0, AN_RCODE_NOERROR},
	        {"192.0.2.200", 1, AN_RCODE_NOERROR},   {"192.0.2.129", -1, AN_RCODE_REFUSED},
	        {"192.0.2.129", 1, AN_RCODE_REFUSED},   {"192.0.2.129", 0, AN_RCODE_NOERROR},
	        {"198.51.100.1", -1, AN_RCODE_REFUSED}, {"198.51.100.1", 0, AN_RCODE_REFUSED},
	        {"2001:db8::1", -1, AN_RCODE_NOERROR},  {"2001:db9::1", -1, AN_RCODE_REFUSED},
	};
	struct out_scene scene;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	out_peer(&scene, "192.0.2.128/25", &scene.config->keys[1], TRANSFER_NATIVE);
	out_peer(&scene, "192.0.2.128/25", &scene.config->keys[0], TRANSFER_NATIVE);
	out_peer(&scene, "192.0.2.129", &scene.config->keys[0], TRANSFER_NATIVE);
	out_peer(&scene, "2001:db8::/32", NULL, TRANSFER_NATIVE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct out_ask ask = {.type = AN_TYPE_AXFR, .source = table[i].source};
		struct out_got got;

		if (table[i].signs >= 0)
			ask.key = &scene.config->keys[table[i].signs];
		out_ask(&scene, &ask, &got);
		if (got.rcode != table[i].rcode)
			fail_msg("row %zu: RCODE %u", i, got.rcode);
		assert_int_equal(got.streamed, !table[i].rcode);
		assert_int_equal(got.tsig, table[i].signs >= 0);
		out_got_free(&got);
	}
	out_close(&scene);
}

static void test_refusals_say_prohibited_to_those_with_edns(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_AXFR, .edns = true};
	struct transfer_out_stats before, after;
	struct out_scene scene;
	struct out_got got;

	(void)state;
	transfer_out_stats(&before);
	out_open(&scene, BODY);
	out_ask(&scene, &ask, &got);
	assert_int_equal(got.rcode, AN_RCODE_REFUSED);
	assert_int_equal(got.ede, EDE_PROHIBITED);
	assert_int_equal(got.records, 0);
	out_got_free(&got);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(got.rcode, AN_RCODE_REFUSED);
	assert_false(got.opt);
	out_got_free(&got);
	transfer_out_stats(&after);
	assert_int_equal(after.refused - before.refused, 2);
	out_close(&scene);
}

static void test_zones_that_are_not_ours_are_notauth(void **state)
{
	static const char *const names[] = {"example.org", "www.example.test", "test", "."};
	struct out_scene scene;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct out_ask ask = {.type = AN_TYPE_AXFR, .name = names[i]};
		struct out_got got;

		out_ask(&scene, &ask, &got);
		assert_int_equal(got.rcode, AN_RCODE_NOTAUTH);
		assert_false(got.streamed);
		out_got_free(&got);
	}
	out_close(&scene);
}

static void test_a_zone_that_has_expired_or_has_no_data_is_servfail(void **state)
{
	struct out_scene scene;
	struct out_got got;
	struct zone *zone;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	zone = zones_at(scene.world.zones, 0);
	zone->expired = true;
	out_ask(&scene, &axfr, &got);
	assert_int_equal(got.rcode, AN_RCODE_SERVFAIL);
	out_got_free(&got);
	zone = zone_without_data(zone->apex, zone->apex_len, &scene.settings);
	zones_free(scene.world.zones);
	scene.world.zones = zones_new(&zone, 1);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(got.rcode, AN_RCODE_SERVFAIL);
	out_got_free(&got);
	out_close(&scene);
}

/* ---- signatures ---- */

static void test_every_message_of_a_signed_transfer_is_signed(void **state)
{
	char *text = many_records(3000);
	struct out_scene scene;
	struct out_ask ask = {.type = AN_TYPE_AXFR, .edns = true};
	struct out_got got;

	(void)state;
	out_open(&scene, text);
	out_peer(&scene, "192.0.2.0/24", &scene.config->keys[0], TRANSFER_NATIVE);
	ask.key = &scene.config->keys[0];
	out_ask(&scene, &ask, &got); /* out_drain() verifies each */
	assert_true(got.messages > 2);
	assert_true(got.largest <= 16384);
	assert_true(got.tsig);
	assert_int_equal(got.records, 3000 + 4);
	out_got_free(&got);
	out_close(&scene);
	free(text);
}

static void test_faults_of_signatures_are_notauth_and_say_which(void **state)
{
	struct config_key stranger;
	struct out_scene scene;
	struct out_got got;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", &scene.config->keys[0], TRANSFER_NATIVE);
	out_key(&stranger, "three.key");

	struct {
		struct out_ask ask;
		unsigned int error;
	} table[] = {
	        {{.type = AN_TYPE_AXFR, .key = &stranger}, TSIG_BADKEY},
	        {{.type = AN_TYPE_AXFR, .key = &scene.config->keys[0], .spoil_mac = true},
	         TSIG_BADSIG},
	        {{.type = AN_TYPE_AXFR, .key = &scene.config->keys[0], .clock_off_s = -4000},
	         TSIG_BADTIME},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		out_ask(&scene, &table[i].ask, &got);
		assert_int_equal(got.rcode, AN_RCODE_NOTAUTH);
		assert_false(got.streamed);
		assert_true(got.tsig);
		assert_int_equal(got.tsig_error, table[i].error);
		out_got_free(&got);
	}
	out_close(&scene);
}

/* ---- form ---- */

static unsigned int raw_rcode(struct out_scene *scene, const uint8_t *packet, size_t len, bool tcp,
                              size_t *ret_len)
{
	uint8_t *exact = malloc(len ? len : 1), reply[512];
	struct transfer_out *stream = NULL;
	struct endpoint source;

	memcpy(exact, packet, len);
	endpoint_parse("192.0.2.7", 4711, &source);
	rcu_read_lock();
	transfer_out_begin(&scene->world, exact, len, &source, tcp, reply, sizeof(reply), ret_len,
	                   &stream);
	rcu_read_unlock();
	free(exact);
	assert_null(stream);
	return reply[3] & 15u;
}

static void test_axfr_by_udp_is_formerr(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_AXFR, .udp = true};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	out_ask(&scene, &ask, &got);
	assert_int_equal(got.rcode, AN_RCODE_FORMERR);
	out_got_free(&got);
	out_close(&scene);
}

static void test_malformed_requests_are_formerr_wherever_they_are_cut(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 7, .edns = true};
	struct out_scene scene;
	uint8_t packet[1025];
	struct tsig tsig;
	size_t len, reply_len;

	(void)state;
	out_open(&scene, BODY);
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	len = out_request(&ask, packet, &tsig);
	for (size_t cut = 0; cut < len; cut++) {
		unsigned int rcode = raw_rcode(&scene, packet, cut, true, &reply_len);

		if (cut < AN_DNS_HEADER_LEN)
			assert_int_equal(reply_len, 0);
		else
			assert_int_equal(rcode, AN_RCODE_FORMERR);
	}
	packet[len] = 0; /* something behind it */
	assert_int_equal(raw_rcode(&scene, packet, len + 1, true, &reply_len), AN_RCODE_FORMERR);
	packet[9] = 0; /* IXFR without a version */
	assert_int_equal(raw_rcode(&scene, packet, len, true, &reply_len), AN_RCODE_FORMERR);
	packet[2] |= 0x80; /* a response */
	raw_rcode(&scene, packet, len, true, &reply_len);
	assert_int_equal(reply_len, 0);
	out_close(&scene);
}

/* ---- IXFR ---- */

/* The desk's part, by hand: the world's zone becomes the native view, with the way to it. */
static void enter(struct out_scene *scene, enum transfer_mode mode, uint32_t serial,
                  struct expand_table *table)
{
	struct zone *zone = zones_at(scene->world.zones, 0);
	struct view *old = book_view(zone->apex, zone->apex_len, mode);
	struct view *view = view_new(zone, table, mode, serial);
	struct step *step = NULL;

	if (old)
		assert_int_equal(step_between(old, view, SIZE_MAX, &step), 0);
	assert_int_equal(book_put(view, step, false), 0);
	view_free(old);
	view_free(view);
}

#define VERSION(serial, body)                                                                      \
	"$TTL 300\n@ SOA ns hostmaster " serial " 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n" body

static void open_versions(struct out_scene *scene)
{
	out_open(scene, VERSION("7", "a A 192.0.2.1\nb A 192.0.2.2\n"));
	out_peer(scene, "192.0.2.0/24", NULL, TRANSFER_NATIVE);
	enter(scene, TRANSFER_NATIVE, 7, NULL);
	out_reload(scene, VERSION("8", "a A 192.0.2.1\nb A 192.0.2.3\n"));
	enter(scene, TRANSFER_NATIVE, 8, NULL);
	out_reload(scene, VERSION("9", "a A 192.0.2.4\nb A 192.0.2.3\nc A 192.0.2.9\n"));
	enter(scene, TRANSFER_NATIVE, 9, NULL);
}

static void assert_lines(const struct out_got *got, const char *const *lines, unsigned int count)
{
	assert_int_equal(got->records, count);
	for (unsigned int i = 0; i < count; i++)
		assert_string_equal(got->lines[i], lines[i]);
}

#define SOA_OF(serial)                                                                             \
	"example.test. 300 IN SOA ns.example.test. hostmaster.example.test. " serial " 2 3 4 60"

static const char *const last_step[] = {
        SOA_OF("9"),
        SOA_OF("8"),
        "a.example.test. 300 IN A 192.0.2.1",
        SOA_OF("9"),
        "a.example.test. 300 IN A 192.0.2.4",
        "c.example.test. 300 IN A 192.0.2.9",
        SOA_OF("9"),
};

static void test_ixfr_gives_the_difference(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 8};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	open_versions(&scene);
	out_ask(&scene, &ask, &got);
	assert_true(got.streamed);
	assert_lines(&got, last_step, 7);
	out_got_free(&got);
	out_close(&scene);
}

static void test_ixfr_over_several_versions_is_condensed(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 7};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	open_versions(&scene);
	out_ask(&scene, &ask, &got);
	assert_int_equal(got.records, 9);
	assert_string_equal(got.lines[0], SOA_OF("9"));
	assert_string_equal(got.lines[1], SOA_OF("7"));
	assert_string_equal(got.lines[4], SOA_OF("9"));
	assert_string_equal(got.lines[8], SOA_OF("9"));
	assert_int_equal(out_has(&got, "b.example.test. 300 IN A 192.0.2.2"), 1);
	assert_int_equal(out_has(&got, "b.example.test. 300 IN A 192.0.2.3"), 1);
	out_got_free(&got);
	out_close(&scene);
}

static void test_ixfr_of_who_is_up_to_date_is_one_soa(void **state)
{
	static const char *const soa[] = {SOA_OF("9")};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	open_versions(&scene);
	for (uint32_t serial = 9; serial <= 10; serial++) {
		struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = serial};

		out_ask(&scene, &ask, &got);
		assert_lines(&got, soa, 1);
		out_got_free(&got);
		ask.udp = true;
		out_ask(&scene, &ask, &got);
		assert_lines(&got, soa, 1);
		out_got_free(&got);
	}
	out_close(&scene);
}

static void test_ixfr_from_an_unknown_version_is_the_whole_zone(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 6};
	struct transfer_out_stats before, after;
	struct out_scene scene;
	struct out_got got;

	(void)state;
	open_versions(&scene);
	transfer_out_stats(&before);
	out_ask(&scene, &ask, &got);
	transfer_out_stats(&after);
	assert_int_equal(got.records, 2 + 2 + 3);
	assert_string_equal(got.lines[0], SOA_OF("9"));
	assert_int_not_equal(strncmp(got.lines[1], "example.test. 300 IN SOA", 24), 0);
	assert_int_equal(after.ixfr_as_axfr - before.ixfr_as_axfr, 1);
	assert_int_equal(after.records - before.records, 7);
	out_got_free(&got);
	ask.udp = true; /* by UDP: the SOA, so that the client comes by TCP */
	out_ask(&scene, &ask, &got);
	assert_int_equal(got.records, 1);
	assert_false(got.streamed);
	out_got_free(&got);
	out_close(&scene);
}

static void test_ixfr_by_udp_is_the_difference_if_it_fits(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 8, .udp = true};
	struct out_scene scene;
	struct out_got got;
	char text[4000] = VERSION("10", "");

	(void)state;
	open_versions(&scene);
	out_ask(&scene, &ask, &got);
	assert_lines(&got, last_step, 7);
	out_got_free(&got);
	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "h%d A 192.0.2.%d\n", i, i);
	out_reload(&scene, text);
	enter(&scene, TRANSFER_NATIVE, 10, NULL);
	out_ask(&scene, &ask, &got); /* over 512 octets */
	assert_int_equal(got.records, 1);
	assert_string_equal(got.lines[0], SOA_OF("10"));
	out_got_free(&got);
	ask.edns = true;
	out_ask(&scene, &ask, &got);
	assert_true(got.records > 40);
	assert_true(got.opt);
	assert_true(got.largest <= 1232);
	out_got_free(&got);
	ask.key = &scene.config->keys[0];
	out_ask(&scene, &ask, &got);
	assert_true(got.tsig);
	assert_true(got.largest <= 1232);
	out_got_free(&got);
	out_close(&scene);
}

static void test_what_the_desk_has_not_seen_goes_out_whole(void **state)
{
	struct out_ask ask = {.type = AN_TYPE_IXFR, .serial = 8};
	struct out_scene scene;
	struct out_got got;

	(void)state;
	open_versions(&scene);
	out_reload(&scene, VERSION("10", "z A 192.0.2.26\n"));
	out_ask(&scene, &ask, &got);
	assert_string_equal(got.lines[0], SOA_OF("10"));
	assert_int_equal(out_has(&got, "z.example.test. 300 IN A 192.0.2.26"), 1);
	assert_int_equal(out_has(&got, SOA_OF("8")), 0);
	out_got_free(&got);
	out_reload(&scene, VERSION("9", "z A 192.0.2.26\n")); /* the serial of what it has seen */
	out_ask(&scene, &ask, &got);
	assert_int_equal(out_has(&got, "z.example.test. 300 IN A 192.0.2.26"), 1);
	assert_int_equal(out_has(&got, SOA_OF("8")), 0);
	out_got_free(&got);
	out_close(&scene);
}

/* ---- expand, both ---- */

static struct expand_table *table_for(const char *owner, const char *address, bool known)
{
	struct expand_table *table = expand_table_new(4);
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(owner, NULL, 0, name);
	struct expand_set sets[2] = {0};
	struct network net = {0};

	if (address)
		assert_int_equal(network_parse(address, &net), 0);
	sets[EXPAND_A] = (struct expand_set){
	        .known = known, .count = address ? 1 : 0, .ttl = 20, .octets = net.address};
	expand_table_put(table, expand_entry_new(name, (size_t)len, sets));
	return table;
}

static unsigned int count_prefix(const struct out_got *got, const char *prefix)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < got->records; i++)
		count += !strncmp(got->lines[i], prefix, strlen(prefix));
	return count;
}

static void test_expand_puts_addresses_in_the_place_of_anames(void **state)
{
	struct out_scene scene;
	struct out_got got;
	struct expand_table *table = table_for("example.test", "203.0.113.5", true);

	(void)state;
	out_open(&scene, OUT_HEAD "@ 60 ANAME cdn.example.net.\n@ TXT x\n");
	out_peer(&scene, "192.0.2.0/25", NULL, TRANSFER_EXPAND);
	out_peer(&scene, "192.0.2.128/25", NULL, TRANSFER_BOTH);
	out_ask(&scene, &axfr, &got); /* nothing is made yet */
	assert_int_equal(got.rcode, AN_RCODE_SERVFAIL);
	out_got_free(&got);
	enter(&scene, TRANSFER_EXPAND, 12, table);
	enter(&scene, TRANSFER_BOTH, 12, table);
	out_ask(&scene, &axfr, &got);
	assert_string_equal(got.lines[0], SOA_OF("12"));
	assert_int_equal(out_has(&got, "example.test. 20 IN A 203.0.113.5"), 1);
	assert_int_equal(count_prefix(&got, "example.test. 60 IN TYPE65401"), 0);
	assert_int_equal(out_has(&got, "example.test. 300 IN TXT \"x\""), 1);
	out_got_free(&got);
	out_ask(&scene, &(struct out_ask){.type = AN_TYPE_AXFR, .source = "192.0.2.200"}, &got);
	assert_int_equal(out_has(&got, "example.test. 20 IN A 203.0.113.5"), 1);
	assert_int_equal(count_prefix(&got, "example.test. 60 IN TYPE65401"), 1);
	out_got_free(&got);
	expand_table_free(table);
	out_close(&scene);
}

static void test_what_was_never_resolved_gives_nothing_but_own_addresses(void **state)
{
	struct out_scene scene;
	struct out_got got;
	struct expand_table *table = table_for("example.test", NULL, false);

	(void)state;
	out_open(&scene, OUT_HEAD "@ 60 ANAME cdn.example.net.\n@ A 192.0.2.80\n");
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_EXPAND);
	enter(&scene, TRANSFER_EXPAND, 7, table);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(out_has(&got, "example.test. 300 IN A 192.0.2.80"), 1);
	assert_int_equal(count_prefix(&got, "example.test. 60"), 0);
	out_got_free(&got);
	expand_table_free(table);
	table = table_for("example.test", "203.0.113.5", true); /* own ones are in it, or not */
	enter(&scene, TRANSFER_EXPAND, 8, table);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(out_has(&got, "example.test. 300 IN A 192.0.2.80"), 0);
	assert_int_equal(out_has(&got, "example.test. 20 IN A 203.0.113.5"), 1);
	out_got_free(&got);
	expand_table_free(table);
	out_close(&scene);
}

static void test_a_flattened_cname_gives_way_to_addresses_if_there_are_any(void **state)
{
	struct out_scene scene;
	struct out_got got;
	struct expand_table *table;

	(void)state;
	out_open(&scene, NULL);
	scene.settings.flatten_cnames = FLATTEN_CNAMES_ALL;
	out_reload(&scene, OUT_HEAD "w CNAME cdn.example.net.\n");
	out_peer(&scene, "192.0.2.0/24", NULL, TRANSFER_BOTH);
	table = table_for("w.example.test", NULL, true);
	enter(&scene, TRANSFER_BOTH, 7, table);
	expand_table_free(table);
	out_ask(&scene, &axfr, &got);
	assert_int_equal(out_has(&got, "w.example.test. 300 IN CNAME cdn.example.net."), 1);
	out_got_free(&got);
	table = table_for("w.example.test", "203.0.113.5", true);
	enter(&scene, TRANSFER_BOTH, 8, table);
	expand_table_free(table);
	out_ask(&scene, &(struct out_ask){.type = AN_TYPE_IXFR, .serial = 7}, &got);
	assert_int_equal(got.records, 6);
	assert_string_equal(got.lines[2], "w.example.test. 300 IN CNAME cdn.example.net.");
	assert_string_equal(got.lines[4], "w.example.test. 20 IN A 203.0.113.5");
	out_got_free(&got);
	out_close(&scene);
}

static bool ask_soa(struct out_scene *scene, struct out_ask ask, struct out_got *got)
{
	uint8_t packet[1024], reply[1232];
	struct endpoint source;
	struct tsig tsig;
	size_t len, reply_len, bare;
	bool ours;

	memset(got, 0, sizeof(*got));
	ask.type = AN_TYPE_SOA;
	len = out_request(&ask, packet, &tsig);
	endpoint_parse(ask.source ? ask.source : "192.0.2.7", 4711, &source);
	rcu_read_lock();
	ours = transfer_out_soa(&scene->world, packet, len, &source, false, reply, sizeof(reply),
	                        &reply_len);
	rcu_read_unlock();
	if (ours && ask.key)
		assert_int_equal(tsig_verify_reply(&tsig, reply, reply_len,
		                                   (uint64_t)(clock_unix_ms() / 1000), true, &bare),
		                 0);
	if (ours)
		out_take(got, reply, reply_len);
	tsig_done(&tsig);
	return ours;
}

static void test_secondaries_see_the_serial_of_what_they_would_get(void **state)
{
	struct out_scene scene;
	struct out_got got;
	struct expand_table *table = table_for("example.test", "203.0.113.5", true);

	(void)state;
	out_open(&scene, OUT_HEAD "@ 60 ANAME cdn.example.net.\n");
	out_peer(&scene, "192.0.2.0/25", NULL, TRANSFER_EXPAND);
	out_peer(&scene, "192.0.2.128/26", NULL, TRANSFER_NATIVE);
	out_peer(&scene, "192.0.2.192/26", &scene.config->keys[0], TRANSFER_EXPAND);
	enter(&scene, TRANSFER_EXPAND, 12, table);
	expand_table_free(table);
	assert_true(ask_soa(&scene, (struct out_ask){0}, &got));
	assert_string_equal(got.lines[0], SOA_OF("12"));
	assert_true(got.aa);
	out_got_free(&got);
	assert_false(ask_soa(&scene, (struct out_ask){.source = "192.0.2.130"}, &got));
	assert_false(ask_soa(&scene, (struct out_ask){.source = "198.51.100.1"}, &got));
	assert_false(ask_soa(&scene, (struct out_ask){.source = "192.0.2.200"}, &got));
	assert_true(ask_soa(
	        &scene, (struct out_ask){.source = "192.0.2.200", .key = &scene.config->keys[0]},
	        &got));
	assert_string_equal(got.lines[0], SOA_OF("12"));
	assert_true(got.tsig);
	out_got_free(&got);
	assert_false(ask_soa(&scene, (struct out_ask){.name = "ns.example.test"}, &got));
	out_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_zone_goes_out_whole_between_two_soas),
	        cmocka_unit_test(test_anames_go_out_with_the_configured_number),
	        cmocka_unit_test(test_long_zones_take_several_messages_of_16_kib),
	        cmocka_unit_test(test_a_record_longer_than_a_usual_message_has_its_own),
	        cmocka_unit_test(test_a_record_that_fits_no_message_ends_the_stream_with_an_error),
	        cmocka_unit_test(test_a_reload_does_not_disturb_a_stream),
	        cmocka_unit_test(test_edns_is_answered_in_the_first_message_only),
	        cmocka_unit_test(test_the_longest_network_decides_and_its_key_must_have_signed),
	        cmocka_unit_test(test_refusals_say_prohibited_to_those_with_edns),
	        cmocka_unit_test(test_zones_that_are_not_ours_are_notauth),
	        cmocka_unit_test(test_a_zone_that_has_expired_or_has_no_data_is_servfail),
	        cmocka_unit_test(test_every_message_of_a_signed_transfer_is_signed),
	        cmocka_unit_test(test_faults_of_signatures_are_notauth_and_say_which),
	        cmocka_unit_test(test_axfr_by_udp_is_formerr),
	        cmocka_unit_test(test_malformed_requests_are_formerr_wherever_they_are_cut),
	        cmocka_unit_test(test_ixfr_gives_the_difference),
	        cmocka_unit_test(test_ixfr_over_several_versions_is_condensed),
	        cmocka_unit_test(test_ixfr_of_who_is_up_to_date_is_one_soa),
	        cmocka_unit_test(test_ixfr_from_an_unknown_version_is_the_whole_zone),
	        cmocka_unit_test(test_ixfr_by_udp_is_the_difference_if_it_fits),
	        cmocka_unit_test(test_what_the_desk_has_not_seen_goes_out_whole),
	        cmocka_unit_test(test_expand_puts_addresses_in_the_place_of_anames),
	        cmocka_unit_test(test_what_was_never_resolved_gives_nothing_but_own_addresses),
	        cmocka_unit_test(test_a_flattened_cname_gives_way_to_addresses_if_there_are_any),
	        cmocka_unit_test(test_secondaries_see_the_serial_of_what_they_would_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
