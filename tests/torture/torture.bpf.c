// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * torture.bpf.c - asks and judges in the client's device.
 *
 *   ask    runs as live frames: each frame becomes the next query
 *   judge  looks at every reply that arrives, record by record
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "torture.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define IP_FLAGS_AT 20 /* of the frame */
#define IP_DF       0x40
#define ECS_LEN     (4 + 4 + 3) /* option, fixed part, three octets of an address */
#define OPT_AT      TORTURE_ANSWER
#define OPT_LEN     11
#define NET_AT      (OPT_AT + OPT_LEN + 4 + 4 + 1)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct torture_control);
} control SEC(".maps");

/* The query of every name and network, but for name, network and id. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct torture_sample);
} queries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TORTURE_SAMPLES);
	__type(key, __u32);
	__type(value, struct torture_sample);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TORTURE_DRAWS);
	__type(key, __u32);
	__type(value, __u64);
} draws SEC(".maps");

/* The newest version seen of each (name, network), and behind them the newest of all. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TORTURE_NAMES *TORTURE_NETS + 1);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct torture_counts);
} counts SEC(".maps");

/* Both pointers in one step: verifiers allow no half of one to be kept. */
static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
	__u32 end, start;

	asm volatile("%0 = *(u32 *)(%2 + %3)\n%1 = *(u32 *)(%2 + %4)\n%0 -= %1"
	             : "=&r"(end), "=&r"(start)
	             : "r"(ctx), "i"(__builtin_offsetof(struct xdp_md, data_end)),
	               "i"(__builtin_offsetof(struct xdp_md, data)));
	return end;
}

/* ---- asking ---- */

static __always_inline int is_due(const struct torture_control *ctl,
                                  const struct torture_counts *own)
{
	__u64 us;

	if (ctl->stop)
		return 0;
	if (!ctl->rate)
		return 1;
	us = (bpf_ktime_get_ns() - ctl->begin_ns) / 1000;
	return own->sent - ctl->begin_sent < us * ctl->rate / 1000000;
}

/* Digits of a name's number, as they stand in the first label. */
static __always_inline void put_digits(__u8 *to, __u32 number)
{
#pragma unroll
	for (int i = TORTURE_DIGITS - 1; i >= 0; i--) {
		to[i] = '0' + number % 10;
		number /= 10;
	}
}

/* Uniform, or as the draws have it. */
static __always_inline __u32 next_name(const struct torture_control *ctl, __u64 number)
{
	__u64 hash = number * 0x9e3779b97f4a7c15ULL;
	const __u64 *draw;
	__u32 place;

	if (!ctl->drawn)
		return (__u32)(hash >> 32) % ctl->names;
	/* SplitMix64 (public domain, Vigna 2015). */
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
	place = (__u32)(hash >> 40) % TORTURE_DRAWS;
	draw = bpf_map_lookup_elem(&draws, &place);
	return draw ? (__u32)*draw : 0;
}

SEC("xdp")
int ask(struct xdp_md *ctx)
{
	__u32 first = 0, name, net, which, len, have = frame_len(ctx);
	struct torture_counts *own = bpf_map_lookup_elem(&counts, &first);
	const struct torture_control *ctl = bpf_map_lookup_elem(&control, &first);
	const struct torture_sample *query;
	__u8 digits[TORTURE_DIGITS + 2], octet;
	__u16 id;

	if (!own || !ctl || !ctl->names || !ctl->nets || !is_due(ctl, own))
		return XDP_DROP;
	name = next_name(ctl, own->sent);
	net = (__u32)(own->sent >> 3) % ctl->nets;
	which = net ? 1 : 0;
	query = bpf_map_lookup_elem(&queries, &which);
	if (!query)
		return XDP_DROP;
	len = query->len;
	if (len < 60 || len > TORTURE_FRAME || bpf_xdp_adjust_tail(ctx, (int)(len - have)))
		return XDP_DROP;
	if (bpf_xdp_store_bytes(ctx, 0, (void *)query->frame, len))
		return XDP_DROP;
	put_digits(digits, name);
	id = bpf_htons((__u16)(name * TORTURE_NETS + net));
	octet = (__u8)net;
	if (bpf_xdp_store_bytes(ctx, TORTURE_QUESTION + 2, digits, TORTURE_DIGITS) ||
	    bpf_xdp_store_bytes(ctx, TORTURE_DNS, &id, sizeof(id)))
		return XDP_DROP;
	if (net && bpf_xdp_store_bytes(ctx, NET_AT, &octet, 1))
		return XDP_DROP;
	own->sent++;
	return XDP_TX;
}

/* ---- judging ---- */

struct record {
	__u16 name, type, class;
	__u16 ttl[2];
	__u16 len;
	__u32 magic, number, version;
	__u8 net, place, count, zero;
} __attribute__((packed));

struct reply {
	__u16 id, flags, counts[4];
	__u8 question[TORTURE_QNAME + 4];
} __attribute__((packed));

/* What the question says, of which the id is the short form. */
static __always_inline int is_of_its_id(const struct reply *reply, __u32 name)
{
	__u8 digits[TORTURE_DIGITS];

	put_digits(digits, name);
#pragma unroll
	for (int i = 0; i < TORTURE_DIGITS; i++)
		if (digits[i] != reply->question[2 + i])
			return 0;
	return 1;
}

/* One record, against the first one's version. */
static __always_inline enum torture_fault judge_record(const struct record *record, __u32 name,
                                                       __u32 net, __u32 version, __u32 count)
{
	if (record->name != bpf_htons(0xc00c) || record->type != bpf_htons(28) ||
	    record->class != bpf_htons(1) || record->len != bpf_htons(16) ||
	    record->magic != bpf_htonl(0x20010db8))
		return TORTURE_TORN;
	if (bpf_ntohl(record->number) != name || record->net != net)
		return TORTURE_WRONG;
	if (bpf_ntohl(record->version) != version || record->count != count ||
	    bpf_ntohs(record->ttl[1]) != TORTURE_TTL(version) || record->ttl[0] || record->zero)
		return TORTURE_TORN;
	return TORTURE_RIGHT;
}

/* All records are of one version, each place once. */
static __always_inline enum torture_fault judge_records(struct xdp_md *ctx, __u32 name, __u32 net,
                                                        __u32 count, __u32 *ret_version)
{
	__u32 version = 0, places = 0, owner_net = 0;
	struct record record = {};

	for (__u32 i = 0; i < TORTURE_RECORDS; i++) {
		enum torture_fault fault;

		if (i >= count)
			break;
		if (bpf_xdp_load_bytes(ctx, TORTURE_ANSWER + i * TORTURE_STRIDE, &record,
		                       sizeof(record)))
			return TORTURE_BROKEN;
		if (!i) {
			version = bpf_ntohl(record.version);
			owner_net = record.net;
		}
		fault = judge_record(&record, name, net, version, count);
		if (fault)
			return fault;
		if (record.net != owner_net)
			return TORTURE_TORN;
		places |= 1u << (record.place & 31);
	}
	if (places != (1u << count) - 1 || count != TORTURE_COUNT(name, version))
		return TORTURE_TORN;
	*ret_version = version;
	return TORTURE_RIGHT;
}

/* Replies come in the order of their queries, one CPU handles them all. */
static __always_inline enum torture_fault judge_order(const struct torture_control *ctl,
                                                      __u32 place, __u32 version)
{
	__u32 *newest;

	if (ctl->one_epoch)
		place = TORTURE_NAMES * TORTURE_NETS;
	newest = bpf_map_lookup_elem(&seen, &place);
	if (!newest)
		return TORTURE_BROKEN;
	if (version > *(volatile const __u32 *)&ctl->newest)
		return TORTURE_NEWER;
	if (version < *newest)
		return TORTURE_OLDER;
	*newest = version;
	return TORTURE_RIGHT;
}

static __always_inline enum torture_fault
judge_reply(struct xdp_md *ctx, const struct torture_control *ctl, int by_daemon)
{
	enum torture_fault fault;
	__u32 name, net, count, version = 0;
	struct reply reply;
	__u16 id;

	if (bpf_xdp_load_bytes(ctx, TORTURE_DNS, &reply, sizeof(reply)))
		return TORTURE_BROKEN;
	id = bpf_ntohs(reply.id);
	name = id / TORTURE_NETS;
	net = id % TORTURE_NETS;
	count = bpf_ntohs(reply.counts[1]);
	if (reply.flags != bpf_htons(0x8400) || reply.counts[0] != bpf_htons(1) ||
	    reply.counts[2] || !count || count > TORTURE_RECORDS)
		return TORTURE_BROKEN;
	if (!is_of_its_id(&reply, name))
		return TORTURE_WRONG;
	fault = judge_records(ctx, name, net, count, &version);
	if (fault)
		return fault;
	if (version < *(volatile const __u32 *)&ctl->oldest)
		return TORTURE_OLDER;
	/* What the daemon sends may have waited in a socket. */
	return by_daemon ? TORTURE_RIGHT : judge_order(ctl, id, version);
}

static __always_inline void keep_sample(struct xdp_md *ctx, __u32 index, enum torture_fault fault)
{
	struct torture_sample *sample = bpf_map_lookup_elem(&samples, &index);
	__u32 len = frame_len(ctx);

	if (!sample || len < 14 || len > TORTURE_FRAME || (fault && sample->len))
		return;
	if (!bpf_xdp_load_bytes(ctx, 0, sample->frame, len)) {
		sample->fault = fault;
		sample->len = len;
	}
}

static __always_inline int is_to_asker(const __u8 *ip)
{
	__u32 first = 0;
	const struct torture_sample *query = bpf_map_lookup_elem(&queries, &first);

	return query && !__builtin_memcmp(ip + 16, query->frame + 14 + 12, 4);
}

SEC("xdp")
int judge(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct torture_counts *own = bpf_map_lookup_elem(&counts, &first);
	const struct torture_control *ctl = bpf_map_lookup_elem(&control, &first);
	enum torture_fault fault;
	__u8 ip[22];
	int by_daemon;

	if (!own || !ctl || bpf_xdp_load_bytes(ctx, 14, ip, sizeof(ip)))
		return XDP_PASS;
	/* UDP over IPv4 from port 53; the rest is ARP and such, and replies to others. */
	if (ip[0] != 0x45 || ip[9] != 17 || ip[20] || ip[21] != 53 || !is_to_asker(ip))
		return XDP_PASS;
	by_daemon = !(ip[IP_FLAGS_AT - 14] & IP_DF);
	fault = judge_reply(ctx, ctl, by_daemon);
	own->replies++;
	own->by_daemon += by_daemon;
	if (fault < TORTURE_FAULTS)
		own->faults[fault]++;
	if (fault)
		keep_sample(ctx, fault, fault);
	else if (own->replies % 257 == 0)
		keep_sample(ctx,
		            TORTURE_FAULTS +
		                    own->replies / 257 % (TORTURE_SAMPLES - TORTURE_FAULTS),
		            fault);
	return XDP_DROP;
}
