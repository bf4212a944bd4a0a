/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expand_table - the addresses that stand in an ANAME's place in an expanded zone.
 *
 * One entry for each flattened owner of a zone snapshot, in a table that is
 * copied before it is changed while others read it. Entries are immutable and
 * counted, so a copy costs a pointer an owner, and two tables of one layout are
 * compared by their pointers.
 */
#ifndef ANAMED_TRANSFER_EXPAND_TABLE_H
#define ANAMED_TRANSFER_EXPAND_TABLE_H

#include <stdatomic.h>

#include "base/name.h"

struct expand_set {
	bool known;     /* upstream has answered once: `count` 0 then is NODATA */
	uint16_t count; /* addresses */
	uint32_t ttl;
	const uint8_t *octets; /* 4 or 16 each, in canonical order */
};

#define EXPAND_A    0
#define EXPAND_AAAA 1

struct expand_entry {
	atomic_uint holders;
	uint8_t name[NAME_MAX_LEN]; /* lower case */
	uint8_t name_len;
	uint64_t content; /* hash of name and sets */
	struct expand_set sets[2];
	uint8_t octets[]; /* of both sets */
};

/* Copies the octets. NULL if out of memory. */
struct expand_entry *expand_entry_new(const uint8_t *name, size_t len,
                                      const struct expand_set sets[2]);
struct expand_entry *expand_entry_hold(struct expand_entry *entry);
void expand_entry_free(struct expand_entry *entry); /* gives one count back; NULL is fine */

struct expand_table {
	atomic_uint holders;
	uint64_t content; /* sum over the entries' */
	size_t count;
	size_t size; /* of slots: a power of two */
	struct expand_entry *slots[];
};

/* Room for `count` owners. NULL if out of memory. */
struct expand_table *expand_table_new(size_t count);
struct expand_table *expand_table_copy(const struct expand_table *table);
struct expand_table *expand_table_hold(struct expand_table *table);
void expand_table_free(struct expand_table *table); /* gives one count back; NULL is fine */

/* Puts an entry in, in the place of the one of its name if there is one; takes the count over. */
void expand_table_put(struct expand_table *table, struct expand_entry *entry);

struct expand_entry *expand_table_find(const struct expand_table *table, const uint8_t *name,
                                       size_t len);

#endif
