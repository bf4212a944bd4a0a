/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed queries (RFC 8945) over real sockets: good ones, and each way of being bad. */
#include "transfer/tsig.h"
#include "unit/serve/edge.h"

static struct config_key keys[2]; /* the server's, and one that it does not have */

static int setup_keys(void **state)
{
	static const char *const names[] = {"key.example.", "other.example."};

	setup_idle(state);
	for (unsigned int i = 0; i < 2; i++) {
		keys[i].name.len = (uint8_t)name_from_text(names[i], NULL, 0, keys[i].name.name);
		keys[i].algorithm = TSIG_HMAC_SHA256;
		keys[i].secret_len = 32;
		memset(keys[i].secret, 7, 32);
	}
	scene.config->keys = keys;
	scene.config->keys_count = 1;
	start();
	return 0;
}

static int teardown_keys(void **state)
{
	scene.config->keys = NULL;
	scene.config->keys_count = 0;
	return teardown(state);
}

static uint64_t now_s(void)
{
	return (uint64_t)(clock_unix_ms() / 1000);
}

/* A query for `name` signed at a time; its length. */
static size_t sign(struct tsig *tsig, const struct config_key *key, const char *name, uint16_t type,
                   uint64_t at_s, uint8_t out[1024])
{
	uint8_t query[512];
	size_t len = query_of(name, type, 0x4711, query);

	memcpy(out, query, len);
	tsig_begin(tsig, key);
	assert_int_equal(tsig_sign(tsig, out, &len, 1024, at_s), 0);
	return len;
}

static uint8_t reply[65535];

static size_t exchange(const uint8_t *query, size_t len)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	ssize_t n;

	assert_int_equal(send(fd, query, len, 0), len);
	n = recv(fd, reply, sizeof(reply), 0);
	assert_true(n >= 12);
	close(fd);
	return (size_t)n;
}

static unsigned int rcode(void)
{
	return reply[3] & 15;
}

/* ERROR of the reply's TSIG, whose octets end the message. */
static unsigned int tsig_error(size_t len, unsigned int other_len)
{
	const uint8_t *end = reply + len - other_len;
	size_t at;

	assert_true(tsig_present(reply, len, &at));
	assert_int_equal(end[-2] << 8 | end[-1], other_len);
	return (unsigned int)(end[-4] << 8 | end[-3]);
}

static void reply_is_signed_with_the_querys_key(void **state)
{
	struct tsig tsig;
	uint8_t query[1024];
	size_t len = sign(&tsig, &keys[0], "www.example.test.", AN_TYPE_A, now_s(), query), bare;

	(void)state;
	len = exchange(query, len);
	assert_int_equal(tsig_verify_reply(&tsig, reply, len, now_s(), true, &bare), 0);
	reply[11]--;
	assert_string_equal(scene_text(reply, bare), WWW);
	tsig_done(&tsig);
}

/* A reply that waited for its answer is signed too, and one over TCP. */
static void reply_that_waited_is_signed(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	struct tsig tsig;
	uint8_t query[1026], head[2];
	size_t len = sign(&tsig, &keys[0], "example.test.", AN_TYPE_A, now_s(), query + 2), bare;

	(void)state;
	query[0] = (uint8_t)(len >> 8);
	query[1] = (uint8_t)len;
	assert_int_equal(send(fd, query, len + 2, 0), len + 2);
	AWAIT(stats_now().parked == 1);
	turn_until_readable(fd);
	assert_true(read_all(fd, head, 2));
	len = (size_t)head[0] << 8 | head[1];
	assert_true(read_all(fd, reply, len));
	assert_int_equal(tsig_verify_reply(&tsig, reply, len, now_s(), true, &bare), 0);
	assert_int_equal(rcode(), 0);
	assert_int_equal(reply[7], 1);
	tsig_done(&tsig);
	close(fd);
}

/* RFC 8945 5.3: the signature has its place in what the client takes. */
static void cut_reply_leaves_room_for_the_signature(void **state)
{
	struct tsig tsig;
	uint8_t query[1024];
	size_t len = sign(&tsig, &keys[0], "wide.example.test.", AN_TYPE_TXT, now_s(), query);
	size_t bare;

	(void)state;
	len = exchange(query, len);
	assert_true(len <= 512);
	assert_true(reply[2] & 2); /* TC */
	assert_int_equal(tsig_verify_reply(&tsig, reply, len, now_s(), true, &bare), 0);
	tsig_done(&tsig);
}

/* 5.2.1: the reply names the key that was asked with, and signs nothing. */
static void unknown_key_is_named_and_not_used(void **state)
{
	struct tsig tsig;
	uint8_t query[1024];
	size_t len = sign(&tsig, &keys[1], "www.example.test.", AN_TYPE_A, now_s(), query), at;

	(void)state;
	len = exchange(query, len);
	assert_int_equal(rcode(), AN_RCODE_NOTAUTH);
	assert_int_equal(reply[7], 0);
	assert_int_equal(tsig_error(len, 0), TSIG_BADKEY);
	assert_true(tsig_present(reply, len, &at));
	assert_memory_equal(reply + at, keys[1].name.name, keys[1].name.len);
	tsig_done(&tsig);
}

static void bad_signature_is_not_answered_to(void **state)
{
	struct tsig tsig;
	uint8_t query[1024];
	size_t len = sign(&tsig, &keys[0], "www.example.test.", AN_TYPE_A, now_s(), query);

	(void)state;
	query[13] ^= 1; /* a letter of the name */
	len = exchange(query, len);
	assert_int_equal(rcode(), AN_RCODE_NOTAUTH);
	assert_int_equal(tsig_error(len, 0), TSIG_BADSIG);
	tsig_done(&tsig);
}

/* 5.2.3: signed, with the server's time. */
static void late_query_learns_the_servers_time(void **state)
{
	struct tsig tsig;
	uint8_t query[1024];
	uint64_t told = 0;
	size_t len = sign(&tsig, &keys[0], "www.example.test.", AN_TYPE_A, now_s() - 1000, query);

	(void)state;
	len = exchange(query, len);
	assert_int_equal(rcode(), AN_RCODE_NOTAUTH);
	assert_int_equal(tsig_error(len, 6), TSIG_BADTIME);
	for (unsigned int i = 6; i; i--)
		told = told << 8 | reply[len - i];
	assert_in_range(told, now_s() - 5, now_s());
	tsig_done(&tsig);
}

/* 5.1: the last record, or FORMERR. */
static void signature_that_is_not_last_is_formerr(void **state)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	struct tsig tsig;
	uint8_t query[1024];
	size_t len = sign(&tsig, &keys[0], "www.example.test.", AN_TYPE_A, now_s(), query);

	(void)state;
	memcpy(query + len, opt, sizeof(opt));
	query[11]++;
	exchange(query, len + sizeof(opt));
	assert_int_equal(rcode(), AN_RCODE_FORMERR);
	tsig_done(&tsig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_keys, teardown_keys)
	const struct CMUnitTest tests[] = {
	        TEST(reply_is_signed_with_the_querys_key),
	        TEST(reply_that_waited_is_signed),
	        TEST(cut_reply_leaves_room_for_the_signature),
	        TEST(unknown_key_is_named_and_not_used),
	        TEST(bad_signature_is_not_answered_to),
	        TEST(late_query_learns_the_servers_time),
	        TEST(signature_that_is_not_last_is_formerr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
