/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake.h"

#include "base/clock.h"
#include "upstream/upstream.h"

#define FAKES_MAX 3

static uv_loop_t loop;
static struct fake fakes[FAKES_MAX];
static struct config_upstream upstreams[FAKES_MAX];
static struct config config;
static struct upstream *upstream;

/* What came back; the newest, and how many. */
static struct upstream_result result;
static unsigned int results;
static bool inside_ask;

static int set_up(void **state)
{
	(void)state;
	uv_loop_init(&loop);
	memset(&config, 0, sizeof(config));
	config.upstreams = upstreams;
	config.resolution_ms = 10000;
	upstream = NULL;
	results = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	upstream_free(upstream);
	for (size_t i = 0; i < config.upstreams_count; i++)
		fake_close(&fakes[i]);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* One more upstream, with times that suit a test. */
static struct config_upstream *add(const char *address, fake_script script)
{
	size_t i = config.upstreams_count++;

	fake_open(&fakes[i], &loop, address, script);
	upstreams[i] = (struct config_upstream){
	        .address = fakes[i].endpoint,
	        .kind = UPSTREAM_RESOLVER,
	        .suffix = {.len = 1},
	        .ecs_ipv4_max = 24,
	        .ecs_ipv6_max = 56,
	        .ecs = true,
	        .timeout_ms = 100,
	        .hedge_ms = 1000,
	        .tries = 1,
	};
	return &upstreams[i];
}

static void set_suffix(struct config_upstream *of, const char *text)
{
	of->suffix.len = (uint8_t)name_from_text(text, NULL, 0, of->suffix.name);
}

static void on_done(const struct upstream_result *given, void *arg)
{
	assert_false(inside_ask);
	result = *given;
	results++;
	if (arg)
		*(struct upstream_ask **)arg = NULL;
}

static struct upstream_ask *ask_with(const char *target, uint16_t type, const char *network,
                                     upstream_done done, void *arg)
{
	struct network client = {0};
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(target, NULL, 0, name);
	struct upstream_ask *asked;

	if (network)
		assert_int_equal(network_parse(network, &client), 0);
	if (!upstream)
		upstream = upstream_new(&loop, &config);
	assert_non_null(upstream);
	inside_ask = true;
	asked = upstream_ask(upstream, name, (size_t)len, type, &client, done, arg);
	inside_ask = false;
	assert_non_null(asked);
	return asked;
}

static void wait_for(unsigned int count)
{
	uint64_t start = clock_ms();

	while (results < count && clock_ms() - start < 15000)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(results, count);
}

static void ask(const char *target, const char *network)
{
	ask_with(target, 1, network, on_done, NULL);
	wait_for(results + 1);
}

static struct upstream_stats stats(size_t index)
{
	struct upstream_stats ret;

	upstream_stats(upstream, index, &ret);
	return ret;
}

static void assert_addresses(const char *expected)
{
	char text[1024] = "", one[NET_TEXT_MAX];

	for (unsigned int i = 0; i < result.count; i++) {
		net_address_text(AN_FAMILY_IPV4, result.octets + 4 * i, one);
		strcat(strcat(text, i ? " " : ""), one);
	}
	assert_string_equal(text, expected);
}

/* ---- scripts ---- */

static struct draft draft;

static void begin(const struct fake_query *query, unsigned int flags)
{
	draft_begin(&draft, query->octets, query->question_end, flags);
}

static void send_draft(const struct fake_query *query)
{
	fake_send(query, draft.octets, draft_end(&draft));
}

/* OPT as a resolver would: with the option and this scope if it was asked for. */
static void echo(const struct fake_query *query, unsigned int scope)
{
	if (query->ecs)
		draft_opt_ecs(&draft, query->family, query->source, query->source ? scope : 0,
		              query->address);
	else if (query->edns)
		draft_opt(&draft, 0);
}

static void draft_good(const struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.1");
	echo(query, 24);
}

static void good(struct fake_query *query)
{
	draft_good(query);
	send_draft(query);
}

static void good_as_2(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.2");
	echo(query, 20);
	send_draft(query);
}

static void silent(struct fake_query *query)
{
	(void)query;
}

static void fails_with(struct fake_query *query, unsigned int rcode)
{
	begin(query, 0x80 | rcode);
	echo(query, 0);
	send_draft(query);
}

static void servfail(struct fake_query *query)
{
	fails_with(query, 2);
}

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

/* ---- upstreams that speak less ---- */

static void formerr_to_ecs(struct fake_query *query)
{
	if (query->ecs)
		fails_with(query, 1);
	else
		good(query);
}

static void one_without_ecs_is_asked_again_and_remembered(void **state)
{
	(void)state;
	add("127.0.0.1", formerr_to_ecs);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 0);
	assert_false(result.ecs_echoed);
	assert_int_equal(result.asked.family, 0);
	assert_true(fakes[0].last.edns);
	assert_int_equal(fakes[0].queries, 2);
	assert_int_equal(stats(0).without_ecs, 1);
	assert_true(stats(0).no_ecs);
	assert_false(stats(0).no_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(fakes[0].queries, 3);
}

static void formerr_to_edns(struct fake_query *query)
{
	begin(query, 0x80 | (query->edns ? 1 : 0));
	if (!query->edns)
		draft_address(&draft, query->name, 60, "192.0.2.1");
	send_draft(query);
}

static void one_without_edns_is_asked_plainly_and_remembered(void **state)
{
	(void)state;
	add("127.0.0.1", formerr_to_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_addresses("192.0.2.1");
	assert_int_equal(fakes[0].queries, 3); /* ECS, EDNS, neither: each whole, none cut */
	assert_false(fakes[0].last.edns);
	assert_int_equal(fakes[0].last.len, fakes[0].last.question_end);
	assert_true(stats(0).no_edns);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(fakes[0].queries, 4);
	assert_false(fakes[0].last.edns);
}

static void without_opt(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.1");
	send_draft(query);
}

static void a_reply_without_opt_holds_for_everyone(void **state)
{
	(void)state;
	add("127.0.0.1", without_opt);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 0);
	assert_false(result.ecs_echoed);
	assert_int_equal(result.asked.len, 24);
}

static void refused_to_ecs(struct fake_query *query)
{
	if (query->ecs)
		fails_with(query, 5);
	else
		good(query);
}

static void refused_is_asked_again_without_ecs_and_believed_the_third_time(void **state)
{
	(void)state;
	add("127.0.0.1", refused_to_ecs);
	for (unsigned int i = 1; i <= 3; i++) {
		ask("name.example", "192.0.2.0/24");
		assert_int_equal(result.status, UPSTREAM_OK);
		assert_int_equal(fakes[0].queries, 2 * i);
		assert_int_equal(stats(0).no_ecs, i == 3);
	}
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(fakes[0].queries, 7);
}

static void refused(struct fake_query *query)
{
	fails_with(query, 5);
}

static void refused_with_and_without_ecs_is_a_failure(void **state)
{
	(void)state;
	add("127.0.0.1", refused);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 5);
	assert_int_equal(fakes[0].queries, 2);
	assert_false(stats(0).no_ecs);
}

/* ---- truncation ---- */

static void big_over_tcp(struct fake_query *query)
{
	begin(query, query->stream ? 0x80 : 0x280);
	for (unsigned int i = 0; query->stream && i < 200; i++) {
		char text[32];

		snprintf(text, sizeof(text), "192.0.2.%u", i);
		draft_address(&draft, query->name, 60, text);
	}
	echo(query, 24);
	send_draft(query);
}

static void a_truncated_reply_is_fetched_over_tcp(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.count, 64);
	assert_int_equal(result.scope, 24);
	assert_int_equal(fakes[0].tcp_queries, 1);
	assert_int_equal(stats(0).tcp, 1);
	assert_int_equal(stats(0).asked, 1);
}

static void formerr_over_tcp(struct fake_query *query)
{
	if (query->stream && query->len != query->question_end)
		fails_with(query, 1);
	else
		big_over_tcp(query);
}

static void formerr_over_tcp_leaves_later_questions_whole(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	ask("name.example", "192.0.2.0/24");
	fakes[0].script = formerr_over_tcp;
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.count, 64);
	fakes[0].script = good;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_false(fakes[0].last.edns);
	assert_true(stats(0).no_edns);
}

static void mismatch_over_tcp(struct fake_query *query)
{
	static const uint8_t other[16] = {203, 0, 113};

	if (!query->stream) {
		big_over_tcp(query);
		return;
	}
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "203.0.113.66");
	draft_opt_ecs(&draft, 1, 24, 24, other);
	send_draft(query);
}

static void a_wrong_echo_over_tcp_is_not_believed(void **state)
{
	(void)state;
	add("127.0.0.1", mismatch_over_tcp);
	ask("name.example", "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_BAD);
	assert_int_equal(stats(0).mismatched, 1);
}

static void tcp_that_is_closed_is_a_network_failure(void **state)
{
	(void)state;
	add("127.0.0.1", big_over_tcp);
	uv_close((uv_handle_t *)&fakes[0].tcp, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
}

/* ---- failing, and asking others ---- */

static void silence_is_a_timeout_after_all_tries(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", silent)->tries = 3;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_TIMEOUT);
	assert_int_equal(fakes[0].queries, 3);
	assert_int_equal(stats(0).timeouts, 3);
	assert_in_range(clock_ms() - start, 290, 900);
}

static void the_second_try(struct fake_query *query)
{
	if (query->number == 2)
		good(query);
}

static void a_lost_packet_is_sent_again_under_another_id(void **state)
{
	(void)state;
	add("127.0.0.1", the_second_try)->tries = 2;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(stats(0).timeouts, 1);
	assert_int_equal(stats(0).answered, 1);
}

/* The loop is held up for longer than the time-out, with the reply in the socket already. */
static void good_and_held_up(struct fake_query *query)
{
	good(query);
	uv_sleep(150);
}

static void a_reply_that_waited_in_the_socket_is_not_late(void **state)
{
	(void)state;
	add("127.0.0.1", good_and_held_up);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(stats(0).timeouts, 0);
}

static void a_closed_port_is_a_network_failure_at_once(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", silent)->timeout_ms = 5000;
	fake_close(&fakes[0]);
	uv_run(&loop, UV_RUN_NOWAIT);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
	assert_in_range(clock_ms() - start, 0, 1000);
	assert_int_equal(stats(0).failures, 1);
}

static void an_unreachable_address_is_a_network_failure(void **state)
{
	(void)state;
	add("127.0.0.1", silent);
	endpoint_parse("255.255.255.255@53", 53, &upstreams[0].address);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
}

static void servfail_alone_is_told_with_its_rcode(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 2);
	assert_int_equal(stats(0).failures, 1);
}

static void badvers(struct fake_query *query)
{
	begin(query, 0x80);
	draft_opt(&draft, 1);
	send_draft(query);
}

static void an_rcode_in_opt_is_not_taken_for_noerror(void **state)
{
	(void)state;
	add("127.0.0.1", badvers);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 16);
}

static void a_failing_upstream_gives_way_and_is_asked_last_next_time(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	add("127.0.0.1", good_as_2);
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_int_equal(result.index, 1);
	assert_int_equal(fakes[0].queries, 1);
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_int_equal(fakes[0].queries, 1);
	assert_int_equal(stats(1).hedged, 0);
}

static void of_several_failures_the_one_that_says_most_is_told(void **state)
{
	(void)state;
	add("127.0.0.1", servfail);
	add("127.0.0.1", silent);
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 2);
	assert_int_equal(fakes[1].queries, 1);
}

static void slow(struct fake_query *query)
{
	draft_good(query);
	fake_send_later(query, draft.octets, draft_end(&draft), 300);
}

static void a_slow_upstream_is_hedged(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	add("127.0.0.1", slow);
	add("127.0.0.1", good_as_2);
	upstreams[0].timeout_ms = 2000;
	upstreams[0].hedge_ms = 50;
	ask("name.example", NULL);
	assert_addresses("192.0.2.2");
	assert_in_range(clock_ms() - start, 45, 250);
	assert_int_equal(stats(1).hedged, 1);
	assert_int_equal(stats(0).hedged, 0);
	/* The loser's reply is no second result, and counts as an answer of a living upstream. */
	while (!stats(0).answered && clock_ms() - start < 2000)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(stats(0).answered, 1);
	assert_int_equal(results, 1);
}

static void the_first_wins_where_it_is_the_faster_after_all(void **state)
{
	(void)state;
	add("127.0.0.1", slow);
	add("127.0.0.1", silent);
	upstreams[0].timeout_ms = upstreams[1].timeout_ms = 2000;
	upstreams[0].hedge_ms = 50;
	ask("name.example", NULL);
	assert_addresses("192.0.2.1");
	assert_int_equal(stats(1).hedged, 1);
}

static void the_longest_suffix_is_asked(void **state)
{
	uint8_t limits[2], name[NAME_MAX_LEN];
	int len = name_from_text("x.y.example", NULL, 0, name);

	(void)state;
	add("127.0.0.1", good);
	set_suffix(add("127.0.0.1", good_as_2), "example");
	set_suffix(add("127.0.0.1", servfail), "y.example");
	upstreams[2].ecs_ipv4_max = 20;
	ask("name.example", NULL);
	assert_int_equal(result.index, 1);
	ask("EXAMPLE", NULL);
	assert_int_equal(result.index, 1);
	ask("an-example", NULL);
	assert_int_equal(result.index, 0);
	ask("x.y.example", NULL);
	assert_int_equal(result.status, UPSTREAM_SERVFAIL); /* no way out to shorter suffixes */
	upstream_limits(upstream, name, (size_t)len, limits);
	assert_int_equal(limits[0], 20);
}

static void without_an_upstream_there_is_none(void **state)
{
	(void)state;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
	set_suffix(add("127.0.0.1", good), "example");
	upstream_free(upstream);
	upstream = NULL;
	ask("name.net", NULL);
	assert_int_equal(result.status, UPSTREAM_NONE);
	assert_int_equal(fakes[0].queries, 0);
}

static void all_ends_after_the_resolution_time(void **state)
{
	uint64_t start = clock_ms();

	(void)state;
	config.resolution_ms = 150;
	add("127.0.0.1", silent)->timeout_ms = 2000;
	ask("name.example", NULL);
	assert_int_equal(result.status, UPSTREAM_TIMEOUT);
	assert_in_range(clock_ms() - start, 145, 600);
}

/* ---- chains ---- */

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

/* ---- handles ---- */

static void a_cancelled_question_gives_no_result(void **state)
{
	struct upstream_ask *asked;

	(void)state;
	add("127.0.0.1", good);
	asked = ask_with("name.example", 1, NULL, on_done, NULL);
	upstream_cancel(asked); /* before anything happened */
	asked = ask_with("name.example", 1, NULL, on_done, NULL);
	while (fakes[0].queries < 2) /* with the reply under way */
		uv_run(&loop, UV_RUN_ONCE);
	upstream_cancel(asked);
	ask("name.example", NULL);
	assert_int_equal(results, 1);
	assert_int_equal(fakes[0].queries, 3);
}

static struct upstream_ask *others[8];
static unsigned int cancelled;

static void cancel_the_others(const struct upstream_result *given, void *arg)
{
	on_done(given, NULL);
	*(struct upstream_ask **)arg = NULL;
	for (size_t i = 0; i < 8; i++)
		if (others[i]) {
			upstream_cancel(others[i]);
			others[i] = NULL;
			cancelled++;
		}
}

static void others_are_cancelled_from_inside_a_callback(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	cancelled = 0;
	for (size_t i = 0; i < 8; i++)
		others[i] = ask_with("name.example", 1, NULL, cancel_the_others, &others[i]);
	wait_for(1);
	for (int i = 0; i < 20; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(results, 1);
	assert_int_equal(cancelled, 7);
}

static void ask_another(const struct upstream_result *given, void *arg)
{
	on_done(given, NULL);
	if (results < 20)
		ask_with("name.example", 1, NULL, ask_another, arg);
}

static void a_callback_may_ask_again(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	ask_with("name.example", 1, NULL, ask_another, NULL);
	wait_for(20);
}

static void free_all(const struct upstream_result *given, void *arg)
{
	on_done(given, arg);
	upstream_free(upstream);
	upstream = NULL;
}

static void everything_may_be_freed_from_inside_a_callback(void **state)
{
	(void)state;
	add("127.0.0.1", good);
	for (size_t i = 0; i < 8; i++)
		ask_with("name.example", 1, NULL, free_all, NULL);
	wait_for(1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(results, 1);
}

static void freeing_with_questions_out_gives_no_results(void **state)
{
	(void)state;
	add("127.0.0.1", silent);
	add("127.0.0.1", big_over_tcp);
	upstreams[0].hedge_ms = 0;
	for (size_t i = 0; i < 8; i++)
		ask_with("name.example", 1, NULL, on_done, NULL);
	while (!fakes[1].tcp_queries)
		uv_run(&loop, UV_RUN_ONCE);
	upstream_free(upstream);
	upstream = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(results, 0);
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
#define ASK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
	        ASK_TEST(one_without_ecs_is_asked_again_and_remembered),
	        ASK_TEST(one_without_edns_is_asked_plainly_and_remembered),
	        ASK_TEST(a_reply_without_opt_holds_for_everyone),
	        ASK_TEST(refused_is_asked_again_without_ecs_and_believed_the_third_time),
	        ASK_TEST(refused_with_and_without_ecs_is_a_failure),
	        ASK_TEST(a_truncated_reply_is_fetched_over_tcp),
	        ASK_TEST(formerr_over_tcp_leaves_later_questions_whole),
	        ASK_TEST(a_wrong_echo_over_tcp_is_not_believed),
	        ASK_TEST(tcp_that_is_closed_is_a_network_failure),
	        ASK_TEST(silence_is_a_timeout_after_all_tries),
	        ASK_TEST(a_lost_packet_is_sent_again_under_another_id),
	        ASK_TEST(a_reply_that_waited_in_the_socket_is_not_late),
	        ASK_TEST(a_closed_port_is_a_network_failure_at_once),
	        ASK_TEST(an_unreachable_address_is_a_network_failure),
	        ASK_TEST(servfail_alone_is_told_with_its_rcode),
	        ASK_TEST(an_rcode_in_opt_is_not_taken_for_noerror),
	        ASK_TEST(a_failing_upstream_gives_way_and_is_asked_last_next_time),
	        ASK_TEST(of_several_failures_the_one_that_says_most_is_told),
	        ASK_TEST(a_slow_upstream_is_hedged),
	        ASK_TEST(the_first_wins_where_it_is_the_faster_after_all),
	        ASK_TEST(the_longest_suffix_is_asked),
	        ASK_TEST(without_an_upstream_there_is_none),
	        ASK_TEST(all_ends_after_the_resolution_time),
	        ASK_TEST(an_authoritative_chain_is_followed_to_the_next_upstream),
	        ASK_TEST(the_longest_scope_holds_whichever_question_gave_it),
	        ASK_TEST(failures_of_an_earlier_question_are_not_told_of_a_later),
	        ASK_TEST(a_loop_inside_one_reply_is_seen_and_final),
	        ASK_TEST(a_chain_that_leads_nowhere_has_no_upstream),
	        ASK_TEST(a_loop_over_several_questions_is_seen),
	        ASK_TEST(a_chain_without_end_ends_after_sixteen_links),
	        ASK_TEST(a_chain_that_ends_inside_the_zone_is_negative),
	        ASK_TEST(a_resolver_that_does_not_resolve_for_us_is_a_failure),
	        ASK_TEST(a_referral_from_an_authoritative_one_is_a_failure),
	        ASK_TEST(a_cancelled_question_gives_no_result),
	        ASK_TEST(others_are_cancelled_from_inside_a_callback),
	        ASK_TEST(a_callback_may_ask_again),
	        ASK_TEST(everything_may_be_freed_from_inside_a_callback),
	        ASK_TEST(freeing_with_questions_out_gives_no_results),
	        ASK_TEST(many_at_once_have_ids_of_their_own_and_several_ports),
	        ASK_TEST(one_after_the_other_each_has_another_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
