/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/octets.h"

#include <stdlib.h>
#include <string.h>

bool octets_reserve(struct octets *o, size_t more)
{
	size_t size = o->size ? o->size : OCTETS_FIRST;
	uint8_t *data;

	if (o->at) {
		memmove(o->data, o->data + o->at, octets_used(o));
		o->len -= o->at;
		o->at = 0;
	}
	if (o->size - o->len >= more)
		return true;
	while (size < o->len + more)
		size *= 2;
	data = realloc(o->data, size);
	if (!data)
		return false;
	o->data = data;
	o->size = size;
	return true;
}

void octets_take(struct octets *o, size_t n)
{
	o->at += n;
	if (o->at < o->len)
		return;
	o->at = o->len = 0;
	if (o->size > OCTETS_KEEP)
		octets_done(o);
}

void octets_done(struct octets *o)
{
	free(o->data);
	*o = (struct octets){0};
}
