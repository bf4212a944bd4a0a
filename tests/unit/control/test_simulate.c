/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anamed/dns.h"
#include "control/control.h"
#include "control/simulate.h"
#include "control/words.h"
#include "steer/pool.h"
#include "unit/folder.h"

#define HEAD                                                                                       \
	"zones: [{name: example.com, file: example.com.zone}]\n"                                   \
	"policies:\n"                                                                              \
	"  - name: world\n"                                                                        \
	"    default: eu\n"                                                                        \
	"    rules:\n"                                                                             \
	"      - {region: eu, networks: [192.0.2.0/24]}\n"                                         \
	"      - {region: us, networks: [198.51.100.0/24]}\n"

#define POOLS                                                                                      \
	"pools:\n"                                                                                 \
	"  - name: geo.pool\n"                                                                     \
	"    mode: geo\n"                                                                          \
	"    policy: world\n"                                                                      \
	"    members:\n"                                                                           \
	"      - {pool: eu.pool, region: eu}\n"                                                    \
	"      - {address: 203.0.113.7, region: us}\n"                                             \
	"  - name: eu.pool\n"                                                                      \
	"    mode: weighted\n"                                                                     \
	"    members:\n"                                                                           \
	"      - {address: 203.0.113.1, weight: 3}\n"                                              \
	"      - {aname: www.cdn.test, weight: 1}\n"                                               \
	"  - name: near.pool\n"                                                                    \
	"    mode: latency\n"                                                                      \
	"    margin: 5ms\n"                                                                        \
	"    members: [{address: 203.0.113.1}, {address: 203.0.113.2}]\n"                          \
	"  - name: steady.pool\n"                                                                  \
	"    mode: consistent\n"                                                                   \
	"    members: [{address: 203.0.113.1}, {address: 203.0.113.2}, {address: 203.0.113.3}]\n"

#define ZONE                                                                                       \
	"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 ANAME geo.pool.\n"         \
	"plain 60 ANAME www.cdn.test.\n"

struct scene {
	char folder[64], config[96], other[96], clients[96], zone[96];
	struct error error;
	json_t *reply;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	*state = scene;
	folder_template(scene->folder, sizeof(scene->folder), "simulate");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->config, sizeof(scene->config), "%s/a.conf", scene->folder);
	snprintf(scene->other, sizeof(scene->other), "%s/b.conf", scene->folder);
	snprintf(scene->clients, sizeof(scene->clients), "%s/clients", scene->folder);
	snprintf(scene->zone, sizeof(scene->zone), "%s/example.com.zone", scene->folder);
	write_file(scene->config, HEAD POOLS);
	write_file(scene->zone, ZONE);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	json_decref(scene->reply);
	unlink(scene->config);
	unlink(scene->other);
	unlink(scene->clients);
	unlink(scene->zone);
	rmdir(scene->folder);
	free(scene);
	return 0;
}

/* Words: clients; those with "=" in them are assumed. */
static int run(struct scene *scene, const char *name, const char *words, struct simulate request)
{
	char text[512], *rest = text, *word, *clients[16], *assume[16];
	int err;

	snprintf(text, sizeof(text), "%s", words);
	assert_int_equal(words_name(name, &request.name), 0);
	request.config = scene->config;
	request.type = request.type ? request.type : AN_TYPE_A;
	request.clients = clients;
	request.assume = assume;
	while ((word = strsep(&rest, " "))) {
		if (strchr(word, '='))
			assume[request.assume_count++] = word;
		else if (word[0])
			clients[request.clients_count++] = word;
	}
	json_decref(scene->reply);
	scene->reply = NULL;
	memset(&scene->error, 0, sizeof(scene->error));
	err = simulate(&request, &scene->reply, &scene->error);
	if (err)
		print_message("%s:%u: %s\n", scene->error.file, scene->error.line,
		              scene->error.text);
	return err;
}

static const json_t *client(const struct scene *scene, size_t index, const char *when)
{
	return json_object_get(json_array_get(json_object_get(scene->reply, "clients"), index),
	                       when);
}

/* "203.0.113.1 0.750" of each thing that is given. */
static void gives(const struct scene *scene, size_t index, const char *when, const char *wanted)
{
	const json_t *list = json_object_get(client(scene, index, when), "gives"), *one;
	char text[512] = "";
	size_t i, len = 0;

	json_array_foreach(list, i, one)
	{
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %.3f", i ? ", " : "",
		                        json_string_value(json_object_get(one, "give")),
		                        json_number_value(json_object_get(one, "share")));
	}
	assert_string_equal(text, wanted);
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* ---- tests ---- */

static void test_a_client_gets_what_its_region_gives(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(
	        run(scene, "geo.pool", "192.0.2.0/24 198.51.100.9 100.0.0.1", (struct simulate){0}),
	        0);
	gives(scene, 0, "before", "203.0.113.1 0.750, www.cdn.test. 0.250");
	assert_string_equal(
	        json_string_value(json_object_get(client(scene, 0, "before"), "region")), "eu");
	assert_int_equal(number(client(scene, 1, "before"), "scope"), 24);
	gives(scene, 1, "before", "203.0.113.7 1.000");
	gives(scene, 2, "before", "203.0.113.1 0.750, www.cdn.test. 0.250"); /* the default */
	assert_null(client(scene, 0, "after"));
	assert_null(json_object_get(scene->reply, "moved"));
}

static void test_targets_of_other_regions_are_not_looked_up(void **state)
{
	struct scene *scene = *state;

	write_file(scene->config, HEAD "pools:\n"
	                               "  - name: geo.pool\n"
	                               "    mode: geo\n"
	                               "    policy: world\n"
	                               "    members:\n"
	                               "      - {aname: eu.cdn.test, region: eu}\n"
	                               "      - {aname: us.cdn.test, region: us}\n");
	assert_int_equal(
	        run(scene, "geo.pool", "192.0.2.0/24 eu.cdn.test=failing", (struct simulate){0}),
	        0);
	gives(scene, 0, "before", "eu.cdn.test. 1.000");
	gives(scene, 0, "after", "");
}

static void test_an_owner_leads_to_its_pool(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(run(scene, "www.example.com", "198.51.100.9", (struct simulate){0}), 0);
	assert_string_equal(json_string_value(json_object_get(scene->reply, "pool")), "geo.pool.");
	gives(scene, 0, "before", "203.0.113.7 1.000");
	assert_int_equal(run(scene, "plain.example.com", "", (struct simulate){0}), -ENOENT);
	assert_non_null(strstr(scene->error.text, "no ANAME to a pool"));
	assert_int_equal(run(scene, "www.example.net", "", (struct simulate){0}), -ENOENT);
}

static void test_without_clients_there_is_one_for_each_region(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(run(scene, "geo.pool", "", (struct simulate){0}), 0);
	assert_int_equal(json_array_size(json_object_get(scene->reply, "clients")), 2);
	gives(scene, 0, "before", "203.0.113.1 0.750, www.cdn.test. 0.250");
	gives(scene, 1, "before", "203.0.113.7 1.000");
}

static void test_what_is_assumed_holds_after_the_change(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(run(scene, "eu.pool", "192.0.2.1 203.0.113.1=down", (struct simulate){0}),
	                 0);
	gives(scene, 0, "before", "203.0.113.1 0.750, www.cdn.test. 0.250");
	gives(scene, 0, "after", "www.cdn.test. 1.000");
	assert_true(fabs(number(scene->reply, "moved") - 0.75) < 1e-9);
	assert_int_equal(
	        run(scene, "geo.pool", "192.0.2.1 WWW.cdn.test=failing", (struct simulate){0}), 0);
	gives(scene, 0, "after", "203.0.113.1 1.000");
	assert_int_equal(run(scene, "eu.pool", "192.0.2.1 eu.pool=none", (struct simulate){0}), 0);
	gives(scene, 0, "after", "");
	assert_true(fabs(number(scene->reply, "moved") - 1) < 1e-9);
}

static void test_states_of_now_hold_before_and_after(void **state)
{
	json_t *states = json_pack("[{s:s, s:s, s:b}, {s:s, s:s, s:b}, {s:s, s:s, s:b}]", //
	                           "check", "web", "address", "203.0.113.1", "up", 0,     //
	                           "check", "dns", "address", "203.0.113.2", "up", 0,     //
	                           "check", "other", "address", "203.0.113.9", "up", 0);
	struct scene *scene = *state;

	write_file(scene->config, HEAD "checks: [{name: web, kind: tcp, port: 80},\n"
	                               "         {name: dns, kind: tcp, port: 53}]\n"
	                               "pools:\n"
	                               "  - name: eu.pool\n"
	                               "    mode: weighted\n"
	                               "    check: web\n"
	                               "    members: [{address: 203.0.113.1}, {address: "
	                               "203.0.113.2}, {address: 203.0.113.3}]\n");
	assert_int_equal(run(scene, "eu.pool", "192.0.2.1 203.0.113.2=down",
	                     (struct simulate){.states = states}),
	                 0);
	json_decref(states);
	gives(scene, 0, "before", "203.0.113.2 0.500, 203.0.113.3 0.500");
	gives(scene, 0, "after", "203.0.113.3 1.000");
	/* By another check than the pool's. */
	assert_int_equal(
	        run(scene, "eu.pool", "192.0.2.1 dns/203.0.113.2=down", (struct simulate){0}),
	        -ENOENT);
}

/* "203.0.113.1 up 4000", of each address, and so on: as the daemon's check `web' has them. */
static json_t *measured(const char *words)
{
	json_t *list = json_array();
	char address[32], state[8];
	unsigned int us;

	for (int len; sscanf(words, "%31s %7s %u%n", address, state, &us, &len) == 3; words += len)
		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:i}", "check", "web",
		                                      "address", address, "up",
		                                      strcmp(state, "up") == 0, "connect_us", us));
	return list;
}

#define NEAR                                                                                       \
	HEAD "checks: [{name: web, kind: tcp, port: 80}]\npools:\n"                                \
	     "  - {name: near.pool, mode: latency, check: web, margin: 5ms, members: ["            \
	     "{address: 203.0.113.1}, {address: 203.0.113.2}]}\n"                                  \
	     "  - {name: cdns.pool, mode: latency, check: web, margin: 5ms, members: ["            \
	     "{address: 203.0.113.1}, {aname: www.cdn.test}]}\n"

static void test_distances_of_now_hold_before_and_after(void **state)
{
	static const struct {
		const char *states, *assumed, *before, *after;
	} cases[] = {
	        {"203.0.113.1 up 4001 203.0.113.2 up 4000", "", "203.0.113.2", ""},
	        {"203.0.113.1 up 4000 203.0.113.2 up 4001", "", "203.0.113.1", ""},
	        {"203.0.113.1 up 0 203.0.113.2 up 90000", "", "203.0.113.2", ""},
	        {"203.0.113.1 up 9000 203.0.113.2 down 1", "", "203.0.113.1", ""},
	        /* All down, all count: what is down is not measured. */
	        {"203.0.113.1 down 9000 203.0.113.2 down 1", "", "203.0.113.1", ""},
	        {"203.0.113.1 up 9000 203.0.113.2 up 1", "203.0.113.2=down", "203.0.113.2",
	         "203.0.113.1"},
	        {"203.0.113.1 up 9000 203.0.113.2 up 1", "203.0.113.1=0ms", "203.0.113.2",
	         "203.0.113.2"},
	        {"203.0.113.1 up 9000 203.0.113.2 up 2000", "203.0.113.1=1ms", "203.0.113.2",
	         "203.0.113.1"},
	        /* Who comes up is as far away as he was. */
	        {"203.0.113.1 up 9000 203.0.113.2 down 1", "203.0.113.2=up", "203.0.113.1",
	         "203.0.113.2"},
	        {"203.0.113.1 up 9000 203.0.113.2 down 9001", "203.0.113.2=up", "203.0.113.1",
	         "203.0.113.1"},
	};
	struct scene *scene = *state;

	write_file(scene->config, NEAR);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *states = measured(cases[i].states);
		char words[64], wanted[64];

		snprintf(words, sizeof(words), "192.0.2.1 %s", cases[i].assumed);
		assert_int_equal(
		        run(scene, "near.pool", words, (struct simulate){.states = states}), 0);
		json_decref(states);
		snprintf(wanted, sizeof(wanted), "%s 1.000", cases[i].before);
		gives(scene, 0, "before", wanted);
		snprintf(wanted, sizeof(wanted), "%s 1.000", cases[i].after);
		if (cases[i].after[0])
			gives(scene, 0, "after", wanted);
	}
}

/* ---- what was chosen last ---- */

#define FIRST(members)                                                                             \
	HEAD "pools:\n  - {name: first.pool, mode: failover, hold-down: 1m, members: [" members    \
	     "]}\n"
#define WITH_GEO                                                                                   \
	"  - {name: geo.pool, mode: geo, policy: world, members: [{address: 203.0.113.7, region: " \
	"us}]}\n"
#define TWO_MEMBERS "{address: 203.0.113.1}, {address: 203.0.113.2}"

/* The id of a pool's `node`-th node. */
static uint32_t id_in(struct scene *scene, size_t pool, uint16_t node)
{
	struct pool_fault fault = {0};
	struct config *config;
	struct pools *pools;
	uint32_t id;

	assert_int_equal(config_load(scene->config, &config, &scene->error), 0);
	assert_int_equal(pools_new(config, NULL, NULL, &pools, &fault), 0);
	id = pools_at(pools, pool)->nodes[node].id;
	pools_free(pools);
	config_free(config);
	return id;
}

static uint32_t id_of(struct scene *scene, uint16_t node)
{
	return id_in(scene, 0, node);
}

/* As the daemon tells it: the second was chosen so long ago, and the first is up since. */
static json_t *chose_second(struct scene *scene, const char *type, int chosen_ms_ago, int up_ms_ago)
{
	return json_pack("[{s:s, s:[{s:{s:I}, s:{s:I}, s:i}, {s:{s:I}, s:i}]}]", "type", type,
	                 "nodes", "node", "id", (json_int_t)id_of(scene, 0), "choice", "id",
	                 (json_int_t)id_of(scene, 2), "chosen_ms_ago", chosen_ms_ago, "node", "id",
	                 (json_int_t)id_of(scene, 1), "up_ms_ago", up_ms_ago);
}

static void run_with(struct scene *scene, const char *words, json_t *choices, const char *against)
{
	assert_non_null(choices);
	assert_int_equal(run(scene, "first.pool", words,
	                     (struct simulate){.choices = choices, .against = against}),
	                 0);
	json_decref(choices);
}

static void test_what_hold_down_holds_back_is_not_given(void **state)
{
	static const struct {
		int chosen_ms_ago, up_ms_ago;
		const char *type, *wanted;
	} cases[] = {{90000, 59999, "A", "203.0.113.2 1.000"},
	             {59999, 90000, "A", "203.0.113.2 1.000"},
	             {0, 0, "A", "203.0.113.2 1.000"},
	             {60000, 60000, "A", "203.0.113.1 1.000"},
	             {0, 0, "AAAA", "203.0.113.1 1.000"}};
	struct scene *scene = *state;

	write_file(scene->config, FIRST(TWO_MEMBERS));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_with(scene, "192.0.2.1",
		         chose_second(scene, cases[i].type, cases[i].chosen_ms_ago,
		                      cases[i].up_ms_ago),
		         NULL);
		gives(scene, 0, "before", cases[i].wanted);
	}
}

static void test_what_is_assumed_comes_on_top_of_what_was_chosen(void **state)
{
	struct scene *scene = *state;

	write_file(scene->config, FIRST(TWO_MEMBERS));
	run_with(scene, "192.0.2.1 203.0.113.2=down", chose_second(scene, "A", 0, 0), NULL);
	gives(scene, 0, "before", "203.0.113.2 1.000");
	gives(scene, 0, "after", "203.0.113.1 1.000");
}

static void test_targets_stand_as_they_do_in_the_daemon(void **state)
{
	static const struct {
		const char *target;
		int far_us;
		const char *assumed, *before, *after;
	} cases[] = {
	        {"up", 4001, "", "203.0.113.1", ""},
	        {"up", 3999, "", "www.cdn.test.", ""},
	        {"down", 0, "", "203.0.113.1", ""},
	        {"failing", 0, "203.0.113.1=down", "203.0.113.1", "203.0.113.1"},
	        {"none", 0, "203.0.113.1=none", "203.0.113.1", ""},
	        {"up", 3999, "www.cdn.test=down", "www.cdn.test.", "203.0.113.1"},
	        {"up", 3999, "www.cdn.test=up", "www.cdn.test.", "www.cdn.test."},
	        {"up", 3999, "www.cdn.test=9ms", "www.cdn.test.", "203.0.113.1"},
	        {"failing", 0, "www.cdn.test=3ms", "203.0.113.1", "www.cdn.test."},
	        {"strange", 1, "", "203.0.113.1", ""},
	};
	struct scene *scene = *state;
	json_t *states = measured("203.0.113.1 up 4000");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[64], wanted[64];
		json_t *choices;

		write_file(scene->config, NEAR);
		choices = json_pack("[{s:s, s:[{s:{s:I}, s:s, s:i}]}]", "type", "A", "nodes",
		                    "node", "id", (json_int_t)id_in(scene, 1, 2), "state",
		                    cases[i].target, "connect_us", cases[i].far_us);
		snprintf(words, sizeof(words), "192.0.2.1 %s", cases[i].assumed);
		assert_int_equal(run(scene, "cdns.pool", words,
		                     (struct simulate){.states = states, .choices = choices}),
		                 0);
		json_decref(choices);
		snprintf(wanted, sizeof(wanted), "%s 1.000", cases[i].before);
		gives(scene, 0, "before", wanted);
		snprintf(wanted, sizeof(wanted), "%s 1.000", cases[i].after);
		if (cases[i].assumed[0])
			gives(scene, 0, "after", cases[i].after[0] ? wanted : "");
	}
	json_decref(states);
}

static void test_members_that_stay_are_remembered_in_another_configuration(void **state)
{
	struct scene *scene = *state;

	write_file(scene->config, FIRST(TWO_MEMBERS));
	write_file(scene->other, FIRST("{address: 203.0.113.9}, " TWO_MEMBERS));
	run_with(scene, "192.0.2.1", chose_second(scene, "A", 0, 0), scene->other);
	gives(scene, 0, "before", "203.0.113.2 1.000");
	gives(scene, 0, "after", "203.0.113.2 1.000");
	write_file(scene->other, FIRST("{address: 203.0.113.9}, {address: 203.0.113.1}"));
	run_with(scene, "192.0.2.1", chose_second(scene, "A", 0, 0), scene->other);
	gives(scene, 0, "after", "203.0.113.9 1.000");
}

static void test_each_region_remembers_its_own(void **state)
{
	struct scene *scene = *state;
	json_t *choices;

	write_file(scene->config, FIRST(TWO_MEMBERS ", {pool: geo.pool}") WITH_GEO);
	write_file(scene->other, FIRST(TWO_MEMBERS));
	choices = json_pack("[{s:s, s:s, s:[{s:{s:I}, s:{s:I}, s:i}]}]", "type", "A", "region",
	                    "us", "nodes", "node", "id", (json_int_t)id_of(scene, 0), "choice",
	                    "id", (json_int_t)id_of(scene, 2), "chosen_ms_ago", 5);
	assert_non_null(choices);
	assert_int_equal(run(scene, "first.pool", "192.0.2.1 198.51.100.1",
	                     (struct simulate){.choices = choices, .against = scene->other}),
	                 0);
	json_decref(choices);
	gives(scene, 0, "before", "203.0.113.1 1.000");
	gives(scene, 1, "before", "203.0.113.2 1.000");
	gives(scene, 1, "after", "203.0.113.1 1.000"); /* it has no regions */
}

static void test_distances_can_be_assumed(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(run(scene, "near.pool", "192.0.2.1 203.0.113.1=30ms 203.0.113.2=10ms",
	                     (struct simulate){0}),
	                 0);
	gives(scene, 0, "after", "203.0.113.2 1.000");
}

static void test_a_member_that_leaves_moves_its_share_alone(void **state)
{
	struct scene *scene = *state;
	FILE *file = fopen(scene->clients, "w");
	size_t count;
	double share;

	assert_non_null(file);
	fprintf(file, "# a hundred networks each\n\n");
	for (int i = 0; i < 3000; i++)
		fprintf(file, "100.%d.%d.0/24\t100 # remark\n", i / 256, i % 256);
	fclose(file);
	assert_int_equal(run(scene, "steady.pool", "203.0.113.2=down",
	                     (struct simulate){.clients_file = scene->clients}),
	                 0);
	count = json_array_size(json_object_get(scene->reply, "clients"));
	assert_int_equal(count, 3000);
	share = number(json_array_get(json_object_get(scene->reply, "totals"), 1), "before");
	assert_true(fabs(share - 1.0 / 3) < 0.03);
	assert_true(fabs(number(scene->reply, "moved") - share) < 1e-5);
	for (size_t i = 0; i < count; i++) {
		const json_t *row = json_array_get(json_object_get(scene->reply, "clients"), i);
		const json_t *give =
		        json_array_get(json_object_get(json_object_get(row, "before"), "gives"), 0);
		bool left = strcmp(json_string_value(json_object_get(give, "give")),
		                   "203.0.113.2") == 0;

		assert_int_equal(number(row, "moved") > 0, left);
		/* And goes to another, not nowhere. */
		assert_int_equal(
		        json_array_size(json_object_get(json_object_get(row, "after"), "gives")),
		        1);
	}
}

static void test_weights_of_clients_count(void **state)
{
	struct scene *scene = *state;

	write_file(scene->clients, "192.0.2.0/24 3\n198.51.100.0/24,1\n");
	assert_int_equal(run(scene, "geo.pool", "203.0.113.7=down",
	                     (struct simulate){.clients_file = scene->clients}),
	                 0);
	assert_true(fabs(number(scene->reply, "moved") - 0.25) < 1e-6);
}

static void test_another_configuration_is_compared(void **state)
{
	struct scene *scene = *state;

	write_file(scene->other, HEAD "pools:\n"
	                              "  - name: eu.pool\n"
	                              "    mode: weighted\n"
	                              "    members:\n"
	                              "      - {address: 203.0.113.1, weight: 1}\n"
	                              "      - {address: 203.0.113.9, weight: 1}\n");
	assert_int_equal(
	        run(scene, "eu.pool", "192.0.2.1", (struct simulate){.against = scene->other}), 0);
	gives(scene, 0, "after", "203.0.113.1 0.500, 203.0.113.9 0.500");
	assert_true(fabs(number(scene->reply, "moved") - 0.5) < 1e-6);
	assert_int_equal(run(scene, "geo.pool", "", (struct simulate){.against = scene->other}),
	                 -ENOENT);
}

static void test_the_other_family_is_not_there(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(
	        run(scene, "eu.pool", "2001:db8::/32", (struct simulate){.type = AN_TYPE_AAAA}), 0);
	gives(scene, 0, "before", "www.cdn.test. 1.000");
}

static void test_files_of_clients_are_read_whole_or_not_at_all(void **state)
{
	static const char *const wrong[] = {"192.0.2.1 -1\n", "192.0.2.0/24 5 eu\n",
	                                    "192.0.2.0/24 5,\t7\n", "192.0.2.0/33\n"};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_file(scene->clients, wrong[i]);
		assert_int_equal(run(scene, "eu.pool", "",
		                     (struct simulate){.clients_file = scene->clients}),
		                 -EINVAL);
		assert_int_equal(scene->error.line, 1);
	}
	assert_int_equal(run(scene, "eu.pool", "", (struct simulate){.clients_file = "/none"}),
	                 -ENOENT);
	assert_int_equal(
	        run(scene, "eu.pool", "", (struct simulate){.clients_file = scene->folder}),
	        -EISDIR);
}

static void test_faults_say_where(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(run(scene, "eu.pool", "203.0.113.250=down", (struct simulate){0}),
	                 -ENOENT);
	assert_int_equal(run(scene, "eu.pool", "203.0.113.1=tired", (struct simulate){0}), -EINVAL);
	assert_non_null(strstr(scene->error.text, "up, down, failing, none"));
	assert_int_equal(run(scene, "eu.pool", "a.b/c", (struct simulate){0}), -EINVAL);
	write_file(scene->clients, "192.0.2.0/24\n\n192.0.2.0/24 much\n");
	assert_int_equal(
	        run(scene, "eu.pool", "", (struct simulate){.clients_file = scene->clients}),
	        -EINVAL);
	assert_string_equal(scene->error.file, scene->clients);
	assert_int_equal(scene->error.line, 3);
	write_file(scene->config, "pools: [{name: a.pool, members: [{pool: a.pool}]}]\n" HEAD);
	assert_true(run(scene, "a.pool", "", (struct simulate){0}) < 0);
	assert_string_equal(scene->error.file, scene->config);
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        IN_SCENE(test_a_client_gets_what_its_region_gives),
	        IN_SCENE(test_targets_of_other_regions_are_not_looked_up),
	        IN_SCENE(test_an_owner_leads_to_its_pool),
	        IN_SCENE(test_without_clients_there_is_one_for_each_region),
	        IN_SCENE(test_what_is_assumed_holds_after_the_change),
	        IN_SCENE(test_states_of_now_hold_before_and_after),
	        IN_SCENE(test_distances_of_now_hold_before_and_after),
	        IN_SCENE(test_what_hold_down_holds_back_is_not_given),
	        IN_SCENE(test_what_is_assumed_comes_on_top_of_what_was_chosen),
	        IN_SCENE(test_targets_stand_as_they_do_in_the_daemon),
	        IN_SCENE(test_members_that_stay_are_remembered_in_another_configuration),
	        IN_SCENE(test_each_region_remembers_its_own),
	        IN_SCENE(test_distances_can_be_assumed),
	        IN_SCENE(test_a_member_that_leaves_moves_its_share_alone),
	        IN_SCENE(test_weights_of_clients_count),
	        IN_SCENE(test_another_configuration_is_compared),
	        IN_SCENE(test_the_other_family_is_not_there),
	        IN_SCENE(test_files_of_clients_are_read_whole_or_not_at_all),
	        IN_SCENE(test_faults_say_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
