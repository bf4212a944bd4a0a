/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys: the vectors of RFC 6605 and 8080, pairs that are made, times. */
#include <openssl/pem.h>

#include "unit/sign/sign_test.h"

static size_t from_base64(const char *text, uint8_t *ret)
{
	size_t len = strlen(text);
	int got = EVP_DecodeBlock(ret, (const uint8_t *)text, (int)len);

	assert_true(got > 0);
	while (text[--len] == '=') /* counted as zeros */
		got--;
	return (size_t)got;
}

static void set_key(struct sign_key *key, const uint8_t head[4], const char *public,
                    const char *private)
{
	struct sign_octets parts[SIGN_PARTS] = {0};
	uint8_t rdata[600];
	size_t len;

	memset(key, 0, sizeof(*key));
	memcpy(rdata, head, 4);
	len = 4 + from_base64(public, rdata + 4);
	assert_int_equal(sign_key_set_public(key, rdata, len), 0);
	parts[0].len = (uint16_t)from_base64(private, parts[0].data);
	assert_int_equal(sign_key_set_private(key, parts), 0);
}

static void assert_ds(const struct sign_key *key, const uint8_t *apex, size_t apex_len,
                      const char *digest)
{
	uint8_t ds[SIGN_DS_MAX], expected[32];

	assert_int_equal(sign_key_ds(key, apex, apex_len, 2, ds), 36);
	for (size_t i = 0; i < sizeof(expected); i++)
		assert_int_equal(sscanf(digest + 2 * i, "%2hhx", &expected[i]), 1);
	assert_int_equal(ds[0] << 8 | ds[1], key->tag);
	assert_memory_equal(ds + 4, expected, sizeof(expected));
}

/* RRSIG rdata without its signature, then one record. */
static size_t tbs(const struct sign_key *key, const uint8_t *owner, size_t owner_len, uint16_t type,
                  const uint8_t *rdata, size_t len, uint32_t expiration, uint32_t inception,
                  const uint8_t *apex, size_t apex_len, uint8_t *ret)
{
	const struct sign_input input = {.owner = owner,
	                                 .owner_len = owner_len,
	                                 .type = type,
	                                 .ttl = 3600,
	                                 .octets = rdata,
	                                 .count = 1,
	                                 .stride = (uint16_t)len};
	struct wire w = wire_writer(ret, 600);

	wire_put16(&w, type);
	wire_put8(&w, key->algorithm);
	wire_put8(&w, canon_labels(owner));
	wire_put32(&w, 3600);
	wire_put32(&w, expiration);
	wire_put32(&w, inception);
	wire_put16(&w, key->tag);
	wire_put(&w, apex, apex_len);
	assert_true(canon_put(&input, &w));
	assert_int_equal(canon_len(&input), owner_len + 10 + len);
	return w.at;
}

static void the_example_of_rfc_6605_verifies(void **state)
{
	static const uint8_t head[] = {1, 1, 3, 13}, address[] = {192, 0, 2, 1};
	uint8_t signature[600], data[600], *www = (uint8_t *)(uintptr_t) "\3WWW\7Example\3net";
	struct sign_key key;
	size_t len;

	(void)state;
	set_key(&key, head,
	        "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc"
	        "8NAA==",
	        "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=");
	assert_int_equal(key.tag, 55648);
	assert_ds(&key, EXAMPLE, EXAMPLE_LEN,
	          "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
	len = tbs(&key, www, 17, AN_TYPE_A, address, 4, 1284026679, 1281607479, EXAMPLE,
	          EXAMPLE_LEN, data);
	from_base64("qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwW"
	            "ep666VCw==",
	            signature);
	assert_true(sign_key_verify(&key, data, len, signature, 64));
	data[len - 1] ^= 1;
	assert_false(sign_key_verify(&key, data, len, signature, 64));
	sign_key_done(&key);
}

/* Ed25519 gives one signature, always. */
static void the_example_of_rfc_8080_is_made_to_the_octet(void **state)
{
	static const uint8_t head[] = {1, 1, 3, 15};
	static const uint8_t mx[] = "\0\12\4MAIL\7example\3com";
	const uint8_t *apex = (const uint8_t *)"\7example\3com";
	uint8_t signature[600], expected[600], data[600];
	struct sign_key key;
	size_t len;

	(void)state;
	set_key(&key, head, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
	        "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=");
	assert_int_equal(key.tag, 3613);
	assert_ds(&key, apex, 13,
	          "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b");
	len = tbs(&key, apex, 13, AN_TYPE_MX, mx, sizeof(mx), 1440021600, 1438207200, apex, 13,
	          data);
	from_base64("oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMn"
	            "gwcrqNAg==",
	            expected);
	assert_int_equal(sign_key_sign(&key, data, len, signature), 64);
	assert_memory_equal(signature, expected, 64);
	sign_key_done(&key);
}

static void keys_of_every_algorithm_are_made_sign_and_verify(void **state)
{
	uint8_t signature[SIGN_SIGNATURE_MAX], data[] = "some octets";

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms_all); i++) {
		struct sign_octets parts[SIGN_PARTS];
		struct sign_key key, again = {0};
		size_t len;

		print_message("%s\n", sign_algorithm_text(algorithms_all[i]));
		assert_int_equal(sign_key_generate(algorithms_all[i], 257, 0, &key), 0);
		len = sign_key_sign(&key, data, sizeof(data), signature);
		assert_int_equal(len, sign_key_signature_len(&key));
		assert_true(sign_key_verify(&key, data, sizeof(data), signature, len));
		signature[3] ^= 1;
		assert_false(sign_key_verify(&key, data, sizeof(data), signature, len));
		assert_int_equal(sign_key_parts(&key, parts), 0);
		assert_int_equal(sign_key_set_public(&again, key.public, key.public_len), 0);
		assert_int_equal(sign_key_set_private(&again, parts), 0);
		sign_key_done(&again);
		sign_key_done(&key);
	}
}

static void a_private_half_may_be_a_pem_file(void **state)
{
	struct sign_key key, other;
	char *text, locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
	                       "-----END ENCRYPTED PRIVATE KEY-----\n";
	long len;
	BIO *out;

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms_all); i++) {
		assert_int_equal(sign_key_generate(algorithms_all[i], 257, 0, &key), 0);
		assert_int_equal(sign_key_generate(algorithms_all[i], 257, 0, &other), 0);
		out = BIO_new(BIO_s_mem());
		assert_int_equal(
		        PEM_write_bio_PrivateKey(out, key.private, NULL, NULL, 0, NULL, NULL), 1);
		len = BIO_get_mem_data(out, &text);
		sign_key_done(&key);
		assert_int_equal(sign_key_set_pem(&key, text, (size_t)len), 0);
		sign_key_done(&key);
		sign_key_done(&other);
		assert_int_equal(sign_key_set_pem(&other, text, (size_t)len), -EKEYREJECTED);
		assert_int_equal(sign_key_set_pem(&key, text, (size_t)len / 2), -EINVAL);
		assert_int_equal(sign_key_set_pem(&key, locked, sizeof(locked)), -EINVAL);
		BIO_free(out);
	}
}

static void halves_of_two_keys_are_no_pair(void **state)
{
	struct sign_key one, two;
	struct sign_octets parts[SIGN_PARTS];

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms_all); i++) {
		assert_int_equal(sign_key_generate(algorithms_all[i], 257, 0, &one), 0);
		assert_int_equal(sign_key_generate(algorithms_all[i], 257, 0, &two), 0);
		assert_int_equal(sign_key_parts(&one, parts), 0);
		sign_key_done(&one);
		sign_key_done(&two);
		assert_true(sign_key_set_private(&two, parts) < 0);
		assert_null(two.private);
	}
}

static void a_key_is_used_when_its_times_say_so(void **state)
{
	const int64_t none = SIGN_TIME_NONE;
	const struct {
		struct sign_times times;
		bool published, active;
		int64_t next;
	} rows[] = {
	        {{none, none, none, none, none}, true, true, INT64_MAX},
	        {{0, NOW, NOW, none, none}, true, true, INT64_MAX},
	        {{0, NOW + 1, NOW + 9, none, none}, false, false, NOW + 1},
	        {{0, NOW - 1, NOW + 9, none, none}, true, false, NOW + 9},
	        {{0, NOW - 1, none, none, none}, true, false, INT64_MAX},
	        {{0, none, NOW - 1, none, none}, true, true, INT64_MAX},
	        {{0, NOW - 9, NOW - 5, NOW, none}, true, false, INT64_MAX},
	        {{0, NOW - 9, NOW - 5, NOW + 5, NOW + 9}, true, true, NOW + 5},
	        {{0, NOW - 9, NOW - 5, NOW - 2, NOW}, false, false, INT64_MAX},
	        {{0, NOW + 5, NOW - 5, none, none}, false, true, NOW + 5}, /* RFC 6781 4.1.4 */
	};
	struct sign_key key;

	(void)state;
	assert_int_equal(sign_key_generate(SIGN_ED25519, 257, 0, &key), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		key.times = rows[i].times;
		assert_int_equal(sign_key_published(&key, NOW), rows[i].published);
		assert_int_equal(sign_key_active(&key, NOW), rows[i].active);
		assert_int_equal(sign_key_next(&key, NOW), rows[i].next);
	}
	key.times = rows[0].times;
	sign_key_done(&key);
	assert_false(sign_key_active(&key, NOW)); /* the public half of somebody else's */
	assert_true(sign_key_published(&key, NOW));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_example_of_rfc_6605_verifies),
	        cmocka_unit_test(the_example_of_rfc_8080_is_made_to_the_octet),
	        cmocka_unit_test(keys_of_every_algorithm_are_made_sign_and_verify),
	        cmocka_unit_test(a_private_half_may_be_a_pem_file),
	        cmocka_unit_test(halves_of_two_keys_are_no_pair),
	        cmocka_unit_test(a_key_is_used_when_its_times_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
