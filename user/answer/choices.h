/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choices - what pools chose last, and what has come up lately: kept on disk,
 * and over a reload that changes a pool, so that hold-down goes on. Pools and
 * members are known by their ids, which are made of names and addresses, so
 * that those which stay are found again however the pool was changed. On the
 * flatten loop alone.
 *
 *   key    "C" version, pool 32, region 32, type 16
 *   value  count 16, then of each node: id 32, choice 32 (a child's id), chosen 64, up since 64
 *          (milliseconds since 1970; 0: none)
 */
#ifndef ANAMED_ANSWER_CHOICES_H
#define ANAMED_ANSWER_CHOICES_H

#include "answer/cells.h"

#define CHOICES_MARK 0x4302u

/* Keeps `now`, by node, if it says something else than the cell's memory. */
void choices_keep(const struct cell *cell, const struct pool_memory *now);

/* A record from disk; non-zero: it is of no use. */
int choices_take(struct flatten *flatten, const void *key, size_t key_len, const void *value,
                 size_t value_len);
/* Are those with this key a region's? */
bool choices_are_by_region(const void *key, size_t key_len);
/* The cell's pool has been changed: what its next cell of this region and type begins with. The
 * tree is the old one. */
void choices_leave(const struct cell *cell);
/* Into the memory of a cell that is new. */
void choices_recall(struct cell *cell);
void choices_free(struct flatten *flatten);

#endif
