/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geography - the databases and tables of policies, while the daemon runs.
 *
 * See geography.c. All of it on the loop's thread.
 */
#ifndef ANAMED_CONTROL_GEOGRAPHY_H
#define ANAMED_CONTROL_GEOGRAPHY_H

#include "control/daemon.h"

/* Once there is a world. 0 or -ENOMEM. */
int geography_start(struct daemon *daemon);
void geography_stop(struct daemon *daemon); /* before the loop runs for the last time */

/* After a reload: other files may be in use. */
void geography_world(struct daemon *daemon);
/* The reload is over, whatever came of it: what was replaced meanwhile is read. */
void geography_resume(struct daemon *daemon);

/* True: databases are being read, and a reload on behalf of `request` (may be NULL) is started once
 * that is over. False: it can start now, unless geography_is_busy() says that one waits already. */
bool geography_defers(struct daemon *daemon, struct control_request *request);
bool geography_is_busy(const struct daemon *daemon);

/* What is wrong with the databases, with text, is said and remembered; without, nothing is. */
void geography_fault(struct daemon *daemon, const struct error *error);

/* Into the kernel's other half, from any thread; true: it is there. Then, on the loop: it holds. */
bool geography_write(const struct daemon *daemon, struct geo *geo);
void geography_hold(const struct daemon *daemon, const struct geo *geo, bool written);

/* Keeps the numbers of regions on disk. */
void geography_remember(const struct config *config, const struct geo *geo);

#endif
