/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "kernel/maps.h"

/* Names in bpffs hold no dot, names of interfaces hold no colon. */
static char *link_path(const struct config *config, const char *interface, char *ret, size_t size)
{
	size_t start;

	snprintf(ret, size, "%s/" MAPS_PIN_LINK, config->pin_dir);
	start = strlen(ret);
	snprintf(ret + start, size - start, "%s", interface);
	for (char *at = ret + start; *at; at++)
		if (*at == '.')
			*at = ':';
	return ret;
}

int link_open(const struct config *config, const char *interface, unsigned int ifindex,
              struct link *ret, struct error *error)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	char path[MAPS_PATH_MAX];
	int fd = bpf_obj_get(link_path(config, interface, path, sizeof(path))), code;

	*ret = (struct link){.fd = -1};
	if (fd < 0)
		return errno == ENOENT
		               ? 0
		               : error_set(error, errno, NULL, 0, "%s: %s", path, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		code = error_set(error, errno, NULL, 0, "%s: %s", path, strerror(errno));
		close(fd);
		return code;
	}
	if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == ifindex) {
		*ret = (struct link){.fd = fd, .program_id = info.prog_id};
		return 0;
	}
	close(fd);
	if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == 0) {
		unlink(path);
		return 0;
	}
	return error_set(error, EEXIST, NULL, 0,
	                 "%s belongs to interface number %u (another network namespace?)", path,
	                 info.xdp.ifindex);
}

int link_make(const struct config *config, const char *interface, unsigned int ifindex,
              int program_fd, bool native)
{
	const struct bpf_link_create_opts opts = {
	        .sz = sizeof(opts), .flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE};
	int fd = bpf_link_create(program_fd, (int)ifindex, BPF_XDP, &opts), error;

	if (fd < 0)
		return -errno;
	error = link_pin(config, interface, fd);
	close(fd);
	return error;
}

int link_pin(const struct config *config, const char *interface, int fd)
{
	char path[MAPS_PATH_MAX];

	return bpf_obj_pin(fd, link_path(config, interface, path, sizeof(path))) ? -errno : 0;
}

void link_unpin(const struct config *config, const char *interface)
{
	char path[MAPS_PATH_MAX];

	unlink(link_path(config, interface, path, sizeof(path)));
}

int link_remove(const struct config *config, const char *interface, int fd)
{
	char path[MAPS_PATH_MAX];
	int error = bpf_link_detach(fd) ? -errno : 0;

	if (unlink(link_path(config, interface, path, sizeof(path))) && !error)
		error = -errno;
	return error;
}
