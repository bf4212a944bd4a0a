// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * anamed.bpf.c - the kernel half: answers hot queries from maps, passes up the rest.
 */
#include "maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int anamed_xdp(struct xdp_md *ctx)
{
	struct an_counters *counts;
	__u32 first = 0;

	counts = bpf_map_lookup_elem(&counters, &first);
	if (counts)
		counts->pass_mode++;
	return XDP_PASS;
}

struct clock_reading {
	__u64 ticks, ns;
};

/* Two clocks read together: whoever loads the maps learns from two readings how many ticks make a
 * second. */
SEC("syscall")
int anamed_clock(struct clock_reading *reading)
{
	reading->ticks = bpf_jiffies64();
	reading->ns = bpf_ktime_get_ns();
	return 0;
}
