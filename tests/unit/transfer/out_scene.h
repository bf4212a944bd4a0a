/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_scene - zones, peers and transfers for the tests of what goes to secondaries.
 *
 * Messages are taken apart by ldns, which knows nothing of our writer, and
 * become lines of text; requests stand in heap blocks of their exact size.
 */
#ifndef ANAMED_TESTS_OUT_SCENE_H
#define ANAMED_TESTS_OUT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "base/clock.h"
#include "base/wire.h"
#include "control/control.h"
#include "transfer/out.h"
#include "transfer/out_book.h"

#define OUT_LINES 4096
#define OUT_PEERS 8

struct out_scene {
	struct config *config;
	struct config_zone settings;
	struct config_peer peers[OUT_PEERS];
	struct world world;
};

static inline struct zone *out_zone(const char *apex, const char *text,
                                    const struct config_zone *settings)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(apex, NULL, 0, name);
	FILE *in = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	struct error error = {0};
	struct zone *zone = NULL;
	char words[900];

	assert_true(len > 0);
	assert_non_null(in);
	if (zone_load_stream(name, (size_t)len, in, "text", AN_TYPE_ANAME, settings, &zone, &error))
		fail_msg("%s", error_text(&error, words, sizeof(words)));
	fclose(in);
	return zone;
}

static inline void out_key(struct config_key *key, const char *name)
{
	memset(key, 0, sizeof(*key));
	key->name.len = (uint8_t)name_from_text(name, NULL, 0, key->name.name);
	key->algorithm = TSIG_HMAC_SHA256;
	key->secret_len = 32;
	memset(key->secret, name[0], 32);
}

static inline struct config_peer *out_peer(struct out_scene *scene, const char *network,
                                           const struct config_key *key, enum transfer_mode mode)
{
	struct config_peer *peer = &scene->peers[scene->settings.secondaries_count++];

	assert_int_equal(network_parse(network, &peer->network), 0);
	peer->key = key;
	peer->mode = mode;
	return peer;
}

/* One zone, example.test, and no peer yet; text NULL: none. */
static inline void out_open(struct out_scene *scene, const char *text)
{
	struct zone *zone = NULL;

	memset(scene, 0, sizeof(*scene));
	scene->config = config_default();
	assert_non_null(scene->config);
	scene->config->keys = calloc(2, sizeof(struct config_key));
	scene->config->keys_count = 2;
	out_key(&scene->config->keys[0], "one.key");
	out_key(&scene->config->keys[1], "two.key");
	scene->settings.secondaries = scene->peers;
	if (text)
		zone = out_zone("example.test", text, &scene->settings);
	scene->world.config = scene->config;
	scene->world.zones = zones_new(&zone, zone ? 1 : 0);
	scene->world.store = store_new(1000, 100);
}

/* Another snapshot, as a reload makes it. */
static inline void out_reload(struct out_scene *scene, const char *text)
{
	struct zone *zone = out_zone("example.test", text, &scene->settings);

	zones_free(scene->world.zones);
	scene->world.zones = zones_new(&zone, 1);
}

static inline void out_close(struct out_scene *scene)
{
	book_clear();
	zones_free(scene->world.zones);
	store_free(scene->world.store);
	config_free(scene->config);
}

/* ---- requests ---- */

struct out_ask {
	const char *name; /* NULL: example.test */
	uint16_t type;
	uint32_t serial; /* IXFR */
	bool udp, edns;
	uint16_t payload;             /* 0: 1232 */
	const char *source;           /* NULL: 192.0.2.7 */
	const struct config_key *key; /* signs */
	int64_t clock_off_s;
	bool spoil_mac;
	size_t room; /* of the messages; 0: 65535 */
};

static inline void out_put_version(struct wire *w, uint32_t serial)
{
	wire_put16(w, 0xc00c);
	wire_put16(w, AN_TYPE_SOA);
	wire_put16(w, AN_CLASS_IN);
	wire_put32(w, 0);
	wire_put16(w, 24);
	wire_put16(w, 0xc00c);
	wire_put16(w, 0xc00c);
	wire_put32(w, serial);
	for (int i = 0; i < 4; i++)
		wire_put32(w, 0);
}

static inline size_t out_request(const struct out_ask *ask, uint8_t *out, struct tsig *tsig)
{
	struct wire w = wire_writer(out, 1024);
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(ask->name ? ask->name : "example.test", NULL, 0, name);
	size_t size;

	wire_put16(&w, 0x4321);
	wire_put16(&w, 0);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put16(&w, ask->type == AN_TYPE_IXFR ? 1 : 0);
	wire_put16(&w, ask->edns ? 1 : 0);
	wire_put(&w, name, (size_t)len);
	wire_put16(&w, ask->type);
	wire_put16(&w, AN_CLASS_IN);
	if (ask->type == AN_TYPE_IXFR)
		out_put_version(&w, ask->serial);
	if (ask->edns) {
		wire_put8(&w, 0);
		wire_put16(&w, AN_TYPE_OPT);
		wire_put16(&w, ask->payload ? ask->payload : 1232);
		wire_put32(&w, 0);
		wire_put16(&w, 0);
	}
	size = w.at;
	tsig_begin(tsig, ask->key);
	if (ask->key)
		assert_int_equal(tsig_sign(tsig, out, &size, 1024,
		                           (uint64_t)(clock_unix_ms() / 1000 + ask->clock_off_s)),
		                 0);
	if (ask->spoil_mac)
		out[size - 12] ^= 1;
	return size;
}

/* ---- what comes back ---- */

struct out_got {
	unsigned int rcode, messages, records;
	int ede; /* -1: none */
	bool aa, opt, streamed, tsig;
	unsigned int tsig_error;
	size_t largest; /* octets of a message */
	char *lines[OUT_LINES];
};

static inline void out_got_free(struct out_got *got)
{
	for (unsigned int i = 0; i < got->records; i++)
		free(got->lines[i]);
	memset(got, 0, sizeof(*got));
}

static inline void out_take_opt(struct out_got *got, const ldns_pkt *pkt)
{
	const ldns_rdf *data = ldns_pkt_edns_data(pkt);
	struct wire w;

	got->opt = true;
	got->rcode |= (unsigned int)ldns_pkt_edns_extended_rcode(pkt) << 4;
	if (!data)
		return;
	w = wire_reader(ldns_rdf_data(data), ldns_rdf_size(data));
	while (w.at < w.size) {
		unsigned int code = wire_get16(&w), len = wire_get16(&w);
		const uint8_t *p = wire_take(&w, len);

		assert_non_null(p);
		if (code == AN_EDNS_EDE)
			got->ede = p[0] << 8 | p[1];
	}
}

static inline char *out_line(const ldns_rr *rr)
{
	char *text = ldns_rr2str(rr);

	text[strlen(text) - 1] = 0;
	for (char *p = text; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return text;
}

static inline void out_take(struct out_got *got, const uint8_t *message, size_t len)
{
	ldns_pkt *pkt = NULL;
	const ldns_rr_list *answers;

	if (ldns_wire2pkt(&pkt, message, len) != LDNS_STATUS_OK)
		fail_msg("ldns cannot read message %u of %zu octets", got->messages, len);
	assert_int_equal(ldns_pkt_id(pkt), 0x4321);
	assert_true(ldns_pkt_qr(pkt));
	got->rcode = ldns_pkt_get_rcode(pkt);
	got->aa = ldns_pkt_aa(pkt);
	if (ldns_pkt_edns(pkt))
		out_take_opt(got, pkt);
	got->tsig = ldns_pkt_tsig(pkt) != NULL;
	if (got->tsig)
		got->tsig_error = ldns_rdf2native_int16(ldns_rr_rdf(ldns_pkt_tsig(pkt), 5));
	answers = ldns_pkt_answer(pkt);
	for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
		assert_true(got->records < OUT_LINES);
		got->lines[got->records++] = out_line(ldns_rr_list_rr(answers, i));
	}
	got->messages++;
	if (len > got->largest)
		got->largest = len;
	ldns_pkt_free(pkt);
}

/* All messages of a stream, each one's signature verified where the request had one. */
static inline void out_drain(struct transfer_out *stream, struct tsig *tsig, size_t room,
                             struct out_got *got)
{
	uint8_t *message = malloc(room);
	size_t bare;
	int len;

	got->streamed = true;
	while ((len = transfer_out_next(stream, message, room)) > 0) {
		uint8_t *exact = malloc((size_t)len);

		memcpy(exact, message, (size_t)len);
		if (tsig->key)
			assert_int_equal(tsig_verify_reply(tsig, exact, (size_t)len,
			                                   (uint64_t)(clock_unix_ms() / 1000), true,
			                                   &bare),
			                 0);
		out_take(got, exact, (size_t)len);
		free(exact);
	}
	assert_int_equal(len, 0);
	assert_int_equal(transfer_out_next(stream, message, room), 0);
	free(message);
}

static inline struct transfer_out *out_start(struct out_scene *scene, const struct out_ask *ask,
                                             struct tsig *tsig, uint8_t *reply, size_t *ret_len)
{
	uint8_t packet[1024], *exact;
	size_t len = out_request(ask, packet, tsig);
	struct transfer_out *stream = NULL;
	struct endpoint source;

	exact = malloc(len);
	memcpy(exact, packet, len);
	assert_int_equal(endpoint_parse(ask->source ? ask->source : "192.0.2.7", 4711, &source), 0);
	rcu_read_lock();
	transfer_out_begin(&scene->world, exact, len, &source, !ask->udp, reply, 65535, ret_len,
	                   &stream);
	rcu_read_unlock();
	free(exact);
	return stream;
}

static inline void out_ask(struct out_scene *scene, const struct out_ask *ask, struct out_got *got)
{
	static uint8_t reply[65535];
	struct transfer_out *stream;
	struct tsig tsig;
	size_t len;

	memset(got, 0, sizeof(*got));
	got->ede = -1;
	stream = out_start(scene, ask, &tsig, reply, &len);
	if (stream)
		out_drain(stream, &tsig, ask->room ? ask->room : 65535, got);
	else if (len)
		out_take(got, reply, len);
	transfer_out_free(stream);
	tsig_done(&tsig);
}

/* How often a line occurs. */
static inline unsigned int out_has(const struct out_got *got, const char *line)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < got->records; i++)
		count += !strcmp(got->lines[i], line);
	return count;
}

#define OUT_HEAD                                                                                   \
	"$TTL 300\n"                                                                               \
	"@ SOA ns hostmaster 7 2 3 4 60\n"                                                         \
	"@ NS ns\n"                                                                                \
	"ns A 192.0.2.53\n"

#endif
