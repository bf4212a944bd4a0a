/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/control.h"
#include "control/words.h"
#include "control/world.h"
#include "sign/keyfile.h"
#include "sign/signer.h"
#include "unit/folder.h"

#define SOA "@ 60 IN SOA ns1 host 1 2 3 4 5\n@ 60 IN NS ns1.example.net.\n"

struct fixture {
	char folder[64], config[80];
};

static void write_file(const struct fixture *fixture, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!mkdtemp(folder_template(fixture->folder, sizeof(fixture->folder), "world")))
		return -1;
	snprintf(fixture->config, sizeof(fixture->config), "%s/conf", fixture->folder);
	write_file(fixture, "conf",
	           "zones:\n"
	           "  - {name: a.example, file: a}\n"
	           "  - {name: b.example, file: b}\n");
	write_file(fixture, "a", SOA "www 60 IN A 192.0.2.1\n");
	write_file(fixture, "b", SOA "www 60 IN A 192.0.2.2\n");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"conf", "a", "b", WORLD_REGIONS_FILE};
	struct fixture *fixture = *state;
	char path[160];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->folder, names[i]);
		unlink(path);
	}
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static struct world_load *load(const struct fixture *fixture, const struct zones *old)
{
	struct world_load *loaded = NULL;
	struct error error = {0};

	if (world_load(fixture->config, old, NULL, &loaded, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	return loaded;
}

static struct zone *zone_of(const struct zones *zones, const char *name)
{
	struct config_name apex;

	assert_int_equal(words_name(name, &apex), 0);
	return zones_exact(zones, apex.name, apex.len);
}

static void a_bad_zone_does_not_stop_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *loaded;

	write_file(fixture, "a", SOA "www 60 IN A 192.0.2.300\n");
	loaded = load(fixture, NULL);
	assert_int_equal(zones_count(loaded->zones), 2);
	assert_int_equal(zones_with_data(loaded->zones), 1);
	assert_null(zone_of(loaded->zones, "a.example")->soa); /* ours, and SERVFAIL */
	assert_non_null(zone_of(loaded->zones, "b.example")->soa);
	assert_int_equal(loaded->faults_count, 1);
	assert_int_equal(loaded->faults[0].error.line, 3);
	assert_non_null(strstr(loaded->faults[0].error.file, "/a"));
	assert_false(loaded->faults[0].kept);
	world_load_free(loaded);
}

static void a_bad_reload_keeps_the_old_zone(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *first = load(fixture, NULL), *second;
	struct zone *before;

	world_settle(first->config, first->zones, NULL, NULL);
	before = zone_of(first->zones, "a.example");
	assert_int_equal(before->generation, 1);
	write_file(fixture, "a", "nonsense\n");
	write_file(fixture, "b", SOA "www 60 IN A 192.0.2.99\n");
	second = load(fixture, first->zones);
	world_settle(second->config, second->zones, first->zones, NULL);
	assert_int_equal(second->faults_count, 1);
	assert_true(second->faults[0].kept);
	assert_ptr_equal(zone_of(second->zones, "a.example"), before);
	assert_int_equal(zone_of(second->zones, "b.example")->generation, 2);
	world_load_free(first);
	/* It lives on, under the configuration that lives on. */
	assert_int_equal(before->generation, 1);
	assert_ptr_equal(before->settings, &second->config->zones[0]);
	assert_non_null(zone_node_exact(before, (const uint8_t *)"\3www\1a\7example", 15));
	world_load_free(second);
}

static void a_generation_is_raised_by_content_alone(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *first = load(fixture, NULL), *second = load(fixture, first->zones);

	world_settle(first->config, first->zones, NULL, NULL);
	world_settle(second->config, second->zones, first->zones, NULL);
	assert_int_equal(zone_of(second->zones, "a.example")->generation, 1);
	assert_ptr_not_equal(zone_of(second->zones, "a.example"),
	                     zone_of(first->zones, "a.example"));
	world_load_free(first);
	world_load_free(second);
}

static void a_bad_configuration_leaves_everything(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *first = load(fixture, NULL), *second = NULL;
	struct error error = {0};

	write_file(fixture, "conf", "zones:\n  - {name: a.example, file: a, colour: red}\n");
	assert_int_equal(world_load(fixture->config, first->zones, NULL, &second, &error), -EINVAL);
	assert_null(second);
	assert_string_equal(error.file, fixture->config);
	assert_int_equal(error.line, 2);
	world_load_free(first);
}

static void numbers_of_regions_that_are_not_recalled_are_told(void **state)
{
	static const struct {
		const char *regions; /* the file; NULL: none */
		int recall_err;
		unsigned int far; /* the region's number */
	} cases[] = {{NULL, -ENOENT, 2},
	             {"w gone\nw far\n", 0, 2},
	             {"w gone\nw older\nw far\n", 0, 3},
	             {"w gone\nw older\nw far\nw ", -EBADMSG, 2},
	             {"w\n", -EBADMSG, 2}};
	struct fixture *fixture = *state;
	char conf[512];

	snprintf(conf, sizeof(conf),
	         "server: {state-dir: %s}\nzones: [{name: a.example, file: a}]\n"
	         "policies: [{name: w, regions: [near, far], default: near}]\n",
	         fixture->folder);
	write_file(fixture, "conf", conf);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world_load *loaded;

		if (cases[i].regions)
			write_file(fixture, WORLD_REGIONS_FILE, cases[i].regions);
		loaded = load(fixture, NULL);
		assert_int_equal(loaded->recall_err, cases[i].recall_err);
		assert_int_equal(geo_region(loaded->geo, 0, "far"), cases[i].far);
		world_load_free(loaded);
	}
}

static void loops_over_zones_are_faults(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *loaded;

	write_file(fixture, "a", SOA "x 60 IN ANAME y.b.example.\n");
	write_file(fixture, "b", SOA "y 60 IN ANAME x.a.example.\n");
	loaded = load(fixture, NULL);
	assert_int_equal(zones_count(loaded->zones), 2);
	assert_int_equal(loaded->faults_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(loaded->faults[i].loop);
		assert_non_null(strstr(loaded->faults[i].error.file, fixture->folder));
	}
	world_load_free(loaded);
}

/* ---- keys ---- */

#define APEX ((const uint8_t *)"\1a\7example")

/* Writes a key that has been inactive for a minute; its files' path. */
static void write_ended_key(const struct fixture *fixture, char ret[PATH_MAX])
{
	int64_t now = clock_unix_ms() / 1000;
	struct error error = {0};
	struct sign_key key;

	assert_int_equal(sign_key_generate(SIGN_ED25519, 257, 0, &key), 0);
	key.times = (struct sign_times){now - 600, now - 600, now - 600, now - 60, SIGN_TIME_NONE};
	if (sign_keyfile_write(fixture->folder, APEX, &key, ret, &error))
		fail_msg("%s", error.text);
	sign_key_done(&key);
}

static void remove_key(const char *stem)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s.key", stem);
	unlink(path);
	snprintf(path, sizeof(path), "%s.private", stem);
	unlink(path);
}

static void a_zone_whose_keys_are_over_is_served_and_that_is_a_fault(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *first, *second;
	char stem[PATH_MAX], text[200];

	snprintf(text, sizeof(text),
	         "zones:\n"
	         "  - {name: a.example, file: a, dnssec: yes, dnssec-keys: %s}\n",
	         fixture->folder);
	write_file(fixture, "conf", text);
	write_ended_key(fixture, stem);
	first = load(fixture, NULL);
	assert_true(signer_kept_on(zone_of(first->zones, "a.example")->signer));
	assert_int_equal(first->faults_count, 1);
	assert_true(first->faults[0].served);
	assert_string_equal(first->faults[0].error.file, fixture->folder);
	assert_non_null(strstr(first->faults[0].error.text, "the last ones go on"));
	/* And edits to its file are taken. */
	write_file(fixture, "a", SOA "www 60 IN A 192.0.2.9\n");
	second = load(fixture, first->zones);
	assert_ptr_not_equal(zone_of(second->zones, "a.example")->table,
	                     zone_of(first->zones, "a.example")->table);
	assert_non_null(zone_of(second->zones, "a.example")->signer);
	assert_true(second->faults[0].served && !second->faults[0].kept);
	world_load_free(first);
	world_load_free(second);
	remove_key(stem);
}

/* A reload copies zones whose keys differ; the loop has them expire, or be confirmed, meanwhile. */
static void what_expires_during_a_reload_has_expired(void **state)
{
	struct fixture *fixture = *state;
	struct world_load *first = load(fixture, NULL);

	for (int expired = 1; expired >= 0; expired--) {
		struct zone *before = zone_of(first->zones, "a.example");
		struct zone *copies[] = {zone_again(before),
		                         zone_again(zone_of(first->zones, "b.example"))};
		struct zones *zones = zones_new(copies, 2);

		before->expired = expired;
		world_settle(first->config, zones, first->zones, NULL);
		assert_int_equal(zone_of(zones, "a.example")->expired, expired);
		assert_false(zone_of(zones, "b.example")->expired);
		before->expired = true; /* what the next copy is made of */
		zones_free(zones);
	}
	world_load_free(first);
}

/* ---- comparing configurations ---- */

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct error error = {0};
	char whole[1024];

	snprintf(whole, sizeof(whole), "zones: [{name: a, file: a}]\n%s", text);
	if (config_parse("/c", whole, strlen(whole), &config, &error))
		fail_msg("%u: %s", error.line, error.text);
	return config;
}

static void what_needs_a_restart_is_said(void **state)
{
	static const struct {
		const char *text, *needed;
	} changes[] = {
	        {"", ""},
	        {"answers: {ttl-floor: 9}\n", ""},
	        {"upstreams: [{address: 192.0.2.1}]\n", ""},
	        {"listen: [192.0.2.1]\n", "listen"},
	        {"interfaces: [{name: eth0}]\n", "interfaces"},
	        {"maps: {slots: 64}\n", "maps"},
	        {"memory: {answers: 64}\n", "memory"},
	        {"server: {workers: 7, user: nobody}\n", "workers, user"},
	        {"server: {control-socket: /x, state-dir: '', tcp-max: 3, tcp-idle: 1s}\n",
	         "tcp-idle, tcp-max, control-socket, state-dir"},
	};
	struct config *before = parse("");
	char needed[256];

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct config *after = parse(changes[i].text);

		assert_string_equal(world_restart_needed(before, after, needed, sizeof(needed)),
		                    changes[i].needed);
		config_free(after);
	}
	config_free(before);
}

static void upstreams_are_rebuilt_when_they_differ(void **state)
{
	static const struct {
		const char *text;
		bool same;
	} changes[] = {
	        {"upstreams: [{address: 192.0.2.1}]\n", true},
	        {"upstreams: [{address: 192.0.2.1}]\nanswers: {ttl-cap: 9}\n", true},
	        {"upstreams: [{address: 192.0.2.2}]\n", false},
	        {"upstreams: [{address: 192.0.2.1@54}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, kind: authoritative}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, suffix: x}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, ecs: no}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, ecs-ipv4-max: 16}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, ecs-ipv6-max: 48}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, timeout: 1s}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, hedge: 1s}]\n", false},
	        {"upstreams: [{address: 192.0.2.1, tries: 1}]\n", false},
	        {"upstreams: [{address: 192.0.2.1}, {address: 192.0.2.2}]\n", false},
	        {"upstreams: [{address: 192.0.2.1}]\nanswers: {resolution-time: 9s}\n", false},
	};
	struct config *before = parse(changes[0].text);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct config *after = parse(changes[i].text);

		if (world_same_upstreams(before, after) != changes[i].same)
			fail_msg("wrong about %s", changes[i].text);
		config_free(after);
	}
	config_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_bad_zone_does_not_stop_the_others, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(a_bad_reload_keeps_the_old_zone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_generation_is_raised_by_content_alone, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(a_bad_configuration_leaves_everything, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(numbers_of_regions_that_are_not_recalled_are_told,
	                                        set_up, tear_down),
	        cmocka_unit_test_setup_teardown(loops_over_zones_are_faults, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_zone_whose_keys_are_over_is_served_and_that_is_a_fault, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(what_expires_during_a_reload_has_expired, set_up,
	                                        tear_down),
	        cmocka_unit_test(what_needs_a_restart_is_said),
	        cmocka_unit_test(upstreams_are_rebuilt_when_they_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
