/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is not for the kernel goes up unchanged, each packet counted by its
 * reason. The answer is there in every case: without the fault it is a hit.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* "Www.eXample.TEST" answered for everyone, A. */
static struct query_spec prepare(struct fixture *fixture, bool ipv6)
{
	struct answer_spec answer = answer_spec(AN_TYPE_A, 2, 1);
	size_t len;
	const uint8_t *name = wire_name("Www.eXample.TEST", &len);
	struct query_spec query = query_spec(ipv6, name, len, AN_TYPE_A);
	struct reference how;

	fixture_reset(fixture);
	fixture_everyone(fixture, fixture_owner(fixture, name, len, AN_TYPE_A, false), &answer);
	how = fixture_reference(fixture, answer.ttl, 0);
	assert_answered(fixture, &query, &answer, &how, "before the fault");
	return query;
}

/* ---- octets changed in a good query ---- */

enum base { BASE_LINK, BASE_IP, BASE_UDP, BASE_DNS, BASE_QUESTION_END };

struct change {
	const char *what;
	const char *counter;
	enum base base;
	unsigned int offset;
	unsigned int len; /* octets to write: 1 or 2 */
	unsigned int value;
	bool ipv6;
	bool opt;
};

static const struct change changes[] = {
        {"ARP", "pass_link", BASE_LINK, 12, 2, 0x0806, false, false},
        {"an 802.3 length", "pass_link", BASE_LINK, 12, 2, 60, false, false},
        {"IPv4 under IPv6's type", "pass_ip_header", BASE_LINK, 12, 2, 0x86dd, false, false},
        {"IPv6 under IPv4's type", "pass_ip_header", BASE_LINK, 12, 2, 0x0800, true, false},
        {"another station, first octets", "pass_not_unicast", BASE_LINK, 0, 1, 0x06, false, false},
        {"another station, last octet", "pass_not_unicast", BASE_LINK, 5, 1, 0xee, false, false},
        {"multicast frame", "pass_not_unicast", BASE_LINK, 0, 1, 0x03, true, false},
        {"from a group of stations", "pass_not_unicast", BASE_LINK, 6, 1, 0x03, false, true},
        {"IPv4 options", "pass_ip_header", BASE_IP, 0, 1, 0x46, false, false},
        {"IPv4 header of four words", "pass_ip_header", BASE_IP, 0, 1, 0x44, false, false},
        {"IPv4 version 5", "pass_ip_header", BASE_IP, 0, 1, 0x55, false, false},
        {"IPv6 version 5", "pass_ip_header", BASE_IP, 0, 1, 0x50, true, false},
        {"TCP over IPv4", "pass_transport", BASE_IP, 9, 1, 6, false, false},
        {"ICMP over IPv4", "pass_transport", BASE_IP, 9, 1, 1, false, false},
        {"TCP over IPv6", "pass_transport", BASE_IP, 6, 1, 6, true, false},
        {"ICMPv6", "pass_transport", BASE_IP, 6, 1, 58, true, false},
        {"hop-by-hop options", "pass_extension", BASE_IP, 6, 1, 0, true, false},
        {"IPv6 routing header", "pass_extension", BASE_IP, 6, 1, 43, true, false},
        {"IPv6 fragment", "pass_extension", BASE_IP, 6, 1, 44, true, false},
        {"IPv6 destination options", "pass_extension", BASE_IP, 6, 1, 60, true, false},
        {"IPv6 authentication header", "pass_extension", BASE_IP, 6, 1, 51, true, false},
        {"first fragment", "pass_fragment", BASE_IP, 6, 2, 0x2000, false, false},
        {"last fragment", "pass_fragment", BASE_IP, 6, 2, 0x0001, false, false},
        {"middle fragment", "pass_fragment", BASE_IP, 6, 2, 0x2010, false, false},
        {"IPv4 length over the frame", "pass_length", BASE_IP, 2, 2, 1400, false, false},
        {"IPv4 length under its header", "pass_length", BASE_IP, 2, 2, 19, false, false},
        {"IPv4 length without UDP", "pass_length", BASE_IP, 2, 2, 20, false, false},
        {"IPv4 length one short", "pass_length", BASE_IP, 2, 2, 61, false, false},
        {"IPv6 length over the frame", "pass_length", BASE_IP, 4, 2, 1400, true, false},
        {"IPv6 length of nothing", "pass_length", BASE_IP, 4, 2, 0, true, false},
        {"UDP length under its header", "pass_length", BASE_UDP, 4, 2, 7, false, false},
        {"UDP length one short", "pass_length", BASE_UDP, 4, 2, 41, false, false},
        {"UDP length one over", "pass_length", BASE_UDP, 4, 2, 43, true, false},
        {"another port", "pass_not_served", BASE_UDP, 2, 2, 5353, false, false},
        {"another address, IPv4", "pass_not_served", BASE_IP, 19, 1, 54, false, false},
        {"broadcast", "pass_not_served", BASE_IP, 16, 2, 0xffff, false, false},
        {"another address, IPv6", "pass_not_served", BASE_IP, 24 + 15, 1, 54, true, false},
        {"IPv6 without a UDP checksum", "pass_transport", BASE_UDP, 6, 2, 0, true, false},
        {"from port 0, IPv4", "pass_not_unicast", BASE_UDP, 0, 2, 0, false, false},
        {"from port 0, IPv6", "pass_not_unicast", BASE_UDP, 0, 2, 0, true, true},
        {"a response", "pass_response", BASE_DNS, 2, 2, 0x8180, false, false},
        {"NOTIFY", "pass_opcode", BASE_DNS, 2, 2, 0x2000, false, false},
        {"UPDATE", "pass_opcode", BASE_DNS, 2, 2, 0x2800, true, false},
        {"opcode 8", "pass_opcode", BASE_DNS, 2, 2, 0x4000, false, false},
        {"no question", "pass_counts", BASE_DNS, 4, 2, 0, false, false},
        {"two questions", "pass_counts", BASE_DNS, 4, 2, 2, false, false},
        {"256 questions", "pass_counts", BASE_DNS, 4, 2, 0x100, false, false},
        {"an answer", "pass_counts", BASE_DNS, 6, 2, 1, false, false},
        {"an authority", "pass_counts", BASE_DNS, 8, 2, 1, true, false},
        {"two additional", "pass_counts", BASE_DNS, 10, 2, 2, false, true},
        {"256 additional", "pass_counts", BASE_DNS, 10, 2, 0x100, false, true},
        {"OPT announced and missing", "pass_edns_malformed", BASE_DNS, 10, 2, 1, false, false},
        {"OPT not announced", "pass_trailing", BASE_DNS, 10, 2, 0, true, true},
        {"a label longer than the message", "pass_owner_miss", BASE_DNS, 12, 1, 63, false, false},
        {"a compression pointer", "pass_owner_miss", BASE_DNS, 12, 1, 0xc0, false, false},
        {"a root label overwritten", "pass_length", BASE_QUESTION_END, 0u - 5, 1, 1, false, false},
        {"a zero inside a label", "pass_trailing", BASE_DNS, 14, 1, 0, false, false},
        {"another name", "pass_owner_miss", BASE_DNS, 13, 1, 'x', false, false},
        {"another type", "pass_owner_miss", BASE_QUESTION_END, 0u - 4, 2, 16, true, false},
        {"type A in the wrong order", "pass_owner_miss", BASE_QUESTION_END, 0u - 4, 2, 0x100, false,
         false},
        {"class CH", "pass_owner_miss", BASE_QUESTION_END, 0u - 2, 2, 3, false, false},
        {"class ANY", "pass_owner_miss", BASE_QUESTION_END, 0u - 2, 2, 255, false, true},
        {"OPT with an owner", "pass_trailing", BASE_QUESTION_END, 0, 1, 1, false, true},
        {"TSIG in place of OPT", "pass_trailing", BASE_QUESTION_END, 1, 2, 250, true, true},
        {"EDNS version 1", "pass_edns_version", BASE_QUESTION_END, 6, 1, 1, false, true},
        {"EDNS version 255", "pass_edns_version", BASE_QUESTION_END, 6, 1, 255, true, true},
        {"options past the message", "pass_edns_malformed", BASE_QUESTION_END, 9, 2, 1, false,
         true},
        {"options far past the message", "pass_edns_malformed", BASE_QUESTION_END, 9, 2, 0xffff,
         true, true},
};

static size_t place(const struct change *change, const struct query_spec *query)
{
	switch (change->base) {
	case BASE_LINK:
		return change->offset;
	case BASE_IP:
		return spec_ip_at(query) + change->offset;
	case BASE_UDP:
		return spec_udp_at(query) + change->offset;
	case BASE_DNS:
		return spec_dns_at(query) + change->offset;
	default:
		return spec_dns_at(query) + 12 + query->name_len + 4 + (size_t)(int)change->offset;
	}
}

static void every_fault_has_its_counter(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *change = &changes[i];
		struct query_spec query = prepare(fixture, change->ipv6);
		struct packet packet;
		size_t at;

		query.opt = change->opt;
		query_build(&query, &packet);
		at = place(change, &query);
		if (change->len == 2)
			packet_set16(&packet, at, change->value);
		else
			packet.octets[at] = (uint8_t)change->value;
		assert_passed(fixture, &packet, change->counter, change->what);
	}
}

static void three_tags_go_up(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);

	query.tags = 3;
	assert_query_passed(fixture, &query, "pass_link", "three tags");
}

/* The shortest frame that a test run takes is 14 octets. */
static void every_cut_frame_goes_up(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int column = 0; column < 4; column++) {
		struct query_spec query = prepare(fixture, column & 1);
		struct packet whole, cut;

		query.tags = column & 2;
		query_spec_ecs(&query, 2, 56, "2001:db8:1:200::");
		query_build(&query, &whole);
		for (size_t len = 14; len < whole.len; len++) {
			cut = whole;
			cut.len = len;
			assert_passed(fixture, &cut,
			              len < spec_ip_at(&query) ? "pass_link" : "pass_length",
			              "frame cut short");
		}
	}
}

/* Lengths agree, but the message is cut: never a hit, never another's octets. */
static void every_cut_message_goes_up(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	struct packet whole, cut;
	struct outcome outcome;
	size_t question_end;

	query_spec_ecs(&query, 1, 24, "192.0.2.0");
	query_build(&query, &whole);
	question_end = spec_dns_at(&query) + 12 + query.name_len + 4;
	for (size_t len = spec_dns_at(&query); len < whole.len; len++) {
		cut = whole;
		cut.len = len;
		query_finish(&query, &cut);
		fixture_run(fixture, &cut, &outcome);
		assert_int_equal(outcome.action, XDP_PASS);
		if (len < spec_dns_at(&query) + 12)
			assert_string_equal(outcome_counter(&outcome), "pass_length");
		else if (len >= question_end)
			assert_string_equal(outcome_counter(&outcome), "pass_edns_malformed");
		else if (len >= question_end - 3)
			assert_true(!strcmp(outcome_counter(&outcome), "pass_length") ||
			            !strcmp(outcome_counter(&outcome), "pass_name"));
		else
			assert_string_equal(outcome_counter(&outcome), "pass_name");
	}
}

static void octets_behind_the_message_go_up(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int extra = 1; extra < 20; extra++) {
		struct query_spec query = prepare(fixture, extra & 1);
		struct packet packet;

		query.opt = extra & 2;
		query_build(&query, &packet);
		for (unsigned int i = 0; i < extra; i++)
			packet_put8(&packet, 0);
		query_finish(&query, &packet);
		assert_passed(fixture, &packet, "pass_trailing", "octets behind the message");
	}
}

static void names_that_do_not_end_go_up(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	uint8_t name[600];
	struct packet packet;

	memset(name, 'a', sizeof(name));
	for (size_t len = 256; len < sizeof(name); len += 13) {
		query.name = name;
		query.name_len = len;
		query_build(&query, &packet);
		assert_passed(fixture, &packet, "pass_name", "no root label");
	}
	/* The root label is the 256th octet: one too many (RFC 1035 2.3.4). */
	name[255] = 0;
	query.name_len = 256;
	query_build(&query, &packet);
	assert_passed(fixture, &packet, "pass_name", "256 octets");
	name[254] = 0; /* labels or not: 255 octets are looked up, and not found */
	query.name_len = 255;
	query_build(&query, &packet);
	assert_passed(fixture, &packet, "pass_owner_miss", "255 octets");
}

/* ---- options ---- */

struct option_case {
	const char *what;
	const char *counter; /* NULL: a hit */
	uint8_t octets[64];
	uint8_t len;
};

static const struct option_case options[] = {
        {"nothing", NULL, {0}, 0},
        {"an empty option", NULL, {0, 99, 0, 0}, 4},
        {"COOKIE of odd length", NULL, {0, 10, 0, 3, 1, 2, 3}, 7},
        {"empty COOKIE", NULL, {0, 10, 0, 0}, 4},
        {"NSID", NULL, {0, 3, 0, 0}, 4},
        {"code 0x0800 is not ECS", NULL, {8, 0, 0, 1, 9}, 5},
        {"half an option", "pass_edns_malformed", {0, 10, 0}, 3},
        {"one octet", "pass_edns_malformed", {0}, 1},
        {"an option past the end", "pass_edns_malformed", {0, 10, 0, 8, 1, 2, 3}, 7},
        {"the second past the end", "pass_edns_malformed", {0, 10, 0, 1, 1, 0, 3, 0, 1}, 9},
        {"ECS /24", NULL, {0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2}, 11},
        {"ECS /1", NULL, {0, 8, 0, 5, 0, 1, 1, 0, 128}, 9},
        {"ECS /32", NULL, {0, 8, 0, 8, 0, 1, 32, 0, 192, 0, 2, 1}, 12},
        {"empty ECS", "pass_ecs_malformed", {0, 8, 0, 0}, 4},
        {"ECS of three octets", "pass_ecs_malformed", {0, 8, 0, 3, 0, 1, 0}, 7},
        {"family 0, SOURCE 0", "pass_ecs_malformed", {0, 8, 0, 4, 0, 0, 0, 0}, 8},
        {"family 3", "pass_ecs_malformed", {0, 8, 0, 4, 0, 3, 0, 0}, 8},
        {"family 256", "pass_ecs_malformed", {0, 8, 0, 4, 1, 0, 0, 0}, 8},
        {"SOURCE 33", "pass_ecs_malformed", {0, 8, 0, 9, 0, 1, 33, 0, 192, 0, 2, 1, 0}, 13},
        {"SOURCE 129", "pass_ecs_malformed", {0, 8, 0, 21, 0, 2, 129, 0, 32}, 25},
        {"SCOPE not 0", "pass_ecs_malformed", {0, 8, 0, 7, 0, 1, 24, 24, 192, 0, 2}, 11},
        {"address too short", "pass_ecs_malformed", {0, 8, 0, 6, 0, 1, 24, 0, 192, 0}, 10},
        {"address too long", "pass_ecs_malformed", {0, 8, 0, 8, 0, 1, 24, 0, 192, 0, 2, 0}, 12},
        {"SOURCE 0 with an address", "pass_ecs_malformed", {0, 8, 0, 5, 0, 1, 0, 0, 0}, 9},
        {"a bit past SOURCE 23", "pass_ecs_malformed", {0, 8, 0, 7, 0, 1, 23, 0, 192, 0, 3}, 11},
        {"a bit past SOURCE 1", "pass_ecs_malformed", {0, 8, 0, 5, 0, 1, 1, 0, 0xc0}, 9},
        {"a bit past SOURCE 127",
         "pass_ecs_malformed",
         {0, 8, 0, 20, 0, 2, 127, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
         24},
        {"a bit past SOURCE 65",
         "pass_ecs_malformed",
         {0, 8, 0, 13, 0, 2, 65, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0x40},
         17},
        {"ECS malformed behind COOKIE",
         "pass_ecs_malformed",
         {0, 10, 0, 1, 1, 0, 8, 0, 4, 0, 1, 0, 9},
         13},
        {"the second ECS malformed", NULL, {0, 8, 0, 5, 0, 1, 1, 0, 128, 0, 8, 0, 1, 7}, 14},
};

static void options_are_judged_to_the_bit(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
			struct query_spec query = prepare(fixture, ipv6);
			struct outcome outcome;

			query.opt = true;
			query.before = options[i].octets;
			query.before_len = options[i].len;
			fixture_ask(fixture, &query, &outcome);
			if (strcmp(outcome_counter(&outcome),
			           options[i].counter ? options[i].counter : "hit"))
				fail_msg("%s: %s", options[i].what, outcome_counter(&outcome));
			assert_int_equal(outcome.action, options[i].counter ? XDP_PASS : XDP_TX);
		}
	}
}

static void many_options_are_walked_and_too_many_go_up(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	uint8_t many[16 * 5];
	struct outcome outcome;

	query.opt = true;
	query.before = many;
	for (unsigned int i = 0; i < 16; i++)
		memcpy(many + (size_t)i * 5, (const uint8_t[]){0xff, 0x01, 0, 1, (uint8_t)i}, 5);
	for (unsigned int count = 1; count <= 12; count++) {
		query.before_len = (size_t)count * 5;
		fixture_ask(fixture, &query, &outcome);
		assert_string_equal(outcome_counter(&outcome), "hit");
	}
	for (unsigned int count = 13; count <= 16; count++) {
		query.before_len = (size_t)count * 5;
		assert_query_passed(fixture, &query, "pass_edns_many", "many options");
	}
}

static void the_daemon_gets_its_options(void **state)
{
	static const uint8_t cookie[] = {0xff, 0, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t nsid[] = {0, 3, 0, 0};
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, true);
	struct outcome outcome;

	query.opt = true;
	query.before = cookie;
	query.before_len = sizeof(cookie);
	fixture->control->flags = AN_CONTROL_PASS_COOKIE;
	assert_query_passed(fixture, &query, "pass_edns_daemon", "COOKIE");
	fixture->control->flags = AN_CONTROL_PASS_NSID;
	fixture_ask(fixture, &query, &outcome);
	assert_string_equal(outcome_counter(&outcome), "hit");
	query.before = nsid;
	query.before_len = sizeof(nsid);
	assert_query_passed(fixture, &query, "pass_edns_daemon", "NSID");
	fixture->control->flags = AN_CONTROL_PASS_ALL;
	query.opt = false;
	query.before_len = 0;
	assert_query_passed(fixture, &query, "pass_mode", "cookies are demanded");
}

/* ---- who is asked ---- */

static void only_served_addresses_are_answered(void **state)
{
	struct fixture *fixture = *state;

	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct query_spec query = prepare(fixture, ipv6);
		struct an_served *entry = NULL;
		struct outcome outcome;

		for (uint32_t i = 0; i < AN_SERVED_SIZE; i++)
			if (fixture->served[i].family == (ipv6 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4))
				entry = &fixture->served[i];
		assert_non_null(entry);
		entry->ifindex = 2;
		assert_query_passed(fixture, &query, "pass_not_served", "another interface");
		entry->ifindex = FIXTURE_IFINDEX;
		entry->family = ipv6 ? AN_FAMILY_IPV4 : AN_FAMILY_IPV6;
		assert_query_passed(fixture, &query, "pass_not_served", "another family");
		memset(fixture->served, 0, sizeof(*entry) * AN_SERVED_SIZE);
		assert_query_passed(fixture, &query, "pass_not_served", "nothing served");
		fixture_serve(fixture, &query);
		fixture_ask(fixture, &query, &outcome);
		assert_string_equal(outcome_counter(&outcome), "hit");
	}
}

/* Where a query comes from, and whether a reply can go there. */
static const struct {
	bool ipv6, can;
	const char *source;
} sources[] = {
        {false, false, "0.0.0.0"},
        {false, false, "0.255.255.255"},
        {false, true, "1.0.0.0"},
        {false, true, "126.255.255.255"},
        {false, false, "127.0.0.1"},
        {false, false, "127.255.255.255"},
        {false, true, "128.0.0.0"},
        {false, true, "223.255.255.255"},
        {false, false, "224.0.0.1"},
        {false, false, "239.255.255.255"},
        {false, false, "240.0.0.1"},
        {false, false, "255.255.255.255"},
        {false, true, "198.51.100.127"},
        {true, false, "::"},
        {true, false, "::1"},
        {true, false, "::ffff:192.0.2.1"},
        {true, true, "0:0:0:1::"},
        {true, true, "64:ff9b::1"},
        {true, true, "fe80::1"},
        {true, true, "feff::1"},
        {true, false, "ff02::1"},
        {true, false, "ffff:ffff::"},
};

static void what_no_reply_can_go_to_goes_up(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct query_spec query = prepare(fixture, sources[i].ipv6);

		assert_int_equal(inet_pton(sources[i].ipv6 ? AF_INET6 : AF_INET, sources[i].source,
		                           query.source),
		                 1);
		/* The option outweighs the source, and does not excuse it. */
		query_spec_ecs(&query, 1, 24, "192.0.2.0");
		fixture_ask(fixture, &query, &outcome);
		if (strcmp(outcome_counter(&outcome), sources[i].can ? "hit" : "pass_not_unicast"))
			fail_msg("%s: %s", sources[i].source, outcome_counter(&outcome));
	}
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct query_spec query = prepare(fixture, ipv6);

		memcpy(query.source, query.destination, sizeof(query.source));
		assert_query_passed(fixture, &query, "pass_not_unicast", "from our own address");
	}
}

/* RFC 768: over IPv4 a datagram may be without; the reply has one. */
static void ipv4_without_a_checksum_is_answered(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	struct packet packet;
	struct outcome outcome;

	query_build(&query, &packet);
	packet_set16(&packet, spec_udp_at(&query) + 6, 0);
	fixture_run(fixture, &packet, &outcome);
	assert_string_equal(outcome_counter(&outcome), "hit");
	assert_null(reference_checksums(&query, &outcome.packet));
}

/* The table is open: entries that want one place stand in the next ones, over its end too. */
static void crowded_places_are_probed(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	unsigned int found = 0;

	for (unsigned int host = 1; host < 5000 && found < 12; host++) {
		struct query_spec other = query;
		struct outcome outcome;
		uint32_t at;

		other.destination[2] = (uint8_t)(host >> 8);
		other.destination[3] = (uint8_t)host;
		at = an_served_index(other.destination, FIXTURE_IFINDEX, __builtin_bswap16(53));
		if (at != AN_SERVED_SIZE - 1)
			continue;
		memset(fixture->served, 0xee, sizeof(*fixture->served) * AN_SERVED_SIZE);
		memset(&fixture->served[(at + found % 4) % AN_SERVED_SIZE], 0,
		       sizeof(*fixture->served));
		fixture_serve(fixture, &other);
		fixture_ask(fixture, &other, &outcome);
		assert_string_equal(outcome_counter(&outcome), "hit");
		found++;
	}
	assert_true(found >= 8);
}

/* The same program and maps, as it is loaded for a large MTU. */
static struct anamed_bpf *load_for_fragments(const struct fixture *fixture)
{
	struct anamed_bpf *loaded = anamed_bpf__open();
	struct bpf_map *map;

	assert_non_null(loaded);
	bpf_object__for_each_map(map, loaded->obj)
	{
		struct bpf_map *same =
		        bpf_object__find_map_by_name(fixture->object->obj, bpf_map__name(map));

		assert_int_equal(bpf_map__reuse_fd(map, bpf_map__fd(same)), 0);
	}
	assert_int_equal(bpf_program__set_flags(loaded->progs.anamed_xdp, BPF_F_XDP_HAS_FRAGS), 0);
	assert_int_equal(anamed_bpf__load(loaded), 0);
	return loaded;
}

/* A test run keeps 3 520 octets of a frame together. */
static void frames_with_fragments_go_up(void **state)
{
	static uint8_t option[3700] = {0xff, 0, (sizeof(option) - 4) >> 8,
	                               (sizeof(option) - 4) & 0xff};
	struct fixture *fixture = *state;
	struct anamed_bpf *plain = fixture->object, *loaded = load_for_fragments(fixture);
	struct outcome outcome;

	fixture->object = loaded;
	for (unsigned int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct query_spec query = prepare(fixture, ipv6);

		query.opt = true;
		fixture_ask(fixture, &query, &outcome);
		assert_string_equal(outcome_counter(&outcome), "hit");
		query.padding = 3800;
		assert_query_passed(fixture, &query, "pass_length", "padding in a fragment");
		query.padding = 0;
		query.before = option;
		query.before_len = sizeof(option);
		assert_query_passed(fixture, &query, "pass_length", "an option in a fragment");
	}
	fixture->object = plain;
	anamed_bpf__destroy(loaded);
}

static void the_control_block_is_obeyed(void **state)
{
	struct fixture *fixture = *state;
	struct query_spec query = prepare(fixture, false);
	struct an_control good = *fixture->control;

	fixture->control->mode = AN_MODE_PASS;
	assert_query_passed(fixture, &query, "pass_mode", "mode");
	*fixture->control = good;
	fixture->control->mode = 77;
	assert_query_passed(fixture, &query, "pass_mode", "unknown mode");
	*fixture->control = good;
	fixture->control->abi = AN_ABI_VERSION + 1;
	assert_query_passed(fixture, &query, "pass_mode", "another ABI");
	*fixture->control = good;
	fixture->control->seed = 0;
	assert_query_passed(fixture, &query, "pass_mode", "not set up");
	*fixture->control = good;
	fixture->control->hz = 0;
	assert_query_passed(fixture, &query, "pass_mode", "no clock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_fault_has_its_counter),
	        cmocka_unit_test(three_tags_go_up),
	        cmocka_unit_test(every_cut_frame_goes_up),
	        cmocka_unit_test(every_cut_message_goes_up),
	        cmocka_unit_test(octets_behind_the_message_go_up),
	        cmocka_unit_test(names_that_do_not_end_go_up),
	        cmocka_unit_test(options_are_judged_to_the_bit),
	        cmocka_unit_test(many_options_are_walked_and_too_many_go_up),
	        cmocka_unit_test(the_daemon_gets_its_options),
	        cmocka_unit_test(only_served_addresses_are_answered),
	        cmocka_unit_test(what_no_reply_can_go_to_goes_up),
	        cmocka_unit_test(ipv4_without_a_checksum_is_answered),
	        cmocka_unit_test(crowded_places_are_probed),
	        cmocka_unit_test(frames_with_fragments_go_up),
	        cmocka_unit_test(the_control_block_is_obeyed),
	};

	return cmocka_run_group_tests_name("kernel: what goes up", tests, fixture_open,
	                                   fixture_close);
}
