// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * anamed.bpf.c - the kernel half: answers hot queries from maps, passes up the rest.
 *
 * Invariants:
 * 1. Nothing is dropped: what is not answered here goes up, counted by reason.
 * 2. Nothing is written to the packet before it has the reply's length, which
 *    bpf_xdp_adjust_tail() or bpf_xdp_adjust_head() may refuse.
 * 3. No reply holds an octet of a slot whose key is not the query's, or that
 *    was being written while it was read.
 * 4. The program writes to no map but counters and scratch, and of slots the mark alone.
 */
#include "find.h"
#include "maps.h"
#include "render.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct PERCPU_OF(struct scratch) scratch SEC(".maps");

/* ---- the query ---- */

AN_INLINE void frame_open(struct xdp_md *ctx, struct cursor *frame)
{
	frame->data = (__u8 *)(long)ctx->data;
	frame->end = (__u8 *)(long)ctx->data_end;
	frame->len = (__u64)(frame->end - frame->data);
}

/* Is the packet a datagram to an address of ours? -> own->datagram */
AN_INLINE enum verdict is_ours(const struct cursor *frame, __u32 ifindex, struct scratch *own)
{
	struct link link;
	enum verdict verdict;

	if (frame->len > CURSOR_MAX)
		return V_pass_length;
	verdict = link_parse(frame, &link);
	if (verdict)
		return verdict;
	verdict = ip_parse(frame, &link, &own->datagram);
	if (verdict)
		return verdict;
	forget();
	return served_find(frame, &own->datagram, ifindex);
}

/* What does it ask? -> own->message, question, name, edns */
AN_INLINE enum verdict read_query(const struct cursor *frame, const struct an_control *ctl,
                                  struct scratch *own)
{
	enum verdict verdict;

	verdict = message_parse(frame, own->datagram.payload, own->datagram.len, &own->message);
	if (verdict)
		return verdict;
	forget();
	verdict = question_parse(frame, &own->message, ctl->seed, own->name, &own->question);
	if (verdict)
		return verdict;
	forget();
	return edns_parse(frame, own->question.end, &own->message, ctl->flags, &own->edns);
}

/* ---- the answer ---- */

/* The daemon has not been heard of for so long that there is nobody to ask. */
AN_INLINE int daemon_is_gone(const struct an_control *ctl, __u64 now)
{
	__s64 silence = (__s64)(now - ctl->heartbeat);

	return silence > 0 && (__u64)silence > ctl->heartbeat_limit;
}

/* V_GO_ON: upstream gives nothing, the daemon has said so of this owner. Else `verdict` stands. */
AN_INLINE enum verdict upstream_is_gone(const struct scratch *own, enum verdict verdict)
{
	__u32 index = own->owner.cell;
	const __u64 *cell = bpf_map_lookup_elem(&cells, &index);

	if (!cell)
		return V_pass_internal;
	return *cell & AN_CELL_STALE ? V_GO_ON : verdict;
}

/* The client's answer, fresh, or last good where there is nobody to ask. */
AN_INLINE enum verdict search(struct scratch *own)
{
	enum verdict verdict = audience_find(own);

	if (verdict)
		return verdict;
	forget();
	verdict = answer_find(own);
	if (verdict)
		return verdict;
	return answer_judge_time(&own->answer, &own->moment, own->found.any_network != 0,
	                         &own->serving);
}

/*
 * What is fresh is found the same way whether upstream lives or not, so the
 * owner's state cell, a line of memory of its own, is asked only where nothing
 * fresh was found; then the search is made once more.
 */
AN_INLINE enum verdict search_twice(struct scratch *own)
{
	enum verdict verdict = V_pass_internal;

#pragma clang loop unroll(disable)
	for (__u32 pass = 0; pass < 2; pass++) {
		verdict = search(own);
		if (verdict != V_pass_expired && verdict != V_pass_audience_miss)
			break;
		if (own->moment.stale_mode)
			break;
		verdict = upstream_is_gone(own, verdict);
		if (verdict)
			break;
		own->moment.stale_mode = 1;
		forget();
	}
	return verdict;
}

/* -> own->answer, data, serving */
AN_INLINE enum verdict find_answer(const struct an_control *ctl, struct scratch *own)
{
	enum verdict verdict = client_find(ctl, own);

	if (verdict)
		return verdict;
	own->moment.now = bpf_jiffies64();
	own->moment.hz = ctl->hz;
	own->moment.alone = daemon_is_gone(ctl, own->moment.now);
	own->moment.stale_mode = own->moment.alone;
	verdict = owner_find(ctl, own);
	if (verdict)
		return verdict;
	forget();
	return search_twice(own);
}

/* ---- the reply ---- */

/* SCOPE PREFIX-LENGTH (RFC 7871 7.2.1). */
AN_INLINE __u8 scope_of(const struct scratch *own)
{
	if (!own->edns.ecs.source)
		return 0;
	return own->found.any_network ? (__u8)own->edns.ecs.source : own->answer.wire_scope;
}

/* Header and sizes. Nothing is written before it is known that the reply fits. */
AN_INLINE enum verdict measure(const struct an_control *ctl, struct scratch *own)
{
	const struct an_answer *answer = &own->answer;
	struct reply *reply = &own->reply;
	__u64 limit = own->edns.payload;

	if (limit > ctl->udp_payload)
		limit = ctl->udp_payload;
	reply->len = answer_data_len(answer) + render_opt_len(&own->edns, own->serving.stale != 0);
	if (own->question.end - own->message.at + reply->len > limit)
		return V_pass_too_large;
	reply->flags = (__u16)(AN_FLAG_QR | (answer->flags & (AN_FLAG_AA | AN_FLAG_RCODE)) |
	                       (own->message.flags & AN_FLAG_RD));
	reply->counts[0] = answer->counts[0];
	reply->counts[1] = answer->counts[1];
	reply->counts[2] = (__u16)(answer->counts[2] + own->edns.present);
	return V_GO_ON;
}

AN_INLINE __u32 choose(const struct an_control *ctl, const struct scratch *own)
{
	const struct datagram *datagram = &own->datagram;
	__u64 address = datagram->source[0] ^ datagram->source[1];

	if (!datagram->ipv6)
		address = be64(le64(address)) >> 32;
	return an_choice(ctl->seed, own->message.id, address, datagram->source_port);
}

/* Records, tail and OPT into the body. */
AN_INLINE void compose(const struct an_control *ctl, struct scratch *own)
{
	int stale = own->serving.stale != 0;

	render_data(own, choose(ctl, own), own->serving.ttl);
	forget();
	if (own->edns.present)
		render_opt(own, answer_data_len(&own->answer), render_opt_len(&own->edns, stale),
		           &own->edns, ctl->udp_payload, scope_of(own), stale);
}

/*
 * Room for `change` octets more at the front, for want of it at the end:
 * native veth leaves little behind a small packet, but 200 octets before it.
 */
AN_INLINE enum verdict grow_front(struct xdp_md *ctx, long change, struct cursor *frame,
                                  const struct scratch *own)
{
	if (change < 0 || bpf_xdp_adjust_head(ctx, -(int)change))
		return V_pass_grow;
	frame_open(ctx, frame);
	return render_shift(frame, (__u64)change, own->question.end) ? V_GO_ON : V_pass_internal;
}

/* The packet gets the reply's length, then the reply. */
AN_INLINE enum verdict send(struct xdp_md *ctx, __u64 frame_len, struct scratch *own)
{
	long change = (long)(own->question.end + own->reply.len - frame_len);
	struct cursor frame;

	/* Padding that lies in fragments would be cut off in place of the query's end. */
	if (change < 0 && bpf_xdp_get_buff_len(ctx) != frame_len)
		return V_pass_length;
	if (change && bpf_xdp_adjust_tail(ctx, (int)change)) {
		enum verdict verdict = grow_front(ctx, change, &frame, own);

		if (verdict)
			return verdict;
	}
	forget();
	frame_open(ctx, &frame);
	return render_reply(&frame, own) ? V_GO_ON : V_pass_internal;
}

/* ---- what is kept of it ---- */

/*
 * Says that a slot is wanted, at most once a second: its line, which this CPU
 * has read already, stays shared between the CPUs.
 */
AN_INLINE void mark_used(const struct scratch *own)
{
	__u32 number = own->found.number;
	struct an_slot_head *head =
	        number & AN_SLOT_LARGE ? large_slot(number) : small_slot(number);

	if (head && own->moment.now - head->mark >= own->moment.hz)
		head->mark = own->moment.now;
}

AN_INLINE void count_hit(struct an_counters *counts, const struct scratch *own)
{
	counts->hit++;
	counts->hit_ipv6 += own->datagram.ipv6;
	counts->hit_ecs += own->edns.ecs.present;
	counts->hit_nodata += !own->reply.counts[0];
	counts->hit_stale += own->serving.stale;
	counts->hit_catch_all += own->found.any_network;
}

/* ---- the story ---- */

AN_INLINE enum verdict answer(struct xdp_md *ctx, const struct an_control *ctl, struct scratch *own)
{
	struct cursor frame = {.zero = own->zero};
	enum verdict verdict;

	frame_open(ctx, &frame);
	verdict = is_ours(&frame, ctx->ingress_ifindex, own);
	if (verdict)
		return verdict;
	forget();
	frame_open(ctx,
	           &frame); /* pointers of which nothing is known yet, again for the verifier */
	verdict = read_query(&frame, ctl, own);
	if (verdict)
		return verdict;
	forget();
	verdict = find_answer(ctl, own);
	if (verdict)
		return verdict;
	forget();
	verdict = measure(ctl, own);
	if (verdict)
		return verdict;
	compose(ctl, own);
	forget();
	return send(ctx, frame.len, own);
}

/* Loaded with BPF_F_XDP_HAS_FRAGS as well, for a large MTU: what lies in fragments is never looked
 * at, and lengths that do not agree with the first part go up. */
SEC("xdp")
int anamed_xdp(struct xdp_md *ctx)
{
	__u32 first = 0, verdict;
	struct an_counters *counts = bpf_map_lookup_elem(&counters, &first);
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);
	struct scratch *own = bpf_map_lookup_elem(&scratch, &first);

	if (!counts || !ctl || !own)
		return XDP_PASS;
	if (ctl->mode != AN_MODE_ANSWER || ctl->abi != AN_ABI_VERSION || !ctl->seed || !ctl->hz ||
	    ctl->flags & AN_CONTROL_PASS_ALL)
		verdict = V_pass_mode;
	else
		verdict = answer(ctx, ctl, own);
	if (verdict != V_hit) {
		((__u64 *)counts)[verdict]++;
		return XDP_PASS;
	}
	count_hit(counts, own);
	mark_used(own);
	return XDP_TX;
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
