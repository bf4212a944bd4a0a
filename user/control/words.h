/* SPDX-License-Identifier: BSD-2-Clause */
/* words - names and types as people type them on a command line. Pure. */
#ifndef ANAMED_CONTROL_WORDS_H
#define ANAMED_CONTROL_WORDS_H

#include "base/config.h"

/* An absolute name, final dot or not; lower case. 0 or -EINVAL. */
int words_name(const char *text, struct config_name *ret);

/* "A", "aaaa", "ANAME", "ALIAS", "TYPE65": 0 or -EINVAL. */
int words_type(const char *text, uint16_t *ret);

#endif
