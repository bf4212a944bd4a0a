/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * catalogs - a configuration together with the members of its catalogs (RFC 9432).
 *
 * It is a copy of the configuration whose list of zones goes on with the
 * members, each with its catalog's settings. Everything else in it belongs to
 * the configuration that it was made of, which must live as long. A name that
 * is configured itself, or was a member before in the list, stays what it is.
 */
#ifndef ANAMED_CONTROL_CATALOGS_H
#define ANAMED_CONTROL_CATALOGS_H

#include "base/config.h"

struct catalogs_pair {
	const struct config_name *catalog, *member;
};

/* 0 or -ENOMEM. Pairs whose catalog is not configured as one count for nothing. */
int catalogs_config(const struct config *base, const struct catalogs_pair *pairs, size_t count,
                    struct config **ret);

/* Does nothing if it is the base itself. */
void catalogs_free(struct config *config, const struct config *base);

#endif
