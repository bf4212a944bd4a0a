/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host CONFIG CHECK FIRST-ADDRESS COUNT ... - the health room by itself, with
 * addresses from FIRST-ADDRESS on watched by each CHECK.
 *
 * Writes a line of JSON for what it is told: times by CLOCK_MONOTONIC, so that
 * the test can set them against its own. SIGHUP loads the configuration again,
 * SIGUSR1 has the counts printed, SIGTERM ends it as a daemon ends.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "health/health.h"

struct host {
	uv_loop_t loop;
	uv_signal_t signals[3];
	const char *path;
	struct config *config;
	struct health *health;
	struct health_watch **watches;
	size_t count;
};

static struct config *load(const char *path)
{
	struct config *config = NULL;
	struct error error = {0};
	char text[1024];

	if (config_load(path, &config, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		return NULL;
	}
	return config;
}

static void on_told(struct health_watch *watch, unsigned int events, void *arg)
{
	struct health_info info;
	char address[NET_TEXT_MAX];

	(void)arg;
	if (!(events & (HEALTH_CHANGED | HEALTH_NEAR)))
		return;
	health_info(watch, &info);
	net_address_text(info.family, info.address, address);
	printf("{\"ms\": %" PRIu64 ", \"check\": \"%s\", \"address\": \"%s\", \"changed\": %s, "
	       "\"up\": %s, \"near\": %s, \"damped\": %s, \"connect_us\": %u, \"reason\": "
	       "\"%s\"}\n",
	       clock_ms(), info.check, address, events & HEALTH_CHANGED ? "true" : "false",
	       info.state.up ? "true" : "false", info.state.near ? "true" : "false",
	       info.state.damped ? "true" : "false", info.state.connect_us, info.reason);
}

static void print_stats(const struct host *host)
{
	struct health_stats stats;

	health_stats(host->health, &stats);
	printf("{\"stats\": true, \"watched\": %" PRIu64 ", \"up\": %" PRIu64 ", \"down\": %" PRIu64
	       ", \"running\": %" PRIu64 ", \"waiting\": %" PRIu64 ", \"good\": %" PRIu64
	       ", \"bad\": %" PRIu64 ", \"late\": %" PRIu64 "}\n",
	       stats.watched, stats.up, stats.down, stats.running, stats.waiting, stats.good,
	       stats.bad, stats.late);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct host *host = handle->data;
	struct config *config, *old = host->config;

	if (number == SIGUSR1)
		print_stats(host);
	if (number == SIGTERM)
		uv_stop(&host->loop);
	config = number == SIGHUP ? load(host->path) : NULL;
	if (!config)
		return;
	host->config = config;
	health_configure(host->health, config);
	config_free(old);
	printf("{\"reloaded\": true}\n");
}

static void watch_range(struct host *host, const char *check, const char *first, uint32_t count)
{
	struct network network;

	if (network_parse(first, &network)) {
		fprintf(stderr, "%s: no address\n", first);
		exit(2);
	}
	host->watches = realloc(host->watches, (host->count + count) * sizeof(*host->watches));
	for (uint32_t i = 0; i < count; i++) {
		struct health_watch *watch = health_watch(host->health, check, network.family,
		                                          network.address, on_told, host);

		if (!watch) {
			fprintf(stderr, "%s: no such check\n", check);
			exit(2);
		}
		host->watches[host->count++] = watch;
		for (int at = (int)net_family_octets(network.family) - 1;
		     at >= 0 && !++network.address[at]; at--)
			;
	}
}

static void begin(struct host *host)
{
	static const int numbers[] = {SIGHUP, SIGUSR1, SIGTERM};

	for (int i = 0; i < 3; i++) {
		uv_signal_init(&host->loop, &host->signals[i]);
		host->signals[i].data = host;
		uv_signal_start(&host->signals[i], on_signal, numbers[i]);
	}
	printf("{\"begun\": true}\n");
}

static void end(struct host *host)
{
	for (size_t i = 0; i < host->count; i++)
		health_unwatch(host->watches[i]);
	for (int i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&host->signals[i], NULL);
	health_free(host->health);
	uv_run(&host->loop, UV_RUN_DEFAULT);
	uv_loop_close(&host->loop);
	config_free(host->config);
	free(host->watches);
}

int main(int argc, char **argv)
{
	struct host host = {.path = argv[1]};

	if (argc < 5 || argc % 3 != 2) {
		fprintf(stderr, "usage: host CONFIG CHECK FIRST-ADDRESS COUNT ...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init(LOG_LEVEL_WARNING);
	signal(SIGPIPE, SIG_IGN);
	host.config = load(host.path);
	if (!host.config || uv_loop_init(&host.loop))
		return 1;
	host.health = health_new(&host.loop);
	if (!host.health)
		return 1;
	health_configure(host.health, host.config);
	for (int i = 2; i < argc; i += 3)
		watch_range(&host, argv[i], argv[i + 1], (uint32_t)strtoul(argv[i + 2], NULL, 10));
	begin(&host);
	uv_run(&host.loop, UV_RUN_DEFAULT);
	end(&host);
	return 0;
}
