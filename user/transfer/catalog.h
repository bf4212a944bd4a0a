/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * catalog - what a catalog zone says (RFC 9432): its members, and where they may move to. Pure.
 *
 * The consumer's half: version "2", members as PTR records under "zones",
 * the "coo" property. "group" and other properties are ignored (RFC 9432 4.4,
 * 5.1). A broken catalog is refused as a whole.
 */
#ifndef ANAMED_TRANSFER_CATALOG_H
#define ANAMED_TRANSFER_CATALOG_H

#include "base/config.h"
#include "zone/zone.h"

struct catalog_member {
	struct config_name name; /* lower case */
	struct config_name coo;  /* the catalog that may take the member over; len 0: none */
	uint64_t id;             /* hash of the member's unique label: another id is a new member */
};

struct catalog {
	struct catalog_member *members; /* ordered by name, each once */
	size_t count;
};

/* Reads a zone. 0; -EINVAL: broken, *error says how (RFC 9432 4.1, 4.2.1); -ENOMEM. */
int catalog_read(const struct zone *zone, struct catalog *ret, struct error *error);

const struct catalog_member *catalog_find(const struct catalog *catalog,
                                          const struct config_name *name);

void catalog_done(struct catalog *catalog);

#endif
