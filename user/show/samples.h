/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * samples - counters of the last hour, for small plots. Pure.
 *
 * A ring of samples, each of a few counters that only grow, as they stood at a
 * time. What is read out is the growth between neighbours. A counter that
 * shrank has begun again: what it has now is its growth.
 */
#ifndef ANAMED_SHOW_SAMPLES_H
#define ANAMED_SHOW_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX      361 /* an hour and its begin */
#define SAMPLES_COUNTERS 4
#define SAMPLES_STEP_MS  10000

struct samples {
	uint64_t at_ms[SAMPLES_MAX];
	uint64_t value[SAMPLES_MAX][SAMPLES_COUNTERS];
	size_t first, count;
};

/* True if the next sample is due. */
int samples_is_due(const struct samples *samples, uint64_t now_ms);

/* Takes a sample; the oldest goes if the ring is full. */
void samples_add(struct samples *samples, uint64_t now_ms, const uint64_t value[SAMPLES_COUNTERS]);

/* Spans between samples: one less than there are samples. */
size_t samples_spans(const struct samples *samples);

/* Growth of a counter in the span, a second; span 0 is the oldest. */
double samples_rate(const struct samples *samples, size_t span, size_t counter);

/* How long the span lasted. */
uint64_t samples_span_ms(const struct samples *samples, size_t span);

#endif
