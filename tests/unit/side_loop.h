/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * side_loop - a loop in a thread of its own, whose clients the tests are.
 *
 * side_loop_open(), then what is to be in it, side_loop_start(); at the end
 * side_loop_close(), which calls `close` in the loop's thread.
 */
#ifndef ANAMED_TESTS_UNIT_SIDE_LOOP_H
#define ANAMED_TESTS_UNIT_SIDE_LOOP_H

#include <pthread.h>
#include <uv.h>

struct side_loop {
	uv_loop_t loop;
	uv_async_t end;
	uv_timer_t timer; /* the test's */
	pthread_t thread;
	void (*close)(void *arg);
	void *arg;
};

static inline void side_loop_end(uv_async_t *async)
{
	struct side_loop *side = async->data;

	side->close(side->arg);
	uv_close((uv_handle_t *)&side->timer, NULL);
	uv_close((uv_handle_t *)async, NULL);
}

static inline void *side_loop_run(void *side)
{
	uv_run(&((struct side_loop *)side)->loop, UV_RUN_DEFAULT);
	return NULL;
}

static inline void side_loop_open(struct side_loop *side, void (*close)(void *arg), void *arg)
{
	side->close = close;
	side->arg = arg;
	uv_loop_init(&side->loop);
	uv_async_init(&side->loop, &side->end, side_loop_end);
	uv_timer_init(&side->loop, &side->timer);
	side->end.data = side;
	side->timer.data = arg;
}

static inline int side_loop_start(struct side_loop *side)
{
	return pthread_create(&side->thread, NULL, side_loop_run, side);
}

/* Not 0: a handle is left. */
static inline int side_loop_close(struct side_loop *side)
{
	uv_async_send(&side->end);
	pthread_join(side->thread, NULL);
	return uv_loop_close(&side->loop);
}

#endif
