/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blast - the load generator, and the reflectors that are the floor.
 *
 *   blast reflect|grow DEVICE [OCTETS]   attaches a reflector; goes with standard input
 *   blast ask DEVICE QUERIES             attaches the counter to the client's device, then obeys:
 *     load NAMES NETWORKS RECORDS COUNT OPT ECS MIX MISS-PPM
 *     run MILLISECONDS RATE SERVER       RATE 0: as fast as it goes; SERVER: enum query_server
 *     growth                             octets by which right replies are longer, on average
 *
 * Every command is answered by a line of JSON. Runs in the namespace of its
 * device. What counts is what comes back to the client's device, and a sample
 * of that is judged record by record.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bench.skel.h"
#include "memory.h"
#include "query.h"

#define SAMPLE_EVERY 211
/* The client's NAPI thread (see stand.py) is between the two. */
#define PRIORITY_SEND  1
#define PRIORITY_COUNT 3

#define WARM_MS  30
#define QUIET_MS 10
#define DRAIN_MS 200

struct blast {
	struct bench_bpf *object;
	struct bpf_link *link;
	unsigned int ifindex;
	int cpus;
	struct bench_control *control;
	struct bench_query *frames;
	struct bench_sample *samples;
	uint32_t room; /* queries */
	struct query_load load;
	struct query *queries;
	uint64_t begin_replies; /* of the run */
};

static int blast_open(struct blast *blast, const char *device, uint32_t room)
{
	*blast = (struct blast){.room = room, .ifindex = if_nametoindex(device)};
	blast->object = bench_bpf__open();
	if (!blast->object || !blast->ifindex)
		return -1;
	blast->cpus = libbpf_num_possible_cpus();
	bpf_map__set_max_entries(blast->object->maps.queries, room);
	if (bench_bpf__load(blast->object))
		return -1;
	blast->control = map_memory(blast->object->maps.control);
	blast->frames = map_memory(blast->object->maps.queries);
	blast->samples = map_memory(blast->object->maps.samples);
	blast->queries = calloc(room, sizeof(*blast->queries));
	return blast->control && blast->frames && blast->samples && blast->queries ? 0 : -1;
}

static void blast_close(struct blast *blast)
{
	bpf_link__destroy(blast->link);
	bench_bpf__destroy(blast->object);
	free(blast->queries);
}

static int attach(struct blast *blast, struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(bpf_program__fd(program), (int)blast->ifindex, BPF_XDP, &options);

	if (fd < 0)
		perror("blast: attaching natively");
	return fd; /* stays open as long as the process lives */
}

static struct bench_counts counts(const struct blast *blast)
{
	struct bench_counts each[256], all = {0};
	uint32_t first = 0;

	if (blast->cpus > 256 ||
	    bpf_map_lookup_elem(bpf_map__fd(blast->object->maps.counts), &first, each))
		return all;
	for (int cpu = 0; cpu < blast->cpus; cpu++) {
		all.sent += each[cpu].sent;
		all.replies += each[cpu].replies;
		all.octets += each[cpu].octets;
		all.other += each[cpu].other;
	}
	return all;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void sleep_s(double seconds)
{
	struct timespec span = {.tv_sec = (time_t)seconds};

	span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
	if (seconds > 0)
		nanosleep(&span, NULL);
}

/* ---- sending ---- */

struct sender {
	const struct blast *blast;
	pthread_t thread;
	int code;
};

static void on_signal(int number)
{
	(void)number; /* interrupts BPF_PROG_RUN */
}

/* Above whatever else the machine does. */
static void set_priority(int priority)
{
	struct sched_param param = {.sched_priority = priority};

	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &param))
		perror("blast: priority");
}

/* One call for the whole run: to set it up takes milliseconds. A signal ends it. */
static void *send_frames(void *arg)
{
	struct sender *sender = arg;
	const struct blast *blast = sender->blast;
	/* Short: each frame gets its length from its query, and no line of a cold page is touched
	 * in vain. */
	uint8_t frame[64] = {0};
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = blast->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
	            .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = INT_MAX,
	            .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 256);

	set_priority(PRIORITY_SEND);
	sender->code =
	        bpf_prog_test_run_opts(bpf_program__fd(blast->object->progs.blast), &options);
	return NULL;
}

static int sender_begin(struct sender *sender, const struct blast *blast, uint32_t rate)
{
	struct bench_control *control = blast->control;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	control->begin_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	control->begin_sent = counts(blast).sent;
	control->rate = rate;
	*sender = (struct sender){.blast = blast};
	return -pthread_create(&sender->thread, NULL, send_frames, sender);
}

/* 0, or the negative errno for which nothing was sent. */
static int sender_end(struct sender *sender)
{
	pthread_kill(sender->thread, SIGUSR1);
	pthread_join(sender->thread, NULL);
	return sender->code == -EINTR ? 0 : sender->code;
}

/* Until nothing has come for a while; what a server still holds belongs to the run before. */
static void drain(const struct blast *blast)
{
	double end = now_s() + DRAIN_MS * 1e-3;
	uint64_t before, after = counts(blast).replies;

	do {
		before = after;
		sleep_s(QUIET_MS * 1e-3);
		after = counts(blast).replies;
	} while (after != before && now_s() < end);
}

/* ---- judging ---- */

struct judgement {
	uint32_t sampled, wrong, strangers; /* these are no replies: neighbours are looked for */
	const char *why;
};

static const char *judge(const struct blast *blast, const struct bench_sample *sample,
                         enum query_server server)
{
	uint32_t number = query_number(sample->frame, sample->len);

	if (number >= blast->load.count)
		return "no such query";
	return query_judge(&blast->queries[number], &blast->frames[number], &blast->load, server,
	                   sample->frame, sample->len);
}

static struct judgement judge_samples(struct blast *blast, enum query_server server)
{
	struct judgement all = {.why = ""};

	for (uint32_t i = 0; i < BENCH_SAMPLES; i++) {
		const char *why;

		if (!blast->samples[i].len)
			continue;
		if (!query_is_reply(blast->samples[i].frame, blast->samples[i].len)) {
			all.strangers++;
			continue;
		}
		all.sampled++;
		why = judge(blast, &blast->samples[i], server);
		if (!why)
			continue;
		all.wrong++;
		all.why = why;
	}
	return all;
}

static void forget_samples(struct blast *blast)
{
	for (uint32_t i = 0; i < BENCH_SAMPLES; i++)
		blast->samples[i].len = 0;
}

/* ---- commands ---- */

static void run(struct blast *blast, uint32_t ms, uint32_t rate, enum query_server server)
{
	struct bench_counts before, during, after;
	struct judgement judged;
	struct sender sender;
	double begin, seconds;
	int code;

	drain(blast);
	forget_samples(blast);
	blast->control->sample_every = rate && rate < 500000 ? 31 : SAMPLE_EVERY;
	blast->begin_replies = counts(blast).replies;
	code = sender_begin(&sender, blast, rate);
	sleep_s(WARM_MS * 1e-3);
	before = counts(blast);
	begin = now_s();
	sleep_s(ms * 1e-3);
	during = counts(blast);
	seconds = now_s() - begin;
	if (!code)
		code = sender_end(&sender);
	drain(blast);
	after = counts(blast);
	judged = judge_samples(blast, server);
	if (code)
		printf("{\"error\": \"%s\"}\n", strerror(-code));
	else
		printf("{\"seconds\": %.6f, \"sent\": %llu, \"replies\": %llu, "
		       "\"sent_all\": %llu, \"replies_all\": %llu, \"octets\": %llu, "
		       "\"sampled\": %u, \"wrong\": %u, \"strangers\": %u, \"why\": \"%s\"}\n",
		       seconds, during.sent - before.sent, during.replies - before.replies,
		       after.sent - blast->control->begin_sent,
		       after.replies - blast->begin_replies, during.octets - before.octets,
		       judged.sampled, judged.wrong, judged.strangers, judged.why);
}

static int load(struct blast *blast, const struct query_load *load)
{
	if (!load->count || load->count > blast->room || !load->names || !load->networks ||
	    load->networks > DATA_NETS_MAX || !load->records || load->records > DATA_RECORDS_MAX ||
	    query_draw(load, blast->queries))
		return -1;
	blast->load = *load;
	for (uint32_t i = 0; i < load->count; i++)
		query_frame(&blast->queries[i], i, &blast->frames[i]);
	blast->control->count = load->count;
	return 0;
}

static double growth(const struct blast *blast)
{
	double octets = 0;

	for (uint32_t i = 0; i < blast->load.count; i++)
		octets += query_growth(&blast->queries[i], &blast->load);
	return octets / blast->load.count;
}

static bool obey(struct blast *blast, const char *line)
{
	unsigned int ms, rate, server, opt, ecs, mix;
	struct query_load wanted = {0};

	if (sscanf(line, "load %u %u %u %u %u %u %u %u", &wanted.names, &wanted.networks,
	           &wanted.records, &wanted.count, &opt, &ecs, &mix, &wanted.miss_ppm) == 8) {
		wanted.opt = opt;
		wanted.ecs = ecs;
		wanted.mix = mix;
		if (load(blast, &wanted))
			return false;
		printf("{\"queries\": %u}\n", wanted.count);
	} else if (sscanf(line, "run %u %u %u", &ms, &rate, &server) == 3) {
		run(blast, ms, rate, server);
	} else if (!strcmp(line, "growth\n")) {
		printf("{\"growth\": %.1f}\n", growth(blast));
	} else {
		return false;
	}
	fflush(stdout);
	return true;
}

static int ask(const char *device, uint32_t room)
{
	struct blast blast;
	char line[256];
	int fd;

	if (blast_open(&blast, device, room))
		return 1;
	fd = attach(&blast, blast.object->progs.reap);
	if (fd < 0)
		return 1;
	set_priority(PRIORITY_COUNT);
	printf("{\"ready\": true}\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		if (!obey(&blast, line)) {
			fprintf(stderr, "blast: %s", line);
			break;
		}
	close(fd);
	blast_close(&blast);
	return ferror(stdin) || !feof(stdin);
}

static int reflector(const char *kind, const char *device, uint32_t octets)
{
	bool grow = !strcmp(kind, "grow");
	struct blast blast;
	int fd;

	if (blast_open(&blast, device, 1))
		return 1;
	blast.control->grow = octets;
	fd = attach(&blast, grow ? blast.object->progs.grow : blast.object->progs.reflect);
	if (fd < 0)
		return 1;
	printf("{\"ready\": true}\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	close(fd);
	blast_close(&blast);
	return 0;
}

int main(int count, char **words)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1000);
	if (count == 4 && !strcmp(words[1], "ask"))
		return ask(words[2], (uint32_t)atol(words[3]));
	if (count >= 3 && (!strcmp(words[1], "reflect") || !strcmp(words[1], "grow")))
		return reflector(words[1], words[2], count > 3 ? (uint32_t)atol(words[3]) : 0);
	fprintf(stderr, "usage: blast ask DEVICE QUERIES | blast reflect|grow DEVICE [OCTETS]\n");
	return 2;
}
