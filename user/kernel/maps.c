/* SPDX-License-Identifier: BSD-2-Clause */
/* The object: opened with the configured or the pinned maps, loaded, pinned, set up. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <anamed.skel.h> /* made by bpftool: a system header, not held to our warnings */

#include "base/clock.h"
#include "base/log.h"
#include "kernel/front.h"
#include "kernel/maps.h"
#include "kernel/names.h"

#define BPFFS_MAGIC  0xcafe4a11
#define BPFFS_MOUNT  "/sys/fs/bpf"
#define PROGRAM_NAME "anamed_xdp"
#define CLOCK_NAME   "anamed_clock"
#define LOG_LINES    20

/* Of a verifier's log, which can be megabytes, the end says why. */
static const char *last_lines(const char *text, int lines)
{
	const char *at = text + strlen(text);

	while (at > text && lines >= 0)
		lines -= *--at == '\n';
	return at == text ? text : at + 1;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *rest, *line;

	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	rest = text + (last_lines(text, LOG_LINES) - text);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_warning("%s", line);
	free(text);
	return 0;
}

/* ---- the folder ---- */

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPFFS_MAGIC;
}

static int mount_bpffs(const char *dir, struct error *error)
{
	size_t len = strlen(BPFFS_MOUNT);

	if (strncmp(dir, BPFFS_MOUNT, len) || (dir[len] && dir[len] != '/') ||
	    is_bpffs(BPFFS_MOUNT))
		return 0;
	if (mount("bpf", BPFFS_MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return error_set(error, errno, NULL, 0, "mounting bpffs at " BPFFS_MOUNT ": %s",
		                 strerror(errno));
	log_notice("mounted bpffs at " BPFFS_MOUNT);
	return 0;
}

/* Makes the folder and those above it, for root alone. */
static int make_folders(const char *dir, struct error *error)
{
	char path[MAPS_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path) - 64)
		return error_set(error, ENAMETOOLONG, NULL, 0, "pin_dir is too long");
	for (char *at = path + 1;; at++) {
		char end = *at;

		if (end && end != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return error_set(error, errno, NULL, 0, "%s: %s", path, strerror(errno));
		*at = end;
		if (!end)
			break;
	}
	if (!is_bpffs(dir))
		return error_set(
		        error, ENOTSUP, NULL, 0,
		        "%s is not on a BPF file system (mount -t bpf bpf " BPFFS_MOUNT ")", dir);
	return 0;
}

/* ---- questions to the system ---- */

int maps_cpus(void)
{
	return libbpf_num_possible_cpus();
}

int maps_running(int ifindex, uint32_t *ret_program, bool *ret_native)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};
	int code = bpf_xdp_query(ifindex, 0, &query);

	if (code)
		return code;
	*ret_native = query.attach_mode == XDP_ATTACHED_DRV || query.drv_prog_id;
	*ret_program = query.prog_id;
	if (query.attach_mode == XDP_ATTACHED_MULTI)
		*ret_program = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	return 0;
}

/* ---- opening ---- */

struct maps_object {
	struct bpf_object *bpf;
	bool reused[MAPS_COUNT]; /* was pinned already */
};

struct bpf_object *maps_object_bpf(struct maps_object *object)
{
	return object->bpf;
}

void maps_object_close(struct maps_object *object)
{
	if (!object)
		return;
	if (object->bpf)
		bpf_object__close(object->bpf);
	free(object);
}

static int program_fd_of(const struct maps_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object->bpf, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

#define GEO_LINES     (1u << 18) /* where nobody knows better */
#define GEO_LOCATIONS (1u << 12)

/* Two halves, where there are policies. */
static uint32_t geo_capacity_for(const struct config *config, const char *name)
{
	if (!config->policies_count)
		return 0;
	if (!strcmp(name, AN_MAP_GEO))
		return 2 * (config->geo_lines_max ? config->geo_lines_max : GEO_LINES);
	if (!strcmp(name, AN_MAP_REGIONS))
		return 2 * (config->geo_locations_max ? config->geo_locations_max : GEO_LOCATIONS);
	return 0;
}

/* 0: as the object has it. Slot 0 of each array and cell 0 are nobody's, so there is one more. */
static uint32_t capacity_for(const struct config *config, const char *name)
{
	if (!strcmp(name, AN_MAP_OWNERS))
		return config->owners_max;
	if (!strcmp(name, AN_MAP_CELLS))
		return config->owners_max + 1;
	if (!strcmp(name, AN_MAP_AUDIENCES))
		return config->audiences_max;
	if (!strcmp(name, AN_MAP_FRONT))
		return front_lines_for(config->owners_max);
	if (!strcmp(name, AN_MAP_NAMES))
		return names_lines_for(config->names_max);
	if (!strcmp(name, AN_MAP_SLOTS))
		return config->slots_max + 1;
	if (!strcmp(name, AN_MAP_SLOTS_LARGE))
		return config->slots_large_max + 1;
	if (!strcmp(name, AN_MAP_ZONES))
		return config->zones_max;
	return geo_capacity_for(config, name);
}

/* A table that is too small for what it is to hold is made anew: it is written anew anyway. */
static bool is_outgrown(const char *name, int fd, uint32_t wanted)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return (!strcmp(name, AN_MAP_GEO) || !strcmp(name, AN_MAP_REGIONS)) &&
	       !bpf_obj_get_info_by_fd(fd, &info, &len) && info.max_entries < wanted / 2;
}

static int use_pinned(const char *dir, const struct maps_form *form, struct bpf_map *map, int fd,
                      uint32_t wanted, struct error *error)
{
	uint32_t capacity;
	int code = maps_check_form(dir, form, fd, &capacity, error);

	if (code)
		return code;
	if (wanted && wanted != capacity)
		log_warning(
		        "%s/%s stays at %u entries; %u are configured (`anamectl xdp detach` and "
		        "attach again to change it)",
		        dir, form->name, capacity, wanted);
	code = bpf_map__reuse_fd(map, fd);
	if (code)
		return error_set(error, -code, NULL, 0, "%s/%s: %s", dir, form->name,
		                 strerror(-code));
	return 0;
}

static int prepare_map(const struct config *config, struct maps_object *object, size_t i,
                       struct error *error)
{
	const struct maps_form *form = &maps_forms[i];
	struct bpf_map *map = bpf_object__find_map_by_name(object->bpf, form->name);
	uint32_t wanted = capacity_for(config, form->name);
	char path[MAPS_PATH_MAX];
	int fd, code = 0;

	if (!map)
		return error_set(error, ENOENT, NULL, 0, "the object has no map %s", form->name);
	fd = bpf_obj_get(maps_pin_path(config->pin_dir, form->name, path, sizeof(path)));
	if (fd < 0 && errno != ENOENT)
		return error_set(error, errno, NULL, 0, "%s: %s", path, strerror(errno));
	if (fd >= 0 && is_outgrown(form->name, fd, wanted)) {
		log_notice("%s has become too small and is made anew; a program that runs takes it "
		           "at `anamectl xdp upgrade'",
		           path);
		close(fd);
		unlink(path);
		fd = -1;
	}
	if (fd < 0) {
		if (wanted)
			code = bpf_map__set_max_entries(map, wanted);
		return code ? error_set(error, -code, NULL, 0, "%s: %u entries: %s", form->name,
		                        wanted, strerror(-code))
		            : 0;
	}
	object->reused[i] = true;
	code = use_pinned(config->pin_dir, form, map, fd, wanted, error);
	close(fd);
	return code;
}

int maps_object_open(const struct config *config, struct maps_object **ret, struct error *error)
{
	const struct bpf_object_open_opts opts = {.sz = sizeof(opts), .object_name = "anamed"};
	struct maps_object *object = calloc(1, sizeof(*object));
	const void *octets;
	size_t len;
	int code = 0;

	if (!object) {
		error_set(error, ENOMEM, NULL, 0, "no memory");
		return -ENOMEM;
	}
	libbpf_set_print(print_libbpf);
	octets = anamed_bpf__elf_bytes(&len);
	object->bpf = bpf_object__open_mem(octets, len, &opts);
	if (!object->bpf)
		code = error_set(error, errno > 0 ? errno : EIO, NULL, 0,
		                 "opening the BPF object: %s", strerror(errno));
	for (size_t i = 0; i < MAPS_COUNT && !code; i++)
		code = prepare_map(config, object, i, error);
	if (code) {
		maps_object_close(object);
		return code;
	}
	*ret = object;
	return 0;
}

/* ---- the control block ---- */

/* A tick's length is what the coarse clock is told by: exact, where counting ticks is not. */
static uint32_t ticks_a_second(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_nsec <= 0)
		return 0;
	return (uint32_t)((1000000000 + tick.tv_nsec / 2) / tick.tv_nsec);
}

/* A virtual machine that had to wait gets its ticks late: then the next readings do. */
#define CLOCK_TRIES 25

/* What the clock program says must agree with that: at least 40 ms lie between the readings. */
static bool ticks_agree_once(int clock_fd, uint32_t hz, struct maps_clock *ret_now)
{
	struct timespec pause = {.tv_nsec = 40 * 1000 * 1000};
	struct maps_clock before;
	uint64_t ticks, expected;

	if (maps_run_clock(clock_fd, &before))
		return false;
	nanosleep(&pause, NULL);
	if (maps_run_clock(clock_fd, ret_now))
		return false;
	ticks = ret_now->ticks - before.ticks;
	expected = (ret_now->ns - before.ns) * hz / 1000000000;
	return ticks + 1 >= expected && ticks <= expected + 1;
}

static bool ticks_agree(int clock_fd, uint32_t hz, struct maps_clock *ret_now)
{
	for (int i = 0; i < CLOCK_TRIES; i++)
		if (ticks_agree_once(clock_fd, hz, ret_now))
			return true;
	return false;
}

static int fill_control(const struct config *config, int clock_fd, struct an_control *control,
                        struct error *error)
{
	struct maps_clock now;
	int64_t unix_ms;

	memset(control, 0, sizeof(*control));
	control->abi = AN_ABI_VERSION;
	control->mode = AN_MODE_ANSWER;
	control->hz = ticks_a_second();
	if (!control->hz || !ticks_agree(clock_fd, control->hz, &now))
		return error_set(error, EIO, NULL, 0,
		                 "the kernel's tick is unclear (%u a second by its clock)",
		                 control->hz);
	unix_ms = clock_unix_ms();
	control->unix_offset = unix_ms / 1000 * control->hz + unix_ms % 1000 * control->hz / 1000 -
	                       (int64_t)now.ticks;
	while (!control->seed)
		if (getrandom(&control->seed, sizeof(control->seed), 0) < 0)
			return error_set(error, errno, NULL, 0, "getrandom: %s", strerror(errno));
	control->heartbeat_limit = (uint64_t)config->heartbeat_limit_ms * control->hz / 1000;
	control->udp_payload = config->udp_payload;
	control->source_ipv4_len = config->ecs_from_source ? 24 : 0;
	control->source_ipv6_len = config->ecs_from_source ? 56 : 0;
	control->next_uid = 1;
	control->geo = AN_GEO_NONE;
	return 0;
}

static int set_up_control(const struct config *config, struct maps_object *object,
                          struct error *error)
{
	int fd = bpf_object__find_map_fd_by_name(object->bpf, AN_MAP_CONTROL);
	int clock_fd = program_fd_of(object, CLOCK_NAME), code;
	struct an_control control;
	__u32 key = 0;

	if (bpf_map_lookup_elem(fd, &key, &control))
		return error_set(error, errno, NULL, 0, "control block: %s", strerror(errno));
	if (control.seed && control.abi != AN_ABI_VERSION)
		return error_set(error, EPROTO, NULL, 0,
		                 "%s is pinned with ABI %u, this binary has %u", config->pin_dir,
		                 control.abi, AN_ABI_VERSION);
	if (control.seed)
		return 0;
	code = fill_control(config, clock_fd, &control, error);
	if (code)
		return code;
	if (bpf_map_update_elem(fd, &key, &control, BPF_ANY))
		return error_set(error, errno, NULL, 0, "control block: %s", strerror(errno));
	log_notice("control block set up: %u ticks a second", control.hz);
	return 0;
}

/* ---- pinning ---- */

static int pin_map(const struct config *config, struct maps_object *object, size_t i,
                   struct error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object->bpf, maps_forms[i].name);
	char path[MAPS_PATH_MAX];

	if (object->reused[i])
		return 0;
	maps_pin_path(config->pin_dir, maps_forms[i].name, path, sizeof(path));
	if (bpf_obj_pin(bpf_map__fd(map), path))
		return error_set(error, errno, NULL, 0, "pinning %s: %s", path, strerror(errno));
	return 0;
}

/* Pins a program in place of the one that may be there, without a moment of none. */
static int pin_program(const char *dir, const char *name, int fd, struct error *error)
{
	char path[MAPS_PATH_MAX], beside[MAPS_PATH_MAX];

	maps_pin_path(dir, name, path, sizeof(path));
	snprintf(beside, sizeof(beside), "%s/%s-new", dir, name);
	unlink(beside);
	if (bpf_obj_pin(fd, beside) || rename(beside, path))
		return error_set(error, errno, NULL, 0, "pinning %s: %s", path, strerror(errno));
	return 0;
}

/* A pinned program that is this binary's stays: attaching again is then no change. */
static bool program_is_pinned(const char *dir, const char *name, int fd)
{
	struct maps_program pinned, loaded;
	int pinned_fd = maps_open_pin(dir, name, NULL);
	bool same;

	if (pinned_fd < 0)
		return false;
	same = !maps_program_read(pinned_fd, &pinned) && !maps_program_read(fd, &loaded) &&
	       maps_program_same(dir, &pinned, &loaded);
	close(pinned_fd);
	return same;
}

static int pin_all(const struct config *config, struct maps_object *object, struct error *error)
{
	const char *dir = config->pin_dir;
	int clock_fd = program_fd_of(object, CLOCK_NAME);
	int program_fd = program_fd_of(object, PROGRAM_NAME), code = 0;

	/* The control block comes first in the list and last here: where it is, all is. */
	for (size_t i = MAPS_COUNT; i-- > 0 && !code;)
		code = pin_map(config, object, i, error);
	if (!code && !program_is_pinned(dir, MAPS_PIN_CLOCK, clock_fd))
		code = pin_program(dir, MAPS_PIN_CLOCK, clock_fd, error);
	if (!code && !program_is_pinned(dir, MAPS_PIN_PROGRAM, program_fd))
		code = pin_program(dir, MAPS_PIN_PROGRAM, program_fd, error);
	return code;
}

static int load_object(struct maps_object *object, struct error *error)
{
	int code = bpf_object__load(object->bpf);

	return code ? error_set(error, -code, NULL, 0, "the kernel refuses the program: %s",
	                        strerror(-code))
	            : 0;
}

/* Of the program for fragments there is only one where it is needed, and of this binary's. */
static int load_fragments(const struct config *config, struct error *error)
{
	struct bpf_program *program;
	struct maps_object *object;
	int code = maps_object_open(config, &object, error);

	if (code)
		return code;
	program = bpf_object__find_program_by_name(object->bpf, PROGRAM_NAME);
	code = bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
	if (code)
		error_set(error, -code, NULL, 0, "fragments: %s", strerror(-code));
	else
		code = load_object(object, error);
	if (!code &&
	    !program_is_pinned(config->pin_dir, MAPS_PIN_FRAGMENTS, bpf_program__fd(program)))
		code = pin_program(config->pin_dir, MAPS_PIN_FRAGMENTS, bpf_program__fd(program),
		                   error);
	maps_object_close(object);
	return code;
}

static int load_all(const struct config *config, struct error *error)
{
	char path[MAPS_PATH_MAX];
	struct maps_object *object;
	int code = maps_object_open(config, &object, error);

	if (code)
		return code;
	code = load_object(object, error);
	if (!code)
		code = set_up_control(config, object, error);
	if (!code)
		code = pin_all(config, object, error);
	maps_object_close(object);
	if (!code &&
	    !access(maps_pin_path(config->pin_dir, MAPS_PIN_FRAGMENTS, path, sizeof(path)), F_OK))
		code = load_fragments(config, error);
	return code;
}

/* One at a time in a folder. */
static int load_locked(const struct config *config,
                       int (*load)(const struct config *, struct error *), struct error *error)
{
	int code = mount_bpffs(config->pin_dir, error), lock;

	if (!code)
		code = make_folders(config->pin_dir, error);
	if (code)
		return code;
	lock = open(config->pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX))
		code = error_set(error, errno, NULL, 0, "%s: %s", config->pin_dir, strerror(errno));
	else
		code = load(config, error);
	if (lock >= 0)
		close(lock);
	return code;
}

int kernel_load(const struct config *config, struct error *error)
{
	return load_locked(config, load_all, error);
}

int kernel_load_fragments(const struct config *config, struct error *error)
{
	return load_locked(config, load_fragments, error);
}

int kernel_unpin(const struct config *config, struct error *error)
{
	DIR *dir = opendir(config->pin_dir);
	struct dirent *entry;
	int code = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return error_set(error, errno, NULL, 0, "%s: %s", config->pin_dir, strerror(errno));
	if (!is_bpffs(config->pin_dir))
		code = error_set(error, ENOTSUP, NULL, 0, "%s is not on a BPF file system",
		                 config->pin_dir);
	while (!code && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) && errno != ENOENT)
			code = error_set(error, errno, NULL, 0, "%s/%s: %s", config->pin_dir,
			                 entry->d_name, strerror(errno));
	}
	closedir(dir);
	if (!code)
		rmdir(config->pin_dir);
	return code;
}
