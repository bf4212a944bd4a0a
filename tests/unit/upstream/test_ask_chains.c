/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains of CNAMEs over one upstream and several. */
#include "asking.h"

static void links_to_the_other(struct fake_query *query)
{
	begin(query, 0x480);
	draft_cname(&draft, query->name, 50, "edge.cdn.net");
	echo(query, 16);
	send_draft(query);
}

static void the_cdn(struct fake_query *query)
{
	if (strcmp(query->name, "edge.cdn.net."))
		fail_msg("asked for %s", query->name);
	begin(query, 0x480);
	draft_cname(&draft, query->name, 40, "pop.cdn.net");
	draft_address(&draft, "pop.cdn.net", 90, "192.0.2.1");
	echo(query, 22);
	send_draft(query);
}

static void an_authoritative_chain_is_followed_to_the_next_upstream(void **state)
{
	(void)state;
	set_suffix(add("127.0.0.1", links_to_the_other), "example");
	set_suffix(add("127.0.0.1", the_cdn), "cdn.net");
	upstreams[0].kind = upstreams[1].kind = UPSTREAM_AUTHORITATIVE;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.1");
	assert_int_equal(result.ttl, 40);
	assert_int_equal(result.scope, 22);
	assert_int_equal(result.chain_count, 2);
	assert_memory_equal(result.chain[0], "\4edge\3cdn\3net", 14);
	assert_memory_equal(result.chain[1], "\3pop\3cdn\3net", 13);
	assert_int_equal(result.index, 1);
	assert_int_equal(fakes[1].last.source, 24);
}

static bool is_pop(const uint8_t *name, size_t len, uint16_t type, void *arg)
{
	(void)arg;
	assert_int_equal(type, AN_TYPE_A);
	return len == 13 && !memcmp(name, "\3pop\3cdn\3net", 13);
}

static void a_chain_that_leads_to_our_own_ends_there(void **state)
{
	(void)state;
	set_suffix(add("127.0.0.1", links_to_the_other), "example");
	set_suffix(add("127.0.0.1", the_cdn), "cdn.net");
	upstreams[0].kind = upstreams[1].kind = UPSTREAM_AUTHORITATIVE;
	upstream = upstream_new(&loop, &config);
	upstream_own(upstream, is_pop, NULL);
	ask("name.example", "192.0.2.0/24");
	/* Whatever the reply says of our own name. */
	assert_int_equal(result.status, UPSTREAM_LED);
	assert_int_equal(result.count, 0);
	assert_int_equal(result.ttl, 40);
	assert_int_equal(result.scope, 22);
	assert_int_equal(result.chain_count, 2);
	assert_memory_equal(result.chain[1], "\3pop\3cdn\3net", 13);
}

static void what_a_resolver_found_at_our_own_is_taken(void **state)
{
	(void)state;
	add("127.0.0.1", the_cdn);
	upstream = upstream_new(&loop, &config);
	upstream_own(upstream, is_pop, NULL);
	ask("edge.cdn.net", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.1");
}

static void wider(struct fake_query *query)
{
	begin(query, 0x480);
	draft_address(&draft, query->name, 60, "192.0.2.1");
	echo(query, 8);
	send_draft(query);
}

static void the_longest_scope_holds_whichever_question_gave_it(void **state)
{
	(void)state;
	set_suffix(add("127.0.0.1", links_to_the_other), "example");
	set_suffix(add("127.0.0.1", good), "cdn.net");
	upstreams[0].kind = upstreams[1].kind = UPSTREAM_AUTHORITATIVE;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.scope, 24);
	upstream_free(upstream);
	upstream = NULL;
	set_suffix(&upstreams[0], "cdn.net");
	set_suffix(&upstreams[1], "example");
	fakes[0].script = wider;
	fakes[1].script = links_to_the_other;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.scope, 16);
	fakes[0].script = without_opt;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 16);
	assert_true(result.ecs_echoed);
}

static void failures_of_an_earlier_question_are_not_told_of_a_later(void **state)
{
	(void)state;
	set_suffix(add("127.0.0.1", servfail), "example");
	set_suffix(add("127.0.0.1", links_to_the_other), "example");
	upstreams[0].kind = upstreams[1].kind = UPSTREAM_AUTHORITATIVE;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
}

static void loop_in_one(struct fake_query *query)
{
	begin(query, 0x80);
	draft_cname(&draft, query->name, 50, "b.example");
	draft_cname(&draft, "b.example", 50, query->name);
	send_draft(query);
}

static void a_loop_inside_one_reply_is_seen_and_final(void **state)
{
	(void)state;
	add("127.0.0.1", loop_in_one);
	add("127.0.0.1", good);
	ask("a.example", NULL);
	assert_int_equal(result.status, UPSTREAM_CHAIN);
	assert_int_equal(fakes[1].queries, 0);
}

static void a_chain_that_leads_nowhere_has_no_upstream(void **state)
{
	(void)state;
	set_suffix(add("127.0.0.1", links_to_the_other), "example");
	upstreams[0].kind = UPSTREAM_AUTHORITATIVE;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
}

static void around(struct fake_query *query)
{
	begin(query, 0x480);
	draft_cname(&draft, query->name, 50,
	            strcmp(query->name, "a.example.") ? "A.example" : "b.example");
	send_draft(query);
}

static void a_loop_over_several_questions_is_seen(void **state)
{
	(void)state;
	add("127.0.0.1", around)->kind = UPSTREAM_AUTHORITATIVE;
	ask("a.example", NULL);
	assert_int_equal(result.status, UPSTREAM_CHAIN);
	assert_int_equal(fakes[0].queries, 2);
}

static void ever_on(struct fake_query *query)
{
	char next[32];

	begin(query, 0x480);
	snprintf(next, sizeof(next), "n%u.example", query->number);
	draft_cname(&draft, query->name, 50, next);
	send_draft(query);
}

static void a_chain_without_end_ends_after_sixteen_links(void **state)
{
	(void)state;
	add("127.0.0.1", ever_on)->kind = UPSTREAM_AUTHORITATIVE;
	ask("a.example", NULL);
	assert_int_equal(result.status, UPSTREAM_CHAIN);
	assert_int_equal(fakes[0].queries, 17);
	assert_int_equal(result.chain_count, 16);
}

static void chain_to_nodata(struct fake_query *query)
{
	begin(query, 0x480);
	draft_cname(&draft, query->name, 50, "empty.example");
	draft_soa(&draft, "example", 30, 30);
	send_draft(query);
}

static void a_chain_that_ends_inside_the_zone_is_negative(void **state)
{
	(void)state;
	add("127.0.0.1", chain_to_nodata)->kind = UPSTREAM_AUTHORITATIVE;
	ask("a.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_int_equal(result.ttl, 30);
	assert_int_equal(fakes[0].queries, 1);
}

static void referral(struct fake_query *query)
{
	begin(query, 0);
	draft_record(&draft, AUTHORITY, "example", 2, 300, "\2ns\0", 4);
	send_draft(query);
}

static void a_resolver_that_does_not_resolve_for_us_is_a_failure(void **state)
{
	(void)state;
	add("127.0.0.1", referral);
	ask("a.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
}

static void a_referral_from_an_authoritative_one_is_a_failure(void **state)
{
	(void)state;
	add("127.0.0.1", referral)->kind = UPSTREAM_AUTHORITATIVE;
	add("127.0.0.1", good_as_2);
	ask("a.example", NULL);
	assert_int_equal(result.index, 1);
	assert_int_equal(stats(0).failures, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        ASK_TEST(an_authoritative_chain_is_followed_to_the_next_upstream),
	        ASK_TEST(a_chain_that_leads_to_our_own_ends_there),
	        ASK_TEST(what_a_resolver_found_at_our_own_is_taken),
	        ASK_TEST(the_longest_scope_holds_whichever_question_gave_it),
	        ASK_TEST(failures_of_an_earlier_question_are_not_told_of_a_later),
	        ASK_TEST(a_loop_inside_one_reply_is_seen_and_final),
	        ASK_TEST(a_chain_that_leads_nowhere_has_no_upstream),
	        ASK_TEST(a_loop_over_several_questions_is_seen),
	        ASK_TEST(a_chain_without_end_ends_after_sixteen_links),
	        ASK_TEST(a_chain_that_ends_inside_the_zone_is_negative),
	        ASK_TEST(a_resolver_that_does_not_resolve_for_us_is_a_failure),
	        ASK_TEST(a_referral_from_an_authoritative_one_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
