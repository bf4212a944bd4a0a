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
#include <unistd.h>

#include "base/name.h"
#include "control/control.h"
#include "control/settings.h"
#include "unit/folder.h"

#define ZONES    "zones: [{name: example.com, file: z}]\n"
#define ZONE     "zones:\n  - name: a.example\n    file: z\n"
#define A32      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A64      A32 A32
#define DATABASE "databases: [{name: x, file: a.mmdb}]\n"
#define POLICY   "policies:\n  - name: p\n    default: d\n"
#define RULES    "    database: x\n    rules:\n      - region: r\n"
#define CHECK    "checks:\n  - name: c\n    kind: "
#define KEYS     "keys: [{name: k, secret: c2VjcmV0}]\n"

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
        {ZONES "server:\n  nsid: \"\1\"\n", 3, "control"},
        {ZONES "# two\nserver:\n  nsid: \344x\n", 4, "UTF-8"},
        {"zones: example.com\n", 1, "a list expected, not a single value"},
        {ZONES "server:\n", 2, "settings (key: value) expected, not a single value or nothing"},
        {"zones:\n  - name: [a, b]\n    file: z\n", 2, "a single value expected, not a list"},
        {"zones:\n  - name: {a: b}\n    file: z\n", 2, "a single value expected, not settings"},
        {"zones:\n\t- name: x\n", 2, NULL},
        {ZONES "colour: red\n", 2, "unknown key `colour'"},
        {ZONES "server:\n  \"col\\eour\": red\n", 3, "unknown key `col?our'"},
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
        {"zones:\n  - name: a.example\n    file: z\n    dnssec-validity: 10s\n", 4, "from 60"},
        {"zones:\n  - name: a.example\n    file: z\n    dnssec: yes\n    secondaries:\n"
         "      - {address: 192.0.2.1}\n      - {address: 192.0.2.2, mode: both}\n",
         7, "goes out unsigned"},
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
        {ZONES "databases:\n  - name: x\n", 3, "`file' is missing"},
        {ZONES "databases:\n  - {name: x, file: a}\n  - {name: x, file: b}\n", 4, "listed twice"},
        {ZONES POLICY "    database: none\n", 5, "no `none'"},
        {ZONES "policies:\n  - name: p\n", 3, "`default' is missing"},
        {ZONES POLICY "  - {name: p, default: d}\n", 5, "listed twice"},
        {ZONES POLICY "    rules:\n      - region: r\n", 6, "says nothing to match"},
        {ZONES POLICY "    rules:\n      - country: [DE]\n", 6, "`region' is missing"},
        {ZONES POLICY "    rules:\n      - {region: r, country: []}\n", 6, "must not be empty"},
        {ZONES POLICY "    rules:\n      - {region: r, country: [DE]}\n", 6,
         "`database' is missing"},
        {ZONES POLICY "    rules:\n      - {region: r, country: [DE], database: y}\n", 6, "no `y'"},
        {ZONES DATABASE POLICY RULES "        continent:\n          - EU\n          - EUR\n", 11,
         "`EUR' is not a code"},
        {ZONES DATABASE POLICY RULES "        country: [DE, UK]\n", 9, "`UK' is not a code"},
        {ZONES DATABASE POLICY RULES "        country: [de]\n", 9, "in capitals"},
        {ZONES DATABASE POLICY RULES "        subdivision: [US-]\n", 9, "US-NY"},
        {ZONES DATABASE POLICY RULES "        subdivision: [ZZ-NY]\n", 9, "US-NY"},
        {ZONES DATABASE POLICY RULES "        asn: [1, AS2]\n", 9, "whole number"},
        {ZONES DATABASE POLICY RULES "        asn: [4294967296]\n", 9, "whole number"},
        {ZONES DATABASE POLICY RULES "        path: a/b\n", 8, "stand together"},
        {ZONES DATABASE POLICY RULES "        values: [b]\n", 8, "stand together"},
        {ZONES POLICY "    rules:\n      - {region: r, networks: [192.0.2.0/25]}\n", 6,
         "longer than /24"},
        {ZONES POLICY "    rules:\n      - {region: r, networks: [192.0.2.1/24]}\n", 6,
         "a network"},
        {ZONES POLICY "    rules:\n      - {region: r, networks: [192.0.2.0/23]}\n"
                      "      - {region: s, networks: [192.0.3.0/24]}\n",
         7, "covers nothing"},
        {ZONES POLICY "    nearest:\n      - {region: r, latitude: 1, longitude: 2}\n", 5,
         "needs a database"},
        {ZONES DATABASE POLICY "    nearest:\n      - {region: r, latitude: 90.5, longitude: 2}\n",
         7, "from -90 to 90"},
        {ZONES DATABASE POLICY "    nearest:\n      - {region: r, latitude: 1, longitude: x}\n", 7,
         "from -180 to 180"},
        {ZONES DATABASE POLICY
         "    nearest:\n      - {region: r, latitude: 1, longitude: 2, bias: 100}\n",
         7, "from -99 to 99"},
        {ZONES POLICY "    table-path: ms\n", 5, "table-path"},
        {ZONES POLICY "    nearest-limit: 2\n", 5, "no `nearest'"},
        {ZONES POLICY "    default-then: [a, 'b > c']\n", 3, "no `>'"},
        {ZONES POLICY "    rules:\n      - {region: 'r>s', networks: [192.0.2.0/24]}\n", 6,
         "no `>'"},
        {ZONES POLICY "    rules:\n      - {region: r, then: [s, r], networks: [192.0.2.0/24]}\n",
         6, "there already"},
        {ZONES POLICY "    rules:\n      - {region: r, then: [''], networks: [192.0.2.0/24]}\n", 6,
         "a word"},
        {ZONES POLICY "    default-then: "
                      "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
         3, "too long"},
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
        {ZONES "keys:\n  - secret: c2VjcmV0\n", 3, "`name' is missing"},
        {ZONES "keys:\n  - name: k\n", 3, "`secret' (or `secret-file') is missing"},
        {ZONES "keys:\n  - name: k\n    secret: c2VjcmV0\n    secret-file: f\n", 5, "already"},
        {ZONES "keys:\n  - name: k\n    secret: c2Vjcm V0\n", 4, "must be base64"},
        {ZONES "keys:\n  - name: k\n    secret: c2VjcmV\n", 4, "must be base64"},
        {ZONES "keys:\n  - name: k\n    secret: c2VjcmV=0AAA\n", 4, "must be base64"},
        {ZONES "keys:\n  - name: k\n    secret: '===='\n", 4, "must be base64"},
        {ZONES "keys:\n  - name: k\n    secret: ''\n", 4, "must be base64"},
        {ZONES "keys:\n  - name: k\n    secret: " A64 A64 A32 "AAAAAAAAAAAA\n", 4,
         "longer than 128"},
        {ZONES "keys:\n  - name: k\n    secret: " A64 A64 A32 "AAAAAAAAAAA\n", 4, "base64"},
        {ZONES "keys:\n  - name: k\n    algorithm: sha256\n    secret: c2VjcmV0\n", 4,
         "one of hmac-sha1"},
        {ZONES "keys:\n  - name: k\n    secret-file: /nonexistent/k\n", 4, "No such file"},
        {ZONES "keys:\n  - name: k\n    secret-file: /dev/zero\n", 4, "Invalid"},
        {ZONES "keys:\n  - name: k\n    secret-file: /etc\n", 4, "Invalid"},
        {ZONES "keys:\n  - name: k\n    secret: c2VjcmV0\n  - name: K.\n"
               "    secret: c2VjcmV0\n",
         5, "listed twice"},
        {ZONE "    primaries:\n      - key: k\n", 5, "`address' is missing"},
        {ZONE "    primaries:\n      - address: 192.0.2.0/24\n", 5, "an address such as"},
        {ZONE "    primaries:\n      - address: 192.0.2.1@0\n", 5, "an address such as"},
        {ZONE "    primaries:\n      - address: 192.0.2.1\n        key: k\n", 6, "no key `k'"},
        {ZONE "    primaries:\n      - address: 192.0.2.1\n        mode: both\n", 6, "mode"},
        {ZONE "    primaries:\n      - address: 192.0.2.1\n      - address: 192.0.2.1@53\n", 6,
         "listed twice"},
        {ZONE "    primaries: [192.0.2.1]\n", 4, NULL},
        {ZONE "    secondaries:\n      - address: 192.0.2.1/24\n", 5, "or a network"},
        {ZONE "    secondaries:\n      - address: 192.0.2.1\n        mode: expanded\n", 6,
         "one of native, expand, both"},
        {ZONE "    secondaries:\n      - address: 192.0.2.0/24\n        notify: yes\n", 6,
         "more than one address"},
        {ZONE "    secondaries:\n      - address: 192.0.2.1\n        key: a..b\n", 6,
         "a key's name"},
        {ZONE "    catalog: yes\n", 4, "needs primaries"},
        {ZONE "    primaries: []\n    catalog: yes\n", 5, "needs primaries"},
        {ZONES "answers:\n  xfr-types-accept: [65280, 65535]\n", 3, "65280 to 65534"},
        {ZONES "answers:\n  xfr-types-accept: [65280, 65281, 65282]\n", 3, NULL},
        {ZONES "server:\n  cookie-secrets: []\n", 3, "must not be empty"},
        {ZONES "server:\n  cookie-secrets:\n    - 000102030405060708090a0b0c0d0e\n", 4,
         "32 hexadecimal digits"},
        {ZONES "server:\n  cookie-secrets:\n    - 000102030405060708090a0b0c0d0eg0\n", 4,
         "32 hexadecimal digits"},
        {ZONES "server:\n  cookie-secrets: [a, b, c, d, e]\n", 3, NULL},
        {ZONES "server:\n  cookie-required: yes\n", 3, "needs `cookies"},
        {ZONES "server:\n  tcp-max-per-client: 0\n", 3, "from 1 to"},
        {ZONES "server:\n  version: ''\n", 3, "must not be empty"},
        {KEYS "zones:\n  - name: a.example\n", 3, "`file' is missing (or `primaries')"},
        {ZONES "checks:\n  - name: c\n", 3, "`kind' is missing"},
        {ZONES "checks:\n  - kind: icmp\n", 3, "`name' is missing"},
        {ZONES CHECK "ftp\n", 4, "one of tcp, tls"},
        {ZONES "checks:\n  - name: a/b\n    kind: icmp\n", 3, "letters, digits"},
        {ZONES CHECK "icmp\n  - name: c\n    kind: icmp\n", 5, "listed twice"},
        {ZONES CHECK "tcp\n", 3, "`port' is missing"},
        {ZONES CHECK "tcp\n    port: 0\n", 5, "from 1 to"},
        {ZONES CHECK "tcp\n    port: 80\n    path: /x\n", 6, "kind tcp has none"},
        {ZONES CHECK "icmp\n    port: 80\n", 5, "kind icmp has none"},
        {ZONES CHECK "http\n    verify: no\n", 5, "kind http has none"},
        {ZONES CHECK "http\n    path: x\n", 5, "begins with `/'"},
        {ZONES CHECK "http\n    path: /a b\n", 5, "blanks"},
        {ZONES CHECK "http\n    host: a@b\n", 5, "a host name"},
        {ZONES CHECK "http\n    status: [200, 99]\n", 5, "a status"},
        {ZONES CHECK "http\n    status: [300-200]\n", 5, "a status"},
        {ZONES CHECK "http\n    status: [200x]\n", 5, "a status"},
        {ZONES CHECK "http\n    status: []\n", 5, "must not be empty"},
        {ZONES CHECK "https\n    ca-file: /nonexistent\n", 5, "No such file"},
        {ZONES CHECK "https\n    ca-file: /etc\n", 5, "not a file"},
        {ZONES CHECK "https\n    ca-file: /etc/passwd\n", 5, "no certificate in it"},
        {ZONES CHECK "icmp\n    interval: 1s\n", 5, "timeout is longer"},
        {ZONES CHECK "icmp\n    timeout: 20s\n", 5, "timeout is longer"},
        {ZONES CHECK "icmp\n    interval: 1ms\n", 5, "from 100ms to"},
        {ZONES CHECK "icmp\n    jitter: 51\n", 5, "from 0 to 50"},
        {ZONES CHECK "icmp\n    rise: 0\n", 5, "from 1 to"},
        {ZONES CHECK "icmp\n    idle-interval: 5s\n", 5, "shorter than interval"},
        {ZONES CHECK "dns\n    type: WORD\n", 5, "a type of record"},
        {ZONES CHECK "dns\n    answer: 192.0.2.1\n", 5, "another type"},
        {ZONES CHECK "dns\n    type: A\n    rcode: refused\n    answer: 192.0.2.1\n", 7,
         "none comes"},
        {ZONES CHECK "command\n", 3, "`command' is missing"},
        {ZONES CHECK "command\n    command: [true]\n", 5, "absolute path"},
        {ZONES CHECK "command\n    command: [/nonexistent]\n", 5, "No such file"},
        {ZONES CHECK "command\n    command: [/etc]\n", 5, "not a file"},
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

static void a_folder_is_none(void **state)
{
	struct config *config = NULL;
	struct error error = {0};

	(void)state;
	assert_int_equal(config_load("/etc", &config, &error), -EISDIR);
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
	assert_int_equal(config->tcp_max_per_client, 32);
	assert_false(config->cookies || config->cookie_required);
	assert_int_equal(config->cookie_secrets_count, 0);
	assert_null(config->server_id);
	assert_null(config->server_version);
	assert_int_equal(config->xfr_type_accept[0] + config->xfr_type_accept[1], 0);
	assert_int_equal(config->keys_count, 0);
	assert_null(config->nsid);
	assert_null(config->user);
	assert_string_equal(config->control_socket, "/run/anamed/anamed.sock");
	assert_string_equal(config->state_dir, "/var/lib/anamed");
	assert_string_equal(config->pin_dir, "/sys/fs/bpf/anamed/v3");
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
	        "    dnssec: yes\n"
	        "    dnssec-keys: ../k\n"
	        "    dnssec-algorithm: ed25519\n"
	        "    dnssec-validity: 7d\n"
	        "    dnssec-cds: delete\n"
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
	assert_true(c->zones[0].dnssec);
	assert_string_equal(c->zones[0].dnssec_keys, "/etc/anamed/../k");
	assert_int_equal(c->zones[0].dnssec_algorithm, DNSSEC_ED25519);
	assert_int_equal(c->zones[0].dnssec_validity_s, 7 * 86400);
	assert_int_equal(c->zones[0].dnssec_cds, DNSSEC_CDS_DELETE);
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

/* ---- other servers ---- */

static void peers_and_keys_are_taken(void **state)
{
	static const char text[] = "zones:\n"
	                           "  - name: a.example\n"
	                           "    catalog: yes\n"
	                           "    primaries:\n"
	                           "      - {address: '2001:db8::1@5353', key: K1.Example.}\n"
	                           "      - {address: 192.0.2.9}\n"
	                           "    secondaries:\n"
	                           "      - {address: 192.0.2.0/24, key: k2, mode: expand}\n"
	                           "      - {address: 192.0.2.7@54, mode: both}\n"
	                           "      - {address: 192.0.2.8/32, notify: no}\n"
	                           "keys:\n"
	                           "  - {name: k1.example, secret: AAECAwQ=}\n"
	                           "  - {name: K2, algorithm: hmac-sha512, secret: /+8=}\n"
	                           "answers: {xfr-types-accept: [65280, 65305]}\n"
	                           "server:\n"
	                           "  cookies: yes\n"
	                           "  cookie-secrets: [000102030405060708090a0b0c0d0e0f,\n"
	                           "                   F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF]\n"
	                           "  cookie-required: yes\n"
	                           "  tcp-max-per-client: 7\n"
	                           "  id: edge\n"
	                           "  version: v\n";
	const struct config_zone *zone;
	struct config *c = NULL;
	struct error error;
	char buffer[NET_TEXT_MAX];

	(void)state;
	if (parse(text, &c, &error))
		fail_msg("%u: %s", error.line, error.text);
	zone = &c->zones[0];
	assert_null(zone->file);
	assert_true(zone->catalog);
	assert_null(zone->member_of);
	assert_int_equal(c->keys_count, 2);
	assert_memory_equal(c->keys[0].name.name, "\2k1\7example", 12);
	assert_int_equal(c->keys[0].algorithm, TSIG_HMAC_SHA256);
	assert_int_equal(c->keys[0].secret_len, 5);
	assert_memory_equal(c->keys[0].secret, "\0\1\2\3\4", 5);
	assert_int_equal(c->keys[1].algorithm, TSIG_HMAC_SHA512);
	assert_int_equal(c->keys[1].secret_len, 2);
	assert_memory_equal(c->keys[1].secret, "\xff\xef", 2);
	assert_int_equal(zone->primaries_count, 2);
	assert_string_equal(endpoint_text(&zone->primaries[0].address, buffer), "2001:db8::1@5353");
	assert_string_equal(network_text(&zone->primaries[0].network, buffer), "2001:db8::1/128");
	assert_ptr_equal(zone->primaries[0].key, &c->keys[0]);
	assert_null(zone->primaries[1].key);
	assert_int_equal(zone->primaries[1].address.port, 53);
	assert_int_equal(zone->secondaries_count, 3);
	assert_string_equal(network_text(&zone->secondaries[0].network, buffer), "192.0.2.0/24");
	assert_int_equal(zone->secondaries[0].address.family, 0);
	assert_ptr_equal(zone->secondaries[0].key, &c->keys[1]);
	assert_int_equal(zone->secondaries[0].mode, TRANSFER_EXPAND);
	assert_false(zone->secondaries[0].notify);
	assert_string_equal(endpoint_text(&zone->secondaries[1].address, buffer), "192.0.2.7@54");
	assert_int_equal(zone->secondaries[1].mode, TRANSFER_BOTH);
	assert_true(zone->secondaries[1].notify);
	assert_string_equal(endpoint_text(&zone->secondaries[2].address, buffer), "192.0.2.8@53");
	assert_int_equal(zone->secondaries[2].mode, TRANSFER_NATIVE);
	assert_false(zone->secondaries[2].notify);
	assert_int_equal(c->xfr_type_accept[0], 65280);
	assert_int_equal(c->xfr_type_accept[1], 65305);
	assert_true(c->cookies && c->cookie_required);
	assert_int_equal(c->cookie_secrets_count, 2);
	assert_memory_equal(c->cookie_secrets[0], "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	assert_memory_equal(c->cookie_secrets[1],
	                    "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff", 16);
	assert_int_equal(c->tcp_max_per_client, 7);
	assert_string_equal(c->server_id, "edge");
	assert_string_equal(c->server_version, "v");
	config_free(c);
}

static void a_secret_comes_from_a_file(void **state)
{
	char path[64], text[256];
	struct config *config = NULL;
	struct error error;
	int fd = mkstemp(folder_template(path, sizeof(path), "secret")), err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\n AAECAwQ=\n", 11), 11);
	close(fd);
	snprintf(text, sizeof(text), ZONES "keys: [{name: k, secret-file: %s}]\n", path);
	err = parse(text, &config, &error);
	assert_int_equal(truncate(path, 5000), 0);
	if (err)
		unlink(path);
	assert_int_equal(err, 0);
	assert_int_equal(config->keys[0].secret_len, 5);
	assert_memory_equal(config->keys[0].secret, "\0\1\2\3\4", 5);
	config_free(config);
	err = parse(text, &config, &error);
	unlink(path);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(error.text, "too large"));
	assert_null(strstr(error.text, "AAEC"));
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
	for (size_t i = 0; i < section->count; i++) {
		const struct setting *setting = &section->settings[i];

		expect_key(path, text, before, setting->key, after);
		if (setting->entries)
			expect_section(path, text, before, after, setting->entries);
	}
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
	       a->tcp_max == b->tcp_max && a->tcp_max_per_client == b->tcp_max_per_client &&
	       a->cookies == b->cookies && a->cookie_required == b->cookie_required &&
	       a->xfr_type_accept[0] == b->xfr_type_accept[0] &&
	       a->xdp_detach_on_stop == b->xdp_detach_on_stop &&
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
	        cmocka_unit_test(a_folder_is_none),
	        cmocka_unit_test(five_lines_suffice),
	        cmocka_unit_test(defaults_are_those_that_are_promised),
	        cmocka_unit_test(every_setting_reaches_its_field),
	        cmocka_unit_test(peers_and_keys_are_taken),
	        cmocka_unit_test(a_secret_comes_from_a_file),
	        cmocka_unit_test(every_example_is_taken),
	        cmocka_unit_test(every_setting_is_documented),
	        cmocka_unit_test(the_full_example_shows_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
