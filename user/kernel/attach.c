/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program and the interfaces. An interface without XDP gets a pinned
 * bpf_link; one with libxdp's dispatcher gets us beside the others; one with a
 * program of somebody else is left alone. Why: docs/adr/0003-attach.md.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/chain.h"
#include "kernel/link.h"
#include "kernel/maps.h"
#include "kernel/nic.h"
#include "kernel/takeover.h"

/* ---- what is there ---- */

struct found {
	unsigned int ifindex;
	struct link link;
	uint32_t program_id; /* 0: no XDP program */
	bool native;
	struct chain *chain; /* NULL unless there is a dispatcher */
};

static void found_done(struct found *found)
{
	if (found->link.fd >= 0)
		close(found->link.fd);
	chain_close(found->chain);
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
	else if (ret->program_id && ret->link.fd < 0)
		ret->chain = chain_open(ret->ifindex);
	return code;
}

/* A pinned program, and what it is; loaded first if it is not there. */
static int pinned_program(const struct config *config, const char *name,
                          int (*load)(const struct config *, struct error *),
                          struct maps_program *ret, struct error *error)
{
	int fd = maps_open_pin(config->pin_dir, name, error), code;

	if (fd == -ENOENT) {
		code = load(config, error);
		fd = code ? code : maps_open_pin(config->pin_dir, name, error);
	}
	if (fd < 0)
		return fd;
	code = maps_program_read(fd, ret);
	if (!code)
		return fd;
	close(fd);
	return error_set(error, -code, NULL, 0, "%s/%s: %s", config->pin_dir, name,
	                 strerror(-code));
}

/* 0: none. */
static uint32_t pinned_id(const struct config *config, const char *name)
{
	int fd = maps_open_pin(config->pin_dir, name, NULL);
	struct maps_program program;
	uint32_t id = fd >= 0 && !maps_program_read(fd, &program) ? program.id : 0;

	if (fd >= 0)
		close(fd);
	return id;
}

static void note_unknown(struct kernel_attachment *ret)
{
	snprintf(ret->note, sizeof(ret->note), "it takes privilege to tell whose program this is");
}

static void note_foreign(const struct found *found, int pinned, struct kernel_attachment *ret)
{
	if (pinned == -EACCES || pinned == -EPERM)
		note_unknown(ret);
	else
		snprintf(ret->note, sizeof(ret->note), "%s",
		         found->link.fd >= 0 ? "an older program of ours runs: upgrade replaces it"
		                             : "the program is not ours");
}

static void report(const struct config *config, const char *interface, const struct found *found,
                   struct kernel_attachment *ret)
{
	struct maps_program pinned = {0}, running = {0};
	int fd = maps_open_pin(config->pin_dir, MAPS_PIN_PROGRAM, NULL);
	uint32_t ours = found->chain ? chain_program(config, found->chain) : 0;

	snprintf(ret->interface, sizeof(ret->interface), "%s", interface);
	ret->ifindex = found->ifindex;
	ret->attached = found->program_id != 0 && (!found->chain || ours);
	ret->native = found->native;
	ret->dispatcher = ours != 0;
	ret->program_id = found->chain ? ours : found->program_id;
	if (fd >= 0 && !maps_program_read(fd, &pinned) && ret->program_id) {
		/* By id alone where that does: it takes privilege to open a program by its id. */
		ret->ours = ret->program_id == pinned.id ||
		            ret->program_id == pinned_id(config, MAPS_PIN_FRAGMENTS);
		if (!ret->ours && ours && !maps_program_by_id(ret->program_id, &running))
			ret->ours = !memcmp(running.tag, pinned.tag, sizeof(pinned.tag));
	}
	if (fd >= 0)
		close(fd);
	if (ret->attached && !ret->ours && !ret->waiting)
		note_foreign(found, fd, ret);
	else if (ret->attached && !ret->note[0] && nic_hides_vlans(interface))
		snprintf(ret->note, sizeof(ret->note),
		         "frames of VLANs lose their tag before the program and would be answered "
		         "without: ethtool -K %s rxvlan off",
		         interface);
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

static bool look_at_nothing(struct kernel_attachment *attachment, unsigned int ifindex)
{
	if (!attachment->attached && attachment->ifindex == ifindex)
		return false;
	snprintf(attachment->note, sizeof(attachment->note), "%s",
	         ifindex ? "no program runs there any more" : "the interface is gone");
	attachment->attached = attachment->waiting = attachment->ours = false;
	attachment->program_id = 0;
	attachment->ifindex = ifindex;
	return true;
}

bool kernel_look_again(struct kernel_attachment *attachment)
{
	unsigned int ifindex = if_nametoindex(attachment->interface);
	uint32_t program = 0;
	bool native = false;

	if (ifindex && maps_running((int)ifindex, &program, &native))
		return false;
	if (!program)
		return look_at_nothing(attachment, ifindex);
	attachment->ifindex = ifindex;
	/* Under a dispatcher the number is the dispatcher's. */
	if (program == attachment->program_id || attachment->dispatcher)
		return false;
	attachment->attached = true;
	attachment->waiting = attachment->ours = false;
	attachment->native = native;
	attachment->program_id = program;
	note_unknown(attachment);
	return true;
}

/* ---- attaching ---- */

static void note_refusal(struct kernel_attachment *ret, const char *interface, int code)
{
	int mtu = nic_mtu(interface);

	snprintf(ret->note, sizeof(ret->note), "native refused: %s", strerror(-code));
	if (mtu > NIC_MTU_WITHOUT_FRAGMENTS)
		snprintf(ret->note, sizeof(ret->note),
		         "native refused: %s; the MTU is %d, and without fragments a driver takes "
		         "about %d",
		         strerror(-code), mtu, NIC_MTU_WITHOUT_FRAGMENTS);
}

/* Why not always: from Linux 6.9 on, generic mode leaves such a program no room to grow in. */
static int fragments_program(const struct config *config)
{
	struct maps_program program;
	struct error error = {0};
	int fd =
	        pinned_program(config, MAPS_PIN_FRAGMENTS, kernel_load_fragments, &program, &error);

	if (fd < 0)
		log_notice("a program for a large MTU: %s", error.text);
	return fd;
}

static int attach_native(const struct config *config, const char *interface, unsigned int ifindex,
                         int program_fd)
{
	int code = link_make(config, interface, ifindex, program_fd, true), fd;

	if (!code || nic_mtu(interface) <= NIC_MTU_WITHOUT_FRAGMENTS)
		return code;
	fd = fragments_program(config);
	if (fd < 0)
		return code;
	code = link_make(config, interface, ifindex, fd, true);
	close(fd);
	return code;
}

/* A link in the first mode that the interface takes, of those that the configuration allows. */
static int attach_new(const struct config *config, const struct config_interface *interface,
                      const struct found *found, int program_fd, struct kernel_attachment *ret)
{
	enum xdp_mode mode = interface->xdp;
	int code = -EOPNOTSUPP;

	if (mode == XDP_MODE_AUTO && nic_is_veth(interface->name)) {
		snprintf(ret->note, sizeof(ret->note),
		         "veth: generic, since native replies arrive only where the peer has a "
		         "program too");
		mode = XDP_MODE_GENERIC;
	}
	if (mode != XDP_MODE_GENERIC) {
		code = attach_native(config, interface->name, found->ifindex, program_fd);
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

/* Another program goes into our own link, without a gap. */
static int update(const struct config *config, const char *interface, const struct found *found,
                  int program_fd, const struct maps_program *pinned)
{
	struct maps_program program = *pinned;
	int code = 0, fd;

	if (!bpf_link_update(found->link.fd, program_fd, NULL))
		goto done;
	code = -errno;
	if (!found->native || nic_mtu(interface) <= NIC_MTU_WITHOUT_FRAGMENTS)
		return code;
	fd = pinned_program(config, MAPS_PIN_FRAGMENTS, kernel_load_fragments, &program, NULL);
	if (fd < 0)
		return code;
	code = bpf_link_update(found->link.fd, fd, NULL) ? -errno : 0;
	close(fd);
	if (code)
		return code;
done:
	log_notice("%s: program %u replaced by %u", interface, found->link.program_id, program.id);
	return 0;
}

static bool runs_pinned(const struct config *config, const struct found *found,
                        const struct maps_program *pinned)
{
	uint32_t id = found->link.program_id;

	return id == pinned->id || id == pinned_id(config, MAPS_PIN_FRAGMENTS);
}

/* The program in our link has maps of its own, full ones, where ours may be empty yet. */
static bool has_other_maps(const struct config *config, const struct found *found)
{
	struct maps_program program;

	return !maps_program_by_id(found->link.program_id, &program) &&
	       !maps_program_is_ours(config->pin_dir, &program);
}

/* Our own link. Another mode needs a new one. */
static int attach_again(const struct config *config, const struct config_interface *interface,
                        struct found *found, int program_fd, const struct maps_program *pinned,
                        struct kernel_attachment *ret)
{
	int code;

	if (ret->waiting && has_other_maps(config, found)) {
		snprintf(ret->note, sizeof(ret->note),
		         "an older program of ours answers until the maps are filled");
		return 0;
	}
	ret->waiting = false;
	if (mode_is_wrong(interface, found)) {
		log_notice("%s: attached %s, configured %s: attaching anew", interface->name,
		           found->native ? "native" : "generic",
		           found->native ? "generic" : "native");
		code = link_remove(config, interface->name, found->link.fd);
		return code ? code : attach_new(config, interface, found, program_fd, ret);
	}
	if (runs_pinned(config, found, pinned))
		return 0;
	return update(config, interface->name, found, program_fd, pinned);
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
	int program_fd = pinned_program(config, MAPS_PIN_PROGRAM, kernel_load, &pinned, error);
	int code;

	if (program_fd < 0)
		return program_fd;
	if (found->link.fd >= 0) {
		code = attach_again(config, interface, found, program_fd, &pinned, ret);
	} else if (found->chain) {
		ret->waiting = false;
		code = chain_attach(config, found->chain, &pinned, error);
		close(program_fd);
		return code;
	} else if (found->program_id && found->program_id != pinned.id) {
		code = refuse_foreign(interface->name, found, error);
		close(program_fd);
		return code;
	} else {
		ret->waiting = false;
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

/* may_wait: a program with other maps stays until kernel_swap(). */
static int attach(const struct config *config, const struct config_interface *interface,
                  bool may_wait, struct kernel_attachment *ret, struct error *error)
{
	struct kernel_attachment now = {.waiting = may_wait};
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
	if (found.program_id && found.link.fd < 0 && !found.chain)
		code = takeover_link(config, interface->name, found.ifindex, &found.link, error);
	if (!code)
		code = attach_found(config, interface, &found, &now, error);
	found_done(&found);
	if (!code)
		code = look(config, interface->name, &found, error);
	if (code)
		return code;
	report(config, interface->name, &found, &now);
	found_done(&found);
	*ret = now;
	return 0;
}

int kernel_attach(const struct config *config, const struct config_interface *interface,
                  struct kernel_attachment *ret, struct error *error)
{
	return attach(config, interface, true, ret, error);
}

int kernel_detach(const struct config *config, const char *interface, struct error *error)
{
	struct found found;
	int code = look(config, interface, &found, error);

	if (code)
		return code;
	if (found.program_id && found.link.fd < 0 && !found.chain)
		code = takeover_link(config, interface, found.ifindex, &found.link, error);
	if (!code && found.link.fd >= 0) {
		code = link_remove(config, interface, found.link.fd);
		if (code)
			error_set(error, -code, NULL, 0, "%s: detaching: %s", interface,
			          strerror(-code));
	} else if (!code && found.chain) {
		code = chain_detach(config, found.chain, error);
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
	code = attach(config, &wanted, false, ret, error);
	free(wanted.name);
	return code;
}

/* ---- the swap ---- */

int kernel_swap_open(const struct config *config, const struct kernel_attachment *attachment,
                     struct kernel_swap *ret, struct error *error)
{
	struct link link;
	int code;

	*ret = (struct kernel_swap){-1, -1, -1};
	code = link_open(config, attachment->interface, attachment->ifindex, &link, error);
	if (code)
		return code;
	ret->link_fd = link.fd;
	ret->program_fd = maps_open_pin(config->pin_dir, MAPS_PIN_PROGRAM, error);
	if (attachment->native && nic_mtu(attachment->interface) > NIC_MTU_WITHOUT_FRAGMENTS)
		ret->fragments_fd = fragments_program(config);
	if (ret->link_fd >= 0 && ret->program_fd >= 0)
		return 0;
	code = ret->program_fd < 0 ? ret->program_fd : -ENOENT;
	kernel_swap_close(ret);
	return code;
}

int kernel_swap(struct kernel_swap *swap, struct kernel_attachment *attachment, struct error *error)
{
	int fd = swap->program_fd, code = 0;
	struct maps_program program;

	if (bpf_link_update(swap->link_fd, fd, NULL)) {
		code = -errno;
		fd = swap->fragments_fd;
		if (fd >= 0)
			code = bpf_link_update(swap->link_fd, fd, NULL) ? -errno : 0;
	}
	if (code)
		return error_set(error, -code, NULL, 0, "%s: replacing program %u: %s",
		                 attachment->interface, attachment->program_id, strerror(-code));
	attachment->waiting = false;
	attachment->ours = true;
	attachment->note[0] = '\0';
	if (!maps_program_read(fd, &program))
		attachment->program_id = program.id;
	return 0;
}

void kernel_swap_close(struct kernel_swap *swap)
{
	if (swap->link_fd >= 0)
		close(swap->link_fd);
	if (swap->program_fd >= 0)
		close(swap->program_fd);
	if (swap->fragments_fd >= 0)
		close(swap->fragments_fd);
	*swap = (struct kernel_swap){-1, -1, -1};
}
