/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * treaty.h - what the daemon writes and the XDP program reads.
 *
 * Every map's key and value, with sizes and offsets asserted. Fixed-width
 * types, padding spelled and zero, no pointers. A changed byte raises
 * AN_ABI_VERSION, which is in the pin path. What is read back from a pinned
 * map is input: bounded and checked by whoever reads it. The story of the
 * whole is docs/abi.md.
 */
#ifndef ANAMED_TREATY_H
#define ANAMED_TREATY_H

#include <linux/types.h>

#include "anamed/counters.h"
#include "anamed/dns.h"
#include "anamed/key.h"

#define AN_ABI_VERSION 1
#define AN_PIN_ROOT    "/sys/fs/bpf/anamed"
#define AN_PIN_DIR     AN_PIN_ROOT "/v1"

#define AN_ASSERT_AT(type, field, offset)                                                          \
	_Static_assert(__builtin_offsetof(type, field) == (offset), #type "." #field " moved")
#define AN_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " changed size")

/*
 * Time in the treaty is ticks: the kernel's 64-bit jiffies, which the program
 * reads for free (bpf_jiffies64). The control block tells how many make a
 * second. A time of AN_NEVER does not come.
 */
#define AN_NEVER 0xffffffffffffffffULL

/* ---- control: ARRAY of 1, memory-mapped, pinned ---- */

enum an_mode {
	AN_MODE_ANSWER = 0,
	AN_MODE_PASS = 1, /* every packet goes up */
};

#define AN_CONTROL_PASS_COOKIE 0x1u /* cookies are switched on: queries with COOKIE go up */
#define AN_CONTROL_PASS_NSID   0x2u /* NSID is configured: queries that ask for it go up */
#define AN_CONTROL_PASS_ALL    0x4u /* cookies are demanded: every query goes up */

struct an_control {
	/* The first 64 octets are frozen for every ABI version. */
	__u32 abi;             /* AN_ABI_VERSION */
	__u32 mode;            /* enum an_mode */
	__u64 seed;            /* of an_name_hash() and an_choice(); never 0 once set up */
	__u64 heartbeat;       /* ticks at the daemon's last sign of life */
	__u64 heartbeat_limit; /* ticks: older than this, the daemon counts as gone */
	__u32 hz;              /* ticks a second */
	__u32 zero0;
	__s64 unix_offset; /* ticks to add to get seconds since 1970 times hz */
	__u64 instance;    /* random number of the daemon that wrote last */
	__u64 zero1;
	/* From here on by ABI version. */
	__u32 flags;          /* AN_CONTROL_* */
	__u16 udp_payload;    /* ours: advertised, and the longest reply */
	__u8 source_ipv4_len; /* prefix length that a packet's source stands for without ECS: 24; 0
	                         = nobody */
	__u8 source_ipv6_len; /* the same for IPv6: 56 */
	__u64 next_uid;       /* owner uids from here on are unused */
	__u64 zero2[6];
};
AN_ASSERT_SIZE(struct an_control, 128);
AN_ASSERT_AT(struct an_control, seed, 8);
AN_ASSERT_AT(struct an_control, hz, 32);
AN_ASSERT_AT(struct an_control, unix_offset, 40);
AN_ASSERT_AT(struct an_control, flags, 64);

/* ---- served: ARRAY of AN_SERVED_SIZE, memory-mapped; open addressing ---- */

#define AN_SERVED_SIZE   256 /* a power of 2 */
#define AN_SERVED_PROBES 4

/* One address and port that is ours, on one interface. family 0 = free place. */
struct an_served {
	__u8 address[16]; /* network order; IPv4 in the first 4, the rest 0 */
	__u32 ifindex;
	__be16 port;
	__u8 family; /* AN_FAMILY_* */
	__u8 zero0;
	__u8 mac[6]; /* of the interface: frames to another are not ours */
	__u8 zero1[2];
};
AN_ASSERT_SIZE(struct an_served, 32);
AN_ASSERT_AT(struct an_served, mac, 24);

/* First place to look: an entry is at this index or one of the next AN_SERVED_PROBES - 1, modulo
 * the size. */
AN_INLINE __u32 an_served_index(const __u8 address[16], __u32 ifindex, __be16 port)
{
	__u64 hash = an_hash_step(ifindex, an_load8(address));

	hash = an_hash_step(hash, an_load8(address + 8));
	hash = an_hash_step(hash, port);
	return (__u32)(hash >> 32) & (AN_SERVED_SIZE - 1);
}

/* ---- special: ARRAY of __u64, memory-mapped: two bits for each first 16 bits of an address ----
 */

#define AN_SPECIAL_WORDS 2048 /* for each family; IPv4 first, then IPv6 */
enum an_special {
	AN_SPECIAL_NO = 0,
	AN_SPECIAL_WHOLE = 1, /* the whole /16 is special use */
	AN_SPECIAL_PART = 2,  /* some of it: only the daemon can tell */
};

/* Index of the word for the /16 with these first 16 bits (host order). */
AN_INLINE __u32 an_special_word(__u8 family, __u16 top)
{
	return (family == AN_FAMILY_IPV6 ? AN_SPECIAL_WORDS : 0u) + (__u32)(top >> 5);
}
AN_INLINE __u32 an_special_bits(__u64 word, __u16 top)
{
	return (__u32)(word >> ((top & 31) * 2)) & 3;
}

/* ---- zones: ARRAY, memory-mapped ---- */

#define AN_ZONE_COMPLETE  0x1u /* every name of the zone is known to the kernel (reserved) */
#define AN_ZONE_WILDCARDS 0x2u
#define AN_ZONE_DNAMES    0x4u
#define AN_ZONE_CUTS      0x8u

struct an_zone {
	__u32 generation;  /* slots of another generation do not count; 0 = no zone here */
	__u32 flags;       /* AN_ZONE_* */
	__u64 valid_until; /* ticks; AN_NEVER where data does not expire */
	__u64 content; /* hash of the zone's data: tells a restarted daemon that nothing changed */
	__u8 apex_len;
	__u8 zero[7];
	__u8 apex[256]; /* wire name, lower case */
};
AN_ASSERT_SIZE(struct an_zone, 288);
AN_ASSERT_AT(struct an_zone, apex, 32);

/* ---- owners: HASH of struct an_owner_key -> slot number ---- */

struct an_owner_key {
	__u64 hash; /* an_name_hash(seed, name) */
	__u16 type; /* host order */
	__u16 class;
	__u32 zero;
};
AN_ASSERT_SIZE(struct an_owner_key, 16);

/* ---- audiences: HASH of struct an_audience_key -> slot number ---- */

enum an_audience_kind {
	AN_AUDIENCE_NET = 1,   /* for every client inside the prefix */
	AN_AUDIENCE_EXACT = 2, /* only for queries whose SOURCE is this very prefix length */
};

/* Answer for everyone: NET, family 0, length 0. For nobody (SOURCE 0): EXACT, family 0, length 0.
 */
struct an_audience_key {
	__u64 uid;    /* of the owner slot; never used again */
	__u32 region; /* 0: no region */
	__u16 type;   /* host order */
	__u8 variant; /* 0; bit 0: DO, bits 1-7: view (reserved) */
	__u8 kind;    /* enum an_audience_kind */
	__u8 family;  /* AN_FAMILY_*, 0 with length 0 */
	__u8 len;     /* prefix length, 0 to 64 */
	__u8 zero[6];
	__u8 prefix[8]; /* first 64 bits, network order, bits past len zero */
};
AN_ASSERT_SIZE(struct an_audience_key, 32);
AN_ASSERT_AT(struct an_audience_key, type, 12);
AN_ASSERT_AT(struct an_audience_key, prefix, 24);

/* ---- slots: two ARRAYs, memory-mapped ---- */

/*
 * A slot number: bit 31 the size class, bits 24-30 the segment (0 is the only
 * one yet; a program passes up what it does not know), bits 0-23 the index.
 * Index 0 of each array stays empty.
 */
#define AN_SLOT_NONE    0u
#define AN_SLOT_ASK     0xffffffffu /* tombstone: pass up */
#define AN_SLOT_LARGE   0x80000000u
#define AN_SLOT_SEGMENT 0x7f000000u
#define AN_SLOT_INDEX   0x00ffffffu

#define AN_SLOT_SMALL_SIZE 256
#define AN_SLOT_LARGE_SIZE 1024

enum an_slot_kind {
	AN_SLOT_FREE = 0,
	AN_SLOT_OWNER = 1,
	AN_SLOT_ANSWER = 2,
	AN_SLOT_CHOICE = 3, /* cumulative weights (reserved) */
	AN_SLOT_HASHED = 4, /* consistent choice (reserved) */
};

/*
 * Sequence: the writer makes seq odd, writes, makes it even again. A reader
 * copies and believes the copy only if seq was even before and the same after.
 */
struct an_slot_head {
	__u32 seq;
	__u8 kind; /* enum an_slot_kind */
	__u8 flags;
	__u16 used; /* octets of the slot that mean something */
	__u32 zone; /* index in zones */
	__u32 generation;
};
AN_ASSERT_SIZE(struct an_slot_head, 16);

#define AN_LENS_MAX 8
#define AN_LEN_EXACT                                                                               \
	0x80 /* in lens: an EXACT audience of this length exists; it stands before NET of the same \
	        length */
#define AN_LEN_BITS 0x7f

#define AN_OWNER_BY_DO 0x1u /* head.flags: answers differ by the DO bit (variant bit 0) */

#define AN_OWNER_NAME_AT 88
#define AN_OWNER_NAME_SMALL                                                                        \
	(AN_SLOT_SMALL_SIZE - AN_OWNER_NAME_AT) /* 168: longest name in a small slot */

/* kind AN_SLOT_OWNER. The name is lower case, padded with zeros to a whole 8 octets. */
struct an_owner_slot {
	struct an_slot_head head;
	__u64 uid;
	struct an_owner_key key;
	__u32 everyone;  /* slot of the answer for everyone */
	__u32 nobody;    /* slot of the answer for SOURCE 0 */
	__u32 catch_all; /* slot of the newest answer of any network */
	__u32 cell;      /* state cell that says whether the target is stale */
	__u32 regions;   /* region table (reserved, 0) */
	__u8 name_len;
	__u8 lens_count[2]; /* IPv4, IPv6 */
	__u8 zero;
	__u8 lens[2][AN_LENS_MAX]; /* longest first */
	__u64 zero1;
	__u8 name[]; /* large slots hold up to 256 */
};
AN_ASSERT_AT(struct an_owner_slot, uid, 16);
AN_ASSERT_AT(struct an_owner_slot, everyone, 40);
AN_ASSERT_AT(struct an_owner_slot, name_len, 60);
AN_ASSERT_AT(struct an_owner_slot, lens, 64);
AN_ASSERT_AT(struct an_owner_slot, name, AN_OWNER_NAME_AT);

enum an_ttl_mode {
	AN_TTL_FIXED = 0,    /* zone data: `ttl`, always */
	AN_TTL_COUNTING = 1, /* flattened: seconds until fresh_until, rounded up */
};

#define AN_TAIL_TTLS      4
#define AN_ANSWER_DATA_AT 112
#define AN_ANSWER_SMALL   (AN_SLOT_SMALL_SIZE - AN_ANSWER_DATA_AT)
#define AN_ANSWER_LARGE   (AN_SLOT_LARGE_SIZE - AN_ANSWER_DATA_AT)

/*
 * kind AN_SLOT_ANSWER: everything behind the question but OPT. Data is
 * `count` records of `stride` octets each, which rotate, then the tail. TTL
 * fields are zero in data: those of the records at offset 6 of each, those of
 * the tail at tail_ttl. Names are compressed against the question name, which
 * stands at offset 12 of the message.
 */
struct an_answer_slot {
	struct an_slot_head head;
	struct an_audience_key key;
	__u64 fresh_until; /* ticks; AN_NEVER for zone data */
	__u64 stale_until; /* ticks; served as last good until then */
	__u32 ttl;         /* seconds: fixed, or as it was when made */
	__u32 stale_ttl;   /* seconds, when served past fresh_until */
	__u32 cell;
	__u8 ttl_mode;   /* enum an_ttl_mode */
	__u8 wire_scope; /* SCOPE PREFIX-LENGTH of a reply to a query with ECS */
	__u16 flags;     /* of the DNS header, host order: AA and RCODE; QR and RD are added */
	__u16 counts[3]; /* ANCOUNT, NSCOUNT, ARCOUNT without OPT, host order */
	__u8 count;      /* records that rotate */
	__u8 stride;     /* octets of each, even: 16 (A) or 28 (AAAA); 0 with count 0 */
	__u16 tail_len;
	__u8 tail_ttl_count;
	__u8 zero0;
	__u16 tail_ttl[AN_TAIL_TTLS]; /* offsets in the tail of TTL fields that follow the answer's
	                                 TTL */
	__u16 records_sum; /* folded one's complement sum, as if at an even place, in memory order
	                    */
	__u16 tail_sum;
	__u16 members; /* offset in data of `count` octets: each record's bit in the cell (reserved;
	                  0 = all records always) */
	__u8 zero1[6];
	__u8 data[];
};
AN_ASSERT_AT(struct an_answer_slot, fresh_until, 48);
AN_ASSERT_AT(struct an_answer_slot, ttl, 64);
AN_ASSERT_AT(struct an_answer_slot, ttl_mode, 76);
AN_ASSERT_AT(struct an_answer_slot, counts, 80);
AN_ASSERT_AT(struct an_answer_slot, tail_ttl, 92);
AN_ASSERT_AT(struct an_answer_slot, records_sum, 100);
AN_ASSERT_AT(struct an_answer_slot, data, AN_ANSWER_DATA_AT);

/* ---- cells: ARRAY of __u64, memory-mapped ---- */

#define AN_CELL_STALE   0x8000000000000000ULL /* upstream gives nothing: serve last good answers */
#define AN_CELL_MEMBERS 0x7fffffffffffffffULL /* bit i: member i lives */
#define AN_CELL_FIXED   0u /* index of the cell that is always: all alive, not stale */

/* ---- used, used_large: ARRAY of __u64, memory-mapped: ticks of the last hit, by slot index ----
 */

/* ---- counters: PERCPU_ARRAY of 1, struct an_counters ---- */

/* Names of the pins under AN_PIN_DIR; maps carry the same names (at most 15 characters). */
#define AN_MAP_CONTROL     "control"
#define AN_MAP_SERVED      "served"
#define AN_MAP_SPECIAL     "special"
#define AN_MAP_ZONES       "zones"
#define AN_MAP_OWNERS      "owners"
#define AN_MAP_AUDIENCES   "audiences"
#define AN_MAP_SLOTS       "slots"
#define AN_MAP_SLOTS_LARGE "slots_large"
#define AN_MAP_CELLS       "cells"
#define AN_MAP_USED        "used"
#define AN_MAP_USED_LARGE  "used_large"
#define AN_MAP_COUNTERS    "counters"

#endif
