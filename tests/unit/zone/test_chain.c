/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of NSEC and NSEC3 records, against slow ways that are obviously right. */
#include "unit/zone/from_text.h"

#include "zone/chain.h"
#include "zone/rdata.h"

#define NAMES 400

static const char APEX[] =
        "@ 60 SOA ns h 1 2 3 4 60\n@ 60 NS ns.elsewhere.\n@ 60 DNSKEY 256 3 5 AQ==\n"
        "@ 60 RRSIG SOA 5 2 60 20300101000000 20200101000000 1 @ AAAA\n";

/* ---- hashes ---- */

static void names_are_hashed_as_rfc_5155_says(void **state)
{
	/* Appendix A */
	static const struct {
		const char *name, *label;
	} vectors[] = {
	        {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
	        {"A.Example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
	        {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	        {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
	        {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
	        {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"},
	};
	static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
	const struct nsec3_param param = {
	        .algorithm = 1, .iterations = 12, .salt_len = sizeof(salt), .salt = salt};
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN], back[NSEC3_HASH_LEN],
	        label[1 + NSEC3_LABEL_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		int len = name_from_text(vectors[i].name, NULL, 0, name);

		assert_true(nsec3_hash(&param, name, (size_t)len, hash));
		nsec3_to_label(hash, label);
		assert_int_equal(label[0], NSEC3_LABEL_LEN);
		assert_memory_equal(label + 1, vectors[i].label, NSEC3_LABEL_LEN);
		assert_true(nsec3_from_label(label, back));
		assert_memory_equal(back, hash, sizeof(hash));
	}
	label[5] = 'w';
	assert_false(nsec3_from_label(label, back));
	label[0] = NSEC3_LABEL_LEN - 1;
	assert_false(nsec3_from_label(label, back));
}

static void rdata_that_is_cut_is_refused(void **state)
{
	static const uint8_t nsec3[] = {1, 1, 0, 12, 2, 0xaa, 0xbb, 3, 9, 9, 9, 0, 1, 0x40};
	static const uint8_t param[] = {1, 0, 0, 12, 2, 0xaa, 0xbb};

	(void)state;
	for (size_t len = 0; len <= sizeof(nsec3); len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, nsec3, len);
		assert_int_equal(rdata_valid(AN_TYPE_NSEC3, exact, len), len >= 11);
		free(exact);
	}
	for (size_t len = 0; len <= sizeof(param); len++)
		assert_int_equal(rdata_valid(AN_TYPE_NSEC3PARAM, param, len), len == sizeof(param));
}

/* ---- NSEC ---- */

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* Few octets, so that names share much, and 0 and 1 and upper case are among them. */
static void random_name(unsigned int *seed, char *text)
{
	static const char *const octets[] = {"\\000", "\\001", "\\002", "a",
	                                     "B",     "b",     "\\255", "*"};
	unsigned int labels = 1 + next_random(seed) % 4;

	*text = 0;
	while (labels--) {
		unsigned int len = 1 + next_random(seed) % 4;

		while (len--)
			strcat(text, octets[next_random(seed) % 8]);
		strcat(text, labels ? "." : "");
	}
}

static int is_best(const struct zone_node *node, void *arg)
{
	const struct zone_node **best = ((const struct zone_node **)arg) + 1;
	const uint8_t *name = ((const uint8_t **)arg)[0];

	if (zone_rrset(node, AN_TYPE_NSEC) && name_compare(node->name, name) <= 0 &&
	    (!*best || name_compare(node->name, (*best)->name) > 0))
		*best = node;
	return 0;
}

/* The slow way: of all names that have one the last that is not behind. */
static const struct zone_node *last_before(const struct zone *zone, const uint8_t *name)
{
	const void *arg[] = {name, NULL};

	zone_each(zone, is_best, arg);
	return arg[1];
}

static void the_last_name_before_is_found(void **state)
{
	char text[NAMES * 100], *at = text;
	unsigned int seed = 7;
	struct zone *zone;

	(void)state;
	at += sprintf(at, "%s@ 60 NSEC @ NSEC\n", APEX);
	for (int i = 0; i < NAMES; i++) {
		char name[64];

		random_name(&seed, name);
		at += sprintf(at, "%s 60 NSEC @ NSEC\n", name);
	}
	zone = zone_of("example.test.", text, NULL);
	assert_int_equal(zone->security, ZONE_PRESIGNED_NSEC);
	for (int i = 0; i < 2000; i++) {
		uint8_t name[NAME_MAX_LEN];
		const struct zone_node *found, *node;
		char one[64];
		int len;

		random_name(&seed, one);
		len = name_from_text(one, zone->apex, zone->apex_len, name);
		assert_true(len > 0);
		found = chain_at(zone, name, (size_t)len);
		assert_ptr_equal(found, last_before(zone, name));
		node = zone_node_exact(zone, name, (size_t)len);
		for (int twice = 0; node && twice < 2; twice++) /* looked for, then known */
			assert_ptr_equal(chain_at_node(zone, node), found);
	}
	zone_free(zone);
}

static void what_is_no_part_of_the_chain_is_left_out(void **state)
{
	struct zone *zone;
	uint8_t name[NAME_MAX_LEN];
	char text[2000];
	int len;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", APEX,
	         "@ 60 NSEC c NSEC\nc 60 NS ns.elsewhere.\nc 60 NSEC @ NS\n"
	         "below.c 60 NSEC @ A\n");
	zone = zone_of("example.test.", text, NULL);
	assert_int_equal(zone->chain->count, 2);
	len = name_from_text("d", zone->apex, zone->apex_len, name);
	assert_string_equal(name_to_text(chain_at(zone, name, (size_t)len)->name, text),
	                    "c.example.test.");
	zone_free(zone);
}

/* ---- what kind of zone it is ---- */

/* A chain of one, the apex: example.test. */
#define HASHED(flags)                                                                              \
	"@ 60 NSEC3PARAM 1 " flags " 0 -\n" H_APEX " 60 NSEC3 1 0 0 - " H_APEX " SOA\n"
#define H_APEX "jbas736chung3bb701jkjdhqkqlhvug7"

static void a_zone_is_secure_by_key_and_signature(void **state)
{
	static const struct {
		const char *more;
		int security;
		size_t count, warnings;
	} zones[] = {
	        {"", ZONE_PRESIGNED_NSEC, 0, 1},
	        {"@ 60 NSEC @ NSEC\n", ZONE_PRESIGNED_NSEC, 1, 0},
	        /* NSEC3PARAM without the chain that it speaks of: NSEC, if there is any */
	        {"@ 60 NSEC3PARAM 1 0 0 -\n@ 60 NSEC @ NSEC\n", ZONE_PRESIGNED_NSEC, 1, 0},
	        /* another name's */
	        {"@ 60 NSEC3PARAM 1 0 0 -\n"
	         "8o4g0a5aqj2srfa3hnvrnlb4mk1fbmq3 60 NSEC3 1 0 0 - "
	         "8o4g0a5aqj2srfa3hnvrnlb4mk1fbmq3 SOA\n",
	         ZONE_PRESIGNED_NSEC, 0, 1},
	        /* RFC 5155 4: flags, so the chain is not whole yet */
	        {"@ 60 NSEC3PARAM 1 1 0 -\n@ 60 NSEC @ NSEC\n", ZONE_PRESIGNED_NSEC, 1, 0},
	        {HASHED("0"), ZONE_PRESIGNED_NSEC3, 1, 0},
	        {HASHED("1") "@ 60 NSEC @ NSEC\n", ZONE_PRESIGNED_NSEC, 1, 0},
	        {"@ 60 NSEC3PARAM 1 0 501 -\n", ZONE_PRESIGNED_NSEC, 0, 2},
	};
	char text[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		struct zone *zone;

		snprintf(text, sizeof(text), "%s%s", APEX, zones[i].more);
		zone = zone_of("example.test.", text, NULL);
		assert_int_equal(zone->security, zones[i].security);
		assert_int_equal(zone->chain->count, zones[i].count);
		assert_int_equal(zone->warning_count, zones[i].warnings);
		zone_free(zone);
	}
}

static void anames_and_expanded_transfers_have_a_warning(void **state)
{
	struct config_peer expanded = {.mode = TRANSFER_EXPAND};
	struct config_zone settings = {.secondaries = &expanded, .secondaries_count = 1};
	struct zone *zone;
	char text[1000];

	(void)state;
	snprintf(text, sizeof(text), "%s@ 60 NSEC @ NSEC\nwww 60 ANAME a.test.\n", APEX);
	zone = zone_of("example.test.", text, NULL);
	assert_int_equal(zone->warning_count, 1);
	assert_true(zone->warnings->mild);
	assert_true(zone->has_anames);
	zone_free(zone);
	zone = zone_of("example.test.", text, &settings);
	assert_int_equal(zone->warning_count, 2);
	zone_free(zone);
	snprintf(text, sizeof(text),
	         "%s@ 60 NSEC @ NSEC\nwww 60 ANAME a.test.\nwww 60 A 192.0.2.1\n"
	         "www 60 RRSIG A 5 3 60 20300101000000 20200101000000 1 @ AAAA\n",
	         APEX);
	zone = zone_of("example.test.", text, &settings);
	assert_int_equal(zone->warning_count, 0);
	assert_false(zone->has_anames);
	zone_free(zone);
}

/* ---- rdata ---- */

static const struct zone_rdata *rdata_of(const struct zone *zone, uint16_t type)
{
	return &set_of(zone, "x.example.test.", type)->rdata[0];
}

static void security_records_become_wire(void **state)
{
	static const uint8_t nsec[] =
	        "\1@\7example\4test\0\0\6@\0\0\0\0\3\1\1@\xff\x20"
	        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const uint8_t rrsig[] = "\0\x10\5\3\0\0\0<\0\0\0\x2a\x6b\x36\xec\x80\xff\xff"
	                               "\7example\4test\0\0\1\2";
	struct zone *zone;
	char text[1000];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", APEX,
	         "x 60 NSEC \\064.example.test. A RRSIG NSEC CAA TYPE65535\n"
	         "x 60 RRSIG TXT 5 3 60 42 20270101000000 65535 @ AA EC\n");
	zone = zone_of("example.test.", text, NULL);
	assert_int_equal(rdata_of(zone, AN_TYPE_NSEC)->len, sizeof(nsec) - 1);
	assert_memory_equal(rdata_of(zone, AN_TYPE_NSEC)->data, nsec, sizeof(nsec) - 1);
	assert_int_equal(rdata_of(zone, AN_TYPE_RRSIG)->len, sizeof(rrsig) - 1);
	assert_memory_equal(rdata_of(zone, AN_TYPE_RRSIG)->data, rrsig, sizeof(rrsig) - 1);
	zone_free(zone);
}

static void malformed_security_records_are_refused(void **state)
{
	static const char *const lines[] = {
	        "RRSIG A 5 3 60 20301301000000 20200101000000 1 @ AAAA",
	        "RRSIG A 5 3 60 20300101240000 20200101000000 1 @ AAAA",
	        "RRSIG A 5 256 60 20300101000000 20200101000000 1 @ AAAA",
	        "RRSIG A 5 3 60 20300101000000 20200101000000 65536 @ AAAA",
	        "RRSIG A 5 3 60 20300101000000 20200101000000 1 @ A*AA",
	        "RRSIG A 5 3 60 20300101000000 20200101000000 1 @",
	        "RRSIG NOTHING 5 3 60 20300101000000 20200101000000 1 @ AAAA",
	        "NSEC",
	        "NSEC \"@\" A",
	        "NSEC @ NOTHING",
	        "NSEC3 1 0 0 abc 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A",
	        "NSEC3 1 0 0 xy 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A",
	        "NSEC3 1 0 65536 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A",
	        "NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3to A",
	        "NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tow A",
	        "NSEC3 1 0 0 -",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct error error = {0};
		struct zone *zone = NULL;
		char text[1000];

		snprintf(text, sizeof(text), "%sx 60 %s\n", APEX, lines[i]);
		if (!load_text("example.test.", text, NULL, &zone, &error))
			fail_msg("%s was taken", lines[i]);
		assert_int_equal(error.line, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_are_hashed_as_rfc_5155_says),
	        cmocka_unit_test(rdata_that_is_cut_is_refused),
	        cmocka_unit_test(the_last_name_before_is_found),
	        cmocka_unit_test(what_is_no_part_of_the_chain_is_left_out),
	        cmocka_unit_test(a_zone_is_secure_by_key_and_signature),
	        cmocka_unit_test(anames_and_expanded_transfers_have_a_warning),
	        cmocka_unit_test(security_records_become_wire),
	        cmocka_unit_test(malformed_security_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
