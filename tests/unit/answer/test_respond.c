/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies out of zone data and the store, record by record. */
#include "unit/answer/scene.h"

static const char ZONE[] = "$TTL 300\n"
                           "@ 3600 SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "@ NS ns2.sub\n"
                           "@ ANAME target.cdn.test.\n"
                           "@ MX 10 mail\n"
                           "@ MX 20 @\n"
                           "ns1 A 192.0.2.53\n"
                           "www A 192.0.2.3\n"
                           "www A 192.0.2.1\n"
                           "www A 192.0.2.2\n"
                           "www AAAA 2001:db8::1\n"
                           "mail A 192.0.2.25\n"
                           "mail AAAA 2001:db8::25\n"
                           "text TXT \"hello\"\n"
                           "a.b.ent TXT \"below\"\n"
                           "*.wild A 192.0.2.80\n"
                           "*.wilda ANAME target.cdn.test.\n"
                           "*.wildc CNAME www\n"
                           "alias CNAME www\n"
                           "alias2 CNAME alias\n"
                           "toflat CNAME pool\n"
                           "pool ANAME target.cdn.test.\n"
                           "pool A 192.0.2.77\n"
                           "out CNAME www.elsewhere.test.\n"
                           "over CNAME www.other.test.\n"
                           "nowhere CNAME nothing\n"
                           "loop1 CNAME loop2\n"
                           "loop2 CNAME loop1\n"
                           "sub NS ns.sub\n"
                           "sub NS ns2.sub\n"
                           "sub NS ns1\n"
                           "sub NS ns.elsewhere.test.\n"
                           "ns.sub A 192.0.2.61\n"
                           "ns2.sub A 192.0.2.62\n"
                           "ns2.sub AAAA 2001:db8::62\n"
                           "tosub CNAME x.sub\n"
                           "twice MX 1 mail\n"
                           "twice MX 2 mail\n"
                           "away MX 1 www.other.test.\n"
                           "older RT 1 ns1\n"
                           "older KX 1 ns1\n"
                           "svc HTTPS 1 mail\n"
                           "self HTTPS 1 .\n"
                           "@ HTTPS 1 . alpn=h2\n"
                           "toapex HTTPS 1 @\n"
                           "self A 192.0.2.99\n"
                           "gone HTTPS 0 .\n"
                           "first HTTPS 0 second\n"
                           "circle DNAME arc\n"
                           "x.arc CNAME circle\n"
                           "second HTTPS 0 svc\n"
                           "round HTTPS 0 round2\n"
                           "round2 HTTPS 0 round\n"
                           "alflat HTTPS 0 @\n"
                           "cell AFSDB 1 ns1\n"
                           "gone A 192.0.2.98\n"
                           "old DNAME new\n"
                           "new TXT \"new\"\n"
                           "www.new A 192.0.2.90\n"
                           "_sip._tcp SRV 1 2 5060 mail\n";

static const char OTHER[] = "$TTL 120\n"
                            "@ SOA ns1.example.test. host 1 7200 3600 1209600 30\n"
                            "@ NS ns1.example.test.\n"
                            "www A 203.0.113.9\n";

#define SOA "ns example.test. 60 SOA ns1.example.test. host.example.test. 7 7200 3600 1209600 60\n"

static struct scene scene;

static int setup(void **state)
{
	static const char *const texts[] = {"example.test.", ZONE, "other.test.", OTHER, NULL};

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

#define ASK(...)          scene_ask(&scene, &(struct ask){__VA_ARGS__})
#define EXPECT(text, ...) assert_string_equal(ASK(__VA_ARGS__), text)

/* ---- zone data ---- */

static void a_record_is_answered_with_its_own_ttl(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\n", .name = "mail.example.test.",
	       .type = AN_TYPE_A);
	EXPECT("NOERROR aa rd\nan text.example.test. 300 TXT \"hello\"\n",
	       .name = "text.example.test.", .type = AN_TYPE_TXT, .flags = AN_FLAG_RD);
}

static void ad_cd_and_z_do_not_come_back(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\n", .name = "mail.example.test.",
	       .type = AN_TYPE_A, .flags = AN_FLAG_AD | AN_FLAG_CD | AN_FLAG_Z | AN_FLAG_RA);
}

static void the_question_keeps_its_case_and_the_pointers_their_place(void **state)
{
	struct ask upper = {.name = "MaIl.ExAmPlE.TeSt.", .type = AN_TYPE_MX};
	struct ask lower = {.name = "mail.example.test.", .type = AN_TYPE_MX};
	uint8_t query[2][512], reply[2][1232];
	struct respond_result result[2];

	(void)state;
	result[0] =
	        scene_send(&scene, &upper, query[0], scene_query(&upper, query[0]), reply[0], 1232);
	result[1] =
	        scene_send(&scene, &lower, query[1], scene_query(&lower, query[1]), reply[1], 1232);
	assert_int_equal(result[0].len, result[1].len);
	assert_memory_equal(reply[0] + 12, query[0] + 12, 19 + 4);
	assert_memory_equal(reply[0] + 12 + 23, reply[1] + 12 + 23, result[0].len - 12 - 23);
}

static void every_address_of_a_set_comes_first_in_turn(void **state)
{
	static const char *const sorted[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
	unsigned int first[3] = {0};

	(void)state;
	for (uint16_t id = 1; id <= 300; id++) {
		uint32_t choice = an_choice(SCENE_SEED, id, 0xc6336407, 4711);
		unsigned int start = an_choice_below(choice, 3);
		char expected[256];

		snprintf(expected, sizeof(expected),
		         "NOERROR aa\nan www.example.test. 300 A %s\nan www.example.test. 300 A "
		         "%s\nan www.example.test. 300 A %s\n",
		         sorted[start], sorted[(start + 1) % 3], sorted[(start + 2) % 3]);
		EXPECT(expected, .name = "www.example.test.", .type = AN_TYPE_A, .id = id);
		first[start]++;
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(first[i], 60, 140);
}

static void missing_type_is_nodata_with_the_negative_ttl(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\n" SOA, .name = "text.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\n" SOA, .name = "ent.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\n" SOA, .name = "b.ent.example.test.", .type = AN_TYPE_TXT);
}

static void missing_name_is_nxdomain(void **state)
{
	(void)state;
	EXPECT("NXDOMAIN aa\n" SOA, .name = "no.example.test.", .type = AN_TYPE_A);
	EXPECT("NXDOMAIN aa\n" SOA "opt 1232 ecs 192.0.2.0/24/0\n", .name = "no.example.test.",
	       .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
}

static void name_of_no_zone_is_refused(void **state)
{
	(void)state;
	EXPECT("REFUSED\n", .name = "www.elsewhere.test.", .type = AN_TYPE_A);
	EXPECT("REFUSED\nopt 1232 ecs 192.0.2.0/24/0 ede 20\n", .name = "www.elsewhere.test.",
	       .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
	EXPECT("REFUSED rd\n", .name = ".", .type = AN_TYPE_NS, .flags = AN_FLAG_RD);
}

static void apex_has_soa_and_ns_with_addresses(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan example.test. 3600 SOA ns1.example.test. host.example.test. 7 7200 "
	       "3600 1209600 60\n",
	       .name = "example.test.", .type = AN_TYPE_SOA);
	EXPECT("NOERROR aa\nan example.test. 300 NS ns1.example.test.\nan example.test. 300 NS "
	       "ns2.sub.example.test.\nar ns1.example.test. 300 A 192.0.2.53\n",
	       .name = "example.test.", .type = AN_TYPE_NS);
}

static void every_class_is_answered_without_authority(void **state)
{
	(void)state;
	EXPECT("NOERROR\nan ns1.example.test. 300 A 192.0.2.53\n", .name = "ns1.example.test.",
	       .type = AN_TYPE_A, .class = AN_CLASS_ANY);
	EXPECT("NXDOMAIN\n" SOA, .name = "nothing.example.test.", .type = AN_TYPE_A,
	       .class = AN_CLASS_ANY);
}

static void wildcard_is_answered_under_the_name_asked(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan a.b.wild.example.test. 300 A 192.0.2.80\n",
	       .name = "a.b.wild.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\n" SOA, .name = "a.wild.example.test.", .type = AN_TYPE_AAAA);
	EXPECT("NOERROR aa\nan x.wildc.example.test. 300 CNAME www.example.test.\nan "
	       "www.example.test. 300 AAAA 2001:db8::1\n",
	       .name = "x.wildc.example.test.", .type = AN_TYPE_AAAA);
}

static void cnames_are_followed_inside_our_zones(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan alias2.example.test. 300 CNAME alias.example.test.\nan "
	       "alias.example.test. 300 CNAME www.example.test.\nan www.example.test. 300 AAAA "
	       "2001:db8::1\n",
	       .name = "alias2.example.test.", .type = AN_TYPE_AAAA);
	EXPECT("NOERROR aa\nan over.example.test. 300 CNAME www.other.test.\nan www.other.test. "
	       "120 A 203.0.113.9\n",
	       .name = "over.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan out.example.test. 300 CNAME www.elsewhere.test.\n",
	       .name = "out.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan alias.example.test. 300 CNAME www.example.test.\n",
	       .name = "alias.example.test.", .type = AN_TYPE_CNAME);
	EXPECT("NOERROR aa\nan alias.example.test. 300 CNAME www.example.test.\n" SOA,
	       .name = "alias.example.test.", .type = AN_TYPE_MX);
}

static void rcode_is_that_of_the_last_name(void **state)
{
	(void)state;
	EXPECT("NXDOMAIN aa\nan nowhere.example.test. 300 CNAME nothing.example.test.\n" SOA,
	       .name = "nowhere.example.test.", .type = AN_TYPE_A);
}

static void loop_of_cnames_ends(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan loop1.example.test. 300 CNAME loop2.example.test.\nan "
	       "loop2.example.test. 300 CNAME loop1.example.test.\n",
	       .name = "loop1.example.test.", .type = AN_TYPE_A);
}

#define REFERRAL                                                                                   \
	"ns sub.example.test. 300 NS ns1.example.test.\nns sub.example.test. 300 NS "              \
	"ns.elsewhere.test.\nns sub.example.test. 300 NS ns.sub.example.test.\nns "                \
	"sub.example.test. 300 NS ns2.sub.example.test.\n"

static const char *sorted_lines(const char *text);

static void delegation_is_a_referral_with_glue(void **state)
{
	char expected[SCENE_TEXT];

	(void)state;
	snprintf(expected, sizeof(expected), "%s",
	         sorted_lines("NOERROR\n" REFERRAL "ar ns.sub.example.test. 300 A 192.0.2.61\n"
	                      "ar ns2.sub.example.test. 300 A 192.0.2.62\n"
	                      "ar ns2.sub.example.test. 300 AAAA 2001:db8::62\n"
	                      "ar ns1.example.test. 300 A 192.0.2.53\n"));
	assert_string_equal(sorted_lines(ASK(.name = "x.y.sub.example.test.", .type = AN_TYPE_A)),
	                    expected);
	assert_string_equal(sorted_lines(ASK(.name = "sub.example.test.", .type = AN_TYPE_NS)),
	                    expected);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *sorted_lines(const char *text)
{
	static char out[SCENE_TEXT];
	char copy[SCENE_TEXT], *lines[64], *rest = copy, *line;
	size_t count = 0, at = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			lines[count++] = line;
	qsort(lines, count, sizeof(lines[0]), by_text);
	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s\n", lines[i]);
	return out;
}

static void parent_answers_for_ds(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\n" SOA, .name = "sub.example.test.", .type = AN_TYPE_DS);
}

static void chain_into_a_delegation_keeps_aa(void **state)
{
	const char *text = ASK(.name = "tosub.example.test.", .type = AN_TYPE_A);
	static const char head[] =
	        "NOERROR aa\nan tosub.example.test. 300 CNAME x.sub.example.test.\nns sub.";

	(void)state;
	assert_memory_equal(text, head, sizeof(head) - 1);
}

static void dname_makes_a_cname(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan old.example.test. 300 DNAME new.example.test.\nan "
	       "www.old.example.test. 300 CNAME www.new.example.test.\nan www.new.example.test. "
	       "300 A 192.0.2.90\n",
	       .name = "www.old.example.test.", .type = AN_TYPE_A);
	EXPECT("NXDOMAIN aa\nan old.example.test. 300 DNAME new.example.test.\nan "
	       "x.old.example.test. 300 CNAME x.new.example.test.\n" SOA,
	       .name = "x.old.example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan old.example.test. 300 DNAME new.example.test.\n",
	       .name = "old.example.test.", .type = AN_TYPE_DNAME);
	EXPECT("NOERROR aa\n" SOA, .name = "old.example.test.", .type = AN_TYPE_A);
}

static void mx_and_srv_bring_addresses(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan _sip._tcp.example.test. 300 SRV 1 2 5060 mail.example.test.\nar "
	       "mail.example.test. 300 A 192.0.2.25\nar mail.example.test. 300 AAAA "
	       "2001:db8::25\n",
	       .name = "_sip._tcp.example.test.", .type = AN_TYPE_SRV);
	EXPECT("NOERROR aa\nan example.test. 300 MX 10 mail.example.test.\nan example.test. 300 MX "
	       "20 example.test.\nar mail.example.test. 300 A 192.0.2.25\nar mail.example.test. "
	       "300 AAAA 2001:db8::25\n",
	       .name = "example.test.", .type = AN_TYPE_MX);
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	EXPECT("NOERROR aa\nan example.test. 300 MX 10 mail.example.test.\nan example.test. 300 MX "
	       "20 example.test.\nar mail.example.test. 300 A 192.0.2.25\nar mail.example.test. "
	       "300 AAAA 2001:db8::25\nar example.test. 20 A 203.0.113.1\n",
	       .name = "example.test.", .type = AN_TYPE_MX);
}

static void https_brings_addresses_of_its_target_or_its_owner(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan svc.example.test. 300 HTTPS 1 mail.example.test.\nar "
	       "mail.example.test. 300 A 192.0.2.25\nar mail.example.test. 300 AAAA "
	       "2001:db8::25\n",
	       .name = "svc.example.test.", .type = AN_TYPE_HTTPS);
	EXPECT("NOERROR aa\nan self.example.test. 300 HTTPS 1 .\nar self.example.test. 300 A "
	       "192.0.2.99\n",
	       .name = "self.example.test.", .type = AN_TYPE_HTTPS);
	EXPECT("NOERROR aa\nan gone.example.test. 300 HTTPS 0 .\n", .name = "gone.example.test.",
	       .type = AN_TYPE_HTTPS);
	/* Not flattened ones: the same for all. */
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	EXPECT("NOERROR aa\nan example.test. 300 HTTPS 1 . alpn=h2\n", .name = "example.test.",
	       .type = AN_TYPE_HTTPS);
	EXPECT("NOERROR aa\nan toapex.example.test. 300 HTTPS 1 example.test.\n",
	       .name = "toapex.example.test.", .type = AN_TYPE_HTTPS);
}

static void aliases_of_services_bring_the_service(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan first.example.test. 300 HTTPS 0 second.example.test.\n"
	       "ar second.example.test. 300 HTTPS 0 svc.example.test.\n"
	       "ar svc.example.test. 300 HTTPS 1 mail.example.test.\n"
	       "ar mail.example.test. 300 A 192.0.2.25\n"
	       "ar mail.example.test. 300 AAAA 2001:db8::25\n",
	       .name = "first.example.test.", .type = AN_TYPE_HTTPS);
	/* Another type is another service. */
	EXPECT("NOERROR aa\n" SOA, .name = "first.example.test.", .type = AN_TYPE_SVCB);
	EXPECT("NOERROR aa\nan round.example.test. 300 HTTPS 0 round2.example.test.\n"
	       "ar round2.example.test. 300 HTTPS 0 round.example.test.\n",
	       .name = "round.example.test.", .type = AN_TYPE_HTTPS);
	/* At the owner of an ANAME: its record, and not what is flattened. */
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	EXPECT("NOERROR aa\nan alflat.example.test. 300 HTTPS 0 example.test.\n"
	       "ar example.test. 300 HTTPS 1 . alpn=h2\n",
	       .name = "alflat.example.test.", .type = AN_TYPE_HTTPS);
}

static void any_below_a_dname_follows_it(void **state)
{
	(void)state;
	EXPECT("NXDOMAIN aa\nan old.example.test. 300 DNAME new.example.test.\nan "
	       "x.old.example.test. 300 CNAME x.new.example.test.\n" SOA,
	       .name = "x.old.example.test.", .type = AN_TYPE_ANY);
	EXPECT("NOERROR aa\nan old.example.test. 300 DNAME new.example.test.\nan "
	       "x.old.example.test. 300 CNAME x.new.example.test.\n",
	       .name = "x.old.example.test.", .type = AN_TYPE_CNAME);
}

static void a_dname_that_the_chain_comes_back_to_is_there_once(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan circle.example.test. 300 DNAME arc.example.test.\n"
	       "an x.circle.example.test. 300 CNAME x.arc.example.test.\n"
	       "an x.arc.example.test. 300 CNAME circle.example.test.\n",
	       .name = "x.circle.example.test.", .type = AN_TYPE_DNAME);
}

static void rt_kx_and_afsdb_bring_addresses(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan cell.example.test. 300 AFSDB 1 ns1.example.test.\n"
	       "ar ns1.example.test. 300 A 192.0.2.53\n",
	       .name = "cell.example.test.", .type = AN_TYPE_AFSDB);
	EXPECT("NOERROR aa\nan older.example.test. 300 RT 1 ns1.example.test.\n"
	       "ar ns1.example.test. 300 A 192.0.2.53\n",
	       .name = "older.example.test.", .type = AN_TYPE_RT);
	EXPECT("NOERROR aa\nan older.example.test. 300 KX 1 ns1.example.test.\n"
	       "ar ns1.example.test. 300 A 192.0.2.53\n",
	       .name = "older.example.test.", .type = AN_TYPE_KX);
}

static void addresses_of_another_zone_are_not_added(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan away.example.test. 300 MX 1 www.other.test.\n",
	       .name = "away.example.test.", .type = AN_TYPE_MX);
}

static void each_address_is_added_once(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan twice.example.test. 300 MX 1 mail.example.test.\nan "
	       "twice.example.test. 300 MX 2 mail.example.test.\nar mail.example.test. 300 A "
	       "192.0.2.25\nar mail.example.test. 300 AAAA 2001:db8::25\n",
	       .name = "twice.example.test.", .type = AN_TYPE_MX);
}

static void tailored_addresses_do_not_stand_beside_an_answer_of_scope_0(void **state)
{
	(void)state;
	scene_store(&scene, "pool.example.test.", AN_TYPE_A, "198.51.100.0/24", 24, "203.0.113.1",
	            9);
	assert_null(strstr(
	        ASK(.name = "pool.example.test.", .type = AN_TYPE_ANAME, .ecs = "198.51.100.0/24"),
	        "ar "));
	assert_non_null(strstr(ASK(.name = "pool.example.test.", .type = AN_TYPE_ANAME),
	                       "ar pool.example.test. 9 A 203.0.113.1\n"));
}

static void any_gives_one_set_addresses_first(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\n", .name = "mail.example.test.",
	       .type = AN_TYPE_ANY);
	EXPECT("NOERROR aa\nan text.example.test. 300 TXT \"hello\"\n",
	       .name = "text.example.test.", .type = AN_TYPE_ANY);
	EXPECT("NOERROR aa\n" SOA, .name = "ent.example.test.", .type = AN_TYPE_ANY);
	EXPECT("WAIT example.test. 1 0/0", .name = "example.test.", .type = AN_TYPE_ANY,
	       .source = "127.0.0.1");
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	EXPECT("NOERROR aa\nan example.test. 20 A 203.0.113.1\n", .name = "example.test.",
	       .type = AN_TYPE_ANY);
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "", 20);
	EXPECT("NOERROR aa\nan example.test. 300 NS ns1.example.test.\nan example.test. 300 NS "
	       "ns2.sub.example.test.\nar ns1.example.test. 300 A 192.0.2.53\n",
	       .name = "example.test.", .type = AN_TYPE_ANY);
}

/* ---- flattened answers ---- */

static void missing_answer_is_waited_for(void **state)
{
	(void)state;
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "EXAMPLE.test.", .type = AN_TYPE_A);
	EXPECT("WAIT example.test. 28 192.0.2.0/24", .name = "example.test.", .type = AN_TYPE_AAAA,
	       .ecs = "192.0.2.0/24");
	EXPECT("WAIT x.wilda.example.test. 1 0/0", .name = "x.wilda.example.test.",
	       .type = AN_TYPE_A, .ecs = "none");
	EXPECT("WAIT pool.example.test. 1 198.51.100.0/24", .name = "toflat.example.test.",
	       .type = AN_TYPE_A);
}

static void stored_answer_counts_down_and_carries_its_scope(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, "192.0.2.0/24", 24, "203.0.113.1", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.1\nopt 1232 ecs 192.0.2.0/24/24\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "example.test.", .type = AN_TYPE_A,
	       .ecs = "198.51.100.0/24");
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.2", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.2\nopt 1232 ecs 0.0.0.0/0/0\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "none");
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.2\n", .name = "example.test.",
	       .type = AN_TYPE_A);
}

static void special_use_option_gets_its_block_as_scope(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, "198.51.100.0/24", 24, "203.0.113.1", 17);
	EXPECT("NOERROR aa\nan example.test. 17 A 203.0.113.1\nopt 1232 ecs 10.1.2.0/24/8\n",
	       .name = "example.test.", .type = AN_TYPE_A, .ecs = "10.1.2.0/24");
}

static void chain_into_a_flattened_name_ends_with_its_addresses(void **state)
{
	(void)state;
	scene_store(&scene, "pool.example.test.", AN_TYPE_A, "192.0.2.0/24", 24, "203.0.113.1", 9);
	EXPECT("NOERROR aa\nan toflat.example.test. 300 CNAME pool.example.test.\nan "
	       "pool.example.test. 9 A 203.0.113.1\nopt 1232 ecs 192.0.2.0/24/24\n",
	       .name = "toflat.example.test.", .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
}

static void negative_answer_is_nodata_of_our_zone_with_scope_0(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_AAAA, "192.0.2.0/24", 24, "", 17);
	EXPECT("NOERROR aa\n" SOA "opt 1232 ecs 192.0.2.0/24/0\n", .name = "example.test.",
	       .type = AN_TYPE_AAAA, .ecs = "192.0.2.0/24");
}

static void last_good_answer_is_stale(void **state)
{
	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", -5);
	EXPECT("WAIT example.test. 1 198.51.100.0/24", .name = "example.test.", .type = AN_TYPE_A);
	EXPECT("NOERROR aa\nan example.test. 30 A 203.0.113.1\n", .name = "example.test.",
	       .type = AN_TYPE_A, .last_try = true);
	EXPECT("NOERROR aa\nan example.test. 30 A 203.0.113.1\nopt 1232 ede 3\n",
	       .name = "example.test.", .type = AN_TYPE_A, .last_try = true, .edns = true);
	scene_store(&scene, "example.test.", AN_TYPE_AAAA, NULL, 0, "", -5);
	EXPECT("NOERROR aa\nns example.test. 30 SOA ns1.example.test. host.example.test. 7 7200 "
	       "3600 1209600 60\nopt 1232 ede 3\n",
	       .name = "example.test.", .type = AN_TYPE_AAAA, .last_try = true, .edns = true);
}

static void failure_is_servfail_or_the_owners_own_address(void **state)
{
	struct store_owner *owner;
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text("example.test.", NULL, 0, name);

	(void)state;
	EXPECT("SERVFAIL\nopt 1232 ede 22\n", .name = "example.test.", .type = AN_TYPE_A,
	       .last_try = true, .edns = true);
	EXPECT("NOERROR aa\nan pool.example.test. 30 A 192.0.2.77\nopt 1232 ede 3\n",
	       .name = "pool.example.test.", .type = AN_TYPE_A, .last_try = true, .edns = true);
	EXPECT("SERVFAIL\n", .name = "pool.example.test.", .type = AN_TYPE_AAAA, .last_try = true);

	owner = store_owner_get(scene.world.store, name, (size_t)len, AN_TYPE_A, SCENE_NOW);
	owner->failed_ede = AN_EDE_OTHER;
	owner->failed_text = "ANAME loop";
	owner->failed_until_ms = SCENE_NOW + 5000;
	EXPECT("SERVFAIL\nopt 1232 ecs 192.0.2.0/24/0 ede 0 ANAME loop\n", .name = "example.test.",
	       .type = AN_TYPE_A, .ecs = "192.0.2.0/24");
}

static void other_types_at_an_aname_owner(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_CNAME);
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_TXT);
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65401 \\# 17 "
	       "067461726765740363646e047465737400\n",
	       .name = "pool.example.test.", .type = AN_TYPE_ANAME);
	scene_store(&scene, "pool.example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 9);
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65401 \\# 17 "
	       "067461726765740363646e047465737400\nar pool.example.test. 9 A 203.0.113.1\n",
	       .name = "pool.example.test.", .type = AN_TYPE_ANAME);
}

static void aname_has_the_number_that_was_configured(void **state)
{
	(void)state;
	scene.config->aname_type = 65280;
	EXPECT("NOERROR aa\nan pool.example.test. 300 TYPE65280 \\# 17 "
	       "067461726765740363646e047465737400\n",
	       .name = "pool.example.test.", .type = 65280);
	EXPECT("NOERROR aa\n" SOA, .name = "pool.example.test.", .type = AN_TYPE_ANAME);
}

/* ---- EDNS ---- */

static void opt_comes_back_only_to_those_who_sent_one(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 do\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .dnssec_ok = true);
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .nsid = true);
	scene.config->nsid = strdup("edge1");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 ecs 192.0.2.0/24/0 "
	       "nsid edge1\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .nsid = true,
	       .ecs = "192.0.2.0/24");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .edns = true);
}

static void keepalive_is_told_over_tcp_to_who_asks(void **state)
{
	(void)state;
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .options = "000b0000");
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232 option 11 0064\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .options = "000b0000", .tcp = true);
	EXPECT("NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\nopt 1232\n",
	       .name = "mail.example.test.", .type = AN_TYPE_A, .edns = true, .tcp = true);
}

/* ---- class CH ---- */

static void the_server_says_of_itself_what_is_configured(void **state)
{
	static const char *const names[] = {"id.server.", "Hostname.BIND.", "version.server.",
	                                    "version.bind.", "authors.bind."};
	char expected[128];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		EXPECT("REFUSED\n", .name = names[i], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
	scene.config->server_id = strdup("edge1");
	scene.config->server_version = strdup("seven");
	for (size_t i = 0; i < 4; i++) {
		snprintf(expected, sizeof(expected), "NOERROR aa\nan %s 0 CH TXT \"%s\"\n",
		         names[i], i < 2 ? "edge1" : "seven");
		EXPECT(expected, .name = names[i], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
		EXPECT(expected, .name = names[i], .type = AN_TYPE_ANY, .class = AN_CLASS_CH);
	}
	EXPECT("REFUSED\n", .name = names[4], .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
	EXPECT("REFUSED\n", .name = names[0], .type = AN_TYPE_A, .class = AN_CLASS_CH);
	EXPECT("REFUSED\n", .name = names[0], .type = AN_TYPE_TXT, .class = AN_CLASS_ANY);
}

static void long_text_is_several_strings(void **state)
{
	char text[601], expected[1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[600] = 0;
	scene.config->server_id = strdup(text);
	snprintf(expected, sizeof(expected),
	         "NOERROR aa\nan id.server. 0 CH TXT \"%.255s\" \"%.255s\" \"%.90s\"\nopt 1232\n",
	         text, text, text);
	EXPECT(expected, .name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_CH,
	       .edns = true);
	EXPECT("NOERROR aa tc\n", .name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_CH);
}

/* ---- cookies ---- */

#define MAIL        "NOERROR aa\nan mail.example.test. 300 A 192.0.2.25\n"
#define CLIENT      "000a00080102030405060708"
#define WHOLE(rest) "000a00180102030405060708" rest

/* The reply's cookie in hex, for the client 0102030405060708. */
static const char *cookie_of(const char *reply)
{
	static char hex[49];
	const char *at = strstr(reply, "option 10 0102030405060708");

	assert_non_null(at);
	snprintf(hex, sizeof(hex), "%s", at + 10);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 48);
	return hex;
}

static void cookie_comes_back_with_the_servers(void **state)
{
	static const char *const rcodes[] = {"mail.example.test.", "no.example.test.",
	                                     "elsewhere.test.", "sub.example.test."};
	char whole[64];

	(void)state;
	EXPECT(MAIL "opt 1232\n", .name = "mail.example.test.", .type = AN_TYPE_A,
	       .options = CLIENT);
	scene.config->cookies = true;
	for (size_t i = 0; i < 4; i++)
		cookie_of(ASK(.name = rcodes[i], .type = AN_TYPE_A, .options = CLIENT));
	cookie_of(ASK(.name = "id.server.", .type = AN_TYPE_TXT, .class = AN_CLASS_ANY,
	              .options = CLIENT));
	/* A good one comes back as it is. */
	snprintf(
	        whole, sizeof(whole), "000a0018%s",
	        cookie_of(ASK(.name = "mail.example.test.", .type = AN_TYPE_A, .options = CLIENT)));
	assert_string_equal(
	        cookie_of(ASK(.name = "mail.example.test.", .type = AN_TYPE_A, .options = whole)),
	        whole + 8);
	EXPECT(MAIL, .name = "mail.example.test.", .type = AN_TYPE_A);
	EXPECT("FORMERR\nopt 1232\n", .name = "mail.example.test.", .type = AN_TYPE_A,
	       .options = "000a0002ffff");
}

static void cookie_that_is_demanded_has_to_be_good(void **state)
{
	const struct ask mail = {.name = "mail.example.test.", .type = AN_TYPE_A};
	struct ask ask = mail;
	char whole[64];

	(void)state;
	scene.config->cookies = scene.config->cookie_required = true;
	EXPECT("NOERROR tc\n", .name = mail.name, .type = mail.type);
	EXPECT("NOERROR tc\nopt 1232\n", .name = mail.name, .type = mail.type, .edns = true);
	EXPECT(MAIL "opt 1232\n", .name = mail.name, .type = mail.type, .edns = true, .tcp = true);
	ask.options = CLIENT;
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\nopt 1232 option 10", 26);
	ask.options = WHOLE("01000000000000000000000000000000");
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\nopt 1232 option 10", 26);
	snprintf(whole, sizeof(whole), "000a0018%s", cookie_of(scene_ask(&scene, &ask)));
	ask.tcp = true;
	assert_memory_equal(scene_ask(&scene, &ask), MAIL "opt 1232 option 10", strlen(MAIL) + 18);
	ask.tcp = false;
	ask.options = whole;
	assert_memory_equal(scene_ask(&scene, &ask), MAIL "opt 1232 option 10", strlen(MAIL) + 18);
	/* It is good for one address. */
	ask.source = "198.51.100.8";
	assert_memory_equal(scene_ask(&scene, &ask), "RCODE23\n", 8);
}

/* RFC 7873 5.4 */
static const char *ask_for_cookie(const char *option)
{
	static const uint8_t head[] = {0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	uint8_t made[512], packet[512], reply[512];
	struct ask ask = {.name = ".", .options = option};
	size_t len = scene_query(&ask, made) - 17;
	struct respond_result result;

	memcpy(packet, head, 12);
	memcpy(packet + 12, made + 17, len);
	result = scene_send(&scene, &ask, packet, 12 + len, reply, sizeof(reply));
	assert_int_equal(result.verdict, RESPOND_SEND);
	return scene_text(reply, result.len);
}

static void cookie_is_asked_for_without_a_question(void **state)
{
	char whole[64];

	(void)state;
	scene.config->cookies = scene.config->cookie_required = true;
	assert_memory_equal(ask_for_cookie(CLIENT), "NOERROR\nopt 1232 option 10", 26);
	snprintf(whole, sizeof(whole), "000a0018%s", cookie_of(ask_for_cookie(CLIENT)));
	assert_memory_equal(ask_for_cookie(whole), "NOERROR\nopt 1232 option 10", 26);
	assert_memory_equal(ask_for_cookie(WHOLE("01000000000000000000000000000000")),
	                    "RCODE23\nopt 1232 option 10", 26);
	scene.config->cookies = false;
	assert_string_equal(ask_for_cookie(CLIENT), "FORMERR\nopt 1232\n");
}

/* ---- zones past their time ---- */

static void expired_zone_is_servfail(void **state)
{
	static const uint8_t apex[] = "\005other\004test";
	struct an_answer_slot *image = calloc(1, AN_SLOT_LARGE_SIZE);
	struct zone *zone = zones_exact(scene.world.zones, apex, sizeof(apex));
	unsigned int turns;
	static const uint8_t www[] = "\003www\005other\004test";

	(void)state;
	assert_non_null(zone);
	assert_int_not_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	zone->expired = true;
	EXPECT("SERVFAIL\nopt 1232 ede 24 zone expired\n", .name = "www.other.test.",
	       .type = AN_TYPE_A, .edns = true);
	EXPECT("SERVFAIL\n", .name = "other.test.", .type = AN_TYPE_SOA);
	/* A chain that leads there ends as at any zone that is not ours. */
	EXPECT("NOERROR aa\nan over.example.test. 300 CNAME www.other.test.\n",
	       .name = "over.example.test.", .type = AN_TYPE_A);
	assert_int_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	zone->expired = false;
	EXPECT("NOERROR aa\nan www.other.test. 120 A 203.0.113.9\n", .name = "www.other.test.",
	       .type = AN_TYPE_A);
	free(image);
}

static void zone_without_data_is_servfail(void **state)
{
	static const uint8_t apex[] = "\005other\004test", www[] = "\003www\005other\004test";
	struct an_answer_slot *image = calloc(1, AN_SLOT_LARGE_SIZE);
	struct zone *zone = zone_without_data(apex, sizeof(apex), NULL);
	struct zones *zones = zones_new(&zone, 1), *before = scene.world.zones;
	unsigned int turns;

	(void)state;
	assert_non_null(zones);
	scene.world.zones = zones;
	EXPECT("SERVFAIL\nopt 1232 ede 14 no data yet\n", .name = "www.other.test.",
	       .type = AN_TYPE_A, .edns = true);
	EXPECT("SERVFAIL\n", .name = "other.test.", .type = AN_TYPE_SOA);
	assert_int_equal(
	        respond_image_static(&scene.world, www, sizeof(www), AN_TYPE_A, 0, &turns, image),
	        0);
	assert_int_equal(
	        respond_image_static(&scene.world, apex, sizeof(apex), AN_TYPE_A, 0, &turns, image),
	        0);
	scene.world.zones = before;
	zones_free(zones);
	free(image);
}

static void transfers_and_notify_are_the_callers(void **state)
{
	(void)state;
	EXPECT("TRANSFER", .name = "example.test.", .type = AN_TYPE_AXFR, .tcp = true);
	EXPECT("TRANSFER", .name = "example.test.", .type = AN_TYPE_IXFR);
	EXPECT("NOTIFY", .name = "example.test.", .type = AN_TYPE_SOA, .flags = 0x2400);
}

/* ---- what the caller is told ---- */

static struct respond_result result_of(const struct ask *ask)
{
	uint8_t query[512], reply[1232];

	return scene_send(&scene, ask, query, scene_query(ask, query), reply, sizeof(reply));
}

static void only_whole_answers_of_one_owner_may_go_to_the_kernel(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned int flags;
	} table[] = {
	        {"www.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"a.wild.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_TXT, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", 12345, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_NS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_SOA, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias.example.test.", AN_TYPE_CNAME, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"text.example.test.", AN_TYPE_ANY, RESPOND_FROM_ZONE},
	        {"text.example.test.", 200, RESPOND_FROM_ZONE},
	        {"text.example.test.", 65300, RESPOND_FROM_ZONE},
	        {"text.example.test.", 0, RESPOND_FROM_ZONE},
	        /* A set that rotates behind a CNAME; one of one record. */
	        {"alias.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias2.example.test.", AN_TYPE_AAAA, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"alias.example.test.", AN_TYPE_MX, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"nowhere.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"out.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"tosub.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"x.old.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"twice.example.test.", AN_TYPE_MX, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"self.example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"toapex.example.test.", AN_TYPE_HTTPS, RESPOND_FROM_ZONE | RESPOND_CACHEABLE},
	        {"over.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"no.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"x.sub.example.test.", AN_TYPE_A, RESPOND_FROM_ZONE},
	        {"example.test.", AN_TYPE_A, RESPOND_FROM_STORE | RESPOND_CACHEABLE},
	        {"x.elsewhere.test.", AN_TYPE_A, 0},
	};

	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 9);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ask ask = {.name = table[i].name, .type = table[i].type};
		struct respond_result result = result_of(&ask);

		assert_int_equal(result.verdict, RESPOND_SEND);
		assert_int_equal(result.flags, table[i].flags);
		if (result.flags & RESPOND_CACHEABLE) {
			char text[NAME_TEXT_MAX];

			assert_string_equal(name_to_text(result.want.owner, text), table[i].name);
			assert_int_equal(result.want.type, table[i].type);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(a_record_is_answered_with_its_own_ttl),
	        TEST(ad_cd_and_z_do_not_come_back),
	        TEST(the_question_keeps_its_case_and_the_pointers_their_place),
	        TEST(every_address_of_a_set_comes_first_in_turn),
	        TEST(missing_type_is_nodata_with_the_negative_ttl),
	        TEST(missing_name_is_nxdomain),
	        TEST(name_of_no_zone_is_refused),
	        TEST(apex_has_soa_and_ns_with_addresses),
	        TEST(every_class_is_answered_without_authority),
	        TEST(wildcard_is_answered_under_the_name_asked),
	        TEST(cnames_are_followed_inside_our_zones),
	        TEST(rcode_is_that_of_the_last_name),
	        TEST(loop_of_cnames_ends),
	        TEST(delegation_is_a_referral_with_glue),
	        TEST(parent_answers_for_ds),
	        TEST(chain_into_a_delegation_keeps_aa),
	        TEST(dname_makes_a_cname),
	        TEST(mx_and_srv_bring_addresses),
	        TEST(https_brings_addresses_of_its_target_or_its_owner),
	        TEST(aliases_of_services_bring_the_service),
	        TEST(any_below_a_dname_follows_it),
	        TEST(a_dname_that_the_chain_comes_back_to_is_there_once),
	        TEST(rt_kx_and_afsdb_bring_addresses),
	        TEST(addresses_of_another_zone_are_not_added),
	        TEST(each_address_is_added_once),
	        TEST(tailored_addresses_do_not_stand_beside_an_answer_of_scope_0),
	        TEST(any_gives_one_set_addresses_first),
	        TEST(missing_answer_is_waited_for),
	        TEST(stored_answer_counts_down_and_carries_its_scope),
	        TEST(special_use_option_gets_its_block_as_scope),
	        TEST(chain_into_a_flattened_name_ends_with_its_addresses),
	        TEST(negative_answer_is_nodata_of_our_zone_with_scope_0),
	        TEST(last_good_answer_is_stale),
	        TEST(failure_is_servfail_or_the_owners_own_address),
	        TEST(other_types_at_an_aname_owner),
	        TEST(aname_has_the_number_that_was_configured),
	        TEST(opt_comes_back_only_to_those_who_sent_one),
	        TEST(keepalive_is_told_over_tcp_to_who_asks),
	        TEST(the_server_says_of_itself_what_is_configured),
	        TEST(long_text_is_several_strings),
	        TEST(cookie_comes_back_with_the_servers),
	        TEST(cookie_that_is_demanded_has_to_be_good),
	        TEST(cookie_is_asked_for_without_a_question),
	        TEST(expired_zone_is_servfail),
	        TEST(zone_without_data_is_servfail),
	        TEST(transfers_and_notify_are_the_callers),
	        TEST(only_whole_answers_of_one_owner_may_go_to_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
