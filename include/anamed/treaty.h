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

#include "anamed/cookie.h"
#include "anamed/counters.h"
#include "anamed/dns.h"
#include "anamed/geo.h"
#include "anamed/key.h"

#define AN_ABI_VERSION 3
#define AN_PIN_ROOT    "/sys/fs/bpf/anamed"
#define AN_PIN_DIR     AN_PIN_ROOT "/v3"

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

#define AN_CONTROL_PASS_COOKIE 0x1u  /* queries with COOKIE go up: the secrets are not here */
#define AN_CONTROL_PASS_NSID   0x2u  /* NSID is configured: queries that ask for it go up */
#define AN_CONTROL_PASS_ALL    0x4u  /* every query goes up */
#define AN_CONTROL_COOKIES     0x8u  /* cookies are switched on: made by cookie_secrets */
#define AN_CONTROL_NEED_COOKIE 0x10u /* and demanded: queries without a good one go up */

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
	__u64 front_mask;     /* lines of `front` in use, a power of 2, less 1 */
	/* Misses a second that a source prefix may send up (0: no limit), at most so many at once,
	 * and which of those over the limit gets an answer with TC (every nth; 0: none). */
	__u32 miss_rate;
	__u32 miss_burst;
	__u32 miss_slip;
	__u8 cookie_count; /* secrets that hold; the first makes new cookies */
	__u8 zero2[3];
	__u32 geo;       /* which half of the tables of places holds; AN_GEO_NONE: neither */
	__u32 geo_lines; /* lines of geo in each half */
	__u64 cookie_secrets[AN_COOKIE_SECRETS][2]; /* keys of SipHash-2-4 (RFC 9018) */
	__u64 names_mask;                           /* lines of `names` less 1 */
	__u64 names_turn;    /* moves whenever a zone takes another generation */
	__u64 geo_numbering; /* hash of the names behind the numbers of policies and regions */
	__u64 homes;         /* small slots, over which an_home_slot() spreads owners */
	__u64 home_mask;     /* the least power of 2 that is not below homes, less 1 */
	__u64 zero4[5];
};
AN_ASSERT_SIZE(struct an_control, 256);
AN_ASSERT_AT(struct an_control, seed, 8);
AN_ASSERT_AT(struct an_control, hz, 32);
AN_ASSERT_AT(struct an_control, unix_offset, 40);
AN_ASSERT_AT(struct an_control, flags, 64);
AN_ASSERT_AT(struct an_control, next_uid, 72);
AN_ASSERT_AT(struct an_control, front_mask, 80);
AN_ASSERT_AT(struct an_control, miss_rate, 88);
AN_ASSERT_AT(struct an_control, cookie_count, 100);
AN_ASSERT_AT(struct an_control, geo, 104);
AN_ASSERT_AT(struct an_control, cookie_secrets, 112);
AN_ASSERT_AT(struct an_control, names_mask, 176);
AN_ASSERT_AT(struct an_control, geo_numbering, 192);
AN_ASSERT_AT(struct an_control, homes, 200);
AN_ASSERT_AT(struct an_control, home_mask, 208);

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

#define AN_ZONE_COMPLETE  0x1u /* every name of the zone is in `names` */
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

/* ---- front: ARRAY of struct an_front_line, memory-mapped; a power of 2 of them ---- */

/*
 * A hint that saves the hash: an entry has a fingerprint in its upper half and
 * the number of the owner's slot in its lower; 0 is free. The slot is compared
 * in full. A line without the fingerprint is a certain miss, unless it once
 * was full: then its last entry is AN_FRONT_MORE, and the hash is asked.
 */
#define AN_FRONT_ENTRIES 8
#define AN_FRONT_MORE    0x00000000ffffffffULL

struct an_front_line {
	__u64 entries[AN_FRONT_ENTRIES];
};
AN_ASSERT_SIZE(struct an_front_line, 64);

/* What places a key: the line is its lower bits under front_mask. */
AN_INLINE __u64 an_front_hash(const struct an_owner_key *key)
{
	return an_hash_step(key->hash, (__u64)key->type << 16 | key->class);
}
/* The upper half of an entry in place; never 0. */
AN_INLINE __u32 an_front_print(__u64 front_hash)
{
	__u32 print = (__u32)(front_hash >> 32);

	return print ? print : 1;
}

/*
 * Where a small owner's slot is, if that place was free when he came: so it can be on its way from
 * memory while the line above is. No more than a guess. `homes`, `mask`: of the control block.
 * When homes grow, whoever has another home after that has it among the new ones.
 */
AN_INLINE __u32 an_home_slot(__u64 front_hash, __u64 homes, __u64 mask)
{
	__u64 home = front_hash >> 32 & mask;

	return (__u32)(home < homes ? home : home & mask >> 1);
}

/* ---- audiences: HASH of struct an_audience_key -> slot number ---- */

enum an_audience_kind {
	AN_AUDIENCE_NET = 1,   /* for every client inside the prefix */
	AN_AUDIENCE_EXACT = 2, /* only for queries whose SOURCE is this very prefix length */
};

/*
 * Answer for everyone: NET, family 0, length 0, and for everyone in a region the
 * same with the region. For nobody (SOURCE 0): EXACT, family 0, length 0.
 */
struct an_audience_key {
	__u64 uid;    /* of the owner slot; never used again */
	__u32 region; /* 0: no region */
	__u16 type;   /* host order */
	__u8 variant; /* 0; reserved for views */
	__u8 kind;    /* enum an_audience_kind */
	__u8 family;  /* AN_FAMILY_*, 0 with length 0 */
	__u8 len;     /* prefix length, 0 to 64 */
	__u8 member;  /* 0: the answer; i + 1: member i of a CHOICE or HASHED slot */
	__u8 zero[5];
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
	AN_SLOT_CHOICE = 3, /* by weight, among members that live */
	AN_SLOT_HASHED = 4, /* by the client's network, among members that live */
};

/*
 * Sequence: the writer makes seq odd, writes, makes it even again. A reader
 * copies and believes the copy only if seq was even before and the same after.
 * The mark alone stands outside of that: the program writes it, at most once a
 * second, and the writer leaves it as it is.
 */
struct an_slot_head {
	__u32 seq;
	__u8 kind; /* enum an_slot_kind */
	__u8 flags;
	__u16 used; /* octets of the slot that mean something */
	__u32 zone; /* index in zones */
	__u32 generation;
	__u64 mark; /* ticks of the last hit; 0: never */
};
AN_ASSERT_SIZE(struct an_slot_head, 24);
AN_ASSERT_AT(struct an_slot_head, mark, 16);

/* traits of an answer; one that a program does not know is passed up. */
#define AN_TRAIT_COUNTING 0x1u /* TTL: seconds until fresh_until, rounded up; else always `ttl` */
#define AN_TRAIT_MEMBERS                                                                           \
	0x2u /* behind the data stand `count` octets: each record's bit in the cell */
#define AN_TRAIT_ONLY_DO                                                                           \
	0x4u /* for queries with DO alone: the others' is not this less signed_len */
#define AN_TRAIT_NOT_DO 0x8u /* for queries without DO alone */
#define AN_TRAIT_COMPACT                                                                           \
	0x10u /* the zone makes compact denials: CO is answered with CO (RFC 9824) */
#define AN_TRAITS 0x1fu

#define AN_TAIL_TTLS 4

/*
 * Everything behind the question but OPT, of which the data stand elsewhere in
 * the slot: `count` records of `stride` octets each, which rotate, then the
 * tail. Its last signed_len octets, signatures and proofs, are for queries with
 * DO: without it a reply ends before them, and counts signed_counts less. TTL fields that follow
 * the answer's TTL are zero in data: those of the records at offset 6 of each, those of the tail at
 * tail_ttl. Names are compressed against the question name, which stands at offset 12 of the
 * message.
 */
struct an_answer {
	__u64 fresh_until;  /* ticks; AN_NEVER for zone data */
	__u64 stale_until;  /* ticks; served as last good until then */
	__u32 ttl;          /* seconds: fixed, or as it was when made */
	__u32 cell;         /* of the pool whose members these are; AN_CELL_FIXED: none */
	__u8 stale_ttl;     /* seconds, when served past fresh_until */
	__u8 signed_counts; /* ANCOUNT (lower four bits) and NSCOUNT of what only DO gets */
	__u16 flags;        /* of the DNS header, host order: AA and RCODE; QR and RD are added */
	__u16 tail_len;
	__u16 signed_len; /* at the end of the tail, for DO alone */
	__u8 counts[3];   /* ANCOUNT, NSCOUNT, ARCOUNT without OPT */
	__u8 count;       /* records that rotate */
	__u8 stride;      /* octets of each, even: 16 (A) or 28 (AAAA); 0 with count 0 */
	__u8 traits;      /* AN_TRAIT_* */
	__u8 wire_scope;  /* SCOPE PREFIX-LENGTH of a reply to a query with ECS */
	__u8 tail_ttl_count;
	__u16 tail_ttl[AN_TAIL_TTLS]; /* offsets in the tail */
};
AN_ASSERT_SIZE(struct an_answer, 48);
AN_ASSERT_AT(struct an_answer, ttl, 16);
AN_ASSERT_AT(struct an_answer, stale_ttl, 24);
AN_ASSERT_AT(struct an_answer, counts, 32);
AN_ASSERT_AT(struct an_answer, stride, 36);
AN_ASSERT_AT(struct an_answer, tail_ttl, 40);

/* What an audience key has besides the owner's uid and type: of the answer in the owner's slot. */
struct an_inline {
	__u8 kind; /* enum an_audience_kind */
	__u8 family;
	__u8 len;
	__u8 variant;
	__u32 region;
	__u8 prefix[8];
};
AN_ASSERT_SIZE(struct an_inline, 16);

#define AN_LENS_MAX 8
#define AN_LEN_EXACT                                                                               \
	0x80 /* in lens: an EXACT audience of this length exists; it stands before NET of the same \
	        length */
#define AN_LEN_BITS 0x7f

/*
 * head.flags of an owner: it is none but a zone's denial: key (apex, type 0), and its inline answer
 * is NXDOMAIN for any name that does not exist, made for the apex as question.
 * tail_ttl from 1 on are the places in the tail of compression pointers to which
 * the difference in length of question and apex is added: the SOA's owner,
 * MNAME, RNAME; 0 for the last two is none.
 */
#define AN_OWNER_DENIAL 0x2u

#define AN_OWNER_NAME_AT 152
#define AN_OWNER_NAME_SMALL                                                                        \
	(AN_SLOT_SMALL_SIZE - AN_OWNER_NAME_AT) /* 104: longest name in a small slot */

#define AN_REGIONS_BESIDE 16 /* an owner's slot has the slots of so many regions' answers */

/*
 * kind AN_SLOT_OWNER. The name is lower case, padded with zeros to a whole 8
 * octets. Where `inline_at` is not 0 one of the owner's answers is in here: its
 * key and fields, and its data behind the name. Its slot number is the owner's
 * own. An inline network has no element in `audiences`; its length is in lens.
 *
 * Where `inline_at` is 0 and `regions` is not, the same place has slot numbers:
 * beside[r - 1] is that of the answer for everyone in region r, or AN_SLOT_NONE.
 * A hint, as the front index is: the slot is compared in full, and what is not
 * here is in `audiences`, which has those that are as well.
 */
struct an_owner_slot {
	struct an_slot_head head;
	__u64 uid;
	struct an_owner_key key;
	__u32 everyone;  /* slot of the answer for everyone */
	__u32 nobody;    /* slot of the answer for SOURCE 0 */
	__u32 catch_all; /* slot of the newest answer of any network */
	__u32 cell;      /* state cell that says whether the target is stale */
	__u32 regions;   /* policy that gives a client his region, its number + 1; 0: none */
	__u8 name_len;
	__u8 lens_count[2];        /* IPv4, IPv6 */
	__u8 inline_at;            /* offset of the inline answer's data / 8; 0: no inline answer */
	__u8 lens[2][AN_LENS_MAX]; /* longest first */
	union {
		struct {
			struct an_inline inline_key;
			struct an_answer answer;
		};
		__u32 beside[AN_REGIONS_BESIDE];
	};
	__u8 name[]; /* large slots hold up to 256 */
};
AN_ASSERT_AT(struct an_owner_slot, uid, 24);
AN_ASSERT_AT(struct an_owner_slot, key, 32);
AN_ASSERT_AT(struct an_owner_slot, everyone, 48);
AN_ASSERT_AT(struct an_owner_slot, regions, 64);
AN_ASSERT_AT(struct an_owner_slot, name_len, 68);
AN_ASSERT_AT(struct an_owner_slot, lens, 72);
AN_ASSERT_AT(struct an_owner_slot, inline_key, 88);
AN_ASSERT_AT(struct an_owner_slot, answer, 104);
AN_ASSERT_AT(struct an_owner_slot, beside, 88);
AN_ASSERT_AT(struct an_owner_slot, name, AN_OWNER_NAME_AT);

#define AN_ANSWER_DATA_AT 104
#define AN_ANSWER_SMALL   (AN_SLOT_SMALL_SIZE - AN_ANSWER_DATA_AT)
#define AN_ANSWER_LARGE   (AN_SLOT_LARGE_SIZE - AN_ANSWER_DATA_AT)

/* kind AN_SLOT_ANSWER: an answer in a slot of its own. */
struct an_answer_slot {
	struct an_slot_head head;
	struct an_audience_key key;
	struct an_answer answer;
	__u8 data[];
};
AN_ASSERT_AT(struct an_answer_slot, key, 24);
AN_ASSERT_AT(struct an_answer_slot, answer, 56);
AN_ASSERT_AT(struct an_answer_slot, data, AN_ANSWER_DATA_AT);

/*
 * Kinds AN_SLOT_CHOICE and AN_SLOT_HASHED: which answer slot, by the members
 * that live. CHOICE: by an_choice_below() over the weights that live; what is
 * left of the choice rotates the records. HASHED: by an_client_distance() from
 * the client's network; its SCOPE is at least the length that is hashed.
 */
#define AN_BIT_ALWAYS   255 /* of entries and records: lives whatever the cell says */
#define AN_CHOICE_AT    64
#define AN_CHOICE_MAX   64
#define AN_CHOICE_SMALL ((AN_SLOT_SMALL_SIZE - AN_CHOICE_AT) / 12)

struct an_choice_entry {
	__u32 slot;   /* of an answer whose key is this slot's with member = place here + 1 */
	__u32 id;     /* HASHED: the member's */
	__u16 weight; /* at least 1 */
	__u8 bit;     /* in the cell */
	__u8 zero;
};
AN_ASSERT_SIZE(struct an_choice_entry, 12);

struct an_choice_slot {
	struct an_slot_head head;
	struct an_audience_key key;
	__u8 count; /* of entries, at most AN_CHOICE_MAX */
	__u8 zero[3];
	__u32 cell;
	struct an_choice_entry entries[];
};
AN_ASSERT_AT(struct an_choice_slot, key, 24);
AN_ASSERT_AT(struct an_choice_slot, count, 56);
AN_ASSERT_AT(struct an_choice_slot, cell, 60);
AN_ASSERT_AT(struct an_choice_slot, entries, AN_CHOICE_AT);

/* ---- names: ARRAY of struct an_name_line, memory-mapped; a power of 2 of them ---- */

/*
 * Which names exist in zones that are COMPLETE: a name's hash, its lowest four
 * bits replaced by flags. 0: free. AN_NAME_MORE in the last place: the line
 * was full once, and what is not found there may exist all the same.
 */
#define AN_NAME_ENTRIES  8
#define AN_NAME_MORE     0xffffffffffffffffULL
#define AN_NAME_FLAGS    0xfULL
#define AN_NAME_WILDCARD 0x1u /* has a wildcard child */
#define AN_NAME_CUT      0x2u
#define AN_NAME_DNAME    0x4u
#define AN_NAME_APEX     0x8u

struct an_name_line {
	__u64 entries[AN_NAME_ENTRIES];
};
AN_ASSERT_SIZE(struct an_name_line, 64);

/* Of a name's an_name_hash(): its line, under names_mask, and its entry without flags, never 0. */
AN_INLINE __u64 an_name_place(__u64 hash)
{
	return hash >> 4;
}
AN_INLINE __u64 an_name_tag(__u64 hash)
{
	__u64 tag = hash & ~AN_NAME_FLAGS;

	return tag ? tag : AN_NAME_FLAGS + 1;
}

/* ---- misses: ARRAY of AN_MISS_BUCKETS __u64, memory-mapped: see bpf/miss.h ---- */

#define AN_MISS_BUCKETS 65536 /* a power of 2 */

/* Of a source prefix: an IPv4 /24 in the highest bits, an IPv6 /56; the lowest octet tells kinds
 * apart. */
AN_INLINE __u32 an_miss_place(__u64 seed, __u64 prefix)
{
	return (__u32)(an_hash_step(seed ^ AN_HIGHS, prefix) >> 32) & (AN_MISS_BUCKETS - 1);
}

/* ---- geo: ARRAY of struct an_geo_line; regions: ARRAY of struct an_geo_regions ---- */

/*
 * From an address to a location, and from there to the regions: anamed/geo.h.
 * Both have two halves: control.geo holds, the other is written anew. Of geo
 * one half follows the other; of regions a location's two stand side by side. One entry alone: no
 * policy was configured at load.
 */
AN_INLINE __u32 an_geo_index(__u32 half, __u32 lines, __u32 line)
{
	return half * lines + line;
}
AN_INLINE __u32 an_regions_index(__u32 half, __u32 location)
{
	return location * 2 + half;
}

/* ---- cells: ARRAY of __u64, memory-mapped ---- */

#define AN_CELL_STALE   0x8000000000000000ULL /* upstream gives nothing: serve last good answers */
#define AN_CELL_MEMBERS 0x7fffffffffffffffULL /* bit i: member i lives */
#define AN_CELL_FIXED   0u /* index of the cell that is always: all alive, not stale */

/* ---- counters: PERCPU_ARRAY of 1, struct an_counters ---- */

/* Names of the pins under AN_PIN_DIR; maps carry the same names (at most 15 characters). */
#define AN_MAP_CONTROL     "control"
#define AN_MAP_SERVED      "served"
#define AN_MAP_SPECIAL     "special"
#define AN_MAP_ZONES       "zones"
#define AN_MAP_OWNERS      "owners"
#define AN_MAP_FRONT       "front"
#define AN_MAP_AUDIENCES   "audiences"
#define AN_MAP_SLOTS       "slots"
#define AN_MAP_SLOTS_LARGE "slots_large"
#define AN_MAP_CELLS       "cells"
#define AN_MAP_NAMES       "names"
#define AN_MAP_MISSES      "misses"
#define AN_MAP_COUNTERS    "counters"
#define AN_MAP_GEO         "geo"
#define AN_MAP_REGIONS     "regions"
#define AN_MAP_REGION_HITS "region_hits"

#endif
