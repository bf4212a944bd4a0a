/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions that are answered: what goes out, what comes back, what is not believed. */
#include "asking.h"

/* ---- the plain case ---- */

static void addresses_come_back_sorted_with_the_least_ttl(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 300, "198.51.100.7");
	draft_address(&draft, query->name, 90, "192.0.2.9");
	draft_address(&draft, query->name, 300, "198.51.100.7");
	echo(query, 20);
	send_draft(query);
}

static void an_answer_comes_back_later_and_whole(void **state)
{
	(void)state;
	add("127.0.0.1", addresses_come_back_sorted_with_the_least_ttl);
	ask("Name.Example", "192.0.2.128/25");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.9 198.51.100.7");
	assert_int_equal(result.ttl, 90);
	assert_int_equal(result.scope, 20);
	assert_true(result.ecs_echoed);
	assert_int_equal(result.asked.family, 1);
	assert_int_equal(result.asked.len, 24);
	assert_int_equal(result.asked.address[2], 2);
	assert_int_equal(result.asked.address[3], 0);
	assert_string_equal(fakes[0].last.name, "name.example.");
	assert_int_equal(stats(0).asked, 1);
	assert_int_equal(stats(0).answered, 1);
	assert_in_range(stats(0).rtt_us, 1, 1000000);
}

static void upstream_over_ipv6_is_asked(void **state)
{
	(void)state;
	add("::1", good);
	ask("name.example", "2001:db8:1:2:3::/80");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(fakes[0].last.family, 2);
	assert_int_equal(fakes[0].last.source, 56);
}

static void aaaa_addresses_of_sixteen_octets(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 300, "2001:db8::2");
	draft_address(&draft, query->name, 300, "2001:db8::1");
	send_draft(query);
}

static void aaaa_is_asked_for_as_such(void **state)
{
	(void)state;
	add("127.0.0.1", aaaa_addresses_of_sixteen_octets);
	ask_with("name.example", 28, NULL, on_done, NULL);
	wait_for(1);
	assert_int_equal(fakes[0].last.type, 28);
	assert_int_equal(result.count, 2);
	assert_int_equal(result.octets[15], 1);
	assert_int_equal(result.octets[31], 2);
}

static void the_query_is_as_the_kind_and_the_limits_say(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	ask("name.example", "192.0.0.0/16");
	assert_int_equal(fakes[0].last.octets[2], 1); /* RD */
	assert_int_equal(fakes[0].last.payload, 1232);
	assert_int_equal(fakes[0].last.source, 16); /* shorter than the limit: as it is */
	ask("name.example", NULL);
	assert_true(fakes[0].last.ecs);
	assert_int_equal(fakes[0].last.family, 1);
	assert_int_equal(fakes[0].last.source, 0);
	assert_int_equal(result.asked.family, 0);
	assert_int_equal(result.scope, 0);
}

static void an_authoritative_one_is_asked_without_rd(void **state)
{
	(void)state;
	add("127.0.0.1", good)->kind = UPSTREAM_AUTHORITATIVE;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(fakes[0].last.octets[2], 0);
}

static void no_option_goes_to_one_without_ecs(void **state)
{
	(void)state;
	add("127.0.0.1", good)->ecs = false;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_true(fakes[0].last.edns);
	assert_false(fakes[0].last.ecs);
	assert_int_equal(result.asked.family, 0);
	assert_false(result.ecs_echoed);
}

static void a_limit_of_0_sends_source_0(void **state)
{
	uint8_t limits[2], root[1] = {0};

	(void)state;
	add("127.0.0.1", good)->ecs_ipv4_max = 0;
	ask("name.example", "192.0.2.0/24");
	assert_true(fakes[0].last.ecs);
	assert_int_equal(fakes[0].last.source, 0);
	upstream_limits(upstream, root, 1, limits);
	assert_int_equal(limits[0], 0);
	assert_int_equal(limits[1], 56);
}

static void letters_go_out_in_changing_case(void **state)
{
	bool changed = false;
	uint8_t first[256];

	(void)state;
	add("127.0.0.1", good);
	for (int i = 0; i < 5; i++) {
		ask("a-long-enough-name.example", NULL);
		if (i)
			changed |= memcmp(first, fakes[0].last.octets + 12, 27) != 0;
		memcpy(first, fakes[0].last.octets + 12, 27);
	}
	assert_true(changed);
}

/* c-ares compares questions in its own presentation form. */
static void names_of_any_octets_and_the_longest_are_asked(void **state)
{
	static const char *const odd[] = {
	        ".", "_x.example", "a\\.b.example", "\\000\\255\\032.example", "*.example", "-.1",
	};
	char longest[512] = "";

	(void)state;
	add("127.0.0.1", good);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ask(odd[i], "192.0.2.0/24");
		assert_int_equal(result.status, UPSTREAM_OK);
	}
	for (int i = 0; i < 127; i++)
		strcat(longest, "z.");
	ask(longest, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	memset(longest, 'y', 63);
	strcpy(longest + 63, ".example");
	ask(longest, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(stats(0).mismatched, 0);
}

/* ---- negatives ---- */

static void nxdomain_at_the_end_of_a_chain(struct fake_query *query)
{
	begin(query, 0x83);
	draft_cname(&draft, query->name, 40, "gone.example");
	draft_soa(&draft, "example", 100, 50);
	echo(query, 0);
	send_draft(query);
}

static void nxdomain_is_negative_with_the_least_ttl(void **state)
{
	(void)state;
	add("127.0.0.1", nxdomain_at_the_end_of_a_chain);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_true(result.nxdomain);
	assert_int_equal(result.ttl, 40);
	assert_int_equal(result.chain_count, 1);
}

static void nodata(struct fake_query *query)
{
	begin(query, 0x80);
	if (query->number == 1)
		draft_soa(&draft, "example", 100, 50);
	send_draft(query);
}

static void nodata_has_the_soas_ttl_or_0(void **state)
{
	(void)state;
	add("127.0.0.1", nodata);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_false(result.nxdomain);
	assert_int_equal(result.ttl, 50);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_int_equal(result.ttl, 0);
}

/* ---- what is not believed (RFC 5452) ---- */

static void wrong_ones_first(struct fake_query *query)
{
	static const uint8_t other[16] = {203, 0, 113};
	size_t len;

	for (int fault = 0; fault < 6; fault++) {
		begin(query, 0x80);
		draft_address(&draft, query->name, 60, "203.0.113.66");
		if (fault == 3)
			draft_opt_ecs(&draft, 1, 24, 24, other);
		else if (fault == 4)
			draft_opt_ecs(&draft, 2, 24, 24, query->address);
		else if (fault == 5)
			draft_opt_ecs(&draft, 1, 23, 24, query->address);
		else
			echo(query, 24);
		len = draft_end(&draft);
		if (fault == 0)
			draft.octets[1] ^= 1; /* id */
		if (fault == 1)
			draft.octets[13] ^= 0x20; /* case of a letter */
		if (fault == 2)
			draft.octets[query->question_end - 3] = 28; /* type */
		fake_send(query, draft.octets, len);
	}
	fake_send(query, draft.octets, 5); /* no header */
	fake_send(query, draft.octets, 0);
	good(query);
}

static void wrong_replies_are_dropped_and_the_right_one_is_awaited(void **state)
{
	(void)state;
	add("127.0.0.1", wrong_ones_first);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.1");
	assert_int_equal(stats(0).mismatched, 8);
	assert_int_equal(stats(0).asked, 1);
	assert_int_equal(stats(0).failures, 0);
}

static void lower_case_only(struct fake_query *query)
{
	draft_good(query);
	name_lower(draft.octets + 12, draft.octets + 12, query->question_end - 16);
	send_draft(query);
}

static void one_that_only_gives_wrong_replies_is_bad(void **state)
{
	(void)state;
	add("127.0.0.1", lower_case_only)->tries = 2;
	ask("abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwxyz", NULL);
	assert_int_equal(result.status, UPSTREAM_BAD);
	assert_int_equal(stats(0).mismatched, 2);
	assert_int_equal(stats(0).timeouts, 2);
}

static void unreadable(struct fake_query *query)
{
	begin(query, 0x80);
	draft.counts[ANSWER] = 3; /* and none there */
	send_draft(query);
}

static void a_malformed_reply_is_bad_and_the_next_upstream_is_asked(void **state)
{
	(void)state;
	add("127.0.0.1", unreadable);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_BAD);
	upstream_free(upstream);
	upstream = NULL;
	add("127.0.0.1", good);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.index, 1);
}

/* ---- ids and ports (RFC 5452 9.2) ---- */

static struct {
	uint32_t ids[1000], ports[1000], both[1000];
	unsigned int count;
} seen;

static void remember(struct fake_query *query)
{
	seen.ids[seen.count] = query->id;
	seen.both[seen.count] = (uint32_t)query->source_port << 16 | query->id;
	seen.ports[seen.count++] = query->source_port;
	draft_good(query);
	fake_send_later(query, draft.octets, draft_end(&draft), 20);
}

static int compare32(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

static unsigned int distinct(uint32_t *numbers, unsigned int count)
{
	unsigned int found = count > 0;

	qsort(numbers, count, sizeof(*numbers), compare32);
	for (unsigned int i = 1; i < count; i++)
		found += numbers[i] != numbers[i - 1];
	return found;
}

static void many_at_once_have_ids_of_their_own_and_several_ports(void **state)
{
	(void)state;
	add("127.0.0.1", remember)->timeout_ms = 5000;
	seen.count = 0;
	for (unsigned int i = 0; i < 600; i++) {
		ask_with("name.example", 1, NULL, on_done, NULL);
		if (i % 50 == 49) /* so that no socket's buffer overflows */
			for (int j = 0; j < 10; j++)
				uv_run(&loop, UV_RUN_NOWAIT);
	}
	wait_for(600);
	assert_int_equal(seen.count, 600);
	assert_int_equal(stats(0).answered, 600);
	assert_in_range(distinct(seen.ports, 600), 3, 600);
	assert_in_range(distinct(seen.ids, 600), 580, 600);
	assert_int_equal(distinct(seen.both, 600), 600);
}

static void one_after_the_other_each_has_another_port(void **state)
{
	(void)state;
	add("127.0.0.1", remember);
	seen.count = 0;
	for (int i = 0; i < 20; i++)
		ask("name.example", NULL);
	assert_in_range(distinct(seen.ports, 20), 15, 20);
	assert_in_range(distinct(seen.ids, 20), 19, 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        ASK_TEST(an_answer_comes_back_later_and_whole),
	        ASK_TEST(upstream_over_ipv6_is_asked),
	        ASK_TEST(aaaa_is_asked_for_as_such),
	        ASK_TEST(the_query_is_as_the_kind_and_the_limits_say),
	        ASK_TEST(an_authoritative_one_is_asked_without_rd),
	        ASK_TEST(no_option_goes_to_one_without_ecs),
	        ASK_TEST(a_limit_of_0_sends_source_0),
	        ASK_TEST(letters_go_out_in_changing_case),
	        ASK_TEST(names_of_any_octets_and_the_longest_are_asked),
	        ASK_TEST(nxdomain_is_negative_with_the_least_ttl),
	        ASK_TEST(nodata_has_the_soas_ttl_or_0),
	        ASK_TEST(wrong_replies_are_dropped_and_the_right_one_is_awaited),
	        ASK_TEST(one_that_only_gives_wrong_replies_is_bad),
	        ASK_TEST(a_malformed_reply_is_bad_and_the_next_upstream_is_asked),
	        ASK_TEST(many_at_once_have_ids_of_their_own_and_several_ports),
	        ASK_TEST(one_after_the_other_each_has_another_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
