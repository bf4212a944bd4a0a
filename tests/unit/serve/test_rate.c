/* SPDX-License-Identifier: BSD-2-Clause */
/* Response rate limiting: the table by itself, and what comes out of a socket. */
#include "answer/cookie.h"
#include "serve/limit.h"
#include "unit/serve/edge.h"

/* ---- the table ---- */

static struct limit *limit;
static struct config config;

static int setup_table(void **state)
{
	(void)state;
	limit = limit_new(1000);
	assert_non_null(limit);
	memset(&config, 0, sizeof(config));
	config.rate_limit = 10;
	config.rate_window_ms = 2000;
	return 0;
}

static int teardown_table(void **state)
{
	(void)state;
	limit_free(limit);
	return 0;
}

static bool take(const char *address, enum limit_kind kind, uint64_t now_ms)
{
	struct endpoint peer;

	assert_int_equal(endpoint_parse(address, 53535, &peer), 0);
	return limit_take(limit, &config, &peer, kind, now_ms);
}

/* How many of a thousand at once. */
static unsigned int taken(const char *address, enum limit_kind kind, uint64_t now_ms)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < 1000; i++)
		count += take(address, kind, now_ms);
	return count;
}

static void a_network_gets_a_windows_worth_at_once_and_then_its_rate(void **state)
{
	(void)state;
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1000), 20);
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1099), 0);
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1100), 1);
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1600), 5);
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 99000), 20);
}

static void networks_and_kinds_have_accounts_of_their_own(void **state)
{
	static const char *const others[] = {"192.0.3.1", "2001:db8::1", "2001:db8:0:100::1"};

	(void)state;
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1000), 20);
	assert_int_equal(taken("192.0.2.255", LIMIT_ANSWER, 1000), 0); /* the same /24 */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(taken(others[i], LIMIT_ANSWER, 1000), 20);
	assert_int_equal(taken("2001:db8:0:ff:1::", LIMIT_ANSWER, 1000), 0); /* the same /56 */
	for (enum limit_kind kind = LIMIT_EMPTY; kind <= LIMIT_ERROR; kind++)
		assert_int_equal(taken("192.0.2.1", kind, 1000), 20);
}

static void who_is_exempt_has_no_account(void **state)
{
	struct network exempt[2];

	(void)state;
	network_parse("192.0.2.128/25", &exempt[0]);
	network_parse("2001:db8::/32", &exempt[1]);
	config.rate_exempt = exempt;
	config.rate_exempt_count = 2;
	assert_int_equal(taken("192.0.2.200", LIMIT_ANSWER, 1000), 1000);
	assert_int_equal(taken("2001:db8::1", LIMIT_ANSWER, 1000), 1000);
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1000), 20);
}

/* More networks than there are entries: the one that is over its limit stays so. */
static void a_spray_of_networks_does_not_free_the_one_that_asks_most(void **state)
{
	unsigned int over = 0;

	(void)state;
	assert_int_equal(taken("192.0.2.1", LIMIT_ANSWER, 1000), 20);
	for (unsigned int i = 0; i < 4 * LIMIT_ENTRIES; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%u.%u.%u.1", 11 + (i >> 16), i >> 8 & 255, i & 255);
		take(text, LIMIT_ANSWER, 1000);
		if (i % 1000 == 0)
			over += take("192.0.2.1", LIMIT_ANSWER, 1000);
	}
	assert_int_equal(over, 0);
}

static void kinds_are_told_by_the_header(void **state)
{
	static const struct {
		uint8_t header[12];
		enum limit_kind kind;
	} rows[] = {
	        {{0, 0, 0x84, 0, 0, 1, 0, 1}, LIMIT_ANSWER},
	        {{0, 0, 0x84, 0, 0, 1, 1, 0}, LIMIT_ANSWER},
	        {{0, 0, 0x84, 0, 0, 1, 0, 0}, LIMIT_EMPTY},
	        {{0, 0, 0x80, 0, 0, 1, 0, 0}, LIMIT_REFERRAL},
	        {{0, 0, 0x84, 3, 0, 1, 0, 1}, LIMIT_DENIAL},
	        {{0, 0, 0x80, 5, 0, 1, 0, 0}, LIMIT_ERROR},
	        {{0, 0, 0x80, 2, 0, 1, 0, 1}, LIMIT_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(limit_kind_of(rows[i].header), rows[i].kind);
}

/* ---- sockets ---- */

#define RATE 5

/* One worker, and a rate that does not move on while the test runs. */
static int setup_limited(void **state)
{
	setup_idle(state);
	scene.config->workers = 1;
	scene.config->rate_limit = RATE;
	scene.config->rate_window_ms = 1000;
	scene.config->rate_slip = 3;
	reopen();
	start();
	return 0;
}

static void send_many(int fd, const struct ask *ask, unsigned int count)
{
	uint8_t query[512];
	size_t len = scene_query(ask, query);

	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(send(fd, query, len, 0), len);
}

/* Answers and TCs, until `sent` have been judged. */
static void count_replies(int fd, uint64_t sent, unsigned int *ret_whole, unsigned int *ret_cut)
{
	uint8_t reply[1232];

	AWAIT(stats_now().udp_replies + stats_now().limited_dropped == sent);
	*ret_whole = *ret_cut = 0;
	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > 0) {
		bool cut = reply[2] & AN_FLAG_TC >> 8;

		assert_int_equal(reply[3] & AN_FLAG_RCODE, 0);
		assert_int_equal(reply[7], !cut);
		*(cut ? ret_cut : ret_whole) += 1;
	}
}

static void over_the_limit_some_are_told_to_come_over_tcp(void **state)
{
	const struct ask ask = {.name = "www.example.test.", .type = AN_TYPE_A};
	int fd = dial("127.0.0.1", SOCK_DGRAM), stream = dial("127.0.0.1", SOCK_STREAM);
	unsigned int whole, cut;
	uint16_t id;

	(void)state;
	send_many(fd, &ask, 100);
	count_replies(fd, 100, &whole, &cut);
	/* A slow machine gives time for a few more. */
	assert_in_range(whole, RATE, RATE + 20);
	assert_int_equal(cut, (100 - whole) / 3);
	assert_int_equal(stats_now().limited_cut, cut);
	assert_int_equal(stats_now().limited_dropped, 100 - whole - cut);
	for (unsigned int i = 0; i < 2 * RATE; i++) {
		write_framed(stream, "www.example.test.", AN_TYPE_A, 1);
		assert_string_equal(read_framed(stream, &id), WWW);
	}
	close(fd);
	close(stream);
}

static void who_shows_a_good_cookie_has_no_limit(void **state)
{
	static const uint8_t mine[COOKIE_CLIENT_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct ask ask = {.name = "www.example.test.", .type = AN_TYPE_A};
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	char option[9 + 2 * COOKIE_LEN] = "000a0018";
	uint8_t cookie[COOKIE_LEN];
	struct endpoint me = {.family = AN_FAMILY_IPV4, .address = {127, 0, 0, 1}};
	unsigned int whole, cut;

	(void)state;
	scene.config->cookies = true;
	cookie_check(scene.config, &me, (uint32_t)(clock_unix_ms() / 1000), mine, sizeof(mine),
	             cookie);
	for (unsigned int i = 0; i < COOKIE_LEN; i++)
		snprintf(option + 8 + 2 * i, 3, "%02x", cookie[i]);
	ask.options = option;
	send_many(fd, &ask, 100);
	count_replies(fd, 100, &whole, &cut);
	assert_int_equal(whole, 100);
	/* One that is not ours is as good as none. */
	option[8 + 2 * COOKIE_LEN - 1] ^= 1;
	send_many(fd, &ask, 100);
	count_replies(fd, 200, &whole, &cut);
	assert_in_range(whole, RATE, RATE + 20);
	assert_int_equal(cut, (100 - whole) / 3);
	close(fd);
}

int main(void)
{
#define TABLE(name)   cmocka_unit_test_setup_teardown(name, setup_table, teardown_table)
#define SOCKETS(name) cmocka_unit_test_setup_teardown(name, setup_limited, teardown)
	const struct CMUnitTest tests[] = {
	        TABLE(a_network_gets_a_windows_worth_at_once_and_then_its_rate),
	        TABLE(networks_and_kinds_have_accounts_of_their_own),
	        TABLE(who_is_exempt_has_no_account),
	        TABLE(a_spray_of_networks_does_not_free_the_one_that_asks_most),
	        TABLE(kinds_are_told_by_the_header),
	        SOCKETS(over_the_limit_some_are_told_to_come_over_tcp),
	        SOCKETS(who_shows_a_good_cookie_has_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
