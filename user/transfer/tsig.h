/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig - transaction signatures (RFC 8945), HMAC by OpenSSL. Pure but for the clock that is given.
 *
 * A context carries the running digest from a request to its reply, or from
 * one message of a transfer to the next (5.3.1).
 */
#ifndef ANAMED_TRANSFER_TSIG_H
#define ANAMED_TRANSFER_TSIG_H

#include "base/config.h"

#define TSIG_FUDGE_S 300
#define TSIG_MAC_MAX 64
#define TSIG_RR_MAX                                                                                \
	(255 + 10 + 255 + 16 + TSIG_MAC_MAX + 6) /* octets that signing adds at most               \
	                                          */
#define TSIG_NOT_SIGNED 0
#define TSIG_BADSIG     16
#define TSIG_BADKEY     17
#define TSIG_BADTIME    18
#define TSIG_BADTRUNC   22

struct tsig {
	const struct config_key *key; /* NULL: nothing is signed */
	uint8_t mac[TSIG_MAC_MAX]; /* of the message before: the request's, then the last one's of
	                              ours */
	uint16_t mac_len;
	uint16_t error;  /* TSIG_BAD*: goes into the reply's TSIG */
	uint64_t time_s; /* of the request */
	bool later; /* a message of this side has been signed: timers-only digest from now on */
	uint16_t original_id;
	struct config_name asked_key, asked_algorithm; /* of a request, known or not */
	/* For a chain of unsigned messages in between (5.3.1): the digest goes on over them. */
	void *running; /* of tsig.c */
};

/* True if the message's last additional record is a TSIG; *ret_at is its offset. Message must be
 * well-formed up to there. */
bool tsig_present(const uint8_t *message, size_t len, size_t *ret_at);

/*
 * Server: verifies a request. Finds the key among `keys`. 0: signed and good
 * (tsig ready for the reply); -ENOENT: no TSIG; -EACCES: TSIG error in
 * tsig->error (reply NOTAUTH: unsigned for BADKEY/BADSIG, signed for BADTIME); -EBADMSG: FORMERR.
 * *ret_len: the message's length without its TSIG.
 */
int tsig_verify_request(struct tsig *tsig, const struct config_key *keys, size_t keys_count,
                        const uint8_t *message, size_t len, uint64_t now_s, size_t *ret_len);

/* Octets that tsig_sign() adds. */
size_t tsig_sign_len(const struct tsig *tsig);

/* Appends a TSIG to a message of *len octets in room for size; ARCOUNT is raised. -ENOSPC if it
 * does not fit. */
int tsig_sign(struct tsig *tsig, uint8_t *message, size_t *len, size_t size, uint64_t now_s);

/* Client: a request's context. */
void tsig_begin(struct tsig *tsig, const struct config_key *key);

/*
 * Client: verifies a reply, or one message of a stream of replies. 0 good (or
 * unsigned inside a stream, at most 99 in a row); negative: drop the transfer.
 * `last`: must be signed. *ret_len as above.
 */
int tsig_verify_reply(struct tsig *tsig, const uint8_t *message, size_t len, uint64_t now_s,
                      bool last, size_t *ret_len);

void tsig_done(struct tsig *tsig);

/* "hmac-sha256" and so on; -1 if unknown. */
int tsig_algorithm_parse(const char *text);

#endif
