/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * torture.h - what asks, what judges, and what writes agree on.
 *
 * Name i is "tNNNNNN.torture.test", type AAAA. Each address of an answer says
 * whose it is: 2001:db8, name (32 bits), version (32), network, place among the
 * records, their number, 0 (8 each). Network 0 is everyone, network n is
 * 9.n.0.0/24. The number of records and the TTL follow from name and version, so
 * a reply of two versions, or of two names, shows.
 */
#ifndef ANAMED_TESTS_TORTURE_H
#define ANAMED_TESTS_TORTURE_H

#include <linux/types.h>

#define TORTURE_NAMES   8192 /* most that there are */
#define TORTURE_NETS    4    /* with network 0 */
#define TORTURE_RECORDS 12   /* most of an answer */
#define TORTURE_STRIDE  28
#define TORTURE_SAMPLES 1024
#define TORTURE_FRAME   640
#define TORTURE_DIGITS  6
#define TORTURE_DRAWS   65536 /* names to draw from, where they are not asked for alike */
#define TORTURE_QNAME   22    /* octets of a name, the root's included */

/* Of a frame, whose link and IP headers have no options. */
#define TORTURE_DNS      42
#define TORTURE_QUESTION (TORTURE_DNS + 12)
#define TORTURE_ANSWER   (TORTURE_QUESTION + TORTURE_QNAME + 4)

#define TORTURE_COUNT(name, version) (1 + ((version)*7 + (name)) % TORTURE_RECORDS)
#define TORTURE_TTL(version)         (1000 + (version) % 1000)

struct torture_control {
	__u32 names;     /* that are asked for */
	__u32 nets;      /* 1: only everyone; queries of network n carry ECS */
	__u32 rate;      /* queries a second; 0: as fast as it goes */
	__u32 one_epoch; /* all names have one version: none older may come after a newer */
	__u32 newest;    /* version of what is being written: nothing newer can come */
	__u32 oldest;    /* nothing older may come, whoever sends it */
	__u32 stop;
	__u32 drawn;    /* names come out of the draws */
	__u64 begin_ns; /* of the run, for the rate */
	__u64 begin_sent;
};

/* What is wrong with a reply; a counter each. */
enum torture_fault {
	TORTURE_RIGHT,
	TORTURE_TORN,   /* records, TTLs or counts of more than one version */
	TORTURE_WRONG,  /* of another name or network than was asked for */
	TORTURE_OLDER,  /* after a newer one */
	TORTURE_NEWER,  /* than anything written */
	TORTURE_BROKEN, /* no reply that could be */
	TORTURE_FAULTS
};

/* A CPU's own. */
struct torture_counts {
	__u64 sent, replies;
	__u64 by_daemon; /* of the replies: without DF, as the sockets send */
	__u64 faults[TORTURE_FAULTS];
};

/* A reply as it came; the first
 * TORTURE_FAULTS are the first of each fault. */
struct torture_sample {
	__u32 len;
	__u32 fault;
	__u8 frame[TORTURE_FRAME];
};

#endif
