/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * message.h - the DNS header and the one question (RFC 1035 4.1). Pure.
 */
#ifndef ANAMED_BPF_MESSAGE_H
#define ANAMED_BPF_MESSAGE_H

#include "anamed/dns.h"
#include "cursor.h"
#include "name.h"
#include "verdict.h"

/* Offsets in the header. */
#define MESSAGE_FLAGS_AT 2
#define MESSAGE_QD_AT    4
#define MESSAGE_AN_AT    6
#define MESSAGE_NS_AT    8
#define MESSAGE_AR_AT    10

struct message {
	__u64 at;  /* offset of the header in the frame */
	__u64 end; /* of the message, as UDP says */
	__u64 opt; /* 1: one additional record is announced */
	__u16 id;
	__u16 flags;
};

struct question {
	struct name name;
	__u64 end; /* offset of what follows */
	__u16 type;
	__u16 class;
};

AN_INLINE enum verdict message_parse(const struct cursor *frame, __u64 at, __u64 len,
                                     struct message *ret)
{
	const __u8 *header = cursor_at(frame, at, AN_DNS_HEADER_LEN);
	__u16 additional;

	if (!header)
		return V_pass_length;
	ret->at = at;
	ret->end = at + len;
	ret->id = load_be16(header);
	ret->flags = load_be16(header + MESSAGE_FLAGS_AT);
	if (ret->flags & AN_FLAG_QR)
		return V_pass_response;
	if (ret->flags & AN_FLAG_OPCODE)
		return V_pass_opcode;
	additional = load_be16(header + MESSAGE_AR_AT);
	if (load_be16(header + MESSAGE_QD_AT) != 1 || load32(header + MESSAGE_AN_AT) ||
	    additional > 1)
		return V_pass_counts;
	ret->opt = additional;
	return V_GO_ON;
}

/* `lower`: see name_scan(). */
AN_INLINE enum verdict question_parse(const struct cursor *frame, const struct message *message,
                                      __u64 seed, __u64 lower[NAME_WORDS], struct question *ret)
{
	__u64 at = message->at + AN_DNS_HEADER_LEN;
	enum verdict verdict = name_scan(frame, at, seed, lower, &ret->name);
	const __u8 *rest;

	if (verdict)
		return verdict;
	ret->name.len = blur(frame, ret->name.len, 0x1ff);
	at += ret->name.len;
	if (at > message->end)
		return V_pass_name;
	rest = cursor_at(frame, at, NAME_REST);
	if (!rest || at + NAME_REST > message->end)
		return V_pass_length;
	ret->type = load_be16(rest);
	ret->class = load_be16(rest + 2);
	ret->end = at + NAME_REST;
	return V_GO_ON;
}

#endif
