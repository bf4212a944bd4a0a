/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cookie.h - DNS cookies (RFC 7873) in the form that servers share (RFC 9018), for both halves.
 *
 * A cookie is three words as an_load8() reads them: the client's eight octets,
 * {version 1, three reserved octets, time in network order}, and SipHash-2-4
 * over those two and the client's address. Made by the first secret, verified
 * by all of them. Pure: one truth for the daemon and the program.
 */
#ifndef ANAMED_COOKIE_H
#define ANAMED_COOKIE_H

#include "anamed/key.h"

#define AN_COOKIE_CLIENT_LEN     8
#define AN_COOKIE_LEN            24 /* the client's and ours */
#define AN_COOKIE_SERVER_LEN_MIN 8  /* RFC 7873 4: of any server's */
#define AN_COOKIE_SERVER_LEN_MAX 32
#define AN_COOKIE_SECRETS        4
#define AN_COOKIE_VERSION        1

#define AN_COOKIE_PAST_S   3600 /* RFC 9018 4.3: older ones do not count, */
#define AN_COOKIE_FUTURE_S 300  /* nor those from further ahead; */
#define AN_COOKIE_RENEW_S  1800 /* older ones are replaced */

/* ---- SipHash-2-4 (Aumasson, Bernstein 2012), a word at a time ---- */

struct an_siphash {
	__u64 a, b, c, d;
};

AN_INLINE __u64 an_rotate(__u64 word, __u32 by)
{
	return word << by | word >> (64 - by);
}

AN_INLINE void an_siphash_round(struct an_siphash *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = an_rotate(s->b, 13) ^ s->a;
	s->d = an_rotate(s->d, 16) ^ s->c;
	s->a = an_rotate(s->a, 32) + s->d;
	s->c += s->b;
	s->d = an_rotate(s->d, 21) ^ s->a;
	s->b = an_rotate(s->b, 17) ^ s->c;
	s->c = an_rotate(s->c, 32);
}

AN_INLINE struct an_siphash an_siphash_begin(const __u64 key[2])
{
	return (struct an_siphash){
	        .a = key[0] ^ 0x736f6d6570736575ULL,
	        .b = key[1] ^ 0x646f72616e646f6dULL,
	        .c = key[0] ^ 0x6c7967656e657261ULL,
	        .d = key[1] ^ 0x7465646279746573ULL,
	};
}

AN_INLINE void an_siphash_word(struct an_siphash *s, __u64 word)
{
	s->d ^= word;
	an_siphash_round(s);
	an_siphash_round(s);
	s->a ^= word;
}

/* `last`: the octets behind the last whole word, the message's length modulo 256 in the highest. */
AN_INLINE __u64 an_siphash_end(struct an_siphash *s, __u64 last)
{
	an_siphash_word(s, last);
	s->c ^= 0xff;
	an_siphash_round(s);
	an_siphash_round(s);
	an_siphash_round(s);
	an_siphash_round(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

/* ---- cookies ---- */

/* Who asks: IPv4 in the first four octets of address[0] (the rest 0), or all of both words. */
struct an_cookie_client {
	__u64 address[2];
	__u64 ipv6;
};

/* RFC 7873 5.2.2: any other length of the option is FORMERR. */
AN_INLINE int an_cookie_len_is_possible(__u64 len)
{
	return len == AN_COOKIE_CLIENT_LEN ||
	       (len >= AN_COOKIE_CLIENT_LEN + AN_COOKIE_SERVER_LEN_MIN &&
	        len <= AN_COOKIE_CLIENT_LEN + AN_COOKIE_SERVER_LEN_MAX);
}

/* RFC 9018 4.4: client cookie, version, reserved, time, address. */
AN_INLINE __u64 an_cookie_hash(const __u64 secret[2], const struct an_cookie_client *client,
                               const __u64 cookie[3])
{
	struct an_siphash s = an_siphash_begin(secret);

	an_siphash_word(&s, cookie[0]);
	an_siphash_word(&s, cookie[1]);
	if (!client->ipv6)
		return an_siphash_end(&s, (client->address[0] & 0xffffffff) | 20ULL << 56);
	an_siphash_word(&s, client->address[0]);
	an_siphash_word(&s, client->address[1]);
	return an_siphash_end(&s, 32ULL << 56);
}

AN_INLINE void an_cookie_make(const __u64 secret[2], const struct an_cookie_client *client,
                              __u32 now_s, __u64 cookie[3])
{
	cookie[1] = (__u64)__builtin_bswap32(now_s) << 32 | AN_COOKIE_VERSION;
	cookie[2] = an_cookie_hash(secret, client, cookie);
}

/* Seconds since the cookie was made, in serial number arithmetic (RFC 9018 4.3, RFC 1982). */
AN_INLINE __s32 an_cookie_age(const __u64 cookie[3], __u32 now_s)
{
	return (__s32)(now_s - __builtin_bswap32((__u32)(cookie[1] >> 32)));
}

/* Of our version, and from a time that counts. */
AN_INLINE int an_cookie_is_timely(const __u64 cookie[3], __u32 now_s)
{
	__s32 age = an_cookie_age(cookie, now_s);

	return (cookie[1] & 0xff) == AN_COOKIE_VERSION && age <= AN_COOKIE_PAST_S &&
	       age >= -AN_COOKIE_FUTURE_S;
}

/*
 * Whether a whole cookie (24 octets) is one of ours. `cookie` then holds what
 * goes back: the same while it is young and made with the first secret, else
 * a new one for the same client cookie. Only words are compared, in one step.
 * secrets: `count` of them, 1 to AN_COOKIE_SECRETS. whole 0: the client's
 * octets alone, or a server cookie of another length: a new one, and not ours.
 */
AN_INLINE int an_cookie_judge(const __u64 secrets[][2], __u32 count,
                              const struct an_cookie_client *client, __u32 now_s, int whole,
                              __u64 cookie[3])
{
	int by = -1;

	if (whole && an_cookie_is_timely(cookie, now_s)) {
		for (__u32 i = 0; i < AN_COOKIE_SECRETS; i++) {
			if (i >= count)
				break;
			if (an_cookie_hash(secrets[i], client, cookie) == cookie[2]) {
				by = (int)i;
				break;
			}
		}
	}
	if (by != 0 || an_cookie_age(cookie, now_s) > AN_COOKIE_RENEW_S)
		an_cookie_make(secrets[0], client, now_s, cookie);
	return by >= 0;
}

#endif
