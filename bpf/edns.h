/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * edns.h - the OPT record of a query and its options (RFC 6891, RFC 7871). Pure.
 *
 * Options that nobody answers are stepped over, whatever they hold. Of client
 * subnet options the first counts, and it must be well-formed to the bit.
 */
#ifndef ANAMED_BPF_EDNS_H
#define ANAMED_BPF_EDNS_H

#include "anamed/cookie.h"
#include "anamed/treaty.h"
#include "cursor.h"
#include "message.h"
#include "verdict.h"

#define EDNS_OPTIONS_MAX       12
#define EDNS_OPTION_HEADER_LEN 4
#define EDNS_ECS_HEADER_LEN    4 /* FAMILY, SOURCE, SCOPE */

struct ecs {
	__u64 present;
	__u64 family; /* AN_FAMILY_* */
	__u64 source;
	__u64 len;        /* octets of the address */
	__u64 address[2]; /* as an_load8() reads it, zeros behind len */
};

/* A COOKIE option, while cookies are switched on. */
struct cookie {
	__u64 present;
	__u64 whole; /* as long as one with a server cookie of ours */
	__u64 good;  /* verified; the words are then, as else, what goes back */
	__u64 words[3];
};

/* The options of a query: a range of the frame, and where the first of each kind was seen. Not on
 * the stack: see forget(). */
struct options {
	__u64 at, end;
	__u64 ecs_at; /* of its data; 0: none yet */
	__u64 ecs_len;
	__u64 cookie_at; /* the same */
	__u64 cookie_len;
	__u64 nsid; /* seen */
};

struct edns {
	__u64 present;
	__u64 payload;   /* at least AN_DNS_UDP_MIN; without OPT just that */
	__u64 dnssec_ok; /* AN_EDNS_DO, with it perhaps AN_EDNS_CO; or 0 */
	struct ecs ecs;
	struct cookie cookie;
	struct options options; /* while they are walked */
};

AN_INLINE enum verdict option_take(const struct cursor *frame, struct options *options)
{
	const __u8 *header = cursor_at(frame, options->at, EDNS_OPTION_HEADER_LEN);
	__u64 code, len;

	if (!header || options->end - options->at < EDNS_OPTION_HEADER_LEN)
		return V_pass_edns_malformed;
	code = load_be16(header);
	len = load_be16(header + 2);
	options->at += EDNS_OPTION_HEADER_LEN;
	if (len > options->end - options->at)
		return V_pass_edns_malformed;
	if (code == AN_EDNS_ECS && !options->ecs_at) {
		options->ecs_at = options->at;
		options->ecs_len = len;
	}
	if (code == AN_EDNS_COOKIE && !options->cookie_at) {
		options->cookie_at = options->at;
		options->cookie_len = len;
	}
	if (code == AN_EDNS_NSID)
		options->nsid = 1;
	options->at = keep(options->at + len, CURSOR_MAX);
	return V_GO_ON;
}

AN_INLINE enum verdict options_walk(const struct cursor *frame, struct options *options)
{
	for (__u32 i = 0; i < EDNS_OPTIONS_MAX; i++) {
		enum verdict verdict;

		if (options->at == options->end)
			return V_GO_ON;
		verdict = option_take(frame, options);
		if (verdict)
			return verdict;
		forget();
	}
	return options->at == options->end ? V_GO_ON : V_pass_edns_many;
}

/* No bit of the address may be set past SOURCE (RFC 7871 6). */
AN_INLINE int ecs_is_clean(const struct ecs *ecs)
{
	__u64 high = be64(le64(ecs->address[0])), low = be64(le64(ecs->address[1]));

	if (ecs->source < 64)
		return !(high << ecs->source) && !low;
	return ecs->source >= 128 || !(low << (ecs->source - 64));
}

/*
 * The address stands at the end of the option, and at least eight octets of
 * option and headers before it: so it is read as the end of eight octets.
 */
AN_INLINE int ecs_address(const struct cursor *frame, __u64 at, struct ecs *ecs)
{
	__u64 len = ecs->len, first = len < 8 ? len : 8;
	const __u8 *p;

	ecs->address[0] = ecs->address[1] = 0;
	if (len == 0)
		return 1;
	p = cursor_at(frame, at + first - 8, 8);
	if (!p)
		return 0;
	ecs->address[0] = an_load8(p) >> (64 - first * 8);
	if (len <= 8)
		return 1;
	p = cursor_at(frame, at + len - 8, 8);
	if (!p)
		return 0;
	ecs->address[1] = an_load8(p) >> (128 - len * 8);
	return 1;
}

/* RFC 7871 6 and 7.1.2: everything that is not right to the bit is FORMERR, which the daemon says.
 */
AN_INLINE enum verdict ecs_parse(const struct cursor *frame, __u64 at, __u64 len, struct ecs *ret)
{
	const __u8 *p = cursor_at(frame, at, EDNS_ECS_HEADER_LEN);
	__u64 bits;

	if (!p || len < EDNS_ECS_HEADER_LEN)
		return V_pass_ecs_malformed;
	ret->present = 1;
	ret->family = load_be16(p);
	ret->source = p[2];
	if (ret->family != AN_FAMILY_IPV4 && ret->family != AN_FAMILY_IPV6)
		return V_pass_ecs_malformed;
	bits = ret->family == AN_FAMILY_IPV4 ? 32 : 128;
	ret->len = (ret->source + 7) / 8;
	if (p[3] || ret->source > bits || len != EDNS_ECS_HEADER_LEN + ret->len)
		return V_pass_ecs_malformed;
	if (!ecs_address(frame, at + EDNS_ECS_HEADER_LEN, ret) || !ecs_is_clean(ret))
		return V_pass_ecs_malformed;
	return V_GO_ON;
}

/* RFC 7873 5.2.2: another length is FORMERR. The octets of a cookie that is not ours are not looked
 * at. */
AN_INLINE enum verdict cookie_parse(const struct cursor *frame, __u64 at, __u64 len,
                                    struct cookie *ret)
{
	const __u8 *p = cursor_at(frame, at, AN_COOKIE_CLIENT_LEN);

	if (!p || !an_cookie_len_is_possible(len))
		return V_pass_edns_malformed;
	ret->present = 1;
	ret->words[0] = an_load8(p);
	if (len != AN_COOKIE_LEN)
		return V_GO_ON;
	p = cursor_at(frame, at, AN_COOKIE_LEN);
	if (!p)
		return V_pass_edns_malformed;
	ret->whole = 1;
	ret->words[1] = an_load8(p + 8);
	ret->words[2] = an_load8(p + 16);
	return V_GO_ON;
}

/* What the options say, each by itself. */
AN_INLINE enum verdict options_read(const struct cursor *frame, __u32 flags, struct edns *edns)
{
	const struct options *options = &edns->options;
	enum verdict verdict;

	if ((options->cookie_at && flags & AN_CONTROL_PASS_COOKIE) ||
	    (options->nsid && flags & AN_CONTROL_PASS_NSID))
		return V_pass_edns_daemon;
	if (options->cookie_at && flags & AN_CONTROL_COOKIES) {
		verdict =
		        cookie_parse(frame, options->cookie_at, options->cookie_len, &edns->cookie);
		if (verdict)
			return verdict;
		forget();
	}
	if (!options->ecs_at)
		return V_GO_ON;
	return ecs_parse(frame, options->ecs_at, options->ecs_len, &edns->ecs);
}

AN_INLINE enum verdict opt_parse(const struct cursor *frame, __u64 at,
                                 const struct message *message, __u32 flags, struct edns *ret)
{
	const __u8 *opt = cursor_at(frame, at, AN_DNS_OPT_LEN);
	struct options *options = &ret->options;
	enum verdict verdict;

	if (!opt || at + AN_DNS_OPT_LEN > message->end)
		return V_pass_edns_malformed;
	if (opt[0] || load_be16(opt + 1) != AN_TYPE_OPT)
		return V_pass_trailing;
	if (opt[6])
		return V_pass_edns_version;
	ret->present = 1;
	ret->payload = load_be16(opt + 3);
	if (ret->payload < AN_DNS_UDP_MIN)
		ret->payload = AN_DNS_UDP_MIN;
	ret->dnssec_ok = load_be16(opt + 7) & (AN_EDNS_DO | AN_EDNS_CO);
	ret->dnssec_ok &= 0 - (ret->dnssec_ok >> 15);
	options->at = at + AN_DNS_OPT_LEN;
	options->end = options->at + load_be16(opt + 9);
	if (options->end != message->end)
		return options->end > message->end ? V_pass_edns_malformed : V_pass_trailing;
	forget();
	verdict = options_walk(frame, options);
	if (verdict)
		return verdict;
	forget();
	return options_read(frame, flags, ret);
}

/* What follows the question at `at`: nothing, or one OPT to the end. flags: of the control block.
 */
AN_INLINE enum verdict edns_parse(const struct cursor *frame, __u64 at,
                                  const struct message *message, __u32 flags, struct edns *ret)
{
	__u64 zero = frame->zero;

	/* What is looked at although nothing of its kind was seen. */
	ret->present = ret->dnssec_ok = zero;
	ret->payload = AN_DNS_UDP_MIN + zero;
	ret->ecs.present = ret->ecs.source = ret->ecs.len = zero;
	ret->cookie.present = ret->cookie.whole = ret->cookie.good = zero;
	ret->options.ecs_at = ret->options.cookie_at = ret->options.nsid = zero;
	if (message->opt)
		return opt_parse(frame, at, message, flags, ret);
	return at == message->end ? V_GO_ON : V_pass_trailing;
}

#endif
