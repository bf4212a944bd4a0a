/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * torture - never torn, never wrong: entries are rewritten as fast as memory allows while
 * the client's device asks as fast as frames can be sent, and judges every reply.
 *
 *   torture SECONDS [SCENARIO...]            each scenario for so long, in a namespace of its own
 *   torture watch DEVICE SOURCE SERVER MAC   see watch.h
 *
 * Ends with "torture: N passed, M failed".
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/maps.h"
#include "traffic.h"
#include "watch.h"
#include "writer.h"

#define EDGE         "tt0"
#define CLIENT       "tt1"
#define SERVER       0xc0000235 /* 192.0.2.53 */
#define SOURCE       0xcb00714d /* 203.0.113.77 */
#define REPLIES      1000       /* fewer in a scenario have tested nothing */
#define STEADY       20000      /* queries a second of which none may be lost */
#define SWAP_MS      2
#define KILL_MS      120
#define TAKE_OVER_MS 3000
#define SWAPS        10 /* more than so many have tested something */
#define KILLS        3
#define PATIENCE     4 /* times as long for a machine on which that takes longer */

static const uint8_t edge_mac[6] = {2, 0, 0, 0, 0, 0xaa};

struct scene {
	struct config config;
	struct config_interface interface;
	char pin_dir[64];
	struct traffic *traffic;
	struct torture_control *control;
	struct board *board;
	uint64_t end_ms, last_ms;
	struct an_counters before;
	unsigned int passed, failed;
};

/* ---- the stage ---- */

static int run(const char *command)
{
	int status = system(command);

	if (status)
		fprintf(stderr, "torture: failed: %s\n", command);
	return status ? -1 : 0;
}

static int set_up_links(void)
{
	if (unshare(CLONE_NEWNET)) {
		perror("torture: a network namespace");
		return -1;
	}
	return run("ip link set lo up && "
	           "ip link add " EDGE " address 02:00:00:00:00:aa type veth peer name " CLIENT
	           " && ip link set " EDGE " up && ip link set " CLIENT " up");
}

/* Small maps fill up; large ones hold every name. */
static void configure(struct scene *scene, bool small)
{
	uint32_t owners = small ? 128 : 2 * TORTURE_NAMES;

	snprintf(scene->pin_dir, sizeof(scene->pin_dir), "/sys/fs/bpf/anamed-torture-%d", getpid());
	scene->interface =
	        (struct config_interface){.name = (char *)(uintptr_t)EDGE, .xdp = XDP_MODE_NATIVE};
	scene->config = (struct config){.pin_dir = scene->pin_dir,
	                                .interfaces = &scene->interface,
	                                .interfaces_count = 1,
	                                .owners_max = owners,
	                                .audiences_max = 2 * owners,
	                                .slots_max = 3 * owners,
	                                .slots_large_max = small ? 64 : owners,
	                                .zones_max = 4,
	                                .networks_per_name_max = 4096,
	                                .heartbeat_limit_ms = 3600000,
	                                .udp_payload = 1232};
}

static int serve(const struct writer *writer)
{
	struct an_served served = {.ifindex = if_nametoindex(EDGE),
	                           .port = __builtin_bswap16(53),
	                           .family = AN_FAMILY_IPV4};

	for (int i = 0; i < 4; i++)
		served.address[i] = (uint8_t)(SERVER >> (24 - 8 * i));
	memcpy(served.mac, edge_mac, 6);
	return publish_served(writer->publish, &served, 1) ? -1 : 0;
}

static void counters(const struct scene *scene, struct an_counters *ret)
{
	struct kernel_maps *maps;
	struct error error;

	memset(ret, 0, sizeof(*ret));
	if (kernel_open(scene->config.pin_dir, &maps, &error))
		return;
	kernel_counters(maps, ret);
	kernel_close(maps);
}

/* Everything anew: maps, program, judge. */
static int begin(struct scene *scene, bool small, uint32_t names, uint32_t nets)
{
	struct kernel_attachment attachment;
	struct error error = {0};
	struct writer writer;

	configure(scene, small);
	memset(scene->board, 0, sizeof(*scene->board));
	if (kernel_load(&scene->config, &error) ||
	    kernel_attach(&scene->config, &scene->interface, &attachment, &error)) {
		fprintf(stderr, "torture: %s\n", error.text);
		return -1;
	}
	scene->control = traffic_reset(scene->traffic);
	scene->control->names = names;
	scene->control->nets = nets;
	if (writer_open(&writer, &scene->config, scene->control, scene->board) || serve(&writer))
		return -1;
	writer_close(&writer);
	counters(scene, &scene->before);
	return 0;
}

static void end(struct scene *scene)
{
	struct error error;

	kernel_detach(&scene->config, EDGE, &error);
	kernel_unpin(&scene->config, &error);
}

/* Whether the time is over, and what was wanted was reached or is not going to be. */
static bool over(const struct scene *scene, bool reached)
{
	uint64_t now = clock_ms();

	if (now < scene->end_ms)
		return false;
	return now >= scene->last_ms ||
	       (reached && traffic_counts(scene->traffic).replies >= REPLIES);
}

/* ---- verdicts ---- */

__attribute__((format(printf, 3, 4))) static void say(struct scene *scene, bool good,
                                                      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%s: ", good ? "ok" : "FAIL");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	scene->passed += good;
	scene->failed += !good;
}

/* What every scenario has to show. */
static void judge(struct scene *scene, const char *name, int code)
{
	struct torture_counts counts = traffic_counts(scene->traffic);
	struct an_counters after;
	uint64_t faults = traffic_faults(scene->traffic);

	counters(scene, &after);
	say(scene, !code && !faults && counts.replies >= REPLIES && scene->board->writes,
	    "%s: %llu queries, %llu replies, %llu wrong; %llu writes, %llu refused; passed up: "
	    "%llu torn, %llu not there, %llu other%s%s",
	    name, (unsigned long long)counts.sent, (unsigned long long)counts.replies,
	    (unsigned long long)faults, (unsigned long long)scene->board->writes,
	    (unsigned long long)scene->board->refused,
	    (unsigned long long)(after.pass_torn - scene->before.pass_torn),
	    (unsigned long long)(after.pass_owner_miss - scene->before.pass_owner_miss),
	    (unsigned long long)(counts.sent - counts.replies), code ? ": " : "",
	    code ? strerror(-code) : "");
}

/* ---- scenarios ---- */

/* One writer for as long as the scenario lasts, under full load. */
static void run_writer(struct scene *scene, const char *name, void (*step)(struct writer *))
{
	char why[128];
	const char *wrong;
	struct writer writer;
	int code = writer_open(&writer, &scene->config, scene->control, scene->board);

	if (!code)
		code = traffic_begin(scene->traffic);
	if (code) {
		say(scene, false, "%s: %s", name, strerror(-code));
		return;
	}
	while (!over(scene, true))
		for (int i = 0; i < 256; i++)
			step(&writer);
	code = traffic_end(scene->traffic);
	wrong = writer_check(&writer, why, sizeof(why));
	writer_close(&writer);
	judge(scene, name, code);
	if (wrong)
		say(scene, false, "%s: %s", name, wrong);
}

static void rewrite_step(struct writer *writer)
{
	writer_put_all(writer, writer_draw(writer, writer->control->names));
}

static void rewrite(struct scene *scene)
{
	if (!begin(scene, false, 64, 1))
		run_writer(scene, "rewritten, one answer a name", rewrite_step);
	end(scene);
}

static void rewrite_networks(struct scene *scene)
{
	if (!begin(scene, false, 64, TORTURE_NETS))
		run_writer(scene, "rewritten, four networks a name", rewrite_step);
	end(scene);
}

/*
 * The hash of networks is full, so that its buckets have several elements: whoever looks for one
 * of them while it is replaced may find neither the old one nor the new.
 */
static void crowded(struct scene *scene)
{
	if (!begin(scene, true, 85, TORTURE_NETS))
		run_writer(scene, "rewritten, crowded buckets", rewrite_step);
	end(scene);
}

/* Slots go from one name to another all the time. */
static void reuse_step(struct writer *writer)
{
	writer_remove(writer, writer_draw(writer, writer->control->names));
	writer_put_all(writer, writer_draw(writer, writer->control->names));
}

static void reuse(struct scene *scene)
{
	if (!begin(scene, false, 48, 2))
		run_writer(scene, "deleted and reused", reuse_step);
	end(scene);
}

static void fill_step(struct writer *writer)
{
	writer_put_all(writer, writer_draw(writer, writer->control->names));
}

static void full(struct scene *scene)
{
	if (!begin(scene, true, 1024, 2))
		run_writer(scene, "full maps", fill_step);
	end(scene);
}

static void reload_step(struct writer *writer)
{
	writer_reload(writer);
	for (uint32_t name = 0; name < writer->control->names; name++)
		writer_put_all(writer, name);
}

/* After the first answer of a new zone none of the old one comes, of whatever name. */
static void reload(struct scene *scene)
{
	if (!begin(scene, false, 128, 2)) {
		scene->control->one_epoch = 1;
		run_writer(scene, "zone reloaded", reload_step);
	}
	end(scene);
}

/* ---- the program replaced ---- */

static int second_program(const struct scene *scene, struct maps_object **ret)
{
	struct error error = {0};
	int code = maps_object_open(&scene->config, ret, &error);

	if (!code)
		code = bpf_object__load(maps_object_bpf(*ret));
	if (code)
		fprintf(stderr, "torture: a second program: %s %s\n", error.text, strerror(-code));
	return code;
}

static void pause_ms(unsigned int ms)
{
	struct timespec pause = {.tv_nsec = ms * 1000000L};

	nanosleep(&pause, NULL);
}

/* -> how often, or a negative errno */
static int swap_programs(struct scene *scene, struct maps_object *object)
{
	struct error error;
	int swaps = 0, link = maps_open_pin(scene->config.pin_dir, MAPS_PIN_LINK EDGE, &error);
	int fds[2] = {maps_open_pin(scene->config.pin_dir, MAPS_PIN_PROGRAM, &error),
	              bpf_program__fd(bpf_object__find_program_by_name(maps_object_bpf(object),
	                                                               "anamed_xdp"))};

	while (link >= 0 && !over(scene, swaps > SWAPS)) {
		if (bpf_link_update(link, fds[swaps % 2 == 0], NULL))
			return -errno;
		swaps++;
		pause_ms(SWAP_MS);
	}
	close(link);
	close(fds[0]);
	return swaps;
}

/* Frames that found a ring full, as both devices count them: the generator's, not the program's. */
static uint64_t ring_drops(void)
{
	FILE *file = fopen("/proc/self/net/dev", "r");
	unsigned long long rx, tx, sum = 0;
	char line[256], name[16];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %15[^:]: %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u %llu",
		           name, &rx, &tx) == 3 &&
		    (!strcmp(name, EDGE) || !strcmp(name, CLIENT)))
			sum += rx + tx;
	if (file)
		fclose(file);
	return sum;
}

static void replace_under_load(struct scene *scene)
{
	struct maps_object *object = NULL;
	struct torture_counts counts;
	struct writer writer;
	uint64_t drops;
	int swaps = -EIO, code = writer_open(&writer, &scene->config, scene->control, scene->board);

	for (uint32_t name = 0; !code && name < scene->control->names; name++)
		writer_put_all(&writer, name);
	if (!code)
		code = second_program(scene, &object);
	scene->control->rate = STEADY;
	drops = ring_drops();
	if (!code)
		code = traffic_begin(scene->traffic);
	if (!code) {
		swaps = swap_programs(scene, object);
		code = traffic_end(scene->traffic);
	}
	maps_object_close(object);
	writer_close(&writer);
	judge(scene, "program replaced", code);
	drops = ring_drops() - drops;
	counts = traffic_counts(scene->traffic);
	say(scene,
	    swaps > SWAPS && counts.sent <= counts.replies + drops && drops < counts.sent / 4,
	    "program replaced: %d times, %llu of %llu queries answered, %llu found a ring full",
	    swaps, (unsigned long long)counts.replies, (unsigned long long)counts.sent,
	    (unsigned long long)drops);
}

static void replace(struct scene *scene)
{
	if (!begin(scene, false, 256, 2))
		replace_under_load(scene);
	end(scene);
}

/* ---- the writer killed ---- */

enum life { REWRITES, REUSES, RELOADS, FILLS };

/* A life of a writer: takes over, looks whether what it took over is whole, and writes. */
static void live(struct scene *scene, enum life kind)
{
	static void (*const steps[])(struct writer *) = {rewrite_step, reuse_step, reload_step,
	                                                 fill_step};
	struct board *board = scene->board;
	struct writer writer;

	if (writer_open(&writer, &scene->config, scene->control, board)) {
		board->inconsistent = true;
		snprintf(board->why, sizeof(board->why), "cannot be taken over");
		_exit(1);
	}
	if (writer_check(&writer, board->why, sizeof(board->why))) {
		board->inconsistent = true;
		_exit(1);
	}
	for (;;)
		steps[kind](&writer);
}

/* Until it writes: to take over takes a slow machine longer than it lives then. Every eighth is
 * killed before. */
static void await_writes(const struct scene *scene, unsigned int number)
{
	uint64_t before = __atomic_load_n(&scene->board->writes, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < TAKE_OVER_MS && number % 8 != 7; i++) {
		if (__atomic_load_n(&scene->board->writes, __ATOMIC_RELAXED) != before)
			return;
		pause_ms(1);
	}
}

static int kill_one(struct scene *scene, unsigned int number, bool full)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		return -errno;
	if (!child)
		live(scene, full ? FILLS : (enum life)(number % FILLS));
	await_writes(scene, number);
	pause_ms((unsigned int)(clock_ms() * 2654435761u >> 7) % KILL_MS);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 0 : -EIO;
}

static void kill_under_load(struct scene *scene, const char *name, bool full)
{
	unsigned int kills = 0;
	struct writer writer;
	char why[128];
	int code = traffic_begin(scene->traffic);

	while (!code && !over(scene, kills > KILLS) && !(code = kill_one(scene, kills, full)))
		kills++;
	if (!code)
		code = traffic_end(scene->traffic);
	judge(scene, name, code);
	say(scene, kills > KILLS && !scene->board->inconsistent && scene->board->adopted,
	    "%s: %u times, %llu owners taken over in all%s%s", name, kills,
	    (unsigned long long)scene->board->adopted, scene->board->inconsistent ? ": " : "",
	    scene->board->why);
	if (writer_open(&writer, &scene->config, scene->control, scene->board))
		return;
	if (writer_check(&writer, why, sizeof(why)))
		say(scene, false, "%s: afterwards %s", name, why);
	writer_close(&writer);
}

static void killed(struct scene *scene)
{
	if (!begin(scene, false, 64, 2))
		kill_under_load(scene, "writer killed", false);
	end(scene);
}

static void killed_full(struct scene *scene)
{
	if (!begin(scene, true, 1024, 2))
		kill_under_load(scene, "writer of full maps killed", true);
	end(scene);
}

/* ---- the story ---- */

static const struct scenario {
	const char *name;
	void (*play)(struct scene *);
} scenarios[] = {
        {"rewrite", rewrite},
        {"networks", rewrite_networks},
        {"crowded", crowded},
        {"reuse", reuse},
        {"full", full},
        {"reload", reload},
        {"replace", replace},
        {"kill", killed},
        {"kill-full", killed_full},
};

static bool is_asked_for(const char *name, char **words)
{
	if (!*words)
		return true;
	while (*words)
		if (!strcmp(*words++, name))
			return true;
	return false;
}

static void play_all(struct scene *scene, unsigned int seconds, char **words)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		unsigned int before = scene->passed + scene->failed;

		if (!is_asked_for(scenarios[i].name, words))
			continue;
		scene->end_ms = clock_ms() + seconds * 1000;
		scene->last_ms = scene->end_ms + (uint64_t)seconds * 1000 * (PATIENCE - 1);
		scenarios[i].play(scene);
		if (before == scene->passed + scene->failed)
			say(scene, false, "%s: could not be set up", scenarios[i].name);
	}
}

int main(int count, char **words)
{
	struct scene scene = {0};

	if (count == 6 && !strcmp(words[1], "watch"))
		return watch(words + 2);
	if (count < 2 || !atoi(words[1])) {
		fprintf(stderr, "usage: torture SECONDS [SCENARIO...]\n");
		return 2;
	}
	scene.board = mmap(NULL, sizeof(*scene.board), PROT_READ | PROT_WRITE,
	                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (scene.board == MAP_FAILED || set_up_links())
		return 1;
	scene.traffic = traffic_open(CLIENT, SOURCE, SERVER, edge_mac);
	if (!scene.traffic)
		return 1;
	play_all(&scene, (unsigned int)atoi(words[1]), words + 2);
	traffic_close(scene.traffic);
	printf("torture: %u passed, %u failed\n", scene.passed, scene.failed);
	return scene.failed || !scene.passed;
}
