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
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

#define WAIT_MS 5000

/* The edge's end has the server's address in packet.c, the other the client's. */
static const char *const setup[] = {
        "ip link set lo up",
        "ip link add anedge address 02:5e:21:36:00:02 type veth "
        "peer name anclient address 02:c1:13:47:00:01",
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
static int packet_socket(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	                              .sll_protocol = htons(ETH_P_IP),
	                              .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));

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
	scene.client = packet_socket("anclient");
	scene.edge = packet_socket("anedge");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(native_replies_arrive),
	        cmocka_unit_test(generic_replies_arrive),
	        cmocka_unit_test(a_reply_without_room_goes_up_as_the_query_was),
	};

	return cmocka_run_group_tests_name("kernel: veth", tests, veth_open, fixture_close);
}
