/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet of any octets against a small zone and a store: no crash, no octet
 * read or written outside, and every reply is one that can be sent.
 *
 * First octet of the input: transport, last_try, address family of the source, cookies: on,
 * demanded.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer/respond.h"
#include "base/wire.h"
#include "control/control.h"

#define NOW 1000000

static const char ZONE[] = "$TTL 300\n"
                           "@ SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "@ ANAME cdn.test.\n"
                           "ns1 A 192.0.2.1\n"
                           "ns1 A 192.0.2.2\n"
                           "ns1 AAAA 2001:db8::1\n"
                           "mx MX 1 ns1\n"
                           "mx MX 2 @\n"
                           "*.w A 192.0.2.3\n"
                           "*.x ANAME cdn.test.\n"
                           "c CNAME d\n"
                           "d CNAME @\n"
                           "l CNAME m\n"
                           "m CNAME l\n"
                           "s NS ns.s\n"
                           "ns.s A 192.0.2.4\n"
                           "o DNAME n\n"
                           "r DNAME a.r2\n"
                           "a.r2 DNAME r\n"
                           "a.n CNAME ns1\n";

#define SIG(type) "RRSIG " type " 5 1 300 20300101000000 20200101000000 1 @ AAAA\n"

/* clang-format off */
#define SIGNED \
	"$TTL 300\n" \
	"@ SOA ns host 7 7200 3600 1209600 60\n" \
	"@ " SIG("SOA") \
	"@ NS ns.t.\n" \
	"@ " SIG("NS") \
	"@ DNSKEY 256 3 5 AQ==\n" \
	"@ " SIG("DNSKEY") \
	"*.w A 192.0.2.3\n" \
	"*.w " SIG("A") \
	"o DNAME w\n" \
	"o " SIG("DNAME") \
	"d NS ns.d\n" \
	"d DS 1 5 2 00\n" \
	"d " SIG("DS") \
	"ns.d A 192.0.2.4\n" \
	"s NS ns.t.\n"

/* With NSEC and with NSEC3. */
static const char WITH_NSEC[] =
	SIGNED
	"@ NSEC d NS SOA RRSIG NSEC DNSKEY\n"
	"@ " SIG("NSEC")
	"d NSEC o NS DS RRSIG NSEC\n"
	"d " SIG("NSEC")
	"o NSEC s DNAME RRSIG NSEC\n"
	"o " SIG("NSEC")
	"s NSEC *.w NS RRSIG NSEC\n"
	"s " SIG("NSEC")
	"*.w NSEC @ A RRSIG NSEC\n"
	"*.w " SIG("NSEC");

static const char WITH_NSEC3[] =
	SIGNED
	"@ NSEC3PARAM 1 0 0 -\n"
	"@ " SIG("NSEC3PARAM")
	"6ufab0i8konp2ol5gl2o7ja9h8993liq NSEC3 1 1 0 - amf0qc69gisam6v1lj4epklhreuf7j1p DNAME RRSIG\n"
	"6ufab0i8konp2ol5gl2o7ja9h8993liq " SIG("NSEC3")
	"amf0qc69gisam6v1lj4epklhreuf7j1p NSEC3 1 1 0 - cgko0ji52vtomp0qu2k9l51tc4p0d3i7 NS DS RRSIG\n"
	"amf0qc69gisam6v1lj4epklhreuf7j1p " SIG("NSEC3")
	"cgko0ji52vtomp0qu2k9l51tc4p0d3i7 NSEC3 1 1 0 - l2re2oa26blpc63s8ui2sj3qvkgua8hr \n"
	"cgko0ji52vtomp0qu2k9l51tc4p0d3i7 " SIG("NSEC3")
	"l2re2oa26blpc63s8ui2sj3qvkgua8hr NSEC3 1 1 0 - l3cl5rtotoqi3b2prnal42fu90tplb97 NS SOA RRSIG DNSKEY NSEC3PARAM\n"
	"l2re2oa26blpc63s8ui2sj3qvkgua8hr " SIG("NSEC3")
	"l3cl5rtotoqi3b2prnal42fu90tplb97 NSEC3 1 1 0 - 6ufab0i8konp2ol5gl2o7ja9h8993liq A RRSIG\n"
	"l3cl5rtotoqi3b2prnal42fu90tplb97 " SIG("NSEC3");
/* clang-format on */

static struct world world;
static struct config *config;

static void check(bool good)
{
	if (!good)
		abort();
}

static struct zone *load(char label, const char *text)
{
	const uint8_t apex[] = {1, (uint8_t)label, 0};
	char path[] = "/tmp/anamed-fuzz-XXXXXX";
	struct error error = {0};
	struct zone *zone;
	int fd = mkstemp(path);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	check(!zone_load_file(apex, sizeof(apex), path, AN_TYPE_ANAME, NULL, &zone, &error));
	unlink(path);
	return zone;
}

static void store(const char *network, uint8_t len, uint8_t count, uint64_t fresh_until_ms)
{
	static const uint8_t owner[] = {1, 't', 0};
	static const uint8_t octets[8] = {203, 0, 113, 1, 203, 0, 113, 2};
	struct store_owner *entry =
	        store_owner_get(world.store, owner, sizeof(owner), AN_TYPE_A, NOW);
	struct answer model = {
	        .key = {.kind = AN_AUDIENCE_NET, .type = AN_TYPE_A, .uid = entry->uid, .len = len},
	        .count = count,
	        .negative = !count,
	        .wire_scope = len,
	        .ttl = 60,
	        .fetched_ms = NOW,
	        .fresh_until_ms = fresh_until_ms,
	        .stale_until_ms = NOW + 1000000,
	};
	struct answer *old;

	if (len) {
		model.key.family = AN_FAMILY_IPV4;
		memcpy(model.key.prefix, network, 4);
	}
	check(store_put(world.store, entry, &model, octets, &old, NOW) != NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct zone *zones[] = {load('t', ZONE), load('u', WITH_NSEC), load('v', WITH_NSEC3)};

	(void)argc, (void)argv;
	rcu_register_thread();
	config = config_default();
	check(config != NULL);
	config->nsid = strdup("edge");
	config->server_id = strdup("edge");
	world.config = config;
	check(zones[1]->security == ZONE_PRESIGNED_NSEC &&
	      zones[2]->security == ZONE_PRESIGNED_NSEC3);
	world.zones = zones_new(zones, 3);
	world.store = store_new(100, 10);
	world.seed = 1;
	store(NULL, 0, 2, NOW + 30000);
	store("\xc0\x00\x02", 24, 2, NOW + 30000);
	store("\xc6\x33\x64", 24, 2, NOW - 1);
	store("\xcb\x00\x71", 24, 0, NOW + 30000);
	return 0;
}

/* What must hold of every reply, whatever the query was. */
static void check_reply(const struct respond_input *input, const uint8_t *reply,
                        const struct respond_result *result, size_t size)
{
	check(result->len >= AN_DNS_HEADER_LEN && result->len <= size);
	check(input->tcp || result->len <= 1232);
	check(!memcmp(reply, input->packet, 2)); /* id */
	check(reply[2] & 0x80);
	check(!((reply[2] ^ input->packet[2]) & 0x79)); /* opcode and RD */
	check(!(reply[3] & 0xf0));
	check(!reply[4] && reply[5] <= 1);
	if (reply[5])
		check(result->len >= 17 && !memcmp(reply + 12, input->packet + 12, 5));
}

static void check_verdict(const struct respond_input *input, const uint8_t *reply,
                          const struct respond_result *result, size_t size)
{
	uint8_t opcode = input->len > 2 ? input->packet[2] >> 3 & 15 : 0;

	switch (result->verdict) {
	case RESPOND_SEND:
		check_reply(input, reply, result, size);
		return;
	case RESPOND_NOTIFY:
		check(input->len >= 12 && opcode == 4);
		return;
	case RESPOND_TRANSFER:
		check(input->len >= 17 && opcode == 0);
		return;
	case RESPOND_DROP: /* only what is no query at all goes without a reply */
		check(input->len < 12 || input->packet[2] & 0x80);
		return;
	case RESPOND_WAIT: /* not at the last try */
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t reply[65535];
	struct respond_input input = {.now_ms = NOW, .len = size - 1, .source = {.port = 53}};
	struct respond_result result;
	size_t room;

	if (!size)
		return 0;
	input.packet = data + 1;
	input.tcp = data[0] & 1;
	input.last_try = data[0] & 2;
	input.source.family = data[0] & 4 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
	memcpy(input.source.address, data[0] & 8 ? "\xc6\x33\x64\x01" : "\x20\x01\x0d\xb8", 4);
	config->cookies = data[0] & 0x10;
	config->cookie_required = data[0] & 0x20;
	input.idle_ms = 10000;
	room = input.tcp ? sizeof(reply) : 1232;
	rcu_read_lock();
	respond(&world, &input, reply, room, &result);
	if (result.verdict == RESPOND_WAIT) {
		check(!input.last_try && result.want.owner_len);
		input.last_try = true;
		respond(&world, &input, reply, room, &result);
	}
	rcu_read_unlock();
	check_verdict(&input, reply, &result, room);
	return 0;
}
