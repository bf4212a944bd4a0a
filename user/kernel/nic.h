/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nic - what attaching has to know of a network interface: its driver, its
 * MTU, and whether it takes VLAN tags off before a program sees the frame.
 * What cannot be asked counts as no.
 */
#ifndef ANAMED_KERNEL_NIC_H
#define ANAMED_KERNEL_NIC_H

#include <stdbool.h>

/* A page, less the driver's headroom and the shared info behind the frame. */
#define NIC_MTU_WITHOUT_FRAGMENTS 3498

bool nic_is_veth(const char *interface);
int nic_mtu(const char *interface);

/*
 * Frames of a VLAN above this interface reach a program without their tag
 * (rxvlan offload): a reply to one would leave untagged.
 */
bool nic_hides_vlans(const char *interface);

#endif
