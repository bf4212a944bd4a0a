/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "upstream/leg.h"
#include "upstream/upstream.h"

/*
 * A question (upstream_ask) is asked in hops: one for the target, and one more
 * for each name at which an authoritative upstream's reply ends in a CNAME. In
 * each hop a leg (leg.h) is one upstream's effort. Whatever happens is noted in
 * its leg and wakes the question's timer; only step(), on the timer, goes on from there. So nothing
 * is sent, finished or freed from inside c-ares or from inside upstream_ask().
 */

struct upstream_ask {
	struct upstream_ask *next, **link;
	struct upstream *upstream;
	uv_timer_t timer;
	upstream_done done;
	void *arg;
	uint8_t target[NAME_MAX_LEN];
	uint8_t target_len;
	uint8_t name[NAME_MAX_LEN]; /* of this hop; lower case */
	uint8_t name_len;
	uint16_t type;
	struct network client;
	uint64_t deadline_ms, hedge_ms;
	bool over;
	struct leg *legs;
	size_t order_count, order_at; /* upstreams of this hop, and the next to be asked */
	struct upstream_result result;
	uint8_t order[];
};

struct upstream {
	uv_loop_t *loop;
	uint32_t resolution_ms;
	struct upstream_ask *asks;
	upstream_is_own is_own; /* NULL: no name is */
	void *own_arg;
	size_t count;
	struct server servers[];
};

static void on_wake(uv_timer_t *timer);

static void wake(struct upstream_ask *ask)
{
	uv_timer_start(&ask->timer, on_wake, 0, 0);
}

/* The next time that there is something to do, if nothing happens before. */
static void arm(struct upstream_ask *ask)
{
	uint64_t now = uv_now(ask->upstream->loop), next = ask->deadline_ms;

	if (ask->order_at < ask->order_count && ask->hedge_ms < next)
		next = ask->hedge_ms;
	if (!ask->legs)
		next = now;
	for (const struct leg *leg = ask->legs; leg; leg = leg->next)
		if (leg->state != LEG_WAITING)
			next = now;
	uv_timer_start(&ask->timer, on_wake, next > now ? next - now : 0, 0);
}

/* ---- legs ---- */

static void on_leg(void *owner)
{
	wake(owner);
}

/* Lets go of every leg; those with a packet out end when its outcome is in. */
static void drop_legs(struct upstream_ask *ask)
{
	while (ask->legs) {
		struct leg *leg = ask->legs;

		ask->legs = leg->next;
		leg_drop(leg);
	}
}

static void remove_leg(struct upstream_ask *ask, struct leg *leg)
{
	struct leg **link = &ask->legs;

	while (*link != leg)
		link = &(*link)->next;
	*link = leg->next;
	leg_drop(leg);
}

/* ---- the end of a question ---- */

static void free_ask(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_ask(struct upstream_ask *ask)
{
	ask->over = true;
	drop_legs(ask);
	*ask->link = ask->next;
	if (ask->next)
		ask->next->link = ask->link;
	uv_close((uv_handle_t *)&ask->timer, free_ask);
}

static void finish(struct upstream_ask *ask, enum upstream_status status)
{
	ask->result.status = status;
	if (ask->result.ttl == UINT32_MAX)
		ask->result.ttl = 0;
	if (status != UPSTREAM_OK)
		ask->result.count = 0;
	close_ask(ask);
	ask->done(&ask->result, ask->arg);
}

/* ---- hops ---- */

/* The next upstream in order, if there is one. */
static bool ask_next(struct upstream_ask *ask)
{
	struct upstream *upstream = ask->upstream;
	struct server *server;
	struct leg *leg;

	if (ask->order_at == ask->order_count)
		return false;
	server = &upstream->servers[ask->order[ask->order_at++]];
	ask->hedge_ms = uv_now(upstream->loop) + server->config.hedge_ms;
	leg = leg_begin(upstream->loop, server, ask->name, ask->name_len, ask->type, &ask->client,
	                on_leg, ask);
	if (!leg)
		return false;
	leg->next = ask->legs;
	ask->legs = leg;
	return true;
}

static void begin_hop(struct upstream_ask *ask, const uint8_t *name, size_t len)
{
	struct upstream *upstream = ask->upstream;

	memcpy(ask->name, name, len);
	ask->name_len = (uint8_t)len;
	ask->order_at = 0;
	ask->order_count = server_order(upstream->servers, upstream->count, name, len,
	                                uv_now(upstream->loop), ask->order);
	ask->result.status = UPSTREAM_NONE;
	ask_next(ask);
	arm(ask);
}

static bool in_chain(const struct upstream_ask *ask, const uint8_t *name)
{
	if (name_equal(ask->target, ask->target_len, name, name_len(name)))
		return true;
	for (unsigned int i = 0; i < ask->result.chain_count; i++)
		if (name_equal(ask->result.chain[i], name_len(ask->result.chain[i]), name,
		               name_len(name)))
			return true;
	return false;
}

/* Adds the reply's part of the chain to what earlier hops gave. */
static int extend_chain(struct upstream_ask *ask, const struct packet_answer *answer)
{
	struct upstream_result *result = &ask->result;

	if (answer->loop)
		return -ELOOP;
	for (unsigned int i = 0; i < answer->chain_count; i++) {
		if (result->chain_count == UPSTREAM_CHAIN_MAX || in_chain(ask, answer->chain[i]))
			return -ELOOP;
		memcpy(result->chain[result->chain_count++], answer->chain[i], NAME_MAX_LEN);
	}
	return 0;
}

/* The longest of what the hops were asked with, and of what they gave: true for the whole. */
static void merge_scope(struct upstream_result *result, const struct leg *leg)
{
	if (!leg->question.ecs)
		return;
	if (leg->question.asked.len > result->asked.len)
		result->asked = leg->question.asked;
	if (!leg->answer.ecs_echoed)
		return;
	result->ecs_echoed = true;
	/* RFC 7871 7.1.3: for SOURCE 0 a scope means nothing. */
	if (leg->question.asked.len && leg->answer.scope > result->scope)
		result->scope = leg->answer.scope;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The chain ends at the first name of our own, if there is one that this reply has led to. */
static bool leads_home(struct upstream_ask *ask, const struct leg *leg)
{
	const struct upstream *upstream = ask->upstream;
	struct upstream_result *result = &ask->result;

	if (!upstream->is_own || leg->server->config.kind == UPSTREAM_RESOLVER)
		return false;
	for (unsigned int i = result->chain_count - leg->answer.chain_count;
	     i < result->chain_count; i++) {
		const uint8_t *name = result->chain[i];

		if (!upstream->is_own(name, name_len(name), ask->type, upstream->own_arg))
			continue;
		result->chain_count = (uint8_t)(i + 1);
		return true;
	}
	return false;
}

/* The reply decides this hop: the end, or one hop more. */
static void take_answer(struct upstream_ask *ask, const struct leg *leg)
{
	const struct packet_answer *answer = &leg->answer;
	struct upstream_result *result = &ask->result;
	bool last;

	result->index = (uint8_t)(leg->server - ask->upstream->servers);
	result->rcode = answer->rcode;
	result->ttl = least(result->ttl, answer->ttl);
	merge_scope(result, leg);
	if (extend_chain(ask, answer)) {
		finish(ask, UPSTREAM_CHAIN);
		return;
	}
	if (leads_home(ask, leg)) {
		finish(ask, UPSTREAM_LED);
		return;
	}
	if (answer->count && answer->rcode == AN_RCODE_NOERROR) {
		result->count = answer->count;
		memcpy(result->octets, answer->octets, sizeof(result->octets));
		finish(ask, UPSTREAM_OK);
		return;
	}
	/* RFC 6604 3: NXDOMAIN is about the chain's last name. */
	last = leg->server->config.kind == UPSTREAM_RESOLVER || !answer->chain_count ||
	       answer->soa || answer->rcode == AN_RCODE_NXDOMAIN;
	if (!last) {
		const uint8_t *name = answer->chain[answer->chain_count - 1];
		uint8_t next[NAME_MAX_LEN];
		size_t len = name_len(name);

		memcpy(next, name, len);
		drop_legs(ask);
		begin_hop(ask, next, len);
		return;
	}
	result->nxdomain = answer->rcode == AN_RCODE_NXDOMAIN;
	result->ttl = least(result->ttl, answer->negative_ttl);
	finish(ask, UPSTREAM_NODATA);
}

/* ---- steps ---- */

/* What is told if no upstream gives an answer: the failure that says most. */
static void note_failure(struct upstream_ask *ask, enum upstream_status status, uint16_t rcode)
{
	static const uint8_t weight[] = {
	        [UPSTREAM_NONE] = 0, [UPSTREAM_NETWORK] = 1,  [UPSTREAM_TIMEOUT] = 2,
	        [UPSTREAM_BAD] = 3,  [UPSTREAM_SERVFAIL] = 4,
	};

	if (weight[status] < weight[ask->result.status])
		return;
	ask->result.status = status;
	ask->result.rcode = rcode;
}

static void fail_leg(struct upstream_ask *ask, struct leg *leg)
{
	note_failure(ask, leg->status, leg->state == LEG_REPLIED ? leg->answer.rcode : 0);
	ask->result.index = (uint8_t)(leg->server - ask->upstream->servers);
	remove_leg(ask, leg);
	if (!ask->legs)
		ask_next(ask);
}

/* True if the question is over, or in another hop. */
static bool settle(struct upstream_ask *ask, struct leg *leg)
{
	switch (leg_settle(leg)) {
	case LEG_ANSWERED:
		take_answer(ask, leg);
		return true;
	case LEG_GOES_ON:
		return false;
	case LEG_LOST:
		fail_leg(ask, leg);
		break;
	}
	return false;
}

/* A hedge: the next upstream too, because those that were asked are slow. */
static void hedge(struct upstream_ask *ask)
{
	if (ask->order_at == ask->order_count || uv_now(ask->upstream->loop) < ask->hedge_ms)
		return;
	ask->upstream->servers[ask->order[ask->order_at]].stats.hedged++;
	ask_next(ask);
}

static void step(struct upstream_ask *ask)
{
	struct leg *leg, *next;

	for (leg = ask->legs; leg; leg = next) {
		next = leg->next;
		if (leg->state != LEG_WAITING && settle(ask, leg))
			return;
	}
	if (uv_now(ask->upstream->loop) >= ask->deadline_ms) {
		finish(ask, UPSTREAM_TIMEOUT);
		return;
	}
	while (!ask->legs && ask_next(ask))
		;
	if (!ask->legs) {
		finish(ask, ask->result.status);
		return;
	}
	hedge(ask);
	arm(ask);
}

static void on_wake(uv_timer_t *timer)
{
	step(timer->data);
}

/* ---- the room's door ---- */

struct upstream_ask *upstream_ask(struct upstream *upstream, const uint8_t *target, size_t len,
                                  uint16_t type, const struct network *client, upstream_done done,
                                  void *arg)
{
	struct upstream_ask *ask = calloc(1, sizeof(*ask) + upstream->count);

	if (!ask)
		return NULL;
	ask->upstream = upstream;
	ask->done = done;
	ask->arg = arg;
	ask->type = type;
	ask->client = *client;
	ask->target_len = (uint8_t)len;
	name_lower(ask->target, target, len);
	ask->result.status = UPSTREAM_NONE;
	ask->result.ttl = UINT32_MAX;
	uv_timer_init(upstream->loop, &ask->timer);
	ask->timer.data = ask;
	uv_update_time(upstream->loop);
	ask->deadline_ms = uv_now(upstream->loop) + upstream->resolution_ms;
	ask->link = &upstream->asks;
	ask->next = upstream->asks;
	if (ask->next)
		ask->next->link = &ask->next;
	upstream->asks = ask;
	begin_hop(ask, ask->target, len);
	return ask;
}

void upstream_cancel(struct upstream_ask *ask)
{
	if (!ask->over)
		close_ask(ask);
}

struct upstream *upstream_new(uv_loop_t *loop, const struct config *config)
{
	/* Indexes are octets in the result. */
	size_t count = config->upstreams_count < 256 ? config->upstreams_count : 256;
	struct upstream *upstream = calloc(1, sizeof(*upstream) + count * sizeof(struct server));

	if (!upstream)
		return NULL;
	upstream->loop = loop;
	upstream->resolution_ms = config->resolution_ms;
	for (; upstream->count < count; upstream->count++) {
		struct server *server = &upstream->servers[upstream->count];

		server->config = config->upstreams[upstream->count];
		server->line = line_open(loop, &server->config.address, server->config.timeout_ms);
		if (!server->line) {
			upstream_free(upstream);
			return NULL;
		}
	}
	return upstream;
}

void upstream_limits(const struct upstream *upstream, const uint8_t *target, size_t len,
                     uint8_t ret[2])
{
	uint8_t order[256];
	size_t count = server_order(upstream->servers, upstream->count, target, len, 0, order);

	ret[0] = ret[1] = 0;
	for (size_t i = 0; i < count; i++) {
		const struct server *server = &upstream->servers[order[i]];
		unsigned int ipv4 = server_limit(server, AN_FAMILY_IPV4);
		unsigned int ipv6 = server_limit(server, AN_FAMILY_IPV6);

		ret[0] = ipv4 > ret[0] ? (uint8_t)ipv4 : ret[0];
		ret[1] = ipv6 > ret[1] ? (uint8_t)ipv6 : ret[1];
	}
}

void upstream_own(struct upstream *upstream, upstream_is_own is_own, void *arg)
{
	upstream->is_own = is_own;
	upstream->own_arg = arg;
}

size_t upstream_count(const struct upstream *upstream)
{
	return upstream->count;
}

void upstream_stats(const struct upstream *upstream, size_t index, struct upstream_stats *ret)
{
	const struct server *server = &upstream->servers[index];
	uint64_t now = uv_now(upstream->loop);
	struct line_counters counters;

	line_counters(server->line, &counters);
	*ret = server->stats;
	ret->mismatched = counters.mismatched;
	ret->tcp = counters.tcp;
	ret->no_edns = now < server->no_edns_until_ms;
	ret->no_ecs = ret->no_edns || now < server->no_ecs_until_ms;
}

void upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return;
	while (upstream->asks)
		close_ask(upstream->asks);
	for (size_t i = 0; i < upstream->count; i++)
		line_close(upstream->servers[i].line);
	free(upstream);
}
