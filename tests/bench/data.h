/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * data - the names, networks and addresses of the benchmark, by number.
 *
 * Whoever makes entries, zones, queries, and whoever judges replies works them
 * out from these functions alone. Pure.
 */
#ifndef ANAMED_TESTS_BENCH_DATA_H
#define ANAMED_TESTS_BENCH_DATA_H

#include <stddef.h>
#include <stdint.h>

#define DATA_APEX        "bench.example"
#define DATA_LABEL_MAX   24
#define DATA_NAME_MAX    64
#define DATA_NET_LEN     24
#define DATA_TTL         86400
#define DATA_NETS_MAX    64
#define DATA_RECORDS_MAX 16

/* A hash of a number. */
uint64_t data_mix(uint64_t value);

/* First label of name `number`: 8 to 20 octets, lower case. Returns its length. */
size_t data_label(uint32_t number, char ret[DATA_LABEL_MAX]);

/* The same as a lower-case wire name below the apex; its length. */
size_t data_name(uint32_t number, uint8_t ret[DATA_NAME_MAX]);

/* The /24 that is a name's network `net`. */
void data_network(uint32_t number, uint32_t net, uint8_t ret[4]);

/* Address `record` of the name for that network; rises with `record`. */
void data_address(uint32_t number, uint32_t net, uint32_t record, uint8_t ret[4]);

#endif
