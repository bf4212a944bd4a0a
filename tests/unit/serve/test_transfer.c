/* SPDX-License-Identifier: BSD-2-Clause */
/* Transfers among other queries: on the same connection, beside it, and over UDP. */
#include "unit/serve/edge.h"

#define RECORDS 10000 /* some 2.7 megaoctets: 42 messages and more */

static struct config_peer secondary;

static int setup_secondary(void **state)
{
	static const char *const listen[] = {"127.0.0.1"};
	size_t at;

	(void)state;
	make_zone();
	at = strlen(zone_text);
	for (unsigned int i = 0; i < RECORDS; i++)
		at += (size_t)sprintf(zone_text + at, "r%u TXT \"%0250u\"\n", i, i);
	assert_true(at < sizeof(zone_text));
	begin(listen, 1);
	assert_int_equal(network_parse("127.0.0.1/32", &secondary.network), 0);
	scene.settings[0].secondaries = &secondary;
	scene.settings[0].secondaries_count = 1;
	scene.config->workers = 1;
	reopen();
	start();
	return 0;
}

/* One message of a stream into `out`; its length, 0: closed. */
static size_t read_message(int fd, uint8_t out[65535])
{
	uint8_t head[2];
	size_t len;

	if (!read_all(fd, head, 2))
		return 0;
	len = (size_t)head[0] << 8 | head[1];
	assert_true(read_all(fd, out, len));
	return len;
}

static uint8_t message[65535];

static unsigned int id(void)
{
	return (unsigned int)(message[0] << 8 | message[1]);
}

static unsigned int answers(void)
{
	return (unsigned int)(message[6] << 8 | message[7]);
}

static void write_axfr(int fd, uint16_t number)
{
	write_framed(fd, "example.test.", AN_TYPE_AXFR, number);
}

/* Reads until all of the zone has come `transfers` times; how many other replies came between. */
static unsigned int read_transfers(int fd, unsigned int transfers)
{
	const unsigned int whole = RECORDS + 101 + 7 + 1;
	unsigned int others = 0, records = 0, messages = 0;

	while (records < transfers * whole) {
		assert_true(read_message(fd, message) > 0);
		assert_int_equal(message[3] & 15, 0);
		if (id() >= 1000) {
			others++;
			continue;
		}
		/* One transfer after the other. */
		assert_int_equal(id(), 1 + records / whole);
		records += answers();
		messages++;
	}
	assert_int_equal(records, transfers * whole);
	assert_true(messages > 40 * transfers);
	return others;
}

static void transfer_comes_whole(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);

	(void)state;
	write_axfr(fd, 1);
	shutdown(fd, SHUT_WR);
	assert_int_equal(read_transfers(fd, 1), 0);
	assert_int_equal(read_message(fd, message), 0);
	close(fd);
}

static void queries_behind_a_transfer_do_not_wait_for_its_end(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);

	(void)state;
	write_axfr(fd, 1);
	for (uint16_t i = 0; i < 10; i++)
		write_framed(fd, "www.example.test.", AN_TYPE_A, (uint16_t)(1000 + i));
	/* All of them before the last message of the transfer. */
	assert_int_equal(read_transfers(fd, 1), 10);
	close(fd);
}

static void second_transfer_follows_the_first(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);

	(void)state;
	write_axfr(fd, 1);
	write_axfr(fd, 2);
	shutdown(fd, SHUT_WR);
	assert_int_equal(read_transfers(fd, 2), 0);
	assert_int_equal(read_message(fd, message), 0);
	close(fd);
}

/* A secondary that does not read: one message waits for it, and nobody else does. */
static void transfer_that_stands_holds_nobody(void **state)
{
	int standing = dial("127.0.0.1", SOCK_STREAM), fd = dial("127.0.0.1", SOCK_STREAM);
	int datagram = dial("127.0.0.1", SOCK_DGRAM);
	uint64_t replies;
	uint16_t number;

	(void)state;
	write_axfr(standing, 1);
	AWAIT(stats_now().tcp_replies >= 1);
	for (unsigned int i = 0; i < 20; i++) {
		write_framed(fd, "www.example.test.", AN_TYPE_A, 7);
		assert_string_equal(read_framed(fd, &number), WWW);
		send_query(datagram, "www.example.test.", AN_TYPE_A, 8);
		assert_string_equal(receive(datagram), WWW);
	}
	/* It goes on where it stood. */
	replies = stats_now().tcp_replies;
	assert_int_equal(read_transfers(standing, 1), 0);
	AWAIT(stats_now().tcp_replies >= replies);
	close(standing);
	close(fd);
	close(datagram);
	AWAIT(stats_now().tcp_open == 0);
}

static void secondary_that_leaves_takes_its_transfer_along(void **state)
{
	int fd = dial("127.0.0.1", SOCK_STREAM);
	struct linger linger = {1, 0};

	(void)state;
	write_axfr(fd, 1);
	assert_true(read_message(fd, message) > 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	AWAIT(stats_now().tcp_open == 0);
}

static void stranger_is_refused_and_the_connection_goes_on(void **state)
{
	int fd = dial_from("127.0.0.2", "127.0.0.1", SOCK_STREAM);
	uint16_t number;

	(void)state;
	write_axfr(fd, 5);
	assert_string_equal(read_framed(fd, &number), "REFUSED\n");
	assert_int_equal(number, 5);
	write_framed(fd, "www.example.test.", AN_TYPE_A, 6);
	assert_string_equal(read_framed(fd, &number), WWW);
	close(fd);
}

/* RFC 5936 4.2: AXFR over UDP is not. */
static void transfer_over_udp_is_one_reply(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);

	(void)state;
	send_query(fd, "example.test.", AN_TYPE_AXFR, 1);
	assert_string_equal(receive(fd), "FORMERR\n");
	/* No version is named. */
	send_query(fd, "example.test.", AN_TYPE_IXFR, 2);
	assert_string_equal(receive(fd), "FORMERR\n");
	close(fd);
}

static void notify_from_a_stranger_is_refused(void **state)
{
	int fd = dial("127.0.0.1", SOCK_DGRAM);
	uint8_t query[512];
	size_t len = query_of("example.test.", AN_TYPE_SOA, 9, query);

	(void)state;
	query[2] = AN_OPCODE_NOTIFY << 3;
	assert_int_equal(send(fd, query, len, 0), len);
	assert_true(recv(fd, message, sizeof(message), 0) >= 12);
	assert_int_equal(message[2], 0x80 | AN_OPCODE_NOTIFY << 3 | 4);
	assert_true((message[3] & 15) == AN_RCODE_REFUSED || (message[3] & 15) == AN_RCODE_NOTAUTH);
	AWAIT(stats_now().rcode[message[3] & 15] == 1);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_secondary, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(transfer_comes_whole),
	        TEST(queries_behind_a_transfer_do_not_wait_for_its_end),
	        TEST(second_transfer_follows_the_first),
	        TEST(transfer_that_stands_holds_nobody),
	        TEST(secondary_that_leaves_takes_its_transfer_along),
	        TEST(stranger_is_refused_and_the_connection_goes_on),
	        TEST(transfer_over_udp_is_one_reply),
	        TEST(notify_from_a_stranger_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
