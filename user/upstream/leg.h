/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leg - one upstream's effort at one name: tries, each one packet, until one
 * reply decides.
 *
 * A leg is on the heap and belongs to the question that began it, until it is
 * dropped; one that still waits then lives on by itself until its packet's
 * outcome is in, because the upstream's counts want it. It owns its copy of
 * the name. Nothing is sent but from leg_begin() and leg_settle().
 */
#ifndef ANAMED_UPSTREAM_LEG_H
#define ANAMED_UPSTREAM_LEG_H

#include "upstream/server.h"

enum leg_state { LEG_WAITING, LEG_REPLIED, LEG_TIMED_OUT, LEG_FAILED };

struct leg {
	struct leg *next; /* the question's */
	uv_loop_t *loop;
	struct server *server;
	void (*wake)(void *owner); /* from the loop, from inside c-ares: the state has changed */
	void *owner;               /* NULL: dropped */
	enum leg_state state;
	enum upstream_status status; /* of a failure */
	unsigned int tries_left;
	struct packet_question question; /* the form of the packet that is out */
	uint16_t first_rcode;            /* of the reply that made us leave ECS or EDNS out */
	uint64_t rtt_us;
	struct packet_answer answer; /* LEG_REPLIED */
	uint8_t name[NAME_MAX_LEN];
};

/* Sends the first packet. If that fails, the state is not LEG_WAITING and wake is not called. NULL:
 * out of memory. */
struct leg *leg_begin(uv_loop_t *loop, struct server *server, const uint8_t *name, size_t name_len,
                      uint16_t type, const struct network *client, void (*wake)(void *owner),
                      void *owner);

enum leg_verdict {
	LEG_ANSWERED, /* NOERROR or NXDOMAIN, from one who knows: in leg->answer */
	LEG_GOES_ON,  /* asked again, or in a plainer form; look at the state again */
	LEG_LOST,     /* leg->status says how */
};

/* What comes of a state that is not LEG_WAITING. Counts for the server. */
enum leg_verdict leg_settle(struct leg *leg);

void leg_drop(struct leg *leg);

#endif
