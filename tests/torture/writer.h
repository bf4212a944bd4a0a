/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * writer - fills the kernel's maps as torture.h says, through the publisher's own functions.
 */
#ifndef ANAMED_TESTS_TORTURE_WRITER_H
#define ANAMED_TESTS_TORTURE_WRITER_H

#include "kernel/publish.h"
#include "torture.h"

/* What outlives a writer that is killed: memory shared with its parent. */
struct board {
	uint32_t version; /* last one given out */
	uint64_t writes, refused, adopted;
	uint32_t done[TORTURE_NAMES * TORTURE_NETS]; /* version whose writing was ended; 0: none */
	bool inconsistent;
	char why[256];
};

struct writer {
	struct kernel_maps *maps;
	struct publish *publish;
	struct config *config;
	struct torture_control *control;
	struct board *board;
	uint32_t zone, generation;
	uint64_t random;
};

/* Opens what is pinned and takes it over. 0, or a negative errno, and said why. */
int writer_open(struct writer *writer, struct config *config, struct torture_control *control,
                struct board *board);
void writer_close(struct writer *writer); /* the maps stay */

/* A new version of a name's answer for one network. 0, -ENOSPC where there is no room. */
int writer_put(struct writer *writer, uint32_t name, uint32_t net);
/* All networks of the control block, everyone last. */
void writer_put_all(struct writer *writer, uint32_t name);
void writer_remove(struct writer *writer, uint32_t name);
/* Another version of the zone: every answer of before is out at once. */
void writer_reload(struct writer *writer);
/* 0 to below - 1 */
uint32_t writer_draw(struct writer *writer, uint32_t below);

/*
 * Are the maps what the treaty says: every key points at a slot that says the same key, nothing
 * is half written, the index before the hash agrees with it? NULL, or what is wrong.
 */
const char *writer_check(const struct writer *writer, char *text, size_t size);

#endif
