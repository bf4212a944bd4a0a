// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bench.bpf.c - the two ends of the benchmark that are XDP programs.
 *
 *   blast    runs as live frames in the client: each frame becomes the next prepared query
 *   reap     on the client's device: counts the replies that arrive, copies a sample out
 *   reflect  on a server's device: the floor; turns the frame around and does nothing else
 *   grow     the same, after the frame was lengthened as a reply is
 *   renew    under BPF_PROG_TEST_RUN: makes the packet the next query, then runs what is timed
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PORT_DNS 53
#define IP4_UDP  34
#define IP6_UDP  54

/* Shorter than this are the frames that find neighbours. */
#define REPLY_MIN 62

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_query);
} queries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_SAMPLES);
	__type(key, __u32);
	__type(value, struct bench_sample);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} timed SEC(".maps");

/* ---- sending ---- */

static __always_inline const struct bench_query *next_query(struct bench_counts *own)
{
	__u32 first = 0, at = own->next;
	const struct bench_control *ctl = bpf_map_lookup_elem(&control, &first);

	if (!ctl)
		return 0;
	own->next = at + 1 < ctl->count ? at + 1 : 0;
	return bpf_map_lookup_elem(&queries, &at);
}

/* The packet becomes the query, whatever it was. */
static __always_inline int put_query(struct xdp_md *ctx, const struct bench_query *query)
{
	__u32 have = ctx->data_end - ctx->data, len = query->len;

	if (len < ETH_HLEN || len > BENCH_FRAME_MAX)
		return -1;
	if (len != have && bpf_xdp_adjust_tail(ctx, (int)(len - have)))
		return -1;
	return (int)bpf_xdp_store_bytes(ctx, 0, (void *)query->frame, len);
}

/* Below the rate that was asked for: else the frame is not sent. */
static __always_inline int is_due(const struct bench_counts *own)
{
	__u32 first = 0;
	const struct bench_control *ctl = bpf_map_lookup_elem(&control, &first);
	__u64 us;

	if (!ctl || !ctl->rate)
		return 1;
	us = (bpf_ktime_get_ns() - ctl->begin_ns) / 1000;
	return own->sent - ctl->begin_sent < us * ctl->rate / 1000000;
}

SEC("xdp")
int blast(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct bench_counts *own = bpf_map_lookup_elem(&counts, &first);
	const struct bench_query *query;

	if (!own || !is_due(own))
		return XDP_DROP;
	query = next_query(own);
	if (!query || put_query(ctx, query))
		return XDP_DROP;
	own->sent++;
	return XDP_TX;
}

/* ---- receiving ---- */

static __always_inline void take_sample(struct xdp_md *ctx, __u32 number)
{
	__u32 index = number % BENCH_SAMPLES;
	__u64 len = ctx->data_end - ctx->data;
	struct bench_sample *sample = bpf_map_lookup_elem(&samples, &index);

	if (!sample || len > BENCH_SAMPLE_MAX)
		return;
	/* Both ends are compared in the register that is used: newer compilers would make them one
	 * test, of another. */
	asm volatile("" : "+r"(len));
	if (len < ETH_HLEN)
		return;
	if (!bpf_xdp_load_bytes(ctx, 0, sample->frame, (__u32)len))
		sample->len = (__u32)len;
}

SEC("xdp")
int reap(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct bench_counts *own = bpf_map_lookup_elem(&counts, &first);
	const struct bench_control *ctl = bpf_map_lookup_elem(&control, &first);

	if (!own || !ctl)
		return XDP_PASS;
	/* Octets are read of the sample only: to fetch those of every frame from the server's
	 * cache would take half of this core. */
	if (ctx->data_end - ctx->data < REPLY_MIN) {
		own->other++;
		return XDP_PASS;
	}
	own->replies++;
	own->octets += ctx->data_end - ctx->data;
	if (++own->until_sample >= ctl->sample_every) {
		own->until_sample = 0;
		take_sample(ctx, own->replies / (ctl->sample_every ? ctl->sample_every : 1));
	}
	return XDP_DROP;
}

/* ---- the floor ---- */

static __always_inline void swap16(__u8 *a, __u8 *b, int count)
{
	for (int i = 0; i < count; i++) {
		__u16 *left = (__u16 *)(void *)a + i, *right = (__u16 *)(void *)b + i, keep = *left;

		*left = *right;
		*right = keep;
	}
}

static __always_inline int turn(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + IP4_UDP + 8 > end)
		return XDP_PASS;
	if (data[12] == 0x08 && data[13] == 0) {
		if (data[23] != 17 || data[36] || data[37] != PORT_DNS)
			return XDP_PASS;
		swap16(data + 26, data + 30, 2);
		swap16(data + IP4_UDP, data + IP4_UDP + 2, 1);
	} else if (data[12] == 0x86 && data[13] == 0xdd && data + IP6_UDP + 8 <= end) {
		if (data[20] != 17 || data[56] || data[57] != PORT_DNS)
			return XDP_PASS;
		swap16(data + 22, data + 38, 8);
		swap16(data + IP6_UDP, data + IP6_UDP + 2, 1);
	} else {
		return XDP_PASS;
	}
	swap16(data, data + 6, 3);
	return XDP_TX;
}

SEC("xdp")
int reflect(struct xdp_md *ctx)
{
	return turn(ctx);
}

SEC("xdp")
int grow(struct xdp_md *ctx)
{
	__u32 first = 0;
	const struct bench_control *ctl = bpf_map_lookup_elem(&control, &first);

	if (!ctl || bpf_xdp_adjust_tail(ctx, (int)ctl->grow))
		return XDP_PASS;
	return turn(ctx);
}

/* ---- a program's time alone ---- */

SEC("xdp")
int renew(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct bench_counts *own = bpf_map_lookup_elem(&counts, &first);
	const struct bench_query *query = own ? next_query(own) : 0;

	if (!query || put_query(ctx, query))
		return XDP_ABORTED;
	own->sent++;
	bpf_tail_call(ctx, &timed, 0);
	return XDP_DROP; /* nothing to time: the renewal by itself */
}
