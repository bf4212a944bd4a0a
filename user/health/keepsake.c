/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file is text, one line for what is known of an address by a check, and
 * one with "*" for a check that is forced as a whole:
 *
 *     anamed-health 1
 *     CHECK ADDRESS up|down|unknown auto|up|down SINCE-UNIX-MS CONNECT-US
 *
 * It is written beside itself, synced, and renamed, by a thread of libuv's
 * pool. What is read back is input.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "health/health_room.h"

#define FILE_NAME "health"
#define FIRST     "anamed-health 1\n"
#define WAIT_MS   1000

static const char *const force_words[] = {"auto", "up", "down"};

struct keepsake {
	struct health *health; /* NULL: closed */
	char *path, *beside;
	uv_timer_t timer;
	uv_work_t work;
	char *text; /* being written; the thread's */
	size_t len;
	int err;
	uv_sem_t written; /* the thread is through */
	bool writing, again, timer_closed, said;
};

/* ---- writing ---- */

static void print_box(const struct check_box *box, FILE *out)
{
	if (box->forced)
		fprintf(out, "%s * unknown %s 0 0\n", box->name, force_words[box->forced]);
}

static const char *state_word(const struct machine *machine)
{
	if (!machine->known)
		return "unknown";
	return machine->live ? "up" : "down";
}

static void print_target(const struct target *target, FILE *out)
{
	char address[NET_TEXT_MAX];

	if (!target->machine.known && !target->forced)
		return;
	net_address_text((uint8_t)target->key.family, target->key.address, address);
	fprintf(out, "%s %s %s %s %" PRId64 " %u\n", target->key.box->name, address,
	        state_word(&target->machine), force_words[target->forced], target->since_unix_ms,
	        target->connect_us);
}

/* What is known, as text. 0 or -ENOMEM. */
static int take_text(struct keepsake *keepsake)
{
	const struct health *health = keepsake->health;
	FILE *out = open_memstream(&keepsake->text, &keepsake->len);

	if (!out)
		return -ENOMEM;
	fputs(FIRST, out);
	for (struct check_box *box = health->boxes; box; box = box->hh.next)
		print_box(box, out);
	for (struct target *target = health->targets; target; target = target->hh.next)
		print_target(target, out);
	if (fclose(out) == 0)
		return 0;
	free(keepsake->text);
	keepsake->text = NULL;
	return -ENOMEM;
}

static int write_octets(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len; text += n, len -= (size_t)n) {
		n = write(fd, text, len);
		if (n < 0)
			return -errno;
	}
	return fsync(fd) ? -errno : 0;
}

/* In any thread. */
static int write_file(const struct keepsake *keepsake)
{
	int fd =
	        open(keepsake->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_octets(fd, keepsake->text, keepsake->len);
	close(fd);
	if (!err && rename(keepsake->beside, keepsake->path))
		err = -errno;
	return err;
}

static void end_writing(struct keepsake *keepsake)
{
	free(keepsake->text);
	keepsake->text = NULL;
	if (keepsake->err && !keepsake->said)
		log_warning("health: %s: states will not outlive this daemon: %s", keepsake->path,
		            strerror(-keepsake->err));
	keepsake->said = keepsake->err != 0;
}

static void free_closed(struct keepsake *keepsake)
{
	if (keepsake->health || keepsake->writing || !keepsake->timer_closed)
		return;
	uv_sem_destroy(&keepsake->written);
	free(keepsake->path);
	free(keepsake->beside);
	free(keepsake);
}

static void on_work(uv_work_t *work)
{
	struct keepsake *keepsake = work->data;

	keepsake->err = write_file(keepsake);
	uv_sem_post(&keepsake->written);
}

static void on_written(uv_work_t *work, int status)
{
	struct keepsake *keepsake = work->data;
	bool again = keepsake->again;

	(void)status;
	keepsake->writing = keepsake->again = false;
	if (keepsake->health) {
		uv_sem_wait(&keepsake->written);
		end_writing(keepsake);
		if (again)
			keepsake_changed(keepsake);
	}
	free_closed(keepsake);
}

static void on_timer(uv_timer_t *timer)
{
	struct keepsake *keepsake = timer->data;

	if (take_text(keepsake))
		return;
	keepsake->writing = true;
	keepsake->work.data = keepsake;
	uv_queue_work(timer->loop, &keepsake->work, on_work, on_written);
}

void keepsake_changed(struct keepsake *keepsake)
{
	if (!keepsake)
		return;
	if (keepsake->writing)
		keepsake->again = true;
	else if (!uv_is_active((uv_handle_t *)&keepsake->timer))
		uv_timer_start(&keepsake->timer, on_timer, WAIT_MS, 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct keepsake *keepsake = handle->data;

	keepsake->timer_closed = true;
	free_closed(keepsake);
}

void keepsake_close(struct keepsake *keepsake)
{
	if (!keepsake)
		return;
	/* What is under way has the older text; the newer one has to come after it. */
	if (keepsake->writing) {
		if (uv_cancel((uv_req_t *)&keepsake->work))
			uv_sem_wait(&keepsake->written);
		end_writing(keepsake);
	}
	if (take_text(keepsake) == 0) {
		keepsake->err = write_file(keepsake);
		end_writing(keepsake);
	}
	keepsake->health = NULL;
	uv_close((uv_handle_t *)&keepsake->timer, on_closed);
}

/* ---- reading ---- */

static bool read_force(const char *word, enum health_force *ret)
{
	for (int i = 0; i < 3; i++) {
		if (strcmp(word, force_words[i]) == 0) {
			*ret = (enum health_force)i;
			return true;
		}
	}
	return false;
}

struct line {
	char check[64], address[NET_TEXT_MAX], state[8], force_word[8];
	enum health_force force;
	int64_t since_unix_ms;
	uint32_t connect_us;
};

static bool read_numbers(const char *text, struct line *ret)
{
	char *end, *rest;
	unsigned long connect;

	errno = 0;
	ret->since_unix_ms = strtoll(text, &end, 10);
	connect = strtoul(end, &rest, 10);
	ret->connect_us = (uint32_t)connect;
	return !errno && end != text && rest != end && connect <= UINT32_MAX;
}

static bool read_line(const char *text, struct line *ret)
{
	int at = 0;

	return sscanf(text, "%63s %63s %7s %7s %n", ret->check, ret->address, ret->state,
	              ret->force_word, &at) == 4 &&
	       at && read_numbers(text + at, ret) &&
	       (strcmp(ret->state, "up") == 0 || strcmp(ret->state, "down") == 0 ||
	        strcmp(ret->state, "unknown") == 0) &&
	       read_force(ret->force_word, &ret->force);
}

static void restore_target(struct target *target, const struct line *line)
{
	target->machine.known = strcmp(line->state, "unknown") != 0;
	target->machine.live = strcmp(line->state, "down") != 0;
	target->forced = line->force;
	target->since_unix_ms = line->since_unix_ms;
	target->connect_us = line->connect_us;
	target->up = target_forced(target) ? target_forced(target) == HEALTH_UP
	                                   : machine_up(&target->machine);
}

static bool take_line(struct health *health, const char *text)
{
	struct network network;
	struct check_box *box;
	struct target *target;
	struct line line;

	if (!read_line(text, &line))
		return false;
	box = box_get(health, line.check);
	if (!box)
		return true;
	if (strcmp(line.address, "*") == 0) {
		box->forced = line.force;
		return true;
	}
	if (network_parse(line.address, &network))
		return false;
	target = target_get(box, health, network.family, network.address);
	if (target)
		restore_target(target, &line);
	return true;
}

static void read_lines(struct keepsake *keepsake, FILE *in)
{
	unsigned int number = 1;
	char text[256];

	if (!fgets(text, sizeof(text), in) || strcmp(text, FIRST) != 0) {
		log_warning("health: %s: not of a kind that this version reads; begun anew",
		            keepsake->path);
		return;
	}
	while (fgets(text, sizeof(text), in)) {
		number++;
		if (!take_line(keepsake->health, text))
			log_warning("health: %s:%u: not understood, and left out", keepsake->path,
			            number);
	}
}

static void read_file(struct keepsake *keepsake)
{
	FILE *in = fopen(keepsake->path, "re");

	if (in) {
		read_lines(keepsake, in);
		fclose(in);
	} else if (errno != ENOENT) {
		log_warning("health: %s: %s", keepsake->path, strerror(errno));
	}
}

struct keepsake *keepsake_open(struct health *health, const char *folder)
{
	struct keepsake *keepsake = calloc(1, sizeof(*keepsake));

	if (!keepsake)
		return NULL;
	if (asprintf(&keepsake->path, "%s/" FILE_NAME, folder) < 0)
		keepsake->path = NULL;
	if (!keepsake->path || asprintf(&keepsake->beside, "%s.new", keepsake->path) < 0 ||
	    uv_sem_init(&keepsake->written, 0)) {
		free(keepsake->path);
		free(keepsake);
		return NULL;
	}
	keepsake->health = health;
	uv_timer_init(health->loop, &keepsake->timer);
	keepsake->timer.data = keepsake;
	read_file(keepsake);
	return keepsake;
}
