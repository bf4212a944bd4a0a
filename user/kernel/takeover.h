/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * takeover - from an older version of the treaty to ours, without a gap.
 *
 * Pins of version N are under .../vN. A binary of a newer version makes its
 * maps beside the older ones, takes the older link over (its pin moves; the
 * older program answers on from its own maps), fills its maps, and puts its
 * program into that same link (kernel_swap_*).
 */
#ifndef ANAMED_KERNEL_TAKEOVER_H
#define ANAMED_KERNEL_TAKEOVER_H

#include "kernel/link.h"
#include "kernel/maps.h"

/*
 * The link on this interface that an older version has pinned beside
 * config->pin_dir: pinned there from now on. *ret as of link_open(); fd -1: there
 * is none.
 */
int takeover_link(const struct config *config, const char *interface, unsigned int ifindex,
                  struct link *ret, struct error *error);
/* Does the program use our control block, or an older version's beside it? */
bool takeover_is_ours(const char *pin_dir, const struct maps_program *program);

#endif
