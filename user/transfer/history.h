/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history - the differences between a view's versions, for IXFR (RFC 1995).
 *
 * A step leads from one serial to another: what is removed, what is added.
 * Steps are immutable and counted, with copies of their records, so that no
 * old snapshot is kept for them. A history is bounded in steps and in octets:
 * once the way would be longer than half the zone, the whole zone is sent.
 */
#ifndef ANAMED_TRANSFER_HISTORY_H
#define ANAMED_TRANSFER_HISTORY_H

#include "transfer/out_view.h"

#define HISTORY_STEPS_MAX 100

struct record_list {
	uint8_t *octets;
	size_t len, room;
	size_t count;
};

struct record_item {
	const uint8_t *name;
	const uint8_t *rdata;
	uint32_t ttl;
	uint16_t type, rdata_len;
	uint8_t name_len;
};

/* The record at *at, which moves past it; false at the end. */
bool record_list_next(const struct record_list *list, size_t *at, struct record_item *ret);

struct step {
	atomic_uint holders;
	uint32_t from, to;
	uint32_t soa_ttl[2];
	uint8_t soa[2][VIEW_SOA_MAX]; /* rdata of old and new */
	uint16_t soa_len[2];
	struct record_list removed, added;
};

static inline size_t step_octets(const struct step *step)
{
	return step->removed.len + step->added.len;
}

/* What leads from one view to the next. -E2BIG: more than max octets. */
int step_between(const struct view *from, const struct view *to, size_t max, struct step **ret);

/* One step for several in a row: what was added and removed again is gone from it. */
int step_condense(struct step *const *steps, size_t count, struct step **ret);

struct step *step_hold(struct step *step);
void step_free(struct step *step); /* gives one count back; NULL is fine */

struct history {
	struct step *steps[HISTORY_STEPS_MAX]; /* oldest first, each `to` the next one's `from` */
	size_t count;
	size_t octets;
};

/* Takes the step over. Old ones go until no more than max octets are kept. */
void history_add(struct history *history, struct step *step, size_t max);
void history_clear(struct history *history);

/* The index of the step that leads on from a serial; -ENOENT: it is not known any more. */
int history_find(const struct history *history, uint32_t from);

/* Octets that a zone of so many records may keep: half of it. */
size_t history_room(const struct zone *zone);

#endif
