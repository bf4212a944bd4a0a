/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asking - upstream.h before fake upstreams, for the tests that ask.
 *
 * A test adds upstreams with the scripts that they play, asks, and finds the
 * newest outcome in `result`.
 */
#ifndef ANAMED_TESTS_ASKING_H
#define ANAMED_TESTS_ASKING_H

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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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
static inline struct config_upstream *add(const char *address, fake_script script)
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

static inline void set_suffix(struct config_upstream *of, const char *text)
{
	of->suffix.len = (uint8_t)name_from_text(text, NULL, 0, of->suffix.name);
}

static inline void on_done(const struct upstream_result *given, void *arg)
{
	assert_false(inside_ask);
	result = *given;
	results++;
	if (arg)
		*(struct upstream_ask **)arg = NULL;
}

static inline struct upstream_ask *ask_with(const char *target, uint16_t type, const char *network,
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

static inline void wait_for(unsigned int count)
{
	uint64_t start = clock_ms();

	while (results < count && clock_ms() - start < 15000)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(results, count);
}

static inline void ask(const char *target, const char *network)
{
	ask_with(target, 1, network, on_done, NULL);
	wait_for(results + 1);
}

static inline struct upstream_stats stats(size_t index)
{
	struct upstream_stats ret;

	upstream_stats(upstream, index, &ret);
	return ret;
}

static inline void assert_addresses(const char *expected)
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

static inline void begin(const struct fake_query *query, unsigned int flags)
{
	draft_begin(&draft, query->octets, query->question_end, flags);
}

static inline void send_draft(const struct fake_query *query)
{
	fake_send(query, draft.octets, draft_end(&draft));
}

/* OPT as a resolver would: with the option and this scope if it was asked for. */
static inline void echo(const struct fake_query *query, unsigned int scope)
{
	if (query->ecs)
		draft_opt_ecs(&draft, query->family, query->source, query->source ? scope : 0,
		              query->address);
	else if (query->edns)
		draft_opt(&draft, 0);
}

static inline void draft_good(const struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.1");
	echo(query, 24);
}

static inline void good(struct fake_query *query)
{
	draft_good(query);
	send_draft(query);
}

static inline void good_as_2(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.2");
	echo(query, 20);
	send_draft(query);
}

static inline void silent(struct fake_query *query)
{
	(void)query;
}

static inline void fails_with(struct fake_query *query, unsigned int rcode)
{
	begin(query, 0x80 | rcode);
	echo(query, 0);
	send_draft(query);
}

static inline void servfail(struct fake_query *query)
{
	fails_with(query, 2);
}

static inline void without_opt(struct fake_query *query)
{
	begin(query, 0x80);
	draft_address(&draft, query->name, 60, "192.0.2.1");
	send_draft(query);
}

static inline void big_over_tcp(struct fake_query *query)
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

#define ASK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
