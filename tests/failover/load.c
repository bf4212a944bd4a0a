/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load SERVER RATE NAME ... - A queries at a steady rate, and when answers
 * change.
 *
 * The XDP program writes an IP TTL of 64; the edge's namespace has another
 * default, which its daemon's sockets use: so a reply says who gave it.
 * For each name the set of addresses in all replies is followed, and that in
 * the kernel's; when one changes a line says so: "all" or "kernel", which name,
 * when the last reply with the old set came and the first with the new, in
 * microseconds of CLOCK_MONOTONIC. SIGTERM ends it, with a second for what is
 * still on its way; a query without a reply by then is lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "base/wire.h"

#define NAMES_MAX  256
#define ADDRESSES  16
#define KERNEL_TTL 64
#define LOST_US    1000000
#define IDS        65536

struct seen {
	uint32_t set[ADDRESSES]; /* sorted */
	unsigned int count;
	uint64_t last_us; /* of the last reply; 0: none yet */
};

struct asked {
	uint8_t name[AN_DNS_NAME_MAX];
	size_t len;
	struct seen all, kernel;
};

struct load {
	int fd;
	struct asked names[NAMES_MAX];
	unsigned int names_count;
	uint64_t sent_us[IDS]; /* 0: nothing is waited for */
	uint16_t of[IDS];
	uint64_t sent, kernel, daemon, lost, failed;
	uint32_t slowest_us;
};

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void ask(struct load *load)
{
	uint16_t id = (uint16_t)load->sent, index = (uint16_t)(load->sent % load->names_count);
	const struct asked *asked = &load->names[index];
	uint8_t packet[512];
	struct wire w = wire_writer(packet, sizeof(packet));

	if (load->sent_us[id])
		load->lost++;
	wire_put16(&w, id);
	wire_put16(&w, 0);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put32(&w, 0);
	wire_put(&w, asked->name, asked->len);
	wire_put16(&w, AN_TYPE_A);
	wire_put16(&w, AN_CLASS_IN);
	load->sent_us[id] = now_us();
	load->of[id] = index;
	load->sent++;
	if (send(load->fd, packet, w.at, 0) < 0) {
		perror("send");
		exit(1);
	}
}

/* ---- replies ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The addresses of a reply, sorted; -1: it is none that has some. */
static int read_addresses(const uint8_t *packet, size_t len, uint32_t ret[ADDRESSES])
{
	struct wire w = wire_reader(packet, len);
	unsigned int flags, answers, count = 0;

	wire_take(&w, 2);
	flags = wire_get16(&w);
	wire_take(&w, 2);
	answers = wire_get16(&w);
	wire_take(&w, 4);
	if (!wire_skip_name(&w) || (flags & AN_FLAG_RCODE))
		return -1;
	wire_take(&w, 4);
	for (unsigned int i = 0; i < answers && count < ADDRESSES && wire_skip_name(&w); i++) {
		unsigned int type = wire_get16(&w), rdata_len;

		wire_take(&w, 6);
		rdata_len = wire_get16(&w);
		if (type == AN_TYPE_A && rdata_len == 4)
			ret[count++] = wire_get32(&w);
		else
			wire_take(&w, rdata_len);
	}
	qsort(ret, count, sizeof(*ret), compare);
	return w.failed || !count ? -1 : (int)count;
}

static void print_change(const char *whose, size_t index, const struct seen *seen, uint64_t at_us)
{
	printf("%s %zu %" PRIu64 " %" PRIu64 " ", whose, index, seen->last_us, at_us);
	for (unsigned int i = 0; i < seen->count; i++) {
		struct in_addr address = {htonl(seen->set[i])};

		printf("%s%s", i ? "," : "", inet_ntoa(address));
	}
	putchar('\n');
}

static void see(const char *whose, size_t index, struct seen *seen, const uint32_t *set,
                unsigned int count, uint64_t at_us)
{
	bool same = seen->last_us && count == seen->count &&
	            memcmp(set, seen->set, count * sizeof(*set)) == 0;

	if (!same) {
		memcpy(seen->set, set, count * sizeof(*set));
		seen->count = count;
		print_change(whose, index, seen, at_us);
	}
	seen->last_us = at_us;
}

static void take(struct load *load, const uint8_t *packet, size_t len, int ttl)
{
	uint16_t id = (uint16_t)(packet[0] << 8 | packet[1]);
	uint32_t set[ADDRESSES];
	uint64_t at_us = now_us();
	int count;

	if (len < AN_DNS_HEADER_LEN || !load->sent_us[id])
		return;
	if (at_us - load->sent_us[id] > load->slowest_us)
		load->slowest_us = (uint32_t)(at_us - load->sent_us[id]);
	load->sent_us[id] = 0;
	*(ttl == KERNEL_TTL ? &load->kernel : &load->daemon) += 1;
	count = read_addresses(packet, len, set);
	if (count < 0) {
		load->failed++;
		return;
	}
	see("all", load->of[id], &load->names[load->of[id]].all, set, (unsigned int)count, at_us);
	if (ttl == KERNEL_TTL)
		see("kernel", load->of[id], &load->names[load->of[id]].kernel, set,
		    (unsigned int)count, at_us);
}

static bool receive(struct load *load)
{
	uint8_t packet[2048], room[256];
	struct iovec io = {packet, sizeof(packet)};
	struct msghdr message = {.msg_iov = &io,
	                         .msg_iovlen = 1,
	                         .msg_control = room,
	                         .msg_controllen = sizeof(room)};
	ssize_t len = recvmsg(load->fd, &message, MSG_DONTWAIT);
	int ttl = 0;

	if (len < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	}
	take(load, packet, (size_t)len, ttl);
	return true;
}

/* ---- the run ---- */

static void run_until(struct load *load, uint64_t end_us)
{
	struct pollfd wait = {.fd = load->fd, .events = POLLIN};
	uint64_t now;

	do {
		struct timespec left;

		while (receive(load))
			;
		now = now_us();
		if (now >= end_us)
			break;
		left = (struct timespec){0, (long)(end_us - now) * 1000};
		if (left.tv_nsec > 999999999)
			left.tv_nsec = 999999999;
		ppoll(&wait, 1, &left, NULL);
	} while (now < end_us);
}

static void run(struct load *load, uint64_t rate)
{
	uint64_t begin_us = now_us();

	while (!ended) {
		run_until(load, begin_us + load->sent * 1000000 / rate);
		ask(load);
	}
	run_until(load, now_us() + LOST_US);
	for (unsigned int id = 0; id < IDS; id++)
		load->lost += load->sent_us[id] != 0;
	printf("end %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n", load->sent,
	       load->kernel, load->daemon, load->lost, load->failed, load->slowest_us);
}

static int open_to(const char *server)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(AN_DNS_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, room = 1 << 22;

	if (fd < 0 || inet_pton(AF_INET, server, &to.sin_addr) != 1 ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror(server);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct load load;

	if (argc < 4 || argc - 3 > NAMES_MAX) {
		fprintf(stderr, "usage: load SERVER RATE NAME ...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_end);
	load.fd = open_to(argv[1]);
	for (int i = 3; i < argc; i++) {
		struct asked *asked = &load.names[load.names_count++];
		int len = name_from_text(argv[i], NULL, 0, asked->name);

		if (len < 0) {
			fprintf(stderr, "%s: no name\n", argv[i]);
			return 2;
		}
		asked->len = (size_t)len;
	}
	run(&load, strtoull(argv[2], NULL, 10));
	return 0;
}
