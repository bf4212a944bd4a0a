/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's way to a region, compiled for the host, against the daemon's, over one table. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "steer/geo.h"
#undef IP_TTL /* the program has its own */
#include "../../../bpf/geo.h"

/* ---- the maps ---- */

static struct an_geo_line *lines;
static struct an_geo_regions *regions;
static uint32_t lines_count, regions_count;

AN_INLINE const struct an_geo_line *geo_line_at(__u32 index)
{
	return index < 2 * lines_count ? &lines[index] : NULL;
}

AN_INLINE const struct an_geo_regions *geo_regions_at(__u32 index)
{
	return index < 2 * regions_count ? &regions[index] : NULL;
}

/* ---- a table ---- */

static const char text[] = "zones: [{name: example.com, file: z}]\npolicies:\n"
                           "  - name: p\n    default: d\n    rules:\n"
                           "      - {region: a, networks: [192.0.2.0/24, '2001:db8:0:100::/56']}\n"
                           "      - {region: b, networks: [192.0.0.0/13, '2001:db8::/33', "
                           "'2a00::/11']}\n"
                           "  - name: q\n    default: e\n    rules:\n"
                           "      - {region: f, networks: [128.0.0.0/2, '2001:db8:8000::/37']}\n";

struct table {
	struct geo *geo;
	struct an_control control;
};

/* In half 1; half 0 stays zero. */
static int make_table(void **state)
{
	static struct table table;
	struct config *config = NULL;
	struct error error = {0};
	struct geo_size size;

	assert_int_equal(config_parse("t", text, strlen(text), &config, &error), 0);
	assert_int_equal(geo_new(config, NULL, &table.geo, &error), 0);
	config_free(config);
	size = geo_size(table.geo);
	lines_count = size.lines;
	regions_count = size.locations;
	lines = calloc(2 * (size_t)lines_count, sizeof(*lines));
	regions = calloc(2 * (size_t)regions_count, sizeof(*regions));
	for (uint32_t i = 0; i < regions_count; i++)
		regions[an_regions_index(1, i)] = *geo_regions(table.geo, i);
	geo_move(table.geo, lines + an_geo_index(1, lines_count, 0));
	table.control.geo = 1;
	table.control.geo_lines = lines_count;
	*state = &table;
	return 0;
}

static int free_table(void **state)
{
	struct table *table = *state;

	geo_free(table->geo);
	free(lines);
	free(regions);
	return 0;
}

static struct client client_of(uint8_t family, uint64_t bits)
{
	return (struct client){
	        .source = family == AN_FAMILY_IPV6 ? 56 : 24, .family = family, .bits = bits};
}

static void expect_same(const struct table *table, uint8_t family, uint64_t bits)
{
	struct client client = client_of(family, bits);
	struct network network = {.family = family, .len = family == AN_FAMILY_IPV6 ? 64 : 32};
	static const struct datagram nowhere;

	for (int i = 0; i < (family == AN_FAMILY_IPV6 ? 8 : 4); i++)
		network.address[i] = (uint8_t)(bits >> (56 - 8 * i));
	for (unsigned int policy = 0; policy < 2; policy++) {
		struct geo_found found = geo_find(table->geo, policy, &network);
		struct place place = {0};

		assert_int_equal(
		        place_of_client(&table->control, &nowhere, &client, policy + 1, &place),
		        V_GO_ON);
		assert_int_equal(place.region, found.region);
		assert_int_equal(place.len, found.len);
	}
}

static void both_halves_of_the_house_find_the_same(void **state)
{
	static const uint64_t bases[] = {0, 0x20010db8ULL << 32, 0x2a00ULL << 48, 0x2a1fULL << 48};

	srandom(7);
	for (int i = 0; i < 200000; i++) {
		uint64_t bits =
		        (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();

		expect_same(*state, AN_FAMILY_IPV4, bits & 0xffffff0000000000ULL);
		expect_same(*state, AN_FAMILY_IPV6, bases[i & 3] ^ bits >> (i & 4 ? 12 : 30));
	}
	for (uint64_t top = 0; top < 256; top++)
		expect_same(*state, AN_FAMILY_IPV4, 0xc000000000000000ULL | top << 40);
}

static void who_is_not_known_is_where_the_packet_came_from(void **state)
{
	const struct table *table = *state;
	struct datagram datagram = {0};
	struct client nobody = {0};
	struct place place = {0};
	static const uint8_t source[8] = {192, 0, 2, 77};

	memcpy(&datagram.source[0], source, sizeof(source));
	assert_int_equal(place_of_client(&table->control, &datagram, &nobody, 1, &place), V_GO_ON);
	assert_string_equal(geo_region_name(table->geo, 0, place.region), "a");
	assert_int_equal(place.len, 24);
}

static void without_a_table_nothing_is_claimed(void **state)
{
	const struct table *table = *state;
	static const struct datagram nowhere;
	struct client client = client_of(AN_FAMILY_IPV4, 0xc000020000000000ULL);
	struct client client6 = client_of(AN_FAMILY_IPV6, 0x20010db800000000ULL);
	struct an_control control = table->control;
	struct place place;

	control.geo = AN_GEO_NONE;
	assert_int_equal(place_of_client(&control, &nowhere, &client, 1, &place), V_pass_geo);
	control.geo = 0; /* a half that was never written: no region has number 0 */
	assert_int_equal(place_of_client(&control, &nowhere, &client, 1, &place), V_pass_geo);
	assert_int_equal(place_of_client(&control, &nowhere, &client6, 1, &place), V_pass_geo);
	control = table->control;
	assert_int_equal(place_of_client(&control, &nowhere, &client, 3, &place), V_pass_geo);
	assert_int_equal(place_of_client(&control, &nowhere, &client, 0, &place), V_pass_geo);
	assert_int_equal(place_of_client(&control, &nowhere, &client, 65, &place), V_pass_geo);
	control.geo_lines = 100; /* lines that are not there */
	assert_int_equal(place_of_client(&control, &nowhere, &client6, 1, &place), V_pass_geo);
}

/* What is read back is input: a line that leads to itself ends. */
static void a_trie_that_turns_in_circles_ends(void **state)
{
	const struct table *table = *state;
	static const struct datagram nowhere;
	struct client client = client_of(AN_FAMILY_IPV6, 0);
	struct place place;

	for (int i = 0; i < 16; i++)
		lines[an_geo_index(0, lines_count, AN_GEO_LINES_ROOT)].entry[i] =
		        AN_GEO_LINES_ROOT << 8 | AN_GEO_NODE;
	struct an_control control = table->control;
	control.geo = 0;
	assert_int_equal(place_of_client(&control, &nowhere, &client, 1, &place), V_pass_geo);
	memset(&lines[an_geo_index(0, lines_count, AN_GEO_LINES_ROOT)], 0, sizeof(*lines));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(both_halves_of_the_house_find_the_same),
	        cmocka_unit_test(who_is_not_known_is_where_the_packet_came_from),
	        cmocka_unit_test(without_a_table_nothing_is_claimed),
	        cmocka_unit_test(a_trie_that_turns_in_circles_ends),
	};

	return cmocka_run_group_tests(tests, make_table, free_table);
}
