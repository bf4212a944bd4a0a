/* SPDX-License-Identifier: BSD-2-Clause */
/* Control block, special-use networks, served addresses, zones, ticks. */
#include <arpa/inet.h>

#include "kernel/served.h"
#include "unit/kernel/one_bench.h"

static const struct fake_sizes sizes = {
        .owners = 4, .audiences = 4, .slots = 8, .slots_large = 2, .zones = 2};

/* ---- control block ---- */

static void settings_become_fields_of_the_control_block(void **state)
{
	const struct an_control *control = bench.maps->control;
	char nsid[] = "edge1";

	(void)state;
	assert_int_equal(control->flags, 0);
	assert_int_equal(control->source_ipv4_len, 24);
	assert_int_equal(control->source_ipv6_len, 56);
	assert_int_equal(control->udp_payload, 1232);
	assert_int_equal(control->heartbeat_limit, 5 * 250);
	bench.config.nsid = nsid;
	bench.config.ecs_from_source = false;
	bench.config.udp_payload = 1400;
	bench.config.heartbeat_limit_ms = 2500;
	assert_int_equal(publish_settings(bench.publish, &bench.config), 0);
	assert_int_equal(control->flags, AN_CONTROL_PASS_NSID);
	assert_int_equal(control->source_ipv4_len, 0);
	assert_int_equal(control->source_ipv6_len, 0);
	assert_int_equal(control->udp_payload, 1400);
	assert_int_equal(control->heartbeat_limit, 625);
	bench.config.nsid = NULL;
	bench.config.cookie_required = true; /* says nothing while cookies are off */
	assert_int_equal(publish_settings(bench.publish, &bench.config), 0);
	assert_int_equal(control->flags, 0);
	bench.config.cookies = true;
	assert_int_equal(publish_settings(bench.publish, &bench.config), 0);
	assert_int_equal(control->flags, AN_CONTROL_COOKIES | AN_CONTROL_NEED_COOKIE);
	bench.config.cookie_required = false;
	bench.config.miss_limit = 7;
	bench.config.miss_burst = 9;
	bench.config.miss_slip = 3;
	assert_int_equal(publish_settings(bench.publish, &bench.config), 0);
	assert_int_equal(control->flags, AN_CONTROL_COOKIES);
	assert_int_equal(control->miss_rate, 7);
	assert_int_equal(control->miss_burst, 9);
	assert_int_equal(control->miss_slip, 3);
}

static void secrets_are_in_the_control_block_while_cookies_are_on(void **state)
{
	const struct an_control *control = bench.maps->control;

	(void)state;
	assert_int_equal(control->cookie_count, 0);
	bench.config.cookies = true;
	publish_settings(bench.publish, &bench.config);
	assert_int_equal(control->cookie_count, 1);
	assert_true(control->cookie_secrets[0][0] && control->cookie_secrets[0][1]);
	bench.config.cookie_secrets_count = 2;
	memcpy(bench.config.cookie_secrets[0], "0123456789abcdef", 16);
	memcpy(bench.config.cookie_secrets[1], "fedcba9876543210", 16);
	publish_settings(bench.publish, &bench.config);
	assert_int_equal(control->cookie_count, 2);
	assert_int_equal(control->cookie_secrets[0][1], an_load8("89abcdef"));
	assert_int_equal(control->cookie_secrets[1][0], an_load8("fedcba98"));
	assert_int_equal(control->cookie_secrets[2][0], 0);
	bench.config.cookies = false;
	publish_settings(bench.publish, &bench.config);
	assert_int_equal(control->cookie_count, 0);
	assert_int_equal(control->cookie_secrets[0][0], 0);
}

static void a_beat_says_now_and_what_time_it_is(void **state)
{
	const struct an_control *control = bench.maps->control;
	uint64_t before = control->heartbeat;
	int64_t seconds;

	(void)state;
	bench_seconds(&bench, 100);
	publish_beat(bench.publish);
	assert_in_range(control->heartbeat, before + 100 * 250, before + 102 * 250);
	seconds = ((int64_t)control->heartbeat + control->unix_offset) / control->hz;
	assert_in_range(seconds, clock_unix_ms() / 1000 - 1, clock_unix_ms() / 1000);
}

static void ticks_round_down_and_milliseconds_up_at_every_rate(void **state)
{
	static const uint32_t rates[] = {100, 250, 300, 1000};
	struct kernel_maps *maps = bench.maps;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		maps->control->hz = rates[i];
		assert_int_equal(kernel_ticks(maps, maps->ms0), maps->tick0);
		assert_int_equal(kernel_ticks(maps, maps->ms0 + 1000), maps->tick0 + rates[i]);
		assert_int_equal(kernel_ticks(maps, maps->ms0 - 1000), maps->tick0 - rates[i]);
		for (uint64_t t = maps->tick0 - 2000; t < maps->tick0 + 2000; t++)
			assert_int_equal(kernel_ticks(maps, kernel_ms(maps, t)), t);
	}
	assert_true(kernel_ticks(maps, CLOCK_MS_NEVER) == AN_NEVER);
	assert_true(kernel_ms(maps, AN_NEVER) == CLOCK_MS_NEVER);
	assert_true(kernel_ticks(maps, CLOCK_MS_NEVER - 1) == AN_NEVER - 1);
	assert_int_equal(kernel_ms(maps, 0), 0); /* before the clock began */
	maps->control->hz = 250;
}

/* ---- special-use networks ---- */

static uint32_t special(uint8_t family, uint16_t top)
{
	return an_special_bits(bench.maps->special[an_special_word(family, top)], top);
}

static void special_networks_are_whole_part_or_not(void **state)
{
	static const char *const texts[] = {
	        "10.0.0.0/8", "100.64.0.0/10", "192.168.0.0/16", "192.0.2.0/24", "224.0.0.0/3",
	        "0.0.0.0/8",  "::/128",        "fc00::/7",       "fe80::/10",    "10.1.2.0/24"};
	static const struct {
		uint8_t family;
		uint16_t top;
		enum an_special mark;
	} cases[] = {
	        {1, 0x0a00, AN_SPECIAL_WHOLE}, {1, 0x0a01, AN_SPECIAL_WHOLE},
	        {1, 0x0aff, AN_SPECIAL_WHOLE}, {1, 0x0b00, AN_SPECIAL_NO},
	        {1, 0x09ff, AN_SPECIAL_NO},    {1, 0x643f, AN_SPECIAL_NO},
	        {1, 0x6440, AN_SPECIAL_WHOLE}, {1, 0x647f, AN_SPECIAL_WHOLE},
	        {1, 0x6480, AN_SPECIAL_NO},    {1, 0xc0a8, AN_SPECIAL_WHOLE},
	        {1, 0xc000, AN_SPECIAL_PART},  {1, 0xdfff, AN_SPECIAL_NO},
	        {1, 0xe000, AN_SPECIAL_WHOLE}, {1, 0xffff, AN_SPECIAL_WHOLE},
	        {1, 0x0000, AN_SPECIAL_WHOLE}, {2, 0x0000, AN_SPECIAL_PART},
	        {2, 0xfbff, AN_SPECIAL_NO},    {2, 0xfc00, AN_SPECIAL_WHOLE},
	        {2, 0xfdff, AN_SPECIAL_WHOLE}, {2, 0xfe00, AN_SPECIAL_NO},
	        {2, 0xfebf, AN_SPECIAL_WHOLE}, {2, 0xfec0, AN_SPECIAL_NO},
	        {2, 0x2001, AN_SPECIAL_NO},
	};
	struct network networks[sizeof(texts) / sizeof(texts[0])];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(network_parse(texts[i], &networks[i]), 0);
	bench.config.special = networks;
	bench.config.special_count = sizeof(texts) / sizeof(texts[0]);
	publish_settings(bench.publish, &bench.config);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(special(cases[i].family, cases[i].top), cases[i].mark);
	bench.config.special_count = 0;
	publish_settings(bench.publish, &bench.config);
	assert_int_equal(special(1, 0x0a00), AN_SPECIAL_NO);
}

/* ---- served addresses ---- */

static struct an_served entry(uint32_t address, uint32_t ifindex, uint8_t mac)
{
	struct an_served entry = {.ifindex = ifindex,
	                          .port = htons(53),
	                          .family = AN_FAMILY_IPV4,
	                          .mac = {[5] = mac}};
	uint32_t order = htonl(address);

	memcpy(entry.address, &order, sizeof(order));
	return entry;
}

/* As the program looks. */
static const struct an_served *look_up(const struct an_served *wanted)
{
	uint32_t first = an_served_index(wanted->address, wanted->ifindex, wanted->port);

	for (uint32_t i = 0; i < AN_SERVED_PROBES; i++) {
		const struct an_served *at = &bench.maps->served[(first + i) % AN_SERVED_SIZE];

		if (at->family == wanted->family && at->ifindex == wanted->ifindex &&
		    at->port == wanted->port && !memcmp(at->address, wanted->address, 16))
			return at;
	}
	return NULL;
}

static void served_addresses_are_found_and_replaced(void **state)
{
	struct an_served first[40], second[40];
	const struct an_served *place;

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		first[i] = entry(0xc0000200 + i, 3, 1);
		second[i] = entry(0xc0000200 + i + 20, 3, 2);
	}
	assert_int_equal(publish_served(bench.publish, first, 40), 0);
	for (uint32_t i = 0; i < 40; i++)
		assert_non_null(look_up(&first[i]));
	place = look_up(&first[25]);
	assert_int_equal(publish_served(bench.publish, second, 40), 0);
	for (uint32_t i = 0; i < 40; i++) {
		assert_non_null(look_up(&second[i]));
		assert_int_equal(look_up(&second[i])->mac[5], 2);
	}
	assert_null(look_up(&first[0]));
	assert_ptr_equal(look_up(&first[25]), place); /* what stays, stays where it is */
	assert_int_equal(publish_served(bench.publish, NULL, 0), 0);
	assert_null(look_up(&second[0]));
}

static void served_addresses_that_do_not_fit_are_counted(void **state)
{
	struct an_served *many = calloc(300, sizeof(*many));
	int found = 0, left_out;

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		many[i] = entry(0xc0000200 + i, 3, 1);
	left_out = publish_served(bench.publish, many, 300);
	for (uint32_t i = 0; i < 300; i++)
		found += look_up(&many[i]) != NULL;
	assert_true(left_out >= 300 - AN_SERVED_SIZE);
	assert_int_equal(found, 300 - left_out);
	free(many);
}

static struct served_address holding(const char *text, uint32_t ifindex, bool loopback)
{
	struct endpoint endpoint;
	struct served_address address = {.ifindex = ifindex, .loopback = loopback};

	assert_int_equal(endpoint_parse(text, 53, &endpoint), 0);
	address.family = endpoint.family;
	memcpy(address.address, endpoint.address, sizeof(address.address));
	return address;
}

static size_t entries_for(const char *listen, uint32_t scope)
{
	const struct served_interface interfaces[] = {{.ifindex = 2}, {.ifindex = 3}};
	const struct served_address addresses[] = {
	        holding("127.0.0.1", 1, true),    holding("::1", 1, true),
	        holding("203.0.113.1", 1, true),  holding("192.0.2.1", 2, false),
	        holding("192.0.2.2", 3, false),   holding("198.51.100.1", 9, false),
	        holding("2001:db8::1", 2, false), holding("fe80::1", 2, false),
	        holding("fe80::1", 3, false),     holding("192.0.2.1", 2, false),
	};
	struct endpoint endpoint;
	struct an_served entries[2];

	assert_int_equal(endpoint_parse(listen, 53, &endpoint), 0);
	endpoint.scope = scope;
	return served_entries(&endpoint, 1, interfaces, 2, addresses,
	                      sizeof(addresses) / sizeof(addresses[0]), entries, 2);
}

static void entries_are_what_the_interfaces_and_lo_hold(void **state)
{
	(void)state;
	/* 192.0.2.1 on 2, 192.0.2.2 on 3, 203.0.113.1 on both; each once. */
	assert_int_equal(entries_for("0.0.0.0", 0), 4);
	assert_int_equal(entries_for("::", 0), 3);
	assert_int_equal(entries_for("192.0.2.1", 0), 1);
	assert_int_equal(entries_for("203.0.113.1", 0), 2);
	assert_int_equal(entries_for("198.51.100.1", 0), 0); /* an interface without the program */
	assert_int_equal(entries_for("127.0.0.1", 0), 0);
	assert_int_equal(entries_for("fe80::1", 0), 2);
	assert_int_equal(entries_for("fe80::1", 3), 1);
}

/* ---- zones ---- */

static int zone(const char *text, uint64_t content, uint32_t *index, uint32_t *generation)
{
	uint8_t apex[NAME_MAX_LEN];
	int len = name_from_text(text, NULL, 0, apex);

	return publish_zone(bench.publish, apex, (size_t)len, content, AN_ZONE_CUTS, CLOCK_MS_NEVER,
	                    index, generation);
}

static void zones_are_found_by_apex_and_full_is_full(void **state)
{
	uint32_t index, other, generation, newer;

	(void)state;
	assert_int_equal(zone("Example.TEST.", 1, &index, &generation), 0);
	assert_int_equal(index, bench.zone); /* the bench's own, in another case */
	assert_int_equal(generation, bench.generation);
	assert_int_equal(bench.maps->zones[index].flags, AN_ZONE_CUTS);
	assert_true(bench.maps->zones[index].valid_until == AN_NEVER);
	assert_int_equal(zone("example.org.", 1, &other, &newer), 0);
	assert_int_not_equal(other, index);
	assert_int_equal(zone("example.net.", 1, &other, &newer), -ENOSPC);
	assert_int_equal(zone("example.org.", 2, &other, &newer), 0);
	assert_true(newer > generation + 1);
}

static void a_removed_zone_takes_its_owners_along(void **state)
{
	uint32_t index, generation, former = bench.generation;
	uint64_t uid = bench_owner(&bench, 1);

	(void)state;
	bench_put(&bench, uid, bench_everyone(), 1);
	publish_zone_remove(bench.publish, bench.zone);
	publish_zone_remove(bench.publish, 1000000);
	assert_int_equal(bench_stats(&bench).owners, 0);
	assert_int_equal(bench_stats(&bench).slots_used, 0);
	assert_null(bench_see(&bench, 1));
	assert_int_equal(zone("example.org.", 1, &index, &generation), 0);
	assert_int_equal(index, bench.zone);
	assert_true(generation > former); /* what was of this number before does not come back */
}

int main(void)
{
#define ON_BENCH(test) ON_BENCH_OF(sizes, test)
	const struct CMUnitTest tests[] = {
	        ON_BENCH(settings_become_fields_of_the_control_block),
	        ON_BENCH(secrets_are_in_the_control_block_while_cookies_are_on),
	        ON_BENCH(a_beat_says_now_and_what_time_it_is),
	        ON_BENCH(ticks_round_down_and_milliseconds_up_at_every_rate),
	        ON_BENCH(special_networks_are_whole_part_or_not),
	        ON_BENCH(served_addresses_are_found_and_replaced),
	        ON_BENCH(served_addresses_that_do_not_fit_are_counted),
	        cmocka_unit_test(entries_are_what_the_interfaces_and_lo_hold),
	        ON_BENCH(zones_are_found_by_apex_and_full_is_full),
	        ON_BENCH(a_removed_zone_takes_its_owners_along),
	};

	return cmocka_run_group_tests_name("kernel settings", tests, NULL, NULL);
}
