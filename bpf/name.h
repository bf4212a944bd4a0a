/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * name.h - the question name, eight octets at a time. Pure.
 *
 * One pass finds the root label, lower-cases, hashes and sums. The first zero
 * octet ends the scan, also where it lies inside a label: no stored name holds
 * one there, so the whole-name compare refuses such a question later. The same
 * goes for compression pointers (RFC 1035 4.1.4): a stored name has none.
 */
#ifndef ANAMED_BPF_NAME_H
#define ANAMED_BPF_NAME_H

#include "anamed/dns.h"
#include "cursor.h"
#include "verdict.h"

#define NAME_WORDS 32
#define NAME_REST  4 /* QTYPE and QCLASS follow every name */

struct name {
	__u64 hash; /* an_name_hash() */
	__u64 sum;  /* of the octets as they came */
	__u64 len;
};

/* The last word of a name: `zero` is an_zero8(word), not 0. */
AN_INLINE void name_end(struct name *name, __u64 word, __u64 zero, __u64 *lower)
{
	__u64 mask = an_mask8(zero);

	word &= mask;
	*lower = an_lower8(word);
	name->hash = an_hash_step(name->hash, *lower);
	name->sum += sum_word(word);
	name->len += an_mask_len(mask);
}

/*
 * A name that ends within the last octets of the frame: fewer than eight are
 * left at offset `at`, so they are read as the end of the frame's last eight.
 */
AN_INLINE enum verdict name_tail(const struct cursor *frame, __u64 at, struct name *name,
                                 __u64 *lower)
{
	__u64 left = frame->len - at;
	const __u8 *last;
	__u64 word, zero;

	if (left <= NAME_REST || left > 7)
		return V_pass_name;
	last = cursor_at(frame, frame->len - 8, 8);
	if (!last)
		return V_pass_name;
	word = an_load8(last) >> (64 - left * 8);
	zero = an_zero8(word);
	name_end(name, word, zero, lower);
	/* The shift has put zeros behind the frame's end: found there, the name had no end. */
	return name->len > AN_DNS_NAME_MAX ? V_pass_name : V_GO_ON;
}

/*
 * The name at offset `at`. `lower` gets it in lower case, the last word padded
 * with zeros. ret->len may reach past the end of the message: the caller
 * compares. seed: of an_name_hash().
 */
AN_INLINE enum verdict name_scan(const struct cursor *frame, __u64 at, __u64 seed,
                                 __u64 lower[NAME_WORDS], struct name *ret)
{
	__u8 *p = frame->data + keep(at, CURSOR_MAX);

	settle(p);
	*ret = (struct name){.hash = seed};
	for (__u32 i = 0; i < NAME_WORDS; i++, p += 8) {
		__u64 word, zero;

		if (p + 8 > frame->end)
			return name_tail(frame, at + ret->len, ret, &lower[i]);
		word = an_load8(p);
		zero = an_zero8(word);
		if (zero) {
			name_end(ret, word, zero, &lower[i]);
			return ret->len > AN_DNS_NAME_MAX ? V_pass_name : V_GO_ON;
		}
		lower[i] = an_lower8(word);
		ret->hash = an_hash_step(ret->hash, lower[i]);
		ret->sum += sum_word(word);
		ret->len += 8;
	}
	return V_pass_name;
}

#endif
