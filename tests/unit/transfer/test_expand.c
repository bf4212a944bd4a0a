/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The desk on a real loop: expanded zones follow their targets, serials are
 * kept, secondaries are told. Targets lie in zones of our own, so that the real
 * flatten loop resolves them without anybody outside.
 */
#include "out_scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transfer/notify.h"
#include "transfer/out_serials.h"

#define PATIENCE_MS 8000

struct bench {
	uv_loop_t loop;
	struct out_scene scene;
	struct flatten *flatten;
	struct transfer_desk *desk;
	char folder[32];
	int secondary; /* socket of one, 127.0.0.1 */
	uint16_t port;
};

static uint64_t stop_at;

static void open_secondary(struct bench *bench)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	bench->secondary = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bench->secondary, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(bench->secondary, (struct sockaddr *)&address, &len), 0);
	bench->port = ntohs(address.sin_port);
}

static void start(struct bench *bench)
{
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	bench->flatten = flatten_new(&bench->loop, bench->scene.world.store);
	bench->desk = transfer_desk_new(&bench->loop, bench->flatten, bench->folder);
	assert_non_null(bench->flatten);
	assert_non_null(bench->desk);
}

static void stop(struct bench *bench)
{
	transfer_desk_free(bench->desk);
	flatten_free(bench->flatten);
	assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	book_clear();
}

static void open_bench(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	strcpy(bench->folder, "/tmp/anamed-expand-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	out_open(&bench->scene, NULL);
	bench->scene.config->resolution_ms = 3000;
	bench->scene.config->ttl_floor = 1;
	open_secondary(bench);
	start(bench);
}

static void close_bench(struct bench *bench)
{
	char path[64];

	stop(bench);
	close(bench->secondary);
	snprintf(path, sizeof(path), "%s/expanded", bench->folder);
	unlink(path);
	assert_int_equal(rmdir(bench->folder), 0);
	out_close(&bench->scene);
}

static struct config_peer *add_secondary(struct bench *bench, enum transfer_mode mode)
{
	struct config_peer *peer = out_peer(&bench->scene, "127.0.0.1", NULL, mode);

	assert_int_equal(endpoint_parse("127.0.0.1", bench->port, &peer->address), 0);
	peer->notify = true;
	return peer;
}

/* The customer's zone, and that of the targets. */
static void serve(struct bench *bench, const char *customer, const char *targets)
{
	struct zone *zone[2] = {out_zone("example.test", customer, &bench->scene.settings),
	                        out_zone("cdn.test", targets, NULL)};
	struct zones *old = bench->scene.world.zones;

	bench->scene.world.zones = zones_new(zone, 2);
	flatten_world(bench->flatten, &bench->scene.world, NULL, NULL, NULL);
	transfer_desk_world(bench->desk, &bench->scene.world);
	zones_free(old);
}

static void on_stop(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop until the condition holds. */
#define WAIT_FOR(bench, condition)                                                                 \
	do {                                                                                       \
		uv_timer_t waker;                                                                  \
		uv_timer_init(&(bench)->loop, &waker);                                             \
		uv_timer_start(&waker, on_stop, 10, 10);                                           \
		stop_at = clock_ms() + PATIENCE_MS;                                                \
		while (!(condition)) {                                                             \
			assert_true(clock_ms() < stop_at);                                         \
			uv_run(&(bench)->loop, UV_RUN_ONCE);                                       \
		}                                                                                  \
		uv_close((uv_handle_t *)&waker, NULL);                                             \
		uv_run(&(bench)->loop, UV_RUN_NOWAIT);                                             \
	} while (0)

static uint32_t serial_of(enum transfer_mode mode)
{
	static const uint8_t apex[] = "\7example\4test";
	struct view *view = book_view(apex, sizeof(apex), mode);
	uint32_t serial = view ? view->serial : 0;

	view_free(view);
	return serial;
}

/* A NOTIFY that has come: its serial (0: none), and the answer to it. */
static uint32_t take_notify(struct bench *bench, const struct config_key *key)
{
	uint8_t message[1500];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(bench->secondary, message, sizeof(message), 0,
	                       (struct sockaddr *)&from, &from_len);
	size_t bare, reply_len = 12 + 14 + 4;
	struct tsig tsig = {0};
	ldns_pkt *pkt = NULL;
	uint32_t serial;

	if (len <= 0)
		return 0;
	assert_int_equal(ldns_wire2pkt(&pkt, message, (size_t)len), LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt_get_opcode(pkt), 4);
	assert_true(ldns_pkt_aa(pkt));
	assert_int_equal(ldns_pkt_ancount(pkt), 1);
	serial = ldns_rdf2native_int32(ldns_rr_rdf(ldns_rr_list_rr(ldns_pkt_answer(pkt), 0), 2));
	ldns_pkt_free(pkt);
	assert_int_equal(tsig_verify_request(&tsig, key, key ? 1 : 0, message, (size_t)len,
	                                     (uint64_t)(clock_unix_ms() / 1000), &bare),
	                 key ? 0 : -ENOENT);
	message[2] |= 0x80;
	message[7] = message[11] = 0;
	if (key)
		assert_int_equal(tsig_sign(&tsig, message, &reply_len, sizeof(message),
		                           (uint64_t)(clock_unix_ms() / 1000)),
		                 0);
	tsig_done(&tsig);
	assert_int_equal(
	        sendto(bench->secondary, message, reply_len, 0, (struct sockaddr *)&from, from_len),
	        reply_len);
	return serial;
}

#define CUSTOMER(serial)                                                                           \
	"$TTL 300\n@ SOA ns hostmaster " serial " 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n"            \
	"@ 60 ANAME edge.cdn.test.\n*.w 60 ANAME edge.cdn.test.\nmail MX 5 ns\n"
#define CDN(body) "$TTL 300\n@ SOA ns hostmaster 1 2 3 4 60\n@ NS ns\nns A 192.0.2.54\n" body

static void test_addresses_come_and_change_and_the_serial_moves(void **state)
{
	struct transfer_out_stats before, after;
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_EXPAND);
	transfer_out_stats(&before);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.1\nedge 1 AAAA 2001:db8::1\n"));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 7);
	assert_int_equal(serial_of(TRANSFER_EXPAND), 7);
	out_ask(&bench.scene, &(struct out_ask){.type = AN_TYPE_AXFR, .source = "127.0.0.1"}, &got);
	assert_int_equal(out_has(&got, "example.test. 1 IN A 203.0.113.1"), 1);
	assert_int_equal(out_has(&got, "example.test. 1 IN AAAA 2001:db8::1"), 1);
	assert_int_equal(out_has(&got, "*.w.example.test. 1 IN A 203.0.113.1"), 1);
	out_got_free(&got);

	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.2\nedge 1 AAAA 2001:db8::1\n"));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 8);
	out_ask(&bench.scene,
	        &(struct out_ask){.type = AN_TYPE_IXFR, .serial = 7, .source = "127.0.0.1"}, &got);
	assert_int_equal(got.records, 8);
	assert_int_equal(out_has(&got, "example.test. 1 IN A 203.0.113.1"), 1);
	assert_int_equal(out_has(&got, "*.w.example.test. 1 IN A 203.0.113.2"), 1);
	out_got_free(&got);
	transfer_out_stats(&after);
	assert_int_equal(after.notifies - before.notifies, 2);
	close_bench(&bench);
}

static void test_a_target_that_goes_away_leaves_its_last_good_addresses(void **state)
{
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_EXPAND);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.1\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 7);
	/* From now on the target is nobody's: upstream, of which there is none, would be asked. */
	serve(&bench,
	      "$TTL 300\n@ SOA ns hostmaster 9 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n"
	      "@ 60 ANAME edge.elsewhere.test.\n",
	      CDN(""));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 9);
	out_ask(&bench.scene, &(struct out_ask){.type = AN_TYPE_AXFR, .source = "127.0.0.1"}, &got);
	assert_int_equal(out_has(&got, "example.test. 1 IN A 203.0.113.1"), 1);
	out_got_free(&got);
	close_bench(&bench);
}

static void test_one_target_that_never_resolves_does_not_hold_the_others(void **state)
{
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_EXPAND);
	serve(&bench, CUSTOMER("7") "dead ANAME nowhere.invalid.\n", CDN("edge 1 A 203.0.113.1\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 7);
	out_ask(&bench.scene, &(struct out_ask){.type = AN_TYPE_AXFR, .source = "127.0.0.1"}, &got);
	assert_int_equal(out_has(&got, "example.test. 1 IN A 203.0.113.1"), 1);
	for (unsigned int i = 0; i < got.records; i++)
		assert_int_not_equal(strncmp(got.lines[i], "dead.", 5), 0);
	out_got_free(&got);
	close_bench(&bench);
}

/* What a restart finds of an owner: an answer whose time is over. */
static void store_last_good(struct bench *bench, const char *owner, const char *address)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(owner, NULL, 0, name);
	struct store *store = bench->scene.world.store;
	struct store_owner *entry;
	struct answer model = {.ttl = 20, .count = 1}, *old;
	struct network net;

	assert_int_equal(network_parse(address, &net), 0);
	rcu_read_lock();
	entry = store_owner_get(store, name, (size_t)len, AN_TYPE_A, clock_ms());
	model.key = audience_key(&(struct network){0}, 0, 0, false);
	model.key.uid = entry->uid;
	model.key.type = AN_TYPE_A;
	model.fetched_ms = model.fresh_until_ms = clock_ms() - 1;
	model.stale_until_ms = clock_ms() + 3600000;
	assert_non_null(store_put(store, entry, &model, net.address, &old, clock_ms()));
	rcu_read_unlock();
}

static void test_a_restart_with_the_target_dead_gives_what_the_store_has_left(void **state)
{
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_EXPAND);
	store_last_good(&bench, "example.test", "203.0.113.77");
	serve(&bench,
	      "$TTL 300\n@ SOA ns hostmaster 7 2 3 4 60\n@ NS ns\nns A 192.0.2.53\n"
	      "@ 60 ANAME edge.elsewhere.test.\n",
	      CDN(""));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 7);
	out_ask(&bench.scene, &(struct out_ask){.type = AN_TYPE_AXFR, .source = "127.0.0.1"}, &got);
	assert_int_equal(out_has(&got, "example.test. 20 IN A 203.0.113.77"), 1);
	out_got_free(&got);
	close_bench(&bench);
}

static void test_serials_survive_and_move_on_if_anything_has_changed(void **state)
{
	struct bench bench;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_EXPAND);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.1\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 7);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.2\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 8);
	stop(&bench);
	store_free(bench.scene.world.store);
	bench.scene.world.store = store_new(1000, 100);

	start(&bench); /* the same addresses: the same serial */
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.2\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) != 0);
	assert_int_equal(serial_of(TRANSFER_EXPAND), 8);
	stop(&bench);
	store_free(bench.scene.world.store);
	bench.scene.world.store = store_new(1000, 100);

	start(&bench); /* others */
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.3\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) != 0);
	assert_int_equal(serial_of(TRANSFER_EXPAND), 9);
	serve(&bench, CUSTOMER("20"), CDN("edge 1 A 203.0.113.3\n")); /* the zone's own is later */
	WAIT_FOR(&bench, serial_of(TRANSFER_EXPAND) == 20);
	close_bench(&bench);
}

static void test_native_secondaries_see_nothing_of_changed_addresses(void **state)
{
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_NATIVE);
	out_peer(&bench.scene, "127.0.0.2", NULL, TRANSFER_BOTH);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.1\n"));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 7);
	WAIT_FOR(&bench, serial_of(TRANSFER_BOTH) == 7);
	serve(&bench, CUSTOMER("7"), CDN("edge 1 A 203.0.113.2\n"));
	WAIT_FOR(&bench, serial_of(TRANSFER_BOTH) == 8);
	assert_int_equal(serial_of(TRANSFER_NATIVE), 7);
	assert_int_equal(take_notify(&bench, NULL), 0);
	serve(&bench, CUSTOMER("9") "new A 192.0.2.9\n", CDN("edge 1 A 203.0.113.2\n"));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 9);
	out_ask(&bench.scene,
	        &(struct out_ask){.type = AN_TYPE_IXFR, .serial = 7, .source = "127.0.0.1"}, &got);
	assert_int_equal(got.records, 5);
	assert_string_equal(got.lines[3], "new.example.test. 300 IN A 192.0.2.9");
	out_got_free(&got);
	close_bench(&bench);
}

static void test_a_reload_of_the_same_data_keeps_the_history(void **state)
{
	struct bench bench;
	struct out_got got;

	(void)state;
	open_bench(&bench);
	add_secondary(&bench, TRANSFER_NATIVE);
	serve(&bench, CUSTOMER("7"), CDN(""));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 7);
	serve(&bench, CUSTOMER("8") "new A 192.0.2.9\n", CDN(""));
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 8);
	serve(&bench, CUSTOMER("8") "new A 192.0.2.9\n", CDN(""));
	WAIT_FOR(&bench, ({
		struct view *view =
		        book_view((const uint8_t *)"\7example\4test", 14, TRANSFER_NATIVE);
		bool taken = view->zone == zones_at(bench.scene.world.zones, 0);

		view_free(view);
		taken;
	}));
	out_ask(&bench.scene,
	        &(struct out_ask){.type = AN_TYPE_IXFR, .serial = 7, .source = "127.0.0.1"}, &got);
	assert_int_equal(got.records, 5);
	out_got_free(&got);
	assert_int_equal(take_notify(&bench, NULL), 0);
	close_bench(&bench);
}

static void test_notify_is_signed_and_repeated_until_it_is_heard(void **state)
{
	struct bench bench;
	struct config_peer *peer;
	struct notify *notify;
	struct view *view;
	uint8_t lost[1500];

	(void)state;
	open_bench(&bench);
	peer = add_secondary(&bench, TRANSFER_NATIVE);
	peer->key = &bench.scene.config->keys[0];
	out_reload(&bench.scene, CUSTOMER("7"));
	view = view_new(zones_at(bench.scene.world.zones, 0), NULL, TRANSFER_NATIVE, 7);
	notify = notify_new(&bench.loop);
	assert_int_equal(notify_send(notify, view, peer), 0);
	assert_int_equal(notify_waiting(notify), 1);
	WAIT_FOR(&bench, recv(bench.secondary, lost, sizeof(lost), 0) > 0);
	WAIT_FOR(&bench, take_notify(&bench, peer->key) == 7);
	WAIT_FOR(&bench, notify_waiting(notify) == 0);
	view_free(view);
	notify_free(notify);
	close_bench(&bench);
}

static void test_a_newer_serial_takes_the_place_of_the_older(void **state)
{
	struct bench bench;
	struct config_peer *peer;
	struct notify *notify;

	(void)state;
	open_bench(&bench);
	peer = add_secondary(&bench, TRANSFER_NATIVE);
	out_reload(&bench.scene, CUSTOMER("7"));
	notify = notify_new(&bench.loop);
	for (uint32_t serial = 7; serial < 12; serial++) {
		struct view *view = view_new(zones_at(bench.scene.world.zones, 0), NULL,
		                             TRANSFER_NATIVE, serial);

		assert_int_equal(notify_send(notify, view, peer), 0);
		view_free(view);
	}
	assert_int_equal(notify_waiting(notify), 1);
	WAIT_FOR(&bench, take_notify(&bench, NULL) == 11);
	WAIT_FOR(&bench, notify_waiting(notify) == 0);
	notify_free(notify);
	close_bench(&bench);
}

static void test_a_broken_file_of_serials_is_said(void **state)
{
	char path[] = "/tmp/anamed-serials-XXXXXX";
	int fd = mkstemp(path);
	struct out_serials *serials;
	struct error error = {0};

	(void)state;
	assert_int_equal(write(fd, "# x\nexample.test. 12 zz\n", 24), 24);
	close(fd);
	serials = out_serials_new(path, &error);
	assert_non_null(serials);
	assert_string_equal(error.file, path);
	assert_int_equal(error.line, 2);
	out_serials_free(serials);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_addresses_come_and_change_and_the_serial_moves),
	        cmocka_unit_test(test_a_target_that_goes_away_leaves_its_last_good_addresses),
	        cmocka_unit_test(test_one_target_that_never_resolves_does_not_hold_the_others),
	        cmocka_unit_test(test_a_restart_with_the_target_dead_gives_what_the_store_has_left),
	        cmocka_unit_test(test_serials_survive_and_move_on_if_anything_has_changed),
	        cmocka_unit_test(test_native_secondaries_see_nothing_of_changed_addresses),
	        cmocka_unit_test(test_a_reload_of_the_same_data_keeps_the_history),
	        cmocka_unit_test(test_notify_is_signed_and_repeated_until_it_is_heard),
	        cmocka_unit_test(test_a_newer_serial_takes_the_place_of_the_older),
	        cmocka_unit_test(test_a_broken_file_of_serials_is_said),
	};

	rcu_register_thread();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
