// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* older.bpf.c - stands in for an anamed of before: uses the control block, answers nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "anamed/treaty.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct an_control);
} control SEC(".maps");

SEC("xdp")
int anamed_xdp(struct xdp_md *ctx)
{
	__u32 first = 0;
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);

	return ctl && ctl->abi == 0 ? XDP_ABORTED : XDP_PASS;
}
