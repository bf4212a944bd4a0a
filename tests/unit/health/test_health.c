/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The room with a real loop and real sockets: services on addresses of
 * loopback, in the same loop. What needs certificates and networks is end to
 * end (tests/health).
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "health/health.h"
#include "unit/folder.h"

#define PATIENCE_MS 10000

/* ---- a service that accepts, and may say something ---- */

struct service {
	uv_tcp_t listener;
	const char *says; /* to each that has sent something; NULL: nothing */
	unsigned int accepted;
	uint16_t port;
};

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct service *service;
	char room[2048];
};

static void free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_said(uv_write_t *write, int status)
{
	struct client *client = write->data;

	(void)status;
	if (!uv_is_closing((uv_handle_t *)&client->tcp))
		uv_close((uv_handle_t *)&client->tcp, free_handle);
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	struct client *client = handle->data;

	(void)size;
	*ret = uv_buf_init(client->room, sizeof(client->room));
}

static void on_heard(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct client *client = stream->data;
	const char *says = client->service->says;
	uv_buf_t out;

	(void)buffer;
	if (len < 0 && !uv_is_closing((uv_handle_t *)stream))
		uv_close((uv_handle_t *)stream, free_handle);
	if (len <= 0 || !says)
		return;
	out = uv_buf_init((char *)(uintptr_t)says, (unsigned int)strlen(says));
	client->write.data = client;
	uv_read_stop(stream);
	uv_write(&client->write, stream, &out, 1, on_said);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct service *service = listener->data;
	struct client *client = calloc(1, sizeof(*client));

	assert_int_equal(status, 0);
	service->accepted++;
	uv_tcp_init(listener->loop, &client->tcp);
	client->tcp.data = client;
	client->service = service;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
	uv_read_start((uv_stream_t *)&client->tcp, give_room, on_heard);
}

static void service_open(struct service *service, uv_loop_t *loop, const char *address)
{
	struct sockaddr_in in;
	int len = sizeof(in);

	uv_ip4_addr(address, service->port, &in);
	uv_tcp_init(loop, &service->listener);
	service->listener.data = service;
	assert_int_equal(uv_tcp_bind(&service->listener, (struct sockaddr *)&in, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&service->listener, 128, on_connection), 0);
	uv_tcp_getsockname(&service->listener, (struct sockaddr *)&in, &len);
	service->port = ntohs(in.sin_port);
}

static void service_close(struct service *service)
{
	uv_close((uv_handle_t *)&service->listener, NULL);
}

/* ---- a scene: one check, one loop ---- */

struct scene {
	uv_loop_t loop;
	struct health *health;
	struct config config, other; /* two, to go from one to the other and back */
	struct config_check check, other_check;
	char folder[256];
	unsigned int told, events;
	struct service service;
	uv_timer_t patience;
};

static void on_told(struct health_watch *watch, unsigned int events, void *arg)
{
	struct scene *scene = arg;

	assert_non_null(watch);
	scene->told++;
	scene->events |= events;
}

static char check_name[] = "web", root_path[] = "/";
static struct config_status any_good[] = {{200, 399}};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	folder_template(scene->folder, sizeof(scene->folder), "health");
	assert_non_null(mkdtemp(scene->folder));
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->check = (struct config_check){.name = check_name,
	                                     .path = root_path,
	                                     .status = any_good,
	                                     .status_count = 1,
	                                     .query = {.len = 1},
	                                     .query_type = AN_TYPE_SOA,
	                                     .interval_ms = 30,
	                                     .timeout_ms = 30,
	                                     .rise = 2,
	                                     .fall = 2};
	scene->config =
	        (struct config){.checks = &scene->check, .checks_count = 1, .probes_max = 64};
	scene->config.state_dir = scene->folder;
	scene->health = health_new(&scene->loop);
	assert_non_null(scene->health);
	*state = scene;
	return 0;
}

static void begin(struct scene *scene)
{
	health_configure(scene->health, &scene->config);
}

static void restart(struct scene *scene)
{
	health_free(scene->health);
	scene->health = health_new(&scene->loop);
	begin(scene);
}

static void close_any(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, handle->type == UV_TCP && handle->data &&
		                                 !((uv_tcp_t *)handle)->connection_cb
		                         ? free_handle
		                         : NULL);
}

static int close_scene(void **state)
{
	struct scene *scene = *state;
	char path[300];

	health_free(scene->health);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	uv_walk(&scene->loop, close_any, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	snprintf(path, sizeof(path), "%s/health", scene->folder);
	unlink(path);
	rmdir(scene->folder);
	free(scene);
	return 0;
}

static struct health_watch *watch(struct scene *scene, const char *text)
{
	struct network network;

	assert_int_equal(network_parse(text, &network), 0);
	return health_watch(scene->health, check_name, network.family, network.address, on_told,
	                    scene);
}

static struct health_state state_of(const struct health_watch *watch)
{
	struct health_state state;

	health_state(watch, &state);
	return state;
}

static struct health_info info_of(const struct health_watch *watch)
{
	struct health_info info;

	health_info(watch, &info);
	return info;
}

static void on_patience(uv_timer_t *timer)
{
	(void)timer;
}

/* Runs the loop until the condition holds. */
#define UNTIL(scene, condition)                                                                    \
	do {                                                                                       \
		uint64_t end_ms = clock_ms() + PATIENCE_MS;                                        \
                                                                                                   \
		uv_timer_start(&(scene)->patience, on_patience, PATIENCE_MS, 10);                  \
		while (!(condition)) {                                                             \
			if (clock_ms() >= end_ms)                                                  \
				fail_msg("has not come: %s", #condition);                          \
			uv_run(&(scene)->loop, UV_RUN_ONCE);                                       \
		}                                                                                  \
		uv_timer_stop(&(scene)->patience);                                                 \
	} while (0)

/* ---- tests ---- */

static void a_service_that_goes_is_down_and_up_again_when_it_comes_back(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *w;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.port = service->port;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	assert_true(state_of(w).up);
	assert_false(state_of(w).known);
	UNTIL(scene, info_of(w).good >= 2);
	assert_true(state_of(w).known);
	assert_false(state_of(w).near);
	assert_in_range(state_of(w).connect_us, 1, 1000000);
	assert_string_equal(info_of(w).reason, "ok");

	service_close(service);
	scene->events = 0;
	UNTIL(scene, state_of(w).near);
	assert_true(state_of(w).up);
	assert_int_equal(scene->events & (HEALTH_CHANGED | HEALTH_NEAR), HEALTH_NEAR);
	assert_true(state_of(w).next_change_ms <= clock_ms() + 30);
	UNTIL(scene, !state_of(w).up);
	assert_true(scene->events & HEALTH_CHANGED);
	assert_string_equal(info_of(w).reason, "Connection refused");

	service_open(service, &scene->loop, "127.0.0.9");
	UNTIL(scene, state_of(w).up);
	assert_int_equal(info_of(w).changes, 2);
	assert_int_equal(info_of(w).history_count, 2);
	assert_false(info_of(w).history[0].up);
	assert_string_equal(info_of(w).history[0].reason, "Connection refused");
	assert_true(info_of(w).history[1].up);
	health_unwatch(w);
}

static unsigned int running(const struct scene *scene)
{
	struct health_stats stats;

	health_stats(scene->health, &stats);
	return (unsigned int)stats.running;
}

/* The query that a check has sent, as its reply. */
static void reply_to_query(int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t packet[512];
	ssize_t got = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);

	assert_true(got > 12);
	packet[2] |= 0x84; /* QR, AA */
	assert_int_equal(sendto(fd, packet, (size_t)got, 0, (struct sockaddr *)&from, len), got);
}

/* What has come while the loop stood still counts, though its timer is over. */
static void a_loop_that_stood_still_is_no_failure(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	struct health_watch *w;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(0x7f000009);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	scene->check.kind = CHECK_DNS;
	scene->check.query.len = 1;
	scene->check.query_type = 6;
	scene->check.port = ntohs(in.sin_port);
	scene->check.interval_ms = 60000;
	scene->check.timeout_ms = 50;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	while (!running(scene))
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	reply_to_query(fd);
	usleep(120000);
	UNTIL(scene, info_of(w).good + info_of(w).bad);
	assert_string_equal(info_of(w).reason, "ok");
	assert_int_equal(info_of(w).bad, 0);
	health_unwatch(w);
	close(fd);
}

static void many_watch_and_one_check_is_made(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *watches[10];
	struct health_stats stats;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.port = service->port;
	scene->check.interval_ms = 60000;
	begin(scene);
	for (int i = 0; i < 10; i++)
		watches[i] = watch(scene, "127.0.0.9");
	UNTIL(scene, info_of(watches[0]).good == 1);
	UNTIL(scene, scene->told == 10);
	assert_int_equal(service->accepted, 1);
	health_stats(scene->health, &stats);
	assert_int_equal(stats.watched, 1);
	assert_int_equal(info_of(watches[9]).watchers, 10);
	for (int i = 0; i < 10; i++)
		health_unwatch(watches[i]);
	health_stats(scene->health, &stats);
	assert_int_equal(stats.watched, 0);
	health_unwatch(NULL);
}

static void an_unknown_check_cannot_be_watched(void **state)
{
	struct scene *scene = *state;
	uint8_t address[16] = {127, 0, 0, 1};

	begin(scene);
	assert_null(health_watch(scene->health, "other", 1, address, NULL, NULL));
}

static void states_and_forces_outlive_the_daemon(void **state)
{
	struct scene *scene = *state;
	struct health_watch *w;

	scene->check.port = 1; /* nobody listens there */
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, !state_of(w).up);
	health_unwatch(w);
	w = watch(scene, "::1");
	assert_int_equal(health_force(scene->health, "web/::1", HEALTH_UP), 1);
	health_unwatch(w);
	scene->check.interval_ms = scene->check.timeout_ms = 60000;
	restart(scene);
	w = watch(scene, "127.0.0.9");
	assert_true(state_of(w).known);
	assert_false(state_of(w).up);
	health_unwatch(w);
	w = watch(scene, "::1");
	assert_int_equal(state_of(w).forced, HEALTH_UP);
	health_unwatch(w);
	w = watch(scene, "127.0.0.10");
	assert_false(state_of(w).known);
	assert_true(state_of(w).up);
	health_unwatch(w);
}

static void what_is_written_by_itself_is_there_after_a_kill(void **state)
{
	struct scene *scene = *state;
	struct health_watch *w;
	char path[300], text[300] = "";
	FILE *file;

	scene->check.port = 1;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, !state_of(w).up);
	snprintf(path, sizeof(path), "%s/health", scene->folder);
	UNTIL(scene, access(path, R_OK) == 0);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "\nweb 127.0.0.9 down auto "));
	health_unwatch(w);
}

static void a_file_of_states_that_is_spoilt_is_left_out_line_by_line(void **state)
{
	struct scene *scene = *state;
	char path[300];
	struct health_watch *w;
	FILE *file;

	snprintf(path, sizeof(path), "%s/health", scene->folder);
	file = fopen(path, "we");
	fputs("anamed-health 1\nweb 127.0.0.9 down auto 5 7\nweb 127.0.0.10\nweb x down auto 1 1\n"
	      "web 127.0.0.11 sideways auto 1 1\n\xff\xfe\nweb * unknown down 0 0\n",
	      file);
	fclose(file);
	scene->check.interval_ms = scene->check.timeout_ms = 60000;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	assert_int_equal(state_of(w).forced, HEALTH_DOWN);
	assert_int_equal(state_of(w).connect_us, 7);
	assert_int_equal(health_force(scene->health, "web", HEALTH_AUTO), 1);
	assert_false(state_of(w).up);
	health_unwatch(w);
	w = watch(scene, "127.0.0.11");
	assert_false(state_of(w).known);
	health_unwatch(w);
}

static void a_force_goes_before_results_and_auto_gives_them_back(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *one, *other;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.port = service->port;
	begin(scene);
	one = watch(scene, "127.0.0.9");
	other = watch(scene, "127.0.0.10");
	UNTIL(scene, !state_of(other).up && info_of(one).good);
	assert_int_equal(health_force(scene->health, "web", HEALTH_DOWN), 2);
	assert_false(state_of(one).up);
	assert_true(state_of(one).next_change_ms == CLOCK_MS_NEVER);
	assert_string_equal(info_of(one).history[0].reason, "forced");
	assert_int_equal(health_force(scene->health, "127.0.0.10", HEALTH_UP), 1);
	assert_true(state_of(other).up);
	assert_int_equal(health_force(scene->health, "web/127.0.0.10", HEALTH_DOWN), 1);
	assert_false(state_of(other).up);
	assert_int_equal(health_force(scene->health, "web", HEALTH_AUTO), 2);
	assert_true(state_of(one).up);
	assert_false(state_of(other).up);
	assert_int_equal(health_force(scene->health, "nothing", HEALTH_UP), -ENOENT);
	assert_int_equal(health_force(scene->health, "web/", HEALTH_UP), -ENOENT);
	assert_int_equal(health_force(scene->health, "127.0.0.0/8", HEALTH_UP), -ENOENT);
	assert_int_equal(health_force(scene->health, "192.0.2.1", HEALTH_UP), -ENOENT);
	health_unwatch(one);
	health_unwatch(other);
}

static void a_reload_keeps_what_did_not_change(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *w;
	uint64_t good;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.port = service->port;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, info_of(w).run >= 3);
	scene->other = scene->config;
	scene->other_check = scene->check;
	scene->other.checks = &scene->other_check;
	health_configure(scene->health, &scene->other);
	memset(&scene->check, 0xff, sizeof(scene->check));
	assert_true(info_of(w).run >= 3);
	good = info_of(w).good;
	UNTIL(scene, info_of(w).good > good);

	/* Other settings: what was known stays, and is counted anew. */
	scene->check = scene->other_check;
	scene->check.port = 1;
	health_configure(scene->health, &scene->config);
	assert_int_equal(info_of(w).run, 0);
	assert_true(state_of(w).up && state_of(w).known);
	UNTIL(scene, !state_of(w).up);

	/* No such check any more. */
	scene->other.checks_count = 0;
	health_configure(scene->health, &scene->other);
	assert_true(info_of(w).gone);
	assert_false(state_of(w).up);
	assert_null(watch(scene, "127.0.0.9"));
	health_configure(scene->health, &scene->config);
	assert_false(info_of(w).gone);
	health_unwatch(w);
}

static void unwatch_when_told(struct health_watch *watch, unsigned int events, void *arg)
{
	if (events & HEALTH_CHANGED) {
		*(bool *)arg = true;
		health_unwatch(watch);
	}
}

static void who_is_told_may_let_go(void **state)
{
	struct scene *scene = *state;
	uint8_t address[16] = {127, 0, 0, 9};
	struct health_stats stats;
	bool gone[2] = {false};

	scene->check.port = 1;
	begin(scene);
	for (int i = 0; i < 2; i++)
		assert_non_null(health_watch(scene->health, "web", AN_FAMILY_IPV4, address,
		                             unwatch_when_told, &gone[i]));
	UNTIL(scene, gone[0] && gone[1]);
	health_stats(scene->health, &stats);
	assert_int_equal(stats.watched, 0);
}

static void no_more_at_once_than_there_is_room_for(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service; /* accepts, and never says a word */
	struct health_watch *watches[40];
	struct health_stats stats = {0};
	uint64_t most = 0;
	char text[32];

	service_open(service, &scene->loop, "0.0.0.0");
	scene->check.kind = CHECK_HTTP;
	scene->check.port = service->port;
	scene->check.interval_ms = scene->check.timeout_ms = 50;
	scene->config.probes_max = 5;
	begin(scene);
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "127.0.1.%d", i);
		watches[i] = watch(scene, text);
	}
	do {
		uv_run(&scene->loop, UV_RUN_ONCE);
		health_stats(scene->health, &stats);
		most = stats.running > most ? stats.running : most;
	} while (stats.bad < 80);
	assert_int_equal(most, 5);
	assert_true(stats.late > 0);
	assert_true(stats.waiting > 0);
	for (int i = 0; i < 40; i++) {
		assert_true(info_of(watches[i]).bad > 0);
		health_unwatch(watches[i]);
	}
	UNTIL(scene, (health_stats(scene->health, &stats), stats.running == 0));
	assert_int_equal(stats.waiting, 0);
}

/* ---- idle ---- */

static void nobody_asks_and_it_goes_slower(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *w;
	uint64_t begin_ms;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.port = service->port;
	scene->check.interval_ms = 20;
	scene->check.idle_interval_ms = 60000;
	scene->check.idle_after_ms = 100;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, state_of(w).next_change_ms > clock_ms() + 10000);
	begin_ms = info_of(w).good;
	health_use(w);
	UNTIL(scene, info_of(w).good >= begin_ms + 2);
	/* Failing, it is looked at closely, whoever asks. */
	UNTIL(scene, state_of(w).next_change_ms > clock_ms() + 10000);
	service_close(service);
	health_use(w);
	UNTIL(scene, !state_of(w).up);
	health_unwatch(w);
}

/* ---- HTTP ---- */

struct page {
	const char *says, *match, *reason;
	bool good;
};

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct page pages[] = {
        {OK_HEAD "Content-Length: 5\r\n\r\nhello", NULL, "ok", true},
        {OK_HEAD "Content-Length: 5\r\n\r\nhello", "ell", "ok", true},
        {OK_HEAD "Content-Length: 5\r\n\r\nhello", "help", "status 200, but no `help' in it",
         false},
        {OK_HEAD "\r\nhello", "hello", "ok", true},
        /* Enough was seen, whatever never comes. */
        {OK_HEAD "Content-Length: 5000\r\n\r\nhello", "hello", "ok", true},
        {OK_HEAD "Content-Length: 5000\r\n\r\nhello", NULL, "ok", true},
        {"HTTP/1.1 204 No Content\r\n\r\n", NULL, "ok", true},
        {"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", NULL,
         "ok", true},
        {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", NULL, "status 500", false},
        {"HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhello", "hello", "status 404", false},
        {"SSH-2.0-OpenSSH_9.2p1\r\n", NULL, NULL, false},
        {"", NULL, NULL, false},
};

static void pages_are_judged_by_status_and_body(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.kind = CHECK_HTTP;
	scene->check.port = service->port;
	scene->check.interval_ms = scene->check.timeout_ms = 500;
	begin(scene);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct health_watch *w;
		uint64_t good, bad;

		service->says = pages[i].says;
		scene->check.match = (char *)(uintptr_t)pages[i].match;
		w = watch(scene, "127.0.0.9");
		good = info_of(w).good;
		bad = info_of(w).bad;
		UNTIL(scene, info_of(w).good + info_of(w).bad > good + bad);
		if ((info_of(w).good > good) != pages[i].good)
			fail_msg("%zu: %s", i, info_of(w).reason);
		if (pages[i].reason)
			assert_string_equal(info_of(w).reason, pages[i].reason);
		health_unwatch(w);
	}
}

static void a_page_that_does_not_come_is_given_up_in_time(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->service;
	struct health_watch *w;
	uint64_t begin_ms;

	service_open(service, &scene->loop, "127.0.0.9");
	scene->check.kind = CHECK_HTTP;
	scene->check.port = service->port;
	scene->check.interval_ms = 400;
	scene->check.timeout_ms = 200;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, service->accepted == 1);
	begin_ms = clock_ms();
	UNTIL(scene, info_of(w).bad == 1);
	assert_in_range(clock_ms() - begin_ms, 150, 350);
	assert_string_equal(info_of(w).reason, "no answer within 200 ms");
	/* Two of two, and the second has waited too: within two intervals of the first start. */
	UNTIL(scene, !state_of(w).up);
	assert_in_range(clock_ms() - begin_ms, 350, 700);
	health_unwatch(w);
}

/* ---- commands ---- */

static void run_command(struct scene *scene, const char *script, unsigned int timeout_ms)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	char **argv = calloc(4, sizeof(*argv));

	argv[0] = shell;
	argv[1] = option;
	argv[2] = strdup(script);
	argv[3] = option; /* behind the end */
	scene->check.kind = CHECK_COMMAND;
	scene->check.command = argv;
	scene->check.command_count = 3;
	scene->check.interval_ms = scene->check.timeout_ms = timeout_ms;
	begin(scene);
}

static void end_command(struct scene *scene)
{
	free(scene->check.command[2]);
	free(scene->check.command);
}

static void a_command_speaks_by_its_exit_status(void **state)
{
	struct scene *scene = *state;
	struct health_watch *good, *bad;

	run_command(scene, "test $ADDRESS = 127.0.0.9 -a $CHECK = web -a \"$(pwd)\" = / || exit 7",
	            2000);
	good = watch(scene, "127.0.0.9");
	bad = watch(scene, "127.0.0.10");
	UNTIL(scene, info_of(good).good && info_of(bad).bad);
	assert_string_equal(info_of(bad).reason, "exit status 7");
	assert_string_equal(info_of(good).reason, "ok");
	health_unwatch(good);
	health_unwatch(bad);
	end_command(scene);
}

static void a_command_that_hangs_goes_with_its_children(void **state)
{
	struct scene *scene = *state;
	char script[600], path[300], line[32];
	struct health_watch *w;
	FILE *file;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/pid", scene->folder);
	snprintf(script, sizeof(script), "sleep 1000 & echo $! >%s; wait", path);
	run_command(scene, script, 300);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, info_of(w).bad);
	assert_string_equal(info_of(w).reason, "no answer within 300 ms");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	pid = (pid_t)atoi(line);
	UNTIL(scene, kill(pid, 0) < 0 || access("/proc/self", F_OK) || getpgid(pid) < 0);
	health_unwatch(w);
	end_command(scene);
	unlink(path);
}

static void a_command_that_is_not_there_is_a_failure(void **state)
{
	static char nothing[] = "/nonexistent/program", *argv[] = {nothing, nothing};
	struct scene *scene = *state;
	struct health_watch *w;

	scene->check.kind = CHECK_COMMAND;
	scene->check.command = argv;
	scene->check.command_count = 1;
	begin(scene);
	w = watch(scene, "127.0.0.9");
	UNTIL(scene, !state_of(w).up);
	assert_string_equal(info_of(w).reason, "No such file or directory");
	health_unwatch(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_service_that_goes_is_down_and_up_again_when_it_comes_back),
	        TEST(a_loop_that_stood_still_is_no_failure),
	        TEST(many_watch_and_one_check_is_made),
	        TEST(an_unknown_check_cannot_be_watched),
	        TEST(states_and_forces_outlive_the_daemon),
	        TEST(what_is_written_by_itself_is_there_after_a_kill),
	        TEST(a_file_of_states_that_is_spoilt_is_left_out_line_by_line),
	        TEST(a_force_goes_before_results_and_auto_gives_them_back),
	        TEST(a_reload_keeps_what_did_not_change),
	        TEST(who_is_told_may_let_go),
	        TEST(no_more_at_once_than_there_is_room_for),
	        TEST(nobody_asks_and_it_goes_slower),
	        TEST(pages_are_judged_by_status_and_body),
	        TEST(a_page_that_does_not_come_is_given_up_in_time),
	        TEST(a_command_speaks_by_its_exit_status),
	        TEST(a_command_that_hangs_goes_with_its_children),
	        TEST(a_command_that_is_not_there_is_a_failure),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
