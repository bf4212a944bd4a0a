/* SPDX-License-Identifier: BSD-2-Clause */
/* octets - a buffer that grows at its end and is taken from at its front. */
#ifndef ANAMED_SERVE_OCTETS_H
#define ANAMED_SERVE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OCTETS_FIRST 512   /* least that is asked of the heap */
#define OCTETS_KEEP  16384 /* an empty buffer that is larger is given back */

/* Octets between at and len count. Zero is empty. */
struct octets {
	uint8_t *data;
	size_t at, len, size;
};

static inline size_t octets_used(const struct octets *o)
{
	return o->len - o->at;
}

/* Room for `more` octets behind len. False: out of memory. */
bool octets_reserve(struct octets *o, size_t more);

/* Takes n octets, at most octets_used(), from the front. */
void octets_take(struct octets *o, size_t n);

void octets_done(struct octets *o);

#endif
