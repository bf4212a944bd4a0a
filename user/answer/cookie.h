/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cookie - DNS cookies (RFC 7873) in the form that servers share (RFC 9018). Pure.
 *
 * A server cookie is 16 octets: version 1, three reserved ones, the time it
 * was made at, and SipHash-2-4 over the client's cookie, those eight, and the
 * client's address. Edges behind one service address that have the same
 * secrets take each other's. The first secret makes, all verify: so a roll is
 * "append the new one; make it the first; drop the old one" (RFC 9018 5).
 */
#ifndef ANAMED_ANSWER_COOKIE_H
#define ANAMED_ANSWER_COOKIE_H

#include "base/config.h"

#define COOKIE_CLIENT_LEN     8
#define COOKIE_LEN            24 /* the client's and ours */
#define COOKIE_SERVER_LEN_MIN 8  /* RFC 7873 4: of any server's */
#define COOKIE_SERVER_LEN_MAX 32

#define COOKIE_PAST_S   3600 /* RFC 9018 4.3: older ones do not count, */
#define COOKIE_FUTURE_S 300  /* nor those from further ahead; */
#define COOKIE_RENEW_S  1800 /* older ones are replaced */

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
