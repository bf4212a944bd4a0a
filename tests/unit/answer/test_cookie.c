/* SPDX-License-Identifier: BSD-2-Clause */
/* Server cookies: the vectors of RFC 9018, their life, and the roll of secrets. */
#include "answer/cookie.h"
#include "unit/answer/scene.h"

static struct config config;
static uint8_t reply[COOKIE_LEN];

static size_t unhex(const char *text, uint8_t *out)
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned int octet;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &octet), 1);
		out[i] = (uint8_t)octet;
	}
	return len;
}

static int setup(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	config.cookies = true;
	return 0;
}

static void set_secrets(const char *first, const char *second)
{
	config.cookie_secrets_count = second ? 2 : 1;
	unhex(first, config.cookie_secrets[0]);
	if (second)
		unhex(second, config.cookie_secrets[1]);
}

/* In a block of exactly its size. */
static enum cookie_verdict check(const char *address, uint32_t now_s, const uint8_t *cookie,
                                 size_t len)
{
	struct endpoint client;
	uint8_t *exact = malloc(len);
	enum cookie_verdict verdict;

	assert_non_null(exact);
	memcpy(exact, cookie, len);
	assert_int_equal(endpoint_parse(address, 53, &client), 0);
	verdict = cookie_check(&config, &client, now_s, exact, len, reply);
	free(exact);
	return verdict;
}

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define OLD    "dd3bdf9344b678b185a6f5cb60fca715"
#define NEW    "445536bcd2513298075a5d379663c962"

/* Appendix A. */
static const struct {
	const char *what, *first, *second, *client;
	uint32_t now_s;
	const char *query;
	enum cookie_verdict verdict;
	const char *reply;
} vectors[] = {
        {"A.1", SECRET, NULL, "198.51.100.100", 1559731985, "2464c4abcf10c957", COOKIE_CLIENT,
         "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
        {"A.2", SECRET, NULL, "198.51.100.100", 1559734385,
         "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD,
         "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
        {"A.3", SECRET, NULL, "203.0.113.203", 1559734700,
         "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", COOKIE_BAD,
         "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
        {"A.3 in time", SECRET, NULL, "203.0.113.203", 0x5cf78f71 + 60,
         "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", COOKIE_GOOD,
         "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
        {"A.4", NEW, OLD, "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
         "22681ab97d52c298010000005cf7c57926556bd0934c72f8", COOKIE_GOOD,
         "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
};

static void vectors_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t query[64], expected[64];
		size_t len = unhex(vectors[i].query, query);
		enum cookie_verdict verdict;

		set_secrets(vectors[i].first, vectors[i].second);
		unhex(vectors[i].reply, expected);
		verdict = check(vectors[i].client, vectors[i].now_s, query, len);
		if (verdict != vectors[i].verdict || memcmp(reply, expected, COOKIE_LEN) != 0)
			fail_msg("%s: verdict %d", vectors[i].what, verdict);
	}
}

#define NOW    1700000000u
#define CLIENT "192.0.2.1"

/* Ours, made at a time. */
static void make(uint32_t at_s, uint8_t ret[COOKIE_LEN])
{
	assert_int_equal(check(CLIENT, at_s, (const uint8_t *)"\1\2\3\4\5\6\7\10", 8),
	                 COOKIE_CLIENT);
	memcpy(ret, reply, COOKIE_LEN);
}

static void cookie_lives_an_hour_and_is_renewed_after_half_of_one(void **state)
{
	static const struct {
		int age_s;
		bool good, same;
	} table[] = {
	        {0, true, true},      {1800, true, true},    {1801, true, false},
	        {3600, true, false},  {3601, false, false},  {-300, true, true},
	        {-301, false, false}, {86400, false, false},
	};
	/* The second time is just past the turn of 32 bits. */
	static const uint32_t times[] = {NOW, 5};

	(void)state;
	set_secrets(SECRET, NULL);
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			uint8_t cookie[COOKIE_LEN];
			enum cookie_verdict verdict;

			make(times[t] - (uint32_t)table[i].age_s, cookie);
			verdict = check(CLIENT, times[t], cookie, COOKIE_LEN);
			if ((verdict == COOKIE_GOOD) != table[i].good ||
			    !memcmp(cookie, reply, COOKIE_LEN) != table[i].same)
				fail_msg("age %d: verdict %d", table[i].age_s, verdict);
		}
}

static void every_octet_counts(void **state)
{
	uint8_t cookie[COOKIE_LEN];

	(void)state;
	set_secrets(SECRET, NULL);
	make(NOW, cookie);
	assert_int_equal(check(CLIENT, NOW, cookie, COOKIE_LEN), COOKIE_GOOD);
	assert_int_equal(check("192.0.2.2", NOW, cookie, COOKIE_LEN), COOKIE_BAD);
	assert_int_equal(check("2001:db8::1", NOW, cookie, COOKIE_LEN), COOKIE_BAD);
	for (size_t i = 0; i < COOKIE_LEN; i++) {
		cookie[i] ^= 1;
		assert_int_equal(check(CLIENT, NOW, cookie, COOKIE_LEN), COOKIE_BAD);
		/* Whatever came, what goes back is the client's and a good one. */
		assert_memory_equal(reply, cookie, COOKIE_CLIENT_LEN);
		cookie[i] ^= 1;
	}
	/* Another server's, of another length. */
	assert_int_equal(check(CLIENT, NOW, cookie, COOKIE_LEN - 1), COOKIE_BAD);
	assert_int_equal(check(CLIENT, NOW, cookie, 16), COOKIE_BAD);
}

/* RFC 9018 5: no cookie is lost at any of the three steps. */
static void secrets_roll_in_three_steps(void **state)
{
	uint8_t old[COOKIE_LEN], new[COOKIE_LEN];

	(void)state;
	set_secrets(OLD, NULL);
	make(NOW, old);
	set_secrets(OLD, NEW);
	assert_int_equal(check(CLIENT, NOW, old, COOKIE_LEN), COOKIE_GOOD);
	assert_memory_equal(reply, old, COOKIE_LEN);
	set_secrets(NEW, OLD);
	assert_int_equal(check(CLIENT, NOW, old, COOKIE_LEN), COOKIE_GOOD);
	memcpy(new, reply, COOKIE_LEN);
	assert_memory_not_equal(new, old, COOKIE_LEN);
	set_secrets(OLD, NEW); /* an edge that is one step behind */
	assert_int_equal(check(CLIENT, NOW, new, COOKIE_LEN), COOKIE_GOOD);
	set_secrets(NEW, NULL);
	assert_int_equal(check(CLIENT, NOW, new, COOKIE_LEN), COOKIE_GOOD);
	assert_int_equal(check(CLIENT, NOW, old, COOKIE_LEN), COOKIE_BAD);
}

static void without_a_secret_one_is_drawn(void **state)
{
	static const uint8_t zero[16];
	uint8_t cookie[COOKIE_LEN];

	(void)state;
	make(NOW, cookie);
	assert_int_equal(check(CLIENT, NOW, cookie, COOKIE_LEN), COOKIE_GOOD);
	config.cookie_secrets_count = 1;
	memcpy(config.cookie_secrets[0], zero, sizeof(zero));
	assert_int_equal(check(CLIENT, NOW, cookie, COOKIE_LEN), COOKIE_BAD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
	        TEST(vectors_of_the_standard),
	        TEST(cookie_lives_an_hour_and_is_renewed_after_half_of_one),
	        TEST(every_octet_counts),
	        TEST(secrets_roll_in_three_steps),
	        TEST(without_a_secret_one_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
