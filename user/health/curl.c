/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS, HTTP and HTTPS checks; the only file with libcurl.
 *
 * A multi handle on the loop (its sockets under uv_poll, its time-outs in one
 * timer) for each file of authorities, one easy handle a probe. The address is
 * always the target's (CURLOPT_CONNECT_TO): no name is looked up, no proxy
 * asked, no redirection followed, no connection used twice. A multi handle
 * keeps one parsed CA store between probes, so checks with different files
 * would make each other read theirs anew. libcurl may not be entered from its
 * own callbacks: results are taken from its queue after
 * curl_multi_socket_action().
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/health_room.h"

#define BODY_MAX   (64U << 10) /* looked through for `match` */
#define CA_CACHE_S 60L         /* authorities are read again after that */
#define CA_SAID_MS 60000       /* that they cannot be is said as often */

/* All probes with the same authorities. Lives as long as the part. */
struct curl_crowd {
	struct curl_crowd *next;
	struct curl_part *part;
	char *ca_file;    /* NULL: the system's */
	uint64_t said_ms; /* when it was last said that they cannot be read; 0: never */
	CURLM *multi;
	uv_timer_t timer;
};

struct curl_part {
	struct health *health;
	struct curl_crowd *crowds;
};

struct curl_probe {
	struct probe probe; /* first */
	struct curl_crowd *crowd;
	CURL *easy;
	struct curl_slist *connect_to;
	char *body; /* so far, if it is looked at */
	size_t body_len;
	bool matched, enough; /* the body holds `match`; no more of it is wanted */
	int own_err;          /* why there was no socket; 0: there was one */
	char fault[CURL_ERROR_SIZE];
};

/* A descriptor of libcurl's. */
struct curl_socket {
	struct curl_crowd *crowd;
	uv_poll_t poll;
	curl_socket_t fd;
};

static void probe_free(struct curl_probe *curl)
{
	if (curl->easy) {
		curl_multi_remove_handle(curl->crowd->multi, curl->easy);
		curl_easy_cleanup(curl->easy);
	}
	curl_slist_free_all(curl->connect_to);
	free(curl->body);
	free(curl);
}

/* ---- judging ---- */

static bool status_expected(const struct config_check *config, long status)
{
	for (size_t i = 0; i < config->status_count; i++) {
		if (status >= config->status[i].low && status <= config->status[i].high)
			return true;
	}
	return false;
}

static void judge_reply(struct curl_probe *curl, uint32_t connect_us)
{
	const struct config_check *config = curl->probe.target->key.box->config;
	long status = 0;

	curl_easy_getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &status);
	if (config->kind != CHECK_TLS && !status_expected(config, status))
		probe_done(&curl->probe, false, connect_us, "status %ld", status);
	else if (config->kind != CHECK_TLS && config->match && !curl->matched)
		probe_done(&curl->probe, false, connect_us, "status %ld, but no `%.40s' in it",
		           status, config->match);
	else
		probe_done(&curl->probe, true, connect_us, "ok");
}

static const char *fault_text(const struct curl_probe *curl, CURLcode code)
{
	return curl->fault[0] ? curl->fault : curl_easy_strerror(code);
}

/* Nobody can be judged by authorities that cannot be read, for want of a descriptor or for good. */
static void blame_authorities(struct curl_probe *curl)
{
	struct curl_crowd *crowd = curl->crowd;
	uint64_t now = clock_ms();

	if (!crowd->said_ms || now - crowd->said_ms >= CA_SAID_MS) {
		crowd->said_ms = now;
		log_error("checks by the authorities in %s have no result: they cannot be read: %s",
		          crowd->ca_file ? crowd->ca_file : "the system's file",
		          fault_text(curl, CURLE_SSL_CACERT_BADFILE));
	}
	probe_none(&curl->probe, fault_text(curl, CURLE_SSL_CACERT_BADFILE));
}

/* libcurl has no room for a line of a header that does not end either: that is the other side's. */
static bool lacks_memory(const struct curl_probe *curl, CURLcode code)
{
	curl_off_t first_us = 0;

	if (code != CURLE_OUT_OF_MEMORY)
		return code == CURLE_FAILED_INIT;
	curl_easy_getinfo(curl->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
	return first_us == 0;
}

static void judge(struct curl_probe *curl, CURLcode code)
{
	curl_off_t connect_us = 0;
	long err = 0;

	curl_easy_getinfo(curl->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	curl_easy_getinfo(curl->easy, CURLINFO_OS_ERRNO, &err);
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && curl->enough))
		judge_reply(curl, connect_us > 0 ? (uint32_t)connect_us : 1);
	else if (code == CURLE_SSL_CACERT_BADFILE)
		blame_authorities(curl);
	else if (lacks_memory(curl, code))
		probe_error(&curl->probe, ENOMEM);
	else if (curl->own_err)
		probe_error(&curl->probe, curl->own_err);
	else if (code == CURLE_COULDNT_CONNECT && err)
		probe_error(&curl->probe, (int)err);
	else if (code == CURLE_OUT_OF_MEMORY)
		probe_done(&curl->probe, false, 0, "a header line that does not end");
	else
		probe_done(&curl->probe, false, 0, "%s", fault_text(curl, code));
}

static void take_results(struct curl_crowd *crowd)
{
	struct curl_probe *curl;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(crowd->multi, &left))) {
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&curl);
		judge(curl, code);
		probe_free(curl);
	}
}

/* ---- what libcurl calls ---- */

/* libcurl does not say why it got no socket. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct curl_probe *curl = arg;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	curl->own_err = fd < 0 ? errno : 0;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* The body, piece by piece. Less than was given ends the transfer. */
static size_t on_body(char *octets, size_t size, size_t count, void *arg)
{
	struct curl_probe *curl = arg;
	const char *match = curl->probe.target->key.box->config->match;
	size_t len = size * count, room = BODY_MAX - curl->body_len;
	char *body;

	curl->enough = true;
	if (!match)
		return 0;
	body = realloc(curl->body, curl->body_len + len);
	if (!body) {
		curl->enough = false;
		curl->own_err = ENOMEM;
		return 0;
	}
	curl->body = body;
	if (len > room)
		len = room;
	memcpy(body + curl->body_len, octets, len);
	curl->body_len += len;
	curl->matched = memmem(body, curl->body_len, match, strlen(match)) != NULL;
	curl->enough = curl->matched || curl->body_len == BODY_MAX;
	return curl->enough ? 0 : len;
}

static void free_socket(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct curl_socket *socket = poll->data;
	struct curl_crowd *crowd = socket->crowd;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(crowd->multi, socket->fd, flags, &running);
	take_results(crowd);
}

static struct curl_socket *open_socket(struct curl_crowd *crowd, curl_socket_t fd)
{
	struct curl_socket *socket = calloc(1, sizeof(*socket));

	if (!socket || uv_poll_init(crowd->part->health->loop, &socket->poll, fd)) {
		free(socket);
		return NULL;
	}
	socket->crowd = crowd;
	socket->fd = fd;
	socket->poll.data = socket;
	curl_multi_assign(crowd->multi, fd, socket);
	return socket;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct curl_socket *socket = socket_arg;
	struct curl_crowd *crowd = arg;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket) {
			curl_multi_assign(crowd->multi, fd, NULL);
			uv_poll_stop(&socket->poll);
			uv_close((uv_handle_t *)&socket->poll, free_socket);
		}
		return 0;
	}
	if (!socket)
		socket = open_socket(crowd, fd);
	if (!socket)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&socket->poll, events, on_ready) ? -1 : 0;
}

static void on_timeout(uv_timer_t *timer)
{
	struct curl_crowd *crowd = timer->data;
	int running;

	curl_multi_socket_action(crowd->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(crowd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct curl_crowd *crowd = arg;

	(void)multi;
	if (timeout_ms < 0)
		return uv_timer_stop(&crowd->timer);
	return uv_timer_start(&crowd->timer, on_timeout, (uint64_t)timeout_ms, 0);
}

/* ---- crowds ---- */

static struct curl_crowd *crowd_new(struct curl_part *part, const char *ca_file)
{
	struct curl_crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	crowd->ca_file = ca_file ? strdup(ca_file) : NULL;
	crowd->multi = curl_multi_init();
	if (!crowd->multi || (ca_file && !crowd->ca_file)) {
		curl_multi_cleanup(crowd->multi);
		free(crowd->ca_file);
		free(crowd);
		return NULL;
	}
	crowd->part = part;
	curl_multi_setopt(crowd->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(crowd->multi, CURLMOPT_SOCKETDATA, crowd);
	curl_multi_setopt(crowd->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(crowd->multi, CURLMOPT_TIMERDATA, crowd);
	uv_timer_init(part->health->loop, &crowd->timer);
	crowd->timer.data = crowd;
	crowd->next = part->crowds;
	part->crowds = crowd;
	return crowd;
}

static bool has_file(const struct curl_crowd *crowd, const char *ca_file)
{
	if (!crowd->ca_file || !ca_file)
		return crowd->ca_file == ca_file;
	return strcmp(crowd->ca_file, ca_file) == 0;
}

/* Those with these authorities; NULL: no memory. */
static struct curl_crowd *crowd_of(struct curl_part *part, const char *ca_file)
{
	struct curl_crowd *crowd = part->crowds;

	while (crowd && !has_file(crowd, ca_file))
		crowd = crowd->next;
	return crowd ? crowd : crowd_new(part, ca_file);
}

/* ---- the kind ---- */

/* "2001:db8::1" in brackets, for URLs and CURLOPT_CONNECT_TO. */
static void bracket(const struct endpoint *endpoint, char ret[NET_TEXT_MAX])
{
	char text[NET_TEXT_MAX];

	net_address_text(endpoint->family, endpoint->address, text);
	snprintf(ret, NET_TEXT_MAX, endpoint->family == AN_FAMILY_IPV6 ? "[%.60s]" : "%.60s", text);
}

static CURLcode set_where(struct curl_probe *curl, const struct config_check *config)
{
	struct endpoint endpoint = target_endpoint(curl->probe.target);
	char address[NET_TEXT_MAX], connect_to[NET_TEXT_MAX + 16], url[2048];
	const char *host = config->host;

	bracket(&endpoint, address);
	snprintf(url, sizeof(url), "%s://%s:%u%s", config->kind == CHECK_HTTP ? "http" : "https",
	         host ? host : address, endpoint.port, config->path ? config->path : "/");
	snprintf(connect_to, sizeof(connect_to), "::%s:%u", address, endpoint.port);
	curl->connect_to = curl_slist_append(NULL, connect_to);
	if (!curl->connect_to)
		return CURLE_OUT_OF_MEMORY;
	curl_easy_setopt(curl->easy, CURLOPT_CONNECT_TO, curl->connect_to);
	return curl_easy_setopt(curl->easy, CURLOPT_URL, url);
}

static void set_manners(struct curl_probe *curl)
{
	CURL *easy = curl->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, curl);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl->fault);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "anamed/" ANAMED_VERSION);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, curl);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, curl);
}

static CURLcode set_trust(struct curl_probe *curl, const struct config_check *config)
{
	CURL *easy = curl->easy;

	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->verify ? 2L : 0L);
	if (config->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
	/* With a folder of authorities beside the file, each check would read the file anew. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* none is taken up again */
	/* Connected and shaken hands: that is all of a TLS check. */
	return curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, config->kind == CHECK_TLS ? 1L : 0L);
}

static int curl_start(struct target *target, struct probe **ret)
{
	const struct config_check *config = target->key.box->config;
	struct curl_crowd *crowd = crowd_of(target->health->curl, config->ca_file);
	struct curl_probe *curl = crowd ? calloc(1, sizeof(*curl)) : NULL;

	if (!curl)
		return -ENOMEM;
	curl->probe = (struct probe){target, &curl_kind, probe_now_us()};
	curl->crowd = crowd;
	curl->easy = curl_easy_init();
	if (!curl->easy || set_where(curl, config) || set_trust(curl, config)) {
		probe_free(curl);
		return -ENOMEM;
	}
	set_manners(curl);
	if (curl_multi_add_handle(crowd->multi, curl->easy)) {
		probe_free(curl);
		return -ENOMEM;
	}
	*ret = &curl->probe;
	return 0;
}

static void curl_cancel(struct probe *probe)
{
	probe_free((struct curl_probe *)probe);
}

const struct probe_kind curl_kind = {curl_start, curl_cancel};

/* ---- the part ---- */

struct curl_part *curl_part_new(struct health *health)
{
	struct curl_part *part = calloc(1, sizeof(*part));

	if (!part || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(part);
		return NULL;
	}
	part->health = health;
	return part;
}

static void free_crowd(uv_handle_t *handle)
{
	struct curl_crowd *crowd = handle->data;

	free(crowd->ca_file);
	free(crowd);
}

void curl_part_free(struct curl_part *part)
{
	for (struct curl_crowd *crowd = part->crowds, *next; crowd; crowd = next) {
		next = crowd->next;
		curl_multi_cleanup(crowd->multi);
		uv_close((uv_handle_t *)&crowd->timer, free_crowd);
	}
	curl_global_cleanup();
	free(part);
}
