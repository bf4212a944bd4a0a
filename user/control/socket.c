/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's end. Everything is bounded: clients, the octets of a request,
 * the time of a request and of its reply; nothing here waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "control/control.h"

#define CLIENT_MS  5000 /* to send a request whole, and to take the reply */
#define FIRST_ROOM 4096

/* A connection with its one request. */
struct control_request {
	struct control *control; /* NULL once that is closed */
	struct control_request *next, *prev;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	char *text; /* request, then reply */
	size_t len, room;
	unsigned int handles; /* not closed yet */
	bool asked;           /* the handler owes an answer */
	bool closing;
};

struct control {
	uv_pipe_t pipe;
	control_handler handler;
	void *arg;
	struct control_request *clients;
	size_t count;
	char *path;
	ino_t inode;
	bool closing;
};

/* ---- a connection's end ---- */

static void free_when_done(struct control_request *request)
{
	if (request->handles || request->asked)
		return;
	free(request->text);
	free(request);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct control_request *request = handle->data;

	request->handles--;
	free_when_done(request);
}

static void unlink_client(struct control_request *request)
{
	struct control *control = request->control;

	if (!control)
		return;
	if (request->prev)
		request->prev->next = request->next;
	else
		control->clients = request->next;
	if (request->next)
		request->next->prev = request->prev;
	control->count--;
	request->control = NULL;
}

static void close_client(struct control_request *request)
{
	if (request->closing)
		return;
	request->closing = true;
	unlink_client(request);
	uv_close((uv_handle_t *)&request->pipe, on_handle_closed);
	uv_close((uv_handle_t *)&request->timer, on_handle_closed);
}

static void on_timer(uv_timer_t *timer)
{
	close_client(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	close_client(write->data);
}

/* ---- replies ---- */

static void send_object(struct control_request *request, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	uv_buf_t buffer;

	json_decref(object);
	request->asked = false;
	if (request->closing) {
		free(text);
		free_when_done(request);
		return;
	}
	if (!text) {
		close_client(request);
		return;
	}
	text[len++] = '\n'; /* in place of the terminator: from here on it is octets */
	free(request->text);
	request->text = text;
	buffer = uv_buf_init(text, (unsigned int)len);
	uv_timer_start(&request->timer, on_timer, CLIENT_MS, 0);
	request->write.data = request;
	if (uv_write(&request->write, (uv_stream_t *)&request->pipe, &buffer, 1, on_written))
		close_client(request);
}

void control_reply(struct control_request *request, json_t *reply)
{
	if (reply && (json_object_set_new(reply, "v", json_integer(CONTROL_VERSION)) ||
	              json_object_set_new(reply, "ok", json_true()))) {
		json_decref(reply);
		reply = NULL;
	}
	send_object(request, reply);
}

void control_fail(struct control_request *request, const struct error *error)
{
	json_t *object = json_pack("{s:i, s:b, s:s%}", "v", CONTROL_VERSION, "ok", 0, "error",
	                           error->text, strlen(error->text));

	/* What a file held may not be UTF-8, and then is no JSON. */
	if (!object)
		object = json_pack("{s:i, s:b, s:s}", "v", CONTROL_VERSION, "ok", 0, "error",
		                   "failed (the text of the fault is not UTF-8)");
	if (object && error->file[0])
		json_object_set_new(object, "file", json_string(error->file));
	if (object && error->line)
		json_object_set_new(object, "line", json_integer(error->line));
	send_object(request, object);
}

static void refuse(struct control_request *request, const char *text)
{
	struct error error = {0};

	request->asked = true;
	error_set(&error, EINVAL, NULL, 0, "%s", text);
	control_fail(request, &error);
}

/* ---- requests ---- */

static void take_request(struct control_request *request)
{
	json_error_t fault;
	json_t *object = json_loadb(request->text, request->len, JSON_REJECT_DUPLICATES, &fault);
	json_t *arguments = json_object_get(object, "arguments");
	const char *verb = json_string_value(json_object_get(object, "verb"));
	json_t *none = json_object();

	if (!json_is_object(object)) {
		refuse(request, "the request is not a JSON object");
	} else if (json_integer_value(json_object_get(object, "v")) != CONTROL_VERSION) {
		refuse(request, "another version of the protocol; this is 1");
	} else if (!verb || (arguments && !json_is_object(arguments)) || !none) {
		refuse(request, "a request is {\"v\":1,\"verb\":TEXT,\"arguments\":{}}");
	} else {
		request->asked = true;
		request->control->handler(request, verb, arguments ? arguments : none,
		                          request->control->arg);
	}
	json_decref(none);
	json_decref(object);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct control_request *request = handle->data;

	(void)suggested;
	if (request->len == request->room && request->room < CONTROL_REQUEST_MAX) {
		size_t room = request->room ? request->room * 2 : FIRST_ROOM;
		char *text = realloc(request->text, room);

		if (text) {
			request->text = text;
			request->room = room;
		}
	}
	*ret = request->len < request->room
	               ? uv_buf_init(request->text + request->len,
	                             (unsigned int)(request->room - request->len))
	               : uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct control_request *request = stream->data;
	char *end;

	if (!got)
		return;
	if (got == UV_ENOBUFS) {
		uv_read_stop(stream);
		uv_timer_stop(&request->timer);
		refuse(request, "the request is too long");
		return;
	}
	if (got < 0) {
		close_client(request);
		return;
	}
	end = memchr(buffer->base, '\n', (size_t)got);
	request->len += (size_t)got;
	if (!end)
		return;
	request->len = (size_t)(end - request->text);
	uv_read_stop(stream);
	uv_timer_stop(&request->timer);
	take_request(request);
}

static void accept_client(struct control *control)
{
	struct control_request *request = calloc(1, sizeof(*request));

	if (!request)
		return; /* libuv offers it again when another one comes */
	request->control = control;
	uv_pipe_init(control->pipe.loop, &request->pipe, 0);
	uv_timer_init(control->pipe.loop, &request->timer);
	request->handles = 2;
	request->pipe.data = request->timer.data = request;
	request->next = control->clients;
	if (control->clients)
		control->clients->prev = request;
	control->clients = request;
	control->count++;
	if (uv_accept((uv_stream_t *)&control->pipe, (uv_stream_t *)&request->pipe) ||
	    control->count > CONTROL_CLIENTS_MAX ||
	    uv_read_start((uv_stream_t *)&request->pipe, on_alloc, on_read)) {
		close_client(request);
		return;
	}
	uv_timer_start(&request->timer, on_timer, CLIENT_MS, 0);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct control *control = stream->data;

	if (!status && !control->closing)
		accept_client(control);
}

/* ---- the listening socket ---- */

/* Makes way for bind(): a socket of a daemon that is gone is removed. */
static int clear_path(const struct sockaddr_un *address, struct error *error)
{
	struct stat st;
	int fd, err;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0
		                       : error_set(error, errno, address->sun_path, 0, "%s",
		                                   strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(error, EEXIST, address->sun_path, 0, "is not a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(error, errno, address->sun_path, 0, "%s", strerror(errno));
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(fd);
	if (!err || err == EAGAIN)
		return error_set(error, EADDRINUSE, address->sun_path, 0,
		                 "another daemon listens there");
	if (err != ECONNREFUSED)
		return error_set(error, err, address->sun_path, 0, "%s", strerror(err));
	if (unlink(address->sun_path))
		return error_set(error, errno, address->sun_path, 0, "%s", strerror(errno));
	return 0;
}

/* A listening socket; -errno with *error. */
static int make_socket(const char *path, ino_t *ret_inode, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(error, ENAMETOOLONG, path, 0, "too long for a socket");
	strcpy(address.sun_path, path);
	err = clear_path(&address, error);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* On Linux the mode before bind() is what bind() gives, so it is never wider. */
	if (fd < 0 || fchmod(fd, 0660) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) || chmod(path, 0660) ||
	    lstat(path, &st) || listen(fd, CONTROL_CLIENTS_MAX)) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return error_set(error, err, path, 0, "%s", strerror(err));
	}
	*ret_inode = st.st_ino;
	return fd;
}

static void on_control_closed(uv_handle_t *handle)
{
	struct control *control = handle->data;

	free(control->path);
	free(control);
}

int control_open(uv_loop_t *loop, const char *path, control_handler handler, void *arg,
                 struct control **ret, struct error *error)
{
	struct control *control = calloc(1, sizeof(*control));
	int fd, err;

	if (!control || !(control->path = strdup(path))) {
		free(control);
		return error_set(error, ENOMEM, path, 0, "out of memory");
	}
	control->handler = handler;
	control->arg = arg;
	uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;
	fd = make_socket(path, &control->inode, error);
	if (fd < 0) {
		err = fd;
		goto close_pipe;
	}
	err = uv_pipe_open(&control->pipe, fd);
	if (err) {
		close(fd);
		error_set(error, -err, path, 0, "%s", uv_strerror(err));
		goto close_pipe;
	}
	err = uv_listen((uv_stream_t *)&control->pipe, CONTROL_CLIENTS_MAX, on_connection);
	if (err) {
		error_set(error, -err, path, 0, "%s", uv_strerror(err));
		goto close_pipe;
	}
	*ret = control;
	return 0;

close_pipe:
	uv_close((uv_handle_t *)&control->pipe, on_control_closed);
	return err;
}

void control_close(struct control *control)
{
	struct stat st;

	if (!control)
		return;
	control->closing = true;
	if (!lstat(control->path, &st) && st.st_ino == control->inode)
		unlink(control->path);
	while (control->clients)
		close_client(control->clients);
	uv_close((uv_handle_t *)&control->pipe, on_control_closed);
}
