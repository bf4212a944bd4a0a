/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain - beside other XDP programs, under libxdp's dispatcher. chain.c is the
 * only file with libxdp, and the dispatcher is ours where it is installed
 * (bpf/dispatcher.bpf.c). Every failure comes back as a code and is told once,
 * in *error.
 */
#ifndef ANAMED_KERNEL_CHAIN_H
#define ANAMED_KERNEL_CHAIN_H

#include "kernel/maps.h"

struct chain; /* what a dispatcher runs on one interface */

/* NULL: there is no dispatcher, or nothing that may be looked into. */
struct chain *chain_open(unsigned int ifindex);
void chain_close(struct chain *chain); /* NULL is fine */

/* Number of our program in the chain; 0: it is not there. */
uint32_t chain_program(const struct config *config, struct chain *chain);

/*
 * Joins with this binary's program, in the dispatcher's mode; one of ours with other
 * instructions than `pinned` leaves after that, so one always answers. 0 if it is
 * there already.
 */
int chain_attach(const struct config *config, struct chain *chain,
                 const struct maps_program *pinned, struct error *error);
int chain_detach(const struct config *config, struct chain *chain, struct error *error);

#endif
