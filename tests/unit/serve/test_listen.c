/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: their options, several on one address, and those that systemd gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/listen.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static struct endpoint endpoint_of(const char *text, uint16_t port)
{
	struct endpoint endpoint;

	assert_int_equal(endpoint_parse(text, port, &endpoint), 0);
	return endpoint;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct endpoint endpoint;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(endpoint_from_sockaddr(&address, &endpoint), 0);
	return endpoint.port;
}

/* A socket of somebody else's, on a port that the system picks. */
static int foreign(const char *address, int type)
{
	struct endpoint endpoint = endpoint_of(address, 1);
	struct sockaddr_storage storage;
	socklen_t len;
	int fd;

	endpoint.port = 0;
	len = endpoint_to_sockaddr(&endpoint, &storage);
	fd = socket(storage.ss_family, type, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&storage, len), 0);
	return fd;
}

static uint16_t free_port(const char *address)
{
	int fd = foreign(address, SOCK_DGRAM);
	uint16_t port = port_of(fd);

	close(fd);
	return port;
}

static void datagram_sockets_carry_what_replies_need(void **state)
{
	struct endpoint ipv4 = endpoint_of("127.0.0.1", free_port("127.0.0.1"));
	struct endpoint ipv6 = endpoint_of("::", free_port("::1"));
	int fd = listen_open(&ipv4, SOCK_DGRAM);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(option(fd, IPPROTO_IP, IP_PKTINFO), 0); /* there is one address only */
	assert_int_equal(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	ipv4.address[0] = ipv4.address[3] = 0;
	fd = listen_open(&ipv4, SOCK_DGRAM);
	assert_true(fd >= 0);
	assert_int_equal(option(fd, IPPROTO_IP, IP_PKTINFO), 1);
	close(fd);
	fd = listen_open(&ipv6, SOCK_DGRAM);
	assert_true(fd >= 0);
	assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
	assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_OMIT);
	assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	close(fd);
}

static void each_worker_has_its_own_socket_on_one_address(void **state)
{
	struct endpoint address = endpoint_of("127.0.0.1", free_port("127.0.0.1"));
	static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		int one = listen_open(&address, types[i]), two = listen_open(&address, types[i]);

		assert_true(one >= 0 && two >= 0);
		assert_int_equal(option(one, SOL_SOCKET, SO_ACCEPTCONN), types[i] == SOCK_STREAM);
		close(one);
		close(two);
	}
}

static void an_address_that_another_has_is_refused(void **state)
{
	int other = foreign("127.0.0.1", SOCK_DGRAM);
	struct endpoint address = endpoint_of("127.0.0.1", port_of(other));

	(void)state;
	assert_int_equal(listen_open(&address, SOCK_DGRAM), -EADDRINUSE);
	close(other);
}

static ino_t inode(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	return stat.st_ino;
}

/* Makes `fd` the first descriptor that systemd gave. */
static void give(int fd)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(dup2(fd, 3), 3);
}

static void a_socket_that_systemd_gave_is_taken(void **state)
{
	int kept = fcntl(3, F_DUPFD_CLOEXEC, 10), given = foreign("127.0.0.1", SOCK_DGRAM), high;
	struct endpoint address = endpoint_of("127.0.0.1", port_of(given));
	struct endpoint other = endpoint_of("127.0.0.1", free_port("127.0.0.1"));
	int fd;

	(void)state;
	high = fcntl(given, F_DUPFD_CLOEXEC, 20);
	close(given);
	give(high);
	fd = listen_open(&address, SOCK_DGRAM);
	assert_true(fd >= 0 && fd != 3);
	assert_int_equal(inode(fd), inode(high));
	assert_int_equal(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
	close(fd);
	/* Another port, or another type, is not it. */
	fd = listen_open(&other, SOCK_DGRAM);
	assert_true(fd >= 0);
	assert_int_not_equal(inode(fd), inode(high));
	close(fd);
	fd = listen_open(&address, SOCK_STREAM);
	assert_true(fd >= 0);
	assert_int_not_equal(inode(fd), inode(high));
	close(fd);
	listen_close_given();
	assert_int_equal(fcntl(3, F_GETFD), -1);
	assert_null(getenv("LISTEN_FDS"));
	close(high);
	if (kept >= 0) {
		dup2(kept, 3);
		close(kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(datagram_sockets_carry_what_replies_need),
	        cmocka_unit_test(each_worker_has_its_own_socket_on_one_address),
	        cmocka_unit_test(an_address_that_another_has_is_refused),
	        cmocka_unit_test(a_socket_that_systemd_gave_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
