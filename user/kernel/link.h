/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link - our own bpf_link on an interface, pinned as link-INTERFACE, so that
 * the program stays when every process is gone.
 */
#ifndef ANAMED_KERNEL_LINK_H
#define ANAMED_KERNEL_LINK_H

#include "kernel/kernel.h"

struct link {
	int fd; /* -1: there is none */
	uint32_t program_id;
};

/* The link that we have pinned for this interface. One of an interface that is gone is unpinned. */
int link_open(const struct config *config, const char *interface, unsigned int ifindex,
              struct link *ret, struct error *error);
/* Attaches and pins. 0 or a negative errno. */
int link_make(const struct config *config, const char *interface, unsigned int ifindex,
              int program_fd, bool native);
/* A pin for the link: without one it goes with its last process. 0 or a negative errno. */
int link_pin(const struct config *config, const char *interface, int fd);
void link_unpin(const struct config *config, const char *interface);
/* Detaches and unpins. */
int link_remove(const struct config *config, const char *interface, int fd);

#endif
