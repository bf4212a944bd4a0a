/* SPDX-License-Identifier: BSD-2-Clause */
/* memory - an array of the bench's programs, as memory. */
#ifndef ANAMED_BENCH_MEMORY_H
#define ANAMED_BENCH_MEMORY_H

#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

/* All of it, to read and write; NULL: errno. It stays as long as the process. */
static inline void *map_memory(const struct bpf_map *map)
{
	size_t page = (size_t)getpagesize();
	size_t len = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	void *memory = mmap(NULL, (len + page - 1) / page * page, PROT_READ | PROT_WRITE,
	                    MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

#endif
