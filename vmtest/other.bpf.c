// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* other.bpf.c - an XDP program of somebody else: counts what it sees and lets it pass. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} other_seen SEC(".maps");

SEC("xdp")
int other(struct xdp_md *ctx)
{
	__u32 first = 0;
	__u64 *seen = bpf_map_lookup_elem(&other_seen, &first);

	if (seen)
		__sync_fetch_and_add(seen, 1);
	return XDP_PASS;
}
