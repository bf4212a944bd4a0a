/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG     256
#define BUFFER_SIZE (4 << 20)

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static bool is_given(int fd, const struct endpoint *address, int type)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	struct endpoint have;
	int have_type;
	socklen_t type_len = sizeof(have_type);

	return !getsockname(fd, (struct sockaddr *)&bound, &len) &&
	       !endpoint_from_sockaddr(&bound, &have) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &have_type, &type_len) && have_type == type &&
	       have.family == address->family && have.port == address->port &&
	       !memcmp(have.address, address->address, sizeof(have.address));
}

/* A copy of the socket that systemd gave for this address; -ENOENT. */
static int find_given(const struct endpoint *address, int type)
{
	int count = sd_listen_fds(0);

	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!is_given(fd, address, type))
			continue;
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

void listen_close_given(void)
{
	int count = sd_listen_fds(1);

	for (int i = 0; i < count; i++)
		close(SD_LISTEN_FDS_START + i);
}

static bool is_wildcard(const struct endpoint *address)
{
	static const uint8_t any[16];

	return !memcmp(address->address, any, sizeof(any));
}

/* What is bound to one address answers from it anyway: packet information costs each datagram. */
static int set_packet_information(int fd, const struct endpoint *address)
{
	if (!is_wildcard(address))
		return 0;
	return address->family == AN_FAMILY_IPV6 ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	                                         : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static int set_datagram(int fd, const struct endpoint *address)
{
	bool ipv6 = address->family == AN_FAMILY_IPV6;
	int error;

	/* Past the system's limit while we are root, so that a burst waits instead of being lost.
	 */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE))
		set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_SIZE))
		set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_SIZE);
	error = set_packet_information(fd, address);
	if (error)
		return error;
	return ipv6 ? set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
	            : set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

static int bind_to(int fd, const struct endpoint *address)
{
	struct sockaddr_storage storage;
	socklen_t len = endpoint_to_sockaddr(address, &storage);
	int error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	if (!error)
		error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error && address->family == AN_FAMILY_IPV6)
		error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!error && bind(fd, (struct sockaddr *)&storage, len))
		error = -errno;
	return error;
}

static int open_own(const struct endpoint *address, int type, int *ret)
{
	bool ipv6 = address->family == AN_FAMILY_IPV6;
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = bind_to(fd, address);
	if (!error && type == SOCK_STREAM && listen(fd, BACKLOG))
		error = -errno;
	if (error)
		close(fd);
	else
		*ret = fd;
	return error;
}

int listen_open(const struct endpoint *address, int type)
{
	int fd = find_given(address, type), error = 0;

	if (fd == -ENOENT)
		error = open_own(address, type, &fd);
	if (error || fd < 0)
		return error ? error : fd;
	if (type == SOCK_DGRAM)
		error = set_datagram(fd, address);
	if (!error && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		error = -errno;
	if (error)
		close(fd);
	return error ? error : fd;
}
