/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program and the interfaces. An interface without XDP gets a pinned
 * bpf_link; one with libxdp's dispatcher gets us beside the others; one with a
 * program of somebody else is left alone. Why: docs/adr/0003-attach.md.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* libxdp and base/config.h both have an XDP_MODE_NATIVE. */
#define XDP_MODE_UNSPEC LIBXDP_MODE_UNSPEC
#define XDP_MODE_NATIVE LIBXDP_MODE_NATIVE
#define XDP_MODE_SKB    LIBXDP_MODE_SKB
#define XDP_MODE_HW     LIBXDP_MODE_HW
#include <xdp/libxdp.h>
#undef XDP_MODE_UNSPEC
#undef XDP_MODE_NATIVE
#undef XDP_MODE_SKB
#undef XDP_MODE_HW

#include "base/log.h"
#include "kernel/link.h"
#include "kernel/maps.h"

#define PROGRAM_NAME "anamed_xdp"
#define SECTION_NAME "xdp"
/* A page, less the driver's headroom and the shared info behind the frame. */
#define MTU_WITHOUT_FRAGMENTS 3498

/* ---- about the interface ---- */

static int ask_interface(const char *interface, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifreq->ifr_name, sizeof(ifreq->ifr_name), "%s", interface);
	if (ioctl(fd, request, ifreq))
		error = -errno;
	close(fd);
	return error;
}

static bool is_veth(const char *interface)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifreq = {.ifr_data = (char *)&info};

	return !ask_interface(interface, SIOCETHTOOL, &ifreq) && !strcmp(info.driver, "veth");
}

static int mtu_of(const char *interface)
{
	struct ifreq ifreq = {0};

	return ask_interface(interface, SIOCGIFMTU, &ifreq) ? 0 : ifreq.ifr_mtu;
}

/* ---- beside others, under libxdp's dispatcher ---- */

/* Ours in the chain that is not the program `but`; NULL: none. Belongs to the chain. */
static struct xdp_program *chain_find(const struct config *config, struct xdp_multiprog *chain,
                                      const struct maps_program *but)
{
	struct xdp_program *at = NULL;

	while ((at = xdp_multiprog__next_prog(at, chain))) {
		struct maps_program program;

		if (strncmp(xdp_program__name(at), PROGRAM_NAME, sizeof(program.name) - 1) ||
		    maps_program_read(xdp_program__fd(at), &program) ||
		    !maps_program_is_ours(config->pin_dir, &program))
			continue;
		if (!but || memcmp(program.tag, but->tag, sizeof(but->tag)))
			return at;
	}
	return NULL;
}

/* libxdp loads the object itself, as a program of type EXT. */
static int chain_add(const struct config *config, struct xdp_multiprog *chain, unsigned int ifindex,
                     struct error *error)
{
	struct maps_object *object;
	struct xdp_program *program;
	int code = maps_object_open(config, &object, error);

	if (code)
		return code;
	program = xdp_program__from_bpf_obj(maps_object_bpf(object), SECTION_NAME);
	code = (int)libxdp_get_error(program);
	if (!code) {
		code = xdp_program__attach(program, (int)ifindex, xdp_multiprog__attach_mode(chain),
		                           0);
		xdp_program__close(program);
	}
	maps_object_close(object);
	if (code)
		return error_set(
		        error, -code, NULL, 0,
		        "joining the dispatcher that is attached: %s (from Linux 6.12 on its "
		        "dispatcher must be of libxdp 1.5.5 or newer)",
		        strerror(-code));
	return 0;
}

/* Attaches the new one before the old one goes: both answer alike, and one always does. */
static int chain_attach(const struct config *config, struct xdp_multiprog *chain,
                        unsigned int ifindex, const struct maps_program *pinned,
                        struct error *error)
{
	struct xdp_program *old = chain_find(config, chain, pinned);
	int code;

	if (!old && chain_find(config, chain, NULL))
		return 0;
	code = chain_add(config, chain, ifindex, error);
	if (code || !old)
		return code;
	code = xdp_program__detach(old, (int)ifindex, xdp_multiprog__attach_mode(chain), 0);
	if (code)
		return error_set(error, -code, NULL, 0, "taking the old program out: %s",
		                 strerror(-code));
	return 0;
}

static int chain_detach(const struct config *config, struct xdp_multiprog *chain,
                        unsigned int ifindex, struct error *error)
{
	struct xdp_program *ours = chain_find(config, chain, NULL);
	int code;

	if (!ours)
		return 0;
	code = xdp_program__detach(ours, (int)ifindex, xdp_multiprog__attach_mode(chain), 0);
	if (code)
		return error_set(error, -code, NULL, 0, "leaving the dispatcher: %s",
		                 strerror(-code));
	return 0;
}

/* ---- what is there ---- */

struct found {
	unsigned int ifindex;
	struct link link;
	uint32_t program_id; /* 0: no XDP program */
	bool native;
	struct xdp_multiprog *chain; /* NULL unless there is a dispatcher */
};

static int no_libxdp_output(enum libxdp_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0; /* every failure comes back as a code, and is told by us */
}

static void found_done(struct found *found)
{
	if (found->link.fd >= 0)
		close(found->link.fd);
	if (found->chain)
		xdp_multiprog__close(found->chain);
	*found = (struct found){.link.fd = -1};
}

static int found_read(const char *interface, struct found *found, struct error *error)
{
	int code = maps_running((int)found->ifindex, &found->program_id, &found->native);

	if (code)
		return error_set(error, -code, NULL, 0, "%s: asking for its XDP program: %s",
		                 interface, strerror(-code));
	return 0;
}

static void found_chain(struct found *found)
{
	struct xdp_multiprog *chain;

	if (!found->program_id || found->link.fd >= 0)
		return;
	libxdp_set_print(no_libxdp_output);
	chain = xdp_multiprog__get_from_ifindex((int)found->ifindex);
	if (libxdp_get_error(chain))
		return;
	if (xdp_multiprog__is_legacy(chain))
		xdp_multiprog__close(chain);
	else
		found->chain = chain;
}

static int look(const struct config *config, const char *interface, struct found *ret,
                struct error *error)
{
	int code;

	*ret = (struct found){.ifindex = if_nametoindex(interface), .link.fd = -1};
	if (!ret->ifindex)
		return error_set(error, ENODEV, NULL, 0, "there is no interface %s", interface);
	code = link_open(config, interface, ret->ifindex, &ret->link, error);
	if (!code)
		code = found_read(interface, ret, error);
	if (code)
		found_done(ret);
	else
		found_chain(ret);
	return code;
}

/* The program that is pinned; loaded first if nothing is. */
static int pinned_program(const struct config *config, struct maps_program *ret,
                          struct error *error)
{
	int fd = maps_open_pin(config->pin_dir, MAPS_PIN_PROGRAM, error), code;

	if (fd == -ENOENT) {
		code = kernel_load(config, error);
		fd = code ? code : maps_open_pin(config->pin_dir, MAPS_PIN_PROGRAM, error);
	}
	if (fd < 0)
		return fd;
	code = maps_program_read(fd, ret);
	if (!code)
		return fd;
	close(fd);
	return error_set(error, -code, NULL, 0, "%s/" MAPS_PIN_PROGRAM ": %s", config->pin_dir,
	                 strerror(-code));
}

static void note_foreign(const struct found *found, int pinned, struct kernel_attachment *ret)
{
	bool denied = pinned == -EACCES || pinned == -EPERM;

	snprintf(ret->note, sizeof(ret->note), "%s",
	         denied                ? "it takes privilege to tell whose program this is"
	         : found->link.fd >= 0 ? "an older program of ours runs: upgrade replaces it"
	                               : "the program is not ours");
}

static void report(const struct config *config, const char *interface, const struct found *found,
                   struct kernel_attachment *ret)
{
	struct maps_program pinned = {0}, running = {0};
	int fd = maps_open_pin(config->pin_dir, MAPS_PIN_PROGRAM, NULL);
	struct xdp_program *ours = found->chain ? chain_find(config, found->chain, NULL) : NULL;

	snprintf(ret->interface, sizeof(ret->interface), "%s", interface);
	ret->ifindex = found->ifindex;
	ret->attached = found->program_id != 0 && (!found->chain || ours);
	ret->native = found->native;
	ret->dispatcher = ours != NULL;
	ret->program_id = ours ? xdp_program__id(ours) : found->chain ? 0 : found->program_id;
	if (fd >= 0 && !maps_program_read(fd, &pinned) && ret->program_id) {
		/* By id alone where that does: it takes privilege to open a program by its id. */
		ret->ours = ret->program_id == pinned.id;
		if (!ret->ours && ours && !maps_program_by_id(ret->program_id, &running))
			ret->ours = !memcmp(running.tag, pinned.tag, sizeof(pinned.tag));
	}
	if (fd >= 0)
		close(fd);
	if (ret->attached && !ret->ours)
		note_foreign(found, fd, ret);
}

int kernel_status(const struct config *config, const char *interface, struct kernel_attachment *ret,
                  struct error *error)
{
	struct found found;
	int code = look(config, interface, &found, error);

	if (code)
		return code;
	memset(ret, 0, sizeof(*ret));
	report(config, interface, &found, ret);
	if (found.chain && !ret->attached)
		snprintf(ret->note, sizeof(ret->note),
		         "a dispatcher with programs of others is attached");
	found_done(&found);
	return 0;
}

/* ---- attaching ---- */

static void note_refusal(struct kernel_attachment *ret, const char *interface, int code)
{
	int mtu = mtu_of(interface);

	snprintf(ret->note, sizeof(ret->note), "native refused: %s", strerror(-code));
	if (mtu > MTU_WITHOUT_FRAGMENTS)
		snprintf(ret->note, sizeof(ret->note),
		         "native refused: %s; the MTU is %d, and a program without fragments takes "
		         "about %d",
		         strerror(-code), mtu, MTU_WITHOUT_FRAGMENTS);
	log_notice("%s: %s", interface, ret->note);
}

/* A link in the first mode that the interface takes, of those that the configuration allows. */
static int attach_new(const struct config *config, const struct config_interface *interface,
                      const struct found *found, int program_fd, struct kernel_attachment *ret)
{
	enum xdp_mode mode = interface->xdp;
	int code = -EOPNOTSUPP;

	if (mode == XDP_MODE_AUTO && is_veth(interface->name)) {
		snprintf(ret->note, sizeof(ret->note),
		         "veth: generic, since native replies arrive only where the peer has a "
		         "program too");
		log_notice("%s: %s", interface->name, ret->note);
		mode = XDP_MODE_GENERIC;
	}
	if (mode != XDP_MODE_GENERIC) {
		code = link_make(config, interface->name, found->ifindex, program_fd, true);
		if (code)
			note_refusal(ret, interface->name, code);
	}
	if (mode == XDP_MODE_GENERIC || (mode == XDP_MODE_AUTO && code))
		code = link_make(config, interface->name, found->ifindex, program_fd, false);
	return code;
}

static bool mode_is_wrong(const struct config_interface *interface, const struct found *found)
{
	return (interface->xdp == XDP_MODE_NATIVE && !found->native) ||
	       (interface->xdp == XDP_MODE_GENERIC && found->native);
}

/* Our own link: another program goes in without a gap; another mode needs a new link. */
static int attach_again(const struct config *config, const struct config_interface *interface,
                        struct found *found, int program_fd, const struct maps_program *pinned,
                        struct kernel_attachment *ret)
{
	int code;

	if (mode_is_wrong(interface, found)) {
		log_notice("%s: attached %s, configured %s: attaching anew", interface->name,
		           found->native ? "native" : "generic",
		           found->native ? "generic" : "native");
		code = link_remove(config, interface->name, found->link.fd);
		return code ? code : attach_new(config, interface, found, program_fd, ret);
	}
	if (found->link.program_id == pinned->id)
		return 0;
	if (bpf_link_update(found->link.fd, program_fd, NULL))
		return -errno;
	log_notice("%s: program %u replaced by %u", interface->name, found->link.program_id,
	           pinned->id);
	return 0;
}

static int refuse_foreign(const char *interface, const struct found *found, struct error *error)
{
	struct maps_program program = {0};

	maps_program_by_id(found->program_id, &program);
	return error_set(
	        error, EBUSY, NULL, 0,
	        "%s runs XDP program %u (%s) of somebody else, without libxdp's dispatcher: "
	        "detach it first",
	        interface, found->program_id, program.name);
}

static int attach_found(const struct config *config, const struct config_interface *interface,
                        struct found *found, struct kernel_attachment *ret, struct error *error)
{
	struct maps_program pinned;
	int program_fd = pinned_program(config, &pinned, error), code;

	if (program_fd < 0)
		return program_fd;
	if (found->link.fd >= 0) {
		code = attach_again(config, interface, found, program_fd, &pinned, ret);
	} else if (found->chain) {
		code = chain_attach(config, found->chain, found->ifindex, &pinned, error);
		close(program_fd);
		return code;
	} else if (found->program_id && found->program_id != pinned.id) {
		code = refuse_foreign(interface->name, found, error);
		close(program_fd);
		return code;
	} else {
		code = found->program_id ? 0
		                         : attach_new(config, interface, found, program_fd, ret);
	}
	close(program_fd);
	if (code && interface->xdp == XDP_MODE_AUTO) {
		snprintf(ret->note, sizeof(ret->note), "no mode works: %s", strerror(-code));
		log_warning("%s: not attached: %s", interface->name, ret->note);
		return 0;
	}
	if (code)
		error_set(error, -code, NULL, 0, "%s: attaching: %s%s%s", interface->name,
		          strerror(-code), ret->note[0] ? "; " : "", ret->note);
	return code;
}

int kernel_attach(const struct config *config, const struct config_interface *interface,
                  struct kernel_attachment *ret, struct error *error)
{
	struct kernel_attachment now = {0};
	struct found found;
	int code;

	if (interface->xdp == XDP_MODE_OFF) {
		code = kernel_detach(config, interface->name, error);
		if (!code)
			code = kernel_status(config, interface->name, ret, error);
		if (!code)
			snprintf(ret->note, sizeof(ret->note), "off by configuration");
		return code;
	}
	code = look(config, interface->name, &found, error);
	if (code)
		return code;
	code = attach_found(config, interface, &found, &now, error);
	found_done(&found);
	if (!code)
		code = look(config, interface->name, &found, error);
	if (code)
		return code;
	report(config, interface->name, &found, &now);
	found_done(&found);
	log_notice("%s: %s%s%s, program %u", interface->name,
	           now.attached ? "attached, " : "not attached",
	           !now.attached ? ""
	           : now.native  ? "native"
	                         : "generic",
	           now.dispatcher ? ", under the dispatcher" : "", now.program_id);
	*ret = now;
	return 0;
}

int kernel_detach(const struct config *config, const char *interface, struct error *error)
{
	struct found found;
	int code = look(config, interface, &found, error);

	if (code)
		return code;
	if (found.link.fd >= 0) {
		code = link_remove(config, interface, found.link.fd);
		if (code)
			error_set(error, -code, NULL, 0, "%s: detaching: %s", interface,
			          strerror(-code));
	} else if (found.chain) {
		code = chain_detach(config, found.chain, found.ifindex, error);
	}
	found_done(&found);
	return code;
}

int kernel_upgrade(const struct config *config, const char *interface,
                   struct kernel_attachment *ret, struct error *error)
{
	struct config_interface wanted = {.xdp = XDP_MODE_AUTO};
	int code = kernel_load(config, error);

	if (code)
		return code;
	/* A mode that is asked for by name stays asked for. */
	for (size_t i = 0; i < config->interfaces_count; i++)
		if (!strcmp(config->interfaces[i].name, interface))
			wanted.xdp = config->interfaces[i].xdp;
	wanted.name = strdup(interface);
	if (!wanted.name)
		return error_set(error, ENOMEM, NULL, 0, "no memory");
	code = kernel_attach(config, &wanted, ret, error);
	free(wanted.name);
	return code;
}
