/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order - an owner's answers by region and network, so that what lies inside a
 * network is found without a look at all of them.
 *
 * A treap: a tree in order of keys that is a heap in order of numbers which
 * nobody outside can guess, so that no choice of networks makes it deep. The
 * store keeps it, the writer alone reads it.
 */
#ifndef ANAMED_ANSWER_ORDER_H
#define ANAMED_ANSWER_ORDER_H

#include "answer/store.h"

void order_add(struct answer **root, struct answer *answer);
/* One that is in it. */
void order_remove(struct answer **root, struct answer *answer);

/* Of the answers whose key is not less than this one (`after` NULL), or that follow `after`, the
 * first; NULL: there is none. uid and type do not count: they are the owner's. */
struct answer *order_first(struct answer *root, const struct an_audience_key *key,
                           const struct answer *after);

#endif
