/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define NO_POLICY "default-src 'none'; frame-ancestors 'none'"

/* A connection, from its first octet on. */
struct visit {
	struct visit *next, *prev;
	uint64_t until_ms;
	int fd;
};

struct http {
	const struct http_page *pages;
	size_t pages_count;
	void *arg;
	struct MHD_Daemon *server;
	struct MHD_Response **kept; /* one for each page; NULL: not made */
	uint64_t *kept_until_ms;
	struct visit *visits;
	size_t visits_ended; /* since the start */
	struct endpoint address;
	bool loopback;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int handles; /* not closed yet */
};

/* ---- responses ---- */

static void put_header(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void put_headers(struct MHD_Response *response, const char *type, const char *policy)
{
	put_header(response, "Content-Type", type);
	put_header(response, "Content-Security-Policy", policy ? policy : NO_POLICY);
	put_header(response, "X-Content-Type-Options", "nosniff");
	put_header(response, "Referrer-Policy", "no-referrer");
	put_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	put_header(response, "Cache-Control", "no-store");
	put_header(response, "Connection", "close");
}

/* Takes over `body`. */
static struct MHD_Response *make_response(char *body, size_t len, const char *type,
                                          const char *policy)
{
	struct MHD_Response *response =
	        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);

	if (response)
		put_headers(response, type, policy);
	else
		free(body);
	return response;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned int status,
                                 const char *text)
{
	char *body = strdup(text);
	struct MHD_Response *response =
	        body ? make_response(body, strlen(body), "text/plain; charset=utf-8", NULL) : NULL;
	enum MHD_Result done;

	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		put_header(response, "Allow", "GET, HEAD");
	done = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return done;
}

/* ---- pages ---- */

static struct MHD_Response *make_page(struct http *http, const struct http_page *page)
{
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);
	int err;

	if (!out)
		return NULL;
	err = page->make(out, http->arg);
	if (fclose(out) || err) {
		free(body);
		return NULL;
	}
	return make_response(body, len, page->type, page->policy);
}

/* The response that is sent now: made again once it is too old. NULL: it cannot be made. */
static struct MHD_Response *kept_page(struct http *http, size_t index)
{
	uint64_t now = clock_ms();

	if (http->kept[index] && now < http->kept_until_ms[index])
		return http->kept[index];
	if (http->kept[index])
		MHD_destroy_response(http->kept[index]);
	http->kept[index] = make_page(http, &http->pages[index]);
	http->kept_until_ms[index] = now + HTTP_KEEP_MS;
	return http->kept[index];
}

/*
 * A name that somebody else's page made point here (DNS rebinding) is not
 * answered for: where only this machine can ask, the host is an address, or
 * localhost, or is not said.
 */
static bool host_is_fit(const struct http *http, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	uint8_t address[16];
	char name[64];
	size_t len;

	if (!http->loopback || !host)
		return true;
	if (host[0] == '[') /* no name begins so */
		return true;
	len = strcspn(host, ":");
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = 0;
	return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, address) == 1;
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
                              const char *path)
{
	for (size_t i = 0; i < http->pages_count; i++) {
		struct MHD_Response *response;

		if (strcmp(path, http->pages[i].path) != 0)
			continue;
		response = kept_page(http, i);
		if (!response)
			return send_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			                 "this page could not be made\n");
		return MHD_queue_response(connection, MHD_HTTP_OK, response);
	}
	return send_text(connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
}

/* Called when the headers are there, for each piece of a body, and at the request's end. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **request)
{
	struct http *http = arg;

	(void)version;
	(void)body;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return *request ? MHD_NO
		                : send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		                            "GET and HEAD alone\n");
	if (!*request) {
		*request = http;
		return MHD_YES;
	}
	*body_len = 0;
	if (!host_is_fit(http, connection))
		return send_text(connection, 421, "ask by address, or for localhost\n");
	return answer(http, connection, path);
}

/* ---- connections ---- */

static void visit_begin(struct http *http, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct visit *visit = calloc(1, sizeof(*visit));

	if (!visit || !info) {
		free(visit);
		return; /* its silence is bounded all the same */
	}
	visit->fd = info->connect_fd;
	visit->until_ms = clock_ms() + HTTP_LIFE_MS;
	visit->next = http->visits;
	if (http->visits)
		http->visits->prev = visit;
	http->visits = visit;
	*context = visit;
}

static void visit_end(struct http *http, void **context)
{
	struct visit *visit = *context;

	if (!visit)
		return;
	if (visit->prev)
		visit->prev->next = visit->next;
	else
		http->visits = visit->next;
	if (visit->next)
		visit->next->prev = visit->prev;
	free(visit);
	*context = NULL;
	http->visits_ended++;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		visit_begin(arg, connection, context);
	else
		visit_end(arg, context);
}

/* libmicrohttpd sees the end of those whose time is over, and closes them. */
static void cut_old(struct http *http)
{
	uint64_t now = clock_ms();

	for (struct visit *visit = http->visits; visit; visit = visit->next) {
		if (now >= visit->until_ms)
			shutdown(visit->fd, SHUT_RDWR);
	}
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

/*
 * One round, and the time of the next one, if nothing is ready before. At its
 * limit libmicrohttpd stops listening, and listens again not when a connection
 * has ended, but at the begin of the round after.
 */
static void run(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	size_t ended = http->visits_ended;

	cut_old(http);
	MHD_run(http->server);
	if (http->visits_ended != ended)
		uv_timer_start(&http->timer, on_timer, 0, 0);
	else if (MHD_get_timeout(http->server, &wait_ms) != MHD_YES)
		uv_timer_stop(&http->timer);
	else
		uv_timer_start(&http->timer, on_timer, wait_ms > 1000 ? 1000 : wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

/* ---- open and close ---- */

/* A listening socket, or a negative errno with *error. */
static int make_socket(const struct endpoint *address, struct endpoint *ret_address,
                       struct error *error)
{
	struct sockaddr_storage name;
	socklen_t len = endpoint_to_sockaddr(address, &name);
	char text[NET_TEXT_MAX];
	int fd, err, on = 1;

	fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (!bind(fd, (struct sockaddr *)&name, len) && !listen(fd, HTTP_CLIENTS_MAX) &&
		    !getsockname(fd, (struct sockaddr *)&name, &len) &&
		    !endpoint_from_sockaddr(&name, ret_address))
			return fd;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	return error_set(error, err, NULL, 0, "%s: %s", endpoint_text(address, text),
	                 strerror(err));
}

static void say(void *arg, const char *format, va_list args)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	error_make_printable(text);
	log_debug("status page: %s", text);
}

/* Owns `fd` from here on. */
static struct MHD_Daemon *start_server(struct http *http, int fd)
{
	struct MHD_Daemon *server =
	        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, http,
	                         MHD_OPTION_EXTERNAL_LOGGER, say, NULL, MHD_OPTION_LISTEN_SOCKET,
	                         fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CLIENTS_MAX,
	                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_MAX,
	                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_SILENT_S,
	                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);

	if (!server)
		close(fd);
	return server;
}

static void free_http(struct http *http)
{
	for (size_t i = 0; http->kept && i < http->pages_count; i++) {
		if (http->kept[i])
			MHD_destroy_response(http->kept[i]);
	}
	free(http->kept);
	free(http->kept_until_ms);
	free(http);
}

static struct http *new_http(const struct http_page *pages, void *arg)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->pages = pages;
	http->arg = arg;
	while (pages[http->pages_count].path)
		http->pages_count++;
	http->kept = calloc(http->pages_count + 1, sizeof(http->kept[0]));
	http->kept_until_ms = calloc(http->pages_count + 1, sizeof(http->kept_until_ms[0]));
	if (http->kept && http->kept_until_ms)
		return http;
	free_http(http);
	return NULL;
}

static bool is_loopback(const struct endpoint *address)
{
	static const uint8_t six[16] = {[15] = 1};

	return address->family == AN_FAMILY_IPV4 ? address->address[0] == 127
	                                         : memcmp(address->address, six, 16) == 0;
}

/* uv_poll_init() fails only for descriptors that epoll does not take; this one it does. */
static void watch(struct http *http, uv_loop_t *loop)
{
	int fd = MHD_get_daemon_info(http->server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

	uv_timer_init(loop, &http->timer);
	uv_poll_init(loop, &http->poll, fd);
	http->timer.data = http->poll.data = http;
	http->handles = 2;
	uv_poll_start(&http->poll, UV_READABLE, on_ready);
}

int http_open(uv_loop_t *loop, const struct endpoint *address, const struct http_page *pages,
              void *arg, struct http **ret, struct error *error)
{
	struct http *http = new_http(pages, arg);
	int fd;

	if (!http)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	fd = make_socket(address, &http->address, error);
	if (fd < 0) {
		free_http(http);
		return fd;
	}
	http->loopback = is_loopback(address);
	http->server = start_server(http, fd);
	if (!http->server) {
		free_http(http);
		return error_set(error, ENOMEM, NULL, 0, "libmicrohttpd did not start");
	}
	watch(http, loop);
	*ret = http;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct http *http = handle->data;

	if (--http->handles)
		return;
	MHD_stop_daemon(http->server);
	free_http(http);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	uv_close((uv_handle_t *)&http->poll, on_closed);
	uv_close((uv_handle_t *)&http->timer, on_closed);
}

struct endpoint http_address(const struct http *http)
{
	return http->address;
}
