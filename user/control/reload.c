/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reload: everything new is loaded beside the old, in a thread of libuv's pool,
 * and swapped at one instant on the loop. What fails leaves the old in place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/catalogs.h"
#include "control/daemon.h"
#include "control/geography.h"
#include "control/privilege.h"

struct reload {
	uv_work_t work;
	struct daemon *daemon;
	struct control_request *request;
	struct world_load *load;
	struct error error;
	int err;
	bool written; /* its places are in the kernel's other half */
};

static void on_work(uv_work_t *work)
{
	struct reload *reload = work->data;
	struct daemon *daemon = reload->daemon;

	/* The loop leaves daemon->zones and daemon->geo alone while a reload is under way. */
	reload->err =
	        world_load(daemon->path, daemon->zones, daemon->geo, &reload->load, &reload->error);
	/* The next start would fail. */
	if (!reload->err && daemon->as_root)
		reload->err = privilege_find_user(reload->load->base, &reload->error);
	if (!reload->err && reload->load->geo != daemon->geo)
		reload->written = geography_write(daemon, reload->load->geo);
}

/* ---- the reply ---- */

static json_t *fault_json(const struct world_fault *fault)
{
	char zone[NAME_TEXT_MAX];
	json_t *object = json_object();

	json_object_set_new(object, "zone", json_string(name_to_text(fault->zone.name, zone)));
	json_object_set_new(object, "error", json_string(fault->error.text));
	if (fault->error.file[0])
		json_object_set_new(object, "file", json_string(fault->error.file));
	if (fault->error.line)
		json_object_set_new(object, "line", json_integer(fault->error.line));
	json_object_set_new(object, "kept", json_boolean(fault->kept));
	json_object_set_new(object, "loop", json_boolean(fault->loop));
	json_object_set_new(object, "served", json_boolean(fault->served));
	return object;
}

json_t *reload_faults_json(const struct world_fault *faults, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, fault_json(&faults[i]));
	return list;
}

static void reply(struct reload *reload, const char *restart)
{
	struct daemon *daemon = reload->daemon;
	json_t *object;

	if (!reload->request)
		return;
	object = json_object();
	json_object_set_new(object, "zones", json_integer((json_int_t)zones_count(daemon->zones)));
	json_object_set_new(object, "faults",
	                    reload_faults_json(daemon->faults, daemon->faults_count));
	if (restart[0])
		json_object_set_new(object, "restart_needed", json_string(restart));
	if (daemon->geo_fault)
		json_object_set_new(object, "databases_fault", json_string(daemon->geo_fault));
	control_reply(reload->request, object);
	reload->request = NULL;
}

/* ---- the swap ---- */

/* What the new world is made of; taken before anything old is let go. */
struct swap {
	struct world *world;
	struct upstream *upstream;
	bool other_upstream;
};

static int prepare(struct daemon *daemon, const struct world_load *load, struct swap *ret)
{
	ret->world = malloc(sizeof(*ret->world));
	ret->upstream = daemon->upstream;
	ret->other_upstream = !world_same_upstreams(daemon->config, load->config);
	if (!ret->world)
		return -ENOMEM;
	*ret->world = (struct world){
	        .config = load->config,
	        .zones = load->zones,
	        .store = daemon->store,
	        .seed = daemon->seed,
	        .pools = load->pools,
	        .geo = load->geo,
	};
	if (!ret->other_upstream)
		return 0;
	ret->upstream = NULL;
	if (!load->config->upstreams_count)
		return 0;
	ret->upstream = upstream_new(&daemon->loop, load->config);
	if (ret->upstream)
		return 0;
	free(ret->world);
	return -ENOMEM;
}

static void swap_in(struct daemon *daemon, struct world_load *load, const struct swap *swap,
                    bool written)
{
	struct config *old_config = daemon->config, *old_base = daemon->base;
	struct zones *old_zones = daemon->zones;
	struct geo *old_geo = daemon->geo;
	struct pools *old_pools = daemon->pools;
	struct upstream *old_upstream = daemon->upstream;

	world_settle(load->config, load->zones, old_zones, daemon->publish);
	if (daemon->publish)
		publish_settings(daemon->publish, load->config);
	health_configure(daemon->health, load->base);
	if (load->geo != daemon->geo) {
		geography_hold(daemon, load->geo, written);
		daemon->geo_loads += load->base->policies_count != 0;
	}
	geography_fault(daemon, &load->geo_error);
	daemon->base = load->base;
	daemon->config = load->config;
	daemon->zones = load->zones;
	daemon->geo = load->geo;
	daemon->pools = load->pools;
	daemon->world = swap->world;
	daemon->upstream = swap->upstream;
	free(daemon->faults);
	daemon->faults = load->faults;
	daemon->faults_count = load->faults_count;
	load->base = load->config = NULL;
	load->zones = NULL;
	load->geo = NULL;
	load->pools = NULL;
	load->faults = NULL;
	load->faults_count = 0;
	free(serve_swap_world(swap->world));
	flatten_world(daemon->flatten, daemon->world, daemon->upstream, daemon->publish,
	              daemon->keep);
	transfers_world(daemon);
	epochs_expect(daemon);
	status_world(daemon);
	if (swap->other_upstream)
		upstream_free(old_upstream);
	zones_free(old_zones);
	pools_free(old_pools);
	geo_free(old_geo);
	catalogs_free(old_config, old_base);
	if (old_base == daemon->started)
		config_forget_zones(old_base);
	else
		config_free(old_base);
	geography_world(daemon);
	daemon->loaded_unix_ms = clock_unix_ms();
}

static void finish(struct reload *reload)
{
	struct daemon *daemon = reload->daemon;
	char restart[256], text[1024];
	struct swap swap;

	if (!reload->err) {
		reload->err = prepare(daemon, reload->load, &swap);
		if (reload->err)
			error_set(&reload->error, -reload->err, NULL, 0, "out of memory");
	}
	if (reload->err) {
		daemon->reloads_failed++;
		log_error("reload: everything stays as it was: %s",
		          error_text(&reload->error, text, sizeof(text)));
		if (reload->request)
			control_fail(reload->request, &reload->error);
		return;
	}
	world_restart_needed(daemon->started, reload->load->config, restart, sizeof(restart));
	world_log_warnings(reload->load->base);
	world_log_faults(reload->load);
	if (reload->load->geo != daemon->geo)
		world_log_geo(reload->load->geo, NULL, daemon->path);
	swap_in(daemon, reload->load, &swap, reload->written);
	daemon->reloads++;
	log_notice("reloaded: %zu zones, %zu faults%s%s", zones_count(daemon->zones),
	           daemon->faults_count, restart[0] ? "; these wait for a restart: " : "", restart);
	reply(reload, restart);
}

static void on_done(uv_work_t *work, int status)
{
	struct reload *reload = work->data;
	struct daemon *daemon = reload->daemon;
	struct error stopping = {.text = "the daemon is stopping"};

	if (!status && !daemon->stopping)
		finish(reload);
	else if (reload->request)
		control_fail(reload->request, &stopping);
	sd_notify(0, "READY=1");
	world_load_free(reload->load);
	daemon->reload = NULL;
	free(reload);
	if (daemon->stopping)
		return;
	transfers_resume(daemon);
	geography_resume(daemon);
	if (daemon->reload_again)
		reload_on_signal(daemon);
}

void reload_start(struct daemon *daemon, struct control_request *request)
{
	struct error busy = {.text = "a reload is under way already"};
	struct reload *reload;

	if (geography_defers(daemon, request))
		return;
	reload = daemon->reload || geography_is_busy(daemon) ? NULL : calloc(1, sizeof(*reload));

	if (!reload) {
		log_warning("reload: %s", busy.text);
		if (request)
			control_fail(request, &busy);
		return;
	}
	reload->work.data = reload;
	reload->daemon = daemon;
	reload->request = request;
	daemon->reload = reload;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_ms() * 1000);
	uv_queue_work(&daemon->loop, &reload->work, on_work, on_done);
}

void reload_on_signal(struct daemon *daemon)
{
	/* A signal has no reply that could say that it was in vain, and the reload under way may
	 * have read the files before they were changed. */
	daemon->reload_again = daemon->reload != NULL;
	if (!daemon->reload)
		reload_start(daemon, NULL);
}
