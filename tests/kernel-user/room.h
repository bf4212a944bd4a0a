/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * room - what the root tests of user/kernel share: a network namespace of the
 * test's own (the mounts stay, so bpffs is there), a veth pair in it, a pin
 * directory of its own, and a configuration that names them.
 */
#ifndef TESTS_KERNEL_ROOM_H
#define TESTS_KERNEL_ROOM_H

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "unit/kernel/desk_bench.h"

struct room {
	struct config config;
	struct config_interface interface;
	char pin_dir[64];
};

static inline void room_run(const char *command)
{
	if (system(command)) {
		print_error("failed: %s\n", command);
		fail();
	}
}

static inline void room_config(struct room *room)
{
	snprintf(room->pin_dir, sizeof(room->pin_dir), "/sys/fs/bpf/kernel-test-%d", getpid());
	room->interface = (struct config_interface){.name = (char *)(uintptr_t) "kt0"};
	room->config = (struct config){.pin_dir = room->pin_dir,
	                               .interfaces = &room->interface,
	                               .interfaces_count = 1,
	                               .owners_max = 200,
	                               .audiences_max = 300,
	                               .slots_max = 600,
	                               .slots_large_max = 20,
	                               .zones_max = 8,
	                               .networks_per_name_max = 4096,
	                               .heartbeat_limit_ms = 5000,
	                               .udp_payload = 1232,
	                               .ecs_from_source = true};
}

/* A namespace for the whole program. 0, or -1 without the right to one. */
static inline int room_enter(void)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	return system("ip link set lo up");
}

static inline void room_veth(void)
{
	room_run("ip link add kt0 type veth peer name kt1 && ip link set kt0 up && "
	         "ip link set kt1 up");
}

static inline void room_no_veth(void)
{
	room_run("ip link del kt0");
}

#endif
