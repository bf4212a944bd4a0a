/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/privilege.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define USER_ROOM 16384 /* octets of one entry among the users */

bool privilege_may_attach(void)
{
	if (capng_get_caps_process())
		return false;
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
	       (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) ||
	        capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF));
}

/* ---- the user ---- */

/* In any thread. *ret holds what `room` keeps. */
static int find_user(const struct config *config, struct passwd *ret, char *room, size_t size,
                     struct error *error)
{
	struct passwd *found = NULL;
	int err = getpwnam_r(config->user, ret, room, size, &found);

	if (found)
		return 0;
	/* "0 or ENOENT or ESRCH or EBADF or EPERM or ...": getpwnam(3) of a user that is not there
	 */
	if (!err || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM)
		return error_set(error, ENOENT, config->path, config->user_line,
		                 "user: there is no user `%s'", config->user);
	return error_set(error, err, config->path, config->user_line, "user: `%s': %s",
	                 config->user, strerror(err));
}

int privilege_find_user(const struct config *config, struct error *error)
{
	char room[USER_ROOM];
	struct passwd user;

	return config->user ? find_user(config, &user, room, sizeof(room), error) : 0;
}

/* ---- folders ---- */

static const struct passwd *user_of(const struct config *config)
{
	return geteuid() == 0 && config->user ? getpwnam(config->user) : NULL;
}

/*
 * Hands a folder and the files in it over. Only while it is root's: then
 * nobody else can have put links there that lead elsewhere.
 */
static void give_folder(const char *path, const struct passwd *user)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct dirent *entry;
	struct stat st;
	DIR *folder;

	if (fd < 0 || fstat(fd, &st) || st.st_uid != 0 || !(folder = fdopendir(fd))) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		    fchownat(fd, entry->d_name, user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW))
			log_warning("%s/%s: %s", path, entry->d_name, strerror(errno));
	}
	if (fchown(fd, user->pw_uid, user->pw_gid))
		log_warning("%s: %s", path, strerror(errno));
	closedir(folder);
}

/* `give`: the folder is the daemon's own, and not one that others use as well. */
static void make_folder(const char *path, const struct passwd *user, bool give)
{
	bool made = mkdir(path, 0750) == 0;

	if (!made && errno != EEXIST) {
		log_warning("%s: %s", path, strerror(errno));
		return;
	}
	if (user && (made || give))
		give_folder(path, user);
}

void privilege_folders(const struct config *config)
{
	const struct passwd *user = user_of(config);
	char *copy;

	if (config->state_dir[0])
		make_folder(config->state_dir, user, true);
	if (!config->control_socket[0])
		return;
	copy = strdup(config->control_socket);
	if (copy) {
		const char *folder = dirname(copy);
		const char *last = strrchr(folder, '/');

		/* /run itself is not ours to give, /run/anamed is. */
		make_folder(folder, user, last && strcmp(last, "/anamed") == 0);
	}
	free(copy);
}

void privilege_socket(const struct config *config)
{
	const struct passwd *user = user_of(config);

	if (user && lchown(config->control_socket, user->pw_uid, user->pw_gid))
		log_warning("%s: %s", config->control_socket, strerror(errno));
}

/* ---- dropping ---- */

/* 0 or what libcap-ng gave. */
static int change_user(const struct passwd *user)
{
	capng_flags_t flags = CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_AMBIENT;

	/* A container may have no CAP_SETPCAP: its bounding set stays as it was given. */
	if (capng_get_caps_process())
		return -1;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		flags |= CAPNG_CLEAR_BOUNDING;
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_change_id((int)user->pw_uid, (int)user->pw_gid, flags);
}

int privilege_drop(const struct config *config, struct error *error)
{
	char room[USER_ROOM];
	struct passwd user;
	int err, rc;

	if (geteuid() != 0 || !config->user)
		return 0;
	err = find_user(config, &user, room, sizeof(room), error);
	if (err)
		return err;
	rc = change_user(&user);
	if (rc)
		return error_set(error, EPERM, config->path, config->user_line,
		                 "user: cannot become `%s' (libcap-ng says %d)", config->user, rc);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_set(error, errno, NULL, 0, "no_new_privs: %s", strerror(errno));
	if (user.pw_uid && (setuid(0) == 0 || geteuid() == 0))
		return error_set(error, EPERM, NULL, 0, "root could be regained after dropping it");
	log_info("runs as user %s", config->user);
	return 0;
}
