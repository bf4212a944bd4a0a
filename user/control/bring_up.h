/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bring_up - the kernel half, from nothing to opened maps, and back.
 *
 * Used by the daemon while it has the privilege, and by `anamectl xdp`. Every step is
 * said in the log, and the mode that was read back.
 */
#ifndef ANAMED_CONTROL_BRING_UP_H
#define ANAMED_CONTROL_BRING_UP_H

#include <jansson.h>

#include "kernel/kernel.h"

/* True if the configuration wants the kernel half at all. */
bool bring_up_wanted(const struct config *config);

/* Attaches every interface that is not off (`only`: that one); *ret has room for all interfaces of
 * the configuration. How many could not be attached. */
size_t bring_up_attach(const struct config *config, const char *only,
                       struct kernel_attachment *ret);

/*
 * For the daemon: opens what is pinned, or, where it may, loads, pins and attaches
 * first. NULL: the daemon answers alone, and the log says why.
 */
struct kernel_maps *bring_up_kernel(const struct config *config, struct kernel_attachment *ret);

/*
 * An interface on which an older version's program answers until our maps are
 * filled: open while there is privilege, the rest then. Others are left alone.
 */
void bring_up_swap_open(const struct config *config, struct kernel_attachment *attachment,
                        struct kernel_swap *ret);
void bring_up_swap(struct kernel_swap *swap, struct kernel_attachment *attachment);

/*
 * What runs on the interfaces while the daemon does: watch begins, look says
 * in the log and in *attachments what has changed since. On a device that has
 * come anew under its name the program is attached again, where it may be.
 */
void bring_up_watch(const struct config *config, struct kernel_attachment *attachments);
void bring_up_look(const struct config *config, struct kernel_attachment *attachments);

/*
 * The maps have one writer: a lock on the folder "lock" among the pins, which
 * goes with the process, however that ends. A descriptor, or a negative errno
 * with *error: -EBUSY, another daemon has it.
 */
int bring_up_lock(const char *pin_dir, struct error *error);

/* Takes all pins away, unless a daemon has the lock. 0 or a negative errno with *error. */
int bring_up_unpin(const struct config *config, struct error *error);

/* "native", "generic", "not attached", with what else is to know. */
char *bring_up_words(const struct kernel_attachment *attachment, char *ret, size_t size);

/* ---- for anamectl ---- */

enum bring_up_step { BRING_UP_STATUS, BRING_UP_ATTACH, BRING_UP_DETACH, BRING_UP_UPGRADE };

/*
 * One step for every interface of the configuration that is not off, or for
 * `only`, which need not stand there. *ret: {"interfaces": [...]} as read back.
 * Stops at the first that fails, with *error.
 */
int bring_up_step(const struct config *config, const char *only, enum bring_up_step step,
                  json_t **ret, struct error *error);

#endif
