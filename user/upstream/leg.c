/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/leg.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void count_failure(const struct leg *leg)
{
	server_failed(leg->server, uv_now(leg->loop));
	if (leg->state == LEG_TIMED_OUT)
		leg->server->stats.timeouts++;
	else
		leg->server->stats.failures++;
}

static void count_answer(const struct leg *leg)
{
	server_answered(leg->server, &leg->question, leg->first_rcode, leg->rtt_us,
	                uv_now(leg->loop));
}

/*
 * From one who knows. An authoritative server without AA that has nothing to
 * say gives a referral, or is not the target's (RFC 1034 4.3.2); a resolver
 * without RA that has nothing to say does not resolve for us.
 */
static bool is_answer(const struct leg *leg)
{
	const struct packet_answer *answer = &leg->answer;

	if (answer->truncated ||
	    (answer->rcode != AN_RCODE_NOERROR && answer->rcode != AN_RCODE_NXDOMAIN))
		return false;
	if (answer->answered || answer->authoritative)
		return true;
	return leg->server->config.kind == UPSTREAM_RESOLVER && (answer->recursion || answer->soa);
}

static void note_reply(struct leg *leg, const struct line_outcome *outcome)
{
	leg->state = LEG_REPLIED;
	leg->rtt_us = outcome->rtt_us;
	if (packet_read(outcome->reply, outcome->len, leg->question.name, leg->question.name_len,
	                leg->question.type, &leg->answer)) {
		leg->state = LEG_FAILED;
		leg->status = UPSTREAM_BAD;
	}
}

static void note_outcome(struct leg *leg, const struct line_outcome *outcome)
{
	switch (outcome->status) {
	case LINE_REPLY:
		note_reply(leg, outcome);
		break;
	case LINE_TIMEOUT:
		leg->state = LEG_TIMED_OUT;
		leg->status = UPSTREAM_TIMEOUT;
		break;
	case LINE_MISMATCHED:
		leg->state = LEG_TIMED_OUT;
		leg->status = UPSTREAM_BAD;
		break;
	case LINE_NETWORK:
	case LINE_FAILED:
		leg->state = LEG_FAILED;
		leg->status = UPSTREAM_NETWORK;
		break;
	}
}

/* A reply that lost the race still says how the upstream is. */
static void end_dropped(struct leg *leg, const struct line_outcome *outcome)
{
	if (outcome->status != LINE_FAILED) { /* else the server may be going too */
		note_outcome(leg, outcome);
		if (leg->state != LEG_REPLIED)
			count_failure(leg);
		else if (is_answer(leg))
			count_answer(leg);
	}
	free(leg);
}

static void on_outcome(const struct line_outcome *outcome, void *arg)
{
	struct leg *leg = arg;

	if (!leg->owner) {
		end_dropped(leg, outcome);
		return;
	}
	note_outcome(leg, outcome);
	leg->wake(leg->owner);
}

static void leg_send(struct leg *leg)
{
	uint8_t cases[PACKET_CASE_OCTETS], packet[PACKET_QUESTION_MAX];
	size_t len;

	leg->state = LEG_FAILED;
	leg->status = UPSTREAM_NETWORK;
	if (getrandom(cases, sizeof(cases), 0) != sizeof(cases))
		return;
	len = packet_question(&leg->question, cases, packet);
	leg->server->stats.asked++;
	if (!line_send(leg->server->line, packet, len, on_outcome, leg))
		leg->state = LEG_WAITING;
}

struct leg *leg_begin(uv_loop_t *loop, struct server *server, const uint8_t *name, size_t name_len,
                      uint16_t type, const struct network *client, void (*wake)(void *owner),
                      void *owner)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->loop = loop;
	leg->server = server;
	leg->wake = wake;
	leg->owner = owner;
	leg->tries_left = server->config.tries ? server->config.tries : 1;
	memcpy(leg->name, name, name_len);
	leg->question = server_question(server, client, uv_now(loop));
	leg->question.name = leg->name;
	leg->question.name_len = name_len;
	leg->question.type = type;
	leg_send(leg);
	return leg;
}

/* RFC 7871 7.1.3 and RFC 6891 7: the same question once more, in a plainer form. */
static bool ask_plainer(struct leg *leg)
{
	uint16_t rcode = leg->answer.rcode;
	bool formerr = rcode == AN_RCODE_FORMERR || rcode == AN_RCODE_NOTIMP;

	if (leg->question.ecs && (formerr || rcode == AN_RCODE_REFUSED)) {
		leg->question.ecs = false;
		leg->question.asked = (struct network){0};
		leg->server->stats.without_ecs++;
	} else if (leg->question.edns && formerr) {
		leg->question.edns = false;
	} else {
		return false;
	}
	leg->first_rcode = rcode;
	leg_send(leg);
	return true;
}

static enum leg_verdict settle_failure(struct leg *leg)
{
	count_failure(leg);
	if (leg->state != LEG_TIMED_OUT || !--leg->tries_left)
		return LEG_LOST;
	leg_send(leg);
	return LEG_GOES_ON;
}

enum leg_verdict leg_settle(struct leg *leg)
{
	if (leg->state != LEG_REPLIED)
		return settle_failure(leg);
	if (is_answer(leg)) {
		count_answer(leg);
		return LEG_ANSWERED;
	}
	if (ask_plainer(leg))
		return LEG_GOES_ON;
	leg->status = leg->answer.truncated ? UPSTREAM_BAD : UPSTREAM_SERVFAIL;
	return settle_failure(leg);
}

void leg_drop(struct leg *leg)
{
	leg->owner = NULL;
	if (leg->state != LEG_WAITING)
		free(leg);
}
