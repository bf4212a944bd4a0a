/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_health - health checks that can be made, and mean what they say.
 *
 * A setting that a kind has no use for is a fault, so that nobody believes in
 * it. Looks at the files that are named. Part of config_check().
 */
#ifndef ANAMED_CONTROL_CHECK_HEALTH_H
#define ANAMED_CONTROL_CHECK_HEALTH_H

#include "base/config.h"
#include "control/places.h"

/* 0 or -EINVAL with *error (file and line). */
int check_health(const struct config *config, const struct places *places, struct error *error);

#endif
