/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One zone's course: is it time, is a primary newer, by which transfer, and
 * what if not (RFC 1034 4.3.5). The host is called last wherever it is called:
 * it may come back with another world.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "transfer/in_room.h"
#include "zone/zones.h"

#define SECOND_MS      1000u
#define PERIOD_MAX_S   (4u * 7 * 86400) /* REFRESH and RETRY: no longer than four weeks */
#define RETRY_MAX_S    600u /* while there is no data: 1, 2, 4, ... seconds up to this */
#define JITTER_DIVISOR 10   /* periods are up to a tenth shorter */

static char *name_of(const struct in_zone *zone, char ret[NAME_TEXT_MAX])
{
	return name_to_text(zone->settings->zone.name.name, ret);
}

/* ---- time ---- */

uint32_t in_zone_soa(const struct zone *zone, unsigned int field)
{
	struct wire soa = wire_reader(zone->soa->rdata[0].data, zone->soa->rdata[0].len);

	soa.at = soa.size - 20 + 4 * field; /* RFC 1035 3.3.13 */
	return wire_get32(&soa);
}

static uint64_t with_jitter(uint64_t ms)
{
	uint32_t number = 0;
	uint64_t most = ms / JITTER_DIVISOR;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		return ms;
	return most ? ms - number % most : ms;
}

static uint64_t period_ms(const struct zone *zone, unsigned int field)
{
	uint32_t seconds = in_zone_soa(zone, field);

	if (seconds < 1)
		seconds = 1;
	return (seconds > PERIOD_MAX_S ? PERIOD_MAX_S : seconds) * (uint64_t)SECOND_MS;
}

uint64_t in_zone_expires_ms(const struct in_zone *zone)
{
	uint32_t seconds;
	int64_t expires;

	if (!zone->zone)
		return CLOCK_MS_NEVER;
	seconds = in_zone_soa(zone->zone, 3);
	expires = zone->confirmed_ms + (seconds < 1 ? 1 : seconds) * (int64_t)SECOND_MS;
	return expires > 0 ? (uint64_t)expires : 0;
}

static uint64_t retry_ms(const struct in_zone *zone)
{
	unsigned int shift = zone->failures > 10 ? 10 : zone->failures ? zone->failures - 1 : 0;
	uint32_t seconds = 1u << shift;

	if (zone->zone)
		return with_jitter(period_ms(zone->zone, 2));
	return with_jitter((seconds > RETRY_MAX_S ? RETRY_MAX_S : seconds) * (uint64_t)SECOND_MS);
}

static void on_timer(uv_timer_t *timer);

void in_zone_arm(struct in_zone *zone)
{
	uint64_t now = clock_ms(), next = zone->phase == IN_IDLE ? zone->next_ms : CLOCK_MS_NEVER;
	uint64_t expires = zone->expired ? CLOCK_MS_NEVER : in_zone_expires_ms(zone);

	if (zone->gone || zone->in->closing)
		return;
	if (expires < next)
		next = expires;
	if (next == CLOCK_MS_NEVER)
		uv_timer_stop(&zone->timer);
	else
		uv_timer_start(&zone->timer, on_timer, next > now ? next - now : 0, 0);
}

static void expire(struct in_zone *zone)
{
	const struct transfer_in_host *host = &zone->in->host;
	const struct config_name *name = &zone->settings->zone.name;
	char text[NAME_TEXT_MAX];

	zone->expired = true;
	in_count(&in_counters.expired);
	log_error("zone %s has expired: no primary has confirmed it for %" PRIu32 " s",
	          name_of(zone, text), in_zone_soa(zone->zone, 3));
	if (zone->phase == IN_IDLE)
		zone->next_ms = clock_ms(); /* a REFRESH longer than EXPIRE would leave it so */
	in_zone_arm(zone);
	host->expired(name->name, name->len, true, host->arg);
}

static void on_timer(uv_timer_t *timer)
{
	struct in_zone *zone = timer->data;
	uint64_t now = clock_ms();

	if (zone->phase == IN_IDLE && now >= zone->next_ms)
		in_zone_check(zone);
	if (!zone->expired && now >= in_zone_expires_ms(zone))
		expire(zone);
	else
		in_zone_arm(zone);
}

/* ---- the end of a check ---- */

static void finish(struct in_zone *zone)
{
	zone->phase = IN_IDLE;
	zone->in->active--;
	if (zone->again) {
		zone->again = false;
		zone->next_ms = 0;
	}
	in_zone_arm(zone);
	in_zone_next_waiting(zone->in);
}

/* Every primary had its turn. */
static void give_up(struct in_zone *zone)
{
	char name[NAME_TEXT_MAX];

	zone->failures++;
	zone->failed_unix_ms = clock_unix_ms();
	if (strcmp(zone->attempt, zone->error)) /* said once, not at every retry */
		log_warning("zone %s%s: %s", name_of(zone, name),
		            zone->zone ? " keeps its data" : " has no data", zone->attempt);
	memcpy(zone->error, zone->attempt, sizeof(zone->error));
	zone->next_ms = clock_ms() + retry_ms(zone);
	in_count(&in_counters.failures);
	finish(zone);
}

/* A primary has said that what we have is what it has: true if the zone lives again by that. */
static bool confirm(struct in_zone *zone)
{
	bool revived = zone->expired;

	zone->confirmed = true;
	zone->confirmed_ms = (int64_t)clock_ms();
	zone->confirmed_unix_ms = clock_unix_ms();
	zone->expired = false;
	zone->failures = 0;
	zone->error[0] = '\0';
	zone->next_ms = clock_ms() + with_jitter(period_ms(zone->zone, 1));
	return revived;
}

static void up_to_date(struct in_zone *zone)
{
	const struct transfer_in_host *host = &zone->in->host;
	const struct config_name *name = &zone->settings->zone.name;
	bool revived = confirm(zone);

	in_count(&in_counters.up_to_date);
	in_job_confirm(zone);
	finish(zone);
	if (revived)
		host->expired(name->name, name->len, false, host->arg);
}

/* ---- asking ---- */

static void ask(struct in_zone *zone, enum in_kind kind);

static const char *kind_text(enum in_kind kind)
{
	switch (kind) {
	case IN_IXFR:
		return "IXFR";
	case IN_AXFR:
		return "AXFR";
	default:
		return "SOA";
	}
}

static void note_error(struct in_zone *zone, const char *text)
{
	size_t used = strlen(zone->attempt);
	char name[NAME_TEXT_MAX];

	snprintf(zone->attempt + used, sizeof(zone->attempt) - used, "%s%s from %s: %.300s",
	         used ? "; " : "", kind_text(zone->kind), zone->last_primary, text);
	log_debug("zone %s: %s from %s: %s", name_of(zone, name), kind_text(zone->kind),
	          zone->last_primary, text);
}

static enum in_kind first_kind(const struct in_zone *zone)
{
	return zone->zone && !zone->whole ? IN_SOA_UDP : IN_AXFR;
}

static void next_primary(struct in_zone *zone)
{
	if (++zone->tried >= zone->settings->primaries_count)
		give_up(zone);
	else
		ask(zone, first_kind(zone));
}

static void take_serial(struct in_zone *zone, uint32_t serial)
{
	uint32_t ours = zone->zone->serial;
	char text[96];

	if (serial == ours) {
		up_to_date(zone);
	} else if (in_serial_newer(serial, ours)) {
		ask(zone, IN_IXFR);
	} else {
		snprintf(text, sizeof(text), "its serial %" PRIu32 " is older than ours, %" PRIu32,
		         serial, ours);
		note_error(zone, text);
		next_primary(zone);
	}
}

static void take_stream(struct in_zone *zone, struct in_outcome *outcome)
{
	if (zone->zone && !zone->whole && !in_serial_newer(outcome->serial, zone->zone->serial)) {
		in_stream_free(outcome->stream);
		take_serial(zone, outcome->serial);
		return;
	}
	zone->phase = IN_BUILDING;
	if (!in_job_start(zone, outcome->stream))
		return;
	in_stream_free(outcome->stream);
	note_error(zone, "out of memory");
	give_up(zone);
}

/* What did not do over UDP may do over TCP, and an IXFR's place can take an AXFR. */
static void take_refusal(struct in_zone *zone)
{
	if (zone->kind == IN_SOA_UDP)
		ask(zone, IN_SOA_TCP);
	else if (zone->kind == IN_IXFR)
		ask(zone, IN_AXFR);
	else
		next_primary(zone);
}

static void on_outcome(struct in_outcome *outcome, void *arg)
{
	struct in_zone *zone = arg;

	zone->ask = NULL;
	zone->checked_unix_ms = clock_unix_ms();
	switch (outcome->result) {
	case IN_SERIAL:
	case IN_NO_NEWER:
		take_serial(zone, outcome->serial);
		break;
	case IN_STREAM:
		take_stream(zone, outcome);
		break;
	case IN_REFUSED:
		note_error(zone, outcome->text);
		take_refusal(zone);
		break;
	case IN_FAILED:
		note_error(zone, outcome->text);
		next_primary(zone);
		break;
	}
}

static void on_closed(void *arg)
{
	struct in_settings *settings = arg;
	struct transfer_in *in = settings->in;

	in_settings_free(settings);
	in_release(in);
}

static void ask(struct in_zone *zone, enum in_kind kind)
{
	struct in_settings *settings = zone->settings;
	size_t turn = (zone->first + zone->tried) % settings->primaries_count;
	struct in_ask_setup setup = {
	        .loop = zone->in->loop,
	        .primary = &settings->primaries[turn],
	        .kind = kind,
	        .limits = &zone->in->limits,
	        .stream = {.apex = settings->zone.name.name,
	                   .apex_len = settings->zone.name.len,
	                   .settings = &settings->zone,
	                   .old = kind == IN_IXFR ? zone->zone : NULL,
	                   .types = zone->in->types},
	        .done = on_outcome,
	        .arg = zone,
	        .closed = on_closed,
	        .closed_arg = settings,
	};

	zone->kind = kind;
	endpoint_text(&setup.primary->address, zone->last_primary);
	if (kind == IN_SOA_UDP || kind == IN_SOA_TCP)
		in_count(&in_counters.checks);
	zone->ask = in_ask_start(&setup);
	if (!zone->ask) {
		note_error(zone, "out of memory");
		give_up(zone);
		return;
	}
	settings->count++;
	zone->in->open++;
}

/* ---- what was made of a transfer ---- */

static void install(struct in_zone *zone, struct in_job *job)
{
	const struct transfer_in_host *host = &zone->in->host;
	const struct config_name *name = &zone->settings->zone.name;
	struct zone *made = job->made;
	char text[NAME_TEXT_MAX];
	bool revived, incremental = zone->kind == IN_IXFR;

	job->made = NULL;
	made->settings = zone->config;
	zone_free(zone->zone);
	zone->zone = zone_hold(made);
	zone->handed_ms = clock_ms();
	zone->whole = false;
	zone->last_kind = kind_text(zone->kind);
	in_count(incremental ? &in_counters.ixfr : &in_counters.axfr);
	log_notice("zone %s: serial %" PRIu32 " by %s from %s, %zu records", name_of(zone, text),
	           made->serial, zone->last_kind, zone->last_primary, made->record_count);
	revived = confirm(zone);
	if (zone->settings->catalog)
		in_catalog_soon(zone->in);
	finish(zone);
	host->install(made, host->arg);
	if (revived)
		host->expired(name->name, name->len, false, host->arg);
}

void in_zone_built(struct in_zone *zone, struct in_job *job)
{
	struct error error = {0};
	int fault = job->fault;

	zone->job = NULL;
	if (fault)
		error = job->error;
	else if (zone->settings->catalog)
		fault = in_catalog_take(zone, job->made, &error);
	if (!fault) {
		install(zone, job);
		return;
	}
	note_error(zone, error.text);
	take_refusal(zone);
}

/* ---- beginning ---- */

static void begin(struct in_zone *zone)
{
	zone->phase = IN_ASKING;
	zone->in->active++;
	zone->attempt[0] = '\0';
	zone->tried = 0;
	zone->first = zone->notifier < zone->settings->primaries_count ? zone->notifier : 0;
	zone->notifier = SIZE_MAX;
	ask(zone, first_kind(zone));
}

void in_zone_check(struct in_zone *zone)
{
	struct transfer_in *in = zone->in;

	if (zone->gone || in->closing)
		return;
	if (zone->phase != IN_IDLE) {
		zone->again |= zone->phase != IN_WAITING;
		return;
	}
	if (in->active >= IN_ACTIVE_MAX) {
		zone->phase = IN_WAITING;
		TAILQ_INSERT_TAIL(&in->waiting, zone, waiting);
		return;
	}
	begin(zone);
}

void in_zone_next_waiting(struct transfer_in *in)
{
	struct in_zone *zone = TAILQ_FIRST(&in->waiting);

	if (!zone || in->closing || in->active >= IN_ACTIVE_MAX)
		return;
	TAILQ_REMOVE(&in->waiting, zone, waiting);
	begin(zone);
}

static int64_t age_of(const struct in_zone *zone)
{
	int64_t confirmed = in_job_confirmed(zone);
	int64_t age = clock_unix_ms() - confirmed;

	if (confirmed < 0)
		return -1;
	return age > 0 ? age : 0; /* a clock that was set back */
}

void in_zone_start(struct in_zone *zone)
{
	int64_t age = zone->zone ? age_of(zone) : -1;

	zone->phase = IN_IDLE;
	zone->notifier = SIZE_MAX;
	zone->next_ms = clock_ms();
	/* Expiry counts over restarts. Data whose age nobody knows counts from now. */
	zone->confirmed = age >= 0;
	zone->confirmed_ms = (int64_t)clock_ms() - (age > 0 ? age : 0);
	zone->confirmed_unix_ms = clock_unix_ms() - (age > 0 ? age : 0);
	uv_timer_init(zone->in->loop, &zone->timer);
	zone->timer.data = zone;
	in_zone_arm(zone);
}

void in_zone_stop(struct in_zone *zone)
{
	if (zone->phase == IN_WAITING)
		TAILQ_REMOVE(&zone->in->waiting, zone, waiting);
	if (zone->ask)
		in_ask_cancel(zone->ask);
	if (zone->job)
		zone->job->zone = NULL;
	if (zone->phase == IN_ASKING || zone->phase == IN_BUILDING)
		zone->in->active--;
	zone->ask = NULL;
	zone->job = NULL;
	zone->phase = IN_IDLE;
}
