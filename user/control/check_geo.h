/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_geo - databases and policies that agree with themselves.
 *
 * What can be said without opening a database: names that are known, codes
 * that exist, rules that can match. Part of config_check().
 */
#ifndef ANAMED_CONTROL_CHECK_GEO_H
#define ANAMED_CONTROL_CHECK_GEO_H

#include "base/config.h"
#include "control/places.h"

/* 0 or -EINVAL with *error (file and line). */
int check_geo(const struct config *config, const struct places *places, struct error *error);

#endif
