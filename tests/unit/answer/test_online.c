/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies out of a zone that is signed here: what is signed when, what a denial says and to whom.
 */
#include "sign/cache.h"
#include "sign/signer.h"
#include "unit/answer/scene.h"

#define NOW INT64_C(1780000000)

static const char text[] = "$TTL 300\n"
                           "@ SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "ns1 A 192.0.2.53\n"
                           "www ANAME www.cdn.test.\n"
                           "*.wild ANAME www.cdn.test.\n"
                           "many CNAME a\na CNAME b\nb CNAME c\nc TXT \"end\"\n"
                           "lost CNAME gone\n"
                           "*.host A 192.0.2.80\n*.host AAAA 2001:db8::80\n"
                           "sub NS ns.elsewhere.\n"
                           "mail MX 1 a.host\n";

#define TARGETS 110

static struct scene scene;
static struct sign_keys *keys;

static struct zone *zone_here(void)
{
	return zones_at(scene.world.zones, 0);
}

static void take_signer(int64_t now)
{
	const struct sign_policy policy = {1209600, SIGN_CDS_ON};
	struct zone *zone = zone_here();
	struct signer *signer;
	bool kept_on;

	assert_int_equal(signer_new(zone, keys, &policy, now, NULL, &signer, &kept_on, NULL), 0);
	if (zone->signer)
		signer_free(zone->signer);
	zone->signer = signer;
	zone->signer_free = signer_free;
	zone->security = ZONE_SIGNED;
}

static int setup(void **state)
{
	static char whole[sizeof(text) + TARGETS * 32];
	static const char *const texts[] = {"signed.test.", whole, NULL};
	size_t at = (size_t)sprintf(whole, "%s", text);

	(void)state;
	for (unsigned int i = 0; i < TARGETS; i++)
		at += (size_t)sprintf(whole + at, "crowd MX %u x%u.host\n", i, i);
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	keys = sign_keys_new();
	assert_int_equal(sign_key_generate(SIGN_ED25519, 257, 0, &keys->keys[0]), 0);
	keys->count = 1;
	take_signer(NOW);
	sign_cache_clear();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	sign_keys_free(keys);
	sign_cache_clear();
	return 0;
}

/* The reply without its signatures, which nobody can write down beforehand. */
static const char *ask(const struct ask *query)
{
	static char plain[SCENE_TEXT];
	const char *line = scene_ask(&scene, query);
	char *at = plain;

	*at = 0;
	while (*line) {
		size_t len = strcspn(line, "\n") + 1;

		if (!memmem(line, len, " RRSIG ", 7) || memmem(line, len, " NSEC \\", 7)) {
			memcpy(at, line, len);
			at += len;
			*at = 0;
		}
		line += len;
	}
	return plain;
}

static size_t signatures_in(const char *reply)
{
	size_t count = 0;

	while ((reply = strstr(reply, " RRSIG ")))
		count += strncmp(reply++, " RRSIG NSEC", 11) != 0;
	return count;
}

#define A(name_)                                                                                   \
	{                                                                                          \
		.name = name_, .type = AN_TYPE_A, .dnssec_ok = true                                \
	}

static void a_stored_answer_is_signed_once_whatever_else_is_forgotten(void **state)
{
	const struct ask query = A("www.signed.test.");
	uint64_t made;

	(void)state;
	scene_store(&scene, "www.signed.test.", AN_TYPE_A, NULL, 0, "203.0.113.1 203.0.113.2", 20);
	made = signer_made();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(signatures_in(scene_ask(&scene, &query)), 1);
		sign_cache_clear();
	}
	assert_int_equal(signer_made(), made + 1);
	/* In another epoch, once more. */
	take_signer(NOW + 1209600);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(signatures_in(scene_ask(&scene, &query)), 1);
		sign_cache_clear();
	}
	assert_int_equal(signer_made(), made + 2);
}

static void zone_data_are_signed_once_an_epoch(void **state)
{
	const struct ask query = A("ns1.signed.test.");
	uint64_t made = signer_made();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(signatures_in(scene_ask(&scene, &query)), 1);
		sign_cache_clear();
	}
	assert_int_equal(signer_made(), made + 1);
}

static void a_denial_is_proven_where_nobody_is_known_to_have_addresses(void **state)
{
	struct ask query = {.name = "www.signed.test.",
	                    .type = AN_TYPE_AAAA,
	                    .dnssec_ok = true,
	                    .ecs = "192.0.2.0/24"};

	(void)state;
	scene_store(&scene, "www.signed.test.", AN_TYPE_AAAA, "192.0.2.0/24", 24, "", 20);
	assert_string_equal(
	        ask(&query),
	        "NOERROR aa\nns signed.test. 60 SOA ns1.signed.test. host.signed.test. 7 7200 3600 "
	        "1209600 60\nns www.signed.test. 60 NSEC \\000.www.signed.test. A RRSIG NSEC "
	        "TYPE65401 \nopt 1232 do ecs 192.0.2.0/24/0\n");
	query.dnssec_ok = false;
	assert_string_equal(
	        ask(&query),
	        "NOERROR aa\nns signed.test. 60 SOA ns1.signed.test. host.signed.test. 7 7200 3600 "
	        "1209600 60\nopt 1232 ecs 192.0.2.0/24/0\n");
}

static void where_others_have_addresses_these_are_given_in_its_place(void **state)
{
	struct ask query = {.name = "www.signed.test.",
	                    .type = AN_TYPE_AAAA,
	                    .dnssec_ok = true,
	                    .ecs = "192.0.2.0/24"};

	(void)state;
	scene_store(&scene, "www.signed.test.", AN_TYPE_AAAA, "192.0.2.0/24", 24, "", 20);
	scene_store(&scene, "www.signed.test.", AN_TYPE_AAAA, "203.0.113.0/24", 24, "2001:db8::1",
	            20);
	assert_string_equal(ask(&query), "NOERROR aa\nan www.signed.test. 20 AAAA 2001:db8::1\n"
	                                 "opt 1232 do ecs 192.0.2.0/24/24\n");
	assert_int_equal(signatures_in(scene_ask(&scene, &query)), 1);
	query.dnssec_ok = false;
	assert_non_null(strstr(ask(&query), "ns signed.test. 60 SOA"));
}

static void addresses_that_nobody_is_given_any_longer_do_not_count(void **state)
{
	struct ask query = {.name = "www.signed.test.", .type = AN_TYPE_AAAA, .dnssec_ok = true};

	(void)state;
	scene_store(&scene, "www.signed.test.", AN_TYPE_AAAA, "203.0.113.0/24", 24, "2001:db8::1",
	            -5);
	scene_store(&scene, "www.signed.test.", AN_TYPE_AAAA, NULL, 0, "", 20);
	assert_string_equal(
	        ask(&query),
	        "NOERROR aa\nns signed.test. 60 SOA ns1.signed.test. host.signed.test. 7 7200 3600 "
	        "1209600 60\nns www.signed.test. 60 NSEC \\000.www.signed.test. A RRSIG NSEC "
	        "TYPE65401 \nopt 1232 do\n");
}

static void a_name_out_of_a_wildcard_has_signatures_of_its_own(void **state)
{
	const struct ask query = A("x.wild.signed.test.");

	(void)state;
	scene_store(&scene, "x.wild.signed.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	/* Four labels, as the name has: RFC 9824 3.3. */
	assert_non_null(
	        strstr(scene_ask(&scene, &query), "an x.wild.signed.test. 20 RRSIG A 15 4 20 "));
}

static void what_cannot_be_signed_is_servfail_and_nothing_else(void **state)
{
	static const struct ask asks[] = {A("ns1.signed.test."), A("nothing.signed.test."),
	                                  A("many.signed.test."), A("x.sub.signed.test.")};
	struct evp_pkey_st *private = keys->keys[0].private;

	(void)state;
	keys->keys[0].private = NULL;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		assert_string_equal(scene_ask(&scene, &asks[i]),
		                    "SERVFAIL\nopt 1232 do ede 0 cannot sign\n");
	keys->keys[0].private = private;
	assert_int_equal(signatures_in(scene_ask(&scene, &asks[0])), 1);
}

static void targets_out_of_a_wildcard_cost_no_signatures(void **state)
{
	const struct ask crowd = {
	        .name = "crowd.signed.test.", .type = AN_TYPE_MX, .dnssec_ok = true, .tcp = true};
	const char *reply;
	uint64_t made = signer_made();

	(void)state;
	reply = scene_ask(&scene, &crowd);
	assert_memory_equal(reply, "NOERROR", 7);
	assert_int_equal(signatures_in(reply), 1);
	assert_int_equal(signer_made(), made + 1);
	assert_null(strstr(reply, "\nar "));
}

static void nobody_signs_for_who_does_not_ask(void **state)
{
	const struct ask query = {.name = "x.wild.signed.test.", .type = AN_TYPE_NSEC};
	uint64_t made = signer_made();

	(void)state;
	assert_non_null(strstr(scene_ask(&scene, &query), " NSEC "));
	assert_int_equal(signer_made(), made);
}

/* RFC 4034 6.3: what differs by nothing that counts is one record. */
static void a_record_that_stands_twice_is_signed_once(void **state)
{
	static const uint8_t owner[] = "\3www\6signed\4test", twice[] = "\1\2\3\4\1\2\3\4\5\6\7\10";
	static const uint8_t once[] = "\1\2\3\4\5\6\7\10";
	const struct signer *signer = zone_here()->signer;
	struct sign_input input = {.owner = owner,
	                           .owner_len = sizeof(owner),
	                           .type = AN_TYPE_A,
	                           .ttl = 300,
	                           .octets = twice,
	                           .count = 3,
	                           .stride = 4};
	_Alignas(8) uint8_t rooms[2][1024];
	const struct sign_set *sets[2];

	(void)state;
	sets[0] = signer_sign(signer, &input, rooms[0], sizeof(rooms[0]));
	input.octets = once;
	input.count = 2;
	sets[1] = signer_sign(signer, &input, rooms[1], sizeof(rooms[1]));
	assert_non_null(sets[0]);
	assert_non_null(sets[1]);
	/* Ed25519 signs the same twice alike. */
	assert_int_equal(sets[0]->rdata[0].len, sets[1]->rdata[0].len);
	assert_memory_equal(sets[0]->rdata[0].data, sets[1]->rdata[0].data, sets[0]->rdata[0].len);
}

/* RFC 9824 5.1: at a chain's end the RCODE is another one for DO, and for CO. */
static void the_kernel_has_denials_behind_a_chain_for_who_asks_without_do(void **state)
{
	_Alignas(8) uint8_t room[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)room;
	static const uint8_t lost[] = "\4lost\6signed\4test", www[] = "\3ns1\6signed\4test";
	unsigned int turns;

	(void)state;
	rcu_read_lock();
	assert_true(respond_image_static(&scene.world, lost, sizeof(lost), AN_TYPE_A, 0, &turns,
	                                 image) > 0);
	assert_int_equal(image->answer.traits, AN_TRAIT_NOT_DO | AN_TRAIT_COMPACT);
	assert_int_equal(image->answer.flags & AN_FLAG_RCODE, AN_RCODE_NXDOMAIN);
	assert_true(respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns,
	                                 image) > 0);
	assert_int_equal(image->answer.traits, AN_TRAIT_COMPACT);
	rcu_read_unlock();
}

/* Too large with signatures, or they cannot be made: then for queries without DO. */
static void what_cannot_be_signed_is_the_kernels_without_do(void **state)
{
	struct answer *answer = scene_store(&scene, "www.signed.test.", AN_TYPE_A, NULL, 0,
	                                    "203.0.113.1 203.0.113.2", 20);
	struct evp_pkey_st *private = keys->keys[0].private;
	_Alignas(8) uint8_t room[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)room;

	(void)state;
	keys->keys[0].private = NULL;
	rcu_read_lock();
	assert_true(respond_image_flat(&scene.world, zone_here(), answer, 0, image) > 0);
	rcu_read_unlock();
	keys->keys[0].private = private;
	assert_int_equal(image->answer.traits & AN_TRAIT_NOT_DO, AN_TRAIT_NOT_DO);
	assert_int_equal(image->answer.count, 2);
	assert_int_equal(image->answer.flags & AN_FLAG_RCODE, AN_RCODE_NOERROR);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(targets_out_of_a_wildcard_cost_no_signatures, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(nobody_signs_for_who_does_not_ask, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_record_that_stands_twice_is_signed_once, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                the_kernel_has_denials_behind_a_chain_for_who_asks_without_do, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(what_cannot_be_signed_is_the_kernels_without_do,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                a_stored_answer_is_signed_once_whatever_else_is_forgotten, setup, teardown),
	        cmocka_unit_test_setup_teardown(zone_data_are_signed_once_an_epoch, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                a_denial_is_proven_where_nobody_is_known_to_have_addresses, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(
	                where_others_have_addresses_these_are_given_in_its_place, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                addresses_that_nobody_is_given_any_longer_do_not_count, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_name_out_of_a_wildcard_has_signatures_of_its_own,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(what_cannot_be_signed_is_servfail_and_nothing_else,
	                                        setup, teardown),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
