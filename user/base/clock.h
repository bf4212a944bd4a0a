/* SPDX-License-Identifier: BSD-2-Clause */
/* clock - the two clocks of the daemon, in milliseconds. */
#ifndef ANAMED_BASE_CLOCK_H
#define ANAMED_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_MS_NEVER UINT64_MAX

/* CLOCK_MONOTONIC: the clock of every time inside the process. */
static inline uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Milliseconds since 1970: for what outlives a boot. */
static inline int64_t clock_unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
