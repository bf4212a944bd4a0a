/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cursor.h - bounded access to a frame, and loads and stores that the verifier likes.
 *
 * Offsets travel, pointers do not: cursor_at() is the one place that compares
 * a pointer with the end. Pure; compiles for the host too.
 */
#ifndef ANAMED_BPF_CURSOR_H
#define ANAMED_BPF_CURSOR_H

#include "anamed/key.h"

#define CURSOR_MAX 0x3fff /* longest frame that is looked at; a mask */

struct cursor {
	__u8 *data;
	__u8 *end;
	__u64 len;  /* end - data, at most CURSOR_MAX */
	__u64 zero; /* 0, but no verifier knows: see blur() */
};

/*
 * keep(): a value with its bound made plain. Verifiers before 6.3 lose a bound
 * when the compiler compares one register and uses another; the mask is in
 * assembly so that the compiler cannot reason it away.
 */
#ifdef __bpf__
#define keep(value, mask)                                                                          \
	({                                                                                         \
		__u64 kept_ = (value);                                                             \
		asm volatile("%0 &= %1" : "+r"(kept_) : "i"(mask));                                \
		kept_;                                                                             \
	})
#else
#define keep(value, mask) ((__u64)(value) & (mask))
#endif

/*
 * blur(): the same value, but unknown to the verifier. Where a loop may end at
 * many places, each exit leaves another constant, and everything after would
 * be walked once for each; with a zero added that was read from a map, the
 * paths are alike and are walked once.
 */
#define blur(frame, value, mask) keep((value) + (frame)->zero, mask)

/*
 * What a step has stored is read again by the next: then the verifier knows
 * nothing of how the step ended, and walks the next one once.
 */
#define forget() asm volatile("" ::: "memory")

/* The value is loaded, and nothing waits for it. */
#define touch(value) asm volatile("" ::"r"(value))

/* The value stays in the one register that was checked. */
#define settle(value) asm volatile("" : "+r"(value))

/* The `len` octets at offset `at`, or NULL if the frame has fewer. */
AN_INLINE __u8 *cursor_at(const struct cursor *frame, __u64 at, __u64 len)
{
	__u8 *p = frame->data + keep(at, CURSOR_MAX);

	settle(p);
	if (p + len > frame->end)
		return 0;
	return p;
}

#ifdef __bpf__
typedef __u16 __attribute__((may_alias)) an_u16;
typedef __u32 __attribute__((may_alias)) an_u32;

#define CURSOR_ACCESS(bits, type)                                                                  \
	AN_INLINE __u##bits load##bits(const void *p)                                              \
	{                                                                                          \
		return *(const type *)p;                                                           \
	}                                                                                          \
	AN_INLINE void store##bits(void *p, __u##bits value)                                       \
	{                                                                                          \
		*(type *)p = value;                                                                \
	}
#else
#define CURSOR_ACCESS(bits, type)                                                                  \
	AN_INLINE __u##bits load##bits(const void *p)                                              \
	{                                                                                          \
		__u##bits value;                                                                   \
		__builtin_memcpy(&value, p, sizeof(value));                                        \
		return value;                                                                      \
	}                                                                                          \
	AN_INLINE void store##bits(void *p, __u##bits value)                                       \
	{                                                                                          \
		__builtin_memcpy(p, &value, sizeof(value));                                        \
	}
#endif

/* In the machine's order, at any address. */
CURSOR_ACCESS(16, an_u16)
CURSOR_ACCESS(32, an_u32)
CURSOR_ACCESS(64, an_word)

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define be16(value) ((__u16)(value))
#define be32(value) ((__u32)(value))
#define be64(value) ((__u64)(value))
#define le16(value) __builtin_bswap16(value)
#define le64(value) __builtin_bswap64(value)
#else
#define be16(value) __builtin_bswap16(value)
#define be32(value) __builtin_bswap32(value)
#define be64(value) __builtin_bswap64(value)
#define le16(value) ((__u16)(value))
#define le64(value) ((__u64)(value))
#endif

AN_INLINE __u16 load_be16(const void *p)
{
	return be16(load16(p));
}

AN_INLINE void store_be16(void *p, __u16 value)
{
	store16(p, be16(value));
}

/* The counterpart of an_load8(). */
AN_INLINE void store8(void *p, __u64 word)
{
	store64(p, le64(word));
}

/*
 * One's complement sums are of 16-bit words with the first octet lowest, as
 * an_load8() gives them; 64 bits hold thousands of 32-bit terms without a
 * carry (RFC 1071).
 */
AN_INLINE __u64 sum_word(__u64 word)
{
	return (word & 0xffffffff) + (word >> 32);
}

/* The term of a 16-bit number that stands in network order at an even place. */
AN_INLINE __u64 sum_be16(__u16 value)
{
	return __builtin_bswap16(value);
}

#endif
