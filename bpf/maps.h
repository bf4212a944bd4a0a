/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps.h - the maps of the program, as the treaty names them.
 *
 * Capacities here are only defaults; whoever loads the object sets the real
 * ones. `scratch` is the program's own and is not pinned. The value types of
 * the slots exist so that a map dump shows fields.
 */
#ifndef ANAMED_BPF_MAPS_H
#define ANAMED_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "anamed/treaty.h"

#define ARRAY_OF(value_type, entries)                                                              \
	{                                                                                          \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	}
#define HASH_OF(key_type, entries)                                                                 \
	{                                                                                          \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, __u32);                                                              \
	}
#define PERCPU_OF(value_type, entries)                                                             \
	{                                                                                          \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	}

/* The treaty's structs end in an open array; here it gets its length. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
struct owner_small {
	struct an_owner_slot fields;
	char name[AN_OWNER_NAME_SMALL]; /* and the data of an inline answer */
};
struct owner_large {
	struct an_owner_slot fields;
	char name[AN_SLOT_LARGE_SIZE - AN_OWNER_NAME_AT];
};
struct answer_small {
	struct an_answer_slot fields;
	__u8 data[AN_ANSWER_SMALL];
};
struct answer_large {
	struct an_answer_slot fields;
	__u8 data[AN_ANSWER_LARGE];
};
#pragma clang diagnostic pop
union slot_small {
	struct an_slot_head head;
	struct owner_small owner;
	struct answer_small answer;
};
union slot_large {
	struct an_slot_head head;
	struct owner_large owner;
	struct answer_large answer;
};
AN_ASSERT_SIZE(union slot_small, AN_SLOT_SMALL_SIZE);
AN_ASSERT_SIZE(union slot_large, AN_SLOT_LARGE_SIZE);

struct ARRAY_OF(struct an_control, 1) control SEC(".maps");
struct ARRAY_OF(struct an_served, AN_SERVED_SIZE) served SEC(".maps");
struct ARRAY_OF(__u64, 2 * AN_SPECIAL_WORDS) special SEC(".maps");
struct ARRAY_OF(struct an_zone, 64) zones SEC(".maps");
struct HASH_OF(struct an_owner_key, 1024) owners SEC(".maps");
struct ARRAY_OF(struct an_front_line, 256) front SEC(".maps");
struct HASH_OF(struct an_audience_key, 1024) audiences SEC(".maps");
struct ARRAY_OF(union slot_small, 1024) slots SEC(".maps");
struct ARRAY_OF(union slot_large, 64) slots_large SEC(".maps");
struct ARRAY_OF(__u64, 1024) cells SEC(".maps");
struct ARRAY_OF(struct an_name_line, 1024) names SEC(".maps");
struct ARRAY_OF(__u64, AN_MISS_BUCKETS) misses SEC(".maps");
struct PERCPU_OF(struct an_counters, 1) counters SEC(".maps");
struct ARRAY_OF(struct an_geo_line, 1) geo SEC(".maps");
struct ARRAY_OF(struct an_geo_regions, 1) regions SEC(".maps");
struct PERCPU_OF(__u64, AN_REGION_HITS) region_hits SEC(".maps");

/* For geo.h. */
AN_INLINE const struct an_geo_line *geo_line_at(__u32 index)
{
	return bpf_map_lookup_elem(&geo, &index);
}

AN_INLINE const struct an_geo_regions *geo_regions_at(__u32 index)
{
	return bpf_map_lookup_elem(&regions, &index);
}

#endif
