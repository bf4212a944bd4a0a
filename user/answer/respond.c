/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/respond.h"

#include "answer/edns.h"
#include "answer/plan.h"

/* The address as an_choice() takes it. */
static uint64_t choice_address(const struct endpoint *source)
{
	const uint8_t *a = source->address;

	if (source->family == AN_FAMILY_IPV6)
		return an_load8(a) ^ an_load8(a + 8);
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

/* How long the reply may be: RFC 6891 6.2.3-6.2.5. */
static size_t limit_of(const struct world *world, const struct respond_input *input,
                       const struct query *query, size_t size)
{
	size_t limit = input->tcp ? UINT16_MAX : query->payload;

	if (!input->tcp && query->edns && limit > world->config->udp_payload)
		limit = world->config->udp_payload;
	return limit < size ? limit : size;
}

static struct edns edns_of(const struct world *world, const struct query *query,
                           const struct plan *plan)
{
	return (struct edns){
	        .payload = world->config->udp_payload,
	        .rcode = plan->rcode,
	        .dnssec_ok = query->dnssec_ok,
	        .ecs = query->ecs_present ? &query->ecs : NULL,
	        .scope = plan->scope,
	        .nsid = query->nsid ? world->config->nsid : NULL,
	        .ede = plan->ede,
	        .ede_text = plan->ede_text,
	};
}

/* RFC 1035 4.1.1: id, opcode and RD come from the query. AD and CD are clear (RFC 4035 3.1.6). */
static unsigned int flags_of(const struct query *query, const struct plan *plan, bool complete)
{
	return AN_FLAG_QR | (query->flags & (AN_FLAG_OPCODE | AN_FLAG_RD)) |
	       (plan->aa ? AN_FLAG_AA : 0) | (complete ? 0 : AN_FLAG_TC) |
	       (plan->rcode & AN_FLAG_RCODE);
}

static void write_reply(const struct world *world, const struct respond_input *input,
                        const struct query *query, const struct plan *plan, uint8_t *out,
                        size_t size, struct respond_result *ret)
{
	struct edns edns = edns_of(world, query, plan);
	size_t limit = limit_of(world, input, query, size);
	bool question = query->question_end > AN_DNS_HEADER_LEN, complete;
	struct message m;
	size_t opt;

	/* Whatever the rest is, header, question and OPT fit. */
	if (query->question_end + edns_len(&edns) > limit)
		edns.nsid = NULL;
	opt = query->edns ? edns_len(&edns) : 0;
	if (query->question_end + opt > limit)
		return;
	message_begin(&m, out, limit - opt);
	if (question)
		message_question(&m, query->packet + AN_DNS_HEADER_LEN, query->name_len);
	complete = plan_render(plan, &m,
	                       an_choice(world->seed, query->id, choice_address(&input->source),
	                                 input->source.port));
	message_header(&m, query->id, flags_of(query, plan, complete), question, query->edns);
	if (query->edns) {
		m.w.size = limit;
		edns_put(&m.w, &edns);
	}
	ret->verdict = m.w.failed ? RESPOND_DROP : RESPOND_SEND;
	ret->len = m.w.at;
	ret->rcode = plan->rcode;
	ret->flags = plan->flags;
	ret->zone = plan->zone;
	if (query->ecs_present)
		ret->flags |= RESPOND_ECS;
	if (!complete)
		ret->flags = (ret->flags & ~RESPOND_CACHEABLE) | RESPOND_TRUNCATED;
}

/* A plan without records: only the RCODE speaks. */
static void plan_error(struct plan *plan, const struct query *query)
{
	plan->rcode = query->rcode;
	plan->ede = query->ede;
	plan->ede_text = NULL;
	plan->aa = plan->wait = false;
	plan->scope = 0;
	plan->flags = 0;
	plan->zone = NULL;
	plan->count = plan->hops = 0;
}

static uint16_t want_type(const struct query *query)
{
	return query->type == AN_TYPE_AAAA ? AN_TYPE_AAAA : AN_TYPE_A;
}

/* Also after an answer, for offers to the kernel. */
static void fill_want(const struct plan *plan, const struct query *query,
                      const struct respond_input *input, struct want *want)
{
	name_lower(want->owner, plan->owner, plan->owner_len);
	want->owner_len = (uint8_t)plan->owner_len;
	want->type = want_type(query);
	want->client = plan->question->client.network;
	want->source = input->source;
}

void respond(const struct world *world, const struct respond_input *input, uint8_t *out,
             size_t size, struct respond_result *ret)
{
	struct plan_question question = {
	        .world = world, .last_try = input->last_try, .now_ms = input->now_ms};
	struct query query;
	struct plan plan;

	ret->verdict = RESPOND_DROP;
	ret->len = 0;
	ret->rcode = AN_RCODE_NOERROR;
	ret->flags = 0;
	ret->zone = NULL;
	switch (query_parse(world->config, input->packet, input->len, &query)) {
	case QUERY_DROP:
		return;
	case QUERY_ERROR:
		plan_error(&plan, &query);
		break;
	case QUERY_OK:
		question.name = query.name;
		question.len = query.name_len;
		question.type = query.type;
		question.client = audience_client(
		        world->config, query.ecs_present ? &query.ecs : NULL, &input->source);
		plan_make(&plan, &question);
		if (plan.wait || plan.flags & RESPOND_CACHEABLE)
			fill_want(&plan, &query, input, &ret->want);
		break;
	}
	if (plan.wait) {
		ret->verdict = RESPOND_WAIT;
		ret->zone = plan.zone;
		return;
	}
	write_reply(world, input, &query, &plan, out, size, ret);
}
