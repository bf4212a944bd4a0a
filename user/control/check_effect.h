/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_effect - settings that are in the file and change nothing.
 *
 * No faults: the daemon does what the file says, but whoever wrote it may have
 * expected more. Part of config_check(), after all else has been found good.
 */
#ifndef ANAMED_CONTROL_CHECK_EFFECT_H
#define ANAMED_CONTROL_CHECK_EFFECT_H

#include "base/config.h"
#include "control/places.h"
#include "steer/pool.h"

/* Adds to config->warnings, in the order of their lines; `pools` are those of the
 * configuration, NULL if it has none. 0 or -ENOMEM. */
int check_effect(struct config *config, const struct places *places, const struct pools *pools);

#endif
