/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privilege - folders for the daemon, and giving root up for good.
 *
 * The only file with libcap-ng. Descriptors (ports, maps) are taken before;
 * afterwards the process has no capability and cannot gain one.
 */
#ifndef ANAMED_CONTROL_PRIVILEGE_H
#define ANAMED_CONTROL_PRIVILEGE_H

#include "base/config.h"
#include "base/error.h"

/* True if this process may load BPF programs and attach them. */
bool privilege_may_attach(void);

/*
 * Is there the user whom a start as root would become? -ENOENT with *error (file and line) if not,
 * or another negative errno where the users cannot be read. 0 where none is configured.
 */
int privilege_find_user(const struct config *config, struct error *error);

/*
 * Makes the state folder and the control socket's, where they are missing, and
 * as root gives them to config->user. What cannot be done is logged: whoever
 * needs the folder will say more.
 */
void privilege_folders(const struct config *config);

/* Gives the control socket, which root has made, to config->user. */
void privilege_socket(const struct config *config);

/* To config->user, if started as root and one is set. 0, or a negative errno with *error. */
int privilege_drop(const struct config *config, struct error *error);

#endif
