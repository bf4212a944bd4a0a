/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_cost - what it costs the program to find out where a client is.
 *
 *   geo_cost PINS NAMES RUNS ROUNDS CONFIG
 *
 * Loads the program under PINS, publishes four sets of names with two addresses
 * each: NAMES with one answer for everyone; NAMES with seven for networks that
 * hold all clients; NAMES with one for each region of the first policy of
 * CONFIG; seven times NAMES with one for everyone. Queries have client subnets
 * from all over the address space. Timed as cost.c does it, the four in turn;
 * a line of JSON has the tenth percentile of each. An error is on the safe side:
 * what others do on the machine makes rounds slower, never faster.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "bench.skel.h"
#include "control/control.h"
#include "kernel/publish.h"
#include "memory.h"
#include "query.h"
#include "steer/geo.h"

#define QUERIES  65536
#define NETWORKS 7 /* of the second kind; /4 each, so that they hold every client */
#define LO       1

enum {
	EVERYONE,
	BY_NETWORK,
	BY_REGION,
	AS_MANY, /* answers as of either of these, all for everyone */
	KINDS
};

struct kind {
	const char *name;
	struct bench_bpf *object;
};

struct stand {
	struct kernel_maps *maps;
	struct publish *publish;
	struct geo *geo;
	uint32_t names, zone, generation;
	int program;
};

static int fail(const char *what, const struct error *error)
{
	fprintf(stderr, "geo_cost: %s: %s\n", what,
	        error && error->text[0] ? error->text : strerror(errno));
	return 1;
}

/* ---- what is published ---- */

static void make_image(uint32_t number, uint32_t net, struct an_answer_slot *ret)
{
	static const uint8_t record[12] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4};

	memset(ret, 0, AN_SLOT_SMALL_SIZE);
	ret->head.kind = AN_SLOT_ANSWER;
	ret->head.used = AN_ANSWER_DATA_AT + 32;
	ret->answer.ttl = DATA_TTL;
	ret->answer.stale_ttl = 30;
	ret->answer.flags = AN_FLAG_AA;
	ret->answer.counts[0] = ret->answer.count = 2;
	ret->answer.stride = 16;
	for (uint32_t i = 0; i < 2; i++) {
		memcpy(ret->data + 16 * i, record, sizeof(record));
		data_address(number, net, i, ret->data + 16 * i + 12);
	}
}

static int put(const struct stand *stand, uint64_t uid, uint32_t number, uint32_t net,
               const struct an_audience_key *key)
{
	uint64_t room[AN_SLOT_SMALL_SIZE / 8];
	struct an_answer_slot *image = (struct an_answer_slot *)(void *)room;
	uint32_t slot;

	make_image(number, net, image);
	return publish_answer(stand->publish, uid, key, key->prefix, key->len, image,
	                      CLOCK_MS_NEVER, CLOCK_MS_NEVER, true, &slot);
}

static int put_name(const struct stand *stand, uint32_t number)
{
	uint32_t kind = number / stand->names, region = 1;
	struct an_audience_key key = {.kind = AN_AUDIENCE_NET};
	uint8_t name[DATA_NAME_MAX];
	size_t len = data_name(number, name);
	uint64_t uid;
	int err = publish_owner(stand->publish, name, len, AN_TYPE_A, stand->zone,
	                        stand->generation, kind == BY_REGION, &uid);

	if (kind == EVERYONE || kind >= AS_MANY)
		return err ? err : put(stand, uid, number, 0, &key);
	for (uint32_t net = 0; kind == BY_NETWORK && net < NETWORKS && !err; net++) {
		key.family = AN_FAMILY_IPV4;
		key.len = 4;
		key.prefix[0] = (uint8_t)(net << 4);
		err = put(stand, uid, number, net, &key);
	}
	for (; kind == BY_REGION && geo_region_name(stand->geo, 0, region) && !err; region++) {
		key.region = region;
		err = put(stand, uid, number, region, &key);
	}
	return err;
}

static int put_names(struct stand *stand)
{
	static const uint8_t apex[] = "\5bench\7example";
	int err = publish_zone(stand->publish, apex, sizeof(apex), 1, 0, CLOCK_MS_NEVER,
	                       &stand->zone, &stand->generation);

	for (uint32_t i = 0; i < (AS_MANY + NETWORKS) * stand->names && !err; i++)
		err = put_name(stand, i);
	errno = -err;
	return err;
}

static int open_stand(struct stand *stand, const char *pins, const char *path)
{
	struct config *config = NULL;
	struct error error = {0};
	struct geo_size size;

	if (config_load(path, &config, &error) || geo_new(config, NULL, &stand->geo, &error))
		return fail("configuration", &error);
	size = geo_size(stand->geo);
	free(config->pin_dir);
	config->pin_dir = strdup(pins);
	config->owners_max = (AS_MANY + NETWORKS) * stand->names + 1024;
	config->audiences_max = config->slots_max = 40 * stand->names + 4096;
	config->geo_lines_max = size.lines;
	config->geo_locations_max = size.locations;
	if (kernel_load(config, &error) || kernel_open(pins, &stand->maps, &error) ||
	    publish_new(stand->maps, config, &stand->publish, &error))
		return fail("maps", &error);
	config_free(config);
	if (publish_geo_write(stand->publish, stand->geo))
		return fail("places", NULL);
	publish_geo_hold(stand->publish, true, geo_numbering(stand->geo));
	return put_names(stand) ? fail("names", NULL) : 0;
}

/* ---- queries ---- */

/* The client's /24 in the frame, for another from anywhere but special-use networks. */
static void move_client(struct bench_query *frame, uint32_t number)
{
	static const uint8_t option[8] = {0, 8, 0, 7, 0, 1, 24, 0};
	uint8_t *at = memmem(frame->frame, frame->len, option, sizeof(option));
	uint64_t drawn = data_mix(number + 77);

	if (!at)
		return;
	at[8] = (uint8_t)(drawn % 89 + 11); /* 11 to 99 */
	at[9] = (uint8_t)(drawn >> 32);
	at[10] = (uint8_t)(drawn >> 40);
}

static void serve(const struct stand *stand, const struct bench_query *frame)
{
	struct an_served entry = {.ifindex = LO, .family = AN_FAMILY_IPV4};
	const uint8_t *octets = frame->frame;

	memcpy(entry.mac, octets, 6);
	memcpy(entry.address, octets + 14 + 16, 4);
	memcpy(&entry.port, octets + 14 + 20 + 2, 2);
	publish_served(stand->publish, &entry, 1);
}

static int load_queries(const struct stand *stand, struct bench_bpf *object, uint32_t kind)
{
	const struct query_load load = {.names = kind == AS_MANY ? NETWORKS * stand->names
	                                                         : stand->names,
	                                .networks = 1,
	                                .records = 2,
	                                .count = QUERIES,
	                                .opt = true,
	                                .ecs = true};
	struct query *queries = calloc(QUERIES, sizeof(*queries));
	struct bench_query *frames = map_memory(object->maps.queries);
	struct bench_control *control = map_memory(object->maps.control);

	if (!queries || !frames || !control || query_draw(&load, queries))
		return -1;
	for (uint32_t i = 0; i < QUERIES; i++) {
		queries[i].name += kind * stand->names;
		query_frame(&queries[i], i, &frames[i]);
		move_client(&frames[i], i);
	}
	serve(stand, &frames[0]);
	control->count = QUERIES;
	free(queries);
	return 0;
}

static int open_kind(const struct stand *stand, struct kind *kind, uint32_t number)
{
	kind->object = bench_bpf__open();
	if (!kind->object)
		return -1;
	bpf_map__set_max_entries(kind->object->maps.queries, QUERIES);
	return bench_bpf__load(kind->object) || load_queries(stand, kind->object, number);
}

/* ---- timing ---- */

static double measure(const struct kind *kind, int runs, uint32_t *ret_action)
{
	uint8_t frame[BENCH_FRAME_MAX] = {0};
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = LO};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
	            .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = runs);

	if (bpf_prog_test_run_opts(bpf_program__fd(kind->object->progs.renew), &options))
		return -1;
	*ret_action = options.retval;
	return options.duration;
}

/* Nanoseconds of the program alone; negative: it does not answer. */
static double time_once(const struct stand *stand, const struct kind *kind, int runs)
{
	int table = bpf_map__fd(kind->object->maps.timed);
	uint32_t first = 0, action = 0;
	double renewal, both;

	bpf_map_delete_elem(table, &first);
	renewal = measure(kind, runs, &action);
	if (bpf_map_update_elem(table, &first, &stand->program, BPF_ANY))
		return -1;
	both = measure(kind, runs, &action);
	return action == XDP_TX ? both - renewal : -1;
}

static int compare_ns(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int time_all(const struct stand *stand, struct kind *kinds, int runs, int rounds)
{
	double *ns = calloc((size_t)KINDS * (size_t)rounds, sizeof(*ns));
	struct an_counters counters;

	for (int round = 0; ns && round < rounds; round++)
		for (int i = 0; i < KINDS; i++) {
			ns[i * rounds + round] = time_once(stand, &kinds[i], runs);
			if (ns[i * rounds + round] < 0)
				return fail(kinds[i].name, NULL);
		}
	kernel_counters(stand->maps, &counters);
	printf("{");
	for (int i = 0; ns && i < KINDS; i++) {
		qsort(ns + i * rounds, (size_t)rounds, sizeof(*ns), compare_ns);
		printf("\"%s_ns\": %.0f, ", kinds[i].name, ns[i * rounds + rounds / 10]);
	}
	printf("\"hits\": %llu, \"missed\": %llu}\n", (unsigned long long)counters.hit,
	       (unsigned long long)(counters.pass_owner_miss + counters.pass_audience_miss +
	                            counters.pass_geo));
	free(ns);
	return 0;
}

int main(int count, char **words)
{
	struct kind kinds[KINDS] = {
	        {.name = "everyone"}, {.name = "networks"}, {.name = "geo"}, {.name = "as_many"}};
	struct stand stand = {0};
	char path[256];

	if (count != 6) {
		fprintf(stderr, "usage: geo_cost PINS NAMES RUNS ROUNDS CONFIG\n");
		return 2;
	}
	stand.names = (uint32_t)atol(words[2]);
	if (open_stand(&stand, words[1], words[5]))
		return 1;
	snprintf(path, sizeof(path), "%s/prog", words[1]);
	stand.program = bpf_obj_get(path);
	for (uint32_t i = 0; i < KINDS; i++)
		if (open_kind(&stand, &kinds[i], i))
			return fail(kinds[i].name, NULL);
	return time_all(&stand, kinds, atoi(words[3]), atoi(words[4]));
}
