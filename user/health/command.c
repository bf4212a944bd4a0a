/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A check by a command of the operator's: exit status 0 is good.
 *
 * No shell unless it is one. It runs as the daemon's user, in a session and
 * process group of its own, with no descriptor of ours and an environment of
 * PATH, ADDRESS, PORT and CHECK; when its time is over the whole group is
 * killed. posix_spawn() shares our memory until the exec, so that a large
 * daemon does not copy its page tables; the end is seen on a pidfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "health/health_room.h"

struct command_probe {
	struct probe probe; /* first; its target is NULL once there is a result */
	uv_poll_t poll;
	pid_t pid;
	int pidfd;
};

/* ---- beginning ---- */

static char path_text[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct environment {
	char address[NET_TEXT_MAX + 8], port[16], check[80];
	char *list[5];
};

static void make_environment(const struct target *target, struct environment *ret)
{
	struct endpoint endpoint = target_endpoint(target);
	char address[NET_TEXT_MAX];

	net_address_text(endpoint.family, endpoint.address, address);
	/* cppcheck-suppress ctuuninitvar */
	snprintf(ret->address, sizeof(ret->address), "ADDRESS=%s", address);
	snprintf(ret->port, sizeof(ret->port), "PORT=%u", endpoint.port);
	snprintf(ret->check, sizeof(ret->check), "CHECK=%s", target->key.box->name);
	ret->list[0] = path_text;
	ret->list[1] = ret->address;
	ret->list[2] = ret->port;
	ret->list[3] = ret->check;
	ret->list[4] = NULL;
}

static int set_actions(posix_spawn_file_actions_t *actions)
{
	int err = posix_spawn_file_actions_init(actions);

	for (int fd = 0; fd < 3 && !err; fd++)
		err = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(actions, "/");
	return -err;
}

/* Signals as they were before the daemon set its own. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	int err = posix_spawnattr_init(attributes);
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	if (!err)
		err = posix_spawnattr_setsigmask(attributes, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attributes, &all);
	if (!err)
		err = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID |
		                                                   POSIX_SPAWN_SETSIGMASK |
		                                                   POSIX_SPAWN_SETSIGDEF);
	return -err;
}

/* The configuration's list has no end of its own. */
static void make_argv(const struct config_check *config, char *ret[COMMAND_WORDS_MAX + 1])
{
	size_t count = 0;

	for (; count < config->command_count && count < COMMAND_WORDS_MAX; count++)
		ret[count] = config->command[count];
	ret[count] = NULL;
}

static int spawn(const struct target *target, pid_t *ret)
{
	const struct config_check *config = target->key.box->config;
	char *argv[COMMAND_WORDS_MAX + 1];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct environment environment;
	int err = set_actions(&actions);

	if (!err)
		err = set_attributes(&attributes);
	if (err)
		return err;
	make_environment(target, &environment);
	make_argv(config, argv);
	err = -posix_spawn(ret, config->command[0], &actions, &attributes, argv, environment.list);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* ---- ending ---- */

static void free_command(uv_handle_t *handle)
{
	free(handle->data);
}

/* The process has been waited for. */
static void command_close(struct command_probe *command)
{
	uv_close((uv_handle_t *)&command->poll, free_command);
	close(command->pidfd);
}

static void report(struct command_probe *command, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		probe_done(&command->probe, info->si_status == 0, 0,
		           info->si_status ? "exit status %d" : "ok", info->si_status);
	else
		probe_done(&command->probe, false, 0, "killed by signal %d", info->si_status);
}

static void on_exit_seen(uv_poll_t *poll, int status, int events)
{
	struct command_probe *command = poll->data;
	siginfo_t info = {0};

	(void)status;
	(void)events;
	if (waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG) == 0 && !info.si_pid)
		return;
	/* What it has started and left behind goes too. */
	kill(-command->pid, SIGKILL);
	if (command->probe.target)
		report(command, &info);
	command_close(command);
}

static int command_start(struct target *target, struct probe **ret)
{
	struct command_probe *command = calloc(1, sizeof(*command));
	int err;

	if (!command)
		return -ENOMEM;
	command->probe = (struct probe){target, &command_kind, probe_now_us()};
	err = spawn(target, &command->pid);
	if (err) {
		free(command);
		return err;
	}
	command->pidfd = (int)syscall(SYS_pidfd_open, command->pid, 0);
	if (command->pidfd < 0 ||
	    uv_poll_init(target->health->loop, &command->poll, command->pidfd)) {
		kill(-command->pid, SIGKILL);
		waitpid(command->pid, NULL, 0);
		if (command->pidfd >= 0)
			close(command->pidfd);
		free(command);
		return -ENOMEM;
	}
	command->poll.data = command;
	uv_poll_start(&command->poll, UV_READABLE, on_exit_seen);
	*ret = &command->probe;
	return 0;
}

/* Its end is waited for all the same, on the loop. */
static void command_cancel(struct probe *probe)
{
	kill(-((struct command_probe *)probe)->pid, SIGKILL);
}

const struct probe_kind command_kind = {command_start, command_cancel};
