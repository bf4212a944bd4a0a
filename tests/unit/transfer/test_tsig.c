/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signatures against ldns' own, in both directions; digests that ldns cannot
 * make, put together by hand; and everything that must not verify.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/name.h"
#include "transfer/tsig.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define ROOM        2048

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const char secret_base64[] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

static struct config_key key_of(const char *name, enum tsig_algorithm algorithm)
{
	struct config_key key = {.algorithm = algorithm, .secret_len = sizeof(secret) - 1};

	key.name.len = (uint8_t)name_from_text(name, NULL, 0, key.name.name);
	memcpy(key.secret, secret, sizeof(secret) - 1);
	return key;
}

static const struct {
	enum tsig_algorithm algorithm;
	const char *ldns; /* its name there; NULL: ldns has none */
	const char *text;
	const EVP_MD *(*digest)(void);
	size_t len;
} algorithms[] = {
        {TSIG_HMAC_SHA1, "hmac-sha1.", "hmac-sha1", EVP_sha1, 20},
        {TSIG_HMAC_SHA224, NULL, "hmac-sha224", EVP_sha224, 28},
        {TSIG_HMAC_SHA256, "hmac-sha256.", "hmac-sha256", EVP_sha256, 32},
        {TSIG_HMAC_SHA384, NULL, "hmac-sha384", EVP_sha384, 48},
        {TSIG_HMAC_SHA512, NULL, "hmac-sha512", EVP_sha512, 64},
        {TSIG_HMAC_MD5, "hmac-md5.sig-alg.reg.int.", "hmac-md5", EVP_md5, 16},
};

/* A query, or a reply with `answers` A records, in a block of exactly its size; free() it. */
static uint8_t *make_message(uint16_t id, bool reply, unsigned int answers, size_t *ret_len)
{
	static const uint8_t question[] = "\7example\4test\0\0\6\0\1";
	static const uint8_t record[] = "\300\014\0\1\0\1\0\0\1\54\0\4\300\0\2";
	uint8_t *message = calloc(1, ROOM);
	size_t at = 12;

	message[0] = (uint8_t)(id >> 8);
	message[1] = (uint8_t)id;
	message[2] = reply ? 0x84 : 0;
	message[5] = 1;
	message[7] = (uint8_t)answers;
	memcpy(message + at, question, sizeof(question) - 1);
	at += sizeof(question) - 1;
	for (unsigned int i = 0; i < answers; i++) {
		memcpy(message + at, record, sizeof(record) - 1);
		at += sizeof(record) - 1;
		message[at++] = (uint8_t)i;
	}
	*ret_len = at;
	return message;
}

static uint8_t *exact(const uint8_t *message, size_t len)
{
	uint8_t *copy = malloc(len);

	memcpy(copy, message, len);
	return copy;
}

static ldns_pkt *parsed(const uint8_t *message, size_t len)
{
	ldns_pkt *packet = NULL;

	assert_int_equal(ldns_wire2pkt(&packet, message, len), LDNS_STATUS_OK);
	return packet;
}

static ldns_rdf *mac_of(const ldns_pkt *packet)
{
	return ldns_rr_rdf(ldns_pkt_tsig(packet), 3);
}

/* ---- with ldns ---- */

static void ldns_verifies_our_request_and_our_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(algorithms); i++) {
		struct config_key key = key_of("some.key", algorithms[i].algorithm);
		struct tsig tsig;
		uint64_t now = (uint64_t)time(NULL);
		ldns_rdf *before = NULL;

		if (!algorithms[i].ldns)
			continue;
		tsig_begin(&tsig, &key);
		/* A request; then replies, which carry on from what went before. */
		for (int n = 0; n < 4; n++) {
			size_t len;
			uint8_t *message = make_message(7, n > 0, n > 0 ? 3 : 0, &len);
			ldns_pkt *packet;

			if (n == 1)
				tsig.later = false; /* now we are the other side */
			assert_int_equal(tsig_sign(&tsig, message, &len, ROOM, now), 0);
			packet = parsed(message, len);
			assert_true(ldns_pkt_tsig_verify_next(packet, message, len, "some.key.",
			                                      secret_base64, before, n > 1));
			message[20] ^= 0x20;
			assert_false(ldns_pkt_tsig_verify_next(packet, message, len, "some.key.",
			                                       secret_base64, before, n > 1));
			ldns_rdf_deep_free(before);
			before = ldns_rdf_clone(mac_of(packet));
			ldns_pkt_free(packet);
			free(message);
		}
		ldns_rdf_deep_free(before);
		tsig_done(&tsig);
	}
}

static uint8_t *signed_by_ldns(uint8_t *message, size_t *len, const char *algorithm,
                               const ldns_rdf *before, bool timers_only)
{
	ldns_pkt *packet = parsed(message, *len);
	uint8_t *wire = NULL;

	free(message);
	assert_int_equal(ldns_pkt_tsig_sign_next(packet, "some.key.", secret_base64, 300, algorithm,
	                                         before, timers_only),
	                 LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt2wire(&wire, packet, len), LDNS_STATUS_OK);
	ldns_pkt_free(packet);
	return wire;
}

static void we_verify_the_request_of_ldns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(algorithms); i++) {
		struct config_key keys[2] = {key_of("other.key", algorithms[i].algorithm),
		                             key_of("some.key", algorithms[i].algorithm)};
		uint64_t now = (uint64_t)time(NULL);
		struct tsig tsig;
		size_t len, plain, at, bare;
		uint8_t *message;

		if (!algorithms[i].ldns)
			continue;
		message = make_message(4711, false, 0, &bare);
		len = bare;
		message = signed_by_ldns(message, &len, algorithms[i].ldns, NULL, false);
		assert_int_equal(tsig_verify_request(&tsig, keys, 2, message, len, now, &plain), 0);
		assert_int_equal(plain, bare);
		assert_true(tsig_present(message, len, &at));
		assert_int_equal(at, bare);
		assert_ptr_equal(tsig.key, &keys[1]);
		message[14] ^= 1;
		assert_int_equal(tsig_verify_request(&tsig, keys, 2, message, len, now, &plain),
		                 -EACCES);
		assert_int_equal(tsig.error, TSIG_BADSIG);
		free(message);
	}
}

static void we_verify_a_stream_of_ldns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(algorithms); i++) {
		struct config_key key = key_of("some.key", algorithms[i].algorithm);
		uint64_t now = (uint64_t)time(NULL);
		struct tsig tsig;
		size_t len, plain;
		uint8_t *message;
		ldns_pkt *packet;
		ldns_rdf *before;

		if (!algorithms[i].ldns)
			continue;
		tsig_begin(&tsig, &key);
		message = make_message(99, false, 0, &len);
		assert_int_equal(tsig_sign(&tsig, message, &len, ROOM, now), 0);
		packet = parsed(message, len);
		before = ldns_rdf_clone(mac_of(packet));
		ldns_pkt_free(packet);
		free(message);
		for (int n = 0; n < 5; n++) {
			size_t bare;

			message = make_message(99, true, 4, &bare);
			len = bare;
			message = signed_by_ldns(message, &len, algorithms[i].ldns, before, n > 0);
			packet = parsed(message, len);
			ldns_rdf_deep_free(before);
			before = ldns_rdf_clone(mac_of(packet));
			ldns_pkt_free(packet);
			assert_int_equal(
			        tsig_verify_reply(&tsig, message, len, now, n == 4, &plain), 0);
			assert_int_equal(plain, bare);
			LDNS_FREE(message);
		}
		ldns_rdf_deep_free(before);
		tsig_done(&tsig);
	}
}

/* ---- by hand: RFC 8945 4.3.3 octet for octet ---- */

static void the_digest_is_that_of_the_rfc_for_every_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(algorithms); i++) {
		struct config_key key = key_of("k", algorithms[i].algorithm);
		const uint64_t now = 0x123456789abull;
		uint8_t digested[ROOM], wanted[EVP_MAX_MD_SIZE], name[NAME_MAX_LEN];
		unsigned int wanted_len = 0;
		struct tsig tsig;
		size_t bare, len, at, name_size;
		uint8_t *message = make_message(1, false, 0, &bare);
		const char *full = algorithms[i].ldns ? algorithms[i].ldns : algorithms[i].text;

		name_size = (size_t)name_from_text(full, NULL, 0, name);
		memcpy(digested, message, bare);
		at = bare;
		memcpy(digested + at, "\1k\0\0\377\0\0\0\0", 9); /* name, ANY, TTL */
		at += 9;
		memcpy(digested + at, name, name_size);
		at += name_size;
		memcpy(digested + at, "\x01\x23\x45\x67\x89\xab\x01\x2c\0\0\0\0", 12);
		at += 12;
		HMAC(algorithms[i].digest(), secret, sizeof(secret) - 1, digested, at, wanted,
		     &wanted_len);
		assert_int_equal(wanted_len, algorithms[i].len);
		tsig_begin(&tsig, &key);
		len = bare;
		assert_int_equal(tsig_sign(&tsig, message, &len, ROOM, now), 0);
		assert_int_equal(len, bare + 3 + 10 + name_size + 16 + wanted_len);
		assert_memory_equal(message + bare + 3 + 10 + name_size + 10, wanted, wanted_len);
		assert_int_equal(message[11], 1);
		assert_int_equal(tsig_algorithm_parse(algorithms[i].text), algorithms[i].algorithm);
		free(message);
	}
	assert_int_equal(tsig_algorithm_parse("hmac-sha3"), -1);
	assert_int_equal(tsig_algorithm_parse(""), -1);
}

/* ---- what must not verify ---- */

static uint8_t *signed_query(const struct config_key *key, uint64_t now, size_t *ret_len)
{
	struct tsig tsig;
	uint8_t *message = make_message(5, false, 0, ret_len), *copy;

	tsig_begin(&tsig, key);
	assert_int_equal(tsig_sign(&tsig, message, ret_len, ROOM, now), 0);
	copy = exact(message, *ret_len);
	free(message);
	return copy;
}

static void a_changed_octet_anywhere_is_noticed(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain;
	uint8_t *message = signed_query(&key, 1000, &len);

	(void)state;
	for (size_t at = 0; at < len; at++) {
		struct tsig tsig;
		int result;

		/* The id may change on the way (RFC 8945 5.3.1: the original one is signed); a
		 * key's name has no case. */
		if (at < 2)
			continue;
		message[at] ^= 0x81;
		result = tsig_verify_request(&tsig, &key, 1, message, len, 1000, &plain);
		assert_true(result < 0);
		message[at] ^= 0x81;
	}
	free(message);
}

static void a_message_that_is_cut_anywhere_is_not_signed(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain;
	uint8_t *message = signed_query(&key, 1000, &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *piece = exact(message, cut ? cut : 1);
		struct tsig tsig;

		assert_true(tsig_verify_request(&tsig, &key, 1, piece, cut, 1000, &plain) < 0);
		free(piece);
	}
	free(message);
}

static void time_is_taken_within_the_fudge_only(void **state)
{
	static const struct {
		uint64_t now;
		int result;
	} rows[] = {{1000, 0}, {1300, 0}, {700, 0}, {1301, -EACCES}, {699, -EACCES}};
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain;
	uint8_t *message = signed_query(&key, 1000, &len);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct tsig tsig;

		assert_int_equal(
		        tsig_verify_request(&tsig, &key, 1, message, len, rows[i].now, &plain),
		        rows[i].result);
		assert_int_equal(tsig.error, rows[i].result ? TSIG_BADTIME : 0);
	}
	free(message);
}

static void a_reply_that_says_badtime_is_signed_and_tells_the_time(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	struct tsig client, server;
	size_t len, plain, reply_len;
	uint8_t *message = make_message(5, false, 0, &len), *reply;

	(void)state;
	tsig_begin(&client, &key);
	assert_int_equal(tsig_sign(&client, message, &len, ROOM, 1000), 0);
	assert_int_equal(tsig_verify_request(&server, &key, 1, message, len, 5000, &plain),
	                 -EACCES);
	reply = make_message(5, true, 0, &reply_len);
	assert_int_equal(tsig_sign(&server, reply, &reply_len, ROOM, 5000), 0);
	/* RFC 8945 5.2.3: the request's time, so that the client accepts the MAC; ours behind. */
	assert_memory_equal(reply + reply_len - 6, "\0\0\0\0\x13\x88", 6);
	assert_int_equal(tsig_verify_reply(&client, reply, reply_len, 1000, true, &plain), -EACCES);
	assert_int_equal(client.error, TSIG_BADTIME);
	tsig_done(&client);
	free(message);
	free(reply);
}

static void unknown_keys_and_other_algorithms_are_badkey(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	struct config_key other = key_of("other.key", TSIG_HMAC_SHA256);
	struct config_key weaker = key_of("some.key", TSIG_HMAC_SHA1);
	size_t len, plain, reply_len;
	uint8_t *message = signed_query(&key, 1000, &len), *reply;
	struct tsig tsig;

	(void)state;
	assert_int_equal(tsig_verify_request(&tsig, &other, 1, message, len, 1000, &plain),
	                 -EACCES);
	assert_int_equal(tsig.error, TSIG_BADKEY);
	assert_int_equal(tsig_verify_request(&tsig, &weaker, 1, message, len, 1000, &plain),
	                 -EACCES);
	assert_int_equal(tsig.error, TSIG_BADKEY);
	assert_int_equal(tsig_verify_request(&tsig, NULL, 0, message, len, 1000, &plain), -EACCES);
	/* The reply names the key, without a MAC (RFC 8945 5.3.2). */
	reply = make_message(5, true, 0, &reply_len);
	plain = reply_len;
	assert_int_equal(tsig_sign(&tsig, reply, &reply_len, ROOM, 1000), 0);
	assert_int_equal(reply_len, plain + 10 + 10 + 13 + 16);
	free(message);
	free(reply);
}

static void a_message_without_tsig_has_none(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain, at;
	uint8_t *message = make_message(5, false, 0, &len);
	struct tsig tsig;

	(void)state;
	assert_int_equal(tsig_verify_request(&tsig, &key, 1, message, len, 1000, &plain), -ENOENT);
	assert_false(tsig_present(message, len, &at));
	free(message);
}

/* RFC 8945 5.1: the last record, and only one. */
static void a_tsig_that_is_not_the_last_record_is_malformed(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain;
	uint8_t *message = signed_query(&key, 1000, &len);
	uint8_t *longer = calloc(1, len + 11);
	struct tsig tsig;

	(void)state;
	memcpy(longer, message, len);
	longer[11]++;
	longer[len + 2] = 41; /* an OPT record behind it */
	assert_int_equal(tsig_verify_request(&tsig, &key, 1, longer, len + 11, 1000, &plain),
	                 -EBADMSG);
	free(message);
	free(longer);
}

static void truncated_macs_count_down_to_half(void **state)
{
	static const struct {
		uint8_t len;
		int result;
		uint16_t error;
	} rows[] = {{32, 0, 0},
	            {16, 0, 0},
	            {15, -EACCES, TSIG_BADTRUNC},
	            {1, -EACCES, TSIG_BADTRUNC},
	            {0, -EACCES, TSIG_BADSIG}};
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t len, plain, record, mac;
		uint8_t *message = signed_query(&key, 1000, &len), *piece;
		struct tsig tsig;

		assert_true(tsig_present(message, len, &record));
		mac = record + 10 + 10 + 13 + 10;
		memmove(message + mac + rows[i].len, message + mac + 32, 6);
		message[mac - 1] = rows[i].len;
		message[record + 10 + 9] = (uint8_t)(13 + 16 + rows[i].len);
		piece = exact(message, len - 32 + rows[i].len);
		assert_int_equal(tsig_verify_request(&tsig, &key, 1, piece, len - 32 + rows[i].len,
		                                     1000, &plain),
		                 rows[i].result);
		assert_int_equal(tsig.error, rows[i].error);
		free(message);
		free(piece);
	}
}

/* ---- streams ---- */

/* What a server that signs only every so many messages does (RFC 8945 5.3.1): the digest goes on
 * over the unsigned ones. Ours signs each, so the digest is put together here. */
struct sender {
	uint8_t data[16384]; /* what the next MAC is over */
	size_t used;
	uint8_t mac[32];
	bool first;
};

static void sender_put(struct sender *sender, const void *data, size_t len)
{
	assert_true(sender->used + len <= sizeof(sender->data));
	memcpy(sender->data + sender->used, data, len);
	sender->used += len;
}

static void sender_begin(struct sender *sender)
{
	uint8_t len[2] = {0, 32};

	sender->used = 0;
	sender_put(sender, len, 2);
	sender_put(sender, sender->mac, 32);
}

static uint8_t *sender_next(struct sender *sender, bool is_signed, size_t *ret_len)
{
	static const uint8_t variables[] = "\4some\3key\0\0\377\0\0\0\0\13hmac-sha256\0"
	                                   "\0\0\0\0\x03\xe8\x01\x2c\0\0\0\0";
	static const uint8_t timers[] = "\0\0\0\0\x03\xe8\x01\x2c";
	static const uint8_t record[] = "\4some\3key\0\0\372\0\377\0\0\0\0\0\75\13hmac-sha256\0"
	                                "\0\0\0\0\x03\xe8\x01\x2c\0\40";
	size_t len;
	uint8_t *message = make_message(9, true, 2, &len);
	unsigned int mac_len = 32;

	sender_put(sender, message, len);
	*ret_len = len;
	if (!is_signed)
		return message;
	if (sender->first)
		sender_put(sender, variables, sizeof(variables) - 1);
	else
		sender_put(sender, timers, sizeof(timers) - 1);
	HMAC(EVP_sha256(), secret, sizeof(secret) - 1, sender->data, sender->used, sender->mac,
	     &mac_len);
	sender->first = false;
	memcpy(message + len, record, sizeof(record) - 1);
	len += sizeof(record) - 1;
	memcpy(message + len, sender->mac, 32);
	len += 32;
	memcpy(message + len, "\0\11\0\0\0\0", 6); /* original id, error, other */
	message[11] = 1;
	*ret_len = len + 6;
	sender_begin(sender);
	return message;
}

static void stream_with_gap(size_t gap, bool wrong, int wanted)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	struct sender sender = {.first = true};
	struct tsig tsig;
	size_t len, plain;
	uint8_t *message = make_message(9, false, 0, &len);
	int result;

	tsig_begin(&tsig, &key);
	assert_int_equal(tsig_sign(&tsig, message, &len, ROOM, 1000), 0);
	memcpy(sender.mac, tsig.mac, 32);
	sender_begin(&sender);
	free(message);
	message = sender_next(&sender, true, &len);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, false, &plain), 0);
	free(message);
	for (size_t i = 0; i < gap; i++) {
		message = sender_next(&sender, false, &len);
		message[len - 1] ^= wrong && i == gap / 2;
		result = tsig_verify_reply(&tsig, message, len, 1000, false, &plain);
		free(message);
		if (result) {
			assert_int_equal(result, wanted);
			goto out;
		}
		assert_int_equal(plain, len);
	}
	message = sender_next(&sender, true, &len);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, true, &plain), wanted);
	free(message);
out:
	tsig_done(&tsig);
}

static void up_to_99_unsigned_messages_stand_between_two_signed_ones(void **state)
{
	(void)state;
	stream_with_gap(0, false, 0);
	stream_with_gap(1, false, 0);
	stream_with_gap(99, false, 0);
	stream_with_gap(100, false, -EACCES);
}

static void what_was_changed_in_an_unsigned_message_shows_in_the_next_signed_one(void **state)
{
	(void)state;
	stream_with_gap(3, true, -EACCES);
}

static void the_first_and_the_last_message_of_a_stream_are_signed(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	struct tsig tsig;
	size_t len, plain;
	uint8_t *message = make_message(9, false, 0, &len);

	(void)state;
	tsig_begin(&tsig, &key);
	assert_int_equal(tsig_sign(&tsig, message, &len, ROOM, 1000), 0);
	free(message);
	message = make_message(9, true, 2, &len);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, false, &plain), -EACCES);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, true, &plain), -EACCES);
	tsig_done(&tsig);
	free(message);
}

static void without_a_key_a_signed_reply_is_refused(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA256);
	size_t len, plain;
	uint8_t *message = signed_query(&key, 1000, &len);
	struct tsig tsig;

	(void)state;
	tsig_begin(&tsig, NULL);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, true, &plain), -EBADMSG);
	free(message);
	message = make_message(5, true, 1, &len);
	assert_int_equal(tsig_verify_reply(&tsig, message, len, 1000, true, &plain), 0);
	assert_int_equal(plain, len);
	tsig_done(&tsig);
	free(message);
}

static void a_message_without_room_is_left_as_it_was(void **state)
{
	struct config_key key = key_of("some.key", TSIG_HMAC_SHA512);
	struct tsig tsig;
	size_t len, bare, room;
	uint8_t *message = make_message(5, false, 0, &bare);

	(void)state;
	tsig_begin(&tsig, &key);
	room = bare + tsig_sign_len(&tsig);
	for (size_t size = bare; size < room; size++) {
		uint8_t *piece = calloc(1, size);

		memcpy(piece, message, bare);
		len = bare;
		assert_int_equal(tsig_sign(&tsig, piece, &len, size, 1000), -ENOSPC);
		assert_int_equal(len, bare);
		assert_memory_equal(piece, message, bare);
		free(piece);
	}
	len = bare;
	assert_int_equal(tsig_sign(&tsig, message, &len, room, 1000), 0);
	assert_int_equal(len, room);
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ldns_verifies_our_request_and_our_replies),
	        cmocka_unit_test(we_verify_the_request_of_ldns),
	        cmocka_unit_test(we_verify_a_stream_of_ldns),
	        cmocka_unit_test(the_digest_is_that_of_the_rfc_for_every_algorithm),
	        cmocka_unit_test(a_changed_octet_anywhere_is_noticed),
	        cmocka_unit_test(a_message_that_is_cut_anywhere_is_not_signed),
	        cmocka_unit_test(time_is_taken_within_the_fudge_only),
	        cmocka_unit_test(a_reply_that_says_badtime_is_signed_and_tells_the_time),
	        cmocka_unit_test(unknown_keys_and_other_algorithms_are_badkey),
	        cmocka_unit_test(a_message_without_tsig_has_none),
	        cmocka_unit_test(a_tsig_that_is_not_the_last_record_is_malformed),
	        cmocka_unit_test(truncated_macs_count_down_to_half),
	        cmocka_unit_test(up_to_99_unsigned_messages_stand_between_two_signed_ones),
	        cmocka_unit_test(
	                what_was_changed_in_an_unsigned_message_shows_in_the_next_signed_one),
	        cmocka_unit_test(the_first_and_the_last_message_of_a_stream_are_signed),
	        cmocka_unit_test(without_a_key_a_signed_reply_is_refused),
	        cmocka_unit_test(a_message_without_room_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
