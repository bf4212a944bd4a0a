/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check - what no single setting shows: settings that contradict each other,
 * and things that are listed twice. Every fault has its line.
 */
#ifndef ANAMED_CONTROL_CHECK_H
#define ANAMED_CONTROL_CHECK_H

#include "base/config.h"
#include "control/places.h"

/* 0, or -EINVAL (-ENOMEM) with *error. Where there is no fault, what has no effect is among
 * config->warnings. */
int config_check(struct config *config, const struct places *places, struct error *error);

#endif
