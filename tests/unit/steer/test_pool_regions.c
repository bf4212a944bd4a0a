/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions that follow one another, beside a slow reference. */
#include "unit/steer/pool_scene.h"

/* ---- regions that follow one another ---- */

/* Of the policy w: eu is 1, us 2, as 3. */
#define ORDERED(rest)                                                                              \
	"- {name: p, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "           \
	"{address: 192.0.2.2, region: us}, {address: 192.0.2.3, region: us}, "                     \
	"{address: 192.0.2.4, region: as}" rest "}\n"
static const char ordered[] = ORDERED("]");
static const char ordered_shared[] = ORDERED(", {address: 192.0.2.9}]");
static const char ordered_resort[] = ORDERED("], last-resort: [192.0.2.99]");
static const char ordered_cdns[] =
        "- {name: p, mode: geo, policy: w, members: [{aname: a.cdn, region: eu}, "
        "{aname: b.cdn, region: us}, {aname: c.cdn, region: as}]}\n";
/* Pools that have one by order among their members. */
#define ORDERED_INSIDE(mode, more)                                                                 \
	"- {name: p, mode: " mode ", members: [{pool: q}, {address: 192.0.2.8}]" more "}\n"        \
	"- {name: q, mode: geo, policy: w, members: [{address: 192.0.2.1, region: eu}, "           \
	"{address: 192.0.2.2, region: us}, {address: 192.0.2.4, region: as}]}\n"
static const char ordered_backup[] = ORDERED_INSIDE("failover", "");
static const char ordered_quick[] = ORDERED_INSIDE("latency", "");
static const char ordered_two[] = ORDERED_INSIDE("all", ", min-up: 2");
static const char ordered_none[] =
        "- {name: p, mode: geo, policy: w, members: [{aname: c.cdn, region: as}, "
        "{address: 192.0.2.5, region: as}]}\n";

static const struct {
	const char *pools;
	uint32_t order[3];
	const char *states, *result;
} orders[] = {
        {ordered, {1, 2}, "", "together 192.0.2.1"},
        {ordered, {2, 1}, "", "together 192.0.2.2 192.0.2.3"},
        {ordered, {1, 2}, "!192.0.2.1", "together 192.0.2.2 192.0.2.3"},
        {ordered, {1, 3, 2}, "!192.0.2.1", "together 192.0.2.4"},
        {ordered, {1, 3, 2}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.2 192.0.2.3"},
        {ordered, {2, 1}, "!192.0.2.2", "together !192.0.2.2 192.0.2.3"},
        /* Nowhere else than told: the first, as if it were up. */
        {ordered, {1, 3}, "!192.0.2.1 !192.0.2.4", "together *192.0.2.1"},
        {ordered_shared, {1, 3}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.9"},
        {ordered_resort, {1, 3}, "!192.0.2.1 !192.0.2.4", "together 192.0.2.99"},
        /* Without addresses of the family is no reason to go on. */
        {ordered, {1, 2}, "-192.0.2.1", "nothing"},
        {ordered, {1, 3, 2}, "!192.0.2.1 -192.0.2.4", "nothing"},
        {ordered_cdns, {1, 2}, "-a.cdn.", "nothing"},
        {ordered_cdns, {1, 2}, "?a.cdn.", "together b.cdn."},
        {ordered_cdns, {1, 2, 3}, "~a.cdn. ?b.cdn.", "together c.cdn."},
        {ordered_cdns, {1, 2}, "?a.cdn. ?b.cdn.", "nothing"},
        {ordered_resort, {1, 3}, "!192.0.2.1 -192.0.2.4", "together 192.0.2.99"},
        /* What is up where the client is never sent keeps no pool up. */
        {ordered_backup, {1, 2}, "!192.0.2.1", "together 192.0.2.2"},
        {ordered_backup, {1, 2}, "!192.0.2.1 !192.0.2.2", "together 192.0.2.8"},
        {ordered_backup, {1, 2}, "-192.0.2.1 -192.0.2.2", "together 192.0.2.8"},
        {ordered_backup, {1, 2}, "!192.0.2.1 !192.0.2.2 !192.0.2.8", "together *192.0.2.1"},
        {ordered_backup, {2, 3}, "!192.0.2.1 !192.0.2.2", "together 192.0.2.4"},
        {ordered_two, {1, 2}, "!192.0.2.1 !192.0.2.2", "together *192.0.2.1 192.0.2.8"},
        {ordered_quick,
         {1, 2},
         "192.0.2.1=20ms 192.0.2.4=1ms 192.0.2.8=10ms",
         "together 192.0.2.8"},
        {ordered_quick,
         {1, 3},
         "192.0.2.1=20ms 192.0.2.4=1ms 192.0.2.8=10ms",
         "together 192.0.2.1"},
        /* A pool without members for any of them: as for a region without members. */
        {ordered_none, {1, 2}, "", "together c.cdn."},
        {ordered_none, {1, 2}, "!c.cdn.", "together 192.0.2.5"},
        {ordered_none, {1, 2}, "?c.cdn.", "together 192.0.2.5"},
        {ordered_none, {1, 2}, "!c.cdn. !192.0.2.5", "together *c.cdn."},
};

static struct pool_place place_of(const uint32_t order[3])
{
	struct pool_place place = {.region = 9, .order_count = order[2] ? 3 : 2};

	memcpy(place.order, order, place.order_count * sizeof(order[0]));
	return place;
}

static void the_next_region_takes_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct scene scene;

		scene_open(&scene, orders[i].pools);
		scene.place = place_of(orders[i].order);
		decide(&scene, orders[i].states);
		if (strcmp(result_text(&scene), orders[i].result) != 0)
			fail_msg("case %zu: \"%s\" gives \"%s\", not \"%s\"", i, orders[i].states,
			         result_text(&scene), orders[i].result);
		scene_close(&scene);
	}
}

static void nothing_of_an_order_is_panic_only_where_there_is_something(void **state)
{
	static const uint32_t order[3] = {1, 2};
	static const struct {
		const char *pools, *states;
		bool panic;
	} wanted[] = {
	        {ordered_none, "", false},
	        {ordered_none, "!c.cdn. !192.0.2.5", true},
	        {ordered_cdns, "?a.cdn. ?b.cdn.", false},
	        {ordered_cdns, "!a.cdn. !b.cdn.", true},
	        {ordered_backup, "!192.0.2.1 !192.0.2.2", false},
	        {ordered_resort, "!192.0.2.1 !192.0.2.2 !192.0.2.3", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene scene;

		scene_open(&scene, wanted[i].pools);
		scene.place = place_of(order);
		decide(&scene, wanted[i].states);
		if (scene.decision.panic != wanted[i].panic)
			fail_msg("case %zu: panic %d", i, scene.decision.panic);
		scene_close(&scene);
	}
}

/* ---- drawn pools by order, under others, beside a slow reference ---- */

#define DRAWN_SETUPS 120
#define DRAWN_STATES 40

enum fate { FATE_UP, FATE_DOWN, FATE_NONE };

struct drawn_member {
	unsigned int region; /* of a geo pool; 0: none */
	unsigned int number; /* 192.0.2.NUMBER */
	enum fate fate;
};

/* A member of the root: a geo pool, or (without `geo`) an address. */
struct drawn_part {
	bool geo;
	size_t count;
	struct drawn_member members[4];
};

struct drawn {
	bool all; /* the root's mode; else failover */
	size_t count;
	struct drawn_part parts[3];
	uint32_t order[3];
	uint64_t dice;
};

static unsigned int throw_dice(struct drawn *drawn, unsigned int sides)
{
	drawn->dice = drawn->dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(drawn->dice >> 33) % sides;
}

static void draw_pools(struct drawn *drawn)
{
	unsigned int number = 1;

	drawn->all = throw_dice(drawn, 2);
	drawn->count = 1 + throw_dice(drawn, 3);
	for (size_t i = 0; i < drawn->count; i++) {
		struct drawn_part *part = &drawn->parts[i];

		part->geo = !i || throw_dice(drawn, 3);
		part->count = part->geo ? 1 + throw_dice(drawn, 4) : 1;
		/* The first has a region, as one must. */
		for (size_t j = 0; j < part->count; j++)
			part->members[j] = (struct drawn_member){
			        .region = j ? throw_dice(drawn, 4) : 1 + throw_dice(drawn, 3),
			        .number = 10 + number++};
	}
}

static void print_pools(const struct drawn *drawn, char *ret, size_t size)
{
	static const char *const regions[] = {"", ", region: eu", ", region: us", ", region: as"};
	FILE *file = fmemopen(ret, size, "w");

	assert_non_null(file);
	fprintf(file, "- {name: p, mode: %s, members: [", drawn->all ? "all" : "failover");
	for (size_t i = 0; i < drawn->count; i++)
		if (drawn->parts[i].geo)
			fprintf(file, "%s{pool: g%zu}", i ? ", " : "", i);
		else
			fprintf(file, ", {address: 192.0.2.%u}", drawn->parts[i].members[0].number);
	fprintf(file, "]}\n");
	for (size_t i = 0; i < drawn->count; i++) {
		const struct drawn_part *part = &drawn->parts[i];

		if (!part->geo)
			continue;
		fprintf(file, "- {name: g%zu, mode: geo, policy: w, members: [", i);
		for (size_t j = 0; j < part->count; j++)
			fprintf(file, "%s{address: 192.0.2.%u%s}", j ? ", " : "",
			        part->members[j].number, regions[part->members[j].region]);
		fprintf(file, "]}\n");
	}
	fclose(file);
}

static void draw_states(struct drawn *drawn, char *ret, size_t size)
{
	unsigned int first = throw_dice(drawn, 3), step = 1 + throw_dice(drawn, 2);
	size_t len = 0;

	for (unsigned int i = 0; i < 3; i++)
		drawn->order[i] = (first + i * step) % 3 + 1;
	if (throw_dice(drawn, 3))
		drawn->order[2] = 0;
	ret[0] = 0;
	for (size_t i = 0; i < drawn->count; i++)
		for (size_t j = 0; j < drawn->parts[i].count; j++) {
			struct drawn_member *member = &drawn->parts[i].members[j];
			unsigned int side = throw_dice(drawn, 8);

			member->fate = side < 3 ? FATE_UP : side < 7 ? FATE_DOWN : FATE_NONE;
			if (member->fate != FATE_UP)
				len += (size_t)snprintf(ret + len, size - len, "%s192.0.2.%u ",
				                        member->fate == FATE_DOWN ? "!" : "-",
				                        member->number);
		}
}

static bool in_order(const struct drawn *drawn, unsigned int region)
{
	for (size_t i = 0; i < 3; i++)
		if (drawn->order[i] == region && region)
			return true;
	return !region;
}

/* Does the order, or what is for every region, have members at all? */
static bool has_any(const struct drawn *drawn, const struct drawn_part *part)
{
	for (size_t i = 0; i < part->count; i++)
		if (!part->geo || in_order(drawn, part->members[i].region))
			return true;
	return false;
}

/* Of the members that the client may be given: has one of them this fate, or (FATE_DOWN) at least
 * addresses? */
static bool may_give(const struct drawn *drawn, const struct drawn_part *part, enum fate least)
{
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].fate <= least && (!part->geo || !has_any(drawn, part) ||
		                                       in_order(drawn, part->members[i].region)))
			return true;
	return false;
}

static size_t put_member(const struct drawn_member *member, const char *mark, char *ret)
{
	return (size_t)sprintf(ret, " %s192.0.2.%u", member->fate == FATE_UP ? "" : mark,
	                       member->number);
}

/* The members of one region, if one has `least`. 0: none does; SIZE_MAX: it is the other
 * family's. */
static size_t put_region(const struct drawn_part *part, unsigned int region, enum fate least,
                         char *ret)
{
	bool any = false, has = false, wanted = false;
	size_t len = 0;

	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].region == region) {
			any = true;
			has |= part->members[i].fate != FATE_NONE;
			wanted |= part->members[i].fate <= least;
		}
	if (!wanted)
		return any && !has ? SIZE_MAX : 0;
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].region == region && part->members[i].fate != FATE_NONE)
			len += put_member(&part->members[i], least == FATE_UP ? "!" : "*",
			                  ret + len);
	return len;
}

/* `least`: FATE_UP, or FATE_DOWN in panic. */
static size_t put_part(const struct drawn *drawn, const struct drawn_part *part, enum fate least,
                       char *ret)
{
	size_t len = 0;

	if (part->geo && has_any(drawn, part)) {
		for (size_t i = 0; i < 3 && !len; i++)
			if (drawn->order[i])
				len = put_region(part, drawn->order[i], least, ret);
		if (!len)
			len = put_region(part, 0, least, ret);
		return len == SIZE_MAX ? 0 : len;
	}
	for (size_t i = 0; i < part->count; i++)
		if (part->members[i].fate <= least)
			return put_member(&part->members[i], "*", ret);
	return 0;
}

static void reference(const struct drawn *drawn, char *ret)
{
	enum fate least = FATE_DOWN;
	size_t len = 0;
	char *to = ret + sprintf(ret, "together");

	for (size_t i = 0; i < drawn->count; i++)
		if (may_give(drawn, &drawn->parts[i], FATE_UP))
			least = FATE_UP;
	for (size_t i = 0; i < drawn->count; i++) {
		const struct drawn_part *part = &drawn->parts[i];

		if (may_give(drawn, part, least)) {
			len += put_part(drawn, part, least, to + len);
			if (!drawn->all)
				break;
		} else if (drawn->all && !part->geo && part->members[0].fate == FATE_DOWN) {
			len += put_member(&part->members[0], "!", to + len);
		}
	}
	if (!len)
		strcpy(ret, "nothing");
}

static void pools_above_pools_by_order_do_as_the_reference(void **state)
{
	struct drawn drawn = {.dice = 1};

	(void)state;
	for (size_t i = 0; i < DRAWN_SETUPS; i++) {
		struct scene scene;
		char pools[4096] = "", states[1024], wanted[1024];

		draw_pools(&drawn);
		print_pools(&drawn, pools, sizeof(pools));
		scene_open(&scene, pools);
		for (size_t j = 0; j < DRAWN_STATES; j++) {
			draw_states(&drawn, states, sizeof(states));
			reference(&drawn, wanted);
			memset(scene.memory, 0, sizeof(scene.memory));
			scene.place = place_of(drawn.order);
			decide(&scene, states);
			if (strcmp(result_text(&scene), wanted) != 0)
				fail_msg("%sorder %u %u %u, \"%s\": \"%s\", not \"%s\"", pools,
				         drawn.order[0], drawn.order[1], drawn.order[2], states,
				         result_text(&scene), wanted);
		}
		scene_close(&scene);
	}
}

static void targets_of_all_its_regions_are_looked_up(void **state)
{
	static const uint32_t order[3] = {1, 3};
	const struct pool_place place = place_of(order), alone = {.region = 1};
	struct scene scene;

	(void)state;
	scene_open(&scene, ordered_cdns);
	assert_false(pool_is_elsewhere(scene.tree, 1, &place));
	assert_true(pool_is_elsewhere(scene.tree, 2, &place));
	assert_false(pool_is_elsewhere(scene.tree, 3, &place));
	assert_true(pool_is_elsewhere(scene.tree, 3, &alone));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_next_region_takes_over),
	        cmocka_unit_test(nothing_of_an_order_is_panic_only_where_there_is_something),
	        cmocka_unit_test(pools_above_pools_by_order_do_as_the_reference),
	        cmocka_unit_test(targets_of_all_its_regions_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
