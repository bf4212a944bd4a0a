/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "answer/flatten.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/bring_up.h"
#include "control/catalogs.h"
#include "control/geography.h"
#include "control/privilege.h"
#include "control/report.h"

#define BEAT_MS 1000

/* ---- while it runs ---- */

static void notify_status(const struct daemon *daemon)
{
	struct an_counters counters = {0};
	struct serve_stats stats;

	if (daemon->maps)
		kernel_counters(daemon->maps, &counters);
	serve_stats(daemon->serve, &stats);
	sd_notifyf(0,
	           "STATUS=%zu zones (%zu faults); answered %" PRIu64 " in the kernel, %" PRIu64
	           " by the daemon",
	           zones_count(daemon->zones), daemon->faults_count, (uint64_t)counters.hit,
	           stats.udp_replies + stats.tcp_replies);
}

static void on_second(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	uint64_t now = clock_ms();

	if (daemon->publish) {
		publish_beat(daemon->publish);
		bring_up_look(daemon->started, daemon->attachments);
	}
	if (daemon->watchdog)
		sd_notify(0, "WATCHDOG=1");
	if (now - daemon->status_ms >= 10 * BEAT_MS) {
		daemon->status_ms = now;
		notify_status(daemon);
		transfers_hold(daemon);
	}
	status_second(daemon);
	loops_second(daemon);
	epochs_second(daemon);
}

void daemon_forget_faults(struct daemon *daemon, const struct zone *zone)
{
	size_t kept = 0;

	for (size_t i = 0; i < daemon->faults_count; i++) {
		const struct config_name *name = &daemon->faults[i].zone;

		if (!name_equal(name->name, name->len, zone->apex, zone->apex_len))
			daemon->faults[kept++] = daemon->faults[i];
	}
	daemon->faults_count = kept;
}

void daemon_log_stats(struct daemon *daemon)
{
	json_t *stats = report_stats(daemon);
	const char *part;
	json_t *value;

	json_object_foreach(stats, part, value)
	{
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		log_notice("stats: %s %s", part, text ? text : "");
		free(text);
	}
	json_decref(stats);
}

void daemon_stop(struct daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	sd_notify(0, "STOPPING=1");
	uv_stop(&daemon->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *daemon = handle->data;

	if (number == SIGHUP) {
		reload_on_signal(daemon);
	} else if (number == SIGUSR1) {
		daemon_log_stats(daemon);
	} else {
		log_notice("signal %d: stopping", number);
		daemon_stop(daemon);
	}
}

/* ---- coming up ---- */

static int fail(const struct error *error)
{
	char text[1024];

	log_error("%s", error_text(error, text, sizeof(text)));
	return -1;
}

static int load_first(struct daemon *daemon)
{
	struct world_load *load;
	struct error error = {0};
	char text[1024];

	if (world_load(daemon->path, NULL, NULL, &load, &error))
		return fail(&error);
	if (daemon->as_root && privilege_find_user(load->base, &error)) {
		world_load_free(load);
		return fail(&error);
	}
	world_log_warnings(load->base);
	world_log_faults(load);
	world_log_recall(load);
	world_log_geo(load->geo, &load->geo_error, daemon->path);
	daemon->base = daemon->started = load->base;
	daemon->config = load->config;
	daemon->zones = load->zones;
	daemon->geo = load->geo;
	daemon->regions_anew = load->recall_err != 0;
	if (load->geo_error.text[0]) {
		daemon->geo_fault = strdup(error_text(&load->geo_error, text, sizeof(text)));
		daemon->geo_failures++;
	}
	daemon->pools = load->pools;
	daemon->faults = load->faults;
	daemon->faults_count = load->faults_count;
	load->base = load->config = NULL;
	load->zones = NULL;
	load->geo = NULL;
	load->pools = NULL;
	load->faults = NULL;
	world_load_free(load);
	daemon->loaded_unix_ms = clock_unix_ms();
	log_notice("%s: %zu of %zu zones loaded", daemon->path, zones_with_data(daemon->zones),
	           daemon->config->zones_count);
	return 0;
}

/*
 * Tried before root is given up, for a folder that only root may write, and
 * after: without CAP_DAC_OVERRIDE root has no way into the user's own. Another
 * daemon there is one of this configuration: two would share the port's
 * queries, and neither would know.
 */
static int open_control(struct daemon *daemon, bool last)
{
	const char *path = daemon->config->control_socket;
	struct error error = {0};
	char text[1024];
	int err;

	if (!path[0] || daemon->control)
		return 0;
	err = control_open(&daemon->loop, path, commands_handle, daemon, &daemon->control, &error);
	if (!err) {
		privilege_socket(daemon->config);
		return 0;
	}
	daemon->control = NULL;
	if (err == -EADDRINUSE)
		return fail(&error);
	if (last)
		log_warning("anamectl will not reach this daemon: %s",
		            error_text(&error, text, sizeof(text)));
	return 0;
}

/* What only root can do, or does better: maps, program, ports, sockets. Then root is given up. */
static int take_descriptors(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct error error = {0};

	privilege_folders(config);
	/* Before a port is bound: from then on the kernel gives it queries. */
	if (open_control(daemon, false))
		return -1;
	if (bring_up_wanted(config)) {
		daemon->attachments_count = config->interfaces_count;
		daemon->attachments = calloc(daemon->attachments_count, //
		                             sizeof(*daemon->attachments));
		daemon->swaps = calloc(daemon->attachments_count, sizeof(*daemon->swaps));
		if (!daemon->attachments || !daemon->swaps)
			return -1;
		daemon->maps = bring_up_kernel(config, daemon->attachments);
		for (size_t i = 0; i < daemon->attachments_count; i++)
			bring_up_swap_open(config, &daemon->attachments[i], &daemon->swaps[i]);
		if (daemon->maps)
			daemon->lock = bring_up_lock(config->pin_dir, &error);
		if (daemon->lock == -EBUSY)
			return fail(&error);
	}
	daemon->health = health_new(&daemon->loop);
	if (!daemon->health)
		return -1;
	if (serve_open(config, daemon->flatten, &daemon->serve, &error))
		return fail(&error);
	if (privilege_drop(config, &error))
		return fail(&error);
	return open_control(daemon, true);
}

static void open_keep(struct daemon *daemon)
{
	struct error error = {0};
	char text[1024];

	if (!daemon->config->state_dir[0])
		return;
	if (keep_open(&daemon->loop, daemon->config->state_dir, &daemon->keep, &error)) {
		daemon->keep = NULL;
		log_warning("last good answers will not outlive the kernel's maps: %s",
		            error_text(&error, text, sizeof(text)));
	}
}

static void open_publish(struct daemon *daemon)
{
	struct error error = {0};
	char text[1024];

	if (!daemon->maps)
		return;
	if (publish_new(daemon->maps, daemon->config, &daemon->publish, &error)) {
		daemon->publish = NULL;
		log_error("xdp: %s; queries are answered without it",
		          error_text(&error, text, sizeof(text)));
		return;
	}
	publish_settings(daemon->publish, daemon->config);
	publish_beat(daemon->publish);
	if (daemon->maps->control->mode != AN_MODE_ANSWER) {
		log_notice("xdp: the program was told to pass everything; it answers again");
		__atomic_store_n(&daemon->maps->control->mode, AN_MODE_ANSWER, __ATOMIC_RELEASE);
	}
}

static int make_seed(struct daemon *daemon)
{
	if (daemon->publish) {
		daemon->seed = daemon->maps->control->seed;
		return 0;
	}
	if (getrandom(&daemon->seed, sizeof(daemon->seed), 0) == sizeof(daemon->seed))
		return 0;
	log_error("no random numbers: %s", strerror(errno));
	return -1;
}

static int make_world(struct daemon *daemon)
{
	daemon->world = malloc(sizeof(*daemon->world));
	if (!daemon->world || make_seed(daemon))
		return -1;
	world_settle(daemon->config, daemon->zones, NULL, daemon->publish);
	if (daemon->publish)
		publish_geo_numbering(daemon->publish, geo_numbering(daemon->geo));
	geography_hold(daemon, daemon->geo, geography_write(daemon, daemon->geo));
	*daemon->world = (struct world){.config = daemon->config,
	                                .zones = daemon->zones,
	                                .store = daemon->store,
	                                .seed = daemon->seed,
	                                .pools = daemon->pools,
	                                .geo = daemon->geo};
	serve_swap_world(daemon->world);
	flatten_world(daemon->flatten, daemon->world, daemon->upstream, daemon->publish,
	              daemon->keep);
	if (daemon->keep && daemon->regions_anew)
		restore_forget_regions(daemon->keep);
	flatten_restore(daemon->flatten);
	return 0;
}

/*
 * Both would end a daemon that is still coming up. SIGHUP waits until it is up; SIGUSR1 cannot be
 * held, for liburcu's thread leaves it open, and has nothing to tell yet.
 */
static void hold_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &held, NULL);
	signal(SIGUSR1, SIG_IGN);
}

static void release_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	pthread_sigmask(SIG_UNBLOCK, &held, NULL);
}

static void start_handles(struct daemon *daemon)
{
	static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1};
	uint64_t watchdog_us = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uv_signal_init(&daemon->loop, &daemon->signals[i]);
		daemon->signals[i].data = daemon;
		uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
	}
	release_signals();
	daemon->watchdog = sd_watchdog_enabled(0, &watchdog_us) > 0;
	uv_timer_init(&daemon->loop, &daemon->second);
	daemon->second.data = daemon;
	uv_timer_start(&daemon->second, on_second, BEAT_MS, BEAT_MS);
	daemon->handles = true;
}

static int come_up(struct daemon *daemon)
{
	struct error error = {0};

	if (load_first(daemon))
		return -1;
	daemon->store = store_new(daemon->config->answers_max, //
	                          daemon->config->networks_per_name_max);
	if (daemon->store)
		daemon->flatten = flatten_new(&daemon->loop, daemon->store);
	if (!daemon->flatten || take_descriptors(daemon))
		return -1;
	open_keep(daemon);
	open_publish(daemon);
	if (daemon->config->upstreams_count) {
		daemon->upstream = upstream_new(&daemon->loop, daemon->config);
		if (!daemon->upstream)
			return -1;
	}
	health_configure(daemon->health, daemon->base);
	flatten_health(daemon->flatten, daemon->health);
	if (make_world(daemon) || geography_start(daemon) || transfers_start(daemon) ||
	    status_start(daemon))
		return -1;
	watch_start(daemon);
	start_handles(daemon);
	if (serve_start(daemon->serve, &error))
		return fail(&error);
	/* Now there is an answer to every query, in the maps or here. */
	for (size_t i = 0; i < daemon->attachments_count && daemon->publish; i++)
		bring_up_swap(&daemon->swaps[i], &daemon->attachments[i]);
	if (daemon->publish)
		bring_up_watch(daemon->started, daemon->attachments);
	daemon->up = true;
	return 0;
}

/* ---- going down ---- */

/* The program goes, if it is to; without the privilege for that it is told to pass everything. */
static void detach(struct daemon *daemon)
{
	const struct config *config = daemon->started;
	struct error error = {0};

	if (!daemon->up || !daemon->maps || !config->xdp_detach_on_stop)
		return;
	for (size_t i = 0; i < config->interfaces_count; i++) {
		if (config->interfaces[i].xdp == XDP_MODE_OFF)
			continue;
		if (privilege_may_attach() &&
		    kernel_detach(config, config->interfaces[i].name, &error) == 0) {
			log_notice("xdp: %s: detached", config->interfaces[i].name);
			continue;
		}
		__atomic_store_n(&daemon->maps->control->mode, AN_MODE_PASS, __ATOMIC_RELEASE);
		log_notice("xdp: %s: passes everything now (it takes privilege to detach it)",
		           config->interfaces[i].name);
	}
}

static void close_handles(struct daemon *daemon)
{
	if (!daemon->handles)
		return;
	for (size_t i = 0; i < sizeof(daemon->signals) / sizeof(daemon->signals[0]); i++)
		uv_close((uv_handle_t *)&daemon->signals[i], NULL);
	uv_close((uv_handle_t *)&daemon->second, NULL);
}

static void go_down(struct daemon *daemon)
{
	daemon->stopping = true;
	control_close(daemon->control);
	status_stop(daemon);
	close_handles(daemon);
	watch_stop(daemon);
	geography_stop(daemon);
	if (daemon->serve)
		serve_stop(daemon->serve);
	transfers_stop(daemon);
	flatten_free(daemon->flatten);
	health_free(daemon->health);
	if (daemon->upstream)
		upstream_free(daemon->upstream);
	if (daemon->keep)
		keep_close(daemon->keep);
	uv_run(&daemon->loop, UV_RUN_DEFAULT); /* until every handle is closed */
	serve_swap_world(NULL);
	transfers_free(daemon);
	status_free(daemon);
	detach(daemon);
	if (daemon->publish)
		publish_free(daemon->publish);
	if (daemon->maps)
		kernel_close(daemon->maps);
	if (daemon->store)
		store_free(daemon->store);
	if (daemon->zones)
		zones_free(daemon->zones);
	pools_free(daemon->pools);
	geo_free(daemon->geo);
	free(daemon->geo_fault);
	catalogs_free(daemon->config, daemon->base);
	if (daemon->started != daemon->base)
		config_free(daemon->started);
	config_free(daemon->base);
	free(daemon->world);
	free(daemon->faults);
	for (size_t i = 0; daemon->swaps && i < daemon->attachments_count; i++)
		kernel_swap_close(&daemon->swaps[i]);
	free(daemon->swaps);
	free(daemon->attachments);
	if (daemon->lock >= 0)
		close(daemon->lock);
}

int daemon_run(const char *path)
{
	struct daemon daemon = {
	        .path = path, .started_ms = clock_ms(), .lock = -1, .as_root = geteuid() == 0};
	int err;

	hold_signals();
	rcu_register_thread();
	if (uv_loop_init(&daemon.loop))
		return 1;
	err = come_up(&daemon);
	if (!err) {
		sd_notify(0, "READY=1");
		notify_status(&daemon);
		log_notice("anamed %s answers", ANAMED_VERSION);
		uv_run(&daemon.loop, UV_RUN_DEFAULT);
	} else {
		log_error("anamed could not start");
	}
	go_down(&daemon);
	uv_loop_close(&daemon.loop);
	rcu_unregister_thread();
	if (!err)
		log_notice("stopped");
	return err ? 1 : 0;
}
