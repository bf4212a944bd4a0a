/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers out of pools, from the query to the reply: the flatten loop with an
 * upstream and checks that do what the test says. health.h is implemented here,
 * so the library's own is not linked in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "answer/cells.h"
#include "base/clock.h"
#include "base/wire.h"
#include "control/control.h"
#include "unit/answer/upstream.h"

#define STATES_MAX 256

/* ---- the upstream: what each target gives ---- */

static struct script {
	char target[64];
	char addresses[256]; /* "" denies, "!" fails, "~" does not exist */
	uint8_t scope;
} scripts[16];
static size_t script_count;

static void script(const char *target, const char *addresses, uint8_t scope)
{
	struct script *one = NULL;

	for (size_t i = 0; i < script_count; i++)
		if (!strcmp(scripts[i].target, target))
			one = &scripts[i];
	if (!one)
		one = &scripts[script_count++];
	snprintf(one->target, sizeof(one->target), "%s", target);
	snprintf(one->addresses, sizeof(one->addresses), "%s", addresses);
	one->scope = scope;
}

static void read_addresses(const char *text, uint16_t type, struct upstream_result *result)
{
	char copy[256], *rest = copy, *word;
	size_t len = address_len(type);

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) && *word) {
		struct network network;

		assert_int_equal(network_parse(word, &network), 0);
		if ((network.family == AN_FAMILY_IPV6) == (type == AN_TYPE_AAAA))
			memcpy(result->octets + len * result->count++, network.address, len);
	}
	result->status = result->count ? UPSTREAM_OK : UPSTREAM_NODATA;
}

static void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret)
{
	ret->status = UPSTREAM_TIMEOUT;
	ret->ttl = 60;
	ret->ecs_echoed = true;
	for (size_t i = 0; i < script_count; i++) {
		if (strcmp(scripts[i].target, ask->target) != 0 || scripts[i].addresses[0] == '!')
			continue;
		ret->nxdomain = scripts[i].addresses[0] == '~';
		ret->scope = scripts[i].scope;
		read_addresses(ret->nxdomain ? "" : scripts[i].addresses, ask->type, ret);
	}
}

/* ---- the checks: states that the test sets ---- */

struct health_watch {
	struct health_watch *next;
	char check[64];
	struct network address;
	health_told told;
	void *arg;
	unsigned int used;
};

static struct health_watch *watches;
static bool slows;
static struct state {
	struct network address;
	struct health_state state;
} states[STATES_MAX];
static size_t state_count;

static struct state *state_of(const struct network *address)
{
	for (size_t i = 0; i < state_count; i++)
		if (network_equal(&states[i].address, address))
			return &states[i];
	states[state_count].address = *address;
	states[state_count].state =
	        (struct health_state){.up = true, .next_change_ms = CLOCK_MS_NEVER};
	return &states[state_count++];
}

struct health_watch *health_watch(struct health *health, const char *check, uint8_t family,
                                  const uint8_t address[16], health_told told, void *arg)
{
	struct health_watch *watch = calloc(1, sizeof(*watch));

	(void)health;
	snprintf(watch->check, sizeof(watch->check), "%s", check);
	watch->address = network_of(family, address, net_family_bits(family));
	watch->told = told;
	watch->arg = arg;
	watch->next = watches;
	watches = watch;
	return watch;
}

void health_unwatch(struct health_watch *watch)
{
	struct health_watch **at = &watches;

	if (!watch)
		return;
	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	free(watch);
}

void health_state(const struct health_watch *watch, struct health_state *ret)
{
	*ret = state_of(&watch->address)->state;
}

bool health_slows(const struct health_watch *watch)
{
	(void)watch;
	return slows;
}

void health_use(struct health_watch *watch)
{
	watch->used++;
}

/* The library's own stands beside what is implemented here. */
const char *health_kind_word(enum check_kind kind)
{
	(void)kind;
	return "tcp";
}

static void tell(const struct network *address, unsigned int events)
{
	for (struct health_watch *watch = watches; watch; watch = watch->next)
		if (watch->told && network_equal(&watch->address, address))
			watch->told(watch, events, watch->arg);
}

static struct network host(const char *text)
{
	struct network address;

	assert_int_equal(network_parse(text, &address), 0);
	return address;
}

static void set_up(const char *text, bool up)
{
	struct network address = host(text);

	state_of(&address)->state.up = up;
	tell(&address, HEALTH_CHANGED);
}

static unsigned int count_watches(const char *text)
{
	struct network address = host(text);
	unsigned int count = 0;

	for (const struct health_watch *watch = watches; watch; watch = watch->next)
		count += network_equal(&watch->address, &address);
	return count;
}

/* ---- the scene ---- */

static const char ZONE[] = "$TTL 300\n"
                           "@ SOA ns h 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"
                           "all ANAME all.pool.\n"
                           "two ANAME all.pool.\n"
                           "first ANAME first.pool.\n"
                           "cdns ANAME cdns.pool.\n"
                           "solo ANAME solo.pool.\n"
                           "weights ANAME weights.pool.\n"
                           "clients ANAME clients.pool.\n"
                           "resort ANAME resort.pool.\n"
                           "fixed ANAME fixed.pool.\n"
                           "beside ANAME all.pool.\nbeside A 192.0.2.77\n"
                           "both ANAME all.pool.\nboth ANAME first.pool.\n"
                           "led ANAME all\n"
                           "cname CNAME all.pool.\n";

static const char CONFIG[] =
        "zones: [{name: example.com, file: z, flatten-cnames: all}]\n"
        "answers: {ttl-floor: 1}\n"
        "checks: [{name: web, kind: tcp, port: 80}]\n"
        "pools:\n"
        "- {name: all.pool, check: web, members: [{address: 192.0.2.1}, {address: 192.0.2.2}, "
        "{address: 192.0.2.3}, {address: '2001:db8::1'}]}\n"
        "- {name: first.pool, mode: failover, check: web, members: [{address: 192.0.2.1}, "
        "{address: 192.0.2.2}]}\n"
        "- {name: cdns.pool, mode: failover, check: web, members: [{aname: a.cdn}, "
        "{aname: b.cdn}]}\n"
        "- {name: solo.pool, check: web, members: [{aname: a.cdn}]}\n"
        "- {name: weights.pool, mode: weighted, check: web, members: [{address: 192.0.2.1, "
        "weight: 3}, {address: 192.0.2.2, weight: 2}, {pool: all.pool, weight: 5}]}\n"
        "- {name: clients.pool, mode: consistent, check: web, members: [{address: 192.0.2.1}, "
        "{address: 192.0.2.2}, {address: 192.0.2.3, weight: 2}]}\n"
        "- {name: resort.pool, check: web, last-resort: [192.0.2.99], members: [{address: "
        "192.0.2.1}]}\n"
        "- {name: fixed.pool, check: web, members: [{aname: a.cdn, ecs: 198.51.100.0/24}]}\n";

struct scene {
	uv_loop_t loop;
	struct config *config;
	struct store *store;
	struct flatten *flatten;
	struct world world;
};

static struct config *read_config(const char *text)
{
	struct config *config = NULL;
	struct error error = {0};
	char line[1024];

	if (config_parse("/t.yaml", text, strlen(text), &config, &error))
		fail_msg("%s", error_text(&error, line, sizeof(line)));
	return config;
}

static struct zone *read_zone(const struct config *config)
{
	char path[] = "/tmp/anamed-pools-XXXXXX", line[1024];
	const struct config_name *name = &config->zones[0].name;
	struct error error = {0};
	struct zone *zone = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, ZONE, strlen(ZONE)), strlen(ZONE));
	close(fd);
	if (zone_load_file(name->name, name->len, path, AN_TYPE_ANAME, &config->zones[0], &zone,
	                   &error))
		fail_msg("%s", error_text(&error, line, sizeof(line)));
	unlink(path);
	return zone;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct zone *zone;

	rcu_register_thread();
	script_count = asked_count = 0;
	state_count = 0;
	slows = false;
	uv_loop_init(&scene->loop);
	scene->config = read_config(CONFIG);
	zone = read_zone(scene->config);
	scene->store = store_new(10000, 5000);
	scene->flatten = flatten_new(&scene->loop, scene->store);
	scene->world = (struct world){.config = scene->config,
	                              .zones = zones_new(&zone, 1),
	                              .store = scene->store,
	                              .seed = 1};
	flatten_health(scene->flatten, (struct health *)&watches);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	flatten_free(scene->flatten);
	assert_null(watches); /* each was given back */
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	store_free(scene->store);
	zones_free(scene->world.zones);
	config_free(scene->config);
	free(scene);
	rcu_barrier();
	rcu_unregister_thread();
	return 0;
}

/* ---- queries ---- */

struct query_spec {
	const char *owner;
	uint16_t type, id;
	const char *ecs; /* NULL: none */
};

struct waiting {
	struct flatten_wait wait;
	bool done;
};

static void wait_done(struct flatten_wait *wait)
{
	((struct waiting *)wait)->done = true;
}

static uint32_t last_ttl;
static uint8_t last_scope;
static size_t ecs_octets; /* of the ADDRESS that was asked with */

static void put_ecs(struct wire *w, const char *text)
{
	struct network net = host(text);
	size_t len = (net.len + 7u) / 8;

	ecs_octets = len;
	wire_put8(w, 0);
	wire_put16(w, AN_TYPE_OPT);
	wire_put16(w, 1232);
	wire_put32(w, 0);
	wire_put16(w, 8 + (unsigned int)len);
	wire_put16(w, AN_EDNS_ECS);
	wire_put16(w, 4 + (unsigned int)len);
	wire_put16(w, net.family);
	wire_put8(w, net.len);
	wire_put8(w, 0);
	wire_put(w, net.address, len);
}

static size_t make_query(const struct query_spec *spec, uint8_t out[512])
{
	struct wire w = wire_writer(out, 512);
	uint8_t name[NAME_MAX_LEN];
	char text[256];
	int len;

	snprintf(text, sizeof(text), "%s.example.com.", spec->owner);
	len = name_from_text(text, NULL, 0, name);
	assert_true(len > 0);
	wire_put16(&w, spec->id);
	wire_put16(&w, 0);
	wire_put16(&w, 1);
	wire_put32(&w, 0);
	wire_put16(&w, spec->ecs ? 1 : 0);
	wire_put(&w, name, (size_t)len);
	wire_put16(&w, spec->type);
	wire_put16(&w, AN_CLASS_IN);
	if (spec->ecs)
		put_ecs(&w, spec->ecs);
	return w.at;
}

static struct respond_result send_once(struct scene *scene, const struct query_spec *spec,
                                       bool last_try, uint8_t *reply)
{
	uint8_t packet[512];
	struct respond_input input = {.packet = packet, .last_try = last_try};
	struct respond_result result;

	input.len = make_query(spec, packet);
	input.now_ms = clock_ms();
	assert_int_equal(endpoint_parse("198.51.100.7", 4711, &input.source), 0);
	rcu_read_lock();
	respond(&scene->world, &input, reply, 1232, &result);
	rcu_read_unlock();
	return result;
}

static struct respond_result ask(struct scene *scene, const struct query_spec *spec, uint8_t *reply)
{
	struct respond_result result = send_once(scene, spec, false, reply);
	struct waiting waiting = {.wait.done = wait_done};

	if (result.verdict == RESPOND_WAIT) {
		waiting.wait.want = result.want;
		flatten_want(scene->flatten, &waiting.wait);
		while (!waiting.done)
			uv_run(&scene->loop, UV_RUN_ONCE);
		result = send_once(scene, spec, true, reply);
	}
	assert_int_equal(result.verdict, RESPOND_SEND);
	return result;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The addresses of a reply, sorted; "none" for a denial, "SERVFAIL". */
static const char *reply_text(const uint8_t *reply, const struct respond_result *result)
{
	static char text[2048];
	char words[64][NET_TEXT_MAX];
	size_t count = (size_t)reply[6] << 8 | reply[7], at;

	text[0] = 0;
	if (result->rcode)
		return "SERVFAIL";
	at = 12 + name_len(reply + 12) + 4;
	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)reply[at + 10] << 8 | reply[at + 11];
		uint8_t address[16] = {0};

		memcpy(address, reply + at + 12, len);
		net_address_text(len == 16 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4, address, words[i]);
		last_ttl = (uint32_t)reply[at + 8] << 8 | reply[at + 9];
		at += 12 + len;
	}
	/* The option stands last in the reply. */
	last_scope = result->flags & RESPOND_ECS ? reply[result->len - ecs_octets - 1] : 0;
	qsort(words, count, NET_TEXT_MAX, compare_words);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
		         words[i]);
	return count ? text : "none";
}

static const char *get(struct scene *scene, const char *owner, uint16_t type, const char *ecs)
{
	struct query_spec spec = {.owner = owner, .type = type, .id = 1, .ecs = ecs};
	uint8_t reply[1232];
	struct respond_result result = ask(scene, &spec, reply);

	return reply_text(reply, &result);
}

/* Of what is there, without the loop. */
static const char *look(struct scene *scene, const char *owner, uint16_t type, uint16_t id,
                        const char *ecs)
{
	struct query_spec spec = {.owner = owner, .type = type, .id = id, .ecs = ecs};
	uint8_t reply[1232];
	struct respond_result result = send_once(scene, &spec, false, reply);

	return result.verdict == RESPOND_WAIT ? "WAIT" : reply_text(reply, &result);
}

static void run_ms(struct scene *scene, unsigned int ms)
{
	uint64_t until = clock_ms() + ms;

	do
		uv_run(&scene->loop, UV_RUN_ONCE);
	while (clock_ms() < until);
}

/* ---- all ---- */

static void members_of_the_type_are_given_together(void **state)
{
	assert_string_equal(get(*state, "all", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_int_equal(last_ttl, 300);
	assert_string_equal(get(*state, "all", AN_TYPE_AAAA, NULL), "2001:db8::1");
	assert_string_equal(get(*state, "first", AN_TYPE_AAAA, NULL), "none");
	assert_string_equal(get(*state, "cname", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_string_equal(get(*state, "led", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_string_equal(get(*state, "beside", AN_TYPE_A, NULL),
	                    "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.77");
	/* An owner has one pool: the first in canonical order. */
	assert_string_equal(get(*state, "both", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_int_equal(asked_count, 0);
}

static void a_death_leaves_all_answers_by_one_write(void **state)
{
	struct scene *scene = *state;
	uint64_t *cell;

	get(scene, "all", AN_TYPE_A, NULL);
	get(scene, "two", AN_TYPE_A, NULL);
	assert_int_equal(HASH_COUNT(scene->flatten->cells), 2); /* A, and AAAA fetched along */
	cell = &scene->flatten->cells->value;
	assert_true(*cell == AN_CELL_MEMBERS);
	set_up("192.0.2.2", false);
	assert_int_equal(__builtin_popcountll(*cell), 62);
	/* The loop has not turned. */
	assert_string_equal(look(scene, "all", AN_TYPE_A, 1, NULL), "192.0.2.1 192.0.2.3");
	assert_string_equal(look(scene, "two", AN_TYPE_A, 2, NULL), "192.0.2.1 192.0.2.3");
	run_ms(scene, 60);
	assert_int_equal(scene->flatten->stats.recomposed, 0);
	set_up("192.0.2.2", true);
	assert_string_equal(look(scene, "two", AN_TYPE_A, 2, NULL),
	                    "192.0.2.1 192.0.2.2 192.0.2.3");
}

static void all_down_is_panic_and_said(void **state)
{
	struct scene *scene = *state;

	get(scene, "all", AN_TYPE_A, NULL);
	set_up("192.0.2.1", false);
	set_up("192.0.2.2", false);
	set_up("192.0.2.3", false);
	assert_string_equal(look(scene, "all", AN_TYPE_A, 1, NULL), "WAIT");
	assert_string_equal(get(scene, "all", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_string_equal(look(scene, "all", AN_TYPE_A, 1, NULL),
	                    "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_int_equal(scene->flatten->stats.panics, 1);
	set_up("192.0.2.3", true);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "all", AN_TYPE_A, 1, NULL), "192.0.2.3");
	assert_int_equal(scene->flatten->stats.panics, 1);
}

static void a_last_resort_stands_in_for_all(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(get(scene, "resort", AN_TYPE_A, NULL), "192.0.2.1");
	set_up("192.0.2.1", false);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "resort", AN_TYPE_A, 1, NULL), "192.0.2.99");
	assert_int_equal(scene->flatten->stats.resorts, 1);
	set_up("192.0.2.1", true);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "resort", AN_TYPE_A, 1, NULL), "192.0.2.1");
}

/* ---- failover ---- */

static void the_next_takes_over_without_a_question(void **state)
{
	struct scene *scene = *state;
	unsigned int asked;

	script("a.cdn.", "203.0.113.1 203.0.113.2", 24);
	script("b.cdn.", "203.0.113.9", 0);
	assert_string_equal(get(scene, "cdns", AN_TYPE_A, "192.0.2.0/24"),
	                    "203.0.113.1 203.0.113.2");
	assert_int_equal(last_scope, 24);
	run_ms(scene, 20); /* AAAA, fetched along */
	asked = asked_count;
	assert_int_equal(count_watches("203.0.113.9"), 1);
	set_up("203.0.113.1", false);
	assert_string_equal(look(scene, "cdns", AN_TYPE_A, 1, "192.0.2.0/24"), "203.0.113.2");
	set_up("203.0.113.2", false);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "cdns", AN_TYPE_A, 1, "192.0.2.0/24"), "203.0.113.9");
	assert_int_equal(scene->flatten->stats.switches, 1);
	set_up("203.0.113.1", true);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "cdns", AN_TYPE_A, 1, "192.0.2.0/24"), "203.0.113.1");
	assert_int_equal(asked_count, asked);
}

static void a_target_that_is_up_but_cannot_be_resolved_stays(void **state)
{
	struct scene *scene = *state;

	script("a.cdn.", "203.0.113.1", 0);
	script("b.cdn.", "203.0.113.9", 0);
	get(scene, "cdns", AN_TYPE_A, NULL);
	script("a.cdn.", "!", 0);
	flatten_flush(scene->flatten, (const uint8_t *)"\4cdns\7example\3com", 18, NULL);
	assert_string_equal(get(scene, "cdns", AN_TYPE_A, NULL), "203.0.113.1");
	assert_true(last_ttl <= AN_STALE_TTL);
	/* Where it never could be, the next one is taken. */
	script("b.cdn.", "~", 0);
	flatten_flush(scene->flatten, (const uint8_t *)"\4cdns\7example\3com", 18, NULL);
	set_up("203.0.113.1", false);
	assert_string_equal(get(scene, "cdns", AN_TYPE_A, NULL), "203.0.113.1"); /* panic */
}

static void watches_follow_what_a_target_gives(void **state)
{
	struct scene *scene = *state;

	/* The configuration's own are watched from the start. */
	assert_true(count_watches("192.0.2.1") >= 3);
	assert_int_equal(count_watches("192.0.2.99"), 0);
	assert_int_equal(count_watches("203.0.113.1"), 0);
	script("a.cdn.", "203.0.113.1", 0);
	get(scene, "solo", AN_TYPE_A, NULL);
	assert_int_equal(count_watches("203.0.113.1"), 1);
	script("a.cdn.", "203.0.113.2", 0);
	flatten_flush(scene->flatten, (const uint8_t *)"\4solo\7example\3com", 18, NULL);
	assert_int_equal(count_watches("203.0.113.1"), 0);
	get(scene, "solo", AN_TYPE_A, NULL);
	assert_int_equal(count_watches("203.0.113.2"), 1);
}

static void a_representative_is_asked_for_everyone(void **state)
{
	struct scene *scene = *state;

	script("a.cdn.", "203.0.113.1", 24);
	assert_string_equal(get(scene, "fixed", AN_TYPE_A, "192.0.2.0/24"), "203.0.113.1");
	assert_int_equal(last_scope, 0);
	assert_memory_equal(last_asked.address, "\xc6\x33\x64\0", 4);
	run_ms(scene, 20);
	asked_count = 0;
	assert_string_equal(get(scene, "fixed", AN_TYPE_A, "203.0.113.0/24"), "203.0.113.1");
	assert_int_equal(asked_count, 0);
}

/* ---- time ---- */

static void no_answer_outlives_a_change_that_is_near(void **state)
{
	struct scene *scene = *state;
	struct network address = host("192.0.2.2");
	struct health_state *near = &state_of(&address)->state;

	get(scene, "all", AN_TYPE_A, NULL);
	assert_int_equal(last_ttl, 300);
	near->near = true;
	near->next_change_ms = clock_ms() + 1200;
	tell(&address, HEALTH_NEAR);
	run_ms(scene, 60);
	look(scene, "all", AN_TYPE_A, 1, NULL);
	assert_int_equal(last_ttl, 2);
	near->near = false;
	tell(&address, HEALTH_NEAR);
	run_ms(scene, 60);
	look(scene, "all", AN_TYPE_A, 1, NULL);
	assert_true(last_ttl >= 299);
}

/* The TTL of `name`, with this address one result away from a change. */
static uint32_t ttl_near(struct scene *scene, const char *name, const char *text)
{
	struct network address = host(text);
	struct health_state *state = &state_of(&address)->state;
	uint32_t ttl;

	state->near = true;
	state->next_change_ms = clock_ms() + 1200;
	tell(&address, HEALTH_NEAR);
	run_ms(scene, 60);
	look(scene, name, AN_TYPE_A, 1, NULL);
	ttl = last_ttl;
	state->near = false;
	tell(&address, HEALTH_NEAR);
	run_ms(scene, 60);
	return ttl;
}

static void a_near_change_that_changes_nothing_shortens_nothing(void **state)
{
	struct scene *scene = *state;

	get(scene, "first", AN_TYPE_A, NULL);
	assert_in_range(ttl_near(scene, "first", "192.0.2.1"), 1, 2);
	assert_in_range(ttl_near(scene, "first", "192.0.2.2"), 299, 300);
	set_up("192.0.2.1", false);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "first", AN_TYPE_A, 1, NULL), "192.0.2.2");
	assert_in_range(ttl_near(scene, "first", "192.0.2.1"), 1, 2); /* it would take over */
	assert_in_range(ttl_near(scene, "first", "192.0.2.2"), 1, 2); /* then all would count */
}

static void past_a_near_change_answers_are_made_anew_without_a_question(void **state)
{
	struct scene *scene = *state;
	struct network address = host("203.0.113.1");
	unsigned int asked;

	script("a.cdn.", "203.0.113.1", 0);
	state_of(&address)->state.near = true;
	state_of(&address)->state.next_change_ms = clock_ms() + 1050;
	assert_string_equal(get(scene, "solo", AN_TYPE_A, NULL), "203.0.113.1");
	assert_true(last_ttl <= 2);
	asked = asked_count;
	state_of(&address)->state.next_change_ms += 10000;
	run_ms(scene, 1300);
	assert_string_equal(look(scene, "solo", AN_TYPE_A, 1, NULL), "203.0.113.1");
	assert_in_range(last_ttl, 9, 11);
	assert_int_equal(asked_count, asked);
}

/* ---- chosen among ---- */

static unsigned int last_octet(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot ? (unsigned int)atoi(dot + 1) : 0;
}

/* Pearson's statistic over so many cells, against expected shares. */
static double chi_square(const unsigned int *counts, const double *shares, size_t cells,
                         unsigned int total)
{
	double sum = 0;

	for (size_t i = 0; i < cells; i++) {
		double expected = shares[i] * total, difference = counts[i] - expected;

		sum += difference * difference / expected;
	}
	return sum;
}

static void replies_pick_by_weight(void **state)
{
	static const double shares[] = {0.3, 0.2, 0.5}, without[] = {0.375, 0, 0.625};
	struct scene *scene = *state;
	unsigned int counts[3] = {0}, left[3] = {0};

	get(scene, "weights", AN_TYPE_A, NULL);
	for (unsigned int id = 0; id < 10000; id++) {
		const char *text = look(scene, "weights", AN_TYPE_A, (uint16_t)id, NULL);

		counts[strchr(text, ' ') ? 2 : last_octet(text) - 1]++;
	}
	/* 99.9 % of honest samples stay below 13.8 with two degrees of freedom. */
	assert_true(chi_square(counts, shares, 3, 10000) < 13.8);
	set_up("192.0.2.2", false);
	for (unsigned int id = 0; id < 10000; id++) {
		const char *text = look(scene, "weights", AN_TYPE_A, (uint16_t)id, NULL);

		assert_null(strstr(text, "192.0.2.2"));
		left[strchr(text, ' ') ? 2 : last_octet(text) - 1]++;
	}
	left[1] = left[2];
	assert_true(chi_square(left, (const double[]){without[0], without[2]}, 2, 10000) < 10.8);
}

/* Inside of what was chosen, the order rotates evenly all the same. */
static void order_rotates_inside_of_the_chosen(void **state)
{
	static const double even[] = {1 / 3.0, 1 / 3.0, 1 / 3.0};
	struct scene *scene = *state;
	unsigned int firsts[3] = {0}, total = 0;

	get(scene, "weights", AN_TYPE_A, NULL);
	for (unsigned int id = 0; id < 10000; id++) {
		struct query_spec spec = {
		        .owner = "weights", .type = AN_TYPE_A, .id = (uint16_t)id};
		uint8_t reply[1232];

		send_once(scene, &spec, false, reply);
		if (reply[7] != 3)
			continue;
		firsts[reply[12 + name_len(reply + 12) + 4 + 15] - 1]++;
		total++;
	}
	assert_true(total > 4500);
	assert_true(chi_square(firsts, even, 3, total) < 13.8);
}

#define CLIENTS 4096

static void clients_keep_their_member_when_another_leaves(void **state)
{
	static const double shares[] = {0.25, 0.25, 0.5};
	struct scene *scene = *state;
	unsigned int before[CLIENTS], counts[3] = {0}, moved = 0;
	char ecs[32];

	get(scene, "clients", AN_TYPE_A, NULL);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		snprintf(ecs, sizeof(ecs), "203.%u.%u.0/24", i >> 8, i & 255);
		before[i] = last_octet(look(scene, "clients", AN_TYPE_A, (uint16_t)i, ecs));
		assert_int_equal(last_scope, 24);
		counts[before[i] - 1]++;
	}
	assert_true(chi_square(counts, shares, 3, CLIENTS) < 13.8);
	set_up("192.0.2.2", false);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		unsigned int now;

		snprintf(ecs, sizeof(ecs), "203.%u.%u.0/24", i >> 8, i & 255);
		now = last_octet(look(scene, "clients", AN_TYPE_A, (uint16_t)(i + 7), ecs));
		assert_int_not_equal(now, 2);
		if (now != before[i]) {
			assert_int_equal(before[i], 2);
			moved++;
		}
	}
	assert_int_equal(moved, counts[1]);
}

static void a_network_has_one_member_whatever_its_length(void **state)
{
	struct scene *scene = *state;
	char whole[64], part[64];

	get(scene, "clients", AN_TYPE_A, NULL);
	for (unsigned int i = 0; i < 64; i++) {
		char ecs[32];

		snprintf(ecs, sizeof(ecs), "203.0.%u.0/24", i);
		snprintf(whole, sizeof(whole), "%s", look(scene, "clients", AN_TYPE_A, 1, ecs));
		snprintf(ecs, sizeof(ecs), "203.0.%u.77", i);
		snprintf(part, sizeof(part), "%s", look(scene, "clients", AN_TYPE_A, 2, ecs));
		assert_string_equal(whole, part);
		assert_int_equal(last_scope, 24);
	}
	look(scene, "clients", AN_TYPE_A, 1, "2001:db8::/56");
	assert_int_equal(last_scope, 56);
}

/* ---- more addresses than a cell has bits ---- */

static void addresses_without_a_bit_leave_by_composing_anew(void **state)
{
	struct scene *scene = *state;
	char list[256], ecs[32], text[64];

	for (unsigned int i = 0; i < 70; i++) {
		snprintf(list, sizeof(list), "203.0.113.%u", i + 1);
		snprintf(ecs, sizeof(ecs), "192.0.%u.0/24", i);
		script("a.cdn.", list, 24);
		assert_string_equal(get(scene, "solo", AN_TYPE_A, ecs), list);
	}
	snprintf(list, sizeof(list), "203.0.113.200 203.0.113.201");
	script("a.cdn.", list, 24);
	assert_string_equal(get(scene, "solo", AN_TYPE_A, "192.0.200.0/24"), list);
	set_up("203.0.113.200", false);
	run_ms(scene, 60);
	snprintf(text, sizeof(text), "%s", look(scene, "solo", AN_TYPE_A, 1, "192.0.200.0/24"));
	assert_string_equal(text, "203.0.113.201");
	set_up("203.0.113.200", true);
	run_ms(scene, 60);
	assert_string_equal(look(scene, "solo", AN_TYPE_A, 1, "192.0.200.0/24"), list);
}

/* ---- reloads ---- */

static void a_pool_that_a_reload_changes_is_made_anew(void **state)
{
	struct scene *scene = *state;
	struct config *old = scene->config;
	char text[sizeof(CONFIG)], *at;
	struct zones *zones = scene->world.zones;
	struct zone *zone;

	get(scene, "all", AN_TYPE_A, NULL);
	get(scene, "first", AN_TYPE_A, NULL);
	memcpy(text, CONFIG, sizeof(text));
	at = strstr(text, "192.0.2.3");
	at[8] = '4';
	scene->config = read_config(text);
	zone = read_zone(scene->config);
	scene->world.config = scene->config;
	scene->world.zones = zones_new(&zone, 1);
	flatten_world(scene->flatten, &scene->world, (struct upstream *)&scene->loop, NULL, NULL);
	zones_free(zones);
	config_free(old);
	assert_string_equal(look(scene, "all", AN_TYPE_A, 1, NULL), "WAIT");
	assert_string_equal(get(scene, "all", AN_TYPE_A, NULL), "192.0.2.1 192.0.2.2 192.0.2.4");
	assert_int_equal(count_watches("192.0.2.3"), 1); /* clients.pool's */
	set_up("192.0.2.1", false);
	run_ms(scene, 60);
	assert_string_equal(get(scene, "all", AN_TYPE_A, NULL), "192.0.2.2 192.0.2.4");
	assert_string_equal(get(scene, "first", AN_TYPE_A, NULL), "192.0.2.2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(members_of_the_type_are_given_together),
	        TEST(a_death_leaves_all_answers_by_one_write),
	        TEST(all_down_is_panic_and_said),
	        TEST(a_last_resort_stands_in_for_all),
	        TEST(the_next_takes_over_without_a_question),
	        TEST(a_target_that_is_up_but_cannot_be_resolved_stays),
	        TEST(watches_follow_what_a_target_gives),
	        TEST(a_representative_is_asked_for_everyone),
	        TEST(no_answer_outlives_a_change_that_is_near),
	        TEST(a_near_change_that_changes_nothing_shortens_nothing),
	        TEST(past_a_near_change_answers_are_made_anew_without_a_question),
	        TEST(replies_pick_by_weight),
	        TEST(order_rotates_inside_of_the_chosen),
	        TEST(clients_keep_their_member_when_another_leaves),
	        TEST(a_network_has_one_member_whatever_its_length),
	        TEST(addresses_without_a_bit_leave_by_composing_anew),
	        TEST(a_pool_that_a_reload_changes_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
