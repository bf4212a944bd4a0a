/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What secures a reply, out of zones that come signed: the zones of RFC 4035
 * appendix A (with two names more) and RFC 5155 appendix A, and the replies of the appendices B.
 * The signatures are nothing but words here, each over one type.
 */
#include "unit/answer/scene.h"

#define SIG(type, labels)                                                                          \
	" 3600 RRSIG " type " 5 " labels " 3600 20300101000000 20200101000000 1 @ AAAA\n"
#define RRSIG_OF(type, labels, octets)                                                             \
	" 3600 RRSIG " type " 5 " labels " 3600 20300101000000 20200101000000 1 example. " octets  \
	"\n"
#define RRSIG(type, labels) RRSIG_OF(type, labels, "AAAA")
#define A40                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A400                A40 A40 A40 A40 A40 A40 A40 A40 A40 A40

/* clang-format off */
static const char NSEC[] =
	"$TTL 3600\n"
	"@ SOA ns1 bugs.x.w 1081539377 3600 300 3600000 3600\n@" SIG("SOA", "1")
	"@ NS ns1\n@ NS ns2\n@" SIG("NS", "1")
	"@ MX 1 xx\n@" SIG("MX", "1")
	"@ NSEC a NS SOA MX RRSIG NSEC DNSKEY\n@" SIG("NSEC", "1")
	"@ DNSKEY 256 3 5 AQ==\n@" SIG("DNSKEY", "1")
	"a NS ns1.a\na NS ns2.a\n"
	"a DS 57855 5 1 00\na" SIG("DS", "2")
	"a NSEC ai NS DS RRSIG NSEC\na" SIG("NSEC", "2")
	"ns1.a A 192.0.2.5\n"
	"ns2.a A 192.0.2.6\n"
	"ai A 192.0.2.9\nai" SIG("A", "2")
	"ai AAAA 2001:db8::f00:baa9\nai" SIG("AAAA", "2")
	"ai NSEC b A AAAA RRSIG NSEC\nai" SIG("NSEC", "2")
	"b NS ns1.b\nb NS ns2.b\n"
	"b NSEC ns1 NS RRSIG NSEC\nb" SIG("NSEC", "2")
	"ns1.b A 192.0.2.7\n"
	"ns2.b A 192.0.2.8\n"
	"ns1 A 192.0.2.1\nns1" SIG("A", "2")
	"ns1 NSEC ns2 A RRSIG NSEC\nns1" SIG("NSEC", "2")
	"ns2 A 192.0.2.2\nns2" SIG("A", "2")
	"ns2 NSEC *.w A RRSIG NSEC\nns2" SIG("NSEC", "2")
	"*.w MX 1 ai\n*.w" SIG("MX", "2")
	"*.w NSEC long.w MX RRSIG NSEC\n*.w" SIG("NSEC", "2")
	"long.w MX 1 xx\nlong.w" RRSIG_OF("MX", "3", A400)
	"long.w NSEC longer.w MX RRSIG NSEC\nlong.w" SIG("NSEC", "3")
	"longer.w MX 1 xx\nlonger.w" RRSIG_OF("MX", "3", A400 A400)
	"longer.w NSEC x.w MX RRSIG NSEC\nlonger.w" SIG("NSEC", "3")
	"x.w MX 1 xx\nx.w" SIG("MX", "3")
	"x.w NSEC x.y.w MX RRSIG NSEC\nx.w" SIG("NSEC", "3")
	"x.y.w MX 1 xx\nx.y.w" SIG("MX", "4")
	"x.y.w NSEC xx MX RRSIG NSEC\nx.y.w" SIG("NSEC", "4")
	"xx 300 A 192.0.2.10\n"
	"xx 300 RRSIG A 5 2 300 20300101000000 20200101000000 1 @ AAAA\n"
	"xx AAAA 2001:db8::f00:baaa\nxx" SIG("AAAA", "2")
	"xx NSEC @ A AAAA RRSIG NSEC\nxx" SIG("NSEC", "2");

/* Of what can be flattened: nothing else beside it, or addresses that are signed, or a CNAME that is. */
static const char ALIASES[] =
	"$TTL 3600\n"
	"@ SOA ns1.example. host 1 3600 300 3600000 3600\n@" SIG("SOA", "1")
	"@ NS ns1.example.\n@" SIG("NS", "1")
	"@ DNSKEY 256 3 5 AQ==\n@" SIG("DNSKEY", "1")
	"@ NSEC alone NS SOA RRSIG NSEC DNSKEY\n@" SIG("NSEC", "1")
	"alone ANAME www.cdn.test.\nalone" SIG("TYPE65401", "2")
	"alone NSEC both RRSIG NSEC TYPE65401\nalone" SIG("NSEC", "2")
	"both ANAME www.cdn.test.\nboth" SIG("TYPE65401", "2")
	"both A 192.0.2.80\nboth" SIG("A", "2")
	"both NSEC bare A RRSIG NSEC TYPE65401\nboth" SIG("NSEC", "2")
	"bare CNAME www.cdn.test.\n"
	"bare NSEC signed CNAME RRSIG NSEC\nbare" SIG("NSEC", "2")
	"signed CNAME www.cdn.test.\nsigned" SIG("CNAME", "2")
	"signed NSEC @ CNAME RRSIG NSEC\nsigned" SIG("NSEC", "2");

#define H_APEX "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define H_NS1  "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
#define H_XYW  "2vptu5timamqttgl4luu9kg21e0aor3s"
#define H_A    "35mthgpgcu1qg68fab165klnsnk3dpvl"
#define H_XW   "b4um86eghhds6nea196smvmlo4ors995"
#define H_AI   "gjeqe526plbf1g8mklp59enfd789njgi"
#define H_YW   "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
#define H_W    "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_SELF "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"
#define H_NS2  "q04jkcevqvmu85r014c7dkba38o0ji5r"
#define H_WILD "r53bq7cc2uvmubfu5ocmm6pers9tk9en"
#define H_XX   "t644ebqk9bibcna874givr6joj62mlhv"
#define NSEC3(owner, next, types)                                                                  \
	owner " NSEC3 1 1 12 aabbccdd " next " " types "\n" owner SIG("NSEC3", "2")

/* c.example is not signed, and opt-out leaves it out of the chain. */
static const char NSEC3[] =
	"$TTL 3600\n"
	"@ SOA ns1 bugs.x.w 1 3600 300 3600000 600\n@" SIG("SOA", "1")
	"@ NS ns1\n@ NS ns2\n@" SIG("NS", "1")
	"@ MX 1 xx\n@" SIG("MX", "1")
	"@ DNSKEY 256 3 7 AQ==\n@" SIG("DNSKEY", "1")
	"@ NSEC3PARAM 1 0 12 aabbccdd\n@" SIG("NSEC3PARAM", "1")
	NSEC3(H_APEX, H_NS1, "MX DNSKEY NS SOA NSEC3PARAM RRSIG")
	NSEC3(H_NS1, H_XYW, "A RRSIG")
	NSEC3(H_XYW, H_A, "MX RRSIG")
	NSEC3(H_A, H_XW, "NS DS RRSIG")
	NSEC3(H_XW, H_AI, "MX RRSIG")
	NSEC3(H_AI, H_YW, "HINFO A AAAA RRSIG")
	NSEC3(H_YW, H_W, "")
	NSEC3(H_W, H_SELF, "")
	NSEC3(H_SELF, H_NS2, "A RRSIG")
	NSEC3(H_NS2, H_WILD, "A RRSIG")
	NSEC3(H_WILD, H_XX, "MX RRSIG")
	NSEC3(H_XX, H_APEX, "HINFO A AAAA RRSIG")
	H_NS1 " A 192.0.2.127\n" H_NS1 SIG("A", "2")
	"a NS ns1.a\na DS 58470 5 1 00\na" SIG("DS", "2")
	"ns1.a A 192.0.2.5\n"
	"ai A 192.0.2.9\nai" SIG("A", "2")
	"ai AAAA 2001:db8::f00:baa9\nai" SIG("AAAA", "2")
	"c NS ns1.c\nns1.c A 192.0.2.7\n"
	"ns1 A 192.0.2.1\nns1" SIG("A", "2")
	"ns2 A 192.0.2.2\nns2" SIG("A", "2")
	"*.w MX 1 ai\n*.w" SIG("MX", "2")
	"x.w MX 1 xx\nx.w" SIG("MX", "3")
	"x.y.w MX 1 xx\nx.y.w" SIG("MX", "4")
	"xx A 192.0.2.10\nxx" SIG("A", "2");
/* clang-format on */

#define SOA  "ns example. 3600 SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600\n"
#define SOA3 "ns example. 600 SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 600\n"
#define SOA3_SIG                                                                                   \
	"ns example. 600 RRSIG SOA 5 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
#define OPT_DO "opt 1232 do\n"

static struct scene nsec, nsec3, aliases;

static int setup(void **state)
{
	static const char *const texts[] = {"example.", NSEC, NULL};
	static const char *const texts3[] = {"example.", NSEC3, NULL};
	static const char *const texts_of_aliases[] = {"example.", ALIASES, NULL};

	(void)state;
	rcu_register_thread();
	memset(&nsec, 0, sizeof(nsec));
	memset(&nsec3, 0, sizeof(nsec3));
	scene_open(&nsec, texts);
	scene_open(&nsec3, texts3);
	memset(&aliases, 0, sizeof(aliases));
	aliases.settings[0].flatten_cnames = FLATTEN_CNAMES_ALL;
	scene_open(&aliases, texts_of_aliases);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&nsec);
	scene_close(&nsec3);
	scene_close(&aliases);
	rcu_unregister_thread();
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In another order: what matters is that they are all there. Returns ret. */
static char *sorted(const char *text, char ret[8192])
{
	char copy[8192], *lines[100], *rest = copy, *line;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((line = strsep(&rest, "\n")) && *line)
		lines[count++] = line;
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	*ret = 0;
	for (size_t i = 0; i < count; i++)
		sprintf(ret + strlen(ret), "%s\n", lines[i]);
	return ret;
}

static void expect(struct scene *scene, const char *text, const struct ask *ask)
{
	char found[8192], wanted[8192];

	assert_string_equal(sorted(scene_ask(scene, ask), found), sorted(text, wanted));
}

#define ASK(...)                                                                                   \
	&(struct ask)                                                                              \
	{                                                                                          \
		__VA_ARGS__, .dnssec_ok = true                                                     \
	}
#define EXPECT(scene, text, ...) expect(&(scene), text, ASK(__VA_ARGS__))

/* ---- signatures ---- */

static void signatures_go_along_behind_what_they_cover(void **state)
{
	(void)state;
	/* RFC 4035 B.1, but for the apex NS set, which is not given beside an answer */
	assert_string_equal(
	        scene_ask(&nsec, ASK(.name = "x.w.example.", .type = AN_TYPE_MX)),
	        "NOERROR aa\nan x.w.example. 3600 MX 1 xx.example.\n"
	        "an x.w.example." RRSIG("MX", "3") "ar xx.example. 300 A 192.0.2.10\n"
	                                           "ar xx.example. 3600 AAAA 2001:db8::f00:baaa\n"
	                                           "ar xx.example. 300 RRSIG A 5 2 300 "
	                                           "20300101000000 20200101000000 1 example. AAAA\n"
	                                           "ar xx.example." RRSIG("AAAA", "2") OPT_DO);
	assert_string_equal(
	        scene_ask(&nsec, ASK(.name = "ns1.example.", .type = AN_TYPE_MX)),
	        "NOERROR aa\n" SOA "ns example." RRSIG(
	                "SOA", "1") "ns ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC \n"
	                            "ns ns1.example." RRSIG("NSEC", "2") OPT_DO);
}

static void who_does_not_ask_gets_none(void **state)
{
	const struct ask ask = {.name = "ai.example.", .type = AN_TYPE_A, .edns = true};

	(void)state;
	assert_string_equal(scene_ask(&nsec, &ask),
	                    "NOERROR aa\nan ai.example. 3600 A 192.0.2.9\nopt 1232\n");
}

static void signatures_themselves_are_given_with_their_own_ttls(void **state)
{
	(void)state;
	EXPECT(nsec,
	       "NOERROR aa\n"
	       "an xx.example. 300 RRSIG A 5 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	       "an xx.example." RRSIG("AAAA", "2") "an xx.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "xx.example.", .type = AN_TYPE_RRSIG);
}

static void any_is_one_set_with_its_signatures(void **state)
{
	(void)state;
	EXPECT(nsec,
	       "NOERROR aa\nan ai.example. 3600 A 192.0.2.9\nan ai.example." RRSIG("A", "2") OPT_DO,
	       .name = "ai.example.", .type = AN_TYPE_ANY);
	EXPECT(nsec,
	       "NOERROR aa\nan x.y.w.example. 3600 MX 1 xx.example.\n"
	       "an x.y.w.example." RRSIG("MX",
	                                 "4") "ar xx.example. 300 A 192.0.2.10\n"
	                                      "ar xx.example. 3600 AAAA 2001:db8::f00:baaa\n"
	                                      "ar xx.example. 300 RRSIG A 5 2 300 20300101000000 "
	                                      "20200101000000 1 example. AAAA\n"
	                                      "ar xx.example." RRSIG("AAAA", "2") OPT_DO,
	       .name = "x.y.w.example.", .type = AN_TYPE_ANY);
}

static void what_does_not_fit_is_cut_but_not_for_additional_signatures(void **state)
{
	(void)state;
	/* RFC 4035 3.1.1 */
	EXPECT(nsec,
	       "NOERROR aa\nan long.w.example. 3600 MX 1 xx.example.\n"
	       "an long.w.example." RRSIG_OF(
	               "MX", "3", A400) "ar xx.example. 300 A 192.0.2.10\n"
	                                "ar xx.example. 3600 AAAA 2001:db8::f00:baaa\n"
	                                "ar xx.example. 300 RRSIG A 5 2 300 20300101000000 "
	                                "20200101000000 1 example. AAAA\n" OPT_DO,
	       .name = "long.w.example.", .type = AN_TYPE_MX, .payload = 512);
	EXPECT(nsec, "NOERROR aa tc\nan longer.w.example. 3600 MX 1 xx.example.\n" OPT_DO,
	       .name = "longer.w.example.", .type = AN_TYPE_MX, .payload = 512);
	EXPECT(nsec,
	       "NOERROR aa\nan longer.w.example. 3600 MX 1 xx.example.\n"
	       "an longer.w.example." RRSIG_OF(
	               "MX", "3",
	               A400 A400) "ar xx.example. 300 A "
	                          "192.0.2.10\nar xx.example. 3600 AAAA 2001:db8::f00:baaa\n"
	                          "ar xx.example. 300 RRSIG A 5 2 300 20300101000000 "
	                          "20200101000000 1 example. AAAA\n"
	                          "ar xx.example." RRSIG("AAAA", "2") OPT_DO,
	       .name = "longer.w.example.", .type = AN_TYPE_MX, .tcp = true);
}

/* ---- NSEC ---- */

static void a_name_that_is_not_there_by_nsec(void **state)
{
	(void)state;
	/* RFC 4035 B.2 */
	EXPECT(nsec,
	       "NXDOMAIN aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC \n"
	                           "ns b.example." RRSIG(
	                                   "NSEC", "2") "ns example. 3600 NSEC a.example. NS SOA "
	                                                "MX RRSIG NSEC DNSKEY \n"
	                                                "ns example." RRSIG("NSEC", "1") OPT_DO,
	       .name = "ml.example.", .type = AN_TYPE_A);
	/* One record shows both: it comes once. */
	EXPECT(nsec,
	       "NXDOMAIN aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns xx.example. 3600 NSEC example. A AAAA RRSIG NSEC \n"
	                           "ns xx.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "a.xx.example.", .type = AN_TYPE_A);
}

static void a_type_that_is_not_there_by_nsec(void **state)
{
	(void)state;
	/* RFC 4035 B.3 */
	EXPECT(nsec,
	       "NOERROR aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC \n"
	                           "ns ns1.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "ns1.example.", .type = AN_TYPE_MX);
	/* An empty non-terminal has no NSEC: the one before leads over it. */
	EXPECT(nsec,
	       "NOERROR aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns ns2.example. 3600 NSEC *.w.example. A RRSIG NSEC \n"
	                           "ns ns2.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "w.example.", .type = AN_TYPE_A);
}

static void delegations_by_nsec(void **state)
{
	(void)state;
	/* RFC 4035 B.4, B.5 */
	EXPECT(nsec,
	       "NOERROR\nns a.example. 3600 NS ns1.a.example.\nns a.example. 3600 NS "
	       "ns2.a.example.\n"
	       "ns a.example. 3600 DS 57855 5 1 00\nns a.example." RRSIG(
	               "DS", "2") "ar ns1.a.example. 3600 A 192.0.2.5\nar ns2.a.example. 3600 A "
	                          "192.0.2.6\n" OPT_DO,
	       .name = "mc.a.example.", .type = AN_TYPE_MX);
	EXPECT(nsec,
	       "NOERROR\nns b.example. 3600 NS ns1.b.example.\nns b.example. 3600 NS "
	       "ns2.b.example.\n"
	       "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC \nns b.example." RRSIG(
	               "NSEC", "2") "ar ns1.b.example. 3600 A 192.0.2.7\nar ns2.b.example. 3600 A "
	                            "192.0.2.8\n" OPT_DO,
	       .name = "mc.b.example.", .type = AN_TYPE_MX);
	EXPECT(nsec,
	       "NOERROR aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC \n"
	                           "ns b.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "b.example.", .type = AN_TYPE_DS);
}

static void wildcards_by_nsec(void **state)
{
	(void)state;
	/* RFC 4035 B.6, B.7 */
	EXPECT(nsec,
	       "NOERROR aa\nan a.z.w.example. 3600 MX 1 ai.example.\n"
	       "an a.z.w.example." RRSIG(
	               "MX", "2") "ns x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC \n"
	                          "ns x.y.w.example." RRSIG(
	                                  "NSEC",
	                                  "4") "ar ai.example. 3600 A 192.0.2.9\nar ai.example. "
	                                       "3600 AAAA 2001:db8::f00:baa9\n"
	                                       "ar ai.example." RRSIG(
	                                               "A", "2") "ar ai.example." RRSIG("AAAA", "2")
	                                               OPT_DO,
	       .name = "a.z.w.example.", .type = AN_TYPE_MX);
	EXPECT(nsec,
	       "NOERROR aa\n" SOA "ns example." RRSIG(
	               "SOA",
	               "1") "ns *.w.example. 3600 NSEC long.w.example. MX RRSIG NSEC \n"
	                    "ns *.w.example." RRSIG(
	                            "NSEC",
	                            "2") "ns x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC \n"
	                                 "ns x.y.w.example." RRSIG("NSEC", "4") OPT_DO,
	       .name = "a.z.w.example.", .type = AN_TYPE_AAAA);
}

static void ds_of_an_apex_is_denied_by_the_child(void **state)
{
	(void)state;
	/* RFC 4035 B.8 */
	EXPECT(nsec,
	       "NOERROR aa\n" SOA "ns example." RRSIG(
	               "SOA", "1") "ns example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY \n"
	                           "ns example." RRSIG("NSEC", "1") OPT_DO,
	       .name = "example.", .type = AN_TYPE_DS);
}

/* ---- NSEC3 ---- */

#define PROOF(owner, next, types)                                                                  \
	"ns " owner ".example. 3600 NSEC3 1 1 12 aabbccdd  " next types "\n"                       \
	"ns " owner ".example." RRSIG("NSEC3", "2")
#define P_APEX PROOF(H_APEX, H_NS1, " NS SOA MX RRSIG DNSKEY NSEC3PARAM ")
#define P_A    PROOF(H_A, H_XW, " NS DS RRSIG ")
#define P_XW   PROOF(H_XW, H_AI, " MX RRSIG ")

static void a_name_that_is_not_there_by_nsec3(void **state)
{
	(void)state;
	/* RFC 5155 B.1 */
	EXPECT(nsec3, "NXDOMAIN aa\n" SOA3 SOA3_SIG P_XW P_APEX P_A OPT_DO,
	       .name = "a.c.x.w.example.", .type = AN_TYPE_A);
}

static void a_type_that_is_not_there_by_nsec3(void **state)
{
	(void)state;
	/* RFC 5155 B.2, B.2.1 */
	EXPECT(nsec3, "NOERROR aa\n" SOA3 SOA3_SIG PROOF(H_NS1, H_XYW, " A RRSIG ") OPT_DO,
	       .name = "ns1.example.", .type = AN_TYPE_MX);
	EXPECT(nsec3, "NOERROR aa\n" SOA3 SOA3_SIG PROOF(H_YW, H_W, "") OPT_DO,
	       .name = "y.w.example.", .type = AN_TYPE_A);
}

static void an_unsigned_delegation_by_opt_out(void **state)
{
	(void)state;
	/* RFC 5155 B.3 */
	EXPECT(nsec3,
	       "NOERROR\nns c.example. 3600 NS ns1.c.example.\n" P_APEX P_A
	       "ar ns1.c.example. 3600 A 192.0.2.7\n" OPT_DO,
	       .name = "mc.c.example.", .type = AN_TYPE_MX);
	/* B.2 in the form of 7.2.4 */
	EXPECT(nsec3, "NOERROR aa\n" SOA3 SOA3_SIG P_APEX P_A OPT_DO, .name = "c.example.",
	       .type = AN_TYPE_DS);
}

static void wildcards_by_nsec3(void **state)
{
	(void)state;
	/* RFC 5155 B.4 */
	EXPECT(nsec3,
	       "NOERROR aa\nan a.z.w.example. 3600 MX 1 ai.example.\n"
	       "an a.z.w.example." RRSIG("MX", "2")
	               PROOF(H_NS2, H_WILD,
	                     " A RRSIG ") "ar ai.example. 3600 A 192.0.2.9\nar ai.example. 3600 "
	                                  "AAAA 2001:db8::f00:baa9\n"
	                                  "ar ai.example." RRSIG("A", "2") "ar ai.example." RRSIG(
	                                          "AAAA", "2") OPT_DO,
	       .name = "a.z.w.example.", .type = AN_TYPE_MX);
	/* RFC 5155 B.5 */
	EXPECT(nsec3,
	       "NOERROR aa\n" SOA3 SOA3_SIG PROOF(H_W, H_SELF, "") PROOF(H_NS2, H_WILD, " A RRSIG ")
	               PROOF(H_WILD, H_XX, " MX RRSIG ") OPT_DO,
	       .name = "a.z.w.example.", .type = AN_TYPE_AAAA);
}

static void owners_of_nsec3_are_no_names(void **state)
{
	struct ask ask = {.name = H_AI ".example.", .type = 50};

	(void)state;
	/* RFC 5155 7.2.8 */
	assert_string_equal(scene_ask(&nsec3, &ask), "NXDOMAIN aa\n" SOA3);
	ask.name = "below." H_AI ".example.";
	assert_string_equal(scene_ask(&nsec3, &ask), "NXDOMAIN aa\n" SOA3);
	/* Unless there is something else: then the name is one. */
	ask.name = H_NS1 ".example.";
	ask.type = AN_TYPE_A;
	assert_string_equal(scene_ask(&nsec3, &ask),
	                    "NOERROR aa\nan " H_NS1 ".example. 3600 A 192.0.2.127\n");
}

/* ---- what is flattened ---- */

#define ALIAS_SOA                                                                                  \
	"ns example. 3600 SOA ns1.example. host.example. 1 3600 300 3600000 3600\n"                \
	"ns example." RRSIG("SOA", "1")

static void flattened_addresses_have_no_signatures(void **state)
{
	(void)state;
	EXPECT(aliases, "WAIT alone.example. 1 198.51.100.0/24", .name = "alone.example.",
	       .type = AN_TYPE_A);
	scene_store(&aliases, "alone.example.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	EXPECT(aliases, "NOERROR aa\nan alone.example. 20 A 203.0.113.1\n" OPT_DO,
	       .name = "alone.example.", .type = AN_TYPE_A);
	/* What the target has none of is denied by the owner's own NSEC; so is what he has not. */
	scene_store(&aliases, "alone.example.", AN_TYPE_AAAA, NULL, 0, "", 20);
	for (uint16_t type = AN_TYPE_MX; type <= AN_TYPE_AAAA; type += AN_TYPE_AAAA - AN_TYPE_MX)
		EXPECT(aliases,
		       "NOERROR aa\n" ALIAS_SOA
		       "ns alone.example. 3600 NSEC both.example. RRSIG NSEC TYPE65401 \n"
		       "ns alone.example." RRSIG("NSEC", "2") OPT_DO,
		       .name = "alone.example.", .type = type);
	EXPECT(aliases, "WAIT bare.example. 1 198.51.100.0/24", .name = "bare.example.",
	       .type = AN_TYPE_A);
}

static void what_is_signed_beside_an_aname_goes_out_as_it_is(void **state)
{
	(void)state;
	EXPECT(aliases,
	       "NOERROR aa\nan both.example. 3600 A 192.0.2.80\n"
	       "an both.example." RRSIG("A", "2") OPT_DO,
	       .name = "both.example.", .type = AN_TYPE_A);
	EXPECT(aliases,
	       "NOERROR aa\n" ALIAS_SOA
	       "ns both.example. 3600 NSEC bare.example. A RRSIG NSEC TYPE65401 \n"
	       "ns both.example." RRSIG("NSEC", "2") OPT_DO,
	       .name = "both.example.", .type = AN_TYPE_AAAA);
	EXPECT(aliases,
	       "NOERROR aa\nan signed.example. 3600 CNAME www.cdn.test.\n"
	       "an signed.example." RRSIG("CNAME", "2") OPT_DO,
	       .name = "signed.example.", .type = AN_TYPE_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(signatures_go_along_behind_what_they_cover),
	        cmocka_unit_test(who_does_not_ask_gets_none),
	        cmocka_unit_test(signatures_themselves_are_given_with_their_own_ttls),
	        cmocka_unit_test(any_is_one_set_with_its_signatures),
	        cmocka_unit_test(what_does_not_fit_is_cut_but_not_for_additional_signatures),
	        cmocka_unit_test(a_name_that_is_not_there_by_nsec),
	        cmocka_unit_test(a_type_that_is_not_there_by_nsec),
	        cmocka_unit_test(delegations_by_nsec),
	        cmocka_unit_test(wildcards_by_nsec),
	        cmocka_unit_test(ds_of_an_apex_is_denied_by_the_child),
	        cmocka_unit_test(a_name_that_is_not_there_by_nsec3),
	        cmocka_unit_test(a_type_that_is_not_there_by_nsec3),
	        cmocka_unit_test(an_unsigned_delegation_by_opt_out),
	        cmocka_unit_test(wildcards_by_nsec3),
	        cmocka_unit_test(owners_of_nsec3_are_no_names),
	        cmocka_unit_test(flattened_addresses_have_no_signatures),
	        cmocka_unit_test(what_is_signed_beside_an_aname_goes_out_as_it_is),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
