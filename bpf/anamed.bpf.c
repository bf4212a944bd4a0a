// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * anamed.bpf.c - the kernel half: answers hot queries from maps, passes up the rest.
 *
 * Invariants:
 * 1. What is not answered here goes up, counted by reason. Dropped is only what
 *    is over its source's limit of misses.
 * 2. Nothing is written to the packet before it has the reply's length, which
 *    bpf_xdp_adjust_tail() or bpf_xdp_adjust_head() may refuse.
 * 3. No reply holds an octet of a slot whose key is not the query's, or that
 *    was being written while it was read.
 * 4. The program writes to no map but counters, misses and scratch, and of slots the mark alone.
 */
#include "far.h"
#include "find.h"
#include "maps.h"
#include "miss.h"
#include "names.h"
#include "quick.h"
#include "render.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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

/* What does it ask? -> own->message, question, name, edns; found.owner */
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
	owner_ahead(ctl, own);
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

AN_INLINE __u32 choose(const struct an_control *ctl, const struct scratch *own)
{
	const struct datagram *datagram = &own->datagram;
	__u64 address = datagram->source[0] ^ datagram->source[1];

	if (!datagram->ipv6)
		address = be64(le64(address)) >> 32;
	return an_choice(ctl->seed, own->message.id, address, datagram->source_port);
}

/* ---- cookies ---- */

/* Is who asks where he says he is? -> own->edns.cookie, as it goes back */
AN_INLINE void judge_cookie(const struct an_control *ctl, struct scratch *own)
{
	struct cookie *cookie = &own->edns.cookie;
	const struct an_cookie_client client = {
	        .address = {own->datagram.source[0], own->datagram.source[1]},
	        .ipv6 = own->datagram.ipv6,
	};
	__u64 now_s = (own->moment.now + (__u64)ctl->unix_offset) / ctl->hz;

	cookie->good = (__u64)an_cookie_judge(ctl->cookie_secrets, ctl->cookie_count, &client,
	                                      (__u32)now_s, cookie->whole != 0, cookie->words);
}

/* RFC 7873 5.2.3 and 5.2.4 are the daemon's: who has to show a good cookie and shows none. */
AN_INLINE enum verdict take_cookie(const struct an_control *ctl, struct scratch *own)
{
	if (own->edns.cookie.present) {
		if (!ctl->cookie_count)
			return V_pass_edns_daemon;
		judge_cookie(ctl, own);
		forget();
	}
	if (ctl->flags & AN_CONTROL_NEED_COOKIE && !own->edns.cookie.good)
		return V_pass_cookie;
	return V_GO_ON;
}

/* ---- all that the answer depends on ---- */

AN_INLINE void take_time(const struct an_control *ctl, struct scratch *own)
{
	own->moment.now = bpf_jiffies64();
	own->moment.hz = ctl->hz;
	own->moment.alone = daemon_is_gone(ctl, own->moment.now);
	own->moment.stale_mode = own->moment.alone;
}

/* -> own->answer, data, serving */
AN_INLINE enum verdict find_answer(const struct an_control *ctl, struct scratch *own)
{
	enum verdict verdict = owner_find(own);

	forget();
	if (verdict == V_pass_owner_miss) {
		own->denied = 1;
		return names_deny(ctl, own);
	}
	if (verdict)
		return verdict;
	verdict = place_find(ctl, own);
	if (verdict)
		return verdict;
	forget();
	return search_twice(own);
}

/* ---- the reply ---- */

/* SCOPE PREFIX-LENGTH (RFC 7871 7.2.1). */
AN_INLINE __u8 scope_of(const struct scratch *own)
{
	__u8 scope = own->answer.wire_scope, least = 0;

	if (!own->edns.ecs.source)
		return 0;
	if (own->found.any_network)
		scope = (__u8)own->edns.ecs.source;
	/* A denial is for everyone (RFC 7871 7.4). */
	else if (own->answer.counts[0] && own->place.len > scope)
		scope = (__u8)own->place.len;
	if (own->found.hashed)
		least = own->client.family == AN_FAMILY_IPV6 ? AN_CLIENT_IPV6_LEN
		                                             : AN_CLIENT_IPV4_LEN;
	return scope < least ? least : scope;
}

/* The answer that was found -> own->reply, and its records and tail -> own->body */
AN_INLINE void lay_out(struct scratch *own)
{
	reply_from(&own->answer, own->edns.dnssec_ok != 0, &own->reply);
	own->reply.scope = scope_of(own);
	own->compact = own->answer.traits & AN_TRAIT_COMPACT;
	forget();
	render_data(own, own->choice, own->serving.ttl);
	forget();
	if (own->denied)
		render_pointers(own);
}

/* What is not found the quick way. A function of its own: see choice_find(). */
__attribute__((noinline)) int find(void)
{
	__u32 first = 0;
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);
	struct scratch *own = scratch_own();
	enum verdict verdict;

	if (!ctl || !own)
		return V_pass_internal;
	verdict = find_answer(ctl, own);
	if (!verdict)
		verdict = answer_judge_do(&own->answer, &own->edns);
	if (verdict)
		return (int)verdict;
	forget();
	lay_out(own);
	return V_GO_ON;
}

/* Of an answer that the quick way took: the zone's generation, and that all members live. */
AN_INLINE enum verdict quick_check(struct scratch *own)
{
	enum verdict verdict;

	own->found.any_network = own->serving.stale = 0;
	if (own->pick.cell != AN_CELL_FIXED) {
		verdict = cell_read(own->pick.cell, own);
		if (verdict)
			return verdict;
		if (own->pick.live != AN_CELL_MEMBERS)
			return V_pass_kind;
	}
	return zone_check(&own->owner.head, own->moment.now);
}

AN_INLINE int is_small(__u32 number)
{
	return !(number & (AN_SLOT_LARGE | AN_SLOT_SEGMENT));
}

/* The quick way to the answer of a region. A function of its own: see choice_find(). */
__attribute__((noinline)) int quick_find_region(void)
{
	__u32 first = 0;
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);
	struct scratch *own = scratch_own();
	const struct an_answer_slot *answer;
	const struct an_owner_slot *slot;

	if (!ctl || !own)
		return V_pass_internal;
	slot = small_slot(own->found.owner);
	if (!slot || !quick_regional(slot, own))
		return V_pass_kind;
	forget();
	if (place_of_client(ctl, &own->datagram, &own->client, own->owner.regions, &own->place))
		return V_pass_kind;
	forget();
	own->found.number = quick_number(slot, own);
	if (own->found.number == AN_SLOT_NONE || !is_small(own->found.number))
		return V_pass_kind;
	answer = small_slot(own->found.number);
	if (!answer || !quick_region_read(answer, own))
		return V_pass_kind;
	forget();
	return (int)quick_check(own);
}

/* V_GO_ON: own->reply, and the records in own->body, are what find() would have made them. */
AN_INLINE enum verdict quick_find(struct scratch *own)
{
	__u32 number = own->found.owner;
	const struct an_owner_slot *slot;

	if (!is_small(number) || own->moment.stale_mode)
		return V_pass_kind;
	slot = small_slot(number);
	if (!slot)
		return V_pass_kind;
	if (slot->regions)
		return (enum verdict)quick_find_region();
	if (!quick_read(slot, own))
		return V_pass_kind;
	forget();
	own->found.number = number;
	own->owner.regions = 0;
	return quick_check(own);
}

/* Header and sizes. Nothing is written before it is known that the reply fits. */
AN_INLINE enum verdict measure(const struct an_control *ctl, struct scratch *own)
{
	struct reply *reply = &own->reply;
	__u64 limit = own->edns.payload;

	if (limit > ctl->udp_payload)
		limit = ctl->udp_payload;
	reply->len = reply->data_len + render_opt_len(&own->edns, own->serving.stale != 0);
	if (own->question.end - own->message.at + reply->len > limit)
		return V_pass_too_large;
	reply->flags |= (__u16)(AN_FLAG_QR | (own->message.flags & AN_FLAG_RD));
	reply->counts[2] = (__u16)(reply->counts[2] + own->edns.present);
	return V_GO_ON;
}

/* ---- misses ---- */

/* Header and OPT with TC: come again over TCP. */
AN_INLINE void slip(struct scratch *own)
{
	own->slips = 1;
	own->denied = own->serving.stale = own->compact = 0;
	own->found.any_network = 0;
	own->reply = (struct reply){
	        .len = render_opt_len(&own->edns, 0),
	        .flags = (__u16)(AN_FLAG_QR | AN_FLAG_TC | (own->message.flags & AN_FLAG_RD)),
	        .counts = {0, 0, (__u16)own->edns.present},
	};
}

/* Has the network that asks sent up as much as it may? */
AN_INLINE int is_over_limit(const struct an_control *ctl, const struct scratch *own, int verified)
{
	__u32 index = miss_index(ctl->seed, &own->datagram, verified), rate = ctl->miss_rate;
	__u64 *bucket;

	if (!rate)
		return 0;
	bucket = bpf_map_lookup_elem(&misses, &index);
	return bucket && !miss_take(bucket, own->moment.now, ctl->hz, rate, ctl->miss_burst);
}

/* Whether a query that would go up, by own->verdict, may. V_GO_ON: it is answered with TC. */
AN_INLINE enum verdict judge_miss(const struct an_control *ctl, struct scratch *own)
{
	__u32 every = ctl->miss_slip;

	if (!is_over_limit(ctl, own, own->edns.cookie.good != 0))
		return (enum verdict)own->verdict;
	if (!every || ++own->over % every)
		return V_miss_drop;
	slip(own);
	return V_GO_ON;
}

/* Passed up before it was known what it asks, and yet the daemon's if UDP and our port follow. */
AN_INLINE int goes_round(enum verdict verdict)
{
	return verdict == V_pass_fragment || verdict == V_pass_ip_header ||
	       verdict == V_pass_extension || verdict == V_pass_length;
}

/* What comes to the daemon by far.h's ways is counted too. A function of its own: see
 * choice_find(). */
__attribute__((noinline)) int far_is_over_limit(struct xdp_md *ctx)
{
	__u32 first = 0;
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);
	struct scratch *own = scratch_own();
	struct cursor frame;

	if (!ctl || !own || !ctl->miss_rate)
		return 0;
	frame.zero = own->zero;
	frame_open(ctx, &frame);
	if (!far_parse(&frame, &own->datagram))
		return 0;
	forget();
	if (served_find(&frame, &own->datagram, ctx->ingress_ifindex))
		return 0;
	own->moment.now = bpf_jiffies64();
	return is_over_limit(ctl, own, 0);
}

/* OPT behind records and tail. */
AN_INLINE void add_opt(const struct an_control *ctl, struct scratch *own)
{
	int stale = own->serving.stale != 0;
	const struct reply *reply = &own->reply;

	if (own->edns.present)
		render_opt(own, reply->data_len, reply->len - reply->data_len, &own->edns,
		           ctl->udp_payload, (__u8)reply->scope, stale);
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
AN_INLINE enum verdict send(struct xdp_md *ctx, struct scratch *own)
{
	__u64 frame_len = own->frame_len;
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

/* Of owners with a policy. */
AN_INLINE void count_region(const struct scratch *own)
{
	__u32 index = an_geo_counted(own->owner.regions, own->place.region);
	__u64 *count;

	if (own->slips || own->denied || !own->owner.regions)
		return;
	count = bpf_map_lookup_elem(&region_hits, &index);
	if (count)
		++*count;
}

AN_INLINE void count_hit(struct an_counters *counts, const struct scratch *own)
{
	if (own->slips) {
		counts->miss_slip++;
		return;
	}
	counts->hit++;
	counts->hit_ipv6 += own->datagram.ipv6;
	counts->hit_ecs += own->edns.ecs.present;
	if (own->reply.counts[0] && !(own->serving.stale | own->found.any_network | own->denied))
		return;
	counts->hit_nodata += !own->reply.counts[0];
	counts->hit_stale += own->serving.stale;
	counts->hit_catch_all += own->found.any_network;
	counts->hit_nxdomain += own->denied;
}

/* ---- the story ---- */

/* A query that was understood: its answer, and that it fits. */
AN_INLINE enum verdict look(const struct an_control *ctl, struct scratch *own)
{
	enum verdict verdict = take_cookie(ctl, own);

	if (verdict)
		return verdict;
	forget();
	verdict = client_find(ctl, own);
	if (verdict)
		return verdict;
	own->draw = choose(ctl, own);
	forget();
	verdict = quick_find(own);
	forget();
	if (verdict)
		verdict = (enum verdict)find();
	if (verdict)
		return verdict;
	forget();
	return measure(ctl, own);
}

AN_INLINE enum verdict answer(struct xdp_md *ctx, const struct an_control *ctl, struct scratch *own)
{
	struct cursor frame = {.zero = own->zero};
	enum verdict verdict;

	frame_open(ctx, &frame);
	verdict = is_ours(&frame, ctx->ingress_ifindex, own);
	if (verdict)
		return goes_round(verdict) && far_is_over_limit(ctx) ? V_miss_drop : verdict;
	forget();
	frame_open(ctx,
	           &frame); /* pointers of which nothing is known yet, again for the verifier */
	own->denied = own->slips = own->compact = 0;
	own->frame_len = frame.len;
	take_time(ctl, own);
	verdict = read_query(&frame, ctl, own);
	if (verdict)
		return is_over_limit(ctl, own, 0) ? V_miss_drop : verdict;
	forget();
	own->verdict = look(ctl, own);
	forget();
	if (own->verdict)
		own->verdict = judge_miss(ctl, own);
	forget();
	if (own->verdict)
		return (enum verdict)own->verdict;
	add_opt(ctl, own);
	forget();
	verdict = send(ctx, own);
	return verdict && is_over_limit(ctl, own, own->edns.cookie.good != 0) ? V_miss_drop
	                                                                      : verdict;
}

/* Loaded with BPF_F_XDP_HAS_FRAGS as well, for a large MTU: what lies in fragments is never looked
 * at, and lengths that do not agree with the first part go up. */
SEC("xdp")
int anamed_xdp(struct xdp_md *ctx)
{
	__u32 first = 0, verdict;
	struct an_counters *counts = bpf_map_lookup_elem(&counters, &first);
	const struct an_control *ctl = bpf_map_lookup_elem(&control, &first);
	struct scratch *own = scratch_own();

	if (!counts || !ctl || !own)
		return XDP_PASS;
	if (ctl->mode != AN_MODE_ANSWER || ctl->abi != AN_ABI_VERSION || !ctl->seed || !ctl->hz ||
	    ctl->flags & AN_CONTROL_PASS_ALL)
		verdict = V_pass_mode;
	else
		verdict = answer(ctx, ctl, own);
	if (verdict >= VERDICT_COUNT)
		return XDP_PASS;
	if (verdict != V_hit) {
		((__u64 *)counts)[verdict]++;
		return verdict == V_miss_drop ? XDP_DROP : XDP_PASS;
	}
	count_hit(counts, own);
	count_region(own);
	if (!own->slips)
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
