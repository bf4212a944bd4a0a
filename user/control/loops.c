/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loops - what a reload finds out about loops, found out again when zones
 * came by transfer. Not at once, since zones come in crowds, and not more
 * often than one part in fifty of the loop's time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/daemon.h"

#define SETTLE_MS   1000
#define PAUSE_TIMES 50

void loops_expect(struct daemon *daemon)
{
	uint64_t due = clock_ms() + SETTLE_MS;

	daemon->loops_due_ms = due > daemon->loops_next_ms ? due : daemon->loops_next_ms;
}

static bool is_known(const struct daemon *daemon, const struct world_fault *fault)
{
	for (size_t i = 0; i < daemon->faults_count; i++)
		if (daemon->faults[i].loop &&
		    !strcmp(daemon->faults[i].error.text, fault->error.text))
			return true;
	return false;
}

static void say(const struct world_fault *fault)
{
	char zone[NAME_TEXT_MAX], text[1024];

	log_warning("zone %s: %s", name_to_text(fault->zone.name, zone),
	            error_text(&fault->error, text, sizeof(text)));
}

/* The loops that there are now take the place of those that there were. */
static int take(struct daemon *daemon, const struct world_fault *loops, size_t count)
{
	struct world_fault *faults = malloc((daemon->faults_count + count + 1) * sizeof(*faults));
	size_t at = 0;

	if (!faults)
		return -1;
	for (size_t i = 0; i < daemon->faults_count; i++)
		if (!daemon->faults[i].loop)
			faults[at++] = daemon->faults[i];
	if (count)
		memcpy(faults + at, loops, count * sizeof(*faults));
	free(daemon->faults);
	daemon->faults = faults;
	daemon->faults_count = at + count;
	return 0;
}

static void check(struct daemon *daemon)
{
	struct world_fault *loops;
	size_t count;

	world_find_loops(daemon->zones, daemon->base, &loops, &count);
	for (size_t i = 0; i < count; i++)
		if (!is_known(daemon, &loops[i]))
			say(&loops[i]);
	if (take(daemon, loops, count))
		log_error("loops across zones are not noted: out of memory");
	free(loops);
}

void loops_second(struct daemon *daemon)
{
	uint64_t began = clock_ms(), now;

	if (!daemon->loops_due_ms || began < daemon->loops_due_ms || daemon->reload)
		return;
	daemon->loops_due_ms = 0;
	check(daemon);
	now = clock_ms();
	daemon->loops_next_ms = now + PAUSE_TIMES * (now - began);
}
