/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bench.h - what the load generator's XDP programs and its process share. */
#ifndef ANAMED_TESTS_BENCH_H
#define ANAMED_TESTS_BENCH_H

#include <linux/types.h>

#define BENCH_FRAME_MAX  248 /* longest prepared query */
#define BENCH_SAMPLE_MAX 1016
#define BENCH_SAMPLES    4096

/* A prepared frame, sent as it stands. */
struct bench_query {
	__u32 len;
	__u32 zero;
	__u8 frame[BENCH_FRAME_MAX];
};

/* A reply as it arrived. */
struct bench_sample {
	__u32 len;
	__u32 zero;
	__u8 frame[BENCH_SAMPLE_MAX];
};

struct bench_control {
	__u32 count;        /* of prepared queries */
	__u32 sample_every; /* replies for each that is copied out */
	__u32 grow;         /* octets that the growing reflector adds */
	__u32 rate;         /* queries a second; 0: as fast as it goes */
	__u64 begin_ns;     /* of the run, for the rate */
	__u64 begin_sent;
};

/* A CPU's own. */
struct bench_counts {
	__u64 sent;
	__u64 replies;
	__u64 octets;
	__u64 other; /* neither query nor reply */
	__u32 next;  /* query */
	__u32 until_sample;
};

#endif
