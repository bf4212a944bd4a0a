/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On a real veth pair, in a network namespace that goes with this process:
 * replies as they arrive, and the room behind a packet, which native veth has
 * little of.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

#define WAIT_MS 5000

/* The edge's end has the server's address in packet.c, the other the client's. */
static const char *const setup[] = {
        "ip link set lo up",
        "ip link add anedge address 02:5e:21:36:00:02 numtxqueues 2 numrxqueues 2 type veth "
        "peer name anclient address 02:c1:13:47:00:01 numtxqueues 2 numrxqueues 2",
        "ip link set anedge up",
        "ip link set anclient up",
};

static int veth_open(void **state)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		if (system(setup[i]))
			return -1;
	return fixture_open(state);
}

/* Sees what arrives at an interface and is not answered below. */
static int packet_socket(const char *interface, uint16_t protocol)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	                              .sll_protocol = htons(protocol),
	                              .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void receive(int fd, struct packet *ret)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t len;

	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	len = recv(fd, ret->octets, sizeof(ret->octets), 0);
	assert_true(len > 0);
	ret->len = (size_t)len;
}

struct scene {
	struct fixture *fixture;
	struct query_spec query;
	struct answer_spec answer;
	int client, edge; /* packet sockets */
};

static int program(const struct scene *scene)
{
	return bpf_program__fd(scene->fixture->object->progs.anamed_xdp);
}

static void detach(void)
{
	static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};

	for (int i = 0; i < 2; i++) {
		bpf_xdp_detach((int)if_nametoindex("anclient"), modes[i], NULL);
		bpf_xdp_detach((int)if_nametoindex("anedge"), modes[i], NULL);
	}
}

/* The program on both ends: native veth takes no reply for an end that has none. */
static struct scene prepare(void **state, uint32_t flags, unsigned int addresses)
{
	struct scene scene = {.fixture = *state};
	size_t len;
	const uint8_t *name = wire_name("veth.example", &len);

	detach();
	fixture_reset(scene.fixture);
	scene.query = query_spec(false, name, len, AN_TYPE_A);
	scene.query.opt = true;
	scene.answer = answer_spec(AN_TYPE_A, addresses, 1);
	fixture_everyone(scene.fixture, fixture_owner(scene.fixture, name, len, AN_TYPE_A, false),
	                 &scene.answer);
	fixture_serve_on(scene.fixture, &scene.query, if_nametoindex("anedge"));
	assert_int_equal(
	        bpf_xdp_attach((int)if_nametoindex("anedge"), program(&scene), flags, NULL), 0);
	assert_int_equal(
	        bpf_xdp_attach((int)if_nametoindex("anclient"), program(&scene), flags, NULL), 0);
	scene.client = packet_socket("anclient", ETH_P_IP);
	scene.edge = packet_socket("anedge", ETH_P_IP);
	return scene;
}

static void finish(const struct scene *scene)
{
	close(scene->client);
	close(scene->edge);
	detach();
}

static void receive_reply(struct scene *scene)
{
	struct reference how = fixture_reference(scene->fixture, 300, 0);
	struct packet reply, expected;

	receive(scene->client, &reply);
	reference_reply(&scene->query, &scene->answer, &how, &expected);
	assert_int_equal(reply.len, expected.len);
	assert_memory_equal(reply.octets, expected.octets, expected.len);
}

static void expect_reply(struct scene *scene)
{
	struct packet query;

	query_build(&scene->query, &query);
	assert_int_equal(send(scene->client, query.octets, query.len, 0), query.len);
	receive_reply(scene);
}

/* Native veth has 0 to 63 octets behind a small query, and seldom more: most of these grow at the
 * front. */
static void native_replies_arrive(void **state)
{
	for (unsigned int addresses = 0; addresses <= 12; addresses++) {
		struct scene scene = prepare(state, XDP_FLAGS_DRV_MODE, addresses);

		for (unsigned int i = 0; i < 24; i++) {
			scene.query.id = (uint16_t)(i * 1021);
			scene.query.padding = i; /* moves the reply's end against the growth */
			expect_reply(&scene);
		}
		finish(&scene);
	}
}

static void generic_replies_arrive(void **state)
{
	struct scene scene = prepare(state, XDP_FLAGS_SKB_MODE, 20);

	expect_reply(&scene);
	finish(&scene);
}

/* Which of the two sockets hears something first. */
static int first_heard(int one, int other)
{
	struct pollfd wait[2] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};

	assert_true(poll(wait, 2, WAIT_MS) > 0);
	return wait[0].revents ? one : other;
}

/*
 * 57 addresses are 912 octets more than the query. Newer kernels have no such room
 * around a packet; Linux 6.1 copies it to a page of its own first.
 */
static void a_reply_without_room_goes_up_as_the_query_was(void **state)
{
	struct scene scene = prepare(state, XDP_FLAGS_DRV_MODE, 57);
	struct an_counters before, after;
	struct packet query, up;

	query_build(&scene.query, &query);
	fixture_counters(scene.fixture, &before);
	assert_int_equal(send(scene.client, query.octets, query.len, 0), query.len);
	if (first_heard(scene.edge, scene.client) == scene.edge) {
		receive(scene.edge, &up);
		fixture_counters(scene.fixture, &after);
		assert_int_equal(up.len, query.len);
		assert_memory_equal(up.octets, query.octets, query.len);
		assert_int_equal(after.pass_grow - before.pass_grow, 1);
		assert_int_equal(after.hit - before.hit, 0);
	} else {
		receive_reply(&scene);
	}
	finish(&scene);
}

/* ---- tags ---- */

/* Whether the frame came in; what this end sends is seen too. The tag that the kernel has taken
 * off and keeps beside the frame is put back. */
static bool receive_tagged(int fd, struct packet *ret)
{
	union {
		struct cmsghdr header;
		uint8_t octets[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct sockaddr_ll from;
	struct iovec octets = {ret->octets, sizeof(ret->octets) - 4};
	struct msghdr message = {.msg_name = &from,
	                         .msg_namelen = sizeof(from),
	                         .msg_iov = &octets,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	const struct tpacket_auxdata *beside;

	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	ret->len = (size_t)recvmsg(fd, &message, 0);
	assert_non_null(CMSG_FIRSTHDR(&message));
	beside = (const void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
	if (from.sll_pkttype == PACKET_OUTGOING)
		return false;
	if (beside->tp_status & TP_STATUS_VLAN_VALID) {
		memmove(ret->octets + 16, ret->octets + 12, ret->len - 12);
		packet_set16(ret, 12, beside->tp_vlan_tpid);
		packet_set16(ret, 14, beside->tp_vlan_tci);
		ret->len += 4;
	}
	return packet_get16(ret, 12) != ETH_P_IP && packet_get16(ret, 12) != ETH_P_IPV6;
}

static void expect_tagged_reply(struct scene *scene)
{
	struct reference how = fixture_reference(scene->fixture, 300, 0);
	struct packet query, reply, expected;
	int on = 1;

	assert_int_equal(setsockopt(scene->client, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)), 0);
	query_build(&scene->query, &query);
	assert_int_equal(send(scene->client, query.octets, query.len, 0), query.len);
	while (!receive_tagged(scene->client, &reply))
		;
	reference_reply(&scene->query, &scene->answer, &how, &expected);
	assert_int_equal(reply.len, expected.len);
	assert_memory_equal(reply.octets, expected.octets, expected.len);
}

/* One tag (802.1Q), and two (802.1ad before 802.1Q); in both modes. */
static void replies_leave_under_the_tags_of_the_query(void **state)
{
	static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};

	for (unsigned int i = 0; i < 4; i++) {
		struct scene scene = prepare(state, modes[i / 2], 4);

		close(scene.client);
		scene.client = packet_socket("anclient", ETH_P_ALL);
		scene.query.tags = 1 + i % 2;
		expect_tagged_reply(&scene);
		finish(&scene);
	}
}

/* ---- queues ---- */

#define QUEUE_QUERIES 300

/* On one core, into the queue of its number. */
static void ask_on_core(struct scene *scene, unsigned int core)
{
	cpu_set_t cores;
	int on = 1;

	CPU_ZERO(&cores);
	CPU_SET(core, &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores))
		_exit(1);
	close(scene->client);
	scene->client = packet_socket("anclient", ETH_P_IP);
	if (setsockopt(scene->client, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		_exit(1);
	for (unsigned int i = 0; i < QUEUE_QUERIES; i++) {
		struct packet query;

		scene->query.id = (uint16_t)i;
		query_build(&scene->query, &query);
		if (send(scene->client, query.octets, query.len, 0) != (ssize_t)query.len)
			_exit(1);
	}
	_exit(0);
}

static void hits_of_cores(const struct scene *scene, uint64_t hits[2])
{
	struct an_counters each[256];
	uint32_t first = 0;

	assert_in_range(libbpf_num_possible_cpus(), 2, 256);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(scene->fixture->object->maps.counters),
	                                     &first, each),
	                 0);
	hits[0] = each[0].hit;
	hits[1] = each[1].hit;
}

/* Every query of two cores is answered, by the core that it came in at. */
static void two_queues_are_answered_on_two_cores(void **state)
{
	struct scene scene = prepare(state, XDP_FLAGS_DRV_MODE, 4);
	uint64_t before[2], after[2];
	int room = 8 << 20;

	assert_int_equal(setsockopt(scene.client, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)),
	                 0);
	hits_of_cores(&scene, before);
	for (unsigned int core = 0; core < 2; core++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			ask_on_core(&scene, core);
	}
	for (unsigned int i = 0; i < 2; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (unsigned int i = 0; i < 2 * QUEUE_QUERIES; i++) {
		struct packet reply;

		receive(scene.client, &reply);
		assert_int_equal(packet_get16(&reply, spec_dns_at(&scene.query) + 6), 4);
	}
	hits_of_cores(&scene, after);
	assert_int_equal(after[0] - before[0] + after[1] - before[1], 2 * QUEUE_QUERIES);
	assert_true(after[0] > before[0]);
	assert_true(after[1] > before[1]);
	finish(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(native_replies_arrive),
	        cmocka_unit_test(generic_replies_arrive),
	        cmocka_unit_test(replies_leave_under_the_tags_of_the_query),
	        cmocka_unit_test(two_queues_are_answered_on_two_cores),
	        cmocka_unit_test(a_reply_without_room_goes_up_as_the_query_was),
	};

	return cmocka_run_group_tests_name("kernel: veth", tests, veth_open, fixture_close);
}
