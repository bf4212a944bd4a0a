/* SPDX-License-Identifier: BSD-2-Clause */
/* secrets - what server cookies are made with: configured, or drawn once for this process. */
#ifndef ANAMED_BASE_SECRETS_H
#define ANAMED_BASE_SECRETS_H

#include "anamed/cookie.h"
#include "base/config.h"

/* As an_cookie_judge() takes them. How many: at least one. */
unsigned int secrets_cookie(const struct config *config, __u64 ret[AN_COOKIE_SECRETS][2]);

#endif
