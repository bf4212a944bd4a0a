/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/control.h"
#include "control/settings.h"

#define ZONES "zones: [{name: example.com, file: z}]\n"

static int parse(const char *text, struct config **ret, struct error *error)
{
	memset(error, 0, sizeof(*error));
	return config_parse("/etc/anamed/test.yaml", text, strlen(text), ret, error);
}

/* ---- faults: each with its line and the words that tell what is wrong ---- */

struct fault {
	const char *text;
	unsigned int line;
	const char *words;
};

static const struct fault faults[] = {
        {"", 1, "no settings"},
        {"# nothing\n", 1, "no settings"},
        {"just words\n", 1, "key: value"},
        {"- a\n- b\n", 1, NULL},
        {"listen: [::@53\n", 1, NULL},
        {"zones:\n\t- name: x\n", 2, NULL},
        {ZONES "colour: red\n", 2, "colour"},
        {ZONES "answers:\n  ttl-floor: 5\n  colour: red\n", 4, "colour"},
        {"zones:\n  - name: a.example\n    file: f\n    colour: red\n", 4, "colour"},
        {ZONES ZONES, 2, "given twice"},
        {ZONES "answers:\n  ttl-floor: 5\n  ttl-cap: 6\n  ttl-floor: 7\n", 5, "given twice"},
        {ZONES "--- \nlisten: [1.2.3.4]\n", 2, "second document"},
        {"zones: &z\n  - name: example.com\n    file: z\n", 1, "anchors"},
        {"listen: [1.2.3.4]\n", 1, "no zones"},
        {"listen: [1.2.3.4]\nzones: []\n", 2, "no zones"},
        {"zones:\n  - file: z\n", 2, "`name' is missing"},
        {"zones:\n  - name: a.example\n    file: z\n  - name: b.example\n", 4, "`file' is missing"},
        {"zones:\n  - name: a..example\n    file: z\n", 2, "domain name"},
        {"zones:\n  - name: a.example\n    file: ''\n", 3, "must not be empty"},
        {"zones:\n  - name: a.example\n    file:\n", 3, NULL},
        {"zones:\n  - name: A.example\n    file: z\n  - name: b\n    file: z\n"
         "  - name: a.EXAMPLE.\n    file: z\n",
         6, "listed twice"},
        {"zones:\n  - name: a.example\n    file: z\n    siblings: both\n", 4, "one of merge"},
        {"zones:\n  - name: a.example\n    file: z\n    flatten-cnames: yes\n", 4, "one of off"},
        {"zones:\n  - name: a.example\n    file: z\n    expose-aname: maybe\n", 4, "yes or no"},
        {"zones:\n  - name: a.example\n    file: z\n    budget: 0\n", 4, "from 1 to"},
        {"zones:\n  - name: a.example\n    file: z\n    budget: many\n", 4, "whole number"},
        {"zones:\n  - name: a.example\n    file: z\n    budget: -5\n", 4, "whole number"},
        {"zones:\n  - name: a.example\n    file: z\n    flatten-owners:\n      - w.a.example\n"
         "      - w.b.example\n",
         6, "not in the zone"},
        {"zones:\n  - name: a.example\n    file: \"a\\0b\"\n", 3, "NUL"},
        {ZONES "listen: []\n", 2, "must not be empty"},
        {ZONES "listen: ['']\n", 2, "an address"},
        {ZONES "listen: 192.0.2.1\n", 2, NULL},
        {ZONES "listen:\n  - 192.0.2.1\n  - 192.0.2.256\n", 4, "an address"},
        {ZONES "listen:\n  - 192.0.2.1@0\n", 3, "an address"},
        {ZONES "listen:\n  - 192.0.2.1@65536\n", 3, "an address"},
        {ZONES "listen:\n  - 192.0.2.1\n  - 192.0.2.1@53\n", 4, "listed twice"},
        {ZONES "interfaces:\n  - name: eth0\n    xdp: fast\n", 4, "one of auto, native"},
        {ZONES "interfaces:\n  - name: a-name-too-long\n  - name: a-name-too-long1\n", 4,
         "longer than 15"},
        {ZONES "interfaces:\n  - name: a/b\n", 3, "cannot name"},
        {ZONES "interfaces:\n  - name: eth0\n  - name: eth0\n", 4, "listed twice"},
        {ZONES "interfaces:\n  - xdp: auto\n", 3, "`name' is missing"},
        {ZONES "upstreams:\n  - address: dns.example\n", 3, "an address"},
        {ZONES "upstreams:\n  - kind: resolver\n", 3, "`address' is missing"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    kind: forwarder\n", 4, "one of resolver"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    ecs-ipv4-max: 33\n", 4, "from 0 to 32"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    ecs-ipv6-max: 65\n", 4, "from 0 to 64"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    timeout: 5\n", 4, "a duration"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    timeout: 5 s\n", 4, "a duration"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    timeout: 1.5s\n", 4, "a duration"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    timeout: 31s\n", 4, "from 10ms to 30s"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    timeout: 99999999999999999999s\n", 4,
         "from 10ms to 30s"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n    tries: 0\n", 4, "from 1 to 10"},
        {ZONES "upstreams:\n  - address: 192.0.2.1\n  - address: 192.0.2.1\n", 4, "listed twice"},
        {ZONES "answers:\n  aname-type: 257\n", 3, "from 65280 to 65534"},
        {ZONES "answers:\n  ttl-floor: 100\n  ttl-cap: 50\n", 3, "greater than ttl-cap"},
        {ZONES "answers:\n  ttl-cap: 4\n", 3, "greater than ttl-cap"},
        {ZONES "answers:\n  ttl-cap: 1500ms\n", 3, "whole seconds"},
        {ZONES "answers:\n  freshness: 20ms\n", 3, "at least 100ms"},
        {ZONES "answers:\n  client-timer: 4s\n  resolution-time: 3s\n", 3, "longer than"},
        {ZONES "answers:\n  recheck: 6m\n", 3, "from 100ms to 5m"},
        {ZONES "answers:\n  stale-max: 366d\n", 3, "from 0 to 365d"},
        {ZONES "answers:\n  targets-deny:\n    - ok.example\n    - ''\n", 5, "domain name"},
        {ZONES "answers:\n  special-networks:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n", 5,
         "a network"},
        {ZONES "maps:\n  owners: 15\n", 3, "from 16"},
        {ZONES "maps:\n  owners: 64k\n", 3, "a size"},
        {ZONES "maps:\n  slots: 16M\n", 3, "from 16 to 16777215"},
        {ZONES "maps:\n  heartbeat-limit: 1s\n", 3, "from 2s"},
        {ZONES "maps:\n  pin-dir: anamed\n", 3, "absolute"},
        {ZONES "memory:\n  answers: 0\n", 3, "from 16"},
        {ZONES "server:\n  workers: 257\n", 3, "from 0 to 256"},
        {ZONES "server:\n  udp-payload: 4096\n", 3, "from 512 to 1232"},
        {ZONES "server:\n  user: ''\n", 3, "must not be empty"},
        {ZONES "server:\n  workers: [1]\n", 3, NULL},
        {ZONES "server: 5\n", 2, NULL},
};

static void every_fault_has_its_line(void **state)
{
	unsigned int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct config *config = NULL;
		struct error error;
		char text[1024];
		int err = parse(faults[i].text, &config, &error);

		if (!err) {
			config_free(config);
			print_error("taken, but line %u is wrong:\n%s", faults[i].line,
			            faults[i].text);
			wrong++;
			continue;
		}
		assert_null(config);
		error_text(&error, text, sizeof(text));
		if (strcmp(error.file, "/etc/anamed/test.yaml") == 0 &&
		    error.line == faults[i].line &&
		    (!faults[i].words || strstr(error.text, faults[i].words)))
			continue;
		print_error("expected line %u, `%s'; got %s; for:\n%s\n", faults[i].line,
		            faults[i].words ? faults[i].words : "", text, faults[i].text);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void a_missing_file_is_named(void **state)
{
	struct config *config = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(config_load("/nonexistent/anamed.conf", &config, &error), -ENOENT);
	assert_string_equal(error.file, "/nonexistent/anamed.conf");
	assert_null(config);
}

/* ---- good ones ---- */

static void five_lines_suffice(void **state)
{
	struct config *config = NULL;
	struct error error;

	(void)state;
	assert_int_equal(parse("zones:\n"
	                       "  - name: Example.com\n"
	                       "    file: example.com.zone\n"
	                       "upstreams:\n"
	                       "  - address: 192.0.2.53\n",
	                       &config, &error),
	                 0);
	assert_string_equal(config->path, "/etc/anamed/test.yaml");
	assert_int_equal(config->zones_count, 1);
	assert_memory_equal(config->zones[0].name.name, "\7example\3com", 13);
	assert_int_equal(config->zones[0].name.len, 13);
	assert_string_equal(config->zones[0].file, "/etc/anamed/example.com.zone");
	assert_int_equal(config->zones[0].line, 2);
	assert_int_equal(config->upstreams_count, 1);
	assert_int_equal(config->upstreams[0].address.port, 53);
	assert_int_equal(config->upstreams[0].suffix.len, 1);
	assert_int_equal(config->upstreams[0].ecs_ipv4_max, 24);
	assert_int_equal(config->upstreams[0].ecs_ipv6_max, 56);
	assert_true(config->upstreams[0].ecs);
	assert_int_equal(config->upstreams[0].timeout_ms, 2000);
	assert_int_equal(config->upstreams[0].hedge_ms, 200);
	assert_int_equal(config->upstreams[0].tries, 2);
	config_free(config);
}

static void defaults_are_those_that_are_promised(void **state)
{
	struct config *config = config_default();

	(void)state;
	assert_non_null(config);
	assert_int_equal(config->listen_count, 2);
	assert_int_equal(config->listen[0].family, AN_FAMILY_IPV4);
	assert_int_equal(config->listen[1].family, AN_FAMILY_IPV6);
	assert_int_equal(config->listen[1].port, 53);
	assert_int_equal(config->aname_type, 65401);
	assert_int_equal(config->ttl_floor, 5);
	assert_int_equal(config->ttl_cap, 86400);
	assert_int_equal(config->freshness_ms, 0);
	assert_int_equal(config->client_timer_ms, 300);
	assert_int_equal(config->resolution_ms, 10000);
	assert_int_equal(config->recheck_ms, 30000);
	assert_int_equal(config->stale_max_ms, 3ULL * 86400 * 1000);
	assert_int_equal(config->hold_on_negative_ms, 0);
	assert_int_equal(config->failure_ttl_ms, 5000);
	assert_false(config->trust_scope_zero);
	assert_true(config->ecs_from_source);
	assert_false(config->lenient_family0);
	assert_true(config->accept_private);
	assert_int_equal(config->targets_allow_count + config->targets_deny_count, 0);
	assert_int_equal(config->special_count, 14);
	assert_int_equal(config->owners_max, 65536);
	assert_int_equal(config->audiences_max, 131072);
	assert_int_equal(config->slots_max, 131072);
	assert_int_equal(config->slots_large_max, 8192);
	assert_int_equal(config->zones_max, 1024);
	assert_int_equal(config->answers_max, 1000000);
	assert_int_equal(config->networks_per_name_max, 4096);
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->udp_payload, 1232);
	assert_int_equal(config->tcp_idle_ms, 10000);
	assert_int_equal(config->tcp_max, 1024);
	assert_null(config->nsid);
	assert_null(config->user);
	assert_string_equal(config->control_socket, "/run/anamed/anamed.sock");
	assert_string_equal(config->state_dir, "/var/lib/anamed");
	assert_string_equal(config->pin_dir, "/sys/fs/bpf/anamed/v1");
	assert_int_equal(config->heartbeat_limit_ms, 5000);
	assert_false(config->xdp_detach_on_stop);
	config_free(config);
}

static void every_setting_reaches_its_field(void **state)
{
	static const char text[] =
	        "listen: [127.0.0.1@5300, '::1@5301']\n"
	        "interfaces:\n"
	        "  - {name: eth0, xdp: native}\n"
	        "  - {name: eth1}\n"
	        "zones:\n"
	        "  - name: a.example\n"
	        "    file: /z/a\n"
	        "    siblings: override\n"
	        "    flatten-cnames: all\n"
	        "    flatten-owners: [W.a.example, a.example]\n"
	        "    expose-aname: yes\n"
	        "    budget: 7\n"
	        "    budget-burst: 9\n"
	        "upstreams:\n"
	        "  - address: '2001:db8::1@5353'\n"
	        "    kind: authoritative\n"
	        "    suffix: CDN.example\n"
	        "    ecs: no\n"
	        "    ecs-ipv4-max: 16\n"
	        "    ecs-ipv6-max: 48\n"
	        "    timeout: 500ms\n"
	        "    hedge: 50ms\n"
	        "    tries: 3\n"
	        "answers:\n"
	        "  aname-type: 65305\n  ttl-floor: 1m\n  ttl-cap: 2h\n  freshness: 2s\n"
	        "  client-timer: 100ms\n  resolution-time: 3s\n  recheck: 1s\n  stale-max: 1w\n"
	        "  hold-on-negative: 1d\n  failure-ttl: 2s\n  trust-scope-zero: yes\n"
	        "  ecs-from-source: no\n  lenient-family0: yes\n  accept-private: no\n"
	        "  targets-allow: [x.example]\n  targets-deny: [y.x.example, z.x.example]\n"
	        "  special-networks: []\n"
	        "maps: {owners: 1K, audiences: 2K, slots: 3K, slots-large: 4K, zones: 5,\n"
	        "       pin-dir: /sys/fs/bpf/x/v1, heartbeat-limit: 3s}\n"
	        "memory: {answers: 1M, networks-per-name: 17}\n"
	        "server: {workers: 3, udp-payload: 1000, tcp-idle: 1s, tcp-max: 5, nsid: here,\n"
	        "         control-socket: x.sock, state-dir: '', user: nobody,\n"
	        "         xdp-detach-on-stop: yes}\n";
	struct config *c = NULL;
	struct error error;
	char buffer[NET_TEXT_MAX];

	(void)state;
	if (parse(text, &c, &error))
		fail_msg("%u: %s", error.line, error.text);
	assert_string_equal(endpoint_text(&c->listen[0], buffer), "127.0.0.1@5300");
	assert_string_equal(endpoint_text(&c->listen[1], buffer), "::1@5301");
	assert_int_equal(c->interfaces_count, 2);
	assert_int_equal(c->interfaces[0].xdp, XDP_MODE_NATIVE);
	assert_int_equal(c->interfaces[1].xdp, XDP_MODE_AUTO);
	assert_string_equal(c->interfaces[1].name, "eth1");
	assert_string_equal(c->zones[0].file, "/z/a");
	assert_int_equal(c->zones[0].siblings, SIBLINGS_OVERRIDE);
	assert_int_equal(c->zones[0].flatten_cnames, FLATTEN_CNAMES_ALL);
	assert_int_equal(c->zones[0].flatten_owners_count, 2);
	assert_memory_equal(c->zones[0].flatten_owners[0].name, "\1w\1a\7example", 13);
	assert_true(c->zones[0].expose_aname);
	assert_int_equal(c->zones[0].budget_per_s, 7);
	assert_int_equal(c->zones[0].budget_burst, 9);
	assert_string_equal(endpoint_text(&c->upstreams[0].address, buffer), "2001:db8::1@5353");
	assert_int_equal(c->upstreams[0].kind, UPSTREAM_AUTHORITATIVE);
	assert_memory_equal(c->upstreams[0].suffix.name, "\3cdn\7example", 13);
	assert_false(c->upstreams[0].ecs);
	assert_int_equal(c->upstreams[0].ecs_ipv4_max, 16);
	assert_int_equal(c->upstreams[0].ecs_ipv6_max, 48);
	assert_int_equal(c->upstreams[0].timeout_ms, 500);
	assert_int_equal(c->upstreams[0].hedge_ms, 50);
	assert_int_equal(c->upstreams[0].tries, 3);
	assert_int_equal(c->aname_type, 65305);
	assert_int_equal(c->ttl_floor, 60);
	assert_int_equal(c->ttl_cap, 7200);
	assert_int_equal(c->freshness_ms, 2000);
	assert_int_equal(c->client_timer_ms, 100);
	assert_int_equal(c->resolution_ms, 3000);
	assert_int_equal(c->recheck_ms, 1000);
	assert_int_equal(c->stale_max_ms, 604800000);
	assert_int_equal(c->hold_on_negative_ms, 86400000);
	assert_int_equal(c->failure_ttl_ms, 2000);
	assert_true(c->trust_scope_zero);
	assert_false(c->ecs_from_source || c->accept_private);
	assert_true(c->lenient_family0);
	assert_int_equal(c->targets_allow_count, 1);
	assert_int_equal(c->targets_deny_count, 2);
	assert_int_equal(c->special_count, 0);
	assert_int_equal(c->owners_max, 1024);
	assert_int_equal(c->audiences_max, 2048);
	assert_int_equal(c->slots_max, 3072);
	assert_int_equal(c->slots_large_max, 4096);
	assert_int_equal(c->zones_max, 5);
	assert_string_equal(c->pin_dir, "/sys/fs/bpf/x/v1");
	assert_int_equal(c->heartbeat_limit_ms, 3000);
	assert_int_equal(c->answers_max, 1048576);
	assert_int_equal(c->networks_per_name_max, 17);
	assert_int_equal(c->workers, 3);
	assert_int_equal(c->udp_payload, 1000);
	assert_int_equal(c->tcp_idle_ms, 1000);
	assert_int_equal(c->tcp_max, 5);
	assert_string_equal(c->nsid, "here");
	assert_string_equal(c->control_socket, "/etc/anamed/x.sock");
	assert_string_equal(c->state_dir, "");
	assert_string_equal(c->user, "nobody");
	assert_true(c->xdp_detach_on_stop);
	config_free(c);
}

static void every_example_is_taken(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("docs/examples/*.yaml", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 4);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct config *config = NULL;
		struct error error = {0};

		if (config_load(found.gl_pathv[i], &config, &error))
			fail_msg("%s:%u: %s", error.file, error.line, error.text);
		config_free(config);
	}
	globfree(&found);
}

/* ---- documents ---- */

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void expect_key(const char *path, const char *text, const char *before, const char *key,
                       const char *after)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "%s%s%s", before, key, after);
	if (!strstr(text, wanted))
		fail_msg("%s says nothing of `%s'", path, wanted);
}

static void expect_section(const char *path, const char *text, const char *before,
                           const char *after, const struct section *section)
{
	for (size_t i = 0; i < section->count; i++)
		expect_key(path, text, before, section->settings[i].key, after);
}

static void every_setting_is_documented(void **state)
{
	static const char example[] = "docs/examples/anamed.yaml",
	                  page[] = "docs/man/anamed.conf.5.scd";
	char *example_text = read_whole(example), *page_text = read_whole(page);

	(void)state;
	expect_section(example, example_text, "", ":", &section_top);
	expect_section(page, page_text, "\n*", "*", &section_top);
	for (size_t i = 0; i < sections_count; i++) {
		expect_key(example, example_text, "\n", sections[i].key, ":");
		expect_section(example, example_text, " ", ":", &sections[i]);
		expect_section(page, page_text, "*", "*", &sections[i]);
	}
	free(example_text);
	free(page_text);
}

static bool equal_defaults(const struct config *a, const struct config *b)
{
	return a->ttl_floor == b->ttl_floor && a->ttl_cap == b->ttl_cap &&
	       a->freshness_ms == b->freshness_ms && a->client_timer_ms == b->client_timer_ms &&
	       a->resolution_ms == b->resolution_ms && a->recheck_ms == b->recheck_ms &&
	       a->stale_max_ms == b->stale_max_ms && a->failure_ttl_ms == b->failure_ttl_ms &&
	       a->hold_on_negative_ms == b->hold_on_negative_ms &&
	       a->trust_scope_zero == b->trust_scope_zero &&
	       a->ecs_from_source == b->ecs_from_source &&
	       a->lenient_family0 == b->lenient_family0 && a->accept_private == b->accept_private &&
	       a->special_count == b->special_count && a->owners_max == b->owners_max &&
	       a->audiences_max == b->audiences_max && a->slots_max == b->slots_max &&
	       a->slots_large_max == b->slots_large_max && a->zones_max == b->zones_max &&
	       a->heartbeat_limit_ms == b->heartbeat_limit_ms && a->answers_max == b->answers_max &&
	       a->networks_per_name_max == b->networks_per_name_max && a->workers == b->workers &&
	       a->udp_payload == b->udp_payload && a->tcp_idle_ms == b->tcp_idle_ms &&
	       a->tcp_max == b->tcp_max && a->xdp_detach_on_stop == b->xdp_detach_on_stop &&
	       a->listen_count == b->listen_count && a->aname_type == b->aname_type &&
	       strcmp(a->pin_dir, b->pin_dir) == 0 && strcmp(a->state_dir, b->state_dir) == 0 &&
	       strcmp(a->control_socket, b->control_socket) == 0;
}

static void the_full_example_shows_the_defaults(void **state)
{
	struct config *example = NULL, *defaults = config_default();
	struct error error = {0};

	(void)state;
	assert_int_equal(config_load("docs/examples/anamed.yaml", &example, &error), 0);
	assert_true(equal_defaults(example, defaults));
	config_free(example);
	config_free(defaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_fault_has_its_line),
	        cmocka_unit_test(a_missing_file_is_named),
	        cmocka_unit_test(five_lines_suffice),
	        cmocka_unit_test(defaults_are_those_that_are_promised),
	        cmocka_unit_test(every_setting_reaches_its_field),
	        cmocka_unit_test(every_example_is_taken),
	        cmocka_unit_test(every_setting_is_documented),
	        cmocka_unit_test(the_full_example_shows_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
