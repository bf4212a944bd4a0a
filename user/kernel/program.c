/* SPDX-License-Identifier: BSD-2-Clause */
/* Loaded programs, and whether they are ours. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/maps.h"

int maps_program_read(int fd, struct maps_program *ret)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	memset(ret, 0, sizeof(*ret));
	info.nr_map_ids = MAPS_PROGRAM_MAPS;
	info.map_ids = (__u64)(uintptr_t)ret->maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	ret->id = info.id;
	memcpy(ret->name, info.name, sizeof(ret->name));
	ret->name[sizeof(ret->name) - 1] = '\0';
	memcpy(ret->tag, info.tag, sizeof(ret->tag));
	ret->maps_count = info.nr_map_ids < MAPS_PROGRAM_MAPS ? info.nr_map_ids : MAPS_PROGRAM_MAPS;
	return 0;
}

int maps_program_by_id(uint32_t id, struct maps_program *ret)
{
	int fd = bpf_prog_get_fd_by_id(id), error;

	if (fd < 0)
		return -errno;
	error = maps_program_read(fd, ret);
	close(fd);
	return error;
}

static bool program_uses(const struct maps_program *program, uint32_t map)
{
	for (uint32_t i = 0; i < program->maps_count; i++)
		if (program->maps[i] == map)
			return true;
	return false;
}

/* 0 if nothing is pinned there. */
static uint32_t pinned_map_id(const char *dir, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	char path[MAPS_PATH_MAX];
	int fd = bpf_obj_get(maps_pin_path(dir, name, path, sizeof(path)));

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

bool maps_program_is_ours(const char *dir, const struct maps_program *program)
{
	uint32_t control = pinned_map_id(dir, AN_MAP_CONTROL);

	return control && program_uses(program, control);
}

bool maps_program_same(const char *dir, const struct maps_program *a, const struct maps_program *b)
{
	if (memcmp(a->tag, b->tag, sizeof(a->tag)))
		return false;
	/* The tag leaves map numbers out: the same code may sit on maps that are gone. */
	for (size_t i = 0; i < MAPS_COUNT; i++) {
		uint32_t id = pinned_map_id(dir, maps_forms[i].name);

		if (program_uses(a, id) != program_uses(b, id))
			return false;
	}
	return true;
}
