/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * simulate - who would get what, without asking or changing anything.
 *
 * Reads a configuration and decides for client networks as the daemon does,
 * with the same functions (geo_find, pool_decide, audience_client), under
 * states that are assumed; and again after a change: other states, another
 * configuration, or both. Targets are not resolved: an ANAME member stands for
 * whatever it yields.
 */
#ifndef ANAMED_CONTROL_SIMULATE_H
#define ANAMED_CONTROL_SIMULATE_H

#include <jansson.h>

#include "base/config.h"
#include "base/error.h"

#define SIMULATE_CLIENTS_MAX 1000000

struct simulate {
	const char *config;       /* path */
	const char *against;      /* path of the configuration after the change; NULL: the same */
	struct config_name name;  /* a pool, or an owner whose zone has an ANAME to one */
	uint16_t type;            /* A or AAAA */
	const char *clients_file; /* "NETWORK [WEIGHT]" a line; NULL: none */
	char *const *clients;     /* networks and addresses */
	size_t clients_count;
	/* The change, "WHO=STATE": an address, CHECK/ADDRESS, a target or a pool; up, down, failing
	 * (a target cannot be resolved), none (it has no addresses), or a duration (up, at this
	 * distance). */
	char *const *assume;
	size_t assume_count;
	/* What a daemon has, before and after: its `states`, which may be of addresses that are not
	 * in the pool, and its `choices`: what its pools chose last, and how targets stand. NULL:
	 * nothing. */
	const json_t *states, *choices;
};

/*
 * *ret: see docs/control-protocol.md. Without clients: one for each region.
 * 0 or a negative errno with *error.
 */
int simulate(const struct simulate *request, json_t **ret, struct error *error);

#endif
