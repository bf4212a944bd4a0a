/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fixture - the real program in this kernel, its maps filled by hand.
 *
 * Writes slots and keys through memory as the treaty says, without user/:
 * a fault there cannot hide one here. Packets go through BPF_PROG_TEST_RUN on
 * the loopback's interface number; nothing is attached.
 */
#ifndef TESTS_KERNEL_FIXTURE_H
#define TESTS_KERNEL_FIXTURE_H

#include <linux/bpf.h>

/* Generated, and not to our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "anamed.skel.h"
#pragma GCC diagnostic pop

#include "anamed/treaty.h"
#include "packet.h"
#include "reference.h"

#define FIXTURE_IFINDEX   1 /* lo */
#define FIXTURE_SEED      0x5eed0f0ddba11ULL
#define FIXTURE_ZONE      3
#define FIXTURE_CELL      5
#define FIXTURE_POOL_CELL 6
#define FIXTURE_GEO_LINES (2 * AN_GEO_LINES_ROOT + 16) /* each half; places are the test's own */
#define FIXTURE_LOCATIONS 32

struct fixture {
	struct anamed_bpf *object;
	struct an_control *control;
	struct an_served *served;
	uint64_t *special, *cells;
	struct an_front_line *front;
	struct an_name_line *names;
	uint64_t *misses;
	struct an_geo_line *geo;
	struct an_geo_regions *regions;
	struct an_zone *zones;
	uint8_t *slots, *slots_large;
	uint32_t next, next_large; /* slots not given out yet */
	uint64_t next_uid;
	uint32_t hz;
	unsigned int cpus;
};

/* What came out. */
struct outcome {
	uint32_t action;
	struct packet packet;
	struct an_counters counters; /* of this packet alone */
};

/* cmocka set-up and tear-down: *state is a struct fixture. */
int fixture_open(void **state);
int fixture_close(void **state);

/* Maps as after fixture_open: one zone, two served addresses, no owner, daemon alive. */
void fixture_reset(struct fixture *fixture);

uint64_t fixture_now(const struct fixture *fixture);

/* Serves the address that a query spec asks, on lo or on another interface. */
void fixture_serve(struct fixture *fixture, const struct query_spec *spec);
void fixture_serve_on(struct fixture *fixture, const struct query_spec *spec, unsigned int ifindex);

/* An owner slot with its key, large where the name needs it or where asked. */
struct an_owner_slot *fixture_owner(struct fixture *fixture, const uint8_t *name, size_t len,
                                    uint16_t type, bool large);

/* The key points to a slot, in the hash and in the front index; the key's line there. */
void fixture_point_owner(struct fixture *fixture, const struct an_owner_key *key, uint32_t number);
struct an_front_line *fixture_line(struct fixture *fixture, const struct an_owner_key *key);

/* An answer in a slot of its own, without any key pointing to it. -> slot number */
uint32_t fixture_answer(struct fixture *fixture, const struct an_owner_slot *owner,
                        const struct an_audience_key *key, const struct answer_spec *spec);
struct an_answer_slot *fixture_slot(struct fixture *fixture, uint32_t number);

struct an_audience_key fixture_key(const struct an_owner_slot *owner, uint8_t kind, uint8_t family,
                                   uint8_t len, const char *address);
void fixture_point(struct fixture *fixture, const struct an_audience_key *key, uint32_t slot);

/* Answer, key, and its length in the owner's list, which stays sorted. -> slot number */
uint32_t fixture_audience(struct fixture *fixture, struct an_owner_slot *owner,
                          const struct an_audience_key *key, const struct answer_spec *spec);
/* An answer in the owner's own slot, which must have room; a network's length in the list. -> the
 * owner's number */
uint32_t fixture_inline(struct fixture *fixture, struct an_owner_slot *owner,
                        const struct an_audience_key *key, const struct answer_spec *spec);
uint32_t fixture_everyone(struct fixture *fixture, struct an_owner_slot *owner,
                          const struct answer_spec *spec);
uint32_t fixture_nobody(struct fixture *fixture, struct an_owner_slot *owner,
                        const struct answer_spec *spec);

/* A name that exists, with AN_NAME_* of it. */
void fixture_name(struct fixture *fixture, const uint8_t *name, size_t len, uint32_t flags);

/* The denial slot of a zone, which is made complete; `spec` has no addresses. */
struct an_owner_slot *fixture_denial(struct fixture *fixture, const uint8_t *apex, size_t len,
                                     const struct answer_spec *spec);
/* What a choice is made among: an answer, its weight, its id, its bit. */
struct choice_spec {
	struct answer_spec answer;
	uint16_t weight;
	uint32_t id;
	uint8_t bit;
};

/* A choice for this key, in slots of their own, with FIXTURE_POOL_CELL; no key points to it. ->
 * slot number */
uint32_t fixture_choice(struct fixture *fixture, const struct an_owner_slot *owner,
                        const struct an_audience_key *key, bool hashed,
                        const struct choice_spec *specs, unsigned int count);

/* Each record's bit, behind the data of an answer's slot. */
void fixture_members(struct an_answer_slot *slot, const uint8_t *bits);

/* The last `len` octets of the tail, a record that counted as additional, are in this section now
 * (0: ANSWER, 1: AUTHORITY), for DO alone. */
void fixture_sign(struct an_answer *answer, size_t len, unsigned int section);

/* Sums over the CPUs. */
void fixture_counters(const struct fixture *fixture, struct an_counters *ret);

void fixture_run(struct fixture *fixture, const struct packet *packet, struct outcome *ret);
void fixture_ask(struct fixture *fixture, const struct query_spec *spec, struct outcome *ret);

/* Name of the one counter that a packet counted in, "several" or "none"; hit_* left aside. */
const char *outcome_counter(const struct outcome *outcome);

struct reference fixture_reference(const struct fixture *fixture, uint32_t ttl, unsigned int scope);

/* Fails the test, saying where, unless the query was answered so, to the octet. */
void assert_answered(struct fixture *fixture, const struct query_spec *query,
                     const struct answer_spec *answer, const struct reference *how,
                     const char *what);
void assert_passed(struct fixture *fixture, const struct packet *packet, const char *counter,
                   const char *what);
void assert_query_passed(struct fixture *fixture, const struct query_spec *query,
                         const char *counter, const char *what);

/* Text name ("www.example") to wire; static storage for one name. */
const uint8_t *wire_name(const char *text, size_t *ret_len);

#endif
