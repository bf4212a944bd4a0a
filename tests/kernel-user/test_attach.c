/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to a veth pair in a network namespace of the test's own. Root. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel-user/room.h"
#include "kernel/maps.h"
#include "kernel/served.h"

static struct room room;
static struct error error;
static struct kernel_attachment now;

static int set_up(void **state)
{
	(void)state;
	room_config(&room);
	room_veth();
	if (!kernel_load(&room.config, &error))
		return 0;
	print_error("%s\n", error.text);
	return -1;
}

static int tear_down(void **state)
{
	(void)state;
	room_no_veth();
	return kernel_unpin(&room.config, &error);
}

static void attach_ok(enum xdp_mode mode)
{
	int code;

	room.interface.xdp = mode;
	memset(&now, 0x55, sizeof(now));
	code = kernel_attach(&room.config, &room.interface, &now, &error);
	if (code)
		print_error("%s\n", error.text);
	assert_int_equal(code, 0);
}

static void see_status(void)
{
	assert_int_equal(kernel_status(&room.config, "kt0", &now, &error), 0);
}

/* A program of somebody else: r0 = XDP_PASS; exit. */
static int other_program(uint32_t flags)
{
	const struct bpf_insn code[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP, .prog_flags = flags);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", code, 2, &opts);

	assert_true(fd >= 0);
	return fd;
}

static uint32_t program_id(int fd)
{
	struct maps_program program;

	assert_int_equal(maps_program_read(fd, &program), 0);
	return program.id;
}

static uint32_t pinned_program_id(const char *pin)
{
	int fd = maps_open_pin(room.pin_dir, pin, &error);
	uint32_t id;

	assert_true(fd >= 0);
	id = program_id(fd);
	close(fd);
	return id;
}

/* What the kernel says runs on kt0, asked without the code under test. */
static uint32_t running(uint32_t *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex("kt0"), 0, &query), 0);
	*ret_mode = query.attach_mode;
	return query.prog_id;
}

static void auto_on_veth_is_generic_and_says_why(void **state)
{
	uint32_t mode;

	(void)state;
	attach_ok(XDP_MODE_AUTO);
	assert_true(now.attached);
	assert_false(now.native);
	assert_false(now.dispatcher);
	assert_true(now.ours);
	assert_string_equal(now.interface, "kt0");
	assert_int_equal(now.ifindex, if_nametoindex("kt0"));
	assert_non_null(strstr(now.note, "veth"));
	assert_int_equal(running(&mode), now.program_id);
	assert_int_equal(mode, XDP_ATTACHED_SKB);
}

static void native_by_name_is_native(void **state)
{
	uint32_t mode;

	(void)state;
	attach_ok(XDP_MODE_NATIVE);
	assert_true(now.native);
	assert_int_equal(running(&mode), now.program_id);
	assert_int_equal(mode, XDP_ATTACHED_DRV);
	attach_ok(XDP_MODE_GENERIC); /* another mode is another link */
	assert_false(now.native);
	running(&mode);
	assert_int_equal(mode, XDP_ATTACHED_SKB);
}

static uint32_t link_id(void)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	int fd = maps_open_pin(room.pin_dir, "link-kt0", &error);

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

static void attaching_again_changes_nothing(void **state)
{
	uint32_t program, link;

	(void)state;
	attach_ok(XDP_MODE_AUTO);
	program = now.program_id;
	link = link_id();
	assert_int_equal(kernel_load(&room.config, &error), 0);
	attach_ok(XDP_MODE_AUTO);
	assert_int_equal(now.program_id, program);
	assert_int_equal(link_id(), link);
	assert_int_equal(kernel_upgrade(&room.config, "kt0", &now, &error), 0);
	assert_int_equal(now.program_id, program);
	assert_int_equal(link_id(), link);
}

static void an_upgrade_replaces_the_program_in_the_same_link(void **state)
{
	uint32_t program, link, mode;
	int other = other_program(0), link_fd;

	(void)state;
	attach_ok(XDP_MODE_AUTO);
	program = now.program_id;
	link = link_id();
	link_fd = maps_open_pin(room.pin_dir, "link-kt0", &error);
	assert_int_equal(bpf_link_update(link_fd, other, NULL), 0);
	close(link_fd);
	see_status();
	assert_true(now.attached);
	assert_false(now.ours);
	assert_int_equal(now.program_id, program_id(other));
	assert_non_null(strstr(now.note, "upgrade"));
	close(other);
	assert_int_equal(kernel_upgrade(&room.config, "kt0", &now, &error), 0);
	assert_true(now.ours);
	assert_int_equal(now.program_id, program);
	assert_int_equal(running(&mode), program);
	assert_int_equal(link_id(), link);
}

/* ---- from an older version ---- */

/* A program that passes, and uses a map that is pinned as `control` under `dir`. */
static int older_program(const char *dir)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "control", 4, 128, 1, NULL);
	const struct bpf_insn code[] = {
	        {.code = BPF_LD | BPF_DW | BPF_IMM, // NOLINT(misc-redundant-expression)
	         .dst_reg = BPF_REG_1,
	         .src_reg = BPF_PSEUDO_MAP_FD,
	         .imm = map},
	        {.imm = 0},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	char path[128];
	int fd;

	assert_true(map >= 0);
	snprintf(path, sizeof(path), "%s/control", dir);
	assert_int_equal(bpf_obj_pin(map, path), 0);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "anamed_xdp", "GPL", code, 4, &opts);
	assert_true(fd >= 0);
	close(map);
	return fd;
}

struct versions {
	char root[64], older[72], newer[72];
	int program; /* the older one */
};

/* The older version holds kt0 by a link that is pinned in its folder; `newer` is where we are. */
static void begin_versions(struct versions *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	char path[128];
	int fd;

	snprintf(ret->root, sizeof(ret->root), "/sys/fs/bpf/kernel-test-%d-v", getpid());
	snprintf(ret->older, sizeof(ret->older), "%s/v1", ret->root);
	snprintf(ret->newer, sizeof(ret->newer), "%s/v12", ret->root);
	assert_int_equal(mkdir(ret->root, 0700), 0);
	assert_int_equal(mkdir(ret->older, 0700), 0);
	ret->program = older_program(ret->older);
	fd = bpf_link_create(ret->program, (int)if_nametoindex("kt0"), BPF_XDP, &opts);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/link-kt0", ret->older);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	room.config.pin_dir = ret->newer;
	room.interface.xdp = XDP_MODE_AUTO;
	assert_int_equal(kernel_load(&room.config, &error), 0);
}

static void end_versions(struct versions *versions)
{
	kernel_detach(&room.config, "kt0", &error);
	assert_int_equal(kernel_unpin(&room.config, &error), 0);
	close(versions->program);
	rmdir(versions->root);
	room.config.pin_dir = room.pin_dir;
}

static void an_older_version_answers_until_the_maps_are_filled(void **state)
{
	struct versions versions;
	struct kernel_swap swap;
	uint32_t mode, older;

	(void)state;
	begin_versions(&versions);
	older = program_id(versions.program);
	assert_int_equal(kernel_attach(&room.config, &room.interface, &now, &error), 0);
	assert_true(now.attached);
	assert_true(now.waiting);
	assert_false(now.ours);
	assert_non_null(strstr(now.note, "until the maps are filled"));
	assert_int_equal(running(&mode), older);
	assert_int_not_equal(access(versions.older, F_OK),
	                     0); /* its pins are gone, the link moved */
	/* A daemon that dies here leaves all as it was. */
	assert_int_equal(kernel_attach(&room.config, &room.interface, &now, &error), 0);
	assert_true(now.waiting);
	assert_int_equal(running(&mode), older);
	assert_int_equal(kernel_swap_open(&room.config, &now, &swap, &error), 0);
	assert_int_equal(kernel_swap(&swap, &now, &error), 0);
	kernel_swap_close(&swap);
	assert_true(now.ours);
	assert_false(now.waiting);
	assert_int_equal(running(&mode), now.program_id);
	assert_int_not_equal(now.program_id, older);
	see_status();
	assert_true(now.ours);
	end_versions(&versions);
}

static void an_upgrade_by_hand_does_not_wait(void **state)
{
	struct versions versions;
	uint32_t mode;

	(void)state;
	begin_versions(&versions);
	assert_int_equal(kernel_upgrade(&room.config, "kt0", &now, &error), 0);
	assert_true(now.ours);
	assert_false(now.waiting);
	assert_int_equal(running(&mode), now.program_id);
	end_versions(&versions);
}

static void detaching_takes_an_older_version_along(void **state)
{
	struct versions versions;
	uint32_t mode;

	(void)state;
	begin_versions(&versions);
	assert_int_equal(kernel_detach(&room.config, "kt0", &error), 0);
	assert_int_equal(running(&mode), 0);
	assert_int_not_equal(access(versions.older, F_OK), 0);
	end_versions(&versions);
}

/* A newer version's link, and one in a folder that is no version's, are somebody else's. */
static void what_is_not_older_is_left_alone(void **state)
{
	struct versions versions;
	char elsewhere[80];
	uint32_t mode;

	(void)state;
	begin_versions(&versions);
	snprintf(elsewhere, sizeof(elsewhere), "%s/v13", versions.root);
	assert_int_equal(rename(versions.older, elsewhere), 0);
	assert_int_equal(kernel_attach(&room.config, &room.interface, &now, &error), -EBUSY);
	assert_int_equal(rename(elsewhere, versions.older), 0);
	snprintf(elsewhere, sizeof(elsewhere), "%s/v1x", versions.root);
	assert_int_equal(rename(versions.older, elsewhere), 0);
	assert_int_equal(kernel_attach(&room.config, &room.interface, &now, &error), -EBUSY);
	assert_int_equal(running(&mode), program_id(versions.program));
	assert_int_equal(rename(elsewhere, versions.older), 0);
	end_versions(&versions);
}

static void the_program_stays_when_its_process_is_gone(void **state)
{
	int status = -1;
	pid_t child = fork();
	uint32_t mode;

	(void)state;
	if (child == 0) {
		room.interface.xdp = XDP_MODE_AUTO;
		_exit(kernel_attach(&room.config, &room.interface, &now, &error) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_not_equal(running(&mode), 0);
	see_status();
	assert_true(now.ours);
	assert_int_equal(kernel_detach(&room.config, "kt0", &error), 0);
	assert_int_equal(running(&mode), 0);
}

static void somebody_elses_program_is_left_alone_and_named(void **state)
{
	int other = other_program(0);
	unsigned int ifindex = if_nametoindex("kt0");
	uint32_t mode;
	char number[16];

	(void)state;
	assert_int_equal(bpf_xdp_attach((int)ifindex, other, XDP_FLAGS_SKB_MODE, NULL), 0);
	snprintf(number, sizeof(number), " %u ", program_id(other));
	room.interface.xdp = XDP_MODE_AUTO;
	assert_int_equal(kernel_attach(&room.config, &room.interface, &now, &error), -EBUSY);
	assert_non_null(strstr(error.text, number));
	assert_non_null(strstr(error.text, "(other)"));
	see_status();
	assert_true(now.attached);
	assert_false(now.ours);
	assert_int_equal(kernel_detach(&room.config, "kt0", &error), 0);
	assert_int_equal(running(&mode), program_id(other));
	close(other);
}

static void off_detaches(void **state)
{
	uint32_t mode;

	(void)state;
	attach_ok(XDP_MODE_GENERIC);
	attach_ok(XDP_MODE_OFF);
	assert_false(now.attached);
	assert_non_null(strstr(now.note, "off"));
	assert_int_equal(running(&mode), 0);
	assert_int_equal(kernel_detach(&room.config, "kt0", &error), 0); /* nothing there: fine */
}

static void the_pin_of_an_interface_that_is_gone_is_no_hindrance(void **state)
{
	(void)state;
	attach_ok(XDP_MODE_AUTO);
	room_no_veth();
	room_veth();
	see_status();
	assert_false(now.attached);
	attach_ok(XDP_MODE_AUTO);
	assert_true(now.ours);
}

static void set_mtu(unsigned int mtu)
{
	char command[96];

	snprintf(command, sizeof(command), "ip link set kt0 mtu %u && ip link set kt1 mtu %u", mtu,
	         mtu);
	room_run(command);
}

static void a_large_mtu_gets_the_program_for_fragments(void **state)
{
	uint32_t program, link, mode;

	(void)state;
	set_mtu(9000);
	attach_ok(XDP_MODE_NATIVE);
	assert_true(now.native);
	assert_true(now.ours);
	program = now.program_id;
	assert_int_equal(running(&mode), program);
	assert_int_equal(mode, XDP_ATTACHED_DRV);
	assert_int_not_equal(program, pinned_program_id(MAPS_PIN_PROGRAM));
	assert_int_equal(program, pinned_program_id(MAPS_PIN_FRAGMENTS));
	link = link_id();
	assert_int_equal(kernel_upgrade(&room.config, "kt0", &now, &error), 0);
	assert_int_equal(now.program_id, program); /* the same code: nothing is changed */
	assert_int_equal(link_id(), link);
	attach_ok(XDP_MODE_GENERIC); /* which has more room without */
	assert_int_equal(now.program_id, pinned_program_id(MAPS_PIN_PROGRAM));
}

static void an_upgrade_finds_the_program_that_a_large_mtu_needs(void **state)
{
	uint32_t link;
	int other = other_program(BPF_F_XDP_HAS_FRAGS), link_fd;

	(void)state;
	set_mtu(9000);
	attach_ok(XDP_MODE_NATIVE);
	link = link_id();
	link_fd = maps_open_pin(room.pin_dir, "link-kt0", &error);
	assert_int_equal(bpf_link_update(link_fd, other, NULL), 0);
	close(link_fd);
	close(other);
	assert_int_equal(kernel_upgrade(&room.config, "kt0", &now, &error), 0);
	assert_true(now.ours);
	assert_int_equal(now.program_id, pinned_program_id(MAPS_PIN_FRAGMENTS));
	assert_int_equal(link_id(), link);
}

static void an_interface_with_a_dot_in_its_name_can_be_pinned(void **state)
{
	struct config_interface dotted = {.name = (char *)(uintptr_t) "kt0.5"};

	(void)state;
	room_run("ip link set kt0 down && ip link set kt0 name kt0.5 && ip link set kt0.5 up");
	assert_int_equal(kernel_attach(&room.config, &dotted, &now, &error), 0);
	assert_true(now.ours);
	assert_int_equal(kernel_detach(&room.config, "kt0.5", &error), 0);
	room_run("ip link set kt0.5 down && ip link set kt0.5 name kt0");
}

static void an_interface_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(kernel_status(&room.config, "nowhere", &now, &error), -ENODEV);
	assert_non_null(strstr(error.text, "nowhere"));
}

static void attaching_loads_what_is_not_loaded(void **state)
{
	(void)state;
	assert_int_equal(kernel_unpin(&room.config, &error), 0);
	attach_ok(XDP_MODE_AUTO);
	assert_true(now.ours);
}

/* ---- served addresses ---- */

static bool serves(const char *address, const char *interface)
{
	struct an_served *entries;
	struct endpoint wanted;
	size_t count;
	bool found = false;

	assert_int_equal(endpoint_parse(address, 53, &wanted), 0);
	assert_int_equal(served_find(&room.config, &entries, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		found |= entries[i].family == wanted.family &&
		         entries[i].ifindex == if_nametoindex(interface) &&
		         !memcmp(entries[i].address, wanted.address, 16) &&
		         entries[i].mac[0] == 0x02;
	free(entries);
	return found;
}

static bool told_within(struct served_watch *watch, int ms)
{
	struct pollfd poller = {.fd = served_watch_fd(watch), .events = POLLIN};

	while (poll(&poller, 1, ms) == 1)
		if (served_watch_read(watch))
			return true;
	return false;
}

static void wildcards_are_what_the_interface_and_lo_hold(void **state)
{
	struct endpoint listen[2] = {{.family = AN_FAMILY_IPV4, .port = 53},
	                             {.family = AN_FAMILY_IPV6, .port = 53}};
	struct served_watch *watch;

	(void)state;
	room.config.listen = listen;
	room.config.listen_count = 2;
	room_run("ip link set kt0 address 02:00:00:00:00:01");
	assert_int_equal(served_watch_open(&watch, &error), 0);
	assert_false(told_within(watch, 0));
	room_run("ip addr add 192.0.2.1/24 dev kt0 label kt0:1 && "
	         "ip addr add 203.0.113.9/32 dev lo && ip addr add 198.51.100.1/24 dev kt1 && "
	         "ip addr add 2001:db8::1/64 dev kt0 nodad");
	assert_true(told_within(watch, 2000));
	while (told_within(watch, 0))
		;
	assert_true(serves("192.0.2.1", "kt0"));
	assert_true(serves("2001:db8::1", "kt0"));
	assert_true(serves("203.0.113.9", "kt0"));
	assert_false(serves("198.51.100.1", "kt0"));
	assert_false(serves("127.0.0.1", "kt0"));
	room_run("ip addr del 192.0.2.1/24 dev kt0");
	assert_true(told_within(watch, 2000));
	assert_false(serves("192.0.2.1", "kt0"));
	served_watch_close(watch);
	room_run("ip addr del 203.0.113.9/32 dev lo");
}

int main(void)
{
#define ON_VETH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        ON_VETH(auto_on_veth_is_generic_and_says_why),
	        ON_VETH(native_by_name_is_native),
	        ON_VETH(attaching_again_changes_nothing),
	        ON_VETH(an_upgrade_replaces_the_program_in_the_same_link),
	        ON_VETH(an_older_version_answers_until_the_maps_are_filled),
	        ON_VETH(an_upgrade_by_hand_does_not_wait),
	        ON_VETH(detaching_takes_an_older_version_along),
	        ON_VETH(what_is_not_older_is_left_alone),
	        ON_VETH(the_program_stays_when_its_process_is_gone),
	        ON_VETH(somebody_elses_program_is_left_alone_and_named),
	        ON_VETH(off_detaches),
	        ON_VETH(the_pin_of_an_interface_that_is_gone_is_no_hindrance),
	        ON_VETH(a_large_mtu_gets_the_program_for_fragments),
	        ON_VETH(an_upgrade_finds_the_program_that_a_large_mtu_needs),
	        ON_VETH(an_interface_with_a_dot_in_its_name_can_be_pinned),
	        ON_VETH(an_interface_that_is_not_there_is_an_error),
	        ON_VETH(attaching_loads_what_is_not_loaded),
	        ON_VETH(wildcards_are_what_the_interface_and_lo_hold),
	};

	if (room_enter()) {
		print_error("a network namespace needs root\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel attach", tests, NULL, NULL);
}
