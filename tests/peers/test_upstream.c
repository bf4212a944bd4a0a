/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_ask() against real servers: two knotd with mod-geoip, asked as the
 * target's own, and an unbound with subnetcache before the first of them. What
 * is expected stands in cdn.zone, site.zone and geo.yaml beside this file.
 * tests/peers/run makes the place for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "upstream/upstream.h"

#define KNOT1   "127.0.0.1@5300"
#define KNOT2   "127.0.0.2@5300"
#define UNBOUND "127.0.0.3@5300"

/* ---- servers ---- */

struct server {
	pid_t pid;
	int log;
};

static struct server knot1, knot2, unbound;

/* Waits for the line that says it serves. */
static void await_line(struct server *server, const char *words)
{
	char text[16384];
	size_t len = 0;
	uint64_t start = clock_ms();

	for (;;) {
		struct pollfd ready = {.fd = server->log, .events = POLLIN};
		uint64_t spent = clock_ms() - start;
		ssize_t got;

		if (spent > 20000 || poll(&ready, 1, (int)(20000 - spent)) != 1)
			fail_msg("no \"%s\" in: %.*s", words, (int)len, text);
		got = read(server->log, text + len, sizeof(text) - 1 - len);
		if (got <= 0)
			fail_msg("ended before \"%s\": %.*s", words, (int)len, text);
		len += (size_t)got;
		text[len] = '\0';
		if (strstr(text, words))
			return;
	}
}

static struct server start(const char *binary, const char *conf, const char *words)
{
	const char *folder = getenv("PEERS_FOLDER");
	char program[256], file[256];
	struct server server;
	int ends[2];

	if (!folder)
		fail_msg("PEERS_FOLDER is not set: run tests/peers/run");
	snprintf(program, sizeof(program), "%s/%s", folder, binary);
	snprintf(file, sizeof(file), "%s/%s", folder, conf);
	assert_int_equal(pipe(ends), 0);
	server.pid = fork();
	if (server.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		if (!strcmp(binary, "unbound"))
			execl(program, program, "-d", "-c", file, (char *)NULL);
		else
			execl(program, program, "-c", file, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	server.log = ends[0];
	await_line(&server, words);
	fcntl(server.log, F_SETFL, O_NONBLOCK);
	return server;
}

static struct server start_knot(const char *conf)
{
	return start("knotd", conf, "server started");
}

static void end(struct server *server)
{
	if (!server->pid)
		return;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	close(server->log);
	server->pid = 0;
}

static int start_all(void **state)
{
	(void)state;
	knot1 = start_knot("knot1.conf");
	knot2 = start_knot("knot2.conf");
	unbound = start("unbound", "unbound.conf", "start of service");
	return 0;
}

static int end_all(void **state)
{
	(void)state;
	end(&unbound);
	end(&knot2);
	end(&knot1);
	return 0;
}

/* ---- asking ---- */

static uv_loop_t loop;
static struct config_upstream upstreams[4];
static struct config config;
static struct upstream *upstream;
static struct upstream_result result;
static unsigned int results;

static struct config_upstream *add(const char *address, enum upstream_kind kind)
{
	struct config_upstream *added = &upstreams[config.upstreams_count++];

	*added = (struct config_upstream){
	        .kind = kind,
	        .suffix = {.len = 1},
	        .ecs_ipv4_max = 24,
	        .ecs_ipv6_max = 56,
	        .ecs = true,
	        .timeout_ms = 1000,
	        .hedge_ms = 500,
	        .tries = 2,
	};
	assert_int_equal(endpoint_parse(address, 53, &added->address), 0);
	return added;
}

static int set_up(void **state)
{
	(void)state;
	uv_loop_init(&loop);
	memset(&config, 0, sizeof(config));
	config.upstreams = upstreams;
	config.resolution_ms = 8000;
	results = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	upstream_free(upstream);
	upstream = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void on_done(const struct upstream_result *given, void *arg)
{
	(void)arg;
	result = *given;
	results++;
}

static void ask(const char *target, uint16_t type, const char *network)
{
	struct network client = {0};
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(target, NULL, 0, name);

	if (network)
		assert_int_equal(network_parse(network, &client), 0);
	if (!upstream)
		upstream = upstream_new(&loop, &config);
	assert_non_null(upstream);
	results = 0;
	assert_non_null(upstream_ask(upstream, name, (size_t)len, type, &client, on_done, NULL));
	while (!results)
		uv_run(&loop, UV_RUN_ONCE);
}

static struct upstream_stats stats(size_t index)
{
	struct upstream_stats ret;

	upstream_stats(upstream, index, &ret);
	return ret;
}

/* The result in words: status, addresses, TTL where it must be exact, scope. */
static void expect(const char *addresses, int scope)
{
	size_t size = result.count && strchr(addresses, ':') ? 16 : 4;
	char text[2048] = "", one[NET_TEXT_MAX];

	assert_int_equal(result.status, UPSTREAM_OK);
	for (unsigned int i = 0; i < result.count; i++) {
		net_address_text(size == 16 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4,
		                 result.octets + size * i, one);
		strcat(strcat(text, i ? " " : ""), one);
	}
	assert_string_equal(text, addresses);
	assert_int_equal(result.scope, scope);
}

/* ---- the same questions to both kinds ---- */

static void two_networks_have_two_answers(void)
{
	for (int again = 0; again < 2; again++) { /* from unbound's cache the second time */
		ask("geo.cdn.test", AN_TYPE_A, "192.0.2.0/24");
		expect("198.18.1.1 198.18.1.2", 24);
		assert_true(result.ecs_echoed);
		assert_true(result.ttl <= 60 && result.ttl >= 50);
		ask("geo.cdn.test", AN_TYPE_A, "203.0.113.0/24");
		expect("198.18.2.1", 20);
		ask("geo.cdn.test", AN_TYPE_AAAA, "203.0.113.0/24");
		expect("2001:db8:2::1", 20);
		ask("geo.cdn.test", AN_TYPE_A, "2001:db8:a:1::/64");
		expect("198.18.4.1", 48);
		assert_int_equal(result.asked.len, 56);
		ask("geo.cdn.test", AN_TYPE_AAAA, "2001:db8:b::/56");
		expect("2001:db8:5::1", 48);
	}
}

static void plain_names_have_scope_0(void)
{
	ask("PLAIN.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	expect("198.51.100.1 198.51.100.2", 0);
	assert_true(result.ttl <= 40 && result.ttl >= 30);
	assert_int_equal(result.chain_count, 0);
}

static void negatives_are_told_apart(void)
{
	ask("gone.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_true(result.nxdomain);
	assert_int_equal(result.rcode, 3);
	assert_true(result.ttl <= 77 && result.ttl >= 60);
	ask("only4.cdn.test", AN_TYPE_AAAA, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_false(result.nxdomain);
	assert_true(result.ttl <= 77 && result.ttl >= 60);
}

static void chains_are_followed(void)
{
	ask("three.cdn.test", AN_TYPE_A, NULL);
	expect("198.51.100.1 198.51.100.2", 0);
	assert_int_equal(result.chain_count, 2);
	assert_memory_equal(result.chain[0], "\3two\3cdn\4test", 14);
	assert_memory_equal(result.chain[1], "\5plain\3cdn\4test", 16);
	assert_true(result.ttl <= 30 && result.ttl >= 20);
	ask("www.old.cdn.test", AN_TYPE_A, NULL);
	expect("198.51.100.9", 0);
	assert_int_equal(result.chain_count, 1);
}

static void a_chain_into_another_zone_keeps_the_client(void)
{
	ask("togeo.site.test", AN_TYPE_A, "192.0.2.0/24");
	expect("198.18.1.1 198.18.1.2", 24);
	assert_int_equal(result.chain_count, 1);
	assert_true(result.ttl <= 20 && result.ttl >= 10);
	ask("togeo.site.test", AN_TYPE_A, "203.0.113.0/24");
	expect("198.18.2.1", 20);
	ask("tonone.site.test", AN_TYPE_A, "203.0.113.0/24");
	assert_int_equal(result.status, UPSTREAM_NODATA);
	assert_true(result.nxdomain);
}

static void a_big_set_comes_over_tcp(void)
{
	ask("big.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.count, 64);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(result.octets[4 * i + 3], i + 1);
	assert_int_equal(stats(0).tcp, 1);
}

static void all_questions_to(const char *address, enum upstream_kind kind)
{
	add(address, kind);
	two_networks_have_two_answers();
	plain_names_have_scope_0();
	negatives_are_told_apart();
	chains_are_followed();
	a_chain_into_another_zone_keeps_the_client();
	a_big_set_comes_over_tcp();
	assert_int_equal(stats(0).mismatched, 0);
	assert_int_equal(stats(0).failures, 0);
	assert_int_equal(stats(0).without_ecs, 0);
	assert_false(stats(0).no_ecs);
}

static void knotd_is_asked_as_the_targets_own(void **state)
{
	(void)state;
	all_questions_to(KNOT1, UPSTREAM_AUTHORITATIVE);
}

static void knotd_is_asked_over_ipv6(void **state)
{
	(void)state;
	all_questions_to("::1@5301", UPSTREAM_AUTHORITATIVE);
}

static void unbound_is_asked_as_a_resolver(void **state)
{
	(void)state;
	all_questions_to(UNBOUND, UPSTREAM_RESOLVER);
}

static void unbound_is_asked_over_ipv6(void **state)
{
	(void)state;
	all_questions_to("::1@5303", UPSTREAM_RESOLVER);
}

/* knotd decides by the packet's source then, 127.0.0.1, and its scope means nothing. */
static void source_0_has_scope_0(void **state)
{
	(void)state;
	add(KNOT1, UPSTREAM_AUTHORITATIVE);
	ask("geo.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	assert_int_equal(result.scope, 0);
	assert_int_equal(result.asked.family, 0);
}

static void a_loop_in_the_data_is_seen(void **state)
{
	(void)state;
	add(KNOT1, UPSTREAM_AUTHORITATIVE);
	ask("loop1.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_CHAIN);
	ask("around.site.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_CHAIN);
}

static void a_zone_that_a_server_does_not_have_is_refused(void **state)
{
	(void)state;
	add(KNOT1, UPSTREAM_AUTHORITATIVE);
	ask("name.elsewhere.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 5);
	assert_int_equal(stats(0).without_ecs, 1);
	assert_false(stats(0).no_ecs);
}

/* ---- servers that die ---- */

static void a_killed_server_is_a_network_failure_and_comes_back(void **state)
{
	uint64_t begin;

	(void)state;
	add(KNOT2, UPSTREAM_AUTHORITATIVE);
	ask("plain.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
	end(&knot2);
	begin = clock_ms();
	ask("plain.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_NETWORK);
	assert_in_range(clock_ms() - begin, 0, 500);
	knot2 = start_knot("knot2.conf");
	ask("plain.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
}

static void a_killed_server_gives_way_to_the_next(void **state)
{
	(void)state;
	add(KNOT2, UPSTREAM_AUTHORITATIVE);
	add(KNOT1, UPSTREAM_AUTHORITATIVE);
	ask("geo.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.index, 0);
	end(&knot2);
	ask("geo.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	expect("198.18.1.1 198.18.1.2", 24);
	assert_int_equal(result.index, 1);
	ask("geo.cdn.test", AN_TYPE_A, "203.0.113.0/24");
	expect("198.18.2.1", 20);
	assert_int_equal(stats(0).asked, 2); /* behind now: not asked a third time */
	knot2 = start_knot("knot2.conf");
}

/* A signal is only on its way when kill() returns; an answer may still leave before it is there. */
static void freeze(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void a_server_that_hangs_times_out(void **state)
{
	uint64_t begin = clock_ms();

	(void)state;
	add(KNOT2, UPSTREAM_AUTHORITATIVE)->timeout_ms = 200;
	freeze(knot2.pid);
	ask("plain.cdn.test", AN_TYPE_A, NULL);
	kill(knot2.pid, SIGCONT);
	assert_int_equal(result.status, UPSTREAM_TIMEOUT);
	assert_in_range(clock_ms() - begin, 395, 1200);
	assert_int_equal(stats(0).timeouts, 2);
	/* It lives again, and what it sends late does no harm. */
	ask("plain.cdn.test", AN_TYPE_A, NULL);
	assert_int_equal(result.status, UPSTREAM_OK);
}

static void a_server_that_hangs_is_hedged(void **state)
{
	uint64_t begin;

	(void)state;
	add(KNOT2, UPSTREAM_AUTHORITATIVE)->hedge_ms = 50;
	add(KNOT1, UPSTREAM_AUTHORITATIVE);
	ask("geo.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.index, 0);
	freeze(knot2.pid);
	begin = clock_ms();
	ask("geo.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	kill(knot2.pid, SIGCONT);
	expect("198.18.1.1 198.18.1.2", 24);
	assert_int_equal(result.index, 1);
	assert_in_range(clock_ms() - begin, 45, 400);
	assert_int_equal(stats(1).hedged, 1);
}

/* unbound lives, the CDN behind it does not. */
static void a_resolver_without_its_upstream_fails(void **state)
{
	(void)state;
	add(UNBOUND, UPSTREAM_RESOLVER)->timeout_ms = 6000;
	end(&knot1);
	ask("never-asked-before.cdn.test", AN_TYPE_A, "192.0.2.0/24");
	assert_int_equal(result.status, UPSTREAM_SERVFAIL);
	assert_int_equal(result.rcode, 2);
	knot1 = start_knot("knot1.conf");
}

int main(void)
{
#define PEERS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	        PEERS_TEST(knotd_is_asked_as_the_targets_own),
	        PEERS_TEST(knotd_is_asked_over_ipv6),
	        PEERS_TEST(unbound_is_asked_as_a_resolver),
	        PEERS_TEST(unbound_is_asked_over_ipv6),
	        PEERS_TEST(source_0_has_scope_0),
	        PEERS_TEST(a_loop_in_the_data_is_seen),
	        PEERS_TEST(a_zone_that_a_server_does_not_have_is_refused),
	        PEERS_TEST(a_killed_server_is_a_network_failure_and_comes_back),
	        PEERS_TEST(a_killed_server_gives_way_to_the_next),
	        PEERS_TEST(a_server_that_hangs_times_out),
	        PEERS_TEST(a_server_that_hangs_is_hedged),
	        PEERS_TEST(a_resolver_without_its_upstream_fails),
	};

	return cmocka_run_group_tests(tests, start_all, end_all);
}
