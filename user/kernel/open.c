/* SPDX-License-Identifier: BSD-2-Clause */
/* What is pinned, opened: descriptors, mapped arrays, ticks, counters. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/maps.h"

/* ---- the seam ---- */

static int hash_update(int fd, const void *key, uint32_t value)
{
	return bpf_map_update_elem(fd, key, &value, BPF_ANY) ? -errno : 0;
}

static int hash_remove(int fd, const void *key)
{
	return bpf_map_delete_elem(fd, key) ? -errno : 0;
}

static int hash_lookup(int fd, const void *key, uint32_t *ret)
{
	return bpf_map_lookup_elem(fd, key, ret) ? -errno : 0;
}

static int hash_next(int fd, const void *key, void *ret)
{
	return bpf_map_get_next_key(fd, key, ret) ? -errno : 0;
}

const struct kernel_map_ops kernel_map_ops = {
        .update = hash_update, .remove = hash_remove, .lookup = hash_lookup, .next = hash_next};

/* ---- the maps ---- */

/* Sizes and types of the treaty; arrays are mapped into memory. */
const struct maps_form maps_forms[] = {
        {AN_MAP_CONTROL, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_control), true},
        {AN_MAP_SERVED, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_served), true},
        {AN_MAP_SPECIAL, BPF_MAP_TYPE_ARRAY, 4, 8, true},
        {AN_MAP_ZONES, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_zone), true},
        {AN_MAP_OWNERS, BPF_MAP_TYPE_HASH, sizeof(struct an_owner_key), 4, false},
        {AN_MAP_FRONT, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_front_line), true},
        {AN_MAP_AUDIENCES, BPF_MAP_TYPE_HASH, sizeof(struct an_audience_key), 4, false},
        {AN_MAP_SLOTS, BPF_MAP_TYPE_ARRAY, 4, AN_SLOT_SMALL_SIZE, true},
        {AN_MAP_SLOTS_LARGE, BPF_MAP_TYPE_ARRAY, 4, AN_SLOT_LARGE_SIZE, true},
        {AN_MAP_CELLS, BPF_MAP_TYPE_ARRAY, 4, 8, true},
        {AN_MAP_NAMES, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_name_line), true},
        {AN_MAP_MISSES, BPF_MAP_TYPE_ARRAY, 4, 8, true},
        {AN_MAP_COUNTERS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct an_counters), false},
        {AN_MAP_GEO, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_geo_line), true},
        {AN_MAP_REGIONS, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct an_geo_regions), true},
        {AN_MAP_REGION_HITS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, false},
};
_Static_assert(sizeof(maps_forms) / sizeof(maps_forms[0]) == MAPS_COUNT, "MAPS_COUNT");

int maps_check_form(const char *dir, const struct maps_form *form, int fd, uint32_t *ret_capacity,
                    struct error *error)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return error_set(error, errno, NULL, 0, "%s/%s: %s", dir, form->name,
		                 strerror(errno));
	if (info.type != form->type || info.key_size != form->key_size ||
	    info.value_size != form->value_size ||
	    !(info.map_flags & BPF_F_MMAPABLE) == form->mapped)
		return error_set(
		        error, EPROTO, NULL, 0,
		        "%s/%s is not of ABI %u: type %u, key %u, value %u octets, flags 0x%x; "
		        "expected type %u, key %u, value %u%s",
		        dir, form->name, AN_ABI_VERSION, info.type, info.key_size, info.value_size,
		        info.map_flags, form->type, form->key_size, form->value_size,
		        form->mapped ? ", memory-mapped" : "");
	*ret_capacity = info.max_entries;
	return 0;
}

char *maps_pin_path(const char *dir, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", dir, name);
	return ret;
}

int maps_open_pin(const char *dir, const char *name, struct error *error)
{
	char path[MAPS_PATH_MAX];
	int fd = bpf_obj_get(maps_pin_path(dir, name, path, sizeof(path)));

	if (fd < 0)
		return error_set(error, errno, NULL, 0, "%s: %s%s", path, strerror(errno),
		                 errno == ENOENT ? " (nothing is loaded)" : "");
	return fd;
}

/* What an opened map becomes in struct kernel_maps. */
struct opened {
	int fd;
	uint32_t capacity;
	void *memory; /* NULL if not mapped */
};

static size_t mapped_len(const struct maps_form *form, uint32_t capacity)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* Array elements are rounded up to 8 octets; all of ours are multiples of it. */
	return ((size_t)form->value_size * capacity + page - 1) / page * page;
}

static int open_map(const char *dir, const struct maps_form *form, struct opened *ret,
                    struct error *error)
{
	int fd = maps_open_pin(dir, form->name, error), code;
	void *memory;

	if (fd < 0)
		return fd;
	ret->fd = fd;
	code = maps_check_form(dir, form, fd, &ret->capacity, error);
	if (code || !form->mapped)
		return code;
	memory = mmap(NULL, mapped_len(form, ret->capacity), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	              0);
	if (memory == MAP_FAILED)
		return error_set(error, errno, NULL, 0, "%s/%s: mmap: %s", dir, form->name,
		                 strerror(errno));
	ret->memory = memory;
	close(fd); /* the mapping holds the map */
	ret->fd = -1;
	return 0;
}

static void close_map(const struct maps_form *form, struct opened *map)
{
	if (map->memory)
		munmap(map->memory, mapped_len(form, map->capacity));
	if (map->fd >= 0)
		close(map->fd);
}

/* In the order of maps_forms. */
enum {
	CONTROL,
	SERVED,
	SPECIAL,
	ZONES,
	OWNERS,
	FRONT,
	AUDIENCES,
	SLOTS,
	LARGE,
	CELLS,
	NAMES,
	MISSES,
	COUNTERS,
	GEO,
	REGIONS,
	REGION_HITS
};

struct holder {
	struct kernel_maps maps; /* first: what is handed out */
	struct opened opened[MAPS_COUNT];
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Slot indexes have 24 bits. */
static uint32_t slots_count(const struct opened *slots)
{
	return least(slots->capacity, AN_SLOT_INDEX);
}

/* As many as a mask can reach. */
static uint32_t front_lines(const struct opened *front)
{
	uint32_t lines = 1;

	while (lines <= front->capacity / 2)
		lines *= 2;
	return lines;
}

static void fill(struct holder *holder)
{
	const struct opened *opened = holder->opened;

	holder->maps = (struct kernel_maps){
	        .ops = &kernel_map_ops,
	        .control = opened[CONTROL].memory,
	        .served = opened[SERVED].memory,
	        .special = opened[SPECIAL].memory,
	        .zones = opened[ZONES].memory,
	        .zones_count = opened[ZONES].capacity,
	        .slots = opened[SLOTS].memory,
	        .slots_large = opened[LARGE].memory,
	        .slots_count = slots_count(&opened[SLOTS]),
	        .slots_large_count = slots_count(&opened[LARGE]),
	        .front = opened[FRONT].memory,
	        .front_lines = front_lines(&opened[FRONT]),
	        .geo = opened[GEO].memory,
	        .regions = opened[REGIONS].memory,
	        .geo_lines = opened[GEO].capacity,
	        .regions_count = opened[REGIONS].capacity,
	        .cells = opened[CELLS].memory,
	        .cells_count = opened[CELLS].capacity,
	        .names = opened[NAMES].memory,
	        .names_lines = opened[NAMES].capacity,
	        .owners_fd = opened[OWNERS].fd,
	        .audiences_fd = opened[AUDIENCES].fd,
	        .counters_fd = opened[COUNTERS].fd,
	        .region_hits_fd = opened[REGION_HITS].fd,
	        .owners_max = opened[OWNERS].capacity,
	        .audiences_max = opened[AUDIENCES].capacity,
	        .cpus = maps_cpus(),
	        .clock_fd = holder->maps.clock_fd,
	};
}

static int check_fixed(const char *dir, const struct holder *holder, struct error *error)
{
	const struct an_control *control = holder->maps.control;

	if (control->abi != AN_ABI_VERSION || !control->seed || !control->hz)
		return error_set(error, EPROTO, NULL, 0,
		                 "%s/" AN_MAP_CONTROL ": ABI %u, expected %u, set up", dir,
		                 control->abi, AN_ABI_VERSION);
	if (holder->opened[SERVED].capacity < AN_SERVED_SIZE ||
	    holder->opened[SPECIAL].capacity < 2 * AN_SPECIAL_WORDS)
		return error_set(error, EPROTO, NULL, 0, "%s: maps of fixed size are too small",
		                 dir);
	return 0;
}

int kernel_open(const char *dir, struct kernel_maps **ret, struct error *error)
{
	struct holder *holder = calloc(1, sizeof(*holder));
	int code = 0;

	if (!holder)
		return error_set(error, ENOMEM, NULL, 0, "no memory");
	holder->maps.clock_fd = -1;
	for (size_t i = 0; i < MAPS_COUNT; i++)
		holder->opened[i].fd = -1;
	for (size_t i = 0; i < MAPS_COUNT && !code; i++)
		code = open_map(dir, &maps_forms[i], &holder->opened[i], error);
	if (!code)
		code = holder->maps.clock_fd = maps_open_pin(dir, MAPS_PIN_CLOCK, error);
	fill(holder);
	if (code >= 0)
		code = check_fixed(dir, holder, error);
	if (!code) {
		code = kernel_clock(&holder->maps);
		if (code)
			error_set(error, -code, NULL, 0, "%s/" MAPS_PIN_CLOCK ": %s", dir,
			          strerror(-code));
	}
	if (code) {
		kernel_close(&holder->maps);
		return code;
	}
	*ret = &holder->maps;
	return 0;
}

void kernel_close(struct kernel_maps *maps)
{
	struct holder *holder = (struct holder *)maps;

	if (!holder)
		return;
	for (size_t i = 0; i < MAPS_COUNT; i++)
		close_map(&maps_forms[i], &holder->opened[i]);
	if (maps->clock_fd >= 0)
		close(maps->clock_fd);
	free(holder);
}

/* ---- ticks ---- */

int maps_run_clock(int fd, struct maps_clock *ret)
{
	struct maps_clock clock = {0};
	struct bpf_test_run_opts opts = {
	        .sz = sizeof(opts), .ctx_in = &clock, .ctx_size_in = sizeof(clock)};

	if (bpf_prog_test_run_opts(fd, &opts))
		return -errno;
	if (!clock.ticks || !clock.ns)
		return -EIO;
	*ret = clock;
	return 0;
}

int kernel_clock(struct kernel_maps *maps)
{
	struct maps_clock clock = {0};
	int error;

	if (maps->clock_fd < 0)
		return 0;
	error = maps_run_clock(maps->clock_fd, &clock);
	if (error)
		return error;
	maps->tick0 = clock.ticks;
	maps->ms0 = clock.ns / 1000000; /* ktime_get_ns is CLOCK_MONOTONIC, as clock_ms() */
	return 0;
}

/* value * multiplier / divisor in 128 bits, up or down; saturates below AN_NEVER. */
static uint64_t scale(uint64_t value, uint64_t multiplier, uint64_t divisor, bool up)
{
	unsigned __int128 wide = (unsigned __int128)value * multiplier + (up ? divisor - 1 : 0);

	wide /= divisor;
	return wide < UINT64_MAX ? (uint64_t)wide : UINT64_MAX - 1;
}

/* base + (value - zero) * multiplier / divisor; up: rounded towards more, else towards less. */
static uint64_t convert(uint64_t value, uint64_t zero, uint64_t base, uint64_t multiplier,
                        uint64_t divisor, bool up)
{
	uint64_t distance;

	if (value >= zero) {
		distance = scale(value - zero, multiplier, divisor, up);
		return distance < UINT64_MAX - 1 - base ? base + distance : UINT64_MAX - 1;
	}
	distance = scale(zero - value, multiplier, divisor, !up);
	return distance < base ? base - distance : 0;
}

uint64_t kernel_ticks(const struct kernel_maps *maps, uint64_t ms)
{
	if (ms == CLOCK_MS_NEVER)
		return AN_NEVER;
	return convert(ms, maps->ms0, maps->tick0, maps->control->hz, 1000, false);
}

uint64_t kernel_ms(const struct kernel_maps *maps, uint64_t ticks)
{
	if (ticks == AN_NEVER)
		return CLOCK_MS_NEVER;
	return convert(ticks, maps->tick0, maps->ms0, 1000, maps->control->hz, true);
}

/* ---- counters ---- */

const char *const kernel_counter_names[] = {
#define NAME_OF(name, text) #name,
        AN_COUNTERS(NAME_OF)
#undef NAME_OF
};

const char *const kernel_counter_texts[] = {
#define TEXT_OF(name, text) text,
        AN_COUNTERS(TEXT_OF)
#undef TEXT_OF
};

uint64_t kernel_region_hits(const struct kernel_maps *maps, unsigned int policy, uint32_t region)
{
	uint64_t *each = calloc((size_t)maps->cpus, sizeof(*each)), sum = 0;
	__u32 key = an_geo_counted(policy + 1, region);

	if (each && !bpf_map_lookup_elem(maps->region_hits_fd, &key, each))
		for (int cpu = 0; cpu < maps->cpus; cpu++)
			sum += each[cpu];
	free(each);
	return sum;
}

int kernel_counters(const struct kernel_maps *maps, struct an_counters *ret)
{
	struct an_counters *each = calloc((size_t)maps->cpus, sizeof(*each));
	uint64_t *sum = (uint64_t *)ret;
	__u32 key = 0;
	int error = 0;

	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(maps->counters_fd, &key, each))
		error = -errno;
	for (size_t i = 0; !error && i < KERNEL_COUNTER_COUNT; i++) {
		sum[i] = 0;
		for (int cpu = 0; cpu < maps->cpus; cpu++)
			sum[i] += ((const uint64_t *)&each[cpu])[i];
	}
	free(each);
	return error;
}
