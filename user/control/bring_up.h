/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bring_up - the kernel half, from nothing to opened maps, and back.
 *
 * Used by the daemon while it is root, and by `anamectl xdp`. Every step is
 * said in the log, and the mode that was read back.
 */
#ifndef ANAMED_CONTROL_BRING_UP_H
#define ANAMED_CONTROL_BRING_UP_H

#include "kernel/kernel.h"

/* True if the configuration wants the kernel half at all. */
bool bring_up_wanted(const struct config *config);

/* Attaches every interface that is not off (`only`: that one); *ret has room for all interfaces of
 * the configuration. How many could not be attached. */
size_t bring_up_attach(const struct config *config, const char *only,
                       struct kernel_attachment *ret);

/*
 * For the daemon: opens what is pinned, or, as root, loads, pins and attaches
 * first. NULL: the daemon answers alone, and the log says why.
 */
struct kernel_maps *bring_up_kernel(const struct config *config, struct kernel_attachment *ret);

/* "native", "generic", "not attached", with what else is to know. */
char *bring_up_words(const struct kernel_attachment *attachment, char *ret, size_t size);

#endif
