/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet of any octets, as a secondary's request: no crash, no octet read or
 * written outside, every reply one that can be sent, every stream one that ends.
 *
 * First octet of the input: TCP, the SOA question's way, family of the source (IPv6: an expanded
 * zone), room for little.
 */
#include <stdlib.h>

#include "base/log.h"
#include "control/control.h"
#include "transfer/out.h"
#include "transfer/out_book.h"

static const char *const versions[] = {
        "$TTL 300\n@ SOA ns1 host 7 7200 3600 1209600 60\n@ NS ns1\n@ ANAME cdn.test.\nns1 A "
        "192.0.2.1\n*.w TXT x\n",
        "$TTL 300\n@ SOA ns1 host 8 7200 3600 1209600 60\n@ NS ns1\n@ ANAME cdn.test.\nns1 A "
        "192.0.2.2\nmx MX 5 ns1\n",
};

static struct world world;
static struct config_zone settings;
static struct config_peer peers[2];

static void check(bool good)
{
	if (!good)
		abort();
}

static struct zone *load(const char *text)
{
	static const uint8_t apex[] = {1, 't', 0};
	FILE *in = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	struct zone *zone;

	check(in && !zone_load_stream(apex, sizeof(apex), in, "text", AN_TYPE_ANAME, &settings,
	                              &zone, NULL));
	fclose(in);
	return zone;
}

static struct expand_table *table(void)
{
	static const uint8_t apex[] = {1, 't', 0}, octets[] = {203, 0, 113, 1};
	struct expand_table *one = expand_table_new(1);
	struct expand_set sets[2] = {{.known = true, .count = 1, .ttl = 20, .octets = octets}};

	expand_table_put(one, expand_entry_new(apex, sizeof(apex), sets));
	return one;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct config *config = config_default();
	struct view *view, *before = NULL;
	struct expand_table *addresses = table();
	struct zone *zone = NULL;

	(void)argc, (void)argv;
	rcu_register_thread();
	log_init(LOG_LEVEL_ERROR);
	peers[0].network.family = AN_FAMILY_IPV4;
	peers[1].network.family = AN_FAMILY_IPV6;
	peers[1].mode = TRANSFER_EXPAND;
	settings.secondaries = peers;
	settings.secondaries_count = 2;
	config->keys = calloc(1, sizeof(*config->keys));
	config->keys_count = 1;
	config->keys[0] = (struct config_key){
	        .name = {.name = "\1k", .len = 3}, .algorithm = TSIG_HMAC_SHA256, .secret_len = 16};
	for (size_t i = 0; i < 2; i++) {
		struct step *step = NULL;

		zone_free(zone);
		zone = load(versions[i]);
		view = view_new(zone, NULL, TRANSFER_NATIVE, zone->serial);
		if (before)
			check(!step_between(before, view, SIZE_MAX, &step));
		check(!book_put(view, step, false));
		view_free(before);
		before = view;
	}
	view_free(before);
	view = view_new(zone, addresses, TRANSFER_EXPAND, 9);
	check(!book_put(view, NULL, false));
	view_free(view);
	expand_table_free(addresses);
	world.config = config;
	world.zones = zones_new(&zone, 1);
	return 0;
}

static void check_reply(const uint8_t *packet, size_t packet_len, const uint8_t *reply, size_t len,
                        size_t room, bool tcp)
{
	check(packet_len >= AN_DNS_HEADER_LEN && !(packet[2] & 0x80));
	check(len >= AN_DNS_HEADER_LEN && len <= room && (tcp || len <= 1232));
	check(reply[0] == packet[0] && reply[1] == packet[1] && reply[2] & 0x80);
	check(!((reply[2] ^ packet[2]) & 0x79)); /* opcode and RD */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t reply[65535];
	struct endpoint source = {.family = AN_FAMILY_IPV4, .port = 4711};
	struct transfer_out *stream = NULL;
	size_t len = 0, room = sizeof(reply);
	unsigned int messages = 0;
	uint8_t *exact;
	int next;

	if (!size)
		return 0;
	if (data[0] & 4)
		source.family = AN_FAMILY_IPV6;
	if (data[0] & 8)
		room = 300;
	exact = malloc(size);
	memcpy(exact, data + 1, size - 1);
	exact = realloc(exact, size - 1 ? size - 1 : 1);
	rcu_read_lock();
	if (!(data[0] & 2))
		transfer_out_begin(&world, exact, size - 1, &source, data[0] & 1, reply, room, &len,
		                   &stream);
	else if (!transfer_out_soa(&world, exact, size - 1, &source, data[0] & 1, reply, room,
	                           &len))
		len = 0;
	rcu_read_unlock();
	if (len)
		check_reply(exact, size - 1, reply, len, room, data[0] & 1);
	check(!len || !stream);
	while (stream && (next = transfer_out_next(stream, reply, room)) > 0) {
		check((size_t)next <= room && reply[0] == exact[0]);
		check(++messages < 20);
	}
	transfer_out_free(stream);
	free(exact);
	return 0;
}
