/* SPDX-License-Identifier: BSD-2-Clause */
/* EDNS, cookies, what the server says of itself, and zones that it cannot answer from. */
#include "unit/answer/respond_zones.h"

/* ---- EDNS ---- */

static void opt_comes_back_only_to_those_who_sent_one(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 do\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .dnssec_ok = true);
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .nsid = true);
	scene.config->nsid = strdup("edge1");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 ecs 192.0.2.0/24/0 "
	       "nsid edge1\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .nsid = true,
	       .ecs = "192.0.2.0/24");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .edns = true);
}

static void keepalive_is_told_over_tcp_to_who_asks(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .options = "000b0000");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 option 11 0064\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .options = "000b0000", .tcp = true);
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .edns = true, .tcp = true);
}

/* ---- class CH ---- */

static void the_server_says_of_itself_what_is_configured(void **state)
{
	static const char *const names[] = {"id.server.", "Hostname.BIND.", "version.server.",
	                                    "version.bind.", "authors.bind."};
	char expected[128];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		EXPECT("REFUSED\n", .name = names[i], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
	scene.config->server_id = strdup("edge1");
	scene.config->server_version = strdup("seven");
	for (size_t i = 0; i < 4; i++) {
		snprintf(expected, sizeof(expected), "NOERROR aa\nan %s 0 CH TXT \"%s\"\n",
		         names[i], i < 2 ? "edge1" : "seven");
		EXPECT(expected, .name = names[i], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
		EXPECT(expected, .name = names[i], .type = AN_TYPE_ANY, .class = AN_CLASS_CH);
	}
	EXPECT("REFUSED\n", .name = names[4], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
	EXPECT("REFUSED\n", .name = names[0], .type = AN_TYPE_A, .class = AN_CLASS_CH);
	EXPECT("REFUSED\n", .name = names[0], .type = AN_TYPE_TXT, .class = AN_CLASS_ANY);
}

static void long_text_is_several_strings(void **state)
{
	char text[601], expected[1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[600] = 0;
	scene.config->server_id = strdup(text);
	snprintf(expected, sizeof(expected),
	         "NOERROR aa\nan id.server. 0 CH TXT \"%.255s\" \"%.255s\" \"%.90s\"\nopt 1232\n",
	         text, text, text);
	EXPECT(expected, .name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_CH,
	       .edns = true);
	EXPECT("NOERROR aa tc\n", .name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
}

/* ---- cookies ---- */

#define MAIL        "NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\n"
#define CLIENT      "000a00080102030405060708"
#define WHOLE(rest) "000a00180102030405060708" rest

/* The reply's cookie in hex, for the client 0102030405060708. */
static const char *cookie_of(const char *reply)
{
	static char hex[49];
	const char *at = strstr(reply, "option 10 0102030405060708");

	assert_non_null(at);
	snprintf(hex, sizeof(hex), "%s", at + 10);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 48);
	return hex;
}

static void cookie_comes_back_with_the_servers(void **state)
{
	static const char *const rcodes[] = {"mail.example.test.", "no.example.test.",
	                                     "elsewhere.test.", "sub.example.test."};
	char whole[64];

	(void)state;
	EXPECT(MAIL "opt 1232\n", .name = "mail.example.test.", .type = AN_TYPE_A,
	       .options = CLIENT);
	scene.config->cookies = true;
	for (size_t i = 0; i < 4; i++)
		cookie_of(ASK(.name = rcodes[i], .type = AN_TYPE_A, .options = CLIENT));
	cookie_of(ASK(.name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_ANY,
	              .options = CLIENT));
	/* A good one comes back as it is. */
	snprintf(
	        whole, sizeof(whole), "000a0018%s",
	        cookie_of(ASK(.name = "mail.example.test.", .type = AN_TYPE_A, .options = CLIENT)));
	assert_string_equal(
	        cookie_of(ASK(.name = "mail.example.test.", .type = AN_TYPE_A, .options = whole)),
	        whole + 8);
	EXPECT(MAIL, .name = "mail.example.test.", .type = AN_TYPE_A);
	EXPECT("FORMERR\nopt 1232\n", .name = "mail.example.test.", .type = AN_TYPE_A,
	       .options = "000a0002ffff");
}

static void cookie_that_is_demanded_has_to_be_good(void **state)
{
	const struct ask mail = {.name = "mail.example.test.", .type = AN_TYPE_A};
	struct ask ask = mail;
	char whole[64];

	(void)state;
	scene.config->cookies = scene.config->cookie_required = true;
	EXPECT("NOERROR tc\n", .name = mail.name, .type = mail.type);
	EXPECT("NOERROR tc\nopt 1232\n", .name = mail.name, .type = mail.type, .edns = true);
	EXPECT(MAIL "opt 1232\n", .name = mail.name, .type = mail.type, .edns = true, .tcp = true);
	ask.options = CLIENT;
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\nopt 1232 option 10", 26);
	ask.options = WHOLE("01000000000000000000000000000000");
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\nopt 1232 option 10", 26);
	snprintf(whole, sizeof(whole), "000a0018%s", cookie_of(scene_ask(&scene, &ask)));
	ask.tcp = true;
	assert_memory_equal(scene_ask(&scene, &ask), MAIL "opt 1232 option 10", strlen(MAIL) + 18);
	ask.tcp = false;
	ask.options = whole;
	assert_memory_equal(scene_ask(&scene, &ask), MAIL "opt 1232 option 10", strlen(MAIL) + 18);
	/* It is good for one address. */
	ask.source = "198.51.100.8";
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\n", 8);
}

/* RFC 7873 5.4 */
static const char *ask_for_cookie(const char *option)
{
	static const uint8_t head[] = {0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	uint8_t made[512], packet[512], reply[512];
	struct ask ask = {.name = ".", .options = option};
	size_t len = scene_query(&ask, made) - 17;
	struct respond_result result;

	memcpy(packet, head, 12);
	memcpy(packet + 12, made + 17, len);
	result = scene_send(&scene, &ask, packet, 12 + len, reply, sizeof(reply));
	assert_int_equal(result.verdict, RESPOND_SEND);
	return scene_text(reply, result.len);
}

static void cookie_is_asked_for_without_a_question(void **state)
{
	char whole[64];

	(void)state;
	scene.config->cookies = scene.config->cookie_required = true;
	assert_memory_equal(ask_for_cookie(CLIENT), "NOERROR\nopt 1232 option 10", 26);
	snprintf(whole, sizeof(whole), "000a0018%s", cookie_of(ask_for_cookie(CLIENT)));
	assert_memory_equal(ask_for_cookie(whole), "NOERROR\nopt 1232 option 10", 26);
	assert_memory_equal(ask_for_cookie(WHOLE("01000000000000000000000000000000")),
	                    "RCODE23\nopt 1232 option 10", 26);
	scene.config->cookies = false;
	assert_string_equal(ask_for_cookie(CLIENT), "FORMERR\nopt 1232\n");
}

/* ---- zones past their time ---- */

static void expired_zone_is_servfail(void **state)
{
	static const uint8_t apex[] = "\005other\004test";
	struct an_answer_slot *image = calloc(1, AN_SLOT_LARGE_SIZE);
	struct zone *zone = zones_exact(scene.world.zones, apex, sizeof(apex));
	unsigned int turns;
	static const uint8_t www[] = "\003www\005other\004test";

	(void)state;
	assert_non_null(zone);
	assert_int_not_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	zone->expired = true;
	EXPECT("SERVFAIL\nopt 1232 ede 24 zone expired\n", .name = "www.other.test.",
	       .type = AN_TYPE_A, .edns = true);
	EXPECT("SERVFAIL\n", .name = "other.test.", .type = AN_TYPE_SOA);
	/* A chain that leads there ends as at any zone that is not ours. */
	EXPECT("NOERROR aa\nan over.example.test. 300 CNAME www.other.test.\n",
	       .name = "over.example.test.", .type = AN_TYPE_A);
	assert_int_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	zone->expired = false;
	EXPECT("NOERROR aa\nan www.other.test. 120 A 203.0.113.9\n", .name = "www.other.test.",
	       .type = AN_TYPE_A);
	free(image);
}

static void zone_without_data_is_servfail(void **state)
{
	static const uint8_t apex[] = "\005other\004test", www[] = "\003www\005other\004test";
	struct an_answer_slot *image = calloc(1, AN_SLOT_LARGE_SIZE);
	struct zone *zone = zone_without_data(apex, sizeof(apex), NULL);
	struct zones *zones = zones_new(&zone, 1), *before = scene.world.zones;
	unsigned int turns;

	(void)state;
	assert_non_null(zones);
	scene.world.zones = zones;
	EXPECT("SERVFAIL\nopt 1232 ede 14 no data yet\n", .name = "www.other.test.",
	       .type = AN_TYPE_A, .edns = true);
	EXPECT("SERVFAIL\n", .name = "other.test.", .type = AN_TYPE_SOA);
	assert_int_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	assert_int_equal(
	        respond_image_static(&scene.world, apex, sizeof(apex), AN_TYPE_A, 0, &turns, image),
	        0);
	scene.world.zones = before;
	zones_free(zones);
	free(image);
}

static void transfers_and_notify_are_the_callers(void **state)
{
	(void)state;
	EXPECT("TRANSFER", .name = "example.test.", .type = AN_TYPE_AXFR, .tcp = true);
	EXPECT("TRANSFER", .name = "example.test.", .type = AN_TYPE_IXFR);
	EXPECT("NOTIFY", .name = "example.test.", .type = AN_TYPE_SOA, .flags = 0x2400);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(opt_comes_back_only_to_those_who_sent_one),
	        TEST(keepalive_is_told_over_tcp_to_who_asks),
	        TEST(the_server_says_of_itself_what_is_configured),
	        TEST(long_text_is_several_strings),
	        TEST(cookie_comes_back_with_the_servers),
	        TEST(cookie_that_is_demanded_has_to_be_good),
	        TEST(cookie_is_asked_for_without_a_question),
	        TEST(expired_zone_is_servfail),
	        TEST(zone_without_data_is_servfail),
	        TEST(transfers_and_notify_are_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
