/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fill - last good answers for anamed to restore, or zone data for it and its peers.
 *
 *   fill keep DIR ZONEFILE NAMES NETWORKS RECORDS   anamed's own last-good.mdb under DIR
 *   fill zone NAMES RECORDS                         a master file with A records
 *   fill aname NAMES TARGET-APEX                    one with an ALIAS for each name
 *   fill targets NAMES RECORDS TARGET-APEX          what these lead to
 *
 * Records on disk are written by the function that the daemon writes them
 * with (restore_keep), so that a restart restores them as its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/flatten_room.h"
#include "base/clock.h"
#include "data.h"

#define FLUSH_EVERY 100000

static int fail(const char *what, int error)
{
	fprintf(stderr, "fill: %s: %s\n", what, strerror(-error));
	return 1;
}

/* ---- last good answers ---- */

/* Of the zone's wildcard, which every name is answered from. */
static int definition_of(const struct flatten *flatten, const char *path, uint64_t *ret)
{
	uint8_t apex[NAME_MAX_LEN], name[DATA_NAME_MAX];
	int len = name_from_text(DATA_APEX, NULL, 0, apex);
	size_t name_len = data_name(0, name);
	struct error error = {0};
	struct zone *zone;
	struct zone_match match;
	int code;

	code = zone_load_file(apex, (size_t)len, path, AN_TYPE_ANAME, NULL, &zone, &error);
	if (code) {
		fprintf(stderr, "fill: %s\n", error.text);
		return code;
	}
	match = zone_find(zone, name, name_len, AN_TYPE_A);
	if (match.verdict != ZONE_ANSWER || !zone_flattens(zone, match.node))
		code = -ENOENT;
	else
		*ret = members_definition(flatten, zone, match.node);
	zone_free(zone);
	return code;
}

static void put_answer(struct flatten *flatten, struct store_owner *owner, uint32_t number,
                       uint32_t net, uint32_t records)
{
	union {
		struct answer answer;
		uint8_t room[sizeof(struct answer) + DATA_RECORDS_MAX * 4];
	} made = {0};
	struct answer *answer = &made.answer;
	uint64_t now = clock_ms();
	uint8_t address[16] = {0};

	data_network(number, net, address);
	answer->asked = network_of(AN_FAMILY_IPV4, address, DATA_NET_LEN);
	answer->key = (struct an_audience_key){.type = AN_TYPE_A,
	                                       .kind = AN_AUDIENCE_NET,
	                                       .family = AN_FAMILY_IPV4,
	                                       .len = DATA_NET_LEN};
	memcpy(answer->key.prefix, address, 8);
	answer->fetched_ms = now;
	answer->fresh_until_ms = now + DATA_TTL * 1000ull;
	answer->stale_until_ms = now + 3 * DATA_TTL * 1000ull;
	answer->ttl = DATA_TTL;
	answer->wire_scope = DATA_NET_LEN;
	answer->count = (uint16_t)records;
	for (uint32_t i = 0; i < records; i++)
		data_address(number, net, i, answer->octets + (size_t)i * 4);
	restore_keep(flatten, owner, answer);
}

static int put_all(struct flatten *flatten, uint64_t definition, uint32_t names, uint32_t nets,
                   uint32_t records)
{
	union {
		struct store_owner owner;
		uint8_t room[sizeof(struct store_owner) + NAME_MAX_LEN];
	} made = {.owner = {.type = AN_TYPE_A, .definition = definition}};
	uint64_t put = 0;
	int code = 0;

	/* By network, as the file's keys are ordered: its tree grows at one end. */
	for (uint32_t net = 0; net < nets * 256 && !code; net++)
		for (uint32_t number = net % 256; number < names && !code; number += 256) {
			made.owner.name_len = (uint8_t)data_name(number, made.owner.name);
			put_answer(flatten, &made.owner, number, net / 256, records);
			if (++put % FLUSH_EVERY == 0)
				code = keep_flush(flatten->keep);
		}
	return code;
}

static int fill_keep(char **words)
{
	uint32_t names = (uint32_t)atol(words[2]), nets = (uint32_t)atol(words[3]),
	         records = (uint32_t)atol(words[4]);
	struct flatten flatten = {0};
	struct error error = {0};
	struct keep_stats stats;
	uint64_t definition;
	uv_loop_t loop;
	int code;

	if (!records || records > DATA_RECORDS_MAX || nets > DATA_NETS_MAX)
		return fail("records or networks", -EINVAL);
	code = definition_of(&flatten, words[1], &definition);
	if (code)
		return fail(words[1], code);
	uv_loop_init(&loop);
	code = keep_open(&loop, words[0], &flatten.keep, &error);
	if (code)
		return fail(words[0], code);
	code = put_all(&flatten, definition, names, nets, records);
	if (!code)
		code = keep_flush(flatten.keep);
	keep_stats(flatten.keep, &stats);
	keep_close(flatten.keep);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (code || stats.records != (uint64_t)names * nets)
		return fail("records are missing", code ? code : -EIO);
	return 0;
}

/* ---- zone data ---- */

static void print_head(const char *apex)
{
	printf("$ORIGIN %s.\n$TTL %d\n@ SOA ns1 hostmaster 1 7200 900 1209600 60\n@ NS ns1\n"
	       "ns1 A 198.51.100.1\n",
	       apex, DATA_TTL);
}

static void print_addresses(uint32_t names, uint32_t records)
{
	char label[DATA_LABEL_MAX];
	uint8_t address[4];

	for (uint32_t number = 0; number < names; number++) {
		data_label(number, label);
		for (uint32_t i = 0; i < records; i++) {
			data_address(number, 0, i, address);
			printf("%s A %u.%u.%u.%u\n", label, address[0], address[1], address[2],
			       address[3]);
		}
	}
}

static int fill_aname(uint32_t names, const char *target)
{
	char label[DATA_LABEL_MAX];

	print_head(DATA_APEX);
	for (uint32_t number = 0; number < names; number++) {
		data_label(number, label);
		printf("%s ALIAS %s.%s.\n", label, label, target);
	}
	return 0;
}

int main(int count, char **words)
{
	const char *verb = count > 1 ? words[1] : "";

	if (!strcmp(verb, "keep") && count == 7)
		return fill_keep(words + 2);
	if (!strcmp(verb, "zone") && count == 4) {
		print_head(DATA_APEX);
		print_addresses((uint32_t)atol(words[2]), (uint32_t)atol(words[3]));
		return 0;
	}
	if (!strcmp(verb, "aname") && count == 4)
		return fill_aname((uint32_t)atol(words[2]), words[3]);
	if (!strcmp(verb, "targets") && count == 5) {
		print_head(words[4]);
		print_addresses((uint32_t)atol(words[2]), (uint32_t)atol(words[3]));
		return 0;
	}
	fprintf(stderr, "usage: fill keep|zone|aname|targets ...\n");
	return 2;
}
