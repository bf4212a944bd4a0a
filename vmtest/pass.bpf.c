// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* pass.bpf.c - for the client's end of a veth, which needs a program to take in native replies. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int pass_fragments(struct xdp_md *ctx)
{
	return XDP_PASS;
}
