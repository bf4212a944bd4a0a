/* SPDX-License-Identifier: BSD-2-Clause */
/* What people and metrics are shown. */
#include <string.h>

#include "health/health_room.h"

const char *health_kind_word(enum check_kind kind)
{
	static const char *const words[] = {"tcp",  "tls", "http",   "https",
	                                    "icmp", "dns", "command"};

	return words[kind];
}

/* The ring, oldest first, into `room`. */
static unsigned int lay_out(const struct history *history, struct health_change *room)
{
	uint64_t count = history ? history->count : 0;
	uint64_t first = count > HEALTH_HISTORY ? count - HEALTH_HISTORY : 0;

	for (uint64_t i = first; i < count; i++)
		room[i - first] = history->changes[i % HEALTH_HISTORY];
	return (unsigned int)(count - first);
}

static void describe(const struct target *target, struct health_info *ret)
{
	static struct health_change room[HEALTH_HISTORY]; /* the loop's thread alone is here */
	const struct config_check *config = target->key.box->config;

	*ret = (struct health_info){
	        .check = target->key.box->name,
	        .kind = config ? config->kind : CHECK_TCP,
	        .gone = !config,
	        .family = (uint8_t)target->key.family,
	        .watchers = target->watchers,
	        .run = target->machine.run,
	        .run_good = target->machine.run_good,
	        .since_unix_ms = target->since_unix_ms,
	        .last_unix_ms = target->last_unix_ms,
	        .last_us = target->last_us,
	        .reason = target->reason,
	        .good = target->good,
	        .bad = target->bad,
	        .changes = target->changes,
	        .late = target->late,
	        .history = room,
	        .history_count = lay_out(target->history, room),
	};
	memcpy(ret->address, target->key.address, sizeof(ret->address));
	target_state(target, &ret->state);
}

void health_info(const struct health_watch *watch, struct health_info *ret)
{
	describe(watch->target, ret);
}

void health_each(const struct health *health,
                 void (*visit)(const struct health_info *info, void *arg), void *arg)
{
	struct health_info info;

	for (struct target *target = health->targets; target; target = target->hh.next) {
		if (!target->watchers)
			continue;
		describe(target, &info);
		visit(&info, arg);
	}
}

void health_stats(const struct health *health, struct health_stats *ret)
{
	struct health_stats stats = health->stats;

	stats.watched = health->watched;
	stats.running = health->net.running + health->commands.running;
	stats.waiting = health->net.waiting_count + health->commands.waiting_count;
	for (struct target *target = health->targets; target; target = target->hh.next) {
		if (!target->watchers)
			continue;
		*(target->up ? &stats.up : &stats.down) += 1;
		stats.forced += target_forced(target) != HEALTH_AUTO;
		stats.damped += target->machine.damped && !target_forced(target);
	}
	*ret = stats;
}
