/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP check: the handshake is done. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "health/health_room.h"

struct tcp_probe {
	struct probe probe; /* first */
	uv_poll_t poll;
	int fd;
};

static void free_tcp(uv_handle_t *handle)
{
	free(handle->data);
}

/* Nothing is said to the other side: it is let go by a reset, which leaves no TIME_WAIT behind. */
static void tcp_close(struct tcp_probe *tcp)
{
	static const struct linger at_once = {.l_onoff = 1};

	setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	uv_close((uv_handle_t *)&tcp->poll, free_tcp);
	close(tcp->fd);
}

/* The kernel's own measurement of the handshake, which our loop's work is not in. */
static uint32_t handshake_us(const struct tcp_probe *tcp)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(tcp->fd, IPPROTO_TCP, TCP_INFO, &info, &len) || !info.tcpi_rtt)
		return probe_age_us(&tcp->probe);
	return info.tcpi_rtt;
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
	struct tcp_probe *tcp = poll->data;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)status;
	(void)events;
	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		probe_error(&tcp->probe, err);
	else
		probe_done(&tcp->probe, true, handshake_us(tcp), "ok");
	tcp_close(tcp);
}

static int connect_to(const struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static int tcp_start(struct target *target, struct probe **ret)
{
	struct endpoint endpoint = target_endpoint(target);
	struct tcp_probe *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return -ENOMEM;
	tcp->probe = (struct probe){target, &tcp_kind, probe_now_us()};
	tcp->fd = connect_to(&endpoint);
	if (tcp->fd >= 0 && uv_poll_init(target->health->loop, &tcp->poll, tcp->fd)) {
		close(tcp->fd);
		tcp->fd = -ENOMEM;
	}
	if (tcp->fd < 0) {
		int err = tcp->fd;

		free(tcp);
		return err;
	}
	tcp->poll.data = tcp;
	uv_poll_start(&tcp->poll, UV_WRITABLE, on_connected);
	*ret = &tcp->probe;
	return 0;
}

static void tcp_cancel(struct probe *probe)
{
	tcp_close((struct tcp_probe *)probe);
}

const struct probe_kind tcp_kind = {tcp_start, tcp_cancel};
