/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epochs - zones that are signed here take their next epoch in time.
 *
 * A zone in another epoch is another zone (sign/sign.h): it goes in as one that
 * was transferred does, with a new generation, so that the kernel's answers of
 * the one before do not count any longer.
 */
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/daemon.h"
#include "sign/sign.h"

/* Asked again after this where a zone could not be renewed, or was not to be yet. */
#define AGAIN_S 1

static void renew(struct daemon *daemon, const struct zone *zone, int64_t now)
{
	char name[NAME_TEXT_MAX];
	bool kept_on = false;
	struct zone *again = sign_renew(zone, now, &kept_on);

	if (!again) {
		log_error("zone %s keeps its signatures: out of memory",
		          name_to_text(zone->apex, name));
		return;
	}
	if (kept_on)
		log_error("zone %s: " SIGN_KEPT_ON, name_to_text(zone->apex, name));
	transfers_install(daemon, again);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the first of the zones is over, and when the first signatures expire. */
static void survey(struct daemon *daemon, int64_t now)
{
	daemon->epochs_due_s = daemon->signed_until_s = INT64_MAX;
	daemon->signed_zones = 0;
	for (size_t i = 0; i < zones_count(daemon->zones); i++) {
		const struct signer *signer = zones_at(daemon->zones, i)->signer;
		int64_t next;

		if (!signer)
			continue;
		next = signer_next(signer);
		daemon->epochs_due_s =
		        earlier(daemon->epochs_due_s, next <= now ? now + AGAIN_S : next);
		daemon->signed_until_s = earlier(daemon->signed_until_s, signer_expiration(signer));
		daemon->signed_zones++;
	}
}

void epochs_expect(struct daemon *daemon)
{
	daemon->epochs_due_s = 0;
}

void epochs_second(struct daemon *daemon)
{
	int64_t now = clock_unix_ms() / 1000;

	/* Kept until somebody may act on it. */
	if (now < daemon->epochs_seen_s)
		daemon->epochs_due_s = 0;
	daemon->epochs_seen_s = now;
	if (now < daemon->epochs_due_s || daemon->reload || transfers_are_due(daemon))
		return;
	for (size_t i = 0; i < zones_count(daemon->zones); i++) {
		const struct zone *zone = zones_at(daemon->zones, i);

		if (sign_is_due(zone, now))
			renew(daemon, zone, now);
	}
	survey(daemon, now);
}
