/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP checks: an echo request (RFC 792, RFC 4443 4.1) and the reply that
 * brings its random octets back from that address.
 *
 * One socket a family for all of them: a raw one, opened while root is there,
 * else a ping socket, which the group of the process has to be allowed
 * (net.ipv4.ping_group_range). Without either an ICMP check has no result.
 */
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/wire.h"
#include "health/health_room.h"

#define ECHO_LEN   8 /* header: type, code, checksum, id, sequence */
#define NONCE_LEN  16
#define PACKET_LEN (ECHO_LEN + NONCE_LEN)

struct icmp_probe {
	struct probe probe; /* first */
	struct icmp_part *part;
	uint8_t nonce[NONCE_LEN];
	UT_hash_handle hh;
};

struct icmp_socket {
	struct icmp_part *part;
	uv_poll_t poll;
	uint8_t family;
	bool raw;
	int fd; /* negative errno: there is none */
};

struct icmp_part {
	struct health *health;
	struct icmp_socket sockets[2];
	struct icmp_probe *waiting; /* by nonce */
	unsigned int open;
	bool said;
};

/* ---- packets ---- */

static uint16_t checksum(const uint8_t *octets, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* The kernel fills in the checksum of IPv6, and a ping socket's id. */
static void make_request(const struct icmp_probe *icmp, uint8_t family, uint8_t ret[PACKET_LEN])
{
	struct wire w = wire_writer(ret, PACKET_LEN);

	wire_put8(&w, family == AN_FAMILY_IPV6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
	wire_put8(&w, 0);
	wire_put16(&w, 0);
	wire_put(&w, icmp->nonce, 4); /* id, sequence */
	wire_put(&w, icmp->nonce, NONCE_LEN);
	if (family == AN_FAMILY_IPV4)
		wire_set16(&w, 2, checksum(ret, PACKET_LEN));
}

/* The random octets of an echo reply; NULL: it is none. */
static const uint8_t *nonce_of(const struct icmp_socket *socket, const uint8_t *packet, size_t len)
{
	struct wire w = wire_reader(packet, len);
	unsigned int type;

	/* A raw IPv4 socket gives the IP header as well. */
	if (socket->raw && socket->family == AN_FAMILY_IPV4)
		wire_take(&w, len ? (packet[0] & 0xfU) * 4 : 1);
	type = wire_get8(&w);
	wire_take(&w, ECHO_LEN - 1);
	if (type != (socket->family == AN_FAMILY_IPV6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
		return NULL;
	return wire_take(&w, NONCE_LEN);
}

/* ---- replies ---- */

static void take_reply(struct icmp_socket *socket, const uint8_t *packet, size_t len,
                       const struct endpoint *from)
{
	struct icmp_part *part = socket->part;
	const uint8_t *nonce = nonce_of(socket, packet, len);
	struct icmp_probe *icmp = NULL;

	if (nonce)
		HASH_FIND(hh, part->waiting, nonce, NONCE_LEN, icmp);
	if (!icmp || icmp->probe.target->key.family != from->family ||
	    memcmp(icmp->probe.target->key.address, from->address, 16) != 0)
		return;
	HASH_DEL(part->waiting, icmp);
	probe_done(&icmp->probe, true, probe_age_us(&icmp->probe), "ok");
	free(icmp);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct icmp_socket *socket = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage address;
		socklen_t address_len = sizeof(address);
		struct endpoint from;
		uint8_t packet[256];
		ssize_t len = recvfrom(socket->fd, packet, sizeof(packet), 0,
		                       (struct sockaddr *)&address, &address_len);

		if (len < 0)
			return;
		if (!endpoint_from_sockaddr(&address, &from))
			take_reply(socket, packet, (size_t)len, &from);
	}
}

/* ---- sockets ---- */

/* Only echo replies come up. */
static void filter(const struct icmp_socket *socket)
{
	struct icmp_filter filter4 = {.data = ~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter filter6;

	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	if (socket->family == AN_FAMILY_IPV4)
		setsockopt(socket->fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4));
	else
		setsockopt(socket->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6));
}

static void open_socket(struct icmp_socket *icmp)
{
	int domain = icmp->family == AN_FAMILY_IPV6 ? AF_INET6 : AF_INET;
	int protocol = icmp->family == AN_FAMILY_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	icmp->raw = true;
	icmp->fd = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (icmp->fd < 0) {
		icmp->raw = false;
		icmp->fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (icmp->fd < 0) {
		icmp->fd = -errno;
		return;
	}
	if (icmp->raw)
		filter(icmp);
	if (uv_poll_init(icmp->part->health->loop, &icmp->poll, icmp->fd)) {
		close(icmp->fd);
		icmp->fd = -ENOMEM;
		return;
	}
	icmp->poll.data = icmp;
	icmp->part->open++;
	uv_poll_start(&icmp->poll, UV_READABLE, on_readable);
}

struct icmp_part *icmp_part_new(struct health *health)
{
	struct icmp_part *part = calloc(1, sizeof(*part));

	if (!part)
		return NULL;
	part->health = health;
	for (unsigned int i = 0; i < 2; i++) {
		part->sockets[i].part = part;
		part->sockets[i].family = i ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
		open_socket(&part->sockets[i]);
	}
	return part;
}

static void on_closed(uv_handle_t *handle)
{
	struct icmp_socket *socket = handle->data;

	if (!--socket->part->open)
		free(socket->part);
}

void icmp_part_free(struct icmp_part *part)
{
	if (!part->open) {
		free(part);
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (part->sockets[i].fd < 0)
			continue;
		uv_close((uv_handle_t *)&part->sockets[i].poll, on_closed);
		close(part->sockets[i].fd);
	}
}

/* ---- the kind ---- */

static int send_request(const struct icmp_socket *socket, const struct icmp_probe *icmp)
{
	struct endpoint endpoint = {.family = socket->family};
	uint8_t packet[PACKET_LEN];
	struct sockaddr_storage address;
	socklen_t len;

	memcpy(endpoint.address, icmp->probe.target->key.address, sizeof(endpoint.address));
	len = endpoint_to_sockaddr(&endpoint, &address);
	make_request(icmp, socket->family, packet);
	if (sendto(socket->fd, packet, sizeof(packet), 0, (struct sockaddr *)&address, len) < 0)
		return -errno;
	return 0;
}

static void say_missing(struct icmp_part *part, int err)
{
	if (!part->said)
		log_warning("health: no socket for ICMP (%s): checks of kind icmp have no results",
		            strerror(err));
	part->said = true;
}

static int icmp_start(struct target *target, struct probe **ret)
{
	struct icmp_part *part = target->health->icmp;
	struct icmp_socket *socket = &part->sockets[target->key.family == AN_FAMILY_IPV6];
	struct icmp_probe *icmp;
	int err;

	if (socket->fd < 0) {
		say_missing(part, -socket->fd);
		return -ENOTSUP;
	}
	icmp = calloc(1, sizeof(*icmp));
	if (!icmp || getrandom(icmp->nonce, NONCE_LEN, GRND_NONBLOCK) != NONCE_LEN) {
		free(icmp);
		return -ENOMEM;
	}
	icmp->part = part;
	icmp->probe = (struct probe){target, &icmp_kind, probe_now_us()};
	HASH_ADD(hh, part->waiting, nonce, NONCE_LEN, icmp);
	if (!HASH_ADDED(icmp)) {
		free(icmp);
		return -ENOMEM;
	}
	err = send_request(socket, icmp);
	if (err) {
		HASH_DEL(part->waiting, icmp);
		free(icmp);
		return err;
	}
	*ret = &icmp->probe;
	return 0;
}

static void icmp_cancel(struct probe *probe)
{
	struct icmp_probe *icmp = (struct icmp_probe *)probe;

	HASH_DEL(icmp->part->waiting, icmp);
	free(icmp);
}

const struct probe_kind icmp_kind = {icmp_start, icmp_cancel};
