/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel knows of names, looked up as the program does it: whatever
 * it denies then, the daemon denies too, in the same octets; and around a
 * change of the zones no name is missing that exists.
 */
#include "control/denial.h"
#include "control/world.h"
#include "unit/answer/scene.h"
#include "unit/kernel/desk_bench.h"

static const struct fake_sizes sizes = {
        .owners = 16, .audiences = 16, .slots = 64, .slots_large = 16, .zones = 8};

#define SOA_PLAIN "$TTL 300\n@ SOA ns hostmaster 7 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.53\n"
#define DATA                                                                                       \
	"www A 192.0.2.1\n"                                                                        \
	"a.b.c TXT \"deep\"\n"                                                                     \
	"*.wild A 192.0.2.2\n"                                                                     \
	"sub NS ns.sub\nns.sub A 192.0.2.3\nx.sub A 192.0.2.4\n"                                   \
	"old DNAME new\n"                                                                          \
	"flat ANAME target.cdn.test.\n"                                                            \
	"alias CNAME www\n"

static struct bench bench;
static struct scene scene;

static int set_up(void **state)
{
	(void)state;
	rcu_register_thread();
	bench_open(&bench, &sizes);
	publish_zone_remove(bench.publish, bench.zone);
	memset(&scene, 0, sizeof(scene));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scene_close(&scene);
	bench_close(&bench);
	rcu_unregister_thread();
	return 0;
}

/* ---- the program ---- */

enum { ABSENT = -1, UNKNOWN = -2 };

static int look(const uint8_t *name, size_t len)
{
	const struct kernel_maps *maps = bench.maps;
	uint64_t hash = an_name_hash(maps->control->seed, name, (uint32_t)len);
	const struct an_name_line *line =
	        &maps->names[an_name_place(hash) & maps->control->names_mask];

	for (unsigned int i = 0; i < AN_NAME_ENTRIES; i++)
		if ((line->entries[i] & ~AN_NAME_FLAGS) == an_name_tag(hash))
			return (int)(line->entries[i] & AN_NAME_FLAGS);
	return line->entries[AN_NAME_ENTRIES - 1] == AN_NAME_MORE ? UNKNOWN : ABSENT;
}

/* The zone that the program would let deny this name; NULL: it goes up. */
static const struct zone *denies(const char *text)
{
	uint8_t octets[NAME_MAX_LEN], *name = octets;
	size_t len = (size_t)name_from_text(text, NULL, 0, name);
	bool seen = false;

	for (; len > 1; len -= 1u + *name, name += 1u + *name) {
		int flags = look(name, len);

		if (flags == UNKNOWN || (flags == ABSENT && seen))
			return NULL;
		if (flags == ABSENT)
			continue;
		if (name == octets)
			return NULL;
		if (flags & (int)AN_NAME_APEX)
			flags &= ~(int)AN_NAME_CUT;
		if (flags & (int)(AN_NAME_CUT | AN_NAME_DNAME | AN_NAME_WILDCARD))
			return NULL;
		seen = true;
		if (flags & (int)AN_NAME_APEX) {
			const struct zone *zone = zones_exact(scene.world.zones, name, len);

			assert_non_null(zone);
			return bench.maps->zones[zone->id].flags & AN_ZONE_COMPLETE ? zone : NULL;
		}
	}
	return NULL;
}

/* ---- against the daemon ---- */

/* The denial's image, put behind a question as the program does it. */
static size_t kernel_reply(const struct zone *zone, const uint8_t *query, size_t question_end,
                           uint8_t *out)
{
	uint64_t room[AN_SLOT_LARGE_SIZE / 8];
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)room;
	struct an_answer *answer = &image->answer;
	unsigned int by = (unsigned int)(question_end - 12 - 4 - zone->apex_len);
	struct wire w = wire_writer(out, 4096);
	uint8_t *tail = image->data;

	assert_true(respond_image_denial(zone, image) > 0);
	assert_int_equal(answer->count, 0);
	assert_int_equal(answer->tail_ttl_count, 1);
	tail[answer->tail_ttl[0] + 3] = (uint8_t)answer->ttl;
	tail[answer->tail_ttl[0] + 2] = (uint8_t)(answer->ttl >> 8);
	for (unsigned int i = 1; i < AN_TAIL_TTLS; i++) {
		uint8_t *at = tail + answer->tail_ttl[i];
		unsigned int pointer = (unsigned int)(at[0] << 8 | at[1]) + by;

		if (i > 1 && !answer->tail_ttl[i])
			continue;
		at[0] = (uint8_t)(pointer >> 8);
		at[1] = (uint8_t)pointer;
	}
	wire_put(&w, query, 2);
	wire_put16(&w, AN_FLAG_QR | answer->flags);
	wire_put16(&w, 1);
	for (unsigned int i = 0; i < 3; i++)
		wire_put16(&w, answer->counts[i]);
	wire_put(&w, query + 12, question_end - 12);
	wire_put(&w, tail, answer->tail_len);
	assert_false(w.failed);
	return w.at;
}

/* denied: what the program must do with it. */
static void judge(const char *text, bool denied)
{
	struct ask ask = {.name = text, .type = AN_TYPE_A, .id = 77, .last_try = true};
	uint8_t query[512], daemon[4096], kernel[4096];
	const struct zone *zone = denies(text);
	struct respond_result result;
	size_t len, end;

	if ((zone != NULL) != denied)
		fail_msg("%s: %s", text, zone ? "denied" : "passed up");
	if (!zone)
		return;
	len = scene_query(&ask, query);
	end = 12 + name_len(query + 12) + 4;
	result = scene_send(&scene, &ask, query, len, daemon, sizeof(daemon));
	assert_int_equal(result.rcode, AN_RCODE_NXDOMAIN);
	assert_int_equal(result.flags, RESPOND_FROM_ZONE | RESPOND_DENIAL);
	assert_int_equal(result.want.type, 0);
	assert_int_equal(result.want.owner_len, zone->apex_len);
	len = kernel_reply(zone, query, end, kernel);
	assert_int_equal(result.len, len);
	assert_memory_equal(daemon, kernel, len);
}

static void open_zones(const char *const *texts)
{
	scene_open(&scene, texts);
	world_settle(scene.config, scene.world.zones, NULL, bench.publish);
}

static void what_is_denied_the_daemon_denies_in_the_same_octets(void **state)
{
	static const char *const texts[] = {"Example.test.", SOA_PLAIN DATA, NULL};

	(void)state;
	open_zones(texts);
	judge("x.example.test.", true);
	judge("X.Y.Z.eXample.test.", true);
	judge("x.www.example.test.", true);
	judge("x.b.c.example.test.", true);
	judge("z.example.test.", true);
	judge("x.flat.example.test.", true);
	judge("x.alias.example.test.", true);
	/* What exists, empty non-terminals too, is not denied. */
	judge("example.test.", false);
	judge("b.c.example.test.", false);
	judge("flat.example.test.", false);
	/* What is covered. */
	judge("x.wild.example.test.", false);
	judge("x.y.wild.example.test.", false);
	judge("y.sub.example.test.", false);
	judge("x.sub.example.test.", false);
	judge("x.old.example.test.", false);
	/* What the SOA itself mentions. */
	judge("hostmaster.example.test.", false);
	judge("x.hostmaster.example.test.", false);
	judge("x.ns.example.test.", false);
	judge("test.", false);
	judge("other.test.", false);
}

/* SOAs whose names lie in, above and outside of the zone, and share labels. */
static void whatever_names_the_soa_has(void **state)
{
	static const char *const soas[] = {
	        "ns.provider.net. dns.provider.net.",
	        "a.b.c.d host.b.c.d",
	        "@ @",
	        "ns.test. host.test.",
	        ". .",
	        "www host.elsewhere.www",
	        "ns.example.com. x.ns.example.com.",
	};
	static const char *const names[] = {
	        "x.example.test.",        "d.example.test.",
	        "c.d.example.test.",      "q.c.d.example.test.",
	        "www.example.test.",      "host.b.c.d.example.test.",
	        "provider.example.test.", "ns.provider.net.example.test.",
	        "x.www.example.test.",    "x.elsewhere.www.example.test.",
	        "net.example.test.",      "test.example.test.",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(soas) / sizeof(soas[0]); i++) {
		char text[1024];
		const char *const texts[] = {"example.test.", text, NULL};

		snprintf(text, sizeof(text),
		         "$TTL 300\n@ SOA %s 7 7200 3600 1209600 60\n"
		         "@ NS ns.elsewhere.test.\nwww A 192.0.2.1\nx.y A 192.0.2.2\n",
		         soas[i]);
		open_zones(texts);
		judge("nothing.at.all.example.test.", true);
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			judge(names[n], denies(names[n]) != NULL);
		if (i + 1 < sizeof(soas) / sizeof(soas[0])) {
			struct zones *none = zones_new(NULL, 0);

			world_remove_gone(none, scene.world.zones, bench.publish);
			zones_free(none);
			scene_close(&scene);
		}
	}
}

static void a_zone_inside_another_denies_for_itself(void **state)
{
	static const char *const texts[] = {"example.test.", SOA_PLAIN DATA, "sub.example.test.",
	                                    SOA_PLAIN "here A 192.0.2.9\n", NULL};

	(void)state;
	open_zones(texts);
	judge("x.example.test.", true);
	judge("y.sub.example.test.", true);
	judge("y.here.sub.example.test.", true);
	judge("here.sub.example.test.", false);
}

/* Zones whose names do not fit keep others from denying what is theirs. */
static void a_zone_that_does_not_fit_is_not_denied_by_the_one_around_it(void **state)
{
	static char text[65536];
	static const char *const texts[] = {"example.test.", SOA_PLAIN, "big.example.test.", text,
	                                    NULL};
	size_t at = (size_t)sprintf(text, "%s", SOA_PLAIN);

	(void)state;
	for (unsigned int i = 0; i < FAKE_NAMES_LINES * AN_NAME_ENTRIES; i++)
		at += (size_t)sprintf(text + at, "n%u A 192.0.2.1\n", i);
	open_zones(texts);
	assert_int_equal(zones_at(scene.world.zones, 0)->names, ZONE_NAMES_ALL);
	assert_int_equal(zones_at(scene.world.zones, 1)->names, ZONE_NAMES_APEX);
	judge("x.example.test.", true);
	judge("x.big.example.test.", false);
	judge("n0.big.example.test.", false);
}

static void at_a_change_both_datas_names_are_there_until_the_generation_moves(void **state)
{
	static const char *const texts[] = {"example.test.", SOA_PLAIN "before A 192.0.2.1\n",
	                                    NULL};
	struct zone *zone = scene_zone("example.test.",
	                               SOA_PLAIN "after A 192.0.2.1\n"
	                                         "*.both A 192.0.2.1\n",
	                               NULL);
	struct zone *old;
	uint64_t turn;

	(void)state;
	open_zones(texts);
	old = zones_at(scene.world.zones, 0);
	judge("after.example.test.", true);
	turn = bench.maps->control->names_turn;
	denial_begin(zone, old, bench.publish);
	judge("before.example.test.", false);
	assert_null(denies("after.example.test."));
	assert_int_equal(bench.maps->control->names_turn, turn);
	publish_zone_renew(bench.publish, old->id, &zone->generation);
	assert_int_equal(bench.maps->control->names_turn, turn + 1);
	zone->id = old->id;
	denial_end(zone, old, bench.publish);
	assert_null(denies("after.example.test."));
	assert_null(denies("x.both.example.test."));
	assert_non_null(denies("before.example.test."));
	assert_int_equal(old->names, ZONE_NAMES_NONE);
	zone_free(zone);
}

static void a_zone_that_goes_leaves_its_names_to_the_one_around_it(void **state)
{
	static const char *const texts[] = {"example.test.", SOA_PLAIN "x.y.z A 192.0.2.1\n",
	                                    "z.example.test.", SOA_PLAIN "w A 192.0.2.1\n", NULL};
	struct zone *kept[1];
	struct zones *old, *new;

	(void)state;
	open_zones(texts);
	judge("w.z.example.test.", false);
	judge("x.y.z.example.test.", false); /* is not there, but was the other's */
	old = scene.world.zones;
	kept[0] = zone_hold(zones_at(old, 0));
	new = zones_new(kept, 1);
	scene.world.zones = new;
	world_settle(scene.config, new, old, bench.publish);
	judge("w.z.example.test.", true);
	judge("x.y.z.example.test.", false);
	zones_free(old);
}

static void a_restart_finds_the_same_names(void **state)
{
	static const char *const texts[] = {"example.test.", SOA_PLAIN DATA, NULL};

	(void)state;
	open_zones(texts);
	bench_restart(&bench);
	judge("x.example.test.", true); /* before anything is settled */
	judge("www.example.test.", false);
	zones_at(scene.world.zones, 0)->names = ZONE_NAMES_NONE;
	world_settle(scene.config, scene.world.zones, NULL, bench.publish);
	judge("x.example.test.", true);
	judge("www.example.test.", false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(what_is_denied_the_daemon_denies_in_the_same_octets),
	        TEST(whatever_names_the_soa_has),
	        TEST(a_zone_inside_another_denies_for_itself),
	        TEST(a_zone_that_does_not_fit_is_not_denied_by_the_one_around_it),
	        TEST(at_a_change_both_datas_names_are_there_until_the_generation_moves),
	        TEST(a_zone_that_goes_leaves_its_names_to_the_one_around_it),
	        TEST(a_restart_finds_the_same_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
