/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading, pinning, opening and publishing with the kernel's own maps. Root. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel-user/room.h"
#include "kernel/maps.h"

static struct room room;
static struct bench bench;
static struct error error;

static int load(void **state)
{
	(void)state;
	room_config(&room);
	if (!kernel_load(&room.config, &error))
		return 0;
	print_error("%s\n", error.text);
	return -1;
}

static int unload(void **state)
{
	(void)state;
	return kernel_unpin(&room.config, &error);
}

static int open_bench(void **state)
{
	if (load(state))
		return -1;
	bench = (struct bench){.config = room.config};
	if (kernel_open(room.pin_dir, &bench.maps, &error)) {
		print_error("%s\n", error.text);
		return -1;
	}
	bench_publisher(&bench);
	bench_zone(&bench, 1);
	return 0;
}

static int close_bench(void **state)
{
	publish_free(bench.publish);
	kernel_close(bench.maps);
	return unload(state);
}

static struct kernel_maps *opened(void)
{
	struct kernel_maps *maps = NULL;

	if (kernel_open(room.pin_dir, &maps, &error))
		print_error("%s\n", error.text);
	assert_non_null(maps);
	return maps;
}

static uint32_t pinned_program_id(void)
{
	struct maps_program program;
	int fd = maps_open_pin(room.pin_dir, MAPS_PIN_PROGRAM, &error);

	assert_true(fd >= 0);
	assert_int_equal(maps_program_read(fd, &program), 0);
	close(fd);
	return program.id;
}

/* ---- loading and opening ---- */

static void nothing_pinned_is_said_to_be_nothing(void **state)
{
	struct kernel_maps *maps;

	(void)state;
	room_config(&room);
	assert_int_equal(kernel_open(room.pin_dir, &maps, &error), -ENOENT);
	assert_non_null(strstr(error.text, "nothing is loaded"));
}

static void the_control_block_is_set_up_once(void **state)
{
	struct kernel_maps *maps = opened();
	uint64_t seed = maps->control->seed;
	uint32_t program = pinned_program_id();
	int64_t seconds;

	(void)state;
	assert_int_equal(maps->control->abi, AN_ABI_VERSION);
	assert_int_not_equal(seed, 0);
	assert_int_equal(maps->control->mode, AN_MODE_ANSWER);
	assert_int_equal(maps->control->heartbeat, 0);
	assert_int_equal(maps->control->heartbeat_limit, 5 * maps->control->hz);
	seconds = ((int64_t)kernel_ticks(maps, clock_ms()) + maps->control->unix_offset) /
	          maps->control->hz;
	assert_in_range(seconds, clock_unix_ms() / 1000 - 1, clock_unix_ms() / 1000 + 1);
	kernel_close(maps);
	assert_int_equal(kernel_load(&room.config, &error), 0);
	maps = opened();
	assert_true(maps->control->seed == seed);
	assert_int_equal(pinned_program_id(), program);
	kernel_close(maps);
}

static void capacities_are_the_configured_ones_and_then_stay(void **state)
{
	struct kernel_maps *maps = opened();

	(void)state;
	assert_int_equal(maps->owners_max, 200);
	assert_int_equal(maps->slots_count, 601);
	assert_int_equal(maps->cells_count, 201);
	assert_int_equal(maps->zones_count, 8);
	kernel_close(maps);
	room.config.owners_max = 5000;
	room.config.slots_max = 10000;
	assert_int_equal(kernel_load(&room.config, &error), 0);
	maps = opened();
	assert_int_equal(maps->owners_max, 200);
	assert_int_equal(maps->slots_count, 601);
	kernel_close(maps);
}

static void a_pinned_map_of_another_shape_is_refused_by_name(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	char path[128];
	struct kernel_maps *maps;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "slots", 4, 512, 601, &opts);

	(void)state;
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/slots", room.pin_dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_int_equal(kernel_open(room.pin_dir, &maps, &error), -EPROTO);
	assert_non_null(strstr(error.text, "/slots is not of ABI"));
	assert_int_equal(kernel_load(&room.config, &error), -EPROTO);
	assert_non_null(strstr(error.text, "value 512"));
}

static void a_control_block_of_another_abi_is_refused(void **state)
{
	struct kernel_maps *maps = opened();

	(void)state;
	maps->control->abi = AN_ABI_VERSION + 1;
	kernel_close(maps);
	assert_int_equal(kernel_open(room.pin_dir, &maps, &error), -EPROTO);
	assert_int_equal(kernel_load(&room.config, &error), -EPROTO);
}

static void pins_are_for_root_alone(void **state)
{
	char command[320];

	(void)state;
	snprintf(command, sizeof(command),
	         "test \"$(stat -c %%a %s %s/slots %s/prog | tr '\\n' ' ')\" "
	         "= '700 600 600 '",
	         room.pin_dir, room.pin_dir, room.pin_dir);
	room_run(command);
}

static void a_folder_that_is_no_bpffs_is_refused(void **state)
{
	struct config config = room.config;

	(void)state;
	config.pin_dir = (char *)(uintptr_t) "/tmp/kernel-test-no-bpffs";
	assert_int_equal(kernel_load(&config, &error), -ENOTSUP);
	rmdir(config.pin_dir);
}

/* ---- clocks and counters ---- */

/* A machine that is emulated gets its ticks late now and then: so again, if it was such a moment.
 */
static struct maps_clock clock_near(struct kernel_maps *maps)
{
	struct maps_clock clock;

	for (int i = 0; i < 100; i++) {
		uint64_t ticks;

		assert_int_equal(maps_run_clock(maps->clock_fd, &clock), 0);
		ticks = kernel_ticks(maps, clock.ns / 1000000);
		if (ticks >= clock.ticks - 1 && ticks <= clock.ticks + 1)
			return clock;
		assert_int_equal(kernel_clock(maps), 0);
	}
	fail_msg("%s", "never within a tick");
	return clock;
}

static void ticks_are_exact_to_one_and_come_back_unchanged(void **state)
{
	struct kernel_maps *maps = opened();

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct maps_clock clock = clock_near(maps);

		assert_int_equal(kernel_ticks(maps, kernel_ms(maps, clock.ticks + (uint64_t)i)),
		                 clock.ticks + (uint64_t)i);
		assert_int_equal(kernel_ticks(maps, kernel_ms(maps, clock.ticks - (uint64_t)i)),
		                 clock.ticks - (uint64_t)i);
	}
	assert_true(kernel_ticks(maps, CLOCK_MS_NEVER) == AN_NEVER);
	assert_true(kernel_ms(maps, AN_NEVER) == CLOCK_MS_NEVER);
	assert_true(kernel_ticks(maps, CLOCK_MS_NEVER - 1) < AN_NEVER);
	assert_true(kernel_ms(maps, AN_NEVER - 1) < CLOCK_MS_NEVER);
	kernel_close(maps);
}

static void counters_are_summed_over_the_cpus(void **state)
{
	struct kernel_maps *maps = opened();
	struct an_counters *each = calloc((size_t)maps->cpus, sizeof(*each)), sum;
	__u32 key = 0;

	(void)state;
	for (int cpu = 0; cpu < maps->cpus; cpu++) {
		each[cpu].hit = (uint64_t)cpu + 1;
		each[cpu].pass_internal = 7;
	}
	assert_int_equal(bpf_map_update_elem(maps->counters_fd, &key, each, BPF_ANY), 0);
	assert_int_equal(kernel_counters(maps, &sum), 0);
	assert_int_equal(sum.hit, maps->cpus * (maps->cpus + 1) / 2);
	assert_int_equal(sum.pass_internal, 7 * maps->cpus);
	assert_string_equal(kernel_counter_names[0], "hit");
	assert_string_equal(kernel_counter_names[KERNEL_COUNTER_COUNT - 1], "pass_dnssec");
	free(each);
	kernel_close(maps);
}

/* ---- publishing ---- */

static void reopen(void)
{
	publish_free(bench.publish);
	kernel_close(bench.maps);
	bench.maps = opened();
	bench_publisher(&bench);
}

static void a_publisher_that_vanished_is_taken_over_from_the_pins(void **state)
{
	struct publish_stats before, after;

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t uid = bench_owner(&bench, i);

		assert_int_equal(bench_put(&bench, uid, bench_everyone(), i + 1), 0);
		if (i % 2)
			bench_put(&bench, uid,
			          bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, 24),
			          i + 1001);
	}
	before = bench_stats(&bench);
	reopen();
	after = bench_stats(&bench);
	assert_int_equal(after.adopted, 100);
	assert_int_equal(after.adopted_dropped, 0);
	assert_int_equal(after.answers, before.answers);
	assert_int_equal(after.slots_used, before.slots_used);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(bench_ask(&bench, i, 0x01020304, 24), i + 1);
		assert_int_equal(bench_ask(&bench, i, 0xc0000201, 24), i % 2 ? i + 1001 : i + 1);
	}
}

static void full_maps_take_in_the_new_and_let_the_cold_go(void **state)
{
	unsigned int here = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t uid;

		bench_seconds(&bench, 2);
		uid = bench_owner(&bench, i);
		assert_int_equal(bench_put(&bench, uid, bench_everyone(), i + 1), 0);
		assert_int_equal(
		        bench_put(&bench, uid,
		                  bench_key(AN_AUDIENCE_NET, AN_FAMILY_IPV4, 0xc0000200, 24),
		                  i + 2001),
		        0);
		assert_int_equal(bench_ask(&bench, i, 0xc0000201, 24), i + 2001);
	}
	for (unsigned int i = 0; i < 1000; i++)
		here += bench_ask(&bench, i, 0x01020304, 24) == i + 1;
	assert_in_range(here, 150, 200);
	assert_int_equal(bench_stats(&bench).owners, here);
	assert_int_equal(bench_stats(&bench).evicted, 1000 - here);
}

/* One query for each of many names, all cold, into full maps: a flood's insertions. */
static unsigned int flood(unsigned int first, unsigned int count)
{
	unsigned int taken = 0;
	uint64_t uid;

	for (unsigned int i = 0; i < count; i++) {
		if (bench_owner_try(&bench, first + i, &uid))
			continue;
		taken++;
		bench_put(&bench, uid, bench_everyone(), first + i + 1);
	}
	return taken;
}

static void full_maps_let_in_a_share_a_second_and_keep_what_is_asked_for(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		bench_put(&bench, bench_owner(&bench, i), bench_everyone(), i + 1);
	for (unsigned int second = 0; second < 20; second++) {
		bench_seconds(&bench, 2);
		/* The first fifty are asked for every two seconds, which the program marks. */
		for (unsigned int i = 0; i < 50; i++) {
			const struct an_owner_slot *slot = bench_see(&bench, i);

			assert_non_null(slot);
			assert_int_equal(bench_ask(&bench, i, 0x01020304, 24), i + 1);
			((struct an_owner_slot *)(uintptr_t)slot)->head.mark =
			        kernel_ticks(bench.maps, clock_ms());
		}
		taken += flood(1000 + 1000 * second, 1000);
	}
	/* 200 in a minute are less than sixteen a second, which is the least. */
	assert_in_range(taken, 20 * 10, 20 * 17);
	assert_int_equal(bench_stats(&bench).evicted, taken);
	assert_true(bench_stats(&bench).held_back > 10000);
	assert_int_equal(bench_stats(&bench).owners, 200);
}

static void the_heartbeat_is_now_in_ticks(void **state)
{
	uint64_t before = bench.maps->control->heartbeat;
	struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	struct maps_clock clock;

	(void)state;
	nanosleep(&pause, NULL); /* what is tested is that time goes on */
	publish_beat(bench.publish);
	assert_int_equal(maps_run_clock(bench.maps->clock_fd, &clock), 0);
	assert_true(bench.maps->control->heartbeat > before);
	assert_in_range(bench.maps->control->heartbeat, clock.ticks - 2, clock.ticks + 1);
}

int main(void)
{
#define LOADED(test)   cmocka_unit_test_setup_teardown(test, load, unload)
#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_pinned_is_said_to_be_nothing),
	        LOADED(the_control_block_is_set_up_once),
	        LOADED(capacities_are_the_configured_ones_and_then_stay),
	        LOADED(a_pinned_map_of_another_shape_is_refused_by_name),
	        LOADED(a_control_block_of_another_abi_is_refused),
	        LOADED(pins_are_for_root_alone),
	        LOADED(a_folder_that_is_no_bpffs_is_refused),
	        LOADED(ticks_are_exact_to_one_and_come_back_unchanged),
	        LOADED(counters_are_summed_over_the_cpus),
	        ON_BENCH(a_publisher_that_vanished_is_taken_over_from_the_pins),
	        ON_BENCH(full_maps_take_in_the_new_and_let_the_cold_go),
	        ON_BENCH(full_maps_let_in_a_share_a_second_and_keep_what_is_asked_for),
	        ON_BENCH(the_heartbeat_is_now_in_ticks),
	};

	return cmocka_run_group_tests_name("kernel maps", tests, NULL, NULL);
}
