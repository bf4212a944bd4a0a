/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures of a zone, as ldns sees them; roles, epochs, denials. */
#include "sign/cache.h"
#include "sign/nsec.h"
#include "unit/sign/sign_test.h"

/* Names in rdata in capital letters, old types and new; sets that case puts in another order. */
static const char text[] = "$TTL 3600\n"
                           "@ SOA NS1.Example.NET. Host 7 7200 3600 1209600 60\n"
                           "@ NS NS1\n@ NS ns2\n"
                           "@ MX 10 MAIL.example.net.\n@ MX 5 mail\n"
                           "ns1 A 192.0.2.1\nns2 A 192.0.2.2\n"
                           "* TXT \"Wild\" \"second\"\n"
                           "Www 60 A 192.0.2.3\nwww 60 A 192.0.2.4\nWWW 60 A 192.0.2.30\n"
                           "a CNAME WWW\n"
                           "d DNAME Other.EXAMPLE.\n"
                           "p PTR WWW\n"
                           "n NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._UDP\n"
                           "n NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _Sip._TCP\n"
                           "s SRV 1 2 3 ZWWW\ns SRV 1 2 3 aWWW\n"
                           "h HTTPS 1 WWW alpn=h2\n"
                           "af AFSDB 1 Zulu\naf AFSDB 1 alpha\n"
                           "rp RP Zulu Alpha\n"
                           "al ANAME WWW\n"
                           "u TYPE65000 \\# 3 414243\n";

static struct signer *signer_at(const struct zone *zone, struct sign_keys *keys, int64_t now)
{
	const struct sign_policy policy = {1209600, SIGN_CDS_ON};
	struct signer *signer = NULL;
	struct error error = {0};
	bool kept_on;

	if (signer_new(zone, keys, &policy, now, NULL, &signer, &kept_on, &error))
		print_message("%s\n", error.text);
	return signer;
}

static int verify_node(const struct zone_node *node, void *arg)
{
	const struct signer *signer = arg;

	for (unsigned int i = 0; i < node->rrset_count; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];
		const struct sign_set *set =
		        signer_signatures(signer, node->name, node->name_len, rrset->type, rrset);

		assert_verifies(signer, node->name, node->name_len, rrset, set);
		assert_ptr_equal(set, signer_signatures(signer, node->name, node->name_len,
		                                        rrset->type, rrset));
	}
	return 0;
}

static void every_set_of_a_zone_verifies_by_every_algorithm(void **state)
{
	static const uint16_t flags[] = {257, 256};
	struct zone *zone = sign_test_zone(text, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms_all); i++) {
		const uint8_t both[] = {algorithms_all[i], algorithms_all[i]};
		struct sign_keys *keys = sign_test_keys(both, flags, 1 + i % 2);
		struct signer *signer = signer_at(zone, keys, NOW);

		print_message("%s\n", sign_algorithm_text(algorithms_all[i]));
		assert_non_null(signer);
		zone_each(zone, verify_node, signer);
		signer_free(signer);
		sign_keys_free(keys);
	}
	zone_free(zone);
}

static void what_the_apex_has_by_its_keys_is_signed_by_the_key_signing_one(void **state)
{
	static const uint16_t types[] = {AN_TYPE_DNSKEY, AN_TYPE_CDS, AN_TYPE_CDNSKEY};
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ED25519};
	static const uint16_t flags[] = {257, 256};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 2);
	struct signer *signer = signer_at(zone, keys, NOW);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct zone_rrset *rrset = signer_apex_rrset(signer, types[i]);
		const struct sign_set *set;

		assert_non_null(rrset);
		assert_int_equal(rrset->count, i ? 1 : 2);
		set = signer_signatures(signer, EXAMPLE, EXAMPLE_LEN, types[i], rrset);
		assert_verifies(signer, EXAMPLE, EXAMPLE_LEN, rrset, set);
		assert_int_equal(set->rrset.count, 1);
		assert_int_equal(ldns_read_uint16(set->rrset.rdata[0].data + 16),
		                 keys->keys[0].tag);
	}
	assert_null(signer_apex_rrset(signer, AN_TYPE_A));
	/* The zone itself by the other. */
	assert_int_equal(ldns_read_uint16(signer_signatures(signer, EXAMPLE, EXAMPLE_LEN,
	                                                    AN_TYPE_SOA, zone->soa)
	                                          ->rrset.rdata[0]
	                                          .data +
	                                  16),
	                 keys->keys[1].tag);
	signer_free(signer);
	sign_keys_free(keys);
	zone_free(zone);
}

static void two_algorithms_sign_everything_twice(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ECDSAP256SHA256,
	                                     SIGN_ECDSAP256SHA256};
	static const uint16_t flags[] = {257, 257, 256};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 3);
	struct signer *signer = signer_at(zone, keys, NOW);
	const struct sign_set *set =
	        signer_signatures(signer, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, zone->soa);

	(void)state;
	assert_int_equal(set->rrset.count, 2);
	assert_verifies(signer, EXAMPLE, EXAMPLE_LEN, zone->soa, set);
	signer_free(signer);
	sign_keys_free(keys);
	zone_free(zone);
}

static void signatures_of_a_wildcard_count_its_labels(void **state)
{
	static const uint8_t star[] = "\1*\7example\3net", other[] = "\1x\7example\3net";

	(void)state;
	assert_int_equal(canon_labels(star), 2);
	assert_int_equal(canon_labels(other), 3);
	assert_int_equal(canon_labels((const uint8_t *)""), 0);
}

static void all_signatures_of_an_epoch_have_its_times(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519};
	static const uint16_t flags[] = {257};
	const int64_t period = 1209600 / SIGNER_EPOCHS;
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1);
	struct signer *one = signer_at(zone, keys, NOW), *again, *next;
	int64_t begin = signer_inception(one) + SIGNER_INCEPTION_S;

	(void)state;
	assert_true(begin <= NOW && NOW < begin + period);
	assert_int_equal(signer_next(one), begin + period);
	assert_int_equal(signer_expiration(one), begin + 1209600);
	assert_false(signer_is_over(one, NOW));
	assert_false(signer_is_over(one, begin + period - 1));
	assert_true(signer_is_over(one, begin + period));
	assert_true(signer_is_over(one, begin - 1)); /* the clock was set back */
	again = signer_at(zone, keys, begin + period - 1);
	next = signer_at(zone, keys, begin + period);
	assert_int_equal(signer_content(again), signer_content(one));
	assert_int_not_equal(signer_content(next), signer_content(one));
	/* Three quarters are left when it ends. */
	assert_true(signer_expiration(one) - signer_next(one) >= 1209600 * 3 / 4);
	signer_free(one);
	signer_free(again);
	signer_free(next);
	sign_keys_free(keys);
	zone_free(zone);
}

static void an_epoch_ends_where_a_key_comes_or_goes(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ED25519};
	static const uint16_t flags[] = {257, 257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 2);
	struct signer *before, *after;

	(void)state;
	keys->keys[1].times.publish = NOW - 10;
	keys->keys[1].times.activate = NOW + 10;
	before = signer_at(zone, keys, NOW);
	after = signer_at(zone, keys, NOW + 10);
	assert_int_equal(signer_next(before), NOW + 10);
	assert_int_equal(signer_apex_rrset(before, AN_TYPE_DNSKEY)->count, 2);
	assert_int_equal(signer_apex_rrset(before, AN_TYPE_CDS)->count, 1);
	assert_int_equal(signer_apex_rrset(after, AN_TYPE_CDS)->count, 2);
	assert_int_equal(signer_signatures(before, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, zone->soa)
	                         ->rrset.count,
	                 1);
	assert_int_equal(
	        signer_signatures(after, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, zone->soa)->rrset.count,
	        2);
	assert_int_not_equal(signer_content(before), signer_content(after));
	signer_free(before);
	signer_free(after);
	sign_keys_free(keys);
	zone_free(zone);
}

static void without_an_active_key_the_last_ones_sign(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519};
	static const uint16_t flags[] = {257};
	const struct sign_policy policy = {1209600, SIGN_CDS_ON};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1);
	struct signer *before, *after = NULL;
	struct error error = {0};
	bool kept_on;

	(void)state;
	keys->keys[0].times.inactive = NOW + 10;
	keys->keys[0].times.remove = NOW + 10;
	before = signer_at(zone, keys, NOW);
	assert_int_equal(
	        signer_new(zone, keys, &policy, NOW + 10, before, &after, &kept_on, &error), 0);
	assert_true(kept_on);
	assert_verifies(after, EXAMPLE, EXAMPLE_LEN, zone->soa,
	                signer_signatures(after, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, zone->soa));
	signer_free(before);
	signer_free(after);
	sign_keys_free(keys);
	zone_free(zone);
}

/* ---- the last keys go on ---- */

/* A key-signing and a zone-signing key. */
static struct sign_keys *two_kinds(void)
{
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ED25519};
	static const uint16_t flags[] = {257, 256};

	return sign_test_keys(algorithms, flags, 2);
}

/* Tags of the keys that sign a set, as one number of two bits: the first key, the second. */
static unsigned int who_signs(const struct signer *signer, const struct sign_keys *keys,
                              const struct zone_rrset *rrset)
{
	const struct sign_set *set =
	        signer_signatures(signer, EXAMPLE, EXAMPLE_LEN, rrset->type, rrset);
	unsigned int found = 0;

	assert_verifies(signer, EXAMPLE, EXAMPLE_LEN, rrset, set);
	for (unsigned int i = 0; i < set->rrset.count; i++)
		for (unsigned int j = 0; j < keys->count; j++)
			if (ldns_read_uint16(set->rrset.rdata[i].data + 16) == keys->keys[j].tag)
				found |= 1u << j;
	return found;
}

/* Who signs the DNSKEY set, and who the zone. */
static void expect_signs(const struct zone *zone, struct sign_keys *keys, int64_t now,
                         const struct signer *keep_on, bool kept, unsigned int keys_by,
                         unsigned int zone_by)
{
	const struct sign_policy policy = {1209600, SIGN_CDS_ON};
	struct signer *signer = NULL;
	struct error error = {0};
	bool kept_on;

	if (signer_new(zone, keys, &policy, now, keep_on, &signer, &kept_on, &error))
		fail_msg("%s", error.text);
	assert_int_equal(kept_on, kept);
	assert_int_equal(who_signs(signer, keys, signer_apex_rrset(signer, AN_TYPE_DNSKEY)),
	                 keys_by);
	assert_int_equal(who_signs(signer, keys, zone->soa), zone_by);
	signer_free(signer);
}

static void expect_refused(const struct zone *zone, struct sign_keys *keys, int64_t now,
                           const struct signer *keep_on, const char *words)
{
	const struct sign_policy policy = {1209600, SIGN_CDS_ON};
	struct signer *signer = NULL;
	struct error error = {0};
	bool kept_on;

	assert_int_equal(signer_new(zone, keys, &policy, now, keep_on, &signer, &kept_on, &error),
	                 -ENOKEY);
	print_message("%s\n", error.text);
	assert_non_null(strstr(error.text, words));
}

static void a_zone_signing_key_does_not_sign_the_keys_where_the_other_kind_is_over(void **state)
{
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = two_kinds();
	struct signer *before;

	(void)state;
	before = signer_at(zone, keys, NOW);
	expect_signs(zone, keys, NOW, NULL, false, 1, 2);
	keys->keys[0].times.inactive = NOW + 10;
	expect_signs(zone, keys, NOW + 9, before, false, 1, 2);
	expect_signs(zone, keys, NOW + 10, before, true, 1, 2);
	expect_signs(zone, keys, NOW + 10, NULL, true, 1, 2); /* over a restart */
	keys->keys[0].times.remove = NOW + 20;
	expect_signs(zone, keys, NOW + 20, before, true, 1, 2);
	expect_signs(zone, keys, NOW + 20, NULL, true, 1, 2);
	signer_free(before);
	sign_keys_free(keys);
	zone_free(zone);
}

static void a_gap_between_two_key_signing_keys_is_the_old_ones(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ED25519, SIGN_ED25519};
	static const uint16_t flags[] = {257, 256, 257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 3);
	struct signer *before;

	(void)state;
	keys->keys[0].times.inactive = NOW + 10;
	keys->keys[2].times.publish = NOW - 10;
	keys->keys[2].times.activate = NOW + 20;
	before = signer_at(zone, keys, NOW);
	expect_signs(zone, keys, NOW + 10, before, true, 1, 2);
	expect_signs(zone, keys, NOW + 10, NULL, true, 1, 2);
	expect_signs(zone, keys, NOW + 20, before, false, 4, 2);
	signer_free(before);
	sign_keys_free(keys);
	zone_free(zone);
}

static void take_private(struct sign_key *key)
{
	EVP_PKEY_free(key->private);
	key->private = NULL;
}

static void a_key_signing_key_without_its_private_half_is_not_stood_in_for(void **state)
{
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = two_kinds(), *poor = two_kinds();
	struct signer *before = signer_at(zone, keys, NOW);

	(void)state;
	take_private(&poor->keys[0]);
	expect_refused(zone, poor, NOW, NULL, "private half");
	expect_refused(zone, poor, NOW, before, "private half");
	/* Somebody else's, once it is gone, counts for nothing. */
	poor->keys[0].times.remove = NOW - 1;
	expect_signs(zone, poor, NOW, NULL, false, 2, 2);
	signer_free(before);
	sign_keys_free(keys);
	sign_keys_free(poor);
	zone_free(zone);
}

/* A zone-signing key alone did all; then a key-signing one is announced. */
static void a_key_that_signed_all_goes_on_until_the_announced_one_is_active(void **state)
{
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = two_kinds();
	struct signer *before;

	(void)state;
	keys->keys[0].times.publish = NOW + 10;
	keys->keys[0].times.activate = NOW + 20;
	before = signer_at(zone, keys, NOW);
	expect_signs(zone, keys, NOW, NULL, false, 2, 2);
	expect_signs(zone, keys, NOW + 10, before, true, 2, 2);
	expect_signs(zone, keys, NOW + 10, NULL, true, 2, 2);
	expect_signs(zone, keys, NOW + 20, before, false, 1, 2);
	signer_free(before);
	sign_keys_free(keys);
	zone_free(zone);
}

static void at_a_start_the_keys_that_were_the_last_go_on(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519, SIGN_ECDSAP256SHA256, SIGN_ED25519};
	static const uint16_t flags[] = {257, 257, 257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 3), *both = two_kinds();

	(void)state;
	keys->keys[0].times.inactive = NOW - 20;
	keys->keys[1].times.inactive = NOW - 30;
	keys->keys[2].times.inactive = NOW - 10;
	keys->keys[2].times.remove = NOW - 5;
	expect_signs(zone, keys, NOW, NULL, true, 1, 1); /* the latest that is not removed */
	keys->keys[0].times.remove = keys->keys[1].times.remove = NOW - 5;
	expect_signs(zone, keys, NOW, NULL, true, 4, 4); /* the latest of all */
	for (unsigned int i = 0; i < 3; i++)
		keys->keys[i].times = (struct sign_times){SIGN_TIME_NONE, NOW - 5, NOW + 5,
		                                          SIGN_TIME_NONE, SIGN_TIME_NONE};
	expect_refused(zone, keys, NOW, NULL, "no key is active");
	/* Of two kinds the last of each. */
	both->keys[0].times.inactive = NOW - 30;
	both->keys[1].times.inactive = NOW - 10;
	expect_signs(zone, both, NOW, NULL, true, 1, 2);
	sign_keys_free(keys);
	sign_keys_free(both);
	zone_free(zone);
}

static void each_algorithm_that_signs_the_zone_signs_its_keys(void **state)
{
	static const uint8_t leaving[] = {SIGN_ED25519, SIGN_ED25519, SIGN_ECDSAP256SHA256};
	static const uint16_t leaving_flags[] = {257, 256, 257};
	static const uint8_t shared[] = {SIGN_ED25519, SIGN_ECDSAP256SHA256, SIGN_ECDSAP256SHA256};
	static const uint16_t shared_flags[] = {257, 256, 257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(leaving, leaving_flags, 3);
	struct signer *before;

	(void)state;
	keys->keys[0].times.inactive = NOW - 10;
	expect_signs(zone, keys, NOW, NULL, true, 1 | 4, 2 | 4);
	keys->keys[1].times.inactive =
	        NOW - 10; /* now the algorithm has left, and nothing is kept */
	expect_signs(zone, keys, NOW, NULL, false, 4, 4);
	sign_keys_free(keys);
	/* Somebody else's key-signing key cannot be made to go on; ours of the other algorithm can.
	 */
	keys = sign_test_keys(shared, shared_flags, 3);
	take_private(&keys->keys[2]);
	keys->keys[0].times.inactive = NOW + 10;
	before = signer_at(zone, keys, NOW);
	expect_signs(zone, keys, NOW, NULL, false, 1, 1 | 2);
	expect_signs(zone, keys, NOW + 10, before, true, 1, 1 | 2);
	expect_signs(zone, keys, NOW + 10, NULL, true, 1, 1 | 2);
	signer_free(before);
	sign_keys_free(keys);
	zone_free(zone);
}

static void what_signs_is_to_be_published(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519};
	static const uint16_t flags[] = {257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1), *both = two_kinds();

	(void)state;
	keys->keys[0].times.activate = NOW - 10;
	keys->keys[0].times.publish = NOW + 10;
	expect_refused(zone, keys, NOW, NULL, "published");
	expect_signs(zone, keys, NOW + 10, NULL, false, 1, 1);
	/* The zone's key is still to come: the other one does its work as well. */
	both->keys[1].times.activate = NOW - 10;
	both->keys[1].times.publish = NOW + 10;
	expect_signs(zone, both, NOW + 10, NULL, false, 1, 2);
	sign_keys_free(keys);
	sign_keys_free(both);
	zone_free(zone);
}

static void the_parent_is_told_to_take_the_ds_away(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519}, nothing[] = {0, 0, 0, 0, 0};
	static const uint16_t flags[] = {257};
	const struct sign_policy policies[] = {{3600, SIGN_CDS_DELETE}, {3600, SIGN_CDS_OFF}};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1);
	struct signer *signer;
	bool kept_on;

	(void)state;
	assert_int_equal(signer_new(zone, keys, &policies[0], NOW, NULL, &signer, &kept_on, NULL),
	                 0);
	assert_int_equal(signer_apex_rrset(signer, AN_TYPE_CDS)->count, 1);
	assert_memory_equal(signer_apex_rrset(signer, AN_TYPE_CDS)->rdata[0].data, nothing, 5);
	signer_free(signer);
	assert_int_equal(signer_new(zone, keys, &policies[1], NOW, NULL, &signer, &kept_on, NULL),
	                 0);
	assert_null(signer_apex_rrset(signer, AN_TYPE_CDS));
	assert_null(signer_apex_rrset(signer, AN_TYPE_CDNSKEY));
	signer_free(signer);
	sign_keys_free(keys);
	zone_free(zone);
}

/* ---- signatures of anything ---- */

static void a_denial_verifies_and_is_signed_once(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ECDSAP256SHA256};
	static const uint8_t owner[] = "\4Gone\7example\3net";
	static const uint16_t flags[] = {257};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1);
	struct signer *signer = signer_at(zone, keys, NOW);
	struct nsec_types types = {3, {AN_TYPE_NXNAME, AN_TYPE_NSEC, AN_TYPE_RRSIG}};
	uint8_t rdata[NSEC_RDATA_MAX], low[NAME_MAX_LEN];
	_Alignas(8) uint8_t rooms[2][1024];
	struct zone_rdata one = {.data = rdata};
	struct zone_rrset rrset = {.type = AN_TYPE_NSEC, .count = 1, .ttl = 60, .rdata = &one};
	const struct sign_input input = {.owner = owner,
	                                 .owner_len = sizeof(owner),
	                                 .type = AN_TYPE_NSEC,
	                                 .ttl = 60,
	                                 .rrset = &rrset};
	const struct sign_set *sets[2];
	uint64_t made;

	(void)state;
	name_lower(low, owner, sizeof(owner));
	one.len = (uint16_t)nsec_rdata(low, sizeof(owner), &types, rdata, sizeof(rdata));
	sign_cache_clear();
	made = signer_made();
	for (int i = 0; i < 2; i++) {
		sets[i] = signer_sign(signer, &input, rooms[i], sizeof(rooms[i]));
		assert_verifies(signer, owner, sizeof(owner), &rrset, sets[i]);
	}
	assert_int_equal(signer_made(), made + 1);
	assert_int_equal(sets[0]->rrset.rdata[0].len, sets[1]->rrset.rdata[0].len);
	assert_memory_equal(sets[0]->rrset.rdata[0].data, sets[1]->rrset.rdata[0].data,
	                    sets[0]->rrset.rdata[0].len);
	/* Too little room is said. */
	assert_null(signer_sign(signer, &input, rooms[0], signer_room(signer, AN_TYPE_NSEC) - 1));
	assert_non_null(signer_sign(signer, &input, rooms[0], signer_room(signer, AN_TYPE_NSEC)));
	signer_free(signer);
	sign_keys_free(keys);
	sign_cache_clear();
	zone_free(zone);
}

static void addresses_verify_in_whatever_order_they_stand(void **state)
{
	static const uint8_t algorithms[] = {SIGN_ED25519};
	static const uint16_t flags[] = {257};
	static const uint8_t octets[] = {192, 0, 2, 9, 192, 0, 2, 1, 192, 0, 2, 5},
	                     picked[] = {2, 0};
	struct zone *zone = sign_test_zone(text, NULL);
	struct sign_keys *keys = sign_test_keys(algorithms, flags, 1);
	struct signer *signer = signer_at(zone, keys, NOW);
	struct sign_input input = {.owner = EXAMPLE,
	                           .owner_len = EXAMPLE_LEN,
	                           .type = AN_TYPE_A,
	                           .ttl = 20,
	                           .octets = octets,
	                           .count = 3,
	                           .stride = 4};
	struct zone_rdata rdata[] = {{.len = 4, .data = octets},
	                             {.len = 4, .data = octets + 4},
	                             {.len = 4, .data = octets + 8}};
	struct zone_rrset rrset = {.type = AN_TYPE_A, .count = 3, .ttl = 20, .rdata = rdata};
	_Alignas(8) uint8_t room[1024];

	(void)state;
	assert_verifies(signer, EXAMPLE, EXAMPLE_LEN, &rrset,
	                signer_sign(signer, &input, room, sizeof(room)));
	input.picked = picked;
	input.count = 2;
	rdata[1] = rdata[2];
	rrset.count = 2;
	assert_verifies(signer, EXAMPLE, EXAMPLE_LEN, &rrset,
	                signer_sign(signer, &input, room, sizeof(room)));
	signer_free(signer);
	sign_keys_free(keys);
	sign_cache_clear();
	zone_free(zone);
}

static void the_cache_has_an_end(void **state)
{
	uint8_t data[64] = {0}, signature[64], got[64];
	size_t kept = 0, all = SIGN_CACHE_MAX * 4;

	(void)state;
	sign_cache_clear();
	for (size_t i = 0; i < all; i++) {
		memcpy(data, &i, sizeof(i));
		memcpy(signature, &i, sizeof(i));
		sign_cache_put(7, data, sizeof(data), signature, sizeof(signature));
		assert_int_equal(sign_cache_find(7, data, sizeof(data), got, sizeof(got)), 64);
		assert_memory_equal(got, signature, sizeof(i));
		assert_int_equal(sign_cache_find(8, data, sizeof(data), got, sizeof(got)), 0);
	}
	for (size_t i = 0; i < all; i++) {
		memcpy(data, &i, sizeof(i));
		kept += sign_cache_find(7, data, sizeof(data), got, sizeof(got)) != 0;
	}
	assert_true(kept <= SIGN_CACHE_MAX && kept > SIGN_CACHE_MAX * 9 / 10);
	sign_cache_clear();
}

/* ---- NSEC ---- */

static void the_next_name_is_the_first_behind(void **state)
{
	uint8_t name[NAME_MAX_LEN], rdata[NSEC_RDATA_MAX];
	struct nsec_types types = {1, {AN_TYPE_A}};
	size_t at = 0, len;

	(void)state;
	len = nsec_rdata(EXAMPLE, EXAMPLE_LEN, &types, rdata, sizeof(rdata));
	assert_int_equal(len, EXAMPLE_LEN + 2 + 3);
	assert_memory_equal(rdata, "\1\0\7example\3net\0\0\1\100", len);
	/* A name of 255 octets: 63, 63, 63, 61. */
	for (int i = 0; i < 4; i++) {
		size_t label = i < 3 ? 63 : 61;

		name[at++] = (uint8_t)label;
		memset(name + at, 'a', label);
		at += label;
	}
	name[at++] = 0;
	assert_int_equal(at, 255);
	len = nsec_rdata(name, at, &types, rdata, sizeof(rdata));
	assert_int_equal(len, 255 + 3);
	assert_true(name_compare(name, rdata) < 0);
	assert_int_equal(rdata[63], 'b');
	name[63] = '@'; /* one more would be a capital letter, which is none */
	nsec_rdata(name, at, &types, rdata, sizeof(rdata));
	assert_int_equal(rdata[63], '[');
	memset(name + 1, 0xff, 63);
	len = nsec_rdata(name, at, &types, rdata, sizeof(rdata));
	assert_int_equal(len, 255 - 64 + 3);
	assert_int_equal(rdata[63], 'b');
}

static void types_stand_in_windows(void **state)
{
	struct nsec_types types = {0};
	uint8_t rdata[NSEC_RDATA_MAX];
	ldns_rr *rr;
	char *words;
	size_t len;

	(void)state;
	nsec_add(&types, AN_TYPE_ANAME);
	nsec_add(&types, AN_TYPE_CAA);
	nsec_add(&types, AN_TYPE_NSEC);
	nsec_add(&types, AN_TYPE_RRSIG);
	nsec_add(&types, AN_TYPE_A);
	nsec_add(&types, AN_TYPE_A);
	len = nsec_rdata(EXAMPLE, EXAMPLE_LEN, &types, rdata, sizeof(rdata));
	rr = ldns_of(EXAMPLE, EXAMPLE_LEN, AN_TYPE_NSEC, 60, rdata, len);
	words = ldns_rdf2str(ldns_rr_rdf(rr, 1));
	assert_string_equal(words, "A RRSIG NSEC CAA TYPE65401 ");
	free(words);
	ldns_rr_free(rr);
	assert_int_equal(nsec_rdata(EXAMPLE, EXAMPLE_LEN, &types, rdata, len - 1), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_set_of_a_zone_verifies_by_every_algorithm),
	        cmocka_unit_test(what_the_apex_has_by_its_keys_is_signed_by_the_key_signing_one),
	        cmocka_unit_test(two_algorithms_sign_everything_twice),
	        cmocka_unit_test(signatures_of_a_wildcard_count_its_labels),
	        cmocka_unit_test(all_signatures_of_an_epoch_have_its_times),
	        cmocka_unit_test(an_epoch_ends_where_a_key_comes_or_goes),
	        cmocka_unit_test(without_an_active_key_the_last_ones_sign),
	        cmocka_unit_test(
	                a_zone_signing_key_does_not_sign_the_keys_where_the_other_kind_is_over),
	        cmocka_unit_test(a_gap_between_two_key_signing_keys_is_the_old_ones),
	        cmocka_unit_test(a_key_signing_key_without_its_private_half_is_not_stood_in_for),
	        cmocka_unit_test(a_key_that_signed_all_goes_on_until_the_announced_one_is_active),
	        cmocka_unit_test(at_a_start_the_keys_that_were_the_last_go_on),
	        cmocka_unit_test(each_algorithm_that_signs_the_zone_signs_its_keys),
	        cmocka_unit_test(what_signs_is_to_be_published),
	        cmocka_unit_test(the_parent_is_told_to_take_the_ds_away),
	        cmocka_unit_test(a_denial_verifies_and_is_signed_once),
	        cmocka_unit_test(addresses_verify_in_whatever_order_they_stand),
	        cmocka_unit_test(the_cache_has_an_end),
	        cmocka_unit_test(the_next_name_is_the_first_behind),
	        cmocka_unit_test(types_stand_in_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
