/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine - from results of checks to "up" or "down". Pure: no clock, no loop.
 *
 * Up after `rise` good results in a row, down after `fall` bad ones. Never
 * known counts as up. Damping is that of RFC 2439 with one kind of event:
 * every fall weighs 1, the sum halves every `damping_ms`; who rises with
 * `limit` or more on it stays down until it weighs half of the limit. It is
 * capped at twice the limit, so nobody stays down for more than two half-lives
 * after the last fall.
 */
#ifndef ANAMED_HEALTH_MACHINE_H
#define ANAMED_HEALTH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine_rules {
	uint16_t rise, fall;  /* from 1 */
	uint32_t interval_ms; /* the shortest, less jitter */
	uint32_t damping_ms;  /* half-life; 0: none */
	uint8_t damping_limit;
};

/* All zero but `live`, which is true, is one that was never known. */
struct machine {
	bool known; /* has had a result, ever */
	bool live;  /* what results say */
	bool damped;
	bool run_good;
	uint32_t run;       /* results in a row of that kind, in this run */
	uint32_t weight;    /* of falls, in thousandths, at weight_ms */
	uint64_t weight_ms; /* all times are of the same clock */
};

/* What counts: live, and not damped. */
bool machine_up(const struct machine *machine);

/* Takes a result. True: machine_up() is another now. */
bool machine_result(struct machine *machine, const struct machine_rules *rules, bool good,
                    uint64_t now_ms);

/* One more result can change machine_up(). */
bool machine_near(const struct machine *machine, const struct machine_rules *rules);

/* The earliest time at which machine_up() can change, if the next result can come at next_ms. */
uint64_t machine_next_change(const struct machine *machine, const struct machine_rules *rules,
                             uint64_t next_ms);

/*
 * From the start of a check to that of the next: interval_ms, or less while
 * failures that took_ms each are counted, so that the last of `fall` has ended
 * `fall` intervals after the last success, although each had to be waited for.
 */
uint32_t machine_pace(const struct machine *machine, const struct machine_rules *rules,
                      uint32_t interval_ms, uint32_t took_ms);

#endif
