/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream - an upstream that answers what the test says, out of the same loop.
 *
 * upstream.h is implemented here, so the library's own is not linked in. The
 * test defines upstream_gives(); `struct upstream` is the loop itself.
 */
#ifndef ANAMED_TESTS_UPSTREAM_H
#define ANAMED_TESTS_UPSTREAM_H

#include <stdlib.h>

#include "answer/flatten_room.h"

struct upstream_ask {
	uv_timer_t timer;
	upstream_done done;
	void *arg;
	uint16_t type;
	struct network client;
	char target[NAME_TEXT_MAX];
};

static upstream_is_own fake_is_own;
static void *fake_own_arg;
static unsigned int asked_count;
static struct network last_asked;
static uint8_t limits[2] = {24, 56};
static unsigned int (*upstream_delay_ms)(const char *target); /* NULL: none, for any */

/* The outcome; `asked` is filled in already. */
static void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret);

static void ask_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void ask_timer(uv_timer_t *timer)
{
	struct upstream_ask *ask = timer->data;
	struct upstream_result result = {.asked = ask->client};

	upstream_gives(ask, &result);
	uv_close((uv_handle_t *)&ask->timer, ask_closed);
	ask->done(&result, ask->arg);
}

struct upstream_ask *upstream_ask(struct upstream *upstream, const uint8_t *target, size_t len,
                                  uint16_t type, const struct network *client, upstream_done done,
                                  void *arg)
{
	struct upstream_ask *ask = calloc(1, sizeof(*ask));

	(void)len;
	if (!ask)
		return NULL;
	name_to_text(target, ask->target);
	ask->done = done;
	ask->arg = arg;
	ask->type = type;
	ask->client = last_asked = *client;
	asked_count++;
	uv_timer_init((uv_loop_t *)upstream, &ask->timer);
	ask->timer.data = ask;
	uv_timer_start(&ask->timer, ask_timer,
	               upstream_delay_ms ? upstream_delay_ms(ask->target) : 0, 0);
	return ask;
}

void upstream_own(struct upstream *upstream, upstream_is_own is_own, void *arg)
{
	(void)upstream;
	fake_is_own = is_own;
	fake_own_arg = arg;
}

void upstream_cancel(struct upstream_ask *ask)
{
	uv_close((uv_handle_t *)&ask->timer, ask_closed);
}

void upstream_limits(const struct upstream *upstream, const uint8_t *target, size_t len,
                     uint8_t ret[2])
{
	(void)upstream, (void)target, (void)len;
	memcpy(ret, limits, 2);
}

#endif
