/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polls - libuv poll handles for descriptors that a library opens and closes.
 *
 * The library says what it waits for; it must say that it lets go (events 0)
 * before it closes the descriptor, whose number may be another's at once. The
 * owner keeps struct polls until it has let go of all.
 */
#ifndef ANAMED_UPSTREAM_POLLS_H
#define ANAMED_UPSTREAM_POLLS_H

#include <stdbool.h>

#include <uv.h>

struct poll;

struct polls {
	uv_loop_t *loop;
	/* From the loop. An error to be read from the socket counts as readable. */
	void (*ready)(int fd, bool readable, bool writable, void *arg);
	void *arg;
	struct poll *first; /* own */
};

/* events: UV_READABLE, UV_WRITABLE, both, or 0. Out of memory: as if nothing ever happened on it.
 */
void polls_set(struct polls *polls, int fd, int events);

/* The descriptor that was opened last, -1 if there is none. */
int polls_first(const struct polls *polls);

#endif
