/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/clients.h"
#include "serve/listen.h"
#include "serve/worker.h"

struct world *serve_world;

struct serve {
	struct clients *clients;
	struct limit *limit;
	uint32_t count;
	struct worker workers[];
};

struct world *serve_swap_world(struct world *world)
{
	struct world *old = rcu_xchg_pointer(&serve_world, world);

	if (old)
		synchronize_rcu();
	return old;
}

static uint32_t workers_of(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers)
		return config->workers;
	return cores > 0 ? (uint32_t)cores : 1;
}

/* Two sockets for each address: datagrams and streams. */
static int open_listener(struct listener *listener, const struct config *config, size_t i,
                         struct error *error)
{
	const struct endpoint *address = &config->listen[i / 2];
	int type = i % 2 ? SOCK_STREAM : SOCK_DGRAM, fd = listen_open(address, type);
	char text[NET_TEXT_MAX];

	if (fd < 0)
		return error_set(error, -fd, config->path, 0, "listen: %s (%s): %s",
		                 endpoint_text(address, text), i % 2 ? "TCP" : "UDP",
		                 strerror(-fd));
	listener->family = address->family;
	listener->source.kind = i % 2 ? SOURCE_LISTENER : SOURCE_UDP;
	listener->source.fd = fd;
	return 0;
}

static int open_worker(struct serve *serve, struct worker *worker, const struct config *config,
                       struct flatten *flatten, uint32_t workers, struct error *error)
{
	int code = worker_init(worker, config, flatten, serve->clients, serve->limit,
	                       2 * config->listen_count, workers);

	if (code)
		return error_set(error, -code, config->path, 0, "worker: %s", strerror(-code));
	for (size_t i = 0; i < worker->listeners_count && !code; i++)
		code = open_listener(&worker->listeners[i], config, i, error);
	return code;
}

static void free_all(struct serve *serve)
{
	for (uint32_t i = 0; i < serve->count; i++)
		worker_done(&serve->workers[i]);
	clients_free(serve->clients);
	limit_free(serve->limit);
	free(serve);
}

int serve_open(const struct config *config, struct flatten *flatten, struct serve **ret,
               struct error *error)
{
	uint32_t workers = workers_of(config);
	struct serve *serve = calloc(1, sizeof(*serve) + workers * sizeof(serve->workers[0]));
	int code = 0;

	if (serve) {
		serve->clients = clients_new(config->tcp_max_per_client);
		serve->limit = limit_new(clock_ms());
	}
	if (!serve || !serve->clients || !serve->limit) {
		if (serve)
			free_all(serve);
		return error_set(error, ENOMEM, config->path, 0, "workers: out of memory");
	}
	for (uint32_t i = 0; i < workers && !code; i++) {
		serve->count++;
		code = open_worker(serve, &serve->workers[i], config, flatten, workers, error);
	}
	if (code) {
		free_all(serve);
		return code;
	}
	listen_close_given();
	*ret = serve;
	return 0;
}

int serve_start(struct serve *serve, struct error *error)
{
	for (uint32_t i = 0; i < serve->count; i++) {
		int code = worker_start(&serve->workers[i]);

		if (code)
			return error_set(error, -code, NULL, 0, "worker %u: %s", i,
			                 strerror(-code));
	}
	return 0;
}

void serve_stop(struct serve *serve)
{
	for (uint32_t i = 0; i < serve->count; i++)
		worker_stop(&serve->workers[i]);
	for (uint32_t i = 0; i < serve->count; i++)
		if (serve->workers[i].started)
			pthread_join(serve->workers[i].thread, NULL);
	free_all(serve);
}

uint64_t serve_region_replies(const struct serve *serve, unsigned int policy, uint32_t region)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < serve->count; i++)
		sum += __atomic_load_n(&serve->workers[i].regions[policy][region],
		                       __ATOMIC_RELAXED);
	return sum;
}

/* Every field is a counter of 64 bits. */
void serve_stats(const struct serve *serve, struct serve_stats *ret)
{
	uint64_t *sum = (uint64_t *)ret;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < serve->count; i++) {
		const uint64_t *from = (const uint64_t *)&serve->workers[i].stats;

		for (size_t at = 0; at < sizeof(*ret) / sizeof(*sum); at++)
			sum[at] += __atomic_load_n(&from[at], __ATOMIC_RELAXED);
	}
}
