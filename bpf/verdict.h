/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * verdict.h - why a packet leaves the program; each verdict is a counter.
 *
 * A step returns V_GO_ON or the reason to pass the packet up. Doubt is a pass.
 */
#ifndef ANAMED_BPF_VERDICT_H
#define ANAMED_BPF_VERDICT_H

#include "anamed/counters.h"

enum verdict {
#define VERDICT_OF_COUNTER(name, text) V_##name,
	AN_COUNTERS(VERDICT_OF_COUNTER)
#undef VERDICT_OF_COUNTER
	        VERDICT_COUNT,
	V_GO_ON = V_hit,
};

_Static_assert(V_hit == 0, "a step that returns 0 goes on");
_Static_assert(VERDICT_COUNT * sizeof(__u64) == sizeof(struct an_counters), "a counter each");

#endif
