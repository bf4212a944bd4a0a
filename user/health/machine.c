/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/machine.h"

#define FALL_WEIGHT 1000U

bool machine_up(const struct machine *machine)
{
	return machine->live && !machine->damped;
}

/* ---- damping ---- */

/* Halves for each half-life; between two of them along a straight line. */
static uint32_t weight_at(const struct machine *machine, uint32_t half_life_ms, uint64_t now_ms)
{
	uint64_t age_ms = now_ms > machine->weight_ms ? now_ms - machine->weight_ms : 0;
	uint64_t halvings = half_life_ms ? age_ms / half_life_ms : 32;
	uint64_t weight = halvings < 32 ? machine->weight >> halvings : 0;

	if (!weight)
		return 0;
	return (uint32_t)(weight - weight * (age_ms % half_life_ms) / half_life_ms / 2);
}

static void add_fall(struct machine *machine, const struct machine_rules *rules, uint64_t now_ms)
{
	uint32_t most = 2 * FALL_WEIGHT * rules->damping_limit;
	uint32_t weight = weight_at(machine, rules->damping_ms, now_ms) + FALL_WEIGHT;

	machine->weight = weight < most ? weight : most;
	machine->weight_ms = now_ms;
}

static bool is_heavy(const struct machine *machine, const struct machine_rules *rules,
                     uint64_t now_ms)
{
	uint32_t limit = FALL_WEIGHT * rules->damping_limit;

	if (!rules->damping_ms)
		return false;
	/* Once damped, until half of the limit. */
	return weight_at(machine, rules->damping_ms, now_ms) >=
	       (machine->damped ? limit / 2 : limit);
}

/* When what weighs so much now will weigh less than half of the limit. */
static uint64_t light_at(const struct machine *machine, const struct machine_rules *rules)
{
	uint32_t low = FALL_WEIGHT * rules->damping_limit / 2;
	uint64_t at_ms = machine->weight_ms;
	uint32_t weight = machine->weight;

	for (; weight / 2 >= low; weight /= 2)
		at_ms += rules->damping_ms;
	if (weight < low)
		return at_ms;
	return at_ms + 2ULL * rules->damping_ms * (weight - low) / weight;
}

/* ---- results ---- */

static uint32_t wanted(const struct machine *machine, const struct machine_rules *rules)
{
	return machine->live ? rules->fall : rules->rise;
}

/* Results of the other kind that have come in a row. */
static uint32_t against(const struct machine *machine)
{
	return machine->run_good != machine->live ? machine->run : 0;
}

static void count(struct machine *machine, bool good)
{
	if (machine->run_good != good || !machine->run)
		machine->run = 0;
	machine->run_good = good;
	if (machine->run < UINT32_MAX)
		machine->run++;
	machine->known = true;
}

bool machine_result(struct machine *machine, const struct machine_rules *rules, bool good,
                    uint64_t now_ms)
{
	bool before = machine_up(machine);

	count(machine, good);
	if (against(machine) >= wanted(machine, rules)) {
		machine->live = good;
		if (!good)
			add_fall(machine, rules, now_ms);
	}
	machine->damped =
	        machine->live && (machine->damped || !before) && is_heavy(machine, rules, now_ms);
	return machine_up(machine) != before;
}

/* ---- what may come ---- */

static uint32_t missing(const struct machine *machine, const struct machine_rules *rules)
{
	uint32_t want = wanted(machine, rules), have = against(machine);

	return have < want ? want - have : 1;
}

bool machine_near(const struct machine *machine, const struct machine_rules *rules)
{
	return machine->damped || missing(machine, rules) == 1;
}

uint64_t machine_next_change(const struct machine *machine, const struct machine_rules *rules,
                             uint64_t next_ms)
{
	uint64_t light_ms;

	if (machine->damped) {
		light_ms = light_at(machine, rules);
		return light_ms > next_ms ? light_ms : next_ms;
	}
	return next_ms + (uint64_t)(missing(machine, rules) - 1) * rules->interval_ms;
}

uint32_t machine_pace(const struct machine *machine, const struct machine_rules *rules,
                      uint32_t interval_ms, uint32_t took_ms)
{
	uint32_t less_ms;

	if (!machine->live || !against(machine) || rules->fall < 2)
		return interval_ms;
	less_ms = (took_ms + rules->fall - 2) / (rules->fall - 1U);
	return less_ms < interval_ms ? interval_ms - less_ms : 0;
}
