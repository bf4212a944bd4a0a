/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish - the daemon's hand in the kernel's maps.
 *
 * The only writer of owners, audiences, slots, cells, zones, served, special,
 * and of the control block after it was set up. Called from the flatten loop
 * alone. Owns the slot allocators and keeps the order of writes that the
 * treaty asks for: slot, then key, then the owner's list of lengths; removal
 * the other way round. An audience is never taken away while a shorter one
 * could stand in for it: it becomes AN_SLOT_ASK until the owner goes.
 * Nothing here fails an answer: what does not fit stays with the daemon.
 *
 * Memory (Linux 6.18): a name with one answer that fits into its slot takes in
 * the kernel a slot of 256 octets, an element of the owners' hash, 16 to 32 of
 * the front index, and 8 of the cell; each further answer for a network an
 * element of the audiences' hash and a slot. docs/benchmarks.md has what the
 * kernel says. All of it is taken at the start, by capacity.
 */
#ifndef ANAMED_KERNEL_PUBLISH_H
#define ANAMED_KERNEL_PUBLISH_H

#include "kernel/kernel.h"

struct publish;

/*
 * Takes over the maps: rebuilds the allocators by scanning (slots with an odd
 * sequence number are freed, keys that point nowhere or to a slot with another
 * key are removed, no length is trusted), starts the heartbeat.
 */
int publish_new(struct kernel_maps *maps, const struct config *config, struct publish **ret,
                struct error *error);
void publish_free(struct publish *publish); /* maps stay as they are */

/* So many owners, at most, are about to come (those of the last good answers): their slots are
 * spread accordingly from the first on. A hint. */
void publish_expect(struct publish *publish, uint64_t owners);

/* Calls back for each owner and each answer slot that adoption found in order. For the restart of a
 * daemon. */
struct publish_visitor {
	void (*owner)(const struct an_owner_slot *slot, size_t name_len, void *arg);
	void (*answer)(const struct an_owner_slot *owner, const struct an_answer_slot *slot,
	               uint32_t number, void *arg);
	void *arg;
};
void publish_each(struct publish *publish, const struct publish_visitor *visitor);

/* Once a second: heartbeat, clock offset. */
void publish_beat(struct publish *publish);

/* Settings that the program reads (special networks, ECS from source, flags, payload). */
int publish_settings(struct publish *publish, const struct config *config);

/* The served addresses now: one entry for each (address, port, interface). Replaces what was there.
 * Count of those that did not fit. */
int publish_served(struct publish *publish, const struct an_served *entries, size_t count);

/*
 * Zones. publish_zone finds the zone's record by apex or takes a free one,
 * gives its index, and says whether the content is the one that the kernel has
 * (then its generation stays; else it is raised, which takes every older slot
 * of the zone out at one instant). -ENOSPC: zone stays with the daemon.
 */
int publish_zone(struct publish *publish, const uint8_t *apex, size_t apex_len, uint64_t content,
                 uint32_t zone_flags, uint64_t valid_until_ms, uint32_t *ret_index,
                 uint32_t *ret_generation);
/* Raises the generation although the content is the same. */
void publish_zone_renew(struct publish *publish, uint32_t index, uint32_t *ret_generation);
void publish_zone_remove(struct publish *publish, uint32_t index);

/* ---- names that exist, and the denial of others ---- */

/* Is there room for so many names, when `gives` of those that are there go? */
bool publish_names_room(const struct publish *publish, size_t count, size_t gives);

/*
 * A name that exists, any case, with AN_NAME_* of it. Added as often as it is
 * dropped: zones, and the old and the new data of one, may share a name. set:
 * the flags of a name that is there are these and no others. drop: flags do
 * not matter.
 */
void publish_name_add(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags);
void publish_name_set(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags);
void publish_name_drop(struct publish *publish, const uint8_t *name, size_t len, uint32_t flags);

/* What an earlier daemon left of names and was not added again goes. Once, when all zones are
 * there. */
void publish_names_sweep(struct publish *publish);

/* What is said of names that do not exist in a zone (its flags say AN_ZONE_COMPLETE). 0, or as
 * publish_answer(). */
int publish_denial(struct publish *publish, const uint8_t *apex, size_t apex_len, uint32_t zone,
                   uint32_t generation, const struct an_answer_slot *image);

/* ---- owners and answers ---- */

/*
 * Makes sure that an owner slot for (name, type) exists; -> its uid. regions:
 * number + 1 of the policy that gives its clients their regions, 0: none. An
 * owner of the same name and type with an older generation or another policy
 * is renewed in place (uid kept, all its answers dropped). -EEXIST: hash taken by another name;
 * -ENOSPC: full even after eviction; -ENAMETOOLONG never (large slots hold all).
 * The uid is the publisher's own: it fills it into the keys.
 */
int publish_owner(struct publish *publish, const uint8_t *name, size_t name_len, uint16_t type,
                  uint32_t zone, uint32_t generation, uint32_t regions, uint64_t *ret_uid);

/*
 * Writes an answer (image: head.zone, head.generation, uid and cell are filled
 * in here; `used` octets of it count) for an audience of the owner (region,
 * kind, family, len, prefix of `key` count), times in clock_ms() with CLOCK_MS_NEVER.
 * A ninth prefix length is folded: stored under the next longer length that
 * exists with `asked`'s prefix, or left to the daemon as AN_SLOT_ASK where that
 * cannot be. catch_all: this is the newest answer. 0, or -ENOSPC, -E2BIG:
 * the daemon keeps it, and the kernel passes such queries up.
 */
int publish_answer(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   const uint8_t asked_prefix[8], uint8_t asked_len,
                   const struct an_answer_slot *image, uint64_t fresh_until_ms,
                   uint64_t stale_until_ms, bool catch_all, uint32_t *ret_slot);

/* One of the answers that a reply is chosen from. */
struct publish_member {
	const struct an_answer_slot *image;
	uint32_t id;     /* for choice by client */
	uint16_t weight; /* at least 1 */
	uint8_t bit;     /* in the cell, or AN_BIT_ALWAYS */
};

/* From 1 to AN_CHOICE_MAX of them; their images name the same cell. */
struct publish_choice {
	bool hashed; /* by client; else by weight */
	uint32_t cell;
	const struct publish_member *members;
	size_t count;
};

/* The same as publish_answer(), for a choice; the members' slots come and go with it. It is never
 * folded. */
int publish_choice(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   const struct publish_choice *choice, uint64_t fresh_until_ms,
                   uint64_t stale_until_ms, bool catch_all, uint32_t *ret_slot);

/* The daemon holds an answer for this audience that the kernel may not have: if so, nothing shorter
 * stands in for it there. */
void publish_withhold(struct publish *publish, uint64_t uid, const struct an_audience_key *key);
/* Takes an answer (all of an owner's) out; keys become ASK where a shorter one would stand in. */
void publish_answer_remove(struct publish *publish, uint64_t uid,
                           const struct an_audience_key *key);
/* Takes an answer out in whose place a shorter one, which is there, is right: no key becomes ASK.
 */
void publish_answer_supersede(struct publish *publish, uint64_t uid,
                              const struct an_audience_key *key);
void publish_owner_remove(struct publish *publish, uint64_t uid);

/* ---- places: from clients to regions ---- */

struct geo;

/*
 * Writes a table into the half that does not hold; `geo` looks up there from
 * now on, and is valid until the second publish_geo_hold() after this. May run
 * in another thread, one at a time. -ENODATA: there is none; -ENOSPC: the maps
 * are too small (they were made at load): regions stay with the daemon, and
 * `geo` as it is.
 */
int publish_geo_write(struct publish *publish, struct geo *geo);
/* At one instant: what was just written holds; or (written false) nothing. */
void publish_geo_hold(struct publish *publish, bool written, uint64_t numbering);
/* At the start: owners by region, and their table, stay only if the numbers mean the same. */
void publish_geo_numbering(struct publish *publish, uint64_t numbering);

/* The owner's state cell: stale or not. One memory write. */
void publish_stale(struct publish *publish, uint64_t uid, bool stale);

/* What the cell says now: after adoption, what a former daemon left. */
bool publish_is_stale(const struct publish *publish, uint64_t uid);

/*
 * A word for the members of a pool, bit i: i lives. Answers whose image names
 * it show only records that live. AN_CELL_FIXED: none is left.
 */
uint32_t publish_cell_take(struct publish *publish, uint64_t value);
void publish_cell_set(struct publish *publish, uint32_t cell, uint64_t value);
/* No answer in the maps looks at it any more. */
void publish_cell_drop(struct publish *publish, uint32_t cell);

/* clock_ms() of the kernel's last hit on a slot, 0 for never. */
uint64_t publish_used_ms(const struct publish *publish, uint32_t slot);

/* Is there an owner slot of the current generation for this name and type? For de-duplicating
 * requests. */
bool publish_has(const struct publish *publish, const uint8_t *name, size_t name_len,
                 uint16_t type);

/* The same, and it has an answer: the one that a daemon left may have lost its own at adoption. */
bool publish_holds(const struct publish *publish, const uint8_t *name, size_t name_len,
                   uint16_t type);

/* The maps that it writes, for reading. */
const struct kernel_maps *publish_maps(const struct publish *publish);

/* held_back: makings of room that would have turned the maps over too fast. */
struct publish_stats {
	uint64_t owners, answers, slots_used, slots_large_used, evicted, held_back, refused, folded,
	        collisions, adopted, adopted_dropped, names;
};
void publish_stats(const struct publish *publish, struct publish_stats *ret);

#endif
