/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp - batches of queries and replies (recvmmsg, sendmmsg).
 *
 * A reply leaves from the address that was asked: the packet information that
 * came with the query goes back with it (IP_PKTINFO, IPV6_PKTINFO).
 */
#ifndef ANAMED_SERVE_UDP_H
#define ANAMED_SERVE_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/net.h"

#define UDP_BATCH   64
#define UDP_CONTROL 64   /* octets of packet information */
#define UDP_SIZE    4096 /* longest query read and reply written */

struct worker;
struct listener;
struct udp_batch;

/* The way back of one query. */
struct udp_way {
	struct listener *listener;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint8_t control[UDP_CONTROL] __attribute__((aligned(8)));
	size_t control_len;
};

struct udp_batch *udp_batch_new(void); /* NULL: out of memory */
void udp_batch_free(struct udp_batch *batch);

/* Reads what is there (bounded), answers or parks it, sends. */
void udp_readable(struct worker *worker, struct listener *listener);

/* Sends one reply that was waited for. */
void udp_send(struct worker *worker, const struct udp_way *way, uint8_t *reply, size_t len);

#endif
