/* SPDX-License-Identifier: BSD-2-Clause */
/* one_scene - a program whose tests each have one scene, `scene`, anew. */
#ifndef ANAMED_TESTS_ONE_SCENE_H
#define ANAMED_TESTS_ONE_SCENE_H

#include "unit/answer/scene.h"

static struct scene scene;

/* For a setup; see scene_open(). */
static inline int one_scene_open(const char *const *texts)
{
	rcu_register_thread();
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene, texts);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	rcu_unregister_thread();
	return 0;
}

static inline struct respond_result result_of(const struct ask *ask)
{
	uint8_t query[512];
	static uint8_t reply[65535];

	return scene_send(&scene, ask, query, scene_query(ask, query), reply,
	                  ask->tcp ? sizeof(reply) : 1232);
}

#define ASK(...)          scene_ask(&scene, &(struct ask){__VA_ARGS__})
#define EXPECT(text, ...) assert_string_equal(ASK(__VA_ARGS__), text)

#endif
