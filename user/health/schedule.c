/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When each target is checked. A target's timer runs to its next start; while
 * a probe is under way, to the end of its time. Starts are counted from start
 * to start, so that a slow answer does not move those that follow.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "health/health_room.h"

/* Between first checks that are all wanted at once. */
#define SPREAD_US     2000
#define SPREAD_TLS_US 10000 /* a handshake takes a millisecond or two of a core */

/* The loop counts as late from here on. */
#define LATE_MS 20

static void on_timer(uv_timer_t *timer);

static const struct probe_kind *kind_of(const struct config_check *config)
{
	switch (config->kind) {
	case CHECK_TCP:
		return &tcp_kind;
	case CHECK_ICMP:
		return &icmp_kind;
	case CHECK_DNS:
		return &dns_kind;
	case CHECK_COMMAND:
		return &command_kind;
	default:
		return &curl_kind;
	}
}

static struct lane *lane_of(struct target *target)
{
	const struct config_check *config = target->key.box->config;

	return config && config->kind == CHECK_COMMAND ? &target->health->commands
	                                               : &target->health->net;
}

/* ---- times ---- */

/* 0 to below. Good enough to spread load by. */
static uint32_t random_below(uint32_t limit)
{
	uint32_t value = 0;

	if (!limit || getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
		return 0;
	return (uint32_t)((uint64_t)value * limit >> 32);
}

static bool is_idle(const struct target *target, const struct config_check *config)
{
	const struct machine *machine = &target->machine;

	/* What is failing is looked at closely. */
	if (!config->idle_interval_ms || (machine->run && machine->run_good != machine->live))
		return false;
	return clock_ms() - target->used_ms >= config->idle_after_ms;
}

static uint32_t interval_of(const struct target *target, const struct config_check *config)
{
	uint32_t ms = config->interval_ms;

	if (is_idle(target, config) && config->idle_interval_ms > ms)
		ms = config->idle_interval_ms;
	return ms - random_below((uint32_t)((uint64_t)ms * config->jitter / 100 + 1));
}

static void set_timer(struct target *target, uint64_t at_ms)
{
	uint64_t now_ms = uv_now(target->health->loop);

	uv_timer_start(&target->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void plan(struct target *target, uint64_t due_ms)
{
	target->place = PLACE_IDLE;
	target->due_ms = due_ms;
	set_timer(target, due_ms);
}

static void plan_next(struct target *target, const struct config_check *config)
{
	struct machine_rules rules = target_rules(target);
	uint64_t now_ms = clock_ms();
	uint32_t pace_ms = machine_pace(&target->machine, &rules, interval_of(target, config),
	                                (uint32_t)(now_ms - target->start_ms));
	uint64_t next_ms = target->due_ms + pace_ms;

	plan(target, next_ms > now_ms ? next_ms : now_ms);
}

/* ---- one probe ---- */

static void start(struct target *target);

static void start_waiting(struct lane *lane)
{
	struct target *target;

	/* A start that fails at once ends here again: not deeper for each that waits. */
	if (lane->draining)
		return;
	lane->draining = true;
	while (lane->running < lane->most && (target = TAILQ_FIRST(&lane->waiting))) {
		TAILQ_REMOVE(&lane->waiting, target, waiting);
		lane->waiting_count--;
		start(target);
	}
	lane->draining = false;
}

static void take_result(struct target *target, bool good, uint32_t us)
{
	struct machine_rules rules = target_rules(target);
	struct health_stats *stats = &target->health->stats;

	target->last_unix_ms = clock_unix_ms();
	target->last_us = us;
	*(good ? &target->good : &target->bad) += 1;
	*(good ? &stats->good : &stats->bad) += 1;
	machine_result(&target->machine, &rules, good, clock_ms());
}

/* RFC 6298 2: an eighth of what is new. */
static unsigned int smooth(struct target *target, uint32_t connect_us)
{
	uint64_t old = target->connect_us;

	if (!connect_us)
		return 0;
	target->connect_us = old ? (uint32_t)((old * 7 + connect_us) / 8) : connect_us;
	return HEALTH_MEASURED;
}

/* Is over, with a result (in target->reason) or without one. */
static void end(struct target *target, bool result, bool good, uint32_t us, uint32_t connect_us)
{
	struct lane *lane = lane_of(target);
	unsigned int events = 0;

	target->probe = NULL;
	lane->running--;
	if (result) {
		take_result(target, good, us);
		events = smooth(target, connect_us);
	}
	plan_next(target, target->key.box->config);
	start_waiting(lane);
	target_settle(target, target->reason, events);
}

static void write_reason(struct target *target, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void write_reason(struct target *target, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(target->reason, sizeof(target->reason), format, args);
	va_end(args);
}

/* Has this machine no address of its own that it could ask from, IPv6 being off, for example? That
 * is as a missing route. UDP's connect() says the same of it as TCP's, and of ports it does not. */
static bool lacks_source(const struct target *target)
{
	struct endpoint endpoint = target_endpoint(target);
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(&endpoint, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool lacks;

	if (fd < 0)
		return false;
	lacks = connect(fd, (struct sockaddr *)&address, len) && errno == EADDRNOTAVAIL;
	close(fd);
	return lacks;
}

/* Who is to blame is this machine: out of memory, descriptors, ports. */
static bool is_own_fault(const struct target *target, int err)
{
	if (err == EADDRNOTAVAIL)
		return !lacks_source(target);
	return err == ENOMEM || err == EMFILE || err == ENFILE || err == ENOBUFS || err == EAGAIN ||
	       err == ENOTSUP;
}

static void end_with_error(struct target *target, int err, uint32_t us)
{
	write_reason(target, "%s", strerror(err));
	end(target, !is_own_fault(target, err), false, us, 0);
}

static void start(struct target *target)
{
	const struct config_check *config = target->key.box->config;
	const struct probe_kind *kind = kind_of(config);
	struct probe *probe = NULL;
	int err;

	target->place = PLACE_RUNNING;
	target->given = false;
	target->start_ms = clock_ms();
	lane_of(target)->running++;
	err = kind->start(target, &probe);
	if (err) {
		end_with_error(target, -err, 1);
		return;
	}
	target->probe = probe;
	set_timer(target, target->start_ms + config->timeout_ms);
}

static void cancel(struct target *target)
{
	struct probe *probe = target->probe;

	target->probe = NULL;
	probe->target = NULL;
	probe->kind->cancel(probe);
}

/*
 * The time is over, but this machine was busy elsewhere, or stood still: what
 * has come meanwhile lies unread. Once, the time that was lost is given back.
 */
static bool is_given_time(struct target *target)
{
	uint32_t timeout_ms = target->key.box->config->timeout_ms;
	uint64_t late_ms = clock_ms() - target->start_ms - timeout_ms;

	if (target->given || late_ms < LATE_MS || late_ms > UINT32_MAX)
		return false;
	target->given = true;
	set_timer(target, clock_ms() + (late_ms < timeout_ms ? late_ms : timeout_ms));
	return true;
}

static void time_out(struct target *target)
{
	uint32_t us = probe_age_us(target->probe);

	if (is_given_time(target))
		return;
	cancel(target);
	write_reason(target, "no answer within %u ms", target->key.box->config->timeout_ms);
	end(target, true, false, us, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct target *target = timer->data;
	struct lane *lane = lane_of(target);

	if (target->place == PLACE_RUNNING) {
		time_out(target);
		return;
	}
	if (lane->running < lane->most) {
		start(target);
		return;
	}
	target->late++;
	target->health->stats.late++;
	target->place = PLACE_WAITING;
	TAILQ_INSERT_TAIL(&lane->waiting, target, waiting);
	lane->waiting_count++;
}

uint32_t probe_age_us(const struct probe *probe)
{
	uint64_t age_us = probe_now_us() - probe->start_us;

	return age_us && age_us < UINT32_MAX ? (uint32_t)age_us : 1;
}

void probe_done(struct probe *probe, bool good, uint32_t connect_us, const char *format, ...)
{
	struct target *target = probe->target;
	va_list args;

	probe->target = NULL;
	va_start(args, format);
	vsnprintf(target->reason, sizeof(target->reason), format, args);
	va_end(args);
	/* Libraries quote what the other side has sent. */
	error_make_printable(target->reason);
	end(target, true, good, probe_age_us(probe), connect_us);
}

void probe_error(struct probe *probe, int err)
{
	struct target *target = probe->target;

	probe->target = NULL;
	end_with_error(target, err, probe_age_us(probe));
}

void probe_none(struct probe *probe, const char *why)
{
	struct target *target = probe->target;

	probe->target = NULL;
	write_reason(target, "%s", why);
	end(target, false, false, probe_age_us(probe), 0);
}

/* ---- beginning and ending ---- */

static void leave(struct target *target)
{
	struct lane *lane = lane_of(target);

	if (target->place == PLACE_RUNNING) {
		cancel(target);
		lane->running--;
	} else if (target->place == PLACE_WAITING) {
		TAILQ_REMOVE(&lane->waiting, target, waiting);
		lane->waiting_count--;
	}
	target->place = PLACE_IDLE;
}

static void plan_first(struct target *target)
{
	const struct config_check *config = target->key.box->config;
	uint64_t now_us = probe_now_us(), *next_us = &target->health->first_us;

	if (*next_us < now_us)
		*next_us = now_us;
	/* More than go into an interval are anywhere in it. */
	if (*next_us - now_us > config->interval_ms * 1000ULL) {
		plan(target, clock_ms() + random_below(config->interval_ms));
		return;
	}
	plan(target, *next_us / 1000);
	*next_us += config->kind == CHECK_TLS || config->kind == CHECK_HTTPS ? SPREAD_TLS_US
	                                                                     : SPREAD_US;
}

void schedule_begin(struct target *target)
{
	if (!target->timer_open) {
		uv_timer_init(target->health->loop, &target->timer);
		target->timer.data = target;
		target->timer_open = true;
	}
	target->used_ms = clock_ms();
	target->machine.run = 0;
	if (target->key.box->config)
		plan_first(target);
}

void schedule_end(struct target *target)
{
	leave(target);
	uv_timer_stop(&target->timer);
	start_waiting(&target->health->net);
	start_waiting(&target->health->commands);
}

void schedule_use(struct target *target)
{
	const struct config_check *config = target->key.box->config;
	bool idle = config && is_idle(target, config);
	uint64_t soon_ms;

	target->used_ms = clock_ms();
	if (!idle || target->place != PLACE_IDLE)
		return;
	soon_ms = target->used_ms + random_below(config->interval_ms / 10 + 1);
	if (target->due_ms > soon_ms)
		plan(target, soon_ms);
}

uint64_t schedule_next(const struct target *target)
{
	return target->place == PLACE_IDLE ? target->due_ms : clock_ms();
}
