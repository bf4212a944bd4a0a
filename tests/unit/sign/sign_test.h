/* SPDX-License-Identifier: BSD-2-Clause */
/* sign_test - keys in a folder, and ldns' opinion of signatures, for the tests of the sign room. */
#ifndef ANAMED_TESTS_SIGN_TEST_H
#define ANAMED_TESTS_SIGN_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ldns/ldns.h>
#include <openssl/evp.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "sign/keyfile.h"
#include "sign/sign.h"

#define NOW         INT64_C(1780000000)
#define EXAMPLE     ((const uint8_t *)"\7example\3net")
#define EXAMPLE_LEN 13

static const uint8_t algorithms_all[] = {SIGN_RSASHA256,       SIGN_RSASHA512, SIGN_ECDSAP256SHA256,
                                         SIGN_ECDSAP384SHA384, SIGN_ED25519,   SIGN_ED448};

/* One RR as ldns has it. */
static inline ldns_rr *ldns_of(const uint8_t *owner, size_t owner_len, uint16_t type, uint32_t ttl,
                               const uint8_t *rdata, size_t len)
{
	uint8_t wire[70000];
	size_t at = owner_len;
	ldns_rr *rr = NULL;

	memcpy(wire, owner, owner_len);
	ldns_write_uint16(wire + at, type);
	ldns_write_uint16(wire + at + 2, LDNS_RR_CLASS_IN);
	ldns_write_uint32(wire + at + 4, ttl);
	ldns_write_uint16(wire + at + 8, (uint16_t)len);
	memcpy(wire + at + 10, rdata, len);
	len += at + 10;
	at = 0;
	assert_int_equal(ldns_wire2rr(&rr, wire, len, &at, LDNS_SECTION_ANSWER), LDNS_STATUS_OK);
	return rr;
}

static inline ldns_rr_list *ldns_set_of(const uint8_t *owner, size_t owner_len,
                                        const struct zone_rrset *rrset)
{
	ldns_rr_list *list = ldns_rr_list_new();

	for (unsigned int i = 0; i < rrset->count; i++)
		ldns_rr_list_push_rr(list, ldns_of(owner, owner_len, rrset->type, rrset->ttl,
		                                   rrset->rdata[i].data, rrset->rdata[i].len));
	return list;
}

/* Every signature of the set verifies, by the keys that the apex shows. */
static inline void assert_verifies(const struct signer *signer, const uint8_t *owner,
                                   size_t owner_len, const struct zone_rrset *rrset,
                                   const struct sign_set *set)
{
	ldns_rr_list *keys =
	        ldns_set_of(EXAMPLE, EXAMPLE_LEN, signer_apex_rrset(signer, AN_TYPE_DNSKEY));
	ldns_rr_list *records = ldns_set_of(owner, owner_len, rrset);

	assert_non_null(set);
	assert_true(set->rrset.count > 0);
	for (unsigned int i = 0; i < set->rrset.count; i++) {
		ldns_rr *rrsig = ldns_of(owner, owner_len, AN_TYPE_RRSIG, set->rrset.ttl,
		                         set->rrset.rdata[i].data, set->rrset.rdata[i].len);
		ldns_rr_list *good = ldns_rr_list_new();

		assert_int_equal(ldns_verify_rrsig_keylist_notime(records, rrsig, keys, good),
		                 LDNS_STATUS_OK);
		assert_int_equal(ldns_rr_list_rr_count(good), 1);
		ldns_rr_list_free(good);
		ldns_rr_free(rrsig);
	}
	ldns_rr_list_deep_free(keys);
	ldns_rr_list_deep_free(records);
}

static inline struct zone *sign_test_zone(const char *text, const struct config_zone *settings)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct error error = {0};
	struct zone *zone = NULL;

	assert_non_null(in);
	if (zone_load_stream(EXAMPLE, EXAMPLE_LEN, in, "text", AN_TYPE_ANAME, settings, &zone,
	                     &error))
		fail_msg("%s", error.text);
	fclose(in);
	return zone;
}

/* A set of keys that are used from the start. */
static inline struct sign_keys *sign_test_keys(const uint8_t *algorithms, const uint16_t *flags,
                                               unsigned int count)
{
	struct sign_keys *keys = sign_keys_new();

	assert_non_null(keys);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(sign_key_generate(algorithms[i], flags[i], 0, &keys->keys[i]), 0);
	keys->count = count;
	return keys;
}

#endif
