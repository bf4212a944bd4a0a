/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clients - how many connections each client has, over all workers (RFC 7766 6.2.2).
 *
 * A client is an IPv4 address or the /64 that an IPv6 address stands in (one
 * host has all of it). Touched when a connection comes and when it goes only,
 * so one lock does.
 */
#ifndef ANAMED_SERVE_CLIENTS_H
#define ANAMED_SERVE_CLIENTS_H

#include "base/net.h"

struct clients;

struct clients *clients_new(uint32_t max_per_client); /* 0: no limit; NULL: out of memory */
void clients_free(struct clients *clients);

/* One more connection. 0, -EBUSY: it has as many as it may, -ENOMEM. */
int clients_enter(struct clients *clients, const struct endpoint *peer);

/* One less; every clients_enter() that gave 0 has one. */
void clients_leave(struct clients *clients, const struct endpoint *peer);

#endif
