/* SPDX-License-Identifier: BSD-2-Clause */
/* What secures a reply, out of zones that come signed. */
#include "unit/answer/scene.h"

/* Signatures are nothing but words here: so old a signature over so much. */
#define SIG(type) " RRSIG " type " 5 2 3600 20300101000000 20200101000000 1 @ AAAA\n"

/* clang-format off */
static const char NSEC[] =
	"$TTL 3600\n"
	"@ 7200 SOA ns1 host 7 7200 3600 1209600 60\n"
	"@ 7200" SIG("SOA")
	"@ NS ns1\n@" SIG("NS")
	"@ MX 10 mail\n@" SIG("MX")
	"@ DNSKEY 256 3 5 AQ==\n@" SIG("DNSKEY")
	"@ 60 NSEC mail NS SOA MX RRSIG NSEC DNSKEY\n@ 60" SIG("NSEC")
	"mail 300 A 192.0.2.25\nmail 300" SIG("A")
	"mail AAAA 2001:db8::25\nmail" SIG("AAAA")
	"mail 60 NSEC ns1 A AAAA RRSIG NSEC\nmail 60" SIG("NSEC")
	"ns1 A 192.0.2.53\nns1" SIG("A")
	"ns1 60 NSEC sub A RRSIG NSEC\nns1 60" SIG("NSEC")
	"sub NS ns.sub\n"
	"sub DS 1 5 2 00\nsub" SIG("DS")
	"ns.sub A 192.0.2.61\n"
	"sub 60 NSEC @ NS DS RRSIG NSEC\nsub 60" SIG("NSEC");
/* clang-format on */

#define RRSIG(type) "RRSIG " type " 5 2 3600 20300101000000 20200101000000 1 signed.test. AAAA\n"

static struct scene scene;

static int setup(void **state)
{
	static const char *const texts[] = {"signed.test.", NSEC, NULL};

	(void)state;
	rcu_register_thread();
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	rcu_unregister_thread();
	return 0;
}

#define EXPECT(text, ...)                                                                          \
	assert_string_equal(scene_ask(&scene, &(struct ask){__VA_ARGS__, .dnssec_ok = true}),      \
	                    text "opt 1232 do\n")

static void signatures_go_along_with_what_they_cover_and_with_its_ttl(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.signed.test. 300 A 192.0.2.25\nan mail.signed.test. 300 " RRSIG(
	               "A"),
	       .name = "mail.signed.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan signed.test. 3600 MX 10 mail.signed.test.\nan signed.test. "
	       "3600 " RRSIG("MX") "ar mail.signed.test. 300 A 192.0.2.25\nar mail.signed.test. "
	                           "300 " RRSIG("A") "ar mail.signed.test. 3600 AAAA 2001:db8::25\n"
	                                             "ar mail.signed.test. 3600 " RRSIG("AAAA"),
	       .name = "signed.test.", .type = AN_TYPE_MX);
}

static void who_does_not_ask_gets_none(void **state)
{
	const struct ask ask = {.name = "mail.signed.test.", .type = AN_TYPE_A, .edns = true};

	(void)state;
	assert_string_equal(scene_ask(&scene, &ask),
	                    "NOERROR aa\nan mail.signed.test. 300 A 192.0.2.25\nopt 1232\n");
}

static void a_delegation_shows_how_the_child_is_signed(void **state)
{
	(void)state;
	EXPECT("NOERROR\nns sub.signed.test. 3600 NS ns.sub.signed.test.\n"
	       "ns sub.signed.test. 3600 DS 1 5 2 00\nns sub.signed.test. 3600 " RRSIG(
	               "DS") "ar ns.sub.signed.test. 3600 A 192.0.2.61\n",
	       .name = "www.sub.signed.test.", .type = AN_TYPE_A);
}

static void signatures_themselves_are_given_with_their_own_ttls(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.signed.test. 300 " RRSIG(
	               "A") "an mail.signed.test. 3600 " RRSIG("AAAA") "an mail.signed.test. "
	                                                               "60 " RRSIG("NSEC"),
	       .name = "mail.signed.test.", .type = AN_TYPE_RRSIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(signatures_go_along_with_what_they_cover_and_with_its_ttl),
	        cmocka_unit_test(who_does_not_ask_gets_none),
	        cmocka_unit_test(a_delegation_shows_how_the_child_is_signed),
	        cmocka_unit_test(signatures_themselves_are_given_with_their_own_ttls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
