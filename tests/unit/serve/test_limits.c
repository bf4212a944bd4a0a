/* SPDX-License-Identifier: BSD-2-Clause */
/* What one client, or many idle ones, can take from the others: connections, time, turns. */
#include <pthread.h>

#include "serve/clients.h"
#include "unit/serve/edge.h"

#define PER_CLIENT 3

static int setup_per_client(void **state)
{
	setup_idle(state);
	scene.config->tcp_max_per_client = PER_CLIENT;
	reopen();
	start();
	return 0;
}

static void ask_www(int fd)
{
	uint16_t id;

	write_framed(fd, "www.example.test.", AN_TYPE_A, 1);
	assert_string_equal(read_framed(fd, &id), WWW);
}

/* Two workers: whichever of them accepts, the client is one. */
static void client_has_so_many_connections_and_no_more(void **state)
{
	int mine[PER_CLIENT], other;
	uint8_t octet;

	(void)state;
	for (unsigned int i = 0; i < PER_CLIENT; i++) {
		mine[i] = dial_from("127.0.0.1", "127.0.0.1", SOCK_STREAM);
		ask_www(mine[i]);
	}
	for (unsigned int i = 0; i < 4; i++) {
		other = dial_from("127.0.0.1", "127.0.0.1", SOCK_STREAM);
		assert_true(recv(other, &octet, 1, 0) <= 0);
		close(other);
	}
	AWAIT(stats_now().tcp_refused == 4);
	other = dial_from("127.0.0.2", "127.0.0.1", SOCK_STREAM);
	ask_www(other);
	close(other);
	/* One that goes makes room for one that comes. */
	close(mine[0]);
	AWAIT(stats_now().tcp_open == PER_CLIENT - 1);
	mine[0] = dial_from("127.0.0.1", "127.0.0.1", SOCK_STREAM);
	for (unsigned int i = 0; i < PER_CLIENT; i++) {
		ask_www(mine[i]);
		close(mine[i]);
	}
}

static void client_is_an_address_or_a_network_of_64_bits(void **state)
{
	static const char *const same[][2] = {{"2001:db8::1", "2001:db8::ffff:1"},
	                                      {"192.0.2.1", "192.0.2.1"}};
	static const char *const others[][2] = {{"2001:db8::1", "2001:db8:0:1::1"},
	                                        {"192.0.2.1", "192.0.2.2"}};
	struct clients *clients = clients_new(1);
	struct endpoint a, b;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		endpoint_parse(same[i][0], 1, &a);
		endpoint_parse(same[i][1], 2, &b);
		assert_int_equal(clients_enter(clients, &a), 0);
		assert_int_equal(clients_enter(clients, &b), -EBUSY);
		clients_leave(clients, &a);
		assert_int_equal(clients_enter(clients, &b), 0);
		clients_leave(clients, &b);
		endpoint_parse(others[i][1], 2, &b);
		assert_int_equal(clients_enter(clients, &a), 0);
		assert_int_equal(clients_enter(clients, &b), 0);
		clients_leave(clients, &a);
		clients_leave(clients, &b);
	}
	clients_free(clients);
	clients = clients_new(0);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(clients_enter(clients, &a), 0);
	clients_free(clients);
}

#define MANY      8
#define MANY_IDLE 2000

static int setup_scarce(void **state)
{
	setup_idle(state);
	scene.config->workers = 1;
	scene.config->tcp_max = MANY;
	scene.config->tcp_idle_ms = MANY_IDLE;
	reopen();
	start();
	return 0;
}

static void idle_time_shrinks_as_connections_get_scarce(void **state)
{
	int fd[MANY];
	uint64_t begin_ms;
	uint8_t octet;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		fd[i] = dial("127.0.0.1", SOCK_STREAM);
	AWAIT(stats_now().tcp_open == MANY);
	begin_ms = clock_ms();
	assert_int_equal(recv(fd[0], &octet, 1, 0), 0);
	assert_in_range(clock_ms() - begin_ms, MANY_IDLE / 8 - 50, MANY_IDLE / 2);
	/* Down to half of all; those have all the time there is. */
	AWAIT(stats_now().tcp_open == MANY / 2);
	assert_in_range(clock_ms() - begin_ms, MANY_IDLE / 4, MANY_IDLE - 100);
	ask_www(fd[MANY - 1]);
	for (unsigned int i = 0; i < MANY; i++)
		close(fd[i]);
}

/* Silent ones, and ones that have sent half of something, hold every place there is. */
static void half_open_connections_hold_nobody(void **state)
{
	static const uint8_t halves[][3] = {{0}, {0, 40}, {0, 40, 1}};
	int held[2 * MANY], fd;
	uint16_t id;

	(void)state;
	for (unsigned int i = 0; i < 2 * MANY; i++) {
		held[i] = dial("127.0.0.1", SOCK_STREAM);
		assert_int_equal(send(held[i], halves[i % 3], i % 3 + 1, MSG_NOSIGNAL), i % 3 + 1);
	}
	AWAIT(stats_now().tcp_accepted == 2 * MANY);
	fd = dial("127.0.0.1", SOCK_STREAM);
	write_framed(fd, "www.example.test.", AN_TYPE_A, 1);
	assert_string_equal(read_framed(fd, &id), WWW);
	assert_int_equal(stats_now().tcp_refused, 0);
	/* Octets without a query win no time: all but the one that asks are closed. */
	for (unsigned int i = 0; i < 2 * MANY; i++) {
		uint8_t octet;

		assert_true(recv(held[i], &octet, 1, 0) <= 0);
		close(held[i]);
	}
	close(fd);
}

#define SIP 96 /* octets every 10 ms: less than 4096 within the idle time-out of 200 ms */

/* A client with hardly any room, so that what it takes is seen at once. */
static int dial_narrow(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons(port),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), room = 2048;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Takes a little and sends a little all the time, and so shows that it lives. */
static void reader_that_sips_is_not_waited_for(void **state)
{
	uint64_t last_ms = clock_ms() + PATIENCE_MS;
	uint8_t octets[SIP];
	int fd = dial_narrow();

	(void)state;
	for (uint16_t i = 0; i < 5; i++)
		write_framed(fd, "large.example.test.", AN_TYPE_TXT, i);
	AWAIT(stats_now().tcp_replies >= 2);
	while (stats_now().tcp_open && clock_ms() < last_ms) {
		/* Of a message that never is a whole one. */
		send(fd, "\377", 1, MSG_NOSIGNAL);
		recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
		poll(NULL, 0, 10);
	}
	assert_int_equal(stats_now().tcp_open, 0);
	close(fd);
}

#define FLOOD 4000

struct flood {
	int fd;
	bool done; /* atomic */
};

static void *flood_write(void *arg)
{
	struct flood *flood = arg;

	for (unsigned int i = 0; i < FLOOD; i++)
		write_framed(flood->fd, "large.example.test.", AN_TYPE_TXT, (uint16_t)i);
	return NULL;
}

static void *flood_read(void *arg)
{
	struct flood *flood = arg;
	uint16_t id;

	for (unsigned int i = 0; i < FLOOD; i++)
		assert_non_null(read_framed(flood->fd, &id));
	__atomic_store_n(&flood->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int setup_one_worker(void **state)
{
	setup_idle(state);
	scene.config->workers = 1;
	reopen();
	start();
	return 0;
}

/* One client asks and reads as fast as it can, 100 megaoctets; the others have their turns. */
static void busy_connection_leaves_turns_to_the_others(void **state)
{
	struct flood flood = {.fd = dial("127.0.0.1", SOCK_STREAM)};
	int stream = dial("127.0.0.1", SOCK_STREAM), datagram = dial("127.0.0.1", SOCK_DGRAM);
	pthread_t writer, reader;
	uint8_t reply[512];

	(void)state;
	pthread_create(&writer, NULL, flood_write, &flood);
	pthread_create(&reader, NULL, flood_read, &flood);
	AWAIT(stats_now().tcp_replies > 10);
	for (unsigned int i = 0; i < 5; i++) {
		uint8_t head[2];

		write_framed(stream, "www.example.test.", AN_TYPE_A, 1);
		assert_true(read_all(stream, head, 2));
		assert_true(read_all(stream, reply, (size_t)head[0] << 8 | head[1]));
		send_query(datagram, "www.example.test.", AN_TYPE_A, 2);
		assert_true(recv(datagram, reply, sizeof(reply), 0) > 12);
	}
	assert_false(__atomic_load_n(&flood.done, __ATOMIC_ACQUIRE));
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	assert_true(flood.done);
	close(flood.fd);
	close(stream);
	close(datagram);
}

/* Who has said all and wants to read all gets it, turn by turn. */
static void every_query_before_the_end_is_answered(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	uint16_t id;

	(void)state;
	for (uint16_t i = 0; i < 500; i++)
		write_framed(fd, "www.example.test.", AN_TYPE_A, (uint16_t)(i + 1));
	shutdown(fd, SHUT_WR);
	for (uint16_t i = 0; i < 500; i++) {
		assert_string_equal(read_framed(fd, &id), WWW);
		assert_int_equal(id, i + 1);
	}
	assert_null(read_framed(fd, &id));
	close(fd);
	AWAIT(stats_now().tcp_open == 0);
}

int main(void)
{
#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(client_has_so_many_connections_and_no_more, setup_per_client),
	        cmocka_unit_test(client_is_an_address_or_a_network_of_64_bits),
	        TEST(idle_time_shrinks_as_connections_get_scarce, setup_scarce),
	        TEST(half_open_connections_hold_nobody, setup_scarce),
	        TEST(reader_that_sips_is_not_waited_for, setup_tcp_tight),
	        TEST(busy_connection_leaves_turns_to_the_others, setup_one_worker),
	        TEST(every_query_before_the_end_is_answered, setup_one_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
