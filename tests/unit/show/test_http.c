/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "show/http.h"
#include "unit/side_loop.h"

#define BIG (8U << 20)

/* A server, and a beat beside it; the tests are its clients. */
struct fixture {
	struct side_loop side;
	struct http *http;
	struct endpoint address;
	atomic_int made, beats;
};

static int make_hello(FILE *out, void *arg)
{
	struct fixture *fixture = arg;

	fixture->made++;
	fputs("hello\n", out);
	return 0;
}

static int make_big(FILE *out, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < BIG; i++)
		putc('x', out);
	return 0;
}

static int make_nothing(FILE *out, void *arg)
{
	(void)out;
	(void)arg;
	return -ENOMEM;
}

static const struct http_page pages[] = {
        {"/", "text/plain", "default-src 'self'", make_hello},
        {"/big", "text/plain", NULL, make_big},
        {"/nothing", "text/plain", NULL, make_nothing},
        {0},
};

static void on_beat(uv_timer_t *timer)
{
	struct fixture *fixture = timer->data;

	fixture->beats++;
}

static void on_end(void *fixture)
{
	http_close(((struct fixture *)fixture)->http);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct endpoint address = {0};
	struct error error = {0};

	assert_non_null(fixture);
	*state = fixture;
	assert_int_equal(endpoint_parse("127.0.0.1", 0, &address), 0);
	side_loop_open(&fixture->side, on_end, fixture);
	uv_timer_start(&fixture->side.timer, on_beat, 1, 1);
	if (http_open(&fixture->side.loop, &address, pages, fixture, &fixture->http, &error))
		fail_msg("%s", error.text);
	fixture->address = http_address(fixture->http);
	assert_int_not_equal(fixture->address.port, 0);
	return side_loop_start(&fixture->side);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(side_loop_close(&fixture->side), 0);
	free(fixture);
	return 0;
}

/* ---- clients ---- */

static int dial(const struct fixture *fixture)
{
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(&fixture->address, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All up to the end, in `text`; its length. Fails after five seconds of silence. */
static size_t take(int fd, char *text, size_t size)
{
	size_t len = 0;

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&ready, 1, 5000), 1);
		got = recv(fd, text + len, size - 1 - len, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	text[len] = 0;
	return len;
}

static void ask(const struct fixture *fixture, const char *request, char *reply, size_t size)
{
	int fd = dial(fixture);

	put(fd, request);
	take(fd, reply, size);
	close(fd);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in:\n%s", part, text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

/* ---- tests ---- */

static void test_a_page_comes_with_its_headers(void **state)
{
	char reply[2048];

	ask(*state, GET("/"), reply, sizeof(reply));
	has(reply, "HTTP/1.1 200 ");
	has(reply, "Content-Type: text/plain\r\n");
	has(reply, "Content-Security-Policy: default-src 'self'\r\n");
	has(reply, "X-Content-Type-Options: nosniff\r\n");
	has(reply, "Content-Length: 6\r\n");
	has(reply, "\r\n\r\nhello\n");
	ask(*state, GET("/?refresh=1"), reply, sizeof(reply));
	has(reply, "\r\n\r\nhello\n");
}

static void test_head_gives_no_body(void **state)
{
	char reply[2048];

	ask(*state, "HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", reply, sizeof(reply));
	has(reply, "Content-Length: 6\r\n");
	assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
}

static void test_other_pages_methods_and_faults_say_so(void **state)
{
	char reply[2048];

	ask(*state, GET("/etc/passwd"), reply, sizeof(reply));
	has(reply, "HTTP/1.1 404 ");
	has(reply, "Content-Security-Policy: default-src 'none'");
	ask(*state, GET("/../"), reply, sizeof(reply));
	has(reply, "HTTP/1.1 404 ");
	ask(*state,
	    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nConnection: "
	    "close\r\n\r\na=b",
	    reply, sizeof(reply));
	has(reply, "HTTP/1.1 405 ");
	has(reply, "Allow: GET, HEAD\r\n");
	ask(*state, GET("/nothing"), reply, sizeof(reply));
	has(reply, "HTTP/1.1 500 ");
	ask(*state, "rubbish\r\n\r\n", reply, sizeof(reply));
	assert_null(strstr(reply, " 200 "));
}

static void test_a_name_that_points_here_is_not_answered_for(void **state)
{
	static const struct {
		const char *host, *status;
	} rows[] = {{"evil.example", " 421 "},
	            {"evil.example:9553", " 421 "},
	            {"127.0.0.1.evil.example", " 421 "},
	            {"", " 421 "},
	            {"localhost", " 200 "},
	            {"LOCALHOST:9553", " 200 "},
	            {"127.0.0.1:9553", " 200 "},
	            {"[::1]:9553", " 200 "}};
	char request[256], reply[2048];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
		         rows[i].host);
		ask(*state, request, reply, sizeof(reply));
		has(reply, rows[i].status);
	}
}

static void test_a_request_that_is_too_long_is_refused(void **state)
{
	static char request[2 * HTTP_MEMORY_MAX], reply[4096];
	int fd = dial(*state);

	memset(request, 'a', sizeof(request) - 1);
	memcpy(request, "GET /", 5);
	/* It may be closed before all is sent. */
	send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	take(fd, reply, sizeof(reply));
	assert_null(strstr(reply, " 200 "));
	close(fd);
	ask(*state, GET("/"), reply, sizeof(reply));
	has(reply, " 200 ");
}

static void test_a_page_is_made_once_however_often_it_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin = clock_ms(), rounds;
	char reply[2048];

	for (int i = 0; i < 200; i++)
		ask(fixture, GET("/"), reply, sizeof(reply));
	rounds = (clock_ms() - begin) / HTTP_KEEP_MS + 2;
	assert_in_range(fixture->made, 1, rounds);
}

/* The loop's other work goes on while somebody takes nothing of eight megabytes. */
static void test_a_slow_reader_holds_up_nobody(void **state)
{
	struct fixture *fixture = *state;
	static char big[BIG + 4096];
	int slow[4], before;
	char reply[2048];

	for (size_t i = 0; i < 4; i++) {
		slow[i] = dial(fixture);
		put(slow[i], GET("/big"));
	}
	/* Each has begun to get it: the sockets are as full as they get. */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(recv(slow[i], reply, 12, MSG_WAITALL), 12);
	before = fixture->beats;
	for (int i = 0; i < 50; i++) {
		ask(fixture, GET("/"), reply, sizeof(reply));
		has(reply, "hello");
	}
	while (fixture->beats < before + 50)
		sched_yield();
	/* And who begins to read gets all of it. */
	assert_true(take(slow[0], big, sizeof(big)) > BIG);
	for (size_t i = 0; i < 4; i++)
		close(slow[i]);
}

static void test_more_clients_than_there_is_room_for_do_no_harm(void **state)
{
	struct fixture *fixture = *state;
	int idle[HTTP_CLIENTS_MAX + 16];
	char reply[2048];

	for (size_t i = 0; i < HTTP_CLIENTS_MAX + 16; i++)
		idle[i] = dial(fixture);
	for (size_t i = 0; i < HTTP_CLIENTS_MAX + 16; i++)
		close(idle[i]);
	ask(fixture, GET("/"), reply, sizeof(reply));
	has(reply, "hello");
}

static void test_an_address_in_use_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	struct http *http;
	uv_loop_t loop;

	uv_loop_init(&loop);
	assert_int_equal(http_open(&loop, &fixture->address, pages, NULL, &http, &error),
	                 -EADDRINUSE);
	has(error.text, "127.0.0.1@");
	uv_loop_close(&loop);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        WITH_SERVER(test_a_page_comes_with_its_headers),
	        WITH_SERVER(test_head_gives_no_body),
	        WITH_SERVER(test_other_pages_methods_and_faults_say_so),
	        WITH_SERVER(test_a_name_that_points_here_is_not_answered_for),
	        WITH_SERVER(test_a_request_that_is_too_long_is_refused),
	        WITH_SERVER(test_a_page_is_made_once_however_often_it_is_asked_for),
	        WITH_SERVER(test_a_slow_reader_holds_up_nobody),
	        WITH_SERVER(test_more_clients_than_there_is_room_for_do_no_harm),
	        WITH_SERVER(test_an_address_in_use_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
