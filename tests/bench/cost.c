/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cost - the program's time alone, and what it and its maps take.
 *
 *   cost DEVICE PROGRAM RUNS ROUNDS NAMES NETWORKS RECORDS COUNT OPT ECS MIX
 *
 * PROGRAM is pinned. BPF_PROG_TEST_RUN of a program that makes the packet the
 * next query and then jumps to the one that is timed: a bare repeat would run
 * it on its own replies. The same without the jump is taken off. Prints JSON:
 * nanoseconds for each round, and the verifier's count of instructions.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.skel.h"
#include "memory.h"
#include "query.h"

struct cost {
	struct bench_bpf *object;
	unsigned int ifindex;
	int timed_fd;
};

static int load_queries(struct cost *cost, const struct query_load *load)
{
	struct bench_query *frames = map_memory(cost->object->maps.queries);
	struct bench_control *control = map_memory(cost->object->maps.control);
	struct query *queries = calloc(load->count, sizeof(*queries));

	if (!frames || !control || !queries || query_draw(load, queries))
		return -1;
	for (uint32_t i = 0; i < load->count; i++)
		query_frame(&queries[i], i, &frames[i]);
	control->count = load->count;
	free(queries);
	return 0;
}

/* Nanoseconds a packet; *ret_action is what the last one came to. */
static double measure(struct cost *cost, uint32_t runs, uint32_t *ret_action)
{
	uint8_t frame[BENCH_FRAME_MAX] = {0};
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = cost->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
	            .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)runs);

	if (bpf_prog_test_run_opts(bpf_program__fd(cost->object->progs.renew), &options))
		return -1;
	*ret_action = options.retval;
	return options.duration;
}

static int time_once(struct cost *cost, uint32_t runs, bool last)
{
	int table = bpf_map__fd(cost->object->maps.timed);
	uint32_t first = 0, action = 0;
	double renewal, both;

	bpf_map_delete_elem(table, &first);
	renewal = measure(cost, runs, &action);
	if (renewal < 0 || action != XDP_DROP ||
	    bpf_map_update_elem(table, &first, &cost->timed_fd, BPF_ANY))
		return -1;
	both = measure(cost, runs, &action);
	if (both < 0 || action != XDP_TX) {
		fprintf(stderr, "cost: the program does not answer (action %u)\n", action);
		return -1;
	}
	printf("{\"ns\": %.0f, \"renewal_ns\": %.0f}%s", both - renewal, renewal, last ? "" : ", ");
	return 0;
}

static uint32_t verified_insns(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.verified_insns;
}

int main(int count, char **words)
{
	struct query_load load;
	struct cost cost;
	int rounds;

	if (count != 12) {
		fprintf(stderr, "usage: cost DEVICE PROGRAM RUNS ROUNDS LOAD...\n");
		return 2;
	}
	load = (struct query_load){.names = (uint32_t)atol(words[5]),
	                           .networks = (uint32_t)atol(words[6]),
	                           .records = (uint32_t)atol(words[7]),
	                           .count = (uint32_t)atol(words[8]),
	                           .opt = atoi(words[9]),
	                           .ecs = atoi(words[10]),
	                           .mix = atoi(words[11])};
	rounds = atoi(words[4]);
	cost.ifindex = if_nametoindex(words[1]);
	cost.timed_fd = bpf_obj_get(words[2]);
	cost.object = bench_bpf__open();
	if (cost.timed_fd < 0 || !cost.object || !cost.ifindex) {
		fprintf(stderr, "cost: %s: %s\n", words[2], strerror(errno));
		return 1;
	}
	bpf_map__set_max_entries(cost.object->maps.queries, load.count);
	if (bench_bpf__load(cost.object) || load_queries(&cost, &load))
		return 1;
	printf("{\"insns\": %u, \"rounds\": [", verified_insns(cost.timed_fd));
	for (int i = 0; i < rounds; i++)
		if (time_once(&cost, (uint32_t)atol(words[3]), i == rounds - 1))
			return 1;
	printf("]}\n");
	bench_bpf__destroy(cost.object);
	return 0;
}
