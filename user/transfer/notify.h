/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify - NOTIFY to secondaries (RFC 1996), on the libuv loop.
 *
 * A message a zone and peer, with the SOA that the peer would get, signed
 * where it has a key; sent again with growing pauses until it is answered or
 * five have gone unanswered. A newer one for the same zone and peer takes the
 * place of the older. So many are under way at once, the rest waits its turn.
 */
#ifndef ANAMED_TRANSFER_NOTIFY_H
#define ANAMED_TRANSFER_NOTIFY_H

#include <uv.h>

#include "transfer/out_view.h"

#define NOTIFY_TRIES    5
#define NOTIFY_FIRST_MS 2000 /* doubled for each further try */
#define NOTIFY_AT_ONCE  64

struct notify;

struct notify *notify_new(uv_loop_t *loop);

/* Addresses of ours that a NOTIFY may come from (secondaries know us by them); copied. 0 or
 * -ENOMEM. */
int notify_sources(struct notify *notify, const struct endpoint *listen, size_t count);

/* Tells the peer of the view's serial. The key is copied. 0 or -ENOMEM. */
int notify_send(struct notify *notify, const struct view *view, const struct config_peer *peer);

/* Forgets what is to be told of a zone. */
void notify_drop(struct notify *notify, const uint8_t *apex, size_t apex_len);

size_t notify_waiting(const struct notify *notify); /* not answered yet */

/* What is under way is forgotten; memory goes with the loop's next turns. */
void notify_free(struct notify *notify);

#endif
