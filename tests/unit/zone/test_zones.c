/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of zones, counts of holders, loops over zones. */
#include "from_text.h"

static const char *const apexes[] = {"example.", "sub.example.", "deep.er.sub.example.", "test."};

static struct zones *make_set(void)
{
	struct zone *zone[ROWS(apexes)];
	struct zones *zones;

	for (size_t i = 0; i < ROWS(apexes); i++)
		zone[i] = zone_of(apexes[i], HEAD, NULL);
	zones = zones_new(zone, ROWS(apexes));
	assert_non_null(zones);
	return zones;
}

static void the_longest_apex_is_found(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *apex; /* NULL: not ours */
	} rows[] = {
	        {"example.", 1, "example."},
	        {"EXAMPLE.", 1, "example."},
	        {"x.example.", 1, "example."},
	        {"xsub.example.", 1, "example."},
	        {"sub.example.", 1, "sub.example."},
	        {"a.b.c.Sub.example.", 1, "sub.example."},
	        {"er.sub.example.", 1, "sub.example."},
	        {"deep.er.sub.example.", 1, "deep.er.sub.example."},
	        {"x.deep.er.sub.example.", 1, "deep.er.sub.example."},
	        {"test.", 1, "test."},
	        {"xtest.", 1, NULL},
	        {".", 1, NULL},
	        {"com.", 1, NULL},
	        {"example.com.", 1, NULL},
	        /* DS is the parent's, if we have the parent. */
	        {"sub.example.", AN_TYPE_DS, "example."},
	        {"deep.er.sub.example.", AN_TYPE_DS, "sub.example."},
	        {"x.sub.example.", AN_TYPE_DS, "sub.example."},
	        {"example.", AN_TYPE_DS, "example."},
	        {"test.", AN_TYPE_DS, "test."},
	};
	struct zones *zones = make_set();
	char text[NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t len;
		uint8_t *name = wire_name(rows[i].name, &len);
		const struct zone *zone = zones_find(zones, name, len, rows[i].type);

		print_message("%s %u\n", rows[i].name, rows[i].type);
		if (rows[i].apex)
			assert_string_equal(name_to_text(zone->apex, text), rows[i].apex);
		else
			assert_null(zone);
		free(name);
	}
	zones_free(zones);
}

static void the_root_takes_what_no_other_zone_does(void **state)
{
	struct zone *zone[2] = {
	        zone_of(".", "$TTL 9\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\na A 192.0.2.1\n", NULL),
	        zone_of("example.", HEAD, NULL)};
	struct zones *zones = zones_new(zone, 2);

	(void)state;
	assert_ptr_equal(zones_find(zones, (const uint8_t *)"\3com", 5, 1), zone[0]);
	assert_ptr_equal(zones_find(zones, (const uint8_t *)"", 1, 1), zone[0]);
	assert_ptr_equal(zones_find(zones, (const uint8_t *)"\7example", 9, 1), zone[1]);
	assert_ptr_equal(zones_find(zones, (const uint8_t *)"\7example", 9, AN_TYPE_DS), zone[0]);
	zones_free(zones);
}

static void an_exact_apex_is_found_and_nothing_else(void **state)
{
	struct zones *zones = make_set();

	(void)state;
	assert_int_equal(zones_count(zones), 4);
	for (size_t i = 0; i < zones_count(zones); i++) {
		struct zone *zone = zones_at(zones, i);

		assert_ptr_equal(zones_exact(zones, zone->apex, zone->apex_len), zone);
	}
	assert_null(zones_exact(zones, (const uint8_t *)"\1x\7example", 11));
	assert_null(zones_exact(zones, (const uint8_t *)"", 1));
	zones_free(zones);
	zones = zones_new(NULL, 0);
	assert_int_equal(zones_count(zones), 0);
	assert_null(zones_find(zones, (const uint8_t *)"\1x", 3, 1));
	zones_free(zones);
	zones_free(NULL);
}

/* Under ASan: used after the first set is gone, and freed once. */
static void a_zone_lives_as_long_as_one_set_holds_it(void **state)
{
	struct zone *zone[1] = {zone_of("example.", HEAD, NULL)}, *again[1];
	struct zones *old = zones_new(zone, 1), *new;

	(void)state;
	again[0] = zone_hold(zones_at(old, 0));
	new = zones_new(again, 1);
	zones_free(old);
	assert_non_null(set_of(zones_at(new, 0), "ns.example.", AN_TYPE_A));
	zones_free(new);
}

/* ---- loops ---- */

struct found {
	char text[16384]; /* owners, in any order, each with a blank */
	char last[512];
	size_t count;
};

static void note(const struct zone_node *owner, const char *text, void *arg)
{
	struct found *found = arg;
	char name[NAME_TEXT_MAX];

	strcat(strcat(found->text, name_to_text(owner->name, name)), " ");
	snprintf(found->last, sizeof(found->last), "%s", text);
	found->count++;
}

/* p. has x.net and a.one.; q. has p.; r. has an address and b.two. */
static const struct config *pools(void)
{
	static struct config_member p[] = {{.aname = {.name = "\1x\3net", .len = 7}},
	                                   {.aname = {.name = "\1a\3one", .len = 7}}};
	static struct config_member q[] = {{.pool = {.name = "\1p", .len = 3}}};
	static struct config_member r[] = {{.address.family = 1},
	                                   {.aname = {.name = "\1b\3two", .len = 7}}};
	static struct config_pool all[] = {
	        {.name = {.name = "\1r", .len = 3}, .members = r, .members_count = 2},
	        {.name = {.name = "\1q", .len = 3}, .members = q, .members_count = 1},
	        {.name = {.name = "\1p", .len = 3}, .members = p, .members_count = 2}};
	static const struct config config = {.pools = all, .pools_count = 3};

	return &config;
}

static struct found loops_in(const char *first, const char *second)
{
	struct found found = {{0}, {0}, 0};
	struct zone *zone[2];
	struct zones *zones;
	size_t size = strlen(first) + strlen(second) + sizeof(HEAD);
	char *text = malloc(size);

	snprintf(text, size, HEAD "%s", first);
	zone[0] = zone_of("one.", text, NULL);
	snprintf(text, size, HEAD "%s", second);
	zone[1] = zone_of("two.", text, NULL);
	zones = zones_new(zone, 2);
	zones_check_loops(zones, pools(), note, &found);
	zones_free(zones);
	free(text);
	return found;
}

static void loops_are_found_over_all_zones(void **state)
{
	static const struct {
		const char *one, *two;
		size_t count;
		const char *owner; /* one of those found */
	} rows[] = {
	        {"", "", 0, ""},
	        {"a ANAME x.net.\nb CNAME a\n", "", 0, ""},
	        {"a ANAME a\n", "", 1, "a.one. "},
	        {"a ANAME A\n", "", 1, "a.one. "},
	        {"a CNAME b\nb CNAME a\n", "", 2, "b.one. "},
	        {"a ANAME b.two.\n", "b ANAME a.one.\n", 2, "b.two. "},
	        {"@ ANAME two.\n", "@ ANAME one.\n", 2, "two. "},
	        {"a ANAME b.two.\n", "b CNAME a.one.\n", 2, "a.one. "},
	        /* One member of several loops; one that leads into a loop. */
	        {"a ANAME x.net.\na ANAME b\na ANAME c\nb A 192.0.2.1\nc CNAME a\nd ANAME a\n", "",
	         3, "d.one. "},
	        /* Two ways to one name are no loop. */
	        {"a ANAME b\na ANAME c\nb ANAME d\nc ANAME d\nd ANAME e\ne A 192.0.2.1\n", "", 0,
	         ""},
	        /* Through a wildcard, and not past a name that stops it. */
	        {"a ANAME x.w\n*.w ANAME a\n", "", 2, "*.w.one. "},
	        {"a ANAME x.w\n*.w ANAME a\nx.w A 192.0.2.1\n", "", 0, ""},
	        {"*.w ANAME y.w\n", "", 1, "*.w.one. "},
	        /* Through DNAMEs. */
	        {"a ANAME a.d\nd DNAME one.\n", "", 1, "a.one. "},
	        {"a ANAME x.d\nd DNAME e\ne DNAME d\n", "", 1, "a.one. "},
	        {"a ANAME x.d\nd DNAME two.\n", "x A 192.0.2.1\n", 0, ""},
	        {"a ANAME d\nd DNAME one.\n", "", 0, ""},
	        /* What is delegated or occluded is not ours. */
	        {"a ANAME b.sub\nsub NS ns\nb.sub CNAME a\n", "", 0, ""},
	        {"a ANAME nothing\n", "", 0, ""},
	        /* Through pools, and pools inside of pools. */
	        {"a ANAME p.\n", "", 1, "a.one. "},
	        {"a ANAME P.\n", "", 1, "a.one. "},
	        {"a ANAME q.\nc ANAME q.\n", "", 2, "c.one. "},
	        {"a ANAME b.two.\n", "b ANAME q.\n", 2, "b.two. "},
	        {"a A 192.0.2.1\nc ANAME p.\n", "b ANAME r.\n", 1, "b.two. "},
	        {"a A 192.0.2.1\nc ANAME q.\nd ANAME r.\n", "b ANAME c.net.\n", 0, ""},
	        /* A CNAME that is not flattened leads to the name, not to the pool. */
	        {"a CNAME p.\n", "", 0, ""},
	        /* From pool to pool, through an owner of ours. */
	        {"a A 192.0.2.1\nd ANAME r.\n", "b ANAME q.\n", 1, "b.two. "},
	        {"a ANAME c\nc ANAME r.\nd ANAME p.\n", "b A 192.0.2.1\n", 1, "a.one. "},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct found found;

		print_message("%s--\n%s\n", rows[i].one, rows[i].two);
		found = loops_in(rows[i].one, rows[i].two);
		if (found.count != rows[i].count || !strstr(found.text, rows[i].owner))
			fail_msg("found %s", found.text);
	}
}

static void pools_are_told_on_the_way(void **state)
{
	(void)state;
	assert_string_equal(loops_in("a ANAME q.\n", "").last,
	                    "ANAME loop: a.one. -> pool q. -> pool p. -> a.one.");
	assert_string_equal(loops_in("d ANAME r.\n", "b ANAME q.\n").last,
	                    "ANAME to a pool, behind a member of pool r., gives nothing there");
}

static void the_text_tells_the_way_of_the_loop(void **state)
{
	struct found found = loops_in("a ANAME b\n", "");

	(void)state;
	assert_int_equal(found.count, 0);
	found = loops_in("a ANAME a\n", "");
	assert_string_equal(found.last, "ANAME loop: a.one. -> a.one.");
	found = loops_in("a ANAME b.two.\n", "b ANAME c\nc ANAME x.net.\nc ANAME b\n");
	assert_string_equal(found.last, "ANAME loop: c.two. -> b.two. -> c.two.");
}

/* aN -> aN-1 -> ... -> a0, N links. */
static char *chain_text(unsigned int links)
{
	char *text = malloc(32 + links * 32);
	size_t at = (size_t)sprintf(text, "a0 A 192.0.2.1\n");

	for (unsigned int i = 1; i <= links; i++)
		at += (size_t)sprintf(text + at, "a%u ANAME a%u\n", i, i - 1);
	return text;
}

static void a_chain_over_16_counts_as_a_loop(void **state)
{
	char *text = chain_text(16);
	struct found found = loops_in(text, "");

	(void)state;
	assert_int_equal(found.count, 0);
	free(text);
	text = chain_text(18);
	found = loops_in(text, "");
	assert_int_equal(found.count, 2);
	assert_string_equal(found.text, "a17.one. a18.one. ");
	assert_non_null(strstr(found.last, "ANAME chain of 18 links, over 16: a18.one. -> a17"));
	free(text);
}

/* Without memory of what was seen this would take 64 to the power of 15 steps. */
static void many_ways_take_no_more_time_than_there_are_links(void **state)
{
	enum { LEVELS = 15, WIDTH = 64 };
	char *text = malloc(LEVELS * WIDTH * WIDTH * 32);
	struct found found;
	size_t at = 0;

	(void)state;
	for (int level = 0; level < LEVELS; level++)
		for (int i = 0; i < WIDTH; i++)
			for (int j = 0; j < WIDTH; j++)
				at += (size_t)sprintf(text + at, "n%d-%d ANAME n%d-%d\n", level, i,
				                      level + 1, j);
	found = loops_in(text, "");
	assert_int_equal(found.count, 0);
	sprintf(text + at, "n15-0 CNAME n0-0\n");
	found = loops_in(text, "");
	assert_int_equal(found.count, LEVELS * WIDTH + 1);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_longest_apex_is_found),
	        cmocka_unit_test(the_root_takes_what_no_other_zone_does),
	        cmocka_unit_test(an_exact_apex_is_found_and_nothing_else),
	        cmocka_unit_test(a_zone_lives_as_long_as_one_set_holds_it),
	        cmocka_unit_test(loops_are_found_over_all_zones),
	        cmocka_unit_test(the_text_tells_the_way_of_the_loop),
	        cmocka_unit_test(pools_are_told_on_the_way),
	        cmocka_unit_test(a_chain_over_16_counts_as_a_loop),
	        cmocka_unit_test(many_ways_take_no_more_time_than_there_are_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
