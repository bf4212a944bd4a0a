/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audience - for which clients an answer holds (RFC 7871). Pure.
 *
 * From a query's option and source address comes the client network that
 * decides; from the network that upstream was asked with and the scope that it
 * gave comes the key under which the answer is kept.
 */
#ifndef ANAMED_STEER_AUDIENCE_H
#define ANAMED_STEER_AUDIENCE_H

#include "anamed/treaty.h"
#include "base/config.h"
#include "base/net.h"

/* The option as it stood in the query, checked. */
struct ecs {
	uint8_t family; /* AN_FAMILY_*, or 0 under lenient-family0 */
	uint8_t source; /* SOURCE PREFIX-LENGTH */
	uint8_t address[16];
};

/* Who asks. */
struct client {
	struct network network; /* decides; len = SOURCE that counts. len 0 with family 0: nobody */
	bool ecs_present;
	struct ecs ecs;       /* to be echoed, if present */
	struct network place; /* who is where: the same, or, of nobody, the packet's source */
	bool special;         /* the option lay in a special-use network and was ignored */
	uint8_t special_len; /* prefix length of that network: least wire scope of a tailored answer
	                      */
};

/*
 * `ecs` NULL: none in the query. `source`: the packet's. Rules of SEMANTICS 2:
 * no option: source address at 24 / 56 (ecs_from_source), a special-use source
 * is nobody; option with SOURCE 0: nobody; option in a special-use network:
 * ignored, decided by the source address.
 */
struct client audience_client(const struct config *config, const struct ecs *ecs,
                              const struct endpoint *source);

/* The special-use network that contains all of `network`, or NULL. */
const struct network *audience_special(const struct config *config, const struct network *network);

/*
 * The least prefix length, `scope` or more, under which `network` shares its
 * prefix with no special-use network that it does not lie in itself: those
 * clients are answered by their packets' source, so nobody may take this answer
 * for theirs. May be longer than the network.
 */
unsigned int audience_clear(const struct config *config, const struct network *network,
                            unsigned int scope);

/* What upstream is asked with for this client: at most the limits; nobody gives family 0, len 0
 * (send SOURCE 0). */
struct network audience_ask(const struct network *client, unsigned int ipv4_max,
                            unsigned int ipv6_max);

/*
 * RFC 7871 7.3.1: the key (uid, type, region, variant left 0) that an answer
 * with this scope is kept under, when `asked` was sent (family 0: SOURCE 0)
 * and `maximum` is our longest SOURCE in that family. `tailored`: the target
 * is known to give scopes over 0, so its scope 0 is kept under SOURCE.
 */
struct an_audience_key audience_key(const struct network *asked, unsigned int maximum,
                                    unsigned int scope, bool tailored);

/* The network of a key; family 0 for everyone and nobody. */
struct network audience_network(const struct an_audience_key *key);

/* "192.0.2.0/24", "everyone", "nobody", "192.0.2.0/20 exactly". */
char *audience_text(const struct an_audience_key *key, char ret[NET_TEXT_MAX + 16]);

#endif
