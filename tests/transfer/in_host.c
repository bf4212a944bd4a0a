/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_host CONFIG - transfers in on their own: a host that serves nothing but tells everything.
 *
 * Reads anamed's configuration, keeps a world as the daemon does, and takes
 * NOTIFY on the first `listen` address. One JSON object a line on standard
 * output for whatever the host is told; commands on standard input: status
 * ZONE, dump ZONE FILE, refresh ZONE, retransfer ZONE, memory OCTETS, idle MS,
 * stats, quit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "transfer/in_room.h"
#include "transfer/zonefile.h"
#include "zone/zones.h"

struct member {
	const struct config_zone *catalog;
	struct config_name name;
};

static struct {
	uv_loop_t loop;
	struct config *base;   /* as loaded */
	struct config *config; /* the same with members; its zones are ours */
	struct zones *zones;
	struct world world;
	struct transfer_in *in;
	struct member *members;
	size_t members_count;
	uv_pipe_t input;
	uv_poll_t notify, notify_tcp;
	int socket, listener;
	char line[1024];
	size_t used;
} host;

static void say(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	puts(text ? text : "{}");
	fflush(stdout);
	free(text);
	json_decref(object);
}

static json_t *name_json(const uint8_t *name)
{
	char text[NAME_TEXT_MAX];

	return json_string(name_to_text(name, text));
}

/* ---- the world ---- */

static struct config *make_config(void)
{
	struct config *config = malloc(sizeof(*config));
	size_t own = host.base->zones_count;

	*config = *host.base;
	config->zones_count = own + host.members_count;
	config->zones = calloc(config->zones_count + 1, sizeof(*config->zones));
	memcpy(config->zones, host.base->zones, own * sizeof(*config->zones));
	for (size_t i = 0; i < host.members_count; i++) {
		struct config_zone *zone = &config->zones[own + i];

		*zone = *host.members[i].catalog;
		zone->name = host.members[i].name;
		zone->catalog = false;
		zone->member_of = host.members[i].catalog;
	}
	return config;
}

static struct zone *data_of(const struct config_zone *settings)
{
	struct zone *zone = NULL;

	if (host.zones)
		zone = zones_exact(host.zones, settings->name.name, settings->name.len);
	if (zone)
		return zone_hold(zone);
	transfer_in_restore(host.base->state_dir, settings, host.base->aname_type, &zone, NULL);
	return zone;
}

/* A new world of the members of now and `fresh` in place of what was there. */
static void turn(struct zone *fresh)
{
	struct config *config = make_config(), *before = host.config;
	struct zone **all = calloc(config->zones_count + 1, sizeof(*all));
	struct zones *old = host.zones;
	size_t count = 0;

	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_name *name = &config->zones[i].name;
		struct zone *zone = fresh;

		if (!fresh || !name_equal(fresh->apex, fresh->apex_len, name->name, name->len))
			zone = data_of(&config->zones[i]);
		else
			fresh = NULL;
		if (zone)
			all[count++] = zone;
	}
	zone_free(fresh); /* its member left meanwhile */
	host.zones = zones_new(all, count);
	free(all);
	host.config = config;
	host.world = (struct world){.config = config, .zones = host.zones};
	transfer_in_world(host.in, &host.world);
	if (old)
		zones_free(old);
	if (before)
		free(before->zones);
	free(before);
}

static void on_install(struct zone *zone, void *arg)
{
	json_t *object = json_pack("{s:s, s:o, s:I, s:I}", "event", "install", "zone",
	                           name_json(zone->apex), "serial", (json_int_t)zone->serial,
	                           "records", (json_int_t)zone->record_count);

	(void)arg;
	turn(zone);
	say(object);
}

static void on_expired(const uint8_t *apex, size_t apex_len, bool expired, void *arg)
{
	(void)apex_len;
	(void)arg;
	say(json_pack("{s:s, s:o, s:b}", "event", "expired", "zone", name_json(apex), "expired",
	              expired));
}

static void on_members(const struct config_zone *catalog, const struct config_name *members,
                       size_t count, void *arg)
{
	struct member *kept = calloc(host.members_count + count + 1, sizeof(*kept));
	json_t *names = json_array();
	size_t used = 0;

	(void)arg;
	for (size_t i = 0; i < host.base->zones_count; i++) /* the one that outlives worlds */
		if (name_equal(host.base->zones[i].name.name, host.base->zones[i].name.len,
		               catalog->name.name, catalog->name.len))
			catalog = &host.base->zones[i];
	for (size_t i = 0; i < host.members_count; i++)
		if (host.members[i].catalog != catalog)
			kept[used++] = host.members[i];
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(names, name_json(members[i].name));
		kept[used++] = (struct member){catalog, members[i]};
	}
	free(host.members);
	host.members = kept;
	host.members_count = used;
	say(json_pack("{s:s, s:o, s:o}", "event", "members", "catalog",
	              name_json(catalog->name.name), "members", names));
	turn(NULL);
}

/* ---- NOTIFY ---- */

static void on_datagram(uv_poll_t *poll, int status, int events)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t packet[4096], reply[4096];
	struct endpoint source;
	ssize_t got;
	size_t len;

	(void)poll;
	(void)status;
	(void)events;
	got = recvfrom(host.socket, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from,
	               &from_len);
	if (got < 0 || endpoint_from_sockaddr(&from, &source))
		return;
	len = transfer_in_notify(&host.world, packet, (size_t)got, &source, reply, sizeof(reply));
	if (len)
		sendto(host.socket, reply, len, 0, (struct sockaddr *)&from, from_len);
}

static size_t read_frame(int fd, uint8_t *packet, size_t size)
{
	size_t len;

	if (recv(fd, packet, 2, MSG_WAITALL) != 2)
		return 0;
	len = (size_t)(packet[0] << 8 | packet[1]);
	return len <= size && recv(fd, packet, len, MSG_WAITALL) == (ssize_t)len ? len : 0;
}

/* One NOTIFY a connection, waited for: whoever connects sends at once. */
static void on_connection(uv_poll_t *poll, int status, int events)
{
	const struct timeval patience = {.tv_sec = 1};
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t packet[4096], reply[2 + 4096];
	struct endpoint source;
	size_t len;
	int fd;

	(void)poll;
	(void)status;
	(void)events;
	fd = accept(host.listener, (struct sockaddr *)&from, &from_len);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	len = read_frame(fd, packet, sizeof(packet));
	if (len && !endpoint_from_sockaddr(&from, &source)) {
		len = transfer_in_notify(&host.world, packet, len, &source, reply + 2,
		                         sizeof(reply) - 2);
		reply[0] = (uint8_t)(len >> 8);
		reply[1] = (uint8_t)len;
		send(fd, reply, len + 2, MSG_NOSIGNAL);
	}
	close(fd);
}

static int bound(int kind)
{
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(&host.base->listen[0], &address);
	int fd = socket(address.ss_family, kind | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&address, len) ? -1 : fd;
}

static int listen_for_notify(void)
{
	host.socket = bound(SOCK_DGRAM);
	host.listener = bound(SOCK_STREAM);
	if (host.socket < 0 || host.listener < 0 || listen(host.listener, 16))
		return -errno;
	uv_poll_init(&host.loop, &host.notify_tcp, host.listener);
	uv_poll_start(&host.notify_tcp, UV_READABLE, on_connection);
	uv_poll_init(&host.loop, &host.notify, host.socket);
	return uv_poll_start(&host.notify, UV_READABLE, on_datagram);
}

/* ---- commands ---- */

static json_t *stats_json(void)
{
	struct transfer_in_stats stats;

	transfer_in_stats(&stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "checks",
	                 (json_int_t)stats.checks, "axfr", (json_int_t)stats.axfr, "ixfr",
	                 (json_int_t)stats.ixfr, "up_to_date", (json_int_t)stats.up_to_date,
	                 "failures", (json_int_t)stats.failures, "notifies",
	                 (json_int_t)stats.notifies, "notifies_refused",
	                 (json_int_t)stats.notifies_refused, "expired", (json_int_t)stats.expired);
}

static void quit(void)
{
	uv_close((uv_handle_t *)&host.input, NULL);
	uv_close((uv_handle_t *)&host.notify, NULL);
	uv_close((uv_handle_t *)&host.notify_tcp, NULL);
	transfer_in_free(host.in);
}

static json_t *dump(const uint8_t *apex, size_t len, const char *path)
{
	const struct zone *zone = zones_exact(host.zones, apex, len);
	struct error error = {0};

	if (!zone || zonefile_save(zone, path, &error))
		return json_pack("{s:s}", "error", zone ? error.text : "no data");
	return json_pack("{s:I}", "serial", (json_int_t)zone->serial);
}

static json_t *zone_command(const char *verb, const char *name, const char *word)
{
	uint8_t apex[NAME_MAX_LEN];
	int len = name_from_text(name, NULL, 0, apex);
	json_t *status;

	if (len < 0)
		return json_pack("{s:s}", "error", "bad name");
	if (!strcmp(verb, "dump"))
		return dump(apex, (size_t)len, word);
	if (!strcmp(verb, "status")) {
		status = transfer_in_status(host.in, apex, (size_t)len);
		return status ? status : json_object();
	}
	return json_pack(
	        "{s:i}", "result",
	        transfer_in_refresh(host.in, apex, (size_t)len, !strcmp(verb, "retransfer")));
}

static void obey(char *line)
{
	char *rest = line;
	const char *verb = strsep(&rest, " "), *first = strsep(&rest, " ");

	if (!strcmp(verb, "quit")) {
		quit();
	} else if (!strcmp(verb, "stats")) {
		say(stats_json());
	} else if (!strcmp(verb, "memory") && first) {
		host.in->limits.memory_max = strtoull(first, NULL, 10);
		say(json_object());
	} else if (!strcmp(verb, "idle") && first) {
		host.in->limits.idle_ms = host.in->limits.connect_ms =
		        (uint32_t)strtoul(first, NULL, 10);
		say(json_object());
	} else if (first) {
		say(zone_command(verb, first, rest ? rest : ""));
	}
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	(void)handle;
	(void)wanted;
	*ret = uv_buf_init(host.line + host.used,
	                   (unsigned int)(sizeof(host.line) - 1 - host.used));
}

static void on_input(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	char *end;

	(void)stream;
	(void)buffer;
	if (got < 0) {
		quit();
		return;
	}
	host.used += (size_t)got;
	host.line[host.used] = '\0';
	while ((end = strchr(host.line, '\n'))) {
		*end++ = '\0';
		obey(host.line);
		host.used -= (size_t)(end - host.line);
		memmove(host.line, end, host.used + 1);
	}
}

int main(int argc, char **argv)
{
	const struct transfer_in_host callbacks = {on_install, on_expired, on_members, NULL};
	struct error error = {0};
	char text[1024];

	log_init(LOG_LEVEL_DEBUG);
	if (argc != 2 || config_load(argv[1], &host.base, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		return 2;
	}
	uv_loop_init(&host.loop);
	host.in = transfer_in_new(&host.loop, host.base->state_dir, &callbacks);
	if (!host.in || listen_for_notify()) {
		perror("in_host");
		return 1;
	}
	turn(NULL);
	uv_pipe_init(&host.loop, &host.input, 0);
	uv_pipe_open(&host.input, STDIN_FILENO);
	uv_read_start((uv_stream_t *)&host.input, on_room, on_input);
	say(json_pack("{s:s}", "event", "ready"));
	uv_run(&host.loop, UV_RUN_DEFAULT);
	uv_loop_close(&host.loop);
	close(host.socket);
	close(host.listener);
	zones_free(host.zones);
	free(host.config->zones);
	free(host.config);
	free(host.members);
	config_free(host.base);
	return 0;
}
