/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask - asks until the kernel answers, and every answer on the way must be right.
 *
 *   ask COUNTERS WANTED SERVER NAME A|AAAA [+edns] [+subnet=PREFIX/LEN]
 *
 * COUNTERS is the pinned map, WANTED the addresses, sorted, a blank between two. Ends with
 * 0 when a right answer raised the hit counter; 1 with what came instead. Small, since
 * programs start slowly in an emulated machine; kdig is asked too, once in a while.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "anamed/counters.h"

#define TRIES     50
#define PAUSE_NS  100000000
#define WAIT_S    3
#define ANSWERS   16
#define TEXT_MAX  1024
#define OPT_TYPE  41
#define OPT_ECS   8
#define OUR_SIZE  1232
#define ECS_FIXED 4

struct question {
	struct sockaddr_storage server;
	socklen_t server_len;
	uint8_t packet[512];
	int len;
};

static uint64_t hits(int fd)
{
	int cpus = libbpf_num_possible_cpus();
	struct an_counters *each = calloc((size_t)cpus, sizeof(*each));
	uint64_t sum = 0;
	uint32_t first = 0;

	if (each && !bpf_map_lookup_elem(fd, &first, each))
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += each[cpu].hit;
	free(each);
	return sum;
}

static void put(struct question *question, unsigned int value, int octets)
{
	while (octets--)
		question->packet[question->len++] = (uint8_t)(value >> 8 * octets);
}

/* An OPT record; with a prefix, its ECS option (RFC 7871 6). */
static int put_opt(struct question *question, char *prefix)
{
	char *slash = prefix ? strchr(prefix, '/') : NULL;
	unsigned int bits = slash ? (unsigned int)atoi(slash + 1) : 0, octets = (bits + 7) / 8;
	int family = prefix && strchr(prefix, ':') ? AF_INET6 : AF_INET;
	uint8_t address[16];

	question->packet[11] = 1;
	put(question, 0, 1);
	put(question, OPT_TYPE, 2);
	put(question, OUR_SIZE, 2);
	put(question, 0, 4);
	if (!prefix) {
		put(question, 0, 2);
		return 0;
	}
	if (slash)
		*slash = '\0';
	if (!slash || bits > 128 || inet_pton(family, prefix, address) != 1)
		return -1;
	put(question, 4 + ECS_FIXED + octets, 2);
	put(question, OPT_ECS, 2);
	put(question, ECS_FIXED + octets, 2);
	put(question, family == AF_INET ? 1 : 2, 2);
	put(question, bits, 1);
	put(question, 0, 1);
	memcpy(question->packet + question->len, address, octets);
	question->len += (int)octets;
	return 0;
}

static int set_server(struct question *question, const char *text)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&question->server;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&question->server;

	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(NS_DEFAULTPORT);
		question->server_len = sizeof(*four);
		return 0;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(NS_DEFAULTPORT);
	question->server_len = sizeof(*six);
	return inet_pton(AF_INET6, text, &six->sin6_addr) == 1 ? 0 : -1;
}

/* words: SERVER NAME TYPE [option...] */
static int build(char **words, struct question *ret)
{
	int type = !strcmp(words[2], "AAAA") ? ns_t_aaaa : ns_t_a;

	if (set_server(ret, words[0]))
		return -1;
	ret->len = res_mkquery(ns_o_query, words[1], ns_c_in, type, NULL, 0, NULL, ret->packet,
	                       (int)sizeof(ret->packet) / 2);
	if (ret->len < 0)
		return -1;
	for (char **word = words + 3; *word; word++) {
		if (!strncmp(*word, "+subnet=", 8))
			return put_opt(ret, *word + 8);
		if (!strcmp(*word, "+edns"))
			return put_opt(ret, NULL);
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The addresses of a reply, sorted. */
static int read_reply(const struct question *question, const uint8_t *reply, int len, char *ret)
{
	char found[ANSWERS][INET6_ADDRSTRLEN];
	int count;
	ns_msg message;
	ns_rr record;

	if (len < NS_HFIXEDSZ || memcmp(reply, question->packet, 2) ||
	    ns_initparse(reply, len, &message) || ns_msg_getflag(message, ns_f_rcode))
		return -1;
	count = ns_msg_count(message, ns_s_an);
	for (int i = 0; i < count && i < ANSWERS; i++) {
		if (ns_parserr(&message, ns_s_an, i, &record))
			return -1;
		inet_ntop(ns_rr_type(record) == ns_t_aaaa ? AF_INET6 : AF_INET, ns_rr_rdata(record),
		          found[i], INET6_ADDRSTRLEN);
	}
	qsort(found, (size_t)count, INET6_ADDRSTRLEN, by_text);
	*ret = '\0';
	for (int i = 0; i < count; i++)
		strcat(strcat(ret, i ? " " : ""), found[i]);
	return 0;
}

/* One query, from a port of its own. */
static int ask(struct question *question, char *ret)
{
	struct timeval limit = {.tv_sec = WAIT_S};
	int fd = socket(question->server.ss_family, SOCK_DGRAM, 0);
	uint8_t reply[OUR_SIZE];
	ssize_t len = -1;

	question->packet[1]++;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&question->server, question->server_len))
		return -errno;
	if (send(fd, question->packet, (size_t)question->len, 0) > 0)
		len = recv(fd, reply, sizeof(reply), 0);
	close(fd);
	return len < 0 ? -errno : read_reply(question, reply, (int)len, ret);
}

int main(int count, char **words)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct question question = {0};
	char got[TEXT_MAX] = "";
	int fd = count < 6 ? -1 : bpf_obj_get(words[1]);

	if (fd < 0 || build(words + 3, &question)) {
		fprintf(stderr, "usage: ask COUNTERS WANTED SERVER NAME A|AAAA [+edns] "
		                "[+subnet=PREFIX/LEN]\n");
		return 1;
	}
	for (int i = 1; i <= TRIES; i++) {
		uint64_t before = hits(fd);
		int code = ask(&question, got);

		if (code || strcmp(got, words[2])) {
			printf("'%s' (%d) in place of '%s'\n", got, code, words[2]);
			return 1;
		}
		if (hits(fd) > before) {
			printf("%s, from the kernel (try %d)\n", *got ? got : "no address", i);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	printf("never answered by the kernel\n");
	return 1;
}
