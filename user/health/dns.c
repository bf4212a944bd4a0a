/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A DNS check: one query over UDP, from a port of its own; the reply has the
 * id, the question, the RCODE, and the address that is expected (RFC 1035 4.1).
 * No second try: that is what `fall` is for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/wire.h"
#include "health/dns_reply.h"
#include "health/health_room.h"

struct dns_probe {
	struct probe probe; /* first */
	uv_poll_t poll;
	int fd;
	struct dns_question question;
};

static void free_dns(uv_handle_t *handle)
{
	free(handle->data);
}

static void dns_close(struct dns_probe *dns)
{
	uv_close((uv_handle_t *)&dns->poll, free_dns);
	close(dns->fd);
}

static void on_reply(uv_poll_t *poll, int status, int events)
{
	struct dns_probe *dns = poll->data;
	const struct config_check *config = dns->probe.target->key.box->config;
	uint8_t reply[4096];
	char fault[HEALTH_REASON];
	ssize_t len = recv(dns->fd, reply, sizeof(reply), 0);
	enum dns_verdict verdict;

	(void)status;
	(void)events;
	if (len < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		probe_error(&dns->probe, errno);
		dns_close(dns);
		return;
	}
	verdict = dns_judge(&dns->question, config, reply, (size_t)len, fault, sizeof(fault));
	if (verdict == DNS_NOT_OURS)
		return;
	probe_done(&dns->probe, verdict == DNS_GOOD, probe_age_us(&dns->probe), "%s",
	           verdict == DNS_GOOD ? "ok" : fault);
	dns_close(dns);
}

/* A connected socket that the query has left by, or a negative errno. */
static int send_query(const struct endpoint *endpoint, const struct dns_question *question)
{
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, len) == 0 &&
	    send(fd, question->octets, question->len, 0) == (ssize_t)question->len)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static int dns_start(struct target *target, struct probe **ret)
{
	struct endpoint endpoint = target_endpoint(target);
	struct dns_probe *dns = calloc(1, sizeof(*dns));
	uint16_t id = 0;

	if (!dns || getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id)) {
		free(dns);
		return -ENOMEM;
	}
	dns->probe = (struct probe){target, &dns_kind, probe_now_us()};
	dns_ask(target->key.box->config, id, &dns->question);
	dns->fd = send_query(&endpoint, &dns->question);
	if (dns->fd >= 0 && uv_poll_init(target->health->loop, &dns->poll, dns->fd)) {
		close(dns->fd);
		dns->fd = -ENOMEM;
	}
	if (dns->fd < 0) {
		int err = dns->fd;

		free(dns);
		return err;
	}
	dns->poll.data = dns;
	uv_poll_start(&dns->poll, UV_READABLE, on_reply);
	*ret = &dns->probe;
	return 0;
}

static void dns_cancel(struct probe *probe)
{
	dns_close((struct dns_probe *)probe);
}

const struct probe_kind dns_kind = {dns_start, dns_cancel};
