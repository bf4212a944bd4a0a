/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash - uthash's tables, with memory that runs out as an error.
 *
 * By itself uthash ends the process then. Here an entry that could not be
 * added is left out, and whoever adds asks HASH_ADDED() and gives it back.
 */
#ifndef ANAMED_BASE_HASH_H
#define ANAMED_BASE_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HASH_ADDED(entry) ((entry)->hh.tbl != NULL)

#endif
