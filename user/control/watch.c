/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses come and go: what the kernel half serves follows. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/daemon.h"
#include "kernel/served.h"

struct watch {
	struct daemon *daemon;
	struct served_watch *news;
	uv_poll_t poll;
};

static void publish_now(struct daemon *daemon)
{
	struct an_served *entries = NULL;
	struct error error = {0};
	size_t count = 0;
	char text[1024];
	int left_out;

	/* What is bound, and where the program runs, is as it was at the start. */
	if (served_find(daemon->started, &entries, &count, &error)) {
		log_error("xdp: served addresses: %s", error_text(&error, text, sizeof(text)));
		return;
	}
	left_out = publish_served(daemon->publish, entries, count);
	free(entries);
	log_info("xdp: %zu addresses are served in the kernel", count);
	if (left_out > 0)
		log_warning("xdp: %d addresses have no room in the kernel's table", left_out);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;

	(void)events;
	if (!status && served_watch_read(watch->news))
		publish_now(watch->daemon);
}

static void on_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	served_watch_close(watch->news);
	free(watch);
}

void watch_start(struct daemon *daemon)
{
	struct watch *watch;
	struct error error = {0};
	char text[1024];

	if (!daemon->publish)
		return;
	watch = calloc(1, sizeof(*watch));
	if (watch && served_watch_open(&watch->news, &error)) {
		log_warning("xdp: new addresses will not be seen: %s",
		            error_text(&error, text, sizeof(text)));
		free(watch);
		watch = NULL;
	}
	/* After the watch has begun: no change is lost in between. */
	publish_now(daemon);
	if (!watch)
		return;
	watch->daemon = daemon;
	watch->poll.data = watch;
	uv_poll_init(&daemon->loop, &watch->poll, served_watch_fd(watch->news));
	uv_poll_start(&watch->poll, UV_READABLE, on_news);
	daemon->watch = watch;
}

void watch_stop(struct daemon *daemon)
{
	if (daemon->watch)
		uv_close((uv_handle_t *)&daemon->watch->poll, on_closed);
	daemon->watch = NULL;
}
