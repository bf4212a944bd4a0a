/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render.h - the reply: its end composed in scratch, then written over the query.
 *
 * render_data() and render_opt() make what follows the question: records with
 * their TTLs, OPT behind them. Its length decides whether the reply fits and by how much the
 * packet grows; only then is the packet touched. The checksum is computed from
 * what is written, never from what came in (it may be only the
 * pseudo-header's). Pure.
 */
#ifndef ANAMED_BPF_RENDER_H
#define ANAMED_BPF_RENDER_H

#include "anamed/treaty.h"
#include "edns.h"
#include "ip.h"
#include "message.h"
#include "scratch.h"
#include "slot.h"

#define RENDER_BODY_WORDS (BODY_MAX / 8)
#define RENDER_EDE_LEN    6

/* Headers under two tags, IPv6, and the longest question. */
#define RENDER_SHIFT_MAX                                                                           \
	(LINK_HEADER_LEN + LINK_TAGS_MAX * LINK_TAG_LEN + IP6_LEN + UDP_LEN + AN_DNS_HEADER_LEN +  \
	 AN_DNS_NAME_MAX + NAME_REST)
#define RENDER_SHIFT_WORDS (RENDER_SHIFT_MAX / 8)

/* Octets that OPT will take. */
AN_INLINE __u64 render_opt_len(const struct edns *edns, int stale)
{
	__u64 len = AN_DNS_OPT_LEN;

	if (!edns->present)
		return 0;
	if (edns->cookie.present)
		len += EDNS_OPTION_HEADER_LEN + AN_COOKIE_LEN;
	if (edns->ecs.present)
		len += EDNS_OPTION_HEADER_LEN + EDNS_ECS_HEADER_LEN + edns->ecs.len;
	return stale ? len + RENDER_EDE_LEN : len;
}

AN_INLINE __u8 *body_at(struct scratch *scratch, __u64 at)
{
	return scratch->body + keep(at + BODY_AT, BODY_MASK);
}

/*
 * The records, the `start`th first: from fixed places of the data to variable
 * ones of the body. `stride` is a constant; `ttl` as an_load8() would read it.
 */
AN_INLINE void render_records(struct scratch *scratch, __u32 stride, __u32 start, __u64 ttl)
{
	__u64 count = scratch->answer.count;

	for (__u32 i = 0; i < AN_ANSWER_LARGE / stride; i++) {
		if (i >= count)
			break;
		record_copy(body_at(scratch, record_place(i, start, count) * stride),
		            (const __u8 *)scratch->data + i * stride, stride, ttl);
	}
}

AN_INLINE void render_tail(struct scratch *scratch, __u32 ttl)
{
	const struct an_answer *answer = &scratch->answer;
	__u64 records = answer_records_len(answer), words = (answer->tail_len + 7u) / 8;

	for (__u32 i = 0; i < DATA_WORDS; i++) {
		if (i >= words)
			break;
		store64(body_at(scratch, records + i * 8),
		        load64((const __u8 *)scratch->data + keep(records + i * 8, DATA_MASK)));
	}
#pragma GCC unroll 4
	for (__u32 i = 0; i < AN_TAIL_TTLS; i++) {
		if (i >= answer->tail_ttl_count)
			break;
		store32(body_at(scratch, records + answer->tail_ttl[i]), be32(ttl));
	}
}

/* The answer's data into the body, rotated by `choice` (see an_choice()). */
AN_INLINE void render_data(struct scratch *scratch, __u32 choice, __u32 ttl)
{
	const struct an_answer *answer = &scratch->answer;
	__u32 start = an_choice_below(choice, answer->count);
	__u64 wire_ttl = __builtin_bswap32(ttl);

	if (answer->count && answer->stride == SLOT_STRIDE_A)
		render_records(scratch, SLOT_STRIDE_A, start, wire_ttl);
	else if (answer->count)
		render_records(scratch, SLOT_STRIDE_AAAA, start, wire_ttl);
	forget();
	if (answer->tail_len)
		render_tail(scratch, ttl);
}

/*
 * A denial's tail was made for its apex as the question; the name asked is
 * longer by walk.at octets, and so the compression pointers lead. The first is
 * the SOA's owner; of the others 0 is none.
 */
AN_INLINE void render_pointers(struct scratch *scratch)
{
	const struct an_answer *answer = &scratch->answer;
	__u16 by = (__u16)scratch->walk.at;

#pragma GCC unroll 3
	for (__u32 i = 1; i < AN_TAIL_TTLS; i++) {
		__u8 *pointer = body_at(scratch, answer->tail_ttl[i]);

		if (i == 1 || answer->tail_ttl[i])
			store_be16(pointer, (__u16)(load_be16(pointer) + by));
	}
}

/*
 * What the reply takes from the answer but its SCOPE, which the question has a
 * say in. `whole`: with what only queries with DO get.
 */
AN_INLINE void reply_from(const struct an_answer *answer, int whole, struct reply *reply)
{
	reply->data_len = answer_data_len(answer);
	reply->flags = answer->flags & (AN_FLAG_AA | AN_FLAG_RCODE);
	for (__u32 i = 0; i < 3; i++)
		reply->counts[i] = answer->counts[i];
	if (whole)
		return;
	reply->data_len -= answer->signed_len;
	reply->counts[0] = (__u16)(reply->counts[0] - (answer->signed_counts & 0xf));
	reply->counts[1] = (__u16)(reply->counts[1] - (answer->signed_counts >> 4));
}

/* Has the query DO, or not, as the answer is for? */
AN_INLINE enum verdict answer_judge_do(const struct an_answer *answer, const struct edns *edns)
{
	__u32 other = edns->dnssec_ok ? AN_TRAIT_NOT_DO : AN_TRAIT_ONLY_DO;

	return answer->traits & other ? V_pass_dnssec : V_GO_ON;
}

/* FAMILY, SOURCE and ADDRESS as asked (RFC 7871 7.2.1). Words may reach past the option: what
 * follows is written later. */
AN_INLINE void render_ecs(__u8 *option, const struct ecs *ecs, __u8 scope)
{
	store_be16(option, AN_EDNS_ECS);
	store_be16(option + 2, (__u16)(EDNS_ECS_HEADER_LEN + ecs->len));
	store_be16(option + 4, (__u16)ecs->family);
	option[6] = (__u8)ecs->source;
	option[7] = scope;
	store8(option + 8, ecs->address[0]);
	store8(option + 16, ecs->address[1]);
}

AN_INLINE void render_cookie(__u8 *option, const struct cookie *cookie)
{
	store_be16(option, AN_EDNS_COOKIE);
	store_be16(option + 2, AN_COOKIE_LEN);
	store8(option + 4, cookie->words[0]);
	store8(option + 12, cookie->words[1]);
	store8(option + 20, cookie->words[2]);
}

/* `len`: render_opt_len(). Options in the daemon's order: ECS, COOKIE, EDE. */
AN_INLINE void render_opt(struct scratch *scratch, __u64 at, __u64 len, const struct edns *edns,
                          __u16 payload, __u8 scope, int stale)
{
	__u8 *opt = body_at(scratch, at);

	opt[0] = 0;
	store_be16(opt + 1, AN_TYPE_OPT);
	store_be16(opt + 3, payload);
	store16(opt + 5, 0); /* extended RCODE, version 0 */
	store_be16(opt + 7, (__u16)edns->dnssec_ok &
	                            (scratch->compact ? AN_EDNS_DO | AN_EDNS_CO : AN_EDNS_DO));
	store_be16(opt + 9, (__u16)(len - AN_DNS_OPT_LEN));
	if (edns->ecs.present)
		render_ecs(opt + AN_DNS_OPT_LEN, &edns->ecs, scope);
	if (edns->cookie.present) {
		__u64 before =
		        len - (stale ? RENDER_EDE_LEN : 0) - EDNS_OPTION_HEADER_LEN - AN_COOKIE_LEN;

		render_cookie(body_at(scratch, at + before), &edns->cookie);
	}
	if (stale) {
		__u8 *ede = body_at(scratch, at + len - RENDER_EDE_LEN);

		store_be16(ede, AN_EDNS_EDE);
		store_be16(ede + 2, 2);
		store_be16(ede + 4, AN_EDE_STALE_ANSWER);
	}
}

/* ---- into the packet ---- */

/*
 * Writes the body at offset `at`, where the frame ends with it: whole words
 * from the front, then its last eight octets, of which the first are there
 * already (the body's, or the question's last). Gives its sum as if at an even
 * place.
 */
AN_INLINE __u64 render_copy(const struct cursor *frame, __u64 at, __u64 len,
                            struct scratch *scratch)
{
	__u8 *to = frame->data + keep(at, CURSOR_MAX);
	__u64 sum = 0, rest = len & 7, words = len / 8, word;

	settle(to);
	settle(words); /* len is needed after the loop, and must not learn how often it ran */
	for (__u32 i = 0; i < RENDER_BODY_WORDS; i++, to += 8) {
		if (i >= words || to + 8 > frame->end)
			break;
		word = an_load8(scratch->body + BODY_AT + i * 8);
		store8(to, word);
		sum += sum_word(word);
	}
	if (!rest)
		return sum;
	to = cursor_at(frame, at + len - 8, 8);
	if (!to)
		return sum;
	word = an_load8(scratch->body + keep(len, BODY_MASK));
	store8(to, word);
	return sum + sum_word(word >> (64 - rest * 8));
}

/*
 * Moves the frame's first `len` octets forward from `by` to 0: the frame has
 * grown at its front. 0, and nothing written: it is shorter than that.
 */
AN_INLINE int render_shift(const struct cursor *frame, __u64 by, __u64 len)
{
	__u8 *from = frame->data + keep(by, CURSOR_MAX), *to = frame->data;
	__u8 *last_from = cursor_at(frame, by + len - 8, 8),
	     *last_to = cursor_at(frame, len - 8, 8);
	__u64 words = len / 8, last;

	if (!last_from || !last_to)
		return 0;
	last = load64(last_from); /* the loop may write over it */
	settle(from);
	settle(words);
	for (__u32 i = 0; i < RENDER_SHIFT_WORDS; i++, from += 8, to += 8) {
		if (i >= words || from + 8 > frame->end || to + 8 > frame->end)
			break;
		store64(to, load64(from));
	}
	store64(last_to, last);
	return 1;
}

/* Counts and flags into the header; their sum, the id's included. */
AN_INLINE __u64 render_header(__u8 *header, __u16 id, const struct reply *reply)
{
	store_be16(header + MESSAGE_FLAGS_AT, reply->flags);
	store_be16(header + MESSAGE_AN_AT, reply->counts[0]);
	store_be16(header + MESSAGE_NS_AT, reply->counts[1]);
	store_be16(header + MESSAGE_AR_AT, reply->counts[2]);
	return sum_be16(id) + sum_be16(reply->flags) + sum_be16(1) + sum_be16(reply->counts[0]) +
	       sum_be16(reply->counts[1]) + sum_be16(reply->counts[2]);
}

/*
 * Turns the query in `frame`, which has the reply's length already, into the
 * reply. 0, and nothing written: the frame is not what it was measured to be.
 */
AN_INLINE int render_reply(const struct cursor *frame, struct scratch *scratch)
{
	__u64 ip_at = scratch->datagram.at, dns_at = scratch->message.at;
	__u64 end = scratch->question.end, dns_len = end - dns_at + scratch->reply.len;
	__u8 *link = cursor_at(frame, 0, LINK_HEADER_LEN);
	__u8 *header = cursor_at(frame, dns_at, AN_DNS_HEADER_LEN);
	__u8 *before = cursor_at(frame, end - 8, 8);
	__u8 *ip = cursor_at(frame, ip_at, IP4_LEN + UDP_LEN);
	__u8 *ip6 = 0;
	__u64 sum, rest;

	if (scratch->datagram.ipv6) {
		ip6 = cursor_at(frame, ip_at, IP6_LEN + UDP_LEN);
		if (!ip6)
			return 0;
	}
	if (!link || !header || !before || !ip || dns_at + dns_len != frame->len)
		return 0;
	store64(scratch->body, load64(before));
	rest = render_copy(frame, end, scratch->reply.len, scratch);
	forget();
	rest += sum_be16(scratch->question.type) + sum_be16(scratch->question.class);
	if (scratch->question.name.len & 1)
		rest = an_sum_odd(an_sum_fold(rest));
	sum = scratch->datagram.sum + scratch->question.name.sum + rest +
	      render_header(header, scratch->message.id, &scratch->reply);
	link_turn(link);
	if (ip6)
		ipv6_turn(ip6, (__u16)dns_len, sum);
	else
		ipv4_turn(ip, (__u16)dns_len, sum);
	return 1;
}

#endif
