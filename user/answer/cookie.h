/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cookie - DNS cookies (RFC 7873) in the form that servers share (RFC 9018). Pure.
 *
 * A server cookie is 16 octets: version 1, three reserved ones, the time it
 * was made at, and SipHash-2-4 over the client's cookie, those eight, and the
 * client's address. Edges behind one service address that have the same
 * secrets take each other's. The first secret makes, all verify: so a roll is
 * "append the new one; make it the first; drop the old one" (RFC 9018 5). The
 * arithmetic is anamed/cookie.h's, so the kernel's cookies are these.
 */
#ifndef ANAMED_ANSWER_COOKIE_H
#define ANAMED_ANSWER_COOKIE_H

#include "anamed/cookie.h"
#include "base/config.h"

#define COOKIE_CLIENT_LEN AN_COOKIE_CLIENT_LEN
#define COOKIE_LEN        AN_COOKIE_LEN
#define COOKIE_PAST_S     AN_COOKIE_PAST_S
#define COOKIE_FUTURE_S   AN_COOKIE_FUTURE_S
#define COOKIE_RENEW_S    AN_COOKIE_RENEW_S

enum cookie_verdict {
	COOKIE_NONE,   /* no option (not from cookie_check()) */
	COOKIE_CLIENT, /* the client's alone */
	COOKIE_BAD,    /* with a server cookie that is not ours, or not any more */
	COOKIE_GOOD,
};

/* RFC 7873 5.2.2: any other length is FORMERR. */
bool cookie_len_is_possible(size_t len);

/*
 * Judges the option's `len` octets, which cookie_len_is_possible(). *ret_reply:
 * the option that goes back, the client's cookie and a server cookie, which is
 * the one that came as long as it is young and made with the first secret.
 */
enum cookie_verdict cookie_check(const struct config *config, const struct endpoint *client,
                                 uint32_t now_s, const uint8_t *option, size_t len,
                                 uint8_t ret_reply[COOKIE_LEN]);

#endif
