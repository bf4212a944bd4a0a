/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic - queries as fast as the kernel sends frames, and every reply judged, both in
 * the client's device (torture.bpf.c). One at a time in a process.
 */
#ifndef ANAMED_TESTS_TORTURE_TRAFFIC_H
#define ANAMED_TESTS_TORTURE_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "torture.h"

struct traffic;

/*
 * The judge goes natively onto `device`, in this process's namespace; queries go from
 * `source` to `server` (IPv4, host order) and to the station `mac`. NULL, and said why.
 */
struct traffic *traffic_open(const char *device, uint32_t source, uint32_t server,
                             const uint8_t mac[6]);
void traffic_close(struct traffic *traffic);

/* What writers and judges share; see torture.h. Zeroed, and all that was seen forgotten. */
struct torture_control *traffic_reset(struct traffic *traffic);

/* Begins to ask, at control->rate; traffic_end() waits until nothing comes any more. 0 or -errno.
 */
int traffic_begin(struct traffic *traffic);
int traffic_end(struct traffic *traffic);

struct torture_counts traffic_counts(const struct traffic *traffic);

/* From now on names are asked for by Zipf's law (exponent 1) over `names`; the `exchanged` first
 * ones have changed places with the last. */
void traffic_zipf(struct traffic *traffic, uint32_t names, uint32_t exchanged);

/* Version of what is to be seen at least from now on, of one name and network. */
void traffic_expect(struct traffic *traffic, uint32_t name, uint32_t net, uint32_t version);

/*
 * Says which faults there were since traffic_reset(), each with its first reply in hex, and
 * what is wrong with checksums in the replies that were kept. Their number.
 */
uint64_t traffic_faults(struct traffic *traffic);

#endif
