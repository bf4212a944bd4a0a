/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire - bounded cursors over octets, with an error that sticks.
 *
 * A writer or reader that has run past its end sets `failed`, moves no
 * further, reads zeros and writes nothing: callers check once, at the end.
 * Numbers are in network order on the wire.
 */
#ifndef ANAMED_BASE_WIRE_H
#define ANAMED_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire {
	uint8_t *base; /* readers do not write through it */
	size_t size;
	size_t at;
	bool failed;
};

static inline struct wire wire_writer(void *base, size_t size)
{
	return (struct wire){.base = base, .size = size};
}

static inline struct wire wire_reader(const void *base, size_t size)
{
	return (struct wire){.base = (uint8_t *)(uintptr_t)base, .size = size};
}

/* The next n octets, moving past them; NULL and failed if there are fewer. */
static inline uint8_t *wire_take(struct wire *w, size_t n)
{
	uint8_t *p = w->base + w->at;

	if (w->failed || n > w->size - w->at) {
		w->failed = true;
		return NULL;
	}
	w->at += n;
	return p;
}

static inline size_t wire_left(const struct wire *w)
{
	return w->failed ? 0 : w->size - w->at;
}

static inline void wire_put(struct wire *w, const void *data, size_t n)
{
	uint8_t *p = wire_take(w, n);

	if (p && n)
		memcpy(p, data, n);
}

static inline void wire_put8(struct wire *w, unsigned int value)
{
	uint8_t *p = wire_take(w, 1);

	if (p)
		p[0] = (uint8_t)value;
}

static inline void wire_put16(struct wire *w, unsigned int value)
{
	uint8_t *p = wire_take(w, 2);

	if (p) {
		p[0] = (uint8_t)(value >> 8);
		p[1] = (uint8_t)value;
	}
}

static inline void wire_put32(struct wire *w, uint32_t value)
{
	uint8_t *p = wire_take(w, 4);

	if (p) {
		p[0] = (uint8_t)(value >> 24);
		p[1] = (uint8_t)(value >> 16);
		p[2] = (uint8_t)(value >> 8);
		p[3] = (uint8_t)value;
	}
}

static inline unsigned int wire_get8(struct wire *w)
{
	const uint8_t *p = wire_take(w, 1);

	return p ? p[0] : 0;
}

static inline unsigned int wire_get16(struct wire *w)
{
	const uint8_t *p = wire_take(w, 2);

	return p ? (unsigned int)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_get32(struct wire *w)
{
	const uint8_t *p = wire_take(w, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline void wire_put64(struct wire *w, uint64_t value)
{
	wire_put32(w, (uint32_t)(value >> 32));
	wire_put32(w, (uint32_t)value);
}

static inline uint64_t wire_get64(struct wire *w)
{
	uint64_t high = wire_get32(w);

	return high << 32 | wire_get32(w);
}

/* A length octet with both of these bits is the first of a compression pointer (RFC 1035 4.1.4). */
#define WIRE_POINTER 0xc0u

/* Moves past a name that may be compressed; where a pointer leads does not matter here. */
static inline bool wire_skip_name(struct wire *w)
{
	for (;;) {
		unsigned int octet = wire_get8(w);

		if (w->failed)
			return false;
		if ((octet & WIRE_POINTER) == WIRE_POINTER)
			return wire_take(w, 1) != NULL;
		if (octet & WIRE_POINTER)
			return false;
		if (!octet)
			return true;
		if (!wire_take(w, octet))
			return false;
	}
}

/* A record on the wire (RFC 1035 4.1.3). */
struct wire_record {
	bool root_owner;
	unsigned int type, class;
	uint32_t ttl;
	size_t rdlength_at; /* offset */
	struct wire rdata;
};

/* Moves past a record; its name may be compressed. False: it is not whole. */
static inline bool wire_get_record(struct wire *w, struct wire_record *ret)
{
	size_t owner = w->at;
	unsigned int len;

	if (!wire_skip_name(w))
		return false;
	ret->root_owner = w->at == owner + 1;
	ret->type = wire_get16(w);
	ret->class = wire_get16(w);
	ret->ttl = wire_get32(w);
	ret->rdlength_at = w->at;
	len = wire_get16(w);
	ret->rdata = wire_reader(w->base + w->at, len);
	return wire_take(w, len) != NULL;
}

/* Overwrites two octets at an offset already written. */
static inline void wire_set16(struct wire *w, size_t at, unsigned int value)
{
	if (w->failed || at + 2 > w->at)
		return;
	w->base[at] = (uint8_t)(value >> 8);
	w->base[at + 1] = (uint8_t)value;
}

#endif
