/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's end of the control socket: one blocking call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.h"

#define CALL_SECONDS 120 /* a reload of large zones takes its time */

static int connect_to(const char *path, struct error *error)
{
	const struct timeval limit = {.tv_sec = CALL_SECONDS};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(error, ENAMETOOLONG, path, 0, "too long for a socket");
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(error, errno, path, 0, "%s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		err = errno;
		close(fd);
		return error_set(error, err, path, 0, "%s%s", strerror(err),
		                 err == ENOENT || err == ECONNREFUSED ? ": is anamed running?"
		                                                      : "");
	}
	return fd;
}

/* Sends all of it; a daemon that has closed already is heard in the reply. */
static int send_text(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EPIPE ? 0 : -errno;
		text += sent;
		len -= (size_t)sent;
	}
	return 0;
}

/* Reads to the end; the text is the caller's. */
static int receive_text(int fd, char **ret, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0, room = 0;
	ssize_t got = 1;

	while (got) {
		if (len == room) {
			size_t more = room ? room * 2 : 65536;
			char *larger = more > CONTROL_REPLY_MAX ? NULL : realloc(text, more);

			if (!larger) {
				free(text);
				return -ENOMEM;
			}
			text = larger;
			room = more;
		}
		got = recv(fd, text + len, room - len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			free(text);
			return (int)got;
		}
		len += (size_t)got;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int refusal(const json_t *reply, struct error *error)
{
	const char *text = json_string_value(json_object_get(reply, "error"));
	const char *file = json_string_value(json_object_get(reply, "file"));
	json_int_t line = json_integer_value(json_object_get(reply, "line"));

	return error_set(error, EREMOTEIO, file, (unsigned int)line, "%s",
	                 text ? text : "refused without a reason");
}

static int exchange(int fd, const char *path, char *request, json_t **ret_reply,
                    struct error *error)
{
	size_t request_len = strlen(request), len = 0;
	json_error_t fault;
	char *text = NULL;
	json_t *reply;
	int err;

	request[request_len] = '\n';
	err = send_text(fd, request, request_len + 1);
	if (!err)
		err = receive_text(fd, &text, &len);
	if (err && err != -ECONNRESET) /* that is the same as closing it, but before it was read */
		return error_set(error, -err, path, 0, "%s",
		                 err == -EAGAIN ? "no reply in time" : strerror(-err));
	if (!len) {
		free(text);
		return error_set(
		        error, EBUSY, path, 0,
		        "closed without a reply: the daemon ends, or too many ask at once");
	}
	reply = json_loadb(text, len, 0, &fault);
	free(text);
	if (!json_is_object(reply)) {
		json_decref(reply);
		return error_set(error, EPROTO, path, 0, "the reply is not understood");
	}
	if (!json_is_true(json_object_get(reply, "ok"))) {
		err = refusal(reply, error);
		json_decref(reply);
		return err;
	}
	*ret_reply = reply;
	return 0;
}

int control_call(const char *path, const char *verb, json_t *arguments, json_t **ret_reply,
                 struct error *error)
{
	json_t *none = json_object();
	json_t *object = json_pack("{s:i, s:s, s:O}", "v", CONTROL_VERSION, "verb", verb,
	                           "arguments", arguments ? arguments : none);
	char *request = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int fd, err;

	json_decref(object);
	json_decref(none);
	if (!request)
		return error_set(error, EINVAL, path, 0, "arguments that are not UTF-8");
	fd = connect_to(path, error);
	err = fd < 0 ? fd : exchange(fd, path, request, ret_reply, error);
	if (fd >= 0)
		close(fd);
	free(request);
	return err;
}
