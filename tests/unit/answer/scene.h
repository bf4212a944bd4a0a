/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scene - zones, a store and a client for the tests of the answer room.
 *
 * Replies are taken apart by ldns, which knows nothing of our writer, and
 * come back as text: one line a record, so a test says what it expects in
 * words. Packets stand in heap blocks of their exact size.
 */
#ifndef ANAMED_TESTS_SCENE_H
#define ANAMED_TESTS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "answer/respond.h"
#include "base/wire.h"
#include "control/control.h"

#define SCENE_ZONES 4
#define SCENE_TEXT  65536
#define SCENE_NOW   1000000
#define SCENE_SEED  0x5eedULL

struct scene {
	struct config *config;
	struct config_zone settings[SCENE_ZONES];
	struct world world;
};

/* A query to be made. Zero is: no EDNS, from 198.51.100.7 port 4711, id 0x1234, over UDP. */
struct ask {
	const char *name;
	uint16_t type, class; /* class 0: IN */
	uint16_t id;
	uint16_t flags;
	bool edns, dnssec_ok, tcp, last_try;
	uint16_t payload;
	const char *ecs; /* prefix, "none" for SOURCE 0 */
	bool nsid;
	const char *options; /* more of them, in hex */
	const char *source;
};

static inline struct zone *scene_zone(const char *apex, const char *text,
                                      const struct config_zone *settings)
{
	char path[] = "/tmp/anamed-scene-XXXXXX";
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(apex, NULL, 0, name), fd = mkstemp(path);
	struct error error = {0};
	struct zone *zone = NULL;
	char line[1024];

	assert_true(fd >= 0 && len > 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (zone_load_file(name, (size_t)len, path, AN_TYPE_ANAME, settings, &zone, &error))
		fail_msg("%s", error_text(&error, line, sizeof(line)));
	unlink(path);
	return zone;
}

/* Pairs of apex and text, ended by NULL. */
static inline void scene_open(struct scene *scene, const char *const *texts)
{
	struct zone *zones[SCENE_ZONES];
	size_t count = 0;

	for (; texts[2 * count]; count++) {
		scene->settings[count].budget_per_s = 100;
		zones[count] =
		        scene_zone(texts[2 * count], texts[2 * count + 1], &scene->settings[count]);
	}
	scene->config = config_default();
	assert_non_null(scene->config);
	scene->world.config = scene->config;
	scene->world.zones = zones_new(zones, count);
	scene->world.store = store_new(1000, 100);
	scene->world.seed = SCENE_SEED;
}

static inline void scene_close(struct scene *scene)
{
	zones_free(scene->world.zones);
	store_free(scene->world.store);
	config_free(scene->config);
}

/* An answer in the store: addresses separated by spaces ("" = NODATA), for a network or everyone
 * (NULL), with so many seconds left (less than 0: expired). */
static inline struct answer *scene_store(struct scene *scene, const char *owner, uint16_t type,
                                         const char *network, uint8_t scope, const char *addresses,
                                         int seconds)
{
	uint8_t name[NAME_MAX_LEN], octets[64 * 16], stride = type == AN_TYPE_A ? 4 : 16;
	int len = name_from_text(owner, NULL, 0, name);
	struct answer model = {.wire_scope = scope, .ttl = 20, .key.kind = AN_AUDIENCE_NET};
	char copy[1024], *rest = copy, *word;
	struct store_owner *entry;
	struct network net;

	snprintf(copy, sizeof(copy), "%s", addresses);
	while ((word = strsep(&rest, " ")) && *word) {
		assert_int_equal(network_parse(word, &net), 0);
		memcpy(octets + stride * model.count++, net.address, stride);
	}
	if (network) {
		assert_int_equal(network_parse(network, &net), 0);
		model.key.family = net.family;
		model.key.len = net.len;
		memcpy(model.key.prefix, net.address, 8);
	}
	model.negative = !model.count;
	model.fetched_ms = SCENE_NOW - 1000;
	model.fresh_until_ms = (uint64_t)(SCENE_NOW + seconds * 1000);
	model.stale_until_ms = SCENE_NOW + 86400000;
	entry = store_owner_get(scene->world.store, name, (size_t)len, type, SCENE_NOW);
	assert_non_null(entry);
	model.key.uid = entry->uid;
	model.key.type = type;
	return store_put(scene->world.store, entry, &model, octets, &(struct answer *){NULL},
	                 SCENE_NOW);
}

static inline void scene_put_ecs(struct wire *w, const char *ecs)
{
	struct network net = {.family = AN_FAMILY_IPV4};

	if (strcmp(ecs, "none") != 0)
		assert_int_equal(network_parse(ecs, &net), 0);
	wire_put16(w, AN_EDNS_ECS);
	wire_put16(w, 4u + (net.len + 7u) / 8);
	wire_put16(w, net.family);
	wire_put8(w, net.len);
	wire_put8(w, 0);
	wire_put(w, net.address, (net.len + 7u) / 8);
}

/* Writes the query; its length. The name keeps its case. */
static inline size_t scene_query(const struct ask *ask, uint8_t out[512])
{
	struct wire w = wire_writer(out, 512);
	bool edns = ask->edns || ask->ecs || ask->nsid || ask->dnssec_ok || ask->payload ||
	            ask->options;
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(ask->name, NULL, 0, name);
	size_t rdata_at;

	assert_true(len > 0);
	wire_put16(&w, ask->id ? ask->id : 0x1234);
	wire_put16(&w, ask->flags);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put16(&w, 0);
	wire_put16(&w, edns ? 1 : 0);
	wire_put(&w, name, (size_t)len);
	wire_put16(&w, ask->type);
	wire_put16(&w, ask->class ? ask->class : AN_CLASS_IN);
	if (edns) {
		wire_put8(&w, 0);
		wire_put16(&w, AN_TYPE_OPT);
		wire_put16(&w, ask->payload ? ask->payload : 1232);
		wire_put32(&w, ask->dnssec_ok ? AN_EDNS_DO : 0);
		rdata_at = w.at + 2;
		wire_put16(&w, 0);
		if (ask->ecs)
			scene_put_ecs(&w, ask->ecs);
		if (ask->nsid)
			wire_put32(&w, AN_EDNS_NSID << 16);
		for (const char *p = ask->options; p && *p; p += 2) {
			unsigned int octet;

			assert_int_equal(sscanf(p, "%2x", &octet), 1);
			wire_put8(&w, octet);
		}
		wire_set16(&w, rdata_at - 2, (unsigned int)(w.at - rdata_at));
	}
	assert_false(w.failed);
	return w.at;
}

/* Puts a packet to respond(); the reply in `out`. */
static inline struct respond_result scene_send(struct scene *scene, const struct ask *ask,
                                               const uint8_t *packet, size_t len, uint8_t *out,
                                               size_t size)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct respond_input input = {.packet = exact,
	                              .len = len,
	                              .tcp = ask->tcp,
	                              .idle_ms = 10000,
	                              .last_try = ask->last_try,
	                              .now_ms = SCENE_NOW};
	struct respond_result result;

	assert_non_null(exact);
	memcpy(exact, packet, len);
	assert_int_equal(
	        endpoint_parse(ask->source ? ask->source : "198.51.100.7", 4711, &input.source), 0);
	rcu_read_lock();
	respond(&scene->world, &input, out, size, &result);
	rcu_read_unlock();
	free(exact);
	return result;
}

static inline void scene_text_section(char **at, const char *title, const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(list, i));
		char *class = strstr(text, "\tIN\t");

		if (class)
			memmove(class, class + 3, strlen(class + 3) + 1);
		for (char *p = text; *p; p++)
			if (*p == '\t')
				*p = ' ';
		*at += sprintf(*at, "%s %s", title, text);
		free(text);
	}
}

/* "opt 1232 do ecs 192.0.2.0/24/24 nsid xyz ede 3" */
static inline void scene_text_opt(char **at, const ldns_pkt *pkt)
{
	const ldns_rdf *data = ldns_pkt_edns_data(pkt);
	struct wire w = wire_reader(data ? ldns_rdf_data(data) : (uint8_t *)"",
	                            data ? ldns_rdf_size(data) : 0);

	*at += sprintf(*at, "opt %u%s", ldns_pkt_edns_udp_size(pkt),
	               ldns_pkt_edns_do(pkt) ? " do" : "");
	while (w.at < w.size) {
		unsigned int code = wire_get16(&w), len = wire_get16(&w);
		const uint8_t *p = wire_take(&w, len);

		assert_non_null(p);
		if (code == AN_EDNS_ECS) {
			uint8_t address[16] = {0};
			char text[NET_TEXT_MAX];

			memcpy(address, p + 4, len - 4);
			*at += sprintf(*at, " ecs %s/%u/%u", net_address_text(p[1], address, text),
			               p[2], p[3]);
		} else if (code == AN_EDNS_NSID) {
			*at += sprintf(*at, " nsid %.*s", (int)len, (const char *)p);
		} else if (code == AN_EDNS_EDE) {
			*at += sprintf(*at, " ede %u%s%.*s", p[0] << 8 | p[1], len > 2 ? " " : "",
			               (int)len - 2, (const char *)p + 2);
		} else {
			*at += sprintf(*at, " option %u ", code);
			for (unsigned int i = 0; i < len; i++)
				*at += sprintf(*at, "%02x", p[i]);
		}
	}
	*at += sprintf(*at, "\n");
}

/* "NOERROR aa rd\nan ...\nns ...\nar ...\nopt ...\n" */
static inline const char *scene_text(const uint8_t *reply, size_t len)
{
	static char text[SCENE_TEXT];
	char *at = text;
	ldns_pkt *pkt = NULL;
	unsigned int rcode;

	if (ldns_wire2pkt(&pkt, reply, len) != LDNS_STATUS_OK)
		fail_msg("ldns cannot read the reply");
	rcode = ldns_pkt_get_rcode(pkt) | (unsigned int)ldns_pkt_edns_extended_rcode(pkt) << 4;
	if (rcode < 16) {
		char *name = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));

		at += sprintf(at, "%s", name);
		free(name);
	} else {
		at += sprintf(at, "RCODE%u", rcode);
	}
	at += sprintf(at, "%s%s%s%s\n", ldns_pkt_aa(pkt) ? " aa" : "",
	              ldns_pkt_tc(pkt) ? " tc" : "", ldns_pkt_rd(pkt) ? " rd" : "",
	              ldns_pkt_ra(pkt) || ldns_pkt_ad(pkt) || ldns_pkt_cd(pkt) ? " ?" : "");
	assert_true(ldns_pkt_qr(pkt));
	scene_text_section(&at, "an", ldns_pkt_answer(pkt));
	scene_text_section(&at, "ns", ldns_pkt_authority(pkt));
	scene_text_section(&at, "ar", ldns_pkt_additional(pkt));
	if (ldns_pkt_edns(pkt))
		scene_text_opt(&at, pkt);
	ldns_pkt_free(pkt);
	assert_true(at < text + sizeof(text));
	return text;
}

/* The whole way: "WAIT owner type network", "DROP", or the reply. */
static inline const char *scene_ask(struct scene *scene, const struct ask *ask)
{
	static uint8_t reply[65535];
	static char text[2048];
	uint8_t packet[512];
	size_t len = scene_query(ask, packet);
	struct respond_result result =
	        scene_send(scene, ask, packet, len, reply, ask->tcp ? sizeof(reply) : 1232);
	char name[NAME_TEXT_MAX], network[NET_TEXT_MAX];

	switch (result.verdict) {
	case RESPOND_DROP:
		return "DROP";
	case RESPOND_TRANSFER:
		return "TRANSFER";
	case RESPOND_NOTIFY:
		return "NOTIFY";
	case RESPOND_WAIT:
		snprintf(text, sizeof(text), "WAIT %s %u %s", name_to_text(result.want.owner, name),
		         result.want.type, network_text(&result.want.client, network));
		return text;
	case RESPOND_SEND:
		break;
	}
	/* The question comes back octet for octet. */
	assert_memory_equal(reply + 12, packet + 12, name_len(packet + 12) + 4);
	return scene_text(reply, result.len);
}

/* Of a group of tests: its thread reads zones and store. */
static inline int scene_begin(void **state)
{
	(void)state;
	rcu_register_thread();
	return 0;
}

static inline int scene_end(void **state)
{
	(void)state;
	rcu_unregister_thread();
	return 0;
}

#endif
