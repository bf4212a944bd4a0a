/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps - what open.c, maps.c, program.c, link.c, chain.c and attach.c share: names of pins, the
 * forms of the maps, the object. Nobody else includes it.
 */
#ifndef ANAMED_KERNEL_MAPS_H
#define ANAMED_KERNEL_MAPS_H

#include "kernel/kernel.h"

#define MAPS_PATH_MAX    256
#define MAPS_PIN_PROGRAM "prog"
/* The same with BPF_F_XDP_HAS_FRAGS, only where an MTU asked for it. */
#define MAPS_PIN_FRAGMENTS "prog-frags"
#define MAPS_PIN_CLOCK     "clock"
#define MAPS_PIN_LINK      "link-" /* and the interface */

struct maps_form {
	const char *name;
	uint32_t type, key_size, value_size;
	bool mapped;
};

#define MAPS_COUNT 16
extern const struct maps_form maps_forms[];
extern const struct kernel_map_ops kernel_map_ops; /* the BPF syscalls */

/* The context of the object's clock program. */
struct maps_clock {
	uint64_t ticks, ns;
};

char *maps_pin_path(const char *dir, const char *name, char *ret, size_t size);
/* A descriptor of what is pinned under dir, or a negative errno with *error. */
int maps_open_pin(const char *dir, const char *name, struct error *error);
/* -EPROTO if the map is not of this form. */
int maps_check_form(const char *dir, const struct maps_form *form, int fd, uint32_t *ret_capacity,
                    struct error *error);
int maps_run_clock(int fd, struct maps_clock *ret);

/* ---- program.c ---- */

/* A loaded program: enough to tell whether it is the one of this binary. */
#define MAPS_PROGRAM_MAPS 64
struct maps_program {
	uint32_t id;
	char name[16];
	uint8_t tag[8]; /* hash of its instructions */
	uint32_t maps[MAPS_PROGRAM_MAPS];
	uint32_t maps_count;
};

int maps_program_read(int fd, struct maps_program *ret); /* 0 or a negative errno */
int maps_program_by_id(uint32_t id, struct maps_program *ret);
/* Same instructions, and every map that both pin is the same map. */
bool maps_program_same(const char *dir, const struct maps_program *a, const struct maps_program *b);
/* Does the program use our control block, whatever its version? */
bool maps_program_is_ours(const char *dir, const struct maps_program *program);

/* ---- maps.c ---- */

int maps_cpus(void); /* possible ones */
/* The XDP program of an interface (0: none) and whether it runs natively, as the kernel says. */
int maps_running(int ifindex, uint32_t *ret_program, bool *ret_native);

struct bpf_object;
struct maps_object;
/*
 * The object of this binary, opened but not loaded, its maps those that are
 * pinned under config->pin_dir or new ones of config's capacities.
 */
int maps_object_open(const struct config *config, struct maps_object **ret, struct error *error);
struct bpf_object *maps_object_bpf(struct maps_object *object);
void maps_object_close(struct maps_object *object);

/* Loads the program for fragments, on the maps that are pinned, and pins it. */
int kernel_load_fragments(const struct config *config, struct error *error);

#endif
