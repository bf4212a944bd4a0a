/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/samples.h"

#include <string.h>

static size_t place(const struct samples *samples, size_t index)
{
	return (samples->first + index) % SAMPLES_MAX;
}

int samples_is_due(const struct samples *samples, uint64_t now_ms)
{
	if (!samples->count)
		return 1;
	return now_ms - samples->at_ms[place(samples, samples->count - 1)] >= SAMPLES_STEP_MS;
}

void samples_add(struct samples *samples, uint64_t now_ms, const uint64_t value[SAMPLES_COUNTERS])
{
	size_t at;

	if (samples->count == SAMPLES_MAX) {
		samples->first = place(samples, 1);
		samples->count--;
	}
	at = place(samples, samples->count++);
	samples->at_ms[at] = now_ms;
	memcpy(samples->value[at], value, sizeof(samples->value[at]));
}

size_t samples_spans(const struct samples *samples)
{
	return samples->count ? samples->count - 1 : 0;
}

uint64_t samples_span_ms(const struct samples *samples, size_t span)
{
	return samples->at_ms[place(samples, span + 1)] - samples->at_ms[place(samples, span)];
}

double samples_rate(const struct samples *samples, size_t span, size_t counter)
{
	uint64_t before = samples->value[place(samples, span)][counter];
	uint64_t after = samples->value[place(samples, span + 1)][counter];
	uint64_t ms = samples_span_ms(samples, span);

	if (!ms)
		return 0;
	return (double)(after >= before ? after - before : after) * 1000 / (double)ms;
}
