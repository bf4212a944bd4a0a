/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in - zones from primaries: SOA checks, IXFR, AXFR, NOTIFY, expiry (RFC 1034 4.3.5), catalogs.
 *
 * Runs on the libuv loop. Each zone with primaries has its timers (REFRESH,
 * RETRY, EXPIRE of its SOA, with jitter and bounds). What was transferred is
 * checked as a zone file is, written to state_dir/zones/NAME.zone (so that a restart
 * serves before a primary is reachable; the file's time is when a primary last
 * confirmed it, so that EXPIRE counts over restarts), then handed over. A broken or
 * hostile transfer leaves the old data serving. A catalog zone is a zone like
 * any other to those who ask for it; see docs/transfers.md.
 */
#ifndef ANAMED_TRANSFER_IN_H
#define ANAMED_TRANSFER_IN_H

#include <jansson.h>
#include <uv.h>

#include "answer/respond.h"
#include "transfer/tsig.h"

struct transfer_in;

struct transfer_in_host {
	/* New data of a zone (id and generation are the host's to settle); the zone is the host's
	 * from now on. */
	void (*install)(struct zone *zone, void *arg);
	/* SOA EXPIRE is over, or (false) the primary has confirmed again: an expired zone is
	 * answered SERVFAIL. */
	void (*expired)(const uint8_t *apex, size_t apex_len, bool expired, void *arg);
	/*
	 * A catalog zone names these members now (lower-case apexes): the host adds and removes
	 * zones. The settings of a member are the catalog's own entry in the configuration (same
	 * primaries), groups aside.
	 */
	void (*members)(const struct config_zone *catalog, const struct config_name *members,
	                size_t count, void *arg);
	void *arg;
};

struct transfer_in *transfer_in_new(uv_loop_t *loop, const char *state_dir,
                                    const struct transfer_in_host *host);
/*
 * The zones that are configured now (with catalogs' members, as config_zones of their own with
 * member_of): timers begin for new ones, end for those gone; of members that are gone the file goes
 * too. The world, and the configuration in it, are read until the next call. The host is called
 * back from the loop only, never from within this.
 */
void transfer_in_world(struct transfer_in *in, const struct world *world);
/* Ends what is under way; freed once the loop has run the close callbacks. NULL is fine. */
void transfer_in_free(struct transfer_in *in);

/* At start, before anything is served: the data kept on disk for a zone with primaries. -ENOENT:
 * none. */
int transfer_in_restore(const char *state_dir, const struct config_zone *settings,
                        uint16_t aname_type, struct zone **ret, struct error *error);

/*
 * A NOTIFY message arrived (any thread): writes the reply (NOERROR, REFUSED where the source is
 * no primary of the zone, NOTAUTH where the zone is not ours or the TSIG is no good, FORMERR), and
 * has the zone checked soon, beginning with the primary that said so. For the transfer_in that was
 * made last. Length of the reply; 0: none (a reply, or no room).
 */
size_t transfer_in_notify(const struct world *world, const uint8_t *packet, size_t len,
                          const struct endpoint *source, uint8_t *out, size_t size);

/* `anamectl zone-refresh`, `zone-retransfer`: now. -ENOENT: no such zone. */
int transfer_in_refresh(struct transfer_in *in, const uint8_t *apex, size_t apex_len, bool whole);

/* When its data ceases to hold, by clock_ms(); CLOCK_MS_NEVER: it has no primaries, or no data. */
uint64_t transfer_in_expires_ms(struct transfer_in *in, const uint8_t *apex, size_t apex_len);

/* Per zone: primary, serial, last check, next check, expiry, last error; for zone-status. New
 * reference. */
json_t *transfer_in_status(struct transfer_in *in, const uint8_t *apex, size_t apex_len);

struct transfer_in_stats {
	uint64_t checks, axfr, ixfr, up_to_date, failures, notifies, notifies_refused, expired;
};
void transfer_in_stats(struct transfer_in_stats *ret);

#endif
