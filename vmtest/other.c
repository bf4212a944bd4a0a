/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * other - somebody else's tool that attaches XDP programs through libxdp.
 *
 *   other attach IFACE skb|native PRIORITY OBJECT [CONTROL]
 *   other detach IFACE     takes off every program named "other"
 *   other list IFACE       the chain, a name and a priority a line
 *   other seen IFACE       packets that the program named "other" has counted
 *
 * CONTROL, a pinned map, takes the place of the object's map "control". Exit status 0 or 1.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

static int fail(const char *what, int code)
{
	fprintf(stderr, "other: %s: %s\n", what, strerror(code < 0 ? -code : code));
	return 1;
}

/* Its control block is the pinned one, if one is named. */
static struct bpf_object *open_object(const char *path, const char *control)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;
	int fd;

	if (!object || !control)
		return object;
	map = bpf_object__find_map_by_name(object, "control");
	fd = bpf_obj_get(control);
	if (!map || fd < 0 || bpf_map__reuse_fd(map, fd))
		return NULL;
	close(fd);
	return object;
}

static int attach(int ifindex, const char *mode, unsigned int priority, const char *path,
                  const char *control)
{
	struct bpf_object *object = open_object(path, control);
	struct xdp_program *program;
	int code;

	if (!object)
		return fail(path, 2);
	program = xdp_program__from_bpf_obj(object, "xdp");
	code = (int)libxdp_get_error(program);
	if (code)
		return fail("program", code);
	xdp_program__set_run_prio(program, priority);
	xdp_program__set_chain_call_enabled(program, 2, true); /* XDP_PASS */
	code = xdp_program__attach(program, ifindex,
	                           strcmp(mode, "native") ? XDP_MODE_SKB : XDP_MODE_NATIVE, 0);
	return code ? fail("attach", code) : 0;
}

static struct xdp_multiprog *chain_of(int ifindex)
{
	struct xdp_multiprog *chain = xdp_multiprog__get_from_ifindex(ifindex);

	return libxdp_get_error(chain) ? NULL : chain;
}

static int detach(int ifindex)
{
	struct xdp_multiprog *chain = chain_of(ifindex);
	struct xdp_program *at = NULL;
	int code = 0;

	while (chain && (at = xdp_multiprog__next_prog(at, chain)))
		if (!strcmp(xdp_program__name(at), "other") && !code)
			code = xdp_program__detach(at, ifindex, xdp_multiprog__attach_mode(chain),
			                           0);
	return code ? fail("detach", code) : 0;
}

static int list(int ifindex)
{
	struct xdp_multiprog *chain = chain_of(ifindex);
	struct xdp_program *at = NULL;

	if (!chain)
		return fail("no program", 2);
	if (xdp_multiprog__is_legacy(chain))
		return fail("no dispatcher", 2);
	while ((at = xdp_multiprog__next_prog(at, chain)))
		printf("%s %u\n", xdp_program__name(at), xdp_program__run_prio(at));
	return 0;
}

static int seen(int ifindex)
{
	struct xdp_multiprog *chain = chain_of(ifindex);
	struct xdp_program *at = NULL;
	struct bpf_prog_info info = {0};
	__u32 map = 0, len = sizeof(info), first = 0;
	__u64 value;
	int fd;

	while (chain && (at = xdp_multiprog__next_prog(at, chain)))
		if (!strcmp(xdp_program__name(at), "other"))
			break;
	info.nr_map_ids = 1;
	info.map_ids = (__u64)(uintptr_t)&map;
	if (!at || bpf_obj_get_info_by_fd(xdp_program__fd(at), &info, &len))
		return fail("no such program", 2);
	fd = bpf_map_get_fd_by_id(map);
	if (fd < 0 || bpf_map_lookup_elem(fd, &first, &value))
		return fail("its map", 2);
	printf("%llu\n", value);
	return 0;
}

int main(int count, char **words)
{
	int ifindex = count > 2 ? (int)if_nametoindex(words[2]) : 0;

	if (ifindex && count >= 6 && !strcmp(words[1], "attach"))
		return attach(ifindex, words[3], (unsigned int)atoi(words[4]), words[5],
		              count > 6 ? words[6] : NULL);
	if (ifindex && !strcmp(words[1], "detach"))
		return detach(ifindex);
	if (ifindex && !strcmp(words[1], "list"))
		return list(ifindex);
	if (ifindex && !strcmp(words[1], "seen"))
		return seen(ifindex);
	fprintf(stderr, "usage: other attach IFACE skb|native PRIORITY OBJECT [CONTROL] | "
	                "detach|list|seen IFACE\n");
	return 1;
}
