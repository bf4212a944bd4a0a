/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel - the maps and the program: load, pin, attach, open.
 *
 * maps.c is the only file with libbpf (open.c, program.c and link.c use its
 * wrappers of system calls), chain.c the only one with libxdp.
 * Attaching needs privilege and is done by `anamectl xdp attach` (or by anamed
 * while it is still root); afterwards descriptors and mapped memory are all
 * that is needed.
 */
#ifndef ANAMED_KERNEL_KERNEL_H
#define ANAMED_KERNEL_KERNEL_H

#include "anamed/treaty.h"
#include "base/config.h"
#include "base/error.h"

/*
 * What the publisher asks of a BPF hash whose values are slot numbers: 0 or a
 * negative errno. next: the key after `key` (NULL: the first), -ENOENT at the
 * end. The seam at which unit tests stand in for the kernel.
 */
struct kernel_map_ops {
	int (*update)(int fd, const void *key, uint32_t value);
	int (*remove)(int fd, const void *key);
	int (*lookup)(int fd, const void *key, uint32_t *ret);
	int (*next)(int fd, const void *key, void *ret);
};

/* Every map, opened; arrays mapped read-write. Capacities are those of the pinned maps. */
struct kernel_maps {
	const struct kernel_map_ops *ops;
	struct an_control *control;
	struct an_served *served; /* AN_SERVED_SIZE */
	uint64_t *special;        /* 2 * AN_SPECIAL_WORDS */
	struct an_zone *zones;
	uint32_t zones_count;
	uint8_t *slots, *slots_large; /* AN_SLOT_*_SIZE octets each */
	uint32_t slots_count, slots_large_count;
	struct an_front_line *front;
	uint32_t front_lines;    /* a power of 2 */
	struct an_geo_line *geo; /* two halves; see treaty.h */
	struct an_geo_regions *regions;
	uint32_t geo_lines, regions_count;
	uint64_t *cells;
	uint32_t cells_count;
	struct an_name_line *names;
	uint32_t names_lines;
	int owners_fd, audiences_fd, counters_fd, region_hits_fd;
	uint32_t owners_max, audiences_max;
	int cpus;     /* possible ones: values of counters_fd */
	int clock_fd; /* pinned program that tells the ticks; -1: conversion stays as it is */
	/* Tick conversion: ticks = tick0 + (ms - ms0) * hz / 1000. */
	uint64_t tick0, ms0;
};

/*
 * Opens what is pinned under dir, checks ABI, sizes of keys and values, and
 * maps the arrays. -ENOENT: nothing is pinned; -EPROTO: not of our ABI.
 */
int kernel_open(const char *dir, struct kernel_maps **ret, struct error *error);
void kernel_close(struct kernel_maps *maps); /* pins stay */

/*
 * clock_ms() to ticks (rounded down) and back (rounded up, so that ticks come
 * back unchanged); CLOCK_MS_NEVER <-> AN_NEVER. What lies before the zero of
 * either clock is 0.
 */
uint64_t kernel_ticks(const struct kernel_maps *maps, uint64_t ms);
uint64_t kernel_ms(const struct kernel_maps *maps, uint64_t ticks);

/* Reads the kernel's tick again and sets the conversion by it: 0 or a negative errno. */
int kernel_clock(struct kernel_maps *maps);

/* Hits of clients of a region below AN_REGIONS_COUNTED, over the CPUs. */
uint64_t kernel_region_hits(const struct kernel_maps *maps, unsigned int policy, uint32_t region);
/* Sum over the CPUs. */
int kernel_counters(const struct kernel_maps *maps, struct an_counters *ret);
extern const char *const kernel_counter_names[];
extern const char *const kernel_counter_texts[];
#define KERNEL_COUNTER_COUNT (sizeof(struct an_counters) / sizeof(uint64_t))

/* ---- with privilege ---- */

/*
 * Loads the object with the capacities of config, pins maps and program under
 * config->pin_dir (mounting bpffs there if need be), sets the control block up
 * once (seed, hz, unix offset; mode ANSWER), or takes over what is pinned.
 * Pinned maps of other capacities are kept, with a warning.
 */
int kernel_load(const struct config *config, struct error *error);

struct kernel_attachment {
	char interface[32];
	unsigned int ifindex;
	bool attached;
	bool native;     /* else generic */
	bool dispatcher; /* under libxdp's dispatcher; else a plain pinned bpf_link */
	uint32_t program_id;
	bool ours;      /* the program that runs is the one pinned */
	bool waiting;   /* an older one answers from its own maps until kernel_swap() */
	char note[160]; /* why a mode was not taken */
};

/* Attaches to one interface by the configured mode; says in *ret what was read back. Idempotent. */
int kernel_attach(const struct config *config, const struct config_interface *interface,
                  struct kernel_attachment *ret, struct error *error);
int kernel_detach(const struct config *config, const char *interface, struct error *error);

/*
 * An attachment that is waiting gets our program, in the same link and without
 * a gap, once our maps are filled. open takes the descriptors, with privilege;
 * the rest needs none. kernel_swap: 0, and *attachment says what runs, or a
 * negative errno with *error.
 */
struct kernel_swap {
	int link_fd, program_fd, fragments_fd; /* -1: none */
};
int kernel_swap_open(const struct config *config, const struct kernel_attachment *attachment,
                     struct kernel_swap *ret, struct error *error);
int kernel_swap(struct kernel_swap *swap, struct kernel_attachment *attachment,
                struct error *error);
void kernel_swap_close(struct kernel_swap *swap);

/* Replaces the running program by the one in this binary, atomically, keeping the maps (same ABI).
 */
int kernel_upgrade(const struct config *config, const char *interface,
                   struct kernel_attachment *ret, struct error *error);
int kernel_status(const struct config *config, const char *interface, struct kernel_attachment *ret,
                  struct error *error);
/*
 * What runs on the interface now, as far as that is seen without privilege: whether there is a
 * program, its number and mode. Whose a program is that was not there before stays open. True:
 * something is another than *attachment said; ifindex is 0 for an interface that is gone.
 */
bool kernel_look_again(struct kernel_attachment *attachment);
/* Removes all pins under the pin directory (maps go when nobody holds them). */
int kernel_unpin(const struct config *config, struct error *error);

#endif
