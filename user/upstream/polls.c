/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/polls.h"

#include <stdlib.h>

struct poll {
	uv_poll_t handle;
	struct polls *polls;
	struct poll *next;
	int fd, events;
};

static void on_ready(uv_poll_t *handle, int status, int events)
{
	struct poll *poll = handle->data;
	struct polls *polls = poll->polls;
	int fd = poll->fd;

	/* libuv stops the handle on an error that is read from the socket (ECONNREFUSED). */
	if (status < 0) {
		uv_poll_start(handle, poll->events, on_ready);
		events = UV_READABLE;
	}
	polls->ready(fd, events & UV_READABLE, events & UV_WRITABLE, polls->arg);
}

static void free_poll(uv_handle_t *handle)
{
	free(handle->data);
}

static void open_poll(struct polls *polls, int fd, int events)
{
	struct poll *poll = calloc(1, sizeof(*poll));

	if (!poll || uv_poll_init(polls->loop, &poll->handle, fd)) {
		free(poll);
		return;
	}
	poll->handle.data = poll;
	poll->polls = polls;
	poll->fd = fd;
	poll->events = events;
	poll->next = polls->first;
	polls->first = poll;
	uv_poll_start(&poll->handle, events, on_ready);
}

void polls_set(struct polls *polls, int fd, int events)
{
	struct poll **link, *poll;

	for (link = &polls->first; *link && (*link)->fd != fd; link = &(*link)->next)
		;
	poll = *link;
	if (!poll) {
		if (events)
			open_poll(polls, fd, events);
		return;
	}
	poll->events = events;
	if (events) {
		uv_poll_start(&poll->handle, events, on_ready);
		return;
	}
	*link = poll->next;
	uv_poll_stop(&poll->handle);
	uv_close((uv_handle_t *)&poll->handle, free_poll);
}

int polls_first(const struct polls *polls)
{
	return polls->first ? polls->first->fd : -1;
}
