/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_load - asks one DNS server over UDP as fast as it answers.
 *
 *   daemon_load PORT KIND NAMES MS WINDOW [PID...]
 *
 * KIND is static, nxdomain or referral: the names of daemon.py's zone, in a
 * scattered order. A window of queries is kept under way on each of a few
 * connected sockets; every reply's id, flags and counts are looked at, and one
 * in SAMPLE is compared in full with what the zone says. One line of JSON:
 * replies, milliseconds, lost, wrong, octets of a reply, and the processor time
 * that the named processes took meanwhile; sent counts the warming up too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS   8
#define BATCH     64
#define QUERY_MAX 96
#define REPLY_MAX 1500
#define SAMPLE    256
#define PIDS_MAX  16
#define QUIET_MS  50 /* no reply for so long: what is under way is lost */

struct kind {
	const char *name, *query; /* the owner, %u is the name's number */
	uint8_t rcode, answers, authority;
	bool aa;
};

static const struct kind kinds[] = {
        {"static", "h%u", 0, 1, 0, true},
        {"nxdomain", "x%u", 3, 0, 1, true},
        {"referral", "www.d%u", 0, 0, 2, false},
};

struct lane {
	int fd;
	unsigned int under_way;
	uint16_t next_id;
	uint32_t asked[65536]; /* number of the name, by id */
};

struct load {
	const struct kind *kind;
	unsigned int names, window;
	uint64_t sent, replies, lost, wrong, octets;
	struct lane lanes[SOCKETS];
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_data[BATCH], in_data[BATCH];
	uint8_t query[BATCH][QUERY_MAX], reply[BATCH][REPLY_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static size_t put_label(uint8_t *at, const char *label, size_t len)
{
	*at = (uint8_t)len;
	memcpy(at + 1, label, len);
	return len + 1;
}

static size_t put_name(uint8_t *at, const char *text)
{
	uint8_t *begin = at;

	for (const char *dot; (dot = strchr(text, '.')); text = dot + 1)
		at += put_label(at, text, (size_t)(dot - text));
	at += put_label(at, text, strlen(text));
	at += put_label(at, "example", 7);
	at += put_label(at, "test", 4);
	*at++ = 0;
	return (size_t)(at - begin);
}

/* id, one question for A, an OPT of 1232 octets without options. */
static size_t make_query(const struct load *load, uint8_t *out, uint16_t id, uint32_t number)
{
	static const uint8_t tail[] = {0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	char text[32];
	size_t len;

	memset(out, 0, 12);
	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)id;
	out[5] = 1;
	out[11] = 1;
	snprintf(text, sizeof(text), load->kind->query, number);
	len = 12 + put_name(out + 12, text);
	memcpy(out + len, tail, sizeof(tail));
	return len + sizeof(tail);
}

/* Consecutive queries ask for names that lie far apart. */
static uint32_t scatter(const struct load *load, uint64_t n)
{
	return (uint32_t)(n * 2654435761u % load->names);
}

static void fill(struct load *load, struct lane *lane)
{
	while (lane->under_way < load->window) {
		unsigned int count = load->window - lane->under_way;
		int sent;

		if (count > BATCH)
			count = BATCH;
		for (unsigned int i = 0; i < count; i++) {
			uint16_t id = (uint16_t)(lane->next_id + i);

			lane->asked[id] = scatter(load, load->sent + i);
			load->out_data[i].iov_len =
			        make_query(load, load->query[i], id, lane->asked[id]);
		}
		sent = sendmmsg(lane->fd, load->out, count, MSG_DONTWAIT);
		if (sent <= 0)
			return;
		lane->next_id = (uint16_t)(lane->next_id + sent);
		lane->under_way += (unsigned int)sent;
		load->sent += (unsigned int)sent;
	}
}

/* The answer of h<n> is 10.0.0.0 plus n, of its own TTL. */
static bool right_address(const struct load *load, const uint8_t *reply, size_t len, size_t at,
                          uint32_t number)
{
	uint32_t address = htonl(10u << 24 | number);

	if (load->kind->answers != 1)
		return true;
	at += 2 + 2 + 2 + 4; /* a pointer to the question's name, type, class, TTL */
	return at + 6 <= len && reply[at] == 0 && reply[at + 1] == 4 &&
	       !memcmp(reply + at + 2, &address, 4);
}

static bool right_in_full(const struct load *load, const uint8_t *reply, size_t len,
                          uint32_t number)
{
	uint8_t query[QUERY_MAX];
	size_t question = make_query(load, query, 0, number) - 12 - 11;

	return len >= 12 + question && !memcmp(reply + 12, query + 12, question) &&
	       right_address(load, reply, len, 12 + question, number);
}

static bool right(struct load *load, const struct lane *lane, const uint8_t *reply, size_t len)
{
	const struct kind *kind = load->kind;

	if (len < 12 || !(reply[2] & 0x80) || (reply[3] & 15) != kind->rcode || reply[2] & 2)
		return false;
	if (((reply[2] & 4) != 0) != kind->aa || reply[7] != kind->answers ||
	    reply[9] != kind->authority || !reply[11])
		return false;
	if (load->replies % SAMPLE)
		return true;
	return right_in_full(load, reply, len, lane->asked[reply[0] << 8 | reply[1]]);
}

static unsigned int take(struct load *load, struct lane *lane)
{
	int count = recvmmsg(lane->fd, load->in, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < count; i++) {
		load->wrong += !right(load, lane, load->reply[i], load->in[i].msg_len);
		load->octets += load->in[i].msg_len;
		load->replies++;
	}
	if (count <= 0)
		return 0;
	lane->under_way -=
	        lane->under_way < (unsigned int)count ? lane->under_way : (unsigned int)count;
	return (unsigned int)count;
}

static void wait_for_any(struct load *load)
{
	struct pollfd fds[SOCKETS];

	for (unsigned int i = 0; i < SOCKETS; i++)
		fds[i] = (struct pollfd){.fd = load->lanes[i].fd, .events = POLLIN};
	if (poll(fds, SOCKETS, QUIET_MS))
		return;
	for (unsigned int i = 0; i < SOCKETS; i++) {
		load->lost += load->lanes[i].under_way;
		load->lanes[i].under_way = 0;
	}
}

static void run_until(struct load *load, uint64_t end_ns)
{
	while (now_ns() < end_ns) {
		unsigned int taken = 0;

		for (unsigned int i = 0; i < SOCKETS; i++) {
			taken += take(load, &load->lanes[i]);
			fill(load, &load->lanes[i]);
		}
		if (!taken)
			wait_for_any(load);
	}
}

static bool open_lanes(struct load *load, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int room = 1 << 20;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned int i = 0; i < SOCKETS; i++) {
		struct lane *lane = &load->lanes[i];

		lane->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (lane->fd < 0 || connect(lane->fd, (struct sockaddr *)&to, sizeof(to)))
			return false;
		setsockopt(lane->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	for (unsigned int i = 0; i < BATCH; i++) {
		load->out_data[i].iov_base = load->query[i];
		load->out[i].msg_hdr.msg_iov = &load->out_data[i];
		load->out[i].msg_hdr.msg_iovlen = 1;
		load->in_data[i] = (struct iovec){load->reply[i], REPLY_MAX};
		load->in[i].msg_hdr.msg_iov = &load->in_data[i];
		load->in[i].msg_hdr.msg_iovlen = 1;
	}
	return true;
}

/* Processor time that these processes have taken so far. */
static uint64_t processor_ns(char **pids, int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++) {
		struct timespec taken;
		clockid_t clock;

		if (!clock_getcpuclockid((pid_t)atoi(pids[i]), &clock) &&
		    !clock_gettime(clock, &taken))
			sum += (uint64_t)taken.tv_sec * 1000000000u + (uint64_t)taken.tv_nsec;
	}
	return sum;
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static struct load load;
	uint64_t begin, processor;

	if (argc < 6 || !(load.kind = kind_of(argv[2]))) {
		fprintf(stderr, "usage: daemon_load PORT KIND NAMES MS WINDOW [PID...]\n");
		return 2;
	}
	load.names = (unsigned int)atoi(argv[3]);
	load.window = (unsigned int)atoi(argv[5]) / SOCKETS;
	if (!load.names || !load.window || !open_lanes(&load, (uint16_t)atoi(argv[1]))) {
		fprintf(stderr, "daemon_load: %s\n", strerror(errno));
		return 1;
	}
	run_until(&load, now_ns() + 100000000u); /* warm */
	load.replies = load.lost = load.wrong = load.octets = 0;
	processor = processor_ns(argv + 6, argc - 6);
	begin = now_ns();
	run_until(&load, begin + (uint64_t)atoi(argv[4]) * 1000000u);
	processor = processor_ns(argv + 6, argc - 6) - processor;
	printf("{\"replies\": %lu, \"ms\": %.1f, \"lost\": %lu, \"wrong\": %lu, \"octets\": %lu, "
	       "\"processor_ns\": %lu, \"sent\": %lu}\n",
	       load.replies, (double)(now_ns() - begin) / 1e6, load.lost, load.wrong,
	       load.replies ? load.octets / load.replies : 0, processor, load.sent);
	return 0;
}
