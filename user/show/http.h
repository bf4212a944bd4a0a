/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http - a few pages over HTTP, on the loop's thread.
 *
 * The only file with libmicrohttpd, which runs without a thread: its epoll
 * descriptor is watched by the loop. Everything is bounded: connections, the
 * octets of a request, the time that a connection may be silent and that it may
 * last at all. A page is made at most once in HTTP_KEEP_MS, however often it is
 * asked for, and is sent as the client takes it. GET and HEAD alone; nothing
 * that a client sends has an effect.
 */
#ifndef ANAMED_SHOW_HTTP_H
#define ANAMED_SHOW_HTTP_H

#include <stdio.h>
#include <uv.h>

#include "base/error.h"
#include "base/net.h"

#define HTTP_CLIENTS_MAX 32
#define HTTP_MEMORY_MAX  (16U << 10) /* octets of a connection: request and headers */
#define HTTP_SILENT_S    10
#define HTTP_LIFE_MS     60000
#define HTTP_KEEP_MS     1000

struct http_page {
	const char *path;   /* "/metrics": compared whole, without a query string */
	const char *type;   /* Content-Type */
	const char *policy; /* Content-Security-Policy; NULL: nothing may be loaded */
	/* Writes the body; 0, or a negative errno: 500. */
	int (*make)(FILE *out, void *arg);
};

struct http;

/*
 * Listens. `pages` ends with one whose path is NULL, and lives as long as the
 * server. 0 or a negative errno with *error.
 */
int http_open(uv_loop_t *loop, const struct endpoint *address, const struct http_page *pages,
              void *arg, struct http **ret, struct error *error);

/* Open connections are cut; freed once the loop has run the close callbacks. NULL is fine. */
void http_close(struct http *http);

/* Where it listens: the port that was given, or, for port 0, taken. */
struct endpoint http_address(const struct http *http);

#endif
