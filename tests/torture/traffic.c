/* SPDX-License-Identifier: BSD-2-Clause */
#include "traffic.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <torture.skel.h> /* made by bpftool: a system header, not held to our warnings */

#define QUIET_MS 20
#define BATCH    64

struct traffic {
	struct torture_bpf *object;
	struct torture_control *control;
	struct torture_sample *samples, *queries;
	uint64_t *draws;
	uint32_t *seen;
	struct torture_counts before; /* of former runs */
	pthread_t thread;
	unsigned int ifindex;
	int link, code;
};

static const char *const fault_names[] = {
        "right",
        "torn",
        "of another name or network",
        "old after new",
        "newer than written",
        "no such reply",
};

static void *map_memory(const struct bpf_map *map)
{
	size_t page = (size_t)getpagesize();
	size_t len =
	        (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7u) & ~(size_t)7);
	void *memory = mmap(NULL, (len + page - 1) / page * page, PROT_READ | PROT_WRITE,
	                    MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* ---- queries ---- */

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

static unsigned int sum(const uint8_t *octets, size_t len, unsigned int sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? octets[i] : (unsigned int)octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Without an option, or with ECS 9.0.0.0/24, of which the second octet is the network. */
static void make_query(struct torture_sample *query, bool ecs, uint32_t source, uint32_t server,
                       const uint8_t mac[6])
{
	static const uint8_t question[] = "\x07"
	                                  "t000000\x07"
	                                  "torture\x04"
	                                  "test\x00\x00\x1c\x00\x01";
	static const uint8_t opt[] = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0b"
	                             "\x00\x08\x00\x07\x00\x01\x18\x00\x09\x00\x00";
	size_t opt_len = ecs ? sizeof(opt) - 1 : 0;
	size_t dns_len = 12 + sizeof(question) - 1 + opt_len;
	uint8_t *frame = query->frame, *ip = frame + 14, *udp = ip + 20, *dns = udp + 8;

	memcpy(frame, mac, 6);
	frame[6] = 2; /* a station of its own; never answered to by ARP */
	put16(frame + 12, 0x0800);
	put16(ip, 0x4500);
	put16(ip + 2, (unsigned int)(28 + dns_len));
	put16(ip + 8, 64 << 8 | 17);
	put32(ip + 12, source);
	put32(ip + 16, server);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	put16(udp, 4096); /* no checksum: it would change with every query */
	put16(udp + 2, 53);
	put16(udp + 4, (unsigned int)(8 + dns_len));
	put16(dns + 4, 1);
	put16(dns + 10, ecs);
	memcpy(dns + 12, question, sizeof(question) - 1);
	memcpy(dns + 12 + sizeof(question) - 1, opt, opt_len);
	query->len = (uint32_t)(TORTURE_DNS + dns_len);
}

/* ---- opening ---- */

static int attach(struct traffic *traffic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	traffic->link = bpf_link_create(bpf_program__fd(traffic->object->progs.judge),
	                                (int)traffic->ifindex, BPF_XDP, &options);
	return traffic->link < 0 ? -1 : 0;
}

static void on_signal(int number)
{
	(void)number; /* interrupts BPF_PROG_RUN */
}

struct traffic *traffic_open(const char *device, uint32_t source, uint32_t server,
                             const uint8_t mac[6])
{
	struct sigaction action = {.sa_handler = on_signal};
	struct traffic *traffic = calloc(1, sizeof(*traffic));

	if (!traffic)
		return NULL;
	sigaction(SIGUSR1, &action, NULL);
	traffic->link = -1;
	traffic->ifindex = if_nametoindex(device);
	traffic->object = torture_bpf__open_and_load();
	if (!traffic->object || !traffic->ifindex || attach(traffic)) {
		fprintf(stderr, "torture: %s: %s\n", device, strerror(errno));
		traffic_close(traffic);
		return NULL;
	}
	traffic->control = map_memory(traffic->object->maps.control);
	traffic->samples = map_memory(traffic->object->maps.samples);
	traffic->queries = map_memory(traffic->object->maps.queries);
	traffic->seen = map_memory(traffic->object->maps.seen);
	traffic->draws = map_memory(traffic->object->maps.draws);
	for (int ecs = 0; ecs < 2; ecs++)
		make_query(&traffic->queries[ecs], ecs, source, server, mac);
	return traffic;
}

void traffic_close(struct traffic *traffic)
{
	if (traffic->link >= 0)
		close(traffic->link);
	if (traffic->object)
		torture_bpf__destroy(traffic->object);
	free(traffic);
}

/* ---- running ---- */

/* The arrays lie in steps of a multiple of eight octets. */
_Static_assert(sizeof(struct torture_sample) % 8 == 0, "samples are read as an array");

static uint32_t *seen_at(struct traffic *traffic, uint32_t place)
{
	return traffic->seen + 2 * (size_t)place;
}

static struct torture_counts all_counts(const struct traffic *traffic)
{
	int cpus = libbpf_num_possible_cpus();
	struct torture_counts *each = calloc((size_t)cpus, sizeof(*each)), all = {0};
	uint32_t first = 0;

	if (each && !bpf_map_lookup_elem(bpf_map__fd(traffic->object->maps.counts), &first, each))
		for (int cpu = 0; cpu < cpus; cpu++)
			for (size_t i = 0; i < sizeof(all) / sizeof(uint64_t); i++)
				/* All of its fields are numbers of 64 bits, and zero. */
				// NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign)
				((uint64_t *)&all)[i] += ((const uint64_t *)&each[cpu])[i];
	free(each);
	return all;
}

struct torture_counts traffic_counts(const struct traffic *traffic)
{
	struct torture_counts now = all_counts(traffic);

	for (size_t i = 0; i < sizeof(now) / sizeof(uint64_t); i++)
		((uint64_t *)&now)[i] -= ((const uint64_t *)&traffic->before)[i];
	return now;
}

struct torture_control *traffic_reset(struct traffic *traffic)
{
	memset(traffic->control, 0, sizeof(*traffic->control));
	memset(traffic->samples, 0, TORTURE_SAMPLES * sizeof(*traffic->samples));
	for (uint32_t i = 0; i <= TORTURE_NAMES * TORTURE_NETS; i++)
		*seen_at(traffic, i) = 0;
	traffic->before = all_counts(traffic);
	return traffic->control;
}

void traffic_expect(struct traffic *traffic, uint32_t name, uint32_t net, uint32_t version)
{
	*seen_at(traffic, name * TORTURE_NETS + net) = version;
}

void traffic_zipf(struct traffic *traffic, uint32_t names, uint32_t exchanged)
{
	double all = 0, sum = 0;
	uint32_t place = 0;

	for (uint32_t rank = 1; rank <= names; rank++)
		all += 1.0 / rank;
	for (uint32_t rank = 0; rank < names; rank++) {
		bool moves = rank < exchanged || names - 1 - rank < exchanged;

		sum += 1.0 / (rank + 1);
		while (place < TORTURE_DRAWS && place < sum / all * TORTURE_DRAWS)
			traffic->draws[place++] = moves ? names - 1 - rank : rank;
	}
	traffic->control->drawn = 1;
}

/* On the last core, so that all replies are judged there, one after the other. */
static void *send_frames(void *arg)
{
	struct traffic *traffic = arg;
	uint8_t frame[64] = {0};
	struct xdp_md context = {.data_end = sizeof(frame), .ingress_ifindex = traffic->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
	            .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = INT_MAX,
	            .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET((unsigned int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &cores);
	pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
	traffic->code =
	        bpf_prog_test_run_opts(bpf_program__fd(traffic->object->progs.ask), &options);
	return NULL;
}

int traffic_begin(struct traffic *traffic)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	traffic->control->stop = 0;
	traffic->control->begin_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	traffic->control->begin_sent = all_counts(traffic).sent;
	return -pthread_create(&traffic->thread, NULL, send_frames, traffic);
}

static void pause_ms(unsigned int ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

int traffic_end(struct traffic *traffic)
{
	uint64_t before, after;

	traffic->control->stop = 1;
	pthread_kill(traffic->thread, SIGUSR1);
	pthread_join(traffic->thread, NULL);
	after = all_counts(traffic).replies;
	do {
		before = after;
		pause_ms(QUIET_MS);
		after = all_counts(traffic).replies;
	} while (after != before);
	return traffic->code == -EINTR ? 0 : traffic->code;
}

/* ---- judging what was kept ---- */

static const char *check_sums(const struct torture_sample *sample)
{
	const uint8_t *ip = sample->frame + 14, *udp = ip + 20;
	unsigned int len = (unsigned int)udp[4] << 8 | udp[5], pseudo;

	if (sample->len < TORTURE_DNS || len < 8 || 34 + len > sample->len)
		return "lengths";
	if (sum(ip, 20, 0) != 0xffff)
		return "IP checksum";
	pseudo = sum(ip + 12, 8, 17 + len);
	if ((udp[6] || udp[7]) && sum(udp, len, pseudo) != 0xffff)
		return "UDP checksum";
	return NULL;
}

static void print_frame(const struct torture_sample *sample)
{
	for (uint32_t i = 0; i < sample->len; i++)
		printf("%02x%s", sample->frame[i],
		       i % 32 == 31 || i + 1 == sample->len ? "\n" : "");
}

uint64_t traffic_faults(struct traffic *traffic)
{
	struct torture_counts counts = traffic_counts(traffic);
	uint64_t all = 0;

	for (unsigned int i = TORTURE_TORN; i < TORTURE_FAULTS; i++) {
		if (!counts.faults[i])
			continue;
		all += counts.faults[i];
		printf("%llu replies are %s; the first:\n", (unsigned long long)counts.faults[i],
		       fault_names[i]);
		print_frame(&traffic->samples[i]);
	}
	for (unsigned int i = TORTURE_FAULTS; i < TORTURE_SAMPLES; i++) {
		const char *why = traffic->samples[i].len ? check_sums(&traffic->samples[i]) : NULL;

		if (!why)
			continue;
		all++;
		printf("%s of a reply:\n", why);
		print_frame(&traffic->samples[i]);
		break;
	}
	return all;
}
