// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * dispatcher.bpf.c - the dispatcher of libxdp's protocol, version 2, for libxdp
 * to load in place of its own (LIBXDP_OBJECT_PATH).
 *
 * libxdp puts a program in the place of each progN. From Linux 6.12 on a program
 * that moves the packet's end may only take the place of a function that does so
 * too; the dispatcher of libxdp before 1.5.5 has none (docs/adr/0003-attach.md).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <xdp/prog_dispatcher.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__uint(dispatcher_version, XDP_DISPATCHER_VERSION) SEC(XDP_METADATA_SECTION);

/* Filled in by libxdp before it loads this, and read-only from then on. */
static volatile const struct xdp_dispatcher_config conf = {};

/* `volatile`: no compiler may know what a replaced function will return. */
#define PLACE(name)                                                                                \
	__attribute__((noinline)) int name(struct xdp_md *ctx)                                     \
	{                                                                                          \
		volatile int action = XDP_DISPATCHER_RETVAL;                                       \
                                                                                                   \
		if (!ctx)                                                                          \
			return XDP_ABORTED;                                                        \
		bpf_xdp_adjust_tail(ctx, 0);                                                       \
		return action;                                                                     \
	}

PLACE(prog0)
PLACE(prog1)
PLACE(prog2)
PLACE(prog3)
PLACE(prog4)
PLACE(prog5)
PLACE(prog6)
PLACE(prog7)
PLACE(prog8)
PLACE(prog9)
PLACE(compat_test)

/* The next place, if it is taken; its word is the last unless it is one to go on with. */
#define RUN(i)                                                                                     \
	if (count <= i)                                                                            \
		return XDP_PASS;                                                                   \
	action = prog##i(ctx);                                                                     \
	if (!(1u << action & conf.chain_call_actions[i]))                                          \
		return action;

SEC("xdp")
int xdp_dispatcher(struct xdp_md *ctx)
{
	__u8 count = conf.num_progs_enabled;
	int action;

	RUN(0)
	RUN(1)
	RUN(2)
	RUN(3)
	RUN(4)
	RUN(5)
	RUN(6)
	RUN(7)
	RUN(8)
	RUN(9)
	/* Never reached: here so that the function is kept; libxdp tries replacing with it. */
	if (count > MAX_DISPATCHER_ACTIONS)
		compat_test(ctx);
	return XDP_PASS;
}

/* libxdp tries replacing a whole program with this one. */
SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
