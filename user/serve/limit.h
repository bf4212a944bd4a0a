/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit - how many replies over UDP each network gets (response rate limiting).
 *
 * What is counted is one kind of reply to one network, an IPv4 /24 or an IPv6
 * /56: an owner of a forged address is sent no more of each kind than the
 * configured rate. One table for all workers, of a fixed size, without locks;
 * who sprays networks pushes out those that have the least to their account.
 * Over the limit means that no reply goes out, or, every so often, an empty
 * one with TC: whoever really is there comes again over TCP.
 */
#ifndef ANAMED_SERVE_LIMIT_H
#define ANAMED_SERVE_LIMIT_H

#include "base/config.h"

#define LIMIT_ENTRIES (1u << 17) /* a power of 2; 1 MiB */

enum limit_kind { LIMIT_ANSWER, LIMIT_EMPTY, LIMIT_DENIAL, LIMIT_REFERRAL, LIMIT_ERROR };

struct limit;

struct limit *limit_new(uint64_t now_ms); /* NULL: out of memory */
void limit_free(struct limit *limit);

/* What a reply is, by its header. */
enum limit_kind limit_kind_of(const uint8_t *reply);

/* Counts one reply to `peer`. False: it is one too many, and is not counted. From any thread. */
bool limit_take(struct limit *limit, const struct config *config, const struct endpoint *peer,
                enum limit_kind kind, uint64_t now_ms);

#endif
