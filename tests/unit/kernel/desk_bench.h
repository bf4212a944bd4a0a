/* SPDX-License-Identifier: BSD-2-Clause */
/* desk_bench - what tests of the publisher share: a publisher over fake maps, names, images. */
#ifndef TESTS_DESK_BENCH_H
#define TESTS_DESK_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/name.h"
#include "kernel/publish.h"
#include "unit/kernel/fake_maps.h"

struct bench {
	struct kernel_maps *maps;
	struct publish *publish;
	struct config config;
	uint32_t zone, generation;
};

static inline void bench_publisher(struct bench *bench)
{
	struct error error;

	assert_int_equal(publish_new(bench->maps, &bench->config, &bench->publish, &error), 0);
}

static inline void bench_zone(struct bench *bench, uint64_t content)
{
	static const uint8_t apex[] = "\x07"
	                              "example\x04"
	                              "test";

	assert_int_equal(publish_zone(bench->publish, apex, sizeof(apex), content, 0,
	                              CLOCK_MS_NEVER, &bench->zone, &bench->generation),
	                 0);
}

static inline void bench_open(struct bench *bench, const struct fake_sizes *sizes)
{
	*bench = (struct bench){.config = {.networks_per_name_max = 4096,
	                                   .heartbeat_limit_ms = 5000,
	                                   .udp_payload = 1232,
	                                   .ecs_from_source = true}};
	bench->maps = fake_maps_new(sizes);
	bench_publisher(bench);
	bench_zone(bench, 1);
}

static inline void bench_close(struct bench *bench)
{
	publish_free(bench->publish);
	fake_maps_free(bench->maps);
}

/* The publisher goes without a word, another one takes over. */
static inline void bench_restart(struct bench *bench)
{
	publish_free(bench->publish);
	bench_publisher(bench);
}

static inline void bench_seconds(struct bench *bench, unsigned int seconds)
{
	bench->maps->tick0 += (uint64_t)seconds * bench->maps->control->hz;
}

/* "nNUMBER.example.test", padded to `len` octets in all by a longer first label where len is given.
 */
static inline size_t bench_name(unsigned int number, uint8_t name[NAME_MAX_LEN])
{
	char text[64];

	snprintf(text, sizeof(text), "n%u.example.test.", number);
	return (size_t)name_from_text(text, NULL, 0, name);
}

static inline int bench_owner_try(struct bench *bench, unsigned int number, uint64_t *ret_uid)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len = bench_name(number, name);

	return publish_owner(bench->publish, name, len, AN_TYPE_A, bench->zone, bench->generation,
	                     0, ret_uid);
}

static inline uint64_t bench_owner(struct bench *bench, unsigned int number)
{
	uint64_t uid = 0;

	assert_int_equal(bench_owner_try(bench, number, &uid), 0);
	assert_int_not_equal(uid, 0);
	return uid;
}

/* An image of `data` octets whose first four say `id`. */
static inline void bench_image(uint32_t id, size_t data, struct an_answer_slot *ret)
{
	memset(ret, 0, AN_SLOT_LARGE_SIZE);
	ret->head.used = (uint16_t)(AN_ANSWER_DATA_AT + data);
	ret->answer.tail_len = (uint16_t)data;
	ret->answer.wire_scope = 24;
	memcpy(ret->data, &id, sizeof(id));
}

static inline uint32_t bench_id(const struct an_answer_slot *slot)
{
	uint32_t id;

	memcpy(&id, slot->data, sizeof(id));
	return id;
}

static inline struct an_audience_key bench_key(uint8_t kind, uint8_t family, uint32_t address,
                                               uint8_t len)
{
	struct an_audience_key key = {.kind = kind, .family = family, .len = len};

	for (unsigned int i = 0; i < 4; i++)
		key.prefix[i] = (uint8_t)(address >> (24 - 8 * i));
	fake_cut(key.prefix, len);
	return key;
}

static inline struct an_audience_key bench_everyone(void)
{
	return (struct an_audience_key){.kind = AN_AUDIENCE_NET};
}

static inline struct an_audience_key bench_nobody(void)
{
	return (struct an_audience_key){.kind = AN_AUDIENCE_EXACT};
}

static inline int bench_put_size(struct bench *bench, uint64_t uid, struct an_audience_key key,
                                 uint32_t address, uint32_t id, size_t data, uint32_t *ret_slot)
{
	_Alignas(8) uint8_t octets[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (void *)octets;
	uint8_t asked[8] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
	                    (uint8_t)(address >> 8)};

	bench_image(id, data, image);
	return publish_answer(bench->publish, uid, &key, asked, 24, image, clock_ms() + 60000,
	                      clock_ms() + 600000, true, ret_slot);
}

static inline int bench_put(struct bench *bench, uint64_t uid, struct an_audience_key key,
                            uint32_t id)
{
	uint32_t slot, address = (uint32_t)key.prefix[0] << 24 | (uint32_t)key.prefix[1] << 16 |
	                         (uint32_t)key.prefix[2] << 8;

	return bench_put_size(bench, uid, key, address, id, 32, &slot);
}

/* When the program last answered from a slot. */
static inline __u64 *bench_mark(const struct bench *bench, uint32_t slot)
{
	return &((struct an_slot_head *)fake_slot(bench->maps, slot))->mark;
}

static inline const struct an_owner_slot *bench_see(const struct bench *bench, unsigned int number)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len = bench_name(number, name);

	return fake_find_owner(bench->maps, name, len, AN_TYPE_A);
}

/* What the program answers a client of an IPv4 network: an id, 0 if it passes up. source 0: nobody.
 */
static inline uint32_t bench_ask(const struct bench *bench, unsigned int number, uint32_t address,
                                 unsigned int source)
{
	const struct an_owner_slot *owner = bench_see(bench, number);
	const struct an_answer_slot *slot;
	uint8_t prefix[8] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
	                     (uint8_t)(address >> 8), (uint8_t)address};

	fake_cut(prefix, source);
	if (!owner)
		return 0;
	slot = fake_find_answer(bench->maps, owner, source ? AN_FAMILY_IPV4 : 0, prefix, source);
	return slot ? bench_id(slot) : 0;
}

static inline struct publish_stats bench_stats(const struct bench *bench)
{
	struct publish_stats stats;

	publish_stats(bench->publish, &stats);
	return stats;
}

#endif
