/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/bring_up.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/privilege.h"
#include "control/report.h"

bool bring_up_wanted(const struct config *config)
{
	for (size_t i = 0; i < config->interfaces_count; i++) {
		if (config->interfaces[i].xdp != XDP_MODE_OFF)
			return true;
	}
	return false;
}

char *bring_up_words(const struct kernel_attachment *attachment, char *ret, size_t size)
{
	if (!attachment->attached)
		snprintf(ret, size, "not attached");
	else
		snprintf(ret, size, "attached, %s mode, %s, program %u%s",
		         attachment->native ? "native" : "generic",
		         attachment->dispatcher ? "under libxdp's dispatcher" : "as a pinned link",
		         attachment->program_id,
		         attachment->ours ? "" : " (another program than the one pinned)");
	if (attachment->note[0]) {
		size_t len = strlen(ret);

		snprintf(ret + len, size - len, " (%s)", attachment->note);
	}
	return ret;
}

size_t bring_up_attach(const struct config *config, const char *only, struct kernel_attachment *ret)
{
	size_t failed = 0;

	for (size_t i = 0; i < config->interfaces_count; i++) {
		const struct config_interface *interface = &config->interfaces[i];
		struct error error = {0};
		char text[1024];

		memset(&ret[i], 0, sizeof(ret[i]));
		snprintf(ret[i].interface, sizeof(ret[i].interface), "%s", interface->name);
		if (interface->xdp == XDP_MODE_OFF || (only && strcmp(only, interface->name) != 0))
			continue;
		if (kernel_attach(config, interface, &ret[i], &error)) {
			log_error("xdp: %s: %s", interface->name,
			          error_text(&error, text, sizeof(text)));
			failed++;
			continue;
		}
		log_notice("xdp: %s: %s", interface->name,
		           bring_up_words(&ret[i], text, sizeof(text)));
	}
	return failed;
}

/* ---- one writer ---- */

int bring_up_lock(const char *pin_dir, struct error *error)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), "%s/lock", pin_dir);
	mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, errno, path, 0, "%s", strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err = errno == EWOULDBLOCK ? EBUSY : errno;
	close(fd);
	return error_set(error, err, pin_dir, 0, "%s",
	                 err == EBUSY ? "another daemon writes these maps" : strerror(err));
}

int bring_up_unpin(const struct config *config, struct error *error)
{
	char path[512];
	int lock;

	if (access(config->pin_dir, F_OK) && errno == ENOENT)
		return 0;
	lock = bring_up_lock(config->pin_dir, error);
	if (lock < 0)
		return lock;
	snprintf(path, sizeof(path), "%s/lock", config->pin_dir);
	rmdir(path);
	close(lock);
	return kernel_unpin(config, error);
}

/* ---- the daemon's start ---- */

/* What runs now, where nothing may be changed. */
static void read_back(const struct config *config, struct kernel_attachment *ret)
{
	for (size_t i = 0; i < config->interfaces_count; i++) {
		const char *name = config->interfaces[i].name;
		struct error error = {0};
		char text[1024];

		memset(&ret[i], 0, sizeof(ret[i]));
		snprintf(ret[i].interface, sizeof(ret[i].interface), "%s", name);
		if (config->interfaces[i].xdp == XDP_MODE_OFF)
			continue;
		if (kernel_status(config, name, &ret[i], &error))
			log_warning("xdp: %s: %s", name, error_text(&error, text, sizeof(text)));
		else
			log_notice("xdp: %s: %s", name,
			           bring_up_words(&ret[i], text, sizeof(text)));
	}
}

static struct kernel_maps *open_pinned(const struct config *config, int *ret_err)
{
	struct kernel_maps *maps = NULL;
	struct error error = {0};
	char text[1024];

	*ret_err = kernel_open(config->pin_dir, &maps, &error);
	if (!*ret_err)
		log_notice("xdp: maps under %s are open", config->pin_dir);
	else if (*ret_err != -ENOENT)
		log_error("xdp: %s", error_text(&error, text, sizeof(text)));
	return *ret_err ? NULL : maps;
}

struct kernel_maps *bring_up_kernel(const struct config *config, struct kernel_attachment *ret)
{
	struct kernel_maps *maps;
	struct error error = {0};
	char text[1024];
	int err;

	if (privilege_may_attach()) {
		/* Takes over what is pinned, or begins. */
		if (kernel_load(config, &error)) {
			log_error("xdp: %s; queries are answered without it",
			          error_text(&error, text, sizeof(text)));
			return NULL;
		}
		log_notice("xdp: the program and its maps are pinned under %s", config->pin_dir);
		bring_up_attach(config, NULL, ret);
		return open_pinned(config, &err);
	}
	maps = open_pinned(config, &err);
	if (maps)
		read_back(config, ret);
	else if (err == -ENOENT)
		log_warning(
		        "xdp: nothing is pinned under %s, and this process may not load; queries "
		        "are answered without it (`anamectl xdp attach' as root)",
		        config->pin_dir);
	return maps;
}

void bring_up_swap_open(const struct config *config, struct kernel_attachment *attachment,
                        struct kernel_swap *ret)
{
	struct error error = {0};
	char text[1024];

	*ret = (struct kernel_swap){-1, -1, -1};
	if (attachment->waiting && kernel_swap_open(config, attachment, ret, &error))
		log_error("xdp: %s: %s", attachment->interface,
		          error_text(&error, text, sizeof(text)));
}

void bring_up_swap(struct kernel_swap *swap, struct kernel_attachment *attachment)
{
	uint32_t older = attachment->program_id;
	struct error error = {0};
	char text[1024];

	if (swap->link_fd < 0)
		return;
	if (kernel_swap(swap, attachment, &error))
		log_error("xdp: %s", error_text(&error, text, sizeof(text)));
	else
		log_notice("xdp: %s: the maps are filled: program %u replaced by %u",
		           attachment->interface, older, attachment->program_id);
	kernel_swap_close(swap);
}

/* ---- while the daemon runs ---- */

void bring_up_watch(const struct config *config, struct kernel_attachment *attachments)
{
	for (size_t i = 0; i < config->interfaces_count; i++)
		attachments[i].ifindex = if_nametoindex(config->interfaces[i].name);
}

/* A device that has come anew under the name gets our program, where we may. */
static void attach_anew(const struct config *config, const struct config_interface *interface,
                        struct kernel_attachment *attachment)
{
	struct error error = {0};
	char text[1024];

	if (privilege_may_attach() && kernel_attach(config, interface, attachment, &error))
		log_error("xdp: %s: %s", interface->name, error_text(&error, text, sizeof(text)));
}

static void look_at(const struct config *config, const struct config_interface *interface,
                    struct kernel_attachment *attachment)
{
	unsigned int before = attachment->ifindex;
	struct kernel_attachment now;
	struct error error = {0};
	char text[1024];

	if (!kernel_look_again(attachment))
		return;
	if (attachment->attached && !kernel_status(config, interface->name, &now, &error))
		*attachment = now; /* with privilege all can be told */
	else if (!attachment->attached && attachment->ifindex && attachment->ifindex != before)
		attach_anew(config, interface, attachment);
	bring_up_words(attachment, text, sizeof(text));
	if (attachment->attached)
		log_notice("xdp: %s: %s", interface->name, text);
	else
		log_warning("xdp: %s: %s; the daemon alone answers there", interface->name, text);
}

void bring_up_look(const struct config *config, struct kernel_attachment *attachments)
{
	for (size_t i = 0; i < config->interfaces_count; i++) {
		if (config->interfaces[i].xdp != XDP_MODE_OFF)
			look_at(config, &config->interfaces[i], &attachments[i]);
	}
}

static int step_once(const struct config *config, const struct config_interface *interface,
                     enum bring_up_step step, struct kernel_attachment *ret, struct error *error)
{
	int err;

	switch (step) {
	case BRING_UP_ATTACH:
		return kernel_attach(config, interface, ret, error);
	case BRING_UP_UPGRADE:
		return kernel_upgrade(config, interface->name, ret, error);
	case BRING_UP_DETACH:
		err = kernel_detach(config, interface->name, error);
		if (err)
			return err;
		break;
	case BRING_UP_STATUS:
		break;
	}
	return kernel_status(config, interface->name, ret, error);
}

static int step_into(const struct config *config, const struct config_interface *interface,
                     enum bring_up_step step, json_t *list, struct error *error)
{
	struct kernel_attachment attachment = {0};
	int err = step_once(config, interface, step, &attachment, error);

	if (err)
		return err;
	snprintf(attachment.interface, sizeof(attachment.interface), "%s", interface->name);
	json_array_append_new(list, report_attachment(&attachment));
	return 0;
}

int bring_up_step(const struct config *config, const char *only, enum bring_up_step step,
                  json_t **ret, struct error *error)
{
	struct config_interface named = {.name = (char *)(uintptr_t)only, .xdp = XDP_MODE_AUTO};
	json_t *list = json_array();
	bool found = false;
	int err = step == BRING_UP_ATTACH ? kernel_load(config, error) : 0;

	for (size_t i = 0; i < config->interfaces_count && !err; i++) {
		const struct config_interface *interface = &config->interfaces[i];

		if (only ? strcmp(only, interface->name) != 0 : interface->xdp == XDP_MODE_OFF)
			continue;
		found = true;
		err = step_into(config, interface, step, list, error);
	}
	if (!err && only && !found)
		err = step_into(config, &named, step, list, error);
	if (err) {
		json_decref(list);
		return err;
	}
	*ret = json_pack("{s:o}", "interfaces", list);
	return 0;
}
