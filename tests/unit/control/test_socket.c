/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.h"
#include "unit/folder.h"
#include "unit/side_loop.h"

/* A control socket; the tests are its clients. */
struct fixture {
	char folder[64], path[80];
	struct side_loop side;
	struct control *control;
	struct control_request *waiting;
};

static void on_later(uv_timer_t *timer)
{
	struct fixture *fixture = timer->data;

	control_reply(fixture->waiting, json_pack("{s:s}", "said", "late"));
}

static void handle(struct control_request *request, const char *verb, json_t *arguments, void *arg)
{
	struct error error = {0};
	struct fixture *fixture = arg;

	if (strcmp(verb, "echo") == 0) {
		control_reply(request, json_pack("{s:O}", "said", arguments));
	} else if (strcmp(verb, "later") == 0) {
		fixture->waiting = request;
		uv_timer_start(&fixture->side.timer, on_later, 20, 0);
	} else if (strcmp(verb, "big") == 0) {
		json_t *list = json_array();

		for (int i = 0; i < 300000; i++)
			json_array_append_new(list, json_integer(i));
		control_reply(request, json_pack("{s:o}", "list", list));
	} else if (strcmp(verb, "binary") == 0) {
		error_set(&error, EINVAL, NULL, 0, "\xff\xfe");
		control_fail(request, &error);
	} else {
		error_set(&error, EINVAL, "a.conf", 7, "no verb");
		control_fail(request, &error);
	}
}

static void on_end(void *fixture)
{
	control_close(((struct fixture *)fixture)->control);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;

	if (!mkdtemp(folder_template(fixture->folder, sizeof(fixture->folder), "socket")))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/s", fixture->folder);
	side_loop_open(&fixture->side, on_end, fixture);
	if (control_open(&fixture->side.loop, fixture->path, handle, fixture, &fixture->control,
	                 &error))
		return -1;
	*state = fixture;
	return side_loop_start(&fixture->side);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	int err;

	err = side_loop_close(&fixture->side);
	err |= access(fixture->path, F_OK) == 0;
	err |= rmdir(fixture->folder);
	free(fixture);
	return err;
}

static int connect_to(const struct fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, fixture->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends octets, gives what comes until the daemon closes. */
static void exchange(const struct fixture *fixture, const char *octets, size_t len, char *ret,
                     size_t size)
{
	int fd = connect_to(fixture);
	size_t at = 0;
	ssize_t got;

	while (len) {
		ssize_t sent = send(fd, octets, len, MSG_NOSIGNAL);

		if (sent < 0)
			break;
		octets += sent;
		len -= (size_t)sent;
	}
	while ((got = recv(fd, ret + at, size - 1 - at, 0)) > 0)
		at += (size_t)got;
	ret[at] = 0;
	close(fd);
}

/* ---- the tests ---- */

static void a_request_is_answered(void **state)
{
	struct fixture *fixture = *state;
	json_t *arguments = json_pack("{s:s}", "name", "example.com"), *reply = NULL;
	struct error error;

	assert_int_equal(control_call(fixture->path, "echo", arguments, &reply, &error), 0);
	assert_true(json_equal(json_object_get(reply, "said"), arguments));
	assert_int_equal(json_integer_value(json_object_get(reply, "v")), 1);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	json_decref(arguments);
}

static void a_reply_may_come_later(void **state)
{
	struct fixture *fixture = *state;
	json_t *reply = NULL;
	struct error error;

	assert_int_equal(control_call(fixture->path, "later", NULL, &reply, &error), 0);
	assert_string_equal(json_string_value(json_object_get(reply, "said")), "late");
	json_decref(reply);
}

static void a_large_reply_arrives_whole(void **state)
{
	struct fixture *fixture = *state;
	json_t *reply = NULL;
	struct error error;

	assert_int_equal(control_call(fixture->path, "big", NULL, &reply, &error), 0);
	assert_int_equal(json_array_size(json_object_get(reply, "list")), 300000);
	json_decref(reply);
}

static void a_refusal_has_file_and_line(void **state)
{
	struct fixture *fixture = *state;
	json_t *reply = NULL;
	struct error error;
	char text[1024];

	assert_int_equal(control_call(fixture->path, "nonsense", NULL, &reply, &error), -EREMOTEIO);
	assert_null(reply);
	assert_string_equal(error_text(&error, text, sizeof(text)), "a.conf:7: error: no verb");
	assert_int_equal(control_call(fixture->path, "binary", NULL, &reply, &error), -EREMOTEIO);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} requests[] = {
	        {"\n", "not a JSON object"},
	        {"[]\n", "not a JSON object"},
	        {"{\n", "not a JSON object"},
	        {"{}\n", "another version"},
	        {"{\"v\":2,\"verb\":\"echo\"}\n", "another version"},
	        {"{\"v\":1}\n", "a request is"},
	        {"{\"v\":1,\"verb\":5}\n", "a request is"},
	        {"{\"v\":1,\"verb\":\"echo\",\"arguments\":[]}\n", "a request is"},
	        {"{\"v\":1,\"v\":1,\"verb\":\"echo\"}\n", "not a JSON object"},
	};
	struct fixture *fixture = *state;
	char reply[1024];

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		exchange(fixture, requests[i].text, strlen(requests[i].text), reply, sizeof(reply));
		if (!strstr(reply, "\"ok\":false") || !strstr(reply, requests[i].words))
			fail_msg("%s gets %s", requests[i].text, reply);
	}
}

static void a_request_that_is_too_long_is_refused(void **state)
{
	struct fixture *fixture = *state;
	size_t len = CONTROL_REQUEST_MAX + 1;
	char *text = malloc(len);
	char reply[1024];

	memset(text, ' ', len);
	exchange(fixture, text, len, reply, sizeof(reply));
	assert_non_null(strstr(reply, "too long"));
	/* The longest that fits. */
	memcpy(text, "{\"v\":1,\"verb\":\"echo\"}", 21);
	text[CONTROL_REQUEST_MAX - 1] = '\n';
	exchange(fixture, text, CONTROL_REQUEST_MAX, reply, sizeof(reply));
	assert_non_null(strstr(reply, "\"ok\":true"));
	free(text);
}

static void silent_clients_hold_nobody_up(void **state)
{
	struct fixture *fixture = *state;
	int fds[CONTROL_CLIENTS_MAX];
	json_t *reply = NULL;
	struct error error;
	char octet;

	for (int i = 0; i < CONTROL_CLIENTS_MAX - 1; i++) {
		fds[i] = connect_to(fixture);
		assert_int_equal(send(fds[i], "{", 1, 0), 1);
	}
	assert_int_equal(control_call(fixture->path, "echo", NULL, &reply, &error), 0);
	json_decref(reply);
	/* One too many is closed at once. */
	fds[CONTROL_CLIENTS_MAX - 1] = connect_to(fixture);
	assert_int_equal(send(fds[CONTROL_CLIENTS_MAX - 1], "{", 1, 0), 1);
	int more = connect_to(fixture);
	struct pollfd event = {.fd = more, .events = POLLIN};

	assert_int_equal(poll(&event, 1, 3000), 1);
	assert_true(recv(more, &octet, 1, 0) <= 0);
	close(more);
	assert_int_equal(control_call(fixture->path, "echo", NULL, &reply, &error), -EBUSY);
	assert_non_null(strstr(error.text, "too many ask"));
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
}

static void the_socket_is_for_owner_and_group(void **state)
{
	struct fixture *fixture = *state;
	struct stat st;

	assert_int_equal(lstat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_second_daemon_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct control *second = NULL;
	struct error error;
	uv_loop_t loop;

	uv_loop_init(&loop);
	assert_int_equal(control_open(&loop, fixture->path, handle, NULL, &second, &error),
	                 -EADDRINUSE);
	assert_null(second);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_socket_that_was_left_behind_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[64];
	struct control *control = NULL;
	struct error error;
	uv_loop_t loop;
	int fd = mkstemp(folder_template(path, sizeof(path), "left"));

	(void)state;
	close(fd);
	uv_loop_init(&loop);
	/* A file is not ours to remove. */
	assert_int_equal(control_open(&loop, path, handle, NULL, &control, &error), -EEXIST);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_call(path, "echo", NULL, NULL, &error), -ECONNREFUSED);
	assert_int_equal(control_open(&loop, path, handle, NULL, &control, &error), 0);
	control_close(control);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(control_call(path, "echo", NULL, NULL, &error), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_request_is_answered, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_reply_may_come_later, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_large_reply_arrives_whole, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_refusal_has_file_and_line, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_no_request_is_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_request_that_is_too_long_is_refused, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(silent_clients_hold_nobody_up, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_socket_is_for_owner_and_group, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(a_second_daemon_is_refused, set_up, tear_down),
	        cmocka_unit_test(a_socket_that_was_left_behind_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
