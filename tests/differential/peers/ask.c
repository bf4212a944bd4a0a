/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask [-a] QUESTIONS PORT... - puts the same questions to several servers on
 * 127.0.0.1 and prints what they say where they differ (-a: always).
 *
 * QUESTIONS is a file of {transport "u" or "t", length (16 bits), query}; the
 * id is set here. UDP: many questions in flight, asked again when silent. TCP:
 * one connection a server. Prints "Q INDEX" and for each server reply_text()
 * and an empty line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "differential/peers/reply.h"

#define SERVERS_MAX 8
#define FLIGHT      64 /* questions under way with one server */
#define TRIES       8
#define WAIT_MS     700
#define PACKET_MAX  65535

struct question {
	const uint8_t *query;
	uint16_t len;
	bool tcp;
	char *text[SERVERS_MAX];
};

struct flight {
	struct question *question; /* NULL: free */
	unsigned int tries;
	uint64_t again_ms;
};

struct server {
	struct sockaddr_in address;
	int udp, tcp;
	unsigned int number, flying;
	size_t next; /* question to be sent first over UDP */
	size_t left; /* UDP questions without reply */
	struct flight flights[FLIGHT];
};

static struct question *questions;
static size_t question_count;
static struct server servers[SERVERS_MAX];
static unsigned int server_count;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "ask: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- questions ---- */

static void add_question(const uint8_t *at)
{
	size_t room = question_count & (question_count - 1) ? 0 : 2 * question_count + 1;

	if (room) {
		questions = realloc(questions, room * sizeof(*questions));
		if (!questions)
			die("memory");
	}
	questions[question_count++] = (struct question){
	        .tcp = at[0] == 't',
	        .len = (uint16_t)(at[1] << 8 | at[2]),
	        .query = at + 3,
	};
}

static void read_questions(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *file;
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		die(path);
	if (!status.st_size)
		return;
	file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		die(path);
	close(fd);
	for (size_t at = 0; at < (size_t)status.st_size;
	     at += 3U + questions[question_count - 1].len)
		add_question(file + at);
}

static void keep_reply(const struct server *server, struct question *question, const uint8_t *reply,
                       size_t len)
{
	question->text[server->number] = reply_text(question->query, question->len, reply, len);
	if (!question->text[server->number])
		die("memory");
}

/* ---- UDP: the id is the place in the flight, and how often that was used ---- */

static void send_flight(struct server *server, unsigned int place)
{
	struct flight *flight = &server->flights[place];
	uint8_t packet[512 + 64];
	uint16_t id = htons((uint16_t)(place << 8 | flight->tries));

	memcpy(packet, flight->question->query, flight->question->len);
	memcpy(packet, &id, sizeof(id));
	flight->tries++;
	flight->again_ms = clock_ms() + WAIT_MS;
	/* What is lost is sent again. */
	(void)!send(server->udp, packet, flight->question->len, MSG_NOSIGNAL);
}

static void land(struct server *server, struct flight *flight, const uint8_t *reply, size_t len)
{
	keep_reply(server, flight->question, reply, len);
	flight->question = NULL;
	server->flying--;
	server->left--;
}

static struct question *next_question(struct server *server)
{
	while (server->next < question_count) {
		struct question *question = &questions[server->next++];

		if (!question->tcp)
			return question;
	}
	return NULL;
}

static void fill_flights(struct server *server)
{
	for (unsigned int i = 0; i < FLIGHT; i++) {
		struct flight *flight = &server->flights[i];

		if (flight->question)
			continue;
		flight->question = next_question(server);
		if (!flight->question)
			return;
		flight->tries = 0;
		server->flying++;
		send_flight(server, i);
	}
}

/* Is this a reply to what flies there now? A late one to an earlier question has another name. */
static bool belongs(const struct flight *flight, const uint8_t *reply, size_t len)
{
	const struct question *question = flight->question;
	size_t name = 12;

	if (!question || len < 12 || !(reply[2] & 0x80))
		return false;
	while (question->query[name])
		name += 1U + question->query[name];
	name += 5;
	return len >= name && !memcmp(reply + 12, question->query + 12, name - 12);
}

static void receive(struct server *server)
{
	static uint8_t reply[PACKET_MAX];
	ssize_t len;

	while ((len = recv(server->udp, reply, sizeof(reply), MSG_DONTWAIT)) >= 0) {
		struct flight *flight = &server->flights[reply[0] % FLIGHT];

		if (belongs(flight, reply, (size_t)len))
			land(server, flight, reply, (size_t)len);
	}
}

static void send_again(struct server *server)
{
	uint64_t now = clock_ms();

	for (unsigned int i = 0; i < FLIGHT; i++) {
		struct flight *flight = &server->flights[i];

		if (!flight->question || flight->again_ms > now)
			continue;
		if (flight->tries == TRIES)
			land(server, flight, NULL, 0);
		else
			send_flight(server, i);
	}
}

static void ask_udp(void)
{
	struct pollfd polls[SERVERS_MAX];
	size_t left;

	do {
		left = 0;
		for (unsigned int i = 0; i < server_count; i++) {
			fill_flights(&servers[i]);
			polls[i] = (struct pollfd){.fd = servers[i].udp, .events = POLLIN};
			left += servers[i].left;
		}
		if (left && poll(polls, server_count, 50) < 0 && errno != EINTR)
			die("poll");
		for (unsigned int i = 0; i < server_count; i++) {
			receive(&servers[i]);
			send_again(&servers[i]);
		}
	} while (left);
}

/* ---- TCP ---- */

static bool all(ssize_t (*move)(int fd, void *data, size_t len), int fd, void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t now = move(fd, (uint8_t *)data + done, len - done);

		if (now <= 0)
			return false;
		done += (size_t)now;
	}
	return true;
}

static ssize_t move_out(int fd, void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL);
}

static ssize_t move_in(int fd, void *data, size_t len)
{
	return recv(fd, data, len, 0);
}

static void connect_tcp(struct server *server)
{
	struct timeval limit = {.tv_sec = 5};

	if (server->tcp >= 0)
		close(server->tcp);
	server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server->tcp, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(server->tcp, (const struct sockaddr *)&server->address,
	            sizeof(server->address)))
		die("connect");
}

/* Length of the reply; 0: the connection was lost. */
static size_t exchange(int fd, const struct question *question, uint8_t reply[PACKET_MAX])
{
	uint8_t packet[2 + 512 + 64] = {(uint8_t)(question->len >> 8), (uint8_t)question->len};
	uint8_t size[2];
	size_t len;

	memcpy(packet + 2, question->query, question->len);
	if (!all(move_out, fd, packet, 2U + question->len) || !all(move_in, fd, size, 2))
		return 0;
	len = (size_t)(size[0] << 8 | size[1]);
	return all(move_in, fd, reply, len) ? len : 0;
}

static void ask_tcp(struct server *server)
{
	static uint8_t reply[PACKET_MAX];

	server->tcp = -1;
	for (size_t i = 0; i < question_count; i++) {
		size_t len = 0;

		if (!questions[i].tcp)
			continue;
		/* A server may close between two questions. */
		for (unsigned int tries = 0; !len && tries < 3; tries++) {
			if (server->tcp < 0 || tries)
				connect_tcp(server);
			len = exchange(server->tcp, &questions[i], reply);
		}
		keep_reply(server, &questions[i], reply, len);
	}
	if (server->tcp >= 0)
		close(server->tcp);
}

/* ---- all of it ---- */

static void add_server(const char *port)
{
	struct server *server = &servers[server_count];

	if (server_count == SERVERS_MAX)
		die("too many servers");
	server->number = server_count++;
	server->address.sin_family = AF_INET;
	server->address.sin_port = htons((uint16_t)atoi(port));
	server->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connect(server->udp, (const struct sockaddr *)&server->address,
	            sizeof(server->address)))
		die("connect");
	for (size_t i = 0; i < question_count; i++)
		server->left += !questions[i].tcp;
}

static void print(size_t index, bool always)
{
	const struct question *question = &questions[index];
	bool same = true;

	for (unsigned int i = 1; i < server_count; i++)
		same = same && !strcmp(question->text[0], question->text[i]);
	if (same && !always)
		return;
	printf("Q %zu\n", index);
	for (unsigned int i = 0; i < server_count; i++)
		printf("%s\n", question->text[i]);
}

int main(int argc, char **argv)
{
	bool always = argc > 1 && !strcmp(argv[1], "-a");

	argv += always;
	argc -= always;
	if (argc < 3) {
		fprintf(stderr, "usage: ask [-a] QUESTIONS PORT...\n");
		return 2;
	}
	read_questions(argv[1]);
	for (int i = 2; i < argc; i++)
		add_server(argv[i]);
	ask_udp();
	for (unsigned int i = 0; i < server_count; i++)
		ask_tcp(&servers[i]);
	for (size_t i = 0; i < question_count; i++)
		print(i, always);
	return fflush(stdout) ? 2 : 0;
}
