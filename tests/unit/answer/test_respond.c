/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies out of zone data, record by record. */
#include "unit/answer/respond_zones.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
