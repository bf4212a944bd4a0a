/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen - bound sockets, made here or given by systemd (sd_listen_fds(3)).
 *
 * Every worker gets sockets of its own (SO_REUSEPORT); those that systemd
 * gives are shared by duplication. Datagrams to a wildcard carry packet
 * information; none take part in path MTU discovery (a forged ICMP must not fragment).
 */
#ifndef ANAMED_SERVE_LISTEN_H
#define ANAMED_SERVE_LISTEN_H

#include "base/net.h"

/* SOCK_DGRAM or SOCK_STREAM; non-blocking, close-on-exec. A descriptor or -errno. */
int listen_open(const struct endpoint *address, int type);

/* Gives up what systemd gave: after the last listen_open(). */
void listen_close_given(void);

#endif
