/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/worker.h"
#include "zone/ahead.h"

#define ROUNDS 4 /* full batches in a row before other sockets get their turn */

struct udp_batch {
	struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
	struct iovec in_data[UDP_BATCH], out_data[UDP_BATCH];
	struct sockaddr_storage peer[UDP_BATCH];
	uint8_t control[UDP_BATCH][UDP_CONTROL] __attribute__((aligned(8)));
	/* Rows of a whole page would all lie in the same few lines of the first cache. */
	uint8_t query[UDP_BATCH][UDP_SIZE + 64];
	uint8_t reply[UDP_BATCH * UDP_SIZE]; /* one behind the other */
};

struct udp_batch *udp_batch_new(void)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	for (unsigned int i = 0; i < UDP_BATCH; i++) {
		batch->in_data[i] = (struct iovec){batch->query[i], UDP_SIZE};
		batch->in[i].msg_hdr.msg_iov = &batch->in_data[i];
		batch->in[i].msg_hdr.msg_iovlen = 1;
		batch->in[i].msg_hdr.msg_name = &batch->peer[i];
		batch->in[i].msg_hdr.msg_control = batch->control[i];
		batch->out[i].msg_hdr.msg_iov = &batch->out_data[i];
		batch->out[i].msg_hdr.msg_iovlen = 1;
	}
	return batch;
}

void udp_batch_free(struct udp_batch *batch)
{
	free(batch);
}

static int receive(struct udp_batch *batch, int fd)
{
	for (unsigned int i = 0; i < UDP_BATCH; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(batch->peer[i]);
		batch->in[i].msg_hdr.msg_controllen = UDP_CONTROL;
	}
	return recvmmsg(fd, batch->in, UDP_BATCH, MSG_DONTWAIT, NULL);
}

/* The way in becomes the way out: the same packet information, but the interface is left to
 * routing, unless the peer is on a link. */
static void turn_control(struct msghdr *header, const struct endpoint *peer)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);

	if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex = 0;
	else if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO && !peer->scope)
		((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_ifindex = 0;
}

static void send_batch(struct worker *worker, int fd, struct mmsghdr *out, unsigned int count)
{
	while (count) {
		int sent = sendmmsg(fd, out, count, MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			/* The first one cannot go (its peer cannot be reached, or the socket is
			 * full): a datagram may be lost, the others need not be. */
			count_one(&worker->stats.send_errors);
			sent = 1;
		} else {
			count_add(&worker->stats.udp_replies, (uint64_t)sent);
		}
		out += sent;
		count -= (unsigned int)sent;
	}
}

static void way_of(const struct msghdr *header, struct listener *listener, struct udp_way *ret)
{
	ret->listener = listener;
	ret->peer_len = header->msg_namelen;
	memcpy(&ret->peer, header->msg_name, header->msg_namelen);
	ret->control_len = header->msg_controllen;
	memcpy(ret->control, header->msg_control, header->msg_controllen);
}

/* One query of the batch. True: a reply of *ret_len octets stands in `reply`. */
static bool answer(struct worker *worker, struct listener *listener, struct mmsghdr *message,
                   uint64_t now_ms, uint8_t *reply, size_t *ret_len)
{
	struct respond_input input = {.packet = message->msg_hdr.msg_iov->iov_base,
	                              .len = message->msg_len,
	                              .now_ms = now_ms};
	struct respond_result result;
	struct udp_way way;

	count_one(&worker->stats.udp_queries);
	if (listener->family == AN_FAMILY_IPV6)
		count_one(&worker->stats.udp_ipv6);
	/* Nothing can be sent to port 0. */
	if (endpoint_from_sockaddr(message->msg_hdr.msg_name, &input.source) ||
	    !input.source.port) {
		count_one(&worker->stats.dropped);
		return false;
	}
	turn_control(&message->msg_hdr, &input.source);
	worker_respond(worker, &input, reply, UDP_SIZE, NULL, &result);
	*ret_len = result.len;
	if (result.verdict != RESPOND_WAIT)
		return result.verdict == RESPOND_SEND;
	way_of(&message->msg_hdr, listener, &way);
	if (!park_put(worker, &input, &result.want, &way, NULL))
		count_one(&worker->stats.dropped);
	return false;
}

/* The zones' memory that the batch will need. */
static void look_ahead(const struct udp_batch *batch, unsigned int count)
{
	const struct zones *zones = rcu_dereference(serve_world)->zones;
	struct zone_ahead ahead[UDP_BATCH];

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *name = batch->query[i] + AN_DNS_HEADER_LEN;
		int len = -1;

		if (batch->in[i].msg_len > AN_DNS_HEADER_LEN)
			len = name_parse_wire(name, batch->in[i].msg_len - AN_DNS_HEADER_LEN);
		if (len > 0)
			zone_ahead_begin(&ahead[i], zones, name, (size_t)len);
		else
			ahead[i] = (struct zone_ahead){0};
	}
	zone_ahead_walk(ahead, count);
}

static void answer_batch(struct worker *worker, struct listener *listener, unsigned int count)
{
	struct udp_batch *batch = worker->batch;
	uint64_t now_ms = clock_ms();
	unsigned int replies = 0;
	uint8_t *reply = batch->reply;

	rcu_read_lock();
	if (count > 1)
		look_ahead(batch, count);
	for (unsigned int i = 0; i < count; i++) {
		struct msghdr *in = &batch->in[i].msg_hdr, *out = &batch->out[replies].msg_hdr;
		size_t len;

		if (!answer(worker, listener, &batch->in[i], now_ms, reply, &len))
			continue;
		batch->out_data[replies] = (struct iovec){reply, len};
		reply += (len + 7) & ~(size_t)7;
		out->msg_name = in->msg_name;
		out->msg_namelen = in->msg_namelen;
		out->msg_control = in->msg_control;
		out->msg_controllen = in->msg_controllen;
		replies++;
	}
	rcu_read_unlock();
	send_batch(worker, listener->source.fd, batch->out, replies);
}

void udp_readable(struct worker *worker, struct listener *listener)
{
	for (unsigned int round = 0; round < ROUNDS; round++) {
		int count = receive(worker->batch, listener->source.fd);

		if (count <= 0)
			return;
		answer_batch(worker, listener, (unsigned int)count);
		if (count < UDP_BATCH)
			return;
	}
}

void udp_send(struct worker *worker, const struct udp_way *way, uint8_t *reply, size_t len)
{
	struct udp_way copy = *way;
	struct iovec data = {reply, len};
	struct mmsghdr message = {.msg_hdr = {
	                                  .msg_name = &copy.peer,
	                                  .msg_namelen = copy.peer_len,
	                                  .msg_iov = &data,
	                                  .msg_iovlen = 1,
	                                  .msg_control = copy.control,
	                                  .msg_controllen = copy.control_len,
	                          }};

	send_batch(worker, way->listener->source.fd, &message, 1);
}
