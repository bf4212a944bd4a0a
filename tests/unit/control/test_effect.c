/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "control/control.h"
#include "control/privilege.h"

#define ZONES    "zones: [{name: example.com, file: z}]\n"
#define CHECK    "checks: [{name: c, kind: tcp, port: 80}]\n"
#define COMMAND  "checks: [{name: c, kind: command, command: [/bin/true]}]\n"
#define POLICY   "policies: [{name: p, default: d}]\n"
#define POOL     "pools:\n  - name: a.pool\n"
#define ADDRESS  "    members:\n      - {address: 192.0.2.1}\n      - {address: 192.0.2.2}\n"
#define TARGETS  "    members:\n      - {aname: a.example}\n      - {aname: b.example}\n"
#define CHECKED  "    check: c\n"
#define MODE(of) "    mode: " of "\n"
#define SECRET   "00112233445566778899aabbccddeeff"

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct error error = {0};

	if (config_parse("/etc/anamed/test.yaml", text, strlen(text), &config, &error))
		fail_msg("line %u: %s; in:\n%s", error.line, error.text, text);
	return config;
}

/* ---- settings without effect ---- */

/* What is said of a configuration: at most one thing; words NULL: nothing. */
struct odd {
	const char *text;
	unsigned int line;
	const char *words;
};

static const struct odd odds[] = {
        {ZONES, 0, NULL},
        {ZONES POOL ADDRESS, 0, NULL},

        /* In a mode that does not look at it; a default that is written down says nothing. */
        {ZONES POOL ADDRESS "    hold-down: 5s\n", 7, "hold-down: has no effect but in modes fail"},
        {ZONES POOL MODE("weighted") ADDRESS "    hold-down: 5s\n", 8, "hold-down"},
        {ZONES POOL ADDRESS "    hold-down: 0\n    margin: 20ms\n    min-up: 1\n", 0, NULL},
        {ZONES CHECK POOL MODE("failover") CHECKED ADDRESS "    hold-down: 5s\n", 0, NULL},
        {ZONES CHECK POOL MODE("latency") CHECKED ADDRESS "    hold-down: 5s\n", 0, NULL},
        {ZONES POOL MODE("failover") TARGETS "    hold-down: 5s\n", 0, NULL},
        {ZONES POOL ADDRESS "    margin: 5ms\n", 7, "margin: has no effect but in mode latency"},
        {ZONES CHECK POOL MODE("failover") CHECKED ADDRESS "    margin: 5ms\n", 10, "margin"},
        {ZONES CHECK POOL MODE("latency") CHECKED ADDRESS "    margin: 5ms\n", 0, NULL},
        {ZONES POOL ADDRESS "      - {address: 192.0.2.3, weight: 5}\n"
                            "      - {address: 192.0.2.4, weight: 6}\n",
         7, "weight: has no effect but in modes weighted and consistent"},
        {ZONES POOL ADDRESS "      - {address: 192.0.2.3, weight: 0}\n", 7, "weight"},
        {ZONES POOL ADDRESS "      - {address: 192.0.2.3, weight: 1}\n", 0, NULL},
        {ZONES POOL MODE("weighted") ADDRESS "      - {address: 192.0.2.3, weight: 5}\n", 0, NULL},
        {ZONES POOL MODE("consistent") ADDRESS "      - {address: 192.0.2.3, weight: 5}\n", 0,
         NULL},

        /* Distances that nobody measures. */
        {ZONES POOL MODE("latency") ADDRESS, 4,
         "mode: latency goes by what checks measure, and "
         "there is none"},
        {ZONES POOL MODE("latency") TARGETS, 4, "mode: latency"},
        {ZONES COMMAND POOL MODE("latency") CHECKED ADDRESS, 5, "none here measures"},
        {ZONES POOL MODE("latency") "    members: [{address: 192.0.2.1}]\n", 0, NULL},
        {ZONES CHECK POOL MODE("latency") "    members: [{pool: b.pool}, {pool: c.pool}]\n"
                                          "  - name: b.pool\n" CHECKED ADDRESS
                                          "  - name: c.pool\n" ADDRESS,
         0, NULL},

        /* A check of what is not there. */
        {ZONES CHECK POOL CHECKED "    members: [{pool: b.pool}]\n  - name: b.pool\n" ADDRESS, 5,
         "check: has no effect where all members are pools"},
        {ZONES CHECK POOL CHECKED "    members: [{pool: b.pool}, {address: 192.0.2.9}]\n"
                                  "  - name: b.pool\n" ADDRESS,
         0, NULL},

        /* Where no member can be down. */
        {ZONES POOL ADDRESS "    min-up: 2\n", 7, "min-up: has no effect without a `check'"},
        {ZONES CHECK POOL CHECKED ADDRESS "    min-up: 2\n", 0, NULL},
        {ZONES POOL TARGETS "    min-up: 2\n", 0, NULL},
        {ZONES POOL MODE("failover") ADDRESS, 4, "mode: failover without a `check'"},
        {ZONES POOL MODE("failover") "    members: [{address: 192.0.2.1}]\n    hold-down: 5s\n", 6,
         "hold-down: has no effect without a `check'"},
        {ZONES POOL MODE("failover") TARGETS, 0, NULL},
        {ZONES POOL "    last-resort: [192.0.2.9]\n" ADDRESS, 4, "192.0.2.9 is never given"},
        {ZONES POOL "    last-resort:\n      - 2001:db8::1\n      - 192.0.2.9\n" ADDRESS, 6,
         "192.0.2.9 is never given"},
        {ZONES CHECK POOL CHECKED "    last-resort: [192.0.2.9]\n" ADDRESS, 0, NULL},
        {ZONES POOL "    last-resort: [192.0.2.9]\n" TARGETS, 0, NULL},
        {ZONES POLICY POOL MODE("geo") "    policy: p\n    last-resort: [192.0.2.9]\n"
                                       "    members: [{address: 192.0.2.1, region: d}]\n",
         0, NULL},

        /* Checks, and the server. */
        {ZONES "checks:\n  - name: c\n    kind: icmp\n    idle-after: 1m\n", 5,
         "idle-after: has no effect without `idle-interval'"},
        {ZONES "checks:\n  - name: c\n    kind: icmp\n    idle-after: 5m\n", 0, NULL},
        {ZONES "checks:\n  - {name: c, kind: icmp, idle-after: 1m, idle-interval: 1m}\n", 0, NULL},
        {ZONES "checks:\n  - name: c\n    kind: icmp\n    damping: 0\n    damping-limit: 3\n", 6,
         "damping-limit: has no effect with `damping: 0'"},
        {ZONES "server:\n  rate-limit-window: 9s\n", 3, "has no effect without `rate-limit'"},
        {ZONES "server:\n  rate-limit-slip: 9\n", 3, "rate-limit-slip"},
        {ZONES "server:\n  rate-limit-exempt: [192.0.2.0/24]\n", 3, "rate-limit-exempt"},
        {ZONES "server:\n  rate-limit-slip: 9\n  rate-limit: 7\n", 0, NULL},
        {ZONES "server:\n  rate-limit-window: 5s\n  rate-limit-slip: 2\n", 0, NULL},
        {ZONES "server:\n  miss-limit: 0\n  miss-burst: 9\n", 4, "miss-burst: has no effect with"},
        {ZONES "server:\n  miss-limit: 0\n  miss-slip: 9\n", 4, "miss-slip"},
        {ZONES "server:\n  miss-limit: 5\n  miss-slip: 9\n  miss-burst: 9\n", 0, NULL},
        {ZONES "server:\n  cookie-secrets: [" SECRET "]\n", 3, "without `cookies: yes'"},
        {ZONES "server:\n  cookie-secrets: [" SECRET "]\n  cookies: yes\n", 0, NULL},
};

static void what_has_no_effect_is_said_with_its_line(void **state)
{
	unsigned int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		const struct odd *odd = &odds[i];
		struct config *config = parse(odd->text);
		const struct config_warning *first = config->warnings;

		if (config->warnings_count != (odd->words ? 1 : 0) ||
		    (odd->words &&
		     (first->line != odd->line || !strstr(first->text, odd->words)))) {
			print_error("expected line %u, `%s'; got %zu, the first %u, `%s'; for:\n%s",
			            odd->line, odd->words ? odd->words : "", config->warnings_count,
			            first ? first->line : 0, first ? first->text : "", odd->text);
			wrong++;
		}
		config_free(config);
	}
	assert_int_equal(wrong, 0);
}

static void warnings_come_in_the_order_of_lines(void **state)
{
	struct config *config = parse(ZONES "server:\n  rate-limit-slip: 9\n"
	                                    "checks: [{name: c, kind: icmp, idle-after: 1m}]\n" POOL
	                                    "    margin: 1ms\n    hold-down: 1s\n" ADDRESS);

	(void)state;
	assert_int_equal(config->warnings_count, 4);
	assert_int_equal(config->warnings[0].line, 3);
	assert_int_equal(config->warnings[1].line, 4);
	assert_int_equal(config->warnings[2].line, 7);
	assert_int_equal(config->warnings[3].line, 8);
	config_free(config);
}

/* ---- the user ---- */

static void a_user_who_is_not_there_is_said_with_file_and_line(void **state)
{
	struct config *config = parse(ZONES "server:\n  id: x\n  user: no-such-user\n");
	struct error error = {0};

	(void)state;
	assert_int_equal(privilege_find_user(config, &error), -ENOENT);
	assert_string_equal(error.file, "/etc/anamed/test.yaml");
	assert_int_equal(error.line, 4);
	assert_non_null(strstr(error.text, "there is no user `no-such-user'"));
	config_free(config);
}

static void a_user_who_is_there_or_not_wanted_is_no_fault(void **state)
{
	struct config *config = parse(ZONES "server:\n  user: nobody\n");
	struct error error = {0};

	(void)state;
	assert_int_equal(privilege_find_user(config, &error), 0);
	config_free(config);
	config = parse(ZONES);
	assert_int_equal(privilege_find_user(config, &error), 0);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_has_no_effect_is_said_with_its_line),
	        cmocka_unit_test(warnings_come_in_the_order_of_lines),
	        cmocka_unit_test(a_user_who_is_not_there_is_said_with_file_and_line),
	        cmocka_unit_test(a_user_who_is_there_or_not_wanted_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
